"""Which device a node gets, and what is told where there is none."""

from __future__ import annotations

import pytest

import minitf as tf
from minitf.runtime.placement import place, task_device, task_of

DEVICES = [
    task_device("worker", 1),
    task_device("ps", 0),
    task_device("ps", 1),
    task_device("worker", 0),
]


def placed(soft: bool = False) -> dict[str, str]:
    ops = tf.get_default_graph().get_operations()
    return {op.name: task_of(device) for op, device in place(ops, DEVICES, soft).items()}


def test_what_is_left_open_goes_to_the_own_task() -> None:
    tf.constant(1.0, name="anywhere")
    with tf.device("/job:worker"):
        tf.constant(1.0, name="worker")
    with tf.device("/job:ps"):
        tf.constant(1.0, name="ps")
    with tf.device("/job:worker/task:0"):
        tf.constant(1.0, name="other")
    assert placed() == {
        "anywhere": "/job:worker/replica:0/task:1",
        "worker": "/job:worker/replica:0/task:1",
        "ps": "/job:ps/replica:0/task:0",
        "other": "/job:worker/replica:0/task:0",
    }


def test_a_node_that_changes_a_variable_is_beside_it() -> None:
    with tf.device("/job:ps/task:1"):
        v = tf.Variable(1.0, name="v")
    tf.assign(v, 2.0, name="update")
    tf.train.GradientDescentOptimizer(0.1).minimize(v * 2.0, name="train")
    found = placed()
    assert {found[name] for name in ("v", "update", "train/update_v/ApplyGradientDescent")} == {
        "/job:ps/replica:0/task:1"
    }
    assert found["mul"] == "/job:worker/replica:0/task:1"


def test_a_node_that_uses_a_queue_is_beside_it() -> None:
    with tf.device("/job:ps/task:1"):
        queue = tf.FIFOQueue(3, tf.float32, name="q")
    with tf.device(None):
        queue.dequeue(name="take")
    assert placed()["take"] == "/job:ps/replica:0/task:1"


def test_classes_bring_nodes_together() -> None:
    with tf.device("/job:ps/task:1"):
        a = tf.constant(1.0, name="a")
    with tf.colocate_with(a.op):
        b = tf.constant(1.0, name="b")
    b.op._set_device("")
    assert placed()["b"] == "/job:ps/replica:0/task:1"


def test_an_unknown_task_is_told_in_tensorflows_words() -> None:
    with tf.device("/job:worker/task:7"):
        tf.add(tf.constant(1.0, name="c"), 1.0, name="sum")
    with pytest.raises(tf.errors.InvalidArgumentError) as raised:
        placed()
    message = raised.value.message
    assert message.startswith(
        "Cannot assign a device for operation c: {{node c}} was explicitly assigned to "
        f"/job:worker/task:7 but available devices are [ {', '.join(DEVICES)} ]. Make sure the "
        "device specification refers to a valid device."
    )
    assert "test_placement.py" in message


def test_nodes_that_ask_for_two_tasks_cannot_be_together() -> None:
    with tf.device("/job:ps/task:0"):
        v = tf.Variable(1.0, name="v")
    # Only a graph from elsewhere says so: an update that is built here takes its variable's device.
    tf.assign(v, 2.0, name="update").op._set_device("/job:worker/task:0")
    with pytest.raises(tf.errors.InvalidArgumentError, match="Cannot colocate nodes"):
        placed()


def test_there_are_only_cpus() -> None:
    with tf.device("/job:ps/task:1/gpu:3"):
        tf.constant(1.0, name="a")
    assert placed() == {"a": "/job:ps/replica:0/task:1"}


def test_soft_placement_takes_another_cpu() -> None:
    with tf.device("/cpu:5"):
        tf.constant(1.0, name="a")
    with pytest.raises(tf.errors.InvalidArgumentError, match="/device:CPU:5"):
        placed()
    assert placed(soft=True) == {"a": "/job:worker/replica:0/task:1"}


def test_a_local_session_has_no_parameter_server() -> None:
    with tf.device("/job:ps/task:0"):
        v = tf.Variable(1.0)
    with tf.Session() as sess, pytest.raises(tf.errors.InvalidArgumentError) as raised:
        sess.run(v.initializer)
    assert "/job:localhost/replica:0/task:0/device:CPU:0" in raised.value.message


def test_a_local_session_has_as_many_cpus_as_it_is_told() -> None:
    """In-graph replication: towers on several devices, one step."""
    shares = []
    for index in range(3):
        with tf.device(f"/cpu:{index}"):
            shares.append(tf.constant(float(index)) * 2.0)
    total = tf.add_n(shares)
    config = tf.ConfigProto(device_count={"CPU": 3})
    with tf.Session(config=config) as sess:
        assert sess.run(total) == 6.0
        assert [device.name[-1] for device in sess.list_devices()] == ["0", "1", "2"]
    with tf.Session() as sess, pytest.raises(tf.errors.InvalidArgumentError, match="CPU:1"):
        sess.run(total)
