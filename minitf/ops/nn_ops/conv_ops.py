"""With this module one can convolve images, and propagate gradients through that to any order.

The three ops of this module are one trilinear form in the image, the filter and the output:
each op, and each of its gradients, fixes two of them and solves for the third.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minitf.framework.convert import convert_to_tensor
from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.scopes import name_scope
from minitf.framework.static_value import static_shape_value
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape
from minitf.kernels.workspace import into
from minitf.ops import array_ops
from minitf.ops.array_ops.shape_ops import one_of
from minitf.ops.nn_ops.windows import (
    DATA_FORMAT,
    EXPLICIT_PADDINGS,
    PADDING,
    Window,
    check_rank_4,
    four_dims,
    four_values,
    kept_window,
    padding_attrs,
    same_dim,
    sizes_of_filter,
)

_ATTRS = (
    "strides: list(int)",
    "use_cudnn_on_gpu: bool = true",
    PADDING,
    EXPLICIT_PADDINGS,
    DATA_FORMAT,
    "dilations: list(int) = [1, 1, 1, 1]",
)
# What a convolution and its gradients have in common: all but T.
_SHARED = tuple(text.partition(":")[0] for text in _ATTRS)


def _shared_attrs(op: Operation) -> dict[str, Any]:
    return {name: op._attrs[name] for name in _SHARED}


def _groups(in_depth: int, filter_shape: Sequence[int], out_depth: int) -> int:
    """How many groups of channels there are.

    A filter with fewer input channels than the image divides the channels of both images into
    groups, each of which is convolved with its own part of the filter.

    Raises:
      ValueError: if the channels do not fit the filter.
    """
    filter_depth, filter_outputs = filter_shape[2:]
    if 0 in filter_shape[:3]:
        raise ValueError(
            "filter must not have zero elements (i.e. all dimensions must be non-zero), got "
            f"{list(filter_shape)}"
        )
    if in_depth % filter_depth:
        raise ValueError(
            f"input depth must be evenly divisible by filter depth: {in_depth} vs {filter_depth}"
        )
    groups = in_depth // filter_depth
    if groups == 0 or filter_outputs % groups:
        raise ValueError(
            "output depth must be evenly divisible by number of groups: "
            f"{filter_outputs} vs {groups}"
        )
    if out_depth != filter_outputs:
        raise ValueError(
            "out_backprop must have as many channels as the filter has outputs: "
            f"{out_depth} vs {filter_outputs}"
        )
    return groups


def _parts(array: Any, groups: int) -> list[Any]:
    """The channels (the last dim) of an array in equal parts, each contiguous."""
    if groups == 1:
        return [array]
    return [np.ascontiguousarray(part) for part in np.split(array, groups, axis=-1)]


# ---- Conv2D

CONV_2D = op_def(
    "Conv2D(input: T, filter: T) -> (output: T)",
    "T: {float16, float32, float64, int32}",
    *_ATTRS,
)


@CONV_2D.shape
def conv2d_shape(op: Operation) -> list[TensorShape]:
    window = Window.of(op)
    batch, in_depth, sizes = window.split(four_dims(op.inputs[0].shape))
    rows, columns, filter_depth, out_depth = four_dims(op.inputs[1].shape)
    _check_depths(in_depth, filter_depth, out_depth)
    return [window.join(batch, out_depth, window.output_sizes(sizes, (rows, columns)))]


def _check_depths(in_depth: int | None, filter_depth: int | None, out_depth: int | None) -> None:
    if filter_depth == 0:
        raise ValueError("Depth of filter must not be 0")
    if in_depth is None or filter_depth is None:
        return
    if in_depth % filter_depth:
        raise ValueError(
            f"Depth of input ({in_depth}) is not a multiple of input depth of filter "
            f"({filter_depth})"
        )
    groups = in_depth // filter_depth
    if out_depth is not None and groups and out_depth % groups:
        raise ValueError(
            f"Depth of output ({out_depth}) is not a multiple of the number of groups ({groups})"
        )


@CONV_2D.kernel
def conv2d_kernel(
    input: Any,
    filter: Any,
    *,
    strides: Any,
    padding: str,
    explicit_paddings: Any,
    data_format: str,
    dilations: Any,
    out: Any = None,
) -> Any:
    from minitf.kernels import conv

    check_rank_4(input, "input")
    check_rank_4(filter, "filter")
    window = kept_window(strides, padding, data_format, explicit_paddings, dilations)
    window.check_planar("Striding or dilating")
    image = window.to_nhwc(input)
    groups = _groups(image.shape[3], filter.shape, filter.shape[3])
    keywords = window.keywords(image.shape[1:3], filter.shape)
    keywords |= {"dilations": window.dilations, "out": _whole(out, groups, window.is_nchw)}
    parts = [
        conv.conv2d(part, part_filter, **keywords)
        for part, part_filter in zip(_parts(image, groups), _parts(filter, groups), strict=True)
    ]
    return into(out, window.from_nhwc(_joined(parts)))


def _whole(out: Any, groups: int, is_nchw: bool = False) -> Any:
    """Where the only part is to go; None if it is put together, or transposed, later."""
    return out if groups == 1 and not is_nchw else None


def _joined(parts: list[Any]) -> Any:
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)


@CONV_2D.gradient
def conv2d_gradient(op: Operation, grad: Tensor) -> Any:
    image, filter = op.inputs
    attrs = _shared_attrs(op)
    return (
        lambda: CONV_2D_BACKPROP_INPUT(array_ops.shape(image), filter, grad, **attrs),
        lambda: CONV_2D_BACKPROP_FILTER(image, array_ops.shape(filter), grad, **attrs),
    )


def conv2d(
    input: Any,
    filter: Any = None,
    strides: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
    filters: Any = None,
) -> Tensor:
    """Convolves images with filters (mirrors `tf.nn.conv2d`).

    With `padded` the input with zeros around it:

        output[n, i, j, k] = sum over r, s, c of
            padded[n, i * stride + r * dilation, j * stride + s * dilation, c] * filter[r, s, c, k]

    Args:
      input: of shape (batch, height, width, channels), or (batch, channels, height, width) if
        `data_format` is "NCHW". Further dims in front are taken as a larger batch.
      filter: of shape (height, width, channels, outputs). With fewer channels than the input,
        the channels are convolved in groups.
      strides: how far the filter moves: one int, two for height and width, or four for all dims,
        of which those of batch and channels must be 1.
      padding: "SAME" (the output is as large as the input divided by the stride), "VALID" (no
        padding), or four pairs of numbers of zeros, one pair for each dim.
      use_cudnn_on_gpu: accepted, without effect.
      data_format: "NHWC" or "NCHW".
      dilations: how far apart the filter's cells are; in the form of `strides`.
      name: the node's name.
      filters: another name of `filter`.

    Returns:
      A tensor of the dtype of `input`, with the filter's outputs as its channels.

    Raises:
      TypeError: if the dtypes differ or are not floating (or int32).
      ValueError: if the filter is larger than the padded input, or the channels do not fit.

    >>> import minitf as tf
    >>> image = tf.reshape(tf.range(9.0), [1, 3, 3, 1])
    >>> sums = tf.nn.conv2d(image, tf.ones([2, 2, 1, 1]), strides=[1, 1, 1, 1], padding="VALID")
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.squeeze(sums)))
    [[ 8. 12.]
     [20. 24.]]
    """
    filter = one_of("filter", filter, "filters", filters)
    attrs = padding_attrs(padding)
    attrs["strides"] = four_values(strides, "strides", data_format)
    attrs["dilations"] = four_values(dilations, "dilations", data_format)
    attrs.update(use_cudnn_on_gpu=use_cudnn_on_gpu, data_format=data_format)
    if _has_several_batch_dims(input):
        with name_scope(name, "squeeze_batch_dims", [input]):
            return _on_flat_batch(input, lambda images: CONV_2D(images, filter, **attrs))
    tensor: Tensor = CONV_2D(input, filter, name=name, **attrs)
    return tensor


def _has_several_batch_dims(images: Any) -> bool:
    shape = getattr(images, "shape", None)
    rank = shape.ndims if isinstance(shape, TensorShape) else np.ndim(images)
    return rank is not None and rank > 4


def _on_flat_batch(input: Any, function: Callable[[Tensor], Tensor]) -> Tensor:
    """Applies a function of images to a tensor with several batch dims."""
    input = convert_to_tensor(input, name="input")
    batch_dims = _known_or_dynamic(input, slice(None, -3))
    image_dims = _known_or_dynamic(input, slice(-3, None))
    if isinstance(image_dims, TensorShape):
        flat_shape: Any = [-1, *image_dims.as_list()]
    else:
        flat_shape = array_ops.concat([[-1], image_dims], axis=-1)
    output = function(array_ops.reshape(input, flat_shape))
    output_dims = _known_or_dynamic(output, slice(-3, None))
    return array_ops.reshape(output, array_ops.concat([batch_dims, output_dims], axis=-1))


def _known_or_dynamic(tensor: Tensor, part: slice) -> Any:
    """Part of a shape: statically if it is fully known, else as a tensor."""
    known = tensor.shape[part]
    return known if known.is_fully_defined() else array_ops.shape(tensor)[part]


# ---- Conv2DBackpropInput

CONV_2D_BACKPROP_INPUT = op_def(
    "Conv2DBackpropInput(input_sizes: int32, filter: T, out_backprop: T) -> (output: T)",
    "T: {float16, float32, float64, int32}",
    *_ATTRS,
)


@CONV_2D_BACKPROP_INPUT.shape
def conv2d_backprop_input_shape(op: Operation) -> list[TensorShape]:
    window = Window.of(op)
    filter_dims = four_dims(op.inputs[1].shape)
    batch, out_depth, _ = window.split(four_dims(op.inputs[2].shape))
    same_dim(out_depth, filter_dims[3])
    wanted = static_shape_value(op.inputs[0])
    if wanted.ndims not in (None, 4):
        raise ValueError(
            f"Conv2DBackpropInput requires input_sizes to contain 4 values, but got: {wanted.ndims}"
        )
    asked_batch, depth, sizes = window.split(four_dims(wanted))
    same_dim(batch, asked_batch)
    return [window.join(batch, depth, sizes)]


@CONV_2D_BACKPROP_INPUT.kernel
def conv2d_backprop_input_kernel(
    input_sizes: Any,
    filter: Any,
    out_backprop: Any,
    *,
    strides: Any,
    padding: str,
    explicit_paddings: Any,
    data_format: str,
    dilations: Any,
    out: Any = None,
) -> Any:
    from minitf.kernels import conv

    check_rank_4(out_backprop, "out_backprop")
    check_rank_4(filter, "filter")
    window = kept_window(strides, padding, data_format, explicit_paddings, dilations)
    window.check_planar("Striding or dilating")
    grad = window.to_nhwc(out_backprop)
    batch, *sizes, in_depth = window.nhwc_shape(input_sizes, "input_sizes")
    if batch != grad.shape[0]:
        raise ValueError(
            f"input_sizes and out_backprop must have the same batch size: {batch} vs "
            f"{grad.shape[0]}"
        )
    groups = _groups(in_depth, filter.shape, grad.shape[3])
    window.check_output(sizes, filter.shape, grad.shape[1:3])
    keywords = window.keywords(sizes, filter.shape)
    keywords |= {"dilations": window.dilations, "out": _whole(out, groups, window.is_nchw)}
    shape = (batch, *sizes, in_depth // groups)
    parts = [
        conv.conv2d_backprop_input(shape, part_filter, part, **keywords)
        for part_filter, part in zip(_parts(filter, groups), _parts(grad, groups), strict=True)
    ]
    return into(out, window.from_nhwc(_joined(parts)))


@CONV_2D_BACKPROP_INPUT.gradient
def conv2d_backprop_input_gradient(op: Operation, grad: Tensor) -> Any:
    _, filter, out_backprop = op.inputs
    attrs = _shared_attrs(op)
    return (
        None,
        lambda: CONV_2D_BACKPROP_FILTER(grad, array_ops.shape(filter), out_backprop, **attrs),
        lambda: CONV_2D(grad, filter, **attrs),
    )


def conv2d_backprop_input(
    input_sizes: Any,
    filter: Any = None,
    out_backprop: Any = None,
    strides: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
    filters: Any = None,
) -> Tensor:
    """The gradient of a convolution by its input (mirrors `tf.nn.conv2d_backprop_input`).

    Args:
      input_sizes: the shape of the convolution's input, an integer vector.
      filter, use_cudnn_on_gpu, data_format, filters: as in `tf.nn.conv2d`.
      out_backprop: the gradient by the convolution's output.
      strides, dilations: as in `tf.nn.conv2d`, four ints.
      padding: as in `tf.nn.conv2d`.
      name: the node's name.

    Returns:
      A tensor of the shape `input_sizes`.

    Raises:
      tf.errors.InvalidArgumentError: if the shapes are not those of one convolution.
    """
    filter = one_of("filter", filter, "filters", filters)
    tensor: Tensor = CONV_2D_BACKPROP_INPUT(
        input_sizes,
        filter,
        out_backprop,
        strides=strides,
        use_cudnn_on_gpu=use_cudnn_on_gpu,
        data_format=data_format,
        dilations=dilations,
        name=name,
        **padding_attrs(padding),
    )
    return tensor


# ---- Conv2DBackpropFilter

CONV_2D_BACKPROP_FILTER = op_def(
    "Conv2DBackpropFilter(input: T, filter_sizes: int32, out_backprop: T) -> (output: T)",
    "T: float",
    *_ATTRS,
)


@CONV_2D_BACKPROP_FILTER.shape
def conv2d_backprop_filter_shape(op: Operation) -> list[TensorShape]:
    window = Window.of(op)
    four_dims(op.inputs[0].shape)
    _, out_depth, _ = window.split(four_dims(op.inputs[2].shape))
    rows, columns, depth, outputs = four_dims(static_shape_value(op.inputs[1]))
    return [TensorShape([rows, columns, depth, same_dim(outputs, out_depth)])]


@CONV_2D_BACKPROP_FILTER.kernel
def conv2d_backprop_filter_kernel(
    input: Any,
    filter_sizes: Any,
    out_backprop: Any,
    *,
    strides: Any,
    padding: str,
    explicit_paddings: Any,
    data_format: str,
    dilations: Any,
    out: Any = None,
) -> Any:
    from minitf.kernels import conv

    check_rank_4(input, "input")
    check_rank_4(out_backprop, "out_backprop")
    window = kept_window(strides, padding, data_format, explicit_paddings, dilations)
    window.check_planar("Striding or dilating")
    image, grad = window.to_nhwc(input), window.to_nhwc(out_backprop)
    filter_shape = sizes_of_filter(filter_sizes)
    groups = _groups(image.shape[3], filter_shape, grad.shape[3])
    if image.shape[0] != grad.shape[0]:
        raise ValueError(
            f"input and out_backprop must have the same batch size: {image.shape[0]} vs "
            f"{grad.shape[0]}"
        )
    window.check_output(image.shape[1:3], filter_shape, grad.shape[1:3])
    keywords = window.keywords(image.shape[1:3], filter_shape)
    keywords |= {"dilations": window.dilations, "out": _whole(out, groups)}
    shape = (*filter_shape[:3], filter_shape[3] // groups)
    parts = [
        conv.conv2d_backprop_filter(part, shape, part_grad, **keywords)
        for part, part_grad in zip(_parts(image, groups), _parts(grad, groups), strict=True)
    ]
    return into(out, _joined(parts))


@CONV_2D_BACKPROP_FILTER.gradient
def conv2d_backprop_filter_gradient(op: Operation, grad: Tensor) -> Any:
    image, _, out_backprop = op.inputs
    attrs = _shared_attrs(op)
    return (
        lambda: CONV_2D_BACKPROP_INPUT(array_ops.shape(image), grad, out_backprop, **attrs),
        None,
        lambda: CONV_2D(image, grad, **attrs),
    )


def conv2d_backprop_filter(
    input: Any,
    filter_sizes: Any,
    out_backprop: Any,
    strides: Any,
    padding: Any,
    use_cudnn_on_gpu: bool = True,
    data_format: str = "NHWC",
    dilations: Any = (1, 1, 1, 1),
    name: str | None = None,
) -> Tensor:
    """The gradient of a convolution by its filter (mirrors `tf.nn.conv2d_backprop_filter`).

    Args:
      input, use_cudnn_on_gpu, data_format: as in `tf.nn.conv2d`.
      filter_sizes: the shape of the convolution's filter, an integer vector.
      out_backprop: the gradient by the convolution's output.
      strides, dilations: as in `tf.nn.conv2d`, four ints.
      padding: as in `tf.nn.conv2d`.
      name: the node's name.

    Returns:
      A tensor of the shape `filter_sizes`.

    Raises:
      tf.errors.InvalidArgumentError: if the shapes are not those of one convolution.
    """
    tensor: Tensor = CONV_2D_BACKPROP_FILTER(
        input,
        filter_sizes,
        out_backprop,
        strides=strides,
        use_cudnn_on_gpu=use_cudnn_on_gpu,
        data_format=data_format,
        dilations=dilations,
        name=name,
        **padding_attrs(padding),
    )
    return tensor
