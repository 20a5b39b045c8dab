"""With this module one can read the bytes of a tensor as another dtype, and assert a shape."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import dtypes
from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, as_shape
from minitf.ops.array_ops.concat_ops import merged_shape

# ---- Bitcast

BITCAST = op_def("Bitcast(input: T) -> (output: type)", "T: number", "type: number")


@BITCAST.shape
def bitcast_shape(op: Operation) -> list[TensorShape]:
    given = op.inputs[0].shape
    have, want = op._attrs["T"].size, op._attrs["type"].size
    if given.ndims is None or have == want:
        return [given]
    if have > want:
        return [given.concatenate([have // want])]
    last = given._dims[-1] if given._dims else 0
    if last not in (None, want // have):
        raise ValueError(
            f"Cannot bitcast from {want} to {have} due to shape. {last} does not match "
            f"{want // have}"
        )
    return [given[:-1]]


@BITCAST.kernel
def bitcast_kernel(input: Any, *, type: Any) -> Any:
    wanted = np.dtype(type.as_numpy_dtype)
    have, want = input.dtype.itemsize, wanted.itemsize
    dims = np.shape(input)
    if have > want:
        dims = (*dims, have // want)
    elif have < want:
        if dims[-1:] != (want // have,):
            raise ValueError(f"Cannot bitcast from {input.dtype} to {wanted}: shape {list(dims)}")
        dims = dims[:-1]
    return np.frombuffer(input.tobytes(), wanted).reshape(dims).copy()


BITCAST.refuse_gradients()


def bitcast(input: Any, type: Any, name: str | None = None) -> Tensor:
    """The same bytes as another dtype (mirrors `tf.bitcast`).

    Args:
      input: a tensor of numbers.
      type: the dtype. A smaller one adds a last dim, a larger one takes the last dim away.
      name: the node's name.

    Raises:
      ValueError: if the last dim does not hold one element of the larger dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(hex(sess.run(tf.bitcast(1.0, tf.int32))))
    0x3f800000
    """
    result: Tensor = BITCAST(input, type=dtypes.as_dtype(type), name=name)
    return result


# ---- EnsureShape

ENSURE_SHAPE = op_def(
    "EnsureShape(input: T) -> (output: T)", "shape: shape", "T: type", aliases=True
)


@ENSURE_SHAPE.shape
def ensure_shape_shape(op: Operation) -> list[TensorShape]:
    return [merged_shape([op._attrs["shape"], op.inputs[0].shape])]


@ENSURE_SHAPE.kernel
def ensure_shape_kernel(input: Any, *, shape: Any) -> Any:
    if not as_shape(shape).is_compatible_with(np.shape(input)):
        raise ValueError(
            f"Shape of tensor {list(np.shape(input))} is not compatible with expected shape "
            f"{shape}."
        )
    return input


@ENSURE_SHAPE.gradient
def ensure_shape_gradient(op: Operation, grad: Tensor) -> Any:
    return grad


def ensure_shape(x: Any, shape: Any, name: str | None = None) -> Tensor:
    """The same tensor, whose shape is checked when the graph runs (mirrors `tf.ensure_shape`).

    `Tensor.set_shape` only claims a shape; this one makes sure.

    Args:
      x: a tensor.
      shape: the shape that it must be compatible with.
      name: the node's name.

    Raises:
      ValueError: if the static shapes contradict each other.
      tf.errors.InvalidArgumentError: if the real shape is another.

    >>> import minitf as tf
    >>> tf.ensure_shape(tf.placeholder(tf.float32), [None, 3]).shape.as_list()
    [None, 3]
    """
    result: Tensor = ENSURE_SHAPE(x, shape=shape, name=name)
    return result
