"""Tasks in processes of their own, for tests to kill, stop and start again."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from tests.source_tree import ROOT

# Nothing takes nearly as long; but the machine may be busy, and processes may be paused.
PATIENCE = 120.0


class Task:
    """A task of a cluster that runs in a process.

    Args:
      spec: the `ClusterSpec`.
      job, index: which task.
      wait: whether to wait until it listens.
    """

    def __init__(self, spec: Any, job: str, index: int = 0, wait: bool = True) -> None:
        self._command = [sys.executable, "-m", "tests.distributed.task_process"]
        self._command += [json.dumps(spec.as_dict()), job, str(index)]
        self.start(wait)

    def start(self, wait: bool = True) -> None:
        """Starts it, again perhaps."""
        self.process = subprocess.Popen(
            self._command,
            cwd=ROOT,
            env={**os.environ, "MINITF_QUIET": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        if wait:
            self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Waits until it listens."""
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        assert ready, "the task did not start"
        assert self.process.stdout.readline() == b"ready\n"

    def kill(self) -> None:
        """Ends it without a chance to say good-bye."""
        self.process.kill()
        self.process.wait(PATIENCE)
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()

    def stop(self) -> None:
        """Has it hang."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Lets it go on."""
        self.process.send_signal(signal.SIGCONT)


@contextlib.contextmanager
def task(spec: Any, job: str, index: int = 0, wait: bool = True) -> Iterator[Task]:
    """A `Task` for as long as the `with` block takes."""
    made = Task(spec, job, index, wait)
    try:
        yield made
    finally:
        made.resume()
        made.kill()


def until(condition: Any, what: str, seconds: float = PATIENCE) -> None:
    """Waits until something holds that another process brings about."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"in vain for {seconds:.0f} s: {what}"
        time.sleep(0.02)
