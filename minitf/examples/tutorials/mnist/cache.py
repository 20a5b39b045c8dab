"""With this module one can keep files so that a later run finds each of them whole or not at all.

A file is written under a temporary name, forced to the disk and only then given its own name, so
neither a killed process nor two that write at once can leave half a file behind. What can still
go wrong (a failing disk, a hand in the folder) shows in the sha256 that every read verifies.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import textwrap
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_ABANDONED_AFTER = 3600.0  # seconds: a .part file this old has no writer any more


class Unavailable(Exception):
    """A source has no usable data; the text says why, to follow "source: "."""


class Damaged(Unavailable):
    """A source has data that are not what they should be."""


def say(message: str) -> None:
    """Tells the user something in one paragraph, on stderr."""
    paragraph = textwrap.fill(
        f"MNIST: {message}", width=100, break_long_words=False, break_on_hyphens=False
    )
    print(paragraph, file=sys.stderr, flush=True)


def folder() -> Path:
    """Returns the user's folder for MNIST, which need not exist.

    It is `$XDG_CACHE_HOME/minitf/mnist` where that is set to an absolute path,
    `%LOCALAPPDATA%\\minitf\\mnist` on Windows, `~/.cache/minitf/mnist` elsewhere.

    Raises:
      Unavailable: if the user has no home.
    """
    for variable in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        base = os.environ.get(variable, "")
        if os.path.isabs(base):  # the XDG specification: a relative path is to be ignored
            return Path(base, "minitf", "mnist")
    try:
        return Path.home() / ".cache" / "minitf" / "mnist"
    except RuntimeError as error:
        raise Unavailable(f"this user has no home folder ({error})") from error


def check(data: bytes, size: int, sha256: str) -> None:
    """Verifies that `data` are the `size` bytes that have this hash.

    Raises:
      Damaged: if they are not.
    """
    if len(data) != size:
        raise Damaged(f"has {len(data):,} bytes instead of {size:,}")
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise Damaged(f"has other contents than it should (sha256 {found[:12]}..)")


def write(path: Path, data: bytes) -> None:
    """Writes `data` to `path`, whole or not at all, making the folder if need be.

    Raises:
      OSError: if the file cannot be written; nothing is left behind then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path.parent)
    part = path.parent / f".{path.name}.{uuid.uuid4().hex}.part"
    try:
        with open(part, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


@contextlib.contextmanager
def one_process_at_a_time(where: Path, patience: float = 300.0) -> Iterator[None]:
    """Lets one process at a time into a `with` block, as far as the system has locks.

    This only spares the others the work: files stay whole without it. So a process goes on where
    there are no locks, where the folder cannot be written, and after `patience` seconds. The
    system itself frees the lock of a process that dies.
    """
    try:
        import fcntl

        where.mkdir(parents=True, exist_ok=True)
        lock: BinaryIO = open(where / ".lock", "ab")  # noqa: SIM115
    except (ImportError, OSError):
        yield
        return
    with lock:
        waited, deadline = False, time.monotonic() + patience
        while time.monotonic() < deadline:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not waited:
                    say("another process is fetching the data; waiting for it.")
                waited = True
                time.sleep(0.1)
            except OSError:  # a file system without locks
                break
        yield


def _sweep(where: Path) -> None:
    for part in where.glob(".*.part"):
        with contextlib.suppress(OSError):  # another process may sweep too
            if time.time() - part.stat().st_mtime > _ABANDONED_AFTER:
                part.unlink()


def _sync_folder(where: Path) -> None:
    if os.name != "posix":  # elsewhere a folder cannot be opened, nor needs it
        return
    handle = os.open(where, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:  # some network file systems refuse; the rename itself has succeeded
        pass
    finally:
        os.close(handle)
