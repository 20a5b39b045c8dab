"""With this module a part of a graph becomes a `Block`: a list of nodes that passes may rewrite.

A graph belongs to the user and is never changed by running it. A block is the program's own copy
of the part that a run needs, with the smallest vocabulary that rewriting takes: a `Node` computes
`Value`s from values; a value is fed, or constant, or made by one node.

>>> import minitf as tf
>>> x = tf.placeholder(tf.float32, [2], name="x")
>>> y = tf.nn.relu(x + 1.0, name="y")
>>> Block([y], [x])
add = AddV2(x, add/y)
y = Relu(add)
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator
from typing import Any

import numpy as np

from minitf.framework.dtypes import DType
from minitf.framework.op_def import OpDef
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_proto import constant_array
from minitf.framework.tensor_shape import TensorShape
from minitf.runtime.branches import may_be_dead
from minitf.runtime.prune import prune


class Value:
    """What a step makes and others read.

    Attributes:
      name: that of the graph's tensor, or one that a pass gave.
      dtype: of the array; a reference's says so.
      shape: what is known of it before the run.
      constant: the array, where it is known before the run; else None.
    """

    __slots__ = ("constant", "dtype", "name", "shape")

    def __init__(self, name: str, dtype: DType, shape: TensorShape, constant: Any = None) -> None:
        self.name = name
        self.dtype = dtype
        self.shape = shape
        self.constant = constant

    @classmethod
    def of(cls, tensor: Tensor, constant: Any = None) -> Value:
        """The value that a tensor of the graph has in a run."""
        return cls(tensor.name, tensor._dtype, tensor._shape, constant)

    @property
    def is_ref(self) -> bool:
        """Whether this is a variable itself, rather than an array."""
        return self.dtype._is_ref_dtype

    def __repr__(self) -> str:
        return self.name.removesuffix(":0")


class Node:
    """One operation of a block.

    Args:
      op: the graph's operation that is to be run.
      op_def: what is run in its place, where a pass has put several operations together.
      attrs: the attributes that belong to `op_def`.

    Attributes:
      op: the graph's operation, whose line and name errors tell.
      op_def, attrs: what is computed.
      inputs: the values that are read.
      outputs: the values that are made; None for one that nobody reads, since it was fed.
      waits: the nodes that are waited for without a value of theirs being read.
      parts: the nodes that this one stands for, if they are several.
      may_be_dead: whether a branch that is not taken may leave it without being run.
    """

    __slots__ = ("attrs", "inputs", "may_be_dead", "op", "op_def", "outputs", "parts", "waits")

    def __init__(
        self, op: Operation, op_def: OpDef | None = None, attrs: dict[str, Any] | None = None
    ) -> None:
        self.op = op
        self.op_def: OpDef = op_def or op._op_def
        self.attrs: dict[str, Any] = (attrs or {}) if op_def else op._attrs
        self.inputs: list[Value] = []
        self.outputs: list[Value | None] = []
        self.waits: list[Node] = []
        self.parts: list[Node] = []
        self.may_be_dead = False

    def __repr__(self) -> str:
        inputs = ", ".join(str(value) for value in self.inputs)
        return f"{self.op.name} = {self.op_def.name}({inputs})"

    def reads(self) -> Iterator[tuple[Value, bool]]:
        """The inputs, each with whether its array is wanted where it is a reference."""
        wants_ref = self.op_def.ref_inputs(len(self.inputs))
        for value, ref in zip(self.inputs, wants_ref, strict=True):
            yield value, value.is_ref and not ref


class Block:
    """The nodes that compute some fetches from some feeds, in the order in which they run.

    Args:
      fetches: the tensors and operations asked for.
      feeds: the tensors that a run is given values for.
      dead: the operations that may be dead, where that is known of the graph that this one is a
        piece of: then what is given for a tensor of theirs may be dead, too.

    Attributes:
      nodes: inputs first; among nodes that could be next, by creation in the graph.
      feeds: the values that are given.
      dead_feeds: those of them that may be dead.
      fetches: for each thing that was asked for the value, or the node of an operation.
      operations: what of the graph was needed, before any rewriting.
      has_branches: whether there are nodes that may be dead; these are not rewritten.
      trusts_shapes: whether static shapes hold for whatever is fed. Of a tensor fed in mid-graph
        only its own shape was checked, not what was concluded from its value; and an assignment
        may give a variable another shape than it was declared with.
    """

    def __init__(
        self,
        fetches: list[Any],
        feeds: list[Tensor],
        dead: Collection[Operation] | None = None,
    ) -> None:
        self.operations = prune(fetches, set(feeds))
        is_piece = dead is not None
        if dead is None:
            dead = may_be_dead(self.operations, set(feeds))
        self.has_branches = bool(dead)
        self.trusts_shapes = all(tensor.op.type == "Placeholder" for tensor in feeds)
        self.nodes: list[Node] = []
        # Where a reference is fed, an array takes the place of the variable.
        self.feeds = [Value(t.name, t._dtype.base_dtype, t._shape) for t in feeds]
        values = dict(zip(feeds, self.feeds, strict=True))
        self.dead_feeds = [values[t] for t in feeds if is_piece and t._op in dead]
        nodes: dict[Operation, Node] = {}
        for op in self.operations:
            if op._op_def.name == "Const" and not op._control_inputs:
                tensor = op._outputs[0]
                values.setdefault(tensor, Value.of(tensor, constant_array(op)))
                continue
            node = nodes[op] = Node(op)
            node.may_be_dead = op in dead
            node.inputs = [values[tensor] for tensor in op._inputs]
            node.waits = [nodes[c] for c in op._control_inputs if c in nodes]
            for tensor in op._outputs:
                # A fed output is given; the kernel's own result is thrown away.
                node.outputs.append(None if tensor in values else Value.of(tensor))
                if node.outputs[-1] is not None:
                    values[tensor] = node.outputs[-1]
            self.nodes.append(node)
        self.trusts_shapes = self.trusts_shapes and not any(map(_reshapes, self.nodes))
        self.fetches: list[Value | Node | None] = [
            values[fetch] if isinstance(fetch, Tensor) else nodes.get(fetch) for fetch in fetches
        ]

    def __repr__(self) -> str:
        return "\n".join(str(node) for node in self.nodes)

    def substitute(self, others: dict[Value, Value]) -> None:
        """Has every reader of a value read another one instead, which may be replaced too."""
        if not others:
            return

        def last(value: Value) -> Value:
            while value in others:
                value = others[value]
            return value

        for node in self.nodes:
            if any(value in others for value in node.inputs):
                node.inputs = [last(value) for value in node.inputs]
        self.fetches = [
            last(fetch) if isinstance(fetch, Value) else fetch for fetch in self.fetches
        ]

    def keep(self, nodes: list[Node]) -> int:
        """Leaves only these nodes, in this order; returns how many went."""
        gone = len(self.nodes) - len(nodes)
        if gone:
            there = set(map(id, nodes))
            for node in nodes:
                node.waits = [other for other in node.waits if id(other) in there]
            self.nodes = nodes
        return gone

    def check(self, after: str) -> None:
        """Asserts that the block is one that can run; called after every pass.

        Args:
          after: the pass, for the message.
        """
        made = {id(value) for value in self.feeds}
        earlier: set[int] = set()
        for node in self.nodes:
            for value in node.inputs:
                known = value.constant is not None or id(value) in made
                assert known, f"after {after}: {node} reads {value} before it is made"
            for other in node.waits:
                assert id(other) in earlier, f"after {after}: {node} waits for a later {other}"
            for output in node.outputs:
                assert id(output) not in made, f"after {after}: {output} is made twice"
                if output is not None:
                    made.add(id(output))
            earlier.add(id(node))
        for fetch in self.fetches:
            if isinstance(fetch, Value):
                assert fetch.constant is not None or id(fetch) in made, f"after {after}: {fetch}"
            elif fetch is not None:
                assert id(fetch) in earlier, f"after {after}: the fetched {fetch} is gone"


def _reshapes(node: Node) -> bool:
    """Whether a variable may have another shape after this node than is known of it before."""
    made = node.outputs[0] if node.op_def.takes_references and node.outputs else None
    if made is None or not made.is_ref:
        return False
    before, after = node.inputs[0].shape._dims, made.shape._dims
    if before is None or before == after:
        return False
    same_rank = after is not None and len(before) == len(after)
    return not same_rank or any(b not in (None, a) for b, a in zip(before, after or ()))


def is_pure(node: Node) -> bool:
    """Whether a node only computes: run again, or not at all, it makes no difference.

    What may be dead does not: whether it was run says whether others are to be.
    """
    op_def = node.op_def
    has_effect = op_def.stateful or op_def.is_control_flow or op_def.takes_references
    return not (has_effect or node.may_be_dead)


def hashable(value: Any) -> Hashable:
    """An attribute's value, or a dict of them, as something that equal ones have in common."""
    if isinstance(value, dict):
        return tuple((name, hashable(item)) for name, item in value.items())
    if isinstance(value, list):
        return tuple(hashable(item) for item in value)
    if isinstance(value, np.ndarray):
        content = tuple(value.reshape(-1)) if value.dtype == object else value.tobytes()
        return value.dtype.str, value.shape, content
    return value if isinstance(value, (int, float, str, bytes)) else str(value)


def changing(block: Block) -> set[int]:
    """The values (by `id`) that may change during a run, since they share a variable's memory.

    A read of a variable is no copy: an update that comes later changes what was read. Two readers
    of such a value may see two things, and only their order says which. There are none in a block
    that writes no variable.
    """
    if not any(node.op_def.takes_references for node in block.nodes):
        return set()
    shared: set[int] = set()
    for node in block.nodes:
        alias = node.op_def.aliases and any(
            dereferenced or id(value) in shared for value, dereferenced in node.reads()
        )
        for output in node.outputs:
            if output is not None and (alias or output.is_ref):
                shared.add(id(output))
    return shared
