"""Padding, tiling, and trading space for depth or batch."""

import math

import numpy as np
from hypothesis import strategies as st

from tests.ops.cases.array_ops_arrays import ANY, NUMBERS, arrays, filled, index_dtypes
from tests.ops.op_case import Sample, case

FLOAT64 = (np.float64,)
REAL = (np.float32, np.float64, np.int32)


@st.composite
def pads(draw, dtypes=ANY, with_value=False):
    x = draw(arrays(dtypes))
    paddings = np.array(
        [[draw(st.integers(0, 2)), draw(st.integers(0, 2))] for _ in x.shape], draw(index_dtypes())
    ).reshape(x.ndim, 2)
    value = [filled(draw, [], x.dtype.type)] if with_value else []
    return Sample([x, paddings, *value])


def pad_v2(input, paddings, constant_values):
    dims = [int(d + sum(row)) for d, row in zip(input.shape, paddings, strict=True)]
    result = np.empty(dims, input.dtype)
    for at in np.ndindex(*dims):
        source = tuple(i - int(row[0]) for i, row in zip(at, paddings, strict=True))
        inside = all(0 <= i < d for i, d in zip(source, input.shape, strict=True))
        result[at] = input[source] if inside else constant_values
    return result


def pad(input, paddings):
    return pad_v2(input, paddings, b"" if input.dtype == object else 0)


case(
    "Pad",
    pads(),
    pad,
    static=("paddings",),
    gradients=("input",),
    gradient_samples=pads(FLOAT64),
)
case(
    "PadV2",
    pads(with_value=True),
    pad_v2,
    static=("paddings",),
    gradients=("input",),
    gradient_samples=pads(FLOAT64, with_value=True),
)


@st.composite
def mirrors(draw, dtypes=ANY, backwards=False):
    x = draw(arrays(dtypes, most=2))
    # Nothing can be reflected without its border, not even by no elements.
    mode = draw(st.sampled_from(["SYMMETRIC"] if 0 in x.shape else ["REFLECT", "SYMMETRIC"]))
    most = [max(0, d - (mode == "REFLECT")) for d in x.shape]
    rows = [[draw(st.integers(0, m)), draw(st.integers(0, m))] for m in most]
    paddings = np.array(rows, draw(index_dtypes())).reshape(x.ndim, 2)
    if backwards:
        x = filled(draw, [d + sum(r) for d, r in zip(x.shape, rows, strict=True)], x.dtype.type)
    return Sample([x, paddings], {"mode": mode})


def mirrored(at, size, mode):
    """The position that a position outside is the mirror image of."""
    if at < 0:
        return -at if mode == "REFLECT" else -at - 1
    if at >= size:
        return 2 * size - 2 - at if mode == "REFLECT" else 2 * size - 1 - at
    return at


def mirror_sources(dims, paddings, mode):
    """Each position of the padded array, with the position that it is a copy of."""
    padded = [int(d + sum(row)) for d, row in zip(dims, paddings, strict=True)]
    for at in np.ndindex(*padded):
        yield (
            at,
            tuple(
                mirrored(i - int(row[0]), d, mode)
                for i, d, row in zip(at, dims, paddings, strict=True)
            ),
        )


def mirror_pad(input, paddings, mode):
    result = np.empty([d + sum(row) for d, row in zip(input.shape, paddings)], input.dtype)
    for at, source in mirror_sources(input.shape, paddings, mode):
        result[at] = input[source]
    return result


def mirror_pad_grad(input, paddings, mode):
    dims = [int(d - sum(row)) for d, row in zip(input.shape, paddings, strict=True)]
    result = np.zeros(dims, input.dtype)
    for at, source in mirror_sources(dims, paddings, mode):
        result[source] += input[at]
    return result


case(
    "MirrorPad",
    mirrors(),
    mirror_pad,
    static=("paddings",),
    gradients=("input",),
    gradient_samples=mirrors(FLOAT64),
)
case(
    "MirrorPadGrad",
    mirrors(REAL, backwards=True),
    mirror_pad_grad,
    static=("paddings",),
    gradients=("input",),
    gradient_samples=mirrors(FLOAT64, backwards=True),
)


@st.composite
def tiles(draw, dtypes=ANY):
    x = draw(arrays(dtypes))
    multiples = [draw(st.integers(0, 3)) for _ in x.shape]
    return Sample([x, np.array(multiples, draw(index_dtypes()))])


def tile(input, multiples):
    result = np.empty(np.multiply(input.shape, multiples).astype(int), input.dtype)
    for at in np.ndindex(*result.shape):
        result[at] = input[tuple(i % d for i, d in zip(at, input.shape, strict=True))]
    return result


case(
    "Tile",
    tiles(),
    tile,
    static=("multiples",),
    gradients=("input",),
    gradient_samples=tiles(FLOAT64),
)

# ---- space, depth and batch


@st.composite
def blocks(draw, dtypes=ANY, into_depth=True):
    size = draw(st.integers(2, 3))
    n, h, w, c = (draw(st.integers(0, 2)) for _ in range(4))
    shape = [n, h * size, w * size, c] if into_depth else [n, h, w, c * size * size]
    data_format = draw(st.sampled_from(["NHWC", "NCHW"]))
    if data_format == "NCHW":
        shape = [shape[i] for i in (0, 3, 1, 2)]
    x = draw(arrays(dtypes, shape=shape))
    return Sample([x], {"block_size": size, "data_format": data_format})


def depth_last(x, data_format):
    return x.transpose(0, 2, 3, 1) if data_format == "NCHW" else x


def depth_back(x, data_format):
    return x.transpose(0, 3, 1, 2) if data_format == "NCHW" else x


def space_to_depth(input, block_size, data_format):
    x, b = depth_last(input, data_format), block_size
    parts = [x[:, i::b, j::b] for i in range(b) for j in range(b)]
    return depth_back(np.concatenate(parts, axis=-1), data_format)


def depth_to_space(input, block_size, data_format):
    x, b = depth_last(input, data_format), block_size
    n, h, w, c = x.shape
    depth = c // (b * b)
    result = np.empty((n, h * b, w * b, depth), x.dtype)
    for i in range(b):
        for j in range(b):
            start = (i * b + j) * depth
            result[:, i::b, j::b] = x[..., start : start + depth]
    return depth_back(result, data_format)


case(
    "SpaceToDepth",
    blocks(),
    space_to_depth,
    gradients=("input",),
    gradient_samples=blocks(FLOAT64),
)
case(
    "DepthToSpace",
    blocks(into_depth=False),
    depth_to_space,
    gradients=("input",),
    gradient_samples=blocks(FLOAT64, into_depth=False),
)


@st.composite
def batches(draw, dtypes=NUMBERS, into_batch=True):
    count = draw(st.integers(1, 2))
    block = [draw(st.integers(1, 2)) for _ in range(count)]
    pairs = [[draw(st.integers(0, 1)), draw(st.integers(0, 1))] for _ in range(count)]
    batch, rest = draw(st.integers(0, 2)), [draw(st.integers(0, 2)) for _ in range(2 - count)]
    if into_batch:  # dims that divide by the block once padded
        dims = [b * draw(st.integers(1, 2)) * 2 - sum(p) for b, p in zip(block, pairs)]
        shape = [batch, *dims, *rest]
    else:
        dims = [draw(st.integers(1, 2)) + -(-sum(p) // b) for b, p in zip(block, pairs)]
        shape = [batch * math.prod(block), *dims, *rest]
    x = draw(arrays(dtypes, shape=shape))
    return Sample([x, np.array(block, draw(index_dtypes())), np.array(pairs, draw(index_dtypes()))])


def batch_positions(shape, block, paddings):
    """Each position of the batched array, with its position in the plain one (maybe padding)."""
    count = len(block)
    for at in np.ndindex(*shape):
        number, batch = divmod(at[0], shape[0] // math.prod(block)) if shape[0] else (0, 0)
        offset = np.unravel_index(number, block)
        space = [at[i + 1] * block[i] + int(offset[i]) - paddings[i][0] for i in range(count)]
        yield at, (batch, *space, *at[count + 1 :])


def space_to_batch(input, block_shape, paddings):
    block, pairs = block_shape.tolist(), paddings.tolist()
    space = [(d + sum(p)) // b for d, p, b in zip(input.shape[1:], pairs, block)]
    shape = [input.shape[0] * math.prod(block), *space, *input.shape[len(block) + 1 :]]
    result = np.zeros(shape, input.dtype)
    for at, source in batch_positions(shape, block, pairs):
        if all(0 <= i < d for i, d in zip(source, input.shape, strict=True)):
            result[at] = input[source]
    return result


def batch_to_space(input, block_shape, crops):
    block, pairs = block_shape.tolist(), crops.tolist()
    space = [d * b - sum(p) for d, p, b in zip(input.shape[1:], pairs, block)]
    shape = [input.shape[0] // math.prod(block), *space, *input.shape[len(block) + 1 :]]
    result = np.zeros(shape, input.dtype)
    for at, target in batch_positions(input.shape, block, pairs):
        if all(0 <= i < d for i, d in zip(target, shape, strict=True)):
            result[target] = input[at]
    return result


case(
    "SpaceToBatchND",
    batches(),
    space_to_batch,
    static=("block_shape", "paddings"),
    gradients=("input",),
    gradient_samples=batches(FLOAT64),
)
case(
    "BatchToSpaceND",
    batches(into_batch=False),
    batch_to_space,
    static=("block_shape", "crops"),
    gradients=("input",),
    gradient_samples=batches(FLOAT64, into_batch=False),
)


@st.composite
def patch_samples(draw, dtypes=REAL):
    n, h, w, c = (draw(st.integers(low, 4)) for low in (0, 2, 2, 1))
    attrs = {
        name: [1, draw(st.integers(1, 2)), draw(st.integers(1, 2)), 1]
        for name in ("ksizes", "strides", "rates")
    }
    x = draw(arrays(dtypes, shape=[n, h, w, c]))
    return Sample([x], {**attrs, "padding": draw(st.sampled_from(["SAME", "VALID"]))})


def extract_image_patches(images, ksizes, strides, rates, padding):
    n, *space, depth = images.shape
    counts, before = [], []
    for i, dim in enumerate(space, start=1):
        reach = (ksizes[i] - 1) * rates[i] + 1
        if padding == "VALID":
            counts.append(max(0, math.ceil((dim - reach + 1) / strides[i])))
            before.append(0)
        else:
            counts.append(math.ceil(dim / strides[i]))
            before.append(max(0, (counts[-1] - 1) * strides[i] + reach - dim) // 2)
    result = np.zeros((n, *counts, ksizes[1], ksizes[2], depth), images.dtype)
    for b, y, x, i, j in np.ndindex(*result.shape[:-1]):
        row = y * strides[1] + i * rates[1] - before[0]
        col = x * strides[2] + j * rates[2] - before[1]
        if 0 <= row < space[0] and 0 <= col < space[1]:
            result[b, y, x, i, j] = images[b, row, col]
    return result.reshape(n, *counts, ksizes[1] * ksizes[2] * depth)


case(
    "ExtractImagePatches",
    patch_samples(),
    extract_image_patches,
    gradients=("images",),
    gradient_samples=patch_samples(FLOAT64),
)
