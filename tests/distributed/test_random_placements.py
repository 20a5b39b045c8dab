"""Random graphs with branches, placed at random: a cluster gives what one process gives.

Every node, those inside branches too, is put on a task of its own choice, so that predicates, dead
values and updates of variables travel. A run has three parts, each of which waits for all of the
one before, since between tasks nothing else says who reads a variable before it is changed: values
are computed, variables are updated, variables are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minitf as tf
from minitf.distributed import buffers
from tests.distributed.clusters import Cluster

TASKS = ("/job:ps/task:0", "/job:ps/task:1", "/job:worker/task:0", "/job:worker/task:1")
WIDTH = 6
RUNS = 6

UNARY: list[Callable[[Any], Any]] = [
    tf.square,
    tf.negative,
    tf.tanh,
    tf.identity,
    tf.stop_gradient,
    tf.zeros_like,
    lambda t: t * 2.0 + 1.0,
    lambda t: t + tf.reduce_sum(t, 0, keepdims=True),
    lambda t: tf.nn.relu(t) - 0.5,
    lambda t: tf.reshape(tf.reshape(t, [-1]), [-1, WIDTH]),
]
BINARY: list[Callable[[Any, Any], Any]] = [tf.add, tf.subtract, tf.multiply, tf.maximum]
UPDATES: list[Callable[[Any, Any], Any]] = [tf.assign, tf.assign_add, tf.assign_sub]


@pytest.fixture(scope="module")
def servers() -> Iterator[Cluster]:
    made = Cluster(ps=2, worker=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(buffers, "_LEAST_BYTES", 1)  # so small arrays, too, are received into others
        yield made
    made.stop()


class Model:
    """A random graph.

    Args:
      random: what to choose by.
      tasks: where nodes may be.

    Attributes:
      x, p: the placeholders: rows of numbers, and a choice.
      inside: tensors of the shape of `x` that may be fed, too.
      fetches: what a run is asked for.
    """

    def __init__(self, random: Random, tasks: tuple[str, ...]) -> None:
        self._random = random
        self._tasks = tasks
        self.x = tf.placeholder(tf.float32, random.choice([[None, WIDTH], None]), name="x")
        self.p = tf.placeholder(tf.bool, [], name="p")
        first, second = self._task(), self._task()
        are_together = random.random() < 0.5
        shapes = {(WIDTH,): first, (1, WIDTH): first if are_together else second}
        self._variables = [variable(shape, task) for shape, task in shapes.items()]
        with self._somewhere():
            self._flag = tf.Variable(True, name="flag")
        self.inside: list[Any] = []
        for _ in range(random.randrange(3, 9)):
            self.inside.append(self._value([self.x, *self.inside][-3:]))
        values = [*self.inside]
        if random.random() < 0.4:
            with self._somewhere():
                values.append(tf.gradients(values[-1], self.x)[0])
        values = [value for value in values if value is not None]
        with tf.control_dependencies(values):
            if are_together and random.random() < 0.5:
                updates = [self._update_one(values[-1])]
            else:
                updates = [self._update(v, values[-1]) for v in self._variables]
            updates.append(tf.assign(self._flag, tf.logical_not(self._flag)))
        with tf.control_dependencies(updates):
            after = [self._read(v) for v in self._variables]
        asked = random.sample(values, random.randrange(1, len(values) + 1))
        self.fetches = [*asked, *after, *updates[:-1], updates[-1].op]

    def _task(self) -> str:
        return self._tasks[int(self._random.random() * len(self._tasks))]

    def _somewhere(self) -> Any:
        return tf.device(self._task())

    def _value(self, tensors: list[Any], depth: int = 0) -> Any:
        """A tensor made of one or two others."""
        random = self._random
        kind = random.choice(("unary", "binary", "row", "branch", "branch"))
        with self._somewhere():
            t, u = random.choice(tensors), random.choice(tensors)
            if kind == "binary":
                return random.choice(BINARY)(t, u)
            if kind == "row":
                return random.choice(BINARY)(t, random.choice(self._variables))
            if kind == "branch" and depth < 2:
                return self._branches(t, lambda: self._branch(tensors, depth))
            return random.choice(UNARY)(t)

    def _branches(self, t: Any, branch: Callable[[], Any]) -> Any:
        kind = self._random.choice(("fed", "sum", "size", "flag"))
        pred = {
            "fed": lambda: self.p,
            "sum": lambda: tf.reduce_sum(t) > 0.0,
            "size": lambda: tf.size(t) > 4 * WIDTH,
            "flag": lambda: self._flag,
        }[kind]()
        return tf.cond(pred, branch, branch)

    def _branch(self, tensors: list[Any], depth: int) -> Any:
        if self._random.random() < 0.2:
            return self._random.choice(tensors)
        with self._somewhere():
            made = self._value(tensors, depth + 1)
            waits = [self._random.choice(UNARY)(made)] if self._random.random() < 0.3 else []
        with self._somewhere(), tf.control_dependencies(waits):
            return self._value([*tensors, made], depth + 1)

    def _update(self, variable: Any, t: Any) -> Any:
        """An update, perhaps below a choice."""
        with self._somewhere():
            value = tf.tanh(tf.reduce_sum(t)) + tf.zeros(variable.shape)
        change = self._random.choice(UPDATES)
        if self._random.random() < 0.5:
            return change(variable, value)
        return tf.cond(
            self._random.choice([self.p, tf.reduce_sum(t) > 0.0]),
            lambda: tf.negative(change(variable, value)),
            lambda: tf.square(variable),
        )

    def _update_one(self, t: Any) -> Any:
        """An update of the one variable or of the other, as a value from elsewhere says."""
        with self._somewhere():
            value = tf.tanh(tf.reduce_sum(t))
        changed = tf.cond(
            self._random.choice([self.p, value > 0.0]),
            *(
                lambda variable=variable: tf.assign_add(variable, value + tf.zeros(variable.shape))
                for variable in self._variables
            ),
        )
        with self._somewhere():
            more = value * 2.0
        with tf.colocate_with(changed.op):
            return changed * more

    def _read(self, variable: Any) -> Any:
        with tf.colocate_with(variable.op):  # elsewhere one reads what was sent at the beginning
            return tf.negative(variable.read_value())

    def feeds(self) -> list[dict[Any, Any]]:
        """What is fed, run by run: two shapes, and either choice."""
        numbers = np.random.RandomState(self._random.randrange(1000))
        more = [self._random.choice(self.inside)] if self._random.random() < 0.3 else []
        found: list[dict[Any, Any]] = []
        for run in range(RUNS):
            rows = 5 if run in (3, 4) else 3
            feed = {t: numbers.randn(rows, WIDTH).astype(np.float32) for t in [self.x, *more]}
            found.append({**feed, self.p: bool(self._random.randrange(2))})
        return found


def variable(shape: tuple[int, ...], task: str) -> Any:
    with tf.device(task):
        return tf.Variable(np.linspace(-1.0, 1.0, WIDTH, dtype=np.float32).reshape(shape))


def results(seed: int, target: str, tasks: tuple[str, ...], passes: bool) -> list[Any]:
    """What the runs of a model give."""
    level = 0 if passes else tf.OptimizerOptions.L0
    options = tf.GraphOptions(optimizer_options=tf.OptimizerOptions(opt_level=level))
    with tf.Graph().as_default():
        model = Model(Random(seed), tasks)
        feeds = model.feeds()
        with tf.Session(target, config=tf.ConfigProto(graph_options=options)) as sess:
            sess.run(tf.global_variables_initializer())
            return [value for feed in feeds for value in sess.run(model.fetches, feed)[:-1]]


@settings(max_examples=20)
@given(st.integers(0, 2**32))
def test_a_cluster_gives_what_one_process_gives(servers: Cluster, seed: int) -> None:
    expected = results(seed, "", ("",), passes=False)
    for passes in (False, True):
        tf.Session.reset(servers.target())
        found = results(seed, servers.target(), TASKS, passes)
        for one, other in zip(expected, found, strict=True):
            np.testing.assert_array_equal(one, other)
