"""With this module one can find what is distinct, what is missing, and where values belong."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import dtypes, errors
from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, unknown_shape
from minitf.ops.array_ops.shape_ops import reshape, shape_vector

# ---- Unique

UNIQUE = op_def(
    "Unique(x: T) -> (y: T, idx: out_idx)", "T: type", "out_idx: {int32, int64} = int32"
)


def _vector(tensor: Tensor) -> TensorShape:
    if tensor.shape.ndims not in (None, 1):
        raise ValueError(f"Shape must be rank 1 but is rank {tensor.shape.ndims}")
    return tensor.shape


@UNIQUE.shape
def unique_shape(op: Operation) -> list[TensorShape]:
    return [unknown_shape(1), _vector(op.inputs[0])]


def _unique(x: Any, out_idx: Any) -> tuple[Any, Any, Any]:
    """The distinct elements in the order of their first appearance, where each is, and counts."""
    if np.ndim(x) != 1:
        raise ValueError("unique expects a 1D vector.")
    _, first, inverse, counts = np.unique(
        x, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.argsort(first)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    index_dtype = out_idx.as_numpy_dtype
    return (
        x[first[order]],
        place[inverse].astype(index_dtype),
        counts[order].astype(index_dtype),
    )


@UNIQUE.kernel
def unique_kernel(x: Any, *, out_idx: Any) -> Any:
    return _unique(x, out_idx)[:2]


UNIQUE.refuse_gradients()


def unique(x: Any, out_idx: Any = dtypes.int32, name: str | None = None) -> Any:
    """The distinct elements of a vector (mirrors `tf.unique`).

    Args:
      x: a vector of any dtype.
      out_idx: the dtype of `idx`.
      name: the node's name.

    Returns:
      A named tuple: `y`, the elements in the order of their first appearance, and `idx`, with
      `x[i] = y[idx[i]]`.

    Raises:
      ValueError: if `x` is not a vector.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     y, idx = sess.run(tf.unique([7, 3, 7, 5]))
    >>> print(y, idx)
    [7 3 5] [0 1 0 2]
    """
    return UNIQUE(x, out_idx=out_idx, name=name)


# ---- UniqueWithCounts

UNIQUE_WITH_COUNTS = op_def(
    "UniqueWithCounts(x: T) -> (y: T, idx: out_idx, count: out_idx)",
    "T: type",
    "out_idx: {int32, int64} = int32",
)


@UNIQUE_WITH_COUNTS.shape
def unique_with_counts_shape(op: Operation) -> list[TensorShape]:
    return [unknown_shape(1), op.inputs[0].shape, unknown_shape(1)]


@UNIQUE_WITH_COUNTS.kernel
def unique_with_counts_kernel(x: Any, *, out_idx: Any) -> Any:
    return _unique(x, out_idx)


UNIQUE_WITH_COUNTS.refuse_gradients()


def unique_with_counts(x: Any, out_idx: Any = dtypes.int32, name: str | None = None) -> Any:
    """The distinct elements of a vector, and how often each is in it.

    Mirrors `tf.unique_with_counts`; as `tf.unique`, with a third result `count`.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.unique_with_counts([7, 3, 7, 5]).count))
    [2 1 1]
    """
    return UNIQUE_WITH_COUNTS(x, out_idx=out_idx, name=name)


# ---- ListDiff

LIST_DIFF = op_def(
    "ListDiff(x: T, y: T) -> (out: T, idx: out_idx)", "T: type", "out_idx: {int32, int64} = int32"
)


@LIST_DIFF.shape
def list_diff_shape(op: Operation) -> list[TensorShape]:
    for tensor in op.inputs:
        _vector(tensor)
    return [unknown_shape(1)] * 2


@LIST_DIFF.kernel
def list_diff_kernel(x: Any, y: Any, *, out_idx: Any) -> Any:
    for name, value in (("x", x), ("y", y)):
        if np.ndim(value) != 1:
            raise ValueError(f"{name} should be a 1D vector.")
    known = set(y.tolist())
    kept = [i for i, value in enumerate(x.tolist()) if value not in known]
    return x[kept], np.array(kept, out_idx.as_numpy_dtype)


LIST_DIFF.refuse_gradients()


def setdiff1d(x: Any, y: Any, index_dtype: Any = dtypes.int32, name: str | None = None) -> Any:
    """The elements of one vector that are not in another (mirrors `tf.setdiff1d`).

    Args:
      x, y: vectors of one dtype.
      index_dtype: the dtype of `idx`.
      name: the node's name.

    Returns:
      A named tuple: `out`, the elements of `x` that `y` does not have, in order and as often as
      `x` has them, and `idx`, their positions in `x`.

    Raises:
      ValueError: if an argument is not a vector.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     out, idx = sess.run(tf.setdiff1d([1, 2, 3, 4], [2, 4]))
    >>> print(out, idx)
    [1 3] [0 2]
    """
    return LIST_DIFF(x, y, out_idx=index_dtype, name=name)


# ---- LowerBound

LOWER_BOUND = op_def(
    "LowerBound(sorted_inputs: T, values: T) -> (output: out_type)",
    "T: type",
    "out_type: {int32, int64} = int32",
)


@LOWER_BOUND.shape
def bound_shape(op: Operation) -> list[TensorShape]:
    for tensor in op.inputs:
        if tensor.shape.ndims not in (None, 2):
            raise ValueError(f"Shape must be rank 2 but is rank {tensor.shape.ndims}")
    return [op.inputs[1].shape.with_rank(2)]


def _bounds(sorted_inputs: Any, values: Any, side: Any, out_type: Any) -> Any:
    if np.ndim(values) != 2 or np.shape(sorted_inputs)[:1] != np.shape(values)[:1]:
        raise ValueError(
            "Leading dim_size of both tensors must match, but the shapes are "
            f"{list(np.shape(sorted_inputs))} and {list(np.shape(values))}"
        )
    rows = [np.searchsorted(row, wanted, side) for row, wanted in zip(sorted_inputs, values)]
    return np.array(rows, out_type.as_numpy_dtype).reshape(np.shape(values))


@LOWER_BOUND.kernel
def lower_bound_kernel(sorted_inputs: Any, values: Any, *, out_type: Any) -> Any:
    return _bounds(sorted_inputs, values, "left", out_type)


LOWER_BOUND.not_differentiable()

# ---- UpperBound

UPPER_BOUND = op_def(
    "UpperBound(sorted_inputs: T, values: T) -> (output: out_type)",
    "T: type",
    "out_type: {int32, int64} = int32",
    shape=bound_shape,
)


@UPPER_BOUND.kernel
def upper_bound_kernel(sorted_inputs: Any, values: Any, *, out_type: Any) -> Any:
    return _bounds(sorted_inputs, values, "right", out_type)


UPPER_BOUND.not_differentiable()


def searchsorted(
    sorted_sequence: Any,
    values: Any,
    side: str = "left",
    out_type: Any = dtypes.int32,
    name: str | None = None,
) -> Tensor:
    """Where values would be put into sorted rows (mirrors `tf.searchsorted`).

    Args:
      sorted_sequence: a tensor whose last dim is sorted.
      values: a tensor of the same dtype and leading dims.
      side: "left" for the position before equal elements, "right" for the one after them.
      out_type: the result's dtype.
      name: the node's name.

    Returns:
      A tensor of the shape of `values`.

    Raises:
      ValueError: if `side` is neither.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.searchsorted([1, 3, 3, 5], [3, 6])))
    [1 4]
    """
    declared = {"left": LOWER_BOUND, "right": UPPER_BOUND}.get(side)
    if declared is None:
        raise errors.value_error(
            f"Argument `side` must be either 'right' or 'left'. Received: `side` = '{side}'."
        )
    sizes = [shape_vector(x)[-1] for x in (sorted_sequence, values)]
    rows = [reshape(x, [-1, n]) for x, n in zip((sorted_sequence, values), sizes, strict=True)]
    return reshape(declared(*rows, out_type=out_type, name=name), shape_vector(values))
