"""Moving averages against their formulas, what they are called, and how they are restored."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minitf as tf
from minitf.train.moving_averages import assign_moving_average

Average = tf.train.ExponentialMovingAverage


def followed(values: list[float], decay: float, **options: Any) -> tuple[list[float], list[float]]:
    """The averages of a variable that begins at 1, and of a tensor, after each value."""
    with tf.Graph().as_default(), tf.Session() as sess:
        fed = tf.placeholder(tf.float64, [])
        variable = tf.Variable(tf.constant(1.0, tf.float64))
        tensor = tf.identity(fed)
        counter = tf.Variable(0)
        if options.pop("counted", False):
            options["num_updates"] = counter
        ema = Average(tf.constant(decay, tf.float64), **options)
        with tf.control_dependencies([variable.assign(fed), counter.assign_add(1)]):
            update = ema.apply([variable, tensor])
        sess.run(tf.global_variables_initializer())
        of_variable, of_tensor = [], []
        for value in values:
            sess.run(update, {fed: value})
            of_variable.append(float(sess.run(ema.average(variable))))
            of_tensor.append(float(sess.run(ema.average(tensor))))
        return of_variable, of_tensor


VALUES = st.lists(st.floats(-10, 10), min_size=1, max_size=6)


@settings(max_examples=40)
@given(VALUES, st.floats(0.1, 0.99))
def test_averages(values: list[float], decay: float) -> None:
    of_variable, of_tensor = followed(values, decay)
    shadow, from_zero = 1.0, 0.0
    for i, value in enumerate(values):
        shadow = decay * shadow + (1 - decay) * value
        from_zero = decay * from_zero + (1 - decay) * value
        assert of_variable[i] == pytest.approx(shadow, rel=1e-12, abs=1e-12)
        assert of_tensor[i] == pytest.approx(from_zero, rel=1e-12, abs=1e-12)


@settings(max_examples=40)
@given(VALUES, st.floats(0.1, 0.99))
def test_averages_of_tensors_can_be_corrected_for_their_start(
    values: list[float], decay: float
) -> None:
    """Then they are weighted means of what was seen: the first one is the first value."""
    of_variable, of_tensor = followed(values, decay, zero_debias=True)
    assert of_tensor[0] == pytest.approx(values[0], rel=1e-12, abs=1e-12)
    for n in range(1, len(values) + 1):
        weights = np.array([decay ** (n - 1 - i) for i in range(n)])
        mean = np.sum(weights * values[:n]) / weights.sum()
        assert of_tensor[n - 1] == pytest.approx(mean, rel=1e-9, abs=1e-9)
    assert of_variable == followed(values, decay)[0]


def test_counting_updates_makes_averages_move_fast_at_first() -> None:
    with tf.Session() as sess:
        v, count = tf.Variable(0.0), tf.Variable(0)
        ema = Average(0.9, num_updates=count)
        update = ema.apply([v])
        sess.run(tf.global_variables_initializer())
        sess.run(v.assign(1.0))
        shadow = 0.0
        for n in (0, 1, 5, 1000):
            sess.run(count.assign(n))
            sess.run(update)
            decay = min(0.9, (1 + n) / (10 + n))
            shadow = decay * shadow + (1 - decay)
            assert sess.run(ema.average(v)) == pytest.approx(shadow, rel=1e-6)


def test_a_shadow_begins_at_its_variables_value() -> None:
    """Also when that was not initialized before, or has moved on since."""
    with tf.Session() as sess:
        v = tf.Variable(tf.random_uniform([3]))
        ema = Average(0.9)
        ema.apply([v])
        sess.run(tf.global_variables_initializer())
        np.testing.assert_array_equal(sess.run(ema.average(v)), sess.run(v))
        sess.run(v.assign([1.0, 2.0, 3.0]))
        sess.run(ema.average(v).initializer)
        np.testing.assert_array_equal(sess.run(ema.average(v)), [1.0, 2.0, 3.0])


def test_all_trainable_variables_by_default() -> None:
    a, b = tf.Variable(1.0), tf.Variable(1.0)
    fixed = tf.Variable(1.0, trainable=False)
    ema = Average(0.9)
    ema.apply()
    shadows = [ema.average(a), ema.average(b)]
    assert None not in shadows and ema.average(fixed) is None
    assert tf.moving_average_variables() == [a, b]
    assert not any(shadow.trainable for shadow in shadows)
    assert ema.apply([a]).type == "NoOp" and ema.average(a) is shadows[0]


def test_names() -> None:
    with tf.variable_scope("scope"):
        v = tf.get_variable("v", [2])
    ema = Average(0.9, name="Mean")
    assert ema.name == "Mean" and ema.average_name(v) == "scope/v/Mean"
    ema.apply([v])
    assert ema.average(v).op.name == ema.average_name(v) == "scope/v/Mean"


def test_variables_to_restore() -> None:
    v, w = tf.Variable(1.0, name="v"), tf.Variable(1.0, name="w", trainable=False)
    ema = Average(0.9)
    ema.apply([v])
    assert ema.variables_to_restore() == {"v/ExponentialMovingAverage": v, "w": w}
    both = ema.variables_to_restore([v, w])
    assert both == {"v/ExponentialMovingAverage": v, "w/ExponentialMovingAverage": w}
    assert Average(0.9).variables_to_restore([]) == {"v": v, "w": w} | {
        "v/ExponentialMovingAverage": ema.average(v)
    }


def test_only_floats_have_averages() -> None:
    with pytest.raises(TypeError, match="must be half, float, or double: Variable:0") as error:
        Average(0.9).apply([tf.Variable(1)])
    assert "test_moving_averages.py" in str(error.value)


@pytest.mark.parametrize("dtype", [tf.float16, tf.float32, tf.float64])
def test_assign_moving_average(dtype: Any) -> None:
    """As batch normalization uses it, with and without its correction."""
    with tf.Session() as sess:
        biased = tf.Variable(tf.constant([1.0, 2.0], dtype))
        plain = assign_moving_average(biased, [3.0, 3.0], 0.5, zero_debias=False)
        corrected = tf.Variable(tf.constant([1.0, 2.0], dtype))
        first = assign_moving_average(corrected, [3.0, 3.0], 0.5)
        sess.run(tf.global_variables_initializer())
        np.testing.assert_array_equal(sess.run(plain), [2.0, 2.5])
        for _ in range(2):
            np.testing.assert_array_equal(sess.run(first), [3.0, 3.0])
        assert plain.dtype._is_ref_dtype and plain.dtype.base_dtype is dtype


def test_a_second_correction_of_a_variable_is_its_own() -> None:
    v = tf.Variable(1.0, name="v")
    for _ in range(2):
        assign_moving_average(v, 2.0, 0.5)
    names = [variable.op.name for variable in tf.global_variables()]
    assert names == ["v", "v/biased", "v/local_step", "v/biased_1", "v/local_step_1"]
