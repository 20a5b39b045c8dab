"""Global steps, variables of every kind, and what scopes and attributes do to nodes."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.parity.harness import Family

family = Family("scopes")


@family.graph
def global_steps(tf: Any) -> None:
    tf.no_op(name=f"none_{tf.train.get_global_step()}")
    step = tf.train.create_global_step()
    tf.train.assert_global_step(step)
    tf.identity(tf.train.get_global_step(), name="found")
    tf.identity(tf.train.get_or_create_global_step(), name="found_again")
    tf.assign_add(step, 1)
    with tf.Graph().as_default() as other, tf.Session() as sess:
        tf.train.get_or_create_global_step(other).initializer.run()
        count = tf.train.global_step(sess, tf.train.get_global_step(other))
    tf.no_op(name=f"count_{count}")


@family.graph
def global_step_in_scopes(tf: Any) -> None:
    with tf.variable_scope("v"), tf.name_scope("n"), tf.device("/cpu:0"):
        tf.train.get_or_create_global_step()


@family.graph
def kinds_of_variables(tf: Any) -> None:
    tf.get_variable("a", [2], synchronization=tf.VariableSynchronization.AUTO)
    tf.get_variable("b", [2], aggregation=tf.VariableAggregation.SUM, trainable=False)
    tf.get_variable("c", [2], use_resource=False, validate_shape=True)
    tf.get_local_variable("d", [2], initializer=tf.zeros_initializer())
    tf.get_local_variable("e", initializer=tf.constant([1, 2]))
    tf.Variable([1.0], name="f", dtype=tf.float64, expected_shape=[1])
    tf.Variable(np.eye(2), name="g", use_resource=False)
    tf.Variable(initial_value=tf.ones([2, 2]), collections=["mine"], name="h")
    v = tf.Variable([1.0, 2.0], trainable=True, constraint=tf.nn.relu, name="i")
    tf.identity(v.value())
    tf.identity(v.initial_value)
    tf.identity(v.constraint(v))
    tf.no_op(name=f"{v.op.name}_{v.shape.ndims}_{v.dtype.base_dtype.name}_{v.name[:-2]}")
    tf.trainable_variables("i")[0].assign_sub([0.5, 0.5])
    v.scatter_nd_add([[0]], [1.0])
    v.scatter_nd_sub([[1]], [1.0])
    v.scatter_mul(tf.IndexedSlices(tf.constant([2.0]), tf.constant([0])))
    v.scatter_min(tf.IndexedSlices(tf.constant([0.5]), tf.constant([0])))
    v.scatter_max(tf.IndexedSlices(tf.constant([0.5]), tf.constant([0])))
    v.scatter_div(tf.IndexedSlices(tf.constant([0.5]), tf.constant([0])))


@family.graph
def scopes_as_objects(tf: Any) -> None:
    with tf.variable_scope("outer", initializer=tf.ones_initializer()) as outer:
        tf.get_variable("a", [1])
        outer.set_regularizer(tf.nn.l2_loss)
        tf.get_variable("b", [1])
    tf.no_op(name=f"{outer.name}_{outer.reuse}_{outer.original_name_scope[:-1]}")
    with tf.variable_scope("outer/inner"):
        tf.get_variable("a", [1])
    with tf.variable_scope(outer, initializer=tf.zeros_initializer()):
        tf.get_variable("c", [1])
        with tf.variable_scope("deep", reuse=False) as deep:
            tf.get_variable("d", [1])
            tf.identity(tf.constant(1.0), name="node")
    with tf.variable_scope("elsewhere"), tf.variable_scope(deep, reuse=True):
        tf.get_variable("d", [1])
        tf.identity(tf.constant(1.0), name="node")
    with tf.variable_scope(deep, auxiliary_name_scope=False):
        tf.get_variable("e", [1])
        tf.identity(tf.constant(1.0), name="node")
    with tf.variable_scope("", reuse=tf.AUTO_REUSE):
        tf.get_variable("top", [1])
        tf.get_variable("top", [1])
    with tf.variable_scope(tf.get_variable_scope(), reuse=tf.AUTO_REUSE):
        tf.get_variable("top", [1])
    with tf.variable_scope(None, "fallback", [tf.constant(1.0)]):
        tf.get_variable("f", [1])
    with tf.variable_scope(None, "fallback"):
        tf.get_variable("f", [1])
    with tf.variable_scope("of_kind") as scope:
        tf.no_op(name=f"is_{isinstance(scope, tf.VariableScope)}")


@family.graph
def getters(tf: Any) -> None:
    def halved(getter: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        return getter(f"{name}_h", *args, **kwargs) * 0.5

    with tf.variable_scope("s", custom_getter=halved):
        w = tf.get_variable("w", [2])
        with tf.variable_scope("t"):
            tf.add(w, tf.get_variable("w", [2]))
        tf.layers.dense(tf.ones([1, 2]), 2, name="fc")


@family.graph
def partitioned_names(tf: Any) -> None:
    """Names made unique, with slashes, cases and numbers."""
    for name in ("x", "x", "X", "x_1", "x/y", "z/", "x", "y.z-w", "9"):
        tf.constant(1.0, name=name)
    with tf.name_scope("x"):
        tf.constant(1.0, name="y")
        tf.constant(1.0)
    with tf.name_scope("x"), tf.name_scope("x"):
        tf.constant(1.0, name="x")
    with tf.name_scope("x_1/"):
        tf.constant(1.0)
    with tf.name_scope(""):
        tf.constant(1.0)
    tf.no_op(name=tf.get_default_graph().unique_name("x"))
    tf.no_op(name=tf.get_default_graph().unique_name("unused", mark_as_used=False))
    tf.no_op(name="unused")


@family.graph
def attributes(tf: Any) -> None:
    graph = tf.get_default_graph()
    x = tf.placeholder(tf.float32, [2], name="x")
    with graph.gradient_override_map({"Square": "Identity"}):
        tf.square(x)
    with graph.name_scope("g"), graph.device("/cpu:0"), graph.colocate_with(x.op):
        tf.square(x)
    with graph.control_dependencies([x]), graph.container("box"):
        tf.Variable(1.0, name="v")
    tf.no_op(name=f"{graph.get_name_scope()}at_{graph.version}_{graph.seed}")


@family.graph
def initializers_everywhere(tf: Any) -> None:
    """Each initializer called by itself, with a dtype and a seed."""
    make = tf.initializers
    for initializer in (
        make.zeros(),
        make.ones(dtype=tf.int32),
        make.constant(3),
        make.constant([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], dtype=tf.float64),
        make.random_uniform(-1, 1),
        make.random_uniform(0.5, seed=3),
        make.random_normal(1.0, 0.1, seed=4),
        make.truncated_normal(stddev=0.5, dtype=tf.float64),
        make.uniform_unit_scaling(factor=1.5),
        make.variance_scaling(0.5, "fan_out", "truncated_normal", seed=5),
        make.variance_scaling(mode="fan_avg", distribution="uniform"),
        make.orthogonal(0.5, seed=6),
        make.glorot_normal(seed=7),
        make.glorot_uniform(dtype=tf.float64),
        make.he_normal(),
        make.he_uniform(seed=8),
        make.lecun_normal(seed=9),
        make.lecun_uniform(),
        make.identity(2.0),
    ):
        initializer([2, 3])
    make.he_normal()([3, 3, 2, 4])
    make.glorot_uniform()([5])
    make.lecun_normal()([])
    make.zeros()([2], dtype=tf.float16)
    make.orthogonal()([4, 2, 3])
    tf.initializers.variables([tf.Variable(1.0)])
    tf.initializers.global_variables()
    tf.initializers.local_variables()


@family.graph
def conversions(tf: Any) -> None:
    """What becomes a constant of which dtype."""
    for value in (
        1,
        1.5,
        True,
        "text",
        b"bytes",
        2j,
        [1, 2.5],
        [[True], [False]],
        (),
        [],
        [[]],
        np.int8(3),
        np.float16(1.5),
        np.zeros((0, 3)),
        np.arange(3),
        np.array(["a", "bc"]),
        2**31,
        [np.float32(1), 2],
        tf.TensorShape([2, 3]),
        range(3),
        tf.Dimension(3),
        np.bool_(True),
        tf.float32.max,
    ):
        tf.convert_to_tensor(value)
    tf.convert_to_tensor(1, tf.float64, name="named")
    tf.convert_to_tensor(range(1, 9, 3), name="named_range")
    tf.convert_to_tensor(range(2), tf.float32)
    tf.reduce_sum(range(3))
    tf.add(range(3), tf.constant([1, 2, 3]))
    tf.gather([1.0, 2.0, 3.0], range(2))
    tf.convert_to_tensor([1, 2], preferred_dtype=tf.float32)
    tf.convert_to_tensor([1.5, 2], preferred_dtype=tf.int32)
    tf.constant(1, shape=[2, 2])
    tf.constant([1, 2, 3, 4], tf.int64, [2, 2], "square")
    tf.constant([1, 2], dtype=tf.float16)
    tf.constant(np.nan)
    tf.constant("text", shape=[2])
    tf.constant(7, tf.uint8)
    tf.constant([], tf.string)
