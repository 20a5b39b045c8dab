"""replica_device_setter: the devices are those that TensorFlow 2.21 gives the same script."""

from __future__ import annotations

import pytest

import minitf as tf


def devices() -> dict[str, str]:
    return {op.name: op.device for op in tf.get_default_graph().get_operations()}


def test_variables_go_to_the_servers_in_turn() -> None:
    with tf.device(tf.train.replica_device_setter(ps_tasks=2)):
        a = tf.Variable(tf.zeros([2]), name="a")
        b = tf.Variable(1.0, name="b")
        tf.get_variable("c", [3])
        tf.train.get_or_create_global_step()
        with tf.device("/gpu:1"):
            tf.add(a, b, name="sum")
        with tf.device("/job:worker/task:3"):
            tf.multiply(a, 2, name="twice")
            tf.Variable(3.0, name="own")
    found = devices()
    for name, device in {
        "zeros": "/job:worker",
        "a": "/job:ps/task:0",
        "a/Assign": "/job:ps/task:0",
        "a/read": "/job:ps/task:0",
        "b/initial_value": "/job:worker",
        "b": "/job:ps/task:1",
        "c": "/job:ps/task:0",
        "c/Initializer/random_uniform": "",
        "global_step": "/job:ps/task:1",
        "global_step/Initializer/zeros": "",
        "sum": "/job:worker/device:GPU:1",
        "twice/y": "/job:worker/task:3",
        "own": "/job:worker/task:3",
    }.items():
        assert found[name] == device, name


def test_a_cluster_says_how_many() -> None:
    cluster = tf.train.ClusterSpec({"ps": ["x:1", "y:2", "z:3"], "worker": ["w:1"]})
    setter = tf.train.replica_device_setter(
        cluster=cluster, worker_device="/job:worker/task:0/cpu:0", ps_device="/job:ps/cpu:0"
    )
    with tf.device(setter):
        names = [tf.Variable(1.0, name="q").device for _ in range(4)]
        assert tf.constant(1.0).op.device == "/job:worker/task:0/device:CPU:0"
    assert names == [f"/job:ps/task:{k}/device:CPU:0" for k in (0, 1, 2, 0)]


def test_without_servers_there_is_no_function() -> None:
    assert tf.train.replica_device_setter() is None
    assert tf.train.replica_device_setter(cluster={"ps": []}) is None
    assert tf.train.replica_device_setter(cluster={"worker": ["a:1"]}) is None
    with pytest.raises(TypeError, match="must be a dictionary"):
        tf.train.replica_device_setter(cluster=3)
    with pytest.raises(TypeError, match="must be callable"):
        tf.train.replica_device_setter(1, ps_strategy=3)  # type: ignore[arg-type]


def test_the_least_loaded_server_is_next() -> None:
    strategy = tf.contrib.training.GreedyLoadBalancingStrategy(
        2, tf.contrib.training.byte_size_load_fn
    )
    with tf.device(tf.train.replica_device_setter(2, ps_strategy=strategy)):
        sizes = [100, 10, 10, 80, 1]
        found = [tf.get_variable(f"v{i}", [n]).device for i, n in enumerate(sizes)]
    assert [device[-1] for device in found] == ["0", "1", "1", "1", "0"]


def test_a_size_that_is_not_known() -> None:
    v = tf.Variable(tf.placeholder(tf.float32), validate_shape=False)
    with pytest.raises(ValueError, match="is not known"):
        tf.contrib.training.byte_size_load_fn(v.op)


def test_random_servers_are_the_same_everywhere() -> None:
    one, two = (tf.contrib.training.RandomStrategy(3, seed=1) for _ in range(2))
    chosen = [one(None) for _ in range(50)]
    assert chosen == [two(None) for _ in range(50)]
    assert set(chosen) == {0, 1, 2}


def test_a_device_of_its_own_is_kept() -> None:
    setter = tf.train.replica_device_setter(2, merge_devices=False)
    with tf.device(setter), tf.device("/cpu:0"):
        assert tf.Variable(1.0).device == "/device:CPU:0"
