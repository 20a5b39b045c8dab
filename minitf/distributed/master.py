"""With this module a server runs sessions: it is the master of their steps.

A master places the nodes that a run needs, cuts them into stages, gives each task its pieces and
runs them step by step; see `plan`. Any server is the master of the sessions on it: in training with
parameter servers each worker of its own.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from minitf.distributed.cluster_spec import ClusterSpec
from minitf.distributed.partition import Stage, partition
from minitf.distributed.peers import Peers
from minitf.distributed.piece import Piece, Route, Settings, Trace
from minitf.distributed.plan import Plan
from minitf.distributed.together import in_background, run_together
from minitf.distributed.worker import WorkerService
from minitf.framework import errors
from minitf.framework.device import DeviceSpec
from minitf.framework.graph import Graph
from minitf.framework.kernel_context import ResourceManager
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape
from minitf.framework.waiting import Runs, current_run
from minitf.runtime import run_errors
from minitf.runtime.branches import may_be_dead
from minitf.runtime.config import ConfigProto
from minitf.runtime.memory import Arenas
from minitf.runtime.passes import chosen
from minitf.runtime.placement import place, task_device, task_of
from minitf.runtime.program import Shapes
from minitf.runtime.prune import prune
from minitf.runtime.specialize import UnfitError, shapes_of

_CLOSE_SECONDS = 2.0


@dataclass(frozen=True)
class Options:
    """What of a `ConfigProto` concerns a session on several tasks; plain data, to be sent.

    Attributes:
      soft: whether a CPU of another number will do.
      cpus: how many each task has.
      filters: the tasks to be seen, by device strings; all, if there are none.
      threads, passes: how pieces run.
    """

    soft: bool = False
    cpus: int = 1
    filters: tuple[str, ...] = ()
    threads: int = 0
    passes: tuple[str, ...] = Settings().passes

    @classmethod
    def of(cls, config: Any) -> Options:
        """The options in a `ConfigProto`, or the usual ones for None."""
        options: Any = config or ConfigProto()
        return cls(
            soft=bool(options.allow_soft_placement),
            cpus=max(int(options.device_count.get("CPU", 1)), 1),
            filters=tuple(options.device_filters),
            threads=max(options.intra_op_parallelism_threads, 0),
            passes=chosen(config),
        )


class Master:
    """A server's part in running the sessions on it.

    Args:
      cluster: the tasks there are.
      worker: the server's own task.
      peers: the other ones.
    """

    def __init__(self, cluster: ClusterSpec, worker: WorkerService, peers: Peers) -> None:
        self.cluster = cluster
        self.worker = worker
        self.peers = peers

    def devices(self, options: Options) -> list[str]:
        """The names of all devices that a session can use, its own task's first."""
        own = DeviceSpec.from_string(self.worker.task)
        names = [
            task_device(job, task, cpu)
            for job in self.cluster.jobs
            for task in self.cluster.task_indices(job)
            for cpu in range(options.cpus)
            if (job, task) == (own.job, own.task) or _is_seen(job, task, options.filters)
        ]
        return sorted(names, key=lambda name: task_of(name) != self.worker.task)

    def reset(self, containers: list[str] | None) -> None:
        """Forgets variables and queues of all tasks."""
        tasks = {task_of(device) for device in self.devices(Options())}
        self.worker.reset(containers)
        for task in sorted(tasks - {self.worker.task}):
            self.peers.call(task, "CleanupAll", {"containers": containers}, timeout=30.0)


def _is_seen(job: str, task: int, filters: Sequence[str]) -> bool:
    spec = DeviceSpec(job=job, replica=0, task=task)
    return not filters or any(DeviceSpec.from_string(each).matches(spec) for each in filters)


class MasterSession:
    """A session on a server, as its master runs it.

    Args:
      master: the server's.
      graph: the client's graph, or the copy of it that the client has sent.
      options: see `Options`.
      trusted: whether the client is this very process.
    """

    def __init__(self, master: Master, graph: Graph, options: Options, trusted: bool) -> None:
        self.master = master
        self.trusted = trusted
        self.graph = graph
        self.options = options
        self.devices = master.devices(options)
        self.name = secrets.token_hex(8)
        self.runs = Runs()
        self._incarnations: dict[str, int] = {}
        self._lock = threading.Lock()

    def program(self, fetches: list[Any], feeds: list[Tensor]) -> StepProgram:
        """What computes some fetches from some feeds; nothing is registered before it runs.

        Raises:
          InvalidArgumentError: if a node asks for a device that is not there.
        """
        return StepProgram(self, fetches, feeds)

    def join(self, tasks: Sequence[str]) -> dict[str, int]:
        """Has tasks know this session; returns the incarnation of each that does."""
        with self._lock:
            new = [task for task in tasks if task not in self._incarnations]
        if new:
            found = run_together([lambda t=task: self._begin_at(t) for task in new])  # type: ignore[misc]
            with self._lock:
                self._incarnations.update(zip(new, found, strict=True))
        return self._incarnations

    def _begin_at(self, task: str) -> int:
        worker = self.master.worker
        if task == worker.task:
            worker.create_session(self.name, Settings(self.options.threads, self.options.passes))
            return worker.incarnation
        header = {
            "session": self.name,
            "threads": self.options.threads,
            "passes": self.options.passes,
        }
        reply = self.master.peers.call(
            task, "CreateWorkerSession", header, timeout=current_run().left()
        )
        return int(reply.header["incarnation"])

    def close(self) -> None:
        """Ends the session at all of its tasks, which keep their variables."""
        self.runs.end("The session was closed")
        with self._lock:
            tasks = list(self._incarnations)
        for task in tasks:
            if task == self.master.worker.task:
                self.master.worker.delete_session(self.name)
            else:
                in_background(lambda t=task: self._end_at(t))  # type: ignore[misc]

    def _end_at(self, task: str) -> None:
        self.master.peers.call(
            task, "DeleteWorkerSession", {"session": self.name}, timeout=_CLOSE_SECONDS
        )


class StepProgram:
    """What computes some fetches from some feeds on several tasks; a `Program` on one.

    Args:
      session: whose it is.
      fetches: the tensors and operations asked for.
      feeds: the tensors that a run is given values for.
    """

    may_wait = True

    def __init__(self, session: MasterSession, fetches: list[Any], feeds: list[Tensor]) -> None:
        self.fetches = fetches
        self.feeds = feeds
        self._session = session
        self._fed = set(feeds)
        self.ops = prune(fetches, self._fed)
        self._versions = {op: op._version for op in self.ops}
        dead = may_be_dead(self.ops, self._fed)
        for op in self.ops:
            if op.type == "Placeholder" and op not in dead:
                raise run_errors.unfed_placeholder(op, fetches, self.ops)
        self.placed = place(self.ops, session.devices, session.options.soft)
        self._plan: Plan | None = None
        self._lock = threading.Lock()

    def is_current(self) -> bool:
        """Whether no node of this program was changed since it was made."""
        return all(op._version == version for op, version in self._versions.items())

    def stages(self, incarnations: dict[str, int] | None = None) -> list[Stage]:
        """The stages that the graph is cut into."""
        asked = [f for f in self.fetches if not (isinstance(f, Tensor) and f in self._fed)]
        return partition(
            self.ops, self.placed, asked, self.feeds, incarnations, self._session.devices[0]
        )

    def run(self, fed_values: list[Any], trace: Trace | None = None) -> list[Any]:
        """Computes the fetches: an array for each tensor, None for each operation.

        Args:
          fed_values: of the feeds, in their order.
          trace: to be told what ran at the tasks.

        Raises:
          OpError: the first failure at a task, with the user's own operation.
        """
        given = dict(zip(self.feeds, fed_values, strict=True))
        try:
            results = self._ready().run(given, trace)
        except errors.OpError as error:
            raise self._told(error) from error
        return in_order(results, self.fetches, given)

    def _ready(self) -> Plan:
        """The plan, registered with its tasks at the first run."""
        plan = self._plan
        if plan is None:
            with self._lock:
                plan = self._plan
                if plan is None:
                    plan = self._plan = self._make_plan()
        return plan

    def _make_plan(self) -> Plan:
        session = self._session
        own = session.master.worker.task
        tasks = dict.fromkeys([own, *(task_of(device) for device in self.placed.values())])
        incarnations = session.join(list(tasks))
        plan = Plan(
            self.stages(incarnations),
            session.name,
            session.master.worker,
            session.master.peers,
            session.trusted,
        )
        plan.register()
        return plan

    def _known_shapes(self, shapes: Shapes | None) -> dict[Tensor, TensorShape] | None:
        """What all tensors look like for feeds of these shapes; None if that is not known."""
        try:
            return None if shapes is None else shapes_of(self.fetches, self.feeds, shapes)
        except UnfitError:
            return None

    def explain(self, shapes: Shapes | None = None) -> str:
        """What became of the graph: the stages, what they exchange, and the program of each.

        Args:
          shapes: of the feeds; None for the programs that take any.
        """
        known = self._known_shapes(shapes)
        parts = []
        for stage in self.stages():
            heading = [f"# ---- {stage.name}"]
            heading += [
                f"# receives {tensor.name} from {stage.sources[key] or 'the client'}"
                for key, tensor in stage.receives.items()
            ]
            for op in stage.graph.get_operations():
                if op.type == "_Send":
                    to = task_of(op._attrs["recv_device"])
                    heading.append(f"# sends {op.inputs[0].name} to {to}")
            none = ResourceManager()
            settings = Settings(passes=self._session.options.passes)
            piece = Piece(stage, Route(), none, none, Arenas(), settings)
            received = None
            if known is not None:
                tensors = stage.tensors.values()
                received = tuple(known.get(tensor, tensor._shape)._dims for tensor in tensors)
            parts.append("\n".join([*heading, piece.program.explain(received)]))
        return "\n\n".join(parts)

    def _told(self, error: errors.OpError) -> errors.OpError:
        """An error of a piece, told of the user's own operation, with the user's line."""
        op = error.op
        if op is not None and op._graph is not self._session.graph and self._plan is not None:
            originals = (leg.stage.originals.get(op) for leg in self._plan.legs)
            op = next(filter(None, originals), None)
        return type(error)(None, op, with_line(error.message, op))


def in_order(results: dict[int, Any], fetches: list[Any], given: dict[Tensor, Any]) -> list[Any]:
    """The value of each fetch: what was computed, or what was fed, or None for an operation."""
    values: list[Any] = []
    number = 0
    for fetch in fetches:
        if isinstance(fetch, Tensor) and fetch in given:
            value = given[fetch]
            values.append(value.copy() if getattr(value, "ndim", 0) else value[()])
            continue
        values.append(results.get(number))
        number += 1
    return values


def with_line(message: str, op: Operation | None) -> str:
    """A message from another process, with the user's line in this one where it belongs."""
    if op is None or not op.traceback or "\n  created at: " in message:
        return message
    head, remedy, rest = message.partition("\n  what to do: ")
    return f"{head}\n  created at: {op.traceback}{remedy}{rest}"
