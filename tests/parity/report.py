"""Writes docs/parity.md: what was compared with TensorFlow, how much of it, and what differs.

    python -m tests.parity.report        (make parity-report)

Builders are run anew under minitf, and under TensorFlow too where it is installed, which is how the
page in the repository was made. The parts that take long leave their figures behind when they run:
gradients, random graphs, the fuzzing of GraphDefs, the MNIST CNN side by side.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.engines import MODULES
from tests.parity import (
    builders,
    gradient_cases,
    gradient_tolerances,
    recording,
    side_by_side_page,
    test_graph_def,
    test_published_numbers,
    test_random_bits,
)
from tests.parity.deviations import DEVIATIONS
from tests.parity.harness import FAMILIES, Observed, compare, engine, observe
from tests.parity.recording import GOLDEN

assert builders
DOCS = Path(__file__).parents[2] / "docs"
FLOATS = ("float16", "float32", "float64", "complex64", "complex128")


INTRO = """
# minitf beside TensorFlow

minitf mirrors TensorFlow 1: the same graph for the same program, the same numbers for the same
seed. This page says how far that has been measured. It is written by `make parity-report`, from
runs of both engines; no figure in it was put there by hand.

The reference is TensorFlow 2.21 on a CPU: `tf.compat.v1` after `disable_v2_behavior()` and
`disable_resource_variables()`, with `tf_keras` for `tf.layers`. Differences are relative to the
largest element of the tensor that is compared. "None" means: equal to the last bit.

| command | what it does |
|---|---|
| `make parity` | installs TensorFlow next to minitf and runs all comparisons in both, live |
| `make test` | compares minitf with what TensorFlow was recorded with, in `tests/golden` |
| `make parity-record` | has TensorFlow recorded anew |
| `make parity-report` | writes this page |
| `make side-by-side` | trains the CNN on MNIST in both engines and compares |
"""

GRAPHS = """
## Graphs and values

A builder is a function of `tf` that both engines run. Compared are all nodes outside of gradients,
in order: name, type, inputs, control inputs, attributes, static shapes, device; then the value of
every tensor in the graph that a session can run, placeholders being fed alike; and the class of
every error. Integers, booleans, strings, shapes and nodes are equal throughout; the columns of
dtypes hold the largest difference seen.
"""

GRADIENTS = """
## Gradients, op by op

Every op that has a gradient is differentiated twice in both engines, by every input, with random
incoming gradients; with shapes that are known, partly known and unknown, and with broadcasting
where the op does so. What has no gradient has none in either. Differences are relative to the
largest value among the gradients of one order of a case.
"""

RANDOM_GRAPHS = """
## Random programs

Hypothesis draws programs of registered ops, shapes, dtypes and values; both engines build and run
them. Nodes, static shapes, values, first and second gradients and errors have to agree; a program
that shows a difference is made smaller and printed as a script.
"""

RANDOM_BITS = """
## Random numbers

Random ops, dropout masks and initializers draw TensorFlow's bits, for seeds of the graph, of the
op and of both, run after run and session after session. [More on seeds](random.md).
"""

GRAPH_DEFS = """
## GraphDefs

What minitf writes of the builders is imported and run by TensorFlow, and the other way round;
nodes and values agree as above. Left out are builders that make no graph of their own, such as
whole training runs, and values behind Python functions, which no file holds.
"""

HOSTILE = """
Damaged and hostile GraphDefs are refused with an error that names the node, or are accepted, run as
a graph, and written again. Nothing is added to the graph by one that is refused.
"""


def main() -> None:
    sections = [INTRO, graphs(), gradients(), random_graphs(), random_bits(), graph_defs()]
    sections += [side_by_side(), deviations()]
    page = "\n\n".join(section.strip() for section in sections) + "\n"
    (DOCS / "parity.md").write_text(page)
    print(f"docs/parity.md: {len(page.splitlines())} lines")


def table(*rows: Any) -> str:
    """A table in Markdown; the first row heads it."""
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def apart(value: float) -> str:
    """A relative difference as text."""
    return f"{value:.1e}" if value else "none"


def measured(path: Path) -> Any:
    """Figures that another command left behind."""
    if not path.exists():
        raise SystemExit(f"{path.name} is not there: run what makes it first: see the README.")
    return json.loads(path.read_text())


def graphs() -> str:
    """Families of builders: how many, and how far apart."""
    rows: list[Any] = [["family", "builders", "nodes", "tensors", "errors", *FLOATS]]
    totals = [0, 0, 0, 0]
    live = len(MODULES) > 1
    for family in FAMILIES.values():
        recorded = {} if live else recording.read(family.name)
        counts = [len(family.cases), 0, 0, 0]
        largest: dict[str, float] = {}
        for case in family.cases.values():
            expected = observe(engine(MODULES[1]), case) if live else recorded[case.name]
            merge(largest, compare(observe(engine("minitf"), case), expected, case))
            merge_counts(counts, expected)
        totals = [a + b for a, b in zip(totals, counts, strict=True)]
        rows.append([family.name, *counts, *(cell(largest, dtype) for dtype in FLOATS)])
    rows.append(["**all**", *totals, *[""] * len(FLOATS)])
    return f"{GRAPHS}\n{table(*rows)}"


def merge(largest: dict[str, float], more: dict[str, float]) -> None:
    for dtype, value in more.items():
        largest[dtype] = max(value, largest.get(dtype, 0.0))


def merge_counts(counts: list[int], seen: Observed) -> None:
    counts[1] += len(seen.nodes)
    counts[2] += len(seen.values)
    counts[3] += len(seen.errors)


def cell(largest: dict[str, float], dtype: str) -> str:
    return apart(largest[dtype]) if dtype in largest else ""


def gradients() -> str:
    """Gradients op by op: a line per dtype, and the ops that have a tolerance of their own."""
    rows = [
        row for row in gradient_cases.summary() if not gradient_cases.is_left_to_differences(row)
    ]
    by_dtype: dict[str, list[Any]] = {}
    for row in rows:
        by_dtype.setdefault(row["dtype"], []).append(row)
    summed = [
        [
            dtype,
            len(group),
            sum(row["cases"] for row in group),
            apart(max(row["difference"] for row in group if not row["reason"])),
            f"{gradient_tolerances.DEFAULT[dtype]:.0e}",
        ]
        for dtype, group in by_dtype.items()
    ]
    own = [
        [
            row["op"],
            row["dtype"],
            apart(row["difference"]),
            f"{row['tolerance']:.0e}",
            row["reason"],
        ]
        for row in rows
        if row["reason"]
    ]
    head = ["dtype", "ops", "cases", "largest difference", "allowed"]
    text = f"{GRADIENTS}\n{table(head, *summed)}"
    if own:
        head = ["op", "dtype", "largest difference", "allowed", "why"]
        text += f"\n\nSome ops are allowed more:\n\n{table(head, *own)}"
    return text


def random_graphs() -> str:
    """What the long run of random programs came to."""
    figures = measured(GOLDEN / "random_graphs.json")
    figures.pop("functions drawn")  # op types say it better
    return f"{RANDOM_GRAPHS}\n{table(['in the longest run', ''], *listed(figures))}"


def random_bits() -> str:
    """Random numbers: how many were compared bit by bit, and the orthogonal matrices."""
    figures = test_random_bits.summary()
    printed = test_published_numbers.summary().items()
    figures.update({f"{name} as TensorFlow 1 printed them": count for name, count in printed})
    return f"{RANDOM_BITS}\n{table(['', ''], *listed(figures))}"


def graph_defs() -> str:
    """Files of graphs: both ways, and damaged ones."""
    both_ways, fuzzed = test_graph_def.summary(), measured(GOLDEN / "graph_def_fuzz.json")
    outcomes = fuzzed.pop("outcomes")
    fuzzed.pop("mutations")
    rows = [*listed(fuzzed), *([f"inputs: {name}", count] for name, count in outcomes.items())]
    parts = [GRAPH_DEFS, table(["", ""], *listed(both_ways)), HOSTILE, table(["", ""], *rows)]
    return "\n".join(parts)


def side_by_side() -> str:
    return f"## The CNN on MNIST, side by side\n\n{side_by_side_page.section()}"


def listed(figures: dict[str, Any]) -> Iterator[list[str]]:
    """Named figures as rows; what is a list or a table of its own is counted."""
    for name, value in figures.items():
        if isinstance(value, (list, dict)):
            value = len(value)
        text = f"{value:,}" if isinstance(value, int) else str(value)
        if isinstance(value, float):
            text = f"{value:,.0f}" if value >= 10 else f"{value:.2g}"
        yield [name.replace("_", " "), text]


def deviations() -> str:
    rows = [["what", "TensorFlow 2.21", "minitf", "why"], *DEVIATIONS]
    return f"## Where minitf differs, and why\n\n{table(*rows)}"


if __name__ == "__main__":
    main()
