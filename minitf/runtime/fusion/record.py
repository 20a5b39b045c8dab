"""With this module one can find out what a kernel computes of each element.

The kernel of an elementwise op is run with symbols in place of arrays. A symbol answers numpy's
functions by noting them down, so that in the end the result is a symbol that knows how it is made:

>>> import numpy as np
>>> from minitf.runtime.fusion.record import Symbol
>>> x = Symbol(np.dtype("float32"), "x")
>>> y = np.maximum(x * 2 + 1, 0)
>>> y
maximum(add(multiply(x, 2.0), 1.0), 0.0)
>>> y.dtype
dtype('float32')

So the meaning of an op is written down once, in its kernel. A kernel that asks for more than the
elements, such as a shape, cannot be recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np

from minitf.kernels import vector_math

FLOAT32, FLOAT64, BOOL = (np.dtype(name) for name in ("float32", "float64", "bool"))
DTYPES = (FLOAT32, FLOAT64, BOOL)

# How each of numpy's functions is written for single elements, of floats ...
_FLOATS = {
    "absolute": "abs({0})",
    "add": "{0} + {1}",
    "ceil": "np.ceil({0})",
    "conjugate": "{0}",
    "divide": "{0} / {1}",
    "equal": "{0} == {1}",
    "floor": "np.floor({0})",
    "greater": "{0} > {1}",
    "greater_equal": "{0} >= {1}",
    "isfinite": "abs({0}) < {dtype}(np.inf)",
    "isinf": "abs({0}) == {dtype}(np.inf)",
    "isnan": "{0} != {0}",
    "less": "{0} < {1}",
    "less_equal": "{0} <= {1}",
    # Of nan and another number the nan, of 0.0 and -0.0 the second.
    "maximum": "{0} if {0} > {1} or {0} != {0} else {1}",
    "minimum": "{0} if {0} < {1} or {0} != {0} else {1}",
    "multiply": "{0} * {1}",
    "negative": "-{0}",
    "not_equal": "{0} != {1}",
    "positive": "{0}",
    "reciprocal": "{dtype}(1) / {0}",
    "rint": "np.rint({0})",
    "sqrt": "np.sqrt({0})",
    "square": "{0} * {0}",
    "subtract": "{0} - {1}",
}

# ... and of truth values.
_BOOLS = {
    "bitwise_and": "{0} & {1}",
    "bitwise_or": "{0} | {1}",
    "bitwise_xor": "{0} != {1}",
    "equal": "{0} == {1}",
    "invert": "not {0}",
    "logical_and": "{0} & {1}",
    "logical_not": "not {0}",
    "logical_or": "{0} | {1}",
    "logical_xor": "{0} != {1}",
    "not_equal": "{0} != {1}",
}


class Unfit(Exception):
    """A kernel did something that is not known of single elements."""


class Symbol(np.lib.mixins.NDArrayOperatorsMixin):
    """An element of an array that will be there when a loop runs.

    Attributes:
      dtype: its dtype.
      shape: (), since it is one element.
      name: the function that makes it; or a name for one that is given.
      template: that function as Python, with "{0}" for its first argument.
      args: what it is made of: symbols, and numbers (numpy scalars).
      calls: the kernel of single numbers that the template calls, if any.
      cost: about how many instructions it takes to make it.
    """

    shape = ()

    __slots__ = ("args", "calls", "cost", "dtype", "name", "template")

    def __init__(
        self,
        dtype: np.dtype[Any],
        name: str,
        template: str = "",
        args: tuple[Any, ...] = (),
        calls: Any = None,
        cost: int = 1,
    ) -> None:
        self.dtype = dtype
        self.name = name
        self.template = template
        self.args = args
        self.calls = calls
        self.cost = cost

    def __repr__(self) -> str:
        if not self.args:
            return self.name
        return f"{self.name}({', '.join(str(arg) for arg in self.args)})"

    def __bool__(self) -> NoReturn:
        raise Unfit("which way a kernel goes must not depend on an element")

    def conjugate(self) -> Symbol:
        """What a kernel for complex numbers too asks for."""
        return self

    def astype(self, dtype: Any) -> Any:
        """The same number in another dtype."""
        return _cast(self, np.dtype(dtype))

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Symbol:
        if options.get("out") == (inputs[0],):  # x += y, which makes a new x of an element
            del options["out"]
        if method != "__call__" or options:
            raise Unfit(f"{ufunc.__name__} with options")
        *takes, gives = ufunc.resolve_dtypes((*map(_dtype_of, inputs), None))
        args = tuple(_cast(x, dtype) for x, dtype in zip(inputs, takes, strict=True))
        if ufunc.__name__ == "sign":
            return _sign(args[0])
        template = (_BOOLS if takes[0] == BOOL else _FLOATS).get(ufunc.__name__)
        if template is None:  # numpy has its own way of computing it
            raise Unfit(ufunc.__name__)
        return Symbol(gives, ufunc.__name__, template, args)

    def __array_function__(
        self, function: Any, types: Any, args: tuple[Any, ...], options: dict[str, Any]
    ) -> Symbol:
        if function is np.where and len(args) == 3:
            return _select(*args)
        if function is np.round and len(args) == 1 and not options:
            rounded: Symbol = np.rint(args[0])
            return rounded
        raise Unfit(function.__name__)

    def __minitf_symbolic__(self, function: Any, x: Symbol) -> Symbol:
        """What a function of `minitf.kernels.vector_math` calls where it is given a symbol."""
        scalar = vector_math.SCALAR.get(function)
        if scalar is None or x.dtype != FLOAT32:
            raise Unfit(function.__name__)
        template = f"{scalar.py_func.__name__}({{0}})"
        return Symbol(x.dtype, function.__name__, template, (x,), scalar, cost=16)


def walk(symbols: list[Symbol]) -> Iterator[Symbol]:
    """All symbols that these are made of, and these; each once, after those that it is made of."""
    seen: set[int] = set()
    stack: list[tuple[Symbol, bool]] = [(symbol, False) for symbol in reversed(symbols)]
    while stack:
        symbol, made = stack.pop()
        if made:
            yield symbol
        elif id(symbol) not in seen:
            seen.add(id(symbol))
            stack.append((symbol, True))
            stack.extend((arg, False) for arg in reversed(symbol.args) if isinstance(arg, Symbol))


def record(kernel: Callable[..., Any], inputs: list[Symbol]) -> Symbol:
    """What a kernel makes of these symbols.

    Raises:
      Unfit: if it did something else than compute on elements.
    """
    try:
        result = kernel(*inputs)
    except Exception as error:  # a symbol is no array: a kernel may fail on it in any way
        raise Unfit(str(error)) from error
    if not isinstance(result, Symbol):
        raise Unfit(f"a {type(result).__name__} is no element")
    return result


def _select(condition: Any, x: Any, y: Any) -> Symbol:
    dtype = np.result_type(_weak(x), _weak(y))
    args = _cast(condition, BOOL), _cast(x, dtype), _cast(y, dtype)
    return Symbol(dtype, "where", "{1} if {0} else {2}", args)


def _sign(x: Symbol) -> Symbol:
    """As numpy has it: nan for nan, and 0.0 for -0.0."""
    if x.dtype == BOOL:
        raise Unfit("sign of a truth value")
    one, zero = x.dtype.type(1), x.dtype.type(0)
    return _select(x > 0, one, _select(x < 0, -one, _select(x != x, x, zero)))


def _cast(x: Any, dtype: np.dtype[Any]) -> Any:
    if dtype not in DTYPES:
        raise Unfit(f"{dtype} elements")
    if not isinstance(x, Symbol):
        if np.ndim(x):
            raise Unfit("an array inside a kernel")
        return dtype.type(x)
    if x.dtype == dtype:
        return x
    if dtype == BOOL:
        return Symbol(dtype, "bool", "{0} != 0", (x,))
    if x.dtype == BOOL:
        return Symbol(dtype, str(dtype), "{dtype}(1) if {0} else {dtype}(0)", (x,))
    return Symbol(dtype, str(dtype), "{dtype}({0})", (x,))


def _dtype_of(x: Any) -> Any:
    """What stands for an operand where numpy decides on dtypes: a Python number has none."""
    if isinstance(x, Symbol):
        return x.dtype
    return type(x) if type(x) in (int, float) else np.asarray(x).dtype


def _weak(x: Any) -> Any:
    return x.dtype if isinstance(x, Symbol) else x
