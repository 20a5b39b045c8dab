"""Queues that are filled by queue runners: producers of examples, and batches."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.parity.harness import Family

family = Family("inputs")

# The nodes of a queue wait for one another: what comes out is compared by the cases below.


@family.graph(run=False)
def producers(tf: Any) -> None:
    rows = [[1.0, 2.0], [3.0, 4.0]]
    tf.train.input_producer(rows, element_shape=[2], num_epochs=2, shuffle=True, seed=3, capacity=5)
    tf.train.input_producer(
        rows, shuffle=False, shared_name="s", summary_name="full", name="p", cancel_op=tf.no_op()
    )
    tf.train.string_input_producer(
        ["a", "b"], 3, False, 1, capacity=4, shared_name="t", name="q", cancel_op=tf.no_op()
    )
    tf.train.string_input_producer(tf.constant(["a", "b"]))
    tf.train.range_input_producer(5, 2, True, 7, capacity=9, shared_name="r", name="numbers")
    tf.train.slice_input_producer(
        [tf.constant([1, 2, 3]), tf.constant([[1.0], [2.0], [3.0]])],
        num_epochs=1,
        shuffle=True,
        seed=1,
        capacity=8,
        shared_name="u",
        name="rows",
    )
    tf.train.limit_epochs(tf.constant(1), 3, name="thrice")
    tf.train.limit_epochs(tf.constant(1))


@family.graph(run=False)
def batches(tf: Any) -> None:
    x, y = tf.random_uniform([3], seed=1), tf.constant(1)
    tf.train.batch([x, y], 4, num_threads=2, capacity=10, shared_name="b", name="own")
    tf.train.batch({"a": x, "b": y}, 4, allow_smaller_final_batch=True)
    tf.train.batch([x], 4, enqueue_many=True)
    tf.train.batch([tf.placeholder_with_default([1.0], [None])], 4, dynamic_pad=True)
    tf.train.batch([tf.placeholder_with_default([1.0], None)], 4, shapes=[[1]])


@family.graph(run=False)
def shuffled_batches(tf: Any) -> None:
    x, y = tf.random_uniform([3], seed=1), tf.constant(1)
    tf.train.shuffle_batch([x, y], 4, capacity=20, min_after_dequeue=5, num_threads=2, seed=2)
    tf.train.shuffle_batch(
        [x],
        4,
        20,
        5,
        enqueue_many=True,
        shapes=[[]],
        allow_smaller_final_batch=True,
        shared_name="s",
        name="own",
    )


@family.graph(run=False)
def joined_batches(tf: Any) -> None:
    readers = [[tf.random_uniform([3], seed=i), tf.constant(i)] for i in range(2)]
    tf.train.batch_join(readers, 4)
    tf.train.batch_join(
        readers,
        4,
        capacity=9,
        enqueue_many=False,
        shapes=[[3], []],
        dynamic_pad=True,
        allow_smaller_final_batch=True,
        shared_name="j",
        name="own",
    )
    tf.train.shuffle_batch_join(readers, 4, 20, 5)
    tf.train.shuffle_batch_join(
        readers,
        4,
        capacity=20,
        min_after_dequeue=5,
        seed=3,
        enqueue_many=False,
        shapes=[[3], []],
        allow_smaller_final_batch=True,
        shared_name="k",
        name="shuffled",
    )


def _all_batches(tf: Any, tensors: Any) -> list[Any]:
    """What comes until the end of the data."""
    found: list[Any] = []
    with tf.Session() as sess:
        sess.run(tf.local_variables_initializer())
        coord = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(sess, coord)
        try:
            while True:
                found += sess.run(tensors)
        except tf.errors.OutOfRangeError:
            coord.request_stop()
        coord.join(threads)
    return found


@family.values(nodes=False)
def epochs_in_random_order(tf: Any) -> list[Any]:
    images = np.arange(14, dtype=np.float32).reshape(7, 2)
    rows = tf.train.slice_input_producer([images, np.arange(7)], num_epochs=2, seed=4)
    return _all_batches(tf, tf.train.batch(rows, 4, allow_smaller_final_batch=True))


@family.values(nodes=False)
def names_in_order(tf: Any) -> list[Any]:
    queue = tf.train.string_input_producer(["a", "b", "c"], num_epochs=2, shuffle=False)
    return _all_batches(tf, [queue.dequeue()])


family.error("no epochs", lambda tf: tf.train.limit_epochs(tf.constant(1), 0))
family.error("no strings", lambda tf: tf.train.string_input_producer([]))
family.error("no tensors", lambda tf: tf.train.batch([], 3))
family.error("no slices", lambda tf: tf.train.slice_input_producer([]))
family.error("no shape", lambda tf: tf.train.input_producer(tf.placeholder(tf.float32, [3, None])))
family.error("no rank", lambda tf: tf.train.batch([tf.placeholder(tf.float32)], 3))
family.error("too little room", lambda tf: tf.train.shuffle_batch([tf.constant(1)], 2, 5, 5))
