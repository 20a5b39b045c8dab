"""With this module one can reduce the rows that carry the same number, in any order."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework.convert import convert_to_tensor
from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.scopes import name_scope
from minitf.framework.static_value import static_dim
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, shape_of_dims, unknown_shape
from minitf.ops import array_ops
from minitf.ops.math_ops.arithmetic import MUL, REAL_DIV
from minitf.ops.math_ops.casting import cast
from minitf.ops.math_ops.comparison import EQUAL, GREATER_EQUAL
from minitf.ops.math_ops.complex_numbers import conj
from minitf.ops.math_ops.extremes import MAXIMUM
from minitf.ops.math_ops.segment_rows import reduce_segments

# ---- what the unsorted ones share


def unsorted_shape(op: Operation) -> list[TensorShape]:
    """One row for each segment: the shape of the data with the axes of the ids replaced."""
    data, ids, _ = (tensor.shape for tensor in op.inputs)
    op.inputs[2].shape.with_rank(0)
    if data._dims is None or ids._dims is None:
        return [unknown_shape()]
    rank = len(ids._dims)
    data[:rank].merge_with(ids)
    return [shape_of_dims((static_dim(op.inputs[2]), *data._dims[rank:]))]


# ---- UnsortedSegmentSum

UNSORTED_SEGMENT_SUM = op_def(
    "UnsortedSegmentSum(data: T, segment_ids: Tindices, num_segments: Tnumsegments) -> (output: T)",
    "T: number",
    "Tindices: {int16, int32, int64}",
    "Tnumsegments: index = int32",
    shape=unsorted_shape,
)


@UNSORTED_SEGMENT_SUM.kernel
def unsorted_segment_sum_kernel(data: Any, segment_ids: Any, num_segments: Any) -> Any:
    return reduce_segments(np.add, data, segment_ids, num_segments, 0)


@UNSORTED_SEGMENT_SUM.gradient
def unsorted_segment_sum_gradient(op: Operation, grad: Tensor) -> Any:
    return gather_or_zero(grad, op.inputs[1]), None, None


def gather_or_zero(rows: Tensor, ids: Tensor) -> Tensor:
    """The row of each id; zeros where the id is negative."""
    taken = array_ops.gather(rows, MAXIMUM(ids, array_ops.zeros_like(ids)))
    belongs = GREATER_EQUAL(ids, array_ops.zeros_like(ids))
    result: Tensor = array_ops.where_v2(
        with_rank_of(belongs, taken), taken, array_ops.zeros_like(taken)
    )
    return result


def with_rank_of(mask: Tensor, rows: Tensor) -> Tensor:
    """A mask over rows with axes of size 1 at its end, so that it meets the rows' elements."""
    if mask.shape.ndims is not None and rows.shape.ndims is not None:
        for _ in range(rows.shape.ndims - mask.shape.ndims):
            mask = array_ops.expand_dims(mask, -1)
        return mask
    extra = array_ops.rank(rows) - array_ops.rank(mask)
    ones = array_ops.ones(array_ops.expand_dims(extra, 0), extra.dtype)
    return array_ops.reshape(mask, array_ops.concat([array_ops.shape(mask), ones], 0))


def unsorted_segment_sum(
    data: Any, segment_ids: Any, num_segments: Any, name: str | None = None
) -> Tensor:
    """Sums the rows of each segment (mirrors `tf.unsorted_segment_sum`).

    `output[i]` is the sum of the rows `data[j]` with `segment_ids[j] == i`.

    Args:
      data: a tensor of a numeric dtype.
      segment_ids: the number of each row's segment; its shape is a prefix of that of `data`.
        Rows with a negative number are dropped.
      num_segments: how many segments there are; one without rows is 0.
      name: the node's name.

    Returns:
      A tensor of shape `[num_segments] + data.shape[rank(segment_ids):]`.

    Raises:
      ValueError: if the shape of `segment_ids` does not fit.
      tf.errors.InvalidArgumentError: if a number is not smaller than `num_segments`.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.unsorted_segment_sum([1, 2, 4], [0, 2, 0], 3))
    array([5, 0, 2], dtype=int32)
    """
    result: Tensor = UNSORTED_SEGMENT_SUM(data, segment_ids, num_segments, name=name)
    return result


def unsorted_segment_mean(
    data: Any, segment_ids: Any, num_segments: Any, name: str | None = None
) -> Tensor:
    """The mean of the rows of each segment (mirrors `tf.unsorted_segment_mean`).

    Args:
      data: a tensor of a floating dtype.
      segment_ids: the number of each row's segment, as for `tf.unsorted_segment_sum`.
      num_segments: how many segments there are; one without rows is 0.
      name: the scope of the nodes.

    Returns:
      A tensor of shape `[num_segments] + data.shape[rank(segment_ids):]`.

    Raises:
      ValueError: if the shape of `segment_ids` does not fit.
      tf.errors.InvalidArgumentError: if a number is not smaller than `num_segments`.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.unsorted_segment_mean([1.0, 2.0, 4.0], [0, 2, 0], 3))
    array([2.5, 0. , 2. ], dtype=float32)
    """
    with name_scope(name, "UnsortedSegmentMean"):
        data, ids = convert_to_tensor(data), convert_to_tensor(segment_ids)
        counts = _rows_of_segments(data, ids, num_segments)
        result: Tensor = unsorted_segment_sum(data, ids, num_segments) / counts
        return result


def unsorted_segment_sqrt_n(
    data: Any, segment_ids: Any, num_segments: Any, name: str | None = None
) -> Tensor:
    """The sum of each segment by the root of its size (mirrors `tf.unsorted_segment_sqrt_n`).

    Args:
      data: a tensor of a floating dtype.
      segment_ids: the number of each row's segment, as for `tf.unsorted_segment_sum`.
      num_segments: how many segments there are; one without rows is 0.
      name: the scope of the nodes.

    Returns:
      A tensor of shape `[num_segments] + data.shape[rank(segment_ids):]`.

    Raises:
      ValueError: if the shape of `segment_ids` does not fit.
      tf.errors.InvalidArgumentError: if a number is not smaller than `num_segments`.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.unsorted_segment_sqrt_n([1.0, 2.0, 4.0, 3.0], [0, 1, 0, 1], 2)).round(3)
    array([3.536, 3.536], dtype=float32)
    """
    from minitf.ops.math_ops import powers

    with name_scope(name, "UnsortedSegmentSqrtN"):
        data, ids = convert_to_tensor(data), convert_to_tensor(segment_ids)
        counts = _rows_of_segments(data, ids, num_segments)
        result: Tensor = unsorted_segment_sum(data, ids, num_segments) / powers.sqrt(counts)
        return result


def _rows_of_segments(data: Tensor, ids: Tensor, num_segments: Any) -> Tensor:
    """How many rows each segment has, at least 1, with the rank of the result."""
    segments = convert_to_tensor(num_segments)
    if ids.shape.is_fully_defined():
        with name_scope("Shape"):
            shape = convert_to_tensor(ids.shape)
    else:
        shape = array_ops.shape(ids)
    ones = array_ops.ones(shape, data.dtype.base_dtype)
    counts = unsorted_segment_sum(ones, ids, segments)
    rows = segments[None]
    extra = array_ops.rank(data) - array_ops.rank(ids)
    fill = array_ops.ones([extra], segments.dtype.base_dtype)
    column = array_ops.reshape(counts, array_ops.concat([rows, fill], 0))
    result: Tensor = MAXIMUM(column, 1)
    return result


# ---- UnsortedSegmentMax and UnsortedSegmentMin

_ORDERED = ("T: realnumber", "Tindices: index", "Tnumsegments: index = int32")


def _limit(dtype: Any, which: str) -> Any:
    """The finite value that any row's element replaces: what a segment without rows holds."""
    info = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    return getattr(info, which)


UNSORTED_SEGMENT_MAX = op_def(
    "UnsortedSegmentMax(data: T, segment_ids: Tindices, num_segments: Tnumsegments) -> (output: T)",
    *_ORDERED,
    shape=unsorted_shape,
)


@UNSORTED_SEGMENT_MAX.kernel
def unsorted_segment_max_kernel(data: Any, segment_ids: Any, num_segments: Any) -> Any:
    empty = _limit(data.dtype, "min")
    return reduce_segments(np.maximum, data, segment_ids, num_segments, empty)


@UNSORTED_SEGMENT_MAX.gradient
def unsorted_segment_max_gradient(op: Operation, grad: Tensor) -> Any:
    return _unsorted_chosen_gradient(op, grad), None, None


def _unsorted_chosen_gradient(op: Operation, grad: Tensor) -> Tensor:
    """The gradient goes to the rows whose element was chosen, in equal parts."""
    data, ids, num_segments = op.inputs
    chosen = EQUAL(data, gather_or_zero(op.outputs[0], ids))
    weights = cast(chosen, grad.dtype)
    counts = UNSORTED_SEGMENT_SUM(weights, ids, num_segments)
    share = gather_or_zero(REAL_DIV(grad, MAXIMUM(counts, 1)), ids)
    result: Tensor = MUL(weights, share)
    return result


def unsorted_segment_max(
    data: Any, segment_ids: Any, num_segments: Any, name: str | None = None
) -> Tensor:
    """The largest element of each segment (mirrors `tf.unsorted_segment_max`).

    Args:
      data: a tensor of a real dtype.
      segment_ids: the number of each row's segment, as for `tf.unsorted_segment_sum`.
      num_segments: how many segments there are; one without rows is the dtype's least value.
      name: the node's name.

    Returns:
      A tensor of shape `[num_segments] + data.shape[rank(segment_ids):]`.

    Raises:
      ValueError: if the shape of `segment_ids` does not fit.
      tf.errors.InvalidArgumentError: if a number is not smaller than `num_segments`.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.unsorted_segment_max([1, 2, 4], [0, 1, 0], 2))
    array([4, 2], dtype=int32)
    """
    result: Tensor = UNSORTED_SEGMENT_MAX(data, segment_ids, num_segments, name=name)
    return result


UNSORTED_SEGMENT_MIN = op_def(
    "UnsortedSegmentMin(data: T, segment_ids: Tindices, num_segments: Tnumsegments) -> (output: T)",
    *_ORDERED,
    shape=unsorted_shape,
)


@UNSORTED_SEGMENT_MIN.kernel
def unsorted_segment_min_kernel(data: Any, segment_ids: Any, num_segments: Any) -> Any:
    empty = _limit(data.dtype, "max")
    return reduce_segments(np.minimum, data, segment_ids, num_segments, empty)


@UNSORTED_SEGMENT_MIN.gradient
def unsorted_segment_min_gradient(op: Operation, grad: Tensor) -> Any:
    return _unsorted_chosen_gradient(op, grad), None, None


def unsorted_segment_min(
    data: Any, segment_ids: Any, num_segments: Any, name: str | None = None
) -> Tensor:
    """The smallest element of each segment (mirrors `tf.unsorted_segment_min`).

    Args:
      data: a tensor of a real dtype.
      segment_ids: the number of each row's segment, as for `tf.unsorted_segment_sum`.
      num_segments: how many segments there are; one without rows is the dtype's largest value.
      name: the node's name.

    Returns:
      A tensor of shape `[num_segments] + data.shape[rank(segment_ids):]`.

    Raises:
      ValueError: if the shape of `segment_ids` does not fit.
      tf.errors.InvalidArgumentError: if a number is not smaller than `num_segments`.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.unsorted_segment_min([1, 2, 4], [0, 1, 0], 2))
    array([1, 2], dtype=int32)
    """
    result: Tensor = UNSORTED_SEGMENT_MIN(data, segment_ids, num_segments, name=name)
    return result


# ---- UnsortedSegmentProd

UNSORTED_SEGMENT_PROD = op_def(
    "UnsortedSegmentProd(data: T, segment_ids: Tindices, num_segments: Tnumsegments)"
    " -> (output: T)",
    "T: number",
    "Tindices: index",
    "Tnumsegments: index = int32",
    shape=unsorted_shape,
)


@UNSORTED_SEGMENT_PROD.kernel
def unsorted_segment_prod_kernel(data: Any, segment_ids: Any, num_segments: Any) -> Any:
    return reduce_segments(np.multiply, data, segment_ids, num_segments, 1)


@UNSORTED_SEGMENT_PROD.gradient
def unsorted_segment_prod_gradient(op: Operation, grad: Tensor) -> Any:
    data, ids, num_segments = op.inputs
    return product_gradient(data, ids, num_segments, grad), None, None


def product_gradient(data: Tensor, ids: Tensor, num_segments: Any, grad: Tensor) -> Tensor:
    """The gradient of products by segment: for each element the product of the others."""
    zeros = EQUAL(data, array_ops.zeros_like(data))
    own = cast(zeros, data.dtype)
    others = array_ops.where_v2(zeros, array_ops.ones_like(data), data)
    products = UNSORTED_SEGMENT_PROD(others, ids, num_segments)
    partial = REAL_DIV(gather_or_zero(products, ids), others)
    # If another element of the segment is 0, so is the product of the others.
    count = gather_or_zero(UNSORTED_SEGMENT_SUM(own, ids, num_segments), ids)
    kept = cast(EQUAL(count, own), data.dtype)
    result: Tensor = MUL(MUL(conj(partial), kept), gather_or_zero(grad, ids))
    return result


def unsorted_segment_prod(
    data: Any, segment_ids: Any, num_segments: Any, name: str | None = None
) -> Tensor:
    """The product of the rows of each segment (mirrors `tf.unsorted_segment_prod`).

    Args:
      data: a tensor of a numeric dtype.
      segment_ids: the number of each row's segment, as for `tf.unsorted_segment_sum`.
      num_segments: how many segments there are; one without rows is 1.
      name: the node's name.

    Returns:
      A tensor of shape `[num_segments] + data.shape[rank(segment_ids):]`.

    Raises:
      ValueError: if the shape of `segment_ids` does not fit.
      tf.errors.InvalidArgumentError: if a number is not smaller than `num_segments`.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.unsorted_segment_prod([3, 2, 4], [0, 1, 0], 2))
    array([12,  2], dtype=int32)
    """
    result: Tensor = UNSORTED_SEGMENT_PROD(data, segment_ids, num_segments, name=name)
    return result
