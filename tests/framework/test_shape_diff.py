"""Shapes that do not fit, below one another, with marks at the sizes that are wrong."""

import pytest

import minitf as tf
from minitf.framework.shape_diff import shape_diff


def zeros(*shape, name):
    return tf.placeholder(tf.float32, shape, name=name)


CASES = {
    "a sum": (
        lambda: zeros(2, 3, name="a") + zeros(2, 4, name="b"),
        ["a:0  [2, 3]", "b:0  [2, 4]", "         ^"],
    ),
    "aligned at the end": (
        lambda: zeros(None, 128, 10, name="a") * zeros(7, name="b"),
        ["a:0  [?, 128, 10]", "b:0          [ 7]", "               ^"],
    ),
    "two axes": (
        lambda: zeros(2, 1, 5, name="a") - zeros(3, 4, 6, name="b"),
        ["a:0  [2, 1, 5]", "b:0  [3, 4, 6]", "      ^     ^"],
    ),
    "a product": (
        lambda: tf.matmul(zeros(20, 3, name="a"), zeros(2, 30, name="b")),
        ["a:0  [20,  3]", "           ^", "b:0  [ 2, 30]", "       ^"],
    ),
    "a product transposed": (
        lambda: tf.matmul(zeros(3, 20, name="a"), zeros(5, 4, name="b"), True, True),
        ["a:0  [3, 20]", "      ^", "b:0  [5,  4]", "          ^"],
    ),
    "a concatenation": (
        lambda: tf.concat([zeros(2, 3, name="a"), zeros(3, 4, name="b")], 1),
        ["a:0  [2, 3]", "b:0  [3, 4]", "      ^"],
    ),
    "a concatenation along no axis": (
        lambda: tf.concat([zeros(2, 3, name="a"), zeros(2, 3, 1, name="b")], [0]),
        None,
    ),
    "a rank": (
        lambda: tf.stack([zeros(2, 3, name="a"), zeros(2, name="b")]),
        None,  # all sizes that both have are equal
    ),
    "a scalar": (
        lambda: tf.add_n([zeros(2, name="a"), zeros(name="b")]),
        None,
    ),
    "channels": (
        lambda: tf.nn.conv2d(
            zeros(1, 8, 8, 3, name="a"), zeros(5, 5, 2, 4, name="b"), [1, 1, 1, 1], "SAME"
        ),
        ["a:0  [1, 8, 8, 3]", "               ^", "b:0  [5, 5, 2, 4]", "            ^"],
    ),
    "a filter that is too large": (
        lambda: tf.nn.conv2d(
            zeros(1, 2, 2, 1, name="a"), zeros(5, 5, 1, 4, name="b"), [1, 1, 1, 1], "VALID"
        ),
        None,
    ),
    "one input": (lambda: tf.reshape(zeros(2, 3, name="a"), [7]), None),
}


@pytest.mark.parametrize("name", CASES)
def test_what_an_error_shows(name):
    build, expected = CASES[name]
    with pytest.raises(ValueError) as caught:
        build()
    assert " for node '" in str(caught.value).partition("\n")[0]
    lines = [line[2:] for line in str(caught.value).splitlines()]
    if expected is None:
        assert not any("^" in line for line in lines)
    else:
        start = lines.index(expected[0])
        assert lines[start : start + len(expected)] == expected


def test_shapes_that_fit_have_no_marks():
    total = zeros(2, 1, name="a") + zeros(2, 3, name="b")
    assert shape_diff(total.op) == ""
    assert shape_diff(tf.matmul(total, zeros(3, 2, name="c")).op) == ""


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: tf.matmul(zeros(5, 3, name="a"), zeros(2, 3, name="b")), "transpose_b=True"),
        (lambda: tf.matmul(zeros(5, 3, name="a"), zeros(2, 4, name="b")), "two sizes k must be"),
        (lambda: tf.reshape(zeros(2, 3, name="a"), [7]), "one size may be -1"),
        (lambda: tf.concat([zeros(2, name="a"), zeros(2, 3, name="b")], 0), "tf.expand_dims"),
        (lambda: tf.concat([zeros(2, 3, name="a"), zeros(3, 4, name="b")], 1), "along the axis"),
        (lambda: zeros(2, name="a") + zeros(3, name="b"), "tf.reshape"),
    ],
)
def test_what_to_do(build, words):
    with pytest.raises(ValueError, match="what to do: .*" + words):
        build()
