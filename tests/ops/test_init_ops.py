"""Initializers: what they make, their settings, their errors. TensorFlow's values are compared in
test_random_ops.py, their nodes in test_variables.py.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

import minitf as tf
from minitf.ops.init_ops import fans


def value_of(tensor):
    with tf.Session() as sess:
        return sess.run(tensor)


@pytest.mark.parametrize("dtype", [tf.float16, tf.float64, tf.int32, tf.bool, tf.complex64])
def test_zeros_and_ones(dtype):
    zeros = value_of(tf.zeros_initializer(dtype)([2, 3]))
    ones = value_of(tf.ones_initializer()([40, 50], dtype))
    assert zeros.dtype == ones.dtype == dtype.as_numpy_dtype
    np.testing.assert_array_equal(zeros, np.zeros([2, 3], dtype.as_numpy_dtype))
    np.testing.assert_array_equal(ones, np.ones([40, 50], dtype.as_numpy_dtype))


def test_zeros_of_text():
    assert value_of(tf.zeros_initializer()([2], tf.string)).tolist() == [b"", b""]


def test_constant():
    assert value_of(tf.constant_initializer(3)([2])).tolist() == [3.0, 3.0]
    assert value_of(tf.constant_initializer([1, 2])([2, 2], tf.int32)).tolist() == [[1, 2], [2, 2]]
    array = np.arange(4.0)
    assert value_of(tf.constant_initializer(array)([2, 2])).tolist() == [[0, 1], [2, 3]]
    with pytest.raises(ValueError, match="Too many elements"):
        tf.constant_initializer([1, 2])([1])
    with pytest.raises(TypeError, match="Expected Tensor's shape"):
        tf.constant_initializer([1, 2], verify_shape=True)([3])
    with pytest.raises(TypeError, match="Expected Tensor's shape"):
        tf.constant_initializer([1, 2])([3], verify_shape=True)
    with pytest.raises(TypeError, match="Invalid type for initial value"):
        tf.constant_initializer(lambda: 3)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ([], (1, 1)),
        ([7], (7, 7)),
        ([784, 10], (784, 10)),
        ([5, 5, 32, 64], (800, 1600)),
        ([3, 2, 5], (6, 15)),
    ],
)
def test_fans(shape, expected):
    assert fans(shape) == expected


@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg"])
@pytest.mark.parametrize("distribution", ["normal", "uniform", "untruncated_normal"])
def test_variance_scaling(mode, distribution):
    make = tf.variance_scaling_initializer(2.0, mode, distribution, seed=1)
    value = value_of(make([200, 100]))
    n = {"fan_in": 200, "fan_out": 100, "fan_avg": 150}[mode]
    assert abs(value.var() * n / 2.0 - 1.0) < 0.03
    if distribution == "uniform":
        assert abs(value).max() <= math.sqrt(3 * 2.0 / n)
    if distribution == "normal":
        assert abs(value).max() < 2 * math.sqrt(2.0 / n) / 0.87962566103423978


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scale": -1}, "`scale` must be a positive float"),
        ({"scale": 0}, "`scale`"),
        ({"mode": "x"}, "`mode` should be one of"),
        ({"distribution": "x"}, "`distribution` should be one of"),
        ({"dtype": tf.int32}, "floating point"),
    ],
)
def test_bad_variance_scaling(arguments, message):
    with pytest.raises(ValueError, match=message):
        tf.variance_scaling_initializer(**arguments)


@pytest.mark.parametrize(
    ("shape", "rows"), [([3, 5], 3), ([5, 3], 5), ([2, 3, 4], 6), ([4, 4], 4), ([2, 2, 7], 4)]
)
def test_orthogonal(shape, rows):
    value = value_of(tf.orthogonal_initializer(gain=2.0, seed=1)(shape, tf.float64))
    matrix = value.reshape(rows, -1)
    product = matrix @ matrix.T if rows <= matrix.shape[1] else matrix.T @ matrix
    np.testing.assert_allclose(product, 4.0 * np.eye(len(product)), atol=1e-12)


def test_identity():
    np.testing.assert_array_equal(value_of(tf.initializers.identity(2.0)([2, 2])), 2 * np.eye(2))
    np.testing.assert_array_equal(value_of(tf.initializers.identity()([2, 3])), np.eye(2, 3))
    np.testing.assert_array_equal(value_of(tf.initializers.identity()([3, 2])), np.eye(3, 2))


@pytest.mark.parametrize("make", [tf.orthogonal_initializer(), tf.initializers.identity()])
def test_matrices_need_two_axes(make):
    with pytest.raises(ValueError, match="two-dimensional"):
        make([2])


def test_identity_needs_a_matrix():
    with pytest.raises(ValueError, match="must be two-dimensional"):
        tf.initializers.identity()([2, 2, 2])


def test_parts_of_a_larger_variable():
    class Info:
        full_shape = (100, 4)
        var_offset = (1, 0)

    part = value_of(tf.glorot_uniform_initializer(seed=1)([50, 4], partition_info=Info()))
    assert part.shape == (50, 4)
    assert 0.2 < abs(part).max() <= math.sqrt(6 / 104)
    Info.full_shape = (3, 3)
    rows = value_of(tf.initializers.identity()([2, 3], partition_info=Info()))
    assert rows.tolist() == [[0, 1, 0], [0, 0, 1]]


@pytest.mark.parametrize(
    ("make", "config"),
    [
        (tf.zeros_initializer, {"dtype": "float32"}),
        (tf.constant_initializer, {"value": 0, "dtype": "float32"}),
        (
            tf.random_uniform_initializer,
            {"minval": 0.0, "maxval": None, "seed": None, "dtype": "float32"},
        ),
        (
            tf.truncated_normal_initializer,
            {"mean": 0.0, "stddev": 1.0, "seed": None, "dtype": "float32"},
        ),
        (tf.uniform_unit_scaling_initializer, {"factor": 1.0, "seed": None, "dtype": "float32"}),
        (
            tf.variance_scaling_initializer,
            {
                "scale": 1.0,
                "mode": "fan_in",
                "distribution": "truncated_normal",
                "seed": None,
                "dtype": "float32",
            },
        ),
        (tf.glorot_uniform_initializer, {"seed": None, "dtype": "float32"}),
        (tf.glorot_normal_initializer, {"seed": None, "dtype": "float32"}),
        (tf.orthogonal_initializer, {"gain": 1.0, "seed": None, "dtype": "float32"}),
        (tf.initializers.identity, {"gain": 1.0, "dtype": "float32"}),
    ],
)
def test_config(make, config):
    assert make().get_config() == config
    assert make.from_config(config).get_config() == config


def test_he_and_lecun_are_variance_scalings():
    assert tf.initializers.he_normal(3).get_config() == {
        "scale": 2.0,
        "mode": "fan_in",
        "distribution": "truncated_normal",
        "seed": 3,
        "dtype": "float32",
    }
    assert tf.initializers.lecun_uniform().get_config()["distribution"] == "uniform"


def test_names():
    assert tf.initializers.zeros is tf.zeros_initializer
    assert tf.initializers.glorot_normal is tf.glorot_normal_initializer
    assert tf.initializers.variables is tf.variables_initializer
    assert tf.initializers.global_variables is tf.global_variables_initializer
    assert tf.initializers.local_variables is tf.local_variables_initializer


def test_an_initializer_of_ones_own():
    class Sevens(tf.initializers.Initializer):
        def __call__(self, shape, dtype=None, partition_info=None):
            return tf.fill(shape, tf.constant(7, dtype))

    w = tf.get_variable("w", [2], initializer=Sevens())
    with tf.Session() as sess:
        sess.run(w.initializer)
        assert sess.run(w).tolist() == [7.0, 7.0]
    with pytest.raises(NotImplementedError):
        tf.initializers.Initializer()([2])
