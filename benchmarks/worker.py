"""One engine in a process of its own, which does work when it is asked, and says how long it took.

    python -m benchmarks.worker minitf

It first writes a line that describes the engine. Then each line `CASE REPEATS` on its standard
input is answered by one line of JSON on its standard output: the seconds that each of so many
repetitions took, what all of them took together, what had to be prepared included, and the number
that the work computed, if it computes one. The first request for
a case makes the work and warms it up; the work is kept until another case is asked for.

One repetition is one call, or as many as fill two milliseconds. The collector of garbage runs as in
any user's program.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from importlib import metadata
from typing import Any, TextIO

from benchmarks import networks
from benchmarks.catalogue import Case, cases, growth_cases
from benchmarks.work import Work

WARM_SECONDS = float(os.environ.get("BENCHMARK_WARM_SECONDS", "1"))
WARM_CALLS = 3
LEAST_SECONDS = 0.002  # of one repetition: the clock and the loop must not count


class Timer:
    """Work that is warm, and how many calls make a repetition."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.number = 1
        self.result: float | None = None
        self.longest = 0.0
        began = time.perf_counter()
        calls, seconds = 0, 0.0
        while calls < WARM_CALLS or time.perf_counter() - began < WARM_SECONDS:
            seconds = self._once()
            calls += 1
            if seconds > WARM_SECONDS:  # so long a call is warm after one
                break
        if work.prepare is None and seconds < LEAST_SECONDS:
            self.number = int(LEAST_SECONDS / max(seconds, 1e-8)) + 1

    def _once(self) -> float:
        given = () if self.work.prepare is None else (self.work.prepare(),)
        began = time.perf_counter()
        result = self.work.call(*given)
        seconds = time.perf_counter() - began
        if isinstance(result, float) or getattr(result, "ndim", None) == 0:
            self.result = float(result)
        return seconds

    def repetition(self) -> float:
        """Seconds for one thing."""
        if self.number == 1:
            return self._once() / self.work.per
        call = self.work.call
        turns = range(self.number)
        began = time.perf_counter()
        for _ in turns:
            call()
        return (time.perf_counter() - began) / self.number / self.work.per


def serve(works: dict[str, Callable[[Case], Work]], requests: TextIO, answers: TextIO) -> None:
    """Answers requests until there are none.

    Args:
      works: for the name of a case, what makes its work from the case.
      requests, answers: where the lines come from and go to.
    """
    known = {case.name: case for case in [*cases(), *growth_cases()]}
    current, timer = "", None
    for line in requests:
        name, repeats = line.split()
        answer: dict[str, Any] = {"case": name}
        try:
            if name != current:
                current, timer = "", None
                gc.collect()
                timer = Timer(works[known[name].work](known[name]))
                current = name
            assert timer is not None
            began = time.perf_counter()
            answer["times"] = [timer.repetition() for _ in range(int(repeats))]
            answer["took"] = time.perf_counter() - began
            answer["result"] = timer.result
        except Exception as error:
            answer["error"] = f"{type(error).__name__}: {error}".partition("\n")[0]
        print(json.dumps(answer), file=answers, flush=True)


def works_of(engine: str) -> dict[str, Callable[[Case], Work]]:
    """What the engine has of the work."""
    module = networks.load(engine)
    where = importlib.import_module(f"benchmarks.{'torch' if engine == 'torch' else 'graph'}_work")
    every = [*cases(), *growth_cases()]
    names = {case.work for case in every if not case.fresh} & set(vars(where))

    def make(case: Case) -> Work:
        work: Work = getattr(where, case.work)(module, *case.args)
        return work

    return dict.fromkeys(names, make)


def description(engine: str) -> dict[str, Any]:
    """Versions, threads, and which instructions the engine's matrix products use."""
    packages = {
        "minitf": ["minitf-engine", "numpy", "numba", "llvmlite"],
        "tensorflow": ["tensorflow-cpu", "tensorflow", "numpy"],
        "torch": ["torch", "numpy"],
    }[engine]
    versions = {"python": platform.python_version()}
    for name in packages:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    threads = networks.THREADS or len(os.sched_getaffinity(0))
    return {"engine": engine, "versions": versions, "threads": threads, "blas": blas(engine)}


def blas(engine: str) -> str:
    """The library behind the matrix products, and the kind of core that it takes this one for."""
    if engine == "torch":
        torch: Any = importlib.import_module("torch")
        shown = torch.__config__.show()
        library = "MKL and oneDNN" if "BLAS_INFO=mkl" in shown else "oneDNN"
        return f"{library}, {torch.backends.cpu.get_cpu_capability()}"
    if engine == "tensorflow":
        return "Eigen and oneDNN"  # which instructions oneDNN uses it says only at its start
    return openblas() or "not OpenBLAS"


def openblas() -> str:
    """What numpy's OpenBLAS says of itself; empty where numpy has another library."""
    try:
        library = ctypes.CDLL(importlib.import_module("numpy._core._multiarray_umath").__file__)
    except (ImportError, OSError):
        return ""
    for prefix in ("scipy_openblas_", "openblas_"):
        for suffix in ("64_", ""):
            core = getattr(library, f"{prefix}get_corename{suffix}", None)
            config = getattr(library, f"{prefix}get_config{suffix}", None)
            if core is not None and config is not None:
                core.restype = config.restype = ctypes.c_char_p
                version = " ".join(config().decode().split()[:2])
                return f"{version}, {core().decode()} kernels"
    return ""


def main() -> None:
    engine = sys.argv[1]
    # Whatever an engine prints must not get in between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    works = works_of(engine)
    print(json.dumps({**description(engine), "works": sorted(works)}), file=answers, flush=True)
    serve(works, sys.stdin, answers)


if __name__ == "__main__":
    main()
