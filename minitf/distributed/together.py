"""With this module several calls run at once, and end together: in success or in one error.

>>> run_together([lambda: 1, lambda: 2])
[1, 2]
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from minitf.framework import errors
from minitf.framework.waiting import Run, Runs, current_run

T = TypeVar("T")

# Idle threads end after so many seconds.
_IDLE_SECONDS = 30.0


class _Threads:
    """Threads that run functions: as many as there are functions to run, kept for a while."""

    def __init__(self) -> None:
        self._waiting: list[queue.SimpleQueue[Callable[[], None]]] = []
        self._lock = threading.Lock()

    def start(self, function: Callable[[], None]) -> None:
        """Runs a function in a thread of its own, which does not keep the process alive."""
        with self._lock:
            inbox = self._waiting.pop() if self._waiting else None
        if inbox is None:
            inbox = queue.SimpleQueue()
            threading.Thread(
                target=self._work, args=(inbox,), name="minitf step", daemon=True
            ).start()
        inbox.put(function)

    def _work(self, inbox: queue.SimpleQueue[Callable[[], None]]) -> None:
        while True:
            try:
                function = inbox.get(timeout=_IDLE_SECONDS)
            except queue.Empty:
                with self._lock:
                    if inbox in self._waiting:  # nobody has chosen it meanwhile
                        self._waiting.remove(inbox)
                        return
                continue
            function()
            with self._lock:
                self._waiting.append(inbox)


_THREADS = _Threads()


class _Together:
    """Calls under way at once: the first failure calls the others off."""

    def __init__(self, count: int) -> None:
        self.results: list[Any] = [None] * count
        self._failures: list[BaseException] = []
        self._running = count
        self._runs: list[Run] = []
        self._changed = threading.Condition()

    def run(self, number: int, call: Callable[[], Any], timeout: float | None) -> None:
        """Runs one of the calls in this thread, as a run of its own."""
        try:
            with Runs().one(timeout) as run:
                with self._changed:
                    self._runs.append(run)
                    failed = bool(self._failures)
                if failed:
                    run.call_off("Another part of the step failed")
                self.results[number] = call()
        except BaseException as error:
            with self._changed:
                self._failures.append(error)
            self.call_off("Another part of the step failed")
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def call_off(self, why: str) -> None:
        """Ends the waiting of all of them."""
        with self._changed:
            runs = list(self._runs)
        for run in runs:
            run.call_off(why)

    def finish(self) -> None:
        """Waits until all have ended; raises what went wrong first.

        Raises:
          BaseException: the first failure; one that tells more than that a call was called off.
        """
        with self._changed:
            while self._running:
                self._changed.wait()
        if self._failures:
            telling = [e for e in self._failures if not isinstance(e, errors.CancelledError)]
            raise (telling or self._failures)[0]


def run_together(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Runs functions at once, the first in this thread; returns what they return.

    Raises:
      BaseException: the first failure; then the others have been called off.
    """
    if len(calls) == 1:
        return [calls[0]()]
    outer = current_run()
    group = _Together(len(calls))
    with outer.when_called_off(lambda: group.call_off("The step was called off")):
        for number, call in enumerate(calls[1:], start=1):
            _THREADS.start(lambda n=number, c=call: group.run(n, c, outer.left()))  # type: ignore[misc]
        group.run(0, calls[0], outer.left())
        group.finish()
    return group.results


def in_background(call: Callable[[], Any]) -> None:
    """Runs a function in another thread; nobody minds whether a server can be reached for it."""

    def run() -> None:
        with contextlib.suppress(errors.OpError):
            call()

    _THREADS.start(run)
