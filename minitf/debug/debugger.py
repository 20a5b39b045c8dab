"""With this module one can run a session under a debugger: it stops, asks, and goes on."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from minitf.debug import values
from minitf.debug.filters import TensorFilter, has_inf_or_nan
from minitf.debug.prompt import Prompt, where
from minitf.debug.steps import Steps
from minitf.debug.terminal import Terminal
from minitf.framework import traceback as traceback_lib
from minitf.framework.operation import Operation
from minitf.runtime.session import BaseSession

Plainly = Callable[[], Any]


class Quit(SystemExit):
    """The person at the terminal has ended the script."""


class Debugger:
    """What the runs of a script have in common: how far to go, and what was seen last.

    It stops in the runs of one thread, the one that made it; those of others are left alone, since
    what they do may be what this one waits for.

    Args:
      read: gives the next line for a prompt; raises EOFError where there are no more. The terminal
        if None.
      write: shows a line of text.
    """

    def __init__(
        self,
        read: Callable[[str], str] | None = None,
        write: Callable[[str], None] = print,
    ) -> None:
        self.filters: dict[str, TensorFilter] = {"has_inf_or_nan": has_inf_or_nan}
        self._read_line = read or Terminal(self._names)
        self._write = write
        self._prompt = Prompt(self._read, write, self.filters)
        self._thread = threading.current_thread()
        self._runs = 0
        self._plain_runs: int | None = 0  # how many more not to stop in; None for all
        self._finding = ""
        self._steps: Steps | None = None
        self._previous: Steps | None = None
        self._stop_after: Callable[[Operation], bool] = _never
        self._stop_at_the_end = False
        self._reading = self._interrupted = False

    def run(self, session: BaseSession, fetches: Any, feed_dict: Any, plainly: Plainly) -> Any:
        """One `session.run`.

        Args:
          session: the session.
          fetches, feed_dict: what it is asked for.
          plainly: runs it without the debugger.
        """
        if threading.current_thread() is not self._thread or session.sess_str:
            return plainly()  # the values of a server are not here
        self._runs += 1
        if self._counts_as_plain():
            return plainly()
        line = str(traceback_lib.capture())
        self._steps = Steps(session, fetches, feed_dict, self._runs, line)
        return self._watch(self._steps, plainly)

    def _counts_as_plain(self) -> bool:
        """Whether `go` has said not to stop in this run; if so it is one less."""
        if self._plain_runs:
            self._plain_runs -= 1
            return True
        return self._plain_runs is None

    def _watch(self, steps: Steps, plainly: Plainly) -> Any:
        if not self._finding:
            self._write(f"--- {where(steps)}")
            self._ask(steps)
            if self._counts_as_plain():
                return plainly()
        try:
            with _on_interrupt(self._interrupted_in_a_run):
                result = steps.run(self._after)
        except Exception as error:
            self._write(f"--- {type(error).__name__}: {error}")
            self._write("The script gets this error when you go on. Values so far can be seen.")
            self._ask(steps)
            raise
        if self._stop_at_the_end:
            self._write(f"--- run {steps.number} is at its end")
            self._ask(steps)
        self._previous = steps
        return result

    def _after(self, op: Operation) -> None:
        """Stops after a node if it is one to stop at."""
        steps = self._steps
        assert steps is not None
        said = self._found(op, steps) if self._finding else ""
        if not (said or self._interrupted or self._stop_after(op)):
            return
        if said:
            self._write(f"--- {said}")
        self._write(_after_node(op, steps))
        self._ask(steps)

    def _found(self, op: Operation, steps: Steps) -> str:
        """What to say of a node where the filter holds; a filter that fails stops there too."""
        try:
            holds = steps.passes(op, self.filters[self._finding])
        except Exception as error:  # the user's own function: the run can do without
            return f"the filter {self._finding} failed: {type(error).__name__}: {error}"
        return f"{self._finding}: in run {steps.number}, {steps.line}" if holds else ""

    def _ask(self, steps: Steps) -> None:
        """Asks what to do, and sets where to stop next."""
        with _on_interrupt(self._interrupted_at_the_prompt):
            command, argument = self._prompt.ask(steps, self._previous)
        self._interrupted = False
        self._finding, self._stop_after, self._stop_at_the_end = "", _never, False
        if command == "step":
            last = steps.done + argument
            self._stop_after = lambda op: steps.done >= last
        elif command == "until":
            self._stop_after = lambda op: op is argument
        elif command == "finish":
            self._stop_at_the_end = True
        elif command == "find":
            self._finding = argument
        elif command == "go":  # this run counts too
            self._plain_runs = None if argument is None else argument - (steps.done > 0)
        elif command == "quit":
            raise Quit(0)

    def _read(self, prompt: str) -> str:
        """A line, or what the end of lines means: go on where nobody types, else quit."""
        try:
            self._reading = True
            return self._read_line(prompt)
        except EOFError:
            self._write("")
            return "quit" if sys.stdin.isatty() else "go"
        finally:
            self._reading = False

    def end(self) -> None:
        """To be called when the script has ended."""
        if self._finding:
            self._write(f"No value passed the filter {self._finding}.")

    def _names(self) -> list[str]:
        return [op.name for op in self._steps.ops] if self._steps is not None else []

    def _interrupted_at_the_prompt(self, *_: object) -> None:
        """Ctrl-C takes a line back; while an answer is being made it means nothing."""
        if self._reading:
            raise KeyboardInterrupt

    def _interrupted_in_a_run(self, *_: object) -> None:
        """Ctrl-C stops after the node that is running; again, before that, ends the script."""
        if self._interrupted:
            raise KeyboardInterrupt
        self._interrupted = True


@contextmanager
def _on_interrupt(handler: Callable[..., None]) -> Iterator[None]:
    """Lets a function take what Ctrl-C sends, where this thread can have that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _never(op: Operation) -> bool:
    return False


def _after_node(op: Operation, steps: Steps) -> str:
    """What a node has given."""
    if op in steps.dead:
        return f"{op.name} ({op.type}): on a branch that is not taken"
    lines = [f"{t.name} ({op.type})  {values.summary(steps.value(t))}" for t in op.outputs]
    return "\n".join(lines) or f"{op.name} ({op.type})  has run"
