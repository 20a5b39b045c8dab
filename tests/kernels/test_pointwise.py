"""Convolution by windows of one cell, against the reference."""

from __future__ import annotations

import numpy as np
import pytest
from geometry import Geometry
from hypothesis import given, settings
from hypothesis import strategies as st
from test_conv import arguments, assert_equal, options, run

from minitf.kernels import conv, fused, jit, pointwise, reference

pytestmark = pytest.mark.skipif(not jit.available(), reason="runs compiled only")

NONE = ((0, 0), (0, 0))


@st.composite
def pixels(draw) -> Geometry:
    return Geometry(
        batch=draw(st.integers(0, 3)),
        size=(draw(st.integers(1, 9)), draw(st.integers(1, 9))),
        channels=draw(st.integers(1, 40)),
        window=(1, 1),
        strides=(1, 1),
        dilations=(1, draw(st.integers(1, 2))),
        padding=NONE,
        out_channels=draw(st.integers(5, 70)),
        seed=draw(st.integers(0, 1000)),
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@settings(max_examples=50)
@given(geometry=pixels())
def test_any_shape(dtype: str, geometry: Geometry) -> None:
    args, given_ = arguments(geometry, dtype), options(geometry)
    assert_equal(run(pointwise, "conv2d", args, given_), run(reference, "conv2d", args, given_))


def test_results_go_where_they_are_wanted() -> None:
    geometry = Geometry(2, (6, 5), 9, (1, 1), (1, 1), (1, 1), NONE, 17, 0)
    args, given_ = arguments(geometry, "float32"), options(geometry)
    for name, expected in run(reference, "conv2d", args, given_).items():
        out = np.full(expected.shape, np.nan, "float32")
        assert getattr(pointwise, "conv2d" + name)(*args[name], **given_, out=out) is out
        np.testing.assert_array_equal(out, expected)


def test_what_follows_can_be_fused() -> None:
    geometry = Geometry(5, (6, 4), 9, (1, 1), (1, 1), (1, 1), NONE, 17, 0)
    x, w = arguments(geometry, "float32")[""]
    bias = geometry.integers((17,), "float32", 2)
    expected = np.maximum(reference.conv2d(x, w) + bias, 0)
    np.testing.assert_array_equal(fused.conv2d_bias_relu(x, w, bias), expected)


@pytest.mark.parametrize(
    ("changed", "chosen"),
    [
        ({}, "pointwise"),
        ({"strides": (2, 1)}, "direct"),
        ({"padding": ((0, 1), (0, 0))}, "direct"),
        ({"filter_shape": (1, 2, 64, 256)}, "direct"),
    ],
)
def test_where_it_is_used(changed: dict, chosen: str) -> None:
    asked = {"dtype": "float32", "outputs": (2, 14, 14), "filter_shape": (1, 1, 64, 256)}
    for which in (conv.FORWARD, conv.FILTER_GRADIENT, conv.INPUT_GRADIENT):
        assert conv.why(which, **{**asked, **changed}).startswith(f"{chosen}: ")
