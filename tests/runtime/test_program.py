"""Programs against the reference interpreter, on random graphs; order; dead branches."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minitf as tf
from minitf.framework.kernel_context import ResourceManager
from minitf.ops.training_ops import APPLY_GRADIENT_DESCENT
from minitf.runtime.interpreter import interpret
from minitf.runtime.passes import PASSES
from minitf.runtime.program import Program
from minitf.runtime.prune import prune

UNARY = [
    tf.square,
    tf.tanh,
    tf.negative,
    tf.nn.relu,
    tf.identity,
    tf.transpose,
    tf.exp,
    lambda t: tf.reshape(t, [2, 2]),
    lambda t: t[::-1],
    lambda t: tf.concat([t[:1], t[1:]], 0),
    lambda t: t * 1.0,
    lambda t: tf.reduce_sum(t[None], 0),
]
BINARY = [tf.add, tf.multiply, tf.subtract, tf.maximum, tf.matmul]


@st.composite
def random_graphs(draw):
    """Steps that each apply an op to tensors made before."""
    steps = []
    for i in range(draw(st.integers(1, 25))):
        made = 4 + i
        kind = draw(st.sampled_from(["unary", "binary", "cond", "assign", "update"]))
        pick = st.integers(0, made - 1)
        steps.append((kind, draw(st.integers(0, 11)), draw(pick), draw(pick)))
    return steps


def build(steps):
    """Four sources (a feed, a constant, two variables) and the steps; returns all tensors."""
    x = tf.placeholder(tf.float64, [2, 2], name="x")
    v = tf.Variable(np.full((2, 2), 0.25), name="v")
    w = tf.Variable(np.full((2, 2), -0.5), name="w")
    pred = tf.placeholder(tf.bool, name="pred")
    tensors = [x, tf.constant([[0.5, -1.0], [2.0, 0.1]], tf.float64), v.value(), w.value()]
    for kind, which, i, j in steps:
        a, b = tensors[i], tensors[j]
        if kind == "unary":
            tensors.append(UNARY[which % len(UNARY)](a))
        elif kind == "binary":
            tensors.append(BINARY[which % len(BINARY)](a, b))
        elif kind == "cond":
            tensors.append(tf.cond(pred, lambda a=a: tf.sin(a), lambda b=b: tf.cos(b) * 2.0))
        elif kind == "assign":
            with tf.control_dependencies([tf.assign_add(v, tf.tanh(a))]):
                tensors.append(tf.identity(b))
        else:
            rate = tf.constant(0.5, tf.float64)
            update = APPLY_GRADIENT_DESCENT((v, w)[which % 2]._ref(), rate, tf.tanh(a))
            with tf.control_dependencies([update] if which % 3 else []):
                tensors.append(tf.identity(b if which % 4 else update))
    return x, pred, (v, w), tensors


@settings(max_examples=100)
@given(random_graphs(), st.booleans(), st.sets(st.sampled_from(list(PASSES))), st.data())
def test_program_and_interpreter_agree(steps, taken, passes, data):
    """With any choice of passes, for any shapes and for these; and what is left in variables."""
    with tf.Graph().as_default():
        x, pred, variables, tensors = build(steps)
        fetches = data.draw(st.lists(st.sampled_from(tensors), min_size=1, max_size=4))
        fetches = list(dict.fromkeys(fetches))
        feeds = {x: np.array([[0.1, 0.2], [0.3, -0.4]]), pred: np.array(taken)}
        names = tuple(name for name in PASSES if name in passes)
        results = []
        for run in ("program", "interpreter"):
            resources, state = ResourceManager(), ResourceManager()
            interpret([v.initializer for v in variables], {}, resources, state)
            program = Program(fetches, list(feeds), resources, state, passes=names)
            values = []
            for _ in range(3):  # a run finds what the one before left behind
                if run == "program":
                    values += program.run(list(feeds.values()))
                else:
                    values += interpret(fetches, feeds, resources, state)
            values += interpret([v.op.outputs[0] for v in variables], {}, resources, state)
            results.append(values)
        for one, two in zip(*results, strict=True):
            np.testing.assert_array_equal(one, two)


def test_prune_keeps_creation_order_and_nothing_else():
    a, b = tf.constant(1.0, name="a"), tf.constant(2.0, name="b")
    tf.multiply(a, b, name="unused")
    total = tf.add(a, b, name="total")
    with tf.control_dependencies([b]):
        last = tf.identity(a, name="last")
    assert [op.name for op in prune([total], set())] == ["a", "b", "total"]
    assert [op.name for op in prune([total], {a})] == ["b", "total"]
    assert [op.name for op in prune([total], {total})] == []
    assert [op.name for op in prune([last], set())] == ["a", "b", "last"]


def test_rewired_inputs_come_first():
    a = tf.constant(1.0, name="a")
    b = tf.identity(a, name="b")
    c = tf.constant(2.0, name="c")
    b.op._update_input(0, c)
    assert [op.name for op in prune([b], set())] == ["c", "b"]
    with tf.Session() as sess:
        assert sess.run(b) == 2.0


def test_a_cycle_is_reported():
    a = tf.constant(1.0)
    b = tf.identity(a, name="b")
    c = tf.identity(b, name="c")
    b.op._update_input(0, c)
    with tf.Session() as sess, pytest.raises(ValueError, match="cycle"):
        sess.run(c)


def test_stateful_ops_run_in_creation_order():
    v = tf.Variable(1.0)
    first = v.assign(v * 2.0)
    second = v.assign_add(10.0)
    third = v.assign(v.value() * 3.0)
    with tf.Session() as sess:
        sess.run(v.initializer)
        sess.run([third.op, second.op, first.op])
        assert sess.run(v) == 6.0 or sess.run(v) == 36.0


def test_memory_is_let_go_of_after_its_last_use():
    x = tf.placeholder(tf.float32, [None])
    y = x
    for _ in range(20):
        y = tf.square(y)
    value = np.ones(1 << 18, np.float32)  # a megabyte
    with tf.Session() as sess:
        sess.run(y, {x: value})
        tracemalloc.start()
        sess.run(y, {x: value})
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 2.5 * value.nbytes  # one that is read and one that is written


def test_errors_of_kernels_are_told_in_the_users_terms():
    x = tf.placeholder(tf.float32)
    y = tf.reshape(x, [5], name="five")  # the line
    with tf.Session() as sess, pytest.raises(tf.errors.InvalidArgumentError) as error:
        sess.run(tf.square(y), {x: np.zeros((2, 3))})
    text = str(error.value)
    first = text.splitlines()[0]
    assert "6" in first and "5" in first
    assert "'five' (type Reshape)" in text and "# the line" in text
    assert "float32[2, 3]" in text
    assert error.value.op is y.op


def test_a_hundred_thousand_nodes():
    x = tf.placeholder(tf.float32, [], name="x")
    y = x
    for i in range(100_000):
        y = tf.negative(y) if i % 1000 else y * 1.5 - 0.5
    (grad,) = tf.gradients(y, x)
    assert len(tf.get_default_graph().get_operations()) > 200_000
    with tf.Session() as sess:
        value, slope = sess.run([y, grad], {x: 1.0})
        plain = interpret([y], {x: np.float32(1.0)})[0]
    expected = np.float32(1.0)
    for _ in range(100):
        expected = -(expected * np.float32(1.5) - np.float32(0.5))
    assert value == plain == expected
    assert slope == pytest.approx(1.5**100)


def test_building_and_running_is_linear_in_the_length():
    """Counts calls instead of seconds: ten times the nodes, ten times the work."""
    import cProfile
    import pstats

    def calls(n):
        with tf.Graph().as_default(), tf.Session() as sess:
            profile = cProfile.Profile()
            profile.enable()
            x = tf.placeholder(tf.float32, [])
            y = x
            for _ in range(n):
                y = tf.negative(y)
            (grad,) = tf.gradients(y, x)
            sess.run([y, grad], {x: 1.0})
            profile.disable()
        return pstats.Stats(profile).total_calls

    calls(10)
    assert calls(2000) < 11 * calls(200)
