"""With this module the ops that optimizers emit share what they do beside their rule.

They check that the variable, its slots and the gradient fit, take the locks, and apply the rule to
what the variables hold, in place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any

import numpy as np

from minitf.framework import errors
from minitf.framework.kernel_context import VariableResource
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape
from minitf.kernels import optimizers
from minitf.ops.state_ops import holding

_GRADIENTS = frozenset({"grad", "delta"})


def bad(message: str) -> errors.InvalidArgumentError:
    return errors.InvalidArgumentError(None, None, message)


# ---- shape rules


def dense_shape(op: Operation) -> list[TensorShape]:
    """Variable, slots and gradient have one shape; everything else is a scalar."""
    shape, named = _shape_of_slots(op)
    for name in _GRADIENTS & set(named):
        shape = shape.merge_with(named[name].shape)
    return [shape]


def sparse_shape(op: Operation) -> list[TensorShape]:
    """The gradient has a row of the variable for each of the indices."""
    shape, named = _shape_of_slots(op)
    indices = named["indices"].shape.with_rank(1)
    if shape.ndims is not None:
        shape = shape.with_rank_at_least(1)
        named["grad"].shape.merge_with(indices.concatenate(shape[1:]))
    return [shape]


def _shape_of_slots(op: Operation) -> tuple[TensorShape, dict[str, Tensor]]:
    """The shape that variable and slots agree on, and the inputs by name."""
    shape = op.inputs[0].shape
    named: dict[str, Tensor] = {}
    for arg, tensor in zip(op.op_def.inputs, op.inputs, strict=True):
        named[arg.name] = tensor
        if arg.is_ref:
            shape = shape.merge_with(tensor.shape)
        elif arg.name != "indices" and arg.name not in _GRADIENTS:
            tensor.shape.assert_has_rank(0)
    return shape, named


# ---- updates


def update_dense(
    rule: Callable[..., Any],
    slots: dict[str, VariableResource],
    grad: Any,
    scalars: dict[str, Any],
    use_locking: bool,
) -> VariableResource:
    """Applies a rule of `kernels.optimizers` to all of a variable; returns the variable.

    Args:
      rule: see `optimizers.update`.
      slots: the variable, and then its slots, under the names of the op's inputs.
      grad: the gradient.
      scalars: what the rule takes besides, under the names of the op's inputs.
      use_locking: whether to take the locks of all that is changed.

    Raises:
      FailedPreconditionError: if the variable or a slot is not initialized.
      InvalidArgumentError: if shapes do not fit.
    """
    with locked(slots, use_locking):
        arrays = fitting(slots)
        check_same_shape(slots, grad)
        optimizers.update(rule, arrays, grad, *checked_scalars(scalars))
    return next(iter(slots.values()))


def update_sparse(
    rule: Callable[..., Any],
    slots: dict[str, VariableResource],
    grad: Any,
    indices: Any,
    scalars: dict[str, Any],
    use_locking: bool,
) -> VariableResource:
    """Applies a rule to the rows `indices` of a variable, as `update_dense` does to all."""
    with locked(slots, use_locking):
        arrays = fitting(slots)
        values = checked_scalars(scalars)
        _check_rows(arrays[0], grad, indices)
        optimizers.update_rows(rule, arrays, grad, indices, *values)
    return next(iter(slots.values()))


def locked(slots: dict[str, VariableResource], use_locking: bool) -> AbstractContextManager[None]:
    """Holds the locks of several variables, if `use_locking`."""
    return _all_locked(slots) if use_locking else _NOT_LOCKED


_NOT_LOCKED = nullcontext()


@contextmanager
def _all_locked(slots: dict[str, VariableResource]) -> Iterator[None]:
    """Holds the locks, taken in one order by whoever takes them."""
    with ExitStack() as stack:
        distinct = {id(ref): ref for ref in slots.values()}
        for _, ref in sorted(distinct.items()):
            stack.enter_context(holding(ref, True))
        yield


def fitting(slots: dict[str, VariableResource]) -> list[Any]:
    """What the variables hold, once it is known to be of one shape."""
    arrays = [ref.read() for ref in slots.values()]
    for name, array in zip(slots, arrays, strict=True):
        if array.shape != arrays[0].shape:
            raise bad(
                f"var and {name} do not have the same shape: {list(arrays[0].shape)} and "
                f"{list(array.shape)}"
            )
    return arrays


def check_same_shape(slots: dict[str, VariableResource], grad: Any) -> None:
    """Refuses a gradient that has another shape than the variable."""
    var = next(iter(slots.values())).value
    if grad.shape != var.shape:
        raise bad(
            f"var and grad do not have the same shape: {list(var.shape)} and {list(grad.shape)}"
        )


def checked_scalars(scalars: dict[str, Any]) -> list[Any]:
    """The scalars as numpy scalars, whose dtype they keep in arithmetic."""
    for name, value in scalars.items():
        if value.ndim:
            raise bad(f"{name} is not a scalar: its shape is {list(value.shape)}")
    return [value[()] for value in scalars.values()]


def _check_rows(var: Any, grad: Any, indices: Any) -> None:
    if var.ndim == 0:
        raise bad("var must be at least 1 dimensional, but it is a scalar")
    if indices.ndim != 1:
        raise bad(f"indices must be one-dimensional, but have the shape {list(indices.shape)}")
    wanted = indices.shape + var.shape[1:]
    if grad.shape != wanted:
        raise bad(
            f"grad must have a row of var for each of the indices: its shape is "
            f"{list(grad.shape)}, not {list(wanted)}"
        )
    outside = np.flatnonzero((indices < 0) | (indices >= len(var)))
    if outside.size:
        first = outside[0]
        raise bad(
            f"Index {indices[first]} at offset {first} in indices is out of range: var has "
            f"{len(var)} rows"
        )
