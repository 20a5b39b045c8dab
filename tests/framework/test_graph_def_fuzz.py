"""Damaged and invented GraphDefs are accepted or refused clearly, and leave no trace when refused.

The everyday test takes inputs that the recorded run did not: those after its last one.
`pytest -m fuzz` runs and records all 100,000 (tests/framework/graph_def_fuzz.py).
"""

from __future__ import annotations

import json
import tracemalloc

import pytest

import minitf as tf
from tests.framework import graph_def_fuzz
from tests.framework.graph_def_fuzz import NotClear, Outcome, fuzz

RECORDED_INPUTS = 100_000
EVERYDAY = range(RECORDED_INPUTS, RECORDED_INPUTS + 8_000)


def test_some_inputs_every_day() -> None:
    tracemalloc.start()
    try:
        outcome = fuzz(EVERYDAY[:500])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 200e6
    outcome.counts.update(fuzz(EVERYDAY[500:]).counts)
    assert outcome.counts.total() == len(EVERYDAY)
    # Mutations that went wrong would show here: most inputs would not come far.
    for kind in ("accepted", "ValueError", "not a message", "NotFoundError"):
        assert outcome.counts[kind] > len(EVERYDAY) / 50, outcome


def test_the_recorded_run_passed() -> None:
    figures = json.loads(graph_def_fuzz.RECORD.read_text())
    assert figures["inputs"] >= RECORDED_INPUTS
    assert sum(figures["outcomes"].values()) == figures["inputs"]
    assert figures["peak_memory_megabytes"] < 2000
    # A million nodes take what ten times a hundred thousand take: nothing is searched for.
    few, many = (figures[f"{count}_nodes_megabytes"] for count in (100_000, 1_000_000))
    assert many < 2000 and many < 20 * few
    assert figures["slowest_milliseconds"] < 1000 * graph_def_fuzz.SLOW


@pytest.mark.fuzz
def test_a_hundred_thousand_inputs() -> None:
    graph_def_fuzz.record(RECORDED_INPUTS)


# The fuzzer itself: what it is to find, it finds.


@pytest.mark.parametrize(
    ("error", "found"),
    [
        (KeyError("x"), "KeyError"),
        (RecursionError("x"), "RecursionError"),
        (MemoryError(), "MemoryError"),
        (ValueError("something is wrong"), "no node is named"),
    ],
)
def test_it_finds_errors_that_are_not_clear(
    monkeypatch: pytest.MonkeyPatch, error: Exception, found: str
) -> None:
    def fails(*args: object, **kwargs: object) -> None:
        raise error

    monkeypatch.setattr(tf, "import_graph_def", fails)
    with pytest.raises(NotClear, match=found):
        fuzz(range(50))


def test_it_finds_what_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def adds_and_fails(graph_def: object, **kwargs: object) -> None:
        tf.constant(1)
        raise ValueError("GraphDef min consumer")

    monkeypatch.setattr(tf, "import_graph_def", adds_and_fails)
    with pytest.raises(NotClear, match="the graph was changed"):
        fuzz(range(50))


def test_it_finds_rules_that_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    from minitf.framework import op_def

    for each in op_def.all_ops():
        if each.name in ("Placeholder", "Identity"):  # the graph that is imported into has these
            continue
        monkeypatch.setattr(each, "shape_fn", lambda op: op.inputs[99])
    with pytest.raises(NotClear, match="a rule fails"):
        fuzz(range(50))


def test_inputs_are_the_same_each_time() -> None:
    first = [graph_def_fuzz.damaged(number, Outcome()) for number in range(40)]
    again = [graph_def_fuzz.damaged(number, Outcome()) for number in range(40)]
    assert first == again
