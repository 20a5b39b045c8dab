"""With this module one can train by gradient descent with momentum."""

from __future__ import annotations

from typing import Any

from minitf.framework.convert import convert_to_tensor
from minitf.framework.tensor import IndexedSlices, Tensor
from minitf.ops import math_ops, training_ops
from minitf.train.optimizer import Optimizer


class MomentumOptimizer(Optimizer):
    """Gradient descent that keeps going: each step adds to the last one.

    Mirrors `tf.train.MomentumOptimizer`:

        accumulation = momentum * accumulation + gradient
        variable -= learning_rate * accumulation

    A sparse gradient changes only its rows; the momentum of others rests.

    Args:
      learning_rate: a number, a tensor, or a function without arguments that returns either.
      momentum: the same.
      use_locking: see `Optimizer`.
      name: see `Optimizer`.
      use_nesterov: whether the step is `gradient + momentum * accumulation`, which looks ahead to
        where the momentum leads.

    >>> import minitf as tf
    >>> w = tf.Variable(1.0)
    >>> train = tf.train.MomentumOptimizer(0.1, momentum=0.5).minimize(w)
    >>> with tf.Session() as sess:
    ...     _ = sess.run(tf.global_variables_initializer())
    ...     for _ in range(2):
    ...         sess.run(train)
    ...     print("%.2f" % sess.run(w))  # 1 - 0.1 * 1 - 0.1 * 1.5
    0.75
    """

    def __init__(
        self,
        learning_rate: Any,
        momentum: Any,
        use_locking: bool = False,
        name: str = "Momentum",
        use_nesterov: bool = False,
    ) -> None:
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._momentum = momentum
        self._use_nesterov = use_nesterov
        self._learning_rate_tensor: Any = None
        self._momentum_tensor: Any = None

    def _create_slots(self, var_list: list[Any]) -> None:
        for var in var_list:
            self._zeros_slot(var, "momentum", self._name)

    def _prepare(self) -> None:
        learning_rate = self._call_if_callable(self._learning_rate)
        self._learning_rate_tensor = convert_to_tensor(learning_rate, name="learning_rate")
        momentum = self._call_if_callable(self._momentum)
        self._momentum_tensor = convert_to_tensor(momentum, name="momentum")

    def _apply_dense(self, grad: Tensor, var: Any) -> Any:
        return training_ops.APPLY_MOMENTUM(
            var,
            self.get_slot(var, "momentum"),
            math_ops.cast(self._learning_rate_tensor, var.dtype.base_dtype),
            grad,
            math_ops.cast(self._momentum_tensor, var.dtype.base_dtype),
            use_locking=self._use_locking,
            use_nesterov=self._use_nesterov,
        ).op

    def _apply_sparse(self, grad: IndexedSlices, var: Any) -> Any:
        return training_ops.SPARSE_APPLY_MOMENTUM(
            var,
            self.get_slot(var, "momentum"),
            math_ops.cast(self._learning_rate_tensor, var.dtype.base_dtype),
            grad.values,
            grad.indices,
            math_ops.cast(self._momentum_tensor, var.dtype.base_dtype),
            use_locking=self._use_locking,
            use_nesterov=self._use_nesterov,
        ).op
