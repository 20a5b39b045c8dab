"""With this module one can convert tensors from one dtype to another."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import dtypes
from minitf.framework.convert import convert_to_tensor
from minitf.framework.op_def import op_def, unchanged
from minitf.framework.operation import Operation
from minitf.framework.scopes import name_scope
from minitf.framework.tensor import IndexedSlices, Tensor

# ---- Cast

CAST = op_def(
    "Cast(x: SrcT) -> (y: DstT)",
    "SrcT: type",
    "DstT: type",
    "Truncate: bool = false",
    shape=unchanged,
)


@CAST.kernel
def cast_kernel(x: Any, *, DstT: dtypes.DType) -> Any:
    wanted = np.dtype(DstT.as_numpy_dtype)
    if np.iscomplexobj(x) and wanted.kind not in "cb":
        x = np.real(x)
    return x.astype(wanted)


@CAST.partial_shape_value
def cast_partial_value(op: Operation) -> Any:
    # Sizes may be cast between integer types: `tf.cast(tf.shape(x), tf.int64)`.
    known = op.inputs[0].op._op_def.partial_fn
    return known(op.inputs[0].op) if known is not None and op._attrs["DstT"].is_integer else None


@CAST.gradient
def cast_gradient(op: Operation, grad: Tensor) -> Any:
    source, target = op._attrs["SrcT"], op._attrs["DstT"]
    smooth = all(dtype.is_floating or dtype.is_complex for dtype in (source, target))
    return CAST(grad, DstT=source) if smooth else None


def cast(x: Any, dtype: Any, name: str | None = None) -> Any:
    """A tensor's values in another dtype (mirrors `tf.cast`).

    Floats become integers by truncation towards zero, numbers become bools by `x != 0`, complex
    numbers become real by dropping the imaginary part.

    Args:
      x: a tensor or `IndexedSlices` of numbers or bools.
      dtype: the dtype to convert to.
      name: the node's name.

    Returns:
      A tensor (or `IndexedSlices`) of dtype `dtype`; `x` itself if it has that dtype.

    Raises:
      TypeError: if `x` cannot be made a tensor.
      tf.errors.UnimplementedError: if strings are cast.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.cast([1.8, -2.2], tf.int32))
    array([ 1, -2], dtype=int32)
    """
    wanted = dtypes.as_dtype(dtype).base_dtype
    if isinstance(x, Tensor) and x.dtype.base_dtype is wanted:
        return x
    with name_scope(name, "Cast", [x]) as scope:
        if isinstance(x, IndexedSlices):
            values = cast(x.values, wanted, name=scope)
            return IndexedSlices(values, x.indices, x.dense_shape)
        x = convert_to_tensor(x, name="x")
        if x.dtype.base_dtype is wanted:
            return x
        return CAST(x, DstT=wanted, name=scope)
