"""With this module large tensors are received into the same memory again and again.

The system hands out each page of a large new array when it is first touched, which costs more than
receiving into it. A model's variables and gradients have the same shapes in each step, so what one
step has received into, the next one can use. Where shapes are others in each step, as those of the
rows of a table are, what has not been used for a while is let go of.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minitf.framework.graph import Graph

Specs = Sequence[tuple[np.dtype[Any], tuple[int, ...]]]

# Smaller arrays come from the allocator in no time.
_LEAST_BYTES = 1 << 16
# Of each kind, as many as steps at the same time; more are let go of.
_MOST_OF_A_KIND = 16
# A kind of which none came back in so many steps is not needed any more.
_MOST_STEPS = 32

# Ops with a state that keep nothing of their inputs beyond the run.
_KEEP_NOTHING = frozenset(
    {
        *("_Send", "_Recv", "_Copy"),
        *("RandomUniform", "RandomUniformInt", "RandomStandardNormal", "TruncatedNormal"),
    }
)


@dataclass
class _Kind:
    """Arrays of one dtype and shape, and the number of the step in which one came back last."""

    free: list[Any] = field(default_factory=list)
    last: int = 0


class Buffers:
    """Arrays that nobody uses at the moment, by dtype and shape; the longest unused come first."""

    def __init__(self) -> None:
        self._kinds: OrderedDict[tuple[str, tuple[int, ...]], _Kind] = OrderedDict()
        self._steps = 0
        self._lock = threading.Lock()

    def lease(self, specs: Specs) -> list[Any]:
        """An array for each that is to be received; None for a small one or one of texts."""
        return [self._one(dtype, shape) for dtype, shape in specs]

    def _one(self, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Any:
        if dtype.hasobject or dtype.itemsize * math.prod(shape) < _LEAST_BYTES:
            return None
        with self._lock:
            kind = self._kinds.get((dtype.str, shape))
            return kind.free.pop() if kind is not None and kind.free else None

    def give_back(self, arrays: Sequence[Any]) -> None:
        """Lets later calls use arrays of a step that nobody will look at any more."""
        large = [array for array in arrays if _is_worth_keeping(array)]
        if not large:
            return
        with self._lock:
            self._steps += 1
            for array in large:
                self._keep(array)
            while next(iter(self._kinds.values())).last < self._steps - _MOST_STEPS:
                self._kinds.popitem(last=False)

    def _keep(self, array: Any) -> None:
        key = array.dtype.str, array.shape
        kind = self._kinds.setdefault(key, _Kind())
        kind.last = self._steps
        self._kinds.move_to_end(key)
        if len(kind.free) < _MOST_OF_A_KIND:
            kind.free.append(array)


def _is_worth_keeping(array: Any) -> bool:
    return type(array) is np.ndarray and array.nbytes >= _LEAST_BYTES and array.flags.owndata


def keeps_nothing(graph: Graph) -> bool:
    """Whether no node of a graph holds on to what it is given, as a queue does."""
    return all(
        not op._op_def.stateful
        or op._op_def.takes_references
        or not op._inputs
        or op.type in _KEEP_NOTHING
        for op in graph.get_operations()
    )
