"""Reductions of the rows that carry the same number."""

import math

import numpy as np
from hypothesis import strategies as st

from tests.ops.cases.math_ops_arrays import array
from tests.ops.op_case import Sample, case

F64 = (np.float64,)
REAL = (np.float32, np.float64, np.int32, np.uint8)
NUMBERS = (*REAL, np.complex64)


@st.composite
def sorted_rows(draw, dtypes=NUMBERS, low=-3.0, high=3.0):
    """Rows, and a number for each that is not less than the one before."""
    count = draw(st.integers(0, 5))
    index = draw(st.sampled_from((np.int32, np.int64)))
    ids = np.array(sorted(draw(st.integers(0, 4)) for _ in range(count)), index)
    shape = [count, *draw(st.lists(st.integers(0, 3), max_size=2))]
    return Sample([array(draw, shape, draw(st.sampled_from(dtypes)), low, high), ids])


@st.composite
def unsorted_rows(draw, dtypes=NUMBERS, low=-3.0, high=3.0):
    """Rows under one or two leading axes, numbers for them (some negative), how many there are."""
    leading = draw(st.lists(st.integers(0, 3), max_size=2))
    index = draw(st.sampled_from((np.int32, np.int64)))
    ids = array(draw, leading, index, -1, 3)
    shape = [*leading, *draw(st.lists(st.integers(0, 3), max_size=1))]
    data = array(draw, shape, draw(st.sampled_from(dtypes)), low, high)
    return Sample([data, ids, np.array(4, np.int32)])


def by_segment(function, empty):
    """The oracle: a function of the list of a segment's numbers, at each place of a row."""

    def oracle(data, segment_ids, num_segments=None):
        if num_segments is None:
            num_segments = int(segment_ids[-1]) + 1 if segment_ids.size else 0
        rest = data.shape[segment_ids.ndim :]
        result = np.empty((int(num_segments), *rest), data.dtype)
        for place in np.ndindex(*result.shape):
            numbers = [
                data[row + place[1:]].item()
                for row in np.ndindex(*segment_ids.shape)
                if segment_ids[row] == place[0]
            ]
            value = function(numbers) if numbers else empty(data.dtype)
            wraps = data.dtype.kind in "iu" and numbers
            result[place] = np.array(value, np.int64).astype(data.dtype) if wraps else value
        return result

    return oracle


def zero(dtype):
    return 0


def one(dtype):
    return 1


def least(dtype):
    return np.finfo(dtype).min if dtype.kind == "f" else np.iinfo(dtype).min


def largest(dtype):
    return np.finfo(dtype).max if dtype.kind == "f" else np.iinfo(dtype).max


def mean(numbers):
    result = sum(numbers) / len(numbers)
    return int(result) if isinstance(numbers[0], int) else result


@st.composite
def rows_of_all(draw):
    """Unsorted rows such that no segment is empty, which would hold the largest of all numbers."""
    extra = draw(st.lists(st.integers(-1, 3), max_size=3))
    ids = np.array(draw(st.permutations([0, 1, 2, 3, *extra])), np.int32)
    data = array(draw, [len(ids), draw(st.integers(0, 2))], np.float64)
    return Sample([data, ids, np.array(4, np.int32)])


def all_different(sample):
    """Whether the largest and the smallest stay the same for small changes."""
    return bool((np.diff(np.sort(sample.inputs[0].ravel())) > 1e-3).all())


for name, function, empty, dtypes, differentiated in [
    ("SegmentSum", sum, zero, NUMBERS, sorted_rows(F64)),
    ("SegmentMean", mean, zero, NUMBERS, sorted_rows(F64)),
    ("SegmentProd", math.prod, one, NUMBERS, sorted_rows(F64, 0.5, 2.0)),
    ("SegmentMax", max, zero, REAL, sorted_rows(F64).filter(all_different)),
    ("SegmentMin", min, zero, REAL, sorted_rows(F64).filter(all_different)),
]:
    case(
        name,
        sorted_rows(dtypes),
        by_segment(function, empty),
        static=("segment_ids",),
        gradients=("data",),
        gradient_samples=differentiated,
    )

for name, function, empty, dtypes, differentiated in [
    ("UnsortedSegmentSum", sum, zero, NUMBERS, unsorted_rows(F64)),
    ("UnsortedSegmentProd", math.prod, one, NUMBERS, unsorted_rows(F64, 0.5, 2.0)),
    ("UnsortedSegmentMax", max, least, REAL, rows_of_all().filter(all_different)),
    ("UnsortedSegmentMin", min, largest, REAL, rows_of_all().filter(all_different)),
]:
    case(
        name,
        unsorted_rows(dtypes),
        by_segment(function, empty),
        static=("num_segments",),
        gradients=("data",),
        gradient_samples=differentiated,
    )
