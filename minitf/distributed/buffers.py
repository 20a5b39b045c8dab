"""With this module large tensors are received into the same memory again and again.

The system hands out each page of a large new array when it is first touched, which costs more than
receiving into it. A model's variables and gradients have the same shapes in each step, so what one
step has received into, the next one can use.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from minitf.framework.graph import Graph

Specs = Sequence[tuple[np.dtype[Any], tuple[int, ...]]]

# Smaller arrays come from the allocator in no time.
_LEAST_BYTES = 1 << 16
# Of each kind, as many as steps at the same time; more are let go of.
_MOST_OF_A_KIND = 16

# Ops with a state that keep nothing of their inputs beyond the run.
_KEEP_NOTHING = frozenset(
    {
        *("_Send", "_Recv", "_Copy"),
        *("RandomUniform", "RandomUniformInt", "RandomStandardNormal", "TruncatedNormal"),
    }
)


class Buffers:
    """Arrays that nobody uses at the moment, by dtype and shape."""

    def __init__(self) -> None:
        self._free: dict[tuple[str, tuple[int, ...]], list[Any]] = {}
        self._lock = threading.Lock()

    def lease(self, specs: Specs) -> list[Any]:
        """An array for each that is to be received; None for a small one or one of texts."""
        return [self._one(dtype, shape) for dtype, shape in specs]

    def _one(self, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Any:
        if dtype.hasobject or dtype.itemsize * math.prod(shape) < _LEAST_BYTES:
            return None
        with self._lock:
            free = self._free.get((dtype.str, shape))
            if free:
                return free.pop()
        return None

    def give_back(self, arrays: Sequence[Any]) -> None:
        """Lets later calls use arrays that nobody will look at any more."""
        with self._lock:
            for array in arrays:
                if type(array) is np.ndarray and array.nbytes >= _LEAST_BYTES:
                    free = self._free.setdefault((array.dtype.str, array.shape), [])
                    if len(free) < _MOST_OF_A_KIND and array.flags.owndata:
                        free.append(array)


def keeps_nothing(graph: Graph) -> bool:
    """Whether no node of a graph holds on to what it is given, as a queue does."""
    return all(
        not op._op_def.stateful
        or op._op_def.takes_references
        or not op._inputs
        or op.type in _KEEP_NOTHING
        for op in graph.get_operations()
    )
