"""With this module one can add up the numbers of an array, fast and with small rounding errors.

The array is cut into blocks, and a block into pieces that lie one after the other. The pieces of a
block are added up element by element into one piece, which is then folded: its second half is
added to its first, then the second quarter to the first, until one number (or one row of them) is
left. At last that is done with what is left of the blocks. So no number is rounded often, and the
order of the additions follows from the array's shape alone: the bits are the same for any number
of threads, and for a generated loop that adds up what it computes without keeping it (see
`minitf.runtime.fusion`).

>>> import numpy as np
>>> from minitf.kernels.reductions import sum_over
>>> sum_over(np.ones((3, 5000), np.float32), axes=(0, 1))
np.float32(15000.0)
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minitf.kernels import dispatch, sums
from minitf.kernels.jit import jit, readonly
from minitf.kernels.parallel import parallel_ranges
from minitf.kernels.workspace import workspace

Array = npt.NDArray[Any]

# Fewer numbers than this are left to numpy: they cost less than the call of a kernel.
LEAST = 4096

# Numbers of a piece, as many as stay in a first-level cache, and pieces of a block.
_PIECE = 2048
_TURNS = 32

# The shortest and the longest row that is folded in one piece.
_SHORTEST, _LONGEST = 64, 1 << 15

# Adding to it changes nothing: 0.0 would make 0.0 of -0.0.
NOTHING = -0.0


class Folds(NamedTuple):
    """How an array is added up, as rows of `width` numbers that lie one after the other.

    Attributes:
      rows: how many rows there are.
      width: numbers of a row, and of a result.
      piece: rows of a piece.
      turns: pieces of a block, of which one row is left; if it is 1, all of them are full.
      again: whether what is left of the blocks is to be added up too.
    """

    rows: int
    width: int
    piece: int
    turns: int
    again: bool

    @property
    def blocks(self) -> int:
        """How many blocks there are; the last may have fewer rows."""
        return -(-self.rows // (self.piece * self.turns))


@functools.lru_cache(1024)
def folds(shape: tuple[int, ...], axes: tuple[int, ...]) -> Folds | None:
    """How to add up an array of this shape over some of its axes; None where numpy does it.

    That is for few numbers, for very short rows of them, and for axes that are neither all, nor the
    first, nor the last ones. Axes of size 1 are not counted. For the pixels of images see `sums`.
    """
    if _over_pixels(shape, axes):
        return None
    kept = [axis not in axes for axis, size in enumerate(shape) if size != 1]
    sizes = [size for size in shape if size != 1]
    if math.prod(sizes) < LEAST or all(kept):
        return None
    if not any(kept):
        whole_rows = _PIECE // sizes[-1] * sizes[-1]
        return Folds(math.prod(sizes), 1, whole_rows or _PIECE, _TURNS, again=True)
    change = kept.index(not kept[0])
    if kept[change:] != [kept[change]] * (len(kept) - change):
        return None
    first, rest = math.prod(sizes[:change]), math.prod(sizes[change:])
    if kept[0]:
        fits = _SHORTEST <= rest <= _LONGEST
        return Folds(first * rest, 1, rest, turns=1, again=False) if fits else None
    return Folds(first, rest, max(_PIECE // rest, 1), _TURNS, again=True)


def sum_over(x: Array, axes: tuple[int, ...]) -> Any:
    """The sum over some axes, which are left out of the result.

    Args:
      x: an array; those of other dtypes than float32 and float64 are left to numpy.
      axes: numbers from 0, none of them twice.
    """
    how = folds(x.shape, axes) if dispatch.compiles(x.dtype) else None
    if how is None:
        return _sum_otherwise(x, axes)
    numbers = readonly(x).reshape(-1)
    left = np.empty(how.blocks * how.width, x.dtype)

    def run(start: int, stop: int) -> None:
        total = workspace("sum", (how.piece * how.width,), x.dtype)
        _fold_blocks(start, stop, numbers, how.width, how.turns, total, left)

    parallel_ranges(how.blocks, run, work=how.piece * how.turns * how.width)
    return finish(left, how, [size for axis, size in enumerate(x.shape) if axis not in axes])


def finish(left: Array, how: Folds, shape: Sequence[int]) -> Any:
    """The result, of this shape, from what is left of the blocks; that array is used up."""
    if how.again:
        fold(left, how.blocks, how.width)
        left = left[: how.width]
    return left.reshape(shape) if shape else left[0]


@jit(inline="always")
def fold(numbers: Array, rows: int, width: int) -> None:
    """Adds up rows in place, until the first is the sum of all."""
    while rows > 1:
        half = (rows + 1) // 2
        first = numbers[: (rows - half) * width]
        second = numbers[half * width : rows * width]
        for i in range(len(first)):
            first[i] += second[i]
        rows = half


@jit
def _fold_blocks(
    start: int, stop: int, numbers: Array, width: int, turns: int, total: Array, left: Array
) -> None:
    """Adds up some blocks, each to one row of `left`, by way of a piece, `total`."""
    size = len(total)  # loops, since to compile an assignment to a slice takes two seconds
    for block in range(start, stop):
        if turns == 1:
            for i in range(size):
                total[i] = numbers[block * size + i]
        else:
            for i in range(size):
                total[i] = NOTHING
            for turn in range(block * turns, block * turns + turns):
                piece = numbers[turn * size : turn * size + size]
                for i in range(len(piece)):
                    total[i] += piece[i]
        fold(total, size // width, width)
        for i in range(width):
            left[block * width + i] = total[i]


def _sum_otherwise(x: Array, axes: tuple[int, ...]) -> Any:
    kept = x.shape[len(axes) :]
    if not (x.dtype.kind in "fc" and x.size and kept and set(axes) == set(range(len(axes)))):
        return np.sum(x, axis=axes, dtype=x.dtype)
    if _over_pixels(x.shape, axes) and dispatch.compiles(x.dtype):
        return sums.sum_pixels(x)
    return sums.sum_rows(x.reshape(-1, *kept))


def _over_pixels(shape: tuple[int, ...], axes: tuple[int, ...]) -> bool:
    """Whether this is the gradient of a layer's bias, which has an order of its own; see `sums`."""
    return len(shape) == 4 and set(axes) == {0, 1, 2}
