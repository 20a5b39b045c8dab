"""Memory that is received into again: never while somebody may still look at it."""

from __future__ import annotations

import weakref

import numpy as np

import minitf as tf
from minitf.distributed.buffers import Buffers, keeps_nothing
from tests.distributed.clusters import cluster

LARGE, SMALL = (128, 256), (4,)
FLOAT = np.dtype(np.float32)


def test_what_was_given_back_is_leased_again() -> None:
    buffers = Buffers()
    assert buffers.lease([(FLOAT, LARGE), (FLOAT, SMALL)]) == [None, None]
    large, small = np.zeros(LARGE, np.float32), np.zeros(SMALL, np.float32)
    buffers.give_back([large[:64], small, None])
    assert buffers.lease([(FLOAT, LARGE)]) == [None]
    buffers.give_back([large, small, large[:64], None])
    found = buffers.lease([(FLOAT, LARGE), (FLOAT, LARGE), (FLOAT, SMALL)])
    assert found[0] is large
    assert found[1:] == [None, None]
    assert buffers.lease([(np.dtype(np.int32), LARGE), (np.dtype(object), LARGE)]) == [None, None]


def test_shapes_that_do_not_come_again_are_let_go_of() -> None:
    """As with the rows of a table that a batch needs: their number is another in each step."""
    buffers = Buffers()
    weights, first = np.zeros(LARGE, np.float32), np.zeros((1000, 64), np.float32)
    gone = weakref.ref(first)
    buffers.give_back([first])
    del first
    for rows in range(1001, 1101):
        buffers.give_back([weights, np.zeros((rows, 64), np.float32)])
        (weights,) = buffers.lease([(FLOAT, LARGE)])
        assert weights is not None
    assert gone() is None
    assert buffers.lease([(FLOAT, (1100, 64)), (FLOAT, (1001, 64))])[1] is None


def test_a_queue_keeps_what_it_is_given() -> None:
    x = tf.placeholder(tf.float32, [])
    tf.FIFOQueue(1, tf.float32).enqueue(x)
    assert not keeps_nothing(tf.get_default_graph())


def test_updates_keep_nothing() -> None:
    v = tf.Variable(0.0)
    tf.train.AdamOptimizer().minimize(v * 2.0 + tf.random_normal([]))
    assert keeps_nothing(tf.get_default_graph())


def test_fetched_and_updated_values_stay_as_they_were() -> None:
    """Large values go to and fro, many times, and none changes after it was handed out."""
    with cluster(ps=1, worker=1) as servers:
        x = tf.placeholder(tf.float32, LARGE, name="x")
        with tf.device("/job:ps/task:0"):
            v = tf.get_variable("v", LARGE, initializer=tf.zeros_initializer())
        with tf.device("/job:worker/task:0"):
            read = tf.identity(v) + 0.0
            same = tf.identity(v.read_value())
        update = tf.assign(v, x).op
        with tf.Session(servers.target()) as sess:
            sess.run(v.initializer)
            seen = []
            for number in range(6):
                sess.run(update, {x: np.full(LARGE, number + 1)})
                seen.append(sess.run([read, same, v]))
            for number, arrays in enumerate(seen):
                for array in arrays:
                    assert (array == number + 1).all()
