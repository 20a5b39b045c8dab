"""Reading a variable without a value: the message says which, where, why, and what to do."""

from __future__ import annotations

import pytest

import minitf as tf
from minitf.framework.kernel_context import ResourceManager
from minitf.runtime.interpreter import interpret


@pytest.fixture
def sess():
    with tf.Session() as session:
        yield session


def complaint(sess, fetch, feeds=None):
    """The message of the error, and that it is TensorFlow's class and code."""
    with pytest.raises(tf.errors.FailedPreconditionError) as caught:
        sess.run(fetch, feeds)
    assert type(caught.value) is tf.errors.FailedPreconditionError
    assert caught.value.error_code == 9
    return str(caught.value)


def line_of(text, start):
    (line,) = [line for line in text.splitlines() if line.strip().startswith(start)]
    return line


def test_it_names_the_variable_its_line_and_the_line_that_uses_it(sess):
    w = tf.get_variable("w", [2, 3])
    x = tf.placeholder(tf.float32, [None, 2])
    y = tf.matmul(x, w)
    text = complaint(sess, y, {x: [[1.0, 2.0]]})
    assert text.splitlines()[0] == "Attempting to use uninitialized value w"
    assert "'MatMul' (type MatMul)" in line_of(text, "op:")
    assert "test_uninitialized.py:" in line_of(text, "variable:")
    assert 'w = tf.get_variable("w", [2, 3])' in line_of(text, "variable:")
    assert "y = tf.matmul(x, w)" in line_of(text, "created at:")
    assert "no initializer has run in this session" in text
    assert "global_variables_initializer()" in line_of(text, "what to do:")


def test_the_error_belongs_to_the_node_that_read(sess):
    v = tf.Variable(1.0)
    with pytest.raises(tf.errors.FailedPreconditionError) as caught:
        sess.run(v + 1.0)
    assert caught.value.op is v.value().op


def test_it_lists_all_that_the_run_needs_and_no_others(sess):
    names = [f"v{i}" for i in range(4)]
    v = [tf.Variable(1.0, name=name) for name in names]
    sess.run(v[2].initializer)
    text = complaint(sess, v[0] + v[1] + v[2])
    needed = line_of(text, "this run needs")
    assert "1 more" in needed and "v1:0 float32[], made at" in needed
    assert "v2" not in needed and "v3" not in text


def test_a_long_list_is_cut(sess):
    text = complaint(sess, tf.add_n([tf.Variable(1.0, name=f"v{i}") for i in range(30)]))
    needed = line_of(text, "this run needs")
    assert "29 more" in needed and needed.endswith("; ...") and "v10:0" in needed
    assert "v11:0" not in needed


def test_an_initializer_that_was_built_too_early(sess):
    a = tf.Variable(1.0, name="a")
    init = tf.global_variables_initializer()
    b = tf.Variable(2.0, name="b")
    c = tf.Variable(3.0, name="c")
    sess.run(init)
    text = complaint(sess, a + b + c)
    why = line_of(text, "why:")
    assert "'init', was built at" in why
    assert "init = tf.global_variables_initializer()" in why
    assert why.endswith("does not cover 'b', 'c'.")
    assert "after the last variable" in line_of(text, "what to do:")
    sess.run(tf.global_variables_initializer())
    assert sess.run(a + b + c) == 6.0


def test_an_initializer_that_was_built_but_not_run_is_not_blamed(sess):
    tf.Variable(1.0)
    tf.global_variables_initializer()
    b = tf.Variable(2.0)
    assert "no initializer has run" in complaint(sess, b)


def test_another_session_has_values_of_its_own(sess):
    v = tf.Variable(1.0)
    init = tf.global_variables_initializer()
    with tf.Session() as other:
        other.run(init)
    assert "values of its own" in complaint(sess, v)


def test_an_initializer_of_other_variables(sess):
    a, b = tf.Variable(1.0), tf.Variable(2.0, name="b")
    sess.run(tf.variables_initializer([a], name="some"))
    text = complaint(sess, b)
    assert "'some'" in line_of(text, "why:") and "does not cover it" in text
    assert "tf.variables_initializer([v])" in text


def test_a_local_variable(sess):
    v = tf.get_local_variable("v", [2])
    sess.run(tf.global_variables_initializer())
    text = complaint(sess, v)
    assert "local variable" in line_of(text, "why:")
    assert "tf.local_variables_initializer()" in line_of(text, "what to do:")


def test_a_training_step_is_no_initializer(sess):
    """A group with an update that assigns is not taken for one that initializes."""
    a, b = tf.Variable(1.0), tf.Variable(2.0)
    sess.run(a.initializer)
    sess.run(tf.group(a.assign(2.0), a.assign_add(1.0)))
    assert "Variable/Assign" in line_of(complaint(sess, b), "why:")


def test_updates_of_a_variable_without_a_value(sess):
    v = tf.Variable([1.0, 2.0])
    for update in (v.assign_add([1.0, 1.0]), tf.scatter_add(v, [0], [1.0]), v.assign(v + 1.0)):
        assert "uninitialized value Variable" in complaint(sess, update)


def test_what_needs_no_value_is_not_listed(sess):
    a, b = tf.Variable(1.0), tf.Variable(2.0)
    text = complaint(sess, [a.value(), tf.is_variable_initialized(b), b.assign(1.0)])
    assert "this run needs" not in text


def test_fetching_the_variable_itself(sess):
    v = tf.Variable(1.0, name="v")
    text = complaint(sess, v)
    assert "'v' (type VariableV2)" in line_of(text, "op:")
    assert 'v = tf.Variable(1.0, name="v")' in line_of(text, "created at:")


def test_a_branch_that_is_not_taken_needs_nothing(sess):
    v = tf.Variable(1.0)
    p = tf.placeholder(tf.bool, [])
    y = tf.cond(p, lambda: v.read_value() * 2.0, lambda: tf.constant(0.0))
    assert sess.run(y, {p: False}) == 0.0
    assert "uninitialized value Variable" in complaint(sess, y, {p: True})


def test_a_name_without_a_variable_object(sess):
    """An imported graph has nodes, and no Python objects."""
    graph_def = tf.Graph()
    with graph_def.as_default():
        v = tf.Variable(1.0, name="v")
        _ = tf.add(v, 1.0, name="y")
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def.as_graph_def(), name="")
        with tf.Session() as inner:
            text = complaint(inner, "y:0")
            assert text.startswith("Attempting to use uninitialized value v\n")
            inner.run(graph.get_operation_by_name("v/Assign"))
            assert inner.run("y:0") == 2.0


def test_the_interpreter_says_the_same():
    v = tf.Variable(1.0, name="v")
    y = v + 1.0
    for fetch in (y, v.op.outputs[0]):
        with pytest.raises(tf.errors.FailedPreconditionError, match="uninitialized value v") as e:
            interpret([fetch], {})
        assert "no initializer has run" in str(e.value)
    resources = ResourceManager()
    interpret([v.initializer], {}, resources)
    assert interpret([y], {}, resources) == [2.0]
