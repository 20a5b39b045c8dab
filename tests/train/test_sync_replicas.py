"""Synchronous training: several workers, each a thread with a session, on variables they share."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import minitf as tf
from minitf.framework.kernel_context import ResourceManager
from minitf.ops.data_flow_ops import accumulator_ops
from minitf.train.sync_replicas import _index_of
from tests.background import DEADLINE, Background

ROWS, COLUMNS = 12, 5
rng = np.random.default_rng(3)
TABLE = rng.standard_normal((7, COLUMNS)).astype(np.float32)


def shards(count: int, steps: int) -> Any:
    """For each step and worker: images, labels and rows of the table."""
    draw = np.random.default_rng(count)
    return [
        [
            (
                draw.standard_normal((ROWS, COLUMNS)).astype(np.float32),
                draw.standard_normal((ROWS, 1)).astype(np.float32),
                draw.integers(0, len(TABLE), ROWS),
            )
            for _ in range(count)
        ]
        for _ in range(steps)
    ]


class Model:
    """A small model with dense gradients and sparse ones."""

    def __init__(self) -> None:
        self.x = tf.placeholder(tf.float32, [None, COLUMNS])
        self.y = tf.placeholder(tf.float32, [None, 1])
        self.rows = tf.placeholder(tf.int32, [None])
        self.w = tf.get_variable("w", [COLUMNS, 1], initializer=tf.ones_initializer())
        self.table = tf.get_variable("table", initializer=TABLE)
        self.step = tf.train.get_or_create_global_step()
        found = tf.nn.embedding_lookup(self.table, self.rows)
        self.loss = tf.reduce_mean(tf.square(tf.matmul(self.x + found, self.w) - self.y))

    def feed(self, shard: Any) -> dict[Any, Any]:
        return dict(zip((self.x, self.y, self.rows), shard, strict=True))


def inner() -> tf.train.Optimizer:
    return tf.train.MomentumOptimizer(0.05, 0.9)


class Shared(ResourceManager):
    """What the sessions of several workers share; local variables are each one's own."""

    def __init__(self, shared: ResourceManager) -> None:
        super().__init__()
        self._shared = shared

    def lookup_or_create(self, kind: str, container: str, name: str, factory: Any) -> Any:
        place = super() if "local_step" in name else self._shared
        return place.lookup_or_create(kind, container, name, factory)


class Creator(tf.train.SessionCreator):
    """Makes a worker's sessions, on resources that it shares with others."""

    def __init__(self, shared: ResourceManager, is_chief: bool) -> None:
        self.shared = shared
        self.is_chief = is_chief

    def create_session(self) -> Any:
        scaffold = tf.train.Scaffold().finalize()
        sess = tf.Session(config=tf.ConfigProto(operation_timeout_in_ms=int(DEADLINE * 1000)))
        sess._resources = Shared(self.shared)
        sess.run(tf.get_default_graph().get_operation_by_name("init_local"))
        if self.is_chief:
            sess.run(scaffold.init_op)
        return sess


class Cluster:
    """Workers that train together; each gets its part of every step's data."""

    def __init__(self, workers: int, aggregate: int, known: bool = True) -> None:
        self.workers = workers
        self.aggregate = aggregate
        self.known = known
        self.resources = ResourceManager()
        self.ready = threading.Event()
        self.trained: dict[int, list[int]] = {}

    def work(self, index: int, data: Any, last_step: int, pause: Any = None) -> tuple[Any, Any]:
        """What one worker does; returns the variables at its end."""
        with tf.Graph().as_default():
            model = Model()
            optimizer = tf.train.SyncReplicasOptimizer(
                inner(), self.aggregate, self.workers, worker_index=index if self.known else None
            )
            train = optimizer.minimize(model.loss, model.step)
            tf.variables_initializer(tf.local_variables(), name="init_local")
            hooks = [
                optimizer.make_session_run_hook(index == 0),
                tf.train.StopAtStepHook(last_step=last_step),
            ]
            if index:
                assert self.ready.wait(DEADLINE)
            creator = Creator(self.resources, index == 0)
            steps = self.trained.setdefault(index, [])
            with tf.train.MonitoredSession(creator, hooks, DEADLINE) as sess:
                self.ready.set()
                while not sess.should_stop():
                    number = len(steps)
                    if pause is not None:
                        pause(index, number)
                    shard = data[min(number, len(data) - 1)][index]
                    steps.append(int(sess.run(train, model.feed(shard))))
            with tf.Session() as sess:
                sess._resources = Shared(self.resources)
                return tuple(sess.run([model.w, model.table]))

    def train(self, data: Any, last_step: int, pause: Any = None) -> list[Any]:
        threads = [
            Background(self.work, index, data, last_step, pause) for index in range(self.workers)
        ]
        return [thread.result() for thread in threads]


def trained_alone(workers: int, data: Any) -> Any:
    """One process that averages the gradients of the same shards in the workers' order."""
    with tf.Graph().as_default():
        model = Model()
        optimizer = inner()
        (by_w, w), (by_table, table) = optimizer.compute_gradients(model.loss)
        fed = [tf.placeholder(tf.float32, by_w.shape) for _ in range(workers)]
        total = fed[0]
        for other in fed[1:]:
            total = total + other
        values = tf.placeholder(tf.float32, [None, COLUMNS])
        indices = tf.placeholder(tf.int32, [None])
        rows = tf.IndexedSlices(values / workers, indices, tf.shape(table))
        train = optimizer.apply_gradients([(total / workers, w), (rows, table)], model.step)
        with tf.Session() as sess:
            sess.run(tf.global_variables_initializer())
            for step in data:
                grads = [sess.run([by_w, by_table], model.feed(shard)) for shard in step]
                feed = {place: grad for place, (grad, _) in zip(fed, grads, strict=True)}
                feed[values] = np.concatenate([rows.values for _, rows in grads])
                feed[indices] = np.concatenate([rows.indices for _, rows in grads])
                sess.run(train, feed)
            return tuple(sess.run([model.w, model.table]))


@pytest.mark.parametrize("workers", [2, 4])
def test_training_together_is_bit_equal_to_one_process(workers: int) -> None:
    """However the workers are delayed, each contributes once to a step, in its place."""
    data = shards(workers, steps=6)
    delays = np.random.default_rng(workers).integers(0, 4, (workers, 99)) / 1000
    wait = threading.Event().wait
    cluster = Cluster(workers, workers)
    ends = cluster.train(data, 6, pause=lambda index, number: wait(delays[index][number]))
    expected = trained_alone(workers, data)
    for end in ends:
        for value, right in zip(end, expected, strict=True):
            np.testing.assert_array_equal(value, right)
    assert all(steps[:5] == [1, 2, 3, 4, 5] for steps in cluster.trained.values())


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("first", [0, 1])
def test_when_one_leaves_the_others_end(known: bool, first: int) -> None:
    """One worker stops at step 3; the other, who would go on to 1000, ends cleanly as well."""
    data = shards(2, steps=3)
    cluster = Cluster(2, 2, known)
    threads = [
        Background(cluster.work, index, data, 3 if index == first else 1000) for index in range(2)
    ]
    for thread in threads:
        thread.result()
    assert max(cluster.trained[1 - first], default=0) < 1000
    if known:  # otherwise a fast worker makes steps of its own gradients alone
        assert cluster.trained[first] == [1, 2, 3]
        assert cluster.trained[1 - first][:2] == [1, 2]
        assert len(cluster.trained[1 - first]) <= 3


def test_a_backup_worker_may_be_slow() -> None:
    """Two of three gradients make a step; the third worker is not waited for."""
    data = shards(3, steps=4)
    cluster = Cluster(3, 2)
    release = threading.Event()

    def pause(index: int, number: int) -> None:
        if index == 2 and number == 0:
            assert release.wait(DEADLINE)

    threads = [Background(cluster.work, index, data, 8, pause) for index in range(2)]
    slow = Background(cluster.work, 2, data, 8, pause)
    for thread in threads:
        thread.result()
    release.set()
    slow.result()
    assert max(cluster.trained[0] + cluster.trained[1]) == 8


def test_gradients_of_an_earlier_step_are_dropped() -> None:
    data = shards(1, steps=1)
    with tf.Graph().as_default():
        model = Model()
        optimizer = tf.train.SyncReplicasOptimizer(inner(), 2, 3)
        optimizer.minimize(model.loss, model.step)
        local = tf.local_variables()[0]
        graph = tf.get_default_graph()
        give = [op for op in graph.get_operations() if op.type.endswith("ApplyGradient")]
        counts = [
            op.inputs[0]
            for op in graph.get_operations()
            if op.type == "ResourceAccumulatorApplyGradient"
        ]
        count = accumulator_ops.RESOURCE_ACCUMULATOR_NUM_ACCUMULATED(counts[0])
        with tf.Session() as sess:
            sess.run(tf.global_variables_initializer())
            model.step.load(5, sess)
            sess.run([tf.local_variables_initializer(), optimizer.chief_init_op])
            sess.run(optimizer.chief_init_op)
            for step, expected in ((5, 1), (4, 1), (6, 2)):
                local.load(step, sess)
                sess.run(give, model.feed(data[0][0]))
                assert sess.run(count) == expected


def test_what_has_to_come_first() -> None:
    model = Model()
    optimizer = tf.train.SyncReplicasOptimizer(inner(), 3, 2)
    with pytest.raises(ValueError, match="Global step is required"):
        optimizer.minimize(model.loss)
    with pytest.raises(ValueError, match="at least one variable"):
        optimizer.apply_gradients([], model.step)
    with pytest.raises(ValueError, match="called after apply_gradients"):
        optimizer.get_chief_queue_runner()
    with pytest.raises(ValueError, match="called after apply_gradients"):
        optimizer.get_init_tokens_op()
    with pytest.raises(ValueError, match="should be called before using the hook"):
        optimizer.make_session_run_hook(True).begin()
    optimizer.minimize(model.loss, model.step)
    with pytest.raises(ValueError, match=r"0 \(given\) vs 1 \(needed\)"):
        optimizer.get_init_tokens_op(0)
    with pytest.raises(ValueError, match="worker_index must be one of"):
        tf.train.SyncReplicasOptimizer(inner(), 2, worker_index=2)


@pytest.mark.parametrize(
    ("device", "config", "index"),
    [
        ("/job:worker/task:1", None, 1),
        ("/job:chief/task:0", None, 0),
        ("/job:worker/task:1", '{"cluster": {"chief": ["a"], "worker": ["b", "c"]}}', 2),
        ("/job:worker/task:1", "no json", 1),
        ("", None, None),
        ("/cpu:0", None, None),
    ],
)
def test_the_worker_is_told_by_its_device(
    monkeypatch, device: str, config: Any, index: Any
) -> None:
    if config is None:
        monkeypatch.delenv("TF_CONFIG", raising=False)
    else:
        monkeypatch.setenv("TF_CONFIG", config)
    assert _index_of(device) == index


def test_averages_follow_each_step() -> None:
    model = Model()
    average = tf.train.ExponentialMovingAverage(0.5)
    optimizer = tf.train.SyncReplicasOptimizer(
        inner(), 1, variable_averages=average, variables_to_average=[model.w]
    )
    train = optimizer.minimize(model.loss, model.step)
    hooks = [optimizer.make_session_run_hook(True, num_tokens=0)]
    hooks.append(tf.train.StopAtStepHook(last_step=2))
    shadow = average.average(model.w)
    assert shadow is not None
    with tf.train.MonitoredTrainingSession(hooks=hooks) as sess:
        feed = model.feed(shards(1, 1)[0][0])
        while not sess.should_stop():
            sess.run(train, feed)
        assert not np.array_equal(*sess._tf_sess().run([shadow, model.w]))
    assert optimizer.get_slot_names() == ["momentum"]
    assert optimizer.get_slot(model.w, "momentum") in optimizer.variables()
