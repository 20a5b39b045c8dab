"""Measures ways of bringing the same bytes into a file, as `docs/checkpoints.md` has them.

    python -m benchmarks.ways_to_write [--megabytes 256] [--repeats 3] [--pause 3] [--folder .]

Each way writes a new file, and then deletes its one before. --pause waits before each file, as
training does between two saves: meanwhile the memory that the deleted one took from the system goes
elsewhere, and on a virtual machine back to the host.
"""

from __future__ import annotations

import argparse
import contextlib
import mmap
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from minitf.checkpoint import direct, files

MB = 1 << 20


def cached(
    file: int, data: memoryview, chunk: int = 4 * MB, reserve: bool = False, early: bool = False
) -> None:
    """Writes into the system's cache, so many bytes at a time."""
    if reserve:
        files.reserve(file, len(data))
    for start in range(0, len(data), chunk):
        count = files.write(file, data[start : start + chunk])
        if early:
            files._begin_to_sync(file, start, count)


def mapped(file: int, data: memoryview) -> None:
    """Copies into pages of the file."""
    os.ftruncate(file, len(data))
    with mmap.mmap(file, len(data)) as pages:
        pages[:] = data


def directly(file: int, data: memoryview) -> None:
    """Writes past the cache, several blocks at a time."""
    files.reserve(file, len(data))
    if not direct.set_direct(file, True):
        raise SystemExit("this file system does not write directly")
    writer = direct.DirectWriter(file)
    for start in range(0, len(data), 4 * MB):
        writer.write(data[start : start + 4 * MB])
    writer.finish()


# What is done, and whether it waits for the disk at the end.
WAYS: dict[str, tuple[Callable[..., None], dict[str, Any], bool]] = {
    "write, 64 KB at a time": (cached, {"chunk": MB // 16}, False),
    "write, 4 MB at a time": (cached, {}, False),
    "... after fallocate": (cached, {"reserve": True}, False),
    "mmap": (mapped, {}, False),
    "write, fsync": (cached, {}, True),
    "... with sync_file_range meanwhile": (cached, {"early": True}, True),
    "... and after fallocate": (cached, {"early": True, "reserve": True}, True),
    "O_DIRECT, four blocks of 2 MB at once, fsync": (directly, {}, True),
}


def timed(way: str, path: Path, data: memoryview) -> float:
    """The seconds that it takes to write a new file in a way."""
    function, options, sync = WAYS[way]
    began = time.perf_counter()
    file = files.create(str(path))
    try:
        function(file, data, **options)
        if sync:
            os.fsync(file)
    finally:
        os.close(file)
    return time.perf_counter() - began


def main(argv: list[str] | None = None) -> None:
    """Measures what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--megabytes", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds before each file")
    parser.add_argument("--folder", default=".", help="where to write: on the disk to measure")
    args = parser.parse_args(argv)
    data = memoryview(np.random.default_rng(0).integers(0, 256, args.megabytes * MB, np.uint8))
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory(prefix=".ways-", dir=args.folder) as folder:
        for turn in range(args.repeats + 1):
            for number, way in enumerate(WAYS):
                os.sync()
                time.sleep(args.pause)
                seconds = timed(way, Path(folder, f"{number}-{turn}"), data)
                if turn:  # the first finds no file to delete, and no blocks to use again
                    found[way].append(seconds)
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(Path(folder, f"{number}-{turn - 1}"))
    for way, times in found.items():
        middle, most = statistics.median(times), max(times)
        rate = len(data) / middle / 1e9
        print(
            f"  {way:46} {1000 * middle:8.1f} ms {rate:6.2f} GB/s   at most {1000 * most:8.1f} ms"
        )


if __name__ == "__main__":
    main()
