"""Entries of the op table of random programs: elementwise functions, casts, products, matrices."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.parity.random_graphs import (
    COMPLEX,
    FLOATS,
    INTEGERS,
    NUMBERS,
    TABLE,
    Condition,
    Entry,
    GaveUp,
    Maker,
    Value,
    entry,
)

SINGLE_AND_DOUBLE = ("float32", "float64")


def within(low: float, high: float) -> Condition:
    """Says of a value whether all its elements lie between two numbers, which are let in."""
    return lambda v: bool(np.all((np.float64(low) <= v.array) & (v.array <= np.float64(high))))


def not_zero(value: Value) -> bool:
    """Whether no element is near zero."""
    return bool(np.all(np.abs(value.array) > 1e-2))


# ---- functions of one number: the name, the dtypes, and the part of the domain that is drawn from

_ALL_REALS = within(-np.inf, np.inf)
_UNARY: list[tuple[str, tuple[str, ...], Condition]] = [
    *((name, NUMBERS, _ALL_REALS) for name in ["abs", "negative", "square", "sign"]),
    *((name, FLOATS, _ALL_REALS) for name in ["sigmoid", "tanh", "atan", "asinh", "nn.softsign"]),
    *((name, FLOATS, _ALL_REALS) for name in ["nn.softplus", "erf", "erfc", "log_sigmoid"]),
    *((name, FLOATS, _ALL_REALS) for name in ["floor", "ceil", "round", "nn.relu", "nn.relu6"]),
    *((name, FLOATS, _ALL_REALS) for name in ["nn.elu", "nn.selu", "nn.leaky_relu", "nn.swish"]),
    *((name, FLOATS, _ALL_REALS) for name in ["is_nan", "is_inf", "is_finite"]),
    *((name, FLOATS, within(-50, 50)) for name in ["sin", "cos"]),
    *((name, FLOATS, within(-8, 8)) for name in ["exp", "expm1", "sinh", "cosh"]),
    *((name, FLOATS, within(1 / 64, np.inf)) for name in ["sqrt", "rsqrt", "log"]),
    ("rint", SINGLE_AND_DOUBLE, _ALL_REALS),
    ("tan", FLOATS, within(-1.4, 1.4)),
    ("log1p", FLOATS, within(-0.9, np.inf)),
    ("asin", FLOATS, within(-0.97, 0.97)),
    ("acos", FLOATS, within(-0.97, 0.97)),
    ("atanh", FLOATS, within(-0.97, 0.97)),
    ("acosh", FLOATS, within(1.02, 1e4)),
    ("lgamma", SINGLE_AND_DOUBLE, within(1 / 8, 100)),
    ("digamma", SINGLE_AND_DOUBLE, within(1 / 8, 100)),
    ("reciprocal", FLOATS, not_zero),
    *(
        (name, COMPLEX, lambda v: True)
        for name in ["real", "imag", "conj", "abs", "negative", "square"]
    ),
    ("angle", COMPLEX, not_zero),
    *((name, COMPLEX, lambda v: True) for name in ["exp", "sin", "cos", "sigmoid", "tanh"]),
    *((name, NUMBERS, lambda v: True) for name in ["zeros_like", "ones_like", "identity"]),
    ("logical_not", ("bool",), lambda v: True),
    ("bitwise.invert", INTEGERS, lambda v: True),
]
# The kind of leaf that lies in a domain.
_KINDS = {"acosh": "above_one", "lgamma": "positive", "digamma": "positive", "angle": "nonzero"}
_KINDS |= dict.fromkeys(("sqrt", "rsqrt", "log"), "positive") | {"reciprocal": "nonzero"}
_KINDS |= dict.fromkeys(("asin", "acos", "atanh", "tan", "log1p"), "unit")


def _unary(name: str, dtypes: tuple[str, ...], domain: Condition) -> Callable[[Maker], None]:
    def make(m: Maker) -> None:
        inside = None if m.rarely(12) else domain  # now and then NaN and infinity
        found = m.candidates(dtypes, inside)
        if found and not m.rarely(7):
            x = m.choose(found)
        else:
            dtype = m.floating() if dtypes[0] == "float32" else m.choose(dtypes)
            if dtype not in dtypes:
                raise GaveUp
            x = m.leaf(dtype, m.shape(), _KINDS.get(name))
        m.emit(f"tf.{name}({x})")

    return make


for _name, _dtypes, _domain in _UNARY:
    TABLE.append(Entry(_name, _unary(_name, _dtypes, _domain), 1))


# ---- functions of two numbers

_BINARY: list[tuple[str, tuple[str, ...]]] = [
    *((name, NUMBERS + COMPLEX) for name in ["add", "subtract", "multiply"]),
    *((name, NUMBERS) for name in ["maximum", "minimum", "squared_difference"]),
    *(
        (name, NUMBERS)
        for name in ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"]
    ),
    *((name, FLOATS) for name in ["atan2", "div_no_nan", "math.multiply_no_nan"]),
    *((f"bitwise.bitwise_{name}", INTEGERS) for name in ["and", "or", "xor"]),
    *((f"logical_{name}", ("bool",)) for name in ["and", "or", "xor"]),
]
_DIVISIONS = [
    *((name, FLOATS) for name in ["divide", "realdiv", "truediv"]),
    *((name, NUMBERS) for name in ["div", "floordiv", "floormod"]),
    *((name, INTEGERS) for name in ["truncatediv", "truncatemod", "mod"]),
]


def _binary(name: str, dtypes: tuple[str, ...], divides: bool) -> Callable[[Maker], None]:
    def make(m: Maker) -> None:
        x = m.pick(dtypes)
        if not divides:
            y = m.partner(x)
        elif m.rarely(30) and "truncate" not in name:
            y = m.partner(
                x
            )  # perhaps by zero, of which TensorFlow's TruncateDiv says InternalError
        else:
            found = [v for v in m.candidates((x.dtype,), not_zero) if v.shape == x.shape]
            y = m.choose(found) if found and m.flag() else m.partner(x, "nonzero")
        pair = (x, y) if divides or not m.rarely(3) else (y, x)
        m.emit(f"tf.{name}({pair[0]}, {pair[1]})")

    return make


for _name, _dtypes in _BINARY:
    TABLE.append(Entry(_name, _binary(_name, _dtypes, False), 1))
for _name, _dtypes in _DIVISIONS:
    TABLE.append(Entry(_name, _binary(_name, _dtypes, True), 1))


@entry
def operators(m: Maker) -> None:
    """Python's operators, with a tensor or a plain number on either side."""
    x = m.pick(NUMBERS)
    sign = m.choose("+-*")
    other = m.partner(x) if m.flag() else m.choose((2, 1, 3, -1))
    if not isinstance(other, Value) and x.array.dtype.kind == "f":
        other = float(other) / 2
    left, right = (x, other) if m.flag() else (other, x)
    m.emit(f"{left} {sign} {right}")


@entry
def power(m: Maker) -> None:
    x = m.pick(where=within(1 / 64, 50))
    y = m.partner(x) if m.flag() else m.choose((2.0, 0.5, 3.0, -1.0, 0.0, 1.0))
    if isinstance(y, Value) and not within(-4, 4)(y):
        raise GaveUp
    m.emit(f"{x} ** {y}" if m.flag() else f"tf.pow({x}, {y})")


@entry
def power_of_any_base(m: Maker) -> None:
    """Of zeros and negative bases too, to a whole power."""
    x = m.pick(where=within(-50, 50))
    m.emit(f"tf.pow({x}, {m.choose((2.0, 3.0, 1.0, 0.0))})")


@entry
def integer_power(m: Maker) -> None:
    x = m.pick(INTEGERS, within(-9, 9))
    m.emit(f"tf.pow({x}, {m.integer(0, 3)})")


@entry
def x_times_log(m: Maker) -> None:
    """x log y and x / y where x = 0 gives 0 whatever y is."""
    x = m.pick(SINGLE_AND_DOUBLE)
    y = m.partner(x, m.choose(("positive", "nonzero", "positive", "zeros")))
    name = m.choose(("xdivy", "xlogy"))
    if name == "xlogy" and np.any(y.array < 0):
        raise GaveUp
    m.emit(f"tf.math.{name}({x}, {y})")


@entry
def polygamma(m: Maker) -> None:
    x = m.pick(SINGLE_AND_DOUBLE, within(0.5, 20))
    order = m.known_leaf(np.array(m.integer(1, 3), x.dtype))
    m.emit(f"tf.polygamma({order}, {x})")


@entry
def clip_by_value(m: Maker) -> None:
    x = m.pick(FLOATS + ("int32",))
    low, high = m.choose(((-1, 1), (0, 1), (-2, 0), (0, 0)))
    if x.array.dtype.kind == "f":
        low, high = low / 1, high / 1
    m.emit(f"tf.clip_by_value({x}, {low}, {high})")


@entry
def clip_by_norm(m: Maker) -> None:
    x = m.pick(SINGLE_AND_DOUBLE, lambda v: v.size)
    how = m.choose(("clip_by_norm", "clip_by_average_norm"))
    m.emit(f"tf.{how}({x}, {m.choose((1.0, 0.25, 50.0))})")


@entry
def clip_by_global_norm(m: Maker) -> None:
    x = m.pick(SINGLE_AND_DOUBLE, lambda v: v.size)
    y = m.operand(x.dtype, m.shape(1, 2))
    clipped, norm = m.name(), m.name()
    m.add(f"[{clipped}], {norm} = tf.clip_by_global_norm([{x}], 1.0)", [clipped, norm])
    both = m.name(), m.name()
    m.add(f"{', '.join(both)} = tf.clip_by_global_norm([{x}, {y}], 0.5)[0]", list(both))


@entry
def cast(m: Maker) -> None:
    x = m.pick(NUMBERS + ("bool",), lambda v: v.dtype == "bool" or within(-2e9, 2e9)(v))
    to = m.choose(("float32", "float64", "int32", "int64", "bool", "float16", "complex64"))
    m.emit(f"tf.cast({x}, tf.{to})")


@entry
def saturate_cast(m: Maker) -> None:
    # From int64 to a float, TensorFlow's bounds overflow: see `tests/parity/deviations.py`.
    x = m.pick(FLOATS + ("int32",))
    m.emit(f"tf.saturate_cast({x}, tf.{m.choose(('uint8', 'int8', 'int32', 'float32'))})")


@entry
def bytes_of_numbers(m: Maker) -> None:
    """Arithmetic of small integers, which wraps around."""
    x = m.leaf(m.choose(("uint8", "int8", "int16")), m.shape(1, 3))
    y = m.partner(x)
    m.emit(f"tf.{m.choose(('add', 'multiply', 'maximum', 'equal', 'subtract'))}({x}, {y})")


@entry
def complex_of_parts(m: Maker) -> None:
    x = m.pick(("float32",))
    m.emit(f"tf.complex({x}, {m.like(x)})")


@entry
def where(m: Maker) -> None:
    x = m.pick(NUMBERS + ("bool",))
    condition = m.operand("bool", x.shape)
    m.emit(f"tf.where({condition}, {x}, {m.like(x)})")


@entry
def where_by_rows(m: Maker) -> None:
    x = m.pick(NUMBERS, lambda v: v.ndim > 1)
    condition = m.operand("bool", x.shape[:1])
    m.emit(f"tf.where({condition}, {x}, {m.like(x)})")


@entry
def where_v2(m: Maker) -> None:
    x = m.pick(NUMBERS)
    condition = m.operand("bool", [1 if m.rarely(3) else d for d in x.shape])
    m.emit(f"tf.where_v2({condition}, {x}, {m.partner(x)})")


@entry
def where_true(m: Maker) -> None:
    m.emit(f"tf.where({m.pick(('bool',), lambda v: v.ndim)})")


# ---- sums and products


@entry
def add_n(m: Maker) -> None:
    x = m.pick(NUMBERS)
    terms = [str(x)] + [str(m.like(x)) for _ in range(m.integer(0, 2))]
    m.emit(f"tf.{m.choose(('add_n', 'accumulate_n'))}([{', '.join(terms)}])")


@entry
def matmul(m: Maker) -> None:
    x = m.pick(FLOATS + COMPLEX + ("int32",), lambda v: v.ndim == 2)
    a, b = m.flag(), m.flag()
    inner, wide = x.shape[0 if a else 1], m.dim()
    y = m.operand(x.dtype, [wide, inner] if b else [inner, wide])
    flags = ", transpose_a=True" * a + ", transpose_b=True" * b
    m.emit(f"tf.matmul({x}, {y}{flags})")


@entry
def batch_matmul(m: Maker) -> None:
    x = m.pick(FLOATS + COMPLEX, lambda v: v.ndim > 2)
    a, b = m.flag(), m.flag()
    inner, wide = x.shape[-2 if a else -1], m.dim()
    batch = [1 if m.rarely(4) else d for d in x.shape[:-2]][m.integer(0, x.ndim - 2) :]
    y = m.operand(x.dtype, [*batch, wide, inner] if b else [*batch, inner, wide])
    word = "adjoint" if m.rarely(3) else "transpose"
    flags = f", {word}_a=True" * a + f", {word}_b=True" * b
    m.emit(f"tf.matmul({x}, {y}{flags})")


@entry
def tensordot(m: Maker) -> None:
    x = m.pick(where=lambda v: v.ndim)
    count = m.integer(0, min(x.ndim, 2))
    y = m.operand(x.dtype, x.shape[x.ndim - count :] + m.shape(0, 2))
    m.emit(f"tf.tensordot({x}, {y}, {count})")


@entry
def einsum(m: Maker) -> None:
    x = m.pick(SINGLE_AND_DOUBLE, lambda v: v.ndim == 2)
    rows, columns = x.shape
    rule, other = m.choose(
        (
            ("ij,jk->ik", [columns, m.dim()]),
            ("ij,kj->ki", [m.dim(), columns]),
            ("ij,ij->i", [rows, columns]),
            ("ij,j->ij", [columns]),
            ("ij,kjl->ikl", [m.dim(), columns, m.dim()]),
        )
    )
    m.emit(f"tf.einsum({rule!r}, {x}, {m.operand(x.dtype, other)})")


@entry
def cross(m: Maker) -> None:
    x = m.operand(m.floating(), [*m.shape(0, 2), 3])
    if x.dtype == "float16":
        raise GaveUp
    m.emit(f"tf.cross({x}, {m.like(x)})")


# ---- matrices


@entry
def matrix_parts(m: Maker) -> None:
    x = m.pick(where=lambda v: v.ndim >= 2)
    form = m.choose(
        (
            "matrix_band_part({}, {}, {})",
            "matrix_diag_part({})",
            "trace({})",
            "matrix_diag({})",
            "linalg.transpose({})",
        )
    )
    m.emit("tf." + form.format(x, m.integer(-1, 2), m.integer(-1, 2)))


@entry
def matrix_set_diag(m: Maker) -> None:
    x = m.pick(where=lambda v: v.ndim >= 2)
    diagonal = m.operand(x.dtype, [*x.shape[:-2], min(x.shape[-2:])])
    m.emit(f"tf.matrix_set_diag({x}, {diagonal})")


@entry
def diag(m: Maker) -> None:
    x = m.pick(where=lambda v: v.ndim in (1, 2) and v.size <= 12)
    m.emit(f"tf.diag({x})")


@entry
def diag_part(m: Maker) -> None:
    x = m.pick(where=lambda v: v.ndim == 2 and v.shape[0] == v.shape[1])
    m.emit(f"tf.diag_part({x})")


def _regular(m: Maker) -> Value:
    """A square matrix, or a batch of them, that is far from singular and symmetric."""
    size, batch = m.integer(1, 3), m.choose(([], [2]))
    random = np.random.default_rng(m.integer(0, 9999))
    root = random.integers(-32, 33, [*batch, size, size]) / 64
    matrix = root @ np.swapaxes(root, -1, -2) + np.eye(size)
    value = m.known_leaf(np.round(matrix * 64).astype(m.choose(SINGLE_AND_DOUBLE)) / 64)
    m.differentiate(value)
    return value


@entry
def matrix_functions(m: Maker) -> None:
    x = _regular(m)
    name = m.choose(("matrix_inverse", "matrix_determinant", "cholesky"))
    m.emit(f"tf.{name}({x})")


@entry
def matrix_solve(m: Maker) -> None:
    x = _regular(m)
    right = m.operand(x.dtype, [*x.shape[:-1], m.integer(1, 3)])
    m.emit(f"tf.matrix_solve({x}, {right}{', adjoint=True' if m.flag() else ''})")


@entry
def qr(m: Maker) -> None:
    x = _regular(m)
    m.emit(f"tf.qr({x})", 2)
