"""Dtypes: names, numbers, references and conversions, as TensorFlow has them."""

import pickle

import numpy as np
import pytest

import minitf as tf
from minitf.framework import dtypes

NUMBERS = {
    "float32": 1, "float64": 2, "int32": 3, "uint8": 4, "int16": 5, "int8": 6, "string": 7,
    "complex64": 8, "int64": 9, "bool": 10, "uint16": 17, "complex128": 18, "float16": 19,
    "resource": 20, "variant": 21, "uint32": 22, "uint64": 23, "bfloat16": 14,
}  # fmt: skip


@pytest.mark.parametrize("name", NUMBERS)
def test_names_and_numbers(name):
    dtype = tf.as_dtype(name)
    assert dtype.name == name
    assert dtype.as_datatype_enum == NUMBERS[name]
    assert tf.as_dtype(NUMBERS[name]) is dtype
    assert getattr(tf, name) is dtype
    assert repr(dtype) == f"tf.{name}"
    assert str(dtype) == f"<dtype: '{name}'>"
    assert pickle.loads(pickle.dumps(dtype)) is dtype


@pytest.mark.parametrize("name", NUMBERS)
def test_references_are_a_hundred_higher(name):
    dtype = tf.as_dtype(name)
    ref = dtype._as_ref
    assert ref.name == name + "_ref"
    assert ref.as_datatype_enum == NUMBERS[name] + 100
    assert ref.base_dtype is dtype
    assert ref._as_ref is ref
    assert dtype.is_compatible_with(ref) and not ref.is_compatible_with(dtype)
    assert tf.as_dtype(name + "_ref") is ref


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float, "float32"), (int, "int64"), (bool, "bool"), (str, "string"), (np.int8, "int8"),
        (np.dtype(">f4"), "float32"), ("half", "float16"), ("double", "float64"),
        ("float", "float32"), (np.dtype("S3"), "string"), (np.dtype("U1"), "string"),
        (object, "string"),
    ],
)  # fmt: skip
def test_conversions(value, expected):
    assert tf.as_dtype(value).name == expected


@pytest.mark.parametrize("value", ["float31", None, 99, object(), [1], np.dtype("M8[s]")])
def test_what_is_no_dtype(value):
    with pytest.raises(TypeError, match="Cannot convert"):
        tf.as_dtype(value)


def test_comparison():
    assert tf.float32 == "float32" and tf.float32 == np.float32 and tf.float32 != tf.float64
    assert tf.float32 != "no such type" and tf.float32 != None  # noqa: E711
    assert len({tf.float32, tf.as_dtype("float")}) == 1


def test_kinds():
    assert tf.float16.is_floating and not tf.int32.is_floating
    assert tf.uint8.is_integer and tf.uint8.is_unsigned and not tf.bool.is_integer
    assert tf.complex64.is_complex and tf.complex64.real_dtype is tf.float32
    assert dtypes.qint8.is_quantized and tf.bool.is_bool
    assert tf.float32._as_ref.is_floating


def test_limits():
    assert (tf.int8.min, tf.int8.max) == (-128, 127)
    assert tf.float32.max == np.finfo(np.float32).max
    assert (tf.bool.min, tf.bool.max) == (False, True)
    assert tf.uint8.limits == (0, 255) and tf.float32.limits == (0, 1)
    assert tf.float64.size == 8 and tf.string.size == 1
    with pytest.raises(TypeError, match="no min"):
        _ = tf.string.min
    with pytest.raises(TypeError, match="no numpy type"):
        _ = tf.resource.as_numpy_dtype
