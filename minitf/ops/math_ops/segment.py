"""With this module one can reduce the rows that carry one number, where numbers never fall."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, shape_of_dims, unknown_shape
from minitf.ops import array_ops
from minitf.ops.math_ops.arithmetic import MUL, REAL_DIV
from minitf.ops.math_ops.casting import cast
from minitf.ops.math_ops.comparison import EQUAL
from minitf.ops.math_ops.segment_rows import reduce_sorted_segments
from minitf.ops.math_ops.unsorted_segment import product_gradient, with_rank_of


def sorted_shape(op: Operation) -> list[TensorShape]:
    """As many rows as the last number says: TensorFlow does not look for it in a constant."""
    data, ids = (tensor.shape for tensor in op.inputs)
    ids.with_rank(1)
    if data._dims is None:
        return [unknown_shape()]
    if not data._dims:
        raise ValueError("Shape must be at least rank 1 but is rank 0")
    return [shape_of_dims((None, *data._dims[1:]))]


def _chosen_gradient(op: Operation, grad: Tensor) -> Tensor:
    """The gradient goes to the rows whose element was chosen, in equal parts."""
    data, ids = op.inputs
    weights = cast(EQUAL(data, array_ops.gather(op.outputs[0], ids)), grad.dtype)
    counts = array_ops.gather(SEGMENT_SUM(weights, ids), ids)
    share = REAL_DIV(array_ops.gather(grad, ids), counts)
    result: Tensor = MUL(weights, share)
    return result


# ---- SegmentSum

SEGMENT_SUM = op_def(
    "SegmentSum(data: T, segment_ids: Tindices) -> (output: T)",
    "T: number",
    "Tindices: index",
    shape=sorted_shape,
)


@SEGMENT_SUM.kernel
def segment_sum_kernel(data: Any, segment_ids: Any) -> Any:
    return reduce_sorted_segments(np.add, data, segment_ids, 0)


@SEGMENT_SUM.gradient
def segment_sum_gradient(op: Operation, grad: Tensor) -> Any:
    return array_ops.gather(grad, op.inputs[1]), None


def segment_sum(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """The sum of the rows of each segment (mirrors `tf.segment_sum`).

    Args:
      data: a tensor of a numeric dtype.
      segment_ids: a vector with the number of each row's segment; the numbers never fall.
      name: the node's name.

    Returns:
      A tensor with a row for each number up to the last; 0 for one that does not occur.

    Raises:
      ValueError: if the shapes do not fit.
      tf.errors.InvalidArgumentError: if a number is negative or smaller than the one before.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.segment_sum([1, 2, 4], [0, 0, 2]))
    array([3, 0, 4], dtype=int32)
    """
    result: Tensor = SEGMENT_SUM(data, segment_ids, name=name)
    return result


# ---- SegmentMean

SEGMENT_MEAN = op_def(
    "SegmentMean(data: T, segment_ids: Tindices) -> (output: T)",
    "T: number",
    "Tindices: index",
    shape=sorted_shape,
)


@SEGMENT_MEAN.kernel
def segment_mean_kernel(data: Any, segment_ids: Any) -> Any:
    total = reduce_sorted_segments(np.add, data, segment_ids, 0)
    counts = np.maximum(np.bincount(segment_ids, minlength=len(total)), 1)
    counts = counts.reshape(-1, *[1] * (data.ndim - 1)).astype(data.dtype)
    if data.dtype.kind in "iu":
        return (total - np.fmod(total, counts)) // counts
    return total / counts


@SEGMENT_MEAN.gradient
def segment_mean_gradient(op: Operation, grad: Tensor) -> Any:
    ids = op.inputs[1]
    ones = array_ops.ones(array_ops.shape(ids), grad.dtype.base_dtype)
    counts = array_ops.gather(SEGMENT_SUM(ones, ids), ids)
    rows = array_ops.gather(grad, ids)
    return REAL_DIV(rows, with_rank_of(counts, rows)), None


def segment_mean(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """The mean of the rows of each segment (mirrors `tf.segment_mean`).

    Args:
      data: a tensor of a numeric dtype.
      segment_ids: a vector with the number of each row's segment; the numbers never fall.
      name: the node's name.

    Returns:
      A tensor with a row for each number up to the last; 0 for one that does not occur.

    Raises:
      ValueError: if the shapes do not fit.
      tf.errors.InvalidArgumentError: if a number is negative or smaller than the one before.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.segment_mean([1.0, 2.0, 4.0], [0, 0, 2]))
    array([1.5, 0. , 4. ], dtype=float32)
    """
    result: Tensor = SEGMENT_MEAN(data, segment_ids, name=name)
    return result


# ---- SegmentProd

SEGMENT_PROD = op_def(
    "SegmentProd(data: T, segment_ids: Tindices) -> (output: T)",
    "T: number",
    "Tindices: index",
    shape=sorted_shape,
)


@SEGMENT_PROD.kernel
def segment_prod_kernel(data: Any, segment_ids: Any) -> Any:
    return reduce_sorted_segments(np.multiply, data, segment_ids, 1)


@SEGMENT_PROD.gradient
def segment_prod_gradient(op: Operation, grad: Tensor) -> Any:
    data, ids = op.inputs
    count = array_ops.shape(op.outputs[0])[0]
    return product_gradient(data, ids, count, grad), None


def segment_prod(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """The product of the rows of each segment (mirrors `tf.segment_prod`).

    Args:
      data: a tensor of a numeric dtype.
      segment_ids: a vector with the number of each row's segment; the numbers never fall.
      name: the node's name.

    Returns:
      A tensor with a row for each number up to the last; 1 for one that does not occur.

    Raises:
      ValueError: if the shapes do not fit.
      tf.errors.InvalidArgumentError: if a number is negative or smaller than the one before.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.segment_prod([3, 2, 4], [0, 0, 2]))
    array([6, 1, 4], dtype=int32)
    """
    result: Tensor = SEGMENT_PROD(data, segment_ids, name=name)
    return result


# ---- SegmentMax

SEGMENT_MAX = op_def(
    "SegmentMax(data: T, segment_ids: Tindices) -> (output: T)",
    "T: realnumber",
    "Tindices: index",
    shape=sorted_shape,
)


@SEGMENT_MAX.kernel
def segment_max_kernel(data: Any, segment_ids: Any) -> Any:
    return reduce_sorted_segments(np.maximum, data, segment_ids, 0)


@SEGMENT_MAX.gradient
def segment_max_gradient(op: Operation, grad: Tensor) -> Any:
    return _chosen_gradient(op, grad), None


def segment_max(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """The largest element of each segment (mirrors `tf.segment_max`).

    Args:
      data: a tensor of a real dtype.
      segment_ids: a vector with the number of each row's segment; the numbers never fall.
      name: the node's name.

    Returns:
      A tensor with a row for each number up to the last; 0 for one that does not occur.

    Raises:
      ValueError: if the shapes do not fit.
      tf.errors.InvalidArgumentError: if a number is negative or smaller than the one before.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.segment_max([1, 2, 4], [0, 0, 2]))
    array([2, 0, 4], dtype=int32)
    """
    result: Tensor = SEGMENT_MAX(data, segment_ids, name=name)
    return result


# ---- SegmentMin

SEGMENT_MIN = op_def(
    "SegmentMin(data: T, segment_ids: Tindices) -> (output: T)",
    "T: realnumber",
    "Tindices: index",
    shape=sorted_shape,
)


@SEGMENT_MIN.kernel
def segment_min_kernel(data: Any, segment_ids: Any) -> Any:
    return reduce_sorted_segments(np.minimum, data, segment_ids, 0)


@SEGMENT_MIN.gradient
def segment_min_gradient(op: Operation, grad: Tensor) -> Any:
    return _chosen_gradient(op, grad), None


def segment_min(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """The smallest element of each segment (mirrors `tf.segment_min`).

    Args:
      data: a tensor of a real dtype.
      segment_ids: a vector with the number of each row's segment; the numbers never fall.
      name: the node's name.

    Returns:
      A tensor with a row for each number up to the last; 0 for one that does not occur.

    Raises:
      ValueError: if the shapes do not fit.
      tf.errors.InvalidArgumentError: if a number is negative or smaller than the one before.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.segment_min([1, 2, 4], [0, 0, 2]))
    array([1, 0, 4], dtype=int32)
    """
    result: Tensor = SEGMENT_MIN(data, segment_ids, name=name)
    return result
