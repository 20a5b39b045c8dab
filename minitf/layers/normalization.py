"""With this module one can keep a network's activations in range: batch normalization.

    y = gamma * (x - mean) / sqrt(variance + epsilon) + beta

In training, mean and variance are those of the batch, and moving averages follow them; they are
what serves for inference. The averages move only if their updates are run:

    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        train_step = optimizer.minimize(loss)
"""

from __future__ import annotations

from typing import Any

from minitf import nn
from minitf.framework import dtypes, errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.scopes import colocate_with, name_scope
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, as_shape
from minitf.layers import arguments
from minitf.layers.base import InputSpec, Layer
from minitf.layers.smart_cond import smart_cond, smart_constant_value
from minitf.ops import array_ops, constant_op, math_ops, state_ops
from minitf.ops.variables import VariableAggregation, VariableSynchronization


class BatchNormalization(Layer):
    """Batch normalization (mirrors `tf.layers.BatchNormalization`).

    Args:
      axis: the axis of the channels, which are normalized each by itself: -1, or 1 for
        "channels_first"; or several of them.
      momentum: how slowly the moving averages follow: `average * momentum + new * (1 - momentum)`.
      epsilon: added to the variance.
      center: whether there is a beta.
      scale: whether there is a gamma; needless where a linear layer follows.
      beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer:
        of the variables.
      beta_regularizer, gamma_regularizer: functions from a variable to a loss.
      beta_constraint, gamma_constraint: functions from a variable to an allowed value.
      renorm, renorm_clipping, renorm_momentum: batch renormalization is not implemented.
      fused: whether one op does all: where possible if None. Only for float16 and float32, four
        dims, and channels last or second.
      trainable, name: see `tf.layers.Layer`.
      virtual_batch_size, adjustment: not implemented.

    Raises:
      TypeError: if `axis` is not an int or a list of ints.
      ValueError: when called, if the size of the axis is not known, or there is none.
      tf.errors.UnimplementedError: for what is not implemented.

    >>> import minitf as tf
    >>> layer = tf.layers.BatchNormalization(name="norm")
    >>> y = layer(tf.placeholder(tf.float32, [None, 10]), training=True)
    >>> [v.name for v in layer.trainable_variables], [v.name for v in layer.non_trainable_variables]
    (['norm/gamma:0', 'norm/beta:0'], ['norm/moving_mean:0', 'norm/moving_variance:0'])
    """

    def __init__(
        self,
        axis: Any = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = arguments.ZEROS,
        gamma_initializer: Any = arguments.ONES,
        moving_mean_initializer: Any = arguments.ZEROS,
        moving_variance_initializer: Any = arguments.ONES,
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: Any = None,
        renorm_momentum: float = 0.99,
        fused: bool | None = None,
        trainable: bool = True,
        virtual_batch_size: int | None = None,
        adjustment: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(trainable, name, **kwargs)
        if not isinstance(axis, (int, list, tuple)):
            raise errors.type_error(
                "Expected an int or a list/tuple of ints for the argument 'axis', but received: "
                f"{axis!r}"
            )
        if renorm or virtual_batch_size is not None or adjustment is not None:
            raise errors.UnimplementedError(
                None,
                None,
                arguments.explained(
                    "batch_normalization has no renorm, virtual_batch_size or adjustment in "
                    "minitf.",
                    "leave them out.",
                ),
            )
        self.axis = axis
        self.momentum = momentum
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer = arguments.initializer(beta_initializer)
        self.gamma_initializer = arguments.initializer(gamma_initializer)
        self.moving_mean_initializer = arguments.initializer(moving_mean_initializer)
        self.moving_variance_initializer = arguments.initializer(moving_variance_initializer)
        self.beta_regularizer = beta_regularizer
        self.gamma_regularizer = gamma_regularizer
        self.beta_constraint = beta_constraint
        self.gamma_constraint = gamma_constraint
        self.fused = fused

    # ---- variables

    def build(self, input_shape: Any) -> None:
        """Makes gamma, beta and the moving averages, and chooses between one op and several."""
        shape = as_shape(input_shape)
        axes = self._checked_axes(shape)
        dims = shape.as_list()
        self._axes = axes
        self.input_spec = InputSpec(ndim=len(dims), axes={axis: dims[axis] for axis in axes})
        self._data_format = _format_of(len(dims), axes)
        if self.fused is None or self.fused:
            self.fused = self._data_format is not None and self._dtype in (
                None,
                dtypes.float16,
                dtypes.float32,
            )
        self._make_variables(
            [dims[axes[0]]]
            if len(axes) == 1
            else [size if axis in axes else 1 for axis, size in enumerate(dims)]
        )
        self.built = True

    def _checked_axes(self, shape: TensorShape) -> list[int]:
        if shape.ndims is None:
            raise arguments.invalid(
                f"Input has undefined rank. Received: input_shape={shape}",
                "give the placeholder a shape, or use set_shape or tf.reshape.",
            )
        given = [self.axis] if isinstance(self.axis, int) else list(self.axis)
        axes = [axis + shape.ndims if axis < 0 else axis for axis in given]
        for axis in axes:
            if not 0 <= axis < shape.ndims:
                raise arguments.invalid(
                    "Invalid value for `axis` argument. Expected 0 <= axis < inputs.rank (with "
                    f"inputs.rank={shape.ndims}). Received: axis={tuple(axes)}",
                    "give the axis of the channels.",
                )
            if shape.as_list()[axis] is None:
                raise arguments.invalid(
                    f"Input has undefined `axis` dimension. Received input with shape {shape} and "
                    f"axis={tuple(axes)}",
                    "give the placeholder this dim, or use set_shape or tf.reshape.",
                )
        if len(axes) != len(set(axes)):
            raise arguments.invalid(f"Duplicate axis: {tuple(axes)}", "name each axis once.")
        return axes

    def _make_variables(self, shape: list[Any]) -> None:
        dtype = self._dtype or dtypes.float32
        # The numbers of a batch of float16 are averaged in float32.
        dtype = dtypes.float32 if dtype is dtypes.float16 else dtype
        self.gamma = self.beta = None
        if self.scale:
            self.gamma = self.add_weight(
                "gamma",
                shape,
                dtype,
                self.gamma_initializer,
                self.gamma_regularizer,
                constraint=self.gamma_constraint,
            )
        if self.center:
            self.beta = self.add_weight(
                "beta",
                shape,
                dtype,
                self.beta_initializer,
                self.beta_regularizer,
                constraint=self.beta_constraint,
            )
        self.moving_mean = self._add_average("moving_mean", shape, dtype)
        self.moving_variance = self._add_average("moving_variance", shape, dtype)

    def _add_average(self, name: str, shape: list[Any], dtype: dtypes.DType) -> Any:
        return self.add_weight(
            name,
            shape,
            dtype,
            getattr(self, f"{name}_initializer"),
            trainable=False,
            synchronization=VariableSynchronization.ON_READ,
            aggregation=VariableAggregation.MEAN,
        )

    # ---- ops

    def call(self, inputs: Any, training: Any = False) -> Tensor:
        """Adds the normalization; in training also the updates of the moving averages.

        Args:
          inputs: a float tensor.
          training: a Python bool, or a boolean tensor to choose when the graph runs.
        """
        if self.fused:
            return self._fused(inputs, training)
        if self._dtype is dtypes.float16:
            inputs = math_ops.cast(inputs, dtypes.float32)
        # gamma and beta come first in the graph, as in TensorFlow's
        scale, offset = self._spread(self.gamma, inputs), self._spread(self.beta, inputs)
        mean, variance = self._moments(inputs, training)
        mean, variance = self._spread(mean, inputs), self._spread(variance, inputs)
        outputs = nn.batch_normalization(inputs, mean, variance, offset, scale, self.epsilon)
        if self._dtype is dtypes.float16:
            outputs = math_ops.cast(outputs, dtypes.float16)
        outputs.set_shape(inputs.shape)
        return outputs

    def _spread(self, values: Any, inputs: Tensor) -> Any:
        """A vector of channels in the form that broadcasts against the inputs."""
        rank = inputs.shape.ndims
        assert rank is not None
        if values is None or len(self._axes) > 1 or self._axes == [rank - 1]:
            return values
        sizes = [1] * rank
        sizes[self._axes[0]] = values.shape.as_list()[0]
        return array_ops.reshape(values, sizes)

    def _moments(self, inputs: Tensor, training: Any) -> tuple[Any, Any]:
        """The batch's mean and variance in training, the moving averages otherwise."""
        if smart_constant_value(training) is False:
            return self.moving_mean, self.moving_variance
        assert inputs.shape.ndims is not None
        others = [axis for axis in range(inputs.shape.ndims) if axis not in self._axes]
        batch = nn.moments(inputs, others, keep_dims=len(self._axes) > 1)
        averages = (self.moving_mean, self.moving_variance)
        chosen = [_choose(training, new, average) for new, average in zip(batch, averages)]
        for average, new in zip(averages, chosen):
            self.add_update(self._follow(average, new, training))
        return chosen[0], chosen[1]

    def _follow(self, average: Any, new: Any, training: Any) -> Any:
        return smart_cond(
            training,
            lambda: _move(average, new, self.momentum),
            lambda: convert_to_tensor(average),
        )

    def _fused(self, inputs: Tensor, training: Any) -> Tensor:
        data_format = self._data_format
        assert data_format is not None
        channels = self.moving_mean.shape.as_list()
        offset = self.beta if self.center else constant_op.constant(0.0, shape=channels)
        scale = self.gamma if self.scale else constant_op.constant(1.0, shape=channels)

        def normalize(is_training: bool) -> Any:
            return nn.fused_batch_norm(
                inputs,
                scale,
                offset,
                mean=self.moving_mean,
                variance=self.moving_variance,
                epsilon=self.epsilon,
                data_format=data_format,
                is_training=is_training,
            )

        outputs, mean, variance = smart_cond(
            training, lambda: normalize(True), lambda: normalize(False)
        )
        if smart_constant_value(training) is not False:
            # A momentum of 1 leaves the averages where they are.
            momentum = smart_cond(
                training,
                lambda: convert_to_tensor(self.momentum),
                lambda: convert_to_tensor(1.0),
            )
            self.add_update(_move(self.moving_mean, mean, momentum))
            self.add_update(_move(self.moving_variance, variance, momentum))
        result: Tensor = outputs
        return result


def _format_of(rank: int, axes: list[int]) -> str | None:
    """The layout that the fused op would work on, or None where it cannot."""
    layouts = {
        (4, 1): "NCHW",
        (4, 3): "NHWC",
        (5, 1): "NCDHW",
        (5, 4): "NDHWC",
    }
    return layouts.get((rank, axes[0])) if len(axes) == 1 else None


def _choose(training: Any, new: Tensor, average: Any) -> Any:
    return smart_cond(training, lambda: new, lambda: convert_to_tensor(average))


def _move(average: Any, new: Any, momentum: Any) -> Tensor:
    """Moves an average towards a new value: `average -= (average - new) * (1 - momentum)`."""
    with (
        name_scope("AssignMovingAvg", None, [average, new, momentum]) as scope,
        colocate_with(average),
    ):
        rate = convert_to_tensor(1.0 - momentum, name="decay")
        rate = math_ops.cast(rate, average.dtype.base_dtype)
        return state_ops.assign_sub(average, (average - new) * rate, name=scope)


def batch_normalization(
    inputs: Any,
    axis: Any = -1,
    momentum: float = 0.99,
    epsilon: float = 1e-3,
    center: bool = True,
    scale: bool = True,
    beta_initializer: Any = arguments.ZEROS,
    gamma_initializer: Any = arguments.ONES,
    moving_mean_initializer: Any = arguments.ZEROS,
    moving_variance_initializer: Any = arguments.ONES,
    beta_regularizer: Any = None,
    gamma_regularizer: Any = None,
    beta_constraint: Any = None,
    gamma_constraint: Any = None,
    training: Any = False,
    trainable: bool = True,
    name: str | None = None,
    reuse: Any = None,
    renorm: bool = False,
    renorm_clipping: Any = None,
    renorm_momentum: float = 0.99,
    fused: bool | None = None,
    virtual_batch_size: int | None = None,
    adjustment: Any = None,
) -> Tensor:
    """Batch normalization (mirrors `tf.layers.batch_normalization`).

    Args:
      inputs: a float tensor.
      axis, momentum, epsilon, center, scale, beta_initializer, gamma_initializer,
        moving_mean_initializer, moving_variance_initializer, beta_regularizer, gamma_regularizer,
        beta_constraint, gamma_constraint, trainable, renorm, renorm_clipping, renorm_momentum,
        fused, virtual_batch_size, adjustment: see `tf.layers.BatchNormalization`.
      training: whether the batch's own mean and variance count, and the moving averages follow: a
        Python bool, or a boolean tensor such as a placeholder, to choose when the graph runs.
      name: the name of the layer and its variable scope; "batch_normalization", made unique, if
        None.
      reuse: True to share the variables of an earlier layer of the same name.

    Returns:
      A tensor like `inputs`. The updates of the averages are in `GraphKeys.UPDATE_OPS`: run them
      with each training step.

    Raises:
      ValueError, TypeError: see `tf.layers.BatchNormalization`.

    >>> import minitf as tf
    >>> x = tf.constant([[1.0], [3.0]])
    >>> y = tf.layers.batch_normalization(x, training=True, momentum=0.5, epsilon=0.0)
    >>> updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    >>> with tf.Session() as sess:
    ...     sess.run(tf.global_variables_initializer())
    ...     outputs, _ = sess.run([y, updates])
    ...     averages = [v for v in tf.global_variables() if "moving" in v.name]
    ...     print(outputs.ravel(), *sess.run(averages))
    [-1.  1.] [1.] [1.]
    """
    layer = BatchNormalization(
        axis=axis,
        momentum=momentum,
        epsilon=epsilon,
        center=center,
        scale=scale,
        beta_initializer=beta_initializer,
        gamma_initializer=gamma_initializer,
        moving_mean_initializer=moving_mean_initializer,
        moving_variance_initializer=moving_variance_initializer,
        beta_regularizer=beta_regularizer,
        gamma_regularizer=gamma_regularizer,
        beta_constraint=beta_constraint,
        gamma_constraint=gamma_constraint,
        renorm=renorm,
        renorm_clipping=renorm_clipping,
        renorm_momentum=renorm_momentum,
        fused=fused,
        trainable=trainable,
        virtual_batch_size=virtual_batch_size,
        adjustment=adjustment,
        name=name,
        _scope=name,
        _reuse=reuse,
    )
    result: Tensor = layer.apply(inputs, training=training)
    return result
