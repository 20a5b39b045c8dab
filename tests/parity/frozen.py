"""Graphs that are cut, frozen and written to files in both engines: `tf.graph_util` and kin.

python -m tests.parity.frozen      has TensorFlow recorded in tests/golden/frozen.*
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.parity.harness import SEED, engine, session
from tests.parity.recording import GOLDEN

RECORDED = GOLDEN / "frozen.json"
FROZEN_CNN = GOLDEN / "frozen_cnn.pbtxt"

# ---- a trained CNN

IMAGES = np.random.default_rng(3).uniform(0, 1, (4, 8, 8, 1)).astype(np.float32)
LABELS = np.array([0, 2, 1, 2], np.int64)


def trained_cnn(tf: Any) -> tuple[Any, Any]:
    """A small CNN after five steps, frozen; its `GraphDef` and what it says of `IMAGES`."""
    with tf.Graph().as_default() as graph:
        tf.set_random_seed(SEED)
        x = tf.placeholder(tf.float32, [None, 8, 8, 1], name="x")
        hidden = tf.layers.conv2d(x, 4, 3, activation=tf.nn.relu)
        hidden = tf.layers.max_pooling2d(hidden, 2, 2)
        hidden = tf.layers.dropout(tf.layers.flatten(hidden), 0.5)
        hidden = tf.layers.batch_normalization(hidden, training=False)
        logits = tf.layers.dense(hidden, 3, name="logits")
        probabilities = tf.nn.softmax(logits, name="probabilities")
        tf.argmax(probabilities, 1, name="best")
        loss = tf.losses.sparse_softmax_cross_entropy(LABELS, logits)
        train = tf.train.AdamOptimizer(0.01).minimize(loss)
        with session(tf) as sess:
            sess.run(tf.global_variables_initializer())
            for _ in range(5):
                sess.run(train, {x: IMAGES})
            values = sess.run([probabilities, "best:0"], {x: IMAGES})
            frozen = tf.graph_util.convert_variables_to_constants(
                sess, graph.as_graph_def(), ["probabilities", "best"]
            )
    return frozen, values


def run_frozen(tf: Any, graph_def: Any) -> Any:
    """What a frozen CNN says of `IMAGES` in one engine."""
    with tf.Graph().as_default(), session(tf) as sess:
        names = ["x:0", "probabilities:0", "best:0"]
        x, *outputs = tf.import_graph_def(graph_def, return_elements=names, name="frozen")
        return sess.run(outputs, {x: IMAGES})


# ---- calls of tf.graph_util


def graph_of(tf: Any) -> Any:
    """A graph with variables, chains of identities, control edges and several outputs."""
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 2], name="x")
        v = tf.Variable([[1.5], [2.0]], name="v")
        w = tf.get_variable("w", [1], initializer=tf.ones_initializer())
        with tf.device("/cpu:0"):
            tf.Variable(3, name="u", trainable=False)
        with tf.control_dependencies([tf.identity(x, name="waited_for")]):
            h = tf.identity(x, name="waits")
        y = tf.nn.relu(tf.matmul(h, v) + w, name="y")
        z = tf.identity(tf.identity(y, name="z"), name="zz")
        tf.gather(v, [0], name="rows")
        both = tf.add(tf.identity(z, name="i1"), tf.identity(z, name="i2"), name="both")
        (part,) = tf.split(both, 1, axis=1, name="part")
        tf.identity(part, name="last")
        _, places = tf.unique([1, 1, 2], name="unique")
        places = tf.identity(places, name="places")
        with tf.control_dependencies([places]):
            tf.add(places, 2, name="after")
        with tf.control_dependencies([tf.check_numerics(x, "x", name="checked")]):
            tf.negative(x, name="after_check")
        tf.assign_add(v, v, name="grow")
        tf.global_variables_initializer()
    return graph


Call = Callable[[Any, Any, Any], Any]


def calls() -> dict[str, Call]:
    """What is asked of `tf.graph_util`: functions of tf, the graph's GraphDef and a session."""
    found: dict[str, Call] = {}
    for nodes in (["y"], ["rows", "z"], ("init",), [], ["gone"], ["y:0"], "y"):
        found[f"extract {nodes}"] = lambda tf, graph_def, sess, nodes=nodes: (
            tf.graph_util.extract_sub_graph(graph_def, nodes)
        )
    found["extract of no graph"] = lambda tf, graph_def, sess: tf.graph_util.extract_sub_graph(
        3, ["y"]
    )
    for protected in (None, ["z", "last"], [], ["gone"]):
        found[f"remove, but {protected}"] = lambda tf, graph_def, sess, protected=protected: (
            tf.graph_util.remove_training_nodes(graph_def, protected)
        )
    for nodes in (["y"], ["zz", "rows"], ["init"], ["grow"], ["gone"], [], "y"):
        found[f"freeze {nodes}"] = lambda tf, graph_def, sess, nodes=nodes: (
            tf.graph_util.convert_variables_to_constants(sess, graph_def, nodes)
        )
    for option in ("variable_names_whitelist", "variable_names_blacklist"):
        for names in (["v"], ["gone"], ["v:0"], []):
            found[f"freeze y, {option} {names}"] = (
                lambda tf, graph_def, sess, each=(option, names): (
                    tf.graph_util.convert_variables_to_constants(
                        sess, graph_def, ["y"], **{each[0]: each[1]}
                    )
                )
            )
    for name in ("y", "y:0", "gone"):
        found[f"shape of {name}"] = lambda tf, graph_def, sess, name=name: str(
            tf.graph_util.tensor_shape_from_node_def_name(sess.graph, name)
        )
    for pinned in (False, True):
        found[f"on the CPU, pinned: {pinned}"] = lambda tf, graph_def, sess, pinned=pinned: [
            op.name
            for op in sess.graph.get_operations()
            if tf.graph_util.must_run_on_cpu(op, pinned)
            and tf.graph_util.must_run_on_cpu(op.node_def, pinned)
        ]
    return found


def results(tf: Any) -> dict[str, Any]:
    """What comes of all calls in one engine."""
    graph = graph_of(tf)
    found: dict[str, Any] = {}
    with graph.as_default(), session(tf) as sess:
        sess.run("init")
        for label, call in calls().items():
            try:
                result = call(tf, graph.as_graph_def(), sess)
            except (TypeError, AssertionError, KeyError, ValueError) as error:
                kind = next(k for k in (TypeError, AssertionError, KeyError, ValueError)
                            if isinstance(error, k))  # fmt: skip
                result = kind.__name__
            found[label] = [_line(n) for n in result.node] if hasattr(result, "node") else result
    return found


def _line(node: Any) -> str:
    """A node as text; of TensorFlow's notes to itself nothing."""
    attrs = [f"{key}={_brief(node.attr[key])}" for key in sorted(node.attr) if key[:4] != "_has"]
    return f"{node.name} {node.op}({', '.join(node.input)}) {' '.join(attrs)} {node.device}"


def _brief(value: Any) -> str:
    return " ".join(str(value).split())


# ---- the recording


def main() -> None:
    tf = engine("tensorflow.compat.v1")
    frozen, (probabilities, best) = trained_cnn(tf)
    path = Path(tf.train.write_graph(frozen, str(GOLDEN), FROZEN_CNN.name, as_text=True))
    assert path == FROZEN_CNN
    record = {
        "probabilities": probabilities.tolist(),
        "best": best.tolist(),
        "calls": results(tf),
    }
    RECORDED.write_text(json.dumps(record, indent=0) + "\n")
    print(f"{len(record['calls'])} calls; a frozen CNN of {len(frozen.node)} nodes")


if __name__ == "__main__":
    main()
