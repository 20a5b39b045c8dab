"""With this module a session notices reads and writes of a variable in no order.

A graph says which node comes first by the values that flow and by `tf.control_dependencies`. Where
it says nothing about a read and a write of one variable, TensorFlow ran either first, and results
changed from run to run. minitf runs the node first that was made first, always; but a script that
leans on that means something else in TensorFlow. `tf.ConfigProto(strict=True)`, or MINITF_STRICT=1,
has such a run refused.

A read of a variable gives its memory, not a copy. So what reads it is not the node `v/read` but
whatever computes with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from minitf.framework import environment, errors
from minitf.framework.operation import Operation


def is_strict(config_says: bool) -> bool:
    """Whether reads and writes in no order are refused."""
    return config_says or environment.switch("MINITF_STRICT", False)


def check_order(ops: Iterable[Operation]) -> None:
    """Refuses operations of which one writes what another one touches, and none is to come first.

    Args:
      ops: what runs, inputs before what reads them.

    Raises:
      InvalidArgumentError: about the first pair that there is.
    """
    variables: dict[str, set[Operation]] = {}  # the variables that a tensor shares memory with
    reached: dict[Operation, int] = {}  # a bit for each access that an operation comes after
    accesses: list[tuple[Operation, str, bool]] = []
    for op in ops:
        before = 0
        for other in (*(tensor.op for tensor in op._inputs), *op._control_inputs):
            before |= reached.get(other, 0)
        for variable, writes in _touched(op, variables):
            for number, (other, name, wrote) in enumerate(accesses):
                if name == variable and (writes or wrote) and not before >> number & 1:
                    raise _unordered(variable, (other, wrote), (op, writes))
            accesses.append((op, variable, writes))
            before |= 1 << len(accesses) - 1
        reached[op] = before


def _touched(op: Operation, shared: dict[str, set[Operation]]) -> Iterator[tuple[str, bool]]:
    """The variables that an operation reads or writes, and which of the two."""
    names: dict[str, bool] = {}
    own = set().union(*(shared.get(tensor.name, ()) for tensor in op._inputs))
    wants_ref = op._op_def.ref_inputs(len(op._inputs))
    for tensor, ref in zip(op._inputs, wants_ref, strict=True):
        for variable in shared.get(tensor.name, ()):
            writes = (
                ref and op._op_def.stateful and any(t._dtype._is_ref_dtype for t in op._outputs)
            )
            name = _name_of(variable)
            names[name] = names.get(name, False) or writes
    for output in op._outputs:
        if output._dtype._is_ref_dtype:
            shared[output.name] = own or {op}
        elif op._op_def.aliases and own:
            shared[output.name] = own
    passes_on = op._op_def.aliases and not any(t._dtype._is_ref_dtype for t in op._outputs)
    return iter(()) if passes_on else iter(names.items())


def _name_of(variable: Operation) -> str:
    return variable._attrs.get("shared_name") or variable.name


def _unordered(
    variable: str, one: tuple[Operation, bool], two: tuple[Operation, bool]
) -> errors.InvalidArgumentError:
    (first, first_writes), (second, second_writes) = one, two
    does = {True: "changes", False: "reads"}
    this = f"{second.name!r} {does[second_writes]} the variable {variable!r}"
    other = f"{first.name!r} {does[first_writes]}"
    return errors.InvalidArgumentError(
        None,
        second,
        errors.report(
            f"{this}, which {other}, and the graph does not say which of them comes first.",
            op=second,
            facts=f"the other: {first.name!r} (type {first.type}), created at {first.traceback}",
            do="make the one that is to come second inside of "
            "with tf.control_dependencies([the first]), or run them one after the other.",
            see="reads-and-writes-in-no-order",
        ),
    )
