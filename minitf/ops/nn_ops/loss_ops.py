"""With this module one can measure how wrong a prediction is: cross-entropies and the L2 loss.

The functions that models call, `tf.nn.softmax_cross_entropy_with_logits` and its kin, bring any
shape into the two dims that these ops take.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework.op_def import op_def, scalars
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape, broadcast_shape, shape_of_dims
from minitf.kernels import vector_math
from minitf.ops import array_ops, math_ops
from minitf.ops.nn_ops.softmax_ops import LOG_SOFTMAX, SOFTMAX, shifted_logits, widened

# ---- L2Loss

L2_LOSS = op_def("L2Loss(t: T) -> (output: T)", "T: float", shape=scalars)


@L2_LOSS.kernel
def l2_loss_kernel(t: Any) -> Any:
    flat = widened(np.ravel(t))
    return (np.vdot(flat, flat) * flat.dtype.type(0.5)).astype(t.dtype)


@L2_LOSS.gradient
def l2_loss_gradient(op: Operation, grad: Tensor) -> Any:
    return op.inputs[0] * grad


def l2_loss(t: Any, name: str | None = None) -> Tensor:
    """Half the squared L2 norm: `sum(t ** 2) / 2` (mirrors `tf.nn.l2_loss`).

    Its gradient is `t` itself, which makes it the usual weight decay.

    Args:
      t: a tensor of a floating dtype, of any shape.
      name: the node's name.

    Returns:
      A scalar of the same dtype.

    Raises:
      TypeError: if `t` is not of a floating dtype.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     print(sess.run(tf.nn.l2_loss([3.0, 4.0])))
    12.5
    """
    tensor: Tensor = L2_LOSS(t, name=name)
    return tensor


# ---- SoftmaxCrossEntropyWithLogits

SOFTMAX_CROSS_ENTROPY_WITH_LOGITS = op_def(
    "SoftmaxCrossEntropyWithLogits(features: T, labels: T) -> (loss: T, backprop: T)",
    "T: float",
)


@SOFTMAX_CROSS_ENTROPY_WITH_LOGITS.shape
def softmax_cross_entropy_shape(op: Operation) -> list[TensorShape]:
    features, labels = (tensor.shape for tensor in op.inputs)
    rows = broadcast_shape(features, labels).with_rank(2)
    return [rows[:1], rows]


@SOFTMAX_CROSS_ENTROPY_WITH_LOGITS.kernel
def softmax_cross_entropy_kernel(features: Any, labels: Any) -> Any:
    if features.shape != labels.shape:
        features, labels = _broadcast_rows(features, labels)
    if features.ndim != 2:
        raise ValueError(
            "logits and labels must be either 2-dimensional, or broadcasted to be 2-dimensional"
        )
    shifted = shifted_logits(widened(features))
    powers = vector_math.exp(shifted)
    total = np.sum(powers, axis=1, keepdims=True)
    loss = np.sum(labels * (vector_math.log(total) - shifted), axis=1)
    return _in_dtype_of(features, loss, powers / total - labels)


def _in_dtype_of(features: Any, loss: Any, backprop: Any) -> Any:
    return loss.astype(features.dtype, copy=False), backprop.astype(features.dtype, copy=False)


def _broadcast_rows(features: Any, labels: Any) -> Any:
    try:
        return np.broadcast_arrays(features, labels)
    except ValueError:
        raise ValueError(
            f"logits and labels must be broadcastable: logits_size={list(features.shape)} "
            f"labels_size={list(labels.shape)}"
        ) from None


@SOFTMAX_CROSS_ENTROPY_WITH_LOGITS.gradient
def softmax_cross_entropy_gradient(
    op: Operation, grad_loss: Tensor | None, grad_backprop: Tensor | None
) -> Any:
    features, labels = op.inputs
    features_grad: Any = None
    labels_grad: Any = None
    if grad_loss is not None:
        rows = array_ops.expand_dims(grad_loss, -1)
        features_grad = rows * op.outputs[1]
        labels_grad = -rows * LOG_SOFTMAX(features)
    if grad_backprop is not None:
        # The backprop is softmax(features) - labels: this is the gradient of a gradient.
        features_grad = _add(features_grad, _through_softmax(features, grad_backprop))
        labels_grad = _add(labels_grad, -grad_backprop)
    return (
        math_ops.unbroadcast(features_grad, features, labels),
        math_ops.unbroadcast(labels_grad, labels, features),
    )


def _add(total: Tensor | None, term: Tensor) -> Tensor:
    return term if total is None else total + term


def _through_softmax(features: Tensor, grad: Tensor) -> Tensor:
    """The gradient by the logits, given one by their softmax."""
    probabilities = SOFTMAX(features)
    mean = math_ops.reduce_sum(grad * probabilities, 1, keepdims=True)
    result: Tensor = (grad - mean) * probabilities
    return result


# ---- SparseSoftmaxCrossEntropyWithLogits

SPARSE_SOFTMAX_CROSS_ENTROPY_WITH_LOGITS = op_def(
    "SparseSoftmaxCrossEntropyWithLogits(features: T, labels: Tlabels) -> (loss: T, backprop: T)",
    "T: float",
    "Tlabels: index = int64",
)


@SPARSE_SOFTMAX_CROSS_ENTROPY_WITH_LOGITS.shape
def sparse_softmax_cross_entropy_shape(op: Operation) -> list[TensorShape]:
    features, labels = (tensor.shape for tensor in op.inputs)
    for shape, rank in ((features, 2), (labels, 1)):
        if shape.ndims not in (None, rank):
            raise ValueError(f"Shape must be rank {rank} but is rank {shape.ndims}")
    rows = features.with_rank(2)
    batch, given = rows.as_list()[0], labels.with_rank(1).as_list()[0]
    if None not in (batch, given) and batch != given:
        raise ValueError(f"Dimensions must be equal, but are {batch} and {given}")
    batch = given if batch is None else batch
    return [shape_of_dims((batch,)), shape_of_dims((batch, rows.as_list()[1]))]


@SPARSE_SOFTMAX_CROSS_ENTROPY_WITH_LOGITS.kernel
def sparse_softmax_cross_entropy_kernel(features: Any, labels: Any) -> Any:
    _check_class_ids(features, labels)
    rows = np.arange(len(labels))
    shifted = shifted_logits(widened(features))
    powers = vector_math.exp(shifted)
    total = np.sum(powers, axis=1)
    loss = vector_math.log(total) - shifted[rows, labels]
    powers /= total[:, np.newaxis]
    powers[rows, labels] -= 1
    return _in_dtype_of(features, loss, powers)


def _check_class_ids(features: Any, labels: Any) -> None:
    if features.ndim != 2:
        raise ValueError(f"logits must be 2-D, but got shape {list(features.shape)}")
    if labels.ndim != 1:
        raise ValueError(f"labels must be 1-D, but got shape {list(labels.shape)}")
    if len(features) != len(labels):
        raise ValueError(
            "logits and labels must have the same first dimension, got logits shape "
            f"{list(features.shape)} and labels shape {list(labels.shape)}"
        )
    classes = features.shape[1]
    if classes == 0 and len(features):
        raise ValueError(
            f"Must have at least one class, but got logits shape {list(features.shape)}"
        )
    outside = (labels < 0) | (labels >= classes)
    if outside.any():
        shown = " ".join(str(label) for label in labels[:30])
        more = " ..." if len(labels) > 30 else ""
        raise ValueError(
            f"Received a label value of {labels[outside][0]} which is outside the valid range of "
            f"[0, {classes}). Label values: {shown}{more}"
        )


@SPARSE_SOFTMAX_CROSS_ENTROPY_WITH_LOGITS.gradient
def sparse_softmax_cross_entropy_gradient(
    op: Operation, grad_loss: Tensor | None, grad_backprop: Tensor | None
) -> Any:
    total = None
    if grad_loss is not None:
        total = array_ops.expand_dims(grad_loss, -1) * op.outputs[1]
    if grad_backprop is not None:
        total = _add(total, _through_softmax(op.inputs[0], grad_backprop))
    return total, None
