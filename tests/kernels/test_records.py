"""Compiled code sees arrays and records where it is told that they are."""

from __future__ import annotations

import numpy as np
import pytest

from minitf.kernels.jit import available, jit
from minitf.kernels.records import array_at, fields, record, record_at
from minitf.kernels.workspace import address

SIZES = fields("rows", "columns", "first")

compiled = pytest.mark.skipif(not available(), reason="compiled only")


@jit
def _add_up(sizes_: int, numbers_: int, sums_: int) -> None:
    sizes = record_at(sizes_, SIZES)
    numbers = array_at(numbers_, (sizes.rows, sizes.columns), np.float32)
    sums = array_at(sums_, sizes.rows, np.float64)
    for row in range(sizes.rows):
        sums[row] = sizes.first + numbers[row].sum()
    sizes.first = 0


@compiled
def test_compiled_code_reads_and_writes_what_is_there() -> None:
    sizes = record(SIZES, first=-(1 << 40), columns=3, rows=2)
    numbers, sums = np.arange(6, dtype=np.float32).reshape(2, 3), np.zeros(3)
    _add_up(address(sizes), address(numbers), address(sums))
    assert sums.tolist() == [3.0 - (1 << 40), 12.0 - (1 << 40), 0.0]
    assert sizes.tolist() == [(2, 3, 0)]


@pytest.mark.parametrize(
    "values",
    [{}, {"rows": 1, "columns": 2}, {"rows": 1, "columns": 2, "first": 3, "last": 4}],
    ids=["none", "one too few", "one too many"],
)
def test_a_record_has_a_value_for_each_field(values: dict[str, int]) -> None:
    with pytest.raises(TypeError, match=r"the fields are \('rows', 'columns', 'first'\), got \("):
        record(SIZES, **values)


@pytest.mark.parametrize("view", [array_at, record_at])
def test_python_cannot_see_what_is_at_an_address(view) -> None:
    with pytest.raises(TypeError, match=rf"{view.__name__} can be called by compiled kernels only"):
        view(0, SIZES)
