"""Trained models are frozen, written and read in both engines, and say the same in the other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format

from tests.engines import ENGINES, MODULES
from tests.parity import frozen
from tests.parity.harness import engine

LIVE = len(MODULES) > 1


@pytest.fixture(scope="module", params=ENGINES)
def tf(request: pytest.FixtureRequest) -> Any:
    return engine(request.param)


@pytest.fixture(scope="module")
def recorded() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(frozen.RECORDED.read_text())
    return found


def agree(actual: Any, probabilities: Any, best: Any) -> None:
    np.testing.assert_allclose(actual[0], probabilities, rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(actual[1], best)


def test_a_frozen_cnn_of_tensorflows(tf: Any, recorded: dict[str, Any]) -> None:
    """The text that TensorFlow wrote is read, imported and run."""
    graph_def = text_format.Parse(frozen.FROZEN_CNN.read_text(), tf.GraphDef())
    assert not {node.op for node in graph_def.node} & {"VariableV2", "Assign"}
    agree(frozen.run_frozen(tf, graph_def), recorded["probabilities"], recorded["best"])


def test_a_cnn_is_trained_and_frozen_alike(tf: Any, recorded: dict[str, Any]) -> None:
    """The frozen graph has the nodes that TensorFlow's has, and the weights but for rounding."""
    graph_def, values = frozen.trained_cnn(tf)
    agree(frozen.run_frozen(tf, graph_def), values[0], values[1])
    np.testing.assert_allclose(values[0], recorded["probabilities"], rtol=1e-4)
    tensorflows = text_format.Parse(frozen.FROZEN_CNN.read_text(), tf.GraphDef())
    assert [(n.name, n.op, list(n.input)) for n in graph_def.node] == [
        (n.name, n.op, list(n.input)) for n in tensorflows.node
    ]
    for node, expected in zip(graph_def.node, tensorflows.node, strict=True):
        if node.op == "Const":
            weights = tf.make_ndarray(node.attr["value"].tensor)
            wanted = tf.make_ndarray(expected.attr["value"].tensor)
            np.testing.assert_allclose(weights, wanted, rtol=1e-4, atol=1e-6, err_msg=node.name)


@pytest.mark.parity
@pytest.mark.skipif(not LIVE, reason="TensorFlow is not installed")
@pytest.mark.parametrize("as_text", [True, False])
@pytest.mark.parametrize("writer", MODULES)
def test_one_engine_reads_the_file_of_the_other(writer: str, as_text: bool, tmp_path: Path) -> None:
    first, second = engine(writer), engine(next(name for name in MODULES if name != writer))
    graph_def, values = frozen.trained_cnn(first)
    path = first.train.write_graph(graph_def, str(tmp_path / "new" / "folder"), "g", as_text)
    assert path == str(tmp_path / "new" / "folder" / "g")
    data = Path(path).read_bytes()
    read = second.GraphDef()
    if as_text:
        text_format.Parse(data.decode(), read)
    else:
        read.ParseFromString(data)
    agree(frozen.run_frozen(second, read), values[0], values[1])


@pytest.mark.parity
@pytest.mark.skipif(not LIVE, reason="TensorFlow is not installed")
def test_minitf_takes_tensorflows_own_messages() -> None:
    """minitf's functions take TensorFlow's GraphDef without a detour over bytes."""
    minitf, tensorflow = engine("minitf"), engine("tensorflow.compat.v1")
    graph_def, values = frozen.trained_cnn(tensorflow)
    agree(frozen.run_frozen(minitf, graph_def), values[0], values[1])
    cut = minitf.graph_util.extract_sub_graph(graph_def, ["probabilities"])
    assert isinstance(cut, tensorflow.GraphDef)
    assert len(cut.node) < len(graph_def.node)


@pytest.mark.parametrize("label", frozen.calls())
def test_graph_util(tf: Any, label: str, recorded: dict[str, Any]) -> None:
    assert all_results(tf)[label] == recorded["calls"][label]


_RESULTS: dict[str, dict[str, Any]] = {}


def all_results(tf: Any) -> dict[str, Any]:
    if tf.__name__ not in _RESULTS:
        _RESULTS[tf.__name__] = frozen.results(tf)
    return _RESULTS[tf.__name__]


def test_checks_of_numbers_are_spliced_out() -> None:
    """TensorFlow drops the input of what takes a checked value; minitf joins the ends."""
    tf = engine("minitf")
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [2], name="x")
        tf.negative(tf.check_numerics(x, "bad", name="checked"), name="y")
    left = tf.graph_util.remove_training_nodes(graph.as_graph_def())
    assert [(node.name, list(node.input)) for node in left.node] == [("x", []), ("y", ["x"])]
