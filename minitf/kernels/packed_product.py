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

import functools
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minitf.kernels import microkernel
from minitf.kernels.jit import jit, native, readonly
from minitf.kernels.packing import packer
from minitf.kernels.parallel import LEAST_IN_STAGE, block_size
from minitf.kernels.records import fields, record, record_at
from minitf.kernels.simd import Machine, call, copy_numbers, machine, take, word
from minitf.kernels.stages import Stage, Stages
from minitf.kernels.workspace import address, scratch

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
    plan = _plan(a.shape, b.shape, out.dtype, transpose_a, transpose_b, machine())
    left, right = readonly(a), readonly(b)
    copy = scratch("gemm left", plan.copy)
    plan.stages.run(address(left), address(right), address(out), copy)


class _Plan(NamedTuple):
    """What the shapes of a product decide.

    Attributes:
      stages: all that is done.
      copy: bytes of room for a copy of A.
    """

    stages: Stages
    copy: int


@functools.lru_cache(1024)
def _plan(
    a_shape: tuple[int, int],
    b_shape: tuple[int, int],
    dtype: np.dtype[Any],
    transpose_a: bool,
    transpose_b: bool,
    processor: Machine,
) -> _Plan:
    rows, columns = a_shape[transpose_a], b_shape[not transpose_b]
    inner, size = a_shape[not transpose_a], dtype.itemsize
    product = microkernel.product(dtype, columns)
    pitch = _pitch(a_shape, size, transpose_a)
    a_row, a_step = (1, pitch) if transpose_a else (pitch, 1)
    deep = -(-inner // -(-inner // _DEEP))
    whole, rest = (
        microkernel.strides(a_row, columns, (count, a_step, product.width))
        for count in (deep, inner % deep)
    )
    wide = max(_WIDE // product.width, 1) * product.width
    b_row = b_shape[1] * size
    copied = pitch != a_shape[1]
    given = record(
        PRODUCT,
        product=product.address(),
        packer=packer(dtype, transposed=transpose_b),
        left=_COPY if copied else _LEFT,
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
    blocks = -(-rows // _HIGH) * -(-columns // wide)
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
    room = wide * deep * size
    return _Plan(
        Stages(*stages, room=room, keep=(whole, rest)), a_shape[0] * pitch * size if copied else 0
    )


def _pitch(shape: tuple[int, int], size: int, transposed: bool) -> int:
    """How many numbers the rows of the left matrix had better be apart."""
    apart = shape[1] * size
    alone = shape[0] < 2
    if not transposed and (apart % _ALIAS != 0 or alone):
        return shape[1]
    if transposed and (apart % _ALIAS != 0 or alone) and apart < 4096:
        return shape[1]
    return shape[1] + _LINE // size


# Compiled

# Which of its places a stage finds what at.
_LEFT, _RIGHT, _OUT, _COPY = range(4)

# What `copy_left` is given: rows, float32 numbers in each (a float64 is taken for two), and the
# bytes between them, of A and of the copy; how many are copied at once.
COPY = fields("rows", "floats", "row", "pitch", "at_once")

# What `multiply_blocks` is given:
PRODUCT = fields(
    *("product", "packer"),  # the addresses of the product and of what packs B
    "left",  # at which place A is
    *("whole", "rest"),  # the addresses of the product's strides, for `deep` terms and for the last
    *("rows", "inner", "columns"),  # of C, and how many terms there are
    *("high", "deep", "wide"),  # the same of a block
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
    index = take(counter)
    while index < blocks:
        _multiply_block(
            given,
            (word(places, given.left), word(places, _RIGHT), word(places, _OUT)),
            room,
            index // across * given.high,
            index % across * given.wide,
        )
        index = take(counter)


@jit
def _multiply_block(
    given: Any, places: tuple[int, int, int], panels: int, row: int, column: int
) -> None:
    """A block of C, from some row and column on; `panels` is room for some of B."""
    a, b, out = places
    size, width, deep = given.size, given.width, given.deep
    rows, columns = min(given.high, given.rows - row), min(given.wide, given.columns - column)
    for k in range(0, given.inner, deep):
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
                    1 if k > 0 else 0,
                ),
            )
