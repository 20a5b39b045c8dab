"""Optimizer updates: by pieces and threads, in place, compiled and not, rows once or twice."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minitf.kernels import dispatch, optimizers
from minitf.kernels.parallel import set_num_threads
from minitf.kernels.sweeps import one_sweep

Array = np.ndarray[Any, Any]

# Rules by name, with the scalars that they are tried with.
RULES: dict[str, tuple[float, ...]] = {
    "gradient_descent": (0.1,),
    "proximal_gradient_descent": (0.1, 0.2, 0.3),
    "momentum": (0.1, 0.9),
    "nesterov": (0.1, 0.9),
    "sparse_nesterov": (0.1, 0.9),
    "adagrad": (0.1,),
    "adagrad_step": (0.1,),
    "proximal_adagrad": (0.1, 0.2, 0.3),
    "adadelta": (1.0, 0.9, 1e-6),
    "rms_prop": (0.1, 0.9, 0.5, 1e-6),
    "sparse_rms_prop": (0.1, 0.9, 0.5, 1e-6),
    "centered_rms_prop": (0.1, 0.9, 0.5, 1e-6),
    "sparse_centered_rms_prop": (0.1, 0.9, 0.5, 1e-6),
    "ftrl": (0.1, 0.2, 0.3, -0.5),
    "ftrl_v2": (0.1, 0.2, 0.3, 0.1, -0.7),
    "ftrl_by_lr": (0.1, 0.2, 0.3, -0.5),
    "ftrl_v2_by_lr": (0.1, 0.2, 0.3, 0.1, -0.7),
}
ADAM = (0.9, 0.999, 0.01, 0.9, 0.999, 1e-8)


def arrays(rule: Any, shape: Any, dtype: Any, seed: int = 0) -> tuple[list[Array], Array]:
    """Slots and a gradient for a rule: squares are positive, a variance too."""
    rng = np.random.RandomState(seed)
    names = list(inspect.signature(rule).parameters)
    slots = []
    for name in names[: names.index("grad")]:
        values = np.asarray(rng.standard_normal(shape)) * (0.3 if name == "mg" else 1.0)
        if name in ("accum", "accum_update", "ms", "v"):
            values = values**2 + (3.0 if name == "ms" else 0.1)
        slots.append(np.array(values, dtype))
    return slots, np.array(rng.standard_normal(shape), dtype)


def scalars(name: str, dtype: Any) -> list[Any]:
    return [np.dtype(dtype).type(number) for number in RULES[name]]


def copies(slots: list[Array]) -> list[Array]:
    return [slot.copy() for slot in slots]


def assert_same_bits(actual: list[Array], expected: Any) -> None:
    for have, want in zip(actual, expected, strict=True):
        assert have.dtype == want.dtype
        np.testing.assert_array_equal(have, want)


def test_every_rule_is_tried() -> None:
    public = {
        name
        for name, function in vars(optimizers).items()
        if inspect.isfunction(function)
        and function.__module__ == optimizers.__name__
        and not name.startswith("_")
    }
    assert public - {"update", "update_rows", "adam"} == set(RULES)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("name", RULES)
def test_pieces_make_the_whole(name: str, dtype: str, threads: None) -> None:
    """Cut into pieces, for any number of threads, it is the rule applied to all at once."""
    rule, given = getattr(optimizers, name), scalars(name, dtype)
    for shape in ((), (1,), (3, 0), (4, 5), (2 * optimizers.PIECE + 3,)):
        slots, grad = arrays(rule, shape, dtype)
        expected = rule(*slots, grad, *given)
        for number in (1, 3):
            set_num_threads(number)
            changed = copies(slots)
            optimizers.update(rule, changed, grad, *given)
            assert_same_bits(changed, expected)


@pytest.mark.parametrize("name", RULES)
def test_rows_are_changed_like_the_whole(name: str) -> None:
    """Rows that are given once are changed as alone; no other row is."""
    rule, given = getattr(optimizers, name), scalars(name, "float32")
    slots, grad = arrays(rule, (6, 3), "float32")
    rows = np.array([4, 0, 3])
    changed = copies(slots)
    optimizers.update_rows(rule, changed, grad[:3], rows, *given)
    expected = copies(slots)
    for slot, value in zip(
        expected, rule(*[slot[rows] for slot in slots], grad[:3], *given), strict=True
    ):
        slot[rows] = value
    assert_same_bits(changed, expected)
    others = [1, 2, 5]
    assert_same_bits([c[others] for c in changed], [s[others] for s in slots])


@given(st.lists(st.integers(0, 3), max_size=8), st.sampled_from(sorted(RULES)))
def test_rows_given_twice_are_changed_twice_in_order(indices: list[int], name: str) -> None:
    rule, given = getattr(optimizers, name), scalars(name, "float64")
    slots, _ = arrays(rule, (4, 2), "float64")
    _, grad = arrays(rule, (len(indices), 2), "float64", seed=1)
    together, one_by_one = copies(slots), copies(slots)
    optimizers.update_rows(rule, together, grad, np.array(indices, "int64"), *given)
    for row, gradient in zip(indices, grad, strict=True):
        optimizers.update_rows(rule, one_by_one, gradient[None], np.array([row]), *given)
    assert_same_bits(together, one_by_one)


@pytest.mark.parametrize("name", ["gradient_descent", "momentum", "adadelta"])
def test_a_gradient_may_be_the_variable_itself(name: str) -> None:
    """As that of `sum(v * v) / 2` may be: it is read before it is written."""
    rule, given = getattr(optimizers, name), scalars(name, "float64")
    slots, _ = arrays(rule, (3 * optimizers.PIECE,), "float64")
    expected = rule(*slots, slots[0].copy(), *given)
    optimizers.update(rule, slots, slots[0], *given)
    assert_same_bits(slots, expected)


def test_the_gradient_is_not_written_to() -> None:
    slots, grad = arrays(optimizers.momentum, (5,), "float32")
    grad.flags.writeable = False
    optimizers.update(optimizers.momentum, slots, grad, *scalars("momentum", "float32"))
    slots, grad = arrays(optimizers._adam_rule, (5,), "float32")
    grad.flags.writeable = False
    optimizers.adam(*slots, grad, *[np.float32(s) for s in ADAM])


def test_division_by_zero_is_quiet_in_every_thread(threads: None, recwarn: Any) -> None:
    set_num_threads(3)
    size = 8 * optimizers.PIECE
    slots = [np.zeros(size), np.zeros(size)]
    optimizers.update(optimizers.adagrad, slots, np.zeros(size), 0.1)
    assert np.isnan(slots[0]).all()
    optimizers.update_rows(optimizers.adagrad, slots, np.zeros(1), np.array([0]), 0.1)
    assert not recwarn.list


# ---- Adam


def by_definition(slots: list[Array], grad: Array, given: Any, nesterov: bool) -> list[Array]:
    """In the arrays' own precision, with the order of operations of TensorFlow's CPU kernel."""
    var, m, v = slots
    beta1_power, beta2_power, lr, beta1, beta2, epsilon = given
    one = grad.dtype.type(1)
    rate = lr * np.sqrt(one - beta2_power) / (one - beta1_power)
    m = m + (grad - m) * (one - beta1)
    v = v + (grad * grad - v) * (one - beta2)
    ahead = grad * (one - beta1) + beta1 * m if nesterov else m
    return [var - ahead * rate / (np.sqrt(v) + epsilon), m, v]


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_adam(dtype: str, nesterov: bool, threads: None) -> None:
    """Compiled or not, on any number of threads: the bits of its definition."""
    given = [np.dtype(dtype).type(number) for number in ADAM]
    for shape in ((), (0,), (3, 5), (70_001,)):
        slots, grad = arrays(optimizers._adam_rule, shape, dtype)
        expected = by_definition(slots, grad, given, nesterov)
        for number in (1, 3):
            set_num_threads(number)
            changed = copies(slots)
            optimizers.adam(*changed, grad, *given, use_nesterov=nesterov)
            assert_same_bits(changed, expected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_adam_as_python(dtype: str, interpreted: None) -> None:
    given = [np.dtype(dtype).type(number) for number in ADAM]
    slots, grad = arrays(optimizers._adam_rule, (4, 3), dtype)
    expected = by_definition(slots, grad, given, False)
    optimizers.adam(*slots, grad, *given)
    assert_same_bits(slots, expected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_adam_without_numba(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch.jit, "available", lambda: False)
    given = [np.dtype(dtype).type(number) for number in ADAM]
    slots, grad = arrays(optimizers._adam_rule, (40_000,), dtype)
    expected = by_definition(slots, grad, given, False)
    optimizers.adam(*slots, grad, *given)
    assert_same_bits(slots, expected)


def test_adam_on_a_transposed_gradient_and_on_the_variable_itself() -> None:
    given = [np.float32(number) for number in ADAM]
    slots, grad = arrays(optimizers._adam_rule, (4, 3), "float32")
    turned = np.ascontiguousarray(grad.T).T
    assert not turned.flags.c_contiguous
    changed = copies(slots)
    optimizers.adam(*changed, turned, *given)
    assert_same_bits(changed, by_definition(slots, grad, given, False))
    expected = by_definition(slots, slots[0].copy(), given, False)
    optimizers.adam(*slots, slots[0], *given)
    assert_same_bits(slots, expected)


def test_a_sweep_has_the_bits_of_single_updates(threads: None) -> None:
    """Of large and small arrays, by different rules; also while another sweep is put together."""
    sizes = [100_000, 3, 0, 20_000, 1, 40_000]
    names = ["momentum", "rms_prop", "momentum", "gradient_descent", "adagrad", "rms_prop"]
    cases = [
        (getattr(optimizers, name), *arrays(getattr(optimizers, name), size, "float32", seed))
        for seed, (name, size) in enumerate(zip(names, sizes, strict=True))
    ]
    for number in (1, 2, 3):
        set_num_threads(number)
        single, together = ([copies(slots) for _, slots, _ in cases] for _ in range(2))
        for slots, name, (rule, _, grad) in zip(single, names, cases, strict=True):
            optimizers.update(rule, slots, grad, *scalars(name, "float32"))
        with one_sweep():
            for slots, name, (rule, _, grad) in zip(together, names, cases, strict=True):
                optimizers.update(rule, slots, grad, *scalars(name, "float32"))
            for slots, (_, before, _) in zip(together, cases, strict=True):
                assert_same_bits(slots, before)
        for slots, expected in zip(together, single, strict=True):
            assert_same_bits(slots, expected)


def test_nothing_is_done_in_a_sweep_that_fails() -> None:
    var = np.ones(3)
    with pytest.raises(KeyError), one_sweep():
        optimizers.update(optimizers.gradient_descent, [var], np.ones(3), 0.5)
        raise KeyError
    np.testing.assert_array_equal(var, 1.0)
    optimizers.update(optimizers.gradient_descent, [var], np.ones(3), 0.5)
    np.testing.assert_array_equal(var, 0.5)


@pytest.mark.parametrize("name", [rule.__name__ for rule in optimizers._LOOPS])
def test_loops_as_python(name: str, interpreted: None) -> None:
    rule, given = getattr(optimizers, name), scalars(name, "float32")
    slots, grad = arrays(rule, (optimizers.PIECE,), "float32")
    expected = rule(*slots, grad, *given)
    optimizers.update(rule, slots, grad, *given)
    assert_same_bits(slots, expected)
