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
from tests.parity import builders, recording
from tests.parity.deviations import DEVIATIONS
from tests.parity.harness import FAMILIES, Observed, compare, engine, observe
from tests.parity.recording import GOLDEN

assert builders
DOCS = Path(__file__).parents[2] / "docs"
FLOATS = ("float16", "float32", "float64", "complex64", "complex128")


def main() -> None:
    sections = [INTRO, graphs(), gradients(), random_graphs(), random_bits(), graph_defs()]
    sections += [side_by_side(), deviations()]
    page = "\n\n".join("\n".join(section) for section in sections) + "\n"
    (DOCS / "parity.md").write_text(page)
    print(f"docs/parity.md: {len(page.splitlines())} lines")


def table(*rows: Any) -> Iterator[str]:
    """A table in Markdown; the first row heads it."""
    head, *body = rows
    for i, row in enumerate((head, ["---"] * len(head), *body)):
        del i
        yield "| " + " | ".join(str(cell) for cell in row) + " |"


def apart(value: float) -> str:
    """A relative difference as text."""
    return f"{value:.1e}" if value else "none"


def measured(path: Path) -> Any:
    """Figures that another command left behind."""
    if not path.exists():
        raise SystemExit(f"{path} is not there: run what makes it first (make parity).")
    return json.loads(path.read_text())


INTRO = """# minitf beside TensorFlow

minitf mirrors TensorFlow 1: the same graph for the same program, the same numbers for the same seed.
This page says how far that has been measured. It is written by `make parity-report`, from runs of
both engines; no figure in it was put there by hand.

The reference is TensorFlow 2.21 on a CPU: `tf.compat.v1` after `disable_v2_behavior()` and
`disable_resource_variables()`, with `tf_keras` for `tf.layers`. Differences are relative to the
largest element of the tensor that is compared. "None" means: equal to the last bit.

| command | what it does |
|---|---|
| `make parity` | installs TensorFlow next to minitf and runs all comparisons in both, live |
| `make test` | compares minitf with what TensorFlow was recorded with, in `tests/golden` |
| `make parity-record` | has TensorFlow recorded anew |
| `make parity-report` | writes this page |
| `make side-by-side` | trains the CNN on MNIST in both engines and compares |""".split("\n")


def graphs() -> list[str]:
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
    return [
        "## Graphs and values",
        "",
        "A builder is a function of `tf` that both engines run. Compared are all nodes outside of",
        "gradients, in order: name, type, inputs, control inputs, attributes, static shapes, device;",
        "then the value of every tensor in the graph that a session can run, placeholders being fed",
        "alike; and the class of every error. Integers, booleans, strings, shapes and nodes are",
        "equal throughout; the columns of dtypes hold the largest difference seen.",
        "",
        *table(*rows),
    ]


def merge(largest: dict[str, float], more: dict[str, float]) -> None:
    for dtype, value in more.items():
        largest[dtype] = max(value, largest.get(dtype, 0.0))


def merge_counts(counts: list[int], seen: Observed) -> None:
    counts[1] += len(seen.nodes)
    counts[2] += len(seen.values)
    counts[3] += len(seen.errors)


def cell(largest: dict[str, float], dtype: str) -> str:
    return apart(largest[dtype]) if dtype in largest else ""


def deviations() -> list[str]:
    rows = [["what", "TensorFlow 2.21", "minitf", "why"], *DEVIATIONS]
    return ["## Where minitf differs, and why", "", *table(*rows)]
