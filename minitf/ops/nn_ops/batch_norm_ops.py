"""With this module one can normalize a batch of images in one op: fused batch normalization.

    y = scale * (x - mean) / sqrt(variance + epsilon) + offset

with the mean and variance of each channel: those of the batch in training, given ones otherwise.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, shape_of_dims, unknown_shape
from minitf.ops import array_ops, math_ops
from minitf.ops.constant_op import constant
from minitf.ops.nn_ops.windows import same_dim

_FORMAT = 'data_format: {"NHWC", "NCHW", "NDHWC", "NCDHW"} = "NHWC"'


def _channel_axis(data_format: str) -> int:
    return data_format.index("C")


def _other_axes(data_format: str) -> tuple[int, ...]:
    return tuple(i for i, dim in enumerate(data_format) if dim != "C")


def _per_channel(values: Any, data_format: str) -> Any:
    """A vector, or tensor, of one number per channel, in the form that broadcasts against x."""
    if data_format.endswith("C"):
        return values
    shape = [1, -1] + [1] * (len(data_format) - 2)
    if isinstance(values, Tensor):
        return array_ops.reshape(values, shape)
    return values.reshape(shape)


def _checked_dims(op: Operation, position: int, name: str) -> list[int | None]:
    shape, rank = op.inputs[position].shape, len(op._attrs["data_format"])
    if shape.ndims not in (None, rank):
        raise ValueError(f"Shape must be rank {rank} but is rank {shape.ndims}")
    return shape.with_rank(rank).as_list()


def _vector_size(shape: TensorShape) -> int | None:
    if shape.ndims not in (None, 1):
        raise ValueError(f"Shape must be rank 1 but is rank {shape.ndims}")
    return shape.with_rank(1).as_list()[0]


# ---- FusedBatchNormV3

FUSED_BATCH_NORM_V3 = op_def(
    "FusedBatchNormV3(x: T, scale: U, offset: U, mean: U, variance: U) -> (y: T, batch_mean: U, "
    "batch_variance: U, reserve_space_1: U, reserve_space_2: U, reserve_space_3: U)",
    "T: {float16, float32}",
    "U: {float32}",
    "epsilon: float = 0.0001",
    "exponential_avg_factor: float = 1.0",
    _FORMAT,
    "is_training: bool = true",
)


@FUSED_BATCH_NORM_V3.shape
def fused_batch_norm_shape(op: Operation) -> list[TensorShape]:
    dims = _checked_dims(op, 0, "x")
    axis = _channel_axis(op._attrs["data_format"])
    channels = dims[axis]
    # In training mean and variance may be empty: the batch's own are used.
    for tensor in op.inputs[1 : 3 if op._attrs["is_training"] else 5]:
        channels = same_dim(channels, _vector_size(tensor.shape))
    dims[axis] = channels
    vector = shape_of_dims((channels,))
    return [shape_of_dims(tuple(dims)), *[vector] * 4, unknown_shape()]


@FUSED_BATCH_NORM_V3.kernel
def fused_batch_norm_kernel(
    x: Any,
    scale: Any,
    offset: Any,
    mean: Any,
    variance: Any,
    *,
    epsilon: float,
    exponential_avg_factor: float,
    data_format: str,
    is_training: bool,
) -> Any:
    vectors = {"scale": scale, "offset": offset}
    if not is_training or exponential_avg_factor != 1:
        vectors.update(mean=mean, variance=variance)
    _check_channels(x, data_format, vectors)
    wide = x.astype(np.float32, copy=False)
    if is_training:
        batch_mean, batch_variance = _moments(wide, data_format)
    else:
        batch_mean, batch_variance = mean.copy(), variance.copy()
    factor = scale / np.sqrt(batch_variance + np.float32(epsilon))
    y = (wide - _per_channel(batch_mean, data_format)) * _per_channel(factor, data_format)
    y += _per_channel(offset, data_format)
    y = y.astype(x.dtype, copy=False)
    nothing = np.zeros(0, np.float32)
    if not is_training:
        return y, batch_mean, batch_variance, batch_mean.copy(), batch_variance.copy(), nothing
    # The variance that is given out is the unbiased estimate; the gradient needs the other.
    count = _count(x, data_format)
    new_mean, new_variance = batch_mean.copy(), batch_variance * _unbiased(count)
    if exponential_avg_factor != 1:
        keep = np.float32(1 - exponential_avg_factor)
        take = np.float32(exponential_avg_factor)
        new_mean, new_variance = (
            mean * keep + new_mean * take,
            variance * keep + new_variance * take,
        )
    return y, new_mean, new_variance, batch_mean, batch_variance, nothing


def _check_channels(x: Any, data_format: str, vectors: dict[str, Any]) -> None:
    if x.ndim != len(data_format):
        raise ValueError(f"input must be {len(data_format)}-dimensional: {list(x.shape)}")
    channels = x.shape[_channel_axis(data_format)]
    for name, vector in vectors.items():
        if vector.shape != (channels,):
            raise ValueError(
                f"{name} must have the same number of elements as the channels of x, got "
                f"{list(vector.shape)} and {channels}"
            )


def _count(x: Any, data_format: str) -> int:
    """How many elements each channel has."""
    return int(np.prod([x.shape[axis] for axis in _other_axes(data_format)]))


def _unbiased(count: int) -> Any:
    return np.float32(count / max(count - 1, 1))


def _mean(values: Any, data_format: str) -> Any:
    # float64, for a channel of a batch may have a million elements.
    axes = _other_axes(data_format)
    return np.mean(values, axis=axes, dtype=np.float64).astype(np.float32)


def _moments(x: Any, data_format: str) -> tuple[Any, Any]:
    mean = _mean(x, data_format)
    return mean, _mean(np.square(x - _per_channel(mean, data_format)), data_format)


@FUSED_BATCH_NORM_V3.gradient
def fused_batch_norm_gradient(op: Operation, grad: Tensor | None, *_: Tensor | None) -> Any:
    x, scale = op.inputs[:2]
    attrs = {name: op._attrs[name] for name in ("epsilon", "data_format", "is_training")}
    if grad is None:
        grad = array_ops.zeros_like(op.outputs[0])
    x_grad, scale_grad, offset_grad, *_ = FUSED_BATCH_NORM_GRAD_V3(
        grad, x, scale, *op.outputs[3:6], **attrs
    )
    # As in TensorFlow, nothing flows through moments, neither those taken nor those given.
    return x_grad, scale_grad, offset_grad, None, None


def fused_batch_norm(
    x: Any,
    scale: Any,
    offset: Any,
    mean: Any = None,
    variance: Any = None,
    epsilon: float = 0.001,
    data_format: str = "NHWC",
    is_training: bool = True,
    name: str | None = None,
    exponential_avg_factor: float = 1.0,
) -> tuple[Tensor, Tensor, Tensor]:
    """Batch normalization in one op (mirrors `tf.nn.fused_batch_norm`).

    Args:
      x: of shape (batch, height, width, channels), or NCHW; float32 or float16.
      scale, offset: vectors of float32, one element for each channel.
      mean, variance: vectors of float32. Needed for inference, and in training if
        `exponential_avg_factor` is not 1.
      epsilon: added to the variance.
      data_format: "NHWC" or "NCHW" (or "NDHWC", "NCDHW" for volumes).
      is_training: whether the moments of `x` itself are used.
      name: the node's name.
      exponential_avg_factor: in training, the moments returned are
        `(1 - factor) * given + factor * those of x`.

    Returns:
      The normalized `x`; a mean; and a variance (the unbiased one in training).

    Raises:
      ValueError: if mean and variance are needed and missing, or the channels do not agree.

    >>> import minitf as tf
    >>> x = tf.reshape([1.0, 3.0], [2, 1, 1, 1])
    >>> y, mean, variance = tf.nn.fused_batch_norm(x, [1.0], [0.0], epsilon=0.0)
    >>> with tf.Session() as sess:
    ...     print(*(value.ravel() for value in sess.run([y, mean, variance])))
    [-1.  1.] [2.] [2.]
    """
    if (not is_training or exponential_avg_factor != 1.0) and (mean is None or variance is None):
        raise errors.value_error(
            "Both `mean` and `variance` must be a 1D tensor when `is_training` is False or "
            f"`exponential_avg_factor` != 1.0. Received: `mean` {mean} and `variance` {variance}"
        )
    x = convert_to_tensor(x, name="input")
    scale = convert_to_tensor(scale, name="scale")
    offset = convert_to_tensor(offset, name="offset")
    if mean is None:
        mean = constant([], "float32")
    if variance is None:
        variance = constant([], "float32")
    outputs = FUSED_BATCH_NORM_V3(
        x,
        scale,
        offset,
        mean,
        variance,
        epsilon=epsilon,
        exponential_avg_factor=exponential_avg_factor,
        data_format=data_format,
        is_training=is_training,
        name=name,
    )
    return outputs[0], outputs[1], outputs[2]


# ---- FusedBatchNormGradV3

FUSED_BATCH_NORM_GRAD_V3 = op_def(
    "FusedBatchNormGradV3(y_backprop: T, x: T, scale: float32, reserve_space_1: U, "
    "reserve_space_2: U, reserve_space_3: U) -> (x_backprop: T, scale_backprop: U, "
    "offset_backprop: U, reserve_space_4: U, reserve_space_5: U)",
    "T: {float16, float32}",
    "U: {float32}",
    "epsilon: float = 0.0001",
    _FORMAT,
    "is_training: bool = true",
)


@FUSED_BATCH_NORM_GRAD_V3.shape
def fused_batch_norm_grad_shape(op: Operation) -> list[TensorShape]:
    dims = _checked_dims(op, 0, "y_backprop")
    others = _checked_dims(op, 1, "x")
    dims = [same_dim(*pair) for pair in zip(dims, others, strict=True)]
    axis = _channel_axis(op._attrs["data_format"])
    for tensor in op.inputs[2:5]:
        dims[axis] = same_dim(dims[axis], _vector_size(tensor.shape))
    vector, nothing = shape_of_dims((dims[axis],)), shape_of_dims((0,))
    return [shape_of_dims(tuple(dims)), vector, vector, nothing, nothing]


@FUSED_BATCH_NORM_GRAD_V3.kernel
def fused_batch_norm_grad_kernel(
    y_backprop: Any,
    x: Any,
    scale: Any,
    reserve_space_1: Any,
    reserve_space_2: Any,
    reserve_space_3: Any,
    *,
    epsilon: float,
    data_format: str,
    is_training: bool,
) -> Any:
    mean, variance = reserve_space_1, reserve_space_2
    _check_channels(x, data_format, {"scale": scale, "mean": mean, "variance": variance})
    if x.shape != y_backprop.shape:
        raise ValueError(
            f"x and y_backprop must have the same shape, got {list(x.shape)} and "
            f"{list(y_backprop.shape)}"
        )

    def spread(values: Any) -> Any:
        return _per_channel(values, data_format)

    grad = y_backprop.astype(np.float32, copy=False)
    inverse = 1 / np.sqrt(variance + np.float32(epsilon))
    normed = (x.astype(np.float32, copy=False) - spread(mean)) * spread(inverse)
    count = np.float32(_count(x, data_format))
    grad_mean, product_mean = _mean(grad, data_format), _mean(grad * normed, data_format)
    x_grad = grad
    if is_training:
        x_grad = grad - spread(grad_mean) - normed * spread(product_mean)
    x_grad = (x_grad * spread(scale * inverse)).astype(x.dtype, copy=False)
    nothing = np.zeros(0, np.float32)
    if count == 0:
        grad_mean = product_mean = np.zeros_like(scale)
    return x_grad, product_mean * count, grad_mean * count, nothing, nothing.copy()


@FUSED_BATCH_NORM_GRAD_V3.gradient
def fused_batch_norm_grad_gradient(op: Operation, *output_grads: Tensor | None) -> Any:
    """Differentiates the kernel's formulas, while training also through the moments of x in them.

    With r = 1 / sqrt(variance + epsilon), n = (x - mean) r and g the gradient by y:

        x_backprop = scale r P(g), where P(g) = g - mean(g) - n mean(g n), or g in inference
        scale_backprop = sum(g n),  offset_backprop = sum(g)
    """
    grad, x, scale, mean, variance, _ = op.inputs
    data_format = op._attrs["data_format"]
    axes = list(_other_axes(data_format))
    is_training = op._attrs["is_training"]

    def spread(values: Any) -> Any:
        return _per_channel(values, data_format)

    def total(values: Any) -> Any:
        return math_ops.reduce_sum(values, axes)

    def average(values: Any) -> Any:
        return math_ops.reduce_mean(values, axes, keepdims=True)

    def project(values: Any) -> Any:
        if not is_training:
            return values
        return values - average(values) - normed * average(values * normed)

    wide_grad, wide_x = math_ops.cast(grad, "float32"), math_ops.cast(x, "float32")
    if is_training:
        # Taken anew, so that further derivatives see that they depend on x.
        mean = array_ops.reshape(average(wide_x), [-1])
        variance = array_ops.reshape(average(math_ops.square(wide_x - spread(mean))), [-1])
    by_x, by_scale, by_offset = (
        array_ops.zeros_like(output) if g is None else g
        for g, output in zip(output_grads[:3], op.outputs[:3], strict=True)
    )
    by_x = math_ops.cast(by_x, "float32")
    inverse = math_ops.rsqrt(variance + op.get_attr("epsilon"))
    normed = (wide_x - spread(mean)) * spread(inverse)
    factor = spread(scale * inverse)
    projected = project(wide_grad)
    products = total(by_x * projected)
    grad_grad = factor * project(by_x) + spread(by_scale) * normed + spread(by_offset)
    by_normed = spread(by_scale) * wide_grad
    if is_training:
        crossed = by_x * average(wide_grad * normed) + wide_grad * average(by_x * normed)
        by_normed = by_normed - factor * crossed
    x_grad = by_normed * spread(inverse)
    if is_training:
        by_scaled = average(by_normed * normed) + factor * average(by_x * projected)
        # As in tf.nn.moments, and TensorFlow's own, the mean within the variance counts as fixed.
        fixed = (wide_x - array_ops.stop_gradient(spread(mean))) * spread(inverse)
        x_grad = x_grad - average(x_grad) - fixed * spread(inverse) * by_scaled
    grads = math_ops.cast(grad_grad, grad.dtype), math_ops.cast(x_grad, x.dtype), inverse * products
    # As in TensorFlow, the moments get no gradient of their own.
    return *grads, None, None, None
