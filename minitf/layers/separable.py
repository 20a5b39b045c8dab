"""With this module one can convolve cheaply: each channel by itself, then across the channels."""

from __future__ import annotations

from typing import Any

from minitf import nn
from minitf.framework.tensor import Tensor
from minitf.layers import arguments
from minitf.layers.convolutional import Conv
from minitf.ops import array_ops


class SeparableConv(Conv):
    """What the separable convolutions share.

    Its arguments and errors are those of `Conv`, except that there are two kernels, each with its
    initializer, regularizer and constraint.

    Args:
      depth_multiplier: how many outputs each channel has between the two steps.
      depthwise_initializer: of the kernel of shape (*kernel_size, channels, depth_multiplier).
      pointwise_initializer: of the kernel of shape (1, ..., channels * depth_multiplier, filters).
      depthwise_regularizer, pointwise_regularizer: functions from a variable to a loss.
      depthwise_constraint, pointwise_constraint: functions from a variable to an allowed value.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str = "channels_last",
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = None,
        pointwise_initializer: Any = None,
        bias_initializer: Any = arguments.ZEROS,
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            filters,
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation=activation,
            use_bias=use_bias,
            bias_initializer=bias_initializer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            bias_constraint=bias_constraint,
            trainable=trainable,
            name=name,
            **kwargs,
        )
        self.depth_multiplier = depth_multiplier
        self.depthwise_initializer = arguments.initializer(depthwise_initializer)
        self.pointwise_initializer = arguments.initializer(pointwise_initializer)
        self.depthwise_regularizer = depthwise_regularizer
        self.pointwise_regularizer = pointwise_regularizer
        self.depthwise_constraint = depthwise_constraint
        self.pointwise_constraint = pointwise_constraint

    def build(self, input_shape: Any) -> None:
        """Makes the two kernels and the bias."""
        channels = self._read_channels(input_shape)
        self.depthwise_kernel = self.add_weight(
            "depthwise_kernel",
            shape=[*self.kernel_size, channels, self.depth_multiplier],
            initializer=self.depthwise_initializer,
            regularizer=self.depthwise_regularizer,
            constraint=self.depthwise_constraint,
        )
        ones = [1] * self.spatial_rank
        self.pointwise_kernel = self.add_weight(
            "pointwise_kernel",
            shape=[*ones, channels * self.depth_multiplier, self.filters],
            initializer=self.pointwise_initializer,
            regularizer=self.pointwise_regularizer,
            constraint=self.pointwise_constraint,
        )
        self._build_bias()
        self.built = True

    def call(self, inputs: Any) -> Tensor:
        """Adds the two convolutions, the bias and the activation."""
        return self._finish(
            nn.separable_conv2d(
                inputs,
                self.depthwise_kernel,
                self.pointwise_kernel,
                strides=self._four(self.strides),
                padding=self.padding.upper(),
                rate=self.dilation_rate,
                data_format=self._layout,
            )
        )

    def _four(self, values: tuple[int, ...]) -> list[int]:
        return [1, *values, 1] if self.data_format == "channels_last" else [1, 1, *values]


class SeparableConv2D(SeparableConv):
    """Separable convolution of images (mirrors `tf.layers.SeparableConv2D`).

    Its arguments are those of `SeparableConv`.

    >>> import minitf as tf
    >>> layer = tf.layers.SeparableConv2D(32, 3)
    >>> layer(tf.ones([1, 8, 8, 16])).shape.as_list(), layer.count_params()
    ([1, 6, 6, 32], 688)
    """


class SeparableConv1D(SeparableConv):
    """Separable convolution of sequences (mirrors `tf.layers.SeparableConv1D`).

    Its arguments are those of `SeparableConv`.

    >>> import minitf as tf
    >>> tf.layers.SeparableConv1D(4, 3)(tf.ones([1, 8, 2])).shape.as_list()
    [1, 6, 4]
    """

    spatial_rank = 1

    def call(self, inputs: Any) -> Tensor:
        """Adds the two convolutions, the bias and the activation; sequences are images."""
        axis = 1 if self.data_format == "channels_last" else 2
        stride = self.strides * 2  # TensorFlow asks for equal strides, also where there is one row
        outputs = nn.separable_conv2d(
            array_ops.expand_dims(inputs, axis),
            array_ops.expand_dims(self.depthwise_kernel, 0),
            array_ops.expand_dims(self.pointwise_kernel, 0),
            strides=self._four(stride),
            padding=self.padding.upper(),
            rate=(1, *self.dilation_rate),
            data_format=arguments.layout(self.data_format, 2),
        )
        if self.bias is not None:
            layout = arguments.layout(self.data_format, 2)
            outputs = nn.bias_add(outputs, self.bias, data_format=layout)
        outputs = array_ops.squeeze(outputs, [axis])
        return outputs if self.activation is None else self.activation(outputs)


def separable_conv1d(
    inputs: Any,
    filters: int,
    kernel_size: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str = "channels_last",
    dilation_rate: Any = 1,
    depth_multiplier: int = 1,
    activation: Any = None,
    use_bias: bool = True,
    depthwise_initializer: Any = None,
    pointwise_initializer: Any = None,
    bias_initializer: Any = arguments.ZEROS,
    depthwise_regularizer: Any = None,
    pointwise_regularizer: Any = None,
    bias_regularizer: Any = None,
    activity_regularizer: Any = None,
    depthwise_constraint: Any = None,
    pointwise_constraint: Any = None,
    bias_constraint: Any = None,
    trainable: bool = True,
    name: str | None = None,
    reuse: Any = None,
) -> Tensor:
    """Separable convolution of sequences (mirrors `tf.layers.separable_conv1d`).

    Args:
      inputs: of shape (batch, length, channels), or with the channels second.
      filters, kernel_size, strides, padding, data_format, dilation_rate, depth_multiplier,
        activation, use_bias, depthwise_initializer, pointwise_initializer, bias_initializer,
        depthwise_regularizer, pointwise_regularizer, bias_regularizer, activity_regularizer,
        depthwise_constraint, pointwise_constraint, bias_constraint, trainable: see
        `SeparableConv`.
      name: the name of the layer and its variable scope; "separable_conv1d", made unique, if None.
      reuse: True to share the variables of an earlier layer of the same name.

    Returns:
      A tensor with `filters` channels.
    """
    layer = SeparableConv1D(
        filters,
        kernel_size,
        strides=strides,
        padding=padding,
        data_format=data_format,
        dilation_rate=dilation_rate,
        depth_multiplier=depth_multiplier,
        activation=activation,
        use_bias=use_bias,
        depthwise_initializer=depthwise_initializer,
        pointwise_initializer=pointwise_initializer,
        bias_initializer=bias_initializer,
        depthwise_regularizer=depthwise_regularizer,
        pointwise_regularizer=pointwise_regularizer,
        bias_regularizer=bias_regularizer,
        activity_regularizer=activity_regularizer,
        depthwise_constraint=depthwise_constraint,
        pointwise_constraint=pointwise_constraint,
        bias_constraint=bias_constraint,
        trainable=trainable,
        name=name,
        _scope=name,
        _reuse=reuse,
    )
    result: Tensor = layer.apply(inputs)
    return result


def separable_conv2d(
    inputs: Any,
    filters: int,
    kernel_size: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: str = "channels_last",
    dilation_rate: Any = (1, 1),
    depth_multiplier: int = 1,
    activation: Any = None,
    use_bias: bool = True,
    depthwise_initializer: Any = None,
    pointwise_initializer: Any = None,
    bias_initializer: Any = arguments.ZEROS,
    depthwise_regularizer: Any = None,
    pointwise_regularizer: Any = None,
    bias_regularizer: Any = None,
    activity_regularizer: Any = None,
    depthwise_constraint: Any = None,
    pointwise_constraint: Any = None,
    bias_constraint: Any = None,
    trainable: bool = True,
    name: str | None = None,
    reuse: Any = None,
) -> Tensor:
    """Separable convolution of images (mirrors `tf.layers.separable_conv2d`).

    Args:
      inputs: of shape (batch, height, width, channels), or with the channels second.
      filters, kernel_size, strides, padding, data_format, dilation_rate, depth_multiplier,
        activation, use_bias, depthwise_initializer, pointwise_initializer, bias_initializer,
        depthwise_regularizer, pointwise_regularizer, bias_regularizer, activity_regularizer,
        depthwise_constraint, pointwise_constraint, bias_constraint, trainable: see
        `SeparableConv`.
      name: the name of the layer and its variable scope; "separable_conv2d", made unique, if None.
      reuse: True to share the variables of an earlier layer of the same name.

    Returns:
      A tensor with `filters` channels.
    """
    layer = SeparableConv2D(
        filters,
        kernel_size,
        strides=strides,
        padding=padding,
        data_format=data_format,
        dilation_rate=dilation_rate,
        depth_multiplier=depth_multiplier,
        activation=activation,
        use_bias=use_bias,
        depthwise_initializer=depthwise_initializer,
        pointwise_initializer=pointwise_initializer,
        bias_initializer=bias_initializer,
        depthwise_regularizer=depthwise_regularizer,
        pointwise_regularizer=pointwise_regularizer,
        bias_regularizer=bias_regularizer,
        activity_regularizer=activity_regularizer,
        depthwise_constraint=depthwise_constraint,
        pointwise_constraint=pointwise_constraint,
        bias_constraint=bias_constraint,
        trainable=trainable,
        name=name,
        _scope=name,
        _reuse=reuse,
    )
    result: Tensor = layer.apply(inputs)
    return result
