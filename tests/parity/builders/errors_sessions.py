"""Errors of sessions: what cannot be fetched, what cannot be fed, what is missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.parity.harness import Family

family = Family("errors_sessions")


def running(
    prepare: Callable[[Any], Any], fetch: Callable[..., Any]
) -> Callable[[Any], Callable[[Any], Any]]:
    """A builder whose graph is made first, and whose session is used second."""

    def build(tf: Any) -> Callable[[Any], Any]:
        made = prepare(tf)
        return lambda sess: fetch(tf, sess, made)

    return build


def one(tf: Any) -> Any:
    return tf.constant(1.0, name="one")


def pair(tf: Any) -> Any:
    """A placeholder, and what is computed from it."""
    x = tf.placeholder(tf.float32, [2, 3], name="x")
    return x, x * 2.0


def of_rank(tf: Any) -> Any:
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    return x, tf.reduce_sum(x)


def integers(tf: Any) -> Any:
    x = tf.placeholder(tf.int32, [], name="x")
    return x, x + 1


def bytes_of(tf: Any) -> Any:
    x = tf.placeholder(tf.uint8, [], name="x")
    return x, x + 1


def texts(tf: Any) -> Any:
    x = tf.placeholder(tf.string, [], name="x")
    return x, tf.identity(x)


def variable(tf: Any) -> Any:
    return tf.Variable([1.0, 2.0], name="v")


def elsewhere(tf: Any) -> Any:
    tf.constant(2.0)
    with tf.Graph().as_default():
        return tf.constant(1.0)


def branches(tf: Any) -> Any:
    inside: list[Any] = []

    def branch() -> Any:
        inside.append(tf.constant(2.0))
        return inside[0] * 3.0

    choose = tf.placeholder(tf.bool, [], name="choose")
    return inside, choose, tf.cond(choose, branch, lambda: tf.constant(0.0))


def fed(value: Any) -> Callable[..., Any]:
    """Runs with one value for the placeholder."""
    return lambda tf, sess, made: sess.run(made[1], {made[0]: value})


FETCHES: dict[str, tuple[Callable[[Any], Any], Callable[..., Any]]] = {
    "None": (one, lambda tf, sess, c: sess.run(None)),
    "None in a list": (one, lambda tf, sess, c: sess.run([c, None])),
    "None in a dict": (one, lambda tf, sess, c: sess.run({"a": None})),
    "a number": (one, lambda tf, sess, c: sess.run(3)),
    "a function": (one, lambda tf, sess, c: sess.run(one)),
    "an array": (one, lambda tf, sess, c: sess.run(np.ones(2))),
    "a name that is none": (one, lambda tf, sess, c: sess.run("none:0")),
    "an op that is none": (one, lambda tf, sess, c: sess.run("none")),
    "an output that is none": (one, lambda tf, sess, c: sess.run("one:1")),
    "a bad name": (one, lambda tf, sess, c: sess.run("one:0:0")),
    "of another graph": (elsewhere, lambda tf, sess, c: sess.run(c)),
    "of another graph, in a list": (elsewhere, lambda tf, sess, c: sess.run([c])),
    "of an empty graph": (lambda tf: None, lambda tf, sess, c: sess.run("x:0")),
    "no fetches of an empty graph": (lambda tf: None, lambda tf, sess, c: sess.run([])),
    "in a branch": (branches, lambda tf, sess, b: sess.run(b[0][0], {b[1]: True})),
    "no fetches": (one, lambda tf, sess, c: sess.run()),
    "closed": (one, lambda tf, sess, c: (sess.close(), sess.run(c))),
    "closed twice, then eval": (
        one,
        lambda tf, sess, c: (sess.close(), sess.close(), c.eval(session=sess)),
    ),
    "eval elsewhere": (elsewhere, lambda tf, sess, c: c.eval(session=sess)),
    "eval of a variable": (variable, lambda tf, sess, v: v.eval(session=sess)),
    "not initialized": (variable, lambda tf, sess, v: sess.run(v)),
    "read before it is initialized": (variable, lambda tf, sess, v: sess.run(v.read_value())),
    "load of a shape": (variable, lambda tf, sess, v: v.load([1.0, 2.0, 3.0], sess)),
    "a session of no graph": (one, lambda tf, sess, c: tf.Session(graph=3)),
    "a session with no config": (one, lambda tf, sess, c: tf.Session(config=3)),
    "a callable of None": (one, lambda tf, sess, c: sess.make_callable(None)),
}

FEEDS: dict[str, tuple[Callable[[Any], Any], Callable[..., Any]]] = {
    "nothing": (pair, lambda tf, sess, xy: sess.run(xy[1])),
    "nothing for one of two": (pair, lambda tf, sess, xy: sess.run(xy, {xy[1]: np.ones((2, 3))})),
    "None": (pair, fed(None)),
    "a shape": (pair, fed(np.ones((3, 2)))),
    "a scalar": (pair, fed(1.0)),
    "a rank": (of_rank, fed(np.ones(3))),
    "a last dim": (of_rank, fed(np.ones((2, 4)))),
    "an empty list": (of_rank, fed([])),
    "rows of sizes": (of_rank, fed([[1.0, 2.0, 3.0], [1.0]])),
    "text for numbers": (pair, fed([["a"] * 3] * 2)),
    "a dict for numbers": (pair, fed({})),
    "a text for an integer": (integers, fed("a")),
    "a large integer": (integers, fed(2**40)),
    "a large byte": (bytes_of, fed(300)),
    "a negative byte": (bytes_of, fed(-1)),
    "a tensor": (pair, lambda tf, sess, xy: sess.run(xy[1], {xy[0]: tf.ones([2, 3])})),
    "a tensor in a list": (pair, lambda tf, sess, xy: sess.run(xy[1], {xy[0]: [tf.ones([3])] * 2})),
    "a list": (pair, lambda tf, sess, xy: sess.run(xy[1], [(xy[0], np.ones((2, 3)))])),
    "by a number": (pair, lambda tf, sess, xy: sess.run(xy[1], {3: 1.0})),
    "by None": (pair, lambda tf, sess, xy: sess.run(xy[1], {None: 1.0})),
    "by a name that is none": (pair, lambda tf, sess, xy: sess.run(xy[1], {"none:0": 1.0})),
    "by an op": (pair, lambda tf, sess, xy: sess.run(xy[1], {xy[0].op: np.ones((2, 3))})),
    "by an op's name": (pair, lambda tf, sess, xy: sess.run(xy[1], {"x": np.ones((2, 3))})),
    "to another graph": (
        lambda tf: (elsewhere(tf), one(tf)),
        lambda tf, sess, made: sess.run(made[1], {made[0]: 1.0}),
    ),
    "by eval": (pair, lambda tf, sess, xy: xy[1].eval({xy[0]: 1.0}, sess)),
    "default of a shape": (
        lambda tf: (tf.placeholder_with_default([1.0, 2.0], [2]),) * 2,
        fed([1.0, 2.0, 3.0]),
    ),
    "what then does not fit": (
        lambda tf: (lambda x: (x, tf.matmul(x, tf.ones([2, 2]))))(tf.placeholder("float")),
        fed(np.ones((2, 3))),
    ),
    "a choice of two": (branches, lambda tf, sess, b: sess.run(b[2], {b[1]: [True, False]})),
}

GRAPHS: dict[str, Callable[[Any], Any]] = {
    "no element of a name": lambda tf: tf.get_default_graph().as_graph_element("none"),
    "no element": lambda tf: tf.get_default_graph().as_graph_element(3),
    "a tensor as an op": lambda tf: tf.get_default_graph().as_graph_element(
        one(tf), allow_tensor=False
    ),
    "a tensor by a number": lambda tf: tf.get_default_graph().get_tensor_by_name(3),
    "an op by a number": lambda tf: tf.get_default_graph().get_operation_by_name(3),
    "an op by a tensor's name": lambda tf: (
        one(tf) is None or tf.get_default_graph().get_operation_by_name("one:0")
    ),
    "an output that is none": lambda tf: (
        one(tf) is None or tf.get_default_graph().get_tensor_by_name("one:1")
    ),
    "an attribute that is none": lambda tf: one(tf).op.get_attr("none"),
    "an input that is none": lambda tf: one(tf).op.inputs[0],
    "an output of an op": lambda tf: one(tf).op.outputs[1],
    "a graph as default twice": lambda tf: tf.reset_default_graph(),
    "a shape of unknown rank": lambda tf: tf.placeholder("float").shape.as_list(),
    "the rank of text": lambda tf: len(tf.placeholder("float").shape),
    "shapes that differ": lambda tf: tf.TensorShape([2]).merge_with([3]),
    "shapes of ranks": lambda tf: tf.TensorShape([2]).merge_with([2, 3]),
    "a shape that is not fully known": lambda tf: tf.TensorShape([None]).assert_is_fully_defined(),
    "a rank that is another": lambda tf: tf.TensorShape([2]).assert_has_rank(2),
    "a rank that is too small": lambda tf: tf.TensorShape([2]).with_rank_at_least(2),
    "a negative dim": lambda tf: tf.Dimension(-1),
    "a dim of text": lambda tf: tf.Dimension("a"),
    "dims that differ": lambda tf: tf.Dimension(2).merge_with(3),
    "a dtype of text": lambda tf: tf.as_dtype("none"),
    "a dtype of a number": lambda tf: tf.as_dtype(1000),
    "a dtype of an object": lambda tf: tf.as_dtype(object()),
    "a proto of None": lambda tf: tf.make_tensor_proto(None),
    "a proto of a dtype": lambda tf: tf.make_tensor_proto(1.5, tf.int32),
    "a device of text": lambda tf: tf.DeviceSpec.from_string("/nothing"),
    "a collection's number": lambda tf: tf.add_to_collection("a", 1) or tf.get_collection("a")[1],
    "a gradient's name": lambda tf: tf.RegisterGradient(3),
}

for _topic, _cases in (("fetching", FETCHES), ("feeding", FEEDS)):
    for _name, (_prepare, _fetch) in _cases.items():
        family.error(f"{_topic}: {_name}", running(_prepare, _fetch))
for _name, _build in GRAPHS.items():
    family.error(f"graphs: {_name}", _build)
