"""With this module a variable gets companions, its *slots*: variables of the same shape beside it.

An optimizer keeps a momentum there, a moving average its average. A slot of the variable `v` that
is called "Adam" is the variable "v/Adam"; the next one of this name is "v/Adam_1".
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from minitf.framework.default import get_default_graph
from minitf.framework.tensor_shape import as_shape
from minitf.ops import array_ops, init_ops, variable_scope
from minitf.ops.variables import Variable


def create_slot(
    primary: Any, val: Any, name: str, *, colocate_with_primary: bool = True
) -> Variable:
    """Makes a slot that begins with a value.

    Args:
      primary: the variable or tensor that it belongs to.
      val: the tensor to begin with.
      name: what the slot is called.
      colocate_with_primary: whether it is put where `primary` is.
    """
    validate_shape = val.shape.is_fully_defined()
    with (
        variable_scope.variable_scope(None, f"{primary.op.name}/{name}"),
        _beside(primary, colocate_with_primary),
    ):
        slot: Variable = variable_scope.get_variable(
            "", initializer=val, trainable=False, validate_shape=validate_shape
        )
    return _as_part(slot, primary)


def create_slot_with_initializer(
    primary: Any,
    initializer: Any,
    shape: Any,
    dtype: Any,
    name: str,
    *,
    colocate_with_primary: bool = True,
) -> Variable:
    """Makes a slot that begins with what an initializer gives.

    Args:
      primary: the variable or tensor that it belongs to.
      initializer: as for `tf.get_variable`; a function without arguments if the shape is not
        known.
      shape: the slot's shape.
      dtype: its dtype.
      name: what the slot is called.
      colocate_with_primary: whether it is put where `primary` is.
    """
    is_known = as_shape(shape).is_fully_defined()
    with (
        variable_scope.variable_scope(None, f"{primary.op.name}/{name}"),
        _beside(primary, colocate_with_primary),
    ):
        slot: Variable = variable_scope.get_variable(
            "",
            shape=shape if is_known else None,
            dtype=dtype,
            initializer=initializer,
            trainable=False,
            validate_shape=is_known,
        )
    return _as_part(slot, primary)


def create_zeros_slot(
    primary: Any, name: str, dtype: Any = None, *, colocate_with_primary: bool = True
) -> Variable:
    """Makes a slot that begins with zeros, of the shape of `primary` even if that is not known yet.

    Args:
      primary: the variable or tensor that it belongs to.
      name: what the slot is called.
      dtype: the dtype of `primary` if None.
      colocate_with_primary: whether it is put where `primary` is.
    """
    dtype = primary.dtype.base_dtype if dtype is None else dtype
    if primary.shape.is_fully_defined():
        return create_slot_with_initializer(
            primary,
            init_ops.zeros_initializer(),
            primary.shape,
            dtype,
            name,
            colocate_with_primary=colocate_with_primary,
        )
    value = primary.initialized_value() if isinstance(primary, Variable) else primary
    zeros = array_ops.zeros(array_ops.shape(value), dtype)
    return create_slot(primary, zeros, name, colocate_with_primary=colocate_with_primary)


def _beside(primary: Any, colocate: bool) -> AbstractContextManager[Any]:
    return get_default_graph().colocate_with(primary) if colocate else nullcontext()


def _as_part(slot: Variable, primary: Any) -> Variable:
    """The slot of a part of a variable, which is saved as that part of the whole's slot."""
    part = getattr(primary, "_save_slice_info", None)
    if part is not None:
        slot._set_save_slice_info(part.of_slot(slot.op.name.removeprefix(f"{primary.op.name}/")))
    return slot
