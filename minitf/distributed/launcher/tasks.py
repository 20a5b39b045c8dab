"""With this module one can say what each process of a cluster is told.

>>> cluster = {"ps": ["127.0.0.1:4000"], "worker": ["127.0.0.1:4001", "127.0.0.1:4002"]}
>>> task = Task("worker", 1, cluster)
>>> task.arguments(["--name={job}{index}"], {"task_index": "--task_index"})
['--task_index=1', '--name=worker1']
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Cluster = Mapping[str, Sequence[str]]  # the addresses of each job's tasks

FLAGS = ("job_name", "task_index", "ps_hosts", "worker_hosts")


@dataclass(frozen=True)
class Task:
    """One process of a cluster.

    Attributes:
      job: "ps" or "worker".
      index: its number in the job.
      cluster: the addresses of all tasks.
    """

    job: str
    index: int
    cluster: Cluster

    @property
    def name(self) -> str:
        """What people call it: "worker 1"."""
        return f"{self.job} {self.index}"

    def tf_config(self) -> str:
        """The value of `TF_CONFIG`.

        >>> Task("ps", 0, {"ps": ["a:1"]}).tf_config()
        '{"cluster": {"ps": ["a:1"]}, "task": {"type": "ps", "index": 0}}'
        """
        cluster = {job: list(addresses) for job, addresses in self.cluster.items()}
        return json.dumps({"cluster": cluster, "task": {"type": self.job, "index": self.index}})

    def arguments(self, given: Sequence[str], flags: Mapping[str, str]) -> list[str]:
        """The script's arguments: those of the flags that it has, and those that the user gave.

        Args:
          given: the user's; placeholders in them are filled in.
          flags: which of `FLAGS` the script has, and how it spells them.
        """
        values = {
            "job": self.job,
            "index": str(self.index),
            "ps_hosts": ",".join(self.cluster.get("ps", ())),
            "worker_hosts": ",".join(self.cluster.get("worker", ())),
        }
        names = dict(zip(FLAGS, values))
        told = [
            f"{spelled}={values[names[flag]]}"
            for flag, spelled in flags.items()
            if not any(word.partition("=")[0] == spelled for word in given)
        ]
        return told + [_filled(word, values) for word in given]


def tasks_of(cluster: Cluster) -> list[Task]:
    """All tasks of a cluster, parameter servers first."""
    return [
        Task(job, index, cluster)
        for job, addresses in cluster.items()
        for index in range(len(addresses))
    ]


def flags_of(source: bytes) -> dict[str, str]:
    """Which of `FLAGS` a script defines, and how it spells them on the command line.

    >>> flags_of(b'tf.app.flags.DEFINE_string("job_name", "", "ps or worker")')
    {'job_name': '--job_name'}
    >>> flags_of(b'parser.add_argument("-t", "--task-index", type=int)')
    {'task_index': '--task-index'}
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return {}  # whoever runs it will say what is wrong with it
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if not (name.startswith("DEFINE_") or name == "add_argument"):
            continue
        for word in (arg.value for arg in node.args if isinstance(arg, ast.Constant)):
            flag = word.lstrip("-").replace("-", "_") if isinstance(word, str) else ""
            dashed = name.startswith("DEFINE_") or str(word).startswith("--")
            if flag in FLAGS and dashed:
                found[flag] = "--" + str(word).lstrip("-")
    return {flag: found[flag] for flag in FLAGS if flag in found}


def asks_who_it_is(source: bytes, given: Sequence[str]) -> bool:
    """Whether the script, as far as one can see, finds out which of the tasks it is."""
    placeholders = any("{job}" in word or "{index}" in word for word in given)
    return placeholders or "job_name" in flags_of(source) or b"TF_CONFIG" in source


def _filled(word: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        word = word.replace("{" + name + "}", value)
    return word
