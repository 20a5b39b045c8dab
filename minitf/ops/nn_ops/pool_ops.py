"""With this module one can shrink images by keeping the largest, or the mean, of each window."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import errors
from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.scopes import name_scope
from minitf.framework.static_value import static_shape_value
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, shape_of_dims
from minitf.kernels.workspace import into
from minitf.ops import array_ops
from minitf.ops.array_ops.shape_ops import one_of
from minitf.ops.nn_ops.windows import (
    DATA_FORMAT,
    EXPLICIT_PADDINGS,
    PADDING,
    Window,
    check_rank_4,
    four_dims,
    four_values,
    padding_attrs,
)

_KSIZE_STRIDES = ("ksize: list(int) > 4", "strides: list(int) > 4")
_NO_EXPLICIT = 'padding: {"SAME", "VALID"}'
_T_FLOAT32 = "T: realnumber = float32"


def _shared_attrs(op: Operation) -> dict[str, Any]:
    """The attributes that a pooling op and its gradients have in common."""
    names = ("ksize", "strides", "padding", "data_format")
    return {name: op._attrs[name] for name in names}


def _window_of(
    ksize: Any, strides: Any, padding: str, data_format: str, explicit_paddings: Any = ()
) -> Window:
    window = Window(strides, padding, data_format, explicit_paddings=explicit_paddings, ksize=ksize)
    window.check_planar("Pooling")
    for axis, before_and_after in enumerate(window.explicit or ()):
        if max(before_and_after) >= window.ksize[axis]:
            raise ValueError(
                f"Padding {max(before_and_after)} needs to be smaller than the window size "
                f"{window.ksize[axis]}"
            )
    return window


def _pooled_shape(op: Operation) -> list[TensorShape]:
    window = Window.of(op)
    batch, channels, sizes = window.split(four_dims(op.inputs[0].shape))
    return [window.join(batch, channels, window.output_sizes(sizes, window.ksize))]


# ---- MaxPool

MAX_POOL = op_def(
    "MaxPool(input: T) -> (output: T)",
    "T: {float16, float32, float64, int32, int64, uint8, int16, int8, uint16} = float32",
    *_KSIZE_STRIDES,
    PADDING,
    EXPLICIT_PADDINGS,
    DATA_FORMAT,
    shape=_pooled_shape,
)


@MAX_POOL.kernel
def max_pool_kernel(
    input: Any,
    *,
    ksize: Any,
    strides: Any,
    padding: str,
    explicit_paddings: Any,
    data_format: str,
    out: Any = None,
) -> Any:
    from minitf.kernels import pool

    check_rank_4(input, "tensor_in")
    window = _window_of(ksize, strides, padding, data_format, explicit_paddings)
    images = window.to_nhwc(input)
    keywords = window.keywords(images.shape[1:3], window.ksize)
    keywords["out"] = None if window.is_nchw else out
    return into(out, window.from_nhwc(pool.max_pool(images, ksize=window.ksize, **keywords)))


@MAX_POOL.gradient
def max_pool_gradient(op: Operation, grad: Tensor) -> Any:
    explicit = op._attrs["explicit_paddings"]
    return MAX_POOL_GRAD(
        op.inputs[0], op.outputs[0], grad, explicit_paddings=explicit, **_shared_attrs(op)
    )


def max_pool(
    value: Any = None,
    ksize: Any = None,
    strides: Any = None,
    padding: Any = None,
    data_format: str = "NHWC",
    name: str | None = None,
    input: Any = None,
) -> Tensor:
    """The largest element of each window of each channel (mirrors `tf.nn.max_pool`).

    Args:
      value: of shape (batch, height, width, channels), or NCHW; of a real number type.
      ksize: the size of the window: one int, two for height and width, or four for all dims, of
        which those of batch and channels must be 1.
      strides: how far the window moves, in the form of `ksize`.
      padding: "SAME", "VALID", or four pairs of sizes. Padding never wins.
      data_format: "NHWC" or "NCHW".
      name: the node's name.
      input: another name of `value`.

    Returns:
      A tensor of the same dtype. Its gradient goes to the first of several largest elements.

    Raises:
      ValueError: if the window is larger than the padded input.

    >>> import minitf as tf
    >>> image = tf.reshape(tf.range(16.0), [1, 4, 4, 1])
    >>> pooled = tf.nn.max_pool(image, [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.squeeze(pooled)))
    [[ 5.  7.]
     [13. 15.]]
    """
    value = one_of("value", value, "input", input)
    with name_scope(name, "MaxPool", [value]) as scope:
        if np.min(ksize) == 0:
            raise errors.value_error(f"`ksize` cannot be zero. Received: ksize={ksize}")
        tensor: Tensor = MAX_POOL(
            value,
            ksize=four_values(ksize, "ksize", data_format),
            strides=four_values(strides, "strides", data_format),
            data_format=data_format,
            name=scope,
            **padding_attrs(padding),
        )
        return tensor


# ---- MaxPoolGrad

MAX_POOL_GRAD = op_def(
    "MaxPoolGrad(orig_input: T, orig_output: T, grad: T) -> (output: T)",
    *_KSIZE_STRIDES,
    PADDING,
    EXPLICIT_PADDINGS,
    DATA_FORMAT,
    _T_FLOAT32,
)


@MAX_POOL_GRAD.shape
def max_pool_grad_shape(op: Operation) -> list[TensorShape]:
    return [shape_of_dims(four_dims(op.inputs[0].shape))]


@MAX_POOL_GRAD.kernel
def max_pool_grad_kernel(
    orig_input: Any,
    orig_output: Any,
    grad: Any,
    *,
    ksize: Any,
    strides: Any,
    padding: str,
    explicit_paddings: Any,
    data_format: str,
    out: Any = None,
) -> Any:
    from minitf.kernels import pool

    check_rank_4(orig_input, "orig_input")
    window = _window_of(ksize, strides, padding, data_format, explicit_paddings)
    images = window.to_nhwc(orig_input)
    keywords = window.keywords(images.shape[1:3], window.ksize)
    keywords["out"] = None if window.is_nchw else out
    gradient = pool.max_pool_grad(
        images,
        window.to_nhwc(orig_output),
        window.to_nhwc(grad),
        ksize=window.ksize,
        **keywords,
    )
    return into(out, window.from_nhwc(gradient))


@MAX_POOL_GRAD.gradient
def max_pool_grad_gradient(op: Operation, grad: Tensor) -> Any:
    # Linear in the gradient; almost nowhere does it depend on which element was the largest.
    orig_input, orig_output, _ = op.inputs
    padded, attrs = orig_input, _shared_attrs(op)
    if attrs["padding"] == "EXPLICIT":
        # MaxPoolGradGrad knows no such padding, so the images are padded, by what never wins.
        pairs = np.reshape(op._attrs["explicit_paddings"], (4, 2))
        padded = array_ops.pad(orig_input, pairs, constant_values=orig_input.dtype.min)
        grad = array_ops.pad(grad, pairs)
        attrs["padding"] = "VALID"
    return (
        array_ops.zeros_like(orig_input),
        array_ops.zeros_like(orig_output),
        MAX_POOL_GRAD_GRAD(padded, orig_output, grad, **attrs),
    )


# ---- MaxPoolGradGrad

MAX_POOL_GRAD_GRAD = op_def(
    "MaxPoolGradGrad(orig_input: T, orig_output: T, grad: T) -> (output: T)",
    *_KSIZE_STRIDES,
    _NO_EXPLICIT,
    DATA_FORMAT,
    "T: realnumber",
)


@MAX_POOL_GRAD_GRAD.shape
def max_pool_grad_grad_shape(op: Operation) -> list[TensorShape]:
    return [op.inputs[1].shape]


@MAX_POOL_GRAD_GRAD.kernel
def max_pool_grad_grad_kernel(
    orig_input: Any,
    orig_output: Any,
    grad: Any,
    *,
    ksize: Any,
    strides: Any,
    padding: str,
    data_format: str,
) -> Any:
    from minitf.kernels import pool

    check_rank_4(orig_input, "orig_input")
    window = _window_of(ksize, strides, padding, data_format)
    images = window.to_nhwc(orig_input)
    keywords = window.keywords(images.shape[1:3], window.ksize)
    gradient = pool.max_pool_grad_grad(
        images,
        window.to_nhwc(orig_output),
        window.to_nhwc(grad),
        ksize=window.ksize,
        **keywords,
    )
    return window.from_nhwc(gradient)


@MAX_POOL_GRAD_GRAD.gradient
def max_pool_grad_grad_gradient(op: Operation, grad: Tensor) -> Any:
    orig_input, orig_output, _ = op.inputs
    return (
        array_ops.zeros_like(orig_input),
        array_ops.zeros_like(orig_output),
        MAX_POOL_GRAD(orig_input, orig_output, grad, **_shared_attrs(op)),
    )


# ---- AvgPool

AVG_POOL = op_def(
    "AvgPool(value: T) -> (output: T)",
    *_KSIZE_STRIDES,
    _NO_EXPLICIT,
    DATA_FORMAT,
    "T: float",
    shape=_pooled_shape,
)


@AVG_POOL.kernel
def avg_pool_kernel(value: Any, *, ksize: Any, strides: Any, padding: str, data_format: str) -> Any:
    from minitf.kernels import pool

    check_rank_4(value, "tensor_in")
    window = _window_of(ksize, strides, padding, data_format)
    images = window.to_nhwc(value)
    keywords = window.keywords(images.shape[1:3], window.ksize)
    return window.from_nhwc(pool.avg_pool(images, ksize=window.ksize, **keywords))


@AVG_POOL.gradient
def avg_pool_gradient(op: Operation, grad: Tensor) -> Any:
    return AVG_POOL_GRAD(array_ops.shape(op.inputs[0]), grad, **_shared_attrs(op))


def avg_pool(
    value: Any = None,
    ksize: Any = None,
    strides: Any = None,
    padding: Any = None,
    data_format: str = "NHWC",
    name: str | None = None,
    input: Any = None,
) -> Tensor:
    """The mean of each window of each channel (mirrors `tf.nn.avg_pool`).

    Args:
      value: of shape (batch, height, width, channels), or NCHW; of a floating dtype.
      ksize: the size of the window: one int, two for height and width, or four for all dims, of
        which those of batch and channels must be 1.
      strides: how far the window moves, in the form of `ksize`.
      padding: "SAME" or "VALID". Padding is not counted in the mean.
      data_format: "NHWC" or "NCHW".
      name: the node's name.
      input: another name of `value`.

    Returns:
      A tensor of the same dtype.

    Raises:
      ValueError: if the window is larger than the input and the padding is "VALID".

    >>> import minitf as tf
    >>> image = tf.reshape(tf.range(16.0), [1, 4, 4, 1])
    >>> pooled = tf.nn.avg_pool(image, [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.squeeze(pooled)))
    [[ 2.5  4.5]
     [10.5 12.5]]
    """
    value = one_of("value", value, "input", input)
    with name_scope(name, "AvgPool", [value]) as scope:
        tensor: Tensor = AVG_POOL(
            value,
            ksize=four_values(ksize, "ksize", data_format),
            strides=four_values(strides, "strides", data_format),
            padding=padding,
            data_format=data_format,
            name=scope,
        )
        return tensor


# ---- AvgPoolGrad

AVG_POOL_GRAD = op_def(
    "AvgPoolGrad(orig_input_shape: int32, grad: T) -> (output: T)",
    *_KSIZE_STRIDES,
    _NO_EXPLICIT,
    DATA_FORMAT,
    "T: float",
)


@AVG_POOL_GRAD.shape
def avg_pool_grad_shape(op: Operation) -> list[TensorShape]:
    return [shape_of_dims(four_dims(static_shape_value(op.inputs[0])))]


@AVG_POOL_GRAD.kernel
def avg_pool_grad_kernel(
    orig_input_shape: Any, grad: Any, *, ksize: Any, strides: Any, padding: str, data_format: str
) -> Any:
    from minitf.kernels import pool

    check_rank_4(grad, "out_backprop")
    window = _window_of(ksize, strides, padding, data_format)
    shape = window.nhwc_shape(orig_input_shape, "orig_input_shape")
    images = window.to_nhwc(grad)
    window.check_output(shape[1:3], window.ksize, images.shape[1:3])
    keywords = window.keywords(shape[1:3], window.ksize)
    return window.from_nhwc(pool.avg_pool_grad(shape, images, ksize=window.ksize, **keywords))


@AVG_POOL_GRAD.gradient
def avg_pool_grad_gradient(op: Operation, grad: Tensor) -> Any:
    return None, AVG_POOL(grad, **_shared_attrs(op))
