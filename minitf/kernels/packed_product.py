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

The blocks of C are shared out among threads; blocks depend on the sizes only, so the bits do not
depend on the threads.
"""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from minitf.kernels import microkernel
from minitf.kernels.jit import jit, readonly
from minitf.kernels.packing import packer
from minitf.kernels.parallel import parallel_ranges, share
from minitf.kernels.simd import call, take
from minitf.kernels.workspace import address, scratch, workspace

Array = npt.NDArray[Any]

# Rows of B in a block, and columns; rows of C.
_DEEP, _WIDE, _HIGH = 256, 128, 448

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
    b, size, width = readonly(b), out.itemsize, product.width
    inner = b.shape[1] if transpose_b else b.shape[0]
    deep = -(-inner // -(-inner // _DEEP))
    whole, rest = (
        microkernel.strides(a_row, columns, (count, a_step, width))
        for count in (deep, inner % deep)
    )
    wide = max(_WIDE // width, 1) * width
    across = -(-columns // wide)
    code = product.address(), packer(b.dtype, transposed=transpose_b)
    places = address(a), address(b), address(out), address(whole), address(rest)
    b_row = b.strides[0]
    row_steps = a_row * size, b_row, columns * size
    steps = a_step * size, *((size, b_row) if transpose_b else (b_row, size))

    blocks = -(-rows // _HIGH) * across

    def run(counter: int) -> None:
        _multiply_blocks(
            counter,
            blocks,
            (rows, _HIGH),
            (columns, wide),
            code,
            places,
            scratch("gemm panels", wide * deep * size),
            row_steps,
            steps,
            (inner, deep, width, size),
        )

    share(blocks, run)


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


# Compiled


@jit
def _copy(source: Array, copy: Array, start: int, stop: int) -> None:
    for i in range(start, stop):
        for j in range(source.shape[1]):
            copy[i, j] = source[i, j]


@jit
def _multiply_blocks(
    counter: int,
    blocks: int,
    down: tuple[int, int],
    right: tuple[int, int],
    code: tuple[int, int],
    places: tuple[int, int, int, int, int],
    panels: int,
    row_steps: tuple[int, int, int],
    steps: tuple[int, int, int],
    sizes: tuple[int, int, int, int],
) -> None:
    """The blocks of C that are left on the counter.

    `down` and `right` say how many rows and columns there are, of C and of a block; for the others
    see `_multiply_block`.
    """
    (rows, high), (columns, wide) = down, right
    across = (columns + wide - 1) // wide
    index = take(counter)
    while index < blocks:
        row, column = index // across * high, index % across * wide
        some_rows, some_columns = (
            (row, min(row + high, rows)),
            (column, min(column + wide, columns)),
        )
        _multiply_block(code, places, panels, row_steps, steps, sizes, some_rows, some_columns)
        index = take(counter)


@jit
def _multiply_block(
    code: tuple[int, int],
    places: tuple[int, int, int, int, int],
    panels: int,
    row_steps: tuple[int, int, int],
    steps: tuple[int, int, int],
    sizes: tuple[int, int, int, int],
    some_rows: tuple[int, int],
    some_columns: tuple[int, int],
) -> None:
    """A block of C.

    Args:
      code: the addresses of the product and of what packs B.
      places: those of A, B and C, and of the product's strides for `deep` terms and for the last.
      panels: that of room for panels of `deep` rows.
      row_steps: bytes between the rows of A, B and C.
      steps: bytes between the terms of A and of B, and between columns of B.
      sizes: the terms, how many are added at once, the width of a panel, the bytes in a number.
      some_rows: the first and the last of C.
      some_columns: the same.
    """
    product, pack = code
    a, b, out, whole, rest = places
    a_row, b_row, out_row = row_steps
    a_step, b_step, b_column = steps
    inner, deep, width, size = sizes
    (first_row, last_row), (first_column, last_column) = some_rows, some_columns
    for k in range(0, inner, deep):
        count, spread = min(deep, inner - k), deep * width * size
        corner = b + k * b_step + first_column * b_column
        call(pack, (corner, b_row, panels, spread, width, count, last_column - first_column))
        for begin in range(first_column, last_column, width):
            call(
                product,
                (
                    a + first_row * a_row + k * a_step,
                    panels + (begin - first_column) // width * spread,
                    out + first_row * out_row + begin * size,
                    last_row - first_row,
                    min(width, last_column - begin),
                    whole if count == deep else rest,
                    1 if k > 0 else 0,
                ),
            )
