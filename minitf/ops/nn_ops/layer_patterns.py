"""With this module a layer of a network (convolution, bias, relu, pool) runs as one kernel.

Nothing here is an op that a graph can have. These are the patterns that the pass
`runtime.passes.layers` looks for, and what runs in their place: see `kernels.fused` and
`kernels.pool2x2`, which keep what the separate kernels pass on in the cache of a core.

The bits are those of the separate kernels as long as gradients are finite. (ReluGrad multiplies the
gradient by zero where the relu was not active, which makes NaN of an infinite one. Here it is 0.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from minitf.framework.patterns import pattern, pattern_op
from minitf.kernels.padding import Pair
from minitf.ops.nn_ops.windows import Window, check_rank_4, sizes_of_filter

_T = "T: {float32, float64}"

# ---- forward

CONVOLVE_BIAS_RELU = pattern_op("ConvolveBiasRelu(input: T, filter: T, bias: T) -> (output: T)", _T)


@CONVOLVE_BIAS_RELU.kernel
def convolve_bias_relu_kernel(
    input: Any, filter: Any, bias: Any, *, window: Window, out: Any = None
) -> Any:
    from minitf.kernels import fused

    keywords = _convolution(input, filter, bias, window)
    return fused.conv2d_bias_relu(input, filter, bias, **keywords, out=out)


CONVOLVE_BIAS_RELU_MAX_POOL = pattern_op(
    "ConvolveBiasReluMaxPool(input: T, filter: T, bias: T) -> (output: T, which: uint8)", _T
)


@CONVOLVE_BIAS_RELU_MAX_POOL.kernel
def convolve_bias_relu_max_pool_kernel(
    input: Any, filter: Any, bias: Any, *, window: Window, pool: Window, out: Any = None
) -> Any:
    from minitf.kernels import fused

    keywords = _convolution(input, filter, bias, window)
    sizes = window.output_sizes(input.shape[1:3], filter.shape[:2])
    keywords["pool_padding"] = pool.keywords([n or 0 for n in sizes], pool.ksize)["padding"]
    output, which = out or (None, None)
    return fused.conv2d_bias_relu_max_pool(input, filter, bias, **keywords, out=output, which=which)


def _convolution(input: Any, filter: Any, bias: Any, window: Window) -> dict[str, Any]:
    """What tells the kernel how the window slides, once everything is known to fit."""
    check_rank_4(input, "input")
    check_rank_4(filter, "filter")
    if bias.shape != filter.shape[3:]:
        raise ValueError(
            f"Must provide as many biases as there are output channels: {list(bias.shape)} vs. "
            f"{list(filter.shape[3:])}"
        )
    keywords = window.keywords(input.shape[1:3], filter.shape)
    return {"dilations": window.dilations, **keywords}


# ---- backward

BIAS_RELU_MAX_POOL_GRAD = pattern_op(
    "BiasReluMaxPoolGrad(grad: T, which: uint8) -> (output: T, bias: T)", _T
)


@BIAS_RELU_MAX_POOL_GRAD.kernel
def bias_relu_max_pool_grad_kernel(grad: Any, which: Any, *, size: Pair, out: Any = None) -> Any:
    from minitf.kernels import pool2x2

    _check_grad(grad, which)
    output, bias = out or (None, None)
    shape = (len(grad), *size, grad.shape[3])
    return pool2x2.bias_relu_max_pool_2x2_grad(grad, which, shape, out=output, bias_out=bias)


FILTER_BIAS_RELU_MAX_POOL_GRAD = pattern_op(
    "FilterBiasReluMaxPoolGrad(grad: T, which: uint8, input: T) -> (filter: T, bias: T)", _T
)


@FILTER_BIAS_RELU_MAX_POOL_GRAD.kernel
def filter_bias_relu_max_pool_grad_kernel(
    grad: Any,
    which: Any,
    input: Any,
    *,
    filter_shape: Sequence[int],
    size: Pair,
    window: Window,
    out: Any = None,
) -> Any:
    from minitf.kernels import fused

    _check_grad(grad, which)
    filter, bias = out or (None, None)
    return fused.conv2d_backprop_filter_through_pool(
        input,
        filter_shape,
        grad,
        which,
        size,
        dilations=window.dilations,
        **window.keywords(input.shape[1:3], filter_shape),
        out=filter,
        bias_out=bias,
    )


def _check_grad(grad: Any, which: Any) -> None:
    if grad.shape != which.shape:
        raise ValueError(
            f"Expected grad shape to be {list(which.shape)}, but got: {list(grad.shape)}"
        )


# ---- where they suit

Nodes = Mapping[str, Any]
Values = Mapping[str, Any]

_CONV_ATTRS = ("strides", "padding", "explicit_paddings", "data_format", "dilations")
_POOL_ATTRS = ("ksize", "strides", "padding", "data_format")
_PAIRWISE: tuple[Pair, Pair] = ((2, 2), (2, 2))


def _suits_forward(nodes: Nodes, values: Values) -> dict[str, Any] | None:
    """The attributes of a convolution with a bias for each channel, and of a 2x2 pool if any."""
    from minitf.kernels import conv, fused

    filter_shape, images = values["w"].shape._dims, values["x"].shape._dims
    if filter_shape is None or None in filter_shape or images is None:
        return None
    window, dtype = Window.of(nodes["y"].op), values["y"].dtype.as_numpy_dtype
    fits = (
        _is_nhwc(window)
        and images[3] == filter_shape[2]  # else the channels are convolved in groups
        and values["b"].shape._dims == filter_shape[3:]
        and nodes["z"].attrs.get("data_format") != "NCHW"
        and fused.suits(conv.FORWARD, dtype, filter_shape, window.strides)
    )
    if not fits:
        return None
    if "p" not in nodes:
        return {"window": window}
    pool = Window.of(nodes["p"].op)
    if not _is_nhwc(pool) or pool.explicit is not None or (pool.ksize, pool.strides) != _PAIRWISE:
        return None
    return {"window": window, "pool": pool}


def _suits_training(nodes: Nodes, values: Values) -> dict[str, Any] | None:
    """The attributes of a layer and of its gradient, up to the convolution's output."""
    attrs = _suits_forward(nodes, values)
    if attrs is None or not _same_attrs(nodes["p"], nodes["q"], _POOL_ATTRS):
        return None
    size = values["y"].shape._dims[1:3]
    if None in size or not _sums_by_channel(nodes["db"]):
        return None
    return attrs | {"size": size}


def _suits_training_first(nodes: Nodes, values: Values) -> dict[str, Any] | None:
    """The attributes of a first layer and of its gradients, where the images need none."""
    from minitf.kernels import conv, fused

    attrs, sizes = _suits_training(nodes, values), values["sizes"].constant
    if attrs is None or sizes is None or not _same_attrs(nodes["y"], nodes["dw"], _CONV_ATTRS):
        return None
    filter_shape, dtype = sizes_of_filter(sizes), values["y"].dtype.as_numpy_dtype
    if not fused.suits(conv.FILTER_GRADIENT, dtype, filter_shape, attrs["window"].strides):
        return None
    return attrs | {"filter_shape": filter_shape}


def _is_nhwc(window: Window) -> bool:
    return window.is_planar and not window.is_nchw


def _same_attrs(one: Any, other: Any, names: Sequence[str]) -> bool:
    return all(one.attrs[name] == other.attrs[name] for name in names)


def _sums_by_channel(node: Any) -> bool:
    """Whether a sum is over everything but the channels."""
    if len(node.inputs) == 1:
        return bool(node.attrs["data_format"] == "NHWC")
    axes = node.inputs[1].constant
    return axes is not None and not node.attrs["keep_dims"] and sorted(axes.ravel()) == [0, 1, 2]


# ---- patterns

_FORWARD = """
    y = Conv2D(x, w)
    z = BiasAdd(y, b) | AddV2(y, b)
    r = Relu(z)
"""
_POOL = "    p = MaxPool(r)\n"
_BACKWARD = """\
    q = MaxPoolGrad(r, p, g)
    d = ReluGrad(q, r)
    db = BiasAddGrad(d) | Sum(d, axes)
"""
_FILTER = "    dw = Conv2DBackpropFilter(x, sizes, d)\n"

pattern(
    _FORWARD + _POOL + _BACKWARD + _FILTER,
    """
    p, which = ConvolveBiasReluMaxPool(x, w, b)
    dw, db = FilterBiasReluMaxPoolGrad(g, which, x)
    """,
    suits=_suits_training_first,
)
pattern(
    _FORWARD + _POOL + _BACKWARD,
    """
    p, which = ConvolveBiasReluMaxPool(x, w, b)
    d, db = BiasReluMaxPoolGrad(g, which)
    """,
    suits=_suits_training,
)
pattern(
    _FORWARD + _POOL,
    "p, which = ConvolveBiasReluMaxPool(x, w, b)",
    suits=_suits_forward,
)
pattern(
    _FORWARD,
    "r = ConvolveBiasRelu(x, w, b)",
    suits=_suits_forward,
)
