"""What a page shows of a value: true numbers, and pictures that are what they say."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from minitf.framework.kernel_context import DEAD, VariableResource
from minitf.visualize.explorer.values import BINS, describe

SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=9)
DTYPES = st.sampled_from(["float32", "float64", "float16", "int32", "uint8", "bool", "complex64"])


def pixels(found: dict[str, Any]) -> Any:
    """The colours of a picture, [height, width, 4]."""
    picture = found["picture"]
    image = Image.open(io.BytesIO(base64.b64decode(picture["png"])))
    assert image.size == (picture["width"], picture["height"])
    return np.asarray(image.convert("RGBA"))


@given(DTYPES.flatmap(lambda dtype: hnp.arrays(dtype, SHAPES)))
def test_any_array_can_be_described(array: Any) -> None:
    before = array.copy()
    found = json.loads(json.dumps(describe(array), allow_nan=False))
    np.testing.assert_array_equal(array, before)
    assert found["shape"] == list(array.shape)
    assert found["dtype"] == array.dtype.name
    values = np.abs(array) if array.dtype.kind == "c" else array
    values = values.astype(np.float64).reshape(-1)
    finite = values[np.isfinite(values)]
    if array.size:
        assert found["nan"] == np.isnan(values).sum()
        assert found["inf"] == np.isinf(values).sum()
        assert found["zeros"] == (values == 0).sum()
    if finite.size:
        assert found["min"] == pytest.approx(finite.min(), rel=1e-5)
        assert found["max"] == pytest.approx(finite.max(), rel=1e-5)
    if "bins" in found:
        assert len(found["bins"]) == BINS
        assert sum(found["bins"]) == finite.size
    if "picture" in found:
        assert pixels(found).size


def test_a_large_array_is_sampled_for_its_spread_alone() -> None:
    found = describe(np.arange(1_000_000, dtype=np.float32))
    assert (found["min"], found["max"]) == (0, 999_999)
    assert found["mean"] == pytest.approx(499_999.5, rel=1e-5)
    assert 0 < sum(found["bins"]) <= 1 << 16
    assert max(found["bins"]) - min(found["bins"]) <= 2


def test_what_is_no_number() -> None:
    assert describe(DEAD) == {"kind": "dead"}
    assert describe(None) == {"kind": "empty"}
    assert describe(VariableResource("v")) == {"kind": "empty"}
    assert describe(np.array([b"a", b"b" * 100], object))["some"] == ["a", "b" * 77 + "..."]
    assert describe(object)["kind"] == "text"
    assert describe(np.zeros((0, 3), np.float32)) == {
        "kind": "number",
        "dtype": "float32",
        "shape": [0, 3],
        "bytes": 0,
        "some": [],
    }


def test_a_variable_is_described_by_its_value() -> None:
    variable = VariableResource("v")
    variable.assign(np.array([1.0, 3.0], np.float32))
    assert describe(variable)["mean"] == 2


def test_a_digit_is_a_grey_image() -> None:
    digits = np.zeros((2, 784), np.float32)
    digits[0, 28 * 3 + 5] = 1.0
    found = describe(digits)
    assert found["picture"]["what"] == "2 of 2 images"
    assert not found["picture"]["signed"]
    image = pixels(found)
    assert image.shape == (28, 57, 4)
    assert image[3, 5].tolist() == [255, 255, 255, 255]
    assert image[4, 5].tolist() == [0, 0, 0, 255]
    assert image[0, 28, 3] == 0  # the gap between them


def test_signed_values_are_blue_white_and_red() -> None:
    matrix = np.zeros((4, 4), np.float32)
    matrix[0, 0], matrix[1, 1] = -2.0, 1.0
    found = describe(matrix)
    assert (found["picture"]["low"], found["picture"]["high"]) == (-2, 2)
    image = pixels(found).astype(int)
    assert image[0, 0, 2] > image[0, 0, 0] + 100
    assert image[1, 1, 0] > image[1, 1, 2] + 50
    assert image[2, 2, :3].tolist() == [247, 247, 247]


@pytest.mark.parametrize(
    ("shape", "what", "size"),
    [
        ((5, 5, 1, 32), "32 filters of 5x5", (35, 35)),
        ((3, 3, 64, 128), "36 of 128 filters of 3x3, first input channel", (23, 23)),
        ((50, 14, 14, 64), "36 of 64 channels of the first image", (89, 89)),
        ((9, 28, 28, 1), "9 of 9 images", (86, 86)),
        ((1000, 28, 28, 1), "25 of 1000 images", (144, 144)),
        ((32, 20, 3), "3 of 3 channels of the first image", (65, 41)),
        ((784, 10), "the weights of 10 outputs, as images", (86, 115)),
        ((40, 30), "the matrix", (40, 30)),
        ((3136, 1024), "the matrix, every 20th row and 7th column", (157, 147)),
    ],
)
def test_pictures(shape: tuple[int, ...], what: str, size: tuple[int, int]) -> None:
    array = np.random.RandomState(0).normal(size=shape).astype(np.float32)
    found = describe(array)
    assert found["picture"]["what"] == what
    assert (found["picture"]["height"], found["picture"]["width"]) == size


def test_colour_images_stay_coloured() -> None:
    images = np.zeros((1, 16, 16, 3), np.uint8)
    images[0, :, :, 1] = 200
    image = pixels(describe(images))
    assert image[0, 0].tolist() == [0, 255, 0, 255]


def test_vectors_and_scalars_have_no_picture() -> None:
    assert "picture" not in describe(np.ones(1000))
    assert "picture" not in describe(np.float32(3))
    assert "picture" not in describe(np.ones((1, 100)))
