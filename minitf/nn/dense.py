"""With this module one can write a dense layer whose weights one holds oneself."""

from __future__ import annotations

from typing import Any

from minitf.framework.convert import convert_to_tensor
from minitf.framework.scopes import name_scope
from minitf.framework.tensor import Tensor
from minitf.ops import math_ops, nn_ops


def xw_plus_b(x: Any, weights: Any, biases: Any, name: str | None = None) -> Tensor:
    """`matmul(x, weights) + biases` (mirrors `tf.nn.xw_plus_b`).

    Args:
      x: of shape (batch, inputs).
      weights: of shape (inputs, units).
      biases: of shape (units,).
      name: the node's name.

    Returns:
      A tensor of shape (batch, units).

    Raises:
      ValueError: if the shapes do not fit.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.nn.xw_plus_b([[1.0, 2.0]], [[1.0], [10.0]], [0.5]))
    array([[21.5]], dtype=float32)
    """
    with name_scope(name, "xw_plus_b", [x, weights, biases]) as scope:
        x, weights, biases = _converted(x, weights, biases)
        return nn_ops.bias_add(math_ops.matmul(x, weights), biases, name=scope)


def relu_layer(x: Any, weights: Any, biases: Any, name: str | None = None) -> Tensor:
    """`relu(matmul(x, weights) + biases)` (mirrors `tf.nn.relu_layer`).

    Args:
      x: of shape (batch, inputs).
      weights: of shape (inputs, units).
      biases: of shape (units,).
      name: the node's name.

    Returns:
      A tensor of shape (batch, units).

    Raises:
      ValueError: if the shapes do not fit.

    >>> import minitf as tf
    >>> with tf.Session() as sess:
    ...     sess.run(tf.nn.relu_layer([[1.0, 2.0]], [[1.0, -1.0], [10.0, 0.0]], [0.5, 0.0]))
    array([[21.5,  0. ]], dtype=float32)
    """
    with name_scope(name, "relu_layer", [x, weights, biases]) as scope:
        x, weights, biases = _converted(x, weights, biases)
        sums = nn_ops.bias_add(math_ops.matmul(x, weights), biases)
        return nn_ops.relu(sums, name=scope)


def _converted(x: Any, weights: Any, biases: Any) -> tuple[Tensor, Tensor, Tensor]:
    return (
        convert_to_tensor(x, name="x"),
        convert_to_tensor(weights, name="weights"),
        convert_to_tensor(biases, name="biases"),
    )
