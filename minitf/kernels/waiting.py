"""With this module threads can wait for one another for some microseconds without falling asleep.

To put a thread to sleep and to wake it takes the system tens of microseconds, which is as long as
some kernels run; and while a thread waits in Python it needs the interpreter's lock to notice
anything. So the threads that share kernels first wait here, in compiled code and awake, for a
number in memory to change.

>>> import numpy as np
>>> from minitf.kernels.waiting import Word
>>> ended, posted = Word(), Word()
>>> ended.add_and_watch(2, posted, seen=posted.value)
>>> ended.reaches(2), ended.reaches(3)
(True, False)
"""

from __future__ import annotations

import threading
import time

import numpy as np

from minitf.kernels.jit import available, jit
from minitf.kernels.simd import add_word, fresh_word, pause
from minitf.kernels.workspace import address

# How often a waiting thread looks before it gives up: some 100 to 300 microseconds, by processor.
_LOOKS = 6_000

# How many looks the one who changed a word needs to get from there into compiled code.
_LOOKS_TO_BEGIN = 200

# A thread that has waited so long in vain sleeps so many seconds between one look and the next.
NAP = 0.0002

_lock = threading.Lock()  # guards words where there is no compiled code


class Word:
    """A number that threads add to, and that others wait for."""

    __slots__ = ("_array", "_place")

    def __init__(self) -> None:
        self._array = np.zeros(1, np.int64)
        self._place = address(self._array)

    @property
    def value(self) -> int:
        """The number as it is now."""
        return int(self._array[0])

    def change(self) -> None:
        """Makes it another number, for those who watch it.

        Unlike `add_and_watch`, it keeps the interpreter's lock: no other thread gets in between.
        """
        self._array[0] += 1

    def reaches(self, number: int) -> bool:
        """Whether it becomes the number within some hundred microseconds."""
        if available():
            return bool(_reaches(self._place, number, _LOOKS))
        return self.value == number

    def wait_for(self, number: int) -> None:
        """Returns when it has become the number."""
        while not self.reaches(number):
            time.sleep(NAP)

    def add_and_watch(self, number: int, other: Word, seen: int) -> None:
        """Adds to it, then waits some hundred microseconds for another word to be no longer `seen`.

        In one call, so that whoever waits for this word can go on while this thread is already
        back in compiled code, and does not hold the interpreter's lock.
        """
        if available():
            _add_and_watch(self._place, number, other._place, seen, _LOOKS, _LOOKS_TO_BEGIN)
        else:
            with _lock:
                self._array[0] += number


def compile_waits() -> None:
    """Makes what threads wait in, or finds it on disk, so that their first wait cannot fail."""
    word = Word()
    word.add_and_watch(0, word, seen=-1)
    word.reaches(0)


@jit
def _reaches(place: int, number: int, looks: int) -> bool:
    for _ in range(looks):
        if fresh_word(place) == number:
            return True
        pause()
    return False


@jit
def _add_and_watch(
    place: int, number: int, watched: int, seen: int, looks: int, looks_to_begin: int
) -> None:
    add_word(place, number)
    for _ in range(looks):
        if fresh_word(watched) != seen:
            for _ in range(looks_to_begin):
                pause()
            return
        pause()
