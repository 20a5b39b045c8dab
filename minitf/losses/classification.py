"""With this module one can measure how well predicted classes fit the true ones."""

from __future__ import annotations

from typing import Any

from minitf import nn
from minitf.framework import dtypes
from minitf.framework.convert import convert_to_tensor
from minitf.framework.graph_collections import GraphKeys
from minitf.framework.scopes import name_scope
from minitf.framework.tensor import Tensor
from minitf.losses.weighted import (
    Reduction,
    check_same_shape,
    compute_weighted_loss,
    required,
)
from minitf.ops import array_ops, cond_ops, math_ops
from minitf.ops.confusion_matrix import remove_squeezable_dimensions


def softmax_cross_entropy(
    onehot_labels: Any,
    logits: Any,
    weights: Any = 1.0,
    label_smoothing: float = 0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """Cross-entropy of classes of which each example has one.

    Mirrors `tf.losses.softmax_cross_entropy`; see `tf.nn.softmax_cross_entropy_with_logits`.

    Args:
      onehot_labels: of shape (batch, classes): 1 at the true class, 0 elsewhere. No gradient flows
        into them.
      logits: of the same shape: scores, not probabilities.
      weights: one weight for all, or one for each example: of shape (batch,).
      label_smoothing: how much of the true class's 1 is spread evenly over all classes.
      scope, loss_collection, reduction: see `tf.losses.compute_weighted_loss`.

    Returns:
      The loss, a scalar of the logits' dtype, the mean over the examples unless told otherwise.

    Raises:
      ValueError: if the shapes differ, an argument is None, or the weights do not fit.

    >>> import minitf as tf
    >>> loss = tf.losses.softmax_cross_entropy([[0.0, 1.0]], [[0.0, 0.0]])
    >>> with tf.Session() as sess:
    ...     print(f"{sess.run(loss):.4f}")
    0.6931
    """
    required(onehot_labels, "onehot_labels")
    required(logits, "logits")
    with name_scope(
        scope, "softmax_cross_entropy_loss", [logits, onehot_labels, weights]
    ) as opened:
        logits = convert_to_tensor(logits)
        labels = math_ops.cast(onehot_labels, logits.dtype)
        check_same_shape(logits, labels)
        if label_smoothing > 0:
            classes = math_ops.cast(array_ops.shape(labels)[-1], logits.dtype)
            share = label_smoothing / classes
            labels = labels * (1.0 - label_smoothing) + share
        labels = array_ops.stop_gradient(labels, name="labels_stop_gradient")
        losses = nn.softmax_cross_entropy_with_logits_v2(
            labels=labels, logits=logits, name="xentropy"
        )
        return compute_weighted_loss(losses, weights, opened, loss_collection, reduction)


def sparse_softmax_cross_entropy(
    labels: Any,
    logits: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """Cross-entropy of classes that are given by their numbers.

    Mirrors `tf.losses.sparse_softmax_cross_entropy`; see
    `tf.nn.sparse_softmax_cross_entropy_with_logits`.

    Args:
      labels: the true classes, from 0, of int32 or int64: of shape (batch,) or (batch, 1).
      logits: of shape (batch, classes): scores, not probabilities.
      weights: one weight for all, or one for each example: of shape (batch,) or (batch, 1).
      scope, loss_collection, reduction: see `tf.losses.compute_weighted_loss`.

    Returns:
      The loss, a scalar of the logits' dtype, the mean over the examples unless told otherwise.

    Raises:
      ValueError: if the shapes do not fit, an argument is None, or the weights do not fit.
      TypeError: if the labels are not integers.

    >>> import minitf as tf
    >>> loss = tf.losses.sparse_softmax_cross_entropy(labels=[1], logits=[[0.0, 0.0]])
    >>> with tf.Session() as sess:
    ...     print(f"{sess.run(loss):.4f}")
    0.6931
    """
    required(labels, "labels")
    required(logits, "logits")
    with name_scope(
        scope, "sparse_softmax_cross_entropy_loss", [logits, labels, weights]
    ) as opened:
        labels, logits, weights = _without_last_ones(labels, logits, weights)
        losses = nn.sparse_softmax_cross_entropy_with_logits(
            labels=labels, logits=logits, name="xentropy"
        )
        return compute_weighted_loss(losses, weights, opened, loss_collection, reduction)


def _without_last_ones(labels: Any, logits: Any, weights: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Labels of one dim less than logits, and weights of at most that many."""
    labels, logits = remove_squeezable_dimensions(labels, logits, expected_rank_diff=1)
    weights = convert_to_tensor(weights)
    rank, wanted = weights.shape.ndims, labels.shape.ndims
    if rank is not None and wanted is not None:
        if rank - wanted == 1:
            weights = array_ops.squeeze(weights, [-1])
        return labels, logits, weights
    excess = array_ops.rank(weights) - array_ops.rank(labels)
    if rank is None or (rank > 0 and weights.shape[-1].is_compatible_with(1)):
        given = weights
        weights = cond_ops.cond(
            math_ops.equal(1, excess), lambda: array_ops.squeeze(given, [-1]), lambda: given
        )
    return labels, logits, weights


def sigmoid_cross_entropy(
    multi_class_labels: Any,
    logits: Any,
    weights: Any = 1.0,
    label_smoothing: float = 0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """Cross-entropy of classes of which an example may have several, or none.

    Mirrors `tf.losses.sigmoid_cross_entropy`; see `tf.nn.sigmoid_cross_entropy_with_logits`.

    Args:
      multi_class_labels: of shape (batch, classes): 1 for each class that the example has, else 0.
      logits: of the same shape: scores, not probabilities.
      weights, scope, loss_collection, reduction: see `tf.losses.compute_weighted_loss`.
      label_smoothing: how much the labels are moved towards one half.

    Returns:
      The loss, a scalar of the logits' dtype, the mean over all elements unless told otherwise.

    Raises:
      ValueError: if the shapes differ, an argument is None, or the weights do not fit.
    """
    required(multi_class_labels, "multi_class_labels")
    required(logits, "logits")
    with name_scope(
        scope, "sigmoid_cross_entropy_loss", [logits, multi_class_labels, weights]
    ) as opened:
        logits = convert_to_tensor(logits)
        labels = math_ops.cast(multi_class_labels, logits.dtype)
        check_same_shape(logits, labels)
        if label_smoothing > 0:
            labels = labels * (1 - label_smoothing) + 0.5 * label_smoothing
        losses = nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits, name="xentropy")
        return compute_weighted_loss(losses, weights, opened, loss_collection, reduction)


def log_loss(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    epsilon: float = 1e-7,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """`-labels * log(p) - (1 - labels) * log(1 - p)` (mirrors `tf.losses.log_loss`).

    Args:
      labels: the true values, between 0 and 1.
      predictions: probabilities, a tensor of their shape.
      weights, scope, loss_collection, reduction: see `tf.losses.compute_weighted_loss`.
      epsilon: added within the logarithms, so that they are finite.

    Returns:
      The loss, a scalar of float32, the mean over all elements unless told otherwise.

    Raises:
      ValueError: if the shapes differ, an argument is None, or the weights do not fit.
    """
    required(labels, "labels")
    required(predictions, "predictions")
    with name_scope(scope, "log_loss", [predictions, labels, weights]) as opened:
        predictions = math_ops.cast(predictions, dtypes.float32)
        labels = math_ops.cast(labels, dtypes.float32)
        check_same_shape(predictions, labels)
        losses = -math_ops.multiply(labels, math_ops.log(predictions + epsilon)) - (
            math_ops.multiply(1 - labels, math_ops.log(1 - predictions + epsilon))
        )
        return compute_weighted_loss(losses, weights, opened, loss_collection, reduction)


def hinge_loss(
    labels: Any,
    logits: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """`max(0, 1 - y * logits)` with y = 1 or -1 for labels 1 or 0 (mirrors `tf.losses.hinge_loss`).

    Args:
      labels: the true values, 0 or 1.
      logits: a tensor of their shape.
      weights, scope, loss_collection, reduction: see `tf.losses.compute_weighted_loss`.

    Returns:
      The loss, a scalar of float32, the mean over all elements unless told otherwise.

    Raises:
      ValueError: if the shapes differ, an argument is None, or the weights do not fit.
    """
    required(labels, "labels")
    required(logits, "logits")
    with name_scope(scope, "hinge_loss", [logits, labels, weights]) as opened:
        logits = math_ops.cast(logits, dtypes.float32)
        labels = math_ops.cast(labels, dtypes.float32)
        check_same_shape(logits, labels)
        ones = array_ops.ones_like(labels)
        signs = math_ops.subtract(2 * labels, ones)
        losses = nn.relu(math_ops.subtract(ones, math_ops.multiply(signs, logits)))
        return compute_weighted_loss(losses, weights, opened, loss_collection, reduction)
