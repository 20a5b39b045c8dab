"""With this module one can change some rows of a variable: `tf.scatter_add` and its kin.

They take the numbers of rows along the first axis. A row that occurs twice is updated twice, in
order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import errors
from minitf.framework.kernel_context import VariableResource
from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape
from minitf.ops.state_ops import holding


def bad(message: str) -> errors.InvalidArgumentError:
    """The error for indices and updates that do not fit."""
    return errors.InvalidArgumentError(None, None, message)


def combine_at(held: Any, where: Any, updates: Any, distinct: bool, function: Any) -> None:
    """Sets `held` at some positions, in place.

    Args:
      held: the variable's array.
      where: the positions, as numpy indexes.
      updates: the new values.
      distinct: whether no position occurs twice; then there is a faster way.
      function: how an old and a new value combine; None to store the new one.
    """
    if function is None:
        held[where] = updates
    elif distinct:
        held[where] = function(held[where], updates)
    elif isinstance(function, np.ufunc):
        function.at(held, where, updates)  # once per occurrence, in order
    else:
        for position, update in zip(
            where, np.broadcast_to(updates, held[where].shape), strict=True
        ):
            held[position] = function(held[position], update)


def rows_shape(op: Operation) -> list[TensorShape]:
    """The shape rule of updates of rows: `updates` is a scalar, or `indices` by the rest."""
    ref, indices, updates = (tensor.shape for tensor in op.inputs)
    if updates.ndims and ref.ndims:
        updates.merge_with(indices.concatenate(ref[1:]))
    return [ref]


def _scatter(
    ref: VariableResource, indices: Any, updates: Any, use_locking: bool, function: Any
) -> VariableResource:
    with holding(ref, use_locking):
        held = ref.read()
        if held.ndim == 0:
            raise bad(f"The variable {ref.name} must be at least 1-D, but it is a scalar")
        if updates.ndim and updates.shape != indices.shape + held.shape[1:]:
            raise bad(
                "Must have updates.shape = indices.shape + variable.shape[1:] or updates.shape = "
                f"[], got updates.shape {updates.shape}, indices.shape {indices.shape}, "
                f"variable.shape {held.shape}"
            )
        rows = np.ravel(indices)
        outside = np.flatnonzero((rows < 0) | (rows >= held.shape[0]))
        if outside.size:
            where = list(map(int, np.unravel_index(outside[0], np.shape(indices))))
            raise bad(f"indices{where} = {rows[outside[0]]} is not in [0, {held.shape[0]})")
        if updates.ndim:
            updates = updates.reshape(rows.shape + held.shape[1:])
        if rows.size:
            combine_at(held, rows, updates, np.unique(rows).size == rows.size, function)
    return ref


# ---- ScatterUpdate

SCATTER_UPDATE = op_def(
    "ScatterUpdate(ref: &T, indices: Tindices, updates: T) -> (output_ref: &T)",
    "T: type",
    "Tindices: index",
    "use_locking: bool = true",
    stateful=True,
    shape=rows_shape,
)


@SCATTER_UPDATE.kernel
def scatter_update_kernel(
    ref: VariableResource, indices: Any, updates: Any, *, use_locking: bool
) -> VariableResource:
    return _scatter(ref, indices, updates, use_locking, None)


SCATTER_UPDATE.refuse_gradients()


def scatter_update(
    ref: Any, indices: Any, updates: Any, use_locking: bool = True, name: str | None = None
) -> Tensor:
    """Stores rows in a variable: `ref[indices[i]] = updates[i]` (mirrors `tf.scatter_update`).

    Args:
      ref: a `tf.Variable`, or a reference, of rank 1 or more.
      indices: the numbers of the rows, int32 or int64, of any shape.
      updates: a row for each, of shape `indices.shape + ref.shape[1:]`; or one scalar for all.
      use_locking: whether other updates of the variable that lock, wait meanwhile.
      name: the node's name.

    Returns:
      The reference, to use where the new value is wanted. Where a row is given twice the last
      one counts.

    Raises:
      ValueError: if the shapes cannot match, already when the graph is built.
      tf.errors.InvalidArgumentError: at run time, for an index that is negative or too large.
      tf.errors.FailedPreconditionError: if the variable is not initialized.

    >>> import minitf as tf
    >>> v = tf.Variable([1.0, 2.0, 3.0])
    >>> with tf.Session() as sess:
    ...     sess.run(v.initializer)
    ...     sess.run(tf.scatter_update(v, [0, 2], [9.0, 8.0]))
    array([9., 2., 8.], dtype=float32)
    """
    result: Tensor = SCATTER_UPDATE(ref, indices, updates, use_locking=use_locking, name=name)
    return result


# ---- ScatterAdd

SCATTER_ADD = op_def(
    "ScatterAdd(ref: &T, indices: Tindices, updates: T) -> (output_ref: &T)",
    "T: number",
    "Tindices: index",
    "use_locking: bool = false",
    stateful=True,
    shape=rows_shape,
)


@SCATTER_ADD.kernel
def scatter_add_kernel(
    ref: VariableResource, indices: Any, updates: Any, *, use_locking: bool
) -> VariableResource:
    return _scatter(ref, indices, updates, use_locking, np.add)


SCATTER_ADD.not_differentiable()


def scatter_add(
    ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None
) -> Tensor:
    """Adds to rows of a variable: `ref[indices[i]] += updates[i]`.

    Mirrors `tf.scatter_add`; see `scatter_update` for the arguments and errors. A row that is
    given twice is updated twice.

    >>> import minitf as tf
    >>> v = tf.Variable([1.0, 2.0, 3.0])
    >>> with tf.Session() as sess:
    ...     sess.run(v.initializer)
    ...     sess.run(tf.scatter_add(v, [0, 2], [9.0, 8.0]))
    array([10.,  2., 11.], dtype=float32)
    """
    result: Tensor = SCATTER_ADD(ref, indices, updates, use_locking=use_locking, name=name)
    return result


# ---- ScatterSub

SCATTER_SUB = op_def(
    "ScatterSub(ref: &T, indices: Tindices, updates: T) -> (output_ref: &T)",
    "T: number",
    "Tindices: index",
    "use_locking: bool = false",
    stateful=True,
    shape=rows_shape,
)


@SCATTER_SUB.kernel
def scatter_sub_kernel(
    ref: VariableResource, indices: Any, updates: Any, *, use_locking: bool
) -> VariableResource:
    return _scatter(ref, indices, updates, use_locking, np.subtract)


SCATTER_SUB.not_differentiable()


def scatter_sub(
    ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None
) -> Tensor:
    """Subtracts from rows of a variable: `ref[indices[i]] -= updates[i]`.

    Mirrors `tf.scatter_sub`; see `scatter_update` for the arguments and errors. A row that is
    given twice is updated twice.

    >>> import minitf as tf
    >>> v = tf.Variable([1.0, 2.0, 3.0])
    >>> with tf.Session() as sess:
    ...     sess.run(v.initializer)
    ...     sess.run(tf.scatter_sub(v, [0, 2], [9.0, 8.0]))
    array([-8.,  2., -5.], dtype=float32)
    """
    result: Tensor = SCATTER_SUB(ref, indices, updates, use_locking=use_locking, name=name)
    return result


# ---- ScatterMul

SCATTER_MUL = op_def(
    "ScatterMul(ref: &T, indices: Tindices, updates: T) -> (output_ref: &T)",
    "T: number",
    "Tindices: index",
    "use_locking: bool = false",
    stateful=True,
    shape=rows_shape,
)


@SCATTER_MUL.kernel
def scatter_mul_kernel(
    ref: VariableResource, indices: Any, updates: Any, *, use_locking: bool
) -> VariableResource:
    return _scatter(ref, indices, updates, use_locking, np.multiply)


SCATTER_MUL.not_differentiable()


def scatter_mul(
    ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None
) -> Tensor:
    """Multiplies rows of a variable: `ref[indices[i]] *= updates[i]`.

    Mirrors `tf.scatter_mul`; see `scatter_update` for the arguments and errors. A row that is
    given twice is updated twice.

    >>> import minitf as tf
    >>> v = tf.Variable([1.0, 2.0, 3.0])
    >>> with tf.Session() as sess:
    ...     sess.run(v.initializer)
    ...     sess.run(tf.scatter_mul(v, [0, 2], [9.0, 8.0]))
    array([ 9.,  2., 24.], dtype=float32)
    """
    result: Tensor = SCATTER_MUL(ref, indices, updates, use_locking=use_locking, name=name)
    return result


# ---- ScatterDiv

SCATTER_DIV = op_def(
    "ScatterDiv(ref: &T, indices: Tindices, updates: T) -> (output_ref: &T)",
    "T: number",
    "Tindices: index",
    "use_locking: bool = false",
    stateful=True,
    shape=rows_shape,
)


@SCATTER_DIV.kernel
def scatter_div_kernel(
    ref: VariableResource, indices: Any, updates: Any, *, use_locking: bool
) -> VariableResource:
    if updates.dtype.kind not in "iu":
        return _scatter(ref, indices, updates, use_locking, np.divide)
    if not np.all(updates):
        raise bad("Integer division by zero")
    return _scatter(ref, indices, updates, use_locking, _truncated_divide)


def _truncated_divide(x: Any, y: Any) -> Any:
    """C's division of integers, which TensorFlow has here: -7 / 2 is -3. numpy's rounds down."""
    down = x // y
    return np.where((x % y != 0) & ((x < 0) != (y < 0)), down + 1, down)


SCATTER_DIV.not_differentiable()


def scatter_div(
    ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None
) -> Tensor:
    """Divides rows of a variable: `ref[indices[i]] /= updates[i]`; integers are truncated.

    Mirrors `tf.scatter_div`; see `scatter_update` for the arguments and errors. A row that is
    given twice is updated twice.

    >>> import minitf as tf
    >>> v = tf.Variable([1.0, 2.0, 3.0])
    >>> with tf.Session() as sess:
    ...     sess.run(v.initializer)
    ...     sess.run(tf.scatter_div(v, [0, 2], [2.0, 4.0]))
    array([0.5 , 2.  , 0.75], dtype=float32)
    """
    result: Tensor = SCATTER_DIV(ref, indices, updates, use_locking=use_locking, name=name)
    return result


# ---- ScatterMin

SCATTER_MIN = op_def(
    "ScatterMin(ref: &T, indices: Tindices, updates: T) -> (output_ref: &T)",
    "T: {float16, float32, float64, int32, int64}",
    "Tindices: index",
    "use_locking: bool = false",
    stateful=True,
    shape=rows_shape,
)


@SCATTER_MIN.kernel
def scatter_min_kernel(
    ref: VariableResource, indices: Any, updates: Any, *, use_locking: bool
) -> VariableResource:
    return _scatter(ref, indices, updates, use_locking, np.minimum)


SCATTER_MIN.refuse_gradients()


def scatter_min(
    ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None
) -> Tensor:
    """Takes minima: `ref[indices[i]] = min(ref[indices[i]], updates[i])`.

    Mirrors `tf.scatter_min`; see `scatter_update` for the arguments and errors. A row that is
    given twice is updated twice.

    >>> import minitf as tf
    >>> v = tf.Variable([1.0, 2.0, 3.0])
    >>> with tf.Session() as sess:
    ...     sess.run(v.initializer)
    ...     sess.run(tf.scatter_min(v, [0, 2], [9.0, 8.0]))
    array([1., 2., 3.], dtype=float32)
    """
    result: Tensor = SCATTER_MIN(ref, indices, updates, use_locking=use_locking, name=name)
    return result


# ---- ScatterMax

SCATTER_MAX = op_def(
    "ScatterMax(ref: &T, indices: Tindices, updates: T) -> (output_ref: &T)",
    "T: {float16, float32, float64, int32, int64}",
    "Tindices: index",
    "use_locking: bool = false",
    stateful=True,
    shape=rows_shape,
)


@SCATTER_MAX.kernel
def scatter_max_kernel(
    ref: VariableResource, indices: Any, updates: Any, *, use_locking: bool
) -> VariableResource:
    return _scatter(ref, indices, updates, use_locking, np.maximum)


SCATTER_MAX.refuse_gradients()


def scatter_max(
    ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None
) -> Tensor:
    """Takes maxima: `ref[indices[i]] = max(ref[indices[i]], updates[i])`.

    Mirrors `tf.scatter_max`; see `scatter_update` for the arguments and errors. A row that is
    given twice is updated twice.

    >>> import minitf as tf
    >>> v = tf.Variable([1.0, 2.0, 3.0])
    >>> with tf.Session() as sess:
    ...     sess.run(v.initializer)
    ...     sess.run(tf.scatter_max(v, [0, 2], [9.0, 8.0]))
    array([9., 2., 8.], dtype=float32)
    """
    result: Tensor = SCATTER_MAX(ref, indices, updates, use_locking=use_locking, name=name)
    return result
