"""A process that is killed while it saves leaves a checkpoint that restores completely.

To kill at each step, one process forks a child for each: so that starting Python and building the
graph is done once. Random moments, of processes of their own, are behind the marker `chaos`.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minitf as tf
from minitf.checkpoint import files
from tests.checkpoint import killed
from tests.source_tree import ROOT

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "MINITF_QUIET": "1"}


def in_child(function: Any) -> int:
    """Runs a function in a copy of this process; returns how that ended."""
    child = os.fork()
    if not child:
        try:
            function()
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def restored(folder: Path) -> float:
    """The number that the latest checkpoint of a folder holds, in every element."""
    latest = tf.train.latest_checkpoint(folder)
    assert latest is not None
    with tf.Graph().as_default(), tf.Session() as sess:
        a = tf.Variable(tf.zeros([killed.SIZE]), name="a")
        b = tf.Variable(tf.zeros([killed.SIZE // 2]), name="b")
        tf.train.Saver().restore(sess, latest)
        values = np.concatenate(sess.run([a, b]))
    assert len(set(values.tolist())) == 1, "parts of two checkpoints"
    return float(values[0])


def leftovers(folder: Path) -> list[str]:
    return sorted(
        name
        for name in os.listdir(folder)
        if files.is_unfinished(name) or name.endswith(".redo") or "_temp-" in name
    )


@pytest.mark.parametrize("style", killed.STYLES)
def test_killed_at_every_step(style: str, tmp_path: Path) -> None:
    saver, fill = killed.build(style)
    seen: list[float] = []
    with tf.Session() as sess:
        for step in range(1, 200):
            folder = tmp_path / str(step)
            folder.mkdir()
            for value in (1, 2):
                fill(sess, value)
                killed.save(saver, sess, str(folder), style, value)
            fill(sess, 3)

            def third(folder: Path = folder, step: int = step) -> None:
                killed.die_at(step)
                killed.save(saver, sess, str(folder), style, 3)

            ended = in_child(third)
            assert ended in (0, signal.SIGKILL)
            seen.append(restored(folder))
            if seen[-1] == 2.0 and style.endswith("overwritten"):
                assert not os.path.exists(folder / "m.redo")
            fill(sess, 4)
            killed.save(saver, sess, str(folder), style, 4)
            assert restored(folder) == 4.0
            assert leftovers(folder) == []
            assert_no_stray_values(folder)
            saver.set_last_checkpoints([])
            if ended == 0:
                break
    assert ended == 0, "there are more steps than were tried"
    # Up to some step it is the old checkpoint, from then on the new one.
    assert seen == sorted(seen) and set(seen) == {2.0, 3.0}
    assert step > 12


def assert_no_stray_values(folder: Path) -> None:
    """No file of values is without its index."""
    for path in folder.glob("*.data-*"):
        assert path.with_name(path.name.split(".data-")[0] + ".index").exists(), path


def test_a_killed_save_that_is_not_cleaned_up_can_be_read_in_a_folder_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saver, fill = killed.build("overwritten")
    with tf.Session() as sess:
        fill(sess, 1)
        killed.save(saver, sess, str(tmp_path), "overwritten", 1)
        fill(sess, 2)
        for step in range(1, 100):

            def second(step: int = step) -> None:
                killed.die_at(step)
                killed.save(saver, sess, str(tmp_path), "overwritten", 2)

            in_child(second)
            if (tmp_path / "m.redo").exists():
                break
    before = sorted(os.listdir(tmp_path))
    with monkeypatch.context() as patch:

        def refuse(*_: Any) -> None:
            raise PermissionError(13, "Permission denied")

        patch.setattr(files, "rename", refuse)
        assert restored(tmp_path) == 2.0
        assert sorted(os.listdir(tmp_path)) == before
    assert restored(tmp_path) == 2.0
    assert leftovers(tmp_path) == []


def kill_at_random(folder: Path, style: str, delay: float) -> None:
    folder.mkdir()
    with subprocess.Popen(
        [sys.executable, "-m", "tests.checkpoint.killed", str(folder), style, "0"],
        cwd=ROOT,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begins\n"
        time.sleep(delay)
        process.kill()
    assert restored(folder) >= 2.0
    with tf.Graph().as_default(), tf.Session() as sess:
        saver, fill = killed.build(style)
        fill(sess, 7)
        saver.save(sess, str(folder / "next"))
    assert restored(folder) == 7.0
    assert leftovers(folder) == []


@pytest.mark.parametrize("style", killed.STYLES)
def test_killed_at_a_random_moment(style: str, tmp_path: Path) -> None:
    draw = random.Random(style)
    for number in range(2):
        kill_at_random(tmp_path / str(number), style, draw.uniform(0, 0.1))


@pytest.mark.chaos
@pytest.mark.parametrize("style", killed.STYLES)
def test_killed_at_sixty_random_moments(style: str, tmp_path: Path) -> None:
    """With seven styles, 420 processes."""
    draw = random.Random()
    for number in range(60):
        kill_at_random(tmp_path / str(number), style, draw.uniform(0, 0.2))
