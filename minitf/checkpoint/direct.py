"""With this module a large file goes to the disk without a detour through the system's memory.

What is written the usual way is first copied into the system's cache. Finding memory for that takes
longer than the disk needs for the bytes, where it has to be taken from somebody else: from other
files, or, on a virtual machine, from the host. So the bytes are put into a few blocks that are used
again and again, and the disk takes these directly, several at a time. It is done where the file
system can do it; elsewhere the same blocks are written the usual way.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from minitf.checkpoint.copying import copied
from minitf.kernels.crc32c import joined
from minitf.kernels.workspace import address

# How many bytes a block has, and how many blocks are on their way to the disk at a time.
BLOCK = 2 << 20
_AT_ONCE = 4
# What is written directly begins and ends at multiples of this: the largest that disks ask for.
ALIGNMENT = 4096
# What is written at once of what stands in memory already.
_STRETCH = 8 << 20
_DIRECT: int = getattr(os, "O_DIRECT", 0)

# Blocks that no file uses: new memory would cost what is saved here.
_idle: deque[Any] = deque(maxlen=_AT_ONCE + 1)


def write_at(file: int, data: memoryview, place: int) -> None:
    """Writes bytes to a place in a file."""
    usual = False
    while data:
        try:
            count = os.pwrite(file, data, place)
        except OSError as error:
            if error.errno != errno.EINVAL or usual:
                raise
            # This file system takes the flag, and then does not do it. Another thread, with another
            # block, may have found that out first.
            set_direct(file, False)
            usual = True
            continue
        data, place = data[count:], place + count


def set_direct(file: int, direct: bool) -> bool:
    """Has an open file be written directly, or the usual way; returns whether that is a change."""
    flags = fcntl.fcntl(file, fcntl.F_GETFL)
    wanted = flags | _DIRECT if direct else flags & ~_DIRECT
    if wanted == flags:
        return False
    try:
        fcntl.fcntl(file, fcntl.F_SETFL, wanted)
    except OSError:  # the file system cannot do it
        return False
    return True


class DirectWriter:
    """Writes a new file from its beginning to its end, several blocks at once.

    Errors of the system may come with a later call than the one whose bytes they concern.

    Args:
      file: the file, open for writing.
    """

    def __init__(self, file: int) -> None:
        self._file = file
        self._place = 0  # of the block that is being filled
        self._filled = 0
        self._block = _new_block()
        self._blocks = 1
        self._on_their_way: deque[Future[Any]] = deque()
        self._writers = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="minitf-write")

    def write(self, data: memoryview) -> int:
        """Puts bytes behind those written before; returns their checksum."""
        octets, crc = np.frombuffer(data, np.uint8), 0
        while len(octets):
            count = min(len(octets), BLOCK - self._filled)
            room = self._block[self._filled : self._filled + count]
            crc = joined(crc, copied(octets[:count], room), count)
            octets, self._filled = octets[count:], self._filled + count
            if self._filled == BLOCK:
                self._hand_over(BLOCK)
                self._block, self._filled = self._free_block(), 0
        return crc

    def _hand_over(self, count: int) -> None:
        block, place = self._block, self._place

        def written() -> Any:
            write_at(self._file, memoryview(block)[:count], place)
            return block

        try:
            writing = self._writers.submit(written)
        except RuntimeError:  # the interpreter ends, and begins nothing for other threads
            writing = Future()
            writing.set_result(written())
        self._on_their_way.append(writing)
        self._place += count

    def _free_block(self) -> Any:
        if self._blocks <= _AT_ONCE:
            self._blocks += 1
            return _new_block()
        return self._on_their_way.popleft().result()

    def finish(self) -> None:
        """Writes what is left, and waits until the system has all bytes."""
        size = self._place + self._filled
        padded = -(-self._filled // ALIGNMENT) * ALIGNMENT
        self._block[self._filled : padded] = 0
        self._hand_over(padded)
        while self._on_their_way:
            _idle.append(self._on_their_way.popleft().result())
        os.ftruncate(self._file, size)
        self.close()

    def close(self) -> None:
        """Waits until nothing is on its way any more, whether all was written or not."""
        self._writers.shutdown()


class ImageWriter:
    """Writes a new file whose bytes stand in memory already, each in its place, or have room there.

    It needs no other thread, and hardly any time of a processor.

    Args:
      file: the file, open for writing.
      image: the memory; it begins and ends where a page does.
    """

    def __init__(self, file: int, image: Any) -> None:
        self._file, self._image = file, image
        self._size = 0

    def write(self, data: memoryview) -> None:
        """Puts bytes behind those written before, where they are not there yet."""
        octets = np.frombuffer(data, np.uint8)
        place = self._image[self._size : self._size + len(octets)]
        if address(octets) != address(place):
            place[:] = octets
        self._size += len(octets)

    def finish(self) -> None:
        """Has the system take all bytes."""
        padded = -(-self._size // ALIGNMENT) * ALIGNMENT
        self._image[self._size : padded] = 0
        for start in range(0, padded, _STRETCH):
            stretch = self._image[start : min(start + _STRETCH, padded)]
            write_at(self._file, memoryview(stretch), start)
        os.ftruncate(self._file, self._size)

    def close(self) -> None:
        """Nothing is on its way between two calls."""


def _new_block() -> Any:
    """Memory for a block; it begins where a page begins."""
    try:
        return _idle.pop()
    except IndexError:
        return np.frombuffer(mmap.mmap(-1, BLOCK, flags=mmap.MAP_PRIVATE), np.uint8)
