"""With this module one can make images and sequences smaller: layers of maxima and of means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minitf import nn
from minitf.framework.tensor import Tensor
from minitf.layers import arguments
from minitf.layers.base import InputSpec, Layer
from minitf.ops import array_ops


class _Pooling2D(Layer):
    """What the pooling layers of images share."""

    _pool: Callable[..., Tensor]

    def __init__(
        self,
        pool_size: Any,
        strides: Any,
        padding: str = "valid",
        data_format: str = "channels_last",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.pool_size = arguments.sizes(pool_size, 2, "pool_size")
        self.strides = arguments.sizes(pool_size if strides is None else strides, 2, "strides")
        self.padding = arguments.padding_name(padding)
        self.data_format = arguments.data_format_name(data_format)
        self.input_spec = InputSpec(ndim=4)

    def call(self, inputs: Any) -> Tensor:
        """Adds the pooling."""

        def spread(values: tuple[int, ...]) -> list[int]:
            if self.data_format == "channels_last":
                return [1, *values, 1]
            return [1, 1, *values]

        return type(self)._pool(
            inputs,
            ksize=spread(self.pool_size),
            strides=spread(self.strides),
            padding=self.padding.upper(),
            data_format=arguments.layout(self.data_format, 2),
        )


class MaxPooling2D(_Pooling2D):
    """The largest value of each window of an image (mirrors `tf.layers.MaxPooling2D`).

    Args:
      pool_size: the window's height and width: one int or two.
      strides: how far the window moves: one int or two; the window's size if None.
      padding: "valid" for whole windows only, "same" for as many outputs as input / stride.
      data_format: "channels_last" or "channels_first".
      name: the layer's name.

    Raises:
      ValueError: for another size, padding or format; when called, if the input has not four dims.

    >>> import minitf as tf
    >>> tf.layers.MaxPooling2D(2, 2)(tf.ones([1, 28, 28, 32])).shape.as_list()
    [1, 14, 14, 32]
    """

    _pool = staticmethod(nn.max_pool)


class AveragePooling2D(_Pooling2D):
    """The mean of each window of an image (mirrors `tf.layers.AveragePooling2D`).

    Its arguments are those of `MaxPooling2D`. Cells of padding do not count.
    """

    _pool = staticmethod(nn.avg_pool)


class _Pooling1D(Layer):
    """What the pooling layers of sequences share: they are images of width 1."""

    _pool: Callable[..., Tensor]

    def __init__(
        self,
        pool_size: Any,
        strides: Any,
        padding: str = "valid",
        data_format: str = "channels_last",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.pool_size = arguments.sizes(pool_size, 1, "pool_size")
        self.strides = arguments.sizes(pool_size if strides is None else strides, 1, "strides")
        self.padding = arguments.padding_name(padding)
        self.data_format = arguments.data_format_name(data_format)
        self.input_spec = InputSpec(ndim=3)

    def call(self, inputs: Any) -> Tensor:
        """Adds the pooling."""
        channels_first = self.data_format == "channels_first"
        axis = 3 if channels_first else 2
        images = array_ops.expand_dims(inputs, axis)
        if channels_first:  # TensorFlow's graph for a CPU moves the channels
            images = array_ops.transpose(images, [0, 2, 3, 1])
        outputs = type(self)._pool(
            images,
            ksize=[1, *self.pool_size, 1, 1],
            strides=[1, *self.strides, 1, 1],
            padding=self.padding.upper(),
        )
        if channels_first:
            outputs = array_ops.transpose(outputs, [0, 3, 1, 2])
        return array_ops.squeeze(outputs, [axis])


class MaxPooling1D(_Pooling1D):
    """The largest value of each window of a sequence (mirrors `tf.layers.MaxPooling1D`).

    Args:
      pool_size: the window's length.
      strides: how far the window moves; its length if None.
      padding: "valid" for whole windows only, "same" for as many outputs as input / stride.
      data_format: "channels_last" or "channels_first".
      name: the layer's name.

    Raises:
      ValueError: for another size, padding or format; when called, if the input has not three dims.

    >>> import minitf as tf
    >>> y = tf.layers.MaxPooling1D(2, 2)(tf.reshape([1.0, 3.0, 2.0, 4.0], [1, 4, 1]))
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.squeeze(y)))
    [3. 4.]
    """

    _pool = staticmethod(nn.max_pool)


class AveragePooling1D(_Pooling1D):
    """The mean of each window of a sequence (mirrors `tf.layers.AveragePooling1D`).

    Its arguments are those of `MaxPooling1D`. Cells of padding do not count.
    """

    _pool = staticmethod(nn.avg_pool)


def max_pooling2d(
    inputs: Any,
    pool_size: Any,
    strides: Any,
    padding: str = "valid",
    data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:
    """The largest value of each window of an image (mirrors `tf.layers.max_pooling2d`).

    Args:
      inputs: of shape (batch, height, width, channels), or with the channels second.
      pool_size, strides, padding, data_format: see `tf.layers.MaxPooling2D`.
      name: the layer's name; "max_pooling2d", made unique, if None.

    >>> import minitf as tf
    >>> tf.layers.max_pooling2d(tf.ones([1, 28, 28, 32]), 2, 2)
    <tf.Tensor 'max_pooling2d/MaxPool:0' shape=(1, 14, 14, 32) dtype=float32>
    """
    layer = MaxPooling2D(pool_size, strides, padding, data_format, name)
    result: Tensor = layer.apply(inputs)
    return result


def average_pooling2d(
    inputs: Any,
    pool_size: Any,
    strides: Any,
    padding: str = "valid",
    data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:
    """The mean of each window of an image (mirrors `tf.layers.average_pooling2d`).

    Args:
      inputs: of shape (batch, height, width, channels), or with the channels second.
      pool_size, strides, padding, data_format: see `tf.layers.AveragePooling2D`.
      name: the layer's name; "average_pooling2d", made unique, if None.
    """
    layer = AveragePooling2D(pool_size, strides, padding, data_format, name)
    result: Tensor = layer.apply(inputs)
    return result


def max_pooling1d(
    inputs: Any,
    pool_size: Any,
    strides: Any,
    padding: str = "valid",
    data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:
    """The largest value of each window of a sequence (mirrors `tf.layers.max_pooling1d`).

    Args:
      inputs: of shape (batch, length, channels), or with the channels second.
      pool_size, strides, padding, data_format: see `tf.layers.MaxPooling1D`.
      name: the layer's name; "max_pooling1d", made unique, if None.
    """
    layer = MaxPooling1D(pool_size, strides, padding, data_format, name)
    result: Tensor = layer.apply(inputs)
    return result


def average_pooling1d(
    inputs: Any,
    pool_size: Any,
    strides: Any,
    padding: str = "valid",
    data_format: str = "channels_last",
    name: str | None = None,
) -> Tensor:
    """The mean of each window of a sequence (mirrors `tf.layers.average_pooling1d`).

    Args:
      inputs: of shape (batch, length, channels), or with the channels second.
      pool_size, strides, padding, data_format: see `tf.layers.AveragePooling1D`.
      name: the layer's name; "average_pooling1d", made unique, if None.
    """
    layer = AveragePooling1D(pool_size, strides, padding, data_format, name)
    result: Tensor = layer.apply(inputs)
    return result
