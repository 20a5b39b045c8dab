"""With this module a session finds the server that its target names.

A target is "grpc://host:port", as TensorFlow spells it. Where that server runs in this very
process, as a worker's own does, nothing is sent: the session's graph is the master's graph.
"""

from __future__ import annotations

import threading
from typing import Any

from minitf.framework import errors

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})


def address_of(target: str) -> str:
    """The address in a target: "host:port".

    Raises:
      NotFoundError: if it is no target that minitf knows.
    """
    scheme, _, address = target.partition("://")
    host, _, port = address.rpartition(":")
    if scheme not in ("grpc", "minitf") or not host or not port.isdigit():
        raise errors.NotFoundError(
            None,
            None,
            errors.report(
                f"No session factory registered for the given session options: {{target: "
                f"{target!r}}}.",
                do='a target is "" for this process, or server.target, like '
                '"grpc://localhost:2222".',
            ),
        )
    return address


class _LocalServers:
    """The servers of this process that listen, by address."""

    def __init__(self) -> None:
        self._by_address: dict[str, Any] = {}
        self._lock = threading.Lock()

    def add(self, address: str, server: Any) -> None:
        """Remembers a server."""
        with self._lock:
            self._by_address[_canonical(address)] = server

    def remove(self, address: str) -> None:
        """Forgets a server."""
        with self._lock:
            self._by_address.pop(_canonical(address), None)

    def find(self, address: str) -> Any:
        """The server at this address, if it is in this process; else None."""
        return self._by_address.get(_canonical(address))


def _canonical(address: str) -> str:
    host, _, port = address.rpartition(":")
    return f"{'localhost' if host in LOCAL_HOSTS else host}:{port}"


local_servers = _LocalServers()
