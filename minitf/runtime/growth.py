"""With this module a session notices a graph that grows in a training loop, and says so once.

A loop that calls tf functions adds nodes in every turn: each run needs a new program, and the
graph never gets smaller. It is the commonest reason for "my training gets slower and slower".
"""

from __future__ import annotations

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
            import logging

            newest = next(reversed(self._graph._nodes.values()))
            logging.getLogger("minitf").warning(
                "The graph grew before each of the last %d runs, and runs get slower for it. "
                "The newest node, %r, was created at %s. Build the graph once, before the loop; "
                "graph.finalize() makes such lines an error.",
                self._grown,
                newest.name,
                newest.traceback,
            )
