"""With this module one can take sines, cosines, tangents and their inverses, elementwise."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework.op_def import broadcast, op_def, unchanged
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.ops.math_ops.arithmetic import ADD_V2, MUL, NEG, REAL_DIV
from minitf.ops.math_ops.broadcasting import unbroadcast
from minitf.ops.math_ops.complex_numbers import conj
from minitf.ops.math_ops.powers import SQRT, SQUARE

# ---- Sin

SIN = op_def("Sin(x: T) -> (y: T)", "T: inexact", elementwise=True, shape=unchanged)


@SIN.kernel
def sin_kernel(x: Any) -> Any:
    return np.sin(x)


@SIN.gradient
def sin_gradient(op: Operation, grad: Tensor) -> Any:
    return MUL(grad, COS(conj(op.inputs[0])))


def sin(x: Any, name: str | None = None) -> Tensor:
    """The sine of an angle in radians, elementwise (mirrors `tf.sin`).

    Args:
      x: a tensor of a floating or complex dtype.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype.

    Raises:
      TypeError: if `x` is of another dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.sin([0.0, 1.5707964])).round(3)
    array([0., 1.], dtype=float32)
    """
    result: Tensor = SIN(x, name=name)
    return result


# ---- Cos

COS = op_def("Cos(x: T) -> (y: T)", "T: inexact", elementwise=True, shape=unchanged)


@COS.kernel
def cos_kernel(x: Any) -> Any:
    return np.cos(x)


@COS.gradient
def cos_gradient(op: Operation, grad: Tensor) -> Any:
    return NEG(MUL(grad, SIN(conj(op.inputs[0]))))


def cos(x: Any, name: str | None = None) -> Tensor:
    """The cosine of an angle in radians, elementwise (mirrors `tf.cos`).

    Args:
      x: a tensor of a floating or complex dtype.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype.

    Raises:
      TypeError: if `x` is of another dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.cos([0.0, 3.1415927])).round(3)
    array([ 1., -1.], dtype=float32)
    """
    result: Tensor = COS(x, name=name)
    return result


# ---- Tan

TAN = op_def("Tan(x: T) -> (y: T)", "T: inexact", elementwise=True, shape=unchanged)


@TAN.kernel
def tan_kernel(x: Any) -> Any:
    return np.tan(x)


@TAN.gradient
def tan_gradient(op: Operation, grad: Tensor) -> Any:
    return REAL_DIV(grad, SQUARE(COS(conj(op.inputs[0]))))


def tan(x: Any, name: str | None = None) -> Tensor:
    """The tangent of an angle in radians, elementwise (mirrors `tf.tan`).

    Args:
      x: a tensor of a floating or complex dtype.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype.

    Raises:
      TypeError: if `x` is of another dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.tan([0.0, 0.5])).round(3)
    array([0.   , 0.546], dtype=float32)
    """
    result: Tensor = TAN(x, name=name)
    return result


# ---- Asin

ASIN = op_def("Asin(x: T) -> (y: T)", "T: inexact", elementwise=True, shape=unchanged)


@ASIN.kernel
def asin_kernel(x: Any) -> Any:
    return np.arcsin(x)


@ASIN.gradient
def asin_gradient(op: Operation, grad: Tensor) -> Any:
    return REAL_DIV(grad, _cosine_of_asin(op))


def asin(x: Any, name: str | None = None) -> Tensor:
    """The angle whose sine is `x`, elementwise (mirrors `tf.asin`).

    Args:
      x: a tensor of a floating or complex dtype.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype; nan where a real `x` is not in [-1, 1].

    Raises:
      TypeError: if `x` is of another dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.asin([0.0, 1.0])).round(3)
    array([0.   , 1.571], dtype=float32)
    """
    result: Tensor = ASIN(x, name=name)
    return result


def _cosine_of_asin(op: Operation) -> Tensor:
    x = conj(op.inputs[0])
    result: Tensor = SQRT(ADD_V2(NEG(SQUARE(x)), 1))
    return result


# ---- Acos

ACOS = op_def("Acos(x: T) -> (y: T)", "T: inexact", elementwise=True, shape=unchanged)


@ACOS.kernel
def acos_kernel(x: Any) -> Any:
    return np.arccos(x)


@ACOS.gradient
def acos_gradient(op: Operation, grad: Tensor) -> Any:
    return NEG(REAL_DIV(grad, _cosine_of_asin(op)))


def acos(x: Any, name: str | None = None) -> Tensor:
    """The angle whose cosine is `x`, elementwise (mirrors `tf.acos`).

    Args:
      x: a tensor of a floating or complex dtype.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype; nan where a real `x` is not in [-1, 1].

    Raises:
      TypeError: if `x` is of another dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.acos([1.0, -1.0])).round(3)
    array([0.   , 3.142], dtype=float32)
    """
    result: Tensor = ACOS(x, name=name)
    return result


# ---- Atan

ATAN = op_def("Atan(x: T) -> (y: T)", "T: inexact", elementwise=True, shape=unchanged)


@ATAN.kernel
def atan_kernel(x: Any) -> Any:
    return np.arctan(x)


@ATAN.gradient
def atan_gradient(op: Operation, grad: Tensor) -> Any:
    return REAL_DIV(grad, ADD_V2(SQUARE(conj(op.inputs[0])), 1))


def atan(x: Any, name: str | None = None) -> Tensor:
    """The angle whose tangent is `x`, elementwise (mirrors `tf.atan`).

    Args:
      x: a tensor of a floating or complex dtype.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype, within [-pi/2, pi/2].

    Raises:
      TypeError: if `x` is of another dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.atan([0.0, 1.0])).round(3)
    array([0.   , 0.785], dtype=float32)
    """
    result: Tensor = ATAN(x, name=name)
    return result


# ---- Atan2

ATAN2 = op_def("Atan2(y: T, x: T) -> (z: T)", "T: float", elementwise=True, shape=broadcast)


@ATAN2.kernel
def atan2_kernel(y: Any, x: Any) -> Any:
    return np.arctan2(y, x)


@ATAN2.gradient
def atan2_gradient(op: Operation, grad: Tensor) -> Any:
    y, x = op.inputs
    scaled = REAL_DIV(grad, ADD_V2(SQUARE(x), SQUARE(y)))
    return unbroadcast(MUL(x, scaled), y, x), unbroadcast(MUL(NEG(y), scaled), x, y)


def atan2(y: Any, x: Any, name: str | None = None) -> Tensor:
    """The angle of the point (x, y) as seen from the origin (mirrors `tf.atan2`).

    Args:
      y, x: tensors of one floating dtype, with broadcasting.
      name: the node's name.

    Returns:
      A tensor of the same dtype, within [-pi, pi].

    Raises:
      TypeError: if the dtypes differ.
      ValueError: if the shapes cannot be broadcast together.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.atan2([1.0, -1.0], [1.0, -1.0])).round(3)
    array([ 0.785, -2.356], dtype=float32)
    """
    result: Tensor = ATAN2(y, x, name=name)
    return result
