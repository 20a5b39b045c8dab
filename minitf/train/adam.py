"""With this module one can train by Adam, the usual choice where nothing else is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minitf.framework.convert import convert_to_tensor
from minitf.framework.default import get_default_graph
from minitf.framework.scopes import control_dependencies, init_scope
from minitf.framework.tensor import IndexedSlices, Tensor
from minitf.ops import control_flow_ops, math_ops, scatter_ops, state_ops, training_ops
from minitf.train.optimizer import Optimizer


class AdamOptimizer(Optimizer):
    """Steps by a running mean of the gradient, relative to the root of one of its square.

    Mirrors `tf.train.AdamOptimizer`. At step t = 1, 2, ...

        m = beta1 * m + (1 - beta1) * gradient
        v = beta2 * v + (1 - beta2) * gradient ** 2
        rate = learning_rate * sqrt(1 - beta2 ** t) / (1 - beta1 ** t)
        variable -= rate * m / (sqrt(v) + epsilon)

    where `rate` makes up for the means' start from zero. (This `epsilon` is the one that the paper
    calls epsilon hat.) A sparse gradient counts as zero in all other rows, so that those go on
    moving by their mean.

    Args:
      learning_rate: a number, a tensor, or a function without arguments that returns either.
      beta1: how slowly the mean forgets.
      beta2: how slowly the mean square forgets.
      epsilon: keeps the quotient finite.
      use_locking: see `Optimizer`.
      name: see `Optimizer`.
      use_own_namescope_for_non_slot_vars: see `Optimizer`.

    >>> import minitf as tf
    >>> w = tf.Variable([1.0, -2.0])
    >>> train = tf.train.AdamOptimizer(0.1).minimize(tf.reduce_sum(w * w))
    >>> with tf.Session() as sess:
    ...     _ = sess.run(tf.global_variables_initializer())
    ...     sess.run(train)
    ...     print(sess.run(w).round(4))  # the first step is as long as the rate, whatever the slope
    [ 0.9 -1.9]
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta1: Any = 0.9,
        beta2: Any = 0.999,
        epsilon: Any = 1e-8,
        use_locking: bool = False,
        name: str = "Adam",
        use_own_namescope_for_non_slot_vars: bool = False,
    ) -> None:
        super().__init__(use_locking, name, use_own_namescope_for_non_slot_vars)
        self._lr = learning_rate
        self._beta1 = beta1
        self._beta2 = beta2
        self._epsilon = epsilon
        self._lr_t: Any = None
        self._beta1_t: Any = None
        self._beta2_t: Any = None
        self._epsilon_t: Any = None

    def _get_beta_accumulators(self) -> tuple[Any, Any]:
        """The variables that hold beta1 ** t and beta2 ** t."""
        with init_scope():
            graph = get_default_graph()
            return (
                self._get_non_slot_variable("beta1_power", graph=graph),
                self._get_non_slot_variable("beta2_power", graph=graph),
            )

    def _create_slots(self, var_list: list[Any]) -> None:
        # One device holds the powers, the same one however the variables are listed.
        first = min(var_list, key=lambda var: var.name)
        self._create_non_slot_variable(self._beta1, name="beta1_power", colocate_with=first)
        self._create_non_slot_variable(self._beta2, name="beta2_power", colocate_with=first)
        for var in var_list:
            self._zeros_slot(var, "m", self._name)
            self._zeros_slot(var, "v", self._name)

    def _prepare(self) -> None:
        lr = self._call_if_callable(self._lr)
        beta1 = self._call_if_callable(self._beta1)
        beta2 = self._call_if_callable(self._beta2)
        epsilon = self._call_if_callable(self._epsilon)
        self._lr_t = convert_to_tensor(lr, name="learning_rate")
        self._beta1_t = convert_to_tensor(beta1, name="beta1")
        self._beta2_t = convert_to_tensor(beta2, name="beta2")
        self._epsilon_t = convert_to_tensor(epsilon, name="epsilon")

    def _apply_dense(self, grad: Tensor, var: Any) -> Any:
        beta1_power, beta2_power = self._get_beta_accumulators()
        dtype = var.dtype.base_dtype
        return training_ops.APPLY_ADAM(
            var,
            self.get_slot(var, "m"),
            self.get_slot(var, "v"),
            math_ops.cast(beta1_power, dtype),
            math_ops.cast(beta2_power, dtype),
            math_ops.cast(self._lr_t, dtype),
            math_ops.cast(self._beta1_t, dtype),
            math_ops.cast(self._beta2_t, dtype),
            math_ops.cast(self._epsilon_t, dtype),
            grad,
            use_locking=self._use_locking,
        ).op

    def _apply_sparse(self, grad: IndexedSlices, var: Any) -> Any:
        return self._apply_sparse_shared(
            grad.values,
            var,
            grad.indices,
            lambda x, i, v: scatter_ops.scatter_add(x, i, v, use_locking=self._use_locking),
        )

    def _apply_sparse_shared(
        self, grad: Any, var: Any, indices: Any, scatter_add: Callable[[Any, Any, Any], Any]
    ) -> Any:
        """Changes all of a variable by the gradient of some rows.

        Args:
          grad: the gradient of the rows.
          var: the variable.
          indices: the numbers of the rows.
          scatter_add: `(slot, indices, values)` to the slot's reference after they were added.
        """
        beta1_power, beta2_power = self._get_beta_accumulators()
        dtype = var.dtype.base_dtype
        beta1_power = math_ops.cast(beta1_power, dtype)
        beta2_power = math_ops.cast(beta2_power, dtype)
        lr_t = math_ops.cast(self._lr_t, dtype)
        beta1_t = math_ops.cast(self._beta1_t, dtype)
        beta2_t = math_ops.cast(self._beta2_t, dtype)
        epsilon_t = math_ops.cast(self._epsilon_t, dtype)
        lr = lr_t * math_ops.sqrt(1 - beta2_power) / (1 - beta1_power)
        m = self._decayed_plus(
            self.get_slot(var, "m"), beta1_t, indices, grad * (1 - beta1_t), scatter_add
        )
        v = self._decayed_plus(
            self.get_slot(var, "v"), beta2_t, indices, (grad * grad) * (1 - beta2_t), scatter_add
        )
        v_sqrt = math_ops.sqrt(v)
        step = lr * m / (v_sqrt + epsilon_t)
        update = state_ops.assign_sub(var, step, use_locking=self._use_locking)
        return control_flow_ops.group(update, m, v)

    def _decayed_plus(
        self, slot: Any, beta: Tensor, indices: Any, values: Tensor, scatter_add: Any
    ) -> Any:
        decayed = state_ops.assign(slot, slot * beta, use_locking=self._use_locking)
        with control_dependencies([decayed]):
            return scatter_add(slot, indices, values)

    def _finish(self, update_ops: list[Any], name_scope: str) -> Any:
        with control_dependencies(update_ops):
            beta1_power, beta2_power = self._get_beta_accumulators()
            with get_default_graph().colocate_with(beta1_power):
                powers = [
                    power.assign(power * beta, use_locking=self._use_locking)
                    for power, beta in ((beta1_power, self._beta1_t), (beta2_power, self._beta2_t))
                ]
        return control_flow_ops.group(*update_ops, *powers, name=name_scope)
