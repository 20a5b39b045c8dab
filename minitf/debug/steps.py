"""With this module one can watch a run node by node, keep its values, and say where to stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minitf.debug.filters import Datum, TensorFilter
from minitf.framework.kernel_context import DEAD, VariableResource
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.runtime.feeds import resolve_feeds
from minitf.runtime.fetches import FetchPlan
from minitf.runtime.prune import prune
from minitf.runtime.session import BaseSession


class Steps:
    """One `session.run`, of which some nodes have run.

    Attributes:
      session: the session.
      number: which run of the script it is, from 1 on.
      line: the line of the script that asked for it.
      fetches, feeds: what `run` was asked for, and the fed arrays.
      ops: the nodes of the run, in the order in which they run.
      done: how many of them have run.
      dead: the nodes on a branch that was not taken.
    """

    def __init__(
        self, session: BaseSession, fetches: Any, feed_dict: Any, number: int, line: str
    ) -> None:
        self.session = session
        self.number = number
        self.line = line
        plan = FetchPlan(session.graph, fetches)
        self.fetches = plan.elements
        self.feeds = resolve_feeds(session.graph, feed_dict)
        self.ops = prune(plan.elements, set(self.feeds))
        self.done = 0
        self._values: dict[Tensor, Any] = {t: np.array(v) for t, v in self.feeds.items()}
        self.dead: set[Operation] = set()
        self._request = (fetches, feed_dict)

    @property
    def next(self) -> Operation | None:
        """The node that runs next, or None at the end."""
        return self.ops[self.done] if self.done < len(self.ops) else None

    def run(self, pause: Callable[[Operation], None]) -> Any:
        """Runs the nodes, and calls `pause` after each with the node."""

        def observe(op: Operation, inputs: list[Any], outputs: list[Any]) -> None:
            self.done += 1
            for tensor, value in zip(op.outputs, outputs, strict=False):
                if value is DEAD:
                    self.dead.add(op)
                elif tensor not in self.feeds:
                    # A variable is shown as it is when it is asked for; what was read of one stays.
                    is_variable = isinstance(value, VariableResource)
                    self._values[tensor] = value if is_variable else np.array(value)
            pause(op)

        return self.session.run_observed(*self._request, observe)

    def passes(self, op: Operation, tensor_filter: TensorFilter) -> bool:
        """Whether a value of this node is one that a filter looks for."""
        found = [(tensor, self.value(tensor)) for tensor in op.outputs if self.has(tensor)]
        return any(
            value is not None and tensor_filter(Datum(op.name, tensor.value_index), value)
            for tensor, value in found
        )

    def has(self, tensor: Tensor) -> bool:
        """Whether a tensor has a value by now."""
        return tensor in self._values

    def value(self, tensor: Tensor) -> Any:
        """The value of a tensor that has one; None for a variable that was not initialized."""
        value = self._values[tensor]
        return value.value if isinstance(value, VariableResource) else value
