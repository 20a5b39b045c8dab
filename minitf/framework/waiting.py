"""With this module a kernel can wait for what another run does, and still be called off.

A dequeue waits for an enqueue, which comes from another thread. It must not wait for ever: the
session may be closed meanwhile, the run's deadline may pass, the user may press Ctrl-C. So every
run whose program has such a kernel is a `Run`, and the kernel waits through it:

    with condition:
        current_run().wait(condition, lambda: bool(elements), lambda: "an element of the queue")

Whoever changes what is waited for notifies the condition, as always. No lock but the condition's
own is held by a thread that waits here, and that one is released meanwhile.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from minitf.framework import errors

# After so many seconds a warning says what is waited for.
_LONG = 60.0

_log = logging.getLogger("tensorflow")


class Run:
    """One run of a program, as far as its waiting goes.

    Args:
      timeout: after how many seconds its kernels wait no longer; None for as long as it takes.

    Attributes:
      thread: the thread that it was made in.
    """

    def __init__(self, timeout: float | None = None) -> None:
        self._timeout = timeout
        self._started = time.monotonic()
        self.thread = threading.get_ident()
        self._called_off = ""
        self._waiting_on: set[threading.Condition] = set()
        self._to_call: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    def wait(
        self,
        condition: threading.Condition,
        ready: Callable[[], bool],
        what: Callable[[], str],
        remark: bool = False,
    ) -> None:
        """Waits until `ready()`.

        Args:
          condition: is held by the caller, and notified when `ready()` may have changed.
          ready: what is waited for.
          what: says what is waited for, and what there is instead, for the message of an error.
          remark: whether a warning is to say so when it takes long, since more often than not
            something was forgotten.

        Raises:
          CancelledError: if the run is called off.
          DeadlineExceededError: if its time is up.
        """
        if ready():
            return
        begun = time.monotonic()
        with self._lock:
            self._waiting_on.add(condition)
        try:
            while not ready():
                if self._called_off:
                    raise errors.CancelledError(
                        None, None, f"{self._called_off}, while it waited for {what()}"
                    )
                left = self.left()
                if left is not None and left <= 0:
                    raise errors.DeadlineExceededError(
                        None,
                        None,
                        f"Timed out waiting for notification: after {self._timeout:g} s this run "
                        f"still waited for {what()}",
                    )
                if remark and time.monotonic() - begun >= _LONG:
                    remark = False
                    _log.warning("A run has waited for %.0f s by now for %s", _LONG, what())
                condition.wait(left if not remark else min(_LONG, left or _LONG))
        finally:
            with self._lock:
                self._waiting_on.discard(condition)

    def left(self) -> float | None:
        """How many seconds its kernels may still wait; None for as long as it takes."""
        if self._timeout is None:
            return None
        return self._started + self._timeout - time.monotonic()

    def call_off(self, why: str) -> None:
        """Ends the waiting of this run, now and in future, with a CancelledError.

        Args:
          why: a clause for the message, such as "The session was closed".
        """
        with self._lock:
            self._called_off = why
            conditions = list(self._waiting_on)
            callbacks = list(self._to_call)
        for condition in conditions:
            with condition:
                condition.notify_all()
        for callback in callbacks:
            callback()

    @contextmanager
    def when_called_off(self, callback: Callable[[], None]) -> Iterator[None]:
        """Has `callback` called if the run is called off during the `with` block, or was before."""
        with self._lock:
            self._to_call.append(callback)
            called_off = bool(self._called_off)
        if called_off:
            callback()
        try:
            yield
        finally:
            with self._lock:
                self._to_call.remove(callback)


class Runs:
    """The runs of a session that are under way and may wait."""

    def __init__(self) -> None:
        self._under_way: set[Run] = set()
        self._ended = ""
        self._lock = threading.Lock()

    @contextmanager
    def one(self, timeout: float | None = None) -> Iterator[Run]:
        """A run of this thread, for as long as the `with` block takes."""
        run = Run(timeout)
        with self._lock:
            self._under_way.add(run)
            if self._ended:
                run.call_off(self._ended)
        outer, _here.run = _here.run, run
        try:
            yield run
        finally:
            _here.run = outer
            with self._lock:
                self._under_way.discard(run)

    def call_off(self, threads: set[int], why: str) -> None:
        """Calls off the runs that are under way in some threads."""
        with self._lock:
            runs = [run for run in self._under_way if run.thread in threads]
        for run in runs:
            run.call_off(why)

    def end(self, why: str) -> None:
        """Calls off all runs, also those that begin later."""
        with self._lock:
            self._ended = why
            runs = list(self._under_way)
        for run in runs:
            run.call_off(why)


class _Here(threading.local):
    """The run that a thread is in; outside of any, one that nobody calls off."""

    def __init__(self) -> None:
        self.run = Run()


_here = _Here()


def current_run() -> Run:
    """The run that the calling kernel belongs to."""
    return _here.run
