"""With this module a value goes down one of two branches: `Switch`, and the `Merge` at their end.

A `Switch` sends its data out of one of two outputs and a *dead* token out of the other. A node with
a dead input does nothing and is dead itself, so that deadness runs down the branch not taken; a
`Merge` takes whichever of its inputs is alive. `tf.cond`, in `cond_ops`, is made of them.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from minitf.framework import errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.kernel_context import DEAD
from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.scopes import colocate_with
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import SCALAR, TensorShape, unknown_shape
from minitf.ops import array_ops

# The predicate that decides which input of a Merge is alive; gradients need it.
_PREDICATE_OF_MERGE: WeakKeyDictionary[Operation, Tensor] = WeakKeyDictionary()


def _switch_shape(op: Operation) -> list[TensorShape]:
    op.inputs[1].shape.with_rank(0)
    return [op.inputs[0].shape] * 2


def _switch_kernel(data: Any, pred: Any) -> tuple[Any, Any]:
    if np.ndim(pred):
        raise errors.InvalidArgumentError(
            None, None, f"The second input must be a scalar, but it has shape {np.shape(pred)}"
        )
    return (DEAD, data) if pred else (data, DEAD)


def _merge_shape(op: Operation) -> list[TensorShape]:
    shape = op.inputs[0].shape
    for other in op.inputs[1:]:
        if shape.ndims is None or other.shape.ndims != shape.ndims:
            return [unknown_shape(), SCALAR]
        dims = zip(shape.as_list(), other.shape.as_list(), strict=True)
        shape = TensorShape([a if a == b else None for a, b in dims])
    return [shape, SCALAR]


def _merge_kernel(*inputs: Any) -> tuple[Any, Any]:
    for index, value in enumerate(inputs):
        if value is not DEAD:
            return value, np.int32(index)
    raise errors.InternalError(None, None, "A Merge was run although all of its inputs are dead.")


# ---- Switch

SWITCH = op_def(
    "Switch(data: T, pred: bool) -> (output_false: T, output_true: T)",
    "T: type",
    aliases=True,
    is_control_flow=True,
    shape=_switch_shape,
)
SWITCH.kernel(_switch_kernel)


@SWITCH.gradient
def switch_gradient(op: Operation, grad_false: Any, grad_true: Any) -> Any:
    if grad_false is None and grad_true is None:
        return None, None
    data, pred = op.inputs
    # The side without a gradient gets zeros that are alive just when that side is taken.
    if grad_false is None:
        grad_false = array_ops.ZEROS_LIKE(SWITCH(data, pred)[0])
    if grad_true is None:
        grad_true = array_ops.ZEROS_LIKE(SWITCH(data, pred)[1])
    grads = [convert_to_tensor(grad) for grad in (grad_false, grad_true)]
    return merge_on(pred, grads, name="cond_grad")[0], None


# ---- RefSwitch

REF_SWITCH = op_def(
    "RefSwitch(data: &T, pred: bool) -> (output_false: &T, output_true: &T)",
    "T: type",
    aliases=True,
    is_control_flow=True,
    shape=_switch_shape,
)
REF_SWITCH.kernel(_switch_kernel)


@REF_SWITCH.gradient
def ref_switch_gradient(op: Operation, grad_false: Any, grad_true: Any) -> Any:
    return switch_gradient(op, grad_false, grad_true)


# ---- Merge

MERGE = op_def(
    "Merge(inputs: N * T) -> (output: T, value_index: int32)",
    "T: type",
    "N: int > 1",
    aliases=True,
    is_control_flow=True,
    is_merge=True,
    shape=_merge_shape,
)
MERGE.kernel(_merge_kernel)


@MERGE.gradient
def merge_gradient(op: Operation, grad: Any, _: Any = None) -> Any:
    if grad is None:
        return [None] * len(op.inputs)
    pred = _predicate_of(op)
    return list(SWITCH(grad, pred, name="cond_grad"))


# ---- RefMerge

REF_MERGE = op_def(
    "RefMerge(inputs: &N * T) -> (output: &T, value_index: int32)",
    "T: type",
    "N: int > 1",
    aliases=True,
    is_control_flow=True,
    is_merge=True,
    shape=_merge_shape,
)
REF_MERGE.kernel(_merge_kernel)


@REF_MERGE.gradient
def ref_merge_gradient(op: Operation, grad: Any, index_grad: Any = None) -> Any:
    return merge_gradient(op, grad, index_grad)


def switch(data: Any, pred: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """Sends `data` to one of two outputs: (output_false, output_true)."""
    declared = REF_SWITCH if data.dtype._is_ref_dtype else SWITCH
    with colocate_with(data, ignore_existing=True):
        outputs: tuple[Tensor, Tensor] = declared(data, pred, name=name or "Switch")
    return outputs


def switch_on_itself(pred: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
    """A Switch of the predicate by itself: its two outputs are the branches' pivots.

    Of a variable, what is switched is the variable and what decides is what was read from it.
    """
    outputs: tuple[Tensor, Tensor] = SWITCH(reference, pred)
    return outputs


def merge(inputs: list[Tensor], name: str | None = None) -> Any:
    """Whichever of the inputs is alive, and its index."""
    all_refs = all(t.dtype._is_ref_dtype for t in inputs)
    return (REF_MERGE if all_refs else MERGE)(inputs, name=name or "Merge")


def merge_on(pred: Tensor, inputs: list[Tensor], name: str | None = None) -> Any:
    """`merge` of the two sides [false, true] of a choice by `pred`."""
    outputs = merge(inputs, name)
    _PREDICATE_OF_MERGE[outputs[0].op] = pred
    return outputs


def _predicate_of(op: Operation) -> Tensor:
    """The predicate of a Merge; one in an imported graph is found by walking up to a Switch."""
    known = _PREDICATE_OF_MERGE.get(op)
    if known is not None:
        return known
    depth_of: dict[Operation, int] = {op: 0}
    frontier = [op]
    while frontier:
        current = frontier.pop(0)
        for before in [t.op for t in current.inputs] + current.control_inputs:
            # An inner Merge closes a choice of its own: its Switch is not the one that we seek.
            depth = depth_of[current] + (before.type in ("Merge", "RefMerge"))
            if before.type in ("Switch", "RefSwitch"):
                if depth == 0:
                    return before.inputs[1]
                depth -= 1
            if before not in depth_of:
                depth_of[before] = depth
                frontier.append(before)
    raise ValueError(f"No Switch belongs to the Merge {op.name!r}, created at {op.traceback}.")
