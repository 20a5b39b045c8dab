"""With this module one can find the largest elements, and tell whether a guess is among them."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import dtypes
from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.scopes import name_scope
from minitf.framework.static_value import static_dim, static_scalar
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, shape_of_dims
from minitf.ops import array_ops, math_ops

_LONG_ROW = 256

# ---- TopKV2

TOP_K_V2 = op_def(
    "TopKV2(input: T, k: Tk) -> (values: T, indices: index_type)",
    "sorted: bool = true",
    "T: realnumber",
    "Tk: {int16, int32, int64} = int32",
    "index_type: {int16, int32, int64} = int32",
)


@TOP_K_V2.shape
def top_k_shape(op: Operation) -> list[TensorShape]:
    dims = op.inputs[0].shape._dims
    given = static_scalar(op.inputs[1])
    if given is not None and given < 0:
        raise ValueError(
            f"Dimension size, given by scalar input 1, must be non-negative but is {given}"
        )
    if dims is None:
        return [op.inputs[0].shape] * 2
    if not dims:
        raise ValueError("Shape must be at least rank 1 but is rank 0")
    k = static_dim(op.inputs[1])
    if k is not None and dims[-1] is not None and dims[-1] < k:
        raise ValueError(f"input must have last dimension >= k = {k} but is {dims[-1]}")
    return [shape_of_dims((*dims[:-1], k))] * 2


@TOP_K_V2.kernel
def top_k_kernel(input: Any, k: Any, *, index_type: Any) -> Any:
    if np.ndim(input) == 0:
        raise ValueError("input must be >= 1-D, got shape []")
    if np.ndim(k) or k < 0:
        raise ValueError(f"Need k >= 0, a scalar, got {k}")
    count, size = int(k), input.shape[-1]
    if size < count:
        raise ValueError(f"input must have at least k columns. Had {size}, needed {count}")
    # NaN, which sorts as the largest, counts as the smallest.
    keys = np.where(np.isnan(input), -np.inf, input) if input.dtype.kind == "f" else input
    candidates = _candidates(keys, count)
    if candidates is None:
        indices = _descending(keys)[..., :count]
    else:
        order = _descending(np.take_along_axis(keys, candidates, axis=-1))
        indices = np.take_along_axis(candidates, order, axis=-1)
    values = np.take_along_axis(input, indices, axis=-1)
    return values, indices.astype(index_type.as_numpy_dtype)


def _descending(keys: Any) -> Any:
    """The order of each row from the largest on; of equal ones the lower index comes first."""
    # A stable sort of the reversed row, read from its end.
    order = np.argsort(keys[..., ::-1], axis=-1, kind="stable")[..., ::-1]
    return keys.shape[-1] - 1 - order


def _candidates(keys: Any, count: int) -> Any:
    """The places of the `count` largest of each row, in order of place; None if not worth while.

    In a long row they are found without sorting it, unless some tie for the last place.
    """
    size = keys.shape[-1]
    if size < _LONG_ROW or not 0 < count < size // 8:
        return None
    least = np.partition(keys, size - count, axis=-1)[..., size - count, np.newaxis]
    is_large = keys >= least
    if np.count_nonzero(is_large) != least.size * count:
        return None
    return np.nonzero(is_large)[-1].reshape(*keys.shape[:-1], count)


@TOP_K_V2.gradient
def top_k_gradient(op: Operation, grad: Tensor | None, _: Tensor | None) -> Any:
    """Sends each gradient to where its value came from."""
    if grad is None:
        return None, None
    values, indices = op.inputs[0], op.outputs[1]
    shape = array_ops.shape(values)
    columns = shape[-1]
    taken = array_ops.reshape(math_ops.cast(indices, "int32"), [-1, array_ops.shape(indices)[-1]])
    row_starts = math_ops.range(array_ops.shape(taken)[0]) * columns
    flat = array_ops.reshape(taken + array_ops.expand_dims(row_starts, -1), [-1])
    total = math_ops.unsorted_segment_sum(
        array_ops.reshape(grad, [-1]), flat, array_ops.size(values)
    )
    return array_ops.reshape(total, shape), None


def top_k(
    input: Any,
    k: Any = 1,
    sorted: bool = True,
    index_type: Any = dtypes.int32,
    name: str | None = None,
) -> Any:
    """The `k` largest elements of each row, and where they are (mirrors `tf.nn.top_k`).

    Args:
      input: a tensor of a real number type, of at least one dim; a row is its last dim.
      k: how many; an int or an integer scalar.
      sorted: whether the largest must come first; here it always does.
      index_type: the dtype of the indices.
      name: the node's name.

    Returns:
      A named tuple (values, indices), both of shape `input.shape[:-1] + [k]`. Of equal elements
      the one with the lower index comes first.

    Raises:
      ValueError: if the rows have fewer than `k` elements.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     values, indices = sess.run(tf.nn.top_k([1.0, 4.0, 2.0, 4.0], k=3))
    ...     print(values, indices)
    [4. 4. 2.] [1 3 2]
    """
    return TOP_K_V2(input, k, sorted=sorted, index_type=index_type, name=name)


# ---- InTopKV2

IN_TOP_K_V2 = op_def(
    "InTopKV2(predictions: float32, targets: T, k: T) -> (precision: bool)", "T: index = int32"
)


@IN_TOP_K_V2.shape
def in_top_k_shape(op: Operation) -> list[TensorShape]:
    predictions, targets = op.inputs[0].shape, op.inputs[1].shape
    for shape, rank in ((predictions, 2), (targets, 1)):
        if shape.ndims not in (None, rank):
            raise ValueError(f"Shape must be rank {rank} but is rank {shape.ndims}")
    rows, given = predictions.with_rank(2).as_list()[0], targets.with_rank(1).as_list()[0]
    if None not in (rows, given) and rows != given:
        raise ValueError(f"Dimensions must be equal, but are {rows} and {given}")
    return [shape_of_dims((given if rows is None else rows,))]


@IN_TOP_K_V2.kernel
def in_top_k_kernel(predictions: Any, targets: Any, k: Any) -> Any:
    if predictions.ndim != 2:
        raise ValueError("predictions must be 2-dimensional")
    if targets.ndim != 1:
        raise ValueError("targets must be 1-dimensional")
    if np.ndim(k):
        raise ValueError(f"k must be 0-D, got shape {list(np.shape(k))}")
    if len(predictions) != len(targets):
        raise ValueError(
            f"First dimension of predictions {len(predictions)} must match length of targets "
            f"{len(targets)}"
        )
    classes = predictions.shape[1]
    inside = (targets >= 0) & (targets < classes)
    if classes == 0:
        return inside
    rows = np.arange(len(targets))
    scores = predictions[rows, np.where(inside, targets, 0)]
    better = np.sum(predictions > scores[:, np.newaxis], axis=1)
    # Where a prediction is not finite nothing can be said, and False is the answer.
    return inside & np.all(np.isfinite(predictions), axis=1) & (better < k)


IN_TOP_K_V2.not_differentiable()


def in_top_k(predictions: Any, targets: Any, k: Any, name: str | None = None) -> Tensor:
    """Whether the right class is among the `k` best predictions (mirrors `tf.nn.in_top_k`).

    A class is among them if fewer than `k` classes have a greater prediction: all classes that tie
    at the boundary count as in.

    Args:
      predictions: float32, of shape (batch, classes).
      targets: class ids, int32 or int64, of shape (batch,).
      k: how many are the best; an int or an integer scalar.
      name: the node's name.

    Returns:
      A bool vector; False where the class id is out of range or a prediction is not finite.

    Raises:
      ValueError: if the shapes do not fit.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.nn.in_top_k([[0.1, 0.7, 0.2]] * 3, [0, 1, 2], 2)))
    [False  True  True]
    """
    with name_scope(name, "in_top_k"):
        result: Tensor = IN_TOP_K_V2(predictions, targets, k, name=name)
        return result


# ---- InTopK

IN_TOP_K = op_def(
    "InTopK(predictions: float32, targets: T) -> (precision: bool)",
    "k: int",
    "T: index = int32",
    shape=in_top_k_shape,
)


@IN_TOP_K.kernel
def in_top_k_attr_kernel(predictions: Any, targets: Any, *, k: int) -> Any:
    return in_top_k_kernel(predictions, targets, k)


IN_TOP_K.not_differentiable()
