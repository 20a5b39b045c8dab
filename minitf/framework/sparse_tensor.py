"""With this module a graph can hold arrays that are mostly empty: `tf.SparseTensor`.

It is three tensors: where the elements are, what they are, and the shape of the whole.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from minitf.framework import dtypes, errors
from minitf.framework.apply_op import graph_of
from minitf.framework.convert import convert_to_tensor
from minitf.framework.default import get_default_session, in_name_scope
from minitf.framework.dtypes import DType
from minitf.framework.graph import Graph
from minitf.framework.operation import Operation
from minitf.framework.static_value import static_shape_value
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape


class SparseTensorValue(NamedTuple):
    """The value of a sparse tensor (mirrors `tf.SparseTensorValue`)."""

    indices: Any
    values: Any
    dense_shape: Any


class SparseTensor:
    """Elements at some places of an array; the others are zero (mirrors `tf.SparseTensor`).

    Args:
      indices: int64 of shape (elements, rank): the place of each element, in order.
      values: the elements.
      dense_shape: int64 of shape (rank,).

    >>> import minitf as tf
    >>> x = tf.SparseTensor([[0, 1], [2, 0]], [5.0, 7.0], [3, 2])
    >>> with tf.Session() as sess:
    ...     sess.run(x).values
    array([5., 7.], dtype=float32)
    """

    def __init__(self, indices: Any, values: Any, dense_shape: Any) -> None:
        graph = graph_of((indices, values, dense_shape))
        with graph.as_default(), in_name_scope(graph, "SparseTensor"):
            self._indices = convert_to_tensor(indices, dtypes.int64, name="indices")
            self._values = convert_to_tensor(values, name="values")
            self._dense_shape = convert_to_tensor(dense_shape, dtypes.int64, name="dense_shape")
        places = self._indices.shape.with_rank(2)
        sizes = self._dense_shape.shape.with_rank(1)
        places[:1].merge_with(self._values.shape.with_rank(1))
        places[1:].merge_with(sizes)

    @classmethod
    def from_value(cls, sparse_tensor_value: Any) -> SparseTensor:
        """A sparse tensor of a `SparseTensorValue`, or that sparse tensor itself."""
        if isinstance(sparse_tensor_value, SparseTensor):
            return sparse_tensor_value
        if not isinstance(sparse_tensor_value, SparseTensorValue):
            raise errors.type_error(
                f"{sparse_tensor_value!r} is neither a SparseTensor nor a SparseTensorValue"
            )
        return cls(*sparse_tensor_value)

    @property
    def indices(self) -> Tensor:
        """The place of each element."""
        return self._indices

    @property
    def values(self) -> Tensor:
        """The elements."""
        return self._values

    @property
    def dense_shape(self) -> Tensor:
        """The shape of the whole, a vector."""
        return self._dense_shape

    @property
    def shape(self) -> TensorShape:
        """What is known of the shape of the whole."""
        return static_shape_value(self._dense_shape)

    def get_shape(self) -> TensorShape:
        """The same as `shape`."""
        return self.shape

    @property
    def dtype(self) -> DType:
        """The dtype of the elements."""
        return self._values.dtype

    @property
    def op(self) -> Operation:
        """The node that makes the elements."""
        return self._values.op

    @property
    def graph(self) -> Graph:
        """The graph it belongs to."""
        return self._values.graph

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """The value in a session, the default one if None."""
        session = session or get_default_session()
        if session is None:
            raise errors.value_error(
                "There is no session to evaluate this in: give one, or open a block.",
                see="no-session",
            )
        return session.run(self, feed_dict)

    def __repr__(self) -> str:
        return (
            f"SparseTensor(indices={self._indices}, values={self._values}, "
            f"dense_shape={self._dense_shape})"
        )
