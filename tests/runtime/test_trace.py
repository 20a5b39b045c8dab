"""Traced runs: the same results, and a true account of what ran."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minitf as tf
from minitf.framework import protos

FULL = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)


def traced(session: Any, fetches: Any, feed: Any = None) -> tuple[Any, list[Any]]:
    """The fetches, and the stats of the nodes that ran."""
    metadata = tf.RunMetadata()
    values = session.run(fetches, feed, options=FULL, run_metadata=metadata)
    (device,) = metadata.step_stats.dev_stats
    assert device.device == "/job:localhost/replica:0/task:0/device:CPU:0"
    return values, list(device.node_stats)


def test_what_ran_is_told_in_its_order() -> None:
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    w = tf.get_variable("w", [3, 2], initializer=tf.ones_initializer())
    y = tf.matmul(x, w, name="y")
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        value, stats = traced(sess, y, {x: [[1, 2, 3]]})
    assert value.tolist() == [[6, 6]]
    assert [s.node_name for s in stats] == ["x", "w", "y"]
    assert [s.timeline_label for s in stats] == [
        "x = Placeholder()",
        "w = VariableV2()",
        "y = MatMul(x, w/read)",
    ]
    starts = [s.all_start_nanos for s in stats]
    ends = [s.all_start_nanos + s.op_end_rel_nanos for s in stats]
    assert all(a <= b for a, b in zip(starts, ends))
    assert all(end <= start for end, start in zip(ends, starts[1:]))
    assert all(s.all_start_micros == s.all_start_nanos // 1000 for s in stats)
    assert {s.thread_id for s in stats} == {threading.get_native_id()}


def test_shapes_dtypes_and_bytes_of_what_was_made() -> None:
    x = tf.placeholder(tf.float64, [None, 3], name="x")
    v = tf.get_variable("v", [4], initializer=tf.zeros_initializer())
    y = tf.split(x, [1, 2], axis=1, name="y")
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        _, stats = traced(sess, [y, v], {x: np.zeros((5, 3))})
    by_name = {s.node_name: s for s in stats}
    outputs = [o.tensor_description for o in by_name["y"].output]
    assert [o.slot for o in by_name["y"].output] == [0, 1]
    assert [[d.size for d in o.shape.dim] for o in outputs] == [[5, 1], [5, 2]]
    assert [o.dtype for o in outputs] == [tf.float64.as_datatype_enum] * 2
    assert [o.allocation_description.requested_bytes for o in outputs] == [40, 80]
    assert by_name["v"].memory_stats.persistent_memory_size == 16
    assert by_name["v"].memory[0].total_bytes == 0  # it was there before the run


def test_live_bytes_rise_and_fall() -> None:
    x = tf.placeholder(tf.float32, [1000], name="x")
    a = tf.cumsum(x, name="a")
    b = tf.cumsum(a, name="b")
    c = tf.cumsum(b, name="c")
    with tf.Session() as sess:
        _, stats = traced(sess, c, {x: np.zeros(1000)})
    live = {s.node_name: s.memory[0].live_bytes for s in stats}
    assert live == {"x": 0, "a": 4000, "b": 8000, "c": 8000}


def test_memory_of_the_arena_is_told_apart() -> None:
    x = tf.placeholder(tf.float32, [100, 100], name="x")
    y = tf.matmul(tf.matmul(x, x, name="a"), x, name="b")
    with tf.Session() as sess:
        _, stats = traced(sess, y, {x: np.zeros((100, 100))})
    where = {
        s.node_name: s.output[0].tensor_description.allocation_description.allocator_name
        for s in stats
    }
    assert where == {"x": "cpu", "a": "arena", "b": "cpu"}


def test_what_is_fused_is_named_and_its_parts_are_told() -> None:
    x = tf.placeholder(tf.float32, [200, 200], name="x")
    y = tf.tanh(tf.exp(-x, name="e") * 2.0, name="t")
    with tf.Session() as sess:
        value, stats = traced(sess, y, {x: np.zeros((200, 200))})
    assert value[0, 0] == pytest.approx(np.tanh(2.0))
    assert len(stats) == 2
    assert "fused_neg_exp_mul_tanh(x" in stats[1].timeline_label
    assert stats[1].timeline_label.endswith(" for Neg, e, mul, t")


def test_what_a_layer_pattern_puts_together_is_told_once() -> None:
    x = tf.placeholder(tf.float32, [2, 28, 28, 1], name="x")
    w = tf.get_variable("w", [5, 5, 1, 32], initializer=tf.ones_initializer())
    b = tf.get_variable("b", [32], initializer=tf.ones_initializer())
    conv = tf.nn.conv2d(x, w, [1, 1, 1, 1], "SAME", name="conv")
    pool = tf.nn.max_pool(
        tf.nn.relu(tf.nn.bias_add(conv, b, name="add"), name="relu"),
        [1, 2, 2, 1],
        [1, 2, 2, 1],
        "SAME",
        name="pool",
    )
    loss = tf.reduce_sum(pool)
    step = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        _, stats = traced(sess, step, {x: np.zeros((2, 28, 28, 1))})
    labels = [s.timeline_label.partition(" for ")[2].split(", ") for s in stats]
    parts = [part for label in labels for part in label if part]
    assert {"conv", "add", "relu", "pool"} <= set(parts)
    assert len(parts) == len(set(parts))


def build(seed: int) -> tuple[Any, Any, Any]:
    """A small network that trains with dropout."""
    tf.set_random_seed(seed)
    x = tf.placeholder(tf.float32, [None, 20])
    hidden = tf.nn.dropout(tf.layers.dense(x, 30, tf.nn.relu), keep_prob=0.5)
    loss = tf.reduce_mean(tf.square(tf.layers.dense(hidden, 1)))
    return x, loss, tf.train.AdamOptimizer(0.01).minimize(loss)


def losses(run: Callable[..., Any]) -> list[float]:
    rng = np.random.RandomState(0)
    with tf.Graph().as_default():
        x, loss, step = build(seed=3)
        with tf.Session() as sess:
            sess.run(tf.global_variables_initializer())
            return [run(sess, [loss, step], {x: rng.rand(8, 20)})[0] for _ in range(5)]


def test_a_traced_run_has_the_same_bits() -> None:
    plain = losses(lambda sess, fetches, feed: sess.run(fetches, feed))
    assert losses(lambda sess, fetches, feed: traced(sess, fetches, feed)[0]) == plain


def test_a_run_that_is_not_traced_knows_nothing_of_traces() -> None:
    """The program of untraced runs is the one from before, with the kernels themselves."""
    x = tf.placeholder(tf.float32, [2])
    y = tf.exp(x)
    with tf.Session() as sess:
        sess.run(y, {x: [0, 0]})
        (before,) = sess._programs.values()
        traced(sess, y, {x: [0, 0]})
        sess.run(y, {x: [0, 0]})
        assert list(sess._programs.values()) == [before]
        program, _ = before
        steps = [program._any_shapes, *program._for_shapes.values()]
        assert all(
            getattr(value, "__qualname__", "").find("timed") < 0
            for step in steps
            for value in step.source._globals.values()
        )
        (watched,) = sess._traced_programs.values()
        wrapped = watched._any_shapes.source._globals.values()
        assert any("timed" in getattr(value, "__qualname__", "") for value in wrapped)


def test_without_a_trace_level_nothing_is_told() -> None:
    x = tf.placeholder(tf.float32, [])
    metadata = tf.RunMetadata()
    with tf.Session() as sess:
        assert sess.run(x + 1.0, {x: 1.0}, tf.RunOptions(), metadata) == 2.0
        assert sess.run(x + 1.0, {x: 1.0}, run_metadata=metadata) == 2.0
        assert sess.run(x + 1.0, {x: 1.0}, options=FULL) == 2.0
    assert metadata == tf.RunMetadata()


def test_each_run_fills_the_metadata_anew() -> None:
    x = tf.placeholder(tf.float32, [], name="x")
    metadata = tf.RunMetadata()
    with tf.Session() as sess:
        for _ in range(3):
            sess.run(tf.exp(x, name="y"), {x: 1.0}, FULL, metadata)
    (device,) = metadata.step_stats.dev_stats
    assert len(device.node_stats) == 2


def test_the_nodes_that_were_needed_are_told_on_request() -> None:
    x = tf.placeholder(tf.float32, [], name="x")
    y = tf.exp(x, name="y")
    tf.log(x, name="z")
    metadata = tf.RunMetadata()
    options = tf.RunOptions(output_partition_graphs=True)
    with tf.Session() as sess:
        sess.run(y, {x: 1.0}, options, metadata)
    (graph,) = metadata.partition_graphs
    assert [node.name for node in graph.node] == ["y"]
    assert not metadata.HasField("step_stats")


def test_a_callable_takes_options() -> None:
    x = tf.placeholder(tf.float32, [], name="x")
    metadata = tf.RunMetadata()
    with tf.Session() as sess:
        call = sess.make_callable(tf.exp(x, name="y"), [x], accept_options=True)
        assert call(0.0, options=FULL, run_metadata=metadata) == 1.0
    assert [s.node_name for s in metadata.step_stats.dev_stats[0].node_stats] == ["x", "y"]


def test_branches_that_are_not_taken_are_not_told() -> None:
    x = tf.placeholder(tf.float32, [], name="x")
    y = tf.cond(x > 0.0, lambda: tf.exp(x, name="yes"), lambda: tf.sin(x, name="no"))
    with tf.Session() as sess:
        value, stats = traced(sess, y, {x: 0.5})
    assert value == np.exp(np.float32(0.5))
    names = [s.node_name for s in stats]
    assert "cond/yes" in names
    assert "cond/no" not in names


def test_an_error_is_the_same_and_the_next_trace_is_whole() -> None:
    x = tf.placeholder(tf.float32, [None], name="x")
    y = tf.reshape(x, [2, 2], name="y")
    with tf.Session() as sess:
        with pytest.raises(tf.errors.InvalidArgumentError, match="y"):
            traced(sess, y, {x: [1.0, 2.0, 3.0]})
        _, stats = traced(sess, y, {x: [1.0, 2.0, 3.0, 4.0]})
    assert [s.node_name for s in stats] == ["x", "y"]


def test_a_changed_node_is_seen() -> None:
    x = tf.placeholder(tf.float32, [], name="x")
    y, z = tf.exp(x, name="y"), tf.random_uniform([], name="z")
    with tf.Session() as sess:
        traced(sess, y, {x: 0.0})
        y.op._add_control_input(z.op)
        _, stats = traced(sess, y, {x: 0.0})
    assert [s.node_name for s in stats] == ["x", "z/RandomUniform", "y"]


def test_a_trace_inside_a_trace() -> None:
    x = tf.placeholder(tf.float32, [], name="x")
    inner = tf.exp(x, name="inner")
    told: list[list[str]] = []

    def compute(value: Any) -> Any:
        result, stats = traced(sess, inner, {x: value})
        told.append([s.node_name for s in stats])
        return result

    outer = tf.sin(tf.py_func(compute, [x], tf.float32, name="call"), name="outer")
    with tf.Session() as sess:
        _, stats = traced(sess, outer, {x: 0.0})
    assert told == [["x", "inner"]]
    assert [s.node_name for s in stats] == ["x", "call", "outer"]


def test_threads_that_trace_at_once_are_told_apart() -> None:
    x = tf.placeholder(tf.float32, [], name="x")
    ys = [tf.exp(x, name="a"), tf.sin(x, name="b")]
    wrong: list[Any] = []
    with tf.Session() as sess:

        def work(y: Any) -> None:
            for _ in range(30):
                _, stats = traced(sess, y, {x: 1.0})
                if [s.node_name for s in stats] != ["x", y.op.name]:
                    wrong.append(stats)

        threads = [threading.Thread(target=work, args=(y,)) for y in ys]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
    assert not wrong
    assert not any(thread.is_alive() for thread in threads)


def test_another_programs_message_can_be_filled() -> None:
    """A message with the same fields, as TensorFlow's own is, is filled by way of its bytes."""

    class Bytes:
        content = b""

        def ParseFromString(self, content: bytes) -> None:
            self.content = content

    x = tf.placeholder(tf.float32, [], name="x")
    theirs = Bytes()
    with tf.Session() as sess:
        sess.run(tf.exp(x), {x: 1.0}, FULL, theirs)
    ours = protos.RunMetadata.FromString(theirs.content)
    assert len(ours.step_stats.dev_stats[0].node_stats) == 2


def test_import_does_not_load_protobuf() -> None:
    code = "import minitf as tf, sys; tf.RunOptions(); assert 'google.protobuf' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


# ---- runs that are observed node by node


def test_observed_runs_tell_every_value() -> None:
    x = tf.placeholder(tf.float32, [2], name="x")
    y = tf.identity(tf.exp(x, name="e") * 2.0, name="y")
    told: list[tuple[str, list[Any]]] = []
    with tf.Session() as sess:
        value = sess.run_observed(
            {"y": y},
            {x: [0.0, 0.0]},
            lambda op, inputs, outputs: told.append((op.name, [o.tolist() for o in outputs])),
        )
    assert value["y"].tolist() == [2, 2]
    assert told == [("e", [[1, 1]]), ("mul/y", [2.0]), ("mul", [[2, 2]]), ("y", [[2, 2]])]


def test_an_observed_run_initializes_and_updates_like_any_other() -> None:
    v = tf.get_variable("v", initializer=tf.constant(1.0))
    add = tf.assign_add(v, 2.0)
    with tf.Session() as sess:
        sess.run_observed(tf.global_variables_initializer(), None, lambda *_: None)
        assert sess.run_observed(add, None, lambda *_: None) == 3.0
        assert sess.run(v) == 3.0
        # Who reads another variable is told what was initialized.
        w = tf.get_variable("w", [])
        with pytest.raises(tf.errors.FailedPreconditionError, match="built"):
            sess.run_observed(w, None, lambda *_: None)


def test_an_observed_run_does_not_wait_for_itself() -> None:
    queue = tf.FIFOQueue(10, [tf.float32])
    first, put = queue.dequeue(), queue.enqueue([5.0])
    with tf.Session(config=tf.ConfigProto(operation_timeout_in_ms=60_000)) as sess:
        assert sess.run_observed([first, put], None, lambda *_: None)[0] == 5.0


def test_an_observed_run_ends_when_its_time_is_over() -> None:
    queue = tf.FIFOQueue(10, [tf.float32], name="q")
    first = queue.dequeue()
    with (
        tf.Session(config=tf.ConfigProto(operation_timeout_in_ms=50)) as sess,
        pytest.raises(tf.errors.DeadlineExceededError, match="q"),
    ):
        sess.run_observed(first, None, lambda *_: None)
    with (
        tf.Session() as sess,
        pytest.raises(tf.errors.DeadlineExceededError, match="q"),
    ):
        options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE, timeout_in_ms=50)
        sess.run(first, options=options, run_metadata=tf.RunMetadata())


def test_a_run_on_a_server_is_not_observed() -> None:
    server = tf.train.Server.create_local_server()
    x = tf.constant(1.0)
    with (
        tf.Session(server.target) as sess,
        pytest.raises(tf.errors.UnimplementedError, match="without a target"),
    ):
        sess.run_observed(x, None, lambda *_: None)


@pytest.mark.parametrize("name", ["options", "run_metadata"])
def test_what_cannot_be_filled_is_refused_before_the_run(name: str) -> None:
    v = tf.Variable(1, name="v")
    with tf.Session() as sess:
        sess.run(v.initializer)
        for given in (3, tf.RunOptions, tf.RunMetadata):
            with pytest.raises(TypeError, match=r"session.run takes a tf.Run\w+, not "):
                sess.run(v.assign_add(1), **{name: given})
        assert sess.run(v) == 1
