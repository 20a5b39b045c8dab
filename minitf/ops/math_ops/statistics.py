"""With this module one can take norms, variances, counts and log-sum-exps: composed reductions."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import dtypes, errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.scopes import name_scope
from minitf.framework.tensor import Tensor
from minitf.ops import array_ops
from minitf.ops.math_ops.arithmetic import ADD_V2, MUL, REAL_DIV, SUB
from minitf.ops.math_ops.casting import cast
from minitf.ops.math_ops.comparison import NOT_EQUAL
from minitf.ops.math_ops.complex_numbers import conj
from minitf.ops.math_ops.exponential import EXP, LOG
from minitf.ops.math_ops.powers import POW, SQRT, SQUARE
from minitf.ops.math_ops.reduction import may_be_scalar, reduce_mean, reduce_sum
from minitf.ops.math_ops.reduction_axes import (
    axes_or_all,
    axis_argument,
    keepdims_argument,
    kernel_axes,
    reduced_shape,
    with_kept_axes,
)
from minitf.ops.math_ops.reduction_extremes import reduce_max
from minitf.ops.math_ops.rounding import IS_FINITE, abs

# ---- EuclideanNorm

EUCLIDEAN_NORM = op_def(
    "EuclideanNorm(input: T, reduction_indices: Tidx) -> (output: T)",
    "keep_dims: bool = false",
    "T: number",
    "Tidx: index = int32",
    shape=reduced_shape,
)


@EUCLIDEAN_NORM.kernel
def euclidean_norm_kernel(input: Any, reduction_indices: Any, *, keep_dims: bool) -> Any:
    axes = kernel_axes(input, reduction_indices)
    squares = np.sum(np.square(np.abs(input)), axis=axes, keepdims=keep_dims, dtype=None)
    return np.sqrt(squares).astype(input.dtype)


@EUCLIDEAN_NORM.gradient
def euclidean_norm_gradient(op: Operation, grad: Tensor) -> Any:
    share = with_kept_axes(op, REAL_DIV(grad, op.outputs[0]))
    return MUL(op.inputs[0], share), None


def reduce_euclidean_norm(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """`sqrt(sum(abs(x) ** 2))` along some axes (mirrors `tf.math.reduce_euclidean_norm`).

    Args:
      input_tensor: a tensor of a numeric dtype.
      axis: an axis or a list of axes; all if None.
      keepdims: whether the axes stay, with size 1.
      name: the node's name.

    Returns:
      A tensor of the same dtype.

    Raises:
      ValueError: if an axis is out of range.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.math.reduce_euclidean_norm([3.0, 4.0])))
    5.0
    """
    axes = axes_or_all(input_tensor, axis)
    result = EUCLIDEAN_NORM(input_tensor, axes, keep_dims=bool(keepdims), name=name)
    return may_be_scalar(result, axis, bool(keepdims))


def reduce_logsumexp(
    input_tensor: Any,
    axis: Any = None,
    keepdims: bool | None = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """`log(sum(exp(x)))` along some axes, without overflow (mirrors `tf.reduce_logsumexp`).

    Args:
      input_tensor: a tensor of a floating dtype.
      axis: an axis or a list of axes; negative ones count from the end; all axes if None.
      keepdims: whether the axes stay, with size 1.
      name: the scope of the nodes.
      reduction_indices, keep_dims: older names of `axis` and `keepdims`.

    Returns:
      A tensor of the same dtype.

    Raises:
      ValueError: if an axis is out of range, or an argument is given under both names.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.reduce_logsumexp([1000.0, 1000.0])).round(3))
    1000.693
    """
    axis = axis_argument(axis, reduction_indices)
    keep = keepdims_argument(keepdims, keep_dims)
    with name_scope(name, "ReduceLogSumExp", [input_tensor]) as scope:
        largest = reduce_max(input_tensor, axis, keepdims=True)
        finite = array_ops.where_v2(IS_FINITE(largest), largest, 0)
        offset = array_ops.stop_gradient(finite)
        logs = LOG(reduce_sum(EXP(SUB(input_tensor, offset)), axis, keepdims=keep))
        if not keep:
            offset = array_ops.reshape(offset, array_ops.SHAPE(logs))
        result: Tensor = ADD_V2(logs, offset, name=scope)
        return may_be_scalar(result, axis, keep)


def count_nonzero(
    input_tensor: Any = None,
    axis: Any = None,
    keepdims: bool | None = None,
    dtype: Any = dtypes.int64,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: bool | None = None,
    input: Any = None,
) -> Tensor:
    """How many elements along some axes are not 0 (mirrors `tf.count_nonzero`).

    Args:
      input_tensor: a tensor of numbers, bools, or strings, where the empty one counts as 0.
      axis: an axis or a list of axes; negative ones count from the end; all axes if None.
      keepdims: whether the axes stay, with size 1.
      dtype: the dtype of the result.
      name: the scope of the nodes.
      reduction_indices, keep_dims: older names of `axis` and `keepdims`.
      input: another name of `input_tensor`.

    Returns:
      A tensor of dtype `dtype`.

    Raises:
      ValueError: if an axis is out of range, or an argument is given under both names.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.count_nonzero([[0, 1], [2, 3]], axis=1))
    array([1, 2])
    """
    axis = axis_argument(axis, reduction_indices)
    keep = keepdims_argument(keepdims, keep_dims)
    with name_scope(name, "count_nonzero", [input_tensor, input]):
        x = convert_to_tensor(input if input_tensor is None else input_tensor, name="input")
        if x.dtype.base_dtype is not dtypes.bool_:
            x = NOT_EQUAL(x, array_ops.zeros([], x.dtype.base_dtype))
        counted = reduce_sum(cast(x, dtypes.int64), axis, keepdims=keep)
        result: Tensor = cast(counted, dtype)
        return result


def reduce_variance(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """The mean of the squared distances from the mean (mirrors `tf.math.reduce_variance`).

    Args:
      input_tensor: a tensor of a floating dtype.
      axis: an axis or a list of axes; all if None.
      keepdims: whether the axes stay, with size 1.
      name: the scope of the nodes.

    Returns:
      A tensor of the same dtype.

    Raises:
      TypeError: if the dtype is of integers.
      ValueError: if an axis is out of range.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.math.reduce_variance([1.0, 3.0])))
    1.0
    """
    with name_scope(name or "reduce_variance", values=[input_tensor]):
        x = convert_to_tensor(input_tensor)
        mean = reduce_mean(x, axis, keepdims=True)
        if mean.dtype.is_integer:
            raise errors.type_error("Input must be either real or complex, not of integers.")
        return reduce_mean(SQUARE(x - mean), axis, keepdims=keepdims)


def reduce_std(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """The square root of the variance (mirrors `tf.math.reduce_std`).

    Args:
      input_tensor: a tensor of a floating dtype.
      axis: an axis or a list of axes; all if None.
      keepdims: whether the axes stay, with size 1.
      name: the scope of the nodes.

    Returns:
      A tensor of the same dtype.

    Raises:
      TypeError: if the dtype is of integers.
      ValueError: if an axis is out of range.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.math.reduce_std([1.0, 5.0])))
    2.0
    """
    with name_scope(name or "reduce_std", values=[input_tensor]):
        result: Tensor = SQRT(reduce_variance(input_tensor, axis, keepdims))
        return result


def norm(
    tensor: Any,
    ord: Any = "euclidean",
    axis: Any = None,
    keepdims: bool | None = None,
    name: str | None = None,
    keep_dims: bool | None = None,
) -> Tensor:
    """The norm of vectors or matrices (mirrors `tf.norm`).

    Args:
      tensor: a tensor of a floating or complex dtype.
      ord: "euclidean", or "fro" for matrices: the root of the sum of squares; a positive number p:
        `sum(abs(x) ** p) ** (1 / p)`; `np.inf`: the largest absolute value. Of matrices 1 is the
        largest sum of a column, `np.inf` that of a row.
      axis: an axis for norms of vectors, a pair of axes for norms of matrices; if None the whole
        tensor is taken as one vector.
      keepdims: whether the axes stay, with size 1.
      name: the scope of the nodes.
      keep_dims: an older name of `keepdims`.

    Returns:
      A tensor of the same dtype.

    Raises:
      ValueError: if `ord` or `axis` is none of these.
      NotImplementedError: for the spectral norm, `ord=2` of a matrix.

    >>> import minitf as tf
    >>> x = tf.constant([[3.0, -4.0], [0.0, 2.0]])
    >>> with tf.Session() as sess:
    ...     print(*sess.run([tf.norm(x, axis=1), tf.norm(x, ord=1, axis=1)]))
    [5. 2.] [7. 2.]
    """
    keep = keepdims_argument(keepdims, keep_dims)
    is_matrix = isinstance(axis, (list, tuple)) and len(axis) == 2 and axis[0] != axis[1]
    if not is_matrix and isinstance(axis, (list, tuple)):
        raise errors.value_error(
            f"'axis' must be None, an integer, or a tuple of 2 unique integers, got {axis}"
        )
    _check_ord(ord, is_matrix)
    axes = list(axis) if is_matrix else axis
    with name_scope(name, "norm", [tensor]):
        x = convert_to_tensor(tensor)
        result = _kept_norm(x, ord, axes, is_matrix)
        if keep:
            return result
        return array_ops.squeeze(result, axes)


def _check_ord(ord: Any, is_matrix: bool) -> None:
    if is_matrix:
        if ord == 2:
            raise errors.not_implemented("minitf has no spectral norm of a matrix (ord=2).")
        if ord not in ("euclidean", "fro", 1, np.inf):
            raise errors.value_error(f"'ord' must be a supported matrix norm, got {ord}")
    elif ord != "euclidean" and (isinstance(ord, str) or ord <= 0):
        raise errors.value_error(f"'ord' must be a supported vector norm, got {ord}")


def _kept_norm(x: Tensor, ord: Any, axis: Any, is_matrix: bool) -> Tensor:
    """The norm with its axes kept, of size 1."""
    axes = [axis] if isinstance(axis, int) else axis
    if ord in ("fro", "euclidean", 2):
        result: Tensor = SQRT(reduce_sum(x * conj(x), axes, keepdims=True))
        return result
    sizes = abs(x)
    if is_matrix:
        added, compared = axis if ord == 1 else reversed(axis)
        return reduce_max(reduce_sum(sizes, added, keepdims=True), compared, keepdims=True)
    if ord == np.inf:
        return reduce_max(sizes, axis, keepdims=True)
    if ord == 1:
        return reduce_sum(sizes, axis, keepdims=True)
    result = POW(reduce_sum(POW(sizes, ord), axes, keepdims=True), 1.0 / ord)
    return result
