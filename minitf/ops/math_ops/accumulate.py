"""With this module one can add up a list of tensors in one node."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import errors
from minitf.framework.convert import convert_n_to_tensor_or_indexed_slices, convert_to_tensor
from minitf.framework.dtypes import as_dtype
from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape
from minitf.ops import array_ops

# ---- AddN

ADD_N = op_def(
    "AddN(inputs: N * T) -> (sum: T)",
    "N: int > 1",
    "T: number",
    elementwise=True,
    commutative=True,
)


@ADD_N.shape
def add_n_shape(op: Operation) -> list[TensorShape]:
    shape = op.inputs[0].shape
    for other in op.inputs[1:]:
        shape = shape.merge_with(other.shape)
    return [shape]


@ADD_N.kernel
def add_n_kernel(*inputs: Any) -> Any:
    first = inputs[0]
    for other in inputs[1:]:
        if other.shape != first.shape:
            raise ValueError(
                "Inputs to operation AddN must have the same size and shape, but have "
                f"{list(first.shape)} and {list(other.shape)}"
            )
    if len(inputs) == 1:
        return np.array(first)
    total = np.add(first, inputs[1])
    for other in inputs[2:]:
        total += other
    return total


@ADD_N.gradient
def add_n_gradient(op: Operation, grad: Tensor) -> Any:
    return [grad] * len(op.inputs)


def add_n(inputs: Any, name: str | None = None) -> Tensor:
    """The sum of tensors of one shape and dtype, in one node (mirrors `tf.add_n`).

    Args:
      inputs: a list of tensors or `IndexedSlices`, which are made dense.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype; the tensor itself if it is the only one.

    Raises:
      ValueError: if there are no inputs or they cannot have one shape.
      TypeError: if their dtypes differ, or a tensor is given instead of a list.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.add_n([[1, 2], [10, 20], [100, 200]]))
    array([111, 222], dtype=int32)
    """
    if not isinstance(inputs, (list, tuple)) or not inputs:
        raise (TypeError if isinstance(inputs, Tensor) else ValueError)(
            "Inputs must be a list of at least one Tensor/IndexedSlices with the same dtype and "
            f"shape, but got {inputs!r}."
        )
    items = convert_n_to_tensor_or_indexed_slices(inputs)
    if any(item is None for item in items):
        raise errors.value_error("None values not supported in a list of tensors to add.")
    if len(items) == 1:
        only = convert_to_tensor(items[0])
        return only if name is None else array_ops.identity(only, name=name)
    result: Tensor = ADD_N(items, name=name)
    return result


def accumulate_n(
    inputs: Any, shape: Any = None, tensor_dtype: Any = None, name: str | None = None
) -> Tensor:
    """The same as `tf.add_n`, with the result's shape and dtype stated (mirrors `tf.accumulate_n`).

    Args:
      inputs: a list of tensors of one shape and dtype.
      shape: the shape that each of them has, where it is not known of all.
      tensor_dtype: the dtype that each of them has.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype; the tensor itself if it is the only one.

    Raises:
      ValueError: if there are no inputs, or they do not have the stated shape.
      TypeError: if their dtypes differ, or are not the stated one.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.accumulate_n([[1, 2], [10, 20]]))
    array([11, 22], dtype=int32)
    """
    result = add_n(inputs, name=name)
    if tensor_dtype is not None and as_dtype(tensor_dtype) is not result.dtype.base_dtype:
        raise errors.type_error(
            f"tensor_dtype is {as_dtype(tensor_dtype).name}, but input is of type "
            f"{result.dtype.base_dtype.name}"
        )
    if shape is not None:
        result.set_shape(shape)
    return result
