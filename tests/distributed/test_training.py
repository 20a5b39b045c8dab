"""Workers that train together, each on a server of its own: what a TensorFlow 1 script does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import minitf as tf
from tests.distributed.clusters import Cluster

PATIENCE = 120.0
LAST = 8


@pytest.fixture
def servers() -> Iterator[Cluster]:
    made = Cluster(ps=2, worker=2)
    yield made
    made.stop()


def batch(worker: int, step: int) -> tuple[Any, Any]:
    rng = np.random.RandomState(1000 * worker + step)
    return rng.randn(16, 6).astype(np.float32), rng.randn(16, 2).astype(np.float32)


def model() -> tuple[Any, Any, Any]:
    x = tf.placeholder(tf.float32, [None, 6])
    y = tf.placeholder(tf.float32, [None, 2])
    hidden = tf.layers.dense(x, 12, tf.nn.tanh, name="hidden")
    loss = tf.reduce_mean(tf.square(tf.layers.dense(hidden, 2, name="out") - y))
    return x, y, loss


def in_threads(*functions: Callable[[], None]) -> None:
    """Runs functions at once; the first failure is raised."""
    failures: list[BaseException] = []

    def guarded(function: Callable[[], None]) -> None:
        try:
            function()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(each,), daemon=True) for each in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    if failures:
        raise failures[0]
    assert not any(thread.is_alive() for thread in threads), "a worker hangs"


def train(servers: Cluster, worker: int, sync: bool, found: dict[int, Any]) -> None:
    with tf.Graph().as_default():
        tf.set_random_seed(5)
        with tf.device(servers.setter(worker)):
            x, y, loss = model()
            step = tf.train.get_or_create_global_step()
            optimizer: Any = tf.train.MomentumOptimizer(0.1, 0.9)
            if sync:
                optimizer = tf.train.SyncReplicasOptimizer(optimizer, 2, total_num_replicas=2)
            op = optimizer.minimize(loss, step)
            hooks: list[Any] = [tf.train.StopAtStepHook(last_step=LAST)]
            if sync:
                hooks.append(optimizer.make_session_run_hook(worker == 0))
        variables = tf.trainable_variables()
        steps = 0
        with tf.train.MonitoredTrainingSession(
            servers.target("worker", worker), worker == 0, hooks=hooks
        ) as sess:
            while not sess.should_stop():
                images, labels = batch(worker, steps)
                sess.run(op, {x: images, y: labels})
                steps += 1
        with tf.Session(servers.target("worker", worker)) as sess:
            found[worker] = steps, sess.run(step), sess.run(variables)


def test_asynchronous_workers_share_the_steps(servers: Cluster) -> None:
    found: dict[int, Any] = {}
    in_threads(*[lambda w=w: train(servers, w, False, found) for w in (0, 1)])  # type: ignore[misc]
    reached = {int(found[worker][1]) for worker in (0, 1)}
    # A worker reads the step before its own update: each may do one more than was asked for.
    assert all(LAST <= step <= LAST + 2 for step in reached)
    assert sum(found[worker][0] for worker in (0, 1)) == max(reached)


def test_synchronous_workers_are_one_process_to_the_last_bit(servers: Cluster) -> None:
    found: dict[int, Any] = {}
    in_threads(*[lambda w=w: train(servers, w, True, found) for w in (0, 1)])  # type: ignore[misc]
    assert [found[worker][0] for worker in (0, 1)] == [LAST, LAST]
    for value, expected in zip(found[0][2], averaged_alone(), strict=True):
        np.testing.assert_array_equal(value, expected)


def averaged_alone() -> Any:
    """What one process gets that averages the gradients of both batches in the workers' order."""
    with tf.Graph().as_default():
        tf.set_random_seed(5)
        x, y, loss = model()
        optimizer = tf.train.MomentumOptimizer(0.1, 0.9)
        pairs = optimizer.compute_gradients(loss)
        fed = [tf.placeholder(g.dtype, g.shape) for g, _ in pairs]
        apply = optimizer.apply_gradients([(f, v) for f, (_, v) in zip(fed, pairs, strict=True)])
        with tf.Session() as sess:
            sess.run(tf.global_variables_initializer())
            for step in range(LAST):
                shares = []
                for worker in (0, 1):
                    images, labels = batch(worker, step)
                    shares.append(sess.run([g for g, _ in pairs], {x: images, y: labels}))
                means = [(a + b) / np.float32(2) for a, b in zip(*shares, strict=True)]
                sess.run(apply, dict(zip(fed, means, strict=True)))
            return sess.run(tf.trainable_variables())


def test_towers_in_one_graph(servers: Cluster) -> None:
    """In-graph replication: one client, a tower on each worker, variables on the servers."""
    with tf.device("/job:ps/task:0"):
        w = tf.get_variable("w", [6, 2], initializer=tf.zeros_initializer())
    optimizer = tf.train.GradientDescentOptimizer(0.1)
    gradients, feeds = [], {}
    for worker in (0, 1):
        with tf.device(f"/job:worker/task:{worker}"):
            x, y = tf.placeholder(tf.float32, [None, 6]), tf.placeholder(tf.float32, [None, 2])
            loss = tf.reduce_mean(tf.square(tf.matmul(x, w) - y))
            gradients.append(optimizer.compute_gradients(loss, [w])[0][0])
            feeds.update(zip((x, y), batch(worker, 0), strict=True))
    with tf.device("/job:ps/task:1"):
        mean = tf.add_n(gradients) / 2.0
    op = optimizer.apply_gradients([(mean, w)])
    with tf.Session(servers.target()) as sess:
        sess.run(w.initializer)
        sess.run(op, feeds)
        result = sess.run(w)
    alone = np.zeros((6, 2), np.float32)
    for worker in (0, 1):
        x_, y_ = batch(worker, 0)
        alone += 0.1 * (2.0 / 32.0) * (x_.T @ y_) / 2.0
    np.testing.assert_allclose(result, alone, rtol=1e-5)


def test_steps_of_several_kinds_at_once(servers: Cluster) -> None:
    """As a queue runner's beside those of training: what one sends, another must not clean up."""
    with tf.device("/job:ps/task:0"):
        counts = [tf.Variable(0.0, name=f"count{i}") for i in range(3)]
    with tf.device("/job:worker/task:0"):
        ones = [tf.identity(c) * 0.0 + 1.0 for c in counts]
    updates = [tf.assign_add(c, one).op for c, one in zip(counts, ones, strict=True)]
    with tf.Session(servers.target()) as sess:
        sess.run(tf.global_variables_initializer())

        def repeat(update: Any) -> None:
            for _ in range(30):
                sess.run(update)

        in_threads(*[lambda u=u: repeat(u) for u in updates])  # type: ignore[misc]
        assert sess.run(counts) == [30.0, 30.0, 30.0]
