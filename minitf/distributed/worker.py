"""With this module a process is a task of a cluster: it keeps variables and runs pieces of graphs.

What lives in a task is shared by all sessions: variables and queues, by container and name. What
belongs to a session, here as at home, are the states of random generators, and the pieces that it
has registered. What belongs to a step are the tensors on their way, in a `Rendezvous`.

The methods of `WorkerService` are those of TensorFlow's: a master registers the pieces of a graph
once, runs them step by step, and cleans up; tasks fetch tensors from one another.
"""

from __future__ import annotations

import itertools
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np

from minitf.distributed.buffers import Buffers, Specs
from minitf.distributed.partition import Stage
from minitf.distributed.peers import Peers
from minitf.distributed.permissions import Permissions
from minitf.distributed.piece import Piece, Route, Settings, Trace, from_message
from minitf.distributed.wire import Method
from minitf.framework import errors
from minitf.framework.kernel_context import DEAD, ResourceManager
from minitf.framework.rendezvous import Rendezvous
from minitf.framework.waiting import Runs, current_run
from minitf.runtime.memory import Arenas

# Sessions whose client has died leave their pieces behind: the oldest go when there are too many.
_MOST_SESSIONS = 256
# So does a step that nobody ended, after so many seconds.
_STEP_SECONDS = 600.0


class _Session:
    """What a session has at a task."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.node_state = ResourceManager()
        self.arenas = Arenas()
        self.pieces: dict[int, Piece] = {}
        self.runs = Runs()


class Step:
    """What a step has at a task: where its pieces meet, and since when."""

    def __init__(self) -> None:
        self.rendezvous = Rendezvous()
        self.touched = time.monotonic()


class WorkerService:
    """A task: its variables, its sessions' pieces, its steps under way.

    Args:
      task: its name, "/job:ps/replica:0/task:0".
      peers: the other tasks, to fetch tensors from.
      permissions: what graphs of other processes may do.
    """

    def __init__(self, task: str, peers: Peers, permissions: Permissions) -> None:
        self.task = task
        self.incarnation = secrets.randbits(63) | 1
        self.resources = ResourceManager(owner=task.replace("/replica:0", ""))
        self._peers = peers
        self._permissions = permissions
        self._sessions: OrderedDict[str, _Session] = OrderedDict()
        self._steps: dict[str, Step] = {}
        self._handles = itertools.count(1)
        self._lock = threading.Lock()

    # ---- sessions and their pieces

    def create_session(self, name: str, settings: Settings) -> None:
        """Begins a session, which a master has named."""
        with self._lock:
            self._sessions[name] = _Session(settings)
            while len(self._sessions) > _MOST_SESSIONS:
                _, oldest = self._sessions.popitem(last=False)
                oldest.runs.end("The task has too many sessions; this was the oldest")

    def delete_session(self, name: str) -> None:
        """Ends a session: its steps are called off, its pieces are forgotten."""
        with self._lock:
            session = self._sessions.pop(name, None)
        if session is not None:
            session.runs.end("The session was closed")
            session.arenas.close()

    def register(self, session: str, stage: Stage, route: Route, trusted: bool) -> int:
        """Keeps a piece for later runs; returns the handle that names it.

        Args:
          session: whose it is.
          stage, route: see `Piece`.
          trusted: whether it comes from this process itself.

        Raises:
          AbortedError: if there is no such session, as after a restart.
          PermissionDeniedError: if it does what graphs of others may not.
        """
        found = self._session(session)
        if not trusted:
            self._permissions.check(stage.graph)
        guard = None if trusted else self._permissions.guard
        piece = Piece(
            stage, route, self.resources, found.node_state, found.arenas, found.settings, guard
        )
        handle = next(self._handles)
        found.pieces[handle] = piece
        return handle

    def reset(self, containers: list[str] | None) -> None:
        """Forgets variables and queues: all, or those in some containers; "" is the default one."""
        self.resources.clear(containers)

    def end(self, why: str) -> None:
        """Calls off everything under way."""
        with self._lock:
            sessions, self._sessions = list(self._sessions.values()), OrderedDict()
        for session in sessions:
            session.runs.end(why)

    def _session(self, name: str) -> _Session:
        with self._lock:
            found = self._sessions.get(name)
            if found is not None:
                self._sessions.move_to_end(name)
                return found
        raise errors.AbortedError(
            None,
            None,
            f"{self.resources.owner} does not know this session: it was started anew since the "
            "session began.\n  what it held in memory is lost\n  what to do: make a new session; "
            "training goes on from the last checkpoint.",
        )

    # ---- steps

    def step(self, step_id: str) -> Step:
        """The step of this name; it begins when it is first asked for."""
        found = self._steps.get(step_id)
        if found is None:
            with self._lock:
                found = self._steps.setdefault(step_id, Step())
                if len(self._steps) > 64:
                    self._forget_old_steps()
        return found

    def _forget_old_steps(self) -> None:
        long_ago = time.monotonic() - _STEP_SECONDS
        for name in [name for name, step in self._steps.items() if step.touched < long_ago]:
            del self._steps[name]

    def cleanup(self, step_id: str) -> None:
        """Forgets a step."""
        self._steps.pop(step_id, None)

    def run(
        self,
        session: str,
        handle: int,
        step_id: str,
        given: Sequence[Any],
        timeout: float | None = None,
        call: Any = None,
        trace: Trace | None = None,
    ) -> tuple[list[Any], list[Any]]:
        """Runs a piece as a part of a step.

        Args:
          session, handle: which piece.
          step_id: the step.
          given: the tensors of `route.given`.
          timeout: the seconds after which kernels wait no longer.
          call: the call of another process that asks for it, which may be cancelled.
          trace: to be told what ran.

        Returns:
          The fetches, and the tensors of `route.returned`.

        Raises:
          AbortedError: if there is no such piece, as after a restart.
          OpError: what a kernel raised.
        """
        found = self._session(session)
        piece = found.pieces.get(handle)
        if piece is None:
            raise errors.AbortedError(None, None, f"{self.task} has no piece {handle!r} any more.")
        route = piece.route
        step = self.step(step_id)
        for key, value in zip(route.given, given, strict=True):
            step.rendezvous.send(key, value)
        for task, keys in route.pulls.items():
            self._pull(step, step_id, task, keys, timeout)
        if piece.program.may_wait:
            fetched = self._run_waiting(found, piece, step, timeout, call, trace)
        else:
            fetched = piece.run(step.rendezvous, trace)
        returned = [step.rendezvous.receive(key, 0.0) for key in route.returned]
        if route.is_last:
            self.cleanup(step_id)
        return fetched, returned

    def _run_waiting(
        self,
        session: _Session,
        piece: Piece,
        step: Step,
        timeout: float | None,
        call: Any,
        trace: Trace | None,
    ) -> list[Any]:
        """Runs a piece that may wait for other steps, as long as somebody waits for it."""
        outer = current_run()
        with session.runs.one(timeout) as run:

            def call_off() -> None:
                run.call_off("The step was called off")

            if call is not None:
                call.on_cancel(call_off)
            with outer.when_called_off(call_off):
                return piece.run(step.rendezvous, trace)

    def keeps_nothing(self, session: str, handle: int) -> bool:
        """Whether what a piece is given can be forgotten when it has run."""
        found = self._sessions.get(session)
        piece = None if found is None else found.pieces.get(handle)
        return piece is not None and piece.keeps_nothing

    def _pull(
        self, step: Step, step_id: str, task: str, keys: list[str], timeout: float | None
    ) -> None:
        """Fetches tensors from another task."""
        reply = self._peers.call(
            task, "RecvTensor", {"step": step_id, "keys": keys}, timeout=timeout
        )
        for key, value in zip(keys, with_dead(reply.header, reply.tensors), strict=True):
            step.rendezvous.send(key, value)

    def receive(self, step_id: str, keys: list[str], timeout: float) -> list[Any]:
        """The tensors of a step that were sent here for another task."""
        step = self.step(step_id)
        return [step.rendezvous.receive(key, timeout) for key in keys]


# ---- what the wire carries


def without_dead(values: Sequence[Any]) -> tuple[list[int], list[Any]]:
    """Which of some values are dead, and the others as arrays, as the wire carries them."""
    dead = [number for number, value in enumerate(values) if value is DEAD]
    return dead, [np.asarray(value) for value in values if value is not DEAD]


def with_dead(header: dict[str, Any], arrays: Sequence[Any]) -> list[Any]:
    """The values that `without_dead` was given."""
    values = list(arrays)
    for number in header.get("dead", ()):
        values.insert(number, DEAD)
    return values


def as_arrays(trace: Trace | None) -> list[Any]:
    """What ran, as the wire carries it behind the tensors."""
    return [np.frombuffer(each, np.uint8) for each in trace or []]


class WorkerHandlers:
    """The methods of a `WorkerService`, as other processes call them."""

    def __init__(self, worker: WorkerService) -> None:
        self._worker = worker
        self._buffers = Buffers()

    def methods(self) -> dict[str, Any]:
        """By name, what the listener offers."""
        return {
            "GetStatus": self._get_status,
            "CreateWorkerSession": self._create_session,
            "DeleteWorkerSession": self._delete_session,
            "RegisterGraph": self._register,
            "RunGraph": Method(self._run, self._place),
            "RecvTensor": self._receive,
            "CleanupGraph": self._cleanup,
            "CleanupAll": self._cleanup_all,
        }

    def _get_status(self, header: Any, tensors: Any, call: Any) -> Any:
        return {"task": self._worker.task, "incarnation": self._worker.incarnation}, []

    def _create_session(self, header: Any, tensors: Any, call: Any) -> Any:
        settings = Settings(int(header["threads"]), tuple(map(str, header["passes"])))
        self._worker.create_session(str(header["session"]), settings)
        return {"incarnation": self._worker.incarnation}, []

    def _delete_session(self, header: Any, tensors: Any, call: Any) -> Any:
        self._worker.delete_session(str(header["session"]))
        return {}, []

    def _register(self, header: Any, tensors: Any, call: Any) -> Any:
        stage, route = from_message(header, tensors)
        handle = self._worker.register(str(header["session"]), stage, route, trusted=False)
        return {"handle": handle}, []

    def _run(self, header: Any, tensors: Any, call: Any) -> Any:
        trace: Trace | None = [] if header.get("trace") else None
        fetched, returned = self._worker.run(
            header["session"],
            header["handle"],
            header["step"],
            with_dead(header, tensors),
            header.get("timeout"),
            call,
            trace,
        )
        if self._worker.keeps_nothing(header["session"], header["handle"]):
            self._buffers.give_back(tensors)
        dead, arrays = without_dead([*fetched, *returned])
        return ({"dead": dead} if dead else {}), arrays + as_arrays(trace)

    def _place(self, header: Any, specs: Specs) -> list[Any]:
        """Where the tensors of a step go: into memory that an earlier one has used."""
        return self._buffers.lease(specs)

    def _receive(self, header: Any, tensors: Any, call: Any) -> Any:
        values = self._worker.receive(header["step"], header["keys"], call.remaining())
        dead, arrays = without_dead(values)
        return {"dead": dead}, arrays

    def _cleanup(self, header: Any, tensors: Any, call: Any) -> Any:
        self._worker.cleanup(str(header["step"]))
        return {}, []

    def _cleanup_all(self, header: Any, tensors: Any, call: Any) -> Any:
        containers = header["containers"]
        self._worker.reset(None if containers is None else [str(each) for each in containers])
        return {}, []
