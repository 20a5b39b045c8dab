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

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minitf.kernels import microkernel
from minitf.kernels.direct import Prepared, packed
from minitf.kernels.jit import readonly
from minitf.kernels.padding import Pair, spatial_sizes
from minitf.kernels.parallel import parallel_for, parallel_ranges, share
from minitf.kernels.reference import NONE, ONE, Pads
from minitf.kernels.simd import Machine, machine
from minitf.kernels.winograd_blocks import (
    Given,
    add_blocks,
    convolve_blocks,
    convolve_images,
    filter_from_sums,
    transform_filter,
    transform_in,
    transform_out,
)
from minitf.kernels.winograd_transforms import Transforms, transforms
from minitf.kernels.workspace import address, scratch, workspace
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
    _convolve(input, _straight(filter), result, (padding[0][0], padding[1][0]))
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
    last = filter.shape[0] - 1, filter.shape[1] - 1
    down, right = ((end, -1, end + 1) for end in last)
    panels = packed(readonly(filter), down, right, turned=True)
    _convolve(out_backprop, panels, result, (last[0] - padding[0][0], last[1] - padding[1][0]))
    return result


def prepare(
    input: Array, filter: Array, *, strides: Pair, padding: Pads, dilations: Pair
) -> Prepared:
    """See `direct.prepare`."""
    sizes = spatial_sizes(input.shape[1:3], filter.shape[:2], strides, padding, dilations)
    shape = (len(input), *sizes, filter.shape[3])
    origin, source = (padding[0][0], padding[1][0]), readonly(input)
    tiles, given = _given(_straight(filter), input.shape[1:], shape, origin)
    each, images = tiles.grid[0] * tiles.grid[1], address(source)

    def arguments() -> tuple[Any, ...]:
        counter = scratch("winograd counter", 8)
        return images, source.strides[0], each, tiles.at_once, counter, given()

    return Prepared(shape, max(tiles.at_once // each, 1), convolve_images, arguments)


def _straight(filter: Array) -> Array:
    """A filter in panels of its columns: a view, if they fill the panels, and else a copy."""
    rows, columns, channels, out_channels = filter.shape
    width = microkernel.product(filter.dtype, out_channels).width
    if out_channels % width == 0:
        shape = rows, columns, channels, out_channels // width, width
        return np.moveaxis(readonly(filter).reshape(shape), 3, 0)
    return packed(readonly(filter), (0, 1, rows), (0, 1, columns), turned=False)


def _convolve(images: Array, panels: Array, output: Array, origin: Pair) -> None:
    """Convolves with a filter in panels."""
    if output.size == 0 or images.size == 0:
        output[...] = 0
        return
    tiles, given = _given(panels, images.shape[1:], output.shape, origin)
    source = readonly(images)
    places = address(source), address(output)

    def run(counter: int) -> None:
        convolve_blocks(*places, given(), tiles.at_once, tiles.total, counter)

    share(-(-tiles.total // tiles.at_once), run)


def _given(
    panels: Array, image: Sequence[int], out_shape: Sequence[int], origin: Pair
) -> tuple[_Tiles, Callable[[], Given]]:
    """The tiles, and what gives a thread all that `convolve_blocks` takes besides."""
    plan = _plan(panels.shape, tuple(image), tuple(out_shape), origin, machine())
    tiles, steps, spreads = plan.tiles, plan.steps, plan.spreads
    transformed = _transformed_filter(panels, plan.transforms)
    u, described = (address(transformed), transformed.strides[0]), address(steps)
    v_bytes, m_bytes, patch_bytes = plan.room

    def given() -> Given:
        room = (
            scratch("winograd data", v_bytes),
            spreads[0],
            scratch("winograd products", m_bytes),
            spreads[1],
            scratch("winograd patch", patch_bytes),
        )
        strides = described, scratch("winograd strides", steps.nbytes)
        return plan.walks, plan.functions, plan.sizes, origin, u, room, strides, *plan.cut

    return tiles, given


class _Plan(NamedTuple):
    """What the shapes of a convolution decide.

    Attributes:
      tiles: how outputs are cut.
      transforms: those for these tiles.
      steps: describes the matrices; see `microkernel.strides`.
      spreads: bytes from one position to the next, of V and of M.
      room: bytes for V, M and what is being transformed.
      walks, functions, sizes, cut: see `winograd_blocks.Given`.
    """

    tiles: _Tiles
    transforms: Transforms
    steps: Array
    spreads: Pair
    room: tuple[int, int, int]
    walks: Pair
    functions: tuple[int, int, int]
    sizes: tuple[tuple[int, int, int], tuple[int, int, int]]
    cut: tuple[tuple[int, int, int], tuple[int, int, int, int]]


@functools.lru_cache(1024)
def _plan(
    panels: tuple[int, ...],
    image: tuple[int, ...],
    out_shape: tuple[int, ...],
    origin: Pair,
    processor: Machine,
) -> _Plan:
    count, window, _, channels, width = panels
    numbers = _padded(channels) + count * width
    filter_size = window * window * channels * out_shape[3]
    least = _LEAST_TILES if filter_size < _LARGE_FILTER else _LEAST_FOR_LARGE
    tiles = _tiles(out_shape, window, origin, numbers, least)
    made = transforms(tiles.outputs, window)
    product = microkernel.product(np.float32, out_shape[3])
    spreads = _spread(tiles, _padded(channels)), _spread(tiles, count * width)
    most = max(_padded(channels), _padded(out_shape[3]))
    positions = tiles.size**2
    return _Plan(
        tiles,
        made,
        microkernel.strides(_padded(channels), count * width, (0, 1, width)),
        spreads,
        (positions * spreads[0], positions * spreads[1], positions * most * _FLOAT),
        (transform_in.address(), transform_out.address()),
        (product.address(), made.data(), made.output()),
        ((image[0], image[1], image[2]), (out_shape[1], out_shape[2], out_shape[3])),
        ((count, width, processor.lanes(np.float32)), (*tiles.grid, tiles.size, tiles.outputs)),
    )


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
    window, _, channels, out_channels = filter_shape
    gradient = buffer(out, filter_shape, input.dtype)
    if out_backprop.size == 0 or gradient.size == 0:
        gradient[...] = 0
        return gradient
    product = microkernel.product(input.dtype, out_channels)
    columns = -(-out_channels // product.width) * product.width
    origin = padding[0][0], padding[1][0]
    numbers = _padded(channels) + columns
    tiles = _tiles(out_backprop.shape, window, origin, numbers, _LEAST_FOR_LARGE)
    made = transforms(tiles.outputs, window)
    positions = tiles.size**2
    slices, groups = _slices(tiles, columns // product.width)
    sums = workspace(
        "winograd sums", (len(slices), positions, channels * columns + _LINE), np.float32
    )
    steps = microkernel.strides(1, columns, (0, _padded(channels), 0))
    walk = transform_in.address()
    functions = product.address(), made.data(), made.output_gradient()
    source, grad = readonly(input), readonly(out_backprop)
    places = address(source), address(grad), address(steps)
    image, out_image = source.shape[1:], grad.shape[1:]
    added, s_spread = address(sums), sums.strides[1]
    v_spread = _spread(tiles, _padded(channels))
    most = max(_padded(channels), columns)

    def task(index: int) -> None:
        (start, stop), (first, last) = slices[index // len(groups)], groups[index % len(groups)]
        y_spread = _spread(tiles, (last - first) * product.width)
        add_blocks(
            walk,
            functions,
            places[0],
            image,
            *origin,
            places[1],
            out_image,
            added + index // len(groups) * sums.strides[0],
            s_spread,
            scratch("winograd data", positions * v_spread),
            v_spread,
            scratch("winograd products", positions * y_spread),
            y_spread,
            scratch("winograd patch", positions * most * _FLOAT),
            places[2],
            scratch("winograd strides", steps.nbytes),
            (columns // product.width, product.width, _lanes()),
            (*tiles.grid, tiles.size, tiles.outputs),
            tiles.at_once,
            tiles.total,
            start,
            stop,
            first * product.width,
            last * product.width,
        )

    parallel_for(len(slices) * len(groups), task)
    _finish_filter(sums, gradient, columns, made)
    return gradient


def _finish_filter(sums: Array, gradient: Array, columns: int, made: Transforms) -> None:
    """The filter's gradient from S, which is in several slices and has so many columns."""
    window, _, channels, out_channels = gradient.shape
    slices, positions, _ = sums.shape
    function = made.filter_gradient()

    def some(start: int, stop: int) -> None:
        filter_from_sums(
            function,
            address(sums),
            slices,
            sums.strides[1],
            address(gradient),
            window,
            channels,
            out_channels,
            columns,
            made.size,
            _lanes(),
            scratch("winograd patch", window * window * columns * _FLOAT),
            start,
            stop,
        )

    parallel_ranges(channels, some, work=slices * positions * columns)


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


def _ranges(total: int, most: int) -> list[tuple[int, int]]:
    """Cuts 0 ... total into so many ranges, or fewer."""
    pieces = min(total, most)
    return [(total * i // pieces, total * (i + 1) // pieces) for i in range(pieces)]


def _slices(tiles: _Tiles, panels: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """How the filter's gradient is shared out: ranges of blocks of tiles, times ranges of panels.

    A slice of the tiles has sums of its own, which must be worth that; where the tiles are few,
    and so the filter is likely to be large, its columns are shared out instead.
    """
    enough = max(tiles.total // _LEAST_SLICE, 1)
    slices = _ranges(-(-tiles.total // tiles.at_once), min(1 << (enough.bit_length() - 1), _SLICES))
    return slices, _ranges(panels, -(-_SLICES // len(slices)))


def _transformed_filter(panels: Array, functions: Transforms) -> Array:
    """U: (position, panel, channel, column), with positions spread; the panels may be a view."""
    count, _, _, channels, width = panels.shape
    one = channels * width
    shape = functions.size**2, count * one + _LINE
    transformed = workspace("winograd filter", shape, np.float32)
    code, side, vectors = functions.filter(), functions.size, width // _lanes()
    source, target = address(panels), address(transformed)
    panel, down, right, channel, _ = panels.strides
    steps, spread = (panel, down, right, channel), transformed.strides[0]

    def some(start: int, stop: int) -> None:
        transform_filter(
            code, source, steps, channels, target, one // channels * _FLOAT, spread, side, vectors,
            start, stop,
        )  # fmt: skip

    parallel_ranges(count * channels, some, work=functions.size**2 * width)
    return transformed
