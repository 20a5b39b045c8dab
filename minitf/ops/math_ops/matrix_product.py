"""With this module one can multiply matrices, one pair or whole batches of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.scopes import name_scope
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import (
    TensorShape,
    broadcast_shape,
    shape_of_dims,
    unknown_shape,
)
from minitf.kernels import gemm
from minitf.ops.math_ops.broadcasting import unbroadcast
from minitf.ops.math_ops.complex_numbers import conj

_TYPES = (
    "T: {float16, float32, float64, int32, int64, uint8, uint16, uint32, uint64, complex64, "
    "complex128}"
)

# ---- MatMul

MATMUL = op_def(
    "MatMul(a: T, b: T) -> (product: T)",
    "transpose_a: bool = false",
    "transpose_b: bool = false",
    _TYPES,
    "grad_a: bool = false",
    "grad_b: bool = false",
)


@MATMUL.shape
def matmul_shape(op: Operation) -> list[TensorShape]:
    shapes = []
    for tensor in op.inputs:
        if tensor.shape.ndims not in (None, 2):
            raise ValueError(f"Shape must be rank 2 but is rank {tensor.shape.ndims}")
        shapes.append(tensor.shape._dims or (None, None))
    a, b = shapes
    rows, inner_a = a[::-1] if op._attrs["transpose_a"] else a
    inner_b, columns = b[::-1] if op._attrs["transpose_b"] else b
    _check_inner(inner_a, inner_b)
    return [shape_of_dims((rows, columns))]


def _check_inner(a: int | None, b: int | None) -> None:
    if a is not None and b is not None and a != b:
        raise ValueError(f"Dimensions must be equal, but are {a} and {b}")


@MATMUL.kernel
def matmul_kernel(a: Any, b: Any, *, transpose_a: bool, transpose_b: bool, out: Any = None) -> Any:
    for name, value in (("a", a), ("b", b)):
        if value.ndim != 2:
            raise ValueError(f"{name} is not a matrix: its shape is {list(value.shape)}")
    left, right = a.shape[:: -1 if transpose_a else 1], b.shape[:: -1 if transpose_b else 1]
    if left[1] != right[0]:
        raise ValueError(f"Matrix size-incompatible: {list(left)} times {list(right)}")
    # numpy's own product would keep its threads spinning on the cores that other kernels need.
    return gemm.matmul(a, b, transpose_a=transpose_a, transpose_b=transpose_b, out=out)


@MATMUL.in_parts
def matmul_in_parts(a: Any, b: Any, *, transpose_a: bool, transpose_b: bool) -> Any:
    product = gemm.InParts(a, b, transpose_a, transpose_b)
    return product if product.suits() else None


@MATMUL.gradient
def matmul_gradient(op: Operation, grad: Tensor) -> Any:
    a, b = conj(op.inputs[0]), conj(op.inputs[1])
    ta, tb = op._attrs["transpose_a"], op._attrs["transpose_b"]

    # product = a b, so that by_a = grad b' and by_b = a' grad; a transposed input swaps its own.
    def by_a() -> Any:
        if ta:
            return MATMUL(b, grad, transpose_a=tb, transpose_b=True, grad_a=True)
        return MATMUL(grad, b, transpose_b=not tb, grad_a=True)

    def by_b() -> Any:
        if tb:
            return MATMUL(grad, a, transpose_a=True, transpose_b=ta, grad_b=True)
        return MATMUL(a, grad, transpose_a=not ta, grad_b=True)

    return by_a, by_b


# ---- BatchMatMulV2

BATCH_MATMUL_V2 = op_def(
    "BatchMatMulV2(x: T, y: T) -> (output: T)",
    _TYPES,
    "adj_x: bool = false",
    "adj_y: bool = false",
    "grad_x: bool = false",
    "grad_y: bool = false",
)


@BATCH_MATMUL_V2.shape
def batch_matmul_shape(op: Operation) -> list[TensorShape]:
    x, y = (tensor.shape.with_rank_at_least(2)._dims for tensor in op.inputs)
    if x is None or y is None:
        return [unknown_shape()]
    rows, inner_x = x[:-3:-1] if op._attrs["adj_x"] else x[-2:]
    inner_y, columns = y[:-3:-1] if op._attrs["adj_y"] else y[-2:]
    _check_inner(inner_x, inner_y)
    batch = broadcast_shape(shape_of_dims(x[:-2]), shape_of_dims(y[:-2]))._dims
    assert batch is not None
    return [shape_of_dims((*batch, rows, columns))]


@BATCH_MATMUL_V2.kernel
def batch_matmul_kernel(x: Any, y: Any, *, adj_x: bool, adj_y: bool) -> Any:
    for value in (x, y):
        if value.ndim < 2:
            raise ValueError(f"In BatchMatMul ndims must be >= 2, but the shape is {value.shape}")
    left = np.swapaxes(x, -1, -2).conjugate() if adj_x else x
    right = np.swapaxes(y, -1, -2).conjugate() if adj_y else y
    if left.shape[-1] != right.shape[-2]:
        raise ValueError(f"Matrix size-incompatible: {list(left.shape)} times {list(right.shape)}")
    return np.matmul(left, right)


@BATCH_MATMUL_V2.gradient
def batch_matmul_gradient(op: Operation, grad: Tensor) -> Any:
    x, y = op.inputs
    adj_x, adj_y = op._attrs["adj_x"], op._attrs["adj_y"]

    def by_x() -> Any:
        if adj_x:
            return BATCH_MATMUL_V2(y, grad, adj_x=adj_y, adj_y=True, grad_x=True)
        return BATCH_MATMUL_V2(grad, y, adj_y=not adj_y, grad_x=True)

    def by_y() -> Any:
        if adj_y:
            return BATCH_MATMUL_V2(grad, x, adj_x=True, adj_y=adj_x, grad_y=True)
        return BATCH_MATMUL_V2(x, grad, adj_x=not adj_x, grad_y=True)

    return (
        lambda: unbroadcast(by_x(), x, y, trailing=2),
        lambda: unbroadcast(by_y(), y, x, trailing=2),
    )


def matmul(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    name: str | None = None,
) -> Tensor:
    """The product of two matrices, or of batches of them (mirrors `tf.matmul`).

    `output[..., i, j] = sum over k of a[..., i, k] * b[..., k, j]`

    Args:
      a, b: tensors of one numeric dtype and of rank 2 or more. The axes before the last two
        are batches and broadcast.
      transpose_a, transpose_b: whether the last two axes are swapped before.
      adjoint_a, adjoint_b: the same with complex conjugation.
      a_is_sparse, b_is_sparse: that a matrix has many zeros; the result is the same.
      name: the node's name.

    Returns:
      A tensor of the same dtype, of shape `[..., rows of a, columns of b]`.

    Raises:
      TypeError: if the dtypes differ.
      ValueError: if the inner sizes differ, or a matrix is to be transposed and adjoint at once.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.matmul([[1, 2], [3, 4]], [[10], [100]]))
    array([[210],
           [430]], dtype=int32)
    """
    for operand, transpose, adjoint in (
        ("a", transpose_a, adjoint_a),
        ("b", transpose_b, adjoint_b),
    ):
        if transpose and adjoint:
            raise errors.value_error(
                f"Only one of `transpose_{operand}` and `adjoint_{operand}` can be True."
            )
    with name_scope(name, "MatMul", [a, b]) as scope:
        a = convert_to_tensor(a, name="a")
        b = convert_to_tensor(
            b, name="b", dtype=None if isinstance(b, Tensor) else a.dtype.base_dtype
        )
        if not _is_batch(a, b):
            a, b = (conj(a) if adjoint_a else a), (conj(b) if adjoint_b else b)
            left, right = transpose_a or adjoint_a, transpose_b or adjoint_b
            result: Tensor = MATMUL(a, b, transpose_a=left, transpose_b=right, name=scope)
            return result
        # The batched op only knows adjoints: conj(transpose(x)) is undone by another conj.
        a, b = (conj(a) if transpose_a else a), (conj(b) if transpose_b else b)
        left, right = transpose_a or adjoint_a, transpose_b or adjoint_b
        result = BATCH_MATMUL_V2(a, b, adj_x=left, adj_y=right, name=scope)
        return result


def _is_batch(a: Tensor, b: Tensor) -> bool:
    ranks = a.shape.ndims, b.shape.ndims
    if None in ranks:
        return True
    return any(rank is not None and rank > 2 for rank in ranks)
