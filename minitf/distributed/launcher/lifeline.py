"""With this module a process ends when the one that started it does, however that ended.

The starter holds one end of a pipe and says nothing; its child waits at the other. When the starter
is gone, even by SIGKILL, the pipe is at its end.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading

VARIABLE = "MINITF_LIFELINE"


class Lifeline:
    """The starter's side.

    Attributes:
      number: the file descriptor that children inherit; `VARIABLE` tells them of it.
    """

    def __init__(self) -> None:
        self.number, self._held = os.pipe()

    def close(self) -> None:
        """Lets go: children that are still there end."""
        os.close(self.number)
        os.close(self._held)


def hold() -> None:
    """The child's side: from now on it ends with its starter, if that wants it to."""
    text = os.environ.pop(VARIABLE, "")
    if text.isdigit():
        thread = threading.Thread(target=_wait, args=(int(text),), name="lifeline", daemon=True)
        thread.start()


def _wait(number: int) -> None:
    with contextlib.suppress(OSError):
        while os.read(number, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
