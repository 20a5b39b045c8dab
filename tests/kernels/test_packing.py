"""Panels of a matrix, against numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minitf.kernels import jit, packing, simd
from minitf.kernels.simd import call
from minitf.kernels.workspace import address

pytestmark = pytest.mark.skipif(not jit.available(), reason="runs compiled only")


@jit.jit
def pack(
    code: int, b: int, b_row: int, panels: int, spread: int, width: int, count: int, columns: int
) -> None:
    call(code, (b, b_row, panels, spread, width, count, columns))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("machine", [simd.AVX512, simd.AVX2, simd.NEON], ids=lambda m: m.name)
@pytest.mark.parametrize("transposed", [False, True])
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    count=st.integers(1, 40),
    columns=st.integers(1, 70),
    width=st.sampled_from([1, 5, 16, 32]),
    beside=st.integers(0, 5),
)
def test_panels(
    monkeypatch: pytest.MonkeyPatch,
    machine: simd.Machine,
    dtype: str,
    transposed: bool,
    count: int,
    columns: int,
    width: int,
    beside: int,
) -> None:
    monkeypatch.setattr(packing, "machine", lambda: machine)
    shape = (columns, count + beside) if transposed else (count, columns + beside)
    b = np.arange(1, np.prod(shape) + 1, dtype=dtype).reshape(shape)
    panels = np.full((-(-columns // width), count + 1, width), np.nan, dtype)
    code = packing.packer(dtype, transposed=transposed)
    spread = panels.strides[0]
    pack(code, address(b), b.strides[0], address(panels), spread, width, count, columns)
    wide = np.zeros((count, len(panels) * width), dtype)
    wide[:, :columns] = b[:, :count].T if transposed else b[:, :columns]
    expected = wide.reshape(count, -1, width).transpose(1, 0, 2)
    np.testing.assert_array_equal(panels[:, :count], expected)
    assert np.isnan(panels[:, count:]).all()  # what lies between panels is left alone
