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
import numpy.typing as npt

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
        self._arrays: tuple[npt.NDArray[np.uint8], list[Any]] | None = None
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
                return self._function(self._arrays_in(arena), *fed_values)
        except Exception as error:
            raise self._located(error) from error
        finally:
            if arena is not None:
                self._arenas.give_back(arena)

    def _arrays_in(self, arena: npt.NDArray[np.uint8]) -> list[Any]:
        """The planned arrays; those of the last run, if it had the same arena."""
        last = self._arrays
        if last is None or last[0] is not arena:
            assert self.plan is not None
            last = self._arrays = arena, self.plan.arrays(arena)
        return last[1]

    def _located(self, error: Exception) -> Exception:
        """The error, with the node whose line in the source failed."""
        frame = _frame_of(self._filename, error.__traceback__)
        if frame is None:
            return error
        # From now on a traceback can show the line.
        text = self.source.text
        lines = text.splitlines(keepends=True)
        linecache.cache[self._filename] = len(text), None, lines, self._filename
        node = self.source.node_of_line[frame.tb_lineno]
        scope = {**frame.tb_frame.f_globals, **frame.tb_frame.f_locals}
        values = [scope.get(self.source.names[id(value)]) for value in node.inputs]
        return KernelError(node, values, error)


def _frame_of(filename: str, trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and trace.tb_frame.f_code.co_filename != filename:
        trace = trace.tb_next
    return trace
