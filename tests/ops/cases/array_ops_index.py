"""Slicing, indexing, gathering and scattering."""

import numpy as np
from hypothesis import strategies as st

from tests.ops.cases.array_ops_arrays import (
    ANY,
    NUMBERS,
    arrays,
    axes,
    filled,
    index_dtypes,
    shapes,
)
from tests.ops.op_case import Sample, case

FLOAT64 = (np.float64,)

# ---- slices


@st.composite
def boxes(draw, dtypes=ANY):
    x = draw(arrays(dtypes))
    begin = [draw(st.integers(0, d)) for d in x.shape]
    size = [
        draw(st.sampled_from([-1, *range(d - b + 1)])) for d, b in zip(x.shape, begin, strict=True)
    ]
    dtype = draw(index_dtypes())
    return Sample([x, np.array(begin, dtype), np.array(size, dtype)])


def box(input, begin, size):
    dims = [d - b if s == -1 else s for d, b, s in zip(input.shape, begin, size, strict=True)]
    result = np.empty(dims, input.dtype)
    for index in np.ndindex(*dims):
        result[index] = input[tuple(i + int(b) for i, b in zip(index, begin, strict=True))]
    return result


case(
    "Slice",
    boxes(),
    box,
    static=("begin", "size"),
    gradients=("input",),
    gradient_samples=boxes(FLOAT64),
)


@st.composite
def indexings(draw, dtypes=ANY):
    """An input, and the vectors and masks of an index of it."""
    x = draw(arrays(dtypes, most=3))
    begin, end, strides = [], [], []
    masks = dict.fromkeys(("begin", "end", "ellipsis", "new_axis", "shrink_axis"), 0)
    wants_ellipsis = draw(st.booleans())
    skipped = draw(st.integers(0, x.ndim)) if wants_ellipsis else 0
    count = x.ndim - skipped if wants_ellipsis else draw(st.integers(0, x.ndim))
    kinds = draw(st.permutations(["dim"] * count + ["..."] * wants_ellipsis + ["new"]))
    axis = 0
    for bit, kind in enumerate(kinds):
        b, e, s = (draw(st.integers(-4, 4)) for _ in range(3))
        if kind == "...":
            masks["ellipsis"] |= 1 << bit
            axis += skipped
        elif kind == "new":
            masks["new_axis"] |= 1 << bit
        else:
            dim = x.shape[axis]
            axis += 1
            if dim and draw(st.booleans()):
                b, s = draw(st.integers(-dim, dim - 1)), 1
                masks["shrink_axis"] |= 1 << bit
            else:
                masks["begin"] |= draw(st.booleans()) << bit
                masks["end"] |= draw(st.booleans()) << bit
        begin.append(b)
        end.append(e)
        strides.append(s or 1)
    dtype = draw(index_dtypes())
    vectors = [np.array(v, dtype) for v in (begin, end, strides)]
    return x, vectors, {f"{name}_mask": mask for name, mask in masks.items()}


def numpy_index(begin, end, strides, masks):
    """The index in numpy's own terms."""
    index = []
    for i, (b, e, s) in enumerate(zip(begin.tolist(), end.tolist(), strides.tolist())):
        bits = {name: mask >> i & 1 for name, mask in masks.items()}
        if bits["ellipsis_mask"]:
            index.append(Ellipsis)
        elif bits["new_axis_mask"]:
            index.append(None)
        elif bits["shrink_axis_mask"]:
            index.append(b)
        else:
            opened = bits["begin_mask"], bits["end_mask"]
            index.append(slice(None if opened[0] else b, None if opened[1] else e, s))
    return tuple(index)


@st.composite
def strided(draw, dtypes=ANY):
    x, vectors, masks = draw(indexings(dtypes))
    return Sample([x, *vectors], masks)


def strided_slice(input, begin, end, strides, **masks):
    return input[numpy_index(begin, end, strides, masks)]


case(
    "StridedSlice",
    strided(),
    strided_slice,
    static=("begin", "end", "strides"),
    gradients=("input",),
    gradient_samples=strided(FLOAT64),
)


@st.composite
def strided_grads(draw, dtypes=(np.float32, np.float64, np.int32)):
    x, vectors, masks = draw(indexings(dtypes))
    dy = filled(draw, x[numpy_index(*vectors, masks)].shape, x.dtype.type)
    return Sample([np.array(x.shape, vectors[0].dtype), *vectors, dy], masks)


def strided_slice_grad(shape, begin, end, strides, dy, **masks):
    result = np.zeros(shape, dy.dtype)
    result[numpy_index(begin, end, strides, masks)] = dy
    return result


case(
    "StridedSliceGrad",
    strided_grads(),
    strided_slice_grad,
    static=("shape", "begin", "end", "strides"),
    gradients=("dy",),
    gradient_samples=strided_grads(FLOAT64),
)

# ---- gather


def picks(draw, limit, shape, dtype=np.int64):
    size = int(np.prod(shape))
    numbers = draw(st.lists(st.integers(0, limit - 1), min_size=size, max_size=size))
    return np.array(numbers, dtype).reshape(shape)


@st.composite
def gathers(draw, dtypes=ANY):
    params = draw(arrays(dtypes, shape=[draw(st.integers(1, 3)), *draw(shapes(most=2))]))
    indices = picks(draw, params.shape[0], draw(shapes(most=2)), draw(index_dtypes()))
    return Sample([params, indices])


def gather(params, indices):
    result = np.empty(indices.shape + params.shape[1:], params.dtype)
    for index in np.ndindex(*indices.shape):
        result[index] = params[indices[index]]
    return result


case("Gather", gathers(), gather, gradients=("params",), gradient_samples=gathers(FLOAT64))


@st.composite
def axis_gathers(draw, dtypes=ANY):
    batch, outer, picked, inner = (draw(shapes(most=1)) for _ in range(4))
    length = draw(st.integers(1, 3))
    params = draw(arrays(dtypes, shape=[*batch, *outer, length, *inner]))
    indices = picks(draw, length, [*batch, *picked], draw(index_dtypes()))
    axis = len(batch) + len(outer)
    axis = draw(st.sampled_from([axis, axis - params.ndim]))
    batch_dims = draw(st.sampled_from([len(batch), len(batch) - indices.ndim]))
    if batch_dims == 0 and batch:  # 0 counted from the end would be "no batch"
        batch_dims = len(batch)
    return Sample(
        [params, indices, np.array(axis, draw(index_dtypes()))], {"batch_dims": batch_dims}
    )


def gather_v2(params, indices, axis, batch_dims):
    axis = int(axis) % params.ndim
    b = batch_dims + indices.ndim if batch_dims < 0 else batch_dims
    shape = params.shape[:axis] + indices.shape[b:] + params.shape[axis + 1 :]
    result = np.empty(shape, params.dtype)
    count = indices.ndim - b
    for at in np.ndindex(*shape):
        chosen = indices[at[:b] + at[axis : axis + count]]
        result[at] = params[at[:axis] + (chosen,) + at[axis + count :]]
    return result


case(
    "GatherV2",
    axis_gathers(),
    gather_v2,
    static=("axis",),
    gradients=("params",),
    gradient_samples=axis_gathers(FLOAT64),
)


def coordinates(draw, dims, depth, shape):
    columns = [picks(draw, d, shape) for d in dims[:depth]]
    return np.stack(columns, axis=-1) if columns else np.zeros([*shape, 0], np.int64)


@st.composite
def nd_gathers(draw, dtypes=ANY):
    params = draw(arrays(dtypes, sizes=(1, 2, 3)))
    depth = draw(st.integers(0, params.ndim))
    at = coordinates(draw, params.shape, depth, draw(shapes(most=2)))
    return Sample([params, at.astype(draw(index_dtypes()))])


def gather_nd(params, indices):
    outer, depth = indices.shape[:-1], indices.shape[-1]
    result = np.empty(outer + params.shape[depth:], params.dtype)
    for at in np.ndindex(*outer):
        result[at] = params[tuple(indices[at])]
    return result


case(
    "GatherNd", nd_gathers(), gather_nd, gradients=("params",), gradient_samples=nd_gathers(FLOAT64)
)


@st.composite
def nd_scatters(draw, dtypes=NUMBERS):
    dims = draw(shapes(least=1, sizes=(1, 2, 3)))
    depth = draw(st.integers(0, len(dims)))
    at = coordinates(draw, dims, depth, draw(shapes(most=2)))
    updates = draw(arrays(dtypes, shape=[*at.shape[:-1], *dims[depth:]]))
    dtype = draw(index_dtypes())
    return Sample([at.astype(dtype), updates, np.array(dims, dtype)])


def scatter_nd(indices, updates, shape):
    result = np.zeros(shape, updates.dtype)
    for at in np.ndindex(*indices.shape[:-1]):
        result[tuple(indices[at])] += updates[at]
    return result


case(
    "ScatterNd",
    nd_scatters(),
    scatter_nd,
    static=("shape",),
    gradients=("updates",),
    gradient_samples=nd_scatters(FLOAT64),
)

# ---- turning around


@st.composite
def transposes(draw, dtypes=ANY):
    x = draw(arrays(dtypes))
    perm = draw(st.permutations(range(x.ndim)))
    return Sample([x, np.array(perm, draw(index_dtypes()))])


def transpose(x, perm):
    result = np.empty([x.shape[p] for p in perm], x.dtype)
    for at in np.ndindex(*x.shape):
        result[tuple(at[p] for p in perm)] = x[at]
    return result


case(
    "Transpose",
    transposes(),
    transpose,
    static=("perm",),
    gradients=("x",),
    gradient_samples=transposes(FLOAT64),
)
case(
    "ConjugateTranspose",
    transposes(NUMBERS),
    lambda x, perm: transpose(x, perm).conj(),
    static=("perm",),
    gradients=("x",),
    gradient_samples=transposes(FLOAT64),
)


def invert_permutation(x):
    return np.array([x.tolist().index(i) for i in range(len(x))], x.dtype)


case(
    "InvertPermutation",
    st.builds(
        lambda n, p, dtype: Sample([np.array([i for i in p if i < n], dtype)]),
        st.integers(0, 5),
        st.permutations(range(5)),
        index_dtypes(),
    ),
    invert_permutation,
)


@st.composite
def reversals(draw, dtypes=ANY):
    x = draw(arrays(dtypes))
    chosen = draw(st.lists(st.integers(0, x.ndim - 1), unique=True)) if x.ndim else []
    signed = [a - x.ndim if draw(st.booleans()) else a for a in chosen]
    return Sample([x, np.array(signed, draw(index_dtypes()))])


def reverse(tensor, axis):
    turned = [a % tensor.ndim for a in axis.tolist()]
    return tensor[tuple(slice(None, None, -1 if i in turned else 1) for i in range(tensor.ndim))]


case(
    "ReverseV2",
    reversals(),
    reverse,
    static=("axis",),
    gradients=("tensor",),
    gradient_samples=reversals(FLOAT64),
)


@st.composite
def sequence_reversals(draw, dtypes=ANY):
    x = draw(arrays(dtypes, least=2))
    batch_dim, seq_dim = draw(st.permutations(range(x.ndim)))[:2]
    count = x.shape[batch_dim]
    lengths = draw(st.lists(st.integers(0, x.shape[seq_dim]), min_size=count, max_size=count))
    return Sample(
        [x, np.array(lengths, draw(index_dtypes()))],
        {"seq_dim": seq_dim, "batch_dim": batch_dim},
    )


def reverse_sequence(input, seq_lengths, seq_dim, batch_dim):
    result = input.copy()
    for at in np.ndindex(*input.shape):
        length, source = seq_lengths[at[batch_dim]], list(at)
        if at[seq_dim] < length:
            source[seq_dim] = length - 1 - at[seq_dim]
            result[at] = input[tuple(source)]
    return result


case(
    "ReverseSequence",
    sequence_reversals(),
    reverse_sequence,
    gradients=("input",),
    gradient_samples=sequence_reversals(FLOAT64),
)


@st.composite
def rolls(draw, dtypes=ANY):
    x = draw(arrays(dtypes, least=1))
    chosen = draw(st.lists(axes(x.ndim), min_size=1, max_size=3))
    shift = [draw(st.integers(-5, 5)) for _ in chosen]
    vectors = [np.array(v, draw(index_dtypes())) for v in (shift, chosen)]
    if len(chosen) == 1 and draw(st.booleans()):
        vectors = [v.reshape(()) for v in vectors]
    return Sample([x, *vectors])


def roll(input, shift, axis):
    for s, a in zip(np.ravel(shift).tolist(), np.ravel(axis).tolist(), strict=True):
        if input.shape[a]:
            order = [(i - s) % input.shape[a] for i in range(input.shape[a])]
            input = np.take(input, order, a)
    return input


case("Roll", rolls(), roll, gradients=("input",), gradient_samples=rolls(FLOAT64))
