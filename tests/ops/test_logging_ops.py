"""tf.Print, tf.Assert and tf.check_numerics."""

import numpy as np
import pytest

import minitf as tf


def test_print_shows_its_data_each_time(capfd):
    x = tf.placeholder(tf.float32)
    y = tf.Print(x, [tf.constant([[1.0, 2.0, 3.0], [4, 5, 6]]), tf.constant(True), "s", x], "m: ")
    with tf.Session() as sess:
        assert sess.run(y, {x: 0.5}) == 0.5
        sess.run(y, {x: 1e-10})
        sess.run(x, {x: 1.0})  # not through y: nothing is printed
    assert capfd.readouterr().err == ("m: [[1 2 3]...][1][s][0.5]\nm: [[1 2 3]...][1][s][1e-10]\n")


def test_print_options(capfd):
    x = tf.constant(np.arange(12.0).reshape(3, 4))
    y = tf.Print(x, [x], first_n=2, summarize=5)
    z = tf.Print(x, [x], summarize=-1)
    with tf.Session() as sess:
        for _ in range(4):
            sess.run(y)
        sess.run(z)
    assert capfd.readouterr().err == (
        "[[0 1 2 3][4...]...]\n" * 2 + "[[0 1 2 3][4 5 6 7][8 9 10 11]]\n"
    )


def test_assert_fails_with_its_data():
    x = tf.placeholder(tf.float32, [None], name="x")
    check = tf.Assert(tf.reduce_all(x > 0), [x, "is bad"])
    with tf.Session() as sess:
        sess.run(check, {x: [1.0]})
        with pytest.raises(tf.errors.InvalidArgumentError) as error:
            sess.run(check, {x: [-1.0, 2.0, 3.0, 4.0]})
    assert str(error.value).splitlines()[0] == "assertion failed: [-1 2 3...] [is bad]"
    assert __file__ in str(error.value)


def test_assert_of_integers_makes_no_branch():
    check = tf.Assert(tf.placeholder(tf.bool, name="p"), [1, "text"])
    assert check.type == "Assert" and check.name == "Assert/Assert"


def test_an_assertion_known_to_fail_does_so_when_run():
    check = tf.Assert(tf.constant(False), [tf.constant([1, 2]), "no"])
    with (
        tf.Session() as sess,
        pytest.raises(tf.errors.InvalidArgumentError, match=r"assertion failed: \[1 2\] \[no\]"),
    ):
        sess.run(check)


def test_assert_as_a_dependency():
    x = tf.placeholder(tf.float32, [])
    with tf.control_dependencies([tf.Assert(x > 0, [x])]):
        y = tf.log(x)
    with tf.Session() as sess:
        assert sess.run(y, {x: 1.0}) == 0.0
        with pytest.raises(tf.errors.InvalidArgumentError, match="assertion failed"):
            sess.run(y, {x: -1.0})


@pytest.mark.parametrize(
    ("value", "found"), [(0.0, "Inf"), (-1.0, "NaN"), ([0.0, -1.0], "Inf and NaN")]
)
def test_check_numerics(value, found):
    x = tf.placeholder(tf.float32)
    y = tf.check_numerics(tf.log(x), "log of x")
    with tf.Session() as sess:
        assert sess.run(y, {x: 1.0}) == 0.0
        with pytest.raises(tf.errors.InvalidArgumentError) as error:
            sess.run(y, {x: value})
    assert str(error.value).splitlines()[0] == f"log of x : Tensor had {found} values"


def test_checking_everything_names_the_first_bad_node():
    x = tf.placeholder(tf.float32, name="x")
    y = tf.identity(tf.log(x, name="culprit") * 2.0, name="later")
    check = tf.add_check_numerics_ops()
    with tf.Session() as sess:
        sess.run([y, check], {x: 1.0})
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"^culprit:0 : Tensor had NaN"):
            sess.run([y, check], {x: -1.0})


def test_verify_tensor_all_finite():
    x = tf.placeholder(tf.float32)
    y = tf.verify_tensor_all_finite(x, "bad x")
    with tf.Session() as sess:
        assert sess.run(y, {x: 2.0}) == 2.0
        with pytest.raises(tf.errors.InvalidArgumentError, match="bad x"):
            sess.run(y, {x: np.nan})
