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

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from minitf.kernels import conv, direct, pool2x2
from minitf.kernels.jit import jit, readonly
from minitf.kernels.padding import Pair
from minitf.kernels.parallel import parallel_for
from minitf.kernels.reference import NONE, ONE, Pads
from minitf.kernels.sums import row_sums, sum_rows
from minitf.kernels.workspace import output as buffer
from minitf.kernels.workspace import workspace

Array = npt.NDArray[Any]

# Images are computed in no more blocks than this, if their number allows.
_BLOCKS = 32


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
    prepared = conv.prepare(input, filter, strides=strides, padding=padding, dilations=dilations)
    result, offsets = buffer(out, prepared.shape, input.dtype), readonly(bias)

    def images(first: int, last: int) -> None:
        block = result[first:last]
        prepared.compute(first, last, block)
        _add_bias(block.reshape(-1, block.shape[3]), offsets, relu)

    _in_blocks(len(input), prepared.at_once, images)
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
    prepared = conv.prepare(input, filter, strides=strides, padding=padding, dilations=dilations)
    shape = pool2x2.pooled_shape(prepared.shape, pool_padding)
    pooled, where = buffer(out, shape, input.dtype), buffer(which, shape, np.uint8)
    offsets = readonly(bias)

    def images(first: int, last: int) -> None:
        block = workspace("layer", (last - first, *prepared.shape[1:]), input.dtype)
        prepared.compute(first, last, block)
        pool2x2.pool_images(block, offsets, pooled[first:last], where[first:last])

    _in_blocks(len(input), prepared.at_once, images)
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
    source, where, channels = readonly(grad), readonly(which), filter_shape[3]
    given: dict[str, Any] = {"strides": strides, "padding": padding, "dilations": dilations}
    shape = (len(input), *out_size, channels)
    if conv.by_winograd(conv.FILTER_GRADIENT, grad.dtype, shape[:3], filter_shape, **given):
        layer = workspace("whole layer", shape, grad.dtype)
        _, bias_gradient = pool2x2.bias_relu_max_pool_2x2_grad(
            grad, which, shape, out=layer, bias_out=bias_out
        )
        gradient = conv.conv2d_backprop_filter(input, filter_shape, layer, **given, out=out)
        return gradient, bias_gradient
    sums = row_sums("bias", shape, grad.dtype)

    def grads(first: int, last: int) -> Array:
        block = workspace("layer", (last - first, *out_size, channels), grad.dtype)
        block_sums = row_sums("block's bias", block.shape, grad.dtype)
        pool2x2.unpool_images(source[first:last], where[first:last], block, block_sums)
        sums[first:last] = block_sums  # for an image that is asked for twice, by two threads
        return readonly(block)

    gradient = direct.filter_gradient_of(input, filter_shape, shape, grads, **given, out=out)
    bias_gradient = buffer(bias_out, (channels,), grad.dtype)
    return gradient, sum_rows(sums.reshape(-1, channels), out=bias_gradient)


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


def _in_blocks(total: int, least: int, images: Callable[[int, int], None]) -> None:
    """Calls `images(first, last)` for blocks of at least so many images, on all threads."""
    size = max(least, -(-total // _BLOCKS), 1)
    parallel_for(
        -(-total // size), lambda index: images(index * size, min((index + 1) * size, total))
    )


@jit
def _add_bias(pixels: Array, bias: Array, relu: bool) -> None:
    for i in range(pixels.shape[0]):
        for c in range(pixels.shape[1]):
            value = pixels[i, c] + bias[c]
            pixels[i, c] = 0 if relu and value <= 0 else value
