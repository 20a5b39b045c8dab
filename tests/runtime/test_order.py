"""Reads and writes of a variable in no order are refused where that is asked for, only there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minitf as tf

STRICT = tf.ConfigProto(strict=True)


def refused(fetches: Any, *names: str, feed: Any = None) -> None:
    no_order = pytest.raises(tf.errors.InvalidArgumentError, match="which of them comes first")
    with tf.Session(config=STRICT) as sess, no_order as e:
        sess.run(fetches, feed)
    for name in names:
        assert repr(name) in e.value.message
    assert e.value.message.count("test_order.py") >= 2
    assert "docs/errors.md#reads-and-writes-in-no-order" in e.value.message


def accepted(fetches: Any, feed: Any = None) -> Any:
    with tf.Session(config=STRICT) as sess:
        sess.run(tf.global_variables_initializer())
        return sess.run(fetches, feed)


def test_a_read_and_a_write() -> None:
    v = tf.Variable(1.0, name="v")
    double = tf.multiply(v, 2.0, name="double")
    more = tf.assign_add(v, 1.0, name="more")
    refused([double, more], "double", "more", "v")
    with tf.control_dependencies([double]):
        later = tf.assign_add(v, 1.0)
    assert accepted([double, later]) == [2.0, 2.0]
    with tf.control_dependencies([more]):
        after = tf.multiply(v.read_value(), 2.0)
    assert accepted([more, after]) == [2.0, 4.0]


def test_what_computes_with_a_read_comes_late() -> None:
    """The read itself is ordered; what is computed of it is not."""
    v = tf.Variable(1.0, name="v")
    read = tf.identity(v, name="a_read")
    with tf.control_dependencies([read]):
        more = tf.assign_add(v, 1.0, name="more")
    refused([tf.multiply(read, 2.0, name="late"), more], "late", "more")


def test_two_writes() -> None:
    v = tf.Variable(1.0, name="v")
    one, two = tf.assign(v, 1.0, name="one"), tf.assign(v, 2.0, name="two")
    refused([one, two], "one", "two")
    assert accepted(tf.assign_add(tf.assign(v, 5.0), 1.0)) == 6.0


def test_reads_need_no_order_nor_do_other_variables() -> None:
    v, w = tf.Variable(1.0), tf.Variable(2.0)
    assert accepted([v + 1.0, v * 2.0, tf.assign(w, 3.0)]) == [2.0, 2.0, 3.0]


def test_training_is_in_order_and_a_penalty_beside_it_is_not() -> None:
    x = tf.placeholder(tf.float32, [None, 3])
    w = tf.Variable(tf.ones([3, 2]), name="w")
    loss = tf.reduce_mean(tf.square(tf.matmul(x, w)))
    feed = {x: np.ones([4, 3], np.float32)}
    for optimizer in (tf.train.AdamOptimizer(0.1), tf.train.MomentumOptimizer(0.1, 0.9)):
        step = tf.train.get_or_create_global_step()
        train = optimizer.minimize(loss, global_step=step)
        accepted([train, loss], feed)
    size = tf.reduce_max(w, name="size")
    refused([train, size], "size", "w", feed=feed)


def test_the_environment_asks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    v = tf.Variable(1.0)
    fetches = [v * 2.0, tf.assign(v, 3.0)]
    with tf.Session() as sess:
        sess.run(v.initializer)
        sess.run(fetches)
    monkeypatch.setenv("MINITF_STRICT", "1")
    with tf.Session() as sess, pytest.raises(tf.errors.InvalidArgumentError):
        sess.run(fetches)


def test_sessions_on_a_server_are_strict_too() -> None:
    v = tf.Variable(1.0, name="v")
    double, more = tf.multiply(v, 2.0, name="double"), tf.assign_add(v, 1.0, name="more")
    server = tf.train.Server.create_local_server()
    try:
        no_order = pytest.raises(tf.errors.InvalidArgumentError, match="which of them comes first")
        with tf.Session(server.target, config=STRICT) as sess:
            sess.run(v.initializer)
            with no_order:
                sess.run([double, more])
            assert sess.run(double) == 2.0  # nothing of the run was done
    finally:
        server.stop()
