"""With this module one can convert tensors from one dtype to another."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import dtypes, errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.op_def import op_def, unchanged
from minitf.framework.operation import Operation
from minitf.framework.scopes import name_scope
from minitf.framework.tensor import IndexedSlices, Tensor
from minitf.ops import constant_op

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
    if "O" in (x.dtype.kind, wanted.kind):
        raise errors.UnimplementedError(
            None, None, f"Cast between strings and {DstT.name} is not supported"
        )
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


def to_float(x: Any, name: str = "ToFloat") -> Any:
    """A tensor's values as float32 (mirrors `tf.to_float`): see `tf.cast`.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.to_float([1, 2]))
    array([1., 2.], dtype=float32)
    """
    return cast(x, dtypes.float32, name=name)


def to_double(x: Any, name: str = "ToDouble") -> Any:
    """A tensor's values as float64 (mirrors `tf.to_double`): see `tf.cast`.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.to_double([1, 2]))
    array([1., 2.])
    """
    return cast(x, dtypes.float64, name=name)


def to_int32(x: Any, name: str = "ToInt32") -> Any:
    """A tensor's values as int32 (mirrors `tf.to_int32`): see `tf.cast`.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.to_int32([1.7, -1.7]))
    array([ 1, -1], dtype=int32)
    """
    return cast(x, dtypes.int32, name=name)


def to_int64(x: Any, name: str = "ToInt64") -> Any:
    """A tensor's values as int64 (mirrors `tf.to_int64`): see `tf.cast`.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.to_int64([1.7, -1.7]))
    array([ 1, -1])
    """
    return cast(x, dtypes.int64, name=name)


def to_complex64(x: Any, name: str = "ToComplex64") -> Any:
    """A tensor's values as complex64 (mirrors `tf.to_complex64`): see `tf.cast`.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.to_complex64([1.0]))
    array([1.+0.j], dtype=complex64)
    """
    return cast(x, dtypes.complex64, name=name)


def to_complex128(x: Any, name: str = "ToComplex128") -> Any:
    """A tensor's values as complex128 (mirrors `tf.to_complex128`): see `tf.cast`.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.to_complex128([1.0]))
    array([1.+0.j])
    """
    return cast(x, dtypes.complex128, name=name)


def saturate_cast(value: Any, dtype: Any, name: str | None = None) -> Any:
    """A tensor's values in another dtype, clipped to its range (mirrors `tf.saturate_cast`).

    Args:
      value: a tensor of a real dtype.
      dtype: the real dtype to convert to.
      name: the node's name.

    Returns:
      A tensor of dtype `dtype`.

    Raises:
      TypeError: if either dtype has no order.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.saturate_cast([-5.0, 3.2, 300.0], tf.uint8))
    array([  0,   3, 255], dtype=uint8)
    """
    from minitf.ops import clip_ops

    with name_scope(name, "saturate_cast", [value]) as scope:
        value = convert_to_tensor(value, name="value")
        wanted = dtypes.as_dtype(dtype).base_dtype
        given = value.dtype.base_dtype
        low, high = _common_range(given, wanted)
        bounds = [constant_op.constant(bound, given) for bound in (low, high)]
        clamped = clip_ops.CLIP_BY_VALUE(value, *bounds, name="clamp")
        return cast(clamped, wanted, name=scope)


def _common_range(given: dtypes.DType, wanted: dtypes.DType) -> tuple[Any, Any]:
    """The least and the largest value of the first dtype that the second one holds."""
    number = float if given.is_floating else int
    low = max(number(given.min), number(wanted.min))
    high = given.as_numpy_dtype(min(number(given.max), number(wanted.max)))
    if given.is_floating and int(high) > int(wanted.max):
        high = np.nextafter(high, given.as_numpy_dtype(0))  # rounding went above the limit
    return low, high
