"""With this module one can say which axes a reduction removes, and undo it in a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import errors
from minitf.framework.operation import Operation
from minitf.framework.static_value import static_value
from minitf.framework.tensor import OperatorMixin, Tensor
from minitf.framework.tensor_shape import TensorShape, shape_of_dims, unknown_shape
from minitf.ops import array_ops, constant_op


def axis_argument(axis: Any, reduction_indices: Any) -> Any:
    """The one of an argument and its older name that was given.

    Raises:
      ValueError: if both were.
    """
    if axis is not None and reduction_indices is not None:
        raise errors.value_error("Cannot specify both 'reduction_indices' and 'axis'.")
    return reduction_indices if axis is None else axis


def keepdims_argument(keepdims: Any, keep_dims: Any) -> bool:
    """The one of an argument and its older name that was given; False if none was.

    Raises:
      ValueError: if both were.
    """
    if keepdims is not None and keep_dims is not None:
        raise errors.value_error("Cannot specify both 'keep_dims' and 'keepdims'.")
    return bool(keep_dims if keepdims is None else keepdims)


def axes_or_all(x: Any, axis: Any) -> Any:
    """`axis`, or where it is None every axis of `x`: a constant where the rank is known."""
    if axis is not None:
        return axis
    is_tensor = isinstance(x, OperatorMixin)  # or a variable; an array has no rank yet, as in TF
    rank = x.get_shape().ndims if is_tensor else None
    if rank:
        return constant_op.constant(np.arange(rank, dtype=np.int32))
    from minitf.ops.math_ops import sequence

    return sequence.range(0, array_ops.rank(x))


def positive_axes(axes: Any, rank: int) -> tuple[int, ...]:
    """Axes as numbers from 0.

    Raises:
      ValueError: if one is out of range.
    """
    found = []
    for axis in np.ravel(axes).tolist():
        if not -rank <= axis < rank:
            raise errors.value_error(
                f"Invalid reduction dimension {axis} for input with {rank} dimensions"
            )
        found.append(axis % rank)
    return tuple(found)


def kernel_axes(x: Any, axes: Any) -> tuple[int, ...]:
    """The axes that a kernel reduces.

    Raises:
      InvalidArgumentError: if one is out of range or comes twice.
    """
    found = positive_axes(axes, x.ndim)
    if len(set(found)) < len(found):
        raise errors.InvalidArgumentError(
            None,
            None,
            f"Invalid reduction arguments: Axes contains duplicate dimension: {found}",
        )
    return found


def reduced_shape(op: Operation) -> list[TensorShape]:
    """The shape rule of reductions."""
    x, axes = op.inputs
    dims, keep = x.shape._dims, op._attrs["keep_dims"]
    value = static_value(axes)
    if dims is None:
        return [unknown_shape()]
    if value is None:
        return [unknown_shape(len(dims) if keep else None)]
    gone = set(positive_axes(value, len(dims)))
    if keep:
        return [shape_of_dims(tuple(1 if i in gone else d for i, d in enumerate(dims)))]
    return [shape_of_dims(tuple(d for i, d in enumerate(dims) if i not in gone))]


def static_axes(op: Operation) -> tuple[int, ...] | None:
    """The axes that a reduction node removes, if they are known, from the least."""
    rank, value = op.inputs[0].shape.ndims, static_value(op.inputs[1])
    if rank is None or value is None:
        return None
    return tuple(sorted(set(positive_axes(value, rank))))


def with_kept_axes(op: Operation, tensor: Tensor) -> Tensor:
    """A tensor of a reduction's output shape with its removed axes back, of size 1."""
    if op._attrs["keep_dims"] or tensor.shape.ndims == 0:
        return tensor
    axes = static_axes(op)
    if axes is None:
        return array_ops.reshape(tensor, _kept_shape(*op.inputs))
    for axis in axes:
        tensor = array_ops.expand_dims(tensor, axis)
    return tensor


def _kept_shape(x: Tensor, axes: Tensor) -> Tensor:
    """The shape of `x` with 1 in place of the reduced sizes, found while the graph runs."""
    from minitf.ops import math_ops

    rank = array_ops.rank(x)
    places = math_ops.floormod(math_ops.cast(axes, rank.dtype) + rank, rank)
    hits = math_ops.unsorted_segment_sum(array_ops.ones_like(places), places, rank)
    shape = array_ops.shape(x)
    kept: Tensor = array_ops.where_v2(hits > 0, array_ops.ones_like(shape), shape)
    return kept


def spread(op: Operation, tensor: Tensor) -> Tensor:
    """Repeats a tensor of a reduction's output shape along the axes that were removed."""
    kept = with_kept_axes(op, tensor)
    result: Tensor = array_ops.broadcast_to(kept, array_ops.shape(op.inputs[0]))
    return result
