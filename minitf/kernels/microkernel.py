"""With this module one can multiply matrices at the speed of the machine, wherever their rows lie.

A processor multiplies and adds two vectors in each cycle or so, but takes longer to bring them
from memory. So a matrix product keeps a tile of the result in registers, and for each k reads few
numbers and does much with them:

                       B[k]   | v v v v | v v v v |        2 vectors are read
                              +---------+---------+
        A[0, k]  ->  a        | + + + + | + + + + |        14 numbers are read, each of which
        A[1, k]  ->  a        | + + + + | + + + + |        goes to all places of a vector;
           ...                |         |         |        28 multiply-adds are done
        A[13, k] ->  a        | + + + + | + + + + |
                                     C

With AVX-512 a vector has 16 float32 numbers and the tile is 14 x 32: 28 registers of 32 hold sums.
Other machines have other tiles (`simd.machine`).

B's columns are the lanes of vectors, so its rows lie in panels as wide as a tile: see `pack`. A's
rows may lie anywhere, as long as they are equally far apart; they may even overlap. And k may run
over up to three nested loops, each with steps of its own in A and in B:

    C[m, n] = sum over k3 < K3, k2 < K2, k1 < K1 of
        A[m * row + k1 * a1 + k2 * a2 + k3 * a3] * B[n + k1 * b1 + k2 * b2 + k3 * b3]

That is what makes a convolution a matrix product, without copying anything: see `direct`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from minitf.kernels import simd
from minitf.kernels.jit import NativeKernel, jit, native
from minitf.kernels.simd import Value, Writer, machine

Array = npt.NDArray[Any]

# A tile of one vector with so many rows has enough sums under way to keep the processor busy; with
# more columns than so many vectors have, what is left empty at their end no longer matters.
_BUSY, _FEW = 10, 10


class Product:
    """The matrix product for one dtype on this machine.

    Attributes:
      dtype: float32 or float64.
      width: of a panel and a tile, in numbers.
      rows: the most that a tile has.
    """

    def __init__(self, dtype: np.dtype[Any], tile: tuple[int, int], lanes: int) -> None:
        self.dtype = dtype
        self.rows, vectors = tile
        self.width = vectors * lanes
        name = f"_{dtype.name}_{self.rows}x{vectors}x{lanes}"
        multiply_tile = simd.emit_for(_tile_writer(tile), dtype, lanes)
        self._kernel: NativeKernel[Any, None] = _product.specialize(
            name, ROWS=self.rows, SIZE=dtype.itemsize, multiply_tile=multiply_tile
        )

    def address(self) -> int:
        """Where the machine code is, for kernels to call: see `_product` for the arguments."""
        return self._kernel.address()


_products: dict[tuple[Any, ...], Product] = {}


def product(dtype: Any, columns: int | None = None, rows: int | None = None) -> Product:
    """The matrix product for float32 or float64, made for this machine.

    Args:
      dtype: of all three matrices.
      columns: how many C has. Where they fill tiles of one vector better, tiles are of one.
      rows: the most that a tile shall have, if not as many as fit into the registers.
    """
    dtype, (most_rows, vectors) = np.dtype(dtype), machine().tile
    lanes = machine().lanes(dtype)
    if columns is not None and _fill_one(columns, lanes, (most_rows, vectors)):
        vectors = 1
    tile = rows or most_rows, vectors
    key = dtype, tile, machine()
    if key not in _products:
        _products[key] = Product(dtype, tile, lanes)
    return _products[key]


def _fill_one(columns: int, lanes: int, tile: tuple[int, int]) -> bool:
    """Whether so many columns are better cut into panels of one vector."""
    if columns <= lanes:
        return True
    rows, vectors = tile
    empty, empty_of_several = -columns % lanes, -columns % (vectors * lanes)
    return empty < empty_of_several and rows >= _BUSY and columns <= _FEW * lanes


def strides(row: int, out_row: int, *loops: tuple[int, int, int]) -> Array:
    """Describes the matrices of a product.

    Args:
      row: how far apart the rows of A are; like all distances, in numbers.
      out_row: how far apart the rows of C are.
      *loops: for up to three loops, the innermost first: how often, and the steps in A and in B.
    """
    three = (*loops, *[(1, 0, 0)] * (3 - len(loops)))
    return np.array([row, out_row, *(number for loop in three for number in loop)], np.int64)


# What `multiply_tile` stands for is put in by `specialize`, as are these numbers.
ROWS = SIZE = 0
multiply_tile: Any = None

# Up to this height there are tiles of any; above it of even heights only, to have less to compile.
SMALL = 8


@native
def _product(
    a: int, b: int, c: int, rows: int, columns: int, strides: int, accumulate: int
) -> None:
    """C = A B, or C += A B, for one panel of B.

    Args:
      a: the address of A.
      b: of the panel of B.
      c: of C.
      rows: how many A and C have.
      columns: how many C has: at most the panel's width. B has that width always.
      strides: the address of what `strides` gives.
      accumulate: 1 to add to C, 0 to overwrite it.
    """
    # As few tiles as can be, of about one height: 16 rows are 8 and 8 rather than 14 and 2.
    row, out_row = simd_word(strides, 0) * SIZE, simd_word(strides, 1) * SIZE
    done = 0
    while done < rows:
        left = (rows - done + ROWS - 1) // ROWS
        height = (rows - done + left - 1) // left
        if height > SMALL and height % 2 == 1:  # there is no code for large odd tiles
            height = height + 1 if left > 1 else (height + 1) // 2
        multiply_tile(height, a + done * row, b, c + done * out_row, columns, strides, accumulate)
        done += height


simd_word = simd.word


def _tile_writer(tile: tuple[int, int]) -> Any:
    """The function that writes the code for tiles of up to that many rows."""
    rows, vectors = tile

    def multiply_tile(
        write: Writer,
        height: Value,
        a: Value,
        b: Value,
        c: Value,
        columns: Value,
        strides: Value,
        accumulate: Value,
    ) -> None:
        build = write.builder
        width = vectors * write.lanes
        out_row = write.offset(write.integer(0), write.word(strides, 1), write.size)
        # A panel that is not full goes through memory that has room for all of its columns.
        scratch, scratch_row = write.scratch(rows * vectors), write.integer(width * write.size)
        partial = build.icmp_signed("<", columns, write.integer(width))
        adds = build.icmp_signed("!=", accumulate, write.integer(0))
        with write.if_(build.and_(partial, adds)):
            _copy_rows(write, c, out_row, scratch, scratch_row, height, columns)
        target = build.select(partial, scratch, c)
        target_row = build.select(partial, scratch_row, out_row)

        after = build.append_basic_block("tile_done")
        cases = build.switch(height, after)
        for case in (n for n in range(1, rows + 1) if n <= SMALL or n % 2 == 0):
            block = build.append_basic_block(f"tile_{case}")
            cases.add_case(write.integer(case), block)
            build.position_at_end(block)
            _write_tile(write, case, vectors, a, b, target, target_row, strides, adds)
            build.branch(after)
        build.position_at_end(after)
        with write.if_(partial):
            _copy_rows(write, scratch, scratch_row, c, out_row, height, columns)

    return multiply_tile


def _write_tile(
    write: Writer,
    rows: int,
    vectors: int,
    a: Value,
    b: Value,
    c: Value,
    c_row: Value,
    strides: Value,
    accumulate: Value,
) -> None:
    """Writes the code for one tile, whose sums stay in registers until all k are done."""
    build = write.builder
    sums = write.variables(rows * vectors)
    targets = [
        write.offset(write.offset(c, c_row, m), j * write.lanes * write.size)
        for m in range(rows)
        for j in range(vectors)
    ]
    for each in sums:
        build.store(write.constant(0.0), each)
    row = write.word(strides, 0)
    starts = [write.offset(write.integer(0), row, m * write.size) for m in range(rows)]

    def nest(depth: int, a: Value, b: Value) -> None:
        if depth == 0:
            columns = [
                write.load(write.offset(b, j * write.lanes * write.size)) for j in range(vectors)
            ]
            for m, start in enumerate(starts):
                number = write.broadcast(build.add(a, start))
                for j, column in enumerate(columns):
                    sum_ = sums[m * vectors + j]
                    build.store(write.multiply_add(number, column, build.load(sum_)), sum_)
            return
        count, a_step, b_step = (write.word(strides, 3 * depth - 1 + i) for i in range(3))
        with write.loop(count) as index:
            inner_a = write.offset(a, index, a_step, write.size)
            nest(depth - 1, inner_a, write.offset(b, index, b_step, write.size))

    nest(3, a, b)
    with write.if_(accumulate):  # at the end: a sum of sums loses less to rounding
        for each, target in zip(sums, targets):
            build.store(write.add(build.load(each), write.load(target)), each)
    for each, target in zip(sums, targets):
        write.store(build.load(each), target)


def _copy_rows(
    write: Writer,
    source: Value,
    source_row: Value,
    target: Value,
    target_row: Value,
    rows: Value,
    columns: Value,
) -> None:
    """Copies a matrix, number by number."""
    with write.loop(rows) as m, write.loop(columns) as n:
        write.copy(
            write.offset(write.offset(source, m, source_row), n, write.size),
            write.offset(write.offset(target, m, target_row), n, write.size),
        )


@jit
def call_product(
    product: int, a: Array, b: Array, c: Array, columns: int, strides: Array, accumulate: int
) -> None:
    """C = A B for one panel, with arrays in the place of addresses; `c` says how many rows."""
    simd_call(
        product,
        (
            a.ctypes.data,
            b.ctypes.data,
            c.ctypes.data,
            c.shape[0],
            columns,
            strides.ctypes.data,
            accumulate,
        ),
    )


simd_call = simd.call
