"""With this module one can turn scores into probabilities, or their logarithms.

Both ops work along the last dim; `tf.nn.softmax` and `tf.nn.log_softmax`, which take any axis, are
composed of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape
from minitf.kernels import vector_math
from minitf.ops import math_ops


def _at_least_a_vector(op: Operation) -> list[TensorShape]:
    shape = op.inputs[0].shape
    if shape.ndims == 0:
        raise ValueError("Shape must be at least rank 1 but is rank 0")
    return [shape]


def widened(array: Any) -> Any:
    """The array in at least 32 bits: sums of exponentials need more than float16 has."""
    return array.astype(np.float32) if array.dtype == np.float16 else array


def shifted_logits(logits: Any) -> Any:
    """The logits less the largest of each row, so that no exponential overflows."""
    if np.ndim(logits) == 0:
        raise ValueError("logits must have at least one dim, got a scalar")
    return logits - np.max(logits, axis=-1, keepdims=True, initial=-np.inf)


# ---- Softmax

SOFTMAX = op_def("Softmax(logits: T) -> (softmax: T)", "T: float", shape=_at_least_a_vector)


@SOFTMAX.kernel
def softmax_kernel(logits: Any) -> Any:
    powers = shifted_logits(widened(logits))
    vector_math.exp(powers, out=powers)
    powers /= np.sum(powers, axis=-1, keepdims=True)
    return powers.astype(logits.dtype, copy=False)


@SOFTMAX.gradient
def softmax_gradient(op: Operation, grad: Tensor) -> Any:
    probabilities = op.outputs[0]
    mean = math_ops.reduce_sum(grad * probabilities, -1, keepdims=True)
    return (grad - mean) * probabilities


# ---- LogSoftmax

LOG_SOFTMAX = op_def(
    "LogSoftmax(logits: T) -> (logsoftmax: T)", "T: float", shape=_at_least_a_vector
)


@LOG_SOFTMAX.kernel
def log_softmax_kernel(logits: Any) -> Any:
    shifted = shifted_logits(widened(logits))
    shifted -= vector_math.log(np.sum(vector_math.exp(shifted), axis=-1, keepdims=True))
    return shifted.astype(logits.dtype, copy=False)


@LOG_SOFTMAX.gradient
def log_softmax_gradient(op: Operation, grad: Tensor) -> Any:
    total = math_ops.reduce_sum(grad, -1, keepdims=True)
    return grad - total * math_ops.exp(op.outputs[0])
