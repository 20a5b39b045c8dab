"""With this pass nodes go whose values nobody reads, as other passes leave them behind."""

from __future__ import annotations

from minitf.runtime.block import Block, Node, is_pure


def drop(block: Block) -> int:
    """Leaves the nodes that have an effect, are fetched, or are read by one that stays."""
    needed = {id(fetch) for fetch in block.fetches if fetch is not None}
    kept: list[Node] = []
    for node in reversed(block.nodes):
        if not is_pure(node) or id(node) in needed or any(id(v) in needed for v in node.outputs):
            needed.update(id(value) for value in node.inputs)
            kept.append(node)
    kept.reverse()
    return block.keep(kept)
