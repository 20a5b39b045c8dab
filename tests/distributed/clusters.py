"""Clusters for tests: several servers in this process, on ports that were free a moment ago."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import minitf as tf


def free_addresses(count: int) -> list[str]:
    """Addresses on this machine that nobody listens at; all different."""
    with contextlib.ExitStack() as stack:
        ports = []
        for _ in range(count):
            probe = stack.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            ports.append(probe.getsockname()[1])
    return [f"127.0.0.1:{port}" for port in ports]


def cluster_of(**jobs: int) -> tf.train.ClusterSpec:
    """A cluster on this machine: `cluster_of(ps=1, worker=2)`."""
    addresses = iter(free_addresses(sum(jobs.values())))
    return tf.train.ClusterSpec(
        {job: [next(addresses) for _ in range(count)] for job, count in jobs.items()}
    )


class Cluster:
    """Servers in this process, one for each task.

    Attributes:
      spec: the `ClusterSpec`.
      servers: by job, the servers of its tasks.
    """

    def __init__(self, **jobs: int) -> None:
        for attempt in range(5):
            self.spec = cluster_of(**jobs)
            self.servers: dict[str, list[tf.train.Server]] = {job: [] for job in jobs}
            try:
                for job, count in jobs.items():
                    for index in range(count):
                        self.servers[job].append(tf.train.Server(self.spec, job, index))
                return
            except tf.errors.UnavailableError:  # somebody took a port meanwhile
                self.stop()
                if attempt == 4:
                    raise

    def target(self, job: str = "worker", index: int = 0) -> str:
        """The target of a task's server."""
        return self.servers[job][index].target

    def setter(self, worker: int = 0) -> object:
        """The device function of a worker."""
        return tf.train.replica_device_setter(
            cluster=self.spec, worker_device=f"/job:worker/task:{worker}"
        )

    def stop(self) -> None:
        """Stops all servers."""
        for servers in self.servers.values():
            for server in servers:
                server.stop()


@contextlib.contextmanager
def cluster(**jobs: int) -> Iterator[Cluster]:
    """A `Cluster` for as long as the `with` block takes."""
    made = Cluster(**jobs)
    try:
        yield made
    finally:
        made.stop()
