"""With this module the debugger asks the person at the terminal what to do, and answers."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Callable
from typing import Any

from minitf.debug import values
from minitf.debug.filters import TensorFilter
from minitf.debug.steps import Steps
from minitf.framework import errors
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor

_AROUND = 8
_MOST = 60

HELP = """\
going on
  step [N]         s   run the next node, or the next N
  until NODE       u   run up to NODE, and stop when it has run
  finish           f   run to the end of this session.run, and stop there
  continue         c   run on, and stop before the next session.run
  find [FILTER]        run on, also through later session.runs, until a value passes the filter
                       (has_inf_or_nan, if none is named)
  go [N]           g   run on without stopping: N session.runs, or all
  quit             q   end the script
looking
  list [PATTERN]   l   the nodes around the next one, or those with PATTERN in their names
  print TENSOR     p   a value: print loss, print conv1/W:0[..., 0]
  info NODE        i   a node: its line in the script, what it takes and gives
  where            w   where the run is, what it was asked for, what is fed
An empty line repeats the last step. A name may be shortened to its end, if that says which."""


class Answer(Exception):
    """A command that cannot be done; its text is the answer."""


class Prompt:
    """Reads commands until one of them says to go on.

    Args:
      read: gives the next line for a prompt; raises EOFError where there are no more.
      write: shows a line of text.
      filters: the filters that `find` knows, by name.
    """

    def __init__(
        self,
        read: Callable[[str], str],
        write: Callable[[str], None],
        filters: dict[str, TensorFilter],
    ) -> None:
        self._read = read
        self._write = write
        self._filters = filters
        self._again = ""

    def ask(self, steps: Steps, previous: Steps | None) -> tuple[str, Any]:
        """Answers questions until it is told to go on; returns how: a command and its argument.

        Args:
          steps: the run that is stopped.
          previous: the run before it, whose values can still be seen while this one has none.
        """
        while True:
            try:
                line = self._read("(minitf) ").strip() or self._again
            except KeyboardInterrupt:
                self._write("")
                continue
            word, _, rest = line.partition(" ")
            try:
                found = self._going_on(word, rest.strip(), steps)
                if found is not None:
                    self._again = line if found[0] == "step" else ""
                    return found
                if word:
                    self._write(self._look(word, rest.strip(), steps, previous))
            except Answer as answer:
                self._write(str(answer))

    # ---- going on

    def _going_on(self, word: str, rest: str, steps: Steps) -> tuple[str, Any] | None:
        """The command and its argument, if it is one that goes on."""
        if word in ("step", "s"):
            return "step", _count(rest, 1)
        if word in ("until", "u"):
            op = self._node(rest, steps)
            if op in steps.ops[: steps.done]:
                raise Answer(f"{op.name} has run already in this session.run.")
            if op not in steps.ops:
                raise Answer(f"{op.name} is not needed for what this session.run fetches.")
            return "until", op
        if word == "find":
            name = rest or "has_inf_or_nan"
            if name not in self._filters:
                raise Answer(f"There is no filter {name!r}; there are {', '.join(self._filters)}.")
            return "find", name
        if word in ("go", "g"):
            return "go", _count(rest, None)
        for known in ("finish", "continue", "quit"):
            if word in (known, known[0], "exit" if known == "quit" else known):
                return known, None
        return None

    # ---- looking

    def _look(self, word: str, rest: str, steps: Steps, previous: Steps | None) -> str:
        if word in ("help", "h", "?"):
            return HELP
        if word in ("list", "l"):
            return self._list(rest, steps)
        if word in ("print", "p"):
            return self._print(rest, steps, previous)
        if word in ("info", "i"):
            return self._info(self._node(rest, steps), steps)
        if word in ("where", "w"):
            return where(steps)
        raise Answer(f"There is no command {word!r}. `help` lists what there is.")

    def _list(self, pattern: str, steps: Steps) -> str:
        numbered = list(enumerate(steps.ops))
        if pattern:
            shape = pattern if any(c in pattern for c in "*?[") else f"*{pattern}*"
            numbered = [(i, op) for i, op in numbered if fnmatch.fnmatchcase(op.name, shape)]
            if not numbered:
                raise Answer(f"No node of this session.run has {pattern!r} in its name.")
        else:
            start = max(steps.done - _AROUND, 0)
            numbered = numbered[start : steps.done + _AROUND]
        lines = [_listed(i, op, steps) for i, op in numbered[:_MOST]]
        if len(numbered) > _MOST:
            lines.append(f"... and {len(numbered) - _MOST} more")
        return "\n".join(lines)

    def _print(self, text: str, steps: Steps, previous: Steps | None) -> str:
        try:
            name, index = values.name_and_index(text)
        except ValueError as error:
            raise Answer(str(error)) from None
        tensor = self._tensor(name, steps)
        source = steps if steps.has(tensor) or previous is None else previous
        if not source.has(tensor):
            raise Answer(_why_no_value(tensor, steps))
        value = source.value(tensor)
        is_old = source is not steps and not tensor.dtype._is_ref_dtype
        note = f"  (of run {source.number})" if is_old else ""
        if value is None:
            return f"{tensor.name}: the variable has no value yet{note}"
        if index is not None:
            try:
                value = value[index]
            except (IndexError, ValueError) as error:  # ValueError: a slice that steps by 0
                raise Answer(f"{tensor.name} is {values.summary(value)}: {error}") from None
        return f"{tensor.name}  {values.summary(value)}{note}\n{values.numbers(value)}"

    def _info(self, op: Operation, steps: Steps) -> str:
        lines = [f"{op.name}  (type {op.type})"]
        if op.device:
            lines.append(f"  on:    {op.device}")
        if op.traceback:
            lines += [f"  line:  {file}:{n}: {t}" for file, n, _, t in op.traceback.frames[:3]]
        for tensor in op.inputs:
            lines.append(f"  takes: {_shown(tensor, steps)}")
        lines += [f"  after: {control.name}" for control in op.control_inputs]
        for tensor in op.outputs:
            lines.append(f"  gives: {_shown(tensor, steps)}")
            users = [user.name for user in tensor.consumers() if user in steps.ops]
            if users:
                lines.append(f"         to {', '.join(users[:6])}" + ", ..." * (len(users) > 6))
        return "\n".join(lines)

    # ---- names

    def _tensor(self, name: str, steps: Steps) -> Tensor:
        node, colon, number = name.partition(":")
        op = self._node(node, steps)
        index = values.whole_number(number) if colon else 0
        if index is None or index >= len(op.outputs):
            names = ", ".join(tensor.name for tensor in op.outputs) or "no outputs"
            raise Answer(f"{op.name} has {names}.")
        return op.outputs[index]

    def _node(self, name: str, steps: Steps) -> Operation:
        """The node of this name, or the only one of the run whose name ends in it."""
        if not name:
            raise Answer("Which one? Say its name after the command.")
        known = {op.name: op for op in steps.ops}
        known |= {tensor.op.name: tensor.op for tensor in steps.feeds}
        name = name.partition(":")[0]
        if name in known:
            return known[name]
        ends = [op for full, op in known.items() if full.endswith("/" + name)]
        if len(ends) == 1:
            return ends[0]
        if ends:
            raise Answer(f"{name} may be {', '.join(op.name for op in ends[:8])}.")
        near = [full for full in known if name in full][:5]
        near = near or difflib.get_close_matches(name, known, n=3)
        hint = f" The nearest: {', '.join(near)}." if near else ""
        raise Answer(f"No node of this session.run is called {name!r}.{hint}")


def where(steps: Steps) -> str:
    """Where a run stands, and what it was asked for."""
    lines = [f"run {steps.number}: {steps.line}"]
    lines.append(f"  fetches: {', '.join(fetch.name for fetch in steps.fetches) or 'nothing'}")
    for tensor, value in steps.feeds.items():
        lines.append(f"  feeds:   {tensor.name}  {values.summary(value)}")
    following = steps.next
    at = f"next is {following.name} ({following.type})" if following else "it is at its end"
    lines.append(f"  {steps.done} of {len(steps.ops)} nodes have run; {at}")
    return "\n".join(lines)


def _count(text: str, default: int | None) -> int | None:
    if not text:
        return default
    count = values.whole_number(text)
    if not count:
        raise Answer(f"{text!r} is no number from 1 on.")
    return count


def _listed(number: int, op: Operation, steps: Steps) -> str:
    mark = " "
    if number < steps.done:
        mark = "-" if op in steps.dead else "+"
    elif number == steps.done:
        mark = ">"
    outputs = ", ".join(errors.describe(tensor).partition(" ")[2] for tensor in op.outputs)
    return f"{mark} {number + 1:5}  {op.name:36} {op.type:20} {outputs}".rstrip()


def _shown(tensor: Tensor, steps: Steps) -> str:
    if steps.has(tensor):
        return f"{tensor.name}  {values.summary(steps.value(tensor))}"
    return f"{errors.describe(tensor)}  (no value yet)"


def _why_no_value(tensor: Tensor, steps: Steps) -> str:
    if tensor.op in steps.dead:
        return f"{tensor.name} is on a branch that was not taken."
    return f"{tensor.name} has no value yet: run `until {tensor.op.name}` first."
