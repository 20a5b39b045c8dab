"""Sums of rows and pixels: right, as exact as blocks make them, and the same on any threads."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minitf.kernels import parallel, sums

SHAPES = st.tuples(st.integers(0, 9), *[st.integers(1, 7)] * 2, st.integers(1, 5))


@settings(max_examples=100)
@given(shape=SHAPES, dtype=st.sampled_from(["float32", "float64"]))
def test_all_pixels_are_added(shape: tuple[int, ...], dtype: str) -> None:
    x = np.random.RandomState(0).randint(-9, 10, shape).astype(dtype)  # exact in any order
    result = sums.sum_pixels(x)
    assert result.dtype == x.dtype
    np.testing.assert_array_equal(result, x.sum(axis=(0, 1, 2)))
    out = np.empty_like(result)
    assert sums.sum_pixels(x, out=out) is out
    np.testing.assert_array_equal(out, result)
    for axes in (1, 2, 3):
        rows = x.reshape(-1, *x.shape[axes:])
        np.testing.assert_array_equal(sums.sum_rows(rows), rows.sum(axis=0))


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(shape=SHAPES)
def test_as_python(interpreted: None, shape: tuple[int, ...]) -> None:
    x = np.random.RandomState(0).randint(-9, 10, shape).astype("float32")
    np.testing.assert_array_equal(sums.sum_pixels(x), x.sum(axis=(0, 1, 2)))


def test_rounding_does_not_grow_with_the_number_of_rows() -> None:
    x = np.random.RandomState(0).random((200, 30, 40, 3)).astype("float32")
    right = x.sum(axis=(0, 1, 2), dtype="float64")
    np.testing.assert_allclose(sums.sum_pixels(x), right, rtol=5e-7)
    np.testing.assert_allclose(sums.sum_rows(x.reshape(-1, 3)), right, rtol=5e-7)


@pytest.mark.parametrize("shape", [(64, 28, 28, 32), (3, 5, 7, 2)])
def test_bits_do_not_depend_on_threads(threads: None, shape: tuple[int, ...]) -> None:
    x = np.random.RandomState(0).standard_normal(shape).astype("float32")
    results = []
    for number in (1, 2, 3):
        parallel.set_num_threads(number)
        results.append(sums.sum_pixels(x[:, ::-1]))
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rows", [0, 1, 127, 128, 129, 256, 257, 1000, 33_000])
@pytest.mark.parametrize("columns", [0, 2, 3, 33])
def test_compiled_code_adds_rows_with_the_same_bits(rows: int, columns: int, dtype: str) -> None:
    x = np.random.RandomState(0).standard_normal((rows, columns)).astype(dtype)
    np.testing.assert_array_equal(sums.add_rows(x), sums.sum_rows(x), strict=True)
