"""With this module one can divide with a remainder, by rounding down or towards zero.

Division of integers by zero has no result: it is an error when the graph runs, as in TensorFlow.
Of floats it gives inf or nan.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import errors
from minitf.framework.op_def import broadcast, op_def
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.ops.math_ops.arithmetic import MUL, NEG, REAL_DIV
from minitf.ops.math_ops.broadcasting import unbroadcast
from minitf.ops.math_ops.complex_numbers import conj


def _is_integer(x: Any, y: Any) -> bool:
    """Whether the operands are integers; refuses zeros among integer divisors.

    Raises:
      InvalidArgumentError: if an integer is divided by 0; an empty `x` has none to divide.
    """
    if y.dtype.kind not in "iu":
        return False
    if not np.all(y) and np.size(x):
        raise errors.InvalidArgumentError(None, None, "Integer division by zero")
    return True


# ---- FloorDiv

FLOOR_DIV = op_def("FloorDiv(x: T, y: T) -> (z: T)", "T: number", shape=broadcast)


@FLOOR_DIV.kernel
def floor_div_kernel(x: Any, y: Any) -> Any:
    return np.floor_divide(x, y) if _is_integer(x, y) else np.floor(x / y)


# Between the jumps the quotient does not vary, so that nothing flows back.
FLOOR_DIV.not_differentiable()


def floor_div(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The quotient rounded down, `floor(x / y)`, with broadcasting (mirrors `tf.floor_div`).

    Args:
      x, y: tensors of one real dtype.
      name: the node's name.

    Returns:
      A tensor of the same dtype.

    Raises:
      TypeError: if the dtypes differ.
      tf.errors.InvalidArgumentError: if an integer is divided by 0.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.floor_div([7, -7], 2))
    array([ 3, -4], dtype=int32)
    """
    result: Tensor = FLOOR_DIV(x, y, name=name)
    return result


def floordiv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The quotient rounded down, which is what `x // y` builds (mirrors `tf.floordiv`).

    Args:
      x, y: tensors of one real dtype, with broadcasting.
      name: the node's name.

    Returns:
      A tensor of the same dtype.

    Raises:
      TypeError: if the dtypes differ.
      tf.errors.InvalidArgumentError: if an integer is divided by 0.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.floordiv([7.0, -7.0], 2.0))
    array([ 3., -4.], dtype=float32)
    """
    result: Tensor = FLOOR_DIV(x, y, name=name or "floordiv")
    return result


# ---- FloorMod

FLOOR_MOD = op_def("FloorMod(x: T, y: T) -> (z: T)", "T: realnumber", shape=broadcast)


@FLOOR_MOD.kernel
def floor_mod_kernel(x: Any, y: Any) -> Any:
    _is_integer(x, y)
    return np.mod(x, y)


@FLOOR_MOD.gradient
def floor_mod_gradient(op: Operation, grad: Tensor) -> Any:
    x, y = op.inputs
    by_y = MUL(grad, NEG(FLOOR_DIV(x, y)))
    return unbroadcast(grad, x, y), unbroadcast(by_y, y, x)


def floormod(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The remainder of the division rounded down, `x - floor(x / y) * y` (mirrors `tf.floormod`).

    It has the sign of `y`. `x % y` and `tf.mod` build the same.

    Args:
      x, y: tensors of one real dtype.
      name: the node's name.

    Returns:
      A tensor of the same dtype.

    Raises:
      TypeError: if the dtypes differ.
      tf.errors.InvalidArgumentError: if an integer is divided by 0.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.floormod([7, -7], 3))
    array([1, 2], dtype=int32)
    """
    result: Tensor = FLOOR_MOD(x, y, name=name)
    return result


def mod(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The remainder of the division rounded down (mirrors `tf.mod`): see `tf.floormod`.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.mod([7.5, -7.5], 2.0))
    array([1.5, 0.5], dtype=float32)
    """
    return floormod(x, y, name)


# ---- TruncateDiv

TRUNCATE_DIV = op_def("TruncateDiv(x: T, y: T) -> (z: T)", "T: number", shape=broadcast)


@TRUNCATE_DIV.kernel
def truncate_div_kernel(x: Any, y: Any) -> Any:
    if not _is_integer(x, y):
        return np.trunc(x / y) if y.dtype.kind == "f" else x / y
    return (x - np.fmod(x, y)) // y


TRUNCATE_DIV.not_differentiable()


def truncatediv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The quotient rounded towards zero, with broadcasting (mirrors `tf.truncatediv`).

    Args:
      x, y: tensors of one numeric dtype.
      name: the node's name.

    Returns:
      A tensor of the same dtype.

    Raises:
      TypeError: if the dtypes differ.
      tf.errors.InvalidArgumentError: if an integer is divided by 0.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.truncatediv([7, -7], 2))
    array([ 3, -3], dtype=int32)
    """
    result: Tensor = TRUNCATE_DIV(x, y, name=name)
    return result


# ---- TruncateMod

TRUNCATE_MOD = op_def(
    "TruncateMod(x: T, y: T) -> (z: T)",
    "T: {int32, int64, float16, float32, float64}",
    shape=broadcast,
)


@TRUNCATE_MOD.kernel
def truncate_mod_kernel(x: Any, y: Any) -> Any:
    _is_integer(x, y)
    return np.fmod(x, y)


@TRUNCATE_MOD.gradient
def truncate_mod_gradient(op: Operation, grad: Tensor) -> Any:
    x, y = op.inputs
    by_y = MUL(grad, NEG(TRUNCATE_DIV(x, y)))
    return unbroadcast(grad, x, y), unbroadcast(by_y, y, x)


def truncatemod(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The remainder of the division rounded towards zero (mirrors `tf.truncatemod`).

    It has the sign of `x`, as in C.

    Args:
      x, y: tensors of one dtype: int32, int64 or floating.
      name: the node's name.

    Returns:
      A tensor of the same dtype.

    Raises:
      TypeError: if the dtypes differ.
      tf.errors.InvalidArgumentError: if an integer is divided by 0.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.truncatemod([7, -7], 3))
    array([ 1, -1], dtype=int32)
    """
    result: Tensor = TRUNCATE_MOD(x, y, name=name)
    return result


# ---- Div and Mod: what old graphs have for TruncateDiv (of integers) and TruncateMod

DIV = op_def("Div(x: T, y: T) -> (z: T)", "T: number", shape=broadcast)


@DIV.kernel
def div_kernel(x: Any, y: Any) -> Any:
    return truncate_div_kernel(x, y) if y.dtype.kind in "iu" else x / y


@DIV.gradient
def div_gradient(op: Operation, grad: Tensor) -> Any:
    x, y = (conj(tensor) for tensor in op.inputs)
    by_y = MUL(grad, REAL_DIV(REAL_DIV(NEG(x), y), y))
    return unbroadcast(REAL_DIV(grad, y), *op.inputs), unbroadcast(by_y, *op.inputs[::-1])


MOD = op_def(
    "Mod(x: T, y: T) -> (z: T)", "T: {int32, int64, float16, float32, float64}", shape=broadcast
)
MOD.kernel(truncate_mod_kernel)
MOD.gradient(truncate_mod_gradient)
