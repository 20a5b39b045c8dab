"""What may be dead is known, and passes do all around it what they do elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minitf as tf
from minitf.ops.switch_ops import merge, switch
from minitf.runtime.branches import may_be_dead
from minitf.runtime.prune import prune
from minitf.train.training_util import _get_or_create_global_step_read


def dead(fetch: Any, *fed: Any) -> set[str]:
    """The names of what may be dead, but for Switches and what leads to them."""
    found = may_be_dead(prune([fetch], set(fed)), set(fed))
    return {op.name for op in found if "Switch" not in op.type and "switch" not in op.name}


def passes_in(explained: str) -> list[str]:
    """The passes that found something to do."""
    return [line.split(":")[0] for line in explained.splitlines() if line.startswith("# ")][1:]


@pytest.fixture
def x() -> Any:
    return tf.placeholder(tf.float32, [None, 64], name="x")


@pytest.fixture
def p() -> Any:
    return tf.placeholder(tf.bool, [], name="p")


def test_what_follows_a_choice_is_alive(x: Any, p: Any) -> None:
    y = tf.cond(p, lambda: tf.exp(x, name="a"), lambda: tf.sin(x, name="b"))
    with tf.control_dependencies([y]):
        z = tf.add(y, x, name="z")
    assert dead(z) == {"cond/a", "cond/b"}


def test_what_follows_choices_in_choices_is_alive(x: Any, p: Any) -> None:
    q = tf.reduce_sum(x) > 0.0

    def inner() -> Any:
        return tf.exp(tf.cond(q, lambda: x, lambda: -x), name="a")

    y = tf.cond(p, inner, lambda: tf.sin(x, name="b"))
    assert dead(tf.exp(y)) == {
        *("cond/a", "cond/b", "cond/cond/Merge", "cond/cond/Neg", "cond/cond/pred_id")
    }
    z = tf.case([(p, lambda: x), (q, lambda: -x)], default=lambda: tf.sin(x))
    assert not any(name.startswith("case") and "/" not in name for name in dead(tf.exp(z)))
    assert tf.exp(z).op not in may_be_dead(prune([tf.exp(z)], set()), set())


def test_what_waits_for_a_branch_is_dead_with_it(x: Any, p: Any) -> None:
    off, on = switch(x, p)
    with tf.control_dependencies([off]):
        waits = tf.identity(x, name="waits_for_side")
    with tf.control_dependencies([tf.exp(on, name="a").op]):
        late = tf.identity(x, name="waits_for_node")
    assert dead(waits) == set()  # a Switch is run whichever side it chooses
    assert dead(late) == {"a", "waits_for_node"}
    assert dead(late, on) == set()


def test_a_merge_of_what_does_not_belong_together_may_be_dead(x: Any, p: Any) -> None:
    q = tf.reduce_sum(x) > 0.0
    crossed, _ = merge([switch(x, p)[0], switch(x, q)[1]], name="crossed")
    same, _ = merge([switch(x, p)[0], switch(x, p)[0]], name="same")
    assert dead(tf.exp(crossed, name="a")) == {"crossed", "a"}
    assert dead(tf.exp(same, name="b")) == {"same", "b"}


def test_a_predicate_in_a_variable_may_change_from_switch_to_switch(x: Any) -> None:
    flag = tf.Variable(True, name="flag")
    y = tf.cond(flag, lambda: x, lambda: -x)
    assert y.op.name in dead(y)
    steady = tf.cond(tf.logical_and(flag, True), lambda: x, lambda: -x)
    assert steady.op.name not in dead(steady)


def test_a_run_that_reads_the_global_step_gets_the_passes(x: Any) -> None:
    """Hooks read it in a branch, as it need not have a value yet."""
    hidden = tf.sin(tf.layers.dense(x, 256)) * 2.0 + 1.0
    loss = tf.reduce_mean(tf.square(tf.layers.dense(hidden, 1)))
    step = tf.train.get_or_create_global_step()
    train = tf.train.AdamOptimizer().minimize(loss, step)
    read = _get_or_create_global_step_read()
    feed = {x: np.ones((32, 64), np.float32)}
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        plain, hooked = sess.explain(train, feed), sess.explain([train, read], feed)
        assert sess.run([read, train], feed)[0] in (0, 1)
        assert sess.run([train, read], feed)[1] in (1, 2)
    assert "1 Sweep" in hooked and "fused_" in hooked and "arena[0]" in hooked
    assert passes_in(hooked) == passes_in(plain)
    checks = [line for line in hooked.splitlines() if "DEAD" in line]
    assert checks and all("global_step" in line for line in checks)


def test_layers_on_both_sides_of_a_choice_are_rewritten(x: Any, p: Any) -> None:
    """As with batch normalization and dropout that ask a placeholder whether this is training."""
    y = tf.layers.batch_normalization(tf.layers.dense(x, 64), training=p)
    y = tf.layers.dropout(tf.nn.relu(y), 0.5, seed=1, training=p)
    loss = tf.reduce_mean(tf.square(tf.layers.dense(y, 1)))
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        train = tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss)
    value = np.random.RandomState(0).randn(32, 64).astype(np.float32)
    results = []
    for level in (0, tf.OptimizerOptions.L0):
        options = tf.GraphOptions(optimizer_options=tf.OptimizerOptions(opt_level=level))
        with tf.Session(config=tf.ConfigProto(graph_options=options)) as sess:
            tf.set_random_seed(1)
            sess.run([v.initializer for v in tf.global_variables()])
            for v in tf.trainable_variables():
                v.load(np.full(v.shape.as_list(), 0.125, np.float32), sess)
            losses = [
                sess.run([loss, train] if training else [loss], {x: value, p: training})[0]
                for training in (True, True, True, False, False)
            ]
            results.append([*losses, *sess.run(tf.global_variables())])
            text = sess.explain([loss, train], {x: value, p: True})
            assert ("1 Sweep" in text) == ("fused_" in text) == (level == 0)
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_a_placeholder_outside_of_branches_has_to_be_fed(x: Any, p: Any) -> None:
    v = tf.Variable(0.0)
    lacks = tf.placeholder(tf.float32, [2], name="lacks")
    y = tf.cond(p, lambda: tf.placeholder(tf.float32, [2], name="unfed"), lambda: tf.zeros([2]))
    with tf.Session() as sess:
        sess.run(v.initializer)
        assert sess.run(y, {p: False}).tolist() == [0.0, 0.0]
        with pytest.raises(tf.errors.InvalidArgumentError, match="cond/unfed"):
            sess.run(y, {p: True})
        with pytest.raises(tf.errors.InvalidArgumentError, match="'lacks'"):
            sess.run([v.assign_add(1.0), tf.exp(lacks), y], {p: False})
        assert sess.run(v) == 0.0  # it was refused before anything was done


def test_a_side_that_would_not_fit_is_no_matter_where_it_is_not_taken(x: Any, p: Any) -> None:
    """What is made for some shapes may be impossible in the branch that they do not take."""
    few = tf.cond(tf.shape(x)[0] > 2, lambda: tf.reshape(x[:2], [2, 64]), lambda: x)
    y = tf.tanh(few) * 2.0 + 1.0
    with tf.Session() as sess:
        for rows in (1, 1, 1, 3, 3, 3):
            value = np.full((rows, 64), 0.5, np.float32)
            expected = np.tanh(value[:2]) * np.float32(2.0) + np.float32(1.0)
            np.testing.assert_allclose(sess.run(y, {x: value}), expected, rtol=1e-6)
