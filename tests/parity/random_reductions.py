"""Entries of the op table of random programs: reductions, running sums, segments, counting."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.parity.random_graphs import (
    COMPLEX,
    FLOATS,
    INTEGERS,
    NUMBERS,
    TABLE,
    Entry,
    Maker,
    entry,
)

SINGLE_AND_DOUBLE = ("float32", "float64")

_REDUCTIONS = [
    ("sum", NUMBERS + COMPLEX),
    ("mean", FLOATS + COMPLEX),
    ("max", NUMBERS),
    ("min", NUMBERS),
    ("prod", FLOATS),
    ("any", ("bool",)),
    ("all", ("bool",)),
    ("logsumexp", SINGLE_AND_DOUBLE),
    ("euclidean_norm", SINGLE_AND_DOUBLE),
    ("variance", SINGLE_AND_DOUBLE),
    ("std", SINGLE_AND_DOUBLE),
]


def _reduction(name: str, dtypes: tuple[str, ...]) -> Callable[[Maker], None]:
    public = f"tf.math.reduce_{name}" if name in ("euclidean_norm", "variance", "std") else ""

    def make(m: Maker) -> None:
        x = m.pick(dtypes, lambda v: v.size or name not in ("variance", "std"))
        keep = ", keepdims=True" if m.flag() else ""
        m.emit(f"{public or 'tf.reduce_' + name}({x}, {m.axes(x)}{keep})")

    return make


for _name, _dtypes in _REDUCTIONS:
    TABLE.append(Entry(f"reduce_{_name}", _reduction(_name, _dtypes), 1))


@entry
def reduction_over_known_axes(m: Maker) -> None:
    """The axes are a tensor."""
    x = m.pick(where=lambda v: v.ndim)
    axes = m.known_leaf(np.array([i for i in range(x.ndim) if m.flag()], "int32"))
    m.emit(
        f"tf.{m.choose(('reduce_sum', 'reduce_mean', 'reduce_max', 'reduce_prod'))}({x}, {axes})"
    )


@entry
def arg_extreme(m: Maker) -> None:
    x = m.pick(NUMBERS, lambda v: v.ndim and v.size)
    kind = ", output_type=tf.int32" if m.flag() else ""
    m.emit(f"tf.{m.choose(('argmax', 'argmin'))}({x}, {m.axis(x)}{kind})")


@entry
def cumulative(m: Maker) -> None:
    x = m.pick(FLOATS + ("int32",), lambda v: v.ndim)
    name = m.choose(("cumsum", "cumprod"))
    flags = ", exclusive=True" * m.flag() + ", reverse=True" * m.flag()
    m.emit(f"tf.{name}({x}, {m.axis(x)}{flags})")


@entry
def moments(m: Maker) -> None:
    x = m.pick(where=lambda v: v.ndim and v.size)
    axes = sorted({m.integer(0, x.ndim - 1) for _ in range(m.integer(1, 3))})
    m.emit(f"tf.nn.moments({x}, {axes}{', keep_dims=True' if m.flag() else ''})", 2)


@entry
def norm(m: Maker) -> None:
    x = m.pick(SINGLE_AND_DOUBLE, lambda v: v.ndim)
    order = m.choose(("'euclidean'", "1", "2", "np.inf"))
    m.emit(f"tf.norm({x}, {order}, axis={m.axis(x)})")


@entry
def count_nonzero(m: Maker) -> None:
    x = m.pick(NUMBERS)
    m.emit(f"tf.count_nonzero({x}, {m.axes(x)})")


@entry
def zero_fraction(m: Maker) -> None:
    m.emit(f"tf.nn.zero_fraction({m.pick(NUMBERS)})")


# ---- segments


@entry
def segment(m: Maker) -> None:
    """The rows' numbers rise, and may skip some."""
    x = m.pick(SINGLE_AND_DOUBLE, lambda v: v.ndim and v.shape[0])
    ids = np.cumsum([m.choose((0, 1, 0, 2)) for _ in range(x.shape[0])]).tolist()
    name = m.choose(("sum", "mean", "max", "min", "prod"))
    m.emit(f"tf.segment_{name}({x}, {m.integers(ids)})")


@entry
def unsorted_segment(m: Maker) -> None:
    """Negative numbers are left out."""
    x = m.pick(SINGLE_AND_DOUBLE, lambda v: v.ndim)
    ids = [m.choose((0, 1, 2, 0, -1)) for _ in range(x.shape[0])]
    name = m.choose(("sum", "max", "min", "prod", "mean", "sqrt_n"))
    m.emit(f"tf.unsorted_segment_{name}({x}, {m.integers(ids)}, {m.choose((3, 4))})")


# ---- counting


@entry
def bincount(m: Maker) -> None:
    x = m.leaf("int32", m.shape(1, 1), "positive")
    m.emit(f"tf.bincount({x}{', minlength=7' if m.flag() else ''})")


@entry
def unique(m: Maker) -> None:
    x = m.pick(INTEGERS + SINGLE_AND_DOUBLE, lambda v: v.ndim == 1)
    if m.flag():
        m.emit(f"tf.unique({x})", 2)
    else:
        m.emit(f"tf.unique_with_counts({x})", 3)


@entry
def searchsorted(m: Maker) -> None:
    x = m.pick(SINGLE_AND_DOUBLE, lambda v: v.ndim == 1 and v.tame)
    row = m.known_leaf(np.array([-1.0, 0.0, 0.0, 0.5, 1.0], x.dtype))
    m.emit(f"tf.searchsorted({row}, {x}, side={m.choose(('left', 'right'))!r})")
