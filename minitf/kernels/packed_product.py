"""With this module one can multiply matrices of any size with the microkernel.

`microkernel` wants the right matrix in panels, as wide as a tile, and what it reads to be in the
cache. So the product is cut into blocks:

              n0    n1                       B: a block of some hundred rows and some panels is
          +---+------+----+                  packed into a buffer in the second-level cache;
      k0  |   |######|    |  B (K, N)        then all rows of A meet it, a tile's height at a time,
      k1  |   |######|    |                  and the next k0 ... k1 is added to C.
          +---+------+----+
    +--+--+   +---+------+----+
    |  |##|   |   |      |    |              A is read as it lies, or from a copy where its rows or
    |  |##|   |   |  C   |    |              columns are so far apart that they get in each other's
    +--+--+   +---+------+----+              way in the cache.
     k0 k1

Transposed, B is packed by turning squares of numbers inside registers (`_write_transpose`).
The blocks of C are shared out among threads; blocks depend on the sizes only, so the bits do not
depend on the threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from minitf.kernels import microkernel, simd
from minitf.kernels.jit import Kernel, jit, readonly
from minitf.kernels.parallel import parallel_for, parallel_ranges
from minitf.kernels.simd import Value, Writer, call, machine
from minitf.kernels.workspace import workspace

Array = npt.NDArray[Any]

# Rows of B in a block, and columns; rows of C.
_DEEP, _WIDE, _HIGH = 256, 128, 448

# Packing asks for the numbers that are so many rows further on; the processor does not guess that
# rows follow which are pages apart.
_AHEAD = 16

# Rows that are a multiple of so many bytes apart share few places of the cache.
_ALIAS, _LINE = 512, 64


def multiply(
    a: Array, b: Array, out: Array, *, transpose_a: bool = False, transpose_b: bool = False
) -> None:
    """out = a b, for contiguous float32 or float64 matrices that are not empty.

    Args:
      a: of shape (m, k), or (k, m) if `transpose_a`.
      b: of shape (k, n), or (n, k) if `transpose_b`.
      out: of shape (m, n).
      transpose_a: whether `a` is given by its transpose.
      transpose_b: whether `b` is.
    """
    rows, columns = out.shape
    product = microkernel.product(out.dtype, columns)
    a, a_row, a_step = _left(a, rows, transpose_a)
    b = readonly(b)
    kernel, address = _multiply(out.dtype), product.address()
    distances = microkernel.strides(a_row, columns, (0, a_step, product.width))
    wide = max(_WIDE // product.width, 1) * product.width
    across = -(-columns // wide)

    def one(index: int) -> None:
        first_row, first_column = index // across * _HIGH, index % across * wide
        kernel(
            address,
            a,
            (a_row, a_step),
            b,
            transpose_b,
            out,
            workspace("gemm panels", (wide // product.width, _DEEP, product.width), out.dtype),
            distances.copy(),
            first_row,
            min(first_row + _HIGH, rows),
            first_column,
            min(first_column + wide, columns),
        )

    parallel_for(-(-rows // _HIGH) * across, one)


def _left(a: Array, rows: int, transposed: bool) -> tuple[Array, int, int]:
    """The left matrix's numbers, and how far apart its rows and columns are among them."""
    inner = a.size // rows
    apart = a.shape[1] * a.itemsize
    if not transposed and (apart % _ALIAS != 0 or rows < 2):
        return readonly(a).reshape(-1), inner, 1
    if transposed and (apart % _ALIAS != 0 or inner < 2) and apart < 4096:
        return readonly(a).reshape(-1), 1, rows
    # A copy whose rows are not such a multiple apart.
    pitch = a.shape[1] + _LINE // a.itemsize
    copy, source = workspace("gemm left", (len(a), pitch), a.dtype), readonly(a)
    parallel_ranges(
        len(a), lambda start, stop: _copy(source, copy, start, stop), work=a.shape[1] // 8
    )
    flat = readonly(copy.reshape(-1))
    return (flat, 1, pitch) if transposed else (flat, pitch, 1)


_kernels: dict[tuple[Any, ...], Kernel[Any, None]] = {}


def _multiply(dtype: np.dtype[Any]) -> Kernel[Any, None]:
    """`_multiply_block` for a dtype on this machine."""
    lanes = machine().lanes(dtype)
    if (dtype, lanes) not in _kernels:
        name, constants = (
            f"_{dtype.name}_{lanes}",
            {
                "LANES": lanes,
                "write_copy": simd.emit_for(_write_copy, dtype, lanes),
                "write_transpose": simd.emit_for(_write_transpose, dtype, lanes),
            },
        )
        packers = {
            "pack_straight": _pack_straight.specialize(name, **constants),
            "pack_transposed": _pack_transposed.specialize(name, **constants),
        }
        _kernels[dtype, lanes] = _multiply_block.specialize(name, **packers)
    return _kernels[dtype, lanes]


# Compiled

# Put in by `specialize`.
LANES = 0
write_copy: Any = None
write_transpose: Any = None
pack_straight: Any = None
pack_transposed: Any = None


def _write_copy(write: Writer, source: Value, target: Value, next: Value) -> None:
    """Writes the copy of a vector, and asks for one that will be copied soon."""
    write.prefetch(next)
    write.store(write.load(source), target)


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


@jit
def _copy(source: Array, copy: Array, start: int, stop: int) -> None:
    for i in range(start, stop):
        for j in range(source.shape[1]):
            copy[i, j] = source[i, j]


@jit
def _pack_straight(b: Array, panel: Array, k0: int, count: int, n0: int, n1: int) -> None:
    size, across = b.itemsize, (n1 - n0) // LANES * LANES
    ahead = _AHEAD * b.shape[1] * size
    for k in range(count):
        source = b.ctypes.data + ((k0 + k) * b.shape[1] + n0) * size
        target = panel.ctypes.data + k * panel.shape[1] * size
        for n in range(0, across, LANES):
            write_copy(source + n * size, target + n * size, source + n * size + ahead)
        for n in range(across, n1 - n0):
            panel[k, n] = b[k0 + k, n0 + n]


@jit
def _pack_transposed(b: Array, panel: Array, k0: int, count: int, n0: int, n1: int) -> None:
    size = b.itemsize
    across, down = (n1 - n0) // LANES * LANES, count // LANES * LANES
    for n in range(0, across, LANES):
        for k in range(0, down, LANES):
            write_transpose(
                b.ctypes.data + ((n0 + n) * b.shape[1] + k0 + k) * size,
                b.shape[1] * size,
                panel.ctypes.data + (k * panel.shape[1] + n) * size,
                panel.shape[1] * size,
            )
    for n in range(n1 - n0):
        for k in range(down if n < across else 0, count):
            panel[k, n] = b[n0 + n, k0 + k]


@jit
def _multiply_block(
    product: int,
    a: Array,
    a_steps: tuple[int, int],
    b: Array,
    transposed: bool,
    out: Array,
    panels: Array,
    strides: Array,
    first_row: int,
    last_row: int,
    first_column: int,
    last_column: int,
) -> None:
    """A block of C; the columns of a panel that are beyond it may be anything."""
    inner = b.shape[1] if transposed else b.shape[0]
    size = a.itemsize
    _, deep, width = panels.shape
    for k in range(0, inner, deep):
        count = min(deep, inner - k)
        strides[2] = count
        for begin in range(first_column, last_column, width):
            end = min(begin + width, last_column)
            panel = panels[(begin - first_column) // width]
            if transposed:
                pack_transposed(b, panel, k, count, begin, end)
            else:
                pack_straight(b, panel, k, count, begin, end)
            call(
                product,
                (
                    a.ctypes.data + (first_row * a_steps[0] + k * a_steps[1]) * size,
                    panel.ctypes.data,
                    out.ctypes.data + (first_row * out.shape[1] + begin) * size,
                    last_row - first_row,
                    end - begin,
                    strides.ctypes.data,
                    1 if k > 0 else 0,
                ),
            )
