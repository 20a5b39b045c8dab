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
the user's cache directory. The next process finds it there; see `kept`.

A compile that takes noticeable time says so on stderr, once, unless MINITF_QUIET is set. Where
Numba is absent, cannot be imported, or is switched off by NUMBA_DISABLE_JIT=1, `available()` is
false and a kernel runs its `fallback`, written with numpy, or itself as Python.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import os
import signal
import sys
import threading
import time
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar, cast, overload

import numpy as np
import numpy.typing as npt

from minitf.kernels.kept import keep

P = ParamSpec("P")
R = TypeVar("R")
K = TypeVar("K", bound="Kernel[Any, Any]")

# A compile that is shorter than this goes unnoticed, and so unannounced.
_NOTICEABLE_SECONDS = 0.5

_lock = threading.RLock()
_available: bool | None = None


def quiet() -> bool:
    """Whether MINITF_QUIET asks for no messages about compiling."""
    return os.environ.get("MINITF_QUIET", "") not in ("", "0")


@contextlib.contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Has a Ctrl-C that comes meanwhile take effect at the end.

    In the middle of Numba's work it would leave a piece of LLVM's memory with two owners, of which
    each frees it: the process is aborted when it ends.
    """
    handler = signal.getsignal(signal.SIGINT)
    # Python runs handlers in the main thread, and those of others can be neither kept nor raised.
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    came: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if came:
            signal.raise_signal(signal.SIGINT)


@_interrupts_held_back()
def _import_numba() -> Any:
    return importlib.import_module("numba")


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
        _import_numba()
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
        self,
        py_func: Callable[P, R],
        fallback: Callable[P, R] | None,
        options: Mapping[str, Any],
        constants: Mapping[str, Any] | None = None,
        suffix: str = "",
    ) -> None:
        self.py_func = py_func
        self.fallback = fallback or py_func
        self._options = options
        self._constants = constants or {}
        self._suffix = suffix
        self._compiled: Callable[P, R] | None = None
        functools.update_wrapper(self, py_func)
        remember_source(self.__module__)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return (self._compiled or self.compile())(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<kernel {self.__module__}.{self.name}>"

    __module__: str
    __qualname__: str

    @property
    def name(self) -> str:
        """Tells it from other kernels of its module, and its copies from one another."""
        return self.__qualname__ + self._suffix

    def specialize(self: K, suffix: str, **constants: Any) -> K:
        """This kernel again, with some of the global names it uses standing for other things.

        So one source makes several kernels, each with numbers (or other kernels) that the compiler
        knows. A closure would do that too, but Numba does not find closures on disk again.

        Args:
          suffix: tells the copies apart, in messages and on disk: one for each set of constants.
          **constants: what the names stand for.
        """
        constants = {**self._constants, **constants}
        return type(self)(self.py_func, self.fallback, self._options, constants, suffix)

    def compile(self) -> Callable[P, R]:
        """Numba's dispatcher for this function, or the fallback. Threads may race to call this."""
        if not available():
            return self.fallback
        with _lock, _interrupts_held_back():
            if self._compiled is None:
                self._compiled = self._dispatcher()
            return self._compiled

    def _dispatcher(self) -> Callable[P, R]:
        numba = importlib.import_module("numba")
        options = {"nogil": True, "error_model": "numpy", **self._options}
        dispatcher: Any = numba.njit(**options)(self._with_compiled_callees())
        self._keep(dispatcher)
        # What it calls to compile for arguments of other types, or to find that on disk.
        dispatcher.compile = _interrupts_held_back()(dispatcher.compile)
        return cast(Callable[P, R], dispatcher)

    def _keep(self, code: Any) -> None:
        """Has Numba's code for this kernel kept on disk."""
        if _unchanged(self.sources()):
            keep(code, is_quiet=quiet())

    def callees(self) -> dict[str, Any]:
        """The kernels, and what else is compiled with this one, by the name it has here."""
        scope = {**self.py_func.__globals__, **self._constants}
        return {
            name: scope[name]
            for name in self.py_func.__code__.co_names
            if hasattr(scope.get(name), "compile_for_numba")
        }

    def compile_for_numba(self) -> Callable[P, R]:
        """What stands for this kernel inside another one."""
        return self.compile()

    def sources(self) -> Iterator[str]:
        """The modules of all that is compiled with this kernel, itself included."""
        yield self.__module__
        for callee in self.callees().values():
            yield from callee.sources()

    def _with_compiled_callees(self) -> Callable[P, R]:
        """The same function, with dispatchers, which Numba can call, for the kernels it calls.

        Numba keeps code on disk under the function's name, and takes it for stale when the file
        that the function is in has changed. Where code from other files goes into it, the name
        has a digest of those.
        """
        if not isinstance(self.py_func, types.FunctionType):
            return self.py_func
        callees = {name: item.compile_for_numba() for name, item in self.callees().items()}
        if not callees and not self._constants:
            return self.py_func
        function = types.FunctionType(
            self.py_func.__code__,
            {**self.py_func.__globals__, **self._constants, **callees},
            self.py_func.__name__,
            self.py_func.__defaults__,
            self.py_func.__closure__,
        )
        functools.update_wrapper(function, self.py_func)
        function.__qualname__ += self._suffix + _digest(set(self.sources()) - {self.__module__})
        return function


_sources: dict[str, tuple[float, int] | None] = {}


def _stamp(module: str) -> tuple[float, int] | None:
    """What tells versions of a module's file apart; None if there is no file."""
    file = getattr(sys.modules.get(module), "__file__", None)
    try:
        status = os.stat(str(file))
    except OSError:
        return None
    return status.st_mtime, status.st_size


def remember_source(module: str) -> None:
    """Notes which version of a module is being imported, for `_unchanged`."""
    if module not in _sources:
        _sources[module] = _stamp(module)


def _unchanged(modules: Iterable[str]) -> bool:
    """Whether the files are still those that were imported.

    If one has been edited since, what is compiled now must not be kept on disk: the next process
    would take it for the edited version.
    """
    return all(_sources.get(module) == _stamp(module) for module in modules)


def _digest(modules: set[str]) -> str:
    """A short text that changes with the source of any of the modules."""
    if not modules:
        return ""
    import hashlib  # here, as it loads OpenSSL

    digest = hashlib.sha256()
    for name in sorted(modules):
        digest.update(Path(str(sys.modules[name].__file__)).read_bytes())
    return f"_{digest.hexdigest()[:12]}"


class NativeKernel(Kernel[P, R]):
    """A function of integers that is compiled once, for all kernels that call it; see `native`."""

    def _dispatcher(self) -> Any:
        types = importlib.import_module("numba.types")
        callback = importlib.import_module("numba.core.ccallback")
        function = self._with_compiled_callees()
        parameters = inspect.signature(function).parameters
        signature = tuple(types.intp for _ in parameters), types.void
        code = callback.CFunc(function, signature, {}, {"error_model": "numpy"})
        self._keep(code)
        notice = None if quiet() else _Notice(self.__name__.strip("_"))
        try:
            code.compile()
        finally:
            if notice is not None:
                notice.close()
        return code

    def address(self) -> int:
        """Where its machine code begins; compiles it first if need be."""
        code: Any = self.compile()
        address: int = code.address
        return address

    __name__: str


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

    A kernel may call other kernels, by a global name.

    Args:
      py_func: the function, when the decorator is used without arguments.
      fallback: takes over where nothing can be compiled; by default the function itself, as
        Python.
      **options: for `numba.njit`, such as `inline="always"` or `fastmath=True`.
    """
    if py_func is None:
        return lambda function: Kernel(function, fallback, options)
    return Kernel(py_func, fallback, options)


def native(py_func: Callable[P, R]) -> NativeKernel[P, R]:
    """Makes a function of integers machine code that other kernels call by its address.

    What a kernel calls is compiled with it, each time anew for each caller. That is right for
    small things; a large one had better be compiled once. `address()` says where it is, and
    `simd.call` calls it.

    Args:
      py_func: takes integers (sizes, and addresses of arrays) and returns nothing.
    """
    return NativeKernel(py_func, None, {})


def readonly(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A contiguous, aligned, read-only view of an array, or of a copy of it.

    Numba compiles once more for each kind of array that it meets; inputs that all come through
    here are of one kind, whether or not the caller's array can be written to.
    """
    flags = array.flags
    if not (flags.c_contiguous and flags.aligned):
        array = np.require(array, requirements=["C", "A"])
    view: npt.NDArray[Any] = array.view()
    view.flags.writeable = False
    return view


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
