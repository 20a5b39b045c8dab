"""With this module one can add up rows, and the pixels of images, in an order that others share.

numpy adds pairwise along the last axis only. Along others its rounding grows with the number of
rows, so here they are added in blocks, and then the blocks.

The pixels of images are added in an order of their own, that of the 2x2 cells of a pool:

    a b | e f      each cell: (a + b) + (c + d)
    c d | g h      each row of cells: from left to right; then all rows of all images, in blocks

In the gradient of a pool's input all but one number of a cell are zeros. So a kernel that has the
pool's gradient, where there is one number for each cell, gets the same bits from a quarter of the
work; `pool2x2` does, for the gradient of a bias.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from minitf.kernels.jit import NativeKernel, jit, native, readonly
from minitf.kernels.parallel import LEAST_IN_STAGE, block_size, parallel_ranges
from minitf.kernels.records import array_at, fields, record, record_at
from minitf.kernels.simd import take, word
from minitf.kernels.stages import Stage
from minitf.kernels.workspace import output, workspace

Array = npt.NDArray[Any]

# Rows that are added one after the other.
_BLOCK = 128


def sum_pixels(images: Array, *, out: Array | None = None) -> Array:
    """The sum over all pixels of all images: one number for each channel.

    Args:
      images: of shape (batch, height, width, channels); float32 or float64, as kernels compile for.
      out: where to put the result, if given.

    >>> sum_pixels(np.arange(8.0).reshape(1, 2, 2, 2))
    array([12., 16.])
    """
    sums = row_sums("pixels", images.shape, images.dtype)
    source = readonly(images)

    def some(start: int, stop: int) -> None:
        _add_cells(source[start:stop], sums[start:stop])

    parallel_ranges(len(images), some, work=max(images[:1].size // 8, 1))
    return add_rows(sums.reshape(-1, images.shape[3]), out=out)


def sum_rows(rows: Array, *, out: Array | None = None) -> Array:
    """The sum over the first axis, of blocks first and then of their sums."""
    while len(rows) > 2 * _BLOCK:
        count, whole = len(rows) // _BLOCK, len(rows) - len(rows) % _BLOCK
        blocks = rows[:whole].reshape(count, _BLOCK, *rows.shape[1:]).sum(axis=1, dtype=rows.dtype)
        rest = rows[whole:].sum(axis=0, keepdims=True, dtype=rows.dtype)
        rows = np.concatenate([blocks, rest]) if whole < len(rows) else blocks
    total: Array = rows.sum(axis=0, dtype=rows.dtype, out=out)
    return total


def add_rows(rows: Array, *, out: Array | None = None) -> Array:
    """`sum_rows` of a matrix that lies contiguously, in compiled code.

    The bits are the same, but for a matrix of one column, which numpy adds in an order of its own.
    """
    total = output(out, rows.shape[1:], rows.dtype)
    _add_rows(
        rows, workspace("row sums", (-(-len(rows) // _BLOCK), rows.shape[1]), rows.dtype), total
    )
    return total


def adding_up(dtype: np.dtype[Any], total: int, slices: int, sums: int, out: int) -> Stage:
    """A stage that adds up slices of numbers, the first one first.

    Args:
      dtype: float32 or float64.
      total: how many numbers a slice has.
      slices: how many there are, one after the other.
      sums, out: at which of the places they are, and at which the result goes.
    """
    at_once = block_size(total, work=slices, least=LEAST_IN_STAGE)
    given = record(SLICES, total=total, slices=slices, at_once=at_once, sums=sums, out=out)
    return Stage(_adder(dtype), -(-total // at_once), given)


@functools.cache
def _adder(dtype: np.dtype[Any]) -> NativeKernel[Any, None]:
    return add_slices.specialize(f"_{dtype.name}", DTYPE=dtype.type)


def row_sums(name: str, shape: Sequence[int], dtype: npt.DTypeLike) -> Array:
    """Room for the sum of each row of cells of images, which `sum_rows` adds up.

    Args:
      name: of the workspace.
      shape: of the images.
      dtype: of the images.
    """
    return workspace(name, row_sums_shape(shape), dtype)


def row_sums_shape(shape: Sequence[int]) -> tuple[int, int, int]:
    """The shape of `row_sums` for images of a shape."""
    return shape[0], -(-shape[1] // 2), shape[3]


# What `add_slices` is given; see `adding_up`.
SLICES = fields("total", "slices", "at_once", "sums", "out")

# Put in by `specialize`.
DTYPE: Any = np.float32


@native
def add_slices(given_: int, places: int, room: int, counter: int) -> None:
    """The sum of slices, some numbers of all of them at a time."""
    given = record_at(given_, SLICES)
    sums = array_at(word(places, given.sums), (given.slices, given.total), DTYPE)
    total = array_at(word(places, given.out), given.total, DTYPE)
    start = take(counter) * given.at_once
    while start < given.total:
        stop = min(start + given.at_once, given.total)
        for i in range(start, stop):
            total[i] = sums[0, i]
        for each in range(1, given.slices):
            for i in range(start, stop):
                total[i] += sums[each, i]
        start = take(counter) * given.at_once


def _add_rows_numpy(rows: Array, sums: Array, total: Array) -> None:
    sum_rows(rows, out=total)


@jit(fallback=_add_rows_numpy)
def _add_rows(rows: Array, sums: Array, total: Array) -> None:
    """The sum of rows, of blocks first, which go to `sums`."""
    source, count = rows, len(rows)
    while count > 2 * _BLOCK:
        blocks = (count + _BLOCK - 1) // _BLOCK
        for block in range(blocks):
            first = block * _BLOCK
            for c in range(rows.shape[1]):
                sums[block, c] = source[first, c]
            for i in range(first + 1, min(first + _BLOCK, count)):
                for c in range(rows.shape[1]):
                    sums[block, c] += source[i, c]
        source, count = sums, blocks
    for c in range(rows.shape[1]):
        total[c] = source[0, c] if count > 0 else 0
    for i in range(1, count):
        for c in range(rows.shape[1]):
            total[c] += source[i, c]


@jit
def _add_cells(images: Array, sums: Array) -> None:
    batch, height, width, channels = images.shape
    for n in range(batch):
        for i in range(sums.shape[1]):
            row = sums[n, i]
            row[:] = 0
            top, bottom = images[n, 2 * i], images[n, min(2 * i + 1, height - 1)]
            has_bottom = 2 * i + 1 < height
            for j in range(0, width, 2):
                if has_bottom and j + 1 < width:
                    for c in range(channels):
                        upper = top[j, c] + top[j + 1, c]
                        row[c] += upper + (bottom[j, c] + bottom[j + 1, c])
                else:
                    for c in range(channels):
                        upper = top[j, c]
                        if j + 1 < width:
                            upper += top[j + 1, c]
                        row[c] += upper + bottom[j, c] if has_bottom else upper
