"""With this module one can find the part of a graph that a run needs, and its order."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from minitf.framework import errors
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor


def prune(fetches: Iterable[Operation | Tensor], fed: set[Tensor]) -> list[Operation]:
    """The operations that must run, in the order in which they run.

    An operation is needed if it is fetched, feeds a needed one, or a needed one waits for it. A fed
    tensor needs nothing: its value is given. The order is that of creation, which is already
    one in which inputs come first unless inputs were rewired later.
    """
    needed: set[Operation] = set()
    stack: list[Operation] = []

    def need(op: Operation) -> None:
        if op not in needed:
            needed.add(op)
            stack.append(op)

    for fetch in fetches:
        if isinstance(fetch, Tensor):
            if fetch not in fed:
                need(fetch._op)
        else:
            need(fetch)
    while stack:
        op = stack.pop()
        for tensor in op._inputs:
            if tensor not in fed:
                need(tensor._op)
        for control in op._control_inputs:
            if not is_given(control, fed):
                need(control)
    return in_order(needed, fed)


def is_given(op: Operation, fed: set[Tensor]) -> bool:
    """Whether a node that others wait for is a placeholder whose value is there already."""
    return op._op_def.name == "Placeholder" and op._outputs[0] in fed


def in_order(ops: set[Operation], fed: set[Tensor]) -> list[Operation]:
    """Sorts operations so that inputs come first; among ready ones, by creation.

    Raises:
      ValueError: if they form a cycle.
    """
    by_creation = sorted(ops, key=lambda op: op._id)
    waits_for: dict[Operation, set[Operation]] = {}
    straight = not any(op._op_def.may_wait for op in by_creation)
    for op in by_creation:
        before = {t._op for t in op._inputs if t not in fed and t._op in ops}
        before.update(c for c in op._control_inputs if c in ops)
        waits_for[op] = before
        straight = straight and all(b._id < op._id for b in before)
    if straight:
        return by_creation
    return _topological(by_creation, waits_for)


def _topological(
    by_creation: list[Operation], waits_for: dict[Operation, set[Operation]]
) -> list[Operation]:
    followers: dict[Operation, list[Operation]] = {op: [] for op in by_creation}
    for op, before in waits_for.items():
        for other in before:
            followers[other].append(op)
    missing = {op: len(before) for op, before in waits_for.items()}
    early = _before_waiters(by_creation, waits_for)
    ready = [(op not in early, op._id, op) for op in by_creation if missing[op] == 0]
    heapq.heapify(ready)
    order: list[Operation] = []
    while ready:
        *_, op = heapq.heappop(ready)
        order.append(op)
        for follower in followers[op]:
            missing[follower] -= 1
            if missing[follower] == 0:
                heapq.heappush(ready, (follower not in early, follower._id, follower))
    if len(order) < len(by_creation):
        stuck = next(op for op in by_creation if missing[op])
        what = f"The graph has a cycle through {stuck.name!r}."
        raise ValueError(errors.report(what, op=stuck, see="importing-a-graph"))
    return order


def _before_waiters(
    by_creation: list[Operation], waits_for: dict[Operation, set[Operation]]
) -> set[Operation]:
    """What must not be kept from running by an operation that waits, and need not be.

    `run([queue.dequeue(), queue.enqueue(x)])` would wait for itself if the dequeue went first. So
    what operations wait for in other runs goes first, with all that it needs, unless it needs one
    that waits itself.
    """
    if not any(op._op_def.feeds_waiters for op in by_creation):
        return set()
    free: set[Operation] = set()
    stack: list[tuple[Operation, bool]] = []
    seen: set[Operation] = set()
    for start in by_creation:
        if start._op_def.feeds_waiters:
            stack.append((start, False))
        while stack:
            op, needs_are_known = stack.pop()
            if needs_are_known:
                takes = op._op_def.may_wait and not op._op_def.feeds_waiters
                if not takes and waits_for[op] <= free:
                    free.add(op)
            elif op not in seen:
                seen.add(op)
                stack.append((op, True))
                stack.extend((other, False) for other in waits_for[op])
    return free
