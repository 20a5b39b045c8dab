"""Variables in parts: where they are cut, what they begin with, and how they are saved."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minitf as tf

WHOLE = np.arange(10, dtype=np.float32).reshape(5, 2)


def in_parts(name: str = "v", parts: int = 2, value: Any = WHOLE, **options: Any) -> Any:
    return tf.get_variable(
        name,
        value.shape,
        initializer=tf.constant_initializer(value)
        if np.ndim(value) == 0
        else lambda shape, dtype, partition_info: tf.constant(
            value[tuple(slice(o, o + n) for o, n in zip(partition_info.var_offset, shape))]
        ),
        partitioner=tf.fixed_size_partitioner(parts),
        **options,
    )


def test_the_parts_make_the_whole() -> None:
    v = in_parts(parts=3)
    assert [part.shape.as_list() for part in v] == [[2, 2], [2, 2], [1, 2]]
    assert tf.trainable_variables() == list(v)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        np.testing.assert_array_equal(sess.run(v.as_tensor()), WHOLE)
        np.testing.assert_array_equal(sess.run(tf.identity(v)), WHOLE)
        np.testing.assert_array_equal(sess.run(tf.matmul(v, tf.transpose(v))), WHOLE @ WHOLE.T)


def test_a_value_is_cut_along_any_axis() -> None:
    cut = tf.get_variable(
        "cut", initializer=WHOLE, partitioner=tf.fixed_size_partitioner(2, axis=1)
    )
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        left, right = sess.run(list(cut))
        np.testing.assert_array_equal(np.concatenate([left, right], 1), WHOLE)
        np.testing.assert_array_equal(sess.run(cut.as_tensor()), WHOLE)


@pytest.mark.parametrize("strategy", ["mod", "div"])
def test_rows_are_looked_up_in_the_parts(strategy: str) -> None:
    v = in_parts(parts=2)
    ids = tf.constant([[4, 0], [1, 1]])
    rows = tf.nn.embedding_lookup(v, ids, partition_strategy=strategy)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        first, second = sess.run(list(v))
        found = sess.run(rows)
    if strategy == "div":
        expected = WHOLE[[[4, 0], [1, 1]]]
    else:  # even rows are in the first part, odd ones in the second
        expected = np.stack([[first[2], first[0]], [second[0], second[0]]])
    np.testing.assert_array_equal(found, expected)


def test_an_optimizer_touches_the_rows_that_were_looked_up() -> None:
    v = in_parts(parts=2)
    loss = tf.reduce_sum(tf.nn.embedding_lookup(v, [0, 4, 4], partition_strategy="div"))
    train = tf.train.AdagradOptimizer(1.0, initial_accumulator_value=1.0).minimize(loss)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        sess.run(train)
        change = sess.run(v.as_tensor()) - WHOLE
    assert (change[[1, 2, 3]] == 0).all()
    np.testing.assert_allclose(change[0], -1 / np.sqrt(2), rtol=1e-6)
    np.testing.assert_allclose(change[4], -2 / np.sqrt(5), rtol=1e-6)


def test_it_is_assigned_as_a_whole_or_by_parts() -> None:
    v = in_parts(parts=2)
    other = in_parts("other", parts=2)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        sess.run(v.assign(WHOLE * 2))
        sess.run(v.assign_add(other))
        sess.run(v.assign_sub([np.ones((3, 2), np.float32), np.ones((2, 2), np.float32)]))
        np.testing.assert_array_equal(sess.run(v.as_tensor()), WHOLE * 3 - 1)
    with pytest.raises(ValueError, match="of 2 parts a value of 1"):
        v.assign([WHOLE])


def test_it_is_shared_by_name() -> None:
    v = in_parts("v")
    with tf.variable_scope("", reuse=True):
        assert tf.get_variable("v", [5, 2]) is v
        assert in_parts("v") is v
        with pytest.raises(ValueError, match=r"specified shape \(4, 2\) and found shape"):
            tf.get_variable("v", [4, 2])
    with tf.variable_scope("", reuse=tf.AUTO_REUSE):
        assert in_parts("v") is v
        assert in_parts("w") is not v
    with pytest.raises(ValueError, match="Partitioned variable v already exists"):
        in_parts("v")
    with tf.variable_scope("scope", partitioner=tf.fixed_size_partitioner(2)):
        assert len(tf.get_variable("x", [4])) == 2
        assert isinstance(tf.get_variable("scalar", []), tf.Variable)


@pytest.mark.parametrize(("before", "after"), [(3, 2), (2, None), (None, 4)])
def test_a_checkpoint_does_not_depend_on_the_parts(tmp_path, before: Any, after: Any) -> None:
    def model(parts: int | None) -> Any:
        if parts is None:
            return tf.get_variable("v", initializer=WHOLE)
        return in_parts("v", parts)

    def training(v: Any) -> Any:
        loss = tf.reduce_sum(tf.square(tf.convert_to_tensor(v)))
        return tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss)

    path = str(tmp_path / "model")
    with tf.Graph().as_default(), tf.Session() as sess:
        v = model(before)
        train = training(v)
        sess.run(tf.global_variables_initializer())
        sess.run(train)
        saved = sess.run(tf.convert_to_tensor(v))
        tf.train.Saver().save(sess, path)
        sess.run(train)
        expected = sess.run(tf.convert_to_tensor(v))
    assert dict(tf.train.list_variables(path)) == {"v": [5, 2], "v/Momentum": [5, 2]}
    with tf.Graph().as_default(), tf.Session() as sess:
        v = model(after)
        train = training(v)
        tf.train.Saver().restore(sess, path)
        np.testing.assert_array_equal(sess.run(tf.convert_to_tensor(v)), saved)
        sess.run(train)
        np.testing.assert_array_equal(sess.run(tf.convert_to_tensor(v)), expected)


def test_parts_go_with_a_meta_graph(tmp_path) -> None:
    path = str(tmp_path / "model")
    with tf.Session() as sess:
        in_parts("v", 2)
        sess.run(tf.global_variables_initializer())
        tf.train.Saver().save(sess, path)
    with tf.Graph().as_default(), tf.Session() as sess:
        saver = tf.train.import_meta_graph(f"{path}.meta")
        saver.restore(sess, path)
        first, second = tf.global_variables()
        assert first._save_slice_info.spec == "5 2 0,3:0,2"
        np.testing.assert_array_equal(sess.run(second), WHOLE[3:])


def test_where_it_cannot_be_cut() -> None:
    def cut(partitioner: Any, shape: Any = (4, 2)) -> Any:
        return tf.get_variable("bad", shape, partitioner=partitioner)

    for partitioner, message in (
        (3, "must be callable"),
        (lambda shape, dtype: [2, 2], "only slice a variable along one dimension"),
        (lambda shape, dtype: [2], "does not match the Variable's rank"),
        (lambda shape, dtype: [0, 1], "zero partitions for some axes"),
        (lambda shape, dtype: 2, "must return a sequence"),
    ):
        with pytest.raises(ValueError, match=message):
            cut(partitioner)
    with pytest.raises(ValueError, match="must be fully defined"):
        cut(tf.fixed_size_partitioner(2), [None, 2])
    with pytest.raises(ValueError, match="must be positive"):
        tf.min_max_variable_partitioner(max_partitions=0)
    tf.get_variable("whole", [4])
    with pytest.raises(ValueError, match="unpartitioned version of the variable was found"):
        tf.get_variable("whole", [4], partitioner=tf.fixed_size_partitioner(2))
    in_parts("parts")
    with pytest.raises(ValueError, match="a partitioned version of the variable was found"):
        tf.get_variable("parts", [5, 2])
