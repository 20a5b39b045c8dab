"""Records what TensorFlow builds and raises of tests/ops/array_graphs.py.

    python -m tests.golden.record_array_graphs

It needs the `parity` extra, and is to be run again when a graph or an error is added there.
"""

from __future__ import annotations

import json
from pathlib import Path

from tests.engines import load
from tests.graph_text import node_lines
from tests.ops.array_graphs import ERRORS, GRAPHS, RUN_ERRORS, error_of

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
    recorded = {
        "graphs": lines,
        "errors": {name: error_of(tf, build) for name, build in ERRORS.items()},
        "run_errors": {name: error_of(tf, build) for name, build in RUN_ERRORS.items()},
    }
    (HERE / "array_graphs.json").write_text(json.dumps(recorded, indent=1) + "\n")


if __name__ == "__main__":
    main()
