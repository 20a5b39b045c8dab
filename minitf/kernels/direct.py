"""With this module one can convolve without copying windows: as a matrix product on the image.

im2col lays the windows of an image side by side, and so copies each number as often as there are
cells in the window. But they lie well already. In an image with zeros around it, of C channels and
with Wp columns,

    address of (y, x, c)  =  (y * Wp + x) * C + c

the S * C numbers under one row of a window follow each other, the next row of the window begins
Wp * C further on, and the window of the next pixel begins C further on, within this one:

    row y      | x=0     | x=1     | x=2     | x=3     | ...        each cell: C channels
    window 0    [-------------------------]                         S = 3 columns
    window 1              [-------------------------]
    row y+1    | ...
    window 0    [-------------------------]                         Wp * C further on

So one row of pixels is a matrix product, pixels by output channels, whose left matrix has rows
that overlap: they are C numbers apart and S * C long. `microkernel` does not mind. With stride and
dilation only the distances change. What is copied is the image, once, to put the zeros around it,
a part of its rows at a time so that it stays in the cache.

    forward             pixels x K       sum over (r, s, c)
    gradient of W       (s, c) x K       sum over pixels; the left matrix read along its columns
    gradient of X       pixels x C       a convolution of the output's gradient with the filter
                                         turned by half a turn; with stride, one for each of the
                                         stride x stride places that a pixel can have (`_phases`)
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minitf.kernels import microkernel, pool2x2
from minitf.kernels.direct_blocks import (
    Reach,
    add_up,
    filter_gradient_slices,
    filter_gradient_slices_through,
    forward_blocks,
    forward_images,
    pack,
)
from minitf.kernels.jit import Kernel, readonly
from minitf.kernels.packing import packer
from minitf.kernels.padding import Pair, effective_size, spatial_sizes
from minitf.kernels.parallel import parallel_ranges, share
from minitf.kernels.reference import NONE, ONE, Pads
from minitf.kernels.simd import machine
from minitf.kernels.sums import row_sums
from minitf.kernels.workspace import address, workspace
from minitf.kernels.workspace import output as buffer

Array = npt.NDArray[Any]

# Multiply-adds in a block: some 100 microseconds of them.
_BLOCK = 1 << 22

# Numbers of the padded image that a block copies: a part of the second-level cache.
_PADDED = 1 << 16

# Numbers that are packed in the time of a multiplication and addition.
_PACKED_AT_ONCE = 4

# The gradient of the filter is added up in so many places, which are added up in the end; in
# fewer where each would add up fewer pixels than this.
_SLICES, _FEW_PIXELS = 8, 256


class _Block(NamedTuple):
    """Some images, and the rows of their outputs that are computed together."""

    first_image: int
    last_image: int
    first_row: int
    last_row: int


class _Windows(NamedTuple):
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

    def blocks(self, batch: int, work: int) -> list[_Block]:
        """Cuts the outputs into blocks; `work` is the multiply-adds for one row of them."""
        rows = self.outputs[0]
        at_once = rows
        while at_once > 1 and (
            self.covered(0, at_once) * self.pitch * self.channels > _PADDED
            or (at_once * work > _BLOCK and batch * rows < 16 * at_once)
        ):
            at_once = -(-at_once // 2)
        if at_once < rows:
            bands = range(0, rows, at_once)
            return [
                _Block(n, n + 1, first, min(first + at_once, rows))
                for n in range(batch)
                for first in bands
            ]
        images = max(_BLOCK // max(rows * work, 1), 1)
        return [_Block(n, min(n + images, batch), 0, rows) for n in range(0, batch, images)]

    @property
    def reach(self) -> Reach:
        """What kernels need to know of this."""
        return self.outputs, self.strides, self.dilations, self.origin, self.pitch

    def padded(self, blocks: Sequence[_Block]) -> tuple[int, int, int]:
        """The shape of the padded rows that a block needs."""
        most = max((block.last_row - block.first_row for block in blocks), default=0)
        return (0 if self.inside else self.covered(0, most), self.pitch, self.channels)


def conv2d(
    input: Array,
    filter: Array,
    *,
    strides: Pair = ONE,
    padding: Pads = NONE,
    dilations: Pair = ONE,
    out: Array | None = None,
) -> Array:
    """See `minitf.kernels.conv.conv2d`; for float32 and float64."""
    sizes = spatial_sizes(input.shape[1:3], filter.shape[:2], strides, padding, dilations)
    output = buffer(out, (len(input), *sizes, filter.shape[3]), input.dtype)
    if output.size == 0 or filter.size == 0:
        output[...] = 0
        return output
    windows, panels = _plan(input, filter, strides, padding, dilations)
    _correlate(readonly(input), panels, output, windows, (0, 0), (1, 1))
    return output


class Prepared(NamedTuple):
    """A convolution that can be computed a few images at a time, by any thread.

    Attributes:
      shape: of the output.
      at_once: images that make a block of work.
      convolve: a kernel: `convolve(arguments, first, last, layer)` puts the outputs for some images
        at the beginning of an array of images.
      arguments: gives a thread those arguments; for use until the next convolution is begun.
    """

    shape: tuple[int, ...]
    at_once: int
    convolve: Kernel[Any, None]
    arguments: Callable[[], tuple[Any, ...]]


def prepare(
    input: Array, filter: Array, *, strides: Pair, padding: Pads, dilations: Pair
) -> Prepared:
    """A convolution to be computed in pieces, before the next one is begun in this thread."""
    sizes = spatial_sizes(input.shape[1:3], filter.shape[:2], strides, padding, dilations)
    shape = (len(input), *sizes, filter.shape[3])
    windows, panels = _plan(input, filter, strides, padding, dilations)
    source, dtype = readonly(input), input.dtype
    product, distances = _products(panels, dtype, shape[3], windows, (1, 1))
    padded = windows.padded([_Block(0, 1, 0, windows.outputs[0])])

    def arguments() -> tuple[Any, ...]:
        room = workspace("padded", padded, dtype)
        return product, source, panels, room, distances, windows.reach

    work = math.prod(shape[1:]) * math.prod(filter.shape[:3])
    return Prepared(shape, max(_BLOCK // max(work, 1), 1), forward_images, arguments)


def _plan(
    input: Array, filter: Array, strides: Pair, padding: Pads, dilations: Pair
) -> tuple[_Windows, Array]:
    """Where the windows lie, and the packed filter."""
    rows, columns = filter.shape[:2]
    sizes = spatial_sizes(input.shape[1:3], (rows, columns), strides, padding, dilations)
    windows = _Windows(
        size=(input.shape[1], input.shape[2]),
        channels=input.shape[3],
        outputs=(sizes[0], sizes[1]),
        window=(rows, columns),
        strides=strides,
        dilations=dilations,
        origin=(padding[0][0], padding[1][0]),
    )
    return windows, packed(readonly(filter), (0, 1, rows), (0, 1, columns), turned=False)


def conv2d_backprop_filter(
    input: Array,
    filter_shape: Sequence[int],
    out_backprop: Array,
    *,
    strides: Pair = ONE,
    padding: Pads = NONE,
    dilations: Pair = ONE,
    out: Array | None = None,
) -> Array:
    """See `minitf.kernels.conv.conv2d_backprop_filter`; for float32 and float64."""
    grad = readonly(out_backprop)
    plan = _plan_filter(input, filter_shape, grad.shape, strides, padding, dilations, out)
    if plan is None:
        return _zeros(out, filter_shape, input.dtype)
    source = readonly(input)

    def run(counter: int) -> None:
        filter_gradient_slices(counter, plan.blocks, plan.product, source, grad, *plan.rest())

    share(len(plan.sums), run)
    return plan.finish()


def conv2d_backprop_filter_through_pool(
    input: Array,
    filter_shape: Sequence[int],
    grad: Array,
    which: Array,
    bias_sums: Array,
    out_size: Pair,
    *,
    strides: Pair,
    padding: Pads,
    dilations: Pair,
    out: Array | None = None,
) -> Array:
    """See `fused.conv2d_backprop_filter_through_pool`; sets the `sums.row_sums` of the bias."""
    source, passed, where = readonly(input), readonly(grad), readonly(which)
    shape = (len(input), *out_size, filter_shape[3])
    plan = _plan_filter(input, filter_shape, shape, strides, padding, dilations, out)
    if plan is None:
        bias_sums[...] = 0
        return _zeros(out, filter_shape, input.dtype)
    at_once = max(int(last - first) for first, last, _, _ in plan.blocks)
    kernel = _through(grad.dtype)

    def run(counter: int) -> None:
        layer = workspace("layer", (at_once, *shape[1:]), grad.dtype)
        layer_sums = row_sums("layer's bias", layer.shape, grad.dtype)
        through = passed, where, layer, layer_sums, bias_sums
        kernel(counter, plan.blocks, plan.product, source, through, *plan.rest())

    share(len(plan.sums), run)
    return plan.finish()


@functools.cache
def _through(dtype: np.dtype[Any]) -> Kernel[Any, None]:
    name = f"_{dtype.name}_{machine().lanes(dtype)}"
    return filter_gradient_slices_through.specialize(name, unpool=pool2x2.unpool_kernel(dtype))


def _zeros(out: Array | None, shape: Sequence[int], dtype: Any) -> Array:
    """The array that a caller wants a result in which is zero."""
    result = buffer(out, tuple(shape), dtype)
    result[...] = 0
    return result


class _FilterPlan(NamedTuple):
    """How the gradient of a filter is added up.

    Attributes:
      blocks: a row of four numbers for each block of outputs; see `_Block`.
      product: the address of the matrix product.
      sums: a row for each slice; the slices are added up in the end.
      rest: gives a thread what else the kernel takes, from the sums on.
      gradient: where the result goes.
    """

    blocks: Array
    product: int
    sums: Array
    rest: Callable[[], tuple[Any, ...]]
    gradient: Array

    def finish(self) -> Array:
        """Adds up the slices."""
        sums, total = self.sums, self.gradient.reshape(-1)
        parallel_ranges(
            total.size, lambda start, stop: add_up(sums, total, start, stop), work=len(sums)
        )
        return self.gradient


def _plan_filter(
    input: Array,
    filter_shape: Sequence[int],
    grad_shape: Sequence[int],
    strides: Pair,
    padding: Pads,
    dilations: Pair,
    out: Array | None,
) -> _FilterPlan | None:
    """How to add up the gradient of a filter; None if there is nothing to add."""
    batch, height, width, out_channels = grad_shape
    rows, columns, channels, _ = filter_shape
    if math.prod(grad_shape) == 0 or math.prod(filter_shape) == 0:
        return None
    gradient, dtype = buffer(out, tuple(filter_shape), input.dtype), input.dtype
    windows = _Windows(
        size=(input.shape[1], input.shape[2]),
        channels=channels,
        outputs=(height, width),
        window=(rows, columns),
        strides=strides,
        dilations=dilations,
        origin=(padding[0][0], padding[1][0]),
    )
    blocks = windows.blocks(batch, width * rows * columns * channels * out_channels)
    slices = min(len(blocks), max(1, min(_SLICES, batch * height * width // _FEW_PIXELS)))
    sums = workspace("sums", (slices, gradient.size), dtype)
    pitch, merged = windows.pitch, dilations[1] == 1
    product = microkernel.product(dtype, out_channels)
    # One row of the window at a time, or one cell of it if they do not lie together.
    distances = microkernel.strides(
        1,
        out_channels,
        (width, strides[1] * channels, out_channels),
        (0, strides[0] * pitch * channels, width * out_channels),
    )
    cells = (rows, 1 if merged else columns, (columns if merged else 1) * channels)
    slack = 0 if out_channels % product.width == 0 else product.width
    tail = _most_rows(blocks) * width * out_channels + slack

    def rest() -> tuple[Any, ...]:
        room = workspace("padded", windows.padded(blocks), dtype)
        return (
            sums, room, workspace("tail", (tail,), dtype), distances.copy(), product.width, slack,
            windows.reach, cells,
        )  # fmt: skip

    return _FilterPlan(np.array(blocks, np.int64), product.address(), sums, rest, gradient)


def conv2d_backprop_input(
    input_shape: Sequence[int],
    filter: Array,
    out_backprop: Array,
    *,
    strides: Pair = ONE,
    padding: Pads = NONE,
    dilations: Pair = ONE,
    out: Array | None = None,
) -> Array:
    """See `minitf.kernels.conv.conv2d_backprop_input`; for float32 and float64."""
    _, height, width, out_channels = out_backprop.shape
    gradient = buffer(out, tuple(input_shape), out_backprop.dtype)
    if gradient.size == 0 or out_backprop.size == 0:
        gradient[...] = 0
        return gradient
    grad, weights = readonly(out_backprop), readonly(filter)
    vertical, horizontal = (
        list(_phases(input_shape[1 + i], filter.shape[i], strides[i], dilations[i], padding[i][0]))
        for i in range(2)
    )
    for down in vertical:
        for right in horizontal:
            if down.taps[2] == 0 or right.taps[2] == 0:
                gradient[:, down.first :: strides[0], right.first :: strides[1]] = 0
                continue
            windows = _Windows(
                size=(height, width),
                channels=out_channels,
                outputs=(down.outputs, right.outputs),
                window=(down.taps[2], right.taps[2]),
                strides=ONE,
                dilations=(down.dilation, right.dilation),
                origin=(down.origin, right.origin),
            )
            panels = packed(weights, down.taps, right.taps, turned=True)
            _correlate(grad, panels, gradient, windows, (down.first, right.first), strides)
    return gradient


class _Phase(NamedTuple):
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


def _phases(size: int, window: int, stride: int, dilation: int, before: int) -> Iterator[_Phase]:
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
        yield _Phase(
            first=first,
            outputs=-(-(size - first) // stride),
            taps=(last, -step, len(taps)),
            dilation=spread,
            origin=-((shift - last * dilation) // stride),
        )


# What the public functions share


def _most_rows(blocks: Sequence[_Block]) -> int:
    return max(block.last_row - block.first_row for block in blocks)


def packed(
    filter: Array, down: tuple[int, int, int], right: tuple[int, int, int], *, turned: bool
) -> Array:
    """The filter as the right matrix of a product: panels of its columns.

    Args:
      filter: of shape (window height, window width, channels, output channels).
      down: the rows of the window that are taken: first, step, how many.
      right: the same for its columns.
      turned: whether input and output channels change places.

    Returns:
      An array of shape (panels, rows, columns, channels, width of a panel).
    """
    inner, outer = filter.shape[2:] if not turned else filter.shape[:1:-1]
    width = microkernel.product(filter.dtype, outer).width
    shape = (-(-outer // width), down[2], right[2], inner, width)
    panels = workspace("panels", shape, filter.dtype)
    total, size = shape[0] * down[2], filter.itemsize
    row, cell, matrix, number = filter.strides
    steps = row, cell, matrix, matrix if turned else number
    code, source, target = packer(filter.dtype, transposed=turned), address(filter), address(panels)

    def some(start: int, stop: int) -> None:
        pack(code, source, steps, target, shape, down, right, outer, size, start, stop)

    parallel_ranges(total, some, work=right[2] * inner * width // _PACKED_AT_ONCE)
    return panels


def _correlate(
    images: Array, panels: Array, output: Array, windows: _Windows, first: Pair, steps: Pair
) -> None:
    """Convolves images with a packed filter; results go `steps` apart into the output."""
    work = windows.outputs[1] * math.prod(panels.shape[1:4]) * output.shape[3]
    blocks = windows.blocks(len(images), work)
    product, distances = _products(panels, images.dtype, output.shape[3], windows, steps)
    rows, room = np.array(blocks, np.int64), windows.padded(blocks)

    def run(counter: int) -> None:
        padded = workspace("padded", room, images.dtype)
        forward_blocks(
            counter, rows, product, images, panels, output, padded, distances, windows.reach,
            first, steps,
        )  # fmt: skip

    share(len(blocks), run)


def _products(
    panels: Array, dtype: Any, out_channels: int, windows: _Windows, steps: Pair
) -> tuple[int, Array]:
    """The address of the matrix product of a row of outputs, and its strides."""
    _, rows, columns, inner, width = panels.shape
    loops = (
        [(columns * inner, 1, width)]
        if windows.dilations[1] == 1
        else [(inner, 1, width), (columns, windows.dilations[1] * inner, inner * width)]
    )
    distances = microkernel.strides(
        windows.strides[1] * inner,
        steps[1] * out_channels,
        *loops,
        (rows, windows.dilations[0] * windows.pitch * inner, columns * inner * width),
    )
    return microkernel.product(dtype, out_channels).address(), distances
