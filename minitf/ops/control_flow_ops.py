"""With this module one can order and group: `tf.group`, `tf.no_op`, `tf.tuple`.

Branches, `tf.cond` and `tf.case`, are in `cond_ops`.
"""

from __future__ import annotations

from typing import Any

from minitf.framework import errors
from minitf.framework.convert import convert_to_tensor
from minitf.framework.default import get_default_graph
from minitf.framework.op_def import op_def
from minitf.framework.operation import Operation
from minitf.framework.scopes import control_dependencies, name_scope
from minitf.framework.tensor import IndexedSlices, Tensor
from minitf.ops import array_ops

# ---- NoOp

NO_OP = op_def("NoOp()")


@NO_OP.kernel
def no_op_kernel() -> tuple[()]:
    return ()


NO_OP.not_differentiable()


def no_op(name: str | None = None) -> Operation:
    """An operation that does nothing (mirrors `tf.no_op`): something to wait for or to fetch."""
    op: Operation = NO_OP(name=name)
    return op


def group(*inputs: Any, name: str | None = None, **kwargs: Any) -> Operation:
    """One operation that is done when several are (mirrors `tf.group`).

    Args:
      *inputs: operations and tensors, or nested lists of them.
      name: the node's name.

    Returns:
      An operation without outputs. Inputs on several devices are first grouped by device.

    Raises:
      TypeError: if an input is neither an operation nor a tensor.

    >>> import minitf as tf
    >>> tf.group(tf.no_op(), tf.constant(1.0), name="both")
    <tf.Operation 'both' type=NoOp>
    """
    if kwargs:
        raise errors.value_error(f"Unknown keyword arguments: {', '.join(kwargs)}.")
    by_device: dict[str, list[Any]] = {}
    with name_scope(name, "group_deps", list(inputs)) as scope:
        for item in _flatten(inputs):
            if not hasattr(item, "device"):
                raise errors.type_error(
                    f"'inputs' should be zero or more (nested) Tensors or Operations, but got "
                    f"{item!r} of type {type(item).__name__!r}."
                )
            by_device.setdefault(item.device, []).append(item)
        if len(by_device) == 1:
            ((device, items),) = by_device.items()
            return _group_on(device, items, scope)
        groups = []
        for device in sorted(by_device):
            groups.append(_group_on(device, by_device[device], None))
        with control_dependencies(groups):
            return no_op(scope)


def _group_on(device: str, items: list[Any], name: str | None) -> Operation:
    with control_dependencies(items):
        if not device:
            return no_op(name)
        with get_default_graph().device(device):
            return no_op(name)


def _flatten(structure: Any) -> list[Any]:
    if isinstance(structure, dict):
        return [leaf for key in sorted(structure) for leaf in _flatten(structure[key])]
    if isinstance(structure, (list, tuple)):
        return [leaf for item in structure for leaf in _flatten(item)]
    return [] if structure is None else [structure]


def with_dependencies(
    dependencies: Any, output_tensor: Any, name: str | None = None
) -> Tensor | IndexedSlices:
    """A tensor that is ready once other operations have run."""
    with name_scope(name, "control_dependency", [*list(dependencies), output_tensor]) as scope:
        colocated = (
            output_tensor.values if isinstance(output_tensor, IndexedSlices) else output_tensor
        )
        with get_default_graph().colocate_with(colocated.op), control_dependencies(dependencies):
            if isinstance(output_tensor, IndexedSlices):
                return IndexedSlices(
                    array_ops.identity(output_tensor.values, name=scope),
                    output_tensor.indices,
                    output_tensor.dense_shape,
                )
            return array_ops.identity(convert_to_tensor(output_tensor), name=scope)


def tuple_(tensors: Any, name: str | None = None, control_inputs: Any = None) -> list[Any]:
    """The same tensors, each ready only when all are (mirrors `tf.tuple`).

    Args:
      tensors: tensors, `IndexedSlices`, operations or None.
      name: the scope's name.
      control_inputs: further operations to wait for.

    Returns:
      A list like `tensors`.

    Raises:
      ValueError: if there is no tensor at all.
      TypeError: if `control_inputs` are not operations or tensors.
    """
    with name_scope(name, "tuple", tensors):
        waits = [t.op if not isinstance(t, Operation) else t for t in tensors if t is not None]
        for control in control_inputs or ():
            if isinstance(control, Tensor):
                waits.append(control.op)
            elif isinstance(control, Operation):
                waits.append(control)
            else:
                raise errors.type_error(
                    f"'control_inputs' must only contain Operation or Tensor: {control!r}"
                )
        unique = sorted(dict.fromkeys(waits), key=lambda op: op._id)
        if not unique:
            raise errors.value_error(
                f"'tensors' must have at least one Tensor. Received: {tensors}."
            )
        gate = group(*unique)
        results: list[Any] = []
        for tensor in tensors:
            if tensor is None:
                results.append(None)
            elif isinstance(tensor, Operation):
                with control_dependencies([gate]):
                    results.append(no_op())
            else:
                results.append(with_dependencies([gate], tensor))
        return results
