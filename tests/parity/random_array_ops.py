"""Entries of the op table of random programs: shapes, joining and cutting, padding."""

from __future__ import annotations

import numpy as np

from tests.parity.random_graphs import (
    COMPLEX,
    FLOATS,
    INTEGERS,
    NUMBERS,
    GaveUp,
    Maker,
    Value,
    entry,
)
from tests.parity.random_leaves import hidden_shape

ALL = NUMBERS + ("bool",) + COMPLEX


def has_axes(value: Value) -> bool:
    return value.ndim > 0


def small(value: Value) -> bool:
    return 0 < value.ndim < 4 and value.size <= 100


# ---- shapes


@entry
def reshape(m: Maker) -> None:
    x = m.pick(ALL)
    flat = x.shape if x.size == 0 else _factors(m, x.size)
    if x.size and flat and m.flag():
        flat[m.integer(0, len(flat) - 1)] = -1
    m.emit(f"tf.reshape({x}, {m.integers(flat)})")


def _factors(m: Maker, size: int) -> list[int]:
    """Dims whose product is `size`."""
    dims = []
    while size > 1 and len(dims) < 3:
        factor = m.choose([d for d in range(2, size + 1) if size % d == 0])
        dims.append(factor)
        size //= factor
    return dims + [size] if size > 1 else dims + [1] * (len(dims) < 4 and m.rarely(4))


@entry
def reshape_like(m: Maker) -> None:
    """To the shape of another tensor, part of which is computed."""
    x = m.pick(ALL, has_axes)
    form = m.choose(
        (
            "tf.reshape({0}, tf.shape({0}))",
            "tf.reshape({0}, [tf.shape({0})[0], -1])",
            "tf.reshape({0}, tf.concat([tf.shape({0})[:1], [-1]], 0))",
            "tf.reshape({0}, [-1])",
        )
    )
    if x.size == 0 and "-1" in form:
        raise GaveUp
    m.emit(form.format(x))


@entry
def transpose(m: Maker) -> None:
    x = m.pick(ALL)
    if m.flag():
        m.emit(f"tf.transpose({x})")
        return
    order = list(range(x.ndim))
    for i in range(x.ndim - 1):
        j = m.integer(i, x.ndim - 1)
        order[i], order[j] = order[j], order[i]
    conjugate = ", conjugate=True" if m.rarely(4) else ""
    m.emit(f"tf.transpose({x}, {m.integers(order, 'int32')}{conjugate})")


@entry
def expand_dims(m: Maker) -> None:
    x = m.pick(ALL, lambda v: v.ndim < 4)
    m.emit(f"tf.expand_dims({x}, {m.integer(-x.ndim - 1, x.ndim)})")


@entry
def squeeze(m: Maker) -> None:
    x = m.pick(ALL, lambda v: 1 in v.shape)
    ones = [i for i, d in enumerate(x.shape) if d == 1]
    axes = [i - x.ndim if m.flag() else i for i in ones if m.flag()]
    m.emit(f"tf.squeeze({x}{f', {axes}' if m.flag() else ''})")


@entry
def broadcast_to(m: Maker) -> None:
    x = m.pick(NUMBERS, lambda v: v.ndim < 4 and v.size <= 30)
    shape = [m.dim() if d == 1 else d for d in x.shape]
    m.emit(f"tf.broadcast_to({x}, {m.integers([2, *shape] if m.flag() else shape)})")


@entry
def shape_of(m: Maker) -> None:
    x = m.pick(ALL)
    name = m.choose(("shape", "size", "rank", "shape_n"))
    if name == "shape_n":
        m.emit(f"*tf.shape_n([{x}])")
    else:
        m.emit(f"tf.{name}({x}{', out_type=tf.int64' if name != 'rank' and m.flag() else ''})")


@entry
def hide_shape(m: Maker) -> None:
    """What is known of the shape when the graph is built is forgotten, or asserted."""
    x = m.pick(ALL)
    shape = hidden_shape(m, x.shape)
    name = m.choose(("placeholder_with_default", "ensure_shape"))
    if name == "ensure_shape":
        shape = x.shape if shape is None else shape
    m.emit(f"tf.{name}({x}, {shape})")


@entry
def set_shape(m: Maker) -> None:
    x = m.pick(ALL)
    name = m.name()
    m.add(f"{name} = tf.identity({x})\n{name}.set_shape({hidden_shape(m, x.shape)})", [name])


# ---- joining and cutting


@entry
def concat(m: Maker) -> None:
    x = m.pick(ALL, has_axes)
    axis = m.axis(x)
    parts = [str(x)]
    for _ in range(m.integer(0, 2)):
        shape = list(x.shape)
        shape[axis] = m.dim()
        parts.append(str(m.operand(x.dtype, shape)))
    m.emit(f"tf.concat([{', '.join(parts)}], {axis})")


@entry
def stack(m: Maker) -> None:
    x = m.pick(ALL, lambda v: v.ndim < 4)
    parts = [str(x)] + [str(m.like(x)) for _ in range(m.integer(0, 2))]
    m.emit(f"tf.stack([{', '.join(parts)}], {m.integer(-x.ndim - 1, x.ndim)})")


@entry
def unstack(m: Maker) -> None:
    x = m.pick(ALL, lambda v: v.ndim and any(0 < d < 4 for d in v.shape))
    axis = m.choose([i for i, d in enumerate(x.shape) if 0 < d < 4])
    star = "*" if x.shape[axis] == 1 else ""
    m.emit(f"{star}tf.unstack({x}, {x.shape[axis]}, {axis})", x.shape[axis])


@entry
def split(m: Maker) -> None:
    x = m.pick(ALL, lambda v: v.ndim and any(d % 2 == 0 for d in v.shape))
    axis = m.choose([i for i, d in enumerate(x.shape) if d % 2 == 0])
    m.emit(f"tf.split({x}, 2, {axis})", 2)


@entry
def split_by_sizes(m: Maker) -> None:
    x = m.pick(ALL, has_axes)
    axis = m.axis(x)
    first = m.integer(0, x.shape[axis])
    rest = x.shape[axis] - first
    sizes = [first, rest, 0] if m.rarely(3) else [first, rest]
    m.emit(f"tf.split({x}, {sizes}, {axis})", len(sizes))


@entry
def slice_(m: Maker) -> None:
    x = m.pick(ALL, has_axes)
    begin = [m.integer(0, d) for d in x.shape]
    size = [-1 if m.rarely(3) else m.integer(0, d - b) for b, d in zip(begin, x.shape, strict=True)]
    kind = m.choose(INTEGERS)
    m.emit(f"tf.slice({x}, {m.integers(begin, kind)}, {m.integers(size, kind)})")


@entry
def strided_slice(m: Maker) -> None:
    """Python's indexing."""
    x = m.pick(ALL, has_axes)
    parts = []
    for size in x.shape:
        how = m.choose(("from", "to", "all", "every", "back", "one", "both", "stop"))
        if how == "stop":
            break
        at = m.integer(-size, size - 1) if size else 0
        if how == "one" and size:
            parts.append(str(at))
        else:
            parts.append(_SLICES.get(how, ":").format(at, m.integer(-size, size + 1)))
    if m.rarely(4):
        parts.insert(m.integer(0, len(parts)), "tf.newaxis")
    if m.rarely(4) and len(parts) <= x.ndim:
        parts.append("...")
    m.emit(f"{x}[{', '.join(parts) or '...'}]")


_SLICES = {"from": "{0}:", "to": ":{1}", "every": "::2", "back": "::-1", "both": "{0}:{1}"}


@entry
def slice_at_tensor(m: Maker) -> None:
    """An index that is known when the graph runs."""
    x = m.pick(ALL, lambda v: v.ndim and v.shape[0])
    at = m.known_leaf(np.array(m.integer(0, x.shape[0] - 1), m.choose(INTEGERS)))
    m.emit(f"{x}[{at}]" if m.flag() or at.dtype == "int64" else f"{x}[:{at}]")


@entry
def strided_slice_by_masks(m: Maker) -> None:
    x = m.pick(ALL, lambda v: v.ndim == 2)
    begin = [m.integer(0, max(d - 1, 0)) for d in x.shape]
    end = [m.integer(0, d) for d in x.shape]
    masks = f"begin_mask={m.integer(0, 3)}, end_mask={m.integer(0, 3)}"
    if all(x.shape) and m.flag():
        masks += f", shrink_axis_mask={m.integer(0, 3)}"
    m.emit(f"tf.strided_slice({x}, {begin}, {end}, [1, {m.choose((1, 2))}], {masks})")


# ---- repeating, reordering, padding


@entry
def tile(m: Maker) -> None:
    x = m.pick(ALL, small)
    m.emit(f"tf.tile({x}, {m.integers([m.choose((1, 2, 3, 0)) for _ in x.shape])})")


@entry
def reverse(m: Maker) -> None:
    x = m.pick(ALL)
    axes = [i - x.ndim if m.rarely(3) else i for i in range(x.ndim) if m.flag()]
    m.emit(f"tf.reverse({x}, {m.integers(axes)})")


@entry
def roll(m: Maker) -> None:
    x = m.pick(ALL, has_axes)
    m.emit(f"tf.roll({x}, {m.integer(-3, 3)}, {m.axis(x)})")


@entry
def reverse_sequence(m: Maker) -> None:
    x = m.pick(ALL, lambda v: v.ndim >= 2)
    batch, seq = (0, 1) if m.flag() else (1, 0)
    lengths = [m.integer(0, x.shape[seq]) for _ in range(x.shape[batch])]
    m.emit(f"tf.reverse_sequence({x}, {m.integers(lengths)}, seq_axis={seq}, batch_axis={batch})")


def _pads(m: Maker, pads: list[list[int]]) -> str:
    """Paddings as an operand, which TensorFlow does not take from a variable."""
    text = m.integers(pads)
    return f"tf.identity({text})" if text[0] == "x" else text


@entry
def pad(m: Maker) -> None:
    x = m.pick(FLOATS + INTEGERS, small)
    pads = [[m.integer(0, 2), m.integer(0, 2)] for _ in x.shape]
    value = "" if m.flag() else f", constant_values={m.choose((1, -2))}"
    m.emit(f"tf.pad({x}, {_pads(m, pads)}{value})")


@entry
def mirror_pad(m: Maker) -> None:
    # TensorFlow does not differentiate one without elements.
    x = m.pick(SINGLE_AND_DOUBLE, lambda v: small(v) and v.size)
    mode = m.choose(("SYMMETRIC", "REFLECT"))
    most = [max(d - (mode == "REFLECT"), 0) for d in x.shape]
    pads = [[m.integer(0, min(k, 2)), m.integer(0, min(k, 2))] for k in most]
    m.emit(f"tf.pad({x}, {_pads(m, pads)}, {mode!r})")


SINGLE_AND_DOUBLE = ("float32", "float64")


@entry
def meshgrid(m: Maker) -> None:
    x = m.pick(NUMBERS, lambda v: v.ndim == 1)
    y = m.operand(x.dtype, m.shape(1, 1))
    m.emit(f"tf.meshgrid({x}, {y}, indexing={m.choose(('xy', 'ij'))!r})", 2)


@entry
def ranges(m: Maker) -> None:
    forms = ("range({})", "range({}, 6)", "range(0, {}, 2)", "eye({})", "cast({}, tf.float32)")
    count = m.known_leaf(np.array(m.integer(1, 5), "int32"))
    m.emit("tf." + m.choose(forms).format(count))


@entry
def fill(m: Maker) -> None:
    value = m.operand(m.floating(), [])
    m.emit(f"tf.fill({m.integers(m.shape(0, 3))}, {value})")


@entry
def space_and_depth(m: Maker) -> None:
    n, h, w, c = m.integer(0, 2), m.integer(1, 2), m.integer(1, 2), m.integer(1, 2)
    name = m.choose(("space_to_depth", "depth_to_space"))
    shape = [n, 2 * h, 2 * w, c] if name == "space_to_depth" else [n, h, w, 4 * c]
    m.emit(f"tf.{name}({m.operand(m.floating(), shape)}, 2)")


@entry
def space_to_batch(m: Maker) -> None:
    x = m.operand(m.floating(), [m.integer(1, 2), m.choose((2, 4)), m.choose((2, 4)), 1])
    pads = m.choose(([[0, 0], [0, 0]], [[1, 1], [0, 2]]))
    (batch,) = m.emit(f"tf.space_to_batch_nd({x}, [2, 2], {pads})")
    if m.flag():
        m.emit(f"tf.batch_to_space_nd({batch}, [2, 2], {m.choose((pads, [[0, 0], [0, 1]]))})")
