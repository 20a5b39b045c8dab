"""With this module one run of a session is recorded: every node, in its order, with its value.

A recorded run is a run as any other: variables are updated, random generators move on. It is only
slower, since nodes run one by one as the graph has them, where otherwise passes put them together.
"""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from minitf.framework import errors
from minitf.framework.graph import Graph
from minitf.framework.kernel_context import DEAD
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.runtime.feeds import resolve_feeds
from minitf.runtime.fetches import FetchPlan
from minitf.runtime.prune import prune
from minitf.runtime.session import BaseSession
from minitf.visualize.explorer.values import describe


class Moment(NamedTuple):
    """A node that ran.

    Attributes:
      op: the node.
      start: when, in microseconds since the run began, as if nothing had been recorded.
      duration: how long it took, in microseconds.
      is_dead: whether it lay in a branch that was not taken, and so did not run.
      values: what `describe` says of each output.
    """

    op: Operation
    start: float
    duration: float
    is_dead: bool
    values: list[dict[str, Any]]


class Recording:
    """One recorded run.

    Attributes:
      title: what it is called.
      graph: the graph.
      fetches: the names of what was fetched.
      operations: the nodes that the run needed, fed ones first.
      moments: what ran, in its order.
      error: what went wrong, if it did.
      failed: the node where it did.
    """

    def __init__(self, session: BaseSession, fetches: Any, feed_dict: Any, title: str) -> None:
        self.title = title
        self.graph: Graph = session.graph
        self.moments: list[Moment] = []
        self.error = ""
        self.failed: Operation | None = None
        elements = FetchPlan(self.graph, fetches).elements
        self.fetches: list[str] = [each.name for each in elements]
        feeds = resolve_feeds(self.graph, feed_dict)
        needed = prune(elements, set(feeds))
        read = {tensor for op in needed for tensor in op.inputs}.union(elements)
        fed = _described_feeds({t: value for t, value in feeds.items() if t in read})
        self.operations = [*(op for op in fed if op not in set(needed)), *needed]
        self.moments += [Moment(op, 0.0, 0.0, False, values) for op, values in fed.items()]
        self._clock = 0.0
        self._since = 0.0

    def run(self, session: BaseSession, fetches: Any, feed_dict: Any) -> Any:
        """Runs, records, and returns what `session.run` would.

        Raises:
          Exception: what the run raises; it is recorded too.
        """
        self._since = time.perf_counter()
        try:
            return session.run_observed(fetches, feed_dict, self._observe)
        except errors.OpError as error:
            self.error, self.failed = str(error), error.op
            raise
        except Exception as error:
            self.error = f"{type(error).__name__}: {error}"
            raise

    def _observe(self, op: Operation, inputs: list[Any], outputs: list[Any]) -> None:
        duration = (time.perf_counter() - self._since) * 1e6
        is_dead = bool(outputs) and all(value is DEAD for value in outputs)
        values = [describe(value) for value in outputs]
        self.moments.append(Moment(op, self._clock, duration, is_dead, values))
        self._clock += duration
        self._since = time.perf_counter()


def _described_feeds(feeds: dict[Tensor, Any]) -> dict[Operation, list[dict[str, Any]]]:
    """By node of a fed tensor what `describe` says of each output; one not fed has no value."""
    found: dict[Operation, list[dict[str, Any]]] = {}
    for tensor, value in feeds.items():
        outputs = found.setdefault(tensor.op, [{"kind": "empty"}] * len(tensor.op.outputs))
        outputs[tensor.value_index] = describe(value)
    return found
