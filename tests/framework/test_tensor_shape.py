"""Shapes: TF1's rules for unknown dims and ranks."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minitf as tf
from minitf.framework.tensor_shape import broadcast_shape

DIMS = st.one_of(st.none(), st.integers(0, 4))
SHAPES = st.one_of(st.none(), st.lists(DIMS, max_size=4)).map(tf.TensorShape)


@given(SHAPES, SHAPES)
def test_merge_knows_what_either_knows(a, b):
    if not a.is_compatible_with(b):
        with pytest.raises(ValueError, match="not compatible"):
            a.merge_with(b)
        return
    merged = a.merge_with(b)
    assert merged == b.merge_with(a)
    assert merged.is_subtype_of(a) and merged.is_subtype_of(b)
    assert merged.merge_with(a) == merged


@given(SHAPES, SHAPES)
def test_compatible_means_that_one_tensor_can_have_both(a, b):
    if a.ndims is None or b.ndims is None:
        expected = True
    else:
        expected = a.ndims == b.ndims and all(
            x is None or y is None or x == y for x, y in zip(a.as_list(), b.as_list(), strict=True)
        )
    assert a.is_compatible_with(b) is expected
    assert b.is_compatible_with(a) is expected


@given(st.lists(st.integers(0, 4), max_size=4), st.lists(st.integers(0, 4), max_size=4), st.data())
def test_broadcast_shape_never_contradicts_numpy(a, b, data):
    def hide(dims):
        return tf.TensorShape([d if data.draw(st.booleans()) else None for d in dims])

    try:
        real = np.broadcast_shapes(tuple(a), tuple(b))
    except ValueError:
        with pytest.raises(ValueError, match="must be equal"):
            broadcast_shape(tf.TensorShape(a), tf.TensorShape(b))
        return
    assert broadcast_shape(tf.TensorShape(a), tf.TensorShape(b)).as_list() == list(real)
    assert broadcast_shape(hide(a), hide(b)).is_compatible_with(real)
    assert broadcast_shape(tf.TensorShape(None), tf.TensorShape(b)).ndims is None


def test_text():
    assert str(tf.TensorShape([None, 784])) == "(?, 784)"
    assert str(tf.TensorShape([3])) == "(3,)"
    assert str(tf.TensorShape([])) == "()"
    assert str(tf.TensorShape(None)) == "<unknown>"
    assert repr(tf.TensorShape([None, 2])) == "TensorShape([Dimension(None), Dimension(2)])"
    assert repr(tf.TensorShape(None)) == "TensorShape(None)"


def test_parts():
    shape = tf.TensorShape([None, 3, 4])
    assert shape[1] == tf.Dimension(3) and shape[1].value == 3 and int(shape[2]) == 4
    assert shape[0].value is None
    assert shape[1:].as_list() == [3, 4]
    assert shape.ndims == len(shape) == 3
    assert [d.value for d in shape] == [None, 3, 4]
    assert tf.TensorShape(None)[2].value is None
    assert tf.TensorShape(None)[:2].as_list() == [None, None]
    assert tf.TensorShape(None)[1:].ndims is None
    assert tf.TensorShape([2, 3]).num_elements() == 6 and shape.num_elements() is None
    assert not tf.TensorShape(None) and tf.TensorShape([])


def test_concatenate_and_rank():
    assert tf.TensorShape([1]).concatenate([None]).as_list() == [1, None]
    assert (tf.TensorShape([1]) + [2]).as_list() == [1, 2]
    assert tf.TensorShape([1]).concatenate(None).ndims is None
    assert tf.TensorShape(None).with_rank(2).as_list() == [None, None]
    for call in (
        lambda: tf.TensorShape([1]).with_rank(2),
        lambda: tf.TensorShape([1]).assert_has_rank(2),
        lambda: tf.TensorShape([1]).with_rank_at_least(2),
        lambda: tf.TensorShape([1, 2]).with_rank_at_most(1),
        lambda: tf.TensorShape([1, 2]).assert_same_rank([1]),
        lambda: tf.TensorShape([None]).assert_is_fully_defined(),
        lambda: tf.TensorShape([2]).assert_is_compatible_with([3]),
        lambda: tf.TensorShape(None).as_list(),
        lambda: len(tf.TensorShape(None)),
        lambda: list(tf.TensorShape(None)),
        lambda: tf.TensorShape([-1]),
        lambda: tf.Dimension(-2),
    ):
        with pytest.raises(ValueError):
            call()


def test_equality_and_pickling():
    assert tf.TensorShape([None, 2]) == [None, 2]
    assert tf.TensorShape([2]) != [3]
    assert len({tf.TensorShape([2]), tf.TensorShape([2])}) == 1
    assert pickle.loads(pickle.dumps(tf.TensorShape([None, 2]))).as_list() == [None, 2]


def test_dimension_arithmetic():
    three, unknown = tf.Dimension(3), tf.Dimension(None)
    assert (three + 2).value == 5 and (2 + three).value == 5
    assert (three * 2).value == 6 and (7 // three).value == 2 and (three % 2).value == 1
    assert (three - 1).value == 2 and (5 - three).value == 2
    assert (three + unknown).value is None and (unknown * 2).value is None
    assert (three < 4) is True and (three >= unknown) is None and (unknown == 3) is None
    assert three != 4 and three == 3 and (unknown != 3) is None
    assert str(unknown) == "?" and repr(three) == "Dimension(3)"
    assert np.zeros(three).shape == (3,) and list(range(three)) == [0, 1, 2]
    with pytest.raises(TypeError, match="use //"):
        _ = three / 2
    with pytest.raises(TypeError):
        tf.Dimension(1.5)
    with pytest.raises(ValueError, match="not compatible"):
        three.merge_with(4)
