"""Stages for the tests of `jobs` and `stages`, which tell what was done to them.

Their first place is that of integers, one or more for each block. None can hang: blocks that wait
give up after a while, and their integer stays 0.
"""

from __future__ import annotations

import numpy as np

from minitf.kernels.jit import NativeKernel, jit, native
from minitf.kernels.jobs import _idle
from minitf.kernels.records import array_at, fields, record, record_at
from minitf.kernels.simd import add_word, call, fresh_word, pause, set_word, take, word
from minitf.kernels.stages import Stage

# More than any number of threads.
LEAVE = 1 << 20

# So often a block looks whether it may leave: for a minute or more.
LOOKS = 2_000_000_000

# What each is given:
GIVEN = fields(
    *("blocks", "row"),  # how many there are; the row of integers that they set
    "room",  # integers in each thread's
    "idle",  # the address of what lets others run meanwhile
)


def stage(code: NativeKernel, blocks: int, **given: int) -> Stage:
    """A stage of this module."""
    values = dict.fromkeys(GIVEN.names or (), 0) | {"blocks": blocks, "idle": _idle()} | given
    return Stage(code, blocks, record(GIVEN, **values))


@native
def count(given_: int, places: int, room: int, counter: int) -> None:
    """Adds one to each integer."""
    given = record_at(given_, GIVEN)
    index = take(counter)
    while index < given.blocks:
        add_word(word(places, 0) + 8 * index, 1)
        index = take(counter)


@native
def follow(given_: int, places: int, room: int, counter: int) -> None:
    """Sets integers to one more than all in the row before are; to -1 if those are not the same."""
    given = record_at(given_, GIVEN)
    rows = array_at(word(places, 0), (given.row + 1, given.blocks), np.int64)
    before = rows[given.row - 1]
    index = take(counter)
    while index < given.blocks:
        rows[given.row, index] = before[0] + 1 if before.min() == before.max() else -1
        index = take(counter)


@native
def where(given_: int, places: int, room: int, counter: int) -> None:
    """Sets each integer to the address of the room of the thread that came to it."""
    given = record_at(given_, GIVEN)
    index = take(counter)
    while index < given.blocks:
        set_word(word(places, 0), index, room)
        index = take(counter)


@native
def stay(given_: int, places: int, room: int, counter: int) -> None:
    """Has threads stay: each adds to the integer at the second place until that is `LEAVE`.

    A block's integer becomes 1 if it was so in the end, and the room stayed the thread's own.
    """
    given = record_at(given_, GIVEN)
    mine = array_at(room, given.room, np.int64)
    index = take(counter)
    while index < given.blocks:
        mine[:] = index
        add_word(word(places, 1), 1)
        left = _comes(word(places, 1), LEAVE, given.idle)
        set_word(word(places, 0), index, 1 if left and (mine == index).all() else 0)
        index = take(counter)


@jit
def _comes(place: int, number: int, idle: int) -> bool:
    """Whether an integer becomes so large in time."""
    for look in range(LOOKS):
        if fresh_word(place) >= number:
            return True
        pause()
        if look % 1000 == 999 and idle != 0:
            call(idle, ())
    return False
