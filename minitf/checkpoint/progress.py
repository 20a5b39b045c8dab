"""With this module a long save or restore shows on a terminal how far it has come."""

from __future__ import annotations

import importlib
import sys
from types import TracebackType
from typing import Any

# Less than this is done before one would look at a bar.
_LONG = 1 << 30


class Progress:
    """A bar on stderr that counts bytes, where that is a terminal and there are many.

    >>> with Progress("saving m", 1000) as progress:
    ...     progress.add(1000)
    """

    def __init__(self, what: str, total: int) -> None:
        self._bar: Any = None
        if total >= _LONG and sys.stderr.isatty():
            tqdm = importlib.import_module("tqdm").tqdm
            self._bar = tqdm(
                total=total, desc=what, unit="B", unit_scale=True, unit_divisor=1024, leave=False
            )

    def add(self, count: int) -> None:
        """Notes that so many more bytes are done."""
        if self._bar is not None:
            self._bar.update(count)

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()
