"""With this module one can read what the kernels compute, each function in a few lines of numpy.

The tests hold the compiled kernels against these functions, and these against loops written from
the definitions. Where Numba is absent, they are what runs.

All arrays are NHWC: batch, height, width, channels. Strides, dilations and window sizes are pairs
for height and width, padding a pair of pairs ((top, bottom), (left, right)).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from minitf.kernels.padding import Pair, effective_size, spatial_sizes
from minitf.kernels.workspace import into

Array = npt.NDArray[Any]
Pads = tuple[Pair, Pair]

ONE: Pair = (1, 1)
NONE: Pads = ((0, 0), (0, 0))


# Convolution: output[n, i, j, k] = sum over r, s, c of
#     padded[n, i * stride + r * dilation, j * stride + s * dilation, c] * filter[r, s, c, k]


def conv2d(
    input: Array,
    filter: Array,
    *,
    strides: Pair = ONE,
    padding: Pads = NONE,
    dilations: Pair = ONE,
    out: Array | None = None,
) -> Array:
    """See `minitf.kernels.conv.conv2d`."""
    under = windows(input, filter.shape[:2], strides, padding, dilations)
    return into(out, _einsum("nhwcrs,rsck->nhwk", under, filter))


def conv2d_backprop_filter(
    input: Array,
    filter_shape: Sequence[int],
    out_backprop: Array,
    *,
    strides: Pair = ONE,
    padding: Pads = NONE,
    dilations: Pair = ONE,
    out: Array | None = None,
) -> Array:
    """See `minitf.kernels.conv.conv2d_backprop_filter`."""
    under = windows(input, filter_shape[:2], strides, padding, dilations)
    return into(out, _einsum("nhwcrs,nhwk->rsck", under, out_backprop))


def conv2d_backprop_input(
    input_shape: Sequence[int],
    filter: Array,
    out_backprop: Array,
    *,
    strides: Pair = ONE,
    padding: Pads = NONE,
    dilations: Pair = ONE,
    out: Array | None = None,
) -> Array:
    """See `minitf.kernels.conv.conv2d_backprop_input`."""
    gradient = _padded_zeros(input_shape, padding, out_backprop.dtype)
    cells = _cells(gradient, filter.shape[:2], out_backprop.shape[1:3], strides, dilations)
    for (r, s), cell in cells:
        cell += _einsum("nhwk,ck->nhwc", out_backprop, filter[r, s])
    return into(out, _crop(gradient, padding))


# Depthwise convolution: output[n, i, j, c * multiplier + m] = sum over r, s of
#     padded[n, i * stride + r * dilation, j * stride + s * dilation, c] * filter[r, s, c, m]


def depthwise_conv2d(
    input: Array,
    filter: Array,
    *,
    strides: Pair = ONE,
    padding: Pads = NONE,
    dilations: Pair = ONE,
) -> Array:
    """See `minitf.kernels.depthwise.depthwise_conv2d`."""
    under = windows(input, filter.shape[:2], strides, padding, dilations)
    output = _einsum("nhwcrs,rscm->nhwcm", under, filter)
    return output.reshape(*output.shape[:3], filter.shape[2] * filter.shape[3])


def depthwise_conv2d_backprop_filter(
    input: Array,
    filter_shape: Sequence[int],
    out_backprop: Array,
    *,
    strides: Pair = ONE,
    padding: Pads = NONE,
    dilations: Pair = ONE,
) -> Array:
    """See `minitf.kernels.depthwise.depthwise_conv2d_backprop_filter`."""
    under = windows(input, filter_shape[:2], strides, padding, dilations)
    grad = out_backprop.reshape(*out_backprop.shape[:3], *filter_shape[2:])
    return _einsum("nhwcrs,nhwcm->rscm", under, grad)


def depthwise_conv2d_backprop_input(
    input_shape: Sequence[int],
    filter: Array,
    out_backprop: Array,
    *,
    strides: Pair = ONE,
    padding: Pads = NONE,
    dilations: Pair = ONE,
) -> Array:
    """See `minitf.kernels.depthwise.depthwise_conv2d_backprop_input`."""
    grad = out_backprop.reshape(*out_backprop.shape[:3], *filter.shape[2:])
    gradient = _padded_zeros(input_shape, padding, out_backprop.dtype)
    cells = _cells(gradient, filter.shape[:2], out_backprop.shape[1:3], strides, dilations)
    for (r, s), cell in cells:
        cell += _einsum("nhwcm,cm->nhwc", grad, filter[r, s])
    return _crop(gradient, padding)


# Pooling: the same windows, of which only the cells inside the input count


def max_pool(input: Array, *, ksize: Pair, strides: Pair = ONE, padding: Pads = NONE) -> Array:
    """See `minitf.kernels.pool.max_pool`."""
    least = lowest(input.dtype)
    under = windows(input, ksize, strides, padding, fill=least)
    result: Array = np.fmax.reduce(under, axis=(4, 5), initial=least)
    return result


def max_pool_grad(
    orig_input: Array,
    orig_output: Array,
    grad: Array,
    *,
    ksize: Pair,
    strides: Pair = ONE,
    padding: Pads = NONE,
) -> Array:
    """See `minitf.kernels.pool.max_pool_grad`."""
    del orig_output  # the maximum is found again: of several, the first counts
    size = grad.shape[1:3]
    first, largest = np.full(grad.shape, -1), np.zeros(grad.shape, grad.dtype)
    inside = _cells(_pad(np.ones_like(orig_input), padding), ksize, size, strides)
    values = _cells(_pad(orig_input, padding), ksize, size, strides)
    for index, ((_, value), (_, is_inside)) in enumerate(zip(values, inside)):
        better = (is_inside != 0) & ((first < 0) | (value > largest))
        first, largest = np.where(better, index, first), np.where(better, value, largest)
    gradient = _padded_zeros(orig_input.shape, padding, grad.dtype)
    for index, (_, cell) in enumerate(_cells(gradient, ksize, size, strides)):
        cell += np.where(first == index, grad, 0)
    return _crop(gradient, padding)


def max_pool_grad_grad(
    orig_input: Array,
    orig_output: Array,
    grad: Array,
    *,
    ksize: Pair,
    strides: Pair = ONE,
    padding: Pads = NONE,
) -> Array:
    """See `minitf.kernels.pool.max_pool_grad_grad`."""
    size = orig_output.shape[1:3]
    result, found = np.zeros_like(orig_output), np.zeros(orig_output.shape, bool)
    inside = _cells(_pad(np.ones_like(orig_input), padding), ksize, size, strides)
    values = _cells(_pad(orig_input, padding), ksize, size, strides)
    gradients = _cells(_pad(grad, padding), ksize, size, strides)
    for (_, value), (_, is_inside), (_, gradient) in zip(values, inside, gradients):
        here = (is_inside != 0) & (value == orig_output) & ~found
        result, found = np.where(here, gradient, result), found | here
    return result


def avg_pool(input: Array, *, ksize: Pair, strides: Pair = ONE, padding: Pads = NONE) -> Array:
    """See `minitf.kernels.pool.avg_pool`."""
    under = windows(input, ksize, strides, padding)
    counts = _counts(input.shape, ksize, strides, padding, input.dtype)
    result: Array = under.sum(axis=(4, 5), dtype=input.dtype) / counts
    return result


def avg_pool_grad(
    orig_input_shape: Sequence[int],
    grad: Array,
    *,
    ksize: Pair,
    strides: Pair = ONE,
    padding: Pads = NONE,
) -> Array:
    """See `minitf.kernels.pool.avg_pool_grad`."""
    shares = grad / _counts(orig_input_shape, ksize, strides, padding, grad.dtype)
    gradient = _padded_zeros(orig_input_shape, padding, grad.dtype)
    for _, cell in _cells(gradient, ksize, grad.shape[1:3], strides):
        cell += shares
    return _crop(gradient, padding)


def lowest(dtype: np.dtype[Any]) -> Any:
    """The lowest finite number of a dtype, where TensorFlow's search for a maximum begins."""
    limits = np.finfo(dtype) if np.issubdtype(dtype, np.inexact) else np.iinfo(dtype)
    return dtype.type(limits.min)


# The parts


def _einsum(subscripts: str, *operands: Array) -> Array:
    result: Array = np.einsum(subscripts, *operands, optimize=True)
    return result


def _pad(input: Array, padding: Pads, value: Any = 0) -> Array:
    return np.pad(input, ((0, 0), *padding, (0, 0)), constant_values=value)


def _crop(padded: Array, padding: Pads) -> Array:
    (top, bottom), (left, right) = padding
    height, width = padded.shape[1] - bottom, padded.shape[2] - right
    return np.ascontiguousarray(padded[:, top:height, left:width])


def _padded_zeros(shape: Sequence[int], padding: Pads, dtype: npt.DTypeLike) -> Array:
    batch, height, width, channels = shape
    return np.zeros((batch, height + sum(padding[0]), width + sum(padding[1]), channels), dtype)


def _counts(
    shape: Sequence[int], ksize: Pair, strides: Pair, padding: Pads, dtype: npt.DTypeLike
) -> Array:
    """How many cells of each window lie inside the input: (1, output height, output width, 1)."""
    ones = np.ones((1, *shape[1:3], 1), dtype)
    counts: Array = windows(ones, ksize, strides, padding).sum(axis=(4, 5), dtype=dtype)
    return np.where(counts == 0, counts.dtype.type(1), counts)


def windows(
    input: Array,
    size: Sequence[int],
    strides: Sequence[int],
    padding: Pads,
    dilations: Sequence[int] = ONE,
    fill: Any = 0,
) -> Array:
    """All windows: (batch, output height, output width, channels, window height, width), a view.

    Args:
      input: of shape (batch, height, width, channels).
      size: of the window.
      strides: how far it moves.
      padding: what is added around the input, filled with `fill`.
      dilations: how far apart the window's cells are.
    """
    outputs = spatial_sizes(input.shape[1:3], size, strides, padding, dilations)
    if 0 in outputs:  # numpy refuses windows that do not fit
        return np.zeros((input.shape[0], *outputs, input.shape[3], *size), input.dtype)
    span = tuple(effective_size(*pair) for pair in zip(size, dilations))
    dense: Array = sliding_window_view(_pad(input, padding, fill), span, axis=(1, 2))
    return dense[:, :: strides[0], :: strides[1], :, :: dilations[0], :: dilations[1]]


def _cells(
    padded: Array,
    size: Sequence[int],
    outputs: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int] = ONE,
) -> Iterator[tuple[tuple[int, int], Array]]:
    """For each cell (r, s) of the window: what lies under it, for all windows at once, as a view.

    Each view has the shape (batch, output height, output width, channels) and can be added to.
    """
    for r in range(size[0]):
        for s in range(size[1]):
            row, column = r * dilations[0], s * dilations[1]
            rows = slice(row, row + outputs[0] * strides[0], strides[0])
            columns = slice(column, column + outputs[1] * strides[1], strides[1])
            yield (r, s), padded[:, rows, columns]
