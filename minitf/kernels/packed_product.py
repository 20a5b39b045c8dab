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

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minitf.kernels import microkernel
from minitf.kernels.jit import jit, native
from minitf.kernels.packing import packer
from minitf.kernels.parallel import LEAST_IN_STAGE, block_size
from minitf.kernels.records import fields, record, record_at
from minitf.kernels.simd import call, copy_numbers, take, word
from minitf.kernels.stages import Stage, Stages, planned
from minitf.kernels.sums import adding_up
from minitf.kernels.workspace import address, contiguous, laid_out, scratch

Array = npt.NDArray[Any]

# Rows of B in a block, and columns; rows of C.
_DEEP, _WIDE, _HIGH = 256, 128, 448

# Where C has no more rows than this, and B more bytes, to read B takes a good part of the time. It
# is read fastest as it lies, in long stretches: all of so many columns at once, of as many rows as
# make panels of so many bytes. What threads then share out are slices of the terms, each with sums
# of its own, of so many terms or more. A transposed B is read in rows of so many terms, for so many
# columns at once.
_FEW_ROWS, _LARGE = 256, 1 << 20
_WHOLE, _PANELS = 1024, 800 << 10
_SLICES, _LEAST_SLICE = 4, 256
_LONG, _NARROW = 1024, 96

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
    plan = _plan(a.shape, b.shape, out.dtype, transpose_a, transpose_b)
    left, right = contiguous(a), contiguous(b)
    copy, sums = scratch("gemm left", plan.copy), scratch("gemm sums", plan.sums)
    plan.stages.run(left, right, out, copy, sums)


class _Plan(NamedTuple):
    """What the shapes of a product decide.

    Attributes:
      stages: all that is done.
      copy: bytes of room for a copy of A.
      sums: the same for slices of C.
    """

    stages: Stages
    copy: int
    sums: int


@planned
def _plan(
    a_shape: tuple[int, int],
    b_shape: tuple[int, int],
    dtype: np.dtype[Any],
    transpose_a: bool,
    transpose_b: bool,
) -> _Plan:
    rows, columns = a_shape[transpose_a], b_shape[not transpose_b]
    inner, size = a_shape[not transpose_a], dtype.itemsize
    product = microkernel.product(dtype, columns)
    pitch = _pitch(a_shape, size, transpose_a)
    a_row, a_step = (1, pitch) if transpose_a else (pitch, 1)
    deep, wide, slices = _block(rows, inner, columns, size, transpose_b)
    wide = max(wide // product.width, 1) * product.width
    whole, rest = (
        microkernel.strides(a_row, columns, (count, a_step, product.width))
        for count in (deep, inner % deep)
    )
    b_row = b_shape[1] * size
    copied = pitch != a_shape[1]
    given = record(
        PRODUCT,
        product=product.address(),
        packer=packer(dtype, transposed=transpose_b),
        left=_COPY if copied else _LEFT,
        out=_SUMS if slices > 1 else _OUT,
        slices=slices,
        terms=-(-inner // (slices * deep)) * deep,
        whole=address(whole),
        rest=address(rest),
        rows=rows,
        columns=columns,
        inner=inner,
        high=_HIGH,
        wide=wide,
        deep=deep,
        width=product.width,
        size=size,
        a_row=a_row * size,
        b_row=b_row,
        out_row=columns * size,
        a_step=a_step * size,
        b_step=size if transpose_b else b_row,
        b_column=b_row if transpose_b else size,
    )
    blocks = slices * -(-rows // _HIGH) * -(-columns // wide)
    stages = [Stage(multiply_blocks, blocks, given)]
    if copied:
        at_once = block_size(a_shape[0], work=a_shape[1] // 8, least=LEAST_IN_STAGE)
        copy = record(
            COPY,
            rows=a_shape[0],
            floats=a_shape[1] * size // 4,
            row=a_shape[1] * size,
            pitch=pitch * size,
            at_once=at_once,
        )
        stages.insert(0, Stage(copy_left, -(-a_shape[0] // at_once), copy))
    if slices > 1:
        stages.append(adding_up(dtype, rows * columns, slices, _SUMS, _OUT))
    return _Plan(
        Stages(
            *stages,
            room=-(-wide // product.width) * product.width * deep * size,
            keep=(whole, rest),
        ),
        a_shape[0] * pitch * size if copied else 0,
        slices * rows * columns * size if slices > 1 else 0,
    )


def _block(
    rows: int, inner: int, columns: int, size: int, transposed: bool
) -> tuple[int, int, int]:
    """The rows and columns of B in a block, and how many slices its rows are shared out in."""
    most, wide, slices = _DEEP, _WIDE, 1
    if rows <= _FEW_ROWS and inner * columns * size >= _LARGE:
        if transposed:
            most, wide = _LONG, _NARROW
        elif inner >= 2 * _LEAST_SLICE:
            wide = min(columns, _WHOLE)
            most = max(_PANELS // (wide * size), 1)
            slices = min(inner // _LEAST_SLICE, _SLICES)
    share = -(-inner // slices)
    return -(-share // -(-share // most)), wide, slices


def _pitch(shape: tuple[int, int], size: int, transposed: bool) -> int:
    """How many numbers the rows of the left matrix had better be apart."""
    apart = shape[1] * size
    alone = shape[0] < 2
    if not transposed and (apart % _ALIAS != 0 or alone):
        return shape[1]
    if transposed and (apart % _ALIAS != 0 or alone) and apart < 4096:
        return shape[1]
    return shape[1] + _LINE // size


class Part(NamedTuple):
    """How some rows of a product are computed, for compiled code that needs them now and then.

    Attributes:
      given: a `PART`.
      room: bytes that a thread needs, where `pack_right` and then `multiply_rows` do their work.
      keep: what `given` has the addresses of.
    """

    given: Array
    room: int
    keep: tuple[Array, ...]


@planned
def part(
    a_shape: tuple[int, int],
    b_shape: tuple[int, int],
    dtype: np.dtype[Any],
    transpose_a: bool,
    transpose_b: bool,
    most: int,
) -> Part:
    """Plans a product of a few terms, of which no more than `most` rows are computed at a time."""
    columns, inner, size = b_shape[not transpose_b], a_shape[not transpose_a], dtype.itemsize
    product = microkernel.product(dtype, columns)
    row, step = (1, most) if transpose_a else (inner, 1)
    strides = microkernel.strides(row, columns, (inner, step, product.width))
    b_row, panels = b_shape[1] * size, -(-columns // product.width)
    _, left, result, room = laid_out(
        panels * product.width * inner * size,
        most * inner * size if transpose_a else 0,
        most * columns * size,
    )
    given = record(
        PART,
        product=product.address(),
        packer=packer(dtype, transposed=transpose_b),
        strides=address(strides),
        inner=inner,
        columns=columns,
        width=product.width,
        size=size,
        most=most,
        a_row=a_shape[1] * size,
        transposed=int(transpose_a),
        b_row=b_row,
        left=left,
        result=result,
    )
    return Part(given, room, (strides,))


# Compiled

# Which of its places a stage finds what at.
_LEFT, _RIGHT, _OUT, _COPY, _SUMS = range(5)

# What `copy_left` is given: rows, float32 numbers in each (a float64 is taken for two), and the
# bytes between them, of A and of the copy; how many are copied at once.
COPY = fields("rows", "floats", "row", "pitch", "at_once")

# What `multiply_blocks` is given:
PRODUCT = fields(
    *("product", "packer"),  # the addresses of the product and of what packs B
    *("left", "out"),  # at which place A is, and C or the sums of the slices
    *("whole", "rest"),  # the addresses of the product's strides, for `deep` terms and for the last
    *("rows", "inner", "columns"),  # of C, and how many terms there are
    *("high", "deep", "wide"),  # the same of a block
    *("slices", "terms"),  # slices of the terms, and how many each has
    *("width", "size"),  # numbers in a row of a panel, bytes in a number
    *("a_row", "b_row", "out_row"),  # bytes between rows
    *("a_step", "b_step", "b_column"),  # bytes between the terms of A and of B, and B's columns
)


@native
def copy_left(given_: int, places: int, room: int, counter: int) -> None:
    """A copy of A whose rows are not a multiple of bytes apart that the cache does not like."""
    given = record_at(given_, COPY)
    source, target = word(places, _LEFT), word(places, _COPY)
    start = take(counter) * given.at_once
    while start < given.rows:
        for i in range(start, min(start + given.at_once, given.rows)):
            copy_numbers(source + i * given.row, target + i * given.pitch, given.floats)
        start = take(counter) * given.at_once


@native
def multiply_blocks(given_: int, places: int, room: int, counter: int) -> None:
    """C, block by block."""
    given = record_at(given_, PRODUCT)
    across = (given.columns + given.wide - 1) // given.wide
    blocks = (given.rows + given.high - 1) // given.high * across
    a, b, out = word(places, given.left), word(places, _RIGHT), word(places, given.out)
    index = take(counter)
    while index < blocks * given.slices:
        part, block = index // blocks, index % blocks
        sums = out + part * given.rows * given.out_row
        row, column = block // across * given.high, block % across * given.wide
        _multiply_block(given, (a, b, sums), room, row, column, part * given.terms)
        index = take(counter)


@jit(inline="always")
def _multiply_block(
    given: Any,
    places: tuple[int, int, int],
    panels: int,
    row: int,
    column: int,
    start: int,
) -> None:
    """A block of C, from some row and column on: the sum of a slice's terms, from `start` on.

    `panels` is room for some of B.
    """
    a, b, out = places
    size, width, deep = given.size, given.width, given.deep
    rows, columns = min(given.high, given.rows - row), min(given.wide, given.columns - column)
    for k in range(start, min(start + given.terms, given.inner), deep):
        count, spread = min(deep, given.inner - k), deep * width * size
        corner = b + k * given.b_step + column * given.b_column
        call(given.packer, (corner, given.b_row, panels, spread, width, count, columns))
        for begin in range(0, columns, width):
            call(
                given.product,
                (
                    a + row * given.a_row + k * given.a_step,
                    panels + begin // width * spread,
                    out + row * given.out_row + (column + begin) * size,
                    rows,
                    min(width, columns - begin),
                    given.whole if count == deep else given.rest,
                    1 if k > start else 0,
                ),
            )


# What `pack_right` and `multiply_rows` are given:
PART = fields(
    *("product", "packer", "strides"),  # addresses
    *("inner", "columns", "width", "size"),  # terms, columns of C and of a panel, bytes in a number
    *("most", "transposed"),  # how many rows at a time; whether A is given by its transpose
    *("a_row", "b_row"),  # bytes between rows
    *("left", "result"),  # where in a thread's room the rows of A and of C are
)


@jit(inline="always")
def pack_right(part: Any, b: int, room: int) -> None:
    """Puts B into a thread's room."""
    spread = part.inner * part.width * part.size
    call(part.packer, (b, part.b_row, room, spread, part.width, part.inner, part.columns))


@jit(inline="always")
def multiply_rows(part: Any, a: int, room: int, first: int, last: int) -> None:
    """Computes the rows `first` to `last` of C, in a thread's room."""
    rows, size, width = last - first, part.size, part.width
    left = a + first * part.a_row
    if part.transposed != 0:
        left = room + part.left
        for k in range(part.inner):
            source = a + k * part.a_row + first * size
            copy_numbers(source, left + k * part.most * size, rows * size // 4)
    for begin in range(0, part.columns, width):
        call(
            part.product,
            (
                left,
                room + begin * part.inner * size,
                room + part.result + begin * size,
                rows,
                min(width, part.columns - begin),
                part.strides,
                0,
            ),
        )
