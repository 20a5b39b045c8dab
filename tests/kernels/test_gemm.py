"""Matrix products, whoever computes them, against numpy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minitf.kernels import gemm, jit, microkernel, packed_product, packing, parallel, simd
from minitf.kernels.stages import forget_plans

DTYPES = ("float32", "float64")
compiled = pytest.mark.skipif(not jit.available(), reason="runs compiled only")


def matrices(rng: Any, rows: int, inner: int, columns: int, dtype: str, flags: Any) -> Any:
    """Small integers, whose sums of products are exact in any order."""
    a, b = rng.randint(-3, 4, (rows, inner)), rng.randint(-3, 4, (inner, columns))
    expected = (a @ b).astype(dtype)
    a, b = a.T if flags[0] else a, b.T if flags[1] else b
    return np.ascontiguousarray(a, dtype), np.ascontiguousarray(b, dtype), expected


sizes = st.integers(1, 90)
flags = st.tuples(st.booleans(), st.booleans())


@compiled
@pytest.mark.parametrize("dtype", DTYPES)
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shape=st.tuples(sizes, sizes, sizes),
    flags=flags,
    block=st.sampled_from([1, 40, 500]),
    seed=sizes,
)
def test_packed_product(
    monkeypatch: pytest.MonkeyPatch, dtype: str, shape: Any, flags: Any, block: int, seed: int
) -> None:
    for name in ("_DEEP", "_WIDE", "_HIGH"):
        monkeypatch.setattr(packed_product, name, block)
    forget_plans()
    a, b, expected = matrices(np.random.RandomState(seed), *shape, dtype, flags)
    out = np.full(expected.shape, np.nan, dtype)
    packed_product.multiply(a, b, out, transpose_a=flags[0], transpose_b=flags[1])
    np.testing.assert_array_equal(out, expected)


@compiled
@pytest.mark.parametrize("dtype", DTYPES)
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shape=st.tuples(sizes, sizes, sizes),
    flags=flags,
    whole=st.sampled_from([1, 40, 500]),
    panels=st.sampled_from([1, 2_000, 20_000]),
    slices=st.sampled_from([1, 2, 5]),
)
def test_packed_product_of_few_rows(
    monkeypatch: pytest.MonkeyPatch,
    dtype: str,
    shape: Any,
    flags: Any,
    whole: int,
    panels: int,
    slices: int,
) -> None:
    for name, value in (("_WHOLE", whole), ("_NARROW", whole), ("_LONG", panels // 100 + 1)):
        monkeypatch.setattr(packed_product, name, value)
    for name, value in (("_LARGE", 1), ("_PANELS", panels), ("_SLICES", slices)):
        monkeypatch.setattr(packed_product, name, value)
    monkeypatch.setattr(packed_product, "_LEAST_SLICE", 8)
    forget_plans()
    a, b, expected = matrices(np.random.RandomState(0), *shape, dtype, flags)
    out = np.full(expected.shape, np.nan, dtype)
    packed_product.multiply(a, b, out, transpose_a=flags[0], transpose_b=flags[1])
    np.testing.assert_array_equal(out, expected)


@compiled
@pytest.mark.parametrize("machine", [simd.AVX512, simd.AVX2, simd.NEON], ids=lambda m: m.name)
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(shape=st.tuples(sizes, sizes, sizes), flags=flags)
def test_packed_product_on_any_machine(
    monkeypatch: pytest.MonkeyPatch, machine: simd.Machine, shape: Any, flags: Any
) -> None:
    for module in (microkernel, packing):
        monkeypatch.setattr(module, "machine", lambda: machine)
    forget_plans()
    a, b, expected = matrices(np.random.RandomState(0), *shape, "float32", flags)
    out = np.empty_like(expected)
    packed_product.multiply(a, b, out, transpose_a=flags[0], transpose_b=flags[1])
    np.testing.assert_array_equal(out, expected)


# Small ones; the tutorial's dense layer and its gradients; rows that are pages apart; thin ones.
SHAPES = [(3, 4, 5), (50, 3136, 1024), (3136, 50, 1024), (50, 1024, 3136), (128, 1024, 128)]
SHAPES += [(1, 3136, 1024), (2050, 1500, 1), (3, 1000, 2050), (2050, 1000, 8)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("flags", [(False, False), (True, False), (False, True), (True, True)])
@pytest.mark.parametrize("shape", SHAPES)
def test_matmul(shape: Any, flags: Any, dtype: str) -> None:
    a, b, expected = matrices(np.random.RandomState(0), *shape, dtype, flags)
    given = {"transpose_a": flags[0], "transpose_b": flags[1]}
    np.testing.assert_array_equal(gemm.matmul(a, b, **given), expected)
    out = np.empty_like(expected)
    assert gemm.matmul(a, b, **given, out=out) is out
    np.testing.assert_array_equal(out, expected)


def test_any_layout_will_do() -> None:
    rng = np.random.RandomState(0)
    a, b, expected = matrices(rng, 300, 200, 100, "float32", (False, False))
    wide = np.zeros((300, 200), "float32")
    assert gemm.matmul(np.asfortranarray(a), b[::-1][::-1], out=wide[:, ::2]).base is wide
    np.testing.assert_array_equal(wide[:, ::2], expected)
    np.testing.assert_array_equal(gemm.matmul(np.asfortranarray(a), b[::-1][::-1]), expected)


@pytest.mark.parametrize("shape", [(0, 3, 4), (3, 0, 4), (3, 4, 0)])
def test_empty_matrices(shape: tuple[int, int, int]) -> None:
    a, b = np.ones(shape[:2]), np.ones(shape[1:])
    np.testing.assert_array_equal(gemm.matmul(a, b), np.zeros((shape[0], shape[2])))


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be multiplied"):
        gemm.matmul(np.ones((2, 3)), np.ones((2, 3)))


@pytest.mark.parametrize("rows", [60, 4, 1])
def test_rounding_and_threads(threads: None, rows: int) -> None:
    rng = np.random.RandomState(0)
    a, b = (rng.standard_normal(shape).astype("float32") for shape in ((rows, 3000), (3000, 700)))
    exact = a.astype("float64") @ b.astype("float64")
    results = []
    for number in (1, 2, 3):
        parallel.set_num_threads(number)
        results.append(gemm.matmul(a, b))
        np.testing.assert_array_equal(results[0], results[-1])
    assert np.abs(results[0] - exact).max() < 2e-6 * np.abs(exact).max()


@compiled
@pytest.mark.parametrize(
    ("dtype", "sizes", "reason"),
    [
        ("int32", (500, 500, 500), "BLAS: int32 does not run compiled here"),
        ("float32", (10, 10, 10), "BLAS: the product is small"),
        ("float32", (1, 3136, 2048), "BLAS: one of the matrices is thin"),
        ("float32", (50, 3136, 1024), "microkernel: the product is large"),
        ("float64", (50, 3136, 1024), "microkernel: the product is large"),
    ],
)
def test_who_computes_it(
    monkeypatch: pytest.MonkeyPatch, dtype: str, sizes: Any, reason: str
) -> None:
    monkeypatch.setattr(gemm, "is_openblas", lambda: True)
    assert gemm.why(dtype, sizes) == reason
    monkeypatch.setattr(gemm, "is_openblas", lambda: False)
    assert gemm.why(dtype, sizes).startswith("BLAS: ")
