"""With this module a graph can note a number at each step: a curve in TensorBoard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minitf.framework import errors, protos
from minitf.framework.op_def import op_def, scalars
from minitf.framework.tensor import Tensor
from minitf.ops.summary_ops.naming import collect, serialized, summary_scope, text

# ---- ScalarSummary

SCALAR_SUMMARY = op_def(
    "ScalarSummary(tags: string, values: T) -> (summary: string)",
    "T: realnumber",
    shape=scalars,
)


@SCALAR_SUMMARY.kernel
def scalar_summary_kernel(tags: Any, values: Any) -> Any:
    tags, values = np.asarray(tags, object), np.asarray(values)
    if tags.shape != values.shape:
        of = f" (tag {text(tags)!r})" if tags.ndim == 0 else ""
        raise errors.InvalidArgumentError(
            None,
            None,
            f"tags and values are not the same shape: {list(tags.shape)} != "
            f"{list(values.shape)}{of}",
        )
    return serialized(
        protos.Summary(
            value=[
                protos.Summary.Value(tag=text(tag), simple_value=float(value))
                for tag, value in zip(tags.flat, values.flat, strict=True)
            ]
        )
    )


SCALAR_SUMMARY.not_differentiable()


def scalar(
    name: str, tensor: Any, collections: Sequence[str] | None = None, family: str | None = None
) -> Tensor:
    """A summary of one number (mirrors `tf.summary.scalar`).

    Args:
      name: its name, which with the name scopes around it is the tag in TensorBoard.
      tensor: a real scalar.
      collections: the graph's collections to add it to; that of `merge_all` if None.
      family: a name to group it by in TensorBoard.

    Returns:
      A string scalar: a serialised `Summary`.

    Raises:
      TypeError: if the tensor has no real numbers.
      tf.errors.InvalidArgumentError: when it runs, if the tensor has another shape than [].

    >>> import minitf as tf
    >>> with tf.name_scope("train"):
    ...     loss = tf.summary.scalar("loss", tf.constant(0.25))
    >>> with tf.Session() as sess:
    ...     print(tf.Summary.FromString(sess.run(loss)).value[0])
    tag: "train/loss"
    simple_value: 0.25
    <BLANKLINE>
    """
    with summary_scope(name, family, [tensor]) as (tag, scope):
        return collect(SCALAR_SUMMARY(tag, tensor, name=scope), collections)
