"""With this module a graph is cut where it runs from one task to another.

The part of the graph that a run needs, with a task for every node, becomes a list of *stages*. A
stage is what one task does between two meetings with others: it receives, computes, sends. Where
an edge was cut, the one stage has a `_Send` node and the other one a `_Recv` node with equal
attributes, so equal keys.

    level 0    ps:      w --> read --> _Send                                 (a variable is read)
                                          :
    level 1    worker:                 _Recv --> MatMul ... grad --> _Send     (the model is run)
                                                                        :
    level 2    ps:      w ------------------------------ Apply <-- _Recv     (it is updated)

The level of a node is the number of cuts on the longest path that leads to it. Whatever a stage
receives was sent on a lower level, so stages that run in the order of their levels find all they
need: no receiver ever waits for a sender that waits for him.

A node that only computes is put off until it is needed, so that a model is not torn apart. A tensor
that many nodes of a task use is sent there once. Constants are not sent but repeated, and so are
the nodes of variables, which only name a place. A control dependency between tasks needs no
message, as the levels keep it; but where a branch may not be taken, a scalar tells whether it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minitf.framework import dtypes
from minitf.framework import op_def as op_def_lib
from minitf.framework.graph import Graph
from minitf.framework.operation import Operation
from minitf.framework.rendezvous import key_of
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import SCALAR
from minitf.runtime.branches import may_be_dead
from minitf.runtime.placement import names_a_place, task_of


@dataclass
class Stage:
    """What one task does between two meetings with others.

    Attributes:
      task: the task: "/job:ps/replica:0/task:0".
      level: stages run in this order.
      graph: the nodes, with `_Recv` in the place of what comes in and `_Send` for what goes out.
      receives: the `_Recv` tensors of the graph, by key.
      sources: the task that sends each of them; "" for what the client feeds.
      tensors: the user's tensor that each stands for.
      sends: the task that each key goes to.
      fetches: what the client asked for: its number among all fetches, and the tensor here.
      targets: the operations that must run, though nobody in the stage reads them.
      may_be_dead: the nodes that a branch which is not taken may leave without being run. In the
        stage alone one cannot see that of two values from elsewhere one is always alive.
      originals: the user's operation that each node of the stage's graph stands for.
    """

    task: str
    level: int
    graph: Graph
    receives: dict[str, Tensor] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    sends: dict[str, str] = field(default_factory=dict)
    fetches: list[tuple[int, Tensor]] = field(default_factory=list)
    targets: list[Operation] = field(default_factory=list)
    may_be_dead: set[Operation] = field(default_factory=set)
    originals: dict[Operation, Operation] = field(default_factory=dict)

    @property
    def fed(self) -> dict[str, Tensor]:
        """The user's tensors that the client feeds, by key."""
        return {key: self.tensors[key] for key, source in self.sources.items() if not source}

    @property
    def name(self) -> str:
        """A name for messages and drawings."""
        return f"{self.task.replace('/replica:0', '')} level {self.level}"


def partition(
    ops: Sequence[Operation],
    devices: Mapping[Operation, str],
    fetches: Sequence[Any],
    feeds: Sequence[Tensor],
    incarnations: Mapping[str, int] | None = None,
    client: str = "",
) -> list[Stage]:
    """Cuts the nodes of a run into stages.

    Args:
      ops: the nodes, those that others need first.
      devices: the device of each.
      fetches: the tensors and operations that the client asks for.
      feeds: the tensors that the client gives values for.
      incarnations: of the tasks, by device; part of the keys, so that what was sent before a task
        restarted is not taken for what comes after.
      client: the device of the client, for the names of edges.

    Returns:
      The stages, by level; on one level, in the order of their first nodes.
    """
    cutter = _Cutter(ops, devices, feeds, incarnations or {}, client)
    for op in ops:
        cutter.copy(op)
    for number, fetch in enumerate(fetches):
        cutter.fetch(number, fetch)
    return cutter.finished()


def levels_of(
    ops: Sequence[Operation], tasks: Mapping[Operation, str], feeds: set[Tensor]
) -> dict[Operation, int]:
    """For each node its level: as early as its inputs allow, or, if it only computes, as late as
    its readers do.
    """
    levels: dict[Operation, int] = {}
    readers: dict[Operation, list[Operation]] = {op: [] for op in ops}
    for op in ops:
        levels[op] = 0
        for other in [t._op for t in op._inputs if t not in feeds] + waits_of(op, tasks):
            if other in levels and not is_repeated(other, tasks[other] == tasks[op]):
                levels[op] = max(levels[op], levels[other] + (tasks[other] != tasks[op]))
                readers[other].append(op)
    for op in reversed(ops):
        if readers[op] and _only_computes(op):
            levels[op] = min(
                levels[reader] - (tasks[reader] != tasks[op]) for reader in readers[op]
            )
    return levels


def waits_of(op: Operation, tasks: Mapping[Operation, str]) -> list[Operation]:
    """What a node of a run waits for. Instead of a `tf.group` on another task it is what the group
    waits for: nothing has to go to and fro for that.
    """
    found: dict[Operation, None] = {}
    seen: set[Operation] = set()
    stack = [other for other in reversed(op._control_inputs) if other in tasks]
    while stack:
        other = stack.pop()
        if other._op_def.name != "NoOp" or tasks[other] == tasks[op]:
            found[other] = None
        elif other not in seen:
            seen.add(other)
            stack += [each for each in reversed(other._control_inputs) if each in tasks]
    return list(found)


def _only_computes(op: Operation) -> bool:
    """Whether it makes no difference when a node runs: it has no effect, and reads no variable."""
    return not op._op_def.stateful and not any(t._dtype._is_ref_dtype for t in op._inputs)


def is_repeated(op: Operation, on_its_task: bool) -> bool:
    """Whether a node is copied to where it is used, rather than its value sent there: a constant;
    and on its own task what only names a place, as variables and queues do.
    """
    if op._control_inputs or op._inputs:
        return False
    if op._op_def.name == "Const":
        return True
    return on_its_task and any(names_a_place(tensor) for tensor in op._outputs)


def shares_memory(tensor: Tensor) -> bool:
    """Whether a value lies in the memory of a variable, as one that was just read does."""
    while not tensor._dtype._is_ref_dtype:
        if not tensor._op._op_def.aliases or not tensor._op._inputs:
            return False
        tensor = tensor._op._inputs[0]
    return True


class _Cutter:
    """Copies nodes into the graphs of stages, and puts a pair of nodes where an edge is cut."""

    def __init__(
        self,
        ops: Sequence[Operation],
        devices: Mapping[Operation, str],
        feeds: Sequence[Tensor],
        incarnations: Mapping[str, int],
        client: str,
    ) -> None:
        self._devices = dict(devices)
        self._tasks = {op: task_of(device) for op, device in devices.items()}
        self._fed = set(feeds)
        self._incarnations = incarnations
        self._client = client
        self._levels = levels_of(ops, self._tasks, self._fed)
        # Where variables are changed: what is read there and sent must not change any more.
        self._changing = {
            (self._tasks[op], self._levels[op])
            for op in ops
            if op._op_def.takes_references and op._op_def.stateful
        }
        self._stages: dict[tuple[str, int], Stage] = {}
        self._copies: dict[tuple[int, Operation], Operation] = {}  # by id of the stage
        self._received: dict[tuple[int, Tensor], Tensor] = {}
        self._cut_edges: dict[tuple[Tensor, str], dict[str, Any]] = {}
        self._tokens: dict[Operation, Tensor] = {}
        self._alive_nodes: dict[Tensor, Operation] = {}
        self._edges = 0
        self._destinations = self._find_destinations(ops)
        self._may_be_dead = may_be_dead(ops, self._fed)

    def _find_destinations(self, ops: Sequence[Operation]) -> dict[Tensor, dict[str, None]]:
        """The tasks that each tensor is sent to, in the order in which they need it."""
        found: dict[Tensor, dict[str, None]] = {}
        for op in ops:
            there = self._tasks[op], self._levels[op]
            for tensor in op._inputs:
                source = tensor._op
                is_here = self._tasks.get(source) == there[0]
                if tensor in self._fed or is_repeated(source, is_here):
                    continue
                if is_here and (names_a_place(tensor) or self._levels[source] == there[1]):
                    continue
                found.setdefault(tensor, {})[there[0]] = None
        return found

    def copy(self, op: Operation) -> None:
        """Copies a node into its stage; one that is repeated, or only groups, when it is used."""
        only_groups = op._op_def.name == "NoOp" and op not in self._may_be_dead
        if not is_repeated(op, on_its_task=True) and not only_groups:
            self._copy_into(self._stage(self._tasks[op], self._levels[op]), op)
        # What it makes is sent at once, before a later node may change it.
        for tensor in op._outputs:
            for task in self._destinations.get(tensor, ()):
                self._edge(tensor, task)

    def fetch(self, number: int, fetch: Any) -> None:
        """Has the last stage that it can, give the client what it asked for."""
        op = fetch._op if isinstance(fetch, Tensor) else fetch
        task, level = self._tasks[op], self._levels[op]
        if not isinstance(fetch, Tensor):
            self._copy_into(self._stage(task, level), op)
            return
        stage = self._stage(task, level)
        if fetch._dtype._is_ref_dtype and op not in self._may_be_dead:
            # A variable is looked at when all is done: run([v, train]) gives the updated one.
            last = max(key[1] for key in self._stages if key[0] == task)
            if last > level:
                stage = self._stage(task, last)
                stage.fetches.append((number, self._named_later(stage, fetch)))
                return
        stage.fetches.append((number, self._input(stage, fetch)))

    def finished(self) -> list[Stage]:
        """The stages; every node that nobody in its stage reads is a target."""
        stages = sorted(self._stages.values(), key=lambda stage: stage.level)
        for stage in stages:
            nodes = stage.graph.get_operations()
            read = {tensor._op for op in nodes for tensor in op._inputs}
            read.update(other for op in nodes for other in op._control_inputs)
            read.update(tensor._op for _, tensor in stage.fetches)
            stage.targets = [op for op in nodes if op not in read]
            stage.may_be_dead = {
                op for op in nodes if not self._may_be_dead.isdisjoint((op, stage.originals[op]))
            }
        return stages

    # ---- nodes

    def _stage(self, task: str, level: int) -> Stage:
        found = self._stages.get((task, level))
        if found is None:
            found = self._stages[task, level] = Stage(task, level, Graph())
        return found

    def _copy_into(self, stage: Stage, op: Operation) -> Operation:
        made = self._copies.get((id(stage), op))
        if made is not None:
            return made
        waits = waits_of(op, self._tasks)
        inputs = []
        for tensor in op._inputs:
            source = tensor._op
            is_later = self._is_elsewhere(stage, source) and self._tasks[source] == stage.task
            if tensor._dtype._is_ref_dtype and is_later:
                # A reference is not sent: it names the same variable here, once that is done.
                waits.append(self._alive(tensor) if source in self._may_be_dead else source)
                inputs.append(self._named_later(stage, tensor))
            else:
                inputs.append(self._input(stage, tensor))
        controls = [
            self._control(stage, other)
            for other in dict.fromkeys(waits)
            if other in self._may_be_dead or not self._is_elsewhere(stage, other)
        ]
        # Who is beside whom is settled, and the others may be in another stage.
        attrs = {name: value for name, value in op._attrs.items() if name != "_class"}
        types = [tensor._dtype for tensor in op._outputs]
        copy = self._add(stage, op._op_def, op._name, inputs, types, attrs, controls, op)
        for tensor, original in zip(copy._outputs, op._outputs, strict=True):
            tensor._shape = original._shape
        device = self._devices[op]
        copy._set_device(device if task_of(device) == stage.task else f"{stage.task}/device:CPU:0")
        self._copies[id(stage), op] = copy
        return copy

    def _add(
        self,
        stage: Stage,
        op_def: op_def_lib.OpDef,
        name: str,
        inputs: Sequence[Tensor],
        types: list[dtypes.DType],
        attrs: dict[str, Any],
        controls: list[Operation],
        original: Operation,
    ) -> Operation:
        graph = stage.graph
        made = Operation(
            graph,
            graph.version + 1,
            op_def,
            name,
            inputs,
            types,
            attrs,
            controls,
            original._traceback,
        )
        graph._add_op(made)
        stage.originals[made] = original
        return made

    def _input(self, stage: Stage, tensor: Tensor) -> Tensor:
        """What stands in a stage for a tensor of the user's graph."""
        op = tensor._op
        if tensor in self._fed:
            return self._receive(stage, tensor, "")
        if is_repeated(op, self._tasks.get(op) == stage.task):
            return self._copy_into(stage, op)._outputs[tensor._value_index]
        if self._is_elsewhere(stage, op):
            return self._receive(stage, tensor, self._tasks[op])
        return self._copies[id(stage), op]._outputs[tensor._value_index]

    def _is_elsewhere(self, stage: Stage, op: Operation) -> bool:
        """Whether a node of the user's graph runs in another stage."""
        if op not in self._tasks or is_repeated(op, self._tasks[op] == stage.task):
            return False
        return self._tasks[op] != stage.task or self._levels[op] != stage.level

    def _control(self, stage: Stage, op: Operation) -> Operation:
        """What a node of a stage waits for in the place of a node of the user's graph."""
        if self._is_elsewhere(stage, op):
            return self._receive(stage, self._token(op), self._tasks[op])._op
        return self._copy_into(stage, op)

    def _named_later(self, stage: Stage, reference: Tensor) -> Tensor:
        """What names, in a later stage of its task, the variable that a reference names.

        Nodes that take a reference give it on. Where two branches give on those of two variables,
        the Merge's other output, a number, is sent: it chooses once more.
        """
        op = reference._op
        while op._inputs and not op._op_def.is_merge:
            wants_ref = op._op_def.ref_inputs(len(op._inputs))
            pairs = zip(op._inputs, wants_ref, strict=True)
            reference = next(tensor for tensor, wanted in pairs if wanted)
            op = reference._op
        if not op._inputs:
            return self._input(stage, reference)
        chosen, *others = [self._named_later(stage, side) for side in op._inputs]
        for number, other in enumerate(others, 1):
            if other is not chosen:
                chosen = self._choose(stage, op, number, chosen, other)
        return chosen

    def _choose(
        self, stage: Stage, merge: Operation, number: int, without: Tensor, chosen: Tensor
    ) -> Tensor:
        """In a stage: a reference that is `chosen` where a Merge has taken its input `number`."""

        def add(
            name: str, inputs: list[Tensor], types: list[dtypes.DType], **attrs: Any
        ) -> Operation:
            unique = f"{merge._name}/_{name}_{len(stage.originals)}"
            op_def = op_def_lib.get(name)
            made = self._add(stage, op_def, unique, inputs, types, attrs, [], merge)
            made._set_device(f"{stage.task}/device:CPU:0")
            return made

        index = self._receive(stage, merge._outputs[1], stage.task)
        value = np.array(number, np.int32)
        const = add("Const", [], [dtypes.int32], dtype=dtypes.int32, value=value)
        const._outputs[0]._shape = SCALAR
        same = {"T": dtypes.int32, "incompatible_shape_error": True}
        taken = add("Equal", [index, const._outputs[0]], [dtypes.bool_], **same)._outputs[0]
        taken._shape = SCALAR
        ref, dtype = chosen._dtype, chosen._dtype.base_dtype
        switches = [
            add("RefSwitch", [reference, taken], [ref, ref], T=dtype)
            for reference in (without, chosen)
        ]
        self._may_be_dead.update(switches)
        sides = [switch._outputs[side] for side, switch in enumerate(switches)]
        merged = add("RefMerge", sides, [ref, dtypes.int32], T=dtype, N=2)
        return merged._outputs[0]

    def _alive(self, reference: Tensor) -> Operation:
        """A node beside that of a reference, which is run if the reference is not dead.

        Of a Switch one output is dead, and the other is not.
        """
        found = self._alive_nodes.get(reference)
        if found is None:
            op = reference._op
            home = self._stage(self._tasks[op], self._levels[op])
            ref = self._copy_into(home, op)._outputs[reference._value_index]
            asks = op_def_lib.get("IsVariableInitialized")
            attrs = {"dtype": reference._dtype.base_dtype}
            name = f"{op._name}/_alive_{reference._value_index}"
            found = self._add(home, asks, name, [ref], [dtypes.bool_], attrs, [], op)
            self._alive_nodes[reference] = found
            self._make_known(found, op, home)
        return found

    def _make_known(self, made: Operation, beside: Operation, home: Stage) -> None:
        """Has a node that was added to a stage stand for itself; it is dead where `beside` is."""
        made._set_device(self._devices[beside])
        self._tasks[made], self._levels[made] = self._tasks[beside], self._levels[beside]
        self._devices[made] = self._devices[beside]
        self._copies[id(home), made] = made
        self._may_be_dead.add(made)

    def _token(self, op: Operation) -> Tensor:
        """A scalar that is made when a node has run: what is sent for a control dependency."""
        found = self._tokens.get(op)
        if found is None:
            home = self._stage(self._tasks[op], self._levels[op])
            made = self._copies[id(home), op]
            attrs = {"dtype": dtypes.float32, "value": np.zeros((), np.float32)}
            const = op_def_lib.get("Const")
            token = self._add(
                home, const, f"{op._name}/_C", [], [dtypes.float32], attrs, [made], op
            )
            token._outputs[0]._shape = SCALAR
            found = self._tokens[op] = token._outputs[0]
            self._make_known(token, op, home)
        return found

    # ---- edges

    def _receive(self, stage: Stage, tensor: Tensor, source: str) -> Tensor:
        found = self._received.get((id(stage), tensor))
        if found is not None:
            return found
        edge = self._edge if source else self._fed_edge
        attrs = edge(tensor, stage.task)
        key = key_of(**{name: attrs[name] for name in _KEY})
        op = tensor._op
        self._edges += 1
        dtype = tensor._dtype.base_dtype
        made = self._add(
            stage,
            op_def_lib.get("_Recv"),
            f"{op._name}_S{self._edges}",
            [],
            [dtype],
            {"tensor_type": dtype, **attrs},
            [],
            op,
        )
        made._set_device(attrs["recv_device"])
        received = self._received[id(stage), tensor] = made._outputs[0]
        received._shape = tensor._shape
        stage.receives[key] = received
        stage.sources[key] = source
        stage.tensors[key] = tensor
        return received

    def _fed_edge(self, tensor: Tensor, task: str) -> dict[str, Any]:
        """The attributes of the edge on which the client feeds a task."""
        return self._edge_attrs(tensor.name, self._client, task, client_terminated=True)

    def _edge(self, tensor: Tensor, task: str) -> dict[str, Any]:
        """The attributes of an edge into a task; the first time, with a Send at its other end."""
        attrs = self._cut_edges.get((tensor, task))
        if attrs is None:
            name = f"edge_{len(self._cut_edges)}_{tensor.name.removesuffix(':0')}"
            attrs = self._edge_attrs(name, self._devices[tensor._op], task)
            self._cut_edges[tensor, task] = attrs
            self._send(tensor, task, attrs)
        return attrs

    def _edge_attrs(
        self, name: str, sender: str, task: str, client_terminated: bool = False
    ) -> dict[str, Any]:
        return {
            "tensor_name": name,
            "send_device": sender,
            "send_device_incarnation": self._incarnations.get(task_of(sender), 1),
            "recv_device": f"{task}/device:CPU:0",
            "client_terminated": client_terminated,
        }

    def _send(self, tensor: Tensor, to: str, attrs: dict[str, Any]) -> None:
        op = tensor._op
        home = self._stage(self._tasks[op], self._levels[op])
        value = self._copy_into(home, op)._outputs[tensor._value_index]
        changes = (home.task, home.level) in self._changing
        # On its own task, a read of a variable goes on to show what becomes of it, as ever.
        if changes and to != home.task and shares_memory(tensor):
            types, copier = [tensor._dtype.base_dtype], op_def_lib.get("_Copy")
            copy = self._add(
                home,
                copier,
                f"{op._name}/_copy_{self._edges}",
                [value],
                types,
                {"T": types[0]},
                [],
                op,
            )
            copy._set_device(attrs["send_device"])
            value = copy._outputs[0]
        self._edges += 1
        dtype = tensor._dtype.base_dtype
        made = self._add(
            home,
            op_def_lib.get("_Send"),
            f"{op._name}_S{self._edges}",
            [value],
            [],
            {"T": dtype, **attrs},
            [],
            op,
        )
        made._set_device(attrs["send_device"])
        home.sends[key_of(**{name: attrs[name] for name in _KEY})] = to


_KEY = ("tensor_name", "send_device", "send_device_incarnation", "recv_device")
