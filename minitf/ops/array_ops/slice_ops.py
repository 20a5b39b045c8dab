"""With this module one can cut a box out of a tensor: `tf.slice`."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.static_value import static_shape_value, static_value
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, shape_of_dims, unknown_shape
from minitf.ops.array_ops.concat_ops import stack
from minitf.ops.array_ops.shape_ops import SHAPE, shape, shape_operand

# ---- Slice

SLICE = op_def(
    "Slice(input: T, begin: Index, size: Index) -> (output: T)", "T: type", "Index: {int32, int64}"
)


@SLICE.shape
def slice_shape(op: Operation) -> list[TensorShape]:
    given, begin, size = op.inputs
    rank = given.shape.ndims
    for vector in (begin, size):
        length = shape_operand(vector).ndims if vector is size else _length(vector)
        if rank is not None and length not in (None, rank):
            raise ValueError(f"Shape must be rank {length} but is rank {rank}")
        rank = length if rank is None else rank
    if rank is None:
        return [unknown_shape()]
    dims = given.shape._dims or (None,) * rank
    count = static_value(size)
    begins = static_shape_value(begin)._dims or (None,) * rank
    if count is None:  # a size may be put together from pieces of shapes
        return [static_shape_value(size).merge_with(unknown_shape(rank))]
    return [shape_of_dims(tuple(map(_slice_dim, dims, begins, count.tolist())))]


def _length(vector: Tensor) -> int | None:
    if vector.shape.ndims not in (None, 1):
        raise ValueError(f"Shape must be rank 1 but is rank {vector.shape.ndims}")
    return None if vector.shape._dims is None else vector.shape._dims[0]


def _slice_dim(dim: int | None, begin: int | None, size: int) -> int | None:
    if size != -1:  # whether that much is there is checked when the graph runs
        return size
    if dim is None or begin is None:
        return None
    if begin > dim:
        raise ValueError(f"Negative dimension size caused by subtracting {begin} from {dim}")
    return dim - begin


@SLICE.kernel
def slice_kernel(input: Any, begin: Any, size: Any) -> Any:
    dims = np.shape(input)
    if len(begin) != len(dims) or len(size) != len(dims):
        raise ValueError(
            f"Expected begin and size arguments to be 1-D tensors of size {len(dims)}, but got "
            f"shapes {list(np.shape(begin))} and {list(np.shape(size))} instead."
        )
    cut = []
    for i, (dim, b, s) in enumerate(zip(dims, begin.tolist(), size.tolist(), strict=True)):
        if not 0 <= b <= dim:
            raise ValueError(f"Expected begin[{i}] in [0, {dim}], but got {b}")
        if s != -1 and not 0 <= s <= dim - b:
            raise ValueError(f"Expected size[{i}] in [0, {dim - b}], but got {s}")
        cut.append(builtins.slice(b, dim if s == -1 else b + s))
    return np.array(input[tuple(cut)], order="C")


@SLICE.gradient
def slice_gradient(op: Operation, grad: Tensor) -> Any:
    # Zeros go back to where the box was cut from: as many before as `begin` says.
    from minitf.ops.array_ops.pad_ops import PAD

    given, begin, _ = op.inputs
    before_shape = shape(given, out_type=begin.dtype)
    after = before_shape - SHAPE(op.outputs[0], out_type=begin.dtype) - begin
    return PAD(grad, stack([begin, after], axis=1)), None, None


def slice(input_: Any, begin: Any, size: Any, name: str | None = None) -> Tensor:
    """A box of a tensor (mirrors `tf.slice`).

    Args:
      input_: a tensor of any dtype and shape.
      begin: where the box begins, an integer vector.
      size: the shape of the box; -1 takes all that is left in a dim.
      name: the node's name.

    Raises:
      ValueError: if the box is known to lie outside.
      tf.errors.InvalidArgumentError: if that turns out only when the graph runs.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.slice([[1, 2, 3], [4, 5, 6]], [0, 1], [-1, 2])))
    [[2 3]
     [5 6]]
    """
    result: Tensor = SLICE(input_, begin, size, name=name)
    return result
