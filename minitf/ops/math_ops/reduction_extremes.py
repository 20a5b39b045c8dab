"""With this module one can reduce axes to their largest or smallest element, or to all or any."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.ops.math_ops.arithmetic import MUL, REAL_DIV
from minitf.ops.math_ops.casting import cast
from minitf.ops.math_ops.comparison import EQUAL
from minitf.ops.math_ops.reduction import SUM, may_be_scalar
from minitf.ops.math_ops.reduction_axes import (
    axes_or_all,
    axis_argument,
    keepdims_argument,
    kernel_axes,
    reduced_shape,
    with_kept_axes,
)

_ATTRS = ("keep_dims: bool = false", "T: realnumber", "Tidx: index = int32")


def _limits(dtype: Any) -> tuple[Any, Any]:
    """What is not above and not below any element: what an empty axis is reduced to."""
    if dtype.kind == "f":
        return -np.inf, np.inf
    info = np.iinfo(dtype)
    return info.min, info.max


def _chosen_gradient(op: Operation, grad: Tensor) -> Any:
    """The gradient goes to the elements that were chosen, in equal parts."""
    chosen = cast(EQUAL(with_kept_axes(op, op.outputs[0]), op.inputs[0]), grad.dtype)
    count = SUM(chosen, op.inputs[1], keep_dims=True)
    return MUL(REAL_DIV(chosen, count), with_kept_axes(op, grad)), None


# ---- Max

MAX = op_def("Max(input: T, reduction_indices: Tidx) -> (output: T)", *_ATTRS, shape=reduced_shape)


@MAX.kernel
def max_kernel(input: Any, reduction_indices: Any, *, keep_dims: bool) -> Any:
    axes = kernel_axes(input, reduction_indices)
    least = _limits(input.dtype)[0]
    return np.max(input, axis=axes, keepdims=keep_dims, initial=least)


@MAX.gradient
def max_gradient(op: Operation, grad: Tensor) -> Any:
    return _chosen_gradient(op, grad)


def reduce_max(
    input_tensor: Any,
    axis: Any = None,
    keepdims: bool | None = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """The largest element along some axes (mirrors `tf.reduce_max`).

    Args:
      input_tensor: a tensor of a real dtype.
      axis: an axis, a list of axes, or a tensor of them; negative ones count from the end; all
        axes if None.
      keepdims: whether the axes stay, with size 1.
      name: the node's name.
      reduction_indices, keep_dims: older names of `axis` and `keepdims`.

    Returns:
      A tensor of the same dtype; nan where one is nan, and the dtype's least value where there is
      no element. Where several are the largest they share the gradient.

    Raises:
      ValueError: if an axis is out of range, or an argument is given under both names.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.reduce_max([[1, 5], [7, 2]], axis=1))
    array([5, 7], dtype=int32)
    """
    axis = axis_argument(axis, reduction_indices)
    keep = keepdims_argument(keepdims, keep_dims)
    result = MAX(input_tensor, axes_or_all(input_tensor, axis), keep_dims=keep, name=name)
    return may_be_scalar(result, axis, keep)


# ---- Min

MIN = op_def("Min(input: T, reduction_indices: Tidx) -> (output: T)", *_ATTRS, shape=reduced_shape)


@MIN.kernel
def min_kernel(input: Any, reduction_indices: Any, *, keep_dims: bool) -> Any:
    axes = kernel_axes(input, reduction_indices)
    largest = _limits(input.dtype)[1]
    return np.min(input, axis=axes, keepdims=keep_dims, initial=largest)


@MIN.gradient
def min_gradient(op: Operation, grad: Tensor) -> Any:
    return _chosen_gradient(op, grad)


def reduce_min(
    input_tensor: Any,
    axis: Any = None,
    keepdims: bool | None = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """The smallest element along some axes (mirrors `tf.reduce_min`).

    Args:
      input_tensor: a tensor of a real dtype.
      axis: an axis, a list of axes, or a tensor of them; negative ones count from the end; all
        axes if None.
      keepdims: whether the axes stay, with size 1.
      name: the node's name.
      reduction_indices, keep_dims: older names of `axis` and `keepdims`.

    Returns:
      A tensor of the same dtype; nan where one is nan, and the dtype's largest value where there
      is no element. Where several are the smallest they share the gradient.

    Raises:
      ValueError: if an axis is out of range, or an argument is given under both names.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.reduce_min([[1, 5], [7, 2]], axis=1))
    array([1, 2], dtype=int32)
    """
    axis = axis_argument(axis, reduction_indices)
    keep = keepdims_argument(keepdims, keep_dims)
    result = MIN(input_tensor, axes_or_all(input_tensor, axis), keep_dims=keep, name=name)
    return may_be_scalar(result, axis, keep)


# ---- All

ALL = op_def(
    "All(input: bool, reduction_indices: Tidx) -> (output: bool)",
    "keep_dims: bool = false",
    "Tidx: index = int32",
    shape=reduced_shape,
)


@ALL.kernel
def all_kernel(input: Any, reduction_indices: Any, *, keep_dims: bool) -> Any:
    return np.all(input, axis=kernel_axes(input, reduction_indices), keepdims=keep_dims)


ALL.not_differentiable()


def reduce_all(
    input_tensor: Any,
    axis: Any = None,
    keepdims: bool | None = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """Whether all elements along some axes are true (mirrors `tf.reduce_all`).

    Args:
      input_tensor: a bool tensor.
      axis: an axis, a list of axes, or a tensor of them; negative ones count from the end; all
        axes if None.
      keepdims: whether the axes stay, with size 1.
      name: the node's name.
      reduction_indices, keep_dims: older names of `axis` and `keepdims`.

    Returns:
      A bool tensor; true where there is no element.

    Raises:
      ValueError: if an axis is out of range, or an argument is given under both names.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.reduce_all([[True, True], [True, False]], axis=1))
    array([ True, False])
    """
    axis = axis_argument(axis, reduction_indices)
    keep = keepdims_argument(keepdims, keep_dims)
    result = ALL(input_tensor, axes_or_all(input_tensor, axis), keep_dims=keep, name=name)
    return may_be_scalar(result, axis, keep)


# ---- Any

ANY = op_def(
    "Any(input: bool, reduction_indices: Tidx) -> (output: bool)",
    "keep_dims: bool = false",
    "Tidx: index = int32",
    shape=reduced_shape,
)


@ANY.kernel
def any_kernel(input: Any, reduction_indices: Any, *, keep_dims: bool) -> Any:
    return np.any(input, axis=kernel_axes(input, reduction_indices), keepdims=keep_dims)


ANY.not_differentiable()


def reduce_any(
    input_tensor: Any,
    axis: Any = None,
    keepdims: bool | None = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """Whether any element along some axes is true (mirrors `tf.reduce_any`).

    Args:
      input_tensor: a bool tensor.
      axis: an axis, a list of axes, or a tensor of them; negative ones count from the end; all
        axes if None.
      keepdims: whether the axes stay, with size 1.
      name: the node's name.
      reduction_indices, keep_dims: older names of `axis` and `keepdims`.

    Returns:
      A bool tensor; false where there is no element.

    Raises:
      ValueError: if an axis is out of range, or an argument is given under both names.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.reduce_any([[False, True], [False, False]], axis=1))
    array([ True, False])
    """
    axis = axis_argument(axis, reduction_indices)
    keep = keepdims_argument(keepdims, keep_dims)
    result = ANY(input_tensor, axes_or_all(input_tensor, axis), keep_dims=keep, name=name)
    return may_be_scalar(result, axis, keep)
