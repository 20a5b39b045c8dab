"""With this module one can tell what padding SAME, VALID and EXPLICIT mean, and what size results.

Convolution and pooling slide a window of `filter_size` cells, `dilation` cells apart, along each
spatial dimension, `stride` cells at a time. The window spans

    effective = (filter_size - 1) * dilation + 1

cells, and stands at every position of the padded input where it fits:

    output_size = floor((before + in_size + after - effective) / stride) + 1

VALID pads nothing. SAME pads just enough zeros that output_size = ceil(in_size / stride), the odd
one after. EXPLICIT is a pair (before, after).

>>> from minitf.kernels.padding import output_size, resolve_padding
>>> resolve_padding("SAME", in_size=28, filter_size=5, stride=1), output_size("SAME", 28, 5, 1)
((2, 2), 28)
>>> resolve_padding("SAME", in_size=14, filter_size=2, stride=3), output_size("SAME", 14, 2, 3)
((0, 0), 5)
>>> output_size("VALID", 28, 5, 1), output_size((1, 2), 28, 5, 2), output_size("SAME", None, 5, 1)
(24, 14, None)
"""

from __future__ import annotations

from collections.abc import Sequence

Padding = str | tuple[int, int]
Pair = tuple[int, int]


def effective_size(filter_size: int, dilation: int = 1) -> int:
    """How many cells a window spans whose `filter_size` cells are `dilation` apart."""
    return (filter_size - 1) * dilation + 1


def resolve_padding(
    padding: Padding, in_size: int, filter_size: int, stride: int, dilation: int = 1
) -> Pair:
    """How many cells to add before and after one spatial dimension.

    Args:
      padding: "SAME", "VALID", or the answer itself as a pair.
      in_size: the size of the dimension; it matters for SAME only.
      filter_size: the size of the filter or pooling window.
      stride: how far the window moves.
      dilation: how far apart the window's cells are.

    Raises:
      ValueError: if `padding` is none of these.
    """
    if padding == "VALID":
        return 0, 0
    if padding == "SAME":
        last = (-(-in_size // stride) - 1) * stride
        total = max(last + effective_size(filter_size, dilation) - in_size, 0)
        return total // 2, total - total // 2
    before, after = _explicit(padding)
    return before, after


def output_size(
    padding: Padding,
    in_size: int | None,
    filter_size: int | None,
    stride: int,
    dilation: int = 1,
) -> int | None:
    """How many positions the window takes along one dimension; None where that is not known.

    Raises:
      ValueError: if `padding` is none of SAME, VALID and a pair, or if the window is larger than
        the padded dimension.
    """
    if padding == "SAME":
        return None if in_size is None else -(-in_size // stride)
    before, after = (0, 0) if padding == "VALID" else _explicit(padding)
    if in_size is None or filter_size is None:
        return None
    room = before + in_size + after - effective_size(filter_size, dilation)
    if room < 0:
        raise ValueError(
            f"a window of {filter_size} cells, {dilation} apart, is larger than the dimension of "
            f"size {in_size} padded by ({before}, {after})"
        )
    return room // stride + 1


def spatial_sizes(
    in_sizes: Sequence[int],
    filter_sizes: Sequence[int],
    strides: Sequence[int],
    padding: Sequence[Pair],
    dilations: Sequence[int],
) -> list[int]:
    """The output sizes of all spatial dimensions of a convolution or pooling.

    An empty dimension stays empty where its padding alone does not hold a window.

    Raises:
      ValueError: if the window is larger than a padded dimension, or a size is not positive.
    """
    sizes = []
    for sizes_of_one in zip(padding, in_sizes, filter_sizes, strides, dilations):
        pads, in_size, filter_size, stride, dilation = sizes_of_one
        if min(filter_size, stride, dilation) < 1 or min(pads) < 0:
            raise ValueError(
                "filter size, stride and dilation must be positive and padding not negative, got "
                f"{filter_size}, {stride}, {dilation} and {pads}"
            )
        empty = in_size == 0 and sum(pads) < effective_size(filter_size, dilation)
        size = 0 if empty else output_size(pads, in_size, filter_size, stride, dilation)
        assert size is not None
        sizes.append(size)
    return sizes


def _explicit(padding: Padding) -> Pair:
    if isinstance(padding, str):
        raise ValueError(f"padding must be SAME, VALID or a pair of sizes, got {padding!r}")
    before, after = padding
    return before, after
