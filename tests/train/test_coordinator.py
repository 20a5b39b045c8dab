"""Threads that stop together, and queues that threads fill."""

from __future__ import annotations

import threading

import pytest

import minitf as tf
from tests.background import DEADLINE, Background, until


def thread(function, *args) -> threading.Thread:
    made = threading.Thread(target=function, args=args, daemon=True)
    made.start()
    return made


# ---- Coordinator


def test_what_the_first_thread_raises_is_raised_by_join() -> None:
    coord = tf.train.Coordinator()

    def fail(message: str) -> None:
        with coord.stop_on_exception():
            raise ValueError(message)

    first = thread(fail, "first")
    first.join(DEADLINE)
    second = thread(fail, "second")
    with pytest.raises(ValueError, match="first"):
        coord.join([first, second], stop_grace_period_secs=DEADLINE)
    assert coord.joined
    with pytest.raises(ValueError, match="late"):  # nobody would tell of it otherwise
        coord.request_stop(ValueError("late"))


def test_the_end_of_the_data_is_no_error() -> None:
    coord = tf.train.Coordinator()
    with coord.stop_on_exception():
        raise tf.errors.OutOfRangeError(None, None, "no more")
    assert coord.should_stop()
    coord.join([])
    coord.raise_requested_exception()
    strict = tf.train.Coordinator(clean_stop_exception_types=[])
    strict.request_stop(tf.errors.OutOfRangeError(None, None, "no more"))
    with pytest.raises(tf.errors.OutOfRangeError):
        strict.join([])


def test_a_coordinator_can_be_used_again() -> None:
    coord = tf.train.Coordinator()
    coord.request_stop(ValueError("x"))
    coord.clear_stop()
    assert not coord.should_stop()
    assert not coord.wait_for_stop(0.001)
    coord.join([])


def test_threads_that_do_not_end_in_time() -> None:
    coord, release = tf.train.Coordinator(), threading.Event()
    stuck = threading.Thread(target=release.wait, args=(DEADLINE,), name="stuck", daemon=True)
    stuck.start()
    coord.request_stop()
    try:
        with pytest.raises(RuntimeError, match="threads still running: stuck"):
            coord.join([stuck], stop_grace_period_secs=0.01)
        coord.clear_stop()
        coord.request_stop()
        coord.join([stuck], stop_grace_period_secs=0.01, ignore_live_threads=True)
    finally:
        release.set()


def test_join_returns_when_all_threads_have_ended_by_themselves() -> None:
    coord = tf.train.Coordinator()
    made = thread(lambda: None)
    coord.register_thread(made)
    coord.join()
    assert not made.is_alive()
    assert not coord.should_stop()


def test_a_looper_takes_turns_until_the_stop() -> None:
    coord = tf.train.Coordinator()
    turns: list[int] = []
    tf.train.LooperThread.loop(coord, 0.001, lambda: turns.append(1))
    until(lambda: len(turns) > 3, "the looper takes turns")
    coord.request_stop()
    coord.join()

    class Counting(tf.train.LooperThread):
        def start_loop(self) -> None:
            turns.append(10)

        def run_loop(self) -> None:
            coord.request_stop()

        def stop_loop(self) -> None:
            turns.append(20)

    coord.clear_stop()
    turns.clear()
    Counting(coord, None).start()
    coord.join()
    assert turns == [10, 20]
    with pytest.raises(ValueError, match="must be a Coordinator"):
        tf.train.LooperThread(None, None)


# ---- QueueRunner


def counting_queue(limit: int, capacity: int = 2, threads: int = 1):
    """A queue that is filled with 0 ... limit - 1 by its runner; the variable to initialize."""
    counter = tf.Variable(0, trainable=False)
    queue = tf.FIFOQueue(capacity, tf.int32, shapes=[[]])
    number = tf.count_up_to(counter, limit)
    runner = tf.train.QueueRunner(queue, [queue.enqueue(number)] * threads)
    tf.train.add_queue_runner(runner)
    return queue, counter, runner


def test_runners_fill_queues_until_the_data_ends() -> None:
    queue, counter, runner = counting_queue(9)
    number = queue.dequeue()
    with tf.Session() as sess:
        sess.run(counter.initializer)
        coord = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(sess, coord)
        assert runner.create_threads(sess, coord) == []  # they run already
        found = []
        with pytest.raises(tf.errors.OutOfRangeError):
            while not coord.should_stop():
                found.append(int(sess.run(number)))
        coord.request_stop()
        coord.join(threads, stop_grace_period_secs=DEADLINE)
    assert found == list(range(9))
    assert runner.exceptions_raised == []


def test_a_stop_ends_runners_that_wait_for_room() -> None:
    queue, counter, _ = counting_queue(10**6, threads=3)
    with tf.Session() as sess:
        sess.run(counter.initializer)
        coord = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(sess, coord)
        size = queue.size()
        until(lambda: sess.run(size) == 2, "the queue is full")
        coord.request_stop()
        coord.join(threads, stop_grace_period_secs=DEADLINE)
        assert not any(each.is_alive() for each in threads)


def test_closing_the_session_ends_its_runners() -> None:
    queue, counter, runner = counting_queue(10**6)
    with tf.Session() as sess:
        sess.run(counter.initializer)
        threads = tf.train.start_queue_runners(sess)
        size = queue.size()
        until(lambda: sess.run(size) == 2, "the queue is full")
    for each in threads:
        each.join(DEADLINE)
    assert not any(each.is_alive() for each in threads)
    assert runner.exceptions_raised == []


def test_what_a_runner_raises_stops_all() -> None:
    queue = tf.FIFOQueue(2, tf.float32, shapes=[[]])
    x = tf.placeholder(tf.float32, [], name="nobody_feeds_this")
    tf.train.add_queue_runner(tf.train.QueueRunner(queue, [queue.enqueue(x)]))
    with tf.Session() as sess:
        coord = tf.train.Coordinator()
        waiting = Background(sess.run, queue.dequeue())
        threads = tf.train.start_queue_runners(sess, coord)
        with pytest.raises(tf.errors.InvalidArgumentError, match="nobody_feeds_this"):
            coord.join(threads, stop_grace_period_secs=DEADLINE)
        assert isinstance(waiting.error(), tf.errors.OutOfRangeError)


def test_what_a_runner_raises_without_a_coordinator() -> None:
    queue = tf.FIFOQueue(2, tf.float32, shapes=[[]])
    x = tf.placeholder(tf.float32, [])
    runner = tf.train.QueueRunner(queue, [queue.enqueue(x)])
    with tf.Session() as sess:
        (made,) = runner.create_threads(sess, start=True)
        made.join(DEADLINE)
        (error,) = runner.exceptions_raised
        assert isinstance(error, tf.errors.InvalidArgumentError)


def test_there_has_to_be_a_session() -> None:
    with pytest.raises(ValueError, match="No default session is registered"):
        tf.train.start_queue_runners()
    with pytest.raises(TypeError, match=r"must be a `tf.Session` object"):
        tf.train.start_queue_runners("session")
    with pytest.raises(ValueError, match="Must provide queue and enqueue_ops"):
        tf.train.QueueRunner()


def test_runners_go_with_a_meta_graph() -> None:
    queue, *_ = counting_queue(3, capacity=5)
    name = queue.dequeue_many(3, name="numbers").name
    meta = tf.train.export_meta_graph()
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.train.import_meta_graph(meta, import_scope="again")
        sess.run(tf.global_variables_initializer())
        tf.train.start_queue_runners(sess)
        assert sess.run(f"again/{name}").tolist() == [0, 1, 2]
