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
def _pack_straight(b: int, b_row: int, panel: int, width: int, count: int, columns: int) -> None:
    """panel[k, n] = b[k, n], and 0 for n beyond the columns of b.

    Args:
      b: the address of the matrix.
      b_row: bytes from one of its rows to the next.
      panel: the address of the panel.
      width: numbers in a row of the panel.
      count: rows of the panel.
      columns: of the matrix that go into it.
    """
    across = columns // LANES * LANES
    for k in range(count):
        source, target = b + k * b_row, panel + k * width * SIZE
        for n in range(0, across * SIZE, LANES * SIZE):
            write_copy(source + n, target + n, source + n + _AHEAD * b_row)
        for n in range(across * SIZE, columns * SIZE, SIZE):
            copy_one(source + n, target + n)
        for n in range(columns * SIZE, width * SIZE, SIZE):
            set_zero(target + n)


@native
def _pack_transposed(b: int, b_row: int, panel: int, width: int, count: int, columns: int) -> None:
    """panel[k, n] = b[n, k], and 0 for n beyond the rows of b, which are `columns`."""
    across, down = columns // LANES * LANES, count // LANES * LANES
    for n in range(0, across, LANES):
        for k in range(0, down, LANES):
            source, target = b + n * b_row + k * SIZE, panel + (k * width + n) * SIZE
            write_transpose(source, b_row, target, width * SIZE)
    for n in range(columns):
        for k in range(down if n < across else 0, count):
            copy_one(b + n * b_row + k * SIZE, panel + (k * width + n) * SIZE)
    for n in range(columns, width):
        for k in range(count):
            set_zero(panel + (k * width + n) * SIZE)
