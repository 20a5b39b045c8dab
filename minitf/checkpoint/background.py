"""With this module a save goes on in the background: training waits for a copy, not for the disk.

    the thread that trains          a thread of the save
    ----------------------          --------------------
    session.run(save):
      SaveV2: variables -> image
    save returns
    session.run(train) ...          image -> data.unfinished, index.unfinished
    session.run(train) ...          fsync, names, the file `checkpoint`; old ones are deleted

What is written is the copy, so no later update of a variable can get into the checkpoint. The copy
stands in memory as it is to stand in the file; a disk that can do so takes it from there. The
memory is kept for the next save: new memory would cost more than the copy.

>>> import numpy as np, tempfile
>>> from minitf.checkpoint.bundle_reader import BundleReader
>>> prefix = tempfile.mkdtemp() + "/m"
>>> w = np.arange(3.0)
>>> with Snapshot(Memory(1 << 20)) as snapshot:
...     snapshot.bundle(prefix, [Named("w", w)])
>>> w[:] = 0.0
>>> writing = Writing(snapshot.write, prefix)
>>> writing.wait()
>>> BundleReader(prefix).read("w")
array([0., 1., 2.])
"""

from __future__ import annotations

import logging
import mmap
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any

import numpy as np

from minitf.checkpoint.bundle_writer import Named, by_name, write_bundle
from minitf.checkpoint.copying import copied
from minitf.checkpoint.direct import ALIGNMENT
from minitf.checkpoint.tensors import pieces
from minitf.framework import errors
from minitf.framework.traceback import capture
from minitf.kernels.parallel import thread_limit

_log = logging.getLogger("tensorflow")


class _Here(threading.local):
    """What holds for this thread.

    Attributes:
      snapshot: what takes the values that are saved here; None if they are written at once.
      writes: whether this is the thread of a save.
    """

    snapshot: Snapshot | None = None
    writes = False


_here = _Here()


def current_snapshot() -> Snapshot | None:
    """What takes the values that this thread saves; None if they are written at once."""
    return _here.snapshot


# ---- the copy


class Image:
    """A file of values as it is to be, in memory that begins where a page does."""

    def __init__(self, size: int) -> None:
        self.room = _pages(size)
        self._filled = 0

    def clear(self) -> None:
        """Has it filled from the beginning again."""
        self._filled = 0

    def copy(self, tensor: Named) -> Named:
        """A copy of a tensor, behind those before; texts only get the room that they will take.

        It comes with its checksum: what is read to be copied is at hand.
        """
        value, size = tensor.value, _size(tensor.value)
        place = self.room[self._filled : self._filled + size]
        self._filled += size
        if value.dtype == object:
            return tensor
        crc = copied(np.ascontiguousarray(value).reshape(-1).view(np.uint8), place)
        return replace(tensor, value=place.view(value.dtype).reshape(value.shape), crc=crc)


def _pages(size: int) -> Any:
    size = max(-(-size // ALIGNMENT), 1) * ALIGNMENT
    pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        pages.madvise(mmap.MADV_HUGEPAGE)  # the system hands them out in fewer steps
    return np.frombuffer(pages, np.uint8)


def _with_texts_copied(tensor: Named) -> Named:
    """The tensor; of texts a copy, so that it is sure how long they are."""
    if tensor.value.dtype != object:
        return tensor
    return replace(tensor, value=tensor.value.copy())


def _size(value: Any) -> int:
    """How many bytes of a file a value takes."""
    if value.dtype != object:
        return int(value.nbytes)
    return sum(len(written) for written, _ in pieces(value))


class Memory:
    """The memory for copies, used by one save after the other.

    Args:
      limit: how many bytes the values of one save may have.
    """

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self._images: list[Image] = []

    def image(self, number: int, size: int) -> Image:
        """Room for the file with this number; what was there before is lost."""
        if number == len(self._images):
            self._images.append(Image(size))
        elif len(self._images[number].room) < size:
            self._images[number] = Image(size)
        self._images[number].clear()
        return self._images[number]


class Snapshot:
    """What one save is to write; it takes what is saved by this thread inside a `with` block.

    Args:
      memory: for the copies, which no other save may use until this one is written.

    Attributes:
      memory: where the copies are.
      too_large: whether there were more values than the memory may hold; then nothing is to be
        written, and the values are to be saved without a copy.
    """

    def __init__(self, memory: Memory) -> None:
        self.too_large = False
        self.memory = memory
        self._size = 0
        self._works: list[Callable[[], None]] = []

    def __enter__(self) -> Snapshot:
        _here.snapshot = self
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _here.snapshot = None

    def bundle(self, prefix: str, tensors: Sequence[Named]) -> None:
        """Copies what `write_bundle` is to write."""
        tensors = [_with_texts_copied(tensor) for tensor in tensors]
        sizes = [_size(tensor.value) for tensor in tensors]
        self._size += sum(sizes)
        self.too_large |= self._size > self.memory.limit
        if self.too_large:
            return
        image = self.memory.image(len(self._works), sum(sizes))
        copies = [image.copy(each) for each in by_name(tensors)]
        self.later(lambda: write_bundle(prefix, copies, image.room))

    def later(self, work: Callable[[], None]) -> None:
        """Has something be done after what was to be written so far."""
        self._works.append(work)

    def write(self) -> None:
        """Writes everything."""
        for work in self._works:
            work()


# ---- the thread


class Writing:
    """A save that goes on in a thread of its own, from now on.

    Saves are written in the order in which they began: the last one is the latest checkpoint, and
    of two under one name it is the one that stays.

    The interpreter does not end before it has. It may begin to end meanwhile, so what is done here
    must not start threads.

    Args:
      work: what is left to do.
      prefix: the checkpoint's, for messages.

    Raises:
      RuntimeError: if the system has no more threads, or the interpreter ends.
    """

    def __init__(self, work: Callable[[], object], prefix: str) -> None:
        self._work: Callable[[], object] | None = work
        self._prefix = prefix
        self._made_by = capture()
        self._error: BaseException | None = None
        # What waits for the thread itself and is interrupted takes it for one that has ended.
        self._ended = threading.Event()
        thread = threading.Thread(target=self._run, name="minitf-save", daemon=False)
        with _beginning:
            self._before = _under_way[-1]._ended if _under_way else None
            _under_way.append(self)
        try:
            thread.start()
        except BaseException:
            self._end()
            raise

    def _run(self) -> None:
        _here.writes = True
        work, self._work = self._work, None  # which holds the session
        before, self._before = self._before, None
        try:
            if before is not None:
                before.wait()
            with thread_limit(1):
                assert work is not None
                work()
        except BaseException as error:
            self._error = self._located(error)
            _log.error("A save in the background has failed: %s", self._error)
        finally:
            self._end()

    def _end(self) -> None:
        _under_way.remove(self)
        self._ended.set()

    def _located(self, error: BaseException) -> BaseException:
        """The error, with the line of the user that saved."""
        if not isinstance(error, errors.OpError):
            return error
        text = error.message.partition("\n  see: ")[0]
        message = f"{text}\n  saved, in the background, as {self._prefix} by {self._made_by}"
        located = type(error)(None, None, message)
        located.__cause__ = error
        return located

    def is_done(self) -> bool:
        """Whether it has ended, well or not."""
        return self._ended.is_set()

    def is_settled(self) -> bool:
        """Whether it has ended, and nobody has to be told what it failed with."""
        return self.is_done() and self._error is None

    def wait(self) -> None:
        """Returns when it has ended.

        Raises:
          BaseException: what it failed with; the first time only.
        """
        self._ended.wait()
        error, self._error = self._error, None
        if error is not None:
            raise error


_beginning = threading.RLock()
_under_way: list[Writing] = []  # in the order in which they began


def wait_for_all() -> None:
    """Returns when all saves of this process have ended, whether well or not.

    Who looks for checkpoints calls this first: what was saved is there. What a save failed with is
    told by the one who saved.
    """
    if _here.writes:
        return
    for writing in list(_under_way):
        writing._ended.wait()


def _forget() -> None:
    """In a forked child there are none: its parent writes what was to be written."""
    global _beginning
    _beginning = threading.RLock()
    for writing in _under_way:
        writing._ended = threading.Event()  # the lock of the old one may be taken
        writing._ended.set()
    _under_way.clear()
    _here.snapshot = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
