"""With this module threads hand compiled work to one another without Python in between.

To wake a thread takes the system tens of microseconds, and to run Python a thread needs the
interpreter's lock. So helpers that have just worked stay awake for a while, in compiled code, and
look at a table of jobs; who has work puts it there, and begins:

    leader      put stage 1 | blocks ........ | close | put stage 2 | blocks ...... | close
    helper       look  | take a seat | blocks ...... | look  | take a seat | blocks ... | look

Nobody waits for a helper to come, only for those that have come to end. A stage is a function of
four addresses, which takes blocks from a counter until there are none left:

    stage(given, places, room, counter)

    given       what is the same for all calls, such as sizes
    places      what differs, such as the addresses of arrays
    room        memory that is this thread's until the stage ends
    counter     where to `simd.take` the numbers of blocks

`parallel` has the threads, and `stages` what kernels are written with.
"""

from __future__ import annotations

import ctypes
import functools

import numpy as np
import numpy.typing as npt

from minitf.kernels.jit import available, jit
from minitf.kernels.simd import (
    add_word,
    call,
    fresh_word,
    pause,
    set_word,
    swap_word,
    word,
)
from minitf.kernels.waiting import LOOKS, Word
from minitf.kernels.workspace import address

Words = npt.NDArray[np.int64]

# Bytes that belong to one thread alone, so that others do not take its line of the cache away.
LINE = 64

# So many threads can lead at once; more work alone.
_JOBS = 8

# The words of a job: whether somebody has it; how many helpers may still come; how many of them
# have ended; and the arguments.
_TAKEN, _SEATS, _ENDED, _FUNCTION, _GIVEN, _PLACES, _ROOMS, _EACH, _COUNTER = range(9)
_WORDS, _SIZE = 16, 8

# How many looks the one who asks for Python needs to get from there into compiled code.
_LOOKS_TO_BEGIN = 200

# A thread that has looked so often in vain offers its core to others: the one that it waits for may
# have none, most of all when it has just woken this one.
_LOOKS_AT_ONCE = 500

# How many helpers may come to a job that is closed.
_CLOSED = -(1 << 40)


class Jobs:
    """A table of jobs, and the words by which helpers learn that there is something new in it."""

    def __init__(self) -> None:
        self._memory = np.zeros(_JOBS * _WORDS + LINE // _SIZE, np.int64)
        self._table = -(-address(self._memory) // LINE) * LINE
        self._posted, self._leading = Word(), Word()  # which compiled code adds to
        self._asked, self._announced = Word(), Word()  # which Python changes

    def announce(self) -> None:
        """Has helpers that are about to fall asleep look again: a job will come."""
        self._announced.change()

    def ask(self) -> None:
        """Has helpers that are awake return to Python."""
        self._asked.change()

    @property
    def news(self) -> tuple[int, int]:
        """Changes with each `ask`, of which the first number tells, and each `announce`."""
        return self._asked.value, self._announced.value

    def lead(self, stages: Words, places: Words, room: int, each: int, seats: int) -> None:
        """Runs stages, one after the other, with the help of those who come.

        Args:
          stages: a row for each: the address of its function, what it is `given`, and how many
            blocks it has.
          places: what `places` is the address of.
          room: the address of a line for the counter, and of room for `seats + 1` threads.
          each: bytes of room for each thread: a multiple of `LINE`.
          seats: how many helpers may come.
        """
        words = self._posted.place, self._leading.place
        _lead(self._table, words, stages, places, room, each, seats, _idle())

    def help(self, asked: int, ended: Word, number: int) -> None:
        """Helps with jobs, until nobody has led any for some hundred microseconds.

        Args:
          asked: returns as soon as the first number of `news` is no longer this.
          ended: to which `number` is added first. In one call, so that whoever waits for this word
            can go on while this thread is already back in compiled code.
        """
        if not available():
            ended.add(number)
            return
        words = self._posted.place, self._leading.place, self._asked.place
        _help(self._table, words, asked, ended.place, number, _idle())

    def compile(self) -> None:
        """Makes what threads wait in, or finds it on disk, so that their first wait cannot fail."""
        if available():
            ended = Word()
            ended.reaches(0)
            self.help(self.news[0] - 1, ended, 0)


@functools.cache
def _idle() -> int:
    """The address of what lets other threads of the system run; 0 where there is no such thing."""
    try:
        function = ctypes.CDLL(None).sched_yield
    except (AttributeError, OSError, TypeError):  # Windows
        return 0
    return ctypes.cast(function, ctypes.c_void_p).value or 0


@jit
def _lead(
    table: int,
    words: tuple[int, int],
    stages: Words,
    places: Words,
    room: int,
    each: int,
    seats: int,
    idle: int,
) -> None:
    posted, leading = words
    job = _claimed(table) if seats > 0 else 0
    counter, rooms, arguments = room, room + LINE, places.ctypes.data
    if job != 0:
        add_word(leading, 1)
        set_word(job, _PLACES, arguments)
        set_word(job, _ROOMS, rooms)
        set_word(job, _EACH, each)
        set_word(job, _COUNTER, counter)
    for index in range(len(stages)):
        function, given = stages[index, 0], stages[index, 1]
        helpers = min(seats, stages[index, 2] - 1)
        set_word(counter, 0, 0)
        if job == 0 or helpers <= 0:
            call(function, (given, arguments, rooms, counter))
            continue
        set_word(job, _FUNCTION, function)
        set_word(job, _GIVEN, given)
        set_word(job, _ENDED, 0)
        swap_word(job + _SEATS * _SIZE, helpers)
        add_word(posted, 1)
        call(function, (given, arguments, rooms, counter))
        left = swap_word(job + _SEATS * _SIZE, _CLOSED)
        _wait(job + _ENDED * _SIZE, helpers - max(left, 0), idle)
    if job != 0:
        add_word(leading, -1)
        swap_word(job + _TAKEN * _SIZE, 0)


@jit(inline="always")
def _claimed(table: int) -> int:
    """A job of the table that nobody has, or 0."""
    for index in range(_JOBS):
        job = table + index * _WORDS * _SIZE
        if fresh_word(job) == 0 and swap_word(job + _TAKEN * _SIZE, 1) == 0:
            return job
    return 0


@jit(inline="always")
def _wait(place: int, number: int, idle: int) -> None:
    looks = 0
    while fresh_word(place) != number:
        _look_away(looks, idle)
        looks += 1


@jit(inline="always")
def _look_away(looks: int, idle: int) -> None:
    """What a thread does that has looked so often in vain, before it looks again."""
    pause()
    if looks % _LOOKS_AT_ONCE == _LOOKS_AT_ONCE - 1 and idle != 0:
        call(idle, ())


@jit
def _help(
    table: int, words: tuple[int, int, int], asked: int, ended: int, number: int, idle: int
) -> None:
    posted, leading, asked_ = words
    add_word(ended, number)
    left, vain = LOOKS, 0
    seen = fresh_word(posted) - 1
    while left > 0:
        if fresh_word(asked_) != asked:
            for _ in range(_LOOKS_TO_BEGIN):
                pause()
            break
        now = fresh_word(posted)
        if now == seen:
            _look_away(vain, idle)
            vain += 1
            left -= 1 if fresh_word(leading) == 0 else 0  # else there is more to come at once
            continue
        left, vain, seen = LOOKS, 0, now
        for index in range(_JOBS):
            _help_with(table + index * _WORDS * _SIZE)


@jit(inline="always")
def _help_with(job: int) -> None:
    """Helps with a job, if there is a seat."""
    if fresh_word(job + _SEATS * _SIZE) <= 0:
        return
    seat = add_word(job + _SEATS * _SIZE, -1)
    if seat <= 0:
        return
    # From here on the leader waits for this thread, and so what it put there stays.
    call(
        word(job, _FUNCTION),
        (
            word(job, _GIVEN),
            word(job, _PLACES),
            word(job, _ROOMS) + seat * word(job, _EACH),
            word(job, _COUNTER),
        ),
    )
    add_word(job + _ENDED * _SIZE, 1)
