"""A `tf` that notes which public names of minitf a builder asks it for."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import minitf

# Subpackages whose functions make no nodes: command line, files, logging, text, tools for tests.
_WITHOUT_NODES = frozenset({"app", "compat", "examples", "flags", "gfile", "logging", "test"})
# Rooms of the house that are not part of TensorFlow's public names.
_INSIDE = frozenset({"autodiff", "dtypes", "errors", "framework", "kernels", "ops", "runtime"})


class Spy:
    """Stands for `tf` or a subpackage; an object that is asked for by any of its names is noted.

    Attributes:
      seen: ids of the objects that were asked for, of this one and of the subpackages.
    """

    def __init__(self, module: ModuleType, seen: set[int]) -> None:
        self._module = module
        self.seen = seen

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._module, name)
        if isinstance(value, ModuleType):
            return Spy(value, self.seen) if name not in _INSIDE else value
        self.seen.add(id(value))
        return value


def public_functions() -> dict[int, list[str]]:
    """All public functions and classes that may make nodes: their names, by id of the object."""
    names: dict[int, list[str]] = {}
    for package, module in _packages():
        for name in dir(module):
            value = getattr(module, name)
            if name.startswith("_") or not callable(value) or isinstance(value, ModuleType):
                continue
            if str(getattr(value, "__module__", "")).startswith("minitf"):
                names.setdefault(id(value), []).append(package + name)
    return names


def _packages() -> Iterator[tuple[str, ModuleType]]:
    yield "", minitf
    for name in sorted(minitf._SUBPACKAGES - _WITHOUT_NODES):
        yield f"{name}.", getattr(minitf, name)
