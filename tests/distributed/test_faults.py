"""What real processes do to one another: killed, stopped, started again, started too late.

Nothing hangs: each ends in a result or in an error that says who is missing.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import minitf as tf
from tests.distributed.clusters import cluster_of
from tests.distributed.processes import PATIENCE, Task, task, until


@pytest.fixture
def spec() -> Any:
    return cluster_of(ps=1, worker=2)


@pytest.fixture
def server(spec: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The worker: this process. It takes a task for hung after two seconds of silence."""
    monkeypatch.setenv("MINITF_SILENCE_SECONDS", "2")
    made = tf.train.Server(spec, "worker", 0)
    yield made
    made.stop()


@pytest.fixture
def ps(spec: Any) -> Iterator[Task]:
    with task(spec, "ps") as made:
        yield made


def variable() -> Any:
    with tf.device("/job:ps/task:0"):
        return tf.Variable([1.0, 2.0], name="v")


def test_a_killed_server_comes_back_without_its_memory(server: Any, ps: Task) -> None:
    """As in TensorFlow: unavailable; then aborted; then, in a new session, uninitialized."""
    v = variable()
    with tf.Session(server.target) as sess:
        sess.run(v.initializer)
        ps.kill()
        with pytest.raises(tf.errors.UnavailableError, match="/job:ps/task:0") as raised:
            sess.run(v)
        assert "is gone" in raised.value.message
        ps.start()
        with pytest.raises(tf.errors.AbortedError, match="make a new session"):
            sess.run(v)
        with pytest.raises(tf.errors.AbortedError):
            sess.run(v)
    with tf.Session(server.target) as sess:
        with pytest.raises(tf.errors.FailedPreconditionError, match="uninitialized value v"):
            sess.run(v)
        sess.run(v.initializer)
        assert sess.run(v).tolist() == [1.0, 2.0]


def test_a_server_that_hangs_is_waited_for_until_the_deadline(server: Any, ps: Task) -> None:
    v = variable()
    with tf.Session(server.target) as sess:
        sess.run(v.initializer)
        ps.stop()
        began = time.monotonic()
        with pytest.raises(tf.errors.DeadlineExceededError, match="/job:ps/task:0"):
            sess.run(v, options=tf.RunOptions(timeout_in_ms=300))
        assert time.monotonic() - began < PATIENCE
        ps.resume()
        assert sess.run(v).tolist() == [1.0, 2.0]


def test_without_a_deadline_silence_ends_the_wait(server: Any, ps: Task) -> None:
    v = variable()
    with tf.Session(server.target) as sess:
        sess.run(v.initializer)
        ps.stop()
        with pytest.raises(tf.errors.UnavailableError, match="does not answer any more"):
            sess.run(v)
        ps.resume()
        until(lambda: answers(sess, v), "the server that goes on is answered by")


def answers(sess: Any, v: Any) -> bool:
    try:
        return bool(sess.run(v).tolist() == [1.0, 2.0])
    except tf.errors.UnavailableError:
        return False


def test_processes_start_in_any_order(spec: Any, server: Any) -> None:
    v = variable()
    results: list[Any] = []

    def train() -> None:
        with tf.Session(server.target, graph=v.graph) as sess:
            sess.run(v.initializer)
            results.append(sess.run(v).tolist())

    thread = threading.Thread(target=train)
    thread.start()
    with task(spec, "ps"):
        thread.join(PATIENCE)
        assert results == [[1.0, 2.0]]


def test_who_is_missing_is_named(spec: Any, server: Any) -> None:
    v = variable()
    with (
        tf.Session(server.target) as sess,
        pytest.raises(tf.errors.DeadlineExceededError) as raised,
    ):
        sess.run(v.initializer, options=tf.RunOptions(timeout_in_ms=300))
    message = raised.value.message
    assert f"/job:ps/task:0, {spec.task_address('ps', 0)}" in message
    assert "waiting since" in message
    assert "it has never been heard of" in message


def test_a_worker_that_dies_takes_no_token(spec: Any, server: Any, ps: Task) -> None:
    """A dequeue for a worker that is killed is called off: its element goes to another."""
    with tf.device("/job:ps/task:0"):
        queue = tf.FIFOQueue(3, tf.float32, shapes=[[]], shared_name="tokens")
    enqueue, dequeue, probe = queue.enqueue(7.0), queue.dequeue(), queue.dequeue()
    with task(spec, "worker", 1) as other, tf.Session(server.target) as sess:
        graph = tf.get_default_graph()
        remote = tf.Session(f"grpc://{spec.task_address('worker', 1)}", graph=graph)
        failures: list[BaseException] = []

        def take() -> None:
            try:
                remote.run(dequeue)
            except Exception as error:
                failures.append(error)

        thread = threading.Thread(target=take)
        thread.start()
        until(lambda: waiters(sess, probe) == 1, "the other worker waits at the queue")
        other.kill()
        thread.join(PATIENCE)
        assert isinstance(failures[0], tf.errors.UnavailableError), failures
        until(lambda: waiters(sess, probe) == 0, "the dead worker's wait is called off")
        sess.run(enqueue)
        assert sess.run(dequeue) == 7.0


def waiters(sess: Any, probe: Any) -> int:
    """How many dequeues wait at a queue, as the error of one more that gives up says."""
    try:
        sess.run(probe, options=tf.RunOptions(timeout_in_ms=300))
    except tf.errors.DeadlineExceededError as error:
        found = re.search(r"(\d+) dequeue", error.message)
        return int(found[1]) - 1 if found else -1  # -1: the probe itself did not get there in time
    raise AssertionError("the queue was not empty")


def test_a_server_at_anothers_address_is_not_taken_for_it(server: Any, spec: Any) -> None:
    """Two parameter servers that have changed places would mix up their variables."""
    swapped = spec.as_dict()
    swapped["worker"][1], swapped["ps"][0] = swapped["ps"][0], swapped["worker"][1]
    with task(tf.train.ClusterSpec(swapped), "worker", 1):  # listens where the ps should
        v = variable()
        with tf.Session(server.target) as sess, pytest.raises(tf.errors.OpError) as raised:
            sess.run(v.initializer, options=tf.RunOptions(timeout_in_ms=20000))
    assert isinstance(raised.value, tf.errors.FailedPreconditionError), raised.value


def test_training_goes_on_from_the_last_checkpoint(
    server: Any, ps: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server dies and returns: no checkpointed step is lost, and the script sees nothing."""
    with tf.device("/job:ps/task:0"):
        step = tf.train.get_or_create_global_step()
        w = tf.get_variable("w", [3], initializer=tf.zeros_initializer())
    with tf.device("/job:worker/task:0"):
        gradient = tf.identity(tf.constant([1.0, 2.0, 3.0]) * -1.0)
    train = tf.train.GradientDescentOptimizer(1.0).apply_gradients([(gradient, w)], step)
    hooks = [tf.train.StopAtStepHook(last_step=40)]
    seen: list[int] = []
    with tf.train.MonitoredTrainingSession(
        server.target, True, tmp_path, hooks=hooks, save_checkpoint_steps=5
    ) as sess:
        while not sess.should_stop():
            _, reached = sess.run([train, step])
            seen.append(int(reached))
            if len(seen) == 23:
                ps.kill()
                ps.start()
    last_before = max(seen[:23])
    assert seen[-1] == 40
    resumed = seen[23]
    # The checkpoint was of at most five steps ago; the step that failed is done again.
    assert last_before - 5 <= resumed <= last_before + 1, seen
    path = tf.train.latest_checkpoint(tmp_path)
    assert path is not None
    saved = tf.train.load_checkpoint(path)
    assert saved.get_tensor("global_step") == 40
    assert saved.get_tensor("w").tolist() == [40.0, 80.0, 120.0]
