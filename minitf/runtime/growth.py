"""With this module a session notices a graph that grows in a training loop, and says so once.

A loop that calls tf functions adds nodes in every turn: each run needs a new program, and the
graph never gets smaller. It is the commonest reason for "my training gets slower and slower".
"""

from __future__ import annotations

from minitf.framework import errors
from minitf.framework.graph import Graph

_RUNS_IN_A_ROW = 20


class GrowthWatch:
    """Counts the runs in a row before each of which the graph had grown."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._size = graph._next_id
        self._grown = 0
        self._told = False

    def note_run(self) -> None:
        """To be called before each run."""
        size = self._graph._next_id
        if size == self._size or self._told:
            return
        self._grown = self._grown + 1
        self._size = size
        if self._grown >= _RUNS_IN_A_ROW:
            self._told = True
            newest = next(reversed(self._graph._nodes.values()))
            errors.warn(
                f"The graph grew before each of the last {self._grown} runs, and runs get slower "
                f"for it. The newest node, {newest.name!r}, was created at {newest.traceback}. "
                "Build the graph once, before the loop; graph.finalize() makes such a line an "
                "error.",
                see="growing-graph",
            )
