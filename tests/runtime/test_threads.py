"""Threads: a session uses as many as it is told, gets the same bits, and many may run at once."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import minitf as tf
from minitf.kernels.parallel import get_num_threads


def network() -> SimpleNamespace:
    """A convolutional network with dropout and Adam, small, but with work for several threads."""
    tf.set_random_seed(1)
    x = tf.placeholder(tf.float32, [None, 28, 28, 1])
    labels = tf.placeholder(tf.float32, [None, 10])
    h = tf.layers.conv2d(x, 16, 5, padding="same", activation=tf.nn.relu)
    h = tf.layers.max_pooling2d(h, 2, 2)
    h = tf.layers.conv2d(h, 32, 5, padding="same", activation=tf.nn.relu)
    h = tf.layers.max_pooling2d(h, 2, 2)
    h = tf.layers.dense(tf.layers.flatten(h), 256, activation=tf.nn.relu)
    features = h
    logits = tf.layers.dense(tf.nn.dropout(h, 0.5), 10)
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits))
    train = tf.train.AdamOptimizer(1e-3).minimize(loss)
    return SimpleNamespace(x=x, labels=labels, features=features, loss=loss, train=train)


def batch(size: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    return (
        rng.random((size, 28, 28, 1), np.float32),
        np.eye(10, dtype=np.float32)[rng.integers(0, 10, size)],
    )


def trained(threads: int, steps: int = 4) -> list[Any]:
    """The losses and the variables after some steps, with so many threads."""
    config = tf.ConfigProto(intra_op_parallelism_threads=threads)
    with tf.Graph().as_default():
        net = network()
        images, labels = batch(40)
        with tf.Session(config=config) as sess:
            sess.run(tf.global_variables_initializer())
            feed = {net.x: images, net.labels: labels}
            losses = [sess.run([net.loss, net.train], feed)[0] for _ in range(steps)]
            return [np.array(losses), *sess.run(tf.trainable_variables())]


def test_the_number_of_threads_changes_no_bit() -> None:
    one = trained(1)
    for threads in (2, 3, 8):
        for value, other in zip(trained(threads), one, strict=True):
            np.testing.assert_array_equal(value, other)


@pytest.mark.parametrize("threads", [1, 3])
def test_a_session_uses_as_many_threads_as_it_is_told(threads: int) -> None:
    seen = tf.py_func(get_num_threads, [], tf.int64)
    config = tf.ConfigProto(intra_op_parallelism_threads=threads)
    everywhere = get_num_threads()
    with tf.Session(config=config) as sess, tf.Session() as free:
        assert sess.run(seen) == threads
        assert free.run(seen) == everywhere
        assert sess.make_callable(seen)() == threads
    assert get_num_threads() == everywhere


def test_many_threads_run_one_session_at_once() -> None:
    """Each gets what it would get alone, and no memory of another's run."""
    net = network()
    feeds = [{net.x: batch(size)[0]} for size in (1, 7, 16, 16, 33)]
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        alone = [sess.run(net.features, feed) for feed in feeds]
        wrong: list[int] = []

        def work(number: int) -> None:
            for _ in range(8):
                if not np.array_equal(sess.run(net.features, feeds[number]), alone[number]):
                    wrong.append(number)

        threads = [threading.Thread(target=work, args=(i % 5,)) for i in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong
