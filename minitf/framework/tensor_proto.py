"""With this module one can write an array as a `TensorProto` message, and read one."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import dtypes
from minitf.framework.array_value import as_array
from minitf.framework.tensor_shape import TensorShape, as_shape

# The field that holds the values of each dtype, where they are not packed as bytes.
_VALUE_FIELD = {
    dtypes.float32: "float_val",
    dtypes.float64: "double_val",
    dtypes.int32: "int_val",
    dtypes.uint8: "int_val",
    dtypes.int16: "int_val",
    dtypes.int8: "int_val",
    dtypes.uint16: "int_val",
    dtypes.string: "string_val",
    dtypes.int64: "int64_val",
    dtypes.bool_: "bool_val",
    dtypes.float16: "half_val",
    dtypes.uint32: "uint32_val",
    dtypes.uint64: "uint64_val",
    dtypes.complex64: "scomplex_val",
    dtypes.complex128: "dcomplex_val",
}


def shape_proto(shape: Any) -> Any:
    """A shape as a `TensorShapeProto`; -1 stands for an unknown dim."""
    from tensorboardX.proto.tensor_shape_pb2 import TensorShapeProto

    shape = as_shape(shape)
    if shape.ndims is None:
        return TensorShapeProto(unknown_rank=True)
    return TensorShapeProto(
        dim=[TensorShapeProto.Dim(size=-1 if d is None else d) for d in shape.as_list()]
    )


def make_tensor_proto(values: Any, dtype: Any = None, shape: Any = None) -> Any:
    """Writes a value as a `TensorProto` (mirrors `tf.make_tensor_proto`).

    Args:
      values: a number, string, array or nested list.
      dtype: its dtype; found as for `tf.constant` if None.
      shape: its shape, if it is to be another than that of `values`.

    >>> make_tensor_proto([1.0, 2.0]).tensor_shape.dim[0].size
    2
    """
    from tensorboardX.proto.tensor_pb2 import TensorProto

    array = as_array(values, dtype)
    if shape is not None:
        array = np.resize(array, [int(d) for d in as_shape(shape)])
    found = dtypes.as_dtype(array.dtype)
    proto = TensorProto(dtype=found.as_datatype_enum, tensor_shape=shape_proto(array.shape))
    if found is dtypes.string:
        proto.string_val.extend(array.reshape(-1).tolist())
    elif array.size == 1 and found in _VALUE_FIELD and not found.is_complex:
        item = array.reshape(-1).view(np.uint16) if found is dtypes.float16 else array.reshape(-1)
        field = _VALUE_FIELD[found]
        if hasattr(proto, field):
            getattr(proto, field).extend(item.tolist())
        else:
            proto.tensor_content = array.tobytes()
    else:
        proto.tensor_content = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
    return proto


def make_ndarray(tensor: Any) -> Any:
    """Reads a `TensorProto` (mirrors `tf.make_ndarray`).

    Raises:
      TypeError: if its dtype is one that numpy has not.
      ValueError: if its content does not fit its shape.

    >>> make_ndarray(make_tensor_proto([1, 2]))
    array([1, 2], dtype=int32)
    """
    dtype = dtypes.as_dtype(tensor.dtype)
    dims = [int(d) for d in TensorShape(tensor.tensor_shape)]
    size = int(np.prod(dims, dtype=np.int64))
    numpy_dtype = np.dtype(dtype.as_numpy_dtype)
    if tensor.tensor_content:
        array = np.frombuffer(tensor.tensor_content, numpy_dtype.newbyteorder("<"))
        if array.size != size:
            raise ValueError(
                f"A tensor of shape {tuple(dims)} needs {size} values, but {array.size} are given."
            )
        return array.astype(numpy_dtype).reshape(dims)
    field = _VALUE_FIELD.get(dtype)
    if field is None or not hasattr(tensor, field):
        raise TypeError(f"A TensorProto of {dtype.name} cannot be read.")
    values: Any = list(getattr(tensor, field))
    if dtype is dtypes.float16:
        values = np.array(values, np.uint16).view(np.float16)
    elif dtype.is_complex:
        values = [complex(re, im) for re, im in zip(values[::2], values[1::2], strict=True)]
    array = np.zeros(size, numpy_dtype)
    if dtype is dtypes.string:
        array[:] = b""
    if len(values):
        # A shorter list stands for one whose last value is repeated.
        array[: len(values)] = values[:size]
        array[len(values) :] = values[-1]
    return array.reshape(dims)
