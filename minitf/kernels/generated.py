"""With this module source that a program wrote becomes a kernel, and is found again next time.

The source goes into a file named by its digest, in the directory NUMBA_CACHE_DIR if that is set,
else in the user's cache directory; Numba keeps the machine code beside it (or where it is told
to), for this version of Numba and this processor. So a later process need not compile.
"""

from __future__ import annotations

import contextlib
import importlib.machinery
import importlib.util
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minitf.kernels.jit import Kernel, available

_lock = threading.Lock()
_setting = threading.Lock()
_loaded: dict[str, Kernel[..., None]] = {}


def kernel(name: str, text: str) -> Kernel[..., None]:
    """The kernel of this name in a module with this source; the same one for the same source."""
    import hashlib  # here, as it loads OpenSSL

    with _lock:
        if text not in _loaded:
            module = f"minitf.generated.{name}_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
            _loaded[text] = getattr(_module(module, text), name)
        return _loaded[text]


def _module(name: str, text: str) -> Any:
    path = str(_kept(name.rpartition(".")[2], text) or f"<{name}>")
    module = importlib.util.module_from_spec(importlib.machinery.ModuleSpec(name, None))
    module.__file__ = path
    sys.modules[name] = module
    exec(compile(text, path, "exec"), module.__dict__)
    return module


def _kept(name: str, text: str) -> Path | None:
    """The file that has this source; None if there is no place for one."""
    import tempfile  # here, as it loads what packs and unpacks archives

    try:
        path = folder() / f"{name}.py"
        if path.exists() and path.read_text() == text:
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
            file.write(text)
        # Numba tells versions of a file apart by its time: the same text has the same one,
        # whoever wrote it last.
        os.utime(file.name, (0, 0))
        os.replace(file.name, path)
    except (OSError, RuntimeError):  # the latter where there is no home
        return None
    return path


def folder() -> Path:
    """Where generated source is kept."""
    given = os.environ.get("NUMBA_CACHE_DIR")
    if given:
        return Path(given) / "minitf"
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "minitf"


# "int", "number", "read" or "write", and the dtype of the number or of the array.
Parameter = tuple[str, Any]


def is_kept(kernel: Kernel[..., None]) -> bool:
    """Whether its machine code is on disk already. Imports Numba."""
    if not available():
        return False
    dispatcher: Any = kernel.compile()
    where = dispatcher.stats.cache_path
    if not where:
        return False
    stem = Path(str(sys.modules[kernel.__module__].__file__)).stem
    return any(Path(where).glob(f"{stem}.{dispatcher.py_func.__qualname__}-*.nbc"))


def compile_for(
    kernel: Kernel[..., None], parameters: Sequence[Parameter], is_deep: bool = False
) -> Callable[..., None] | None:
    """The kernel, compiled for these parameters only; None where nothing can be compiled.

    Args:
      kernel: what `kernel` gave.
      is_deep: whether in its loop a lot is computed of each element, one thing from the other.
        Then two vectors are worked on at a time, as the processor would wait for one.
      parameters: for each one of "int", "number", "read" and "write", and the dtype of the number
        or of the array, which is flat and contiguous.
    """
    if not available():
        return None
    types = importlib.import_module("numba.types")
    numpy_support = importlib.import_module("numba.np.numpy_support")

    def type_of(kind: str, dtype: Any) -> Any:
        if kind == "int":
            return types.intp
        number = numpy_support.from_dtype(np.dtype(dtype))
        return number if kind == "number" else types.Array(number, 1, "C", readonly=kind == "read")

    compiled: Any = kernel.compile()
    signature = tuple(type_of(kind, dtype) for kind, dtype in parameters)
    if signature not in compiled.overloads:
        with _two_at_a_time() if is_deep else contextlib.nullcontext():
            compiled.compile(signature)
        compiled.disable_compile()  # other arguments are an error
    function: Callable[..., None] = compiled
    return function


@contextlib.contextmanager
def _two_at_a_time() -> Iterator[None]:
    """Has LLVM make loops over vectors that take two of them in each turn.

    The setting is for the process. What another thread compiles meanwhile may get it too, which
    changes none of its results.
    """
    binding = importlib.import_module("llvmlite.binding")
    if binding.llvm_version_info < (16,):  # there no setting can be changed a second time
        yield
        return
    with _setting:
        binding.set_option("minitf", "-force-vector-interleave=2")
        try:
            yield
        finally:
            binding.set_option("minitf", "-force-vector-interleave=0")  # LLVM's own choice
