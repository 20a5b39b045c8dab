"""With this module a variable's initial value may be computed from other variables.

`b = tf.Variable(a * 2.0)` reads `a`, which has no value yet when `b.initializer` runs alone, and
may have none when one run initializes both. So what `b/Assign` stores is a copy of the nodes
between `a` and the initial value, in which `a` is replaced by `a.initialized_value()`: its
value if it has one, otherwise its own initial value. The copies are named as TensorFlow names them,
`mul_b` for `mul`. `b.initial_value` remains the original.

Longer chains, where `c` starts from `b`, need no more than that: when one run initializes all
variables, the steps keep the order in which they were created, and so `a/Assign` runs before
anything that was built after it reads `a`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minitf.framework.graph_collections import GraphKeys
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor

if TYPE_CHECKING:
    from minitf.ops.variables import Variable

# Where the walk up from an initial value ends: asking whether a variable has a value needs none.
_LEAVES = frozenset({"IsVariableInitialized", "VarIsInitializedOp"})
_VARIABLES = frozenset({"Variable", "VariableV2"})


def safe_initial_value(scope: str, initial_value: Tensor) -> Tensor:
    """An initial value that does not need any other variable to be initialized.

    Args:
      scope: the name scope of the new variable, which ends in "/".
      initial_value: the tensor that was asked for.

    Returns:
      `initial_value` itself where it depends on no variable, or goes round a loop.
    """
    order = _inputs_first(initial_value.op)
    if order is None or not any(op.type in _VARIABLES for op in order):
        return initial_value
    variables = _variables_by_name(initial_value)
    replaced: dict[Operation, Operation] = {}
    for op in order:
        if op.type in _VARIABLES:
            variable = variables.get(op.name)
            if variable is not None:
                replaced[op] = variable.initialized_value().op
        elif any(tensor.op in replaced for tensor in op.inputs):
            replaced[op] = _copy(op, replaced, scope)
    return _in(replaced, initial_value)


def _in(replaced: dict[Operation, Operation], tensor: Tensor) -> Tensor:
    op = replaced.get(tensor.op)
    return tensor if op is None else op.outputs[tensor.value_index]


def _copy(op: Operation, replaced: dict[Operation, Operation], scope: str) -> Operation:
    """The same node on replaced inputs; what chose between references now chooses values."""
    op_type = "Switch" if op.type == "RefSwitch" else op.type
    return op.graph.create_op(
        op_type,
        [_in(replaced, tensor) for tensor in op.inputs],
        [tensor.dtype.base_dtype for tensor in op.outputs],
        dict(op._attrs),
        f"{op.name}_{scope}".replace(":", "_"),
    )


def _inputs_first(last: Operation) -> list[Operation] | None:
    """What `last` is computed from, inputs before their users; None if there is a loop."""
    order: list[Operation] = []
    state = {last: False}  # False while the inputs of an operation are being visited
    stack = [(last, iter(last.inputs))]
    while stack:
        op, inputs = stack[-1]
        tensor = None if op.type in _LEAVES else next(inputs, None)
        if tensor is None:
            stack.pop()
            state[op] = True
            order.append(op)
        elif tensor.op not in state:
            state[tensor.op] = False
            stack.append((tensor.op, iter(tensor.op.inputs)))
        elif not state[tensor.op]:
            return None
    return order


def _variables_by_name(tensor: Tensor) -> dict[str, Variable]:
    graph = tensor.graph
    found: dict[str, Variable] = {}
    for key in (GraphKeys.GLOBAL_VARIABLES, GraphKeys.LOCAL_VARIABLES):
        for variable in graph.get_collection(key):
            found.setdefault(variable.op.name, variable)
    return found
