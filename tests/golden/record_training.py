"""Records what TensorFlow makes of tests/train/graphs.py and tests/train/trajectories.py.

    python tests/golden/record_training.py

needs `tensorflow` (the parity extra). The graphs go to training_graphs.json; what variables,
learning rates, averages and losses become goes to training.npz, as "<what>/<case>/<name>".
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

import numpy as np  # noqa: E402
import tensorflow.compat.v1 as tf  # noqa: E402

from tests.graph_text import node_lines  # noqa: E402
from tests.train import trajectories  # noqa: E402
from tests.train.graphs import GRAPHS  # noqa: E402


def main() -> None:
    tf.disable_v2_behavior()
    tf.disable_resource_variables()
    graphs = {}
    for name, build in GRAPHS.items():
        with tf.Graph().as_default() as graph:
            build(tf)
        graphs[name] = node_lines(graph)
    (HERE / "training_graphs.json").write_text(json.dumps(graphs, indent=0) + "\n")
    arrays = {}
    for run in trajectories.RUNS:
        for name, value in trajectories.train(tf, *run).items():
            arrays[f"train/{'-'.join(run)}/{name}"] = value
    for name in trajectories.DECAYS:
        arrays[f"rates/{name}"] = trajectories.rates(tf, name)
    for name, value in trajectories.averages(tf).items():
        arrays[f"averages/{name}"] = value
    for name in trajectories.OPTIMIZERS:
        arrays[f"regression/{name}"] = trajectories.regression(tf, name)
    np.savez_compressed(HERE / "training.npz", **arrays)


if __name__ == "__main__":
    main()
