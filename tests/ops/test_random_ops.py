"""Random ops in graphs and sessions: seeds, states, errors. Their bits: tests/parity."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

import minitf as tf


def draws(graph_seed=None, op_seed=None, runs=2, before=()):
    """A digest of each run of one random op in a new session."""
    with tf.Graph().as_default():
        if graph_seed is not None:
            tf.set_random_seed(graph_seed)
        for build in before:
            build()
        x = tf.random_uniform([5], seed=op_seed)
        with tf.Session() as sess:
            return [hashlib.sha256(sess.run(x).tobytes()).hexdigest() for _ in range(runs)]


def test_each_run_draws_anew_and_each_session_repeats():
    first, second = draws(1), draws(1)
    assert first == second
    assert first[0] != first[1]
    assert draws(None, 3) == draws(None, 3) != draws(None, 4)


def test_without_seeds_nothing_repeats():
    assert draws() != draws()


def test_seeds_count_random_ops_only():
    assert draws(1) == draws(
        1, before=[lambda: tf.zeros([2]), lambda: tf.random_normal([], seed=2)]
    )
    assert draws(1) != draws(1, before=[lambda: tf.random_normal([])])
    assert draws(1) == draws(1, op_seed=0)
    assert draws(1) != draws(2)


def test_nodes_have_states_of_their_own():
    a, b = tf.random_uniform([3], seed=5), tf.random_uniform([3], seed=5)
    with tf.Session() as sess:
        first = sess.run(a)
        sess.run(a)
        assert sess.run(b).tolist() == first.tolist()


def test_a_state_survives_other_programs_and_a_growing_graph():
    a = tf.random_uniform([3], seed=5)
    with tf.Session() as one, tf.Session() as two:
        expected = [one.run(a).tolist() for _ in range(3)]
        got = [two.run(a).tolist(), two.run([a, tf.constant(1.0)])[0].tolist()]
        got.append(two.run(a * 1.0).tolist())
        assert got == expected


def test_a_node_is_drawn_once_in_a_run():
    a = tf.random_uniform([3])
    with tf.Session() as sess:
        x, y = sess.run([a + 1.0, a + 1.0])
        assert x.tolist() == y.tolist()


def test_a_random_value_is_never_folded():
    a = tf.random_uniform([2])
    assert tf.get_static_value(a) is None
    assert tf.get_static_value(tf.random_shuffle([1, 2])) is None


def test_shapes():
    p = tf.placeholder(tf.float32, [None, 3])
    assert tf.random_uniform(tf.shape(p)).shape.as_list() == [None, 3]
    assert tf.random_normal([tf.shape(p)[0], 2]).shape.as_list() == [None, 2]
    assert tf.random_uniform([tf.Dimension(2), 3]).shape.as_list() == [2, 3]
    assert tf.truncated_normal(tf.TensorShape([2])).shape.as_list() == [2]
    assert tf.random_uniform([]).shape.as_list() == []
    assert tf.random_uniform(tf.placeholder(tf.int32)).shape.ndims is None
    assert tf.random_shuffle(p).shape.as_list() == [None, 3]
    assert tf.multinomial(p, 4).shape.as_list() == [None, 4]
    with tf.Session() as sess:
        assert sess.run(tf.random_normal(tf.shape(p)), {p: np.zeros([4, 3])}).shape == (4, 3)
        assert sess.run(tf.random_uniform([0, 3])).shape == (0, 3)
        assert isinstance(sess.run(tf.random_uniform([])), np.float32)


def test_bounds_that_are_tensors():
    low, high = tf.placeholder(tf.float32), tf.placeholder(tf.float32, [2])
    x = tf.random_uniform([1000, 2], low, high, seed=1)
    with tf.Session() as sess:
        value = sess.run(x, {low: 5.0, high: [6.0, 7.0]})
    assert value.min() >= 5.0 and value[:, 0].max() <= 6.0 and 6.5 < value[:, 1].max() < 7.0


def test_integer_bounds():
    with tf.Session() as sess:
        value = sess.run(tf.random_uniform([1000], -2, 3, tf.int32, seed=1))
        assert set(value.tolist()) == {-2, -1, 0, 1, 2}
        wide = sess.run(tf.random_uniform([100], -(2**62), 2**62, tf.int64, seed=1))
        assert wide.dtype == np.int64 and abs(wide).max() > 2**40


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: tf.random_uniform([2], dtype=tf.int32), ValueError, "Must specify maxval"),
        (lambda: tf.random_uniform([2], dtype=tf.bool), ValueError, "Accepted dtypes"),
        (lambda: tf.random_normal([2], dtype=tf.int32), TypeError, "int32"),
        (lambda: tf.random_uniform([[2]]), ValueError, "rank 1 but is rank 2"),
        (lambda: tf.random_uniform([-2]), ValueError, "-2"),
        (lambda: tf.random_uniform([2], 0, [3, 4], tf.int32), ValueError, "rank 0"),
        (lambda: tf.multinomial([0.5], 3), ValueError, "rank 2 but is rank 1"),
        (lambda: tf.multinomial([[0.5]], [3]), ValueError, "rank 0"),
    ],
)
def test_bad_arguments(build, error, message):
    with pytest.raises(error, match=message):
        build()


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda p: tf.random_uniform([2], 5, 3, tf.int32), "minval < maxval"),
        (lambda p: tf.random_uniform(p), "sizes >= 0"),
        (lambda p: tf.multinomial([[1.0]], p[0]), "num_samples"),
        (lambda p: tf.multinomial(tf.reshape(1.0, -p), 3), r"\(batch, classes\)"),
    ],
)
def test_bad_values_are_told_with_the_line(build, message):
    p = tf.placeholder(tf.int32)
    x = build(p)
    with tf.Session() as sess, pytest.raises(tf.errors.InvalidArgumentError) as caught:
        sess.run(x, {p: [-1]})
    assert message.replace("\\", "") in str(caught.value)
    assert "test_random_ops.py" in str(caught.value)


def test_random_crop():
    image = np.arange(30).reshape(5, 6)
    crop = tf.random_crop(image, [2, 3], seed=1)
    seen = set()
    with tf.Session() as sess:
        for _ in range(200):
            value = sess.run(crop)
            row, column = divmod(int(value[0, 0]), 6)
            np.testing.assert_array_equal(value, image[row : row + 2, column : column + 3])
            seen.add((row, column))
        assert len(seen) == 16
        p = tf.placeholder(tf.float32, [None])
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"Need value\.shape >= size"):
            sess.run(tf.random_crop(p, [3]), {p: [1.0]})


def test_random_ops_have_no_gradient():
    x = tf.placeholder(tf.float32, [3])
    assert tf.gradients(tf.random_shuffle(x), [x]) == [None]
    bound = tf.constant(2.0)
    (grad,) = tf.gradients(tf.random_uniform([3], -1.0, bound, seed=1), [bound])
    with tf.Session() as sess:
        assert 0.0 <= sess.run(grad) <= 3.0


def test_newer_names():
    assert tf.random.uniform is tf.random_uniform
    assert tf.random.normal is tf.random_normal
    assert tf.random.shuffle is tf.random_shuffle
    assert tf.random.set_random_seed is tf.set_random_seed


def test_seeds_in_json_are_plain():
    """Attributes hold plain ints, so that a graph can be written to a file."""
    tf.set_random_seed(-1)
    op = tf.random_uniform([2], seed=3).op
    assert json.dumps([op.get_attr("seed"), op.get_attr("seed2")]) == "[2147483646, 3]"
