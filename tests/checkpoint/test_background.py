"""Saves that go on in the background: the values of the moment, written while training goes on."""

from __future__ import annotations

import gc
import logging
import os
import signal
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minitf as tf
from minitf.checkpoint import background, commit, direct, files

SIZE = 50_000
DEADLINE = 240.0


class Gate:
    """What values wait at before they are written; or only those that come first."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, name: str = "write_at", only_first: bool = False
    ) -> None:
        self.reached, self._open = threading.Event(), threading.Event()
        module: Any = direct if name == "write_at" else files
        operation = getattr(module, name)

        def gated(*arguments: Any) -> Any:
            if not (only_first and self.reached.is_set()):
                self.reached.set()
                assert self._open.wait(DEADLINE)
            return operation(*arguments)

        monkeypatch.setattr(module, name, gated)

    def open(self, after: float = 0.0) -> None:
        timer = threading.Timer(after, self._open.set)
        timer.daemon = True
        timer.start()


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    yield
    background.wait_for_all()


def model(**options: Any) -> tuple[Any, Any, Any]:
    """A variable, a step that adds one to all of it, and a saver."""
    v = tf.Variable(tf.zeros([SIZE]), name="v")
    return v, v.assign_add(tf.ones([SIZE])), tf.train.Saver(background=True, **options)


def saved(prefix: Any) -> float:
    """The one number that a checkpoint is full of."""
    (number,) = np.unique(tf.train.load_variable(str(prefix), "v"))
    return float(number)


# ---- what is written


def test_training_goes_on_and_the_values_are_those_of_the_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    v, add, saver = model()
    gate = Gate(monkeypatch)
    with tf.Session() as sess:
        sess.run(v.initializer)
        sess.run(add)
        path = saver.save(sess, str(tmp_path / "m"), 1)
        for _ in range(3):
            sess.run(add.op)
        assert gate.reached.wait(DEADLINE)
        assert saver.is_saving() and not os.path.exists(path + ".index")
        gate.open()
        saver.wait()
        assert not saver.is_saving()
        assert sess.run(v)[0] == 4.0
        assert saved(path) == 1.0
        saver.restore(sess, path)
        assert sess.run(v)[0] == 1.0


@pytest.mark.parametrize("sharded", [False, True])
def test_the_bytes_are_those_of_any_save(sharded: bool, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    with tf.device("/cpu:0" if sharded else None):
        tf.Variable(random.standard_normal((300, 301)), name="a", dtype=tf.float64)
        tf.Variable(True, name="b")
        tf.Variable(["text", "", "x" * 70_000], name="c")
    tf.Variable(random.standard_normal((7, 0)), name="d", dtype=tf.float32)
    tf.Variable(7, name="e")
    tf.Variable(random.standard_normal(99_999), name="f", dtype=tf.float32)
    tf.Variable(random.standard_normal(5) * 1j, name="g", dtype=tf.complex64)
    usual = tf.train.Saver(sharded=sharded)
    behind = tf.train.Saver(sharded=sharded, background=True, saver_def=usual.as_saver_def())
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for saver, name in ((usual, "usual"), (behind, "behind"), (behind, "behind")):
            (tmp_path / name).mkdir(exist_ok=True)
            saver.save(sess, str(tmp_path / name / "m"))
            saver.wait()
    names = sorted(os.listdir(tmp_path / "usual"))
    assert len(names) == (5 if sharded else 4)
    assert sorted(os.listdir(tmp_path / "behind")) == names
    for name in set(names) - {"checkpoint"}:
        there = (tmp_path / "behind" / name).read_bytes()
        assert there == (tmp_path / "usual" / name).read_bytes(), name


def test_the_graph_beside_the_values_is_that_of_the_moment(tmp_path: Path) -> None:
    v, _, saver = model()
    with tf.Session() as sess:
        sess.run(v.initializer)
        counts = []
        for change in range(4):
            if change == 1:
                tf.constant(1.0, name="new")
            if change == 2:
                tf.add_to_collection("mine", v)
            meta = saver.save(sess, str(tmp_path / "m"), change) + ".meta"
            saver.wait()
            with tf.Graph().as_default() as graph:
                tf.train.import_meta_graph(meta)
                counts.append((len(graph.get_operations()), len(graph.get_collection("mine"))))
    nodes = counts[0][0]
    assert counts == [(nodes, 0), (nodes + 1, 0), (nodes + 1, 1), (nodes + 1, 1)]


def test_more_than_the_memory_may_hold_is_written_before_save_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    v, _, saver = model(background_memory=4 * SIZE - 1)
    with tf.Session() as sess, caplog.at_level(logging.WARNING, "tensorflow"):
        sess.run(v.initializer)
        monkeypatch.setattr(background, "Writing", None)
        path = saver.save(sess, str(tmp_path / "m"))
        assert os.path.exists(path + ".index") and os.path.exists(path + ".meta")
        saver.save(sess, str(tmp_path / "m"))
    assert caplog.text.count("is not saved in the background") == 1


def test_a_script_that_knows_nothing_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINITF_SAVE", "background")
    gate = Gate(monkeypatch)
    v = tf.Variable(1.0, name="v")
    saver = tf.train.Saver()
    with tf.Session() as sess:
        sess.run(v.initializer)
        path = saver.save(sess, str(tmp_path / "m"))
        assert saver.is_saving()
        gate.open()
    assert os.path.exists(path + ".index")  # since the session is closed


# ---- who waits


@pytest.mark.parametrize(
    "look",
    [
        tf.train.latest_checkpoint,
        lambda folder: tf.gfile.Glob(f"{folder}/*.index")[0].removesuffix(".index"),
        lambda folder: tf.train.get_checkpoint_state(folder).model_checkpoint_path,
        lambda folder: tf.train.checkpoint_exists(folder / "m-1") and str(folder / "m-1"),
        lambda folder: tf.train.get_checkpoint_mtimes([f"{folder}/m-1"]) and str(folder / "m-1"),
        lambda folder: tf.train.list_variables(str(folder / "m-1")) and str(folder / "m-1"),
        lambda folder: tf.train.import_meta_graph(folder / "m-1.meta") and str(folder / "m-1"),
    ],
)
def test_who_looks_for_checkpoints_finds_it(
    look: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    v, _, saver = model()
    gate = Gate(monkeypatch)
    with tf.Session() as sess:
        sess.run(v.initializer)
        path = saver.save(sess, str(tmp_path / "m"), 1)
        assert gate.reached.wait(DEADLINE)
        gate.open(after=0.1)
        assert look(tmp_path) == path
        assert saver.last_checkpoints == [path]


def test_the_next_save_and_another_saver_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    v, add, saver = model(max_to_keep=1)
    other = tf.train.Saver()
    gate = Gate(monkeypatch)
    with tf.Session() as sess:
        sess.run(v.initializer)
        saver.save(sess, str(tmp_path / "m"), 1)
        gate.open(after=0.1)
        sess.run(add.op)
        path = saver.save(sess, str(tmp_path / "m"), 2)
        sess.run(add.op)
        with tf.Session() as second:
            other.restore(second, str(tmp_path / "m-2"))
            assert second.run(v)[0] == 1.0
        assert saver.last_checkpoints == [path]
    assert sorted(each.name for each in tmp_path.glob("*.index")) == ["m-2.index"]


def test_threads_that_save_under_one_name(tmp_path: Path) -> None:
    v, _, saver = model()
    savers = [saver, tf.train.Saver(background=True), tf.train.Saver()]
    problems: list[BaseException] = []
    with tf.Session() as sess:
        sess.run(v.initializer)

        def work(own: Any) -> None:
            try:
                for _ in range(4):
                    own.save(sess, str(tmp_path / "m"))
                own.wait()
                with tf.Session(graph=sess.graph) as other:
                    own.restore(other, str(tmp_path / "m"))
            except BaseException as error:
                problems.append(error)

        threads = [threading.Thread(target=work, args=(own,), daemon=True) for own in savers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(DEADLINE)
            assert not thread.is_alive()
    assert not problems, problems
    assert len(os.listdir(tmp_path)) == 4


@pytest.mark.parametrize("name", ["m", "n"])
@pytest.mark.parametrize("later_too", [False, True])
def test_the_last_to_be_saved_is_the_latest(
    name: str, later_too: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    v, add, saver = model()
    other = tf.train.Saver(background=later_too)
    gate = Gate(monkeypatch, only_first=True)
    with tf.Session() as sess:
        sess.run(v.initializer)
        saver.save(sess, str(tmp_path / name), 1 if name == "n" else None)
        assert gate.reached.wait(DEADLINE)
        sess.run(add.op)
        gate.open(after=0.2)
        last = other.save(sess, str(tmp_path / name), 2 if name == "n" else None)
    assert saved(last) == 1.0
    assert tf.train.latest_checkpoint(tmp_path) == last


def test_threads_that_share_a_saver(tmp_path: Path) -> None:
    v, add, saver = model(max_to_keep=0)
    problems: list[BaseException] = []
    begin = threading.Barrier(3)
    with tf.Session() as sess:
        sess.run(v.initializer)

        def work(name: str) -> None:
            try:
                for step in range(6):
                    begin.wait(DEADLINE)
                    path = saver.save(sess, str(tmp_path / name), step)
                    saver.wait()
                    sess.run(add.op)
                    tf.train.load_variable(path, "v")  # which reads its checksum
            except BaseException as error:
                problems.append(error)
                begin.abort()

        threads = [threading.Thread(target=work, args=(name,), daemon=True) for name in "abc"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(DEADLINE)
            assert not thread.is_alive()
    assert not problems, problems


def test_two_saves_at_once_have_a_copy_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    v, add, saver = model()
    gate = Gate(monkeypatch)
    with tf.Session() as sess:
        sess.run(v.initializer)
        saver.save(sess, str(tmp_path / "m"), 1)
        assert gate.reached.wait(DEADLINE)
        sess.run(add.op)
        monkeypatch.setattr(saver, "wait", lambda: None)  # as for who waited just before
        saver.save(sess, str(tmp_path / "m"), 2)
        gate.open()
    assert (saved(tmp_path / "m-1"), saved(tmp_path / "m-2")) == (0.0, 1.0)


def test_a_saver_and_its_copy_go_before_the_session(tmp_path: Path) -> None:
    v = tf.Variable(0.0, name="v")
    with tf.Session() as sess:
        sess.run(v.initializer)
        gone = []
        for _ in range(3):
            saver = tf.train.Saver(background=True)
            saver.save(sess, str(tmp_path / "m"))
            saver.wait()
            gone.append(weakref.ref(saver))
            del saver
        gc.collect()
        assert [each() for each in gone] == [None] * 3
        assert len(sess._pending) == 1


def test_all_saves_are_waited_for_where_one_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    v, _, saver = model()
    sess = tf.InteractiveSession()
    sess.run(v.initializer)
    gate = Gate(monkeypatch)
    for name in ("m", "gone/m", "n"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        tf.train.Saver(background=True, saver_def=saver.as_saver_def()).save(
            sess, str(tmp_path / name)
        )
    (tmp_path / "gone").rmdir()
    (tmp_path / "gone").write_bytes(b"")
    gate.open(after=0.1)
    with pytest.raises(tf.errors.FailedPreconditionError, match="gone/m"):
        sess.close()
    assert saved(tmp_path / "n") == 0.0 and tf.get_default_session() is None


def test_where_no_thread_can_be_started_it_is_written_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    v, add, saver = model()
    with tf.Session() as sess:
        sess.run(v.initializer)
        with monkeypatch.context() as patch:

            def start(_: Any) -> None:
                raise RuntimeError("can't start new thread")

            patch.setattr(threading.Thread, "start", start)
            path = saver.save(sess, str(tmp_path / "m"))
            assert os.path.exists(path + ".index") and not saver.is_saving()
        sess.run(add.op)
        saver.save(sess, str(tmp_path / "m"))
    assert saved(tmp_path / "m") == 1.0


# ---- what goes wrong


@pytest.mark.parametrize("how", ["save", "wait", "close"])
@pytest.mark.parametrize("operation", ["create", "reserve", "sync", "write_at"])
def test_a_full_disk_is_told_with_the_line_and_loses_nothing(
    how: str, operation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    v, add, saver = model()
    path = str(tmp_path / "m")
    sess = tf.Session()
    sess.run(v.initializer)
    saver.save(sess, path)
    saver.wait()
    before = {name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)}

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    sess.run(add.op)
    with monkeypatch.context() as patch:
        patch.setattr(direct if operation == "write_at" else files, operation, full)
        saver.save(sess, path)  # this line
        background.wait_for_all()
    actions: dict[str, Any] = {
        "save": lambda: saver.save(sess, path),
        "wait": saver.wait,
        "close": sess.close,
    }
    with pytest.raises(tf.errors.ResourceExhaustedError, match=r"(?s)No space.*# this line"):
        actions[how]()
    assert {name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)} == before
    if how != "close":
        saver.save(sess, path)
        saver.wait()
        assert saved(path) == 1.0
        sess.close()


@pytest.mark.parametrize("kind", ["Session", "MonitoredSession", "Supervisor"])
def test_the_error_that_ends_a_block_is_the_one_that_is_raised(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    step = tf.train.get_or_create_global_step()
    saver = tf.train.Saver(background=True)
    kinds: dict[str, Any] = {
        "Session": tf.Session,
        "MonitoredSession": tf.train.MonitoredSession,
        "Supervisor": lambda: tf.train.Supervisor(saver=saver).managed_session(),
    }

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(direct, "write_at", full)
    with pytest.raises(ZeroDivisionError), kinds[kind]() as sess:
        own = sess._tf_sess() if kind == "MonitoredSession" else sess
        own.run(step.initializer)
        saver.save(own, str(tmp_path / "m"))
        _ = 1 / 0
    assert "No space left" in caplog.text
    assert os.listdir(tmp_path) == []


def test_what_can_be_told_at_once_is(tmp_path: Path) -> None:
    _, _, saver = model()
    with tf.Session() as sess:
        with pytest.raises(tf.errors.FailedPreconditionError, match="uninitialized"):
            saver.save(sess, str(tmp_path / "m"))
        assert background.current_snapshot() is None
        with pytest.raises(TypeError, match="number of bytes, but got '1 GB'"):
            tf.train.Saver(background=True, background_memory="1 GB")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="doesn't exist"):
            saver.save(sess, str(tmp_path / "no" / "such" / "m"))
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_child_that_is_forked_meanwhile_keeps_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    v, add, saver = model()
    ends, end = os.pipe()
    with tf.Session() as sess:
        sess.run(v.initializer)
        with monkeypatch.context() as patch:
            gate = Gate(patch, "rename")  # the folder is locked
            saver.save(sess, str(tmp_path / "m"), 1)
            assert gate.reached.wait(DEADLINE)
            child = os.fork()
            if not child:
                signal.alarm(int(DEADLINE))
                os.close(end)
                background.wait_for_all()
                saver.wait()
                with commit.together(str(tmp_path / "m-1"), None):  # which its parent is in
                    os.read(ends, 1)
                os._exit(0)
            try:
                gate.open()
                saver.wait()
                sess.run(add.op)
                second = threading.Thread(
                    target=lambda: (saver.save(sess, str(tmp_path / "m"), 2), saver.wait()),
                    daemon=True,
                )
                second.start()
                second.join(DEADLINE)
                assert not second.is_alive()
            finally:
                os.close(end)
                os.close(ends)
                assert os.waitpid(child, 0)[1] == 0
    assert saved(tmp_path / "m-1") == 0.0 and saved(tmp_path / "m-2") == 1.0


def test_a_file_system_that_writes_nothing_directly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(direct, "_DIRECT", 0)
    v, _, saver = model()
    with tf.Session() as sess:
        sess.run(v.initializer)
        saver.save(sess, str(tmp_path / "m"))
    assert saved(tmp_path / "m") == 0.0


# ---- hooks


class Listener(tf.train.CheckpointSaverListener):
    """Notes which checkpoints it is told of, and that they are there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.steps: list[int] = []

    def after_save(self, session: Any, global_step_value: int) -> None:
        assert (self.folder / f"model.ckpt-{global_step_value}.index").exists()
        self.steps.append(global_step_value)


def test_listeners_are_told_of_what_is_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = tf.train.get_or_create_global_step()
    count = step.assign_add(1)
    listener = Listener(tmp_path)
    hook = tf.train.CheckpointSaverHook(
        str(tmp_path), save_steps=2, saver=tf.train.Saver(background=True), listeners=[listener]
    )
    with tf.train.MonitoredSession(hooks=[hook]) as sess:
        assert listener.steps == [0]  # the first one shows that saving works
        with monkeypatch.context() as patch:
            gate = Gate(patch)
            sess.run(count)
            sess.run(count)
            assert gate.reached.wait(DEADLINE)
            sess.run(count)
            assert listener.steps == [0]
            gate.open()
            background.wait_for_all()
        sess.run(count)
        assert listener.steps[:2] == [0, 2]
        sess.run(count)
    assert listener.steps == [0, 2, 4, 5]
    assert tf.train.latest_checkpoint(tmp_path) == str(tmp_path / "model.ckpt-5")


def test_a_hook_tells_of_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count = tf.train.get_or_create_global_step().assign_add(1)
    hook = tf.train.CheckpointSaverHook(
        str(tmp_path), save_steps=1, saver=tf.train.Saver(background=True)
    )

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    def train() -> None:
        with tf.train.MonitoredSession(hooks=[hook]) as sess:
            monkeypatch.setattr(direct, "write_at", full)
            for _ in range(3):
                sess.run(count)

    with pytest.raises(tf.errors.ResourceExhaustedError, match="No space"):
        train()
    assert tf.train.latest_checkpoint(tmp_path) == str(tmp_path / "model.ckpt-0")
