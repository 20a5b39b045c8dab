"""With this module one can turn a tensor around: reverse and roll its elements along dims."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.static_value import static_value
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape
from minitf.ops.array_ops.shape_ops import one_of

# ---- ReverseV2

REVERSE_V2 = op_def(
    "ReverseV2(tensor: T, axis: Tidx) -> (output: T)", "Tidx: {int32, int64} = int32", "T: type"
)


@REVERSE_V2.shape
def reverse_shape(op: Operation) -> list[TensorShape]:
    given, axes = op.inputs
    if axes.shape.ndims not in (None, 1):
        raise ValueError(f"Shape must be rank 1 but is rank {axes.shape.ndims}")
    value = static_value(axes)
    if value is not None and given.shape.ndims is not None:
        _reversed_axes(value, given.shape.ndims)
    return [given.shape]


def _reversed_axes(axes: Any, rank: int) -> list[int]:
    result: list[int] = []
    for i, axis in enumerate(axes.tolist()):
        if not -rank <= axis < rank:
            raise ValueError(f"'axis'[{i}] = {axis} is out of valid range [0, {rank - 1}]")
        if axis % rank in result:
            raise ValueError(f"axis {axis % rank} specified more than once.")
        result.append(axis % rank)
    return result


@REVERSE_V2.kernel
def reverse_kernel(tensor: Any, axis: Any) -> Any:
    turned = np.flip(tensor, tuple(_reversed_axes(axis, np.ndim(tensor))))
    return np.array(turned, tensor.dtype, order="C")


@REVERSE_V2.gradient
def reverse_gradient(op: Operation, grad: Tensor) -> Any:
    return REVERSE_V2(grad, op.inputs[1]), None


def reverse(tensor: Any, axis: Any, name: str | None = None) -> Tensor:
    """The elements in reverse order along some dims (mirrors `tf.reverse`).

    Args:
      tensor: a tensor.
      axis: an integer vector of dims; negative ones count from the end.
      name: the node's name.

    Raises:
      ValueError: if a dim does not exist or is named twice.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.reverse([[1, 2], [3, 4]], [1])))
    [[2 1]
     [4 3]]
    """
    result: Tensor = REVERSE_V2(tensor, axis, name=name)
    return result


# ---- ReverseSequence

REVERSE_SEQUENCE = op_def(
    "ReverseSequence(input: T, seq_lengths: Tlen) -> (output: T)",
    "seq_dim: int",
    "batch_dim: int = 0",
    "T: type",
    "Tlen: {int32, int64} = int64",
)


@REVERSE_SEQUENCE.shape
def reverse_sequence_shape(op: Operation) -> list[TensorShape]:
    given, lengths = op.inputs[0].shape, op.inputs[1].shape
    if lengths.ndims not in (None, 1):
        raise ValueError(f"Shape must be rank 1 but is rank {lengths.ndims}")
    if given._dims is None:
        return [given]
    dims, batch_dim = list(given._dims), op._attrs["batch_dim"]
    for name in ("seq_dim", "batch_dim"):
        if not -len(dims) <= op._attrs[name] < len(dims):
            raise ValueError(f"{name} must be < input rank: {op._attrs[name]} vs. {len(dims)}")
    count = None if lengths._dims is None else lengths._dims[0]
    if count is not None and dims[batch_dim] not in (None, count):
        raise ValueError(f"Dimensions must be equal, but are {dims[batch_dim]} and {count}")
    dims[batch_dim] = count if dims[batch_dim] is None else dims[batch_dim]
    return [TensorShape(dims)]


@REVERSE_SEQUENCE.kernel
def reverse_sequence_kernel(input: Any, seq_lengths: Any, *, seq_dim: int, batch_dim: int) -> Any:
    if len(seq_lengths) != input.shape[batch_dim]:
        raise ValueError(
            f"Length of seq_lengths != input.dims({batch_dim}), ({len(seq_lengths)} vs. "
            f"{input.shape[batch_dim]})"
        )
    result = input.copy()
    rows, turned = (np.moveaxis(x, (batch_dim, seq_dim), (0, 1)) for x in (input, result))
    for i, length in enumerate(seq_lengths.tolist()):
        if not 0 <= length <= rows.shape[1]:
            raise ValueError(
                f"seq_lens({i}) > input.dims({seq_dim}): {length} > {rows.shape[1]}"
                if length > 0
                else f"seq_lens({i}) < 0: {length}"
            )
        turned[i, :length] = rows[i, :length][::-1]
    return result


@REVERSE_SEQUENCE.gradient
def reverse_sequence_gradient(op: Operation, grad: Tensor) -> Any:
    attrs = {name: op._attrs[name] for name in ("seq_dim", "batch_dim")}
    return REVERSE_SEQUENCE(grad, op.inputs[1], **attrs), None


def reverse_sequence(
    input: Any,
    seq_lengths: Any,
    seq_axis: int | None = None,
    batch_axis: int | None = None,
    name: str | None = None,
    seq_dim: int | None = None,
    batch_dim: int | None = None,
) -> Tensor:
    """The first so many elements of each row in reverse order (mirrors `tf.reverse_sequence`).

    Args:
      input: a tensor.
      seq_lengths: an integer vector, a length for each row.
      seq_axis: the dim that is reversed.
      batch_axis: the dim that numbers the rows; 0 if None.
      name: the node's name.
      seq_dim, batch_dim: older names of `seq_axis` and `batch_axis`.

    Raises:
      TypeError: if no `seq_axis` is given.
      ValueError: if a dim does not exist, or there is not one length per row.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.reverse_sequence([[1, 2, 3], [4, 5, 6]], [2, 3], seq_axis=1)))
    [[2 1 3]
     [6 5 4]]
    """
    seq_axis = one_of("seq_axis", seq_axis, "seq_dim", seq_dim)
    batch_axis = one_of("batch_axis", batch_axis, "batch_dim", batch_dim)
    result: Tensor = REVERSE_SEQUENCE(
        input,
        seq_lengths,
        seq_dim=seq_axis,
        batch_dim=0 if batch_axis is None else batch_axis,
        name=name,
    )
    return result


# ---- Roll

ROLL = op_def(
    "Roll(input: T, shift: Tshift, axis: Taxis) -> (output: T)",
    "T: type",
    "Tshift: {int32, int64}",
    "Taxis: {int32, int64}",
)


@ROLL.shape
def roll_shape(op: Operation) -> list[TensorShape]:
    for amounts in op.inputs[1:]:
        amounts.shape.with_rank_at_most(1)
    return [op.inputs[0].shape.with_rank_at_least(1)]


@ROLL.kernel
def roll_kernel(input: Any, shift: Any, axis: Any) -> Any:
    if np.shape(shift) != np.shape(axis):
        raise ValueError(
            f"shift and axis must have the same size, but have {np.size(shift)} and {np.size(axis)}"
        )
    axes = np.ravel(axis).tolist()
    for at in axes:
        if not -np.ndim(input) <= at < np.ndim(input):
            raise ValueError(f"axis {at} is out of range")
    return np.array(np.roll(input, np.ravel(shift).tolist(), axes), order="C")


@ROLL.gradient
def roll_gradient(op: Operation, grad: Tensor) -> Any:
    return ROLL(grad, -op.inputs[1], op.inputs[2]), None, None


def roll(input: Any, shift: Any, axis: Any, name: str | None = None) -> Tensor:
    """The elements moved along dims, those that leave coming in again (mirrors `tf.roll`).

    Args:
      input: a tensor.
      shift: how far, an int or a vector with one number per axis.
      axis: the dims, an int or a vector.
      name: the node's name.

    Raises:
      tf.errors.InvalidArgumentError: if a dim does not exist, when the graph runs.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.roll([0, 1, 2, 3, 4], 2, 0)))
    [3 4 0 1 2]
    """
    result: Tensor = ROLL(input, shift, axis, name=name)
    return result
