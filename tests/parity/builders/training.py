"""Optimizers, learning-rate decays and moving averages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.parity.builders.trajectories import DECAYS, OPTIMIZERS
from tests.parity.harness import Family

family = Family("training")


def updates(make: Callable[[Any], Any], **options: Any) -> Callable[[Any], Any]:
    """A dense and a sparse gradient applied by an optimizer."""

    def build(tf: Any) -> Any:
        v = tf.Variable([[1.0, 2.0], [3.0, 4.0]], name="v")
        w = tf.Variable([1.0, 2.0, 3.0], name="w")
        rows = tf.IndexedSlices(
            tf.placeholder(tf.float32, [None, 2], name="values"),
            tf.placeholder(tf.int32, [None], name="indices"),
            tf.constant([2, 2], name="dense_shape"),
        )
        grad = tf.placeholder(tf.float32, [3], name="grad")
        return make(tf).apply_gradients([(rows, v), (grad, w)], **options)

    return build


@family.graph
def counted(tf: Any) -> Any:
    step = tf.train.get_or_create_global_step()
    v = tf.Variable(1.0, name="v")
    optimizer = tf.train.MomentumOptimizer(0.1, 0.9, use_locking=True)
    return optimizer.apply_gradients([(tf.constant(2.0), v)], global_step=step, name="train")


@family.graph
def scoped(tf: Any) -> Any:
    with tf.variable_scope("s"), tf.name_scope("n"):
        v = tf.get_variable("v", [], initializer=tf.ones_initializer())
        tf.train.AdamOptimizer().apply_gradients([(tf.constant(2.0), v)])
        tf.train.AdamOptimizer().apply_gradients([(tf.constant(3.0), v)])
        return tf.train.get_or_create_global_step()


@family.graph
def doubled(tf: Any) -> Any:
    v = tf.Variable(tf.constant([1.0], tf.float64), name="v")
    return tf.train.AdamOptimizer().apply_gradients([(tf.constant([2.0], tf.float64), v)])


@family.graph
def constrained(tf: Any) -> Any:
    with tf.device("/cpu:0"):
        v = tf.Variable([1.0], name="v", constraint=lambda x: x * 2.0)
    optimizer = tf.train.GradientDescentOptimizer(0.1)
    return optimizer.apply_gradients([(tf.constant([2.0]), v)])


@family.graph
def own_scope(tf: Any) -> Any:
    v = tf.Variable(1.0, name="v")
    optimizer = tf.train.AdamOptimizer(use_own_namescope_for_non_slot_vars=True)
    return optimizer.apply_gradients([(tf.constant(2.0), v)], name="train")


@family.graph
def shapeless(tf: Any) -> Any:
    """Slots of a variable whose shape is known only in a session."""
    v = tf.Variable(tf.placeholder(tf.float32, [None]), validate_shape=False, name="v")
    grad = tf.constant([2.0])
    tf.train.AdagradOptimizer(0.1).apply_gradients([(grad, v)])
    tf.train.RMSPropOptimizer(0.1).apply_gradients([(grad, v)])
    return tf.train.MomentumOptimizer(0.1, 0.9).apply_gradients([(grad, v)])


@family.graph
def averages(tf: Any) -> Any:
    v = tf.Variable(1.0, name="v")
    c = tf.multiply(v, 2.0, name="c")
    count = tf.Variable(3, name="count", trainable=False)
    tf.train.ExponentialMovingAverage(0.9, num_updates=count).apply([v, c])
    return tf.train.ExponentialMovingAverage(0.9, name="E").apply()


@family.graph
def averages_without_bias(tf: Any) -> Any:
    with tf.variable_scope("s"):
        c = tf.placeholder(tf.float32, [2], name="c")
        ema = tf.train.ExponentialMovingAverage(0.9, zero_debias=True)
        ema.apply([c])
        return ema.apply([tf.identity(c)])


def decay(build: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    def with_step(tf: Any) -> Any:
        return build(tf, tf.Variable(5, trainable=False, name="step", dtype=tf.int64))

    return with_step


for _name, _make in OPTIMIZERS.items():
    family.add(f"updates_{_name}", "graph", updates(_make))
for _name, _build in DECAYS.items():
    family.add(f"decay_{_name}", "graph", decay(_build))
