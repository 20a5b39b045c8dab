"""The global step: made once, found by collection or name, counted by optimizers."""

from __future__ import annotations

import pytest

import minitf as tf


def test_it_is_made_once() -> None:
    assert tf.train.get_global_step() is None
    step = tf.train.get_or_create_global_step()
    assert step.dtype.base_dtype is tf.int64 and step.shape.as_list() == []
    assert tf.train.get_or_create_global_step() is step is tf.train.get_global_step()
    assert not step.trainable and step in tf.global_variables()
    assert tf.get_collection(tf.GraphKeys.GLOBAL_STEP) == [step]
    with pytest.raises(ValueError, match='"global_step" already exists') as error:
        tf.train.create_global_step()
    assert "test_training_util.py" in str(error.value)


def test_graphs_have_their_own() -> None:
    other = tf.Graph()
    step = tf.train.create_global_step(other)
    assert step.graph is other and tf.train.get_global_step() is None
    assert tf.train.get_global_step(other) is step
    assert tf.train.get_or_create_global_step(other) is step


def test_it_is_found_by_name() -> None:
    tf.Variable(0, name="global_step", trainable=False)
    assert tf.train.get_global_step().name == "global_step:0"


def test_of_several_none_is_it() -> None:
    for _ in range(2):
        tf.add_to_collection(tf.GraphKeys.GLOBAL_STEP, tf.Variable(0))
    assert tf.train.get_global_step() is None


def test_name_scopes_do_not_matter_but_variable_scopes_do() -> None:
    with tf.name_scope("a"), tf.variable_scope("b"):
        assert tf.train.create_global_step().name == "b/global_step:0"


def test_what_cannot_count() -> None:
    for bad, message in (
        (tf.Variable(0.0), "does not have integer type"),
        (tf.Variable([1, 2]), "is not scalar"),
        (3, "must be a Variable or Tensor: 3"),
    ):
        with pytest.raises(TypeError, match=message):
            tf.train.assert_global_step(bad)
    tf.train.assert_global_step(tf.placeholder(tf.int32))
    tf.Variable(0.5, name="global_step")
    with pytest.raises(TypeError, match="does not have integer type"):
        tf.train.get_global_step()


def test_its_value() -> None:
    step = tf.train.create_global_step()
    train = tf.train.GradientDescentOptimizer(0.1).minimize(tf.Variable(1.0), global_step=step)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(3):
            sess.run(train)
        value = tf.train.global_step(sess, step)
    assert value == 3 and type(value) is int
