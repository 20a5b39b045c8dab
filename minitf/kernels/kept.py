"""With this module one can keep compiled code on disk, and go on where that fails.

Numba keeps code in two files for each function, and raises what reading or writing them raises: on
a full disk nothing would run, and after a crash of the machine, which may leave a file that is cut
short, never again. Here a file that cannot be read is one that is not there, and is made anew; and
one that cannot be written costs the next process the time to compile, as a line on stderr says.
"""

from __future__ import annotations

import contextlib
import sys
from typing import Any

_is_announced = False


def keep(code: Any, *, is_quiet: bool) -> None:
    """Has one of Numba's dispatchers or callbacks keep its code, where there is a place for it.

    Args:
      code: what has just been made, and has compiled nothing yet.
      is_quiet: whether nothing is said if it cannot be written.
    """
    try:
        code.enable_caching()
    except RuntimeError:  # no directory can be written: each process compiles anew
        return
    code._cache = _Kept(code._cache, is_quiet)


class _Kept:
    """Numba's cache of one function, without its errors."""

    def __init__(self, cache: Any, is_quiet: bool) -> None:
        self._cache = cache
        self._is_quiet = is_quiet

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cache, name)

    def load_overload(self, signature: Any, context: Any) -> Any:
        """The code for a signature, or None."""
        try:
            return self._cache.load_overload(signature, context)
        except Exception:  # there is nothing that half a pickle could not raise
            with contextlib.suppress(OSError):
                self._cache.flush()
            return None

    def save_overload(self, signature: Any, code: Any) -> None:
        """Keeps the code for a signature, if that can be done."""
        try:
            self._cache.save_overload(signature, code)
        except Exception as error:
            self._announce(error)

    def _announce(self, error: Exception) -> None:
        global _is_announced
        if not (_is_announced or self._is_quiet):
            _is_announced = True
            print(
                "minitf: compiled code cannot be kept on disk, so the next process compiles again "
                f"({error}); NUMBA_CACHE_DIR may name another directory",
                file=sys.stderr,
            )
