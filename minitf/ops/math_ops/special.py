"""With this module one can take the error function and the gamma function's family, elementwise."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minitf.framework.op_def import broadcast, op_def, unchanged
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.kernels import vector_math
from minitf.ops.math_ops.arithmetic import ADD_V2, MUL, NEG
from minitf.ops.math_ops.broadcasting import unbroadcast
from minitf.ops.math_ops.exponential import EXP
from minitf.ops.math_ops.gamma_functions import digamma_of, lgamma_of, polygamma_of
from minitf.ops.math_ops.powers import SQUARE

_TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)


def _each(function: Any, x: Any) -> Any:
    """A function of one Python float, at each element, in the dtype of `x`."""
    values = np.asarray(x)
    found = [function(value) for value in values.ravel().tolist()]
    return np.array(found, np.float64).reshape(values.shape).astype(values.dtype)


# ---- Erf

ERF = op_def("Erf(x: T) -> (y: T)", "T: float", elementwise=True, shape=unchanged)


@ERF.kernel
def erf_kernel(x: Any) -> Any:
    return vector_math.erf(x)


@ERF.gradient
def erf_gradient(op: Operation, grad: Tensor) -> Any:
    return MUL(grad, MUL(EXP(NEG(SQUARE(op.inputs[0]))), _TWO_OVER_ROOT_PI))


def erf(x: Any, name: str | None = None) -> Tensor:
    """The error function, elementwise (mirrors `tf.erf`).

    `2 / sqrt(pi)` times the integral of `exp(-t ** 2)` from 0 to `x`.

    Args:
      x: a tensor of a floating dtype.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype, within [-1, 1].

    Raises:
      TypeError: if `x` is of another dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.erf([0.0, 1.0])).round(3)
    array([0.   , 0.843], dtype=float32)
    """
    result: Tensor = ERF(x, name=name)
    return result


# ---- Erfc

ERFC = op_def("Erfc(x: T) -> (y: T)", "T: float", shape=unchanged)


@ERFC.kernel
def erfc_kernel(x: Any) -> Any:
    return _each(math.erfc, x)


@ERFC.gradient
def erfc_gradient(op: Operation, grad: Tensor) -> Any:
    return MUL(grad, MUL(EXP(NEG(SQUARE(op.inputs[0]))), -_TWO_OVER_ROOT_PI))


def erfc(x: Any, name: str | None = None) -> Tensor:
    """`1 - erf(x)`, exact for large `x` too, elementwise (mirrors `tf.erfc`).

    Args:
      x: a tensor of a floating dtype.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype, within [0, 2].

    Raises:
      TypeError: if `x` is of another dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.erfc([0.0, 1.0])).round(3)
    array([1.   , 0.157], dtype=float32)
    """
    result: Tensor = ERFC(x, name=name)
    return result


# ---- Lgamma

LGAMMA = op_def("Lgamma(x: T) -> (y: T)", "T: float", shape=unchanged)


@LGAMMA.kernel
def lgamma_kernel(x: Any) -> Any:
    return _each(lgamma_of, x)


@LGAMMA.gradient
def lgamma_gradient(op: Operation, grad: Tensor) -> Any:
    return MUL(grad, DIGAMMA(op.inputs[0]))


def lgamma(x: Any, name: str | None = None) -> Tensor:
    """The logarithm of the absolute value of the gamma function (mirrors `tf.lgamma`).

    Args:
      x: a tensor of a floating dtype.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype; inf at 0 and the negative integers.

    Raises:
      TypeError: if `x` is of another dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.lgamma([1.0, 5.0, 0.0])).round(3)
    array([0.   , 3.178,   inf], dtype=float32)
    """
    result: Tensor = LGAMMA(x, name=name)
    return result


# ---- Digamma

DIGAMMA = op_def("Digamma(x: T) -> (y: T)", "T: float", shape=unchanged)


@DIGAMMA.kernel
def digamma_kernel(x: Any) -> Any:
    return _each(digamma_of, x)


@DIGAMMA.gradient
def digamma_gradient(op: Operation, grad: Tensor) -> Any:
    x = op.inputs[0]
    return MUL(grad, POLYGAMMA(np.ones((), x.dtype.as_numpy_dtype), x))


def digamma(x: Any, name: str | None = None) -> Tensor:
    """The derivative of `tf.lgamma`, elementwise (mirrors `tf.digamma`).

    Args:
      x: a tensor of a floating dtype.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype; nan at 0 and the negative integers.

    Raises:
      TypeError: if `x` is of another dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.digamma([1.0, 2.0])).round(3)
    array([-0.577,  0.423], dtype=float32)
    """
    result: Tensor = DIGAMMA(x, name=name)
    return result


# ---- Polygamma

POLYGAMMA = op_def("Polygamma(a: T, x: T) -> (z: T)", "T: {float32, float64}", shape=broadcast)


@POLYGAMMA.kernel
def polygamma_kernel(a: Any, x: Any) -> Any:
    return np.asarray(np.vectorize(polygamma_of, otypes=[x.dtype])(a, x))


@POLYGAMMA.gradient
def polygamma_gradient(op: Operation, grad: Tensor) -> Any:
    a, x = op.inputs
    return None, unbroadcast(MUL(grad, POLYGAMMA(ADD_V2(a, 1), x)), x, a)


def polygamma(a: Any, x: Any, name: str | None = None) -> Tensor:
    """The `a`-th derivative of `tf.digamma`, elementwise (mirrors `tf.math.polygamma`).

    Args:
      a: whole numbers, as a tensor of the dtype of `x`.
      x: a tensor of dtype float32 or float64, with broadcasting.
      name: the node's name.

    Returns:
      A tensor of the same dtype; nan where `a` is negative or not whole.

    Raises:
      TypeError: if the dtypes differ.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.math.polygamma([0.0, 1.0], [1.0, 1.0])).round(3)
    array([-0.577,  1.645], dtype=float32)
    """
    result: Tensor = POLYGAMMA(a, x, name=name)
    return result
