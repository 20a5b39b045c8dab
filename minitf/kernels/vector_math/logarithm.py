"""With this module kernels can compute logarithms of single numbers, and what is made of them.

A number is split by a power of 2,

    x = 2**k (1 + f)        so that        log(x) = k log 2 + log(1 + f),    0.75 <= 1 + f < 1.5

which its bits nearly are already. A polynomial gives log(1 + f) = f + f**2 (-1/2 + f/3 - ...).
The terms are added by size, and what the first of these sums loses is put back (see
`exponential`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.kernels.jit import jit
from minitf.kernels.vector_math.exponential import decay, power_of_2
from minitf.kernels.vector_math.instructions import bits_of, fma, with_bits

_ZERO, _QUARTER, _HALF, _ONE = np.float32(0), np.float32(0.25), np.float32(0.5), np.float32(1)
_INF, _NAN = np.float32(np.inf), np.float32(np.nan)

# With so few bits that its product with k is exact; the tail is the rest.
_LOG_2 = np.float32(0.693145751953125)
_LOG_2_TAIL = np.float32(np.log(2) - float(_LOG_2))

_LEAST_FRACTION = np.float32(0.75)
_LEAST_BITS = np.int32(_LEAST_FRACTION.view(np.int32))

# What is less has fewer bits than others have, until it is multiplied by a power of 2.
_LEAST_NORMAL = np.float32(2**-126)
_FRACTION_BITS = np.int32(23)
_LIFT = np.float32(2**23)

# Below this log(1 + x) is x.
_TINY = np.float32(2**-25)

# Above this log(1 + exp(x)) is x.
_SOFTPLUS_MAX = np.float32(20)

# (log(1 + f) - f) / f**2 for 0.75 <= 1 + f < 1.5, within 2**-27 of log(1 + f); found as those of
# `exponential`.
_C0 = np.float32(-0.5)
_C1 = np.float32(0.3333345)
_C2 = np.float32(-0.2500011)
_C3 = np.float32(0.19990848)
_C4 = np.float32(-0.16646878)
_C5 = np.float32(0.1447763)
_C6 = np.float32(-0.13163938)
_C7 = np.float32(0.10472558)
_C8 = np.float32(-0.045152344)


@jit(inline="always")
def log_float32(x: Any) -> Any:
    """log(x)."""
    is_small = x < _LEAST_NORMAL
    bits = bits_of(x * _LIFT if is_small else x)
    k = np.int32(np.int32(bits - _LEAST_BITS) >> 23)
    f = with_bits(np.int32(bits - (k << 23))) - _ONE
    large, rest = log_in_parts(np.int32(k - _FRACTION_BITS) if is_small else k, f, _ZERO)
    return _with_limits(x, large + rest)


@jit(inline="always")
def log1p_float32(x: Any) -> Any:
    """log(1 + x), for small x too."""
    k = np.int32(np.int32(bits_of(_ONE + x) - _LEAST_BITS) >> 23)
    # f = 2**-k (1 + x) - 1, in which 1 + x is not rounded; 2**-128 would not do as a float32.
    power = power_of_2(2 - k)
    f = fma(power, _QUARTER * x, _QUARTER * power - _ONE)
    large, rest = log_in_parts(k, f, _ZERO)
    return x if abs(x) < _TINY else _with_limits(_ONE + x, large + rest)


@jit(inline="always")
def softplus_float32(x: Any) -> Any:
    """log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|))."""
    power, grown, tail = decay(x)
    small = power * grown
    k, scale = (np.int32(1), _HALF) if small > _HALF else (np.int32(0), _ONE)
    large, rest = log_in_parts(k, fma(scale, small, scale - _ONE), scale * power * tail)
    more = x if x > 0 else _ZERO
    total = more + large
    from_large = total - more
    lost = (more - (total - from_large)) + (large - from_large)
    return x if x > _SOFTPLUS_MAX else total + (rest + lost)


@jit(inline="always")
def log_in_parts(k: Any, f: Any, tail: Any) -> Any:
    """k log 2 + log(1 + f + tail) as two numbers to be added."""
    bend = fma(fma(fma(fma(_C8, f, _C7), f, _C6), f, _C5), f, _C4)
    bend = fma(fma(fma(fma(bend, f, _C3), f, _C2), f, _C1), f, _C0)
    n = np.float32(k)
    multiple = n * _LOG_2
    large = multiple + f
    lost = (multiple - large) + f
    rest = fma(n, _LOG_2_TAIL, lost) + fma(-f, tail, tail)
    return large, fma(f * f, bend, rest)


@jit(inline="always")
def _with_limits(x: Any, result: Any) -> Any:
    """The logarithm of x, or what takes its place where there is none."""
    result = result if x < _INF else x  # inf, or NaN
    return result if x > 0 else (-_INF if x == 0 else _NAN)
