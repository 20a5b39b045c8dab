"""Input pipelines of queues: what comes out of them, also with several threads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minitf as tf


def everything(tensors: Any) -> list[Any]:
    """All batches until the end of the data."""
    found = []
    with tf.train.MonitoredTrainingSession() as sess:
        while not sess.should_stop():
            found.append(sess.run(tensors))
    return found


def test_every_example_comes_once_in_an_epoch() -> None:
    images, labels = np.arange(20).reshape(10, 2), np.arange(10)
    rows = tf.train.slice_input_producer([images, labels], num_epochs=3)
    batches = everything(tf.train.batch(rows, 4, num_threads=3, allow_smaller_final_batch=True))
    found = np.concatenate([labels for _, labels in batches])
    assert sorted(found.tolist()) == sorted([*range(10)] * 3)
    for pair in batches:
        np.testing.assert_array_equal(pair[0], images[pair[1]])


def test_a_last_batch_that_is_not_full_is_left_out() -> None:
    number = tf.train.range_input_producer(5, num_epochs=1, shuffle=False).dequeue()
    assert [b.tolist() for b in everything(tf.train.batch([number], 2))] == [[0, 1], [2, 3]]


def test_shuffled_batches_have_all_examples() -> None:
    number = tf.train.range_input_producer(9, num_epochs=2).dequeue()
    batches = everything(
        tf.train.shuffle_batch([number], 6, capacity=30, min_after_dequeue=4, seed=1)
    )
    assert sorted(np.concatenate(batches).tolist()) == sorted([*range(9)] * 2)


def test_examples_of_any_size_are_padded() -> None:
    size = tf.train.range_input_producer(4, num_epochs=1, shuffle=False).dequeue()
    row = tf.fill(tf.reshape(size, [1]), 7)
    (padded,) = everything(tf.train.batch({"row": row}, 4, dynamic_pad=True))
    assert padded["row"].tolist() == [[0, 0, 0], [7, 0, 0], [7, 7, 0], [7, 7, 7]]


def test_several_readers_are_joined() -> None:
    readers = []
    for first in (0, 10):
        queue = tf.train.range_input_producer(5, num_epochs=1, shuffle=False)
        readers.append([queue.dequeue() + first])
    joined = tf.train.batch_join(readers, 3, allow_smaller_final_batch=True)
    found = np.concatenate(everything(joined))
    assert sorted(found.tolist()) == [*range(5), *range(10, 15)]
    with pytest.raises(TypeError, match="Expected types to be consistent"):
        tf.train.batch_join([[tf.constant(1)], [tf.constant(1.0)]], 3)
