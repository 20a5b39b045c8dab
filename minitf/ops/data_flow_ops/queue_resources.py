"""With this module runs hand elements to one another: what a queue is while a graph runs.

An element is a tuple of arrays, one per component. Whoever puts or takes waits for a turn, first
come first served, so that nobody waits for ever while others are served. An element that a failed
or cancelled dequeue has taken is put back: nothing is lost.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np

from minitf.framework import errors
from minitf.framework.dtypes import DType
from minitf.framework.tensor_shape import TensorShape
from minitf.framework.waiting import current_run
from minitf.kernels import philox

Element = tuple[Any, ...]

UNBOUNDED = 2**31 - 1


class _Turn:
    """A place in the line of those who put, or of those who take."""

    __slots__ = ("cancelled",)

    def __init__(self) -> None:
        self.cancelled = False


class QueueResource:
    """Elements that were put in and not yet taken out; subclasses say in which order they leave.

    Args:
      name: for messages.
      capacity: how many elements there may be; a negative number sets no bound.
      dtypes: of the components.
      shapes: of the components; empty if they may differ from element to element.
    """

    kind: ClassVar[str]

    def __init__(
        self, name: str, capacity: int, dtypes: Sequence[DType], shapes: Sequence[TensorShape]
    ) -> None:
        self.name = name
        self.capacity = UNBOUNDED if capacity < 0 else capacity
        self.dtypes = list(dtypes)
        self.shapes = list(shapes)
        self._closed = False
        self._changed = threading.Condition()
        self._putting: deque[_Turn] = deque()
        self._taking: deque[_Turn] = deque()

    # ---- what subclasses say

    def _count(self) -> int:
        """How many elements there are."""
        raise NotImplementedError

    def _put(self, element: Element) -> None:
        """Adds an element."""
        raise NotImplementedError

    def _take(self) -> Element:
        """Removes the element whose turn it is."""
        raise NotImplementedError

    def _put_back(self, elements: list[Element]) -> None:
        """Undoes takes, the oldest of which is the first."""
        raise NotImplementedError

    def _may_take(self) -> bool:
        """Whether an element may leave."""
        return self._count() > 0

    # ---- putting

    def enqueue(self, elements: list[Element]) -> None:
        """Adds elements, one after another, as there is room.

        Raises:
          CancelledError: if the queue is closed, or is closed meanwhile and does not take what
            is still to be put.
        """
        with self._changed:
            if self._closed:
                raise errors.CancelledError(None, None, f"{self} is closed.")
            with self._turn(self._putting) as turn:
                for element in elements:
                    current_run().wait(
                        self._changed, self._may_put(turn), lambda: f"room in {self._described()}"
                    )
                    if turn.cancelled:
                        raise errors.CancelledError(
                            None, None, f"Enqueue operation was cancelled: {self} was closed."
                        )
                    self._put(element)
                    self._changed.notify_all()

    def _may_put(self, turn: _Turn) -> Callable[[], bool]:
        return lambda: (
            turn.cancelled or (self._putting[0] is turn and self._count() < self.capacity)
        )

    # ---- taking

    def dequeue(self, count: int = 1, fewer_if_closed: bool = False) -> list[Element]:
        """Removes elements, one after another, as they come.

        Args:
          count: how many; there may be more than the queue has room for.
          fewer_if_closed: whether what is there is enough where no more can come.

        Raises:
          OutOfRangeError: if the queue is closed and there are not enough.
        """
        taken: list[Element] = []
        with self._changed, self._turn(self._taking) as turn:
            try:
                while len(taken) < count:
                    current_run().wait(
                        self._changed,
                        lambda: self._taking[0] is turn and (self._may_take() or self._is_over()),
                        lambda: self._wanted(count - len(taken)),
                        remark=True,
                    )
                    if self._count():
                        taken.append(self._take())
                        self._changed.notify_all()
                    elif fewer_if_closed and taken:
                        break
                    else:
                        raise errors.OutOfRangeError(
                            None,
                            None,
                            f"{self} is closed and has insufficient elements (requested {count}, "
                            f"current size {len(taken)})",
                        )
            except BaseException:
                self._put_back(taken)
                raise
        return taken

    def _is_over(self) -> bool:
        """Whether no element can come any more."""
        return self._closed and not self._putting

    def _wanted(self, missing: int) -> str:
        return f"{missing} more element{'s' * (missing > 1)} of {self._described()}"

    # ---- the rest

    def close(self, cancel_pending_enqueues: bool) -> None:
        """Takes no new elements; what is there can be dequeued.

        Args:
          cancel_pending_enqueues: whether those who are waiting for room are refused, too.

        Raises:
          CancelledError: if it was closed before.
        """
        with self._changed:
            if self._closed:
                raise errors.CancelledError(None, None, f"Queue '{self.name}' is already closed.")
            self._closed = True
            if cancel_pending_enqueues:
                for turn in self._putting:
                    turn.cancelled = True
            self._changed.notify_all()

    def is_closed(self) -> bool:
        """Whether it takes no more elements."""
        with self._changed:
            return self._is_over()

    def size(self) -> int:
        """How many elements there are."""
        with self._changed:
            return self._count()

    @contextmanager
    def _turn(self, line: deque[_Turn]) -> Iterator[_Turn]:
        turn = _Turn()
        line.append(turn)
        try:
            yield turn
        finally:
            line.remove(turn)
            self._changed.notify_all()

    def __str__(self) -> str:
        return f"{self.kind} '{self.name}'"

    def _described(self) -> str:
        state = ", closed" if self._closed else ""
        room = "without bound" if self.capacity == UNBOUNDED else f"for {self.capacity}"
        return (
            f"{self}, which holds {self._count()}, has room {room}{state}, and which "
            f"{len(self._putting)} enqueue and {len(self._taking)} dequeue wait for"
        )

    # ---- several elements at once

    def batch(self, elements: list[Element]) -> Element:
        """Elements as one, each of whose components has one more dim in front."""
        return tuple(self._stacked(i, [e[i] for e in elements]) for i in range(len(self.dtypes)))

    def _stacked(self, component: int, values: list[Any]) -> Any:
        dtype = self.dtypes[component].as_numpy_dtype
        if not values:
            return np.empty([0, *self.shapes[component].as_list()], dtype)
        return np.stack([np.asarray(value, dtype) for value in values])


class FIFOQueueResource(QueueResource):
    """First in, first out."""

    kind = "FIFOQueue"

    def __init__(self, *args: Any, **others: Any) -> None:
        super().__init__(*args, **others)
        self._elements: deque[Element] = deque()

    def _count(self) -> int:
        return len(self._elements)

    def _put(self, element: Element) -> None:
        self._elements.append(element)

    def _take(self) -> Element:
        return self._elements.popleft()

    def _put_back(self, elements: list[Element]) -> None:
        self._elements.extendleft(reversed(elements))


class PaddingFIFOQueueResource(FIFOQueueResource):
    """First in, first out; elements of a batch are made equally large by zeros at their ends."""

    kind = "PaddingFIFOQueue"

    def _stacked(self, component: int, values: list[Any]) -> Any:
        dtype = self.dtypes[component]
        shape = self.shapes[component]
        arrays = [np.asarray(value, dtype.as_numpy_dtype) for value in values]
        sizes = [
            max((array.shape[axis] for array in arrays), default=0) if dim is None else dim
            for axis, dim in enumerate(shape.as_list())
        ]
        padding: Any = b"" if dtype.name == "string" else 0
        padded = np.full([len(arrays), *sizes], padding, dtype.as_numpy_dtype)
        for row, array in zip(padded, arrays, strict=True):
            row[tuple(slice(size) for size in array.shape)] = array
        return padded


class RandomShuffleQueueResource(QueueResource):
    """Any element leaves, with equal chances; TensorFlow's own choices where there are seeds.

    Args:
      min_after_dequeue: how many elements stay in an open queue, to be chosen from.
      seed, seed2: see `minitf.kernels.philox`.
    """

    kind = "RandomShuffleQueue"

    def __init__(
        self, *args: Any, min_after_dequeue: int = 0, seed: int = 0, seed2: int = 0
    ) -> None:
        super().__init__(*args)
        self._least = min_after_dequeue
        self._generator = philox.Philox(seed, seed2)
        self._words: list[int] = []
        self._elements: list[Element] = []

    def _count(self) -> int:
        return len(self._elements)

    def _may_take(self) -> bool:
        return len(self._elements) > (0 if self._is_over() else self._least)

    def _put(self, element: Element) -> None:
        self._elements.append(element)

    def _take(self) -> Element:
        place = self._draw() % len(self._elements)
        last = self._elements.pop()
        if place == len(self._elements):
            return last
        chosen, self._elements[place] = self._elements[place], last
        return chosen

    def _draw(self) -> int:
        """The next random word; they come in fours."""
        if not self._words:
            block = self._generator.reserve(1).words(np.zeros(1, np.uint64))
            self._words = [int(word) for word in reversed(block[:, 0])]
        return self._words.pop()

    def _put_back(self, elements: list[Element]) -> None:
        self._elements.extend(elements)

    def _wanted(self, missing: int) -> str:
        kept = f", of which {self._least} stay in it while it is open" if self._least else ""
        return super()._wanted(missing) + kept


class PriorityQueueResource(QueueResource):
    """The element with the least first component leaves; among equal ones, the oldest."""

    kind = "PriorityQueue"

    def __init__(self, *args: Any, **others: Any) -> None:
        super().__init__(*args, **others)
        self._elements: list[tuple[int, int, Element]] = []
        self._numbers = itertools.count()

    def _count(self) -> int:
        return len(self._elements)

    def _put(self, element: Element) -> None:
        heapq.heappush(self._elements, (int(element[0]), next(self._numbers), element))

    def _take(self) -> Element:
        return heapq.heappop(self._elements)[2]

    def _put_back(self, elements: list[Element]) -> None:
        # Before all others of their priority, where they came from.
        for number, element in enumerate(elements, -len(elements) - next(self._numbers)):
            heapq.heappush(self._elements, (int(element[0]), number, element))
