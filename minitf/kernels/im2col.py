"""With this module one can convolve by matrix product, for any stride, dilation and padding.

im2col lays what lies under each window of the input side by side as one row, a "column" of the
picture; then all three passes are matrix products with the filter as a matrix:

    rows of windows    X   (batch x output height x output width,  R x S x C)
    filter             W   (R x S x C,  K)
    output             Y = X W
    gradient of W          X' dY
    gradient of X          dY W', which col2im adds back to where the windows were

X is as large as the input times the window, so it is never made as a whole: blocks that stay in
the second-level cache are made, multiplied and forgotten, one thread each. This suits any shape;
it is chosen where the output has so few channels that `direct` would leave most of a vector empty
(see `conv._algorithm`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minitf.kernels.blas import single_threaded
from minitf.kernels.jit import jit, readonly
from minitf.kernels.padding import Pair, spatial_sizes
from minitf.kernels.parallel import parallel_for
from minitf.kernels.reference import NONE, ONE, Pads, windows
from minitf.kernels.workspace import into, workspace
from minitf.kernels.workspace import output as buffer

Array = npt.NDArray[Any]

# Elements of X in a block. Large enough for BLAS, small enough for the second-level cache, and
# some 16 blocks to share out if that leaves each the smaller size.
_LARGE_BLOCK, _SMALL_BLOCK, _BLOCKS = 1 << 19, 1 << 17, 16

# The gradient of the filter is added up in this many places, which are added up in the end; in
# fewer if the filter is larger than this.
_SLICES, _LARGE_FILTER = 8, 1 << 21

_FEW_CHANNELS = 4


class _Block(NamedTuple):
    """Some images, and of each image some rows; either all rows, or one image."""

    first_image: int
    last_image: int
    first_row: int
    last_row: int

    @property
    def shape(self) -> tuple[int, int]:
        return self.last_image - self.first_image, self.last_row - self.first_row

    def of(self, images: Array) -> Array:
        """The part of (batch, rows, ...)."""
        return images[self.first_image : self.last_image, self.first_row : self.last_row]


def conv2d(
    input: Array,
    filter: Array,
    *,
    strides: Pair = ONE,
    padding: Pads = NONE,
    dilations: Pair = ONE,
    out: Array | None = None,
) -> Array:
    """See `minitf.kernels.conv.conv2d`; for float32 and float64."""
    batch, *in_sizes, _ = input.shape
    *window, out_channels = filter.shape
    height, width = spatial_sizes(in_sizes, window[:2], strides, padding, dilations)
    output = buffer(out, (batch, height, width, out_channels), input.dtype)
    if output.size == 0 or filter.size == 0:
        output[...] = 0
        return output
    matrix = filter.reshape(-1, out_channels)
    window_rows = _window_rows(input, window, (height, width), strides, padding, dilations)
    blocks = _blocks(batch, height, width * len(matrix))

    def one(index: int) -> None:
        block = blocks[index]
        np.matmul(window_rows(block), matrix, out=_rows(block.of(output), 1))

    with single_threaded():
        parallel_for(len(blocks), one)
    return output


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
    """See `minitf.kernels.conv.conv2d_backprop_filter`; for float32 and float64."""
    batch, height, width, out_channels = out_backprop.shape
    window = filter_shape[:3]
    size = math.prod(window)
    if out_backprop.size == 0 or size == 0:
        return into(out, np.zeros(filter_shape, input.dtype))
    window_rows = _window_rows(input, window, (height, width), strides, padding, dilations)
    grad = np.ascontiguousarray(out_backprop)
    blocks = _blocks(batch, height, width * size)
    slices = min(len(blocks), max(1, min(_SLICES, _LARGE_FILTER // (size * out_channels))))
    sums = np.zeros((slices, size, out_channels), input.dtype)

    def one(index: int) -> None:
        for block in blocks[index::slices]:
            product = workspace("product", (size, out_channels), input.dtype)
            np.matmul(window_rows(block).T, _rows(block.of(grad), 1), out=product)
            sums[index] += product

    with single_threaded():
        parallel_for(slices, one)
    total: Array = sums.sum(axis=0) if slices > 1 else sums[0]
    return into(out, total.reshape(filter_shape))


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
    """See `minitf.kernels.conv.conv2d_backprop_input`; for float32 and float64."""
    batch, in_height, _, _ = input_shape
    _, height, width, out_channels = out_backprop.shape
    window = filter.shape[:3]
    gradient = buffer(out, input_shape, out_backprop.dtype)
    if gradient.size == 0 or out_backprop.size == 0:
        gradient[...] = 0
        return gradient
    transposed = filter.reshape(-1, out_channels).T
    grad, origin = np.ascontiguousarray(out_backprop), (padding[0][0], padding[1][0])
    span = (window[0] - 1) * dilations[0]
    blocks = _blocks(batch, in_height, -(-height // in_height) * width * transposed.shape[1])

    def one(index: int) -> None:
        block = blocks[index]
        # The rows of the output whose windows touch the block's rows of the input.
        first = max(-(-(block.first_row + origin[0] - span) // strides[0]), 0)
        last = max(min((block.last_row - 1 + origin[0]) // strides[0] + 1, height), first)
        source = block._replace(first_row=first, last_row=last)
        columns = workspace("columns", (*source.shape, width, *window), grad.dtype)
        np.matmul(_rows(source.of(grad), 1), transposed, out=_rows(columns, 3))
        _col2im(columns, block.of(gradient), first, block.first_row, strides, origin, dilations)

    with single_threaded():
        parallel_for(len(blocks), one)
    return gradient


def _window_rows(
    input: Array,
    window: Sequence[int],
    outputs: tuple[int, int],
    strides: Pair,
    padding: Pads,
    dilations: Pair,
) -> Callable[[_Block], Array]:
    """The function that makes the rows of X for a block of the output, in this thread's workspace.

    With few channels, what lies together in the input is short, and it is faster to go along its
    rows: then X is made transposed.
    """
    if input.shape[3] < _FEW_CHANNELS:
        cells = windows(input, window[:2], strides, padding, dilations)

        def transposed(block: _Block) -> Array:
            source = block.of(cells).transpose(4, 5, 3, 0, 1, 2)
            columns = workspace("columns", source.shape, input.dtype)
            np.copyto(columns, source)
            return np.transpose(_rows(columns, 3))

        return transposed
    source, origin = readonly(input), (padding[0][0], padding[1][0])

    def straight(block: _Block) -> Array:
        columns = workspace("columns", (*block.shape, outputs[1], *window), input.dtype)
        _im2col(source, columns, block.first_image, block.first_row, strides, origin, dilations)
        return _rows(columns, 3)

    return straight


def _blocks(batch: int, rows: int, row_size: int) -> list[_Block]:
    """Cuts a batch of images into blocks, of several images or of several rows of one.

    Args:
      batch: how many images.
      rows: how many rows in each.
      row_size: how many elements of X belong to a row.
    """
    fair = batch * rows * row_size // _BLOCKS
    most_rows = max(1, min(max(fair, _SMALL_BLOCK), _LARGE_BLOCK) // max(row_size, 1))
    if most_rows >= rows:
        step = _even(batch, most_rows // rows)
        return [_Block(n, min(n + step, batch), 0, rows) for n in range(0, batch, step)]
    step = _even(rows, most_rows)
    return [
        _Block(n, n + 1, row, min(row + step, rows))
        for n in range(batch)
        for row in range(0, rows, step)
    ]


def _even(total: int, most: int) -> int:
    """The step that cuts `total` into as few pieces as steps of `most` do, of about one size."""
    pieces = -(-total // most)
    return -(-total // pieces)


def _rows(array: Array, trailing: int) -> Array:
    """The matrix whose rows are the last `trailing` dimensions of a contiguous array."""
    leading = array.ndim - trailing
    return array.reshape(-1, math.prod(array.shape[leading:]))


@jit
def _im2col(
    input: Array,
    columns: Array,
    first_image: int,
    first_row: int,
    strides: Pair,
    origin: Pair,
    dilations: Pair,
) -> None:
    """columns[n, i, j, r, s, c] = padded input[first_image + n, y, x, c], where

    y = (first_row + i) * stride + r * dilation and x = j * stride + s * dilation. The plain
    loops over single elements are what LLVM turns into the fastest copies.
    """
    _, height, width, _ = input.shape
    images, rows, positions, window_height, window_width, channels = columns.shape
    zero = input.dtype.type(0)
    for n in range(images):
        image = input[first_image + n]
        for i in range(rows):
            for r in range(window_height):
                y = (first_row + i) * strides[0] + r * dilations[0] - origin[0]
                for s in range(window_width):
                    x = s * dilations[1] - origin[1]
                    begin = min(max(-(x // strides[1]), 0), positions)
                    end = max(min((width - 1 - x) // strides[1] + 1, positions), begin)
                    if y < 0 or y >= height:
                        begin = end = positions
                    for j in range(begin):
                        for c in range(channels):
                            columns[n, i, j, r, s, c] = zero
                    for j in range(begin, end):
                        for c in range(channels):
                            columns[n, i, j, r, s, c] = image[y, x + j * strides[1], c]
                    for j in range(end, positions):
                        for c in range(channels):
                            columns[n, i, j, r, s, c] = zero


@jit
def _col2im(
    columns: Array,
    gradient: Array,
    first_output: int,
    first_row: int,
    strides: Pair,
    origin: Pair,
    dilations: Pair,
) -> None:
    """The transpose of `_im2col`: gradient[n, y, x, c] = the sum of the columns made from there.

    The columns are those of the output rows from first_output on; of the input, only the rows
    from first_row on are in `gradient`.
    """
    images, height, width, channels = gradient.shape
    _, rows, positions, window_height, window_width, _ = columns.shape
    gradient[:] = 0
    for n in range(images):
        for i in range(rows):
            for r in range(window_height):
                y = (first_output + i) * strides[0] + r * dilations[0] - origin[0] - first_row
                if y < 0 or y >= height:
                    continue
                for s in range(window_width):
                    x = s * dilations[1] - origin[1]
                    begin = min(max(-(x // strides[1]), 0), positions)
                    end = max(min((width - 1 - x) // strides[1] + 1, positions), begin)
                    for j in range(begin, end):
                        for c in range(channels):
                            gradient[n, y, x + j * strides[1], c] += columns[n, i, j, r, s, c]
