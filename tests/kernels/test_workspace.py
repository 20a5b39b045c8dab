"""A kernel that is told where its results go asks the system for no large array."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minitf.kernels import conv, fused, gemm, jit, parallel, pool, pool2x2
from minitf.kernels.workspace import address

pytestmark = pytest.mark.skipif(not jit.available(), reason="runs compiled only")

LARGE = 1 << 16

Calls = dict[str, Callable[[], object]]


def made(*shape: int) -> Any:
    return np.random.default_rng(0).standard_normal(shape, "float32")


def convolutions(size: int, channels: int, out_channels: int, window: int, stride: int) -> Calls:
    pads = (window // 2, window // 2)
    given: dict[str, Any] = {"strides": (stride, stride), "padding": (pads, pads)}
    x, w = made(8, size, size, channels), made(window, window, channels, out_channels)
    y, bias = conv.conv2d(x, w, **given), made(out_channels)
    out, filter_out, input_out = np.empty_like(y), np.empty_like(w), np.empty_like(x)
    pooled, which = fused.conv2d_bias_relu_max_pool(x, w, bias, **given)
    pooled_out, which_out, bias_out = (np.empty_like(a) for a in (pooled, which, bias))
    return {
        "forward": lambda: conv.conv2d(x, w, **given, out=out),
        "filter": lambda: conv.conv2d_backprop_filter(x, w.shape, y, **given, out=filter_out),
        "input": lambda: conv.conv2d_backprop_input(x.shape, w, y, **given, out=input_out),
        "relu": lambda: fused.conv2d_bias_relu(x, w, bias, **given, out=out),
        "pool": lambda: fused.conv2d_bias_relu_max_pool(
            x, w, bias, **given, out=pooled_out, which=which_out
        ),
        "through pool": lambda: fused.conv2d_backprop_filter_through_pool(
            x, w.shape, pooled, which, y.shape[1:3], **given, out=filter_out, bias_out=bias_out
        ),
    }


def pools(size: int, window: int) -> Calls:
    x, given = made(8, size, size, 32), {"ksize": (window, window), "strides": (2, 2)}
    y = pool.max_pool(x, **given)
    g, out, gradient = made(*y.shape), np.empty_like(y), np.empty_like(x)
    return {
        "max": lambda: pool.max_pool(x, **given, out=out),
        "max back": lambda: pool.max_pool_grad(x, y, g, **given, out=gradient),
        "average": lambda: pool.avg_pool(x, **given, out=out),
        "average back": lambda: pool.avg_pool_grad(x.shape, g, **given, out=gradient),
    }


def squares() -> Calls:
    x, bias = made(300, 4, 4, 96), made(96)
    pooled, which = pool2x2.bias_relu_max_pool_2x2(x, bias)
    gradient, bias_out, out, which_out = (np.empty_like(a) for a in (x, bias, pooled, which))
    given: dict[str, Any] = {"out": gradient, "bias_out": bias_out}
    return {
        "max": lambda: pool2x2.bias_relu_max_pool_2x2(x, bias, out=out, which=which_out),
        "back": lambda: pool2x2.bias_relu_max_pool_2x2_grad(pooled, which, x.shape, **given),
    }


def products(rows: int, inner: int, columns: int) -> Calls:
    x, w, g = made(rows, inner), made(inner, columns), made(rows, columns)
    out, w_out, x_out = (np.empty_like(a) for a in (g, w, x))
    return {
        "forward": lambda: gemm.matmul(x, w, out=out),
        "weights": lambda: gemm.matmul(x, g, transpose_a=True, out=w_out),
        "input": lambda: gemm.matmul(g, w, transpose_b=True, out=x_out),
    }


CASES: dict[str, Callable[[], Calls]] = {
    "winograd": lambda: convolutions(14, 32, 64, 5, 1),
    "direct": lambda: convolutions(29, 17, 40, 3, 2),
    "few channels": lambda: convolutions(28, 1, 32, 5, 1),
    "pointwise": lambda: convolutions(14, 64, 128, 1, 1),
    "pools of 2x2": lambda: pools(28, 2),
    "pools of 3x3": lambda: pools(29, 3),
    "bias, relu and pool": squares,
    "products": lambda: products(50, 1600, 512),
    "thin products": lambda: products(1, 1600, 1024),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_no_large_array_is_made(case: Callable[[], Calls], mode: str, threads: None) -> None:
    parallel.set_num_threads(1)
    for name, call in case().items():
        call()  # the first call compiles, and makes what stays
        tracemalloc.start()
        call()
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert most < LARGE, name


def test_addresses_are_those_that_numpy_tells() -> None:
    class Own(np.ndarray[Any, Any]):
        pass

    whole = np.arange(24.0, dtype=np.float32).reshape(2, 3, 4)
    read_only = whole.view()
    read_only.flags.writeable = False
    arrays = [whole, whole[1], whole[:, 1:], whole.T, np.array(3.0), np.zeros((0, 4)), read_only]
    arrays += [whole.view(Own), whole.view(np.uint8), np.frombuffer(bytes(9), np.uint8)[1:]]
    for array in arrays:
        assert address(array) == array.__array_interface__["data"][0]
