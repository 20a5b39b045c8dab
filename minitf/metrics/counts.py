"""With this module one can count hits and misses: precision, recall, accuracy of each class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minitf.framework import dtypes
from minitf.framework.scopes import control_dependencies
from minitf.framework.tensor import Tensor
from minitf.losses.weighted import check_same_shape
from minitf.metrics.streaming import metric_variable, publish, safe_div, without_last_ones
from minitf.ops import array_ops, check_ops, linalg_ops, math_ops, scatter_ops, state_ops
from minitf.ops.confusion_matrix import confusion_matrix
from minitf.ops.variable_scope import variable_scope


def _count(
    values: Tensor, weights: Any, metrics_collections: Any, updates_collections: Any
) -> tuple[Tensor, Tensor]:
    """How many elements were true, and the update."""
    check_ops.assert_type(values, dtypes.bool_)
    count = metric_variable([], dtypes.float32, name="count")
    numbers = math_ops.cast(values, dtypes.float32)
    if weights is not None:
        check = check_ops.assert_rank_in(weights, (0, array_ops.rank(numbers)))
        with control_dependencies([check]):
            weights = math_ops.cast(weights, dtypes.float32)
            numbers = math_ops.multiply(numbers, weights)
    value = array_ops.identity(count)
    update_op = state_ops.assign_add(count, math_ops.reduce_sum(numbers))
    return publish(value, update_op, metrics_collections, updates_collections)


def _count_pairs(
    name: str | None,
    default_name: str,
    wanted: tuple[bool, bool],
    labels: Any,
    predictions: Any,
    weights: Any,
    collections: tuple[Any, Any],
) -> tuple[Tensor, Tensor]:
    """Counts where the labels and the predictions are the two truth values `wanted`."""
    with variable_scope(name, default_name, [predictions, labels, weights]):
        predictions, labels, weights = without_last_ones(
            math_ops.cast(predictions, dtypes.bool_), math_ops.cast(labels, dtypes.bool_), weights
        )
        found = math_ops.logical_and(
            math_ops.equal(labels, wanted[0]), math_ops.equal(predictions, wanted[1])
        )
        return _count(found, weights, *collections)


def true_positives(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """How often a true label was predicted true (mirrors `tf.metrics.true_positives`).

    Args:
      labels: the true values, cast to bool.
      predictions: the predicted values, cast to bool, of the labels' shape.
      weights: how much each counts: a scalar, or of the labels' rank.
      metrics_collections, updates_collections: names of collections that the result joins.
      name: the name of the variable scope; the function's name, made unique, if None.

    Returns:
      The count so far and the update: scalars of float32; see `tf.metrics.mean`.

    Raises:
      ValueError: if the shapes differ or the weights do not fit.
    """
    collections = (metrics_collections, updates_collections)
    return _count_pairs(
        name, "true_positives", (True, True), labels, predictions, weights, collections
    )


def true_negatives(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """How often a false label was predicted false (mirrors `tf.metrics.true_negatives`).

    See `tf.metrics.true_positives` for the arguments and the result.
    """
    collections = (metrics_collections, updates_collections)
    return _count_pairs(
        name, "true_negatives", (False, False), labels, predictions, weights, collections
    )


def false_positives(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """How often a false label was predicted true (mirrors `tf.metrics.false_positives`).

    See `tf.metrics.true_positives` for the arguments and the result.
    """
    collections = (metrics_collections, updates_collections)
    return _count_pairs(
        name, "false_positives", (False, True), labels, predictions, weights, collections
    )


def false_negatives(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """How often a true label was predicted false (mirrors `tf.metrics.false_negatives`).

    See `tf.metrics.true_positives` for the arguments and the result.
    """
    collections = (metrics_collections, updates_collections)
    return _count_pairs(
        name, "false_negatives", (True, False), labels, predictions, weights, collections
    )


def precision(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Of what was predicted true, the share that is (mirrors `tf.metrics.precision`).

    See `tf.metrics.true_positives` for the arguments and the result.

    >>> import minitf as tf
    >>> value, update = tf.metrics.precision(labels=[1, 0, 1], predictions=[1, 1, 0])
    >>> with tf.Session() as sess:
    ...     sess.run(tf.local_variables_initializer())
    ...     print(sess.run(update))
    0.5
    """
    with variable_scope(name, "precision", [predictions, labels, weights]):
        value, update = _share_of_hits(false_positives, labels, predictions, weights)
        return publish(value, update, metrics_collections, updates_collections)


def recall(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Of what is true, the share that was predicted (mirrors `tf.metrics.recall`).

    See `tf.metrics.true_positives` for the arguments and the result.
    """
    with variable_scope(name, "recall", [predictions, labels, weights]):
        value, update = _share_of_hits(false_negatives, labels, predictions, weights)
        return publish(value, update, metrics_collections, updates_collections)


def _share_of_hits(
    count_misses: Callable[..., tuple[Tensor, Tensor]], labels: Any, predictions: Any, weights: Any
) -> tuple[Tensor, Tensor]:
    """The true positives among these and the misses: the share so far, and its update."""
    predictions, labels, weights = without_last_ones(
        math_ops.cast(predictions, dtypes.bool_), math_ops.cast(labels, dtypes.bool_), weights
    )
    hits, new_hits = true_positives(labels, predictions, weights)
    misses, new_misses = count_misses(labels, predictions, weights)
    return _share(hits, misses, "value"), _share(new_hits, new_misses, "update_op")


def _share(hits: Tensor, misses: Tensor, name: str) -> Tensor:
    result: Tensor = array_ops.where(
        math_ops.greater(hits + misses, 0), math_ops.truediv(hits, hits + misses), 0, name=name
    )
    return result


def _flat(tensor: Tensor) -> Tensor:
    rank = tensor.shape.ndims
    return array_ops.reshape(tensor, [-1]) if rank is not None and rank > 1 else tensor


def mean_per_class_accuracy(
    labels: Any,
    predictions: Any,
    num_classes: int,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """The mean over the classes of how often each was recognized.

    Mirrors `tf.metrics.mean_per_class_accuracy`: rare classes count as much as frequent ones.

    Args:
      labels: the true classes, from 0: integers.
      predictions: the predicted classes, of the labels' shape.
      num_classes: how many classes there are.
      weights: how much each example counts, of the labels' shape.
      metrics_collections, updates_collections: names of collections that the result joins.
      name: the name of the variable scope; "mean_accuracy", made unique, if None.

    Returns:
      The mean so far, and the update, which returns the accuracy of each class.

    Raises:
      ValueError: if the shapes differ.
    """
    with variable_scope(name, "mean_accuracy", [predictions, labels, weights]):
        labels = _flat(math_ops.cast(labels, dtypes.int64))
        predictions = _flat(predictions)
        total = metric_variable([num_classes], dtypes.float32, name="total")
        count = metric_variable([num_classes], dtypes.float32, name="count")
        ones = array_ops.ones([array_ops.size(labels)], dtypes.float32)
        check_same_shape(predictions, labels)
        if labels.dtype.base_dtype is not predictions.dtype.base_dtype:
            predictions = math_ops.cast(predictions, labels.dtype)
        right = math_ops.cast(math_ops.equal(predictions, labels), dtypes.float32)
        if weights is not None:
            weights = math_ops.cast(_flat(weights), dtypes.float32)
            right = right * weights
            ones = ones * weights
        new_total = scatter_ops.scatter_add(total, labels, ones)
        new_count = scatter_ops.scatter_add(count, labels, right)
        each = safe_div(count, total, None)
        value = math_ops.reduce_mean(each, name="mean_accuracy")
        update_op = safe_div(new_count, new_total, "update_op")
        return publish(value, update_op, metrics_collections, updates_collections)


def mean_iou(
    labels: Any,
    predictions: Any,
    num_classes: int,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """The mean over the classes of intersection over union (mirrors `tf.metrics.mean_iou`).

    For one class that is how often it was both the label and the prediction, divided by how often
    it was either. Classes that never came up do not count.

    Args:
      labels, predictions, num_classes, weights, metrics_collections, updates_collections: see
        `tf.metrics.mean_per_class_accuracy`.
      name: the name of the variable scope; "mean_iou", made unique, if None.

    Returns:
      The mean so far, and the update, which returns the confusion matrix.

    Raises:
      ValueError: if the shapes differ.
    """
    with variable_scope(name, "mean_iou", [predictions, labels, weights]):
        check_same_shape(predictions, labels)
        total = metric_variable([num_classes] * 2, dtypes.float64, name="total_confusion_matrix")
        predictions = math_ops.cast(predictions, dtypes.int64)
        labels = math_ops.cast(labels, dtypes.int64)
        classes = math_ops.cast(num_classes, dtypes.int64)
        predictions, labels = _flat(predictions), _flat(labels)
        weights = None if weights is None else _flat(weights)
        current = confusion_matrix(
            labels, predictions, classes, weights=weights, dtype=dtypes.float64
        )
        update_op = state_ops.assign_add(total, current)
        return publish(_mean_iou_of(total), update_op, metrics_collections, updates_collections)


def _mean_iou_of(total: Any) -> Tensor:
    predicted = math_ops.cast(math_ops.reduce_sum(total, 0), dtypes.float32)
    true = math_ops.cast(math_ops.reduce_sum(total, 1), dtypes.float32)
    both = math_ops.cast(linalg_ops.diag_part(total), dtypes.float32)
    either = predicted + true - both
    seen = math_ops.reduce_sum(math_ops.cast(math_ops.not_equal(either, 0), dtypes.float32))
    divisor = array_ops.where(math_ops.greater(either, 0), either, array_ops.ones_like(either))
    each = math_ops.truediv(both, divisor)
    value: Tensor = array_ops.where(
        math_ops.greater(seen, 0), math_ops.reduce_sum(each, name="mean_iou") / seen, 0
    )
    return value
