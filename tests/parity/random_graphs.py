"""Random programs, as hypothesis draws them: leaves, and statements of ops drawn from a table.

A `Program` is a list of statements in the order in which they run, each with the text of its code.
The text is the program: an engine builds it by executing `script(program)`, so that what a failure
prints is what failed. Hypothesis shrinks it by leaving statements out and by choosing what comes
first in each list of choices, which therefore is the simplest.

The table is in the modules `random_*_ops.py`. An entry is a function of a `Maker`, from which it
asks for operands that fit and to which it hands the code of one statement:

    @entry
    def matmul(m: Maker) -> None:
        x = m.pick(where=lambda v: v.ndim == 2)
        m.emit(f"tf.matmul({x}, {m.operand(x.dtype, [x.shape[1], m.dim()])})")

While a program is drawn, minitf builds and evaluates it, statement by statement, so that entries
know shapes and values and can ask for, say, a positive operand. If a statement raises in minitf the
program ends with it, and TensorFlow has to raise the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st

import minitf
from tests.parity.rounding import Evaluator

FLOATS = ("float32", "float64", "float16")
COMPLEX = ("complex64",)
INTEGERS = ("int32", "int64")
NUMBERS = FLOATS + INTEGERS
# The main float dtype of a program is one of these.
MAIN = ("float32", "float64", "float32", "float64", "float32", "float64", "float32", "float16")
# Values beyond this, and those that are no numbers, are rarely computed with further.
TAME = 1e5
# Larger tensors are not computed with further.
LARGE = 600


# A name, with the dtype of what it stands for and its shape when run.
Named = tuple[str, str, tuple[int, ...]]


@dataclass(frozen=True)
class Statement:
    """One statement of a program.

    Attributes:
      text: its code, of one line or more.
      kind: what it is: the name of a leaf's kind or of the table's entry.
      results: the names that it gives to tensors, each with its dtype and its shape when run.
    """

    text: str
    kind: str
    results: tuple[Named, ...]


@dataclass(frozen=True)
class Program:
    """A drawn program.

    Attributes:
      statements: in the order in which they run.
      inputs: the leaves that gradients are taken by: name, dtype and shape when run.
      outputs: the tensors whose gradients are taken.
    """

    statements: tuple[Statement, ...]
    inputs: tuple[Named, ...]
    outputs: tuple[Named, ...]

    def __repr__(self) -> str:
        return "Program:\n" + script(self, "minitf")

    def tensors(self) -> list[str]:
        """The names of all tensors, in order."""
        return [name for statement in self.statements for name, _, _ in statement.results]


# ---- a program as text


def forward_text(program: Program) -> str:
    """The code that builds the graph; it fills `feed`."""
    return "\n".join(["feed = {}", *(each.text for each in program.statements)]) + "\n"


def gradient_text(program: Program, order: int = 2) -> str:
    """The code that adds gradients up to an order, of sums weighted so that elements differ."""
    if not (program.inputs and program.outputs and order):
        return ""
    ys, xs = (", ".join(name for name, _, _ in some) for some in (program.outputs, program.inputs))
    lines = [
        "def weights(shape, dtype):  # the same numbers in every precision",
        "    numbers = np.round(64 * np.cos(1.0 + np.arange(np.prod(shape)))) / 64",
        "    return tf.constant(numbers.reshape(shape).astype(dtype))",
        f"xs = [{xs}]",
        f"first = tf.gradients([{ys}], xs, [{_weights(program.outputs)}])",
        "first = [g if g is None else tf.convert_to_tensor(g) for g in first]",
        "second = []",
    ]
    if order == 2:
        lines += [
            f"weighted = zip(first, [{_weights(program.inputs)}])",
            "weighted = [(g, w) for g, w in weighted if g is not None]",
            "if weighted:",
            "    second = tf.gradients([g for g, _ in weighted], xs, [w for _, w in weighted])",
            "second = [g if g is None else tf.convert_to_tensor(g) for g in second]",
        ]
    return "\n".join(lines) + "\n"


def _weights(tensors: Sequence[Named]) -> str:
    return ", ".join(f"weights({list(shape)}, {dtype!r})" for _, dtype, shape in tensors)


def widened(program: Program) -> Program:
    """The same program in double precision."""

    def wide(text: str) -> str:
        return re.sub(r"float(16|32)", "float64", text).replace("complex64", "complex128")

    return Program(
        tuple(Statement(wide(s.text), s.kind, s.results) for s in program.statements),
        tuple((name, wide(dtype), shape) for name, dtype, shape in program.inputs),
        tuple((name, wide(dtype), shape) for name, dtype, shape in program.outputs),
    )


def script(program: Program, engine: str = "tensorflow.compat.v1") -> str:
    """A script that builds the program in one engine, runs it and prints what comes out."""
    head = ["import numpy as np", f"import {engine} as tf"]
    if engine != "minitf":
        head += ["tf.disable_v2_behavior()", "tf.disable_resource_variables()"]
    gradients = gradient_text(program)
    fetches = f"[{', '.join(program.tensors())}]"
    if gradients:
        fetches += " + [g for g in first + second if g is not None]"
    tail = [
        "with tf.Session() as sess:",
        "    sess.run(tf.global_variables_initializer(), feed)",
        f"    for tensor in {fetches}:",
        "        print(tensor.name, tensor.shape, sess.run(tensor, feed))",
    ]
    return "\n".join([*head, forward_text(program) + gradients + "\n".join(tail)]) + "\n"


# ---- leaving statements out


def reduced(program: Program, fails: Callable[[Program], bool]) -> Program:
    """A failing program without the statements that it fails without.

    Hypothesis shrinks what was drawn; where an operand was drawn together with the statement that
    first used it, the statement stays. Here it goes.
    """
    shorter = True
    while shorter:
        shorter = False
        for i in reversed(range(len(program.statements))):
            candidate = _without(program, i)
            if candidate is not None and fails(candidate):
                program, shorter = candidate, True
    return program


def _without(program: Program, i: int) -> Program | None:
    """The program without a statement; None if a later one needs it."""
    gone = program.statements[i]
    named = [*gone.results, *program.inputs]
    names = {name for name, _, _ in named if re.search(rf"\b{name}\b.* = ", gone.text)}
    if any(names & _words(later.text) for later in program.statements[i + 1 :]):
        return None
    return Program(
        program.statements[:i] + program.statements[i + 1 :],
        tuple(x for x in program.inputs if x[0] not in names),
        tuple(y for y in program.outputs if y[0] not in names),
    )


# ---- drawing


@dataclass
class Value:
    """A tensor of the program that is being drawn; its text is its name.

    Attributes:
      array: what it is when run.
      tame: whether all elements are numbers of a size to compute with.
      used: how many statements use it.
    """

    name: str
    array: np.ndarray
    tame: bool
    used: int = 0

    def __str__(self) -> str:
        return self.name

    @property
    def dtype(self) -> str:
        return self.array.dtype.name

    @property
    def shape(self) -> list[int]:
        return list(self.array.shape)

    @property
    def ndim(self) -> int:
        return self.array.ndim

    @property
    def size(self) -> int:
        return self.array.size


@dataclass(frozen=True)
class Entry:
    """An entry of the op table; `weight` says how often it is drawn, relative to others."""

    name: str
    make: Callable[[Maker], None]
    weight: int


TABLE: list[Entry] = []


def entry(make: Callable[[Maker], None]) -> Callable[[Maker], None]:
    """Registers an entry of the op table under the function's name."""
    TABLE.append(Entry(make.__name__, make, 1))
    return make


class Finished(Exception):
    """A statement raised in minitf: the program ends here."""


Condition = Callable[[Value], Any]


@dataclass
class Maker:
    """A program that is being drawn, and what the entries of the table ask for.

    Attributes:
      draw: hypothesis' draw.
      main: the float dtype of most leaves.
    """

    draw: Any
    main: str
    statements: list[Statement] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)
    inputs: list[Named] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.graph = minitf.Graph()
        self.evaluator = Evaluator(self.graph)
        self.scope: dict[str, Any] = {"tf": minitf, "np": np, "feed": {}}
        self.kind = "leaf"
        self._count = 0

    # -- choices

    def choose(self, options: Sequence[Any]) -> Any:
        """One of several; the first is the simplest."""
        return options[self.integer(0, len(options) - 1)]

    def integer(self, low: int, high: int) -> int:
        return int(self.draw(st.integers(low, high)))

    def rarely(self, one_in: int = 8) -> bool:
        """True once in so many times."""
        return self.integer(0, one_in - 1) == one_in - 1

    def flag(self) -> bool:
        return self.rarely(2)

    def dim(self) -> int:
        return int(self.choose((2, 3, 1, 4, 5, 2, 3, 1, 2, 3, 0)))

    def shape(self, low: int = 0, high: int = 4) -> list[int]:
        ranks = [r for r in (2, 1, 2, 3, 0, 4, 1, 2, 3) if low <= r <= high] or [low]
        return [self.dim() for _ in range(self.choose(ranks))]

    def axis(self, value: Value) -> int:
        """An axis, counted from either end; the value has at least one."""
        return self.integer(0, value.ndim - 1) - (value.ndim if self.rarely(3) else 0)

    def axes(self, value: Value) -> Any:
        """None for all, one axis, or a list of distinct ones."""
        how = self.integer(0, 3) if value.ndim else 0
        if how == 0:
            return None
        if how == 1:
            return self.axis(value)
        picked = [i for i in range(value.ndim) if self.flag()]
        return [i - value.ndim if self.rarely(4) else i for i in picked]

    # -- operands

    def floating(self) -> str:
        """A float dtype: mostly the main one."""
        return self.main if not self.rarely(10) else str(self.choose(("float32", "float64")))

    def pick(self, dtypes: Sequence[str] | None = None, where: Condition | None = None) -> Value:
        """A value of one of the dtypes (the main float dtype if none) that meets a condition.

        It is one that is there, mostly a recent one, or a new leaf, which may miss the condition:
        then the entry gives up.
        """
        found = self.candidates(dtypes or FLOATS, where)
        if found and not self.rarely(7):
            value: Value = self.choose(found)
            return value
        for _ in range(4):
            dtype = self.floating() if dtypes in (None, FLOATS) else self.choose(dtypes)
            value = self.leaf(dtype, self.shape())
            if where is None or where(value):
                return value
        raise GaveUp

    def candidates(self, dtypes: Sequence[str], where: Condition | None = None) -> list[Value]:
        """Values that are there, the most recent first."""
        wild = self.rarely(20)
        return [
            v
            for v in reversed(self.values)
            if v.dtype in dtypes
            and v.size <= LARGE
            and (wild or v.tame)
            and (where is None or where(v))
        ]

    def operand(self, dtype: str, shape: Sequence[int], kind: str | None = None) -> Value:
        """A value of just this dtype and shape, which is there or is a new leaf."""
        if kind is None:
            found = self.candidates((dtype,), lambda v: v.shape == list(shape))
            if found and not self.rarely(4):
                value: Value = self.choose(found)
                return value
        return self.leaf(dtype, list(shape), kind)

    def like(self, value: Value) -> Value:
        return self.operand(value.dtype, value.shape)

    def partner(self, value: Value, kind: str | None = None) -> Value:
        """A value of the same dtype against which this one broadcasts."""

        def fits(other: Value) -> bool:
            try:
                return np.broadcast_shapes(value.array.shape, other.array.shape).__len__() <= 5
            except ValueError:
                return False

        found = self.candidates((value.dtype,), fits) if kind is None else []
        if found and not self.rarely(3):
            other: Value = self.choose(found)
            return other
        shape = [1 if self.rarely(4) else d for d in value.shape]
        if self.rarely(3):
            shape = shape[self.integer(0, len(shape)) :]
        elif self.rarely(5) and len(shape) < 4:
            shape = [self.dim(), *shape]
        return self.leaf(value.dtype, shape, kind)

    def leaf(self, dtype: str, shape: list[int], kind: str | None = None) -> Value:
        """A new constant, placeholder or variable."""
        from tests.parity.random_leaves import leaf_code, numbers

        array = numbers(self, dtype, shape, kind)
        before, self.kind = self.kind, "leaf"
        name, code = leaf_code(self, array)
        value = self.add(code, [name])[0]
        self.kind = before
        if array.dtype.kind == "f":
            self.differentiate(value)
        return value

    def static(self, value: Value) -> Any:
        """What is known of a value's shape when the graph is built."""
        return self._tensor(value.name).shape

    def differentiate(self, value: Value) -> None:
        """Takes gradients by this value too."""
        self.inputs.append((value.name, value.dtype, value.array.shape))

    def integers(self, values: Any, dtype: str | None = None) -> str:
        """A small integer array as an operand: a Python list, or a leaf of drawn dtype and kind."""
        array = np.array(values, dtype or self.choose(INTEGERS))
        if self.rarely(4):
            return self.known_leaf(array).name
        if dtype is None and self.rarely(3):
            return f"tf.constant({array.tolist()}, tf.{array.dtype})"
        return repr(array.tolist())

    def known_leaf(self, array: np.ndarray) -> Value:
        """A new leaf that holds what an entry asks for."""
        from tests.parity.random_leaves import leaf_code

        name, code = leaf_code(self, array)
        before, self.kind = self.kind, "leaf"
        value = self.add(code, [name])[0]
        self.kind = before
        return value

    # -- statements

    def name(self, stem: str = "t") -> str:
        self._count += 1
        return f"{stem}{self._count}"

    def emit(self, expression: str, count: int = 1) -> list[Value]:
        """Adds a statement with so many results, perhaps in a scope and behind other nodes."""
        names = [self.name() for _ in range(count)]
        code = f"{', '.join(names)}{',' if count == 1 and expression[0] == '*' else ''} = "
        code += expression.removeprefix("*")
        inside = []
        if self.rarely(14):
            inside.append(f"tf.name_scope({self.choose(('a', 'b'))!r})")
        if self.rarely(20) and self.values:
            inside.append(f"tf.control_dependencies([{self.choose(self.values[::-1])}])")
        if inside:
            code = f"with {', '.join(inside)}:\n    " + code.replace("\n", "\n    ")
        return self.add(code, names)

    def add(self, code: str, names: list[str]) -> list[Value]:
        """Adds a statement: builds it in minitf, evaluates it and notes its results."""
        try:
            with self.graph.as_default():
                exec(code, self.scope)
            self.evaluator.advance(self.scope["feed"])
        except Exception:
            # If it was built and failed when it ran, it has to be run.
            self.statements.append(Statement(code, self.kind, tuple((n, "", ()) for n in names)))
            raise Finished from None
        added = []
        for name in names:
            array = self.evaluator[self._tensor(name)]
            tame = array.dtype.kind not in "fc" or bool(np.all(np.abs(array + 0.0j) < TAME))
            added.append(Value(name, array, tame))
        results = tuple((v.name, v.dtype, v.array.shape) for v in added)
        self.statements.append(Statement(code, self.kind, results))
        for value in self.values:
            value.used += value.name in _words(code)
        self.values += added
        return added

    def _tensor(self, name: str) -> Any:
        thing = self.scope[name]
        return thing if isinstance(thing, minitf.Tensor) else thing._ref()

    def outputs(self) -> list[Named]:
        """What is differentiated: tame floats that nothing uses, or else the last one."""
        leaves = {name for name, _, _ in self.inputs}
        floats = [v for v in self.values if v.array.dtype.kind == "f" and v.tame]
        floats = [v for v in floats if v.name not in leaves]
        chosen = [v for v in floats if not v.used] or floats[-1:]
        return [(v.name, v.dtype, v.array.shape) for v in chosen]


def _words(code: str) -> set[str]:
    return set("".join(c if c.isalnum() or c == "_" else " " for c in code).split())


class GaveUp(Exception):
    """An entry found no operands that fit."""


@st.composite
def _statement(draw: Any, maker: Maker, first: bool) -> bool:
    """Draws one statement into the program, or ends it.

    Both are one strategy, so that hypothesis can cut a statement out with the word that it follows.
    """
    if not (first or draw(st.integers(0, 6))):
        return False
    chosen = maker.choose(TABLE)
    maker.draw, maker.kind = draw, chosen.name
    with suppress(GaveUp):
        chosen.make(maker)
    return True


@st.composite
def programs(draw: Any, longest: int = 14) -> Program:
    """The strategy of random programs."""
    from tests.parity import random_tables

    assert random_tables
    maker = Maker(draw, draw(st.sampled_from(MAIN)))
    with suppress(Finished):
        for i in range(longest):
            if not draw(_statement(maker, i == 0)):
                break
    return Program(tuple(maker.statements), tuple(maker.inputs), tuple(maker.outputs()))
