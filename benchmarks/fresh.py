"""What can be seen only in a process that has done nothing else: `python -m benchmarks.fresh`.

    python -m benchmarks.fresh minitf import

prints one line of JSON: "seconds" that the import took, and the largest memory ("peak", in bytes)
that the process ever had, once the work below is done. How long the whole process took is for the
driver to see.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

TRAINING_STEPS = 20
LARGE = 1 << 16  # bytes: an array of more is worth planning


def do(engine: str, work: str) -> dict[str, object]:
    """Does the work; returns what is to be printed."""
    name = {"tensorflow": "tensorflow.compat.v1"}.get(engine, engine)
    began = time.perf_counter()
    __import__(name)
    found: dict[str, object] = {"seconds": time.perf_counter() - began}
    if work in ("first-step-warm", "first-step-empty"):
        training_step(engine)()
    elif work == "train":
        step = training_step(engine)
        for _ in range(TRAINING_STEPS):
            step()
    elif work == "allocations":
        found.update(allocations(engine))
    found["peak"] = peak_memory()
    return found


def training_step(engine: str) -> Any:
    """A function that does one training step of the CNN at batch 50."""
    from benchmarks import networks

    module = networks.load(engine)
    training = networks.torch_training if engine == "torch" else networks.cnn_training
    return training(module, 50)


def peak_memory() -> int:
    """The largest resident memory of this process so far, in bytes."""
    try:
        with open("/proc/self/status") as status:
            kilobytes = next(line.split()[1] for line in status if line.startswith("VmHWM"))
        return int(kilobytes) * 1024
    except OSError:
        import resource

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024


def allocations(engine: str) -> dict[str, object]:
    """How many large arrays a training step allocates, and on which lines.

    numpy tells Python's tracemalloc of the memory of its arrays. After each bytecode instruction of
    a step tracemalloc is asked whether there was meanwhile more by as much as a large array, which
    also finds the ones that are gone by then. All work is put on one thread, the one that is
    watched. What compiled code takes for itself is not seen.
    """
    import importlib
    import tracemalloc

    from benchmarks import networks

    networks.THREADS = 1
    # In a steady step all loops are compiled; a user's are after some seconds.
    importlib.import_module("minitf.runtime.fusion.fused").COMPILE_AFTER_SECONDS = 0.0
    step = training_step(engine)
    for _ in range(TRAINING_STEPS):
        step()

    found: dict[str, int] = {}
    before, place = 0, ""

    def watch(frame: Any, event: str, arg: Any) -> Any:
        nonlocal before, place
        frame.f_trace_lines, frame.f_trace_opcodes = False, True
        peak = tracemalloc.get_traced_memory()[1]
        if peak - before > LARGE:  # in the instruction that was about to run last time
            found[place] = found.get(place, 0) + 1
        place = f"{frame.f_code.co_filename}:{frame.f_lineno} {frame.f_code.co_name}"
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        return watch

    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        sys.settrace(watch)
        step()
    finally:
        sys.settrace(None)
        tracemalloc.stop()
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
    lines = sorted(found.items(), key=lambda item: -item[1])
    where = [f"{n} x {line.removeprefix(root)}" for line, n in lines]
    return {"count": sum(found.values()), "where": where}


if __name__ == "__main__":
    told = do(*sys.argv[1:])
    import json  # only now: nothing that is measured was to find it loaded

    print(json.dumps(told))
