"""`tf.metrics` with all their arguments, and their values over some batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.parity.harness import Family

family = Family("metric_arguments")


def pair(tf: Any, dtype: str = "float32", shape: Any = (None,)) -> tuple[Any, Any]:
    """Labels and predictions."""
    return tf.placeholder(dtype, shape, "labels"), tf.placeholder(dtype, shape, "predictions")


@family.graph
def means(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [4, 3], name="x")
    tf.metrics.mean(x)
    tf.metrics.mean(x, weights=2.0, name="m", metrics_collections="a", updates_collections=["b"])
    with tf.variable_scope("v"), tf.name_scope("n"):
        tf.metrics.mean(tf.placeholder(tf.int32, []))
    tf.metrics.mean([1.0, 2.0], weights=[0.0, 1.0])
    tf.metrics.mean_tensor(x, weights=tf.placeholder(tf.float32, [4, 1]))
    tf.metrics.mean_tensor(x, name="without_weights")
    tf.metrics.percentage_below(x, 0.5)
    tf.metrics.percentage_below(x, 0.5, weights=tf.placeholder(tf.float32, [4, 3]), name="p")


@family.graph
def errors(tf: Any) -> None:
    pairs = pair(tf)
    tf.metrics.mean_squared_error(*pairs)
    tf.metrics.root_mean_squared_error(*pairs, updates_collections=["updates"])
    tf.metrics.root_mean_squared_error(*pairs, weights=tf.placeholder(tf.float32, [None]))
    tf.metrics.mean_absolute_error(*pairs, metrics_collections=["values"], name="absolute")
    tf.metrics.mean_relative_error(*pairs, normalizer=pairs[0])
    tf.metrics.mean_relative_error(*pairs, normalizer=[2.0, 3.0], weights=0.5)
    tf.metrics.mean_cosine_distance(*pair(tf, shape=(None, 3)), dim=1)
    tf.metrics.mean_cosine_distance(*pair(tf, shape=(4, 3)), dim=1, weights=[[1.0]] * 4)


@family.graph
def accuracies(tf: Any) -> None:
    tf.metrics.accuracy(*pair(tf, "int64"))
    tf.metrics.accuracy(tf.placeholder(tf.int32, [4, 1]), tf.placeholder(tf.int64, [4]), name="a")
    weights = tf.placeholder(tf.float32, [4, 1])
    tf.metrics.accuracy(*pair(tf, "bool", (4,)), weights=weights)
    tf.metrics.accuracy([1, 2, 3], np.array([1, 2, 0]), [1.0, 0.0, 1.0])
    tf.metrics.mean_per_class_accuracy(*pair(tf, "int64"), num_classes=3)
    weights = tf.placeholder(tf.float32, [None, 2])
    pairs = pair(tf, "int64", (None, 2))
    tf.metrics.mean_per_class_accuracy(*pairs, num_classes=3, weights=weights)
    tf.metrics.mean_iou(*pair(tf, "int64"), num_classes=3)
    tf.metrics.mean_iou(*pair(tf, "int32", (4,)), 3, tf.constant([1.0, 2.0, 0.0, 1.0]), name="iou")


@family.graph(feeds={"weights": 1.0})
def accuracy_with_nothing_known(tf: Any) -> None:
    weights = tf.placeholder(tf.float32, name="weights")
    tf.metrics.accuracy(*pair(tf, "int32", None), weights=weights)


@family.graph
def counts(tf: Any) -> None:
    pairs = pair(tf, "int64")
    tf.metrics.true_positives(*pairs)
    tf.metrics.true_negatives(*pairs, weights=tf.placeholder(tf.float32, [None]))
    tf.metrics.false_positives(*pairs, weights=2)
    tf.metrics.false_negatives(*pairs, name="named")
    tf.metrics.precision(*pairs)
    tf.metrics.precision(*pair(tf, "bool", (4,)), weights=[1.0, 0.0, 1.0, 2.0], name="p")
    tf.metrics.recall(*pairs, metrics_collections=["a"], updates_collections=["b"])


@family.graph
def thresholds(tf: Any) -> None:
    labels = tf.placeholder(tf.bool, [None], name="labels")
    scores = tf.sigmoid(tf.placeholder(tf.float32, [None], name="scores"))
    tf.metrics.auc(labels, scores, num_thresholds=5)
    options = {"num_thresholds": 3, "curve": "PR"}
    tf.metrics.auc(labels, scores, summation_method="careful_interpolation", **options)
    tf.metrics.precision_at_thresholds(labels, scores, [0.2, 0.5])
    tf.metrics.recall_at_thresholds(labels, scores, [0.2, 0.5], name="r")
    tf.metrics.false_negatives_at_thresholds(labels, scores, [0.5])
    tf.metrics.false_positives_at_thresholds(labels, scores, [0.5], weights=2.0)
    tf.metrics.true_negatives_at_thresholds(labels, scores, [0.1, 0.5, 0.9])
    tf.metrics.true_positives_at_thresholds(labels, scores, [0.5], updates_collections=["u"])


@family.graph
def auc_of_known_size(tf: Any) -> None:
    labels = tf.placeholder(tf.int32, [4])
    scores = tf.sigmoid(tf.placeholder(tf.float32, [4]))
    weights = tf.placeholder(tf.float32, [4])
    for method in ("minoring", "majoring", "trapezoidal"):
        tf.metrics.auc(labels, scores, weights, num_thresholds=3, summation_method=method)


@family.graph
def published(tf: Any) -> None:
    """What the metrics put into the collections, as inputs of nodes."""
    tf.metrics.mean([1.0], metrics_collections=["values"], updates_collections=["updates"])
    tf.metrics.accuracy([1], [1], metrics_collections="values", updates_collections="updates")
    tf.stack(tf.get_collection("values"))
    tf.group(*tf.get_collection("updates"))
    tf.variables_initializer(tf.get_collection(tf.GraphKeys.METRIC_VARIABLES))
    tf.local_variables_initializer()


# ---- values over three batches

METRICS: dict[str, Callable[..., Any]] = {
    "mean": lambda tf, y, p, w: tf.metrics.mean(p, w),
    "mean_tensor": lambda tf, y, p, w: tf.metrics.mean_tensor(
        tf.reshape(p, [6]), tf.reshape(w, [6])
    ),
    "percentage_below": lambda tf, y, p, w: tf.metrics.percentage_below(p, 0.4, w),
    "accuracy": lambda tf, y, p, w: tf.metrics.accuracy(y, p > 0.5, w),
    "precision": lambda tf, y, p, w: tf.metrics.precision(y, p > 0.5, w),
    "recall": lambda tf, y, p, w: tf.metrics.recall(y, p > 0.5, w),
    "true_positives": lambda tf, y, p, w: tf.metrics.true_positives(y, p > 0.5, w),
    "true_negatives": lambda tf, y, p, w: tf.metrics.true_negatives(y, p > 0.5, w),
    "false_positives": lambda tf, y, p, w: tf.metrics.false_positives(y, p > 0.5, w),
    "false_negatives": lambda tf, y, p, w: tf.metrics.false_negatives(y, p > 0.5, w),
    "relative": lambda tf, y, p, w: tf.metrics.mean_relative_error(
        tf.cast(y, tf.float32), p, p + 1.0, w
    ),
    "cosine": lambda tf, y, p, w: tf.metrics.mean_cosine_distance(
        tf.stack([p, 1.0 - p], 1), tf.stack([p * p, p], 1), 1, w[:, tf.newaxis]
    ),
    "per_class": lambda tf, y, p, w: tf.metrics.mean_per_class_accuracy(
        y, tf.cast(p > 0.5, tf.int64), 2, w
    ),
    "iou": lambda tf, y, p, w: tf.metrics.mean_iou(y, tf.cast(p > 0.5, tf.int64), 2, w),
    "auc": lambda tf, y, p, w: tf.metrics.auc(y, p, w, 20),
    "auc_pr": lambda tf, y, p, w: tf.metrics.auc(
        y, p, w, 20, curve="PR", summation_method="careful_interpolation"
    ),
    "precisions": lambda tf, y, p, w: tf.metrics.precision_at_thresholds(y, p, [0.3, 0.6], w),
    "recalls": lambda tf, y, p, w: tf.metrics.recall_at_thresholds(y, p, [0.3, 0.6], w),
    "true_positive_counts": lambda tf, y, p, w: tf.metrics.true_positives_at_thresholds(
        y, p, [0.3, 0.6], w
    ),
    "false_positive_counts": lambda tf, y, p, w: tf.metrics.false_positives_at_thresholds(
        y, p, [0.3, 0.6]
    ),
}


def streamed(make: Callable[..., Any]) -> Callable[[Any], Any]:
    def build(tf: Any) -> list[Any]:
        rng = np.random.default_rng(6)
        labels = tf.placeholder(tf.int64, [None])
        scores, weights = (tf.placeholder(tf.float32, [None]) for _ in range(2))
        value, update = make(tf, labels, scores, weights)
        results = []
        with tf.Session() as sess:
            sess.run(tf.local_variables_initializer())
            results.append(sess.run(value))
            for _ in range(3):
                feed = {
                    labels: rng.integers(0, 2, 6),
                    scores: rng.uniform(0, 1, 6),
                    weights: rng.integers(0, 3, 6),
                }
                results += [sess.run(update, feed), sess.run(value)]
        return results

    return build


for _name, _make in METRICS.items():
    family.add(f"{_name}_values", "values", streamed(_make))
