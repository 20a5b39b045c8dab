"""With this module a run that reads a variable without a value says which, why, and what to do.

The most frequent mistakes are: no initializer was run; the one that was run had been built before
the variable; the variable is a local one. Which it was, can be told from the graph and from what
the session has run.
"""

from __future__ import annotations

from typing import Any

from minitf.framework import errors
from minitf.framework.graph_collections import GraphKeys
from minitf.framework.kernel_context import ResourceManager, VariableResource
from minitf.framework.operation import Operation

_VARIABLES = frozenset({"Variable", "VariableV2"})
# What takes a reference and can do with a variable that has no value.
_NEEDS_NO_VALUE = frozenset({"Assign", "IsVariableInitialized", "RefSwitch", "RefMerge"})
_MOST_LISTED = 10


def initialized_by(op: Any) -> set[Operation]:
    """The nodes of the variables that an operation initializes; `group` may have nested it."""
    found: set[Operation] = set()
    stack, seen = [op], {op}
    while stack:
        current = stack.pop()
        if current.type == "Assign":
            variable = current.inputs[0].op
            # An update may assign too; the initializer is the one beside the variable.
            if current.name == f"{variable.name}/Assign":
                found.add(variable)
        elif current.type == "NoOp":
            for before in current.control_inputs:
                if before not in seen:
                    seen.add(before)
                    stack.append(before)
    return found


def uninitialized_error(
    op: Operation,
    resource: VariableResource,
    fetches: list[Any],
    ops: list[Operation],
    resources: ResourceManager,
) -> errors.OpError:
    """The error for reading a variable without a value.

    Args:
      op: the node that was running.
      resource: the variable that it read.
      fetches: what the run was asked for.
      ops: the nodes of the run.
      resources: where the variables' values are, and which initializers have run.
    """
    missing = _missing(ops, fetches, resources)
    variable = next((v for v in ops if v.type in _VARIABLES and _key(v) == resource.name), None)
    user = op if variable is None else _user_of(op, variable, ops)
    facts = []
    if variable is not None:
        facts.append(f"variable: {_describe(variable)}")
    others = [v for v in missing if v is not variable]
    if others:
        facts.append(
            f"this run needs {len(others)} more without a value: "
            + "; ".join(_describe(v) for v in others[:_MOST_LISTED])
            + ("; ..." if len(others) > _MOST_LISTED else "")
        )
    if resources.owner:
        why, do = _reason_at_a_task(resources.owner)
    else:
        why, do = _reason(variable, [v for v in (variable, *others) if v], resources.initializers)
    facts.append(f"why: {why}")
    message = errors.report(
        f"Attempting to use uninitialized value {resource.name}",
        op=user,
        facts="\n  ".join(facts),
        do=do,
        see="uninitialized-variable",
    )
    return errors.FailedPreconditionError(None, op, message)


def _key(variable: Operation) -> str:
    return str(variable._attrs["shared_name"] or variable.name)


def _describe(variable: Operation) -> str:
    made_at = f", made at {variable.traceback}" if variable.traceback else ""
    return errors.describe(variable.outputs[0]) + made_at


def _missing(
    ops: list[Operation], fetches: list[Any], resources: ResourceManager
) -> list[Operation]:
    """The variables that the run needs and that have no value."""
    given = set().union(*(initialized_by(op) for op in ops if op.type == "Assign"))
    needed = {getattr(fetch, "op", fetch) for fetch in fetches}
    for op in ops:
        if op.type not in _NEEDS_NO_VALUE:
            needed.update(tensor.op for tensor in op.inputs)
    found = []
    for op in ops:
        if op.type in _VARIABLES and op in needed and op not in given:
            resource = resources.lookup("variable", op._attrs["container"], _key(op))
            if resource is None or resource.value is None:
                found.append(op)
    return found


def _user_of(op: Operation, variable: Operation, ops: list[Operation]) -> Operation:
    """The first node after the variable's own ones, such as its read, that needs the value."""
    inside = set(ops)
    frontier, seen = [op], {op}
    while frontier:
        current = frontier.pop(0)
        if str(current.traceback) != str(variable.traceback):
            return current
        followers = [c for t in current.outputs for c in t.consumers() if c in inside]
        for follower in followers:
            if follower not in seen:
                seen.add(follower)
                frontier.append(follower)
    return op


def _reason_at_a_task(task: str) -> tuple[str, str]:
    """Why a variable has no value at a task of a cluster, and what to do about it."""
    return (
        f"nobody has given it a value at {task} since that task was started.",
        "one worker, the chief, runs session.run(tf.global_variables_initializer()) or restores a "
        "checkpoint, and the others wait for that: tf.train.MonitoredTrainingSession does both.",
    )


def _reason(
    variable: Operation | None, missing: list[Operation], initializers: list[Operation]
) -> tuple[str, str]:
    """Why a variable has no value, and what to do about it."""
    if variable is None:
        return (
            "no initializer has given it a value in this session.",
            "run its initializer, or restore a checkpoint.",
        )
    local = variable.graph.get_collection(GraphKeys.LOCAL_VARIABLES)
    if any(v.op is variable for v in local):
        return (
            "it is a local variable, as those of tf.metrics are; "
            "tf.global_variables_initializer() does not cover these.",
            "run session.run(tf.local_variables_initializer()) too.",
        )
    if not initializers:
        return (
            "no initializer has run in this session, which has values of its own.",
            "run session.run(tf.global_variables_initializer()), built after the last variable; "
            "or restore a checkpoint.",
        )
    early = [op for op in initializers if op._id < variable._id]
    if early and len(early) == len(initializers):
        last = early[-1]
        names = ", ".join(repr(v.name) for v in missing if v._id > last._id)
        return (
            f"the initializer that has run, {last.name!r}, was built at {last.traceback}, before "
            f"the variable: it does not cover {names}.",
            "build the initializer after the last variable, and run that. Optimizers make "
            "variables too, in minimize() or apply_gradients().",
        )
    return (
        f"the initializer that has run, {initializers[-1].name!r}, built at "
        f"{initializers[-1].traceback}, does not cover it.",
        f"run its own initializer: session.run(tf.variables_initializer([v])), where v is the "
        f"variable {variable.name!r}; or restore a checkpoint.",
    )
