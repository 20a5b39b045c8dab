"""With this module one can average over batches: accuracy and errors of a whole data set."""

from __future__ import annotations

from typing import Any

from minitf.framework import dtypes
from minitf.framework.scopes import control_dependencies
from minitf.framework.tensor import Tensor
from minitf.losses.weighted import check_same_shape
from minitf.metrics.streaming import metric_variable, publish, safe_div, without_last_ones
from minitf.ops import array_ops, math_ops, state_ops
from minitf.ops.confusion_matrix import remove_squeezable_dimensions
from minitf.ops.variable_scope import variable_scope
from minitf.ops.weights_broadcast_ops import broadcast_weights


def mean(
    values: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """The mean of all values seen (mirrors `tf.metrics.mean`).

    Args:
      values: a tensor of any shape.
      weights: how much each counts: a scalar, or of the values' rank with each dim theirs or 1.
      metrics_collections, updates_collections: names of collections that the result joins.
      name: the name of the variable scope; "mean", made unique, if None.

    Returns:
      The mean so far; and the update: run it once for each batch, it counts the batch and returns
      the mean with it. Both are scalars of float32.

    Raises:
      ValueError: if the weights do not fit.

    >>> import minitf as tf
    >>> x = tf.placeholder(tf.float32, [None])
    >>> value, update = tf.metrics.mean(x)
    >>> with tf.Session() as sess:
    ...     sess.run(tf.local_variables_initializer())
    ...     for batch in ([1.0, 2.0], [6.0]):
    ...         _ = sess.run(update, {x: batch})
    ...     print(sess.run(value))
    3.0
    """
    with variable_scope(name, "mean", [values, weights]):
        values = math_ops.cast(values, dtypes.float32)
        total = metric_variable([], dtypes.float32, name="total")
        count = metric_variable([], dtypes.float32, name="count")
        if weights is None:
            number = math_ops.cast(array_ops.size(values), dtypes.float32)
        else:
            values, _, weights = without_last_ones(values, None, weights)
            weights = broadcast_weights(math_ops.cast(weights, dtypes.float32), values)
            values = math_ops.multiply(values, weights)
            number = math_ops.reduce_sum(weights)
        new_total = state_ops.assign_add(total, math_ops.reduce_sum(values))
        with control_dependencies([values]):
            new_count = state_ops.assign_add(count, number)
        value = safe_div(total, count, "value")
        update_op = safe_div(new_total, new_count, "update_op")
        return publish(value, update_op, metrics_collections, updates_collections)


def mean_tensor(
    values: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """The mean of each element over all tensors seen (mirrors `tf.metrics.mean_tensor`).

    Args:
      values: a tensor of a known shape.
      weights, metrics_collections, updates_collections, name: see `tf.metrics.mean`.

    Returns:
      The means so far and the update: tensors of the values' shape, of float32.

    Raises:
      ValueError: if the weights do not fit.
    """
    with variable_scope(name, "mean", [values, weights]):
        values = math_ops.cast(values, dtypes.float32)
        total = metric_variable(values.shape, dtypes.float32, name="total_tensor")
        count = metric_variable(values.shape, dtypes.float32, name="count_tensor")
        number = array_ops.ones_like(values)
        if weights is not None:
            values, _, weights = without_last_ones(values, None, weights)
            weights = broadcast_weights(math_ops.cast(weights, dtypes.float32), values)
            values = math_ops.multiply(values, weights)
            number = math_ops.multiply(number, weights)
        new_total = state_ops.assign_add(total, values)
        with control_dependencies([values]):
            new_count = state_ops.assign_add(count, number)
        value = safe_div(total, count, "value")
        update_op = safe_div(new_total, new_count, "update_op")
        return publish(value, update_op, metrics_collections, updates_collections)


def accuracy(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """How often predictions were right (mirrors `tf.metrics.accuracy`).

    Args:
      labels: the true classes.
      predictions: the predicted classes, such as `tf.argmax(logits, 1)`, of the labels' shape.
      weights, metrics_collections, updates_collections: see `tf.metrics.mean`.
      name: the name of the variable scope; "accuracy", made unique, if None.

    Returns:
      The accuracy so far and the update: see `tf.metrics.mean`.

    Raises:
      ValueError: if the shapes differ or the weights do not fit.

    >>> import minitf as tf
    >>> value, update = tf.metrics.accuracy(labels=[1, 2, 3, 4], predictions=[1, 2, 3, 0])
    >>> with tf.Session() as sess:
    ...     sess.run(tf.local_variables_initializer())
    ...     print(sess.run(value), sess.run(update), sess.run(value))
    0.0 0.75 0.75
    """
    predictions, labels, weights = without_last_ones(predictions, labels, weights)
    if predictions.dtype.base_dtype is not labels.dtype.base_dtype:
        predictions = math_ops.cast(predictions, labels.dtype)
    right = math_ops.cast(math_ops.equal(predictions, labels), dtypes.float32)
    return mean(right, weights, metrics_collections, updates_collections, name or "accuracy")


def mean_squared_error(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """The mean of `(labels - predictions) ** 2` (mirrors `tf.metrics.mean_squared_error`).

    Args:
      labels: the true values.
      predictions: a tensor of their shape.
      weights, metrics_collections, updates_collections: see `tf.metrics.mean`.
      name: the name of the variable scope; "mean_squared_error", made unique, if None.

    Returns:
      The error so far and the update: see `tf.metrics.mean`.
    """
    predictions, labels, weights = without_last_ones(predictions, labels, weights)
    squares = math_ops.squared_difference(labels, predictions)
    return mean(
        squares, weights, metrics_collections, updates_collections, name or "mean_squared_error"
    )


def root_mean_squared_error(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """The root of the mean squared error (mirrors `tf.metrics.root_mean_squared_error`).

    See `tf.metrics.mean_squared_error` for the arguments and the result.
    """
    # Done here as well as there, as in TensorFlow: it takes names of scopes.
    predictions, labels, weights = without_last_ones(predictions, labels, weights)
    square, new_square = mean_squared_error(
        labels, predictions, weights, name=name or "root_mean_squared_error"
    )
    return publish(
        math_ops.sqrt(square), math_ops.sqrt(new_square), metrics_collections, updates_collections
    )


def mean_absolute_error(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """The mean of `abs(predictions - labels)` (mirrors `tf.metrics.mean_absolute_error`).

    See `tf.metrics.mean_squared_error` for the arguments and the result.
    """
    predictions, labels, weights = without_last_ones(predictions, labels, weights)
    error = math_ops.abs(predictions - labels)
    return mean(
        error, weights, metrics_collections, updates_collections, name or "mean_absolute_error"
    )


def mean_relative_error(
    labels: Any,
    predictions: Any,
    normalizer: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """The mean of `abs(labels - predictions) / normalizer`; 0 where that is 0.

    Mirrors `tf.metrics.mean_relative_error`; see `tf.metrics.mean_squared_error` for the other
    arguments and the result.

    Args:
      normalizer: what to divide by, of the labels' shape; usually the labels.
    """
    predictions, labels, weights = without_last_ones(predictions, labels, weights)
    predictions, normalizer = remove_squeezable_dimensions(predictions, normalizer)
    check_same_shape(predictions, normalizer)
    relative = array_ops.where(
        math_ops.equal(normalizer, 0.0),
        array_ops.zeros_like(labels),
        math_ops.truediv(math_ops.abs(labels - predictions), normalizer),
    )
    return mean(
        relative, weights, metrics_collections, updates_collections, name or "mean_relative_error"
    )


def mean_cosine_distance(
    labels: Any,
    predictions: Any,
    dim: int,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """1 minus the mean cosine between vectors of length 1.

    Mirrors `tf.metrics.mean_cosine_distance`; see `tf.metrics.mean_squared_error` for the other
    arguments and the result.

    Args:
      dim: the axis that a vector lies along.
    """
    predictions, labels, weights = without_last_ones(predictions, labels, weights)
    products = math_ops.multiply(predictions, labels)
    cosines = math_ops.reduce_sum(products, axis=[dim], keepdims=True)
    cosine, new_cosine = mean(cosines, weights, name=name or "mean_cosine_distance")
    return publish(
        math_ops.subtract(1.0, cosine),
        math_ops.subtract(1.0, new_cosine),
        metrics_collections,
        updates_collections,
    )


def percentage_below(
    values: Any,
    threshold: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """The share of values below a threshold (mirrors `tf.metrics.percentage_below`).

    Args:
      values: a tensor of numbers.
      threshold: a scalar.
      weights, metrics_collections, updates_collections: see `tf.metrics.mean`.
      name: the name of the variable scope; "percentage_below_threshold", made unique, if None.

    Returns:
      The share so far, between 0 and 1, and the update: see `tf.metrics.mean`.
    """
    below = math_ops.cast(math_ops.less(values, threshold), dtypes.float32)
    return mean(
        below,
        weights,
        metrics_collections,
        updates_collections,
        name or "percentage_below_threshold",
    )
