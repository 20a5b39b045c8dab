"""With this module one can train by plain gradient descent."""

from __future__ import annotations

from typing import Any

from minitf.framework.convert import convert_to_tensor
from minitf.framework.tensor import IndexedSlices, Tensor
from minitf.ops import math_ops, training_ops
from minitf.train.optimizer import Optimizer


class GradientDescentOptimizer(Optimizer):
    """Plain gradient descent: `var -= learning_rate * grad`.

    Mirrors `tf.train.GradientDescentOptimizer`.

    Args:
      learning_rate: a number, a tensor, or a function without arguments that returns either.
      use_locking: see `Optimizer`.
      name: see `Optimizer`.

    >>> import minitf as tf
    >>> w = tf.Variable([1.0, 2.0])
    >>> train = tf.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_sum(w * w))
    >>> with tf.Session() as sess:
    ...     sess.run(w.initializer)
    ...     sess.run(train)
    ...     print(sess.run(w))
    [0.8 1.6]
    """

    def __init__(
        self, learning_rate: Any, use_locking: bool = False, name: str = "GradientDescent"
    ) -> None:
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._learning_rate_tensor: Any = None

    def _prepare(self) -> None:
        learning_rate = self._call_if_callable(self._learning_rate)
        self._learning_rate_tensor = convert_to_tensor(learning_rate, name="learning_rate")

    def _apply_dense(self, grad: Tensor, var: Any) -> Any:
        return training_ops.APPLY_GRADIENT_DESCENT(
            var,
            math_ops.cast(self._learning_rate_tensor, var.dtype.base_dtype),
            grad,
            use_locking=self._use_locking,
        ).op

    def _apply_sparse_duplicate_indices(self, grad: IndexedSlices, var: Any) -> Any:
        # A row that is given twice is changed twice, which is as well as once by the sum.
        rate = math_ops.cast(self._learning_rate_tensor, var.dtype.base_dtype)
        delta = IndexedSlices(grad.values * rate, grad.indices, grad.dense_shape)
        return var.scatter_sub(delta, use_locking=self._use_locking)
