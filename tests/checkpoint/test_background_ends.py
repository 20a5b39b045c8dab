"""The end of a process, and interrupts, while a save goes on in the background."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import minitf as tf
from tests.checkpoint.test_background import DEADLINE, saved
from tests.source_tree import ROOT

ENDS = """
import sys
import minitf as tf
v = tf.Variable(tf.fill([300_000], 5.0), name="v")
saver = tf.train.Saver(background=True)
sess = tf.Session()
sess.run(v.initializer)
if len(sys.argv) > 3:
    from minitf.checkpoint import direct
    def full(*_):
        raise OSError(28, "No space left on device")
    direct.write_at = full
saver.save(sess, sys.argv[1] + "/m")  # the line
exec(sys.argv[2])
"""


@pytest.mark.parametrize(
    ("end", "code"),
    [("pass", 0), ("sys.exit(3)", 3), ("1 / 0", 1), ("sess.close(); del sess, saver", 0)],
)
def test_the_process_ends_after_the_save(end: str, code: int, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", ENDS, str(tmp_path), end],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert ended.returncode == code, ended.stderr
    assert saved(tf.train.latest_checkpoint(tmp_path)) == 5.0
    assert len(os.listdir(tmp_path)) == 4


INTERRUPTED = """
import os, signal, sys, threading
import minitf as tf
from minitf.checkpoint import direct
opened, write_at = threading.Event(), direct.write_at
def gated(*arguments):
    assert opened.wait(200)
    return write_at(*arguments)
direct.write_at = gated
v = tf.Variable(tf.fill([300_000], 5.0), name="v")
saver = tf.train.Saver(background=True)
sess = tf.Session()
sess.run(v.initializer)
saver.save(sess, sys.argv[1] + "/m")
threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    saver.wait()
except KeyboardInterrupt:
    print(saver.is_saving())
    threading.Timer(0.3, opened.set).start()
"""


def test_who_interrupts_the_waiting_loses_nothing(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert (ended.stdout, ended.returncode) == ("True\n", 0), ended.stderr
    assert saved(tmp_path / "m") == 5.0


def test_a_failure_at_the_end_of_the_process_is_told(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", ENDS, str(tmp_path), "pass", "full"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert "No space left on device" in ended.stderr and "m by <string>:13" in ended.stderr
    assert os.listdir(tmp_path) == []
