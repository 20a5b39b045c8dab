"""With this module one can keep a band around the main diagonal of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework.op_def import op_def, unchanged
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor

# ---- MatrixBandPart

MATRIX_BAND_PART = op_def(
    "MatrixBandPart(input: T, num_lower: Tindex, num_upper: Tindex) -> (band: T)",
    "T: type",
    "Tindex: {int32, int64} = int64",
    shape=unchanged,
)


@MATRIX_BAND_PART.kernel
def matrix_band_part_kernel(input: Any, num_lower: Any, num_upper: Any) -> Any:
    if np.ndim(input) < 2:
        raise ValueError(f"input must be at least 2-dim, received shape: {list(np.shape(input))}")
    rows, cols = input.shape[-2:]
    for name, number, of, limit in (
        ("num_lower", num_lower, "rows", rows),
        ("num_upper", num_upper, "columns", cols),
    ):
        if number > limit:
            raise ValueError(
                f"{name} must be negative or less or equal to number of {of} ({limit}) got: "
                f"{number}"
            )
    below = np.arange(rows)[:, np.newaxis] - np.arange(cols)
    inside = ((num_lower < 0) | (below <= num_lower)) & ((num_upper < 0) | (-below <= num_upper))
    return np.where(inside, input, np.zeros((), input.dtype))


@MATRIX_BAND_PART.gradient
def matrix_band_part_gradient(op: Operation, grad: Tensor) -> Any:
    return MATRIX_BAND_PART(grad, op.inputs[1], op.inputs[2]), None, None


def matrix_band_part(input: Any, num_lower: Any, num_upper: Any, name: str | None = None) -> Tensor:
    """Matrices with zeros outside a band around the main diagonal (mirrors `tf.matrix_band_part`).

    Args:
      input: a tensor of rank 2 or more.
      num_lower: how many diagonals below the main one to keep; all if negative.
      num_upper: how many above it; all if negative.
      name: the node's name.

    Raises:
      tf.errors.InvalidArgumentError: if a number is larger than the matrix, when the graph runs.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.matrix_band_part([[1, 2], [3, 4]], -1, 0)))
    [[1 0]
     [3 4]]
    """
    result: Tensor = MATRIX_BAND_PART(input, num_lower, num_upper, name=name)
    return result
