"""With this module one can reduce axes of a tensor to their sum, mean or product."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import SCALAR
from minitf.ops import array_ops
from minitf.ops.math_ops.arithmetic import REAL_DIV
from minitf.ops.math_ops.casting import cast
from minitf.ops.math_ops.extremes import MAXIMUM
from minitf.ops.math_ops.integer_division import FLOOR_DIV
from minitf.ops.math_ops.reduction_axes import (
    axes_or_all,
    axis_argument,
    keepdims_argument,
    kernel_axes,
    reduced_shape,
    spread,
    static_axes,
)

# ---- Sum

SUM = op_def(
    "Sum(input: T, reduction_indices: Tidx) -> (output: T)",
    "keep_dims: bool = false",
    "T: number",
    "Tidx: index = int32",
    shape=reduced_shape,
)

_BLOCK = 128


@SUM.kernel
def sum_kernel(input: Any, reduction_indices: Any, *, keep_dims: bool) -> Any:
    return _sum(input, kernel_axes(input, reduction_indices), keep_dims)


def _sum(x: Any, axes: tuple[int, ...], keep_dims: bool) -> Any:
    rows = x.shape[0] if axes == (0,) else 0
    if rows > 2 * _BLOCK and x.ndim > 1 and x.dtype.kind in "fc":
        # numpy adds pairwise along the last axis only; rows in blocks keep rounding as small.
        whole = rows - rows % _BLOCK
        blocks = x[:whole].reshape(-1, _BLOCK, *x.shape[1:]).sum(axis=1, dtype=x.dtype)
        total = _sum(blocks, (0,), keep_dims)
        if whole < rows:
            total = total + x[whole:].sum(axis=0, keepdims=keep_dims, dtype=x.dtype)
        return total
    return np.sum(x, axis=axes, keepdims=keep_dims, dtype=x.dtype)


@SUM.gradient
def sum_gradient(op: Operation, grad: Tensor) -> Any:
    return spread(op, grad), None


def reduce_sum(
    input_tensor: Any,
    axis: Any = None,
    keepdims: bool | None = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """The sum of the elements along some axes (mirrors `tf.reduce_sum`).

    Args:
      input_tensor: a tensor of a numeric dtype.
      axis: an axis, a list of axes, or a tensor of them; negative ones count from the end; all
        axes if None.
      keepdims: whether the axes stay, with size 1.
      name: the node's name.
      reduction_indices, keep_dims: older names of `axis` and `keepdims`.

    Returns:
      A tensor of the same dtype.

    Raises:
      ValueError: if an axis is out of range, or an argument is given under both names.

    >>> import minitf as tf
    >>> x = tf.constant([[1, 2], [3, 4]])
    >>> with tf.Session() as sess:
    ...     print(*sess.run([tf.reduce_sum(x), tf.reduce_sum(x, 0), tf.reduce_sum(x, axis=-1)]))
    10 [4 6] [3 7]
    """
    axis = axis_argument(axis, reduction_indices)
    keep = keepdims_argument(keepdims, keep_dims)
    result = SUM(input_tensor, axes_or_all(input_tensor, axis), keep_dims=keep, name=name)
    return may_be_scalar(result, axis, keep)


def may_be_scalar(result: Tensor, axis: Any, keep: bool) -> Tensor:
    """A reduction over all axes is a scalar, even if the rank of what it reduces is unknown."""
    if axis is None and not keep:
        result.set_shape(SCALAR)
    return result


# ---- Mean

MEAN = op_def(
    "Mean(input: T, reduction_indices: Tidx) -> (output: T)",
    "keep_dims: bool = false",
    "T: number",
    "Tidx: index = int32",
    shape=reduced_shape,
)


@MEAN.kernel
def mean_kernel(input: Any, reduction_indices: Any, *, keep_dims: bool) -> Any:
    axes = kernel_axes(input, reduction_indices)
    count = math.prod(input.shape[axis] for axis in axes)
    total = _sum(input, axes, keep_dims)
    if input.dtype.kind in "iu":
        return (np.trunc(total / count) if count else total).astype(input.dtype)
    return total / input.dtype.type(count)


@MEAN.gradient
def mean_gradient(op: Operation, grad: Tensor) -> Any:
    return spread(op, REAL_DIV(grad, _count(op, grad))), None


def _count(op: Operation, grad: Tensor) -> Any:
    """How many elements make one element of the output, in the dtype of the gradient."""
    axes = static_axes(op)
    if axes is not None:
        sizes = [op.inputs[0].shape.as_list()[axis] for axis in axes]
        if None not in sizes:
            return math.prod(size for size in sizes if size is not None)
    outputs = MAXIMUM(array_ops.size(op.outputs[0]), 1)
    count = FLOOR_DIV(array_ops.size(op.inputs[0]), outputs)
    return cast(count, grad.dtype)


def reduce_mean(
    input_tensor: Any,
    axis: Any = None,
    keepdims: bool | None = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """The mean of the elements along some axes (mirrors `tf.reduce_mean`).

    Args:
      input_tensor: a tensor of a numeric dtype; the mean of integers is truncated.
      axis: an axis, a list of axes, or a tensor of them; negative ones count from the end; all
        axes if None.
      keepdims: whether the axes stay, with size 1.
      name: the node's name.
      reduction_indices, keep_dims: older names of `axis` and `keepdims`.

    Returns:
      A tensor of the same dtype; nan where there is nothing to take the mean of.

    Raises:
      ValueError: if an axis is out of range, or an argument is given under both names.

    >>> import minitf as tf
    >>> x = tf.constant([[1.0, 2.0], [3.0, 5.0]])
    >>> with tf.Session() as sess:
    ...     print(*sess.run([tf.reduce_mean(x), tf.reduce_mean(x, 0)]))
    2.75 [2.  3.5]
    """
    axis = axis_argument(axis, reduction_indices)
    keep = keepdims_argument(keepdims, keep_dims)
    result = MEAN(input_tensor, axes_or_all(input_tensor, axis), keep_dims=keep, name=name)
    return may_be_scalar(result, axis, keep)
