"""Threads in tests: what they return or raise, with a deadline, so that no test can hang."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

# Machines are slow, and tests may be paused; nothing waits this long where all is well.
DEADLINE = 120.0


class Background:
    """Runs a function in a thread of its own, which dies with the process."""

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self._function = function
        self._args = args
        self._value: Any = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._value = self._function(*self._args)
        except BaseException as error:
            self._error = error

    def result(self) -> Any:
        """What it returned; raises what it raised."""
        self._thread.join(DEADLINE)
        assert not self._thread.is_alive(), "the thread has not ended"
        if self._error is not None:
            raise self._error
        return self._value

    def error(self) -> BaseException:
        """What it raised."""
        self._thread.join(DEADLINE)
        assert not self._thread.is_alive(), "the thread has not ended"
        assert self._error is not None, f"nothing was raised, but {self._value!r} returned"
        return self._error

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._thread.is_alive()


def until(condition: Callable[[], Any], what: str) -> Any:
    """Waits until a condition holds; returns what it gave."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.005)
    raise AssertionError(f"it did not come to this: {what}")
