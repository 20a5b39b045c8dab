"""With this module one can run a graph in the plainest way: the page to teach from.

Every node counts the inputs that it still waits for. When the count reaches zero it is ready; ready
nodes run in the order of their creation. A node that runs hands its outputs to its consumers,
whose counts go down. A dead input (see `tf.cond`) makes a node dead without running it, except
a Merge, which runs with whichever input is alive.

There are no passes, no plan and no reuse of memory: `Program` must give the same results as this.

>>> import minitf as tf
>>> x = tf.placeholder(tf.float32)
>>> y = tf.nn.relu(x)
>>> print(*interpret([y], {x: np.float32(-1.0)}))
0.0
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any

import numpy as np

from minitf.framework import errors
from minitf.framework.kernel_context import (
    DEAD,
    KernelContext,
    ResourceManager,
    UninitializedVariableError,
    VariableResource,
)
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.runtime import run_errors
from minitf.runtime.prune import prune
from minitf.runtime.uninitialized import uninitialized_error

# Told of each node that was run or found dead: the operation, its inputs, and its outputs.
Observe = Callable[[Operation, list[Any], list[Any]], None]


def interpret(
    fetches: list[Any],
    feeds: dict[Tensor, Any],
    resources: ResourceManager | None = None,
    node_state: ResourceManager | None = None,
    observe: Observe | None = None,
) -> list[Any]:
    """Computes the fetches: an array for each tensor, None for each operation.

    Args:
      fetches: tensors and operations of one graph.
      feeds: arrays for tensors of that graph.
      resources, node_state: what stateful kernels reach, as in a session; fresh ones if None.
      observe: called after each node. It must not keep an array that it is given, or change it.
    """
    run = _Run(fetches, feeds, resources or ResourceManager(), node_state or ResourceManager())
    run.observe = observe
    with np.errstate(all="ignore"):
        run.until_done()
    return [run.fetched(fetch) for fetch in fetches]


class _Run:
    """The state of one run: values that exist, and counts of what is waited for."""

    def __init__(
        self,
        fetches: list[Any],
        feeds: dict[Tensor, Any],
        resources: ResourceManager,
        node_state: ResourceManager,
    ) -> None:
        self.values: dict[Tensor, Any] = dict(feeds)
        self.fed = feeds
        self.fetches = fetches
        self.resources = resources
        self.node_state = node_state
        self.ops = prune(fetches, set(feeds))
        self.place = {op: place for place, op in enumerate(self.ops)}
        run_errors.refuse_fed_references(self.ops, feeds)
        self.observe: Observe | None = None
        self.dead: set[Operation] = set()
        self.waiting: dict[Operation, int] = {}
        self.followers: dict[Operation, list[Operation]] = {op: [] for op in self.ops}
        self.ready: list[tuple[int, Operation]] = []
        for op in self.ops:
            before = {t.op for t in op.inputs if t not in feeds}
            before.update(c for c in op.control_inputs if c in self.followers)
            self.waiting[op] = len(before)
            for other in before:
                self.followers[other].append(op)
            if not before:
                heapq.heappush(self.ready, (self.place[op], op))

    def until_done(self) -> None:
        """Runs ready nodes until there are none."""
        while self.ready:
            _, op = heapq.heappop(self.ready)
            self.run_node(op)
            for follower in self.followers[op]:
                self.waiting[follower] -= 1
                if self.waiting[follower] == 0:
                    heapq.heappush(self.ready, (self.place[follower], follower))

    def run_node(self, op: Operation) -> None:
        """Runs one node, or marks it dead."""
        inputs = [self.values[tensor] for tensor in op.inputs]
        outputs: Any
        if self.is_dead(op, inputs):
            self.dead.add(op)
            outputs = [DEAD] * len(op.outputs)
        else:
            outputs = self.call_kernel(op, inputs)
            if len(op.outputs) == 1:
                outputs = [outputs]
                if outputs[0] is DEAD:  # a Recv, of what another task did not compute
                    self.dead.add(op)
        for tensor, value in zip(op.outputs, outputs or (), strict=True):
            if tensor not in self.fed:
                self.values[tensor] = value
        if self.observe is not None:
            self.observe(op, inputs, list(outputs or ()))

    def is_dead(self, op: Operation, inputs: list[Any]) -> bool:
        """Whether a node lies on a branch that is not taken."""
        if any(control in self.dead for control in op.control_inputs):
            return True
        dead_inputs = [value is DEAD for value in inputs]
        return all(dead_inputs) and bool(inputs) if op.op_def.is_merge else any(dead_inputs)

    def call_kernel(self, op: Operation, inputs: list[Any]) -> Any:
        """Calls the node's kernel; a reference is read where its value is wanted."""
        if op.type == "Placeholder":
            raise run_errors.unfed_placeholder(op, self.fetches, self.ops)
        shapes = [tensor.shape for tensor in op.outputs]
        ctx = KernelContext(op.name, self.resources, self.node_state, shapes)
        wants_ref = op.op_def.ref_inputs(len(inputs))
        try:
            arguments = [
                value.read() if isinstance(value, VariableResource) and not ref else value
                for value, ref in zip(inputs, wants_ref, strict=True)
            ]
            return op.op_def.bind_kernel(op._attrs, ctx)(*arguments)
        except UninitializedVariableError as error:
            raise self.uninitialized(op, error.variable) from None
        except Exception as error:
            raise run_errors.op_error(op, error, inputs) from error

    def uninitialized(self, op: Operation, variable: VariableResource) -> errors.OpError:
        """The error for a node that reads a variable without a value."""
        return uninitialized_error(op, variable, self.fetches, self.ops, self.resources)

    def fetched(self, fetch: Any) -> Any:
        """The value of one fetch, as the caller may keep it."""
        if not isinstance(fetch, Tensor):
            return None
        value = self.values[fetch]
        if isinstance(value, VariableResource):
            if value.value is None:
                raise self.uninitialized(fetch.op, value)
            value = value.read()
        return np.array(value)[()] if isinstance(value, (np.ndarray, np.generic)) else value
