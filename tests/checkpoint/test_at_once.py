"""Several who save and restore at the same time, and names that are no names."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minitf as tf
from minitf.checkpoint import bundle_reader, direct, files
from minitf.checkpoint.bundle_reader import BundleReader
from minitf.checkpoint.bundle_writer import Named, write_bundle
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
