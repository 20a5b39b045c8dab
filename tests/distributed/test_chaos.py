"""Whole trainings in which processes are killed: `pytest -m chaos`.

Who goes on, goes on; who comes back, continues from the last checkpoint; who waits for somebody
that will not come, says so. None hangs.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import minitf as tf
from tests.distributed.clusters import cluster_of
from tests.distributed.processes import PATIENCE, Task, task, until
from tests.source_tree import ROOT

pytestmark = pytest.mark.chaos


class Worker:
    """A worker in a process, and what it has said so far."""

    def __init__(self, spec: Any, index: int, folder: Path, last: int, mode: str) -> None:
        command = [sys.executable, "-m", "tests.distributed.worker_process"]
        command += [json.dumps(spec.as_dict()), str(index), str(folder), str(last), mode]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "MINITF_QUIET": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.text = ""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.text += line

    @property
    def steps(self) -> list[int]:
        """The steps that it has reported."""
        return [int(step) for step in re.findall(r"^step (\d+)$", self.text, re.MULTILINE)]

    def reach(self, step: int) -> None:
        """Waits until it has got so far."""
        until(lambda: self.steps and self.steps[-1] >= step, f"step {step}:\n{self.text}")

    def end(self) -> int:
        """Waits until it ends; returns its code."""
        code = self.process.wait(PATIENCE)
        self._thread.join(PATIENCE)
        return code

    def kill(self) -> None:
        """Ends it without a chance to say good-bye."""
        self.process.kill()
        self.process.wait(PATIENCE)


@pytest.fixture
def spec() -> Any:
    return cluster_of(ps=1, worker=2)


@pytest.fixture
def ps(spec: Any) -> Iterator[Task]:
    with task(spec, "ps") as made:
        yield made


@pytest.fixture
def workers() -> Iterator[list[Worker]]:
    started: list[Worker] = []
    yield started
    for each in started:
        each.kill()


def start(workers: list[Worker], *args: Any) -> Worker:
    workers.append(Worker(*args))
    return workers[-1]


def test_others_go_on_when_a_worker_dies(
    spec: Any, ps: Task, workers: list[Worker], tmp_path: Path
) -> None:
    chief = start(workers, spec, 0, tmp_path, 60, "async")
    other = start(workers, spec, 1, tmp_path, 60, "async")
    other.reach(10)
    other.kill()
    assert chief.end() == 0, chief.text
    assert chief.steps[-1] in (60, 61, 62)
    assert tf.train.load_checkpoint(str(tmp_path)).get_tensor("global_step") in (60, 61, 62)


def test_the_chief_dies_and_comes_back(
    spec: Any, ps: Task, workers: list[Worker], tmp_path: Path
) -> None:
    chief = start(workers, spec, 0, tmp_path, 80, "async")
    other = start(workers, spec, 1, tmp_path, 80, "async")
    chief.reach(12)
    other.reach(12)
    chief.kill()
    before = other.steps[-1]
    other.reach(before + 3)  # it needs the server, not the chief
    again = start(workers, spec, 0, tmp_path, 80, "async")
    assert again.end() == 0, again.text
    assert other.end() == 0, other.text
    assert again.steps[-1] in (80, 81, 82)


def test_the_server_dies_and_everybody_goes_on_from_the_checkpoint(
    spec: Any, ps: Task, workers: list[Worker], tmp_path: Path
) -> None:
    chief = start(workers, spec, 0, tmp_path, 60, "async")
    chief.reach(20)
    ps.kill()
    ps.start()
    assert chief.end() == 0, chief.text
    steps = chief.steps
    # A step that was reported and checkpointed is never done again: at most the last five are.
    assert all(-5 < after - before <= 1 for before, after in itertools.pairwise(steps)), steps
    assert steps[-1] == 60


def test_a_dead_worker_of_a_synchronous_run_is_reported(
    spec: Any, ps: Task, workers: list[Worker], tmp_path: Path
) -> None:
    """Without backups no step can be completed any more; the other does not wait for ever."""
    chief = start(workers, spec, 0, tmp_path, 500, "sync")
    other = start(workers, spec, 1, tmp_path, 500, "sync")
    other.reach(5)
    other.kill()
    assert chief.end() != 0
    assert "DeadlineExceededError" in chief.text, chief.text
    assert "task:0" in chief.text or "worker" in chief.text


@pytest.mark.parametrize("victim", [0, 1])
def test_a_worker_of_a_synchronous_run_dies_and_comes_back(
    spec: Any, ps: Task, workers: list[Worker], tmp_path: Path, victim: int
) -> None:
    """Also where it is the chief: who waits for it begins anew, at the checkpoint."""
    pair = [start(workers, spec, index, tmp_path, 60, "sync") for index in range(2)]
    pair[1 - victim].reach(12)
    pair[victim].kill()
    pair[victim] = start(workers, spec, victim, tmp_path, 60, "sync")
    for worker in pair:
        assert worker.end() == 0, worker.text
        assert worker.steps[-1] == 60


def test_a_backup_worker_hangs(workers: list[Worker], tmp_path: Path) -> None:
    """The others take their steps without it; when it goes on, it is in time for the end or not."""
    spec = cluster_of(ps=1, worker=3)
    with task(spec, "ps"):
        three = [start(workers, spec, index, tmp_path, 60, "backup") for index in range(3)]
        three[2].reach(5)
        three[2].process.send_signal(signal.SIGSTOP)
        for worker in three[:2]:
            assert worker.end() == 0, worker.text
        three[2].process.send_signal(signal.SIGCONT)
        assert three[2].end() == 0, three[2].text
        assert max(worker.steps[-1] for worker in three) == 60
