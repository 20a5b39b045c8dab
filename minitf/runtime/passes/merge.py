"""With this pass an expression that occurs twice is computed once.

    tf.exp(x) + tf.exp(x)  ->  e = exp(x); e + e

Two nodes are the same when they are of one type, have the same attributes and read the same
values. Values that an update may change between the two are not the same.
"""

from __future__ import annotations

from collections.abc import Hashable

from minitf.runtime.block import Block, Node, Value, changing, hashable, is_pure

# Constants up to this size are compared by what they hold.
_MAX_BYTES = 1 << 10


def merge(block: Block) -> int:
    """Keeps the first of equal nodes, and has the readers of the others read it."""
    unsteady = changing(block)
    fetched = {id(fetch) for fetch in block.fetches if isinstance(fetch, Node)}
    others: dict[Value, Value] = {}
    first: dict[Hashable, Node] = {}
    kept = []
    for node in block.nodes:
        node.inputs = [others.get(value, value) for value in node.inputs]
        key = None if id(node) in fetched else _key(node, unsteady)
        same = None if key is None else first.setdefault(key, node)
        if same is None or same is node:
            kept.append(node)
            continue
        for output, other in zip(node.outputs, same.outputs, strict=True):
            if output is not None and other is not None:
                others[output] = other
    block.substitute(others)
    return block.keep(kept)


def _key(node: Node, unsteady: set[int]) -> Hashable | None:
    """What equal nodes have in common; None for a node that has to stay."""
    if not is_pure(node) or not node.inputs or None in node.outputs:
        return None
    if any(ref or id(value) in unsteady for value, ref in node.reads()):
        return None
    inputs = [_identity(value) for value in node.inputs]
    if node.op_def.commutative:
        inputs.sort(key=hash)
    attrs = ((k, hashable(v)) for k, v in node.attrs.items() if not k.startswith("_"))
    return node.op_def.name, tuple(inputs), frozenset(attrs)


def _identity(value: Value) -> Hashable:
    array = value.constant
    if array is None or array.dtype == object or array.nbytes > _MAX_BYTES:
        return id(value)
    return array.dtype.str, array.shape, array.tobytes()
