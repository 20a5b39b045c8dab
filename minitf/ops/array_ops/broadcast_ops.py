"""With this module one can repeat tensors along dims of size 1 until their shapes meet."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import errors, tensor_shape
from minitf.framework.convert import convert_to_tensor
from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.scopes import name_scope
from minitf.framework.static_value import static_shape_value
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, shape_of_dims, unknown_shape
from minitf.ops import math_ops
from minitf.ops.array_ops.concat_ops import stack
from minitf.ops.array_ops.fill_ops import ones
from minitf.ops.array_ops.shape_ops import reshape, shape_operand, size

# ---- BroadcastTo

BROADCAST_TO = op_def(
    "BroadcastTo(input: T, shape: Tidx) -> (output: T)",
    "T: type",
    "Tidx: {int32, int64} = int32",
    passes_on_same_shape=True,
)


@BROADCAST_TO.shape
def broadcast_to_shape(op: Operation) -> list[TensorShape]:
    given, wanted = op.inputs[0].shape, shape_operand(op.inputs[1])
    if given._dims is None or wanted._dims is None:
        return [wanted]
    if len(given._dims) > len(wanted._dims):
        raise ValueError(
            f"Shape must be at most rank {len(wanted._dims)} but is rank {len(given._dims)}"
        )
    tensor_shape.broadcast_shape(given, wanted)  # raises if they do not meet
    missing = len(wanted._dims) - len(given._dims)
    dims = list(wanted._dims)
    for i, d in enumerate(given._dims, start=missing):
        if dims[i] is None and d is not None and d > 1:
            dims[i] = d
    return [shape_of_dims(tuple(dims))]


@BROADCAST_TO.kernel
def broadcast_to_kernel(input: Any, shape: Any) -> Any:
    dims = tuple(int(d) for d in shape)
    try:
        return np.broadcast_to(input, dims).copy()
    except ValueError:
        raise ValueError(f"Incompatible shapes: {list(np.shape(input))} vs. {list(dims)}") from None


@BROADCAST_TO.gradient
def broadcast_to_gradient(op: Operation, grad: Tensor) -> Any:
    return math_ops.unbroadcast(grad, op.inputs[0], op.outputs[0]), None


def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """The tensor repeated to fill a shape, by numpy's rules (mirrors `tf.broadcast_to`).

    Args:
      input: a tensor.
      shape: the shape of the result, an integer vector.
      name: the node's name.

    Raises:
      ValueError: if a dim that is not 1 would have to change.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.broadcast_to([1, 2, 3], [2, 3])))
    [[1 2 3]
     [1 2 3]]
    """
    result: Tensor = BROADCAST_TO(input, shape, name=name)
    return result


# ---- BroadcastArgs

BROADCAST_ARGS = op_def("BroadcastArgs(s0: T, s1: T) -> (r0: T)", "T: {int32, int64} = int32")


@BROADCAST_ARGS.shape
def broadcast_args_shape(op: Operation) -> list[TensorShape]:
    lengths = []
    for tensor in op.inputs:
        if tensor.shape.ndims not in (None, 1):
            raise ValueError(f"Shape must be rank 1 but is rank {tensor.shape.ndims}")
        lengths.append(tensor.shape._dims[0] if tensor.shape._dims else None)
    a, b = lengths
    return [shape_of_dims((None if a is None or b is None else max(a, b),))]


@BROADCAST_ARGS.partial_shape_value
def broadcast_args_partial_value(op: Operation) -> TensorShape:
    return tensor_shape.broadcast_shape(*(static_shape_value(tensor) for tensor in op.inputs))


@BROADCAST_ARGS.kernel
def broadcast_args_kernel(s0: Any, s1: Any) -> Any:
    try:
        return np.array(np.broadcast_shapes(tuple(s0), tuple(s1)), s0.dtype)
    except ValueError:
        raise ValueError(f"Incompatible shapes: {s0.tolist()} vs. {s1.tolist()}") from None


BROADCAST_ARGS.not_differentiable()


def broadcast_dynamic_shape(shape_x: Any, shape_y: Any) -> Tensor:
    """The shape of `x + y`, from shapes that are tensors (mirrors `tf.broadcast_dynamic_shape`).

    Args:
      shape_x, shape_y: integer vectors.

    Raises:
      tf.errors.InvalidArgumentError: if the shapes do not meet, when the graph runs.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.broadcast_dynamic_shape([2, 1], [3])))
    [2 3]
    """
    result: Tensor = BROADCAST_ARGS(shape_x, shape_y)
    return result


def broadcast_static_shape(shape_x: Any, shape_y: Any) -> TensorShape:
    """The shape of `x + y`, from static shapes (mirrors `tf.broadcast_static_shape`).

    Args:
      shape_x, shape_y: `tf.TensorShape`s.

    Raises:
      ValueError: if the shapes do not meet.

    >>> import minitf as tf
    >>> print(tf.broadcast_static_shape(tf.TensorShape([2, 1]), tf.TensorShape([3])))
    (2, 3)
    """
    a, b = tensor_shape.as_shape(shape_x), tensor_shape.as_shape(shape_y)
    try:
        return tensor_shape.broadcast_shape(a, b)
    except ValueError:
        raise errors.value_error(
            "Incompatible shapes for broadcasting. Two shapes are compatible if for each dimension "
            f"pair they are either equal or one of them is 1. Received: {a} and {b}.",
            see="shapes-that-do-not-fit",
        ) from None


# ---- BroadcastGradientArgs

BROADCAST_GRADIENT_ARGS = op_def(
    "BroadcastGradientArgs(s0: T, s1: T) -> (r0: T, r1: T)", "T: {int32, int64} = int32"
)


@BROADCAST_GRADIENT_ARGS.shape
def broadcast_gradient_args_shape(op: Operation) -> list[TensorShape]:
    for tensor in op.inputs:
        if tensor.shape.ndims not in (None, 1):
            raise ValueError(f"Shape must be rank 1 but is rank {tensor.shape.ndims}")
    return [unknown_shape(1)] * 2


@BROADCAST_GRADIENT_ARGS.kernel
def broadcast_gradient_args_kernel(s0: Any, s1: Any) -> Any:
    rank = max(len(s0), len(s1))
    a = [1] * (rank - len(s0)) + s0.tolist()
    b = [1] * (rank - len(s1)) + s1.tolist()
    if any(x != y and 1 not in (x, y) for x, y in zip(a, b)):
        raise ValueError(f"Incompatible shapes: {s0.tolist()} vs. {s1.tolist()}")
    # Dims of size 1 in both count as repeated too: to sum over them changes nothing.
    same = s0.tolist() == s1.tolist()
    return tuple(
        np.array([i for i in range(rank) if dims[i] == 1 and not same], s0.dtype) for dims in (a, b)
    )


BROADCAST_GRADIENT_ARGS.not_differentiable()


def broadcast_gradient_args(s0: Any, s1: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """The axes over which the gradients of two broadcast tensors are summed.

    Args:
      s0, s1: the shapes of the two, integer vectors.
      name: the node's name.

    Returns:
      Two vectors: the axes of the common shape along which the first, and the second, is repeated.

    >>> from minitf.ops import array_ops
    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(*sess.run(array_ops.broadcast_gradient_args([2, 3, 1], [3, 5])))
    [2] [0]
    """
    r0, r1 = BROADCAST_GRADIENT_ARGS(s0, s1, name=name)
    return r0, r1


def meshgrid(*args: Any, indexing: str = "xy", name: str = "meshgrid") -> list[Tensor]:
    """The coordinates of a grid, from the coordinates along each dim (mirrors `tf.meshgrid`).

    Args:
      *args: vectors, one per dim.
      indexing: "ij" to have the first vector vary along the first dim; "xy" to have it vary along
        the second, as in pictures.
      name: the scope of the nodes.

    Returns:
      As many tensors as vectors, of one shape.

    Raises:
      ValueError: if `indexing` is neither.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     x, y = sess.run(tf.meshgrid([1, 2, 3], [4, 5]))
    >>> print(x, y, sep="\\n")
    [[1 2 3]
     [1 2 3]]
    [[4 4 4]
     [5 5 5]]
    """
    if indexing not in ("xy", "ij"):
        raise errors.value_error(
            f"Argument `indexing` parameter must be either 'xy' or 'ij', got '{indexing}'"
        )
    count = len(args)
    with name_scope(name, values=args):
        grids = [
            reshape(stack(x), [1] * i + [-1] + [1] * (count - i - 1)) for i, x in enumerate(args)
        ]
        sizes = [size(x) for x in args]
        dtype = convert_to_tensor(args[0]).dtype.base_dtype
        if indexing == "xy" and count > 1:
            rest = [1] * (count - 2)
            grids[0] = reshape(grids[0], [1, -1, *rest])
            grids[1] = reshape(grids[1], [-1, 1, *rest])
            sizes[0], sizes[1] = sizes[1], sizes[0]
        filled = ones(sizes, dtype)
        return [grid * filled for grid in grids]
