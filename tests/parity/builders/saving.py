"""Savers: their nodes, on one device and on several, and the messages that describe them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.parity.harness import Family

family = Family("saving")

# The devices are not there, or nothing is to be written: nodes are compared, and not run.


def _variables(tf: Any) -> tuple[Any, Any]:
    return tf.Variable([1.0, 2.0], name="b"), tf.get_variable(
        "a", [], tf.int64, tf.zeros_initializer(), trainable=False
    )


def _described(saver: Any) -> Any:
    return np.array(saver.as_saver_def().SerializeToString(deterministic=True), object)


@family.graph(run=False)
def saver_of_everything(tf: Any) -> None:
    _variables(tf)
    tf.train.Saver()


@family.graph(run=False)
def two_savers(tf: Any) -> None:
    b, a = _variables(tf)
    tf.train.Saver([b])
    tf.train.Saver({"x/y": b, "c": a}, name="n", filename="fn")


@family.graph(run=False)
def saver_in_a_scope(tf: Any) -> None:
    with tf.name_scope("outer"):
        _variables(tf)
        tf.train.Saver(restore_sequentially=True)


@family.graph(run=False)
def saver_that_reshapes(tf: Any) -> None:
    _variables(tf)
    tf.Variable([1.0], validate_shape=False, name="u", shape=tf.TensorShape(None))
    tf.train.Saver(reshape=True)


@family.graph(run=False)
def saver_of_unknown_shapes(tf: Any) -> None:
    tf.Variable(tf.placeholder(tf.float32), validate_shape=False, name="u")
    tf.train.Saver()


@family.graph(run=False)
def saver_of_shards(tf: Any) -> None:
    _variables(tf)
    tf.train.Saver(sharded=True)


@family.graph(run=False)
def saver_of_shards_on_devices(tf: Any) -> None:
    with tf.device("/job:ps/task:0"):
        tf.Variable([1.0], name="q")
    with tf.device("/job:ps/task:1"):
        tf.Variable([1.0], name="c")
        tf.Variable(2, name="z")
    tf.train.Saver(sharded=True)


@family.graph(run=False)
def saver_on_devices(tf: Any) -> None:
    with tf.device("/cpu:0"):
        tf.Variable([1.0], name="q")
    with tf.device("/gpu:0"):
        tf.Variable([1.0], name="g")
    tf.train.Saver()


@family.graph(run=False)
def saver_with_slots(tf: Any) -> None:
    w = tf.Variable([1.0, 2.0], name="w")
    step = tf.train.get_or_create_global_step()
    train = tf.train.AdamOptimizer(0.1).minimize(tf.reduce_sum(w * w), global_step=step)
    average = tf.train.ExponentialMovingAverage(0.9)
    with tf.control_dependencies([train]):
        average.apply([w])
    tf.train.Saver()
    tf.train.Saver(average.variables_to_restore(), name="averages")


@family.graph
def joined_texts(tf: Any) -> None:
    tf.string_join(["a", ["b", "c"], [b"\xff", b""]], separator="/", name="j")
    tf.string_join([tf.placeholder(tf.string, [2], name="p"), tf.placeholder(tf.string, name="q")])
    tf.string_join(["x"])


@family.values
def saver_defs(tf: Any) -> list[Any]:
    _variables(tf)
    return [
        _described(tf.train.Saver()),
        _described(tf.train.Saver(max_to_keep=2, keep_checkpoint_every_n_hours=1.5, name="n")),
        _described(tf.train.Saver(max_to_keep=None, sharded=True, pad_step_number=True)),
    ]


family.error("nothing to save", lambda tf: tf.train.Saver())
family.error("no variable", lambda tf: tf.train.Saver([tf.constant(1)]))
family.error("a variable twice", lambda tf: tf.train.Saver([tf.Variable(1, name="v")] * 2))
family.error("two names", lambda tf: tf.train.Saver(dict.fromkeys("ab", tf.Variable(1))))
family.error("a number", lambda tf: tf.train.Saver(3))
family.error("not built", lambda tf: tf.train.Saver(defer_build=True).save)
family.error("no path", lambda tf: _restore(tf, None))
family.error("no checkpoint", lambda tf: _restore(tf, "/no/such/folder/m"))
family.error("no folder", lambda tf: _save(tf, "/no/such/folder/m"))
family.error("name of the state file", lambda tf: _save(tf, "/no/such/folder/checkpoint"))


def _restore(tf: Any, path: Any) -> Any:
    tf.Variable(1.0)
    saver = tf.train.Saver()
    return lambda sess: saver.restore(sess, path)


def _save(tf: Any, path: Any) -> Any:
    v = tf.Variable(1.0)
    saver = tf.train.Saver()

    def run(sess: Any) -> None:
        sess.run(v.initializer)
        saver.save(sess, path)

    return run
