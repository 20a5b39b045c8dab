"""With this module one can compare sets: which elements of one are missing in another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, shape_of_dims

# ---- DenseToDenseSetOperation

DENSE_TO_DENSE_SET_OPERATION = op_def(
    "DenseToDenseSetOperation(set1: T, set2: T) -> "
    "(result_indices: int64, result_values: T, result_shape: int64)",
    "set_operation: string",
    "validate_indices: bool = true",
    "T: {int8, int16, int32, int64, uint8, uint16, string}",
)

_OPERATIONS: dict[str, Callable[[set[Any], set[Any]], set[Any]]] = {
    "a-b": lambda a, b: a - b,
    "b-a": lambda a, b: b - a,
    "intersection": lambda a, b: a & b,
    "union": lambda a, b: a | b,
}


@DENSE_TO_DENSE_SET_OPERATION.shape
def dense_to_dense_set_operation_shape(op: Operation) -> list[TensorShape]:
    ranks = [t.shape.ndims for t in op.inputs if t.shape.ndims is not None]
    if ranks and (min(ranks) < 2 or min(ranks) != max(ranks)):
        raise ValueError(f"Sets must have equal ranks of at least 2, but they are {ranks}")
    rank = ranks[0] if ranks else None
    return [shape_of_dims((None, rank)), shape_of_dims((None,)), shape_of_dims((rank,))]


@DENSE_TO_DENSE_SET_OPERATION.kernel
def dense_to_dense_set_operation_kernel(
    set1: Any, set2: Any, *, set_operation: str, validate_indices: bool
) -> Any:
    if set1.ndim < 2 or set1.shape[:-1] != set2.shape[:-1]:
        raise ValueError(
            f"The sets' dims but the last must be equal and at least one: {list(set1.shape)} and "
            f"{list(set2.shape)}"
        )
    if set_operation.lower() not in _OPERATIONS:
        raise ValueError(f"Invalid set_operation {set_operation}")
    combine = _OPERATIONS[set_operation.lower()]
    indices: list[tuple[int, ...]] = []
    values: list[Any] = []
    largest = 0
    for group in np.ndindex(set1.shape[:-1]):
        result = sorted(combine(set(set1[group].tolist()), set(set2[group].tolist())))
        indices.extend((*group, i) for i in range(len(result)))
        values.extend(result)
        largest = max(largest, len(result))
    return (
        np.array(indices, np.int64).reshape(-1, set1.ndim),
        np.array(values, set1.dtype),
        np.array([*set1.shape[:-1], largest], np.int64),
    )


DENSE_TO_DENSE_SET_OPERATION.not_differentiable()


def dense_set_difference(a: Tensor, b: Tensor) -> Tensor:
    """The values of the last dim of `a` that `b` has not, row by row, one after the other.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(dense_set_difference(tf.constant([[1, 2, 3]]), tf.constant([[2]]))))
    [1 3]
    """
    values: Tensor = DENSE_TO_DENSE_SET_OPERATION(a, b, set_operation="a-b").result_values
    return values
