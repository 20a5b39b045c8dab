"""Measures training with a parameter server, beside TensorFlow's own where that is installed.

    python -m benchmarks.distributed [--rounds 5] [--only null dense sparse cnn]

Each engine has a cluster on this machine: a process for the parameter server, and two workers, each
its own master, as in a script of TensorFlow 1. minitf has a second one whose tasks talk TCP, where
Unix sockets would be chosen. The clusters take turns; one that is not asked is stopped, like a job
in a shell. Each figure is the median over all steps of all rounds.

null     one variable of one number: the worker reads it and adds 1 to it
dense    the 3,274,634 numbers of the tutorial's CNN: the worker reads them and subtracts a tenth
sparse   32 random rows of 64 numbers of a table of 10,000 (1,000,000) rows: read, and changed
cnn-1    the CNN with Adam at batch 50, one worker
cnn-2    the same with two workers at once, asynchronously: time per batch of either
cnn-cond the same with one worker, where a placeholder says whether there is dropout
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import select
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks import driver, networks

SHAPES = [[5, 5, 1, 32], [32], [5, 5, 32, 64], [64], [3136, 1024], [1024], [1024, 10], [10]]
CASES = ["null", "dense", "sparse-10k", "sparse-1m", "cnn-1", "cnn-2", "cnn-cond"]
STEPS = {
    "null": 200,
    "dense": 15,
    "sparse-10k": 60,
    "sparse-1m": 60,
    "cnn-1": 8,
    "cnn-2": 8,
    "cnn-cond": 8,
}
ANSWER_SECONDS = 300.0


# ---- a task of a cluster


def serve(engine: str, job: str, index: int, jobs: dict[str, list[str]]) -> None:
    """Is one task: a parameter server, or a worker that does the steps it is asked for."""
    tf = networks.load(engine)
    server = tf.train.Server(tf.train.ClusterSpec(jobs), job, index)
    if job == "ps":
        print(json.dumps("ready"), flush=True)
        sys.stdin.read()  # until the driver is gone
        os._exit(0)
    steps: dict[str, Callable[[], object]] = {}
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        case, count = line.split()
        if case not in steps:
            steps[case] = WORK[case](tf, server, index)
            for _ in range(5):
                steps[case]()
        times = []
        for _ in range(int(count)):
            began = time.perf_counter()
            steps[case]()
            times.append(time.perf_counter() - began)
        print(json.dumps(times), flush=True)
    os._exit(0)  # TensorFlow's server cannot be stopped


@contextlib.contextmanager
def building(tf: Any, index: int, name: str) -> Iterator[Any]:
    """A graph whose variables go to the parameter server."""
    worker = f"/job:worker/task:{index}"
    with tf.Graph().as_default() as graph:
        setter = tf.train.replica_device_setter(ps_tasks=1, worker_device=worker)
        with tf.device(setter), tf.variable_scope(name):
            yield graph


def started(tf: Any, server: Any, index: int, graph: Any) -> Any:
    """A session whose variables have values; every worker only sees itself and the server."""
    filters = ["/job:ps", f"/job:worker/task:{index}"]
    config = tf.ConfigProto(device_filters=filters)
    with graph.as_default():
        init = tf.global_variables_initializer()
    sess = tf.Session(server.target, graph=graph, config=config)
    sess.run(init)
    return sess


def null_work(tf: Any, server: Any, index: int) -> Callable[[], object]:
    with building(tf, index, "null") as graph:
        v = tf.get_variable("v", [], initializer=tf.zeros_initializer())
        train = tf.assign_add(v, tf.minimum(v + 1.0, 1.0)).op
    sess = started(tf, server, index, graph)
    return lambda: sess.run(train)


def dense_work(tf: Any, server: Any, index: int) -> Callable[[], object]:
    with building(tf, index, "dense") as graph:
        descent = tf.train.GradientDescentOptimizer(0.1)
        weights = [tf.get_variable(f"w{i}", shape) for i, shape in enumerate(SHAPES)]
        train = descent.apply_gradients([(w * 1.0, w) for w in weights])
    sess = started(tf, server, index, graph)
    return lambda: sess.run(train)


def sparse_work(rows: int) -> Callable[[Any, Any, int], Callable[[], object]]:
    def work(tf: Any, server: Any, index: int) -> Callable[[], object]:
        with building(tf, index, f"sparse{rows}") as graph:
            table = tf.get_variable("t", [rows, 64], initializer=tf.zeros_initializer())
            chosen = tf.random_uniform([32], 0, rows, tf.int32, seed=1)
            loss = tf.reduce_sum(tf.square(tf.nn.embedding_lookup(table, chosen) - 1.0))
            train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
        sess = started(tf, server, index, graph)
        return lambda: sess.run(train)

    return work


def cnn_work(has_branches: bool) -> Callable[[Any, Any, int], Callable[[], object]]:
    def work(tf: Any, server: Any, index: int) -> Callable[[], object]:
        with building(tf, index, "branches" if has_branches else "cnn") as graph:
            net = networks.cnn(tf, has_branches)
        sess = started(tf, server, index, graph)
        images, labels = networks.digits(50)
        feed = {net.x: images, net.labels: labels, net.keep_prob: networks.KEEP_PROB}
        return lambda: sess.run(net.train, feed)

    return work


WORK: dict[str, Callable[[Any, Any, int], Callable[[], object]]] = {
    "null": null_work,
    "dense": dense_work,
    "sparse-10k": sparse_work(10_000),
    "sparse-1m": sparse_work(1_000_000),
    "cnn-1": cnn_work(has_branches=False),
    "cnn-2": cnn_work(has_branches=False),
    "cnn-cond": cnn_work(has_branches=True),
}


# ---- the driver


class Cluster:
    """The processes of one engine's cluster.

    Args:
      name: what to call it.
      python: the interpreter that has the engine.
      engine: "minitf" or "tensorflow".
      more: variables of the environment.
    """

    def __init__(self, name: str, python: str, engine: str, **more: str) -> None:
        self.name = name
        addresses = [f"127.0.0.1:{port}" for port in free_ports(3)]
        jobs = json.dumps({"ps": addresses[:1], "worker": addresses[1:]})
        command = [python, "-m", "benchmarks.distributed", "--task", engine]
        self._processes = [
            subprocess.Popen(
                [*command, job, str(index), jobs],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=driver.ROOT,
                env=driver.environment(**more),
            )
            for job, index in (("ps", 0), ("worker", 0), ("worker", 1))
        ]
        for process in self._processes:
            answer(process)
        self.stop()

    def times(self, case: str, count: int) -> list[float]:
        """The seconds of each step; with two workers, per batch of either."""
        self._signal(signal.SIGCONT)
        workers = self._processes[1:3] if case == "cnn-2" else self._processes[1:2]
        for process in workers:
            assert process.stdin is not None
            process.stdin.write(f"{case} {count}\n")
            process.stdin.flush()
        found = [answer(process) for process in workers]
        self.stop()
        return [each / len(workers) for times in found for each in times]

    def stop(self) -> None:
        """Has the processes rest."""
        self._signal(signal.SIGSTOP)

    def close(self) -> None:
        """Ends the processes."""
        for process in self._processes:
            process.kill()
            process.wait()

    def _signal(self, number: int) -> None:
        for process in self._processes:
            process.send_signal(number)


def answer(process: subprocess.Popen[str]) -> Any:
    """The next line that a task says."""
    assert process.stdout is not None
    if not select.select([process.stdout], [], [], ANSWER_SECONDS)[0]:
        raise RuntimeError(f"a task says nothing for {ANSWER_SECONDS:.0f} s: {process.args}")
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"a task ended with {process.wait()}: {process.args}")
    return json.loads(line)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens at; all different."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def clusters() -> Iterator[Cluster]:
    """A cluster of each engine that is installed."""
    for engine in driver.engines(["minitf", "tensorflow"]):
        yield Cluster(engine.name, engine.command[0], engine.name)
        if engine.name == "minitf":
            yield Cluster("minitf, TCP", engine.command[0], "minitf", MINITF_UNIX="0")


def measure(cases: list[str], rounds: int) -> dict[str, dict[str, float]]:
    """By case and cluster: the median seconds of a step."""
    found: dict[str, dict[str, list[float]]] = {case: {} for case in cases}
    with contextlib.ExitStack() as stack:
        running = []
        for each in clusters():
            stack.callback(each.close)
            running.append(each)
        for case in cases:
            for turn in range(rounds + 1):
                for each in running:
                    times = each.times(case, STEPS[case])
                    if turn:  # the first compiles
                        found[case].setdefault(each.name, []).extend(times)
    return {
        case: {name: statistics.median(times) for name, times in by_name.items()}
        for case, by_name in found.items()
    }


def main() -> None:
    """Measures what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", default=CASES, choices=CASES)
    parser.add_argument("--task", nargs=4, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.task:
        engine, job, index, jobs = args.task
        serve(engine, job, int(index), json.loads(jobs))
        return
    for case, medians in measure(args.only, args.rounds).items():
        theirs = medians.get("tensorflow")
        for name, seconds in medians.items():
            ratio = f"  {seconds / theirs:5.2f} of TensorFlow's" if theirs else ""
            print(f"{case:11} {name:12} {seconds * 1e3:9.3f} ms{ratio}", flush=True)


if __name__ == "__main__":
    main()
