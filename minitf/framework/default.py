"""With this module one can reach the default graph and the default session of this thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ContextDecorator, contextmanager
from typing import Any

from minitf.framework import errors
from minitf.framework.graph import Graph


class _Stacks(threading.local):
    """Per thread: the graphs and sessions made default by `with` blocks, innermost last."""

    def __init__(self) -> None:
        self.graphs: list[Graph] = []
        self.sessions: list[Any] = []
        self.global_graph: Graph | None = None


_stacks = _Stacks()


def get_default_graph() -> Graph:
    """The graph that new ops are added to in this thread (mirrors `tf.get_default_graph`)."""
    if _stacks.graphs:
        return _stacks.graphs[-1]
    if _stacks.global_graph is None:
        _stacks.global_graph = Graph()
    return _stacks.global_graph


def reset_default_graph() -> None:
    """Replaces this thread's default graph by an empty one (mirrors `tf.reset_default_graph`).

    Sessions that were opened keep the graph that they were opened with.

    Raises:
      AssertionError: inside a `with graph.as_default()` block.
    """
    if _stacks.graphs:
        raise AssertionError(
            errors.report(
                "Do not use tf.reset_default_graph() to clear nested graphs: leave the "
                "`with graph.as_default()` block first.",
                see="order-of-calls",
            )
        )
    _stacks.global_graph = None


def get_default_session() -> Any:
    """The default session of this thread, or None (mirrors `tf.get_default_session`)."""
    return _stacks.sessions[-1] if _stacks.sessions else None


class graph_as_default(ContextDecorator):
    """Makes a graph the default one inside a `with` block."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def __enter__(self) -> Graph:
        _stacks.graphs.append(self._graph)
        return self._graph

    def __exit__(self, *_: object) -> None:
        pop_graph(self._graph)


class in_name_scope:
    """Makes a graph the default one inside a `with` block, in one of its name scopes.

    This is what op functions open around what they convert: a class, as that costs less than a
    generator, and every node that takes a Python number pays for it.
    """

    def __init__(self, graph: Graph, name: str | None) -> None:
        self._graph = graph
        self._name = name

    def __enter__(self) -> str:
        scope, self._outer = self._graph._enter_name_scope(self._name)
        _stacks.graphs.append(self._graph)
        return scope

    def __exit__(self, *_: object) -> None:
        _remove_innermost(_stacks.graphs, self._graph)
        self._graph._leave_name_scope(self._outer)


@contextmanager
def session_as_default(session: Any) -> Iterator[Any]:
    """Makes a session the default one inside a `with` block."""
    push_session(session)
    try:
        yield session
    finally:
        pop_session(session)


def push_session(session: Any) -> None:
    """Makes a session the default one until `pop_session`: for `InteractiveSession`."""
    _stacks.sessions.append(session)


def pop_session(session: Any) -> None:
    """Takes a session out of the stack of defaults, if it is there."""
    _remove_innermost(_stacks.sessions, session)


def push_graph(graph: Graph) -> None:
    """Makes a graph the default one until `pop_graph`: for `InteractiveSession`."""
    _stacks.graphs.append(graph)


def pop_graph(graph: Graph) -> None:
    """Takes a graph out of the stack of defaults, if it is there."""
    _remove_innermost(_stacks.graphs, graph)


def _remove_innermost(stack: list[Any], item: Any) -> None:
    if stack and stack[-1] is item:
        stack.pop()
        return
    # Not always the last one: an InteractiveSession may be closed before what was opened after it.
    for position in range(len(stack) - 2, -1, -1):
        if stack[position] is item:
            del stack[position]
            return


def session_for(doing: str, graph: Graph, session: Any = None) -> Any:
    """The session to run something of `graph` in.

    Raises:
      ValueError: if there is none, or it runs another graph.
    """
    if session is None:
        session = get_default_session()
        if session is None:
            raise ValueError(
                errors.report(
                    f"Cannot {doing}: No default session is registered. Use "
                    "`with sess.as_default()` or pass an explicit session=sess.",
                    do="call it inside `with tf.Session() as sess:`, or use sess.run(...).",
                    see="no-session",
                )
            )
        which = "the default session"
    else:
        which = "that session"
    if session.graph is not graph:
        raise errors.value_error(
            f"Cannot {doing}: the tensor's graph is different from the graph of {which}. Pass an "
            "explicit session whose graph is the one that you built the tensor in.",
            see="tensors-of-two-graphs",
        )
    return session
