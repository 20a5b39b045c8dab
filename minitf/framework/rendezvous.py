"""With this module the pieces of a graph that run in several places meet: what one sends, another
receives.

A graph that runs on several tasks is cut into pieces. Where an edge was cut, one piece ends in a
Send node and another one begins with a Recv node; both know the edge by the same key. The values of
one step meet in a `Rendezvous`: whoever comes first, sender or receiver, finds the other.

>>> step = Rendezvous()
>>> step.send("a;b;w", 3.0)
>>> step.receive("a;b;w", timeout=1.0)
3.0
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from minitf.framework import errors


class Rendezvous:
    """The values of one step that are on their way from one piece to another."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._failure: errors.OpError | None = None
        self._changed = threading.Condition()

    def send(self, key: str, value: Any) -> None:
        """Leaves a value for the receiver; never waits.

        Raises:
          OpError: the step's failure, if it was aborted.
        """
        with self._changed:
            self._check()
            self._values[key] = value
            self._changed.notify_all()

    def receive(self, key: str, timeout: float | None = None, keep: bool = False) -> Any:
        """Takes a value, which may still be on its way.

        Args:
          key: the edge.
          timeout: how many seconds to wait; None for as long as the step lives.
          keep: whether another receiver may still come for it.

        Raises:
          DeadlineExceededError: if nobody sends it in time.
          OpError: the step's failure, if it is aborted, before or meanwhile.
        """
        until = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while key not in self._values:
                self._check()
                left = None if until is None else until - time.monotonic()
                if left is not None and left <= 0:
                    raise errors.DeadlineExceededError(
                        None, None, f"Nobody sent the tensor {key!r} within {timeout:g} s."
                    )
                self._changed.wait(left)
            self._check()
            return self._values[key] if keep else self._values.pop(key)

    def find(self, key: str, default: Any = None) -> Any:
        """The value if it is there, which stays; else `default`. Never waits."""
        return self._values.get(key, default)

    def abort(self, error: errors.OpError) -> None:
        """Fails all who wait, and all who come later; the first failure is the one that counts."""
        with self._changed:
            if self._failure is None:
                self._failure = error
            self._values.clear()
            self._changed.notify_all()

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    def __len__(self) -> int:
        return len(self._values)


def key_of(
    tensor_name: str, send_device: str, send_device_incarnation: int, recv_device: str
) -> str:
    """The key of an edge: the same on both sides, and another one after a restart."""
    incarnation = send_device_incarnation & (2**64 - 1)
    return f"{send_device};{incarnation:016x};{recv_device};{tensor_name};0:0"


class _Here(threading.local):
    """Where the pieces of the step that a thread runs meet."""

    def __init__(self) -> None:
        self.rendezvous: Rendezvous | None = None


_here = _Here()


@contextmanager
def meeting_at(rendezvous: Rendezvous) -> Iterator[None]:
    """Has Send and Recv kernels that run in the `with` block, in this thread, meet there."""
    outer, _here.rendezvous = _here.rendezvous, rendezvous
    try:
        yield
    finally:
        _here.rendezvous = outer


def current_rendezvous() -> Rendezvous:
    """Where the calling kernel's step meets.

    Raises:
      FailedPreconditionError: outside of a step of several pieces.
    """
    if _here.rendezvous is None:
        raise errors.FailedPreconditionError(
            None, None, "A Send or Recv runs only as a part of a step on several tasks."
        )
    return _here.rendezvous
