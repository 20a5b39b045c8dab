"""With this module one can share a kernel's work among the cores, and get the same bits on any.

>>> import numpy as np
>>> from minitf.kernels.parallel import parallel_ranges
>>> squares = np.arange(10.0)
>>> def square(start, stop):
...     squares[start:stop] **= 2
>>> parallel_ranges(10, square, work=1)
>>> squares[-1]
np.float64(81.0)

The work is cut into blocks by its shape alone, never by the number of threads; each block is
computed by one thread and no two write to the same place. So the result cannot depend on how many
threads there are or which of them came first. Blocks are Python calls: to run at the same time
they spend their time in code that releases the interpreter's lock, such as a `jit` kernel or
numpy on large arrays.

There is one pool for the process. Whoever calls takes blocks as well, and needs no helper to
finish, so any number of threads may call at once, and a call from within a block just runs there.
"""

from __future__ import annotations

import functools
import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue

from minitf.kernels.jobs import LINE, Jobs, Words
from minitf.kernels.waiting import NAP, Word
from minitf.kernels.workspace import address, scratch

# A block smaller than this many elementary steps (loads, multiply-adds; some 20 microseconds of
# them) is not worth handing to another thread.
LEAST_WORK = 1 << 17

# The same in a stage of compiled blocks (see `stages`), which takes a microsecond to hand over.
LEAST_IN_STAGE = 1 << 14

# More blocks than this cost more in Python than they gain in balance.
_MOST_BLOCKS = 16


def parallel_for(n_blocks: int, block: Callable[[int], object]) -> None:
    """Calls `block(0)` ... `block(n_blocks - 1)`, on several threads, in no particular order.

    Args:
      n_blocks: chosen from the size of the work, not from the number of threads.
      block: must not write where another block reads or writes.

    Raises:
      BaseException: what the first failing block raised, once the blocks under way have ended;
        those not begun are left out.
    """
    helpers = 0 if _here.in_block else min(get_num_threads(), n_blocks) - 1
    if helpers <= 0:
        for index in range(n_blocks):
            block(index)
        return
    job = _Job(n_blocks, block)
    try:
        _pool.post(job, helpers)
        job.wait(job.take_blocks())
    except BaseException as error:  # an interrupt comes between any two lines
        job.abandon(error)
        raise


def lead(stages: Words, most: int, places: Words, room: int) -> None:
    """Runs stages of compiled blocks, one after the other, each on several threads; see `jobs`.

    Args:
      stages: a row for each: the address of its function, that of what it is given, and how many
        blocks it has.
      most: how many blocks the stage with the most has.
      places: words for the functions.
      room: bytes of memory that each thread needs, which nothing else uses meanwhile.
    """
    helpers = 0 if _here.in_block else min(get_num_threads(), most) - 1
    if helpers > 0:
        _pool.wake(helpers)
    each = -(-room // LINE) * LINE
    rooms = scratch("rooms", LINE + (helpers + 1) * each)
    _pool.jobs.lead(stages, places, address(rooms), each, helpers)


def parallel_ranges(
    total: int,
    block: Callable[[int, int], object],
    *,
    work: int,
    least: int = LEAST_WORK,
    multiple: int = 1,
) -> None:
    """Calls `block(start, stop)` for ranges that cover 0 ... total; for one range if work is small.

    Args:
      total: how many items there are.
      block: computes the items of a range, and writes nowhere else.
      work: elementary steps for one item.
      least: a range that has no more steps than this is not cut further.
      multiple: of how many items each range but the last has a multiple.
    """
    ranges = list(cut(total, work=work, least=least, multiple=multiple))
    parallel_for(len(ranges), lambda index: block(*ranges[index]))


def cut(
    total: int, *, work: int, least: int = LEAST_WORK, multiple: int = 1
) -> Iterator[tuple[int, int]]:
    """The ranges of `parallel_ranges`: at most 16, equally long but for the last.

    There is one, or an even number of them, so that two threads have the same to do.

    >>> list(cut(10, work=1, least=4))
    [(0, 5), (5, 10)]
    """
    size = block_size(total, work=work, least=least, multiple=multiple)
    for start in range(0, total, size):
        yield start, min(start + size, total)


def block_size(total: int, *, work: int, least: int = LEAST_WORK, multiple: int = 1) -> int:
    """How long the ranges of `cut` are."""
    blocks = min(total * work // least, _MOST_BLOCKS)
    blocks = max(blocks + blocks % 2 if blocks > 1 else 1, 1)
    size = max(-(-total // blocks), 1)
    return -(-size // multiple) * multiple


def get_num_threads() -> int:
    """How many threads share the work of one kernel: the cores of this process by default."""
    return _here.limit or _num_threads or _cores()


def set_num_threads(num_threads: int) -> None:
    """Sets how many threads share the work of one kernel; 0 for as many as there are cores.

    Raises:
      ValueError: if it is negative.
    """
    global _num_threads
    if num_threads < 0:
        raise ValueError(f"the number of threads must not be negative, got {num_threads}")
    _num_threads = num_threads


_num_threads = 0


class thread_limit:
    """Inside, kernels that this thread calls share their work among so many threads.

    Args:
      num_threads: 0 for as many as `get_num_threads` says without this.

    >>> with thread_limit(3):
    ...     get_num_threads()
    3
    """

    def __init__(self, num_threads: int) -> None:
        self._num_threads = num_threads

    def __enter__(self) -> None:
        self._before = _here.limit
        _here.limit = self._num_threads or self._before

    def __exit__(self, *_: object) -> None:
        _here.limit = self._before


@functools.cache
def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Here(threading.local):
    """What holds for this thread.

    Attributes:
      in_block: whether it is inside a block, where more threads would only get in the way.
      limit: how many threads it may use; 0 for no limit of its own.
    """

    in_block = False
    limit = 0


_here = _Here()


class _Job:
    """The blocks of one call; threads draw their numbers from one counter.

    Attributes:
      ended: how many blocks have ended.
    """

    def __init__(self, n_blocks: int, block: Callable[[int], object]) -> None:
        self.ended = Word()
        self._n_blocks = n_blocks
        self._block = block
        self._numbers = itertools.count()  # next() is one step under the interpreter's lock
        self._helping: list[None] = []  # an item for each helper inside
        self._error: BaseException | None = None

    def help(self) -> int:
        """What a helper does: `take_blocks`, so that `abandon` knows of it."""
        self._helping.append(None)
        try:
            return self.take_blocks()
        finally:
            self._helping.pop()

    def take_blocks(self) -> int:
        """Runs blocks until none is left; called by each thread that takes part.

        Returns:
          How many it ran; they are to be added to `ended`.
        """
        ended = 0
        try:
            _here.in_block = True
            for index in self._numbers:
                if index >= self._n_blocks:
                    break
                ended += 1
                if self._error is None:  # after an error the rest is counted, not run
                    try:
                        self._block(index)
                    except BaseException as error:
                        self._error = error
        finally:
            _here.in_block = False
        return ended

    def wait(self, own: int) -> None:
        """Returns when all but the caller's own blocks have ended too.

        Raises:
          BaseException: what a block raised.
        """
        self.ended.wait_for(self._n_blocks - own)
        if self._error is not None:
            raise self._error

    def abandon(self, error: BaseException) -> None:
        """Has no more blocks begin, and returns when no helper is inside.

        Another interrupt does not change that: what helpers still write to would be given away.
        """
        while self._error is None or self._helping:
            try:
                self._error = self._error or error
                time.sleep(NAP)
            except BaseException:
                continue


class _Pool:
    """The helpers: threads that wait for work, as many as were ever needed at once.

    A helper that has just worked waits awake for a while: kernels come one after the other. Blocks
    in Python come in a queue, at which helpers sleep; compiled ones in a table of `jobs`.

    Attributes:
      jobs: that table.
    """

    def __init__(self) -> None:
        self.jobs = Jobs()
        self.threads: list[threading.Thread] = []
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()  # None: look at the table
        self._posted: list[None] = []  # an item for each job in the queue
        self._asleep: list[None] = []  # an item for each helper at the queue
        self._lock = threading.Lock()

    def post(self, job: _Job, helpers: int) -> None:
        """Asks so many helpers to take part in a job."""
        self._employ(helpers)
        for _ in range(min(helpers, len(self.threads))):
            self._posted.append(None)
            self._queue.put(job)
        self.jobs.ask()

    def wake(self, helpers: int) -> None:
        """Has so many helpers awake, as there will be something in the table at once."""
        self._employ(helpers)
        self.jobs.announce()
        for _ in range(min(helpers, len(self._asleep)) - self._queue.qsize()):
            self._queue.put(None)

    def _employ(self, helpers: int) -> None:
        """Has at least so many helpers, if the system lets them begin.

        It may have no more threads, and Python begins none when it is about to end. All goes on
        with fewer, as nobody waits for a helper to come.
        """
        if len(self.threads) >= helpers:
            return
        # If they could not be compiled, a helper would die of that with blocks uncounted.
        self.jobs.compile()
        with self._lock:
            while len(self.threads) < helpers:
                name = f"minitf-kernels-{len(self.threads)}"
                thread = threading.Thread(target=self._help, name=name, daemon=True)
                try:
                    thread.start()
                except RuntimeError:
                    return
                self.threads.append(thread)

    def _help(self) -> None:
        nothing, news = Word(), (-1, -1)  # that was never so: something may be there already
        while True:
            job = self._next(news)
            news = asked, _ = self.jobs.news
            ended, number = (nothing, 0) if job is None else (job.ended, job.help())
            del job  # and with it the arrays of its blocks
            if self._posted:  # perhaps before this thread knew how `asked` was: it is back at once
                asked -= 1
            self.jobs.help(asked, ended, number)

    def _next(self, news: tuple[int, int]) -> _Job | None:
        """What the queue has, for which this sleeps; or None, to look at the table.

        Args:
          news: how those of `jobs` were before; if they have changed there is work about, and it is
            too early to sleep.
        """
        self._asleep.append(None)  # first, for who announces a job looks at this afterwards
        try:
            job = self._queue.get(block=self.jobs.news == news)
        except Empty:
            return None
        finally:
            self._asleep.pop()
        if job is not None:
            self._posted.pop()
        return job


def _renew_pool() -> None:
    """A forked child inherits no threads, and perhaps locks that a thread of its parent held."""
    global _pool
    _pool = _Pool()
    _here.in_block = False


_pool = _Pool()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_pool)
