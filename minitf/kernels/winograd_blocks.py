"""With this module one can walk over the tiles of Winograd's convolution: the compiled part.

`winograd` says what the arrays are, cuts the work, and calls these; addresses are those of the
machine code of `winograd_transforms` and `microkernel`.
"""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from minitf.kernels.jit import jit
from minitf.kernels.padding import Pair
from minitf.kernels.simd import call

Array = npt.NDArray[Any]

# So many products are added up, and then the sums of those: that loses less to rounding.
_SUMMED = 128


@jit
def transform_filter(
    function: int,
    panels: Array,
    transformed: Array,
    side: int,
    vectors: int,
    start: int,
    stop: int,
) -> None:
    """U for rows `start` to `stop` of all panels together."""
    _, window, _, channels, width = panels.shape
    size, spread = panels.itemsize, transformed.shape[1]
    cell = channels * width * size
    for index in range(start, stop):
        panel, channel = index // channels, index % channels
        source = ((panel * window * window) * channels + channel) * width * size
        target = (panel * channels + channel) * width * size
        call(
            function,
            (
                panels.ctypes.data + source,
                window * cell,
                cell,
                transformed.ctypes.data + target,
                side * spread * size,
                spread * size,
                vectors,
            ),
        )


@jit
def _transform_patch(
    function: int,
    image: Array,
    top: int,
    left: int,
    begin: int,
    side: int,
    patch: Array,
    target: int,
    target_row: int,
    target_column: int,
    padded: int,
    lanes: int,
) -> None:
    """Transforms side x side pixels, from channel `begin` on; what is not in the image is 0."""
    height, width, channels = image.shape
    size = image.itemsize
    inside = top >= 0 and left >= 0 and top + side <= height and left + side <= width
    if inside and begin + padded <= channels:
        source = image.ctypes.data + ((top * width + left) * channels + begin) * size
        row, column = width * channels * size, channels * size
    else:
        for i in range(side):
            for j in range(side):
                y, x, at = top + i, left + j, (i * side + j) * padded
                if y < 0 or y >= height or x < 0 or x >= width:
                    for c in range(padded):
                        patch[at + c] = 0
                else:
                    for c in range(min(padded, channels - begin)):
                        patch[at + c] = image[y, x, begin + c]
        source, row, column = patch.ctypes.data, side * padded * size, padded * size
    call(function, (source, row, column, target, target_row, target_column, padded // lanes))


@jit
def _transform_block(
    function: int,
    images: Array,
    positions: Array,
    patch: Array,
    begin: int,
    padded: int,
    numbers: int,
    lanes: int,
    grid: Pair,
    step: int,
    origin: Pair,
    cells: int,
    side: int,
    first: int,
    last: int,
) -> None:
    """Transforms cells x cells pixels for each of the tiles `first` to `last`: to V, or to Y.

    Of the pixels, `padded` channels are taken from `begin` on; a tile's row has `numbers`.
    """
    size = images.itemsize
    spread = positions.shape[1] * size
    for tile in range(first, last):
        image, place = tile // (grid[0] * grid[1]), tile % (grid[0] * grid[1])
        top = (place // grid[1]) * step - origin[0]
        left = (place % grid[1]) * step - origin[1]
        target = positions.ctypes.data + (tile - first) * numbers * size
        _transform_patch(
            function,
            images[image],
            top,
            left,
            begin,
            cells,
            patch,
            target,
            side * spread,
            spread,
            padded,
            lanes,
        )


@jit
def convolve_blocks(
    functions: tuple[int, int, int],
    images: Array,
    transformed: Array,
    output: Array,
    v: Array,
    m: Array,
    patch: Array,
    strides: Array,
    shape: tuple[int, int, int, int, int, int],
    tiles: Any,
    start: int,
    stop: int,
) -> None:
    """Computes the outputs of some blocks of tiles."""
    product, data, back = functions
    channels, padded, _, columns, width, lanes = shape
    grid, count, origin, side, outputs, at_once = tiles
    size = images.itemsize
    for block in range(start, stop):
        first, last = block * at_once, min((block + 1) * at_once, count)
        _transform_block(
            data,
            images,
            v,
            patch,
            0,
            padded,
            padded,
            lanes,
            grid,
            outputs,
            origin,
            side,
            side,
            first,
            last,
        )
        for position in range(side * side):
            for begin in range(0, columns, width):
                for channel in range(0, channels, _SUMMED):
                    strides[2] = min(_SUMMED, channels - channel)
                    call(
                        product,
                        (
                            v[position].ctypes.data + channel * size,
                            transformed[position].ctypes.data
                            + (begin * channels + channel * width) * size,
                            m[position].ctypes.data + begin * size,
                            last - first,
                            width,
                            strides.ctypes.data,
                            1 if channel > 0 else 0,
                        ),
                    )
        for tile in range(first, last):
            image, place = tile // (grid[0] * grid[1]), tile % (grid[0] * grid[1])
            top, left = (place // grid[1]) * outputs, (place % grid[1]) * outputs
            source = m.ctypes.data + (tile - first) * columns * size
            _transform_back(
                back,
                source,
                m.shape[1] * size,
                side,
                output[image],
                top,
                left,
                outputs,
                patch,
                lanes,
            )


@jit
def _transform_back(
    function: int,
    source: int,
    spread: int,
    side: int,
    image: Array,
    top: int,
    left: int,
    outputs: int,
    patch: Array,
    lanes: int,
) -> None:
    """Transforms products to a tile of outputs; what lies outside the image is left out."""
    height, width, channels = image.shape
    size, vectors = image.itemsize, (channels + lanes - 1) // lanes
    inside = top + outputs <= height and left + outputs <= width
    if inside and channels % lanes == 0:
        target = image.ctypes.data + (top * width + left) * channels * size
        row, column = width * channels * size, channels * size
        call(function, (source, side * spread, spread, target, row, column, vectors))
        return
    padded = vectors * lanes
    row, column = outputs * padded * size, padded * size
    call(function, (source, side * spread, spread, patch.ctypes.data, row, column, vectors))
    for i in range(min(outputs, height - top)):
        for j in range(min(outputs, width - left)):
            at = (i * outputs + j) * padded
            for c in range(channels):
                image[top + i, left + j, c] = patch[at + c]


@jit
def add_blocks(
    functions: tuple[int, int, int],
    images: Array,
    grad: Array,
    sums: Array,
    v: Array,
    y: Array,
    patch: Array,
    strides: Array,
    shape: tuple[int, int, int, int, int, int],
    tiles: Any,
    start: int,
    stop: int,
    first_column: int,
    last_column: int,
) -> None:
    """Some columns of S, the sums of V' Y over some blocks of tiles."""
    product, data, gradient = functions
    channels, padded, out_channels, _, width, lanes = shape
    grid, count, origin, side, outputs, at_once = tiles
    size = images.itemsize
    numbers = last_column - first_column
    out_padded = min((out_channels + lanes - 1) // lanes * lanes - first_column, numbers)
    strides[4] = numbers
    for block in range(start, stop):
        first, last = block * at_once, min((block + 1) * at_once, count)
        _transform_block(
            data,
            images,
            v,
            patch,
            0,
            padded,
            padded,
            lanes,
            grid,
            outputs,
            origin,
            side,
            side,
            first,
            last,
        )
        _transform_block(
            gradient,
            grad,
            y,
            patch,
            first_column,
            out_padded,
            numbers,
            lanes,
            grid,
            outputs,
            (0, 0),
            outputs,
            side,
            first,
            last,
        )
        strides[2] = last - first
        for position in range(side * side):
            for begin in range(0, numbers, width):
                call(
                    product,
                    (
                        v[position].ctypes.data,
                        y[position].ctypes.data + begin * size,
                        sums[position].ctypes.data + (first_column + begin) * size,
                        channels,
                        width,
                        strides.ctypes.data,
                        1 if block > start else 0,
                    ),
                )


@jit
def filter_from_sums(
    function: int,
    sums: Array,
    gradient: Array,
    patch: Array,
    side: int,
    columns: int,
    lanes: int,
    start: int,
    stop: int,
) -> None:
    """Adds up the sums of all slices, for some channels, and transforms them to the gradient."""
    slices, positions, spread = sums.shape
    window, _, channels, out_channels = gradient.shape
    size = gradient.itemsize
    for position in range(positions):
        for each in range(1, slices):
            for i in range(start * columns, stop * columns):
                sums[0, position, i] += sums[each, position, i]
    vectors = (out_channels + lanes - 1) // lanes
    for channel in range(start, stop):
        source = sums.ctypes.data + channel * columns * size
        if out_channels % lanes == 0:
            target = gradient.ctypes.data + channel * out_channels * size
            column = channels * out_channels * size
        else:
            target, column = patch.ctypes.data, columns * size
        call(
            function,
            (source, side * spread * size, spread * size, target, window * column, column, vectors),
        )
        if out_channels % lanes != 0:
            for i in range(window):
                for j in range(window):
                    for k in range(out_channels):
                        at = (i * window + j) * columns + k
                        gradient[i, j, channel, k] = patch[at]
