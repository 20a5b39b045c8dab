"""With this module one can count the floating-point operations of a node from its static shapes.

A multiplication and an addition count as two. As TensorFlow's profiler does, this counts nothing
for ops that it has no rule for, and nothing where a size is unknown.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from minitf.framework.operation import Operation

_ONE_EACH = (
    "Add AddV2 Sub Mul RealDiv Maximum Minimum Pow Square Neg Log Reciprocal Greater "
    "GreaterEqual Less LessEqual Equal NotEqual BiasAdd AssignAdd AssignSub"
)
_TWO_EACH = "Rsqrt SquaredDifference"


def float_operations(op: Operation) -> int:
    """How many floating-point operations a node takes; 0 where that is not known.

    >>> import minitf as tf
    >>> float_operations(tf.matmul(tf.zeros([2, 3]), tf.zeros([3, 4])).op)
    48
    """
    rule = _RULES.get(op.type)
    try:
        return 0 if rule is None else rule(op)
    except _Unknown:
        return 0


class _Unknown(Exception):
    """A size is not known."""


def _size(tensor: Any) -> int:
    return math.prod(_shape(tensor))


def _shape(tensor: Any) -> list[int]:
    if not tensor.shape.is_fully_defined():
        raise _Unknown
    dims: list[int] = tensor.shape.as_list()
    return dims


def _each(count: int) -> Callable[[Operation], int]:
    return lambda op: count * _size(op.outputs[0])


def _matmul(op: Operation) -> int:
    a = _shape(op.inputs[0])
    return 2 * _size(op.outputs[0]) * a[-2 if op._attrs.get("transpose_a") else -1]


def _convolution(op: Operation, filter_shape: list[int], images: Any) -> int:
    height, width, channels, _ = filter_shape
    return 2 * _size(images) * height * width * channels


def _conv2d(op: Operation) -> int:
    return _convolution(op, _shape(op.inputs[1]), op.outputs[0])


def _conv2d_backprop_input(op: Operation) -> int:
    return _convolution(op, _shape(op.inputs[1]), op.inputs[2])


def _conv2d_backprop_filter(op: Operation) -> int:
    return _convolution(op, _shape(op.outputs[0]), op.inputs[2])


def _depthwise(op: Operation) -> int:
    height, width, *_ = _shape(op.inputs[1])
    return 2 * _size(op.outputs[0]) * height * width


def _reduction(op: Operation) -> int:
    """Adding up n elements takes n - 1 additions."""
    return _size(op.inputs[0]) - _size(op.outputs[0])


def _mean(op: Operation) -> int:
    return _reduction(op) + _size(op.outputs[0])


def _window(op: Operation) -> int:
    sizes: list[int] = op._attrs["ksize"]
    return math.prod(sizes)


def _pool(op: Operation) -> int:
    return _size(op.outputs[0]) * _window(op)


def _max_pool_grad(op: Operation) -> int:
    return _size(op.inputs[1]) * (_window(op) + 1)


def _avg_pool_grad(op: Operation) -> int:
    return _size(op.inputs[1]) * _window(op) * 2


def _add_n(op: Operation) -> int:
    return (len(op.inputs) - 1) * _size(op.outputs[0])


_RULES: dict[str, Callable[[Operation], int]] = {
    **{name: _each(1) for name in _ONE_EACH.split()},
    **{name: _each(2) for name in _TWO_EACH.split()},
    "MatMul": _matmul,
    "BatchMatMulV2": _matmul,
    "Conv2D": _conv2d,
    "Conv2DBackpropInput": _conv2d_backprop_input,
    "Conv2DBackpropFilter": _conv2d_backprop_filter,
    "DepthwiseConv2dNative": _depthwise,
    "Softmax": _each(5),
    "L2Loss": lambda op: 3 * _size(op.inputs[0]) - 1,
    "BiasAddGrad": _reduction,
    "Sum": _reduction,
    "Mean": _mean,
    "ArgMax": _reduction,
    "ArgMin": _reduction,
    "AvgPool": _pool,
    "MaxPool": _pool,
    "AvgPoolGrad": _avg_pool_grad,
    "MaxPoolGrad": _max_pool_grad,
    "AddN": _add_n,
}
