"""With this module one can connect all with all, drop units at random, and flatten."""

from __future__ import annotations

import math
from typing import Any

from minitf import nn
from minitf.framework import dtypes
from minitf.framework.convert import convert_to_tensor
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, as_shape
from minitf.layers import arguments
from minitf.layers.base import InputSpec, Layer
from minitf.layers.smart_cond import smart_cond
from minitf.ops import array_ops, constant_op, math_ops


class Dense(Layer):
    """A fully connected layer: `activation(inputs @ kernel + bias)` (mirrors `tf.layers.Dense`).

    Args:
      units: how many outputs each example has.
      activation: a function such as `tf.nn.relu`; None for a linear layer.
      use_bias: whether there is a bias.
      kernel_initializer: of the kernel of shape (inputs, units); that of the variable scope, else
        `tf.glorot_uniform_initializer()`, if None.
      bias_initializer: of the bias of shape (units,).
      kernel_regularizer, bias_regularizer: functions from a variable to a loss, which joins
        `GraphKeys.REGULARIZATION_LOSSES`.
      activity_regularizer: the same, from the output.
      kernel_constraint, bias_constraint: functions from a variable to an allowed value.
      trainable, name: see `tf.layers.Layer`.

    Raises:
      ValueError: if `units` is not positive; when called, if the size of the input's last dim is
        not known.
      TypeError: when called, if the input is not of a floating dtype.

    >>> import minitf as tf
    >>> layer = tf.layers.Dense(3)
    >>> layer(tf.ones([2, 5])).shape, layer.count_params()
    (TensorShape([Dimension(2), Dimension(3)]), 18)
    """

    def __init__(
        self,
        units: int,
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
        self.units = int(units)
        if self.units < 0:
            raise arguments.invalid(
                "Received an invalid value for `units`, expected a positive integer. Received: "
                f"units={units}",
                "give the number of outputs.",
            )
        self.activation = arguments.activation_function(activation)
        self.use_bias = use_bias
        self.kernel_initializer = arguments.initializer(kernel_initializer)
        self.bias_initializer = arguments.initializer(bias_initializer)
        self.kernel_regularizer = kernel_regularizer
        self.bias_regularizer = bias_regularizer
        self.kernel_constraint = kernel_constraint
        self.bias_constraint = bias_constraint
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape: Any) -> None:
        """Makes the kernel and the bias."""
        dtype = dtypes.as_dtype(self._dtype or dtypes.float32)
        if not (dtype.is_floating or dtype.is_complex):
            raise TypeError(
                arguments.explained(
                    "A Dense layer can only be built with a floating-point dtype. Received: "
                    f"dtype={dtype!r}",
                    "convert the input with tf.cast(x, tf.float32).",
                )
            )
        shape = as_shape(input_shape)
        inputs = shape.as_list()[-1] if shape.ndims is not None else None
        if inputs is None:
            raise arguments.invalid(
                "The last dimension of the inputs to a Dense layer should be defined. Found None. "
                f"Full input shape received: {shape}",
                "the kernel's size depends on it: give the placeholder its last dim, or use "
                "set_shape or tf.reshape.",
            )
        self.input_spec = InputSpec(min_ndim=2, axes={-1: inputs})
        self.kernel = self.add_weight(
            "kernel",
            shape=[inputs, self.units],
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                "bias",
                shape=[self.units],
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self.built = True

    def call(self, inputs: Any) -> Tensor:
        """Adds the product, the bias and the activation."""
        rank = inputs.shape.ndims
        if rank is None or rank == 2:
            outputs = math_ops.matmul(inputs, self.kernel)
        else:
            outputs = math_ops.tensordot(inputs, self.kernel, [[rank - 1], [0]])
            outputs.set_shape(inputs.shape[:-1].concatenate([self.units]))
        if self.bias is not None:
            outputs = nn.bias_add(outputs, self.bias)
        return outputs if self.activation is None else self.activation(outputs)


def dense(
    inputs: Any,
    units: int,
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
    """A fully connected layer: `activation(inputs @ kernel + bias)` (mirrors `tf.layers.dense`).

    Args:
      inputs: a float tensor of two or more dims, the last of known size.
      units: how many outputs each example has.
      activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer,
        bias_regularizer, activity_regularizer, kernel_constraint, bias_constraint, trainable: see
        `tf.layers.Dense`.
      name: the name of the layer and its variable scope; "dense", made unique, if None.
      reuse: True to share the variables of an earlier layer of the same name.

    Returns:
      A tensor like `inputs` with `units` as its last dim.

    Raises:
      ValueError, TypeError: see `tf.layers.Dense`.

    >>> import minitf as tf
    >>> x = tf.placeholder(tf.float32, [None, 784])
    >>> y = tf.layers.dense(x, 10, activation=tf.nn.relu)
    >>> y, [v.name for v in tf.trainable_variables()]
    (<tf.Tensor 'dense/Relu:0' shape=(?, 10) dtype=float32>, ['dense/kernel:0', 'dense/bias:0'])
    """
    layer = Dense(
        units,
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


class Dropout(Layer):
    """Sets units to 0 at random while training (mirrors `tf.layers.Dropout`).

    Args:
      rate: the probability to drop a unit: a number or a scalar tensor. The others are divided by
        `1 - rate`.
      noise_shape: the shape of the random decisions; None in it stands for the input's size. See
        `tf.nn.dropout`.
      seed: makes the decisions repeatable.
      name: the layer's name.

    Raises:
      ValueError: if `rate` is not between 0 and 1.

    >>> import minitf as tf
    >>> layer = tf.layers.Dropout(0.5)
    >>> y = layer(tf.ones([2]), training=False)
    >>> with tf.Session() as sess:
    ...     print(sess.run(y))
    [1. 1.]
    """

    def __init__(
        self,
        rate: Any = 0.5,
        noise_shape: Any = None,
        seed: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        if isinstance(rate, (int, float)) and not 0 <= rate <= 1:
            raise arguments.invalid(
                f"Invalid value {rate} received for `rate`, expected a value between 0 and 1.",
                "give the share of units to drop, such as 0.5.",
            )
        self.rate = rate
        self.noise_shape = noise_shape
        self.seed = seed

    def call(self, inputs: Any, training: Any = False) -> Tensor:
        """Adds the choice between dropping and passing on."""
        if isinstance(self.rate, (int, float)) and self.rate == 0:
            return array_ops.identity(inputs)

        def dropped() -> Tensor:
            return nn.dropout(
                inputs,
                noise_shape=self._sizes_for(inputs),
                seed=self.seed,
                rate=self.rate,
            )

        result: Tensor = smart_cond(training, dropped, lambda: array_ops.identity(inputs))
        return result

    def _sizes_for(self, inputs: Tensor) -> Any:
        if self.noise_shape is None:
            return None
        known = array_ops.shape(inputs)
        given = self.noise_shape
        return convert_to_tensor(
            [known[i] if size is None else size for i, size in enumerate(given)]
        )


def dropout(
    inputs: Any,
    rate: Any = 0.5,
    noise_shape: Any = None,
    seed: int | None = None,
    training: Any = False,
    name: str | None = None,
) -> Tensor:
    """Sets units to 0 at random while training (mirrors `tf.layers.dropout`).

    Args:
      inputs: a float tensor.
      rate: the probability to drop a unit. (`tf.nn.dropout` takes the probability to keep it.)
      noise_shape, seed: see `tf.layers.Dropout`.
      training: whether to drop: a Python bool, or a boolean tensor such as a placeholder, to choose
        when the graph runs. Nothing is dropped if it is left out.
      name: the layer's name; "dropout", made unique, if None.

    Returns:
      A tensor like `inputs`.

    Raises:
      ValueError: if `rate` is not between 0 and 1, or `inputs` is not of a floating dtype.
      TypeError: if `training` is neither a bool nor a tensor.

    >>> import minitf as tf
    >>> tf.set_random_seed(1)
    >>> training = tf.placeholder(tf.bool)
    >>> y = tf.layers.dropout(tf.ones([1000]), rate=0.25, training=training)
    >>> with tf.Session() as sess:
    ...     for mode in (True, False):
    ...         print(mode, sorted(float(v) for v in set(sess.run(y, {training: mode}))))
    True [0.0, 1.3333333730697632]
    False [1.0]
    """
    layer = Dropout(rate, noise_shape=noise_shape, seed=seed, name=name)
    result: Tensor = layer.apply(inputs, training=training)
    return result


class Flatten(Layer):
    """Makes a vector of each example (mirrors `tf.layers.Flatten`).

    Args:
      data_format: "channels_last" or "channels_first"; the latter are moved last before.
      **kwargs: those of `tf.layers.Layer`.

    >>> import minitf as tf
    >>> tf.layers.Flatten()(tf.placeholder(tf.float32, [None, 8, 8, 3])).shape
    TensorShape([Dimension(None), Dimension(192)])
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = arguments.data_format_name(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Any) -> Tensor:
        """Adds the reshape."""
        rank = inputs.shape.ndims
        if self.data_format == "channels_first" and rank is not None and rank > 1:
            inputs = array_ops.transpose(inputs, [0, *range(2, rank), 1])
        if rank == 1:
            return array_ops.expand_dims(inputs, 1)
        sizes = _flat_sizes(inputs.shape)
        if sizes is not None:
            return array_ops.reshape(inputs, constant_op.constant(sizes))
        return array_ops.reshape(inputs, [array_ops.shape(inputs)[0], -1])


def _flat_sizes(shape: TensorShape) -> list[int] | None:
    """The sizes to reshape to, where at most one of them is left open; None where two are."""
    if shape.ndims is None:
        return None
    batch, *others = shape.as_list()
    known = [size for size in others if size is not None]
    if len(known) == len(others):
        return [-1, math.prod(known)]
    return None if batch is None else [batch, -1]


def flatten(inputs: Any, name: str | None = None, data_format: str = "channels_last") -> Tensor:
    """Makes a vector of each example: shape (batch, size) (mirrors `tf.layers.flatten`).

    Args:
      inputs: a tensor of one or more dims.
      name: the layer's name; "flatten", made unique, if None.
      data_format: see `tf.layers.Flatten`.

    >>> import minitf as tf
    >>> tf.layers.flatten(tf.ones([2, 3, 4]))
    <tf.Tensor 'flatten/Reshape:0' shape=(2, 12) dtype=float32>
    """
    layer = Flatten(data_format=data_format, name=name)
    result: Tensor = layer.apply(inputs)
    return result
