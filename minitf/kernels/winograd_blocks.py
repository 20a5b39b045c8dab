"""With this module one can walk over the tiles of Winograd's convolution: the compiled part.

`winograd` says what the arrays are and cuts the work into `stages`, which these are. What they are
given are sizes, and addresses of float32 arrays and of the machine code of `winograd_transforms`,
`microkernel` and this module. So each function is compiled once and in little time.
"""

from __future__ import annotations

from typing import Any

from minitf.kernels.jit import jit, native
from minitf.kernels.records import fields, record_at
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

# Which of its places a stage finds what at; see `stages`. A gradient of the filter takes the second
# for that of the output.
IMAGES, FILTER, OUTPUT, PANELS, TRANSFORMED = range(5)
GRADIENT, SUMS = FILTER, PANELS

# What `transform_filter` is given: the transform's address, at which place the filter is, the bytes
# from one panel of it to the next, row of the window, column and channel; how many rows there are
# in all panels, and are taken at once; and for the result the bytes between those, and between
# positions.
TRANSFORM = fields(
    "function", "source", "panel", "down", "right", "channel", "channels", "total", "at_once",
    "row", "spread", "side", "vectors",
)  # fmt: skip

# What `convolve_blocks` is given:
CONVOLUTION = fields(
    *("walk_in", "walk_out"),  # the addresses of `transform_in` and `transform_out`
    *("product", "data", "back"),  # those of the product and of the two transforms
    *("height", "width", "channels"),  # of an image
    *("out_height", "out_width", "out_channels"),  # of its outputs
    *("above", "left_of"),  # how far the first tile reaches out of the image
    *("u_spread", "v_spread", "m_spread"),  # bytes between positions of U, V and M
    *("v", "m", "patch", "strides"),  # where in a thread's room these are
    "steps",  # the address of the product's strides
    *("count", "panel", "lanes"),  # panels, numbers in a row of one, and in a vector
    *("rows", "columns", "side", "outputs"),  # of tiles; numbers and outputs in a side of one
    *("total", "at_once"),  # tiles, and how many are taken at once
)

# What the stages of the filter's gradient are given: the same with Y, from the output's gradient,
# for M, and the sums; see `winograd`.
GRADIENT_SUMS = fields(
    *("walk_in", "product", "data", "gradient", "filter_gradient"),
    *("height", "width", "channels", "out_height", "out_width", "out_channels"),
    *("above", "left_of", "v_spread", "y_spread", "v", "y", "patch", "strides", "steps"),
    *("padded", "panel", "lanes", "rows", "columns", "side", "outputs", "total", "at_once"),
    *("blocks", "slices", "panels", "groups"),  # how the work is cut
    *("s_spread", "numbers"),  # bytes between positions of S; numbers in a row of it
    *("window", "channels_at_once"),  # for the way from the sums to the gradient
)


@jit(inline="always")
def _copy_words(strides: int, copy: int) -> None:
    for index in range(STRIDES):
        set_word(copy, index, word(strides, index))


@native
def transform_filter(given_: int, places: int, room: int, counter: int) -> None:
    """U, some rows of all panels together at a time."""
    given = record_at(given_, TRANSFORM)
    panels, transformed = word(places, given.source), word(places, TRANSFORMED)
    side, spread = given.side, given.spread
    start = take(counter) * given.at_once
    while start < given.total:
        for index in range(start, min(start + given.at_once, given.total)):
            panel, channel = index // given.channels, index % given.channels
            source = panels + panel * given.panel + channel * given.channel
            target = transformed + index * given.row
            call(
                given.function,
                (source, given.down, given.right, target, side * spread, spread, given.vectors),
            )
        start = take(counter) * given.at_once


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


@jit(inline="always")
def _convolve_tiles(
    given: Any, room: int, images: int, u: int, output: int, first: int, last: int
) -> None:
    """Computes the outputs of the tiles `first` to `last`, which are no more than a block."""
    lanes, channels, panel, count = given.lanes, given.channels, given.panel, given.count
    padded = (channels + lanes - 1) // lanes * lanes
    v, m, strides = room + given.v, room + given.m, room + given.strides
    call(
        given.walk_in,
        (
            given.data, images, given.height, given.width, channels, 0, padded, lanes, v,
            given.v_spread, padded, given.side, given.side, given.outputs, given.above,
            given.left_of, given.rows, given.columns, first, last, room + given.patch,
        ),
    )  # fmt: skip
    for position in range(given.side * given.side):
        filter = u + position * given.u_spread
        for each in range(count):
            for channel in range(0, channels, _SUMMED):
                set_word(strides, 2, min(_SUMMED, channels - channel))
                call(
                    given.product,
                    (
                        v + position * given.v_spread + channel * SIZE,
                        filter + (each * channels + channel) * panel * SIZE,
                        m + position * given.m_spread + each * panel * SIZE,
                        last - first,
                        panel,
                        strides,
                        1 if channel > 0 else 0,
                    ),
                )
    call(
        given.walk_out,
        (
            given.back, m, given.m_spread, count * panel, given.side, output, given.out_height,
            given.out_width, given.out_channels, lanes, given.outputs, given.rows, given.columns,
            first, last, room + given.patch,
        ),
    )  # fmt: skip


@native
def convolve_blocks(given_: int, places: int, room: int, counter: int) -> None:
    """Computes the outputs of blocks of tiles."""
    given = record_at(given_, CONVOLUTION)
    images, u, output = word(places, IMAGES), word(places, TRANSFORMED), word(places, OUTPUT)
    _copy_words(given.steps, room + given.strides)
    first = take(counter) * given.at_once
    while first < given.total:
        last = min(first + given.at_once, given.total)
        _convolve_tiles(given, room, images, u, output, first, last)
        first = take(counter) * given.at_once


@native
def convolve_images(given_: int, places: int, room: int, first: int, last: int, layer: int) -> None:
    """The convolution of the images `first` to `last`, to the address `layer`."""
    given = record_at(given_, CONVOLUTION)
    pixels = given.height * given.width * given.channels
    images, u = word(places, IMAGES) + first * pixels * SIZE, word(places, TRANSFORMED)
    _copy_words(given.steps, room + given.strides)
    total = (last - first) * given.rows * given.columns
    blocks = (total + given.at_once - 1) // given.at_once
    for block in range(blocks):
        _convolve_tiles(
            given, room, images, u, layer, total * block // blocks, total * (block + 1) // blocks
        )


@native
def add_blocks(given_: int, places: int, room: int, counter: int) -> None:
    """S, the sums of V' Y over blocks of tiles: some columns of a slice's at a time."""
    given = record_at(given_, GRADIENT_SUMS)
    images, grad, sums = word(places, IMAGES), word(places, GRADIENT), word(places, SUMS)
    v, y, patch, strides = (
        room + given.v, room + given.y, room + given.patch, room + given.strides,
    )  # fmt: skip
    positions, lanes, panel = given.side * given.side, given.lanes, given.panel
    _copy_words(given.steps, strides)
    index = take(counter)
    while index < given.slices * given.groups:
        # Threads that work at the same time are better in different slices: groups of one slice
        # write lines of the cache that lie side by side, which the processor fetches together.
        part, group = index % given.slices, index // given.slices
        start = given.blocks * part // given.slices
        stop = given.blocks * (part + 1) // given.slices
        first_column = given.panels * group // given.groups * panel
        numbers = given.panels * (group + 1) // given.groups * panel - first_column
        filled = (given.out_channels + lanes - 1) // lanes * lanes - first_column
        set_word(strides, 4, numbers)
        for block in range(start, stop):
            first = block * given.at_once
            last = min(first + given.at_once, given.total)
            call(
                given.walk_in,
                (
                    given.data, images, given.height, given.width, given.channels, 0, given.padded,
                    lanes, v, given.v_spread, given.padded, given.side, given.side, given.outputs,
                    given.above, given.left_of, given.rows, given.columns, first, last, patch,
                ),
            )  # fmt: skip
            call(
                given.walk_in,
                (
                    given.gradient, grad, given.out_height, given.out_width, given.out_channels,
                    first_column, min(filled, numbers), lanes, y, given.y_spread, numbers,
                    given.side, given.outputs, given.outputs, 0, 0, given.rows, given.columns,
                    first, last, patch,
                ),
            )  # fmt: skip
            set_word(strides, 2, last - first)
            for position in range(positions):
                here = sums + (part * positions + position) * given.s_spread
                for begin in range(0, numbers, panel):
                    call(
                        given.product,
                        (
                            v + position * given.v_spread,
                            y + position * given.y_spread + begin * SIZE,
                            here + (first_column + begin) * SIZE,
                            given.channels,
                            panel,
                            strides,
                            1 if block > start else 0,
                        ),
                    )
        index = take(counter)


@native
def filter_from_sums(given_: int, places: int, room: int, counter: int) -> None:
    """Adds up the sums of all slices, some channels at a time, and transforms them."""
    given = record_at(given_, GRADIENT_SUMS)
    sums, gradient = word(places, SUMS), word(places, OUTPUT)
    side, spread, positions = given.side, given.s_spread, given.side * given.side
    out_channels, row = given.out_channels, given.numbers * SIZE
    vectors = (out_channels + given.lanes - 1) // given.lanes
    start = take(counter) * given.channels_at_once
    while start < given.channels:
        stop = min(start + given.channels_at_once, given.channels)
        for position in range(positions):
            total = sums + position * spread + start * row
            for each in range(1, given.slices):
                other = sums + (each * positions + position) * spread + start * row
                add_numbers(other, total, (stop - start) * given.numbers)
        for channel in range(start, stop):
            source = sums + channel * row
            target = gradient + channel * out_channels * SIZE
            column = given.channels * out_channels * SIZE
            if vectors * given.lanes == out_channels:
                call(
                    given.filter_gradient,
                    (source, side * spread, spread, target, given.window * column, column, vectors),
                )
                continue
            patch = room + given.patch
            call(
                given.filter_gradient,
                (source, side * spread, spread, patch, given.window * row, row, vectors),
            )
            for place in range(given.window * given.window):
                copy_numbers(patch + place * row, target + place * column, out_channels)
        start = take(counter) * given.channels_at_once
