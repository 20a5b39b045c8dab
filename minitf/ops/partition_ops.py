"""With this module one can deal the rows of a tensor out to partitions, and gather them back.

This is how an embedding that is spread over several variables is looked up: ids are dealt out to
the variables that hold them, and the rows found are stitched together in the order of the ids.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.static_value import static_value
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, as_shape, shape_of_dims, unknown_shape
from minitf.ops import array_ops, math_ops

# ---- DynamicPartition

DYNAMIC_PARTITION = op_def(
    "DynamicPartition(data: T, partitions: int32) -> (outputs: num_partitions * T)",
    "num_partitions: int > 1",
    "T: type",
)


@DYNAMIC_PARTITION.shape
def dynamic_partition_shape(op: Operation) -> list[TensorShape]:
    data, partitions = (tensor.shape for tensor in op.inputs)
    count = op._attrs["num_partitions"]
    if data.ndims is None or partitions.ndims is None:
        return [unknown_shape()] * count
    _check_prefix(data, partitions)
    rows = shape_of_dims((None,)).concatenate(data[partitions.ndims :])
    return [rows] * count


def _check_prefix(data: TensorShape, prefix: TensorShape) -> None:
    if data.ndims is None or prefix.ndims is None:
        return
    if data.ndims < prefix.ndims or not data[: prefix.ndims].is_compatible_with(prefix):
        raise ValueError(f"Shape {data} must begin with the dims {prefix}")


@DYNAMIC_PARTITION.kernel
def dynamic_partition_kernel(data: Any, partitions: Any, *, num_partitions: int) -> Any:
    if data.shape[: partitions.ndim] != partitions.shape:
        raise ValueError(
            f"data.shape must start with partitions.shape, got data.shape = {list(data.shape)}, "
            f"partitions.shape = {list(partitions.shape)}"
        )
    outside = (partitions < 0) | (partitions >= num_partitions)
    if outside.any():
        raise ValueError(
            f"partitions has the value {partitions[outside].flat[0]}, which is not in "
            f"[0, {num_partitions})"
        )
    parts = tuple(data[partitions == i] for i in range(num_partitions))
    return parts if num_partitions > 1 else parts[0]


@DYNAMIC_PARTITION.gradient
def dynamic_partition_gradient(op: Operation, *grads: Tensor | None) -> Any:
    data, partitions = op.inputs
    filled = [
        array_ops.zeros_like(output) if grad is None else grad
        for grad, output in zip(grads, op.outputs, strict=True)
    ]
    shape = array_ops.shape(partitions)
    positions = array_ops.reshape(math_ops.range(array_ops.size(partitions)), shape)
    back = dynamic_partition(positions, partitions, len(filled))
    return array_ops.reshape(dynamic_stitch(back, filled), array_ops.shape(data)), None


def dynamic_partition(
    data: Any, partitions: Any, num_partitions: int, name: str | None = None
) -> Any:
    """Deals rows out to partitions (mirrors `tf.dynamic_partition`).

    Args:
      data: a tensor of any dtype.
      partitions: int32, with the first dims of `data`: for each row the number of its partition.
      num_partitions: how many partitions there are.
      name: the node's name.

    Returns:
      A list of tensors; the i-th has the rows of partition i, in their order.

    Raises:
      tf.errors.InvalidArgumentError: if a partition's number is out of range.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.dynamic_partition([10, 20, 30], [0, 1, 0], 2)))
    [array([10, 30], dtype=int32), array([20], dtype=int32)]
    """
    return DYNAMIC_PARTITION(data, partitions, num_partitions=num_partitions, name=name)


# ---- DynamicStitch

DYNAMIC_STITCH = op_def(
    "DynamicStitch(indices: N * int32, data: N * T) -> (merged: T)", "N: int > 1", "T: type"
)


def _stitched_shape(op: Operation) -> list[TensorShape]:
    count = op._attrs["N"]
    row = unknown_shape()
    known: list[Any] = []
    for indices, data in zip(op.inputs[:count], op.inputs[count:], strict=True):
        known.append(static_value(indices))
        if indices.shape.ndims is None or data.shape.ndims is None:
            continue
        _check_prefix(data.shape, indices.shape)
        row = _merge_rows(row, data.shape[indices.shape.ndims :])
    length: int | None = None
    if all(value is not None for value in known):
        length = max((int(value.max()) + 1 for value in known if value.size), default=0)
    return [as_shape([length]).concatenate(row)]


def _merge_rows(row: TensorShape, other: TensorShape) -> TensorShape:
    try:
        return row.merge_with(other)
    except ValueError:
        raise ValueError(f"Dimensions must be equal: the rows {row} and {other}") from None


DYNAMIC_STITCH.shape(_stitched_shape)


def _stitch(*indices_and_data: Any) -> Any:
    count = len(indices_and_data) // 2
    indices, data = indices_and_data[:count], indices_and_data[count:]
    length = max((int(part.max()) + 1 for part in indices if part.size), default=0)
    row: Any = data[0].shape[indices[0].ndim :]
    merged = np.zeros((length, *row), data[0].dtype)
    for part, values in zip(indices, data, strict=True):
        if values.shape != part.shape + row:
            raise ValueError(
                f"Need data.shape to begin with indices.shape and to end with {list(row)}, got "
                f"data.shape = {list(values.shape)}, indices.shape = {list(part.shape)}"
            )
        if part.size and part.min() < 0:
            raise ValueError(f"indices must not be negative, got {part.min()}")
        merged[part] = values
    return merged


DYNAMIC_STITCH.kernel(_stitch)


def _stitch_gradient(op: Operation, grad: Tensor) -> Any:
    count = op._attrs["N"]
    # A row that a later part overwrites gets the gradient too, as in TensorFlow.
    return [None] * count + [array_ops.gather(grad, indices) for indices in op.inputs[:count]]


DYNAMIC_STITCH.gradient(_stitch_gradient)


def dynamic_stitch(indices: Any, data: Any, name: str | None = None) -> Tensor:
    """Puts rows at given places (mirrors `tf.dynamic_stitch`).

        merged[indices[m][i]] = data[m][i]

    Args:
      indices: a list of int32 tensors.
      data: a list of tensors of one dtype; each begins with the dims of its indices.
      name: the node's name.

    Returns:
      A tensor with `max(indices) + 1` rows. Of several rows for one place the last one counts.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.dynamic_stitch([[0, 2], [1]], [[10, 30], [20]])))
    [10 20 30]
    """
    result: Tensor = DYNAMIC_STITCH(indices, data, name=name)
    return result


# ---- ParallelDynamicStitch

PARALLEL_DYNAMIC_STITCH = op_def(
    "ParallelDynamicStitch(indices: N * int32, data: N * T) -> (merged: T)",
    "N: int > 1",
    "T: type",
    shape=_stitched_shape,
)
PARALLEL_DYNAMIC_STITCH.kernel(_stitch)
PARALLEL_DYNAMIC_STITCH.gradient(_stitch_gradient)


def parallel_dynamic_stitch(indices: Any, data: Any, name: str | None = None) -> Tensor:
    """`tf.dynamic_stitch` for places that are all different.

    Args:
      indices: a list of int32 tensors.
      data: a list of tensors of one dtype; each begins with the dims of its indices.
      name: the node's name.

    Returns:
      A tensor with `max(indices) + 1` rows.
    """
    result: Tensor = PARALLEL_DYNAMIC_STITCH(indices, data, name=name)
    return result
