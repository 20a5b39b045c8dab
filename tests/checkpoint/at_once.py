"""Several processes that save under one name at the same time, and what they leave behind."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
from pathlib import Path

import minitf as tf
from minitf.checkpoint import bundle_reader
from tests.checkpoint.saving_process import restored
from tests.source_tree import ROOT

PATIENCE = 240.0


def save_at_once(folder: Path, style: str, *cluster: str) -> None:
    """Runs two of `saving_process`, and asserts that what they leave is whole, and nothing else.

    Args:
      folder: an empty one.
      style, cluster: see there.
    """
    path = str(folder / "m")
    command = [sys.executable, "-m", "tests.checkpoint.saving_process", path]
    environment = {**os.environ, "MINITF_QUIET": "1", "MINITF_FSYNC": "0"}
    with contextlib.ExitStack() as stack:
        processes = []
        for number in ("1", "2"):
            process = subprocess.Popen(
                [*command, number, style, *cluster],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            processes.append(process)
        for process in processes:
            assert process.stdout is not None
            assert select.select([process.stdout], [], [], PATIENCE)[0], "it did not start"
            assert process.stdout.readline() == "ready\n", process.communicate(timeout=PATIENCE)
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        for process in processes:
            _, told = process.communicate(timeout=PATIENCE)
            assert process.returncode == 0, told
    check(folder, "sharded" in style)


def check(folder: Path, sharded: bool) -> None:
    """Asserts that a folder has whole checkpoints, the latest among them, and no leftovers."""
    names = set(os.listdir(folder)) - {"checkpoint"}
    prefixes = {name.removesuffix(".index") for name in names if name.endswith(".index")}
    expected = set()
    for prefix in prefixes:
        assert restored(str(folder / prefix), sharded) in ({1.0}, {2.0})
        with bundle_reader.BundleReader(str(folder / prefix)) as reader:
            shards = reader.shards
        assert shards == (2 if sharded else 1)
        data = {f"{prefix}.data-{shard:05d}-of-{shards:05d}" for shard in range(shards)}
        expected |= {f"{prefix}.index", f"{prefix}.meta", *data}
    assert names == expected
    latest = tf.train.latest_checkpoint(str(folder))
    assert latest is not None
    assert Path(latest).name in prefixes
