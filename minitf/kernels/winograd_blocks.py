"""With this module one can walk over the tiles of Winograd's convolution: the compiled part.

`winograd` says what the arrays are, cuts the work, and calls these. All arguments are integers:
sizes, addresses of float32 arrays, and addresses of the machine code of `winograd_transforms`,
`microkernel` and this module. So each function is compiled once and in little time.
"""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from minitf.kernels.jit import jit, native
from minitf.kernels.padding import Pair
from minitf.kernels.simd import (
    add_numbers,
    call,
    copy_numbers,
    set_word,
    take,
    word,
    zero_numbers,
)

# Bytes in a number; numbers that `microkernel.strides` gives.
SIZE, STRIDES = 4, 11

# So many products are added up, and then the sums of those: that loses less to rounding.
_SUMMED = 128

Array = npt.NDArray[Any]

Image = tuple[int, int, int]  # height, width, channels
Grid = tuple[int, int, int, int]  # rows and columns of tiles, numbers in a side, outputs in a side
Given = tuple[
    Pair,
    tuple[int, int, int],
    tuple[Image, Image],
    Pair,
    Pair,
    tuple[int, int, int, int, int],
    Pair,
    tuple[int, int, int],
    Grid,
]


@jit
def _copy_words(strides: int, copy: int) -> None:
    for index in range(STRIDES):
        set_word(copy, index, word(strides, index))


@jit
def transform_filter(
    function: int,
    panels: int,
    steps: tuple[int, int, int, int],
    channels: int,
    transformed: int,
    row: int,
    spread: int,
    side: int,
    vectors: int,
    start: int,
    stop: int,
) -> None:
    """U for rows `start` to `stop` of all panels together.

    `steps` are the bytes between panels, rows and columns of the window, and channels; in the
    result there are `row` bytes between channels, and `spread` between positions.
    """
    each, down, right, channel = steps
    for index in range(start, stop):
        source = panels + index // channels * each + index % channels * channel
        target = transformed + index * row
        call(function, (source, down, right, target, side * spread, spread, vectors))


@native
def transform_in(
    function: int,
    images: int,
    height: int,
    width: int,
    channels: int,
    begin: int,
    padded: int,
    lanes: int,
    positions: int,
    spread: int,
    numbers: int,
    side: int,
    cells: int,
    step: int,
    above: int,
    left_of: int,
    rows: int,
    columns: int,
    first: int,
    last: int,
    patch: int,
) -> None:
    """Transforms pixels for the tiles `first` to `last`: to V, or to Y.

    Args:
      function: the transform of one tile.
      images: the address of images of height x width x channels.
      begin: the first channel that is taken.
      padded: how many are taken, with what fills the last vector.
      positions: where the results go: positions `spread` bytes apart, each a matrix whose rows, one
        for each tile, have so many `numbers`.
      side: positions in a row.
      cells: pixels in a row of a tile.
      step: pixels from one tile to the next.
      above, left_of: how far the first tile reaches out of the image.
      rows, columns: of tiles in an image.
      patch: room for the pixels of a tile that reaches out of the image; what is there is 0.
    """
    for tile in range(first, last):
        image, place = tile // (rows * columns), tile % (rows * columns)
        top, left = place // columns * step - above, place % columns * step - left_of
        pixel = ((image * height + top) * width + left) * channels + begin
        source, row, column = images + pixel * SIZE, width * channels * SIZE, channels * SIZE
        inside = top >= 0 and left >= 0 and top + cells <= height and left + cells <= width
        if not inside or begin + padded > channels:
            taken = min(padded, channels - begin)
            for i in range(cells):
                for j in range(cells):
                    target = patch + (i * cells + j) * padded * SIZE
                    y, x = top + i, left + j
                    if y < 0 or y >= height or x < 0 or x >= width:
                        zero_numbers(target, padded)
                    else:
                        copy_numbers(source + i * row + j * column, target, taken)
            source, row, column = patch, cells * padded * SIZE, padded * SIZE
        target = positions + (tile - first) * numbers * SIZE
        call(function, (source, row, column, target, side * spread, spread, padded // lanes))


@native
def transform_out(
    function: int,
    products: int,
    spread: int,
    numbers: int,
    side: int,
    images: int,
    height: int,
    width: int,
    channels: int,
    lanes: int,
    outputs: int,
    rows: int,
    columns: int,
    first: int,
    last: int,
    patch: int,
) -> None:
    """Transforms products back to outputs, for the tiles `first` to `last`.

    The arguments are those of `transform_in`. What lies outside the image is left out.
    """
    vectors = (channels + lanes - 1) // lanes
    for tile in range(first, last):
        image, place = tile // (rows * columns), tile % (rows * columns)
        top, left = place // columns * outputs, place % columns * outputs
        pixel = ((image * height + top) * width + left) * channels
        target, row, column = images + pixel * SIZE, width * channels * SIZE, channels * SIZE
        source = products + (tile - first) * numbers * SIZE
        down, right = min(outputs, height - top), min(outputs, width - left)
        if down == outputs and right == outputs and vectors * lanes == channels:
            call(function, (source, side * spread, spread, target, row, column, vectors))
        else:
            cell = vectors * lanes * SIZE
            call(function, (source, side * spread, spread, patch, outputs * cell, cell, vectors))
            for i in range(down):
                for j in range(right):
                    here = patch + (i * outputs + j) * cell
                    copy_numbers(here, target + i * row + j * column, channels)


@jit
def convolve_blocks(
    images: int, output: int, given: Given, at_once: int, total: int, counter: int
) -> None:
    """Computes the outputs of the blocks, of `at_once` tiles each, that are left on the counter.

    Args:
      images, output: the addresses of both.
      given: what all blocks have in common:
        the addresses of `transform_in` and `transform_out`;
        those of the product and of the two transforms;
        the sizes of an image and of its outputs;
        how far the first tile reaches out of the image;
        the address of the transformed filter, and the bytes between its positions;
        the same of the room for V and for M, and the address of a patch for `transform_in`;
        the address of the product's strides, and of room for a copy;
        how many panels there are, how wide, and how many lanes a vector has;
        rows and columns of tiles, numbers in a side, outputs in a side.
      total: how many tiles there are.
      counter: its address.
    """
    walks, functions, sizes, origin, filter, room, strides_, panels, grid = given
    image, out_image = sizes
    above, left_of = origin
    transformed, filter_spread = filter
    v, v_spread, m, m_spread, patch = room
    steps, strides = strides_
    walk_in, walk_out = walks
    product, data, back = functions
    height, width, channels = image
    out_height, out_width, out_channels = out_image
    count, panel, lanes = panels
    rows, columns, side, outputs = grid
    padded = (channels + lanes - 1) // lanes * lanes
    _copy_words(steps, strides)
    block = take(counter)
    while block * at_once < total:
        first, last = block * at_once, min((block + 1) * at_once, total)
        call(
            walk_in,
            (
                data, images, height, width, channels, 0, padded, lanes, v, v_spread, padded, side,
                side, outputs, above, left_of, rows, columns, first, last, patch,
            ),
        )  # fmt: skip
        for position in range(side * side):
            filter_ = transformed + position * filter_spread
            for each in range(count):
                for channel in range(0, channels, _SUMMED):
                    set_word(strides, 2, min(_SUMMED, channels - channel))
                    call(
                        product,
                        (
                            v + position * v_spread + channel * SIZE,
                            filter_ + (each * channels + channel) * panel * SIZE,
                            m + position * m_spread + each * panel * SIZE,
                            last - first,
                            panel,
                            strides,
                            1 if channel > 0 else 0,
                        ),
                    )
        call(
            walk_out,
            (
                back, m, m_spread, count * panel, side, output, out_height, out_width, out_channels,
                lanes, outputs, rows, columns, first, last, patch,
            ),
        )  # fmt: skip
        block = take(counter)


@jit
def convolve_images(
    arguments: tuple[int, int, int, int, int, Given], first: int, last: int, layer: Array
) -> None:
    """The convolution of the images `first` to `last`, to the beginning of `layer`."""
    images, apart, each, at_once, counter, given = arguments
    total = (last - first) * each
    blocks = (total + at_once - 1) // at_once
    set_word(counter, 0, 0)
    convolve_blocks(
        images + first * apart, layer.ctypes.data, given, (total + blocks - 1) // blocks, total,
        counter,
    )  # fmt: skip


@jit
def add_blocks(
    walk_in: int,
    functions: tuple[int, int, int],
    images: int,
    image: Image,
    above: int,
    left_of: int,
    grad: int,
    out_image: Image,
    sums: int,
    sums_spread: int,
    v: int,
    v_spread: int,
    y: int,
    y_spread: int,
    patch: int,
    steps: int,
    strides: int,
    panels: tuple[int, int, int],
    grid: Grid,
    at_once: int,
    total: int,
    start: int,
    stop: int,
    first_column: int,
    last_column: int,
) -> None:
    """Some columns of S, the sums of V' Y over the blocks `start` to `stop`.

    The arguments are those of `convolve_blocks`, with Y, from the output's gradient, for M.
    """
    product, data, gradient = functions
    height, width, channels = image
    out_height, out_width, out_channels = out_image
    _, panel, lanes = panels
    rows, columns, side, outputs = grid
    padded = (channels + lanes - 1) // lanes * lanes
    numbers = last_column - first_column
    out_padded = min((out_channels + lanes - 1) // lanes * lanes - first_column, numbers)
    _copy_words(steps, strides)
    set_word(strides, 4, numbers)
    for block in range(start, stop):
        first, last = block * at_once, min((block + 1) * at_once, total)
        call(
            walk_in,
            (
                data, images, height, width, channels, 0, padded, lanes, v, v_spread, padded, side,
                side, outputs, above, left_of, rows, columns, first, last, patch,
            ),
        )  # fmt: skip
        call(
            walk_in,
            (
                gradient, grad, out_height, out_width, out_channels, first_column, out_padded,
                lanes, y, y_spread, numbers, side, outputs, outputs, 0, 0, rows, columns, first,
                last, patch,
            ),
        )  # fmt: skip
        set_word(strides, 2, last - first)
        for position in range(side * side):
            for begin in range(0, numbers, panel):
                call(
                    product,
                    (
                        v + position * v_spread,
                        y + position * y_spread + begin * SIZE,
                        sums + position * sums_spread + (first_column + begin) * SIZE,
                        channels,
                        panel,
                        strides,
                        1 if block > start else 0,
                    ),
                )


@jit
def filter_from_sums(
    function: int,
    sums: int,
    slices: int,
    spread: int,
    gradient: int,
    window: int,
    channels: int,
    out_channels: int,
    columns: int,
    side: int,
    lanes: int,
    patch: int,
    start: int,
    stop: int,
) -> None:
    """Adds up the sums of all slices, for some channels, and transforms them to the gradient."""
    positions = side * side
    begin, count = start * columns * SIZE, (stop - start) * columns
    for position in range(positions):
        total = sums + position * spread + begin
        for each in range(1, slices):
            add_numbers(sums + (each * positions + position) * spread + begin, total, count)
    vectors = (out_channels + lanes - 1) // lanes
    for channel in range(start, stop):
        source = sums + channel * columns * SIZE
        target, column = gradient + channel * out_channels * SIZE, channels * out_channels * SIZE
        if vectors * lanes == out_channels:
            call(
                function,
                (source, side * spread, spread, target, window * column, column, vectors),
            )
            continue
        cell = columns * SIZE
        call(function, (source, side * spread, spread, patch, window * cell, cell, vectors))
        for place in range(window * window):
            copy_numbers(patch + place * cell, target + place * column, out_channels)
