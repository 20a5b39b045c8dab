"""Selecting, masking, broadcasting, and what is distinct."""

import numpy as np
from hypothesis import strategies as st

from tests.ops.cases.array_ops_arrays import ANY, NUMBERS, arrays, filled, index_dtypes, shapes
from tests.ops.op_case import Sample, case

FLOAT64 = (np.float64,)
BOOL = (np.bool_,)


def where(input):
    found = [at for at in np.ndindex(*input.shape) if input[at]]
    return np.array(found, np.int64).reshape(len(found), input.ndim)


case("Where", st.builds(lambda x: Sample([x]), arrays((*NUMBERS, np.bool_))), where)


@st.composite
def selects(draw, dtypes=ANY):
    dtype = draw(st.sampled_from(dtypes))
    shape = draw(shapes())
    of_condition = draw(st.sampled_from([shape, [], shape[:1]]))
    return Sample(
        [
            draw(arrays(BOOL, shape=of_condition)),
            filled(draw, shape, dtype),
            filled(draw, shape, dtype),
        ]
    )


def select(condition, t, e):
    result = np.empty(t.shape, t.dtype)
    for at in np.ndindex(*t.shape):
        result[at] = t[at] if condition[at[: condition.ndim]] else e[at]
    return result


case("Select", selects(), select, gradients=("t", "e"), gradient_samples=selects(FLOAT64))


@st.composite
def broadcast_selects(draw, dtypes=ANY):
    dtype = draw(st.sampled_from(dtypes))
    shape = draw(shapes())

    def part():
        dims = shape[draw(st.integers(0, len(shape))) :]
        return [1 if draw(st.booleans()) else d for d in dims]

    return Sample(
        [draw(arrays(BOOL, shape=part())), filled(draw, part(), dtype), filled(draw, part(), dtype)]
    )


def select_v2(condition, t, e):
    c, t, e = np.broadcast_arrays(condition, t, e)
    return select(c, t, e)


case(
    "SelectV2",
    broadcast_selects(),
    select_v2,
    gradients=("t", "e"),
    gradient_samples=broadcast_selects(FLOAT64),
)


@st.composite
def one_hots(draw):
    indices = draw(arrays((np.int32, np.int64, np.uint8, np.int8), most=2))
    dtype = draw(st.sampled_from(NUMBERS))
    return Sample(
        [
            indices,
            np.array(draw(st.integers(0, 4)), np.int32),
            filled(draw, [], dtype),
            filled(draw, [], dtype),
        ],
        {"axis": draw(st.integers(-1, indices.ndim))},
    )


def one_hot(indices, depth, on_value, off_value, axis):
    axis = indices.ndim if axis == -1 else axis
    result = np.full(indices.shape[:axis] + (int(depth),) + indices.shape[axis:], off_value)
    for at in np.ndindex(*indices.shape):
        if 0 <= indices[at] < depth:
            result[at[:axis] + (indices[at],) + at[axis:]] = on_value
    return result


case("OneHot", one_hots(), one_hot, static=("depth",))

# ---- broadcasting


@st.composite
def broadcasts(draw, dtypes=ANY):
    shape = draw(shapes())
    kept = shape[draw(st.integers(0, len(shape))) :]
    given = [1 if draw(st.booleans()) else d for d in kept]
    return Sample([draw(arrays(dtypes, shape=given)), np.array(shape, draw(index_dtypes()))])


def broadcast_to(input, shape):
    result = np.empty(shape, input.dtype)
    padded = input.reshape([1] * (len(shape) - input.ndim) + list(input.shape))
    for at in np.ndindex(*shape):
        result[at] = padded[tuple(0 if d == 1 else i for i, d in zip(at, padded.shape))]
    return result


case(
    "BroadcastTo",
    broadcasts(),
    broadcast_to,
    static=("shape",),
    gradients=("input",),
    gradient_samples=broadcasts(FLOAT64),
)


@st.composite
def shape_pairs(draw):
    shape, dtype = draw(shapes()), draw(index_dtypes())

    def part():
        dims = shape[draw(st.integers(0, len(shape))) :]
        return np.array([1 if draw(st.booleans()) else d for d in dims], dtype)

    return Sample([part(), part()])


def broadcast_args(s0, s1):
    return np.array((np.empty(s0, np.bool_) | np.empty(s1, np.bool_)).shape, s0.dtype)


def broadcast_gradient_args(s0, s1):
    """The axes along which an array is repeated, or has nothing to repeat."""
    if s0.tolist() == s1.tolist():
        return [s0[:0], s0[:0]]
    rank = max(len(s0), len(s1))
    padded = [np.concatenate([np.ones(rank - len(s), s.dtype), s]) for s in (s0, s1)]
    return [np.flatnonzero(dims == 1).astype(s0.dtype) for dims in padded]


case("BroadcastArgs", shape_pairs(), broadcast_args, static=("s0", "s1"))
case("BroadcastGradientArgs", shape_pairs(), broadcast_gradient_args)

# ---- bands and bits


@st.composite
def bands(draw, dtypes=(*NUMBERS, np.bool_)):
    x = draw(arrays(dtypes, least=2))
    dtype = draw(index_dtypes())
    numbers = [draw(st.integers(-1, d)) for d in x.shape[-2:]]
    return Sample([x, *(np.array(n, dtype) for n in numbers)])


def matrix_band_part(input, num_lower, num_upper):
    result = input.copy()
    for at in np.ndindex(*input.shape):
        below = at[-2] - at[-1]
        if (num_lower >= 0 and below > num_lower) or (num_upper >= 0 and -below > num_upper):
            result[at] = 0
    return result


case(
    "MatrixBandPart",
    bands(),
    matrix_band_part,
    gradients=("input",),
    gradient_samples=bands(FLOAT64),
)


@st.composite
def bitcasts(draw):
    have, want = (draw(st.sampled_from(["uint8", "int16", "float32", "int64"])) for _ in range(2))
    shape = draw(shapes(most=2))
    ratio = np.dtype(want).itemsize // np.dtype(have).itemsize
    if ratio > 1:
        shape.append(ratio)
    x = draw(arrays((np.int64,), shape=shape)).astype(have)
    return Sample([x], {"type": want})


def bitcast(input, type):
    have, want = input.dtype.itemsize, np.dtype(type).itemsize
    shape = input.shape[:-1] if want > have else input.shape
    if have > want:
        shape = (*shape, have // want)
    data = b"".join(element.tobytes() for element in input.flat)
    return np.array(memoryview(data).cast("B"), np.uint8).view(type).reshape(shape)


case("Bitcast", bitcasts(), bitcast)

# ---- what is distinct


def vectors(dtypes=(np.int32, np.int64, np.float32, np.object_)):
    return arrays(dtypes, least=1, most=1, sizes=(0, 1, 5))


def unique_with_counts(x, out_idx):
    seen = list(dict.fromkeys(x.tolist()))
    y = np.array(seen, x.dtype)
    idx = np.array([seen.index(v) for v in x.tolist()], out_idx)
    return y, idx, np.array([x.tolist().count(v) for v in seen], out_idx)


UNIQUE_SAMPLES = st.builds(
    lambda x, t: Sample([x], {"out_idx": t}), vectors(), st.sampled_from(["int32", "int64"])
)
case("Unique", UNIQUE_SAMPLES, lambda x, out_idx: unique_with_counts(x, out_idx)[:2])
case("UniqueWithCounts", UNIQUE_SAMPLES, unique_with_counts)


@st.composite
def vector_pairs(draw):
    dtype = draw(st.sampled_from([np.int32, np.float32, np.object_]))
    pair = [draw(vectors((dtype,))) for _ in range(2)]
    return Sample(pair, {"out_idx": draw(st.sampled_from(["int32", "int64"]))})


def list_diff(x, y, out_idx):
    idx = [i for i in range(len(x)) if x[i] not in y.tolist()]
    return x[idx], np.array(idx, out_idx)


case("ListDiff", vector_pairs(), list_diff)


@st.composite
def searches(draw):
    rows = draw(st.integers(0, 2))
    dtype = draw(st.sampled_from([np.int32, np.float32]))
    table, values = (draw(arrays((dtype,), shape=[rows, draw(st.integers(0, 4))])) for _ in "ab")
    return Sample([np.sort(table), values], {"out_type": draw(st.sampled_from(["int32", "int64"]))})


def lower_bound(sorted_inputs, values, out_type):
    counts = (sorted_inputs[:, None, :] < values[:, :, None]).sum(axis=-1)
    return counts.astype(out_type)


def upper_bound(sorted_inputs, values, out_type):
    counts = (sorted_inputs[:, None, :] <= values[:, :, None]).sum(axis=-1)
    return counts.astype(out_type)


case("LowerBound", searches(), lower_bound)
case("UpperBound", searches(), upper_bound)
