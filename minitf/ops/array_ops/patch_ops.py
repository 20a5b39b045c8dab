"""With this module one can lay out the patches of images that a convolution would look at."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, shape_of_dims, unknown_shape
from minitf.ops import math_ops
from minitf.ops.array_ops.shape_ops import reshape, shape, size
from minitf.ops.array_ops.split_ops import unstack
from minitf.ops.array_ops.transpose_ops import transpose

# ---- ExtractImagePatches

EXTRACT_IMAGE_PATCHES = op_def(
    "ExtractImagePatches(images: T) -> (patches: T)",
    "ksizes: list(int)",
    "strides: list(int)",
    "rates: list(int)",
    "T: realnumber",
    'padding: {"SAME", "VALID"}',
)


def _places(dim: int, ksize: int, stride: int, rate: int, padding: str) -> tuple[int, int]:
    """How many patches lie along a dim, and how far before it the first one starts."""
    reach = (ksize - 1) * rate + 1
    if padding == "VALID":
        room = dim - reach + stride
        count, before = (room // stride if room >= 0 else -(-room // stride)), 0
        if count < 0:
            raise ValueError(
                f"Computed output size would be negative: {count} [input_size: {dim}, "
                f"effective_filter_size: {reach}, stride: {stride}]"
            )
    else:
        count = -(-dim // stride)
        before = max(0, (count - 1) * stride + reach - dim) // 2
    return count, before


def _positions(dim: int, ksize: int, stride: int, rate: int, padding: str) -> Any:
    """For each patch and each of its elements, where it lies in the dim; maybe outside."""
    count, before = _places(dim, ksize, stride, rate, padding)
    starts = np.arange(count)[:, np.newaxis] * stride - before
    return starts + np.arange(ksize) * rate


def _along(attrs: Any, axis: int) -> tuple[int, int, int, str]:
    """The attributes that say how patches lie along an axis."""
    sizes = (attrs[name][axis] for name in ("ksizes", "strides", "rates"))
    return (*sizes, attrs["padding"])


def _grid(attrs: Any, height: int, width: int) -> tuple[Any, Any]:
    """The rows and the columns of the elements of the patches."""
    return _positions(height, *_along(attrs, 1)), _positions(width, *_along(attrs, 2))


@EXTRACT_IMAGE_PATCHES.shape
def extract_image_patches_shape(op: Operation) -> list[TensorShape]:
    for name in ("ksizes", "strides", "rates"):
        sizes = op._attrs[name]
        if len(sizes) != 4 or sizes[0] != 1 or sizes[3] != 1:
            raise ValueError(f"{name} must have the form [1, rows, columns, 1], but is {sizes}")
        if min(sizes) < 1:
            raise ValueError(f"{name} must be positive, but is {sizes}")
    dims = op.inputs[0].shape._dims
    if dims is None:
        return [unknown_shape(4)]
    if len(dims) != 4:
        raise ValueError(f"Shape must be rank 4 but is rank {len(dims)}")
    n, height, width, depth = dims
    ksizes = op._attrs["ksizes"]
    size = None if depth is None else depth * ksizes[1] * ksizes[2]
    if height is None or width is None:
        return [shape_of_dims((n, None, None, size))]
    rows, _ = _places(height, *_along(op._attrs, 1))
    columns, _ = _places(width, *_along(op._attrs, 2))
    return [shape_of_dims((n, rows, columns, size))]


@EXTRACT_IMAGE_PATCHES.kernel
def extract_image_patches_kernel(
    images: Any, *, ksizes: Any, strides: Any, rates: Any, padding: str
) -> Any:
    attrs = {"ksizes": ksizes, "strides": strides, "rates": rates, "padding": padding}
    n, height, width, depth = images.shape
    rows, cols = _grid(attrs, height, width)
    # A border of one zero stands for everything outside.
    framed = np.zeros((n, height + 1, width + 1, depth), images.dtype)
    framed[:, :height, :width] = images
    rows = np.where((rows < 0) | (rows >= height), height, rows)
    cols = np.where((cols < 0) | (cols >= width), width, cols)
    patches = framed[:, rows[:, np.newaxis, :, np.newaxis], cols[np.newaxis, :, np.newaxis, :]]
    return patches.reshape(n, len(rows), len(cols), ksizes[1] * ksizes[2] * depth)


@EXTRACT_IMAGE_PATCHES.gradient
def extract_image_patches_gradient(op: Operation, grad: Tensor) -> Any:
    # Patches of the pixels' own numbers, from 1 on, say where each element came from: 0 is outside.
    batch, height, width, depth = unstack(shape(op.inputs[0]), 4)
    numbers = reshape(math_ops.range(1, height * width + 1), [1, height, width, 1])
    attrs = {name: op._attrs[name] for name in ("ksizes", "strides", "rates", "padding")}
    places = reshape(EXTRACT_IMAGE_PATCHES(numbers, **attrs), [-1])
    elements = transpose(reshape(grad, [batch, size(places), depth]), [1, 0, 2])
    summed = math_ops.unsorted_segment_sum(elements, places, height * width + 1)[1:]
    return transpose(reshape(summed, [height, width, batch, depth]), [2, 0, 1, 3])


def extract_image_patches(
    images: Any,
    ksizes: Any = None,
    strides: Any = None,
    rates: Any = None,
    padding: Any = None,
    name: str | None = None,
    sizes: Any = None,
) -> Tensor:
    """The patches of images, each laid out in depth (mirrors `tf.extract_image_patches`).

    Args:
      images: real numbers `[batch, height, width, depth]`.
      ksizes: the size of the patches, `[1, rows, columns, 1]`.
      strides: how far apart patches are, `[1, rows, columns, 1]`.
      rates: how far apart the elements of a patch are, `[1, rows, columns, 1]`.
      padding: "VALID" for patches inside the image only; "SAME" to fill up with zeros.
      name: the node's name.
      sizes: a newer name of `ksizes`.

    Returns:
      A tensor `[batch, patch rows, patch columns, rows * columns * depth]`.

    Raises:
      ValueError: if the sizes do not have that form.

    >>> import minitf as tf
    >>> x = tf.reshape(tf.range(9), [1, 3, 3, 1])
    >>> with tf.Session() as sess:
    ...     patches = tf.extract_image_patches(x, [1, 2, 2, 1], [1] * 4, [1] * 4, "VALID")
    ...     print(sess.run(patches)[0, 0])
    [[0 1 3 4]
     [1 2 4 5]]
    """
    result: Tensor = EXTRACT_IMAGE_PATCHES(
        images,
        ksizes=ksizes if sizes is None else sizes,
        strides=strides,
        rates=rates,
        padding=padding,
        name=name,
    )
    return result
