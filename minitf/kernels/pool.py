"""With this module one can pool images, by maximum or average, and propagate gradients back.

A window of `ksize` cells slides over the input as in a convolution, and of each channel one number
is kept. Padding adds positions for the window, but no cells: neither the maximum nor the average
counts what lies outside the input.

Arrays are NHWC. What TensorFlow does with numbers that are none is kept: a maximum passes over
NaN, and begins at the lowest finite number, which remains if a window has nothing above it.

>>> import numpy as np
>>> from minitf.kernels.pool import avg_pool, max_pool
>>> image = np.array([[1.0, 2.0, 5.0], [3.0, 4.0, 7.0]]).reshape(1, 2, 3, 1)
>>> same = {"ksize": (2, 2), "strides": (2, 2), "padding": ((0, 0), (0, 1))}
>>> max_pool(image, **same).ravel(), avg_pool(image, **same).ravel()
(array([4., 7.]), array([2.5, 6. ]))
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from minitf.kernels import pool2x2, reference
from minitf.kernels.dispatch import or_reference
from minitf.kernels.jit import jit, readonly
from minitf.kernels.padding import Pair, spatial_sizes
from minitf.kernels.parallel import parallel_ranges
from minitf.kernels.reference import NONE, ONE, Pads, lowest
from minitf.kernels.workspace import output as buffer
from minitf.kernels.workspace import workspace

Array = npt.NDArray[Any]


@or_reference(reference.max_pool)
def max_pool(
    input: Array,
    *,
    ksize: Pair,
    strides: Pair = ONE,
    padding: Pads = NONE,
    out: Array | None = None,
) -> Array:
    """The largest number under each window. Mirrors the kernel of `tf.nn.max_pool`.

    Args:
      input: of shape (batch, height, width, channels); of any real dtype.
      ksize: the height and width of the window.
      strides: how far it moves.
      padding: how many positions are added, ((top, bottom), (left, right)); see `padding`.
      out: where to put the result, if given: contiguous, and of the right shape and dtype.

    Returns:
      `out`, or a new array, of shape (batch, output height, output width, channels).

    Raises:
      ValueError: if the window is larger than the padded input.
    """
    output = buffer(out, _pooled_shape(input, ksize, strides, padding), input.dtype)
    if pool2x2.suits(input.shape[1:3], ksize, strides, padding):
        which = workspace("which", output.shape, np.uint8)
        pool2x2.max_pool_2x2(input, padding=padding, out=output, which=which)
        return output
    source, least, origin = readonly(input), lowest(input.dtype), _origin(padding)

    def images(start: int, stop: int) -> None:
        _max_pool(source[start:stop], output[start:stop], least, ksize, strides, origin)

    parallel_ranges(len(output), images, work=_work(output, ksize))
    return output


@or_reference(reference.max_pool_grad)
def max_pool_grad(
    orig_input: Array,
    orig_output: Array,
    grad: Array,
    *,
    ksize: Pair,
    strides: Pair = ONE,
    padding: Pads = NONE,
    out: Array | None = None,
) -> Array:
    """The gradient of `max_pool` in its input. Mirrors the kernel of the op `MaxPoolGrad`.

    Each window's gradient goes to the cell where its maximum is; where several are equal, to the
    first, row by row. A NaN that is a window's first cell is not passed over here.

    Args:
      orig_input: the input of `max_pool`.
      orig_output: its output; only its shape matters.
      grad: the gradient in the output.
      ksize: as for `max_pool`.
      strides: as for `max_pool`.
      padding: as for `max_pool`.
      out: as for `max_pool`.

    Returns:
      `out`, or a new array, of the shape of `orig_input`.

    Raises:
      ValueError: if `grad` has not the shape of the output.
    """
    _check_shapes(orig_output, grad)
    gradient = buffer(out, orig_input.shape, grad.dtype)
    if pool2x2.suits(orig_input.shape[1:3], ksize, strides, padding):
        pool2x2.search_and_unpool(orig_input, grad, gradient)
        return gradient
    source, passed, origin = readonly(orig_input), readonly(grad), _origin(padding)

    def images(start: int, stop: int) -> None:
        here = slice(start, stop)
        _max_pool_grad(source[here], passed[here], gradient[here], ksize, strides, origin)

    parallel_ranges(len(gradient), images, work=2 * _work(grad, ksize))
    return gradient


@or_reference(reference.max_pool_grad_grad)
def max_pool_grad_grad(
    orig_input: Array,
    orig_output: Array,
    grad: Array,
    *,
    ksize: Pair,
    strides: Pair = ONE,
    padding: Pads = NONE,
) -> Array:
    """The gradient of `max_pool_grad` in its `grad`. Mirrors the op `MaxPoolGradGrad`.

    Gathers, for each window, the number that `grad` has at the first cell where the input equals
    the output; 0 if there is none, as with NaN.

    Args:
      orig_input: the input of `max_pool`.
      orig_output: its output.
      grad: of the shape of the input.
      ksize: as for `max_pool`.
      strides: as for `max_pool`.
      padding: as for `max_pool`.

    Returns:
      An array of the shape of `orig_output`.

    Raises:
      ValueError: if `grad` has not the shape of the input.
    """
    _check_shapes(orig_input, grad)
    result = np.empty(orig_output.shape, grad.dtype)
    source, output, origin = readonly(orig_input), readonly(orig_output), _origin(padding)
    gradient = readonly(grad)

    def images(start: int, stop: int) -> None:
        here = slice(start, stop)
        _max_pool_grad_grad(
            source[here], output[here], gradient[here], result[here], ksize, strides, origin
        )

    parallel_ranges(len(result), images, work=2 * _work(output, ksize))
    return result


@or_reference(reference.avg_pool)
def avg_pool(
    input: Array,
    *,
    ksize: Pair,
    strides: Pair = ONE,
    padding: Pads = NONE,
    out: Array | None = None,
) -> Array:
    """The average of what each window has inside the input. Mirrors `tf.nn.avg_pool`'s kernel.

    Args:
      input: of shape (batch, height, width, channels); float16, float32 or float64.
      ksize: the height and width of the window.
      strides: how far it moves.
      padding: how many positions are added, ((top, bottom), (left, right)); see `padding`.
      out: as for `max_pool`.

    Returns:
      `out`, or a new array, of shape (batch, output height, output width, channels).

    Raises:
      ValueError: if the window is larger than the padded input.
    """
    output = buffer(out, _pooled_shape(input, ksize, strides, padding), input.dtype)
    source, origin = readonly(input), _origin(padding)

    def images(start: int, stop: int) -> None:
        _avg_pool(source[start:stop], output[start:stop], ksize, strides, origin)

    parallel_ranges(len(output), images, work=_work(output, ksize))
    return output


@or_reference(reference.avg_pool_grad)
def avg_pool_grad(
    orig_input_shape: Sequence[int],
    grad: Array,
    *,
    ksize: Pair,
    strides: Pair = ONE,
    padding: Pads = NONE,
    out: Array | None = None,
) -> Array:
    """The gradient of `avg_pool` in its input. Mirrors the kernel of the op `AvgPoolGrad`.

    Args:
      orig_input_shape: the shape of the input of `avg_pool`.
      grad: the gradient in its output.
      ksize: as for `avg_pool`.
      strides: as for `avg_pool`.
      padding: as for `avg_pool`.
      out: as for `max_pool`.

    Returns:
      `out`, or a new array, of shape `orig_input_shape`.
    """
    gradient = buffer(out, orig_input_shape, grad.dtype)
    passed, origin = readonly(grad), _origin(padding)

    def images(start: int, stop: int) -> None:
        _avg_pool_grad(passed[start:stop], gradient[start:stop], ksize, strides, origin)

    parallel_ranges(len(gradient), images, work=_work(grad, ksize))
    return gradient


# What the public functions share


def _pooled_shape(input: Array, ksize: Pair, strides: Pair, padding: Pads) -> tuple[int, ...]:
    batch, *sizes, channels = input.shape
    return (batch, *spatial_sizes(sizes, ksize, strides, padding, ONE), channels)


def _origin(padding: Pads) -> Pair:
    """Where the first window stands: this far above and left of the first cell."""
    return padding[0][0], padding[1][0]


def _work(output: Array, ksize: Pair) -> int:
    """How many cells the windows of one image have; the machine takes several channels at once."""
    return math.prod(output.shape[1:]) * math.prod(ksize) // 2


def _check_shapes(like: Array, grad: Array) -> None:
    if like.shape != grad.shape:
        raise ValueError(f"the gradient must have shape {like.shape}, got {grad.shape}")


# Compiled. Channels are innermost in memory, so they are innermost here: such loops vectorise.


@jit
def _overlap(window: int, size: int, stride: int, origin: int, ksize: int) -> tuple[int, int]:
    """The cells of a dimension that lie under its `window`-th window."""
    first = window * stride - origin
    return max(first, 0), min(first + ksize, size)


@jit
def _max_pool(
    input: Array, output: Array, least: Any, ksize: Pair, strides: Pair, origin: Pair
) -> None:
    _, height, width, _ = input.shape
    images, rows, columns, channels = output.shape
    for n in range(images):
        for i in range(rows):
            top, bottom = _overlap(i, height, strides[0], origin[0], ksize[0])
            for j in range(columns):
                left, right = _overlap(j, width, strides[1], origin[1], ksize[1])
                for c in range(channels):
                    output[n, i, j, c] = least
                for y in range(top, bottom):
                    for x in range(left, right):
                        for c in range(channels):
                            if input[n, y, x, c] > output[n, i, j, c]:
                                output[n, i, j, c] = input[n, y, x, c]


@jit
def _max_pool_grad(
    input: Array, grad: Array, gradient: Array, ksize: Pair, strides: Pair, origin: Pair
) -> None:
    _, height, width, _ = input.shape
    images, rows, columns, channels = grad.shape
    largest = np.empty(channels, input.dtype)
    where = np.empty(channels, np.int32)
    gradient[:] = 0
    for n in range(images):
        for i in range(rows):
            top, bottom = _overlap(i, height, strides[0], origin[0], ksize[0])
            for j in range(columns):
                left, right = _overlap(j, width, strides[1], origin[1], ksize[1])
                if top >= bottom or left >= right:
                    continue
                for c in range(channels):
                    largest[c] = input[n, top, left, c]
                    where[c] = top * width + left
                for y in range(top, bottom):
                    for x in range(left, right):
                        here = np.int32(y * width + x)
                        for c in range(channels):
                            value = input[n, y, x, c]
                            better = value > largest[c]
                            largest[c] = value if better else largest[c]
                            where[c] = here if better else where[c]
                for y in range(top, bottom):
                    for x in range(left, right):
                        here = np.int32(y * width + x)
                        for c in range(channels):
                            share = grad[n, i, j, c] if where[c] == here else 0
                            gradient[n, y, x, c] += share


@jit
def _max_pool_grad_grad(
    input: Array,
    output: Array,
    grad: Array,
    result: Array,
    ksize: Pair,
    strides: Pair,
    origin: Pair,
) -> None:
    _, height, width, _ = input.shape
    images, rows, columns, channels = output.shape
    for n in range(images):
        for i in range(rows):
            top, bottom = _overlap(i, height, strides[0], origin[0], ksize[0])
            for j in range(columns):
                left, right = _overlap(j, width, strides[1], origin[1], ksize[1])
                for c in range(channels):
                    result[n, i, j, c] = 0
                for y in range(bottom - 1, top - 1, -1):  # backwards: the first remains
                    for x in range(right - 1, left - 1, -1):
                        for c in range(channels):
                            if input[n, y, x, c] == output[n, i, j, c]:
                                result[n, i, j, c] = grad[n, y, x, c]


@jit
def _avg_pool(input: Array, output: Array, ksize: Pair, strides: Pair, origin: Pair) -> None:
    _, height, width, _ = input.shape
    images, rows, columns, channels = output.shape
    for n in range(images):
        for i in range(rows):
            top, bottom = _overlap(i, height, strides[0], origin[0], ksize[0])
            for j in range(columns):
                left, right = _overlap(j, width, strides[1], origin[1], ksize[1])
                count = input.dtype.type(max((bottom - top) * (right - left), 1))
                for c in range(channels):
                    output[n, i, j, c] = 0
                for y in range(top, bottom):
                    for x in range(left, right):
                        for c in range(channels):
                            output[n, i, j, c] += input[n, y, x, c]
                for c in range(channels):
                    output[n, i, j, c] /= count


@jit
def _avg_pool_grad(grad: Array, gradient: Array, ksize: Pair, strides: Pair, origin: Pair) -> None:
    _, height, width, _ = gradient.shape
    images, rows, columns, channels = grad.shape
    gradient[:] = 0
    for n in range(images):
        for i in range(rows):
            top, bottom = _overlap(i, height, strides[0], origin[0], ksize[0])
            for j in range(columns):
                left, right = _overlap(j, width, strides[1], origin[1], ksize[1])
                count = grad.dtype.type(max((bottom - top) * (right - left), 1))
                for y in range(top, bottom):
                    for x in range(left, right):
                        for c in range(channels):
                            gradient[n, y, x, c] += grad[n, i, j, c] / count
