"""Has the engines take turns at the same work, each in its own process, and gathers their times.

A worker that is not asked is stopped, like a job in a shell, so that no thread of it that waits
busily takes a core from the one that is measured.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.catalogue import Case

ROOT = Path(__file__).resolve().parents[1]

# Where the environments are that `make bench` makes.
ENVIRONMENTS = {"tensorflow": ".venv-parity", "torch": ".venv-torch"}

# Settings of these would have the engines run otherwise than on a user's machine.
SETTINGS = (
    "OPENBLAS_", "GOTO_", "OMP_", "GOMP_", "KMP_", "MKL_", "NUMBA_", "DNNL_", "ONEDNN_", "TF_",
    "MINITF_", "BENCHMARK_", "BLIS_", "VECLIB_", "PYTHON",
)  # fmt: skip


class Engine(NamedTuple):
    """Something to measure: its name, and the Python that has it installed."""

    name: str
    command: tuple[str, ...]


def engines(wanted: Sequence[str]) -> list[Engine]:
    """The engines that are installed, of those wanted."""
    found = []
    for name in wanted:
        python = Path(sys.executable)
        if name in ENVIRONMENTS:
            python = ROOT / ENVIRONMENTS[name] / "bin" / "python"
        if python.exists():
            found.append(Engine(name, (str(python),)))
    return found


def environment(**more: str) -> dict[str, str]:
    """The environment of a measured process: as a user's, with nothing tuned."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)}
    quiet = {"MINITF_QUIET": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "TF_USE_LEGACY_KERAS": "1"}
    return {**plain, **quiet, **more}


class WorkerDiedError(RuntimeError):
    """A worker ended without an answer."""


class Worker:
    """The process of one engine; see worker.py for what it understands.

    Attributes:
      about: how the engine describes itself.
    """

    def __init__(self, engine: Engine, settings: dict[str, str]) -> None:
        self.engine = engine
        self._process = subprocess.Popen(
            [*engine.command, "-m", "benchmarks.worker", engine.name],
            cwd=ROOT, env=environment(**settings), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            self.about: dict[str, Any] = self._answer()
            self._stop()
        except BaseException:  # also when told to end meanwhile: nothing else knows this process
            self.close()
            raise

    def ask(self, case: str, repeats: int) -> dict[str, Any]:
        """Has it do the work of a case so many times; returns its answer.

        Raises:
          WorkerDiedError: if it ends without one.
        """
        assert self._process.stdin is not None
        self._process.send_signal(signal.SIGCONT)
        try:
            self._process.stdin.write(f"{case} {repeats}\n")
            self._process.stdin.flush()
            answer = self._answer()
        except BrokenPipeError:
            raise WorkerDiedError(f"{self.engine.name} is gone") from None
        self._stop()
        return answer

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            raise WorkerDiedError(f"{self.engine.name} ended with exit code {code}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _stop(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()


class Measured(NamedTuple):
    """What was measured of one case.

    Attributes:
      blocks: for each engine, its figures, in blocks that lie beside those of the other engines.
      results: for each engine, the number that its work computed.
      notes: what else is to be said: errors, and where arrays were allocated.
    """

    case: Case
    blocks: dict[str, list[list[float]]]
    results: dict[str, float]
    notes: dict[str, Any]


class Plan(NamedTuple):
    """How much is measured.

    Attributes:
      rounds: blocks of each engine.
      seconds: what all blocks of an engine together may take; each has one repetition at least.
      fresh_rounds: processes of each engine, where a measurement takes a process.
      most: repetitions in one block.
      patience: a repetition that takes longer, in seconds, is the only one.
    """

    rounds: int
    seconds: float
    fresh_rounds: int = 1
    most: int = 20
    patience: float = math.inf


def measure(workers: list[Worker], case: Case, plan: Plan) -> Measured:
    """Has the workers take turns at a case; the first of a round is another one each time."""
    found = Measured(case, {}, {}, {})
    repeats = {}
    taking_part = []
    for worker in workers:
        name = worker.engine.name
        if name not in case.engines or case.work not in worker.about["works"]:
            continue
        answer = worker.ask(case.name, 1)  # makes the work and warms it up
        if "error" in answer:
            found.notes[name] = answer["error"]
            continue
        if answer.get("result") is not None:
            found.results[name] = answer["result"]
        if answer["took"] > plan.patience:
            found.blocks[name] = [answer["times"]]
            continue
        found.blocks[name] = []
        taking_part.append(worker)
        fitting = plan.seconds / plan.rounds / max(answer["took"], 1e-9)
        repeats[name] = max(1, min(plan.most, int(fitting)))
    for turn in range(plan.rounds):
        for worker in rotated(taking_part, turn):
            name = worker.engine.name
            answer = worker.ask(case.name, repeats[name])
            if "error" in answer:
                found.notes[name] = answer["error"]
                continue
            found.blocks[name].append(answer["times"])
    return found


def rotated(items: list[Any], by: int) -> list[Any]:
    by %= max(len(items), 1)
    return items[by:] + items[:by]


@contextmanager
def started(engines: Sequence[Engine], settings: dict[str, str]) -> Iterator[list[Worker]]:
    """A worker for each engine; whatever happens, none is left over."""
    workers: list[Worker] = []
    try:
        for engine in engines:
            workers.append(Worker(engine, settings))
        yield workers
    finally:
        for worker in workers:
            worker.close()


# ---- whole processes

Run = Callable[[Engine, str, dict[str, str]], dict[str, Any]]


def run_fresh(engine: Engine, work: str, settings: dict[str, str]) -> dict[str, Any]:
    """Runs a fresh process; returns what it tells, and as "process" the seconds it lived."""
    began = time.perf_counter()
    run = subprocess.run(
        [*engine.command, "-m", "benchmarks.fresh", engine.name, work],
        cwd=ROOT, env=environment(**settings), capture_output=True, text=True,
    )  # fmt: skip
    seconds = time.perf_counter() - began
    if run.returncode:
        last = (run.stderr.strip() or f"exit code {run.returncode}").splitlines()[-1]
        return {"error": last}
    told: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return {**told, "process": seconds}


def measure_fresh(
    available: list[Engine], cases: list[Case], plan: Plan, settings: dict[str, str],
    run: Run = run_fresh, say: Callable[[str], None] = lambda text: None,
) -> list[Measured]:  # fmt: skip
    """Measures cases that need new processes; those that need the same one share it.

    Each engine has been imported once before, so that its bytecode is on disk. Compiled kernels are
    kept in a folder that one run has filled before, except where the case is to begin with an empty
    one.
    """
    found = {case.name: Measured(case, {}, {}, {}) for case in cases}
    works = list(dict.fromkeys(case.work for case in cases))
    with tempfile.TemporaryDirectory() as filled:
        for engine in available:
            run(engine, "import", {**settings, "NUMBA_CACHE_DIR": filled})
        if any(work != "import" for work in works):
            for engine in available:
                if engine.name == "minitf":
                    run(engine, "first-step-warm", {**settings, "NUMBA_CACHE_DIR": filled})
        for work in works:
            its_cases = [case for case in cases if case.work == work]
            say(f"{work} ({', '.join(case.name for case in its_cases)})")
            users = {name for case in its_cases for name in case.engines}
            for turn in range(plan.fresh_rounds):
                for engine in rotated([e for e in available if e.name in users], turn):
                    with tempfile.TemporaryDirectory() as empty:
                        folder = empty if work == "first-step-empty" else filled
                        told = run(engine, work, {**settings, "NUMBA_CACHE_DIR": folder})
                    for case in its_cases:
                        note_fresh(found[case.name], engine.name, told)
    return list(found.values())


def note_fresh(measured: Measured, engine: str, told: dict[str, Any]) -> None:
    if "error" in told:
        measured.notes[engine] = told["error"]
        return
    (field,) = measured.case.args
    measured.blocks.setdefault(engine, []).append([float(told[str(field)])])
    if told.get("where"):
        measured.notes["where"] = told["where"]
