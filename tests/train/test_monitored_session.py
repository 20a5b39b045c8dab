"""Sessions that look after themselves: what they start from, what they survive, how they end."""

from __future__ import annotations

from typing import Any

import pytest

import minitf as tf
from tests.background import DEADLINE


def model() -> tuple[Any, Any, Any]:
    """A weight, the operation that adds 1 to it, and to the global step."""
    w = tf.get_variable("w", [], initializer=tf.zeros_initializer())
    step = tf.train.get_or_create_global_step()
    with tf.control_dependencies([w.assign_add(1.0)]):
        train = tf.assign_add(step, 1)
    return w, step, train


class Spy(tf.train.SessionRunHook):
    """Notes what it is called for."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def begin(self) -> None:
        self.calls.append("begin")

    def after_create_session(self, session: Any, coord: Any) -> None:
        self.calls.append("session")

    def before_run(self, run_context: Any) -> None:
        self.calls.append("before")

    def after_run(self, run_context: Any, run_values: Any) -> None:
        self.calls.append("after")

    def end(self, session: Any) -> None:
        self.calls.append("end")


# ---- SessionManager


def test_a_model_is_initialized_where_there_is_no_checkpoint(tmp_path) -> None:
    w, _, train = model()
    saver = tf.train.Saver()
    manager = tf.train.SessionManager(ready_op=tf.report_uninitialized_variables())
    init = tf.global_variables_initializer()
    folder = str(tmp_path)

    def prepared() -> Any:
        return manager.prepare_session("", init_op=init, saver=saver, checkpoint_dir=folder)

    with prepared() as sess:
        assert sess.run(w) == 0
        sess.run(train)
        saver.save(sess, f"{folder}/model.ckpt", global_step=1)
    with prepared() as sess:
        assert sess.run(w) == 1
    sess, ready = manager.recover_session("", saver=saver, checkpoint_dir=folder)
    with sess:
        assert ready
        assert sess.run(w) == 1
    sess, ready = manager.recover_session("", saver=saver, checkpoint_dir=f"{folder}/none")
    with sess:
        assert not ready


def test_what_is_not_ready_is_named() -> None:
    model()
    manager = tf.train.SessionManager(ready_op=tf.report_uninitialized_variables())
    with pytest.raises(RuntimeError, match="Variables not initialized: w, global_step"):
        manager.prepare_session("", init_op=tf.no_op(name="nothing"))
    with pytest.raises(RuntimeError, match="no init_op or init_fn or local_init_op was given"):
        manager.prepare_session("")
    with pytest.raises(ValueError, match="Can not provide both checkpoint_dir and"):
        manager.prepare_session(
            "", init_op=None, checkpoint_dir="a", checkpoint_filename_with_path="b"
        )


def test_waiting_for_a_chief_who_does_not_come() -> None:
    model()
    manager = tf.train.SessionManager(ready_op=tf.report_uninitialized_variables())
    with pytest.raises(tf.errors.DeadlineExceededError) as caught:
        manager.wait_for_session("", max_wait_secs=0.01)
    assert "not ready after waiting 0.01 secs: Variables not initialized: w" in str(caught.value)


# ---- MonitoredSession


def test_hooks_are_called_in_order() -> None:
    w, _, train = model()
    spy = Spy()
    with tf.train.MonitoredSession(hooks=[spy]) as sess:
        assert sess.run(train) == 1
        assert sess.run(w) == 1
    assert spy.calls == ["begin", "session", "before", "after", "before", "after", "end"]
    assert sess.graph is None
    assert sess.should_stop()
    with pytest.raises(RuntimeError, match="Session is already closed"):
        sess.run(train)


def test_an_error_ends_it_without_what_comes_at_the_end() -> None:
    model()
    spy = Spy()
    with pytest.raises(ZeroDivisionError), tf.train.MonitoredSession(hooks=[spy]) as sess:
        assert not sess.should_stop()
        _ = 1 / 0
    assert spy.calls == ["begin", "session"]


@pytest.mark.parametrize("error", [tf.errors.OutOfRangeError(None, None, "end"), StopIteration()])
def test_the_end_of_the_data_is_a_clean_end(error: Exception) -> None:
    model()
    spy = Spy()
    with tf.train.MonitoredSession(hooks=[spy]):
        raise error
    assert spy.calls[-1] == "end"


def test_the_graph_is_finalized_meanwhile() -> None:
    model()
    with tf.train.MonitoredSession():
        assert tf.get_default_graph().finalized
        with pytest.raises(RuntimeError, match="finalized"):
            tf.constant(1)
    assert not tf.get_default_graph().finalized


class Flaky(tf.train.SessionRunHook):
    """Loses the server at some runs, and at the first attempts to make a session."""

    def __init__(self, error: type[tf.errors.OpError], runs: set[int], sessions: int = 0) -> None:
        self.error = error
        self.runs = runs
        self.sessions = sessions
        self.count = 0

    def after_create_session(self, session: Any, coord: Any) -> None:
        if self.sessions:
            self.sessions -= 1
            raise self.error(None, None, "lost while it was created")

    def before_run(self, run_context: Any) -> None:
        self.count += 1
        if self.count in self.runs:
            raise self.error(None, None, "lost")


@pytest.mark.parametrize("error", [tf.errors.AbortedError, tf.errors.UnavailableError])
def test_a_lost_server_is_recovered_from_the_last_checkpoint(tmp_path, error: Any) -> None:
    _, _, train = model()
    flaky, spy = Flaky(error, {5}, sessions=1), Spy()
    found = []
    with tf.train.MonitoredTrainingSession(
        checkpoint_dir=str(tmp_path),
        save_checkpoint_steps=2,
        save_checkpoint_secs=None,
        log_step_count_steps=None,
        hooks=[spy, flaky, tf.train.StopAtStepHook(last_step=6)],
    ) as sess:
        while not sess.should_stop():
            found.append(int(sess.run(train)))
    # The fifth run fails; the checkpoint of step 4 is restored, and the run repeated there.
    assert found == [1, 2, 3, 4, 5, 6]
    assert spy.calls.count("session") == 3
    assert spy.calls.count("begin") == 1


def test_a_singular_session_does_not_recover() -> None:
    _, _, train = model()
    flaky = Flaky(tf.errors.AbortedError, {1})
    raises = pytest.raises(tf.errors.AbortedError)
    with raises, tf.train.SingularMonitoredSession(hooks=[flaky]) as sess:
        assert isinstance(sess.raw_session(), tf.Session)
        sess.run(train)


def test_other_errors_are_not_recovered_from() -> None:
    _, _, train = model()
    flaky = Flaky(tf.errors.InternalError, {1})
    raises = pytest.raises(tf.errors.InternalError)
    with raises, tf.train.MonitoredSession(hooks=[flaky]) as sess:
        sess.run(train)


def test_queue_runners_are_started_and_ended() -> None:
    counter = tf.get_local_variable("counter", [], tf.int32, tf.zeros_initializer())
    queue = tf.FIFOQueue(2, tf.int32, shapes=[[]])
    enqueue = queue.enqueue(tf.count_up_to(counter._ref(), 5))
    runner = tf.train.QueueRunner(queue, [enqueue])
    tf.train.add_queue_runner(runner)
    number = queue.dequeue()
    found = []
    with tf.train.MonitoredTrainingSession(stop_grace_period_secs=DEADLINE) as sess:
        while not sess.should_stop():
            found.append(int(sess.run(number)))
    assert found == [0, 1, 2, 3, 4]


def test_what_a_queue_runner_raises_is_the_error_of_the_training() -> None:
    queue = tf.FIFOQueue(2, tf.float32, shapes=[[]])
    x = tf.placeholder(tf.float32, [], name="nobody_feeds_this")
    tf.train.add_queue_runner(tf.train.QueueRunner(queue, [queue.enqueue(x)]))
    number = queue.dequeue()
    raises = pytest.raises(tf.errors.InvalidArgumentError, match="nobody_feeds_this")
    with raises, tf.train.MonitoredTrainingSession(stop_grace_period_secs=DEADLINE) as sess:
        while not sess.should_stop():
            sess.run(number)


def test_a_step_function_runs_with_hooks_and_without() -> None:
    w, _, train = model()
    spy = Spy()
    with tf.train.MonitoredSession(hooks=[spy]) as sess:

        def step(step_context: Any) -> float:
            before = step_context.session.run(w)
            step_context.run_with_hooks(train)
            return float(step_context.session.run(w) - before)

        assert sess.run_step_fn(step) == 1.0
        assert spy.calls.count("before") == 1
        with pytest.raises(ValueError, match="step_context"):
            sess.run_step_fn(lambda other: None)
        sess.run_step_fn(lambda step_context: step_context.request_stop())
        raise AssertionError("StopIteration leaves the block")


def test_hooks_add_fetches_feeds_and_options() -> None:
    x, y = tf.placeholder(tf.float32, []), tf.placeholder(tf.float32, [])
    total = x + y

    class Feeding(tf.train.SessionRunHook):
        def before_run(self, run_context: Any) -> Any:
            assert run_context.original_args.fetches is total
            options = tf.RunOptions(timeout_in_ms=60_000)
            return tf.train.SessionRunArgs({"twice": [total, x]}, {y: 2.0}, options)

        def after_run(self, run_context: Any, run_values: Any) -> None:
            self.results = run_values.results
            self.options = run_values.options

    hook = Feeding()
    with tf.train.MonitoredSession(hooks=[hook]) as sess:
        assert sess.run(total, {x: 1.0}) == 3.0
        assert hook.results == {"twice": [3.0, 1.0]}
        assert hook.options.timeout_in_ms == 60_000
        with pytest.raises(RuntimeError, match="fed by a SessionRunHook and user"):
            sess.run(total, {x: 1.0, y: 1.0})
    raises = pytest.raises(RuntimeError, match="fed by two hooks")
    with raises, tf.train.MonitoredSession(hooks=[Feeding(), Feeding()]) as sess:
        sess.run(total, {x: 1.0})


def test_a_scaffold_takes_what_it_is_given() -> None:
    w, _, _ = model()
    local = tf.get_local_variable("local", [], initializer=tf.ones_initializer())
    given = tf.placeholder(tf.float32, [])
    start = w.assign(given)
    others = [v.initializer for v in tf.global_variables() if v is not w]
    scaffold = tf.train.Scaffold(
        init_op=tf.group(start, *others),
        init_feed_dict={given: 7.0},
        init_fn=lambda made, sess: sess.run(tf.get_default_graph().get_tensor_by_name("w:0")),
    )
    again = tf.train.Scaffold(copy_from_scaffold=scaffold)
    with tf.train.MonitoredTrainingSession(scaffold=again) as sess:
        assert sess.run([w, local]) == [7.0, 1.0]
    assert again.init_op is scaffold.init_op
    with pytest.raises(TypeError, match="not a Scaffold"):
        tf.train.Scaffold(copy_from_scaffold=3)  # type: ignore[arg-type]


def test_a_worker_waits_for_the_chief() -> None:
    """In this process no chief can come; the worker says so in time."""
    model()
    with pytest.raises(tf.errors.DeadlineExceededError, match="Variables not initialized"):
        tf.train.MonitoredTrainingSession(is_chief=False, max_wait_secs=0.05)
