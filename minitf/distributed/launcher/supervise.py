"""With this module a cluster is started, looked after, and stopped when its workers are done."""

from __future__ import annotations

import contextlib
import queue
import signal
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from minitf.distributed.launcher.console import Console
from minitf.distributed.launcher.process import OnEnd, OnLine, describe_exit
from minitf.distributed.launcher.tasks import Task, tasks_of

_TAIL = 20  # lines of a failed task that are shown again
_TICK = 0.2  # seconds between two looks


class Running(Protocol):
    """A task that has been started."""

    def signal(self, number: int) -> None:
        """Sends a signal to it."""


class Engine(Protocol):
    """What runs tasks: this machine, or a Ray cluster."""

    def place(self, counts: Mapping[str, int]) -> dict[str, list[str]]:
        """Chooses addresses; may be asked again, after a task has ended, and give others."""

    def start(self, task: Task, command: Sequence[str], on_line: OnLine, on_end: OnEnd) -> Running:
        """Starts a task."""

    def close(self) -> None:
        """Ends what is left."""


@dataclass
class _State:
    """How a task is."""

    running: Running | None = None
    code: int | None = None
    started: float = 0.0
    seconds: float = 0.0  # how long it ran
    run: int = 0  # how often it has been started
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=_TAIL))


class Supervisor:
    """Starts the tasks of a cluster and looks after them.

    The cluster is done when all workers are; parameter servers are stopped then. When a task fails
    it is started again, as long as there are restarts left, and otherwise everything is stopped.

    Args:
      engine: what runs the tasks.
      counts: how many tasks each job has.
      command: what a task's process runs, after the name of the Python program.
      console: where lines go.
      restarts: how many failures are borne.
      grace: seconds that a task has to end when it is told to, before it is killed.
      also: gets each line too, with the task's name.
    """

    def __init__(
        self,
        engine: Engine,
        counts: Mapping[str, int],
        command: Callable[[Task], Sequence[str]],
        console: Console,
        *,
        restarts: int = 0,
        grace: float = 5.0,
        also: Callable[[str, str], None] | None = None,
    ) -> None:
        self._engine = engine
        self._counts = counts
        self._command = command
        self._console = console
        self._restarts = restarts
        self._grace = grace
        self._also = also
        self._start_time = time.monotonic()
        self._cluster: dict[str, list[str]] = {}
        self._states: dict[str, _State] = {}
        self._ends: queue.SimpleQueue[tuple[str, int, int]] = queue.SimpleQueue()

    def run(self) -> int:
        """Runs the cluster to its end.

        Returns:
          0, or the exit code of the task that failed first; 130 after Ctrl-C.
        """
        try:
            self._cluster = self._engine.place(self._counts)
            tasks = tasks_of(self._cluster)
            self._states = {task.name: _State() for task in tasks}
            for task in tasks:
                self._start(task)
            failed = self._look_after()
            if failed is not None:
                self._stop(signal.SIGTERM)
                self._report(failed)
                code = self._states[failed].code or 1
                return code if code > 0 else 128 - code
            self._stop(signal.SIGTERM)
            return 0
        except KeyboardInterrupt:
            self._console.note("stopping; Ctrl-C once more kills what is left.")
            with contextlib.suppress(KeyboardInterrupt):
                self._stop(signal.SIGINT)
            return 130
        finally:
            self._console.status("")
            for state in self._states.values():
                if state.running is not None and state.code is None:
                    state.running.signal(signal.SIGKILL)

    def _start(self, task: Task) -> None:
        state = self._states[task.name]
        state.code, state.started, state.run = None, time.monotonic(), state.run + 1
        run = state.run
        state.tail.clear()

        def on_line(text: str) -> None:
            state.tail.append(text)
            self._console.line(task.name, text)
            if self._also is not None:
                self._also(task.name, text)

        def on_end(code: int) -> None:
            self._ends.put((task.name, run, code))

        state.running = self._engine.start(task, self._command(task), on_line, on_end)

    def _look_after(self) -> str | None:
        """Waits until all workers are done; returns the task that failed for good, if one did."""
        while any(state.code is None for name, state in self._states.items() if not _serves(name)):
            if self._console.closed:
                raise KeyboardInterrupt
            ended = self._next_end(_TICK)
            if ended is None:
                continue
            code = self._states[ended].code
            if code == 0:
                continue
            if self._restarts <= 0:
                return ended
            self._restarts -= 1
            self._console.note(
                f"{ended} failed ({describe_exit(code or 0)}) and is started again; "
                f"restarts left: {self._restarts}."
            )
            self._start_again(ended)
        return None

    def _start_again(self, name: str) -> None:
        """Starts a task again; and all others too, where their addresses have changed."""
        cluster = self._engine.place(self._counts)
        if cluster != self._cluster:
            self._console.note("addresses have changed: all tasks are started again.")
            self._stop(signal.SIGTERM)
            self._cluster = cluster
        for task in tasks_of(self._cluster):
            state = self._states[task.name]
            if state.code is not None and (state.code != 0 or task.name == name):
                self._start(task)

    def _next_end(self, seconds: float) -> str | None:
        """The name of a task that has ended, if one does in so many seconds."""
        self._console.status(self._summary())
        try:
            name, run, code = self._ends.get(timeout=seconds)
        except queue.Empty:
            return None
        state = self._states[name]
        if run != state.run:
            return None
        state.code, state.seconds = code, time.monotonic() - state.started
        return name

    def _stop(self, number: int) -> None:
        """Has all tasks end: first they are told to, and after the grace they are killed."""
        for name, state in self._states.items():
            if state.running is not None and state.code is None:
                # A parameter server has nothing to finish, and would only show a traceback.
                state.running.signal(signal.SIGTERM if _serves(name) else number)
        end = time.monotonic() + self._grace
        killed = False
        while any(state.code is None for state in self._states.values() if state.running):
            self._next_end(_TICK)
            if time.monotonic() > end:
                if killed:
                    break  # not even SIGKILL helps: it is in the hands of the system
                killed, end = True, time.monotonic() + self._grace
                for state in self._states.values():
                    if state.running is not None and state.code is None:
                        state.running.signal(signal.SIGKILL)

    def _report(self, name: str) -> None:
        state = self._states[name]
        self._console.status("")
        self._console.note(
            f"{name} failed: {describe_exit(state.code or 0)}, after {state.seconds:.1f} s. "
            + ("Its last lines:" if state.tail else "It wrote nothing.")
        )
        for text in list(state.tail):
            self._console.line(name, text)

    def _summary(self) -> str:
        """One line: how many tasks of each job run, and how many are done."""
        parts = []
        for job in self._cluster:
            states = [s for name, s in self._states.items() if name.partition(" ")[0] == job]
            running = sum(state.code is None for state in states)
            done = sum(state.code == 0 for state in states)
            parts.append(f"{job}: {running} running" + (f", {done} done" if done else ""))
        minutes, seconds = divmod(int(time.monotonic() - self._start_time), 60)
        return f"minitf: {'; '.join(parts)}; {minutes}:{seconds:02d}"


def _serves(name: str) -> bool:
    return name.startswith("ps ")
