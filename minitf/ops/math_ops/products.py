"""With this module one can square errors, and multiply where a zero settles the result."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework.convert import convert_to_tensor
from minitf.framework.op_def import broadcast, op_def
from minitf.framework.operation import Operation
from minitf.framework.scopes import name_scope
from minitf.framework.tensor import Tensor
from minitf.kernels import vector_math
from minitf.ops import array_ops
from minitf.ops.math_ops.arithmetic import MUL, NEG, SUB
from minitf.ops.math_ops.broadcasting import unbroadcast
from minitf.ops.math_ops.casting import cast
from minitf.ops.math_ops.comparison import NOT_EQUAL
from minitf.ops.math_ops.complex_numbers import conj
from minitf.ops.math_ops.powers import SQUARE

# ---- SquaredDifference

SQUARED_DIFFERENCE = op_def(
    "SquaredDifference(x: T, y: T) -> (z: T)",
    "T: {float16, float32, float64, int32, int64, complex64, complex128}",
    elementwise=True,
    commutative=True,
    shape=broadcast,
)


@SQUARED_DIFFERENCE.kernel
def squared_difference_kernel(x: Any, y: Any) -> Any:
    return (x - y) * (x - y).conjugate()


@SQUARED_DIFFERENCE.gradient
def squared_difference_gradient(op: Operation, grad: Tensor) -> Any:
    x, y = op.inputs
    # What is squared is a length, so that of a complex gradient only the real part counts.
    twice = grad + conj(grad) if grad.dtype.is_complex else MUL(grad, 2)
    by_x = MUL(twice, SUB(x, y))
    return lambda: unbroadcast(by_x, x, y), lambda: NEG(unbroadcast(by_x, y, x))


def squared_difference(x: Any, y: Any, name: str | None = None) -> Tensor:
    """`(x - y) ** 2`, elementwise with broadcasting (mirrors `tf.squared_difference`).

    Args:
      x, y: tensors of one dtype: floating, complex, int32 or int64. Of complex numbers it is
        the squared distance.
      name: the node's name.

    Returns:
      A tensor of the same dtype and of the shape that `x` and `y` broadcast to.

    Raises:
      TypeError: if the dtypes differ.
      ValueError: if the shapes cannot be broadcast together.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.squared_difference([1.0, 5.0], 3.0))
    array([4., 4.], dtype=float32)
    """
    result: Tensor = SQUARED_DIFFERENCE(x, y, name=name)
    return result


# ---- MulNoNan

MUL_NO_NAN = op_def(
    "MulNoNan(x: T, y: T) -> (z: T)", "T: inexact", elementwise=True, shape=broadcast
)


@MUL_NO_NAN.kernel
def mul_no_nan_kernel(x: Any, y: Any) -> Any:
    return np.where(y == 0, 0, x * y)


@MUL_NO_NAN.gradient
def mul_no_nan_gradient(op: Operation, grad: Tensor) -> Any:
    x, y = op.inputs
    return (
        lambda: unbroadcast(MUL_NO_NAN(grad, conj(y)), x, y),
        lambda: unbroadcast(MUL_NO_NAN(conj(x), grad), y, x),
    )


def multiply_no_nan(x: Any, y: Any, name: str | None = None) -> Tensor:
    """`x * y`, and 0 where `y` is 0, even times nan (mirrors `tf.math.multiply_no_nan`).

    Args:
      x, y: tensors of one floating or complex dtype, with broadcasting.
      name: the node's name.

    Returns:
      A tensor of the same dtype.

    Raises:
      TypeError: if the dtypes differ.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.math.multiply_no_nan([2.0, float("nan")], [3.0, 0.0]))
    array([6., 0.], dtype=float32)
    """
    with name_scope(name, "multiply_no_nan", [x, y]) as scope:
        x = convert_to_tensor(x, name="x")
        y = convert_to_tensor(y, name="y", preferred_dtype=x.dtype.base_dtype)
        result: Tensor = MUL_NO_NAN(x, y, name=scope)
        return result


# ---- Xlogy

XLOGY = op_def("Xlogy(x: T, y: T) -> (z: T)", "T: inexact", elementwise=True, shape=broadcast)


@XLOGY.kernel
def xlogy_kernel(x: Any, y: Any) -> Any:
    return np.where(x == 0, 0, x * vector_math.log(y))


@XLOGY.gradient
def xlogy_gradient(op: Operation, grad: Tensor) -> Any:
    x, y = op.inputs
    return (
        lambda: unbroadcast(MUL(grad, conj(XLOGY(_where_not_zero(x), y))), x, y),
        lambda: unbroadcast(MUL(grad, conj(XDIVY(x, y))), y, x),
    )


def _where_not_zero(x: Tensor) -> Tensor:
    """1 where `x` is not 0, and else 0."""
    mask: Tensor = cast(NOT_EQUAL(x, array_ops.zeros_like(x)), x.dtype)
    return mask


def xlogy(x: Any, y: Any, name: str | None = None) -> Tensor:
    """`x * log(y)`, and 0 where `x` is 0 (mirrors `tf.math.xlogy`).

    Args:
      x, y: tensors of one floating or complex dtype, with broadcasting.
      name: the node's name.

    Returns:
      A tensor of the same dtype.

    Raises:
      TypeError: if the dtypes differ.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.math.xlogy([0.0, 2.0], [0.0, 1.0]))
    array([0., 0.], dtype=float32)
    """
    result: Tensor = XLOGY(x, y, name=name)
    return result


# ---- Xdivy

XDIVY = op_def("Xdivy(x: T, y: T) -> (z: T)", "T: inexact", elementwise=True, shape=broadcast)


@XDIVY.kernel
def xdivy_kernel(x: Any, y: Any) -> Any:
    return np.where(x == 0, 0, x / y)


@XDIVY.gradient
def xdivy_gradient(op: Operation, grad: Tensor) -> Any:
    x, y = op.inputs
    return (
        lambda: unbroadcast(MUL(grad, conj(XDIVY(_where_not_zero(x), y))), x, y),
        lambda: unbroadcast(MUL(grad, conj(XDIVY(NEG(x), SQUARE(y)))), y, x),
    )


def xdivy(x: Any, y: Any, name: str | None = None) -> Tensor:
    """`x / y`, and 0 where `x` is 0 (mirrors `tf.math.xdivy`).

    Args:
      x, y: tensors of one floating or complex dtype, with broadcasting.
      name: the node's name.

    Returns:
      A tensor of the same dtype.

    Raises:
      TypeError: if the dtypes differ.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.math.xdivy([0.0, 3.0], [0.0, 2.0]))
    array([0. , 1.5], dtype=float32)
    """
    with name_scope(name, "xdivy"):
        result: Tensor = XDIVY(x, y)
        return result
