"""With this module one can pool 2x2 cells to their maximum, and remember which of them it was.

The general kernels of `pool` search for the maximum again on the way back. Here the way forward
writes down, for each maximum, which cell of its window had it, in one byte:

    0 1      and 4 where no cell is to get the gradient, since a relu before the pool was not
    2 3      active. The way back then reads one byte and one number, and writes four.

Windows do not overlap. A bias and a relu before the pool can be done in the same sweep, and their
gradients too:

    pooled = max over the window of relu(input + bias)

All results are those of the separate kernels, to the bit: of equal maxima the first one counts, and
a maximum passes over NaN.

>>> import numpy as np
>>> image = np.array([[1.0, 2.0, 5.0, 3.0], [4.0, 3.0, 5.0, 0.0]]).reshape(1, 2, 4, 1)
>>> pooled, which = max_pool_2x2(image)
>>> pooled.ravel(), which.ravel()
(array([4., 5.]), array([2, 0], dtype=uint8))
>>> max_pool_2x2_grad(pooled, which, image.shape).reshape(2, 4)
array([[0., 0., 5., 0.],
       [4., 0., 0., 0.]])
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minitf.kernels import simd
from minitf.kernels.dispatch import compiles
from minitf.kernels.jit import Kernel, NativeKernel, jit, native
from minitf.kernels.padding import Pair, spatial_sizes
from minitf.kernels.parallel import LEAST_IN_STAGE, block_size
from minitf.kernels.records import array_at, fields, record, record_at
from minitf.kernels.reference import NONE, ONE, Pads, lowest
from minitf.kernels.simd import Machine, Value, Writer, call, machine, take, word
from minitf.kernels.stages import Stage, Stages, planned
from minitf.kernels.sums import add_rows, row_sums, row_sums_shape
from minitf.kernels.workspace import address, contiguous, laid_out
from minitf.kernels.workspace import output as buffer

Array = npt.NDArray[Any]

_WINDOW: Pair = (2, 2)


def max_pool_2x2(
    input: Array,
    *,
    padding: Pads = NONE,
    out: Array | None = None,
    which: Array | None = None,
) -> tuple[Array, Array]:
    """The largest number of each 2x2 cells, and where it was.

    Args:
      input: of shape (batch, height, width, channels); float32 or float64.
      padding: ((0, bottom), (0, right)): 1 where a last window reaches out of an odd size, else 0.
      out: where to put the maxima, if given, of shape (batch, output height, width, channels).
      which: where to put which cells had them: uint8, of that shape.

    Returns:
      Both.
    """
    return _pooled(input, None, padding, out, which)


def bias_relu_max_pool_2x2(
    input: Array,
    bias: Array,
    *,
    padding: Pads = NONE,
    out: Array | None = None,
    which: Array | None = None,
) -> tuple[Array, Array]:
    """`max_pool_2x2` of relu(input + bias), with a bias for each channel."""
    return _pooled(input, bias, padding, out, which)


def max_pool_2x2_grad(
    grad: Array, which: Array, shape: Sequence[int], *, out: Array | None = None
) -> Array:
    """The gradient in the input of `max_pool_2x2`.

    Args:
      grad: the gradient in the maxima.
      which: what the way forward gave.
      shape: of the input.
      out: where to put the result, if given.
    """
    gradient = buffer(out, shape, grad.dtype)
    _unpool_all(grad, which, gradient, np.zeros((0, 0, 0), grad.dtype))
    return gradient


def bias_relu_max_pool_2x2_grad(
    grad: Array,
    which: Array,
    shape: Sequence[int],
    *,
    out: Array | None = None,
    bias_out: Array | None = None,
) -> tuple[Array, Array]:
    """The gradients of `bias_relu_max_pool_2x2` in its input and its bias."""
    gradient = buffer(out, shape, grad.dtype)
    sums = row_sums("bias", shape, grad.dtype)
    _unpool_all(grad, which, gradient, sums)
    bias_gradient = buffer(bias_out, (shape[3],), grad.dtype)
    return gradient, add_rows(sums.reshape(-1, shape[3]), out=bias_gradient)


def suits(size: Sequence[int], ksize: Pair, strides: Pair, padding: Pads) -> bool:
    """Whether a pool is one of 2x2 cells that do not overlap, none of them above or left of all."""
    ends = all(before == 0 and after <= n % 2 for (before, after), n in zip(padding, size))
    return ksize == strides == _WINDOW and ends


def pooled_shape(shape: Sequence[int], padding: Pads = NONE) -> tuple[int, ...]:
    """The shape of the maxima of images of some shape.

    Raises:
      ValueError: if something other than a last row or column of odd images is padded.
    """
    for (before, after), size in zip(padding, shape[1:3]):
        if before != 0 or after > size % 2:
            raise ValueError(f"only a last odd row or column can be padded, got {padding}")
    return (shape[0], *spatial_sizes(shape[1:3], _WINDOW, _WINDOW, padding, ONE), shape[3])


class Step(NamedTuple):
    """Work on some images, for compiled code to call by its address.

    Attributes:
      code: `code(given, images, ...)`, with the addresses of arrays.
      given: the record that it is given.
    """

    code: NativeKernel[Any, None]
    given: Array


def pooling(dtype: np.dtype[Any], shape: Sequence[int], pooled: Sequence[int]) -> Step:
    """`bias_relu_max_pool_2x2`, as `pool_some`, for images of a shape."""
    return Step(_natives(dtype, machine()).bias_relu_pool, _sizes(shape, pooled, sum_rows=0))


def unpooling(dtype: np.dtype[Any], shape: Sequence[int], pooled: Sequence[int]) -> Step:
    """`bias_relu_max_pool_2x2_grad`, as `unpool_some`; sets the `row_sums` of the bias."""
    given = _sizes(shape, pooled, sum_rows=row_sums_shape(shape)[1])
    return Step(_natives(dtype, machine()).unpool, given)


def _sizes(shape: Sequence[int], pooled: Sequence[int], sum_rows: int) -> Array:
    return record(
        SIZES,
        height=shape[1],
        width=shape[2],
        channels=shape[3],
        rows=pooled[1],
        columns=pooled[2],
        sum_rows=sum_rows,
    )


def search_and_unpool(input: Array, grad: Array, gradient: Array) -> None:
    """`max_pool_2x2_grad`, where it is not known which cells had the maxima."""
    _run("search", gradient.shape, grad.shape, contiguous(input), contiguous(grad), gradient)


def _pooled(
    input: Array, bias: Array | None, padding: Pads, out: Array | None, which: Array | None
) -> tuple[Array, Array]:
    shape, dtype = pooled_shape(input.shape, padding), input.dtype
    pooled, where = buffer(out, shape, dtype), buffer(which, shape, np.uint8)
    offsets = np.zeros(0, dtype) if bias is None else contiguous(bias)
    if compiles(dtype):
        how = "pool" if bias is None else "bias_relu_pool"
        _run(how, input.shape, shape, contiguous(input), offsets, pooled, where)
    else:
        kernels = _kernels(dtype)
        kernel = kernels.pool if bias is None else kernels.bias_relu_pool
        kernel(input, offsets, pooled, where, lowest(dtype))
    return pooled, where


def _unpool_all(grad: Array, which: Array, gradient: Array, sums: Array) -> None:
    if compiles(grad.dtype):
        how = "unpool" if len(sums) == 0 else "unpool_and_add"
        _run(how, gradient.shape, grad.shape, contiguous(grad), contiguous(which), gradient, sums)
    else:
        _kernels(grad.dtype).unpool(grad, which, gradient, sums)


def _run(how: str, shape: Sequence[int], pooled: Sequence[int], *places: Array) -> None:
    stages = _stages(how, tuple(shape), tuple(pooled), places[0].dtype, machine())
    stages.run(*places)


@planned
def _stages(
    how: str,
    shape: tuple[int, ...],
    pooled: tuple[int, ...],
    dtype: np.dtype[Any],
    processor: Machine,
) -> Stages:
    """Pools images of a shape, or goes back to it, some images at a time."""
    images, size, natives = shape[0], dtype.itemsize, _natives(dtype, processor)
    image, maxima = math.prod(shape[1:]), math.prod(pooled[1:])
    # A step for each number, which comes from memory or goes to it.
    at_once = block_size(images, work=max(image, 1), least=LEAST_IN_STAGE)
    sum_rows, sums = row_sums_shape(shape)[1], math.prod(row_sums_shape(shape)[1:])
    if how != "unpool_and_add":
        sum_rows = sums = 0
    _, which, room = laid_out(maxima * size, maxima)
    sizes = _sizes(shape, pooled, sum_rows)
    pool = natives.bias_relu_pool if how == "bias_relu_pool" else natives.pool
    given = record(
        POOL,
        pool=pool.address() if how in ("pool", "bias_relu_pool", "search") else 0,
        unpool=natives.unpool.address() if how not in ("pool", "bias_relu_pool") else 0,
        sizes=address(sizes),
        images=images,
        at_once=at_once,
        image=image * size,
        maxima=maxima * size,
        places=maxima,
        sums=sums * size,
        which=which,
    )
    code = {"pool": pool_blocks, "bias_relu_pool": pool_blocks, "search": search_blocks}
    stage = Stage(code.get(how, unpool_blocks), -(-images // at_once), given)
    return Stages(stage, room=room if how == "search" else 0, keep=(sizes,))


# What is compiled


class _Kernels(NamedTuple):
    pool: Kernel[Any, None]
    bias_relu_pool: Kernel[Any, None]
    unpool: Kernel[Any, None]


def _kernels(dtype: np.dtype[Any]) -> _Kernels:
    """The kernels for a dtype: with vectors where they are compiled, else number by number."""
    return _made(dtype, machine().lanes(dtype) if compiles(dtype) else 0)


@functools.cache
def _made(dtype: np.dtype[Any], lanes: int) -> _Kernels:
    def special(kernel: Kernel[Any, None], name: str, writer: Any, relu: bool) -> Kernel[Any, None]:
        vector = simd.emit_for(writer, dtype, lanes)
        constants = {"LANES": lanes, "SIZE": dtype.itemsize, "RELU": relu, "write_window": vector}
        return kernel.specialize(f"_{name}_{dtype.name}_{lanes}", **constants)

    if lanes == 0:
        return _Kernels(_pool, _pool.specialize("_relu", RELU=True), _unpool)
    return _Kernels(
        special(_pool, "max", _pool_writer(False, dtype), False),
        special(_pool, "bias_relu_max", _pool_writer(True, dtype), True),
        special(_unpool, "max", _write_unpool, False),
    )


LANES, SIZE, RELU = 0, 0, False
write_window: Any = None


def _pool_writer(relu: bool, dtype: np.dtype[Any]) -> Callable[..., None]:
    """The function that writes a window's maximum, for a vector of channels."""
    least = float(lowest(dtype))

    def write_window(
        write: Writer,
        source: Value,
        row: Value,
        column: Value,
        bias: Value,
        pooled: Value,
        which: Value,
    ) -> None:
        zero, below = write.constant(0.0), write.offset(source, row)
        addresses = (source, write.offset(source, column), below, write.offset(below, column))
        cells = [write.load(address) for address in addresses]
        if relu:
            cells = [write.add(cell, write.load(bias)) for cell in cells]
            cells = [write.select(write.compare("<=", x, zero), zero, x) for x in cells]
        # Two maxima, which differ if the first cell is NaN.
        largest, winner, place = write.constant(least), cells[0], write.bytes(0)
        for index, value in enumerate(cells):
            largest = write.select(write.compare(">", value, largest), value, largest)
            better = write.compare(">", value, winner)
            winner = write.select(better, value, winner)
            place = write.select(better, write.bytes(index), place)
        if relu:
            place = write.select(write.compare(">", winner, zero), place, write.bytes(4))
        write.store(largest, pooled)
        write.store_bytes(place, which)

    return write_window


def _write_unpool(
    write: Writer,
    grad: Value,
    which: Value,
    target: Value,
    row: Value,
    column: Value,
    sums: Value,
    adds: Value,
) -> None:
    """Writes the way back: a window's gradient to one of its cells, for a vector of channels."""
    gradient, place, zero = write.load(grad), write.load_bytes(which), write.constant(0.0)
    below = write.offset(target, row)
    cells = (target, write.offset(target, column), below, write.offset(below, column))
    for index, cell in enumerate(cells):
        write.store(write.select(write.same_bytes(place, index), gradient, zero), cell)
    with write.if_(write.builder.icmp_signed("!=", adds, write.integer(0))):
        passed = write.select(write.same_bytes(place, 4), zero, gradient)
        write.store(write.add(write.load(sums), passed), sums)


@jit(inline="always")
def _pool(input: Array, bias: Array, pooled: Array, which: Array, least: Any) -> None:
    _, height, width, channels = input.shape
    images, rows, columns, _ = pooled.shape
    vectors, zero = channels // LANES if LANES > 0 else 0, input.dtype.type(0)
    for n in range(images):
        for i in range(rows):
            for j in range(columns):
                done = 0
                if vectors > 0 and 2 * i + 1 < height and 2 * j + 1 < width:
                    for v in range(vectors):
                        c = v * LANES
                        write_window(
                            input[n, 2 * i, 2 * j, c:].ctypes.data,
                            width * channels * SIZE,
                            channels * SIZE,
                            bias.ctypes.data + c * SIZE,
                            pooled[n, i, j, c:].ctypes.data,
                            which[n, i, j, c:].ctypes.data,
                        )
                    done = vectors * LANES
                for c in range(done, channels):
                    largest, winner, place = least, least, 0
                    for y in range(2 * i, min(2 * i + 2, height)):
                        for x in range(2 * j, min(2 * j + 2, width)):
                            value = input[n, y, x, c]
                            if RELU:
                                value += bias[c]
                                if value <= 0:
                                    value = zero
                            if value > largest:
                                largest = value
                            if (y == 2 * i and x == 2 * j) or value > winner:
                                winner = value
                                place = (y - 2 * i) * 2 + x - 2 * j
                    pooled[n, i, j, c] = largest
                    which[n, i, j, c] = place if not RELU or winner > 0 else 4


@jit(inline="always")
def _unpool(grad: Array, which: Array, gradient: Array, bias_sums: Array) -> None:
    _, height, width, channels = gradient.shape
    images, rows, columns, _ = grad.shape
    vectors = channels // LANES if LANES > 0 else 0
    bias_sums[:] = 0
    for n in range(images):
        for i in range(rows):
            total = (n * bias_sums.shape[1] + i) * channels  # where this row's sums begin
            for j in range(columns):
                done = 0
                if vectors > 0 and 2 * i + 1 < height and 2 * j + 1 < width:
                    for v in range(vectors):
                        c = v * LANES
                        write_window(
                            grad[n, i, j, c:].ctypes.data,
                            which[n, i, j, c:].ctypes.data,
                            gradient[n, 2 * i, 2 * j, c:].ctypes.data,
                            width * channels * SIZE,
                            channels * SIZE,
                            bias_sums.ctypes.data + (total + c) * SIZE,
                            len(bias_sums),
                        )
                    done = vectors * LANES
                for y in range(2 * i, min(2 * i + 2, height)):
                    for x in range(2 * j, min(2 * j + 2, width)):
                        place = (y - 2 * i) * 2 + x - 2 * j
                        for c in range(done, channels):
                            here = which[n, i, j, c] == place
                            gradient[n, y, x, c] = grad[n, i, j, c] if here else 0
                if len(bias_sums) > 0:
                    for c in range(done, channels):
                        if which[n, i, j, c] < 4:
                            bias_sums[n, i, c] += grad[n, i, j, c]
        # Last rows and columns that no window covers.
        gradient[n, 2 * rows :] = 0
        gradient[n, :, 2 * columns :] = 0


class _Natives(NamedTuple):
    pool: NativeKernel[Any, None]
    bias_relu_pool: NativeKernel[Any, None]
    unpool: NativeKernel[Any, None]


@functools.cache
def _natives(dtype: np.dtype[Any], processor: Machine) -> _Natives:
    """The kernels as functions of addresses."""
    pool, bias_relu_pool, unpool = _made(dtype, processor.lanes(dtype))
    own: dict[str, Any] = {"DTYPE": dtype.type, "LEAST": lowest(dtype)}
    return _Natives(
        pool_some.specialize(pool.name, pool=pool, **own),
        pool_some.specialize(bias_relu_pool.name, pool=bias_relu_pool, **own),
        unpool_some.specialize(unpool.name, unpool=unpool, **own),
    )


# The sizes of an image, of its maxima, and how many rows of sums for the bias there are, if any.
SIZES = fields("height", "width", "channels", "rows", "columns", "sum_rows")

# What the stages are given:
POOL = fields(
    *("pool", "unpool", "sizes"),  # the addresses of `pool_some` and `unpool_some`, and of sizes
    *("images", "at_once"),  # how many there are, and in a block
    *("image", "maxima", "places", "sums"),  # bytes for each image
    "which",  # where in a thread's room it says which cells have an image's maxima
)

# Put in by `specialize`.
pool: Any = None
unpool: Any = None
DTYPE: Any = np.float32
LEAST: Any = 0


@native
def pool_some(given_: int, images: int, input: int, bias: int, pooled: int, which: int) -> None:
    """`pool`, with the addresses of arrays."""
    given = record_at(given_, SIZES)
    shape = images, given.rows, given.columns, given.channels
    pool(
        array_at(input, (images, given.height, given.width, given.channels), DTYPE),
        array_at(bias, given.channels, DTYPE),
        array_at(pooled, shape, DTYPE),
        array_at(which, shape, np.uint8),
        LEAST,
    )


@native
def unpool_some(given_: int, images: int, grad: int, which: int, gradient: int, sums: int) -> None:
    """`unpool`, with the addresses of arrays."""
    given = record_at(given_, SIZES)
    shape = images, given.rows, given.columns, given.channels
    unpool(
        array_at(grad, shape, DTYPE),
        array_at(which, shape, np.uint8),
        array_at(gradient, (images, given.height, given.width, given.channels), DTYPE),
        array_at(
            sums, (images if given.sum_rows > 0 else 0, given.sum_rows, given.channels), DTYPE
        ),
    )


@native
def pool_blocks(given_: int, places: int, room: int, counter: int) -> None:
    """The way forward; the places are the arrays of `pool_some`."""
    given = record_at(given_, POOL)
    start = take(counter) * given.at_once
    while start < given.images:
        call(
            given.pool,
            (
                given.sizes,
                min(given.at_once, given.images - start),
                word(places, 0) + start * given.image,
                word(places, 1),
                word(places, 2) + start * given.maxima,
                word(places, 3) + start * given.places,
            ),
        )
        start = take(counter) * given.at_once


@native
def unpool_blocks(given_: int, places: int, room: int, counter: int) -> None:
    """The way back; the places are the arrays of `unpool_some`."""
    given = record_at(given_, POOL)
    start = take(counter) * given.at_once
    while start < given.images:
        call(
            given.unpool,
            (
                given.sizes,
                min(given.at_once, given.images - start),
                word(places, 0) + start * given.maxima,
                word(places, 1) + start * given.places,
                word(places, 2) + start * given.image,
                word(places, 3) + start * given.sums,
            ),
        )
        start = take(counter) * given.at_once


@native
def search_blocks(given_: int, places: int, room: int, counter: int) -> None:
    """Both, image by image, so that the maxima and their places stay in the cache.

    The places are the images, the gradient in the maxima, and the gradient in the images.
    """
    given = record_at(given_, POOL)
    which = room + given.which
    start = take(counter) * given.at_once
    while start < given.images:
        for n in range(start, min(start + given.at_once, given.images)):
            call(given.pool, (given.sizes, 1, word(places, 0) + n * given.image, 0, room, which))
            grad, gradient = word(places, 1) + n * given.maxima, word(places, 2) + n * given.image
            call(given.unpool, (given.sizes, 1, grad, which, gradient, 0))
        start = take(counter) * given.at_once
