"""With this module one can measure how far predicted numbers are from the true ones."""

from __future__ import annotations

from typing import Any

from minitf.framework import dtypes, errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.graph_collections import GraphKeys
from minitf.framework.scopes import control_dependencies, name_scope
from minitf.framework.tensor import Tensor
from minitf.losses.collected import add_loss
from minitf.losses.weighted import (
    Reduction,
    check_same_shape,
    compute_weighted_loss,
    num_present,
    required,
)
from minitf.ops import array_ops, math_ops
from minitf.ops.weights_broadcast_ops import assert_broadcastable


def _as_floats(labels: Any, predictions: Any) -> tuple[Tensor, Tensor]:
    """Labels and predictions in float32, of one shape."""
    predictions = math_ops.cast(predictions, dtypes.float32)
    labels = math_ops.cast(labels, dtypes.float32)
    check_same_shape(predictions, labels)
    return labels, predictions


def absolute_difference(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """`abs(predictions - labels)` (mirrors `tf.losses.absolute_difference`).

    Args:
      labels: the true values.
      predictions: a tensor of their shape.
      weights, scope, loss_collection, reduction: see `tf.losses.compute_weighted_loss`.

    Returns:
      The loss, a scalar of float32, the mean over all elements unless told otherwise.

    Raises:
      ValueError: if the shapes differ, an argument is None, or the weights do not fit.
    """
    required(labels, "labels")
    required(predictions, "predictions")
    with name_scope(scope, "absolute_difference", [predictions, labels, weights]) as opened:
        labels, predictions = _as_floats(labels, predictions)
        losses = math_ops.abs(math_ops.subtract(predictions, labels))
        return compute_weighted_loss(losses, weights, opened, loss_collection, reduction)


def mean_squared_error(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """`(predictions - labels) ** 2` (mirrors `tf.losses.mean_squared_error`).

    Args:
      labels: the true values.
      predictions: a tensor of their shape.
      weights, scope, loss_collection, reduction: see `tf.losses.compute_weighted_loss`.

    Returns:
      The loss, a scalar of float32, the mean over all elements unless told otherwise.

    Raises:
      ValueError: if the shapes differ, an argument is None, or the weights do not fit.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.losses.mean_squared_error([1.0, 2.0], [1.0, 4.0])))
    2.0
    """
    required(labels, "labels")
    required(predictions, "predictions")
    with name_scope(scope, "mean_squared_error", [predictions, labels, weights]) as opened:
        labels, predictions = _as_floats(labels, predictions)
        losses = math_ops.squared_difference(predictions, labels)
        return compute_weighted_loss(losses, weights, opened, loss_collection, reduction)


def huber_loss(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    delta: float = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """Squared for small errors, linear for large ones (mirrors `tf.losses.huber_loss`).

    With the error e it is `e ** 2 / 2` up to delta, and `delta * abs(e) - delta ** 2 / 2` beyond,
    so that single wrong labels do not dominate.

    Args:
      labels: the true values.
      predictions: a tensor of their shape.
      weights, scope, loss_collection, reduction: see `tf.losses.compute_weighted_loss`.
      delta: where it becomes linear.

    Returns:
      The loss, a scalar of float32, the mean over all elements unless told otherwise.

    Raises:
      ValueError: if the shapes differ, an argument is None, or the weights do not fit.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.losses.huber_loss([0.0, 0.0], [1.0, 3.0])))
    1.5
    """
    required(labels, "labels")
    required(predictions, "predictions")
    with name_scope(scope, "huber_loss", [predictions, labels, weights]) as opened:
        labels, predictions = _as_floats(labels, predictions)
        error = math_ops.abs(math_ops.subtract(predictions, labels))
        quadratic = math_ops.minimum(error, delta)
        linear = math_ops.subtract(error, quadratic)
        half = convert_to_tensor(0.5, dtype=quadratic.dtype)
        losses = math_ops.add(
            math_ops.multiply(half, math_ops.multiply(quadratic, quadratic)),
            math_ops.multiply(delta, linear),
        )
        return compute_weighted_loss(losses, weights, opened, loss_collection, reduction)


def cosine_distance(
    labels: Any,
    predictions: Any,
    axis: int | None = None,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
    dim: int | None = None,
) -> Tensor:
    """1 minus the cosine of the angle between vectors (mirrors `tf.losses.cosine_distance`).

    Args:
      labels: vectors of length 1.
      predictions: a tensor of their shape, of vectors of length 1: see `tf.nn.l2_normalize`.
      axis: the axis that a vector lies along.
      weights, scope, loss_collection, reduction: see `tf.losses.compute_weighted_loss`; the losses
        have size 1 along the axis.
      dim: an older name of `axis`.

    Returns:
      The loss, a scalar of float32, the mean over all vectors unless told otherwise.

    Raises:
      ValueError: if the shapes differ, an argument is None, or the weights do not fit.
    """
    axis = dim if axis is None else axis
    if axis is None:
        raise errors.value_error("You must specify argument `axis`.")
    required(labels, "labels")
    required(predictions, "predictions")
    with name_scope(scope, "cosine_distance_loss", [predictions, labels, weights]) as opened:
        labels, predictions = _as_floats(labels, predictions)
        products = math_ops.multiply(predictions, labels)
        losses = 1 - math_ops.reduce_sum(products, axis=(axis,), keepdims=True)
        return compute_weighted_loss(losses, weights, opened, loss_collection, reduction)


def mean_pairwise_squared_error(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
) -> Tensor:
    """How far the differences within an example are from the true differences.

    Mirrors `tf.losses.mean_pairwise_squared_error`. With the errors e of an example's n elements it
    is the mean of `(e_i - e_j) ** 2` over all pairs: adding a number to all predictions of an
    example changes nothing.

    Args:
      labels: the true values, of shape (batch, ...).
      predictions: a tensor of their shape.
      weights: one weight for all, or one for each example, of the labels' rank.
      scope: the name of the nodes' scope.
      loss_collection: the collection that the result joins; None for none.

    Returns:
      The loss, a scalar of float32: the sum over the examples.

    Raises:
      ValueError: if the shapes differ, an argument is None, or the weights do not fit.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.losses.mean_pairwise_squared_error([[0.0, 1.0]], [[5.0, 8.0]])))
    4.0
    """
    required(labels, "labels")
    required(predictions, "predictions")
    with name_scope(scope, "mean_pairwise_squared_error", [predictions, labels, weights]):
        weights = math_ops.cast(weights, dtypes.float32)
        labels = math_ops.cast(labels, dtypes.float32)
        with control_dependencies([assert_broadcastable(weights, labels)]):
            predictions = math_ops.cast(predictions, dtypes.float32)
            check_same_shape(predictions, labels)
            error = math_ops.subtract(predictions, labels)
            axes = math_ops.range(1, array_ops.rank(error))
            squares = math_ops.reduce_sum(math_ops.square(error), axis=axes, keepdims=True)
            count = num_present(error, weights, per_batch=True)
            own = 2.0 * math_ops.div_no_nan(squares, math_ops.maximum(count - 1, 0), name="value")
            total = math_ops.reduce_sum(error, axis=axes, keepdims=True)
            crossed = 2.0 * math_ops.div_no_nan(
                math_ops.square(total),
                math_ops.maximum(math_ops.multiply(count, count - 1), 0),
                name="value",
            )
            weighted = math_ops.multiply(own - crossed, weights)
            loss = math_ops.reduce_sum(weighted)
            mean: Tensor = array_ops.where(
                math_ops.reduce_sum(count) > 0, loss, array_ops.zeros_like(loss), name="value"
            )
            add_loss(mean, loss_collection)
            return mean
