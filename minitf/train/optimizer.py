"""With this module one can train: an optimizer adds the nodes that change variables by gradients.

`minimize` is two steps: `compute_gradients` adds the gradients of a loss; `apply_gradients` adds
one operation that changes every variable. Between the two, gradients can be clipped or replaced.

A new optimizer is a subclass that says in `_apply_dense` (and `_apply_sparse`, for the gradients of
`tf.gather`) which node changes one variable. What it keeps of a variable it makes in
`_create_slots`; what is computed once for all of them, in `_prepare`; what follows, in `_finish`:

    class Descent(tf.train.Optimizer):
        def __init__(self, rate):
            super().__init__(use_locking=False, name="Descent")
            self._rate = rate

        def _apply_dense(self, grad, var):
            return var.assign_sub(self._rate * grad).op
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minitf.autodiff.gradients import gradients
from minitf.autodiff.paths import why_no_gradient
from minitf.framework import dtypes, errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.default import get_default_graph
from minitf.framework.graph import Graph
from minitf.framework.graph_collections import GraphKeys
from minitf.framework.operation import Operation
from minitf.framework.scopes import control_dependencies, init_scope, name_scope
from minitf.framework.tensor import IndexedSlices, Tensor
from minitf.ops import array_ops, control_flow_ops, math_ops, state_ops, variable_lists
from minitf.ops.variables import Variable
from minitf.train import slot_creator

# An explanation for each of a thousand variables helps nobody.
_MOST_EXPLAINED = 8


class Optimizer:
    """What all optimizers share (mirrors `tf.train.Optimizer`).

    Args:
      use_locking: whether updates of one variable wait for one another, where several threads
        train.
      name: the scope of the nodes, and what slots are called.
      use_own_namescope_for_non_slot_vars: whether variables that belong to no variable, as Adam's
        powers of beta, are put under `name` too.

    Raises:
      ValueError: if there is no name.
    """

    # How far gradients wait for one another: not at all; those of one operation; all of them.
    GATE_NONE = 0
    GATE_OP = 1
    GATE_GRAPH = 2

    def __init__(
        self, use_locking: bool, name: str, use_own_namescope_for_non_slot_vars: bool = False
    ) -> None:
        if not name:
            raise errors.value_error("Must specify the optimizer name")
        self._use_locking = use_locking
        self._name = name
        self._use_own_namescope_for_non_slot_vars = use_own_namescope_for_non_slot_vars
        self._slots: dict[str, dict[Any, Variable]] = {}
        self._non_slot_dict: dict[Any, Variable] = {}

    def get_name(self) -> str:
        """The name given to the optimizer."""
        return self._name

    # ---- the two steps

    def minimize(
        self,
        loss: Any,
        global_step: Any = None,
        var_list: Any = None,
        gate_gradients: int = GATE_OP,
        aggregation_method: int | None = None,
        colocate_gradients_with_ops: bool = False,
        name: str | None = None,
        grad_loss: Any = None,
    ) -> Operation:
        """One operation that takes a step downhill: `compute_gradients` and `apply_gradients`.

        Args:
          loss: a tensor; its sum is made smaller.
          global_step: a variable to add 1 to.
          var_list: the variables to change; the trainable ones of the graph if None.
          gate_gradients: `GATE_NONE`, `GATE_OP` or `GATE_GRAPH`.
          aggregation_method: accepted; see `tf.gradients`.
          colocate_gradients_with_ops: whether each gradient is put on the device of its op.
          name: the operation's name; the optimizer's if None.
          grad_loss: a tensor that the loss is weighted by.

        Raises:
          ValueError: if there is no variable, or none with a gradient, or the loss is not of a
            floating dtype.

        >>> import minitf as tf
        >>> w = tf.Variable(0.0)
        >>> train = tf.train.GradientDescentOptimizer(0.25).minimize((w - 3.0) ** 2)
        >>> with tf.Session() as sess:
        ...     sess.run(w.initializer)
        ...     for _ in range(3):
        ...         sess.run(train)
        ...     print(sess.run(w))
        2.625
        """
        loss = self._call_if_callable(loss)
        grads_and_vars = self.compute_gradients(
            loss,
            var_list=var_list,
            gate_gradients=gate_gradients,
            aggregation_method=aggregation_method,
            colocate_gradients_with_ops=colocate_gradients_with_ops,
            grad_loss=grad_loss,
        )
        if all(grad is None for grad, _ in grads_and_vars):
            raise ValueError(_no_gradients([var for _, var in grads_and_vars], loss))
        return self.apply_gradients(grads_and_vars, global_step=global_step, name=name)

    def compute_gradients(
        self,
        loss: Any,
        var_list: Any = None,
        gate_gradients: int = GATE_OP,
        aggregation_method: int | None = None,
        colocate_gradients_with_ops: bool = False,
        grad_loss: Any = None,
    ) -> list[tuple[Any, Any]]:
        """The gradient of a loss by each variable: the first half of `minimize`.

        Args:
          loss: a tensor, or a function without arguments that returns one.
          var_list, gate_gradients, aggregation_method, colocate_gradients_with_ops, grad_loss: as
            for `minimize`.

        Returns:
          A list of pairs (gradient, variable). A gradient is a tensor, an `IndexedSlices`, or
          None if the loss does not depend on the variable.

        Raises:
          ValueError: if there is no variable, or the loss or a variable is not of a floating
            dtype.

        >>> import minitf as tf
        >>> w = tf.Variable([3.0, 4.0])
        >>> optimizer = tf.train.GradientDescentOptimizer(1.0)
        >>> (grad, var), = optimizer.compute_gradients(tf.reduce_sum(w * w))
        >>> train = optimizer.apply_gradients([(tf.clip_by_norm(grad, 1.0), var)])
        >>> with tf.Session() as sess:
        ...     sess.run(w.initializer)
        ...     sess.run(train)
        ...     print(sess.run(w))
        [2.4 3.2]
        """
        loss = self._call_if_callable(loss)
        if not hasattr(loss, "op"):
            raise errors.attribute_error(  # TensorFlow asks for the loss's op
                f"The loss must be a tensor of the graph, not {errors.brief(loss)} of type "
                f"{type(loss).__name__!r}.",
                do="compute it from the variables by tf functions: what numpy computed, or "
                "session.run returned, has no gradient.",
                see="no-gradients-for-any-variable",
            )
        if gate_gradients not in (self.GATE_NONE, self.GATE_OP, self.GATE_GRAPH):
            raise errors.value_error(
                "gate_gradients must be one of: Optimizer.GATE_NONE, Optimizer.GATE_OP, "
                f"Optimizer.GATE_GRAPH. Not {gate_gradients}"
            )
        self._assert_valid_dtypes([loss])
        if grad_loss is not None:
            self._assert_valid_dtypes([grad_loss])
        variables = variable_lists.trainable_variables() if var_list is None else _flat(var_list)
        if not variables:
            raise ValueError(
                errors.report(
                    "No variables to optimize.",
                    line=str(loss.op.traceback),
                    do="make variables with tf.Variable(...) or tf.get_variable(...), trainable, "
                    "in the graph of the loss; or name them in var_list.",
                    see="no-gradients-for-any-variable",
                )
            )
        grads = gradients(
            loss,
            [_target(var) for var in variables],
            grad_ys=grad_loss,
            gate_gradients=gate_gradients == self.GATE_OP,
            aggregation_method=aggregation_method,
            colocate_gradients_with_ops=colocate_gradients_with_ops,
        )
        if gate_gradients == self.GATE_GRAPH:
            grads = control_flow_ops.tuple_(grads)
        pairs = list(zip(grads, variables, strict=True))
        self._assert_valid_dtypes([var for grad, var in pairs if grad is not None])
        return pairs

    def apply_gradients(
        self,
        grads_and_vars: Iterable[tuple[Any, Any]],
        global_step: Any = None,
        name: str | None = None,
    ) -> Operation:
        """One operation that changes variables by gradients: the second half of `minimize`.

        Args:
          grads_and_vars: pairs (gradient, variable), as `compute_gradients` returns.
          global_step: a variable to add 1 to, once the others are changed.
          name: the operation's name; the optimizer's if None.

        Raises:
          TypeError: if a gradient is no tensor, or of another dtype than its variable.
          ValueError: if there is no variable, or none with a gradient; or a gradient has another
            shape than its variable.
          NotImplementedError: if what is to be changed is no variable.
        """
        pairs = [(_as_gradient(grad), var) for grad, var in grads_and_vars]
        if not pairs:
            raise errors.value_error("No variables provided.", see="no-gradients-for-any-variable")
        var_list = [var for grad, var in pairs if grad is not None]
        if not var_list:
            names = [str(var) for _, var in pairs]
            raise errors.value_error(
                f"No gradients provided for any variable: {names}.",
                see="no-gradients-for-any-variable",
            )
        with init_scope():
            self._create_slots(var_list)
        graph = get_default_graph()
        with name_scope(name, self._name) as scope:
            self._prepare()
            updates = []
            for grad, var in pairs:
                if grad is not None:
                    with name_scope(f"update_{var.op.name}"), graph.colocate_with(var):
                        updates.append(self._update(grad, var))
            if global_step is None:
                done = self._finish(updates, scope)
            else:
                waits = [self._finish(updates, "update")]
                with control_dependencies(waits), graph.colocate_with(global_step):
                    done = state_ops.assign_add(global_step, 1, name=scope)
        train_op: Operation = done.op if isinstance(done, Tensor) else done
        train_ops = graph.get_collection_ref(GraphKeys.TRAIN_OP)
        if train_op not in train_ops:
            train_ops.append(train_op)
        return train_op

    def _update(self, grad: Any, var: Any) -> Any:
        """The node that changes one variable, and keeps it where its constraint allows."""
        if not isinstance(var, Variable):
            raise errors.not_implemented(f"Trying to update a Tensor {var}", see="not-a-variable")
        if isinstance(grad, IndexedSlices):
            if var.constraint is not None:
                raise RuntimeError(
                    errors.report(
                        "Cannot use a constraint function on a sparse variable.",
                        op=var.op,
                        facts=f"gradient: rows {grad.values.name} at {grad.indices.name}",
                        do="make the gradient dense with tf.convert_to_tensor(grad), or drop the "
                        "constraint.",
                        see="arguments",
                    )
                )
            return self._apply_sparse_duplicate_indices(grad, var)
        update = self._apply_dense(grad, var)
        if var.constraint is None:
            return update
        with control_dependencies([update]):
            return var.assign(var.constraint(var))

    # ---- slots

    def get_slot(self, var: Any, name: str) -> Variable | None:
        """What the optimizer keeps of a variable under a name, such as "momentum"; or None."""
        return self._slots.get(name, {}).get(_var_key(var))

    def get_slot_names(self) -> list[str]:
        """The names that `get_slot` knows, in alphabetical order."""
        return sorted(self._slots)

    def variables(self) -> list[Variable]:
        """The variables that the optimizer made in the default graph, by name."""
        graph = get_default_graph()
        found = self._non_slot_variables()
        found += [slot for slots in self._slots.values() for slot in slots.values()]
        return sorted((v for v in found if v.graph is graph), key=lambda v: v.name)

    def _slot_dict(self, slot_name: str) -> dict[Any, Variable]:
        return self._slots.setdefault(slot_name, {})

    def _get_or_make_slot(self, var: Any, val: Any, slot_name: str, op_name: str) -> Variable:
        """The slot of a variable, made if there is none.

        Args:
          var: the variable.
          val: the tensor that it begins with.
          slot_name: what `get_slot` knows it by.
          op_name: its name under that of the variable; usually the optimizer's.
        """
        slots = self._slot_dict(slot_name)
        if _var_key(var) not in slots:
            slots[_var_key(var)] = slot_creator.create_slot(var, val, op_name)
        return slots[_var_key(var)]

    def _get_or_make_slot_with_initializer(
        self, var: Any, initializer: Any, shape: Any, dtype: Any, slot_name: str, op_name: str
    ) -> Variable:
        """The same with an initializer, as for `tf.get_variable`, in the place of the value."""
        slots = self._slot_dict(slot_name)
        if _var_key(var) not in slots:
            slots[_var_key(var)] = slot_creator.create_slot_with_initializer(
                var, initializer, shape, dtype, op_name
            )
        return slots[_var_key(var)]

    def _zeros_slot(self, var: Any, slot_name: str, op_name: str) -> Variable:
        """The same with zeros."""
        slots = self._slot_dict(slot_name)
        if _var_key(var) not in slots:
            slots[_var_key(var)] = slot_creator.create_zeros_slot(var, op_name)
        return slots[_var_key(var)]

    def _create_non_slot_variable(
        self, initial_value: Any, name: str, colocate_with: Any
    ) -> Variable:
        """A variable of the optimizer that belongs to no variable; made once for a graph.

        Args:
          initial_value: as for `tf.Variable`.
          name: its name, and what `_get_non_slot_variable` knows it by.
          colocate_with: the variable to put it beside.
        """
        graph = colocate_with.graph
        key = (name, graph)
        if key not in self._non_slot_dict:
            if self._use_own_namescope_for_non_slot_vars:
                name = f"{self._name}/{name}"
            with graph.colocate_with(colocate_with):
                made = Variable(initial_value, name=name, trainable=False)
            self._non_slot_dict[key] = made
        return self._non_slot_dict[key]

    def _get_non_slot_variable(self, name: str, graph: Graph | None = None) -> Variable | None:
        return self._non_slot_dict.get((name, graph or get_default_graph()))

    def _non_slot_variables(self) -> list[Variable]:
        return list(self._non_slot_dict.values())

    # ---- what subclasses say

    def _valid_dtypes(self) -> set[dtypes.DType]:
        """The dtypes that losses and variables may have."""
        return {dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64}

    def _assert_valid_dtypes(self, tensors: Iterable[Any]) -> None:
        valid = self._valid_dtypes()
        for tensor in tensors:
            dtype = tensor.dtype.base_dtype
            if dtype not in valid:
                names = sorted(f"tf.{d.name}" for d in valid)
                raise ValueError(
                    errors.report(
                        f"Invalid type tf.{dtype.name} for {tensor.name}, expected: "
                        f"[{', '.join(names)}].",
                        op=tensor.op,
                        do="compute it in floating point: only there are gradients defined.",
                        see="no-gradients-for-any-variable",
                    )
                )

    def _create_slots(self, var_list: list[Any]) -> None:
        """Makes the slots that the variables need; by default none."""

    def _prepare(self) -> None:
        """Makes the tensors that all updates share, such as the learning rate; by default none."""

    def _apply_dense(self, grad: Tensor, var: Any) -> Any:
        """The operation that changes a variable by a gradient."""
        raise NotImplementedError

    def _apply_sparse_duplicate_indices(self, grad: IndexedSlices, var: Any) -> Any:
        """The operation that changes a variable by a sparse gradient, where rows may repeat.

        By default rows that repeat are added up, and `_apply_sparse` is given each row once.
        """
        values, indices = _deduplicate_indexed_slices(grad.values, grad.indices)
        return self._apply_sparse(IndexedSlices(values, indices, grad.dense_shape), var)

    def _apply_sparse(self, grad: IndexedSlices, var: Any) -> Any:
        """The operation that changes a variable by a sparse gradient, where no row repeats."""
        raise NotImplementedError

    def _finish(self, update_ops: list[Any], name_scope: str) -> Any:
        """The operation that is done when all updates are; its name is `name_scope`."""
        return control_flow_ops.group(*update_ops, name=name_scope)

    def _call_if_callable(self, param: Any) -> Any:
        """A parameter, or what it returns if it is a function without arguments."""
        return param() if callable(param) else param


def _var_key(var: Any) -> tuple[Graph, str]:
    return (var.op.graph, var.op.name)


def _deduplicate_indexed_slices(values: Any, indices: Any) -> tuple[Tensor, Tensor]:
    """The rows with those of equal indices added up, and the indices without repetition."""
    unique_indices, new_positions = array_ops.unique(indices)
    summed = math_ops.unsorted_segment_sum(
        values, new_positions, array_ops.shape(unique_indices)[0]
    )
    return summed, unique_indices


def _flat(var_list: Any) -> list[Any]:
    if isinstance(var_list, dict):
        return [var for key in sorted(var_list) for var in _flat(var_list[key])]
    if isinstance(var_list, (list, tuple)):
        return [var for item in var_list for var in _flat(item)]
    return [var_list]


def _target(var: Any) -> Any:
    """What gradients by a variable are taken by: its reference, from which all reads come."""
    if isinstance(var, Variable):
        return var._ref()
    if isinstance(var, Tensor):
        return var
    raise errors.type_error(
        f"var_list must hold variables, but it holds {var!r} of type {type(var).__name__}."
    )


def _as_gradient(grad: Any) -> Any:
    if grad is None or isinstance(grad, (Tensor, IndexedSlices)):
        return grad
    try:
        return convert_to_tensor(grad)
    except (TypeError, ValueError) as error:
        raise errors.type_error(
            f"Gradient must be convertible to a Tensor or IndexedSlices, or None: {grad!r} "
            f"({error})"
        ) from None


def _no_gradients(variables: list[Any], loss: Any) -> str:
    """Says that no variable has a gradient, and why each has none."""
    reasons = [f"{var.name}: {_reason(loss, var)}" for var in variables[:_MOST_EXPLAINED]]
    if len(variables) > _MOST_EXPLAINED:
        reasons.append(f"... and {len(variables) - _MOST_EXPLAINED} more variables")
    return errors.report(
        "No gradients provided for any variable, check your graph for ops that do not support "
        f"gradients, between variables {[str(var) for var in variables]} and loss {loss}.",
        facts="\n  ".join(["why:", *reasons]),
        line=str(loss.op.traceback),
        do="compute the loss from the variables, by operations that have a gradient.",
        see="no-gradients-for-any-variable",
    )


def _reason(loss: Tensor, var: Any) -> str:
    if not var.dtype.base_dtype.is_floating:
        return f"it is {var.dtype.base_dtype.name}, and only floating-point numbers have gradients"
    return why_no_gradient([loss], _target(var))
