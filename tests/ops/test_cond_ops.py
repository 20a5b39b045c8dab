"""tf.cond and tf.case: what runs, what is dead, values, gradients, and the graph they build."""

import itertools

import numpy as np
import pytest

import minitf as tf
from minitf.ops.switch_ops import MERGE, SWITCH
from minitf.runtime.interpreter import interpret


def both(fetch, pred, feeds=None):
    """The values for pred = True and False; program and interpreter must agree."""
    values = []
    for taken in (True, False):
        fed = {pred: taken, **(feeds or {})}
        with tf.Session() as sess:
            sess.run(tf.global_variables_initializer())
            value = sess.run(fetch, fed)
        values.append(value)
    return values


@pytest.fixture
def pred():
    return tf.placeholder(tf.bool, [], name="p")


def test_only_one_branch_runs(pred):
    ran = []

    def branch(name):
        def call():
            ran.append(name)
            return np.float32(1)

        return lambda: tf.py_func(call, [], tf.float32)

    y = tf.cond(pred, branch("true"), branch("false"))
    both(y, pred)
    assert ran == ["true", "false"]
    ran.clear()
    interpret([y], {pred: np.array(False)})
    assert ran == ["false"]


def test_what_was_made_outside_runs_in_either_case(pred):
    ran = []
    outside = tf.py_func(lambda: ran.append(1) or np.float32(1), [], tf.float32)
    both(tf.cond(pred, lambda: outside * 2.0, lambda: tf.constant(0.0)), pred)
    assert len(ran) == 2


def test_assignments_in_a_branch(pred):
    v = tf.Variable(1.0)
    y = tf.cond(pred, lambda: tf.assign(v, 5.0), lambda: tf.identity(v))
    with tf.Session() as sess:
        sess.run(v.initializer)
        assert sess.run(y, {pred: False}) == 1.0 and sess.run(v) == 1.0
        assert sess.run(y, {pred: True}) == 5.0 and sess.run(v) == 5.0
    z = tf.cond(pred, lambda: tf.assign_add(v, 1.0), lambda: tf.assign_sub(v, 1.0))
    assert z.dtype is tf.float32._as_ref  # both are references: so is the result
    with tf.Session() as sess:
        sess.run(v.initializer)
        assert [float(sess.run(z, {pred: p})) for p in (True, True, False)] == [2.0, 3.0, 2.0]


def test_operations_as_results(pred):
    v = tf.Variable(0)
    y = tf.cond(pred, lambda: tf.assign_add(v, 1).op, lambda: tf.no_op())
    with tf.Session() as sess:
        sess.run(v.initializer)
        for taken in (True, False, True):
            sess.run(y, {pred: taken})
        assert sess.run(v) == 2


def test_structures(pred):
    a, b = tf.constant(1.0), tf.constant(2.0)
    y = tf.cond(pred, lambda: {"x": a, "l": [b, (a,)]}, lambda: {"x": b, "l": [a, (b,)]})
    assert both(y, pred) == [{"x": 1.0, "l": [2.0, (1.0,)]}, {"x": 2.0, "l": [1.0, (2.0,)]}]
    assert not isinstance(tf.cond(pred, lambda: [a], lambda: [b]), list)
    assert isinstance(tf.cond(pred, lambda: [a], lambda: [b], strict=True), list)
    assert both(tf.cond(pred, lambda: 1, lambda: 2), pred) == [1, 2]


def test_nested(pred):
    q = tf.placeholder(tf.bool, [])
    x = tf.constant(1.0)
    y = tf.cond(pred, lambda: tf.cond(q, lambda: x + 1.0, lambda: x + 2.0), lambda: x + 3.0)
    assert both(y, pred, {q: True}) == [2.0, 4.0]
    assert both(y, pred, {q: False}) == [3.0, 4.0]


def test_control_dependencies_reach_into_branches(pred):
    v = tf.Variable(1.0)
    with tf.control_dependencies([tf.assign(v, 10.0)]):
        y = tf.cond(pred, lambda: v.read_value() * 2.0, lambda: v.read_value() * 3.0)
    assert both(y, pred) == [20.0, 30.0]


def test_gradients(pred):
    x, w = tf.placeholder(tf.float64, []), tf.constant(3.0, tf.float64)
    y = tf.cond(pred, lambda: x * w, lambda: tf.square(x) + 1.0)
    grads = tf.gradients(y, [x, w])
    assert both(grads, pred, {x: 5.0}) == [[3.0, 5.0], [10.0, 0.0]]
    (second,) = tf.gradients(grads[0], x)
    assert both(second, pred, {x: 5.0}) == [0.0, 2.0]


def test_gradients_through_nested_branches(pred):
    q = tf.placeholder(tf.bool, [])
    x = tf.placeholder(tf.float64, [])
    y = tf.cond(pred, lambda: tf.cond(q, lambda: x**2, lambda: x**3), lambda: 5.0 * x)
    (first,) = tf.gradients(y, x)
    (second,) = tf.gradients(first, x)
    (third,) = tf.gradients(second, x)
    for taken, expected in ((True, [[4, 2, 0], [5, 0, 0]]), (False, [[12, 12, 6], [5, 0, 0]])):
        assert both([first, second, third], pred, {x: 2.0, q: taken}) == expected


def test_a_gradient_rule_with_constants_is_dead_with_its_branch(pred):
    x = tf.placeholder(tf.float32, [2])
    y = tf.cond(pred, lambda: tf.reduce_sum(tf.sign(x)), lambda: tf.reduce_mean(x * 4.0))
    (grad,) = tf.gradients(y, x)
    taken, not_taken = both(grad, pred, {x: [1.0, 2.0]})
    np.testing.assert_array_equal(taken, [0, 0])
    np.testing.assert_array_equal(not_taken, [2, 2])


def test_sparse_gradients_in_a_branch(pred):
    table = tf.Variable(np.ones((3, 2), np.float32))
    y = tf.cond(pred, lambda: tf.reduce_sum(tf.gather(table, [1])), lambda: tf.constant(0.0))
    (grad,) = tf.gradients(y, table)
    taken, not_taken = both(tf.convert_to_tensor(grad), pred)
    np.testing.assert_array_equal(taken, [[0, 0], [1, 1], [0, 0]])
    np.testing.assert_array_equal(not_taken, np.zeros((3, 2)))


def test_training_through_a_branch(pred):
    w = tf.Variable(1.0)
    loss = tf.cond(pred, lambda: tf.square(w - 3.0), lambda: tf.square(w))
    step = tf.train.GradientDescentOptimizer(0.25).minimize(loss)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(30):
            sess.run(step, {pred: True})
        assert sess.run(w) == pytest.approx(3.0)
        for _ in range(60):
            sess.run(step, {pred: False})
        assert sess.run(w) == pytest.approx(0.0, abs=1e-6)


def test_the_graph_is_tensorflows(pred):
    x = tf.placeholder(tf.float32, [], name="x")
    w = tf.Variable(2.0, name="w")
    tf.cond(pred, lambda: x * w, lambda: tf.square(x) + 1.0)
    nodes = {
        node.name: (node.op, list(node.input))
        for node in tf.get_default_graph().as_graph_def().node
        if node.name.startswith("cond/")
    }
    assert nodes == {
        "cond/Switch": ("Switch", ["p", "p"]),
        "cond/switch_t": ("Identity", ["cond/Switch:1"]),
        "cond/switch_f": ("Identity", ["cond/Switch"]),
        "cond/pred_id": ("Identity", ["p"]),
        "cond/mul": ("Mul", ["cond/mul/Switch:1", "cond/mul/Switch_1:1"]),
        "cond/mul/Switch": ("Switch", ["x", "cond/pred_id"]),
        "cond/mul/Switch_1": ("Switch", ["w/read", "cond/pred_id"]),
        "cond/Square": ("Square", ["cond/Square/Switch"]),
        "cond/Square/Switch": ("Switch", ["x", "cond/pred_id"]),
        "cond/add/y": ("Const", ["^cond/switch_f"]),
        "cond/add": ("AddV2", ["cond/Square", "cond/add/y"]),
        "cond/Merge": ("Merge", ["cond/add", "cond/mul"]),
    }


def test_an_imported_cond_is_differentiable(pred):
    x = tf.placeholder(tf.float64, [], name="x")
    q = tf.placeholder(tf.bool, [], name="q")
    tf.identity(
        tf.cond(pred, lambda: tf.cond(q, lambda: x**2, lambda: x**3), lambda: 5.0 * x), name="y"
    )
    graph_def = tf.get_default_graph().as_graph_def()
    with tf.Graph().as_default():
        x, p, q, y = tf.import_graph_def(graph_def, return_elements=["x:0", "p:0", "q:0", "y:0"])
        (grad,) = tf.gradients(y, x)
        with tf.Session() as sess:
            values = [
                sess.run(grad, {x: 2.0, p: a, q: b})
                for a, b in ((True, True), (True, False), (False, True))
            ]
    assert values == [4.0, 12.0, 5.0]


def test_the_inside_of_a_branch_cannot_be_fetched(pred):
    inside = []

    def branch():
        inside.append(tf.constant(1.0) * 2.0)
        return inside[0]

    y = tf.cond(pred, branch, lambda: tf.constant(0.0))
    with tf.Session() as sess:
        with pytest.raises(ValueError, match="may not be fetched"):
            sess.run(inside[0], {pred: True})
        assert sess.run(y, {inside[0]: 1.0, pred: True}) == 1.0


@pytest.mark.parametrize(
    ("true_fn", "false_fn", "error", "match"),
    [
        (1.0, lambda: 1.0, TypeError, "'true_fn' must be callable"),
        (lambda: 1.0, None, TypeError, "'false_fn' must be callable"),
        (lambda: None, lambda: 1.0, ValueError, "'true_fn' must have a return value"),
        (lambda: 1, lambda: 2.0, ValueError, "same type"),
        (lambda: (1, 2), lambda: 1, ValueError, "same nested structure"),
        (lambda: {"a": 1}, lambda: {"b": 1}, ValueError, "same nested structure"),
    ],
)
def test_wrong_branches(pred, true_fn, false_fn, error, match):
    with pytest.raises(error, match=match):
        tf.cond(pred, true_fn, false_fn)


def test_wrong_predicates():
    with pytest.raises(TypeError, match="must not be a Python bool"):
        tf.cond(True, lambda: 1, lambda: 2)
    with pytest.raises(TypeError, match="bool"):
        tf.cond(tf.constant(1.0), lambda: 1, lambda: 2)
    vector = tf.placeholder(tf.bool)
    y = tf.cond(vector, lambda: 1, lambda: 2)
    with tf.Session() as sess, pytest.raises(tf.errors.InvalidArgumentError, match="scalar"):
        sess.run(y, {vector: [True, False]})


def test_case():
    x = tf.placeholder(tf.float32, [])
    pairs = [(x < -1.0, lambda: x * 10.0), (x < 1.0, lambda: -x)]
    with_default = tf.case(pairs, default=lambda: tf.constant(7.0))
    strict = tf.case([(x < -1.0, lambda: x), (x < 1.0, lambda: -x)])
    exclusive = tf.case(pairs, default=lambda: tf.constant(7.0), exclusive=True)
    with tf.Session() as sess:
        assert [float(sess.run(with_default, {x: v})) for v in (-2, 0.5, 3)] == [-20, -0.5, 7]
        assert [float(sess.run(strict, {x: v})) for v in (-2, 0.5)] == [-2, -0.5]
        with pytest.raises(tf.errors.InvalidArgumentError, match="None of conditions"):
            sess.run(strict, {x: 3.0})
        assert sess.run(exclusive, {x: 0.5}) == -0.5
        with pytest.raises(tf.errors.InvalidArgumentError, match="more than 1 conditions"):
            sess.run(exclusive, {x: -2.0})
    for wrong in ([(x < 1.0, 3)], [x < 1.0]):
        with pytest.raises(TypeError):
            tf.case(wrong)


def effects_outside():
    """Choices between functions with and without effects: (build, what is warned of)."""
    count = tf.Variable(0, name="count")
    x = tf.constant(1.0)

    def waits(op):
        def branch():
            with tf.control_dependencies([op]):
                return tf.identity(tf.identity(x))

        return branch

    outside = tf.assign_add(count, 1, name="outside")
    together = tf.group(outside, name="together")
    taken = tf.FIFOQueue(1, [tf.float32], [[]]).dequeue(name="taken")
    choose = lambda true, false: tf.cond(tf.constant(True), true, false)  # noqa: E731

    def around():
        with tf.control_dependencies([outside]):
            return choose(lambda: tf.constant(1), lambda: tf.constant(2))

    return {
        "a value": (lambda: choose(lambda: outside, lambda: tf.constant(0)), ["outside"]),
        "a value of it": (lambda: choose(lambda: outside + 1, lambda: 0), ["outside"]),
        "an operation": (lambda: choose(lambda: together, tf.no_op), ["together"]),
        "a wait": (lambda: choose(waits(outside), lambda: x), ["outside"]),
        "a wait for several": (lambda: choose(waits(together), lambda: x), ["together"]),
        "an element of a queue": (lambda: choose(lambda: taken, lambda: x), ["taken"]),
        "made inside": (lambda: choose(lambda: tf.assign_add(count, 1), lambda: count), []),
        "a wait inside": (lambda: choose(lambda: waits(tf.assign(count, 1))(), lambda: x), []),
        "a wait around": (around, []),
        "no effect": (lambda: choose(waits(x.op), lambda: x), []),
    }


@pytest.mark.parametrize("name", effects_outside())
def test_a_branch_that_uses_effects_from_outside_is_warned_of(name, caplog):
    build, warned = effects_outside()[name]
    with caplog.at_level("WARNING", "minitf"):
        build()
    found = [record.getMessage() for record in caplog.records]
    assert [text.split("'")[1] for text in found] == warned
    assert all("docs/errors.md#branches" in text and "test_cond_ops.py" in text for text in found)


def test_who_waits_for_a_switch_sees_whether_it_was_run_also_where_it_is_fed(pred):
    outer = tf.placeholder(tf.bool, [])
    way = SWITCH(tf.constant(3.0), outer)
    inner = SWITCH(way[1], pred)  # dead unless `outer`
    with tf.control_dependencies([inner[0].op]):
        waits = tf.identity(tf.constant(1.0))
    y = MERGE([waits, way[0]])[0]
    with tf.Session() as sess:
        for is_outer, taken in itertools.product([True, False], repeat=2):
            for fed in ([], [inner[0]], [inner[1]], [inner[0], inner[1]]):
                feeds = {outer: np.array(is_outer), pred: np.array(taken)}
                feeds.update((tensor, np.float32(5.0)) for tensor in fed)
                expected = 1.0 if is_outer else 3.0
                assert sess.run(y, feeds) == interpret([y], feeds)[0] == expected
