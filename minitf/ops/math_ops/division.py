"""With this module one can divide as Python does: `/` gives a fraction, also of integers."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import dtypes, errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.op_def import broadcast, op_def
from minitf.framework.operation import Operation
from minitf.framework.scopes import name_scope
from minitf.framework.tensor import Tensor
from minitf.ops.math_ops.arithmetic import MUL, NEG, REAL_DIV
from minitf.ops.math_ops.broadcasting import unbroadcast
from minitf.ops.math_ops.casting import cast
from minitf.ops.math_ops.complex_numbers import conj
from minitf.ops.math_ops.integer_division import FLOOR_DIV

# What integers become when they are divided into fractions.
_FRACTION_OF = {
    dtypes.uint8: dtypes.float32,
    dtypes.int8: dtypes.float32,
    dtypes.uint16: dtypes.float32,
    dtypes.int16: dtypes.float32,
    dtypes.int32: dtypes.float64,
    dtypes.uint32: dtypes.float64,
    dtypes.int64: dtypes.float64,
    dtypes.uint64: dtypes.float64,
}


def _operands(x: Any, y: Any) -> tuple[Tensor, Tensor]:
    """Both operands as tensors of one dtype."""
    x = convert_to_tensor(x, name="x")
    y = convert_to_tensor(y, name="y", preferred_dtype=x.dtype.base_dtype)
    if x.dtype.base_dtype is not y.dtype.base_dtype:
        raise errors.type_error(
            f"`x` and `y` must have the same dtype, got {x.dtype.base_dtype!r} != "
            f"{y.dtype.base_dtype!r}. Convert one of them with tf.cast."
        )
    return x, y


def _fractions(x: Any, y: Any) -> tuple[Tensor, Tensor]:
    """Both operands as tensors of one dtype that has fractions."""
    x, y = _operands(x, y)
    fraction = _FRACTION_OF.get(x.dtype.base_dtype)
    return (x, y) if fraction is None else (cast(x, fraction), cast(y, fraction))


def truediv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The quotient as Python 3 divides: integers give floats (mirrors `tf.truediv`).

    `x / y` builds the same.

    Args:
      x, y: tensors of one numeric dtype. Integers of 8 and 16 bits become float32, larger ones
        float64.
      name: the node's name.

    Returns:
      A tensor of a floating or complex dtype; a division by zero gives inf or nan.

    Raises:
      TypeError: if the dtypes differ.
      ValueError: if the shapes cannot be broadcast together.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.truediv([7, 8], 2))
    array([3.5, 4. ])
    """
    with name_scope(name, "truediv", [x, y]) as scope:
        x, y = _fractions(x, y)
        result: Tensor = REAL_DIV(x, y, name=scope)
        return result


def divide(x: Any, y: Any, name: str | None = None) -> Tensor:
    """What `x / y` gives (mirrors `tf.divide`): see `tf.truediv`.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.divide(7, 2)))
    3.5
    """
    if name is None:
        if not hasattr(x, "dtype") and not hasattr(y, "dtype"):
            x = convert_to_tensor(x)
        quotient: Tensor = x / y
        return quotient
    return truediv(x, y, name)


def div(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The quotient as Python 2 divides: integers are rounded down (mirrors `tf.div`).

    Args:
      x, y: tensors of one numeric dtype.
      name: the node's name.

    Returns:
      A tensor of the same dtype.

    Raises:
      ValueError: if the dtypes differ.
      tf.errors.InvalidArgumentError: if an integer is divided by 0.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.div(7, 2)), sess.run(tf.div(7.0, 2.0)))
    3 3.5
    """
    with name_scope(name, "div", [x, y]) as scope:
        x = convert_to_tensor(x, name="x")
        y = convert_to_tensor(y, x.dtype.base_dtype, name="y")
        fractional = x.dtype.is_floating or x.dtype.is_complex
        result: Tensor = (REAL_DIV if fractional else FLOOR_DIV)(x, y, name=scope)
        return result


# ---- DivNoNan

DIV_NO_NAN = op_def(
    "DivNoNan(x: T, y: T) -> (z: T)", "T: inexact", elementwise=True, shape=broadcast
)


@DIV_NO_NAN.kernel
def div_no_nan_kernel(x: Any, y: Any) -> Any:
    return np.where(y == 0, 0, x / y)


@DIV_NO_NAN.gradient
def div_no_nan_gradient(op: Operation, grad: Tensor) -> Any:
    x, y = op.inputs
    cx, cy = conj(x), conj(y)

    def by_y() -> Tensor:
        return unbroadcast(MUL(grad, DIV_NO_NAN(DIV_NO_NAN(NEG(cx), cy), cy)), y, x)

    return lambda: unbroadcast(DIV_NO_NAN(grad, cy), x, y), by_y


def div_no_nan(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The quotient `x / y`, and 0 where `y` is 0 (mirrors `tf.div_no_nan`).

    Args:
      x, y: tensors of one numeric dtype; integers become floats, as for `tf.truediv`.
      name: the node's name.

    Returns:
      A tensor of a floating or complex dtype.

    Raises:
      TypeError: if the dtypes differ.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.div_no_nan([6.0, 1.0], [4.0, 0.0]))
    array([1.5, 0. ], dtype=float32)
    """
    with name_scope(name, "div_no_nan", [x, y]) as scope:
        x, y = _fractions(x, y)
        result: Tensor = DIV_NO_NAN(x, y, name=scope)
        return result
