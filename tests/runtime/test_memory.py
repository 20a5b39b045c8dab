"""The memory plan: no two arrays in use share a place, and nothing fetched lies in one."""

from __future__ import annotations

import gc
import tracemalloc
import weakref
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minitf as tf
from minitf.framework.op_def import OpDef, unchanged
from minitf.runtime.block import Block
from minitf.runtime.memory import Arenas, Plan

TWICE = OpDef("Twice(x: T) -> (y: T)", "T: type", shape=unchanged)


@TWICE.kernel
def twice_kernel(x: Any, *, out: Any = None) -> Any:
    return np.multiply(x, 2, out=out)


def chain(names: list[str], x: Any) -> dict[str, Any]:
    """`b = 2 a` for each "ab"; shapes are those of `x`."""
    tensors = {"x": x}
    for name in names:
        source, target = name
        tensors[target] = TWICE(tensors[source], name=target)
    return tensors


def places(plan: Plan, block: Block) -> dict[str, Any]:
    return {
        str(value): plan.places[plan.number[id(value)]]
        for node in block.nodes
        for value in node.outputs
        if id(value) in plan.number
    }


def overlap(one: Any, other: Any) -> bool:
    return bool(one.offset < other.offset + other.nbytes and other.offset < one.offset + one.nbytes)


def test_arrays_in_use_together_lie_apart_and_others_share() -> None:
    x = tf.placeholder(tf.float32, [1 << 14])
    t = chain(["xa", "ab", "bc", "cd", "de"], x)
    block = Block([t["e"]], [x])
    plan = Plan(block)
    where = places(plan, block)
    assert set(where) == {"a", "b", "c", "d"}  # e is the caller's
    assert not overlap(where["a"], where["b"])
    assert where["a"].offset == where["c"].offset
    assert plan.size == 2 << 16


def test_a_view_keeps_what_it_looks_at() -> None:
    x = tf.placeholder(tf.float32, [1 << 14])
    a = TWICE(x, name="a")
    view = tf.reshape(tf.reshape(a, [1 << 7, 1 << 7]), [-1, 1])
    b = TWICE(x, name="b")
    last = TWICE(view, name="last")
    block = Block([tf.reduce_sum(b), tf.reduce_sum(last)], [x])
    where = places(Plan(block), block)
    assert not overlap(where["a"], where["b"])
    # A view that is fetched keeps it for good.
    assert set(places(Plan(Block([view], [x])), block)) == set()


def test_what_a_stateful_kernel_may_keep_is_not_planned() -> None:
    x = tf.placeholder(tf.float32, [1 << 14])
    kept: list[Any] = []
    a = TWICE(x, name="a")
    told = tf.py_func(lambda value: kept.append(value) or np.float32(0), [a], tf.float32)
    block = Block([told], [x])
    assert not Plan(block).places


def test_small_arrays_and_unknown_shapes_are_left_to_the_allocator() -> None:
    x, y = tf.placeholder(tf.float32, [100]), tf.placeholder(tf.float32, [None])
    block = Block([tf.square(TWICE(x)), tf.square(TWICE(y))], [x, y])
    assert not Plan(block).places


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_plan_lets_one_array_overwrite_another(data: st.DataObject) -> None:
    """Random graphs of `Twice` and views, run twice through a session, against numpy."""
    with tf.Graph().as_default(), tf.Session() as sess:
        x = tf.placeholder(tf.float32, [None])
        tensors, powers = [x], [0]
        for _ in range(data.draw(st.integers(1, 12))):
            i = data.draw(st.integers(0, len(tensors) - 1))
            if data.draw(st.booleans()):
                tensors.append(TWICE(tensors[i]))
                powers.append(powers[i] + 1)
            else:
                tensors.append(tf.reshape(tensors[i], data.draw(st.sampled_from([[-1], [2, -1]]))))
                powers.append(powers[i])
        picks = data.draw(st.lists(st.integers(0, len(tensors) - 1), min_size=1, max_size=4))
        value = np.arange(1 << 13, dtype=np.float32)
        results = []
        for _ in range(3):
            results.append(sess.run([tensors[i] for i in picks], {x: value}))
        for result in results:
            for i, got in zip(picks, result, strict=True):
                np.testing.assert_array_equal(got.reshape(-1), value * 2.0 ** powers[i])


def test_a_steady_run_allocates_nothing_large() -> None:
    x = tf.placeholder(tf.float32, [None])
    y = x
    for _ in range(10):
        y = TWICE(y)
    small = y[:1]
    value = np.ones(1 << 18, np.float32)
    with tf.Session() as sess:
        for _ in range(3):
            sess.run(small, {x: value})
        tracemalloc.start()
        sess.run(small, {x: value})
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 1 << 16


def test_arenas_are_leased_to_one_at_a_time_and_used_again() -> None:
    arenas = Arenas()
    one, other = arenas.lease(1000), arenas.lease(1000)
    assert not np.may_share_memory(one.memory, other.memory)
    assert one.memory.ctypes.data % 64 == 0
    arenas.give_back(one)
    assert arenas.lease(500) is one
    arenas.give_back(other)
    assert len(arenas.lease(5000).memory) >= 5000


def test_the_largest_free_arena_is_leased_and_a_closed_session_keeps_none() -> None:
    arenas = Arenas()
    large, small = arenas.lease(9000), arenas.lease(100)
    arenas.give_back(large)
    arenas.give_back(small)
    assert arenas.lease(8000) is large
    arenas.close()
    arenas.give_back(large)
    assert arenas.lease(10) is not large


def test_an_arena_that_is_let_go_of_is_gone() -> None:
    """Programs for growing batches do not keep the memory of the smaller ones."""
    x = tf.placeholder(tf.float32, [None])
    y = TWICE(TWICE(x))[:1]
    with tf.Session() as sess:
        arenas = []
        for size in (1 << 13, 1 << 15, 1 << 17):
            for _ in range(3):
                sess.run(y, {x: np.ones(size, np.float32)})
            arenas.append(weakref.ref(sess._arenas._free[0].memory))
        gc.collect()
        assert [ref() is None for ref in arenas] == [True, True, False]


def test_what_a_stateful_kernel_kept_is_not_the_callers() -> None:
    x = tf.placeholder(tf.float32, [1 << 14])
    y, kept = TWICE(x), []
    told = tf.py_func(lambda value: kept.append(value) or np.float32(0), [y], tf.float32)
    with tf.Session() as sess:
        for _ in range(3):
            _, result = sess.run([told, y], {x: np.ones(1 << 14)})
            result[:] = 0
        assert all((value == 2).all() for value in kept)


def test_a_failing_run_gives_its_arena_back() -> None:
    x = tf.placeholder(tf.float32, [None])
    y = tf.check_numerics(TWICE(TWICE(x)), "bad")[:1]
    value = np.ones(1 << 14, np.float32)
    with tf.Session() as sess:
        for _ in range(3):
            sess.run(y, {x: value})
        assert len(sess._arenas._free) == 1
        for _ in range(3):
            with pytest.raises(tf.errors.InvalidArgumentError):
                sess.run(y, {x: value * np.inf})
        assert len(sess._arenas._free) == 1
