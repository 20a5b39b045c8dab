"""With this module the summaries of a graph become one, which one run makes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minitf.framework import errors, protos
from minitf.framework.graph_collections import GraphKeys
from minitf.framework.op_def import op_def, scalars
from minitf.framework.scopes import add_to_collections, get_collection, name_scope
from minitf.framework.tensor import Tensor
from minitf.ops.summary_ops.naming import serialized

# ---- MergeSummary

MERGE_SUMMARY = op_def(
    "MergeSummary(inputs: N * string) -> (summary: string)", "N: int >1", shape=scalars
)


@MERGE_SUMMARY.kernel
def merge_summary_kernel(*inputs: Any) -> Any:
    merged = protos.Summary()
    for array in inputs:
        for data in np.asarray(array, object).flat:
            _merge_into(merged, data)
    tags = [value.tag for value in merged.value if value.tag]
    if len(set(tags)) < len(tags):
        twice = next(tag for i, tag in enumerate(tags) if tag in tags[:i])
        raise errors.InvalidArgumentError(
            None, None, f"Duplicate tag {twice} found in summary inputs"
        )
    return serialized(merged)


def _merge_into(summary: Any, data: bytes) -> None:
    from google.protobuf.message import DecodeError

    try:
        summary.MergeFromString(data)
    except DecodeError:
        raise errors.InvalidArgumentError(
            None, None, "Could not parse one of the summary inputs: it is no serialized Summary"
        ) from None


MERGE_SUMMARY.not_differentiable()


def merge(
    inputs: Sequence[Any], collections: Sequence[str] | None = None, name: str | None = None
) -> Tensor:
    """One summary of several (mirrors `tf.summary.merge`).

    Args:
      inputs: a list of summaries.
      collections: the graph's collections to add it to; none if None.
      name: the scope's name.

    Returns:
      A string scalar: a serialised `Summary`.

    Raises:
      TypeError: if `inputs` is no list of string tensors.
      ValueError: if it is empty.
      tf.errors.InvalidArgumentError: when it runs, if two have one tag.

    >>> import minitf as tf
    >>> both = tf.summary.merge([tf.summary.scalar("a", 1.0), tf.summary.scalar("b", 2.0)])
    >>> with tf.Session() as sess:
    ...     [value.tag for value in tf.Summary.FromString(sess.run(both)).value]
    ['a', 'b']
    """
    if isinstance(inputs, Tensor):
        raise errors.type_error(f"tf.summary.merge takes a list of summaries, not one: {inputs}.")
    with name_scope(name, "Merge", inputs):
        summary: Tensor = MERGE_SUMMARY(inputs, name=name)
    add_to_collections(collections or [], summary)
    return summary


def merge_all(
    key: str = GraphKeys.SUMMARIES, scope: str | None = None, name: str | None = None
) -> Tensor | None:
    """One summary of all that were built in the default graph (mirrors `tf.summary.merge_all`).

    Args:
      key: the collection that they are in.
      scope: only those whose names begin with a match of this regular expression.
      name: the scope's name.

    Returns:
      A string scalar, or None if there is no summary.

    >>> import minitf as tf
    >>> tf.summary.merge_all() is None
    True
    >>> _ = tf.summary.scalar("a", 1.0)
    >>> tf.summary.merge_all().op.type
    'MergeSummary'
    """
    summaries = get_collection(key, scope)
    return merge(summaries, name=name) if summaries else None
