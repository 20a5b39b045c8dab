"""Measures how fast random numbers are made, in minitf and, where it is installed, in TensorFlow.

    python -m benchmarks.random_bits [--size 4000000] [--rounds 5] [--repeats 5]

The first table has the kernels: millions of numbers in a second. "raw" are the generator's own
words of 32 bits, of which all others are made. On one thread the time is the processor's, which
does not count what other programs take; on all threads it is the clock's. The other tables have
single ops that a session runs, large and small, in both engines, each in processes of its own that
take turns; the ratio is TensorFlow's time to minitf's.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from minitf.kernels import philox
from minitf.kernels.parallel import get_num_threads, parallel_ranges, set_num_threads

SMALL = ((), (10,), (1000,))
OPS = ("random_uniform", "random_normal", "truncated_normal")


def median(call: Callable[[], object], repeats: int, clock: Callable[[], float]) -> float:
    """The median time of a call, after one that does not count."""
    call()
    times = []
    for _ in range(repeats):
        began = clock()
        call()
        times.append(clock() - began)
    return float(np.median(times))


# ---- kernels


def raw(size: int, threads: int) -> Callable[[], object]:
    """Makes words only, a chunk at a time, as the kernels do."""
    stream = philox.Philox(7, 3).reserve(size)

    def chunk(start: int, stop: int) -> None:
        for first in range(start, stop, 8192):
            stream.words(np.arange(first, min(first + 8192, stop), dtype=np.uint64))

    del threads
    return lambda: parallel_ranges(size // 4, chunk, work=4, multiple=8192)


def kernel(function: str, dtype: str) -> Callable[[int, int], Callable[[], object]]:
    def make(size: int, threads: int) -> Callable[[], object]:
        del threads
        generator, out = philox.Philox(7, 3), np.empty(size, dtype)
        return lambda: getattr(philox, function)(generator, (size,), dtype, out)

    return make


KERNELS: dict[str, Callable[[int, int], Callable[[], object]]] = {
    "raw uint32": raw,
    **{
        f"{function} {dtype}": kernel(function, dtype)
        for function in ("uniform", "standard_normal", "truncated_normal")
        for dtype in ("float32", "float64")
    },
}


def measure_kernels(size: int, repeats: int) -> None:
    print(f"\nkernels, {size:,} numbers: millions in a second")
    print(f"  {'':26}{'1 thread':>12}{'all threads':>14}")
    for name, make in KERNELS.items():
        rates = []
        for threads, clock in ((1, time.process_time), (0, time.perf_counter)):
            set_num_threads(threads)
            rates.append(size / median(make(size, threads), repeats, clock) / 1e6)
        print(f"  {name:26}{rates[0]:12.0f}{rates[1]:14.0f}")
    set_num_threads(0)


# ---- sessions


def measure_session(engine: str, size: int, repeats: int, threads: int) -> dict[str, list[float]]:
    """Seconds of `session.run` of each op, large and small, in the engine of this process."""
    tf: Any = importlib.import_module(engine)
    config = tf.ConfigProto(intra_op_parallelism_threads=threads, inter_op_parallelism_threads=1)
    if engine == "minitf":
        set_num_threads(threads)
    else:
        tf.disable_v2_behavior()
    clock = time.process_time if threads == 1 else time.perf_counter
    found = {}
    with tf.Graph().as_default(), tf.Session(config=config) as session:
        for name in OPS:
            large = getattr(tf, name)([size], seed=1).op
            times = [median(lambda large=large: session.run(large), repeats, clock)]
            for shape in SMALL:
                small = getattr(tf, name)(shape, seed=1)
                times.append(median(lambda small=small: session.run(small), 50 * repeats, clock))
            found[name] = times
    return found


def in_a_process(engine: str, size: int, repeats: int, threads: int) -> dict[str, list[float]]:
    arguments = [str(argument) for argument in (engine, size, repeats, threads)]
    command = [sys.executable, "-m", "benchmarks.random_bits", "--worker", *arguments]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    result: dict[str, list[float]] = json.loads(done.stdout.splitlines()[-1])
    return result


def measure_sessions(size: int, rounds: int, repeats: int) -> None:
    engines = ["minitf"]
    if importlib.util.find_spec("tensorflow") is not None:
        engines.append("tensorflow.compat.v1")
    for threads in (1, get_num_threads()):
        taken: dict[str, list[dict[str, list[float]]]] = {engine: [] for engine in engines}
        for _ in range(rounds):
            for engine in engines:
                taken[engine].append(in_a_process(engine, size, repeats, threads))
        print(f"\nsession.run, float32, {threads} threads")
        print(f"  {'':18}{'shape':>12}{'minitf':>14}{'TensorFlow':>14}{'ratio':>8}")
        for name in OPS:
            for i, shape in enumerate([(size,), *SMALL]):
                seconds = [
                    float(np.median([result[name][i] for result in taken[engine]]))
                    for engine in engines
                ]
                print_line(name, shape, seconds)


def print_line(name: str, shape: tuple[int, ...], seconds: list[float]) -> None:
    """Millions of numbers in a second where they are many, microseconds where they are few."""
    size = int(np.prod(shape))
    unit = "M/s" if size >= 10**5 else "us"
    shown = [
        f"{size / s / 1e6:.0f} {unit}" if unit == "M/s" else f"{s * 1e6:.0f} {unit}"
        for s in seconds
    ]
    ratio = f"{seconds[1] / seconds[0]:.2f}" if len(seconds) > 1 else ""
    theirs = shown[1] if len(shown) > 1 else "-"
    print(f"  {name:18}{shape!s:>12}{shown[0]:>14}{theirs:>14}{ratio:>8}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=4_000_000, help="of a large draw")
    parser.add_argument("--rounds", type=int, default=5, help="turns that each engine takes")
    parser.add_argument("--repeats", type=int, default=7, help="calls of which the median counts")
    parser.add_argument("--worker", nargs=4, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        engine, *numbers = args.worker
        print(json.dumps(measure_session(engine, *map(int, numbers))))
        return
    measure_kernels(args.size, args.repeats)
    measure_sessions(args.size, args.rounds, args.repeats)


if __name__ == "__main__":
    main()
