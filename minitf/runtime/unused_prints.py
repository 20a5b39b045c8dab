"""With this module a session notices a `tf.Print` that no run will ever reach, and says so once.

`tf.Print(x, ...)` prints when the tensor that it *returns* is used. Who goes on with `x` itself has
a node that nothing needs, and waits for output that does not come.
"""

from __future__ import annotations

import itertools

from minitf.framework import errors
from minitf.framework.graph import Graph
from minitf.framework.operation import Operation


class PrintWatch:
    """Knows the Print nodes of a graph of which nothing was told or printed yet."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._nodes_seen = 0
        self._prints: list[Operation] = []

    def note_program(self, ops: list[Operation]) -> None:
        """To be called with the nodes of each new program."""
        new = itertools.islice(self._graph._nodes.values(), self._nodes_seen, None)
        self._prints += [op for op in new if op.type == "Print"]
        self._nodes_seen = len(self._graph._nodes)
        if not self._prints:
            return
        running = set(ops)
        self._prints = [op for op in self._prints if op not in running]
        for op in list(self._prints):
            if op.inputs[0].op in running and not op.outputs[0].consumers():
                self._prints.remove(op)
                errors.warn(
                    f"tf.Print prints nothing: no run needs {op.name!r}, created at "
                    f"{op.traceback}. Go on with the tensor that tf.Print returns: "
                    "x = tf.Print(x, [x]).",
                    see="print-that-prints-nothing",
                )
