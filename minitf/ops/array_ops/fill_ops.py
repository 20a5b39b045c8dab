"""With this module one can fill a shape with one value: `tf.fill`, `tf.zeros`, `tf.ones_like`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minitf.framework import dtypes, errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.op_def import op_def, unchanged
from minitf.framework.operation import Operation
from minitf.framework.scopes import name_scope
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape
from minitf.ops import math_ops
from minitf.ops.array_ops.shape_ops import RESHAPE, shape_operand, shape_vector
from minitf.ops.constant_op import constant

# From this many elements on a graph holds a Fill instead of the zeros themselves.
_SMALL = 1000

# ---- Fill

FILL = op_def(
    "Fill(dims: index_type, value: T) -> (output: T)",
    "T: type",
    "index_type: {int32, int64} = int32",
)


@FILL.shape
def fill_shape(op: Operation) -> list[TensorShape]:
    if op.inputs[1].shape.ndims not in (None, 0):
        raise ValueError(f"Shape must be rank 0 but is rank {op.inputs[1].shape.ndims}")
    return [shape_operand(op.inputs[0])]


@FILL.kernel
def fill_kernel(dims: Any, value: Any) -> Any:
    if np.ndim(dims) != 1:
        raise ValueError(f"dims must be a vector, got shape {list(np.shape(dims))}")
    if np.ndim(value):
        raise ValueError(f"value must be a scalar, got shape {list(np.shape(value))}")
    if np.size(dims) and np.min(dims) < 0:
        raise ValueError(f"Dimension {np.min(dims)} must be >= 0")
    return np.full(tuple(int(d) for d in dims), value, dtype=value.dtype)


@FILL.gradient
def fill_gradient(op: Operation, grad: Tensor) -> Any:
    return None, math_ops.reduce_sum(grad)


def fill(dims: Any, value: Any, name: str | None = None) -> Tensor:
    """A tensor of one value throughout (mirrors `tf.fill`).

    Args:
      dims: an integer vector, the shape.
      value: a scalar of any dtype.
      name: the node's name.

    Returns:
      A tensor of that shape and the value's dtype.

    Raises:
      ValueError: if `value` is not a scalar or `dims` not a vector.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.fill([2, 3], 9)))
    [[9 9 9]
     [9 9 9]]
    """
    result: Tensor = FILL(dims, value, name=name)
    return result


# ---- ZerosLike

ZEROS_LIKE = op_def("ZerosLike(x: T) -> (y: T)", "T: type", fills=0, shape=unchanged)


@ZEROS_LIKE.kernel
def zeros_like_kernel(x: Any) -> Any:
    if x.dtype == object:
        return np.full(np.shape(x), b"", dtype=object)
    return np.zeros(np.shape(x), x.dtype)


ZEROS_LIKE.not_differentiable()

# ---- OnesLike

ONES_LIKE = op_def("OnesLike(x: T) -> (y: T)", "T: type", fills=1, shape=unchanged)


@ONES_LIKE.kernel
def ones_like_kernel(x: Any) -> Any:
    return np.ones(np.shape(x), x.dtype)


ONES_LIKE.not_differentiable()

# ---- zeros, ones and their kin


def _zero(dtype: dtypes.DType) -> Any:
    return {dtypes.string: "", dtypes.bool_: False}.get(dtype, 0)


def _filled(shape: Any, value: Any, dtype: dtypes.DType, scope: str) -> Tensor:
    """A small constant where the shape is plainly known, else a Fill."""
    if not isinstance(shape, Tensor):
        dims = _plain_dims(shape)
        if dims is not None and min(dims, default=0) < 0:
            raise errors.value_error(f"Dimensions must be >= 0, but the shape is {dims}")
        if dims is not None and math.prod(dims) < _SMALL:
            return constant(value, dtype, shape=dims, name=scope)
        shape = _shape_tensor(shape)
    if shape.shape.ndims == 0:
        shape = RESHAPE(shape, [-1])
    return fill(shape, constant(value, dtype), name=scope)


def _plain_dims(shape: Any) -> list[int] | None:
    if isinstance(shape, TensorShape):
        return [int(d) for d in shape] if shape.is_fully_defined() else None
    try:
        # Half of an odd batch is a float in Python 3; scripts of Python 2 mean the integer.
        return [int(d) if isinstance(d, float) else d.__index__() for d in shape]
    except (AttributeError, TypeError):
        return None


def _shape_tensor(shape: Any) -> Tensor:
    """The shape as a vector; a single size stands for a vector of one."""
    try:
        known = TensorShape(shape)
        if known.is_fully_defined():
            return convert_to_tensor(known, dtypes.int32)
    except (TypeError, ValueError):
        pass
    return convert_to_tensor(shape, dtypes.int32)


def zeros(shape: Any, dtype: Any = dtypes.float32, name: str | None = None) -> Tensor:
    """A tensor of zeros (mirrors `tf.zeros`).

    Args:
      shape: a list of ints, a `TensorShape`, or an integer tensor.
      dtype: any dtype; strings are empty and bools False.
      name: the node's name.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.zeros([2, 3], tf.int32)))
    [[0 0 0]
     [0 0 0]]
    """
    dtype = dtypes.as_dtype(dtype).base_dtype
    with name_scope(name, "zeros", [shape]) as scope:
        return _filled(shape, _zero(dtype), dtype, scope)


def ones(shape: Any, dtype: Any = dtypes.float32, name: str | None = None) -> Tensor:
    """A tensor of ones (mirrors `tf.ones`).

    Args:
      shape: a list of ints, a `TensorShape`, or an integer tensor.
      dtype: a number type or bool.
      name: the node's name.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.ones([2], tf.float64)))
    [1. 1.]
    """
    dtype = dtypes.as_dtype(dtype).base_dtype
    with name_scope(name, "ones", [shape]) as scope:
        return _filled(shape, True if dtype is dtypes.bool_ else 1, dtype, scope)


def zeros_like(
    tensor: Any, dtype: Any = None, name: str | None = None, optimize: bool = True
) -> Tensor:
    """Zeros in the shape of another tensor (mirrors `tf.zeros_like`).

    Args:
      tensor: a tensor of any dtype and shape.
      dtype: the result's dtype; that of `tensor` if None.
      name: the node's name.
      optimize: whether a fully known static shape may be used instead of the tensor.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.zeros_like([[1, 2], [3, 4]])))
    [[0 0]
     [0 0]]
    """
    with name_scope(name, "zeros_like", [tensor]) as scope:
        tensor = convert_to_tensor(tensor, name="tensor")
        wanted = dtypes.as_dtype(tensor.dtype if dtype is None else dtype).base_dtype
        if optimize and tensor.shape.is_fully_defined():
            return _filled(tensor.shape, _zero(wanted), wanted, scope)
        if wanted is not tensor.dtype.base_dtype:
            return _filled(shape_vector(tensor, optimize), _zero(wanted), wanted, scope)
        result: Tensor = ZEROS_LIKE(tensor, name=scope)
        return result


def ones_like(
    tensor: Any, dtype: Any = None, name: str | None = None, optimize: bool = True
) -> Tensor:
    """Ones in the shape of another tensor (mirrors `tf.ones_like`).

    Args:
      tensor: a tensor of any dtype and shape.
      dtype: the result's dtype; that of `tensor` if None.
      name: the node's name.
      optimize: whether a fully known static shape may be used instead of the tensor.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.ones_like([5.0, 6.0])))
    [1. 1.]
    """
    with name_scope(name, "ones_like", [tensor]) as scope:
        tensor = convert_to_tensor(tensor, name="tensor")
        wanted = dtypes.as_dtype(tensor.dtype if dtype is None else dtype).base_dtype
        one = True if wanted is dtypes.bool_ else 1
        return fill(shape_vector(tensor, optimize), constant(one, wanted), name=scope)
