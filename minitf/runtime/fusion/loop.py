"""With this module a group's expressions become the source of a loop that Numba can compile.

    @jit
    def fused_add_relu(start, stop, total, span, a0, a1, r0):
        for block in range(start, stop):
            first = block * span
            size = min(span, total - first)
            x0 = a0[first : first + size]
            x1 = a1[:size]
            y0 = r0[first : first + size]
            for i in range(size):
                v0 = x0[i]
                v1 = x1[i]
                v2 = v0 + v1
                v3 = v2 if v2 > z or v2 != v2 else z ...
                y0[i] = v3

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

    Attributes:
      text: the source of a module with the function.
      parameters: what the function takes, after four (for sums five) integers: the inputs, the
        outputs, for each sum an array for a block and one for what is left of all blocks.
      cost: about how many instructions one element takes.
    """

    def __init__(
        self,
        name: str,
        inputs: Sequence[tuple[Symbol, Access]],
        outputs: Sequence[Symbol],
        sums: Sequence[Symbol],
    ) -> None:
        self.name = name
        self._names: dict[int, str] = {}
        self._before: list[str] = []
        self._inside: list[str] = []
        self._after: list[str] = []
        integers = ["start", "stop", "total", "span", *(["width"] if sums else [])]
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
        self._before.append(f"s{i} = block{i}[:size]")
        self._inside.append(f"s{i}[i] = {self._names[id(symbol)]}")
        self._after += [
            f"fold(s{i}, size // width, width)",
            f"left{i}[block * width : (block + 1) * width] = s{i}[:width]",
        ]
        return [f"block{i}", f"left{i}"]

    def _compute(self, symbol: Symbol) -> None:
        name = self._names[id(symbol)] = f"v{len(self._names)}"
        args = [self._names[id(a)] if isinstance(a, Symbol) else number(a) for a in symbol.args]
        dtype = f"np.{_dtype_in(symbol)}"
        self._inside.append(f"{name} = {symbol.template.format(*args, dtype=dtype)}")

    def _text(self, arguments: list[str], calls: list[Any], sums: Sequence[Symbol]) -> str:
        kinds = ", ".join(f"{kind} {dtype}" for kind, dtype in self.parameters if dtype)
        imports = {f"from {call.__module__} import {call.__name__}\n" for call in calls}
        if sums:
            imports.add("from minitf.kernels.reductions import fold\n")
        lines = [
            "@jit",
            f"def {self.name}({', '.join(arguments)}):",
            "    for block in range(start, stop):",
            "        first = block * span",
            "        size = min(span, total - first)",
            *(f"        {line}" for line in self._before),
            "        for i in range(size):",
            *(f"            {line}" for line in self._inside),
            *(f"        {line}" for line in self._after),
        ]
        self.code = "\n".join(lines) + "\n"
        return f"{_HEADER.format(what=kinds)}{''.join(sorted(imports))}\n\n{self.code}"


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
