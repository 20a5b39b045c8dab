"""With this module one can put vectors on diagonals and take them off.

`tf.diag` and `tf.diag_part` treat a tensor of rank 2k as one large matrix. The `matrix_*` functions
treat it as a batch of matrices along its last two axes, and know other diagonals than the main
one: number `k` is that many places to the right of it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minitf.framework import dtypes
from minitf.framework.convert import convert_to_tensor
from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.scopes import name_scope
from minitf.framework.static_value import static_dim, static_value
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, shape_of_dims, unknown_shape
from minitf.ops import array_ops, math_ops
from minitf.ops.math_ops import qr as qr

_DIAGONAL_TYPES = "T: {float16, float32, float64, int32, int64, complex64, complex128}"
_ALIGN = 'align: {"LEFT_RIGHT", "RIGHT_LEFT", "LEFT_LEFT", "RIGHT_RIGHT"} = "RIGHT_LEFT"'

# ---- Diag

DIAG = op_def("Diag(diagonal: T) -> (output: T)", _DIAGONAL_TYPES)


@DIAG.shape
def diag_shape(op: Operation) -> list[TensorShape]:
    shape = op.inputs[0].shape
    return [shape.with_rank_at_least(1).concatenate(shape)]


@DIAG.kernel
def diag_kernel(diagonal: Any) -> Any:
    return np.diag(diagonal.reshape(-1)).reshape(diagonal.shape * 2)


@DIAG.gradient
def diag_gradient(op: Operation, grad: Tensor) -> Any:
    return DIAG_PART(grad)


def diag(diagonal: Any, name: str | None = None) -> Tensor:
    """A tensor of twice the rank with the given diagonal (mirrors `tf.diag`).

    Args:
      diagonal: of rank 1 or more.
      name: the node's name.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.diag([1, 2])))
    [[1 0]
     [0 2]]
    """
    result: Tensor = DIAG(diagonal, name=name)
    return result


# ---- DiagPart

DIAG_PART = op_def("DiagPart(input: T) -> (diagonal: T)", _DIAGONAL_TYPES)


@DIAG_PART.shape
def diag_part_shape(op: Operation) -> list[TensorShape]:
    shape = op.inputs[0].shape
    if shape.ndims is None:
        return [unknown_shape()]
    if shape.ndims == 0 or shape.ndims % 2:
        raise ValueError(f"Input must have even and non-zero rank, but has rank {shape.ndims}")
    half = shape.ndims // 2
    return [shape[:half].merge_with(shape[half:])]


@DIAG_PART.kernel
def diag_part_kernel(input: Any) -> Any:
    dims = input.shape[: input.ndim // 2]
    if dims * 2 != input.shape:
        raise ValueError(f"The halves of the shape {input.shape} should be equal")
    size = math.prod(dims)
    return input.reshape(size, size).diagonal().reshape(dims).copy()


@DIAG_PART.gradient
def diag_part_gradient(op: Operation, grad: Tensor) -> Any:
    return DIAG(grad)


def diag_part(input: Any, name: str | None = None) -> Tensor:
    """The diagonal of a tensor of even rank, of half its rank (mirrors `tf.diag_part`).

    Raises:
      ValueError: if the first half of the shape is not the second half.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.diag_part([[1, 2], [3, 4]])))
    [1 4]
    """
    result: Tensor = DIAG_PART(input, name=name)
    return result


# ---- bands: what the next three ops share


def _band(k: Any) -> tuple[int, int]:
    """The lowest and highest diagonal, of one number or two."""
    if np.size(k) not in (1, 2) or np.ndim(k) > 1:
        raise ValueError(f"k must be a scalar or have one or two elements, but is {k}")
    low, high = int(np.ravel(k)[0]), int(np.ravel(k)[-1])
    if low > high:
        raise ValueError(f"lower_diag_index is greater than upper_diag_index: {low} > {high}")
    return low, high


def _check_inside(low: int, high: int, rows: int, columns: int) -> None:
    for number, what in ((low, "lower"), (high, "upper")):
        if not -rows < number < columns and number:
            raise ValueError(
                f"{what}_diag_index is out of bound: {number}, for a matrix of {rows} by {columns}"
            )


def _longest(low: int, high: int, rows: int, columns: int) -> int:
    """How long the longest diagonal of a band is."""
    return min(rows + min(high, 0), columns - max(low, 0))


def _places(low: int, high: int, rows: int, columns: int, align: str) -> Any:
    """For each diagonal of a band, highest first: its slice of the packed row, and its elements.

    The packed rows have the length of the longest; a shorter one stands left or right in it.
    """
    longest = _longest(low, high, rows, columns)
    above, below = align.split("_")
    for number in range(high, low - 1, -1):
        i = np.arange(max(0, -number), min(rows, columns - number))
        left = (above == "LEFT" and number >= 0) or (below == "LEFT" and number <= 0)
        start = 0 if left else longest - len(i)
        yield slice(start, start + len(i)), (..., i, i + number)


def _packed(low: int, high: int, diagonals: Any) -> Any:
    """The diagonals with an axis for their number, which a single one does not have."""
    return diagonals[..., np.newaxis, :] if low == high else diagonals


# ---- MatrixDiagV3

MATRIX_DIAG_V3 = op_def(
    "MatrixDiagV3(diagonal: T, k: int32, num_rows: int32, num_cols: int32, padding_value: T)"
    " -> (output: T)",
    "T: type",
    _ALIGN,
)


@MATRIX_DIAG_V3.shape
def matrix_diag_shape(op: Operation) -> list[TensorShape]:
    op.inputs[1].shape.with_rank_at_most(1)
    diagonal, k = op.inputs[0].shape.with_rank_at_least(1), static_value(op.inputs[1])
    if diagonal.ndims is None:
        return [unknown_shape()]
    if k is None:
        return [unknown_shape(diagonal.ndims + 1) if diagonal.ndims == 1 else unknown_shape()]
    low, high = _band(k)
    batch = diagonal[: -1 if low == high else -2]
    for size in op.inputs[2:4]:
        size.shape.with_rank(0)
    wanted = [static_value(t) for t in op.inputs[2:4]]
    length = diagonal[-1].value
    if length is None or wanted[0] is None or wanted[1] is None:
        known = [static_dim(t) for t in op.inputs[2:4]]
        return [batch.concatenate(shape_of_dims(tuple(known)))]
    sizes = _matrix_size(length, low, high, int(wanted[0]), int(wanted[1]))
    return [batch.concatenate(shape_of_dims(sizes))]


def _matrix_size(length: int, low: int, high: int, rows: int, columns: int) -> tuple[int, int]:
    """The size of a matrix whose longest diagonal in a band is that long; -1 is to be inferred."""
    least_rows, least_columns = length - min(high, 0), length + max(low, 0)
    if rows == columns == -1:
        rows = columns = max(least_rows, least_columns)
    rows = least_rows if rows == -1 else rows
    columns = least_columns if columns == -1 else columns
    if rows < least_rows or columns < least_columns:
        raise ValueError(
            f"A matrix of {rows} by {columns} is too small for a diagonal {low} of {length}"
        )
    if rows != least_rows and columns != least_columns:
        raise ValueError(
            f"num_rows {rows} and num_cols {columns} are not consistent with diagonals {low} to "
            f"{high} of length {length}"
        )
    return rows, columns


@MATRIX_DIAG_V3.kernel
def matrix_diag_kernel(
    diagonal: Any, k: Any, num_rows: Any, num_cols: Any, padding_value: Any, *, align: str
) -> Any:
    low, high = _band(k)
    rows, columns = _matrix_size(diagonal.shape[-1], low, high, int(num_rows), int(num_cols))
    packed = _packed(low, high, diagonal)
    matrix = np.full((*packed.shape[:-2], rows, columns), padding_value, diagonal.dtype)
    for n, (part, elements) in enumerate(_places(low, high, rows, columns, align)):
        matrix[elements] = packed[..., n, part]
    return matrix


@MATRIX_DIAG_V3.gradient
def matrix_diag_gradient(op: Operation, grad: Tensor) -> Any:
    k, align = op.inputs[1], op.get_attr("align")
    of_diagonal = MATRIX_DIAG_PART_V3(grad, k, constant_zero(grad), align=align)
    # As in TensorFlow, what stands beside the diagonals gets no gradient.
    return of_diagonal, None, None, None, None


def constant_zero(like: Tensor) -> Tensor:
    """A scalar 0 of a tensor's dtype."""
    return array_ops.zeros([], like.dtype.base_dtype)


def matrix_diag(
    diagonal: Any,
    name: str = "diag",
    k: Any = 0,
    num_rows: Any = -1,
    num_cols: Any = -1,
    padding_value: Any = 0,
    align: str = "RIGHT_LEFT",
) -> Tensor:
    """Matrices with the given diagonals (mirrors `tf.matrix_diag`).

    Args:
      diagonal: a diagonal along the last axis; with two numbers `k`, one for each diagonal of the
        band along the last but one, the highest first.
      name: the node's name.
      k: the number of the diagonal; or the lowest and the highest of a band.
      num_rows, num_cols: the size of a matrix; inferred where -1.
      padding_value: what stands beside the diagonals.
      align: on which side of its row a diagonal stands that is shorter than the longest: first for
        those above the main one, then for those below.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.matrix_diag([[1, 2], [3, 4]])))
    [[[1 0]
      [0 2]]
    <BLANKLINE>
     [[3 0]
      [0 4]]]
    """
    result: Tensor = MATRIX_DIAG_V3(
        diagonal, k, num_rows, num_cols, padding_value, align=align, name=name
    )
    return result


# ---- MatrixDiagPartV3

MATRIX_DIAG_PART_V3 = op_def(
    "MatrixDiagPartV3(input: T, k: int32, padding_value: T) -> (diagonal: T)", "T: type", _ALIGN
)


@MATRIX_DIAG_PART_V3.shape
def matrix_diag_part_shape(op: Operation) -> list[TensorShape]:
    op.inputs[1].shape.with_rank_at_most(1)
    shape, k = op.inputs[0].shape.with_rank_at_least(2), static_value(op.inputs[1])
    if shape.ndims is None or k is None:
        return [unknown_shape()]
    low, high = _band(k)
    rows, columns = shape[-2].value, shape[-1].value
    longest = None
    if rows is not None and columns is not None:
        _check_inside(low, high, rows, columns)
        longest = _longest(low, high, rows, columns)
    band = () if low == high else (high - low + 1,)
    return [shape[:-2].concatenate(shape_of_dims((*band, longest)))]


@MATRIX_DIAG_PART_V3.kernel
def matrix_diag_part_kernel(input: Any, k: Any, padding_value: Any, *, align: str) -> Any:
    low, high = _band(k)
    rows, columns = input.shape[-2:]
    _check_inside(low, high, rows, columns)
    longest = _longest(low, high, rows, columns)
    packed = np.full((*input.shape[:-2], high - low + 1, longest), padding_value, input.dtype)
    for n, (part, elements) in enumerate(_places(low, high, rows, columns, align)):
        packed[..., n, part] = input[elements]
    return packed[..., 0, :] if low == high else packed


@MATRIX_DIAG_PART_V3.gradient
def matrix_diag_part_gradient(op: Operation, grad: Tensor) -> Any:
    matrix, k, align = op.inputs[0], op.inputs[1], op.get_attr("align")
    of_matrix = MATRIX_SET_DIAG_V3(array_ops.zeros_like(matrix), grad, k, align=align)
    # As in TensorFlow, the padding value gets no gradient.
    return of_matrix, None, None


def matrix_diag_part(
    input: Any,
    name: str = "diag_part",
    k: Any = 0,
    padding_value: Any = 0,
    align: str = "RIGHT_LEFT",
) -> Tensor:
    """The diagonals of matrices (mirrors `tf.matrix_diag_part`); see `matrix_diag`.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.matrix_diag_part([[1, 2, 3], [4, 5, 6]], k=1)))
    [2 6]
    """
    result: Tensor = MATRIX_DIAG_PART_V3(input, k, padding_value, align=align, name=name)
    return result


# ---- MatrixSetDiagV3

MATRIX_SET_DIAG_V3 = op_def(
    "MatrixSetDiagV3(input: T, diagonal: T, k: int32) -> (output: T)",
    "T: type",
    _ALIGN,
)


@MATRIX_SET_DIAG_V3.shape
def matrix_set_diag_shape(op: Operation) -> list[TensorShape]:
    shape, diagonal = (tensor.shape for tensor in op.inputs[:2])
    op.inputs[2].shape.with_rank_at_most(1)
    shape, k = shape.with_rank_at_least(2), static_value(op.inputs[2])
    if diagonal.ndims is None or k is None:
        return [shape]
    low, high = _band(k)
    batch = diagonal.with_rank_at_least(1 if low == high else 2)[: -1 if low == high else -2]
    return [shape.merge_with(batch.concatenate(unknown_shape(2)))]


@MATRIX_SET_DIAG_V3.kernel
def matrix_set_diag_kernel(input: Any, diagonal: Any, k: Any, *, align: str) -> Any:
    low, high = _band(k)
    rows, columns = input.shape[-2:]
    _check_inside(low, high, rows, columns)
    longest = _longest(low, high, rows, columns)
    band = () if low == high else (high - low + 1,)
    if diagonal.shape != (*input.shape[:-2], *band, longest):
        raise ValueError(
            f"The diagonal should have shape {(*input.shape[:-2], *band, longest)}, but has shape "
            f"{diagonal.shape}"
        )
    packed = _packed(low, high, diagonal)
    matrix = np.array(input)
    for n, (part, elements) in enumerate(_places(low, high, rows, columns, align)):
        matrix[elements] = packed[..., n, part]
    return matrix


@MATRIX_SET_DIAG_V3.gradient
def matrix_set_diag_gradient(op: Operation, grad: Tensor) -> Any:
    diagonal, k, align = op.inputs[1], op.inputs[2], op.get_attr("align")
    of_input = MATRIX_SET_DIAG_V3(grad, array_ops.zeros_like(diagonal), k, align=align)
    return of_input, MATRIX_DIAG_PART_V3(grad, k, constant_zero(grad), align=align), None


def matrix_set_diag(
    input: Any,
    diagonal: Any,
    name: str = "set_diag",
    k: Any = 0,
    align: str = "RIGHT_LEFT",
) -> Tensor:
    """Matrices with other diagonals (mirrors `tf.matrix_set_diag`); see `matrix_diag`.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.matrix_set_diag([[1, 2], [3, 4]], [0, 0])))
    [[0 2]
     [3 0]]
    """
    result: Tensor = MATRIX_SET_DIAG_V3(input, diagonal, k, align=align, name=name)
    return result


def eye(
    num_rows: Any,
    num_columns: Any = None,
    batch_shape: Any = None,
    dtype: Any = dtypes.float32,
    name: str | None = None,
) -> Tensor:
    """The identity matrix (mirrors `tf.eye`).

    Args:
      num_rows: how many rows; an int or an int32 scalar.
      num_columns: how many columns; as many as rows if None.
      batch_shape: a list of ints; the result has these axes before its last two.
      dtype: its dtype.
      name: the scope's name.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.eye(2, 3)))
    [[1. 0. 0.]
     [0. 1. 0.]]
    """
    with name_scope(name, "eye", [num_rows, num_columns, batch_shape]):
        batch = [] if batch_shape is None else [int(d) for d in batch_shape]
        columns = num_rows if num_columns is None else num_columns
        if isinstance(num_rows, Tensor) or isinstance(columns, Tensor):
            shortest = math_ops.minimum(num_rows, columns)
            batch_dims = convert_to_tensor(batch, dtypes.int32, name="shape")
            ones_shape: Any = array_ops.concat([batch_dims, [shortest]], axis=0)
            # As in TensorFlow, only what is left out makes a square of a size that is a tensor.
            square = num_columns is None
            if not square:
                full_shape: Any = array_ops.concat([batch_dims, [num_rows, columns]], axis=0)
        else:
            ones_shape, full_shape = [*batch, min(num_rows, columns)], [*batch, num_rows, columns]
            square = num_rows == columns
        ones = array_ops.ones(ones_shape, dtype)
        if square:
            return matrix_diag(ones)
        zeros = array_ops.zeros(full_shape, dtype)
        return matrix_set_diag(zeros, ones)
