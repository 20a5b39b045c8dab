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

    Runs of empty buckets are one bucket. Sums are taken from the first element to the last, so
    that they round as TensorFlow's do.
    """
    if len(values) == 0:
        most = sys.float_info.max
        return protos.HistogramProto(min=most, max=-most, bucket_limit=[most], bucket=[0])
    values = values.astype(np.float64)
    limits = _limits()
    counts = np.bincount(np.searchsorted(limits, values, side="right"), minlength=len(limits))
    # A bucket is kept if it has elements, or if it is the last one before such, or the last at all.
    filled = counts > 0
    kept = filled | np.append(filled[1:], True)
    return protos.HistogramProto(
        min=values.min() + 0.0,  # which makes -0.0 a 0.0
        max=values.max() + 0.0,
        num=len(values),
        sum=values.cumsum()[-1] + 0.0,
        sum_squares=np.square(values).cumsum()[-1],
        bucket_limit=limits[kept],
        bucket=counts[kept],
    )


@functools.cache
def _limits() -> Any:
    """Where buckets end: each is a tenth wider than the one before, from 1e-12 to 1e20."""
    growing = itertools.accumulate(itertools.repeat(1.1), float.__mul__, initial=1e-12)
    positive = [*itertools.takewhile(lambda limit: limit < 1e20, growing), sys.float_info.max]
    return np.array([-limit for limit in reversed(positive)] + [0.0] + positive)


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
