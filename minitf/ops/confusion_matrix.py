"""With this module one can count which class was taken for which."""

from __future__ import annotations

from typing import Any

from minitf.framework import dtypes, errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.scopes import name_scope
from minitf.framework.tensor import Tensor
from minitf.ops import array_ops, check_ops, cond_ops, control_flow_ops, math_ops


def remove_squeezable_dimensions(
    labels: Any, predictions: Any, expected_rank_diff: int = 0, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """Labels and predictions whose ranks differ as they should, by dropping a last dim of 1.

    Args:
      labels, predictions: tensors.
      expected_rank_diff: the rank of the predictions minus that of the labels.
      name: the scope's name.

    >>> import minitf as tf
    >>> labels, scores = remove_squeezable_dimensions(tf.zeros([5, 1]), tf.zeros([5, 3]), 1)
    >>> labels.shape.as_list(), scores.shape.as_list()
    ([5], [5, 3])
    """
    with name_scope(name, "remove_squeezable_dimensions", [labels, predictions]):
        predictions, labels = convert_to_tensor(predictions), convert_to_tensor(labels)
        ranks = labels.shape.ndims, predictions.shape.ndims
        if ranks[0] is not None and ranks[1] is not None:
            excess = ranks[1] - ranks[0] - expected_rank_diff
            if excess == 1 and predictions.shape[-1].is_compatible_with(1):
                predictions = array_ops.squeeze(predictions, [-1])
            elif excess == -1 and labels.shape[-1].is_compatible_with(1):
                labels = array_ops.squeeze(labels, [-1])
            return labels, predictions
        difference = array_ops.rank(predictions) - array_ops.rank(labels)
        predictions = _squeezed_if(difference, expected_rank_diff + 1, predictions)
        return _squeezed_if(difference, expected_rank_diff - 1, labels), predictions


def _squeezed_if(difference: Tensor, value: int, tensor: Tensor) -> Any:
    if tensor.shape.ndims is not None and not tensor.shape[-1].is_compatible_with(1):
        return tensor
    return cond_ops.cond(
        math_ops.equal(value, difference),
        lambda: array_ops.squeeze(tensor, [-1]),
        lambda: tensor,
    )


def confusion_matrix(
    labels: Any,
    predictions: Any,
    num_classes: Any = None,
    dtype: Any = dtypes.int32,
    name: str | None = None,
    weights: Any = None,
) -> Tensor:
    """Counts how often class i was predicted as class j (mirrors `tf.confusion_matrix`).

    Args:
      labels: the true classes, from 0: an integer vector.
      predictions: the predicted classes, a vector of the same length.
      num_classes: how many classes there are; one more than the greatest number found if None.
      dtype: the dtype of the counts.
      name: the scope's name.
      weights: how much each example counts, a vector of the same length; 1 if None.

    Returns:
      A matrix of (num_classes, num_classes): true classes in rows, predicted ones in columns.

    Raises:
      ValueError: if the shapes do not agree.
      tf.errors.InvalidArgumentError: when it is run, if a class is negative or too great.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.confusion_matrix([0, 1, 1], [0, 1, 0])))
    [[1 0]
     [1 1]]
    """
    with name_scope(name, "confusion_matrix", [predictions, labels, num_classes, weights]):
        labels, predictions = remove_squeezable_dimensions(
            convert_to_tensor(labels, name="labels"),
            convert_to_tensor(predictions, name="predictions"),
        )
        predictions = math_ops.cast(predictions, dtypes.int64)
        labels = math_ops.cast(labels, dtypes.int64)
        labels = _checked_not_negative(labels, "labels")
        predictions = _checked_not_negative(predictions, "predictions")
        if num_classes is None:
            greatest = math_ops.maximum(
                math_ops.reduce_max(predictions), math_ops.reduce_max(labels)
            )
            num_classes = greatest + 1
        else:
            bound = math_ops.cast(num_classes, dtypes.int64)
            labels = _checked_below(labels, bound, "labels")
            predictions = _checked_below(predictions, bound, "predictions")
        if weights is not None:
            if not predictions.shape.is_compatible_with(weights.shape):
                raise errors.value_error(
                    f"Shapes {predictions.shape} and {weights.shape} are incompatible",
                    see="shapes-that-do-not-fit",
                )
            weights = math_ops.cast(weights, dtype)
        size = array_ops.stack([num_classes, num_classes])
        cells = array_ops.stack([labels, predictions], axis=1)
        counts = array_ops.ones_like(predictions, dtype) if weights is None else weights
        return array_ops.scatter_nd(cells, counts, math_ops.cast(size, dtypes.int64))


def _checked_not_negative(values: Tensor, name: str) -> Any:
    check = check_ops.assert_non_negative(values, message=f"`{name}` contains negative values")
    return control_flow_ops.with_dependencies([check], values)


def _checked_below(values: Tensor, bound: Tensor, name: str) -> Any:
    check = check_ops.assert_less(values, bound, message=f"`{name}` out of bound")
    return control_flow_ops.with_dependencies([check], values)
