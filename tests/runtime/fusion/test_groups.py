"""Which nodes become one, and which must not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minitf as tf
from minitf.runtime.block import Block
from minitf.runtime.passes import rewrite


def nodes(fetches: list[Any], *feeds: Any) -> list[str]:
    """What is left to run, by the names of the kernels."""
    block = Block([getattr(f, "_ref", lambda f=f: f)() for f in fetches], list(feeds))
    rewrite(block, ("simplify", "fold", "merge", "drop", "fuse"))
    return [node.op_def.name for node in block.nodes]


@pytest.fixture
def x() -> Any:
    return tf.placeholder(tf.float32, [20, 40], name="x")


def test_a_chain_becomes_one_node(x: Any) -> None:
    assert nodes([tf.nn.relu(x * 2.0 + 1.0)], x) == ["fused_mul_add_v2_relu"]


def test_a_tree_becomes_one_node(x: Any) -> None:
    y = tf.square(x) - tf.abs(x) * tf.maximum(x, 0.5)
    assert nodes([y], x) == ["fused_square_abs_maximum_and_2_more"]


def test_one_node_stays_alone(x: Any) -> None:
    assert nodes([tf.square(x)], x) == ["Square"]


def test_few_elements_and_unknown_shapes_stay_with_numpy() -> None:
    few, open_ = tf.placeholder(tf.float32, [500]), tf.placeholder(tf.float32, [None, 600])
    assert nodes([tf.square(few) + 1.0], few) == ["Square", "AddV2"]
    assert nodes([tf.square(open_) + 1.0], open_) == ["Square", "AddV2"]


def test_what_was_concluded_from_a_fed_value_is_not_trusted() -> None:
    size = tf.constant([600])
    y = tf.square(tf.fill(size, 2.0)) + 1.0
    assert "Square" in nodes([y], size)


def test_other_dtypes_and_functions_stay_with_numpy(x: Any) -> None:
    half, whole = tf.placeholder(tf.float16, [600]), tf.placeholder(tf.int32, [600])
    assert nodes([half * half + half], half) == ["Mul", "AddV2"]
    assert nodes([whole * whole + whole], whole) == ["Mul", "AddV2"]
    assert nodes([tf.sin(tf.cos(x))], x) == ["Cos", "Sin"]
    double = tf.placeholder(tf.float64, [600])
    assert nodes([tf.exp(tf.tanh(double))], double) == ["Tanh", "Exp"]


def test_what_is_needed_outside_is_an_output_too(x: Any) -> None:
    y = x * 2.0
    block = Block([y + 1.0, y], [x])
    rewrite(block, ("fuse",))
    (node,) = block.nodes
    assert [str(value) for value in node.outputs] == ["mul", "add"]


def test_a_reader_outside_ends_a_group(x: Any) -> None:
    """The transpose needs y before the last node could run."""
    y = tf.square(x) + 1.0
    z = y * tf.transpose(tf.reshape(y, [40, 20]))
    names = nodes([tf.sqrt(z) * 2.0], x)
    assert names == ["fused_square_add_v2", "Reshape", "Transpose", "fused_mul_sqrt_mul"]


def test_a_group_waits_for_what_its_nodes_wait_for(x: Any) -> None:
    v = tf.Variable(1.0)
    update = v.assign_add(1.0)
    with tf.control_dependencies([update]):
        y = tf.square(x) + 1.0
    block = Block([y], [x])
    rewrite(block, ("fuse",))
    (fused,) = [node for node in block.nodes if node.op_def.name == "fused_square_add_v2"]
    assert "AssignAdd" in [node.op_def.name for node in fused.waits]


def test_who_waits_for_a_member_waits_for_the_group(x: Any) -> None:
    y = tf.square(x) + 1.0
    with tf.control_dependencies([y]):
        done = tf.no_op()
    block = Block([done, y], [x])
    rewrite(block, ("fuse",))
    assert block.nodes[-1].waits == [block.nodes[0]]


def test_a_read_does_not_move_past_a_write() -> None:
    v = tf.Variable(np.ones(600, np.float32))
    before = tf.square(v.value())
    with tf.control_dependencies([before, v.assign_add(np.ones(600, np.float32))]):
        after = before + v.value()
    with tf.Session() as sess:
        sess.run(v.initializer)
        assert sess.run(after)[0] == 1.0 + 2.0
    names = nodes([after])
    assert names.index("Square") < names.index("AssignAdd") < names.index("AddV2")


def test_without_a_write_between_them_reads_are_fused() -> None:
    v = tf.Variable(np.ones(600, np.float32))
    y = tf.square(v.value()) + v.value()
    assert nodes([y]) == ["VariableV2", "Identity", "fused_square_add_v2"]


def test_sums_end_a_group() -> None:
    x = tf.placeholder(tf.float32, [100, 80])
    y = tf.square(x)
    assert nodes([tf.reduce_sum(y)], x) == ["fused_square_sum"]
    assert nodes([tf.reduce_mean(y, 0), tf.reduce_sum(y, 0)], x) == ["fused_square_mean_sum"]
    assert nodes([tf.reduce_sum(y, 0), tf.reduce_sum(y, 1)], x) == ["fused_square_sum", "Sum"]
    assert nodes([tf.reduce_max(y)], x) == ["Square", "Max"]


def test_what_needs_a_sum_comes_after_it() -> None:
    x = tf.placeholder(tf.float32, [100, 80])
    y = tf.square(x)
    names = nodes([tf.sqrt(y - tf.reduce_mean(y, 1, keepdims=True))], x)
    assert names == ["fused_square_mean", "fused_sub_sqrt"]


def test_long_chains_are_cut_into_equal_pieces(x: Any) -> None:
    y = x
    for _ in range(500):
        y = tf.tanh(y) * 1.01
    block = Block([y], [x])
    rewrite(block, ("fuse",))
    assert len(block.nodes) > 10
    assert len({node.op_def.kernel_fn.code for node in block.nodes}) == 2  # the last one is shorter


def test_groups_that_meet_become_one(x: Any) -> None:
    left, right = tf.square(x) + 1.0, tf.abs(x) * 3.0
    assert nodes([left - right], x) == ["fused_square_add_v2_abs_and_2_more"]
