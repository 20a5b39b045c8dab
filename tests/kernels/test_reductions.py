"""Sums: right, accurate, and with the same bits for any number of threads."""

from __future__ import annotations

import numpy as np
import pytest

from minitf.kernels import jit, parallel
from minitf.kernels.reductions import folds, sum_over

# Without Numba numpy adds up, which promises less.
needs_numba = pytest.mark.skipif(not jit.available(), reason="needs Numba")

CASES = [
    ((5000,), (0,)),
    ((100, 70), (0, 1)),
    ((100, 70), (0,)),
    ((100, 70), (1,)),
    ((7, 1, 30, 40), (0, 1)),
    ((7, 1, 30, 40), (2, 3)),
    ((7, 30, 40), (1,)),
    ((3, 9000), (0, 1)),
    ((3, 40000), (1,)),
    ((3, 9000), (0,)),
    ((9001, 3), (0,)),
    ((200000,), (0,)),
    ((2, 3), (0,)),
    ((0, 5), (0,)),
    ((), ()),
    ((70, 70), ()),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("shape", "axes"), CASES)
def test_sums_are_right(shape: tuple[int, ...], axes: tuple[int, ...], dtype: type) -> None:
    x = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    result = sum_over(x, axes)
    expected = np.sum(x, axis=axes, dtype=np.longdouble)
    assert result.shape == expected.shape and result.dtype == dtype
    size = np.sum(np.abs(x), axis=axes)
    assert np.all(np.abs(result - expected) <= 4 * np.finfo(dtype).eps * size)


@needs_numba
def test_long_sums_keep_their_digits() -> None:
    x = np.full(1 << 22, 0.1, np.float32)
    assert abs(sum_over(x, (0,)) / (x[0].astype(np.float64) * len(x)) - 1) < 1e-6
    columns = x.reshape(-1, 2)
    assert np.all(np.abs(sum_over(columns, (0,)) / 209715.2 - 1) < 1e-6)


@pytest.mark.parametrize("threads", [1, 3])
def test_any_number_of_threads_gives_the_same_bits(threads: int) -> None:
    x = np.random.default_rng(0).standard_normal((700, 900)).astype(np.float32)
    expected = [sum_over(x, axes) for axes in ((0,), (1,), (0, 1))]
    try:
        parallel.set_num_threads(threads)
        results = [sum_over(x, axes) for axes in ((0,), (1,), (0, 1))]
    finally:
        parallel.set_num_threads(0)
    for result, right in zip(results, expected, strict=True):
        np.testing.assert_array_equal(result, right)


@needs_numba
def test_arrays_may_lie_anyhow() -> None:
    x = np.random.default_rng(0).standard_normal((90, 80))
    expected = sum_over(x, (0,))
    np.testing.assert_array_equal(sum_over(np.asfortranarray(x), (0,)), expected)
    fixed = x.copy()
    fixed.flags.writeable = False
    np.testing.assert_array_equal(sum_over(fixed, (0,)), expected)


@needs_numba
def test_what_is_special_stays_special() -> None:
    x = np.zeros(5000, np.float32)
    x[17] = np.inf
    assert sum_over(x, (0,)) == np.inf
    x[4000] = -np.inf
    assert np.isnan(sum_over(x, (0,)))
    assert np.signbit(sum_over(np.full(5000, -0.0), (0,)))


def test_axes_in_the_middle_and_few_numbers_are_left_to_numpy() -> None:
    assert folds((20, 30, 40), (1,)) is None
    assert folds((20, 30, 40), (0, 2)) is None
    assert folds((20, 3), (0,)) is None
    assert folds((1, 20, 300), (1,)) == folds((20, 300), (0,))
