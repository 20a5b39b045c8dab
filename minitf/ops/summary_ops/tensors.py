"""With this module a graph can keep tensors as they are, and texts, for TensorBoard's plugins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minitf.framework import dtypes, errors, protos
from minitf.framework.convert import convert_to_tensor
from minitf.framework.op_def import op_def, scalars
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_proto import make_tensor_proto
from minitf.ops.summary_ops.naming import collect, serialized, summary_scope
from minitf.ops.summary_ops.naming import text as text_of

# ---- TensorSummaryV2

TENSOR_SUMMARY = op_def(
    "TensorSummaryV2(tag: string, tensor: T, serialized_summary_metadata: string)"
    " -> (summary: string)",
    "T: type",
    shape=scalars,
)


@TENSOR_SUMMARY.kernel
def tensor_summary_kernel(tag: Any, tensor: Any, serialized_summary_metadata: Any) -> Any:
    from google.protobuf.message import DecodeError

    value = protos.Summary.Value(tag=text_of(tag), tensor=_tensor_proto(np.asarray(tensor)))
    try:
        value.metadata.MergeFromString(np.asarray(serialized_summary_metadata, object).item())
    except DecodeError:
        raise errors.InvalidArgumentError(
            None, None, "serialized_summary_metadata is no serialized SummaryMetadata"
        ) from None
    return serialized(protos.Summary(value=[value]))


def _tensor_proto(array: Any) -> Any:
    message = make_tensor_proto(array)
    if array.dtype == object:
        return message
    # Numbers are all written alike, one or many.
    return protos.TensorProto(
        dtype=message.dtype, tensor_shape=message.tensor_shape, tensor_content=array.tobytes()
    )


TENSOR_SUMMARY.not_differentiable()


def tensor_summary(
    name: str,
    tensor: Any,
    summary_description: str | None = None,
    collections: Sequence[str] | None = None,
    summary_metadata: Any = None,
    family: str | None = None,
    display_name: str | None = None,
) -> Tensor:
    """A summary of a whole tensor, for plugins (mirrors `tf.summary.tensor_summary`).

    Args:
      name: its name, which with the name scopes around it is the tag in TensorBoard.
      tensor: of any shape and dtype.
      summary_description: a text about it, in Markdown.
      collections: the graph's collections to add it to; that of `merge_all` if None.
      summary_metadata: a `tf.SummaryMetadata`, which says what plugin shows the tensor.
      family: a name to group it by in TensorBoard.
      display_name: what TensorBoard is to call it, instead of its tag.

    Returns:
      A string scalar: a serialised `Summary`.

    >>> import minitf as tf
    >>> whole = tf.summary.tensor_summary("whole", tf.constant([1, 2]))
    >>> with tf.Session() as sess:
    ...     tf.make_ndarray(tf.Summary.FromString(sess.run(whole)).value[0].tensor)
    array([1, 2], dtype=int32)
    """
    metadata = protos.SummaryMetadata()
    if summary_metadata is not None:
        metadata.MergeFromString(summary_metadata.SerializeToString())
    if display_name is not None:
        metadata.display_name = display_name
    if summary_description is not None:
        metadata.summary_description = summary_description
    with summary_scope(name, family, [tensor]) as (tag, scope):
        made = TENSOR_SUMMARY(tag, tensor, metadata.SerializeToString(), name=scope)
        return collect(made, collections)


def text(name: str, tensor: Any, collections: Sequence[str] | None = None) -> Tensor:
    """A summary of texts, which TensorBoard shows as Markdown (mirrors `tf.summary.text`).

    Args:
      name: its name, which with the name scopes around it is the tag in TensorBoard.
      tensor: strings; a vector is shown as a table of one column, a matrix as a table.
      collections: the graph's collections to add it to; that of `merge_all` if None.

    Returns:
      A string scalar: a serialised `Summary`.

    Raises:
      ValueError: if the tensor has no strings.

    >>> import minitf as tf
    >>> note = tf.summary.text("note", tf.constant("the **best** run"))
    >>> with tf.Session() as sess:
    ...     tf.Summary.FromString(sess.run(note)).value[0].metadata.plugin_data.plugin_name
    'text'
    """
    tensor = convert_to_tensor(tensor)
    if tensor.dtype != dtypes.string:
        raise errors.value_error(
            f"Expected tensor {tensor.name} to have dtype string, got {tensor.dtype}"
        )
    plugin = protos.SummaryMetadata.PluginData(plugin_name="text")
    metadata = protos.SummaryMetadata(plugin_data=plugin)
    return tensor_summary(name, tensor, collections=collections, summary_metadata=metadata)
