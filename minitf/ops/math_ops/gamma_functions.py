"""With this module one can take the gamma function's family of one number, in double precision.

All of them come from one idea: far from the origin an asymptotic series is exact to the last bit
after a few terms, and a recurrence, `f(x)` from `f(x + 1)`, carries a small argument there.
"""

from __future__ import annotations

import math

# The Bernoulli numbers B2, B4, ..., which all of these series are made of.
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)
_FAR = 16.0


def lgamma_of(x: float) -> float:
    """log |gamma(x)|; inf at the poles."""
    try:
        return math.lgamma(x)
    except (ValueError, OverflowError):  # a pole, or a result that is too large
        return math.inf


def digamma_of(x: float) -> float:
    """The derivative of log gamma; nan at the poles and where no limit exists."""
    if x <= 0:
        if x == math.floor(x) or math.isinf(x):
            return math.nan
        # Reflection: digamma(1 - x) - digamma(x) = pi / tan(pi x).
        return digamma_of(1 - x) - math.pi / math.tan(math.pi * math.fmod(x, 1.0))
    if math.isinf(x):
        return x
    shift = 0.0
    while x < _FAR:
        shift -= 1 / x
        x += 1
    square = 1 / (x * x)
    series, power = 0.0, 1.0
    for k, b in enumerate(_BERNOULLI, 1):
        power *= square
        series += b / (2 * k) * power
    return shift + math.log(x) - 0.5 / x - series


def polygamma_of(n: float, x: float) -> float:
    """The n-th derivative of digamma."""
    if n < 0 or n != math.floor(n):
        return math.nan
    if n == 0:
        return digamma_of(x)
    sign = 1 if n % 2 else -1
    return sign * math.gamma(n + 1) * hurwitz_zeta(n + 1, x)


def hurwitz_zeta(s: float, x: float) -> float:
    """The sum of `(x + k) ** -s` over k = 0, 1, ..., for a whole s > 1 (Euler and Maclaurin)."""
    if math.isnan(x) or x == -math.inf:
        return math.nan
    total = 0.0
    while x < _FAR:
        if x == 0:
            return math.inf
        total += x**-s
        x += 1
    tail = x ** (1 - s) / (s - 1) + 0.5 * x**-s
    factor = s
    for k, b in enumerate(_BERNOULLI, 1):
        tail += b / math.factorial(2 * k) * factor * x ** (1 - s - 2 * k)
        factor *= (s + 2 * k - 1) * (s + 2 * k)
    return float(total + tail)
