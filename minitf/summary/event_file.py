"""With this module one can write a file of events, record by record, and read it again.

Such a file is a row of records, each a message with its length before it and checksums of both:

    8 bytes   the length of the message, the lowest byte first
    4 bytes   checksum of those 8 bytes
    ...       the message: an `Event`
    4 bytes   checksum of the message

tensorboardX frames them. What is added here: every writer has a file of its own, whoever else is
writing into the folder; a record goes to the system at once and in one call, so that a process that
is killed has lost none; a disk that is full leaves no part of one; and `flush` returns when all are
on the disk.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import socket
import struct
import threading
import time
from collections.abc import Iterator
from typing import BinaryIO

from tensorboardX.record_writer import RecordWriter

from minitf.framework import errors
from minitf.framework.file_errors import as_tensorflow_errors
from minitf.kernels.crc32c import crc32c

_ADVICE = "what to do: the events before this one are in the file; make room, and add it again."
_HEADER = struct.Struct("<QI")
_FOOTER = struct.Struct("<I")


class _Framer(RecordWriter):  # type: ignore[misc]
    """tensorboardX's writer of records, which keeps them in memory instead of in a file."""

    def __init__(self) -> None:
        self._writer = io.BytesIO()

    def frame(self, message: bytes) -> bytes:
        self._writer = io.BytesIO()
        self.write(message)
        return self._writer.getvalue()


class EventFile:
    """A new file of events, which several threads may write to.

    Args:
      folder: where it is made; the folder as well, if it is not there.
      suffix: what the file's name ends with.
      flush_secs: how often a thread brings new records to the disk, so that a writer that is
        forgotten loses little in a power failure.

    Attributes:
      path: its name: `events.out.tfevents.<seconds>.<host>.<process>.<number><suffix>`.

    Raises:
      OpError: the class for what the system says, such as PermissionDeniedError.
    """

    def __init__(self, folder: str, suffix: str = "", flush_secs: float = 120) -> None:
        with as_tensorflow_errors(folder):
            os.makedirs(folder, exist_ok=True)
            self.path, self._file = _create(folder, suffix)
        self._framer = _Framer()
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._size = 0
        self._unsynced = False
        self._closed = threading.Event()
        threading.Thread(
            target=self._sync_regularly, args=(flush_secs,), name="minitf events", daemon=True
        ).start()

    @property
    def is_inherited(self) -> bool:
        """Whether the process is a child of the one that made the file, and should not write."""
        return os.getpid() != self._owner

    def write(self, message: bytes) -> None:
        """Adds a record.

        Raises:
          ResourceExhaustedError: if the disk is full.
        """
        with self._lock, as_tensorflow_errors(self.path, _ADVICE):
            record = memoryview(self._framer.frame(message))
            left = record
            try:
                while left:
                    left = left[os.write(self._file, left) :]
            except OSError:
                os.ftruncate(self._file, self._size)
                raise
            self._size += len(record)
            self._unsynced = True

    def flush(self) -> None:
        """Waits until all records are on the disk."""
        with self._lock, as_tensorflow_errors(self.path, _ADVICE):
            if self._closed.is_set() or not self._unsynced:
                return
            os.fsync(self._file)
            self._unsynced = False

    def close(self) -> None:
        """Brings all records to the disk, and closes the file; a child's file is its parent's."""
        if self.is_inherited or self._closed.is_set():
            return
        try:
            self.flush()
        finally:
            with self._lock:
                self._closed.set()
                os.close(self._file)

    def _sync_regularly(self, seconds: float) -> None:
        while not self._closed.wait(max(seconds, 0.1)):
            # What is wrong, whoever flushes or closes the file will be told.
            with contextlib.suppress(errors.OpError):
                self.flush()


def _create(folder: str, suffix: str) -> tuple[str, int]:
    """Makes and opens a file of a name that nobody has, and that sorts behind earlier ones."""
    start = f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}"
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
    for number in itertools.count():
        path = os.path.join(folder, f"{start}.{number:04d}{suffix}")
        with contextlib.suppress(FileExistsError):
            return path, os.open(path, flags, 0o666)
    raise AssertionError("counting has no end")


# ---- reading


def read_records(path: str) -> Iterator[bytes]:
    """The messages in a file, one after the other.

    Raises:
      NotFoundError: if there is no such file.
      DataLossError: at the first record that is damaged, or not whole. Less than the header of one
        is taken for the end.
    """
    with contextlib.ExitStack() as stack:
        with as_tensorflow_errors(path):
            file = stack.enter_context(open(path, "rb"))
        while True:
            start = file.tell()
            header = file.read(_HEADER.size)
            if len(header) < _HEADER.size:
                return
            length, checksum = _HEADER.unpack(header)
            if _masked(header[:8]) != checksum:
                raise errors.DataLossError(None, None, f"{path}; corrupted record at {start}")
            yield _message(file, length, path, start)


def _message(file: BinaryIO, length: int, path: str, start: int) -> bytes:
    # The length is to be trusted, but the file may be a part of what it was.
    left = os.fstat(file.fileno()).st_size - file.tell()
    message = file.read(min(length, left))
    _whole(message, length, path, start)
    footer = file.read(_FOOTER.size)
    _whole(footer, _FOOTER.size, path, start)
    if _masked(message) != _FOOTER.unpack(footer)[0]:
        raise errors.DataLossError(None, None, f"{path}; corrupted record at {start}")
    return message


def _whole(data: bytes, size: int, path: str, start: int) -> None:
    if len(data) < size:
        raise errors.DataLossError(None, None, f"{path}; truncated record at {start}")


def _masked(data: bytes) -> int:
    """The checksum as records have it: a checksum of data that hold their own would be constant."""
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
