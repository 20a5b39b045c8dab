"""A traced step on several tasks: what ran at each is told of under that task's own device."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

import minitf as tf
from minitf.profiler import Timeline
from tests.distributed.clusters import Cluster
from tests.distributed.processes import task

WORKER = "/job:worker/replica:0/task:0/device:CPU:0"
PS = "/job:ps/replica:0/task:0/device:CPU:0"
OPTIONS = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)


@pytest.fixture(scope="module", params=["in this process", "in another"])
def target(request: Any) -> Iterator[str]:
    """A server that runs sessions, as the master of two tasks."""
    cluster = Cluster(ps=1, worker=1)
    if request.param == "in this process":
        yield cluster.target()
        cluster.stop()
        return
    cluster.stop()
    with task(cluster.spec, "ps"), task(cluster.spec, "worker"):
        yield f"grpc://{cluster.spec.task_address('worker', 0)}"


@pytest.fixture(autouse=True)
def nothing_left(target: str) -> None:
    tf.Session.reset(target)


def model() -> tuple[tf.Tensor, tf.Tensor, tf.Operation]:
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    with tf.device("/job:ps/task:0"):
        w = tf.Variable([[1.0], [2.0]], name="w")
    with tf.device("/job:worker/task:0"):
        y = tf.matmul(x, w, name="y")
    return x, y, tf.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_sum(y), name="train")


def traced(sess: tf.Session, fetches: Any, feed: Any) -> tuple[Any, Any]:
    """What a run gives, and its `RunMetadata`."""
    metadata = tf.RunMetadata()
    return sess.run(fetches, feed, OPTIONS, metadata), metadata


def nodes(metadata: Any) -> dict[str, list[str]]:
    """By device, the names of the nodes that ran there."""
    return {
        device.device: [node.node_name for node in device.node_stats]
        for device in metadata.step_stats.dev_stats
    }


def test_each_task_tells_of_its_own_nodes(target: str) -> None:
    x, y, train = model()
    with tf.Session(target) as sess:
        sess.run(tf.global_variables_initializer())
        (value, _), metadata = traced(sess, [y, train], {x: [[1.0, 1.0]]})
        assert value.tolist() == [[3.0]]
        again, second = traced(sess, y, {x: [[1.0, 1.0]]})
        assert again[0, 0] == pytest.approx(2.8)
        assert sess.run(y, {x: [[1.0, 1.0]]})[0, 0] == again[0, 0]
    found = nodes(metadata)
    assert set(found) == {WORKER, PS}
    assert "y" in found[WORKER] and "w" not in found[WORKER]
    assert "w" in found[PS] and "y" not in found[PS]
    assert any(name.startswith("train/update_w") for name in found[PS])
    assert not any(name.startswith("train/") for name in nodes(second)[PS])


def test_nodes_have_times_shapes_and_threads(target: str) -> None:
    x, y, _ = model()
    with tf.Session(target) as sess:
        sess.run(tf.global_variables_initializer())
        _, metadata = traced(sess, y, {x: [[1.0, 1.0], [2.0, 2.0]]})
    for device in metadata.step_stats.dev_stats:
        starts = [node.all_start_nanos for node in device.node_stats]
        assert starts == sorted(starts) and starts[0] > 0
        assert {node.thread_id for node in device.node_stats} <= set(device.thread_names)
    (product,) = [
        node
        for device in metadata.step_stats.dev_stats
        for node in device.node_stats
        if node.node_name == "y"
    ]
    assert [dim.size for dim in product.output[0].tensor_description.shape.dim] == [2, 1]


def test_a_timeline_shows_each_device_as_a_process(target: str) -> None:
    x, y, train = model()
    with tf.Session(target) as sess:
        sess.run(tf.global_variables_initializer())
        _, metadata = traced(sess, [y, train], {x: [[1.0, 1.0]]})
    events = json.loads(Timeline(metadata.step_stats).generate_chrome_trace_format())
    named = {e["args"]["name"] for e in events["traceEvents"] if e["name"] == "process_name"}
    assert all(any(device in name for name in named) for device in (WORKER, PS))


def test_a_step_that_fails_tells_nothing_and_the_next_one_does(target: str) -> None:
    x, y, _ = model()
    with tf.Session(target) as sess:
        metadata = tf.RunMetadata()
        with pytest.raises(tf.errors.FailedPreconditionError, match="uninitialized value w"):
            sess.run(y, {x: [[1.0, 1.0]]}, OPTIONS, metadata)
        assert not metadata.step_stats.dev_stats
        sess.run(tf.global_variables_initializer())
        value, after = traced(sess, y, {x: [[1.0, 1.0]]})
        assert value.tolist() == [[3.0]] and set(nodes(after)) == {WORKER, PS}


def test_a_branch_across_tasks(target: str) -> None:
    p = tf.placeholder(tf.bool, [], name="p")
    with tf.device("/job:ps/task:0"):
        v = tf.Variable(2.0, name="v")
    with tf.device("/job:worker/task:0"):
        z = tf.cond(p, lambda: v * 3.0, lambda: v - 1.0)
    with tf.Session(target) as sess:
        sess.run(tf.global_variables_initializer())
        for chosen, expected in [(True, 6.0), (False, 1.0)]:
            value, metadata = traced(sess, z, {p: chosen})
            assert value == expected and WORKER in nodes(metadata)
