"""The tutorial's exercise in the real TensorBoard, opened in a real browser."""

from __future__ import annotations

import json
import signal
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minitf
from minitf.contrib.tensorboard.plugins import projector
from tests.browser import Browser
from tests.summary.tensorboard import (
    CURVES,
    GRAPH_NODES,
    HISTOGRAMS,
    IMAGES,
    open_page,
    open_scope,
    tensorboard,
    wait_for,
)
from tests.summary.test_writer import WRITES_FOREVER, run
from tests.test_examples import run_example

pytestmark = pytest.mark.browser

RUNS = ["rate_0.001", "rate_0.01", "rate_0.1"]
STEPS = 100  # of which each tenth is noted


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """TensorBoard on what examples/07_tensorboard.py has written."""
    folder = tmp_path_factory.mktemp("exercise")
    where = ["--data_dir", folder / "data", "--log_dir", folder / "logs"]
    run_example("07_tensorboard", "--steps", STEPS, *where)
    with tensorboard(folder / "logs") as address:
        yield address


def test_the_scalars_page_shows_three_curves(address: str, browser: Browser) -> None:
    open_page(browser, address, "scalars")
    for tag in ("accuracy", "loss"):
        colors = browser.until(
            f"three curves of {tag}", f"{CURVES} const found = curves('{tag}');"
            "return found.length == 3 && found"
        )  # fmt: skip
        assert len(set(colors)) == 3
    assert browser.console() == []


def test_the_histograms_page_shows_the_weights(address: str, browser: Browser) -> None:
    open_page(browser, address, "histograms")
    for layer in ("hidden", "output"):
        shown = browser.until(
            f"histograms of {layer}/weights at each noted step of three runs",
            f"{HISTOGRAMS} const found = histograms('{layer}/weights');"
            f"return Object.values(found).filter(n => n == {STEPS // 10}).length == 3 && found",
        )
        assert sorted(shown) == RUNS
    assert browser.console() == []


def test_the_graphs_page_shows_scopes_that_open_on_a_click(address: str, browser: Browser) -> None:
    open_page(browser, address, "graphs")
    names = browser.until(
        "the scopes are drawn", f"{GRAPH_NODES} return nodes().length > 5 && nodes()"
    )
    assert {"input", "hidden", "output", "cross_entropy", "evaluation", "train"} <= set(names)
    assert "hidden/MatMul" not in names
    open_scope(browser, "hidden")
    names = browser.run(f"{GRAPH_NODES} return nodes()")
    assert {"hidden/MatMul", "hidden/Relu", "hidden/W", "hidden/b"} <= set(names)
    assert browser.console() == []


def test_the_graphs_page_knows_what_a_traced_step_took(address: str, browser: Browser) -> None:
    open_page(browser, address, "graphs")
    runs = browser.run("return fetch('data/plugin/graphs/info').then(answer => answer.json())")
    assert sorted(runs) == RUNS
    for about in runs.values():
        assert about["tags"]["step 50"]["profile"]
    question = "data/plugin/graphs/run_metadata?run=rate_0.1&tag=step%2050"
    stats = browser.run(f"return fetch('{question}').then(answer => answer.text())")
    assert 'node_name: "hidden/MatMul"' in stats


def test_the_images_page_shows_digits(address: str, browser: Browser) -> None:
    open_page(browser, address, "images")
    sizes = browser.until(
        "three digits of three runs", f"{IMAGES} return images().length == 9 && images()"
    )
    assert sizes == [[28, 28]] * 9


def test_the_projector_finds_the_vectors(tmp_path: Path) -> None:
    (tmp_path / "vectors.tsv").write_text("1\t2\t3\n4\t5\t6\n")
    (tmp_path / "labels.tsv").write_text("a\nb\n")
    config = projector.ProjectorConfig()
    embedding = config.embeddings.add(tensor_name="vectors", tensor_path="vectors.tsv")
    embedding.metadata_path = "labels.tsv"
    with minitf.summary.FileWriter(tmp_path, minitf.Graph()) as writer:
        projector.visualize_embeddings(writer, config)
    with tensorboard(tmp_path) as address:

        def answer(question: str) -> Any:
            url = f"{address}data/plugin/projector/{question}"
            with urllib.request.urlopen(url, timeout=120) as response:
                return response.read()

        wait_for("the run", lambda: json.loads(answer("runs")) == ["."])
        (found,) = json.loads(answer("info?run=."))["embeddings"]
        assert found["tensorName"] == "vectors" and found["tensorShape"] == [2, 3]
        assert answer("metadata?run=.&name=vectors") == b"a\nb\n"
        vectors = np.frombuffer(answer("tensor?run=.&name=vectors"), "<f4")
        assert vectors.tolist() == [1, 2, 3, 4, 5, 6]


def test_tensorboard_reads_what_a_killed_process_flushed(tmp_path: Path) -> None:
    accumulator_module: Any = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator"
    )
    with run(WRITES_FOREVER, tmp_path) as process:
        assert process.stdout is not None
        killer = threading.Timer(120, process.kill)  # if it hangs
        killer.start()
        flushed = [int(process.stdout.readline()) for _ in range(5)][-1]
        process.send_signal(signal.SIGKILL)
        process.wait(60)
        killer.cancel()
    everything = {accumulator_module.SCALARS: 0}
    accumulator = accumulator_module.EventAccumulator(str(tmp_path), everything).Reload()
    steps = [event.step for event in accumulator.Scalars("loss")]
    assert steps[: flushed + 1] == list(range(flushed + 1))
    assert accumulator.Graph() is not None
