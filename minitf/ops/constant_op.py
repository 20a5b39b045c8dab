"""With this module one can put fixed values into a graph: `tf.constant([1.0, 2.0])`."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import dtypes, errors
from minitf.framework.array_value import as_array
from minitf.framework.convert import register_tensor_conversion_function
from minitf.framework.default import get_default_graph
from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_proto import PackedTensor, small_constant
from minitf.framework.tensor_shape import TensorShape, as_shape, shape_of_dims

# ---- Const

CONST = op_def("Const() -> (output: dtype)", "value: tensor", "dtype: type")


@CONST.shape
def const_shape(op: Operation) -> list[TensorShape]:
    return [shape_of_dims(op._attrs["value"].shape)]


@CONST.constant_value
def const_value(op: Operation) -> Any:
    return small_constant(op)


@CONST.partial_shape_value
def const_partial_value(op: Operation) -> Any:
    return int(small_constant(op)) if op._attrs["value"].ndim == 0 else None


@CONST.kernel
def const_kernel(*, value: Any) -> Any:
    return value.unpack() if isinstance(value, PackedTensor) else value


CONST.not_differentiable()


def constant(
    value: Any,
    dtype: Any = None,
    shape: Any = None,
    name: str = "Const",
    verify_shape: bool = False,
) -> Tensor:
    """A tensor with a fixed value (mirrors `tf.constant`).

    Args:
      value: a number, string, bool, numpy array, or nested list of these.
      dtype: the dtype; if None, Python floats become float32, Python ints int32 (int64 where they
        need it), and arrays keep theirs.
      shape: the shape; `value` is reshaped to it, and a shorter value is filled up by repeating
        its last element.
      name: the node's name.
      verify_shape: whether a value of another shape is refused instead.

    Raises:
      TypeError: if the value does not fit the dtype, or the shape with `verify_shape`.
      ValueError: if the value has more elements than the shape, or rows of different lengths.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.constant([1, 2], shape=[2, 2])))
    [[1 2]
     [2 2]]
    """
    array = as_array(value, dtype)
    if shape is not None:
        array = _fit_shape(array, as_shape(shape), verify_shape)
    return _const(array, name)


def _const(array: Any, name: str | None) -> Tensor:
    # A node's value never changes; the flag makes a kernel that tried to write to it fail.
    array.flags.writeable = False
    dtype = dtypes.as_dtype(array.dtype)
    attrs = {"value": array, "dtype": dtype}
    return get_default_graph().create_op(CONST, [], [dtype], attrs, name)._outputs[0]


def _fit_shape(array: Any, shape: TensorShape, verify_shape: bool) -> Any:
    dims = [int(d) for d in shape]
    if tuple(dims) == array.shape:
        return array
    if verify_shape:
        raise TypeError(
            errors.report(
                f"Expected Tensor's shape: {tuple(dims)}, got {array.shape}.",
                do="give a value of that shape, or leave out verify_shape to fill it up.",
                see="values",
            )
        )
    size = int(np.prod(dims, dtype=np.int64))
    if size == 0 and array.ndim == 0:
        return np.empty(dims, array.dtype)
    if array.size > size or (array.size == 0 and size > 0):
        raise ValueError(
            errors.report(
                f"Too many elements provided. Needed at most {size}, but received {array.size}."
                if array.size
                else f"Cannot fill shape {tuple(dims)} from a value without elements.",
                facts=f"value: shape {array.shape}; asked for: shape {tuple(dims)}",
                do="make value and shape agree.",
                see="values",
            )
        )
    filled = np.empty(size, array.dtype)
    filled[: array.size] = array.reshape(-1)
    filled[array.size :] = array.reshape(-1)[-1:] if array.size else 0
    return filled.reshape(dims)


def _convert_value(
    value: Any, dtype: Any = None, name: str | None = None, as_ref: bool = False
) -> Tensor:
    return constant(value, dtype, name=name or "Const")


def _convert_shape(
    value: Any, dtype: Any = None, name: str | None = None, as_ref: bool = False
) -> Tensor:
    if not value.is_fully_defined():
        raise ValueError(_unknown_size(f"a partially known TensorShape to a Tensor: {value}"))
    _check_size_dtype(value, dtype)
    dims = value.as_list()
    large = any(d > np.iinfo(np.int32).max for d in dims)
    return constant(
        np.array(dims, np.int64 if large or dtype is dtypes.int64 else np.int32),
        dtype,
        name=name or "shape_as_tensor",
    )


def _convert_dimension(
    value: Any, dtype: Any = None, name: str | None = None, as_ref: bool = False
) -> Tensor:
    if value.value is None:
        raise ValueError(_unknown_size(f"an unknown Dimension to a Tensor: {value}"))
    _check_size_dtype(value, dtype)
    return constant(value.value, dtype or dtypes.int32, name=name or "shape_as_tensor")


def _unknown_size(what: str) -> str:
    return errors.report(
        f"Cannot convert {what}",
        do="use tf.shape(x), which is the shape when the graph runs.",
        see="values",
    )


def _check_size_dtype(value: Any, dtype: Any) -> None:
    if dtype not in (None, dtypes.int32, dtypes.int64):
        raise TypeError(
            errors.report(
                f"Cannot convert the {type(value).__name__} {value} to dtype {dtype.name}.",
                do="sizes are int32 or int64: use tf.cast for another dtype.",
                see="values",
            )
        )


register_tensor_conversion_function(object, _convert_value, 200)
register_tensor_conversion_function(TensorShape, _convert_shape, 100)
register_tensor_conversion_function(type(TensorShape([1])[0]), _convert_dimension, 100)
