"""With this module one can invert, solve and factor matrices, one or whole batches of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minitf.framework import errors
from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, shape_of_dims, unknown_shape
from minitf.ops import array_ops
from minitf.ops.math_ops.arithmetic import MUL, NEG
from minitf.ops.math_ops.casting import cast
from minitf.ops.math_ops.complex_numbers import conj
from minitf.ops.math_ops.matrix_product import matmul
from minitf.ops.math_ops.sequence import range

_TYPES = "T: {float64, float32, float16, complex64, complex128}"


def _square(tensor: Tensor) -> tuple[int | None, ...] | None:
    """The static shape of a batch of square matrices, which both of its last dims decide."""
    dims = tensor.shape.with_rank_at_least(2)._dims
    if dims is None:
        return None
    rows, columns = dims[-2:]
    if rows is not None and columns is not None and rows != columns:
        raise ValueError(f"Dimensions must be equal, but are {rows} and {columns}")
    size = columns if rows is None else rows
    return (*dims[:-2], size, size)


def _square_shape(op: Operation) -> list[TensorShape]:
    dims = _square(op.inputs[0])
    return [unknown_shape() if dims is None else shape_of_dims(dims)]


def _checked_square(matrix: Any) -> None:
    if matrix.ndim < 2 or matrix.shape[-1] != matrix.shape[-2]:
        raise errors.InvalidArgumentError(
            None, None, f"Input must be square matrices, but has the shape {list(matrix.shape)}"
        )


def _computed(function: Callable[..., Any], *arrays: Any) -> Any:
    """Calls a function of numpy.linalg, which knows no float16.

    Raises:
      InvalidArgumentError: if a matrix is singular, or not positive definite where it must be.
    """
    dtype = arrays[0].dtype
    wide = [a.astype(np.float32) if dtype == np.float16 else a for a in arrays]
    try:
        return function(*wide).astype(dtype)
    except np.linalg.LinAlgError as error:
        raise errors.InvalidArgumentError(None, None, f"Input is not valid: {error}.") from None


def _adjoint(matrix: Any) -> Any:
    return np.swapaxes(matrix, -1, -2).conjugate()


# ---- MatrixInverse

MATRIX_INVERSE = op_def(
    "MatrixInverse(input: T) -> (output: T)",
    "adjoint: bool = false",
    _TYPES,
    shape=_square_shape,
)


@MATRIX_INVERSE.kernel
def matrix_inverse_kernel(input: Any, *, adjoint: bool) -> Any:
    _checked_square(input)
    return _computed(np.linalg.inv, _adjoint(input) if adjoint else input)


@MATRIX_INVERSE.gradient
def matrix_inverse_gradient(op: Operation, grad: Tensor) -> Any:
    # From d(inverse) = -inverse d(input) inverse; for adjoints likewise.
    inverse = op.outputs[0]
    if op._attrs["adjoint"]:
        return NEG(matmul(inverse, matmul(grad, inverse, adjoint_a=True)))
    return NEG(matmul(inverse, matmul(grad, inverse, adjoint_b=True), adjoint_a=True))


def matrix_inverse(input: Any, adjoint: bool = False, name: str | None = None) -> Tensor:
    """The inverse of square matrices (mirrors `tf.matrix_inverse`).

    Args:
      input: a tensor of shape `[..., n, n]` of a floating or complex dtype.
      adjoint: whether the inverse of the adjoint is wanted.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype.

    Raises:
      ValueError: if the matrices are not square.
      tf.errors.InvalidArgumentError: if a matrix has no inverse.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.matrix_inverse([[2.0, 0.0], [0.0, 4.0]]))
    array([[0.5 , 0.  ],
           [0.  , 0.25]], dtype=float32)
    """
    result: Tensor = MATRIX_INVERSE(input, adjoint=adjoint, name=name)
    return result


# ---- MatrixDeterminant

MATRIX_DETERMINANT = op_def("MatrixDeterminant(input: T) -> (output: T)", _TYPES)


@MATRIX_DETERMINANT.shape
def matrix_determinant_shape(op: Operation) -> list[TensorShape]:
    dims = _square(op.inputs[0])
    return [unknown_shape() if dims is None else shape_of_dims(dims[:-2])]


@MATRIX_DETERMINANT.kernel
def matrix_determinant_kernel(input: Any) -> Any:
    _checked_square(input)
    return _computed(np.linalg.det, input)


@MATRIX_DETERMINANT.gradient
def matrix_determinant_gradient(op: Operation, grad: Tensor) -> Any:
    inverse = MATRIX_INVERSE(op.inputs[0], adjoint=True)
    weight = MUL(grad, conj(op.outputs[0]))
    return MUL(array_ops.expand_dims(array_ops.expand_dims(weight, -1), -1), inverse)


def matrix_determinant(input: Any, name: str | None = None) -> Tensor:
    """The determinant of square matrices (mirrors `tf.matrix_determinant`).

    Args:
      input: a tensor of shape `[..., n, n]` of a floating or complex dtype.
      name: the node's name.

    Returns:
      A tensor of shape `[...]` of the same dtype. Its gradient needs the matrix to be invertible.

    Raises:
      ValueError: if the matrices are not square.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.matrix_determinant([[2.0, 1.0], [0.0, 4.0]])))
    8.0
    """
    result: Tensor = MATRIX_DETERMINANT(input, name=name)
    return result


# ---- MatrixSolve

MATRIX_SOLVE = op_def(
    "MatrixSolve(matrix: T, rhs: T) -> (output: T)", "adjoint: bool = false", _TYPES
)


@MATRIX_SOLVE.shape
def matrix_solve_shape(op: Operation) -> list[TensorShape]:
    matrix = _square(op.inputs[0])
    rhs = op.inputs[1].shape.with_rank_at_least(2)._dims
    if matrix is None or rhs is None:
        if matrix is rhs:
            return [unknown_shape()]
        # One of the two says how many dims there are.
        matrix, rhs = (dims or (None,) * len(matrix or rhs or ()) for dims in (matrix, rhs))
    rows, other_rows = matrix[-1], rhs[-2]
    if rows is not None and other_rows is not None and rows != other_rows:
        raise ValueError(f"Dimensions must be equal, but are {rows} and {other_rows}")
    batch = shape_of_dims(matrix[:-2]).merge_with(shape_of_dims(rhs[:-2]))
    size = other_rows if rows is None else rows
    return [batch.concatenate([size, rhs[-1]])]


@MATRIX_SOLVE.kernel
def matrix_solve_kernel(matrix: Any, rhs: Any, *, adjoint: bool) -> Any:
    _checked_square(matrix)
    if rhs.ndim != matrix.ndim or rhs.shape[:-1] != matrix.shape[:-1]:
        raise ValueError(
            f"Input matrix and rhs are incompatible: {list(matrix.shape)}, {list(rhs.shape)}"
        )
    return _computed(np.linalg.solve, _adjoint(matrix) if adjoint else matrix, rhs)


@MATRIX_SOLVE.gradient
def matrix_solve_gradient(op: Operation, grad: Tensor) -> Any:
    adjoint = op._attrs["adjoint"]
    by_rhs = MATRIX_SOLVE(op.inputs[0], grad, adjoint=not adjoint)
    solution = op.outputs[0]
    left, right = (solution, by_rhs) if adjoint else (by_rhs, solution)
    return NEG(matmul(left, right, adjoint_b=True)), by_rhs


def matrix_solve(matrix: Any, rhs: Any, adjoint: bool = False, name: str | None = None) -> Tensor:
    """Solves `matrix x = rhs` for x (mirrors `tf.matrix_solve`).

    Args:
      matrix: a tensor of shape `[..., n, n]` of a floating or complex dtype.
      rhs: a tensor of shape `[..., n, k]` of the same dtype.
      adjoint: whether the adjoint of the matrix is meant.
      name: the node's name.

    Returns:
      A tensor of the shape of `rhs`.

    Raises:
      ValueError: if the shapes do not fit.
      tf.errors.InvalidArgumentError: if a matrix is not invertible.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.matrix_solve([[2.0, 0.0], [0.0, 4.0]], [[1.0], [2.0]]))
    array([[0.5],
           [0.5]], dtype=float32)
    """
    result: Tensor = MATRIX_SOLVE(matrix, rhs, adjoint=adjoint, name=name)
    return result


# ---- Cholesky

CHOLESKY = op_def("Cholesky(input: T) -> (output: T)", _TYPES, shape=_square_shape)


@CHOLESKY.kernel
def cholesky_kernel(input: Any) -> Any:
    _checked_square(input)
    return _computed(np.linalg.cholesky, input)


@CHOLESKY.gradient
def cholesky_gradient(op: Operation, grad: Tensor) -> Any:
    factor = op.outputs[0]
    inverse = MATRIX_INVERSE(factor)
    middle = MUL(matmul(factor, grad, adjoint_a=True), _lower_half(factor))
    half = matmul(matmul(inverse, middle, adjoint_a=True), inverse)
    both = half + matmul_adjoint(half)
    return MUL(both, 0.5)


def _lower_half(matrix: Tensor) -> Tensor:
    """Ones below the diagonal and halves on it, of the size and dtype of square matrices."""
    places = range(array_ops.shape(matrix)[-1])
    rows, columns = array_ops.expand_dims(places, 1), array_ops.expand_dims(places, 0)
    below, on_or_below = cast(rows > columns, matrix.dtype), cast(rows >= columns, matrix.dtype)
    result: Tensor = MUL(below + on_or_below, 0.5)
    return result


def matmul_adjoint(matrix: Tensor) -> Tensor:
    """The adjoint of matrices: their last two axes swapped, and conjugated."""
    result: Tensor = array_ops.matrix_transpose(conj(matrix))
    return result


def cholesky(input: Any, name: str | None = None) -> Tensor:
    """The lower triangular L with `L adjoint(L) = input` (mirrors `tf.cholesky`).

    Args:
      input: a tensor of shape `[..., n, n]`, of positive definite matrices; only what is on and
        below the diagonal is read.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype.

    Raises:
      ValueError: if the matrices are not square.
      tf.errors.InvalidArgumentError: if a matrix is not positive definite.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.cholesky([[4.0, 2.0], [2.0, 5.0]]))
    array([[2., 0.],
           [1., 2.]], dtype=float32)
    """
    result: Tensor = CHOLESKY(input, name=name)
    return result


# ---- Qr

QR = op_def("Qr(input: T) -> (q: T, r: T)", "full_matrices: bool = false", _TYPES)


@QR.shape
def qr_shape(op: Operation) -> list[TensorShape]:
    dims = op.inputs[0].shape.with_rank_at_least(2)._dims
    if dims is None:
        return [unknown_shape()] * 2
    *batch, rows, columns = dims
    if op._attrs["full_matrices"]:
        inner = rows
    else:
        inner = None if rows is None or columns is None else min(rows, columns)
    return [shape_of_dims((*batch, rows, inner)), shape_of_dims((*batch, inner, columns))]


@QR.kernel
def qr_kernel(input: Any, *, full_matrices: bool) -> Any:
    wide = input.astype(np.float32) if input.dtype == np.float16 else input
    q, r = np.linalg.qr(wide, mode="complete" if full_matrices else "reduced")
    return q.astype(input.dtype), r.astype(input.dtype)


@QR.gradient
def qr_gradient(op: Operation, grad_q: Any, grad_r: Any) -> Any:
    q, r = op.outputs
    rows, columns = (op.inputs[0].shape._dims or (None, None))[-2:]
    if rows is None or columns is None:
        raise errors.not_implemented(
            "The gradient of tf.qr needs matrices whose last two dims are known when the graph is "
            f"built, but they are ({rows}, {columns}).",
            do="give the placeholder these dims, or use set_shape or tf.reshape.",
            see="no-gradient",
        )
    if op._attrs["full_matrices"] and rows > columns:
        raise errors.not_implemented(
            f"tf.qr of {rows} by {columns} matrices has a gradient with full_matrices=False only.",
            see="no-gradient",
        )
    grad_q = array_ops.zeros_like(q) if grad_q is None else grad_q
    grad_r = array_ops.zeros_like(r) if grad_r is None else grad_r
    if rows >= columns:
        return _narrow_qr_gradient(q, r, grad_q, grad_r)
    # A wide matrix is [left, right] = q [square r, rest of r], so that q^H right is the rest of r.
    right, square, grad_rest = op.inputs[0][..., rows:], r[..., :rows], grad_r[..., rows:]
    grad_q = grad_q + matmul(right, grad_rest, adjoint_b=True)
    left = _narrow_qr_gradient(q, square, grad_q, grad_r[..., :rows])
    return array_ops.concat([left, matmul(q, grad_rest)], -1)


def _narrow_qr_gradient(q: Tensor, r: Tensor, grad_q: Tensor, grad_r: Tensor) -> Tensor:
    """The gradient for matrices that are square or higher than wide, whose r is square."""
    mixed = matmul(r, grad_r, adjoint_b=True) - matmul(grad_q, q, adjoint_a=True)
    # Only the lower triangle counts; its mirror image makes it Hermitian.
    lower = MUL(mixed, _lower_half(r))
    hermitian = lower + matmul_adjoint(lower)
    total = grad_q + matmul(q, hermitian)
    return matmul(total, MATRIX_INVERSE(r, adjoint=True))


def qr(input: Any, full_matrices: bool = False, name: str | None = None) -> Any:
    """Factors matrices into an orthogonal and an upper triangular one (mirrors `tf.qr`).

    Args:
      input: a tensor of shape `[..., m, n]` of a floating or complex dtype.
      full_matrices: whether q is square, `[..., m, m]`, instead of `[..., m, min(m, n)]`.
      name: the node's name.

    Returns:
      A named tuple `(q, r)` with `q r = input`.

    Raises:
      ValueError: if the rank is less than 2.

    >>> import minitf as tf
    >>> q, r = tf.qr([[3.0, 0.0], [4.0, 5.0]])
    >>> with tf.Session() as sess:
    ...     sess.run(tf.matmul(q, r)).round(5)
    array([[3., 0.],
           [4., 5.]], dtype=float32)
    """
    return QR(input, full_matrices=full_matrices, name=name)


# ---- Cross

CROSS = op_def("Cross(a: T, b: T) -> (product: T)", "T: realnumber")


@CROSS.shape
def cross_shape(op: Operation) -> list[TensorShape]:
    shape = op.inputs[0].shape.merge_with(op.inputs[1].shape)
    if shape._dims is not None:
        last = shape.with_rank_at_least(1)[-1].value
        if last not in (None, 3):
            raise ValueError(f"Dimension must be 3 but is {last}")
    return [shape]


@CROSS.kernel
def cross_kernel(a: Any, b: Any) -> Any:
    if a.shape != b.shape or not a.ndim or a.shape[-1] != 3:
        kind: type[errors.OpError] = errors.InvalidArgumentError
        if a.shape == b.shape and a.ndim:
            kind = errors.FailedPreconditionError
        shapes = f"{list(a.shape)}, {list(b.shape)}"
        raise kind(None, None, f"Both inputs must be of one shape that ends in 3, not {shapes}")
    return np.cross(a, b)


@CROSS.gradient
def cross_gradient(op: Operation, grad: Tensor) -> Any:
    a, b = op.inputs
    return CROSS(b, grad), CROSS(grad, a)


def cross(a: Any, b: Any, name: str | None = None) -> Tensor:
    """The cross product of vectors of three elements (mirrors `tf.cross`).

    Args:
      a, b: tensors of one real dtype and one shape `[..., 3]`.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype.

    Raises:
      ValueError: if the shapes differ or do not end in 3.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.cross([1, 0, 0], [0, 1, 0]))
    array([0, 0, 1], dtype=int32)
    """
    result: Tensor = CROSS(a, b, name=name)
    return result
