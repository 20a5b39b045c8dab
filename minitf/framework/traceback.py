"""With this module one can find the user's own source line behind an op.

Each op keeps the few frames of the user's code that led to its creation; frames inside minitf
are left out, since a user can do nothing about them. Taking them must be cheap, as it happens for
every node: only code objects and line numbers are kept, and the text is read when it is asked for.
"""

from __future__ import annotations

import contextlib
import linecache
import os
import sys
from types import CodeType

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
# Scripts that ship inside the package are a user's code as much as any other.
_EXAMPLES = _PACKAGE + "examples" + os.sep
_DEPTH = 8

_hidden: dict[str, bool] = {}


def _is_hidden(filename: str) -> bool:
    """Whether frames of this file are no lines of the user's own.

    What Python runs without a file, such as `<stdin>` or a cell of a notebook, is the user's; its
    frozen import system is not, nor is what stands between a `with` line and what it calls.
    """
    if filename.startswith("<"):
        return filename.startswith("<frozen ")
    path = os.path.abspath(filename)
    if path == contextlib.__file__:
        return True
    return path.startswith(_PACKAGE) and not path.startswith(_EXAMPLES)


class Traceback:
    """The user's frames at one moment, innermost first."""

    __slots__ = ("_frames",)

    def __init__(self, frames: tuple[tuple[CodeType, int], ...]) -> None:
        self._frames = frames

    def __bool__(self) -> bool:
        return bool(self._frames)

    @property
    def frames(self) -> list[tuple[str, int, str, str]]:
        """The frames as (file name, line number, function, source text), innermost first."""
        return [
            (
                code.co_filename,
                line,
                code.co_name,
                linecache.getline(code.co_filename, line).strip(),
            )
            for code, line in self._frames
        ]

    def __str__(self) -> str:
        """The innermost user line, as `file.py:12: y = tf.matmul(x, w)`."""
        if not self._frames:
            return "<unknown line>"
        filename, line, _, text = self.frames[0]
        return f"{filename}:{line}" + (f": {text}" if text else "")


def capture() -> Traceback:
    """The user's frames now, at most eight of them."""
    frames: list[tuple[CodeType, int]] = []
    frame = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        hidden = _hidden.get(code.co_filename)
        if hidden is None:
            hidden = _hidden[code.co_filename] = _is_hidden(code.co_filename)
        if not hidden:
            frames.append((code, frame.f_lineno))
            if len(frames) == _DEPTH:
                break
        frame = frame.f_back  # type: ignore[assignment]
    return Traceback(tuple(frames))
