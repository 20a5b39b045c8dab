"""Passes: what each takes away, what it must leave, and that a mistake in one is caught."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minitf as tf
from minitf.ops.array_ops.shape_ops import SHAPE
from minitf.runtime.block import Block
from minitf.runtime.config import RewriterConfig
from minitf.runtime.passes import PASSES, rewrite


def types(block: Block) -> list[str]:
    return [node.op_def.name for node in block.nodes]


def after(fetches: list[Any], feeds: list[Any], *names: str) -> Block:
    """The block of some fetches, rewritten by these passes, or by all."""
    block = Block([getattr(f, "_ref", lambda f=f: f)() for f in fetches], feeds)
    rewrite(block, names or tuple(PASSES))
    return block


@pytest.fixture
def x() -> Any:
    return tf.placeholder(tf.float32, [None, 3], name="x")


def test_what_changes_nothing_is_read_through(x: Any) -> None:
    y = tf.identity(tf.stop_gradient(tf.identity(x))) * 1.0 - 0.0
    assert types(after([tf.exp(y / 1.0)], [x], "simplify")) == ["Exp"]
    assert after([tf.identity(x)], [x], "simplify").fetches[0].name == x.name


def test_what_is_not_exact_or_broadcasts_stays(x: Any) -> None:
    zero, ones = tf.constant(0.0), tf.constant([[[1.0]]])
    assert types(after([x + zero], [x], "simplify")) == ["AddV2"]  # -0.0 + 0.0 is 0.0
    assert types(after([x * ones], [x], "simplify")) == ["Mul"]  # one more axis
    assert types(after([x * tf.constant([1.0, 1.0, 1.0])], [x], "simplify")) == ["Mul"]


def test_a_read_of_a_variable_stays() -> None:
    v = tf.Variable(1.0)
    assert types(after([tf.identity(v)], [], "simplify")) == ["VariableV2", "Identity"]


def test_what_a_variable_held_is_not_what_it_holds_later() -> None:
    v = tf.Variable([1.0, 2.0])
    before = [v * 1.0, v - 0.0, tf.reduce_sum(tf.expand_dims(v, 0), 0)]
    with tf.control_dependencies(before):
        update = tf.assign_add(v, [1.0, 1.0])
    with tf.Session() as sess:
        sess.run(v.initializer)
        for step in range(3):
            *copies, after = sess.run([*before, update])
            np.testing.assert_array_equal(copies, [[1.0 + step, 2.0 + step]] * 3)
            np.testing.assert_array_equal(after, [2.0 + step, 3.0 + step])


def test_constants_and_static_shapes_are_computed_ahead(x: Any) -> None:
    width = tf.cast(tf.shape(tf.zeros([2, 3]))[1], tf.float32)
    assert types(after([x * (width + 1.0)], [x], "fold", "drop")) == ["Mul"]
    assert types(after([tf.rank(x), tf.size(tf.zeros([4]))], [x])) == []
    rows = tf.shape(x)[0]
    assert types(after([rows], [x])) == ["Shape", "StridedSlice"]


def test_nothing_random_or_large_is_computed_ahead() -> None:
    assert "RandomUniform" in types(after([tf.random_uniform([2])], []))
    assert types(after([tf.fill([1 << 20, 8], 1.0)], [])) == ["Fill"]
    assert types(after([tf.fill([2], 1.0)], [])) == []


def test_a_failing_constant_is_left_for_the_run() -> None:
    bad = tf.gather([1, 2], [5], name="beyond")
    with tf.Session() as sess, pytest.raises(tf.errors.InvalidArgumentError) as error:
        sess.run(bad)
    assert error.value.op is bad.op


def test_a_constant_that_is_fed_is_not_trusted() -> None:
    size = tf.constant([4], name="size")
    shape = SHAPE(tf.fill(size, 1.0))  # a node of its own; tf.shape would be a constant here
    assert types(after([shape], [])) == []
    with tf.Session() as sess:
        assert sess.run(shape).tolist() == [4]
        assert sess.run(shape, {size: [2]}).tolist() == [2]
        assert sess.run(shape * 2, {size: [2]}).tolist() == [4]


def test_equal_nodes_are_computed_once(x: Any) -> None:
    y = tf.exp(x) + tf.exp(x) * tf.exp(tf.identity(x))
    assert types(after([y], [x])) == ["Exp", "Mul", "AddV2"]
    assert types(after([x * 2.0 + 2.0 * x], [x])) == ["Mul", "AddV2"]  # it commutes
    assert types(after([(x - 2.0) * (2.0 - x)], [x])) == ["Sub", "Sub", "Mul"]
    other = tf.reduce_sum(x, 0) + tf.reduce_sum(x, 1)[:3]
    assert types(after([other], [x])).count("Sum") == 2
    assert (
        types(after([tf.argmax(x), tf.argmax(x, output_type=tf.int32)], [x])).count("ArgMax") == 2
    )


def test_equal_random_nodes_are_not_the_same() -> None:
    a, b = tf.random_uniform([5], seed=1), tf.random_uniform([5], seed=1)
    assert types(after([a + b], [])).count("RandomUniform") == 2


def test_a_value_before_and_after_an_update_is_not_the_same() -> None:
    v = tf.Variable(1.0)
    before = tf.exp(v.value())
    with tf.control_dependencies([before, v.assign_add(1.0)]):
        later = tf.exp(v.value())
    with tf.Session() as sess:
        sess.run(v.initializer)
        assert sess.run(later - before) == pytest.approx(np.exp(2.0) - np.exp(1.0))
    quiet = tf.exp(v.value()) + tf.exp(v.value())
    assert types(after([quiet], [])).count("Exp") == 1  # nothing writes here


def test_effects_and_fetched_operations_stay(x: Any) -> None:
    check = tf.check_numerics(x, "bad")
    v = tf.Variable([1.0])
    update = v.assign_add([2.0])
    with tf.control_dependencies([update, check]):
        done = tf.no_op()
    kept = types(after([done], [x]))
    assert "CheckNumerics" in kept and "AssignAdd" in kept
    assert types(after([tf.exp(x).op], [x])) == ["Exp"]


def test_the_caller_owns_what_it_fetches(x: Any) -> None:
    y, z = tf.exp(x), tf.constant([1.0, 2.0])
    value = np.zeros((2, 3), np.float32)
    with tf.Session() as sess:
        for fetches in ([y, y], [y, tf.reshape(y, [-1])], [tf.identity(x)], [z]):
            results = sess.run(fetches, {x: value})
            expected = [r.copy() for r in sess.run(fetches, {x: value})]
            for result in results[:1]:
                result[...] = 7.0
            assert not value.any()
            if len(results) == 2 and fetches[0] is not fetches[1]:
                np.testing.assert_array_equal(results[1], expected[1])
            for again, right in zip(sess.run(fetches, {x: value}), expected, strict=True):
                np.testing.assert_array_equal(again, right)


def test_passes_can_be_switched_off(x: Any) -> None:
    options = tf.OptimizerOptions(opt_level=tf.OptimizerOptions.L0)
    config = tf.ConfigProto(graph_options=tf.GraphOptions(optimizer_options=options))
    y = tf.identity(tf.exp(x)) * 1.0
    with tf.Session() as full, tf.Session(config=config) as plain:
        assert "mul_kernel" not in full.explain(y, [x])
        assert "mul_kernel" in plain.explain(y, [x])
        value = np.float32([[1.0, 2.0, 3.0]])
        np.testing.assert_array_equal(full.run(y, {x: value}), plain.run(y, {x: value}))


def test_each_pass_can_be_switched_off(x: Any) -> None:
    y = tf.identity(tf.exp(x)) + tf.exp(x) * tf.constant([2.0]) ** 2.0

    def explained(**options: Any) -> str:
        config = tf.ConfigProto()
        for name, value in options.items():
            setattr(config.graph_options.rewrite_options, name, value)
        with tf.Session(config=config) as sess:
            return sess.explain(y, [x])

    assert all(f"# {name}: " in explained() for name in ("simplify", "fold", "merge"))
    assert "# fold: " not in explained(constant_folding=RewriterConfig.OFF)
    assert "# simplify: " not in explained(arithmetic_optimization=RewriterConfig.OFF)
    only = explained(optimizers=["merge"])
    assert "# merge: " in only and "# fold: " not in only
    assert "# merge: " not in explained(disable_meta_optimizer=True)
    with pytest.raises(ValueError, match=r"names \['folt'\]; the passes are \['fold', 'simplify'"):
        explained(optimizers=["folt"])


def test_a_broken_pass_is_caught(x: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def lose_a_node(block: Block) -> int:
        return block.keep(block.nodes[1:])

    monkeypatch.setitem(PASSES, "lose", lose_a_node)
    block = Block([tf.exp(tf.square(x))], [x])
    with pytest.raises(AssertionError, match="after lose: Exp = Exp"):
        rewrite(block, ("lose",))


def test_what_was_fetched_outlives_the_next_run() -> None:
    """Kernels keep scratch memory for the next call; none of it may be in a caller's hands."""
    image, grad = (
        tf.placeholder(tf.float32, [2, 9, 9, 8]),
        tf.placeholder(tf.float32, [2, 9, 9, 16]),
    )
    window = tf.constant(np.linspace(-1, 1, 5 * 5 * 8 * 16, dtype=np.float32).reshape(5, 5, 8, 16))
    fetches = [
        tf.nn.conv2d(image, window, [1] * 4, "SAME"),
        tf.nn.conv2d_backprop_filter(image, [5, 5, 8, 16], grad, [1] * 4, "SAME"),
        tf.nn.conv2d_backprop_input([2, 9, 9, 8], window, grad, [1] * 4, "SAME"),
        tf.nn.max_pool(image, 2, 2, "SAME"),
        tf.matmul(tf.reshape(image, [-1, 8]), tf.ones([8, 4])),
        tf.reduce_sum(image, 0),
    ]
    rng = np.random.default_rng(0)
    feeds = {t: rng.standard_normal(t.shape.as_list(), np.float32) for t in (image, grad)}
    with tf.Session() as sess:
        first = sess.run(fetches, feeds)
        kept = [value.copy() for value in first]
        sess.run(fetches, {t: -value for t, value in feeds.items()})
    for value, right in zip(first, kept, strict=True):
        np.testing.assert_array_equal(value, right)
