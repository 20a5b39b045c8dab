"""tf.py_func."""

import gc

import numpy as np
import pytest

import minitf as tf
from minitf.ops import script_ops


def test_values_go_through_python():
    x = tf.placeholder(tf.float32, [None])
    doubled, total = tf.py_func(lambda v: [v * 2, v.sum()], [x], [tf.float32, tf.float32])
    single = tf.py_func(lambda a, b: a + b, [x, tf.constant(1.0)], tf.float32)
    with tf.Session() as sess:
        values = sess.run([doubled, total, single], {x: [1.0, 2.0]})
    np.testing.assert_array_equal(values[0], [2, 4])
    assert values[1] == 3.0 and values[2].tolist() == [2.0, 3.0]
    assert doubled.shape.ndims is None and single.dtype is tf.float32


def test_strings_and_no_outputs():
    seen = []
    text = tf.py_func(lambda s: s + b"!", [tf.constant("a")], tf.string)
    nothing = tf.py_func(lambda s: seen.append(s), [tf.constant("a")], [])
    assert isinstance(nothing, tf.Operation)
    with tf.Session() as sess:
        assert sess.run(text) == b"a!"
        sess.run(nothing)
    assert seen == [b"a"]


@pytest.mark.parametrize("stateful", [True, False])
def test_a_shape_that_was_promised_and_is_not_kept_is_told_of_in_every_run(stateful):
    """Else nodes that were built on the promise would compute something else, without a word."""
    sizes = tf.placeholder(tf.int32)
    y = tf.py_func(lambda n: np.zeros(n, np.float32), [sizes], tf.float32, stateful)
    y.set_shape([None, 3])
    mean = tf.reduce_mean(y) + tf.cast(tf.shape(y)[1], tf.float32)
    with tf.Session() as sess:
        for _ in range(3):
            assert sess.run(mean, {sizes: [2, 3]}) == 3.0
            for wrong, text in (([2, 4], r"\(2, 4\)"), ([3], r"\(3,\)")):
                with pytest.raises(
                    tf.errors.InvalidArgumentError,
                    match=rf"an array of shape {text} .* set_shape has promised \(\?, 3\)",
                ) as raised:
                    sess.run(mean, {sizes: wrong})
                assert raised.value.op is y.op
    nothing = tf.py_func(lambda: None, [], [])
    pair = tf.py_func(lambda: (np.float32(1), np.zeros(2)), [], [tf.float32, tf.float64])
    pair[1].set_shape([2])
    with tf.Session() as sess:
        assert sess.run([nothing, *pair])[1] == 1.0


def test_stateless():
    y = tf.py_func(lambda v: v + 1, [tf.constant(1)], tf.int32, stateful=False)
    assert y.op.type == "PyFuncStateless"
    with tf.Session() as sess:
        assert sess.run(y) == 2


def test_python_numbers_take_the_promised_dtype():
    y = tf.py_func(lambda: (1, 2.5, True), [], [tf.int64, tf.float32, tf.bool])
    with tf.Session() as sess:
        values = sess.run(y)
    assert [v.dtype.name for v in values] == ["int64", "float32", "bool"]


def test_the_function_may_change_what_it_is_given():
    v = tf.Variable([1.0, 2.0])

    def spoil(array):
        array[:] = 0
        return array

    y = tf.py_func(spoil, [v], tf.float32)
    with tf.Session() as sess:
        sess.run(v.initializer)
        assert sess.run(y).tolist() == [0, 0] and sess.run(v).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("function", "error", "match"),
    [
        (lambda v: 1 / 0, tf.errors.UnknownError, "ZeroDivisionError: division by zero"),
        (lambda v: np.float64(1), tf.errors.InvalidArgumentError, "float64, but expects float32"),
        (
            lambda v: (v, v),
            tf.errors.InvalidArgumentError,
            "returns 2 values, but expects to see 1",
        ),
        (lambda v: None, tf.errors.InvalidArgumentError, "returns 0 values, but expects to see 1"),
    ],
)
def test_what_goes_wrong_inside(function, error, match):
    y = tf.py_func(function, [tf.constant(1.0)], tf.float32)
    with tf.Session() as sess, pytest.raises(error, match=match) as caught:
        sess.run(y)
    assert __file__ in str(caught.value)


def test_functions_live_as_long_as_their_graph():
    with tf.Graph().as_default() as graph:
        y = tf.py_func(lambda: np.float32(1), [], tf.float32)
        token = y.op.get_attr("token").decode()
        graph_def = graph.as_graph_def()
    gc.collect()
    assert token in script_ops._HOLDERS
    with tf.Session(graph=graph) as sess:
        assert sess.run(y) == 1.0
    del graph, y, sess
    gc.collect()
    assert token not in script_ops._HOLDERS
    (again,) = tf.import_graph_def(graph_def, return_elements=["PyFunc:0"])
    with tf.Session() as sess, pytest.raises(tf.errors.NotFoundError, match="not in this process"):
        sess.run(again)


def test_it_must_be_callable():
    with pytest.raises(ValueError, match="callable"):
        tf.py_func(3, [], tf.float32)
