"""With this module one can copy matrices into panels as wide as a tile, for `microkernel`.

    matrix        0 1 2 3 4 5 6          panels     0 1 2 3      4 5 6 0       width 4: the last
                  . . . . . . .                     . . . .      . . . 0       one is filled up

Transposed, it is read along its columns. That is done by squares, whose numbers change places
inside registers (`_write_transpose`): number by number it takes several times as long.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.kernels import simd
from minitf.kernels.jit import NativeKernel, native
from minitf.kernels.simd import Value, Writer, machine

# Packing asks for the numbers that are so many rows further on; the processor does not guess that
# rows follow which are pages apart.
_AHEAD = 16


def packer(dtype: Any, *, transposed: bool) -> int:
    """The address of `_pack_straight` or `_pack_transposed` for a dtype on this machine.

    Args:
      dtype: float32 or float64.
      transposed: which of the two.
    """
    dtype, lanes = np.dtype(dtype), machine().lanes(dtype)
    key = dtype, lanes, transposed
    if key not in _packers:
        written = {
            "copy_one": _write_copy_one,
            "set_zero": _write_zero,
            "write_transpose" if transposed else "write_copy": (
                _write_transpose if transposed else _write_copy
            ),
        }
        _packers[key] = (_pack_transposed if transposed else _pack_straight).specialize(
            f"_{dtype.name}_{lanes}",
            LANES=lanes,
            SIZE=dtype.itemsize,
            **{name: simd.emit_for(writer, dtype, lanes) for name, writer in written.items()},
        )
    return _packers[key].address()


_packers: dict[tuple[Any, ...], NativeKernel[Any, None]] = {}


# Compiled

# Put in by `specialize`.
LANES = SIZE = 0
copy_one: Any = None
set_zero: Any = None
write_copy: Any = None
write_transpose: Any = None


def _write_copy(write: Writer, source: Value, target: Value, next: Value) -> None:
    """Writes the copy of a vector, and asks for one that will be copied soon."""
    write.prefetch(next)
    write.store(write.load(source), target)


def _write_copy_one(write: Writer, source: Value, target: Value) -> None:
    """Writes the copy of a number."""
    write.copy(source, target)


def _write_zero(write: Writer, target: Value) -> None:
    """Writes a 0."""
    write.zero(target)


def _write_transpose(
    write: Writer, source: Value, source_row: Value, target: Value, target_row: Value
) -> None:
    """Writes the transposition of a square of numbers, one vector's width on each side.

    In each turn, rows that are `half` apart swap those of their blocks of `half` numbers that are
    not on the diagonal:

        a b      a c      first with halves of the square, then with halves of each half, and so
        c d  ->  b d      on down to single numbers.
    """
    lanes = write.lanes
    rows = [write.load(write.offset(source, source_row, i)) for i in range(lanes)]
    half = lanes // 2
    while half > 0:
        low = [j if not j & half else lanes + j - half for j in range(lanes)]
        high = [j + half if not j & half else lanes + j for j in range(lanes)]
        for i in range(lanes):
            if not i & half:
                a, b = rows[i], rows[i + half]
                rows[i], rows[i + half] = write.mixed(a, b, low), write.mixed(a, b, high)
        half //= 2
    for i, row in enumerate(rows):
        write.store(row, write.offset(target, target_row, i))


@native
def _pack_straight(
    b: int, b_row: int, panels: int, spread: int, width: int, count: int, columns: int
) -> None:
    """panels[p, k, n] = b[k, p * width + n], and 0 beyond the columns of b.

    A row of b is read to its end: rows may be pages apart, and each page costs a look-up.

    Args:
      b: the address of the matrix.
      b_row: bytes from one of its rows to the next.
      panels: the address of the panels.
      spread: bytes from one panel to the next.
      width: numbers in a row of a panel.
      count: rows of the panels.
      columns: of the matrix that go into them.
    """
    for k in range(count):
        source, target = b + k * b_row, panels + k * width * SIZE
        for begin in range(0, columns, width):
            across = min(columns - begin, width)
            whole = across // LANES * LANES
            for n in range(0, whole * SIZE, LANES * SIZE):
                write_copy(source + n, target + n, source + n + _AHEAD * b_row)
            for n in range(whole * SIZE, across * SIZE, SIZE):
                copy_one(source + n, target + n)
            for n in range(across * SIZE, width * SIZE, SIZE):
                set_zero(target + n)
            source, target = source + width * SIZE, target + spread


@native
def _pack_transposed(
    b: int, b_row: int, panels: int, spread: int, width: int, count: int, columns: int
) -> None:
    """panels[p, k, n] = b[p * width + n, k], and 0 beyond the rows of b, which are `columns`."""
    for begin in range(0, columns, width):
        source, target = b + begin * b_row, panels + begin // width * spread
        wide = min(columns - begin, width)
        across, down = wide // LANES * LANES, count // LANES * LANES
        for n in range(0, across, LANES):
            for k in range(0, down, LANES):
                corner, turned = source + n * b_row + k * SIZE, target + (k * width + n) * SIZE
                write_transpose(corner, b_row, turned, width * SIZE)
        for n in range(wide):
            for k in range(down if n < across else 0, count):
                copy_one(source + n * b_row + k * SIZE, target + (k * width + n) * SIZE)
        for n in range(wide, width):
            for k in range(count):
                set_zero(target + (k * width + n) * SIZE)
