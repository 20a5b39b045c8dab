"""What the cases of the array ops draw: arrays of few small dims, of any dtype."""

import math

import numpy as np
from hypothesis import strategies as st

NUMBERS = (np.float32, np.float64, np.int32, np.int64, np.uint8, np.complex64)
ANY = (*NUMBERS, np.bool_, np.float16, np.object_)


def shapes(least=0, most=3, sizes=(0, 1, 2, 3)):
    """Shapes, as lists: dims of size 0 and 1 are as likely as others."""
    return st.lists(st.sampled_from(sizes), min_size=least, max_size=most)


def filled(draw, shape, dtype):
    """An array of small numbers, bools, or (for object) bytes."""
    size = math.prod(shape)
    numbers = draw(st.lists(st.integers(-4, 9), min_size=size, max_size=size))
    array = np.array(numbers, np.int64)
    if dtype is np.object_:
        array = np.array([b"%d" % n for n in numbers], object)
    elif dtype is np.complex64:
        array = array + 1j * array[::-1]
    elif dtype is np.float64:
        array = array + draw(st.floats(-0.5, 0.5)) * np.arange(size)
    return array.astype(dtype).reshape(shape)


@st.composite
def arrays(draw, dtypes=ANY, shape=None, **limits):
    """Arrays of one of the dtypes; of a given shape, or see `shapes`."""
    dims = draw(shapes(**limits)) if shape is None else shape
    return filled(draw, dims, draw(st.sampled_from(dtypes)))


def axes(rank):
    """A dim of a tensor of this rank, counted from either end."""
    return st.integers(-rank, rank - 1)


def index_dtypes():
    return st.sampled_from([np.int32, np.int64])
