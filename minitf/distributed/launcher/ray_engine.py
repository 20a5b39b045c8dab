"""With this module tasks run as actors of a Ray cluster, each of which starts the task's process.

Ray decides on which node an actor lives: on as many different ones as it can. It starts an actor
anew, elsewhere, when its node dies; that one has another address, so the whole cluster is started
again then, and training goes on from the last checkpoint. An actor prints what its task writes, so
that it is in Ray's logs too.

The actors talk to the process that started the cluster; the tasks talk to each other as they do
everywhere, over minitf's own wire.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import queue
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from minitf.distributed.launcher.lifeline import Lifeline
from minitf.distributed.launcher.process import OnEnd, OnLine, Process
from minitf.distributed.launcher.tasks import Task

LOST = -signal.SIGKILL  # the code of a task whose node is gone
_PATIENCE = 60.0  # seconds for Ray to find a place for an actor
_LINES = 1000  # that an actor gives out at a time


class RayProblem(Exception):
    """Ray is not there, or has no room; the message is for the person at the terminal."""


class TaskActor:
    """What Ray puts on a node: it reserves an address there, and runs a task.

    Args:
      environment: what the task gets, beside what it inherits.
      host: this node's address; None to ask Ray for it.
    """

    def __init__(self, environment: Mapping[str, str], host: str | None = None) -> None:
        if host is None:
            ray = importlib.import_module("ray")
            host = str(ray.util.get_node_ip_address())
            environment = {**environment, "MINITF_NODE": ray.get_runtime_context().get_node_id()}
        self._environment = dict(environment)
        self._tie = Lifeline()
        self._process: Process | None = None
        self._output: queue.SimpleQueue[str | int] = queue.SimpleQueue()
        self._reserved = socket.socket()
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reserved.bind((host, 0))
        self._address = f"{host}:{self._reserved.getsockname()[1]}"

    def address(self) -> str:
        """Where this actor's task will listen."""
        return self._address

    def run(self, command: Sequence[str], tf_config: str, folder: str) -> None:
        """Starts the task's process, in the folder where the cluster was started, if it is there.

        Ray's nodes need the script, and minitf, at the same path as here.
        """
        environment = {**os.environ, **self._environment, "TF_CONFIG": tf_config}
        with contextlib.suppress(OSError):
            os.chdir(folder)
        output = self._output = queue.SimpleQueue()

        def on_line(text: str) -> None:
            print(text, flush=True)
            output.put(text)

        self._process = Process(
            [sys.executable, *command], environment, self._tie, on_line, output.put
        )

    def read(self) -> list[str | int]:
        """What has come since: lines, and at the end the exit code. Waits a little for some.

        An actor that Ray has started anew has no task any more, until it is given one.
        """
        if self._process is None:
            return [LOST]
        found: list[str | int] = []
        with contextlib.suppress(queue.Empty):
            found.append(self._output.get(timeout=1.0))
            while len(found) < _LINES:
                found.append(self._output.get_nowait())
        return found

    def signal(self, number: int) -> None:
        """Sends a signal to the task's process."""
        if self._process is not None:
            self._process.signal(number)


class RayTask:
    """A task that runs in an actor, seen from here.

    Args:
      ray: the module.
      actor: where it runs.
      begun: what Ray promised when it was asked to start the task.
      on_line, on_end: as for a `Process`.
    """

    def __init__(self, ray: Any, actor: Any, begun: Any, on_line: OnLine, on_end: OnEnd) -> None:
        self._ray, self._actor, self._begun = ray, actor, begun
        self._on_line, self._on_end = on_line, on_end
        threading.Thread(target=self._follow, daemon=True).start()

    def signal(self, number: int) -> None:
        """Sends a signal to the task's process, wherever it is."""
        with contextlib.suppress(Exception):  # an actor that is gone needs none
            self._actor.signal.remote(number)

    def _follow(self) -> None:
        """Passes on what the task writes, until it ends or its node does."""
        try:
            self._ray.get(self._begun, timeout=_PATIENCE)
            while True:
                for each in self._ray.get(self._actor.read.remote(), timeout=_PATIENCE):
                    if isinstance(each, int):
                        self._on_end(each)
                        return
                    self._on_line(each)
        except Exception as error:  # Ray has many ways to say that an actor is gone
            self._on_line(f"Ray has lost this task: {type(error).__name__}.")
            self._on_end(LOST)


class RayEngine:
    """Runs tasks as actors of a Ray cluster.

    Args:
      environment: what tasks get, beside what tells them who they are.
      address: of the Ray cluster; None for the one that this machine belongs to, or a new one.
      restarts: how often Ray may start an actor anew.
      cpus: how many CPUs Ray keeps for each task.

    Raises:
      RayProblem: if Ray is not installed, or there is no cluster at that address.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        address: str | None = None,
        restarts: int = 0,
        cpus: float = 1.0,
    ) -> None:
        try:
            self._ray: Any = importlib.import_module("ray")
        except ImportError:
            raise RayProblem(
                "the engine ray needs Ray, which is not installed: "
                "pip install 'minitf-engine[ray]'."
            ) from None
        self._environment = dict(environment)
        self._restarts = restarts
        self._cpus = cpus
        self._actors: dict[str, Any] = {}
        self._connected_here = not self._ray.is_initialized()
        if self._connected_here:
            self._connect(address)

    def place(self, counts: Mapping[str, int]) -> dict[str, list[str]]:
        """Has Ray find a node for each task that has none; returns where all of them are."""
        return {
            job: [self._address(f"{job} {index}") for index in range(count)]
            for job, count in counts.items()
        }

    def start(self, task: Task, command: Sequence[str], on_line: OnLine, on_end: OnEnd) -> RayTask:
        """Starts a task in its actor."""
        actor = self._actors[task.name]
        begun = actor.run.remote(list(command), task.tf_config(), os.getcwd())
        return RayTask(self._ray, actor, begun, on_line, on_end)

    def close(self) -> None:
        """Ends all actors, and with them what is left of their tasks."""
        for actor in filter(None, self._actors.values()):
            with contextlib.suppress(Exception):
                self._ray.kill(actor)
        if self._connected_here:
            self._ray.shutdown()

    def _connect(self, address: str | None) -> None:
        options = {"log_to_driver": False, "ignore_reinit_error": True, "logging_level": "ERROR"}
        try:
            if address is not None:
                _check_address(address)
                self._ray.init(address=address, **options)
                return
            try:
                self._ray.init(address="auto", **options)
            except ConnectionError:  # this machine belongs to none: it becomes one
                self._ray.init(include_dashboard=False, **options)
        except (OSError, RuntimeError, ValueError) as error:
            raise RayProblem(f"there is no Ray cluster at {address}: {error}") from None

    def _new_actor(self) -> Any:
        options = {
            "num_cpus": self._cpus,
            "max_restarts": self._restarts,
            "max_concurrency": 4,  # a signal must not wait for a read
            "scheduling_strategy": "SPREAD",
        }
        return self._ray.remote(TaskActor).options(**options).remote(self._environment)

    def _address(self, name: str) -> str:
        """Where a task's actor is, as soon as Ray has a place for it."""
        end = time.monotonic() + _PATIENCE
        problem = ""
        while (left := end - time.monotonic()) > 0:
            actor = self._actors.setdefault(name, None) or self._new_actor()
            self._actors[name] = actor
            try:
                return str(self._ray.get(actor.address.remote(), timeout=left))
            except self._ray.exceptions.ActorUnavailableError as error:
                problem = str(error)  # Ray is starting it anew
            except self._ray.exceptions.ActorDiedError as error:
                problem = str(error)
                self._actors[name] = None
            except self._ray.exceptions.GetTimeoutError:
                break
            time.sleep(0.2)
        have = self._ray.cluster_resources().get("CPU", 0)
        raise RayProblem(
            f"Ray found no place for {name} within {_PATIENCE:.0f} s. A task takes {self._cpus:g} "
            f"of the {have:g} CPUs of the Ray cluster; --cpus says how many. {problem}".rstrip()
        )


def _check_address(address: str) -> None:
    """Finds out whether anybody listens at "host:port"; Ray itself would wait for long.

    Raises:
      OSError: if nobody does.
    """
    host, _, port = address.rpartition(":")
    if host and port.isdigit() and "://" not in address:
        socket.create_connection((host, int(port)), timeout=5.0).close()
