"""Padding and output sizes, against counting where a window fits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minitf.kernels.padding import effective_size, output_size, resolve_padding, spatial_sizes

sizes = st.integers(1, 12)
small = st.integers(1, 4)


def positions(in_size: int, filter_size: int, stride: int, dilation: int, pads: tuple[int, int]):
    """Where the window can stand, found by trying."""
    cells = range(-pads[0], in_size + pads[1])
    return [
        start
        for start in cells[::stride]
        if all(start + r * dilation in cells for r in range(filter_size))
    ]


@given(sizes, small, small, small, st.integers(0, 3), st.integers(0, 3))
def test_explicit_sizes_count_positions(in_size, filter_size, stride, dilation, before, after):
    expected = len(positions(in_size, filter_size, stride, dilation, (before, after)))
    if expected == 0:
        with pytest.raises(ValueError, match="larger than the dimension"):
            output_size((before, after), in_size, filter_size, stride, dilation)
    else:
        assert output_size((before, after), in_size, filter_size, stride, dilation) == expected


@given(sizes, small, small, small)
def test_same_is_the_least_padding_that_gives_its_size(in_size, filter_size, stride, dilation):
    before, after = resolve_padding("SAME", in_size, filter_size, stride, dilation)
    size = output_size("SAME", in_size, filter_size, stride, dilation)
    assert size == -(-in_size // stride)
    assert len(positions(in_size, filter_size, stride, dilation, (before, after))) == size
    assert after - before in (0, 1)
    if after:
        less = len(positions(in_size, filter_size, stride, dilation, (before, after - 1)))
        assert less < size


@given(sizes, small, small, small)
def test_valid_is_no_padding(in_size, filter_size, stride, dilation):
    assert resolve_padding("VALID", in_size, filter_size, stride, dilation) == (0, 0)
    if effective_size(filter_size, dilation) <= in_size:
        size = output_size("VALID", in_size, filter_size, stride, dilation)
        assert size == output_size((0, 0), in_size, filter_size, stride, dilation)


@pytest.mark.parametrize("padding", ["SAME", "VALID", (1, 2)])
def test_an_unknown_size_stays_unknown(padding):
    assert output_size(padding, None, 3, 2) is None
    assert output_size(padding, 7, None, 2) == (4 if padding == "SAME" else None)


def test_an_empty_dimension_stays_empty():
    pads = (resolve_padding("SAME", 0, 5, 1), resolve_padding("SAME", 4, 5, 1))
    assert spatial_sizes((0, 4), (5, 5), (1, 1), pads, (1, 1)) == [0, 4]


@pytest.mark.parametrize("padding", ["same", "EXPLICIT"])
def test_other_names_are_refused(padding):
    with pytest.raises(ValueError, match="SAME, VALID or a pair"):
        resolve_padding(padding, 4, 2, 1)
    with pytest.raises(ValueError, match="SAME, VALID or a pair"):
        output_size(padding, 4, 2, 1)


@pytest.mark.parametrize(
    ("filter_size", "stride", "dilation", "pads"),
    [(0, 1, 1, (0, 0)), (2, 0, 1, (0, 0)), (2, 1, 0, (0, 0)), (2, 1, 1, (-1, 3))],
)
def test_sizes_that_make_no_window_are_refused(filter_size, stride, dilation, pads):
    with pytest.raises(ValueError, match="must be positive"):
        spatial_sizes([4], [filter_size], [stride], [pads], [dilation])
