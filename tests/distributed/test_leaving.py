"""Synchronous training on servers: when one worker ends, the others do, and so do their threads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import minitf as tf
from tests.background import DEADLINE, Background
from tests.distributed.clusters import Cluster

CONFIG = {"operation_timeout_in_ms": int(DEADLINE * 1000)}


@pytest.fixture
def servers() -> Iterator[Cluster]:
    cluster = Cluster(ps=2, worker=2)
    yield cluster
    cluster.stop()


def work(servers: Cluster, index: int, last_step: int) -> list[int]:
    """What one worker does; returns the steps that it has seen."""
    with tf.Graph().as_default():
        with tf.device(servers.setter(index)):
            w = tf.get_variable("w", [3], initializer=tf.ones_initializer())
            bias = tf.get_variable("bias", [], initializer=tf.zeros_initializer())
            step = tf.train.get_or_create_global_step()
            loss = tf.reduce_sum(tf.square(w)) + tf.square(bias - 1.0)
            optimizer = tf.train.SyncReplicasOptimizer(tf.train.AdamOptimizer(), 2)
            train = optimizer.minimize(loss, step)
        hooks: list[Any] = [
            optimizer.make_session_run_hook(is_chief=index == 0),
            tf.train.StopAtStepHook(last_step=last_step),
        ]
        steps = []
        with tf.train.MonitoredTrainingSession(
            servers.target("worker", index),
            is_chief=index == 0,
            hooks=hooks,
            config=tf.ConfigProto(**CONFIG),
            stop_grace_period_secs=DEADLINE,
        ) as sess:
            while not sess.should_stop():
                steps.append(int(sess.run(train)))
        return steps


@pytest.mark.parametrize("first", [0, 1])
def test_when_one_worker_ends_the_others_do(servers: Cluster, first: int) -> None:
    """The chief, or the other one, ends at step 4; who would go on to 1000, ends cleanly."""
    threads = [Background(work, servers, i, 4 if i == first else 1000) for i in range(2)]
    ends = [thread.result() for thread in threads]
    assert ends[first] == [1, 2, 3, 4]
    assert ends[1 - first] in ([1, 2, 3], [1, 2, 3, 4])


def test_all_end_at_their_last_step(servers: Cluster) -> None:
    threads = [Background(work, servers, i, 5) for i in range(2)]
    for thread in threads:
        assert thread.result() in ([1, 2, 3, 4], [1, 2, 3, 4, 5])
