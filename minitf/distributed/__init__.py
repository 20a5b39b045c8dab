"""With this package one can train on several processes and machines: parameter servers.

`cluster_spec` says who is there, `server` makes a process one of them. A session on a server runs
its graph in pieces: `partition` cuts it where it runs from task to task, `master` and `plan` run
the pieces step by step, `worker` is what a task does for them, `wire` carries tensors and calls.

Nothing of it is loaded before a session is given a target, or a script asks for a server.
"""

from __future__ import annotations

from typing import Any

from minitf.runtime import session as _session


class _Servers:
    """What sessions ask where they are given a target."""

    def connect(self, target: str, graph: Any, config: Any) -> Any:
        """What runs the steps of a session on a server."""
        from minitf.distributed import client

        return client.connect(target, graph, config)

    def reset(self, target: str, containers: list[str] | None) -> None:
        """Clears resource containers of a server's cluster."""
        from minitf.distributed import client

        client.reset(target, containers)


_session.BaseSession.servers = _Servers()
