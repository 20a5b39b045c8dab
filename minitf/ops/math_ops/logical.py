"""With this module one can combine truth values elementwise: and, or, not, exclusive or."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework.op_def import broadcast, op_def, unchanged
from minitf.framework.tensor import Tensor

# ---- LogicalAnd

LOGICAL_AND = op_def(
    "LogicalAnd(x: bool, y: bool) -> (z: bool)",
    elementwise=True,
    commutative=True,
    shape=broadcast,
)


@LOGICAL_AND.kernel
def logical_and_kernel(x: Any, y: Any) -> Any:
    return np.logical_and(x, y)


LOGICAL_AND.not_differentiable()


def logical_and(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Whether both are true, elementwise with broadcasting (mirrors `tf.logical_and`).

    Args:
      x, y: bool tensors.
      name: the node's name.

    Returns:
      A bool tensor of the shape that `x` and `y` broadcast to.

    Raises:
      TypeError: if a dtype is not bool.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.logical_and([True, False], True))
    array([ True, False])
    """
    result: Tensor = LOGICAL_AND(x, y, name=name)
    return result


# ---- LogicalOr

LOGICAL_OR = op_def(
    "LogicalOr(x: bool, y: bool) -> (z: bool)",
    elementwise=True,
    commutative=True,
    shape=broadcast,
)


@LOGICAL_OR.kernel
def logical_or_kernel(x: Any, y: Any) -> Any:
    return np.logical_or(x, y)


LOGICAL_OR.not_differentiable()


def logical_or(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Whether one or both are true, elementwise with broadcasting (mirrors `tf.logical_or`).

    Args:
      x, y: bool tensors.
      name: the node's name.

    Returns:
      A bool tensor of the shape that `x` and `y` broadcast to.

    Raises:
      TypeError: if a dtype is not bool.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.logical_or([True, False], False))
    array([ True, False])
    """
    result: Tensor = LOGICAL_OR(x, y, name=name)
    return result


# ---- LogicalNot

LOGICAL_NOT = op_def("LogicalNot(x: bool) -> (y: bool)", elementwise=True, shape=unchanged)


@LOGICAL_NOT.kernel
def logical_not_kernel(x: Any) -> Any:
    return np.logical_not(x)


LOGICAL_NOT.not_differentiable()


def logical_not(x: Any, name: str | None = None) -> Tensor:
    """Whether `x` is false, elementwise (mirrors `tf.logical_not`).

    Args:
      x: a bool tensor.
      name: the node's name.

    Returns:
      A bool tensor of the same shape.

    Raises:
      TypeError: if `x` is not bool.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.logical_not([True, False]))
    array([False,  True])
    """
    result: Tensor = LOGICAL_NOT(x, name=name)
    return result


def logical_xor(x: Any, y: Any, name: str | None = "LogicalXor") -> Tensor:
    """Whether exactly one is true: `(x or y) and not (x and y)` (mirrors `tf.logical_xor`).

    Args:
      x, y: bool tensors, with broadcasting.
      name: the name of the last node.

    Returns:
      A bool tensor of the shape that `x` and `y` broadcast to.

    Raises:
      TypeError: if a dtype is not bool.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.logical_xor([True, False], True))
    array([False,  True])
    """
    return logical_and(logical_or(x, y), logical_not(logical_and(x, y)), name=name)
