"""With this module threads can wait for one another for some microseconds without falling asleep.

To put a thread to sleep and to wake it takes the system tens of microseconds, which is as long as
some kernels run; and while a thread waits in Python it needs the interpreter's lock to notice
anything. So the threads that share kernels first wait here, in compiled code and awake, for a
number in memory to change.

>>> import numpy as np
>>> from minitf.kernels.waiting import Word
>>> ended = Word()
>>> ended.add(2)
>>> ended.reaches(2), ended.reaches(3)
(True, False)
"""

from __future__ import annotations

import os
import threading
import time

import numpy as np

from minitf.kernels.jit import available, jit
from minitf.kernels.simd import fresh_word, pause
from minitf.kernels.workspace import address

# How often a waiting thread looks before it gives up: some 100 to 300 microseconds, by processor.
LOOKS = 6_000

# A thread that has waited so long in vain sleeps so many seconds between one look and the next.
NAP = 0.0002

_lock = threading.Lock()  # guards words that Python adds to


class Word:
    """A number that threads add to, and that others wait for.

    Attributes:
      place: its address, for compiled code.
    """

    __slots__ = ("_array", "place")

    def __init__(self) -> None:
        self._array = np.zeros(1, np.int64)
        self.place = address(self._array)

    @property
    def value(self) -> int:
        """The number as it is now."""
        return int(self._array[0])

    def change(self) -> None:
        """Makes it another number, for those who watch it, where only Python adds to it.

        It keeps the interpreter's lock: no other thread gets in between.
        """
        self._array[0] += 1

    def add(self, number: int) -> None:
        """Adds to it, where nobody adds to it in compiled code."""
        with _lock:
            self._array[0] += number

    def reaches(self, number: int) -> bool:
        """Whether it becomes the number within some hundred microseconds."""
        if available():
            return bool(_reaches(self.place, number, LOOKS))
        return self.value == number

    def wait_for(self, number: int) -> None:
        """Returns when it has become the number."""
        while not self.reaches(number):
            time.sleep(NAP)


@jit
def _reaches(place: int, number: int, looks: int) -> bool:
    for _ in range(looks):
        if fresh_word(place) == number:
            return True
        pause()
    return False


def _renew_lock() -> None:
    """In a forked child: a thread that is not there may have held it."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)
