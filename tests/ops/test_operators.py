"""Python's operators on tensors, variables, arrays and numbers."""

from __future__ import annotations

import operator

import numpy as np
import pytest

import minitf as tf

FLOATS = np.array([[1.5, -2.0, 3.0], [0.5, 4.0, -1.0]], np.float32)
OTHERS = np.array([[2.0, 0.5, -1.5], [1.0, -3.0, 2.5]], np.float32)
INTEGERS = np.array([7, -7, 5, 12], np.int32)
DIVISORS = np.array([2, 2, -3, -5], np.int32)

BINARY = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@pytest.fixture
def sess():
    with tf.Session() as session:
        yield session


@pytest.mark.parametrize("symbol", BINARY)
@pytest.mark.parametrize(("x", "y"), [(FLOATS, OTHERS), (INTEGERS, DIVISORS)])
def test_binary_operators(symbol, x, y, sess):
    """With tensors, arrays and numbers on either side, as numpy has it."""
    function = BINARY[symbol]
    number = y.ravel()[0].item()
    pairs = [
        (tf.constant(x), tf.constant(y), function(x, y)),
        (tf.constant(x), y, function(x, y)),
        (x, tf.constant(y), function(x, y)),
        (tf.constant(x), number, function(x, x.dtype.type(number))),
        (number, tf.constant(x), function(x.dtype.type(number), x)),
        (tf.constant(x), y.tolist(), function(x, y)),
    ]
    for left, right, expected in pairs:
        found = function(left, right)
        assert isinstance(found, tf.Tensor)
        np.testing.assert_allclose(sess.run(found), expected, rtol=1e-6)


@pytest.mark.parametrize("symbol", ["+", "-", "*", "/", "//", "%"])
def test_gradients_flow_through_operators(symbol, sess):
    x, y = tf.constant(FLOATS.astype(float)), tf.constant(OTHERS.astype(float))
    grads = tf.gradients(BINARY[symbol](x, y), [x, y])
    expected = {
        "+": (np.ones(x.shape), np.ones(x.shape)),
        "-": (np.ones(x.shape), -np.ones(x.shape)),
        "*": (OTHERS, FLOATS),
        "/": (1 / OTHERS.astype(float), -FLOATS / OTHERS.astype(float) ** 2),
        "//": (None, None),
        "%": (np.ones(x.shape), -np.floor(FLOATS / OTHERS)),
    }[symbol]
    for grad, right in zip(grads, expected, strict=True):
        if right is None:
            assert grad is None
        else:
            np.testing.assert_allclose(sess.run(grad), right, rtol=1e-6)


def test_power_matrix_product_and_signs(sess):
    x = tf.constant(FLOATS)
    cases = [
        (x**2, FLOATS**2),
        (2.0**x, 2.0**FLOATS),
        (x @ OTHERS.T, FLOATS @ OTHERS.T),
        (FLOATS @ tf.transpose(tf.constant(OTHERS)), FLOATS @ OTHERS.T),
        (-x, -FLOATS),
        (abs(x), np.abs(FLOATS)),
    ]
    for found, expected in cases:
        np.testing.assert_allclose(sess.run(found), expected, rtol=1e-6)


def test_logic_and_bits(sess):
    a, b = np.array([True, True, False, False]), np.array([True, False, True, False])
    n, m = np.array([12, -1], np.int32), np.array([10, 7], np.int32)
    for x, y in ((a, b), (n, m)):
        t, u = tf.constant(x), tf.constant(y)
        for function in (operator.and_, operator.or_, operator.xor):
            expected = function(x, y)
            for left, right in ((t, u), (t, y), (x, u)):
                np.testing.assert_array_equal(sess.run(function(left, right)), expected)
        np.testing.assert_array_equal(sess.run(~t), ~x)
    np.testing.assert_array_equal(sess.run(tf.constant(a) & True), a)
    np.testing.assert_array_equal(sess.run(3 | tf.constant(n)), 3 | n)


def test_strings_are_joined(sess):
    s = tf.constant(["mini", "ten"])
    assert sess.run(s + "tf").tolist() == [b"minitf", b"tentf"]
    assert sess.run("a " + s + ["!", "?"]).tolist() == [b"a mini!", b"a ten?"]


def test_variables_take_part(sess):
    v = tf.Variable([1.0, 2.0])
    sess.run(v.initializer)
    x = tf.constant([10.0, 20.0])
    cases = [
        (v + x, [11, 22]),
        (x - v, [9, 18]),
        (1.0 - v, [0, -1]),
        (v * v, [1, 4]),
        (-v, [-1, -2]),
        (v**2, [1, 4]),
        (v / 2, [0.5, 1]),
        (v > 1.5, [False, True]),
        (np.float32(3) * v, [3, 6]),
    ]
    for found, expected in cases:
        np.testing.assert_array_equal(sess.run(found), expected)


def test_the_other_operand_takes_the_tensors_dtype():
    """Numbers, lists and float64 arrays become float32 beside a float32 tensor, on either side."""
    x = tf.constant(FLOATS)
    for made in (x + 1, 1 + x, x * 2.5, x - FLOATS.astype(np.float64), np.float64(2) / x, x**2):
        assert made.dtype == tf.float32
    n = tf.constant(INTEGERS)
    assert (n + 1).dtype == tf.int32 and (np.int64(1) + n).dtype == tf.int32
    assert (n / 2).dtype == tf.float64 and (2 / n).dtype == tf.float64
    assert (tf.cast(n, tf.int8) / 2).dtype == tf.float32


def test_dimensions_take_part():
    x = tf.placeholder(tf.float32, [4, None])
    assert tf.get_static_value(x.shape[0] + tf.constant(1)) == 5
    assert tf.get_static_value(tf.constant(3) * x.shape[0]) == 12


@pytest.mark.parametrize(
    "build",
    [
        lambda x, n: x + n,
        lambda x, n: n * x,
        lambda x, n: x / n,
        lambda x, n: x @ tf.cast(n, tf.float64),
        lambda x, n: x > n,
        lambda x, n: n**x,
        lambda x, n: n + 1.5,
        lambda x, n: 1.5 - n,
        lambda x, n: x + "text",
        lambda x, n: x & x,
        lambda x, n: ~x,
        lambda x, n: -tf.constant([True]),
        lambda x, n: tf.constant([1], tf.uint8) ** 2,
    ],
)
def test_dtypes_do_not_mix(build):
    x, n = tf.constant([[1.5]]), tf.constant([[1]])
    with pytest.raises(TypeError):
        build(x, n)


def test_a_refused_operand_leaves_no_scope_open():
    """After an error the next node's name is as if nothing had happened inside."""
    x = tf.constant([1.0])
    with pytest.raises(TypeError):
        _ = x + "text"
    assert (x * x).name == "mul:0"


def test_equality_compares_objects():
    """Tensors are keys of dictionaries in TF1: == is not elementwise."""
    x, y = tf.constant(1.0), tf.constant(1.0)
    assert x == x and x != y and {x: 1}[x] == 1


def test_chained_comparison_is_refused():
    """`a < b < c` would need the truth of `a < b`."""
    x = tf.constant(1.0)
    with pytest.raises(TypeError, match="Python `bool`"):
        _ = 0.0 < x < 2.0


def test_indexed_slices_are_no_operands():
    slices = tf.IndexedSlices(tf.constant([[1.0]]), tf.constant([0]), tf.constant([2, 1]))
    for build in (lambda: slices * 2.0, lambda: 2.0 * slices, lambda: slices / 2.0):
        with pytest.raises(TypeError, match="unsupported operand"):
            build()


def test_an_error_points_at_the_users_line(sess):
    x = tf.placeholder(tf.int32)
    quotient = 10 // x  # this line
    with pytest.raises(tf.errors.InvalidArgumentError) as raised:
        sess.run(quotient, {x: 0})
    message = str(raised.value)
    assert "Integer division by zero" in message and "10 // x  # this line" in message
    assert raised.value.op is quotient.op
