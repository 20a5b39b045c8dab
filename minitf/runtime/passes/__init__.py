"""With this module a pruned graph is rewritten before it runs.

A pass takes the ordered operations of a program and returns the ordered operations to run
instead. Passes read the traits of op declarations, never op names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor

Pass = Callable[[list[Operation], list[Any], set[Tensor]], list[Operation]]


class Passes:
    """The rewrites that a session applies, in order; none so far.

    Args:
      passes: functions `(ops, fetches, fed) -> ops`.
    """

    def __init__(self, passes: tuple[Pass, ...] = ()) -> None:
        self._passes = passes

    def apply(self, ops: list[Operation], fetches: list[Any], fed: set[Tensor]) -> list[Operation]:
        """Runs every pass over the operations of one program."""
        for rewrite in self._passes:
            ops = rewrite(ops, fetches, fed)
        return ops
