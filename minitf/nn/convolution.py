"""With this module one can convolve in one dim or two, dilated, transposed, or per channel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minitf.framework import errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.scopes import name_scope
from minitf.framework.tensor import Tensor
from minitf.nn.dilation import with_space_to_batch
from minitf.ops import array_ops, nn_ops
from minitf.ops.array_ops.shape_ops import one_of
from minitf.ops.nn_ops.windows import four_values, padding_attrs

# ---- transposed


def conv2d_transpose(
    value: Any = None,
    filter: Any = None,
    output_shape: Any = None,
    strides: Any = None,
    padding: Any = "SAME",
    data_format: str = "NHWC",
    name: str | None = None,
    input: Any = None,
    filters: Any = None,
    dilations: Any = None,
) -> Tensor:
    """Enlarges images by learned filters (mirrors `tf.nn.conv2d_transpose`).

    It is the transpose of `tf.nn.conv2d` as a linear map, that is its gradient: with stride 2 the
    result is twice as high and wide. (It is also called deconvolution, which it is not.)

    Args:
      value: of shape (batch, height, width, channels), or NCHW.
      filter: of shape (height, width, output channels, channels): as for the convolution that
        leads from the result to `value`.
      output_shape: the shape of the result: an integer vector, or a list of ints and scalars. It is
        needed because several sizes lead to the same `value`.
      strides: one int, two for height and width, or four.
      padding: "SAME", "VALID", or four pairs of numbers of zeros.
      data_format: "NHWC" or "NCHW".
      name: the node's name.
      input, filters: other names of `value` and `filter`.
      dilations: in the form of `strides`; all 1 if None.

    Returns:
      A tensor of shape `output_shape`.

    Raises:
      ValueError: if the channels do not fit.
      tf.errors.InvalidArgumentError: if the convolution does not lead from `output_shape` to the
        shape of `value`.

    >>> import minitf as tf
    >>> small = tf.reshape([1.0, 2.0], [1, 1, 2, 1])
    >>> large = tf.nn.conv2d_transpose(small, tf.ones([2, 2, 1, 1]), [1, 2, 4, 1], 2)
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.squeeze(large)))
    [[1. 1. 2. 2.]
     [1. 1. 2. 2.]]
    """
    value = one_of("value", value, "input", input)
    filter = one_of("filter", filter, "filters", filters)
    dilations = 1 if dilations is None else dilations
    with name_scope(name, "conv2d_transpose", [value, filter, output_shape]) as scope:
        result: Tensor = nn_ops.CONV_2D_BACKPROP_INPUT(
            output_shape,
            filter,
            value,
            strides=four_values(strides, "strides", data_format),
            dilations=four_values(dilations, "dilations", data_format),
            data_format=data_format,
            name=scope,
            **padding_attrs(padding),
        )
        return result


def conv1d_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: Any = "SAME",
    data_format: str = "NWC",
    dilations: Any = None,
    name: str | None = None,
) -> Tensor:
    """Lengthens sequences by learned filters (mirrors `tf.nn.conv1d_transpose`).

    Args:
      input: of shape (batch, width, channels), or (batch, channels, width) for "NCW".
      filters: of shape (width, output channels, channels).
      output_shape: the shape of the result: an integer vector.
      strides: an int.
      padding: "SAME" or "VALID".
      data_format: "NWC" or "NCW".
      dilations: an int; 1 if None.
      name: the node's name.

    Returns:
      A tensor of shape `output_shape`.
    """
    with name_scope(name, "conv1d_transpose", [input, filters, output_shape]) as scope:
        layout, axis = _two_dims(data_format)
        axis += 4  # counted from the front
        input = array_ops.expand_dims(input, axis)
        filters = array_ops.expand_dims(filters, 0)
        shape = output_shape if isinstance(output_shape, Tensor) else list(output_shape)
        sizes = array_ops.concat([shape[:axis], [1], shape[axis:]], 0)
        result = nn_ops.conv2d_backprop_input(
            sizes,
            filters,
            input,
            _spread(strides, "strides", layout),
            padding,
            data_format=layout,
            dilations=_spread(1 if dilations is None else dilations, "dilations", layout),
            name=scope,
        )
        return array_ops.squeeze(result, [axis])


# ---- one dim


def conv1d(
    value: Any = None,
    filters: Any = None,
    stride: Any = None,
    padding: Any = None,
    use_cudnn_on_gpu: bool | None = None,
    data_format: str | None = None,
    name: str | None = None,
    input: Any = None,
    dilations: Any = None,
) -> Tensor:
    """Convolves sequences with filters (mirrors `tf.nn.conv1d`).

    It is a two-dimensional convolution of images of height 1.

    Args:
      value: of shape (batch, width, channels), or (batch, channels, width) for "NCW".
      filters: of shape (width, channels, outputs).
      stride: how far the filter moves: an int.
      padding: "SAME" or "VALID".
      use_cudnn_on_gpu: accepted, without effect.
      data_format: "NWC" (the default) or "NCW"; also "NHWC" and "NCHW".
      name: the node's name.
      input: another name of `value`.
      dilations: how far apart the filter's cells are: an int; 1 if None.

    Returns:
      A tensor of shape (batch, output width, outputs), or (batch, outputs, output width).

    Raises:
      ValueError: if the channels do not fit, or `data_format` is none of these.

    >>> import minitf as tf
    >>> sequence = tf.reshape([1.0, 2.0, 4.0], [1, 3, 1])
    >>> sums = tf.nn.conv1d(sequence, tf.ones([2, 1, 1]), stride=1, padding="VALID")
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.squeeze(sums)))
    [3. 6.]
    """
    value = one_of("value", value, "input", input)
    with name_scope(name, "conv1d", [value, filters]) as scope:
        on_gpu = use_cudnn_on_gpu is not False
        return _conv1d(value, filters, stride, padding, data_format, dilations, scope, on_gpu)


def _conv1d(
    value: Any,
    filters: Any,
    stride: Any,
    padding: Any,
    data_format: Any,
    dilations: Any,
    name: str,
    on_gpu: bool = True,
) -> Tensor:
    layout, axis = _two_dims(data_format)
    result = nn_ops.conv2d(
        array_ops.expand_dims(value, axis),
        array_ops.expand_dims(filters, 0),
        _spread(stride, "stride", layout),
        padding,
        use_cudnn_on_gpu=on_gpu,
        data_format=layout,
        dilations=_spread(1 if dilations is None else dilations, "dilations", layout),
        name=name,
    )
    return array_ops.squeeze(result, [axis])


def _two_dims(data_format: str | None) -> tuple[str, int]:
    """The layout of images of height 1, and where the height stands, counted from the end."""
    if data_format in (None, "NHWC", "NWC"):
        return "NHWC", -3
    if data_format in ("NCHW", "NCW"):
        return "NCHW", -2
    raise errors.value_error(
        f"`data_format` must be 'NWC' or 'NCW'. Received: data_format={data_format}"
    )


def _spread(value: Any, name: str, layout: str) -> list[int]:
    """Strides or dilations for all four dims, from one for the width (or three)."""
    values = [int(v) for v in value] if np.ndim(value) else [int(value)]
    if len(values) not in (1, 3):
        raise errors.value_error(
            f"{name} should be of length 1 or 3. Received: {name}={value} of length {len(values)}"
        )
    width = values[0] if len(values) == 1 else values[2 if layout == "NCHW" else 1]
    return [1, 1, 1, width] if layout == "NCHW" else [1, 1, width, 1]


# ---- any number of dims, dilated


def convolution(
    input: Any,
    filter: Any,
    padding: str,
    strides: Any = None,
    dilation_rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    filters: Any = None,
    dilations: Any = None,
) -> Tensor:
    """Convolution in one or two dims, strided or dilated (mirrors `tf.nn.convolution`).

    Args:
      input: of shape (batch, [height,] width, channels), or with the channels second.
      filter: of shape ([height,] width, channels, outputs).
      padding: "SAME" or "VALID".
      strides: an int for each spatial dim; 1 if None.
      dilation_rate: an int for each spatial dim: how far apart the filter's cells are; 1 if None.
        Where it is not 1 the strides must be.
      name: the node's name.
      data_format: "NWC", "NHWC" (the defaults), "NCW" or "NCHW".
      filters, dilations: other names of `filter` and `dilation_rate`.

    Returns:
      A tensor with the filter's outputs as its channels.

    Raises:
      ValueError: if the ranks or channels do not fit, or both strides and dilation are asked for.

    >>> import minitf as tf
    >>> image = tf.reshape(tf.range(9.0), [1, 3, 3, 1])
    >>> corners = tf.nn.convolution(image, tf.ones([2, 2, 1, 1]), "VALID", dilation_rate=[2, 2])
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.squeeze(corners)))
    16.0
    """
    filter = one_of("filter", filter, "filters", filters)
    dilation_rate = one_of("dilation_rate", dilation_rate, "dilations", dilations)
    with name_scope(name, "convolution", [input, filter]) as scope:
        input = convert_to_tensor(input, name="input")
        filter = convert_to_tensor(filter, name="filters")
        count = _spatial_rank(input, filter)
        steps = _per_dim(strides, count, "strides")
        rates = _per_dim(dilation_rate, count, "dilation_rate")
        if max(steps) > 1 and max(rates) > 1:
            raise errors.value_error(
                "`strides > 1` not supported in conjunction with `dilation_rate > 1`. Received: "
                f"strides={steps} and dilation_rate={rates}"
            )

        def dense(images: Tensor, padding: str) -> Tensor:
            if count == 1:
                return _conv1d(images, filter, steps, padding, data_format, 1, scope)
            layout = data_format or "NHWC"
            return nn_ops.conv2d(images, filter, steps, padding, data_format=layout, name=scope)

        if max(rates) == 1 and min(rates) == 1:
            return dense(input, padding)
        return with_space_to_batch(
            input, rates, padding, dense, lambda: _window(filter), _spatial(count, data_format)
        )


def _spatial_rank(input: Tensor, filter: Tensor) -> int:
    rank = filter.shape.ndims if filter.shape.ndims is not None else input.shape.ndims
    if rank is None:
        raise errors.value_error("At least one of `input` and `filter` must have a known rank.")
    if rank not in (3, 4):
        raise errors.value_error(
            f"Only convolutions in one and two dims exist, got a rank of {rank}"
        )
    return rank - 2


def _per_dim(values: Any, count: int, name: str) -> list[int]:
    if values is None:
        return [1] * count
    result = [int(value) for value in values] if np.ndim(values) else [int(values)] * count
    if len(result) == 1:
        result = result * count
    if len(result) != count:
        raise errors.value_error(f"`{name}` must have {count} elements. Received: {name}={values}")
    return result


def _spatial(count: int, data_format: str | None) -> range:
    first = 2 if data_format is not None and data_format.startswith("NC") else 1
    return range(first, first + count)


def _window(filter: Tensor) -> Sequence[int | None]:
    """The static height and width of a filter; the graph gets its whole shape, as TensorFlow's."""
    filter_shape = filter.shape.as_list()
    if None not in filter_shape:
        convert_to_tensor(filter_shape, name="filter_shape")
    return filter_shape[:-2]


def atrous_conv2d(
    value: Any, filters: Any, rate: int, padding: str, name: str | None = None
) -> Tensor:
    """Convolution with a dilated filter: `rate` cells apart (mirrors `tf.nn.atrous_conv2d`).

    Args:
      value: of shape (batch, height, width, channels).
      filters: of shape (height, width, channels, outputs).
      rate: how far apart the filter's cells are.
      padding: "SAME" or "VALID".
      name: the node's name.

    Returns:
      A tensor with the filter's outputs as its channels.

    Raises:
      ValueError: if the rate is not positive or the channels do not fit.
    """
    return convolution(value, filters, padding, dilation_rate=[rate, rate], name=name)


# ---- per channel


def depthwise_conv2d(
    input: Any,
    filter: Any,
    strides: Any,
    padding: Any,
    rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Tensor:
    """Convolves each channel with filters of its own (mirrors `tf.nn.depthwise_conv2d`).

    Args:
      input: of shape (batch, height, width, channels), or NCHW.
      filter: of shape (height, width, channels, multiplier).
      strides: four ints; 1 where `rate` is not.
      padding: "SAME", "VALID", or (without `rate`) four pairs of numbers of zeros.
      rate: two ints: how far apart the filter's cells are; 1 if None.
      name: the node's name.
      data_format: "NHWC" (the default) or "NCHW".
      dilations: another name of `rate`.

    Returns:
      A tensor with channels * multiplier channels.

    Raises:
      ValueError: if the channels do not agree.

    >>> import minitf as tf
    >>> image = tf.reshape([1.0, 2.0], [1, 1, 1, 2])
    >>> filter = tf.reshape([10.0, 100.0, 3.0, 4.0], [1, 1, 2, 2])
    >>> with tf.Session() as sess:
    ...     sess.run(tf.nn.depthwise_conv2d(image, filter, [1, 1, 1, 1], "SAME")).ravel()
    array([ 10., 100.,   6.,   8.], dtype=float32)
    """
    rate = one_of("rate", rate, "dilations", dilations)
    with name_scope(name, "depthwise", [input, filter]) as scope:
        input = convert_to_tensor(input, name="tensor_in")
        filter = convert_to_tensor(filter, name="filter_in")
        return _depthwise(input, filter, strides, padding, rate, data_format, scope)


def _depthwise(
    input: Tensor,
    filter: Tensor,
    strides: Any,
    padding: Any,
    rate: Any,
    data_format: Any,
    name: str,
) -> Tensor:
    array_ops.shape(filter)  # a node that TensorFlow has here

    def dense(images: Tensor, padding: Any) -> Tensor:
        return nn_ops.depthwise_conv2d_native(
            images, filter, strides, padding, data_format=data_format or "NHWC", name=name
        )

    return with_space_to_batch(
        input,
        _per_dim(rate, 2, "rate"),
        padding,
        dense,
        lambda: filter.shape.with_rank(4).as_list()[:2],
        _spatial(2, data_format),
    )


def separable_conv2d(
    input: Any,
    depthwise_filter: Any,
    pointwise_filter: Any,
    strides: Any,
    padding: Any,
    rate: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Tensor:
    """A depthwise convolution, then one that mixes the channels of each pixel.

    Mirrors `tf.nn.separable_conv2d`.

    Args:
      input: of shape (batch, height, width, channels), or NCHW.
      depthwise_filter: of shape (height, width, channels, multiplier).
      pointwise_filter: of shape (1, 1, channels * multiplier, outputs).
      strides: four ints, of the depthwise convolution.
      padding: "SAME", "VALID", or (without `rate`) four pairs of numbers of zeros.
      rate: two ints: how far apart the cells of the depthwise filter are; 1 if None.
      name: the node's name.
      data_format: "NHWC" (the default) or "NCHW".
      dilations: another name of `rate`.

    Returns:
      A tensor with the pointwise filter's outputs as its channels.

    Raises:
      ValueError: if the pointwise filter is not 1 by 1, or channels do not agree.
    """
    rate = one_of("rate", rate, "dilations", dilations)
    values = [input, depthwise_filter, pointwise_filter]
    with name_scope(name, "separable_conv2d", values) as scope:
        input = convert_to_tensor(input, name="tensor_in")
        depthwise_filter = convert_to_tensor(depthwise_filter, name="depthwise_filter")
        pointwise_filter = convert_to_tensor(pointwise_filter, name="pointwise_filter")
        window = pointwise_filter.shape.with_rank(4)[:2]
        if not window.is_compatible_with([1, 1]):
            raise errors.value_error(f"The pointwise filter must be 1 by 1, but is {window}")
        mixed = _depthwise(
            input, depthwise_filter, strides, padding, rate, data_format, "depthwise"
        )
        return nn_ops.conv2d(
            mixed, pointwise_filter, 1, "VALID", data_format=data_format or "NHWC", name=scope
        )
