"""With this module one can make tensors larger: pad their borders, mirror them, repeat them."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import errors
from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.static_value import static_shape_value, static_value
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, shape_of_dims, unknown_shape
from minitf.ops import math_ops
from minitf.ops.array_ops.concat_ops import stack
from minitf.ops.array_ops.shape_ops import reshape, shape
from minitf.ops.array_ops.slice_ops import SLICE
from minitf.ops.array_ops.transpose_ops import transpose

# ---- Pad

PAD = op_def(
    "Pad(input: T, paddings: Tpaddings) -> (output: T)",
    "T: type",
    "Tpaddings: {int32, int64} = int32",
)


@PAD.shape
def pad_shape(op: Operation) -> list[TensorShape]:
    return [_padded_shape(op, 1)]


def _padded_shape(op: Operation, sign: int) -> TensorShape:
    """The shape with the paddings added (sign 1) or taken away (sign -1)."""
    dims, paddings = op.inputs[0].shape._dims, op.inputs[1]
    if paddings.shape.ndims not in (None, 2):
        raise ValueError(f"Shape must be rank 2 but is rank {paddings.shape.ndims}")
    rows, columns = paddings.shape._dims or (None, None)
    if columns not in (None, 2):
        raise ValueError(f"Dimension must be 2 but is {columns}")
    if dims is None:
        return unknown_shape(rows)
    if rows not in (None, len(dims)):
        raise ValueError(f"Shape must be rank {rows} but is rank {len(dims)}")
    sums = [None if row is None else sum(row) for row in _known_rows(paddings, len(dims))]
    return shape_of_dims(
        tuple(None if d is None or s is None else d + sign * s for d, s in zip(dims, sums))
    )


def _known_rows(paddings: Tensor, rank: int) -> list[list[int] | None]:
    """The paddings of each dim as far as they are known, also `[[1, 1], [0, some_tensor]]`."""
    value = static_value(paddings)
    if value is not None:
        return [list(row) for row in _checked_paddings(value, rank).tolist()]
    if paddings.op.type != "Pack" or paddings.op.get_attr("axis") != 0:
        return [None] * rank
    rows = [static_value(row) for row in paddings.op.inputs]
    return [None if row is None else row.tolist() for row in rows]


def _checked_paddings(paddings: Any, rank: int) -> Any:
    if np.shape(paddings) != (rank, 2):
        raise ValueError(
            f"The first dimension of paddings must be the rank of inputs {[rank, 2]}, got "
            f"{list(np.shape(paddings))}"
        )
    if np.size(paddings) and np.min(paddings) < 0:
        before, after = next(row for row in paddings.tolist() if min(row) < 0)
        raise ValueError(f"Paddings must be non-negative: {before} {after}")
    return paddings


@PAD.kernel
def pad_kernel(input: Any, paddings: Any) -> Any:
    return _padded(input, paddings, b"" if input.dtype == object else 0)


def _padded(input: Any, paddings: Any, value: Any) -> Any:
    paddings = _checked_paddings(paddings, np.ndim(input)).tolist()
    dims = [d + before + after for d, (before, after) in zip(np.shape(input), paddings)]
    result = np.full(dims, value, input.dtype)
    inside = tuple(slice(b, b + d) for d, (b, _) in zip(np.shape(input), paddings))
    result[inside] = input
    return result


@PAD.gradient
def pad_gradient(op: Operation, grad: Tensor) -> Any:
    return _unpadded(op, grad), None


def _unpadded(op: Operation, grad: Tensor) -> Tensor:
    """The part of the gradient that belongs to the input: what lies inside the padding."""
    given, paddings = op.inputs[:2]
    begin = reshape(SLICE(paddings, [0, 0], [-1, 1]), [-1])
    result: Tensor = SLICE(grad, begin, shape(given, out_type=begin.dtype))
    return result


# ---- PadV2

PAD_V2 = op_def(
    "PadV2(input: T, paddings: Tpaddings, constant_values: T) -> (output: T)",
    "T: type",
    "Tpaddings: {int32, int64} = int32",
    shape=pad_shape,
)


@PAD_V2.kernel
def pad_v2_kernel(input: Any, paddings: Any, constant_values: Any) -> Any:
    if np.ndim(constant_values):
        raise ValueError(
            f"constant_values must be a scalar, not of shape {list(np.shape(constant_values))}"
        )
    return _padded(input, paddings, constant_values)


@PAD_V2.gradient
def pad_v2_gradient(op: Operation, grad: Tensor) -> Any:
    # As in TensorFlow, the constant gets no gradient.
    return _unpadded(op, grad), None, None


# ---- MirrorPad

MIRROR_PAD = op_def(
    "MirrorPad(input: T, paddings: Tpaddings) -> (output: T)",
    "T: type",
    "Tpaddings: {int32, int64} = int32",
    'mode: {"REFLECT", "SYMMETRIC"}',
    shape=pad_shape,
)


def _mirror_steps(
    dims: tuple[int, ...], paddings: Any, mode: str
) -> list[tuple[int, list[int], int, int]]:
    """For each dim `(axis, source of each padded element, before, size)`.

    Raises:
      ValueError: if more is asked for than there is to mirror.
    """
    skip = 1 if mode == "REFLECT" else 0  # whether the border itself is left out
    steps = []
    for axis, (before, after) in enumerate(_checked_paddings(paddings, len(dims)).tolist()):
        n = dims[axis]
        if max(before, after) > n - skip:
            limit = "less than" if skip else "no greater than"
            raise ValueError(
                f"paddings must be {limit} the dimension size: {before}, {after} not {limit} {n}"
            )
        left = [before + skip - 1 - i for i in range(before)]
        right = [n - skip - 1 - i for i in range(after)]
        steps.append((axis, left + list(range(n)) + right, before, n))
    return steps


@MIRROR_PAD.kernel
def mirror_pad_kernel(input: Any, paddings: Any, *, mode: str) -> Any:
    result = input.copy()
    for axis, source, _, _ in _mirror_steps(np.shape(input), paddings, mode):
        result = np.take(result, source, axis)
    return result


@MIRROR_PAD.gradient
def mirror_pad_gradient(op: Operation, grad: Tensor) -> Any:
    return MIRROR_PAD_GRAD(grad, op.inputs[1], mode=op._attrs["mode"]), None


# ---- MirrorPadGrad

MIRROR_PAD_GRAD = op_def(
    "MirrorPadGrad(input: T, paddings: Tpaddings) -> (output: T)",
    "T: type",
    "Tpaddings: {int32, int64} = int32",
    'mode: {"REFLECT", "SYMMETRIC"}',
)


@MIRROR_PAD_GRAD.shape
def mirror_pad_grad_shape(op: Operation) -> list[TensorShape]:
    return [_padded_shape(op, -1)]


@MIRROR_PAD_GRAD.kernel
def mirror_pad_grad_kernel(input: Any, paddings: Any, *, mode: str) -> Any:
    sums = _checked_paddings(paddings, np.ndim(input)).sum(axis=1)
    dims = tuple(int(d) for d in np.shape(input) - sums)
    result = input.copy()
    for axis, source, before, n in _mirror_steps(dims, paddings, mode):
        folded = np.moveaxis(result, axis, 0)
        inside = folded[before : before + n].copy()
        for i, at in enumerate(source):
            if not before <= i < before + n:
                inside[at] += folded[i]
        result = np.moveaxis(inside, 0, axis)
    return result.copy()


@MIRROR_PAD_GRAD.gradient
def mirror_pad_grad_gradient(op: Operation, grad: Tensor) -> Any:
    return MIRROR_PAD(grad, op.inputs[1], mode=op._attrs["mode"]), None


def pad(
    tensor: Any,
    paddings: Any,
    mode: str = "CONSTANT",
    name: str | None = None,
    constant_values: Any = 0,
) -> Tensor:
    """The tensor with a border around it (mirrors `tf.pad`).

    Args:
      tensor: a tensor of any dtype and shape.
      paddings: an integer tensor of shape `[rank, 2]`: how much to add before and after each dim.
      mode: "CONSTANT" fills with `constant_values`; "REFLECT" mirrors at the border, without the
        border itself; "SYMMETRIC" mirrors with the border.
      name: the node's name.
      constant_values: the scalar that "CONSTANT" fills with.

    Raises:
      ValueError: if the mode is none of these, or the paddings do not fit the rank.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.pad([[1, 2, 3]], [[0, 1], [1, 1]])))
    ...     print(sess.run(tf.pad([1, 2, 3], [[2, 2]], "REFLECT")))
    [[0 1 2 3 0]
     [0 0 0 0 0]]
    [3 2 1 2 3 2 1]
    """
    kind = mode.upper()
    if kind in ("REFLECT", "SYMMETRIC"):
        mirrored: Tensor = MIRROR_PAD(tensor, paddings, mode=kind, name=name)
        return mirrored
    if kind != "CONSTANT":
        raise errors.value_error(
            'Value of argument `mode` expected to be one of "CONSTANT", "REFLECT", or '
            f'"SYMMETRIC". Received `mode` = {mode}'
        )
    if isinstance(constant_values, Tensor) or np.any(constant_values != 0):
        result: Tensor = PAD_V2(tensor, paddings, constant_values, name=name)
        return result
    result = PAD(tensor, paddings, name=name)
    return result


# ---- Tile

TILE = op_def(
    "Tile(input: T, multiples: Tmultiples) -> (output: T)",
    "T: type",
    "Tmultiples: {int32, int64} = int32",
)


@TILE.shape
def tile_shape(op: Operation) -> list[TensorShape]:
    given, multiples = op.inputs
    if multiples.shape.ndims not in (None, 1):
        raise ValueError(f"Shape must be rank 1 but is rank {multiples.shape.ndims}")
    times = static_shape_value(multiples)._dims
    dims = given.shape._dims
    if dims is None and times is not None:
        dims = (None,) * len(times)
    if times is None and dims is not None:
        times = (None,) * len(dims)
    if dims is None or times is None:
        return [unknown_shape()]
    if len(dims) != len(times):
        raise ValueError(f"Shape must be rank {len(dims)} but is rank {len(times)}")
    return [shape_of_dims(tuple(map(_product, dims, times)))]


def _product(dim: int | None, times: int | None) -> int | None:
    if dim == 0 or times == 0:
        return 0
    return None if dim is None or times is None else dim * times


@TILE.kernel
def tile_kernel(input: Any, multiples: Any) -> Any:
    if np.shape(multiples) != (np.ndim(input),):
        raise ValueError(
            f"Expected multiples argument to be a vector of length {np.ndim(input)} but got "
            f"length {np.size(multiples)}"
        )
    for i, times in enumerate(multiples.tolist()):
        if times < 0:
            raise ValueError(f"Expected multiples[{i}] >= 0, but got {times}")
    return np.tile(input, multiples.tolist())


@TILE.gradient
def tile_gradient(op: Operation, grad: Tensor) -> Any:
    # (m0 d0, m1 d1) -> (m0, d0, m1, d1): the sum over the m is what each copy contributed.
    given, multiples = op.inputs
    sizes = shape(given, out_type=multiples.dtype)
    split_shape = reshape(transpose(stack([multiples, sizes])), [-1])
    axes = math_ops.range(0, 2 * math_ops.cast(shape(multiples)[0], "int32"), 2)
    return math_ops.reduce_sum(reshape(grad, split_shape), axes), None


def tile(input: Any, multiples: Any, name: str | None = None) -> Tensor:
    """The tensor repeated along each dim (mirrors `tf.tile`).

    Args:
      input: a tensor of any dtype and shape.
      multiples: an integer vector: how often to repeat each dim.
      name: the node's name.

    Returns:
      A tensor whose size in dim `i` is `input.shape[i] * multiples[i]`.

    Raises:
      ValueError: if there is not one multiple per dim.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.tile([[1, 2]], [2, 2])))
    [[1 2 1 2]
     [1 2 1 2]]
    """
    result: Tensor = TILE(input, multiples, name=name)
    return result
