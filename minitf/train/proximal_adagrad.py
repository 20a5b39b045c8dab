"""With this module one can train by Adagrad with penalties that are met exactly."""

from __future__ import annotations

from typing import Any

from minitf.framework import errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.default import get_default_graph
from minitf.framework.tensor import IndexedSlices, Tensor
from minitf.ops import constant_op, math_ops, training_ops
from minitf.train.optimizer import Optimizer


class ProximalAdagradOptimizer(Optimizer):
    """Adagrad, each step followed by one that shrinks the variable towards zero.

    Mirrors `tf.train.ProximalAdagradOptimizer`:

        accumulator += gradient ** 2
        rate = learning_rate / sqrt(accumulator)
        there = variable - rate * gradient
        variable = sign(there) * max(|there| - rate * l1, 0) / (1 + rate * l2)

    Args:
      learning_rate: a number or a tensor.
      initial_accumulator_value: what the accumulators begin at.
      l1_regularization_strength, l2_regularization_strength: numbers or tensors, not negative.
      use_locking: see `Optimizer`.
      name: see `Optimizer`.

    Raises:
      ValueError: if `initial_accumulator_value` is not positive.

    >>> import minitf as tf
    >>> w = tf.Variable([1.0, 0.07])
    >>> optimizer = tf.train.ProximalAdagradOptimizer(
    ...     0.1, initial_accumulator_value=3.0, l1_regularization_strength=0.5)
    >>> train = optimizer.minimize(tf.reduce_sum(w))
    >>> with tf.Session() as sess:
    ...     _ = sess.run(tf.global_variables_initializer())
    ...     sess.run(train)
    ...     print(sess.run(w).round(4))
    [0.925 0.   ]
    """

    def __init__(
        self,
        learning_rate: Any,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: Any = 0.0,
        l2_regularization_strength: Any = 0.0,
        use_locking: bool = False,
        name: str = "ProximalAdagrad",
    ) -> None:
        if initial_accumulator_value <= 0.0:
            raise errors.value_error(
                f"initial_accumulator_value must be positive: {initial_accumulator_value}"
            )
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._initial_accumulator_value = initial_accumulator_value
        self._l1_regularization_strength = l1_regularization_strength
        self._l2_regularization_strength = l2_regularization_strength
        self._learning_rate_tensor: Any = None
        self._l1_regularization_strength_tensor: Any = None
        self._l2_regularization_strength_tensor: Any = None

    def _create_slots(self, var_list: list[Any]) -> None:
        for var in var_list:
            with get_default_graph().colocate_with(var):
                value = constant_op.constant(
                    self._initial_accumulator_value, shape=var.shape, dtype=var.dtype.base_dtype
                )
            self._get_or_make_slot(var, value, "accumulator", self._name)

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
        return training_ops.APPLY_PROXIMAL_ADAGRAD(
            var,
            self.get_slot(var, "accumulator"),
            *self._scalars_for(var),
            grad,
            use_locking=self._use_locking,
        ).op

    def _apply_sparse(self, grad: IndexedSlices, var: Any) -> Any:
        return training_ops.SPARSE_APPLY_PROXIMAL_ADAGRAD(
            var,
            self.get_slot(var, "accumulator"),
            *self._scalars_for(var),
            grad.values,
            grad.indices,
            use_locking=self._use_locking,
        ).op
