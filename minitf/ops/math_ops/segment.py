"""With this module one can reduce rows that carry the same number: sums and the like by segment."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import errors
from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.static_value import static_dim
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, shape_of_dims, unknown_shape
from minitf.ops import array_ops
from minitf.ops.math_ops.comparison import GREATER_EQUAL

# ---- what the unsorted ones share


def unsorted_shape(op: Operation) -> list[TensorShape]:
    """One row for each segment: the shape of the data with the axes of the ids replaced."""
    data, ids, _ = (tensor.shape for tensor in op.inputs)
    if data._dims is None or ids._dims is None:
        return [unknown_shape()]
    rank = len(ids._dims)
    data[:rank].merge_with(ids)
    return [shape_of_dims((static_dim(op.inputs[2]), *data._dims[rank:]))]


def segments(data: Any, segment_ids: Any, num_segments: Any) -> tuple[Any, Any, Any]:
    """The rows in the order of their segments, where each segment starts, and its number.

    Rows with a negative number belong to no segment. The order within a segment stays, so that
    sums come out as if the rows were added one after the other.

    Raises:
      InvalidArgumentError: if a number is too large or the shapes do not fit.
    """
    shape = np.shape(segment_ids)
    if data.shape[: len(shape)] != shape:
        raise errors.InvalidArgumentError(
            None,
            None,
            f"data.shape = {list(data.shape)} does not start with segment_ids.shape = "
            f"{list(shape)}",
        )
    ids = np.reshape(segment_ids, -1)
    rows = np.reshape(data, (ids.size, *data.shape[len(shape) :]))
    if ids.size and ids.max() >= num_segments:
        where = int(np.argmax(ids >= num_segments))
        raise errors.InvalidArgumentError(
            None,
            None,
            f"segment_ids[{where}] = {ids[where]} is out of range [0, {int(num_segments)})",
        )
    if ids.size and ids.min() < 0:
        rows, ids = rows[ids >= 0], ids[ids >= 0]
    order = np.argsort(ids, kind="stable")
    ids = ids[order]
    starts = np.flatnonzero(np.r_[True, ids[1:] != ids[:-1]]) if ids.size else ids
    return rows[order], starts, ids[starts]


def reduce_segments(
    reducer: np.ufunc, data: Any, segment_ids: Any, num_segments: Any, empty: Any
) -> Any:
    """Reduces the rows of each segment; a segment without rows is filled with `empty`."""
    if num_segments < 0:
        raise errors.InvalidArgumentError(
            None, None, f"Input num_segments == {int(num_segments)} must not be negative."
        )
    rows, starts, found = segments(data, segment_ids, num_segments)
    result = np.full((int(num_segments), *rows.shape[1:]), empty, data.dtype)
    if starts.size:
        result[found] = reducer.reduceat(rows, starts, axis=0, dtype=data.dtype)
    return result


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
    from minitf.ops import math_ops

    taken = array_ops.gather(rows, math_ops.maximum(ids, array_ops.zeros_like(ids)))
    belongs = GREATER_EQUAL(ids, array_ops.zeros_like(ids))
    extra = array_ops.rank(taken) - array_ops.rank(belongs)
    shape = array_ops.concat([array_ops.shape(ids), array_ops.ones([extra], extra.dtype)], 0)
    mask = array_ops.reshape(belongs, shape)
    result: Tensor = array_ops.where_v2(mask, taken, array_ops.zeros_like(taken))
    return result


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
