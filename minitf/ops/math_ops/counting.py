"""With this module one can count how often each small integer occurs."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import dtypes, errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.scopes import name_scope
from minitf.framework.static_value import static_dim
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, shape_of_dims
from minitf.ops import array_ops, constant_op
from minitf.ops.math_ops.casting import cast
from minitf.ops.math_ops.extremes import maximum, minimum
from minitf.ops.math_ops.reduction_extremes import reduce_max

_COUNTED = "T: {int32, int64, float32, float64}"


def _counts(values: Any, size: Any, weights: Any) -> Any:
    """The (weighted) counts of 0 to size - 1 in a vector; larger values are left out."""
    if values.size and values.min() < 0:
        raise errors.InvalidArgumentError(None, None, "Input arr must be non-negative!")
    if size < 0:
        raise errors.InvalidArgumentError(None, None, f"size ({int(size)}) must be non-negative")
    inside = values < size
    result = np.zeros(int(size), weights.dtype)
    np.add.at(result, values[inside], weights[inside] if weights.size else weights.dtype.type(1))
    return result


# ---- DenseBincount

DENSE_BINCOUNT = op_def(
    "DenseBincount(input: Tidx, size: Tidx, weights: T) -> (output: T)",
    "Tidx: index",
    _COUNTED,
    "binary_output: bool = false",
)


@DENSE_BINCOUNT.shape
def dense_bincount_shape(op: Operation) -> list[TensorShape]:
    dims = op.inputs[0].shape.with_rank_at_least(1).with_rank_at_most(2)._dims
    op.inputs[1].shape.with_rank(0)
    size = static_dim(op.inputs[1])
    if dims is None:
        return [TensorShape(None)]
    return [shape_of_dims((*dims[:-1], size))]


@DENSE_BINCOUNT.kernel
def dense_bincount_kernel(input: Any, size: Any, weights: Any, *, binary_output: bool) -> Any:
    rows = input if input.ndim == 2 else input[None]
    weight_rows = weights.reshape(rows.shape) if weights.size else [weights] * len(rows)
    counts = [_counts(row, size, of_row) for row, of_row in zip(rows, weight_rows, strict=True)]
    result = np.array(counts, weights.dtype).reshape(*input.shape[:-1], int(size))
    return (result != 0).astype(weights.dtype) if binary_output else result


DENSE_BINCOUNT.refuse_gradients()

# ---- Bincount: what old graphs have for it

BINCOUNT = op_def("Bincount(arr: int32, size: int32, weights: T) -> (bins: T)", _COUNTED)


@BINCOUNT.shape
def bincount_shape(op: Operation) -> list[TensorShape]:
    op.inputs[1].shape.with_rank(0)
    return [shape_of_dims((static_dim(op.inputs[1]),))]


@BINCOUNT.kernel
def bincount_kernel(arr: Any, size: Any, weights: Any) -> Any:
    return _counts(arr.reshape(-1), size, weights.reshape(-1))


BINCOUNT.refuse_gradients()


def bincount(
    arr: Any,
    weights: Any = None,
    minlength: Any = None,
    maxlength: Any = None,
    dtype: Any = dtypes.int32,
    name: str | None = None,
) -> Tensor:
    """How often each of 0, 1, 2, ... occurs (mirrors `tf.bincount`).

    Args:
      arr: a tensor of int32 or int64; none negative.
      weights: what each element counts, of the shape of `arr`; 1 if None.
      minlength: the least length of the result, which is filled up with zeros.
      maxlength: the largest length of the result; larger values are not counted.
      dtype: the dtype of the result where there are no weights.
      name: the scope of the nodes.

    Returns:
      A vector, as long as the largest value of `arr` plus 1.

    Raises:
      tf.errors.InvalidArgumentError: if a value is negative.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.bincount([1, 1, 3]))
    array([0, 2, 0, 1], dtype=int32)
    """
    with name_scope(name, "bincount"):
        arr = convert_to_tensor(arr, name="arr", preferred_dtype=dtypes.int32)
        if weights is not None:
            weights = convert_to_tensor(weights, name="weights")
        index = arr.dtype.base_dtype
        size = cast(array_ops.size(arr) > 0, index) * (reduce_max(arr) + 1)
        if minlength is not None:
            size = maximum(convert_to_tensor(minlength, index, name="minlength"), size)
        if maxlength is not None:
            size = minimum(convert_to_tensor(maxlength, index, name="maxlength"), size)
        given = None if weights is None else array_ops.reshape(weights, [-1])
        flat = array_ops.reshape(arr, [-1])
        if given is None:
            given = constant_op.constant([], dtype)
        result: Tensor = DENSE_BINCOUNT(flat, size, given)
        return result
