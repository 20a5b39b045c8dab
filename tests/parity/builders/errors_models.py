"""Errors of variables, scopes, layers, losses, metrics, training, branches and graphs."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.parity.harness import Family

family = Family("errors_models")


def ph(tf: Any, *shape: Any, dtype: str = "float32") -> Any:
    return tf.placeholder(dtype, list(shape))


def fed(tf: Any, value: Any, dtype: str = "float32") -> Any:
    """A value of which nothing is known when the graph is built."""
    return tf.placeholder_with_default(tf.constant(np.array(value), dtype), None)


def twice(tf: Any, **options: Any) -> Any:
    """The same variable asked for two times."""
    tf.get_variable("v", [2])
    with tf.variable_scope(tf.get_variable_scope(), **options):
        return tf.get_variable("v", [2])


def reused(tf: Any, *args: Any, **options: Any) -> Any:
    """A variable asked for again with other arguments."""
    tf.get_variable("v", [2])
    with tf.variable_scope(tf.get_variable_scope(), reuse=True):
        return tf.get_variable("v", *args, **options)


def in_scope(tf: Any, make: Callable[[Any], Any], **options: Any) -> Any:
    with tf.variable_scope("s", **options):
        return make(tf)


def two_graphs(tf: Any) -> Any:
    with tf.Graph().as_default():
        other = tf.constant(1.0)
    return tf.constant(1.0) + other


def finalized(tf: Any) -> Any:
    tf.get_default_graph().finalize()
    return tf.constant(1.0)


VARIABLES: dict[str, Callable[[Any], Any]] = {
    "no value": lambda tf: tf.Variable(),
    "None": lambda tf: tf.Variable(None),
    "unknown shape": lambda tf: tf.Variable(tf.placeholder(tf.float32)),
    "part of a shape": lambda tf: tf.get_variable("v", [None, 2]),
    "no shape": lambda tf: tf.get_variable("v"),
    "two shapes": lambda tf: tf.get_variable("v", [2], initializer=tf.constant([1.0])),
    "dtype of an initializer": lambda tf: tf.get_variable(
        "v", dtype=tf.int32, initializer=tf.constant([1.0])
    ),
    "no initializer for text": lambda tf: tf.get_variable("v", [2], dtype="no_dtype"),
    "an initializer that is none": lambda tf: tf.get_variable("v", [2], initializer=3),
    "twice": twice,
    "twice by False": lambda tf: twice(tf, reuse=False),
    "reused but not there": lambda tf: in_scope(
        tf, lambda tf: tf.get_variable("none", [2]), reuse=True
    ),
    "reused with a shape": lambda tf: reused(tf, [3]),
    "reused with a dtype": lambda tf: reused(tf, [2], dtype=tf.float64),
    "a bad name": lambda tf: tf.get_variable("a b", [2]),
    "an empty name": lambda tf: tf.get_variable("", [2]),
    "a bad name of a Variable": lambda tf: tf.Variable(1.0, name="a b"),
    "a scope without a name": lambda tf: in_scope(tf, lambda tf: tf.variable_scope(None)),
    "a scope of None": lambda tf: tf.variable_scope(None).__enter__(),
    "a scope of a number": lambda tf: tf.variable_scope(3).__enter__(),
    "collections as text": lambda tf: tf.Variable(1.0, collections="mine"),
    "a constraint": lambda tf: tf.Variable(1.0, constraint=3),
    "an initial value in a branch": lambda tf: tf.cond(
        ph(tf, dtype="bool"), lambda: tf.Variable(tf.constant(1.0)), lambda: tf.constant(1.0)
    ),
    "assign of a shape": lambda tf: tf.assign(tf.Variable([1.0, 2.0]), [1.0]),
    "assign of a dtype": lambda tf: tf.assign(tf.Variable([1.0]), tf.constant([1])),
    "assign_add of a dtype": lambda tf: tf.Variable([1.0]).assign_add(tf.constant([1])),
    "item assignment": lambda tf: operator.setitem(tf.Variable([1.0]), 0, 2.0),
    "scatter of a shape": lambda tf: tf.scatter_update(tf.Variable([1.0]), [0], [[1.0, 2.0]]),
    "scatter of floats": lambda tf: tf.scatter_add(tf.Variable([1.0]), [0.0], [1.0]),
    "scatter of a dtype": lambda tf: tf.scatter_add(tf.Variable([1.0]), [0], tf.constant([1])),
    "scatter_nd of a shape": lambda tf: tf.scatter_nd_add(tf.Variable([1.0]), [[0]], [[1.0, 2.0]]),
    "count of floats": lambda tf: tf.count_up_to(tf.Variable(1.0), 3),
    "truth of a variable": lambda tf: bool(tf.Variable(1.0) > 2.0),
    "iterate over a variable": lambda tf: list(tf.Variable([1.0])),
    "reuse twice": lambda tf: in_scope(tf, lambda tf: tf.get_variable("v", [1]), reuse="yes"),
    "a list of initializers": lambda tf: tf.variables_initializer(3),
}

VARIABLES_RUN: dict[str, Callable[[Any], Any]] = {
    "not initialized": lambda tf: tf.Variable(1.0) + 1.0,
    "not initialized, alone": lambda tf: tf.Variable(1.0),
    "added to before it is": lambda tf: tf.Variable(1.0).assign_add(1.0),
    "scattered before it is": lambda tf: tf.scatter_add(tf.Variable([1.0]), [0], [1.0]),
    "assign": lambda tf: tf.assign(tf.Variable([1.0, 2.0]), fed(tf, [1.0])),
    "scatter beyond": lambda tf: (
        lambda sess: _after_setting(
            tf, sess, lambda v: tf.scatter_update(v, fed(tf, [3], "int32"), [1.0])
        )
    ),
    "scatter of shapes": lambda tf: (
        lambda sess: _after_setting(
            tf, sess, lambda v: tf.scatter_add(v, [0, 1], fed(tf, [1.0, 2.0, 3.0]))
        )
    ),
    "scatter_nd beyond": lambda tf: (
        lambda sess: _after_setting(
            tf, sess, lambda v: tf.scatter_nd_update(v, fed(tf, [[2]], "int32"), [1.0])
        )
    ),
    "counted to the end": lambda tf: (
        lambda sess: _after_setting(tf, sess, lambda v: tf.count_up_to(v, 0), 0)
    ),
    "assign_add of a shape": lambda tf: (
        lambda sess: _after_setting(tf, sess, lambda v: v.assign_add(fed(tf, [1.0, 2.0, 3.0])))
    ),
}


def _after_setting(tf: Any, sess: Any, change: Callable[[Any], Any], value: Any = None) -> Any:
    v = tf.Variable([1.0, 2.0] if value is None else value)
    sess.run(v.initializer)
    return sess.run(change(v))


LAYERS: dict[str, Callable[[Any], Any]] = {
    "dense of a vector": lambda tf: tf.layers.dense(ph(tf, 3), 2),
    "dense of unknown size": lambda tf: tf.layers.dense(ph(tf, None, None), 2),
    "dense of ints": lambda tf: tf.layers.dense(ph(tf, 2, 3, dtype="int32"), 2),
    "dense of text": lambda tf: tf.layers.dense(ph(tf, 2, 3, dtype="string"), 2),
    "dense of no units": lambda tf: tf.layers.dense(ph(tf, 2, 3), None),
    "dense of no activation": lambda tf: tf.layers.dense(ph(tf, 2, 3), 2, activation="none such"),
    "dense of no initializer": lambda tf: tf.layers.dense(
        ph(tf, 2, 3), 2, kernel_initializer="none such"
    ),
    "dense twice": lambda tf: [tf.layers.dense(ph(tf, 2, 3), 2, name="d") for _ in range(2)],
    "dense reused": lambda tf: tf.layers.dense(ph(tf, 2, 3), 2, name="d", reuse=True),
    "dense reused otherwise": lambda tf: [
        tf.layers.dense(ph(tf, 2, size), 2, name="d", reuse=tf.AUTO_REUSE) for size in (3, 4)
    ],
    "dense called otherwise": lambda tf: [
        layer(ph(tf, 2, size)) for layer in [tf.layers.Dense(2)] for size in (3, 4)
    ],
    "dense of an option": lambda tf: tf.layers.dense(ph(tf, 2, 3), 2, rate=0.5),
    "conv2d of a rank": lambda tf: tf.layers.conv2d(ph(tf, 2, 3, 4), 2, 3),
    "conv2d of channels": lambda tf: tf.layers.conv2d(ph(tf, 2, 5, 5, None), 2, 3),
    "conv2d of a kernel": lambda tf: tf.layers.conv2d(ph(tf, 2, 5, 5, 1), 2, [3, 3, 3]),
    "conv2d of no kernel": lambda tf: tf.layers.conv2d(ph(tf, 2, 5, 5, 1), 2, "three"),
    "conv2d of no padding": lambda tf: tf.layers.conv2d(ph(tf, 2, 5, 5, 1), 2, 3, padding="half"),
    "conv2d of no layout": lambda tf: tf.layers.conv2d(
        ph(tf, 2, 5, 5, 1), 2, 3, data_format="channels"
    ),
    "conv2d too large": lambda tf: tf.layers.conv2d(ph(tf, 2, 5, 5, 1), 2, 7),
    "conv2d of strides and dilation": lambda tf: tf.layers.conv2d(
        ph(tf, 2, 9, 9, 1), 2, 3, strides=2, dilation_rate=2
    ),
    "transposed of a rank": lambda tf: tf.layers.conv2d_transpose(ph(tf, 2, 5, 1), 2, 3),
    "transposed of channels": lambda tf: tf.layers.conv2d_transpose(ph(tf, 2, 5, 5, None), 2, 3),
    "separable of channels": lambda tf: tf.layers.separable_conv2d(ph(tf, 2, 5, 5, None), 2, 3),
    "pool of a rank": lambda tf: tf.layers.max_pooling2d(ph(tf, 2, 5, 5), 2, 2),
    "pool of unknown rank": lambda tf: tf.layers.max_pooling2d(tf.placeholder("float"), 2, 2),
    "pool of no padding": lambda tf: tf.layers.max_pooling2d(ph(tf, 2, 5, 5, 1), 2, 2, "half"),
    "pool too large": lambda tf: tf.layers.average_pooling2d(ph(tf, 2, 5, 5, 1), 7, 2),
    "pool without strides": lambda tf: tf.layers.max_pooling2d(ph(tf, 2, 5, 5, 1), 2),
    "pool1d of a rank": lambda tf: tf.layers.max_pooling1d(ph(tf, 2, 5), 2, 2),
    "dropout beyond": lambda tf: tf.layers.dropout(ph(tf, 2), 1.5, training=True),
    "dropout of ints": lambda tf: tf.layers.dropout(ph(tf, 2, dtype="int32"), training=True),
    "dropout of text": lambda tf: tf.layers.dropout(ph(tf, 2), training="yes"),
    "norm of an axis": lambda tf: tf.layers.batch_normalization(ph(tf, 2, 3), axis=2),
    "norm of a scalar": lambda tf: tf.layers.batch_normalization(ph(tf)),
    "norm of unknown size": lambda tf: tf.layers.batch_normalization(ph(tf, 2, None)),
    "norm of ints": lambda tf: tf.layers.batch_normalization(ph(tf, 2, 3, dtype="int32")),
    "flatten None": lambda tf: tf.layers.flatten(None),
    "weights before they are": lambda tf: tf.layers.Dense(2).kernel + 1.0,
}

LOSSES: dict[str, Callable[[Any], Any]] = {
    "None as labels": lambda tf: tf.losses.mean_squared_error(None, ph(tf, 2)),
    "None as predictions": lambda tf: tf.losses.mean_squared_error(ph(tf, 2), None),
    "shapes": lambda tf: tf.losses.mean_squared_error(ph(tf, 2), ph(tf, 3)),
    "weights of a shape": lambda tf: tf.losses.mean_squared_error(ph(tf, 2), ph(tf, 2), [1.0] * 3),
    "weights of a rank": lambda tf: tf.losses.absolute_difference(
        ph(tf, 2), ph(tf, 2), [[1.0, 2.0]]
    ),
    "None as weights": lambda tf: tf.losses.mean_squared_error(ph(tf, 2), ph(tf, 2), None),
    "no reduction": lambda tf: tf.losses.mean_squared_error(ph(tf, 2), ph(tf, 2), reduction="sum"),
    "an axis missing": lambda tf: tf.losses.cosine_distance(ph(tf, 2, 2), ph(tf, 2, 2)),
    "delta of text": lambda tf: tf.losses.huber_loss(ph(tf, 2), ph(tf, 2), delta="a"),
    "log_loss of None": lambda tf: tf.losses.log_loss(None, None),
    "softmax of shapes": lambda tf: tf.losses.softmax_cross_entropy(ph(tf, 2, 3), ph(tf, 2, 4)),
    "softmax of None": lambda tf: tf.losses.softmax_cross_entropy(None, ph(tf, 2, 3)),
    "sigmoid of shapes": lambda tf: tf.losses.sigmoid_cross_entropy(ph(tf, 2, 3), ph(tf, 2, 4)),
    "sparse of floats": lambda tf: tf.losses.sparse_softmax_cross_entropy(ph(tf, 2), ph(tf, 2, 3)),
    "sparse of a batch": lambda tf: tf.losses.sparse_softmax_cross_entropy(
        ph(tf, 4, dtype="int32"), ph(tf, 2, 3)
    ),
    "pairs of shapes": lambda tf: tf.losses.mean_pairwise_squared_error(ph(tf, 2, 3), ph(tf, 2, 4)),
    "hinge of shapes": lambda tf: tf.losses.hinge_loss(ph(tf, 2), ph(tf, 3)),
    "no loss": lambda tf: tf.losses.get_total_loss(),
    "sparse label beyond": lambda tf: tf.losses.sparse_softmax_cross_entropy(
        fed(tf, [5], "int32"), fed(tf, [[1.0, 2.0]])
    ),
    "shapes, run": lambda tf: tf.losses.mean_squared_error(fed(tf, [1, 2]), fed(tf, [1, 2, 3])),
    "weights, run": lambda tf: tf.losses.mean_squared_error(
        fed(tf, [[1, 2]]), fed(tf, [[1, 2]]), fed(tf, [[1, 2, 3]])
    ),
}


def updated(tf: Any, pair: Any) -> Any:
    """Sets the local variables and runs a metric's update."""
    setter = tf.local_variables_initializer()

    def run(sess: Any) -> Any:
        sess.run(setter)
        return sess.run(pair[1])

    return run


METRICS: dict[str, Callable[[Any], Any]] = {
    "shapes": lambda tf: tf.metrics.accuracy(ph(tf, 2), ph(tf, 3)),
    "mean of weights": lambda tf: tf.metrics.mean([1.0, 2.0], weights=[1.0, 2.0, 3.0]),
    "errors of shapes": lambda tf: tf.metrics.mean_squared_error(ph(tf, 2), ph(tf, 3)),
    "auc of a curve": lambda tf: tf.metrics.auc([True], [0.5], curve="XY"),
    "classes of shapes": lambda tf: tf.metrics.mean_iou([0, 1], [0, 1, 2], 3),
    "precision of shapes": lambda tf: tf.metrics.precision([True, False], [True]),
    "mean of text": lambda tf: tf.metrics.mean(["a", "b"]),
    "not initialized": lambda tf: tf.metrics.mean([1.0, 2.0])[0],
    "not initialized, updated": lambda tf: tf.metrics.accuracy([1], [1])[1],
    "shapes, run": lambda tf: updated(
        tf, tf.metrics.mean_squared_error(fed(tf, [1, 2]), fed(tf, [1, 2, 3]))
    ),
    "weights, run": lambda tf: updated(
        tf, tf.metrics.mean(fed(tf, [1.0, 2.0]), fed(tf, [1.0, 2.0, 3.0]))
    ),
    "predictions beyond 1": lambda tf: updated(
        tf, tf.metrics.auc([True, False], fed(tf, [0.5, 2]))
    ),
}

TRAINING: dict[str, Callable[[Any], Any]] = {
    "no variables": lambda tf: tf.train.GradientDescentOptimizer(0.1).minimize(ph(tf)),
    "no gradient": lambda tf: (
        (tf.Variable(1.0) and None) or tf.train.GradientDescentOptimizer(0.1).minimize(ph(tf))
    ),
    "of a number": lambda tf: tf.train.GradientDescentOptimizer(0.1).minimize(3.0),
    "of None": lambda tf: tf.train.AdamOptimizer().minimize(None),
    "of an integer loss": lambda tf: tf.train.AdamOptimizer().minimize(tf.Variable(3) * 2),
    "none to apply": lambda tf: tf.train.GradientDescentOptimizer(0.1).apply_gradients([]),
    "only None to apply": lambda tf: tf.train.GradientDescentOptimizer(0.1).apply_gradients(
        [(None, tf.Variable(1.0))]
    ),
    "no pairs to apply": lambda tf: tf.train.GradientDescentOptimizer(0.1).apply_gradients([1.0]),
    "applied to a tensor": lambda tf: tf.train.GradientDescentOptimizer(0.1).apply_gradients(
        [(tf.constant(1.0), tf.constant(1.0))]
    ),
    "a gradient of a shape": lambda tf: tf.train.GradientDescentOptimizer(0.1).apply_gradients(
        [(tf.constant([1.0, 2.0]), tf.Variable(1.0))]
    ),
    "a gradient of a dtype": lambda tf: tf.train.GradientDescentOptimizer(0.1).apply_gradients(
        [(tf.constant(1), tf.Variable(1.0))]
    ),
    "of tensors": lambda tf: tf.train.AdamOptimizer().compute_gradients(
        tf.Variable(1.0) * 2.0, [tf.constant(1.0)]
    ),
    "a step of floats": lambda tf: (
        tf.train.get_or_create_global_step() and tf.train.create_global_step()
    ),
    "a global step that is none": lambda tf: tf.train.assert_global_step(3),
    "a global step of floats": lambda tf: tf.train.assert_global_step(tf.Variable(1.0)),
    "a global step of a shape": lambda tf: tf.train.assert_global_step(tf.Variable([1])),
    "a loss for gradients": lambda tf: tf.gradients(3.0, tf.constant(1.0)),
    "gradients of ints": lambda tf: tf.gradients(tf.constant(3) * 2, tf.constant(1.0)),
    "gradients of a grad": lambda tf: tf.gradients(
        tf.constant([1.0]) * 2.0, tf.constant(1.0), grad_ys=[1.0, 2.0]
    ),
    "gradients of a shape": lambda tf: _gradients_with(tf, [1.0, 2.0, 3.0]),
    "gradients of a dtype": lambda tf: _gradients_with(tf, tf.constant([1, 2])),
    "no gradient of an op": lambda tf: _gradient_of(tf, lambda x: tf.unique(x)[0]),
    "rate of text": lambda tf: tf.train.GradientDescentOptimizer("fast").minimize(
        tf.Variable(1.0) * 2.0
    ),
    "rate of None": lambda tf: tf.train.GradientDescentOptimizer(None).minimize(
        tf.Variable(1.0) * 2.0
    ),
    "accumulator below zero": lambda tf: tf.train.AdagradOptimizer(0.1, -1.0),
    "ftrl's power": lambda tf: tf.train.FtrlOptimizer(0.1, learning_rate_power=1.0),
    "ftrl's penalty": lambda tf: tf.train.FtrlOptimizer(0.1, l1_regularization_strength=-1.0),
    "proximal accumulator": lambda tf: tf.train.ProximalAdagradOptimizer(0.1, -0.1),
    "no step to decay": lambda tf: tf.train.exponential_decay(0.1, None, 10, 0.5),
    "no step for a cosine": lambda tf: tf.train.cosine_decay(0.1, None, 10),
    "boundaries and values": lambda tf: tf.train.piecewise_constant(
        tf.constant(1), [1, 2], [0.1, 0.2]
    ),
    "boundaries of a dtype": lambda tf: tf.train.piecewise_constant(
        tf.constant(1), [1.5], [0.1, 0.2]
    ),
    "values of dtypes": lambda tf: tf.train.piecewise_constant(tf.constant(1), [1], [0.1, 2]),
    "averages of ints": lambda tf: tf.train.ExponentialMovingAverage(0.9).apply([tf.Variable(1)]),
    "averages twice": lambda tf: _averaged_twice(tf),
    "averages of a number": lambda tf: tf.train.ExponentialMovingAverage(0.9).apply([1.0]),
    "of two graphs": two_graphs,
    "when finalized": finalized,
}


def _gradients_with(tf: Any, grads: Any) -> Any:
    x = tf.constant([1.0, 2.0])
    return tf.gradients(x * 2.0, x, grad_ys=[grads])


def _gradient_of(tf: Any, function: Callable[[Any], Any]) -> Any:
    x = tf.constant([1.0, 2.0])
    return tf.gradients(function(x), x)


def _averaged_twice(tf: Any) -> Any:
    average, v = tf.train.ExponentialMovingAverage(0.9), tf.Variable(1.0)
    average.apply([v])
    return average.apply([v])


CONTROL: dict[str, Callable[[Any], Any]] = {
    "cond on Python": lambda tf: tf.cond(True, lambda: 1.0, lambda: 2.0),
    "cond on a number": lambda tf: tf.cond(ph(tf), lambda: 1.0, lambda: 2.0),
    "cond of a tensor": lambda tf: tf.cond(ph(tf, dtype="bool"), tf.constant(1.0), lambda: 2.0),
    "cond of dtypes": lambda tf: tf.cond(ph(tf, dtype="bool"), lambda: 1.0, lambda: 2),
    "cond of lengths": lambda tf: tf.cond(ph(tf, dtype="bool"), lambda: [1.0, 2.0], lambda: [1.0]),
    "cond of nestings": lambda tf: tf.cond(ph(tf, dtype="bool"), lambda: [1.0, 2.0], lambda: 2.0),
    "cond of None": lambda tf: tf.cond(ph(tf, dtype="bool"), lambda: None, lambda: 2.0),
    "cond of one": lambda tf: tf.cond(ph(tf, dtype="bool"), lambda: 1.0),
    "cond of both names": lambda tf: tf.cond(
        ph(tf, dtype="bool"), true_fn=lambda: 1.0, fn1=lambda: 1.0, false_fn=lambda: 2.0
    ),
    "cond on a vector, run": lambda tf: tf.cond(
        fed(tf, [True, False], "bool"), lambda: tf.constant(1), lambda: tf.constant(2)
    ),
    "case of no pairs": lambda tf: tf.case([1.0]),
    "case of no functions": lambda tf: tf.case([(ph(tf, dtype="bool"), 1.0)]),
    "case on Python": lambda tf: tf.case([(True, lambda: 1.0)]),
    "case of none true": lambda tf: tf.case([(fed(tf, False, "bool"), lambda: tf.constant(1))]),
    "case of two true": lambda tf: tf.case(
        [(fed(tf, True, "bool"), lambda i=i: tf.constant(i)) for i in range(2)],
        default=lambda: tf.constant(2),
        exclusive=True,
    ),
    "assertion": lambda tf: tf.Assert(fed(tf, False, "bool"), ["no"]),
    "known to be unequal": lambda tf: tf.assert_equal(1, 2),
    "unequal": lambda tf: tf.assert_equal(fed(tf, 1), 2.0),
    "not positive": lambda tf: tf.assert_positive(fed(tf, [-1])),
    "not less": lambda tf: tf.assert_less(fed(tf, [3]), [2.0]),
    "known not to be positive": lambda tf: tf.assert_positive([-1.0]),
    "of dtypes": lambda tf: tf.assert_none_equal(ph(tf, 2, dtype="int64"), 3),
    "of a rank": lambda tf: tf.assert_rank(ph(tf, 2), 2),
    "of a rank, run": lambda tf: tf.assert_rank(fed(tf, [1]), 2),
    "of a rank at least": lambda tf: tf.assert_rank_at_least(ph(tf, 2), 2),
    "of one of some ranks": lambda tf: tf.assert_rank_in(ph(tf, 2), (0, 2)),
    "of no rank": lambda tf: tf.assert_rank(ph(tf, 2), 1.5),
    "of a type": lambda tf: tf.assert_type(ph(tf, 2), tf.int32),
    "confused shapes": lambda tf: tf.confusion_matrix([0, 1], [1]),
    "confused with a negative": lambda tf: tf.confusion_matrix(fed(tf, [-1], "int32"), [1]),
    "confused beyond": lambda tf: tf.confusion_matrix([0, 1], fed(tf, [0, 3], "int32"), 2),
    "a function that is none": lambda tf: tf.py_func(3, [1.0], tf.float32),
    "a function that fails": lambda tf: tf.py_func(lambda: 1 / 0, [], tf.float64),
    "a function of no number": lambda tf: tf.py_func(lambda: int("a"), [], tf.float64),
    "a function that adds": lambda tf: tf.py_func(lambda: 1 + "a", [], tf.float64),
    "a function that ends": lambda tf: tf.py_func(lambda: next(iter([])), [], tf.float64),
    "a function without a key": lambda tf: tf.py_func(lambda: {}["a"], [], tf.float64),
    "a function to be written": lambda tf: tf.py_func(_to_be_written, [], tf.float64),
    "a function of a dtype": lambda tf: tf.py_func(lambda: np.int64(1), [], tf.float32),
    "a function of a count": lambda tf: tf.py_func(lambda: 1.0, [], [tf.float64, tf.float64]),
    "print of nothing": lambda tf: tf.Print(1.0, 3),
    "group of a number": lambda tf: tf.group(3.0),
    "tuple of nothing": lambda tf: tf.tuple([]),
    "tuple of None": lambda tf: tf.tuple([None, None]),
    "control on a number": lambda tf: tf.control_dependencies([3.0]).__enter__(),
    "a bad name": lambda tf: tf.constant(1.0, name="a b"),
    "a bad scope": lambda tf: tf.name_scope("a b").__enter__(),
    "a device that is none": lambda tf: _on(tf, "/nothing:0"),
    "constant of a shape": lambda tf: tf.constant([1, 2, 3], shape=[2]),
    "constant of a dtype": lambda tf: tf.constant(1.5, tf.int32),
    "constant of text": lambda tf: tf.constant("a", tf.float32),
    "constant of lists": lambda tf: tf.constant([[1, 2], [3]]),
    "constant of None": lambda tf: tf.constant(None),
    "convert a dict": lambda tf: tf.convert_to_tensor({}),
    "convert to a dtype": lambda tf: tf.convert_to_tensor(ph(tf, 2), tf.int32),
    "convert part of a shape": lambda tf: tf.convert_to_tensor(tf.TensorShape([None, 2])),
    "placeholder of no dtype": lambda tf: tf.placeholder("no_dtype"),
    "placeholder of a shape": lambda tf: tf.placeholder(tf.float32, [-2]),
    "set_shape": lambda tf: ph(tf, 2, 3).set_shape([2, 4]),
    "no tensor of a name": lambda tf: tf.get_default_graph().get_tensor_by_name("none:0"),
    "a tensor by an op's name": lambda tf: tf.get_default_graph().get_tensor_by_name("none"),
    "no op of a name": lambda tf: tf.get_default_graph().get_operation_by_name("none"),
    "a seed of text": lambda tf: tf.set_random_seed("a") or tf.random_normal([2]),
    "a graph from nothing": lambda tf: tf.import_graph_def("nothing"),
    "sparse to dense": lambda tf: tf.sparse_to_dense([[0]], [2, 2], [1.0, 2.0]),
    "stitched": lambda tf: tf.dynamic_stitch([[0]], [[[1.0, 2.0]], [1.0]]),
    "partitions of shapes": lambda tf: tf.dynamic_partition(ph(tf, 2), [0, 1, 0], 2),
}


def _to_be_written() -> Any:
    raise NotImplementedError


def _on(tf: Any, device: Any) -> Any:
    with tf.device(device):
        return tf.constant(1.0)


for _topic, _cases in (
    ("variables", VARIABLES),
    ("variables, run", VARIABLES_RUN),
    ("layers", LAYERS),
    ("losses", LOSSES),
    ("metrics", METRICS),
    ("training", TRAINING),
    ("control", CONTROL),
):
    for _name, _build in _cases.items():
        family.error(f"{_topic}: {_name}", _build)
