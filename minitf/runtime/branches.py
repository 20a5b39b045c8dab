"""With this module one knows which operations of a run may be left out, as they lie on a branch.

Below a `Switch` an operation may be dead, down to the `Merge` at the end of the choice:

    x ---> Switch ---true---> exp(x) ---+
             ^                          +--> Merge ---> y        exp and sin may be dead, y is not
    p -------+    ---false--> sin(x) ---+

What must have been chosen for a value to be alive is a set of choices: exp(x) asks for (p, true),
sin(x) for (p, false). Two values of which the one asks for one side of a predicate, the other for
the other side, and both for the same beside that: one of them is alive whichever side is chosen.

>>> import minitf as tf
>>> from minitf.runtime.prune import prune
>>> x = tf.placeholder(tf.float32, [], name="x")
>>> y = tf.cond(x > 0.0, lambda: tf.exp(x, name="yes"), lambda: tf.sin(x, name="no"))
>>> dead = may_be_dead(prune([y], {x}), {x})
>>> [op.name for op in (x.op, *(t.op for t in y.op.inputs), y.op) if op in dead]
['cond/no', 'cond/yes']
"""

from __future__ import annotations

from collections.abc import Iterable

from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor

# What decides, and which side it must have decided for.
Choice = tuple[Tensor | Operation, bool]
Choices = frozenset[Choice]

_NONE: Choices = frozenset()


def may_be_dead(ops: Iterable[Operation], fed: set[Tensor]) -> set[Operation]:
    """The operations that may not be run, or may make something dead.

    Args:
      ops: what runs, inputs before what reads them.
      fed: the tensors whose values are given.
    """
    found: set[Operation] = set()
    asked: dict[Tensor | Operation, Choices] = {}  # of those that ask for something
    variables: set[Tensor] = set()  # what lies in the memory of one
    for op in ops:
        choices = _choices(op, asked)
        if choices:
            asked[op] = choices
            found.add(op)
        if op._op_def.aliases and any(t._dtype._is_ref_dtype or t in variables for t in op._inputs):
            variables.update(op._outputs)
        decider = _decider(op, fed, variables) if _is_switch(op) else None
        for side, tensor in enumerate(op._outputs):
            made = choices if decider is None else choices | {(decider, bool(side))}
            if made and tensor not in fed:
                asked[tensor] = made
                found.add(op)
    return found


def _is_switch(op: Operation) -> bool:
    return op._op_def.is_control_flow and not op._op_def.is_merge and len(op._outputs) == 2


def _choices(op: Operation, asked: dict[Tensor | Operation, Choices]) -> Choices:
    """What must have been chosen for an operation to be run."""
    waits = _NONE.union(*(asked.get(other, _NONE) for other in op._control_inputs))
    inputs = [asked.get(tensor, _NONE) for tensor in op._inputs]
    if op._op_def.is_merge:
        return waits | _of_one(op, inputs)
    choices = waits.union(*inputs)
    if op._op_def.is_control_flow and not _is_switch(op):
        choices |= {(op, True)}  # what another task sends may be dead
    return choices


def _of_one(merge: Operation, inputs: list[Choices]) -> Choices:
    """What must have been chosen for one of the inputs of a Merge to be alive."""
    both = inputs[0].intersection(*inputs[1:])
    sides = [choices - both for choices in inputs]
    if [len(side) for side in sides] == [1, 1]:
        ((one, _),), ((other, _),) = sides
        if one is other:
            return both
    return both | {(merge, True)}


def _decider(switch: Operation, fed: set[Tensor], variables: set[Tensor]) -> Tensor | Operation:
    """What all Switches that choose the same side at the same time have in common.

    That is the predicate, unless a variable holds it, which may change from one Switch to the next.
    """
    pred = switch._inputs[1]
    if pred._dtype._is_ref_dtype or pred in variables:
        return switch
    while pred not in fed and pred._op._op_def.passes_on:
        pred = pred._op._inputs[0]
    return pred
