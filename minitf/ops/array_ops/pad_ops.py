"""With this module one can pad a tensor at its borders: `tf.pad`."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.static_value import static_value
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, shape_of_dims, unknown_shape
from minitf.ops.array_ops.shape_ops import reshape, shape
from minitf.ops.array_ops.slice_ops import SLICE

# ---- Pad

PAD = op_def(
    "Pad(input: T, paddings: Tpaddings) -> (output: T)",
    "T: type",
    "Tpaddings: {int32, int64} = int32",
)


@PAD.shape
def pad_shape(op: Operation) -> list[TensorShape]:
    dims, paddings = op.inputs[0].shape._dims, op.inputs[1].shape
    known = static_value(op.inputs[1])
    if paddings.ndims not in (None, 2):
        raise ValueError(f"Shape must be rank 2 but is rank {paddings.ndims}")
    if paddings._dims is not None and paddings._dims[1] not in (None, 2):
        raise ValueError(f"Dimension must be 2 but is {paddings._dims[1]}")
    length = None if paddings._dims is None else paddings._dims[0]
    if dims is None:
        return [unknown_shape(length)]
    if length is not None and length != len(dims):
        raise ValueError(f"Shape must be rank {length} but is rank {len(dims)}")
    if known is None:
        return [unknown_shape(len(dims))]
    sums = _checked_paddings(known, len(dims)).sum(axis=1)
    return [
        shape_of_dims(
            tuple(None if d is None else d + int(s) for d, s in zip(dims, sums, strict=True))
        )
    ]


def _checked_paddings(paddings: Any, rank: int) -> Any:
    if np.shape(paddings) != (rank, 2):
        raise ValueError(
            f"The first dimension of paddings must be the rank of inputs {[rank, 2]}, got "
            f"{list(np.shape(paddings))}"
        )
    if np.size(paddings) and np.min(paddings) < 0:
        row = paddings[np.min(paddings, axis=1) < 0][0]
        raise ValueError(f"Paddings must be non-negative: {row[0]}, {row[1]}")
    return paddings


@PAD.kernel
def pad_kernel(input: Any, paddings: Any) -> Any:
    return np.pad(input, _checked_paddings(paddings, np.ndim(input)))


@PAD.gradient
def pad_gradient(op: Operation, grad: Tensor) -> Any:
    given, paddings = op.inputs
    begin = reshape(SLICE(paddings, [0, 0], [-1, 1]), [-1])
    return SLICE(grad, begin, shape(given, out_type=begin.dtype)), None
