"""get_variable and variable scopes: names, sharing, inherited defaults, errors."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import minitf as tf


def names_in(*args, **options):
    """The scope's name, its original name scope, and an op's name inside."""
    with tf.variable_scope(*args, **options) as scope:
        return scope.name, scope.original_name_scope, tf.no_op().name


# ---- names


def test_names_of_variables_and_ops():
    with tf.variable_scope("foo") as scope:
        v = tf.get_variable("v", [1])
        assert (v.name, tf.no_op().name) == ("foo/v:0", "foo/NoOp")
    assert names_in("foo", reuse=True) == ("foo", "foo_1/", "foo_1/NoOp")
    assert names_in(scope) == ("foo", "foo/", "foo_2/NoOp")
    assert names_in(scope, auxiliary_name_scope=False) == ("foo", "foo/", "NoOp")
    with tf.variable_scope("bar"):
        assert names_in(scope) == ("foo", "foo/", "bar/foo/NoOp")
        with tf.variable_scope(scope), tf.variable_scope("in") as inner:
            assert inner.name == "foo/in"
            assert tf.get_variable("w", [1]).name == "foo/in/w:0"
    assert names_in("a/b") == ("a/b", "a/b/", "a/b/NoOp")
    assert names_in("") == ("", "", "NoOp_1")


def test_names_inside_a_name_scope():
    with tf.variable_scope("o") as outer:
        pass
    with tf.name_scope("ns"):
        assert names_in("vs") == ("vs", "ns/vs/", "ns/vs/NoOp")
        assert names_in(outer) == ("o", "o/", "ns/o/NoOp")
        assert names_in(tf.get_variable_scope()) == ("", "", "ns/NoOp")
        assert names_in("") == ("", "", "ns/NoOp_1")
        assert names_in("aux", auxiliary_name_scope=False) == ("aux", "ns/", "ns/NoOp_2")
        with tf.variable_scope("vs"):
            assert tf.get_variable("v", [1]).name == "vs/v:0"
            assert tf.Variable(1.0).name == "ns/vs_1/Variable:0"


def test_the_original_name_scope_continues_the_first_ops():
    with tf.variable_scope("foo") as scope:
        tf.no_op()
    with (
        tf.variable_scope(scope, auxiliary_name_scope=False),
        tf.name_scope(scope.original_name_scope),
    ):
        assert tf.no_op().name == "foo/NoOp_1"


def test_default_names_are_made_unique():
    def opened():
        return names_in(None, default_name="d")[:2]

    assert [opened() for _ in range(3)] == [("d", "d/"), ("d_1", "d_1/"), ("d_2", "d_2/")]
    with tf.variable_scope("o") as outer:
        assert [opened() for _ in range(2)] == [("o/d", "o/d/"), ("o/d_1", "o/d_1/")]
    with tf.variable_scope("o"):
        assert opened() == ("o/d", "o_1/d/")
    with tf.variable_scope(outer):
        assert opened() == ("o/d", "o_2/d/")
        with tf.variable_scope(outer):
            assert opened() == ("o/d_1", "o_2/o/d/")
    with tf.variable_scope("d_3"):
        pass
    assert opened() == ("d_4", "d_4/")
    assert names_in("x", "d")[:2] == ("x", "x/")


def test_a_scope_entered_twice():
    scope = tf.variable_scope("twice")
    with scope as first:
        assert (first.name, tf.no_op().name) == ("twice", "twice/NoOp")
    with scope as second:
        assert (second.name, second.original_name_scope) == ("twice", "twice/")
        assert tf.no_op().name == "twice_1/NoOp"


def test_variable_op_scope():
    with tf.variable_op_scope([tf.constant(1.0)], "vo") as scope:
        assert scope.name == "vo"
    with tf.variable_op_scope([], None, "vo") as scope:
        assert scope.name == "vo_1"


def test_a_scope_made_by_hand():
    scope = tf.VariableScope(reuse=False, name="hand")
    assert (scope.name, scope.original_name_scope, scope.reuse) == ("hand", "", False)
    with tf.variable_scope(scope):
        assert tf.get_variable("v", [1]).name == "hand/v:0"
    assert tf.get_variable_scope().name == ""


def test_scopes_of_a_tensors_graph():
    graph = tf.Graph()
    with graph.as_default():
        c = tf.constant(1.0)
    with tf.variable_scope("s", values=[c]):
        assert tf.get_variable("v", [1]).graph is graph


def test_threads_have_scopes_of_their_own():
    graph = tf.get_default_graph()
    seen = []

    def work():
        with graph.as_default():
            seen.append(tf.get_variable_scope().name)

    with tf.variable_scope("here"):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert seen == [""]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"name_or_scope": None}, TypeError, "name_or_scope is required"),
        ({"name_or_scope": 3}, TypeError, "must be a string or VariableScope"),
        ({"name_or_scope": "q", "reuse": 3}, ValueError, "reuse parameter"),
        ({"name_or_scope": "q", "reuse": 1}, ValueError, "reuse parameter"),
        ({"name_or_scope": "q", "auxiliary_name_scope": 3}, TypeError, "auxiliary_name_scope"),
        ({"name_or_scope": "a b"}, ValueError, "not a valid scope name"),
        (
            {"name_or_scope": None, "default_name": "d", "reuse": True},
            ValueError,
            "without a name_or_scope",
        ),
    ],
)
def test_bad_scopes(arguments, error, message):
    def enter():
        with tf.variable_scope(**arguments):
            pass

    with pytest.raises(error, match=message):
        enter()
    assert tf.get_variable_scope().name == ""
    assert tf.no_op().name == "NoOp"


def test_a_scope_closes_after_an_error():
    with pytest.raises(KeyError), tf.variable_scope("s"):
        raise KeyError
    assert tf.get_variable_scope().name == ""


# ---- sharing


def test_reuse():
    with tf.variable_scope("foo") as scope:
        v = tf.get_variable("v", [1])
        assert scope.reuse is False
        scope.reuse_variables()
        assert tf.get_variable("v", [1]) is tf.get_variable("v") is v
        assert tf.get_variable("v", [None]) is v
        assert tf.get_variable("v", initializer=[9.0]) is v
    with tf.variable_scope("foo", reuse=tf.AUTO_REUSE):
        w = tf.get_variable("w", [1])
        assert tf.get_variable("w", [1]) is w
        assert tf.get_variable("v", [1]) is v
    assert tf.global_variables() == [v, w]


def test_reuse_is_inherited_and_cannot_be_undone():
    def inner(**options):
        with tf.variable_scope("in", **options) as scope:
            return scope.reuse

    with tf.variable_scope("a", reuse=True):
        assert inner() is inner(reuse=False) is inner(reuse=None) is True
        assert inner(reuse=tf.AUTO_REUSE) is tf.AUTO_REUSE
    with tf.variable_scope("a", reuse=tf.AUTO_REUSE):
        assert inner() is inner(reuse=False) is tf.AUTO_REUSE
        assert inner(reuse=True) is True
    assert tf.get_variable_scope().reuse is False


def test_an_entered_scope_keeps_its_own_reuse():
    with tf.variable_scope("o") as plain:
        pass
    with tf.variable_scope("r", reuse=True) as reusing:
        with tf.variable_scope(plain) as scope:
            assert scope.reuse is False
        with tf.variable_scope(plain, reuse=tf.AUTO_REUSE) as scope:
            assert scope.reuse is tf.AUTO_REUSE
    with tf.variable_scope(reusing) as scope:
        assert scope.reuse is True
        assert scope is not reusing


def test_reuse_of_the_root_scope():
    v = tf.get_variable("v", [1])
    tf.get_variable_scope().reuse_variables()
    assert tf.get_variable("v", [1]) is v
    with pytest.raises(ValueError, match="does not exist"):
        tf.get_variable("w", [1])


def test_a_shared_layer_trains_one_set_of_variables():
    def layer(x):
        with tf.variable_scope("layer", reuse=tf.AUTO_REUSE):
            return tf.matmul(x, tf.get_variable("w", [2, 2]))

    x = tf.ones([1, 2])
    loss = tf.reduce_sum(layer(layer(x)))
    (w,) = tf.trainable_variables()
    (grad,) = tf.gradients(loss, [w])
    with tf.Session() as sess:
        sess.run(w.assign([[1.0, 2.0], [3.0, 4.0]]))
        np.testing.assert_allclose(sess.run(grad), [[7.0, 11.0], [9.0, 13.0]])


def test_variables_made_by_hand_are_not_shared():
    tf.Variable(1.0, name="v")
    with tf.variable_scope("", reuse=True), pytest.raises(ValueError, match="does not exist"):
        tf.get_variable("v", [])
    assert tf.get_variable("v", []).name == "v_1:0"


def test_an_existing_name_is_refused_with_both_lines():
    tf.get_variable("v", [1])
    with pytest.raises(ValueError, match="already exists") as caught:
        tf.get_variable("v", [1])
    text = str(caught.value)
    assert "Did you mean to set reuse=True or reuse=tf.AUTO_REUSE in VarScope?" in text
    lines = [line for line in text.splitlines() if "test_variable_scope.py" in line]
    assert len(lines) == 2
    assert 'tf.get_variable("v", [1])' in lines[1] and "created at" in lines[1]
    assert "AUTO_REUSE to share" in text and "reset_default_graph" in text


def test_a_line_that_runs_twice_is_told_so():
    def model():
        return tf.get_variable("v", [1])

    def build():
        for _ in range(2):
            model()

    with pytest.raises(ValueError, match="this line runs more than once") as caught:
        build()
    assert "default_name" in str(caught.value)


def test_a_notebook_cell_is_told_to_reset():
    code = compile("tf.get_variable('v', [1])", "/tmp/ipykernel_7/cell.py", "exec")
    exec(code, {"tf": tf})
    with pytest.raises(ValueError, match=r"notebook cell[\s\S]*reset_default_graph"):
        exec(code, {"tf": tf})


def test_a_missing_variable_is_told_with_near_names():
    with tf.variable_scope("layer"):
        tf.get_variable("weights", [1])
    with (
        tf.variable_scope("layer", reuse=True),
        pytest.raises(ValueError, match="does not exist") as caught,
    ):
        tf.get_variable("weight", [1])
    text = str(caught.value)
    assert "layer/weights" in text
    assert "AUTO_REUSE" in text and "test_variable_scope.py" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"shape": [2]}, r"specified shape \(2,\) and found shape \(1,\)"),
        ({"shape": [1, 1]}, r"specified shape \(1, 1\)"),
        ({"shape": [1], "dtype": "int32"}, "specified dtype int32 and found dtype float32_ref"),
        ({"shape": [1], "initializer": [1.0]}, "If initializer is a constant"),
    ],
)
def test_a_request_that_does_not_fit_is_refused(arguments, message):
    tf.get_variable("v", [1])
    with tf.variable_scope("", reuse=True), pytest.raises(ValueError, match=message):
        tf.get_variable("v", **arguments)


# ---- making


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, ValueError, "`shape` argument must be specified"),
        ({"shape": [None, 2]}, ValueError, "must be fully defined"),
        ({"shape": [2], "initializer": [1.0, 2.0]}, ValueError, "do not specify shape"),
        ({"initializer": tf.zeros_initializer()}, ValueError, "must be fully defined"),
        ({"shape": [2], "dtype": tf.complex64}, ValueError, "initializer for variable"),
        ({"initializer": [1.0], "dtype": tf.int32}, ValueError, "don't match"),
        ({"shape": [2, 2], "partitioner": 3}, ValueError, "must be callable"),
        ({"shape": [2], "custom_getter": 3}, ValueError, "not callable"),
        ({"shape": [2], "dtype": "foo"}, TypeError, "foo"),
        (
            {"shape": [2], "initializer": lambda shape, dtype: tf.zeros([3], dtype)},
            ValueError,
            "not compatible",
        ),
    ],
)
def test_bad_requests(arguments, error, message):
    with pytest.raises(error, match=message):
        tf.get_variable("v", **arguments)


def test_a_name_must_be_text():
    with pytest.raises(TypeError, match="must be a string"):
        tf.get_variable(3, [1])


def test_kinds_of_initializers():
    with tf.Session() as sess:
        made = [
            tf.get_variable("a", [2], initializer=tf.ones_initializer),
            tf.get_variable("b", initializer=np.array([1.0, 1.0], np.float32)),
            tf.get_variable("c", [2], initializer=lambda shape, dtype: tf.ones(shape, dtype)),
            tf.get_variable("d", initializer=lambda: [1.0, 1.0]),
            tf.get_variable("e", initializer=tf.constant([1.0, 1.0])),
            tf.get_variable("f", [2], tf.int32, tf.ones_initializer()),
        ]
        sess.run(tf.global_variables_initializer())
        assert [value.tolist() for value in sess.run(made)] == [[1, 1]] * 6


def test_scalars_may_have_a_partitioner():
    assert tf.get_variable("v", [], partitioner=len).shape.as_list() == []


def test_defaults_are_inherited():
    with tf.variable_scope(
        "a",
        initializer=tf.constant_initializer(3.0),
        regularizer=tf.reduce_sum,
        dtype=tf.float64,
        caching_device="/cpu:0",
        constraint=tf.abs,
    ) as scope:
        v = tf.get_variable("v", [2])
        assert v.dtype.base_dtype == tf.float64
        assert v.constraint is tf.abs
        assert v.value().device == "/device:CPU:0"
        with tf.variable_scope("b", regularizer=tf.no_regularizer) as inner:
            w = tf.get_variable("w", [2])
            assert w.dtype.base_dtype == tf.float64
            inner.set_initializer(tf.ones_initializer())
            inner.set_dtype(tf.float32)
            inner.set_caching_device(None)
            inner.set_regularizer(None)
            inner.set_partitioner(None)
            inner.set_custom_getter(None)
            inner.set_use_resource(False)
            x = tf.get_variable("x", [2])
            assert x.dtype.base_dtype == tf.float32
        assert scope.dtype is tf.float64
        assert [loss.name for loss in scope.get_collection("regularization_losses")] == [
            "a/v/Regularizer/Sum:0"
        ]
        assert scope.global_variables() == scope.trainable_variables() == [v, w, x]
        assert scope.local_variables() == []
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        assert [value.tolist() for value in sess.run([v, w, x])] == [[3, 3], [3, 3], [1, 1]]


def test_a_scope_lists_only_what_is_its_own():
    with tf.variable_scope("foo"):
        v = tf.get_variable("v", [1])
    with tf.variable_scope("fo") as scope:
        assert scope.global_variables() == []
    assert tf.get_variable_scope().global_variables() == [v]


def test_regularizers():
    with tf.variable_scope("s", reuse=tf.AUTO_REUSE):
        for _ in range(2):
            tf.get_variable("v", [2], regularizer=lambda w: 0.5 * tf.reduce_sum(w))
        tf.get_variable("w", [2], regularizer=lambda w: None)
    (loss,) = tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)
    assert loss.op.name.startswith("s/v/Regularizer/")


def test_local_variables():
    v = tf.get_local_variable("v", [2])
    w = tf.get_local_variable("w", [2], collections=["mine"])
    assert tf.local_variables() == [v, w]
    assert tf.get_collection("mine") == [w]
    assert tf.global_variables() == tf.trainable_variables() == []
    assert not v.trainable
    with pytest.raises(ValueError, match="already exists"):
        tf.get_local_variable("v", [2])


def test_custom_getters():
    calls = []

    def outer(getter, name, **arguments):
        calls.append(("outer", name))
        return tf.identity(getter(name, **arguments), name="wrapped")

    def inner(getter, name, *args, **arguments):
        calls.append(("inner", name, sorted(arguments)[:3]))
        return getter(name, *args, **arguments)

    with tf.variable_scope("a", custom_getter=outer):
        assert tf.get_variable("v", [2]).name == "wrapped:0"
        with tf.variable_scope("b", custom_getter=inner):
            assert tf.get_variable("v", [2]).name == "wrapped_1:0"
        assert tf.get_variable("v3", [2], custom_getter=inner).name == "a/v3:0"
    arguments = ["aggregation", "caching_device", "collections"]
    assert calls == [
        ("outer", "a/v"),
        ("inner", "a/b/v", arguments),
        ("outer", "a/b/v"),
        ("inner", "a/v3", arguments),
    ]


def test_graphs_have_variables_of_their_own():
    with tf.Graph().as_default():
        tf.get_variable("v", [1])
    with tf.Graph().as_default():
        assert tf.get_variable("v", [1]).name == "v:0"
    tf.get_variable("v", [1])
    tf.reset_default_graph()
    tf.get_variable("v", [1])
