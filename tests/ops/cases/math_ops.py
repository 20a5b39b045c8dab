"""Elementwise functions of one number."""

import cmath
import math

import numpy as np
from hypothesis import strategies as st

from tests.ops.cases.math_ops_arrays import (
    FLOATS,
    INEXACT,
    INTEGERS,
    SIGNED,
    array,
    away_from,
    each,
    same_shape,
    unary,
)
from tests.ops.op_case import Sample, case, tested_elsewhere

F64 = (np.float64,)
EULER_GAMMA = 0.5772156649015329
TERMS = 20000
NUMBERS = (*INEXACT, np.float16, np.int8, np.uint8, np.int32)
SIGNED_NUMBERS = (*SIGNED, np.complex64, np.complex128)


def either(name):
    """The function of that name in `math` or, for complex numbers, in `cmath`."""

    def function(x):
        return getattr(cmath if isinstance(x, complex) else math, name)(x)

    return each(function)


def smooth(op, oracle, dtypes=INEXACT, low=-3.0, high=3.0, edges=(), **options):
    """A case of a function with a gradient everywhere between two limits but at some edges."""
    samples, differentiated = unary(dtypes, low, high), unary(F64, low, high)
    for edge in edges:
        differentiated = away_from(differentiated, edge)
    (argument,) = options.pop("argument", ("x",))
    case(op, samples, oracle, gradients=(argument,), gradient_samples=differentiated, **options)


def step(op, oracle, dtypes=FLOATS, **options):
    """A case of a function without a gradient."""
    case(op, unary(dtypes, **options), oracle)


# ---- powers and exponentials

smooth("Neg", each(lambda x: -x), SIGNED_NUMBERS)
smooth("Square", each(lambda x: x * x), NUMBERS)
smooth("Sqrt", either("sqrt"), low=0.2, high=4.0)
smooth("Rsqrt", each(lambda x: 1 / x**0.5), low=0.2, high=4.0)
smooth("Reciprocal", each(lambda x: 1 / x), low=0.3, high=3.0)
smooth("Inv", each(lambda x: 1 / x), low=0.3, high=3.0)
smooth("Exp", either("exp"))
smooth("Expm1", each(lambda x: cmath.exp(x) - 1 if isinstance(x, complex) else math.expm1(x)))
smooth("Log", either("log"), low=0.2, high=4.0)
smooth(
    "Log1p",
    each(lambda x: cmath.log(1 + x) if isinstance(x, complex) else math.log1p(x)),
    low=-0.7,
    high=3.0,
)

# ---- trigonometry

for name, low, high in [
    ("Sin", -3.0, 3.0),
    ("Cos", -3.0, 3.0),
    ("Tan", -1.2, 1.2),
    ("Asin", -0.9, 0.9),
    ("Acos", -0.9, 0.9),
    ("Atan", -3.0, 3.0),
    ("Sinh", -3.0, 3.0),
    ("Cosh", -3.0, 3.0),
    ("Asinh", -3.0, 3.0),
    ("Acosh", 1.2, 4.0),
    ("Atanh", -0.9, 0.9),
    ("Tanh", -3.0, 3.0),
]:
    smooth(name, either(name.lower()), low=low, high=high)

smooth(
    "Sigmoid",
    each(lambda x: 1 / (1 + cmath.exp(-x)) if isinstance(x, complex) else 1 / (1 + math.exp(-x))),
)


# ---- the gradients of some of these, which are ops of their own


def conjugate(y):
    return y.conjugate()


for name, function in [
    ("SqrtGrad", lambda y, dy: dy * 0.5 / conjugate(y)),
    ("RsqrtGrad", lambda y, dy: -0.5 * dy * conjugate(y) ** 3),
    ("ReciprocalGrad", lambda y, dy: -dy * conjugate(y) ** 2),
    ("InvGrad", lambda y, dy: -dy * conjugate(y) ** 2),
    ("TanhGrad", lambda y, dy: dy * (1 - conjugate(y) ** 2)),
    ("SigmoidGrad", lambda y, dy: dy * conjugate(y) * (1 - conjugate(y))),
]:
    case(
        name,
        same_shape(INEXACT, first=(0.2, 2.0)),
        each(function),
        gradients=("y", "dy"),
        gradient_samples=same_shape(F64, first=(0.2, 2.0)),
    )


# ---- signs, rounding, kinds of numbers


def sign(x):
    return x / abs(x) if x else x


def half_to_even(x):
    if isinstance(x, complex):
        return complex(round(x.real), round(x.imag))
    return round(x)


smooth("Abs", each(abs), SIGNED, edges=(0,))
smooth("Sign", each(sign), SIGNED_NUMBERS, edges=(0,))
step("Floor", each(math.floor))
step("Ceil", each(math.ceil))
step("Rint", each(half_to_even))
step("Round", each(half_to_even), SIGNED)


def with_special_numbers(sample):
    """Every third element inf, every fourth -inf, every fifth nan."""
    (x,) = sample.inputs
    for spacing, value in ((3, np.inf), (4, -np.inf), (5, np.nan)):
        x.ravel()[::spacing] = value
    return sample


for name, function in [("IsNan", math.isnan), ("IsInf", math.isinf), ("IsFinite", math.isfinite)]:
    case(name, unary(FLOATS).map(with_special_numbers), each(function, np.bool_))
case("LogicalNot", unary((np.bool_,)), each(lambda x: not x))
case("Invert", unary(INTEGERS, -100, 100), each(lambda x: ~x))

# ---- complex numbers: their gradients are not differences of float64 numbers

for name in ("Complex", "Real", "Imag", "Conj", "ComplexAbs", "Angle"):
    tested_elsewhere(name, "tests/ops/test_complex_math.py::test_complex_function")

# ---- the error function and the gamma function's family


def erf(x):
    """Its integral, by Gauss and Legendre."""
    points, weights = np.polynomial.legendre.leggauss(60)
    t = (points + 1) * x / 2
    return x / math.sqrt(math.pi) * float(np.sum(weights * np.exp(-t * t)))


smooth("Erf", each(erf), FLOATS)
smooth("Erfc", each(lambda x: 1 - erf(x)), FLOATS)
smooth("Lgamma", each(lambda x: math.log(math.gamma(x))), FLOATS, low=0.2, high=6.0)


def digamma(x):
    """Its series, the sum of 1 / (k + 1) - 1 / (k + x), and the integral of what is left."""
    k = np.arange(TERMS)
    rest = math.log((TERMS - 0.5 + x) / (TERMS + 0.5))
    return float(np.sum(1 / (k + 1) - 1 / (k + x))) + rest - EULER_GAMMA


def polygamma(n, x):
    """Its series, the sum of (x + k) ** -(n + 1), and the integral of what is left."""
    n = int(n)
    terms = float(np.sum((np.arange(TERMS) + x) ** -(n + 1.0)))
    rest = (TERMS + x - 0.5) ** -n / n
    return (-1) ** (n + 1) * math.factorial(n) * (terms + rest)


@st.composite
def orders_and_points(draw, dtypes=(np.float32, np.float64)):
    dtype = draw(st.sampled_from(dtypes))
    shape = draw(st.lists(st.integers(0, 3), max_size=2))
    orders = np.array(draw(st.integers(1, 3)), dtype)
    return Sample([orders, array(draw, shape, dtype, 0.3, 5.0)])


smooth("Digamma", each(digamma), (np.float32, np.float64), low=0.3, high=6.0)
case(
    "Polygamma",
    orders_and_points(),
    each(polygamma),
    gradients=("x",),
    gradient_samples=orders_and_points(F64),
)
