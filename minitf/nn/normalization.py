"""With this module one can bring layers to mean 0 and variance 1, or to norm 1."""

from __future__ import annotations

from typing import Any

from minitf.framework.convert import convert_to_tensor
from minitf.framework.scopes import name_scope
from minitf.framework.tensor import Tensor
from minitf.ops import array_ops, math_ops
from minitf.ops.array_ops.shape_ops import one_of


def batch_normalization(
    x: Any,
    mean: Any,
    variance: Any,
    offset: Any,
    scale: Any,
    variance_epsilon: Any,
    name: str | None = None,
) -> Tensor:
    """`scale * (x - mean) / sqrt(variance + epsilon) + offset`.

    Mirrors `tf.nn.batch_normalization`. Take mean and variance from `tf.nn.moments` in training and
    from moving averages otherwise.

    Args:
      x: a tensor of a floating dtype.
      mean, variance: of shapes that broadcast to that of `x`.
      offset: added at the end; nothing if None.
      scale: multiplied before that; nothing if None.
      variance_epsilon: a small number that keeps the divisor from 0.
      name: the scope's name.

    Returns:
      A tensor of the shape and dtype of `x`.

    >>> import minitf as tf
    >>> y = tf.nn.batch_normalization(tf.constant([1.0, 3.0]), 2.0, 1.0, 10.0, None, 0.0)
    >>> with tf.Session() as sess:
    ...     print(sess.run(y))
    [ 9. 11.]
    """
    with name_scope(name, "batchnorm", [x, mean, variance, scale, offset]):
        factor = math_ops.rsqrt(variance + variance_epsilon)
        if scale is not None:
            factor = factor * scale
        scaled = x * math_ops.cast(factor, _dtype_of(x, factor))
        shift = offset - mean * factor if offset is not None else -mean * factor
        result: Tensor = scaled + math_ops.cast(shift, scaled.dtype)
        return result


def _dtype_of(x: Any, factor: Tensor) -> Any:
    return x.dtype if hasattr(x, "dtype") else factor.dtype


def batch_norm_with_global_normalization(
    t: Any = None,
    m: Any = None,
    v: Any = None,
    beta: Any = None,
    gamma: Any = None,
    variance_epsilon: Any = None,
    scale_after_normalization: bool | None = None,
    name: str | None = None,
    input: Any = None,
    mean: Any = None,
    variance: Any = None,
) -> Tensor:
    """An older form of batch normalization of images.

    Mirrors `tf.nn.batch_norm_with_global_normalization`.

    Args:
      t: of shape (batch, height, width, channels).
      m, v: the mean and variance of each channel.
      beta: the offset.
      gamma: the scale; used if `scale_after_normalization`.
      variance_epsilon: a small number that keeps the divisor from 0.
      scale_after_normalization: whether to multiply by gamma.
      name: the scope's name.
      input, mean, variance: other names of `t`, `m` and `v`.

    Returns:
      A tensor of the shape and dtype of `t`.
    """
    t = one_of("t", t, "input", input)
    m = one_of("m", m, "mean", mean)
    v = one_of("v", v, "variance", variance)
    scale = gamma if scale_after_normalization else None
    return batch_normalization(t, m, v, beta, scale, variance_epsilon, name)


def l2_normalize(
    x: Any, axis: Any = None, epsilon: float = 1e-12, name: str | None = None, dim: Any = None
) -> Tensor:
    """Scales vectors to length 1: `x / sqrt(max(sum(x ** 2), epsilon))`.

    Mirrors `tf.nn.l2_normalize` and `tf.math.l2_normalize`.

    Args:
      x: a tensor of a floating dtype.
      axis: an int or a list of ints: the dims that a vector spans; all if None.
      epsilon: a lower bound of the squared length.
      name: the node's name.
      dim: an older name of `axis`.

    Returns:
      A tensor of the shape and dtype of `x`.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.nn.l2_normalize([3.0, 4.0], 0)))
    [0.6 0.8]
    """
    axis = one_of("axis", axis, "dim", dim)
    with name_scope(name, "l2_normalize", [x]) as scope:
        x = convert_to_tensor(x, name="x")
        total = math_ops.reduce_sum(math_ops.square(x), axis, keepdims=True)
        inverse_norm = math_ops.rsqrt(math_ops.maximum(total, epsilon))
        return math_ops.multiply(x, inverse_norm, name=scope)


def zero_fraction(value: Any, name: str | None = None) -> Tensor:
    """The fraction of elements that are 0: how sparse a layer is (mirrors `tf.nn.zero_fraction`).

    Args:
      value: a tensor of a number type.
      name: the scope's name.

    Returns:
      A float32 scalar; nan for an empty tensor.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.nn.zero_fraction([0.0, 1.0, 0.0, 0.0])))
    0.75
    """
    from minitf.ops import cond_ops

    with name_scope(name, "zero_fraction", [value]):
        value = convert_to_tensor(value, name="value")
        size = array_ops.size(value, out_type="int64")
        # Counting in 32 bits is faster where it suffices.
        nonzero = cond_ops.cond(
            size <= _INT32_MAX,
            true_fn=lambda: math_ops.cast(_count_nonzero(value, "int32"), "int64"),
            false_fn=lambda: _count_nonzero(value, "int64"),
        )
        with name_scope("counts_to_fraction"):
            zeros = math_ops.cast(size - nonzero, "float32")
            fraction = zeros / math_ops.cast(size, "float32")
        return array_ops.identity(fraction, "fraction")


_INT32_MAX = 2**31 - 1


def _count_nonzero(value: Tensor, dtype: str) -> Tensor:
    with name_scope("count_nonzero"):
        zero = array_ops.zeros([], dtype=value.dtype)
        nonzero = math_ops.cast(math_ops.not_equal(value, zero), dtype)
        return math_ops.reduce_sum(nonzero, name="nonzero_count")
