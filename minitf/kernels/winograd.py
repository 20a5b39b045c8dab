"""With this module one can convolve with a fraction of the multiplications, for float32.

Winograd's method (`winograd_transforms` has the maths) works on tiles: m x m outputs, from n x n
numbers of the input, n = m + r - 1, of which neighbours share r - 1 rows or columns:

       n = 8, r = 5       +---+---+---+-         each cell: a tile of m x m = 4 x 4 outputs;
     +---------------+    |   |   |   |          what it needs of the input reaches 4 further
     |  +-------+    |    +---+---+---+-
     |  | tile  |    |    |   |   |   |          tiles are numbered row by row, through all
     |  +-------+    |    +---+---+---+-         images, and taken in blocks of some 16
     +---------------+

Each of the n x n positions p of a transformed tile is a matrix product of its own, over channels:

    V[p]  (tiles, C)          the transformed input
    U[p]  (C, K)              the transformed filter, packed for `microkernel`
    M[p]  (tiles, K) = V[p] U[p]

and M is transformed back to outputs. V and M of a block stay in the second-level cache; positions
lie a line of the cache further apart than they need to, since distances that are multiples of a
page make the cache keep few of them. For the gradient of the filter, sums over tiles are added up:

    S[p]  (C, K) += V[p]' Y[p]      Y (tiles, K) from the output's gradient

Rounding errors are larger than those of the direct method, some 5 to 15 times. `conv` chooses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minitf.kernels import microkernel
from minitf.kernels.direct import Prepared, packing
from minitf.kernels.padding import Pair, spatial_sizes
from minitf.kernels.parallel import LEAST_IN_STAGE, block_size
from minitf.kernels.records import record
from minitf.kernels.reference import NONE, ONE, Pads
from minitf.kernels.simd import machine
from minitf.kernels.stages import Stage, Stages, planned
from minitf.kernels.winograd_blocks import (
    CONVOLUTION,
    FILTER,
    GRADIENT_SUMS,
    PANELS,
    TRANSFORM,
    add_blocks,
    convolve_blocks,
    convolve_images,
    filter_from_sums,
    transform_filter,
    transform_in,
    transform_out,
)
from minitf.kernels.winograd_transforms import Transforms, transforms
from minitf.kernels.workspace import address, contiguous, laid_out, scratch
from minitf.kernels.workspace import output as buffer

Array = npt.NDArray[Any]

# Bytes of V and M of one block: what the second-level cache holds beside U.
_BLOCK_BYTES = 3 << 17

# A block has no fewer tiles, for U to be read no more often, and no more. The least is more where
# the filter has so many numbers that the caches do not hold U, and for the gradient of the filter,
# whose sums are read and written for each block.
_LEAST_TILES, _MOST_TILES = 14, 64
_LEAST_FOR_LARGE, _LARGE_FILTER = 40, 1 << 21

# The sums of the filter's gradient are in so many places, each for so many tiles or more.
_SLICES, _LEAST_SLICE = 4, 200

_FLOAT = 4  # bytes


class _Tiles(NamedTuple):
    """How outputs are cut into tiles.

    Attributes:
      grid: rows and columns of tiles of an image.
      total: tiles of all images.
      origin: where the first tile's data begins, above and left of the input.
      size: the rows and columns of a tile's data.
      outputs: those of a tile's outputs.
      at_once: tiles in a block.
    """

    grid: Pair
    total: int
    origin: Pair
    size: int
    outputs: int
    at_once: int


def suits(window: Sequence[int]) -> bool:
    """Whether there are transforms for such a window."""
    return tuple(window) in ((3, 3), (5, 5))


def tile_outputs(outputs: Sequence[int], window: int) -> int:
    """The tile, of 2x2 to 5x5 outputs, that makes the fewest multiplications."""
    sizes = (5, 4, 2) if window == 5 else (4, 2)
    costs = {m: _multiplications(outputs, window, m) for m in sizes}
    return min(costs, key=lambda m: costs[m])


def saving(outputs: Sequence[int], window: int) -> float:
    """How many times fewer multiplications there are than without this method.

    >>> saving((16, 16), 5), round(saving((14, 14), 5), 2)
    (6.25, 6.72)
    """
    direct = outputs[0] * outputs[1] * window * window
    return direct / _multiplications(outputs, window, tile_outputs(outputs, window))


def tiles_of(outputs: Sequence[int], window: int) -> int:
    """How many tiles an image with so many outputs has."""
    tile = tile_outputs(outputs, window)
    return -(-outputs[0] // tile) * -(-outputs[1] // tile)


def _multiplications(outputs: Sequence[int], window: int, tile: int) -> int:
    return -(-outputs[0] // tile) * -(-outputs[1] // tile) * (tile + window - 1) ** 2


def conv2d(
    input: Array,
    filter: Array,
    *,
    strides: Pair = ONE,
    padding: Pads = NONE,
    dilations: Pair = ONE,
    out: Array | None = None,
) -> Array:
    """See `minitf.kernels.conv.conv2d`; for float32, windows that suit, no strides or dilations."""
    sizes = spatial_sizes(input.shape[1:3], filter.shape[:2], strides, padding, dilations)
    result = buffer(out, (len(input), *sizes, filter.shape[3]), input.dtype)
    _convolve(input, filter, result, (padding[0][0], padding[1][0]), turned=False)
    return result


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
    """See `minitf.kernels.conv.conv2d_backprop_input`; the same, with the filter turned."""
    result = buffer(out, input_shape, out_backprop.dtype)
    origin = filter.shape[0] - 1 - padding[0][0], filter.shape[1] - 1 - padding[1][0]
    _convolve(out_backprop, filter, result, origin, turned=True)
    return result


def _convolve(images: Array, filter: Array, output: Array, origin: Pair, *, turned: bool) -> None:
    if output.size == 0 or images.size == 0:
        output[...] = 0
        return
    plan = _plan(filter.shape, images.shape[1:], output.shape, origin, turned)
    source, weights = contiguous(images), contiguous(filter)
    plan.stages.run(source, weights, output, *plan.scratch())


def prepare(
    input_shape: tuple[int, ...],
    filter_shape: tuple[int, ...],
    *,
    strides: Pair,
    padding: Pads,
    dilations: Pair,
) -> Prepared:
    """See `direct.prepare`."""
    sizes = spatial_sizes(input_shape[1:3], filter_shape[:2], strides, padding, dilations)
    shape = (input_shape[0], *sizes, filter_shape[3])
    origin = padding[0][0], padding[1][0]
    plan = _plan(filter_shape, input_shape[1:], shape, origin, False)
    each = plan.tiles.grid[0] * plan.tiles.grid[1]
    at_once = max(plan.tiles.at_once // each, 1)
    return Prepared(
        shape, at_once, convolve_images, plan.before, plan.given, plan.room, plan.scratch, plan.keep
    )


class _Plan(NamedTuple):
    """What the shapes of a convolution decide.

    Attributes:
      tiles: how outputs are cut.
      before: the stages that make U of the filter.
      given: a `CONVOLUTION`.
      room: bytes that a thread needs for a block.
      keep: what `given` has the addresses of.
      stages: all, `before` included.
      panels, transformed: bytes of the filter in panels, if it is copied, and of U.
    """

    tiles: _Tiles
    before: tuple[Stage, ...]
    given: Array
    room: int
    keep: tuple[Array, ...]
    stages: Stages
    panels: int
    transformed: int

    def scratch(self) -> tuple[Array, Array]:
        """The places PANELS and TRANSFORMED."""
        return (
            scratch("panels", self.panels),
            scratch("winograd filter", self.transformed),
        )


@planned
def _plan(
    filter_shape: tuple[int, ...],
    image: tuple[int, ...],
    out_shape: tuple[int, ...],
    origin: Pair,
    turned: bool,
) -> _Plan:
    window, out_channels = filter_shape[0], out_shape[3]
    channels, lanes = image[2], machine().lanes(np.float32)
    product = microkernel.product(np.float32, out_channels)
    width, count = product.width, -(-out_channels // product.width)
    large = window * window * channels * out_channels >= _LARGE_FILTER
    least = _LEAST_FOR_LARGE if large else _LEAST_TILES
    tiles = _tiles(out_shape, window, origin, _padded(channels) + count * width, least)
    made = transforms(tiles.outputs, window)
    before, panel_bytes = _before(filter_shape, turned, channels, width, count, made)
    steps = microkernel.strides(_padded(channels), count * width, (0, 1, width))
    v_spread, m_spread = _spread(tiles, _padded(channels)), _spread(tiles, count * width)
    patch = max(_padded(channels), _padded(out_channels)) * _FLOAT
    positions = tiles.size**2
    v, m, strides, patches, room = laid_out(
        positions * v_spread, positions * m_spread, steps.nbytes, positions * patch
    )
    given = record(
        CONVOLUTION,
        walk_in=transform_in.address(),
        walk_out=transform_out.address(),
        product=product.address(),
        data=made.data(),
        back=made.output(),
        height=image[0],
        width=image[1],
        channels=channels,
        out_height=out_shape[1],
        out_width=out_shape[2],
        out_channels=out_channels,
        above=origin[0],
        left_of=origin[1],
        u_spread=_u_spread(count, channels, width),
        v_spread=v_spread,
        m_spread=m_spread,
        v=v,
        m=m,
        strides=strides,
        patch=patches,
        steps=address(steps),
        count=count,
        panel=width,
        lanes=lanes,
        rows=tiles.grid[0],
        columns=tiles.grid[1],
        side=tiles.size,
        outputs=tiles.outputs,
        total=tiles.total,
        at_once=tiles.at_once,
    )
    blocks = -(-tiles.total // tiles.at_once)
    stages = Stages(*before, Stage(convolve_blocks, blocks, given), room=room, keep=(steps,))
    return _Plan(
        tiles,
        before,
        given,
        room,
        (steps,),
        stages,
        panel_bytes,
        positions * _u_spread(count, channels, width),
    )


def _before(
    filter_shape: Sequence[int],
    turned: bool,
    channels: int,
    width: int,
    count: int,
    made: Transforms,
) -> tuple[tuple[Stage, ...], int]:
    """The stages that make U of a filter, and the bytes of room for its panels.

    A filter that lies in the order of panels is not copied to them.
    """
    window, out_channels = filter_shape[0], filter_shape[3]
    stages: list[Stage] = []
    source, room = FILTER, 0
    # Bytes between panels, rows of the window, columns and channels.
    right = channels * out_channels * _FLOAT
    steps = width * _FLOAT, window * right, right, out_channels * _FLOAT
    if turned or out_channels % width != 0:
        taps = (window - 1, -1, window) if turned else (0, 1, window)
        stages.append(packing(filter_shape, np.float32, taps, taps, turned=turned))
        right = channels * width * _FLOAT
        source, room = PANELS, count * window * window * right
        steps = window * window * right, window * right, right, width * _FLOAT
    total, vectors = count * channels, width // _lanes()
    at_once = block_size(total, work=made.size**2 * width, least=LEAST_IN_STAGE)
    given = record(
        TRANSFORM,
        function=made.filter(),
        source=source,
        panel=steps[0],
        down=steps[1],
        right=steps[2],
        channel=steps[3],
        channels=channels,
        total=total,
        at_once=at_once,
        row=width * _FLOAT,
        spread=_u_spread(count, channels, width),
        side=made.size,
        vectors=vectors,
    )
    stages.append(Stage(transform_filter, -(-total // at_once), given))
    return tuple(stages), room


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
    """See `minitf.kernels.conv.conv2d_backprop_filter`."""
    gradient = buffer(out, filter_shape, input.dtype)
    if out_backprop.size == 0 or gradient.size == 0:
        gradient[...] = 0
        return gradient
    origin = padding[0][0], padding[1][0]
    plan = _filter_plan(input.shape, gradient.shape, out_backprop.shape, origin)
    source, grad = contiguous(input), contiguous(out_backprop)
    sums = scratch("winograd sums", plan.sums)
    plan.stages.run(source, grad, gradient, sums)
    return gradient


class _FilterPlan(NamedTuple):
    """What the shapes decide where the gradient of a filter is computed.

    Attributes:
      stages: all of them.
      sums: bytes of all slices of S.
    """

    stages: Stages
    sums: int


@planned
def _filter_plan(
    input_shape: tuple[int, ...],
    filter_shape: tuple[int, ...],
    out_shape: tuple[int, ...],
    origin: Pair,
) -> _FilterPlan:
    window, _, channels, out_channels = filter_shape
    product = microkernel.product(np.float32, out_channels)
    panels = -(-out_channels // product.width)
    columns = panels * product.width
    tiles = _tiles(out_shape, window, origin, _padded(channels) + columns, _LEAST_FOR_LARGE)
    made = transforms(tiles.outputs, window)
    blocks, positions = -(-tiles.total // tiles.at_once), tiles.size**2
    slices, groups = _slices(tiles.total, blocks, panels)
    # The most columns of a group.
    some = -(-panels // groups) * product.width
    steps = microkernel.strides(1, columns, (0, _padded(channels), 0))
    v_spread, y_spread = _spread(tiles, _padded(channels)), _spread(tiles, some)
    s_spread = (channels * columns + _LINE) * _FLOAT
    patch = max(positions * max(_padded(channels), columns), window * window * columns) * _FLOAT
    v, y, strides, patches, room = laid_out(
        positions * v_spread, positions * y_spread, steps.nbytes, patch
    )
    channels_at_once = block_size(channels, work=slices * positions * columns, least=LEAST_IN_STAGE)
    given = record(
        GRADIENT_SUMS,
        walk_in=transform_in.address(),
        product=product.address(),
        data=made.data(),
        gradient=made.output_gradient(),
        filter_gradient=made.filter_gradient(),
        height=input_shape[1],
        width=input_shape[2],
        channels=channels,
        out_height=out_shape[1],
        out_width=out_shape[2],
        out_channels=out_channels,
        above=origin[0],
        left_of=origin[1],
        v_spread=v_spread,
        y_spread=y_spread,
        v=v,
        y=y,
        strides=strides,
        patch=patches,
        steps=address(steps),
        padded=_padded(channels),
        panel=product.width,
        lanes=machine().lanes(np.float32),
        rows=tiles.grid[0],
        columns=tiles.grid[1],
        side=tiles.size,
        outputs=tiles.outputs,
        total=tiles.total,
        at_once=tiles.at_once,
        blocks=blocks,
        slices=slices,
        panels=panels,
        groups=groups,
        s_spread=s_spread,
        numbers=columns,
        window=window,
        channels_at_once=channels_at_once,
    )
    stages = Stages(
        Stage(add_blocks, slices * groups, given),
        Stage(filter_from_sums, -(-channels // channels_at_once), given),
        room=room,
        keep=(steps,),
    )
    return _FilterPlan(stages, slices * positions * s_spread)


# What the passes share

_LINE = 16  # numbers in a line of the cache


def _lanes() -> int:
    """Numbers in a vector."""
    return machine().lanes(np.float32)


def _padded(channels: int) -> int:
    """So many channels, and as many more as fill the last vector."""
    return -(-channels // _lanes()) * _lanes()


def _tiles(out_shape: Sequence[int], window: int, origin: Pair, numbers: int, least: int) -> _Tiles:
    """Cuts outputs of a shape into tiles, of which at least so many are taken at once.

    `numbers` says how many a position of a tile has.
    """
    outputs = tile_outputs(out_shape[1:3], window)
    size = outputs + window - 1
    grid = -(-out_shape[1] // outputs), -(-out_shape[2] // outputs)
    count = out_shape[0] * grid[0] * grid[1]
    fit = _BLOCK_BYTES // (size * size * numbers * _FLOAT)
    blocks = -(-count // min(max(fit, least), _MOST_TILES))
    blocks += blocks % 2 if blocks > 1 else 0  # as `parallel.cut` has them, for two cores
    return _Tiles(grid, count, origin, size, outputs, -(-count // blocks))


def _spread(tiles: _Tiles, numbers: int) -> int:
    """Bytes from one position of a transformed block to the next: a (tile, channel) matrix."""
    return (tiles.at_once * numbers + _LINE) * _FLOAT


def _u_spread(count: int, channels: int, width: int) -> int:
    """The same for a transformed filter: (panel, channel, column)."""
    return (count * channels * width + _LINE) * _FLOAT


def _slices(tiles: int, blocks: int, panels: int) -> Pair:
    """How the filter's gradient is shared out: ranges of blocks of tiles, times ranges of panels.

    A slice of the tiles has sums of its own, which must be worth that; where the tiles are few,
    and so the filter is likely to be large, its columns are shared out instead.
    """
    enough = max(tiles // _LEAST_SLICE, 1)
    slices = min(blocks, 1 << (enough.bit_length() - 1), _SLICES)
    return slices, min(panels, -(-_SLICES // slices))
