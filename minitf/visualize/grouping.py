"""With this module one can sort a graph's nodes: by what they are for, and by where they belong.

A training graph holds more than the model: the nodes that `tf.gradients` added, the optimizer with
its slots, what initializes the variables, what saves them. `parts` tells them apart; `places` says
in which scopes each node stands, with the gradient part beside the forward part instead of below
one scope, so that the gradient of a layer can be drawn next to the layer.

>>> import minitf as tf
>>> v = tf.Variable(3.0, name="v")
>>> train = tf.train.GradientDescentOptimizer(0.1).minimize(v * v, name="train")
>>> ops = tf.get_default_graph().get_operations()
>>> for op, part in list(parts(ops).items())[:5]:
...     print(op.name, part)
v/initial_value initialize
v forward
v/Assign initialize
v/read forward
mul forward
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from minitf.framework.operation import Operation

FORWARD, GRADIENT, UPDATE = "forward", "gradient", "update"
INITIALIZE, SAVE, SUMMARY = "initialize", "save", "summary"

VARIABLES = frozenset({"Variable", "VariableV2", "TemporaryVariable"})
PLACEHOLDERS = frozenset({"Placeholder", "PlaceholderV2", "PlaceholderWithDefault"})

_GRADIENT_SCOPE = re.compile(r"^gradients(_\d+)?$")
_APPLY = re.compile(r"^(Resource)?(Sparse)?Apply[A-Z]")
_SAVING = frozenset({"Save", "SaveV2", "SaveSlices", "MergeV2Checkpoints", "ShardedFilename"})
_RESTORING = frozenset({"Restore", "RestoreV2", "RestoreSlice"})


@dataclass(frozen=True)
class Place:
    """Where a node belongs.

    Attributes:
      frame: the part of the graph that is drawn in a frame of its own, such as "gradients"; ""
        for the model itself.
      scopes: the names of the scopes around the node inside the frame, outermost first.
    """

    frame: str
    scopes: tuple[str, ...]


def parts(ops: Iterable[Operation]) -> dict[Operation, str]:
    """What each node is for: one of the constants of this module.

    Only the names of gradient scopes and the types of ops that write are known beforehand; the
    rest follows from who uses whom: what is used by nothing but the optimizer belongs to it.

    Args:
      ops: nodes of one graph, in the order of their creation.
    """
    ops = list(ops)
    found: dict[Operation, str] = {}
    for op in ops:
        if frame_of_gradient(op):
            found[op] = GRADIENT
        elif is_initializer(op):
            found[op] = INITIALIZE
        elif op.type in _SAVING or op.type in _RESTORING:
            found[op] = SAVE
        elif op.type.endswith("Summary") or op.type == "TensorSummaryV2":
            found[op] = SUMMARY
    scopes = {scope: UPDATE for op in ops if (scope := optimizer_scope(op))}
    for op in ops:
        if found.get(op) == SAVE and "/" in op.name:
            scopes[op.name.rpartition("/")[0]] = SAVE
    for op in ops:
        inside = [part for scope, part in scopes.items() if _is_in(op.name, scope)]
        if inside:
            found.setdefault(op, inside[0])
    _spread(ops, found)
    return {op: found.get(op, FORWARD) for op in ops}


def places(ops: Iterable[Operation], part_of: dict[Operation, str]) -> dict[Operation, Place]:
    """Where each node belongs. A slot of an optimizer belongs to the update that it serves.

    Args:
      ops: the nodes to be drawn.
      part_of: what `parts` gave.
    """
    ops = list(ops)
    state = {op: _scope_of_state(op) for op in ops if part_of.get(op) == UPDATE}
    scopes = {scope for op in ops if not state.get(op) for scope in _prefixes(op.name)}
    return {
        op: Place("", tuple(state[op].split("/"))) if state.get(op) else _place(op, scopes, part_of)
        for op in ops
    }


def with_state(op: Operation, place: Place, part_of: dict[Operation, str]) -> Place:
    """The place of a node where what all updates of an optimizer share is a scope, `state`."""
    if part_of.get(op) != UPDATE or op.type == "NoOp" or not place.scopes:
        return place
    scope = "/".join(place.scopes)
    users = {user for t in op.outputs for user in t.consumers()}
    serves = any(optimizer_scope(user) == scope for user in users)
    serves = serves or any(_scope_of_state(t.op) == scope for t in op.inputs)
    serves = serves or _scope_of_state(op) == scope
    serves = serves or (op.type == "Assign" and _scope_of_state(op.inputs[0].op) == scope)
    return Place(place.frame, (*place.scopes, "state")) if serves else place


def frame_of_gradient(op: Operation) -> str:
    """The scope of the `tf.gradients` call that made a node, such as "gradients", or ""."""
    recorded = op.graph._gradient_scopes
    prefix = ""
    for name in op.name.split("/")[:-1]:
        prefix = f"{prefix}/{name}" if prefix else name
        if prefix in recorded or _GRADIENT_SCOPE.match(name):
            return prefix
    return ""


def is_initializer(op: Operation) -> bool:
    """Whether a node gives a variable its first value."""
    return op.type == "Assign" and op.name == f"{op.inputs[0].op.name}/Assign"


def optimizer_scope(op: Operation) -> str:
    """The scope of the optimizer that an update belongs to, such as "Adam", or ""."""
    if not _APPLY.match(op.type):
        return ""
    scope, separator, _ = op.name.partition("/update_")
    return scope if separator else op.name.rpartition("/")[0]


def _spread(ops: list[Operation], found: dict[Operation, str]) -> None:
    """Gives a node that serves one part only to that part, and a group of nodes to theirs."""
    controlled: dict[Operation, list[Operation]] = {}
    for op in ops:
        for before in op.control_inputs:
            controlled.setdefault(before, []).append(op)
    inside = set(ops)
    for op in reversed(ops):
        if op in found:
            continue
        users = [c for t in op.outputs for c in t.consumers() if c in inside]
        users += controlled.get(op, [])
        if op.type in VARIABLES:  # what sets or saves a variable does not say what it is for
            users = [u for u in users if found.get(u) not in (INITIALIZE, SAVE)]
            users = [u for u in users if not _is_unused_read(u)]
        served = {found.get(user, FORWARD) for user in users}
        if len(served) == 1 and served <= {UPDATE, INITIALIZE, SAVE}:
            found[op] = served.pop()
        elif served == {SUMMARY} and op.type == "Const":  # what is summarized is the model's own
            found[op] = SUMMARY
    for op in ops:
        if _is_unused_read(op) and op.inputs[0].op in found:
            found[op] = found[op.inputs[0].op]
        # `tf.group` of initializers, of restoring assignments
        elif op not in found and op.type == "NoOp" and op.control_inputs:
            groups = {found.get(before, FORWARD) for before in op.control_inputs}
            if len(groups) == 1:
                found[op] = groups.pop()


def _is_unused_read(op: Operation) -> bool:
    is_read = op.type == "Identity" and op.inputs[0].op.type in VARIABLES
    return is_read and not op.outputs[0].consumers()


def _is_in(name: str, scope: str) -> bool:
    return name == scope or name.startswith(scope + "/")


def _prefixes(name: str) -> list[str]:
    names = name.split("/")
    return ["/".join(names[:i]) for i in range(1, len(names))]


def _place(op: Operation, scopes: set[str], part_of: dict[Operation, str]) -> Place:
    frame = frame_of_gradient(op) if part_of.get(op) == GRADIENT else ""
    inside = tuple((op.name[len(frame) + 1 :] if frame else op.name).split("/"))
    # The node that gave its scope the name stands in it.
    return Place(frame, inside if op.name in scopes else inside[:-1])


def _scope_of_state(op: Operation) -> str:
    """Where a variable of an optimizer belongs, or the read of one; "" for other nodes.

    A slot, such as "conv1/W/Adam", stands beside the one update that uses it; what all updates use,
    such as "beta1_power", in the scope of the optimizer.
    """
    variable = op.inputs[0].op if op.type == "Identity" and op.inputs else op
    if variable.type not in VARIABLES:
        return ""
    users = [c for t in variable.outputs for c in t.consumers()]
    updates = [user for user in users if optimizer_scope(user)]
    if len(updates) == 1:  # it is changed by this update
        return updates[0].name.rpartition("/")[0]
    users += [c for read in users if read.type == "Identity" for c in read.outputs[0].consumers()]
    return next(filter(None, map(optimizer_scope, users)), "")
