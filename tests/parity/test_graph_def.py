"""Graphs go from minitf to TensorFlow and back as GraphDefs, and come to the same values there.

Where TensorFlow is installed, each builder of the suite is built in one engine, written, imported
by the other and run there. Without it, what TensorFlow wrote of the builders
(`tests/golden/graph_defs.xz`) is imported into minitf and compared with TensorFlow's recorded nodes
and values.
"""

from __future__ import annotations

import copy
import functools
import json
from typing import Any

import pytest

from tests.engines import MODULES
from tests.parity import graph_defs, import_cases, recording
from tests.parity.graph_defs import BOTH_WAYS, FIGURES, Written, compare_moved, move
from tests.parity.harness import Observed, engine

CASES = {f"{family}/{case.name}": case for family, case in graph_defs.cases()}


@functools.cache
def recorded(family: str) -> dict[str, Observed]:
    return recording.read(family)


@functools.cache
def written_by_tensorflow() -> dict[str, Written]:
    return graph_defs.read_recording()[0]


@pytest.mark.parity
@pytest.mark.parametrize(("writer", "reader"), BOTH_WAYS, ids=["to-tensorflow", "to-minitf"])
@pytest.mark.parametrize("name", CASES if len(MODULES) > 1 else [])
def test_the_other_engine_runs_what_one_wrote(name: str, writer: str, reader: str) -> None:
    move(name, CASES[name], writer, reader)


@pytest.mark.parametrize("name", written_by_tensorflow())
def test_minitf_runs_what_tensorflow_wrote(name: str) -> None:
    family, _, case_name = name.partition("/")
    case, written = CASES[name], written_by_tensorflow()[name]
    moved = graph_defs.imported(engine("minitf"), written)
    read = graph_defs.observed(engine("minitf"), moved, case, written.returned)
    expected = copy.deepcopy(recorded(family)[case_name])
    if not expected.nodes:  # the builder's nodes differ from minitf's, and were not recorded
        read.nodes = expected.nodes = ["not compared"]
    if case.kind == "values" and not written.returned:  # it returned arrays, from runs of its own
        expected.values, expected.shapes = read.values, read.shapes = {}, {}
        read.errors = {}
    assert len(expected.nodes) > 1 or expected.values
    for seen in (read, expected):
        seen.nodes = [without_device(line) for line in seen.nodes]
    compare_moved(read, expected, moved, case)


def without_device(line: str) -> str:
    """A node's line; of one that is colocated, without the device, which an import may change."""
    return line.rpartition("]")[0] if "_class=" in line else line


def summary() -> dict[str, Any]:
    """Figures for docs/parity.md: of moves both ways, and of single calls of import_graph_def."""
    figures: dict[str, Any] = json.loads(FIGURES.read_text())
    outcomes = json.loads(import_cases.RECORDED.read_text())
    refused = sum(outcome[0] == "error" for outcome in outcomes.values())
    figures["further GraphDefs imported, most of them wrong, with the same result"] = len(outcomes)
    figures["of these refused, with TensorFlow's class of error"] = refused
    return figures


def test_what_tensorflow_wrote_is_recorded() -> None:
    """All builders but those that make graphs of their own inside, or hold large constants."""
    written, left_out = graph_defs.read_recording()
    assert sorted([*written, *left_out]) == sorted(CASES), "python -m tests.parity.graph_defs"
    assert len(left_out) < len(written) / 4


def test_a_graph_that_is_not_the_same_is_found() -> None:
    minitf: Any = engine("minitf")
    name = "nn/activations" if "nn/activations" in CASES else next(iter(written_by_tensorflow()))
    case, written = CASES[name], written_by_tensorflow()[name]
    graph_def = minitf.GraphDef.FromString(written.graph_def)
    node = next(
        node for node in graph_def.node if node.op in ("Relu", "Elu", "Mul", "Add", "AddV2")
    )
    node.op = {"Relu": "Elu", "Elu": "Relu", "Mul": "AddV2"}.get(node.op, "Mul")
    wrong = Written(graph_def.SerializeToString(), written.setters, [], written.unfetchable)
    moved, right = (graph_defs.imported(minitf, each) for each in (wrong, written))
    seen, expected = (graph_defs.observed(minitf, each, case, []) for each in (moved, right))
    with pytest.raises(AssertionError, match="the graphs differ"):
        compare_moved(copy.deepcopy(seen), copy.deepcopy(expected), moved, case)
    seen.nodes = expected.nodes
    with pytest.raises(AssertionError, match="of the largest value"):
        compare_moved(seen, expected, moved, case)
