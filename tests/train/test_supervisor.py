"""The Supervisor: what it prepares, what its services leave behind, and how it stops."""

from __future__ import annotations

import os
from typing import Any

import pytest

import minitf as tf
from minitf.checkpoint import direct
from tests.background import until


def model() -> tuple[Any, Any]:
    step = tf.train.get_or_create_global_step()
    tf.summary.scalar("twice", tf.cast(step, tf.float32) * 2.0)
    return step, tf.assign_add(step, 1)


def events(folder: Any) -> list[Any]:
    names = sorted(name for name in os.listdir(folder) if "tfevents" in name)
    return [event for n in names for event in tf.train.summary_iterator(os.path.join(folder, n))]


def test_services_save_and_summarize(tmp_path) -> None:
    _, count = model()
    sv = tf.train.Supervisor(logdir=str(tmp_path), save_summaries_secs=0.01, save_model_secs=0.01)
    with sv.managed_session() as sess:
        sess.run(count)
        until(lambda: (tmp_path / "model.ckpt-1.index").exists(), "a checkpoint is saved")
        until(
            lambda: (
                "global_step/sec"
                in {value.tag for event in events(tmp_path) for value in event.summary.value}
                or sv.summary_writer.flush()
            ),
            "the speed is written",
        )
    assert sv.should_stop()
    found = events(tmp_path)
    assert {v.tag for e in found for v in e.summary.value} == {"twice", "global_step/sec"}
    logs = [e.session_log.status for e in found if e.WhichOneof("what") == "session_log"]
    assert logs[0] == 1  # START
    assert 3 in logs  # CHECKPOINT
    assert logs[-1] == 2  # STOP
    assert (tmp_path / "graph.pbtxt").exists()


def test_a_save_that_fails_in_the_background_stops_the_loop(tmp_path, monkeypatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(direct, "write_at", full)
    model()
    sv = tf.train.Supervisor(
        logdir=str(tmp_path),
        summary_op=None,
        save_model_secs=1000,
        saver=tf.train.Saver(background=True),
    )
    with pytest.raises(tf.errors.ResourceExhaustedError, match="No space"), sv.managed_session():
        until(sv.should_stop, "the loop is stopped")


def test_it_goes_on_from_the_last_checkpoint(tmp_path) -> None:
    step, count = model()
    sv = tf.train.Supervisor(logdir=str(tmp_path), save_model_secs=0, summary_op=None)
    with sv.managed_session() as sess:
        for _ in range(3):
            sess.run(count)
        sv.saver.save(sess, sv.save_path, global_step=sv.global_step)
    sess = sv.prepare_or_wait_for_session()
    assert sess.run(step) == 3
    sv.stop()
    sess.close()


def test_the_loop_writes_its_own_summaries(tmp_path) -> None:
    _, count = model()
    merged = tf.summary.merge_all()
    sv = tf.train.Supervisor(logdir=str(tmp_path), summary_op=None, save_model_secs=0)
    with sv.managed_session() as sess:
        sess.run(count)
        sv.summary_computed(sess, sess.run(merged))
        sv.summary_computed(sess, sess.run(merged), global_step=7)
    found = [e.step for e in events(tmp_path) for v in e.summary.value if v.tag == "twice"]
    assert found == [1, 7]


def test_summaries_of_placeholders_are_left_to_the_loop(tmp_path, monkeypatch) -> None:
    """No thread can feed them. Asked for, they are an error; otherwise there is a warning."""
    x = tf.placeholder(tf.float32, [], name="fed_by_the_loop")
    _, count = model()
    tf.summary.scalar("x", x)
    warnings: list[str] = []
    monkeypatch.setattr("minitf.logging.warning", lambda text, *a: warnings.append(text % a))
    sv = tf.train.Supervisor(logdir=str(tmp_path), save_model_secs=0)
    with sv.managed_session() as sess:
        for _ in range(3):
            sess.run(count)
        assert not sv.should_stop()
    assert "'fed_by_the_loop'" in warnings[0]
    asked = tf.train.Supervisor(
        logdir=str(tmp_path), save_model_secs=0, summary_op=sv.summary_op, saver=None
    )
    raises = pytest.raises(tf.errors.InvalidArgumentError, match="fed_by_the_loop")
    with raises, asked.managed_session():
        asked.wait_for_stop()


def test_without_a_folder_there_is_nothing_to_write() -> None:
    _, count = model()
    sv = tf.train.Supervisor()
    with sv.managed_session() as sess:
        assert sess.run(count) == 1
        with pytest.raises(RuntimeError, match="requires a summary writer"):
            sv.summary_computed(sess, b"")
    assert sv.save_path is None


def test_an_error_stops_all_and_is_raised() -> None:
    model()
    sv = tf.train.Supervisor()
    with pytest.raises(ZeroDivisionError), sv.managed_session():
        _ = 1 / 0
    with sv.managed_session():
        raise tf.errors.OutOfRangeError(None, None, "the data is at its end")
    turns: list[int] = []

    def fail() -> None:
        turns.append(1)
        raise ValueError("in a thread")

    with pytest.raises(ValueError, match="in a thread"), sv.managed_session():
        sv.loop(None, fail)
        sv.wait_for_stop()
    assert turns == [1]


def test_queue_runners_are_started(tmp_path) -> None:
    counter = tf.get_variable("counter", [], tf.int32, tf.zeros_initializer())
    queue = tf.FIFOQueue(2, tf.int32, shapes=[[]])
    enqueue = queue.enqueue(tf.count_up_to(counter, 4))
    tf.train.add_queue_runner(tf.train.QueueRunner(queue, [enqueue]))
    number = queue.dequeue()
    sv = tf.train.Supervisor(saver=None)
    found = []
    with sv.managed_session() as sess:
        while not sv.should_stop():
            found.append(int(sess.run(number)))
    assert found == [0, 1, 2, 3]


def test_other_workers_write_nothing_and_need_devices(tmp_path) -> None:
    with tf.device("/job:localhost/task:0"):
        step = tf.train.get_or_create_global_step()
    sv = tf.train.Supervisor(is_chief=False, logdir=str(tmp_path), recovery_wait_secs=0.01)
    with tf.Session() as sess, pytest.raises(RuntimeError, match="Only chief supervisor"):
        sv.start_standard_services(sess)
    assert os.listdir(tmp_path) == []
    with pytest.raises(tf.errors.DeadlineExceededError, match="Variables not initialized"):
        sv.prepare_or_wait_for_session(max_wait_secs=0.02)
    assert step.device
    with tf.Graph().as_default():
        tf.Variable(1.0, name="nowhere")
        with pytest.raises(ValueError, match="must have their device set: nowhere"):
            tf.train.Supervisor(is_chief=False)


def test_parts_come_from_collections() -> None:
    step, _ = model()
    init = tf.global_variables_initializer()
    tf.add_to_collection(tf.GraphKeys.INIT_OP, init)
    sv = tf.train.Supervisor(init_fn=lambda sess: step.load(4, sess))
    assert sv.init_op is init
    assert tf.get_default_graph().finalized
    with sv.managed_session() as sess:
        assert sess.run(step) == 4
