"""Winograd's convolution: its matrices exactly, its results against the reference in float64."""

from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from geometry import Array, Geometry
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_conv import PASSES, ROUNDING, arguments, assert_equal, options, run

from minitf.kernels import (
    conv,
    direct,
    jit,
    microkernel,
    parallel,
    reference,
    simd,
    winograd,
    winograd_blocks,
    winograd_transforms,
)
from minitf.kernels.stages import forget_plans

pytestmark = pytest.mark.skipif(not jit.available(), reason="runs compiled only")

BOUND = ROUNDING["fast"]


@pytest.mark.parametrize(("outputs", "window"), [(5, 5), (4, 5), (2, 5), (4, 3), (2, 3), (6, 3)])
def test_the_matrices_convolve_exactly(outputs: int, window: int) -> None:
    g, a, b = winograd_transforms.matrices(outputs, window)
    size = outputs + window - 1
    filter_ = [Fraction(3 * i - 4, 7) for i in range(window)]
    data = [Fraction(i * i - 5, 3) for i in range(size)]

    def times(matrix: Any, vector: list[Fraction]) -> list[Fraction]:
        return [sum((c * x for c, x in zip(row, vector)), Fraction(0)) for row in matrix]

    products = [u * v for u, v in zip(times(g, filter_), times(b, data))]
    expected = [sum(filter_[r] * data[i + r] for r in range(window)) for i in range(outputs)]
    assert times(list(zip(*a)), products) == expected


def test_more_outputs_than_there_are_points_are_refused() -> None:
    with pytest.raises(ValueError, match="it needs 10 points"):
        winograd_transforms.matrices(6, 5)


@st.composite
def plain_geometries(draw: Any) -> Geometry:
    """Windows of 3x3 and 5x5 that move by one cell, on images of any size, with any padding."""
    window = draw(st.sampled_from([3, 5]))
    padding = [(draw(st.integers(0, 6)), draw(st.integers(0, 6))) for _ in range(2)]
    size = [max(draw(st.integers(1, 13)), window - sum(pads)) for pads in padding]
    return Geometry(
        batch=draw(st.integers(1, 3)),
        size=(size[0], size[1]),
        channels=draw(st.integers(1, 70)),
        window=(window, window),
        strides=(1, 1),
        dilations=(1, 1),
        padding=(padding[0], padding[1]),
        out_channels=draw(st.integers(1, 70)),
        seed=draw(st.integers(0, 1000)),
    )


def assert_near(args: dict[str, tuple], given: dict[str, Any]) -> None:
    """All passes differ from the exact results by little, measured by the sums of |products|."""
    for name in PASSES:
        wide = [a.astype("float64") if isinstance(a, np.ndarray) else a for a in args[name]]
        size = [abs(a) if isinstance(a, np.ndarray) else a for a in wide]
        function = getattr(reference, "conv2d" + name)
        exact, scale = function(*wide, **given), function(*size, **given).max(initial=0)
        result = getattr(winograd, "conv2d" + name)(*args[name], **given)
        assert result.dtype == np.float32
        assert result.shape == exact.shape
        assert np.abs(result - exact).max(initial=0) <= BOUND * scale


@settings(max_examples=100)
@given(geometry=plain_geometries())
def test_any_shape(geometry: Geometry) -> None:
    assert_near(arguments(geometry, "float32"), options(geometry))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(geometry=plain_geometries(), at_once=st.integers(1, 9), slice_=st.sampled_from([1, 5, 100]))
def test_any_cut_into_blocks(
    monkeypatch: pytest.MonkeyPatch, geometry: Geometry, at_once: int, slice_: int
) -> None:
    for least_or_most in ("_LEAST_TILES", "_LEAST_FOR_LARGE", "_MOST_TILES"):
        monkeypatch.setattr(winograd, least_or_most, at_once)
    monkeypatch.setattr(winograd, "_LEAST_SLICE", slice_)
    forget_plans()
    assert_near(arguments(geometry, "float32"), options(geometry))


@pytest.mark.parametrize("machine", [simd.AVX512, simd.AVX2, simd.NEON], ids=lambda m: m.name)
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(geometry=plain_geometries())
def test_any_machine(
    monkeypatch: pytest.MonkeyPatch, machine: simd.Machine, geometry: Geometry
) -> None:
    winograd_transforms.transforms.cache_clear()
    for module in (microkernel, winograd, winograd_transforms):
        monkeypatch.setattr(module, "machine", lambda: machine)
    forget_plans()
    assert_near(arguments(geometry, "float32"), options(geometry))
    winograd_transforms.transforms.cache_clear()


# Layers as they occur: (batch, size, channels, window, output channels).
LAYERS = [
    (50, 14, 32, 5, 64),
    (8, 28, 64, 3, 64),
    (4, 7, 512, 3, 128),
    (4, 9, 300, 5, 40),
    (6, 2, 64, 5, 64),
]


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("inputs", ["normal", "positive"])
def test_rounding_stays_within_the_bound(layer: tuple[int, ...], inputs: str) -> None:
    batch, size, channels, window, out_channels = layer
    rng, pads = np.random.RandomState(0), (window // 2, window // 2)
    x = rng.standard_normal((batch, size, size, channels)).astype("float32")
    w = (0.1 * rng.standard_normal((window, window, channels, out_channels))).astype("float32")
    g = rng.standard_normal((batch, size, size, out_channels)).astype("float32")
    if inputs == "positive":  # as after a relu
        x = np.maximum(x, 0) + np.float32(0.1)
    args = {"": (x, w), "_backprop_filter": (x, w.shape, g), "_backprop_input": (x.shape, w, g)}
    for name in PASSES:
        wide = [a.astype("float64") if isinstance(a, np.ndarray) else a for a in args[name]]
        exact = getattr(reference, "conv2d" + name)(*wide, padding=(pads, pads))
        result = getattr(winograd, "conv2d" + name)(*args[name], padding=(pads, pads))
        assert np.abs(result - exact).max() < BOUND * np.abs(exact).max()


@pytest.mark.parametrize(("window", "bound"), [(3, 1.5e-5), (5, 4e-5)])
def test_rounding_of_layers_that_ask_more_of_it(window: int, bound: float) -> None:
    """Few channels, inputs far from 0, gradients that are 0 nearly everywhere: as `conv` says."""
    pads, worst = (window // 2, window // 2), 0.0
    for seed in range(100, 140):
        rng = np.random.RandomState(seed)
        channels, out_channels = rng.choice([8, 16, 32, 64]), rng.choice([32, 64])
        size = rng.choice([5, 10, 14, 15])
        x = rng.standard_normal((3, size, size, channels)).astype("float32")
        x = np.maximum(x, 0) if seed % 2 else x + np.float32(1)
        w = (0.1 * rng.standard_normal((window, window, channels, out_channels))).astype("float32")
        g = rng.standard_normal((3, size, size, out_channels)).astype("float32")
        g *= rng.rand(*g.shape) < (0.05 if seed % 4 == 1 else 1)
        args = {"": (x, w), "_backprop_filter": (x, w.shape, g), "_backprop_input": (x.shape, w, g)}
        for name in PASSES:
            wide = [a.astype("float64") if isinstance(a, np.ndarray) else a for a in args[name]]
            exact = getattr(reference, "conv2d" + name)(*wide, padding=(pads, pads))
            result = getattr(winograd, "conv2d" + name)(*args[name], padding=(pads, pads))
            worst = max(worst, np.abs(result - exact).max() / np.abs(exact).max())
    assert bound / 10 < worst < bound  # so the bound says something


@pytest.mark.parametrize("number", [np.nan, np.inf])
@pytest.mark.parametrize("window", [3, 5])
def test_what_is_not_finite_spreads_no_further_than_its_tiles(window: int, number: float) -> None:
    """All that its windows reach is not finite, and perhaps more of the tiles that those are in."""
    rng, pads = np.random.RandomState(0), (window // 2, window // 2)
    x = rng.standard_normal((2, 20, 20, 8)).astype("float32")
    w = rng.standard_normal((window, window, 8, 32)).astype("float32")
    x[0, 9, 11, 3] = number
    lost = ~np.isfinite(winograd.conv2d(x, w, padding=(pads, pads)))
    reach, tile = window // 2, winograd.tile_outputs((20, 20), window)
    near = np.zeros(lost.shape, bool)
    near[0, 9 - reach : 10 + reach, 11 - reach : 12 + reach] = True
    tiles = np.zeros(lost.shape, bool)
    rows, columns = (
        slice((at - reach) // tile * tile, ((at + reach) // tile + 1) * tile) for at in (9, 11)
    )
    tiles[0, rows, columns] = True
    assert lost[near].all()
    assert not lost[~tiles].any()


def test_same_bits_for_any_number_of_threads(threads: None) -> None:
    rng = np.random.RandomState(0)
    x, w, g = (
        rng.standard_normal(shape).astype("float32")
        for shape in ((40, 13, 14, 20), (5, 5, 20, 40), (40, 13, 14, 40))
    )
    args = {"": (x, w), "_backprop_filter": (x, w.shape, g), "_backprop_input": (x.shape, w, g)}
    given = {"padding": ((2, 2), (2, 2))}
    parallel.set_num_threads(1)
    expected = run(winograd, "conv2d", args, given)
    for number in (2, 3):
        parallel.set_num_threads(number)
        assert_equal(run(winograd, "conv2d", args, given), expected)


def test_results_go_where_they_are_wanted() -> None:
    geometry = Geometry(2, (6, 5), 9, (3, 3), (1, 1), (1, 1), ((1, 1), (1, 1)), 17, 0)
    args, given = arguments(geometry, "float32"), options(geometry)
    expected = run(winograd, "conv2d", args, given)
    for name in PASSES:
        out = np.full(expected[name].shape, np.nan, "float32")
        assert getattr(winograd, "conv2d" + name)(*args[name], **given, out=out) is out
        np.testing.assert_array_equal(out, expected[name])


OUTPUTS, FILTER = (50, 14, 14), (5, 5, 32, 64)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({}, "winograd: 6.7 times fewer multiplications"),
        ({"filter_shape": (3, 3, 32, 64)}, "winograd: 3.1 times fewer multiplications"),
        ({"filter_shape": (7, 7, 32, 64)}, "direct: no Winograd, since it has no transforms"),
        ({"filter_shape": (5, 3, 32, 64)}, "direct: no Winograd, since it has no transforms"),
        (
            {"filter_shape": (5, 5, 6, 64)},
            "direct: no Winograd, since 6 to 64 channels are too few",
        ),
        (
            {"filter_shape": (5, 5, 8, 16)},
            "direct: no Winograd, since 8 to 16 channels are too few",
        ),
        ({"dtype": "float64"}, "direct: no Winograd, since float64 asks for exactness"),
        ({"strides": (1, 2)}, "direct: no Winograd, since windows move by more"),
        ({"dilations": (2, 2)}, "direct: no Winograd, since windows move by more"),
        ({"outputs": (50, 1, 1)}, "direct: no Winograd, since 1x1 outputs fill"),
        ({"outputs": (1, 5, 10)}, "direct: no Winograd, since the outputs are too few"),
        ({"outputs": (0, 8, 8)}, "direct: no Winograd, since 8x8 outputs fill"),
    ],
)
def test_where_it_is_used(changed: dict[str, Any], reason: str) -> None:
    assert conv.mode() == "fast"
    asked = {"dtype": "float32", "outputs": OUTPUTS, "filter_shape": FILTER, **changed}
    for which in (conv.FORWARD, conv.FILTER_GRADIENT, conv.INPUT_GRADIENT):
        assert conv.why(which, **asked).startswith(reason)


def test_the_direct_algorithms_can_be_asked_for(direct_only: str) -> None:
    assert "direct algorithms are asked for" in conv.why(conv.FORWARD, "float32", OUTPUTS, FILTER)
    with pytest.raises(ValueError, match="'direct' or 'fast', got 'quick'"):
        conv.set_mode("quick")


@pytest.mark.parametrize("given", ["", "direct", "fast"])
def test_the_environment_may_choose(given: str) -> None:
    code = "from minitf.kernels import conv; print(conv.mode())"
    environment = {**os.environ, "MINITF_CONV": given}
    run_ = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert run_.stdout.strip() == (given or "fast")


def test_convolutions_use_it() -> None:
    rng = np.random.RandomState(0)
    x, w, g = (
        rng.standard_normal(shape).astype("float32")
        for shape in ((4, 14, 14, 16), (5, 5, 16, 32), (4, 14, 14, 32))
    )
    args = {"": (x, w), "_backprop_filter": (x, w.shape, g), "_backprop_input": (x.shape, w, g)}
    given = {"padding": ((2, 2), (2, 2))}
    expected = run(winograd, "conv2d", args, given)
    assert_equal(run(conv, "conv2d", args, given), expected)
    exact = run(direct, "conv2d", args, given)
    assert all((expected[name] != exact[name]).any() for name in PASSES)


def test_long_sums_are_sums_of_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    def error(x: Array, w: Array) -> float:
        exact = reference.conv2d(x.astype("float64"), w.astype("float64"))
        return float(np.abs(winograd.conv2d(x, w) - exact).max() / np.abs(exact).max())

    rng = np.random.RandomState(0)
    x = rng.standard_normal((1, 10, 10, 2000)).astype("float32")
    w = rng.standard_normal((3, 3, 2000, 16)).astype("float32")
    assert x.shape[3] > winograd_blocks._SUMMED
    assert error(x, w) < BOUND / 2
