"""Timelines: every node of every run, where its data went, and the memory in use."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minitf as tf
from minitf.profiler.timeline import Timeline, parse_label
from tests.engines import MODULES
from tests.parity.harness import engine
from tests.source_tree import ROOT


@pytest.fixture
def runs() -> list[Any]:
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    y = tf.matmul(x, tf.ones([3, 2]), name="y")
    z = tf.cumsum(y, name="z")
    options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
    found = []
    with tf.Session() as sess:
        for _ in range(3):
            metadata = tf.RunMetadata()
            sess.run(z, {x: np.zeros((4, 3))}, options, metadata)
            found.append(metadata.step_stats)
    return found


def events(timeline: Timeline, **kinds: Any) -> list[dict[str, Any]]:
    """The events that have these fields."""
    text = timeline.generate_chrome_trace_format()
    every = json.loads(text)["traceEvents"]
    return [e for e in every if all(e.get(key) == value for key, value in kinds.items())]


def test_nodes_of_all_runs(runs: list[Any]) -> None:
    timeline = Timeline(runs[0])
    for step_stats in runs[1:]:
        timeline.add(step_stats)
    nodes = events(timeline, ph="X")
    assert [e["args"]["name"] for e in nodes] == ["x", "y", "z"] * 3
    assert [e["name"] for e in nodes] == ["Placeholder", "MatMul", "Cumsum"] * 3
    assert nodes[1]["args"]["input0"] == "x"
    assert nodes[1]["args"]["output0 shape"] == "[4, 2]"
    ends = [e["ts"] + e["dur"] for e in nodes]
    assert all(end <= e["ts"] + 1e-3 for end, e in zip(ends, nodes[1:]))


def test_memory_is_always_shown(runs: list[Any]) -> None:
    counters = events(Timeline(runs[0]), ph="C")
    assert [e["args"]["bytes"] for e in counters] == [0, 32, 64]


def test_arrows_follow_the_data(runs: list[Any]) -> None:
    timeline = Timeline(runs[0])
    timeline.add(runs[1])
    starts, ends = events(timeline, ph="s"), events(timeline, ph="t")
    assert [e["id"] for e in starts] == [e["id"] for e in ends] == [0, 1, 2, 3]
    assert all(s["ts"] <= t["ts"] + 1e-3 for s, t in zip(starts, ends))
    without = json.loads(timeline.generate_chrome_trace_format(show_dataflow=False))
    assert not any(e["ph"] in "st" for e in without["traceEvents"])


def test_processes_and_threads_are_named(runs: list[Any]) -> None:
    names = [e["args"]["name"] for e in events(Timeline(runs[0]), ph="M")]
    assert names == ["/job:localhost/replica:0/task:0/device:CPU:0 Compute", "MainThread"]


def test_a_run_added_is_a_copy(runs: list[Any]) -> None:
    timeline = Timeline(runs[0])
    runs[0].Clear()
    assert len(events(timeline, ph="X")) == 3


def test_the_metadata_around_it_is_refused() -> None:
    with pytest.raises(TypeError, match=r"run_metadata\.step_stats"):
        Timeline(tf.RunMetadata())


def test_labels() -> None:
    stats = tf.RunMetadata().step_stats.dev_stats.add().node_stats.add(node_name="a/b")
    assert parse_label(stats) == ("a/b", [], [])
    stats.timeline_label = "a/b = NoOp()"
    assert parse_label(stats) == ("NoOp", [], [])
    stats.timeline_label = "a/b = Fused(x, y:1) for a/b, c"
    assert parse_label(stats) == ("Fused", ["x", "y:1"], ["a/b", "c"])


@pytest.mark.parity
@pytest.mark.skipif(len(MODULES) < 2, reason="TensorFlow is not installed")
def test_tensorflow_reads_it(runs: list[Any]) -> None:
    """TensorFlow's own message and its own timeline take what minitf writes."""
    theirs = engine("tensorflow.compat.v1").RunMetadata()
    x = tf.placeholder(tf.float32, [2], name="a")
    with tf.Session() as sess:
        options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
        sess.run(tf.exp(x, name="b"), {x: [0, 0]}, options, theirs)
    timeline = importlib.import_module("tensorflow.python.client.timeline")
    text = timeline.Timeline(theirs.step_stats).generate_chrome_trace_format(show_memory=True)
    shown = [e["args"]["name"] for e in json.loads(text)["traceEvents"] if e["ph"] == "X"]
    assert shown == ["a", "b"]


def test_a_script_finds_it_where_tensorflow_has_it(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import tensorflow as tf\n"
        "from tensorflow.python.client import timeline\n"
        "x = tf.placeholder(tf.float32, [2])\n"
        "run_options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)\n"
        "run_metadata = tf.RunMetadata()\n"
        "with tf.Session() as sess:\n"
        "    sess.run(tf.exp(x), {x: [1, 2]}, options=run_options, run_metadata=run_metadata)\n"
        "trace = timeline.Timeline(step_stats=run_metadata.step_stats)\n"
        "with open('timeline.json', 'w') as f:\n"
        "    f.write(trace.generate_chrome_trace_format(show_memory=True))\n"
    )
    subprocess.run(
        [sys.executable, "-m", "minitf", "run", str(script)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        check=True,
        timeout=120,
    )
    names = [e["name"] for e in json.loads((tmp_path / "timeline.json").read_text())["traceEvents"]]
    assert "Exp" in names
