"""With this module a master runs a step on several tasks: registered once, run many times.

A plan is what became of one set of fetches and feeds: the stages, with their tasks, and which
tensor travels how. The master's own task is the middle: what its stages send goes along with the
call that runs the next stage at another task, and what such a stage sends back comes with the
answer. So a training step takes two calls for each parameter server: one that answers with the
variables, and one that brings the gradients. Between two other tasks the receiver fetches what the
sender has kept for it.

    worker (master)                      ps
      RunGraph  level 0   ------------>  reads the variables
                          <------------  their values
      level 1: the model
      RunGraph  level 2   -- gradients->  updates the variables
                          <------------
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from minitf.distributed.buffers import Buffers, Specs, keeps_nothing
from minitf.distributed.partition import Stage
from minitf.distributed.peers import Peers
from minitf.distributed.piece import Route, Trace, as_message
from minitf.distributed.together import in_background, run_together
from minitf.distributed.worker import WorkerService, with_dead, without_dead
from minitf.framework.operation import Operation
from minitf.framework.rendezvous import Rendezvous
from minitf.framework.tensor import Tensor
from minitf.framework.waiting import current_run

# A kernel that waits too long says so itself, before the call that runs it is given up.
_GRACE_SECONDS = 1.0
_CLEANUP_SECONDS = 2.0

_STEPS = itertools.count(1)  # of all plans: those of one session run at the same time


class Leg:
    """A stage of a plan, registered with its task.

    Attributes:
      stage, route: what runs, and what travels.
      is_local: whether its task is the master's own.
      handle: the task's name for the piece.
      keeps_nothing: whether what it receives can be forgotten when it has run.
    """

    def __init__(self, stage: Stage, route: Route, is_local: bool) -> None:
        self.stage = stage
        self.route = route
        self.is_local = is_local
        self.handle = 0
        self.keeps_nothing = keeps_nothing(stage.graph)
        self._by_name = {op.name: original for op, original in stage.originals.items()}

    def find_op(self, name: str) -> Operation | None:
        """The user's operation that a node of this name stands for."""
        return self._by_name.get(name)


def legs_of(stages: Sequence[Stage], own_task: str) -> list[Leg]:
    """The stages with the ways of their tensors."""
    there: set[tuple[str, str]] = set()  # what a task has already, by task and key
    pulled_from: set[str] = set()
    legs = []
    for stage in stages:
        route = Route()
        for key, source in stage.sources.items():
            if (stage.task, key) in there or source == stage.task or stage.task == own_task:
                continue
            there.add((stage.task, key))
            if source in ("", own_task):
                route.given.append(key)
            else:
                route.pulls.setdefault(source, []).append(key)
                pulled_from.add(source)
        if stage.task != own_task:
            route.returned = [key for key, to in stage.sends.items() if to == own_task]
        legs.append(Leg(stage, route, stage.task == own_task))
    last = {leg.stage.task: leg for leg in legs}
    for task, leg in last.items():
        leg.route.is_last = not leg.is_local and task not in pulled_from
    return legs


class Plan:
    """How one set of fetches is computed from one set of feeds, on several tasks.

    Args:
      stages: the stages, by level.
      session: the name of the session, which the tasks know.
      worker: the master's own task.
      peers: the other tasks.
      trusted: whether the graph is this process's own; if not, the master's task, too, runs of it
        only what it runs for strangers.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        session: str,
        worker: WorkerService,
        peers: Peers,
        trusted: bool,
    ) -> None:
        self._session = session
        self._trusted = trusted
        self._worker = worker
        self._peers = peers
        self.legs = legs_of(stages, worker.task)
        # Who keeps something of a step beyond its last stage there.
        self._to_clean = {task for leg in self.legs for task in leg.route.pulls}
        self._to_clean.discard(worker.task)
        self._levels = [
            list(legs) for _, legs in itertools.groupby(self.legs, lambda leg: leg.stage.level)
        ]
        for legs in self._levels:
            legs.sort(key=lambda leg: not leg.is_local)  # the master's own runs in its own thread
        self._fed = {key: t for leg in self.legs for key, t in leg.stage.fed.items()}
        self._fed_here = [key for leg in self.legs if leg.is_local for key in leg.stage.fed]
        self._buffers = Buffers()
        self._reuses = all(leg.keeps_nothing for leg in self.legs if leg.is_local)

    def register(self) -> None:
        """Gives each task its pieces.

        Raises:
          OpError: if a task cannot be reached or refuses one.
        """
        run_together([partial(self._register, leg) for leg in self.legs])

    def _register(self, leg: Leg) -> None:
        stage, route = leg.stage, leg.route
        if leg.is_local:
            leg.handle = self._worker.register(self._session, stage, route, self._trusted)
            return
        header, arrays = as_message(stage, route)
        reply = self._peers.call(
            stage.task,
            "RegisterGraph",
            {**header, "session": self._session},
            arrays,
            timeout=current_run().left(),
            find_op=leg.find_op,
        )
        leg.handle = int(reply.header["handle"])

    def run(self, values: dict[Tensor, Any], trace: Trace | None = None) -> dict[int, Any]:
        """Runs one step.

        Args:
          values: those of the fed tensors.
          trace: to be told what ran at the tasks.

        Returns:
          The values of the fetches, by number.

        Raises:
          OpError: the first failure at a task; nothing of the step is left at any.
        """
        step_id = f"{self._session}.{next(_STEPS)}"
        here = self._worker.step(step_id).rendezvous
        fed = {key: values[tensor] for key, tensor in self._fed.items()}
        results: dict[int, Any] = {}
        received: list[Any] = []
        done = False
        try:
            for key in self._fed_here:
                here.send(key, fed[key])
            for legs in self._levels:
                calls: list[Callable[[], list[Any]]] = [
                    partial(self._run_leg, leg, step_id, here, fed, received, trace) for leg in legs
                ]
                for leg, fetched in zip(legs, run_together(calls), strict=True):
                    numbers = (number for number, _ in leg.stage.fetches)
                    results.update(zip(numbers, fetched, strict=True))
            done = True
        finally:
            self._worker.cleanup(step_id)
            remote = {leg.stage.task for leg in self.legs if not leg.is_local}
            for task in self._to_clean if done else remote:
                self._clean(task, step_id)
        if self._reuses:
            self._buffers.give_back(received)
        return results

    def _run_leg(
        self,
        leg: Leg,
        step_id: str,
        here: Rendezvous,
        fed: dict[str, Any],
        received: list[Any],
        trace: Trace | None,
    ) -> list[Any]:
        left = current_run().left()
        if leg.is_local:
            fetched, _ = self._worker.run(self._session, leg.handle, step_id, [], left, trace=trace)
            return fetched
        route = leg.route
        given = [fed[key] if key in fed else here.receive(key, 0.0) for key in route.given]
        dead, arrays = without_dead(given)
        header: dict[str, Any] = {
            "session": self._session,
            "handle": leg.handle,
            "step": step_id,
        }
        if left is not None:
            header["timeout"] = left
        if dead:
            header["dead"] = dead
        if trace is not None:
            header["trace"] = True
        reply = self._peers.call(
            leg.stage.task,
            "RunGraph",
            header,
            arrays,
            timeout=None if left is None else left + _GRACE_SECONDS,
            into=partial(self._place, leg) if route.returned and trace is None else None,
            find_op=leg.find_op,
        )
        tensors = list(reply.tensors)
        if trace is not None:
            trace.append(tensors.pop().tobytes())
        answer = with_dead(reply.header, tensors)
        count = len(leg.stage.fetches)
        if trace is None:  # then it lies in memory that was leased for it
            received += answer[count:]
        for key, value in zip(route.returned, answer[count:], strict=True):
            here.send(key, value)
        return [value[()] if value.ndim == 0 else value for value in answer[:count]]

    def _place(self, leg: Leg, header: dict[str, Any], specs: Specs) -> list[Any]:
        """Where an answer's tensors go: what is fetched is the caller's, the rest is used again."""
        count = len(leg.stage.fetches)
        if header.get("dead"):
            return [None] * len(specs)
        return [None] * count + self._buffers.lease(specs[count:])

    def _clean(self, task: str, step_id: str) -> None:
        """Has a task forget a step, if it can be reached; it would so itself, after a while."""
        if self._peers.is_met(task):
            in_background(
                partial(
                    self._peers.call,
                    task,
                    "CleanupGraph",
                    {"step": step_id},
                    timeout=_CLEANUP_SECONDS,
                )
            )
