"""With this module a page can show source code: the user's own lines, and minitf's kernels."""

from __future__ import annotations

import inspect
import os
import sysconfig
from collections.abc import Callable
from typing import Any

import minitf
from minitf.framework.op_def import OpDef
from minitf.framework.operation import Operation

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(minitf.__file__)))
_INSTALLED = tuple(sysconfig.get_path(kind) + os.sep for kind in ("stdlib", "purelib", "platlib"))
# A longer file is not a script that somebody reads.
_MOST_BYTES = 200_000
_MOST_FRAMES = 4


def code_of(function: Callable[..., Any] | None) -> dict[str, Any] | None:
    """The source of one of minitf's functions, and where it stands; None where there is none."""
    if function is None:
        return None
    function = inspect.unwrap(function)
    try:
        lines, first = inspect.getsourcelines(function)
        path = inspect.getsourcefile(function) or ""
    except (OSError, TypeError):
        return None
    indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    text = "".join(line[indent:] if line.strip() else "\n" for line in lines)
    return {"path": os.path.relpath(path, _ROOT), "line": first, "code": text.rstrip()}


def type_of(op_def: OpDef) -> dict[str, Any]:
    """What is to be known of an op type: its declaration, its kernel, its gradient."""
    found: dict[str, Any] = {"signature": op_def.signature}
    kernel, gradient = code_of(op_def.kernel_fn), code_of(op_def.gradient_fn)
    if kernel is not None:
        found["kernel"] = kernel
    if gradient is not None:
        found["gradient"] = gradient
    return found


class Files:
    """The user's files that nodes were made in, each once.

    Attributes:
      listed: for each its path as it is shown, and its text.
    """

    def __init__(self) -> None:
        self.listed: list[dict[str, str]] = []
        self._numbers: dict[str, int] = {}

    def frames(self, op: Operation) -> list[list[Any]]:
        """Where a node was made, innermost first: the file's number, the line, the function."""
        frames = op.traceback.frames
        # Who calls the user's script, such as a test runner, is of no interest.
        own = [frame for frame in frames if not frame[0].startswith(_INSTALLED)] or frames[:1]
        return [
            [self._number(path), line, function] for path, line, function, _ in own[:_MOST_FRAMES]
        ]

    def _number(self, path: str) -> int:
        if path not in self._numbers:
            self._numbers[path] = len(self.listed)
            self.listed.append({"path": _shown(path), "text": _text(path)})
        return self._numbers[path]


def _shown(path: str) -> str:
    """The path from here, or the bare name of a file that is elsewhere."""
    inside = os.path.relpath(path)
    return os.path.basename(path) if inside.startswith(os.pardir) else inside


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read(_MOST_BYTES + 1)
    except OSError:  # a notebook's cell, or what was typed
        import linecache

        text = "".join(linecache.getlines(path))
    return text if len(text) <= _MOST_BYTES else ""
