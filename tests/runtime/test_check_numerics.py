"""A session that checks numbers ends at the first node that makes an inf or nan."""

from __future__ import annotations

from typing import Any

import pytest

import minitf as tf

CHECKED = tf.ConfigProto(check_numerics=True)


def message_of(fetches: Any, feed: Any = None, config: Any = CHECKED) -> str:
    with tf.Session(config=config) as sess:
        sess.run(tf.global_variables_initializer())
        with pytest.raises(tf.errors.InvalidArgumentError) as raised:
            sess.run(fetches, feed)
    return str(raised.value.message)


def test_the_first_node_and_its_inputs_are_told() -> None:
    x = tf.placeholder(tf.float32, [None], name="x")
    wrong = tf.log(x - 1.0, name="wrong")
    message = message_of(tf.reduce_sum(tf.exp(wrong), name="later"), {x: [0.0, 3.0]})
    assert message.startswith("wrong:0 : Tensor had NaN values")
    assert "made: float32[2], 1 of 2 not finite" in message
    assert "from sub:0: float32[2], from -1 to 2" in message
    assert 'wrong = tf.log(x - 1.0, name="wrong")' in message
    assert message.endswith("docs/errors.md#not-finite")


def test_gradients_and_updates_are_checked() -> None:
    v = tf.Variable(0.0, name="v")
    train = tf.train.GradientDescentOptimizer(0.1).minimize(tf.sqrt(v))
    assert "Tensor had Inf values" in message_of(train)


def test_values_that_are_finite_are_those_of_other_sessions() -> None:
    x = tf.placeholder(tf.float32, [2])
    y, text = tf.exp(x), tf.constant("text")
    count = tf.size(tf.cond(x[0] > 0.0, lambda: x, lambda: -x))
    with tf.Session() as plain, tf.Session(config=CHECKED) as checked:
        feed = {x: [1.0, 2.0]}
        assert str(plain.run([y, text, count], feed)) == str(checked.run([y, text, count], feed))


def test_the_environment_asks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    zero = tf.placeholder(tf.float32, [])
    monkeypatch.setenv("MINITF_CHECK_NUMERICS", "1")
    assert "Inf" in message_of(1.0 / zero, {zero: 0.0}, config=None)
