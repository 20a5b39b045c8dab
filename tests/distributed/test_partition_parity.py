"""Graphs are cut where TensorFlow cuts them: the same tensors go from task to task.

One difference is meant, and not among the cases: TensorFlow sends constants, minitf repeats them.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

import minitf
from tests.distributed.clusters import free_addresses
from tests.distributed.processes import PATIENCE
from tests.engines import MODULES

pytestmark = [
    pytest.mark.parity,
    pytest.mark.skipif(len(MODULES) < 2, reason="TensorFlow is not installed"),
]

Edges = set[tuple[str, str, str]]


def build(tf: Any, name: str) -> tuple[Any, Any]:
    """A graph on two servers and a worker: what to fetch, and what to feed."""
    x = tf.placeholder(tf.float32, [2, 3], name="x")
    with tf.device(tf.train.replica_device_setter(ps_tasks=2, worker_device="/job:worker/task:0")):
        w = tf.Variable(tf.ones([3, 4]), name="w")
        b = tf.Variable(tf.zeros([4]), name="b")
        if name == "a layer":
            return tf.nn.relu(tf.matmul(x, w) + b, name="y"), x
        if name == "one value for many":
            read = tf.identity(w, name="mine")
            return tf.add_n([read * 2.0, read + 1.0, tf.square(read)], name="y"), x
        if name == "rows of a table":
            rows = tf.nn.embedding_lookup(w, tf.cast(x[0], tf.int32, name="ids"))
            return tf.reduce_sum(rows, name="y"), x
        with tf.device("/job:ps/task:0"):
            there = tf.reduce_sum(w, name="there")
        with tf.device("/job:ps/task:1"):
            back = tf.negative(there, name="back")
        return tf.add(back, tf.reduce_sum(b), name="y"), x


NAMES = ["a layer", "one value for many", "rows of a table", "to and fro"]


def edges_of(tf: Any, name: str) -> Edges:
    """What goes from task to task in a run: the tensor, from where and to where."""
    addresses = free_addresses(3)
    spec = tf.train.ClusterSpec({"ps": addresses[:2], "worker": addresses[2:]})
    servers = [tf.train.Server(spec, job, i) for job, i in (("ps", 0), ("ps", 1), ("worker", 0))]
    with tf.Graph().as_default():
        fetch, x = build(tf, name)
        with tf.Session(servers[-1].target) as sess:
            sess.run(tf.global_variables_initializer())
            if tf is minitf:
                graphs = [g.as_graph_def() for g in sess.pieces(fetch, [x]).values()]
            else:
                graphs = theirs(tf, sess, fetch, x)
    if tf is minitf:
        for server in servers:
            server.stop()
    return {
        (
            node.attr["tensor_name"].s.decode().partition("_")[2].partition("_")[2],
            node.attr["send_device"].s.decode(),
            node.attr["recv_device"].s.decode(),
        )
        for graph in graphs
        for node in graph.node
        if node.op == "_Send"
        and not node.attr["client_terminated"].b
        # What minitf's stages of one task hand on to each other does not travel.
        and node.attr["send_device"].s != node.attr["recv_device"].s
    }


def theirs(tf: Any, sess: Any, fetch: Any, x: Any) -> list[Any]:
    metadata = tf.RunMetadata()
    options = tf.RunOptions(output_partition_graphs=True)
    feed = {x: [[0.0] * 3] * 2}
    sess.run(fetch, feed, options=options, run_metadata=metadata)
    return list(metadata.partition_graphs)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_tensors_travel(name: str) -> None:
    """TensorFlow's servers cannot be stopped: they are in a process of their own."""
    ours = edges_of(minitf, name)
    assert ours
    program = (
        "import os, tests.distributed.test_partition_parity as here\n"
        "from tests.engines import MODULES\n"
        "import tensorflow.compat.v1 as tf\n"
        "tf.disable_v2_behavior(); tf.disable_resource_variables()\n"
        f"print(sorted(here.edges_of(tf, {name!r})), flush=True)\n"
        "os._exit(0)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    assert run.stdout.splitlines()[-1] == str(sorted(ours))
