"""CRC-32C in each of its ways, against the definition, bit by bit."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minitf.kernels import crc32c as crc32c_lib
from minitf.kernels import jit as jit_lib
from minitf.kernels.crc32c import crc32c
from tests.source_tree import ROOT

SIZES = (0, 1, 7, 8, 9, 95, 96, 97, 1023, 3071, 3072, 3073, 6145, 10000)
DATA = np.random.default_rng(0).integers(0, 256, 3 << 20).astype(np.uint8)


def by_definition(data: bytes, crc: int = 0) -> int:
    """Division of polynomials, one bit at a time."""
    state = crc ^ 0xFFFFFFFF
    for byte in data:
        state ^= byte
        for _ in range(8):
            state = (state >> 1) ^ (0x82F63B78 if state & 1 else 0)
    return state ^ 0xFFFFFFFF


def test_published_values() -> None:
    """Those of RFC 3720, appendix B.4."""
    assert crc32c(b"") == 0
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"\xff" * 32) == 0x62A8AB43
    assert crc32c(bytes(range(32))) == 0x46DD794E
    assert crc32c(bytes(range(31, -1, -1))) == 0x113FDB5C


@given(st.binary(max_size=300), st.binary(max_size=300), st.integers(0, 2**32 - 1))
def test_is_the_definition_and_may_be_continued(first: bytes, second: bytes, crc: int) -> None:
    assert crc32c(first, crc) == by_definition(first, crc)
    assert crc32c(second, crc32c(first, crc)) == crc32c(first + second, crc)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("crc", [0, 12345])
def test_every_way_gives_the_same(size: int, crc: int) -> None:
    for start in (0, 1, 5):
        data = DATA[start : start + size]
        expected = by_definition(data.tobytes(), crc)
        assert crc32c_lib._by_numpy(data, crc) == expected
        assert crc32c_lib._by_bytes(data, crc) == expected
        assert crc32c(data, crc) == expected
        if jit_lib.available():
            octets, tables = jit_lib.readonly(data), crc32c_lib._byte_tables()
            state = crc32c_lib._table_kernel(octets, crc ^ 0xFFFFFFFF, tables)
            assert int(state) ^ 0xFFFFFFFF == expected
        tables, wide = crc32c_lib._byte_tables(), data[:200].astype(np.int64)
        state = crc32c_lib._table_kernel.py_func(wide, crc ^ 0xFFFFFFFF, tables)
        assert int(state) ^ 0xFFFFFFFF == by_definition(data[:200].tobytes(), crc)


@pytest.mark.parametrize("more", [0, 1, 12345])
def test_blocks_of_several_threads(more: int) -> None:
    data = DATA[: (2 << 20) + more]
    assert crc32c(data, 7) == crc32c_lib._by_numpy(data, 7)


def test_any_memory_will_do() -> None:
    array = np.arange(12, dtype=np.float64).reshape(3, 4)
    assert crc32c(array) == crc32c(array.tobytes()) == crc32c(bytearray(array.tobytes()))
    assert crc32c(np.zeros((0, 3))) == 0


def test_short_texts_do_not_load_numba() -> None:
    code = (
        "import sys\nfrom minitf.kernels.crc32c import crc32c\n"
        "print(crc32c(b'a' * 50), crc32c(b'a' * 5000), 'numba' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    short, long = by_definition(b"a" * 50), by_definition(b"a" * 5000)
    assert done.stdout.split() == [str(short), str(long), "False"]
