"""With this module one can take tensors apart: `tf.split` along a dim, `tf.unstack` into slices."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.static_value import static_scalar, static_value
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import Dimension, TensorShape, shape_of_dims, unknown_shape
from minitf.ops.array_ops.concat_ops import concat, stack
from minitf.ops.array_ops.shape_ops import canonical_axis


def one_or_many(arrays: Any) -> Any:
    """What a kernel with a list of outputs returns: the one array, or a tuple of several."""
    return arrays[0] if len(arrays) == 1 else tuple(arrays)


# ---- Unpack

UNPACK = op_def("Unpack(value: T) -> (output: num * T)", "num: int", "T: type", "axis: int = 0")


@UNPACK.shape
def unpack_shape(op: Operation) -> list[TensorShape]:
    num, dims = op._attrs["num"], op.inputs[0].shape._dims
    if dims is None:
        return [unknown_shape()] * num
    axis = canonical_axis(op._attrs["axis"], len(dims))
    if dims[axis] not in (None, num):
        raise ValueError(f"Dimension must be {num} but is {dims[axis]}")
    return [shape_of_dims(dims[:axis] + dims[axis + 1 :])] * num


@UNPACK.kernel
def unpack_kernel(value: Any, *, num: int, axis: int) -> Any:
    if value.shape[axis] != num:
        raise ValueError(f"Input shape axis {axis} must equal {num}, got shape {list(value.shape)}")
    rows = np.moveaxis(value, axis, 0)
    return one_or_many([np.array(row, value.dtype, order="C") for row in rows]) if num else ()


@UNPACK.gradient
def unpack_gradient(op: Operation, *grads: Tensor) -> Any:
    return stack(list(_zeros_for_none(op, grads)), axis=op.get_attr("axis"))


def _zeros_for_none(op: Operation, grads: Any) -> Any:
    """The gradients, with zeros for outputs that nothing was computed from."""
    from minitf.ops.array_ops.fill_ops import zeros_like

    return [
        zeros_like(output) if grad is None else grad
        for output, grad in zip(op.outputs, grads, strict=True)
    ]


def unstack(
    value: Any, num: int | None = None, axis: int = 0, name: str = "unstack"
) -> list[Tensor]:
    """The slices of a tensor along a dim, which goes away (mirrors `tf.unstack`).

    Args:
      value: a tensor of rank 1 or more.
      num: how many slices there are; needed only where the static shape does not say it.
      axis: the dim; negative ones count from the end.
      name: the node's name.

    Raises:
      ValueError: if the number is not known, or the axis is out of range.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(*sess.run(tf.unstack([[1, 2], [3, 4]], axis=1)))
    [1 3] [2 4]
    """
    if num is None:
        value = convert_to_tensor(value)
        dims = value.shape._dims
        if dims is not None:
            if not -len(dims) <= axis < len(dims):
                raise errors.value_error(
                    f"Argument `axis` = {axis} not in range [{-len(dims)}, {len(dims)})"
                )
            num = dims[axis]
    if num is None:
        raise errors.value_error(f"Cannot infer argument `num` from shape {value.shape}")
    slices: Any = UNPACK(value, num=num, axis=axis, name=name)
    return slices if num else []  # a node without outputs comes back as itself


# ---- Split

SPLIT = op_def(
    "Split(split_dim: int32, value: T) -> (output: num_split * T)",
    "num_split: int > 1",
    "T: type",
)


@SPLIT.shape
def split_shape(op: Operation) -> list[TensorShape]:
    num, dims = op._attrs["num_split"], op.inputs[1].shape._dims
    axis_value = static_scalar(op.inputs[0])
    if dims is None:
        return [unknown_shape()] * num
    if axis_value is None:
        return [unknown_shape(len(dims))] * num
    axis = _split_axis(int(axis_value), len(dims))
    size = dims[axis]
    if size is not None and size % num:
        raise ValueError(f"Dimension size must be evenly divisible by {num} but is {size}")
    part = None if size is None else size // num
    return [shape_of_dims(dims[:axis] + (part,) + dims[axis + 1 :])] * num


def _split_axis(axis: int, rank: int) -> int:
    if not -rank <= axis < rank:
        raise ValueError(
            f"Dimension size, given by scalar input {axis} must be in range [{-rank}, {rank})"
        )
    return axis % rank


@SPLIT.kernel
def split_kernel(split_dim: Any, value: Any, *, num_split: int) -> Any:
    axis = int(split_dim)
    if not -value.ndim <= axis < value.ndim:
        raise ValueError(
            f"-input rank(-{value.ndim}) <= split_dim < input rank ({value.ndim}), but got {axis}"
        )
    if value.shape[axis] % num_split:
        raise ValueError(
            f"Number of ways to split should evenly divide the split dimension, but got "
            f"split_dim {axis} (size = {value.shape[axis]}) and num_split {num_split}"
        )
    return one_or_many([part.copy() for part in np.split(value, num_split, axis)])


@SPLIT.gradient
def split_gradient(op: Operation, *grads: Tensor) -> Any:
    return None, concat(_zeros_for_none(op, grads), op.inputs[0])


# ---- SplitV

SPLIT_V = op_def(
    "SplitV(value: T, size_splits: Tlen, split_dim: int32) -> (output: num_split * T)",
    "num_split: int > 1",
    "T: type",
    "Tlen: {int8, int32, int64} = int64",
)


@SPLIT_V.shape
def split_v_shape(op: Operation) -> list[TensorShape]:
    num, dims = op._attrs["num_split"], op.inputs[0].shape._dims
    axis_value = static_scalar(op.inputs[2])
    if dims is None:
        return [unknown_shape()] * num
    if axis_value is None:
        return [unknown_shape(len(dims))] * num
    axis = _split_axis(int(axis_value), len(dims))
    value, total = static_value(op.inputs[1]), dims[axis]
    length = op.inputs[1].shape._dims
    if length is not None and length not in ((num,), (None,)):
        raise ValueError(f"Length of size_splits should be equal to num_outputs: {num}")
    if value is None:
        sizes: list[int | None] = [None] * num
    elif total is None:
        sizes = [None if size == -1 else size for size in value.tolist()]
    else:
        sizes = list(_resolved_sizes(value.tolist(), total))
    return [shape_of_dims(dims[:axis] + (size,) + dims[axis + 1 :]) for size in sizes]


def _resolved_sizes(sizes: list[int], total: int) -> list[int]:
    """The sizes with -1 worked out.

    Raises:
      ValueError: if they do not add up.
    """
    if sizes.count(-1) > 1:
        raise ValueError("size_splits can only have one -1")
    left = total - sum(size for size in sizes if size != -1)
    resolved = [left if size == -1 else size for size in sizes]
    for i, size in enumerate(resolved):
        if size < 0:
            raise ValueError(f"Split size at index {i} must be >= 0. Got: {size}")
    if sum(resolved) != total:
        pieces = ",".join(map(str, sizes))
        raise ValueError(f"can't split axis of size {total} into pieces of size [{pieces}]")
    return resolved


@SPLIT_V.kernel
def split_v_kernel(value: Any, size_splits: Any, split_dim: Any, *, num_split: int) -> Any:
    axis = int(split_dim)
    if not -value.ndim <= axis < value.ndim:
        raise ValueError(
            f"-input rank(-{value.ndim}) <= split_dim < input rank ({value.ndim}), but got {axis}"
        )
    sizes = _resolved_sizes(size_splits.tolist(), value.shape[axis])
    parts = np.split(value, np.cumsum(sizes)[:-1], axis)
    return one_or_many([part.copy() for part in parts])


@SPLIT_V.gradient
def split_v_gradient(op: Operation, *grads: Tensor) -> Any:
    return concat(_zeros_for_none(op, grads), op.inputs[2]), None, None


def split(
    value: Any,
    num_or_size_splits: Any,
    axis: Any = 0,
    num: int | None = None,
    name: str = "split",
) -> list[Tensor]:
    """A tensor in pieces along a dim (mirrors `tf.split`).

    Args:
      value: a tensor of rank 1 or more.
      num_or_size_splits: an int, the number of equal pieces; or a vector of their sizes, one of
        which may be -1 and takes what is left.
      axis: the dim; negative ones count from the end.
      num: the number of pieces, needed only where the sizes are a tensor of unknown length.
      name: the node's name.

    Raises:
      ValueError: if the dim does not divide, or the number of pieces is not known.
      TypeError: if the value is a number.

    >>> import minitf as tf
    >>> a, b = tf.split(tf.zeros([5, 4]), [1, -1], axis=1)
    >>> a.shape.as_list(), b.shape.as_list()
    ([5, 1], [5, 3])
    """
    if isinstance(value, int):
        raise errors.type_error(
            "tf.split takes the tensor first, then the number of pieces, then the axis: here the "
            "first is a number, as before TensorFlow 1.0.",
            do="tf.split(value, num_or_size_splits, axis).",
        )
    if isinstance(num_or_size_splits, (int, np.integer, Dimension)):
        equal: list[Tensor] = SPLIT(axis, value, num_split=num_or_size_splits, name=name)
        return equal
    sizes = convert_to_tensor(num_or_size_splits)
    if sizes.shape.ndims == 0:
        raise errors.value_error(
            "Rank-0 tensors are not supported as the num_or_size_splits argument to split. "
            f"Argument provided: {num_or_size_splits}"
        )
    if num is None:
        num = None if sizes.shape._dims is None else sizes.shape._dims[0]
        if num is None:
            raise errors.value_error(f"Cannot infer argument `num` from shape {sizes.shape}")
    result: list[Tensor] = SPLIT_V(value, sizes, axis, num_split=num, name=name)
    return result
