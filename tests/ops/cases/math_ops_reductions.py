"""Reductions, positions of extremes, running sums, sums of lists, ranges and counts."""

import math

import numpy as np
from hypothesis import strategies as st

import minitf as tf
from tests.ops.cases.math_ops_arrays import array
from tests.ops.op_case import Sample, case

F64 = (np.float64,)
REAL = (np.float32, np.float64, np.float16, np.int8, np.uint8, np.int32)
NUMBERS = (*REAL, np.complex64)


@st.composite
def reductions(draw, dtypes=NUMBERS, low=-3.0, high=3.0, least=0):
    """An array, axes (one number or a list, some counted from the end) and whether they stay."""
    shape = draw(st.lists(st.integers(least, 3), max_size=3))
    rank = len(shape)
    axes = draw(st.lists(st.integers(0, rank - 1), unique=True)) if rank else []
    axes = [axis - rank if draw(st.booleans()) else axis for axis in axes]
    index = draw(st.sampled_from((np.int32, np.int64)))
    packed = np.array(axes[0] if len(axes) == 1 and draw(st.booleans()) else axes, index)
    x = array(draw, shape, draw(st.sampled_from(dtypes)), low, high)
    return Sample([x, packed], {"keep_dims": draw(st.booleans())})


def by_loops(function):
    """The oracle of a reduction: a function of the list of the numbers that are reduced."""

    def oracle(input, reduction_indices, keep_dims):
        gone = {int(axis) % input.ndim for axis in np.ravel(reduction_indices)}
        kept = [1 if i in gone else d for i, d in enumerate(input.shape)]
        groups = {index: [] for index in np.ndindex(*kept)}
        for index in np.ndindex(*input.shape):
            place = tuple(0 if i in gone else j for i, j in enumerate(index))
            groups[place].append(input[index].item())
        wide = {"c": np.complex128, "f": np.float64, "i": object, "u": object, "b": np.bool_}
        result = np.empty(kept, wide[input.dtype.kind])
        for place, numbers in groups.items():
            result[place] = function(numbers, input.dtype)
        if input.dtype.kind in "iu":  # Python's integers are exact; keep the low bits
            result = np.asarray(result % 2**64, np.uint64)
        shape = kept if keep_dims else [d for i, d in enumerate(kept) if i not in gone]
        return result.astype(input.dtype).reshape(shape)

    return oracle


def truncated_mean(numbers, dtype):
    if dtype.kind in "iu":
        return int(sum(numbers) / len(numbers)) if numbers else 0
    return sum(numbers) / len(numbers) if numbers else math.nan


def limit(which, sign):
    """What an empty list is reduced to: the least (or the largest) of all."""

    def function(numbers, dtype):
        if numbers:
            return which(numbers)
        if dtype.kind == "f":
            return sign * math.inf
        info = np.iinfo(dtype)
        return info.max if sign > 0 else info.min

    return function


def reduction(op, function, samples, differentiated=None, **options):
    oracle = by_loops(function)
    if differentiated is None:
        case(op, samples, oracle, static=("reduction_indices",), **options)
    else:
        case(
            op,
            samples,
            oracle,
            static=("reduction_indices",),
            gradients=("input",),
            gradient_samples=differentiated,
            **options,
        )


reduction("Sum", lambda xs, _: sum(xs), reductions(), reductions(F64))
reduction("Mean", truncated_mean, reductions(), reductions(F64, least=1))
reduction("Prod", lambda xs, _: math.prod(xs), reductions(), reductions(F64, 0.5, 2.0))
reduction(
    "EuclideanNorm",
    lambda xs, dtype: math.sqrt(sum(abs(x) ** 2 for x in xs)),
    reductions((np.float32, np.float64, np.complex64)),
    reductions(F64, 0.5, 2.0, least=1),
)
reduction("All", lambda xs, _: all(xs), reductions((np.bool_,)))
reduction("Any", lambda xs, _: any(xs), reductions((np.bool_,)))


def all_different(sample):
    """Whether the largest and the smallest stay the same for small changes."""
    x = np.sort(sample.inputs[0].ravel())
    return bool((np.diff(x) > 1e-3).all())


for name, which, sign in (("Max", max, -1), ("Min", min, 1)):
    reduction(
        name,
        limit(which, sign),
        reductions(REAL),
        reductions(F64, least=1).filter(all_different),
    )

# ---- where the largest and the smallest are


@st.composite
def searches(draw, outputs):
    shape = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    x = array(draw, shape, draw(st.sampled_from((*REAL, np.bool_))))
    output_type = tf.as_dtype(draw(st.sampled_from(outputs)))
    return Sample([x, np.array(axis, np.int32)], {"output_type": output_type})


def position_of(which):
    def oracle(input, dimension, output_type):
        moved = np.moveaxis(input, int(dimension), -1)
        result = np.empty(moved.shape[:-1], output_type.as_numpy_dtype)
        for index in np.ndindex(*result.shape):
            numbers = moved[index].tolist()
            result[index] = numbers.index(which(numbers))
        return result

    return oracle


case("ArgMax", searches((np.int32, np.int64, np.int16)), position_of(max), static=("dimension",))
case("ArgMin", searches((np.int32, np.int64)), position_of(min), static=("dimension",))

# ---- running sums and products


@st.composite
def runs(draw, dtypes=NUMBERS, low=-3.0, high=3.0):
    shape = draw(st.lists(st.integers(0, 3), min_size=1, max_size=3))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    flags = {"exclusive": draw(st.booleans()), "reverse": draw(st.booleans())}
    x = array(draw, shape, draw(st.sampled_from(dtypes)), low, high)
    return Sample([x, np.array(axis, draw(st.sampled_from((np.int32, np.int64))))], flags)


def running(combine, first):
    def oracle(x, axis, exclusive, reverse):
        moved = np.moveaxis(x, int(axis), -1)
        result = np.empty(moved.shape, x.dtype)
        for index in np.ndindex(*moved.shape[:-1]):
            numbers, total = list(moved[index]), x.dtype.type(first)
            places = range(len(numbers))
            for place in reversed(places) if reverse else places:
                before = total
                total = combine(total, numbers[place])
                result[index][place] = before if exclusive else total
        return np.moveaxis(result, -1, int(axis))

    return oracle


case(
    "Cumsum",
    runs(),
    running(lambda a, b: a + b, 0),
    static=("axis",),
    gradients=("x",),
    gradient_samples=runs(F64),
)
case(
    "Cumprod",
    runs(),
    running(lambda a, b: a * b, 1),
    static=("axis",),
    gradients=("x",),
    gradient_samples=runs(F64, 0.5, 2.0),
)

# ---- sums of lists


@st.composite
def lists(draw, dtypes=NUMBERS):
    shape = draw(st.lists(st.integers(0, 3), max_size=3))
    dtype = draw(st.sampled_from(dtypes))
    return Sample([[array(draw, shape, dtype) for _ in range(draw(st.integers(1, 4)))]])


def total_of(inputs):
    result = np.zeros(inputs[0].shape, np.complex128)
    for x in inputs:
        result = result + x
    return (result if inputs[0].dtype.kind == "c" else result.real).astype(inputs[0].dtype)


case("AddN", lists(), total_of, gradients=("inputs",), gradient_samples=lists(F64))

# ---- ranges


@st.composite
def ranges(draw):
    dtype = draw(st.sampled_from((np.int32, np.int64, np.float32, np.float64)))
    quarter = 1 if np.dtype(dtype).kind == "i" else 0.25
    step = draw(st.integers(1, 9)) * draw(st.sampled_from((1, -1)))
    start, steps = draw(st.integers(-20, 20)), draw(st.integers(0, 30))
    limit_ = start + math.copysign(steps, step)
    return Sample([np.array(v * quarter, dtype) for v in (start, limit_, step)])


def counted(start, limit, delta):
    numbers, value = [], start.item()
    while (value < limit) if delta > 0 else (value > limit):
        numbers.append(value)
        value += delta.item()
    return np.array(numbers, start.dtype)


case("Range", ranges(), counted, static=("start", "limit", "delta"))


@st.composite
def spaces(draw):
    dtype = draw(st.sampled_from((np.float32, np.float64)))
    start, stop = (np.array(draw(st.integers(-9, 9)), dtype) for _ in range(2))
    return Sample([start, stop, np.array(draw(st.integers(0, 6)), np.int32)])


def spaced(start, stop, num):
    last = max(int(num) - 1, 1)
    numbers = [(start * (last - i) + stop * i) / last for i in range(int(num))]
    return np.array(numbers, start.dtype)


case("LinSpace", spaces(), spaced, static=("num",))

# ---- counts


@st.composite
def counts(draw, rows=False, index=np.int32):
    shape = draw(st.lists(st.integers(0, 4), min_size=1, max_size=2 if rows else 1))
    dtype = draw(st.sampled_from((np.int32, np.int64, np.float32, np.float64)))
    values = array(draw, shape, index, 0, 6)
    weighted = draw(st.booleans()) and values.size
    weights = array(draw, shape if weighted else [0], dtype)
    size = np.array(draw(st.integers(0, 8)), index)
    attrs = {"binary_output": draw(st.booleans()) and not weighted} if rows else {}
    return Sample([values, size, weights], attrs)


def occurrences(input, size, weights, binary_output=False):
    result = np.zeros((*input.shape[:-1], int(size)), weights.dtype)
    for index in np.ndindex(*input.shape):
        value = int(input[index])
        if value < size:
            place = (*index[:-1], value)
            if binary_output:
                result[place] = 1
            else:
                result[place] += weights[index] if weights.size else 1
    return result


case("DenseBincount", counts(rows=True), occurrences, static=("size",))
case("DenseBincount", counts(rows=True, index=np.int64), occurrences, static=("size",))
case(
    "Bincount",
    counts(),
    lambda arr, size, weights: occurrences(arr, size, weights),
    static=("size",),
)
