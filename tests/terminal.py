"""A program in a terminal of its own, as a person would use it: typed to, and read from."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

# Machines are slow, and tests may be paused; nothing waits this long where all is well.
DEADLINE = 120.0
_CONTROL = re.compile(rb"\x1b\[[0-9;?]*[a-zA-Z]")


class Terminal:
    """Runs a program behind a pseudo-terminal, and ends it when the `with` block does.

    Args:
      command: the program and its arguments.
      cwd: the folder to run it in.
      env: its environment.
    """

    def __init__(self, command: Sequence[str], cwd: Path, env: dict[str, str]) -> None:
        self._master, slave = pty.openpty()
        self._process = subprocess.Popen(
            list(command),
            cwd=cwd,
            env={**env, "TERM": "dumb"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self._unread = ""
        self.seen = ""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(DEADLINE)
        os.close(self._master)

    def expect(self, text: str) -> str:
        """Reads until a text comes; returns what came before it."""
        end = time.monotonic() + DEADLINE
        while text not in self._unread:
            if not self._read_some(end):
                raise AssertionError(f"{text!r} did not come. What came:\n{self.seen}")
        before, _, self._unread = self._unread.partition(text)
        return before

    def _read_some(self, end: float) -> bool:
        """Reads what there is; returns whether there may be more."""
        ready, _, _ = select.select([self._master], [], [], max(end - time.monotonic(), 0))
        if not ready:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:  # how Linux tells that the other side has closed
            return False
        text = _CONTROL.sub(b"", data).decode(errors="replace").replace("\r", "")
        self._unread += text
        self.seen += text
        return bool(data)

    def type(self, line: str) -> None:
        """Types a line."""
        os.write(self._master, line.encode() + b"\n")

    def press(self, key: bytes) -> None:
        """Presses one key, such as Ctrl-D."""
        os.write(self._master, key)

    def interrupt_until(self, text: str) -> None:
        """Sends what Ctrl-C sends until a text comes.

        Python may be about to wait for a line when the first one arrives, and misses it then.
        """
        end = time.monotonic() + DEADLINE
        while text not in self._unread:
            assert time.monotonic() < end, f"{text!r} did not come. What came:\n{self.seen}"
            assert self._process.poll() is None, f"it has ended. What came:\n{self.seen}"
            os.killpg(self._process.pid, signal.SIGINT)
            again = time.monotonic() + 5.0
            while text not in self._unread and self._read_some(again):
                pass
        self.expect(text)

    def exit_code(self) -> int:
        """Waits for the program to end, reading what it still writes."""
        end = time.monotonic() + DEADLINE
        while self._process.poll() is None and time.monotonic() < end:
            self._read_some(time.monotonic() + 0.1)
        assert self._process.poll() is not None, f"it does not end. What came:\n{self.seen}"
        while self._read_some(time.monotonic()):
            pass
        code: int = self._process.returncode
        return code
