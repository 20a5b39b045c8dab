"""With this module one can convolve each channel of images on its own, with gradients.

    output[n, i, j, c * multiplier + m] = sum over r, s of
        padded[n, i * stride + r * dilation, j * stride + s * dilation, c] * filter[r, s, c, m]

With few multiply-adds for each number read there is nothing to gain from matrix products: these
are plain loops. They know one filter for each channel; a multiplier above 1 becomes that by
repeating the input's channels.

>>> import numpy as np
>>> from minitf.kernels.depthwise import depthwise_conv2d
>>> image = np.arange(8.0).reshape(1, 2, 2, 2)
>>> depthwise_conv2d(image, np.ones((2, 2, 2, 1))).ravel()
array([12., 16.])
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from minitf.kernels import reference
from minitf.kernels.dispatch import or_reference
from minitf.kernels.jit import jit, readonly
from minitf.kernels.padding import Pair, spatial_sizes
from minitf.kernels.parallel import cut, parallel_for, parallel_ranges
from minitf.kernels.reference import NONE, ONE, Pads

Array = npt.NDArray[Any]


@or_reference(reference.depthwise_conv2d)
def depthwise_conv2d(
    input: Array,
    filter: Array,
    *,
    strides: Pair = ONE,
    padding: Pads = NONE,
    dilations: Pair = ONE,
) -> Array:
    """Convolution of each channel with its own filters. Mirrors `tf.nn.depthwise_conv2d_native`.

    Args:
      input: of shape (batch, height, width, channels); float16 (which is computed in float32 and
        rounded once), float32 or float64.
      filter: of shape (window height, window width, channels, multiplier).
      strides: how far the window moves, vertically and horizontally.
      padding: how many zeros are added, ((top, bottom), (left, right)); see `padding`.
      dilations: how far apart the window's cells are.

    Returns:
      An array of shape (batch, output height, output width, channels * multiplier).

    Raises:
      ValueError: if the channels do not agree, or the window is larger than the padded input.
    """
    _check_channels(input.shape[3], filter.shape)
    batch, *in_sizes, _ = input.shape
    sizes = spatial_sizes(in_sizes, filter.shape[:2], strides, padding, dilations)
    output = np.empty((batch, *sizes, math.prod(filter.shape[2:])), input.dtype)
    source, weights, origin = _repeated(input, filter.shape[3]), _flat(filter), _origin(padding)

    def images(start: int, stop: int) -> None:
        here = slice(start, stop)
        _forward(source[here], weights, output[here], strides, origin, dilations)

    parallel_ranges(batch, images, work=_work(output, filter.shape))
    return output


@or_reference(reference.depthwise_conv2d_backprop_filter)
def depthwise_conv2d_backprop_filter(
    input: Array,
    filter_shape: Sequence[int],
    out_backprop: Array,
    *,
    strides: Pair = ONE,
    padding: Pads = NONE,
    dilations: Pair = ONE,
) -> Array:
    """The gradient in the filter. Mirrors `tf.nn.depthwise_conv2d_native_backprop_filter`.

    Args:
      input: the input of the convolution.
      filter_shape: (window height, window width, channels, multiplier).
      out_backprop: the gradient in the output.
      strides: as for `depthwise_conv2d`.
      padding: as for `depthwise_conv2d`.
      dilations: as for `depthwise_conv2d`.

    Returns:
      An array of shape `filter_shape`.

    Raises:
      ValueError: if the channels do not agree.
    """
    _check_channels(input.shape[3], filter_shape, out_backprop.shape[3])
    source, grad = _repeated(input, filter_shape[3]), readonly(out_backprop)
    ranges = list(cut(len(grad), work=_work(grad, filter_shape)))
    sums = np.zeros((len(ranges), *filter_shape[:2], grad.shape[3]), grad.dtype)
    origin = _origin(padding)

    def images(index: int) -> None:
        here = slice(*ranges[index])
        _filter_gradient(source[here], grad[here], sums[index], strides, origin, dilations)

    parallel_for(len(ranges), images)
    gradient: Array = sums.sum(axis=0)
    return gradient.reshape(filter_shape)


@or_reference(reference.depthwise_conv2d_backprop_input)
def depthwise_conv2d_backprop_input(
    input_shape: Sequence[int],
    filter: Array,
    out_backprop: Array,
    *,
    strides: Pair = ONE,
    padding: Pads = NONE,
    dilations: Pair = ONE,
) -> Array:
    """The gradient in the input. Mirrors `tf.nn.depthwise_conv2d_native_backprop_input`.

    Args:
      input_shape: (batch, height, width, channels).
      filter: the filter of the convolution.
      out_backprop: the gradient in the output.
      strides: as for `depthwise_conv2d`.
      padding: as for `depthwise_conv2d`.
      dilations: as for `depthwise_conv2d`.

    Returns:
      An array of shape `input_shape`.

    Raises:
      ValueError: if the channels do not agree.
    """
    _check_channels(input_shape[3], filter.shape, out_backprop.shape[3])
    grad, weights, origin = readonly(out_backprop), _flat(filter), _origin(padding)
    repeated = np.empty((*input_shape[:3], grad.shape[3]), grad.dtype)

    def images(start: int, stop: int) -> None:
        here = slice(start, stop)
        _input_gradient(grad[here], weights, repeated[here], strides, origin, dilations)

    parallel_ranges(len(grad), images, work=_work(grad, filter.shape))
    multiplier = filter.shape[3]
    if multiplier == 1:
        return repeated
    gradient: Array = repeated.reshape(*input_shape, multiplier).sum(axis=4)
    return gradient


# What the public functions share


def _repeated(input: Array, multiplier: int) -> Array:
    return readonly(input if multiplier == 1 else np.repeat(input, multiplier, axis=3))


def _flat(filter: Array) -> Array:
    """The filter as (window height, window width, output channels)."""
    return readonly(filter.reshape(*filter.shape[:2], math.prod(filter.shape[2:])))


def _origin(padding: Pads) -> Pair:
    return padding[0][0], padding[1][0]


def _work(output: Array, filter_shape: Sequence[int]) -> int:
    """Multiply-adds for one image; the machine makes several at once."""
    return math.prod(output.shape[1:]) * math.prod(filter_shape[:2]) // 2


def _check_channels(
    channels: int, filter_shape: Sequence[int], out_channels: int | None = None
) -> None:
    if channels != filter_shape[2] or out_channels not in (None, math.prod(filter_shape[2:])):
        outputs = "" if out_channels is None else f" and outputs with {out_channels} channels"
        raise ValueError(
            f"a depthwise filter of shape {tuple(filter_shape)}, that is (height, width, input "
            f"channels, multiplier), does not fit inputs with {channels} channels{outputs}"
        )


# Compiled. All three walk the same way: for each window, its cells that lie inside the input.


@jit
def _forward(
    input: Array, filter: Array, output: Array, strides: Pair, origin: Pair, dilations: Pair
) -> None:
    _, height, width, _ = input.shape
    images, rows, columns, channels = output.shape
    output[:] = 0
    for n in range(images):
        for i in range(rows):
            for r in range(filter.shape[0]):
                y = i * strides[0] + r * dilations[0] - origin[0]
                if y < 0 or y >= height:
                    continue
                for j in range(columns):
                    for s in range(filter.shape[1]):
                        x = j * strides[1] + s * dilations[1] - origin[1]
                        if 0 <= x < width:
                            for c in range(channels):
                                output[n, i, j, c] += input[n, y, x, c] * filter[r, s, c]


@jit
def _filter_gradient(
    input: Array, grad: Array, gradient: Array, strides: Pair, origin: Pair, dilations: Pair
) -> None:
    _, height, width, _ = input.shape
    images, rows, columns, channels = grad.shape
    for n in range(images):
        for i in range(rows):
            for r in range(gradient.shape[0]):
                y = i * strides[0] + r * dilations[0] - origin[0]
                if y < 0 or y >= height:
                    continue
                for j in range(columns):
                    for s in range(gradient.shape[1]):
                        x = j * strides[1] + s * dilations[1] - origin[1]
                        if 0 <= x < width:
                            for c in range(channels):
                                gradient[r, s, c] += input[n, y, x, c] * grad[n, i, j, c]


@jit
def _input_gradient(
    grad: Array, filter: Array, gradient: Array, strides: Pair, origin: Pair, dilations: Pair
) -> None:
    _, height, width, _ = gradient.shape
    images, rows, columns, channels = grad.shape
    gradient[:] = 0
    for n in range(images):
        for i in range(rows):
            for r in range(filter.shape[0]):
                y = i * strides[0] + r * dilations[0] - origin[0]
                if y < 0 or y >= height:
                    continue
                for j in range(columns):
                    for s in range(filter.shape[1]):
                        x = j * strides[1] + s * dilations[1] - origin[1]
                        if 0 <= x < width:
                            for c in range(channels):
                                gradient[n, y, x, c] += grad[n, i, j, c] * filter[r, s, c]
