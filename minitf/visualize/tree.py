"""With this module one can read a graph as text: `minitf.visualize.dprint(tensor)`.

>>> import minitf as tf
>>> from minitf import visualize
>>> x = tf.placeholder(tf.float32, [None, 2], name="x")
>>> y = tf.nn.relu(x * 2.0 - 1.0, name="y")
>>> visualize.dprint(y)
y: Relu -> float32 ?×2
└─ sub: Sub -> float32 ?×2
   ├─ mul: Mul -> float32 ?×2
   │  ├─ x: Placeholder -> float32 ?×2
   │  └─ mul/y: Const 2 -> float32 scalar
   └─ sub/y: Const 1 -> float32 scalar
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TextIO

from minitf.framework import default, errors
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.visualize import dot
from minitf.visualize.drawing import elements_of

# Deeper than this a line would start far to the right: the tree goes on below, at the left.
_DEEPEST = 20


@dataclass
class _Line:
    """A line to be written: what it shows, and the rules drawn before it."""

    item: Tensor | Operation
    rule: str
    below: str
    level: int
    is_control: bool = False


def dprint(
    what: Any, depth: int | None = None, *, lines: bool = False, file: TextIO | None = None
) -> None:
    """Prints what a tensor is computed from, as an indented tree.

    Each node stands once with its inputs; where it is met again the tree says so. `^` marks a node
    that only runs before.

    Args:
      what: a tensor, a variable, an operation, the name of one, or a list of these.
      depth: how many levels are shown; all of them if None.
      lines: whether to show the line of the script that made each node.
      file: where to print to; standard output if None.

    Raises:
      TypeError: if `what` is nothing of a graph.
      ValueError: if `depth` is negative.
    """
    if depth is not None and depth < 0:
        raise errors.value_error(
            f"depth is a number of levels, 0 or more, or None for all; not {depth}."
        )
    for text in tree_lines(what, depth, lines):
        print(text, file=file or sys.stdout)


def tree_lines(what: Any, depth: int | None = None, with_lines: bool = False) -> Iterator[str]:
    """The lines that `dprint` prints. Memory and time are linear in what is printed."""
    roots = deque(_Line(item, "", "", 0) for item in elements_of(what, default.get_default_graph()))
    seen: set[Operation] = set()
    while roots:
        stack = [roots.popleft()]
        while stack:
            line = stack.pop()
            op = line.item.op if isinstance(line.item, Tensor) else line.item
            children = _children(op, line)
            rule = line.rule + ("^" if line.is_control else "")
            if op in seen and children:
                yield f"{rule}{_name(line.item)} (above)"
                continue
            seen.add(op)
            yield rule + _described(line.item, op) + (_made_at(op) if with_lines else "")
            if depth is not None and line.level >= depth:
                if children:
                    yield f"{line.below}└─ ..."
            elif children and len(line.below) >= 3 * _DEEPEST:
                yield f"{line.below}└─ (goes on below)"
                seen.discard(op)
                roots.append(_Line(line.item, "", "", line.level))
            else:
                stack.extend(reversed(children))


def _children(op: Operation, parent: _Line) -> list[_Line]:
    items: list[tuple[Tensor | Operation, bool]] = [(tensor, False) for tensor in op.inputs]
    items += [(before, True) for before in op.control_inputs]
    found = []
    for number, (item, is_control) in enumerate(items, 1):
        is_last = number == len(items)
        rule = parent.below + ("└─ " if is_last else "├─ ")
        below = parent.below + ("   " if is_last else "│  ")
        found.append(_Line(item, rule, below, parent.level + 1, is_control))
    return found


def _name(item: Tensor | Operation) -> str:
    return item.name.removesuffix(":0") if isinstance(item, Tensor) else item.name


def _described(item: Tensor | Operation, op: Operation) -> str:
    kind = op.type
    if op.type == "Const" and (value := dot.constant_text(op)):
        kind = f"Const {value}"
    outputs = [item] if isinstance(item, Tensor) else op.outputs
    types = ", ".join(dot.type_of(tensor) for tensor in outputs)
    return f"{_name(item)}: {kind}" + (f" -> {types}" if types else "")


def _made_at(op: Operation) -> str:
    return f"   # {place.split(': ')[0]}" if (place := dot.line_of(op)) else ""
