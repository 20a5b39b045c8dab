"""With this module one can find the user's own source line behind an op.

Each op keeps the few frames of the user's code that led to its creation; frames inside minitf
are left out, since a user can do nothing about them. Taking them must be cheap, as it happens for
every node: only code objects and places in them are kept, and lines and text are looked up when
they are asked for.
"""

from __future__ import annotations

import contextlib
import linecache
import os
import sys
from types import CodeType, FrameType
from typing import Any

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
# The tutorial's model ships inside the package, and is a user's code as much as any other; what
# reads its data is not.
_MODEL = os.path.join(_PACKAGE, "examples", "tutorials", "mnist", "mnist.py")
_DEPTH = 8


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
    return path.startswith(_PACKAGE) and path != _MODEL


class _Hidden(dict[str, bool]):
    """What `_is_hidden` said of each file that was met."""

    def __missing__(self, filename: str) -> bool:
        hidden = self[filename] = _is_hidden(filename)
        return hidden


_hidden = _Hidden()


class Traceback(list[Any]):
    """The user's frames at one moment, innermost first.

    As a list it holds in turn a code object and the instruction in it: one flat object, since every
    node has one.
    """

    __slots__ = ()

    @property
    def frames(self) -> list[tuple[str, int, str, str]]:
        """The frames as (file name, line number, function, source text), innermost first."""
        found = []
        for code, instruction in zip(self[::2], self[1::2], strict=True):
            line = _line_of(code, instruction)
            text = linecache.getline(code.co_filename, line).strip()
            found.append((code.co_filename, line, code.co_name, text))
        return found

    def __str__(self) -> str:
        """The innermost user line, as `file.py:12: y = tf.matmul(x, w)`."""
        if not self:
            return "<unknown line>"
        filename, line, _, text = self.frames[0]
        return f"{filename}:{line}" + (f": {text}" if text else "")


def _line_of(code: CodeType, instruction: int) -> int:
    for start, end, line in code.co_lines():
        if start <= instruction < end and line is not None:
            return line
    return code.co_firstlineno


def capture() -> Traceback:
    """The user's frames now, at most eight of them."""
    found = Traceback()
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        if not _hidden[code.co_filename]:
            # Python finds a frame's line by a walk through its code: only who asks is to pay.
            found += (code, frame.f_lasti)
            if len(found) == 2 * _DEPTH:
                break
        frame = frame.f_back
    return found
