"""With this module one can make one number of the losses of a batch: weighed, summed, averaged."""

from __future__ import annotations

from typing import Any

from minitf.framework import dtypes, errors
from minitf.framework import traceback as traceback_lib
from minitf.framework.convert import convert_to_tensor
from minitf.framework.graph_collections import GraphKeys
from minitf.framework.scopes import control_dependencies, name_scope
from minitf.framework.tensor import Tensor
from minitf.losses.collected import add_loss
from minitf.ops import array_ops, math_ops
from minitf.ops.weights_broadcast_ops import assert_broadcastable, broadcast_weights


class Reduction:
    """How the losses of a batch become one number (mirrors `tf.losses.Reduction`).

    Attributes:
      NONE: they stay as they are, weighed.
      SUM: their weighted sum.
      MEAN: the sum divided by that of the weights.
      SUM_OVER_BATCH_SIZE: the sum divided by their number.
      SUM_BY_NONZERO_WEIGHTS: the sum divided by the number of those whose weight is not 0: what all
        functions do unless told otherwise.
      SUM_OVER_NONZERO_WEIGHTS: an older name of that.
    """

    NONE = "none"
    SUM = "weighted_sum"
    SUM_OVER_BATCH_SIZE = "weighted_sum_over_batch_size"
    MEAN = "weighted_mean"
    SUM_BY_NONZERO_WEIGHTS = "weighted_sum_by_nonzero_weights"
    SUM_OVER_NONZERO_WEIGHTS = SUM_BY_NONZERO_WEIGHTS

    @classmethod
    def all(cls) -> tuple[str, ...]:
        """All of them."""
        return (
            cls.NONE,
            cls.SUM,
            cls.MEAN,
            cls.SUM_OVER_BATCH_SIZE,
            cls.SUM_OVER_NONZERO_WEIGHTS,
            cls.SUM_BY_NONZERO_WEIGHTS,
        )

    @classmethod
    def validate(cls, key: Any) -> None:
        """Raises ValueError if `key` is none of them."""
        if key not in cls.all():
            raise errors.value_error(
                f"Invalid Reduction Key {key}. Key should be one of {cls.all()}.",
                do="give one of tf.losses.Reduction, such as tf.losses.Reduction.MEAN.",
            )


def required(value: Any, name: str) -> None:
    """Refuses a missing argument.

    Raises:
      ValueError: if it is None.
    """
    if value is None:
        raise ValueError(
            errors.report(
                f"Argument `{name}` must not be None.",
                line=str(traceback_lib.capture()),
                do="give a tensor, or what can be made one.",
                see="arguments",
            )
        )


def check_same_shape(predictions: Tensor, labels: Tensor) -> None:
    """Refuses labels of another shape than the predictions.

    Raises:
      ValueError: if it is known that they differ.
    """
    if not predictions.shape.is_compatible_with(labels.shape):
        raise ValueError(
            errors.report(
                f"Shapes {predictions.shape} and {labels.shape} are incompatible",
                facts=f"predictions: {errors.describe(predictions)}; labels: "
                f"{errors.describe(labels)}",
                line=str(traceback_lib.capture()),
                do="a loss compares element by element: give both the same shape, for example with "
                "tf.reshape, tf.squeeze or tf.one_hot.",
                see="shapes-that-do-not-fit",
            )
        )


def compute_weighted_loss(
    losses: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """One number from the losses of a batch (mirrors `tf.losses.compute_weighted_loss`).

    Args:
      losses: a tensor of losses.
      weights: one weight for all, or a tensor of the losses' rank with each dim theirs or 1.
      scope: the name of the nodes' scope.
      loss_collection: the collection that the result joins; None for none.
      reduction: one of `tf.losses.Reduction`.

    Returns:
      A scalar of the losses' dtype (for `Reduction.NONE` a tensor of their shape).

    Raises:
      ValueError: if the weights do not fit, or `reduction` is none of those.

    >>> import minitf as tf
    >>> losses, weights = tf.constant([1.0, 2.0, 9.0]), tf.constant([1.0, 1.0, 0.0])
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.losses.compute_weighted_loss(losses, weights)))
    1.5
    """
    Reduction.validate(reduction)
    with (
        name_scope(scope, "weighted_loss", [losses, weights]),
        control_dependencies([assert_broadcastable(weights, losses)]),
    ):
        losses = convert_to_tensor(losses)
        dtype = losses.dtype.base_dtype
        losses = math_ops.cast(losses, dtypes.float32)
        weights = math_ops.cast(weights, dtypes.float32)
        weighted = math_ops.multiply(losses, weights)
        loss: Tensor = math_ops.cast(_reduced(weighted, losses, weights, reduction), dtype)
        add_loss(loss, loss_collection)
        return loss


def _reduced(weighted: Tensor, losses: Tensor, weights: Tensor, reduction: str) -> Tensor:
    if reduction == Reduction.NONE:
        return weighted
    total = math_ops.reduce_sum(weighted)
    if reduction == Reduction.MEAN:
        return safe_mean(total, math_ops.reduce_sum(array_ops.ones_like(losses) * weights))
    if reduction == Reduction.SUM_BY_NONZERO_WEIGHTS:
        return safe_mean(total, num_present(losses, weights))
    if reduction == Reduction.SUM_OVER_BATCH_SIZE:
        return safe_mean(total, _num_elements(losses))
    return total


def safe_mean(losses: Tensor, count: Tensor) -> Tensor:
    """The sum of losses divided by a count; 0 where that is 0."""
    return math_ops.div_no_nan(math_ops.reduce_sum(losses), count, name="value")


def num_present(losses: Tensor, weights: Any, per_batch: bool = False) -> Tensor:
    """How many losses have a weight that is not 0: in all, or for each example."""
    with name_scope(None, "num_present", [losses, weights]) as scope:
        weights = math_ops.cast(weights, dtypes.float32)
        present = array_ops.where(
            math_ops.equal(weights, 0.0),
            array_ops.zeros_like(weights),
            array_ops.ones_like(weights),
        )
        present = broadcast_weights(present, losses)
        if not per_batch:
            return math_ops.reduce_sum(present, name=scope)
        axes = math_ops.range(1, array_ops.rank(present))
        return math_ops.reduce_sum(present, axis=axes, keepdims=True, name=scope)


def _num_elements(losses: Tensor) -> Tensor:
    with name_scope(None, "num_elements", [losses]) as scope:
        count: Tensor = math_ops.cast(array_ops.size(losses, name=scope), losses.dtype)
        return count
