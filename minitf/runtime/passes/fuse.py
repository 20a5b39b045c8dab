"""With this pass nodes that compute element by element become one loop over the elements.

    m = x * w;  a = m + b;  y = relu(a)   ->   y = fused_mul_add_v2_relu(x, w, b)

Each of the nodes alone goes through memory from end to end, and makes an array for the next one to
read. The loop keeps a number in a register until all has been done with it. What is needed outside
is written out; what is only added up is not even that. See `minitf.runtime.fusion`.
"""

from __future__ import annotations

from minitf.runtime.block import Block, Node
from minitf.runtime.fusion.build import fused_node
from minitf.runtime.fusion.group import groups


def fuse(block: Block) -> int:
    """Puts one node in place of each group of nodes, where the last of them stood."""
    if not block.trusts_shapes:
        return 0
    fused_at: dict[int, Node] = {}
    fused_of: dict[int, Node] = {}
    for group in groups(block):
        node = fused_node(group)
        fused_at[id(group.nodes[-1])] = node
        fused_of.update((id(member), node) for member in group.nodes)
    kept = []
    for node in block.nodes:
        if id(node) in fused_at:
            kept.append(fused_at[id(node)])
        elif id(node) not in fused_of:
            kept.append(node)
    for node in kept:
        waits = [fused_of.get(id(other), other) for other in node.waits]
        node.waits = list(dict.fromkeys(other for other in waits if other is not node))
    return block.keep(kept)
