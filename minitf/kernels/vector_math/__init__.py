"""With this package one can take exponentials, logarithms and their kin of large arrays, fast.

>>> import numpy as np
>>> from minitf.kernels import vector_math
>>> vector_math.sigmoid(np.linspace(-1, 1, 1000, dtype=np.float32))[::333].round(3)
array([0.269, 0.417, 0.583, 0.731], dtype=float32)

Each function is there twice. `exp_float32(x)` is arithmetic on a single float32, without a branch,
a table or a call, which becomes part of whatever kernel calls it: the compiler makes a loop over
numbers one over vectors. `exp(x)` is such a loop, over an array, shared among the cores.

Results have the same bits in any loop, with any number of threads, for vectors of any length and
for what is left over at the end: every operation is rounded as IEEE 754 has it, and the compiler
may not merge or reorder any. (In a kernel that is compiled with `fastmath` it may.) They are next
to the exact results. The largest errors that there are, found by trying all numbers:

    exp    0.870 ulp      log    0.915 ulp      tanh     0.921 ulp      softplus  1.016 ulp
    expm1  0.928 ulp      log1p  0.917 ulp      sigmoid  0.985 ulp      erf       0.991 ulp

(those of numpy's float32, on a sample: exp 2.2, log 3.1). Infinities, NaN, signs of zeros and
denormals come out as they should.

What is not float32, or has few elements, is numpy's: `applies` is the one place that decides. A
function that is given a symbol, an object with a method `__minitf_symbolic__`, calls
`x.__minitf_symbolic__(function, x)`; by `SCALAR` whoever wrote that finds what to compile.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minitf.kernels import jit
from minitf.kernels.parallel import parallel_ranges
from minitf.kernels.vector_math.error_function import erf_float32
from minitf.kernels.vector_math.exponential import (
    exp_float32,
    expm1_float32,
    sigmoid_float32,
    tanh_float32,
)
from minitf.kernels.vector_math.logarithm import log1p_float32, log_float32, softplus_float32
from minitf.kernels.workspace import into, output

# An array of fewer elements takes numpy less time than to get a kernel going.
LEAST_SIZE = 512

# So many elements, for which some ten microseconds are needed, are computed by one thread.
_LEAST_BLOCK = 1 << 15


def applies(dtype: np.dtype[Any], size: int) -> bool:
    """Whether arrays of a dtype, of so many elements, are computed here, and not by numpy.

    >>> applies(np.dtype(np.float64), 1000)
    False
    """
    return size >= LEAST_SIZE and dtype == np.float32 and jit.available()


def _vectorized(
    scalar: jit.Kernel[[Any], Any],
) -> Callable[[Callable[[Any], Any]], Callable[..., Any]]:
    """Has arrays be computed by a function of single numbers, where it `applies`.

    What is decorated is the function for all others.
    """

    def decorate(otherwise: Callable[[Any], Any]) -> Callable[..., Any]:
        name = f"_{otherwise.__name__}"
        elsewhere = _elementwise.specialize(name, function=scalar)
        in_place = _elementwise_in_place.specialize(name, function=scalar)

        @functools.wraps(otherwise)
        def run(x: Any, out: Any = None) -> Any:
            if not isinstance(x, np.ndarray):
                if hasattr(x, "__minitf_symbolic__"):
                    return x.__minitf_symbolic__(run, x)
            elif applies(x.dtype, x.size):
                result = output(out, x.shape, np.float32)
                if out is None or not np.may_share_memory(x, out):
                    source = x.reshape(-1)
                    source.setflags(write=False)  # one kind of array: one compilation
                    _in_blocks(elsewhere, source, result.reshape(-1))
                else:
                    result[...] = x
                    _in_blocks(in_place, result.reshape(-1))
                return result
            return into(out, otherwise(x))

        return run

    return decorate


def _in_blocks(kernel: jit.Kernel[..., None], *arrays: Any) -> None:
    """Calls a kernel for arrays of one size, on all cores if they are large."""
    size = arrays[0].size
    if size <= _LEAST_BLOCK:
        return kernel(*arrays)

    def block(start: int, stop: int) -> None:
        kernel(*(array[start:stop] for array in arrays))

    return parallel_ranges(size, block, work=1, least=_LEAST_BLOCK)


def function(x: Any) -> Any:
    """What `_elementwise` and `_elementwise_in_place` compute at each element."""
    return x


@jit.jit
def _elementwise(source: Any, target: Any) -> None:
    for i in range(source.size):
        target[i] = function(source[i])


@jit.jit
def _elementwise_in_place(numbers: Any) -> None:
    # Of two arrays that are the same one the compiler cannot tell that they do not overlap.
    for i in range(numbers.size):
        numbers[i] = function(numbers[i])


@_vectorized(exp_float32)
def exp(x: Any) -> Any:
    """The exponential `e ** x`, elementwise."""
    return np.exp(x)


@_vectorized(expm1_float32)
def expm1(x: Any) -> Any:
    """`exp(x) - 1`, exact for small x too, elementwise."""
    return np.expm1(x)


@_vectorized(log_float32)
def log(x: Any) -> Any:
    """The natural logarithm, elementwise: -inf at 0, and NaN below."""
    return np.log(x)


@_vectorized(log1p_float32)
def log1p(x: Any) -> Any:
    """`log(1 + x)`, exact for small x too, elementwise."""
    return np.log1p(x)


@_vectorized(tanh_float32)
def tanh(x: Any) -> Any:
    """The hyperbolic tangent, elementwise."""
    return np.tanh(x)


@_vectorized(sigmoid_float32)
def sigmoid(x: Any) -> Any:
    """The logistic function `1 / (1 + exp(-x))`, elementwise."""
    return 1 / (1 + np.exp(-x))


@_vectorized(softplus_float32)
def softplus(x: Any) -> Any:
    """`log(1 + exp(x))`, elementwise."""
    # exp of a negative number cannot overflow.
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


@_vectorized(erf_float32)
def erf(x: Any) -> Any:
    """The error function, elementwise."""
    numbers = np.asarray(x)
    found = [math.erf(number) for number in numbers.ravel().tolist()]
    return np.array(found, np.float64).reshape(numbers.shape).astype(numbers.dtype)


# What computes a function of this package, or of numpy, at a single float32.
SCALAR: dict[Callable[..., Any], jit.Kernel[[Any], Any]] = {
    np.exp: exp_float32,
    np.expm1: expm1_float32,
    np.log: log_float32,
    np.log1p: log1p_float32,
    np.tanh: tanh_float32,
    exp: exp_float32,
    expm1: expm1_float32,
    log: log_float32,
    log1p: log1p_float32,
    tanh: tanh_float32,
    sigmoid: sigmoid_float32,
    softplus: softplus_float32,
    erf: erf_float32,
}
