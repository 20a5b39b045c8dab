"""With this module one can take means and variances over any axes."""

from __future__ import annotations

from typing import Any

from minitf.framework import dtypes
from minitf.framework.convert import convert_to_tensor
from minitf.framework.scopes import name_scope
from minitf.framework.tensor import Tensor
from minitf.ops import array_ops, math_ops
from minitf.ops.array_ops.shape_ops import one_of
from minitf.ops.constant_op import constant


def moments(
    x: Any,
    axes: Any,
    shift: Any = None,
    name: str | None = None,
    keep_dims: bool | None = None,
    keepdims: bool | None = None,
) -> tuple[Tensor, Tensor]:
    """The mean and the variance of the elements along some axes (mirrors `tf.nn.moments`).

    For batch normalization of images take the axes [0, 1, 2]; of vectors, [0].

    Args:
      x: a tensor of a number type; float16 is computed in float32, but not that of a variable.
      axes: an int or a list of ints: the dims to average over.
      shift: accepted, without effect.
      name: the scope's name.
      keep_dims: an older name of `keepdims`.
      keepdims: whether the dims stay, with size 1.

    Returns:
      (mean, variance), of the dtype of `x`. The variance is the mean squared distance from the
      mean, not the unbiased estimate.

    >>> import minitf as tf
    >>> mean, variance = tf.nn.moments(tf.constant([[1.0, 2.0], [3.0, 6.0]]), [0])
    >>> with tf.Session() as sess:
    ...     print(*sess.run([mean, variance]))
    [2. 4.] [1. 4.]
    """
    keep = bool(one_of("keepdims", keepdims, "keep_dims", keep_dims))
    with name_scope(name, "moments", [x, axes]):
        dtype = getattr(x, "dtype", None)
        # As in TensorFlow, of tensors only: the dtype of a variable is that of a reference.
        is_half = dtype is not None and dtypes.as_dtype(dtype) is dtypes.float16
        y = math_ops.cast(x, dtypes.float32) if is_half else x
        mean = math_ops.reduce_mean(y, axes, keepdims=True, name="mean")
        # The mean's own gradient cancels out of the variance's: sum(x - mean) is 0.
        distance = math_ops.squared_difference(y, array_ops.stop_gradient(mean))
        variance = math_ops.reduce_mean(distance, axes, keepdims=True, name="variance")
        return _as_asked(mean, variance, axes, keep, is_half)


def _as_asked(
    mean: Tensor, variance: Tensor, axes: Any, keep: bool, is_half: bool
) -> tuple[Tensor, Tensor]:
    """Both without the axes, unless they are to be kept, and as float16 where that was given."""
    if not keep:
        mean, variance = array_ops.squeeze(mean, axes), array_ops.squeeze(variance, axes)
    if is_half:
        mean = math_ops.cast(mean, dtypes.float16)
        variance = math_ops.cast(variance, dtypes.float16)
    return mean, variance


def weighted_moments(
    x: Any,
    axes: Any,
    frequency_weights: Any,
    name: str | None = None,
    keep_dims: bool | None = None,
    keepdims: bool | None = None,
) -> tuple[Tensor, Tensor]:
    """The mean and variance of elements that count differently (mirrors `tf.nn.weighted_moments`).

    Args:
      x: a tensor of a number type.
      axes: an int or a list of ints: the dims to average over.
      frequency_weights: how often each element counts; broadcasts against `x`.
      name: the scope's name.
      keep_dims: an older name of `keepdims`.
      keepdims: whether the dims stay, with size 1.

    Returns:
      (mean, variance); 0 where all weights are.

    >>> import minitf as tf
    >>> mean, variance = tf.nn.weighted_moments([1.0, 5.0], [0], [3.0, 1.0])
    >>> with tf.Session() as sess:
    ...     print(*sess.run([mean, variance]))
    2.0 3.0
    """
    keep = bool(one_of("keepdims", keepdims, "keep_dims", keep_dims))
    with name_scope(name, "weighted_moments", [x, frequency_weights, axes]):
        x = convert_to_tensor(x, name="x")
        weights = convert_to_tensor(frequency_weights, name="frequency_weights")
        is_half = x.dtype.base_dtype is dtypes.float16
        if is_half:
            x = math_ops.cast(x, dtypes.float32)
        weights = math_ops.cast(weights, x.dtype)
        total = math_ops.reduce_sum(weights * x, axes, keepdims=True, name="weighted_input_sum")
        weight = math_ops.reduce_sum(
            weights + array_ops.zeros_like(x), axes, keepdims=True, name="sum_of_weights"
        )
        mean = math_ops.div_no_nan(total, weight)
        distance = math_ops.squared_difference(x, mean)
        spread = math_ops.reduce_sum(
            math_ops.multiply(weights, distance, name="mul"),
            axes,
            keepdims=True,
            name="weighted_distsq",
        )
        variance = math_ops.div_no_nan(spread, weight)
        return _as_asked(mean, variance, axes, keep, is_half)


def sufficient_statistics(
    x: Any,
    axes: Any,
    shift: Any = None,
    keep_dims: bool | None = None,
    name: str | None = None,
    keepdims: bool | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """What mean and variance can be computed from, piece by piece.

    Mirrors `tf.nn.sufficient_statistics`; `tf.nn.normalize_moments` takes the result.

    Args:
      x: a tensor of a floating dtype.
      axes: a list of ints: the dims to sum over.
      shift: a number near the mean, for precision; none if None.
      keep_dims: an older name of `keepdims`.
      name: the scope's name.
      keepdims: whether the dims stay, with size 1.

    Returns:
      (count, sum of x - shift, sum of (x - shift) ** 2, shift).

    >>> import minitf as tf
    >>> statistics = tf.nn.sufficient_statistics(tf.constant([1.0, 3.0]), [0])
    >>> with tf.Session() as sess:
    ...     print(*sess.run(statistics[:3]))
    2.0 4.0 10.0
    """
    keep = bool(one_of("keepdims", keepdims, "keep_dims", keep_dims))
    axes = list(dict.fromkeys(axes))
    with name_scope(name, "sufficient_statistics", [x, shift]):
        x = convert_to_tensor(x, name="x")
        count = _count(x, axes)
        if shift is None:
            values, squares = x, math_ops.square(x)
        else:
            shift = convert_to_tensor(shift, dtype=x.dtype.base_dtype, name="shift")
            values = math_ops.subtract(x, shift)
            squares = math_ops.squared_difference(x, shift)
        total = math_ops.reduce_sum(values, axes, keepdims=keep, name="mean_ss")
        return count, total, math_ops.reduce_sum(squares, axes, keepdims=keep, name="var_ss"), shift


def _count(x: Tensor, axes: list[int]) -> Tensor:
    """How many elements are summed to one."""
    dims = x.shape._dims
    if dims is not None:
        known = [dims[axis] for axis in axes]
        if None not in known:
            count = 1
            for size in known:
                count *= size or 0
            return constant(count, dtype=x.dtype)
    rank = array_ops.rank(x)
    positive = [axis + rank if axis < 0 else axis for axis in axes]
    sizes = array_ops.gather(math_ops.cast(array_ops.shape(x), x.dtype), positive)
    return math_ops.reduce_prod(sizes, name="count")


def normalize_moments(
    counts: Any, mean_ss: Any, variance_ss: Any, shift: Any, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """The mean and variance from sufficient statistics (mirrors `tf.nn.normalize_moments`).

    Args:
      counts, mean_ss, variance_ss, shift: as `tf.nn.sufficient_statistics` gives them, perhaps
        summed over several batches.
      name: the scope's name.

    Returns:
      (mean, variance).

    >>> import minitf as tf
    >>> mean, variance = tf.nn.normalize_moments(2.0, 4.0, 10.0, None)
    >>> with tf.Session() as sess:
    ...     print(*sess.run([mean, variance]))
    2.0 1.0
    """
    with name_scope(name, "normalize", [counts, mean_ss, variance_ss, shift]):
        divisor = math_ops.reciprocal(counts, name="divisor")
        if shift is not None:
            shifted = math_ops.multiply(mean_ss, divisor, name="shifted_mean")
            mean = math_ops.add(shifted, shift, name="mean")
        else:
            shifted = mean = math_ops.multiply(mean_ss, divisor, name="mean")
        variance = math_ops.subtract(
            math_ops.multiply(variance_ss, divisor), math_ops.square(shifted), name="variance"
        )
        return mean, variance
