"""With this module a save works on the file system: here is every operation that it needs.

A file is written under a temporary name, `<name>.unfinished-<16 digits>`, and is brought to the
disk before it gets its own. While it has the temporary one, its writer holds a lock on it, which
the system releases when the process ends, however it ends. So an unfinished file without a lock is
what a killed save has left behind, and may be deleted; see `commit.clean`.

A name lasts, too, only when its folder has been brought to the disk (`sync_folder`).

Set MINITF_FSYNC=0 to skip waiting for the disk: for tests and for folders in memory. Then a killed
process still leaves everything whole, but a power failure need not.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import functools
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any

import numpy as np

from minitf.checkpoint import direct
from minitf.checkpoint.copying import copied
from minitf.framework import environment
from minitf.framework.file_errors import as_tensorflow_errors
from minitf.kernels.workspace import workspace

_UNFINISHED = re.compile(r"\.unfinished-[0-9a-f]{16}$")
_INTACT = "what to do: nothing is lost; what was there before is as it was."
# What one call hands to the system at a time.
CHUNK = 4 << 20
# Files from this size on are written directly, if one waits for the disk anyway. Smaller ones find
# memory in the cache, and are read from there if they are restored soon.
LARGE = 128 << 20


def is_unfinished(name: str) -> bool:
    """Whether a name is a temporary one."""
    return _UNFINISHED.search(name) is not None


def finished_name(name: str) -> str:
    """The name that an unfinished file is to get."""
    return _UNFINISHED.sub("", name)


class Unfinished:
    """A file that is being written under a temporary name.

    Used in a `with` statement, it is deleted if it has not been given its own name by the end.

    Args:
      path: the name that it is to get.

    Attributes:
      final: that name.
      path: the temporary one.
      size: how many bytes have been written.

    Raises:
      OpError: the class for what the system says, such as PermissionDeniedError.
    """

    def __init__(self, path: str) -> None:
        self.final = path
        self.size = 0
        self._kept = False
        self._direct: direct.DirectWriter | direct.ImageWriter | None = None
        with as_tensorflow_errors(path, _INTACT):
            self.path, self._file = _create(path)

    def reserve(self, size: int, image: Any = None) -> None:
        """Takes so much of the disk for a file that is empty yet; it will have at least that.

        Args:
          size: how many bytes.
          image: memory that has all of the file, or has room for it; see `direct.ImageWriter`.

        Raises:
          ResourceExhaustedError: if the disk has not so much.
        """
        with as_tensorflow_errors(self.final, _INTACT):
            reserve(self._file, size)
        if image is not None:
            direct.set_direct(self._file, True)
            self._direct = direct.ImageWriter(self._file, image)
        elif size >= LARGE and waits_for_disk() and direct.set_direct(self._file, True):
            self._direct = direct.DirectWriter(self._file)

    def write(self, data: Any) -> None:
        """Puts bytes behind those written before.

        Raises:
          ResourceExhaustedError: if the disk is full.
        """
        left = memoryview(data).cast("B")
        with as_tensorflow_errors(self.final, _INTACT):
            if self._direct is not None:
                self._direct.write(left)
                self.size += len(left)
                return
            while left:
                count = write(self._file, left[:CHUNK])
                if count >= CHUNK:
                    _begin_to_sync(self._file, self.size, count)
                left, self.size = left[count:], self.size + count

    def write_copy(self, data: Any) -> int:
        """Writes bytes that may be changed meanwhile; returns the checksum of what was written.

        Raises:
          ResourceExhaustedError: if the disk is full.
        """
        if isinstance(self._direct, direct.DirectWriter):
            self.size += len(data)
            with as_tensorflow_errors(self.final, _INTACT):
                return self._direct.write(data)
        copy = workspace("checkpoint", (len(data),), np.uint8)
        crc = copied(np.frombuffer(data, np.uint8), copy)
        self.write(copy)
        return crc

    def sync(self) -> None:
        """Waits until the bytes are on the disk."""
        with as_tensorflow_errors(self.final, _INTACT):
            if self._direct is not None:
                self._direct.finish()
                self._direct = None
            sync(self._file)

    def close(self) -> None:
        """Gives the lock up; the file stays, under whatever name it has."""
        if self._direct is not None:
            self._direct.close()
        if self._file >= 0:
            unlock_and_close(self._file)
            self._file = -1

    def keep(self) -> None:
        """From now on the file is not deleted, even if it still has its temporary name."""
        self._kept = True

    def discard(self) -> None:
        """Deletes the file, if it still has its temporary name."""
        if not self._kept:
            remove(self.path)
        self.close()

    def __enter__(self) -> Unfinished:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.discard()


def write_whole(path: str, content: bytes | Iterable[bytes]) -> None:
    """Writes a file in the place of one that is there: all of it, and on the disk, or nothing.

    Args:
      path: the file's.
      content: what it holds, or pieces of that.

    Raises:
      ResourceExhaustedError, PermissionDeniedError, ...: if the system refuses.
    """
    with Unfinished(path) as file:
        for piece in [content] if isinstance(content, bytes) else content:
            file.write(piece)
        file.sync()
        with as_tensorflow_errors(path, _INTACT):
            rename(file.path, file.final)
            sync_folder(os.path.dirname(path))


def _create(path: str) -> tuple[str, int]:
    """Makes an unfinished file and locks it."""
    while True:
        name = f"{path}.unfinished-{secrets.token_hex(8)}"
        file = create(name)
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file).st_nlink:  # nobody took it for a leftover before it was locked
            return name, file
        os.close(file)


def lock_of_the_dead(path: str) -> int | None:
    """Locks an unfinished file whose writer has ended; None if it is alive, or the file gone."""
    try:
        file = os.open(path, os.O_RDWR)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        return None
    return file


@contextlib.contextmanager
def locked_folder(path: str) -> Iterator[None]:
    """Inside, no other thread or process is here with the same folder.

    It is a lock of the system, which has no file and ends with the process. Where a file system
    does not lock folders, nobody waits.
    """
    folder = -1
    try:
        with contextlib.suppress(OSError):
            folder = os.open(path or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        if folder >= 0:
            unlock_and_close(folder)


def unlock_and_close(file: int) -> None:
    """Closes a file, and gives its lock up.

    Closing alone would not do: a child that was forked meanwhile has the file, and with it the
    lock, for as long as it lives.
    """
    with contextlib.suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_UN)
    os.close(file)


# ---- the operations themselves: each changes the file system in one step


def create(path: str) -> int:
    """Makes a file that is not there yet, and opens it."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)


def write(file: int, data: memoryview) -> int:
    """Writes bytes, or the first of them; returns how many."""
    return os.write(file, data)


def sync(file: int) -> None:
    """Waits until a file, or a folder, is on the disk as it is now."""
    if waits_for_disk():
        os.fsync(file)


def waits_for_disk() -> bool:
    """Whether what is written is to be on the disk before anything builds on it.

    Raises:
      ValueError: if MINITF_FSYNC is neither on nor off.
    """
    return environment.switch("MINITF_FSYNC", True)


def reserve(file: int, size: int) -> None:
    """Takes so much of the disk for a file: it is in one piece, and writing it takes less time.

    Linux can do that on most file systems; where it cannot be done, nothing is lost but time.
    """
    function = _of_system("fallocate", ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    if function is not None and size and function(file, 0, 0, size):
        number = ctypes.get_errno()
        if number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise OSError(number, os.strerror(number))


def _begin_to_sync(file: int, start: int, count: int) -> None:
    """Has the system write these bytes to the disk meanwhile, so that `sync` has less to wait for.

    Linux can do that; where it cannot be done, nothing is lost but time.
    """
    begin = _of_system(
        "sync_file_range", ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint
    )
    if begin is not None and waits_for_disk():
        begin(file, start, count, 2)  # SYNC_FILE_RANGE_WRITE


@functools.cache
def _of_system(name: str, *arguments: Any) -> Any:
    """A function of the system's library that Python does not have, or None."""
    function = getattr(ctypes.CDLL(None, use_errno=True), name, None)
    if function is not None:
        function.argtypes = arguments
    return function


def sync_folder(path: str) -> None:
    """Waits until the names in a folder are on the disk."""
    file = os.open(path or ".", os.O_RDONLY | os.O_DIRECTORY)
    try:
        sync(file)
    except OSError as error:  # some file systems have nothing to wait for
        if error.errno not in (errno.EINVAL, errno.EBADF):
            raise
    finally:
        os.close(file)


def rename(old: str, new: str) -> None:
    """Gives a file its name, in the place of one that has it."""
    os.replace(old, new)


def remove(path: str) -> None:
    """Deletes a file; it may be gone already."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def make_folder(path: str) -> None:
    """Makes a folder; it may be there already."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(path)


def remove_folder(path: str) -> None:
    """Deletes a folder and the files in it; it may be gone already."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        for name in os.listdir(path):
            remove(os.path.join(path, name))
        remove_empty_folder(path)


def remove_empty_folder(path: str) -> None:
    """Deletes a folder that has nothing in it."""
    os.rmdir(path)
