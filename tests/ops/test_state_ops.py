"""Ops that hold and change values: references, updates in place, scatters, counting."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minitf as tf
from minitf.ops import state_ops


@pytest.fixture
def sess():
    with tf.Session() as session:
        yield session


def made(sess, value, **options):
    """A variable that has its initial value."""
    variable = tf.Variable(value, **options)
    sess.run(variable.initializer)
    return variable


# ---- VariableV2, Assign


def test_a_variable_keeps_its_value_between_runs(sess):
    v = made(sess, [1.0, 2.0])
    sess.run(v.assign_add([1.0, 1.0]))
    np.testing.assert_array_equal(sess.run(v), np.array([2, 3], np.float32))
    assert sess.run(v).dtype == np.float32


def test_each_session_has_values_of_its_own():
    v = tf.Variable(1.0)
    with tf.Session() as first, tf.Session() as second:
        first.run(v.initializer)
        second.run(v.initializer)
        first.run(v.assign(5.0))
        assert (first.run(v), second.run(v)) == (5.0, 1.0)


def test_nodes_with_one_shared_name_are_one_variable(sess):
    one = state_ops.variable_op_v2([], tf.float32, name="one", shared_name="both")
    two = state_ops.variable_op_v2([], tf.float32, name="two", shared_name="both")
    sess.run(tf.assign(one, 3.0))
    assert sess.run(two) == 3.0


def test_the_old_op_type_runs(sess):
    v = state_ops.VARIABLE(shape=[2], dtype=tf.int32, name="old")
    assert v.shape.as_list() == [2]
    assert state_ops.VARIABLE(shape=[], dtype=tf.int32).shape.ndims is None
    sess.run(tf.assign(v, [1, 2]))
    assert sess.run(v).tolist() == [1, 2]


def test_assign(sess):
    v = made(sess, [1.0, 2.0])
    assert sess.run(tf.assign(v, [5.0, 6.0])).tolist() == [5.0, 6.0]
    assert sess.run(v).tolist() == [5.0, 6.0]


@pytest.mark.parametrize(
    ("initial", "new"),
    [(True, False), ("a", "b"), (np.int8(3), np.int8(4)), (1j, 2j), (np.zeros([0, 3]),) * 2],
)
def test_assign_of_any_dtype(sess, initial, new):
    v = made(sess, initial)
    given = sess.run(v.assign(new))
    assert given.tolist() == np.asarray(new).tolist() if not isinstance(new, str) else given == b"b"


def test_a_given_value_is_copied(sess):
    array = np.array([1.0, 2.0], np.float32)
    p = tf.placeholder(tf.float32, [2])
    v = made(sess, [0.0, 0.0])
    sess.run(v.assign(p), {p: array})
    array[:] = 9.0
    assert sess.run(v).tolist() == [1.0, 2.0]
    fetched = sess.run(v)
    fetched[:] = 7.0
    assert sess.run(v).tolist() == [1.0, 2.0]


def test_a_variable_may_be_assigned_from_itself(sess):
    v = made(sess, [1.0, 2.0, 3.0])
    assert sess.run(v.assign(tf.reverse(v, [0]))).tolist() == [3.0, 2.0, 1.0]
    assert sess.run(v.assign_add(v)).tolist() == [6.0, 4.0, 2.0]


def test_reads_alias_and_fetches_are_copied_at_the_end(sess):
    v = made(sess, [1.0, 2.0])
    update = v.assign_add([1.0, 1.0])
    read, updated, reference = sess.run([v, update, v.value()])
    assert read.tolist() == updated.tolist() == reference.tolist() == [2.0, 3.0]


def test_what_is_built_before_an_update_sees_the_old_value(sess):
    v = made(sess, [1.0, 2.0])
    doubled = v * 2.0
    update = v.assign_add([1.0, 1.0])
    assert sess.run([doubled, update])[0].tolist() == [2.0, 4.0]


def test_assign_checks_shapes_when_built(sess):
    v = tf.Variable([1.0, 2.0])
    with pytest.raises(ValueError, match=r"test_state_ops\.py"):
        v.assign([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="not compatible"):
        v.assign_add(1.0)


def test_assign_checks_shapes_when_run(sess):
    p = tf.placeholder(tf.float32)
    v = made(sess, [1.0, 2.0])
    with pytest.raises(tf.errors.InvalidArgumentError, match="validate_shape=False"):
        sess.run(tf.assign(v, p), {p: [1.0, 2.0, 3.0]})
    with pytest.raises(tf.errors.InvalidArgumentError, match="shape"):
        sess.run(tf.assign_add(v, p), {p: 1.0})
    fresh = tf.Variable([1.0, 2.0])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"has shape \(2,\)"):
        sess.run(tf.assign(fresh, p), {p: 1.0})
    assert sess.run(v).tolist() == [1.0, 2.0]


def test_assign_without_validate_shape_changes_the_shape(sess):
    p = tf.placeholder(tf.float32)
    v = made(sess, [1.0, 2.0])
    change = tf.assign(v, p, validate_shape=False)
    assert change.shape.ndims is None
    sess.run(change, {p: [[7.0]]})
    np.testing.assert_array_equal(sess.run(v), [[7.0]])
    with pytest.raises(tf.errors.InvalidArgumentError):
        sess.run(tf.assign(v, p), {p: [1.0, 2.0]})


def test_assign_wants_a_variable_of_its_dtype():
    with pytest.raises(TypeError, match="l-value"):
        tf.assign(tf.constant(1.0), 2.0)
    with pytest.raises(TypeError, match="float32"):
        tf.Variable(1.0).assign(tf.constant(1))
    with pytest.raises(TypeError, match="not in list of allowed"):
        tf.Variable(True).assign_add(True)


def test_updates_work_in_place(sess):
    v = made(sess, np.zeros(3, np.float32))
    held = sess._resources.lookup("variable", "", "Variable").value
    sess.run([v.assign_add([1.0, 2.0, 3.0]), v.assign([4.0, 5.0, 6.0])])
    assert sess._resources.lookup("variable", "", "Variable").value is held
    assert held.tolist() == [4.0, 5.0, 6.0]


@given(st.lists(st.integers(-100, 100), min_size=1, max_size=5), st.sampled_from(["f4", "i8"]))
def test_assign_add_and_sub(values, dtype):
    values = np.array(values, dtype)
    with tf.Graph().as_default(), tf.Session() as sess:
        v = made(sess, values)
        assert sess.run(tf.assign_add(v, values)).tolist() == (2 * values).tolist()
        assert sess.run(tf.assign_sub(v, 3 * values)).tolist() == (-values).tolist()


def test_locked_updates_lose_nothing():
    v = tf.Variable(np.zeros(20_000, np.int64))
    update = v.assign_add(np.ones(20_000, np.int64), use_locking=True)
    with tf.Session() as sess:
        sess.run(v.initializer)

        def work():
            for _ in range(50):
                sess.run(update.op)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(sess.run(v).tolist()) == {200}


def test_is_variable_initialized(sess):
    v, w = tf.Variable(1.0), tf.Variable(2.0)
    both = [tf.is_variable_initialized(v), tf.is_variable_initialized(w)]
    assert sess.run(both) == [False, False]
    sess.run(v.initializer)
    assert sess.run(both) == [True, False]


def test_count_up_to(sess):
    v = made(sess, 0)
    count = tf.count_up_to(v, 3)
    assert [int(sess.run(count)) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(tf.errors.OutOfRangeError, match="Reached limit of 3"):
        sess.run(count)
    assert sess.run(v) == 3
    with pytest.raises(TypeError):
        tf.count_up_to(tf.Variable(1.0), 3)


def test_updates_have_no_gradient(sess):
    v = made(sess, [1.0, 2.0])
    p = tf.placeholder(tf.float32, [2])
    assert tf.gradients(tf.assign_add(v, p), [p]) == [None]
    assert tf.gradients(v.assign(p), [v]) == [None]
    assert tf.gradients(tf.scatter_add(v, [0, 1], p), [p]) == [None]


# ---- scatters

UPDATES = {
    "update": lambda old, new: new,
    "add": lambda old, new: old + new,
    "sub": lambda old, new: old - new,
    "mul": lambda old, new: old * new,
    "div": lambda old, new: old / new if old.dtype.kind == "f" else int(old / new),
    "min": min,
    "max": max,
}


@st.composite
def scattered(draw):
    rows, columns = draw(st.integers(1, 4)), draw(st.integers(0, 3))
    indices = np.array(draw(st.lists(st.integers(0, rows - 1), max_size=5)), np.int32)
    if draw(st.booleans()):
        indices = indices.astype(np.int64).reshape(-1, 1)
    dtype = draw(st.sampled_from([np.float32, np.float64, np.int32]))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    held = rng.integers(-9, 9, (rows, columns)).astype(dtype)
    shape = () if draw(st.booleans()) else (*indices.shape, columns)
    updates = rng.integers(1, 9, shape).astype(dtype) * rng.choice([-1, 1], shape).astype(dtype)
    return held, indices, updates


@pytest.mark.parametrize("name", sorted(UPDATES))
def test_scatter(name):
    @given(scattered())
    def check(sample):
        held, indices, updates = sample
        expected = held.copy()
        each = np.broadcast_to(updates, (*indices.shape, held.shape[1]))
        each = each.reshape(indices.size, held.shape[1])
        for row, update in zip(indices.ravel(), each, strict=True):
            for column, new in enumerate(update):
                expected[row, column] = UPDATES[name](expected[row, column], new)
        with tf.Graph().as_default(), tf.Session() as sess:
            v = made(sess, held)
            result = sess.run(getattr(tf, f"scatter_{name}")(v, indices, updates))
            np.testing.assert_array_equal(result, expected)
            np.testing.assert_array_equal(sess.run(v), expected)

    check()


def test_scatter_of_one_row_and_into_a_vector(sess):
    v = made(sess, [1.0, 2.0])
    assert sess.run(tf.scatter_add(v, 0, 8.0)).tolist() == [9.0, 2.0]
    assert sess.run(tf.scatter_update(v, [0, 1], 7.0)).tolist() == [7.0, 7.0]


def test_scatter_refuses_what_does_not_fit(sess):
    v = made(sess, [1.0, 2.0])
    indices, updates = tf.placeholder(tf.int32), tf.placeholder(tf.float32)
    update = tf.scatter_update(v, indices, updates)
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"indices\[1\] = 2 is not in \[0, 2\)"
    ):
        sess.run(update, {indices: [0, 2], updates: [1.0, 1.0]})
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"indices\[0\] = -1"):
        sess.run(update, {indices: [-1], updates: [1.0]})
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"updates\.shape"):
        sess.run(update, {indices: [0], updates: [1.0, 1.0]})
    assert sess.run(v).tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="not compatible"):
        tf.scatter_update(v, [0, 1], [1.0])
    scalar = made(sess, 0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="at least 1-D"):
        sess.run(tf.scatter_add(scalar, [0], [1]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="division by zero"):
        sess.run(tf.scatter_div(made(sess, [1, 2]), [0], [0]))
    with pytest.raises(tf.errors.FailedPreconditionError):
        sess.run(tf.scatter_add(tf.Variable([1.0]), [0], [1.0]))


@st.composite
def scattered_nd(draw):
    shape = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    depth = draw(st.integers(1, len(shape)))
    count = draw(st.integers(0, 4))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    indices = np.array(
        [[rng.integers(size) for size in shape[:depth]] for _ in range(count)], np.int32
    ).reshape(count, depth)
    held = rng.integers(-9, 9, shape).astype(np.float64)
    updates = rng.integers(-9, 9, (count, *shape[depth:])).astype(np.float64)
    return held, indices, updates


@pytest.mark.parametrize("name", ["update", "add", "sub"])
def test_scatter_nd(name):
    @given(scattered_nd())
    def check(sample):
        held, indices, updates = sample
        expected = held.copy()
        for place, update in zip(indices, updates, strict=True):
            place = tuple(place)
            expected[place] = UPDATES[name](expected[place], update)
        with tf.Graph().as_default(), tf.Session() as sess:
            v = made(sess, held)
            result = sess.run(getattr(tf, f"scatter_nd_{name}")(v, indices, updates))
            np.testing.assert_array_equal(result, expected)

    check()


def test_scatter_nd_refuses_what_does_not_fit(sess):
    v = made(sess, [[1.0, 2.0], [3.0, 4.0]])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[2, 0\] does not index into"):
        sess.run(tf.scatter_nd_add(v, [[2, 0]], [1.0]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="updates"):
        sess.run(tf.scatter_nd_add(v, [[0, 0, 0]], [1.0]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="no coordinates"):
        sess.run(tf.scatter_nd_update(v, np.zeros([1, 0], np.int32), np.ones([1, 2, 2], "f4")))
    with pytest.raises(ValueError, match="not compatible"):
        tf.scatter_nd_add(v, [[0, 0]], [1.0, 2.0])
