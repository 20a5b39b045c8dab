"""Array ops: what the properties do not say."""

import numpy as np
import pytest

import minitf as tf
from minitf.framework.tensor import IndexedSlices
from minitf.ops import array_ops
from tests.parity.builders.arrays import RUN_ERRORS


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("reshape", "a tensor with 3 values, but the requested shape requires a multiple of 2"),
        ("concat", "ConcatOp : Dimension 1 in both shapes must be equal"),
        ("index", "slice index 2 of dimension 0 out of bounds."),
        ("slice", "Expected size[0] in [0, 1], but got 2"),
        ("gather", "indices[0,1] = 2 is not in [0, 2)"),
        ("gather_nd", "indices[1] = [2] does not index into param shape [2]"),
        ("stack", "values[0].shape = [1] != values[1].shape = [2]"),
        ("one_hot", "depth must be non-negative, got: -1"),
    ],
)
def test_an_error_says_what_is_wrong_and_where(name, text):
    with pytest.raises(tf.errors.InvalidArgumentError) as info:
        run(RUN_ERRORS[name](tf))
    what, *rest = str(info.value).split("\n")
    assert text in what
    assert any("builders/arrays.py" in line for line in rest)


def run(fetches, feed_dict=None):
    with tf.Session() as sess:
        return sess.run(fetches, feed_dict)


# ---- placeholders and identities


def test_placeholder():
    """A placeholder that is not fed is an error that names it and the user's line."""
    x = tf.placeholder("float", [None, 2], name="x")
    assert x.dtype == tf.float32
    np.testing.assert_array_equal(run(x, {x: [[1, 2]]}), [[1, 2]])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"You must feed a value.*'x'") as info:
        run(x + 1)
    assert "test_array_ops.py" in str(info.value)


def test_prevent_gradient():
    """The value passes; a gradient through it is an error that says why."""
    x = tf.constant(2.0)
    y = array_ops.prevent_gradient(x * x, message="not smooth here")
    assert run(y) == 4.0
    with pytest.raises(LookupError, match="not smooth here"):
        tf.gradients(y, x)


def test_stop_gradient():
    x = tf.constant(3.0)
    assert tf.gradients(tf.stop_gradient(x * x), x) == [None]
    (grad,) = tf.gradients(tf.stop_gradient(x) * x, x)
    assert run(grad) == 3.0


def test_identity_of_a_variable_is_its_value_at_that_time():
    v = tf.Variable(1.0)
    with tf.control_dependencies([v.assign(5.0)]):
        after = tf.identity(v)
    with tf.Session() as sess:
        sess.run(v.initializer)
        assert sess.run(after) == 5.0


# ---- what is known before anything runs


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (lambda x: tf.shape(x)[1], 3),
        (lambda x: tf.shape(x)[1:], [3, 4]),
        (lambda x: tf.rank(x), 3),
        (lambda x: tf.stack([2, tf.shape(x)[2]]), [2, 4]),
        (lambda x: tf.size(tf.zeros([2, 3])), 6),
        (lambda x: tf.shape(x)[0], None),
        (lambda x: tf.shape(x), None),
    ],
)
def test_static_value(build, expected):
    value = tf.get_static_value(build(tf.placeholder(tf.float32, [None, 3, 4])))
    assert value is None if expected is None else value.tolist() == expected


def test_a_fed_default_does_not_count_as_constant():
    size = tf.placeholder_with_default([2, 3], [2])
    assert tf.zeros(size).shape.as_list() == [None, None]
    assert run(tf.zeros(size), {size: [1, 1]}).shape == (1, 1)


# ---- indexing


@pytest.mark.parametrize(
    "index",
    [
        np.s_[1],
        np.s_[-1, 2],
        np.s_[::-1, ::2],
        np.s_[..., 0],
        np.s_[1:, None, ..., ::-2],
        np.s_[3:1],
        np.s_[-100:100, 1:-1],
        np.s_[()],
        np.s_[None],
    ],
)
def test_getitem_is_numpys(index):
    array = np.arange(24).reshape(2, 3, 4)
    np.testing.assert_array_equal(run(tf.constant(array)[index]), array[index])


def test_getitem_with_tensors():
    array = np.arange(12).reshape(3, 4)
    x, i = tf.constant(array), tf.placeholder(tf.int32, [])
    for value in (0, 2, -1):
        np.testing.assert_array_equal(run(x[i], {i: value}), array[value])
        np.testing.assert_array_equal(run(x[i:, 1], {i: value}), array[value:, 1])
        np.testing.assert_array_equal(
            run(x[:, : tf.cast(i, tf.int64)], {i: value}), array[:, :value]
        )


def test_getitem_with_a_mask():
    array = np.arange(6).reshape(2, 3)
    np.testing.assert_array_equal(run(tf.constant(array)[array > 2]), array[array > 2])


def test_getitem_of_a_variable_and_of_text():
    v = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
    with tf.Session() as sess:
        sess.run(v.initializer)
        assert sess.run(v[1, 0]) == 3.0
    assert run(tf.constant(["a", "b"])[1]) == b"b"


# ---- values that the properties do not reach


def test_gather_from_a_table_has_a_sparse_gradient():
    """Only the rows that were looked up are in the gradient, as often as they were."""
    table = tf.constant(np.ones((5, 2)))
    (grad,) = tf.gradients(tf.gather(table, [[0, 3], [3, 1]]), table)
    assert isinstance(grad, IndexedSlices)
    values, indices, shape = run([grad.values, grad.indices, grad.dense_shape])
    assert indices.tolist() == [0, 3, 3, 1] and shape.tolist() == [5, 2]
    np.testing.assert_array_equal(values, np.ones((4, 2)))
    np.testing.assert_array_equal(run(tf.convert_to_tensor(grad))[:, 0], [1, 1, 0, 2, 0])


def test_gradient_of_gather_where_no_rank_is_known():
    array = np.arange(24.0).reshape(2, 3, 4)
    x, i = tf.placeholder(tf.float64), tf.placeholder(tf.int32)
    (grad,) = tf.gradients(tf.gather(x, i, axis=-1) * 2.0, x)
    counts = run(tf.convert_to_tensor(grad), {x: array, i: [[0, 0], [3, 1]]})
    np.testing.assert_array_equal(counts, np.broadcast_to([4.0, 2.0, 0.0, 2.0], (2, 3, 4)))


def test_gradients_where_no_rank_is_known():
    """What the gradients of these ops do at run time does not hang on static shapes."""
    array = np.arange(6.0).reshape(2, 3)
    x = tf.placeholder(tf.float64)
    for build, expected in (
        (lambda: tf.concat([x, x * 2.0], 1), np.full((2, 3), 3.0)),
        (lambda: tf.tile(x, [2, 2]), np.full((2, 3), 4.0)),
        (lambda: tf.pad(x, [[1, 1], [0, 2]]), np.ones((2, 3))),
        (lambda: tf.transpose(x), np.ones((2, 3))),
        (lambda: tf.reshape(x, [-1]), np.ones((2, 3))),
        (lambda: tf.slice(x, [1, 0], [1, 2]), [[0, 0, 0], [1, 1, 0]]),
        (lambda: x[1, ::2], [[0, 0, 0], [1, 0, 1]]),
        (lambda: tf.split(x, 3, 1)[1], [[0, 1, 0], [0, 1, 0]]),
        (lambda: tf.unstack(x, num=2)[0], [[1, 1, 1], [0, 0, 0]]),
        (lambda: tf.broadcast_to(x, [4, 2, 3]), np.full((2, 3), 4.0)),
        (lambda: tf.where_v2(x > 2.0, x, 0.0), [[0, 0, 0], [1, 1, 1]]),
        (lambda: tf.expand_dims(x, 0), np.ones((2, 3))),
    ):
        (grad,) = tf.gradients(build(), x)
        np.testing.assert_array_equal(run(grad, {x: array}), expected)


def test_empty_results():
    assert tf.unstack(tf.zeros([0, 3])) == []
    assert run(tf.zeros([0, 2000])).shape == (0, 2000)
    # Beside a dim of size 0, -1 stands for what is left of the other dims.
    empty = tf.placeholder(tf.float32, [None, 2, 3])
    assert run(tf.reshape(empty, [0, -1]), {empty: np.zeros((0, 2, 3))}).shape == (0, 6)


@pytest.mark.parametrize("dtype", [tf.float32, tf.int32])
def test_a_long_vector_is_no_shape(dtype):
    """Shapes have few dims; vectors of which a part is taken may have any number of elements."""
    v = tf.placeholder(dtype, [300])
    x = tf.placeholder(dtype, [None])
    values, few = np.arange(300), np.arange(4)
    both = np.concatenate([few, values])
    for node, expected in (
        (v[3], 3),
        ((v * 2)[3:5], [6, 8]),
        (tf.concat([v, v], 0)[301], 1),
        (tf.concat([x, v], 0)[5], both[5]),
        (tf.concat([v, x], 0)[2:4], [2, 3]),
        (tf.fill([2], v[7]), [7, 7]),
    ):
        np.testing.assert_array_equal(run(node, {v: values, x: few}), expected)


def test_fed_arrays_and_variables_are_not_changed():
    """Ops that may alias their input hand out something that a session copies."""
    array = np.ones((2, 2), np.float32)
    x = tf.placeholder(tf.float32, [2, 2])
    result = run(tf.reshape(tf.squeeze(tf.expand_dims(tf.identity(x), 0)), [4]), {x: array})
    result[:] = 7.0
    np.testing.assert_array_equal(array, np.ones((2, 2)))


def test_zeros_takes_half_of_a_python_2_number():
    assert tf.zeros([3 / 2, 2.0]).shape.as_list() == [1, 2]
