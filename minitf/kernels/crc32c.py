"""With this module one can compute CRC-32C, the checksum of checkpoints and event files.

>>> hex(crc32c(b"123456789"))
'0xe3069283'
>>> crc32c(b"6789", crc32c(b"12345")) == crc32c(b"123456789")
True

The checksum is a remainder: the bytes are the coefficients of a polynomial over the field of two
elements, which is divided by a fixed one. So it is linear. The checksum of a long text follows
from those of its parts, once the first is moved on by as many zero bytes as the second part has;
that is a matrix of 32 by 32 bits, and it lets several parts be done at once:

- x86 processors from 2008 on have an instruction for 8 bytes. It takes three cycles, but three may
  be under way; a kernel therefore divides its text into three strands;
- other processors look up 8 bytes at a time in tables (`_table_kernel`);
- long arrays are shared among the cores in blocks;
- where nothing is compiled, numpy does as many strands at once as the text has pages.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from minitf.kernels import jit as jit_lib
from minitf.kernels import simd
from minitf.kernels.jit import jit, readonly
from minitf.kernels.parallel import parallel_for
from minitf.kernels.simd import Value, Writer

Array = npt.NDArray[Any]

_POLYNOMIAL = 0x82F63B78  # its bits, the highest power last
_ONES = 0xFFFFFFFF

# The parts of a text that three strands take at a time: long enough that moving the checksums on
# costs little, short enough that a small array has such a part.
_STRAND = 1024
# What one thread takes at a time.
_BLOCK = 1 << 20
# Importing Numba takes longer than checking so many bytes without it.
_WORTH_NUMBA = 1 << 16
# Up to so many bytes, a loop in Python is faster than setting numpy to work.
_FEW = 96


def crc32c(data: Any, crc: int = 0) -> int:
    """The checksum of bytes.

    Args:
      data: bytes, or anything that gives access to its memory, such as a contiguous array.
      crc: the checksum of what stands before `data`.
    """
    view = memoryview(data)
    if view.nbytes == 0:
        return crc
    octets = np.frombuffer(view.cast("B") if view.ndim != 1 or view.itemsize != 1 else view, "u1")
    if len(octets) < 2 * _BLOCK:
        return _of_part(octets, crc)
    return _of_blocks(octets, crc)


def _of_blocks(octets: Array, crc: int) -> int:
    """The checksum of a long array, whose blocks several threads take."""
    starts = range(0, len(octets), _BLOCK)
    parts = [0] * len(starts)

    def block(index: int) -> None:
        start = starts[index]
        parts[index] = _of_part(octets[start : start + _BLOCK], 0)

    parallel_for(len(starts), block)
    for start, part in zip(starts, parts):
        crc = joined(crc, part, min(_BLOCK, len(octets) - start))
    return crc


def joined(first: int, second: int, count: int) -> int:
    """The checksum of two texts, one after the other.

    Args:
      first: the checksum of the first.
      second: that of the second alone.
      count: how many bytes the second one has.

    >>> joined(crc32c(b"1234"), crc32c(b"56789"), 5) == crc32c(b"123456789")
    True
    """
    bit = 0
    while count >> bit and first:
        if count >> bit & 1:
            first = _times(_doubled(bit), first)
        bit += 1
    return first ^ second


def _of_part(octets: Array, crc: int) -> int:
    if len(octets) <= _FEW and "numba" not in sys.modules:
        return _by_bytes(octets, crc)
    if ("numba" in sys.modules or len(octets) >= _WORTH_NUMBA) and jit_lib.available():
        octets = readonly(octets)
        state = crc ^ _ONES
        if _has_instruction():
            return int(_instruction_kernel(octets, state, *_instruction_tables())) ^ _ONES
        return int(_table_kernel(octets, state, _byte_tables())) ^ _ONES
    return _by_numpy(octets, crc)


@functools.cache
def _has_instruction() -> bool:
    """Whether Numba compiles for a processor that has the instruction."""
    if os.environ.get("NUMBA_CPU_NAME") == "generic":
        return False
    binding = importlib.import_module("llvmlite.binding")
    return bool(binding.get_host_cpu_features().get("sse4.2"))


# ---- tables


def _advance(state: int, zero_bits: int) -> int:
    """What becomes of the remainder when bits of 0 follow, one after the other."""
    for _ in range(zero_bits):
        state = (state >> 1) ^ (_POLYNOMIAL if state & 1 else 0)
    return state


Matrix = tuple[int, ...]  # what becomes of each of the 32 bits


def _times(matrix: Matrix, state: int) -> int:
    result = 0
    for bit in matrix:
        if state & 1:
            result ^= bit
        state >>= 1
    return result


@functools.cache
def _doubled(times: int) -> Matrix:
    """The matrix that moves a checksum on by 1, 2, 4, 8 ... bytes of 0."""
    if not times:
        return tuple(_advance(1 << bit, 8) for bit in range(32))
    half = _doubled(times - 1)
    return tuple(_times(half, column) for column in half)


@functools.lru_cache(maxsize=256)
def _zeros(count: int) -> Matrix:
    """The matrix that moves a checksum on by so many bytes of 0."""
    return tuple(joined(1 << bit, 0, count) for bit in range(32))


@functools.cache
def _byte_tables() -> Array:
    """For each of 8 places, what a byte there does to the checksum 8 bytes on: [8, 256]."""
    first = np.array([_advance(byte, 8) for byte in range(256)], np.int64)
    tables = [first]
    for _ in range(7):
        tables.append((tables[-1] >> 8) ^ first[tables[-1] & 255])
    return readonly(np.array(tables))


def _shift_table(count: int) -> Array:
    """`_zeros` by bytes: [4, 256], so that moving on takes four look-ups."""
    matrix = _zeros(count)
    return np.array(
        [[_times(matrix, byte << 8 * place) for byte in range(256)] for place in range(4)], np.int64
    )


@functools.cache
def _instruction_tables() -> tuple[Array, Array]:
    return readonly(_shift_table(_STRAND)), _byte_tables()


# ---- kernels; a state is the checksum with all bits turned over


@simd.emitted
def _next_word(write: Writer, state: Value, address: Value) -> Value:
    """The state after the 8 bytes at an address, by the processor's instruction."""
    word = write.word(address)
    ir = importlib.import_module("llvmlite.ir")
    utils = importlib.import_module("numba.core.cgutils")
    kind = ir.FunctionType(word.type, [word.type, word.type])
    name = "llvm.x86.sse42.crc32.64.64"
    function = utils.get_or_insert_function(write.builder.module, kind, name)
    return write.builder.call(function, [state, word])


@jit
def _instruction_kernel(octets: Array, state: int, shift: Array, tables: Array) -> int:
    address = octets.ctypes.data
    left = len(octets)
    while left >= 3 * _STRAND:
        second, third = 0, 0
        for place in range(address, address + _STRAND, 8):
            state = _next_word(state, place)
            second = _next_word(second, place + _STRAND)
            third = _next_word(third, place + 2 * _STRAND)
        state = second ^ (
            shift[0, state & 255]
            ^ shift[1, (state >> 8) & 255]
            ^ shift[2, (state >> 16) & 255]
            ^ shift[3, state >> 24]
        )
        state = third ^ (
            shift[0, state & 255]
            ^ shift[1, (state >> 8) & 255]
            ^ shift[2, (state >> 16) & 255]
            ^ shift[3, state >> 24]
        )
        address += 3 * _STRAND
        left -= 3 * _STRAND
    while left >= 8:
        state = _next_word(state, address)
        address += 8
        left -= 8
    for place in range(len(octets) - left, len(octets)):
        state = (state >> 8) ^ tables[0, (state ^ octets[place]) & 255]
    return state


@jit
def _table_kernel(octets: Array, state: int, tables: Array) -> int:
    words = len(octets) // 8
    for word in range(words):
        at = 8 * word
        state = (
            tables[7, (state ^ octets[at]) & 255]
            ^ tables[6, ((state >> 8) ^ octets[at + 1]) & 255]
            ^ tables[5, ((state >> 16) ^ octets[at + 2]) & 255]
            ^ tables[4, (state >> 24) ^ octets[at + 3]]
            ^ tables[3, octets[at + 4]]
            ^ tables[2, octets[at + 5]]
            ^ tables[1, octets[at + 6]]
            ^ tables[0, octets[at + 7]]
        )
    for place in range(8 * words, len(octets)):
        state = (state >> 8) ^ tables[0, (state ^ octets[place]) & 255]
    return state


# ---- without a compiler


def _by_bytes(octets: Array, crc: int) -> int:
    table, state = _byte_list(), crc ^ _ONES
    for octet in octets.tobytes():
        state = (state >> 8) ^ table[(state ^ octet) & 255]
    return state ^ _ONES


@functools.cache
def _byte_list() -> list[int]:
    table: list[int] = _byte_tables()[0].tolist()
    return table


def _by_numpy(octets: Array, crc: int) -> int:
    """Strands side by side, a byte of each at a time; then neighbours are joined, by halves."""
    strands = 1 << max((len(octets) // 64).bit_length() - 1, 0) // 2 * 2
    length = len(octets) // strands
    rest = octets[strands * length :]
    table = _byte_tables()[0]
    states = np.full(strands, _ONES, np.int64)
    states[0] ^= crc
    for column in np.ascontiguousarray(octets[: strands * length].reshape(strands, length).T):
        states = (states >> 8) ^ table[(states ^ column) & 255]
    states ^= _ONES
    while len(states) > 1:
        shift, first = _shift_table(length), states[::2]
        moved = shift[0, first & 255]
        for place in (1, 2, 3):
            moved = moved ^ shift[place, (first >> 8 * place) & 255]
        states = moved ^ states[1::2]
        length *= 2
    return _by_bytes(rest, int(states[0]))
