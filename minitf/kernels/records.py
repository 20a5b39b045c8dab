"""With this module compiled code that is given addresses sees arrays there, and numbers with names.

>>> import numpy as np
>>> from minitf.kernels.jit import jit
>>> from minitf.kernels.workspace import address
>>> SIZES = fields("rows", "columns")
>>> @jit
... def first_row(sizes_, numbers_):
...     sizes = record_at(sizes_, SIZES)
...     numbers = array_at(numbers_, (sizes.rows, sizes.columns), np.float32)
...     return numbers[0].sum()
>>> sizes, numbers = record(SIZES, rows=2, columns=3), np.ones((2, 3), np.float32)
>>> float(first_row(address(sizes), address(numbers))) if available() else 3.0
3.0
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from minitf.kernels.jit import available as available
from minitf.kernels.jit import remember_source


def fields(*names: str) -> np.dtype[Any]:
    """The dtype of a record of integers with these names."""
    return np.dtype([(name, np.int64) for name in names])


def record(dtype: np.dtype[Any], **values: int) -> npt.NDArray[Any]:
    """A record, for compiled code to see by its address.

    Raises:
      TypeError: if there is not one value for each field.
    """
    names = dtype.names or ()
    if set(names) != set(values):
        raise TypeError(f"the fields are {names}, got {tuple(values)}")
    made = np.zeros(1, dtype)
    for name, value in values.items():
        made[name] = value
    return made


class _View:
    """A function of compiled code only, which Numba's own `carray` makes."""

    def __init__(self, name: str, make: Callable[..., Any]) -> None:
        self.__name__ = name
        self._make = make
        self._compiled: Any = None
        remember_source(__name__)

    def __call__(self, *args: Any) -> Any:
        raise TypeError(f"{self.__name__} can be called by compiled kernels only")

    def compile_for_numba(self) -> Any:
        """What stands for this function inside a kernel."""
        if self._compiled is None:
            numba = importlib.import_module("numba")
            carray, pointer = numba.carray, _pointer(numba)
            self._compiled = numba.njit(self._make(carray, pointer), inline="always")
        return self._compiled

    def sources(self) -> Iterator[str]:
        """The modules that decide what it does."""
        yield __name__


def _pointer(numba: Any) -> Any:
    extending = importlib.import_module("numba.extending")
    types = numba.types

    def pointer(typing_context: Any, address: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            return builder.inttoptr(values[0], context.get_value_type(types.voidptr))

        return types.voidptr(types.intp), generate

    return extending.intrinsic(pointer)


# `array_at(address, shape, dtype)`: the contiguous array that begins at an address.
array_at = _View(
    "array_at",
    lambda carray, pointer: lambda address, shape, dtype: carray(pointer(address), shape, dtype),
)

# `record_at(address, dtype)`: the record there.
record_at = _View(
    "record_at",
    lambda carray, pointer: lambda address, dtype: carray(pointer(address), 1, dtype)[0],
)
