"""Arrays to try the maths on, and functions of Python numbers as statements of what is right."""

import math

import numpy as np
from hypothesis import strategies as st

from tests.ops.op_case import Sample

FLOATS = (np.float32, np.float64, np.float16)
INEXACT = (np.float32, np.float64, np.complex64, np.complex128)
SIGNED = (np.float32, np.float64, np.int8, np.int32, np.int64)
INTEGERS = (np.int8, np.uint8, np.int32, np.int64)
NUMBERS = (np.float32, np.float64, np.float16, np.int8, np.uint8, np.int32, np.complex64)
SHAPES = st.lists(st.integers(0, 3), max_size=3)


def array(draw, shape, dtype, low=-3.0, high=3.0):
    """Random numbers between two limits; among them, now and then, equal ones and whole ones."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return np.asarray(rng.random(shape) < 0.6)
    if dtype.kind in "iu":
        low = 0 if dtype.kind == "u" and low < 0 else math.ceil(low)
        return np.asarray(rng.integers(low, math.floor(high), shape, dtype, endpoint=True))
    values = rng.uniform(low, high, shape)
    if draw(st.integers(0, 3)) == 0:
        values = np.clip(np.round(values), low, high)
    if dtype.kind == "c":
        values = values + 1j * rng.uniform(low, high, shape)
    return np.asarray(values, dtype)


@st.composite
def unary(draw, dtypes=FLOATS, low=-3.0, high=3.0, shapes=SHAPES):
    """One array."""
    dtype = draw(st.sampled_from(dtypes))
    return Sample([array(draw, draw(shapes), dtype, low, high)])


def broadcast_shape(draw, shape):
    """A shape that broadcasts to another one: leading axes left out, some of size 1."""
    kept = shape[draw(st.integers(0, len(shape))) :] if shape else []
    return [1 if draw(st.integers(0, 2)) == 0 else d for d in kept]


@st.composite
def binary(draw, dtypes=NUMBERS, low=-3.0, high=3.0, second=None, count=2):
    """Arrays of one dtype that broadcast; the second may have limits of its own."""
    dtype = draw(st.sampled_from(dtypes))
    shape = draw(SHAPES)
    shapes = [broadcast_shape(draw, shape) for _ in range(count)]
    shapes[draw(st.integers(0, count - 1))] = shape
    limits = [(low, high), *[second or (low, high)] * (count - 1)]
    return Sample([array(draw, s, dtype, *limit) for s, limit in zip(shapes, limits, strict=True)])


@st.composite
def same_shape(draw, dtypes=FLOATS, first=(-3.0, 3.0), second=(-3.0, 3.0)):
    """Two arrays of one dtype and one shape."""
    dtype, shape = draw(st.sampled_from(dtypes)), draw(SHAPES)
    return Sample([array(draw, shape, dtype, *first), array(draw, shape, dtype, *second)])


def each(function, result=None):
    """The oracle of an elementwise op: a function of Python numbers, element by element."""

    def oracle(*arrays, **attrs):
        spread = np.broadcast_arrays(*arrays)
        values = [
            function(*numbers, **attrs)
            for numbers in zip(*(a.ravel().tolist() for a in spread), strict=True)
        ]
        dtype = np.dtype(result or arrays[0].dtype)
        wide = {"c": np.complex128, "f": np.float64, "i": np.int64, "u": np.int64}
        flat = np.array(values, wide.get(dtype.kind, dtype))
        return flat.reshape(spread[0].shape).astype(dtype)

    return oracle


def apart(samples, distance=0.05):
    """Samples of which no two inputs meet, so that maxima and comparisons are smooth there."""

    def far(sample):
        first, second = np.broadcast_arrays(*sample.inputs[:2])
        return bool((np.abs(first - second) > distance).all())

    return samples.filter(far)


def away_from(samples, *points, distance=0.05):
    """Samples whose elements are not near some points, where a function is not smooth."""

    def far(sample):
        return all(
            (np.abs(np.asarray(x) - p) > distance).all() for x in sample.inputs for p in points
        )

    return samples.filter(far)
