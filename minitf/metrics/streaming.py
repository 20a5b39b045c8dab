"""With this module metrics can keep what they have seen so far, from run to run."""

from __future__ import annotations

from typing import Any

from minitf.framework.convert import convert_to_tensor
from minitf.framework.graph_collections import GraphKeys
from minitf.framework.scopes import add_to_collections
from minitf.framework.tensor import Tensor
from minitf.losses.weighted import check_same_shape
from minitf.ops import array_ops, cond_ops, math_ops
from minitf.ops.confusion_matrix import remove_squeezable_dimensions
from minitf.ops.variables import Variable


def metric_variable(shape: Any, dtype: Any, name: str) -> Variable:
    """A variable of zeros that no optimizer changes, in the collections of metrics.

    It is local: `tf.local_variables_initializer()` sets it back to zeros.
    """
    return Variable(
        lambda: array_ops.zeros(shape, dtype),
        trainable=False,
        collections=[GraphKeys.LOCAL_VARIABLES, GraphKeys.METRIC_VARIABLES],
        name=name,
    )


def publish(
    value: Any, update_op: Any, metrics_collections: Any, updates_collections: Any
) -> tuple[Tensor, Tensor]:
    """The pair that a metric returns, after adding both to the collections asked for."""
    if metrics_collections:
        add_to_collections(metrics_collections, value)
    if updates_collections:
        add_to_collections(updates_collections, update_op)
    return value, update_op


def safe_div(numerator: Any, denominator: Any, name: str | None) -> Tensor:
    """A quotient; 0 where the denominator is not positive."""
    return math_ops.div_no_nan(numerator, math_ops.maximum(denominator, 0), name=name)


def without_last_ones(predictions: Any, labels: Any, weights: Any) -> tuple[Any, Any, Any]:
    """Predictions, labels and weights of one rank, by dropping or adding a last dim of 1.

    Args:
      predictions: a tensor.
      labels: a tensor of their shape but for a last dim of 1, or None.
      weights: a tensor that broadcasts to them but for a last dim of 1, or None.

    Raises:
      ValueError: if the shapes of predictions and labels are known to differ.
    """
    predictions = convert_to_tensor(predictions)
    if labels is not None:
        labels, predictions = remove_squeezable_dimensions(labels, predictions)
        check_same_shape(predictions, labels)
    if weights is None:
        return predictions, labels, None
    return predictions, labels, _of_rank_of(predictions, convert_to_tensor(weights))


def _of_rank_of(predictions: Tensor, weights: Tensor) -> Any:
    rank, wanted = weights.shape.ndims, predictions.shape.ndims
    if rank == 0:
        return weights
    if rank is not None and wanted is not None:
        if rank - wanted == 1:
            return array_ops.squeeze(weights, [-1])
        return array_ops.expand_dims(weights, [-1]) if wanted - rank == 1 else weights
    own_rank = array_ops.rank(weights)
    excess = own_rank - array_ops.rank(predictions)
    may_drop = rank is None or weights.shape[-1].is_compatible_with(1)

    def expanded() -> Any:
        return cond_ops.cond(
            math_ops.equal(excess, -1),
            lambda: array_ops.expand_dims(weights, [-1]),
            lambda: weights,
        )

    def fitted() -> Any:
        return cond_ops.cond(
            math_ops.equal(excess, 1),
            lambda: array_ops.squeeze(weights, [-1]) if may_drop else weights,
            expanded,
        )

    return cond_ops.cond(math_ops.equal(own_rank, 0), lambda: weights, fitted)
