"""With this module one can say where windows lie on images, for convolutions without copies.

>>> from minitf.kernels.sliding import Windows
>>> windows = Windows((14, 14), 32, (14, 14), (5, 5), (1, 1), (1, 1), (2, 2))
>>> windows.inside, windows.pitch
(False, 18)
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy.typing as npt

from minitf.kernels.padding import Pair, effective_size
from minitf.kernels.workspace import address

Array = npt.NDArray[Any]

# Multiply-adds in a block: some 100 microseconds of them.
BLOCK = 1 << 22

# Numbers of the padded image that a block copies: a part of the second-level cache.
_PADDED = 1 << 16


class Block(NamedTuple):
    """Some images, and the rows of their outputs that are computed together."""

    first_image: int
    last_image: int
    first_row: int
    last_row: int


class Windows(NamedTuple):
    """Where windows lie on images: window (i, j) begins at i * stride - origin.

    Attributes:
      size: rows and columns of the images.
      outputs: rows and columns of windows.
    """

    size: Pair
    channels: int
    outputs: Pair
    window: Pair
    strides: Pair
    dilations: Pair
    origin: Pair

    @property
    def inside(self) -> bool:
        """Whether no window reaches out of the image, which then needs no zeros around it."""
        last = (self.covered(i, self.outputs[i]) - self.origin[i] for i in range(2))
        return self.origin == (0, 0) and all(end <= size for end, size in zip(last, self.size))

    def covered(self, dimension: int, outputs: int) -> int:
        """How many cells so many windows of a dimension span."""
        span = effective_size(self.window[dimension], self.dilations[dimension])
        return (outputs - 1) * self.strides[dimension] + span

    @property
    def pitch(self) -> int:
        """Columns in a row of the image, with the zeros around it if it needs any."""
        return self.size[1] if self.inside else self.covered(1, self.outputs[1])

    def blocks(self, batch: int, work: int) -> list[Block]:
        """Cuts the outputs into blocks; `work` is the multiply-adds for one row of them."""
        rows = self.outputs[0]
        at_once = rows
        while at_once > 1 and (
            self.covered(0, at_once) * self.pitch * self.channels > _PADDED
            or (at_once * work > BLOCK and batch * rows < 16 * at_once)
        ):
            at_once = -(-at_once // 2)
        if at_once < rows:
            bands = range(0, rows, at_once)
            return [
                Block(n, n + 1, first, min(first + at_once, rows))
                for n in range(batch)
                for first in bands
            ]
        images = max(BLOCK // max(rows * work, 1), 1)
        return [Block(n, min(n + images, batch), 0, rows) for n in range(0, batch, images)]

    def padded_numbers(self, blocks: Sequence[Block]) -> int:
        """How many numbers the rows have that a block needs, with zeros around; 0 without."""
        most = max((block.last_row - block.first_row for block in blocks), default=0)
        return 0 if self.inside else self.covered(0, most) * self.pitch * self.channels

    def given(
        self, product: int, distances: Array, table: Array, size: int, blocks: Sequence[Block]
    ) -> dict[str, int]:
        """The fields that all stages need; see `direct_blocks`."""
        return {
            "height": self.size[0],
            "width": self.size[1],
            "inner": self.channels,
            "columns": self.outputs[1],
            "strides_down": self.strides[0],
            "dilation_down": self.dilations[0],
            "dilation_right": self.dilations[1],
            "above": self.origin[0],
            "left_of": self.origin[1],
            "pitch": self.pitch,
            "padded": 0 if self.inside else 1,
            "product": product,
            "distances": address(distances),
            "size": size,
            "blocks": address(table),
            "count": len(blocks),
        }


class Phase(NamedTuple):
    """The pixels of the input, `stride` apart, that see the same cells of a window.

    Attributes:
      first: of these pixels.
      outputs: how many they are.
      taps: the cells of the window: the last, the (negative) step to the one before, how many.
      dilation: how far apart the numbers are that they meet in the gradient of the output.
      origin: the first pixel's first number is there, with the opposite sign.
    """

    first: int
    outputs: int
    taps: tuple[int, int, int]
    dilation: int
    origin: int


def phases(size: int, window: int, stride: int, dilation: int, before: int) -> Iterator[Phase]:
    """Sorts a dimension's pixels by what they have to do with the windows that stride over them.

    Window i puts its cell r on pixel y = i * stride + r * dilation - before. Seen from the pixel:
    it meets cell r if y + before - r * dilation is a multiple of the stride; that is so for every
    (stride / gcd)-th r, beginning somewhere that depends on y mod stride only; and from one such
    r to the next, i falls by dilation / gcd. In the order of falling r, i grows as in a
    convolution.

        stride 2, window 3:    even pixels    r = 2, 0     i = y/2 - 1, y/2
                               odd pixels     r = 1        i = (y - 1) / 2
    """
    common = math.gcd(stride, dilation)
    step, spread = stride // common, dilation // common
    for first in range(min(stride, size)):
        shift = first + before
        taps = [r for r in range(window) if (shift - r * dilation) % stride == 0]
        last = taps[-1] if taps else 0
        yield Phase(
            first=first,
            outputs=-(-(size - first) // stride),
            taps=(last, -step, len(taps)),
            dilation=spread,
            origin=-((shift - last * dilation) // stride),
        )
