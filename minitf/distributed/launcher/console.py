"""With this module several processes share a terminal: their lines, each with its name before it.

On a terminal, the last line says how things stand; it moves down as lines are printed above it.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
from typing import TextIO

_COLOURS = (36, 32, 33, 35, 34, 96, 92, 93, 95, 94)
_CLEAR = "\r\x1b[K"


class Console:
    """Where the lines of all tasks go.

    Args:
      names: of the tasks that will write, so that their lines are aligned.
      out: where to; standard output if None.

    Attributes:
      closed: whether nobody reads any more.
    """

    def __init__(self, names: list[str], out: TextIO | None = None) -> None:
        self._out = sys.stdout if out is None else out
        self._width = max(map(len, names), default=0)
        self._colours = {name: _COLOURS[i % len(_COLOURS)] for i, name in enumerate(names)}
        self._live = self._out.isatty()
        self._coloured = self._live and not os.environ.get("NO_COLOR")
        self._status = ""
        self._lock = threading.Lock()
        self.closed = False

    def line(self, name: str, text: str) -> None:
        """Prints a line of a task."""
        label = f"{name:{self._width}} |"
        if self._coloured:
            label = f"\x1b[{self._colours.get(name, 37)}m{label}\x1b[0m"
        self._print(f"{label} {text}")

    def note(self, text: str) -> None:
        """Prints something of our own."""
        self._print(f"minitf: {text}")

    def status(self, text: str) -> None:
        """Says how things stand, on a terminal; an empty text takes the line away."""
        if text != self._status and self._live:
            with self._lock:
                self._status = text
                self._write(_CLEAR + self._cut())

    def _print(self, text: str) -> None:
        with self._lock:
            clear = _CLEAR if self._live and self._status else ""
            self._write(f"{clear}{text}\n{self._cut()}")

    def _cut(self) -> str:
        """The status, as much of it as fits: a line that wraps could not be taken away."""
        return self._status[: shutil.get_terminal_size().columns - 1]

    def _write(self, text: str) -> None:
        if self.closed:
            return
        try:
            self._out.write(text)
            self._out.flush()
        except (BrokenPipeError, ValueError):
            self.closed = True
