"""With this module ops can declare which groups of them are better computed together.

A pattern is a few lines of a program, and the lines that may take their place, both written as
`session.explain` shows programs. Ops declare patterns beside their kernels; the pass
`runtime.passes.layers` looks for them in what is about to run, and knows no op by name.

    pattern(
        '''
        y = Square(x)
        z = Sum(y, axes) | Mean(y, axes)
        ''',
        "z = SumOfSquares(x)",
        suits=lambda nodes, values: {} if values["axes"].constant is not None else None,
    )

Names stand for values: one name, one value. What only the old lines make, such as `y`, vanishes,
so nothing else may read it; what the new lines make, such as `z`, must have the same bits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from minitf.framework.op_def import OpDef

# From the nodes, by the name of what they make, and all values, to the attributes of the new nodes;
# None if it does not suit. (Both are those of `runtime.block`.)
Suits = Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, Any] | None]

_LINE = re.compile(r"(\w+(?:, \w+)*) = (\w+\([\w, ]*\)(?: \| \w+\([\w, ]*\))*)")


class Line(NamedTuple):
    """One line of a pattern.

    Attributes:
      outputs: the names of what it makes.
      inputs: for each type of op that it may be, the names of what that reads.
    """

    outputs: tuple[str, ...]
    inputs: dict[str, tuple[str, ...]]


class Pattern:
    """Lines to look for, and lines to put there; see `pattern`.

    Attributes:
      lines: what is looked for, in an order in which it may run.
      new_lines: what takes its place; each is of one type of op.
      suits: decides, when all lines are there, whether they may be replaced.
    """

    def __init__(self, lines: str, new_lines: str, suits: Suits) -> None:
        self.lines = [_line(text) for text in lines.strip().splitlines()]
        self.new_lines = [_line(text) for text in new_lines.strip().splitlines()]
        self.suits = suits
        made = {name for line in self.lines for name in line.outputs}
        given = {name for line in self.new_lines for name in line.outputs}
        self.vanishing = made - given

    def __repr__(self) -> str:
        return "; ".join(f"{', '.join(line.outputs)} = {line.inputs}" for line in self.lines)


def _line(text: str) -> Line:
    match = _LINE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"Cannot read the line {text!r} of a pattern")
    outputs, calls = match.groups()
    inputs = {}
    for call in calls.split(" | "):
        name, _, arguments = call.rstrip(")").partition("(")
        inputs[name] = tuple(arguments.split(", "))
    return Line(tuple(outputs.split(", ")), inputs)


_PATTERNS: list[Pattern] = []
_OPS: dict[str, OpDef] = {}


def pattern_op(signature: str, *attrs: str) -> OpDef:
    """Declares a type that new lines may have; it has a kernel, and no graph can have it.

    Args:
      signature: as for `op_def`; so are the attributes.
    """
    declared = _OPS[signature.partition("(")[0]] = OpDef(signature, *attrs)
    return declared


def find(name: str) -> OpDef:
    """The declaration of a new line's type."""
    return _OPS[name]


def pattern(lines: str, new_lines: str, suits: Suits) -> None:
    """Declares that some lines of a program may be replaced by others, with the same results.

    Of patterns that overlap the one that was declared first is looked for first.

    Args:
      lines: as in this module's docstring; each makes one value, and each but the first reads one
        that a line before it made. The first one's type should be a rare one.
      new_lines: what takes their place, of types that are `pattern_op`s: each where the first of
        the values that it gives was made. An error in one is told as that of the node that read
        its first input. What no old line made, such as a mask, has the shape of the line's first
        value.
      suits: `(nodes, values) -> attributes`: given the old nodes by the name of what they make, and
        the values by name, returns the attributes of the new nodes, or None if the lines must stay.

    Raises:
      ValueError: if a line cannot be read.
    """
    _PATTERNS.append(Pattern(lines, new_lines, suits))


def all_patterns() -> Iterator[Pattern]:
    """Every pattern, in the order of declaration."""
    return iter(_PATTERNS)
