"""With this module one can train by FTRL, which sets many parameters of a linear model to 0."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minitf.framework import errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.tensor import IndexedSlices, Tensor
from minitf.ops import array_ops, math_ops, training_ops
from minitf.train.optimizer import Optimizer


class FtrlOptimizer(Optimizer):
    """Follows the regularized leader: goes where all gradients so far, and penalties, are least.

    Mirrors `tf.train.FtrlOptimizer`:

        before, accum = accum ** -power, accum + gradient ** 2
        linear += gradient - (accum ** -power - before) / learning_rate * variable
        quadratic = accum ** -power / learning_rate + 2 * l2
        variable = (l1 * sign(linear) - linear) / quadratic  if |linear| > l1 else 0

    where `power` is `learning_rate_power` and `l2` is `l2_regularization_strength +
    beta / (2 * learning_rate)`. With an `l2_shrinkage_regularization_strength`, twice that times
    `variable` is added to the gradient in `linear`, though not in `accum`.

    Args:
      learning_rate: a number, a tensor, or a function without arguments that returns either.
      learning_rate_power: how step sizes fall with the gradients seen; -0.5 is Adagrad's way, 0 a
        fixed rate.
      initial_accumulator_value: what `accum` begins at.
      l1_regularization_strength, l2_regularization_strength: penalties.
      use_locking: see `Optimizer`.
      name: see `Optimizer`.
      accum_name, linear_name: what the slots are called; `name` if None.
      l2_shrinkage_regularization_strength: a penalty on size alone.
      beta: see above; 0 if None.

    Raises:
      ValueError: if `learning_rate_power` is positive or another number negative.

    >>> import minitf as tf
    >>> w = tf.Variable([1.0, 1.0])
    >>> loss = tf.reduce_sum(w * [3.0, 0.1])
    >>> train = tf.train.FtrlOptimizer(0.5, l1_regularization_strength=1.0).minimize(loss)
    >>> with tf.Session() as sess:
    ...     _ = sess.run(tf.global_variables_initializer())
    ...     sess.run(train)
    ...     print(sess.run(w).round(3))
    [0.232 0.   ]
    """

    def __init__(
        self,
        learning_rate: Any,
        learning_rate_power: Any = -0.5,
        initial_accumulator_value: Any = 0.1,
        l1_regularization_strength: Any = 0.0,
        l2_regularization_strength: Any = 0.0,
        use_locking: bool = False,
        name: str = "Ftrl",
        accum_name: str | None = None,
        linear_name: str | None = None,
        l2_shrinkage_regularization_strength: Any = 0.0,
        beta: Any = None,
    ) -> None:
        super().__init__(use_locking, name)
        for what, value in (
            ("initial_accumulator_value", initial_accumulator_value),
            ("l1_regularization_strength", l1_regularization_strength),
            ("l2_regularization_strength", l2_regularization_strength),
            ("l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength),
        ):
            if value < 0.0:
                raise errors.value_error(f"{what} {value:f} needs to be positive or zero")
        if learning_rate_power > 0.0:
            raise errors.value_error(
                f"learning_rate_power {learning_rate_power:f} needs to be negative or zero"
            )
        self._learning_rate = learning_rate
        self._learning_rate_power = learning_rate_power
        self._initial_accumulator_value = initial_accumulator_value
        self._l1_regularization_strength = l1_regularization_strength
        self._l2_regularization_strength = l2_regularization_strength
        self._l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self._beta = 0.0 if beta is None else beta
        self._accum_name = accum_name
        self._linear_name = linear_name
        self._learning_rate_tensor: Any = None
        self._learning_rate_power_tensor: Any = None
        self._l1_regularization_strength_tensor: Any = None
        self._adjusted_l2_regularization_strength_tensor: Any = None
        self._l2_shrinkage_regularization_strength_tensor: Any = None
        self._beta_tensor: Any = None

    def _create_slots(self, var_list: list[Any]) -> None:
        for var in var_list:
            self._get_or_make_slot_with_initializer(
                var,
                _accumulator_initializer(self._initial_accumulator_value),
                var.shape,
                var.dtype.base_dtype,
                "accum",
                self._accum_name or self._name,
            )
            self._zeros_slot(var, "linear", self._linear_name or self._name)

    def _prepare(self) -> None:
        learning_rate = self._call_if_callable(self._learning_rate)
        self._learning_rate_tensor = convert_to_tensor(learning_rate, name="learning_rate")
        self._l1_regularization_strength_tensor = convert_to_tensor(
            self._l1_regularization_strength, name="l1_regularization_strength"
        )
        # The least rate keeps the quotient finite.
        self._adjusted_l2_regularization_strength_tensor = (
            self._l2_regularization_strength
            + self._beta / (2.0 * math_ops.maximum(learning_rate, 1e-36))
        )
        self._beta_tensor = convert_to_tensor(self._beta, name="beta")
        self._l2_shrinkage_regularization_strength_tensor = convert_to_tensor(
            self._l2_shrinkage_regularization_strength,
            name="l2_shrinkage_regularization_strength",
        )
        self._learning_rate_power_tensor = convert_to_tensor(
            self._learning_rate_power, name="learning_rate_power"
        )

    def _scalars_for(self, var: Any) -> list[Tensor]:
        """The parameters in the variable's dtype, in the order of the ops' inputs."""
        scalars = [
            self._learning_rate_tensor,
            self._l1_regularization_strength_tensor,
            self._adjusted_l2_regularization_strength_tensor,
        ]
        if self._has_shrinkage():
            scalars.append(self._l2_shrinkage_regularization_strength_tensor)
        scalars.append(self._learning_rate_power_tensor)
        return [math_ops.cast(scalar, var.dtype.base_dtype) for scalar in scalars]

    def _has_shrinkage(self) -> bool:
        return bool(self._l2_shrinkage_regularization_strength > 0.0)

    def _apply_dense(self, grad: Tensor, var: Any) -> Any:
        declared = training_ops.APPLY_FTRL_V2 if self._has_shrinkage() else training_ops.APPLY_FTRL
        return declared(
            var,
            self.get_slot(var, "accum"),
            self.get_slot(var, "linear"),
            grad,
            *self._scalars_for(var),
            use_locking=self._use_locking,
        ).op

    def _apply_sparse(self, grad: IndexedSlices, var: Any) -> Any:
        declared = (
            training_ops.SPARSE_APPLY_FTRL_V2
            if self._has_shrinkage()
            else training_ops.SPARSE_APPLY_FTRL
        )
        return declared(
            var,
            self.get_slot(var, "accum"),
            self.get_slot(var, "linear"),
            grad.values,
            grad.indices,
            *self._scalars_for(var),
            use_locking=self._use_locking,
        ).op


def _accumulator_initializer(value: Any) -> Callable[..., Any]:
    def initializer(shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
        return array_ops.ones(shape, dtype) * value

    return initializer
