"""With this module every node of a run gets a device: `/job:ps/replica:0/task:0/device:CPU:0`.

What decides, in this order: nodes that must be together are (a node that changes a variable, and
the variable; nodes that name one another in `_class`), what their device strings ask for, and what
there is. What they leave open goes to the task that the session runs on.

There are only CPUs: a node that asks for another kind of device runs on a CPU of its task.

>>> import minitf as tf
>>> with tf.device("/job:ps"):
...     v = tf.Variable(1.0, name="v")
>>> place([v.op, v.initializer], [task_device("worker", 0), task_device("ps", 0)])[v.initializer]
'/job:ps/replica:0/task:0/device:CPU:0'
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from minitf.framework import dtypes, errors
from minitf.framework.device import DeviceSpec
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor

LOCAL_JOB = "localhost"


@dataclass(frozen=True)
class DeviceAttributes:
    """A device that a session can use (mirrors what TensorFlow's `Session.list_devices` gives).

    Attributes:
      name: its full name.
      device_type: "CPU".
      memory_limit_bytes: what TensorFlow says of a CPU; minitf keeps to no limit.
      incarnation: 0: tasks tell theirs only to one another.
    """

    name: str
    device_type: str = "CPU"
    memory_limit_bytes: int = 268435456
    incarnation: int = 0


def task_device(job: str, task: int, cpu: int = 0) -> str:
    """The full name of a CPU of a task."""
    return f"/job:{job}/replica:0/task:{task}/device:CPU:{cpu}"


def task_of(device: str) -> str:
    """The task that a device belongs to: "/job:ps/replica:0/task:0"."""
    return device.partition("/device:")[0]


def place(
    ops: Sequence[Operation], devices: Sequence[str], soft: bool = False
) -> dict[Operation, str]:
    """Chooses a device for each operation.

    Args:
      ops: the operations of a run.
      devices: the full names of all devices, the session's own first: it gets what is left open.
      soft: whether a CPU of another number will do (`allow_soft_placement`).

    Raises:
      InvalidArgumentError: if a node asks for a device that is not there, or nodes that must be
        together ask for different ones.
    """
    if not any(op._device for op in ops):
        return dict.fromkeys(ops, devices[0])
    groups = _Groups(ops)
    specs = [DeviceSpec.from_string(device) for device in devices]
    chosen: dict[str, str] = {}
    placed: dict[Operation, str] = {}
    for op in ops:
        wanted = groups.wanted(op).to_string()
        if wanted not in chosen:
            chosen[wanted] = _choose(wanted, op, devices, specs, soft)
        placed[op] = chosen[wanted]
    return placed


def _choose(
    wanted: str, op: Operation, devices: Sequence[str], specs: list[DeviceSpec], soft: bool
) -> str:
    """The first device that is what a device string asks for."""
    spec = DeviceSpec.from_string(wanted)
    if spec.device_type not in (None, "*", "CPU"):
        spec = spec.replace(device_type=None, device_index=None)
    softer = spec.replace(device_type=None, device_index=None) if soft else spec
    for each in (spec, softer):
        for device, described in zip(devices, specs, strict=True):
            if each.matches(described):
                return device
    raise errors.InvalidArgumentError(
        None,
        op,
        errors.report(
            f"Cannot assign a device for operation {op.name}: {{{{node {op.name}}}}} was "
            f"explicitly assigned to {wanted} but available devices are [ {', '.join(devices)} ]. "
            "Make sure the device specification refers to a valid device.",
            op=op,
            do="name a device that is there; a session on the server of a cluster, "
            "tf.Session(server.target), has those of all its tasks.",
        ),
    )


class _Groups:
    """Which nodes must be together, and what the nodes of each group ask for."""

    def __init__(self, ops: Sequence[Operation]) -> None:
        self._leader: dict[Operation, Operation] = {}
        self._wanted: dict[Operation, DeviceSpec] = {}
        # A variable counts even where the run does not need it: a node may be beside it.
        members = dict.fromkeys(ops)
        for op in ops:
            for other in _beside(op):
                members[other] = None
                self._join(op, other)
        for op in members:
            self._ask(op)

    def wanted(self, op: Operation) -> DeviceSpec:
        """What the group of a node asks for."""
        return self._wanted[self._find(op)]

    def _find(self, op: Operation) -> Operation:
        found = op
        while found in self._leader:
            found = self._leader[found]
        if found is not op:
            self._leader[op] = found  # a shorter way for the next who asks
        return found

    def _join(self, op: Operation, other: Operation) -> None:
        mine, theirs = self._find(op), self._find(other)
        if mine is not theirs:
            self._leader[mine] = theirs

    def _ask(self, op: Operation) -> None:
        leader = self._find(op)
        own = DeviceSpec.from_string(op._device)
        there = self._wanted.get(leader)
        if there is None:
            self._wanted[leader] = own
            return
        for part in ("job", "replica", "task"):
            mine, theirs = getattr(own, part), getattr(there, part)
            if mine is not None and theirs is not None and mine != theirs:
                raise _conflict(op, leader, own, there)
        self._wanted[leader] = there.merged_with(own)


def names_a_place(tensor: Tensor) -> bool:
    """Whether a tensor is no array but stands for what holds some: a variable, a queue."""
    return tensor._dtype._is_ref_dtype or tensor._dtype is dtypes.resource


def _beside(op: Operation) -> list[Operation]:
    """The nodes that a node must be beside: the variables that it changes, the queues that it
    uses, and those that it names.
    """
    wants_ref = op._op_def.ref_inputs(len(op._inputs))
    found = [
        tensor._op
        for tensor, ref in zip(op._inputs, wants_ref, strict=True)
        if ref or tensor._dtype is dtypes.resource
    ]
    for group in op._attrs.get("_class", ()):
        other = op._graph._nodes.get(group.removeprefix("loc:@"))
        if other is not None and other is not op:
            found.append(other)
    return found


def _conflict(
    op: Operation, other: Operation, own: DeviceSpec, there: DeviceSpec
) -> errors.InvalidArgumentError:
    return errors.InvalidArgumentError(
        None,
        op,
        errors.report(
            f"Cannot colocate nodes {{{{colocation_node {op.name}}}}} and {{{{colocation_node "
            f"{other.name}}}}} because they ask for different tasks: {own.to_string()!r} and "
            f"{there.to_string()!r}.",
            op=op,
            do="a node that changes a variable runs where the variable is: build it without a "
            "device of its own.",
        ),
    )
