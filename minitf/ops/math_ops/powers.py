"""With this module one can take squares, roots, powers and reciprocals, elementwise."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework.op_def import broadcast, op_def, unchanged
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.ops import array_ops
from minitf.ops.math_ops import type_sets
from minitf.ops.math_ops.arithmetic import MUL, NEG, REAL_DIV, SUB
from minitf.ops.math_ops.broadcasting import unbroadcast
from minitf.ops.math_ops.complex_numbers import conj
from minitf.ops.math_ops.exponential import LOG

# Gradients of complex functions follow TensorFlow's convention: the gradient by x of a
# differentiable f is `grad * conj(f'(x))`. `.conjugate()` costs nothing on real arrays.

# ---- Square

SQUARE = op_def("Square(x: T) -> (y: T)", "T: number", elementwise=True, shape=unchanged)


@SQUARE.kernel
def square_kernel(x: Any) -> Any:
    return x * x


@SQUARE.gradient
def square_gradient(op: Operation, grad: Tensor) -> Any:
    return MUL(grad, MUL(conj(op.inputs[0]), 2))


def square(x: Any, name: str | None = None) -> Tensor:
    """The square `x * x`, elementwise (mirrors `tf.square`).

    Args:
      x: a tensor of a numeric dtype.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype.

    Raises:
      TypeError: if `x` is not numeric.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.square([-2.0, 3.0]))
    array([4., 9.], dtype=float32)
    """
    result: Tensor = SQUARE(x, name=name)
    return result


# ---- Sqrt

SQRT = op_def("Sqrt(x: T) -> (y: T)", "T: inexact", elementwise=True, shape=unchanged)


@SQRT.kernel
def sqrt_kernel(x: Any) -> Any:
    return np.sqrt(x)


@SQRT.gradient
def sqrt_gradient(op: Operation, grad: Tensor) -> Any:
    return SQRT_GRAD(op.outputs[0], grad)


def sqrt(x: Any, name: str | None = None) -> Tensor:
    """The square root, elementwise (mirrors `tf.sqrt`).

    Args:
      x: a tensor of a floating or complex dtype.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype; nan where a real `x` is negative.

    Raises:
      TypeError: if `x` is of another dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.sqrt([4.0, -1.0]))
    array([ 2., nan], dtype=float32)
    """
    result: Tensor = SQRT(x, name=name)
    return result


# ---- SqrtGrad

SQRT_GRAD = op_def(
    "SqrtGrad(y: T, dy: T) -> (z: T)", "T: inexact", elementwise=True, shape=unchanged
)


@SQRT_GRAD.kernel
def sqrt_grad_kernel(y: Any, dy: Any) -> Any:
    # As in TensorFlow, no gradient stays none, also at a corner: `tf.where` may have cut it off.
    return np.where(dy == 0, dy, dy * 0.5 / y.conjugate())


@SQRT_GRAD.gradient
def sqrt_grad_gradient(op: Operation, grad: Tensor) -> Any:
    ratio = REAL_DIV(grad, op.inputs[0])
    return MUL(NEG(conj(ratio)), op.outputs[0]), MUL(ratio, 0.5)


# ---- Rsqrt

RSQRT = op_def("Rsqrt(x: T) -> (y: T)", "T: inexact", elementwise=True, shape=unchanged)


@RSQRT.kernel
def rsqrt_kernel(x: Any) -> Any:
    return 1 / np.sqrt(x)


@RSQRT.gradient
def rsqrt_gradient(op: Operation, grad: Tensor) -> Any:
    return RSQRT_GRAD(op.outputs[0], grad)


def rsqrt(x: Any, name: str | None = None) -> Tensor:
    """The reciprocal square root `1 / sqrt(x)`, elementwise (mirrors `tf.rsqrt`).

    Args:
      x: a tensor of a floating or complex dtype.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype; inf where `x` is 0.

    Raises:
      TypeError: if `x` is of another dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.rsqrt([4.0, 0.0]))
    array([0.5, inf], dtype=float32)
    """
    result: Tensor = RSQRT(x, name=name)
    return result


# ---- RsqrtGrad

RSQRT_GRAD = op_def(
    "RsqrtGrad(y: T, dy: T) -> (z: T)", "T: inexact", elementwise=True, shape=unchanged
)


@RSQRT_GRAD.kernel
def rsqrt_grad_kernel(y: Any, dy: Any) -> Any:
    return np.where(dy == 0, dy, dy * (-0.5 * y.conjugate()) * (y.conjugate() * y.conjugate()))


@RSQRT_GRAD.gradient
def rsqrt_grad_gradient(op: Operation, grad: Tensor) -> Any:
    y, dy = conj(op.inputs[0]), op.inputs[1]
    return MUL(MUL(MUL(conj(grad), -1.5), dy), SQUARE(y)), RSQRT_GRAD(y, grad)


# ---- Reciprocal

RECIPROCAL = op_def("Reciprocal(x: T) -> (y: T)", "T: inexact", elementwise=True, shape=unchanged)


@RECIPROCAL.kernel
def reciprocal_kernel(x: Any) -> Any:
    return np.reciprocal(x)


@RECIPROCAL.gradient
def reciprocal_gradient(op: Operation, grad: Tensor) -> Any:
    return RECIPROCAL_GRAD(op.outputs[0], grad)


def reciprocal(x: Any, name: str | None = None) -> Tensor:
    """The reciprocal `1 / x`, elementwise (mirrors `tf.reciprocal`).

    Args:
      x: a tensor of a floating or complex dtype.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype; inf where `x` is 0.

    Raises:
      TypeError: if `x` is of another dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.reciprocal([4.0, -2.0]))
    array([ 0.25, -0.5 ], dtype=float32)
    """
    result: Tensor = RECIPROCAL(x, name=name)
    return result


# ---- ReciprocalGrad

RECIPROCAL_GRAD = op_def(
    "ReciprocalGrad(y: T, dy: T) -> (z: T)", "T: inexact", elementwise=True, shape=unchanged
)


@RECIPROCAL_GRAD.kernel
def reciprocal_grad_kernel(y: Any, dy: Any) -> Any:
    return np.where(dy == 0, dy, -dy * y.conjugate() * y.conjugate())


@RECIPROCAL_GRAD.gradient
def reciprocal_grad_gradient(op: Operation, grad: Tensor) -> Any:
    y, dy = conj(op.inputs[0]), op.inputs[1]
    return MUL(MUL(MUL(conj(grad), -2), dy), y), RECIPROCAL_GRAD(y, grad)


# ---- Inv and InvGrad: older names of Reciprocal and ReciprocalGrad

INV = op_def("Inv(x: T) -> (y: T)", "T: inexact", elementwise=True, shape=unchanged)
INV.kernel(reciprocal_kernel)
INV.gradient(reciprocal_gradient)

INV_GRAD = op_def("InvGrad(y: T, dy: T) -> (z: T)", "T: inexact", elementwise=True, shape=unchanged)
INV_GRAD.kernel(reciprocal_grad_kernel)
INV_GRAD.gradient(reciprocal_grad_gradient)

# ---- Pow

POW = op_def("Pow(x: T, y: T) -> (z: T)", type_sets.SIGNED, elementwise=True, shape=broadcast)


@POW.kernel
def pow_kernel(x: Any, y: Any) -> Any:
    return np.power(x, y)


@POW.gradient
def pow_gradient(op: Operation, grad: Tensor) -> Any:
    x, y = op.inputs
    cx, cy, cz = conj(x), conj(y), conj(op.outputs[0])
    return (
        lambda: unbroadcast(MUL(MUL(grad, cy), POW(cx, SUB(cy, 1))), x, y),
        lambda: unbroadcast(MUL(grad, MUL(cz, _safe_log(cx))), y, x),
    )


def _safe_log(x: Tensor) -> Tensor:
    """The logarithm where there is one, and else 0: x ** y does not vary with y at x = 0."""
    from minitf.ops.math_ops import comparison

    zeros = array_ops.zeros_like(x)
    has_log = comparison.NOT_EQUAL if x.dtype.is_complex else comparison.GREATER
    mask = has_log(x, zeros)
    safe = array_ops.where_v2(mask, x, array_ops.ones_like(x))
    result: Tensor = array_ops.where_v2(mask, LOG(safe), zeros)
    return result


def pow(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The power `x ** y`, elementwise with broadcasting (mirrors `tf.pow`).

    Args:
      x, y: tensors of one signed numeric dtype.
      name: the node's name.

    Returns:
      A tensor of the same dtype; nan where a negative real is raised to a fraction. The gradient
      by `y` is 0 where `x` is not positive.

    Raises:
      TypeError: if the dtypes differ.
      tf.errors.InvalidArgumentError: if an integer is raised to a negative integer.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.pow([2, 3], [3, 2]))
    array([8, 9], dtype=int32)
    """
    result: Tensor = POW(x, y, name=name)
    return result
