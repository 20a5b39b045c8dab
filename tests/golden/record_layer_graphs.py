"""Records what TensorFlow builds and computes of layers, losses and metrics.

    TF_USE_LEGACY_KERAS=1 python -m tests.golden.record_layer_graphs

It needs the `parity` extra, and is to be run again when a graph or a value is added in
`tests/layers/layer_graphs.py`, `tests/losses/loss_graphs.py` or `tests/metrics/metric_graphs.py`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from tests.engines import load
from tests.graph_text import node_lines
from tests.layers import layer_graphs
from tests.losses import loss_graphs
from tests.metrics import metric_graphs

HERE = Path(__file__).parent


def built(tf: Any, builders: dict[str, Any]) -> dict[str, list[str]]:
    """The nodes of each graph, with a seed of the graph so that seeds are numbered."""
    lines = {}
    for name, build in sorted(builders.items()):
        with tf.Graph().as_default() as graph:
            tf.set_random_seed(1)
            build(tf)
        lines[name] = node_lines(graph)
    return lines


def computed(tf: Any, builders: dict[str, Any]) -> dict[str, Any]:
    """The results of each builder: lists of tensors, or of values that it fetched itself."""
    arrays = {}
    for name, build in sorted(builders.items()):
        with tf.Graph().as_default(), tf.Session() as sess:
            tf.set_random_seed(1)
            results = build(tf)
            if hasattr(results[0], "op"):
                results = sess.run(results)
            for i, value in enumerate(results):
                arrays[f"{name}_{i}"] = np.asarray(value)
    return arrays


FAMILIES = {
    "layer": (layer_graphs.GRAPHS, layer_graphs.RUNS),
    "loss": (loss_graphs.GRAPHS, loss_graphs.VALUES),
    "metric": (metric_graphs.GRAPHS, metric_graphs.VALUES),
}


def main() -> None:
    tf = load("tensorflow.compat.v1")
    tf.disable_v2_behavior()
    tf.disable_resource_variables()
    for family, (graphs, values) in FAMILIES.items():
        text = json.dumps(built(tf, graphs), indent=1) + "\n"
        (HERE / f"{family}_graphs.json").write_text(text)
        np.savez_compressed(HERE / f"{family}_values.npz", **computed(tf, values))


if __name__ == "__main__":
    main()
