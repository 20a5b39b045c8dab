"""With this module one can add, subtract, multiply and divide, elementwise, with broadcasting."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import dtypes, errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.op_def import broadcast, op_def, unchanged
from minitf.framework.operation import Operation
from minitf.framework.scopes import name_scope
from minitf.framework.tensor import IndexedSlices, Tensor
from minitf.ops.math_ops import type_sets
from minitf.ops.math_ops.broadcasting import unbroadcast
from minitf.ops.math_ops.complex_numbers import conj

# ---- AddV2

ADD_V2 = op_def(
    "AddV2(x: T, y: T) -> (z: T)",
    "T: number",
    elementwise=True,
    commutative=True,
    shape=broadcast,
)


@ADD_V2.kernel
def add_v2_kernel(x: Any, y: Any, *, out: Any = None) -> Any:
    return np.add(x, y, out=out)


@ADD_V2.gradient
def add_v2_gradient(op: Operation, grad: Tensor) -> Any:
    x, y = op.inputs
    return lambda: unbroadcast(grad, x, y), lambda: unbroadcast(grad, y, x)


# ---- Add: what `+` means for strings; old graphs have it for numbers too

ADD = op_def("Add(x: T, y: T) -> (z: T)", type_sets.SIGNED_OR_STRING, shape=broadcast)


@ADD.kernel
def add_kernel(x: Any, y: Any, *, T: dtypes.DType) -> Any:
    return np.asarray(np.add(x, y), dtype=T.as_numpy_dtype)


@ADD.gradient
def add_gradient(op: Operation, grad: Tensor) -> Any:
    return add_v2_gradient(op, grad)


def add(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The sum `x + y`, elementwise with broadcasting (mirrors `tf.add`).

    Args:
      x, y: tensors of one numeric dtype, or of strings, which are joined.
      name: the node's name.

    Returns:
      A tensor of the same dtype and of the shape that `x` and `y` broadcast to.

    Raises:
      TypeError: if the dtypes differ.
      ValueError: if the shapes cannot be broadcast together.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.add([1, 2], 10)), sess.run(tf.add("mini", "tf")))
    [11 12] b'minitf'
    """
    if type(x) is not Tensor or type(y) is not Tensor:
        with name_scope(name, "Add", [x, y]) as scope:
            x = convert_to_tensor(x, name="x")
            y = convert_to_tensor(y, name="y", preferred_dtype=x.dtype.base_dtype)
            return _sum_node(x, y, scope)
    return _sum_node(x, y, name or "Add")


def _sum_node(x: Tensor, y: Tensor, name: str) -> Tensor:
    declared = ADD if x.dtype.base_dtype is dtypes.string else ADD_V2
    result: Tensor = declared(x, y, name=name)
    return result


# ---- Sub

SUB = op_def(
    "Sub(x: T, y: T) -> (z: T)",
    "T: number",
    elementwise=True,
    neutral={"y": 0},
    shape=broadcast,
)


@SUB.kernel
def sub_kernel(x: Any, y: Any, *, out: Any = None) -> Any:
    return np.subtract(x, y, out=out)


@SUB.gradient
def sub_gradient(op: Operation, grad: Tensor) -> Any:
    x, y = op.inputs
    return lambda: unbroadcast(grad, x, y), lambda: negative(unbroadcast(grad, y, x))


def subtract(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The difference `x - y`, elementwise with broadcasting (mirrors `tf.subtract`).

    Args:
      x, y: tensors of one numeric dtype.
      name: the node's name.

    Returns:
      A tensor of the same dtype and of the shape that `x` and `y` broadcast to.

    Raises:
      TypeError: if the dtypes differ.
      ValueError: if the shapes cannot be broadcast together.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.subtract([5.0, 7.0], 1.0))
    array([4., 6.], dtype=float32)
    """
    result: Tensor = SUB(x, y, name=name)
    return result


# ---- Mul

MUL = op_def(
    "Mul(x: T, y: T) -> (z: T)",
    "T: number",
    elementwise=True,
    commutative=True,
    neutral={"x": 1, "y": 1},
    shape=broadcast,
)


@MUL.kernel
def mul_kernel(x: Any, y: Any, *, out: Any = None) -> Any:
    return np.multiply(x, y, out=out)


@MUL.gradient
def mul_gradient(op: Operation, grad: Tensor) -> Any:
    x, y = op.inputs
    return (
        lambda: unbroadcast(MUL(grad, conj(y)), x, y),
        lambda: unbroadcast(MUL(conj(x), grad), y, x),
    )


def multiply(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The product `x * y`, elementwise with broadcasting (mirrors `tf.multiply`).

    Args:
      x, y: tensors of one numeric dtype. For matrix products see `tf.matmul`.
      name: the node's name.

    Returns:
      A tensor of the same dtype and of the shape that `x` and `y` broadcast to.

    Raises:
      TypeError: if the dtypes differ.
      ValueError: if the shapes cannot be broadcast together.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.multiply([[1], [2]], [10, 20]))
    array([[10, 20],
           [20, 40]], dtype=int32)
    """
    result: Tensor = MUL(x, y, name=name)
    return result


def scalar_mul(scalar: Any, x: Any, name: str | None = None) -> Any:
    """A tensor times a scalar (mirrors `tf.scalar_mul`).

    Args:
      scalar: a number or a scalar tensor, converted to the dtype of `x`.
      x: a tensor, or `IndexedSlices`, of which only the rows are multiplied.
      name: the node's name.

    Returns:
      What `x` is: a tensor or `IndexedSlices`.

    Raises:
      ValueError: if `scalar` is known not to be a scalar.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.scalar_mul(3, [1.0, 2.0]))
    array([3., 6.], dtype=float32)
    """
    if not isinstance(x, IndexedSlices):
        x = convert_to_tensor(x)
    factor = convert_to_tensor(scalar, dtype=x.dtype.base_dtype, name="scalar")
    if factor.shape.ndims not in (None, 0):
        raise errors.value_error(f"Only scalar multiply works, got shape {factor.shape}")
    if isinstance(x, IndexedSlices):
        return IndexedSlices(MUL(factor, x.values, name=name), x.indices, x.dense_shape)
    return MUL(factor, x, name=name)


# ---- RealDiv

# TensorFlow declares it for integers too, but has no kernel for them: say so when it is built.
REAL_DIV = op_def(
    "RealDiv(x: T, y: T) -> (z: T)",
    "T: inexact",
    elementwise=True,
    neutral={"y": 1},
    shape=broadcast,
)


@REAL_DIV.kernel
def real_div_kernel(x: Any, y: Any, *, out: Any = None) -> Any:
    return np.true_divide(x, y, out=out)


@REAL_DIV.gradient
def real_div_gradient(op: Operation, grad: Tensor) -> Any:
    x, y = op.inputs
    cx, cy = conj(x), conj(y)

    def by_y() -> Tensor:
        return unbroadcast(MUL(grad, REAL_DIV(REAL_DIV(NEG(cx), cy), cy)), y, x)

    return lambda: unbroadcast(REAL_DIV(grad, cy), x, y), by_y


def realdiv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The quotient `x / y` of floats, elementwise with broadcasting (mirrors `tf.realdiv`).

    Args:
      x, y: tensors of one floating or complex dtype.
      name: the node's name.

    Returns:
      A tensor of the same dtype; a division by zero gives inf or nan.

    Raises:
      TypeError: if the dtypes differ or are of integers, for which see `tf.truediv`.
      ValueError: if the shapes cannot be broadcast together.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.realdiv([1.0, -1.0], [4.0, 0.0]))
    array([0.25, -inf], dtype=float32)
    """
    result: Tensor = REAL_DIV(x, y, name=name)
    return result


# ---- Neg

NEG = op_def("Neg(x: T) -> (y: T)", type_sets.SIGNED, elementwise=True, shape=unchanged)


@NEG.kernel
def neg_kernel(x: Any) -> Any:
    return np.negative(x)


@NEG.gradient
def neg_gradient(op: Operation, grad: Tensor) -> Any:
    return NEG(grad)


def negative(x: Any, name: str | None = None) -> Any:
    """The negative `-x`, elementwise (mirrors `tf.negative`).

    Args:
      x: a tensor of a signed numeric dtype, or `IndexedSlices` of one.
      name: the node's name.

    Returns:
      What `x` is, of the same shape and dtype.

    Raises:
      TypeError: if the dtype is unsigned, bool or string.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.negative([1, -2]))
    array([-1,  2], dtype=int32)
    """
    if isinstance(x, IndexedSlices):
        return IndexedSlices(NEG(x.values, name=name), x.indices, x.dense_shape)
    return NEG(x, name=name)
