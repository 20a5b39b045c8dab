"""What is done in one sweep has the bits of what is done in several."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from geometry import Array, Geometry, geometries
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from minitf.kernels import conv, fused, jit, parallel, pool2x2, reference, sums
from minitf.kernels.direct import conv2d_backprop_filter

FLOATS = ("float32", "float64")
WINDOW = {"ksize": (2, 2), "strides": (2, 2)}


def assert_same(actual: Array, expected: Array) -> None:
    assert actual.dtype == expected.dtype
    np.testing.assert_array_equal(actual, expected)


@st.composite
def images(draw: Any) -> tuple[Array, tuple[tuple[int, int], tuple[int, int]]]:
    """Images with many equal numbers, sometimes NaN or infinite, and a padding for odd sizes."""
    shape = [draw(st.integers(low, 7)) for low in (1, 2, 2)] + [
        draw(st.sampled_from([1, 5, 16, 37]))
    ]
    padding = [(0, draw(st.integers(0, size % 2))) for size in shape[1:3]]
    rng = np.random.RandomState(draw(st.integers(0, 1000)))
    values = rng.randint(-2, 3, shape).astype(draw(st.sampled_from(FLOATS)))
    if draw(st.booleans()):
        special = np.array([np.nan, np.inf, -np.inf])
        values = np.where(rng.rand(*shape) < 0.3, rng.choice(special, shape), values).astype(
            values.dtype
        )
    return values, (padding[0], padding[1])


def in_steps(x: Array, bias: Array | None, padding: Any, grad: Array) -> tuple[Array, ...]:
    """Pooled, the gradient in the input, and in the bias, one after the other."""
    active = x if bias is None else np.maximum(x + bias, 0)
    pooled = reference.max_pool(active, **WINDOW, padding=padding)
    gradient = reference.max_pool_grad(active, pooled, grad, **WINDOW, padding=padding)
    if bias is not None:
        gradient = np.where(active > 0, gradient, 0)
    return pooled, gradient, sums.sum_pixels(gradient)


def check_pool(x: Array, padding: Any) -> None:
    shape = pool2x2.pooled_shape(x.shape, padding)
    rng = np.random.RandomState(0)
    grad = rng.randint(-4, 5, shape).astype(x.dtype)  # sums of these are exact in any order
    pooled, gradient, _ = in_steps(x, None, padding, grad)
    result, which = pool2x2.max_pool_2x2(x, padding=padding)
    assert_same(result, pooled)
    assert_same(pool2x2.max_pool_2x2_grad(grad, which, x.shape), gradient)

    bias = rng.randint(-1, 2, x.shape[3]).astype(x.dtype)
    pooled, gradient, bias_gradient = in_steps(x, bias, padding, grad)
    result, which = pool2x2.bias_relu_max_pool_2x2(x, bias, padding=padding)
    assert_same(result, pooled)
    back = pool2x2.bias_relu_max_pool_2x2_grad(grad, which, x.shape)
    assert_same(back[0], gradient)
    assert_same(back[1], bias_gradient)


@pytest.mark.filterwarnings("ignore:invalid value encountered")
@settings(max_examples=200)
@given(case=images())
def test_pool(case: tuple[Array, Any]) -> None:
    check_pool(*case)


@pytest.mark.filterwarnings("ignore:invalid value encountered")
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=images())
def test_pool_as_python(
    interpreted: None, monkeypatch: pytest.MonkeyPatch, case: tuple[Array, Any]
) -> None:
    def relu_pool(*args: Any) -> None:
        monkeypatch.setattr(pool2x2, "RELU", True)
        pool2x2._pool.py_func(*args)
        monkeypatch.setattr(pool2x2, "RELU", False)

    kernels = pool2x2._Kernels(pool2x2._pool, relu_pool, pool2x2._unpool)
    monkeypatch.setattr(pool2x2, "_kernels", lambda dtype: kernels)
    monkeypatch.setattr(pool2x2, "compiles", lambda dtype: False)
    check_pool(*case)


def test_results_go_where_they_are_wanted() -> None:
    x = np.random.RandomState(0).standard_normal((2, 6, 4, 5)).astype("float32")
    bias = np.zeros(5, "float32")
    out, which = np.empty((2, 3, 2, 5), "float32"), np.empty((2, 3, 2, 5), "uint8")
    assert pool2x2.max_pool_2x2(x, out=out, which=which)[0] is out
    result = pool2x2.bias_relu_max_pool_2x2(x, bias, out=out, which=which)
    assert result[0] is out
    assert result[1] is which
    gradient, bias_gradient = np.empty_like(x), np.empty_like(bias)
    assert pool2x2.max_pool_2x2_grad(out, which, x.shape, out=gradient) is gradient
    back = pool2x2.bias_relu_max_pool_2x2_grad(
        out, which, x.shape, out=gradient, bias_out=bias_gradient
    )
    assert back[0] is gradient
    assert back[1] is bias_gradient


def test_windows_do_not_overlap_nor_begin_outside() -> None:
    for padding in (((1, 0), (0, 0)), ((0, 1), (0, 0)), ((0, 0), (0, 2))):
        with pytest.raises(ValueError, match="only a last odd row or column"):
            pool2x2.max_pool_2x2(np.zeros((1, 4, 5, 1)), padding=padding)


def layer(geometry: Geometry, dtype: str) -> tuple[Array, Array, Array, dict[str, Any]]:
    given = {
        "strides": geometry.strides,
        "padding": geometry.padding,
        "dilations": geometry.dilations,
    }
    x = geometry.integers(geometry.shape, dtype)
    w = geometry.integers((*geometry.window, geometry.channels, geometry.out_channels), dtype, 1)
    return x, w, geometry.integers((geometry.out_channels,), dtype, 2), given


@pytest.mark.skipif(not jit.available(), reason="runs compiled only")
@pytest.mark.parametrize("dtype", FLOATS)
@settings(max_examples=50)
@given(geometry=geometries(), out_channels=st.integers(1, 40), relu=st.booleans())
def test_convolution_with_bias_and_relu(
    dtype: str, geometry: Geometry, out_channels: int, relu: bool
) -> None:
    x, w, bias, given = layer(geometry._replace(out_channels=out_channels), dtype)
    expected = conv.conv2d(x, w, **given) + bias
    result = fused.conv2d_bias_relu(x, w, bias, **given, relu=relu)
    assert_same(result, np.maximum(expected, 0) if relu else expected)


@pytest.mark.skipif(not jit.available(), reason="runs compiled only")
@pytest.mark.parametrize("dtype", FLOATS)
@settings(max_examples=50)
@given(geometry=geometries(), out_channels=st.integers(1, 40), data=st.data())
def test_convolution_with_pool(
    dtype: str, geometry: Geometry, out_channels: int, data: Any
) -> None:
    geometry = geometry._replace(out_channels=out_channels)
    size = tuple(geometry.out_size)
    assume(min(size) > 1)
    pads = tuple((0, data.draw(st.integers(0, n % 2))) for n in size)
    x, w, bias, given = layer(geometry, dtype)
    y = conv.conv2d(x, w, **given)
    grad = geometry.integers(pool2x2.pooled_shape(y.shape, pads), dtype, 3)
    pooled, gradient, bias_gradient = in_steps(y, bias, pads, grad)
    result, which = fused.conv2d_bias_relu_max_pool(x, w, bias, **given, pool_padding=pads)
    assert_same(result, pooled)
    back = fused.conv2d_backprop_filter_through_pool(x, w.shape, grad, which, size, **given)
    assert_same(back[0], conv2d_backprop_filter(x, w.shape, gradient, **given))
    assert_same(back[1], bias_gradient)


@pytest.mark.skipif(not jit.available(), reason="runs compiled only")
@pytest.mark.parametrize("size", [14, 30])  # less than a block of tiles, and more
def test_bits_are_those_of_the_parts(mode: str, threads: None, size: int) -> None:
    rng = np.random.RandomState(0)
    x, w, bias = (
        rng.standard_normal(shape).astype("float32")
        for shape in ((9, size, size, 32), (5, 5, 32, 64), (64,))
    )
    given, out = {"padding": ((2, 2), (2, 2))}, np.empty((9, size // 2, size // 2, 64), "float32")
    y = conv.conv2d(x, w, **given)
    grad = rng.standard_normal(out.shape).astype("float32")
    pooled, gradient, bias_gradient = in_steps(y, bias, reference.NONE, grad)
    for number in (1, 2, 3):
        parallel.set_num_threads(number)
        result, which = fused.conv2d_bias_relu_max_pool(x, w, bias, **given, out=out)
        assert result is out
        assert_same(result, pooled)
        assert_same(fused.conv2d_bias_relu(x, w, bias, **given), np.maximum(y + bias, 0))
        back = fused.conv2d_backprop_filter_through_pool(
            x, w.shape, grad, which, (size, size), **given
        )
        expected = conv.conv2d_backprop_filter(x, w.shape, gradient, **given)
        assert_same(back[0], expected)
        assert_same(back[1], bias_gradient)


@pytest.mark.parametrize("window", [1, 3])
def test_images_without_channels_are_the_bias(window: int) -> None:
    """There is room for them, not for as many as would be a block of work, of which is none."""
    shape = window, window, 0, 64
    images, filter = np.ones((2, 32 + window, 33, 0), np.float32), np.ones(shape, np.float32)
    bias = np.arange(-32, 32).astype(np.float32)
    result = fused.conv2d_bias_relu(images, filter, bias)
    assert result.shape == (2, 33, 34 - window, 64)
    np.testing.assert_array_equal(result, np.broadcast_to(np.maximum(bias, 0), result.shape))


def test_the_bias_has_a_gradient_without_input_channels() -> None:
    images, grad = np.ones((2, 8, 8, 0), np.float32), np.ones((2, 4, 4, 64), np.float32)
    which = np.zeros(grad.shape, np.uint8)
    filter_gradient, bias_gradient = fused.conv2d_backprop_filter_through_pool(
        images, (1, 1, 0, 64), grad, which, (8, 8)
    )
    assert filter_gradient.shape == (1, 1, 0, 64)
    np.testing.assert_array_equal(bias_gradient, np.full(64, 32, np.float32))
