"""With this module one can convolve and do what follows while the numbers are still in the cache.

A layer of a network is more than its convolution: a bias, a relu, often a pool. Each of them by
itself reads all outputs from memory and writes them back, and takes longer for that than for its
arithmetic. Here a block of images is convolved into memory that a core has to itself, and what
follows is done there; only the layer's result leaves the core:

    images  ->  [ convolution  ->  bias, relu, maximum of 2x2 ]  ->  a quarter as many numbers
                  one block of images at a time, in one core's cache

    filter's gradient  <-  [ convolution's gradient  <-  gradient spread to one of 2x2 ]  <-  ...

The results are those of the separate kernels, to the bit; `out` and the like are for callers who
have planned their memory. All of this is for float32 and float64 where kernels run compiled
(`dispatch.compiles`).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minitf.kernels import conv, direct, pool2x2
from minitf.kernels.jit import NativeKernel, native
from minitf.kernels.padding import Pair
from minitf.kernels.records import array_at, fields, record, record_at
from minitf.kernels.reference import NONE, ONE, Pads
from minitf.kernels.simd import call, take, word
from minitf.kernels.stages import Stage, Stages, planned
from minitf.kernels.sums import add_rows, row_sums
from minitf.kernels.workspace import address, contiguous, laid_out, workspace
from minitf.kernels.workspace import output as buffer

Array = npt.NDArray[Any]


def conv2d_bias_relu(
    input: Array,
    filter: Array,
    bias: Array,
    *,
    strides: Pair = ONE,
    padding: Pads = NONE,
    dilations: Pair = ONE,
    relu: bool = True,
    out: Array | None = None,
) -> Array:
    """relu(convolution + bias).

    Args:
      input: as for `conv.conv2d`.
      filter: as for `conv.conv2d`.
      bias: one number for each output channel.
      strides: as for `conv.conv2d`.
      padding: as for `conv.conv2d`.
      dilations: as for `conv.conv2d`.
      relu: False to leave the relu out.
      out: where to put the result, if given.

    Returns:
      `out`, or a new array, of shape (batch, output height, output width, output channels).

    >>> image, bias = np.arange(9.0).reshape(1, 3, 3, 1), np.array([-15.0])
    >>> conv2d_bias_relu(image, np.ones((2, 2, 1, 1)), bias).ravel()
    array([0., 0., 5., 9.])
    """
    layer = _layer(
        input.shape, filter.shape, input.dtype, strides, padding, dilations,
        "bias_relu" if relu else "bias", NONE, conv.mode(),
    )  # fmt: skip
    result = buffer(out, layer.shape, input.dtype)
    _run(layer, input, filter, bias, result, 0)
    return result


def conv2d_bias_relu_max_pool(
    input: Array,
    filter: Array,
    bias: Array,
    *,
    strides: Pair = ONE,
    padding: Pads = NONE,
    dilations: Pair = ONE,
    pool_padding: Pads = NONE,
    out: Array | None = None,
    which: Array | None = None,
) -> tuple[Array, Array]:
    """The maxima of 2x2 cells of relu(convolution + bias), and where they were.

    Args:
      input: as for `conv.conv2d`.
      filter: as for `conv.conv2d`.
      bias: one number for each output channel.
      strides: as for `conv.conv2d`.
      padding: as for `conv.conv2d`.
      dilations: as for `conv.conv2d`.
      pool_padding: that of the pool; see `pool2x2.max_pool_2x2`.
      out: where to put the maxima, if given.
      which: where to put which cells had them, if given; see `pool2x2`.

    Returns:
      Both, of shape (batch, pooled height, pooled width, output channels).

    >>> image, bias = np.arange(9.0).reshape(1, 3, 3, 1), np.array([-15.0])
    >>> maxima, which = conv2d_bias_relu_max_pool(image, np.ones((2, 2, 1, 1)), bias)
    >>> maxima.item(), which.item()
    (9.0, 3)
    """
    layer = _layer(
        input.shape, filter.shape, input.dtype, strides, padding, dilations,
        "bias_relu_max_pool", pool_padding, conv.mode(),
    )  # fmt: skip
    pooled, where = buffer(out, layer.shape, input.dtype), buffer(which, layer.shape, np.uint8)
    _run(layer, input, filter, bias, pooled, where)
    return pooled, where


def conv2d_backprop_filter_through_pool(
    input: Array,
    filter_shape: Sequence[int],
    grad: Array,
    which: Array,
    out_size: Pair,
    *,
    strides: Pair = ONE,
    padding: Pads = NONE,
    dilations: Pair = ONE,
    out: Array | None = None,
    bias_out: Array | None = None,
) -> tuple[Array, Array]:
    """The gradients of `conv2d_bias_relu_max_pool` in its filter and its bias.

    For a first layer, whose input needs no gradient. The gradient of the convolution's output, most
    of which is zeros, is never there as a whole, unless the filter's gradient is computed by
    Winograd's method.

    Args:
      input: of the layer.
      filter_shape: of the filter.
      grad: the gradient in the maxima.
      which: what the way forward gave.
      out_size: height and width of the convolution's output.
      strides: as for `conv.conv2d`.
      padding: as for `conv.conv2d`.
      dilations: as for `conv.conv2d`.
      out: where to put the filter's gradient, if given.
      bias_out: where to put the bias's gradient, if given.
    """
    channels = filter_shape[3]
    given: dict[str, Any] = {"strides": strides, "padding": padding, "dilations": dilations}
    shape = (len(input), *out_size, channels)
    fast = conv.by_winograd(conv.FILTER_GRADIENT, grad.dtype, shape[:3], filter_shape, **given)
    if fast or 0 in filter_shape:  # in which case there are sums for the bias all the same
        layer = workspace("whole layer", shape, grad.dtype)
        _, bias_gradient = pool2x2.bias_relu_max_pool_2x2_grad(
            grad, which, shape, out=layer, bias_out=bias_out
        )
        gradient = conv.conv2d_backprop_filter(input, filter_shape, layer, **given, out=out)
        return gradient, bias_gradient
    sums = row_sums("bias", shape, grad.dtype)
    gradient = direct.conv2d_backprop_filter_through_pool(
        input, filter_shape, grad, which, sums, out_size, **given, out=out
    )
    bias_gradient = buffer(bias_out, (channels,), grad.dtype)
    return gradient, add_rows(sums.reshape(-1, channels), out=bias_gradient)


def suits(
    which: str, dtype: npt.DTypeLike, filter_shape: Sequence[int], strides: Pair = ONE
) -> bool:
    """Whether the functions above give the bits of `conv`'s for such a convolution.

    They do not know all of its algorithms.

    Args:
      which: what is computed, FORWARD or FILTER_GRADIENT; see `conv.why`.
      dtype: of the arrays.
      filter_shape: of the filter.
      strides: as for `conv.conv2d`.

    >>> suits(conv.FORWARD, "int32", (5, 5, 32, 64))
    False
    """
    # For no outputs "direct" stands for Winograd's method too, and the functions know both.
    algorithm = conv.why(which, dtype, (0, 0, 0), filter_shape, strides=strides).partition(":")[0]
    return algorithm == "direct" or (algorithm == "pointwise" and which == conv.FORWARD)


def _run(
    layer: _Layer, input: Array, filter: Array, bias: Array, out: Array, which: Array | int
) -> None:
    images, weights, offsets = contiguous(input), contiguous(filter), contiguous(bias)
    layer.stages.run(images, weights, out, *layer.scratch(), offsets, which)


class _Layer(NamedTuple):
    """A convolution and what follows, for arrays of some shapes.

    Attributes:
      shape: of the result.
      stages: all that is done.
      scratch: gives the places that the convolution wants beside its arrays.
    """

    shape: tuple[int, ...]
    stages: Stages
    scratch: Callable[[], tuple[Array | int, ...]]


@planned
def _layer(
    input_shape: tuple[int, ...],
    filter_shape: tuple[int, ...],
    dtype: np.dtype[Any],
    strides: Pair,
    padding: Pads,
    dilations: Pair,
    after: str,
    pool_padding: Pads,
    mode: str,
) -> _Layer:
    """Has a block of images convolved, then does what comes after, and so on, on all threads."""
    prepared = conv.prepare(
        input_shape, filter_shape, dtype, strides=strides, padding=padding, dilations=dilations
    )
    images, height, width, channels = shape = prepared.shape
    if after == "bias_relu_max_pool":
        shape = pool2x2.pooled_shape(shape, pool_padding)
        step = pool2x2.pooling(dtype, prepared.shape, shape)
    else:
        numbers = record(BIAS_SIZES, pixels=height * width, channels=channels)
        step = pool2x2.Step(_adder(dtype, after == "bias_relu"), numbers)
    size, out = dtype.itemsize, math.prod(shape[1:])
    at_once = min(prepared.at_once, max(images, 1))  # what there is room for
    _, room = laid_out(at_once * height * width * channels * size)
    given = record(
        LAYER,
        convolve=prepared.convolve.address(),
        convolution=address(prepared.given),
        after=step.code.address(),
        sizes=address(step.given),
        images=images,
        at_once=at_once,
        out=out * size,
        which=out,
        room=room,
    )
    blocks = Stage(layer_blocks, -(-images // at_once), given)
    keep = prepared.given, *prepared.keep, step
    stages = Stages(*prepared.before, blocks, room=room + prepared.room, keep=keep)
    return _Layer(shape, stages, prepared.scratch)


@functools.cache
def _adder(dtype: np.dtype[Any], relu: bool) -> NativeKernel[Any, None]:
    name = f"_{dtype.name}{'_relu' if relu else ''}"
    return add_bias_some.specialize(name, DTYPE=dtype.type, RELU=relu)


# Compiled

# Which of its places a stage finds what at, after those of the convolution.
OUTPUT, BIAS, WHICH = 2, 5, 6

# What `layer_blocks` is given: the addresses of what convolves and of its record, and of what comes
# after and its; how many images there are, and are taken at once; the bytes of an image's results,
# and of what says which cells had the maxima; and those of a block's outputs, in a thread's room,
# after which that of the convolution begins.
LAYER = fields(
    "convolve", "convolution", "after", "sizes", "images", "at_once", "out", "which", "room"
)  # fmt: skip

# What `add_bias_some` is given.
BIAS_SIZES = fields("pixels", "channels")

# Put in by `specialize`.
DTYPE: Any = np.float32
RELU = False


@native
def layer_blocks(given_: int, places: int, room: int, counter: int) -> None:
    """Blocks of images, from the convolution to the last."""
    given = record_at(given_, LAYER)
    first = take(counter) * given.at_once
    while first < given.images:
        some = min(given.at_once, given.images - first)
        below = room + given.room
        call(given.convolve, (given.convolution, places, below, first, first + some, room))
        call(
            given.after,
            (
                given.sizes,
                some,
                room,
                word(places, BIAS),
                word(places, OUTPUT) + first * given.out,
                word(places, WHICH) + first * given.which,
            ),
        )
        first = take(counter) * given.at_once


@native
def add_bias_some(given_: int, images: int, layer: int, bias: int, out: int, which: int) -> None:
    """Adds the bias to each pixel of some images, and a relu."""
    given = record_at(given_, BIAS_SIZES)
    shape = images * given.pixels, given.channels
    numbers, results = array_at(layer, shape, DTYPE), array_at(out, shape, DTYPE)
    offsets = array_at(bias, given.channels, DTYPE)
    for i in range(shape[0]):
        for c in range(given.channels):
            value = numbers[i, c] + offsets[c]
            results[i, c] = DTYPE(0) if RELU and value <= 0 else value
