"""With this pass all updates of a training step are done together, in one sweep over memory.

    ApplyAdam(w, w_m, w_v, ..., dw)
    ApplyAdam(b, b_m, b_v, ..., db)    ->    Sweep(w, w_m, w_v, ..., dw, b, b_m, b_v, ..., db)

One by one, an update of a small variable leaves all but one core idle, and one of a large variable
waits for its last block. Together, all variables are cut into blocks for all cores. A gradient that
is a large product of matrices is computed there too, a block at a time, and never written down.

An update is moved behind later nodes for that, to the last of its group. So a group ends where a
node follows that reads or writes what the group writes, writes what it reads, or has effects that
cannot be seen here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from minitf.framework.kernel_context import UninitializedVariableError
from minitf.framework.op_def import OpDef
from minitf.runtime.block import Block, Node, Value
from minitf.runtime.run_errors import op_error

# The variables that a value shares memory with, by what tells them apart.
Variables = frozenset[Any]


def sweep(block: Block) -> int:
    """Makes one node of updates that may be done together."""
    new: dict[int, Node] = {}
    shared = _variables(block)
    products = _products(block, shared) if block.trusts_shapes else {}
    wanted = _wanted(block)
    for nodes in _groups(block, shared):
        if len(nodes) > 1:
            node = _together(nodes, products, wanted)
            new.update((id(update), node) for update in nodes)
    if not new:
        return 0
    last = {id(new[id(node)]): node for node in block.nodes if id(node) in new}
    inside = {id(part) for node in new.values() for part in node.parts}
    kept = []
    for node in block.nodes:
        if id(node) in inside and id(node) not in new:
            continue
        if id(node) not in new:
            node.waits = _replaced(node.waits, new)
            kept.append(node)
        elif last[id(new[id(node)])] is node:
            kept.append(new[id(node)])
    block.fetches = [new.get(id(fetch), fetch) for fetch in block.fetches]
    return block.keep(kept)


def _replaced(nodes: Iterable[Node], new: dict[int, Node]) -> list[Node]:
    return list({id(node): node for node in (new.get(id(n), n) for n in nodes)}.values())


def _wanted(block: Block) -> set[int]:
    """The values (by `id`) that somebody reads."""
    wanted = {id(value) for node in block.nodes for value in node.inputs}
    return wanted | {id(fetch) for fetch in block.fetches}


# ---- which belong together


class _Group:
    """Updates that may all be done where the last of them is."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._touched: set[Any] = set()
        self._written: set[Any] = set()
        self._made: set[int] = set()

    def add(self, node: Node, touched: Variables, written: Variables) -> None:
        self.nodes.append(node)
        self._touched |= touched
        self._written |= written
        self._made.update(map(id, (node, *node.outputs)))

    def must_come_before(self, node: Node, touched: Variables, written: Variables) -> bool:
        """Whether a later node would notice if an update here was done after it."""
        hidden = node.op_def.stateful and not any(
            value is not None and value.is_ref for value in (*node.inputs, *node.outputs)
        )
        return bool(
            hidden
            or touched & self._written
            or written & self._touched
            or any(id(item) in self._made for item in (*node.inputs, *node.waits))
        )


def _groups(block: Block, shared: dict[int, Variables]) -> list[list[Node]]:
    groups = [_Group()]
    for node in block.nodes:
        group, update = groups[-1], _may_be_put_off(node)
        if not group.nodes and not update:
            continue
        touched = frozenset().union(*(shared.get(id(value), ()) for value in node.inputs))
        refs = (value for value, dereferenced in node.reads() if value.is_ref and not dereferenced)
        written = frozenset().union(*(shared[id(value)] for value in refs))
        other = group.nodes and group.nodes[0].op_def.sweep is not node.op_def.sweep
        if group.must_come_before(node, touched, written) or (update and other):
            groups.append(group := _Group())
        if update:
            group.add(node, touched, written)
    return [group.nodes for group in groups]


def _may_be_put_off(node: Node) -> bool:
    locks = node.attrs.get("use_locking")  # for as long as the kernel runs
    if node.op_def.sweep is None or locks or node.may_be_dead:
        return False
    return not any(read for _, read in node.reads())


def _variables(block: Block) -> dict[int, Variables]:
    """For each value (by `id`) that shares memory with variables, which ones."""
    shared: dict[int, Variables] = {}
    for node in block.nodes:
        refs = [value for value in node.outputs if value is not None and value.is_ref]
        if not refs and not node.op_def.aliases:
            continue
        variables = frozenset().union(*(shared.get(id(value), ()) for value in node.inputs))
        if refs and not any(value.is_ref for value in node.inputs):
            # A variable of its own; nodes with one shared_name are one variable.
            variables |= {node.attrs.get("shared_name") or node.op.name}
        shared.update((id(value), variables) for value in node.outputs if value is not None)
    return shared


# ---- gradients that are made where they are used


def _products(block: Block, shared: dict[int, Variables]) -> dict[int, Node]:
    """The nodes whose result an update alone reads, and can be given in parts; by that value."""
    readers: dict[int, list[Node | None]] = {}
    for node in block.nodes:
        for value in node.inputs:
            readers.setdefault(id(value), []).append(node)
        for other in node.waits:
            readers.setdefault(id(other), []).append(None)
    for fetch in block.fetches:
        readers.setdefault(id(fetch), []).append(None)
    products = {}
    for node in block.nodes:
        if node.op_def.parts_fn is None or node.waits or id(node) in readers:
            continue
        made = node.outputs[0]
        if made is None or any(shared.get(id(value)) for value in node.inputs):
            continue  # a variable may be written before the product is computed
        reader, *others = readers.get(id(made), [None])
        if reader is not None and not others and _is_gradient(made, reader) and _suits(node):
            products[id(made)] = node
    return products


def _is_gradient(value: Value, reader: Node) -> bool:
    """Whether it is the gradient that an update reads, rather than a scalar."""
    if reader.op_def.sweep is None:
        return False
    shape = reader.inputs[0].shape
    return shape.is_fully_defined() and value.shape == shape and bool(shape.ndims)


def _suits(product: Node) -> bool:
    """Whether the shapes are known, and such that the product is better made in parts."""
    in_parts = product.op_def.bind_parts(product.attrs)
    if in_parts is None or not all(value.shape.is_fully_defined() for value in product.inputs):
        return False
    stand_ins = [
        np.broadcast_to(value.dtype.as_numpy_dtype(), [dim or 0 for dim in value.shape.as_list()])
        for value in product.inputs
    ]
    return in_parts(*stand_ins) is not None


# ---- the node that takes their place


def _together(nodes: list[Node], products: dict[int, Node], wanted: set[int]) -> Node:
    """One node that does what these do."""
    reads = [[*_makers(node, products)] for node in nodes]
    inputs = list({id(v): v for read in reads for _, values in read for v in values}.values())
    places = {id(value): place for place, value in enumerate(inputs)}
    arguments: list[list[Argument]] = [
        [
            (None if maker is None else _giver(maker), [places[id(value)] for value in values])
            for maker, values in read
        ]
        for read in reads
    ]
    made = [node.outputs[0] for node in nodes]
    read = [number for number, value in enumerate(made) if id(value) in wanted]
    given = ", ".join(f"i{n}: {'&' if value.is_ref else ''}T" for n, value in enumerate(inputs))
    results = ", ".join(f"o{n}: &T" for n in read)
    op_def = OpDef(f"Sweep({given}) -> ({results})", "T: type", stateful=True)
    op_def.kernel(_kernel(nodes, arguments, read))
    together = Node(nodes[0].op, op_def)
    makers = [maker for each in reads for maker, _ in each if maker is not None]
    together.parts = [*makers, *nodes]
    together.inputs, together.outputs = inputs, [made[number] for number in read]
    inside = set(map(id, together.parts))
    waits = (other for node in nodes for other in node.waits if id(other) not in inside)
    together.waits = _replaced(waits, {})
    return together


def _giver(maker: Node) -> Callable[..., Any]:
    in_parts, whole = maker.op_def.bind_parts(maker.attrs), maker.op_def.bind_kernel(maker.attrs)

    def give(*values: Any) -> Any:
        try:
            # What `set_shape` promised may not hold: then the parts are not as good as the whole.
            return (in_parts and in_parts(*values)) or whole(*values)
        except Exception as error:
            raise op_error(maker.op, error, list(values)) from error

    return give


def _makers(node: Node, products: dict[int, Node]) -> Iterator[tuple[Node | None, list[Value]]]:
    """What an update reads: each a value, or a product and what that is made of."""
    for value in node.inputs:
        product = products.get(id(value))
        yield product, [value] if product is None else product.inputs


# What makes it, unless it is an input, and which of the inputs that takes.
Argument = tuple[Callable[..., Any] | None, list[int]]


def _kernel(
    nodes: list[Node], arguments: list[list[Argument]], results: list[int]
) -> Callable[..., Any]:
    """Runs the kernels of the nodes, which put off what they do to the end.

    Args:
      nodes: the updates.
      arguments: for each of them, what it reads.
      results: the nodes whose output is given.
    """
    one_sweep: Any = nodes[0].op_def.sweep
    kernels = [node.op_def.bind_kernel(node.attrs) for node in nodes]

    def sweep_kernel(*inputs: Any) -> Any:
        made = []
        with one_sweep():
            for node, kernel, reads in zip(nodes, kernels, arguments, strict=True):
                values = [
                    inputs[mine[0]] if give is None else give(*[inputs[place] for place in mine])
                    for give, mine in reads
                ]
                try:
                    made.append(kernel(*values))
                except UninitializedVariableError as error:
                    raise UninitializedVariableError(error.variable, node.op) from None
                except Exception as error:
                    raise op_error(node.op, error, values) from error
        given = [made[result] for result in results]
        return given[0] if len(given) == 1 else tuple(given)

    return sweep_kernel
