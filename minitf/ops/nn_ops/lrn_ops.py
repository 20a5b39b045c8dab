"""With this module one can let neighbouring channels inhibit one another, as AlexNet did."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework import errors
from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, shape_of_dims
from minitf.ops.nn_ops.windows import check_rank_4, four_dims, same_dim

_ATTRS = (
    "depth_radius: int = 5",
    "bias: float = 1.0",
    "alpha: float = 1.0",
    "beta: float = 0.5",
    "T: {float16, float32} = float32",
)


def _window_sums(values: Any, radius: int) -> Any:
    """The sum over the channels that are at most `radius` away, for each channel."""
    sums = values.copy()
    for distance in range(1, min(radius, values.shape[-1] - 1) + 1):
        sums[..., distance:] += values[..., :-distance]
        sums[..., :-distance] += values[..., distance:]
    return sums


def _norms(image: Any, depth_radius: int, bias: float, alpha: float) -> Any:
    check_rank_4(image, "in")
    if depth_radius < 0:
        raise ValueError(f"depth_radius must be non-negative, but is {depth_radius}")
    return bias + alpha * _window_sums(np.square(image), depth_radius)


# ---- LRN

LRN = op_def("LRN(input: T) -> (output: T)", *_ATTRS)


@LRN.shape
def lrn_shape(op: Operation) -> list[TensorShape]:
    return [shape_of_dims(four_dims(op.inputs[0].shape))]


@LRN.kernel
def lrn_kernel(input: Any, *, depth_radius: int, bias: float, alpha: float, beta: float) -> Any:
    image = input.astype(np.float32, copy=False)
    output = image * _norms(image, depth_radius, bias, alpha) ** -beta
    return output.astype(input.dtype, copy=False)


@LRN.gradient
def lrn_gradient(op: Operation, grad: Tensor) -> Any:
    attrs = {name: op._attrs[name] for name in ("depth_radius", "bias", "alpha", "beta")}
    return LRN_GRAD(grad, op.inputs[0], op.outputs[0], **attrs)


def local_response_normalization(
    input: Any,
    depth_radius: int = 5,
    bias: float = 1,
    alpha: float = 1,
    beta: float = 0.5,
    name: str | None = None,
) -> Tensor:
    """Divides each element by the strength of its neighbouring channels (mirrors `tf.nn.lrn`).

        output[..., c] = input[..., c] / (bias + alpha * sum of input[..., d] ** 2) ** beta

    where d runs over the channels at most `depth_radius` away from c.

    Args:
      input: of shape (batch, height, width, channels); float32 or float16.
      depth_radius: how far the neighbourhood reaches on either side.
      bias: keeps the divisor from 0.
      alpha: the weight of the squares.
      beta: the exponent.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype.

    Raises:
      TypeError: if `input` is of another dtype.
      ValueError: if `input` has not four dims.

    >>> import minitf as tf
    >>> pixel = tf.reshape([3.0, 4.0, 0.0], [1, 1, 1, 3])
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.nn.lrn(pixel, depth_radius=1, bias=0.0)).ravel())
    [0.6 0.8 0. ]
    """
    result: Tensor = LRN(
        input, depth_radius=depth_radius, bias=bias, alpha=alpha, beta=beta, name=name
    )
    return result


lrn = local_response_normalization

# ---- LRNGrad

LRN_GRAD = op_def(
    "LRNGrad(input_grads: T, input_image: T, output_image: T) -> (output: T)", *_ATTRS
)


@LRN_GRAD.shape
def lrn_grad_shape(op: Operation) -> list[TensorShape]:
    dims = four_dims(op.inputs[0].shape)
    for tensor in op.inputs[1:]:
        others = four_dims(tensor.shape)
        dims = tuple(same_dim(*pair) for pair in zip(dims, others, strict=True))
    return [shape_of_dims(dims)]


@LRN_GRAD.kernel
def lrn_grad_kernel(
    input_grads: Any,
    input_image: Any,
    output_image: Any,
    *,
    depth_radius: int,
    bias: float,
    alpha: float,
    beta: float,
) -> Any:
    grads, image, output = (
        array.astype(np.float32, copy=False) for array in (input_grads, input_image, output_image)
    )
    norms = _norms(image, depth_radius, bias, alpha)
    # Each element acts on its neighbours through their norms.
    through_norms = _window_sums(grads * output / norms, depth_radius)
    result = grads * norms**-beta - 2 * alpha * beta * image * through_norms
    return result.astype(input_grads.dtype, copy=False)


@LRN_GRAD.gradient
def lrn_grad_gradient(op: Operation, grad: Tensor) -> Any:
    raise LookupError(
        errors.report(
            "No gradient defined for operation type LRNGrad: the second derivative of local "
            "response normalization.",
            op=op,
            do="take only first derivatives of tf.nn.lrn, or compose it of other ops.",
            see="no-gradient",
        )
    )
