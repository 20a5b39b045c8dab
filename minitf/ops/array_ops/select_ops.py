"""With this module one can choose between tensors, elementwise, and find where something holds."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import dtypes, errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.op_def import broadcast, op_def
from minitf.framework.operation import Operation
from minitf.framework.scopes import name_scope
from minitf.framework.static_value import static_dim, static_scalar
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, shape_of_dims, unknown_shape
from minitf.ops import math_ops
from minitf.ops.array_ops.concat_ops import merged_shape
from minitf.ops.array_ops.fill_ops import zeros_like

# ---- Where

WHERE = op_def("Where(input: T) -> (index: int64)", "T: type = bool")


@WHERE.shape
def where_shape(op: Operation) -> list[TensorShape]:
    return [shape_of_dims((None, op.inputs[0].shape.ndims))]


@WHERE.kernel
def where_kernel(input: Any) -> Any:
    return np.argwhere(input).astype(np.int64)


WHERE.not_differentiable()

# ---- Select

SELECT = op_def("Select(condition: bool, t: T, e: T) -> (output: T)", "T: type")


@SELECT.shape
def select_shape(op: Operation) -> list[TensorShape]:
    condition, values = op.inputs[0].shape, merged_shape([t.shape for t in op.inputs[1:]])
    if not condition.ndims or values.ndims is None:
        return [values]
    if condition.ndims == 1 and values.ndims:  # one choice per row, or per element
        merged_shape([condition, values[:1]])
        return [values]
    return [merged_shape([values, condition])]


@SELECT.kernel
def select_kernel(condition: Any, t: Any, e: Any) -> Any:
    if np.shape(t) != np.shape(e):
        raise ValueError(
            "Inputs to operation of type Select must have the same size and shape.  "
            f"t: {list(np.shape(t))} != e: {list(np.shape(e))}"
        )
    if np.ndim(condition) and np.shape(condition) != np.shape(t):
        if np.ndim(condition) > 1 or np.shape(condition) != np.shape(t)[:1]:
            raise ValueError(
                f"Inputs to operation of type Select must have the same size and shape: condition "
                f"{list(np.shape(condition))}, t {list(np.shape(t))}"
            )
        condition = condition.reshape(-1, *[1] * (np.ndim(t) - 1))
    return np.where(condition, t, e)


@SELECT.gradient
def select_gradient(op: Operation, grad: Tensor) -> Any:
    condition = op.inputs[0]
    zeros = zeros_like(grad)
    return (
        None,
        lambda: SELECT(condition, grad, zeros),
        lambda: SELECT(condition, zeros, grad),
    )


# ---- SelectV2

SELECT_V2 = op_def(
    "SelectV2(condition: bool, t: T, e: T) -> (output: T)",
    "T: type",
    elementwise=True,
)


@SELECT_V2.shape
def select_v2_shape(op: Operation) -> list[TensorShape]:
    if any(tensor.shape.ndims is None for tensor in op.inputs):
        return [unknown_shape()]
    return broadcast(op)


@SELECT_V2.kernel
def select_v2_kernel(condition: Any, t: Any, e: Any, *, out: Any = None) -> Any:
    if out is None:
        return np.where(condition, t, e)
    np.copyto(out, e)
    np.copyto(out, t, where=condition)
    return out


@SELECT_V2.gradient
def select_v2_gradient(op: Operation, grad: Tensor) -> Any:
    condition, t, e = op.inputs
    zeros = zeros_like(grad)
    return (
        None,
        lambda: math_ops.unbroadcast(SELECT_V2(condition, grad, zeros), t, condition, e),
        lambda: math_ops.unbroadcast(SELECT_V2(condition, zeros, grad), e, condition, t),
    )


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Tensor:
    """Where a condition holds, or a choice between two tensors (mirrors `tf.where`).

    Args:
      condition: a tensor. With `x` and `y` it is of bools, and has their shape, or is a vector
        that chooses whole rows, or is a scalar.
      x: what to take where the condition holds.
      y: what to take elsewhere; of the shape and dtype of `x`. For broadcasting see
        `tf.where_v2`.
      name: the node's name.

    Returns:
      The choice; or, without `x` and `y`, the coordinates of what is not zero: an int64 tensor of
      shape `[how many, rank]`.

    Raises:
      ValueError: if only one of `x` and `y` is given, or the shapes do not fit.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.where([True, False], [1, 2], [3, 4])))
    ...     print(sess.run(tf.where([[0, 1], [2, 0]])))
    [1 4]
    [[0 1]
     [1 0]]
    """
    return _where(SELECT, condition, x, y, name)


def where_v2(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Tensor:
    """The same with broadcasting, as numpy's (mirrors `tf.where_v2`).

    Args:
      condition: a tensor, of bools if `x` and `y` are given.
      x, y: what to choose from; the three shapes are broadcast together.
      name: the node's name.

    Raises:
      ValueError: if only one of `x` and `y` is given, or the shapes cannot be broadcast.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.where_v2([[True], [False]], [1, 2], 0)))
    [[1 2]
     [0 0]]
    """
    return _where(SELECT_V2, condition, x, y, name)


def _where(declared: Any, condition: Any, x: Any, y: Any, name: str | None) -> Tensor:
    if (x is None) != (y is None):
        raise errors.value_error("x and y must both be non-None or both be None.")
    result: Tensor
    if x is None:
        with name_scope(name, "Where", [condition]) as scope:
            result = WHERE(convert_to_tensor(condition, name="condition"), name=scope)
    else:
        result = declared(condition, x, y, name=name)
    return result


# ---- OneHot

ONE_HOT = op_def(
    "OneHot(indices: TI, depth: int32, on_value: T, off_value: T) -> (output: T)",
    "axis: int = -1",
    "T: type",
    "TI: {uint8, int8, int32, int64} = int64",
)


@ONE_HOT.shape
def one_hot_shape(op: Operation) -> list[TensorShape]:
    indices, depth, _, _ = op.inputs
    value = static_scalar(depth)
    if value is not None and value < 0:
        raise ValueError(
            f"Dimension size, given by scalar input 1, must be non-negative but is {value}"
        )
    dims = indices.shape._dims
    if dims is None:
        return [unknown_shape()]
    axis = _one_hot_axis(op._attrs["axis"], len(dims))
    return [shape_of_dims(dims[:axis] + (static_dim(depth),) + dims[axis:])]


def _one_hot_axis(axis: int, rank: int) -> int:
    if not -1 <= axis <= rank:
        raise ValueError(
            f"Expected axis to be -1 or between [0, {rank + 1}).  But received: {axis}"
        )
    return rank if axis == -1 else axis


@ONE_HOT.kernel
def one_hot_kernel(indices: Any, depth: Any, on_value: Any, off_value: Any, *, axis: int) -> Any:
    for what, value in (("depth", depth), ("on_value", on_value), ("off_value", off_value)):
        if np.ndim(value):
            raise ValueError(f"{what} must be a scalar, but got: {list(np.shape(value))}")
    count = int(depth)
    if count < 0:
        raise ValueError(f"depth must be non-negative, got: {count}")
    at = _one_hot_axis(axis, np.ndim(indices))
    positions = np.arange(count).reshape(-1, *[1] * (np.ndim(indices) - at))
    hot = np.expand_dims(indices, at) == positions
    return np.where(hot, on_value, off_value)


ONE_HOT.not_differentiable()


def one_hot(
    indices: Any,
    depth: Any,
    on_value: Any = None,
    off_value: Any = None,
    axis: int | None = None,
    dtype: Any = None,
    name: str | None = None,
) -> Tensor:
    """Class numbers as vectors that are 1 at the class and 0 elsewhere (mirrors `tf.one_hot`).

    Args:
      indices: an integer tensor; a number outside of `0 .. depth - 1` gives no 1 at all.
      depth: how many classes there are, an int or a scalar tensor.
      on_value: what stands at the class; 1 if None.
      off_value: what stands elsewhere; 0 if None.
      axis: where the new dim of size `depth` stands; last if None or -1.
      dtype: the result's dtype; that of the values, or float32, if None.
      name: the node's name.

    Raises:
      TypeError: if a value does not have the dtype.
      ValueError: if `depth` is negative, or there is no such axis.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.one_hot([0, 2, -1], 3)))
    [[1. 0. 0.]
     [0. 0. 1.]
     [0. 0. 0.]]
    """
    with name_scope(name, "one_hot", [indices, depth, on_value, off_value]) as scope:
        on_value = _one_hot_value("on_value", on_value, dtype)
        off_value = _one_hot_value("off_value", off_value, dtype)
        given = [v.dtype.base_dtype for v in (on_value, off_value) if isinstance(v, Tensor)]
        wanted = dtypes.as_dtype(dtype or (given[0] if given else dtypes.float32))
        if given and given[-1] is not given[0]:
            raise errors.type_error(
                f"dtype {given[0].name} of on_value does not match dtype {given[-1].name} of "
                "off_value"
            )
        if on_value is None:
            on_value = convert_to_tensor(1, wanted, name="on_value")
        if off_value is None:
            off_value = convert_to_tensor(0, wanted, name="off_value")
        result: Tensor = ONE_HOT(
            indices, depth, on_value, off_value, axis=-1 if axis is None else axis, name=scope
        )
        return result


def _one_hot_value(which: str, value: Any, dtype: Any) -> Tensor | None:
    """The value as a tensor of the dtype, if one was given.

    Raises:
      TypeError: if it has another dtype.
    """
    if value is None:
        return None
    if not isinstance(value, Tensor):
        return convert_to_tensor(value, dtype)
    if dtype is not None and value.dtype.base_dtype is not dtypes.as_dtype(dtype):
        raise errors.type_error(
            f"dtype {value.dtype!r} of {which} does not match dtype parameter "
            f"{dtypes.as_dtype(dtype)!r}"
        )
    return value
