"""The microkernel, and convolution as a matrix product on the image, against plain numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from geometry import Array, Geometry, geometries
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from test_conv import PASSES, arguments, assert_equal, options, run, tutorial_layer

from minitf.kernels import direct, jit, microkernel, parallel, reference, simd, sliding
from minitf.kernels.stages import forget_plans

pytestmark = pytest.mark.skipif(not jit.available(), reason="runs compiled only")

MACHINES = {each.name: each for each in (simd.AVX512, simd.AVX2, simd.NEON, simd.OTHER)}
DTYPES = ("float32", "float64")


@pytest.fixture(params=MACHINES)
def any_machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> simd.Machine:
    """Code for each width of vectors. Where the processor has shorter ones, LLVM cuts them."""
    chosen = MACHINES[request.param]
    monkeypatch.setattr(microkernel, "machine", lambda: chosen)
    forget_plans()
    return chosen


@st.composite
def products(draw: Any) -> dict[str, Any]:
    """A matrix product with up to three nested sums, and rows that may overlap."""
    return {
        "rows": draw(st.integers(1, 40)),
        "columns": draw(st.integers(1, 40)),
        "row": draw(st.integers(0, 5)),
        "loops": draw(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9)), max_size=3)),
        "accumulate": draw(st.integers(0, 1)),
        "seed": draw(st.integers(0, 1000)),
    }


def product_by_definition(case: dict[str, Any], a: Array, b: Array, c: Array) -> Array:
    """C += A B in loops; the rows of B follow each other, as the loops nest."""
    result = c if case["accumulate"] else np.zeros_like(c)
    offsets = [0]
    for count, step in reversed(case["loops"]):
        offsets = [offset + i * step for offset in offsets for i in range(count)]
    for m in range(case["rows"]):
        for k, offset in enumerate(offsets):
            result[m] += a[m * case["row"] + offset] * b[k, : case["columns"]]
    return result


@pytest.mark.parametrize("dtype", DTYPES)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=products())
def test_product(any_machine: simd.Machine, dtype: str, case: dict[str, Any]) -> None:
    product = microkernel.product(dtype, case["columns"])
    case["columns"] = columns = min(case["columns"], product.width)
    rng = np.random.RandomState(case["seed"])
    counts = [count for count, _ in case["loops"]]
    a = rng.randint(-3, 4, 400).astype(dtype)
    b = rng.randint(-3, 4, (int(np.prod(counts)), product.width)).astype(dtype)
    c = rng.randint(-3, 4, (case["rows"], columns + 3)).astype(dtype)
    steps = [int(np.prod(counts[:i])) * product.width for i in range(len(counts))]
    loops = [(*loop, step) for loop, step in zip(case["loops"], steps)]
    expected = c.copy()
    expected[:, :columns] = product_by_definition(case, a, b, c[:, :columns].copy())
    strides = microkernel.strides(case["row"], columns + 3, *loops)
    address, accumulate = product.address(), case["accumulate"]
    microkernel.call_product(address, a, b, c, columns, strides, accumulate)
    np.testing.assert_array_equal(c, expected)  # what is beside C's columns is left alone


@pytest.mark.parametrize("dtype", DTYPES)
@settings(max_examples=100)
@given(
    geometry=geometries(),
    channels=st.integers(1, 70),
    out_channels=st.integers(1, 70),
)
@example(Geometry(3, (5, 5), 2, (1, 1), (3, 3), (1, 1), ((0, 0), (0, 0)), 3, 0), 5, 7)
@example(Geometry(3, (7, 9), 2, (3, 3), (2, 2), (2, 2), ((1, 1), (1, 1)), 3, 0), 33, 40)
def test_convolution(dtype: str, geometry: Geometry, channels: int, out_channels: int) -> None:
    geometry = geometry._replace(channels=channels, out_channels=out_channels)
    args = arguments(geometry, dtype)
    expected = run(reference, "conv2d", args, options(geometry))
    assert_equal(run(direct, "conv2d", args, options(geometry)), expected)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(geometry=geometries(), out_channels=st.integers(1, 40))
def test_convolution_on_any_machine(
    any_machine: simd.Machine, geometry: Geometry, out_channels: int
) -> None:
    args = arguments(geometry._replace(out_channels=out_channels), "float32")
    expected = run(reference, "conv2d", args, options(geometry))
    assert_equal(run(direct, "conv2d", args, options(geometry)), expected)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    geometry=geometries(), block=st.sampled_from([1, 100, 1000]), padded=st.sampled_from([1, 99])
)
def test_any_cut_into_blocks(
    monkeypatch: pytest.MonkeyPatch, geometry: Geometry, block: int, padded: int
) -> None:
    monkeypatch.setattr(sliding, "BLOCK", block)
    monkeypatch.setattr(sliding, "_PADDED", padded)
    monkeypatch.setattr(direct, "_FEW_PIXELS", 1)
    forget_plans()
    args = arguments(geometry, "float32")
    expected = run(reference, "conv2d", args, options(geometry))
    assert_equal(run(direct, "conv2d", args, options(geometry)), expected)


def test_same_bits_for_any_number_of_threads(threads: None) -> None:
    args, given = tutorial_layer()
    parallel.set_num_threads(1)
    expected = run(direct, "conv2d", args, given)
    for number in (2, 3):
        parallel.set_num_threads(number)
        assert_equal(run(direct, "conv2d", args, given), expected)


@pytest.mark.parametrize(("dtype", "bound"), [("float32", 2e-6), ("float64", 1e-14)])
def test_rounding_is_that_of_the_dtype(dtype: str, bound: float) -> None:
    args, given = tutorial_layer(dtype)
    wide, _ = tutorial_layer("float64")
    for name in PASSES:
        exact = getattr(reference, "conv2d" + name)(*wide[name], **given)
        result = getattr(direct, "conv2d" + name)(*args[name], **given)
        assert result.dtype == dtype
        assert np.abs(result - exact).max() < bound * np.abs(exact).max()


def test_the_machine_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, expected in (("AVX2", simd.AVX2), ("avx512", simd.AVX512), ("none", simd.OTHER)):
        monkeypatch.setenv("MINITF_SIMD", name)
        assert simd.machine.__wrapped__() is expected
    monkeypatch.delenv("MINITF_SIMD")
    monkeypatch.setenv("NUMBA_CPU_NAME", "generic")
    assert simd.machine.__wrapped__() is simd.OTHER


def test_code_written_by_hand_is_for_kernels_only() -> None:
    with pytest.raises(TypeError, match="by compiled kernels only"):
        simd.word(0, 0)
