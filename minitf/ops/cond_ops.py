"""With this module one can choose in the graph: `tf.cond`, `tf.case`.

Both branches are in the graph; which one runs is decided while it runs. A `Switch` sends its data
out of one of two outputs and a *dead* token out of the other. A node with a dead input does
nothing and is dead itself, so that deadness runs down the branch not taken; a `Merge` at
the end takes whichever of its inputs is alive.

            x ---> Switch ---true---> [true branch]  --+
                     ^                                 +--> Merge ---> result
    pred ------------+  ---false--> [false branch] --+

While a branch is built, a `CondContext` watches the nodes that are made, and puts a Switch on
every edge that comes in from outside. What is made *before* the branch functions are called is
outside of both, and runs whatever the predicate says.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minitf.framework import errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.operation import Operation
from minitf.framework.scopes import control_dependencies, name_scope
from minitf.framework.tensor import IndexedSlices, Tensor
from minitf.ops import array_ops, control_flow_ops
from minitf.ops.switch_ops import merge_on, switch, switch_on_itself


class CondContext:
    """One branch of a `tf.cond` while it is built.

    Attributes:
      pred: the predicate.
      pivot: a tensor that is alive just when this branch is taken.
      branch: 1 for the true branch, 0 for the false one.
    """

    def __init__(self, pred: Tensor, pivot: Tensor, branch: int) -> None:
        self.pred = pred
        self.pivot = pivot
        self.branch = branch
        graph = pred.graph
        self.outer = graph._get_control_flow_context()
        self._inside: set[Tensor] = {pred, pivot}
        self._from_outside: dict[Tensor, Tensor] = {}
        # What a block around the whole choice waits for is meant to run whatever is chosen.
        self._told_of = {op for scope in graph._scopes.control for op in scope.inputs}

    def add_op(self, op: Operation) -> None:
        """Puts a new node into this branch. The graph calls it for every node made inside."""
        for control in op.control_inputs:
            if control not in self._told_of and not self._holds(control):
                self._told_of.add(control)
                _warn_if_it_runs_anyway(control)
        if not op.inputs:
            # What waits for a node of this branch need not wait for the branch too.
            if not any(self._holds(control) for control in op.control_inputs):
                op._add_control_input(self.pivot.op)
        else:
            with op.graph.name_scope(f"{op.name}/"):
                for index, tensor in enumerate(list(op.inputs)):
                    inner = self.add_value(tensor)
                    if inner is not tensor:
                        op._update_input(index, inner)
        self._note(op)
        op.graph.prevent_fetching(op)

    def _holds(self, op: Operation) -> bool:
        """Whether a node is in this branch, or in a choice inside it."""
        context: CondContext | None = op._get_control_flow_context()
        while context is not None and context is not self:
            context = context.outer
        return context is self

    def _note(self, op: Operation) -> None:
        context: CondContext | None = self
        while context is not None:
            context._inside.update(op.outputs)
            context = context.outer

    def add_value(self, tensor: Tensor) -> Tensor:
        """The tensor as it is seen inside: through a Switch if it comes from outside."""
        if tensor in self._inside:
            return tensor
        known = self._from_outside.get(tensor)
        if known is not None:
            return known
        graph = tensor.graph
        if self.outer is None:
            _warn_if_it_runs_anyway(tensor.op)
        outer = tensor if self.outer is None else self.outer.add_value(tensor)
        with graph.control_dependencies(None):  # clears the context too: no recursion
            result = switch(outer, self.pred)[self.branch]
        result.op._control_flow_context = self
        for scope in graph._scopes.control:  # a Merge of such values waits for nothing else
            scope.made.add(result.op)
        graph.prevent_fetching(result.op)
        self._from_outside[tensor] = result
        self._note(result.op)
        return result

    def build(self, function: Callable[[], Any]) -> Any:
        """Calls a branch function, and returns what it returns, with tensors for its leaves."""
        graph = self.pred.graph
        graph._set_control_flow_context(self)
        try:
            result = function()
            return _map_structure(self._result, result)
        finally:
            graph._set_control_flow_context(self.outer)

    def _result(self, value: Any) -> Any:
        if isinstance(value, Operation):
            # An operation has no value: the branch's pivot, once it has run, stands for it.
            return control_flow_ops.with_dependencies([value], self.pivot)
        if isinstance(value, IndexedSlices):
            return IndexedSlices(
                self._result(value.values),
                self._result(value.indices),
                None if value.dense_shape is None else self._result(value.dense_shape),
            )
        tensor = convert_to_tensor(value)
        return self.add_value(tensor)


_ONLY_LOOK = frozenset({"IsVariableInitialized", "RefSwitch", "RefMerge"})


def _warn_if_it_runs_anyway(op: Operation) -> None:
    """Warns of a node with effects that a branch uses, but that was not made inside it."""
    takes_ref = any(op.op_def.ref_inputs(len(op.inputs)))
    writes = (takes_ref and op.type not in _ONLY_LOOK) or op.type in ("Print", "PyFunc")
    writes = writes or op.op_def.may_wait  # a queue gives each element once
    if writes or (op.type == "NoOp" and op.control_inputs):
        errors.warn(
            f"{op.name!r} ({op.type}), created at {op.traceback}, runs whichever branch of tf.cond "
            "is taken: it was made outside of the function that uses it. Make it inside.",
            see="branches",
        )


def _is_sequence(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def _map_structure(function: Callable[..., Any], first: Any, *others: Any) -> Any:
    """Applies a function to the leaves of equal structures of lists, tuples and dicts."""
    if isinstance(first, dict):
        return {
            key: _map_structure(function, first[key], *(other[key] for other in others))
            for key in first
        }
    if _is_sequence(first):
        parts = [_map_structure(function, *items) for items in zip(first, *others, strict=True)]
        return type(first)(*parts) if hasattr(first, "_fields") else type(first)(parts)
    return function(first, *others)


def _same_structure(first: Any, second: Any) -> bool:
    if isinstance(first, dict) or isinstance(second, dict):
        if not (isinstance(first, dict) and isinstance(second, dict)):
            return False
        return first.keys() == second.keys() and all(
            _same_structure(first[key], second[key]) for key in first
        )
    if _is_sequence(first) or _is_sequence(second):
        return (
            _is_sequence(first)
            and _is_sequence(second)
            and len(first) == len(second)
            and all(map(_same_structure, first, second))
        )
    return True


def _unpack(value: Any, strict: bool) -> Any:
    return value[0] if not strict and _is_sequence(value) and len(value) == 1 else value


def cond(
    pred: Any,
    true_fn: Callable[[], Any] | None = None,
    false_fn: Callable[[], Any] | None = None,
    strict: bool = False,
    name: str | None = None,
    fn1: Callable[[], Any] | None = None,
    fn2: Callable[[], Any] | None = None,
) -> Any:
    """Runs one of two branches, by the value of `pred` (mirrors `tf.cond`).

    Only what is *built inside* a branch function is conditional. A node made before, even if
    just one branch uses it, runs in either case.

    Args:
      pred: a boolean scalar tensor.
      true_fn, false_fn: functions without arguments that build the branches and return tensors in
        the same structure (a tensor, or nested lists, tuples or dicts) and of the same dtypes.
      strict: whether a list of one tensor stays a list; by default it is unpacked.
      name: the scope's name.
      fn1, fn2: older names of `true_fn` and `false_fn`.

    Returns:
      The result of the branch that is taken, in the structure that the functions return.

    Raises:
      TypeError: if `pred` is a Python bool, or a branch is not callable.
      ValueError: if the branches return nothing, or different structures or dtypes.

    >>> import minitf as tf
    >>> x = tf.placeholder(tf.float32)
    >>> y = tf.cond(x > 0, lambda: tf.sqrt(x), lambda: tf.zeros_like(x))
    >>> with tf.Session() as sess:
    ...     print(sess.run(y, {x: 9.0}), sess.run(y, {x: -9.0}))
    3.0 0.0
    """
    for newer, older, names in (
        (true_fn, fn1, "'true_fn' and 'fn1'"),
        (false_fn, fn2, "'false_fn' and 'fn2'"),
    ):
        if newer is not None and older is not None:
            raise errors.type_error(f"{names} are two names of one argument: give only the first.")
    true_fn = fn1 if true_fn is None else true_fn
    false_fn = fn2 if false_fn is None else false_fn
    if not callable(true_fn):
        raise errors.type_error(
            "'true_fn' must be callable: pass a function that builds the branch."
        )
    if not callable(false_fn):
        raise errors.type_error(
            "'false_fn' must be callable: pass a function that builds the branch."
        )
    if isinstance(pred, (bool, np.bool_)):
        raise errors.type_error(
            "'pred' must not be a Python bool. Use Python's `if`, or a bool tensor."
        )
    with name_scope(name, "cond", [pred]):
        pred, reference = convert_to_tensor(pred), convert_to_tensor(pred, as_ref=True)
        pivot_false, pivot_true = switch_on_itself(pred, reference)
        pivot_true = array_ops.identity(pivot_true, name="switch_t")
        pivot_false = array_ops.identity(pivot_false, name="switch_f")
        pred = array_ops.identity(pred, name="pred_id")
        for tensor in (pivot_true.op.inputs[0], pivot_true, pivot_false, pred):
            pred.graph.prevent_fetching(tensor.op)
        true_result = _unpack(_build_branch(CondContext(pred, pivot_true, 1), true_fn, 1), strict)
        false_result = _unpack(
            _build_branch(CondContext(pred, pivot_false, 0), false_fn, 0), strict
        )
        _check_branches(true_result, false_result)
        return _map_structure(
            lambda true, false: _merge_results(pred, true, false), true_result, false_result
        )


def _build_branch(context: CondContext, function: Callable[[], Any], branch: int) -> Any:
    def call() -> Any:
        result = function()
        if result is None:
            name = "true_fn" if branch else "false_fn"
            raise errors.value_error(f"'{name}' must have a return value.")
        return result

    return context.build(call)


def _merge_results(pred: Tensor, true: Any, false: Any) -> Any:
    if isinstance(true, IndexedSlices) and isinstance(false, IndexedSlices):
        return IndexedSlices(
            _merge_results(pred, true.values, false.values),
            _merge_results(pred, true.indices, false.indices),
            None
            if true.dense_shape is None or false.dense_shape is None
            else _merge_results(pred, true.dense_shape, false.dense_shape),
        )
    return merge_on(pred, [convert_to_tensor(false), convert_to_tensor(true)])[0]


def _check_branches(true_result: Any, false_result: Any) -> None:
    if not _same_structure(true_result, false_result):
        raise errors.value_error(
            "The two structures don't have the same nested structure.\n"
            f"  'true_fn' returned {true_result!r}\n  'false_fn' returned {false_result!r}",
            do="return the same number of tensors, in the same nesting, from both.",
            see="branches",
        )

    def check(true: Any, false: Any) -> None:
        if true.dtype.base_dtype is not false.dtype.base_dtype:
            raise errors.value_error(
                "Outputs of 'true_fn' and 'false_fn' must have the same type(s). Received "
                f"{true.dtype.base_dtype.name} from 'true_fn' and {false.dtype.base_dtype.name} "
                f"from 'false_fn': {true.name}, created at {true.op.traceback}, and {false.name}, "
                f"created at {false.op.traceback}.",
                see="branches",
            )

    _map_structure(check, true_result, false_result)


def case(
    pred_fn_pairs: Any,
    default: Callable[[], Any] | None = None,
    exclusive: bool = False,
    strict: bool = False,
    name: str = "case",
) -> Any:
    """Runs the first branch whose predicate is true (mirrors `tf.case`).

    Args:
      pred_fn_pairs: a list of pairs (boolean scalar tensor, function), or a dict from one to the
        other.
      default: the branch to run when no predicate is true. If None, and none is true, the last
        function's branch fails with InvalidArgumentError.
      exclusive: whether more than one true predicate is an error.
      strict: as for `tf.cond`.
      name: the scope's name.

    Raises:
      TypeError: if the pairs are not pairs of a tensor and a callable.

    >>> import minitf as tf
    >>> x = tf.placeholder(tf.int32)
    >>> y = tf.case([(x < 0, lambda: tf.constant(-1)), (x > 0, lambda: tf.constant(1))],
    ...             default=lambda: tf.constant(0))
    >>> with tf.Session() as sess:
    ...     print([int(sess.run(y, {x: v})) for v in (-5, 0, 5)])
    [-1, 0, 1]
    """
    pairs = _case_pairs(pred_fn_pairs)
    with name_scope(name, "case", [pred for pred, _ in pairs]):
        preds = [convert_to_tensor(pred) for pred, _ in pairs]
        functions = [function for _, function in pairs]
        if default is None:
            default = _checked_last(list(preds), functions.pop())
            preds.pop()
        checks = []
        if exclusive:
            checks.append(_at_most(1, preds, "Input error: exclusive=True"))
        with control_dependencies(checks):
            chosen = default
            for pred, function in reversed(list(zip(preds, functions, strict=True))):
                chosen = _nested(pred, function, chosen, strict)
            return chosen()


def _case_pairs(pred_fn_pairs: Any) -> list[tuple[Any, Callable[[], Any]]]:
    if isinstance(pred_fn_pairs, dict):
        pairs = list(pred_fn_pairs.items())
    else:
        pairs = list(pred_fn_pairs)
    for pair in pairs:
        if not (isinstance(pair, tuple) and len(pair) == 2):
            raise errors.type_error(
                f"'pred_fn_pairs' must be pairs (pred, fn), but one is {pair!r}."
            )
        if not isinstance(pair[0], Tensor):
            raise errors.type_error(
                f"A predicate of tf.case must be a tensor, but one is {pair[0]!r}."
            )
        if not callable(pair[1]):
            raise errors.type_error(f"The fn of {pair[0]} must be callable, but is {pair[1]!r}.")
    if isinstance(pred_fn_pairs, dict):  # a dict has no order that a graph could rely on
        pairs.sort(key=lambda pair: pair[0].name)
    return pairs


def _nested(
    pred: Tensor, function: Callable[[], Any], otherwise: Callable[[], Any], strict: bool
) -> Callable[[], Any]:
    return lambda: cond(pred, function, otherwise, strict=strict, name="cond")


# The texts of the checks stand in the graph, so they are those of TensorFlow's graphs.


def _at_most(count: int, preds: list[Tensor], error: str) -> Operation:
    """A check that no more than so many predicates are true."""
    from minitf.ops import constant_op, logging_ops, math_ops

    stacked = array_ops.stack(preds, name="preds_c")
    found = math_ops.reduce_sum(math_ops.cast(stacked, "int32"), name="num_true_conds")
    limit = constant_op.constant(count, name="n_true_conds")
    names = ", ".join(pred.name for pred in preds)
    text = f"{error}: more than {count} conditions ({names}) evaluated as True:"
    holds = math_ops.less_equal(found, limit)
    return logging_ops.Assert(holds, [text, stacked], summarize=len(preds))


def _checked_last(preds: list[Tensor], function: Callable[[], Any]) -> Callable[[], Any]:
    """The last branch of a `tf.case` without default, which checks that its predicate is true."""
    from minitf.ops import logging_ops

    def last() -> Any:
        stacked = array_ops.stack(preds, name="preds_c")
        error = (
            f"Implementation error: selected default action #{len(preds) - 1} was called, but "
            "some of other predicates are True: "
        )
        others = _at_most(0, preds[:-1], error)
        text = "Input error: None of conditions evaluated as True:"
        with control_dependencies([others, logging_ops.Assert(preds[-1], [text, stacked])]):
            return function()

    return last
