"""With this module one can sum the products of two tensors over chosen axes, and over diagonals."""

from __future__ import annotations

import math
from typing import Any

from minitf.framework import errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.dtypes import int32
from minitf.framework.scopes import name_scope
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, shape_of_dims, unknown_shape
from minitf.ops import array_ops
from minitf.ops.math_ops.matrix_product import matmul
from minitf.ops.math_ops.reduction import reduce_prod, reduce_sum
from minitf.ops.math_ops.sequence import range as range_op


def tensordot(a: Any, b: Any, axes: Any, name: str | None = None) -> Tensor:
    """The sum of the products of two tensors over pairs of axes (mirrors `tf.tensordot`).

    It is one matrix product: the axes that are summed are brought to the inside of both tensors,
    which are then reshaped to matrices.

    Args:
      a, b: tensors of one numeric dtype.
      axes: a number n: the last n axes of `a` with the first n of `b`; or a pair of (lists of)
        axes, the first of `a` and the second of `b`.
      name: the scope of the nodes.

    Returns:
      A tensor with the remaining axes of `a` and then those of `b`.

    Raises:
      ValueError: if `axes` does not fit the tensors.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.tensordot([[1, 2], [3, 4]], [10, 100], 1))
    array([210, 430], dtype=int32)
    """
    with name_scope(name, "Tensordot", [a, b]) as scope:
        a = convert_to_tensor(a, name="a")
        b = convert_to_tensor(b, name="b", preferred_dtype=a.dtype.base_dtype)
        a_axes, b_axes = _pairs_of_axes(a, axes)
        a_matrix, a_free = _as_matrix(a, a_axes, inside_last=True)
        b_matrix, b_free = _as_matrix(b, b_axes, inside_last=False)
        product = matmul(a_matrix, b_matrix)
        if isinstance(a_free, list) and isinstance(b_free, list):
            if product.shape == shape_of_dims((*a_free, *b_free)):
                return product
            return array_ops.reshape(product, a_free + b_free, name=scope)
        free = [convert_to_tensor(dims, dtype=int32) for dims in (a_free, b_free)]
        result = array_ops.reshape(product, array_ops.concat(free, 0), name=scope)
        result.set_shape(_static_free(a, a_axes).concatenate(_static_free(b, b_axes)))
        return result


def _static_free(x: Tensor, axes: Any) -> TensorShape:
    """The sizes of the axes that are not summed, as far as they are known."""
    if x.shape._dims is None or isinstance(axes, Tensor):
        return unknown_shape()
    summed = {axis % len(x.shape._dims) for axis in axes}
    return shape_of_dims(tuple(d for i, d in enumerate(x.shape._dims) if i not in summed))


def _pairs_of_axes(a: Tensor, axes: Any) -> tuple[Any, Any]:
    """The axes of `a` and those of `b` that are summed."""
    rank = a.shape.ndims
    if isinstance(axes, int):
        if axes < 0:
            raise errors.value_error(f"`axes` must be at least 0, got {axes}.")
        if rank is None:
            own_rank = array_ops.rank(a)
            return range_op(own_rank - axes, own_rank), range_op(axes)
        if axes > rank:
            raise errors.value_error(
                f"`axes` must not be larger than the number of dimensions of {a}."
            )
        return list(range(rank - axes, rank)), list(range(axes))
    if not isinstance(axes, (list, tuple)) or len(axes) != 2:
        raise errors.value_error(f"`axes` must be an integer or have length 2, got {axes!r}.")
    a_axes, b_axes = ([axis] if isinstance(axis, int) else list(axis) for axis in axes)
    if len(a_axes) != len(b_axes):
        raise errors.value_error(
            f"Different number of contraction axes `a` and `b`, {len(a_axes)} != {len(b_axes)}."
        )
    return a_axes, b_axes


def _as_matrix(x: Tensor, axes: Any, inside_last: bool) -> tuple[Tensor, Any]:
    """`x` as a matrix whose inner side are the axes that are summed, and its other sizes.

    The sizes are a list of numbers where they are known, and else a tensor.
    """
    dims = x.shape._dims
    if dims is None or isinstance(axes, Tensor):
        shape = array_ops.shape(x)
        axes, free = _axes_at_run_time(x, axes)
    else:
        axes = [axis + len(dims) if axis < 0 else axis for axis in axes]
        if any(not 0 <= axis < len(dims) for axis in axes):
            raise errors.value_error(f"`axes` {axes} do not fit the rank of {x}.")
        others = [axis for axis in range(len(dims)) if axis not in axes]
        if None not in dims:
            return _as_static_matrix(x, axes, others, inside_last)
        axes = convert_to_tensor(axes, int32, name="axes")
        free = convert_to_tensor(others, int32, name="free")
        shape = array_ops.shape(x)
    free_dims, axes_dims = array_ops.gather(shape, free), array_ops.gather(shape, axes)
    sides = [reduce_prod(free_dims), reduce_prod(axes_dims)]
    order = [free, axes] if inside_last else [axes, free]
    perm = array_ops.concat(order, 0)
    new_shape = array_ops.stack(sides if inside_last else sides[::-1])
    return array_ops.reshape(array_ops.transpose(x, perm), new_shape), free_dims


def _as_static_matrix(
    x: Tensor, axes: list[int], free: list[int], inside_last: bool
) -> tuple[Tensor, list[int]]:
    dims = [int(dim) for dim in x.shape]
    free_dims = [dims[axis] for axis in free]
    sides = [math.prod(free_dims), math.prod(dims[axis] for axis in axes)]
    perm = free + axes if inside_last else axes + free
    new_shape = sides if inside_last else sides[::-1]
    if perm != list(range(len(dims))):
        x = array_ops.transpose(x, perm)
    if x.shape != shape_of_dims(tuple(new_shape)):
        x = array_ops.reshape(x, new_shape)
    return x, free_dims


def _axes_at_run_time(x: Tensor, axes: Any) -> tuple[Tensor, Tensor]:
    """The axes and the other ones of a tensor of unknown rank."""
    rank = array_ops.rank(x)
    axes = convert_to_tensor(axes, int32, name="axes")
    axes = array_ops.where(axes >= 0, axes, axes + rank)
    free, _ = array_ops.setdiff1d(range_op(rank), axes)
    return axes, free


def trace(x: Any, name: str | None = None) -> Tensor:
    """The sum of the diagonal of matrices (mirrors `tf.trace`).

    Args:
      x: a tensor of shape `[..., m, n]` of a numeric dtype.
      name: the scope of the nodes.

    Returns:
      A tensor of shape `[...]` of the same dtype.

    Raises:
      ValueError: if the rank is less than 2.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.trace([[1, 2], [3, 4]])))
    5
    """
    from minitf.ops import linalg_ops

    with name_scope(name, "Trace", [x]) as scope:
        x = convert_to_tensor(x, name="x")
        return reduce_sum(linalg_ops.matrix_diag_part(x), [-1], name=scope)
