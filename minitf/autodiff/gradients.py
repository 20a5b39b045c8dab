"""With this module one can differentiate a graph: `tf.gradients(ys, xs)`.

It adds the nodes that compute the derivatives of `ys` by `xs`.

Reverse mode, in four steps:

1. find the operations between: those that `ys` depend on and that depend on `xs`;
2. give each y the gradient that it starts with: ones, or `grad_ys`;
3. walk these operations from the last to the first. By the time an operation is reached, everything
   that uses its outputs has been walked, so that their gradients are complete: sum what arrived,
   and let the op's own rule turn output gradients into input gradients;
4. what arrived at each x is the answer.

The rules build ordinary nodes, so the result can be differentiated again. A node that is used
twice receives two gradients, which are added; walking in any other order than the reverse one would
pass a sum on before it is complete.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from types import FunctionType
from typing import Any

from minitf.autodiff.aggregate import add_up
from minitf.autodiff.custom import gradient_function
from minitf.autodiff.paths import dependencies, why_no_gradient
from minitf.framework import errors
from minitf.framework import traceback as traceback_lib
from minitf.framework.apply_op import graph_of
from minitf.framework.convert import convert_to_tensor
from minitf.framework.graph import Graph
from minitf.framework.operation import Operation
from minitf.framework.scopes import name_scope
from minitf.framework.tensor import IndexedSlices, Tensor
from minitf.ops import array_ops, constant_op, control_flow_ops


class UnconnectedGradients:
    """What `tf.gradients` gives for an x that no y depends on: None, or zeros."""

    NONE = "none"
    ZERO = "zero"


class AggregationMethod:
    """How gradients of one tensor are added up; minitf has one way, `AddN`, for all of these."""

    ADD_N = 0
    DEFAULT = ADD_N
    EXPERIMENTAL_TREE = 1
    EXPERIMENTAL_ACCUMULATE_N = 2


def gradients(
    ys: Any,
    xs: Any,
    grad_ys: Any = None,
    name: str = "gradients",
    colocate_gradients_with_ops: bool = False,
    gate_gradients: bool = False,
    aggregation_method: int | None = None,
    stop_gradients: Any = None,
    unconnected_gradients: str = UnconnectedGradients.NONE,
) -> list[Any]:
    """The derivatives of the sum of `ys` by each of `xs` (mirrors `tf.gradients`).

    For each x it gives `sum over y of grad_y * dy/dx`, of the shape of x.

    Args:
      ys: a tensor or a list of tensors.
      xs: a tensor, a variable, or a list of these.
      grad_ys: a tensor for each y, by which its derivatives are weighted; None is all ones.
      name: the scope of the new nodes.
      colocate_gradients_with_ops: whether each gradient is put on the device of its op.
      gate_gradients: whether the gradients of one op become ready only together.
      aggregation_method: accepted; the sum is the same.
      stop_gradients: tensors that count as constants.
      unconnected_gradients: "none" or "zero": what is returned where no path leads from y to x.

    Returns:
      A list with a tensor for each x, an `IndexedSlices` where the gradient is sparse (as through
      `tf.gather`), and None where no y depends on x in a differentiable way.

    Raises:
      LookupError: if an operation between has no gradient.
      ValueError: if `grad_ys` does not fit `ys`.

    >>> import minitf as tf
    >>> x = tf.constant(3.0)
    >>> y = x ** 2
    >>> first, = tf.gradients(y, x)
    >>> second, = tf.gradients(first, x)
    >>> with tf.Session() as sess:
    ...     print(*sess.run([first, second]))
    6.0 2.0
    """
    ys, xs = _as_list(ys), _as_list(xs)
    stops = [] if stop_gradients is None else _as_list(stop_gradients)
    grad_ys = [None] * len(ys) if grad_ys is None else _as_list(grad_ys)
    if len(grad_ys) != len(ys):
        raise errors.value_error(f"Passed {len(grad_ys)} grad_ys for {len(ys)} ys.")
    graph = graph_of([*ys, *xs, *stops, *grad_ys])
    scope = name_scope(name, "gradients", [*ys, *xs, *stops, *grad_ys])
    with scope as full_name, graph.as_default():
        graph._gradient_scopes.add(full_name.rstrip("/"))
        targets = [convert_to_tensor(y, name="y") for y in ys]
        sources = [_as_source(x) for x in xs]
        stopped = {_as_source(s) for s in stops}
        walk = _Walk(graph, targets, sources, stopped)
        walk.colocate, walk.gate = colocate_gradients_with_ops, gate_gradients
        for i, (y, grad_y) in enumerate(zip(targets, grad_ys, strict=True)):
            walk.start(y, grad_y, i)
        walk.run()
        found = [walk.result(x) for x in sources]
    for x, grad in zip(sources, found, strict=True):
        if grad is None:
            graph._why_none = partial(_why_none, targets, x, str(traceback_lib.capture()))
            break
    if unconnected_gradients == UnconnectedGradients.ZERO:
        with graph.as_default():
            pairs = zip(found, sources, strict=True)
            found = [array_ops.zeros_like(x) if grad is None else grad for grad, x in pairs]
    return found


def _why_none(ys: list[Tensor], x: Tensor, line: str) -> str:
    return f"tf.gradients gave None for {x.name!r} at {line}: {why_no_gradient(ys, x)}"


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _as_source(x: Any) -> Any:
    # A gradient by a variable is one by its reference, from which all its reads come.
    if isinstance(x, IndexedSlices):
        return x.values
    return convert_to_tensor(x, name="x", as_ref=True)


def operations_between(
    ys: list[Tensor], xs: list[Tensor], stopped: set[Tensor]
) -> tuple[list[Operation], set[Tensor]]:
    """The operations on a way from `xs` to `ys`, inputs first, and the tensors on these ways.

    Time and memory are linear in the part of the graph that `ys` depend on.
    """
    order = _inputs_first(dependencies(ys))
    on_way = set(xs)
    between: list[Operation] = []
    for op in order:
        if any(t in on_way for t in op._inputs):
            between.append(op)
            on_way.update(t for t in op._outputs if t not in stopped)
    return between, on_way


def _inputs_first(ops: set[Operation]) -> list[Operation]:
    """All of these operations, each after those that it reads from."""
    by_creation = sorted(ops, key=lambda op: op._id)
    if all(t._op._id < op._id for op in by_creation for t in op._inputs):
        return by_creation
    return _depth_first(by_creation)


def _depth_first(ops: list[Operation]) -> list[Operation]:
    """Inputs first, for graphs whose nodes were rewired after they were made (branches)."""
    done: set[Operation] = set()
    order: list[Operation] = []
    for root in ops:
        stack: list[tuple[Operation, bool]] = [(root, False)]
        while stack:
            op, inputs_done = stack.pop()
            if inputs_done:
                order.append(op)
            elif op not in done:
                done.add(op)
                stack.append((op, True))
                stack.extend((t._op, False) for t in op._inputs if t._op not in done)
    return order


class _Walk:
    """One reverse walk: the gradients that have arrived so far, by tensor."""

    def __init__(
        self, graph: Graph, ys: list[Tensor], xs: list[Tensor], stopped: set[Tensor]
    ) -> None:
        self._graph = graph
        self._order, self._on_way = operations_between(ys, xs, stopped)
        self._arrived: dict[Tensor, list[Any]] = {}
        self._sources = set(xs)
        self._stopped = stopped
        self.colocate = False
        self.gate = False

    def start(self, y: Tensor, grad_y: Any, i: int) -> None:
        """Gives a y the gradient that it starts with."""
        if grad_y is None:
            with self._near(y.op):
                shape = array_ops.shape(y)
                one = constant_op.constant(1, y.dtype.base_dtype, name=f"grad_ys_{i}/Const")
                grad_y = array_ops.fill(shape, one, name=f"grad_ys_{i}")
        else:
            grad_y = _checked_grad_y(y, grad_y, i)
        self._arrived.setdefault(y, []).append(grad_y)

    def run(self) -> None:
        """Walks the operations in reverse."""
        for op in reversed(self._order):
            # A stopped tensor may receive a gradient, but passes none on.
            out_grads = [None if t in self._stopped else self._total(t) for t in op._outputs]
            if all(grad is None for grad in out_grads):
                continue
            function = gradient_function(op)
            if function is None:
                continue
            with self._graph.name_scope(f"{op._name}_grad"), self._near(op):
                in_grads = self._apply(op, function, out_grads)
            for tensor, grad in zip(op._inputs, in_grads, strict=True):
                if grad is not None:
                    self._arrived.setdefault(tensor, []).append(_fitted(op, tensor, grad))

    def _total(self, tensor: Tensor) -> Any:
        """The sum of what arrived at a tensor, built once."""
        arrived = self._arrived.get(tensor)
        if arrived is None:
            return None
        if len(arrived) > 1:
            with self._near(_op_of(arrived[0])):  # the sum is made where its first term is
                arrived[:] = [add_up(arrived)]
        if tensor not in self._sources:
            del self._arrived[tensor]
        return arrived[0] if _has_gradient(tensor) else None

    def _apply(
        self, op: Operation, function: Callable[..., Any], out_grads: list[Any]
    ) -> list[Any]:
        """The gradients by an operation's inputs; None for those that nobody asks for."""
        if op._control_flow_context is not None and not op._op_def.is_control_flow:
            # Constants that a rule makes for a branch must be dead when the branch is.
            alive = [grad for grad in out_grads if grad is not None]
            with self._graph.control_dependencies([_op_of(grad) for grad in alive]):
                grads = self._wanted(op, function(op, *out_grads))
        else:
            grads = self._wanted(op, function(op, *out_grads))
        if self.gate and sum(grad is not None for grad in grads) > 1:
            with self._graph.device(None):
                grads = control_flow_ops.tuple_(grads)
        return grads

    def _wanted(self, op: Operation, result: Any) -> list[Any]:
        """What a rule gave, without the gradients of what is not on the way."""
        grads = list(result) if isinstance(result, (list, tuple)) else [result]
        if len(grads) != len(op._inputs):
            raise ValueError(
                errors.report(
                    f"The gradient function of op type {op.type!r} returned {len(grads)} gradients "
                    f"for the {len(op._inputs)} inputs of {op.name!r}.",
                    op=op,
                    do="return one for each input; None where none flows.",
                    see="no-gradient",
                )
            )
        for i, tensor in enumerate(op._inputs):
            if tensor not in self._on_way or not _has_gradient(tensor):
                grads[i] = None
            elif isinstance(grads[i], FunctionType):
                grads[i] = grads[i]()
        return grads

    def _near(self, op: Operation) -> AbstractContextManager[None]:
        return self._graph.colocate_with(op) if self.colocate else _ANYWHERE

    def result(self, x: Tensor) -> Any:
        """The gradient by one x."""
        return self._total(x)


_ANYWHERE = nullcontext()


def _op_of(grad: Any) -> Operation:
    op: Operation = grad.op
    return op


def _has_gradient(tensor: Tensor) -> bool:
    dtype = tensor._dtype.base_dtype
    return dtype.is_floating or dtype.is_complex


def _checked_grad_y(y: Tensor, grad_y: Any, i: int) -> Any:
    if isinstance(grad_y, IndexedSlices):
        return grad_y
    if not isinstance(grad_y, Tensor):
        grad_y = convert_to_tensor(grad_y, dtype=y.dtype.base_dtype, name=f"grad_y_{i}")
    if grad_y.dtype.base_dtype is not y.dtype.base_dtype:
        raise errors.type_error(
            f"Gradient type {grad_y.dtype.name} given for the tensor {y} of dtype {y.dtype.name}: "
            "they must be the same."
        )
    if not grad_y.shape.is_compatible_with(y.shape):
        raise errors.value_error(
            f"The gradient given for {y} has shape {grad_y.shape}, but must be the tensor's."
        )
    with_name: Tensor = array_ops.identity(grad_y, name=f"grad_ys_{i}")
    return with_name


def _fitted(op: Operation, tensor: Tensor, grad: Any) -> Any:
    """A gradient that has the shape and dtype of its tensor, or an error that names the op."""
    if isinstance(grad, IndexedSlices):
        return grad
    try:
        if grad.dtype.base_dtype is not tensor.dtype.base_dtype:
            raise errors.value_error(f"dtype {grad.dtype.name} is not {tensor.dtype.name}")
        grad.set_shape(tensor.shape)
    except ValueError as error:
        raise ValueError(
            errors.report(
                f"The gradient rule of op type {op.type!r} gave {errors.describe(grad)} for the "
                f"input {errors.describe(tensor)}: {error}",
                op=op,
                do="mend the rule: a gradient has the shape and dtype of its input.",
                see="no-gradient",
            )
        ) from None
    return grad
