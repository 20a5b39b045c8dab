"""What every test starts from: an empty default graph, offline data and reproducible draws."""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import settings

from tests.browser import browser as browser

# MNIST comes from the sample in the package, here and in the processes that tests start: no test
# waits for a network, or depends on what a cache happens to hold, unless it says so itself.
os.environ["MINITF_OFFLINE"] = "1"
os.environ.pop("MNIST_DIR", None)
# Nor on how the developer's shell has seeds derived, or images convolved.
os.environ.pop("MINITF_SEEDS", None)
os.environ.pop("MINITF_CONV", None)

# A compilation inside an example makes it slow once, which is not a failure: no deadline.
settings.register_profile("default", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("fuzz", deadline=None, max_examples=2000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(autouse=True)
def fresh_default_graph() -> None:
    """An empty default graph and no default session, whatever the test before left behind."""
    from minitf.framework import default

    default._stacks.graphs.clear()
    default._stacks.sessions.clear()
    default.reset_default_graph()
    np.random.seed(0)
