"""With this module one can average over time: shadow variables that follow others slowly."""

from __future__ import annotations

from typing import Any

from minitf.framework import dtypes, errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.default import get_default_graph
from minitf.framework.graph_collections import GraphKeys
from minitf.framework.operation import Operation
from minitf.framework.scopes import init_scope, name_scope
from minitf.framework.tensor import Tensor
from minitf.ops import (
    control_flow_ops,
    init_ops,
    math_ops,
    state_ops,
    variable_lists,
    variable_scope,
)
from minitf.ops.variables import Variable
from minitf.train import slot_creator

_VARIABLES = ("Variable", "VariableV2")


def assign_moving_average(
    variable: Any, value: Any, decay: Any, zero_debias: bool = True, name: str | None = None
) -> Tensor:
    """Moves a variable a little towards a value: `variable -= (1 - decay) (variable - value)`.

    Args:
      variable: a `tf.Variable`.
      value: a tensor of its shape.
      decay: a number or tensor below 1, usually near it.
      zero_debias: whether the average is kept in a second variable that begins at zero, and what is
        assigned is that one without its bias: divided by `1 - decay ** steps`. Then what
        `variable` began at does not count.
      name: the node's name.

    Returns:
      The reference, to use where the new value is wanted.

    >>> import minitf as tf
    >>> v = tf.Variable(1.0)
    >>> average = assign_moving_average(v, 3.0, decay=0.75, zero_debias=False)
    >>> with tf.Session() as sess:
    ...     sess.run(v.initializer)
    ...     print(sess.run(average), sess.run(average))
    1.5 1.875
    """
    with name_scope(name, "AssignMovingAvg", [variable, value, decay]) as scope:
        rate = convert_to_tensor(1.0 - decay, name="decay")
        if rate.dtype is not variable.dtype.base_dtype:
            rate = math_ops.cast(rate, variable.dtype.base_dtype)
        if zero_debias:
            return _assign_without_bias(variable, value, rate, scope)
        return state_ops.assign_sub(variable, (variable - value) * rate, name=scope)


def _assign_without_bias(variable: Any, value: Any, rate: Tensor, scope: str) -> Tensor:
    zeros, dtype = init_ops.zeros_initializer(), variable.dtype.base_dtype
    with (
        variable_scope.variable_scope(variable.op.name, values=[variable, value, rate]),
        get_default_graph().colocate_with(variable),
    ):
        biased = variable_scope.get_variable(
            _unused("biased"),
            shape=variable.shape,
            dtype=dtype,
            initializer=zeros,
            trainable=False,
        )
        local_step = variable_scope.get_variable(
            _unused("local_step"), shape=[], dtype=dtype, initializer=zeros, trainable=False
        )
    biased_after = state_ops.assign_sub(biased, (biased - value) * rate)
    steps = state_ops.assign_add(local_step, 1)
    bias = 1.0 - math_ops.pow(1.0 - rate, steps)
    return state_ops.assign(variable, biased_after / bias, name=scope)


def _unused(name: str) -> str:
    """A name that no variable of the scope has; `name` itself where variables are shared."""
    scope = variable_scope.get_variable_scope()
    if scope.reuse:
        return name
    taken = {variable.op.name for variable in scope.global_variables()}
    candidate, number = name, 0
    while f"{scope.name}/{candidate}" in taken:
        number += 1
        candidate = f"{name}_{number}"
    return candidate


class ExponentialMovingAverage:
    """Keeps averages of variables or tensors: those of a model's weights often predict better.

    Mirrors `tf.train.ExponentialMovingAverage`. Each time that the operation from `apply` runs,

        shadow = decay * shadow + (1 - decay) * variable

    Args:
      decay: a number or tensor below 1, usually near it.
      num_updates: a tensor that counts the updates; then the decay is `min(decay,
        (1 + num_updates) / (10 + num_updates))`, so that averages move fast at first.
      zero_debias: whether averages of tensors, which begin at zero, are corrected for that.
      name: what the shadow variables are called under the names of the others.

    >>> import minitf as tf
    >>> w = tf.Variable(0.0, name="w")
    >>> ema = tf.train.ExponentialMovingAverage(decay=0.5)
    >>> with tf.control_dependencies([w.assign_add(4.0)]):
    ...     step = ema.apply([w])
    >>> with tf.Session() as sess:
    ...     _ = sess.run(tf.global_variables_initializer())
    ...     for _ in range(2):
    ...         sess.run(step)
    ...         print(*sess.run([w, ema.average(w)]))
    4.0 2.0
    8.0 5.0
    """

    def __init__(
        self,
        decay: Any,
        num_updates: Any = None,
        zero_debias: bool = False,
        name: str = "ExponentialMovingAverage",
    ) -> None:
        self._decay = decay
        self._num_updates = num_updates
        self._zero_debias = zero_debias
        self._name = name
        self._averages: dict[Any, Variable] = {}

    @property
    def name(self) -> str:
        """What the shadow variables are called."""
        return self._name

    def apply(self, var_list: Any = None) -> Operation:
        """Makes the shadow variables, and the operation that updates them.

        The shadow of a variable begins at the variable's value, that of a tensor at zero. Shadows
        are not trainable; those variables are in `GraphKeys.MOVING_AVERAGE_VARIABLES`.

        Args:
          var_list: variables and tensors of a floating dtype; the trainable variables if None.

        Raises:
          TypeError: if one is not of a floating dtype.

        Returns:
          An operation that moves all averages once.
        """
        if var_list is None:
            var_list = variable_lists.trainable_variables()
        corrected: set[Variable] = set()
        for var in var_list:
            if var.dtype.base_dtype not in (dtypes.float16, dtypes.float32, dtypes.float64):
                raise TypeError(
                    errors.report(
                        f"The variables must be half, float, or double: {var.name}",
                        op=var.op,
                        do="average a copy: tf.cast(v, tf.float32).",
                        see="dtypes-that-do-not-fit",
                    )
                )
            if var not in self._averages:
                self._averages[var] = shadow = self._make_shadow(var)
                if self._zero_debias and not isinstance(var, Variable):
                    corrected.add(shadow)
        with name_scope(self._name) as scope:
            decay = self._decay_now()
            updates = [
                assign_moving_average(
                    self._averages[var], var, decay, zero_debias=self._averages[var] in corrected
                )
                for var in var_list
            ]
            return control_flow_ops.group(*updates, name=scope)

    def _make_shadow(self, var: Any) -> Variable:
        with init_scope():
            if isinstance(var, Variable):
                shadow = slot_creator.create_slot(var, var.initialized_value(), self._name)
                # What is averaged, not the average: `variables_to_restore` swaps the two.
                get_default_graph().add_to_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, var)
            else:
                shadow = slot_creator.create_zeros_slot(
                    var, self._name, colocate_with_primary=var.op.type in _VARIABLES
                )
        return shadow

    def _decay_now(self) -> Tensor:
        decay = convert_to_tensor(self._decay, name="decay")
        if self._num_updates is None:
            return decay
        updates = math_ops.cast(self._num_updates, dtypes.float32, name="num_updates")
        return math_ops.minimum(decay, (1.0 + updates) / (10.0 + updates))

    def average(self, var: Any) -> Variable | None:
        """The shadow of a variable or tensor; None if `apply` was not called with it."""
        return self._averages.get(var)

    def average_name(self, var: Any) -> str:
        """The name of a shadow, whether or not there is one: what checkpoints have it under."""
        if var in self._averages:
            return self._averages[var].op.name
        return get_default_graph().unique_name(f"{var.op.name}/{self._name}", mark_as_used=False)

    def variables_to_restore(self, moving_avg_variables: Any = None) -> dict[str, Any]:
        """A map that restores averages into the variables that they are averages of.

        Args:
          moving_avg_variables: those that have averages; if None, all trainable ones and
            those in `GraphKeys.MOVING_AVERAGE_VARIABLES`.

        Returns:
          From the name in a checkpoint to the variable: for those with an average the name of
          that, for others their own.

        >>> import minitf as tf
        >>> w, step = tf.Variable(0.0, name="w"), tf.Variable(0, name="step", trainable=False)
        >>> names = tf.train.ExponentialMovingAverage(0.9).variables_to_restore()
        >>> sorted(names)
        ['step', 'w/ExponentialMovingAverage']
        """
        if moving_avg_variables is None:
            moving_avg_variables = (
                variable_lists.trainable_variables() + variable_lists.moving_average_variables()
            )
        averaged = dict.fromkeys(moving_avg_variables)
        names = {self.average_name(var): var for var in averaged}
        taken = {var.op.name for var in averaged}
        for var in variable_lists.moving_average_variables() + variable_lists.global_variables():
            if var not in averaged and var.op.name not in taken:
                names.setdefault(var.op.name, var)
        return names
