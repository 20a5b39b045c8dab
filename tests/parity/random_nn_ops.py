"""Entries of the op table of random programs: softmax, cross-entropies, normalisations, biases."""

from __future__ import annotations

import numpy as np

from tests.parity.random_graphs import GaveUp, Maker, Value, entry
from tests.parity.random_math_ops import within

SINGLE_AND_DOUBLE = ("float32", "float64")


def _rows(value: Value) -> bool:
    return value.ndim > 0 and value.size > 0


@entry
def softmax(m: Maker) -> None:
    x = m.pick(where=_rows)
    # Of an unknown rank, TensorFlow takes no axis.
    axis = f", {m.axis(x)}" if m.static(x).ndims is not None and m.flag() else ""
    m.emit(f"tf.nn.{m.choose(('softmax', 'log_softmax'))}({x}{axis})")


def _distributions(m: Maker, like: Value) -> Value:
    """Labels of the shape of logits: rows that sum to 1, or one hot."""
    classes = like.shape[-1]
    random = np.random.default_rng(m.integer(0, 9999))
    if m.flag() or classes not in (1, 2, 4):
        at = random.integers(0, classes, like.shape[:-1])
        rows = np.eye(classes)[at]
    else:
        rows = np.full(like.shape, 1 / classes)
    return m.known_leaf(rows.reshape(like.shape).astype(like.dtype))


@entry
def softmax_cross_entropy(m: Maker) -> None:
    # Of an unknown dim against 1, TensorFlow says that it is 1; when run it may be more. See
    # `tests/parity/deviations.py`.
    x = m.pick(SINGLE_AND_DOUBLE, lambda v: v.ndim > 1 and v.size and 1 not in v.shape)
    labels = _distributions(m, x) if m.flag() else m.like(x)
    version = m.choose(("_v2", ""))
    # TensorFlow's second derivative by labels leaves out a term.
    fixed = f"tf.stop_gradient({labels})" if version else str(labels)
    m.emit(f"tf.nn.softmax_cross_entropy_with_logits{version}(labels={fixed}, logits={x})")


@entry
def sparse_softmax_cross_entropy(m: Maker) -> None:
    x = m.pick(SINGLE_AND_DOUBLE, lambda v: v.ndim and v.size)
    random = np.random.default_rng(m.integer(0, 9999))
    at = m.integers(random.integers(0, x.shape[-1], x.shape[:-1]).tolist())
    m.emit(f"tf.nn.sparse_softmax_cross_entropy_with_logits(labels={at}, logits={x})")


@entry
def sigmoid_cross_entropy(m: Maker) -> None:
    x = m.pick()
    m.emit(f"tf.nn.sigmoid_cross_entropy_with_logits(labels={m.like(x)}, logits={x})")


@entry
def weighted_cross_entropy(m: Maker) -> None:
    x = m.pick(SINGLE_AND_DOUBLE)
    m.emit(f"tf.nn.weighted_cross_entropy_with_logits({m.like(x)}, {x}, 2.0)")


@entry
def log_poisson_loss(m: Maker) -> None:
    x = m.pick(SINGLE_AND_DOUBLE, within(-8, 8))
    m.emit(f"tf.nn.log_poisson_loss({m.like(x)}, {x})")


@entry
def bias_add(m: Maker) -> None:
    x = m.pick(where=lambda v: v.ndim >= 2)
    if x.ndim == 4 and m.rarely(4):
        m.emit(f"tf.nn.bias_add({x}, {m.operand(x.dtype, [x.shape[1]])}, data_format='NCHW')")
    else:
        m.emit(f"tf.nn.bias_add({x}, {m.operand(x.dtype, [x.shape[-1]])})")


@entry
def xw_plus_b(m: Maker) -> None:
    x = m.pick(where=lambda v: v.ndim == 2)
    wide = m.dim()
    weights = m.operand(x.dtype, [x.shape[1], wide])
    m.emit(f"tf.nn.xw_plus_b({x}, {weights}, {m.operand(x.dtype, [wide])})")


@entry
def l2_loss(m: Maker) -> None:
    m.emit(f"tf.nn.l2_loss({m.pick()})")


@entry
def l2_normalize(m: Maker) -> None:
    x = m.pick(SINGLE_AND_DOUBLE, _rows)
    m.emit(f"tf.nn.l2_normalize({x}, {m.axis(x)})")


@entry
def leaky_relu(m: Maker) -> None:
    m.emit(f"tf.nn.leaky_relu({m.pick()}, alpha={m.choose((0.25, 0.0, 1.5))})")


@entry
def crelu(m: Maker) -> None:
    m.emit(f"tf.nn.crelu({m.pick(where=lambda v: v.ndim)})")


@entry
def batch_normalization(m: Maker) -> None:
    x = m.pick(SINGLE_AND_DOUBLE, _rows)
    width = [x.shape[-1]]
    mean, variance = m.operand(x.dtype, width), m.operand(x.dtype, width, "positive")
    offset, scale = m.operand(x.dtype, width), m.operand(x.dtype, width)
    m.emit(f"tf.nn.batch_normalization({x}, {mean}, {variance}, {offset}, {scale}, 0.0625)")


@entry
def fused_batch_norm(m: Maker) -> None:
    shape = [m.choose((2, 1)), m.choose((2, 3)), m.choose((2, 1)), m.choose((2, 1, 3))]
    x = m.operand("float32", shape)
    width = x.shape[-1:]
    if not x.tame:
        raise GaveUp
    scale, offset = m.operand("float32", width), m.operand("float32", width)
    call = f"tf.nn.fused_batch_norm({x}, {scale}, {offset}"
    if m.flag():
        # New ones: where the mean is the very tensor of the scale, TensorFlow's second derivative
        # by the scale takes that by the mean for a part of it.
        mean, variance = m.leaf("float32", width, "mixed"), m.leaf("float32", width, "positive")
        call += f", mean={mean}, variance={variance}, is_training=False"
    m.emit(call + ", epsilon=0.0625)[0]")


@entry
def local_response_normalization(m: Maker) -> None:
    x = m.operand("float32", [m.integer(1, 2), m.integer(1, 2), 2, m.choose((3, 4, 1))])
    if not x.tame:
        raise GaveUp  # TensorFlow multiplies by a matrix with zeros: one nan spoils a row
    m.emit(f"tf.nn.lrn({x}, {m.integer(1, 2)}, bias=1.0, alpha=0.25, beta=0.5)")


@entry
def dense_layer(m: Maker) -> None:
    """A layer as the tutorials write it by hand."""
    x = m.pick(SINGLE_AND_DOUBLE, lambda v: v.ndim == 2)
    wide = m.integer(1, 4)
    weights, bias = m.operand(x.dtype, [x.shape[1], wide]), m.operand(x.dtype, [wide])
    m.emit(f"tf.nn.{m.choose(('relu', 'tanh', 'sigmoid'))}(tf.matmul({x}, {weights}) + {bias})")
