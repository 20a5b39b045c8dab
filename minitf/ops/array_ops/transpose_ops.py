"""With this module one can permute the dims of a tensor, and reverse the order along them."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.scopes import name_scope
from minitf.framework.static_value import static_value
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, shape_of_dims, unknown_shape
from minitf.ops import math_ops
from minitf.ops.array_ops.concat_ops import concat
from minitf.ops.array_ops.shape_ops import RANK

# ---- Transpose

TRANSPOSE = op_def(
    "Transpose(x: T, perm: Tperm) -> (y: T)", "T: type", "Tperm: {int32, int64} = int32"
)


@TRANSPOSE.shape
def transpose_shape(op: Operation) -> list[TensorShape]:
    dims, perm_shape = op.inputs[0].shape._dims, op.inputs[1].shape
    perm = static_value(op.inputs[1])
    if perm_shape.ndims not in (None, 1):
        raise ValueError(f"Shape must be rank 1 but is rank {perm_shape.ndims}")
    length = None if perm_shape._dims is None else perm_shape._dims[0]
    rank = length if dims is None else len(dims)
    if length is not None and length != rank:
        raise ValueError(f"Dimension must be {rank} but is {length}")
    if perm is None or dims is None:
        # A permutation of one dim or none says nothing to TensorFlow of an unknown input.
        return [unknown_shape(None if dims is None and (rank or 0) < 2 else rank)]
    for axis in perm.tolist():
        if not -len(dims) <= axis < len(dims):
            raise ValueError(f"perm dim {axis} is out of range of input rank {len(dims)}")
    return [shape_of_dims(tuple(dims[axis] for axis in perm.tolist()))]


def _checked_perm(x: Any, perm: Any) -> tuple[int, ...]:
    """The permutation, counted from the front.

    Raises:
      ValueError: if it is none.
    """
    rank = np.ndim(x)
    if np.shape(perm) != (rank,):
        raise ValueError(
            f"transpose expects a vector of size {rank}. But input(1) is a vector of size "
            f"{np.size(perm)}"
        )
    axes = tuple(int(axis) for axis in perm)
    for axis in axes:
        if not -rank <= axis < rank:
            raise ValueError(f"{axis} is out of range [0 .. {rank})")
    axes = tuple(axis % rank for axis in axes)
    for axis in range(rank):
        if axis not in axes:
            raise ValueError(f"{axis} is missing from {{{','.join(map(str, axes))}}}.")
    return axes


@TRANSPOSE.kernel
def transpose_kernel(x: Any, perm: Any) -> Any:
    return np.transpose(x, _checked_perm(x, perm)).copy()


@TRANSPOSE.gradient
def transpose_gradient(op: Operation, grad: Tensor) -> Any:
    return TRANSPOSE(grad, INVERT_PERMUTATION(op.inputs[1])), None


# ---- ConjugateTranspose

CONJUGATE_TRANSPOSE = op_def(
    "ConjugateTranspose(x: T, perm: Tperm) -> (y: T)",
    "T: type",
    "Tperm: {int32, int64} = int32",
    shape=transpose_shape,
)


@CONJUGATE_TRANSPOSE.kernel
def conjugate_transpose_kernel(x: Any, perm: Any) -> Any:
    return np.conj(np.transpose(x, _checked_perm(x, perm))).copy()


@CONJUGATE_TRANSPOSE.gradient
def conjugate_transpose_gradient(op: Operation, grad: Tensor) -> Any:
    return CONJUGATE_TRANSPOSE(grad, INVERT_PERMUTATION(op.inputs[1])), None


def transpose(a: Any, perm: Any = None, name: str = "transpose", conjugate: bool = False) -> Tensor:
    """The tensor with its dims in another order (mirrors `tf.transpose`).

    Dim `i` of the result is dim `perm[i]` of `a`.

    Args:
      a: a tensor of any dtype and shape.
      perm: a permutation of the dims; they are reversed if it is None.
      name: the node's name.
      conjugate: whether complex elements are conjugated.

    Raises:
      ValueError: if `perm` is not a permutation of the dims.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.transpose([[1, 2, 3], [4, 5, 6]])))
    [[1 4]
     [2 5]
     [3 6]]
    """
    with name_scope(name, "transpose", [a]) as scope:
        a = convert_to_tensor(a, name="a")
        declared = CONJUGATE_TRANSPOSE if conjugate and a.dtype.is_complex else TRANSPOSE
        if perm is None and a.shape.ndims is None:
            perm = math_ops.RANGE(RANK(a) - 1, -1, -1)
        elif perm is None:
            perm = np.arange(a.shape.ndims - 1, -1, -1, dtype=np.int32)
        result: Tensor = declared(a, perm, name=scope)
        return result


def matrix_transpose(a: Any, name: str = "matrix_transpose", conjugate: bool = False) -> Tensor:
    """A batch of matrices with rows and columns swapped (mirrors `tf.matrix_transpose`).

    Args:
      a: a tensor of rank 2 or more; the last two dims are swapped.
      name: the scope of the nodes.
      conjugate: whether complex elements are conjugated.

    Raises:
      ValueError: if the rank is known and smaller than 2.

    >>> import minitf as tf
    >>> tf.matrix_transpose(tf.zeros([5, 2, 3])).shape.as_list()
    [5, 3, 2]
    """
    with name_scope(name, values=[a]):
        a = convert_to_tensor(a, name="a")
        rank = a.shape.ndims
        if rank is not None and rank < 2:
            raise errors.value_error(
                "Argument `a` should be a (batch) matrix with rank >= 2.  Received `a` = "
                f"{a} with shape: {a.shape}"
            )
        if rank is None:
            count = RANK(a)
            perm: Any = concat([math_ops.RANGE(0, count - 2, 1), [count - 1, count - 2]], 0)
        else:
            perm = [*range(rank - 2), rank - 1, rank - 2]
        return transpose(a, perm, conjugate=conjugate)


# ---- InvertPermutation

INVERT_PERMUTATION = op_def("InvertPermutation(x: T) -> (y: T)", "T: {int32, int64} = int32")


@INVERT_PERMUTATION.shape
def invert_permutation_shape(op: Operation) -> list[TensorShape]:
    return [op.inputs[0].shape.with_rank(1)]


@INVERT_PERMUTATION.kernel
def invert_permutation_kernel(x: Any) -> Any:
    if np.ndim(x) != 1:
        raise ValueError("invert_permutation expects a 1D vector.")
    inverse = np.full_like(x, -1)
    for i, value in enumerate(x.tolist()):
        if not 0 <= value < len(x):
            raise ValueError(f"{value} is not between 0 and {len(x)}")
        if inverse[value] != -1:
            raise ValueError(f"{value} is duplicated in the input.")
        inverse[value] = i
    return inverse


INVERT_PERMUTATION.not_differentiable()


def invert_permutation(x: Any, name: str | None = None) -> Tensor:
    """The permutation that undoes another: `y[x[i]] = i` (mirrors `tf.invert_permutation`).

    Args:
      x: an int32 or int64 vector that holds each of `0 .. n - 1` once.
      name: the node's name.

    Raises:
      tf.errors.InvalidArgumentError: if it does not.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.invert_permutation([3, 4, 0, 2, 1])))
    [2 4 3 0 1]
    """
    result: Tensor = INVERT_PERMUTATION(x, name=name)
    return result
