"""Predicts the time of a training step for more machines than one has: a simulation.

    python -m benchmarks.simulation                   the published cluster, and minitf's costs
    python -m benchmarks.simulation --measure         measures minitf's costs on this machine first

What is simulated are messages in queues. A worker pulls its share of the parameters from every
parameter server, computes, and pushes gradients back. Each message takes time from the processor
of both ends and from the network card of both ends; each of these serves one message at a time, in
the order in which they come. Nothing else: no protocol, no disturbance, no other users. Where a
synchronous step waits for the slowest, that follows from the queues, and from how much the workers'
computing times differ.

`docs/distributed-simulation.md` says how far that is from what was published.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import json
import math
import random
import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent.parent / "docs"
RECORD = DOCS / "distributed-simulation.json"
PICTURE = DOCS / "distributed-simulation.svg"

MB = 1e6
LARGE = 64e3  # bytes of a message that is divided


@dataclass(frozen=True)
class Costs:
    """What things take, in seconds.

    Attributes:
      call: of a processor, for its part of one call: to send or to receive, and to look into it.
      latency: of the network, one way.
      byte: of a network card, for a byte.
      touch: of a parameter server's processor, for a byte that it reads or updates.
    """

    call: float
    latency: float
    byte: float
    touch: float = 0.0


@dataclass(frozen=True)
class Job:
    """What is trained, and by whom.

    Attributes:
      workers: how many there are, backups included.
      servers: how many parameter servers.
      pull: bytes that each worker reads in a step, of all servers together.
      push: bytes that it writes.
      compute: seconds that computing takes a worker; the median.
      spread: how much that differs from step to step: the standard deviation of its logarithm.
      sync: whether a step waits for the workers.
      backups: for how many of them it does not wait.
      steps: how many steps are simulated; the first is not counted.
      pieces: into which a large message is divided, so that several can share a card.
    """

    workers: int
    servers: int
    pull: float
    push: float
    compute: float = 0.0
    spread: float = 0.0
    sync: bool = True
    backups: int = 0
    steps: int = 6
    pieces: int = 4


class Queue:
    """Something that does one thing at a time, in the order in which they come."""

    def __init__(self) -> None:
        self.free = 0.0

    def serve(self, now: float, seconds: float) -> float:
        """When something is done that comes now and takes so long."""
        self.free = max(self.free, now) + seconds
        return self.free


@dataclass
class Machine:
    """A machine's processor and its network card, which works both ways at once."""

    processor: Queue
    out: Queue
    into: Queue


class Simulation:
    """One job on one cluster.

    Args:
      job: what is trained.
      costs: what things take.
      seed: of the computing times.

    Attributes:
      steps: when each global step was done.
    """

    def __init__(self, job: Job, costs: Costs, seed: int = 0) -> None:
        self._job, self._costs = job, costs
        self._random = random.Random(seed)
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._order = itertools.count()
        self._servers = [_machine() for _ in range(job.servers)]
        self._workers = [_machine() for _ in range(job.workers)]
        self._step = 0
        self._arrived = 0
        self._waiting: list[int] = []  # workers that are done, and wait for the next step
        self.steps: list[float] = []

    def run(self) -> float:
        """The median time of a step; the mean where steps do not wait for the workers."""
        for worker in range(self._job.workers):
            self._begin(worker, 0.0)
        target = self._job.steps * (1 if self._job.sync else self._job.workers)
        while len(self.steps) < target:
            now, _, action = heapq.heappop(self._events)
            action(now)
        if self._job.sync:
            return statistics.median(b - a for a, b in itertools.pairwise(self.steps))
        first = len(self.steps) // self._job.steps
        return (self.steps[-1] - self.steps[first - 1]) / (len(self.steps) - first)

    def _at(self, time: float, action: Callable[[float], None]) -> None:
        heapq.heappush(self._events, (time, next(self._order), action))

    def _begin(self, worker: int, now: float) -> None:
        """A worker asks every server for its share of the parameters."""
        step, left = self._step, [self._job.servers]

        def pulled(now: float) -> None:
            left[0] -= 1
            if not left[0]:
                self._compute(worker, step, now)

        for server in self._in_turn(worker):
            self._call(worker, server, self._job.pull, 0.0, now, pulled)

    def _compute(self, worker: int, step: int, now: float) -> None:
        seconds = self._job.compute * math.exp(self._random.gauss(0.0, self._job.spread))
        self._at(now + seconds, lambda now: self._push(worker, step, now))

    def _push(self, worker: int, step: int, now: float) -> None:
        left = [self._job.servers]

        def pushed(now: float) -> None:
            left[0] -= 1
            if not left[0]:
                self._done(worker, step, now)

        for server in self._in_turn(worker):
            self._call(worker, server, 0.0, self._job.push, now, pushed)

    def _done(self, worker: int, step: int, now: float) -> None:
        """A worker's gradients are in; what is done then is what makes the ways of training."""
        if not self._job.sync:
            self.steps.append(now)
            self._begin(worker, now)
            return
        if step < self._step:  # too late: its gradients are dropped, and it catches up
            self._begin(worker, now)
            return
        self._waiting.append(worker)
        self._arrived += 1
        if self._arrived == self._job.workers - self._job.backups:
            self._arrived = 0
            self._step += 1
            self.steps.append(now)
            waiting, self._waiting = self._waiting, []
            for each in waiting:  # a token for each, out of one queue
                self._call(each, 0, 0.0, 0.0, now, lambda now, each=each: self._begin(each, now))

    def _in_turn(self, worker: int) -> list[int]:
        """The servers, begun with another one by each worker."""
        count = self._job.servers
        return [(worker + index) % count for index in range(count)]

    def _call(
        self,
        worker: int,
        server: int,
        pull: float,
        push: float,
        now: float,
        then: Callable[[float], None],
    ) -> None:
        """A call of a server: so many bytes there, so many back (of all servers together)."""
        costs, one, other = self._costs, self._workers[worker], self._servers[server]
        there, back = push / self._job.servers, pull / self._job.servers
        sent = one.processor.serve(now, costs.call)

        def received(now: float) -> None:
            seconds = costs.call + costs.touch * (there + back)
            self._at(other.processor.serve(now, seconds), answered)

        def answered(now: float) -> None:
            self._send(other, one, back, now, read)

        def read(now: float) -> None:
            self._at(one.processor.serve(now, costs.call), then)

        self._at(sent, lambda now: self._send(one, other, there, now, received))

    def _send(
        self,
        source: Machine,
        sink: Machine,
        size: float,
        now: float,
        then: Callable[[float], None],
    ) -> None:
        """Bytes go through two network cards; the last piece's arrival is the message's."""
        pieces = self._job.pieces if size > LARGE else 1
        seconds = self._costs.byte * size / pieces
        left = [pieces]

        def arrived(now: float) -> None:
            left[0] -= 1
            if not left[0]:
                then(now)

        def crossed(now: float) -> None:
            self._at(sink.into.serve(now, seconds), arrived)

        def leave(now: float, count: int) -> None:
            self._at(source.out.serve(now, seconds), lambda now: gone(now, count))

        def gone(now: float, count: int) -> None:
            self._at(now + self._costs.latency, crossed)
            if count > 1:
                leave(now, count - 1)

        leave(now, pieces)


def _machine() -> Machine:
    return Machine(Queue(), Queue(), Queue())


def step_time(job: Job, costs: Costs, seeds: int = 1) -> float:
    """The time of a step, in seconds; the median of several simulations.

    >>> costs = Costs(call=1e-3, latency=0.0, byte=0.0)
    >>> round(step_time(Job(workers=1, servers=1, pull=0, push=0), costs), 6)  # three calls
    0.009
    """
    return statistics.median(Simulation(job, costs, seed).run() for seed in range(seeds))


# ---- what was published: facts of OSDI'16, "TensorFlow: A system for large-scale machine learning"

# Null steps, 16 parameter servers, synchronous: seconds with 1 and with 100 workers.
PUBLISHED = {
    "scalar": (1.8e-3, 8.8e-3),
    "100 MB": (147e-3, 613e-3),
    "1 GB": (1.01, 7.16),
}
NULL = {
    "scalar": Job(1, 16, pull=4 * 16, push=4 * 16),
    "100 MB": Job(1, 16, pull=100 * MB, push=100 * MB, pieces=16),
    "1 GB": Job(1, 16, pull=1000 * MB, push=1000 * MB, pieces=16),
}
WORKERS = (1, 2, 5, 10, 25, 50, 100, 200)


def fitted_costs() -> Costs:
    """The published cluster's costs, from its figures for one worker alone.

    The scalar step has 48 calls, one after the other in the worker's processor, and gives `call`.
    The step of 1 GB has 2 GB through the worker's card, and gives `byte`.
    """
    scalar, large = PUBLISHED["scalar"][0], PUBLISHED["1 GB"][0]
    costs = Costs(call=1e-5, latency=5e-5, byte=1e-9)
    for _ in range(20):  # each figure depends a little on the other's cost
        call = costs.call * scalar / step_time(NULL["scalar"], costs)
        byte = costs.byte * large / step_time(NULL["1 GB"], costs)
        costs = replace(costs, call=call, byte=byte)
    return costs


# Inception-v3 on 50 workers, 17 parameter servers: how many backup workers serve best.
INCEPTION = Job(50, 17, pull=95 * MB, push=95 * MB, compute=1.7, steps=12)
BACKUPS = range(6)
PUBLISHED_GAIN = 1.095  # of three backups, after what the additional machines cost


def gain(without: float, time: float, backups: int) -> float:
    """How much faster a step is with backups, after what their machines cost."""
    workers = INCEPTION.workers
    return without / time * workers / (workers + backups)


def with_backups(count: int, spread: float, costs: Costs) -> float:
    """The time of a step of `INCEPTION` with so many backups."""
    workers = INCEPTION.workers + count
    job = replace(INCEPTION, workers=workers, backups=count, spread=spread)
    return step_time(job, costs, seeds=5)


def fitted_spread(costs: Costs) -> float:
    """The spread of computing times with which three backups gain what was published."""
    low, high = 0.02, 0.5
    for _ in range(6):
        middle = (low + high) / 2
        times = [with_backups(count, middle, costs) for count in (0, 3)]
        if gain(*times, 3) < PUBLISHED_GAIN:
            low = middle
        else:
            high = middle
    return (low + high) / 2


# ---- minitf


@dataclass(frozen=True)
class Measured:
    """What was measured of minitf on one machine.

    Attributes:
      null_call: seconds of a call with nothing in it, over TCP.
      update: seconds in which a parameter server's numpy subtracts the CNN's gradients.
      compute: seconds of a training step of the tutorial's CNN at batch 50, on two cores.
    """

    null_call: float
    update: float
    compute: float


CNN_BYTES = 13.1 * MB
TEN_GIGABIT = 0.8e-9  # seconds for a byte
LATENCY = 50e-6


def measure() -> Measured:
    """Measures minitf's costs here; the CNN's step is the one of docs/performance.json."""
    import time

    import numpy as np

    from benchmarks import wire

    times = {what: call for what, _, call in wire.measure(20)}
    weights, gradients = np.ones(wire.NUMBERS, np.float32), np.ones(wire.NUMBERS, np.float32)
    updates = []
    for _ in range(20):
        start = time.perf_counter()
        weights -= gradients
        updates.append(time.perf_counter() - start)
    cases = json.loads((DOCS / "performance.json").read_text())["cases"]
    (cnn,) = [case for case in cases if case["name"] == "cnn-train-50"]
    return Measured(
        times["TCP null"], statistics.median(updates), cnn["engines"]["minitf"]["median"]
    )


def minitf_costs(measured: Measured) -> Costs:
    """A call of nothing takes three parts: sending, serving, receiving."""
    return Costs(measured.null_call / 3, LATENCY, TEN_GIGABIT, measured.update / CNN_BYTES)


def ways(workers: int, measured: Measured, spread: float) -> dict[str, float]:
    """Batches in a second, with so many workers, and a parameter server for every four of them."""
    servers = max(1, workers // 4)
    job = Job(workers, servers, CNN_BYTES, CNN_BYTES, measured.compute, spread, steps=4)
    costs, backups = minitf_costs(measured), round(workers * 0.06)
    ways = {
        "asynchronous": replace(job, sync=False),
        "synchronous": job,
        "6 % backups": replace(job, workers=workers + backups, backups=backups),
    }
    batches = {name: 1 if name == "asynchronous" else workers for name in ways}
    return {name: batches[name] / step_time(each, costs) for name, each in ways.items()}


# ---- the record and its picture


def simulate(measured: Measured) -> dict[str, Any]:
    """Everything that docs/distributed-simulation.md shows."""
    theirs = fitted_costs()
    spread = fitted_spread(theirs)
    times = [with_backups(count, spread, theirs) for count in BACKUPS]
    return {
        "measured": asdict(measured),
        "fitted": {**asdict(theirs), "spread": spread},
        "null": {
            name: [[n, step_time(replace(job, workers=n, steps=3), theirs)] for n in WORKERS[:-1]]
            for name, job in NULL.items()
        },
        "backups": [[b, times[b], gain(times[0], times[b], b)] for b in BACKUPS],
        "cnn": {str(n): ways(n, measured, spread) for n in WORKERS},
    }


def draw(record: dict[str, Any]) -> str:
    """The picture of a record, as SVG."""
    from benchmarks.plot import Curve, Panel, picture

    null, cnn = record["null"], record["cnn"]
    colours = ("#1f77b4", "#2ca02c", "#d62728")
    published = [
        Curve(name, colour, [(1, one), (100, hundred)])
        for colour, (name, (one, hundred)) in zip(colours, PUBLISHED.items())
    ]
    simulated = [
        Curve(name, colour, [(x, y) for x, y in points])
        for colour, (name, points) in zip(colours, null.items())
    ]
    names = list(next(iter(cnn.values())))
    trained = [
        Curve(name, colour, [(int(n), values[name]) for n, values in cnn.items()])
        for colour, name in zip(colours, names)
    ]
    panels = [
        Panel("Null steps, 16 servers: simulated", "workers", "s", simulated),
        Panel("... and as published, for 1 and 100", "workers", "s", published),
        Panel("The tutorial's CNN, minitf's costs", "workers", "batches/s", trained),
    ]
    return picture(panels, 3, "Time of a step, simulated, against the number of workers")


def tables(record: dict[str, Any]) -> list[str]:
    """The tables of docs/distributed-simulation.md."""
    null = ["| | 1 worker | simulated | 100 workers | simulated |", "|---|---|---|---|---|"]
    for name, points in record["null"].items():
        times = dict(points)
        cells = [PUBLISHED[name][0], times[1], PUBLISHED[name][1], times[100]]
        null.append(f"| {name} | " + " | ".join(f"{1e3 * cell:,.1f} ms" for cell in cells) + " |")
    backups = ["| backups | step | gain after their cost |", "|---|---|---|"]
    for count, seconds, factor in record["backups"]:
        backups.append(f"| {count} | {seconds:.2f} s | {100 * (factor - 1):+.1f} % |")
    names = list(next(iter(record["cnn"].values())))
    cnn = [f"| workers | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for workers, rates in record["cnn"].items():
        cnn.append(f"| {workers} | " + " | ".join(f"{rates[name]:,.0f}" for name in names) + " |")
    return ["\n".join(rows) for rows in (null, backups, cnn)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--measure", action="store_true", help="measure minitf's costs here first")
    args = parser.parse_args()
    if args.measure:
        measured = measure()
    else:
        measured = Measured(**json.loads(RECORD.read_text())["measured"])
    record = simulate(measured)
    RECORD.write_text(json.dumps(record, indent=1) + "\n")
    PICTURE.write_text(draw(record))
    print(record["measured"], record["fitted"], *tables(record), sep="\n\n")


if __name__ == "__main__":
    main()
