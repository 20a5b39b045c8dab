"""All updates of a step at once: which belong together, that bits and errors stay."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minitf as tf
from minitf.framework import op_def
from minitf.runtime.block import Block, Node
from minitf.runtime.passes import PASSES, rewrite

OPTIMIZERS = {
    "descent": lambda: tf.train.GradientDescentOptimizer(0.1),
    "momentum": lambda: tf.train.MomentumOptimizer(0.1, 0.9),
    "nesterov": lambda: tf.train.MomentumOptimizer(0.1, 0.9, use_nesterov=True),
    "adam": lambda: tf.train.AdamOptimizer(0.1),
    "adagrad": lambda: tf.train.AdagradOptimizer(0.1),
    "adadelta": lambda: tf.train.AdadeltaOptimizer(1.0),
    "rms_prop": lambda: tf.train.RMSPropOptimizer(0.1, momentum=0.5),
    "centered": lambda: tf.train.RMSPropOptimizer(0.1, centered=True),
    "ftrl": lambda: tf.train.FtrlOptimizer(0.1, l1_regularization_strength=0.01),
    "proximal": lambda: tf.train.ProximalAdagradOptimizer(0.1),
}


def rewritten(fetches: list[Any], feeds: Any = ()) -> Block:
    block = Block(fetches, list(feeds))
    rewrite(block, tuple(PASSES))
    return block


def sizes(block: Block) -> list[int]:
    """How many variables each sweep writes, in order; 1 for an update by itself."""
    return [
        sum(value.is_ref and not read for value, read in node.reads())
        for node in block.nodes
        if node.op_def.name == "Sweep" or node.op_def.sweep is not None
    ]


def outcome(step: list[Any], passes: bool, times: int = 3) -> list[Any]:
    """What some steps fetch in the end, and what they leave in all variables."""
    level = tf.OptimizerOptions(opt_level=0 if passes else -1)
    config = tf.ConfigProto(graph_options=tf.GraphOptions(optimizer_options=level))
    with tf.Session(config=config) as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(times):
            fetched = sess.run(step)
        return [*(f for f in fetched if f is not None), *sess.run(tf.global_variables())]


def check(step: list[Any], expected: list[int]) -> None:
    assert sizes(rewritten(step)) == expected
    for one, two in zip(outcome(step, True), outcome(step, False), strict=True):
        np.testing.assert_array_equal(one, two)


def parameters(dtype: Any = tf.float32) -> list[Any]:
    rng = np.random.RandomState(0)
    shapes = ((300, 400), (7,), (), (40_000,), (0,), (3, 5, 2))
    return [tf.Variable(tf.constant(rng.standard_normal(shape), dtype)) for shape in shapes]


def descent(variable: Any, grad: Any, rate: float = 0.5, **attrs: Any) -> Any:
    op = op_def.get("ApplyGradientDescent")
    return op(variable._ref(), tf.constant(rate, variable.dtype.base_dtype), grad, **attrs)


@pytest.mark.parametrize("dtype", [tf.float16, tf.float32, tf.float64])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer(name: str, dtype: Any) -> None:
    variables = parameters(dtype)
    loss = tf.add_n([tf.reduce_sum(tf.square(v - 1.0)) for v in variables])
    step = OPTIMIZERS[name]().minimize(loss)
    (size,) = sizes(rewritten([step]))
    assert size % len(variables) == 0
    check([step], [size])


def test_different_optimizers_and_rates_share_a_sweep() -> None:
    a, b, c = (tf.Variable([1.0, 2.0]) for _ in range(3))
    loss = tf.reduce_sum(tf.square(a) + tf.square(b) + tf.square(c))
    gradients = tf.gradients(loss, [a, b, c])
    first = tf.train.GradientDescentOptimizer(0.1).apply_gradients([(gradients[0], a)])
    second = tf.train.GradientDescentOptimizer(0.2).apply_gradients([(gradients[1], b)])
    third = tf.train.MomentumOptimizer(0.2, 0.9).apply_gradients([(gradients[2], c)])
    check([tf.group(first, second, third)], [4])


def test_what_is_read_from_an_update_is_the_new_value() -> None:
    a, b, c = (tf.Variable([1.0, 2.0]) for _ in range(3))
    updates = [descent(v, tf.constant([1.0, 1.0])) for v in (a, b, c)]
    check([updates[1], updates[0]], [2])
    check([updates[2] * 2.0, updates[0], updates[0]], [2])
    check([u.op for u in updates], [3])
    with tf.control_dependencies([updates[1].op]):
        later = tf.identity(b)
    check([updates[0].op, later], [2])


def test_an_update_that_reads_what_another_one_wrote_comes_after_it() -> None:
    a, b, c = (tf.Variable([1.0, 2.0]) for _ in range(3))
    first = descent(a, tf.constant([1.0, 1.0]))
    check([first.op, descent(b, first).op], [1, 1])
    # By way of a read, in a kernel and in none.
    with tf.control_dependencies([first]):
        grad = tf.square(a.value())
    check([first.op, descent(b, grad).op, descent(c, grad).op], [1, 2])
    with tf.control_dependencies([first]):
        check([first.op, descent(b, tf.identity(a.value())).op], [1, 1])


def test_an_update_of_what_another_one_read_comes_after_it() -> None:
    a, b = (tf.Variable([1.0, 2.0]) for _ in range(2))
    value = a.value()
    first = descent(b, value)
    with tf.control_dependencies([first]):
        second = descent(a, tf.constant([1.0, 1.0]))
    check([first.op, second.op], [1, 1])


def test_one_variable_twice() -> None:
    a, b = (tf.Variable([1.0, 2.0]) for _ in range(2))
    grad = tf.constant([1.0, 1.0])
    check([descent(a, grad).op, descent(a, grad).op], [1, 1])
    check([descent(a, grad).op, descent(b, grad).op, descent(a, grad).op], [2, 1])


def test_two_nodes_of_one_variable() -> None:
    make = op_def.get("VariableV2")
    refs = [make(shape=[2], dtype=tf.float32, shared_name="shared") for _ in range(2)]
    rate, grad = tf.constant(0.5), tf.constant([1.0, 1.0])
    updates = [op_def.get("ApplyGradientDescent")(ref, rate, grad) for ref in refs]
    assert sizes(rewritten([u.op for u in updates])) == [1, 1]


def test_reads_and_writes_in_between_end_a_group() -> None:
    a, b, c = (tf.Variable([1.0, 2.0]) for _ in range(3))
    grad = tf.constant([1.0, 1.0])
    first = descent(a, grad)
    with tf.control_dependencies([first]):
        between = tf.square(a.value())
    with tf.control_dependencies([between]):
        second = descent(b, grad)
    check([between, second.op], [1, 1])
    with tf.control_dependencies([descent(c, grad)]):
        write = tf.assign(c, [5.0, 5.0])
    with tf.control_dependencies([write]):
        check([write, descent(b, grad).op], [1, 1])


def test_effects_that_cannot_be_seen_end_a_group() -> None:
    a, b = (tf.Variable([1.0, 2.0]) for _ in range(2))
    grad = tf.constant([1.0, 1.0])
    first = descent(a, grad)
    with tf.control_dependencies([first]):
        called = tf.py_func(lambda: np.float32(1.0), [], tf.float32)
    with tf.control_dependencies([called]):
        second = descent(b, grad)
    check([first.op, second.op], [1, 1])


def test_updates_that_take_locks_stay() -> None:
    a, b = (tf.Variable([1.0, 2.0]) for _ in range(2))
    grad = tf.constant([1.0, 1.0])
    check([descent(v, grad, use_locking=True).op for v in (a, b)], [1, 1])
    check([descent(v, grad).op for v in (a,)], [1])


def test_nodes_wait_for_the_sweep() -> None:
    a, b = (tf.Variable([1.0, 2.0]) for _ in range(2))
    updates = [descent(v, tf.constant([1.0, 1.0])).op for v in (a, b)]
    block = rewritten([tf.group(*updates)])
    (sweep,) = (node for node in block.nodes if node.op_def.name == "Sweep")
    last: Node = block.nodes[-1]
    assert last.op_def.name == "NoOp" and last.waits == [sweep]


def test_a_variable_without_a_value_is_named_and_nothing_is_changed() -> None:
    a, b = tf.Variable([1.0, 2.0], name="a"), tf.Variable([1.0], name="b")
    updates = [descent(a, tf.constant([1.0, 1.0])), descent(b, tf.constant([1.0]))]
    with tf.Session() as sess:
        sess.run(a.initializer)
        with pytest.raises(tf.errors.FailedPreconditionError, match="value b") as error:
            sess.run([u.op for u in updates])
        assert error.value.op is updates[1].op
        np.testing.assert_array_equal(sess.run(a), [1.0, 2.0])


def test_an_error_is_that_of_the_update() -> None:
    a = tf.Variable([1.0, 2.0])
    grad = tf.placeholder(tf.float32)
    updates = [descent(a, tf.constant([1.0, 1.0])), descent(tf.Variable([1.0]), grad)]
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        with pytest.raises(tf.errors.InvalidArgumentError, match="same shape") as error:
            sess.run([u.op for u in updates], {grad: [1.0, 2.0, 3.0]})
        assert error.value.op is updates[1].op
        assert "float32[3]" in str(error.value)
        sess.run([u.op for u in updates], {grad: [2.0]})  # and the next step is whole
        np.testing.assert_array_equal(sess.run(a), [0.5, 1.5])


def test_explain_shows_the_sweep() -> None:
    step = tf.train.AdamOptimizer().minimize(
        tf.add_n([tf.reduce_sum(tf.square(v)) for v in parameters()])
    )
    with tf.Session() as sess:
        text = sess.explain(step)
    assert text.count("sweep_kernel(") == 1
    assert "apply_adam_kernel" not in text
    assert "# sweep: without 6 ApplyAdam; with 1 Sweep" in text


# ---- gradients that are computed where they are used


def dense_step(
    optimizer: Any, dtype: Any = tf.float32, shape: tuple[int, int] = (1100, 1000)
) -> tuple[Any, Any]:
    """A step whose largest gradient is a product of this shape, and what is to be fed."""
    x = tf.placeholder(dtype, [20, shape[0]])
    rng = np.random.RandomState(0)
    weights = tf.Variable(tf.constant(rng.standard_normal(shape) / 50, dtype), name="weights")
    bias = tf.Variable(tf.zeros([shape[1]], dtype))
    loss = tf.reduce_sum(tf.tanh(tf.matmul(x, weights) + bias))
    return optimizer.minimize(loss), {x: rng.standard_normal((20, shape[0]))}


def trained(fetches: Any, feed: Any, passes: bool) -> list[Any]:
    level = tf.OptimizerOptions(opt_level=0 if passes else -1)
    config = tf.ConfigProto(graph_options=tf.GraphOptions(optimizer_options=level))
    with tf.Session(config=config) as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(3):
            sess.run(fetches, feed)
        return list(sess.run(tf.global_variables()))


def products_in_sweeps(block: Block) -> int:
    parts = (part for node in block.nodes for part in node.parts)
    return sum(part.op_def.name == "MatMul" for part in parts)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_large_product_is_made_in_the_sweep(name: str) -> None:
    step, feed = dense_step(OPTIMIZERS[name]())
    block = rewritten([step], feed)
    assert products_in_sweeps(block) == 1
    assert [node.op_def.name for node in block.nodes].count("MatMul") == 1  # the way forward
    for one, two in zip(trained(step, feed, True), trained(step, feed, False), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("shape", [(1100, 1000), (5000, 250), (1025, 1024), (300, 4099)])
def test_products_of_many_shapes(shape: tuple[int, int]) -> None:
    for dtype in (tf.float32, tf.float64):
        step, feed = dense_step(tf.train.MomentumOptimizer(0.1, 0.9), dtype, shape)
        assert products_in_sweeps(rewritten([step], feed)) == 1
        for one, two in zip(trained(step, feed, True), trained(step, feed, False), strict=True):
            np.testing.assert_array_equal(one, two)


def test_products_that_others_read_stay() -> None:
    optimizer = tf.train.GradientDescentOptimizer(0.1)
    step, feed = dense_step(optimizer)
    product = next(
        op for op in step.graph.get_operations() if op.type == "MatMul" and "grad" in op.name
    )
    assert products_in_sweeps(rewritten([step], feed)) == 1
    assert products_in_sweeps(rewritten([step, product.outputs[0]], feed)) == 0
    assert products_in_sweeps(rewritten([step, product], feed)) == 0
    with tf.control_dependencies([product]):
        after = tf.no_op()
    assert products_in_sweeps(rewritten([step, after], feed)) == 0


@pytest.mark.parametrize(("shape", "dtype"), [((100, 100), tf.float32), ((1100, 1000), tf.float16)])
def test_products_of_few_numbers_and_of_other_dtypes_stay(
    shape: tuple[int, int], dtype: Any
) -> None:
    step, feed = dense_step(tf.train.GradientDescentOptimizer(0.1), dtype, shape)
    assert products_in_sweeps(rewritten([step], feed)) == 0


def test_a_product_of_a_variable_is_made_before_that_is_changed() -> None:
    first = tf.Variable(tf.random_normal([20, 1100], seed=1))
    second = tf.Variable(tf.random_normal([1100, 1000], seed=2))
    loss = tf.reduce_sum(tf.square(tf.matmul(first, second)))
    step = tf.train.GradientDescentOptimizer(1e-5).minimize(loss)
    assert products_in_sweeps(rewritten([step])) == 0
    for one, two in zip(trained(step, {}, True), trained(step, {}, False), strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_product_whose_factors_are_not_as_promised_is_made_as_a_whole() -> None:
    rows = tf.placeholder(tf.int32, []), tf.placeholder(tf.int32, [])
    left, right = tf.ones([rows[0], 1100]), tf.ones([rows[1], 1000])
    left.set_shape([20, 1100])
    right.set_shape([20, 1000])
    large, small = tf.Variable(tf.zeros([1100, 1000])), tf.Variable(0.0)
    product = tf.matmul(left, right, transpose_a=True)
    operations = [descent(large, product).op, descent(small, 1.0).op]
    assert products_in_sweeps(rewritten(operations)) == 1
    for batch in (20, 7):
        with tf.Session() as sess:
            sess.run(tf.global_variables_initializer())
            sess.run(operations, dict.fromkeys(rows, batch))
            np.testing.assert_array_equal(sess.run(large), np.full((1100, 1000), -batch / 2))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        with pytest.raises(tf.errors.InvalidArgumentError, match="size-incompatible") as error:
            sess.run(operations, {rows[0]: 20, rows[1]: 7})
        assert error.value.op is product.op
