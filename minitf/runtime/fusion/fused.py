"""With this module a group of nodes becomes one kernel.

At first it runs cold: the nodes' own kernels, one after the other. When that has taken about as
long as a compile does, the loop is compiled, and runs from then on; at once if an earlier process
has left its machine code on disk. The bits are the same either way.
"""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from minitf.kernels import generated, reductions
from minitf.kernels.parallel import LEAST_WORK, parallel_ranges
from minitf.kernels.workspace import into, workspace
from minitf.runtime import run_errors
from minitf.runtime.block import Node
from minitf.runtime.fusion.layout import SCALAR, Access, Layout
from minitf.runtime.fusion.loop import Loop

Shape = tuple[int, ...]

# A loop that has run cold for as long as this is compiled: about what that takes.
COMPILE_AFTER_SECONDS = 0.5

# A loop that takes more instructions for an element than this is deep; see `generated`.
_DEEP = 40

# A vector instruction does as much as so many of the steps that `parallel_ranges` counts.
_STEPS_AT_ONCE = 8


class Step(NamedTuple):
    """One of the nodes.

    Attributes:
      node: which, for errors.
      kernel: its kernel, attributes filled in.
      reads: which of the values so far it takes: first come the inputs, then what each step made.
      frees: which of the values nobody reads after it.
    """

    node: Node
    kernel: Callable[..., Any]
    reads: tuple[int, ...]
    frees: tuple[int, ...]


class Total(NamedTuple):
    """A sum of elements.

    Attributes:
      folds: how it is added up.
      shape: of the result.
      dtype: of the result.
      divisor: how many elements make one, if their mean is wanted.
    """

    folds: reductions.Folds
    shape: Shape
    dtype: Any
    divisor: int | None


class Hotness:
    """How much time all kernels with one source have spent cold, and their machine code."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._spent = 0.0
        self._has_looked = False
        self._lock = threading.Lock()
        self.compiled: Callable[..., None] | None = None

    def note(self, seconds: float) -> None:
        """Counts a cold run."""
        self._spent += seconds

    def warmed(self) -> Callable[..., None] | None:
        """The compiled loop, if it is there or its time has come."""
        if self._spent >= COMPILE_AFTER_SECONDS or self._is_kept():
            with self._lock:
                if self.compiled is None:
                    kernel = generated.kernel(self._loop.name, self._loop.text)
                    self.compiled = generated.compile_for(
                        kernel, self._loop.parameters, is_deep=self._loop.cost > _DEEP
                    )
                if self.compiled is None:
                    self._spent = -math.inf
        return self.compiled

    def _is_kept(self) -> bool:
        """Whether its machine code can be had for little; looked up once."""
        if self._has_looked or "numba" not in sys.modules:
            return False
        self._has_looked = True
        return generated.is_kept(generated.kernel(self._loop.name, self._loop.text))


_hotness: dict[str, Hotness] = {}


class Plan(NamedTuple):
    """All that the kernel of a group needs.

    Attributes:
      loop: what is compiled.
      layout: how it goes through the elements; of its arrays the given ones come first.
      given: the shapes of the arrays that are given.
      constants: what the loop takes besides, as its arguments.
      shape: of the elements.
      outputs: the dtypes of the elements that are kept.
      totals: the sums, which come after these.
      known: the arrays that the steps read besides those that are given.
      steps: the nodes.
      results: which of the steps' values are the results.
    """

    loop: Loop
    layout: Layout
    given: tuple[Shape, ...]
    constants: tuple[Any, ...]
    shape: Shape
    outputs: tuple[Any, ...]
    totals: tuple[Total, ...]
    known: tuple[Any, ...]
    steps: tuple[Step, ...]
    results: tuple[int, ...]


class Fused:
    """The kernel of a group.

    Attributes:
      code: the source of its loop.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.__name__ = plan.loop.name
        self.code = plan.loop.code
        self._hotness = _hotness.setdefault(plan.loop.text, Hotness(plan.loop))
        layout = plan.layout
        given = len(plan.given)
        self._accesses = layout.accesses[:given]
        self._constants = [
            argument(array, access)
            for array, access in zip(plan.constants, layout.accesses[given:], strict=True)
        ]
        self._integers = [layout.total, layout.span]
        self._rounds = layout.pieces
        work = layout.span * plan.loop.cost // _STEPS_AT_ONCE
        if plan.totals:
            folds = plan.totals[0].folds
            self._integers += [folds.turns, folds.width]
            self._rounds = folds.blocks
            work *= folds.turns
        self._work = work
        self._is_small = self._rounds * work <= LEAST_WORK

    def __call__(self, *arrays: Any, out: Any = None) -> Any:
        compiled = self._hotness.compiled or self._hotness.warmed()
        if compiled is None:
            begin = time.perf_counter()
            result = self._cold(arrays, out)
            self._hotness.note(time.perf_counter() - begin)
            return result
        arguments: list[Any] = [*self._integers]
        for array, shape, access in zip(arrays, self._plan.given, self._accesses):
            # A variable may have been given another shape than the one that it was declared with.
            if array.shape != shape or not array.flags.aligned:
                return self._cold(arrays, None)
            arguments.append(argument(array, access))
        arguments += self._constants
        if self._plan.totals or len(self._plan.outputs) > 1:
            return self._several(compiled, arguments, out)
        result = np.empty(self._plan.shape, self._plan.outputs[0]) if out is None else out
        arguments.append(result.reshape(-1))
        if self._is_small:
            compiled(0, self._rounds, *arguments)
        else:
            self._run(compiled, arguments, [])
        return result

    def _several(self, compiled: Callable[..., None], arguments: list[Any], out: Any) -> Any:
        """The results where there are several, or sums."""
        plan = self._plan
        wanted = out if isinstance(out, tuple) else (out,) * len(plan.results)
        results = [
            np.empty(plan.shape, dtype) if place is None else place
            for dtype, place in zip(plan.outputs, wanted)
        ]
        arguments += [result.reshape(-1) for result in results]
        left = [np.empty(t.folds.blocks * t.folds.width, t.dtype) for t in plan.totals]
        self._run(compiled, arguments, left)
        for total, array, place in zip(plan.totals, left, wanted[len(results) :], strict=True):
            results.append(into(place, _finished(total, array)))
        return results[0] if len(results) == 1 else tuple(results)

    def _run(self, compiled: Callable[..., None], arguments: list[Any], left: list[Any]) -> None:
        """Runs the loop on all cores, if that pays."""

        def run(start: int, stop: int) -> None:
            sums: list[Any] = []
            for i, array in enumerate(left):
                sums += [workspace(f"fused {i}", (self._plan.layout.span,), array.dtype), array]
            compiled(start, stop, *arguments, *sums)

        if self._is_small:
            run(0, self._rounds)
        else:
            parallel_ranges(self._rounds, run, work=self._work)

    def _cold(self, arrays: Sequence[Any], out: Any) -> Any:
        values = [*arrays, *self._plan.known]
        for step in self._plan.steps:
            reads = [values[i] for i in step.reads]
            try:
                values.append(step.kernel(*reads))
            except Exception as error:
                raise run_errors.op_error(step.node.op, error, reads) from error
            for i in step.frees:
                values[i] = None
        results = [values[i] for i in self._plan.results]
        if len(results) == 1:
            return into(out, results[0])
        wanted = out or (None,) * len(results)
        return tuple(into(place, each) for place, each in zip(wanted, results, strict=True))


def argument(array: Any, access: Access) -> Any:
    """An array as the loop takes it: flat, a row repeated to fill a block, or a single number."""
    flat = array.ravel()
    if access.kind == SCALAR:
        return flat[0]
    if access.repeats == 1:
        return flat
    repeated = np.empty((access.repeats, len(flat)), flat.dtype)
    repeated[...] = flat
    return repeated.reshape(-1)


def _finished(total: Total, left: Any) -> Any:
    result = reductions.finish(left, total.folds, total.shape)
    return result if total.divisor is None else result / total.dtype.type(total.divisor)
