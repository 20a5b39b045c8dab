"""Fuzzes the import of GraphDefs: real ones, damaged, which have to be refused clearly or accepted.

    python -m tests.framework.graph_def_fuzz              100,000 inputs; records what came of them
    python -m tests.framework.graph_def_fuzz --only 4711  one of them, with what becomes of it
    python -m tests.framework.graph_def_fuzz --originals  takes other real GraphDefs to damage

What must hold of every input: it is accepted, or refused with one of the errors that
`tf.import_graph_def` documents, in a message that names a node of the file or what it is of the
file as a whole; the graph is then as it was before, to the last name; and neither time nor memory
runs away.
"""

from __future__ import annotations

import argparse
import json
import lzma
import random
import resource
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError

import minitf as tf
from minitf.framework import errors
from tests.framework.graph_def_inventions import invented
from tests.framework.graph_def_mutations import bytes_mutated, message_mutated
from tests.parity.graph_defs import read_recording

RECORD = Path(__file__).parents[1] / "golden" / "graph_def_fuzz.json"
ORIGINALS = RECORD.with_name("graph_def_originals.xz")
SEED = 20260
LARGEST_ORIGINAL = 40_000
SLOW = 5.0  # seconds of the processor; none of the originals takes a tenth of it

# What may be wrong with a file as a whole, or with the arguments; other messages name a node.
OF_THE_WHOLE = (
    *("GraphDef min consumer", "GraphDef disallows", "GraphDef producer", "GraphDef function"),
    *("Attempted to map", "Requested return"),
)
REFUSED = (ValueError, TypeError, errors.NotFoundError, errors.InvalidArgumentError)


class NotClear(AssertionError):
    """An input was neither accepted nor refused as it should be."""


@dataclass
class Outcome:
    """What came of many inputs.

    Attributes:
      counts: of each kind of outcome.
      mutations: of each kind of damage, how many inputs had it.
      slowest: the longest that one took, in seconds, and its number.
    """

    counts: Counter[str] = field(default_factory=Counter)
    mutations: Counter[str] = field(default_factory=Counter)
    slowest: tuple[float, int] = (0.0, 0)


@cache
def originals() -> list[bytes]:
    """Real GraphDefs, as TensorFlow wrote them: kept apart, so that inputs stay what they are."""
    head, _, data = lzma.decompress(ORIGINALS.read_bytes()).partition(b"\n")
    found = []
    for size in json.loads(head):
        found.append(data[:size])
        data = data[size:]
    return found


def keep_originals() -> None:
    """Keeps every third of the GraphDefs that TensorFlow was recorded with."""
    recorded = [each.graph_def for each in read_recording()[0].values()]
    found = [data for data in recorded if 100 < len(data) <= LARGEST_ORIGINAL][::3]
    head = json.dumps([len(data) for data in found]).encode()
    ORIGINALS.write_bytes(lzma.compress(head + b"\n" + b"".join(found), preset=9))
    print(f"{len(found)} GraphDefs, {ORIGINALS.stat().st_size} bytes")


def damaged(number: int, outcome: Outcome) -> bytes | Any:
    """Input number so-and-so: bytes, or a message that was never written."""
    rng = random.Random(SEED * 1_000_003 + number)
    if rng.random() < 0.3:
        outcome.mutations["invented"] += 1
        return invented(rng)
    data, other = rng.choice(originals()), rng.choice(originals())
    if rng.random() < 0.2:
        outcome.mutations["bytes"] += 1
        return bytes_mutated(rng, data, other)
    graph_def = tf.GraphDef.FromString(data)
    outcome.mutations.update(message_mutated(rng, graph_def, tf.GraphDef.FromString(other)))
    return graph_def


def attempt(number: int, outcome: Outcome) -> str:
    """Imports one input into a graph that has nodes already; says what came of it.

    Raises:
      NotClear: if it was refused in another way than a user can make sense of, or left a trace.
    """
    given = damaged(number, outcome)
    if isinstance(given, bytes):
        try:
            given = tf.GraphDef.FromString(given)
        except DecodeError:
            return "not a message"
    rng = random.Random(number)
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [2, 3], name="x")
        tf.identity(x, name="import/x")
        before = state_of(graph)
        try:
            tf.import_graph_def(given, **_arguments(rng, given, x))
        except REFUSED as error:
            _check_refusal(error, given)
            if state_of(graph) != before:
                raise NotClear(f"input {number}: the graph was changed") from error
            return _kind(error)
        except Exception as error:
            raise NotClear(f"input {number}: {type(error).__name__}: {error}") from error
        if len(graph.get_operations()) < 2 + len(given.node):
            raise NotClear(f"input {number}: nodes are missing")
        if number % 4 == 0:
            _check_round_trip(graph, number)
    return "accepted"


def _kind(error: Exception) -> str:
    if isinstance(error, errors.OpError):
        return type(error).__name__
    return "TypeError" if isinstance(error, TypeError) else "ValueError"


def _arguments(rng: random.Random, given: Any, x: Any) -> dict[str, Any]:
    arguments: dict[str, Any] = {"name": rng.choice((None, "", "x", "import/"))}
    if len(given.node) and rng.random() < 0.2:
        names = [node.name for node in given.node]
        if rng.random() < 0.5:
            key = rng.choice(names)
            arguments["input_map"] = {key: rng.choice((x, 1.5))} if arguments["name"] else {key: x}
        else:
            arguments["return_elements"] = [rng.choice((rng.choice(names), "gone", "x:0"))]
    return arguments


def state_of(graph: Any) -> Any:
    """All that an import may change of a graph, so that two states can be compared."""
    ops = graph.get_operations()
    consumers = [[len(t._consumers) for t in op._outputs] for op in ops]
    return [op.name for op in ops], consumers, graph.version, dict(graph._names_in_use)


def _check_refusal(error: Exception, given: Any) -> None:
    message = str(error)
    first = message.partition("\n")[0]
    if error.__cause__ is not None:
        raise NotClear(f"a rule fails: {message}") from error
    if first.startswith(OF_THE_WHOLE) or "`:`" in first:
        return
    names = {errors.brief(node.name)[1:40] for node in given.node}
    if not any(name in message for name in names):
        raise NotClear(f"no node is named: {message}") from error


def _check_round_trip(graph: Any, number: int) -> None:
    """What was accepted is written, and what is written is accepted."""
    written = tf.GraphDef.FromString(graph.as_graph_def().SerializeToString())
    with tf.Graph().as_default() as again:
        tf.import_graph_def(written, name="")
    if len(again.get_operations()) != len(graph.get_operations()):
        raise NotClear(f"input {number}: not the same when written and read")


def fuzz(numbers: range) -> Outcome:
    """Imports many inputs.

    Raises:
      NotClear: at the first that should have gone another way.
    """
    outcome = Outcome()
    for number in numbers:
        start = time.process_time()
        try:
            outcome.counts[attempt(number, outcome)] += 1
        except NotClear:
            raise
        except Exception as error:
            raise NotClear(f"input {number}: {type(error).__name__}: {error}") from error
        took = time.process_time() - start
        outcome.slowest = max(outcome.slowest, (took, number))
        if took > SLOW:
            raise NotClear(f"input {number} took {took:.1f} s")
    return outcome


def of_many_nodes(count: int) -> dict[str, Any]:
    """What the import of so many nodes takes: processor time, and memory above the message's."""
    graph_def = tf.GraphDef()
    graph_def.node.add(name="n0", op="Placeholder").attr["dtype"].type = 1
    for number in range(1, count):
        node = graph_def.node.add(name=f"layer{number % 99}/n{number}", op="AddV2")
        node.input.extend([graph_def.node[number - 1].name, graph_def.node[number // 2].name])
        node.attr["T"].type = 1
    before, cpu = _memory(), time.process_time()
    with tf.Graph().as_default():
        tf.import_graph_def(graph_def, name="")
        return {
            f"{count}_nodes_cpu_seconds": round(time.process_time() - cpu, 1),
            f"{count}_nodes_megabytes": round(_memory() - before),
        }


def _memory() -> float:
    """What this process holds now, in megabytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def record(count: int) -> dict[str, Any]:
    """Runs so many inputs and keeps the figures, which docs/parity.md shows."""
    start, cpu = time.perf_counter(), time.process_time()
    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcome = fuzz(range(count))
    figures = {
        "inputs": count,
        "originals": len(originals()),
        "outcomes": dict(outcome.counts.most_common()),
        "mutations": dict(outcome.mutations.most_common()),
        "seconds": round(time.perf_counter() - start, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "slowest_milliseconds": round(1000 * outcome.slowest[0], 1),
        "memory_before_megabytes": base // 1024,
        "peak_memory_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    for nodes in (100_000, 1_000_000):
        figures.update(of_many_nodes(nodes))
    RECORD.write_text(json.dumps(figures, indent=1) + "\n")
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description="Fuzzes the import of GraphDefs.")
    parser.add_argument("--inputs", type=int, default=100_000, help="how many")
    parser.add_argument("--only", type=int, help="one input, by its number")
    parser.add_argument("--originals", action="store_true", help="keep other real GraphDefs")
    parser.add_argument("--all", action="store_true", help="go on after a failure; record nothing")
    options = parser.parse_args()
    # A runaway allocation ends in MemoryError, which is a failure, and not in a dead machine.
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    if options.originals:
        keep_originals()
    elif options.only is not None:
        print(damaged(options.only, Outcome()))
        print(attempt(options.only, Outcome()))
    elif options.all:
        outcome = Outcome()
        for number in range(options.inputs):
            start = time.perf_counter()
            try:
                outcome.counts[attempt(number, outcome)] += 1
            except Exception as error:
                print(number, type(error).__name__, str(error)[:600].replace("\n", " | "))
                outcome.counts["FAILED"] += 1
            outcome.slowest = max(outcome.slowest, (time.perf_counter() - start, number))
        print(outcome)
    else:
        print(json.dumps(record(options.inputs), indent=1))


if __name__ == "__main__":
    main()
