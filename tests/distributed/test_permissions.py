"""What graphs of other processes may do on a server: compute, and keep checkpoints."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minitf as tf
from minitf.distributed.permissions import (
    CHECKPOINT_OPS,
    FILE_OPS,
    REFUSED_OPS,
    Permissions,
    is_inside,
)
from minitf.framework import op_def
from tests.distributed.clusters import Cluster


@pytest.fixture(scope="module")
def servers() -> Iterator[Cluster]:
    made = Cluster(ps=2, worker=1)
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def nothing_left(servers: Cluster) -> None:
    tf.Session.reset(servers.target())


def model(servers: Cluster) -> tuple[Any, Any]:
    with tf.device(servers.setter()):
        a = tf.Variable([1.0, 2.0], name="a")
        b = tf.Variable([3.0], name="b")
    return a, b


def test_a_checkpoint_is_sharded_over_the_servers(servers: Cluster, tmp_path: Path) -> None:
    a, b = model(servers)
    saver = tf.train.Saver(sharded=True)
    path = str(tmp_path / "model")
    with tf.Session(servers.target()) as sess:
        sess.run(tf.global_variables_initializer())
        sess.run([a.assign([5.0, 6.0]), b.assign([7.0])])
        saved = saver.save(sess, path, global_step=3)
        sess.run(tf.global_variables_initializer())
        saver.restore(sess, saved)
        assert [v.tolist() for v in sess.run([a, b])] == [[5.0, 6.0], [7.0]]
    assert len(list(tmp_path.glob("model-3.data-*-of-00002"))) == 2


def test_the_chief_saves_what_is_on_the_servers(servers: Cluster, tmp_path: Path) -> None:
    model(servers)
    saver = tf.train.Saver()
    with tf.Session(servers.target()) as sess:
        sess.run(tf.global_variables_initializer())
        saved = saver.save(sess, str(tmp_path / "model"))
    with tf.Graph().as_default():
        alone = [tf.Variable([0.0, 0.0], name="a"), tf.Variable([0.0], name="b")]
        with tf.Session() as sess:
            tf.train.Saver().restore(sess, saved)
            assert [v.tolist() for v in sess.run(alone)] == [[1.0, 2.0], [3.0]]


def test_a_checkpoint_elsewhere_is_refused(servers: Cluster) -> None:
    with tf.device("/job:ps/task:0"):
        tf.Variable([1.0], name="a")
        saver = tf.train.Saver(sharded=True)
    with tf.Session(servers.target()) as sess:
        sess.run(tf.global_variables_initializer())
        with pytest.raises(tf.errors.PermissionDeniedError, match="allow_files"):
            saver.save(sess, "/usr/share/minitf-test/model", write_meta_graph=False)


def test_a_way_out_of_a_folder_is_seen(servers: Cluster, tmp_path: Path) -> None:
    outside = tmp_path / "link"
    outside.symlink_to("/usr/share")
    with tf.device("/job:ps/task:0"):
        v = tf.Variable([1.0], name="a")
        save = tf.train.Saver([v], sharded=True).saver_def.save_tensor_name
    with tf.Session(servers.target()) as sess:
        sess.run(v.initializer)
        up = "/.." * (len(tmp_path.parts) - 1)
        for path in (f"{tmp_path}{up}/usr/x", f"{outside}/x"):
            with pytest.raises(tf.errors.PermissionDeniedError, match="/usr"):
                sess.run(save, {"save/Const:0": path})


def test_a_function_of_another_process_is_not_called(servers: Cluster) -> None:
    with tf.device("/job:ps/task:0"):
        called = tf.py_func(lambda: 1.0, [], tf.float32)
    with tf.device("/job:worker/task:0"):
        own = tf.py_func(lambda: 2.0, [], tf.float64)
    with tf.Session(servers.target()) as sess:
        assert sess.run(own) == 2.0
        with pytest.raises(tf.errors.PermissionDeniedError, match="PyFunc") as raised:
            sess.run(called)
    assert "test_permissions.py" in raised.value.message


def test_an_op_that_minitf_does_not_have_is_refused(servers: Cluster) -> None:
    """A hostile master sends a graph of its own making."""
    worker = servers.servers["worker"][0]
    graph = tf.GraphDef()
    graph.node.add(name="x", op="ExecuteShell")
    header = {
        "session": "stranger",
        "receives": {},
        "sends": [],
        "fetches": ["x:0"],
        "targets": [],
        "route": {},
    }
    data = np.frombuffer(graph.SerializeToString(), np.uint8)
    with pytest.raises(tf.errors.NotFoundError, match="no op of type 'ExecuteShell'"):
        worker.master.peers.call(
            "/job:ps/replica:0/task:0", "RegisterGraph", header, [data], timeout=60.0
        )


@pytest.fixture
def piece() -> tuple[dict[str, Any], Any]:
    """A hostile master's: y = -x for an x that it sends."""
    graph = tf.GraphDef()
    x = graph.node.add(name="x", op="_Recv")
    x.attr["tensor_type"].type = tf.float32.as_datatype_enum
    for name in ("tensor_name", "send_device", "recv_device"):
        x.attr[name].s = b"x"
    x.attr["send_device_incarnation"].i = 1
    y = graph.node.add(name="y", op="Neg", input=["x"])
    y.attr["T"].type = tf.float32.as_datatype_enum
    header = {
        "session": "hostile",
        "receives": {"key": "x:0"},
        "sends": [],
        "fetches": ["y:0"],
        "targets": [],
        "route": {"given": ["key"], "is_last": True},
    }
    return header, np.frombuffer(graph.SerializeToString(), np.uint8)


@pytest.mark.parametrize(
    "dead",
    [
        [],
        [np.array([b"nobody"], object)],
        [np.array([b"\xff"], object)],
        [np.ones(3)],
        [np.ones([])],
    ],
)
def test_what_may_be_dead_has_to_make_sense(servers: Cluster, piece: Any, dead: list[Any]) -> None:
    peers = servers.servers["worker"][0].master.peers
    header, graph = piece
    with pytest.raises(tf.errors.InvalidArgumentError, match="does not make sense"):
        peers.call(
            "/job:ps/replica:0/task:0", "RegisterGraph", header, [graph, *dead], timeout=60.0
        )


@pytest.mark.parametrize("may_be_dead", [True, False])
def test_a_dead_value_that_was_not_announced_is_an_error(
    servers: Cluster, piece: Any, may_be_dead: bool
) -> None:
    call = partial(
        servers.servers["worker"][0].master.peers.call, "/job:ps/replica:0/task:0", timeout=60.0
    )
    header, graph = piece
    names = np.array([b"x", b"y"] if may_be_dead else [], object)
    call("CreateWorkerSession", {"session": "hostile", "threads": 0, "passes": []})
    handle = call("RegisterGraph", header, [graph, names]).header["handle"]
    run = {"session": "hostile", "handle": handle, "step": "1"}
    (alive,) = call("RunGraph", run, [np.array([1.0], np.float32)]).tensors
    assert alive.tolist() == [-1.0]
    expected = "does not have value" if may_be_dead else "Dead"
    with pytest.raises(tf.errors.OpError, match=expected):
        call("RunGraph", {**run, "step": "2", "dead": [0]})
    (alive,) = call("RunGraph", {**run, "step": "3"}, [np.array([2.0], np.float32)]).tensors
    assert alive.tolist() == [-2.0]
    call("DeleteWorkerSession", {"session": "hostile"})


def test_the_owner_allows_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINITF_ALLOW_FILES", f"{tmp_path}/a{os.pathsep}{tmp_path}/b")
    assert Permissions().folders == [f"{tmp_path}/a", f"{tmp_path}/b"]
    assert Permissions([str(tmp_path)]).folders == [str(tmp_path)]
    assert Permissions([]).folders == []


@pytest.mark.parametrize(
    ("path", "folder", "inside"),
    [("/a/b", "/a", True), ("/a", "/a", True), ("/ab", "/a", False), ("/x", "/", True)],
)
def test_inside(path: str, folder: str, inside: bool) -> None:
    assert is_inside(path, folder) is inside


def test_every_op_on_files_is_known() -> None:
    """An op whose inputs name files is guarded: its kernel's module would say so otherwise."""
    known = {*CHECKPOINT_OPS, *FILE_OPS, *REFUSED_OPS}
    suspicious = {
        op.name
        for op in op_def.all_ops()
        if any("filename" in arg.name or "prefix" in arg.name for arg in op.inputs)
    }
    assert suspicious - known <= {"ShardedFilename"}
