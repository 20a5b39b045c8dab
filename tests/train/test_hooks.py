"""Hooks: when they do what they do, and what they leave behind."""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np
import pytest

import minitf as tf
from minitf.train.basic_hooks import SecondOrStepTimer


def model() -> tuple[Any, Any]:
    """The global step, and the operation that counts it."""
    step = tf.train.get_or_create_global_step()
    return step, tf.assign_add(step, 1)


@pytest.fixture
def logged(monkeypatch) -> list[str]:
    """The lines that hooks log."""
    lines: list[str] = []
    monkeypatch.setattr("minitf.logging.info", lambda text, *args: lines.append(text % args))
    return lines


def events(folder: Any) -> list[Any]:
    """The events in the files of a folder, in order."""
    tf.summary.FileWriterCache.clear()
    names = sorted(name for name in os.listdir(folder) if "tfevents" in name)
    return [event for n in names for event in tf.train.summary_iterator(os.path.join(folder, n))]


# ---- the timer


def test_the_timer_counts_steps_or_seconds(monkeypatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.time", lambda: now)
    timer = SecondOrStepTimer(every_secs=2.0)
    assert timer.should_trigger_for_step(1)
    timer.update_last_triggered_step(1)
    now = 101.9
    assert not timer.should_trigger_for_step(5)
    now = 102.0
    assert not timer.should_trigger_for_step(1)  # nothing has happened since
    assert timer.should_trigger_for_step(5)
    assert timer.update_last_triggered_step(5) == (2.0, 4)
    assert timer.last_triggered_step() == 5
    timer.reset()
    assert timer.last_triggered_step() is None
    with pytest.raises(ValueError, match="should be provided"):
        SecondOrStepTimer()
    with pytest.raises(ValueError, match="Can not provide both"):
        SecondOrStepTimer(1.0, 1)


# ---- those that write nothing


@pytest.mark.parametrize("hook", [{"num_steps": 3}, {"last_step": 5}])
def test_stop_at_a_step(hook: dict[str, int]) -> None:
    step, count = model()
    scaffold = tf.train.Scaffold(init_fn=lambda _, sess: step.load(2, sess))
    stop = tf.train.StopAtStepHook(**hook)
    with tf.train.MonitoredTrainingSession(scaffold=scaffold, hooks=[stop]) as sess:
        runs = 0
        while not sess.should_stop():
            sess.run(count)
            runs += 1
        assert runs == 3
        with pytest.raises(RuntimeError, match="after should_stop requested"):
            sess.run(count)


def test_a_step_is_not_missed_where_the_loop_counts_by_itself() -> None:
    """Runs that do not count are no steps."""
    step, count = model()
    with tf.train.MonitoredSession(hooks=[tf.train.StopAtStepHook(last_step=2)]) as sess:
        for fetch, stops in ((step, False), (count, False), (step, False), (count, True)):
            sess.run(fetch)
            assert sess.should_stop() == stops


def test_hooks_need_a_global_step() -> None:
    with pytest.raises(RuntimeError, match="Global step should be created to use StopAtStepHook"):
        tf.train.MonitoredSession(hooks=[tf.train.StopAtStepHook(1)])
    for arguments in ({}, {"num_steps": 1, "last_step": 1}):
        with pytest.raises(ValueError, match="num_steps or last_step"):
            tf.train.StopAtStepHook(**arguments)


def test_values_are_logged(logged: list[str]) -> None:
    step, count = model()
    loss = tf.identity(tf.cast(step, tf.float32) / 2.0, name="loss")
    hooks = [
        tf.train.LoggingTensorHook({"the loss": loss}, every_n_iter=2),
        tf.train.LoggingTensorHook(["loss:0"], at_end=True, formatter=lambda v: f"last {v}"),
    ]
    with tf.train.MonitoredSession(hooks=hooks) as sess:
        for _ in range(4):
            sess.run(count)
    lines = [line.partition(" (")[0] for line in logged if "loss" in line]
    assert len(lines) == 3
    assert [line.split(" = ")[0] for line in lines[:2]] == ["the loss", "the loss"]
    assert lines[2].startswith("last {'loss:0': ")
    assert "2.0" in lines[2]
    with pytest.raises(ValueError, match="exactly one of every_n_iter"):
        tf.train.LoggingTensorHook([loss])
    with pytest.raises(ValueError, match="invalid every_n_iter=0"):
        tf.train.LoggingTensorHook([loss], every_n_iter=0)


@pytest.mark.parametrize("fail", [True, False])
def test_a_loss_that_is_no_number(fail: bool) -> None:
    x = tf.placeholder(tf.float32, [])
    loss = x * 2.0
    hook = tf.train.NanTensorHook(loss, fail_on_nan_loss=fail)

    def train() -> bool:
        with tf.train.MonitoredSession(hooks=[hook]) as sess:
            sess.run(loss, {x: 1.0})
            assert not sess.should_stop()
            sess.run(loss, {x: float("nan")})
            return bool(sess.should_stop())

    if fail:
        with pytest.raises(tf.train.NanLossDuringTrainingError, match="NaN loss during training"):
            train()
    else:
        assert train()


def test_final_ops_and_feeds() -> None:
    x = tf.placeholder(tf.float32, [], name="x")
    final = tf.train.FinalOpsHook([x * 3.0], {x: 5.0})
    numbers = iter([1.0, 2.0])
    feed = tf.train.FeedFnHook(lambda: {x: next(numbers)})
    with tf.train.MonitoredSession(hooks=[final, feed]) as sess:
        assert [float(sess.run(x)) for _ in range(2)] == [1.0, 2.0]
        assert final.final_ops_values is None
    assert final.final_ops_values == [15.0]


def test_a_worker_may_wait_for_a_step(monkeypatch) -> None:
    step, count = model()
    waits: list[float] = []
    hook = tf.train.GlobalStepWaiterHook(3)
    with tf.train.MonitoredSession(hooks=[hook]) as sess:
        raw = sess._tf_sess()

        def sleep(seconds: float) -> None:
            waits.append(seconds)
            raw.run(count)

        monkeypatch.setattr("minitf.train.basic_hooks.time.sleep", sleep)
        assert sess.run(step) == 3
        assert sess.run(step) == 3
    assert len(waits) == 3


# ---- those that write


class Listener(tf.train.CheckpointSaverListener):
    """Notes the steps it is called for, and asks for the end at one of them."""

    def __init__(self, stop_at: int) -> None:
        self.stop_at = stop_at
        self.calls: list[Any] = []

    def begin(self) -> None:
        self.calls.append("begin")

    def before_save(self, session: Any, global_step_value: int) -> None:
        self.calls.append(("before", global_step_value))

    def after_save(self, session: Any, global_step_value: int) -> bool:
        self.calls.append(("after", global_step_value))
        return global_step_value == self.stop_at

    def end(self, session: Any, global_step_value: int) -> None:
        self.calls.append(("end", global_step_value))


def test_checkpoints_are_saved_and_listeners_told(tmp_path) -> None:
    _, count = model()
    listener = Listener(stop_at=4)
    hook = tf.train.CheckpointSaverHook(
        str(tmp_path), save_steps=2, saver=tf.train.Saver(), listeners=[listener]
    )
    with tf.train.MonitoredSession(hooks=[hook]) as sess:
        runs = 0
        while not sess.should_stop():
            sess.run(count)
            runs += 1
    assert runs == 4
    assert listener.calls == [
        "begin",
        *[(when, step) for step in (0, 2, 4) for when in ("before", "after")],
        ("end", 4),
    ]
    assert tf.train.latest_checkpoint(str(tmp_path)).endswith("model.ckpt-4")
    assert (tmp_path / "graph.pbtxt").exists()
    logs = [e for e in events(tmp_path) if e.WhichOneof("what") == "session_log"]
    assert [(e.step, e.session_log.status) for e in logs] == [(0, 3), (2, 3), (4, 3)]


def test_the_last_step_is_saved(tmp_path) -> None:
    _, count = model()
    with tf.train.MonitoredTrainingSession(
        checkpoint_dir=str(tmp_path), hooks=[tf.train.StopAtStepHook(last_step=3)]
    ) as sess:
        while not sess.should_stop():
            sess.run(count)
    state = tf.train.get_checkpoint_state(str(tmp_path))
    names = [os.path.basename(path) for path in state.all_model_checkpoint_paths]
    assert names == ["model.ckpt-0", "model.ckpt-3"]


def test_summaries_and_speed_are_written(tmp_path) -> None:
    step, count = model()
    tf.summary.scalar("twice", tf.cast(step, tf.float32) * 2.0)
    with tf.train.MonitoredTrainingSession(
        summary_dir=str(tmp_path),
        save_summaries_steps=2,
        log_step_count_steps=3,
        hooks=[tf.train.StopAtStepHook(last_step=6)],
    ) as sess:
        while not sess.should_stop():
            sess.run(count)
    found: dict[str, list[int]] = {}
    for event in events(tmp_path):
        for value in event.summary.value:
            found.setdefault(value.tag, []).append(event.step)
            assert np.isfinite(value.simple_value)
    assert found["twice"] == [1, 3, 5]
    assert found["global_step/sec"] == [4]


def test_hooks_say_what_they_miss(tmp_path) -> None:
    model()
    with pytest.raises(ValueError, match="Exactly one of scaffold or summary_op"):
        tf.train.SummarySaverHook(save_steps=1)
    with pytest.raises(ValueError, match="cannot provide both saver and scaffold"):
        tf.train.CheckpointSaverHook(
            str(tmp_path), save_steps=1, saver=1, scaffold=tf.train.Scaffold()
        )
    with pytest.raises(ValueError, match="exactly one of every_n_steps and every_n_secs"):
        tf.train.StepCounterHook(every_n_secs=1)
    hook = tf.train.CheckpointSaverHook(str(tmp_path), save_steps=1)
    with tf.Graph().as_default():
        model()
        hook.begin()
        with tf.Session() as sess, pytest.raises(RuntimeError, match="No items in collection"):
            sess.run(tf.global_variables_initializer())
            hook.after_create_session(sess, None)


def test_timelines_are_written(tmp_path) -> None:
    step, count = model()
    del step
    hook = tf.train.ProfilerHook(save_steps=2, output_dir=str(tmp_path))
    with tf.train.MonitoredSession(hooks=[hook]) as sess:
        for _ in range(5):
            sess.run(count)
    names = sorted(name for name in os.listdir(tmp_path) if name.startswith("timeline"))
    assert names == ["timeline-3.json", "timeline-5.json"]
    trace = json.loads((tmp_path / "timeline-3.json").read_text())
    assert any(event["args"].get("name") == "AssignAdd" for event in trace["traceEvents"])
