"""With this module one can pool in one dim or two, dilated, and under TensorFlow's newer names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minitf.framework import errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.scopes import name_scope
from minitf.framework.tensor import Tensor
from minitf.nn.dilation import with_space_to_batch
from minitf.ops import array_ops, nn_ops
from minitf.ops.array_ops.shape_ops import one_of

_Pool = Callable[..., Tensor]


def max_pool2d(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = "NHWC",
    name: str | None = None,
) -> Tensor:
    """`tf.nn.max_pool` under a newer name (mirrors `tf.nn.max_pool2d`, `tf.nn.max_pool_v2`).

    Args:
      input, ksize, strides, padding, data_format: as in `tf.nn.max_pool`.
      name: the node's name.
    """
    layout = data_format or "NHWC"
    return nn_ops.max_pool(input, ksize, strides, padding, layout, name or "MaxPool2d")


max_pool_v2 = max_pool2d


def avg_pool2d(
    value: Any = None,
    ksize: Any = None,
    strides: Any = None,
    padding: Any = None,
    data_format: str | None = "NHWC",
    name: str | None = None,
    input: Any = None,
) -> Tensor:
    """`tf.nn.avg_pool` under a newer name (mirrors `tf.nn.avg_pool2d`).

    Args:
      value, ksize, strides, padding, data_format: as in `tf.nn.avg_pool`.
      name: the node's name.
      input: another name of `value`.
    """
    value = one_of("value", value, "input", input)
    return nn_ops.avg_pool(value, ksize, strides, padding, data_format or "NHWC", name)


def avg_pool_v2(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str | None = None,
    name: str | None = None,
) -> Tensor:
    """`tf.nn.avg_pool` under a newer name (mirrors `tf.nn.avg_pool_v2`).

    Args:
      input, ksize, strides, padding, data_format: as in `tf.nn.avg_pool`.
      name: the node's name.
    """
    return nn_ops.avg_pool(input, ksize, strides, padding, data_format or "NHWC", name)


def max_pool1d(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NWC",
    name: str | None = None,
) -> Tensor:
    """The largest element of each window of a sequence (mirrors `tf.nn.max_pool1d`).

    Args:
      input: of shape (batch, width, channels), or (batch, channels, width) for "NCW".
      ksize: the size of the window: an int, or a list of one or three.
      strides: how far the window moves, in the form of `ksize`.
      padding: "SAME" or "VALID".
      data_format: "NWC" or "NCW".
      name: the node's name.

    Returns:
      A tensor of the dtype of `input`.

    >>> import minitf as tf
    >>> sequence = tf.reshape([1.0, 5.0, 2.0, 3.0], [1, 4, 1])
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.nn.max_pool1d(sequence, 2, 2, "VALID")).ravel())
    [5. 3.]
    """
    with name_scope(name, "MaxPool1d", [input]) as scope:
        return _pool1d(nn_ops.max_pool, input, ksize, strides, padding, data_format, scope)


def avg_pool1d(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: Any,
    data_format: str = "NWC",
    name: str | None = None,
) -> Tensor:
    """The mean of each window of a sequence (mirrors `tf.nn.avg_pool1d`).

    Args:
      input: of shape (batch, width, channels), or (batch, channels, width) for "NCW".
      ksize: the size of the window: an int, or a list of one or three.
      strides: how far the window moves, in the form of `ksize`.
      padding: "SAME" or "VALID".
      data_format: "NWC" or "NCW".
      name: the node's name.

    Returns:
      A tensor of the dtype of `input`.
    """
    with name_scope(name, "AvgPool1D", [input]) as scope:
        return _pool1d(nn_ops.avg_pool, input, ksize, strides, padding, data_format, scope)


def _pool1d(
    pool: _Pool, input: Any, ksize: Any, strides: Any, padding: Any, data_format: str, name: str
) -> Tensor:
    is_ncw = data_format.startswith("NC")
    layout, axis = ("NCHW", 2) if is_ncw else ("NHWC", 1)

    def spread(values: Any) -> list[int]:
        given = [int(v) for v in values] if np.ndim(values) else [int(values)]
        width = given[0] if len(given) == 1 else given[2 if is_ncw else 1]
        return [1, 1, 1, width] if is_ncw else [1, 1, width, 1]

    images = array_ops.expand_dims(input, axis)
    result = pool(images, spread(ksize), spread(strides), padding, layout, name)
    return array_ops.squeeze(result, [axis])


def pool(
    input: Any,
    window_shape: Any,
    pooling_type: str,
    padding: str,
    dilation_rate: Any = None,
    strides: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Tensor:
    """Pooling in one or two dims, strided or dilated (mirrors `tf.nn.pool`).

    Args:
      input: of shape (batch, [height,] width, channels), or with the channels second.
      window_shape: an int for each spatial dim.
      pooling_type: "MAX" or "AVG".
      padding: "SAME" or "VALID".
      dilation_rate: an int for each spatial dim: how far apart the window's cells are; 1 if None.
      strides: an int for each spatial dim; 1 if None, and where the window is dilated.
      name: the node's name.
      data_format: "NWC", "NHWC" (the defaults), "NCW" or "NCHW".
      dilations: another name of `dilation_rate`.

    Returns:
      A tensor of the dtype of `input`.

    Raises:
      ValueError: if the pooling type is none of these, or strides and dilation are both asked for,
        or dilation with padding "SAME".
    """
    dilation_rate = one_of("dilation_rate", dilation_rate, "dilations", dilations)
    kinds: dict[str, _Pool] = {"MAX": nn_ops.max_pool, "AVG": nn_ops.avg_pool}
    if pooling_type not in kinds:
        raise errors.value_error(f"pooling_type must be 'MAX' or 'AVG', got {pooling_type!r}")
    with name_scope(name, f"{pooling_type.lower()}_pool", [input]) as scope:
        input = convert_to_tensor(input, name="input")
        window = [int(size) for size in window_shape]
        steps = [1] * len(window) if strides is None else [int(s) for s in strides]
        rates = [1] * len(window) if dilation_rate is None else [int(r) for r in dilation_rate]
        if max(steps) > 1 and max(rates) > 1:
            raise errors.value_error(
                "strides > 1 not supported in conjunction with dilation_rate > 1"
            )
        if padding == "SAME" and max(rates) > 1:
            raise errors.value_error(
                "pooling with padding 'SAME' is not possible with dilation_rate > 1"
            )
        is_channels_first = data_format is not None and data_format.startswith("NC")

        def dense(images: Tensor, padding: str) -> Tensor:
            kind = kinds[pooling_type]
            if len(window) == 1:
                layout = "NCW" if is_channels_first else "NWC"
                return _pool1d(kind, images, window, steps, padding, layout, scope)
            layout = "NCHW" if is_channels_first else "NHWC"
            return kind(images, window, steps, padding, layout, scope)

        first = 2 if is_channels_first else 1
        spatial = range(first, first + len(window))
        return with_space_to_batch(input, rates, padding, dense, lambda: window, spatial)
