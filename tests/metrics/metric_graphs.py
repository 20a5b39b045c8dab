"""Graphs and values of `tf.metrics` in which minitf must agree with TensorFlow.

Each function takes `tf`, which is either. `tests/golden/metric_graphs.json` holds the nodes that
TensorFlow built of `GRAPHS`, `tests/golden/metric_values.npz` the values after each of three
batches.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

GRAPHS: dict[str, Callable[[Any], Any]] = {}
VALUES: dict[str, Callable[[Any], Any]] = {}


def graph(build: Callable[[Any], Any]) -> Callable[[Any], Any]:
    GRAPHS[build.__name__] = build
    return build


@graph
def mean(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [None])
    tf.metrics.mean(x)
    tf.metrics.mean(x, weights=tf.placeholder(tf.float32, [None]), name="weighted")
    tf.metrics.mean(x, metrics_collections=["m"], updates_collections=["u"])
    tf.local_variables_initializer()


@graph
def accuracy(tf: Any) -> None:
    tf.metrics.accuracy(tf.placeholder(tf.int64, [None]), tf.placeholder(tf.int64, [None]))
    tf.metrics.accuracy(tf.placeholder(tf.int64, [None]), tf.placeholder(tf.int32, [None]))


@graph
def errors(tf: Any) -> None:
    a, b = tf.placeholder(tf.float32, [None]), tf.placeholder(tf.float32, [None])
    tf.metrics.mean_squared_error(a, b)
    tf.metrics.mean_absolute_error(a, b)
    tf.metrics.root_mean_squared_error(a, b)


def streamed(name: str, *, real: bool) -> None:
    """Registers the value and the update of one metric over three batches."""

    def build(tf: Any) -> list[Any]:
        rng = np.random.default_rng(5)
        dtype = tf.float32 if real else tf.int64
        labels, predictions = tf.placeholder(dtype, [None]), tf.placeholder(dtype, [None])
        value, update = getattr(tf.metrics, name)(labels, predictions)
        results = []
        with tf.Session() as sess:
            sess.run(tf.local_variables_initializer())
            results.append(sess.run(value))
            for size in (5, 1, 8):
                draw = rng.uniform(0, 1, (2, size)) if real else rng.integers(0, 2, (2, size))
                feed = {labels: draw[0], predictions: draw[1]}
                results += [sess.run(update, feed), sess.run(value)]
        return results

    VALUES[name] = build


for _name in ("accuracy", "precision", "recall", "true_positives", "false_negatives"):
    streamed(_name, real=False)
for _name in ("mean_squared_error", "mean_absolute_error", "root_mean_squared_error"):
    streamed(_name, real=True)
