"""With this module one can drop units at random while training, so that none relies on another."""

from __future__ import annotations

import numbers
from typing import Any

from minitf.framework import errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.random_seed import get_seed
from minitf.framework.scopes import name_scope
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, as_shape
from minitf.ops import array_ops, math_ops, random_ops
from minitf.ops.constant_op import constant


def dropout(
    x: Any,
    keep_prob: Any = None,
    noise_shape: Any = None,
    seed: int | None = None,
    name: str | None = None,
    rate: Any = None,
) -> Tensor:
    """Sets elements to 0 at random and scales up the others (mirrors `tf.nn.dropout`).

    Each element is kept with probability `keep_prob` and divided by it, so that the expected sum
    stays the same. Nothing is dropped where `keep_prob` is the Python number 1: feed a
    placeholder 1.0 for evaluation.

    Args:
      x: a tensor of a floating dtype.
      keep_prob: the probability to keep an element, a Python number or a scalar tensor.
      noise_shape: the shape of the random decisions, which broadcast to `x`: in the shape
        (batch, 1, 1, channels) whole channels are kept or dropped. None in it stands for the
        size in `x`. The shape of `x` if None.
      seed: makes the decisions repeatable; see `tf.set_random_seed`.
      name: the scope's name.
      rate: `1 - keep_prob`, instead of it.

    Returns:
      A tensor of the shape and dtype of `x`.

    Raises:
      ValueError: if `keep_prob` is not above 0 and at most 1, or `x` is not of a floating dtype.

    >>> import minitf as tf
    >>> y = tf.nn.dropout(tf.ones([6]), keep_prob=0.5, seed=1)
    >>> with tf.Session() as sess:
    ...     print(sess.run(y))
    [0. 2. 0. 0. 2. 0.]
    """
    if keep_prob is not None:
        if rate is not None:
            raise errors.value_error("Cannot specify both 'keep_prob' and 'rate'.")
        rate = _rate_of(keep_prob)
    if rate is None:
        raise errors.value_error(f"`rate` must be provided. Received: rate={rate}")
    with name_scope(name, "dropout", [x]):
        if _is_number(rate) and not 0 <= rate < 1:
            raise errors.value_error(
                "`rate` must be a scalar tensor or a float in the range [0, 1). Received: "
                f"rate={rate}",
                do="keep_prob, the share that is kept, is 1 - rate: more than 0, at most 1.",
            )
        tensor = _floating(convert_to_tensor(x, name="x"))
        if _is_number(rate):
            if rate == 0:
                get_seed(seed)  # as if it were used: the seeds of later ops are TensorFlow's
                return tensor
            scaled = math_ops.multiply(
                tensor, constant(1.0 / (1 - rate), dtype=tensor.dtype), name="Mul"
            )
        else:
            rate = _checked_rate(rate, tensor)
            keep = math_ops.subtract(constant(1, dtype=tensor.dtype), rate, name="Sub")
            scaled = math_ops.realdiv(tensor, keep)
        uniform = random_ops.random_uniform(
            _noise_shape(tensor, noise_shape), seed=seed, dtype=tensor.dtype.base_dtype
        )
        kept = uniform >= rate
        dropped = array_ops.where_v2(kept, scaled, constant(0, dtype=tensor.dtype))
        dropped.set_shape(tensor.shape)
        return dropped


def _floating(x: Tensor) -> Tensor:
    if not x.dtype.is_floating:
        raise errors.value_error(
            "`x.dtype` must be a floating point tensor as `x` will be scaled. Received: "
            f"x_dtype={x.dtype}"
        )
    return x


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real)


def _rate_of(keep_prob: Any) -> Any:
    try:
        return 1 - keep_prob
    except TypeError:
        raise errors.value_error(
            "`keep_prob` must be a floating point number or Tensor. Received: "
            f"keep_prob={keep_prob}"
        ) from None


def _checked_rate(rate: Any, x: Tensor) -> Tensor:
    if not hasattr(rate, "op"):
        raise errors.value_error(f"`rate` must be a scalar or scalar tensor. Received: rate={rate}")
    tensor = convert_to_tensor(rate, name="rate")
    tensor.shape.with_rank(0)
    if tensor.dtype.base_dtype is not x.dtype.base_dtype:
        raise errors.value_error(
            "`x.dtype` must be compatible with `rate.dtype`. Received: "
            f"x.dtype={x.dtype} and rate.dtype={tensor.dtype}"
        )
    return tensor


def _noise_shape(x: Tensor, noise_shape: Any) -> Any:
    if noise_shape is None:
        return array_ops.shape(x)
    try:
        wanted = as_shape(noise_shape)
    except (TypeError, ValueError):
        return noise_shape  # a tensor, or a list with tensors in it
    if x.shape.ndims is not None and x.shape.ndims == wanted.ndims:
        dims = zip(x.shape.as_list(), wanted.as_list(), strict=True)
        wanted = TensorShape([given if size is None else size for given, size in dims])
    return wanted
