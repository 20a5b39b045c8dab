"""Several who save and restore at the same time, and names that are no names."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minitf as tf
from minitf.checkpoint import bundle_reader, direct, files, merge
from minitf.checkpoint.bundle_reader import BundleReader
from minitf.checkpoint.bundle_writer import Named, write_bundle
from tests.checkpoint.at_once import save_at_once
from tests.source_tree import ROOT

SIZE = 20_000
NAMES = ("a", "b", "c")


def write(prefix: str, number: float) -> None:
    write_bundle(prefix, [Named(name, np.full(SIZE, number)) for name in NAMES])


def read(prefix: str) -> float:
    """The one number that a checkpoint is full of."""
    with BundleReader(prefix) as reader:
        numbers = {float(n) for name in NAMES for n in np.unique(reader.read(name))}
    (number,) = numbers
    return number


@pytest.mark.parametrize("when", ["entries", "header"])
def test_a_checkpoint_that_is_replaced_while_it_is_opened(
    when: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index is that of the old one, and the file of values that of the new one."""
    prefix = str(tmp_path / "m")
    write(prefix, 1.0)
    replaced: list[float] = []

    def replace() -> None:
        if len(replaced) < 3:
            replaced.append(2.0 + len(replaced))
            write(prefix, replaced[-1])

    if when == "entries":
        entries = bundle_reader.entries

        def then(*arguments: Any) -> Any:
            found = list(entries(*arguments))
            replace()
            return found

        monkeypatch.setattr(bundle_reader, "entries", then)
    else:
        header = BundleReader._read_header

        def read_header(self: BundleReader, written: bytes | None) -> None:
            header(self, written)
            replace()

        monkeypatch.setattr(BundleReader, "_read_header", read_header)
    assert read(prefix) == 4.0
    assert len(replaced) == 3


def test_threads_that_save_under_one_name(tmp_path: Path) -> None:
    path = str(tmp_path / "m")
    problems: list[BaseException] = []
    v = [tf.Variable(tf.zeros([SIZE]), name=name) for name in NAMES]
    saver = tf.train.Saver()
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        saver.save(sess, path)

        def save_and_restore() -> None:
            try:
                for _ in range(5):
                    saver.save(sess, path)
                    with tf.Session(graph=sess.graph) as other:
                        saver.restore(other, path)
                        assert not other.run(v[2]).any()
            except BaseException as error:
                problems.append(error)

        threads = [threading.Thread(target=save_and_restore, daemon=True) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=240)
            assert not thread.is_alive()
    assert not problems, problems
    assert sorted(os.listdir(tmp_path)) == sorted(
        ["checkpoint", "m.data-00000-of-00001", "m.index", "m.meta"]
    )


@pytest.mark.parametrize("size", [100, 400_000, 5 << 20])
@pytest.mark.parametrize("directly", [False, True])
def test_values_that_change_while_they_are_saved(
    directly: bool, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As another thread does that trains: the checkpoint is whole, with values of some moment."""
    monkeypatch.setattr(files, "LARGE", 1 if directly else 1 << 40)
    monkeypatch.delenv("MINITF_FSYNC", raising=False)
    value: Any = np.zeros(size, np.uint8)
    changes = []
    for module, name in ((files, "write"), (direct, "write_at")):
        operation = getattr(module, name)

        def write(*arguments: Any, operation: Any = operation) -> Any:
            value[:] += 1
            changes.append(1)
            return operation(*arguments)

        monkeypatch.setattr(module, name, write)
    write_bundle(str(tmp_path / "m"), [Named("v", value)])
    assert changes
    with BundleReader(str(tmp_path / "m")) as reader:
        assert reader.read("v").max() <= len(changes)


PROCESS = """
import sys
from tests.checkpoint.test_at_once import read, write
for _ in range(15):
    write(sys.argv[1], float(sys.argv[2]))
    assert read(sys.argv[1]) in (1.0, 2.0)
"""


def test_processes_that_save_under_one_name(tmp_path: Path) -> None:
    prefix = str(tmp_path / "m")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MINITF_FSYNC": "0"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, prefix, str(number)],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in (1, 2)
    ]
    for process in processes:
        _, told = process.communicate(timeout=240)
        assert process.returncode == 0, told
    assert read(prefix) in (1.0, 2.0)
    assert sorted(os.listdir(tmp_path)) == ["m.data-00000-of-00001", "m.index"]


@pytest.mark.parametrize("style", ["plain", "sharded", "numbered", "numbered sharded"])
def test_savers_of_several_processes(style: str, tmp_path: Path) -> None:
    save_at_once(tmp_path, style)


def test_a_checkpoint_is_replaced_between_two_nodes_that_restore(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "m")
    with tf.device("/cpu:0"):
        v = tf.Variable(tf.zeros([3]), name="v")
    with tf.device("/cpu:1"):
        w = tf.Variable(tf.zeros([3]), name="w")
    saver = tf.train.Saver(sharded=True)

    def save(number: float) -> None:
        write_bundle(path, [Named(name, np.full(3, number, np.float32)) for name in ("v", "w")])

    save(1.0)
    pending = [2.0, 3.0]
    restored = BundleReader.read

    def read(self: BundleReader, name: str, *arguments: Any, **more: Any) -> Any:
        value = restored(self, name, *arguments, **more)
        if name == "v" and pending and _is_restoring():
            save(pending.pop(0))
        return value

    monkeypatch.setattr(BundleReader, "read", read)
    with tf.Session(config=tf.ConfigProto(device_count={"CPU": 2})) as sess:
        saver.restore(sess, path)
        assert [value.tolist() for value in sess.run([v, w])] == [[3.0] * 3] * 2
        pending += range(4, 10**4)
        with pytest.raises(tf.errors.AbortedError, match="was saved anew each of the 100 times"):
            saver.restore(sess, path)


def _is_restoring() -> bool:
    """Whether a node is reading, rather than the check before."""
    return any(frame.name == "restore_v2_kernel" for frame in traceback.extract_stack())


def test_a_checkpoint_that_another_process_has_deleted_is_not_named_the_latest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = str(tmp_path / "m")
    v = tf.Variable(1.0)
    slow, fast = tf.train.Saver(), tf.train.Saver(max_to_keep=1)
    with tf.Session() as sess:
        sess.run(v.initializer)
        write_state = tf.train.Saver._write_state

        def later(self: Any, *arguments: Any) -> None:
            if self is slow:
                for step in (1, 2):
                    fast.save(sess, path, global_step=step)
            write_state(self, *arguments)

        monkeypatch.setattr(tf.train.Saver, "_write_state", later)
        slow.save(sess, path, global_step=1)
    assert tf.train.latest_checkpoint(str(tmp_path)) == path + "-2"
    assert "m-1 was deleted meanwhile: another process saves in this folder" in caplog.text


def test_what_another_process_has_just_named_the_latest_is_not_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "m")
    v = tf.Variable(1.0)
    saver = tf.train.Saver(max_to_keep=1)
    with tf.Session() as sess:
        sess.run(v.initializer)
        saver.save(sess, path, global_step=1)
        write_state = tf.train.Saver._write_state

        def then_another(self: Any, *arguments: Any) -> None:
            write_state(self, *arguments)
            tf.train.update_checkpoint_state(str(tmp_path), path + "-1")

        monkeypatch.setattr(tf.train.Saver, "_write_state", then_another)
        saver.save(sess, path, global_step=2)
    assert tf.train.latest_checkpoint(str(tmp_path)) == path + "-1"
    assert saver.last_checkpoints == [path + "-2"]


def test_parts_that_a_server_wrote_too_late_are_cleaned_up(tmp_path: Path) -> None:
    """Its client was killed: nobody waits for them, and nobody has locked their folder."""
    path = str(tmp_path / "m")
    late, busy = merge.new_folder(path), merge.new_folder(path)
    for folder in (late, busy):
        write_bundle(f"{folder}/part-00000-of-00002", [Named("v", np.ones(3))])
    (tmp_path / "m_temp").mkdir()  # such as TensorFlow makes
    v = tf.Variable(1.0)
    with tf.Session() as sess, merge.kept_folder(path, busy):
        sess.run(v.initializer)
        tf.train.Saver().save(sess, path)
        assert not os.path.exists(late)
        assert len(os.listdir(busy)) == 2
    assert os.path.exists(tmp_path / "m_temp")


@pytest.mark.parametrize("name", ["", "\0a"])
def test_names_that_the_format_has_for_itself(name: str, tmp_path: Path) -> None:
    """TensorFlow ends the process for the one, and cannot find the other again."""
    with pytest.raises(tf.errors.InvalidArgumentError, match="cannot be the name"):
        write_bundle(str(tmp_path / "m"), [Named(name, np.zeros(2))])
    assert os.listdir(tmp_path) == []


def test_arguments_that_lose_something(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With these TensorFlow deletes what it has just saved, and leaves hidden files behind."""
    monkeypatch.chdir(tmp_path)
    v = tf.Variable(1.0)
    with pytest.raises(ValueError, match="max_to_keep=-1"):
        tf.train.Saver(max_to_keep=-1)
    with tf.Session() as sess, pytest.raises(ValueError, match="No path"):
        sess.run(v.initializer)
        tf.train.Saver().save(sess, "")
    assert os.listdir(tmp_path) == []
