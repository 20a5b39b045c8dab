"""With this module what is known of nodes is added up: by scope, by op type, by line of the script.

An entry has what it took itself and, with `total_` before the name, what all below it took as well;
the names are those of TensorFlow's profiler messages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

MEASURES = ("exec_micros", "requested_bytes", "parameters", "float_ops", "run_count")


class Cost(NamedTuple):
    """What one node of the graph costs.

    Attributes:
      name, type: of the node.
      line: the user's source line that made it.
      exec_micros: how long it ran, in microseconds.
      requested_bytes: the memory that it asked for.
      parameters: how many elements it has, if it is a variable.
      float_ops: how many floating-point operations its work takes.
      run_count: how often it ran.
    """

    name: str
    type: str
    line: str = ""
    exec_micros: float = 0.0
    requested_bytes: float = 0.0
    parameters: float = 0.0
    float_ops: float = 0.0
    run_count: float = 0.0


class Entry:
    """A line of a profile: a scope, a node, an op type or a line of the script.

    Attributes:
      name: what it is.
      children: the entries below it.
      exec_micros, requested_bytes, parameters, float_ops, run_count: what it costs itself.
      total_exec_micros, ...: the same, with all that is below it.
      definition_count: how many nodes of the graph it stands for.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.children: list[Entry] = []
        self.definition_count = 0
        for measure in MEASURES:
            setattr(self, measure, 0)
            setattr(self, f"total_{measure}", 0)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"A profile has no {name!r}; it has {sorted(vars(self))}.")

    def __repr__(self) -> str:
        costs = {m: value for m in MEASURES if (value := getattr(self, f"total_{m}"))}
        return f"<profile of {self.name!r}: {costs}>"

    def add(self, cost: Cost) -> None:
        """Adds what a node costs to the entry itself."""
        self.definition_count += 1
        for measure in MEASURES:
            value = getattr(cost, measure)
            setattr(self, measure, _whole(getattr(self, measure) + value))

    def add_up(self) -> None:
        """Makes the totals of this entry and of all below it."""
        for entry in reversed([entry for entry, _ in self.walk()]):
            for measure in MEASURES:
                below = sum(getattr(child, f"total_{measure}") for child in entry.children)
                setattr(entry, f"total_{measure}", _whole(getattr(entry, measure) + below))

    def walk(self) -> Iterator[tuple[Entry, int]]:
        """This entry and all below it, parents first, each with its depth."""
        stack = [(self, 0)]
        while stack:
            entry, depth = stack.pop()
            yield entry, depth
            stack += [(child, depth + 1) for child in reversed(entry.children)]


def by_scope(costs: Iterable[Cost]) -> Entry:
    """The tree of scopes, with the nodes as its leaves."""
    root = Entry("_TFProfRoot")
    entries = {"": root}
    for cost in costs:
        parent, path = root, ""
        for part in cost.name.split("/"):
            path = f"{path}/{part}" if path else part
            if path not in entries:
                entries[path] = Entry(path)
                parent.children.append(entries[path])
            parent = entries[path]
        parent.add(cost)
    root.add_up()
    return root


def by_key(costs: Iterable[Cost], key: str) -> Entry:
    """One entry for each op type, or for each line."""
    root = Entry("_TFProfRoot")
    entries: dict[str, Entry] = {}
    for cost in costs:
        name = getattr(cost, key) or "<unknown line>"
        if name not in entries:
            entries[name] = Entry(name)
            root.children.append(entries[name])
        entries[name].add(cost)
    root.add_up()
    return root


def _whole(value: float) -> float | int:
    """Counts are whole numbers; times need not be."""
    return int(value) if value == int(value) else value
