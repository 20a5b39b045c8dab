"""With this module one can add up the numbers of an array, fast and with small rounding errors.

The array is cut into blocks that fit the cache. A block is folded: its second half is added to
its first, then the second quarter to the first, until one number (or one row of them) is left. So
no number is rounded more often than the block can be halved, and the order of the additions
follows from the array's shape alone: the bits are the same for any number of threads, and for a
generated loop that computes a block's numbers and folds them without keeping them (see
`minitf.runtime.fusion`).

>>> import numpy as np
>>> from minitf.kernels.reductions import sum_over
>>> sum_over(np.ones((3, 1000), np.float32), axes=(0, 1))
np.float32(3000.0)
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minitf.kernels import dispatch
from minitf.kernels.jit import jit, readonly
from minitf.kernels.parallel import parallel_ranges
from minitf.kernels.workspace import workspace

Array = npt.NDArray[Any]

# Fewer numbers than this are left to numpy: they cost less than the call of a kernel.
LEAST = 4096

# Numbers of a block: of float32 a quarter of a first-level cache.
_BLOCK = 4096

# The longest row, in numbers, that is folded in one piece.
_LONGEST = 1 << 15


class Folds(NamedTuple):
    """How an array is added up, as rows of `width` numbers that lie one after the other.

    Attributes:
      rows: how many rows there are.
      width: numbers of a row, and of a result.
      span: rows of a block, of which one is left.
      again: whether what is left of the blocks is to be added up too.
    """

    rows: int
    width: int
    span: int
    again: bool

    @property
    def blocks(self) -> int:
        """How many blocks there are; the last may have fewer rows."""
        return -(-self.rows // self.span)


@functools.lru_cache(1024)
def folds(shape: tuple[int, ...], axes: tuple[int, ...]) -> Folds | None:
    """How to add up an array of this shape over some of its axes; None where numpy does it.

    That is for few numbers, and for axes that are neither all, nor the first, nor the last ones.
    Axes of size 1 are not counted.
    """
    kept = [axis not in axes for axis, size in enumerate(shape) if size != 1]
    sizes = [size for size in shape if size != 1]
    if math.prod(sizes) < LEAST or all(kept):
        return None
    if not any(kept):
        last = sizes[-1]
        whole_rows = _BLOCK // last * last
        return Folds(math.prod(sizes), 1, whole_rows or _BLOCK, again=True)
    change = kept.index(not kept[0])
    if kept != kept[:change] + [not kept[0]] * (len(kept) - change):
        return None
    first, rest = math.prod(sizes[:change]), math.prod(sizes[change:])
    if kept[0]:
        return Folds(first * rest, 1, rest, again=False) if rest <= _LONGEST else None
    return Folds(first, rest, max(_BLOCK // rest, 8), again=True)


def sum_over(x: Array, axes: tuple[int, ...]) -> Any:
    """The sum over some axes, which are left out of the result.

    Args:
      x: an array; those of other dtypes than float32 and float64 are left to numpy.
      axes: numbers from 0, none of them twice.
    """
    how = folds(x.shape, axes) if dispatch.compiles(x.dtype) else None
    if how is None:
        return _sum_by_numpy(x, axes)
    numbers = readonly(x).reshape(-1)
    left = np.empty(how.blocks * how.width, x.dtype)
    room = min(how.span, how.rows) * how.width

    def run(start: int, stop: int) -> None:
        scratch = workspace("fold", (room,), x.dtype)
        _fold_blocks(start, stop, numbers, how.rows, how.width, how.span, scratch, left)

    parallel_ranges(how.blocks, run, work=how.span * how.width)
    return finish(left, how, [size for axis, size in enumerate(x.shape) if axis not in axes])


def finish(left: Array, how: Folds, shape: Sequence[int]) -> Any:
    """The result, of this shape, from what is left of the blocks; that array is used up."""
    if how.again:
        fold(left, how.blocks, how.width)
        left = left[: how.width]
    return left.reshape(shape) if shape else left[0]


@jit
def fold(numbers: Array, rows: int, width: int) -> None:
    """Adds up rows in place, until the first is the sum of all."""
    while rows % 8 == 0:
        rows //= 8
        _fold_eighths(numbers, numbers, rows * width)
    while rows > 1:
        half = (rows + 1) // 2
        first = numbers[: (rows - half) * width]
        second = numbers[half * width : rows * width]
        for i in range(len(first)):
            first[i] += second[i]
        rows = half


@jit
def _fold_eighths(source: Array, target: Array, size: int) -> None:
    """Halves three times at once, which gives the same bits as one after the other."""
    a, b, c, d = source, source[size:], source[2 * size :], source[3 * size :]
    e, f, g, h = source[4 * size :], source[5 * size :], source[6 * size :], source[7 * size :]
    target = target[:size]
    for i in range(len(target)):
        target[i] = ((a[i] + e[i]) + (c[i] + g[i])) + ((b[i] + f[i]) + (d[i] + h[i]))


@jit
def _fold_blocks(
    start: int,
    stop: int,
    numbers: Array,
    rows: int,
    width: int,
    span: int,
    scratch: Array,
    left: Array,
) -> None:
    """Folds some blocks, each as `fold` does, into `scratch` first."""
    for block in range(start, stop):
        here = min(span, rows - block * span)
        whole = numbers[block * span * width : (block * span + here) * width]
        if here % 8 == 0:
            here //= 8
            _fold_eighths(whole, scratch, here * width)
        else:
            scratch[: here * width] = whole
        fold(scratch, here, width)
        left[block * width : (block + 1) * width] = scratch[:width]


# Rows that are added up one after the other; more of them would lose digits.
_ROWS = 128


def _sum_by_numpy(x: Array, axes: tuple[int, ...]) -> Any:
    kept = x.shape[len(axes) :]
    if not (x.dtype.kind in "fc" and x.size and kept and set(axes) == set(range(len(axes)))):
        return np.sum(x, axis=axes, dtype=x.dtype)
    # numpy adds pairwise along the last axis only; rows in blocks keep rounding as small.
    rows = x.reshape(-1, *kept)
    while len(rows) > 2 * _ROWS:
        whole = len(rows) - len(rows) % _ROWS
        blocks = rows[:whole].reshape(-1, _ROWS, *kept).sum(axis=1, dtype=x.dtype)
        rest = rows[whole:].sum(axis=0, keepdims=True, dtype=x.dtype)
        rows = np.concatenate([blocks, rest]) if whole < len(rows) else blocks
    return rows.sum(axis=0, dtype=x.dtype)
