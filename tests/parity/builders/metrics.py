"""`tf.metrics`: graphs, and values after each of three batches."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.parity.harness import Family

family = Family("metrics")


@family.graph
def mean(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [None])
    tf.metrics.mean(x)
    tf.metrics.mean(x, weights=tf.placeholder(tf.float32, [None]), name="weighted")
    tf.metrics.mean(x, metrics_collections=["m"], updates_collections=["u"])
    tf.local_variables_initializer()


@family.graph
def accuracy(tf: Any) -> None:
    tf.metrics.accuracy(tf.placeholder(tf.int64, [None]), tf.placeholder(tf.int64, [None]))
    tf.metrics.accuracy(tf.placeholder(tf.int64, [None]), tf.placeholder(tf.int32, [None]))


@family.graph
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

    family.add(f"{name}_values", "values", build)


for _name in ("accuracy", "precision", "recall", "true_positives", "false_negatives"):
    streamed(_name, real=False)
for _name in ("mean_squared_error", "mean_absolute_error", "root_mean_squared_error"):
    streamed(_name, real=True)
