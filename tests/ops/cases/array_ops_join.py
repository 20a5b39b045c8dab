"""Joining and splitting: concat, stack, unstack, split."""

import numpy as np
from hypothesis import strategies as st

from tests.ops.cases.array_ops_arrays import ANY, arrays, axes, filled, index_dtypes, shapes
from tests.ops.op_case import Sample, case

FLOAT64 = (np.float64,)


@st.composite
def packs(draw, dtypes=ANY):
    shape, dtype = draw(shapes()), draw(st.sampled_from(dtypes))
    values = [filled(draw, shape, dtype) for _ in range(draw(st.integers(1, 3)))]
    return Sample([values], {"axis": draw(axes(len(shape) + 1))})


def pack(values, axis):
    axis %= values[0].ndim + 1
    dims = values[0].shape
    result = np.empty(dims[:axis] + (len(values),) + dims[axis:], values[0].dtype)
    for i, value in enumerate(values):
        for index in np.ndindex(*dims):
            result[index[:axis] + (i,) + index[axis:]] = value[index]
    return result


case("Pack", packs(), pack, gradients=("values",), gradient_samples=packs(FLOAT64))


@st.composite
def unpacks(draw, dtypes=ANY):
    shape = draw(shapes(least=1))
    axis = draw(axes(len(shape)))
    shape[axis] = max(shape[axis], 1)
    return Sample([draw(arrays(dtypes, shape=shape))], {"num": shape[axis], "axis": axis})


def unpack(value, num, axis):
    return [value[(slice(None),) * (axis % value.ndim) + (i,)] for i in range(num)]


case("Unpack", unpacks(), unpack, gradients=("value",), gradient_samples=unpacks(FLOAT64))


@st.composite
def concats(draw, dtypes=ANY):
    shape, dtype = draw(shapes(least=1)), draw(st.sampled_from(dtypes))
    axis = draw(axes(len(shape)))
    values = []
    for _ in range(draw(st.integers(2, 4))):
        shape[axis] = draw(st.integers(0, 3))
        values.append(filled(draw, shape, dtype))
    return Sample([values, np.array(axis, draw(index_dtypes()))])


def concat(values, axis):
    axis = int(axis) % values[0].ndim
    rows = [row for value in values for row in np.moveaxis(value, axis, 0)]
    shape = list(values[0].shape)
    shape[axis] = len(rows)
    if not rows:
        return np.empty(shape, values[0].dtype)
    return np.moveaxis(np.array(rows, values[0].dtype), 0, axis)


case(
    "ConcatV2",
    concats(),
    concat,
    static=("axis",),
    gradients=("values",),
    gradient_samples=concats(FLOAT64),
)


@st.composite
def offsets(draw):
    rank, dtype = draw(st.integers(1, 3)), draw(index_dtypes())
    axis = draw(st.integers(0, rank - 1))
    shape = draw(st.lists(st.integers(0, 3), min_size=rank, max_size=rank))
    vectors = []
    for _ in range(draw(st.integers(2, 4))):
        shape[axis] = draw(st.integers(0, 3))
        vectors.append(np.array(shape, dtype))
    return Sample([np.array(axis, np.int32), vectors])


def concat_offset(concat_dim, shape):
    results, seen = [], 0
    for vector in shape:
        results.append(np.array([seen if i == concat_dim else 0 for i in range(len(vector))]))
        seen += vector[concat_dim]
    return [result.astype(shape[0].dtype) for result in results]


case("ConcatOffset", offsets(), concat_offset)


@st.composite
def splits(draw, dtypes=ANY):
    shape = draw(shapes(least=1))
    axis, count = draw(axes(len(shape))), draw(st.integers(1, 3))
    shape[axis] *= count
    value = draw(arrays(dtypes, shape=shape))
    return Sample([np.array(axis, np.int32), value], {"num_split": count})


def pieces(value, sizes, axis):
    result, start = [], 0
    for size in sizes:
        cut = [slice(None)] * value.ndim
        cut[int(axis)] = slice(start, start + size)
        result.append(value[tuple(cut)])
        start += size
    return result


def split(split_dim, value, num_split):
    return pieces(value, [value.shape[int(split_dim)] // num_split] * num_split, split_dim)


case(
    "Split",
    splits(),
    split,
    static=("split_dim",),
    gradients=("value",),
    gradient_samples=splits(FLOAT64),
)


@st.composite
def sized_splits(draw, dtypes=ANY):
    shape = draw(shapes(least=1))
    axis = draw(axes(len(shape)))
    sizes = draw(st.lists(st.integers(0, 2), min_size=1, max_size=3))
    shape[axis] = sum(sizes)
    if draw(st.booleans()):
        sizes[draw(st.integers(0, len(sizes) - 1))] = -1
    value = draw(arrays(dtypes, shape=shape))
    lengths = np.array(sizes, draw(index_dtypes()))
    return Sample([value, lengths, np.array(axis, np.int32)], {"num_split": len(sizes)})


def split_v(value, size_splits, split_dim, num_split):
    sizes = size_splits.tolist()
    left = value.shape[int(split_dim)] - sum(size for size in sizes if size != -1)
    return pieces(value, [left if size == -1 else size for size in sizes], split_dim)


case(
    "SplitV",
    sized_splits(),
    split_v,
    static=("size_splits", "split_dim"),
    gradients=("value",),
    gradient_samples=sized_splits(FLOAT64),
)
