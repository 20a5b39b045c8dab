"""With this module one can join tensors: `tf.concat` along a dim, `tf.stack` along a new one."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import dtypes, errors
from minitf.framework.convert import convert_to_tensor, register_tensor_conversion_function
from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.scopes import name_scope
from minitf.framework.static_value import static_dim, static_shape_value, static_value
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, shape_of_dims, unknown_shape
from minitf.ops import math_ops
from minitf.ops.array_ops.identity_ops import identity
from minitf.ops.array_ops.shape_ops import SHAPE_N, canonical_axis, size

# ---- Pack

PACK = op_def("Pack(values: N * T) -> (output: T)", "N: int > 1", "T: type", "axis: int = 0")


def merged_shape(shapes: list[TensorShape]) -> TensorShape:
    """The shape that tensors which must be alike have together.

    Raises:
      ValueError: if two of them differ; the message names the first dim that does.
    """
    merged = shapes[0]
    for shape in shapes[1:]:
        a, b = merged._dims, shape._dims
        if a is None or b is None:
            merged = shape if a is None else merged
            continue
        if len(a) != len(b):
            raise ValueError(f"Shapes must be equal rank, but are {len(a)} and {len(b)}")
        for i, (p, q) in enumerate(zip(a, b, strict=True)):
            if p is not None and q is not None and p != q:
                raise ValueError(
                    f"Dimension {i} in both shapes must be equal, but are {p} and {q}. "
                    f"Shapes are {_brackets(merged)} and {_brackets(shape)}."
                )
        merged = merged.merge_with(shape)
    return merged


def _brackets(shape: TensorShape) -> str:
    return "[" + ",".join("?" if d is None else str(d) for d in shape.as_list()) + "]"


@PACK.shape
def pack_shape(op: Operation) -> list[TensorShape]:
    merged = merged_shape([tensor.shape for tensor in op.inputs])
    dims = merged._dims
    if dims is None:
        return [merged]
    axis = canonical_axis(op._attrs["axis"], len(dims) + 1)
    return [shape_of_dims(dims[:axis] + (len(op.inputs),) + dims[axis:])]


@PACK.partial_shape_value
def pack_partial_value(op: Operation) -> TensorShape | None:
    if any(tensor.shape.ndims for tensor in op.inputs):  # of unknown rank: a scalar, or an error
        return None
    return shape_of_dims(tuple(static_dim(tensor) for tensor in op.inputs))


@PACK.kernel
def pack_kernel(*values: Any, axis: int) -> Any:
    first = np.shape(values[0])
    for i, value in enumerate(values):
        if np.shape(value) != first:
            raise ValueError(
                "Shapes of all inputs must match: values[0].shape = "
                f"{list(first)} != values[{i}].shape = {list(np.shape(value))}"
            )
    return np.stack(values, axis=axis)


@PACK.gradient
def pack_gradient(op: Operation, grad: Tensor) -> Any:
    from minitf.ops.array_ops.split_ops import UNPACK

    return UNPACK(grad, num=len(op.inputs), axis=op.get_attr("axis"))


def stack(values: Any, axis: int = 0, name: str = "stack") -> Tensor:
    """Several tensors of one shape as the slices of a larger one (mirrors `tf.stack`).

    For tensors of shape `[A, B]`, axis 0 gives `[N, A, B]`, axis 1 `[A, N, B]` and axis -1
    `[A, B, N]`.

    Args:
      values: a list of tensors of one shape and dtype.
      axis: where the new dim stands in the result; negative ones count from the end.
      name: the node's name.

    Raises:
      ValueError: if the shapes differ or the axis is out of range.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.stack([tf.constant([1, 2]), tf.constant([3, 4])], axis=1)))
    [[1 3]
     [2 4]]
    """
    listed = isinstance(values, (list, tuple))
    if axis == 0 and not (listed and any(isinstance(v, np.ndarray) for v in values)):
        try:
            # What has a value already becomes a constant; a list with tensors is packed.
            return convert_to_tensor(values, name=name)
        except (TypeError, ValueError):
            pass  # told below in terms of Pack
    known = convert_to_tensor(values[0], name=name).shape
    if known.ndims is not None and not -known.ndims - 1 <= axis <= known.ndims:
        raise errors.value_error(
            f"Argument `axis` = {axis} not in range [{-known.ndims - 1}, {known.ndims + 1})"
        )
    result: Tensor = PACK(values, axis=axis, name=name)
    return result


# ---- Lists that hold tensors become one tensor


_PLAIN = frozenset({int, float, bool, str, bytes, complex})  # long lists hold mostly these


def _first_dtype(values: Any) -> dtypes.DType | None:
    """The dtype of the first tensor in a nested list, or None if there is no tensor."""
    for value in values:
        if type(value) in _PLAIN:
            continue
        dtype = getattr(value, "dtype", None)
        if hasattr(value, "op") and isinstance(dtype, dtypes.DType):
            return dtype.base_dtype
        if isinstance(value, (list, tuple)):
            found = _first_dtype(value)
            if found is not None:
                return found
    return None


def _cast_tensors(values: Any, dtype: dtypes.DType) -> Any:
    if isinstance(values, (list, tuple)):
        return [_cast_tensors(value, dtype) for value in values]
    if hasattr(values, "op") and values.dtype.base_dtype is not dtype:
        return math_ops.cast(values, dtype)
    return values


def _pack_nested(values: Any, dtype: dtypes.DType, name: str) -> Any:
    """A Pack of the elements if a tensor is among them; else the list, to be a constant."""
    with name_scope(name) as scope:
        elements = [
            _pack_nested(value, dtype, str(i)) if isinstance(value, (list, tuple)) else value
            for i, value in enumerate(values)
        ]
        if not any(hasattr(element, "op") for element in elements):
            return elements
        tensors = [
            convert_to_tensor(element, dtype, name=str(i)) for i, element in enumerate(elements)
        ]
        return PACK(tensors, name=scope)


def _convert_list(
    value: Any, dtype: Any = None, name: str | None = None, as_ref: bool = False
) -> Any:
    """How `tf.reshape(x, [n, 10])` works, where `n` is a tensor and 10 is not."""
    found = _first_dtype(value)
    if found is None or as_ref:
        return NotImplemented
    if dtype is not None and dtype.base_dtype is not found:
        value, found = _cast_tensors(value, dtype.base_dtype), dtype.base_dtype
    return _pack_nested(value, found, name or "packed")


register_tensor_conversion_function((list, tuple), _convert_list, 99)

# ---- ConcatV2

CONCAT_V2 = op_def(
    "ConcatV2(values: N * T, axis: Tidx) -> (output: T)",
    "N: int > 2",
    "T: type",
    "Tidx: {int32, int64} = int32",
)


@CONCAT_V2.shape
def concat_shape(op: Operation) -> list[TensorShape]:
    shapes = [tensor.shape for tensor in op.inputs[:-1]]
    rank = _common_rank(shapes)
    if rank is None:
        return [unknown_shape()]
    if rank == 0:
        raise ValueError("Can't concatenate scalars (use tf.stack instead)")
    op.inputs[-1].shape.with_rank(0)
    value = static_value(op.inputs[-1])
    if value is None:
        return [unknown_shape(rank)]
    axis = int(value)
    if not -rank <= axis < rank:
        least = axis + 1 if axis >= 0 else -axis
        raise ValueError(f"Shape must be at least rank {least} but is rank {rank}")
    axis %= rank
    known = [shape._dims for shape in shapes if shape._dims is not None]
    before = merged_shape([shape_of_dims(dims[:axis]) for dims in known])
    after = merged_shape([shape_of_dims(dims[axis + 1 :]) for dims in known])
    total: int | None = 0
    for shape in shapes:
        size = None if shape._dims is None else shape._dims[axis]
        total = None if total is None or size is None else total + size
    return [before.concatenate([total]).concatenate(after)]


def _common_rank(shapes: list[TensorShape]) -> int | None:
    rank = next((s.ndims for s in shapes if s.ndims is not None), None)
    for shape in shapes:
        if shape.ndims not in (None, rank):
            raise ValueError(f"Shape must be rank {rank} but is rank {shape.ndims}")
    return rank


@CONCAT_V2.partial_shape_value
def concat_partial_value(op: Operation) -> TensorShape:
    known = shape_of_dims(())
    for tensor in op.inputs[:-1]:
        known = known.concatenate(static_shape_value(tensor))
    return known


@CONCAT_V2.kernel
def concat_kernel(*values_and_axis: Any) -> Any:
    values, axis = values_and_axis[:-1], int(values_and_axis[-1])
    first = np.shape(values[0])
    if not -len(first) <= axis < len(first):
        raise ValueError(
            f"ConcatOp : Expected concatenating dimensions in the range "
            f"[{-len(first)}, {len(first)}), but got {axis}"
        )
    axis %= len(first)
    for i, value in enumerate(values):
        dims = np.shape(value)
        if len(dims) != len(first):
            raise ValueError(
                f"ConcatOp : Ranks of all input tensors should match: shape[0] = {list(first)} "
                f"vs. shape[{i}] = {list(dims)}"
            )
        if dims[:axis] + dims[axis + 1 :] != first[:axis] + first[axis + 1 :]:
            at = next(d for d in range(len(dims)) if d != axis and dims[d] != first[d])
            raise ValueError(
                f"ConcatOp : Dimension {at} in both shapes must be equal: shape[0] = "
                f"{list(first)} vs. shape[{i}] = {list(dims)}"
            )
    return np.concatenate(values, axis=axis)


@CONCAT_V2.gradient
def concat_gradient(op: Operation, grad: Tensor) -> Any:
    from minitf.ops.array_ops.slice_ops import SLICE

    values, axis = op.inputs[:-1], op.inputs[-1]
    shapes = SHAPE_N(values)
    rank = op.outputs[0].shape.ndims
    offsets = CONCAT_OFFSET(_canonical(axis, rank, shapes[0]), shapes)
    pieces = [SLICE(grad, begin, shape) for begin, shape in zip(offsets, shapes, strict=True)]
    return [*pieces, None]


def _canonical(axis: Tensor, rank: int | None, shape: Tensor) -> Tensor:
    """The axis counted from the front."""
    value = static_value(axis)
    if value is not None and rank is not None:
        return convert_to_tensor(int(value) % rank, dtypes.int32)
    axis = math_ops.cast(axis, dtypes.int32)
    return math_ops.floormod(axis, size(shape))


def concat(values: Any, axis: Any, name: str = "concat") -> Tensor:
    """Tensors one after the other along a dim they have (mirrors `tf.concat`).

    Args:
      values: a list of tensors of one dtype, whose shapes differ in `axis` only.
      axis: the dim, an int or a scalar tensor; negative ones count from the end.
      name: the node's name.

    Returns:
      A tensor whose size in `axis` is the sum of theirs.

    Raises:
      ValueError: if the shapes do not fit, or are those of scalars.
      TypeError: if the values and the axis change places.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.concat([[[1, 2]], [[3, 4], [5, 6]]], axis=0)))
    [[1 2]
     [3 4]
     [5 6]]
    """
    if isinstance(values, int) and isinstance(axis, (list, tuple)):
        raise errors.value_error(
            "tf.concat takes the values first, then the axis: here they are the other way round, "
            "as before TensorFlow 1.0.",
            do=f"tf.concat(values, {values}).",
        )
    if not isinstance(values, (list, tuple)):
        values = [values]
    if len(values) == 1:  # a check of the axis, and the tensor itself under the given name
        with name_scope(name):
            convert_to_tensor(axis, dtypes.int32, name="concat_dim").shape.assert_has_rank(0)
            return identity(values[0], name=name)
    result: Tensor = CONCAT_V2(values, axis, name=name)
    return result


# ---- ConcatOffset

CONCAT_OFFSET = op_def(
    "ConcatOffset(concat_dim: int32, shape: N * shape_type) -> (offset: N * shape_type)",
    "N: int > 2",
    "shape_type: {int32, int64} = int32",
)


@CONCAT_OFFSET.shape
def concat_offset_shape(op: Operation) -> list[TensorShape]:
    return [tensor.shape for tensor in op.inputs[1:]]


@CONCAT_OFFSET.kernel
def concat_offset_kernel(concat_dim: Any, *shapes: Any) -> Any:
    axis = int(concat_dim)
    offsets = np.zeros((len(shapes), len(shapes[0])), shapes[0].dtype)
    offsets[1:, axis] = np.cumsum([shape[axis] for shape in shapes[:-1]])
    return tuple(offsets)


CONCAT_OFFSET.not_differentiable()
