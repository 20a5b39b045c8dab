"""Queues and accumulators: their nodes, the order of what comes out, and their errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.parity.harness import Family

family = Family("data_flow")

# The nodes of a queue wait for one another: they are run by the cases that say in which order.


@family.graph(run=False)
def fifo_queues(tf: Any) -> None:
    queue = tf.FIFOQueue(
        10, [tf.float32, tf.int32], shapes=[[2], []], shared_name="shared", name="q"
    )
    queue.enqueue([[1.0, 2.0], 3])
    queue.enqueue_many([[[1.0, 2.0]], [3]])
    queue.dequeue()
    queue.dequeue_many(3)
    queue.dequeue_up_to(3)
    queue.dequeue_many(tf.placeholder(tf.int32, [], name="n"), name="some")
    queue.close()
    queue.close(cancel_pending_enqueues=True)
    queue.size()
    queue.is_closed()
    plain = tf.FIFOQueue(10, tf.float32)
    plain.enqueue(1.0, name="put")
    plain.dequeue()


@family.graph(run=False)
def other_queues(tf: Any) -> None:
    with tf.name_scope("scope"):
        shuffled = tf.RandomShuffleQueue(10, 2, [tf.float32], shapes=[()], seed=3)
        shuffled.enqueue([1.0])
        shuffled.dequeue()
    tf.RandomShuffleQueue(10, 2, [tf.float32], shapes=[()])
    tf.RandomShuffleQueue(10, 2, [tf.float32], shapes=[()], shared_name="named")
    padding = tf.PaddingFIFOQueue(10, [tf.float32], shapes=[[None, 2]])
    padding.dequeue_many(2)
    padding.dequeue()
    first = tf.PriorityQueue(10, [tf.string], shapes=[()])
    first.enqueue((tf.constant(1, tf.int64), "a"))
    first.dequeue()
    with tf.container("c"):
        named = tf.FIFOQueue(10, [tf.float32, tf.int32], shapes=[(), ()], names=["a", "b"])
    named.enqueue({"a": 1.0, "b": 2})
    named.dequeue()


@family.graph(run=False)
def a_queue_out_of_several(tf: Any) -> None:
    queues = [tf.FIFOQueue(n, tf.float32, shapes=[()]) for n in (10, 5)]
    tf.QueueBase.from_list(tf.constant(0), queues).dequeue()


@family.graph(run=False)
def accumulators(tf: Any) -> None:
    dense = tf.ConditionalAccumulator(tf.float32, shape=[2], shared_name="s", name="acc")
    dense.apply_grad([1.0, 2.0], 3)
    dense.take_grad(2)
    dense.num_accumulated()
    dense.set_global_step(4)
    sparse = tf.SparseConditionalAccumulator(tf.float32, shape=[3, 2], name="sp")
    sparse.apply_grad([1], [[1.0, 2.0]], [3, 2], local_step=1)
    sparse.take_grad(1)
    sparse.take_indexed_slices_grad(2)
    sparse.num_accumulated()
    sparse.set_global_step(4)
    rows = tf.IndexedSlices(tf.constant([[1.0, 2.0]]), tf.constant([1]), tf.constant([3, 2]))
    sparse.apply_indexed_slices_grad(rows)


@family.values
def shuffled_orders(tf: Any) -> list[Any]:
    """With seeds of the op, of the graph, of both, and of a shared name."""
    found = []
    for seed, name in ((5, None), (None, None), (7, "shared"), (None, "other")):
        queue = tf.RandomShuffleQueue(
            50, 0, tf.int32, shapes=[[]], seed=seed, shared_name=name, name="r"
        )
        fill = queue.enqueue_many([np.arange(40, dtype=np.int32)])
        some, one, rest = queue.dequeue_many(7), queue.dequeue(), queue.dequeue_up_to(32)
        with tf.Session() as sess:
            sess.run(fill)
            found += [sess.run(some), sess.run(one), sess.run(rest)]
    return found


@family.values
def padded_batches(tf: Any) -> list[Any]:
    x, flag = tf.placeholder(tf.float32), tf.placeholder(tf.bool)
    queue = tf.PaddingFIFOQueue(9, [tf.float32, tf.bool], shapes=[[None, 2], [None]])
    put, taken = queue.enqueue([x, flag]), queue.dequeue_many(3)
    with tf.Session() as sess:
        for rows in (1, 3, 0):
            sess.run(put, {x: np.full([rows, 2], rows), flag: [True] * rows})
        found: list[Any] = sess.run(taken)
        return found


@family.values
def averages(tf: Any) -> list[Any]:
    """Of three gradients: a third is not a number of the machine, so the rounding shows."""
    dense = tf.ConditionalAccumulator(tf.float32, shape=[4])
    total = tf.ConditionalAccumulator(tf.float64, shape=[4], reduction_type="SUM")
    grad = tf.placeholder(tf.float32, [4])
    add = [dense.apply_grad(grad), total.apply_grad(tf.cast(grad, tf.float64))]
    taken = [dense.take_grad(3), total.take_grad(3)]
    rng = np.random.default_rng(0)
    with tf.Session() as sess:
        for _ in range(3):
            sess.run(add, {grad: rng.standard_normal(4)})
        found: list[Any] = sess.run(taken)
        return found


@family.values
def averages_of_rows(tf: Any) -> list[Any]:
    """Rows in order, out of order, and twice."""
    found: list[Any] = []
    for first, second in (([0, 2], [0, 1]), ([2, 0], [3, 2]), ([1, 1], [1, 4]), ([], [3])):
        sparse = tf.SparseConditionalAccumulator(tf.float32, shape=[5, 2])
        rows = tf.placeholder(tf.int64, [None])
        values = tf.cast(tf.stack([rows + 1, rows * rows], axis=1), tf.float32)
        add, taken = sparse.apply_grad(rows, values, [5, 2]), sparse.take_grad(2)
        with tf.Session() as sess:
            sess.run(add, {rows: first})
            sess.run(add, {rows: second})
            found += sess.run(taken)
    return found


def _fifo(tf: Any, **others: Any) -> Any:
    return tf.FIFOQueue(3, [tf.float32], shapes=[[2]], **others)


def _closed(use: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """What becomes of a use of a queue that is closed."""

    def build(tf: Any) -> Any:
        queue = _fifo(tf)
        close, used = queue.close(), use(queue)

        def run(sess: Any) -> None:
            sess.run(close)
            sess.run(used)

        return run

    return build


def _shared(make: Callable[[Any, str], Any]) -> Callable[[Any], Any]:
    """What becomes of a queue of another kind under a shared name that is taken."""

    def build(tf: Any) -> Any:
        first, second = _fifo(tf, shared_name="x").size(), make(tf, "x").size()

        def run(sess: Any) -> None:
            sess.run(first)
            sess.run(second)

        return run

    return build


family.error("dequeue from a closed queue", _closed(lambda q: q.dequeue()))
family.error("dequeue_many from a closed queue", _closed(lambda q: q.dequeue_many(2)))
family.error("dequeue_up_to from a closed queue", _closed(lambda q: q.dequeue_up_to(2)))
family.error("enqueue to a closed queue", _closed(lambda q: q.enqueue([[1.0, 2.0]])))
family.error("close a closed queue", _closed(lambda q: q.close()))
family.error("shape", lambda tf: _fifo(tf).enqueue([[1.0]]))
family.error(
    "shape when run", lambda tf: _fifo(tf).enqueue([tf.placeholder_with_default([1.0], None)])
)
family.error("dtype", lambda tf: _fifo(tf).enqueue([tf.constant([1, 2])]))
family.error("dictionary", lambda tf: _fifo(tf).enqueue({"a": [1.0, 2.0]}))
family.error("negative", lambda tf: _fifo(tf).dequeue_many(-1))
family.error("scalars", lambda tf: _fifo(tf).enqueue_many([1.0]))
family.error("no shape", lambda tf: tf.FIFOQueue(3, tf.float32).dequeue_many(1))
family.error("unknown shape", lambda tf: tf.FIFOQueue(3, [tf.float32], shapes=[[None]]))
family.error("shapes", lambda tf: tf.FIFOQueue(3, [tf.float32], shapes=[[], []]))
family.error("names", lambda tf: tf.FIFOQueue(3, [tf.float32], names=["a", "b"]))
family.error("nothing to pad", lambda tf: tf.PaddingFIFOQueue(3, [tf.float32], shapes=None))
family.error(
    "another capacity",
    _shared(lambda tf, name: tf.FIFOQueue(4, [tf.float32], shapes=[[2]], shared_name=name)),
)
family.error(
    "another dtype",
    _shared(lambda tf, name: tf.FIFOQueue(3, [tf.int32], shapes=[[2]], shared_name=name)),
)
family.error(
    "another shape",
    _shared(lambda tf, name: tf.FIFOQueue(3, [tf.float32], shapes=[[3]], shared_name=name)),
)
family.error(
    "another kind",
    _shared(lambda tf, name: tf.RandomShuffleQueue(3, 0, tf.float32, [[2]], shared_name=name)),
)
family.error(
    "gradient of another shape",
    lambda tf: tf.ConditionalAccumulator(tf.float32, shape=[2]).apply_grad([1.0]),
)
family.error(
    "gradient of another shape when run",
    lambda tf: tf.ConditionalAccumulator(tf.float32, shape=[2]).apply_grad(
        tf.placeholder_with_default([1.0], None)
    ),
)
family.error(
    "no gradients required", lambda tf: tf.ConditionalAccumulator(tf.float32, []).take_grad(0)
)
family.error("reduction", lambda tf: tf.ConditionalAccumulator(tf.float32, reduction_type="MAX"))
family.error(
    "row out of bounds",
    lambda tf: tf.SparseConditionalAccumulator(tf.float32, [4, 2]).apply_grad([7], [[1.0, 2.0]]),
)
family.error(
    "rows of another shape",
    lambda tf: tf.SparseConditionalAccumulator(tf.float32, [4, 2]).apply_grad([1], [[1.0]]),
)
