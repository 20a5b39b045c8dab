"""With this pass a layer of a network becomes one node, as the ops' patterns say.

    y = Conv2D(x, w)
    z = BiasAdd(y, b)           ->    p, which = ConvolveBiasReluMaxPool(x, w, b)
    r = Relu(z)
    p = MaxPool(r)

Patterns are declared beside the ops; see `framework.patterns`. What vanishes (y, z and r) must be
read by nobody else, and no update of a variable may lie where a read of it would move across.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from minitf.framework.op_def import OpDef
from minitf.framework.patterns import Line, Pattern, all_patterns, find
from minitf.runtime.block import Block, Node, Value, changing, is_pure


def layers(block: Block) -> int:
    """Puts the new lines of patterns in the place of the old ones."""
    if not block.trusts_shapes:
        return 0
    return sum(_replace(block, pattern) for pattern in all_patterns())


def _replace(block: Block, pattern: Pattern) -> int:
    first = pattern.lines[0].inputs
    starts = [node for node in block.nodes if node.op_def.name in first]
    if not starts:
        return 0
    finder = _Finder(block, pattern)
    gone: set[int] = set()
    new: dict[int, Node] = {}
    for match in filter(None, map(finder.match, starts)):
        made = finder.new_nodes(match)
        if made is not None:
            gone.update(id(node) for node in match.nodes.values())
            new.update(made)
    nodes = []
    for place, node in enumerate(block.nodes):
        if place in new:
            nodes.append(new[place])
        if id(node) not in gone:
            nodes.append(node)
    return block.keep(nodes)


class _Match(NamedTuple):
    """The nodes that are a pattern's lines, by the name of what they make, and the values."""

    nodes: dict[str, Node]
    values: dict[str, Value]


class _Finder:
    """Looks for a pattern in a block, and makes the nodes that take its place."""

    def __init__(self, block: Block, pattern: Pattern) -> None:
        self._pattern = pattern
        self._places = {id(node): place for place, node in enumerate(block.nodes)}
        self._made_at = {
            id(value): place for place, node in enumerate(block.nodes) for value in node.outputs
        }
        self._readers: dict[int, list[Node]] = defaultdict(list)
        # What is fetched, waits, is waited for, or may be dead: it stays.
        self._fixed = {id(fetch) for fetch in block.fetches}
        for node in block.nodes:
            for value in set(node.inputs):
                self._readers[id(value)].append(node)
            if node.waits or node.may_be_dead:
                self._fixed.update(map(id, (node, *node.waits)))
        self._unsteady = changing(block)
        self._writes = [
            place
            for place, node in enumerate(block.nodes)
            if node.op_def.takes_references and not is_pure(node)
        ]

    # ---- the old lines

    def match(self, start: Node) -> _Match | None:
        """The pattern that begins with this node, or None."""
        first, *rest = self._pattern.lines
        match = _Match({}, {})
        if not self._add(match, first, start):
            return None
        for line in rest:
            if not any(self._add(match, line, node) for node in self._candidates(match, line)):
                return None
        return match if self._nothing_else_reads(match) else None

    def _candidates(self, match: _Match, line: Line) -> list[Node]:
        """The readers of a value that is known already: of that which has the fewest."""
        names = {name for inputs in line.inputs.values() for name in inputs}
        known = [value for name, value in match.values.items() if name in names]
        return min((self._readers[id(value)] for value in known), key=len)

    def _add(self, match: _Match, line: Line, node: Node) -> bool:
        """Takes a node for a line, if it fits."""
        names, made = line.inputs.get(node.op_def.name, ()), node.outputs[0]
        if len(names) != len(node.inputs) or id(node) in self._fixed or made is None:
            return False
        for inputs in _orders(node):
            values = dict(zip(names, inputs, strict=True))
            if all(match.values.get(name, value) is value for name, value in values.items()):
                (output,) = line.outputs
                match.nodes[output] = node
                match.values.update(values | {output: made})
                return True
        return False

    def _nothing_else_reads(self, match: _Match) -> bool:
        inside = {id(node) for node in match.nodes.values()}
        vanishing = [id(match.values[name]) for name in self._pattern.vanishing]
        return self._fixed.isdisjoint(vanishing) and all(
            id(node) in inside for value in vanishing for node in self._readers[value]
        )

    # ---- the new lines

    def new_nodes(self, match: _Match) -> dict[int, Node] | None:
        """The nodes that take the place of a match, by their place; None if it has to stay."""
        attrs = self._pattern.suits(match.nodes, match.values)
        if attrs is None:
            return None
        nodes: dict[int, Node] = {}
        for line in self._pattern.new_lines:
            ((name, inputs),) = line.inputs.items()
            old = [match.nodes[output] for output in line.outputs if output in match.nodes]
            place = min(self._places[id(node)] for node in old)
            if not all(self._may_read(match, input, place) for input in inputs):
                return None
            op_def = find(name)
            reader = next(n for n in match.nodes.values() if match.values[inputs[0]] in n.inputs)
            node = nodes[place] = Node(reader.op, op_def, attrs)
            node.inputs = [match.values[input] for input in inputs]
            node.outputs = [*self._outputs(match, line, op_def)]
            node.parts = [*_parts(old)]
        claimed = {id(part) for node in nodes.values() for part in node.parts}
        # What vanishes counts as done by the first.
        vanished = [n for n in _parts(match.nodes.values()) if id(n) not in claimed]
        next(iter(nodes.values())).parts += vanished
        return nodes

    def _may_read(self, match: _Match, name: str, place: int) -> bool:
        """Whether a value is there at some place, and is still what the old lines would read."""
        value = match.values[name]
        if name not in match.nodes and self._made_at.get(id(value), -1) >= place:
            return False
        if not (value.is_ref or id(value) in self._unsteady):
            return True
        reads = [self._places[id(n)] for n in match.nodes.values() if value in n.inputs]
        return not any(min(*reads, place) < write < max(*reads, place) for write in self._writes)

    def _outputs(self, match: _Match, line: Line, op_def: OpDef) -> Iterator[Value]:
        first = match.values[line.outputs[0]]
        for name, arg in zip(line.outputs, op_def.outputs, strict=True):
            if name not in match.values:
                dtype = arg.type or first.dtype
                match.values[name] = Value(f"{first!r}_{name}", dtype, first.shape)
            yield match.values[name]


def _parts(nodes: Iterable[Node]) -> Iterator[Node]:
    for node in nodes:
        yield from node.parts or [node]


def _orders(node: Node) -> list[list[Value]]:
    """The inputs in the orders that make no difference."""
    return [node.inputs, node.inputs[::-1]] if node.op_def.commutative else [node.inputs]
