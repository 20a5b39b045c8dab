"""With this pass readers of a node that changes nothing read its input instead.

    Identity(x) -> x        x * 1 -> x        x - 0 -> x        x / 1 -> x
    Reshape(x) -> x and Sum(x) -> x, where the output is known to have the shape of x

Only what is exact: `x + 0` is not `x` where `x` is -0.0. And only what stays so: `v * 1` is what a
variable held at that moment, while a reader of `v` might come after its update.
"""

from __future__ import annotations

from minitf.runtime.block import Block, Node, Value, changing, is_pure


def simplify(block: Block) -> int:
    """Reads through such nodes, and leaves them out."""
    others: dict[Value, Value] = {}
    kept = []
    unsteady = changing(block)
    fetched = {id(fetch) for fetch in block.fetches if isinstance(fetch, Node)}
    for node in block.nodes:
        node.inputs = [others.get(value, value) for value in node.inputs]
        source = _source(node, block.trusts_shapes)
        output = node.outputs[0] if len(node.outputs) == 1 else None
        copies = id(source) in unsteady and not node.op_def.aliases
        if source is None or output is None or copies or id(node) in fetched:
            kept.append(node)
        else:
            others[output] = source
    block.substitute(others)
    return block.keep(kept)


def _source(node: Node, trusts_shapes: bool) -> Value | None:
    """The input that the node's only output is equal to, or None."""
    if not is_pure(node) or any(dereferenced for _, dereferenced in node.reads()):
        return None
    if node.op_def.passes_on:
        return node.inputs[0]
    if node.op_def.passes_on_same_shape and trusts_shapes and _keeps_shape(node):
        return node.inputs[0]
    for position, arg in enumerate(node.op_def.inputs if node.op_def.neutral else ()):
        number = node.op_def.neutral.get(arg.name)
        if number is not None and _is_number(node.inputs[position], number):
            other = node.inputs[1 - position]
            if _broadcasts_nothing(node.inputs[position], other):
                return other
    return None


def _keeps_shape(node: Node) -> bool:
    if any(value.constant is None for value in node.inputs[1:]):
        return False  # who asks for a shape that does not fit is to be told
    shape, output = node.inputs[0].shape, node.outputs[0]
    return output is not None and shape.is_fully_defined() and shape == output.shape


def _is_number(value: Value, number: float) -> bool:
    return (
        value.constant is not None
        and value.constant.size == 1
        and value.constant.reshape(())[()] == number
    )


def _broadcasts_nothing(one: Value, other: Value) -> bool:
    rank = other.shape.ndims
    return one.constant.ndim == 0 or (rank is not None and one.constant.ndim <= rank)
