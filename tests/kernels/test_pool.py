"""Pools: compiled ones against references, these against the definition and TensorFlow."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from geometry import Array, Geometry, Golden, assert_close, geometries, golden
from hypothesis import HealthCheck, given, settings

from minitf.kernels import pool, reference
from minitf.kernels.parallel import set_num_threads
from minitf.kernels.reference import lowest

FLOATS = ("float32", "float64")


def options(geometry: Geometry | Golden) -> dict[str, Any]:
    return {
        "ksize": geometry.window,
        "strides": geometry.strides,
        "padding": geometry.padding,
    }


def run(module: Any, x: Array, out: Array, g: Array, gg: Array, given: Any) -> dict[str, Array]:
    """All five functions; the gradients of max_pool at the output `out`."""
    return {
        "max_pool": module.max_pool(x, **given),
        "max_pool_grad": module.max_pool_grad(x, out, g, **given),
        "max_pool_grad_grad": module.max_pool_grad_grad(x, out, gg, **given),
        "avg_pool": module.avg_pool(x, **given),
        "avg_pool_grad": module.avg_pool_grad(x.shape, g, **given),
    }


def arguments(geometry: Geometry, dtype: str) -> tuple[Array, Array, Array, Array]:
    """Input, output, its gradient, and a gradient of that: from few integers, with many ties."""
    x = geometry.integers(geometry.shape, dtype)
    out = reference.max_pool(x, **options(geometry))
    return x, out, geometry.integers(out.shape, dtype, 1), geometry.integers(x.shape, dtype, 2)


def by_definition(geometry: Geometry, x: Array, g: Array, gg: Array) -> dict[str, Array]:
    """Window by window, in Python's own floats."""
    out_shape = g.shape
    results = {name: np.zeros(out_shape, x.dtype) for name in ("max_pool", "avg_pool")}
    results["max_pool_grad_grad"] = np.zeros(out_shape, x.dtype)
    results["max_pool_grad"], results["avg_pool_grad"] = np.zeros_like(x), np.zeros_like(x)
    for at in itertools.product(*map(range, out_shape)):
        n, i, j, c = at
        first = [
            position * stride - pads[0]
            for position, stride, pads in zip((i, j), geometry.strides, geometry.padding)
        ]
        cells = [
            (n, first[0] + r, first[1] + s, c)
            for r, s in itertools.product(*map(range, geometry.window))
            if 0 <= first[0] + r < x.shape[1] and 0 <= first[1] + s < x.shape[2]
        ]
        values = [float(x[cell]) for cell in cells]
        maximum = float(lowest(x.dtype))
        for value in values:
            maximum = value if value > maximum else maximum
        results["max_pool"][at] = maximum
        if not cells:
            continue
        where = 0
        for index, value in enumerate(values):
            where = index if value > values[where] else where
        results["max_pool_grad"][cells[where]] += g[at]
        if maximum in values:
            results["max_pool_grad_grad"][at] = gg[cells[values.index(maximum)]]
        results["avg_pool"][at] = math.fsum(values) / len(values)
        for cell in cells:
            results["avg_pool_grad"][cell] += g[at] / len(cells)
    return results


def assert_same(actual: dict[str, Array], expected: dict[str, Array]) -> None:
    """Equal where numbers are only moved or compared, up to rounding where they are divided."""
    assert actual.keys() == expected.keys()
    for name, value in actual.items():
        assert_close(value, expected[name], sums=8 if name.startswith("avg") else 0)


@settings(max_examples=40)
@given(geometry=geometries(most=5, dilated=False))
def test_references_follow_the_definition(geometry: Geometry) -> None:
    x, out, g, gg = arguments(geometry, "float64")
    expected = by_definition(geometry, x, g, gg)
    assert_same(run(reference, x, out, g, gg, options(geometry)), expected)


@pytest.mark.parametrize("dtype", FLOATS)
@given(geometry=geometries(dilated=False))
def test_compiled_pools(dtype: str, geometry: Geometry) -> None:
    arrays = arguments(geometry, dtype)
    expected = run(reference, *arrays, options(geometry))
    assert_same(run(pool, *arrays, options(geometry)), expected)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(geometry=geometries(most=5, dilated=False))
def test_kernels_as_python(interpreted: None, geometry: Geometry) -> None:
    arrays = arguments(geometry, "float64")
    expected = run(reference, *arrays, options(geometry))
    assert_same(run(pool, *arrays, options(geometry)), expected)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("padding", [((0, 0), (0, 0)), ((0, 1), (0, 0)), ((0, 1), (0, 1))])
@pytest.mark.parametrize("channels", [3, 16, 37])
def test_windows_of_2x2(dtype: str, padding: Any, channels: int) -> None:
    """They have kernels of their own, if they do not overlap; see `pool2x2`."""
    geometry = Geometry(3, (7, 9), channels, (2, 2), (2, 2), (1, 1), padding, 1, 0)
    arrays = arguments(geometry, dtype)
    expected = run(reference, *arrays, options(geometry))
    assert_same(run(pool, *arrays, options(geometry)), expected)


@pytest.mark.parametrize("dtype", ["float16", "float32", "int32"])
@pytest.mark.parametrize("window", [2, 3])
def test_results_go_where_they_are_wanted(dtype: str, window: int) -> None:
    pads = ((0, 0), (0, 0))
    geometry = Geometry(2, (6, 5), 3, (window, window), (2, 2), (1, 1), pads, 1, 0)
    x, pooled, g, _ = arguments(geometry, dtype)
    calls: dict[str, Any] = {"max_pool": (x,), "max_pool_grad": (x, pooled, g)}
    if dtype != "int32":
        calls |= {"avg_pool": (x,), "avg_pool_grad": (x.shape, g)}
    for name, args in calls.items():
        expected = getattr(pool, name)(*args, **options(geometry))
        out = np.full_like(expected, 77)
        assert getattr(pool, name)(*args, **options(geometry), out=out) is out
        np.testing.assert_array_equal(out, expected)


EMPTY = {
    "no images": Geometry(0, (4, 5), 3, (3, 3), (1, 2), (1, 1), ((1, 1), (1, 1)), 1, 0),
    "no channels": Geometry(2, (4, 5), 0, (3, 3), (1, 2), (1, 1), ((1, 1), (1, 1)), 1, 0),
    "no rows": Geometry(2, (0, 5), 3, (3, 3), (1, 2), (1, 1), ((1, 1), (1, 1)), 1, 0),
    "only padding": Geometry(2, (0, 5), 3, (3, 3), (1, 2), (1, 1), ((2, 2), (1, 1)), 1, 0),
    "beside": Geometry(2, (2, 5), 3, (1, 2), (1, 2), (1, 1), ((2, 1), (3, 3)), 1, 0),
}


@pytest.mark.parametrize("geometry", EMPTY.values(), ids=EMPTY)
def test_empty_arrays_and_windows(geometry: Geometry) -> None:
    x, out, g, gg = arguments(geometry, "float32")
    expected = by_definition(geometry, x, g, gg)
    for module in (reference, pool):
        assert_same(run(module, x, out, g, gg, options(geometry)), expected)


@settings(max_examples=50)
@given(geometry=geometries(dilated=False))
def test_gradients_are_transposes(geometry: Geometry) -> None:
    x, out, g, gg = arguments(geometry, "float64")
    results = run(pool, x, out, g, gg, options(geometry))
    assert np.vdot(results["max_pool_grad"], gg) == np.vdot(g, results["max_pool_grad_grad"])
    difference = np.vdot(results["avg_pool_grad"], x) - np.vdot(g, results["avg_pool"])
    assert abs(difference) <= 1e-12 * max(1, x.size)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("module", [pool, reference])
def test_numbers_that_are_none(module: Any, dtype: str) -> None:
    nan, inf, least = np.nan, np.inf, float(np.finfo(dtype).min)
    for row, largest, where, equal in (
        ([1, nan], 1, 0, 0),
        ([nan, 1], 1, 0, 1),
        ([nan, nan], least, 0, None),
        ([-inf, -inf], least, 0, None),
        ([1, nan, 2, 0], 2, 2, 2),
        ([nan, 5, nan, 7], 7, 0, 3),
        ([2, 2, 2], 2, 0, 0),
        ([1, inf, nan, inf], inf, 1, 1),
    ):
        x = np.array(row, dtype).reshape(1, 1, -1, 1)
        given = {"ksize": (1, len(row))}
        out = module.max_pool(x, **given)
        assert out.item() == largest, row
        gradient = module.max_pool_grad(x, out, np.ones_like(out), **given)
        assert np.flatnonzero(gradient) == [where], row
        order = np.arange(1, 1 + len(row), dtype=dtype).reshape(x.shape)
        gathered = module.max_pool_grad_grad(x, out, order, **given).item()
        assert gathered == (0 if equal is None else equal + 1), row


@pytest.mark.parametrize(
    ("case", "module"),
    [(case, pool) for case in golden("pool")]
    + [(case, reference) for case in golden("pool") if case.arrays["input"].dtype != np.float16],
)
def test_tensorflow_agrees(case: Golden, module: Any) -> None:
    x, out, g, gg = (case.arrays[name] for name in ("input", "max_pool", "grad", "grad_grad"))
    results = run(module, x, out, g, gg, options(case))
    compared = {name: array for name, array in results.items() if name in case.arrays}
    assert {"max_pool", "max_pool_grad"} <= compared.keys()
    assert_same(compared, {name: case.arrays[name] for name in compared})


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64"])
def test_integers_have_maxima_too(dtype: str) -> None:
    geometry = Geometry(2, (5, 6), 3, (3, 2), (2, 1), (1, 1), ((1, 1), (0, 0)), 1, 0)
    x = geometry.integers(geometry.shape, "int64") + (3 if dtype == "uint8" else 0)
    expected = reference.max_pool(x.astype("float64"), **options(geometry))
    actual = pool.max_pool(x.astype(dtype), **options(geometry))
    assert actual.dtype == dtype
    np.testing.assert_array_equal(actual, expected)


def test_same_bits_for_any_number_of_threads(threads: None) -> None:
    rng = np.random.RandomState(0)
    x = rng.standard_normal((40, 14, 14, 32)).astype("float32")
    given = {"ksize": (3, 3), "strides": (2, 2), "padding": ((0, 1), (0, 1))}
    out = reference.max_pool(x, **given)
    g, gg = rng.standard_normal(out.shape).astype("float32"), np.flip(x).copy()
    set_num_threads(1)
    expected = run(pool, x, out, g, gg, given)
    for number in (2, 3, 8):
        set_num_threads(number)
        for name, value in run(pool, x, out, g, gg, given).items():
            np.testing.assert_array_equal(value, expected[name], name)


def test_wrong_shapes_are_refused() -> None:
    x = np.zeros((1, 3, 3, 2))
    with pytest.raises(ValueError, match="larger than the dimension"):
        pool.max_pool(x, ksize=(4, 4))
    with pytest.raises(ValueError, match="larger than the dimension"):
        pool.avg_pool(x, ksize=(4, 4))
    with pytest.raises(ValueError, match="must have shape"):
        pool.max_pool_grad(x, np.zeros((1, 2, 2, 2)), np.zeros((1, 3, 3, 2)), ksize=(2, 2))
    with pytest.raises(ValueError, match="must have shape"):
        pool.max_pool_grad_grad(x, np.zeros((1, 2, 2, 2)), np.zeros((1, 2, 2, 2)), ksize=(2, 2))
