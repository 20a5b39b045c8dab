"""The graph as indented text."""

import io

import pytest

import minitf as tf
from minitf import visualize


def printed(*args, **options):
    file = io.StringIO()
    visualize.dprint(*args, file=file, **options)
    return file.getvalue().splitlines()


def test_nodes_stand_below_what_uses_them_and_once():
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    w = tf.Variable(tf.zeros([2, 1]), name="w")
    with tf.control_dependencies([tf.no_op("first")]):
        y = tf.matmul(x, w, name="y")
    z = tf.add(y, y, name="z")
    times = visualize.style.TIMES
    assert printed(z) == [
        f"z: AddV2 -> float32 ?{times}1",
        f"├─ y: MatMul -> float32 ?{times}1",
        f"│  ├─ x: Placeholder -> float32 ?{times}2",
        f"│  ├─ w/read: Identity -> float32 2{times}1",
        f"│  │  └─ w: VariableV2 -> float32 2{times}1",
        "│  └─ ^first: NoOp",
        "└─ y (above)",
    ]


def test_depth_cuts_the_tree():
    x = tf.constant(1.0, name="x")
    for name in "abc":
        x = tf.identity(x, name=name)
    assert printed(x, 1) == [
        "c: Identity -> float32 scalar",
        "└─ b: Identity -> float32 scalar",
        "   └─ ...",
    ]
    assert printed("c", 0) == ["c: Identity -> float32 scalar", "└─ ..."]
    with pytest.raises(ValueError, match="depth is a number of levels"):
        printed(x, -1)


def test_the_users_lines():
    x = tf.constant(1.0, name="x")
    (line,) = printed(x, lines=True)
    assert line.startswith("x: Const 1 -> float32 scalar   # test_tree.py:")
    assert line.rpartition(":")[2].isdigit()


def test_a_second_output_keeps_its_number():
    a, b = tf.split(tf.zeros([4]), 2, name="split")
    assert printed(b, 0)[0].startswith("split:1: Split -> ")
    assert printed(a, 0)[0].startswith("split: Split -> ")


def test_a_deep_graph_goes_on_at_the_left_and_stays_linear():
    x = tf.constant(1.0, name="x")
    for _ in range(20_000):
        x = tf.identity(x)
    lines = printed(x)
    assert max(map(len, lines)) < 150
    nodes = [line for line in lines if "Identity" in line and "below" not in line]
    assert len(nodes) == 20_000 + len([line for line in lines if "goes on below" in line])
    assert lines[-1].endswith("x: Const 1 -> float32 scalar")


def test_a_truth_value_is_shown_as_one():
    assert printed(tf.constant(True, name="x")) == ["x: Const True -> bool scalar"]


def test_what_is_no_part_of_a_graph_is_refused():
    with pytest.raises(TypeError, match="cannot be drawn"):
        printed(3.0)
