# Everything a fresh machine needs: Python 3.10 or newer (with venv) and make.
# `make` alone says what there is.

PYTHON ?= python3
VENV   ?= .venv
ARGS   ?=

PARITY_VENV := .venv-parity
TORCH_VENV  := .venv-torch
RAY_VENV    := .venv-ray
TORCH       := torch==2.13.0 numpy
PY          := $(VENV)/bin/python
PIP         := -m pip --disable-pip-version-check install --quiet
METADATA    := pyproject.toml minitf/_version.py

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help mnist test test-network test-tensorboard test-ray chaos fuzz lint parity parity-record parity-report side-by-side bench bench-growth bench-parts bench-page bench-kernels bench-distributed bench-saving pictures graphviz screenshots docs clean

help:  ## say what there is
	@echo "minitf: make <target> [PYTHON=python3.12] [ARGS='...']"
	@echo
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) \
	    | while IFS='|' read -r target what; do printf '  %-14s %s\n' "$$target" "$$what"; done
	@echo
	@echo "The first call makes $(VENV) and installs what is needed; later calls reuse it."

mnist: $(VENV)/.installed  ## train the tutorial's CNN on MNIST and print its test accuracy
	$(PY) examples/04_mnist_cnn.py $(ARGS)

test: $(VENV)/.installed-dev  ## run the tests, two at a time
	$(PY) -m pytest -n 2 $(ARGS)

test-network: $(VENV)/.installed-dev  ## fetch all of MNIST, and train the CNN to 99 %
	$(PY) -m pytest -m network -s $(ARGS)

test-tensorboard: $(VENV)/.installed-browser  ## open TensorBoard, and our own pages, in a browser
	timeout --kill-after=30 1800 $(PY) -m pytest -m browser $(ARGS)

test-ray: $(RAY_VENV)/.installed  ## run a cluster on a real Ray with two nodes
	$(RAY_VENV)/bin/python -m pytest -m ray tests/distributed/launcher $(ARGS)

chaos: $(VENV)/.installed-dev  ## kill processes in the middle of saving and of training
	$(PY) -m pytest -m chaos $(ARGS)

fuzz: $(VENV)/.installed-dev  ## send 108,000 hostile inputs to the port of a server
	$(PY) -m pytest -m fuzz tests/distributed $(ARGS)

lint: $(VENV)/.installed-dev  ## ruff, and mypy --strict
	$(PY) -m ruff check .
	$(PY) -m mypy

parity: $(PARITY_VENV)/.installed  ## compare with real TensorFlow, in an environment of its own
	TF_USE_LEGACY_KERAS=1 TF_CPP_MIN_LOG_LEVEL=3 \
	    $(PARITY_VENV)/bin/python -m pytest -n 2 -m parity tests $(ARGS)

parity-record: $(PARITY_VENV)/.installed  ## record anew what TensorFlow does (ARGS=losses)
	TF_USE_LEGACY_KERAS=1 TF_CPP_MIN_LOG_LEVEL=3 \
	    $(PARITY_VENV)/bin/python -m tests.parity.record $(ARGS)

parity-report: $(PARITY_VENV)/.installed  ## write docs/parity.md from what was compared
	TF_USE_LEGACY_KERAS=1 TF_CPP_MIN_LOG_LEVEL=3 \
	    $(PARITY_VENV)/bin/python -m tests.parity.report

side-by-side: $(PARITY_VENV)/.installed  ## train a CNN in minitf and in TensorFlow, and compare
	TF_USE_LEGACY_KERAS=1 TF_CPP_MIN_LOG_LEVEL=3 \
	    $(PARITY_VENV)/bin/python -m tests.parity.side_by_side $(ARGS)

# The engines that minitf is measured beside, each in an environment of its own.
PEERS := $(PARITY_VENV)/.installed $(TORCH_VENV)/.installed

bench: $(VENV)/.installed $(PEERS)  ## measure beside TensorFlow and PyTorch (ARGS=--quick)
	$(PY) -m benchmarks $(ARGS)

bench-growth: $(VENV)/.installed $(PEERS)  ## plot how cost grows with graph and batch
	$(PY) -m benchmarks.growth $(ARGS)

bench-parts: $(VENV)/.installed  ## measure what each part of the engine is worth
	$(PY) -m benchmarks.ablation $(ARGS)

bench-page: $(VENV)/.installed  ## write the figures of docs/performance.md from the records
	$(PY) -m benchmarks.page

bench-kernels: $(VENV)/.installed  ## measure the kernels alone
	$(PY) -m benchmarks.kernels $(ARGS)

bench-distributed: $(VENV)/.installed $(PARITY_VENV)/.installed  ## measure a parameter server beside TensorFlow's
	$(PY) -m benchmarks.distributed $(ARGS)

bench-saving: $(PARITY_VENV)/.installed  ## measure saving beside TensorFlow
	$(PARITY_VENV)/bin/python -m benchmarks.saving $(ARGS)

pictures: $(VENV)/.installed graphviz  ## draw the graphs in docs/img anew
	$(PY) docs/pictures.py $(ARGS)

screenshots: $(VENV)/.installed-browser  ## take the pictures of TensorBoard in docs/img anew
	$(PY) docs/screenshots.py $(ARGS)

docs: $(VENV)/.installed-docs  ## build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict $(ARGS)

clean:  ## remove the environments and everything else that make made
	rm -rf $(VENV) $(PARITY_VENV) $(TORCH_VENV) $(RAY_VENV) build dist site *.egg-info
	rm -rf .benchmarks .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp is touched only when its step has succeeded, so that an interrupted one is done again;
# it is older than pyproject.toml when the dependencies may have changed.

%/.made:
	@command -v $(PYTHON) >/dev/null 2>&1 || { \
	    echo "minitf needs Python 3.10 or newer, and there is no '$(PYTHON)' on the PATH." >&2; \
	    echo "Install Python, or name one: make PYTHON=/path/to/python3 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
	    echo "minitf needs Python 3.10 or newer, and '$(PYTHON)' is $$($(PYTHON) -V 2>&1)." >&2; \
	    echo "Name a newer one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	    echo "'$(PYTHON)' cannot make an environment: its venv module is missing." >&2; \
	    echo "On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "Making the environment $(@D); the first install takes some minutes on a slow line."
	$(PYTHON) -m venv --clear $(@D)
	@touch $@

$(VENV)/.installed: $(METADATA) | $(VENV)/.made
	$(PY) $(PIP) -e .
	@touch $@

$(VENV)/.installed-dev: $(METADATA) | $(VENV)/.made
	$(PY) $(PIP) -e '.[dev]'
	@touch $(VENV)/.installed $@

graphviz:  ## install what draws graphs, where it is missing
	@command -v dot >/dev/null || { \
	    echo "Pictures of graphs need Graphviz: apt install graphviz" >&2; test "$$(id -u)" = 0 || exit 1; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	        apt-get install -y -qq --no-install-recommends graphviz >/dev/null; }

# Debian's names of the browser; elsewhere it has to be there, with its driver.
CHROMIUM := chromium chromium-driver
$(VENV)/.installed-browser: $(VENV)/.installed-dev
	$(PY) $(PIP) -e '.[browser]'
	@command -v chromium >/dev/null && command -v chromedriver >/dev/null || { \
	    echo "The tests need a browser: apt install $(CHROMIUM)" >&2; test "$$(id -u)" = 0 || exit 1; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	        apt-get install -y -qq --no-install-recommends $(CHROMIUM) >/dev/null; }
	@touch $@

$(VENV)/.installed-docs: $(METADATA) | $(VENV)/.made
	$(PY) $(PIP) -e '.[docs]'
	@touch $(VENV)/.installed $@

$(PARITY_VENV)/.installed: $(METADATA) | $(PARITY_VENV)/.made
	$(PARITY_VENV)/bin/python $(PIP) -e '.[parity]'
	@touch $@

$(RAY_VENV)/.installed: $(METADATA) | $(RAY_VENV)/.made
	$(RAY_VENV)/bin/python $(PIP) -e '.[ray,dev]'
	@touch $@

# PyTorch does not change when minitf's metadata do: it is installed once.
$(TORCH_VENV)/.installed: | $(TORCH_VENV)/.made
	$(TORCH_VENV)/bin/python $(PIP) $(TORCH)
	@touch $@
