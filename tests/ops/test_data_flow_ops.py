"""Queues and accumulators: who waits, for whom, and what ends the waiting."""

from __future__ import annotations

import os
import re
import signal
import threading
from typing import Any

import numpy as np
import pytest

import minitf as tf
from minitf.ops.data_flow_ops.queue_resources import QueueResource
from tests.background import Background, until


def waiting(sess: Any, queue: Any, puts: int = 0, takes: int = 0) -> None:
    """Returns once so many enqueues and dequeues wait for a queue."""
    resource: QueueResource = sess.run(queue.queue_ref)
    until(
        lambda: (len(resource._putting), len(resource._taking)) == (puts, takes),
        f"{puts} enqueues and {takes} dequeues wait",
    )


# ---- queues


def test_first_in_first_out() -> None:
    queue = tf.FIFOQueue(10, [tf.float32, tf.string], shapes=[[2], []])
    with tf.Session() as sess:
        sess.run(queue.enqueue([[1.0, 2.0], "a"]))
        sess.run(queue.enqueue_many([[[3.0, 4.0], [5.0, 6.0]], ["b", "c"]]))
        assert sess.run(queue.size()) == 3
        number, text = sess.run(queue.dequeue())
        assert (number.tolist(), text) == ([1.0, 2.0], b"a")
        numbers, texts = sess.run(queue.dequeue_many(2))
        assert numbers.tolist() == [[3.0, 4.0], [5.0, 6.0]]
        assert texts.tolist() == [b"b", b"c"]
        assert sess.run(queue.size()) == 0


def test_strings_go_from_queue_to_queue() -> None:
    first = tf.FIFOQueue(10, tf.string, shapes=[[]])
    second = tf.FIFOQueue(10, [tf.string, tf.string], shapes=[[], [2]])
    texts = first.dequeue()
    hand_over = second.enqueue([texts, tf.stack([texts, texts])])
    with tf.Session() as sess:
        sess.run(first.enqueue_many([["a", "bcd"]]))
        sess.run(first.enqueue(""))
        for _ in range(3):
            sess.run(hand_over)
        single, double = sess.run(second.dequeue_many(3))
    assert single.tolist() == [b"a", b"bcd", b""]
    assert double.tolist() == [[b"a", b"a"], [b"bcd", b"bcd"], [b"", b""]]


def test_an_element_is_a_copy() -> None:
    """A variable that changes later does not change what was put into a queue."""
    v = tf.Variable([1.0, 2.0])
    queue = tf.FIFOQueue(10, tf.float32, shapes=[[2]])
    put, add = queue.enqueue(v), tf.assign_add(v, [1.0, 1.0])
    with tf.Session() as sess:
        sess.run(v.initializer)
        sess.run(put)
        sess.run(add)
        np.testing.assert_array_equal(sess.run(queue.dequeue()), [1.0, 2.0])


def test_elements_of_large_arrays_outlive_the_run() -> None:
    """What a run computes lies in memory that the next run uses again; a queue keeps its own."""
    x = tf.placeholder(tf.float32, [None, 100])
    queue = tf.FIFOQueue(10, tf.float32, shapes=[[100, 100]])
    put = queue.enqueue(tf.matmul(x, x) + 1.0)
    with tf.Session() as sess:
        for value in range(4):
            sess.run(put, {x: np.full((100, 100), value)})
        for value in range(4):
            expected = np.full((100, 100), 100.0 * value * value + 1)
            np.testing.assert_array_equal(sess.run(queue.dequeue()), expected)


def test_elements_of_a_batch_are_padded() -> None:
    x, text = tf.placeholder(tf.float32, [None, 2]), tf.placeholder(tf.string, [None])
    queue = tf.PaddingFIFOQueue(10, [tf.float32, tf.string], shapes=[[None, 2], [None]])
    put, taken = queue.enqueue([x, text]), queue.dequeue_many(2)
    assert [t.shape.as_list() for t in taken] == [[2, None, 2], [2, None]]
    with tf.Session() as sess:
        sess.run(put, {x: [[1, 2]], text: ["a", "b"]})
        sess.run(put, {x: [[3, 4], [5, 6]], text: []})
        numbers, texts = sess.run(taken)
    assert numbers.tolist() == [[[1, 2], [0, 0]], [[3, 4], [5, 6]]]
    assert texts.tolist() == [[b"a", b"b"], [b"", b""]]


def test_elements_leave_in_tensorflows_random_order() -> None:
    """The order is what TensorFlow 2.21 was seen to give for these seeds."""
    queue = tf.RandomShuffleQueue(20, 0, [tf.int32], shapes=[[]], seed=5)
    with tf.Session() as sess:
        sess.run(queue.enqueue_many([list(range(20))]))
        assert sess.run(queue.dequeue_many(6)).tolist() == [11, 19, 6, 5, 8, 4]
        assert sess.run(queue.dequeue()) == 1
        assert sess.run(queue.dequeue_up_to(9)).tolist() == [9, 15, 13, 12, 17, 14, 18, 10, 2]


def test_the_least_number_of_elements_stays_while_the_queue_is_open() -> None:
    queue = tf.RandomShuffleQueue(20, 2, [tf.int32], shapes=[[]], seed=5)
    with tf.Session() as sess:
        sess.run(queue.enqueue_many([[1, 2, 3]]))
        sess.run(queue.dequeue())
        other = Background(sess.run, queue.dequeue_many(2))
        waiting(sess, queue, takes=1)
        sess.run(queue.close())
        assert len(other.result()) == 2


def test_the_least_leaves_first() -> None:
    queue = tf.PriorityQueue(10, [tf.string], shapes=[[]])
    with tf.Session() as sess:
        sess.run(queue.enqueue_many([[2, 1, 2, 1], ["c", "a", "d", "b"]]))
        numbers, texts = sess.run(queue.dequeue_many(4))
    assert numbers.tolist() == [1, 1, 2, 2]
    assert texts.tolist() == [b"a", b"b", b"c", b"d"]


def test_a_closed_queue_gives_what_is_left() -> None:
    queue = tf.FIFOQueue(10, tf.int32, shapes=[[]])
    with tf.Session() as sess:
        sess.run(queue.enqueue_many([[1, 2, 3]]))
        assert not sess.run(queue.is_closed())
        sess.run(queue.close())
        assert sess.run(queue.is_closed())
        with pytest.raises(tf.errors.OutOfRangeError, match=r"requested 4, current size 3\)"):
            sess.run(queue.dequeue_many(4))
        assert sess.run(queue.dequeue_up_to(4)).tolist() == [1, 2, 3]
        with pytest.raises(tf.errors.OutOfRangeError, match="is closed and has insufficient"):
            sess.run(queue.dequeue())
        with pytest.raises(tf.errors.CancelledError, match="is closed"):
            sess.run(queue.enqueue(1))


def test_names_make_dictionaries() -> None:
    queue = tf.FIFOQueue(10, [tf.int32, tf.float32], shapes=[[], []], names=["a", "b"])
    with tf.Session() as sess:
        sess.run(queue.enqueue({"b": 0.5, "a": 1}))
        assert sess.run(queue.dequeue()) == {"a": 1, "b": 0.5}
    with pytest.raises(ValueError, match="do not match names"):
        queue.enqueue({"a": 1})
    with pytest.raises(ValueError, match="must enqueue a dictionary"):
        queue.enqueue([1, 0.5])


@pytest.mark.parametrize(
    ("method", "given", "remedy"),
    [
        ("enqueue", (3,), r"what to do: give a tensor of shape \(2,\)"),
        ("enqueue", (4, 2), r"what to do: it would fit queue\.enqueue_many"),
        ("enqueue", (), r"what to do: give a tensor of shape \(2,\)"),
        ("enqueue_many", (4, 3), r"what to do: give a tensor of shape \(2,\)"),
        ("enqueue_many", (2,), r"what to do: it would fit queue\.enqueue\."),
    ],
)
def test_a_wrong_shape_names_the_queue_and_what_would_fit(
    method: str, given: tuple[int, ...], remedy: str
) -> None:
    queue = tf.FIFOQueue(3, [tf.int32, tf.float32], shapes=[[], [2]], name="pairs")
    number = tf.zeros(given[:1] if method == "enqueue_many" else [], tf.int32)
    with pytest.raises(ValueError, match=r"for component 1 of .* queue 'pairs'") as caught:
        getattr(queue, method)([number, tf.zeros(given)])
    assert re.search(remedy, str(caught.value))


def test_one_of_several_queues_is_chosen_when_it_runs() -> None:
    index = tf.placeholder(tf.int32, [])
    queues = [tf.FIFOQueue(9, tf.int32, shapes=[[]]) for _ in range(3)]
    chosen = tf.QueueBase.from_list(index, queues)
    put = [queue.enqueue(10 * i) for i, queue in enumerate(queues)]
    taken = chosen.dequeue()
    with tf.Session() as sess:
        sess.run(put)
        assert [int(sess.run(taken, {index: i})) for i in (2, 0, 1)] == [20, 0, 10]


# ---- waiting


def test_a_dequeue_waits_for_an_enqueue_of_another_thread() -> None:
    queue = tf.FIFOQueue(10, tf.int32, shapes=[[]])
    x = tf.placeholder(tf.int32, [])
    put, taken = queue.enqueue(x), queue.dequeue() * 2
    with tf.Session() as sess:
        other = Background(sess.run, taken)
        waiting(sess, queue, takes=1)
        sess.run(put, {x: 21})
        assert other.result() == 42


def test_a_batch_may_be_larger_than_the_queue() -> None:
    queue = tf.FIFOQueue(2, tf.int32, shapes=[[]])
    with tf.Session() as sess:
        other = Background(sess.run, queue.enqueue_many([list(range(9))]))
        waiting(sess, queue, puts=1)
        assert sess.run(queue.dequeue_many(9)).tolist() == list(range(9))
        other.result()


def test_a_run_may_take_what_it_puts_itself() -> None:
    queue = tf.FIFOQueue(1, tf.int32, shapes=[[]])
    taken = queue.dequeue()
    put = queue.enqueue(tf.constant(3) + 4)
    with tf.Session() as sess:
        for _ in range(3):  # also by the program for shapes that come again
            assert sess.run([taken, put])[0] == 7


def test_many_threads_hand_over_every_element_once() -> None:
    queue = tf.FIFOQueue(3, tf.int32, shapes=[[]])
    x = tf.placeholder(tf.int32, [])
    put, taken, close = queue.enqueue(x), queue.dequeue(), queue.close()
    with tf.Session() as sess:

        def produce(first: int) -> None:
            for i in range(first, first + 25):
                sess.run(put, {x: i})

        def consume() -> list[int]:
            found = []
            while True:
                try:
                    found.append(int(sess.run(taken)))
                except tf.errors.OutOfRangeError:
                    return found

        consumers = [Background(consume) for _ in range(3)]
        producers = [Background(produce, 25 * i) for i in range(4)]
        for producer in producers:
            producer.result()
        sess.run(close)
        found = [i for consumer in consumers for i in consumer.result()]
    assert sorted(found) == list(range(100))


@pytest.mark.parametrize("of_session", [False, True])
def test_the_time_of_a_run_may_end_the_waiting(of_session: bool) -> None:
    queue = tf.FIFOQueue(10, tf.int32, shapes=[[]], name="examples")
    config = tf.ConfigProto(operation_timeout_in_ms=20 if of_session else 0)
    options = None if of_session else tf.RunOptions(timeout_in_ms=20)
    with tf.Session(config=config) as sess:
        with pytest.raises(tf.errors.DeadlineExceededError) as caught:
            sess.run(queue.dequeue_many(5), options=options)
        message = str(caught.value)
        assert "5 more elements of FIFOQueue 'examples', which holds 0" in message
        assert "start_queue_runners" in message
        assert "test_data_flow_ops.py" in message
        # What was taken is put back, and nobody is left in the line.
        sess.run(queue.enqueue_many([[1, 2]]))
        with pytest.raises(tf.errors.DeadlineExceededError):
            sess.run(queue.dequeue_many(5), options=tf.RunOptions(timeout_in_ms=20))
        assert sess.run(queue.dequeue_many(2)).tolist() == [1, 2]


def test_a_warning_says_what_takes_long(monkeypatch, caplog) -> None:
    monkeypatch.setattr("minitf.framework.waiting._LONG", 0.01)
    queue = tf.FIFOQueue(10, tf.int32, shapes=[[]], name="examples")
    with tf.Session() as sess:
        other = Background(sess.run, queue.dequeue())
        until(lambda: "1 more element of FIFOQueue 'examples'" in caplog.text, "a warning comes")
        sess.run(queue.enqueue(3))
        assert other.result() == 3
    assert caplog.text.count("A run has waited for 0 s by now") == 1


def test_closing_the_session_ends_the_waiting() -> None:
    queue = tf.FIFOQueue(1, tf.int32, shapes=[[]])
    full = tf.FIFOQueue(1, tf.int32, shapes=[[]])
    put = full.enqueue(1)
    sess = tf.Session()
    sess.run(put)
    others = [Background(sess.run, queue.dequeue()), Background(sess.run, put)]
    waiting(sess, queue, takes=1)
    waiting(sess, full, puts=1)
    sess.close()
    for other in others:
        error = other.error()
        assert isinstance(error, tf.errors.CancelledError)
        assert "The session was closed" in str(error)


def test_closing_the_queue_ends_the_waiting() -> None:
    queue = tf.FIFOQueue(1, tf.int32, shapes=[[]])
    with tf.Session() as sess:
        other = Background(sess.run, queue.dequeue())
        waiting(sess, queue, takes=1)
        sess.run(queue.close())
        assert isinstance(other.error(), tf.errors.OutOfRangeError)


@pytest.mark.parametrize("cancel", [False, True])
def test_closing_the_queue_and_those_who_wait_for_room(cancel: bool) -> None:
    queue = tf.FIFOQueue(1, tf.int32, shapes=[[]])
    put = queue.enqueue(1)
    with tf.Session() as sess:
        sess.run(put)
        other = Background(sess.run, put)
        waiting(sess, queue, puts=1)
        sess.run(queue.close(cancel_pending_enqueues=cancel))
        if cancel:
            error = other.error()
            assert isinstance(error, tf.errors.CancelledError)
            assert "Enqueue operation was cancelled" in str(error)
            assert sess.run(queue.dequeue_up_to(2)).tolist() == [1]
        else:  # what waits already comes in
            assert sess.run(queue.dequeue_many(2)).tolist() == [1, 1]
            other.result()


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no signals between threads")
def test_an_interrupt_ends_the_waiting() -> None:
    queue = tf.FIFOQueue(1, tf.int32, shapes=[[]])
    main = threading.main_thread().ident
    assert main == threading.get_ident()
    with tf.Session() as sess:

        def interrupt() -> None:
            waiting(sess, queue, takes=1)
            os.kill(os.getpid(), signal.SIGINT)

        other = Background(interrupt)
        with pytest.raises(KeyboardInterrupt):
            sess.run(queue.dequeue(), options=tf.RunOptions(timeout_in_ms=60_000))
        other.result()
        sess.run(queue.enqueue(5))
        assert sess.run(queue.dequeue()) == 5


# ---- sharing


def test_queues_of_one_shared_name_are_one() -> None:
    first = tf.FIFOQueue(5, tf.int32, shapes=[[]], shared_name="q")
    second = tf.FIFOQueue(5, tf.int32, shapes=[[]], shared_name="q")
    apart = tf.FIFOQueue(5, tf.int32, shapes=[[]])
    with tf.container("other"):
        elsewhere = tf.FIFOQueue(5, tf.int32, shapes=[[]], shared_name="q")
    with tf.Session() as sess:
        sess.run(first.enqueue(1))
        sizes = sess.run([queue.size() for queue in (first, second, apart, elsewhere)])
        assert sizes == [1, 1, 0, 0]
        with pytest.raises(tf.errors.InvalidArgumentError, match="has capacity 5 but requested"):
            sess.run(tf.FIFOQueue(6, tf.int32, shapes=[[]], shared_name="q").size())


# ---- accumulators


def test_gradients_are_averaged_and_stale_ones_dropped() -> None:
    accumulator = tf.ConditionalAccumulator(tf.float32, shape=[2])
    grad = tf.placeholder(tf.float32, [2])
    step = tf.placeholder(tf.int64, [])
    add = accumulator.apply_grad(grad, step)
    with tf.Session() as sess:
        for i in range(3):
            sess.run(add, {grad: [1.0, i], step: 0})
        assert sess.run(accumulator.num_accumulated()) == 3
        np.testing.assert_array_equal(sess.run(accumulator.take_grad(2)), [1.0, 1.0])
        sess.run(add, {grad: [1.0, 1.0], step: 0})  # the step is 1 by now
        assert sess.run(accumulator.num_accumulated()) == 0
        sess.run(accumulator.set_global_step(7))
        sess.run(add, {grad: [1.0, 1.0], step: 6})
        sess.run(add, {grad: [2.0, 4.0], step: 7})
        assert sess.run(accumulator.num_accumulated()) == 1
        assert sess.run(accumulator.take_grad(1)).tolist() == [2.0, 4.0]


def test_who_takes_an_average_waits_for_enough_gradients() -> None:
    accumulator = tf.ConditionalAccumulator(tf.float32, shape=[], name="grads")
    add, taken = accumulator.apply_grad(2.0), accumulator.take_grad(3)
    with tf.Session() as sess:
        with pytest.raises(tf.errors.DeadlineExceededError, match=r"3 gradients in .* has 0"):
            sess.run(taken, options=tf.RunOptions(timeout_in_ms=20))
        other = Background(sess.run, taken)
        for _ in range(3):
            sess.run(add)
        assert other.result() == 2.0


def test_rows_are_averaged_over_those_who_gave_them() -> None:
    accumulator = tf.SparseConditionalAccumulator(tf.float32, shape=[6, 1])
    indices, values = tf.placeholder(tf.int64, [None]), tf.placeholder(tf.float32, [None, 1])
    step = tf.placeholder(tf.int64, [])
    slices = tf.IndexedSlices(values, indices, tf.constant([6, 1]))
    add = accumulator.apply_indexed_slices_grad(slices, step)
    with tf.Session() as sess:
        sess.run(accumulator.set_global_step(1))
        sess.run(add, {indices: [0], values: [[9]], step: 0})
        sess.run(add, {indices: [1, 3], values: [[1], [2]], step: 1})
        sess.run(add, {indices: [0, 3], values: [[5], [4]], step: 1})
        assert sess.run(accumulator.num_accumulated()) == 2
        taken = sess.run(accumulator.take_grad(2))
    assert taken.indices.tolist() == [0, 1, 3]
    assert taken.values.tolist() == [[5.0], [1.0], [3.0]]
    assert taken.shape.tolist() == [6, 1]


def test_accumulators_of_one_shared_name_are_one() -> None:
    first = tf.ConditionalAccumulator(tf.float32, shape=[2], shared_name="a")
    second = tf.ConditionalAccumulator(tf.float32, shape=[2], shared_name="a")
    with tf.Session() as sess:
        sess.run(first.apply_grad([1.0, 2.0]))
        assert sess.run(second.num_accumulated()) == 1
        other = tf.ConditionalAccumulator(tf.float32, shape=[3], shared_name="a")
        with pytest.raises(tf.errors.InvalidArgumentError, match="Shared accumulator"):
            sess.run(other.num_accumulated())
