"""A bar shows how far a long save or restore has come, on a terminal only."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import sys
import termios
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minitf.checkpoint import progress
from minitf.checkpoint.bundle_reader import BundleReader
from minitf.checkpoint.bundle_writer import Named, write_bundle


def save_and_restore(prefix: str) -> None:
    value: Any = np.zeros(1 << 20, np.float32)
    write_bundle(prefix, [Named("v", value), Named("w", value)])
    with BundleReader(prefix) as reader, progress.Progress("restoring m", 8 << 20) as bar:
        reader.read("v", progress=bar)
        reader.read("w", progress=bar)


def read_to_end(master: int) -> str:
    """What a terminal was sent up to the word "end"; one read may return only a part of it."""
    shown = b""
    while not shown.endswith(b"end"):
        shown += os.read(master, 1 << 16)
    return shown.decode()


@pytest.mark.parametrize("long", [True, False])
def test_on_a_terminal(long: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with os.fdopen(slave, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        if long:
            monkeypatch.setattr(progress, "_LONG", 8 << 20)
        save_and_restore(str(tmp_path / "m"))
        terminal.write("end")
        terminal.flush()
        shown = read_to_end(master)
    os.close(master)
    for text in ("saving m: ", "restoring m: ", "0.00/8.00M"):
        assert (text in shown) == long, shown


def test_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "_LONG", 1)
    save_and_restore(str(tmp_path / "m"))
    assert capsys.readouterr().err == ""
