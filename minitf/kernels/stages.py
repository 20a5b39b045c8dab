"""With this module a kernel that was planned for some shapes runs as one compiled call.

What a kernel has to work out in Python (how the work is cut, where matrices lie) depends on shapes
alone. So it is worked out once, put into memory as a record of numbers, and kept; what is left for
each call are the addresses of the arrays:

>>> import numpy as np
>>> from minitf.kernels.jit import available, native
>>> from minitf.kernels.records import array_at, fields, record, record_at
>>> from minitf.kernels.simd import take, word
>>> SIZES = fields("size", "block")
>>> @native
... def square(given, places, room, counter):
...     sizes = record_at(given, SIZES)
...     numbers = array_at(word(places, 0), sizes.size, np.float32)
...     index = take(counter)
...     while index * sizes.block < sizes.size:
...         start = index * sizes.block
...         for i in range(start, min(start + sizes.block, sizes.size)):
...             numbers[i] **= 2
...         index = take(counter)
>>> numbers = np.arange(10, dtype=np.float32)
>>> if available():
...     stages = Stages(Stage(square, 5, record(SIZES, size=10, block=2)))
...     stages.run(numbers)
...     assert numbers[9] == 81

Stages run one after the other; the blocks of each are shared out among threads. See `jobs`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from minitf.kernels.jit import NativeKernel
from minitf.kernels.parallel import lead
from minitf.kernels.workspace import address

Array = npt.NDArray[Any]
P = TypeVar("P")
_plans: list[Any] = []


def planned(plan: Callable[..., P]) -> Callable[..., P]:
    """Has a function of shapes keep what it returns: the plans of the last thousand shapes."""
    kept = functools.lru_cache(1024)(plan)
    _plans.append(kept)
    return kept


def forget_plans() -> None:
    """Has all plans made anew, for when something has changed that is not in their shapes."""
    for kept in _plans:
        kept.cache_clear()


class Stage(NamedTuple):
    """Blocks that can be computed in any order, by any thread.

    Attributes:
      code: a function as `jobs` has them.
      blocks: how many numbers it can take from its counter.
      given: what it is given: a `record`.
    """

    code: NativeKernel[Any, None]
    blocks: int
    given: npt.NDArray[Any]


class Stages:
    """The stages of a kernel, for arrays of some shapes.

    Args:
      *stages: in the order in which they run.
      room: bytes of memory that each thread needs, from where a line of the cache begins.
      keep: arrays whose addresses the stages are given.
    """

    def __init__(self, *stages: Stage, room: int = 0, keep: Sequence[Any] = ()) -> None:
        self._rows: Array | None = None
        self._stages, self._keep = stages, keep  # so that code and arrays stay where they are
        self._most = max(each.blocks for each in stages)
        self._room = room

    def run(self, *places: Array | int) -> None:
        """Runs them, with such places: addresses of arrays, which must be contiguous, or numbers.

        Arrays are kept until all is done.
        """
        words = [address(each) if isinstance(each, np.ndarray) else each for each in places]
        rows = self._rows if self._rows is not None else self._compiled()
        lead(rows, self._most, np.array(words, np.int64), self._room)

    def _compiled(self) -> Array:
        """What `lead` wants to know of the stages; compiles them, or finds them on disk."""
        rows = [(each.code.address(), address(each.given), each.blocks) for each in self._stages]
        self._rows = np.array(rows, np.int64)
        return self._rows
