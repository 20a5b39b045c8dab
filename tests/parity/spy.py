"""A `tf` that notes which public names of minitf a builder asks it for."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

import minitf

# Subpackages whose functions make no nodes: command line, files, logging, text, tools for tests,
# pictures, a debugger.
_WITHOUT_NODES = frozenset(
    {"app", "compat", "debug", "examples", "flags", "gfile", "logging", "test", "visualize"}
)
# Rooms of the house that are not part of TensorFlow's public names.
_INSIDE = frozenset({"autodiff", "dtypes", "errors", "framework", "kernels", "ops", "runtime"})


class Spy:
    """Stands for `tf` or a subpackage; an object that is asked for by any of its names is noted.

    Attributes:
      seen: by id of the objects that were asked for, of this module and of its subpackages: the
        parameters that were given to the function.
    """

    def __init__(self, module: ModuleType, seen: dict[int, set[str]]) -> None:
        self._module = module
        self.seen = seen

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._module, name)
        if isinstance(value, ModuleType):
            return Spy(value, self.seen) if name not in _INSIDE else value
        given = self.seen.setdefault(id(value), set())
        if not isinstance(value, FunctionType):
            return value

        @functools.wraps(value)
        def called(*args: Any, **kwargs: Any) -> Any:
            given.update(inspect.signature(value).bind(*args, **kwargs).arguments)
            return value(*args, **kwargs)

        return called


def parameters(name: str) -> set[str]:
    """The parameters of a public function; none of a class, whose methods have others."""
    value: Any = functools.reduce(getattr, name.split("."), minitf)
    if not isinstance(value, FunctionType):
        return set()
    named = inspect.signature(value).parameters.values()
    return {p.name for p in named if p.kind != p.VAR_KEYWORD and not p.name.startswith("_")}


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
