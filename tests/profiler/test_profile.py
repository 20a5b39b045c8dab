"""tf.profiler: what nodes cost, in both engines where the cost does not depend on the machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minitf
from minitf.profiler.nodes import Cost, by_scope
from tests.engines import ENGINES
from tests.parity.harness import engine


@pytest.fixture(params=ENGINES)
def tf(request: pytest.FixtureRequest) -> Any:
    return engine(request.param)


def quiet(tf: Any, options: dict[str, Any]) -> Any:
    return tf.profiler.ProfileOptionBuilder(options).with_empty_output().build()


def leaves(entry: Any, measure: str) -> dict[str, int]:
    """What each node has of a measure, if it has any."""
    found: dict[str, int] = {}
    stack = [entry]
    while stack:
        current = stack.pop()
        if getattr(current, measure):
            found[current.name] = int(getattr(current, measure))
        stack.extend(current.children)
    return found


def metadata_of(tf: Any, fetches: Any, feed: Any) -> Any:
    metadata = tf.RunMetadata()
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
        sess.run(fetches, feed, options=options, run_metadata=metadata)
    return metadata


def build_convolutions(tf: Any) -> None:
    """Convolutions and pools; SAME, since TensorFlow counts too much for gradients of VALID."""
    x, f = tf.zeros([8, 28, 28, 3], name="x"), tf.zeros([5, 5, 3, 4], name="f")
    c = tf.nn.conv2d(x, f, [1, 2, 2, 1], "SAME", name="c")
    b = tf.nn.bias_add(c, tf.zeros([4]), name="b")
    p = tf.nn.max_pool(b, [1, 2, 2, 1], [1, 2, 2, 1], "SAME", name="p")
    q = tf.nn.avg_pool(b, [1, 3, 3, 1], [1, 2, 2, 1], "SAME", name="q")
    total = tf.reduce_sum(c, name="s") + tf.reduce_sum(p, name="s2") + tf.reduce_sum(q, name="s3")
    tf.gradients(total, [x, f], name="g")
    tf.nn.depthwise_conv2d(x, tf.zeros([3, 3, 3, 2]), [1, 1, 1, 1], "SAME", name="d")


def build_maths(tf: Any) -> None:
    a = tf.zeros([3, 4])
    tf.matmul(a, tf.zeros([5, 4]), transpose_b=True, name="m")
    tf.matmul(a, tf.zeros([3, 5]), transpose_a=True, name="m2")
    tf.matmul(tf.zeros([2, 3, 4]), tf.zeros([2, 4, 5]), name="bm")
    tf.nn.softmax(a, name="sm")
    tf.nn.l2_loss(a, name="l2")
    tf.argmax(a, 1, name="am")
    tf.reduce_mean(a, 1, name="me")
    tf.reduce_mean(a, name="me0")
    tf.add_n([a, a, a], name="an")
    for name in (
        *("subtract", "multiply", "divide", "maximum", "minimum", "pow", "squared_difference"),
        *("greater", "greater_equal", "less", "less_equal", "equal", "not_equal", "add"),
    ):
        getattr(tf, name)(a, tf.zeros([1, 4]), name=f"two/{name}")
    for name in ("square", "negative", "log", "reciprocal", "rsqrt", "sqrt", "exp", "tanh", "abs"):
        getattr(tf.math, name)(a, name=f"one/{name}")
    variable = tf.Variable(tf.zeros([3, 4]), name="v")
    tf.assign_add(variable, a, name="aa")
    tf.assign_sub(variable, a, name="as")


# What TensorFlow 2.21 counts, recorded.
CONVOLUTIONS = {
    "add": 1,
    "add_1": 1,
    "b": 6272,
    "c": 940800,
    "d": 677376,
    "g/AddN": 6272,
    "g/AddN_1": 6272,
    "g/c_grad/Conv2DBackpropFilter": 940800,
    "g/c_grad/Conv2DBackpropInput": 940800,
    "g/p_grad/MaxPoolGrad": 7840,
    "g/q_grad/AvgPoolGrad": 28224,
    "p": 6272,
    "q": 14112,
    "s": 6271,
    "s2": 1567,
    "s3": 1567,
}
MATHS = {
    "m": 120,
    "m2": 120,
    "bm": 240,
    "sm": 60,
    "l2": 35,
    "am": 9,
    "me": 12,
    "me0": 12,
    "an": 24,
    "aa": 12,
    "as": 12,
    "two/squared_difference": 24,
    "one/rsqrt": 24,
}


@pytest.mark.parametrize(
    ("build", "expected"), [(build_convolutions, CONVOLUTIONS), (build_maths, MATHS)]
)
def test_float_operations(tf: Any, build: Any, expected: dict[str, int]) -> None:
    with tf.Graph().as_default() as graph:
        build(tf)
        options = quiet(tf, tf.profiler.ProfileOptionBuilder.float_operation())
        root = tf.profiler.profile(graph, options=options)
    found = leaves(root, "float_ops")
    # TensorFlow also builds the gradient of a bias that nobody asked for.
    found.pop("g/b_grad/BiasAddGrad", None)
    elementwise = {name for name in found if name.startswith(("one/", "two/"))} - set(expected)
    assert all(found.pop(name) == 12 for name in elementwise)
    assert found == expected
    assert build is not build_maths or elementwise == {
        *(f"two/{n}" for n in ("subtract", "multiply", "divide", "maximum", "minimum", "pow")),
        *(f"two/{n}" for n in ("greater", "greater_equal", "less", "less_equal")),
        *(f"two/{n}" for n in ("equal", "not_equal", "add")),
        *(f"one/{n}" for n in ("square", "negative", "log", "reciprocal")),
    }


def test_parameters(tf: Any) -> None:
    with tf.Graph().as_default() as graph:
        with tf.variable_scope("a"):
            tf.get_variable("w", [3, 4])
            tf.get_variable("fixed", [7], trainable=False)
        tf.get_variable("b", [4])
        options = quiet(tf, tf.profiler.ProfileOptionBuilder.trainable_variables_parameter())
        root = tf.profiler.profile(graph, options=options)
    assert root.total_parameters == 16
    assert leaves(root, "parameters") == {"a/w": 12, "b": 4}


def test_options_are_tensorflows(tf: Any) -> None:
    theirs, ours = tf.profiler.ProfileOptionBuilder, minitf.profiler.ProfileOptionBuilder
    assert ours().build() == theirs().build()
    for preset in ("time_and_memory", "float_operation", "trainable_variables_parameter"):
        mine, other = getattr(ours, preset)(), getattr(theirs, preset)()
        assert {key: mine[key] for key in other} == other


def test_time_and_memory_by_op_type(tf: Any) -> None:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 64], name="x")
        w = tf.get_variable("w", [64, 64])
        y = tf.matmul(tf.matmul(x, w, name="a"), w, name="b")
        metadata = metadata_of(tf, y, {x: np.ones((64, 64))})
        options = quiet(tf, tf.profiler.ProfileOptionBuilder.time_and_memory(min_micros=0))
        root = tf.profiler.profile(graph, run_meta=metadata, cmd="op", options=options)
    entry = root
    while entry.name != "MatMul":
        entry = entry.children[0]
    assert entry.exec_micros > 0
    assert entry.requested_bytes == 2 * 64 * 64 * 4


# ---- the table


def table(capsys: Any, text: Any) -> list[str]:
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def run() -> Any:
    x = minitf.placeholder(minitf.float32, [None, 3], name="in/x")
    with minitf.name_scope("out"):
        y = minitf.matmul(x, minitf.ones([3, 4]), name="y")
    metadata = metadata_of(minitf, y, {x: np.zeros((2, 3))})
    for stats in metadata.step_stats.dev_stats[0].node_stats:
        stats.op_end_rel_nanos = 2_500_000 if stats.node_name == "out/y" else 0
    return metadata


def test_the_table_of_scopes(run: Any, capsys: Any) -> None:
    options = minitf.profiler.ProfileOptionBuilder.time_and_memory()
    minitf.profiler.profile(run_meta=run, options=options)
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "scope calls time % memory",
        "out 1 2.50 ms 100.0 32 B",
        "y 1 2.50 ms 100.0 32 B",
        "in 1 0 us 0.0 24 B",
        "x 1 0 us 0.0 24 B",
        "total 2 2.50 ms 100.0 56 B",
    ]


def test_depth_and_names_choose_lines(run: Any, capsys: Any) -> None:
    builder = minitf.profiler.ProfileOptionBuilder
    options = builder(builder.time_and_memory()).with_max_depth(1).build()
    minitf.profiler.profile(run_meta=run, options=options)
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        *("scope", "out", "in", "total")
    ]
    options = builder(options).with_node_names(hide_name_regexes=["in/.*"]).build()
    root = minitf.profiler.profile(run_meta=run, options=options)
    assert [child.name for child in root.children] == ["out"]
    assert root.total_requested_bytes == 32


def test_the_table_of_lines_names_the_users_lines(run: Any, capsys: Any) -> None:
    options = minitf.profiler.ProfileOptionBuilder.time_and_memory()
    minitf.profiler.profile(run_meta=run, cmd="code", options=options)
    assert 'y = minitf.matmul(x, minitf.ones([3, 4]), name="y")' in capsys.readouterr().out


def test_the_table_goes_to_a_file(run: Any, tmp_path: Path, capsys: Any) -> None:
    builder = minitf.profiler.ProfileOptionBuilder
    path = tmp_path / "profile.txt"
    options = builder(builder.time_and_memory()).with_file_output(str(path)).build()
    minitf.profiler.profile(run_meta=run, cmd="op", options=options)
    assert path.read_text().splitlines()[-1].startswith("total")
    path = tmp_path / "timeline.json"
    options = builder(builder.time_and_memory()).with_timeline_output(str(path)).build()
    minitf.profiler.profile(run_meta=run, options=options)
    assert '"traceEvents"' in path.read_text()
    assert capsys.readouterr().out == ""


def test_several_steps_are_averaged(run: Any, capsys: Any) -> None:
    profiler = minitf.profiler.Profiler()
    profiler.add_step(0, run)
    for stats in run.step_stats.dev_stats[0].node_stats:
        stats.op_end_rel_nanos *= 3
    profiler.add_step(10, run)
    options = quiet(minitf, minitf.profiler.ProfileOptionBuilder.time_and_memory())
    assert profiler.profile_name_scope(options).total_exec_micros == 5000
    assert profiler.profile_operations(options | {"step": 10}).total_exec_micros == 7500
    with pytest.raises(ValueError, match=r"no step 5; there are \[0, 10\]"):
        profiler.profile_operations(options | {"step": 5})


def test_what_is_asked_wrongly_is_refused(run: Any) -> None:
    profile = minitf.profiler.profile
    with pytest.raises(ValueError, match="cmd must be one of"):
        profile(run_meta=run, cmd="ops")
    with pytest.raises(ValueError, match="has no 'speed'"):
        profile(run_meta=run, options={"order_by": "speed"})
    with pytest.raises(ValueError, match="cannot be written to 'paper'"):
        profile(run_meta=run, options={"output": "paper"})
    with pytest.raises(AttributeError, match="total_float_ops"):
        _ = profile(run_meta=run, options={"output": "none"}).total_flops


def test_totals_are_of_a_node_and_all_below_it() -> None:
    costs = [Cost("a", "X", exec_micros=1), Cost("a/b/c", "Y", exec_micros=2), Cost("d", "Z")]
    root = by_scope(costs)
    totals = {entry.name: entry.total_exec_micros for entry, _ in root.walk()}
    assert totals == {"_TFProfRoot": 3, "a": 3, "a/b": 2, "a/b/c": 2, "d": 0}
