"""Bad input gets a clear error that names the user's own line, and nothing is lost."""

import numpy as np
import pytest

import minitf as tf

E = tf.errors


def build_errors():
    """Mistakes while a graph is built: (what is done, class, words of the first line)."""
    a23, b23 = tf.zeros([2, 3]), tf.zeros([2, 3])
    taken = tf.constant(1, name="taken")
    tf.get_variable("v", [2])

    def reuse(name, *shape, dtype=tf.float32):
        with tf.variable_scope(tf.get_variable_scope(), reuse=True):
            tf.get_variable(name, shape, dtype)

    return [
        (lambda: tf.matmul(a23, b23), ValueError, "must be equal"),
        (lambda: a23 + tf.zeros([2, 4]), ValueError, "must be equal"),
        (lambda: tf.constant(1) + tf.constant(1.0), TypeError, "does not match type"),
        (lambda: tf.nn.relu("text"), TypeError, "features|allowed values"),
        (lambda: tf.reshape(a23, [4]), ValueError, "reshape"),
        (lambda: tf.constant(2, name="taken/"), ValueError, "taken"),
        (lambda: tf.get_variable("v", [2]), ValueError, "already exists"),
        (lambda: reuse("v", 3), ValueError, "shape"),
        (lambda: reuse("v", 2, dtype=tf.float64), ValueError, "dtype"),
        (lambda: reuse("missing", 2), ValueError, "does not exist"),
        (lambda: bool(taken), TypeError, "bool"),
    ]


@pytest.mark.parametrize("number", range(11))
def test_while_building(number):
    act, error, words = build_errors()[number]
    before = [op.name for op in tf.get_default_graph().get_operations()]
    with pytest.raises(error, match=words) as caught:
        act()
    assert "test_bad_input.py" in str(caught.value)
    after = [op.name for op in tf.get_default_graph().get_operations()]
    assert after[: len(before)] == before
    assert {tf.get_default_graph().get_operation_by_name(n).type for n in after[len(before) :]} <= {
        "Const"
    }


def run_errors():
    """Mistakes in a run: (fetch, feed, class, words of the first line, what the text names)."""
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    any_shape = tf.placeholder(tf.float32, name="any_shape")
    labels = tf.placeholder(tf.int64, [None], name="labels")
    v = tf.Variable(1.0, name="v")
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=x)
    product = tf.matmul(any_shape, tf.zeros([3, 2]), name="product")
    with tf.Graph().as_default():
        foreign = tf.constant(1.0, name="foreign")
    rows = np.zeros((2, 3), np.float32)
    return [
        (tf.square(x, name="sq"), {}, E.InvalidArgumentError, "must feed a value", "sq <- x"),
        (x, {x: np.zeros((2, 4))}, ValueError, "Cannot feed value of shape", "axis 1 is 4"),
        (x, {x: "text"}, ValueError, "Cannot feed a value|could not convert", "x:0"),
        (x, {x: [[1, 2, 3], [1]]}, ValueError, "Cannot feed a value", "x:0"),
        (x, {foreign: 1.0}, TypeError, "Cannot interpret feed_dict key", "foreign"),
        (x, {"nothing:0": 1.0}, TypeError, "Cannot interpret feed_dict key", "nothing"),
        (foreign, {}, ValueError, "cannot be interpreted as a Tensor", "foreign"),
        ("nothing:0", {}, ValueError, "cannot be interpreted as a Tensor", "nothing"),
        (np.float32(0.5), {}, TypeError, "invalid type", "a value, perhaps of an earlier fetch"),
        (v * 2.0, {}, E.FailedPreconditionError, "uninitialized value v", "what to do"),
        (product, {any_shape: np.zeros((2, 4))}, E.InvalidArgumentError, "4", "'product'"),
        (
            loss,
            {x: rows, labels: [0, 7]},
            E.InvalidArgumentError,
            "label value of 7",
            "valid range",
        ),
    ]


@pytest.mark.parametrize("number", range(12))
def test_while_running(number):
    fetch, feed, error, words, names = run_errors()[number]
    healthy = tf.constant(2.0) * 3.0
    with tf.Session() as sess:
        with pytest.raises(error, match=words) as caught:
            sess.run(fetch, feed)
        text = str(caught.value)
        assert names in text
        if isinstance(caught.value, E.OpError):
            assert "test_bad_input.py" in text and "what to do" in text
            assert caught.value.op is not None
            assert caught.value.error_code == type(caught.value).code_of_class
        assert sess.run(healthy) == 6.0  # the session is unharmed


def test_nan_labels_give_nan_and_no_crash():
    logits = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    loss = tf.nn.softmax_cross_entropy_with_logits_v2(
        labels=[[np.nan, 0.0], [0.0, 1.0]], logits=logits
    )
    with tf.Session() as sess:
        values = sess.run(loss)
        assert np.isnan(values[0]) and np.isfinite(values[1])
        with pytest.raises(E.InvalidArgumentError, match="NaN"):
            sess.run(tf.check_numerics(loss, "loss"))


def test_a_failed_update_changes_nothing():
    v = tf.Variable([1.0, 2.0])
    delta = tf.placeholder(tf.float32)
    update = tf.assign_add(v, delta)
    with tf.Session() as sess:
        sess.run(v.initializer)
        with pytest.raises(E.InvalidArgumentError):
            sess.run(update, {delta: [1.0, 2.0, 3.0]})
        np.testing.assert_array_equal(sess.run(v), [1.0, 2.0])
        np.testing.assert_array_equal(sess.run(update, {delta: [1.0, 1.0]}), [2.0, 3.0])
