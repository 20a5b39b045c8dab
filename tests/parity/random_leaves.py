"""The leaves of random programs: their numbers, and the code that makes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tests.parity.random_graphs import Maker

Random = np.random.Generator
Kind = Callable[[Random, Sequence[int]], np.ndarray]


def _sixtyfourths(random: Random, shape: Sequence[int], low: float, high: float) -> np.ndarray:
    return random.integers(round(64 * low), round(64 * high) + 1, shape) / 64


# All numbers are multiples of a power of two with few digits, so that each precision holds them.
FLOAT_KINDS: dict[str, Kind] = {
    "ones": lambda random, shape: np.ones(shape),
    "mixed": lambda random, shape: _sixtyfourths(random, shape, -2, 2),
    "whole": lambda random, shape: random.integers(-2, 3, shape) * 1.0,
    "positive": lambda random, shape: _sixtyfourths(random, shape, 1 / 64, 2),
    "unit": lambda random, shape: _sixtyfourths(random, shape, -63 / 64, 63 / 64),
    "zeros": lambda random, shape: np.zeros(shape),
    "above_one": lambda random, shape: _sixtyfourths(random, shape, 1 + 1 / 64, 4),
    "nonzero": lambda random, shape: (
        _sixtyfourths(random, shape, 1 / 4, 2) * random.choice((-1.0, 1.0), shape)
    ),
    "large": lambda random, shape: random.integers(-20, 21, shape) * 64.0,
    "tiny": lambda random, shape: random.integers(-8, 9, shape) / 2.0**14,
    "spread": lambda random, shape: (
        random.choice((-1.0, 1.0), shape) * 2.0 ** random.integers(-12, 11, shape)
    ),
    "special": lambda random, shape: random.choice(
        (np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0), shape
    ),
}
DRAWN_FLOATS = [
    "ones",
    "mixed",
    "whole",
    "positive",
    "mixed",
    "unit",
    "zeros",
    "whole",
    "nonzero",
    "mixed",
    "large",
    "tiny",
    "spread",
    "above_one",
]
INTEGER_KINDS: dict[str, Kind] = {
    "ones": lambda random, shape: np.ones(shape),
    "whole": lambda random, shape: random.integers(-3, 4, shape),
    "positive": lambda random, shape: random.integers(1, 5, shape),
    "zeros": lambda random, shape: np.zeros(shape),
    "nonzero": lambda random, shape: random.integers(1, 5, shape) * random.choice((-1, 1), shape),
    "large": lambda random, shape: random.integers(-(2**20), 2**20, shape),
}
DRAWN_INTEGERS = ("ones", "whole", "whole", "positive", "whole", "zeros", "large")


def numbers(m: Maker, dtype: str, shape: Sequence[int], kind: str | None) -> np.ndarray:
    """An array of drawn numbers of a kind, or of a drawn kind."""
    random = np.random.default_rng(m.integer(0, 9999))
    if dtype == "bool":
        return random.integers(0, 2, shape).astype(bool)
    if np.dtype(dtype).kind in "iu":
        kind = kind or str(m.choose(DRAWN_INTEGERS))
        array = INTEGER_KINDS.get(kind, INTEGER_KINDS["positive"])(random, shape)
        return (np.abs(array) % 128 if np.dtype(dtype).itemsize < 4 else array).astype(dtype)
    if kind is None:
        kind = "special" if m.rarely(40) else str(m.choose(DRAWN_FLOATS))
    make = FLOAT_KINDS[kind]
    if np.dtype(dtype).kind == "c":
        make = FLOAT_KINDS["mixed"] if kind == "special" else make
        return (make(random, shape) + 1j * make(random, shape)).astype(dtype)
    return make(random, shape).astype(dtype)


def leaf_code(m: Maker, array: np.ndarray) -> tuple[str, str]:
    """The name and the code of a leaf: a constant, a fed placeholder or a variable."""
    name = m.name("x")
    how = m.choose(("constant", "fed", "hidden", "variable", "filled", "default", "got"))
    return name, MAKERS[how](m, name, array)


def _constant(m: Maker, name: str, array: np.ndarray) -> str:
    return f"{name} = tf.constant({literal(array)})"


def _fed(m: Maker, name: str, array: np.ndarray) -> str:
    return _placeholder(name, array, list(array.shape))


def _hidden(m: Maker, name: str, array: np.ndarray) -> str:
    """A placeholder of unknown rank, or with unknown dims."""
    return _placeholder(name, array, hidden_shape(m, array.shape))


def hidden_shape(m: Maker, shape: Sequence[int]) -> list[int | None] | None:
    """A static shape that this one is an instance of."""
    if m.rarely(4):
        return None
    return [None if m.flag() else d for d in shape]


def _placeholder(name: str, array: np.ndarray, shape: list[int | None] | None) -> str:
    return f"{name} = tf.placeholder('{array.dtype}', {shape})\nfeed[{name}] = {literal(array)}"


def _variable(m: Maker, name: str, array: np.ndarray) -> str:
    return f"{name} = tf.Variable({literal(array)})"


def _got(m: Maker, name: str, array: np.ndarray) -> str:
    return f"{name} = tf.get_variable('{name}', initializer=tf.constant({literal(array)}))"


def _filled(m: Maker, name: str, array: np.ndarray) -> str:
    """What `zeros`, `ones` and `fill` make, if all elements are the same."""
    if array.size == 0 or array.dtype.kind == "c" or not np.all(array == array.flat[0]):
        return _constant(m, name, array)
    value, shape = array.flat[0].item(), list(array.shape)
    if value in (0, 1) and m.flag():
        return f"{name} = tf.{'ones' if value else 'zeros'}({shape}, '{array.dtype}')"
    number = repr(value) if np.isfinite(value) else f"'{value}'"
    return f"{name} = tf.fill({shape}, np.{array.dtype.type.__name__}({number}))"


def _default(m: Maker, name: str, array: np.ndarray) -> str:
    shape = hidden_shape(m, array.shape)
    return f"{name} = tf.placeholder_with_default({literal(array)}, {shape})"


MAKERS = {
    "constant": _constant,
    "fed": _fed,
    "hidden": _hidden,
    "variable": _variable,
    "filled": _filled,
    "default": _default,
    "got": _got,
}


def literal(array: np.ndarray) -> str:
    """An array as code; each element is printed so that it comes back to the last bit."""
    if 0 in array.shape:
        return f"np.zeros({list(array.shape)}, '{array.dtype}')"
    text = repr(array.tolist()).replace("nan", "np.nan").replace("inf", "np.inf")
    return f"np.array({text}, '{array.dtype}')"
