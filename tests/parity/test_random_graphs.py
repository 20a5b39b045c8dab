"""Random programs come to the same in minitf and in TensorFlow: nodes, values, gradients."""

from __future__ import annotations

import json
import os

import hypothesis
import numpy as np
import pytest
from hypothesis import find, settings

import minitf
from minitf.ops.math_ops import hyperbolic
from tests.engines import MODULES
from tests.parity.random_checks import Tally, check, run
from tests.parity.random_coverage import NOT_DRAWN, differentiable, never_drawn
from tests.parity.random_graphs import Program, Statement, programs, reduced, script
from tests.parity.random_run import FIGURES, explore
from tests.parity.random_run import run as long_run
from tests.parity.rounding import UNIT, conditions

WITHOUT = "tensorflow.compat.v1" not in MODULES
live = pytest.mark.skipif(WITHOUT, reason="TensorFlow is not installed: see make parity")


@live
@pytest.mark.parity
@pytest.mark.parametrize("seed", range(4))
def test_random_programs(seed: int) -> None:
    tally = Tally()
    explore(60, seed, tally)
    assert tally.programs >= 60
    assert min(tally.nodes, tally.tensors, tally.first, tally.second) > 10
    # Few are left out: what is compared is nearly all that there is.
    assert tally.undefined < tally.tensors / 10


@live
@pytest.mark.fuzz
def test_thousands_of_random_programs() -> None:
    count = int(os.environ.get("MINITF_RANDOM_PROGRAMS", "5000"))
    assert long_run(count)["programs"] >= count


# ---- the search itself


def tanh_of_a_sum() -> Program:
    """x + x, its tanh, and something else."""
    return Program(
        (
            Statement("x1 = tf.constant([0.25, 2.0])", "leaf", (("x1", "float32", (2,)),)),
            Statement("t2 = tf.add(x1, x1)", "add", (("t2", "float32", (2,)),)),
            Statement("t3 = tf.tanh(t2)", "tanh", (("t3", "float32", (2,)),)),
        ),
        (("x1", "float32", (2,)),),
        (("t3", "float32", (2,)),),
    )


@live
@pytest.mark.parity
def test_what_is_compared() -> None:
    tally = Tally()
    check(tanh_of_a_sum(), tally)
    assert (tally.tensors, tally.first, tally.second) == (3, 1, 1)
    assert tally.nodes == 3 and tally.undefined == 0


@live
@pytest.mark.parity
@pytest.mark.parametrize("fault", ["value", "gradient", "second gradient", "shape", "none"])
def test_a_fault_is_found(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    """One unit in the sixth digit, or a gradient that is missing, is enough."""
    tanh, tanh_grad = hyperbolic.TANH, hyperbolic.TANH_GRAD
    if fault == "value":
        monkeypatch.setattr(tanh, "kernel_fn", lambda x: np.tanh(x) * np.float32(1 + 3e-6))
    elif fault == "gradient":
        monkeypatch.setattr(tanh_grad, "kernel_fn", lambda y, dy: dy * (1 - y * y * 1.00001))
    elif fault == "second gradient":
        monkeypatch.setattr(tanh_grad, "gradient_fn", lambda op, g: (g, g))
    elif fault == "shape":
        monkeypatch.setattr(tanh, "shape_fn", lambda op: [minitf.TensorShape([None])])
    else:
        monkeypatch.setattr(tanh, "gradient_fn", None)
    with pytest.raises(AssertionError, match=r"t3 = tf\.tanh") as found:
        check(tanh_of_a_sum(), Tally())
    said = {"value": "t3 is off", "gradient": "first(x1) is off", "second gradient": "second(x1)"}
    said |= {"shape": "the graphs differ", "none": "None: ['first(x1)'"}
    assert said[fault] in str(found.value)


def has_tanh(program: Program) -> bool:
    return any("tf.tanh(" in each.text for each in program.statements)


def test_a_program_shrinks_to_its_cause() -> None:
    """What is left of a program that is wrong because of one function is little more than that."""
    found = find(
        programs(),
        has_tanh,
        settings=settings(
            database=None,
            max_examples=4000,
            derandomize=True,
            suppress_health_check=list(hypothesis.HealthCheck),
        ),
    )
    left = reduced(found, has_tanh)
    # How short the way to it is depends on the draw; that nothing lies beside the way does not.
    texts = [each.text for each in left.statements]
    assert "tf.tanh(" in texts[-1], script(left)
    for i, each in enumerate(left.statements[:-1]):
        assert any(name in "".join(texts[i + 1 :]) for name, *_ in each.results), script(left)
    assert has_tanh(left) and left.statements[0].kind == "leaf"


def test_statements_that_do_not_matter_are_left_out() -> None:
    program = tanh_of_a_sum()
    more = Statement("t4 = tf.exp(x1)", "exp", (("t4", "float32", (2,)),))
    longer = Program((*program.statements, more), program.inputs, program.outputs)
    assert reduced(longer, has_tanh) == program
    assert reduced(longer, lambda p: "exp" in script(p)).tensors() == ["x1", "t4"]


def test_a_script_runs_as_it_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with minitf.Graph().as_default():
        exec(script(tanh_of_a_sum(), "minitf"), {})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Const:0 (2,) [0.25 2.  ]"
    assert len(lines) == 5  # three tensors, a first and a second gradient


def test_most_programs_are_valid() -> None:
    """Errors are compared too, but few programs should end in one."""
    outcomes = []

    @hypothesis.seed(1)
    @settings(
        max_examples=100,
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate],
    )
    @hypothesis.given(programs())
    def draw(program: Program) -> None:
        outcomes.append(run(minitf, program, 1).error)

    draw()
    assert sum(outcome == "" for outcome in outcomes) > 0.85 * len(outcomes)


# ---- what rounding does


def condition_of(y: minitf.Tensor) -> tuple[float, bool]:
    (found,) = conditions(y.graph, {}, [y])
    return found.tolerance, found.defined


def test_a_sum_that_cancels_is_allowed_what_its_terms_were_rounded_by() -> None:
    x = minitf.constant([0.1])
    plain, defined = condition_of(x / 3.0)
    assert defined and 8 * UNIT["float32"] * 0.03 < plain < 50 * UNIT["float32"] * 0.04
    cancelled, defined = condition_of((x / 3.0 + 1000.0) - 1000.0)
    assert defined and 500 * UNIT["float32"] < cancelled < 50000 * UNIT["float32"]


def test_what_comes_out_exactly_is_allowed_next_to_nothing() -> None:
    x = minitf.constant([0.5, 3.0])
    tolerance, defined = condition_of(x * 2.0 - 1.0)
    assert defined and tolerance == 8 * UNIT["float32"] * 5.0


@pytest.mark.parametrize(
    "jumps",
    [
        lambda x: minitf.floor(x * 10.0),  # 0.1 * 10 is 1, or a little less
        lambda x: minitf.cast(x * 3.0 > 0.3, minitf.int32),
        lambda x: minitf.gradients(minitf.nn.relu(x * 3.0 - 0.3), x)[0],
    ],
)
def test_a_tensor_that_rounding_makes_jump_has_no_value(jumps: object) -> None:
    assert callable(jumps)
    x = minitf.constant(np.array([0.1]), minitf.float64)
    assert condition_of(jumps(x / 3.0 * 3.0))[1] is False


def test_doubles_are_allowed_less() -> None:
    single, _ = condition_of(minitf.exp(minitf.constant([0.3])))
    double, _ = condition_of(minitf.exp(minitf.constant(np.array([0.3]))))
    assert double < single * 1e-8


# ---- how much of minitf is drawn


def test_the_long_run_met_nearly_all_differentiable_ops() -> None:
    """Each op type has been in a compared graph, or it is said why not."""
    figures = json.loads(FIGURES.read_text())
    assert figures["programs"] >= 1000
    met = set(figures["op types"])
    assert sorted(set(differentiable()) - met - set(NOT_DRAWN)) == []
    assert len(set(differentiable()) & met) > 0.9 * len(differentiable())
    # What is drawn rarely may be missing from one run.
    assert len(set(never_drawn(met)) - set(NOT_DRAWN)) < 10
    assert sorted(set(NOT_DRAWN) & met) == []
