"""With this module kernels can compute exponentials of single numbers, and what is made of them.

All begin alike. A number is split by the nearest multiple of log 2,

    x = n log 2 + r        so that        exp(x) = 2**n exp(r),    |r| <= log(2) / 2

and for such r a short polynomial will do: exp(r) = 1 + r + r**2 (1/2 + r/6 + ...). To get 2**n is
no computation: n is put where a float32 has its exponent. Below, `power` is 2**n, and `growth` is
exp(r) - 1.

A result that were rounded once would be within 0.5 ulp; each sum of numbers of like size on the way
adds some of its own. Where that would be too much, what a sum has lost (its `tail`) is computed as
well, and put back at the end.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.kernels.jit import jit
from minitf.kernels.vector_math.instructions import bits_of, fma, with_bits, with_sign

_HALF, _ONE, _TWO = np.float32(0.5), np.float32(1), np.float32(2)
_2_TO_MINUS_24 = np.float32(2**-24)

_LOG2_E = np.float32(1 / np.log(2))
_LOG_2 = np.float32(np.log(2))
_LOG_2_TAIL = np.float32(np.log(2) - float(_LOG_2))

# Numbers of this size have no bits behind the point. To add it rounds to an integer, and leaves
# that in the lowest bits.
_ROUNDER = np.float32(3 << 22)
_ROUNDER_BITS = np.int32(_ROUNDER.view(np.int32))

# Where exp, expm1 and tanh reach their limits.
_EXP_MIN, _EXP_MAX = np.float32(-104), np.float32(89)
_EXPM1_MIN = np.float32(-20)
_TANH_MAX = np.float32(9.25)

# Below this exp(x) - 1 is x.
_TINY = np.float32(2**-25)

# (exp(r) - 1 - r) / r**2 for |r| <= log(2) / 2, within 2**-31 of what it contributes: least
# squares, weighted anew until all peaks of the error were equal, each coefficient then rounded and
# those after it fitted again.
_C0 = np.float32(0.5)
_C1 = np.float32(0.16666666)
_C2 = np.float32(0.041666493)
_C3 = np.float32(0.008333547)
_C4 = np.float32(0.0013932313)
_C5 = np.float32(0.00019760977)

# (tanh(x) / x - 1) / x**2 by x**2, for x up to 1, within 2**-27 of tanh(x).
_T0 = np.float32(-0.33333296)
_T1 = np.float32(0.13332346)
_T2 = np.float32(-0.053879846)
_T3 = np.float32(0.021486672)
_T4 = np.float32(-0.007945992)
_T5 = np.float32(0.0023011954)
_T6 = np.float32(-0.00035838148)


@jit(inline="always")
def exp_float32(x: Any) -> Any:
    """exp(x)."""
    n, r, tail = split(_clipped(x, _EXP_MIN, _EXP_MAX))
    r += tail
    # n is from -150 to 128: 2**n, which may be no float32, is two factors. The first is exact.
    half = np.int32(n >> 1)
    return fma(fma(bend(r), r, _ONE), r, _ONE) * power_of_2(half) * power_of_2(n - half)


@jit(inline="always")
def expm1_float32(x: Any) -> Any:
    """exp(x) - 1, for small x too."""
    n, r, tail = split(_clipped(x, _EXPM1_MIN, _EXP_MAX))
    # Half of the result is computed, as 2**128 is no float32: half (1 + growth) - 1 / 2.
    half = power_of_2(n - 1)
    start = half - _HALF
    result = fma(half, r, start)
    lost = fma(half, r, start - result) + ((half - start) - _HALF)
    result += fma(half, bent(r, tail), lost)
    return x if abs(x) < _TINY else result * _TWO


@jit(inline="always")
def tanh_float32(x: Any) -> Any:
    """tanh(x): a polynomial up to 1, and 1 - 2 / (exp(2 x) + 1) beyond."""
    size = abs(x)
    size = _TANH_MAX if size > _TANH_MAX else size
    square = size * size
    near = fma(fma(fma(fma(_T6, square, _T5), square, _T4), square, _T3), square, _T2)
    near = fma(fma(near, square, _T1), square, _T0) * square
    n, r, _ = split(_TWO * size)
    power = power_of_2(n)
    far = _ONE - _TWO / fma(power, fma(bend(r) * r, r, r), power + _ONE)
    return with_sign(far if size > _ONE else fma(near, size, size), x)


@jit(inline="always")
def sigmoid_float32(x: Any) -> Any:
    """1 / (1 + exp(-x)): exp(-|x|) / (1 + exp(-|x|)), or 1 less that."""
    power, grown, tail = decay(x)
    small = power * grown
    total = _ONE + small
    lost = (_ONE - total) + small
    result = power * quotient(grown, tail, total, fma(power, tail, lost))
    return _ONE - result if x > 0 else result


@jit(inline="always")
def decay(x: Any) -> Any:
    """exp(-|x|) as three numbers: power (grown + tail)."""
    low = -abs(x)
    n, r, tail = split(_EXP_MIN if low < _EXP_MIN else low)
    growth = r + bent(r, tail)
    grown = _ONE + growth
    return power_of_2(n + 24) * _2_TO_MINUS_24, grown, (_ONE - grown) + growth


@jit(inline="always")
def split(x: Any) -> Any:
    """n, r and the tail of r, with x = n log 2 + r."""
    shifted = fma(x, _LOG2_E, _ROUNDER)
    n = shifted - _ROUNDER
    return np.int32(bits_of(shifted) - _ROUNDER_BITS), fma(n, -_LOG_2, x), n * -_LOG_2_TAIL


@jit(inline="always")
def power_of_2(n: Any) -> Any:
    """2**n, for n from -126 to 127."""
    return with_bits(np.int32((n + 127) << 23))


@jit(inline="always")
def bend(r: Any) -> Any:
    """(exp(r) - 1 - r) / r**2."""
    return fma(fma(fma(fma(fma(_C5, r, _C4), r, _C3), r, _C2), r, _C1), r, _C0)


@jit(inline="always")
def bent(r: Any, tail: Any) -> Any:
    """exp(r + tail) - 1 - r."""
    return fma(r, fma(r, bend(r), tail), tail)


@jit(inline="always")
def quotient(a: Any, a_tail: Any, b: Any, b_tail: Any) -> Any:
    """(a + a_tail) / (b + b_tail)."""
    inverse = _ONE / b
    result = a * inverse
    left = fma(-result, b, a) + fma(-result, b_tail, a_tail)
    return fma(left, inverse, result)


@jit(inline="always")
def _clipped(x: Any, low: Any, high: Any) -> Any:
    """x between two limits. NaN, which is neither less nor greater, stays."""
    x = low if x < low else x
    return high if x > high else x
