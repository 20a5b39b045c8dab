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
                                         stride x stride places that a pixel can have (see
                                         `sliding.phases`)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minitf.kernels import microkernel, pool2x2
from minitf.kernels.direct_blocks import (
    FILTER_GRADIENT,
    FORWARD,
    OUTPUT,
    PACK,
    SUMS,
    filter_gradient_slices,
    filter_gradient_slices_through,
    forward_blocks,
    forward_images,
    pack,
)
from minitf.kernels.jit import NativeKernel
from minitf.kernels.packing import packer
from minitf.kernels.padding import Pair, spatial_sizes
from minitf.kernels.parallel import LEAST_IN_STAGE, block_size
from minitf.kernels.records import record
from minitf.kernels.reference import NONE, ONE, Pads
from minitf.kernels.sliding import BLOCK, Block, Phase, Windows, phases
from minitf.kernels.stages import Stage, Stages, planned
from minitf.kernels.sums import adding_up, row_sums_shape
from minitf.kernels.workspace import address, contiguous, laid_out, scratch
from minitf.kernels.workspace import output as buffer

Array = npt.NDArray[Any]

# Numbers that are packed in the time of a multiplication and addition.
_PACKED_AT_ONCE = 4

# The gradient of the filter is added up in so many places, which are added up in the end; in
# fewer where each would add up fewer pixels than this.
_SLICES, _FEW_PIXELS = 8, 256


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
    plan = _plan(
        input.shape, filter.shape, input.dtype, strides, padding, dilations
    )  # fmt: skip
    _run(plan, input, filter, output)
    return output


class Prepared(NamedTuple):
    """A convolution that can be computed a few images at a time, by any thread; see `fused`.

    Attributes:
      shape: of the output.
      at_once: images that make a block of work.
      convolve: `convolve(given, places, room, first, last, layer)` puts the outputs for
        some images at the address `layer`. The rest is as for a stage.
      before: the stages that come before that.
      given: its record.
      room: the bytes of its room.
      scratch: gives the places that come after input, filter and output.
      keep: what `given` has the addresses of.
    """

    shape: tuple[int, ...]
    at_once: int
    convolve: NativeKernel[Any, None]
    before: tuple[Stage, ...]
    given: Array
    room: int
    scratch: Callable[[], tuple[Array | int, ...]]
    keep: tuple[Array, ...]


def prepare(
    input_shape: tuple[int, ...],
    filter_shape: tuple[int, ...],
    dtype: np.dtype[Any],
    *,
    strides: Pair,
    padding: Pads,
    dilations: Pair,
) -> Prepared:
    """A convolution of arrays of these shapes, to be computed in pieces."""
    plan = _plan(input_shape, filter_shape, dtype, strides, padding, dilations)
    shape = (input_shape[0], *plan.windows.outputs, filter_shape[3])
    work = math.prod(shape[1:]) * math.prod(filter_shape[:3])
    at_once = max(BLOCK // max(work, 1), 1)
    return Prepared(
        shape, at_once, forward_images, plan.before, plan.given, plan.whole_room, plan.scratch,
        plan.keep,
    )  # fmt: skip


class _Plan(NamedTuple):
    """What the shapes of a convolution decide.

    Attributes:
      windows: where they lie.
      before: the stage that packs the filter.
      given: a `FORWARD`.
      keep: what it has the addresses of.
      stages: all.
      whole_room: bytes for the zeros around a whole image.
      panels: bytes of the filter in panels.
    """

    windows: Windows
    before: tuple[Stage, ...]
    given: Array
    keep: tuple[Array, ...]
    stages: Stages
    whole_room: int
    panels: int

    def scratch(self) -> tuple[Array | int, ...]:
        """The place PANELS, and one that other algorithms need."""
        return scratch("panels", self.panels), 0


def _run(plan: _Plan, images: Array, filter: Array, output: Array) -> None:
    source, weights = contiguous(images), contiguous(filter)
    plan.stages.run(source, weights, output, *plan.scratch())


@planned
def _plan(
    input_shape: tuple[int, ...],
    filter_shape: tuple[int, ...],
    dtype: np.dtype[Any],
    strides: Pair,
    padding: Pads,
    dilations: Pair,
) -> _Plan:
    """How to convolve images with a filter."""
    rows, columns = filter_shape[:2]
    sizes = spatial_sizes(input_shape[1:3], (rows, columns), strides, padding, dilations)
    windows = Windows(
        size=(input_shape[1], input_shape[2]),
        channels=input_shape[3],
        outputs=(sizes[0], sizes[1]),
        window=(rows, columns),
        strides=strides,
        dilations=dilations,
        origin=(padding[0][0], padding[1][0]),
    )
    return _correlation(
        windows, input_shape[0], filter_shape, dtype, ((0, 1, rows), (0, 1, columns)),
        (*sizes, filter_shape[3]), (0, 0), (1, 1), turned=False,
    )  # fmt: skip


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
    gradient = buffer(out, tuple(filter_shape), input.dtype)
    if gradient.size == 0 or out_backprop.size == 0:
        gradient[...] = 0
        return gradient
    plan = _filter_plan(
        input.shape, gradient.shape, out_backprop.shape, None, input.dtype, strides, padding,
        dilations,
    )  # fmt: skip
    source, grad = contiguous(input), contiguous(out_backprop)
    sums = scratch("sums", plan.sums)
    plan.stages.run(source, grad, gradient, sums)
    return gradient


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
    gradient = buffer(out, tuple(filter_shape), input.dtype)
    shape = (len(input), *out_size, filter_shape[3])
    if gradient.size == 0 or math.prod(shape) == 0:
        bias_sums[...], gradient[...] = 0, 0
        return gradient
    plan = _filter_plan(
        input.shape, gradient.shape, shape, grad.shape, input.dtype, strides, padding, dilations,
    )  # fmt: skip
    source, passed, where = contiguous(input), contiguous(grad), contiguous(which)
    plan.stages.run(
        source, passed, gradient, scratch("sums", plan.sums),
        where, bias_sums,
    )  # fmt: skip
    return gradient


class _FilterPlan(NamedTuple):
    """How the gradient of a filter is added up.

    Attributes:
      stages: all of them.
      sums: bytes of all slices, which are added up in the end.
    """

    stages: Stages
    sums: int


@planned
def _filter_plan(
    input_shape: tuple[int, ...],
    filter_shape: tuple[int, ...],
    grad_shape: tuple[int, ...],
    pooled: tuple[int, ...] | None,
    dtype: np.dtype[Any],
    strides: Pair,
    padding: Pads,
    dilations: Pair,
) -> _FilterPlan:
    """How to add up the gradient of a filter; `pooled` is the shape of a pool's gradient."""
    batch, height, width, out_channels = grad_shape
    rows, columns, channels, _ = filter_shape
    windows = Windows(
        size=(input_shape[1], input_shape[2]),
        channels=channels,
        outputs=(height, width),
        window=(rows, columns),
        strides=strides,
        dilations=dilations,
        origin=(padding[0][0], padding[1][0]),
    )
    blocks = windows.blocks(batch, width * rows * columns * channels * out_channels)
    slices = min(len(blocks), max(1, min(_SLICES, batch * height * width // _FEW_PIXELS)))
    pitch, merged, size = windows.pitch, dilations[1] == 1, dtype.itemsize
    product = microkernel.product(dtype, out_channels)
    # One row of the window at a time, or one cell of it if they do not lie together.
    distances = microkernel.strides(
        1,
        out_channels,
        (width, strides[1] * channels, out_channels),
        (0, strides[0] * pitch * channels, width * out_channels),
    )
    slack = 0 if out_channels % product.width == 0 else product.width
    most_rows = max(block.last_row - block.first_row for block in blocks)
    images_at_once = max(block.last_image - block.first_image for block in blocks)
    sums = math.prod(row_sums_shape(grad_shape)[1:])
    pool = pool2x2.unpooling(dtype, grad_shape, pooled) if pooled else None
    some = images_at_once if pool else 0
    _, strides_, tail, layers, layer_sums, room = laid_out(
        windows.padded_numbers(blocks) * size,
        distances.nbytes,
        (most_rows * width * out_channels + slack) * size,
        some * math.prod(grad_shape[1:]) * size,
        some * sums * size,
    )
    table, total = np.array(blocks, np.int64), math.prod(filter_shape)
    given = record(
        FILTER_GRADIENT,
        **windows.given(product.address(), distances, table, size, blocks),
        out_height=height,
        channels=out_channels,
        panel=product.width,
        slack=slack,
        rows=rows,
        pieces=1 if merged else columns,
        numbers=(columns if merged else 1) * channels,
        slices=slices,
        total=total,
        tail=tail,
        strides=strides_,
        unpool=pool.code.address() if pool else 0,
        sizes=address(pool.given) if pool else 0,
        maxima=math.prod(pooled[1:]) if pooled else 0,
        sums=sums,
        layer=layers,
        layer_sums=layer_sums,
    )
    gradient = filter_gradient_slices_through if pool else filter_gradient_slices
    stages = Stages(
        Stage(gradient, slices, given),
        adding_up(dtype, total, slices, SUMS, OUTPUT),
        room=room,
        keep=(distances, table, pool),
    )
    return _FilterPlan(stages, slices * total * size)


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
    gradient = buffer(out, tuple(input_shape), out_backprop.dtype)
    if gradient.size == 0 or out_backprop.size == 0:
        gradient[...] = 0
        return gradient
    vertical, horizontal = (
        list(phases(input_shape[1 + i], filter.shape[i], strides[i], dilations[i], padding[i][0]))
        for i in range(2)
    )
    for down in vertical:
        for right in horizontal:
            if down.taps[2] == 0 or right.taps[2] == 0:
                gradient[:, down.first :: strides[0], right.first :: strides[1]] = 0
                continue
            plan = _input_plan(
                gradient.shape, filter.shape, out_backprop.shape, filter.dtype, down, right,
                strides,
            )  # fmt: skip
            _run(plan, out_backprop, filter, gradient)
    return gradient


@planned
def _input_plan(
    input_shape: tuple[int, ...],
    filter_shape: tuple[int, ...],
    grad_shape: tuple[int, ...],
    dtype: np.dtype[Any],
    down: Phase,
    right: Phase,
    strides: Pair,
) -> _Plan:
    """How to propagate to the pixels of a phase."""
    windows = Windows(
        size=(grad_shape[1], grad_shape[2]),
        channels=grad_shape[3],
        outputs=(down.outputs, right.outputs),
        window=(down.taps[2], right.taps[2]),
        strides=ONE,
        dilations=(down.dilation, right.dilation),
        origin=(down.origin, right.origin),
    )
    return _correlation(
        windows, grad_shape[0], filter_shape, dtype, (down.taps, right.taps), input_shape[1:],
        (down.first, right.first), strides, turned=True,
    )  # fmt: skip


# What the public functions share

Taps = tuple[int, int, int]


def packing(
    filter_shape: Sequence[int],
    dtype: npt.DTypeLike,
    down: Taps,
    right: Taps,
    *,
    turned: bool,
) -> Stage:
    """A stage that makes a filter the right matrix of a product: panels of its columns.

    They are an array of shape (panels, rows, columns, channels, width of a panel).

    Args:
      filter_shape: (window height, window width, channels, output channels).
      dtype: of the filter.
      down: the rows of the window that are taken: first, step, how many.
      right: the same for its columns.
      turned: whether input and output channels change places.
    """
    channels, out_channels = filter_shape[2:]
    inner, outer = (out_channels, channels) if turned else (channels, out_channels)
    width, size = microkernel.product(dtype, outer).width, np.dtype(dtype).itemsize
    total = -(-outer // width) * down[2]
    work = right[2] * inner * width // _PACKED_AT_ONCE
    at_once = block_size(total, work=work, least=LEAST_IN_STAGE)
    matrix = out_channels * size
    given = record(
        PACK,
        packer=packer(np.dtype(dtype), transposed=turned),
        row=filter_shape[1] * channels * matrix,
        cell=channels * matrix,
        matrix=matrix,
        outer_step=matrix if turned else size,
        rows=down[2],
        columns=right[2],
        inner=inner,
        width=width,
        down=down[0],
        down_step=down[1],
        right=right[0],
        right_step=right[1],
        outer=outer,
        size=size,
        total=total,
        at_once=at_once,
    )
    return Stage(pack, -(-total // at_once), given)


def _correlation(
    windows: Windows,
    batch: int,
    filter_shape: Sequence[int],
    dtype: np.dtype[Any],
    taps: tuple[Taps, Taps],
    output: Sequence[int],
    first: Pair,
    steps: Pair,
    *,
    turned: bool,
) -> _Plan:
    """How to convolve with a filter, or cells of it; results go `steps` apart into the output."""
    (rows, columns), inner, size = windows.window, windows.channels, dtype.itemsize
    out_channels = output[2]
    product = microkernel.product(dtype, out_channels)
    width, count = product.width, -(-out_channels // product.width)
    cells = rows * columns * inner
    blocks = windows.blocks(batch, windows.outputs[1] * cells * out_channels)
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
    table = np.array(blocks, np.int64)
    given = record(
        FORWARD,
        **windows.given(product.address(), distances, table, size, blocks),
        out_height=output[0],
        out_width=output[1],
        channels=out_channels,
        panels=count,
        rows=rows,
        cells=columns,
        panel=width,
        first_down=first[0],
        first_right=first[1],
        steps_down=steps[0],
        steps_right=steps[1],
        outputs=windows.outputs[0],
    )
    before = (packing(filter_shape, dtype, *taps, turned=turned),)
    keep = distances, table
    room = windows.padded_numbers(blocks) * size
    stages = Stages(*before, Stage(forward_blocks, len(blocks), given), room=room, keep=keep)
    whole = windows.padded_numbers([Block(0, 1, 0, windows.outputs[0])]) * size
    return _Plan(windows, before, given, keep, stages, whole, count * cells * width * size)
