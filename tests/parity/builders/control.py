"""Branches, checks, prints and Python functions in the graph; what comes before what."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.parity.harness import Family

family = Family("control")


def number(tf: Any, name: str = "x") -> Any:
    return tf.placeholder(tf.float32, [], name=name)


def choice(tf: Any, name: str = "choose") -> Any:
    return tf.placeholder(tf.bool, [], name=name)


# ---- branches


@family.graph
def conds(tf: Any) -> None:
    x, y, choose = number(tf), number(tf, "y"), choice(tf)
    tf.cond(choose, lambda: x + y, lambda: x * y)
    tf.cond(choose, lambda: tf.constant(1), lambda: tf.constant(2), name="constants")
    tf.cond(choose, true_fn=lambda: x, false_fn=lambda: y)
    tf.cond(pred=choose, fn1=lambda: tf.square(x), fn2=lambda: -y)
    tf.cond(x < y, lambda: (x, [y, x + 1.0]), lambda: (y, [x, y - 1.0]))
    tf.cond(choose, lambda: [x * 2.0], lambda: [y])
    tf.cond(choose, lambda: [x * 2.0], lambda: [y], strict=True)
    tf.cond(choose, lambda: {"a": x, "b": y}, lambda: {"a": y, "b": x + y})
    tf.cond(choose, lambda: 1.0, lambda: 2.0)
    tf.cond(choose, lambda: tf.no_op(), lambda: tf.group(x))
    tf.cond(tf.constant(True), lambda: x, lambda: y)


@family.graph
def conds_in_conds(tf: Any) -> None:
    x, y, a, b = number(tf), number(tf, "y"), choice(tf, "a"), choice(tf, "b")

    def inner() -> Any:
        z = x * 3.0
        return tf.cond(b, lambda: z + y, lambda: z - x)

    tf.cond(a, inner, lambda: tf.cond(b, lambda: y, lambda: tf.constant(0.0)))
    with tf.name_scope("scope"):
        tf.cond(tf.logical_and(a, b), lambda: inner() + 1.0, lambda: x)


@family.graph
def conds_of_shapes(tf: Any) -> None:
    choose = choice(tf)
    rows = tf.placeholder(tf.float32, [None, 3], name="rows")
    pair = tf.placeholder(tf.float32, [2, 3], name="pair")
    tf.cond(choose, lambda: rows, lambda: pair)
    tf.cond(choose, lambda: tf.reduce_sum(rows), lambda: tf.reduce_sum(pair, 0))
    tf.cond(choose, lambda: tf.placeholder_with_default([1.0], None), lambda: pair)
    tf.cond(choose, lambda: tf.ones([2]), lambda: tf.zeros([3])).set_shape([None])


@family.graph
def conds_with_variables(tf: Any) -> None:
    choose = choice(tf)
    v = tf.Variable([1.0, 2.0], name="v")
    tf.cond(choose, lambda: v, lambda: tf.identity(v))
    tf.cond(choose, lambda: v + 1.0, lambda: tf.get_variable("w", [2]))
    tf.cond(choose, lambda: tf.assign_add(v, [1.0, 1.0]), lambda: v.read_value())
    with tf.control_dependencies([v.initializer]):
        tf.cond(choose, lambda: tf.constant([1.0]), lambda: tf.constant([2.0]))


@family.graph
def conds_and_control(tf: Any) -> None:
    x, choose = number(tf), choice(tf)

    def branch() -> Any:
        first = tf.identity(x, name="first")
        with tf.control_dependencies([first]):
            tf.constant(2.0, name="after")
            second = tf.add(x, 1.0, name="second")
        with tf.control_dependencies([tf.no_op(name="inside")]):
            return tf.multiply(second, first)

    with tf.control_dependencies([tf.no_op(name="outside")]):
        tf.cond(choose, branch, lambda: x)
    with tf.device("/cpu:0"):
        tf.cond(choose, branch, lambda: tf.constant(0.0))


@family.graph
def conds_of_rows(tf: Any) -> None:
    choose = choice(tf)
    ids = tf.placeholder(tf.int32, [2], name="ids")
    rows = tf.IndexedSlices(tf.placeholder(tf.float32, [2, 3], name="rows"), ids)
    whole = tf.IndexedSlices(tf.ones([1, 3]), tf.constant([0]), tf.constant([4, 3]))
    tf.cond(choose, lambda: rows, lambda: tf.IndexedSlices(rows.values * 2.0, rows.indices))
    tf.cond(choose, lambda: whole, lambda: whole)


@family.graph
def cases(tf: Any) -> None:
    x = number(tf)
    one, two = (lambda: tf.constant(1.0)), (lambda: x * 2.0)
    tf.case([(x < 0.0, one), (x > 1.0, two)], default=lambda: x)
    tf.case([(x < 0.0, one)], default=two, name="single")
    tf.case({x < 0.5: one}, default=two, exclusive=False)
    tf.case([(x < 0.0, lambda: [x, x])], default=lambda: [-x, x], strict=True)


@family.graph
def cases_that_are_checked(tf: Any) -> None:
    x = tf.constant(0.5, name="x")
    one, two = (lambda: tf.constant(1.0)), (lambda: x * 2.0)
    tf.case([(x < 0.0, one), (x > 0.0, two)])
    tf.case([(x < 0.0, one), (x > 0.0, two)], default=lambda: x, exclusive=True, name="one_of")
    tf.case({x < 0.0: one, x > 0.0: two}, exclusive=True, name="of_a_dict")
    tf.case([(x > 0.0, lambda: x)], exclusive=True)
    tf.case([(x < 0.0, one), (x < -1.0, two), (x > 0.1, lambda: -x)], strict=True)
    tf.case([(x < 1.0, one), (x < 2.0, two)], exclusive=True, name="fails")
    tf.case([(x > 1.0, one), (x > 2.0, two)], name="none")


@family.graph
def conds_that_wait(tf: Any) -> None:
    x, y, a, b = number(tf), number(tf, "y"), choice(tf, "a"), choice(tf, "b")

    def later() -> Any:
        with tf.control_dependencies([wait]):
            return tf.cond(b, lambda: x, lambda: tf.constant(1.0))

    wait = tf.no_op(name="wait")
    with tf.control_dependencies([wait]):
        tf.cond(a, lambda: x, lambda: y)
        tf.cond(a, lambda: tf.cond(b, lambda: x, lambda: y * 2.0), lambda: y)
    with tf.control_dependencies([y]):
        tf.cond(a, lambda: tf.cond(b, lambda: x, lambda: y), lambda: [y][0])
    tf.cond(a, later, lambda: y)


@family.values
def gradients_through_branches(tf: Any) -> Any:
    found = []
    for choice_made in (True, False):
        x = tf.placeholder_with_default(tf.constant([1.0, -2.0, 3.0]), [3])
        choose = tf.placeholder_with_default(choice_made, [])
        y = tf.cond(choose, lambda x=x: tf.reduce_sum(x * x), lambda x=x: tf.reduce_max(x))
        z = tf.cond(choose, lambda x=x, y=y: [x * y, y], lambda x=x, y=y: [x, tf.exp(x[0]) + y])
        first = tf.gradients([y, *z], x)[0]
        found += [y, *z, first, tf.gradients(first * first, x)[0]]
    return found


@family.values
def fed_in_branches(tf: Any) -> Any:
    inside: list[Any] = []

    def branch() -> Any:
        inside.extend([tf.constant(2.0), tf.constant(3.0) * x])
        return inside[0] * inside[1]

    x, choose = tf.constant(5.0), tf.placeholder_with_default(True, [])
    y = tf.cond(choose, branch, lambda: tf.constant(0.0))
    with tf.Session() as sess:
        return [sess.run(y), *[sess.run(y, {t: 7.0}) for t in inside]]


# ---- checks


@family.graph(feeds={"n": np.array([1, 2]), "m": np.array([1, 2]), "u": [[1.0]], "w": 1.0})
def checks(tf: Any) -> None:
    a = tf.placeholder(tf.float32, [None], name="a")
    n = tf.placeholder(tf.int64, [None], name="n")
    m = tf.placeholder(tf.int64, [None], name="m")
    tf.assert_equal(n, m)
    tf.assert_equal(n, m, data=[n], message="Hello.", summarize=5, name="named")
    tf.assert_none_equal(n, n + 3)
    tf.assert_less(a, 3.0)
    tf.assert_less_equal(a, 3.0)
    tf.assert_greater(a, -3.0)
    tf.assert_greater_equal(a, -3.0, message="m")
    tf.assert_positive(n)
    tf.assert_negative(-n)
    tf.assert_non_negative(n)
    tf.assert_non_positive(-n)
    tf.assert_rank(a, 1)
    tf.assert_rank_at_least(tf.placeholder(tf.float32, name="u"), 2)
    tf.assert_rank_in(a, (0, 1))
    tf.assert_rank_in(tf.placeholder(tf.float32, name="w"), (0, 1))
    tf.assert_rank(tf.placeholder(tf.float32, name="u2"), 2, message="two")
    tf.assert_type(a, tf.float32)
    tf.assert_type(n, tf.int64, message="integers", name="of_type")
    with tf.control_dependencies([tf.assert_equal(tf.shape(n)[0], tf.shape(m)[0])]):
        tf.identity(n)


@family.graph
def checks_that_are_known(tf: Any) -> None:
    tf.assert_equal(tf.constant([1, 2]), [1, 2])
    tf.assert_less(1, 2)
    tf.assert_positive([1.0, 2.0], name="positive")
    tf.assert_rank(tf.zeros([2, 3]), 2)
    tf.assert_rank_at_least(tf.zeros([2, 3]), tf.constant(1))


@family.graph(feeds={"yes": True, "ok": True})
def asserts(tf: Any) -> None:
    yes = tf.placeholder(tf.bool, [], name="yes")
    x = tf.placeholder(tf.float32, [3], name="x")
    tf.Assert(yes, [x])
    tf.Assert(yes, ["text", tf.constant(3)], summarize=7, name="named")
    tf.Assert(tf.placeholder(tf.bool, name="ok"), [x, "text"])
    tf.Assert(True, [x])
    with tf.control_dependencies([tf.Assert(tf.reduce_all(x < 9.0), [x])]):
        tf.log(x + 10.0)


@family.graph
def finite_numbers(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [2, 3], name="x")
    tf.check_numerics(x, "a message")
    tf.check_numerics([1.0, 2.0], message="constants", name="named")
    tf.verify_tensor_all_finite(x, "finite")
    tf.verify_tensor_all_finite(x=x, message="finite", name="all")
    tf.verify_tensor_all_finite(tf.Variable([1.0]), "of a variable")


@family.graph
def every_number_checked(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [2, 3], name="x")
    y = tf.matmul(x, tf.Variable(tf.ones([3, 2]), name="w"))
    tf.split(y, 2)
    tf.cast(y, tf.int32)
    tf.add_check_numerics_ops()


@family.graph
def matrices_confused(tf: Any) -> None:
    n = tf.placeholder(tf.int64, [None], name="n")
    m = tf.placeholder(tf.int32, [None], name="m")
    w = tf.placeholder(tf.float32, [None], name="w")
    tf.confusion_matrix(n, n)
    tf.confusion_matrix(m, n, num_classes=3, name="named")
    tf.confusion_matrix(n, n, num_classes=3, weights=w, dtype=tf.float32)
    tf.confusion_matrix([0, 1, 1], [1, 1, 0], 2)
    tf.confusion_matrix(labels=[[0], [1]], predictions=[1, 1], dtype=tf.float64)


# ---- prints and Python functions


@family.graph
def prints(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [2, 3], name="x")
    tf.Print(x, [x, tf.shape(x)])
    tf.Print(x, ["text", x], "x is ", first_n=2, summarize=7, name="named")
    tf.Print([1, 2], [tf.constant(True)], message="numbers: ")


@family.graph
def python_functions(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [2, 3], name="x")
    tf.py_func(np.sinh, [x], tf.float32)
    tf.py_func(lambda a, b: (a + b, np.int64(a.size)), [x, 1.0], [tf.float32, tf.int64])
    tf.py_func(np.cosh, [x], [tf.float32], stateful=False, name="named")[0].set_shape([2, 3])
    tf.py_func(lambda: np.float64(3.0), [], tf.float64)
    tf.py_func(lambda text: text + b"!", [tf.constant("hello")], tf.string)
    tf.py_func(lambda a: None, [x], [])


# ---- what comes before what


@family.graph
def tuples(tf: Any) -> None:
    x, y = number(tf), number(tf, "y")
    rows = tf.IndexedSlices(tf.ones([1, 3]), tf.constant([0]))
    tf.tuple([x, y])
    tf.tuple([x, None, rows], name="named")
    tf.tuple(tensors=[x], control_inputs=[y, tf.no_op()])


@family.graph
def groups(tf: Any) -> None:
    x, y = number(tf), number(tf, "y")
    tf.group(x, y)
    tf.group([x, [y, tf.no_op(name="nothing")]], name="nested")
    with tf.device("/cpu:0"):
        z = tf.identity(x)
    tf.group(x, z, name="of_two_devices")
    tf.group(name="empty")
    tf.no_op()


@family.graph
def colocated(tf: Any) -> None:
    v = tf.Variable([1.0], name="v")
    with tf.colocate_with(v):
        tf.constant(1.0)
        with tf.colocate_with(tf.constant(2.0, name="two")):
            tf.constant(1.0, name="both")
        with tf.colocate_with(None, ignore_existing=True):
            tf.constant(1.0, name="none")
    with tf.device("/cpu:0"), tf.colocate_with(v.op, ignore_existing=True):
        tf.constant(3.0, name="without_device")


@family.graph(run=False)  # the devices are not there
def devices(tf: Any) -> None:
    with tf.device("/job:worker"):
        tf.constant(1.0)
        with tf.device("/task:3/gpu:1"):
            tf.constant(1.0)
        with tf.device(tf.DeviceSpec(job="ps", device_type="CPU", device_index=0)):
            tf.constant(1.0)
        with tf.device(None):
            tf.constant(1.0, name="anywhere")
        with tf.device(lambda op: "/job:ps" if op.type == "Const" else "/cpu:0"):
            tf.no_op()
            tf.constant(1.0, name="by_function")
        with tf.device("/job:worker/task:1/device:GPU:2"):
            tf.identity(tf.constant(1.0))


@family.graph
def scopes_of_the_older_kind(tf: Any) -> None:
    x = number(tf)
    with tf.op_scope([x], None, "default"):
        tf.identity(x)
    with tf.op_scope([x], "named"):
        tf.identity(x)
    with tf.variable_op_scope([x], None, "variables"):
        tf.get_variable("v", [2])
    with tf.name_scope(None, "default", [x]) as scope:
        tf.identity(x, name=scope)
    with tf.name_scope("of_values", values=[x, 3.0]):
        tf.identity(x)


# ---- seeds, constants, protos: what functions that make no node say


@family.graph
def told_by_names(tf: Any) -> None:
    """What functions without nodes return, in the names of nodes."""
    x = tf.placeholder(tf.float32, [2, None], name="x")
    four = tf.constant([2, 2], name="four")
    said = [
        tf.get_seed(3),
        tf.get_static_value(four).tolist(),
        tf.get_static_value(x),
        tf.dimension_value(x.shape[0]),
        tf.dimension_at_index(x.shape, 1),
        tf.broadcast_static_shape(tf.TensorShape([2, 1]), tf.TensorShape([None, 3])),
        tf.as_dtype("float64").name,
        tf.make_ndarray(tf.make_tensor_proto([1.5, 2.5])).tolist(),
        tf.get_variable_scope().name,
        tf.get_default_session(),
        tf.get_default_graph() is x.graph,
        isinstance(x, tf.Tensor),
        isinstance(x.op, tf.Operation),
        tf.zeros_initializer().get_config()["dtype"],
    ]
    for i, text in enumerate(said):
        tf.constant(str(text), name=f"said_{i}")
