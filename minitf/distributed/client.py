"""With this module a session runs on a server: `tf.Session("grpc://host:port")`."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import asdict
from typing import Any

import numpy as np

from minitf.distributed.cluster_spec import ClusterSpec
from minitf.distributed.master import MasterSession, Options, with_line
from minitf.distributed.peers import Peers
from minitf.distributed.piece import Trace
from minitf.distributed.targets import address_of, local_servers
from minitf.distributed.wire import secret_from_environment
from minitf.framework import errors
from minitf.framework.graph import Graph
from minitf.framework.tensor import Tensor
from minitf.framework.waiting import current_run
from minitf.runtime.prune import prune

_TARGET = "/job:target/replica:0/task:0"
_QUICK_SECONDS = 10.0


def connect(target: str, graph: Graph, config: Any) -> LocalMasterSession | RemoteSession:
    """What runs a session's steps on a server.

    Raises:
      NotFoundError: if the target is none.
    """
    address = address_of(target)
    server = local_servers.find(address)
    options = Options.of(config)
    if server is not None:
        return LocalMasterSession(server.master, graph, options, trusted=True)
    return RemoteSession(address, graph, options)


def reset(target: str, containers: list[str] | None) -> None:
    """Clears resource containers of all tasks of a server's cluster, and ends its sessions."""
    address = address_of(target)
    server = local_servers.find(address)
    if server is not None:
        server.master.reset(containers)
        return
    peers = _peers(address)
    try:
        peers.call(_TARGET, "Reset", {"containers": containers}, timeout=60.0)
    finally:
        peers.close()


def _peers(address: str) -> Peers:
    cluster = ClusterSpec({"target": [address]})
    return Peers(cluster, secret_from_environment(), "", check_task=False)


class LocalMasterSession(MasterSession):
    """A session on a server of this very process: its graph is the master's."""

    def pieces(self, fetches: list[Any], feeds: list[Tensor]) -> dict[str, Graph]:
        """The graphs of the stages that a run is cut into, by name."""
        return {stage.name: stage.graph for stage in self.program(fetches, feeds).stages()}

    def list_devices(self) -> list[str]:
        """The names of all devices that the session can use."""
        return self.devices


class RemoteSession:
    """A session on a server of another process.

    Args:
      address: where that is.
      graph: the graph, of which the server is sent what it does not have.
      options: see `Options`.
    """

    def __init__(self, address: str, graph: Graph, options: Options) -> None:
        self._graph = graph
        self._options = asdict(options)
        self._peers = _peers(address)
        self._name = ""
        self._version = 0
        self._mutations = 0
        self._lock = threading.Lock()

    def call(self, method: str, header: dict[str, Any], arrays: Any = (), **more: Any) -> Any:
        """Calls a method of the master."""
        return self._peers.call(_TARGET, method, header, arrays, **more)

    def program(self, fetches: list[Any], feeds: list[Tensor]) -> RemoteProgram:
        """What computes some fetches from some feeds."""
        return RemoteProgram(self, fetches, feeds)

    def pieces(self, fetches: list[Any], feeds: list[Tensor]) -> dict[str, Graph]:
        """They are cut on the server: this is the graph that it has."""
        return {str(self._peers.address(_TARGET)): self._graph}

    def send_graph(self) -> str:
        """Brings the server's copy of the graph up to date; returns the session's name."""
        with self._lock, self._graph._lock:
            version, mutations = self._graph.version, self._graph._mutations
            if self._name and (version, mutations) == (self._version, self._mutations):
                return self._name
            replace = mutations != self._mutations
            since = None if replace or not self._name else self._version
            data = self._graph.as_graph_def(from_version=since).SerializeToString()
            arrays = [np.frombuffer(data, np.uint8)]
            timeout = current_run().left()
            if not self._name:
                options: dict[str, Any] = {"options": self._options}
                reply = self.call("CreateSession", options, arrays, timeout=timeout)
                self._name = str(reply.header["session"])
            else:
                header = {"session": self._name, "replace": replace}
                self.call("ExtendSession", header, arrays, timeout=timeout)
            self._version, self._mutations = version, mutations
            return self._name

    def list_devices(self) -> list[str]:
        """The names of all devices that the session can use."""
        header = {"options": self._options}
        reply = self.call("ListDevices", header, timeout=self._peers.connect_seconds)
        return [str(name) for name in reply.header["devices"]]

    def close(self) -> None:
        """Ends the session; variables stay at their tasks."""
        if self._name:
            with contextlib.suppress(errors.OpError):  # if it is gone, the session is, too
                self.call("CloseSession", {"session": self._name}, timeout=_QUICK_SECONDS)
        self._peers.close()


class RemoteProgram:
    """What computes some fetches from some feeds, on another process's server."""

    may_wait = True

    def __init__(self, session: RemoteSession, fetches: list[Any], feeds: list[Tensor]) -> None:
        self._session = session
        self._fetches = [fetch.name for fetch in fetches]
        self._feeds = [tensor.name for tensor in feeds]
        self._graph = session._graph
        self.ops = prune(fetches, set(feeds))
        self._versions = {op: op._version for op in self.ops}

    def is_current(self) -> bool:
        """Whether no node of this program was changed since it was made."""
        return all(op._version == version for op, version in self._versions.items())

    def run(self, fed_values: list[Any], trace: Trace | None = None) -> list[Any]:
        """Computes the fetches: an array for each tensor, None for each operation.

        Args:
          fed_values: of the feeds, in their order.
          trace: to be told what ran at the tasks.

        Raises:
          OpError: what went wrong on the server, with the user's own operation.
        """
        left = current_run().left()
        try:
            reply = self._session.call(
                "RunStep",
                {
                    "session": self._session.send_graph(),
                    "fetches": self._fetches,
                    "feeds": self._feeds,
                    "timeout": left,
                    "trace": trace is not None,
                },
                [np.asarray(value) for value in fed_values],
                timeout=None if left is None else left + 2.0,
                find_op=self._graph._nodes.get,
            )
        except errors.OpError as error:
            raise type(error)(None, error.op, with_line(error.message, error.op)) from error
        count = len(self._fetches) - len(reply.header["operations"])
        values: list[Any] = [v[()] if v.ndim == 0 else v for v in reply.tensors[:count]]
        if trace is not None:
            trace += [part.tobytes() for part in reply.tensors[count:]]
        for number in reply.header["operations"]:
            values.insert(number, None)
        return values

    def explain(self, shapes: Any = None) -> str:
        """The nodes are cut on the server: open the session there to see them."""
        return "\n".join(f"{op.name} = {op.type}" for op in self.ops)
