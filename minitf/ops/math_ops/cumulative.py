"""With this module one can take running sums and products along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import errors
from minitf.framework.op_def import op_def, unchanged
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.ops.math_ops.arithmetic import MUL
from minitf.ops.math_ops.complex_numbers import conj
from minitf.ops.math_ops.division import DIV_NO_NAN

_ATTRS = ("exclusive: bool = false", "reverse: bool = false", "T: number", "Tidx: index = int32")


def _cumulate(
    ufunc: np.ufunc, first: int, x: Any, axis: Any, exclusive: bool, reverse: bool
) -> Any:
    """Accumulates along an axis; exclusive ones start with `first` and leave out the last."""
    if np.ndim(axis) or not -x.ndim <= axis < x.ndim:
        raise errors.InvalidArgumentError(
            None, None, f"Expected scan axis in the range [{-x.ndim}, {x.ndim}), but got {axis}"
        )
    moved = np.moveaxis(x, int(axis), 0)
    if reverse:
        moved = moved[::-1]
    result = np.empty(x.shape, x.dtype)
    out = np.moveaxis(result, int(axis), 0)
    if reverse:
        out = out[::-1]
    if exclusive and len(out):
        out[0] = first
        ufunc.accumulate(moved[:-1], axis=0, dtype=x.dtype, out=out[1:])
    else:
        ufunc.accumulate(moved, axis=0, dtype=x.dtype, out=out)
    return result


# ---- Cumsum

CUMSUM = op_def("Cumsum(x: T, axis: Tidx) -> (out: T)", *_ATTRS, shape=unchanged)


@CUMSUM.kernel
def cumsum_kernel(x: Any, axis: Any, *, exclusive: bool, reverse: bool) -> Any:
    return _cumulate(np.add, 0, x, axis, exclusive, reverse)


@CUMSUM.gradient
def cumsum_gradient(op: Operation, grad: Tensor) -> Any:
    exclusive, reverse = op._attrs["exclusive"], op._attrs["reverse"]
    return CUMSUM(grad, op.inputs[1], exclusive=exclusive, reverse=not reverse), None


def cumsum(
    x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None
) -> Tensor:
    """The running sum along an axis: `[a, a + b, a + b + c]` (mirrors `tf.cumsum`).

    Args:
      x: a tensor of a numeric dtype.
      axis: the axis; a negative one counts from the end.
      exclusive: whether an element is left out of its own sum: `[0, a, a + b]`.
      reverse: whether to run from the end: `[a + b + c, b + c, c]`.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype.

    Raises:
      tf.errors.InvalidArgumentError: if the axis is out of range.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.cumsum([1, 2, 3])), sess.run(tf.cumsum([1, 2, 3], exclusive=True)))
    [1 3 6] [0 1 3]
    """
    result: Tensor = CUMSUM(x, axis, exclusive=exclusive, reverse=reverse, name=name)
    return result


# ---- Cumprod

CUMPROD = op_def("Cumprod(x: T, axis: Tidx) -> (out: T)", *_ATTRS, shape=unchanged)


@CUMPROD.kernel
def cumprod_kernel(x: Any, axis: Any, *, exclusive: bool, reverse: bool) -> Any:
    return _cumulate(np.multiply, 1, x, axis, exclusive, reverse)


@CUMPROD.gradient
def cumprod_gradient(op: Operation, grad: Tensor) -> Any:
    # As in TensorFlow, a factor of zero gets zero, though the product of the others may not be.
    x, axis = op.inputs
    exclusive, reverse = op._attrs["exclusive"], op._attrs["reverse"]
    weighted = MUL(conj(op.outputs[0]), grad)
    total = CUMSUM(weighted, axis, exclusive=exclusive, reverse=not reverse)
    return DIV_NO_NAN(total, conj(x)), None


def cumprod(
    x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None
) -> Tensor:
    """The running product along an axis: `[a, a * b, a * b * c]` (mirrors `tf.cumprod`).

    Args:
      x: a tensor of a numeric dtype.
      axis: the axis; a negative one counts from the end.
      exclusive: whether an element is left out of its own product: `[1, a, a * b]`.
      reverse: whether to run from the end: `[a * b * c, b * c, c]`.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype. Its gradient counts as 0 where `x` is 0.

    Raises:
      tf.errors.InvalidArgumentError: if the axis is out of range.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.cumprod([1, 2, 3])), sess.run(tf.cumprod([1, 2, 3], reverse=True)))
    [1 2 6] [6 6 3]
    """
    result: Tensor = CUMPROD(x, axis, exclusive=exclusive, reverse=reverse, name=name)
    return result
