"""With this module kernels can compute the error function of single numbers.

Up to 1 it is x times a polynomial in x**2. Beyond, where it nears 1, a polynomial gives the
logarithm of what it lacks.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.kernels.jit import jit
from minitf.kernels.vector_math.exponential import decay
from minitf.kernels.vector_math.instructions import fma, with_sign

_ONE = np.float32(1)

# Where the result is 1 from.
_MAX = np.float32(4)

# erf(x) / x - 1 as a polynomial in x**2, for x up to 1, within 2**-29 of erf(x);
# these and the next were found as those of `exponential`.
_C0 = np.float32(0.12837917)
_C1 = np.float32(-0.3761263)
_C2 = np.float32(0.11283618)
_C3 = np.float32(-0.026855126)
_C4 = np.float32(0.005190734)
_C5 = np.float32(-0.00080307614)
_C6 = np.float32(7.920368e-05)

# How far log(1 - erf(x)) has fallen from x = 1 on, by x - 1, for x up to 4: so that the error in
# erf(x) is within 2**-29.
_FROM_1 = np.float32(0.15729920705028513)  # 1 - erf(1)
_D0 = np.float32(2.638967)
_D1 = np.float32(0.84311664)
_D2 = np.float32(0.041505318)
_D3 = np.float32(-0.009895882)
_D4 = np.float32(0.0018279641)
_D5 = np.float32(-0.00018557758)


@jit(inline="always")
def erf_float32(x: Any) -> Any:
    """The error function of x."""
    size = abs(x)
    size = _MAX if size > _MAX else size
    square = size * size
    near = fma(fma(fma(fma(_C6, square, _C5), square, _C4), square, _C3), square, _C2)
    near = fma(fma(near, square, _C1), square, _C0)
    beyond = size - _ONE
    fall = fma(fma(fma(_D5, beyond, _D4), beyond, _D3), beyond, _D2)
    fall = fma(fma(fall, beyond, _D1), beyond, _D0) * beyond
    power, grown, _ = decay(fall)
    far = fma(power * grown, -_FROM_1, _ONE)
    return with_sign(far if beyond > 0 else fma(near, size, size), x)
