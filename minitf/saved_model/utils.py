"""With this module one can describe a tensor in a message, and find it again in a graph."""

from __future__ import annotations

from typing import Any

from minitf.framework import errors, protos
from minitf.framework.default import get_default_graph
from minitf.framework.graph import Graph
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_proto import shape_proto
from minitf.ops.variables import Variable


def build_tensor_info(tensor: Any) -> Any:
    """What a signature says of a tensor (mirrors `tf.saved_model.build_tensor_info`).

    Args:
      tensor: a tensor or a variable.

    Returns:
      A `TensorInfo`: name, dtype and static shape.

    Raises:
      TypeError: if it is neither.

    >>> import minitf as tf
    >>> build_tensor_info(tf.placeholder(tf.float32, [None, 2], name="x")).name
    'x:0'
    """
    if not isinstance(tensor, (Tensor, Variable)):
        raise errors.type_error(
            f"A tensor or a variable can be described, not {tensor!r}.", see="checkpoints"
        )
    return protos.TensorInfo(
        name=tensor.name,
        dtype=tensor.dtype.as_datatype_enum,
        tensor_shape=shape_proto(tensor.shape),
    )


def get_tensor_from_tensor_info(
    tensor_info: Any, graph: Graph | None = None, import_scope: str | None = None
) -> Tensor:
    """The tensor that a `TensorInfo` names (mirrors `tf.saved_model.get_tensor_from_tensor_info`).

    Args:
      tensor_info: the message.
      graph: where to look; the default graph if None.
      import_scope: the scope that its graph was imported into.

    Raises:
      KeyError: if the graph has no such tensor.
      ValueError: if it describes something else than one tensor.

    >>> import minitf as tf
    >>> x = tf.placeholder(tf.float32, [None, 2], name="x")
    >>> get_tensor_from_tensor_info(build_tensor_info(x)) is x
    True
    """
    encoding = tensor_info.WhichOneof("encoding")
    if encoding != "name":
        raise errors.value_error(
            f"Invalid TensorInfo.encoding: {encoding}; minitf has tensors by name.",
            see="checkpoints",
        )
    graph = graph or get_default_graph()
    scope = f"{import_scope.rstrip('/')}/" if import_scope else ""
    return graph.get_tensor_by_name(scope + tensor_info.name)
