"""With this module a group's expressions become the source of a loop that Numba can compile.

    @jit
    def fused_mul_add_v2_relu(start, stop, total, span, a0, c1, a2, r0):
        for piece in range(start, stop):
            first = piece * span
            size = min(span, total - first)
            x0 = a0[first : first + size]
            x2 = a2[:size]
            y0 = r0[first : first + size]
            for i in range(size):
                v0 = x0[i]
                v2 = x2[i]
                v3 = v0 * c1
                v4 = v3 + v2
                v5 = v4 if v4 > np.float32(0.0) or v4 != v4 else np.float32(0.0)
                y0[i] = v5

Sums are added up as `minitf.kernels.reductions` does it, in a piece that is folded once per block.

The inner loop is over slices that begin at 0, of one size: that is what LLVM makes vector
instructions of. Numbers of the graph are arguments, so that groups that differ in no more than
numbers and sizes share one source and its machine code.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minitf.kernels.generated import Parameter
from minitf.runtime.fusion.layout import COLUMN, FULL, ROW, ROWS, SCALAR, Access
from minitf.runtime.fusion.record import Symbol, walk

_HEADER = '''"""Written by minitf: {what}"""

import numpy as np

from minitf.kernels.jit import jit
'''


class Loop:
    """The source of a loop.

    Args:
      name: of its function.
      inputs: the symbols that are given, and where their elements are.
      outputs: the symbols whose elements are kept.
      sums: the symbols whose elements are added up.
      turns: how many pieces are added up to one; see `minitf.kernels.reductions.Folds`.

    Attributes:
      text: the source of a module with the function.
      code: the function alone.
      parameters: what it takes after some integers: the inputs, the outputs, and for each sum an
        array for a piece and one for what is left of all blocks.
      cost: about how many instructions one element takes.
    """

    def __init__(
        self,
        name: str,
        inputs: Sequence[tuple[Symbol, Access]],
        outputs: Sequence[Symbol],
        sums: Sequence[Symbol],
        turns: int = 1,
    ) -> None:
        self.name = name
        self._turns = turns
        self._names: dict[int, str] = {}
        self._before: list[str] = []
        self._inside: list[str] = []
        integers = ["start", "stop", "total", "span", *(["turns", "width"] if sums else [])]
        self.parameters: list[Parameter] = [("int", None)] * len(integers)
        arguments = integers + [
            *(self._input(i, symbol, access) for i, (symbol, access) in enumerate(inputs)),
            *(self._output(i, symbol) for i, symbol in enumerate(outputs)),
        ]
        made = [s for s in walk([*outputs, *sums]) if id(s) not in self._names]
        for symbol in made:
            self._compute(symbol)
        for i, symbol in enumerate(outputs):
            self._inside.append(f"y{i}[i] = {self._names[id(symbol)]}")
        for i, symbol in enumerate(sums):
            arguments += self._sum(i, symbol)
        self.cost = sum(symbol.cost for symbol in made) + len(inputs) + len(outputs)
        self.text = self._text(arguments, [symbol.calls for symbol in made if symbol.calls], sums)

    def _input(self, i: int, symbol: Symbol, access: Access) -> str:
        kind, place, _ = access
        self.parameters.append(("number" if kind == SCALAR else "read", symbol.dtype))
        if kind == SCALAR:
            self._names[id(symbol)] = f"c{i}"
            return f"c{i}"
        self._names[id(symbol)] = f"v{i}"
        if kind == COLUMN:
            self._before.append(f"v{i} = a{i}[{place}]")
            return f"a{i}"
        if kind == FULL:
            where = "first : first + size"
        elif kind == ROW:
            where = ":size"
        else:
            assert kind == ROWS
            self._before.append(f"place{i} = {place}")
            where = f"place{i} : place{i} + size"
        self._before.append(f"x{i} = a{i}[{where}]")
        self._inside.append(f"v{i} = x{i}[i]")
        return f"a{i}"

    def _output(self, i: int, symbol: Symbol) -> str:
        self.parameters.append(("write", symbol.dtype))
        self._before.append(f"y{i} = r{i}[first : first + size]")
        return f"r{i}"

    def _sum(self, i: int, symbol: Symbol) -> list[str]:
        self.parameters += [("write", symbol.dtype)] * 2
        add = "=" if self._turns == 1 else "+="
        self._inside.append(f"sum{i}[i] {add} {self._names[id(symbol)]}")
        return [f"sum{i}", f"left{i}"]

    def _compute(self, symbol: Symbol) -> None:
        name = self._names[id(symbol)] = f"v{len(self._names)}"
        args = [self._names[id(a)] if isinstance(a, Symbol) else number(a) for a in symbol.args]
        dtype = f"np.{_dtype_in(symbol)}"
        self._inside.append(f"{name} = {symbol.template.format(*args, dtype=dtype)}")

    def _text(self, arguments: list[str], calls: list[Any], sums: Sequence[Symbol]) -> str:
        kinds = ", ".join(f"{kind} {dtype}" for kind, dtype in self.parameters if dtype)
        imports = {f"from {call.__module__} import {call.py_func.__name__}\n" for call in calls}
        if sums:
            imports.add("from minitf.kernels.reductions import NOTHING, fold\n")
        body = [
            "    first = piece * span",
            "    size = min(span, total - first)",
            *(f"    {line}" for line in self._before),
            "    for i in range(size):",
            *(f"        {line}" for line in self._inside),
        ]
        if sums and self._turns > 1:
            body = _added_up(body, len(sums))
        else:
            body = ["for piece in range(start, stop):", *body, *_folded("piece", len(sums))]
        head = ["@jit", f"def {self.name}({', '.join(arguments)}):"]
        self.code = "\n".join([*head, *(f"    {line}" for line in body)]) + "\n"
        return f"{_HEADER.format(what=kinds)}{''.join(sorted(imports))}\n\n{self.code}"


def _added_up(body: list[str], sums: int) -> list[str]:
    """The loop over the pieces, inside one over the blocks that are added up."""
    return [
        "pieces = (total + span - 1) // span",
        "for block in range(start, stop):",
        *(f"    sum{i}[:] = NOTHING" for i in range(sums)),
        "    for piece in range(block * turns, min(block * turns + turns, pieces)):",
        *(f"    {line}" for line in body),
        *_folded("block", sums),
    ]


def _folded(block: str, sums: int) -> list[str]:
    lines = []
    for i in range(sums):
        lines.append(f"    fold(sum{i}, span // width, width)")
        lines.append(f"    left{i}[{block} * width : ({block} + 1) * width] = sum{i}[:width]")
    return lines


def number(value: Any) -> str:
    """A numpy scalar as Python.

    >>> import numpy as np
    >>> number(np.float32(0.5)), number(np.float64("-inf")), number(np.bool_(True))
    ('np.float32(0.5)', 'np.float64(-np.inf)', 'True')
    """
    if value.dtype == bool:
        return str(bool(value))
    text = repr(float(value)).replace("inf", "np.inf").replace("nan", "np.nan")
    return f"np.{value.dtype}({text})"


def _dtype_in(symbol: Symbol) -> np.dtype[Any]:
    """The dtype that a template means: that of the floats that it is about."""
    if symbol.dtype != bool:
        return symbol.dtype
    given: np.dtype[Any] = symbol.args[0].dtype
    return given
