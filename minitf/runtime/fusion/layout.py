"""With this module one can say where in its array the element is that a loop needs.

A loop goes through the elements in the order in which they lie, in pieces of `span`. Arrays that
are broadcast lie otherwise. After axes that all arrays treat alike have been put together, an array

  SCALAR  is one number, which is taken once;
  FULL    has an element for each;
  ROW     varies along the last axis only: where a piece has several rows, it is repeated before;
  ROWS    varies along other axes too, but not all: a piece is one row, and its number tells where
          the array's row begins;
  COLUMN  does not vary along the last axis: a piece is one row, for which it has one number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from minitf.kernels.reductions import Folds

SCALAR, FULL, ROW, ROWS, COLUMN = "scalar", "full", "row", "rows", "column"

Shape = tuple[int, ...]

# Elements of a piece, where nothing else decides: few enough for a cache of the first level.
_SPAN = 4096

# A row of fewer elements costs more to begin than to compute.
_LEAST_ROW = 8


class Access(NamedTuple):
    """Where an array's elements are.

    Attributes:
      kind: see above.
      place: for ROWS and COLUMN the index of the first in terms of the piece's number, as Python.
      repeats: how often the array is repeated to fill a piece, for ROW.
    """

    kind: str
    place: str = ""
    repeats: int = 1


class Layout(NamedTuple):
    """How a loop goes through its elements.

    Attributes:
      total: how many there are.
      span: how many make a piece; the last one may be shorter.
      accesses: where each array's elements are.
    """

    total: int
    span: int
    accesses: tuple[Access, ...]

    @property
    def pieces(self) -> int:
        """How many pieces there are."""
        return -(-self.total // self.span)


def layout(shape: Shape, arrays: Sequence[Shape], folds: Folds | None = None) -> Layout | None:
    """How to go through elements of a shape, made from arrays of shapes that broadcast to it.

    Args:
      shape: of the elements.
      arrays: the shapes of what they are made of.
      folds: how the elements are added up, which decides on the pieces.

    Returns:
      None if there is no good way.
    """
    axes = _together(shape, arrays)
    *leading, (width, last) = axes
    total = math.prod(shape)
    kinds = [_kind([varies[i] for _, varies in axes]) for i in range(len(arrays))]
    by_rows = ROWS in kinds or COLUMN in kinds
    if by_rows and width < _LEAST_ROW:
        return None
    if folds is not None:
        span = folds.piece * folds.width
        if (by_rows and span != width) or (ROW in kinds and span % width):
            return None
    elif by_rows:
        span = width
    else:
        span = max(_SPAN // width, 1) * width if ROW in kinds else _SPAN
    if folds is None:
        span = min(span, total)
    sizes = [size for size, _ in leading]
    accesses = []
    for i, kind in enumerate(kinds):
        place = ""
        if kind in (ROWS, COLUMN):
            row = width if last[i] else 1
            place = _place(sizes, [varies[i] for _, varies in leading], row)
        accesses.append(Access(kind, place, span // width if kind == ROW else 1))
    return Layout(total, span, tuple(accesses))


def _together(shape: Shape, arrays: Sequence[Shape]) -> list[tuple[int, tuple[bool, ...]]]:
    """The axes, as size and which arrays vary along it; neighbours that are alike made one."""
    axes: list[tuple[int, tuple[bool, ...]]] = []
    for axis, size in enumerate(shape):
        if size == 1:
            continue
        from_end = axis - len(shape)
        varies = tuple(-from_end <= len(a) and a[from_end] != 1 for a in arrays)
        if axes and axes[-1][1] == varies:
            axes[-1] = axes[-1][0] * size, varies
        else:
            axes.append((size, varies))
    return axes


def _kind(varies: list[bool]) -> str:
    if not any(varies):
        return SCALAR
    if all(varies):
        return FULL
    if not varies[-1]:
        return COLUMN
    return ROWS if any(varies[:-1]) else ROW


def _place(sizes: list[int], varies: list[bool], row: int) -> str:
    """Where the row of a piece begins in an array that varies along some of the leading axes."""
    terms = []
    below = 1  # rows that lie between two steps along the axis
    for axis in reversed(range(len(sizes))):
        if varies[axis]:
            index = "piece" if below == 1 else f"piece // {below}"
            if axis:
                index = f"{index} % {sizes[axis]}"
            terms.append(
                index if row == 1 else f"({index}) * {row}" if " " in index else f"{index} * {row}"
            )
            row *= sizes[axis]
        below *= sizes[axis]
    return " + ".join(reversed(terms))
