"""With this module one can combine the bits of integers: what `&`, `|`, `^` and `~` build."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework.op_def import broadcast, op_def, unchanged
from minitf.framework.tensor import Tensor

# ---- BitwiseAnd

BITWISE_AND = op_def(
    "BitwiseAnd(x: T, y: T) -> (z: T)",
    "T: integer",
    elementwise=True,
    commutative=True,
    shape=broadcast,
)


@BITWISE_AND.kernel
def bitwise_and_kernel(x: Any, y: Any) -> Any:
    return np.bitwise_and(x, y)


BITWISE_AND.not_differentiable()


def bitwise_and(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The bits that both have (mirrors `tf.bitwise.bitwise_and`).

    Args:
      x, y: tensors of one integer dtype, with broadcasting.
      name: the node's name.

    Returns:
      A tensor of the same dtype.

    Raises:
      TypeError: if the dtypes differ or are not of integers.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.bitwise.bitwise_and(6, 3)))
    2
    """
    result: Tensor = BITWISE_AND(x, y, name=name)
    return result


# ---- BitwiseOr

BITWISE_OR = op_def(
    "BitwiseOr(x: T, y: T) -> (z: T)",
    "T: integer",
    elementwise=True,
    commutative=True,
    shape=broadcast,
)


@BITWISE_OR.kernel
def bitwise_or_kernel(x: Any, y: Any) -> Any:
    return np.bitwise_or(x, y)


BITWISE_OR.not_differentiable()


def bitwise_or(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The bits that one or both have (mirrors `tf.bitwise.bitwise_or`).

    Args:
      x, y: tensors of one integer dtype, with broadcasting.
      name: the node's name.

    Returns:
      A tensor of the same dtype.

    Raises:
      TypeError: if the dtypes differ or are not of integers.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.bitwise.bitwise_or(6, 3)))
    7
    """
    result: Tensor = BITWISE_OR(x, y, name=name)
    return result


# ---- BitwiseXor

BITWISE_XOR = op_def(
    "BitwiseXor(x: T, y: T) -> (z: T)",
    "T: integer",
    elementwise=True,
    commutative=True,
    shape=broadcast,
)


@BITWISE_XOR.kernel
def bitwise_xor_kernel(x: Any, y: Any) -> Any:
    return np.bitwise_xor(x, y)


BITWISE_XOR.not_differentiable()


def bitwise_xor(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The bits that exactly one has (mirrors `tf.bitwise.bitwise_xor`).

    Args:
      x, y: tensors of one integer dtype, with broadcasting.
      name: the node's name.

    Returns:
      A tensor of the same dtype.

    Raises:
      TypeError: if the dtypes differ or are not of integers.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.bitwise.bitwise_xor(6, 3)))
    5
    """
    result: Tensor = BITWISE_XOR(x, y, name=name)
    return result


# ---- Invert

INVERT = op_def("Invert(x: T) -> (y: T)", "T: integer", elementwise=True, shape=unchanged)


@INVERT.kernel
def invert_kernel(x: Any) -> Any:
    return np.invert(x)


INVERT.not_differentiable()


def invert(x: Any, name: str | None = None) -> Tensor:
    """Every bit turned over (mirrors `tf.bitwise.invert`).

    Args:
      x: a tensor of an integer dtype.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype: `-x - 1` for signed integers.

    Raises:
      TypeError: if the dtype is not of integers.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.bitwise.invert([0, 5])))
    [-1 -6]
    """
    result: Tensor = INVERT(x, name=name)
    return result
