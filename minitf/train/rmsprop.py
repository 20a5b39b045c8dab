"""With this module one can train by RMSProp."""

from __future__ import annotations

from typing import Any

from minitf.framework.convert import convert_to_tensor
from minitf.framework.tensor import IndexedSlices, Tensor
from minitf.ops import array_ops, init_ops, math_ops, training_ops
from minitf.train.optimizer import Optimizer


class RMSPropOptimizer(Optimizer):
    """Steps relative to the size that gradients have had lately.

    Mirrors `tf.train.RMSPropOptimizer`:

        rms = decay * rms + (1 - decay) * gradient ** 2
        mom = momentum * mom + learning_rate * gradient / sqrt(rms + epsilon)
        variable -= mom

    As in TensorFlow, `rms` begins at ones. A sparse gradient changes only its rows.

    Args:
      learning_rate: a number, a tensor, or a function without arguments that returns either.
      decay: how slowly old gradients are forgotten.
      momentum: how much of the last step is taken again.
      epsilon: keeps the quotient finite.
      use_locking: see `Optimizer`.
      centered: whether gradients are measured by their variance, `rms - mean ** 2`, instead of
        their mean square.
      name: see `Optimizer`.

    >>> import minitf as tf
    >>> w = tf.Variable(1.0)
    >>> train = tf.train.RMSPropOptimizer(0.1, decay=0.75).minimize(2.0 * w)
    >>> with tf.Session() as sess:
    ...     _ = sess.run(tf.global_variables_initializer())
    ...     sess.run(train)
    ...     print("%.4f" % sess.run(w))  # 1 - 0.1 * 2 / sqrt(0.75 * 1 + 0.25 * 4)
    0.8488
    """

    def __init__(
        self,
        learning_rate: Any,
        decay: Any = 0.9,
        momentum: Any = 0.0,
        epsilon: Any = 1e-10,
        use_locking: bool = False,
        centered: bool = False,
        name: str = "RMSProp",
    ) -> None:
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._decay = decay
        self._momentum = momentum
        self._epsilon = epsilon
        self._centered = centered
        self._learning_rate_tensor: Any = None
        self._decay_tensor: Any = None
        self._momentum_tensor: Any = None
        self._epsilon_tensor: Any = None

    def _create_slots(self, var_list: list[Any]) -> None:
        for var in var_list:
            if var.shape.is_fully_defined():
                ones = init_ops.ones_initializer(dtype=var.dtype.base_dtype)
                self._get_or_make_slot_with_initializer(
                    var, ones, var.shape, var.dtype.base_dtype, "rms", self._name
                )
            else:
                self._get_or_make_slot(var, array_ops.ones_like(var), "rms", self._name)
            if self._centered:
                self._zeros_slot(var, "mg", self._name)
            self._zeros_slot(var, "momentum", self._name)

    def _prepare(self) -> None:
        lr = self._call_if_callable(self._learning_rate)
        decay = self._call_if_callable(self._decay)
        momentum = self._call_if_callable(self._momentum)
        epsilon = self._call_if_callable(self._epsilon)
        self._learning_rate_tensor = convert_to_tensor(lr, name="learning_rate")
        self._decay_tensor = convert_to_tensor(decay, name="decay")
        self._momentum_tensor = convert_to_tensor(momentum, name="momentum")
        self._epsilon_tensor = convert_to_tensor(epsilon, name="epsilon")

    def _slots_of(self, var: Any) -> list[Any]:
        """The slots, in the order of the ops' inputs."""
        names = ["mg", "rms", "momentum"] if self._centered else ["rms", "momentum"]
        return [self.get_slot(var, name) for name in names]

    def _scalars_for(self, var: Any) -> list[Tensor]:
        """The parameters in the variable's dtype, in the order of the ops' inputs."""
        scalars = (
            self._learning_rate_tensor,
            self._decay_tensor,
            self._momentum_tensor,
            self._epsilon_tensor,
        )
        return [math_ops.cast(scalar, var.dtype.base_dtype) for scalar in scalars]

    def _apply_dense(self, grad: Tensor, var: Any) -> Any:
        declared = (
            training_ops.APPLY_CENTERED_RMS_PROP if self._centered else training_ops.APPLY_RMS_PROP
        )
        slots, scalars = self._slots_of(var), self._scalars_for(var)
        return declared(var, *slots, *scalars, grad, use_locking=self._use_locking).op

    def _apply_sparse(self, grad: IndexedSlices, var: Any) -> Any:
        declared = (
            training_ops.SPARSE_APPLY_CENTERED_RMS_PROP
            if self._centered
            else training_ops.SPARSE_APPLY_RMS_PROP
        )
        return declared(
            var,
            *self._slots_of(var),
            *self._scalars_for(var),
            grad.values,
            grad.indices,
            use_locking=self._use_locking,
        ).op
