"""Random programs, run after run: all passes and planned memory, none, and the interpreter agree.

The graphs are small, but their arrays are large enough to lie in arenas. Feeds alternate between
two shapes, so that there is a step for any shapes and one for each of these.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import minitf as tf

WIDTH = 130
ROWS = (40, 40, 40, 0, 41, 41, 41, 40)  # of what is fed, run by run
DTYPES = (tf.float32, tf.float32, tf.float64, tf.float16, tf.int32)

UNARY: list[Callable[[Any], Any]] = [
    tf.square,
    tf.negative,
    tf.sign,
    tf.identity,
    tf.stop_gradient,
    lambda t: t * 1,
    lambda t: t - 0,
    lambda t: t * 2 + 1,
    lambda t: tf.reduce_sum(tf.expand_dims(t, 0), 0),
    lambda t: tf.squeeze(t[None], 0),
    lambda t: tf.reshape(tf.reshape(t, [-1]), [-1, WIDTH]),
    lambda t: tf.transpose(tf.transpose(t)),
    lambda t: t[:, ::-1],
    lambda t: tf.zeros_like(t) + t,
    lambda t: t + tf.reduce_sum(t, 0, keepdims=True),
    lambda t: t - tf.reduce_sum(t, 1, keepdims=True),
    lambda t: sum(tf.split(tf.concat([t, t], 1), 2, 1)),
    lambda t: tf.cast(tf.cast(t, tf.float64), t.dtype),
    lambda t: tf.py_func(lambda a: a + a.dtype.type(1), [t], t.dtype),
]
FLOATS: list[Callable[[Any], Any]] = [
    tf.tanh,
    tf.exp,
    tf.nn.relu,
    tf.nn.softmax,
    lambda t: t / 1,
    lambda t: t + tf.random_uniform(tf.shape(t), dtype=t.dtype, seed=3),
    lambda t: tf.nn.dropout(t, keep_prob=0.5, seed=4),
    lambda t: t - tf.reduce_mean(t),
]
BINARY: list[Callable[[Any, Any], Any]] = [
    tf.add,
    tf.subtract,
    tf.multiply,
    tf.maximum,
    lambda a, b: tf.where(a > b, a, b),
]
KINDS = ("unary", "unary", "binary", "row", "product", "read", "read", "update", "update", "branch")
UPDATES: list[Callable[[Any, Any], Any]] = [tf.assign, tf.assign_add, tf.assign_sub]


def built(random: Random) -> tuple[Any, list[Any], list[Any]]:
    """The placeholder, tensors that may be fed with what it is fed with, and all fetches."""
    dtype = random.choice(DTYPES)
    x = tf.placeholder(dtype, random.choice([[None, WIDTH], None]), name="x")
    tf.set_random_seed(1)
    numbers = np.random.RandomState(random.randrange(1000))
    shapes = ([WIDTH], [1, WIDTH], [WIDTH, WIDTH], [])
    variables = [tf.Variable(values(numbers, shape, dtype)) for shape in shapes]
    flag = tf.Variable(True)
    tensors, others, updates = [x], [], [tf.assign(flag, tf.logical_not(flag))]
    for _ in range(random.randrange(4, 16)):
        t, u = random.choice(tensors[-4:]), random.choice(tensors[-3:])
        variable = random.choice(variables)
        kind = random.choice(KINDS)
        waits = [random.choice(updates)] if updates and random.random() < 0.3 else []
        with tf.control_dependencies(waits):
            if kind == "unary":
                functions = UNARY + (FLOATS if dtype.is_floating else [])
                tensors.append(random.choice(functions)(t))
            elif kind == "binary":
                tensors.append(random.choice(BINARY)(t, u))
            elif kind == "row":
                row = random.choice([variables[0], variables[1], variables[3]])
                tensors.append(random.choice(BINARY[:4])(t, row))
            elif kind == "product":
                tensors.append(tf.matmul(t, variables[2], transpose_b=random.random() < 0.5))
            elif kind == "read":
                others.append(random.choice(UNARY[3:9])(variable))
            elif kind == "branch":
                tensors.append(branches(random, t, variable, flag))
            else:
                updates.append(update(random, variable, t))
    pool = [*tensors, *updates, *variables]
    fetches = [random.choice(pool) for _ in range(random.randrange(1, 4))]
    return x, tensors[1:-1], [*fetches, *others, *(update.op for update in updates)]


def update(random: Random, variable: Any, t: Any) -> Any:
    value = tf.reduce_sum(t) + tf.zeros(variable.shape, t.dtype)
    return random.choice(UPDATES)(variable, value)


def branches(random: Random, t: Any, variable: Any, flag: Any) -> Any:
    """One of two tensors like `t`, made below a choice; a branch may update the variable."""
    preds = [tf.reduce_sum(t) > 0, tf.size(t) > 40 * WIDTH, tf.greater(tf.rank(t), 3), flag]

    def branch() -> Any:
        made = random.choice([*UNARY, tf.zeros_like, lambda t: t - tf.reduce_sum(variable)])(t)
        kind = random.choice(("plain", "plain", "update", "nested", "outer"))
        if kind == "update":
            with tf.control_dependencies([update(random, variable, made)]):
                made = tf.identity(made)
        elif kind == "nested":
            made = branches(random, made, variable, flag)
        return t if kind == "outer" else made

    return tf.cond(random.choice(preds), branch, branch)


def values(numbers: np.random.RandomState, shape: Any, dtype: Any) -> Any:
    scale = 1 if dtype.is_floating else 3
    return np.asarray(numbers.standard_normal(shape) * scale, dtype.as_numpy_dtype)


def results(run: Callable[[Any, Any], Any], fetches: Any, feeds: list[dict[Any, Any]]) -> list[Any]:
    """What each run gives; neither that nor what was fed is changed by a later one."""
    fed = [{tensor: np.array(value) for tensor, value in feed.items()} for feed in feeds]
    given, copies = [], []
    for feed in fed:
        given.append([each for each in run(fetches, feed) if each is not None])
        copies.append([np.array(each) for each in given[-1]])
    for feed, original in zip(fed, feeds, strict=True):
        for tensor, value in original.items():
            np.testing.assert_array_equal(feed[tensor], value)
    for one, copy in zip(given, copies, strict=True):
        for array, expected in zip(one, copy, strict=True):
            np.testing.assert_array_equal(array, expected)
    for one, other in itertools.combinations(given, 2):
        for a, b in itertools.product(one, other):
            assert not np.may_share_memory(a, b)
    return copies


def check(random: Random) -> None:
    x, inside, fetches = built(random)
    fed = [x, random.choice(inside)] if inside and random.random() < 0.3 else [x]
    numbers = np.random.RandomState(0)
    feeds = [{t: values(numbers, (rows, WIDTH), x.dtype) for t in fed} for rows in ROWS]
    runs = []
    for passes in ("all", "none", "interpreter"):
        level = tf.OptimizerOptions(opt_level=0 if passes == "all" else tf.OptimizerOptions.L0)
        options = tf.GraphOptions(optimizer_options=level)
        with tf.Session(config=tf.ConfigProto(graph_options=options)) as sess:
            sess.run(tf.global_variables_initializer())
            run: Any = sess.run
            if passes == "interpreter":
                run = lambda f, feed, s=sess: s.run_observed(f, feed, lambda *_: None)  # noqa: E731
            runs.append([*results(run, fetches, feeds), sess.run(tf.global_variables())])
    for one, *others in zip(*runs, strict=True):
        for other in others:
            for a, b in zip(one, other, strict=True):
                assert a.dtype == b.dtype
                np.testing.assert_array_equal(a, b)


@settings(max_examples=60)
@given(st.randoms(use_true_random=False))
def test_programs_with_and_without_passes_agree_run_after_run(random: Random) -> None:
    with tf.Graph().as_default():
        check(random)
