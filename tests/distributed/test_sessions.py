"""Sessions on servers, in one process: values, sharing, containers, and what goes wrong."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import minitf as tf
from minitf.ops.state_ops import variable_op_v2
from minitf.ops.switch_ops import switch
from tests.distributed.clusters import Cluster

X = np.random.RandomState(0).randn(64, 10).astype(np.float32)
Y = np.random.RandomState(1).randn(64, 3).astype(np.float32)


@pytest.fixture(scope="module")
def servers() -> Iterator[Cluster]:
    made = Cluster(ps=2, worker=2)
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def nothing_left(servers: Cluster) -> None:
    tf.Session.reset(servers.target())


def model(optimizer: Any) -> tuple[Any, Any, Any, Any]:
    x = tf.placeholder(tf.float32, [None, 10], name="x")
    y = tf.placeholder(tf.float32, [None, 3], name="y")
    hidden = tf.layers.dense(x, 32, tf.nn.relu, name="hidden")
    loss = tf.reduce_mean(tf.square(tf.layers.dense(hidden, 3, name="out") - y))
    step = tf.train.get_or_create_global_step()
    return x, y, loss, optimizer.minimize(loss, step)


OPTIMIZERS = {
    "descent": lambda: tf.train.GradientDescentOptimizer(0.1),
    "momentum": lambda: tf.train.MomentumOptimizer(0.1, 0.9),
    "adam": lambda: tf.train.AdamOptimizer(0.01),
}


def losses(target: str, setter: Any, optimizer: str) -> list[float]:
    with tf.Graph().as_default():
        tf.set_random_seed(1)
        with tf.device(setter):
            x, y, loss, train = model(OPTIMIZERS[optimizer]())
        with tf.Session(target) as sess:
            sess.run(tf.global_variables_initializer())
            found = [float(sess.run([loss, train], {x: X, y: Y})[0]) for _ in range(6)]
            assert sess.run(tf.train.get_global_step()) == 6
        return found


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_is_the_same_to_the_last_bit(servers: Cluster, optimizer: str) -> None:
    alone = losses("", None, optimizer)
    assert alone[-1] < alone[0]
    assert losses(servers.target(), servers.setter(), optimizer) == alone


def test_variables_are_shared_by_sessions_of_all_workers(servers: Cluster) -> None:
    with tf.device("/job:ps/task:1"):
        v = tf.Variable([1.0, 2.0], name="v")
    with tf.Session(servers.target("worker", 0)) as chief:
        chief.run(v.initializer)
        with tf.Session(servers.target("worker", 1)) as other:
            other.run(v.assign_add([1.0, 1.0]))
        np.testing.assert_array_equal(chief.run(v), [2.0, 3.0])
    with tf.Session(servers.target("ps", 0)) as sess:
        np.testing.assert_array_equal(sess.run(v), [2.0, 3.0])


def test_shared_names_are_one_variable(servers: Cluster) -> None:
    with tf.device("/job:ps/task:0"):
        a, b = shared("one"), shared("two")
    with tf.Session(servers.target()) as sess:
        sess.run(tf.assign(a, 5.0))
        assert sess.run(b) == 5.0


def shared(name: str) -> Any:
    return variable_op_v2([], tf.float32, name=name, shared_name="shared")


def test_a_worker_whose_variable_has_another_dtype(servers: Cluster) -> None:
    for dtype, worker in ((tf.float32, 0), (tf.int32, 1)):
        with tf.Graph().as_default(), tf.device(servers.setter(worker)):
            w = tf.get_variable("of_two", [2], dtype, tf.ones_initializer())
            with tf.Session(servers.target("worker", worker)) as sess:
                if worker == 0:
                    sess.run(w.initializer)
                    continue
                for fetch in (w, w.initializer):
                    with pytest.raises(tf.errors.InvalidArgumentError, match="wrong dtype") as told:
                        sess.run(fetch)
                    assert "of_two" in str(told.value)


def test_containers_are_reset_one_by_one(servers: Cluster) -> None:
    with tf.device("/job:ps/task:0"):
        with tf.container("first"):
            a = tf.Variable(1.0, name="a")
        b = tf.Variable(2.0, name="b")
    init = tf.global_variables_initializer()
    with tf.Session(servers.target()) as sess:
        sess.run(init)
    tf.Session.reset(servers.target(), ["first"])
    with tf.Session(servers.target()) as sess:
        assert sess.run(tf.is_variable_initialized(b))
        assert not sess.run(tf.is_variable_initialized(a))
    tf.Session.reset(servers.target())
    with tf.Session(servers.target()) as sess:
        assert not sess.run(tf.is_variable_initialized(b))


def test_fetches_of_every_kind(servers: Cluster) -> None:
    x = tf.placeholder(tf.float32, [2], name="x")
    with tf.device("/job:ps/task:0"):
        v = tf.Variable([1.0, 2.0], name="v")
        text = tf.constant(["a", "b"], name="text")
    update = v.assign_add(x)
    with tf.Session(servers.target()) as sess:
        sess.run(v.initializer)
        found = sess.run({"v": v, "u": update, "x": x, "t": text, "op": update.op}, {x: [1, 1]})
        np.testing.assert_array_equal(found["v"], [2.0, 3.0])
        np.testing.assert_array_equal(found["u"], [2.0, 3.0])
        np.testing.assert_array_equal(found["x"], [1.0, 1.0])
        assert found["t"].tolist() == [b"a", b"b"]
        assert found["op"] is None
        scalar = sess.run(tf.reduce_sum(v))
        assert scalar == np.float32(5.0)
        assert isinstance(scalar, np.float32)
        mine = sess.run(v)
        mine[:] = 0.0
        np.testing.assert_array_equal(sess.run(v), [2.0, 3.0])


@pytest.mark.parametrize("fed", [1.0, -1.0])
def test_a_branch_across_tasks(servers: Cluster, fed: float) -> None:
    x = tf.placeholder(tf.float32, [], name="x")
    with tf.device("/job:ps/task:0"):
        v = tf.Variable(10.0, name="v")

    def taken() -> Any:
        with tf.device("/job:ps/task:1"):
            twice = v * 2.0
        with tf.control_dependencies([v.assign_add(1.0)]):
            return tf.identity(twice)

    def not_taken() -> Any:
        return v - 1.0

    result = tf.cond(x > 0, taken, not_taken)
    with tf.Session(servers.target()) as sess:
        sess.run(v.initializer)
        assert sess.run(result, {x: fed}) == (20.0 if fed > 0 else 9.0)
        assert sess.run(v) == (11.0 if fed > 0 else 10.0)


@pytest.mark.parametrize("taken", [True, False])
def test_branches_that_update_different_variables(servers: Cluster, taken: bool) -> None:
    """Their result names the one or the other, also where it is read, or written, much later."""
    p = tf.placeholder(tf.bool, [], name="p")
    with tf.device("/job:ps/task:0"):
        v, w = tf.Variable([1.0, 2.0], name="v"), tf.Variable([10.0, 20.0], name="w")
    with tf.device("/job:worker/task:0"):
        far = tf.tanh(tf.placeholder_with_default([0.0, 0.0], [2])) + 2.0
    result = tf.cond(p, lambda: tf.assign_add(v, [1.0, 1.0]), lambda: tf.assign_add(w, [1.0, 1.0]))
    with tf.device("/job:ps/task:0"):
        product = tf.multiply(result, far)
        with tf.control_dependencies([product]):
            again = tf.assign_add(result, far)
        not_taken = switch(v._variable, p)[0 if taken else 1]
    expected = [[2.0, 3.0], [10.0, 20.0]] if taken else [[1.0, 2.0], [11.0, 21.0]]
    chosen = np.array(expected[0 if taken else 1])
    with tf.Session(servers.target()) as sess:
        sess.run([v.initializer, w.initializer])
        assert sess.run(result, {p: taken}).tolist() == chosen.tolist()
        assert [value.tolist() for value in sess.run([v, w])] == expected
        assert sess.run(product, {p: taken}).tolist() == ((chosen + 1.0) * 2.0).tolist()
        values = sess.run([result, again], {p: taken})
        assert [value.tolist() for value in values] == [(chosen + 4.0).tolist()] * 2
        assert sess.run(w if taken else v).tolist() == expected[1 if taken else 0]
        with pytest.raises(tf.errors.InvalidArgumentError, match="does not have value"):
            sess.run([not_taken, product], {p: taken})


@pytest.mark.parametrize("taken", [True, False])
@pytest.mark.parametrize("optimizer", ["GradientDescentOptimizer", "AdamOptimizer"])
def test_a_branch_with_updates_on_several_servers(
    servers: Cluster, optimizer: str, taken: bool
) -> None:
    """The global step waits, on its server, for updates on another one that may be left out."""
    tf.Session.reset(servers.target())
    with tf.device(servers.setter()):
        w = tf.get_variable("w", [2], initializer=tf.ones_initializer())
        step = tf.train.get_or_create_global_step()  # on the other server
        more = tf.get_variable("more", [2], initializer=tf.ones_initializer())
        made = getattr(tf.train, optimizer)(0.5)
        pairs = made.compute_gradients(tf.reduce_sum(w * w + more * more), [w, more])
    assert w.device != step.device
    decided = tf.placeholder(tf.bool, [])
    with tf.device(step.device):
        update = tf.cond(
            decided, lambda: tf.group(made.apply_gradients(pairs, step)), lambda: tf.no_op()
        )
    with tf.Session(servers.target()) as sess:
        sess.run(tf.global_variables_initializer())
        for runs in (1, 2):
            sess.run(update.op, {decided: taken})
            assert sess.run(step) == (runs if taken else 0)
        values = sess.run([w, more])
    assert all((value != 1.0).all() if taken else (value == 1.0).all() for value in values)


def test_what_was_read_before_an_update_is_sent(servers: Cluster) -> None:
    with tf.device("/job:ps/task:0"):
        v = tf.Variable(1.0, name="v")
        read = v.read_value()
        with tf.control_dependencies([read]):
            update = v.assign_add(1.0)
    with tf.device("/job:worker/task:0"):
        seen = read * 10.0
    with tf.Session(servers.target()) as sess:
        sess.run(v.initializer)
        assert sess.run([seen, update.op])[0] == 10.0
        assert sess.run(v) == 2.0


def test_a_queue_on_a_server_connects_workers(servers: Cluster) -> None:
    def build() -> tuple[Any, Any]:
        with tf.device("/job:ps/task:0"):
            queue = tf.FIFOQueue(2, tf.float32, shapes=[[]], shared_name="queue")
        return queue.enqueue(tf.placeholder_with_default(3.0, [])), queue.dequeue()

    with tf.Graph().as_default():
        enqueue, _ = build()
        with tf.Session(servers.target("worker", 0)) as sess:
            sess.run(enqueue)
    with tf.Graph().as_default():
        _, dequeue = build()
        with tf.Session(servers.target("worker", 1)) as sess:
            assert sess.run(dequeue) == 3.0
            with pytest.raises(tf.errors.DeadlineExceededError, match="FIFOQueue"):
                sess.run(dequeue, options=tf.RunOptions(timeout_in_ms=200))


def test_closing_the_session_ends_a_wait_on_a_server(servers: Cluster) -> None:
    with tf.device("/job:ps/task:0"):
        dequeue = tf.FIFOQueue(2, tf.float32, shared_name="empty").dequeue()
    sess = tf.Session(servers.target())
    sess.run(tf.no_op())
    failures: list[BaseException] = []
    begun = threading.Event()

    def wait() -> None:
        begun.set()
        try:
            sess.run(dequeue)
        except Exception as error:
            failures.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    assert begun.wait(30.0)
    sess.close()
    thread.join(60.0)
    assert not thread.is_alive()
    (failure,) = failures
    assert isinstance(failure, (tf.errors.CancelledError, RuntimeError)), failure


def test_an_error_at_a_server_names_the_users_line(servers: Cluster) -> None:
    x = tf.placeholder(tf.float32, [None], name="x")
    with tf.device("/job:ps/task:0"):
        bad = tf.reshape(x, [3], name="bad")
    with (
        tf.Session(servers.target()) as sess,
        pytest.raises(tf.errors.InvalidArgumentError) as raised,
    ):
        sess.run(bad, {x: [1.0, 2.0]})
    assert raised.value.op is bad.op
    message = raised.value.message
    assert message.startswith("Input to reshape is a tensor with 2 values")
    assert "test_sessions.py" in message
    assert "where: /job:ps/task:0, 127.0.0.1:" in message


def test_a_variable_without_a_value_at_a_server(servers: Cluster) -> None:
    with tf.device("/job:ps/task:0"):
        v = tf.Variable(1.0, name="v")
    with (
        tf.Session(servers.target()) as sess,
        pytest.raises(tf.errors.FailedPreconditionError) as raised,
    ):
        sess.run(v)
    assert "Attempting to use uninitialized value v" in raised.value.message
    assert "nobody has given it a value at /job:ps/task:0" in raised.value.message


def test_an_unfed_placeholder_is_told_before_anything_is_sent(servers: Cluster) -> None:
    with tf.device("/job:ps/task:0"):
        y = tf.placeholder(tf.float32, name="x") * 2.0
    with (
        tf.Session(servers.target()) as sess,
        pytest.raises(tf.errors.InvalidArgumentError, match="You must feed a value"),
    ):
        sess.run(y)


def test_only_the_branch_that_is_taken_needs_its_placeholder(servers: Cluster) -> None:
    p = tf.placeholder(tf.bool, [], name="p")
    with tf.device("/job:ps/task:0"):
        v = tf.Variable(0.0)
        y = tf.cond(p, lambda: tf.placeholder(tf.float32, [], name="unfed"), lambda: v + 2.0)
        lacks = tf.placeholder(tf.float32, [], name="lacks") * 2.0
    with tf.Session(servers.target()) as sess:
        sess.run(v.initializer)
        assert sess.run(y, {p: False}) == 2.0
        with pytest.raises(tf.errors.InvalidArgumentError, match="cond/unfed"):
            sess.run(y, {p: True})
        with pytest.raises(tf.errors.InvalidArgumentError, match="'lacks'"):
            sess.run([v.assign_add(1.0), lacks, y], {p: False})
        assert sess.run(v) == 0.0  # it was refused before anything was done


def test_device_filters_hide_tasks(servers: Cluster) -> None:
    config = tf.ConfigProto(device_filters=["/job:ps", "/job:worker/task:0"])
    with tf.Session(servers.target(), config=config) as sess:
        assert [d.name.split("/device")[0] for d in sess.list_devices()] == [
            "/job:worker/replica:0/task:0",
            "/job:ps/replica:0/task:0",
            "/job:ps/replica:0/task:1",
        ]
        with tf.device("/job:worker/task:1"):
            far = tf.constant(1.0) + 1.0
        with pytest.raises(tf.errors.InvalidArgumentError, match="Cannot assign a device"):
            sess.run(far)


def test_a_graph_that_grows_and_changes(servers: Cluster) -> None:
    with tf.device("/job:ps/task:0"):
        a = tf.add(tf.placeholder_with_default(1.0, []), 1.0, name="a")
    with tf.Session(servers.target()) as sess:
        assert sess.run(a) == 2.0
        with tf.device("/job:ps/task:1"):
            b = a * 10.0
        assert sess.run(b) == 20.0
        a.op._update_input(1, tf.constant(5.0))
        assert sess.run(b) == 60.0


def test_random_numbers_are_those_of_a_local_session(servers: Cluster) -> None:
    tf.set_random_seed(3)
    with tf.device("/job:ps/task:1"):
        drawn = tf.random_normal([4])
    with tf.Session(servers.target()) as sess:
        first, second = sess.run(drawn), sess.run(drawn)
    assert not np.array_equal(first, second)
    with tf.Graph().as_default():
        tf.set_random_seed(3)
        again = tf.random_normal([4])
        with tf.Session() as sess:
            np.testing.assert_array_equal(sess.run(again), first)
            np.testing.assert_array_equal(sess.run(again), second)


def test_explain_shows_the_pieces(servers: Cluster) -> None:
    with tf.device(servers.setter()):
        x, y, loss, train = model(tf.train.GradientDescentOptimizer(0.1))
    with tf.Session(servers.target()) as sess:
        text = sess.explain([loss, train], [x, y])
    assert text.index("# ---- /job:ps/task:0 level 0") < text.index("/job:worker/task:0 level 1")
    assert "# sends hidden/kernel/read:0 to /job:worker/replica:0/task:0" in text
    assert text.index("/job:worker/task:0 level 1") < text.index("# ---- /job:ps/task:0 level 2")


def switched_model() -> tuple[Any, Any, Any, Any]:
    """Layers that ask a placeholder whether this is training: statistics, loss and update."""
    x = tf.placeholder(tf.float32, [None, 10], name="x")
    training = tf.placeholder(tf.bool, [], name="training")
    hidden = tf.layers.batch_normalization(tf.layers.dense(x, 32), training=training)
    hidden = tf.layers.dropout(tf.nn.relu(hidden), 0.5, seed=1, training=training)
    loss = tf.reduce_mean(tf.square(tf.layers.dense(hidden, 3)))
    updates = tf.group(*tf.get_collection(tf.GraphKeys.UPDATE_OPS))
    train = tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss)
    return x, training, loss, tf.group(train, updates)


def test_around_branches_pieces_are_rewritten(servers: Cluster) -> None:
    """Moving averages live on servers: one side of their choice is received, and may be dead."""
    found = []
    for target, setter in (("", None), (servers.target(), servers.setter())):
        with tf.Graph().as_default(), tf.Session(target) as sess:
            tf.set_random_seed(1)
            with tf.device(setter):
                x, training, loss, train = switched_model()
            sess.run(tf.global_variables_initializer())
            trained = [
                sess.run([loss, train] if on else loss, {x: X, training: on})
                for on in (True, True, True, False, False, True)
            ]
            found.append(
                [
                    *np.ravel([np.float32(v[0] if type(v) is list else v) for v in trained]),
                    *sess.run(tf.global_variables()),
                ]
            )
            text = sess.explain([loss, train], {x: X, training: True})
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)
    pieces = {piece.split("\n")[0]: piece for piece in text.split("# ---- ")}
    worker = "".join(piece for name, piece in pieces.items() if "worker" in name)
    assert "# fuse: " in worker and "fused_" in worker
    assert "1 Sweep" in text.replace(worker, "")
    checks = [line for line in worker.splitlines() if "DEAD" in line]
    assert checks and all("cond" in line for line in checks)


def test_metadata_have_the_pieces(servers: Cluster) -> None:
    with tf.device(servers.setter()):
        x, y, loss, _ = model(tf.train.GradientDescentOptimizer(0.1))
    metadata = tf.RunMetadata()
    options = tf.RunOptions(output_partition_graphs=True)
    with tf.Session(servers.target()) as sess:
        sess.run(tf.global_variables_initializer())
        sess.run(loss, {x: X, y: Y}, options=options, run_metadata=metadata)
    ops = [{node.op for node in graph.node} for graph in metadata.partition_graphs]
    assert len(ops) == 3
    assert "_Send" in ops[0]
    assert {"_Recv", "MatMul"} <= ops[-1]


def test_many_threads_run_one_session(servers: Cluster) -> None:
    with tf.device("/job:ps/task:0"):
        v = tf.Variable(0, name="count")
        count = tf.assign_add(v, 1, use_locking=True)
    with tf.Session(servers.target()) as sess:
        sess.run(v.initializer)
        threads = [
            threading.Thread(target=lambda: [sess.run(count.op) for _ in range(20)])
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120.0)
        assert sess.run(v) == 80


def test_nothing_of_a_step_is_left(servers: Cluster) -> None:
    with tf.device(servers.setter()):
        x, y, loss, train = model(tf.train.AdamOptimizer(0.01))
    with tf.Session(servers.target()) as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(3):
            sess.run([loss, train], {x: X, y: Y})
        with pytest.raises(tf.errors.InvalidArgumentError):
            sess.run(train, {x: X, y: Y[:3]})
    left = [s.master.worker._steps for job in servers.servers.values() for s in job]
    deadline = threading.Event()
    for _ in range(300):  # what ended in an error is cleaned up in the background
        if not any(left):
            break
        deadline.wait(0.1)
    assert not any(left)
