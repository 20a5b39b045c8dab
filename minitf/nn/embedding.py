"""With this module one can look up rows of a table by number: words as vectors."""

from __future__ import annotations

from typing import Any

from minitf.framework import errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.scopes import colocate_with, name_scope
from minitf.framework.sparse_tensor import SparseTensor
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, unknown_shape
from minitf.ops import array_ops, math_ops, partition_ops
from minitf.ops.constant_op import constant
from minitf.ops.partitioned_variables import PartitionedVariable

_SEVERAL = (list, tuple, PartitionedVariable)


def embedding_lookup(
    params: Any,
    ids: Any,
    partition_strategy: str = "mod",
    name: str | None = None,
    validate_indices: bool = True,
    max_norm: float | None = None,
) -> Tensor:
    """The rows of a table with the given numbers (mirrors `tf.nn.embedding_lookup`).

    Its gradient is `IndexedSlices`: an optimizer touches only the rows that were looked up.

    Args:
      params: the table, of shape (rows, ...); or a `tf.PartitionedVariable` or list of tensors
        that hold its parts.
      ids: int32 or int64, of any shape.
      partition_strategy: how rows are spread over several parts: "mod" (row i is in part
        i % parts) or "div" (each part has consecutive rows).
      name: the scope's name.
      validate_indices: accepted, without effect: ids are always checked.
      max_norm: if given, longer rows are scaled down to this length.

    Returns:
      A tensor of the shape of `ids` followed by that of a row.

    Raises:
      ValueError: if `params` is None or empty, or the strategy is neither.
      tf.errors.InvalidArgumentError: if an id is out of range.

    >>> import minitf as tf
    >>> table = tf.constant([[0.0, 0.5], [1.0, 1.5], [2.0, 2.5]])
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.nn.embedding_lookup(table, [2, 0])))
    [[2.  2.5]
     [0.  0.5]]
    """
    if params is None:
        raise errors.value_error("params must be specified")
    parts = list(params) if isinstance(params, _SEVERAL) else [params]
    if not parts:
        raise errors.value_error("Length of params is currently 0. Need at least one param.")
    with name_scope(name, "embedding_lookup", [*parts, ids]) as scope:
        tables = [convert_to_tensor(p, name=f"params_{i}") for i, p in enumerate(parts)]
        ids = convert_to_tensor(ids, name="ids")
        if len(tables) == 1:
            with colocate_with(tables[0].op):
                rows = array_ops.gather(tables[0], ids, name=scope)
                rows = _clipped(rows, ids, max_norm)
            return array_ops.identity(rows)
        rows = _from_parts(tables, ids, partition_strategy, scope)
        return _clipped(rows, ids, max_norm)


def embedding_lookup_sparse(
    params: Any,
    sp_ids: SparseTensor,
    sp_weights: SparseTensor | None,
    partition_strategy: str = "mod",
    name: str | None = None,
    combiner: str | None = None,
    max_norm: float | None = None,
) -> Tensor:
    """For each row of ids, the rows of a table with these numbers, put together.

    Mirrors `tf.nn.embedding_lookup_sparse`. With ids i in a row, and weights w:

    | combiner | result |
    |---|---|
    | "sum" | sum of w[i] table[i] |
    | "mean" | sum of w[i] table[i], divided by the sum of w[i] |
    | "sqrtn" | sum of w[i] table[i], divided by the root of the sum of w[i]^2 |

    Args:
      params, partition_strategy, name, max_norm: as for `embedding_lookup`.
      sp_ids: int32 or int64, of shape (rows, any). Each row has an id.
      sp_weights: the weights, at the same places; None for weights of 1.
      combiner: "mean" if None.

    Returns:
      A tensor of shape (rows, ...): a row that stands for each row of ids.

    Raises:
      TypeError: if ids or weights are no sparse tensors.
      ValueError: if the combiner is none of these.

    >>> import minitf as tf
    >>> table = tf.constant([[1.0], [10.0], [100.0]])
    >>> ids = tf.SparseTensor([[0, 0], [0, 1], [1, 0]], [0, 2, 1], [2, 2])
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.nn.embedding_lookup_sparse(table, ids, None, combiner="sum")))
    [[101.]
     [ 10.]]
    """
    combiner = combiner or "mean"
    if combiner not in ("mean", "sqrtn", "sum"):
        raise errors.value_error(
            f"combiner must be one of 'mean', 'sqrtn' or 'sum', got {combiner}"
        )
    for what, given in (("sp_ids", sp_ids), ("sp_weights", sp_weights)):
        if not isinstance(given, SparseTensor) and not (given is None and what == "sp_weights"):
            raise errors.type_error(f"{what} must be SparseTensor, got {type(given)}")
    if sp_weights is not None:
        sp_ids.values.shape.assert_is_compatible_with(sp_weights.values.shape)
        sp_ids.indices.shape.assert_is_compatible_with(sp_weights.indices.shape)
    parts = list(params) if isinstance(params, _SEVERAL) else [params]
    with name_scope(name, "embedding_lookup_sparse", [*parts, sp_ids.values]) as scope:
        segments = sp_ids.indices[:, 0]
        ids, places = array_ops.unique(sp_ids.values)
        rows = embedding_lookup(parts, ids, partition_strategy, max_norm=max_norm)
        segments = math_ops.cast(segments, "int32")
        rows = array_ops.gather(rows, places)
        if sp_weights is None:
            return _combined(rows, None, segments, combiner, scope)
        weights = sp_weights.values
        if weights.dtype != rows.dtype:
            weights = math_ops.cast(weights, rows.dtype)
        more_dims = array_ops.expand_dims(array_ops.rank(rows) - 1, 0)
        sizes = [array_ops.shape(weights), array_ops.ones(more_dims, "int32")]
        weights = array_ops.reshape(weights, array_ops.concat(sizes, 0))
        return _combined(rows * weights, weights, segments, combiner, scope)


def _combined(
    rows: Tensor, weights: Tensor | None, segments: Tensor, combiner: str, name: str
) -> Tensor:
    """Rows added up by segment, and divided as the combiner says."""
    if weights is None:
        if combiner == "mean":
            return math_ops.segment_mean(rows, segments, name=name)
        if combiner == "sum":
            return math_ops.segment_sum(rows, segments, name=name)
        weights = array_ops.ones_like(rows)
    if combiner == "sum":
        return math_ops.segment_sum(rows, segments, name=name)
    total = math_ops.segment_sum(rows, segments)
    if combiner == "mean":
        divisor = math_ops.segment_sum(weights, segments)
    else:
        divisor = math_ops.sqrt(math_ops.segment_sum(math_ops.pow(weights, 2), segments))
    return math_ops.div_no_nan(total, divisor, name=name)


def _clipped(rows: Tensor, ids: Tensor, max_norm: float | None) -> Tensor:
    if max_norm is None:
        return rows
    from minitf.ops import clip_ops

    first, end = ids.shape.ndims, rows.shape.ndims
    if first is not None and end is not None:
        axes: Any = list(range(first, end))
    else:
        low = array_ops.rank(ids) if first is None else first
        high = array_ops.rank(rows) if end is None else end
        axes = math_ops.range(low, high)
    clipped: Tensor = clip_ops.clip_by_norm(rows, max_norm, axes=axes)
    return clipped


def _from_parts(tables: list[Tensor], ids: Tensor, strategy: str, name: str) -> Tensor:
    flat = array_ops.reshape(ids, [-1])
    positions = math_ops.range(array_ops.size(flat))
    if strategy == "mod":
        part = flat % len(tables)
        row_in_part = flat // len(tables)
    elif strategy == "div":
        part, row_in_part = _consecutive(tables, flat)
    else:
        raise errors.value_error(
            f"Unrecognized partition strategy: {strategy}. Must be one of either `mod` or `div`."
        )
    part = math_ops.cast(part, "int32")
    row_ids = partition_ops.dynamic_partition(row_in_part, part, len(tables))
    row_positions = partition_ops.dynamic_partition(positions, part, len(tables))
    found = []
    for table, wanted in zip(tables, row_ids, strict=True):
        with colocate_with(table.op):
            found.append(array_ops.gather(table, wanted))
    rows = partition_ops.parallel_dynamic_stitch(row_positions, found, name=name)
    return _shaped(rows, tables, ids)


def _consecutive(tables: list[Tensor], flat: Tensor) -> tuple[Tensor, Tensor]:
    """The part and the row in it, where each part has consecutive rows.

    The first `extras` parts have one row more than the others.
    """
    count = len(tables)
    sizes = [table.shape[0].value for table in tables]
    if None not in sizes:
        total: Any = constant(sum(size or 0 for size in sizes), dtype=flat.dtype)
    else:
        lengths: list[Any] = []
        for table, size in zip(tables, sizes, strict=True):
            with colocate_with(table.op):
                lengths.append(array_ops.shape(table)[0] if size is None else size)
        total = math_ops.reduce_sum(math_ops.cast(array_ops.stack(lengths), flat.dtype))
    per_part = total // count
    extras = total % count
    part = math_ops.maximum(flat // (per_part + 1), (flat - extras) // per_part)
    row = array_ops.where(part < extras, flat % (per_part + 1), (flat - extras) % per_part)
    return part, row


def _shaped(rows: Tensor, tables: list[Tensor], ids: Tensor) -> Tensor:
    """Gives the flat list of rows the shape of the ids."""
    row_shape = unknown_shape()
    for table in tables:
        row_shape = row_shape.merge_with(table.shape[1:])
    if row_shape.is_fully_defined():
        tail: Any = row_shape
    else:
        with colocate_with(tables[0].op):
            shape_of_table = array_ops.shape(tables[0])
        tail = shape_of_table[1:]
    result = array_ops.reshape(rows, array_ops.concat([array_ops.shape(ids), tail], 0))
    shape: TensorShape = ids.shape.concatenate(row_shape)
    result.set_shape(shape)
    return result
