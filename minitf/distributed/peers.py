"""With this module a task reaches the other tasks of its cluster.

A channel to each is made when it is first needed: a worker of parameter-server training talks to
the servers and never waits for the other workers. The first call waits for a process that is not
there yet, and says for whom it waits. While a call is under way, heartbeats tell a task that works
from one that hangs.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from minitf.distributed.cluster_spec import ClusterSpec
from minitf.distributed.wire import Cancellation, Channel, Heartbeats
from minitf.distributed.wire.interface import Place, Reply
from minitf.framework import environment, errors
from minitf.framework.device import DeviceSpec
from minitf.framework.waiting import current_run

_log = logging.getLogger("minitf")

# A call without a deadline of its own: heartbeats end it when its task is gone or hangs.
_FOR_EVER = 10 * 365 * 86400.0
_HEARTBEAT_SECONDS = 2.0


class Peers:
    """The other tasks of a cluster, by name: "/job:ps/replica:0/task:0".

    Args:
      cluster: who is where.
      secret: what all tasks know.
      fingerprint: of the cluster; empty where tasks know different parts of it.
      check_task: whether a task must say that it is the one that is looked for.
    """

    def __init__(
        self,
        cluster: ClusterSpec,
        secret: bytes | None,
        fingerprint: str,
        check_task: bool = True,
    ) -> None:
        self._check_task = check_task
        self._cluster = cluster
        self._secret = secret
        self._fingerprint = fingerprint
        self._channels: dict[str, Channel] = {}
        self._met: set[str] = set()
        self._lock = threading.Lock()
        self._heartbeats: list[Heartbeats] = []
        self.connect_seconds = environment.seconds("MINITF_CONNECT_SECONDS", 600.0)
        self.silence_seconds = environment.seconds("MINITF_SILENCE_SECONDS", 30.0)

    def address(self, task: str) -> str:
        """Where a task is.

        Raises:
          NotFoundError: if the cluster has no such task.
        """
        spec = DeviceSpec.from_string(task)
        try:
            return self._cluster.task_address(str(spec.job), int(spec.task or 0))
        except ValueError as error:
            raise errors.NotFoundError(None, None, f"{task} is no task here: {error}") from None

    def channel(self, task: str) -> Channel:
        """The channel to a task; nothing is connected yet."""
        found = self._channels.get(task)
        if found is None:
            address = self.address(task)
            with self._lock:
                found = self._channels.get(task)
                if found is None:
                    name = task.replace("/replica:0", "") if self._check_task else ""
                    found = self._channels[task] = Channel(
                        address,
                        secret=self._secret,
                        cluster=self._fingerprint,
                        task=name,
                        local=environment.switch("MINITF_UNIX", True),
                    )
        return found

    def call(
        self,
        task: str,
        method: str,
        header: dict[str, Any],
        tensors: Sequence[Any] = (),
        *,
        timeout: float | None = None,
        into: Place | None = None,
        find_op: Callable[[str], Any] | None = None,
    ) -> Reply:
        """Calls a method of a task.

        Args:
          timeout: the longest to wait; None for as long as the task shows signs of life.

        Raises:
          UnavailableError: if the task is gone, or has shown no sign of life for long.
          DeadlineExceededError: if there is no answer in time.
          CancelledError: if the run that this thread is in is called off.
          OpError: what the method raised.
        """
        channel = self.channel(task)
        if task not in self._met:
            self._meet(task, channel, timeout)
        cancellation = Cancellation()
        with current_run().when_called_off(cancellation.cancel):
            return channel.call(
                method,
                header,
                tensors,
                deadline=_FOR_EVER if timeout is None else timeout,
                into=into,
                cancellation=cancellation,
                find_op=find_op,
            )

    def is_met(self, task: str) -> bool:
        """Whether a task has ever been reached."""
        return task in self._met

    def _meet(self, task: str, channel: Channel, timeout: float | None) -> None:
        """Waits for a task that may not have started yet."""
        left = self.connect_seconds if timeout is None else min(timeout, self.connect_seconds)
        until = time.monotonic() + left
        cancellation = Cancellation()
        with current_run().when_called_off(cancellation.cancel):
            while True:
                try:
                    seconds = min(10.0, max(until - time.monotonic(), 0.0))
                    channel.call("_ping", deadline=seconds, cancellation=cancellation)
                    break
                except errors.DeadlineExceededError:
                    if time.monotonic() >= until:
                        raise
                    _log.warning(
                        "still waiting for %s at %s, for %.0f s by now; it is waited for %.0f s",
                        task,
                        channel.address,
                        left - (until - time.monotonic()),
                        left,
                    )
        with self._lock:
            if task in self._met:
                return
            self._met.add(task)
            # A task that hangs breaks no connection: calls to it are ended when it falls silent.
            beats = Heartbeats(
                {task: channel}, interval=_HEARTBEAT_SECONDS, patience=self.silence_seconds
            )
            self._heartbeats.append(beats.start())

    def close(self) -> None:
        """Closes all channels: calls under way raise CancelledError."""
        with self._lock:
            channels, self._channels = list(self._channels.values()), {}
            heartbeats, self._heartbeats = self._heartbeats, []
        for beats in heartbeats:
            beats.stop()
        for channel in channels:
            channel.close()
