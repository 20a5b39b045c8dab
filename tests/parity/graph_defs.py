"""GraphDefs that go from one engine to the other: how they are made, imported, run and kept.

python -m tests.parity.graph_defs               TensorFlow records the binary GraphDefs that it
                                                writes of the builders, so that minitf's reading
                                                of them is tested where it is not installed
python -m tests.parity.graph_defs --both-ways   every builder goes from each engine to the other;
                                                keeps the figures for docs/parity.md
"""

from __future__ import annotations

import json
import lzma
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

from tests.parity import builders
from tests.parity.harness import (
    FAMILIES,
    SEED,
    Case,
    Observed,
    compare,
    engine,
    node_lines,
    run_everything,
    session,
)
from tests.parity.recording import GOLDEN

assert builders
RECORDED = GOLDEN / "graph_defs.xz"
# What one engine keeps outside of the graph: a Python function under a token, the encoder of PNGs.
NOT_IN_THE_GRAPH = ("PyFunc", "PyFuncStateless", "EagerPyFunc", "ImageSummary")
# A larger GraphDef holds large constants; recorded are the others.
MOST_BYTES = 300_000


@dataclass
class Written:
    """The graph of a case, as one engine wrote it.

    Attributes:
      graph_def: the binary GraphDef.
      setters: the names of the operations that initialize variables.
      returned: the names of the tensors that a `values` case returns.
      unfetchable: the names of the operations in branches of `tf.cond`: which they are, a GraphDef
        does not say.
    """

    graph_def: bytes
    setters: list[str] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)
    unfetchable: list[str] = field(default_factory=list)


# These train in graphs like those of the family "training", one after another.
LEFT_OUT = ("trajectories",)
# The cases of these that are run do so themselves: nodes wait for one another, or train.
RUN_THEMSELVES = ("data_flow", "inputs", "partitioned", "sessions")


def cases() -> Iterator[tuple[str, Case]]:
    """The cases that make a graph."""
    for family in FAMILIES.values():
        for case in family.cases.values():
            runs = case.kind == "values" and family.name in RUN_THEMSELVES
            if case.kind != "error" and family.name not in LEFT_OUT and not runs:
                yield family.name, case


def build(tf: Any, case: Case) -> tuple[Any, Written]:
    """Builds a case in one engine; the graph, and what that engine writes of it."""
    with tf.Graph().as_default() as graph:
        tf.set_random_seed(SEED)
        result = case.build(tf)
        results = list(result) if isinstance(result, (list, tuple)) else [result]
        returned = [r.name for r in results if hasattr(r, "op")] if case.kind == "values" else []
        variables = tf.global_variables() + tf.local_variables()
        setters = [variable.initializer.name for variable in variables]
        data = graph.as_graph_def().SerializeToString(deterministic=True)
    unfetchable = [op.name for op in graph.get_operations() if not graph.is_fetchable(op)]
    return graph, Written(data, setters, returned, unfetchable)


def imported(tf: Any, written: Written) -> Any:
    """A graph of one engine from what any engine wrote."""
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(tf.GraphDef.FromString(written.graph_def), name="")
        for name in written.setters:
            setter = SimpleNamespace(initializer=graph.get_operation_by_name(name))
            graph.add_to_collection(tf.GraphKeys.GLOBAL_VARIABLES, setter)
        for name in written.unfetchable:
            graph.prevent_fetching(graph.get_operation_by_name(name))
    return graph


def observed(tf: Any, graph: Any, case: Case, returned: list[str]) -> Observed:
    """The nodes of a graph, in the order of names, and what its tensors come to."""
    seen = Observed(nodes=sorted(node_lines(graph)))
    with graph.as_default():
        if returned:
            with session(tf) as sess:
                sess.run([variable.initializer for variable in tf.global_variables()])
                for i, value in enumerate(sess.run(returned)):
                    seen.keep(str(i), value)
        elif case.run:
            run_everything(tf, graph, seen, case.feeds)
    return seen


# A line of a node tells the dtypes and shapes of outputs as 'float32(2, ?)' or 'int32<unknown>'.
_STATIC_SHAPE = re.compile(r"(?<=[a-z0-9])(\([0-9?, ]*\)|<unknown>)(?=')")


def compare_moved(actual: Observed, expected: Observed, moved: Any, case: Case) -> dict[str, float]:
    """Asserts that a graph is the same and comes to the same in the engine that it was moved to.

    Static shapes are left out: Python code knows more of them than a GraphDef tells, and rules of
    ops may know more in one engine. So is what depends on a Python function.

    Args:
      actual: what was observed after the graph was moved.
      expected: what was observed before.
      moved: the graph after it was moved.
      case: the case.
    """
    foreign = behind(moved, NOT_IN_THE_GRAPH)
    for seen in (actual, expected):
        seen.nodes = sorted(_STATIC_SHAPE.sub("", line) for line in seen.nodes)
        for part in (seen.values, seen.shapes, seen.errors):
            for name in foreign & set(part):
                del part[name]
    return compare(actual, expected, replace(case, kind="graph", run=False))


def behind(graph: Any, types: tuple[str, ...]) -> set[str]:
    """The names of the tensors that depend on an operation of one of these types."""
    ops: set[str] = set()
    for op in graph.get_operations():
        sources = [tensor.op.name for tensor in op.inputs] + [c.name for c in op.control_inputs]
        if op.type in types or not ops.isdisjoint(sources):
            ops.add(op.name)
    return {t.name for op in graph.get_operations() if op.name in ops for t in op.outputs}


def move(name: str, case: Case, writer: str, reader: str) -> Moved:
    """Builds a case in one engine, has the other import it, and compares what both come to.

    Raises:
      AssertionError: if they do not come to the same.
    """
    first, second = engine(writer), engine(reader)
    graph, written = build(first, case)
    if (name, reader) in REFUSED:
        try:
            imported(second, written)
        except ValueError:
            return Moved(0, 0, {})
        raise AssertionError(f"{name} is not refused any more")
    moved = imported(second, written)
    nodes = len(moved.get_operations())
    assert nodes == len(graph.get_operations())
    if not nodes:  # a builder that makes graphs of its own inside, and returns arrays
        return Moved(0, 0, {})
    built = observed(first, graph, case, written.returned)
    # Colocated nodes move to one device when they are imported, in either engine.
    built.nodes = node_lines(imported(first, written))
    read = observed(second, moved, case, written.returned)
    largest = compare_moved(read, built, moved, case)
    return Moved(nodes, len(read.values), largest)


@dataclass
class Moved:
    """What was compared of a graph in the engine that it was moved to; 0 nodes if nothing was."""

    nodes: int
    values: int
    largest: dict[str, float]


# Builders whose GraphDef the other engine refuses, and why.
REFUSED = {
    ("maths/linspaces", "tensorflow.compat.v1"): (
        "TensorFlow's op LinSpace refuses 0 values; its function composes other ops"
    ),
}
BOTH_WAYS = [("minitf", "tensorflow.compat.v1"), ("tensorflow.compat.v1", "minitf")]
FIGURES = GOLDEN / "graph_def_moves.json"


def move_all() -> None:
    """Moves every builder's graph both ways, and keeps how many that were and how far apart."""
    figures: dict[str, Any] = {}
    for writer, reader in BOTH_WAYS:
        way = f"from {writer.partition('.')[0]} to {reader.partition('.')[0]}"
        found = [move(f"{f}/{case.name}", case, writer, reader) for f, case in cases()]
        figures[f"graphs {way}"] = sum(1 for each in found if each.nodes)
        figures[f"nodes {way}"] = sum(each.nodes for each in found)
        figures[f"tensors run and compared {way}"] = sum(each.values for each in found)
        for dtype in sorted({dtype for each in found for dtype in each.largest}):
            largest = max(each.largest.get(dtype, 0.0) for each in found)
            if largest:
                figures[f"largest difference of {dtype} {way}"] = largest
    FIGURES.write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures, indent=1))


# ---- the recording


def write_recording(found: dict[str, Written], left_out: list[str]) -> None:
    """Keeps what TensorFlow wrote: two lines of JSON, then the GraphDefs one after another."""
    index = {
        name: [len(each.graph_def), each.setters, each.returned, each.unfetchable]
        for name, each in found.items()
    }
    head = f"{json.dumps(index)}\n{json.dumps(left_out)}\n".encode()
    data = head + b"".join(each.graph_def for each in found.values())
    RECORDED.write_bytes(lzma.compress(data, preset=9 | lzma.PRESET_EXTREME))


def read_recording() -> tuple[dict[str, Written], list[str]]:
    """What TensorFlow wrote when it was recorded, by "family/case"; and what was left out."""
    head, left_out, data = lzma.decompress(RECORDED.read_bytes()).split(b"\n", 2)
    found = {}
    position = 0
    for name, (size, *rest) in json.loads(head).items():
        found[name] = Written(data[position : position + size], *rest)
        position += size
    return found, json.loads(left_out)


def main() -> None:
    if sys.argv[1:] == ["--both-ways"]:
        move_all()
        return
    tf = engine("tensorflow.compat.v1")
    found = {}
    left_out = []
    for family, case in cases():
        _, written = build(tf, case)
        # An empty one is of a builder that makes graphs of its own inside.
        if 10 < len(written.graph_def) <= MOST_BYTES:
            found[f"{family}/{case.name}"] = written
        else:
            left_out.append(f"{family}/{case.name}")
            print(f"{left_out[-1]}: {len(written.graph_def)} bytes, left out")
    write_recording(found, left_out)
    size = sum(len(each.graph_def) for each in found.values())
    print(f"{len(found)} GraphDefs, {size} bytes, {RECORDED.stat().st_size} compressed")


if __name__ == "__main__":
    main()
