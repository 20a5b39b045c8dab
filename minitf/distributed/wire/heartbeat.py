"""With this module a process notices that another one has stopped, although nothing has broken.

A process that is stopped, or a machine that is gone, breaks no connection: whoever waits for its
answer may wait long. So each is asked for a sign of life all the time, over a connection of its
own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType

from minitf.distributed.wire import failures
from minitf.distributed.wire.channel import Cancellation, Channel
from minitf.framework import errors

# So many seconds, at most, for the answer to a question that is put again.
_SECOND_CHANCE = 3.0

Lost = Callable[[str, errors.OpError], None]


class Heartbeats:
    """Asks the listeners of some channels for signs of life, and ends the calls to a silent one.

    A listener that has not come up yet is not lost: who waits for it has a deadline.

    Args:
      channels: what to ask through, by the names that messages give them.
      lost: called with a name and the error when one falls silent, after its calls were ended;
        once, until it has answered again. From another thread.
      interval: seconds between two questions.
      patience: seconds of silence that are borne.

    Used in a `with` statement, it asks as long as that lasts.
    """

    def __init__(
        self,
        channels: Mapping[str, Channel],
        lost: Lost | None = None,
        *,
        interval: float = 1.0,
        patience: float = 5.0,
    ) -> None:
        self._lost = lost
        self._interval = interval
        self._patience = patience
        self._stopping = threading.Event()
        self._cancellation = {name: Cancellation() for name in channels}
        self._silent: dict[str, float] = {}
        self._threads = [
            threading.Thread(
                target=self._ask, args=(name, channel), name=f"minitf asks {name}", daemon=True
            )
            for name, channel in channels.items()
        ]

    def start(self) -> Heartbeats:
        """Begins to ask."""
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        """Stops asking."""
        self._stopping.set()
        for cancellation in self._cancellation.values():
            cancellation.cancel()
        for thread in self._threads:
            thread.join(5.0)

    def silent(self) -> dict[str, float]:
        """The names of those that do not answer, with the seconds since they last did."""
        now = time.monotonic()
        return {name: now - since for name, since in list(self._silent.items())}

    def __enter__(self) -> Heartbeats:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _ask(self, name: str, channel: Channel) -> None:
        while not self._stopping.wait(self._interval):
            try:
                self._ping(name, channel)
                self._silent.pop(name, None)
            except errors.CancelledError:
                return
            except errors.OpError as error:
                if channel.last_heard is not None and name not in self._silent:
                    self._silent[name] = channel.last_heard
                    self._report(name, channel, error)

    def _ping(self, name: str, channel: Channel) -> None:
        """Asks once; and once more, in case it was this process that was stopped for a while."""
        cancellation = self._cancellation[name]
        try:
            channel.call("_ping", deadline=self._patience, cancellation=cancellation)
        except errors.DeadlineExceededError:
            deadline = min(self._patience, _SECOND_CHANCE)
            channel.call("_ping", deadline=deadline, cancellation=cancellation)

    def _report(self, name: str, channel: Channel, cause: errors.OpError) -> None:
        since = self._silent[name]
        error = errors.UnavailableError(
            None,
            None,
            errors.report(
                f"{channel.where} does not answer any more.",
                facts=f"silent since {failures.clock(since)}, for "
                f"{time.monotonic() - since:.1f} s; {cause.message.partition(chr(10))[0]}",
                do="is that process stopped, or its machine gone?",
            ),
        )
        channel.abort(error)
        if self._lost is not None:
            self._lost(name, error)
