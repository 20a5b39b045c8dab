"""With this module one can put single values into a tensor that is otherwise all the same.

Such a tensor can be fed as its values and their places: `tf.sparse_placeholder`.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from minitf.framework import dtypes
from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.sparse_tensor import SparseTensor
from minitf.framework.static_value import static_shape_value
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, as_shape
from minitf.ops import array_ops, constant_op, math_ops

# ---- SparseToDense

SPARSE_TO_DENSE = op_def(
    "SparseToDense(sparse_indices: Tindices, output_shape: Tindices, sparse_values: T, "
    "default_value: T) -> (dense: T)",
    "validate_indices: bool = true",
    "T: type",
    "Tindices: index",
)


@SPARSE_TO_DENSE.shape
def sparse_to_dense_shape(op: Operation) -> list[TensorShape]:
    return [static_shape_value(op.inputs[1])]


@SPARSE_TO_DENSE.kernel
def sparse_to_dense_kernel(
    sparse_indices: Any,
    output_shape: Any,
    sparse_values: Any,
    default_value: Any,
    *,
    validate_indices: bool,
) -> Any:
    shape = tuple(int(size) for size in output_shape)
    rows = np.reshape(sparse_indices, (-1, 1)) if np.ndim(sparse_indices) < 2 else sparse_indices
    if rows.ndim != 2 or rows.shape[1] != len(shape):
        raise ValueError(
            f"output_shape has {len(shape)} elements, but sparse_indices has the shape "
            f"{list(np.shape(sparse_indices))}"
        )
    if np.ndim(sparse_values) and np.shape(sparse_values) != (len(rows),):
        raise ValueError(
            f"sparse_values has incorrect shape {list(np.shape(sparse_values))}, should be [] or "
            f"[{len(rows)}]"
        )
    if rows.size and (rows.min() < 0 or np.any(rows >= np.array(shape))):
        raise ValueError(f"Indices are not valid (out of bounds). Shape: {list(shape)}")
    if validate_indices:
        _check_order(rows.tolist())
    dense = np.full(shape, default_value, default_value.dtype)
    dense[tuple(rows.T)] = sparse_values
    return dense


def _check_order(rows: list[list[int]]) -> None:
    for i, (before, row) in enumerate(itertools.pairwise(rows), 1):
        if row == before:
            raise ValueError(f"indices[{i}] = {row} is repeated")
        if row < before:
            raise ValueError(f"indices[{i}] = {row} is out of order; sort the indices first")


@SPARSE_TO_DENSE.gradient
def sparse_to_dense_gradient(op: Operation, grad: Tensor) -> Any:
    indices, _, values, _ = op.inputs
    shape = array_ops.shape(grad)
    rows = array_ops.reshape(indices, array_ops.stack([-1, array_ops.size(shape)]))
    picked = array_ops.gather_nd(grad, rows)
    total = math_ops.reduce_sum(picked)
    values_grad = total if values.shape.ndims == 0 else picked
    return None, None, values_grad, math_ops.reduce_sum(grad) - total


def sparse_to_dense(
    sparse_indices: Any,
    output_shape: Any,
    sparse_values: Any,
    default_value: Any = 0,
    validate_indices: bool = True,
    name: str | None = None,
) -> Tensor:
    """A tensor of one value, but for some places (mirrors `tf.sparse_to_dense`).

    Args:
      sparse_indices: int32 or int64: a matrix with one place per row; a vector of places in a
        vector; or one place.
      output_shape: the shape of the result, an integer vector.
      sparse_values: one value for each place, or one for all.
      default_value: the value of all other places.
      validate_indices: whether places must be in order and all different.
      name: the node's name.

    Returns:
      A tensor of the dtype of `sparse_values`.

    Raises:
      tf.errors.InvalidArgumentError: if a place is outside the shape, or out of order.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.sparse_to_dense([[0, 1], [1, 2]], [2, 3], 1)))
    [[0 1 0]
     [0 0 1]]
    """
    result: Tensor = SPARSE_TO_DENSE(
        sparse_indices,
        output_shape,
        sparse_values,
        default_value,
        validate_indices=validate_indices,
        name=name,
    )
    return result


def sparse_placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> SparseTensor:
    """A sparse tensor to be fed (mirrors `tf.sparse_placeholder`).

    Args:
      dtype: the dtype of the elements.
      shape: the shape of the whole, as far as it is known.
      name: how the names of its placeholders begin.

    >>> import minitf as tf
    >>> x = tf.sparse_placeholder(tf.float32, [2, 2])
    >>> value = tf.SparseTensorValue([[0, 1], [1, 0]], [2.0, 3.0], [2, 2])
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.reduce_sum(x.values), {x: value}))
    5.0
    """
    known = as_shape(shape)
    rank = known.ndims

    def named(part: str) -> str | None:
        return None if name is None else f"{name}/{part}"

    if rank is not None and known.is_fully_defined():
        whole = constant_op.constant(
            known.as_list(), dtypes.int64, name=named("shape_default") or "Const"
        )
        dense_shape = array_ops.placeholder_with_default(whole, [rank], name=named("shape"))
    else:
        dense_shape = array_ops.placeholder(dtypes.int64, [rank], name=named("shape"))
    values = array_ops.placeholder(dtype, [None], name=named("values"))
    indices = array_ops.placeholder(dtypes.int64, [None, rank], name=named("indices"))
    return SparseTensor(indices, values, dense_shape)
