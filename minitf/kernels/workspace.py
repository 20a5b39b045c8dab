"""With this module one can have scratch memory without asking the system for it each time.

A large new array costs more than the work on it: the system hands out each of its pages when it is
first touched. A kernel that needs room for a moment takes it from here; each thread has its own.
"""

from __future__ import annotations

import ctypes
import math
import sys
import threading
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt

# Bytes in a line of the cache, and in the longest vector.
_LINE = 64


class _Buffers(threading.local):
    def __init__(self) -> None:
        self.by_name: dict[str, npt.NDArray[np.uint8]] = {}


_buffers = _Buffers()


def workspace(name: str, shape: Sequence[int], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """An uninitialized array that is this thread's until the thread asks for `name` again.

    It begins where a line of the cache begins, so that no vector in it lies across two lines.

    >>> workspace("columns", (2, 3), "float32").shape
    (2, 3)
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    return _buffer(name, size)[:size].view(dtype).reshape(shape)


def scratch(name: str, size: int) -> npt.NDArray[np.uint8]:
    """At least so many bytes, which are this thread's until it asks for `name` again.

    As with `workspace`, there must be a name for them as long as they are used: what runs between
    two lines of Python, such as a signal's handler, may ask for more, and get others.
    """
    return _buffer(name, size)


def laid_out(*sizes: int) -> tuple[int, ...]:
    """Where pieces of memory begin that lie one after the other, on lines of the cache; their end.

    >>> laid_out(100, 64)
    (0, 128, 192)
    """
    return tuple(accumulate((-(-size // _LINE) * _LINE for size in sizes), initial=0))


def _buffer(name: str, size: int) -> npt.NDArray[np.uint8]:
    found = _buffers.by_name.get(name)
    if found is None or len(found) < size:
        room = np.empty(size + _LINE, np.uint8)
        begin = -address(room) % _LINE
        found = _buffers.by_name[name] = room[begin : begin + size]
    return found


def output(
    out: npt.NDArray[Any] | None, shape: Sequence[int], dtype: npt.DTypeLike
) -> npt.NDArray[Any]:
    """The array that a caller wants the result in, or a new one.

    Raises:
      ValueError: if `out` cannot hold the result.
    """
    if out is None:
        return np.empty(shape, dtype)
    if out.shape != tuple(shape) or out.dtype != dtype or not out.flags.c_contiguous:
        wanted = f"contiguous, of shape {tuple(shape)} and dtype {np.dtype(dtype)}"
        raise ValueError(f"out must be {wanted}, got shape {out.shape} and dtype {out.dtype}")
    return out


def into(out: npt.NDArray[Any] | None, result: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The result, where the caller wants it."""
    if out is None or result is out:
        return result
    output(out, result.shape, result.dtype)[...] = result
    return out


def contiguous(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The array, or a copy of it if its numbers do not lie one after the other."""
    flags = array.flags
    if flags.c_contiguous and flags.aligned:
        return array
    return np.require(array, requirements=["C", "A"])


def address(array: npt.NDArray[Any]) -> int:
    """Where an array's first number is, for kernels that take addresses.

    The array must be contiguous, and there must be a name for it until the kernel has returned.
    """
    where: int = array.__array_interface__["data"][0]
    return where


def _address_in_object(array: npt.NDArray[Any]) -> int:
    """`address` in a sixth of the time: numpy's arrays begin with it, after Python's own fields.

    NumPy promises that to those who write extensions in C.
    """
    where: int = _word_at(id(array) + _FIELDS).value
    return where


_FIELDS, _word_at = object.__basicsize__, ctypes.c_size_t.from_address

if sys.implementation.name == "cpython":
    _sample = np.zeros(2)
    if _address_in_object(_sample) == address(_sample):
        address = _address_in_object
