"""With this module one can take exponentials and logarithms, elementwise."""

from __future__ import annotations

from typing import Any

from minitf.framework.op_def import op_def, unchanged
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.kernels import vector_math
from minitf.ops.math_ops.arithmetic import ADD_V2, MUL, REAL_DIV
from minitf.ops.math_ops.complex_numbers import conj

# ---- Exp

EXP = op_def("Exp(x: T) -> (y: T)", "T: inexact", elementwise=True, shape=unchanged)


@EXP.kernel
def exp_kernel(x: Any) -> Any:
    return vector_math.exp(x)


@EXP.gradient
def exp_gradient(op: Operation, grad: Tensor) -> Any:
    return MUL(grad, conj(op.outputs[0]))


def exp(x: Any, name: str | None = None) -> Tensor:
    """The exponential `e ** x`, elementwise (mirrors `tf.exp`).

    Args:
      x: a tensor of a floating or complex dtype.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype; inf where the result is too large.

    Raises:
      TypeError: if `x` is of another dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.exp([0.0, 1.0])).round(3)
    array([1.   , 2.718], dtype=float32)
    """
    result: Tensor = EXP(x, name=name)
    return result


# ---- Expm1

EXPM1 = op_def("Expm1(x: T) -> (y: T)", "T: inexact", elementwise=True, shape=unchanged)


@EXPM1.kernel
def expm1_kernel(x: Any) -> Any:
    return vector_math.expm1(x)


@EXPM1.gradient
def expm1_gradient(op: Operation, grad: Tensor) -> Any:
    return MUL(grad, conj(EXP(op.inputs[0])))


def expm1(x: Any, name: str | None = None) -> Tensor:
    """`exp(x) - 1`, exact for small x too, elementwise (mirrors `tf.expm1`).

    Args:
      x: a tensor of a floating or complex dtype.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype.

    Raises:
      TypeError: if `x` is of another dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.expm1([0.0, 1e-10]))
    array([0.e+00, 1.e-10], dtype=float32)
    """
    result: Tensor = EXPM1(x, name=name)
    return result


# ---- Log

LOG = op_def("Log(x: T) -> (y: T)", "T: inexact", elementwise=True, shape=unchanged)


@LOG.kernel
def log_kernel(x: Any) -> Any:
    return vector_math.log(x)


@LOG.gradient
def log_gradient(op: Operation, grad: Tensor) -> Any:
    return REAL_DIV(grad, conj(op.inputs[0]))


def log(x: Any, name: str | None = None) -> Tensor:
    """The natural logarithm, elementwise (mirrors `tf.log`).

    Args:
      x: a tensor of a floating or complex dtype.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype; -inf where `x` is 0 and nan where it is negative.

    Raises:
      TypeError: if `x` is of another dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.log([1.0, 0.0]))
    array([  0., -inf], dtype=float32)
    """
    result: Tensor = LOG(x, name=name)
    return result


# ---- Log1p

LOG1P = op_def("Log1p(x: T) -> (y: T)", "T: inexact", elementwise=True, shape=unchanged)


@LOG1P.kernel
def log1p_kernel(x: Any) -> Any:
    return vector_math.log1p(x)


@LOG1P.gradient
def log1p_gradient(op: Operation, grad: Tensor) -> Any:
    return REAL_DIV(grad, ADD_V2(conj(op.inputs[0]), 1))


def log1p(x: Any, name: str | None = None) -> Tensor:
    """`log(1 + x)`, exact for small x too, elementwise (mirrors `tf.log1p`).

    Args:
      x: a tensor of a floating or complex dtype.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype.

    Raises:
      TypeError: if `x` is of another dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.log1p([0.0, 1e-10]))
    array([0.e+00, 1.e-10], dtype=float32)
    """
    result: Tensor = LOG1P(x, name=name)
    return result
