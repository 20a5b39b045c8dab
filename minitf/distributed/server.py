"""With this module a process becomes a task of a cluster: `tf.train.Server`.

Every task runs the same script up to here, with its own job and number. A parameter server then
only waits, and keeps variables; a worker opens a session on its own server:

    cluster = tf.train.ClusterSpec({"ps": ["a:2222"], "worker": ["b:2222", "c:2222"]})
    server = tf.train.Server(cluster, job_name="worker", task_index=0)
    with tf.device(tf.train.replica_device_setter(cluster=cluster)):
        ...                                               # build the model
    with tf.train.MonitoredTrainingSession(master=server.target, is_chief=True) as sess:
        ...                                               # train it

A server listens at its own address of the cluster and nowhere else. Other addresses than this
machine's own need a secret that all tasks know, in `MINITF_SECRET` or as an argument.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from minitf.distributed.cluster_spec import ClusterSpec
from minitf.distributed.master import Master
from minitf.distributed.peers import Peers
from minitf.distributed.permissions import Permissions
from minitf.distributed.targets import local_servers
from minitf.distributed.wire import Listener, secret_from_environment
from minitf.distributed.worker import WorkerHandlers, WorkerService
from minitf.framework import errors

_PROTOCOLS = ("grpc", "grpc+verbs", "grpc+mpi", "grpc+gdr", "minitf")


class Server:
    """A task of a cluster, in this process (mirrors `tf.train.Server`).

    Args:
      server_or_cluster_def: a `ClusterSpec` or what one is made of, or a `ServerDef`.
      job_name: the job that this process belongs to; may be left out where there is only one.
      task_index: its number in the job; may be left out where there is only one.
      protocol: accepted; tasks talk minitf's own protocol, whatever it is called.
      config: a `ConfigProto`; accepted, sessions bring their own.
      start: whether to start at once.
      allow_files: folders in which graphs of other processes may use files; see
        `minitf.distributed.permissions`.
      secret: what all tasks of the cluster know; if None, what `MINITF_SECRET` says or, as
        "@path", the file that it names.

    Raises:
      ValueError: if it does not say which task this is.
      InternalError: if the cluster has no such job or task.
      UnavailableError: if the address is in use, or is none of this machine.
      PermissionDeniedError: if others can reach the address and there is no secret.
      FailedPreconditionError: if the file that `MINITF_SECRET` names cannot be read.

    >>> import minitf as tf
    >>> server = tf.train.Server.create_local_server()
    >>> with tf.Session(server.target) as sess:
    ...     print(sess.run(tf.constant("hello")))
    b'hello'
    >>> server.stop()
    """

    def __init__(
        self,
        server_or_cluster_def: Any,
        job_name: str | None = None,
        task_index: int | None = None,
        protocol: str | None = None,
        config: Any = None,
        start: bool = True,
        *,
        allow_files: Iterable[str] | None = None,
        secret: str | bytes | None = None,
    ) -> None:
        self._cluster, self._job, self._index, self._protocol = _who(
            server_or_cluster_def, job_name, task_index, protocol
        )
        task = f"/job:{self._job}/replica:0/task:{self._index}"
        key = _secret(secret)
        fingerprint = self._cluster.fingerprint() if _is_whole(self._cluster) else ""
        self._peers = Peers(self._cluster, key, fingerprint)
        self._worker = WorkerService(task, self._peers, Permissions(allow_files))
        self.master = Master(self._cluster, self._worker, self._peers)
        from minitf.distributed.service import MasterHandlers

        self._sessions = MasterHandlers(self.master)
        handlers = {**WorkerHandlers(self._worker).methods(), **self._sessions.methods()}
        self._listener = Listener(
            self._cluster.task_address(self._job, self._index),
            handlers,
            secret=key,
            cluster=fingerprint,
            task=task.replace("/replica:0", ""),
        )
        self._started = False
        self._stopped = threading.Event()
        if start:
            self.start()

    @staticmethod
    def create_local_server(config: Any = None, start: bool = True) -> Server:
        """A cluster of this process alone, at a free port (mirrors TensorFlow's)."""
        return Server({"localhost": ["localhost:0"]}, "localhost", 0, config=config, start=start)

    @property
    def target(self) -> str:
        """What a session on this server is given: "grpc://host:port"."""
        return f"grpc://{self._listener.address}"

    @property
    def server_def(self) -> Any:
        """This server as a `ServerDef` protocol buffer."""
        from minitf.framework import protos

        return protos.ServerDef(
            cluster=self._cluster.as_cluster_def(),
            job_name=self._job,
            task_index=self._index,
            protocol=self._protocol,
        )

    def start(self) -> None:
        """Starts to listen; does nothing if it does so already.

        Raises:
          RuntimeError: if it was stopped.
        """
        if self._stopped.is_set():
            raise errors.runtime_error(
                "A server that was stopped cannot be started again: make a new one.",
                see="order-of-calls",
            )
        if not self._started:
            self._started = True
            self._listener.start()
            local_servers.add(self._listener.address, self)

    def join(self) -> None:
        """Waits until the server is stopped: for a parameter server, for ever."""
        while not self._stopped.wait(3600.0):
            pass

    def stop(self) -> None:
        """Stops: steps under way end with an error, variables are lost, `join` returns."""
        if self._stopped.is_set():
            return
        local_servers.remove(self._listener.address)
        self._sessions.close()
        self._worker.end("The server was stopped")
        self._listener.stop()
        self._peers.close()
        self._stopped.set()


def _who(
    cluster: Any, job: str | None, index: int | None, protocol: str | None
) -> tuple[ClusterSpec, str, int, str]:
    """The cluster, and which of its tasks to be."""
    if getattr(getattr(cluster, "DESCRIPTOR", None), "name", "") == "ServerDef":
        job = cluster.job_name if job is None else job
        index = cluster.task_index if index is None else index
        protocol = protocol or cluster.protocol
        cluster = cluster.cluster
    spec = ClusterSpec(cluster)
    if job is None:
        if len(spec.jobs) != 1:
            raise errors.value_error(
                "Must specify an explicit `job_name`: the cluster has the jobs "
                f"{', '.join(spec.jobs) or '(none)'}.",
                see="clusters",
            )
        job = spec.jobs[0]
    if job not in spec.jobs:
        raise errors.InternalError(None, None, f'Job "{job}" was not defined in cluster {spec}')
    if index is None:
        if spec.num_tasks(job) != 1:
            raise errors.value_error(
                f"Must specify an explicit `task_index`: job {job!r} has {spec.num_tasks(job)} "
                "tasks.",
                see="clusters",
            )
        index = spec.task_indices(job)[0]
    if index not in spec.task_indices(job):
        raise errors.InternalError(None, None, f'Task {index} was not defined in job "{job}"')
    if protocol and protocol not in _PROTOCOLS:
        raise errors.NotFoundError(
            None,
            None,
            f"No server factory registered for the given ServerDef: protocol {protocol!r}.",
        )
    return spec, job, int(index), protocol or "grpc"


def _secret(secret: str | bytes | None) -> bytes | None:
    """What all tasks know; None where nothing is known, as the empty text is no secret."""
    if secret is None:
        return secret_from_environment()
    return (secret.encode() if isinstance(secret, str) else secret) or None


def _is_whole(cluster: ClusterSpec) -> bool:
    """Whether all tasks can be expected to know the same cluster: no numbers are left out, as
    where a worker knows only itself and the parameter servers.
    """
    return all(None not in cluster.job_tasks(job) for job in cluster.jobs)
