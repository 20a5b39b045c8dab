"""How stale gradients are is counted, bounded and shown."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import minitf as tf
from tests.distributed.clusters import Cluster, cluster


def model(optimizer: Any, bound: int | None = None, sparse: bool = False) -> Any:
    """Three variables, whose gradients may be held back by what is fed."""
    w = tf.get_variable("w", [3], initializer=tf.zeros_initializer())
    rows = tf.get_variable("rows", [5, 3], initializer=tf.zeros_initializer())
    step = tf.train.get_or_create_global_step()
    optimizer = tf.train.AsyncReplicasOptimizer(optimizer, bound)
    value = w + tf.reduce_sum(tf.nn.embedding_lookup(rows, [1, 3, 1]), 0) if sparse else w
    train = optimizer.minimize(tf.reduce_sum(tf.square(value - 3.0)), step)
    return w, step, optimizer, train


@pytest.mark.parametrize("bound", [None, 0])
@pytest.mark.parametrize("name", ["GradientDescentOptimizer", "AdamOptimizer", "MomentumOptimizer"])
def test_alone_nothing_is_stale_and_numbers_are_those_of_the_optimizer(
    name: str, bound: int | None
) -> None:
    make = getattr(tf.train, name)
    args = (0.1, 0.9) if name == "MomentumOptimizer" else (0.1,)
    results = []
    for wrapped in (True, False):
        tf.reset_default_graph()
        if wrapped:
            w, step, optimizer, train = model(make(*args), bound, sparse=True)
        else:
            w = tf.get_variable("w", [3], initializer=tf.zeros_initializer())
            rows = tf.get_variable("rows", [5, 3], initializer=tf.zeros_initializer())
            step = tf.train.get_or_create_global_step()
            value = w + tf.reduce_sum(tf.nn.embedding_lookup(rows, [1, 3, 1]), 0)
            train = make(*args).minimize(tf.reduce_sum(tf.square(value - 3.0)), step)
        with tf.Session() as sess:
            sess.run(tf.global_variables_initializer())
            for _ in range(4):
                sess.run(train)
            results.append(sess.run([w, step]))
            if wrapped:
                counts = sess.run(optimizer.counts)
                assert counts[0] == counts.sum() == 4
    np.testing.assert_array_equal(results[0][0], results[1][0])
    assert results[0][1] == results[1][1] == 4


def held_back(cluster_: Cluster, bound: int | None, others: int) -> Any:
    """One gradient waits, at its worker, until others have been applied; returns what came of it.

    Returns the staleness of it, the variable before and after, the global step, the counts.
    """
    tf.Session.reset(cluster_.target())
    graphs = []
    for worker in range(2):
        with tf.Graph().as_default() as graph, tf.device(cluster_.setter(worker)):
            w = tf.get_variable("w", [3], initializer=tf.zeros_initializer())
            step = tf.train.get_or_create_global_step()
            opt = tf.train.AsyncReplicasOptimizer(tf.train.GradientDescentOptimizer(0.1), bound)
            (pair,) = opt.compute_gradients(tf.reduce_sum(tf.square(w - 3.0)))
            grad, queue = pair[0], None
            if worker == 1:
                with tf.device("/job:worker/task:1"):
                    begun = tf.FIFOQueue(1, tf.float32, shapes=[[]], shared_name="begun")
                    queue = tf.FIFOQueue(1, tf.float32, shapes=[[]], shared_name="go")
                    with (
                        tf.control_dependencies([grad]),
                        tf.control_dependencies([begun.enqueue(0.0)]),
                    ):
                        grad = grad + queue.dequeue()
            train = opt.apply_gradients([(grad, w)], step)
            put = queue.enqueue(0.0) if queue else None
            seen = begun.dequeue() if queue else None
            init = tf.global_variables_initializer()
        graphs.append((graph, w, step, opt, train, put, seen, init))
    config = tf.ConfigProto(operation_timeout_in_ms=60000)
    graph, w, step, opt, train, _, _, init = graphs[0]
    slow_graph, _, _, slow_opt, slow_train, put, seen, _ = graphs[1]
    found: list[Any] = []
    with (
        tf.Session(cluster_.target(index=0), graph=graph, config=config) as fast,
        tf.Session(cluster_.target(index=1), graph=slow_graph, config=config) as slow,
    ):
        fast.run(init)
        thread = threading.Thread(
            target=lambda: found.append(slow.run([slow_opt.staleness, slow_train])[0])
        )
        thread.start()
        slow.run(seen)  # it has read its values
        for _ in range(others):
            fast.run(train)
        before = fast.run(w)
        slow.run(put)
        thread.join(60)
        assert not thread.is_alive()
        return found[0], before, *fast.run([w, step, opt.counts])


def test_a_gradient_that_was_held_back_is_as_old_as_the_steps_of_others() -> None:
    with cluster(ps=2, worker=2) as two:
        age, before, after, step, counts = held_back(two, None, 3)
        assert (age, step) == (3, 4)
        assert (before != after).all()
        assert counts[0] == 3 and counts[3] == 1 and counts.sum() == 4
        age, before, after, step, counts = held_back(two, 3, 3)  # as old as it may be
        assert (age, step) == (3, 4)
        assert (before != after).all()
        age, before, after, step, counts = held_back(two, 2, 3)  # too old
        assert (age, step) == (3, 3)
        np.testing.assert_array_equal(before, after)
        assert counts.tolist() == [3, 0, 0, 1]


def test_it_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(tf.logging, "info", lambda text, *args: told.append(text % args))
    _, _, optimizer, train = model(tf.train.GradientDescentOptimizer(0.1), bound=5)
    hooks = [optimizer.make_session_run_hook(2), tf.train.StopAtStepHook(last_step=3)]
    with tf.train.MonitoredTrainingSession(hooks=hooks, log_step_count_steps=None) as sess:
        while not sess.should_stop():
            sess.run(train)
    lines = [line for line in told if line.startswith("Staleness")]
    assert lines == [
        f"Staleness of {n} gradients of all workers: 0.00 steps on average, at most 0; 0 dropped."
        for n in (2, 1)
    ]


def test_what_has_to_come_first() -> None:
    inner = tf.train.GradientDescentOptimizer(0.1)
    with pytest.raises(ValueError, match="max_staleness must be 0 or more"):
        tf.train.AsyncReplicasOptimizer(inner, -1)
    optimizer = tf.train.AsyncReplicasOptimizer(inner)
    w = tf.Variable(1.0)
    with pytest.raises(ValueError, match="Global step is required"):
        optimizer.minimize(w * w)
    with pytest.raises(ValueError, match="No gradients"):
        optimizer.apply_gradients([(None, w)], tf.train.get_or_create_global_step())
    with pytest.raises(ValueError, match="apply_gradients should be called"):
        optimizer.make_session_run_hook().begin()
    with pytest.raises(ValueError, match="every_n_runs must be positive"):
        optimizer.make_session_run_hook(0)
