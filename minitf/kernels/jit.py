"""With this module one can write a kernel as plain Python and have it run as machine code.

>>> from minitf.kernels.jit import jit
>>> @jit
... def dot(a, b):
...     total = 0.0
...     for i in range(len(a)):
...         total += a[i] * b[i]
...     return total
>>> dot.py_func([1.0, 2.0], [3.0, 4.0])  # as it was written, to test and to step through
11.0

Nothing is imported or compiled before the first call of `dot`. Then Numba compiles it for the
types that it meets, without the interpreter's lock, and keeps the code on disk: in the directory
NUMBA_CACHE_DIR if that is set, else beside the source file, else (if that cannot be written) in
the user's cache directory. The next process finds it there.

A compile that takes noticeable time says so on stderr, once, unless MINITF_QUIET is set. Where
Numba is absent, cannot be imported, or is switched off by NUMBA_DISABLE_JIT=1, `available()` is
false and a kernel runs its `fallback`, written with numpy, or itself as Python.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
import threading
import time
import types
from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeVar, overload

import numpy as np
import numpy.typing as npt

P = ParamSpec("P")
R = TypeVar("R")

# A compile that is shorter than this goes unnoticed, and so unannounced.
_NOTICEABLE_SECONDS = 0.5

_lock = threading.RLock()
_available: bool | None = None


def quiet() -> bool:
    """Whether MINITF_QUIET asks for no messages about compiling."""
    return os.environ.get("MINITF_QUIET", "") not in ("", "0")


def available() -> bool:
    """Whether kernels run compiled; if not, numpy's slower ways take over. Imports Numba."""
    global _available
    if _available is None:
        with _lock:
            if _available is None:
                _available = _find_numba()
    return _available


def _find_numba() -> bool:
    if os.environ.get("NUMBA_DISABLE_JIT", "") not in ("", "0"):
        return False
    try:
        importlib.import_module("numba")
    except ImportError as error:
        if not quiet():
            print(f"minitf: running without Numba, slower ({error})", file=sys.stderr)
        return False
    _announce_compiles()
    return True


class Kernel(Generic[P, R]):
    """A function that is compiled when it is first called; see `jit`.

    Attributes:
      py_func: the function as written, to be called as Python.
      fallback: what runs where nothing can be compiled.
    """

    def __init__(
        self, py_func: Callable[P, R], fallback: Callable[P, R] | None, options: dict[str, Any]
    ) -> None:
        self.py_func = py_func
        self.fallback = fallback or py_func
        self._options = options
        self._compiled: Callable[P, R] | None = None
        functools.update_wrapper(self, py_func)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return (self._compiled or self.compile())(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<kernel {self.__module__}.{self.__qualname__}>"

    __module__: str
    __qualname__: str

    def compile(self) -> Callable[P, R]:
        """Numba's dispatcher for this function, or the fallback. Threads may race to call this."""
        if not available():
            return self.fallback
        with _lock:
            if self._compiled is None:
                self._compiled = self._dispatcher()
            return self._compiled

    def _dispatcher(self) -> Callable[P, R]:
        numba = importlib.import_module("numba")
        options = {"nogil": True, "error_model": "numpy", **self._options}
        function = _with_compiled_callees(self.py_func)
        try:
            dispatcher: Callable[P, R] = numba.njit(cache=True, **options)(function)
        except RuntimeError:  # no directory can be written: compile anew in each process
            dispatcher = numba.njit(**options)(function)
        return dispatcher


@overload
def jit(py_func: Callable[P, R]) -> Kernel[P, R]: ...
@overload
def jit(
    *, fallback: Callable[..., Any] | None = None, **options: Any
) -> Callable[[Callable[P, R]], Kernel[P, R]]: ...
def jit(
    py_func: Callable[..., Any] | None = None,
    *,
    fallback: Callable[..., Any] | None = None,
    **options: Any,
) -> Any:
    """Makes a function a kernel: compiled by Numba at its first call, without the GIL, and cached.

    A kernel may call other kernels. Numba looks only at a function's own source file to tell
    whether its cached code is stale, so a kernel and those it calls belong in one file.

    Args:
      py_func: the function, when the decorator is used without arguments.
      fallback: takes over where nothing can be compiled; by default the function itself, as
        Python.
      **options: for `numba.njit`, such as `inline="always"` or `fastmath=True`.
    """
    if py_func is None:
        return lambda function: Kernel(function, fallback, options)
    return Kernel(py_func, fallback, options)


def readonly(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A contiguous, aligned, read-only view of an array, or of a copy of it.

    Numba compiles once more for each kind of array that it meets; inputs that all come through
    here are of one kind, whether or not the caller's array can be written to.
    """
    view: npt.NDArray[Any] = np.require(array, requirements=["C", "A"]).view()
    view.flags.writeable = False
    return view


def _with_compiled_callees(py_func: Callable[P, R]) -> Callable[P, R]:
    """The same function, with dispatchers, which Numba can call, for the kernels that it calls."""
    if not isinstance(py_func, types.FunctionType):
        return py_func
    scope = py_func.__globals__
    callees = {
        name: scope[name].compile()
        for name in py_func.__code__.co_names
        if isinstance(scope.get(name), Kernel)
    }
    if not callees:
        return py_func
    copy = types.FunctionType(
        py_func.__code__,
        {**scope, **callees},
        py_func.__name__,
        py_func.__defaults__,
        py_func.__closure__,
    )
    return functools.update_wrapper(copy, py_func)


class _Notice:
    """The line on stderr about one compile: it begins once that takes noticeable time."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._began = time.perf_counter()
        self._shown = False
        self._timer = threading.Timer(_NOTICEABLE_SECONDS, self._show)
        self._timer.daemon = True
        self._timer.start()

    def _show(self) -> None:
        self._shown = True
        print(f"minitf: compiling {self._name} once ...", end="", file=sys.stderr, flush=True)

    def close(self) -> None:
        self._timer.cancel()
        self._timer.join()
        if self._shown:
            print(f" {time.perf_counter() - self._began:.1f} s", file=sys.stderr, flush=True)


def _announce_compiles() -> None:
    """Has Numba tell about each compile of minitf's kernels; to find one on disk is none."""
    events = importlib.import_module("numba.core.event")
    current = threading.local()  # a kernel compiles those it calls meanwhile: one notice for all

    class Announcer(events.Listener):  # type: ignore[misc, name-defined]
        def on_start(self, event: Any) -> None:
            current.depth = getattr(current, "depth", 0) + 1
            function = event.data["dispatcher"].py_func
            if current.depth == 1 and function.__module__.startswith("minitf.") and not quiet():
                current.notice = _Notice(function.__name__.strip("_"))

        def on_end(self, event: Any) -> None:
            current.depth -= 1
            if current.depth == 0 and hasattr(current, "notice"):
                current.notice.close()
                del current.notice

    events.register("numba:compile", Announcer())
