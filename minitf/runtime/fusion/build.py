"""With this module a group of nodes becomes a node."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minitf.framework.op_def import OpDef
from minitf.runtime.block import Node, Value
from minitf.runtime.fusion.fused import Fused, Plan, Step, Total
from minitf.runtime.fusion.group import Group, array_shape, known_shape, summed_axes, symbol_for
from minitf.runtime.fusion.layout import layout
from minitf.runtime.fusion.loop import Loop
from minitf.runtime.fusion.record import Symbol, record


def fused_node(group: Group) -> Node:
    """A node that makes all values of a group that are read outside."""
    needed = group.results()
    outputs = [value for value in needed if id(value) not in group.sums]
    sums = [node for node in group.nodes if node.outputs[0] in needed and node.op_def.adds_up]
    results = [*outputs, *(node.outputs[0] for node in sums)]
    inputs = [value for value in group.reads.values() if value.constant is None]
    fused = Fused(_plan(group, inputs, outputs, sums))
    op_def = OpDef(f"{fused.__name__}(x: T) -> (y: U)", "T: list(type)", "U: list(type)")
    op_def.kernel(fused)
    node = Node(group.nodes[-1].op, op_def)
    node.parts = group.nodes
    node.inputs = inputs
    node.outputs = list(results)
    node.waits = [other for member in group.nodes for other in member.waits]
    return node


def _plan(group: Group, inputs: list[Value], outputs: list[Value], sums: list[Node]) -> Plan:
    constants = [value for value in group.reads.values() if value.constant is not None]
    shapes = [array_shape(value) for value in inputs + constants]
    way = layout(group.shape, shapes, group.folds)
    assert way is not None, f"no loop for {group}"
    symbols = _recorded(group)
    leaves = [symbols[id(value)] for value in inputs + constants]
    loop = Loop(
        _name(group),
        list(zip(leaves, way.accesses, strict=True)),
        [symbols[id(value)] for value in outputs],
        [symbols[id(node.inputs[0])] for node in sums],
        group.folds.turns if group.folds else 1,
    )
    results = [*outputs, *(node.outputs[0] for node in sums)]
    known, steps, places = _steps(group, inputs, {id(value) for value in results})
    return Plan(
        loop=loop,
        layout=way,
        given=tuple(known_shape(value) for value in inputs),
        constants=tuple(value.constant for value in constants),
        shape=group.shape,
        outputs=tuple(symbols[id(value)].dtype for value in outputs),
        totals=tuple(_total(group, node) for node in sums),
        known=known,
        steps=steps,
        results=tuple(places[id(value)] for value in results),
    )


def _recorded(group: Group) -> dict[int, Symbol]:
    """The symbols of all elements that are read or made, by the `id` of their values."""
    symbols = {key: symbol_for(value) for key, value in group.reads.items()}
    for node in group.nodes:
        if node.op_def.elementwise:
            kernel = node.op_def.bind_kernel(node.attrs)
            made = record(kernel, [symbols[id(value)] for value in node.inputs])
            symbols[id(node.outputs[0])] = made
    return symbols


def _total(group: Group, node: Node) -> Total:
    assert group.folds is not None
    x, axes = node.inputs[0], summed_axes(node)
    sizes = known_shape(x)
    kept = [1 if axis in axes else size for axis, size in enumerate(sizes)]
    if not node.attrs["keep_dims"]:
        kept = [size for axis, size in enumerate(sizes) if axis not in axes]
    count = math.prod(sizes[axis] for axis in axes)
    divisor = count if node.op_def.adds_up == "mean" else None
    return Total(group.folds, tuple(kept), np.dtype(x.dtype.as_numpy_dtype), divisor)


def _steps(
    group: Group, inputs: list[Value], results: set[int]
) -> tuple[tuple[Any, ...], tuple[Step, ...], dict[int, int]]:
    """What runs cold: the arrays it knows, the steps, and the number of each value, by `id`."""
    read = {id(value): value for node in group.nodes for value in node.inputs}
    known = [value for value in read.values() if value.constant is not None]
    places = {id(value): i for i, value in enumerate([*inputs, *known])}
    last = {id(value): node for node in group.nodes for value in node.inputs}
    steps = []
    for node in group.nodes:
        places[id(node.outputs[0])] = len(places)
        reads = tuple(places[id(value)] for value in node.inputs)
        made_before = {id(v) for v in node.inputs if id(v) in group.made}
        gone = {key for key in made_before if last[key] is node and key not in results}
        kernel = node.op_def.bind_kernel(node.attrs)
        steps.append(Step(node, kernel, reads, tuple(sorted(places[key] for key in gone))))
    return tuple(value.constant for value in known), tuple(steps), places


def _name(group: Group) -> str:
    """fused_mul_relu, or fused_mul_relu_and_7_more."""
    kernels = [node.op_def.kernel_fn for node in group.nodes]
    names = [kernel.__name__.removesuffix("_kernel") for kernel in kernels if kernel is not None]
    if len(names) > 4:
        names[3:] = [f"and_{len(names) - 3}_more"]
    return "_".join(["fused", *names])
