"""With this module a run can be watched: which node ran when, on which thread, and what it made.

    options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
    metadata = tf.RunMetadata()
    session.run(train, feed, options=options, run_metadata=metadata)

A traced run has a program of its own, with the same passes and the same memory, in which every
kernel is wrapped in a clock. Programs that are not traced do not know of this: they cost nothing.

What passes have put together is told as what it is: one node that ran, with the names of those that
it stands for. Where a trace is to show every value, see `interpreter.interpret` and its `observe`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from minitf.framework.kernel_context import DEAD, VariableResource
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.runtime.block import Node
from minitf.runtime.program import Program, Shapes


class Made(NamedTuple):
    """An output of a node that ran.

    Attributes:
      slot: which of its outputs.
      name: of the tensor.
      dtype, shape: of the array.
      nbytes: what it takes; 0 if its memory is another value's.
      address: where it lies.
      is_planned: whether it lies in the memory that was planned for the whole run.
    """

    slot: int
    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    nbytes: int
    address: int
    is_planned: bool


class NodeRun(NamedTuple):
    """One kernel call.

    Attributes:
      op: the operation; of several that were put together, the one that errors name.
      kind: the type of what ran: an op type, or that of several together.
      parts: the operations that it stands for, if they are several.
      inputs: the names of the tensors that it read.
      start, end: when, in nanoseconds since the epoch.
      thread: the number of the thread that called it.
      made: its outputs.
      variable_bytes: how much of what it made is a variable's, which outlives the run.
      live_bytes: how much of what the run has made is still needed after it, at least.
    """

    op: Operation
    kind: str
    parts: tuple[Operation, ...]
    inputs: tuple[str, ...]
    start: int
    end: int
    thread: int
    made: tuple[Made, ...]
    variable_bytes: int = 0
    live_bytes: int = 0


class _Call(NamedTuple):
    """What is noted while the run goes on: as little as will do."""

    node: Node
    start: int
    end: int
    made: tuple[Made | None, ...]


class TracedProgram(Program):
    """A program whose runs can be told about afterwards; otherwise the same."""

    _here = threading.local()

    @contextmanager
    def record(self, fed_values: list[Any]) -> Iterator[list[NodeRun]]:
        """Tells what `run`, called inside the `with` block by this thread, does.

        Args:
          fed_values: what the run is given.

        Yields:
          A list, which holds at the end of the block what ran, in its order.
        """
        calls: list[_Call] = []
        outer = getattr(self._here, "calls", None)  # of a run whose kernel has called this one
        self._here.calls = calls
        # The clock that is exact does not know the time of day.
        epoch = time.time_ns() - time.perf_counter_ns()
        told: list[NodeRun] = []
        try:
            yield told
        finally:
            self._here.calls = outer
        begin = epoch + (calls[0].start if calls else time.perf_counter_ns())
        told += [
            _fed(tensor, value, begin)
            for tensor, value in zip(self.feeds, fed_values, strict=True)
            if value is not DEAD
        ]
        told += self._told(calls, epoch)

    def _comes_often(self, shapes: Shapes) -> bool:
        """A trace tells how the program runs in the long run, already the first time."""
        return True

    def _kernel_of(self, node: Node) -> Callable[..., Any]:
        kernel = super()._kernel_of(node)
        clock = time.perf_counter_ns
        here = self._here

        def timed(*arguments: Any, **keywords: Any) -> Any:
            start = clock()
            result = kernel(*arguments, **keywords)
            end = clock()
            here.calls.append(_Call(node, start, end, _made(node, result, arguments, keywords)))
            return result

        timed.__name__ = getattr(kernel, "func", kernel).__name__
        return timed

    def _told(self, calls: list[_Call], epoch: int) -> list[NodeRun]:
        live = self._live_bytes(calls)
        thread = threading.get_native_id()
        return [
            NodeRun(
                op=call.node.op,
                kind=call.node.op_def.name,
                parts=tuple(part.op for part in call.node.parts),
                inputs=tuple(value.name for value in call.node.inputs),
                start=epoch + call.start,
                end=epoch + call.end,
                thread=thread,
                made=tuple(made for made in call.made if made is not None),
                variable_bytes=sum(
                    made.nbytes
                    for value, made in zip(call.node.outputs, call.made, strict=True)
                    if made is not None and value is not None and value.is_ref
                ),
                live_bytes=bytes_now,
            )
            for call, bytes_now in zip(calls, live, strict=True)
        ]

    def _live_bytes(self, calls: list[_Call]) -> list[int]:
        """After each call, the bytes of what was made so far and is read later, or fetched."""
        fetched = {fetch.name for fetch in self.fetches if isinstance(fetch, Tensor)}
        last_use: dict[str, int] = {}
        for step, call in enumerate(calls):
            last_use.update((value.name, step) for value in call.node.inputs)
        let_go = [0] * (len(calls) + 1)
        live, now = [], 0
        for step, call in enumerate(calls):
            for value, made in zip(call.node.outputs, call.made, strict=True):
                if value is None or made is None or value.is_ref:
                    continue
                now += made.nbytes
                if made.name not in fetched:
                    let_go[max(last_use.get(made.name, step), step)] += made.nbytes
            live.append(now)
            now -= let_go[step]
        return live


def _made(
    node: Node, result: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> tuple[Made | None, ...]:
    """What a kernel gave, for each output of its node; None for what is no array."""
    results = (result,) if len(node.outputs) == 1 else tuple(result or ())
    given = keywords.get("out")
    outs = given if isinstance(given, tuple) else (given,) * len(results)
    shared = arguments[0] if node.op_def.aliases and arguments else None
    made: list[Made | None] = []
    for slot, (value, array) in enumerate(zip(node.outputs, results, strict=False)):
        out = outs[slot] if slot < len(outs) else None
        name = value.name if value is not None else f"{node.op.name}:{slot}"
        made.append(_described(slot, name, array, out, shared))
    return tuple(made) if made else (None,) * len(node.outputs)


def _described(
    slot: int, name: str, value: Any, out: Any = None, shared: Any = None
) -> Made | None:
    if isinstance(value, VariableResource):
        value = value.value
    if value is DEAD or not isinstance(value, (np.ndarray, np.generic)):
        return None
    array = np.asarray(value)
    is_view = isinstance(shared, np.ndarray) and np.may_share_memory(array, shared)
    return Made(
        slot=slot,
        name=name,
        dtype=array.dtype,
        shape=array.shape,
        nbytes=0 if is_view else array.nbytes,
        address=array.ctypes.data if isinstance(value, np.ndarray) else 0,
        is_planned=out is not None and array is out,
    )


def _fed(tensor: Tensor, value: Any, now: int) -> NodeRun:
    made = _described(tensor.value_index, tensor.name, value)
    return NodeRun(
        op=tensor.op,
        kind=tensor.op.type,
        parts=(),
        inputs=(),
        start=now,
        end=now,
        thread=threading.get_native_id(),
        made=() if made is None else (made,),
    )
