"""With this module one can trade the height and width of images for depth, batch and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.static_value import static_value
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import Dims, TensorShape, shape_of_dims, unknown_shape
from minitf.ops.array_ops.shape_ops import one_of

_BLOCK_ATTRS = ("T: type", "block_size: int > 2", 'data_format: {"NHWC", "NCHW"} = "NHWC"')


def _divided(size: int | None, by: int) -> int | None:
    """The size divided.

    Raises:
      ValueError: if that leaves a rest.
    """
    if size is not None and size % by:
        raise ValueError(f"Dimension size must be evenly divisible by {by} but is {size}")
    return None if size is None else size // by


def _times(size: int | None, by: int) -> int | None:
    return None if size is None else size * by


def _image_dims(op: Operation) -> list[int | None] | None:
    """Batch, height, width and depth of the input, whatever its data format."""
    dims = op.inputs[0].shape._dims
    if dims is None:
        return None
    if len(dims) != 4:
        raise ValueError(f"Shape must be rank 4 but is rank {len(dims)}")
    return [dims[i] for i in ((0, 2, 3, 1) if op._attrs["data_format"] == "NCHW" else range(4))]


def _image_shape(op: Operation, dims: list[int | None]) -> list[TensorShape]:
    order = (0, 3, 1, 2) if op._attrs["data_format"] == "NCHW" else range(4)
    return [shape_of_dims(tuple(dims[i] for i in order))]


# ---- SpaceToDepth

SPACE_TO_DEPTH = op_def("SpaceToDepth(input: T) -> (output: T)", *_BLOCK_ATTRS)


@SPACE_TO_DEPTH.shape
def space_to_depth_shape(op: Operation) -> list[TensorShape]:
    dims, block = _image_dims(op), op._attrs["block_size"]
    if dims is None:
        return [unknown_shape(4)]
    n, h, w, c = dims
    return _image_shape(op, [n, _divided(h, block), _divided(w, block), _times(c, block * block)])


@SPACE_TO_DEPTH.kernel
def space_to_depth_kernel(input: Any, *, block_size: int, data_format: str) -> Any:
    b = block_size
    images = np.moveaxis(input, 1, -1) if data_format == "NCHW" else input
    n, h, w, c = images.shape
    if h % b or w % b:
        raise ValueError(f"Image width {w} and height {h} should be divisible by block_size: {b}")
    blocks = images.reshape(n, h // b, b, w // b, b, c).transpose(0, 1, 3, 2, 4, 5)
    result = blocks.reshape(n, h // b, w // b, b * b * c)
    return (np.moveaxis(result, -1, 1) if data_format == "NCHW" else result).copy()


@SPACE_TO_DEPTH.gradient
def space_to_depth_gradient(op: Operation, grad: Tensor) -> Any:
    attrs = {name: op._attrs[name] for name in ("block_size", "data_format")}
    return DEPTH_TO_SPACE(grad, **attrs)


def space_to_depth(
    input: Any, block_size: int, name: str | None = None, data_format: str = "NHWC"
) -> Tensor:
    """Images with each block of pixels stacked up in depth (mirrors `tf.space_to_depth`).

    Args:
      input: images `[batch, height, width, depth]`.
      block_size: the size `b` of the square blocks, which height and width must divide by.
      name: the node's name.
      data_format: "NHWC", or "NCHW" for images `[batch, depth, height, width]`.

    Returns:
      Images `[batch, height / b, width / b, depth * b * b]`.

    Raises:
      ValueError: if the blocks do not fit.

    >>> import minitf as tf
    >>> tf.space_to_depth(tf.zeros([1, 4, 6, 3]), 2).shape.as_list()
    [1, 2, 3, 12]
    """
    result: Tensor = SPACE_TO_DEPTH(
        input, block_size=block_size, data_format=data_format, name=name
    )
    return result


# ---- DepthToSpace

DEPTH_TO_SPACE = op_def("DepthToSpace(input: T) -> (output: T)", *_BLOCK_ATTRS)


@DEPTH_TO_SPACE.shape
def depth_to_space_shape(op: Operation) -> list[TensorShape]:
    dims, block = _image_dims(op), op._attrs["block_size"]
    if dims is None:
        return [unknown_shape(4)]
    n, h, w, c = dims
    return _image_shape(op, [n, _times(h, block), _times(w, block), _divided(c, block * block)])


@DEPTH_TO_SPACE.kernel
def depth_to_space_kernel(input: Any, *, block_size: int, data_format: str) -> Any:
    b = block_size
    images = np.moveaxis(input, 1, -1) if data_format == "NCHW" else input
    n, h, w, c = images.shape
    depth = _divided(c, b * b)
    blocks = images.reshape(n, h, w, b, b, depth).transpose(0, 1, 3, 2, 4, 5)
    result = blocks.reshape(n, h * b, w * b, depth)
    return (np.moveaxis(result, -1, 1) if data_format == "NCHW" else result).copy()


@DEPTH_TO_SPACE.gradient
def depth_to_space_gradient(op: Operation, grad: Tensor) -> Any:
    attrs = {name: op._attrs[name] for name in ("block_size", "data_format")}
    return SPACE_TO_DEPTH(grad, **attrs)


def depth_to_space(
    input: Any, block_size: int, name: str | None = None, data_format: str = "NHWC"
) -> Tensor:
    """Images with depth laid out as blocks of pixels (mirrors `tf.depth_to_space`).

    The inverse of `tf.space_to_depth`.

    Args:
      input: images `[batch, height, width, depth]`.
      block_size: the size `b` of the square blocks; the depth must divide by `b * b`.
      name: the node's name.
      data_format: "NHWC", or "NCHW" for images `[batch, depth, height, width]`.

    Returns:
      Images `[batch, height * b, width * b, depth / (b * b)]`.

    Raises:
      ValueError: if the depth does not divide.

    >>> import minitf as tf
    >>> tf.depth_to_space(tf.zeros([1, 2, 3, 12]), 2).shape.as_list()
    [1, 4, 6, 3]
    """
    result: Tensor = DEPTH_TO_SPACE(
        input, block_size=block_size, data_format=data_format, name=name
    )
    return result


# ---- SpaceToBatchND

SPACE_TO_BATCH_ND = op_def(
    "SpaceToBatchND(input: T, block_shape: Tblock_shape, paddings: Tpaddings) -> (output: T)",
    "T: type",
    "Tblock_shape: {int32, int64} = int32",
    "Tpaddings: {int32, int64} = int32",
)


def _block_operands(op: Operation) -> tuple[list[int] | None, list[list[int]] | None]:
    """The block's sizes and the paddings (or crops), as far as they are known.

    Raises:
      ValueError: if they do not fit each other or the input.
    """
    given, block, amounts = op.inputs
    if block.shape.ndims not in (None, 1):
        raise ValueError("block_shape must have rank 1.")
    sizes, pairs = static_value(block), static_value(amounts)
    if sizes is not None and pairs is not None and pairs.shape != (len(sizes), 2):
        raise ValueError(f"Shape {list(pairs.shape)} must be [{len(sizes)}, 2]")
    if sizes is not None and given.shape.ndims is not None and given.shape.ndims <= len(sizes):
        raise ValueError(
            f"Shape must be at least rank {len(sizes) + 1} but is rank {given.shape.ndims}"
        )
    for name, value, least in (("block_shape", sizes, 1), (op.op_def.inputs[2].name, pairs, 0)):
        if value is not None and value.size and value.min() < least:
            raise ValueError(f"{name} must be at least {least}, but is {value.tolist()}")
    return (
        None if sizes is None else sizes.tolist(),
        None if pairs is None else pairs.tolist(),
    )


def _without_blocks(op: Operation, dims: Dims) -> TensorShape:
    """What is known where the blocks are not: the dims that come after the space dims."""
    count = op.inputs[1].shape.num_elements()
    if dims is None or count is None:
        return unknown_shape(None if dims is None else len(dims))
    return unknown_shape(count + 1).concatenate(shape_of_dims(dims[count + 1 :]))


@SPACE_TO_BATCH_ND.shape
def space_to_batch_shape(op: Operation) -> list[TensorShape]:
    block, paddings = _block_operands(op)
    dims = op.inputs[0].shape._dims
    if dims is None or block is None:
        return [_without_blocks(op, dims)]
    batch, result = dims[0], list(dims)
    for i, size in enumerate(block):
        batch, dim = _times(batch, size), dims[i + 1]
        known = dim is not None and paddings is not None
        result[i + 1] = _divided(dim + sum(paddings[i]), size) if known else None  # type: ignore
    return [shape_of_dims((batch, *result[1:]))]


@SPACE_TO_BATCH_ND.kernel
def space_to_batch_kernel(input: Any, block_shape: Any, paddings: Any) -> Any:
    block, count = block_shape.tolist(), len(block_shape)
    rest = np.ndim(input) - count - 1
    padded = np.pad(input, [(0, 0), *paddings.tolist(), *[(0, 0)] * rest])
    # [batch, h b0, w b1, ...] -> [batch, h, b0, w, b1, ...] -> [b0, b1, batch, h, w, ...]
    split = [padded.shape[0]]
    for dim, size in zip(padded.shape[1:], block):
        _divided(dim, size)
        split += [dim // size, size]
    cut = padded.reshape(split + list(padded.shape[count + 1 :]))
    inner = [2 * i + 2 for i in range(count)]
    outer = [0, *(2 * i + 1 for i in range(count)), *range(2 * count + 1, cut.ndim)]
    turned = cut.transpose(inner + outer)
    batch = padded.shape[0] * int(np.prod(block))
    return turned.reshape(batch, *turned.shape[count + 1 :]).copy()


@SPACE_TO_BATCH_ND.gradient
def space_to_batch_gradient(op: Operation, grad: Tensor) -> Any:
    return BATCH_TO_SPACE_ND(grad, op.inputs[1], op.inputs[2]), None, None


def space_to_batch_nd(
    input: Any, block_shape: Any, paddings: Any, name: str | None = None
) -> Tensor:
    """Blocks of the space dims moved into the batch (mirrors `tf.space_to_batch_nd`).

    This is how a convolution with holes becomes one without.

    Args:
      input: a tensor `[batch, space dims..., rest...]`.
      block_shape: the size of the blocks in each space dim.
      paddings: how much to add before and after each space dim first, `[space dims, 2]`.
      name: the node's name.

    Raises:
      ValueError: if the blocks do not fit.

    >>> import minitf as tf
    >>> tf.space_to_batch_nd(tf.zeros([1, 4, 6, 3]), [2, 2], [[0, 0], [0, 0]]).shape.as_list()
    [4, 2, 3, 3]
    """
    result: Tensor = SPACE_TO_BATCH_ND(input, block_shape, paddings, name=name)
    return result


def space_to_batch(
    input: Any,
    paddings: Any,
    block_size: Any = None,
    name: str | None = None,
    block_shape: Any = None,
) -> Tensor:
    """`tf.space_to_batch_nd` for images with square blocks (mirrors `tf.space_to_batch`).

    Args:
      input: images `[batch, height, width, depth]`.
      paddings: how much to add before and after height and width.
      block_size: the size of the blocks.
      name: the node's name.
      block_shape: a newer name of `block_size`.

    Raises:
      ValueError: if the blocks do not fit.

    >>> import minitf as tf
    >>> tf.space_to_batch(tf.zeros([1, 4, 6, 3]), [[0, 0], [0, 0]], 2).shape.as_list()
    [4, 2, 3, 3]
    """
    size = one_of("block_size", block_size, "block_shape", block_shape)
    return space_to_batch_nd(input, np.array([size, size]), paddings, name=name)


# ---- BatchToSpaceND

BATCH_TO_SPACE_ND = op_def(
    "BatchToSpaceND(input: T, block_shape: Tblock_shape, crops: Tcrops) -> (output: T)",
    "T: type",
    "Tblock_shape: {int32, int64} = int32",
    "Tcrops: {int32, int64} = int32",
)


@BATCH_TO_SPACE_ND.shape
def batch_to_space_shape(op: Operation) -> list[TensorShape]:
    block, crops = _block_operands(op)
    dims = op.inputs[0].shape._dims
    if dims is None or block is None:
        return [_without_blocks(op, dims)]
    batch, result = dims[0], list(dims)
    for i, size in enumerate(block):
        batch, dim = _divided(batch, size), _times(dims[i + 1], size)
        result[i + 1] = None if dim is None or crops is None else dim - sum(crops[i])
        if result[i + 1] is not None and result[i + 1] < 0:  # type: ignore[operator]
            raise ValueError(f"Negative dimension size caused by subtracting {crops} from {dim}")
    return [shape_of_dims((batch, *result[1:]))]


@BATCH_TO_SPACE_ND.kernel
def batch_to_space_kernel(input: Any, block_shape: Any, crops: Any) -> Any:
    block, count = block_shape.tolist(), len(block_shape)
    batch, rest = divmod(input.shape[0], int(np.prod(block)))
    if rest:
        raise ValueError(
            f"Input batch dimension ({input.shape[0]}) is not divisible by product of block sizes "
            f"({np.prod(block)})"
        )
    # [b0, b1, batch, h, w, ...] -> [batch, h, b0, w, b1, ...] -> [batch, h b0, w b1, ...]
    cut = input.reshape(block + [batch] + list(input.shape[1:]))
    order = [count]
    for i in range(count):
        order += [count + 1 + i, i]
    turned = cut.transpose(order + list(range(2 * count + 1, cut.ndim)))
    sizes = [dim * size for dim, size in zip(input.shape[1:], block)]
    if any(size < sum(pair) for size, pair in zip(sizes, crops.tolist())):
        raise ValueError(f"cropped_shape must be non-negative: {sizes} without {crops.tolist()}")
    whole = turned.reshape([batch, *sizes, *input.shape[count + 1 :]])
    kept = [slice(None)] + [slice(a, n - b) for n, (a, b) in zip(sizes, crops.tolist())]
    return whole[tuple(kept)].copy()


@BATCH_TO_SPACE_ND.gradient
def batch_to_space_gradient(op: Operation, grad: Tensor) -> Any:
    return SPACE_TO_BATCH_ND(grad, op.inputs[1], op.inputs[2]), None, None


def batch_to_space_nd(input: Any, block_shape: Any, crops: Any, name: str | None = None) -> Tensor:
    """Blocks moved from the batch back into the space dims (mirrors `tf.batch_to_space_nd`).

    The inverse of `tf.space_to_batch_nd`.

    Args:
      input: a tensor `[batch, space dims..., rest...]`.
      block_shape: the size of the blocks in each space dim.
      crops: how much to cut off before and after each space dim in the end.
      name: the node's name.

    Raises:
      ValueError: if the batch does not divide by the number of elements of a block.

    >>> import minitf as tf
    >>> tf.batch_to_space_nd(tf.zeros([4, 2, 3, 3]), [2, 2], [[0, 0], [0, 1]]).shape.as_list()
    [1, 4, 5, 3]
    """
    result: Tensor = BATCH_TO_SPACE_ND(input, block_shape, crops, name=name)
    return result


def batch_to_space(
    input: Any,
    crops: Any,
    block_size: Any = None,
    name: str | None = None,
    block_shape: Any = None,
) -> Tensor:
    """`tf.batch_to_space_nd` for images with square blocks (mirrors `tf.batch_to_space`).

    Args:
      input: images `[batch, height, width, depth]`.
      crops: how much to cut off before and after height and width.
      block_size: the size of the blocks.
      name: the node's name.
      block_shape: a newer name of `block_size`.

    Raises:
      ValueError: if the batch does not divide.

    >>> import minitf as tf
    >>> tf.batch_to_space(tf.zeros([4, 2, 3, 3]), [[0, 0], [0, 0]], 2).shape.as_list()
    [1, 4, 6, 3]
    """
    size = one_of("block_size", block_size, "block_shape", block_shape)
    return batch_to_space_nd(input, np.array([size, size]), crops, name=name)
