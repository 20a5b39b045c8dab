"""What beginners get wrong: the first line says what, the rest what to do and where more stands."""

from __future__ import annotations

import traceback
from collections.abc import Callable

import numpy as np
import pytest

import minitf as tf


def loss_of_numbers() -> None:
    tf.train.GradientDescentOptimizer(0.1).minimize(np.float32(3.0))


def feed_none() -> None:
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    with tf.Session() as sess:
        sess.run(x * 2, {x: None})


def size_of_a_batch() -> None:
    x = tf.placeholder(tf.float32, [None, 3])
    tf.zeros([x.shape[0], 3])


def one_hot_labels() -> None:
    tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=tf.zeros([32, 10], tf.int64), logits=tf.zeros([32, 10])
    )


def numpy_doubles() -> None:
    w = tf.Variable(tf.zeros([2, 2]))
    tf.matmul(tf.constant(np.ones([2, 2])), w)


def restore_another_shape(folder: str) -> None:
    v = tf.Variable(tf.zeros([2]), name="v")
    with tf.Session() as sess:
        sess.run(v.initializer)
        prefix = tf.train.Saver().save(sess, folder + "/model")
    tf.reset_default_graph()
    tf.Variable(tf.zeros([3]), name="v")
    with tf.Session() as sess:
        tf.train.Saver().restore(sess, prefix)


def fetch_no_summaries() -> None:
    tf.constant(1.0)
    with tf.Session() as sess:
        sess.run(tf.summary.merge_all())


def diverge() -> None:
    w = tf.Variable(-1.0)
    loss = tf.log(w, name="loss")
    hook = tf.train.NanTensorHook(loss)
    with tf.train.MonitoredTrainingSession(hooks=[hook]) as sess:
        sess.run(loss)


# What is done, words of the first line, words of what to do, and the section.
MISTAKES: list[tuple[Callable[[], object], str, str, str]] = [
    (loss_of_numbers, "must be a tensor of the graph", "tf functions", "no-gradients"),
    (feed_none, "Cannot feed None for Tensor 'x:0'", "`return`", "feeding-a-value"),
    (size_of_a_batch, "unknown Dimension", "tf.shape(x)", "shapes"),
    (one_hot_labels, "labels.shape.rank", "numbers of the classes", "shapes"),
    (numpy_doubles, "float64", "tf.cast(v, tf.float64)", "dtypes"),
    (fetch_no_summaries, "None", "tf.summary.merge_all", "fetching"),
    (diverge, "NaN loss during training.", "tf.add_check_numerics_ops()", "not-finite"),
    (lambda: tf.constant(1) + tf.constant(2.0), "float32", "tf.cast(x, tf.float32)", "dtypes"),
    (lambda: tf.constant(1.0) + tf.constant(2), "int32", "tf.cast(x, tf.float32)", "dtypes"),
    (lambda: tf.reduce_sum(tf.zeros([2, 3]), 2), "dimension 2", "axes -2 to 1", "shapes"),
    (lambda: tf.split(tf.zeros([10, 3]), 3), "divisible by 3", "name the sizes", "shapes"),
    (lambda: tf.transpose(tf.zeros([2, 3]), [0, 1, 2]), "2 but is 3", "each axis", "shapes"),
    (lambda: tf.squeeze(tf.zeros([2, 3]), [0]), "squeeze dim[0]", "axes of size 1", "shapes"),
    (lambda: tf.zeros([2, 3])[5], "index 5", "count from 0", "shapes"),
    (lambda: tf.concat([tf.zeros([2, 3]), tf.zeros([4, 3])], 1), "2 and 4", "only along", "shapes"),
    (
        lambda: tf.concat(0, [tf.zeros([2]), tf.zeros([2])]),
        "values first",
        "values, 0",
        "arguments",
    ),
    (lambda: tf.split(0, 2, tf.zeros([2])), "the tensor first", "tf.split(value", "arguments"),
    (
        lambda: tf.layers.conv2d(tf.zeros([2, 28, 28, 1]), 32, 5, padding="full"),
        "padding",
        "same",
        "arguments",
    ),
    (
        lambda: tf.nn.conv2d(tf.zeros([2, 784]), tf.zeros([5, 5, 1, 2]), [1, 1, 1, 1], "SAME"),
        "must be rank 4 but is rank 2",
        "[batch, height, width, channels]",
        "shapes",
    ),
    (lambda: tf.nn.dropout(tf.zeros([2]), keep_prob=0.0), "`rate`", "keep_prob", "arguments"),
    (lambda: tf.mul(1, 2), "tf.multiply", "tf.multiply", "names-that-minitf"),
    (lambda: tf.reduce_maen, "reduce_maen", "tf.reduce_mean", "names-that-minitf"),
]


@pytest.mark.parametrize(("act", "first", "remedy", "section"), MISTAKES)
def test_a_mistake_is_told_of(
    act: Callable[[], object], first: str, remedy: str, section: str
) -> None:
    with pytest.raises(Exception) as caught:
        act()
    lines = str(caught.value).splitlines()
    assert first in lines[0]
    assert "test_mistakes.py" in str(caught.value)
    assert any(line.startswith("  what to do: ") and remedy in line for line in lines)
    assert lines[-1].startswith(f"  see: docs/errors.md#{section}")


def test_a_checkpoint_that_differs_is_told_of_in_the_first_line(tmp_path) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        restore_another_shape(str(tmp_path))
    lines = str(caught.value).splitlines()
    assert lines[0].endswith("v has shape [3] in the graph, [2] in the checkpoint.")
    assert lines[-1] == "  see: docs/errors.md#checkpoints"


def test_what_a_kernel_said_is_not_said_twice() -> None:
    v = tf.Variable(1.0, name="v")
    with tf.Session() as sess, pytest.raises(tf.errors.FailedPreconditionError) as caught:
        sess.run(v)
    shown = "".join(traceback.format_exception(caught.value))
    assert shown.count("Attempting to use uninitialized value v") == 1


def test_what_a_function_of_the_user_raised_stays_the_cause() -> None:
    y = tf.py_func(lambda: 1 // 0, [], tf.int64)
    with tf.Session() as sess, pytest.raises(tf.errors.UnknownError) as caught:
        sess.run(y)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
