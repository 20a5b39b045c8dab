"""With this module a block becomes a function that can be called again and again.

A `Step` is what a run does: the block's source (`emit`), compiled, with its kernels and, where
shapes are known, with memory planned for what it makes (`memory`). Whoever runs it gets arrays that
nobody else holds, and errors that name the user's operation.
"""

from __future__ import annotations

import functools
import itertools
import linecache
from collections.abc import Callable
from types import TracebackType
from typing import Any

import numpy as np

from minitf.runtime.block import Block, Node
from minitf.runtime.emit import Source
from minitf.runtime.memory import Arenas, Plan

_numbers = itertools.count(1)
_QUIETLY = functools.partial(np.errstate, all="ignore")


class KernelError(Exception):
    """What a step raises where a kernel has failed.

    Attributes:
      node: the one that failed.
      values: the arrays that it was given.
      cause: what its kernel raised.
    """

    def __init__(self, node: Node, values: list[Any], cause: Exception) -> None:
        super().__init__(str(cause))
        self.node = node
        self.values = values
        self.cause = cause


class Step:
    """A block as a function.

    Args:
      block: what to run.
      bind: gives the kernel of a node, attributes and context filled in.
      arenas: where to lease memory from; None to have kernels allocate all that they make.

    Attributes:
      source: what runs, as Python source.
      plan: where arrays lie, or None.
    """

    def __init__(
        self, block: Block, bind: Callable[[Node], Callable[..., Any]], arenas: Arenas | None
    ) -> None:
        plan = None if arenas is None else Plan(block)
        self.plan = plan if plan is not None and plan.places else None
        self.source = Source(block, bind, self.plan)
        self._arenas = arenas or Arenas()
        self._filename = f"<minitf program {next(_numbers)}>"
        self._function = self.source.function(self._filename)

    def run(self, fed_values: list[Any]) -> list[Any]:
        """Calls the function; see `Program.run`.

        Returns:
          For each fetch what came out, as the caller's own array; or DEAD.

        Raises:
          KernelError: if a kernel fails.
        """
        arena = None
        try:
            # Division by zero and the like give inf and nan quietly, as in TensorFlow.
            with _QUIETLY():
                if self.plan is None:
                    return self._function(*fed_values)
                arena = self._arenas.lease(self.plan.size)
                return self._function(arena.arrays(self.plan), *fed_values)
        except Exception as error:
            located = self._located(error)
            if located is None:
                raise
            raise located from error
        finally:
            if arena is not None:
                self._arenas.give_back(arena)

    def _located(self, error: Exception) -> KernelError | None:
        """The error, with the node whose line in the source failed; None if it was no node's."""
        frame = _frame_of(self._filename, error.__traceback__)
        node = None if frame is None else self.source.node_of_line.get(frame.tb_lineno)
        if frame is None or node is None:
            return None
        # From now on a traceback can show the line.
        text = self.source.text
        lines = text.splitlines(keepends=True)
        linecache.cache[self._filename] = len(text), None, lines, self._filename
        scope = {**frame.tb_frame.f_globals, **frame.tb_frame.f_locals}
        values = [scope.get(self.source.names[id(value)]) for value in node.inputs]
        return KernelError(node, values, error)


def _frame_of(filename: str, trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and trace.tb_frame.f_code.co_filename != filename:
        trace = trace.tb_next
    return trace
