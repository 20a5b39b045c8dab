"""Cutting graphs: what is sent, once; what is repeated; in which order stages run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import minitf as tf
from minitf.distributed.partition import Stage, partition
from minitf.distributed.piece import Route, as_message, from_message
from minitf.runtime.placement import place, task_device
from minitf.runtime.prune import prune

DEVICES = [task_device("worker", 0), task_device("ps", 0), task_device("ps", 1)]
WORKER, PS0, PS1 = (
    f"/job:{job}/replica:0/task:{i}" for job, i in (("worker", 0), ("ps", 0), ("ps", 1))
)


def cut(fetches: list[Any], feeds: Sequence[Any] = ()) -> list[Stage]:
    elements = [tf.get_default_graph().as_graph_element(fetch) for fetch in fetches]
    ops = prune(elements, set(feeds))
    return partition(ops, place(ops, DEVICES), elements, feeds, client=DEVICES[0])


def types(stage: Stage) -> list[str]:
    return [op.type for op in stage.graph.get_operations()]


def sends(stage: Stage) -> list[str]:
    return [op.inputs[0].name for op in stage.graph.get_operations() if op.type == "_Send"]


def model(ps_tasks: int) -> tuple[Any, Any, Any]:
    x = tf.placeholder(tf.float32, [2], name="x")
    with tf.device(tf.train.replica_device_setter(ps_tasks=ps_tasks)):
        v = tf.Variable(tf.zeros([2]), name="v")
        step = tf.train.get_or_create_global_step()
        loss = tf.reduce_sum((v - x) ** 2, name="loss")
        train = tf.train.GradientDescentOptimizer(0.1).minimize(loss, step)
    return x, loss, train


def test_a_training_step_has_three_stages() -> None:
    x, loss, train = model(ps_tasks=1)
    read, compute, update = cut([loss, train], [x])
    assert [(s.task, s.level) for s in (read, compute, update)] == [
        (PS0, 0),
        (WORKER, 1),
        (PS0, 2),
    ]
    assert types(read) == ["VariableV2", "Identity", "_Send"]
    assert sends(read) == ["v/read:0"]
    assert sorted(compute.sources.values()) == ["", PS0]
    assert list(compute.fed.values()) == [x]
    assert {"ApplyGradientDescent", "AssignAdd"} <= set(types(update))
    assert [tensor.op.type for _, tensor in compute.fetches] == ["Sum"]


def test_the_pair_has_equal_attributes() -> None:
    x, loss, _ = model(ps_tasks=1)
    stages = cut([loss], [x])
    attrs = [
        {name: op.get_attr(name) for name in op._attrs if name not in ("T", "tensor_type")}
        for stage in stages
        for op in stage.graph.get_operations()
        if op.type in ("_Send", "_Recv") and not op.get_attr("client_terminated")
    ]
    assert len(attrs) == 2
    assert attrs[0] == attrs[1]
    assert attrs[0] == {
        "tensor_name": b"edge_0_v/read",
        "send_device": f"{PS0}/device:CPU:0".encode(),
        "send_device_incarnation": 1,
        "recv_device": f"{WORKER}/device:CPU:0".encode(),
        "client_terminated": False,
    }
    keys = [key for stage in stages for key in stage.sends]
    assert keys == [key for key, source in stages[1].sources.items() if source == PS0]


def test_what_many_use_is_sent_once() -> None:
    with tf.device("/job:ps/task:0"):
        a = tf.identity(tf.placeholder_with_default([1.0], [1]), name="a")
    total = tf.add_n([a + 1.0, a * 2.0, a - 3.0])
    producer, consumer = cut([total])
    assert sends(producer) == ["a:0"]
    assert types(consumer).count("_Recv") == 1


def test_a_variable_is_read_where_it_is() -> None:
    """As a saver's node on the chief reads the variables themselves, without reads of theirs."""
    with tf.device("/job:ps/task:0"):
        v = tf.Variable(1.0, name="v")
    with tf.device("/job:worker/task:0"):
        taken = tf.negative(v._variable, name="taken")
    producer, consumer = cut([taken])
    assert types(producer) == ["VariableV2", "_Send"]
    assert types(consumer) == ["_Recv", "Neg"]


def test_constants_are_repeated() -> None:
    with tf.device("/job:ps/task:0"):
        c = tf.constant(2.0, name="c")
    both = [tf.multiply(tf.constant(3.0), c, name="here")]
    with tf.device("/job:ps/task:1"):
        both.append(tf.multiply(c, c, name="there"))
    stages = cut(both)
    assert all("_Send" not in types(stage) for stage in stages)
    assert [stage.level for stage in stages] == [0, 0]


def test_updates_of_several_servers_are_on_one_level() -> None:
    x = tf.placeholder(tf.float32, [2], name="x")
    with tf.device(tf.train.replica_device_setter(ps_tasks=2)):
        weights = [tf.Variable(tf.zeros([2]), name=f"w{i}") for i in range(2)]
        loss = tf.reduce_sum(sum(w * x for w in weights))
        train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    stages = cut([train], [x])
    found = [(stage.task, stage.level) for stage in stages]
    assert (PS0, 0) not in found  # the gradient does not depend on the weights
    updates = [s for s in stages if "ApplyGradientDescent" in types(s)]
    assert [(s.task, s.level) for s in updates] == [(PS0, 1), (PS1, 1)]


def test_order_between_tasks_needs_no_message() -> None:
    with tf.device("/job:ps/task:0"):
        v = tf.Variable(1.0, name="v")
        first = tf.assign(v, 2.0, name="first")
    with tf.device("/job:ps/task:1"), tf.control_dependencies([first]):
        second = tf.no_op(name="second")
    stages = cut([second])
    assert [(s.task, s.level) for s in stages] == [(PS0, 0), (PS1, 1)]
    assert not stages[0].sends


def test_a_group_elsewhere_is_no_detour() -> None:
    with tf.device("/job:ps/task:0"):
        v = tf.Variable(1.0, name="v")
        first = tf.assign(v, 2.0, name="first")
    with tf.device("/job:worker/task:0"), tf.control_dependencies([first]):
        gate = tf.no_op(name="gate")
    with tf.device("/job:ps/task:0"), tf.control_dependencies([gate]):
        second = tf.assign_add(v, 1.0, name="second")
    (stage,) = cut([second])
    names = [op.name for op in stage.graph.get_operations()]
    assert names.index("first") < names.index("second")


def test_below_a_branch_order_is_sent() -> None:
    x = tf.placeholder(tf.float32, [], name="x")
    with tf.device("/job:ps/task:0"):
        v = tf.Variable(1.0, name="v")

    def taken() -> Any:
        with tf.device("/job:ps/task:0"):
            change = tf.assign(v, 2.0)
        with tf.device("/job:worker/task:0"), tf.control_dependencies([change]):
            return tf.constant(1.0)

    result = tf.cond(x > 0, taken, lambda: tf.constant(2.0))
    stages = cut([result], [x])
    assert any(name.endswith("/_C:0") for stage in stages for name in sends(stage))
    assert any(stage.may_be_dead for stage in stages)


def test_a_branch_concerns_only_its_stages() -> None:
    """As beside a hook that reads the global step safely: the model is rewritten all the same."""
    x, loss, train = model(ps_tasks=1)
    with tf.device("/job:ps/task:1"):
        switch = tf.Variable(True, name="switch")
        chosen = tf.cond(switch, lambda: tf.constant(1.0), lambda: tf.constant(2.0))
    stages = cut([loss, train, chosen], [x])
    assert {stage.task for stage in stages if stage.may_be_dead} == {PS1}


def test_of_two_received_values_one_is_known_to_be_alive() -> None:
    """What a piece cannot see: the two sides of a choice come from two tasks."""
    x = tf.placeholder(tf.float32, [2], name="x")

    def side(task: int, function: Any) -> Any:
        with tf.device(f"/job:ps/task:{task}"):
            return function(x, name=f"side_{task}")

    y = tf.cond(x[0] > 0.0, lambda: side(0, tf.exp), lambda: side(1, tf.sin))
    stages = cut([tf.square(y, name="z")], [x])
    last = stages[-1]
    assert types(last) == ["_Recv", "_Recv", "Merge", "Square"]
    assert {op.type for op in last.may_be_dead} == {"_Recv"}
    again, _ = from_message(*as_message(last, Route()))
    assert {op.name for op in again.may_be_dead} == {op.name for op in last.may_be_dead}
    assert [tensor.shape.as_list() for tensor in again.receives.values()] == [[2], [2]]


def test_a_reference_is_not_sent_within_a_task() -> None:
    """An update of an update, on one server, with a value from elsewhere in between."""
    with tf.device("/job:ps/task:0"):
        v = tf.Variable(1.0, name="v")
        first = tf.assign(v, 2.0, name="first")
    there = tf.identity(tf.placeholder_with_default(1.0, []), name="there")
    second = tf.assign_add(first, there, name="second")
    *_, last = cut([second])
    assert last.task == PS0
    assert "VariableV2" in types(last)
    assert all(not t.dtype._is_ref_dtype for t in last.receives.values())


def test_a_variable_is_fetched_when_all_is_done() -> None:
    x, _, train = model(ps_tasks=1)
    stages = cut(["v:0", train], [x])
    (stage,) = [stage for stage in stages if stage.fetches]
    assert stage is stages[-1]
    assert "ApplyGradientDescent" in types(stage)


def test_stages_run_as_graphs_of_their_own() -> None:
    """A stage written as a GraphDef is one that TensorFlow's format can hold."""
    x, loss, train = model(ps_tasks=2)
    for stage in cut([loss, train], [x]):
        data = stage.graph.as_graph_def().SerializeToString()
        again = tf.GraphDef.FromString(data)
        assert [node.op for node in again.node] == types(stage)


def test_long_chains_are_cut() -> None:
    v = tf.placeholder(tf.float32, [], name="x")
    value = v
    for number in range(200):
        with tf.device(f"/job:ps/task:{number % 2}"):
            value = value + 1.0
    stages = cut([value], [v])
    assert [stage.level for stage in stages] == list(range(200))
