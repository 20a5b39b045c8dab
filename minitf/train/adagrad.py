"""With this module one can train by Adagrad."""

from __future__ import annotations

from typing import Any

from minitf.framework import errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.tensor import IndexedSlices, Tensor
from minitf.ops import array_ops, init_ops, math_ops, training_ops
from minitf.train.optimizer import Optimizer


class AdagradOptimizer(Optimizer):
    """Gradient descent whose steps become smaller the larger the gradients have been.

    Mirrors `tf.train.AdagradOptimizer`; each parameter has its own step size:

        accumulator += gradient ** 2
        variable -= learning_rate * gradient / sqrt(accumulator)

    Args:
      learning_rate: a number, a tensor, or a function without arguments that returns either.
      initial_accumulator_value: what the accumulators begin at.
      use_locking: see `Optimizer`.
      name: see `Optimizer`.

    Raises:
      ValueError: if `initial_accumulator_value` is not positive.

    >>> import minitf as tf
    >>> w = tf.Variable(1.0)
    >>> train = tf.train.AdagradOptimizer(0.1, initial_accumulator_value=3.0).minimize(w)
    >>> with tf.Session() as sess:
    ...     _ = sess.run(tf.global_variables_initializer())
    ...     sess.run(train)
    ...     print("%.2f" % sess.run(w))  # 1 - 0.1 / sqrt(3 + 1)
    0.95
    """

    def __init__(
        self,
        learning_rate: Any,
        initial_accumulator_value: float = 0.1,
        use_locking: bool = False,
        name: str = "Adagrad",
    ) -> None:
        if initial_accumulator_value <= 0.0:
            raise errors.value_error(
                f"initial_accumulator_value must be positive: {initial_accumulator_value}"
            )
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._initial_accumulator_value = initial_accumulator_value
        self._learning_rate_tensor: Any = None

    def _create_slots(self, var_list: list[Any]) -> None:
        for var in var_list:
            dtype, value = var.dtype.base_dtype, self._initial_accumulator_value
            initializer: Any = init_ops.constant_initializer(value, dtype=dtype)
            if not var.shape.is_fully_defined():
                initializer = _filled_like(var, value)
            self._get_or_make_slot_with_initializer(
                var, initializer, var.shape, dtype, "accumulator", self._name
            )

    def _prepare(self) -> None:
        learning_rate = self._call_if_callable(self._learning_rate)
        self._learning_rate_tensor = convert_to_tensor(learning_rate, name="learning_rate")

    def _apply_dense(self, grad: Tensor, var: Any) -> Any:
        return training_ops.APPLY_ADAGRAD(
            var,
            self.get_slot(var, "accumulator"),
            math_ops.cast(self._learning_rate_tensor, var.dtype.base_dtype),
            grad,
            use_locking=self._use_locking,
        ).op

    def _apply_sparse(self, grad: IndexedSlices, var: Any) -> Any:
        return training_ops.SPARSE_APPLY_ADAGRAD(
            var,
            self.get_slot(var, "accumulator"),
            math_ops.cast(self._learning_rate_tensor, var.dtype.base_dtype),
            grad.values,
            grad.indices,
            use_locking=self._use_locking,
        ).op


def _filled_like(var: Any, value: float) -> Any:
    """An initializer for a slot of a variable whose shape is known only in a session."""
    return lambda: math_ops.cast(array_ops.fill(array_ops.shape(var), value), var.dtype.base_dtype)
