"""A process that saves, and is killed at a step of its own choosing; run by `test_kills`.

    python -m tests.checkpoint.killed FOLDER STYLE STEP

All file operations of a save go through `minitf.checkpoint.files` and `direct`: the one with the
number STEP does not happen, the process ends instead, as by SIGKILL. With STEP 0 it saves again and
again, and says on standard output when it begins, to be killed from outside.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import minitf as tf
from minitf.checkpoint import direct, files

OPERATIONS = (
    "create",
    "reserve",
    "write",
    "sync",
    "rename",
    "remove",
    "make_folder",
    "remove_empty_folder",
)
STYLES = (
    "numbered",
    "overwritten",
    "sharded",
    "sharded_overwritten",
    "direct_overwritten",
    "background",
    "background_overwritten",
)
SIZE = 100


def build(style: str) -> tuple[Any, Any]:
    """Two variables that always hold the same number, and a saver."""
    sharded, background = "sharded" in style, style.startswith("background")
    with tf.device("/cpu:0" if sharded else None):
        a = tf.Variable(tf.zeros([SIZE]), name="a")
    b = tf.Variable(tf.zeros([SIZE // 2]), name="b")
    number = tf.placeholder(tf.float32, [])
    fill = tf.group(a.assign(tf.fill([SIZE], number)), b.assign(tf.fill([SIZE // 2], number)))
    saver = tf.train.Saver(max_to_keep=2, sharded=sharded, background=background)
    return saver, lambda sess, value: sess.run(fill, {number: float(value)})


def save(saver: Any, sess: Any, folder: str, style: str, step: int) -> None:
    """One save, as each style does it."""
    number = None if style.endswith("overwritten") else step
    large = files.LARGE
    if style.startswith("direct"):
        files.LARGE = 1
    try:
        saver.save(sess, os.path.join(folder, "m"), global_step=number)
        saver.wait()
    finally:
        files.LARGE = large


def die_at(step: int) -> None:
    """Has the process end in the place of the file operation with this number."""
    numbers = itertools.count(1)

    def counted(operation: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any) -> Any:
            if next(numbers) == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return operation(*args)

        return run

    for name in OPERATIONS:
        setattr(files, name, counted(getattr(files, name)))
    direct.write_at = counted(direct.write_at)


def main(folder: str, style: str, step: int) -> None:
    """Saves 1 and 2, and is killed while it saves 3."""
    saver, fill = build(style)
    with tf.Session() as sess:
        for value in (1, 2):
            fill(sess, value)
            save(saver, sess, folder, style, value)
        print("begins", flush=True)
        if step:
            die_at(step)
        for value in range(3, 4 if step else 1_000_000):
            fill(sess, value)
            save(saver, sess, folder, style, value)
    print("all steps done")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
