"""With this module one can pick slices by their numbers, and put slices where numbers say."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minitf.framework import dtypes, errors
from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.static_value import static_value
from minitf.framework.tensor import IndexedSlices, Tensor
from minitf.framework.tensor_shape import TensorShape, shape_of_dims, unknown_shape
from minitf.ops import math_ops
from minitf.ops.array_ops.concat_ops import concat, merged_shape
from minitf.ops.array_ops.shape_ops import (
    expand_dims,
    rank,
    reshape,
    shape,
    shape_operand,
    size,
    squeeze,
)
from minitf.ops.array_ops.transpose_ops import transpose

# ---- Gather

GATHER = op_def(
    "Gather(params: Tparams, indices: Tindices) -> (output: Tparams)",
    "validate_indices: bool = true",
    "Tparams: type",
    "Tindices: {int32, int64}",
)


@GATHER.shape
def gather_shape(op: Operation) -> list[TensorShape]:
    params, indices = op.inputs[0].shape, op.inputs[1].shape
    if params.ndims == 0:
        raise ValueError("Shape must be at least rank 1 but is rank 0")
    return [indices.concatenate(params[1:])]


@GATHER.kernel
def gather_kernel(params: Any, indices: Any) -> Any:
    _check_indices(indices, np.shape(params)[0])
    return np.asarray(np.take(params, indices, axis=0), params.dtype)


def _check_indices(indices: Any, limit: int) -> None:
    """Looks for an index that picks nothing.

    Raises:
      ValueError: that names the first index which is out of range.
    """
    bad = (indices < 0) | (indices >= limit)
    if np.any(bad):
        at = tuple(int(i) for i in np.argwhere(bad)[0])
        where = "".join(f"{i}," for i in at)[:-1]
        raise ValueError(
            f"indices[{where}] = {np.asarray(indices)[at]} is not in [0, {limit})"
            if at
            else f"indices = {indices} is not in [0, {limit})"
        )


@GATHER.gradient
def gather_gradient(op: Operation, grad: Tensor) -> Any:
    return _rows_gradient(op.inputs[0], op.inputs[1], grad), None


def _rows_gradient(params: Tensor, indices: Tensor, grad: Tensor) -> IndexedSlices:
    """The gradient of rows that were picked: sparse, for `params` may be a large embedding."""
    params_shape = shape(params)
    count = expand_dims(size(indices), 0)
    values = reshape(grad, concat([count, params_shape[1:]], 0))
    return IndexedSlices(values, reshape(indices, count), params_shape)


# ---- GatherV2

GATHER_V2 = op_def(
    "GatherV2(params: Tparams, indices: Tindices, axis: Taxis) -> (output: Tparams)",
    "batch_dims: int = 0",
    "Tparams: type",
    "Tindices: {int16, int32, int64}",
    "Taxis: {int32, int64}",
)


@GATHER_V2.shape
def gather_v2_shape(op: Operation) -> list[TensorShape]:
    params, indices, axis_tensor = op.inputs
    axis_value = static_value(axis_tensor)
    if axis_tensor.shape.ndims not in (None, 0):
        raise ValueError(f"Shape must be rank 0 but is rank {axis_tensor.shape.ndims}")
    dims, index_dims, batch_dims = params.shape._dims, indices.shape._dims, op._attrs["batch_dims"]
    axis = 0 if axis_value is None else int(axis_value)
    least = axis + 1 if axis >= 0 else -axis
    if dims is not None and len(dims) < least:
        raise ValueError(f"Shape must be at least rank {least} but is rank {len(dims)}")
    if dims is None or index_dims is None:
        return [unknown_shape()]
    if batch_dims < 0:
        batch_dims += len(index_dims)
    if axis_value is None:
        return [unknown_shape(len(dims) - 1 + len(index_dims) - batch_dims)]
    axis %= len(dims)
    if not 0 <= batch_dims <= min(axis, len(index_dims)):
        raise ValueError(f"batch_dims = {batch_dims} must be at most the axis and indices' rank")
    return [shape_of_dims(dims[:axis] + index_dims[batch_dims:] + dims[axis + 1 :])]


@GATHER_V2.kernel
def gather_v2_kernel(params: Any, indices: Any, axis: Any, *, batch_dims: int) -> Any:
    at, rank_ = int(axis), np.ndim(params)
    if not -rank_ <= at < rank_:
        raise ValueError(f"Expected axis in the range [{-rank_}, {rank_}), but got {at}")
    at %= rank_
    if batch_dims < 0:
        batch_dims += np.ndim(indices)
    _check_indices(indices, np.shape(params)[at])
    if batch_dims == 0:
        return np.asarray(np.take(params, indices, axis=at), params.dtype)
    return _batched_take(params, indices, at, batch_dims)


def _batched_take(params: Any, indices: Any, axis: int, batch_dims: int) -> Any:
    """`result[b, o, j, i] = params[b, o, indices[b, j], i]`, where b, o, j, i are several dims."""
    batch, outer = params.shape[:batch_dims], params.shape[batch_dims:axis]
    if indices.shape[:batch_dims] != batch:
        raise ValueError(
            f"params.shape[:{batch_dims}] {list(batch)} should be equal to "
            f"indices.shape[:{batch_dims}] {list(indices.shape[:batch_dims])}"
        )
    picked = indices.shape[batch_dims:]
    count = math.prod(batch)
    tables = params.reshape(count, *params.shape[batch_dims:])
    rows = indices.reshape(count, *picked)
    axis -= batch_dims
    result = [np.take(table, row, axis=axis) for table, row in zip(tables, rows)]
    shape_ = batch + outer + picked + params.shape[axis + batch_dims + 1 :]
    return np.array(result, params.dtype).reshape(shape_)


@GATHER_V2.gradient
def gather_v2_gradient(op: Operation, grad: Tensor) -> Any:
    params, indices, axis = op.inputs
    batch_dims = op._attrs["batch_dims"]
    value = static_value(axis)
    if batch_dims == 0 and value is not None and int(value) == 0:
        return _rows_gradient(params, indices, grad), None, None
    return _axis_gradient(params, indices, axis, batch_dims, grad), None, None


def _axis_gradient(
    params: Tensor, indices: Tensor, axis: Any, batch_dims: int, grad: Tensor
) -> Tensor:
    """The gradient of slices picked along any dim.

    With batch dims b, outer dims o, picked dims j and inner dims i, the gradient `[b, o, j, i]`
    is turned to `[b, j, o, i]`, summed by index over (b, j), and turned back.
    """
    r: Any = rank(params) if params.shape.ndims is None else params.shape.ndims
    index_rank: Any = rank(indices) if indices.shape.ndims is None else indices.shape.ndims
    b = batch_dims + index_rank if batch_dims < 0 else batch_dims
    known = static_value(axis)
    at = math_ops.cast(axis, dtypes.int32) if known is None else int(known)
    axis = at % r
    picked = index_rank - b
    to_rows = _moved_range(axis, picked, b, r - 1 + picked)
    rows = transpose(grad, to_rows)
    params_shape, index_shape = shape(params), shape(indices)
    batch_shape, length = index_shape[:b], params_shape[axis]
    batch_size = math_ops.reduce_prod(batch_shape)
    offsets = length * math_ops.range(batch_size)
    per_batch = math_ops.reduce_prod(index_shape[b:])
    ids = math_ops.cast(reshape(indices, [batch_size, per_batch]), dtypes.int32)
    ids = reshape(ids + expand_dims(offsets, 1), [-1])
    rest = concat([params_shape[b:axis], params_shape[axis + 1 :]], 0)
    rows = reshape(rows, concat([[batch_size * per_batch], rest], 0))
    summed = math_ops.unsorted_segment_sum(rows, ids, batch_size * length)
    summed = reshape(summed, concat([batch_shape, [length], rest], 0))
    return transpose(summed, _moved_range(b, 1, axis, r))


def _moved_range(source: Any, count: Any, target: Any, total: Any) -> Any:
    """The permutation that moves `count` dims, which begin at `source`, to begin at `target`."""
    if all(isinstance(number, int) for number in (source, count, target, total)):
        rest = [*range(source), *range(source + count, total)]
        return [*rest[:target], *range(source, source + count), *rest[target:]]
    others = concat([math_ops.range(source), math_ops.range(source + count, total)], 0)
    moved = math_ops.range(source, source + count)
    return concat([others[:target], moved, others[target:]], 0)


def gather(
    params: Any,
    indices: Any,
    validate_indices: Any = None,
    name: str | None = None,
    axis: Any = None,
    batch_dims: int = 0,
) -> Tensor:
    """The slices of a tensor with the given numbers (mirrors `tf.gather`).

    For axis 0: `result[i, j, ...] = params[indices[i, j], ...]`.

    Args:
      params: a tensor of rank 1 or more, or a variable.
      indices: an integer tensor of any shape.
      validate_indices: not used; indices are always checked.
      name: the node's name.
      axis: the dim along which to pick; `batch_dims` if None.
      batch_dims: how many leading dims `params` and `indices` have in common.

    Returns:
      A tensor of shape `params.shape[:axis] + indices.shape[batch_dims:] +
      params.shape[axis + 1:]`. Its gradient with respect to `params` is `tf.IndexedSlices` for
      axis 0.

    Raises:
      tf.errors.InvalidArgumentError: if an index is out of range, when the graph runs.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.gather([[1, 2], [3, 4], [5, 6]], [2, 0])))
    [[5 6]
     [1 2]]
    """
    if axis is None:
        axis = batch_dims
    if isinstance(axis, int) and axis == 0:
        batch_dims = 0
    result: Tensor = GATHER_V2(params, indices, axis, batch_dims=batch_dims, name=name)
    return result


# ---- GatherNd

GATHER_ND = op_def(
    "GatherNd(params: Tparams, indices: Tindices) -> (output: Tparams)",
    "Tparams: type",
    "Tindices: {int16, int32, int64}",
    'bad_indices_policy: string = ""',
)


@GATHER_ND.shape
def gather_nd_shape(op: Operation) -> list[TensorShape]:
    dims, index_dims = op.inputs[0].shape._dims, op.inputs[1].shape._dims
    if index_dims == ():
        raise ValueError("Shape must be at least rank 1 but is rank 0")
    if dims is None or index_dims is None or index_dims[-1] is None:
        return [unknown_shape()]
    depth = index_dims[-1]
    if depth > len(dims):
        raise ValueError(
            f"indices.shape[-1] must be <= params.rank, but saw indices shape: "
            f"{list(index_dims)} and params shape: {list(dims)}"
        )
    return [shape_of_dims(index_dims[:-1] + dims[depth:])]


def _coordinates(indices: Any, dims: tuple[int, ...], what: str) -> tuple[Any, ...]:
    """An index array per dim, as numpy takes them.

    Raises:
      ValueError: if a row of indices points outside.
    """
    depth = np.shape(indices)[-1]
    if depth > len(dims):
        raise ValueError(
            f"index innermost dimension length must be <= params rank; saw: {depth} vs. {len(dims)}"
        )
    bad = ((indices < 0) | (indices >= np.array(dims[:depth], np.int64))).any(axis=-1)
    if bad.any():
        at = tuple(np.argwhere(bad)[0].tolist())
        where = ",".join(map(str, at))
        raise ValueError(
            f"indices[{where}] = {indices[at].tolist()} does not index into {what} {list(dims)}"
        )
    return tuple(np.moveaxis(indices, -1, 0))


@GATHER_ND.kernel
def gather_nd_kernel(params: Any, indices: Any) -> Any:
    if np.ndim(indices) < 1:
        raise ValueError("indices must be at least a vector")
    at = _coordinates(indices, np.shape(params), "param shape")
    if not at:  # no coordinate at all picks the whole tensor, once per row
        return np.tile(params, np.shape(indices)[:-1] + (1,) * np.ndim(params))
    return np.array(params[at], params.dtype, order="C")


@GATHER_ND.gradient
def gather_nd_gradient(op: Operation, grad: Tensor) -> Any:
    params, indices = op.inputs
    params_shape = shape(params, out_type=indices.dtype)
    if indices.shape.ndims == 2 and indices.shape._dims[-1] == 1:  # type: ignore[index]
        return IndexedSlices(grad, squeeze(indices, [-1]), params_shape), None
    return scatter_nd(indices, grad, params_shape), None


def gather_nd(params: Any, indices: Any, name: str | None = None, batch_dims: int = 0) -> Tensor:
    """The slices of a tensor at the given coordinates (mirrors `tf.gather_nd`).

    `result[i, j] = params[indices[i, j, 0], indices[i, j, 1], ...]`: the last dim of `indices`
    holds coordinates.

    Args:
      params: a tensor.
      indices: an integer tensor of shape `[..., k]`, where `k` is at most the rank of `params`.
      name: the node's name.
      batch_dims: must be 0; for batches put the batch's number into the coordinates.

    Returns:
      A tensor of shape `indices.shape[:-1] + params.shape[k:]`.

    Raises:
      ValueError: if there are more coordinates than dims, or `batch_dims` is not 0.
      tf.errors.InvalidArgumentError: if coordinates lie outside, when the graph runs.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.gather_nd([[1, 2], [3, 4]], [[0, 0], [1, 1]])))
    [1 4]
    """
    if batch_dims != 0:
        raise errors.value_error(
            f"tf.gather_nd knows no batch_dims other than 0, but got {batch_dims}: put the number "
            "in the batch into the indices, for example with tf.meshgrid."
        )
    result: Tensor = GATHER_ND(params, indices, name=name)
    return result


# ---- ScatterNd

SCATTER_ND = op_def(
    "ScatterNd(indices: Tindices, updates: T, shape: Tindices) -> (output: T)",
    "T: type",
    "Tindices: {int16, int32, int64}",
    'bad_indices_policy: string = ""',
)


@SCATTER_ND.shape
def scatter_nd_shape(op: Operation) -> list[TensorShape]:
    indices, updates = op.inputs[0].shape, op.inputs[1].shape
    if indices.ndims == 0:
        raise ValueError("Shape must be at least rank 1 but is rank 0")
    result = shape_operand(op.inputs[2])
    dims, index_dims = result._dims, indices._dims
    if result.num_elements() == 0 and (indices.num_elements() or updates.num_elements()):
        raise ValueError(f"Indices and updates are given for an empty result of shape {result}")
    if dims is not None and index_dims and index_dims[-1] is not None and updates._dims is not None:
        depth, outer = index_dims[-1], len(index_dims) - 1
        if depth > len(dims):
            raise ValueError(f"Dimensions [0,{depth}) of a shape of rank {len(dims)}")
        merged_shape([shape_of_dims(index_dims[:-1]), updates[:outer]])
        merged_shape([shape_of_dims(dims[depth:]), updates[outer:]])
    return [result]


@SCATTER_ND.kernel
def scatter_nd_kernel(indices: Any, updates: Any, shape: Any) -> Any:
    dims = tuple(int(d) for d in shape)
    result = np.zeros(dims, updates.dtype)
    at = _coordinates(indices, dims, "shape")
    wanted = np.shape(indices)[:-1] + dims[len(at) :]
    if np.shape(updates) != wanted:
        raise ValueError(
            f"Must have updates.shape = indices.shape[:-1] + shape[{len(at)}:], got updates.shape "
            f"{list(np.shape(updates))}, indices.shape {list(np.shape(indices))}, shape "
            f"{list(dims)}"
        )
    if at:
        np.add.at(result, at, updates)
        return result
    # Without coordinates every update is about the whole result.
    return result + updates.sum(axis=tuple(range(np.ndim(indices) - 1)), dtype=updates.dtype)


@SCATTER_ND.gradient
def scatter_nd_gradient(op: Operation, grad: Tensor) -> Any:
    return None, gather_nd(grad, op.inputs[0]), None


def scatter_nd(indices: Any, updates: Any, shape: Any, name: str | None = None) -> Tensor:
    """Slices put into a tensor of zeros at the given coordinates (mirrors `tf.scatter_nd`).

    Args:
      indices: an integer tensor of shape `[..., k]`: coordinates in the result.
      updates: a tensor of shape `indices.shape[:-1] + shape[k:]`.
      shape: the shape of the result, an integer vector of the dtype of `indices`.
      name: the node's name.

    Returns:
      A tensor of that shape; where coordinates repeat, the slices are added.

    Raises:
      ValueError: if the shapes do not fit.
      tf.errors.InvalidArgumentError: if coordinates lie outside, when the graph runs.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.scatter_nd([[1], [3], [1]], [1, 2, 5], [5])))
    [0 6 0 2 0]
    """
    result: Tensor = SCATTER_ND(indices, updates, shape, name=name)
    return result
