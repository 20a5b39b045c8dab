"""Every registered gradient is TensorFlow's, in each dtype, with shapes known and not known."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import minitf
from minitf.framework import op_def as op_def_lib
from tests.engines import MODULES
from tests.parity import gradient_cases, gradient_graphs
from tests.parity.gradient_cases import Expected, compare, modes_of
from tests.parity.gradient_graphs import GradientCase, observe
from tests.parity.gradient_inputs import IN_BUILDERS, NO_GRADIENT, sources
from tests.parity.gradient_tolerances import EXCEPTIONS, NOT_CONJUGATED, NOT_IN_TENSORFLOW
from tests.parity.harness import engine

SOURCES = sources()
TENSORFLOW = "tensorflow.compat.v1"
live = [
    pytest.mark.parity,
    pytest.mark.skipif(TENSORFLOW not in MODULES, reason="needs TensorFlow"),
]


@functools.cache
def recorded() -> dict[str, list[Expected]]:
    by_op: dict[str, list[Expected]] = defaultdict(list)
    for expected in gradient_cases.read():
        by_op[expected.case.op].append(expected)
    return by_op


def compare_all(tf: Any, expected: list[Expected]) -> Iterator[tuple[GradientCase, float]]:
    """Compares what an engine makes of cases, each in two modes, with what is expected."""
    every = [(case, each) for each in expected for case in modes_of(each.case)]
    seen = observe(tf, [case for case, _ in every])
    for (case, each), gradients in zip(every, seen, strict=True):
        yield case, compare(case, gradients, each)


# ---- nothing is left out


def test_every_registered_gradient_is_compared():
    """An op with a gradient has cases, or stands in a list that says why not."""
    names = {op.name for op in op_def_lib.all_ops() if op.gradient_fn is not None}
    assert names == set(SOURCES) | set(NO_GRADIENT) | set(IN_BUILDERS)
    assert not set(SOURCES) & (set(NO_GRADIENT) | set(IN_BUILDERS))
    assert set(recorded()) == set(SOURCES)


def test_every_dtype_is_compared():
    """At least two cases in float32 and in float64, but where TensorFlow has no kernel of it."""
    found = {(op, e.case.dtype) for op, of_op in recorded().items() for e in of_op}
    wanted = {
        (case.op, case.dtype)
        for op, of_op in SOURCES.items()
        for e in recorded()[op][:1]
        for case in gradient_graphs.cases_of(of_op[0], [e.case.sample])
    }
    assert wanted - found == {
        (op, dtype) for op, dtypes in NOT_IN_TENSORFLOW.items() for dtype in dtypes
    }
    for op, of_op in recorded().items():
        kinds = {(e.case.dtype, e.case.index) for e in of_op if e.case.dtype == "float32"}
        assert len(kinds) >= 2, op


def test_exceptions_are_of_compared_ops_and_within_bounds():
    for op, (single, double, reason) in EXCEPTIONS.items():
        assert op in SOURCES and reason
        assert single <= 1e-5 and double <= 1e-12


# ---- values


@pytest.mark.parametrize("op", SOURCES)
def test_gradient_is_the_recorded_one(op):
    assert list(compare_all(minitf, recorded()[op]))


@pytest.mark.parametrize("op", [pytest.param(op, marks=live) for op in SOURCES])
def test_gradient_is_tensorflows(op, differences):
    """TensorFlow itself: as recorded, and on more samples beside minitf."""
    tf = engine(TENSORFLOW)
    assert list(compare_all(tf, recorded()[op]))
    expected = list(recorded()[op])
    for number, source in enumerate(SOURCES[op], 1):
        expected += gradient_cases.expect(tf, source, gradient_cases.LIVE, 1000 * number)
    for case, difference in compare_all(minitf, expected):
        differences[op, case.dtype].append(difference)


@pytest.fixture(scope="module")
def differences():
    """By op and dtype the differences that the live run finds, which it keeps if it was whole."""
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    yield found
    if {op for op, _ in found} == set(SOURCES):
        gradient_cases.keep_summary(found)
