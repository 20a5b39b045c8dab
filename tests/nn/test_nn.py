"""`tf.nn`: TensorFlow's graphs and values, and what it says of arguments that do not fit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import minitf as tf
from tests.graph_text import node_lines
from tests.nn.nn_graphs import GRAPHS, VALUES

GOLDEN = Path(__file__).parents[1] / "golden"
RECORDED = json.loads((GOLDEN / "nn_graphs.json").read_text())
RECORDED_VALUES = dict(np.load(GOLDEN / "nn_values.npz"))


# ---- as TensorFlow builds and computes


@pytest.mark.parametrize("name", sorted(GRAPHS))
def test_the_graph_is_tensorflows(name):
    """Names, types, inputs, control inputs, attributes, shapes and devices of all nodes."""
    with tf.Graph().as_default() as graph:
        GRAPHS[name](tf)
    assert node_lines(graph) == RECORDED[name]


@pytest.mark.parametrize("name", sorted(VALUES))
def test_the_values_are_tensorflows(name):
    """Values and gradients, at nan and inf too; random ones draw the same numbers."""
    with tf.Graph().as_default(), tf.Session() as sess:
        for i, value in enumerate(sess.run(VALUES[name](tf))):
            expected = RECORDED_VALUES[f"{name}_{i}"]
            assert np.asarray(value).dtype == expected.dtype, i
            scale = np.abs(expected[np.isfinite(expected)]).max(initial=0)
            np.testing.assert_allclose(
                value, expected, rtol=1e-5, atol=2e-6 * scale, err_msg=f"{name} {i}"
            )


def test_recordings_are_of_these_graphs_and_values():
    assert sorted(RECORDED) == sorted(GRAPHS)
    assert {key.rsplit("_", 1)[0] for key in RECORDED_VALUES} == set(VALUES)
