"""Every registered gradient is TensorFlow's, in each dtype, with shapes known and not known."""

from __future__ import annotations

import functools
from collections import defaultdict

import numpy as np
import pytest

import minitf
from minitf.framework import op_def as op_def_lib
from tests.engines import MODULES
from tests.ops.op_case import CASES
from tests.parity import gradient_cases, recording
from tests.parity.gradient_cases import Expected, compare, compare_all, compare_values
from tests.parity.gradient_graphs import GradientCase, Gradients, apply, cases_of, observe
from tests.parity.gradient_inputs import (
    IN_BUILDERS,
    NO_GRADIENT,
    Source,
    draw,
    dtypes_of,
    flat,
    sources,
)
from tests.parity.gradient_tolerances import (
    EXCEPTIONS,
    NOT_CONJUGATED,
    NOT_IN_TENSORFLOW,
    reason,
    tolerance,
)
from tests.parity.harness import engine

SOURCES = sources()
UNDIFFERENTIATED = [op.name for op in op_def_lib.all_ops() if op.gradient_fn is None]
TENSORFLOW = "tensorflow.compat.v1"
LIVE = TENSORFLOW in MODULES


def live(names):
    """The parameters of a test that runs TensorFlow, where it is installed."""
    return [pytest.param(name, marks=pytest.mark.parity) for name in names if LIVE]


@functools.cache
def recorded() -> dict[str, list[Expected]]:
    by_op: dict[str, list[Expected]] = defaultdict(list)
    for expected in gradient_cases.read():
        by_op[expected.case.op].append(expected)
    return by_op


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
        (op, dtype)
        for op, of_op in recorded().items()
        for dtype in dtypes_of(op, of_op[0].case.sample)
    }
    without = {(op, dtype) for op, dtypes in NOT_IN_TENSORFLOW.items() for dtype in dtypes}
    assert wanted - found == without
    for op, of_op in recorded().items():
        for dtype in {"float32", "float64"} & {each.case.dtype for each in of_op}:
            assert len([each for each in of_op if each.case.dtype == dtype]) >= 2, (op, dtype)


def test_exceptions_are_of_compared_ops_and_within_bounds():
    for op, (single, double, why) in EXCEPTIONS.items():
        assert op in SOURCES and why
        assert single <= 1e-5 and double <= 1e-12


# ---- values


@pytest.mark.parametrize("op", SOURCES)
def test_gradient_is_the_recorded_one(op):
    assert list(compare_all(minitf, recorded()[op]))


@pytest.mark.parametrize("op", live(SOURCES))
def test_gradient_is_tensorflows(op):
    """TensorFlow itself: as recorded, and on more samples beside minitf."""
    tf = engine(TENSORFLOW)
    assert list(compare_all(tf, recorded()[op]))
    assert gradient_cases.beside_tensorflow(op, SOURCES[op], tf)


def test_the_summary_is_of_these_ops():
    """What docs/parity.md says of gradients was measured within the tolerances that it names."""
    rows = gradient_cases.summary()
    assert {(row["op"], row["dtype"]) for row in rows} == {
        (op, each.case.dtype) for op, of_op in recorded().items() for each in of_op
    }
    for row in rows:
        assert row["difference"] <= row["tolerance"] == tolerance(row["op"], row["dtype"])
        assert row["reason"] == reason(row["op"]) and row["cases"] > 1


# ---- the comparison itself


def test_a_wrong_gradient_is_noticed():
    """A value off by more than the tolerance, None for zeros, a tensor for slices, an error."""
    expected = recorded()["Mul"][0]
    case, right = expected.case, expected.gradients
    for wrong in (
        Gradients(first=[right.first[0] * (1 + 1e-5), right.first[1]], second=right.second),
        Gradients(first=right.first, second=[*right.second[:-1], right.second[-1] + 1.0]),
        Gradients(first=[None, right.first[1]], second=right.second),
        Gradients(first=right.first[:1], second=right.second),
        Gradients(first=[right.first[0].astype(np.float64), *right.first[1:]]),
        Gradients(error="ValueError"),
        Gradients(first=right.first, second_error="LookupError"),
    ):
        with pytest.raises(AssertionError):
            compare(case, wrong, expected)
    assert compare(case, right, expected) == 0.0
    gathered = recorded()["Gather"][0]
    slices = gathered.gradients.first[0]
    with pytest.raises(AssertionError, match="Slices"):
        compare(gathered.case, Gradients(first=[slices.dense(), None]), gathered)


# ---- what is known to differ


def slope(case: GradientCase, direction: list[np.ndarray], step: float) -> float:
    """The weighted sum of an op's outputs, as a real number, with its inputs moved."""
    with minitf.Graph().as_default(), minitf.Session() as sess:
        moves = iter(direction)
        inputs = [
            minitf.constant(value + step * next(moves) if value.dtype.kind == "c" else value)
            for value in case.inputs
        ]
        outputs = sess.run(apply(minitf, case.op, inputs, case.attrs))
    weights = [case.weights(1, i, np.shape(y), y.dtype) for i, y in enumerate(outputs)]
    return sum(np.vdot(w, y).real for w, y in zip(weights, outputs, strict=True))


@pytest.mark.parametrize("op", NOT_CONJUGATED)
def test_complex_gradients_that_are_not_tensorflows(op):
    """minitf's are what differences say, and TensorFlow's are not those."""
    cases = [each for each in recorded()[op] if each.case.dtype == "complex128"]
    rng = np.random.default_rng(7)
    for each in cases:
        (found,) = observe(minitf, [each.case])
        moved = [i for i, value in enumerate(each.case.inputs) if value.dtype.kind == "c"]
        shapes = [each.case.inputs[i].shape for i in moved]
        direction = [rng.standard_normal(s) + 1j * rng.standard_normal(s) for s in shapes]
        along = sum(np.vdot(found.first[i], d).real for i, d in zip(moved, direction, strict=True))
        ahead, back = (slope(each.case, direction, step) for step in (1e-6, -1e-6))
        assert along == pytest.approx((ahead - back) / 2e-6, rel=1e-6, abs=1e-6)
    with pytest.raises(AssertionError, match="apart, allowed"):
        for each in cases:
            (found,) = observe(minitf, [each.case])
            compare_values(each.case, found, each.gradients)


@pytest.mark.parametrize("op", live(NO_GRADIENT))
def test_ops_that_tensorflow_does_not_differentiate(op):
    from tensorflow.python.framework import ops

    if op != "PreventGradient":
        with pytest.raises(LookupError):
            ops.gradient_registry.lookup(op)


@pytest.mark.parametrize("op", live(UNDIFFERENTIATED))
def test_ops_that_minitf_does_not_differentiate(op):
    """TensorFlow has no gradient of these either, or one that is None."""
    from tensorflow.python.framework import ops

    try:
        function = ops.gradient_registry.lookup(op)
    except LookupError:
        return
    if function is not None:
        (case,) = CASES[op][:1]
        source = Source(op, case.samples, case.oracle, case.static)
        for sample in draw(source, 12):
            if any(a.dtype in (np.float32, np.float64) for a in flat(sample)):
                (found,) = observe(engine(TENSORFLOW), cases_of(source, [sample])[:1])
                assert not any(g is not None for g in found.first), found.message


def test_conditions_are_among_the_builders():
    """What has no case of its own stands in the recorded graphs of functions."""
    recording_of = recording.read("gradients_of_functions")
    lines = [line for seen in recording_of.values() for line in seen.nodes]
    for op in IN_BUILDERS:
        assert any(f" {op}(" in line for line in lines), op
