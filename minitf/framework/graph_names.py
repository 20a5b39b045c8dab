"""With this module a graph gives its nodes names that no others have, in open name scopes."""

from __future__ import annotations

import itertools
import re
import threading
from contextlib import AbstractContextManager
from typing import Any

from minitf.framework import errors
from minitf.framework.graph_scopes import NameScope, Scopes, ScopesByThread
from minitf.framework.operation import Operation

VALID_OP_NAME = re.compile(r"^[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*$")
VALID_SCOPE_NAME = re.compile(r"^[A-Za-z0-9_.\\/>-]*$")


class NamesMixin:
    """Names and name scopes of a graph."""

    _lock: threading.RLock
    _nodes: dict[str, Operation]

    def _init_names(self) -> None:
        self._scopes_by_thread = ScopesByThread()
        self._names_in_use: dict[str, int] = {}  # lower-cased name -> how often asked for
        self._known_prefixes: set[str] = set()
        self._nodes_with_known_prefixes = 0

    @property
    def _scopes(self) -> Scopes:
        """The scopes that are open in the calling thread, those of names and all others."""
        return self._scopes_by_thread.scopes

    def unique_name(self, name: str, mark_as_used: bool = True) -> str:
        """A name that no node has, in the current name scope (mirrors `tf.Graph.unique_name`).

        Names differ by more than case: after "a", asking for "A" gives "A_1".
        """
        scope = self._scopes.name
        if scope:
            name = f"{scope}/{name}"
        with self._lock:
            used = self._names_in_use
            key = name.lower()
            count = used.get(key, 0)
            if count == 0:
                if mark_as_used:
                    used[key] = 1
                return name
            numbered = f"{key}_{count}"
            while numbered in used:
                count += 1
                numbered = f"{key}_{count}"
            if mark_as_used:
                used[key] = count + 1
                used[numbered] = 1
            return f"{name}_{count}"

    def name_scope(self, name: str | None) -> AbstractContextManager[str]:
        """Puts the nodes made inside under a common prefix (mirrors `tf.Graph.name_scope`).

        Args:
          name: the scope's name, made unique; one that ends in "/" enters that scope again; None
            or "" enters the root.

        Returns:
          A context manager, which gives the scope's full name with a "/" at its end, or "" for
          the root.

        Raises:
          TypeError: if the name is no string.
          ValueError: if it has a character that node names cannot have.
        """
        return NameScope(self, name)

    def _enter_name_scope(self, name: str | None) -> tuple[str, str]:
        """Opens a name scope; returns its name as `name_scope` does, and what to leave it with."""
        scopes = self._scopes
        outer = scopes.name
        if not name:
            scopes.name = ""
            return "", outer
        self._check_scope_name(name, outer)
        if name[-1] == "/":
            scopes.name = name[:-1]
            return name, outer
        inner = scopes.name = self.unique_name(name)
        return f"{inner}/", outer

    def _leave_name_scope(self, outer: str) -> None:
        self._scopes.name = outer

    def _check_scope_name(self, name: str, outer: str) -> None:
        pattern = VALID_SCOPE_NAME if outer else VALID_OP_NAME
        if not pattern.match(checked_name(name)):
            raise ValueError(bad_name(name, "scope"))

    def _scope_prefix(self, name: str) -> str:
        """The prefix of names that `name_scope(name)` would give, which is not used up yet."""
        if name == "":
            return ""
        self._check_scope_name(name, self._scopes.name)
        return name if name[-1] == "/" else self.unique_name(name, mark_as_used=False) + "/"

    def _prefixes(self) -> set[str]:
        """Every scope that a node stands in, such as "a" and "a/b" for a node "a/b/c"."""
        new = itertools.islice(self._nodes, self._nodes_with_known_prefixes, None)
        for name in new:
            end = name.rfind("/")
            while end > 0 and name[:end] not in self._known_prefixes:
                self._known_prefixes.add(name[:end])
                end = name.rfind("/", 0, end)
        self._nodes_with_known_prefixes = len(self._nodes)
        return self._known_prefixes

    def get_name_scope(self) -> str:
        """The current name scope, without a "/" at its end."""
        return self._scopes.name

    @property
    def _name_stack(self) -> str:
        return self._scopes.name


def checked_name(name: Any) -> str:
    """The name, if it is a string.

    Raises:
      TypeError: if it is something else.
    """
    if not isinstance(name, str):
        raise TypeError(
            errors.report(
                f"A name must be a string, but got {errors.brief(name)}.",
                do="give a string, or None for the default name.",
                see="names",
            )
        )
    return name


def bad_name(name: str, kind: str) -> str:
    """What is told of a name with characters that names do not have."""
    return errors.report(
        f"{name!r} is not a valid {kind} name.",
        do="use letters, digits, and _ . - / with a letter, digit or dot first.",
        see="names",
    )
