"""With this module one can find where along an axis the largest or smallest element is."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import dtypes, errors
from minitf.framework.op_def import OpDef, op_def
from minitf.framework.operation import Operation
from minitf.framework.static_value import static_value
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, shape_of_dims, unknown_shape

_ELEMENTS = (
    "T: {float16, float32, float64, int8, int16, int32, int64, uint8, uint16, uint32, uint64, bool}"
)


def _arg_shape(op: Operation) -> list[TensorShape]:
    x, axis = op.inputs
    if axis.shape.ndims not in (None, 0):
        raise ValueError(f"Dimension must be a scalar, but has the shape {axis.shape}")
    dims, value = x.shape._dims, static_value(axis)
    if dims is None:
        return [unknown_shape()]
    if not dims:
        return [shape_of_dims(())]
    if value is None:
        return [unknown_shape(len(dims) - 1)]
    position = int(value)
    if not -len(dims) <= position < len(dims):
        raise ValueError(f"Dimension ({position}) must be in the range [{-len(dims)}, {len(dims)})")
    position %= len(dims)
    return [shape_of_dims(dims[:position] + dims[position + 1 :])]


def _arg(find: Any, least: Any, x: Any, dimension: Any, output_type: dtypes.DType) -> Any:
    if not -x.ndim <= dimension < x.ndim:
        raise errors.InvalidArgumentError(
            None,
            None,
            f"Expected dimension in the range [{-x.ndim}, {x.ndim}), but got {int(dimension)}",
        )
    axis = int(dimension)
    if x.shape[axis] == 0:
        if x.size == 0 and np.prod(x.shape[:axis] + x.shape[axis:][1:]) == 0:
            shape = np.delete(x.shape, axis)
            return np.zeros(shape, output_type.as_numpy_dtype)
        raise errors.InvalidArgumentError(
            None, None, f"Reduction axis {axis} is empty in shape {list(x.shape)}"
        )
    if x.dtype.kind == "f" and np.isnan(x).any():
        x = np.where(np.isnan(x), least, x)  # a nan is never chosen
    return find(x, axis=axis).astype(output_type.as_numpy_dtype)


def _given_axis(axis: Any, dimension: Any) -> Any:
    if axis is not None and dimension is not None:
        raise errors.value_error("Cannot specify both 'dimension' and 'axis'.")
    if axis is None:
        axis = dimension
    return 0 if axis is None else axis


def _build(declared: OpDef, x: Any, axis: Any, output_type: Any, name: str | None) -> Tensor:
    if isinstance(axis, (list, tuple)):
        raise errors.type_error(f"`axis` must be an int or an integer tensor, but is {axis!r}.")
    result: Tensor = declared(x, axis, output_type=output_type, name=name)
    return result


# ---- ArgMax

ARG_MAX = op_def(
    "ArgMax(input: T, dimension: Tidx) -> (output: output_type)",
    _ELEMENTS,
    "Tidx: {int16, int32, int64} = int32",
    "output_type: {int16, uint16, int32, int64} = int64",
    shape=_arg_shape,
)


@ARG_MAX.kernel
def arg_max_kernel(input: Any, dimension: Any, *, output_type: dtypes.DType) -> Any:
    return _arg(np.argmax, -np.inf, input, dimension, output_type)


ARG_MAX.not_differentiable()


def argmax(
    input: Any,
    axis: Any = None,
    name: str | None = None,
    dimension: Any = None,
    output_type: Any = dtypes.int64,
) -> Tensor:
    """The index of the largest element along an axis (mirrors `tf.argmax`).

    Args:
      input: a tensor of a real dtype or bool.
      axis: the axis, 0 if None; a negative one counts from the end.
      name: the node's name.
      dimension: an older name of `axis`.
      output_type: the dtype of the result.

    Returns:
      A tensor of dtype `output_type`, without the axis. Of equal elements the first counts; nan
      is never chosen.

    Raises:
      TypeError: if the axis is a list.
      ValueError: if the axis is out of range.
      tf.errors.InvalidArgumentError: if there is nothing along the axis.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.argmax([[1, 5, 2], [9, 0, 9]], 1))
    array([1, 0])
    """
    return _build(ARG_MAX, input, _given_axis(axis, dimension), output_type, name)


def arg_max(
    input: Any, dimension: Any, output_type: Any = dtypes.int64, name: str | None = None
) -> Tensor:
    """The index of the largest element, in an older form of `tf.argmax` (mirrors `tf.arg_max`).

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.arg_max([1, 5, 2], 0)))
    1
    """
    return _build(ARG_MAX, input, dimension, output_type, name)


# ---- ArgMin

ARG_MIN = op_def(
    "ArgMin(input: T, dimension: Tidx) -> (output: output_type)",
    _ELEMENTS,
    "Tidx: index = int32",
    "output_type: index = int64",
    shape=_arg_shape,
)


@ARG_MIN.kernel
def arg_min_kernel(input: Any, dimension: Any, *, output_type: dtypes.DType) -> Any:
    return _arg(np.argmin, np.inf, input, dimension, output_type)


ARG_MIN.not_differentiable()


def argmin(
    input: Any,
    axis: Any = None,
    name: str | None = None,
    dimension: Any = None,
    output_type: Any = dtypes.int64,
) -> Tensor:
    """The index of the smallest element along an axis (mirrors `tf.argmin`).

    Args:
      input: a tensor of a real dtype or bool.
      axis: the axis, 0 if None; a negative one counts from the end.
      name: the node's name.
      dimension: an older name of `axis`.
      output_type: the dtype of the result.

    Returns:
      A tensor of dtype `output_type`, without the axis. Of equal elements the first counts; nan
      is never chosen.

    Raises:
      ValueError: if the axis is out of range.
      tf.errors.InvalidArgumentError: if there is nothing along the axis.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.argmin([[1, 5, 2], [9, 0, 9]], 1))
    array([0, 1])
    """
    return _build(ARG_MIN, input, _given_axis(axis, dimension), output_type, name)


def arg_min(
    input: Any, dimension: Any, output_type: Any = dtypes.int64, name: str | None = None
) -> Tensor:
    """The index of the smallest element, in an older form of `tf.argmin` (mirrors `tf.arg_min`).

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.arg_min([1, 5, 2], 0)))
    0
    """
    return _build(ARG_MIN, input, dimension, output_type, name)
