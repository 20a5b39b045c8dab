"""With this module one can train by Adadelta."""

from __future__ import annotations

from typing import Any

from minitf.framework.convert import convert_to_tensor
from minitf.framework.tensor import IndexedSlices, Tensor
from minitf.ops import math_ops, training_ops
from minitf.train.optimizer import Optimizer


class AdadeltaOptimizer(Optimizer):
    """Steps measured by earlier steps and gradients, so that no unit is left to choose.

    Mirrors `tf.train.AdadeltaOptimizer`:

        accum = rho * accum + (1 - rho) * gradient ** 2
        step = sqrt(accum_update + epsilon) / sqrt(accum + epsilon) * gradient
        accum_update = rho * accum_update + (1 - rho) * step ** 2
        variable -= learning_rate * step

    Args:
      learning_rate: a number, a tensor, or a function without arguments that returns either. The
        paper has 1.
      rho: how slowly old gradients are forgotten.
      epsilon: keeps the quotient finite, and makes the first steps.
      use_locking: see `Optimizer`.
      name: see `Optimizer`.

    >>> import minitf as tf
    >>> w = tf.Variable(1.0)
    >>> train = tf.train.AdadeltaOptimizer(1.0, rho=0.75, epsilon=1.0).minimize(w)
    >>> with tf.Session() as sess:
    ...     _ = sess.run(tf.global_variables_initializer())
    ...     sess.run(train)
    ...     print("%.4f" % sess.run(w))  # 1 - 1 / sqrt(0.25 + 1)
    0.1056
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: Any = 0.95,
        epsilon: Any = 1e-8,
        use_locking: bool = False,
        name: str = "Adadelta",
    ) -> None:
        super().__init__(use_locking, name)
        self._lr = learning_rate
        self._rho = rho
        self._epsilon = epsilon
        self._lr_t: Any = None
        self._rho_t: Any = None
        self._epsilon_t: Any = None

    def _create_slots(self, var_list: list[Any]) -> None:
        for var in var_list:
            self._zeros_slot(var, "accum", self._name)
            self._zeros_slot(var, "accum_update", self._name)

    def _prepare(self) -> None:
        self._lr_t = convert_to_tensor(self._call_if_callable(self._lr), name="lr")
        self._rho_t = convert_to_tensor(self._call_if_callable(self._rho), name="rho")
        self._epsilon_t = convert_to_tensor(self._call_if_callable(self._epsilon), name="epsilon")

    def _slots_of(self, var: Any) -> list[Any]:
        return [self.get_slot(var, name) for name in ("accum", "accum_update")]

    def _scalars_for(self, var: Any) -> list[Tensor]:
        scalars = (self._lr_t, self._rho_t, self._epsilon_t)
        return [math_ops.cast(scalar, var.dtype.base_dtype) for scalar in scalars]

    def _apply_dense(self, grad: Tensor, var: Any) -> Any:
        slots, scalars = self._slots_of(var), self._scalars_for(var)
        declared = training_ops.APPLY_ADADELTA
        return declared(var, *slots, *scalars, grad, use_locking=self._use_locking).op

    def _apply_sparse(self, grad: IndexedSlices, var: Any) -> Any:
        return training_ops.SPARSE_APPLY_ADADELTA(
            var,
            *self._slots_of(var),
            *self._scalars_for(var),
            grad.values,
            grad.indices,
            use_locking=self._use_locking,
        ).op
