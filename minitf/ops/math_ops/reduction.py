"""With this module one can reduce axes of a tensor to their sum, mean or product."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import SCALAR
from minitf.kernels import reductions
from minitf.ops import array_ops
from minitf.ops.math_ops import sequence
from minitf.ops.math_ops.arithmetic import MUL, REAL_DIV
from minitf.ops.math_ops.casting import cast
from minitf.ops.math_ops.complex_numbers import conj
from minitf.ops.math_ops.cumulative import CUMPROD
from minitf.ops.math_ops.extremes import MAXIMUM
from minitf.ops.math_ops.integer_division import FLOOR_DIV, FLOOR_MOD
from minitf.ops.math_ops.reduction_axes import (
    axes_or_all,
    axis_argument,
    keepdims_argument,
    kernel_axes,
    reduced_shape,
    spread,
    static_axes,
    with_kept_axes,
)

# ---- Sum

SUM = op_def(
    "Sum(input: T, reduction_indices: Tidx) -> (output: T)",
    "keep_dims: bool = false",
    "T: number",
    "Tidx: index = int32",
    passes_on_same_shape=True,
    adds_up="sum",
    shape=reduced_shape,
)


@SUM.kernel
def sum_kernel(input: Any, reduction_indices: Any, *, keep_dims: bool) -> Any:
    return _sum(input, kernel_axes(input, reduction_indices), keep_dims)


def _sum(x: Any, axes: tuple[int, ...], keep_dims: bool) -> Any:
    total = reductions.sum_over(x, axes)
    if not keep_dims:
        return total
    kept = tuple(1 if axis in axes else size for axis, size in enumerate(x.shape))
    return np.reshape(total, kept)


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
    passes_on_same_shape=True,
    adds_up="mean",
    shape=reduced_shape,
)


@MEAN.kernel
def mean_kernel(input: Any, reduction_indices: Any, *, keep_dims: bool) -> Any:
    axes = kernel_axes(input, reduction_indices)
    count = math.prod(input.shape[axis] for axis in axes)
    if input.dtype.kind in "iu":
        total = np.sum(input, axis=axes, keepdims=keep_dims)  # in 64 bits, so that none is lost
        mean = np.sign(total) * (np.abs(total) // max(count, 1))
        return mean.astype(input.dtype)
    return _sum(input, axes, keep_dims) / input.dtype.type(count)


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


# ---- Prod

PROD = op_def(
    "Prod(input: T, reduction_indices: Tidx) -> (output: T)",
    "keep_dims: bool = false",
    "T: number",
    "Tidx: index = int32",
    shape=reduced_shape,
)


@PROD.kernel
def prod_kernel(input: Any, reduction_indices: Any, *, keep_dims: bool) -> Any:
    axes = kernel_axes(input, reduction_indices)
    return np.prod(input, axis=axes, keepdims=keep_dims, dtype=input.dtype)


@PROD.gradient
def prod_gradient(op: Operation, grad: Tensor) -> Any:
    # By one element it is the product of the others; to divide by the element fails at zeros.
    return MUL(with_kept_axes(op, grad), conj(_products_of_others(op))), None


def _products_of_others(op: Operation) -> Tensor:
    """For each element the product of the others that it was multiplied with."""
    x, axes = op.inputs[0], static_axes(op)
    if axes is not None and len(axes) == 1:
        return _others_along(x, axes[0])
    shape = array_ops.shape(x)
    if op.outputs[0].shape.ndims == 0 and not op._attrs["keep_dims"]:  # all axes
        return array_ops.reshape(_others_along(array_ops.reshape(x, [-1]), 0), shape)
    # All others: with the reduced axes in front, and as one.
    order, sizes = _reduced_axes_first(op, shape)
    turned = array_ops.transpose(x, order)
    others = _others_along(array_ops.reshape(turned, sizes), 0)
    turned_back = array_ops.invert_permutation(order)
    return array_ops.transpose(array_ops.reshape(others, array_ops.shape(turned)), turned_back)


def _reduced_axes_first(op: Operation, shape: Tensor) -> tuple[Tensor, Tensor]:
    """All axes, those that a reduction removes first; how many elements it reduces, and to what."""
    rank = array_ops.rank(op.inputs[0])
    axes = array_ops.reshape(cast(op.inputs[1], rank.dtype), [-1])
    axes = FLOOR_MOD(axes + rank, rank)
    kept, _ = array_ops.setdiff1d(sequence.range(0, rank), axes)
    sizes = [PROD(array_ops.gather(shape, part), 0) for part in (axes, kept)]
    return array_ops.concat([axes, kept], 0), array_ops.stack(sizes)


def _others_along(x: Tensor, axis: Any) -> Tensor:
    before = CUMPROD(x, axis, exclusive=True)
    after = CUMPROD(x, axis, exclusive=True, reverse=True)
    result: Tensor = MUL(before, after)
    return result


def reduce_prod(
    input_tensor: Any,
    axis: Any = None,
    keepdims: bool | None = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """The product of the elements along some axes (mirrors `tf.reduce_prod`).

    Args:
      input_tensor: a tensor of a numeric dtype.
      axis: an axis, a list of axes, or a tensor of them; negative ones count from the end; all
        axes if None.
      keepdims: whether the axes stay, with size 1.
      name: the node's name.
      reduction_indices, keep_dims: older names of `axis` and `keepdims`.

    Returns:
      A tensor of the same dtype; 1 where there is no element.

    Raises:
      ValueError: if an axis is out of range, or an argument is given under both names.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.reduce_prod([[1, 2], [3, 4]], axis=1))
    array([ 2, 12], dtype=int32)
    """
    axis = axis_argument(axis, reduction_indices)
    keep = keepdims_argument(keepdims, keep_dims)
    result = PROD(input_tensor, axes_or_all(input_tensor, axis), keep_dims=keep, name=name)
    return may_be_scalar(result, axis, keep)
