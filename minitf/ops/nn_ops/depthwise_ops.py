"""With this module one can convolve each channel of an image with filters of its own."""

from __future__ import annotations

from typing import Any

from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.static_value import static_shape_value
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, shape_of_dims
from minitf.ops import array_ops
from minitf.ops.nn_ops.windows import (
    DATA_FORMAT,
    EXPLICIT_PADDINGS,
    PADDING,
    Window,
    check_rank_4,
    four_dims,
    padding_attrs,
    same_dim,
    sizes_of_filter,
)

_ATTRS = (
    "T: float",
    "strides: list(int)",
    PADDING,
    EXPLICIT_PADDINGS,
    DATA_FORMAT,
    "dilations: list(int) = [1, 1, 1, 1]",
)
_SHARED = ("strides", "padding", "explicit_paddings", "data_format", "dilations")


def _shared_attrs(op: Operation) -> dict[str, Any]:
    """The attributes that a convolution and its gradients have in common."""
    return {name: op._attrs[name] for name in _SHARED}


def _window_of(
    strides: Any, padding: str, explicit_paddings: Any, data_format: str, dilations: Any
) -> Window:
    window = Window(
        strides, padding, data_format, explicit_paddings=explicit_paddings, dilations=dilations
    )
    window.check_planar("Striding or dilating")
    return window


# ---- DepthwiseConv2dNative

DEPTHWISE_CONV_2D_NATIVE = op_def(
    "DepthwiseConv2dNative(input: T, filter: T) -> (output: T)", *_ATTRS
)


@DEPTHWISE_CONV_2D_NATIVE.shape
def depthwise_conv2d_shape(op: Operation) -> list[TensorShape]:
    window = Window.of(op)
    batch, depth, sizes = window.split(four_dims(op.inputs[0].shape))
    rows, columns, filter_depth, multiplier = four_dims(op.inputs[1].shape)
    depth = same_dim(depth, filter_depth)
    outputs = None if depth is None or multiplier is None else depth * multiplier
    return [window.join(batch, outputs, window.output_sizes(sizes, (rows, columns)))]


@DEPTHWISE_CONV_2D_NATIVE.kernel
def depthwise_conv2d_kernel(
    input: Any,
    filter: Any,
    *,
    strides: Any,
    padding: str,
    explicit_paddings: Any,
    data_format: str,
    dilations: Any,
) -> Any:
    from minitf.kernels import depthwise

    check_rank_4(input, "input")
    check_rank_4(filter, "filter")
    window = _window_of(strides, padding, explicit_paddings, data_format, dilations)
    image = window.to_nhwc(input)
    keywords = window.keywords(image.shape[1:3], filter.shape)
    return window.from_nhwc(
        depthwise.depthwise_conv2d(image, filter, dilations=window.dilations, **keywords)
    )


@DEPTHWISE_CONV_2D_NATIVE.gradient
def depthwise_conv2d_gradient(op: Operation, grad: Tensor) -> Any:
    image, filter = op.inputs
    attrs = _shared_attrs(op)
    return (
        DEPTHWISE_CONV_2D_BACKPROP_INPUT(array_ops.shape(image), filter, grad, **attrs),
        DEPTHWISE_CONV_2D_BACKPROP_FILTER(image, array_ops.shape(filter), grad, **attrs),
    )


def depthwise_conv2d_native(
    input: Any,
    filter: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
) -> Tensor:
    """Convolves each channel with its own filters (mirrors `tf.nn.depthwise_conv2d_native`).

        output[n, i, j, c * multiplier + m] = sum over r, s of
            padded[n, i * stride + r * dilation, j * stride + s * dilation, c] * filter[r, s, c, m]

    Args:
      input: of shape (batch, height, width, channels), or NCHW.
      filter: of shape (height, width, channels, multiplier).
      strides: four ints, of which those of batch and channels must be 1.
      padding: "SAME", "VALID", or four pairs of numbers of zeros.
      data_format: "NHWC" or "NCHW".
      dilations: four ints: how far apart the filter's cells are.
      name: the node's name.

    Returns:
      A tensor with channels * multiplier channels.

    Raises:
      ValueError: if the channels do not agree, or the filter is larger than the padded input.
    """
    result: Tensor = DEPTHWISE_CONV_2D_NATIVE(
        input,
        filter,
        strides=strides,
        data_format=data_format,
        dilations=dilations,
        name=name,
        **padding_attrs(padding),
    )
    return result


# ---- DepthwiseConv2dNativeBackpropInput

DEPTHWISE_CONV_2D_BACKPROP_INPUT = op_def(
    "DepthwiseConv2dNativeBackpropInput(input_sizes: int32, filter: T, out_backprop: T)"
    " -> (output: T)",
    *_ATTRS,
)


@DEPTHWISE_CONV_2D_BACKPROP_INPUT.shape
def depthwise_backprop_input_shape(op: Operation) -> list[TensorShape]:
    return [shape_of_dims(four_dims(static_shape_value(op.inputs[0])))]


@DEPTHWISE_CONV_2D_BACKPROP_INPUT.kernel
def depthwise_backprop_input_kernel(
    input_sizes: Any,
    filter: Any,
    out_backprop: Any,
    *,
    strides: Any,
    padding: str,
    explicit_paddings: Any,
    data_format: str,
    dilations: Any,
) -> Any:
    from minitf.kernels import depthwise

    check_rank_4(filter, "filter")
    check_rank_4(out_backprop, "out_backprop")
    window = _window_of(strides, padding, explicit_paddings, data_format, dilations)
    grad = window.to_nhwc(out_backprop)
    shape = window.nhwc_shape(input_sizes, "input_sizes")
    window.check_output(shape[1:3], filter.shape, grad.shape[1:3])
    keywords = window.keywords(shape[1:3], filter.shape)
    return window.from_nhwc(
        depthwise.depthwise_conv2d_backprop_input(
            shape, filter, grad, dilations=window.dilations, **keywords
        )
    )


@DEPTHWISE_CONV_2D_BACKPROP_INPUT.gradient
def depthwise_backprop_input_gradient(op: Operation, grad: Tensor) -> Any:
    _, filter, out_backprop = op.inputs
    attrs = _shared_attrs(op)
    return (
        None,
        DEPTHWISE_CONV_2D_BACKPROP_FILTER(grad, array_ops.shape(filter), out_backprop, **attrs),
        DEPTHWISE_CONV_2D_NATIVE(grad, filter, **attrs),
    )


def depthwise_conv2d_native_backprop_input(
    input_sizes: Any,
    filter: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
) -> Tensor:
    """The gradient of a depthwise convolution by its input.

    Mirrors `tf.nn.depthwise_conv2d_native_backprop_input`.

    Args:
      input_sizes: the shape of the input, an integer vector.
      filter, strides, padding, data_format, dilations: as in the convolution.
      out_backprop: the gradient by the convolution's output.
      name: the node's name.

    Returns:
      A tensor of the shape `input_sizes`.
    """
    result: Tensor = DEPTHWISE_CONV_2D_BACKPROP_INPUT(
        input_sizes,
        filter,
        out_backprop,
        strides=strides,
        data_format=data_format,
        dilations=dilations,
        name=name,
        **padding_attrs(padding),
    )
    return result


# ---- DepthwiseConv2dNativeBackpropFilter

DEPTHWISE_CONV_2D_BACKPROP_FILTER = op_def(
    "DepthwiseConv2dNativeBackpropFilter(input: T, filter_sizes: int32, out_backprop: T)"
    " -> (output: T)",
    *_ATTRS,
)


@DEPTHWISE_CONV_2D_BACKPROP_FILTER.shape
def depthwise_backprop_filter_shape(op: Operation) -> list[TensorShape]:
    return [shape_of_dims(four_dims(static_shape_value(op.inputs[1])))]


@DEPTHWISE_CONV_2D_BACKPROP_FILTER.kernel
def depthwise_backprop_filter_kernel(
    input: Any,
    filter_sizes: Any,
    out_backprop: Any,
    *,
    strides: Any,
    padding: str,
    explicit_paddings: Any,
    data_format: str,
    dilations: Any,
) -> Any:
    from minitf.kernels import depthwise

    check_rank_4(input, "input")
    check_rank_4(out_backprop, "out_backprop")
    window = _window_of(strides, padding, explicit_paddings, data_format, dilations)
    image, grad = window.to_nhwc(input), window.to_nhwc(out_backprop)
    shape = sizes_of_filter(filter_sizes)
    window.check_output(image.shape[1:3], shape, grad.shape[1:3])
    keywords = window.keywords(image.shape[1:3], shape)
    return depthwise.depthwise_conv2d_backprop_filter(
        image, shape, grad, dilations=window.dilations, **keywords
    )


@DEPTHWISE_CONV_2D_BACKPROP_FILTER.gradient
def depthwise_backprop_filter_gradient(op: Operation, grad: Tensor) -> Any:
    image, _, out_backprop = op.inputs
    attrs = _shared_attrs(op)
    return (
        DEPTHWISE_CONV_2D_BACKPROP_INPUT(array_ops.shape(image), grad, out_backprop, **attrs),
        None,
        DEPTHWISE_CONV_2D_NATIVE(image, grad, **attrs),
    )


def depthwise_conv2d_native_backprop_filter(
    input: Any,
    filter_sizes: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
) -> Tensor:
    """The gradient of a depthwise convolution by its filter.

    Mirrors `tf.nn.depthwise_conv2d_native_backprop_filter`.

    Args:
      input, strides, padding, data_format, dilations: as in the convolution.
      filter_sizes: the shape of the filter, an integer vector.
      out_backprop: the gradient by the convolution's output.
      name: the node's name.

    Returns:
      A tensor of the shape `filter_sizes`.
    """
    result: Tensor = DEPTHWISE_CONV_2D_BACKPROP_FILTER(
        input,
        filter_sizes,
        out_backprop,
        strides=strides,
        data_format=data_format,
        dilations=dilations,
        name=name,
        **padding_attrs(padding),
    )
    return result
