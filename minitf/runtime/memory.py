"""With this module the arrays of a run share memory that is planned once and used by every run.

A large new array costs more than the work on it: the system hands out each of its pages when it is
first touched. Where the shapes are known, so is the size of every array that a program makes, and
from which step to which it is in use. Arrays that are not in use together can lie in one place:

    step        1   2   3   4   5
    Conv2D      |-------|                     bytes      0 ... 5,017,600
    Relu                |-------|             bytes  5,017,600 ... 10,035,200
    MaxPool                 |-------|         bytes      0 ... 1,254,400

One stretch of memory, an arena, has room for all. Each run leases one, so that several threads can
run a program at once; a session's programs take turns with the same ones.
"""

from __future__ import annotations

import math
import threading
from bisect import insort
from collections.abc import Iterator
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from minitf.kernels.workspace import address
from minitf.runtime.block import Block, Node, Value

# Smaller arrays come from the allocator in no time.
_LEAST_BYTES = 1 << 14

# Every array begins where a line of the cache begins, so that no vector in it lies across two.
_LINE = 64


class Place(NamedTuple):
    """Where in an arena an array lies."""

    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def nbytes(self) -> int:
        """How many bytes it takes."""
        return math.prod(self.shape) * self.dtype.itemsize


class Plan:
    """Where the arrays of a block lie.

    Attributes:
      places: all of them, in the order in which they are made.
      number: for each planned value, by `id`, which of the places is its.
      size: how many bytes an arena needs.
    """

    def __init__(self, block: Block) -> None:
        self.places: list[Place] = []
        self.number: dict[int, int] = {}
        self.size = 0
        last_use, kept = _lives(block)
        live: list[tuple[int, int, int]] = []  # where it begins and ends, and its last step
        for step, node in enumerate(block.nodes):
            live = [each for each in live if each[2] >= step]
            for value in _outputs_to_plan(node):
                if id(value) in kept or value.shape.num_elements() is None:
                    continue
                shape = tuple(dim or 0 for dim in value.shape.as_list())
                place = Place(0, shape, np.dtype(value.dtype.as_numpy_dtype))
                if place.nbytes < _LEAST_BYTES:
                    continue
                size = -(-place.nbytes // _LINE) * _LINE
                offset = _first_gap(size, live)
                insort(live, (offset, offset + size, last_use[id(value)]))
                self.number[id(value)] = len(self.places)
                self.places.append(place._replace(offset=offset))
                self.size = max(self.size, offset + size)

    def __str__(self) -> str:
        total = sum(place.nbytes for place in self.places)
        return (
            f"arena: {self.size / 1e6:.1f} MB for {len(self.places)} arrays of {total / 1e6:.1f} MB"
        )


def _outputs_to_plan(node: Node) -> Iterator[Value]:
    """What a node makes that its kernel can put where it is told."""
    if node.op_def.kernel_takes_out:
        yield from (v for v in node.outputs if v is not None and v.dtype.is_numpy_compatible)


def _lives(block: Block) -> tuple[dict[int, int], set[int]]:
    """For each value, by `id`, the last step that reads its memory; and those that must stay.

    A view of an array keeps the array, and what merges two branches keeps those of both. What is
    fetched outlives the run, and what a stateful kernel is given may be kept by it.
    """
    arrays: dict[int, set[int]] = {}  # those that a view may be of
    last_use: dict[int, int] = {}
    kept: set[int] = set()
    for step, node in enumerate(block.nodes):
        read = [arrays.get(id(value), {id(value)}) for value in node.inputs]
        if node.op_def.aliases and read:
            viewed = set().union(*read) if node.op_def.is_merge else read[0]
            arrays.update((id(value), viewed) for value in node.outputs)
        used = set().union(*read)
        for value in node.outputs:
            used |= arrays.get(id(value), {id(value)})
        last_use.update((each, step) for each in used)
        if node.op_def.stateful and not node.op_def.takes_references:
            kept.update(*read)
    kept.update(*(arrays.get(id(fetch), {id(fetch)}) for fetch in block.fetches))
    return last_use, kept


def _first_gap(size: int, live: list[tuple[int, int, int]]) -> int:
    """The first place where so many bytes fit between arrays in use, which are sorted."""
    offset = 0
    for begin, end, _ in live:
        if begin - offset >= size:
            break
        offset = max(offset, end)
    return offset


class Arena:
    """A stretch of memory, and the arrays that plans have in it."""

    def __init__(self, size: int) -> None:
        room = np.empty(size + _LINE, np.uint8)
        begin = -address(room) % _LINE
        self.memory = room[begin : begin + size]
        self._arrays: WeakKeyDictionary[Plan, list[npt.NDArray[Any]]] = WeakKeyDictionary()

    def arrays(self, plan: Plan) -> list[npt.NDArray[Any]]:
        """The arrays of all places of a plan, which are made once."""
        found = self._arrays.get(plan)
        if found is None:
            found = self._arrays[plan] = [
                self.memory[place.offset : place.offset + place.nbytes]
                .view(place.dtype)
                .reshape(place.shape)
                for place in plan.places
            ]
        return found


class Arenas:
    """Memory that runs lease and give back; there are as many arenas as runs at the same time."""

    def __init__(self) -> None:
        self._free: list[Arena] = []
        self._closed = False
        self._lock = threading.Lock()

    def lease(self, size: int) -> Arena:
        """An arena of at least so many bytes; what it holds is left from before."""
        with self._lock:
            self._free.sort(key=lambda arena: len(arena.memory))
            arena = self._free.pop() if self._free else None
        # A smaller one is let go of.
        return arena if arena is not None and len(arena.memory) >= size else Arena(size)

    def give_back(self, arena: Arena) -> None:
        """Has others use it."""
        with self._lock:
            if not self._closed:
                self._free.append(arena)

    def close(self) -> None:
        """Lets go of the memory, also of what is still leased when it is given back."""
        with self._lock:
            self._closed = True
            self._free.clear()
