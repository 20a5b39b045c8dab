"""With this module one can count: ranges and evenly spaced numbers."""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np

from minitf.framework import dtypes, errors
from minitf.framework.convert import convert_to_tensor, register_tensor_conversion_function
from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.scopes import name_scope
from minitf.framework.static_value import static_value
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, shape_of_dims, unknown_shape
from minitf.ops.math_ops.casting import cast

# ---- Range

RANGE = op_def(
    "Range(start: Tidx, limit: Tidx, delta: Tidx) -> (output: Tidx)", "Tidx: realnumber = int32"
)


def _range_length(start: Any, limit: Any, delta: Any) -> int:
    if delta == 0:
        raise ValueError("Requires delta != 0")
    if (limit < start) if delta > 0 else (limit > start):
        condition = (
            "start <= limit when delta > 0" if delta > 0 else "start >= limit when delta < 0"
        )
        raise ValueError(f"Requires {condition}: {start}/{limit}")
    if delta.dtype.kind in "iu":
        return -((int(start) - int(limit)) // int(delta))
    return math.ceil(float(abs((limit - start) / delta)))


@RANGE.shape
def range_shape(op: Operation) -> list[TensorShape]:
    for tensor in op.inputs:
        if tensor.shape.ndims not in (None, 0):
            raise ValueError(f"Shape must be rank 0 but is rank {tensor.shape.ndims}")
    values = [static_value(tensor) for tensor in op.inputs]
    if any(value is None for value in values):
        return [unknown_shape(1)]
    return [shape_of_dims((_range_length(*values),))]


@RANGE.kernel
def range_kernel(start: Any, limit: Any, delta: Any) -> Any:
    for name, value in (("start", start), ("limit", limit), ("delta", delta)):
        if np.ndim(value):
            raise errors.InvalidArgumentError(
                None, None, f"{name} must be a scalar, not shape {list(value.shape)}"
            )
    steps = np.arange(_range_length(start, limit, delta), dtype=delta.dtype)
    return start + steps * delta


RANGE.not_differentiable()


def range(
    start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str | None = "range"
) -> Tensor:
    """The numbers `start, start + delta, ...` up to but without `limit` (mirrors `tf.range`).

    Args:
      start: the first number; or, if `limit` is not given, the limit, and the first number is 0.
      limit: where to stop.
      delta: the step, which may be negative.
      dtype: the dtype; by default the largest of the arguments' in the order int32, int64,
        float32, float64.
      name: the node's name.

    Returns:
      A vector.

    Raises:
      ValueError: if `delta` is 0 or has the wrong sign, and the arguments are constants;
        `tf.errors.InvalidArgumentError` when the graph runs if they are not.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.range(3)), sess.run(tf.range(2, 10, 3)))
    [0 1 2] [2 5 8]
    """
    if limit is None:
        start, limit = 0, start
    with name_scope(name, "Range", [start, limit, delta]) as scope:
        names = ("start", "limit", "delta")
        given = zip((start, limit, delta), names, strict=True)
        numbers = [
            value if isinstance(value, Tensor) else convert_to_tensor(value, dtype, part)
            for value, part in given
        ]
        widest = max((n.dtype.base_dtype for n in numbers), key=_RANGE_ORDER.index)
        wanted = widest if dtype is None else dtypes.as_dtype(dtype)
        result: Tensor = RANGE(*[cast(n, wanted) for n in numbers], name=scope)
        return result


_RANGE_ORDER = [
    dtypes.int8,
    dtypes.int16,
    dtypes.uint16,
    dtypes.int32,
    dtypes.uint32,
    dtypes.int64,
    dtypes.uint64,
    dtypes.float16,
    dtypes.float32,
    dtypes.float64,
]


def _convert_range(
    value: Any, dtype: Any = None, name: str | None = None, as_ref: Any = None
) -> Any:
    return range(value.start, value.stop, value.step, dtype=dtype, name=name)


register_tensor_conversion_function(builtins.range, _convert_range)

# ---- LinSpace

LIN_SPACE = op_def(
    "LinSpace(start: T, stop: T, num: Tidx) -> (output: T)", "T: float", "Tidx: index = int32"
)


@LIN_SPACE.shape
def lin_space_shape(op: Operation) -> list[TensorShape]:
    for tensor in op.inputs:
        if tensor.shape.ndims not in (None, 0):
            raise ValueError(f"Shape must be rank 0 but is rank {tensor.shape.ndims}")
    num = static_value(op.inputs[2])
    if num is not None and num < 0:
        raise ValueError(f"Requires num >= 0: {num}")
    return [shape_of_dims((None if num is None else int(num),))]


@LIN_SPACE.kernel
def lin_space_kernel(start: Any, stop: Any, num: Any) -> Any:
    if num < 0:
        raise errors.InvalidArgumentError(None, None, f"Requires num >= 0: {num}")
    step = (stop - start) / start.dtype.type(max(int(num) - 1, 1))
    result = start + step * np.arange(int(num), dtype=start.dtype)
    if num > 1:
        result[-1] = stop
    return result


LIN_SPACE.not_differentiable()


def linspace(start: Any, stop: Any, num: Any, name: str | None = None) -> Tensor:
    """Numbers at equal distances from `start` to `stop`, both included (mirrors `tf.linspace`).

    Args:
      start, stop: scalars of one floating dtype.
      num: how many; if 1, only `start`.
      name: the node's name.

    Returns:
      A vector of `num` elements.

    Raises:
      TypeError: if `start` and `stop` are not floating.
      ValueError: if `num` is a negative constant; `tf.errors.InvalidArgumentError` when the
        graph runs if it is not a constant.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.linspace(0.0, 1.0, 5))
    array([0.  , 0.25, 0.5 , 0.75, 1.  ], dtype=float32)
    """
    result: Tensor = LIN_SPACE(start, stop, num, name=name)
    return result


lin_space = linspace  # TensorFlow 1's first name for it
