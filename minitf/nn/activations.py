"""With this module one can use the activations that are composed of several ops."""

from __future__ import annotations

from typing import Any

from minitf.framework import errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.op_def import OpDef
from minitf.framework.scopes import name_scope
from minitf.framework.tensor import Tensor
from minitf.ops import array_ops, math_ops, nn_ops
from minitf.ops.array_ops.shape_ops import one_of


def softmax(logits: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Tensor:
    """Scores as probabilities: `exp(logits) / sum(exp(logits))` (mirrors `tf.nn.softmax`).

    Args:
      logits: a tensor of a floating dtype, of at least one dim.
      axis: the dim along which the result sums to 1; the last if None.
      name: the node's name.
      dim: an older name of `axis`.

    Returns:
      A tensor of the same shape and dtype.

    Raises:
      TypeError: if `logits` is not of a floating dtype.
      tf.errors.InvalidArgumentError: if there is no such axis.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.nn.softmax([0.0, 0.0, 1000.0, 1000.0]))
    array([0. , 0. , 0.5, 0.5], dtype=float32)
    """
    axis = one_of("axis", axis, "dim", dim)
    return _along_axis(nn_ops.SOFTMAX, logits, axis, name)


def log_softmax(logits: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Tensor:
    """The logarithm of the softmax: `logits - log(sum(exp(logits)))` (mirrors `tf.nn.log_softmax`).

    It is exact where the probabilities themselves would underflow.

    Args:
      logits: a tensor of a floating dtype, of at least one dim.
      axis: the dim along which the probabilities sum to 1; the last if None.
      name: the node's name.
      dim: an older name of `axis`.

    Returns:
      A tensor of the same shape and dtype.

    Raises:
      TypeError: if `logits` is not of a floating dtype.
      tf.errors.InvalidArgumentError: if there is no such axis.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.nn.log_softmax([0.0, 1000.0]))
    array([-1000.,     0.], dtype=float32)
    """
    axis = one_of("axis", axis, "dim", dim)
    return _along_axis(nn_ops.LOG_SOFTMAX, logits, axis, name)


def _along_axis(op_def: OpDef, logits: Any, axis: Any, name: str | None) -> Tensor:
    """Applies an op of the last dim along any one: the two change places before and after."""
    logits = convert_to_tensor(logits)
    ndims = logits.shape.ndims
    axis = -1 if axis is None else axis
    if isinstance(axis, int):
        if axis == -1 or axis + 1 == ndims:
            result: Tensor = op_def(logits, name=name)
            return result
        if ndims is not None and not -ndims <= axis < ndims:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"`dim` must be in the range [{-ndims}, {ndims}) where {ndims} is the number of "
                f"dimensions in the input. Received: dim={axis}",
            )
    rank = array_ops.rank(logits)
    if ndims is None and isinstance(axis, int):
        # TensorFlow refuses this; the axis may turn out to be the last one.
        perm = _exchange(axis % rank, rank)
        swapped = op_def(array_ops.transpose(logits, perm))
        return array_ops.transpose(swapped, perm, name=name or "transpose")
    if isinstance(axis, Tensor):
        axis = array_ops.where(math_ops.less(axis, 0), axis + rank, axis)
    elif axis < 0:
        axis = axis + rank
    rank = array_ops.rank(logits)
    axis = axis % (rank if ndims is None else ndims)
    swapped = op_def(_swap_with_last(logits, axis, rank))
    return _swap_with_last(swapped, axis, rank, name=name)


def _exchange(axis: Tensor, rank: Tensor) -> Tensor:
    """All axes in order, but with one and the last in each other's places."""
    axes, last = math_ops.range(rank), rank - 1
    there = array_ops.where(math_ops.equal(axes, axis), axes * 0 + last, axes)
    both: Tensor = array_ops.where(math_ops.equal(axes, last), axes * 0 + axis, there)
    return both


def _swap_with_last(tensor: Tensor, axis: Any, rank: Tensor, name: str | None = None) -> Tensor:
    last = math_ops.subtract(rank, 1)
    before, between = math_ops.range(axis), math_ops.range(axis + 1, last)
    perm = array_ops.concat([before, [last], between, [axis]], 0)
    return array_ops.transpose(tensor, perm, name=name or "transpose")


def swish(features: Any, beta: Any = 1.0) -> Tensor:
    """A smooth relu that dips below zero: `features * sigmoid(beta * features)`.

    Mirrors `tf.nn.swish` and `tf.nn.silu`.

    Args:
      features: a tensor of a floating dtype.
      beta: how sharp the bend is.

    Returns:
      A tensor of the same shape and dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.nn.swish([-1.0, 0.0, 10.0]))
    array([-0.2689414,  0.       ,  9.999546 ], dtype=float32)
    """
    features = convert_to_tensor(features, name="features")
    beta = math_ops.cast(convert_to_tensor(beta, name="beta"), features.dtype.base_dtype)
    result = features * math_ops.sigmoid(beta * features)
    # TensorFlow has these two nodes for a gradient of its own; here the ops' gradients do.
    array_ops.identity(result)
    return array_ops.identity_n([result, features, beta])[0]


silu = swish


def crelu(features: Any, name: str | None = None, axis: int = -1) -> Tensor:
    """Relu of the features and of their negatives, side by side (mirrors `tf.nn.crelu`).

    Args:
      features: a tensor of a real number type.
      name: the node's name.
      axis: the dim along which the two are concatenated; it becomes twice as large.

    Returns:
      A tensor of the same dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.nn.crelu([-1.0, 2.0]))
    array([0., 2., 1., 0.], dtype=float32)
    """
    with name_scope(name, "CRelu", [features]) as scope:
        features = convert_to_tensor(features, name="features")
        both = array_ops.concat([features, -features], axis, name=scope)
        return nn_ops.relu(both)
