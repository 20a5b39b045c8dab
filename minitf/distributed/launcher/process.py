"""With this module a task runs as a process of this machine, and its lines are read."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence

from minitf.distributed.launcher import lifeline
from minitf.distributed.launcher.lifeline import Lifeline
from minitf.distributed.launcher.tasks import Task

OnLine = Callable[[str], None]
OnEnd = Callable[[int], None]

_LINE = re.compile(rb"\r?\n|\r")
_LONGEST_LINE = 1 << 16


class Process:
    """A process in a session of its own, so that Ctrl-C reaches it only through us.

    Args:
      command: what to run.
      environment: its environment.
      tie: ends it when this process ends.
      on_line: called with each line that it writes, to standard output or error.
      on_end: called once, with its exit code, after its last line; negative for a signal.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        tie: Lifeline,
        on_line: OnLine,
        on_end: OnEnd,
    ) -> None:
        self._process = subprocess.Popen(
            command,
            env={**environment, lifeline.VARIABLE: str(tie.number), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[tie.number],
            start_new_session=True,
            bufsize=0,
        )
        self.pid = self._process.pid
        self._on_line, self._on_end = on_line, on_end
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        threading.Thread(target=self._wait, daemon=True).start()

    def signal(self, number: int) -> None:
        """Sends a signal to the process and to those that it has started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def _wait(self) -> None:
        code = self._process.wait()
        self._reader.join(2.0)  # a process that it started may keep the pipe open for ever
        self._on_end(code)

    def _read(self) -> None:
        assert self._process.stdout is not None
        rest = b""
        with self._process.stdout as pipe:
            while chunk := pipe.read(1 << 16):
                *lines, rest = _LINE.split(rest + chunk)
                if len(rest) > _LONGEST_LINE:
                    lines, rest = [*lines, rest], b""
                for line in lines:
                    self._on_line(line.decode(errors="replace"))
        if rest:
            self._on_line(rest.decode(errors="replace"))


class LocalEngine:
    """Runs tasks as processes of this machine.

    Args:
      environment: what they get, beside what tells them who they are.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        self._tie = Lifeline()
        self._reserved: list[socket.socket] = []
        self._placed: dict[str, list[str]] = {}

    def place(self, counts: Mapping[str, int]) -> dict[str, list[str]]:
        """Chooses an address for each task of each job; the same ones when asked again.

        The ports stay bound here, so that nobody else gets them; the tasks can bind them too, as
        long as nobody listens.
        """
        if not self._placed:
            self._placed = {job: [self._reserve() for _ in range(n)] for job, n in counts.items()}
        return self._placed

    def start(self, task: Task, command: Sequence[str], on_line: OnLine, on_end: OnEnd) -> Process:
        """Starts a task; `command` is what follows the name of the Python program."""
        environment = {**os.environ, **self._environment, "TF_CONFIG": task.tf_config()}
        return Process([sys.executable, *command], environment, self._tie, on_line, on_end)

    def close(self) -> None:
        """Ends what is left."""
        self._tie.close()
        for each in self._reserved:
            each.close()

    def _reserve(self) -> str:
        reserved = socket.socket()
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", 0))
        self._reserved.append(reserved)
        return f"127.0.0.1:{reserved.getsockname()[1]}"


def describe_exit(code: int) -> str:
    """How a process ended.

    >>> describe_exit(1), describe_exit(-9)
    ('exit code 1', 'ended by SIGKILL')
    """
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"ended by signal {-code}"
