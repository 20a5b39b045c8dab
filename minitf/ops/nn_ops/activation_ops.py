"""With this module one can bend a line: relu and its family, which make layers nonlinear.

Each function comes with the op that its gradient is made of, so that TensorFlow's graphs and ours
have the same nodes; and that op has a gradient in turn.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework.convert import convert_to_tensor
from minitf.framework.op_def import alike, op_def, unchanged
from minitf.framework.operation import Operation
from minitf.framework.scopes import name_scope
from minitf.framework.tensor import Tensor
from minitf.kernels import vector_math
from minitf.ops import array_ops, math_ops

# ---- Relu

RELU = op_def(
    "Relu(features: T) -> (activations: T)",
    "T: realnumber",
    elementwise=True,
    shape=unchanged,
)


@RELU.kernel
def relu_kernel(features: Any, *, out: Any = None) -> Any:
    return np.maximum(features, 0, out=out)


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
    shape=alike,
)


@RELU_GRAD.kernel
def relu_grad_kernel(gradients: Any, features: Any, *, out: Any = None) -> Any:
    active = np.greater(features, 0, out=out)
    return np.multiply(gradients, active, out=out)


@RELU_GRAD.gradient
def relu_grad_gradient(op: Operation, grad: Tensor) -> Any:
    # The output is linear in the gradients; almost nowhere does it depend on the features.
    features = op.inputs[1]
    return RELU_GRAD(grad, features), array_ops.zeros_like(features)


# ---- Relu6

RELU6 = op_def(
    "Relu6(features: T) -> (activations: T)",
    "T: realnumber",
    elementwise=True,
    shape=unchanged,
)


@RELU6.kernel
def relu6_kernel(features: Any) -> Any:
    return np.minimum(np.maximum(features, 0), 6)


@RELU6.gradient
def relu6_gradient(op: Operation, grad: Tensor) -> Any:
    return RELU6_GRAD(grad, op.outputs[0])


def relu6(features: Any, name: str | None = None) -> Tensor:
    """Rectified linear with a ceiling: `min(max(features, 0), 6)` (mirrors `tf.nn.relu6`).

    Args:
      features: a tensor of a real number type, of any shape.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype.

    Raises:
      TypeError: if `features` is not of a real number type.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.nn.relu6([-1.0, 3.0, 8.0]))
    array([0., 3., 6.], dtype=float32)
    """
    with name_scope(name, "Relu6", [features]) as scope:
        features = convert_to_tensor(features, name="features")
        tensor: Tensor = RELU6(features, name=scope)
        return tensor


# ---- Relu6Grad

RELU6_GRAD = op_def(
    "Relu6Grad(gradients: T, features: T) -> (backprops: T)",
    "T: realnumber",
    elementwise=True,
    shape=alike,
)


@RELU6_GRAD.kernel
def relu6_grad_kernel(gradients: Any, features: Any) -> Any:
    return gradients * ((features > 0) & (features < 6))


@RELU6_GRAD.gradient
def relu6_grad_gradient(op: Operation, grad: Tensor) -> Any:
    features = op.inputs[1]
    return RELU6_GRAD(grad, features), array_ops.zeros_like(features)


# ---- LeakyRelu

LEAKY_RELU = op_def(
    "LeakyRelu(features: T) -> (activations: T)",
    "alpha: float = 0.2",
    "T: float = float32",
    elementwise=True,
    shape=unchanged,
)


@LEAKY_RELU.kernel
def leaky_relu_kernel(features: Any, *, alpha: float) -> Any:
    return np.where(features > 0, features, features * alpha)


@LEAKY_RELU.gradient
def leaky_relu_gradient(op: Operation, grad: Tensor) -> Any:
    return LEAKY_RELU_GRAD(grad, op.inputs[0], alpha=op.get_attr("alpha"))


def leaky_relu(features: Any, alpha: float = 0.2, name: str | None = None) -> Tensor:
    """Relu with a slope on the left: `features` or `alpha * features` (mirrors `tf.nn.leaky_relu`).

    Args:
      features: a tensor of a floating dtype, or of integers, which are cast to float32.
      alpha: the slope where `features` is negative.
      name: the node's name.

    Returns:
      A tensor of the same shape.

    Raises:
      TypeError: if `alpha` is not a Python number.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.nn.leaky_relu([-2.0, 3.0]))
    array([-0.4,  3. ], dtype=float32)
    """
    with name_scope(name, "LeakyRelu", [features]) as scope:
        features = convert_to_tensor(features, name="features")
        if features.dtype.is_integer:
            features = math_ops.cast(features, "float32")
        tensor: Tensor = LEAKY_RELU(features, alpha=alpha, name=scope)
        return tensor


# ---- LeakyReluGrad

LEAKY_RELU_GRAD = op_def(
    "LeakyReluGrad(gradients: T, features: T) -> (backprops: T)",
    "alpha: float = 0.2",
    "T: float = float32",
    elementwise=True,
    shape=alike,
)


@LEAKY_RELU_GRAD.kernel
def leaky_relu_grad_kernel(gradients: Any, features: Any, *, alpha: float) -> Any:
    return np.where(features > 0, gradients, gradients * alpha)


@LEAKY_RELU_GRAD.gradient
def leaky_relu_grad_gradient(op: Operation, grad: Tensor) -> Any:
    features = op.inputs[1]
    return (
        LEAKY_RELU_GRAD(grad, features, alpha=op.get_attr("alpha")),
        array_ops.zeros_like(features),
    )


# ---- Elu

ELU = op_def("Elu(features: T) -> (activations: T)", "T: float", elementwise=True, shape=unchanged)


@ELU.kernel
def elu_kernel(features: Any) -> Any:
    return np.where(features < 0, vector_math.expm1(features), features)


@ELU.gradient
def elu_gradient(op: Operation, grad: Tensor) -> Any:
    return ELU_GRAD(grad, op.outputs[0])


def elu(features: Any, name: str | None = None) -> Tensor:
    """Exponential linear: `exp(features) - 1` if negative, else `features` (mirrors `tf.nn.elu`).

    Args:
      features: a tensor of a floating dtype, of any shape.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype.

    Raises:
      TypeError: if `features` is not of a floating dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.nn.elu([-1.0, 2.0]))
    array([-0.63212055,  2.        ], dtype=float32)
    """
    tensor: Tensor = ELU(features, name=name)
    return tensor


# ---- EluGrad

ELU_GRAD = op_def(
    "EluGrad(gradients: T, outputs: T) -> (backprops: T)",
    "T: float",
    elementwise=True,
    shape=alike,
)


@ELU_GRAD.kernel
def elu_grad_kernel(gradients: Any, outputs: Any) -> Any:
    return np.where(outputs < 0, (outputs + 1) * gradients, gradients)


@ELU_GRAD.gradient
def elu_grad_gradient(op: Operation, grad: Tensor) -> Any:
    gradients, outputs = op.inputs
    return ELU_GRAD(grad, outputs), _where_negative(outputs, grad * gradients)


def _where_negative(condition: Tensor, value: Tensor) -> Tensor:
    zeros = array_ops.zeros_like(condition)
    return array_ops.where(math_ops.less(condition, zeros), value, zeros)


# ---- Selu

# The fixed point of mean 0 and variance 1 under a layer of this activation, to double precision.
_SELU_SCALE = 1.0507009873554804934193349852946
_SELU_SCALE_ALPHA = 1.7580993408473768599402175208123

SELU = op_def(
    "Selu(features: T) -> (activations: T)", "T: float", elementwise=True, shape=unchanged
)


@SELU.kernel
def selu_kernel(features: Any) -> Any:
    negative = vector_math.expm1(features) * _SELU_SCALE_ALPHA
    return np.where(features < 0, negative, features * _SELU_SCALE)


@SELU.gradient
def selu_gradient(op: Operation, grad: Tensor) -> Any:
    return SELU_GRAD(grad, op.outputs[0])


def selu(features: Any, name: str | None = None) -> Tensor:
    """Elu, scaled so that layers keep mean 0 and variance 1 (mirrors `tf.nn.selu`).

    `scale * alpha * (exp(features) - 1)` if negative, else `scale * features`, with scale 1.0507
    and alpha 1.6733.

    Args:
      features: a tensor of a floating dtype, of any shape.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype.

    Raises:
      TypeError: if `features` is not of a floating dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.nn.selu([-1.0, 2.0]))
    array([-1.1113307,  2.101402 ], dtype=float32)
    """
    tensor: Tensor = SELU(features, name=name)
    return tensor


# ---- SeluGrad

SELU_GRAD = op_def(
    "SeluGrad(gradients: T, outputs: T) -> (backprops: T)",
    "T: float",
    elementwise=True,
    shape=alike,
)


@SELU_GRAD.kernel
def selu_grad_kernel(gradients: Any, outputs: Any) -> Any:
    negative = gradients * (outputs + _SELU_SCALE_ALPHA)
    return np.where(outputs < 0, negative, gradients * _SELU_SCALE)


@SELU_GRAD.gradient
def selu_grad_gradient(op: Operation, grad: Tensor) -> Any:
    gradients, outputs = op.inputs
    return SELU_GRAD(grad, outputs), _where_negative(outputs, grad * gradients)


# ---- Softplus

SOFTPLUS = op_def(
    "Softplus(features: T) -> (activations: T)", "T: float", elementwise=True, shape=unchanged
)


@SOFTPLUS.kernel
def softplus_kernel(features: Any) -> Any:
    return vector_math.softplus(features)


@SOFTPLUS.gradient
def softplus_gradient(op: Operation, grad: Tensor) -> Any:
    return math_ops.MUL(grad, math_ops.SIGMOID(op.inputs[0]))


def softplus(features: Any, name: str | None = None) -> Tensor:
    """A smooth relu: `log(exp(features) + 1)`, elementwise (mirrors `tf.nn.softplus`).

    Args:
      features: a tensor of a floating dtype, of any shape.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype; no overflow for large `features`.

    Raises:
      TypeError: if `features` is not of a floating dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.nn.softplus([0.0, 1000.0]))
    array([6.931472e-01, 1.000000e+03], dtype=float32)
    """
    tensor: Tensor = SOFTPLUS(features, name=name)
    return tensor


# ---- SoftplusGrad

SOFTPLUS_GRAD = op_def(
    "SoftplusGrad(gradients: T, features: T) -> (backprops: T)",
    "T: float",
    elementwise=True,
    shape=alike,
)


@SOFTPLUS_GRAD.kernel
def softplus_grad_kernel(gradients: Any, features: Any) -> Any:
    return gradients / (vector_math.exp(-features) + 1)


@SOFTPLUS_GRAD.gradient
def softplus_grad_gradient(op: Operation, grad: Tensor) -> Any:
    gradients, features = op.inputs
    # The derivative of sigmoid(x) is sigmoid(x) sigmoid(-x), and SoftplusGrad is the sigmoid.
    slope = SOFTPLUS_GRAD(SOFTPLUS_GRAD(grad * gradients, features), -features)
    return SOFTPLUS_GRAD(grad, features), slope


# ---- Softsign

SOFTSIGN = op_def(
    "Softsign(features: T) -> (activations: T)", "T: float", elementwise=True, shape=unchanged
)


@SOFTSIGN.kernel
def softsign_kernel(features: Any) -> Any:
    return features / (np.abs(features) + 1)


@SOFTSIGN.gradient
def softsign_gradient(op: Operation, grad: Tensor) -> Any:
    return SOFTSIGN_GRAD(grad, op.inputs[0])


def softsign(features: Any, name: str | None = None) -> Tensor:
    """A gentle sign: `features / (abs(features) + 1)` (mirrors `tf.nn.softsign`).

    Args:
      features: a tensor of a floating dtype, of any shape.
      name: the node's name.

    Returns:
      A tensor of the same shape and dtype, between -1 and 1.

    Raises:
      TypeError: if `features` is not of a floating dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.nn.softsign([-1.0, 0.0, 3.0]))
    array([-0.5 ,  0.  ,  0.75], dtype=float32)
    """
    tensor: Tensor = SOFTSIGN(features, name=name)
    return tensor


# ---- SoftsignGrad

SOFTSIGN_GRAD = op_def(
    "SoftsignGrad(gradients: T, features: T) -> (backprops: T)",
    "T: float",
    elementwise=True,
    shape=alike,
)


@SOFTSIGN_GRAD.kernel
def softsign_grad_kernel(gradients: Any, features: Any) -> Any:
    return gradients / np.square(np.abs(features) + 1)


@SOFTSIGN_GRAD.gradient
def softsign_grad_gradient(op: Operation, grad: Tensor) -> Any:
    gradients, features = op.inputs
    slope = SOFTSIGN_GRAD(grad * gradients, features) * math_ops.sign(features) * -2.0
    return SOFTSIGN_GRAD(grad, features), slope / (math_ops.abs(features) + 1.0)
