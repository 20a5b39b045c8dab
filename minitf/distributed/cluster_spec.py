"""With this module one can say which processes a cluster consists of: `tf.train.ClusterSpec`.

A cluster is a set of jobs, each of which has tasks, each of which is a process at an address. The
jobs of parameter-server training are "ps", which keep the variables, and "worker".

>>> cluster = ClusterSpec({"ps": ["a:2222"], "worker": ["b:2222", "c:2222"]})
>>> cluster.jobs, cluster.num_tasks("worker"), cluster.task_address("worker", 1)
(['ps', 'worker'], 2, 'c:2222')
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

from minitf.framework import errors


class ClusterSpec:
    """The jobs of a cluster and the addresses of their tasks (mirrors `tf.train.ClusterSpec`).

    Args:
      cluster: a dictionary from job names to lists of addresses ("host:port"), or to dictionaries
        from task numbers to addresses; or a `ClusterDef`, or a `ClusterSpec`.

    Raises:
      TypeError: if it is something else.
    """

    def __init__(self, cluster: Any) -> None:
        if isinstance(cluster, ClusterSpec):
            self._jobs: dict[str, dict[int, str]] = {k: dict(v) for k, v in cluster._jobs.items()}
        elif isinstance(cluster, Mapping):
            self._jobs = {_text(job, "Job name"): _tasks(job, cluster[job]) for job in cluster}
        elif getattr(getattr(cluster, "DESCRIPTOR", None), "name", "") == "ClusterDef":
            self._jobs = {job.name: dict(job.tasks) for job in cluster.job}
        else:
            raise errors.type_error(
                "`cluster` must be a dictionary mapping one or more job names to lists of network "
                f"addresses, or a `ClusterDef` protocol buffer, not {errors.brief(cluster)}",
                see="clusters",
            )

    @property
    def jobs(self) -> list[str]:
        """The names of the jobs."""
        return list(self._jobs)

    def as_dict(self) -> dict[str, Any]:
        """The dictionary that this cluster could be made of."""
        return {
            job: [tasks[i] for i in range(len(tasks))] if _is_dense(tasks) else dict(tasks)
            for job, tasks in self._jobs.items()
        }

    def as_cluster_def(self) -> Any:
        """This cluster as a `ClusterDef` protocol buffer."""
        from minitf.framework import protos

        message = protos.ClusterDef()
        for name in sorted(self._jobs):
            job = message.job.add(name=name)
            for index, address in self._jobs[name].items():
                job.tasks[index] = address
        return message

    def num_tasks(self, job_name: str) -> int:
        """How many tasks a job has.

        Raises:
          ValueError: if there is no such job.
        """
        return len(self._job(job_name))

    def task_indices(self, job_name: str) -> list[int]:
        """The numbers of a job's tasks.

        Raises:
          ValueError: if there is no such job.
        """
        return sorted(self._job(job_name))

    def task_address(self, job_name: str, task_index: int) -> str:
        """Where a task is: "host:port".

        Raises:
          ValueError: if there is no such job or task.
        """
        try:
            return self._job(job_name)[task_index]
        except KeyError:
            raise errors.value_error(
                f"No task with index {task_index!r} in job {job_name!r}", see="clusters"
            ) from None

    def job_tasks(self, job_name: str) -> list[str | None]:
        """The addresses of a job's tasks by number; None for a number that no task has.

        Raises:
          ValueError: if there is no such job.
        """
        tasks = self._job(job_name)
        return [tasks.get(index) for index in range(max(tasks, default=-1) + 1)]

    def fingerprint(self) -> str:
        """A short text that only an equal cluster has: two that talk must agree on it."""
        text = json.dumps(
            {job: sorted(tasks.items()) for job, tasks in self._jobs.items()}, sort_keys=True
        )
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _job(self, name: str) -> dict[int, str]:
        try:
            return self._jobs[name]
        except KeyError:
            raise errors.value_error(
                f"No such job in cluster: {name!r}",
                do=f"give one of its jobs: {', '.join(sorted(self._jobs)) or 'it has none'}.",
                see="clusters",
            ) from None

    def __bool__(self) -> bool:
        return bool(self._jobs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ClusterSpec) and self._jobs == other._jobs

    def __hash__(self) -> int:
        return hash(self.fingerprint())

    def __repr__(self) -> str:
        return f"ClusterSpec({self.as_dict()})"


def _text(value: Any, what: str) -> str:
    if isinstance(value, bytes):
        return value.decode()
    if not isinstance(value, str):
        raise errors.type_error(f"{what} {value!r} must be bytes or unicode", see="clusters")
    return value


def _tasks(job: str, tasks: Any) -> dict[int, str]:
    if isinstance(tasks, (list, tuple)):
        tasks = dict(enumerate(tasks))
    elif not isinstance(tasks, Mapping):
        raise errors.type_error(
            f"The tasks for job {job!r} must be a list or a dictionary from integers to strings.",
            see="clusters",
        )
    return {int(i): _text(address, "Task address") for i, address in tasks.items()}


def _is_dense(tasks: dict[int, str]) -> bool:
    return sorted(tasks) == list(range(len(tasks)))


def task_from_environment() -> tuple[ClusterSpec, str, int]:
    """The cluster, and which of its tasks this process is, from the variable `TF_CONFIG`.

    It holds JSON: `{"cluster": {"ps": ["a:2222"], ...}, "task": {"type": "ps", "index": 0}}`.

    Raises:
      ValueError: if the variable is not set, or does not say these things.
    """
    text = os.environ.get("TF_CONFIG", "")
    try:
        config = json.loads(text)
        task = config["task"]
        return ClusterSpec(config["cluster"]), str(task["type"]), int(task["index"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            errors.report(
                "TF_CONFIG does not say which task of which cluster this process is.",
                facts=f"TF_CONFIG: {errors.brief(text)}; {type(error).__name__}: {error}",
                do='set it to \'{"cluster": {"ps": ["host:port"], "worker": ["host:port"]}, '
                '"task": {"type": "worker", "index": 0}}\', or start the script with '
                "`minitf cluster run`.",
            )
        ) from None
