"""With this module one can convolve with windows of one cell: each pixel by itself.

Such a convolution is a matrix product, pixels by output channels. Where a pixel lies in its image
does not matter, so an image is taken for one long row of pixels. `direct` computes a product for
each row, and a long row takes it much less time than many short ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from minitf.kernels import direct
from minitf.kernels.padding import Pair
from minitf.kernels.reference import NONE, ONE, Pads
from minitf.kernels.workspace import contiguous
from minitf.kernels.workspace import output as buffer

Array = npt.NDArray[Any]


def suits(window: Sequence[int], strides: Pair, padding: Pads) -> bool:
    """Whether each output depends on the pixel at its own place only."""
    return tuple(window) == (1, 1) and (strides, padding) == (ONE, NONE)


def conv2d(
    input: Array,
    filter: Array,
    *,
    strides: Pair = ONE,
    padding: Pads = NONE,
    dilations: Pair = ONE,
    out: Array | None = None,
) -> Array:
    """See `minitf.kernels.conv.conv2d`; for float32, float64, and what suits."""
    result = buffer(out, (*input.shape[:3], filter.shape[3]), input.dtype)
    direct.conv2d(_as_rows(contiguous(input)), filter, out=_as_rows(result))
    return result


def prepare(
    input_shape: tuple[int, ...],
    filter_shape: tuple[int, ...],
    dtype: np.dtype[Any],
    *,
    strides: Pair,
    padding: Pads,
    dilations: Pair,
) -> direct.Prepared:
    """See `direct.prepare`."""
    batch, height, width, channels = input_shape
    rows = direct.prepare(
        (batch, 1, height * width, channels),
        filter_shape,
        dtype,
        strides=ONE,
        padding=NONE,
        dilations=ONE,
    )
    # An image of outputs lies as its one row does.
    return rows._replace(shape=(batch, height, width, filter_shape[3]))


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
    pixels, grad = _as_rows(contiguous(input)), _as_rows(contiguous(out_backprop))
    return direct.conv2d_backprop_filter(pixels, filter_shape, grad, out=out)


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
    result, grad = buffer(out, input_shape, out_backprop.dtype), contiguous(out_backprop)
    rows = _as_rows(result)
    direct.conv2d_backprop_input(rows.shape, filter, _as_rows(grad), out=rows)
    return result


def _as_rows(images: Array) -> Array:
    """Images, which lie contiguously, as images of one row."""
    batch, height, width, channels = images.shape
    return images.reshape(batch, 1, height * width, channels)
