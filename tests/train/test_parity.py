"""Graphs, variables, rates, averages and losses are those that TensorFlow was recorded with.

Where TensorFlow is installed, it is run again too, and must agree with its recordings.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.engines import ENGINES, load
from tests.graph_text import node_lines
from tests.train import trajectories
from tests.train.graphs import GRAPHS

GOLDEN = Path(__file__).parents[1] / "golden"
RECORDED = json.loads((GOLDEN / "training_graphs.json").read_text())

# TensorFlow takes reciprocal square roots of float32 from an approximation of the processor's
# (Adagrad, Adadelta, sparse RMSProp), powers from its own (Ftrl); computes updates of a vector's
# elements in another order than those of rows; and simplifies the many nodes of a sparse Adam.
# Everything else has its bits.
ROUNDED = {
    "dense": {"adagrad", "adadelta", "ftrl_power", "proximal_adagrad"},
    "rows": {"adagrad", "adadelta", "ftrl_power", "proximal_adagrad", "rmsprop", "centered"}
    | {"adam"},
}
ROUNDED["elements"] = ROUNDED["rows"] | {"ftrl", "ftrl_shrinkage", "proximal"}


@pytest.fixture(scope="module")
def golden() -> Any:
    with np.load(GOLDEN / "training.npz") as arrays:
        return dict(arrays)


@pytest.fixture(params=ENGINES)
def tf(request: pytest.FixtureRequest) -> Any:
    engine = load(request.param)
    if request.param != "minitf":
        engine.disable_v2_behavior()
        engine.disable_resource_variables()
    return engine


def assert_close(actual: np.ndarray, expected: np.ndarray, roundings: int) -> None:
    """Equal but for so many roundings of the largest value; 0 for the same bits."""
    assert actual.dtype == expected.dtype
    scale = np.abs(expected.astype("float64")).max()
    unit = float(np.finfo(expected.dtype).eps) / 2 if expected.dtype.kind == "f" else 0.0
    np.testing.assert_allclose(actual, expected, rtol=0, atol=roundings * unit * scale)


@pytest.mark.parametrize("name", sorted(GRAPHS))
def test_the_graph_is_tensorflows(tf: Any, name: str) -> None:
    """Names, types, inputs, control inputs, attributes, shapes and devices of all nodes."""
    with tf.Graph().as_default() as graph:
        GRAPHS[name](tf)
    assert node_lines(graph) == RECORDED[name]


def test_recordings_are_of_these_graphs() -> None:
    assert sorted(RECORDED) == sorted(GRAPHS)


@pytest.mark.parametrize("name, kind, dtype", trajectories.RUNS)
def test_20_steps(tf: Any, golden: Any, name: str, kind: str, dtype: str) -> None:
    """The variable and all slots, after gradients that are dense, or sparse with repetitions."""
    rounds = name in ROUNDED[kind]
    after = trajectories.train(tf, name, kind, dtype)
    prefix = f"train/{name}-{kind}-{dtype}/"
    assert {prefix + variable for variable in after} == {k for k in golden if k.startswith(prefix)}
    for variable, value in after.items():
        assert_close(value, golden[prefix + variable], trajectories.STEPS if rounds else 0)


@pytest.mark.parametrize("name", trajectories.DECAYS)
def test_learning_rates(tf: Any, golden: Any, name: str) -> None:
    """To a few roundings: powers, logarithms and cosines are approximated in several ways."""
    assert_close(trajectories.rates(tf, name), golden[f"rates/{name}"], 10)


def test_averages(tf: Any, golden: Any) -> None:
    """To the last bit, but for the power in the correction for a start at zero."""
    for name, values in trajectories.averages(tf).items():
        assert_close(values, golden[f"averages/{name}"], 4 if name == "unbiased_tensor" else 0)


@pytest.mark.parametrize("name", trajectories.OPTIMIZERS)
def test_losses_of_minimize(tf: Any, golden: Any, name: str) -> None:
    """The same loss curve to float rounding, and 20 steps counted."""
    losses = trajectories.regression(tf, name)
    assert losses[-1] == trajectories.STEPS
    assert_close(losses[:-1], golden[f"regression/{name}"][:-1], trajectories.STEPS)
