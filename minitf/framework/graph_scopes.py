"""With this module a graph knows which of its scopes are open, in each thread."""

from __future__ import annotations

import threading
from contextlib import ContextDecorator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from minitf.framework.graph_names import NamesMixin
    from minitf.framework.operation import Operation


class ControlScope:
    """One open `control_dependencies` block: what it waits for, and what was made in it."""

    __slots__ = ("clears", "inputs", "made")

    def __init__(self, inputs: list[Operation], clears: bool = False) -> None:
        self.inputs = inputs
        self.made: set[Operation] = set()
        self.clears = clears


class Scopes:
    """The scopes that are open in one thread."""

    __slots__ = ("attrs", "colocation", "container", "context", "control", "devices", "name")

    def __init__(self) -> None:
        self.name = ""
        self.devices: list[Any] = []
        self.control: list[ControlScope] = []
        self.colocation: list[Operation] = []
        self.attrs: dict[str, Any] = {}
        self.context: Any = None  # the innermost control flow context: a branch of tf.cond
        self.container = ""


class ScopesByThread(threading.local):
    """Each thread's own scopes: one look-up leads to them all, as these cost more than others."""

    def __init__(self) -> None:
        self.scopes = Scopes()


class NameScope(ContextDecorator):
    """What `Graph.name_scope` gives: a class, as that costs less than a generator."""

    def __init__(self, graph: NamesMixin, name: str | None) -> None:
        self._graph = graph
        self._name = name

    def __enter__(self) -> str:
        scope, self._outer = self._graph._enter_name_scope(self._name)
        return scope

    def __exit__(self, *_: object) -> None:
        self._graph._leave_name_scope(self._outer)

    def _recreate_cm(self) -> NameScope:
        """As a decorator it opens a scope of its own for each call."""
        return NameScope(self._graph, self._name)
