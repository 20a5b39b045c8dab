"""With this module one can say what a tensor is, and get at its bytes: the payload of a frame.

A frame's header lists its tensors as `[dtype, shape, bytes]`; the payload is their bytes, one
after the other. Numbers lie as in memory: row by row, little-endian. A tensor of n strings is n
lengths of 8 bytes, then the strings.

>>> import numpy as np
>>> describe(np.zeros([2, 3], np.float32))[0]
['float32', [2, 3], 24]
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minitf.distributed.wire.interface import Limits
from minitf.framework import dtypes

Array = npt.NDArray[Any]

_LENGTH = np.dtype("<u8")
_MOST_DIMENSIONS = 32
_DTYPES = {
    name: np.dtype(dtypes.as_dtype(name).as_numpy_dtype).newbyteorder("<")
    for name in (
        *("float16", "float32", "float64", "complex64", "complex128", "bool", "string"),
        *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    )
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


class BadFrame(Exception):
    """What came is not a frame as `frame` describes it; the connection cannot be used further."""


class Spec(NamedTuple):
    """One tensor of a frame, as its header announces it, with everything checked."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    nbytes: int

    @property
    def is_string(self) -> bool:
        return self.dtype == np.object_


def describe(array: Array) -> tuple[list[Any], list[memoryview]]:
    """What the header says of an array, and the buffers that hold its bytes.

    Raises:
      TypeError: if arrays of its dtype do not travel.
    """
    name = _NAMES.get(array.dtype)
    if name is None or name == "string":
        name = dtypes.as_dtype(array.dtype).name
        if name == "string":
            return _describe_strings(array)
    values = np.ascontiguousarray(array, _DTYPES[name])
    entry = [name, list(array.shape), values.nbytes]
    if not values.nbytes:
        return entry, []
    return entry, [values.reshape(-1).view(np.uint8).data]


def _describe_strings(array: Array) -> tuple[list[Any], list[memoryview]]:
    texts = [_as_bytes(text) for text in array.ravel().tolist()]
    lengths = np.array([len(text) for text in texts], _LENGTH)
    content = lengths.tobytes() + b"".join(texts)
    entry = ["string", list(array.shape), len(content)]
    return entry, [memoryview(content)] if content else []


def _as_bytes(text: Any) -> bytes:
    if isinstance(text, (bytes, str)):
        return text if isinstance(text, bytes) else text.encode()
    raise TypeError(f"a tensor of strings holds {type(text).__name__} {text!r:.80}")


def read_specs(entries: Any, payload: int, limits: Limits) -> list[Spec]:
    """The tensors that a header announces.

    Args:
      entries: what stands in the header; anything, if the sender is hostile.
      payload: how many bytes follow.
      limits: what is accepted.

    Raises:
      BadFrame: if it is no list of tensors, or not one of so many bytes.
    """
    if not isinstance(entries, list) or len(entries) > limits.tensors:
        raise BadFrame(f"its list of tensors is not one of up to {limits.tensors}")
    specs = [_read_spec(entry) for entry in entries]
    total = sum(spec.nbytes for spec in specs)
    if total != payload:
        raise BadFrame(f"its tensors have {total} bytes, and its payload {payload}")
    return specs


def _read_spec(entry: Any) -> Spec:
    if not (isinstance(entry, list) and len(entry) == 3 and isinstance(entry[0], str)):
        raise BadFrame(f"a tensor is not announced as [dtype, shape, bytes]: {entry!r:.80}")
    name, shape, nbytes = entry
    dtype = _DTYPES.get(name)
    if dtype is None:
        raise BadFrame(f"there is no dtype {name!r:.80}")
    sizes = (*shape, nbytes) if isinstance(shape, list) else (-1,)
    if len(sizes) > _MOST_DIMENSIONS + 1 or not all(
        type(size) is int and 0 <= size < 1 << 62 for size in sizes
    ):
        raise BadFrame(f"this is not a shape and a number of bytes: {entry[1:]!r:.80}")
    count = math.prod(shape)
    if (nbytes < 8 * count) if name == "string" else (nbytes != dtype.itemsize * count):
        raise BadFrame(f"{nbytes} bytes are not those of a {name} tensor of shape {shape!r:.80}")
    return Spec(dtype, tuple(shape), nbytes)


def room_for(specs: Sequence[Spec], given: Sequence[Array | None]) -> list[Array]:
    """The arrays to receive into: those given, where they fit, and new ones.

    A tensor of strings is received as it lies on the wire; see `finish`.

    Raises:
      BadFrame: if a shape is none that numpy can make.
      MemoryError: if there is not enough memory.
    """
    arrays: list[Array] = []
    for index, spec in enumerate(specs):
        array = given[index] if index < len(given) else None
        if spec.is_string:
            array = np.empty(spec.nbytes, np.uint8)
        elif array is None:
            try:
                array = np.empty(spec.shape, spec.dtype)
            except ValueError as error:
                raise BadFrame(f"shape {spec.shape}: {error}") from None
        elif not _fits(array, spec):
            raise ValueError(
                f"there is a {array.dtype} array of shape {array.shape} for tensor {index}, which "
                f"is {spec.dtype} of shape {spec.shape}"
            )
        arrays.append(array)
    return arrays


def _fits(array: Array, spec: Spec) -> bool:
    flags = array.flags
    same = array.dtype == spec.dtype and array.shape == spec.shape
    return same and flags.c_contiguous and flags.writeable


def buffers_of(arrays: Sequence[Array]) -> list[memoryview]:
    """The memory of the arrays, byte by byte."""
    return [array.reshape(-1).view(np.uint8).data for array in arrays if array.nbytes]


def finish(specs: Sequence[Spec], arrays: list[Array]) -> list[Array]:
    """The tensors, after their bytes have been received.

    Raises:
      BadFrame: if the lengths of strings do not add up.
    """
    return [_finish(spec, array) for spec, array in zip(specs, arrays)]


def _finish(spec: Spec, array: Array) -> Array:
    if spec.is_string:
        return _read_strings(spec, array)
    if array.dtype == np.bool_:
        octets = array.view(np.uint8)
        np.not_equal(octets, 0, out=array)  # numpy relies on a bool being 0 or 1
    return array


def _read_strings(spec: Spec, octets: Array) -> Array:
    count = math.prod(spec.shape)
    lengths = octets[: 8 * count].view(_LENGTH).tolist()
    content = octets[8 * count :].tobytes()
    if sum(lengths) != len(content):
        raise BadFrame(f"{count} strings have {len(content)} bytes, not {sum(lengths)}")
    texts = np.empty(count, np.object_)
    end = 0
    for index, length in enumerate(lengths):
        texts[index] = content[end : end + length]
        end += length
    try:
        return texts.reshape(spec.shape)
    except ValueError as error:
        raise BadFrame(f"shape {spec.shape}: {error}") from None
