"""With this module one can round, take signs and absolute values, and look for nan and inf."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework.convert import convert_to_tensor
from minitf.framework.op_def import op_def, unchanged
from minitf.framework.operation import Operation
from minitf.framework.scopes import name_scope
from minitf.framework.tensor import Tensor
from minitf.ops import array_ops
from minitf.ops.math_ops import type_sets
from minitf.ops.math_ops.arithmetic import MUL
from minitf.ops.math_ops.casting import cast
from minitf.ops.math_ops.complex_numbers import COMPLEX_ABS
from minitf.ops.math_ops.division import DIV_NO_NAN

# ---- Abs

ABS = op_def("Abs(x: T) -> (y: T)", type_sets.SIGNED_REAL, elementwise=True, shape=unchanged)


@ABS.kernel
def abs_kernel(x: Any) -> Any:
    return np.abs(x)


@ABS.gradient
def abs_gradient(op: Operation, grad: Tensor) -> Any:
    return MUL(grad, SIGN(op.inputs[0]))


def abs(x: Any, name: str | None = None) -> Tensor:
    """The absolute value, elementwise (mirrors `tf.abs`).

    Args:
      x: a tensor of a signed numeric dtype.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype; of the dtype of the real part if `x` is complex. Where
      `x` is 0 its gradient is 0.

    Raises:
      TypeError: if `x` is of another dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.abs([-1.5, 2.0])), sess.run(tf.abs(3 + 4j)))
    [1.5 2. ] 5.0
    """
    with name_scope(name, "Abs", [x]) as scope:
        x = convert_to_tensor(x, name="x")
        if x.dtype.is_complex:
            result: Tensor = COMPLEX_ABS(x, Tout=x.dtype.real_dtype, name=scope)
            return result
        result = ABS(x, name=scope)
        return result


# ---- Sign

SIGN = op_def("Sign(x: T) -> (y: T)", type_sets.SIGNED, elementwise=True, shape=unchanged)


@SIGN.kernel
def sign_kernel(x: Any) -> Any:
    return np.sign(x)


@SIGN.gradient
def sign_gradient(op: Operation, grad: Tensor) -> Any:
    # Between the jumps it does not vary; TensorFlow says zeros here, not None.
    return array_ops.zeros_like(op.inputs[0])


def sign(x: Any, name: str | None = None) -> Tensor:
    """-1, 0 or 1 as `x` is negative, zero or positive, elementwise (mirrors `tf.sign`).

    Args:
      x: a tensor of a signed numeric dtype.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype. Of a complex number it is `x / abs(x)`, or 0.

    Raises:
      TypeError: if `x` is of another dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.sign([-2.0, 0.0, 3.0]))
    array([-1.,  0.,  1.], dtype=float32)
    """
    x = convert_to_tensor(x)
    if x.dtype.is_complex:
        size = cast(COMPLEX_ABS(x, Tout=x.dtype.real_dtype), x.dtype.base_dtype)
        result: Tensor = DIV_NO_NAN(x, size, name=name)
    else:
        result = SIGN(x, name=name)
    return result


# ---- Floor

FLOOR = op_def("Floor(x: T) -> (y: T)", "T: float", elementwise=True, shape=unchanged)


@FLOOR.kernel
def floor_kernel(x: Any) -> Any:
    return np.floor(x)


# Between the jumps it does not vary, so that nothing flows back; so for all of these.
FLOOR.not_differentiable()


def floor(x: Any, name: str | None = None) -> Tensor:
    """The largest integer that is not above `x`, elementwise (mirrors `tf.floor`).

    Args:
      x: a tensor of a floating dtype.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype.

    Raises:
      TypeError: if `x` is of another dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.floor([1.7, -1.2]))
    array([ 1., -2.], dtype=float32)
    """
    result: Tensor = FLOOR(x, name=name)
    return result


# ---- Ceil

CEIL = op_def("Ceil(x: T) -> (y: T)", "T: float", elementwise=True, shape=unchanged)


@CEIL.kernel
def ceil_kernel(x: Any) -> Any:
    return np.ceil(x)


CEIL.not_differentiable()


def ceil(x: Any, name: str | None = None) -> Tensor:
    """The smallest integer that is not below `x`, elementwise (mirrors `tf.ceil`).

    Args:
      x: a tensor of a floating dtype.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype.

    Raises:
      TypeError: if `x` is of another dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.ceil([1.2, -1.7]))
    array([ 2., -1.], dtype=float32)
    """
    result: Tensor = CEIL(x, name=name)
    return result


# ---- Rint

RINT = op_def("Rint(x: T) -> (y: T)", "T: float", elementwise=True, shape=unchanged)


@RINT.kernel
def rint_kernel(x: Any) -> Any:
    return np.rint(x)


RINT.not_differentiable()


def rint(x: Any, name: str | None = None) -> Tensor:
    """The nearest integer; of two the even one, elementwise (mirrors `tf.rint`).

    Args:
      x: a tensor of a floating dtype.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype.

    Raises:
      TypeError: if `x` is of another dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.rint([0.5, 1.5, 1.7]))
    array([0., 2., 2.], dtype=float32)
    """
    result: Tensor = RINT(x, name=name)
    return result


# ---- Round

ROUND = op_def("Round(x: T) -> (y: T)", type_sets.SIGNED, elementwise=True, shape=unchanged)


@ROUND.kernel
def round_kernel(x: Any) -> Any:
    return np.round(x)


ROUND.not_differentiable()


def round(x: Any, name: str | None = None) -> Tensor:
    """The nearest integer; of two the even one, elementwise (mirrors `tf.round`).

    Args:
      x: a tensor of a signed numeric dtype.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype; `x` itself if it is of an integer dtype.

    Raises:
      TypeError: if `x` is of another dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.round([0.5, 1.5, -1.7]))
    array([ 0.,  2., -2.], dtype=float32)
    """
    x = convert_to_tensor(x, name="x")
    result: Tensor = x if x.dtype.is_integer else ROUND(x, name=name)
    return result


# ---- IsNan

IS_NAN = op_def("IsNan(x: T) -> (y: bool)", "T: float", elementwise=True, shape=unchanged)


@IS_NAN.kernel
def is_nan_kernel(x: Any) -> Any:
    return np.isnan(x)


IS_NAN.not_differentiable()


def is_nan(x: Any, name: str | None = None) -> Tensor:
    """Whether `x` is nan, elementwise (mirrors `tf.is_nan`).

    Args:
      x: a tensor of a floating dtype.
      name: the node's name.

    Returns:
      A bool tensor of the same shape.

    Raises:
      TypeError: if `x` is of another dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.is_nan([1.0, float("nan")]))
    array([False,  True])
    """
    result: Tensor = IS_NAN(x, name=name)
    return result


# ---- IsInf

IS_INF = op_def("IsInf(x: T) -> (y: bool)", "T: float", elementwise=True, shape=unchanged)


@IS_INF.kernel
def is_inf_kernel(x: Any) -> Any:
    return np.isinf(x)


IS_INF.not_differentiable()


def is_inf(x: Any, name: str | None = None) -> Tensor:
    """Whether `x` is inf or -inf, elementwise (mirrors `tf.is_inf`).

    Args:
      x: a tensor of a floating dtype.
      name: the node's name.

    Returns:
      A bool tensor of the same shape.

    Raises:
      TypeError: if `x` is of another dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.is_inf([1.0, float("-inf")]))
    array([False,  True])
    """
    result: Tensor = IS_INF(x, name=name)
    return result


# ---- IsFinite

IS_FINITE = op_def("IsFinite(x: T) -> (y: bool)", "T: float", elementwise=True, shape=unchanged)


@IS_FINITE.kernel
def is_finite_kernel(x: Any) -> Any:
    return np.isfinite(x)


IS_FINITE.not_differentiable()


def is_finite(x: Any, name: str | None = None) -> Tensor:
    """Whether `x` is neither inf nor nan, elementwise (mirrors `tf.is_finite`).

    Args:
      x: a tensor of a floating dtype.
      name: the node's name.

    Returns:
      A bool tensor of the same shape.

    Raises:
      TypeError: if `x` is of another dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.is_finite([1.0, float("inf")]))
    array([ True, False])
    """
    result: Tensor = IS_FINITE(x, name=name)
    return result
