"""With this module one can convolve: slide learned filters over images and sequences."""

from __future__ import annotations

from typing import Any

from minitf import nn
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, as_shape
from minitf.layers import arguments
from minitf.layers.base import InputSpec, Layer
from minitf.ops import array_ops


class Conv(Layer):
    """What the convolutions share; a subclass says of how many spatial dims they are.

    Args:
      filters: how many outputs each pixel has.
      kernel_size: the filters' size: one int, or one for each spatial dim.
      strides: how far they move: one int, or one for each spatial dim.
      padding: "valid" for whole windows only, "same" for as many outputs as input / stride.
      data_format: "channels_last" or "channels_first".
      dilation_rate: how far apart a filter's cells are: one int, or one for each spatial dim.
      activation: a function such as `tf.nn.relu`; None for a linear layer.
      use_bias: whether there is a bias.
      kernel_initializer: of the kernel of shape (*kernel_size, channels, filters); that of the
        variable scope, else `tf.glorot_uniform_initializer()`, if None.
      bias_initializer: of the bias of shape (filters,).
      kernel_regularizer, bias_regularizer: functions from a variable to a loss, which joins
        `GraphKeys.REGULARIZATION_LOSSES`.
      activity_regularizer: the same, from the output.
      kernel_constraint, bias_constraint: functions from a variable to an allowed value.
      trainable, name: see `tf.layers.Layer`.

    Raises:
      ValueError: if an argument is none of these, or both strides and dilation are asked for; when
        called, if the input has too few dims, or the number of its channels is not known.
    """

    spatial_rank = 2

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str = "channels_last",
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = None,
        bias_initializer: Any = arguments.ZEROS,
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(trainable, name, activity_regularizer=activity_regularizer, **kwargs)
        rank = self.spatial_rank
        self.filters = int(filters)
        if self.filters <= 0:
            raise arguments.invalid(
                "Invalid value for argument `filters`. Expected a strictly positive value. "
                f"Received filters={filters}.",
                "give the number of outputs of each pixel.",
            )
        self.kernel_size = arguments.sizes(kernel_size, rank, "kernel_size")
        self.strides = arguments.sizes(strides, rank, "strides")
        self.padding = arguments.padding_name(padding)
        self.data_format = arguments.data_format_name(data_format)
        self.dilation_rate = arguments.sizes(dilation_rate, rank, "dilation_rate")
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise arguments.invalid(
                "`strides > 1` not supported in conjunction with `dilation_rate > 1`. Received: "
                f"strides={self.strides} and dilation_rate={self.dilation_rate}",
                "leave one of them at 1.",
            )
        self.activation = arguments.activation_function(activation)
        self.use_bias = use_bias
        self.kernel_initializer = arguments.initializer(kernel_initializer)
        self.bias_initializer = arguments.initializer(bias_initializer)
        self.kernel_regularizer = kernel_regularizer
        self.bias_regularizer = bias_regularizer
        self.kernel_constraint = kernel_constraint
        self.bias_constraint = bias_constraint
        self.input_spec = InputSpec(min_ndim=rank + 2, max_ndim=rank + 2)

    # ---- variables

    def build(self, input_shape: Any) -> None:
        """Makes the kernel and the bias."""
        channels = self._read_channels(input_shape)
        self.kernel = self.add_weight(
            "kernel",
            shape=self._kernel_shape(channels),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self._build_bias()
        self.built = True

    def _kernel_shape(self, channels: int) -> list[int]:
        return [*self.kernel_size, channels, self.filters]

    def _build_bias(self) -> None:
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                "bias",
                shape=[self.filters],
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    @property
    def _channel_axis(self) -> int:
        return 1 if self.data_format == "channels_first" else -1

    def _read_channels(self, input_shape: Any) -> int:
        """The number of the input's channels, which later inputs must have too."""
        shape, axis = as_shape(input_shape), self._channel_axis
        channels = shape.as_list()[axis] if shape.ndims is not None else None
        if channels is None:
            raise arguments.invalid(
                "The channel dimension of the inputs should be defined. The input_shape received "
                f"is {shape}, where axis {axis} (0-based) is the channel dimension, which found to "
                "be `None`.",
                "the kernel's size depends on it: give the placeholder its channels, or use "
                "set_shape or tf.reshape.",
            )
        rank = self.spatial_rank + 2
        self.input_spec = InputSpec(min_ndim=rank, max_ndim=rank, axes={axis: channels})
        return channels

    # ---- ops

    def call(self, inputs: Any) -> Tensor:
        """Adds the convolution, the bias and the activation."""
        outputs = nn.convolution(
            inputs,
            self.kernel,
            padding=self.padding.upper(),
            strides=self.strides,
            dilation_rate=self.dilation_rate,
            data_format=self._layout,
            name=type(self).__name__,
        )
        return self._finish(outputs)

    @property
    def _layout(self) -> str:
        return arguments.layout(self.data_format, self.spatial_rank)

    def _finish(self, outputs: Tensor) -> Tensor:
        """Adds the bias and the activation."""
        if self.bias is not None:
            outputs = nn.bias_add(outputs, self.bias, data_format=self._layout)
        return outputs if self.activation is None else self.activation(outputs)


class Conv2D(Conv):
    """Slides filters over images (mirrors `tf.layers.Conv2D`).

    Its arguments and errors are those of `Conv`.

    >>> import minitf as tf
    >>> layer = tf.layers.Conv2D(32, 5, padding="same", activation=tf.nn.relu)
    >>> layer(tf.ones([1, 28, 28, 1])).shape.as_list(), layer.count_params()
    ([1, 28, 28, 32], 832)
    """


class Conv1D(Conv):
    """Slides filters over sequences (mirrors `tf.layers.Conv1D`).

    Its arguments and errors are those of `Conv`.

    >>> import minitf as tf
    >>> tf.layers.Conv1D(4, 3)(tf.ones([2, 10, 1])).shape.as_list()
    [2, 8, 4]
    """

    spatial_rank = 1

    def _finish(self, outputs: Tensor) -> Tensor:
        if self.bias is not None and self.data_format == "channels_first":
            outputs = outputs + array_ops.reshape(self.bias, [1, self.filters, 1])
            return outputs if self.activation is None else self.activation(outputs)
        return super()._finish(outputs)


class Conv2DTranspose(Conv):
    """Enlarges images by learned filters (mirrors `tf.layers.Conv2DTranspose`).

    With stride s the result is s times as high and wide; with padding "valid" it is larger by what
    the filters stick out. The kernel is of shape (height, width, filters, channels).

    Its arguments and errors are those of `Conv`, without `dilation_rate`.

    >>> import minitf as tf
    >>> layer = tf.layers.Conv2DTranspose(3, 4, strides=2, padding="same")
    >>> layer(tf.ones([1, 7, 7, 16])).shape.as_list()
    [1, 14, 14, 3]
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: str = "valid",
        data_format: str = "channels_last",
        **kwargs: Any,
    ) -> None:
        super().__init__(filters, kernel_size, strides, padding, data_format, **kwargs)

    def _kernel_shape(self, channels: int) -> list[int]:
        return [*self.kernel_size, self.filters, channels]

    def call(self, inputs: Any) -> Tensor:
        """Adds the transposed convolution, the bias and the activation."""
        channels_first = self.data_format == "channels_first"
        sizes = array_ops.shape(inputs)
        batch = sizes[0]
        first = 2 if channels_first else 1
        given = inputs.shape.as_list()
        unknown = None in given[first : first + 2]
        spatial = [sizes[first + i] if unknown else given[first + i] for i in range(2)]
        enlarged = [self._enlarged(size, i) for i, size in enumerate(spatial)]
        if channels_first:
            target = array_ops.stack([batch, self.filters, *enlarged])
            inputs = array_ops.transpose(inputs, [0, 2, 3, 1])
            # TensorFlow's graph for a CPU moves the channels.
            target = array_ops.stack([target[0], target[2], target[3], target[1]])
        else:
            target = array_ops.stack([batch, *enlarged, self.filters])
            target[0]  # a node that TensorFlow has here
        outputs = nn.conv2d_transpose(
            inputs, self.kernel, target, [1, *self.strides, 1], self.padding.upper()
        )
        if channels_first:
            outputs = array_ops.transpose(outputs, [0, 3, 1, 2])
        outputs.set_shape(self._output_shape(given))
        return self._finish(outputs)

    def _enlarged(self, size: Any, i: int) -> Any:
        """A size of the result, from the static size or the tensor of the input's."""
        size = size * self.strides[i]
        outside = max(self.kernel_size[i] - self.strides[i], 0)
        return size + outside if self.padding == "valid" and outside else size

    def _output_shape(self, given: list[int | None]) -> TensorShape:
        first = 2 if self.data_format == "channels_first" else 1
        dims = list(given)
        dims[self._channel_axis] = self.filters
        for i in range(2):
            size = given[first + i]
            dims[first + i] = None if size is None else self._enlarged(size, i)
        return TensorShape(dims)


# ---- as functions


def conv1d(
    inputs: Any,
    filters: int,
    kernel_size: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str = "channels_last",
    dilation_rate: Any = 1,
    activation: Any = None,
    use_bias: bool = True,
    kernel_initializer: Any = None,
    bias_initializer: Any = arguments.ZEROS,
    kernel_regularizer: Any = None,
    bias_regularizer: Any = None,
    activity_regularizer: Any = None,
    kernel_constraint: Any = None,
    bias_constraint: Any = None,
    trainable: bool = True,
    name: str | None = None,
    reuse: Any = None,
) -> Tensor:
    """Slides filters over sequences (mirrors `tf.layers.conv1d`).

    Args:
      inputs: of shape (batch, length, channels), or with the channels second.
      filters, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
        kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
        activity_regularizer, kernel_constraint, bias_constraint, trainable: see `Conv`.
      name: the name of the layer and its variable scope; "conv1d", made unique, if None.
      reuse: True to share the variables of an earlier layer of the same name.

    Returns:
      A tensor with `filters` channels.
    """
    layer = Conv1D(
        filters,
        kernel_size,
        strides=strides,
        padding=padding,
        data_format=data_format,
        dilation_rate=dilation_rate,
        activation=activation,
        use_bias=use_bias,
        kernel_initializer=kernel_initializer,
        bias_initializer=bias_initializer,
        kernel_regularizer=kernel_regularizer,
        bias_regularizer=bias_regularizer,
        activity_regularizer=activity_regularizer,
        kernel_constraint=kernel_constraint,
        bias_constraint=bias_constraint,
        trainable=trainable,
        name=name,
        _scope=name,
        _reuse=reuse,
    )
    result: Tensor = layer.apply(inputs)
    return result


def conv2d(
    inputs: Any,
    filters: int,
    kernel_size: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: str = "channels_last",
    dilation_rate: Any = (1, 1),
    activation: Any = None,
    use_bias: bool = True,
    kernel_initializer: Any = None,
    bias_initializer: Any = arguments.ZEROS,
    kernel_regularizer: Any = None,
    bias_regularizer: Any = None,
    activity_regularizer: Any = None,
    kernel_constraint: Any = None,
    bias_constraint: Any = None,
    trainable: bool = True,
    name: str | None = None,
    reuse: Any = None,
) -> Tensor:
    """Slides filters over images (mirrors `tf.layers.conv2d`).

    Args:
      inputs: of shape (batch, height, width, channels), or with the channels second.
      filters, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
        kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
        activity_regularizer, kernel_constraint, bias_constraint, trainable: see `Conv`.
      name: the name of the layer and its variable scope; "conv2d", made unique, if None.
      reuse: True to share the variables of an earlier layer of the same name.

    Returns:
      A tensor with `filters` channels.

    Raises:
      ValueError: see `Conv`.

    >>> import minitf as tf
    >>> images = tf.placeholder(tf.float32, [None, 28, 28, 1])
    >>> tf.layers.conv2d(images, 32, 5, padding="same", activation=tf.nn.relu)
    <tf.Tensor 'conv2d/Relu:0' shape=(?, 28, 28, 32) dtype=float32>
    """
    layer = Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding=padding,
        data_format=data_format,
        dilation_rate=dilation_rate,
        activation=activation,
        use_bias=use_bias,
        kernel_initializer=kernel_initializer,
        bias_initializer=bias_initializer,
        kernel_regularizer=kernel_regularizer,
        bias_regularizer=bias_regularizer,
        activity_regularizer=activity_regularizer,
        kernel_constraint=kernel_constraint,
        bias_constraint=bias_constraint,
        trainable=trainable,
        name=name,
        _scope=name,
        _reuse=reuse,
    )
    result: Tensor = layer.apply(inputs)
    return result


def conv2d_transpose(
    inputs: Any,
    filters: int,
    kernel_size: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: str = "channels_last",
    activation: Any = None,
    use_bias: bool = True,
    kernel_initializer: Any = None,
    bias_initializer: Any = arguments.ZEROS,
    kernel_regularizer: Any = None,
    bias_regularizer: Any = None,
    activity_regularizer: Any = None,
    kernel_constraint: Any = None,
    bias_constraint: Any = None,
    trainable: bool = True,
    name: str | None = None,
    reuse: Any = None,
) -> Tensor:
    """Enlarges images by learned filters (mirrors `tf.layers.conv2d_transpose`).

    Args:
      inputs: of shape (batch, height, width, channels), or with the channels second.
      filters, kernel_size, strides, padding, data_format, activation, use_bias,
        kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
        activity_regularizer, kernel_constraint, bias_constraint, trainable: see
        `tf.layers.Conv2DTranspose`.
      name: the name of the layer and its variable scope; "conv2d_transpose", made unique, if None.
      reuse: True to share the variables of an earlier layer of the same name.

    Returns:
      A tensor with `filters` channels.
    """
    layer = Conv2DTranspose(
        filters,
        kernel_size,
        strides=strides,
        padding=padding,
        data_format=data_format,
        activation=activation,
        use_bias=use_bias,
        kernel_initializer=kernel_initializer,
        bias_initializer=bias_initializer,
        kernel_regularizer=kernel_regularizer,
        bias_regularizer=bias_regularizer,
        activity_regularizer=activity_regularizer,
        kernel_constraint=kernel_constraint,
        bias_constraint=bias_constraint,
        trainable=trainable,
        name=name,
        _scope=name,
        _reuse=reuse,
    )
    result: Tensor = layer.apply(inputs)
    return result
