"""With this module a listener executes each call once, however often it is sent.

A connection may break after a call was sent and before its answer came: then the caller does not
know whether it was executed, and sends it again over a new connection. The listener remembers the
calls of each client by their numbers, together with their answers, until the client says that it
has them: every request names the lowest number for which the client still waits.

The answers are kept as they were given, not copied: an array in one of them that changes in the
meantime is sent as it is then.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from minitf.distributed.wire.frame import Kind
from minitf.distributed.wire.interface import Array, Header
from minitf.framework import errors

# Clients that have no connection are remembered so long, and so many of them.
_SECONDS = 600.0
_CLIENTS = 1024
_NEVER = 1 << 64  # higher than any number of a request


@dataclass
class Answer:
    """What is sent back."""

    kind: Kind
    header: Header
    tensors: Sequence[Array] = ()


class RememberedCall:
    """A call, under way or answered; it is the `Call` that its handler is given.

    Attributes:
      answer: what it came to, or None while it is under way.
      abandoned: since when no connection waits for it, or None.
    """

    def __init__(self, client: str, peer: str, until: float, changed: threading.Condition) -> None:
        self.client = client
        self.peer = peer
        self.answer: Answer | None = None
        self.abandoned: float | None = None
        self._waiting = 0
        self._until = until
        self._lock = changed  # one for all calls of a client: it is held for moments
        self._cancelled = False
        self._callbacks: list[Callable[[], None]] = []

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self._cancelled

    def remaining(self) -> float:
        """The seconds until the caller stops waiting."""
        return max(0.0, self._until - time.monotonic())

    def on_cancel(self, callback: Callable[[], None]) -> None:
        """Has `callback` called once nobody waits for the answer any more."""
        with self._lock:
            if not self._cancelled:
                self._callbacks.append(callback)
                return
        callback()

    def cancel(self) -> None:
        """Tells the handler that nobody waits, unless it is done."""
        with self._lock:
            if self._cancelled or self.answer is not None:
                return
            self._cancelled = True
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def join(self) -> None:
        """One more connection waits for the answer."""
        with self._lock:
            self._waiting += 1
            self.abandoned = None

    def leave(self) -> None:
        """One connection less does."""
        with self._lock:
            self._waiting -= 1
            if self._waiting == 0 and self.answer is None:
                self.abandoned = time.monotonic()

    def finish(self, answer: Answer) -> None:
        """Gives the answer to all who wait for it."""
        with self._lock:
            self.answer = answer
            self.abandoned = None
            self._callbacks = []
            self._lock.notify_all()

    def wait(self) -> Answer | None:
        """The answer, or None if the caller's deadline passes first."""
        with self._lock:
            self._lock.wait_for(lambda: self.answer is not None, self.remaining())
            return self.answer


@dataclass
class _Client:
    lowest: int = 0
    is_whole: bool = True  # no call that it has made here was ever forgotten with it
    connections: int = 0
    left: float = 0.0
    calls: dict[int, RememberedCall] = field(default_factory=dict)
    changed: threading.Condition = field(default_factory=threading.Condition)


class Memory:
    """The calls of all clients."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clients: OrderedDict[str, _Client] = OrderedDict()
        self._has_forgotten = False

    @contextlib.contextmanager
    def connection(self, client: str, is_first: bool = False) -> Iterator[None]:
        """Counts one of the client's connections as long as the `with` statement lasts.

        Args:
          client: its incarnation.
          is_first: whether it was never here before, so that nothing of it can be forgotten.
        """
        with self._lock:
            record = self._record(client)
            record.connections += 1
            record.is_whole |= is_first
        try:
            yield
        finally:
            with self._lock:
                record.connections -= 1
                record.left = time.monotonic()
                self._clients.move_to_end(client)

    def begin(
        self, client: str, request: int, lowest: int, retried: bool, peer: str, until: float
    ) -> tuple[RememberedCall, bool]:
        """The call of that number, and whether it is new.

        Args:
          client: the caller's incarnation.
          request: the number.
          lowest: the lowest number for which the client still waits.
          retried: whether the request may have been sent before.
          peer: where the caller is.
          until: the caller's deadline.

        Raises:
          AbortedError: if it is no longer known whether the call was executed.
        """
        dropped: list[RememberedCall] = []
        with self._lock:
            record = self._record(client)
            if lowest > record.lowest:
                record.lowest = lowest
                old = [number for number in record.calls if number < lowest]
                dropped = [record.calls.pop(number) for number in old]
            call = record.calls.get(request)
            if call is None and request >= record.lowest and (record.is_whole or not retried):
                call = record.calls[request] = RememberedCall(client, peer, until, record.changed)
                new = True
            else:
                new = False
        for old_call in dropped:
            old_call.cancel()
        if call is None:
            raise errors.AbortedError(
                None, None, "It is not known any more whether this call was executed."
            )
        return call, new

    def _record(self, client: str) -> _Client:
        """What is known of a client; it may be new, or have been forgotten."""
        record = self._clients.get(client)
        if record is None:
            record = self._clients[client] = _Client(is_whole=not self._has_forgotten)
        return record

    def find(self, client: str, request: int) -> RememberedCall | None:
        """The call of that number, if it is remembered."""
        with self._lock:
            record = self._clients.get(client)
            return record.calls.get(request) if record is not None else None

    def forget(self, client: str) -> None:
        """Drops the calls of a client that has said good-bye; copies that are late are refused."""
        with self._lock:
            record = self._record(client)
            calls, record.calls = list(record.calls.values()), {}
            record.lowest = _NEVER
        for call in calls:
            call.cancel()

    def forget_old(self) -> None:
        """Drops clients that have had no connection for long, and the oldest of too many."""
        with self._lock:
            gone = [name for name, record in self._clients.items() if record.connections <= 0]
            limit = time.monotonic() - _SECONDS
            excess = len(gone) - _CLIENTS
            for index, name in enumerate(gone):
                record = self._clients[name]
                busy = any(call.answer is None for call in record.calls.values())
                if not busy and (index < excess or record.left < limit):
                    del self._clients[name]
                    self._has_forgotten = True

    def cancel_all(self) -> None:
        """Tells every handler that nobody waits."""
        with self._lock:
            calls = [call for record in self._clients.values() for call in record.calls.values()]
        for call in calls:
            call.cancel()

    def __len__(self) -> int:
        return len(self._clients)
