"""With this module one can walk over images for a convolution: the compiled part of `direct`.

`direct` says how the numbers lie and cuts the work into `stages`, which these are. What they are
given are sizes, and addresses; `product` is that of the machine code of `microkernel`. Where
numbers are only moved, a float64 is taken for two float32, so that one function serves both.
"""

from __future__ import annotations

from typing import Any

from minitf.kernels.jit import jit, native
from minitf.kernels.records import fields, record_at
from minitf.kernels.simd import call, copy_numbers, set_word, take, word, zero_numbers

# Which of its places a stage finds what at; see `stages`. A gradient of the filter takes the second
# for that of the output. Where that is made of a pool's (`filter_gradient_slices_through`), it is
# the pool's, and there are two more places: which cells had the maxima, and the bias's sums.
IMAGES, FILTER, OUTPUT, PANELS = range(4)
GRADIENT, SUMS = FILTER, PANELS
WHICH, BIAS_SUMS = 4, 5

# What `pack` is given:
PACK = fields(
    "packer",  # the address of what packs a cell; see `packing`
    *("row", "cell", "matrix", "outer_step"),  # bytes from one row of the window to the next, one
    # cell, one row of a cell's matrix, and one of the result's columns
    *("rows", "columns", "inner", "width"),  # the result's shape, without the panels
    *("down", "down_step", "right", "right_step"),  # which cells are taken: the first, the step
    *("outer", "size"),  # columns of the result; bytes of a number
    *("total", "at_once"),  # rows of all panels together
)

# Where windows lie on images, and how a matrix product finds them; see `sliding.Windows`.
_WINDOWS = (
    *("height", "width", "inner"),  # of an image
    *("columns", "strides_down", "dilation_down", "dilation_right"),
    *("above", "left_of", "pitch", "padded"),  # of which the last says whether zeros are put around
    *("product", "distances", "size"),  # the product, its strides, bytes in a number
    *("blocks", "count"),  # the address of a table of blocks, four words for each; how many
)

# What `forward_blocks` is given:
FORWARD = fields(
    *_WINDOWS,
    *("out_height", "out_width", "channels"),  # of the output
    *("panels", "rows", "cells", "panel"),  # the filter in panels: how many, rows and columns of
    # the window, numbers in a row of a panel
    *("first_down", "first_right", "steps_down", "steps_right"),  # where results go
    "outputs",  # rows of the output that windows make
)

# What the stages of the filter's gradient are given:
FILTER_GRADIENT = fields(
    *_WINDOWS,
    *("out_height", "channels"),  # of the output's gradient, which has `columns` columns
    *("panel", "slack"),  # numbers in a panel, and of which the last one is read beyond its end
    *("rows", "pieces", "numbers"),  # of the window, pieces of such a row, numbers in a piece
    *("slices", "total"),  # of the sums, and numbers in each
    *("tail", "strides"),  # where in a thread's room these are
    *("unpool", "sizes"),  # for a gradient through a pool: the addresses of `pool2x2.unpooling`
    *("maxima", "sums"),  # the numbers of an image: maxima, and sums for the bias
    *("layer", "layer_sums"),  # where in a thread's room a block's gradient and sums are
)

# Numbers that `microkernel.strides` gives.
_STRIDES = 11


@native
def pack(given_: int, places: int, room: int, counter: int) -> None:
    """Rows, of all panels together, of a packed filter."""
    given = record_at(given_, PACK)
    filter, panels = word(places, FILTER), word(places, PANELS)
    start = take(counter) * given.at_once
    while start < given.total:
        for index in range(start, min(start + given.at_once, given.total)):
            begin = index // given.rows * given.width
            r = given.down + index % given.rows * given.down_step
            for j in range(given.columns):
                s = given.right + j * given.right_step
                cell = filter + r * given.row + s * given.cell + begin * given.outer_step
                matrix = given.inner * given.width * given.size
                call(
                    given.packer,
                    (
                        cell, given.matrix, panels + (index * given.columns + j) * matrix, 0,
                        given.width, given.inner, min(given.width, given.outer - begin),
                    ),
                )  # fmt: skip
        start = take(counter) * given.at_once


@jit(inline="always")
def _pad(given: Any, image: int, padded: int, top: int, rows: int) -> None:
    """Rows of an image, from `top` on, with zeros where there are no pixels."""
    cell = given.inner * given.size
    floats, columns = cell // 4, given.pitch
    for y in range(rows):
        source, target = y + top, padded + y * columns * cell
        begin = min(max(given.left_of, 0), columns)
        end = max(min(given.width + given.left_of, columns), begin)
        if source < 0 or source >= given.height:
            begin = end = columns
        zero_numbers(target, begin * floats)
        pixel = source * given.width + begin - given.left_of
        copy_numbers(image + pixel * cell, target + begin * cell, (end - begin) * floats)
        zero_numbers(target + end * cell, (columns - end) * floats)


@jit(inline="always")
def _windows(given: Any, room: int, image: int, first_row: int, last_row: int) -> int:
    """The address of what the windows of some rows of outputs lie on."""
    top = first_row * given.strides_down - given.above
    if given.padded == 0:
        first: int = image + top * given.pitch * given.inner * given.size
        return first
    reach = (given.rows - 1) * given.dilation_down + 1
    _pad(given, image, room, top, (last_row - 1 - first_row) * given.strides_down + reach)
    return room


@jit(inline="always")
def _forward(
    given: Any, room: int, image: int, panels: int, output: int, first_row: int, last_row: int
) -> None:
    """Rows of an image's outputs: for each and each panel, one matrix product."""
    size, cells = given.size, given.rows * given.cells * given.inner
    a = _windows(given, room, image, first_row, last_row)
    for panel in range(given.panels):
        for i in range(first_row, last_row):
            row = given.first_down + i * given.steps_down
            pixel = row * given.out_width + given.first_right
            step = given.strides_down * given.pitch * given.inner
            call(
                given.product,
                (
                    a + (i - first_row) * step * size,
                    panels + panel * cells * given.panel * size,
                    output + (pixel * given.channels + panel * given.panel) * size,
                    given.columns,
                    min(given.panel, given.channels - panel * given.panel),
                    given.distances,
                    0,
                ),
            )


@native
def forward_blocks(given_: int, places: int, room: int, counter: int) -> None:
    """A convolution, block by block."""
    given = record_at(given_, FORWARD)
    pixels = given.height * given.width * given.inner * given.size
    out_pixels = given.out_height * given.out_width * given.channels * given.size
    images, output, panels = word(places, IMAGES), word(places, OUTPUT), word(places, PANELS)
    index = take(counter)
    while index < given.count:
        block = given.blocks + 4 * 8 * index
        for n in range(word(block, 0), word(block, 1)):
            _forward(
                given, room, images + n * pixels, panels, output + n * out_pixels, word(block, 2),
                word(block, 3),
            )  # fmt: skip
        index = take(counter)


@native
def forward_images(given_: int, places: int, room: int, first: int, last: int, layer: int) -> None:
    """The convolution of the images `first` to `last`, to the address `layer`."""
    given = record_at(given_, FORWARD)
    pixels = given.height * given.width * given.inner * given.size
    out_pixels = given.out_height * given.out_width * given.channels * given.size
    images, panels = word(places, IMAGES), word(places, PANELS)
    for n in range(first, last):
        output = layer + (n - first) * out_pixels
        _forward(given, room, images + n * pixels, panels, output, 0, given.outputs)


@jit(inline="always")
def _add_gradient(
    given: Any,
    room: int,
    image: int,
    grad: int,
    sums: int,
    first_row: int,
    last_row: int,
    accumulate: int,
) -> None:
    """Adds to `sums` what some rows of an image's outputs have for the filter's gradient."""
    size, channels, panel = given.size, given.channels, given.panel
    strides, b = room + given.strides, grad + first_row * given.columns * channels * size
    set_word(strides, 5, last_row - first_row)
    a = _windows(given, room, image, first_row, last_row)
    if given.slack > 0:  # the last panel is read beyond its end: copy to where there is room
        count = (last_row - first_row) * given.columns * channels
        copy_numbers(b, room + given.tail, count * size // 4)
        b = room + given.tail
    for r in range(given.rows):
        for piece in range(given.pieces):
            offset = r * given.dilation_down * given.pitch + piece * given.dilation_right
            row = (r * given.pieces + piece) * given.numbers * channels
            for begin in range(0, channels, panel):
                call(
                    given.product,
                    (
                        a + offset * given.inner * size,
                        b + begin * size,
                        sums + (row + begin) * size,
                        given.numbers,
                        min(panel, channels - begin),
                        strides,
                        accumulate,
                    ),
                )


@jit(inline="always")
def _copy_strides(given: Any, room: int) -> None:
    for index in range(_STRIDES):
        set_word(room + given.strides, index, word(given.distances, index))


@native
def filter_gradient_slices(given_: int, places: int, room: int, counter: int) -> None:
    """The slices of the filter's gradient.

    Slice i is of the blocks i, i + slices, i + 2 slices ...
    """
    given = record_at(given_, FILTER_GRADIENT)
    pixels = given.height * given.width * given.inner * given.size
    out_pixels = given.out_height * given.columns * given.channels * given.size
    images, grad = word(places, IMAGES), word(places, GRADIENT)
    _copy_strides(given, room)
    index = take(counter)
    while index < given.slices:
        sums, accumulate = word(places, SUMS) + index * given.total * given.size, 0
        for each in range(index, given.count, given.slices):
            block = given.blocks + 4 * 8 * each
            for n in range(word(block, 0), word(block, 1)):
                _add_gradient(
                    given, room, images + n * pixels, grad + n * out_pixels, sums, word(block, 2),
                    word(block, 3), accumulate,
                )  # fmt: skip
                accumulate = 1
        index = take(counter)


@native
def filter_gradient_slices_through(given_: int, places: int, room: int, counter: int) -> None:
    """`filter_gradient_slices`, where the output's gradient is made of a pool's, block by block."""
    given = record_at(given_, FILTER_GRADIENT)
    size, layer, layer_sums = given.size, room + given.layer, room + given.layer_sums
    pixels = given.height * given.width * given.inner * size
    out_pixels = given.out_height * given.columns * given.channels * size
    _copy_strides(given, room)
    index = take(counter)
    while index < given.slices:
        sums, accumulate = word(places, SUMS) + index * given.total * given.size, 0
        for each in range(index, given.count, given.slices):
            block = given.blocks + 4 * 8 * each
            first, last = word(block, 0), word(block, 1)
            call(
                given.unpool,
                (
                    given.sizes, last - first, word(places, GRADIENT) + first * given.maxima * size,
                    word(places, WHICH) + first * given.maxima, layer, layer_sums,
                ),
            )  # fmt: skip
            # Set, not added: two threads may be at one image.
            sums_ = word(places, BIAS_SUMS) + first * given.sums * size
            copy_numbers(layer_sums, sums_, (last - first) * given.sums * size // 4)
            for n in range(first, last):
                _add_gradient(
                    given, room, word(places, IMAGES) + n * pixels,
                    layer + (n - first) * out_pixels, sums, word(block, 2),
                    word(block, 3), accumulate,
                )  # fmt: skip
                accumulate = 1
        index = take(counter)
