"""With this module one can take hyperbolic functions and the sigmoid, elementwise."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework.convert import convert_to_tensor
from minitf.framework.op_def import op_def, unchanged
from minitf.framework.operation import Operation
from minitf.framework.scopes import name_scope
from minitf.framework.tensor import Tensor
from minitf.kernels import vector_math
from minitf.ops.math_ops.arithmetic import ADD_V2, MUL, NEG, REAL_DIV, SUB
from minitf.ops.math_ops.complex_numbers import conj
from minitf.ops.math_ops.powers import SQUARE

# ---- Sinh

SINH = op_def("Sinh(x: T) -> (y: T)", "T: inexact", elementwise=True, shape=unchanged)


@SINH.kernel
def sinh_kernel(x: Any) -> Any:
    return np.sinh(x)


@SINH.gradient
def sinh_gradient(op: Operation, grad: Tensor) -> Any:
    return MUL(grad, COSH(conj(op.inputs[0])))


def sinh(x: Any, name: str | None = None) -> Tensor:
    """The hyperbolic sine, elementwise (mirrors `tf.sinh`).

    Args:
      x: a tensor of a floating or complex dtype.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype.

    Raises:
      TypeError: if `x` is of another dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.sinh([0.0, 1.0])).round(3)
    array([0.   , 1.175], dtype=float32)
    """
    result: Tensor = SINH(x, name=name)
    return result


# ---- Cosh

COSH = op_def("Cosh(x: T) -> (y: T)", "T: inexact", elementwise=True, shape=unchanged)


@COSH.kernel
def cosh_kernel(x: Any) -> Any:
    return np.cosh(x)


@COSH.gradient
def cosh_gradient(op: Operation, grad: Tensor) -> Any:
    return MUL(grad, SINH(conj(op.inputs[0])))


def cosh(x: Any, name: str | None = None) -> Tensor:
    """The hyperbolic cosine, elementwise (mirrors `tf.cosh`).

    Args:
      x: a tensor of a floating or complex dtype.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype.

    Raises:
      TypeError: if `x` is of another dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.cosh([0.0, 1.0])).round(3)
    array([1.   , 1.543], dtype=float32)
    """
    result: Tensor = COSH(x, name=name)
    return result


# ---- Asinh

ASINH = op_def("Asinh(x: T) -> (y: T)", "T: inexact", elementwise=True, shape=unchanged)


@ASINH.kernel
def asinh_kernel(x: Any) -> Any:
    return np.arcsinh(x)


@ASINH.gradient
def asinh_gradient(op: Operation, grad: Tensor) -> Any:
    return REAL_DIV(grad, COSH(conj(op.outputs[0])))


def asinh(x: Any, name: str | None = None) -> Tensor:
    """The inverse of the hyperbolic sine, elementwise (mirrors `tf.asinh`).

    Args:
      x: a tensor of a floating or complex dtype.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype.

    Raises:
      TypeError: if `x` is of another dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.asinh([0.0, 1.0])).round(3)
    array([0.   , 0.881], dtype=float32)
    """
    result: Tensor = ASINH(x, name=name)
    return result


# ---- Acosh

ACOSH = op_def("Acosh(x: T) -> (y: T)", "T: inexact", elementwise=True, shape=unchanged)


@ACOSH.kernel
def acosh_kernel(x: Any) -> Any:
    return np.arccosh(x)


@ACOSH.gradient
def acosh_gradient(op: Operation, grad: Tensor) -> Any:
    return REAL_DIV(grad, SINH(conj(op.outputs[0])))


def acosh(x: Any, name: str | None = None) -> Tensor:
    """The inverse of the hyperbolic cosine, elementwise (mirrors `tf.acosh`).

    Args:
      x: a tensor of a floating or complex dtype.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype; nan where a real `x` is less than 1.

    Raises:
      TypeError: if `x` is of another dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.acosh([1.0, 2.0])).round(3)
    array([0.   , 1.317], dtype=float32)
    """
    result: Tensor = ACOSH(x, name=name)
    return result


# ---- Atanh

ATANH = op_def("Atanh(x: T) -> (y: T)", "T: inexact", elementwise=True, shape=unchanged)


@ATANH.kernel
def atanh_kernel(x: Any) -> Any:
    return np.arctanh(x)


@ATANH.gradient
def atanh_gradient(op: Operation, grad: Tensor) -> Any:
    return REAL_DIV(grad, ADD_V2(NEG(SQUARE(conj(op.inputs[0]))), 1))


def atanh(x: Any, name: str | None = None) -> Tensor:
    """The inverse of the hyperbolic tangent, elementwise (mirrors `tf.atanh`).

    Args:
      x: a tensor of a floating or complex dtype.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype; nan where a real `x` is not in [-1, 1].

    Raises:
      TypeError: if `x` is of another dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.atanh([0.0, 0.5])).round(3)
    array([0.   , 0.549], dtype=float32)
    """
    result: Tensor = ATANH(x, name=name)
    return result


# ---- Tanh

TANH = op_def("Tanh(x: T) -> (y: T)", "T: inexact", elementwise=True, shape=unchanged)


@TANH.kernel
def tanh_kernel(x: Any) -> Any:
    return vector_math.tanh(x)


@TANH.gradient
def tanh_gradient(op: Operation, grad: Tensor) -> Any:
    return TANH_GRAD(op.outputs[0], grad)


def tanh(x: Any, name: str | None = None) -> Tensor:
    """The hyperbolic tangent, elementwise (mirrors `tf.tanh`).

    Args:
      x: a tensor of a floating or complex dtype.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype, within [-1, 1].

    Raises:
      TypeError: if `x` is of another dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.tanh([0.0, 1.0, 100.0])).round(3)
    array([0.   , 0.762, 1.   ], dtype=float32)
    """
    result: Tensor = TANH(x, name=name)
    return result


# ---- TanhGrad

TANH_GRAD = op_def(
    "TanhGrad(y: T, dy: T) -> (z: T)", "T: inexact", elementwise=True, shape=unchanged
)


@TANH_GRAD.kernel
def tanh_grad_kernel(y: Any, dy: Any) -> Any:
    return dy * (1 - y.conjugate() * y.conjugate())


@TANH_GRAD.gradient
def tanh_grad_gradient(op: Operation, grad: Tensor) -> Any:
    y, dy = conj(op.inputs[0]), op.inputs[1]
    return MUL(MUL(MUL(conj(grad), -2), dy), y), TANH_GRAD(y, grad)


# ---- Sigmoid

SIGMOID = op_def("Sigmoid(x: T) -> (y: T)", "T: inexact", elementwise=True, shape=unchanged)


@SIGMOID.kernel
def sigmoid_kernel(x: Any) -> Any:
    return vector_math.sigmoid(x)


@SIGMOID.gradient
def sigmoid_gradient(op: Operation, grad: Tensor) -> Any:
    return SIGMOID_GRAD(op.outputs[0], grad)


def sigmoid(x: Any, name: str | None = None) -> Tensor:
    """The logistic function `1 / (1 + exp(-x))`, elementwise (mirrors `tf.sigmoid`).

    Args:
      x: a tensor of a floating or complex dtype.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype, within [0, 1].

    Raises:
      TypeError: if `x` is of another dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.sigmoid([0.0, 2.0, -100.0])).round(3)
    array([0.5  , 0.881, 0.   ], dtype=float32)
    """
    result: Tensor = SIGMOID(x, name=name)
    return result


# ---- SigmoidGrad

SIGMOID_GRAD = op_def(
    "SigmoidGrad(y: T, dy: T) -> (z: T)", "T: inexact", elementwise=True, shape=unchanged
)


@SIGMOID_GRAD.kernel
def sigmoid_grad_kernel(y: Any, dy: Any) -> Any:
    return dy * y.conjugate() * (1 - y.conjugate())


@SIGMOID_GRAD.gradient
def sigmoid_grad_gradient(op: Operation, grad: Tensor) -> Any:
    y, dy = conj(op.inputs[0]), op.inputs[1]
    weighted = MUL(conj(grad), dy)
    return SUB(weighted, MUL(MUL(weighted, y), 2)), SIGMOID_GRAD(y, grad)


def log_sigmoid(x: Any, name: str | None = None) -> Tensor:
    """`log(sigmoid(x))`, exact for very negative `x` too (mirrors `tf.log_sigmoid`).

    Args:
      x: a tensor of a floating dtype.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype: `-softplus(-x)`.

    Raises:
      TypeError: if `x` is of another dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.log_sigmoid([0.0, -100.0])).round(3)
    array([  -0.693, -100.   ], dtype=float32)
    """
    from minitf.ops import nn_ops

    with name_scope(name, "LogSigmoid", [x]) as scope:
        x = convert_to_tensor(x, name="x")
        result: Tensor = NEG(nn_ops.softplus(NEG(x)), name=scope)
        return result
