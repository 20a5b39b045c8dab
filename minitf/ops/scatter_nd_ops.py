"""With this module one can change some elements or slices of a variable: `tf.scatter_nd_update` and
its kin, which take coordinates where `tf.scatter_update` takes the numbers of rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework.kernel_context import VariableResource
from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape
from minitf.ops.scatter_ops import bad, combine_at
from minitf.ops.state_ops import holding


def slices_shape(op: Operation) -> list[TensorShape]:
    """The shape rule of updates of slices: the last axis of `indices` holds coordinates."""
    ref, indices, updates = (tensor.shape for tensor in op.inputs)
    if indices.ndims == 0:
        raise ValueError("Shape must be at least rank 1 but is rank 0: indices")
    depth = None if indices.ndims is None else indices[-1].value
    # As in TensorFlow, too many coordinates are an error of the run.
    if depth is not None and ref.ndims is not None and depth <= ref.ndims:
        updates.merge_with(indices[:-1].concatenate(ref[depth:]))
    return [ref]


def _scatter_nd(
    ref: VariableResource, indices: Any, updates: Any, use_locking: bool, function: Any
) -> VariableResource:
    with holding(ref, use_locking):
        held = ref.read()
        depth = indices.shape[-1]
        if depth > held.ndim or updates.shape != indices.shape[:-1] + held.shape[depth:]:
            raise bad(
                "Must have updates.shape = indices.shape[:-1] + variable.shape[indices.shape[-1]:]"
                f", got updates.shape {updates.shape}, indices.shape {indices.shape}, "
                f"variable.shape {held.shape}"
            )
        if depth == 0:
            raise bad(f"indices of shape {indices.shape} hold no coordinates")
        at = indices.reshape(-1, depth)
        outside = np.flatnonzero(((at < 0) | (at >= held.shape[:depth])).any(axis=1))
        if outside.size:
            where = list(map(int, np.unravel_index(outside[0], indices.shape[:-1])))
            raise bad(
                f"indices{where} = {at[outside[0]].tolist()} does not index into shape {held.shape}"
            )
        if len(at):
            distinct = len(np.unique(at, axis=0)) == len(at)
            slices = updates.reshape(len(at), *held.shape[depth:])
            combine_at(held, tuple(at.T), slices, distinct, function)
    return ref


# ---- ScatterNdUpdate

SCATTER_ND_UPDATE = op_def(
    "ScatterNdUpdate(ref: &T, indices: Tindices, updates: T) -> (output_ref: &T)",
    "T: type",
    "Tindices: index",
    "use_locking: bool = true",
    'bad_indices_policy: string = ""',
    stateful=True,
    shape=slices_shape,
)


@SCATTER_ND_UPDATE.kernel
def scatter_nd_update_kernel(
    ref: VariableResource, indices: Any, updates: Any, *, use_locking: bool
) -> VariableResource:
    return _scatter_nd(ref, indices, updates, use_locking, None)


SCATTER_ND_UPDATE.not_differentiable()


def scatter_nd_update(
    ref: Any, indices: Any, updates: Any, use_locking: bool = True, name: str | None = None
) -> Tensor:
    """Stores slices in a variable: `ref[indices[i]] = updates[i]` (mirrors `tf.scatter_nd_update`).

    Args:
      ref: a `tf.Variable`, or a reference.
      indices: coordinates along its last axis, whose size k is at most the rank of `ref`; int32
        or int64.
      updates: a slice for each, of shape `indices.shape[:-1] + ref.shape[k:]`.
      use_locking: whether other updates of the variable that lock, wait meanwhile.
      name: the node's name.

    Returns:
      The reference, to use where the new value is wanted.

    Raises:
      ValueError: if the shapes cannot match, already when the graph is built.
      tf.errors.InvalidArgumentError: at run time, for coordinates outside of the variable.
      tf.errors.FailedPreconditionError: if the variable is not initialized.

    >>> import minitf as tf
    >>> v = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
    >>> with tf.Session() as sess:
    ...     sess.run(v.initializer)
    ...     sess.run(tf.scatter_nd_update(v, [[0, 0], [1, 1]], [9.0, 8.0]))
    array([[9., 2.],
           [3., 8.]], dtype=float32)
    """
    result: Tensor = SCATTER_ND_UPDATE(ref, indices, updates, use_locking=use_locking, name=name)
    return result


# ---- ScatterNdAdd

SCATTER_ND_ADD = op_def(
    "ScatterNdAdd(ref: &T, indices: Tindices, updates: T) -> (output_ref: &T)",
    "T: number",
    "Tindices: index",
    "use_locking: bool = false",
    'bad_indices_policy: string = ""',
    stateful=True,
    shape=slices_shape,
)


@SCATTER_ND_ADD.kernel
def scatter_nd_add_kernel(
    ref: VariableResource, indices: Any, updates: Any, *, use_locking: bool
) -> VariableResource:
    return _scatter_nd(ref, indices, updates, use_locking, np.add)


SCATTER_ND_ADD.not_differentiable()


def scatter_nd_add(
    ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None
) -> Tensor:
    """Adds to slices of a variable: `ref[indices[i]] += updates[i]`.

    Mirrors `tf.scatter_nd_add`; see `scatter_nd_update` for the arguments and errors. A slice
    that is given twice is updated twice.

    >>> import minitf as tf
    >>> v = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
    >>> with tf.Session() as sess:
    ...     sess.run(v.initializer)
    ...     sess.run(tf.scatter_nd_add(v, [[0, 0], [1, 1]], [9.0, 8.0]))
    array([[10.,  2.],
           [ 3., 12.]], dtype=float32)
    """
    result: Tensor = SCATTER_ND_ADD(ref, indices, updates, use_locking=use_locking, name=name)
    return result


# ---- ScatterNdSub

SCATTER_ND_SUB = op_def(
    "ScatterNdSub(ref: &T, indices: Tindices, updates: T) -> (output_ref: &T)",
    "T: number",
    "Tindices: index",
    "use_locking: bool = false",
    'bad_indices_policy: string = ""',
    stateful=True,
    shape=slices_shape,
)


@SCATTER_ND_SUB.kernel
def scatter_nd_sub_kernel(
    ref: VariableResource, indices: Any, updates: Any, *, use_locking: bool
) -> VariableResource:
    return _scatter_nd(ref, indices, updates, use_locking, np.subtract)


SCATTER_ND_SUB.not_differentiable()


def scatter_nd_sub(
    ref: Any, indices: Any, updates: Any, use_locking: bool = False, name: str | None = None
) -> Tensor:
    """Subtracts from slices of a variable: `ref[indices[i]] -= updates[i]`.

    Mirrors `tf.scatter_nd_sub`; see `scatter_nd_update` for the arguments and errors. A slice
    that is given twice is updated twice.

    >>> import minitf as tf
    >>> v = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
    >>> with tf.Session() as sess:
    ...     sess.run(v.initializer)
    ...     sess.run(tf.scatter_nd_sub(v, [[0, 0], [1, 1]], [9.0, 8.0]))
    array([[-8.,  2.],
           [ 3., -4.]], dtype=float32)
    """
    result: Tensor = SCATTER_ND_SUB(ref, indices, updates, use_locking=use_locking, name=name)
    return result
