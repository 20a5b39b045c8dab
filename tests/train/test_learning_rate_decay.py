"""Learning rates against their formulas in Python, their dtypes and errors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minitf as tf

train = tf.train


def rate_of(build: Any, step: Any, dtype: Any = tf.int64) -> float:
    """A learning rate at a step that is known only when it runs."""
    with tf.Graph().as_default(), tf.Session() as sess:
        fed = tf.placeholder(dtype, [])
        return float(sess.run(build(fed), {fed: step}))


def polynomial(step: int, steps: int, end: float, power: float, cycle: bool) -> float:
    if cycle:
        steps *= max(1, math.ceil(step / steps))
    step = min(step, steps)
    return (1.0 - end) * (1 - step / steps) ** power + end


def restarts(step: int, steps: int, t_mul: float, m_mul: float, alpha: float) -> float:
    length, scale = float(steps), 1.0
    while step >= length:
        step, length, scale = step - length, length * t_mul, scale * m_mul
    wave = scale * (1 + math.cos(math.pi * step / length)) / 2
    return (1 - alpha) * wave + alpha


STEP = st.integers(0, 60)
STEPS = st.integers(1, 30)
RATE = st.floats(0.1, 0.95)


@settings(max_examples=60)
@given(STEP, STEPS, RATE, st.booleans())
def test_exponential_natural_and_inverse(step: int, steps: int, rate: float, stairs: bool) -> None:
    quotient = step // steps if stairs else step / steps
    for function, expected in (
        (train.exponential_decay, rate**quotient),
        (train.natural_exp_decay, math.exp(-rate * quotient)),
        (train.inverse_time_decay, 1 / (1 + rate * quotient)),
    ):
        actual = rate_of(lambda s, f=function: f(1.0, s, steps, rate, staircase=stairs), step)
        assert actual == pytest.approx(expected, rel=2e-5, abs=1e-7)


@settings(max_examples=60)
@given(STEP, STEPS, RATE, st.sampled_from([0.5, 1.0, 2.0]), st.booleans())
def test_polynomial(step: int, steps: int, end: float, power: float, cycle: bool) -> None:
    actual = rate_of(
        lambda s: train.polynomial_decay(1.0, s, steps, end, power=power, cycle=cycle), step
    )
    expected = polynomial(step, steps, end, power, cycle)
    assert actual == pytest.approx(expected, rel=1e-5, abs=2e-4 if power == 0.5 else 1e-6)


@settings(max_examples=60)
@given(STEP, STEPS, RATE, st.floats(0.5, 2.0))
def test_cosine_and_linear_cosine(step: int, steps: int, alpha: float, periods: float) -> None:
    fraction = min(step, steps) / steps
    wave = (1 + math.cos(math.pi * fraction)) / 2
    actual = rate_of(lambda s: train.cosine_decay(1.0, s, steps, alpha), step)
    assert actual == pytest.approx((1 - alpha) * wave + alpha, abs=1e-5)
    wave = (1 + math.cos(2 * math.pi * periods * fraction)) / 2
    expected = (alpha + 1 - fraction) * wave + 0.01
    for function, more in (
        (train.linear_cosine_decay, {}),
        (train.noisy_linear_cosine_decay, {"initial_variance": 0.0}),
    ):
        actual = rate_of(
            lambda s, f=function, m=more: f(
                1.0, s, steps, num_periods=periods, alpha=alpha, beta=0.01, **m
            ),
            step,
        )
        assert actual == pytest.approx(expected, abs=1e-5)


@settings(max_examples=60)
@given(STEP, st.integers(2, 30), st.sampled_from([1.0, 2.0, 4.0]), RATE, RATE)
def test_restarts(step: int, steps: int, t_mul: float, m_mul: float, alpha: float) -> None:
    # Where a period ends, rounding may put the step on either side of the jump.
    ends = [steps * k if t_mul == 1 else steps * (t_mul**k - 1) / (t_mul - 1) for k in range(40)]
    actual = rate_of(
        lambda s: train.cosine_decay_restarts(1.0, s, steps, t_mul, m_mul, alpha), step
    )
    allowed = [restarts(step, steps, t_mul, m_mul, alpha)]
    if step and step in ends:
        allowed.append(alpha)
    assert any(actual == pytest.approx(value, abs=1e-4) for value in allowed)


def test_noise_has_the_variance_that_falls() -> None:
    step = tf.placeholder(tf.int64, [])
    rate = train.noisy_linear_cosine_decay(
        1.0, step, 1000, initial_variance=4.0, variance_decay=1.0, num_periods=0.0, beta=0.0
    )
    tf.set_random_seed(0)
    with tf.Session() as sess:
        for at, variance in ((0, 4.0), (99, 0.04)):
            drawn = [sess.run(rate, {step: at}) for _ in range(400)]
            assert np.var(drawn) == pytest.approx(variance, rel=0.3)


@settings(max_examples=60)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=4, unique=True), STEP)
def test_piecewise_constant(boundaries: list[int], step: int) -> None:
    """Up to and including a boundary the value before it counts; for ints and floats."""
    boundaries = sorted(boundaries)
    values = [float(i + 1) for i in range(len(boundaries) + 1)]
    expected = values[sum(step > b for b in boundaries)]
    assert rate_of(lambda s: train.piecewise_constant(s, boundaries, values), step) == expected
    for dtype in (tf.int32, tf.float32, tf.float64):
        edges = [dtype.as_numpy_dtype(b) for b in boundaries]
        actual = rate_of(lambda s, e=edges: train.piecewise_constant(s, e, values), step, dtype)
        assert actual == expected
    assert train.piecewise_constant_decay is train.piecewise_constant


def test_piecewise_constant_of_tensors_and_ints() -> None:
    step = tf.placeholder(tf.int64, [])
    rows = train.piecewise_constant(step, [3], [tf.constant([1, 2]), tf.constant([3, 4])])
    with tf.Session() as sess:
        np.testing.assert_array_equal(sess.run(rows, {step: 3}), [1, 2])
        np.testing.assert_array_equal(sess.run(rows, {step: 4}), [3, 4])
        assert sess.run(train.piecewise_constant(7, [3], [1, 2])) == 2


def test_rates_follow_a_variable() -> None:
    step = train.get_or_create_global_step()
    rate = train.exponential_decay(1.0, step, 1, 0.5)
    with tf.Session() as sess:
        sess.run(step.initializer)
        seen = []
        for _ in range(3):
            seen.append(float(sess.run(rate)))
            sess.run(step.assign_add(1))
    assert seen == [1.0, 0.5, 0.25]


def test_rates_have_the_dtype_of_the_first() -> None:
    for dtype in (tf.float16, tf.float64):
        first = tf.constant(0.5, dtype)
        for rate in (
            train.exponential_decay(first, 3, 10, 0.5),
            train.inverse_time_decay(first, 3, 10, 0.5),
            train.polynomial_decay(first, 3, 10),
            train.cosine_decay(first, 3, 10),
            train.cosine_decay_restarts(first, 3, 10),
            train.linear_cosine_decay(first, 3, 10),
            train.noisy_linear_cosine_decay(first, 3, 10),
        ):
            assert rate.dtype is dtype and rate.shape.as_list() == []


def test_errors() -> None:
    for function in (
        train.exponential_decay,
        train.natural_exp_decay,
        train.inverse_time_decay,
    ):
        with pytest.raises(ValueError, match="global_step is required"):
            function(0.1, None, 10, 0.5)
    for function in (
        train.polynomial_decay,
        train.cosine_decay,
        train.cosine_decay_restarts,
        train.linear_cosine_decay,
        train.noisy_linear_cosine_decay,
    ):
        with pytest.raises(ValueError, match="global_step is required"):
            function(0.1, None, 10)
    step = tf.constant(1, tf.int64)
    for x, boundaries, values, message in (
        (None, [1], [1.0, 2.0], "needs an x"),
        (step, [1, 2], [1.0, 2.0], "1 less than the length of values"),
        (step, [], [1.0], "at least one boundary"),
        (step, [1.5], [1.0, 2.0], "must have the same dtype as x"),
        (tf.constant(1.0), [1], [1.0, 2.0], "must have the same dtype as x"),
        (tf.constant(1), [tf.constant(1, tf.int64)], [1.0, 2.0], "must have the same dtype as x"),
        (step, [1], [1, 2.0], "elements all with the same dtype"),
    ):
        with pytest.raises(ValueError, match=message):
            train.piecewise_constant(x, boundaries, values)
