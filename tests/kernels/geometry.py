"""Random shapes, strides, dilations and paddings, for the tests of convolution and pooling."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from minitf.kernels.padding import effective_size, resolve_padding, spatial_sizes

Array = np.ndarray
Pair = tuple[int, int]


class Geometry(NamedTuple):
    """A window on images, with what else is random: how many images and channels."""

    batch: int
    size: Pair
    channels: int
    window: Pair
    strides: Pair
    dilations: Pair
    padding: tuple[Pair, Pair]
    out_channels: int
    seed: int

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return self.batch, *self.size, self.channels

    @property
    def out_size(self) -> list[int]:
        return spatial_sizes(self.size, self.window, self.strides, self.padding, self.dilations)

    def integers(self, shape: tuple[int, ...], dtype: str, offset: int = 0) -> Array:
        """Small integers: sums of their products are exact in any order, so results are equal."""
        rng = np.random.RandomState(self.seed + offset)
        return rng.randint(-3, 4, shape).astype(dtype)


@st.composite
def geometries(draw: Callable[..., Any], most: int = 8, dilated: bool = True) -> Geometry:
    """Geometries whose window fits at least once, with images up to `most` x `most`."""

    def pair(low: int, high: int) -> Pair:
        return draw(st.integers(low, high)), draw(st.integers(low, high))

    size, window, strides = pair(1, most), pair(1, 4), pair(1, 3)
    dilations = pair(1, 3) if dilated else (1, 1)
    padding = []
    for in_size, filter_size, dilation in zip(size, window, dilations):
        before, after = pair(0, 3)
        missing = effective_size(filter_size, dilation) - in_size - before - after
        padding.append((before, after + max(missing, 0)))
    return Geometry(
        batch=draw(st.sampled_from([1, 2, 3, 1, 2, 3, 0])),
        size=size,
        channels=draw(st.sampled_from([1, 4, 2, 5, 3, 6])),
        window=window,
        strides=strides,
        dilations=dilations,
        padding=(padding[0], padding[1]),
        out_channels=draw(st.sampled_from([1, 2, 3, 4, 1, 2, 3, 4, 0])),
        seed=draw(st.integers(0, 1000)),
    )


class Golden(NamedTuple):
    """What TensorFlow gave for one geometry; see tests/parity/kernel_cases.py."""

    family: str
    window: Pair
    strides: Pair
    dilations: Pair
    padding: tuple[Pair, Pair]
    arrays: dict[str, Array]


def golden(*families: str) -> Iterator[Golden]:
    with np.load(Path(__file__).parents[1] / "golden" / "kernels.npz") as file:
        for index, case in enumerate(json.loads(str(file["cases"]))):
            if case["family"] not in families:
                continue
            window = tuple(case.get("ksize") or case["filter"][:2])
            strides = tuple(case.get("strides", (1, 1)))
            dilations = tuple(case.get("dilations", (1, 1)))
            padding = [
                resolve_padding(
                    case["padding"] if isinstance(case["padding"], str) else case["padding"][i],
                    case["shape"][1 + i],
                    window[i],
                    strides[i],
                    dilations[i],
                )
                for i in range(2)
            ]
            prefix = f"{index}/"
            arrays = {
                name.removeprefix(prefix): file[name]
                for name in file.files
                if name.startswith(prefix)
            }
            yield Golden(case["family"], window, strides, dilations, tuple(padding), arrays)


def assert_close(actual: Array, expected: Array, sums: int = 1) -> None:
    """Equal but for the rounding of sums of that many terms; NaN and infinities in one place."""
    assert actual.shape == expected.shape
    assert actual.dtype == expected.dtype
    finite = expected[np.isfinite(expected)].astype(np.float64)
    largest = np.abs(finite).max(initial=1)
    np.testing.assert_allclose(
        actual, expected, rtol=0, atol=sums * float(np.finfo(expected.dtype).eps) * largest
    )
