"""Entries of the op table of random programs: gathering, scattering, parting, one-hot, sorting."""

from __future__ import annotations

import numpy as np

from tests.parity.random_graphs import COMPLEX, INTEGERS, NUMBERS, GaveUp, Maker, entry

ALL = NUMBERS + ("bool",) + COMPLEX
SINGLE_AND_DOUBLE = ("float32", "float64")


def _indices(m: Maker, shape: list[int], size: int) -> list[int]:
    flat = [m.integer(0, size - 1) for _ in range(int(np.prod(shape)))]
    return np.array(flat, int).reshape(shape).tolist()


@entry
def gather(m: Maker) -> None:
    x = m.pick(ALL, lambda v: v.ndim and v.shape[0] and v.ndim < 4)
    m.emit(f"tf.gather({x}, {m.integers(_indices(m, _few(m), x.shape[0]))})")


def _few(m: Maker) -> list[int]:
    return list(m.choose(([2], [], [3], [2, 2], [1], [0])))


@entry
def gather_along_axis(m: Maker) -> None:
    x = m.pick(ALL, lambda v: v.ndim in (2, 3) and v.size)
    axis = m.axis(x)
    m.emit(f"tf.gather({x}, {m.integers(_indices(m, _few(m), x.shape[axis]))}, axis={axis})")


@entry
def batch_gather(m: Maker) -> None:
    x = m.pick(NUMBERS, lambda v: v.ndim in (2, 3) and v.size)
    at = _indices(m, [x.shape[0], m.integer(1, 2)], x.shape[1])
    m.emit(f"tf.gather({x}, {m.integers(at)}, axis=1, batch_dims=1)")


@entry
def gather_nd(m: Maker) -> None:
    x = m.pick(ALL, lambda v: v.ndim and v.size)
    depth, count = m.integer(1, x.ndim), m.integer(0, 3)
    at = [[m.integer(0, d - 1) for d in x.shape[:depth]] for _ in range(count)]
    if not at:
        raise GaveUp
    m.emit(f"tf.gather_nd({x}, {m.integers(at)})")


@entry
def scatter_nd(m: Maker) -> None:
    rows, size = m.integer(1, 4), m.integer(1, 4)
    at = [[m.integer(0, size - 1)] for _ in range(rows)]
    tail = m.shape(0, 2)
    kind = m.choose(INTEGERS)
    updates = m.operand(m.floating(), [rows, *tail])
    shape = m.integers([size, *tail], kind)
    m.emit(f"tf.scatter_nd(tf.constant({at}, tf.{kind}), {updates}, {shape})")


@entry
def sparse_to_dense(m: Maker) -> None:
    # A vector of indices would do, but TensorFlow's gradient takes it for one index.
    values = m.operand(m.floating(), [2])
    m.emit(f"tf.sparse_to_dense([[0], [{m.integer(1, 3)}]], [4], {values})")


@entry
def embedding_lookup(m: Maker) -> None:
    x = m.pick(where=lambda v: v.ndim and v.shape[0])
    m.emit(f"tf.nn.embedding_lookup({x}, {m.integers(_indices(m, _few(m), x.shape[0]))})")


@entry
def boolean_mask(m: Maker) -> None:
    x = m.pick(ALL, lambda v: v.ndim)
    ndim = m.integer(1, x.ndim)
    mask = m.operand("bool", x.shape[:ndim])
    m.emit(f"tf.boolean_mask({x}, {mask})")


@entry
def dynamic_partition(m: Maker) -> None:
    x = m.pick(NUMBERS, lambda v: v.ndim)
    parts = [m.integer(0, 1) for _ in range(x.shape[0])]
    which = m.known_leaf(np.array(parts, "int32"))
    m.emit(f"tf.dynamic_partition({x}, {which}, 2)", 2)


@entry
def dynamic_stitch(m: Maker) -> None:
    x = m.pick(SINGLE_AND_DOUBLE, lambda v: v.ndim and 0 < v.shape[0] <= 4)
    y = m.like(x)
    rows = x.shape[0]
    order = np.random.default_rng(m.integer(0, 999)).permutation(2 * rows)
    first, second = order[:rows].tolist(), order[rows:].tolist()
    if m.rarely(3):
        second[0] = first[0] = 0  # the later one counts
    m.emit(f"tf.dynamic_stitch([{first}, {second}], [{x}, {y}])")


@entry
def one_hot(m: Maker) -> None:
    shape = m.shape(0, 2)
    at = m.leaf(m.choose(INTEGERS), shape, m.choose(("positive", "whole")))
    axis = m.integer(-1, len(shape))
    depth = m.integer(0, 4)
    form = m.choose(
        ("tf.one_hot({}, {}, axis={})", "tf.one_hot({}, {}, 2.0, -1.0, axis={}, dtype=tf.float64)")
    )
    m.emit(form.format(at, depth, axis))


@entry
def sequence_mask(m: Maker) -> None:
    x = m.leaf("int32", m.shape(0, 2), "positive")
    most = m.choose(("", ", 3", ", dtype=tf.float32"))
    if x.size == 0 and "3" not in most.split(".")[0]:
        raise GaveUp
    m.emit(f"tf.sequence_mask({x}{most})")


@entry
def top_k(m: Maker) -> None:
    x = m.pick(NUMBERS, lambda v: v.ndim and v.shape[-1])
    m.emit(f"tf.nn.top_k({x}, {m.integer(0, x.shape[-1])})", 2)


@entry
def in_top_k(m: Maker) -> None:
    x = m.pick(("float32",), lambda v: v.ndim == 2 and v.shape[1])
    targets = [m.integer(0, x.shape[1] - 1) for _ in range(x.shape[0])]
    m.emit(f"tf.nn.in_top_k({x}, {m.integers(targets)}, {m.integer(1, x.shape[1])})")


@entry
def invert_permutation(m: Maker) -> None:
    order = np.random.default_rng(m.integer(0, 999)).permutation(m.integer(1, 5))
    m.emit(f"tf.invert_permutation({m.integers(order.tolist())})")


@entry
def setdiff(m: Maker) -> None:
    x = m.leaf("int32", m.shape(1, 1), "whole")
    m.emit(f"tf.setdiff1d({x}, {m.leaf('int32', m.shape(1, 1), 'whole')})", 2)


@entry
def confusion_matrix(m: Maker) -> None:
    size = m.dim()
    labels = m.leaf("int32", [size], "positive")
    m.emit(f"tf.confusion_matrix({labels}, {m.leaf('int32', [size], 'positive')}, 5)")
