"""Convolutions, depthwise convolutions and pooling."""

import numpy as np
from hypothesis import strategies as st

from tests.ops.cases.math_ops_arrays import array
from tests.ops.op_case import Sample, case

FLOATS = (np.float32, np.float64, np.float16)
FLOAT64 = (np.float64,)


# ---- what a window is, from the definition


def to_nhwc(images, data_format):
    return images.transpose(0, 2, 3, 1) if data_format == "NCHW" else images


def from_nhwc(images, data_format):
    return images.transpose(0, 3, 1, 2) if data_format == "NCHW" else images


def spatial(four, data_format):
    return four[2:] if data_format == "NCHW" else four[1:3]


def span(size, dilation):
    return (size - 1) * dilation + 1


def first_and_count(size, window, stride, dilation, padding, explicit):
    """Where the first window begins, and how many there are, along one dim."""
    covered = span(window, dilation)
    if padding == "SAME":
        count = (size + stride - 1) // stride
        missing = max((count - 1) * stride + covered - size, 0)
        return -(missing // 2), count
    before, after = explicit if padding == "EXPLICIT" else (0, 0)
    return -before, (before + size + after - covered) // stride + 1


def windows(sizes, window, attrs):
    """Yields (i, j, r, s, y, x): under cell (r, s) of the window (i, j) lies the pixel (y, x)."""
    data_format = attrs.get("data_format", "NHWC")
    strides = spatial(attrs["strides"], data_format)
    dilations = spatial(attrs.get("dilations", [1] * 4), data_format)
    explicit = np.reshape(attrs.get("explicit_paddings") or [0] * 8, (4, 2)).tolist()
    explicit = spatial(explicit, data_format)
    starts = [
        first_and_count(*args, attrs["padding"], pads)
        for *args, pads in zip(sizes, window, strides, dilations, explicit, strict=True)
    ]
    for i, j in np.ndindex(starts[0][1], starts[1][1]):
        for r, s in np.ndindex(*window):
            y = starts[0][0] + i * strides[0] + r * dilations[0]
            x = starts[1][0] + j * strides[1] + s * dilations[1]
            if 0 <= y < sizes[0] and 0 <= x < sizes[1]:
                yield i, j, r, s, y, x


def output_sizes(sizes, window, attrs):
    data_format = attrs.get("data_format", "NHWC")
    explicit = np.reshape(attrs.get("explicit_paddings") or [0] * 8, (4, 2)).tolist()
    parts = (
        spatial(attrs["strides"], data_format),
        spatial(attrs.get("dilations", [1] * 4), data_format),
        spatial(explicit, data_format),
    )
    return [
        first_and_count(size, cells, stride, dilation, attrs["padding"], pads)[1]
        for size, cells, stride, dilation, pads in zip(sizes, window, *parts, strict=True)
    ]


def wide(x):
    return x.astype(np.float64) if x.dtype.kind == "f" else x


# ---- what is drawn


def four(draw, values, data_format):
    height, width = draw(values), draw(values)
    return [1, 1, height, width] if data_format == "NCHW" else [1, height, width, 1]


def draw_attrs(draw, sizes, window, paddings, dilated):
    data_format = draw(st.sampled_from(["NHWC", "NHWC", "NCHW"]))
    attrs = {"strides": four(draw, st.integers(1, 3), data_format), "data_format": data_format}
    dilations = [1] * 4
    if dilated:
        attrs["dilations"] = dilations = four(draw, st.integers(1, 2), data_format)
    padding = draw(st.sampled_from(paddings))
    pads = [[0, 0], [0, 0]]
    if padding == "EXPLICIT":
        most = 2 if dilated else min(window) - 1
        pads = [[draw(st.integers(0, most)) for _ in range(2)] for _ in range(2)]
        rest = [[0, 0], [0, 0], *pads] if data_format == "NCHW" else [[0, 0], *pads, [0, 0]]
        attrs["explicit_paddings"] = [size for pair in rest for size in pair]
    rates = spatial(dilations, data_format)
    room = zip(sizes, window, rates, pads, strict=True)
    if any(size + sum(pad) < span(cells, rate) for size, cells, rate, pad in room):
        attrs.pop("explicit_paddings", None)
        padding = "SAME"
    attrs["padding"] = padding
    return attrs


def images(draw, batch, sizes, channels, dtype, data_format):
    x = array(draw, [batch, *sizes, channels], dtype)
    return np.ascontiguousarray(from_nhwc(x, data_format))


@st.composite
def convolutions(draw, dtypes=FLOATS, what="Conv2D", depthwise=False):
    """An image, a filter and a gradient that fit together; those of the op `what`."""
    sizes = [draw(st.integers(1, 5)) for _ in range(2)]
    window = [draw(st.integers(1, 3)) for _ in range(2)]
    attrs = draw_attrs(draw, sizes, window, ["SAME", "VALID", "EXPLICIT"], True)
    dtype = draw(st.sampled_from(dtypes))
    batch, depth, outputs = (
        draw(st.integers(0, 2)),
        draw(st.integers(1, 2)),
        draw(st.integers(1, 2)),
    )
    groups = 1 if depthwise else draw(st.sampled_from([1, 1, 2]))
    filter_shape = [*window, depth, outputs * groups]
    channels_out = depth * outputs if depthwise else outputs * groups
    image = images(draw, batch, sizes, depth * groups, dtype, attrs["data_format"])
    filter = array(draw, filter_shape, dtype)
    out_sizes = output_sizes(sizes, window, attrs)
    grad = images(draw, batch, out_sizes, channels_out, dtype, attrs["data_format"])
    as_shape = lambda shape: np.array(shape, np.int32)  # noqa: E731
    inputs = {
        "Forward": [image, filter],
        "Input": [as_shape(image.shape), filter, grad],
        "Filter": [image, as_shape(filter_shape), grad],
    }
    return Sample(inputs[what], attrs)


# ---- convolutions


def grouped(image, filter):
    """Yields the parts of the channels that go together: slices of image and of outputs."""
    depth, outputs = filter.shape[2:]
    groups = image // depth
    size = outputs // groups
    for g in range(groups):
        yield slice(g * depth, (g + 1) * depth), slice(g * size, (g + 1) * size)


def conv2d(input, filter, **attrs):
    image = wide(to_nhwc(input, attrs["data_format"]))
    filter = wide(filter)
    sizes = output_sizes(image.shape[1:3], filter.shape[:2], attrs)
    output = np.zeros((len(image), *sizes, filter.shape[3]), image.dtype)
    for i, j, r, s, y, x in windows(image.shape[1:3], filter.shape[:2], attrs):
        for c, k in grouped(image.shape[3], filter):
            output[:, i, j, k] += image[:, y, x, c] @ filter[r, s, :, k]
    return from_nhwc(output, attrs["data_format"])


def conv2d_backprop_input(input_sizes, filter, out_backprop, **attrs):
    grad, filter = wide(to_nhwc(out_backprop, attrs["data_format"])), wide(filter)
    result = to_nhwc(np.zeros(input_sizes, grad.dtype), attrs["data_format"])
    for i, j, r, s, y, x in windows(result.shape[1:3], filter.shape[:2], attrs):
        for c, k in grouped(result.shape[3], filter):
            result[:, y, x, c] += grad[:, i, j, k] @ filter[r, s, :, k].T
    return from_nhwc(result, attrs["data_format"])


def conv2d_backprop_filter(input, filter_sizes, out_backprop, **attrs):
    image = wide(to_nhwc(input, attrs["data_format"]))
    grad = wide(to_nhwc(out_backprop, attrs["data_format"]))
    result = np.zeros(filter_sizes, grad.dtype)
    for i, j, r, s, y, x in windows(image.shape[1:3], filter_sizes[:2], attrs):
        for c, k in grouped(image.shape[3], result):
            result[r, s, :, k] += image[:, y, x, c].T @ grad[:, i, j, k]
    return result


ALSO_INT32 = (*FLOATS, np.int32)

case(
    "Conv2D",
    convolutions(ALSO_INT32, "Forward"),
    conv2d,
    gradients=("input", "filter"),
    gradient_samples=convolutions(FLOAT64, "Forward"),
)
case(
    "Conv2DBackpropInput",
    convolutions(ALSO_INT32, "Input"),
    conv2d_backprop_input,
    static=("input_sizes",),
    gradients=("filter", "out_backprop"),
    gradient_samples=convolutions(FLOAT64, "Input"),
)
case(
    "Conv2DBackpropFilter",
    convolutions(FLOATS, "Filter"),
    conv2d_backprop_filter,
    static=("filter_sizes",),
    gradients=("input", "out_backprop"),
    gradient_samples=convolutions(FLOAT64, "Filter"),
)


# ---- depthwise convolutions


def depthwise(input, filter, **attrs):
    image, filter = wide(to_nhwc(input, attrs["data_format"])), wide(filter)
    sizes = output_sizes(image.shape[1:3], filter.shape[:2], attrs)
    output = np.zeros((len(image), *sizes, *filter.shape[2:]), image.dtype)
    for i, j, r, s, y, x in windows(image.shape[1:3], filter.shape[:2], attrs):
        output[:, i, j] += image[:, y, x, :, np.newaxis] * filter[r, s]
    flat = output.reshape(*output.shape[:3], filter.shape[2] * filter.shape[3])
    return from_nhwc(flat, attrs["data_format"])


def split_outputs(out_backprop, filter_sizes, data_format):
    grad = wide(to_nhwc(out_backprop, data_format))
    return grad.reshape(*grad.shape[:3], *filter_sizes[2:])


def depthwise_backprop_input(input_sizes, filter, out_backprop, **attrs):
    grad, filter = split_outputs(out_backprop, filter.shape, attrs["data_format"]), wide(filter)
    result = to_nhwc(np.zeros(input_sizes, grad.dtype), attrs["data_format"])
    for i, j, r, s, y, x in windows(result.shape[1:3], filter.shape[:2], attrs):
        result[:, y, x] += (grad[:, i, j] * filter[r, s]).sum(axis=-1)
    return from_nhwc(result, attrs["data_format"])


def depthwise_backprop_filter(input, filter_sizes, out_backprop, **attrs):
    image = wide(to_nhwc(input, attrs["data_format"]))
    grad = split_outputs(out_backprop, filter_sizes, attrs["data_format"])
    result = np.zeros(filter_sizes, grad.dtype)
    for i, j, r, s, y, x in windows(image.shape[1:3], filter_sizes[:2], attrs):
        result[r, s] += (image[:, y, x, :, np.newaxis] * grad[:, i, j]).sum(axis=0)
    return result


for op, what, oracle, static, gradients in (
    ("DepthwiseConv2dNative", "Forward", depthwise, (), ("input", "filter")),
    (
        "DepthwiseConv2dNativeBackpropInput",
        "Input",
        depthwise_backprop_input,
        ("input_sizes",),
        ("filter", "out_backprop"),
    ),
    (
        "DepthwiseConv2dNativeBackpropFilter",
        "Filter",
        depthwise_backprop_filter,
        ("filter_sizes",),
        ("input", "out_backprop"),
    ),
):
    case(
        op,
        convolutions(FLOATS, what, depthwise=True),
        oracle,
        static=static,
        gradients=gradients,
        gradient_samples=convolutions(FLOAT64, what, depthwise=True),
    )


# ---- pooling

REAL = (np.float32, np.float64, np.int32, np.uint8)
NO_EXPLICIT = ("SAME", "VALID")


@st.composite
def pooled(draw, what, dtypes, paddings=NO_EXPLICIT, distinct=False):
    """Images, and what belongs to them; all elements different where a gradient is checked."""
    sizes = [draw(st.integers(1, 5)) for _ in range(2)]
    window = [draw(st.integers(1, 3)) for _ in range(2)]
    attrs = draw_attrs(draw, sizes, window, paddings, False)
    if attrs["data_format"] == "NCHW":
        attrs["ksize"] = [1, 1, *window]
    else:
        attrs["ksize"] = [1, *window, 1]
    dtype = draw(st.sampled_from(dtypes))
    batch, channels = draw(st.integers(0, 2)), draw(st.integers(1, 2))
    image = images(draw, batch, sizes, channels, dtype, attrs["data_format"])
    if distinct:
        order = np.random.default_rng(0).permutation(image.size)
        image = np.asarray(order.reshape(image.shape) * 0.3, dtype)
    out_sizes = output_sizes(sizes, window, attrs)
    grad = images(draw, batch, out_sizes, channels, dtype, attrs["data_format"])
    inputs = {
        "Forward": lambda: [image],
        "Grad": lambda: [image, max_pool(image, **attrs), grad],
        "GradGrad": lambda: [image, max_pool(image, **attrs), image[::-1].copy()],
        "AvgGrad": lambda: [np.array(image.shape, np.int32), grad],
    }
    return Sample(inputs[what](), attrs)


def pooling_window(attrs):
    return spatial(attrs["ksize"], attrs.get("data_format", "NHWC"))


def reduce_windows(input, attrs, start, step):
    """Folds the pixels under each window, in order: `step(so far, pixels, how many so far)`."""
    image = to_nhwc(input, attrs["data_format"])
    window = pooling_window(attrs)
    sizes = output_sizes(image.shape[1:3], window, attrs)
    result = np.full((len(image), *sizes, image.shape[3]), start, image.dtype)
    seen = np.zeros(sizes, int)
    for i, j, _, _, y, x in windows(image.shape[1:3], window, attrs):
        result[:, i, j] = step(result[:, i, j], image[:, y, x], seen[i, j])
        seen[i, j] += 1
    return result, seen


def max_pool(input, **attrs):
    result, _ = reduce_windows(
        input, attrs, 0, lambda best, pixels, n: np.maximum(best, pixels) if n else pixels
    )
    return from_nhwc(result, attrs["data_format"])


def first_of_largest(input, attrs):
    """Yields (i, j, y, x, mask): where the pixel (y, x) is the first largest of window (i, j)."""
    image = to_nhwc(input, attrs["data_format"])
    best = to_nhwc(max_pool(input, **attrs), attrs["data_format"])
    taken = np.zeros(best.shape, bool)
    for i, j, _, _, y, x in windows(image.shape[1:3], pooling_window(attrs), attrs):
        mask = (image[:, y, x] == best[:, i, j]) & ~taken[:, i, j]
        taken[:, i, j] |= mask
        yield i, j, y, x, mask


def max_pool_grad(orig_input, orig_output, grad, **attrs):
    grad = to_nhwc(grad, attrs["data_format"])
    result = np.zeros_like(to_nhwc(orig_input, attrs["data_format"]))
    for i, j, y, x, mask in first_of_largest(orig_input, attrs):
        result[:, y, x] += np.where(mask, grad[:, i, j], 0)
    return from_nhwc(result, attrs["data_format"])


def max_pool_grad_grad(orig_input, orig_output, grad, **attrs):
    grad = to_nhwc(grad, attrs["data_format"])
    result = np.zeros_like(to_nhwc(orig_output, attrs["data_format"]))
    for i, j, y, x, mask in first_of_largest(orig_input, attrs):
        result[:, i, j] += np.where(mask, grad[:, y, x], 0)
    return from_nhwc(result, attrs["data_format"])


def avg_pool(value, **attrs):
    total, seen = reduce_windows(wide(value), attrs, 0, lambda so_far, x, n: so_far + x)
    return from_nhwc(total / seen[..., np.newaxis], attrs["data_format"])


def avg_pool_grad(orig_input_shape, grad, **attrs):
    result = to_nhwc(np.zeros(orig_input_shape), attrs["data_format"])
    grad = to_nhwc(grad, attrs["data_format"])
    cells = list(windows(result.shape[1:3], pooling_window(attrs), attrs))
    for i, j, _, _, y, x in cells:
        share = sum(cell[:2] == (i, j) for cell in cells)
        result[:, y, x] += grad[:, i, j] / share
    return from_nhwc(result, attrs["data_format"])


ALL_PADDINGS = (*NO_EXPLICIT, "EXPLICIT")

case(
    "MaxPool",
    pooled("Forward", REAL, ALL_PADDINGS),
    max_pool,
    gradients=("input",),
    gradient_samples=pooled("Forward", FLOAT64, ALL_PADDINGS, distinct=True),
)
case(
    "MaxPoolGrad",
    pooled("Grad", REAL, ALL_PADDINGS),
    max_pool_grad,
    gradients=("grad",),
    gradient_samples=pooled("Grad", FLOAT64, ALL_PADDINGS, distinct=True),
)
case(
    "MaxPoolGradGrad",
    pooled("GradGrad", REAL),
    max_pool_grad_grad,
    gradients=("grad",),
    gradient_samples=pooled("GradGrad", FLOAT64, distinct=True),
)
case(
    "AvgPool",
    pooled("Forward", FLOATS),
    avg_pool,
    gradients=("value",),
    gradient_samples=pooled("Forward", FLOAT64),
)
case(
    "AvgPoolGrad",
    pooled("AvgGrad", FLOATS),
    avg_pool_grad,
    static=("orig_input_shape",),
    gradients=("grad",),
    gradient_samples=pooled("AvgGrad", FLOAT64),
)


# ---- pooling with places


def flat_places(shape, attrs, places):
    """The number of the element at (n, y, x, c), for arrays of places in one image."""
    if attrs["include_batch_in_index"]:
        return places + (np.arange(shape[0]) * np.prod(shape[1:], dtype=int)).reshape(-1, 1, 1, 1)
    return places


@st.composite
def pooled_with_argmax(draw, what, dtypes, distinct=False):
    sample = draw(pooled("Forward", dtypes, distinct=distinct))
    (image,), attrs = sample.inputs, sample.attrs
    if attrs.pop("data_format") == "NCHW":
        attrs = {**attrs, "ksize": list(np.roll(attrs["ksize"], -1))}
        attrs["strides"] = list(np.roll(attrs["strides"], -1))
        image = np.ascontiguousarray(to_nhwc(image, "NCHW"))
    attrs["include_batch_in_index"] = draw(st.booleans())
    index_type = draw(st.sampled_from([np.int32, np.int64]))
    if what == "Forward":
        return Sample([image], {**attrs, "Targmax": index_type})
    output, argmax = max_pool_with_argmax(image, Targmax=index_type, **attrs)
    if what == "Grad":
        return Sample([image, array(draw, output.shape, image.dtype), argmax], attrs)
    return Sample([image, array(draw, image.shape, image.dtype), argmax], attrs)


def max_pool_with_argmax(input, Targmax, **attrs):
    attrs["data_format"] = "NHWC"
    places = np.zeros(max_pool(input, **attrs).shape, np.int64)
    for i, j, y, x, mask in first_of_largest(input, attrs):
        here = (y * input.shape[2] + x) * input.shape[3] + np.arange(input.shape[3])
        places[:, i, j] += np.where(mask, here, 0)
    return max_pool(input, **attrs), flat_places(input.shape, attrs, places).astype(Targmax)


def by_place(input, argmax, attrs):
    """Yields (index into the pooled image, index into the flat input)."""
    first = 0 if attrs["include_batch_in_index"] else np.prod(input.shape[1:], dtype=int)
    for index in np.ndindex(*argmax.shape):
        yield index, argmax[index] + index[0] * first


def max_pool_grad_with_argmax(input, grad, argmax, **attrs):
    result = np.zeros(input.size, input.dtype)
    for index, place in by_place(input, argmax, attrs):
        result[place] += grad[index]
    return result.reshape(input.shape)


def max_pool_grad_grad_with_argmax(input, grad, argmax, **attrs):
    result = np.zeros(argmax.shape, input.dtype)
    for index, place in by_place(input, argmax, attrs):
        result[index] = grad.ravel()[place]
    return result


case(
    "MaxPoolWithArgmax",
    pooled_with_argmax("Forward", REAL),
    max_pool_with_argmax,
    gradients=("input",),
    gradient_samples=pooled_with_argmax("Forward", FLOAT64, distinct=True),
)
case(
    "MaxPoolGradWithArgmax",
    pooled_with_argmax("Grad", REAL),
    max_pool_grad_with_argmax,
    gradients=("grad",),
    gradient_samples=pooled_with_argmax("Grad", FLOAT64),
)
case(
    "MaxPoolGradGradWithArgmax",
    pooled_with_argmax("GradGrad", REAL),
    max_pool_grad_grad_with_argmax,
    gradients=("grad",),
    gradient_samples=pooled_with_argmax("GradGrad", FLOAT64),
)
