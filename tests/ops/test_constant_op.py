"""tf.constant: which array a Python value stands for."""

import numpy as np
import pytest

import minitf as tf


def value_of(tensor):
    with tf.Session() as sess:
        return sess.run(tensor)


@pytest.mark.parametrize(
    ("value", "dtype", "expected"),
    [
        (1, None, np.int32(1)),
        (2**31, None, np.int64(2**31)),
        ([-(2**31)], None, np.int32([-(2**31)])),
        (1.5, None, np.float32(1.5)),
        (True, None, np.bool_(True)),
        ([[1, 2], [3, 4]], None, np.int32([[1, 2], [3, 4]])),
        ([1, 2.5], None, np.float32([1, 2.5])),
        ((1, 2), tf.float64, np.float64([1, 2])),
        (1j, None, np.complex128(1j)),
        (True, tf.int32, np.int32(1)),
        ([True, 2], tf.float32, np.float32([1, 2])),
        (np.float64(1), None, np.float64(1)),
        (np.arange(3), None, np.int64([0, 1, 2])),
        (np.float16([1]), None, np.float16([1])),
        ([], None, np.float32([])),
        ([[], []], tf.int32, np.zeros((2, 0), np.int32)),
        (np.array([1.7]), tf.int32, np.int32([1])),
        ([np.float32(1), 2], None, np.float32([1, 2])),
        (np.array([1, 2], ">i4"), None, np.int32([1, 2])),
    ],
)
def test_values_and_dtypes(value, dtype, expected):
    tensor = tf.constant(value, dtype)
    result = value_of(tensor)
    assert result.dtype == expected.dtype == tensor.dtype.as_numpy_dtype
    assert tensor.shape == expected.shape
    np.testing.assert_array_equal(result, expected)


def test_strings():
    assert value_of(tf.constant("é")) == "é".encode()
    assert value_of(tf.constant([b"a\0", "b"])).tolist() == [b"a\0", b"b"]
    assert value_of(tf.constant(np.array(["x", "yz"]))).tolist() == [b"x", b"yz"]
    assert tf.constant("a").dtype is tf.string


@pytest.mark.parametrize(
    ("value", "dtype", "error", "match"),
    [
        ([1, 2.5], tf.int32, TypeError, "Expected int32, but got 2.5 of type 'float'"),
        (1, tf.bool, TypeError, "Expected bool, but got 1"),
        ("a", tf.float32, TypeError, "Expected float32, but got 'a'"),
        (1, tf.string, TypeError, "Expected string, but got 1"),
        ([1, "a"], None, TypeError, "Expected string, but got 1"),
        ([[1], [2, 3]], None, ValueError, "different lengths"),
        (None, None, ValueError, "None values not supported"),
        ([None], None, (TypeError, ValueError), "None"),
        (300, tf.int8, ValueError, "range of int8"),
        (object(), None, TypeError, "object"),
        (1, "no type", TypeError, "no type"),
    ],
)
def test_what_is_refused(value, dtype, error, match):
    with pytest.raises(error, match=match):
        tf.constant(value, dtype)
    assert tf.get_default_graph().get_operations() == []


def test_shape():
    np.testing.assert_array_equal(value_of(tf.constant(7.0, shape=[2, 2])), np.full((2, 2), 7.0))
    np.testing.assert_array_equal(value_of(tf.constant([1, 2, 3], shape=[2, 2])), [[1, 2], [3, 3]])
    np.testing.assert_array_equal(value_of(tf.constant([1, 2], shape=[2, 1])), [[1], [2]])
    with pytest.raises(ValueError, match="Too many elements"):
        tf.constant([1, 2, 3], shape=[2])
    with pytest.raises(TypeError, match="Expected Tensor's shape"):
        tf.constant([1, 2], shape=[2, 1], verify_shape=True)


def test_the_value_is_the_graphs_own():
    array = np.array([1.0, 2.0], np.float32)
    c = tf.constant(array)
    array[0] = 9
    np.testing.assert_array_equal(value_of(c), [1.0, 2.0])


def test_bytes_that_are_no_text_may_stand_beside_text():
    assert tf.Session().run(tf.constant([b"\xff", "\u00e9"])).tolist() == [b"\xff", b"\xc3\xa9"]
    with pytest.raises(TypeError, match="Expected string, but got 3"):
        tf.constant([b"\xff", "a", 3])
