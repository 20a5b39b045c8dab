"""Records what TensorFlow builds and computes of tests/nn/nn_graphs.py.

    python -m tests.golden.record_nn_graphs

It needs the `parity` extra, and is to be run again when a graph or a value is added there.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tests.engines import load
from tests.graph_text import node_lines
from tests.nn.nn_graphs import GRAPHS, VALUES

HERE = Path(__file__).parent


def main() -> None:
    tf = load("tensorflow.compat.v1")
    tf.disable_v2_behavior()
    tf.disable_resource_variables()
    lines = {}
    for name, build in sorted(GRAPHS.items()):
        with tf.Graph().as_default() as graph:
            build(tf)
        lines[name] = node_lines(graph)
    (HERE / "nn_graphs.json").write_text(json.dumps(lines, indent=1) + "\n")
    arrays = {}
    for name, build in sorted(VALUES.items()):
        with tf.Graph().as_default(), tf.Session() as sess:
            for i, value in enumerate(sess.run(build(tf))):
                arrays[f"{name}_{i}"] = np.asarray(value)
    np.savez_compressed(HERE / "nn_values.npz", **arrays)


if __name__ == "__main__":
    main()
