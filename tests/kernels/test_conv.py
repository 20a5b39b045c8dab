"""Convolutions: compiled ones against references, these against the definition and TensorFlow."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from geometry import Array, Geometry, Golden, assert_close, geometries, golden
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minitf.kernels import conv, depthwise, direct, im2col, jit, reference
from minitf.kernels.parallel import set_num_threads

FLOATS = ("float32", "float64")
PASSES = ("", "_backprop_filter", "_backprop_input")


def options(geometry: Geometry | Golden) -> dict[str, Any]:
    return {
        "strides": geometry.strides,
        "padding": geometry.padding,
        "dilations": geometry.dilations,
    }


def arguments(geometry: Geometry, dtype: str, depthwise: bool = False) -> dict[str, tuple]:
    """The positional arguments of the three passes, filled with small integers."""
    out_channels = geometry.out_channels * (geometry.channels if depthwise else 1)
    filter_shape = (*geometry.window, geometry.channels, geometry.out_channels)
    out_shape = (geometry.batch, *geometry.out_size, out_channels)
    x = geometry.integers(geometry.shape, dtype)
    w = geometry.integers(filter_shape, dtype, 1)
    g = geometry.integers(out_shape, dtype, 2)
    return {"": (x, w), "_backprop_filter": (x, w.shape, g), "_backprop_input": (x.shape, w, g)}


def by_definition(geometry: Geometry, dtype: str, depthwise: bool = False) -> dict[str, Array]:
    """All three passes by one walk over every product that the definition names."""
    (x, w), (_, _, g) = (arguments(geometry, dtype, depthwise)[p] for p in PASSES[:2])
    results = {"": np.zeros_like(g), "_backprop_filter": np.zeros_like(w)}
    results["_backprop_input"] = np.zeros_like(x)
    multiplier = w.shape[3]
    where = itertools.product(*map(range, (len(x), *geometry.out_size, *w.shape)))
    for n, i, j, r, s, c, k in where:
        y = i * geometry.strides[0] + r * geometry.dilations[0] - geometry.padding[0][0]
        z = j * geometry.strides[1] + s * geometry.dilations[1] - geometry.padding[1][0]
        if 0 <= y < geometry.size[0] and 0 <= z < geometry.size[1]:
            out = c * multiplier + k if depthwise else k
            results[""][n, i, j, out] += x[n, y, z, c] * w[r, s, c, k]
            results["_backprop_filter"][r, s, c, k] += x[n, y, z, c] * g[n, i, j, out]
            results["_backprop_input"][n, y, z, c] += w[r, s, c, k] * g[n, i, j, out]
    return results


def run(
    module: Any, prefix: str, args: dict[str, tuple], given: dict[str, Any]
) -> dict[str, Array]:
    return {name: getattr(module, prefix + name)(*args[name], **given) for name in PASSES}


def assert_equal(actual: dict[str, Array], expected: dict[str, Array]) -> None:
    for name in PASSES:
        assert actual[name].dtype == expected[name].dtype, name
        assert actual[name].shape == expected[name].shape, name
        np.testing.assert_array_equal(actual[name], expected[name], name)


@pytest.mark.parametrize("prefix", ["conv2d", "depthwise_conv2d"])
@settings(max_examples=30)
@given(geometry=geometries(most=4))
def test_references_follow_the_definition(prefix: str, geometry: Geometry) -> None:
    each = prefix != "conv2d"
    args = arguments(geometry, "float64", each)
    expected = by_definition(geometry, "float64", each)
    assert_equal(run(reference, prefix, args, options(geometry)), expected)


@pytest.mark.parametrize("dtype", FLOATS)
@given(geometry=geometries())
def test_compiled_convolution(dtype: str, geometry: Geometry) -> None:
    args = arguments(geometry, dtype)
    expected = run(reference, "conv2d", args, options(geometry))
    assert_equal(run(conv, "conv2d", args, options(geometry)), expected)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(geometry=geometries(), block=st.sampled_from([1, 40, 300]))
def test_any_cut_into_blocks(
    monkeypatch: pytest.MonkeyPatch, geometry: Geometry, block: int
) -> None:
    monkeypatch.setattr(im2col, "_SMALL_BLOCK", block)
    monkeypatch.setattr(im2col, "_BLOCKS", 10**9)
    args = arguments(geometry, "float32")
    expected = run(reference, "conv2d", args, options(geometry))
    assert_equal(run(im2col, "conv2d", args, options(geometry)), expected)


@settings(max_examples=30)
@given(geometry=geometries())
def test_compiled_depthwise_convolution(geometry: Geometry) -> None:
    args = arguments(geometry, "float32", depthwise=True)
    expected = run(reference, "depthwise_conv2d", args, options(geometry))
    assert_equal(run(depthwise, "depthwise_conv2d", args, options(geometry)), expected)


EMPTY = {
    "no images": Geometry(0, (4, 5), 5, (3, 3), (1, 2), (1, 1), ((1, 1), (1, 1)), 2, 0),
    "no outputs": Geometry(2, (4, 5), 5, (3, 3), (1, 2), (1, 1), ((1, 1), (1, 1)), 0, 0),
    "no channels": Geometry(2, (4, 5), 0, (3, 3), (1, 2), (1, 1), ((1, 1), (1, 1)), 2, 0),
    "no rows": Geometry(2, (0, 5), 5, (3, 3), (1, 2), (1, 1), ((1, 1), (1, 1)), 2, 0),
    "only padding": Geometry(2, (0, 5), 5, (3, 3), (1, 2), (1, 1), ((2, 2), (1, 1)), 2, 0),
}


@pytest.mark.parametrize("geometry", EMPTY.values(), ids=EMPTY)
def test_empty_arrays(geometry: Geometry) -> None:
    for module, prefix in ((conv, "conv2d"), (depthwise, "depthwise_conv2d")):
        args = arguments(geometry, "float32", prefix != "conv2d")
        expected = by_definition(geometry, "float32", prefix != "conv2d")
        assert_equal(run(reference, prefix, args, options(geometry)), expected)
        assert_equal(run(module, prefix, args, options(geometry)), expected)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(geometry=geometries(most=5))
def test_kernels_as_python(interpreted: None, geometry: Geometry) -> None:
    for module, prefix in ((im2col, "conv2d"), (depthwise, "depthwise_conv2d")):
        args = arguments(geometry, "float64", prefix != "conv2d")
        expected = run(reference, prefix, args, options(geometry))
        assert_equal(run(module, prefix, args, options(geometry)), expected)


@pytest.mark.parametrize("prefix", ["conv2d", "depthwise_conv2d"])
@settings(max_examples=50)
@given(geometry=geometries())
def test_gradients_are_transposes(prefix: str, geometry: Geometry) -> None:
    module = conv if prefix == "conv2d" else depthwise
    args = arguments(geometry, "float64", prefix != "conv2d")
    (x, w), (_, _, g) = args[""], args["_backprop_filter"]
    results = run(module, prefix, args, options(geometry))
    inner = np.vdot(results[""], g)
    assert np.vdot(w, results["_backprop_filter"]) == inner
    assert np.vdot(x, results["_backprop_input"]) == inner


@pytest.mark.parametrize(
    ("case", "module"),
    [(case, conv) for case in golden("conv2d")]
    + [(case, depthwise) for case in golden("depthwise_conv2d")]
    + [
        (case, reference)  # which computes in the dtype it is given, as TensorFlow does not
        for case in golden("conv2d", "depthwise_conv2d")
        if case.arrays["input"].dtype != np.float16
    ],
)
def test_tensorflow_agrees(case: Golden, module: Any) -> None:
    x, w, g = (case.arrays[name] for name in ("input", "filter", "out_backprop"))
    args = {"": (x, w), "_backprop_filter": (x, w.shape, g), "_backprop_input": (x.shape, w, g)}
    results = run(module, case.family, args, options(case))
    compared = [name for name in PASSES if case.family + name in case.arrays]
    assert "" in compared
    for name in compared:
        assert_close(results[name], case.arrays[case.family + name], sums=4)


def tutorial_layer(dtype: str = "float32") -> tuple[dict[str, tuple], dict[str, Any]]:
    """The tutorial's second convolution, for a few images: several blocks of several images."""
    rng = np.random.RandomState(0)
    shapes = (12, 14, 14, 32), (5, 5, 32, 64), (12, 14, 14, 64)
    x, w, g = (rng.standard_normal(shape).astype(dtype) for shape in shapes)
    args = {"": (x, w), "_backprop_filter": (x, w.shape, g), "_backprop_input": (x.shape, w, g)}
    return args, {"padding": ((2, 2), (2, 2))}


# What such layers may lose to rounding, as a part of the largest result; `conv` says the most.
ROUNDING = {"direct": 2e-6, "fast": 2e-5}


def test_rounding_is_what_the_mode_allows(mode: str) -> None:
    args, given = tutorial_layer()
    wide, _ = tutorial_layer("float64")
    for name in PASSES:
        exact = getattr(reference, "conv2d" + name)(*wide[name], **given)
        rounded = getattr(conv, "conv2d" + name)(*args[name], **given)
        assert np.abs(rounded - exact).max() < ROUNDING[mode] * np.abs(exact).max()


def test_same_bits_for_any_number_of_threads(mode: str, threads: None) -> None:
    args, given = tutorial_layer()
    set_num_threads(1)
    expected = run(conv, "conv2d", args, given)
    for number in (2, 3, 8):
        set_num_threads(number)
        assert_equal(run(conv, "conv2d", args, given), expected)


def test_half_precision_is_rounded_once() -> None:
    geometry = Geometry(2, (6, 5), 3, (3, 3), (1, 1), (1, 1), ((1, 1), (1, 1)), 4, 0)
    wide = arguments(geometry, "float32")
    wide = {
        name: tuple(a / np.float32(8) if isinstance(a, np.ndarray) else a for a in args)
        for name, args in wide.items()
    }
    half = {
        name: tuple(a.astype("float16") if isinstance(a, np.ndarray) else a for a in args)
        for name, args in wide.items()
    }
    for module, prefix in ((conv, "conv2d"), (depthwise, "depthwise_conv2d")):
        if prefix != "conv2d":
            g = arguments(geometry, "float16", depthwise=True)["_backprop_input"][2]
            for args in (half, wide):
                for name in PASSES[1:]:
                    args[name] = (*args[name][:2], g.astype(args[""][0].dtype))
        results = run(module, prefix, half, options(geometry))
        expected = run(module, prefix, wide, options(geometry))
        assert_equal(results, {name: a.astype("float16") for name, a in expected.items()})


def test_integers_are_convolved_too() -> None:
    geometry = Geometry(2, (6, 5), 3, (3, 2), (1, 2), (1, 1), ((1, 1), (0, 0)), 4, 0)
    results = run(conv, "conv2d", arguments(geometry, "int32"), options(geometry))
    expected = by_definition(geometry, "float64")
    assert_equal(results, {name: a.astype("int32") for name, a in expected.items()})


def test_one_compilation_serves_arrays_of_any_layout() -> None:
    geometry = Geometry(2, (6, 6), 5, (3, 3), (1, 1), (1, 1), ((1, 1), (1, 1)), 4, 0)
    args = arguments(geometry, "float32")
    expected = run(im2col, "conv2d", args, options(geometry))
    for change in (np.asfortranarray, jit.readonly, lambda a: np.repeat(a, 2, axis=0)[::2]):
        changed = {
            name: tuple(change(a) if isinstance(a, np.ndarray) else a for a in given)
            for name, given in args.items()
        }
        assert_equal(run(im2col, "conv2d", changed, options(geometry)), expected)
        assert_equal(run(direct, "conv2d", changed, options(geometry)), expected)
    for kernel in (im2col._im2col, im2col._col2im):
        float32 = [s for s in kernel.compile().signatures if "float32" in str(s)]
        assert len(float32) == 1


def test_inputs_are_left_alone() -> None:
    args, given = tutorial_layer()
    before = {name: [np.copy(a) for a in values] for name, values in args.items()}
    run(conv, "conv2d", args, given)
    for name, values in args.items():
        for value, copy in zip(values, before[name]):
            np.testing.assert_array_equal(value, copy)


def test_wrong_shapes_are_refused() -> None:
    x, w = np.zeros((1, 4, 4, 3)), np.zeros((5, 5, 3, 2))
    for module, prefix in ((conv, "conv2d"), (depthwise, "depthwise_conv2d")):
        with pytest.raises(ValueError, match="larger than the dimension"):
            getattr(module, prefix)(x, w)
        with pytest.raises(ValueError, match="does not fit inputs with 3 channels"):
            getattr(module, prefix)(x, np.zeros((2, 2, 4, 2)))
        with pytest.raises(ValueError, match="and outputs with 5 channels"):
            getattr(module, prefix + "_backprop_filter")(x, (2, 2, 3, 2), np.zeros((1, 3, 3, 5)))
        with pytest.raises(ValueError, match="does not fit inputs with 7 channels"):
            getattr(module, prefix + "_backprop_input")((1, 4, 4, 7), w, np.zeros((1, 4, 4, 2)))


@pytest.mark.parametrize(
    ("which", "dtype", "filter_shape", "expected"),
    [
        (conv.FORWARD, "float32", (5, 5, 32, 64), direct),
        (conv.FORWARD, "float64", (5, 5, 32, 64), direct),
        (conv.FORWARD, "int32", (5, 5, 32, 64), reference),
        (conv.FORWARD, "float32", (5, 5, 1, 32), direct),
        (conv.INPUT_GRADIENT, "float32", (5, 5, 1, 32), im2col),
        (conv.FILTER_GRADIENT, "float32", (5, 5, 32, 1), im2col),
    ],
)
def test_which_algorithm_is_chosen(
    direct_only: str, which: str, dtype: str, filter_shape: tuple[int, ...], expected: Any
) -> None:
    outputs = (50, 14, 14)
    pads = ((0, 0), (0, 0))
    choice = conv._algorithm(which, np.dtype(dtype), outputs, filter_shape, (1, 1), pads, (1, 1))
    assert choice.algorithm is expected
    reason = conv.why(which, dtype, outputs, filter_shape)
    assert reason == choice.reason
    assert reason.startswith(expected.__name__.rpartition(".")[2] + ": ")


@pytest.mark.parametrize("module", [conv, direct, im2col, reference])
def test_results_go_where_they_are_wanted(module: Any) -> None:
    geometry = Geometry(2, (6, 5), 3, (3, 3), (1, 2), (1, 1), ((1, 1), (1, 1)), 4, 0)
    args, given = arguments(geometry, "float32"), options(geometry)
    expected = run(module, "conv2d", args, given)
    for name in PASSES:
        function, out = getattr(module, "conv2d" + name), np.empty(expected[name].shape, "float32")
        assert function(*args[name], **given, out=out) is out
        np.testing.assert_array_equal(out, expected[name])
        for bad in (out[..., :1], out.astype("float64"), np.asfortranarray(out)):
            with pytest.raises(ValueError, match="out must be contiguous, of shape"):
                function(*args[name], **given, out=bad)


def test_half_precision_goes_where_it_is_wanted() -> None:
    x, w = np.ones((1, 4, 4, 5), "float16"), np.ones((3, 3, 5, 2), "float16")
    out = np.zeros((1, 2, 2, 2), "float16")
    assert conv.conv2d(x, w, out=out) is out
    assert (out == 45).all()


WITHOUT_NUMBA = """
import sys
import numpy as np
from minitf.kernels import conv, depthwise, pool
x, w = np.ones((1, 4, 4, 5), "float32"), np.ones((3, 3, 5, 2), "float32")
y = conv.conv2d(x, w)
assert y.shape == (1, 2, 2, 2) and (y == 45).all(), y
assert conv.conv2d_backprop_filter(x, w.shape, y).shape == w.shape
assert conv.conv2d_backprop_input(x.shape, w, y).shape == x.shape
assert (depthwise.depthwise_conv2d(x, w) == 9).all()
assert (pool.max_pool(x, ksize=(2, 2)) == 1).all()
assert (pool.avg_pool_grad(x.shape, pool.avg_pool(x, ksize=(4, 4)), ksize=(4, 4)) == 1 / 16).all()
assert "numba" not in sys.modules
"""


def test_references_take_over_where_compiling_is_switched_off() -> None:
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    subprocess.run([sys.executable, "-c", WITHOUT_NUMBA], env=environment, check=True, timeout=60)
