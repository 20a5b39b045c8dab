"""Records in variable_graphs.json what TensorFlow builds of tests/ops/variable_graphs.py.

    python tests/golden/record_variable_graphs.py

needs `tensorflow` (the parity extra).
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

import tensorflow.compat.v1 as tf  # noqa: E402

from tests.graph_text import node_lines  # noqa: E402
from tests.ops.variable_graphs import GRAPHS  # noqa: E402


def main() -> None:
    tf.disable_v2_behavior()
    tf.disable_resource_variables()
    recorded = {}
    for name, build in GRAPHS.items():
        with tf.Graph().as_default() as graph:
            build(tf)
        recorded[name] = node_lines(graph)
    (HERE / "variable_graphs.json").write_text(json.dumps(recorded, indent=0) + "\n")


if __name__ == "__main__":
    main()
