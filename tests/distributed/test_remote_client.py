"""A session on the server of another process: its graph is sent as it grows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import minitf as tf
from tests.distributed.clusters import cluster_of
from tests.distributed.processes import Task, task


@pytest.fixture(scope="module")
def spec() -> Any:
    return cluster_of(ps=1, worker=1)


@pytest.fixture(scope="module")
def target(spec: Any) -> Iterator[str]:
    with task(spec, "ps"), task(spec, "worker"):
        yield f"grpc://{spec.task_address('worker', 0)}"


@pytest.fixture(autouse=True)
def nothing_left(target: str) -> None:
    tf.Session.reset(target)


def test_a_client_that_is_no_task(target: str) -> None:
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    with tf.device("/job:ps/task:0"):
        w = tf.Variable([[1.0], [2.0]], name="w")
    y = tf.matmul(x, w)
    train = tf.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_sum(y))
    with tf.Session(target) as sess:
        sess.run(tf.global_variables_initializer())
        found = sess.run({"y": y, "train": train, "w": w}, {x: [[1.0, 1.0]]})
        assert found["y"].tolist() == [[3.0]]
        assert found["train"] is None
        np.testing.assert_allclose(found["w"], [[0.9], [1.9]], rtol=1e-6)
        names = [device.name for device in sess.list_devices()]
        assert names == [
            "/job:worker/replica:0/task:0/device:CPU:0",
            "/job:ps/replica:0/task:0/device:CPU:0",
        ]


def test_the_graph_is_sent_as_it_grows_and_anew_when_it_changes(target: str) -> None:
    a = tf.add(tf.placeholder_with_default(1.0, []), 1.0, name="a")
    with tf.Session(target) as sess:
        assert sess.run(a) == 2.0
        with tf.control_dependencies([tf.no_op(name="first")]):
            b = a * 10.0
        assert sess.run([a, b]) == [2.0, 20.0]
        a.op._update_input(1, tf.constant(5.0))
        assert sess.run(b) == 60.0


def test_an_error_comes_back_with_the_clients_line(target: str) -> None:
    x = tf.placeholder(tf.float32, [None], name="x")
    bad = tf.reshape(x, [3], name="bad")
    with tf.Session(target) as sess, pytest.raises(tf.errors.InvalidArgumentError) as raised:
        sess.run(bad, {x: [1.0, 2.0]})
    assert raised.value.op is bad.op
    assert "test_remote_client.py" in raised.value.message
    with tf.Session(target) as sess, pytest.raises(tf.errors.InvalidArgumentError) as raised:
        sess.run(bad)
    assert "You must feed a value" in raised.value.message


def test_a_clients_deadline_holds_on_the_server(target: str) -> None:
    with tf.device("/job:ps/task:0"):
        take = tf.FIFOQueue(1, tf.float32, shared_name="never").dequeue()
    with tf.Session(target) as sess, pytest.raises(tf.errors.DeadlineExceededError):
        sess.run(take, options=tf.RunOptions(timeout_in_ms=300))


def test_a_reset_ends_sessions_and_forgets_variables(target: str) -> None:
    with tf.device("/job:ps/task:0"):
        v = tf.Variable(1.0, name="v")
    with tf.Session(target) as sess:
        sess.run(v.initializer)
        tf.Session.reset(target)
        with pytest.raises(tf.errors.AbortedError, match="not found"):
            sess.run(v)
    with tf.Session(target) as sess, pytest.raises(tf.errors.FailedPreconditionError):
        sess.run(v)


def test_what_reaches_beyond_the_graph_is_refused(target: str) -> None:
    called = tf.py_func(lambda: 1.0, [], tf.float32)
    with tf.Session(target) as sess, pytest.raises(tf.errors.PermissionDeniedError):
        sess.run(called)


def test_files_elsewhere_are_refused_on_the_master_too(target: str) -> None:
    tf.Variable([1.0], name="a")
    saver = tf.train.Saver()
    with tf.Session(target) as sess:
        sess.run(tf.global_variables_initializer())
        with pytest.raises(tf.errors.PermissionDeniedError, match="allow_files"):
            saver.save(sess, "/usr/share/minitf-test/model", write_meta_graph=False)


def test_nobody_at_the_target(spec: Any) -> None:
    (address,) = cluster_of(ps=1).job_tasks("ps")
    with (
        tf.Session(f"grpc://{address}") as sess,
        pytest.raises(tf.errors.DeadlineExceededError, match="never been heard of"),
    ):
        sess.run(tf.constant(1.0), options=tf.RunOptions(timeout_in_ms=200))


@pytest.mark.parametrize("wrong", ["grpc://nowhere", "http://localhost:1", "localhost:2222", "x"])
def test_what_is_no_target(wrong: str) -> None:
    with pytest.raises(tf.errors.NotFoundError, match="No session factory registered"):
        tf.Session(wrong)


def test_a_server_that_comes_back_is_another_one(spec: Any) -> None:
    cluster = cluster_of(worker=1)
    first = Task(cluster, "worker")
    sess = tf.Session(f"grpc://{cluster.task_address('worker', 0)}")
    a = tf.constant(2.0) * 3.0
    try:
        assert sess.run(a) == 6.0
        first.kill()
        first.start()
        with pytest.raises((tf.errors.AbortedError, tf.errors.UnavailableError)):
            sess.run(a)
        with tf.Session(f"grpc://{cluster.task_address('worker', 0)}") as again:
            assert again.run(a) == 6.0
    finally:
        sess.close()
        first.kill()
