"""Programs for shapes that come again: what is known then, and that nothing else changes."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import minitf as tf
from minitf.runtime.specialize import specialized_block


def types(fetches: list[Any], feeds: list[Any], shapes: list[tuple[int, ...]]) -> list[str]:
    block, _ = specialized_block(fetches, feeds, shapes)
    return [node.op_def.name for node in block.nodes]


@pytest.fixture
def x() -> Any:
    return tf.placeholder(tf.float32, [None, 3], name="x")


def test_what_finds_out_sizes_is_computed_ahead(x: Any) -> None:
    rows = tf.cast(tf.shape(x)[0], tf.float32)
    y = tf.reshape(tf.exp(x) * rows, tf.stack([tf.shape(x)[0], -1]))
    assert types([y], [x], [(4, 3)]) == ["Exp", "Mul"]
    assert types([tf.reduce_sum(x, [])], [x], [(4, 3)]) == []
    assert types([tf.gradients(tf.square(x), x)[0]], [x], [(4, 3)]) == ["Mul", "Mul"]


def test_a_tensor_fed_in_mid_graph_has_the_shape_that_is_fed(x: Any) -> None:
    y = tf.identity(x * 2.0, name="y")
    sizes = tf.shape(y)
    assert types([sizes], [y], [(7, 3)]) == []
    block, _ = specialized_block([sizes], [y], [(7, 3)])
    fetched: Any = block.fetches[0]
    assert fetched.constant.tolist() == [7, 3]


def test_each_shape_has_a_program_and_all_give_the_same(x: Any) -> None:
    y = tf.nn.relu(x) / tf.cast(tf.size(x), tf.float32)
    with tf.Session() as sess:
        for rows in (2, 3, 2, 2, 3, 0, 0, 5, 3, 2):
            value = np.arange(rows * 3, dtype=np.float32).reshape(rows, 3) - 2
            with np.errstate(all="ignore"):
                expected = np.maximum(value, 0) / np.float32(value.size)
            np.testing.assert_array_equal(sess.run(y, {x: value}), expected)


def test_many_shapes_do_not_fill_the_memory(x: Any) -> None:
    y = x + 1.0
    with tf.Session() as sess:
        for rows in [*range(100), *range(100)]:
            assert sess.run(y, {x: np.zeros((rows, 3))}).shape == (rows, 3)
        (program, _) = next(iter(sess._programs.values()))
        assert len(program._for_shapes) <= 32
        for rows in range(3000):
            sess.run(y, {x: np.zeros((rows % 1500, 3))})
        assert len(program._runs) <= 1001


def test_shapes_that_do_not_fit_are_told_by_the_run(x: Any) -> None:
    other = tf.placeholder(tf.float32, [None, 3], name="other")
    y = tf.add(x, other, name="the_sum")
    feed = {x: np.zeros((2, 3)), other: np.zeros((4, 3))}
    with tf.Session() as sess:
        for _ in range(3):
            with pytest.raises(tf.errors.InvalidArgumentError) as error:
                sess.run(y, feed)
            assert error.value.op is y.op
        assert "the_sum" in str(error.value)


def test_errors_of_a_program_for_shapes_name_the_users_operation(x: Any) -> None:
    y = tf.gather(tf.reshape(x, [-1]), tf.placeholder(tf.int32, [], name="i"), name="picked")
    i = y.op.inputs[1]
    value = np.zeros((2, 3), np.float32)
    with tf.Session() as sess:
        for _ in range(3):
            assert sess.run(y, {x: value, i: 5}) == 0.0
        with pytest.raises(tf.errors.InvalidArgumentError) as error:
            sess.run(y, {x: value, i: 6})
    assert error.value.op is y.op
    assert "test_specialize.py" in str(error.value)


def test_random_generators_go_on_where_they_were(x: Any) -> None:
    noise = tf.random_uniform(tf.shape(x), seed=3)
    shape = np.zeros((5, 3), np.float32)
    with tf.Session() as one, tf.Session(config=_plain()) as other:
        for _ in range(4):
            np.testing.assert_array_equal(one.run(noise, {x: shape}), other.run(noise, {x: shape}))


def test_explain_shows_the_program_for_what_is_fed(x: Any) -> None:
    y = tf.reshape(tf.square(x), [-1])
    with tf.Session() as sess:
        assert "float32(?,)" in sess.explain(y, [x])
        assert "float32(6,)" in sess.explain(y, {x: np.zeros((2, 3))})


def test_a_changed_variable_shape_is_not_taken_for_the_declared_one() -> None:
    v = tf.Variable([1.0, 2.0], validate_shape=False)
    longer = tf.placeholder(tf.float32, [None])
    change = tf.assign(v, longer, validate_shape=False)
    y = tf.shape(v.value() * 2.0)
    with tf.Session() as sess:
        sess.run(v.initializer)
        for size in (2, 2, 2, 5, 5, 5):
            sess.run(change, {longer: np.zeros(size)})
            assert sess.run(y).tolist() == [size]


def test_a_variable_that_outgrows_its_declaration_does_so_for_all_programs() -> None:
    """Also for those that have planned memory for what was declared."""
    v = tf.Variable(tf.ones([100, 100]))
    value = tf.placeholder(tf.float32, [None, None])
    change = tf.assign(v, value, validate_shape=False)
    square, total = tf.nn.relu(tf.matmul(v, v)) + 1.0, tf.reduce_sum(tf.nn.relu(v))
    with tf.Session() as sess:
        sess.run(v.initializer)
        for size in (100, 100, 100, 150, 150, 30, 30, 100, 100):
            sess.run(change.op, {value: np.ones([size, size])})
            for _ in range(2):
                np.testing.assert_array_equal(sess.run(square), np.full([size, size], size + 1.0))
                assert sess.run(total) == size**2


def test_a_variable_may_outgrow_its_declaration_during_a_run() -> None:
    v = tf.Variable(tf.ones([100, 100]))
    value = tf.py_func(lambda: np.ones(shape, np.float32), [], tf.float32)
    changed = tf.assign(v, value, validate_shape=False)
    with tf.control_dependencies([changed]):
        read = v.read_value()
    results = [tf.nn.relu(tf.matmul(read, read, transpose_b=True)) + 1.0, changed * 3.0]
    with tf.Session() as sess:
        sess.run(v.initializer)
        for shape in ((100, 100), (100, 100), (100, 100), (3, 200), (3, 200), (100, 100)):
            one, other = sess.run(results)
            np.testing.assert_array_equal(one, np.full(shape[:1] * 2, shape[1] + 1.0))
            np.testing.assert_array_equal(other, np.full(shape, 3.0))


def test_threads_share_a_program_but_no_memory() -> None:
    x = tf.placeholder(tf.float32, [None, 256], name="x")
    y = tf.reduce_sum(tf.matmul(tf.nn.relu(tf.matmul(x, tf.eye(256))), tf.eye(256)), 1)
    wrong: list[int] = []

    def work(number: int) -> None:
        value = np.full((64, 256), number, np.float32)
        for _ in range(30):
            if not (sess.run(y, {x: value}) == 256.0 * number).all():
                wrong.append(number)

    with tf.Session() as sess:
        threads = [threading.Thread(target=work, args=(i,)) for i in range(1, 6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong


def _plain() -> Any:
    options = tf.OptimizerOptions(opt_level=tf.OptimizerOptions.L0)
    return tf.ConfigProto(graph_options=tf.GraphOptions(optimizer_options=options))
