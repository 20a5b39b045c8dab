"""Variables, their scopes, updates and initializers; random ops."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.parity.harness import Family

family = Family("variables")


@family.graph
def variables(tf: Any) -> None:
    v = tf.Variable(1.0)
    tf.Variable(tf.zeros([2, 3]), name="w")
    tf.Variable(lambda: tf.ones([2]), name="c", dtype=tf.float32)
    tf.Variable(lambda: [1, 2], trainable=False)
    tf.Variable(True)
    tf.Variable("text")
    tf.Variable(np.array([1.0, 2.0]), name="a/b")
    tf.Variable(tf.placeholder(tf.float32), validate_shape=False)
    v.read_value()
    v.initialized_value()
    tf.global_variables_initializer()


@family.graph(run=False)  # the devices are not there
def variables_on_devices(tf: Any) -> None:
    with tf.device("/job:ps/task:0"):
        w = tf.get_variable("dv", [2, 2])
        tf.Variable(lambda: tf.zeros([2]), name="dl")
        tf.Variable(tf.zeros([2]), name="dz")
        tf.Variable(1.0, name="cached", caching_device=lambda op: "/cpu:0")
    w.assign_add([[1.0, 1.0], [1.0, 1.0]])
    tf.Variable(1.0, caching_device="/job:ps/task:1", name="vv")


@family.graph
def variables_in_scopes(tf: Any) -> None:
    with tf.control_dependencies([tf.no_op()]):
        v = tf.Variable(tf.zeros([2]))
        tf.Variable(1.0)
        tf.get_variable("u", [2])
        v.read_value()
    with tf.name_scope("ns"):
        tf.Variable(1.0)
        tf.get_variable("u2", [2])
        w = tf.Variable(1.0, name="w2")
        w.assign(1.0)
        w.initialized_value()


@family.graph
def uses_of_variables(tf: Any) -> None:
    v = tf.Variable([1.0, 2.0])
    w = tf.Variable([3.0, 4.0], name="w")
    _ = v + 1, 1.0 / v, -v, v[0], v * w
    tf.add(v, w)
    tf.identity(v)


@family.graph
def updates(tf: Any) -> None:
    v = tf.Variable([1.0, 2.0], name="v")
    tf.assign(v, [2.0, 3.0])
    tf.assign(v, tf.placeholder(tf.float32), validate_shape=False, use_locking=False)
    tf.assign_add(v, [1.0, 1.0])
    tf.assign_sub(v, [1.0, 1.0], use_locking=True, name="less")
    v.assign([0.0, 1.0])
    v.assign([1.0, 1.0], name="foo", use_locking=True)
    v.assign_add([1.0, 1.0])
    v.assign_sub([1.0, 1.0], read_value=False)
    c = tf.Variable(0, name="c")
    c.count_up_to(3)
    tf.count_up_to(c, 4)
    tf.is_variable_initialized(v)


@family.graph
def scatters(tf: Any) -> None:
    v = tf.Variable([1.0, 2.0], name="v")
    for name in ("update", "add", "sub", "mul", "div", "min", "max"):
        getattr(tf, f"scatter_{name}")(v, [0], [1.0])
    for name in ("update", "add", "sub"):
        getattr(tf, f"scatter_nd_{name}")(v, [[0]], [1.0])
    v.scatter_nd_update([[0]], [1.0])
    for method in (v.scatter_sub, v.scatter_add, v.scatter_update):
        method(tf.IndexedSlices(tf.constant([1.0]), tf.constant([0])))


@family.graph
def initial_values_from_variables(tf: Any) -> None:
    a = tf.Variable(tf.zeros([2]), name="a")
    b = tf.Variable(a * 2, name="b")
    c = tf.Variable(a.initialized_value() * 2, name="c")
    tf.Variable(lambda: a + 1.0, name="d")
    tf.Variable(a, name="e")
    tf.get_variable("f", initializer=a.initialized_value())
    tf.get_variable("g", initializer=lambda: b + c)
    tf.get_variable("h", initializer=b)


@family.graph
def initializing(tf: Any) -> None:
    a = tf.Variable(1.0)
    tf.Variable(1.0)
    tf.Variable(1.0, collections=[tf.GraphKeys.LOCAL_VARIABLES])
    tf.report_uninitialized_variables()
    tf.report_uninitialized_variables([])
    tf.report_uninitialized_variables([a])
    tf.assert_variables_initialized()
    tf.assert_variables_initialized([a])
    tf.variables_initializer([a])
    tf.variables_initializer([])
    tf.local_variables_initializer()
    tf.initialize_all_variables()
    tf.initialize_local_variables()
    tf.initialize_variables([a])
    tf.global_variables_initializer()


@family.graph
def initializers(tf: Any) -> None:
    get = tf.get_variable
    get("z", [2], initializer=tf.zeros_initializer())
    get("z2", [2], initializer=tf.zeros_initializer)
    get("big", [100, 100], initializer=tf.zeros_initializer)
    get("ones", [100, 100], initializer=tf.ones_initializer)
    get("c", [2], initializer=tf.constant_initializer(3.0))
    get("c2", [2, 2], initializer=tf.constant_initializer([1, 2, 3, 4]))
    get("c3", initializer=[1.0, 2.0])
    get("c4", initializer=tf.constant([1.0, 2.0]))
    get("c5", initializer=np.zeros([2], np.float32), dtype=tf.float32)
    get("c6", initializer=1.0)
    get("c7", [2], initializer=lambda shape, dtype=None, partition_info=None: tf.zeros(shape))
    get("c8", initializer=lambda: tf.zeros([3]))
    get("i", [2], dtype=tf.int32)
    get("b", [2], dtype=tf.bool)
    get("s", [2], dtype=tf.string)
    get("d", [2], dtype=tf.float64)
    get("un", [2], initializer=tf.random_uniform_initializer(-1, 1, seed=1))
    get("ui", [2], dtype=tf.int32, initializer=tf.random_uniform_initializer(0, 10))
    get("rn", [2], initializer=tf.random_normal_initializer(stddev=0.1))
    get("tn", [2], initializer=tf.truncated_normal_initializer(stddev=0.1))
    get("uu", [2, 3], initializer=tf.uniform_unit_scaling_initializer())
    get("vs", [2, 3], initializer=tf.variance_scaling_initializer())
    scaling = tf.variance_scaling_initializer(distribution="untruncated_normal")
    get("vs2", [2, 3], initializer=scaling)
    get("gn", [2, 3], initializer=tf.glorot_normal_initializer())
    get("or", [2, 3], initializer=tf.orthogonal_initializer())
    get("or2", [3, 2, 2], initializer=tf.orthogonal_initializer(gain=2.0))
    get("id", [2, 2], initializer=tf.initializers.identity(gain=2.0))
    get("id2", [2, 3], initializer=tf.initializers.identity())
    get("he", [2, 2], initializer=tf.initializers.he_uniform())
    get("le", [2, 2], initializer=tf.initializers.lecun_normal())
    get("k", 3)
    get("kd", tf.TensorShape([3]))
    get("kdim", [tf.Dimension(3), 2])
    tf.zeros_initializer()([2, 3])
    tf.glorot_uniform_initializer()([2, 2])


@family.graph
def scopes(tf: Any) -> None:
    def layer(name: Any, **options: Any) -> Any:
        with tf.variable_scope(name, **options) as scope:
            w = tf.get_variable("w", [2, 2])
            b = tf.get_variable("b", [2], initializer=tf.zeros_initializer())
            _ = tf.matmul(tf.zeros([1, 2]), w) + b
        return scope

    scope = layer("layer")
    layer("layer", reuse=True)
    layer(scope, reuse=True)
    layer(scope, reuse=tf.AUTO_REUSE, auxiliary_name_scope=False)
    with tf.variable_scope("outer"), tf.name_scope("ops"):
        layer(scope, reuse=True)
        layer("layer")
        layer(None, default_name="layer")
        layer(None, default_name="layer")
    layer(None, default_name="layer")


@family.graph
def scope_defaults(tf: Any) -> None:
    with tf.variable_scope(
        "a",
        initializer=tf.constant_initializer(3.0),
        regularizer=tf.reduce_sum,
        dtype=tf.float64,
        caching_device="/cpu:0",
    ):
        tf.get_variable("v", [2])
        with tf.variable_scope("b", regularizer=tf.no_regularizer) as scope:
            tf.get_variable("w", [2])
            scope.set_initializer(tf.ones_initializer())
            scope.set_dtype(tf.float32)
            tf.get_variable("w2", [2])
    tf.get_variable("u", [2], regularizer=lambda w: tf.multiply(0.5, tf.nn.l2_loss(w), name="reg"))
    tf.get_local_variable("local", [2])


@family.graph
def random_numbers(tf: Any) -> None:
    tf.random_uniform([2])
    tf.random_uniform([2], maxval=3.0)
    tf.random_uniform([2], -1, 1)
    tf.random_uniform([2], 0.0, 1.0)
    tf.random_uniform([2], 0, tf.constant(1.0))
    tf.random_uniform([], 0.5)
    tf.random_uniform([2], maxval=10, dtype=tf.int32)
    tf.random_uniform([2], 0, 10, tf.int64)
    tf.random_uniform([2], dtype=tf.float64, maxval=2)
    tf.random_uniform((2, 3), name="foo", seed=3)
    tf.random_uniform(tf.shape(tf.placeholder(tf.float32, [None, 3])))
    tf.random_uniform([tf.constant(2), 3])
    tf.random_normal([2])
    tf.random_normal([2], 1.0, 2.0, tf.float64, 4, "n")
    tf.truncated_normal([2])
    tf.random_shuffle([1, 2, 3])
    tf.random_shuffle(tf.zeros([2, 3]), seed=3, name="sh")
    tf.multinomial([[0.5, 0.5]], 3)
    tf.multinomial(tf.placeholder(tf.float32, [None, 3]), 4)
    tf.random.categorical([[0.5, 0.5]], 3, dtype=tf.int32)
    tf.set_random_seed(1)
    tf.random_uniform([2])
    tf.random_normal([2], seed=3)
    tf.random_shuffle([1, 2])


@family.graph
def random_crops(tf: Any) -> None:
    tf.random_crop(tf.zeros([4, 4]), [2, 2])
    tf.random_crop(tf.placeholder(tf.float32, [None, 4]), [2, 2], seed=1, name="crop")


@family.graph
def diagonals(tf: Any) -> None:
    tf.eye(3)
    tf.eye(2, 3)
    tf.eye(3, 2, dtype=tf.float64)
    tf.eye(2, batch_shape=[2])
    tf.eye(tf.placeholder(tf.int32, []))
    tf.diag([1.0, 2.0])
    tf.diag_part(tf.zeros([2, 2]))
    tf.matrix_diag([1.0, 2.0])
    tf.matrix_diag_part(tf.zeros([2, 2]))
    tf.matrix_set_diag(tf.zeros([2, 2]), [1.0, 2.0])
