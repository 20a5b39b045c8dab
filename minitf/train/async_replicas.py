"""With this module asynchronous workers know how old their gradients are.

A worker reads the variables, computes gradients, and sends them to the servers, which apply them to
what the variables are by then. Their *staleness* is how many steps others have taken meanwhile:

    worker 0   reads step 7 --------- computes ---------> applied to step 9: two steps old
    worker 1        reads step 7 --- computes ---> applied to step 8
    worker 2   reads step 7 --> applied to step 7: fresh

`tf.train.AsyncReplicasOptimizer` counts that beside the global step, can drop what is too old, and
has a hook that tells how things stand. It is minitf's own: in TensorFlow nobody knows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minitf import logging
from minitf.framework import errors
from minitf.framework.dtypes import int64
from minitf.framework.operation import Operation
from minitf.framework.scopes import (
    colocate_with,
    control_dependencies,
    device,
    init_scope,
    name_scope,
)
from minitf.framework.tensor import IndexedSlices, Tensor
from minitf.ops import array_ops, cond_ops, control_flow_ops, init_ops, math_ops, scatter_ops
from minitf.ops.variables import Variable
from minitf.train.optimizer import Optimizer
from minitf.train.replicas_optimizer import ReplicasOptimizer
from minitf.train.session_run_hook import SessionRunHook

_COUNTED = 64  # where nothing is dropped


class AsyncReplicasOptimizer(ReplicasOptimizer):
    """Counts how stale the gradients of asynchronous workers are, and bounds it.

    Each worker builds it around an optimizer. Of gradients that were computed from the values of
    step s and arrive when the global step is t, the staleness is t - s.

    Args:
      opt: the optimizer that applies the gradients.
      max_staleness: what is staler is dropped: it changes neither the variables nor the global
        step, and the worker goes on with fresh values. If None, everything is applied. A gradient
        may get older between the look at the global step and its own update, by as many steps as
        other workers' updates are being done in that moment.
      use_locking: accepted.
      name: the scope of what is counted.

    Attributes:
      staleness: after `apply_gradients`, a scalar int64 tensor: the staleness of the gradients of
        the run that fetches it.
      counts: after `apply_gradients`, a variable beside the global step: how often each staleness
        came, from 0; the last element counts all from there on. It is saved with the model.

    >>> import minitf as tf
    >>> w = tf.Variable(0.0)
    >>> step = tf.train.get_or_create_global_step()
    >>> optimizer = tf.train.GradientDescentOptimizer(0.25)
    >>> optimizer = tf.train.AsyncReplicasOptimizer(optimizer, max_staleness=4)
    >>> train = optimizer.minimize((w - 3.0) ** 2, step)
    >>> with tf.Session() as sess:
    ...     sess.run(tf.global_variables_initializer())
    ...     for _ in range(3):
    ...         sess.run(train)
    ...     print(sess.run(w), sess.run(optimizer.counts))
    2.625 [3 0 0 0 0 0]
    """

    def __init__(
        self,
        opt: Optimizer,
        max_staleness: int | None = None,
        use_locking: bool = False,
        name: str = "async_replicas",
    ) -> None:
        super().__init__(opt, use_locking, name)
        if max_staleness is not None and max_staleness < 0:
            raise errors.value_error(
                f"max_staleness must be 0 or more, or None, not {max_staleness}"
            )
        self._max_staleness = max_staleness
        self.staleness: Tensor | None = None
        self.counts: Variable | None = None

    # ---- a step

    def apply_gradients(
        self, grads_and_vars: Iterable[tuple[Any, Any]], global_step: Any = None, name: Any = None
    ) -> Operation:
        """One operation that counts how stale gradients are, and applies them if they may be so.

        Args:
          grads_and_vars: pairs (gradient, variable), as `compute_gradients` returns.
          global_step: the global step.
          name: the operation's name; the optimizer's if None.

        Raises:
          ValueError: if there is no gradient, or no global step.
        """
        pairs = [(grad, var) for grad, var in grads_and_vars if grad is not None]
        if not pairs:
            raise errors.value_error(
                "No gradients provided for any variable", see="no-gradients-for-any-variable"
            )
        if global_step is None:
            raise errors.value_error(
                "Global step is required to know how stale gradients are", see="global-step"
            )
        with name_scope(name, self._name) as scope:
            # Like the other variables the step is read before the model is run. It comes back with
            # the gradients: at its server, what was read is the variable, as it is when it is used.
            then = math_ops.cast(global_step.value(), np.float64, name="step_of_the_values")
            pairs = [(_brought_to(var, grad), var) for grad, var in pairs]
            with colocate_with(global_step):
                age = self._age([grad for grad, _ in pairs], then, global_step)
                self.counts = self._make_counts(global_step)
                last = self._different() - 1
                count = scatter_ops.scatter_add(
                    self.counts, math_ops.minimum(age, last), np.int64(1), name="count"
                )
            self.staleness = age
            with control_dependencies([count]):
                done = self._apply_if_fresh(pairs, age, global_step)
            return control_flow_ops.group(done, count, name=scope)

    def _age(self, grads: list[Any], then: Tensor, global_step: Any) -> Tensor:
        with control_dependencies([_values(grad) for grad in grads]):
            now = math_ops.cast(array_ops.identity(global_step._ref()), np.float64, name="step_now")
        # A server that has gone back to a checkpoint has no gradients from its future.
        age: Tensor = math_ops.cast(math_ops.maximum(now - then, 0.0), int64, name="age")
        return age

    def _different(self) -> int:
        """How many values are told apart; the last stands for all from there on."""
        return _COUNTED if self._max_staleness is None else self._max_staleness + 2

    def _make_counts(self, global_step: Any) -> Variable:
        with init_scope(), device(global_step.device):
            return Variable(
                init_ops.zeros_initializer()([self._different()], int64),
                trainable=False,
                name="staleness",
            )

    def _apply_if_fresh(
        self, pairs: list[tuple[Any, Any]], age: Tensor, global_step: Any
    ) -> Operation:
        if self._max_staleness is None:
            return self._opt.apply_gradients(pairs, global_step)
        with device(global_step.device):
            fresh = math_ops.less_equal(age, np.int64(self._max_staleness), name="fresh")

            def apply() -> Operation:
                return control_flow_ops.group(self._opt.apply_gradients(pairs, global_step))

            applied: Any = cond_ops.cond(fresh, apply, control_flow_ops.no_op)
        op: Operation = applied.op if isinstance(applied, Tensor) else applied
        return op

    # ---- what one sees

    def make_session_run_hook(self, every_n_runs: int = 100) -> SessionRunHook:
        """A hook that tells, by `tf.logging`, how stale the gradients of all workers were.

        Args:
          every_n_runs: how often, in runs of the worker that has the hook.
        """
        return _StalenessHook(self, every_n_runs)


def _values(grad: Any) -> Tensor:
    tensor: Tensor = grad.values if isinstance(grad, IndexedSlices) else grad
    return tensor


def _brought_to(var: Any, grad: Any) -> Any:
    """The gradient on the variable's server, so that it has come when it is looked at."""
    with colocate_with(var):
        if isinstance(grad, IndexedSlices):
            values, indices = array_ops.identity(grad.values), array_ops.identity(grad.indices)
            return IndexedSlices(values, indices, grad.dense_shape)
        return array_ops.identity(grad)


class _StalenessHook(SessionRunHook):
    """Tells how stale gradients were, from what is counted for all workers."""

    def __init__(self, optimizer: AsyncReplicasOptimizer, every_n_runs: int) -> None:
        if every_n_runs < 1:
            raise errors.value_error(f"every_n_runs must be positive, not {every_n_runs}")
        self._optimizer = optimizer
        self._every = every_n_runs
        self._runs = 0
        self._told: Any = 0

    def begin(self) -> None:
        if self._optimizer.counts is None:
            raise errors.value_error(
                "apply_gradients should be called before the hook is used.", see="order-of-calls"
            )

    def after_create_session(self, session: Any, coord: Any) -> None:
        self._told = session.run(self._optimizer.counts)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        self._runs += 1
        if self._runs % self._every == 0:
            self._tell(run_context.session)

    def end(self, session: Any) -> None:
        if self._runs % self._every:
            self._tell(session)

    def _tell(self, session: Any) -> None:
        counts = session.run(self._optimizer.counts)
        new, self._told = counts - self._told, counts
        if not new.any():
            return
        ages = np.arange(len(new))
        bound = self._optimizer._max_staleness
        logging.info(
            "Staleness of %d gradients of all workers: %.2f steps on average, at most %d; "
            "%d dropped.",
            new.sum(),
            (new * ages).sum() / new.sum(),
            ages[new > 0].max(),
            0 if bound is None else new[-1],
        )
