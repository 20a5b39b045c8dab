"""With this module a task runs a stage that was cut out of a graph: arrays in, arrays out.

A stage comes either as the partitioner's own object, where the session is in the same process, or
as a message: a `GraphDef`, and the names of what goes in and out. Both become a `Piece`, which is a
`Program` like that of a local session: passes, plans and specialization come after the cutting.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np

from minitf.distributed.buffers import keeps_nothing
from minitf.distributed.partition import Stage
from minitf.framework import errors, protos
from minitf.framework.graph import Graph
from minitf.framework.importer import import_graph_def
from minitf.framework.kernel_context import DEAD, ResourceManager
from minitf.framework.operation import Operation
from minitf.framework.rendezvous import Rendezvous, meeting_at
from minitf.framework.tensor import Tensor
from minitf.framework.traceback import Traceback
from minitf.runtime.block import Node
from minitf.runtime.memory import Arenas
from minitf.runtime.passes import PASSES
from minitf.runtime.program import Program
from minitf.runtime.step_stats import step_stats_of
from minitf.runtime.trace import TracedProgram

# Wraps the kernel of a node, where a task does not run every graph as it is.
Guard = Callable[[Operation, Callable[..., Any]], Callable[..., Any]]

# What has run in the pieces of a step: of each a serialized `StepStats`.
Trace = list[bytes]

# What a piece receives is there when it starts, or was lost.
_RECEIVE_SECONDS = 60.0


@dataclass
class Route:
    """Which tensors of a piece come from where and go where, by their keys.

    Attributes:
      given: those that come with the call that runs the piece.
      pulls: by task, those that are fetched from there before the piece runs.
      returned: those that go back with the answer, after the fetches.
      is_last: whether nothing of the step is needed at this task once the piece has run.
    """

    given: list[str] = field(default_factory=list)
    pulls: dict[str, list[str]] = field(default_factory=dict)
    returned: list[str] = field(default_factory=list)
    is_last: bool = False


@dataclass
class Settings:
    """How the pieces of a session run.

    Attributes:
      threads, passes: as for `Program`.
    """

    threads: int = 0
    passes: tuple[str, ...] = tuple(PASSES)


def as_message(stage: Stage, route: Route) -> tuple[dict[str, Any], list[Any]]:
    """A stage as a header and arrays, for the task that is to run it."""
    header = {
        "name": stage.name,
        "receives": {key: tensor.name for key, tensor in stage.receives.items()},
        "sends": list(stage.sends),
        "fetches": [tensor.name for _, tensor in stage.fetches],
        "targets": [op.name for op in stage.targets],
        "route": asdict(route),
    }
    # With shapes: a value that may be dead has none of its own to go by.
    data = stage.graph.as_graph_def(add_shapes=True).SerializeToString()
    dead = [op.name.encode() for op in stage.graph.get_operations() if op in stage.may_be_dead]
    return header, [np.frombuffer(data, np.uint8), np.array(dead, object)]


def from_message(header: dict[str, Any], arrays: list[Any]) -> tuple[Stage, Route]:
    """The stage that a message holds.

    Raises:
      InvalidArgumentError: if it does not make sense; NotFoundError: if minitf has no such op.
    """
    try:
        graph = read_graph(arrays[0])
        stage = Stage(
            "",
            0,
            graph,
            receives={key: graph.get_tensor_by_name(n) for key, n in header["receives"].items()},
            sends=dict.fromkeys(header["sends"], ""),
            fetches=[(i, graph.get_tensor_by_name(n)) for i, n in enumerate(header["fetches"])],
            targets=[graph.get_operation_by_name(name) for name in header["targets"]],
            may_be_dead={graph.get_operation_by_name(name.decode()) for name in arrays[1]},
        )
        return stage, Route(**header["route"])
    except (KeyError, ValueError, TypeError, IndexError, AttributeError) as error:
        raise errors.InvalidArgumentError(
            None, None, f"The piece of a graph that was sent does not make sense: {error}"
        ) from error


def read_graph(data: Any) -> Graph:
    """The graph in a serialized `GraphDef`; its nodes have no lines in this process.

    Raises:
      ValueError, TypeError, NotFoundError: if it holds no graph that minitf could run.
    """
    from google.protobuf.message import DecodeError

    try:
        graph_def = protos.GraphDef.FromString(data.tobytes())
    except DecodeError as error:
        raise ValueError(f"it is no GraphDef: {error}") from None
    graph = Graph()
    with graph.as_default():
        import_graph_def(graph_def, name="")
    for op in graph.get_operations():
        op._traceback = Traceback()
    return graph


class Piece:
    """A stage, ready to run at its task.

    Args:
      stage: the nodes.
      route: from where tensors come and where they go.
      resources, node_state, arenas: what belongs to the task and the session.
      settings: how to run it.
      guard: wraps the kernels of nodes.
    """

    def __init__(
        self,
        stage: Stage,
        route: Route,
        resources: ResourceManager,
        node_state: ResourceManager,
        arenas: Arenas,
        settings: Settings,
        guard: Guard | None = None,
    ) -> None:
        self.route = route
        self.stage = stage
        # What it sends on within the task is what it was given, or a view of it.
        self.keeps_nothing = route.is_last and not stage.sends and keeps_nothing(stage.graph)
        self._keys = list(stage.receives)
        fetches = list(dict.fromkeys(tensor for _, tensor in stage.fetches))
        self._positions = [fetches.index(tensor) for _, tensor in stage.fetches]
        self._make = partial(
            _PieceProgram,
            [*fetches, *stage.targets],
            list(stage.receives.values()),
            resources,
            node_state,
            arenas,
            settings,
            stage.may_be_dead,
            guard,
        )
        self.program = self._make()

    @cached_property
    def _traced(self) -> _TracedPieceProgram:
        """The same program, which can tell what it does."""
        return _TracedPieceProgram(*self._make.args)

    def run(self, step: Rendezvous, trace: Trace | None = None) -> list[Any]:
        """Runs the piece as a part of a step; returns the fetches.

        Args:
          step: where it meets the other pieces.
          trace: what is to be told of what ran, if it is to be told of.

        Raises:
          OpError: what a kernel raised.
        """
        fed = [step.receive(key, _RECEIVE_SECONDS, keep=True) for key in self._keys]
        with meeting_at(step):
            if trace is None:
                values = self.program.run(fed)
            else:
                with self._traced.record(fed) as runs:
                    values = self._traced.run(fed)
                trace.append(step_stats_of(runs).SerializeToString())
        if self.stage.may_be_dead:
            for key in self.stage.sends:
                if step.find(key) is None:
                    step.send(key, DEAD)
        return [values[position] for position in self._positions]


class _PieceProgram(Program):
    """A program whose kernels may be wrapped before they run."""

    def __init__(
        self,
        fetches: list[Any],
        feeds: list[Tensor],
        resources: ResourceManager,
        node_state: ResourceManager,
        arenas: Arenas,
        settings: Settings,
        dead: set[Operation],
        guard: Guard | None,
    ) -> None:
        self._guard = guard
        super().__init__(
            fetches, feeds, resources, node_state, arenas, settings.threads, settings.passes, dead
        )

    def _kernel_of(self, node: Node) -> Callable[..., Any]:
        kernel = super()._kernel_of(node)
        return kernel if self._guard is None else self._guard(node.op, kernel)


class _TracedPieceProgram(TracedProgram, _PieceProgram):
    """A piece's program that can tell what it does."""
