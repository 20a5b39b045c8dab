"""With this module one can write an array as a `TensorProto` message, and read one.

A message may say more than it holds: one value stands for a whole tensor that is filled with it.
What a stranger's file says is therefore read in two steps. `tensor_value` looks at the shape only;
the array itself is made there if it is small next to the message, and otherwise at its first use.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from minitf.framework import dtypes, errors, protos
from minitf.framework.array_value import as_array
from minitf.framework.tensor_shape import as_shape

if TYPE_CHECKING:
    from minitf.framework.operation import Operation

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
    shape = as_shape(shape)
    if shape.ndims is None:
        return protos.TensorShapeProto(unknown_rank=True)
    proto = protos.TensorShapeProto()
    for d in shape.as_list():
        proto.dim.add(size=-1 if d is None else d)
    return proto


def make_tensor_proto(values: Any, dtype: Any = None, shape: Any = None) -> Any:
    """Writes a value as a `TensorProto` (mirrors `tf.make_tensor_proto`).

    Args:
      values: a number, string, array or nested list.
      dtype: its dtype; found as for `tf.constant` if None.
      shape: its shape, if it is to be another than that of `values`; the last value fills it up.

    Raises:
      ValueError: if there are more values than the shape takes.

    >>> make_tensor_proto([1.0, 2.0]).tensor_shape.dim[0].size
    2
    """
    array = as_array(values, dtype)
    dims = array.shape if shape is None else [int(d) for d in as_shape(shape)]
    size = math.prod(dims)
    if array.size > size:
        raise errors.value_error(
            f"Too many elements provided. Takes at most {size}, but got {array.size}.",
            see="importing-a-graph",
        )
    found = dtypes.as_dtype(array.dtype)
    proto = protos.TensorProto(dtype=found.as_datatype_enum, tensor_shape=shape_proto(dims))
    flat = array.reshape(-1)
    if size > 1 and array.size == size and found not in _ALWAYS_LISTED:
        proto.tensor_content = flat.astype(flat.dtype.newbyteorder("<"), copy=False).tobytes()
        return proto
    if found is dtypes.float16:
        flat = flat.view(np.uint16)
    elif found.is_complex:
        flat = flat.view(np.float32 if found is dtypes.complex64 else np.float64)
    getattr(proto, _VALUE_FIELD[found]).extend(flat.tolist())
    return proto


# Arrays of these are written value by value and not as bytes, as TensorFlow writes them.
_ALWAYS_LISTED = (dtypes.string, dtypes.bool_, dtypes.uint16, dtypes.complex64, dtypes.complex128)


def make_ndarray(tensor: Any) -> Any:
    """Reads a `TensorProto` (mirrors `tf.make_ndarray`).

    A list of values that is too short stands for one whose last value is repeated.

    Raises:
      TypeError: if its dtype is one that numpy has not.
      ValueError: if its content does not fit its shape.

    >>> make_ndarray(make_tensor_proto([1, 2]))
    array([1, 2], dtype=int32)
    """
    dims = [d.size for d in tensor.tensor_shape.dim]
    if min(dims, default=0) < 0:
        raise errors.value_error(f"A tensor cannot have the shape {dims}.", see="importing-a-graph")
    dtype, numpy_dtype = _dtypes_of(tensor)
    size = math.prod(dims)
    if tensor.tensor_content and dtype is dtypes.string:
        return _strings_from(tensor.tensor_content, size).reshape(dims)
    if tensor.tensor_content:
        return _array_from(tensor.tensor_content, numpy_dtype, size).reshape(dims)
    values = _values_of(tensor, dtype, numpy_dtype)[:size]
    if len(values) == size:
        return values.reshape(dims)
    array = np.empty(size, numpy_dtype)
    array[: len(values)] = values
    empty: Any = b"" if dtype is dtypes.string else 0
    array[len(values) :] = values[-1] if len(values) else empty
    return array.reshape(dims)


def _dtypes_of(tensor: Any) -> tuple[dtypes.DType, Any]:
    name = protos.data_type_name(tensor.dtype) or f"number {tensor.dtype}"
    try:
        dtype = dtypes.as_dtype(tensor.dtype)
        numpy_dtype = np.dtype(dtype.as_numpy_dtype)
    except (TypeError, KeyError):
        dtype = None
    if dtype not in _VALUE_FIELD:
        raise errors.type_error(
            f"A TensorProto of the dtype {name} cannot be read.", see="importing-a-graph"
        )
    return dtype, numpy_dtype


def _array_from(content: bytes, numpy_dtype: Any, size: int) -> Any:
    if len(content) != size * numpy_dtype.itemsize:
        raise errors.value_error(
            f"A tensor of {size} values of {numpy_dtype} needs {size * numpy_dtype.itemsize} "
            f"bytes, but has {len(content)}.",
            see="importing-a-graph",
        )
    if numpy_dtype == np.bool_ and content.strip(b"\0\1"):
        raise errors.value_error(
            "A tensor of bools has bytes that are neither 0 nor 1.", see="importing-a-graph"
        )
    return np.frombuffer(content, numpy_dtype.newbyteorder("<")).astype(numpy_dtype)


def _strings_from(content: bytes, size: int) -> Any:
    """Strings packed into one: their lengths as varints, then their bytes."""
    lengths: list[int] = []
    position = 0
    while len(lengths) < size:
        length = shift = 0
        while True:
            if position == len(content) or shift > 28:
                raise errors.value_error(
                    f"A tensor of {size} strings has the lengths of {len(lengths)}.",
                    see="importing-a-graph",
                )
            byte = content[position]
            position += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        lengths.append(length)
    if sum(lengths) != len(content) - position:
        raise errors.value_error(
            "A tensor of strings has other bytes than their lengths say.", see="importing-a-graph"
        )
    array = np.empty(size, object)
    for i, length in enumerate(lengths):
        array[i] = content[position : position + length]
        position += length
    return array


def _values_of(tensor: Any, dtype: dtypes.DType, numpy_dtype: Any) -> Any:
    """The values that a message lists one by one, as a flat array."""
    field = _VALUE_FIELD[dtype]
    values = getattr(tensor if hasattr(tensor, field) else protos.own_copy(tensor), field)
    if dtype is dtypes.string:
        array = np.empty(len(values), object)
        array[:] = list(values)
        return array
    if dtype is dtypes.float16:  # the bits, as integers
        return np.fromiter(values, np.int32, len(values)).astype(np.uint16).view(np.float16)
    if dtype.is_complex:
        part = np.float32 if dtype is dtypes.complex64 else np.float64
        return np.fromiter(values, part, len(values) // 2 * 2).view(numpy_dtype)
    if dtype.size < 4 and dtype is not dtypes.bool_:  # kept as int32; the low bits count
        return np.fromiter(values, np.int32, len(values)).astype(numpy_dtype)
    return np.fromiter(values, numpy_dtype, len(values))


# ---- tensors that are read when they are needed

# An array is made at once where it is no larger than this many bytes, or than its message is.
_SMALL = 256
# Shapes and axes are small; a larger constant decides nothing when the graph is built.
_MAX_STATIC = 1024


class PackedTensor:
    """A tensor that is still in its message: its shape and dtype are known, its values are not.

    A message of a hundred bytes can stand for a tensor of a terabyte, and its content can
    contradict its shape. As in TensorFlow, neither matters until something needs the values.
    """

    __slots__ = ("dtype", "proto", "shape")

    def __init__(self, proto: Any, dtype: dtypes.DType, shape: tuple[int, ...]) -> None:
        self.proto = proto
        self.dtype = dtype
        self.shape = shape

    @property
    def ndim(self) -> int:
        """The rank."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """How many values there are."""
        return math.prod(self.shape)

    def unpack(self) -> Any:
        """The array.

        Raises:
          ValueError: if the message's content does not fit its shape, or memory does not suffice.
          TypeError: if numpy has no such dtype.
        """
        if self.proto.dtype != self.dtype.as_datatype_enum:
            said = protos.data_type_name(self.proto.dtype)
            raise errors.value_error(
                f"Type mismatch between value ({said}) and dtype ({self.dtype.name})",
                see="importing-a-graph",
            )
        try:
            array = make_ndarray(self.proto)
        except MemoryError:
            raise errors.value_error(
                f"Cannot parse tensor from proto: a tensor of shape {list(self.shape)} and dtype "
                f"{self.dtype.name} does not fit into memory.",
                see="importing-a-graph",
            ) from None
        except ValueError as error:
            raise errors.value_error(
                f"Cannot parse tensor from proto: {error}", see="importing-a-graph"
            ) from None
        array.flags.writeable = False
        return array

    def __repr__(self) -> str:
        return f"PackedTensor(shape={self.shape}, dtype={self.dtype.name})"


def tensor_value(proto: Any, shape: tuple[int, ...], dtype: dtypes.DType) -> Any:
    """What a node keeps of a `TensorProto`: its array if that is small, or a `PackedTensor`.

    Args:
      proto: the message; it is copied if it is kept.
      shape: its shape, already checked.
      dtype: the dtype that the node says; the message may differ, which is told when it is used.

    Raises:
      ValueError: if messages in it are nested too deeply.
    """
    size = math.prod(shape)
    if proto.dtype == dtype.as_datatype_enum and dtype in _VALUE_FIELD:
        length = len(proto.tensor_content)
        listed = 0 if length else len(getattr(proto, _VALUE_FIELD[dtype], ()))
        if size * dtype.size <= max(_SMALL, length) or size == listed:
            try:
                array = make_ndarray(proto)
            except ValueError:
                pass
            else:
                array.flags.writeable = False
                return array
    return PackedTensor(protos.own_copy(proto), dtype, shape)


def constant_array(op: Operation) -> Any:
    """The value of a Const, unpacked when it is first asked for.

    Raises:
      InvalidArgumentError: if the value cannot be read, or is of another dtype than the node says.
    """
    value = op._attrs["value"]
    if not isinstance(value, PackedTensor):
        return value
    try:
        array = op._attrs["value"] = value.unpack()
    except (ValueError, TypeError) as error:
        raise errors.InvalidArgumentError(
            None,
            op,
            errors.report(
                str(error),
                op=op,
                do="write the GraphDef anew: this constant is damaged in it.",
                see="importing-a-graph",
            ),
        ) from None
    return array


def small_constant(op: Operation) -> Any:
    """The value of a Const if it is small enough to say something about shapes, or None.

    Raises:
      ValueError: if it is small and cannot be read.
    """
    value = op._attrs["value"]
    if not isinstance(value, PackedTensor):
        return value
    if value.size > _MAX_STATIC:
        return None
    try:
        return constant_array(op)
    except errors.InvalidArgumentError as error:
        raise errors.value_error(
            f"Unable to evaluate a constant node. {error}", see="importing-a-graph"
        ) from None
