"""`tf.profiler.advise` and `tf.profiler.write_op_log`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minitf as tf
from tests.engines import MODULES
from tests.parity.harness import engine

CHECKERS = {
    "ExpensiveOperationChecker",
    "AcceleratorUtilizationChecker",
    "JobChecker",
    "OperationChecker",
}


def model(tf: Any) -> tuple[Any, Any]:
    x = tf.placeholder(tf.float32, [8, 300], name="x")
    w = tf.get_variable("w", [300, 300])
    return x, tf.matmul(x, w, name="product")


def traced(tf: Any) -> Any:
    """The `RunMetadata` of a run of the model."""
    x, y = model(tf)
    metadata = tf.RunMetadata()
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
        sess.run(y, {x: np.ones([8, 300])}, options, metadata)
    return metadata


def op_log(tf: Any, folder: Path, **options: Any) -> Any:
    tf.profiler.write_op_log(tf.get_default_graph(), str(folder), **options)
    return tf.profiler.OpLogProto.FromString((folder / "tfprof_log").read_bytes())


def test_what_is_expensive_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    advice = tf.profiler.advise(run_meta=traced(tf))
    assert set(advice.checkers) == CHECKERS
    types, node, line = advice.checkers["ExpensiveOperationChecker"].reports
    assert types.startswith("top 1 operation type: ") and types.count("\n") >= 1
    assert "MatMul, cpu: " in types and "%)" in types
    assert node.startswith("top 1 graph node: ")
    assert line.startswith("top 1 line: test_advice.py:")
    printed = capsys.readouterr().out
    assert "ExpensiveOperationChecker:\ntop 1 operation type: " in printed


def test_without_a_trace_nothing_is_known_of_times() -> None:
    model(tf)
    advice = tf.profiler.advise(options=tf.profiler.ALL_ADVICE)
    assert set(advice.checkers) == CHECKERS
    assert not any(checker.reports for checker in advice.checkers.values())


def test_only_the_checkers_asked_for_are_run() -> None:
    assert set(tf.profiler.advise(options={"OperationChecker": {}}).checkers) == {
        "OperationChecker"
    }
    with pytest.raises(ValueError, match=r"There is no checker \['Nope'\]; there are"):
        tf.profiler.advise(options={"Nope": {}})


def test_a_log_has_counts_variables_and_lines(tmp_path: Path) -> None:
    model(tf)
    log = op_log(tf, tmp_path / "new" / "folder")
    entries = {entry.name: entry for entry in log.log_entries}
    assert set(entries) == {op.name for op in tf.get_default_graph().get_operations()}
    assert entries["product"].float_ops == 2 * 8 * 300 * 300
    assert list(entries["w"].types) == ["_trainable_variables"]
    place = entries["product"].code_def.traces[-1]
    assert log.id_to_string[place.file_id] == __file__
    assert log.id_to_string[place.function_id] == "model"
    assert "tf.matmul(x, w" in log.id_to_string[place.line_id]


def test_a_log_of_the_callers_own_is_kept(tmp_path: Path) -> None:
    model(tf)
    mine = tf.profiler.OpLogProto()
    mine.log_entries.add(name="product", float_ops=7, types=["mine"])
    log = op_log(tf, tmp_path, op_log=mine, add_trace=False)
    entries = {entry.name: entry for entry in log.log_entries}
    assert entries["product"].float_ops == 7 and list(entries["product"].types) == ["mine"]
    assert not entries["product"].code_def.traces and "x" not in entries


@pytest.mark.parity
@pytest.mark.skipif(len(MODULES) < 2, reason="TensorFlow is not installed")
def test_tensorflow_writes_and_reads_the_same(tmp_path: Path) -> None:
    theirs = engine("tensorflow.compat.v1")
    model(tf)
    mine = op_log(tf, tmp_path / "minitf", add_trace=False)
    with theirs.Graph().as_default():
        metadata = traced(theirs)
        (tmp_path / "tensorflow").mkdir()
        other = op_log(theirs, tmp_path / "tensorflow", add_trace=False)
        advice = theirs.profiler.advise(run_meta=metadata, options={"OperationChecker": {}})
    read = theirs.profiler.OpLogProto.FromString(mine.SerializeToString())

    def said(log: Any) -> dict[str, Any]:
        return {entry.name: (entry.float_ops, list(entry.types)) for entry in log.log_entries}

    assert said(read)["product"] == said(other)["product"]
    assert said(read)["w"] == said(other)["w"]
    assert tf.profiler.AdviceProto.FromString(advice.SerializeToString()).checkers.keys() == {
        "OperationChecker"
    }
