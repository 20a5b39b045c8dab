"""Measures the kernels of the tutorial's network: milliseconds, and how much arithmetic that is.

    python -m benchmarks.kernels [--batch 50 128] [--repeats 30] [--threads 0]

Each line is one kernel on one shape: the median time of a call, and billions of multiplications
and additions in a second (GF/s), or for pools, billions of bytes read and written (GB/s). The
functions take turns, so that a disturbance of the machine does not fall on one of them. The first
lines say what the first call of each function took: a compilation, unless the code was on disk.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from minitf.kernels import conv, gemm, pool, reference
from minitf.kernels.parallel import get_num_threads, set_num_threads


class Measured(NamedTuple):
    """A call to measure, and how many operations, or bytes, it does."""

    name: str
    call: Callable[[], object]
    amount: float
    unit: str


def convolutions(batch: int) -> Iterator[Measured]:
    for name, size, channels, out_channels in (("conv1", 28, 1, 32), ("conv2", 14, 32, 64)):
        x = random((batch, size, size, channels))
        w = random((5, 5, channels, out_channels))
        g = random((batch, size, size, out_channels))
        given = {"padding": ((2, 2), (2, 2))}
        passes = {
            "forward": (conv.conv2d, (x, w)),
            "filter gradient": (conv.conv2d_backprop_filter, (x, w.shape, g)),
            "input gradient": (conv.conv2d_backprop_input, (x.shape, w, g)),
        }
        for title, (function, args) in passes.items():

            def call(function=function, args=args, given=given) -> None:
                function(*args, **given)

            yield Measured(f"{name} {title}", call, 2.0 * g.size * w[..., 0].size, "GF/s")


def pools(batch: int) -> Iterator[Measured]:
    for name, size, channels in (("pool1", 28, 32), ("pool2", 14, 64)):
        x = random((batch, size, size, channels))
        given = {"ksize": (2, 2), "strides": (2, 2)}
        out = reference.max_pool(x, **given)
        g = random(out.shape)
        passes = {
            "max": (pool.max_pool, (x,), x.nbytes + g.nbytes),
            "max gradient": (pool.max_pool_grad, (x, out, g), 2 * x.nbytes + g.nbytes),
            "average": (pool.avg_pool, (x,), x.nbytes + g.nbytes),
            "average gradient": (pool.avg_pool_grad, (x.shape, g), x.nbytes + g.nbytes),
        }
        for title, (function, args, moved) in passes.items():

            def call(function=function, args=args, given=given) -> None:
                function(*args, **given)

            yield Measured(f"{name} {title}", call, float(moved), "GB/s")


def products(batch: int) -> Iterator[Measured]:
    x, w, g = random((batch, 3136)), random((3136, 1024)), random((batch, 1024))
    amount = 2.0 * x.size * 1024
    yield Measured("dense1 forward", lambda: gemm.matmul(x, w), amount, "GF/s")
    gradient = "dense1 weight gradient", lambda: gemm.matmul(x, g, transpose_a=True)
    yield Measured(*gradient, amount, "GF/s")
    gradient = "dense1 input gradient", lambda: gemm.matmul(g, w, transpose_b=True)
    yield Measured(*gradient, amount, "GF/s")


def random(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape, np.float32)


def seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, nargs="+", default=[50, 128], help="images at once")
    parser.add_argument("--repeats", type=int, default=30, help="calls of which the median counts")
    parser.add_argument("--threads", type=int, default=0, help="0 for as many as there are cores")
    args = parser.parse_args()
    set_num_threads(args.threads)

    first = [*convolutions(1), *pools(1), *products(1)]
    for measured in first:
        print(f"first call  {measured.name:24} {seconds(measured.call):6.2f} s")
    print(f"\nmedians of {args.repeats} calls, {get_num_threads()} threads, float32")
    for batch in args.batch:
        calls = [*convolutions(batch), *pools(batch), *products(batch)]
        times: list[list[float]] = [[] for _ in calls]
        for _ in range(args.repeats):
            for measured, its_times in zip(calls, times):
                its_times.append(seconds(measured.call))
        print(f"\nbatch {batch}")
        for measured, its_times in zip(calls, times):
            median = float(np.median(its_times))
            rate = measured.amount / median / 1e9
            print(f"  {measured.name:24} {median * 1e3:8.2f} ms {rate:8.0f} {measured.unit}")


if __name__ == "__main__":
    main()
