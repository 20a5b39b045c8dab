"""tf.gradients: any DAG, several ys and xs, all orders, and what is said where there is none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minitf as tf
from minitf.autodiff.paths import why_no_gradient


def run(fetches, feeds=None):
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        return sess.run(fetches, feeds)


# ---- the walk

OPS = [
    lambda a, b: a + b,
    lambda a, b: a * b,
    lambda a, b: a - 0.5 * b,
    lambda a, b: tf.tanh(a),
    lambda a, b: tf.square(a) * 0.1,
    lambda a, b: tf.sin(a) + tf.cos(b),
    lambda a, b: tf.exp(-tf.square(a)),
    lambda a, b: tf.reduce_sum(a) * b,
    lambda a, b: tf.concat([a[:1], b[1:]], 0),
    lambda a, b: tf.transpose(tf.stack([a, b]))[0] * 0.5,
]


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(0, 30), st.integers(0, 30)),
        min_size=1,
        max_size=12,
    ),
    st.integers(0, 2**31),
)
def test_any_dag_to_second_order(steps, seed):
    """Random programs with values used many times, against differences."""

    def function(x, y):
        made = [x, y]
        for op, i, j in steps:
            made.append(OPS[op](made[i % len(made)], made[j % len(made)]))
        return made[-1]

    rng = np.random.default_rng(seed)
    tf.test.check_grads(function, [rng.uniform(-1, 1, 2), rng.uniform(-1, 1, 2)], order=2)


def test_a_value_used_twice_gets_the_sum():
    x = tf.constant(3.0)
    y = x * x + x
    assert run(tf.gradients(y, x)) == [7.0]


def test_diamond():
    """Walking in any order but the reverse one would pass an incomplete sum on."""
    a = tf.constant(2.0)
    b = a * 3.0
    c = b * b
    d = b + c
    e = c * d
    # e = c (b + c) with c = b^2: e = b^3 + b^4, b = 3 a
    b_value = 6.0
    assert run(tf.gradients(e, a)) == [3 * (3 * b_value**2 + 4 * b_value**3)]


def test_several_ys_and_xs():
    a, b, c = tf.constant(2.0), tf.constant(5.0), tf.constant(7.0)
    grads = tf.gradients([a * b, a * a], [a, b, c])
    assert grads[2] is None
    assert run(grads[:2]) == [9.0, 2.0]


def test_grad_ys():
    x = tf.constant([1.0, 2.0])
    y, z = x * 2.0, x * 3.0
    (grad,) = tf.gradients([y, z], x, grad_ys=[tf.constant([1.0, 10.0]), None])
    np.testing.assert_array_equal(run(grad), [5.0, 23.0])
    with pytest.raises(ValueError, match="grad_ys"):
        tf.gradients([y, z], x, grad_ys=[None])
    with pytest.raises(ValueError, match="shape"):
        tf.gradients(y, x, grad_ys=tf.zeros([3]))
    with pytest.raises(TypeError, match="dtype"):
        tf.gradients(y, x, grad_ys=tf.zeros([2], tf.float64))


def test_stop_gradients_and_stop_gradient():
    a = tf.constant(2.0)
    b = a * 3.0
    assert run(tf.gradients(a + b, [a, b], stop_gradients=[a, b])) == [1.0, 1.0]
    assert tf.gradients(tf.stop_gradient(b), a) == [None]
    assert run(tf.gradients(a * tf.stop_gradient(b), a)) == [6.0]


def test_by_intermediate_tensors_and_variables():
    v = tf.Variable([1.0, 2.0])
    doubled = v * 2.0
    loss = tf.reduce_sum(tf.square(doubled)) + v[1]
    by_v, by_doubled, by_read = tf.gradients(loss, [v, doubled, v.value()])
    for value, expected in zip(
        run([by_v, by_doubled, by_read]), ([8.0, 17.0], [4.0, 8.0], [8.0, 17.0]), strict=True
    ):
        np.testing.assert_array_equal(value, expected)


def test_y_is_x():
    x = tf.constant([1.0, 2.0])
    np.testing.assert_array_equal(run(tf.gradients(x, x)[0]), [1.0, 1.0])


def test_unknown_shapes():
    x = tf.placeholder(tf.float32)
    b = tf.placeholder(tf.float32)
    by_x, by_b = tf.gradients(tf.reduce_sum(x * x + b), [x, b])
    gx, gb = run([by_x, by_b], {x: np.ones((3, 2)), b: np.ones(2)})
    np.testing.assert_array_equal(gx, np.full((3, 2), 2.0))
    np.testing.assert_array_equal(gb, [3.0, 3.0])


def test_third_order():
    x = tf.constant(2.0, tf.float64)
    y = x**4
    for expected in (32.0, 48.0, 48.0):
        (y,) = tf.gradients(y, x)
        assert run(y) == pytest.approx(expected)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_check_grads(order):
    point = [np.array([0.3, -0.8])]
    tf.test.check_grads(lambda x: tf.sigmoid(x) * tf.log(1.0 + tf.square(x)), point, order=order)


def test_check_grads_finds_a_wrong_gradient():
    @tf.RegisterGradient("WrongTanh")
    def wrong(op, grad):
        return grad * (1.0 - op.outputs[0])

    def function(x):
        with tf.get_default_graph().gradient_override_map({"Tanh": "WrongTanh"}):
            return tf.tanh(x)

    with pytest.raises(AssertionError, match="order 1"):
        tf.test.check_grads(function, [np.array([0.7])])


def test_compute_gradient_error():
    x = tf.placeholder(tf.float64, [2, 3])
    y = tf.matmul(x, tf.constant(np.arange(6.0).reshape(3, 2)))
    with tf.Session():
        assert tf.test.compute_gradient_error(x, [2, 3], y, [2, 2]) < 1e-9
        theoretical, numeric = tf.test.compute_gradient(x, [2, 3], y, [2, 2])
    assert theoretical.shape == numeric.shape == (6, 4)


# ---- sparse gradients


def test_gather_gives_indexed_slices():
    table = tf.Variable(np.arange(8.0, dtype=np.float32).reshape(4, 2))
    rows = tf.gather(table, [3, 1, 3])
    (grad,) = tf.gradients(tf.reduce_sum(rows * [[1.0], [2.0], [3.0]]), table)
    assert isinstance(grad, tf.IndexedSlices)
    dense = run(tf.convert_to_tensor(grad))
    np.testing.assert_array_equal(dense, [[0, 0], [2, 2], [0, 0], [4, 4]])


def test_two_sparse_gradients_stay_sparse_and_a_mix_becomes_dense():
    table = tf.Variable(np.ones((4, 2), np.float32))
    both = tf.reduce_sum(tf.gather(table, [0])) + tf.reduce_sum(tf.gather(table, [1, 0]))
    (sparse,) = tf.gradients(both, table)
    assert isinstance(sparse, tf.IndexedSlices)
    np.testing.assert_array_equal(
        run(tf.convert_to_tensor(sparse)), [[2, 2], [1, 1], [0, 0], [0, 0]]
    )
    (mixed,) = tf.gradients(both + tf.reduce_sum(table.value()), table)
    np.testing.assert_array_equal(
        run(tf.convert_to_tensor(mixed)), [[3, 3], [2, 2], [1, 1], [1, 1]]
    )


# ---- where there is none


def test_no_path_is_none_or_zeros():
    a, b = tf.constant([1.0]), tf.constant([2.0, 3.0])
    assert tf.gradients(a, b) == [None]
    (zero,) = tf.gradients(a, b, unconnected_gradients="zero")
    np.testing.assert_array_equal(run(zero), [0.0, 0.0])


def test_integer_paths_are_none():
    x = tf.constant([1.0, 2.0], name="x")
    y = tf.cast(tf.argmax(x), tf.float32)
    assert tf.gradients(y, x) == [None]
    text = why_no_gradient([y], x)
    assert "cut at 'ArgMax'" in text and __file__ in text
    assert "no path" in why_no_gradient([y], tf.constant(1.0))


def test_an_op_without_a_gradient_is_named():
    from minitf.framework import op_def as op_def_lib

    declared = op_def_lib.op_def(
        "NobodySaidHow(x: T) -> (y: T)", "T: float", shape=op_def_lib.unchanged
    )
    try:
        x = tf.constant(1.0)
        y = declared(x, name="mystery")
        with pytest.raises(LookupError, match="No gradient defined for operation 'mystery'") as e:
            tf.gradients(y, x)
        assert __file__ in str(e.value) and "stop_gradient" in str(e.value)
        assert tf.gradients(x, x)[0] is not None

        @tf.RegisterGradient("NobodySaidHow")
        def gradient(op, grad):
            return 3.0 * grad

        assert tf.gradients(y, x)[0].op.type == "Mul"
    finally:
        del op_def_lib._REGISTRY["NobodySaidHow"]


def test_a_gradient_is_registered_once():
    with pytest.raises(KeyError, match="already registered"):
        tf.RegisterGradient("Tanh")(lambda op, grad: grad)
    with pytest.raises(KeyError, match="already registered"):
        tf.NotDifferentiable("Tanh")


def test_a_wrong_rule_is_told():
    @tf.RegisterGradient("TooMany")
    def too_many(op, grad):
        return grad, grad

    x = tf.constant(1.0)
    with tf.get_default_graph().gradient_override_map({"Tanh": "TooMany"}):
        y = tf.tanh(x)
    with pytest.raises(ValueError, match="returned 2 gradients for the 1 inputs"):
        tf.gradients(y, x)

    @tf.RegisterGradient("WrongShape")
    def wrong_shape(op, grad):
        return tf.zeros([2, 2])

    with tf.get_default_graph().gradient_override_map({"Tanh": "WrongShape"}):
        y = tf.tanh(x)
    with pytest.raises(ValueError, match="shape and dtype of its input"):
        tf.gradients(y, x)


# ---- placement


def test_names_and_colocation():
    with tf.device("/job:worker"):
        x = tf.constant(1.0, name="x")
        y = tf.square(x, name="y")
    (grad,) = tf.gradients(y, x)
    assert grad.op.name.startswith("gradients/y_grad/")
    assert grad.device == ""
    (grad,) = tf.gradients(y, x, colocate_gradients_with_ops=True)
    assert grad.device == "/job:worker" and b"loc:@y" in grad.op.colocation_groups()
    assert grad.op.name.startswith("gradients_1/")


def test_gated_gradients_become_ready_together():
    a, b = tf.constant(2.0), tf.constant(3.0)
    grads = tf.gradients(a * b, [a, b], gate_gradients=True)
    assert run(grads) == [3.0, 2.0]
    gates = [op for op in tf.get_default_graph().get_operations() if "group_deps" in op.name]
    assert len(gates) == 1


def test_print_and_check_numerics_pass_gradients_on():
    x = tf.constant(2.0)
    y = tf.check_numerics(tf.Print(tf.square(x), [x]), "y")
    assert run(tf.gradients(y, x)) == [4.0]


def test_ops_without_a_word_on_their_gradient_refuse_it():
    """As in TensorFlow: None would say that the function is constant."""
    x = tf.constant([1.0, 2.0])
    for y in (tf.unique(x).y, tf.setdiff1d(x, [2.0]).out, tf.bitcast(x, tf.float32)):
        with pytest.raises(LookupError, match="No gradient defined"):
            tf.gradients(y, x)


def test_what_nobody_asks_for_is_not_built():
    x, w = tf.placeholder(tf.float32, [2, 3]), tf.Variable(tf.ones([3, 4]))
    y = tf.matmul(x * 2.0, w)
    before = len(tf.get_default_graph().get_operations())
    (by_w,) = tf.gradients(y, w)
    made = tf.get_default_graph().get_operations()[before:]
    assert [op.type for op in made if op.type in ("MatMul", "Mul")] == ["MatMul"]
    assert by_w.op.inputs[0] is y.op.inputs[0]

    (by_x,) = tf.gradients(y, x)
    made = tf.get_default_graph().get_operations()[before + len(made) :]
    assert [op.type for op in made if op.type in ("MatMul", "Mul")] == ["MatMul", "Mul"]
    assert by_x.shape == x.shape


def test_a_rule_may_give_functions_where_others_give_gradients():
    @tf.RegisterGradient("FunctionsThatBuild")
    def rule(op, grad):
        return lambda: 3.0 * grad, lambda: 1 / 0

    x = tf.constant(2.0)
    with tf.get_default_graph().gradient_override_map({"Mul": "FunctionsThatBuild"}):
        y = x * tf.constant(5.0)
    with tf.Session() as sess:
        assert sess.run(tf.gradients(y, x)) == [3.0]
