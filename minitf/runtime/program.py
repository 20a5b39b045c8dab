"""With this module one can turn a part of a graph into a list of steps, and run it many times.

A program is made once for a set of fetches and fed tensors: the graph is pruned to what the
fetches need, put in order, and every node is bound to its kernel, its attributes and the
numbers of the slots that it reads and writes. A run then only fills slots and calls kernels.

What a run of `y = relu(x w)` does:

    slots = [x, w, None, None]            # fed and constant values are in place
    slots[2] = matmul_kernel(slots[0], slots[1])
    slots[3] = relu_kernel(slots[2])
    return [slots[3].copy()]
"""

from __future__ import annotations

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
from minitf.framework.tensor_proto import constant_array
from minitf.runtime import run_errors
from minitf.runtime.passes import Passes
from minitf.runtime.prune import prune
from minitf.runtime.uninitialized import initialized_by, uninitialized_error


class Step:
    """One bound node of a program.

    Attributes:
      op: the node.
      kernel: arrays in, array (or tuple of arrays) out.
      inputs: the slots of the inputs.
      derefs: which inputs are references whose value is wanted.
      outputs: the slots of the outputs; the first one where there is but one.
      waits: the steps (by number) that this one waits for without taking a value.
      frees: the slots that nothing reads after this step.
      merges: whether one living input is enough to run: `Merge`.
    """

    __slots__ = ("derefs", "frees", "inputs", "kernel", "merges", "op", "outputs", "waits")

    def __init__(self, op: Operation, kernel: Callable[..., Any]) -> None:
        self.op = op
        self.kernel = kernel
        self.inputs: list[int] = []
        self.derefs: list[int] = []
        self.outputs: list[int] = []
        self.waits: list[int] = []
        self.frees: list[int] = []
        self.merges = False


class Program:
    """The steps that compute some fetches from some feeds.

    Args:
      fetches: the tensors and operations asked for.
      feeds: the tensors that a run is given values for.
      resources, node_state: what stateful kernels reach; see `KernelContext`.
      passes: the rewrites to apply to the pruned graph.
    """

    def __init__(
        self,
        fetches: list[Any],
        feeds: list[Tensor],
        resources: ResourceManager,
        node_state: ResourceManager,
        passes: Passes | None = None,
    ) -> None:
        self.fetches = fetches
        self.feeds = feeds
        fed = set(feeds)
        self.ops = (passes or Passes()).apply(prune(fetches, fed), fetches, fed)
        self._versions = {op: op._version for op in self.ops}
        self._resources = resources
        self._node_state = node_state
        self.steps: list[Step] = []
        self._slot: dict[Tensor, int] = {}
        self._template: list[Any] = []
        self.has_control_flow = any(op._op_def.is_control_flow for op in self.ops)
        self._initializers = [
            op for op in fetches if isinstance(op, Operation) and initialized_by(op)
        ]
        self._check_placeholders()
        self._bind()

    def is_current(self) -> bool:
        """Whether no node of this program was changed since it was made."""
        return all(op._version == version for op, version in self._versions.items())

    def _check_placeholders(self) -> None:
        if not self.has_control_flow:
            for op in self.ops:
                if op.type == "Placeholder":
                    raise run_errors.unfed_placeholder(op, self.fetches, self.ops)

    # ---- making

    def _new_slot(self, tensor: Tensor, value: Any = None) -> int:
        self._slot[tensor] = slot = len(self._template)
        self._template.append(value)
        return slot

    def _bind(self) -> None:
        for tensor in self.feeds:
            self._new_slot(tensor)
        step_of: dict[Operation, int] = {}
        for op in self.ops:
            if op.type == "Const" and not op._control_inputs:
                if op._outputs[0] not in self._slot:
                    self._new_slot(op._outputs[0], constant_array(op))
                continue
            step = self._bind_step(op)
            step.waits = [step_of[c] for c in op._control_inputs if c in step_of]
            step_of[op] = len(self.steps)
            self.steps.append(step)
        self._plan_fetches(step_of)
        self._plan_frees()

    def _bind_step(self, op: Operation) -> Step:
        op_def = op._op_def
        ctx = None
        if op_def.kernel_takes_context:
            ctx = KernelContext(op._name, self._resources, self._node_state)
        try:
            kernel = op_def.bind_kernel(op._attrs, ctx)
        except NotImplementedError as error:
            raise run_errors.op_error(op, error, []) from None
        step = Step(op, kernel)
        step.inputs = [self._slot[tensor] for tensor in op._inputs]
        step.merges = op_def.is_merge
        wants_ref = op_def.ref_inputs(len(op._inputs))
        step.derefs = [
            i
            for i, tensor in enumerate(op._inputs)
            if tensor._dtype._is_ref_dtype and not wants_ref[i]
        ]
        # A fed output keeps its slot: the kernel's own result is thrown away.
        step.outputs = [
            len(self._template) if tensor in self._slot else self._new_slot(tensor)
            for tensor in op._outputs
        ]
        if any(slot == len(self._template) for slot in step.outputs):
            self._template.append(None)
        return step

    def _plan_fetches(self, step_of: dict[Operation, int]) -> None:
        self._fetch_slots: list[int | None] = []
        self._fetch_steps: list[int | None] = []
        for fetch in self.fetches:
            if isinstance(fetch, Tensor):
                self._fetch_slots.append(self._slot[fetch])
                self._fetch_steps.append(None)
            else:
                self._fetch_slots.append(None)
                self._fetch_steps.append(step_of.get(fetch))

    def _plan_frees(self) -> None:
        """Lets go of each array after its last use, so that memory can be used again."""
        keep = {slot for slot in self._fetch_slots if slot is not None}
        seen: set[int] = set()
        for step in reversed(self.steps):
            for slot in {*step.inputs, *step.outputs}:
                if slot not in seen:
                    seen.add(slot)
                    if slot not in keep and self._template[slot] is None:
                        step.frees.append(slot)

    # ---- running

    def run(self, fed_values: list[Any]) -> list[Any]:
        """Computes the fetches: an array for each tensor, None for each operation.

        Args:
          fed_values: an array for each tensor of `feeds`, in their order.
        """
        slots = self._template.copy()
        slots[: len(fed_values)] = fed_values
        # Division by zero and the like give inf and nan quietly, as in TensorFlow.
        with np.errstate(all="ignore"):
            if self.has_control_flow:
                self._run_with_dead(slots)
            else:
                self._run_straight(slots)
        if self._initializers:
            self._resources.note_initializers(self._initializers)
        return [
            None if slot is None else self._result(slots[slot], i)
            for i, slot in enumerate(self._fetch_slots)
        ]

    def _run_straight(self, slots: list[Any]) -> None:
        for step in self.steps:
            values = [slots[i] for i in step.inputs]
            try:
                if step.derefs:
                    for i in step.derefs:
                        values[i] = values[i].read()
                result = step.kernel(*values)
            except Exception as error:
                raise self._error(step, error, values) from error
            outputs = step.outputs
            if len(outputs) == 1:
                slots[outputs[0]] = result
            elif outputs:
                for slot, value in zip(outputs, result, strict=True):
                    slots[slot] = value
            for slot in step.frees:
                slots[slot] = None

    def _run_with_dead(self, slots: list[Any]) -> None:
        """The same for programs with branches: a step with a dead input is dead itself."""
        is_dead: list[bool] = []
        for step in self.steps:
            values = [slots[i] for i in step.inputs]
            dead_inputs = sum(value is DEAD for value in values)
            dead = any(is_dead[i] for i in step.waits)
            if step.merges:
                dead = dead or dead_inputs == len(values)
            else:
                dead = dead or dead_inputs > 0
            is_dead.append(dead)
            if dead:
                for slot in step.outputs:
                    slots[slot] = DEAD
            else:
                try:
                    for i in step.derefs:
                        if values[i] is not DEAD:
                            values[i] = values[i].read()
                    result = step.kernel(*values)
                except Exception as error:
                    raise self._error(step, error, values) from error
                if len(step.outputs) == 1:
                    slots[step.outputs[0]] = result
                else:
                    for slot, value in zip(step.outputs, result or (), strict=True):
                        slots[slot] = value
            for slot in step.frees:
                slots[slot] = None

    def _error(self, step: Step, error: Exception, values: list[Any]) -> errors.OpError:
        if step.op.type == "Placeholder":
            return run_errors.unfed_placeholder(step.op, self.fetches, self.ops)
        if isinstance(error, UninitializedVariableError):
            return self._uninitialized(step.op, error.variable)
        return run_errors.op_error(step.op, error, values)

    def _uninitialized(self, op: Operation, variable: VariableResource) -> errors.OpError:
        return uninitialized_error(op, variable, self.fetches, self.ops, self._resources)

    def _result(self, value: Any, position: int) -> Any:
        """What the caller gets: an array of its own, a numpy scalar, or bytes."""
        if value is DEAD:
            tensor = self.fetches[position]
            raise errors.InvalidArgumentError(
                None,
                tensor.op,
                errors.report(
                    f"Retval[{position}] does not have value: {tensor.name} lies in a branch of "
                    "tf.cond that was not taken.",
                    op=tensor.op,
                    do="fetch the result of tf.cond instead.",
                ),
            )
        if isinstance(value, VariableResource):
            try:
                value = value.read()
            except UninitializedVariableError as error:
                raise self._uninitialized(self.fetches[position].op, error.variable) from None
        if type(value) is np.ndarray:
            return value.copy() if value.ndim else value[()]
        return value
