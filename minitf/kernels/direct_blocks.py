"""With this module one can walk over images for a convolution: the compiled part of `direct`.

`direct` says how the numbers lie, cuts the work, and calls these; `product` is the address of the
machine code of `microkernel`.
"""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from minitf.kernels.jit import jit
from minitf.kernels.padding import Pair
from minitf.kernels.simd import call, take

Array = npt.NDArray[Any]

# First and last image, first and last row of outputs.
Block = tuple[int, int, int, int]

# Where windows lie: `outputs`, `strides`, `dilations`, `origin` and `pitch` of `direct`.
Reach = tuple[Pair, Pair, Pair, Pair, int]


@jit
def pack(
    packer: int,
    filter: int,
    steps: tuple[int, int, int, int],
    panels: int,
    shape: tuple[int, int, int, int, int],
    down: tuple[int, int, int],
    right: tuple[int, int, int],
    outer: int,
    size: int,
    start: int,
    stop: int,
) -> None:
    """Rows `start` to `stop`, of all panels together, of a packed filter.

    Args:
      packer: the address of what packs a cell; see `packing`.
      filter: that of the filter.
      steps: bytes from one row of the window to the next, one cell, one row of a cell's matrix, and
        one of the result's columns.
      panels: the address of the result.
      shape: of the result.
      down, right: which cells of the window are taken: the first, the step, how many.
      outer: how many columns the result has.
      size: bytes in a number.
    """
    _, rows, columns, inner, width = shape
    row_step, cell_step, matrix_step, outer_step = steps
    for index in range(start, stop):
        begin = index // rows * width
        r = down[0] + index % rows * down[1]
        for j in range(columns):
            s = right[0] + j * right[1]
            call(
                packer,
                (
                    filter + r * row_step + s * cell_step + begin * outer_step,
                    matrix_step,
                    panels + (index * columns + j) * inner * width * size,
                    0,
                    width,
                    inner,
                    min(width, outer - begin),
                ),
            )


@jit
def _pad(images: Array, n: int, padded: Array, top: int, left: int, rows: int) -> None:
    """padded[y, x] = images[n, y + top, x + left], or 0 where there is no such pixel."""
    _, height, width, channels = images.shape
    columns = padded.shape[1]
    for y in range(rows):
        source = y + top
        begin = min(max(-left, 0), columns)
        end = max(min(width - left, columns), begin)
        if source < 0 or source >= height:
            begin = end = columns
        for x in range(begin):
            for c in range(channels):
                padded[y, x, c] = 0
        for x in range(begin, end):
            for c in range(channels):
                padded[y, x, c] = images[n, source, x + left, c]
        for x in range(end, columns):
            for c in range(channels):
                padded[y, x, c] = 0


@jit
def forward(
    product: int,
    images: Array,
    panels: Array,
    output: Array,
    padded: Array,
    distances: Array,
    block: Block,
    outputs: Pair,
    strides: Pair,
    dilations: Pair,
    origin: Pair,
    pitch: int,
    first: Pair,
    steps: Pair,
) -> None:
    """One block of a convolution: for each row of outputs and each panel, one matrix product."""
    first_image, last_image, first_row, last_row = block
    count, rows, columns, inner, width = panels.shape
    size = images.itemsize
    _, height, out_width, channels = output.shape
    covered = (last_row - 1 - first_row) * strides[0] + (rows - 1) * dilations[0] + 1
    for n in range(first_image, last_image):
        top = first_row * strides[0] - origin[0]
        if len(padded) > 0:
            _pad(images, n, padded, top, -origin[1], covered)
            a = padded.ctypes.data
        else:
            a = images.ctypes.data + (n * images.shape[1] + top) * pitch * inner * size
        for panel in range(count):
            b = panels.ctypes.data + panel * rows * columns * inner * width * size
            for i in range(first_row, last_row):
                row = first[0] + i * steps[0]
                pixel = (n * height + row) * out_width + first[1]
                call(
                    product,
                    (
                        a + (i - first_row) * strides[0] * pitch * inner * size,
                        b,
                        output.ctypes.data + (pixel * channels + panel * width) * size,
                        outputs[1],
                        min(width, channels - panel * width),
                        distances.ctypes.data,
                        0,
                    ),
                )


@jit
def forward_blocks(
    counter: int,
    blocks: Array,
    product: int,
    images: Array,
    panels: Array,
    output: Array,
    padded: Array,
    distances: Array,
    reach: Reach,
    first: Pair,
    steps: Pair,
) -> None:
    """The blocks of a convolution that are left on the counter; each row of `blocks` is one."""
    outputs, strides, dilations, origin, pitch = reach
    index = take(counter)
    while index < len(blocks):
        block = blocks[index, 0], blocks[index, 1], blocks[index, 2], blocks[index, 3]
        forward(
            product, images, panels, output, padded, distances, block, outputs, strides, dilations,
            origin, pitch, first, steps,
        )  # fmt: skip
        index = take(counter)


@jit
def forward_images(
    arguments: tuple[int, Array, Array, Array, Array, Reach], first: int, last: int, layer: Array
) -> None:
    """The convolution of the images `first` to `last`, to the beginning of `layer`."""
    product, images, panels, padded, distances, reach = arguments
    outputs, strides, dilations, origin, pitch = reach
    forward(
        product, images[first:last], panels, layer, padded, distances,
        (0, last - first, 0, outputs[0]), outputs, strides, dilations, origin, pitch, (0, 0),
        (1, 1),
    )  # fmt: skip


@jit
def filter_gradient(
    product: int,
    images: Array,
    grad: Array,
    sums: Array,
    padded: Array,
    tail: Array,
    distances: Array,
    width: int,
    slack: int,
    block: Block,
    strides: Pair,
    dilations: Pair,
    origin: Pair,
    pitch: int,
    cells: tuple[int, int, int],
    accumulate: int,
) -> None:
    """Adds to `sums` what one block of outputs has for the filter's gradient.

    `cells` are the rows of the window, the pieces of such a row, and the numbers in a piece.
    """
    first_image, last_image, first_row, last_row = block
    rows, pieces, numbers = cells
    _, height, columns, channels = grad.shape
    size, inner = images.itemsize, images.shape[3]
    covered = (last_row - 1 - first_row) * strides[0] + (rows - 1) * dilations[0] + 1
    distances[5] = last_row - first_row
    for n in range(first_image, last_image):
        top = first_row * strides[0] - origin[0]
        if len(padded) > 0:
            _pad(images, n, padded, top, -origin[1], covered)
            a = padded.ctypes.data
        else:
            a = images.ctypes.data + (n * images.shape[1] + top) * pitch * inner * size
        b = grad.ctypes.data + (n * height + first_row) * columns * channels * size
        if slack > 0:  # the last panel is read beyond its end: copy to where there is room
            at = 0
            for i in range(first_row, last_row):
                for j in range(columns):
                    for k in range(channels):
                        tail[at] = grad[n, i, j, k]
                        at += 1
            b = tail.ctypes.data
        for r in range(rows):
            for piece in range(pieces):
                for begin in range(0, channels, width):
                    offset = r * dilations[0] * pitch + piece * dilations[1]
                    call(
                        product,
                        (
                            a + offset * inner * size,
                            b + begin * size,
                            sums.ctypes.data
                            + ((r * pieces + piece) * numbers * channels + begin) * size,
                            numbers,
                            min(width, channels - begin),
                            distances.ctypes.data,
                            1 if accumulate > 0 or n > first_image else 0,
                        ),
                    )


@jit
def filter_gradient_slices(
    counter: int,
    blocks: Array,
    product: int,
    images: Array,
    grad: Array,
    sums: Array,
    padded: Array,
    tail: Array,
    distances: Array,
    width: int,
    slack: int,
    reach: Reach,
    cells: tuple[int, int, int],
) -> None:
    """The slices of the filter's gradient, rows of `sums`, that are left on the counter.

    Slice i is of the blocks i, i + len(sums), i + 2 len(sums) ...
    """
    _, strides, dilations, origin, pitch = reach
    index = take(counter)
    while index < len(sums):
        for each in range(index, len(blocks), len(sums)):
            block = blocks[each, 0], blocks[each, 1], blocks[each, 2], blocks[each, 3]
            filter_gradient(
                product, images, grad, sums[index], padded, tail, distances, width, slack, block,
                strides, dilations, origin, pitch, cells, 1 if each > index else 0,
            )  # fmt: skip
        index = take(counter)


@jit
def filter_gradient_slices_through(
    counter: int,
    blocks: Array,
    product: int,
    images: Array,
    through: tuple[Array, Array, Array, Array, Array],
    sums: Array,
    padded: Array,
    tail: Array,
    distances: Array,
    width: int,
    slack: int,
    reach: Reach,
    cells: tuple[int, int, int],
) -> None:
    """`filter_gradient_slices`, where the output's gradient is made of a pool's, block by block.

    `through` are the gradient in the maxima, which cells had them, room for the gradient of a
    block's images and for the bias's sums of them, and where those sums go for all images.
    """
    grad, which, layer, layer_sums, bias_sums = through
    _, strides, dilations, origin, pitch = reach
    index = take(counter)
    while index < len(sums):
        for each in range(index, len(blocks), len(sums)):
            first, last = blocks[each, 0], blocks[each, 1]
            some = last - first
            unpool(grad[first:last], which[first:last], layer[:some], layer_sums[:some])
            for n in range(some):  # set, not added: two threads may be at one image
                for i in range(bias_sums.shape[1]):
                    for c in range(bias_sums.shape[2]):
                        bias_sums[first + n, i, c] = layer_sums[n, i, c]
            block = 0, some, blocks[each, 2], blocks[each, 3]
            filter_gradient(
                product, images[first:last], layer, sums[index], padded, tail, distances, width,
                slack, block, strides, dilations, origin, pitch, cells, 1 if each > index else 0,
            )  # fmt: skip
        index = take(counter)


# Put in by `specialize`.
unpool: Any = None


@jit
def add_up(sums: Array, total: Array, start: int, stop: int) -> None:
    for i in range(start, stop):
        total[i] = sums[0, i]
    for each in range(1, len(sums)):
        for i in range(start, stop):
            total[i] += sums[each, i]
