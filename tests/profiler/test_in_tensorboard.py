"""What a traced run took, on the graph page of the real TensorBoard."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import minitf as tf
from tests.browser import Browser
from tests.summary.tensorboard import DEEP, GRAPH_NODES, open_page, tensorboard

pytestmark = pytest.mark.browser

TAG = "step 100"


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """TensorBoard on a graph and a traced run of it."""
    x = tf.placeholder(tf.float32, [None, 64], name="x")
    with tf.name_scope("layer"):
        y = tf.nn.relu(tf.matmul(x, tf.Variable(tf.ones([64, 32]), name="W")), name="y")
    metadata = tf.RunMetadata()
    options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
    folder = tmp_path / "logs"
    with tf.Session() as sess, tf.summary.FileWriter(folder / "train", sess.graph) as writer:
        sess.run(tf.global_variables_initializer())
        sess.run(y, {x: np.ones((16, 64))}, options, metadata)
        writer.add_run_metadata(metadata, TAG, 100)
    with tensorboard(folder) as address:
        yield address


def test_a_traced_run_can_be_chosen_and_gives_times(address: str, browser: Browser) -> None:
    open_page(browser, address, "graphs")
    browser.until("the graph", f"{GRAPH_NODES} return nodes().includes('layer')")
    data = f"{address}data/plugin/graphs"
    query = urllib.parse.urlencode({"run": "train", "tag": TAG})
    with urllib.request.urlopen(f"{data}/run_metadata?{query}", timeout=60) as answer:
        text = answer.read().decode()
    assert 'node_name: "layer/MatMul"' in text
    with urllib.request.urlopen(f"{data}/info", timeout=60) as answer:
        assert TAG in json.load(answer)["train"]["tags"]
    # Choosing the tag has the page read the times, by which it can then colour the nodes.
    browser.run(f"{DEEP} deep('paper-item').find(e => e.innerText == '{TAG}').click()")
    colours = f"{DEEP} const by = name => deep('paper-radio-button').find(e => e.name == name);"
    for measure, unit in (("compute_time", "s"), ("memory", "B")):
        browser.until(f"{measure} can be chosen", f"{colours} return !by('{measure}').disabled")
        browser.run(f"{colours} by('{measure}').click()")
        shown = browser.until(
            f"the range of {measure}",
            f"{DEEP} const ends = deep('.domainEnd').map(e => e.innerText).join();"
            f"return ends.endsWith('{unit}') && ends",
        )
        assert not shown.startswith("0 ")
    assert browser.console() == []
