"""With this module one can have numpy's matrix products stay on the thread that asks for them.

numpy hands matrix products to a BLAS library, most often OpenBLAS, which has threads of its own.
When they have done their share they keep their cores busy for some milliseconds, waiting for
more, and meanwhile the threads of `parallel` do not get at those cores: measured, a pool of two
threads ran at the speed of one after each product. So kernels take one thread of BLAS for each
of their own:

>>> from minitf.kernels.blas import single_threaded
>>> with single_threaded():
...     pass  # np.matmul here, and in other threads meanwhile, runs on the calling thread

Where the library offers no way to do so (Apple's Accelerate needs none), nothing changes.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import os
import threading
from collections.abc import Callable
from typing import NamedTuple

# OpenBLAS's functions as named in numpy's own wheels, of numpy 2 and before, and by distributions.
_NAMES = (
    ("scipy_openblas_", "64_"),
    ("scipy_openblas_", ""),
    ("openblas_", "64_"),
    ("openblas_", ""),
)


class _Threads(NamedTuple):
    get: Callable[[], int]
    set: Callable[[int], object]


@functools.cache
def _threads() -> _Threads | None:
    """The functions that get and set the number of threads of the BLAS that numpy uses."""
    try:
        # A search through this library goes on to those that it is linked with, BLAS among them.
        library = ctypes.CDLL(importlib.import_module("numpy._core._multiarray_umath").__file__)
    except (ImportError, OSError):
        return None
    for prefix, suffix in _NAMES:
        get = getattr(library, f"{prefix}get_num_threads{suffix}", None)
        set_ = getattr(library, f"{prefix}set_num_threads{suffix}", None)
        if get is not None and set_ is not None:
            get.restype, set_.argtypes, set_.restype = ctypes.c_int, [ctypes.c_int], None
            return _Threads(get, set_)
    return None


def is_openblas() -> bool:
    """Whether numpy's BLAS is OpenBLAS."""
    return _threads() is not None


class _Users:
    """How many threads are inside `single_threaded`, and what the number was before the first."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.count = 0
        self.before = 0


_users = _Users()


class single_threaded:
    """While any thread is inside, BLAS uses the calling thread alone; then as many as before."""

    def __enter__(self) -> None:
        self._inside = users = _users  # a fork begins with others
        threads = _threads()
        if threads is not None:
            with users.lock:
                if users.count == 0:
                    users.before = threads.get()
                    threads.set(1)
                users.count += 1

    def __exit__(self, *_: object) -> None:
        threads, users = _threads(), self._inside
        if threads is not None:
            with users.lock:
                users.count -= 1
                if users.count == 0:
                    threads.set(users.before)


def _renew_users() -> None:
    """In a forked child: of the threads that were inside only the forking one is left."""
    global _users
    if _users.count and (threads := _threads()) is not None:
        threads.set(_users.before)
    _users = _Users()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_users)
