"""With this module one can add one number per channel to a batch of anything."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.scopes import name_scope
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, shape_of_dims
from minitf.kernels import reductions
from minitf.ops import array_ops

_FORMAT = 'data_format: {"NHWC", "NCHW"} = "NHWC"'


def _channel_axis(rank: int, data_format: str) -> int:
    return 1 if data_format == "NCHW" else rank - 1


# ---- BiasAdd

BIAS_ADD = op_def("BiasAdd(value: T, bias: T) -> (output: T)", "T: number", _FORMAT)


@BIAS_ADD.shape
def bias_add_shape(op: Operation) -> list[TensorShape]:
    value, bias = (tensor.shape for tensor in op.inputs)
    if bias.ndims not in (None, 1):
        raise ValueError(f"Shape must be rank 1 but is rank {bias.ndims}")
    if value.ndims is None:
        return [value]
    if value.ndims < 2:
        raise ValueError(f"Shape must be at least rank 2 but is rank {value.ndims}")
    axis = _channel_axis(value.ndims, op._attrs["data_format"])
    dims = value.as_list()
    channels, biases = dims[axis], bias.with_rank(1).as_list()[0]
    if None not in (channels, biases) and channels != biases:
        raise ValueError(f"Dimensions must be equal, but are {channels} and {biases}")
    dims[axis] = biases if channels is None else channels
    return [shape_of_dims(tuple(dims))]


@BIAS_ADD.kernel
def bias_add_kernel(value: Any, bias: Any, *, data_format: str, out: Any = None) -> Any:
    if value.ndim < 2:
        raise ValueError(f"Input tensor must be at least 2D: {list(value.shape)}")
    if np.ndim(bias) != 1:
        raise ValueError(f"Biases must be 1D: {list(np.shape(bias))}")
    axis = _channel_axis(value.ndim, data_format)
    if bias.shape[0] != value.shape[axis]:
        raise ValueError(
            f"Must provide as many biases as dim {axis} of the input tensor: "
            f"{list(bias.shape)} vs. {list(value.shape)}"
        )
    return np.add(value, bias.reshape((-1,) + (1,) * (value.ndim - axis - 1)), out=out)


@BIAS_ADD.gradient
def bias_add_gradient(op: Operation, grad: Tensor) -> Any:
    return grad, lambda: BIAS_ADD_GRAD(grad, data_format=op._attrs["data_format"])


def bias_add(
    value: Any, bias: Any, data_format: str | None = None, name: str | None = None
) -> Tensor:
    """Adds `bias[c]` to every element of channel `c` (mirrors `tf.nn.bias_add`).

    Args:
      value: a tensor of a number type, of at least two dims.
      bias: a vector, one element for each channel.
      data_format: "N...C" (or "NHWC"; the default): the channels are the last dim; "NC..." (or
        "NCHW"): they are the second.
      name: the node's name.

    Returns:
      A tensor of the shape and dtype of `value`.

    Raises:
      ValueError: if `bias` has not one element for each channel, or `data_format` is no such text.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.nn.bias_add([[1.0, 2.0], [3.0, 4.0]], [10.0, 20.0]))
    array([[11., 22.],
           [13., 24.]], dtype=float32)
    """
    with name_scope(name, "BiasAdd", [value, bias]) as scope:
        if data_format is not None and data_format[:2] != "NC" and data_format[-1:] != "C":
            raise errors.value_error(
                "`data_format` must be of the form `N...C` or `NC...`. Received: "
                f"data_format={data_format}"
            )
        layout = "NCHW" if data_format is not None and data_format[:2] == "NC" else "NHWC"
        value = convert_to_tensor(value, name="input")
        bias = convert_to_tensor(bias, dtype=value.dtype.base_dtype, name="bias")
        tensor: Tensor = BIAS_ADD(value, bias, data_format=layout, name=scope)
        return tensor


# ---- BiasAddGrad

BIAS_ADD_GRAD = op_def("BiasAddGrad(out_backprop: T) -> (output: T)", "T: number", _FORMAT)


@BIAS_ADD_GRAD.shape
def bias_add_grad_shape(op: Operation) -> list[TensorShape]:
    dims = op.inputs[0].shape._dims
    if dims is None:
        return [shape_of_dims((None,))]
    if len(dims) < 2:
        raise ValueError(f"Shape must be at least rank 2 but is rank {len(dims)}")
    return [shape_of_dims((dims[_channel_axis(len(dims), op._attrs["data_format"])],))]


@BIAS_ADD_GRAD.kernel
def bias_add_grad_kernel(out_backprop: Any, *, data_format: str) -> Any:
    if out_backprop.ndim < 2:
        raise ValueError(f"Input tensor must be at least 2D: {list(out_backprop.shape)}")
    axis = _channel_axis(out_backprop.ndim, data_format)
    others = tuple(i for i in range(out_backprop.ndim) if i != axis)
    return reductions.sum_over(out_backprop, others)


@BIAS_ADD_GRAD.gradient
def bias_add_grad_gradient(op: Operation, grad: Tensor) -> Any:
    # The sum over everything but the channels: each element's gradient is its channel's.
    zeros = array_ops.zeros_like(op.inputs[0])
    return BIAS_ADD(zeros, grad, data_format=op._attrs["data_format"])
