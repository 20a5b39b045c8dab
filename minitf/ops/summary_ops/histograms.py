"""With this module a graph can note how the elements of a tensor are distributed, step by step."""

from __future__ import annotations

import functools
import itertools
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from minitf.framework import errors, protos
from minitf.framework.op_def import op_def, scalars
from minitf.framework.tensor import Tensor
from minitf.ops.summary_ops.naming import collect, serialized, summary_scope, text

# So many elements are looked at together: what is made of them stays in the cache.
_BLOCK = 1 << 15

# ---- HistogramSummary

HISTOGRAM_SUMMARY = op_def(
    "HistogramSummary(tag: string, values: T) -> (summary: string)",
    "T: realnumber = float32",
    shape=scalars,
)


@HISTOGRAM_SUMMARY.kernel
def histogram_summary_kernel(tag: Any, values: Any) -> Any:
    flat = np.asarray(values).reshape(-1)
    if flat.dtype.kind == "f" and not np.isfinite(flat).all():
        kind = "Nan" if np.isnan(flat).any() else "Infinity"
        raise errors.InvalidArgumentError(
            None, None, f"{kind} in summary histogram for: {text(tag)}"
        )
    value = protos.Summary.Value(tag=text(tag), histo=histogram_of(flat))
    return serialized(protos.Summary(value=[value]))


def histogram_of(values: Any) -> Any:
    """A `HistogramProto` of a vector of finite numbers.

    Runs of empty buckets are one bucket.
    """
    if len(values) == 0:
        most = sys.float_info.max
        return protos.HistogramProto(min=most, max=-most, bucket_limit=[most], bucket=[0])
    limits = _limits()
    counts = np.zeros(len(limits), np.int64)
    total = squares = 0.0
    for start in range(0, len(values), _BLOCK):
        block = values[start : start + _BLOCK].astype(np.float64)
        counts += np.bincount(_bucket_of(block), minlength=len(limits))
        total, squares = _added(total, block), _added(squares, block * block)
    # A bucket is kept if it has elements, or if it is the last one before such, or the last at all.
    filled = counts > 0
    kept = filled | np.append(filled[1:], True)
    return protos.HistogramProto(
        min=float(values.min()) + 0.0,  # which makes -0.0 a 0.0
        max=float(values.max()) + 0.0,
        num=len(values),
        sum=total,
        sum_squares=squares,
        bucket_limit=limits[kept],
        bucket=counts[kept],
    )


def _added(total: float, block: Any) -> float:
    """A sum that goes on from the first element to the last, to round as TensorFlow's does."""
    return float(np.append(total, block).cumsum()[-1])


@functools.cache
def _limits() -> Any:
    """Where buckets end: each is a tenth wider than the one before, from 1e-12 to 1e20."""
    growing = itertools.accumulate(itertools.repeat(1.1), float.__mul__, initial=1e-12)
    positive = [*itertools.takewhile(lambda limit: limit < 1e20, growing), sys.float_info.max]
    return np.array([-limit for limit in reversed(positive)] + [0.0] + positive)


def _bucket_of(values: Any) -> Any:
    """The index of each number's bucket: of the first limit above it.

    Numbers that share their 16 highest bits (sign, exponent and 4 of the fraction) lie within a
    sixteenth of each other, so there is at most one limit between them: a table says the bucket of
    the least of them, and one comparison is left. That is much faster than a search.
    """
    table, limits = _first_buckets()
    first = table[values.view(np.uint64) >> np.uint64(48)]
    return first + (values >= limits[first])


@functools.cache
def _first_buckets() -> tuple[Any, Any]:
    limits = _limits().copy()
    limits[-1] = np.inf  # which nothing reaches
    bits = np.arange(1 << 16, dtype=np.uint64) << np.uint64(48)
    # The least negative number of those that share their highest bits has all others set.
    bits[1 << 15 :] |= np.uint64((1 << 48) - 1)
    buckets = np.searchsorted(limits, bits.view(np.float64), side="right")
    return np.minimum(buckets, len(limits) - 1), limits


HISTOGRAM_SUMMARY.not_differentiable()


def histogram(
    name: str, values: Any, collections: Sequence[str] | None = None, family: str | None = None
) -> Tensor:
    """A summary of how a tensor's elements are distributed (mirrors `tf.summary.histogram`).

    The summary holds their number n, the least and the greatest, the sums of x and of x², and how
    many lie in each of some 1,500 buckets that grow by a tenth each from 0 outwards.

    Args:
      name: its name, which with the name scopes around it is the tag in TensorBoard.
      values: a tensor of real numbers, of any shape.
      collections: the graph's collections to add it to; that of `merge_all` if None.
      family: a name to group it by in TensorBoard.

    Returns:
      A string scalar: a serialised `Summary`.

    Raises:
      TypeError: if the tensor has no real numbers.
      tf.errors.InvalidArgumentError: when it runs, if an element is not finite.

    >>> import minitf as tf
    >>> weights = tf.summary.histogram("weights", tf.constant([1.0, 1.0, 2.0]))
    >>> with tf.Session() as sess:
    ...     histo = tf.Summary.FromString(sess.run(weights)).value[0].histo
    >>> histo.num, histo.sum, list(histo.bucket)
    (3.0, 4.0, [0.0, 2.0, 0.0, 1.0, 0.0])
    """
    with summary_scope(name, family, [values]) as (tag, scope):
        return collect(HISTOGRAM_SUMMARY(tag, values, name=scope), collections)
