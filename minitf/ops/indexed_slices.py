"""With this module a sparse gradient can stand where a dense tensor is asked for."""

from __future__ import annotations

from typing import Any

from minitf.framework import dtypes
from minitf.framework.convert import register_tensor_conversion_function
from minitf.framework.tensor import IndexedSlices, Tensor
from minitf.ops import math_ops


def _to_dense(
    value: IndexedSlices, dtype: Any = None, name: str | None = None, as_ref: bool = False
) -> Tensor:
    if dtype is not None and not dtypes.as_dtype(dtype).is_compatible_with(value.dtype):
        raise ValueError(
            f"Tensor conversion requested dtype {dtypes.as_dtype(dtype).name} for IndexedSlices "
            f"with dtype {value.dtype.name}, created at {value.op.traceback}."
        )
    if value.dense_shape is None:
        raise ValueError(
            "Tensor conversion requested for IndexedSlices without dense_shape: how many rows the "
            f"dense tensor has is not known: {value}, created at {value.op.traceback}."
        )
    rows = value.dense_shape[0]
    return math_ops.unsorted_segment_sum(value.values, value.indices, rows, name=name)


register_tensor_conversion_function(IndexedSlices, _to_dense, 90)
