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
from minitf.kernels.simd import Value, Writer, call, machine, set_word
from minitf.kernels.workspace import address, scratch, workspace

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
    kernel, size, width = _multiply(out.dtype), out.itemsize, product.width
    steps = microkernel.strides(a_row, columns, (0, a_step, width))
    wide = max(_WIDE // width, 1) * width
    across = -(-columns // wide)
    inner = b.shape[1] if transpose_b else b.shape[0]

    def one(index: int) -> None:
        first_row, first_column = index // across * _HIGH, index % across * wide
        strides = steps.copy()  # the kernel changes them
        kernel(
            product.address(),
            address(a),
            (a_row * size, a_step * size),
            address(b),
            b.strides[0],
            transpose_b,
            inner,
            address(out),
            columns * size,
            scratch("gemm panels", wide * _DEEP * size),
            width,
            _DEEP,
            address(strides),
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
                "SIZE": dtype.itemsize,
                "copy_one": simd.emit_for(_write_copy_one, dtype, lanes),
                "write_copy": simd.emit_for(_write_copy, dtype, lanes),
                "write_transpose": simd.emit_for(_write_transpose, dtype, lanes),
            },
        )
        packers = {
            "pack_straight": _pack_straight.specialize(name, **constants),
            "pack_transposed": _pack_transposed.specialize(name, **constants),
        }
        _kernels[dtype, lanes] = _multiply_block.specialize(name, SIZE=dtype.itemsize, **packers)
    return _kernels[dtype, lanes]


# Compiled

# Put in by `specialize`.
LANES = SIZE = 0
copy_one: Any = None
write_copy: Any = None
write_transpose: Any = None
pack_straight: Any = None
pack_transposed: Any = None


def _write_copy(write: Writer, source: Value, target: Value, next: Value) -> None:
    """Writes the copy of a vector, and asks for one that will be copied soon."""
    write.prefetch(next)
    write.store(write.load(source), target)


def _write_copy_one(write: Writer, source: Value, target: Value) -> None:
    """Writes the copy of a number."""
    write.copy(source, target)


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
def _pack_straight(b: int, b_row: int, panel: int, width: int, count: int, columns: int) -> None:
    """panel[k, n] = b[k, n], at addresses; `b_row` bytes from one row of b to the next."""
    across = columns // LANES * LANES
    for k in range(count):
        source, target = b + k * b_row, panel + k * width * SIZE
        for n in range(0, across * SIZE, LANES * SIZE):
            write_copy(source + n, target + n, source + n + _AHEAD * b_row)
        for n in range(across * SIZE, columns * SIZE, SIZE):
            copy_one(source + n, target + n)


@jit
def _pack_transposed(b: int, b_row: int, panel: int, width: int, count: int, columns: int) -> None:
    """panel[k, n] = b[n, k]."""
    across, down = columns // LANES * LANES, count // LANES * LANES
    for n in range(0, across, LANES):
        for k in range(0, down, LANES):
            source, target = b + n * b_row + k * SIZE, panel + (k * width + n) * SIZE
            write_transpose(source, b_row, target, width * SIZE)
    for n in range(columns):
        for k in range(down if n < across else 0, count):
            copy_one(b + n * b_row + k * SIZE, panel + (k * width + n) * SIZE)


@jit
def _multiply_block(
    product: int,
    a: int,
    a_steps: tuple[int, int],
    b: int,
    b_row: int,
    transposed: bool,
    inner: int,
    out: int,
    out_row: int,
    panels: int,
    width: int,
    deep: int,
    strides: int,
    first_row: int,
    last_row: int,
    first_column: int,
    last_column: int,
) -> None:
    """A block of C; the columns of a panel that are beyond it may be anything.

    Addresses of A, B, C, of room for panels of `deep` rows, and of the product's strides; the steps
    of A, and the rows of B and C, in bytes.
    """
    for k in range(0, inner, deep):
        count = min(deep, inner - k)
        set_word(strides, 2, count)
        for begin in range(first_column, last_column, width):
            columns = min(begin + width, last_column) - begin
            panel = panels + (begin - first_column) * deep * SIZE
            if transposed:
                pack_transposed(b + begin * b_row + k * SIZE, b_row, panel, width, count, columns)
            else:
                pack_straight(b + k * b_row + begin * SIZE, b_row, panel, width, count, columns)
            call(
                product,
                (
                    a + first_row * a_steps[0] + k * a_steps[1],
                    panel,
                    out + first_row * out_row + begin * SIZE,
                    last_row - first_row,
                    columns,
                    strides,
                    1 if k > 0 else 0,
                ),
            )
