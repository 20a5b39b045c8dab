"""Large files, which are written past the system's cache: the same bytes, whatever goes wrong."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minitf
from minitf.checkpoint import direct, files
from minitf.checkpoint.bundle_reader import BundleReader
from minitf.checkpoint.bundle_writer import Named, write_bundle
from minitf.framework import errors
from tests.source_tree import ROOT

B = direct.BLOCK


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGE", 1)
    monkeypatch.delenv("MINITF_FSYNC", raising=False)


def values_of(sizes: list[int]) -> dict[str, Any]:
    random = np.random.default_rng(0)
    return {f"v{i}": random.integers(0, 256, size, np.uint8) for i, size in enumerate(sizes)}


@pytest.mark.parametrize(
    "sizes",
    [
        [1],
        [4095],
        [4096, 1],
        [B],
        [B - 1, 2],
        [3, B, B],
        [7 * B + 5, 0, 100],
        [1, 300000, 20 * B, 17],
    ],
    ids=str,
)
def test_the_bytes_are_the_same(
    sizes: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {**values_of(sizes), "text": np.array([b"a" * 5000, b""], object)}
    named = [Named(name, value) for name, value in values.items()]
    write_bundle(str(tmp_path / "direct"), named)
    monkeypatch.setattr(files, "LARGE", 1 << 40)
    write_bundle(str(tmp_path / "usual"), named)
    for end in (".index", ".data-00000-of-00001"):
        assert (tmp_path / f"direct{end}").read_bytes() == (tmp_path / f"usual{end}").read_bytes()
    with BundleReader(str(tmp_path / "direct")) as reader:
        for name, value in values.items():
            assert np.array_equal(reader.read(name), value)
    assert len(os.listdir(tmp_path)) == 4


def test_a_file_system_that_takes_the_flag_and_then_does_not_do_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    flags = fcntl.fcntl
    set_on: set[int] = set()

    def pretend(file: int, command: int, argument: int = 0) -> int:
        if command == fcntl.F_SETFL:
            (set_on.add if argument & os.O_DIRECT else set_on.discard)(file)
            return 0
        if command == fcntl.F_GETFL:
            return flags(file, command) | (os.O_DIRECT if file in set_on else 0)
        return flags(file, command, argument)

    write, refused = os.pwrite, []

    def pwrite(file: int, data: Any, place: int) -> int:
        if file in set_on:
            refused.append(place)
            raise OSError(errno.EINVAL, "Invalid argument")
        return write(file, data[:100_000], place)  # and does not take all at once

    monkeypatch.setattr(direct.fcntl, "fcntl", pretend)
    monkeypatch.setattr(direct.os, "pwrite", pwrite)
    values = values_of([3 * B + 1])
    write_bundle(str(tmp_path / "m"), [Named("v0", values["v0"])])
    assert refused
    with BundleReader(str(tmp_path / "m")) as reader:
        assert np.array_equal(reader.read("v0"), values["v0"])


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EINVAL, errno.EIO])
def test_what_the_disk_refuses_is_told(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = values_of([20 * B])
    write_bundle(str(tmp_path / "m"), [Named("v0", values["v0"][:5])])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def refuse(*_: Any) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(direct.os, "pwrite", refuse)
    with pytest.raises(errors.OpError, match=f"(?s){os.strerror(number)}.*nothing is lost"):
        write_bundle(str(tmp_path / "m"), [Named("v0", values["v0"])])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_disk_that_is_too_small_is_noticed_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "reserve", full)
    monkeypatch.setattr(direct, "write_at", None)
    monkeypatch.setattr(files, "write", None)
    with pytest.raises(errors.ResourceExhaustedError, match="No space left"):
        write_bundle(str(tmp_path / "m"), [Named("v", np.zeros(5))])
    assert os.listdir(tmp_path) == []


def test_no_more_memory_than_some_megabytes(tmp_path: Path) -> None:
    """64 MB are saved while the blocks are used again and again."""
    value: Any = np.arange(1 << 24, dtype=np.float32)
    write_bundle(str(tmp_path / "m"), [Named("v", value)])
    assert 0 < len(direct._idle) * B <= 10 << 20


def test_without_waiting_for_the_disk_nothing_is_written_directly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINITF_FSYNC", "0")
    monkeypatch.setattr(direct, "write_at", None)
    value = np.arange(5.0)
    write_bundle(str(tmp_path / "m"), [Named("v", value)])
    assert minitf.train.load_variable(str(tmp_path / "m"), "v").tolist() == value.tolist()


AT_EXIT = """
import atexit, sys
import minitf as tf
from minitf.checkpoint import files
files.LARGE = 1
v = tf.Variable(tf.fill([3_000_000], 5.0), name="v")
saver = tf.train.Saver()
sess = tf.Session()
sess.run(v.initializer)
atexit.register(lambda: saver.save(sess, sys.argv[1] + "/m"))
"""


def test_it_is_saved_where_the_interpreter_ends(tmp_path: Path) -> None:
    """Threads cannot be given anything to do there any more."""
    subprocess.run(
        [sys.executable, "-c", AT_EXIT, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        timeout=240,
    )
    assert (minitf.train.load_variable(str(tmp_path / "m"), "v") == 5.0).all()
