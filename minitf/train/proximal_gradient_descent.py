"""With this module one can train by gradient descent with penalties that are met exactly."""

from __future__ import annotations

from typing import Any

from minitf.framework.convert import convert_to_tensor
from minitf.framework.tensor import IndexedSlices, Tensor
from minitf.ops import math_ops, training_ops
from minitf.train.optimizer import Optimizer


class ProximalGradientDescentOptimizer(Optimizer):
    """Gradient descent, each step followed by one that shrinks the variable towards zero.

    Mirrors `tf.train.ProximalGradientDescentOptimizer`:

        there = variable - learning_rate * gradient
        variable = sign(there) * max(|there| - learning_rate * l1, 0) / (1 + learning_rate * l2)

    Args:
      learning_rate: a number or a tensor.
      l1_regularization_strength, l2_regularization_strength: numbers or tensors, not negative.
      use_locking: see `Optimizer`.
      name: see `Optimizer`.

    >>> import minitf as tf
    >>> w = tf.Variable([1.0, 0.02])
    >>> optimizer = tf.train.ProximalGradientDescentOptimizer(
    ...     0.1, l1_regularization_strength=0.5)
    >>> train = optimizer.minimize(tf.reduce_sum(w))
    >>> with tf.Session() as sess:
    ...     sess.run(w.initializer)
    ...     sess.run(train)
    ...     print(sess.run(w).round(4))
    [ 0.85 -0.03]
    """

    def __init__(
        self,
        learning_rate: Any,
        l1_regularization_strength: Any = 0.0,
        l2_regularization_strength: Any = 0.0,
        use_locking: bool = False,
        name: str = "ProximalGradientDescent",
    ) -> None:
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._l1_regularization_strength = l1_regularization_strength
        self._l2_regularization_strength = l2_regularization_strength
        self._learning_rate_tensor: Any = None
        self._l1_regularization_strength_tensor: Any = None
        self._l2_regularization_strength_tensor: Any = None

    def _prepare(self) -> None:
        self._learning_rate_tensor = convert_to_tensor(self._learning_rate, name="learning_rate")
        self._l1_regularization_strength_tensor = convert_to_tensor(
            self._l1_regularization_strength, name="l1_regularization_strength"
        )
        self._l2_regularization_strength_tensor = convert_to_tensor(
            self._l2_regularization_strength, name="l2_regularization_strength"
        )

    def _scalars_for(self, var: Any) -> list[Tensor]:
        scalars = (
            self._learning_rate_tensor,
            self._l1_regularization_strength_tensor,
            self._l2_regularization_strength_tensor,
        )
        return [math_ops.cast(scalar, var.dtype.base_dtype) for scalar in scalars]

    def _apply_dense(self, grad: Tensor, var: Any) -> Any:
        return training_ops.APPLY_PROXIMAL_GRADIENT_DESCENT(
            var, *self._scalars_for(var), grad, use_locking=self._use_locking
        ).op

    def _apply_sparse(self, grad: IndexedSlices, var: Any) -> Any:
        return training_ops.SPARSE_APPLY_PROXIMAL_GRADIENT_DESCENT(
            var,
            *self._scalars_for(var),
            grad.values,
            grad.indices,
            use_locking=self._use_locking,
        ).op
