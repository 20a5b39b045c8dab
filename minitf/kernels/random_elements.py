"""With this module one can make numbers from random words: uniform, normal, shuffles, choices.

The words come from `minitf.kernels.philox`, four to a block: `words` has shape (4, blocks). A
function here that fills `out`, of shape (blocks, 4) or for 64-bit elements (blocks, 2), puts into
out[i] the elements that TensorFlow makes of words[:, i].

>>> words = np.array([[0], [2**21], [2**22], [2**23 + 2**21]], np.uint32)
>>> out = np.empty((1, 4), np.float32)
>>> uniform_float32(words, out)
>>> out
array([[0.  , 0.25, 0.5 , 0.25]], dtype=float32)
"""

from __future__ import annotations

import ctypes
import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from minitf.kernels.jit import jit

Array = npt.NDArray[Any]
Convert = Callable[..., None]

# Uniform. Every product below is exact, so that it does not matter in which precision it is made.

_MANTISSA_16, _ULP_16 = np.uint32(2**10 - 1), np.float32(2.0**-10)
_MANTISSA_32, _ULP_32 = np.uint32(2**23 - 1), np.float32(2.0**-23)
_UPPER_MANTISSA_64, _UPPER_ULP_64 = np.uint32(2**20 - 1), 2.0**-20
_ULP_64 = 2.0**-52
_TWO_32 = np.uint64(2**32)


def uniform_float16(words: Array, out: Array) -> None:
    out[:] = ((words & _MANTISSA_16) * _ULP_16).T  # not compiled: Numba knows no float16


def _put_numpy(values: Array, out: Array, j: int) -> None:
    out[:, j] = values


@jit(fallback=_put_numpy, inline="always")
def _put(values: Array, out: Array, j: int) -> None:
    # An assignment to out[:, j] would bring in, and compile, what its error message is made with.
    for i in range(len(values)):
        out[i, j] = values[i]


@jit(inline="always")
def uniform_float32(words: Array, out: Array) -> None:
    for j in range(4):
        _put((words[j] & _MANTISSA_32) * _ULP_32, out, j)


@jit
def uniform_float64(words: Array, out: Array) -> None:
    for j in range(2):
        upper = (words[2 * j] & _UPPER_MANTISSA_64) * _UPPER_ULP_64
        _put(upper + words[2 * j + 1] * _ULP_64, out, j)


@jit
def uniform_int32(words: Array, out: Array, low: Any, span: Any) -> None:
    for j in range(4):
        _put(words[j] % span + low, out, j)


@jit
def uniform_int64(words: Array, out: Array, low: Any, span: Any) -> None:
    for j in range(2):
        _put((words[2 * j] + words[2 * j + 1] * _TWO_32) % span + low, out, j)


# Box-Muller. The float32 angle is made in float64 and rounded once; all else stays in float32.

_TWO_PI = 2.0 * math.pi
_LEAST_UNIT_32, _LEAST_UNIT_64 = np.float32(1e-7), 1e-7
_MINUS_TWO_32 = np.float32(-2.0)


def _c_function(name: str) -> Any:
    """The C library's function of one float32; where there is none, Python's, then rounded."""
    try:
        library = ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None)
        function = getattr(library, name + "f")
    except (OSError, AttributeError):
        return getattr(math, name)
    function.argtypes, function.restype = [ctypes.c_float], ctypes.c_float
    return function


def elementwise(name: str, values: Array) -> Array:
    """log, sin, expm1 ... of each value, by the C library's function for its dtype."""
    function = _c_function(name) if values.dtype == np.float32 else getattr(math, name)
    results = map(function, values.reshape(-1).tolist())
    return np.fromiter(results, values.dtype, values.size).reshape(values.shape)


def _box_muller_numpy(units: Array, angles: Array, out: Array) -> None:
    radii = np.sqrt(units.dtype.type(-2) * elementwise("log", units))
    out[:, 0::2] = (radii * elementwise("sin", angles)).T
    out[:, 1::2] = (radii * elementwise("cos", angles)).T


def _normal_float32_numpy(words: Array, out: Array) -> None:
    uniform = np.empty_like(out)
    uniform_float32.py_func(words, uniform)
    angles = (_TWO_PI * uniform[:, 1::2].astype(np.float64)).astype(np.float32)
    _box_muller_numpy(np.maximum(uniform[:, 0::2], _LEAST_UNIT_32).T, angles.T, out)


def _normal_float64_numpy(words: Array, out: Array) -> None:
    uniform = np.empty_like(out)
    uniform_float64.py_func(words, uniform)
    angles = _TWO_PI * uniform[:, 1::2]
    _box_muller_numpy(np.maximum(uniform[:, 0::2], _LEAST_UNIT_64).T, angles.T, out)


@jit(fallback=_normal_float32_numpy)
def normal_float32(words: Array, out: Array) -> None:
    for i in range(len(out)):
        for j in (0, 2):
            unit = np.float32(words[j, i] & _MANTISSA_32) * _ULP_32
            angle_unit = np.float32(words[j + 1, i] & _MANTISSA_32) * _ULP_32
            angle = np.float32(_TWO_PI * np.float64(angle_unit))
            radius = math.sqrt(_MINUS_TWO_32 * math.log(max(unit, _LEAST_UNIT_32)))
            out[i, j] = math.sin(angle) * radius
            out[i, j + 1] = math.cos(angle) * radius


@jit(fallback=_normal_float64_numpy)
def normal_float64(words: Array, out: Array) -> None:
    uniform = np.empty((len(out), 2))
    uniform_float64(words, uniform)
    for i in range(len(out)):
        angle = _TWO_PI * uniform[i, 1]
        radius = math.sqrt(-2.0 * math.log(max(uniform[i, 0], _LEAST_UNIT_64)))
        out[i, 0] = math.sin(angle) * radius
        out[i, 1] = math.cos(angle) * radius


def normal_float16(words: Array, out: Array) -> None:
    normal = np.empty(out.shape, np.float32)
    normal_float32(words, normal)
    out[:] = normal


UNIFORM: dict[type[Any], Convert] = {
    np.float16: uniform_float16,
    np.float32: uniform_float32,
    np.float64: uniform_float64,
}
UNIFORM_INT: dict[type[Any], Convert] = {np.int32: uniform_int32, np.int64: uniform_int64}
NORMAL: dict[type[Any], Convert] = {
    np.float16: normal_float16,
    np.float32: normal_float32,
    np.float64: normal_float64,
}


@jit
def keep_inside(candidates: Array, rows: Array, kept: Array, out: Array) -> None:
    """Appends to row rows[i] of `out`, which has kept[i] elements, what is inside (-2, 2)."""
    for i in range(len(rows)):
        for j in range(candidates.shape[1]):
            if kept[i] < out.shape[1] and abs(candidates[i, j]) < 2:
                out[rows[i], kept[i]] = candidates[i, j]
                kept[i] += 1


@jit
def shuffle(words: Array, order: Array) -> None:
    last = len(order) - 1
    for i in range(last):
        j = i + words[i] % (len(order) - i)
        order[i], order[j] = order[j], order[i]


@jit
def exponentials(values: Array) -> None:
    """In place, by the C library also where numpy has a version of its own."""
    for i in range(len(values)):
        values[i] = math.exp(values[i])


@jit
def search(cumulated: Array, draws: Array, classes: Array) -> None:
    for row in range(len(draws)):
        weights = cumulated[row]
        classes[row] = np.searchsorted(weights, draws[row] * weights[-1], side="right")
