"""Declarations: signatures, attributes, and how a call becomes a node."""

import numpy as np
import pytest

import minitf as tf
from minitf.framework import op_def as op_def_lib
from minitf.framework.op_def import OpDef


def test_signature_is_read():
    op = OpDef(
        "Many(ref: &T, xs: N * T, rest: Tlist, axis: int32) -> (out: T, more: N * T)",
        "T: float",
        "N: int > 2",
        "Tlist: list(type)",
        'mode: {"A", "B"} = "A"',
        "strides: list(int) = [1, 2]",
        "flag: bool = true",
        "scale: shape",
    )
    ref, xs, rest, axis = op.inputs
    assert ref.is_ref and ref.type_attr == "T" and not ref.is_list
    assert xs.number_attr == "N" and xs.is_list and op.attrs["N"].minimum == 2
    assert rest.type_list_attr == "Tlist" and axis.type is tf.int32
    assert op.attrs["mode"].allowed == ("A", "B") and op.attrs["mode"].default == "A"
    assert op.attrs["strides"].default == [1, 2] and op.attrs["flag"].default is True
    assert not op.attrs["scale"].has_default
    assert op.inferred_attrs == {"T", "N", "Tlist"}


@pytest.mark.parametrize("text", ["NoParentheses", "Bad(x: T", "Bad(x: T) -> y: T"])
def test_unreadable_signature(text):
    with pytest.raises(ValueError, match="Cannot read"):
        op_def_lib.op_def(text, "T: type")


def test_a_name_is_declared_once():
    with pytest.raises(ValueError, match="declared twice"):
        op_def_lib.op_def("Relu(features: T) -> (activations: T)", "T: type")


def test_unknown_op_names_the_nearest():
    with pytest.raises(KeyError, match="Relu"):
        op_def_lib.get("Rellu")


def test_inputs_are_converted_to_the_dtype_of_others():
    with tf.Graph().as_default():
        x = tf.constant([1.0, 2.0], dtype=tf.float64)
        y = tf.add(x, 1)
        assert y.dtype is tf.float64 and y.op.inputs[1].name == "Add/y:0"
        with pytest.raises(TypeError, match=r"'Add'|'AddV2'") as error:
            tf.add(x, "text")
        assert __file__ in str(error.value)


def test_dtypes_must_agree():
    with tf.Graph().as_default():
        with pytest.raises(TypeError, match="int32 that does not match type float32 of argument"):
            tf.add(tf.constant(1.0), tf.constant(1))
        with pytest.raises(TypeError, match="not in list of allowed values"):
            tf.nn.relu(tf.constant("text"))
        with pytest.raises(TypeError, match="expected type bool"):
            tf.logical_not(tf.constant(1))


def test_attributes_are_checked():
    with tf.Graph().as_default():
        x = tf.zeros([1, 4, 4, 1])
        with pytest.raises(ValueError, match="'padding'"):
            tf.nn.max_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], padding="Same")
        relu = op_def_lib.get("Relu")
        with pytest.raises(TypeError, match="no attribute 'slope'"):
            relu(x, slope=1.0)
        with pytest.raises(TypeError, match="takes the inputs"):
            relu(x, x)


def test_get_attr():
    with tf.Graph().as_default():
        op = tf.nn.max_pool(tf.zeros([1, 4, 4, 1]), [1, 2, 2, 1], [1, 2, 2, 1], "SAME").op
        assert op.get_attr("padding") == b"SAME"
        assert op.get_attr("ksize") == [1, 2, 2, 1]
        assert op.get_attr("T") is tf.float32
        with pytest.raises(ValueError, match="no attr named 'nothing'"):
            op.get_attr("nothing")


def test_a_failed_call_leaves_no_node():
    with tf.Graph().as_default() as graph:
        a, b = tf.zeros([2, 3]), tf.zeros([4, 5])
        before = [op.name for op in graph.get_operations()]
        with pytest.raises(ValueError, match="must be equal"):
            tf.matmul(a, b)
        assert [op.name for op in graph.get_operations()] == before
        assert a.consumers() == []


def test_kernels_are_plain_functions():
    kernel = op_def_lib.get("Relu").bind_kernel({})
    np.testing.assert_array_equal(kernel(np.array([-1.0, 2.0])), [0.0, 2.0])
