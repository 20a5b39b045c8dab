"""With this module one can bend a line: relu and its family, which make layers nonlinear."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework.op_def import broadcast, op_def, unchanged
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor

# ---- Relu

RELU = op_def(
    "Relu(features: T) -> (activations: T)",
    "T: realnumber",
    elementwise=True,
    shape=unchanged,
)


@RELU.kernel
def relu_kernel(features: Any) -> Any:
    return np.maximum(features, 0)


@RELU.gradient
def relu_gradient(op: Operation, grad: Tensor) -> Any:
    return RELU_GRAD(grad, op.outputs[0])


def relu(features: Any, name: str | None = None) -> Tensor:
    """Rectified linear: `max(features, 0)`, elementwise (mirrors `tf.nn.relu`).

    Args:
      features: a tensor of a real number type, of any shape.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype. Where `features` is 0 its gradient is 0.

    Raises:
      TypeError: if `features` is not of a real number type.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.nn.relu([-2.0, 0.0, 3.0]))
    array([0., 0., 3.], dtype=float32)
    """
    tensor: Tensor = RELU(features, name=name)
    return tensor


# ---- ReluGrad

RELU_GRAD = op_def(
    "ReluGrad(gradients: T, features: T) -> (backprops: T)",
    "T: realnumber",
    elementwise=True,
    shape=broadcast,
)


@RELU_GRAD.kernel
def relu_grad_kernel(gradients: Any, features: Any) -> Any:
    return gradients * (features > 0)


@RELU_GRAD.gradient
def relu_grad_gradient(op: Operation, grad: Tensor) -> Any:
    # The output is linear in the gradients; almost nowhere does it depend on the features.
    return RELU_GRAD(grad, op.inputs[1]), None
