"""With this module a part of a graph is built again for fed arrays of known shapes.

A graph is written for any batch: most static shapes in it have unknown dims, and many of its nodes
only find out sizes. Once it is known what shapes are fed, everything else follows: a copy of the
graph whose placeholders have those shapes, made by the same shape rules, leaves no dim unknown that
does not depend on what the arrays hold. Passes then have less to leave in place.

>>> import minitf as tf
>>> x = tf.placeholder(tf.float32, [None, 3], name="x")
>>> y = tf.add(x, 1.0, name="y")
>>> block, _ = specialized_block([y], [x], [(2, 3)])
>>> block.nodes[0].outputs[0].shape
TensorShape([Dimension(2), Dimension(3)])
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from minitf.framework import op_def as op_def_lib
from minitf.framework.dtypes import DType
from minitf.framework.graph import Graph
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_shape import TensorShape
from minitf.runtime.block import Block
from minitf.runtime.passes import PASSES, Change, rewrite
from minitf.runtime.prune import prune

# Of what is fed. What is dead has the shape that it would have, with all that is unknown of it.
Shape = tuple[int | None, ...] | None


class UnfitError(ValueError):
    """Arrays of some shapes cannot be fed together."""


def specialized_block(
    fetches: list[Any],
    feeds: list[Tensor],
    shapes: Sequence[Shape],
    passes: tuple[str, ...] = tuple(PASSES),
    dead: Collection[Operation] | None = None,
) -> tuple[Block, dict[str, Change]]:
    """The rewritten block of some fetches, for feeds of these shapes.

    Args:
      fetches: the tensors and operations asked for.
      feeds: the tensors that a run is given values for.
      shapes: those of the fed arrays.
      passes: the names of the rewrites to apply.
      dead: see `Block`.

    Returns:
      The block, and what each pass did.

    Raises:
      UnfitError: if the shapes do not fit together; a run will tell where.
    """
    copies = _Copies(fetches, feeds, shapes)
    block = Block(
        [
            copies.tensors[fetch] if isinstance(fetch, Tensor) else copies.operations[fetch]
            for fetch in fetches
        ],
        [copies.tensors[tensor] for tensor in feeds],
        None if dead is None else copies.of(dead, feeds),
    )
    changes = rewrite(block, passes)
    # What is told to the user is told of the user's own graph.
    originals = {copy: op for op, copy in copies.operations.items()}
    for node in block.nodes:
        for each in (node, *node.parts):
            each.op = originals[each.op]
    return block, changes


def shapes_of(
    fetches: list[Any], feeds: list[Tensor], shapes: Sequence[Shape]
) -> dict[Tensor, TensorShape]:
    """The static shapes of all tensors of a run, for feeds of these shapes.

    Raises:
      UnfitError: if the shapes do not fit together.
    """
    copies = _Copies(fetches, feeds, shapes)
    return {tensor: copy._shape for tensor, copy in copies.tensors.items()}


class _Copies:
    """Operations beside any graph that is seen, and which of the original each stands for."""

    def __init__(self, fetches: list[Any], feeds: list[Tensor], shapes: Sequence[Shape]) -> None:
        self.tensors: dict[Tensor, Tensor] = {}
        self.operations: dict[Operation, Operation] = {}
        self._graph = Graph()
        self._placeholder = op_def_lib.get("Placeholder")
        try:
            for tensor, shape in zip(feeds, shapes, strict=True):
                self._feed(tensor, shape)
            for op in prune(fetches, set(feeds)):
                self._copy(op)
        except ValueError as error:
            raise UnfitError(str(error)) from error

    def _feed(self, tensor: Tensor, shape: Shape) -> None:
        """Has a placeholder of this shape stand for a fed tensor."""
        dtype = tensor._dtype.base_dtype
        attrs = {"dtype": dtype, "shape": TensorShape(shape)}
        placeholder = self._add(tensor._op, self._placeholder, (), [dtype], attrs, [])
        self.tensors[tensor] = placeholder._outputs[0]
        if tensor._op._op_def is self._placeholder:
            self.operations[tensor._op] = placeholder

    def _copy(self, op: Operation) -> None:
        """Copies a node, after those that it needs."""
        inputs = tuple(self.tensors[tensor] for tensor in op._inputs)
        controls = [self.operations[c] for c in op._control_inputs if c in self.operations]
        types = [tensor._dtype for tensor in op._outputs]
        copy = self._add(op, op._op_def, inputs, types, op._attrs, controls)
        self.operations[op] = copy
        for tensor, other in zip(op._outputs, copy._outputs, strict=True):
            self.tensors.setdefault(tensor, other)

    def of(self, ops: Collection[Operation], feeds: list[Tensor]) -> set[Operation]:
        """What stands for some operations: copies, and placeholders for what is fed of them."""
        found = {copy for op, copy in self.operations.items() if op in ops}
        found.update(self.tensors[tensor]._op for tensor in feeds if tensor._op in ops)
        return found

    def _add(
        self,
        op: Operation,
        op_def: op_def_lib.OpDef,
        inputs: tuple[Tensor, ...],
        types: list[DType],
        attrs: dict[str, Any],
        controls: list[Operation],
    ) -> Operation:
        copy = Operation(
            self._graph, op._id, op_def, op._name, inputs, types, attrs, controls, op._traceback
        )
        if op_def.shape_fn is not None and types:
            copy._set_shapes(op_def.shape_fn(copy))
        return copy
