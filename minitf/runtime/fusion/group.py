"""With this module one can find the nodes of a block that had better run as one.

A `Group` has nodes that compute elements of one shape, each from those of others in the group or
of arrays that are broadcast to that shape; and sums of such elements. It runs where its last node
stood. So nothing outside may read of it before, and what it reads must not have changed by then:

  a node that reads a value of a group without joining it closes the group;
  so does a node that writes variables, if the group reads one.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from minitf.kernels import reductions
from minitf.runtime.block import Block, Node, Value, changing, hashable, is_pure
from minitf.runtime.fusion.layout import Shape, layout
from minitf.runtime.fusion.record import DTYPES, Symbol, Unfit, record, walk

# Fewer elements than this are left to numpy, and to the same code everywhere: functions such as
# tanh give numpy's bits below, and those of `minitf.kernels.vector_math` from here on.
LEAST_ELEMENTS = 512

# What one loop may be made of: more of it neither compiles nor runs faster. Of arrays that are read
# and written LLVM checks that no two overlap, and gives up on vectors above 128 such checks.
MOST_COST = 160
MOST_READS = 12
MOST_RESULTS = 8

Readers = dict[int, set[int]]


class Group:
    """Nodes that may run as one.

    Args:
      shape: of the elements.
      readers: for each value of the block, by `id`, the ids of those who read it.

    Attributes:
      nodes: those that compute elements and those that add them up, in the order of the block.
      cost: about how many instructions an element takes.
      reads: the arrays that come from outside, by `id`.
      made: the values that the nodes make, by `id`.
      sums: which of them are sums.
      folds: how all these are added up; None if there is none.
      unsteady: whether some of the arrays may change during the run.
      is_open: whether more nodes may join.
    """

    def __init__(self, shape: Shape, readers: Readers) -> None:
        self.shape = shape
        self._readers = readers
        self.nodes: list[Node] = []
        self.cost = 0
        self.reads: dict[int, Value] = {}
        self.made: dict[int, Value] = {}
        self.sums: set[int] = set()
        self.folds: reductions.Folds | None = None
        self.unsteady = False
        self.is_open = True

    def __repr__(self) -> str:
        return "; ".join(str(node) for node in self.nodes)

    def results(self) -> list[Value]:
        """What others than the nodes read."""
        own = set(map(id, self.nodes))
        return [v for v in self.made.values() if not self._readers.get(id(v), set()) <= own]

    def is_fit(self) -> bool:
        """Whether one loop can do this well."""
        shapes = [array_shape(value) for value in self.reads.values()]
        return (
            self.cost <= MOST_COST
            and len(list(filter(None, shapes))) <= MOST_READS
            and len(self.results()) <= MOST_RESULTS
            and layout(self.shape, shapes, self.folds) is not None
        )

    def with_other(self, other: Group) -> Group | None:
        """A group of the nodes of both, if there may be one; `other` has the later nodes."""
        if not (self.is_open and other.is_open) or self.shape != other.shape:
            return None
        if not self.sums.isdisjoint(other.reads):
            return None
        if self.folds is not None and other.folds not in (None, self.folds):
            return None
        both = Group(self.shape, self._readers)
        both.nodes = self.nodes + other.nodes
        both.cost = self.cost + other.cost
        both.made = self.made | other.made
        reads = self.reads | other.reads
        both.reads = {key: value for key, value in reads.items() if key not in both.made}
        both.sums = self.sums | other.sums
        both.folds = self.folds or other.folds
        both.unsteady = self.unsteady or other.unsteady
        return both if both.is_fit() else None


def groups(block: Block) -> list[Group]:
    """The groups of two nodes or more, with their nodes in the order of the block."""
    found = dict.fromkeys(_Finder(block).group_of.values())
    place = {id(node): i for i, node in enumerate(block.nodes)}
    several = [group for group in found if len(group.nodes) > 1 and group.results()]
    for group in several:
        group.nodes.sort(key=lambda node: place[id(node)])
        group.made = {id(value): value for node in group.nodes for value in _made_by(node)}
    return several


class _Finder:
    """Goes through a block, and puts each node into a group or has it close those that it reads."""

    def __init__(self, block: Block) -> None:
        self.group_of: dict[int, Group] = {}  # by the id of a node, or of a value that it makes
        self._unsteady_groups: list[Group] = []  # the open ones
        self._unsteady = changing(block)
        self._readers = _readers(block)
        self._fetched = {id(fetch) for fetch in block.fetches if isinstance(fetch, Node)}
        self._costs: dict[Hashable, int | None] = {}
        for node in block.nodes:
            group = self._join(node)
            for item in (*node.inputs, *node.waits):
                other = self.group_of.get(id(item))
                if other is not None and other is not group:
                    other.is_open = False
            if node.op_def.takes_references:
                for other in self._unsteady_groups:
                    other.is_open = False
                self._unsteady_groups.clear()

    def _join(self, node: Node) -> Group | None:
        """The group that a node has joined or opened, if any."""
        if not is_pure(node) or len(node.outputs) != 1 or id(node) in self._fetched:
            return None
        output = node.outputs[0]
        if output is None or not is_known(output):
            return None
        if node.op_def.elementwise:
            return self._join_elements(node, output)
        return self._join_sum(node, output) if node.op_def.adds_up else None

    def _join_elements(self, node: Node, output: Value) -> Group | None:
        shape = known_shape(output)
        if math.prod(shape) < LEAST_ELEMENTS or not all(map(is_known, node.inputs)):
            return None
        cost = self._cost(node)
        if cost is None or not _meet_in(shape, node.inputs):
            return None
        group = Group(shape, self._readers)
        group.nodes = [node]
        group.cost = cost
        group.reads = {id(value): value for value in node.inputs}
        group.made = {id(output): output}
        group.unsteady = not self._unsteady.isdisjoint(group.reads)
        return self._note(self._joined(group, node.inputs)) if group.is_fit() else None

    def _join_sum(self, node: Node, output: Value) -> Group | None:
        elements = node.inputs[0]
        found = self.group_of.get(id(elements))
        if found is None or output.dtype != elements.dtype or output.dtype.is_bool:
            return None
        group = Group(found.shape, self._readers)
        group.nodes = [node]
        group.reads = {id(elements): elements}
        group.made = {id(output): output}
        group.sums = set(group.made)
        group.folds = folds_of(node)
        if group.folds is None or not group.is_fit():
            return None
        joined = self._joined(group, [elements])
        return None if joined is group else self._note(joined)

    def _joined(self, group: Group, inputs: Sequence[Value]) -> Group:
        """The group, with those that it reads from as far as possible."""
        for value in inputs:
            other = self.group_of.get(id(value))
            if other is not None and id(value) not in group.made:
                group = other.with_other(group) or group
        return group

    def _note(self, group: Group) -> Group:
        """Has the nodes and values of a group be found in it."""
        for item in (*group.nodes, *group.made.values()):
            self.group_of[id(item)] = group
        if group.unsteady:
            self._unsteady_groups.append(group)
        return group

    def _cost(self, node: Node) -> int | None:
        """About how many instructions an element takes; None if that is not known."""
        dtypes = tuple(value.dtype.base_dtype for value in node.inputs)
        attrs = ((k, hashable(v)) for k, v in node.attrs.items() if not k.startswith("_"))
        key = node.op_def.name, frozenset(attrs), dtypes
        if key not in self._costs:
            inputs = [symbol_for(value) for value in node.inputs]
            try:
                made = record(node.op_def.bind_kernel(node.attrs), inputs)
                self._costs[key] = sum(symbol.cost for symbol in walk([made]))
            except Unfit:
                self._costs[key] = None
        return self._costs[key]


def _readers(block: Block) -> Readers:
    """Who reads each value; 0 stands for the caller of the run."""
    readers: Readers = {id(fetch): {0} for fetch in block.fetches}
    for node in block.nodes:
        for value in node.inputs:
            readers.setdefault(id(value), set()).add(id(node))
    return readers


def is_known(value: Value) -> bool:
    """Whether a loop can be made for arrays like this one: its shape and dtype say so."""
    return (
        value.dtype.is_numpy_compatible
        and np.dtype(value.dtype.as_numpy_dtype) in DTYPES
        and value.shape.is_fully_defined()
    )


def _made_by(node: Node) -> list[Value]:
    return [value for value in node.outputs if value is not None]


def known_shape(value: Value) -> Shape:
    """The shape of a value, all of which is known."""
    dims = value.shape._dims
    assert dims is not None
    return tuple(size for size in dims if size is not None)


def symbol_for(value: Value) -> Symbol:
    """An element of an array."""
    return Symbol(np.dtype(value.dtype.as_numpy_dtype), str(value))


def folds_of(node: Node) -> reductions.Folds | None:
    """How a node adds up its input, if the axes are known and the kernel for it is ours."""
    x, axes = node.inputs
    if axes.constant is None:
        return None
    return reductions.folds(known_shape(x), summed_axes(node))


def summed_axes(node: Node) -> tuple[int, ...]:
    """The axes over which a node adds up, counted from 0."""
    x, axes = node.inputs
    rank = len(x.shape)
    return tuple(axis % rank for axis in axes.constant.reshape(-1).tolist())


def array_shape(value: Value) -> Shape:
    """The shape of a value; () for a constant that is one number all over."""
    if value.constant is not None and _is_uniform(value.constant):
        return ()
    return known_shape(value)


def _is_uniform(array: Any) -> bool:
    """Whether all elements are the same, to the bit."""
    flat = array.reshape(-1)
    return len(flat) > 0 and flat.tobytes() == flat[:1].tobytes() * len(flat)


def _meet_in(shape: Shape, values: Sequence[Value]) -> bool:
    """Whether arrays are broadcast to this shape."""
    try:
        return np.broadcast_shapes(*map(known_shape, values)) == shape
    except ValueError:
        return False
