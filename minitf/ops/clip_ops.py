"""With this module one can keep values, and the lengths of gradients, within limits."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.op_def import op_def, unchanged
from minitf.framework.operation import Operation
from minitf.framework.scopes import colocate_with, name_scope
from minitf.framework.tensor import IndexedSlices, Tensor
from minitf.ops import array_ops, constant_op, math_ops

# ---- ClipByValue

CLIP_BY_VALUE = op_def(
    "ClipByValue(t: T, clip_value_min: T, clip_value_max: T) -> (output: T)",
    "T: number",
    elementwise=True,
    shape=unchanged,
)


@CLIP_BY_VALUE.kernel
def clip_by_value_kernel(t: Any, clip_value_min: Any, clip_value_max: Any) -> Any:
    return np.maximum(np.minimum(t, clip_value_max), clip_value_min)


@CLIP_BY_VALUE.gradient
def clip_by_value_gradient(op: Operation, grad: Tensor) -> Any:
    x, low, high = op.inputs
    zeros = array_ops.zeros_like(grad)
    below, above = math_ops.less(x, low), math_ops.greater(x, high)
    inside = array_ops.where_v2(math_ops.logical_or(below, above), zeros, grad)
    by_low = math_ops.unbroadcast(array_ops.where_v2(below, grad, zeros), low, x, high)
    by_high = math_ops.unbroadcast(array_ops.where_v2(above, grad, zeros), high, x, low)
    return inside, by_low, by_high


def _values_of(t: Any, name: str) -> Any:
    """The rows of `IndexedSlices`, or the tensor itself."""
    return convert_to_tensor(t.values if isinstance(t, IndexedSlices) else t, name=name)


def _like(t: Any, values: Tensor) -> Any:
    """What `t` is, with other values."""
    if isinstance(t, IndexedSlices):
        return IndexedSlices(values, t.indices, t.dense_shape)
    return values


def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any, name: str | None = None) -> Any:
    """The values of a tensor, brought into a range (mirrors `tf.clip_by_value`).

    Args:
      t: a tensor of a real dtype, or `IndexedSlices`, of which the rows are clipped.
      clip_value_min, clip_value_max: the range: of the same dtype, with broadcasting to the
        shape of `t`.
      name: the scope of the nodes.

    Returns:
      What `t` is, of the same shape and dtype. Nothing flows back where a value was clipped.

    Raises:
      ValueError: if a limit is larger than `t`.
      TypeError: if the dtypes differ.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.clip_by_value([-3.0, 0.5, 9.0], 0.0, 1.0))
    array([0. , 0.5, 1. ], dtype=float32)
    """
    with name_scope(name, "clip_by_value", [t, clip_value_min, clip_value_max]) as scope:
        values = _values_of(t, "t")
        below = math_ops.minimum(values, clip_value_max)
        values.shape.assert_is_compatible_with(below.shape)
        result = math_ops.maximum(below, clip_value_min, name=scope)
        values.shape.assert_is_compatible_with(result.shape)
        return _like(t, result)


def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: str | None = None) -> Any:
    """A tensor, shortened to a given L2 norm if it is longer (mirrors `tf.clip_by_norm`).

    `t * clip_norm / max(norm(t), clip_norm)`

    Args:
      t: a tensor of a floating dtype, or `IndexedSlices`.
      clip_norm: the largest norm, a positive scalar.
      axes: the axes over which the norm is taken; all if None.
      name: the scope of the nodes.

    Returns:
      What `t` is, of the same shape and dtype.

    Raises:
      TypeError: if the dtype is not floating.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.clip_by_norm([3.0, 4.0], 2.5))
    array([1.5, 2. ], dtype=float32)
    """
    with name_scope(name, "clip_by_norm", [t, clip_norm]) as scope:
        values = _values_of(t, "t")
        if isinstance(clip_norm, (int, float, np.number)):
            clip_norm = max(clip_norm, 0)
        else:
            clip_norm = math_ops.maximum(clip_norm, 0)
        squares = math_ops.reduce_sum(values * values, axes, keepdims=True)
        # At 0 the root has no slope: it is taken of 1 there, and its value is put in afterwards.
        positive = squares > 0
        safe = array_ops.where(positive, squares, array_ops.ones_like(squares))
        length = array_ops.where(positive, math_ops.sqrt(safe), squares)
        scaled = values * clip_norm
        values.shape.assert_is_compatible_with(scaled.shape)
        clipped = array_ops.identity(scaled / math_ops.maximum(length, clip_norm), name=scope)
        return _like(t, clipped)


def clip_by_average_norm(t: Any, clip_norm: Any, name: str | None = None) -> Tensor:
    """A tensor, shortened to a given norm per element (mirrors `tf.clip_by_average_norm`).

    `t * clip_norm * min(size(t) / norm(t), 1 / clip_norm)`

    Args:
      t: a tensor of dtype float32; TensorFlow's function takes no other.
      clip_norm: the largest average norm, a positive scalar.
      name: the scope of the nodes.

    Returns:
      A tensor of the same shape and dtype.

    Raises:
      TypeError: if the dtype is not float32.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.clip_by_average_norm([3.0, 4.0], 1.0))
    array([1.2, 1.6], dtype=float32)
    """
    with name_scope(name, "clip_by_average_norm", [t, clip_norm]) as scope:
        t = convert_to_tensor(t, name="t")
        elements = math_ops.cast(array_ops.size(t), "float32")
        squares = math_ops.reduce_sum(t * t, math_ops.range(array_ops.rank(t)))
        inverse = math_ops.rsqrt(squares)
        scaled = t * clip_norm
        ratio = math_ops.minimum(
            inverse * elements, constant_op.constant(1.0, t.dtype.base_dtype) / clip_norm
        )
        return array_ops.identity(scaled * ratio, name=scope)


def global_norm(t_list: Any, name: str | None = None) -> Tensor:
    """The L2 norm of several tensors as one vector (mirrors `tf.global_norm`).

    Args:
      t_list: a list of tensors, `IndexedSlices`, and None, which counts as nothing.
      name: the scope of the nodes.

    Returns:
      A scalar.

    Raises:
      TypeError: if `t_list` is not a list.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.global_norm([tf.constant([3.0, 0.0]), None, tf.constant([4.0])])))
    5.0
    """
    from minitf.ops import nn_ops

    t_list = _checked_list(t_list)
    with name_scope(name, "global_norm", t_list):
        tensors = _tensors_of(t_list)
        halves = []
        for tensor in tensors:
            if tensor is not None:
                with colocate_with(tensor):
                    halves.append(nn_ops.l2_loss(tensor))
        half = math_ops.reduce_sum(array_ops.stack(halves))
        two = constant_op.constant(2.0, half.dtype.base_dtype)
        return math_ops.sqrt(half * two, name="global_norm")


def _checked_list(t_list: Any) -> list[Any]:
    if isinstance(t_list, (Tensor, str, bytes)) or not hasattr(t_list, "__iter__"):
        raise errors.type_error(
            f"`t_list` should be a sequence of tensors. Received {type(t_list)}."
        )
    return list(t_list)


def _tensors_of(t_list: list[Any]) -> list[Any]:
    return [None if t is None else _values_of(t, f"t_{i}") for i, t in enumerate(t_list)]


def clip_by_global_norm(
    t_list: Any, clip_norm: Any, use_norm: Any = None, name: str | None = None
) -> tuple[list[Any], Tensor]:
    """Tensors, shortened together until their joint norm fits (mirrors `tf.clip_by_global_norm`).

    Each becomes `t * clip_norm / max(global_norm, clip_norm)`, so that their proportions stay.

    Args:
      t_list: a list of tensors, `IndexedSlices`, and None, which stays None.
      clip_norm: the largest norm, a positive scalar.
      use_norm: the norm, if it is known already.
      name: the scope of the nodes.

    Returns:
      The list of what `t_list` holds, clipped, and the norm. If the norm is inf or nan, so that no
      factor would do, all of them become nan.

    Raises:
      TypeError: if `t_list` is not a list.

    >>> import minitf as tf
    >>> clipped, norm = tf.clip_by_global_norm([tf.constant([3.0]), tf.constant([4.0])], 2.5)
    >>> with tf.Session() as sess:
    ...     print(*sess.run(clipped), sess.run(norm))
    [1.5] [2.] 5.0
    """
    t_list = _checked_list(t_list)
    if use_norm is None:
        use_norm = global_norm(t_list, name)
    with name_scope(name, "clip_by_global_norm", [*t_list, clip_norm]) as scope:
        inverse = 1.0 / use_norm
        one = constant_op.constant(1.0, use_norm.dtype.base_dtype)
        scale = clip_norm * math_ops.minimum(inverse, one / clip_norm)
        # This adds 0, or nan if the norm is inf or nan.
        scale = scale + (use_norm - use_norm)
        clipped: list[Any] = []
        for i, (t, values) in enumerate(zip(t_list, _tensors_of(t_list), strict=True)):
            if values is None:
                clipped.append(None)
                continue
            with colocate_with(values):
                shorter = array_ops.identity(values * scale, name=f"{scope}_{i}")
            clipped.append(_like(t, shorter))
        return clipped, use_norm
