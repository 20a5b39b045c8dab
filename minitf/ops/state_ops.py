"""With this module one can keep a value between runs and change it: the ops under `tf.Variable`.

A variable's node gives out a *reference*: not an array, but the place that holds one. Ops that
take a reference (`&T`) change what is there, in place, and give the reference on; every other op
is given the array that is there when it runs. So a read aliases its variable, and what one
fetches is copied only at the end of the run: `run([v, v.assign_add(1.0)])` returns the sum twice.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from minitf.framework import errors
from minitf.framework.dtypes import DType
from minitf.framework.kernel_context import KernelContext, VariableResource
from minitf.framework.op_def import op_def, scalars
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, unknown_shape

_UNLOCKED = nullcontext()


def holding(ref: VariableResource, use_locking: bool) -> AbstractContextManager[Any]:
    """The variable's lock if the op was built with `use_locking`."""
    return ref.lock if use_locking else _UNLOCKED


# ---- VariableV2

VARIABLE_V2 = op_def(
    "VariableV2() -> (ref: &dtype)",
    "shape: shape",
    "dtype: type",
    'container: string = ""',
    'shared_name: string = ""',
    stateful=True,
)


@VARIABLE_V2.shape
def variable_shape(op: Operation) -> list[TensorShape]:
    shape: TensorShape = op._attrs["shape"]
    return [shape]


@VARIABLE_V2.kernel
def variable_kernel(
    ctx: KernelContext, *, shape: TensorShape, dtype: DType, container: str, shared_name: str
) -> VariableResource:
    # Nodes with one shared_name are one variable.
    name = shared_name or ctx.node_name
    resource: VariableResource = ctx.resources.lookup_or_create(
        "variable", container, name, lambda: VariableResource(name, shape._dims, ctx.resources)
    )
    if resource.value is not None and resource.value.dtype != dtype.as_numpy_dtype:
        # Another graph made it: that of another worker, whose script is another one.
        raise ValueError(
            f"Trying to access the variable {name} with wrong dtype. "
            f"Expected {dtype.name}, got {resource.value.dtype}"
        )
    return resource


VARIABLE_V2.not_differentiable()


# ---- Variable

VARIABLE = op_def(
    "Variable() -> (ref: &dtype)",
    "shape: shape",
    "dtype: type",
    'container: string = ""',
    'shared_name: string = ""',
    stateful=True,
)


@VARIABLE.shape
def old_variable_shape(op: Operation) -> list[TensorShape]:
    # In files of the time of this op, no dims stand for a rank that is not known.
    shape: TensorShape = op._attrs["shape"]
    return [shape if shape.ndims else unknown_shape()]


VARIABLE.kernel(variable_kernel)
VARIABLE.not_differentiable()


def variable_op_v2(
    shape: Any, dtype: Any, name: str = "Variable", container: str = "", shared_name: str = ""
) -> Tensor:
    """A reference to a place that holds a value; `tf.Variable` makes one, with an initializer."""
    ref: Tensor = VARIABLE_V2(
        shape=shape, dtype=dtype, container=container, shared_name=shared_name, name=name
    )
    return ref


# ---- IsVariableInitialized

IS_VARIABLE_INITIALIZED = op_def(
    "IsVariableInitialized(ref: &dtype) -> (is_initialized: bool)",
    "dtype: type",
    stateful=True,
    shape=scalars,
)


@IS_VARIABLE_INITIALIZED.kernel
def is_variable_initialized_kernel(ref: VariableResource) -> Any:
    return np.bool_(ref.value is not None)


IS_VARIABLE_INITIALIZED.not_differentiable()


def is_variable_initialized(ref: Any, name: str | None = None) -> Tensor:
    """Whether a variable holds a value (mirrors `tf.is_variable_initialized`).

    Args:
      ref: a `tf.Variable`, or a reference.
      name: the node's name.

    Returns:
      A scalar bool.

    >>> import minitf as tf
    >>> v = tf.Variable(1.0)
    >>> with tf.Session() as sess:
    ...     before = sess.run(tf.is_variable_initialized(v))
    ...     sess.run(v.initializer)
    ...     print(before, sess.run(tf.is_variable_initialized(v)))
    False True
    """
    result: Tensor = IS_VARIABLE_INITIALIZED(ref, name=name)
    return result


# ---- Assign

ASSIGN = op_def(
    "Assign(ref: &T, value: T) -> (output_ref: &T)",
    "T: type",
    "validate_shape: bool = true",
    "use_locking: bool = true",
    stateful=True,
)


@ASSIGN.shape
def assign_shape(op: Operation) -> list[TensorShape]:
    ref, value = op.inputs
    return [ref.shape.merge_with(value.shape) if op._attrs["validate_shape"] else value.shape]


@ASSIGN.kernel
def assign_kernel(
    ref: VariableResource, value: Any, *, validate_shape: bool, use_locking: bool
) -> VariableResource:
    with holding(ref, use_locking):
        if validate_shape and not ref.accepts(value.shape):
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Assign requires shapes of both tensors to match: the variable {ref.name} has "
                f"shape {ref.current_shape()}, the value has shape {value.shape}. Give "
                "validate_shape=False to change the variable's shape.",
            )
        ref.assign(value)
    return ref


ASSIGN.not_differentiable()


def assign(
    ref: Any,
    value: Any,
    validate_shape: bool | None = None,
    use_locking: bool | None = None,
    name: str | None = None,
) -> Tensor:
    """Stores a value in a variable: `ref = value` (mirrors `tf.assign`).

    Args:
      ref: a `tf.Variable`, or a reference, even of a variable without a value yet.
      value: a tensor of its dtype.
      validate_shape: False lets a value of another shape take the place of the old one.
      use_locking: whether other updates of the variable that lock, wait meanwhile.
      name: the node's name.

    Returns:
      The reference, to use where the new value is wanted.

    Raises:
      ValueError: if the shapes cannot match, already when the graph is built.
      TypeError: if `ref` is no variable, or the dtypes differ.

    >>> import minitf as tf
    >>> v = tf.Variable([1.0, 2.0])
    >>> with tf.Session() as sess:
    ...     sess.run(tf.assign(v, [5.0, 6.0]))
    array([5., 6.], dtype=float32)
    """
    attrs = {"validate_shape": validate_shape, "use_locking": use_locking}
    given = {key: flag for key, flag in attrs.items() if flag is not None}
    result: Tensor = ASSIGN(ref, value, name=name, **given)
    return result


# ---- AssignAdd


def update_shape(op: Operation) -> list[TensorShape]:
    """The shape rule of an update by a value of the variable's own shape."""
    ref, value = op.inputs
    return [ref.shape.merge_with(value.shape)]


def _update(ref: VariableResource, value: Any, use_locking: bool, ufunc: Any) -> VariableResource:
    """Sets `ref` to `ufunc(ref, value)` in place; nothing is broadcast."""
    with holding(ref, use_locking):
        held = ref.read()
        if held.shape != value.shape:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"The update must have the shape of the variable {ref.name}, {held.shape}, but "
                f"has shape {value.shape}",
            )
        ufunc(held, value, out=held)
    return ref


ASSIGN_ADD = op_def(
    "AssignAdd(ref: &T, value: T) -> (output_ref: &T)",
    "T: number",
    "use_locking: bool = false",
    stateful=True,
    shape=update_shape,
)


@ASSIGN_ADD.kernel
def assign_add_kernel(ref: VariableResource, value: Any, *, use_locking: bool) -> VariableResource:
    return _update(ref, value, use_locking, np.add)


ASSIGN_ADD.not_differentiable()


def assign_add(
    ref: Any, value: Any, use_locking: bool | None = None, name: str | None = None
) -> Tensor:
    """Adds to a variable: `ref += value` (mirrors `tf.assign_add`).

    Args:
      ref: a `tf.Variable`, or a reference, of a number type.
      value: a tensor of its dtype and shape; nothing is broadcast.
      use_locking: whether concurrent updates that lock wait for one another, so that none is lost.
      name: the node's name.

    Returns:
      The reference, to use where the new value is wanted.

    Raises:
      ValueError: if the shapes cannot match.
      tf.errors.FailedPreconditionError: at run time, if the variable is not initialized.

    >>> import minitf as tf
    >>> counter = tf.Variable(0)
    >>> count = tf.assign_add(counter, 1)
    >>> with tf.Session() as sess:
    ...     sess.run(counter.initializer)
    ...     print([int(sess.run(count)) for _ in range(3)])
    [1, 2, 3]
    """
    result: Tensor = ASSIGN_ADD(ref, value, use_locking=bool(use_locking), name=name)
    return result


# ---- AssignSub

ASSIGN_SUB = op_def(
    "AssignSub(ref: &T, value: T) -> (output_ref: &T)",
    "T: number",
    "use_locking: bool = false",
    stateful=True,
    shape=update_shape,
)


@ASSIGN_SUB.kernel
def assign_sub_kernel(ref: VariableResource, value: Any, *, use_locking: bool) -> VariableResource:
    return _update(ref, value, use_locking, np.subtract)


ASSIGN_SUB.not_differentiable()


def assign_sub(
    ref: Any, value: Any, use_locking: bool | None = None, name: str | None = None
) -> Tensor:
    """Subtracts from a variable: `ref -= value` (mirrors `tf.assign_sub`); see `assign_add`.

    >>> import minitf as tf
    >>> v = tf.Variable([1.0, 2.0])
    >>> with tf.Session() as sess:
    ...     sess.run(v.initializer)
    ...     sess.run(tf.assign_sub(v, [1.0, 1.0]))
    array([0., 1.], dtype=float32)
    """
    result: Tensor = ASSIGN_SUB(ref, value, use_locking=bool(use_locking), name=name)
    return result


# ---- CountUpTo

COUNT_UP_TO = op_def(
    "CountUpTo(ref: &T) -> (output: T)",
    "limit: int",
    "T: index",
    stateful=True,
)


@COUNT_UP_TO.shape
def count_up_to_shape(op: Operation) -> list[TensorShape]:
    return [op.inputs[0].shape.with_rank(0)]


@COUNT_UP_TO.kernel
def count_up_to_kernel(ref: VariableResource, *, limit: int) -> Any:
    with ref.lock:
        count = ref.read()
        if count >= limit:
            raise errors.OutOfRangeError(None, None, f"Reached limit of {limit}")
        before = count.copy()
        count += 1
    return before


COUNT_UP_TO.not_differentiable()


def count_up_to(ref: Any, limit: int, name: str | None = None) -> Tensor:
    """Counts a variable up by 1, and gives the count before (mirrors `tf.count_up_to`).

    Args:
      ref: a scalar `tf.Variable` of int32 or int64.
      limit: the count to stop at.
      name: the node's name.

    Raises:
      tf.errors.OutOfRangeError: at run time, once the limit is reached.

    >>> import minitf as tf
    >>> v = tf.Variable(0)
    >>> count = tf.count_up_to(v, 2)
    >>> with tf.Session() as sess:
    ...     sess.run(v.initializer)
    ...     print(int(sess.run(count)), int(sess.run(count)))
    0 1
    """
    result: Tensor = COUNT_UP_TO(ref, limit=limit, name=name)
    return result
