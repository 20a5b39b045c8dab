"""With this module one can index a tensor as numpy arrays are indexed: `x[1:, ..., ::-1, None]`.

An index is a list of specs: an int takes one slice and drops the dim, a range `begin:end:stride`
keeps it, `...` stands for all dims that are not named and `None` (`tf.newaxis`) for a new dim of
size 1. A node holds begins, ends and strides as vectors, and the kind of each spec as a bit in one
of its masks.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minitf.framework import dtypes, errors
from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.scopes import name_scope
from minitf.framework.static_value import static_shape_value, static_value
from minitf.framework.tensor import Tensor, register_operator
from minitf.framework.tensor_shape import (
    MAX_RANK,
    Dims,
    TensorShape,
    shape_of_dims,
    unknown_shape,
)
from minitf.ops import math_ops
from minitf.ops.array_ops.concat_ops import merged_shape, stack
from minitf.ops.array_ops.fill_ops import ones_like
from minitf.ops.array_ops.shape_ops import SHAPE, shape_operand
from minitf.ops.constant_op import constant

newaxis = None  # the name under which numpy and TensorFlow know the new dim


class Masks(NamedTuple):
    """The kinds of the specs: bit `i` is about spec `i`."""

    begin_mask: int
    end_mask: int
    ellipsis_mask: int
    new_axis_mask: int
    shrink_axis_mask: int


class Spec(NamedTuple):
    """What happens to one dim: `axis` is the input's, None for a new dim of size 1.

    `begin` and `end` are None where the range is open; `unknown` says that they are not known yet.
    """

    axis: int | None
    begin: int | None = None
    end: int | None = None
    stride: int = 1
    shrink: bool = False
    unknown: bool = False


def _masks(op: Operation) -> Masks:
    return Masks(*(op._attrs[name] for name in Masks._fields))


def specs_of(rank: int, begin: Any, end: Any, strides: Any, masks: Masks) -> list[Spec]:
    """The specs spread over the dims of a tensor, `...` written out.

    Args:
      rank: the number of dims.
      begin, end: lists of ints; None where nothing is known of them.
      strides: a list of ints.

    Raises:
      ValueError: if there are more specs than dims, or two `...`.
    """
    count = len(strides)
    ellipsis = [i for i in range(count) if masks.ellipsis_mask >> i & 1]
    if len(ellipsis) > 1:
        raise ValueError("Multiple ellipses in slice spec not allowed")
    at = ellipsis[0] if ellipsis else count
    named = [i for i in range(count) if i != at and not masks.new_axis_mask >> i & 1]
    specs: list[Spec] = []
    axis = 0
    for i in range(count + 1):
        if i == at:
            for _ in range(rank - len(named)):
                specs.append(Spec(axis))
                axis += 1
            continue
        if i == count:
            break
        if masks.new_axis_mask >> i & 1:
            specs.append(Spec(None))
            continue
        if axis >= rank:
            raise ValueError(
                f"Index out of range using input dim {axis}; input has only {rank} dims"
            )
        specs.append(_spec(axis, i, begin, end, strides, masks))
        axis += 1
    return specs


def _spec(axis: int, i: int, begin: Any, end: Any, strides: Any, masks: Masks) -> Spec:
    stride = int(strides[i])
    shrink = bool(masks.shrink_axis_mask >> i & 1)
    if stride == 0:
        raise ValueError(f"strides[{i}] must be non-zero")
    if shrink and stride < 0:
        raise ValueError("only stride 1 allowed on non-range indexing.")
    open_begin = not shrink and bool(masks.begin_mask >> i & 1)
    open_end = shrink or bool(masks.end_mask >> i & 1)
    # Vectors are known as a whole or not at all, as in TensorFlow.
    unknown = begin is None or (end is None and not shrink)
    unknown = unknown and not (open_begin and open_end)
    first = None if unknown or open_begin else int(begin[i])
    last = None if unknown or open_end else int(end[i])
    return Spec(axis, first, last, stride, shrink, unknown)


def _size(spec: Spec, dim: int | None) -> int | None:
    """How many elements a range takes from a dim; None if that is not known."""
    if dim is None or spec.unknown:
        return None
    return len(range(*slice(spec.begin, spec.end, spec.stride).indices(dim)))


def _index(spec: Spec, dim: int) -> int:
    """The index, counted from the front, of the slice that an int spec takes.

    Raises:
      ValueError: if there is no such slice.
    """
    assert spec.begin is not None
    index = spec.begin + dim if spec.begin < 0 else spec.begin
    if not 0 <= index < dim:
        raise errors.value_error(f"slice index {index} of dimension {spec.axis} out of bounds.")
    return index


def sliced_shape(dims: tuple[int | None, ...], specs: list[Spec]) -> tuple[int | None, ...]:
    """The shape of what the specs take."""
    result: list[int | None] = []
    for spec in specs:
        if spec.axis is None:
            result.append(1)
        elif not spec.shrink:
            result.append(_size(spec, dims[spec.axis]))
        elif not spec.unknown and dims[spec.axis] is not None:
            _index(spec, dims[spec.axis])  # type: ignore[arg-type]
    return tuple(result)


def numpy_index(dims: tuple[int, ...], specs: list[Spec]) -> tuple[Any, ...]:
    """The specs as an index that numpy takes."""
    return tuple(
        None
        if spec.axis is None
        else _index(spec, dims[spec.axis])
        if spec.shrink
        else slice(spec.begin, spec.end, spec.stride)
        for spec in specs
    )


# ---- StridedSlice

_MASK_ATTRS = tuple(f"{name}: int = 0" for name in Masks._fields)

STRIDED_SLICE = op_def(
    "StridedSlice(input: T, begin: Index, end: Index, strides: Index) -> (output: T)",
    "T: type",
    "Index: {int16, int32, int64}",
    *_MASK_ATTRS,
)


def _static_specs(op: Operation, dims: Dims) -> list[Spec] | None:
    """The specs of a node as far as they are known; None if not even the result's rank is."""
    begin, end, strides = (static_value(tensor) for tensor in op.inputs[1:4])
    if dims is None or strides is None:
        return None
    return specs_of(len(dims), begin, end, strides, _masks(op))


@STRIDED_SLICE.shape
def strided_slice_shape(op: Operation) -> list[TensorShape]:
    for tensor in op.inputs[1:4]:
        if tensor.shape.ndims not in (None, 1):
            raise ValueError(f"Shape must be rank 1 but is rank {tensor.shape.ndims}")
    merged_shape([tensor.shape for tensor in op.inputs[1:4]])
    dims = op.inputs[0].shape._dims
    specs = _static_specs(op, dims)
    if specs is None or dims is None:
        return [unknown_shape()]
    return [shape_of_dims(sliced_shape(dims, specs))]


@STRIDED_SLICE.partial_shape_value
def strided_slice_partial_value(op: Operation) -> Any:
    """What is known of `tf.shape(x)[1:]` (a TensorShape) or of `tf.shape(x)[0]` (an int)."""
    source = op.inputs[0]
    if source.shape.ndims != 1 or op.outputs[0].shape.ndims not in (0, 1):
        return None
    if not source.dtype.is_integer or (source.shape.num_elements() or 0) > MAX_RANK:
        return None  # a vector of numbers that is no shape
    if any(tensor.op.type != "Const" for tensor in op.inputs[1:]):
        return None  # TensorFlow looks into a partly known shape at places that are written down
    known = static_shape_value(source)
    specs = _static_specs(op, (None if known._dims is None else len(known._dims),))
    if known._dims is None or specs is None or len(specs) != 1 or specs[0].unknown:
        return None
    (spec,) = specs
    if spec.shrink:
        return known._dims[_index(spec, len(known._dims))]
    return shape_of_dims(known._dims[slice(spec.begin, spec.end, spec.stride)])


@STRIDED_SLICE.constant_value
def strided_slice_value(op: Operation) -> Any:
    size = op.outputs[0].shape.num_elements()
    if size is None or size > 1024:
        return None
    values = [static_value(tensor) for tensor in op.inputs]
    if all(value is not None for value in values):
        return strided_slice_kernel(*values, **_masks(op)._asdict())
    known = strided_slice_partial_value(op)
    dtype = op.outputs[0].dtype.as_numpy_dtype
    if isinstance(known, int):
        return np.array(known, dtype)
    if isinstance(known, TensorShape) and known.is_fully_defined():
        return np.array(known.as_list(), dtype)
    return None


@STRIDED_SLICE.kernel
def strided_slice_kernel(
    input: Any,
    begin: Any,
    end: Any,
    strides: Any,
    *,
    begin_mask: int,
    end_mask: int,
    ellipsis_mask: int,
    new_axis_mask: int,
    shrink_axis_mask: int,
) -> Any:
    masks = Masks(begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask)
    if not np.shape(begin) == np.shape(end) == np.shape(strides) == (np.size(strides),):
        raise ValueError(
            "Expected begin, end, and strides to be 1D equal size tensors, but got shapes "
            f"{list(np.shape(begin))}, {list(np.shape(end))}, and {list(np.shape(strides))} "
            "instead."
        )
    dims = np.shape(input)
    specs = specs_of(len(dims), begin, end, strides, masks)
    return np.array(input[numpy_index(dims, specs)], dtype=input.dtype, order="C")


@STRIDED_SLICE.gradient
def strided_slice_gradient(op: Operation, grad: Tensor) -> Any:
    given, begin, end, strides = op.inputs
    shape = SHAPE(given, out_type=begin.dtype)
    back = STRIDED_SLICE_GRAD(shape, begin, end, strides, grad, **_masks(op)._asdict())
    return back, None, None, None


def strided_slice(
    input_: Any,
    begin: Any,
    end: Any,
    strides: Any = None,
    begin_mask: int = 0,
    end_mask: int = 0,
    ellipsis_mask: int = 0,
    new_axis_mask: int = 0,
    shrink_axis_mask: int = 0,
    var: Any = None,
    name: str | None = None,
) -> Tensor:
    """What `x[begin:end:stride, ...]` builds, in its plain form (mirrors `tf.strided_slice`).

    Args:
      input_: a tensor of any dtype and shape.
      begin, end, strides: integer vectors, one element per spec; the strides are 1 if None.
      begin_mask, end_mask: bit `i` opens range `i` at that side.
      ellipsis_mask: bit `i` makes spec `i` a `...`.
      new_axis_mask: bit `i` makes spec `i` a new dim of size 1.
      shrink_axis_mask: bit `i` makes spec `i` an int: the slice at `begin[i]`, without the dim.
      var: the variable of which `input_` is the value, if there is one; not needed to read.
      name: the node's name.

    Raises:
      ValueError: if an index is out of range, a stride is 0, or there are more specs than dims.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.strided_slice([1, 2, 3, 4, 5], [-1], [0], [-2])))
    [5 3]
    """
    if strides is None:
        strides = ones_like(begin)
    masks = Masks(begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask)
    result: Tensor = STRIDED_SLICE(input_, begin, end, strides, **masks._asdict(), name=name)
    return result


# ---- StridedSliceGrad

STRIDED_SLICE_GRAD = op_def(
    "StridedSliceGrad(shape: Index, begin: Index, end: Index, strides: Index, dy: T)"
    " -> (output: T)",
    "T: type",
    "Index: {int32, int64}",
    *_MASK_ATTRS,
)


@STRIDED_SLICE_GRAD.shape
def strided_slice_grad_shape(op: Operation) -> list[TensorShape]:
    return [shape_operand(op.inputs[0])]


@STRIDED_SLICE_GRAD.kernel
def strided_slice_grad_kernel(
    shape: Any,
    begin: Any,
    end: Any,
    strides: Any,
    dy: Any,
    *,
    begin_mask: int,
    end_mask: int,
    ellipsis_mask: int,
    new_axis_mask: int,
    shrink_axis_mask: int,
) -> Any:
    masks = Masks(begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask)
    dims = tuple(int(d) for d in shape)
    specs = specs_of(len(dims), begin, end, strides, masks)
    wanted = sliced_shape(dims, specs)
    if np.shape(dy) != wanted:
        raise ValueError(
            f"shape of dy was {list(np.shape(dy))} instead of {list(wanted)}"  # a wrong call
        )
    result = np.zeros(dims, dy.dtype)
    result[numpy_index(dims, specs)] = dy
    return result


@STRIDED_SLICE_GRAD.gradient
def strided_slice_grad_gradient(op: Operation, grad: Tensor) -> Any:
    _, begin, end, strides, _ = op.inputs
    forward = STRIDED_SLICE(grad, begin, end, strides, **_masks(op)._asdict())
    return None, None, None, None, forward


# ---- x[...]

_BAD_INDEX = (
    "Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and scalar "
    "tf.int32/tf.int64 tensors are valid indices, got {!r}"
)
_INDEX_DTYPES = (dtypes.int16, dtypes.int32, dtypes.int64)


def _checked_index(index: Any) -> Any:
    """An int, or a tensor or variable that holds one.

    Raises:
      TypeError: if it is neither.
    """
    if hasattr(index, "dtype") and hasattr(index, "get_shape"):
        if index.dtype.base_dtype in _INDEX_DTYPES and index.get_shape().ndims in (None, 0):
            return index
    elif hasattr(index, "__index__"):
        try:
            return index.__index__()
        except TypeError:
            pass
    raise errors.type_error(_BAD_INDEX.format(index))


class _IndexBuilder:
    """Collects the specs of one `x[...]`."""

    def __init__(self) -> None:
        self.begin: list[Any] = []
        self.end: list[Any] = []
        self.strides: list[Any] = []
        self.masks = dict.fromkeys(Masks._fields, 0)

    def add(self, spec: Any) -> None:
        if isinstance(spec, slice):
            self._add_range(spec)
        elif spec is Ellipsis:
            self._append("ellipsis_mask", 0, 0, 1)
        elif spec is newaxis:
            self._append("new_axis_mask", 0, 0, 1)
        else:
            index = _checked_index(spec)
            following = index + 1
            narrow = isinstance(index, Tensor) and index.dtype.base_dtype is not dtypes.int32
            stride = constant(1, index.dtype.base_dtype) if narrow else 1
            self._append("shrink_axis_mask", index, following, stride)

    def _append(self, mask: str, begin: Any, end: Any, stride: Any) -> None:
        if mask:
            self.masks[mask] |= 1 << len(self.begin)
        self.begin.append(begin)
        self.end.append(end)
        self.strides.append(stride)

    def _add_range(self, spec: slice) -> None:
        bit = 1 << len(self.begin)
        if spec.start is None:
            self.masks["begin_mask"] |= bit
        if spec.stop is None:
            self.masks["end_mask"] |= bit
        parts = [
            None if part is None else _checked_index(part)
            for part in (spec.start, spec.stop, spec.step)
        ]
        # Beside a tensor, what is left out becomes a constant of the tensor's dtype.
        tensor = next((part for part in parts if isinstance(part, Tensor)), None)
        for i, default in enumerate((0, 0, 1)):
            if parts[i] is None:
                parts[i] = default if tensor is None else constant(default, tensor.dtype.base_dtype)
        self._append("", *parts)


def _getitem(tensor: Any, key: Any) -> Tensor:
    """`tensor[key]`."""
    if _is_boolean(key):
        from minitf.ops.array_ops.mask_ops import boolean_mask

        return boolean_mask(tensor, key)
    builder = _IndexBuilder()
    for spec in key if isinstance(key, (list, tuple)) else [key]:
        builder.add(spec)
    vectors = (builder.begin, builder.end, builder.strides)
    with name_scope("strided_slice", None, [tensor, *builder.begin, *builder.end]) as scope:
        if builder.begin:
            packed = _same_dtype([stack(vector) for vector in vectors])
        else:
            packed = [constant([], dtypes.int32)] * 3
        result: Tensor = STRIDED_SLICE(tensor, *packed, **builder.masks, name=scope)
        return result


def _is_boolean(key: Any) -> bool:
    dtype = getattr(key, "dtype", None)
    if isinstance(dtype, dtypes.DType):
        return dtype.base_dtype is dtypes.bool_
    return isinstance(key, bool) or dtype == np.bool_


def _same_dtype(vectors: list[Tensor]) -> list[Tensor]:
    """Integer vectors in the widest of their dtypes."""
    if len({vector.dtype for vector in vectors}) == 1:
        return vectors
    return [
        vector if vector.dtype is dtypes.int64 else math_ops.cast(vector, dtypes.int64)
        for vector in vectors
    ]


register_operator("__getitem__", _getitem)
