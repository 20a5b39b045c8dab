"""tf.Variable: its properties, its place in expressions, and starting values."""

from __future__ import annotations

import copy
import threading
from itertools import pairwise

import numpy as np
import pytest

import minitf as tf


@pytest.fixture
def sess():
    with tf.Session() as session:
        yield session


# ---- what a variable is


def test_properties():
    v = tf.Variable([[1, 2]], name="v", constraint=tf.abs)
    assert (v.name, v.op.name, v.op.type, v.device) == ("v:0", "v", "VariableV2", "")
    assert v.graph is tf.get_default_graph()
    assert (v.dtype.name, v.dtype.base_dtype) == ("int32_ref", tf.int32)
    assert v.shape.as_list() == v.get_shape().as_list() == [1, 2]
    assert v.initializer.name == "v/Assign"
    assert v.initial_value.name == "v/initial_value:0"
    assert v.value().name == "v/read:0"
    assert v.constraint is tf.abs
    assert v.trainable is True
    assert v.synchronization is tf.VariableSynchronization.AUTO
    assert v.aggregation is tf.VariableAggregation.NONE
    assert repr(v) == str(v) == "<tf.Variable 'v:0' shape=(1, 2) dtype=int32_ref>"


def test_repr_of_shapes():
    assert repr(tf.Variable(1.0)) == "<tf.Variable 'Variable:0' shape=() dtype=float32_ref>"
    v = tf.Variable(tf.placeholder(tf.float32), validate_shape=False)
    assert repr(v) == "<tf.Variable 'Variable_1:0' shape=<unknown> dtype=float32_ref>"
    v.set_shape([2, None])
    assert v.shape.as_list() == v.value().shape.as_list() == [2, None]
    with pytest.raises(ValueError, match="not compatible"):
        v.set_shape([3, 3])


def test_a_variable_is_itself():
    v, w = tf.Variable(1.0), tf.Variable(1.0)
    assert {v: 1, w: 2}[v] == 1
    assert v == v and v != w
    assert v in [w, v] and v not in [w]
    assert copy.copy(v) is v
    assert copy.deepcopy([v])[0] is v
    assert v.experimental_ref() is v


def test_a_variable_is_no_sequence():
    v = tf.Variable([1.0, 2.0])
    with pytest.raises(TypeError, match="not iterable"):
        iter(v)
    with pytest.raises(TypeError):
        len(v)
    with pytest.raises(TypeError):
        float(v)
    with pytest.raises(AttributeError):
        _ = v.nothing


def test_collections():
    a = tf.Variable(1.0)
    b = tf.Variable(1.0, trainable=False)
    c = tf.Variable(1.0, collections=[tf.GraphKeys.LOCAL_VARIABLES], trainable=False)
    d = tf.Variable(1.0, collections=["mine"], name="mine")
    e = tf.Variable(1.0, synchronization=tf.VariableSynchronization.ON_READ)
    assert tf.global_variables() == tf.all_variables() == [a, b, e]
    assert tf.trainable_variables() == [a, d]
    assert tf.local_variables() == [c]
    assert tf.get_collection("mine") == [d]
    assert tf.global_variables("Variable_1") == [b]
    assert tf.trainable_variables("mi") == [d]
    tf.add_to_collection(tf.GraphKeys.MODEL_VARIABLES, a)
    tf.add_to_collection(tf.GraphKeys.MOVING_AVERAGE_VARIABLES, b)
    assert tf.model_variables() == [a]
    assert tf.moving_average_variables() == [b]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, ValueError, "initial_value must be specified"),
        ({"initial_value": 1.0, "collections": "abc"}, ValueError, "list, tuple, or set"),
        ({"initial_value": 1.0, "constraint": 3}, ValueError, "must be a callable"),
        ({"initial_value": 1.0, "dtype": "int32"}, TypeError, "int32"),
        ({"initial_value": "a", "dtype": "float32"}, TypeError, "float32"),
        ({"initial_value": 1.0, "variable_def": 1}, ValueError, "mutually exclusive"),
        ({"initial_value": 1.0, "name": "9 x"}, ValueError, "not a valid"),
        ({"initial_value": 1.0, "variable_def": 1}, ValueError, "mutually exclusive"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        tf.Variable(**arguments)


def test_a_shape_must_be_known():
    p = tf.placeholder(tf.float32)
    with pytest.raises(ValueError, match=r"must have a shape specified[\s\S]*test_variables\.py"):
        tf.Variable(p)


def test_an_initial_value_from_a_branch_is_refused():
    pred = tf.placeholder(tf.bool)

    def branch():
        tf.Variable(tf.ones([]))
        return tf.constant(1.0)

    with pytest.raises(ValueError, match=r"control-flow construct[\s\S]*lambda"):
        tf.cond(pred, branch, lambda: tf.constant(2.0))


def test_a_variable_made_in_a_branch_starts_from_a_function(sess):
    made = []

    def branch():
        made.append(tf.Variable(lambda: tf.constant(3.0)))
        return made[0] * 2.0

    result = tf.cond(tf.constant(True), branch, lambda: tf.constant(0.0))
    sess.run(made[0].initializer)
    assert sess.run(result) == 6.0


# ---- what it holds


def test_eval_and_load(sess):
    v = tf.Variable([1.0, 2.0])
    v.initializer.run()
    assert v.eval().tolist() == v.eval(sess).tolist() == [1.0, 2.0]
    nodes = len(tf.get_default_graph().get_operations())
    v.load([3.0, 4.0])
    assert v.eval().tolist() == [3.0, 4.0]
    assert len(tf.get_default_graph().get_operations()) == nodes
    with pytest.raises(ValueError, match="shape"):
        v.load([1.0, 2.0, 3.0], sess)


def test_eval_and_load_need_a_session():
    v = tf.Variable(1.0)
    with pytest.raises(ValueError, match="default session"):
        v.load(2.0)
    with pytest.raises(ValueError, match="default session"):
        v.eval()


def test_initialized_value(sess):
    v = tf.Variable([1.0, 2.0])
    value = v.initialized_value()
    assert sess.run(value).tolist() == [1.0, 2.0]
    sess.run(v.assign([5.0, 6.0]))
    assert sess.run(value).tolist() == [5.0, 6.0]


def test_read_value_counts_dependencies(sess):
    v = tf.Variable(1.0)
    with tf.control_dependencies([v.assign_add(1.0)]):
        after = v.read_value()
        same = v.value()
    sess.run(v.initializer)
    assert sess.run(after) == 2.0
    sess.run(same)
    assert sess.run(v) == 2.0


def test_a_variable_in_expressions(sess):
    v = tf.Variable([1.0, 2.0])
    sess.run(v.initializer)
    array = np.array([10.0, 20.0], np.float32)
    for result, expected in [
        (v + 1, [2.0, 3.0]),
        (1 - v, [0.0, -1.0]),
        (v * v, [1.0, 4.0]),
        (v / 2, [0.5, 1.0]),
        (-v, [-1.0, -2.0]),
        (v**2, [1.0, 4.0]),
        (v[1:], [2.0]),
        (array + v, [11.0, 22.0]),
        (v > 1.5, [False, True]),
        (tf.identity(v), [1.0, 2.0]),
        (tf.stack([v, v])[0], [1.0, 2.0]),
    ]:
        assert sess.run(result).tolist() == expected


def test_conversion_to_a_tensor():
    v = tf.Variable(1.0)
    assert tf.convert_to_tensor(v) is v.value()
    assert tf.convert_to_tensor(v, dtype=tf.float32) is v.value()
    with pytest.raises(ValueError, match=r"type 'int32' for variable[\s\S]*tf\.cast"):
        tf.convert_to_tensor(v, dtype=tf.int32)


def test_fetching_and_feeding_a_variable(sess):
    v = tf.Variable([1.0, 2.0])
    sess.run(v.initializer)
    assert sess.run({"v": v, "name": "Variable:0"})["v"].tolist() == [1.0, 2.0]
    assert sess.run(v.value() + 1.0, {v.value(): [5.0, 6.0]}).tolist() == [6.0, 7.0]


def test_scatter_methods(sess):
    v = tf.Variable([1.0, 2.0])
    sess.run(v.initializer)
    rows = tf.IndexedSlices(tf.constant([4.0]), tf.constant([1]))
    assert sess.run(v.scatter_add(rows)).tolist() == [1.0, 6.0]
    assert sess.run(v.scatter_sub(rows)).tolist() == [1.0, 2.0]
    assert sess.run(v.scatter_mul(rows)).tolist() == [1.0, 8.0]
    assert sess.run(v.scatter_div(rows)).tolist() == [1.0, 2.0]
    assert sess.run(v.scatter_max(rows)).tolist() == [1.0, 4.0]
    assert sess.run(v.scatter_min(rows)).tolist() == [1.0, 4.0]
    assert sess.run(v.scatter_update(rows)).tolist() == [1.0, 4.0]
    assert sess.run(v.scatter_nd_add([[0]], [1.0])).tolist() == [2.0, 4.0]
    assert sess.run(v.scatter_nd_sub([[0]], [1.0])).tolist() == [1.0, 4.0]
    assert sess.run(v.scatter_nd_update([[0]], [9.0])).tolist() == [9.0, 4.0]
    with pytest.raises(TypeError, match="IndexedSlices"):
        v.scatter_add([1.0])


def test_use_resource_behaves_sensibly(sess):
    v = tf.Variable(1.0, use_resource=True)
    sess.run(v.initializer)
    assert sess.run(v.assign_add(1.0)) == 2.0


def test_a_variable_in_a_finalized_graph():
    tf.get_default_graph().finalize()
    with pytest.raises(RuntimeError, match="finalized"):
        tf.Variable(1.0)


# ---- initial values from other variables


def test_an_initializer_needs_no_other_variable(sess):
    a = tf.Variable([1.0, 2.0])
    b = tf.Variable(a * 2.0)
    sess.run(b.initializer)
    assert sess.run(b).tolist() == [2.0, 4.0]
    assert not sess.run(tf.is_variable_initialized(a))


def test_an_initializer_takes_the_value_that_there_is(sess):
    a = tf.Variable([1.0, 2.0])
    b = tf.Variable(a * 2.0)
    sess.run(a.assign([5.0, 6.0]))
    sess.run(b.initializer)
    assert sess.run(b).tolist() == [10.0, 12.0]


def test_chains_start_in_order(sess):
    """Each starts from the one before, with random numbers at the bottom."""
    chain = [tf.Variable(tf.random_normal([3]))]
    for _ in range(20):
        chain.append(tf.Variable(chain[-1] + 1.0))
    crossed = tf.Variable(chain[3] * chain[7])
    sess.run(tf.global_variables_initializer())
    values = sess.run(chain)
    for before, after in pairwise(values):
        np.testing.assert_array_equal(before + np.float32(1), after)
    np.testing.assert_array_equal(sess.run(crossed), values[3] * values[7])


def test_a_function_may_use_variables(sess):
    a = tf.Variable([1.0, 2.0])
    b = tf.Variable(lambda: a + 1.0)
    c = tf.get_variable("c", initializer=lambda: a * b)
    sess.run(tf.global_variables_initializer())
    assert sess.run(c).tolist() == [2.0, 6.0]


def test_a_deep_initial_value_is_walked_without_recursion(sess):
    a = tf.Variable(0.0)
    value = a.value()
    for _ in range(3000):
        value = value + 1.0
    b = tf.Variable(value)
    sess.run(b.initializer)
    assert sess.run(b) == 3000.0


# ---- initializing


def test_initializers_of_lists(sess):
    a, b = tf.Variable(1.0), tf.Variable(2.0)
    local = tf.Variable(3.0, collections=[tf.GraphKeys.LOCAL_VARIABLES])
    sess.run(tf.variables_initializer([b]))
    assert sess.run(tf.report_uninitialized_variables()).tolist() == [b"Variable", b"Variable_2"]
    sess.run(tf.local_variables_initializer())
    assert sess.run(tf.report_uninitialized_variables([local])).tolist() == []
    sess.run(tf.global_variables_initializer())
    assert sess.run([a, b, local]) == [1.0, 2.0, 3.0]
    assert sess.run(tf.report_uninitialized_variables()).tolist() == []
    assert sess.run(tf.assert_variables_initialized()).tolist() == [0, 0, 0]
    tf.initialize_variables([a])


def test_nothing_to_initialize(sess):
    sess.run(tf.global_variables_initializer())
    sess.run(tf.initialize_local_variables())
    assert sess.run(tf.report_uninitialized_variables()).tolist() == []
    assert tf.assert_variables_initialized() is None


def test_an_initializer_runs_again(sess):
    v = tf.Variable([1.0, 2.0])
    init = tf.global_variables_initializer()
    sess.run(init)
    sess.run(v.assign([9.0, 9.0]))
    sess.run(init)
    assert sess.run(v).tolist() == [1.0, 2.0]


def test_variables_made_from_several_threads():
    graph = tf.Graph()

    def work():
        with graph.as_default():
            for _ in range(50):
                tf.Variable(1.0)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = {v.name for v in graph.get_collection("variables")}
    assert len(names) == 200
    with tf.Session(graph=graph) as sess, graph.as_default():
        sess.run(tf.global_variables_initializer())
        assert sum(sess.run(tf.global_variables())) == 200.0
