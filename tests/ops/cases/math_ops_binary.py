"""Elementwise functions of two numbers, which broadcast, and conversions between dtypes."""

import math

import numpy as np
from hypothesis import strategies as st

import minitf as tf
from tests.ops.cases.math_ops_arrays import (
    INEXACT,
    INTEGERS,
    NUMBERS,
    SHAPES,
    apart,
    array,
    away_from,
    binary,
    each,
    same_shape,
)
from tests.ops.op_case import Sample, case

F64 = (np.float64,)
REAL = (np.float32, np.float64, np.float16, np.int8, np.uint8, np.int32, np.int64)


def with_gradients(op, samples, oracle, differentiated, **options):
    """A case of a function that can be differentiated by both inputs."""
    names = options.pop("names", ("x", "y"))
    case(op, samples, oracle, gradients=names, gradient_samples=differentiated, **options)


# ---- arithmetic

for name, function in [
    ("AddV2", lambda x, y: x + y),
    ("Sub", lambda x, y: x - y),
    ("Mul", lambda x, y: x * y),
]:
    with_gradients(name, binary(), each(function), binary(F64))


@st.composite
def whole_range(draw):
    """Integers from the whole range of their dtype, so that results wrap around as in C."""
    dtype, shape = draw(st.sampled_from((np.int8, np.uint8, np.int32))), draw(SHAPES)
    info = np.iinfo(dtype)
    return Sample([array(draw, shape, dtype, info.min, info.max) for _ in range(2)])


for name, function in [
    ("AddV2", lambda x, y: x + y),
    ("Sub", lambda x, y: x - y),
    ("Mul", lambda x, y: x * y),
]:
    case(name, whole_range(), each(function))


@st.composite
def texts(draw):
    """Two arrays of strings."""
    shape = draw(st.lists(st.integers(0, 3), max_size=2))
    words = st.binary(max_size=3)
    arrays = []
    for _ in range(2):
        text = np.empty(shape, object)
        for index in np.ndindex(*shape):
            text[index] = draw(words)
        arrays.append(text)
    return Sample(arrays)


def added(x, y, **_):
    return each(lambda a, b: a + b)(x, y)


with_gradients("Add", binary((np.float32, np.int32, np.uint8)), added, binary(F64))
case("Add", texts(), lambda x, y: np.array(x + y, object))

nonzero = (0.4, 3.0)
with_gradients(
    "RealDiv",
    binary(INEXACT, second=nonzero),
    each(lambda x, y: x / y),
    binary(F64, second=nonzero),
)


def quotient_or_zero(x, y):
    return x / y if y else 0


with_gradients(
    "DivNoNan", binary(INEXACT), each(quotient_or_zero), away_from(binary(F64), 0, distance=0.3)
)
with_gradients(
    "SquaredDifference",
    binary((np.float32, np.float64, np.int32, np.complex64)),
    each(lambda x, y: (x - y) * (x - y).conjugate()),
    binary(F64),
)


def times(x, y):
    return x * y if y else 0


with_gradients("MulNoNan", binary(INEXACT), each(times), binary(F64))
with_gradients(
    "Xlogy",
    binary(INEXACT[:2], second=nonzero),
    each(lambda x, y: x * math.log(y) if x else 0),
    away_from(binary(F64, second=nonzero), 0),
)
with_gradients(
    "Xdivy",
    binary(INEXACT[:2], second=nonzero),
    each(lambda x, y: x / y if x else 0),
    away_from(binary(F64, second=nonzero), 0),
)

# ---- division with a remainder


def no_zero_divisor(samples):
    def change(sample):
        divisor = sample.inputs[1]
        divisor[divisor == 0] = 2
        return sample

    return samples.map(change)


def far_from_jumps(samples):
    """Samples whose quotients are not near whole numbers, where quotients jump."""

    def far(sample):
        ratio = np.divide(*np.broadcast_arrays(*sample.inputs))
        return bool((np.abs(ratio - np.round(ratio)) > 0.02).all())

    return samples.filter(far)


def c_quotient(x, y):
    if isinstance(x, int):
        return abs(x) // abs(y) * (1 if (x < 0) == (y < 0) else -1)
    return float(math.trunc(x / y))


whole = no_zero_divisor(binary((*INTEGERS, np.float32, np.float64), -20, 20))
fractions = far_from_jumps(binary(F64, -9, 9, second=(0.4, 4.0)))
case("FloorDiv", whole, each(lambda x, y: x // y if isinstance(x, int) else math.floor(x / y)))
case("TruncateDiv", whole, each(c_quotient))
with_gradients("FloorMod", whole, each(lambda x, y: x % y), fractions)
c_dtypes = no_zero_divisor(binary((np.int32, np.int64, np.float32, np.float64), -20, 20))
for name in ("TruncateMod", "Mod"):
    with_gradients(name, c_dtypes, each(lambda x, y: math.fmod(x, y)), fractions)
with_gradients(
    "Div",
    whole,
    each(lambda x, y: c_quotient(x, y) if isinstance(x, int) else x / y),
    binary(F64, second=nonzero),
)

# ---- powers and angles


def powers():
    """A positive number to any power, and integers to powers that are not negative."""
    real = binary((np.float32, np.float64, np.complex128), 0.3, 2.5, second=(-2.0, 2.0))
    integers = binary((np.int32, np.int64), -4, 4, second=(0, 4))
    return st.one_of(real, integers)


with_gradients("Pow", powers(), each(lambda x, y: x**y), binary(F64, 0.3, 2.5, second=(-2.0, 2.0)))
with_gradients(
    "Atan2",
    binary((np.float32, np.float64), second=nonzero),
    each(math.atan2),
    binary(F64, second=nonzero),
    names=("y", "x"),
)

# ---- the larger and the smaller, comparisons

with_gradients("Maximum", binary(REAL), each(max), apart(binary(F64)))
with_gradients("Minimum", binary(REAL), each(min), apart(binary(F64)))

for name, function in [
    ("Less", lambda x, y: x < y),
    ("LessEqual", lambda x, y: x <= y),
    ("Greater", lambda x, y: x > y),
    ("GreaterEqual", lambda x, y: x >= y),
]:
    case(name, binary(REAL), each(function, np.bool_))

ANYTHING = (*NUMBERS, np.bool_)
case("Equal", binary(ANYTHING, -1, 1), each(lambda x, y: x == y, np.bool_))
case("NotEqual", binary(ANYTHING, -1, 1), each(lambda x, y: x != y, np.bool_))
case("Equal", texts(), lambda x, y: np.array(x == y, np.bool_))
case("NotEqual", texts(), lambda x, y: np.array(x != y, np.bool_))


def with_tolerance(sample):
    sample.attrs["tolerance"] = 0.5
    return sample


case(
    "ApproximateEqual",
    same_shape((np.float32, np.float64, np.int32, np.uint8, np.complex64)).map(with_tolerance),
    each(lambda x, y, tolerance: abs(x - y) < tolerance, np.bool_),
)
case("LogicalAnd", binary((np.bool_,)), each(lambda x, y: x and y))
case("LogicalOr", binary((np.bool_,)), each(lambda x, y: x or y))
case("BitwiseAnd", binary(INTEGERS, -100, 100), each(lambda x, y: x & y))
case("BitwiseOr", binary(INTEGERS, -100, 100), each(lambda x, y: x | y))
case("BitwiseXor", binary(INTEGERS, -100, 100), each(lambda x, y: x ^ y))

# ---- Cast


@st.composite
def casts(draw, source=None):
    sources = (np.float32, np.float64, np.int32, np.int8, np.bool_, np.complex64)
    targets = (np.float32, np.float16, np.int32, np.int64, np.bool_, np.complex128)
    dtype = source or draw(st.sampled_from(sources))
    target = source or draw(st.sampled_from(targets))
    return Sample([array(draw, draw(SHAPES), dtype, -9, 9)], {"DstT": tf.as_dtype(target)})


def converted(x, DstT):
    def one(value):
        kind = np.dtype(DstT.as_numpy_dtype).kind
        if isinstance(value, complex) and kind not in "cb":
            value = value.real
        return {"b": bool, "i": int, "f": float, "c": complex}[kind](value)

    return each(one, DstT.as_numpy_dtype)(x)


case("Cast", casts(), converted, gradients=("x",), gradient_samples=casts(np.float64))

# ---- ClipByValue


@st.composite
def ranges(draw, dtypes):
    """A tensor, and limits that broadcast to its shape, the first below the second."""
    dtype, shape = draw(st.sampled_from(dtypes)), draw(SHAPES)
    limits = shape if draw(st.booleans()) else []
    low = array(draw, limits, dtype, -2.0, -0.5)
    high = array(draw, limits, dtype, 0.5, 2.0)
    return Sample([array(draw, shape, dtype), low, high])


def clear_of_limits(sample):
    x, low, high = np.broadcast_arrays(*sample.inputs)
    return bool((np.abs(x - low) > 0.02).all() and (np.abs(x - high) > 0.02).all())


case(
    "ClipByValue",
    ranges((np.float32, np.float64, np.int32)),
    each(lambda x, low, high: max(min(x, high), low)),
    gradients=("t", "clip_value_min", "clip_value_max"),
    gradient_samples=ranges(F64).filter(clear_of_limits),
)
