"""With this module one can compare tensors, elementwise and with broadcasting."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework.op_def import broadcast, op_def
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, unknown_shape

# ---- Less

LESS = op_def("Less(x: T, y: T) -> (z: bool)", "T: realnumber", elementwise=True, shape=broadcast)


@LESS.kernel
def less_kernel(x: Any, y: Any) -> Any:
    return np.less(x, y)


LESS.not_differentiable()


def less(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Whether `x < y`, elementwise with broadcasting (mirrors `tf.less`).

    Args:
      x, y: tensors of one real dtype.
      name: the node's name.

    Returns:
      A bool tensor of the shape that `x` and `y` broadcast to.

    Raises:
      TypeError: if the dtypes differ.
      ValueError: if the shapes cannot be broadcast together.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.less([1, 2, 3], 2))
    array([ True, False, False])
    """
    result: Tensor = LESS(x, y, name=name)
    return result


# ---- LessEqual

LESS_EQUAL = op_def(
    "LessEqual(x: T, y: T) -> (z: bool)", "T: realnumber", elementwise=True, shape=broadcast
)


@LESS_EQUAL.kernel
def less_equal_kernel(x: Any, y: Any) -> Any:
    return np.less_equal(x, y)


LESS_EQUAL.not_differentiable()


def less_equal(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Whether `x <= y`, elementwise with broadcasting (mirrors `tf.less_equal`).

    Args:
      x, y: tensors of one real dtype.
      name: the node's name.

    Returns:
      A bool tensor of the shape that `x` and `y` broadcast to.

    Raises:
      TypeError: if the dtypes differ.
      ValueError: if the shapes cannot be broadcast together.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.less_equal([1, 2, 3], 2))
    array([ True,  True, False])
    """
    result: Tensor = LESS_EQUAL(x, y, name=name)
    return result


# ---- Greater

GREATER = op_def(
    "Greater(x: T, y: T) -> (z: bool)", "T: realnumber", elementwise=True, shape=broadcast
)


@GREATER.kernel
def greater_kernel(x: Any, y: Any) -> Any:
    return np.greater(x, y)


GREATER.not_differentiable()


def greater(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Whether `x > y`, elementwise with broadcasting (mirrors `tf.greater`).

    Args:
      x, y: tensors of one real dtype.
      name: the node's name.

    Returns:
      A bool tensor of the shape that `x` and `y` broadcast to.

    Raises:
      TypeError: if the dtypes differ.
      ValueError: if the shapes cannot be broadcast together.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.greater([1, 2, 3], 2))
    array([False, False,  True])
    """
    result: Tensor = GREATER(x, y, name=name)
    return result


# ---- GreaterEqual

GREATER_EQUAL = op_def(
    "GreaterEqual(x: T, y: T) -> (z: bool)", "T: realnumber", elementwise=True, shape=broadcast
)


@GREATER_EQUAL.kernel
def greater_equal_kernel(x: Any, y: Any) -> Any:
    return np.greater_equal(x, y)


GREATER_EQUAL.not_differentiable()


def greater_equal(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Whether `x >= y`, elementwise with broadcasting (mirrors `tf.greater_equal`).

    Args:
      x, y: tensors of one real dtype.
      name: the node's name.

    Returns:
      A bool tensor of the shape that `x` and `y` broadcast to.

    Raises:
      TypeError: if the dtypes differ.
      ValueError: if the shapes cannot be broadcast together.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.greater_equal([1, 2, 3], 2))
    array([False,  True,  True])
    """
    result: Tensor = GREATER_EQUAL(x, y, name=name)
    return result


# ---- Equal


def _equality_shape(op: Operation) -> list[TensorShape]:
    if op._attrs["incompatible_shape_error"]:
        return broadcast(op)
    try:
        return broadcast(op)
    except ValueError:  # tensors that cannot meet are not equal: one False
        return [unknown_shape(0)]


EQUAL = op_def(
    "Equal(x: T, y: T) -> (z: bool)",
    "T: type",
    "incompatible_shape_error: bool = true",
    elementwise=True,
    commutative=True,
    shape=_equality_shape,
)


@EQUAL.kernel
def equal_kernel(x: Any, y: Any) -> Any:
    return np.equal(x, y)


EQUAL.not_differentiable()


def equal(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Whether `x` equals `y`, elementwise with broadcasting (mirrors `tf.equal`).

    The operator `==` on tensors compares the Python objects instead, as in TensorFlow 1.

    Args:
      x, y: tensors of one dtype, strings and bools included.
      name: the node's name.

    Returns:
      A bool tensor of the shape that `x` and `y` broadcast to. A nan equals nothing.

    Raises:
      TypeError: if the dtypes differ.
      ValueError: if the shapes cannot be broadcast together.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.equal(["a", "b"], "b"))
    array([False,  True])
    """
    result: Tensor = EQUAL(x, y, name=name)
    return result


# ---- NotEqual

NOT_EQUAL = op_def(
    "NotEqual(x: T, y: T) -> (z: bool)",
    "T: type",
    "incompatible_shape_error: bool = true",
    elementwise=True,
    commutative=True,
    shape=_equality_shape,
)


@NOT_EQUAL.kernel
def not_equal_kernel(x: Any, y: Any) -> Any:
    return np.not_equal(x, y)


NOT_EQUAL.not_differentiable()


def not_equal(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Whether `x` differs from `y`, elementwise with broadcasting (mirrors `tf.not_equal`).

    Args:
      x, y: tensors of one dtype, strings and bools included.
      name: the node's name.

    Returns:
      A bool tensor of the shape that `x` and `y` broadcast to. A nan differs from everything.

    Raises:
      TypeError: if the dtypes differ.
      ValueError: if the shapes cannot be broadcast together.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.not_equal([1, 2], [1, 3]))
    array([False,  True])
    """
    result: Tensor = NOT_EQUAL(x, y, name=name)
    return result


# ---- ApproximateEqual


def _merged(op: Operation) -> list[TensorShape]:
    return [op.inputs[0].shape.merge_with(op.inputs[1].shape)]


APPROXIMATE_EQUAL = op_def(
    "ApproximateEqual(x: T, y: T) -> (z: bool)",
    "T: number",
    "tolerance: float = 1e-05",
    commutative=True,
    shape=_merged,
)


@APPROXIMATE_EQUAL.kernel
def approximate_equal_kernel(x: Any, y: Any, *, tolerance: float) -> Any:
    if x.shape != y.shape:
        raise ValueError(f"x and y must be of the same shape: {list(x.shape)} and {list(y.shape)}")
    smaller, larger = (x, y) if x.dtype.kind == "c" else (np.minimum(x, y), np.maximum(x, y))
    return np.abs(larger - smaller) < tolerance


APPROXIMATE_EQUAL.not_differentiable()


def approximate_equal(x: Any, y: Any, tolerance: float = 1e-05, name: str | None = None) -> Tensor:
    """Whether `abs(x - y) < tolerance`, elementwise (mirrors `tf.approximate_equal`).

    Args:
      x, y: tensors of one numeric dtype and one shape.
      tolerance: the distance that counts as different.
      name: the node's name.

    Returns:
      A bool tensor of the same shape.

    Raises:
      TypeError: if the dtypes differ.
      ValueError: if the shapes differ.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.approximate_equal([1.0, 2.0], [1.000001, 2.1]))
    array([ True, False])
    """
    result: Tensor = APPROXIMATE_EQUAL(x, y, tolerance=tolerance, name=name)
    return result
