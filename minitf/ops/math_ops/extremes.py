"""With this module one can take the larger or the smaller of two, elementwise."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework.op_def import OpDef, broadcast, op_def
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.ops import array_ops
from minitf.ops.math_ops.broadcasting import unbroadcast
from minitf.ops.math_ops.comparison import GREATER_EQUAL, LESS_EQUAL


def _chosen_gradient(op: Operation, grad: Tensor, first_is_chosen: OpDef) -> Any:
    """The gradient flows to the input that was taken; to the first one where they are equal."""
    x, y = op.inputs
    mask = first_is_chosen(x, y)
    zeros = array_ops.zeros_like(grad)
    return (
        lambda: unbroadcast(array_ops.where_v2(mask, grad, zeros), x, y),
        lambda: unbroadcast(array_ops.where_v2(mask, zeros, grad), y, x),
    )


# ---- Maximum

MAXIMUM = op_def(
    "Maximum(x: T, y: T) -> (z: T)",
    "T: realnumber",
    elementwise=True,
    commutative=True,
    shape=broadcast,
)


@MAXIMUM.kernel
def maximum_kernel(x: Any, y: Any) -> Any:
    return np.maximum(x, y)


@MAXIMUM.gradient
def maximum_gradient(op: Operation, grad: Tensor) -> Any:
    return _chosen_gradient(op, grad, GREATER_EQUAL)


def maximum(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The larger of `x` and `y`, elementwise with broadcasting (mirrors `tf.maximum`).

    Args:
      x, y: tensors of one real dtype.
      name: the node's name.

    Returns:
      A tensor of the same dtype; nan where either is nan. Where both are equal, the gradient
      flows to `x`.

    Raises:
      TypeError: if the dtypes differ.
      ValueError: if the shapes cannot be broadcast together.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.maximum([1, 5, 3], 3))
    array([3, 5, 3], dtype=int32)
    """
    result: Tensor = MAXIMUM(x, y, name=name)
    return result


# ---- Minimum

MINIMUM = op_def(
    "Minimum(x: T, y: T) -> (z: T)",
    "T: realnumber",
    elementwise=True,
    commutative=True,
    shape=broadcast,
)


@MINIMUM.kernel
def minimum_kernel(x: Any, y: Any) -> Any:
    return np.minimum(x, y)


@MINIMUM.gradient
def minimum_gradient(op: Operation, grad: Tensor) -> Any:
    return _chosen_gradient(op, grad, LESS_EQUAL)


def minimum(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The smaller of `x` and `y`, elementwise with broadcasting (mirrors `tf.minimum`).

    Args:
      x, y: tensors of one real dtype.
      name: the node's name.

    Returns:
      A tensor of the same dtype; nan where either is nan. Where both are equal, the gradient
      flows to `x`.

    Raises:
      TypeError: if the dtypes differ.
      ValueError: if the shapes cannot be broadcast together.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.minimum([1, 5, 3], 3))
    array([1, 3, 3], dtype=int32)
    """
    result: Tensor = MINIMUM(x, y, name=name)
    return result
