"""With this module one can hold an operation: one node of a graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from minitf.framework import dtypes, errors
from minitf.framework.op_def import OpDef
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_proto import PackedTensor
from minitf.framework.tensor_shape import TensorShape
from minitf.framework.traceback import Traceback

if TYPE_CHECKING:
    from minitf.framework.graph import Graph


class Operation:
    """One node of a graph (mirrors `tf.Operation`): a type, inputs, attributes and outputs.

    Made by `Graph.create_op`, which every op function calls. Attributes are plain data: ints,
    floats, bools, text, dtypes, shapes, arrays, and lists of these.

    >>> import minitf as tf
    >>> y = tf.nn.relu(tf.constant([-1.0, 2.0]), name="hidden")
    >>> y.op
    <tf.Operation 'hidden' type=Relu>
    >>> y.op.inputs[0].name, y.op.get_attr("T")
    ('Const:0', tf.float32)
    """

    __slots__ = (
        "__weakref__",
        "_attrs",
        "_control_flow_context",
        "_control_inputs",
        "_device",
        "_graph",
        "_id",
        "_inputs",
        "_name",
        "_op_def",
        "_outputs",
        "_traceback",
        "_version",
    )

    def __init__(
        self,
        graph: Graph,
        op_id: int,
        op_def: OpDef,
        name: str,
        inputs: Sequence[Tensor],
        output_types: list[dtypes.DType],
        attrs: dict[str, Any],
        control_inputs: list[Operation],
        traceback: Traceback,
    ) -> None:
        self._graph = graph
        self._id = op_id
        self._op_def = op_def
        self._name = name
        self._inputs = tuple(inputs)
        self._attrs = attrs
        self._control_inputs = control_inputs
        self._device = ""
        self._traceback = traceback
        self._control_flow_context: Any = None
        self._version = 0
        self._outputs = [Tensor(self, i, dtype) for i, dtype in enumerate(output_types)]

    @property
    def name(self) -> str:
        """The node's name, unique in its graph."""
        return self._name

    @property
    def type(self) -> str:
        """TensorFlow's name of the op type, such as "MatMul"."""
        return self._op_def.name

    @property
    def op_def(self) -> OpDef:
        """The declaration of the op type."""
        return self._op_def

    @property
    def graph(self) -> Graph:
        """The graph that this node belongs to."""
        return self._graph

    @property
    def device(self) -> str:
        """The device asked for, such as "/job:ps/task:0", or the empty string."""
        return self._device

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The tensors that this node computes from."""
        return self._inputs

    @property
    def outputs(self) -> list[Tensor]:
        """The tensors that this node computes."""
        return list(self._outputs)

    @property
    def control_inputs(self) -> list[Operation]:
        """The operations that run before this one without giving it a value."""
        return list(self._control_inputs)

    @property
    def traceback(self) -> Traceback:
        """The user's source lines that made this node."""
        return self._traceback

    @property
    def node_def(self) -> Any:
        """This node as a `NodeDef` protocol buffer."""
        from minitf.framework.graph_def import node_def_of

        return node_def_of(self)

    def values(self) -> tuple[Tensor, ...]:
        """The outputs, as a tuple."""
        return tuple(self._outputs)

    def get_attr(self, name: str) -> Any:
        """The value of an attribute; text comes as bytes, as in TensorFlow.

        Raises:
          ValueError: if the op has no such attribute.
        """
        try:
            value = self._attrs[name]
        except KeyError:
            raise errors.value_error(
                f"Operation {self.name!r} has no attr named {name!r}."
            ) from None
        if isinstance(value, str):
            return value.encode(errors="surrogateescape")
        if isinstance(value, PackedTensor):
            return value.unpack()
        if isinstance(value, list):
            return [v.encode(errors="surrogateescape") if isinstance(v, str) else v for v in value]
        return value

    def _set_attr(self, name: str, value: Any) -> None:
        """Changes an attribute; programs that run this node are made anew."""
        self._attrs[name] = value
        self._changed()

    def _changed(self) -> None:
        self._version += 1
        self._graph._mutations += 1

    def _add_control_input(self, op: Operation) -> None:
        self._add_control_inputs([op])

    def _add_control_inputs(self, ops: list[Operation]) -> None:
        """Makes this node wait for others."""
        self._control_inputs = self._control_inputs + [
            op for op in dict.fromkeys(ops) if op not in self._control_inputs
        ]
        self._changed()

    def _remove_all_control_inputs(self) -> None:
        self._control_inputs = []
        self._changed()

    def _update_input(self, index: int, tensor: Tensor) -> None:
        """Rewires one input."""
        consumers = self._inputs[index]._consumers
        if consumers[-1] is self:  # as for a node just made in a branch; `remove` would search
            consumers.pop()
        else:
            consumers.remove(self)
        self._inputs = (*self._inputs[:index], tensor, *self._inputs[index + 1 :])
        tensor._consumers.append(self)
        self._forget_static_values()
        self._changed()

    def _forget_static_values(self) -> None:
        """Forgets what was known of the values that depend on this node."""
        stack = [self]
        while stack:
            for output in stack.pop()._outputs:
                if output._static is not None:
                    output._static = None
                    stack.extend(output._consumers)

    def _set_device(self, device: Any) -> None:
        self._device = str(device or "")

    def _set_shapes(self, shapes: list[TensorShape]) -> None:
        for output, shape in zip(self._outputs, shapes, strict=True):
            output._shape = shape

    def colocation_groups(self) -> list[bytes]:
        """The groups of nodes that must share a device; by default the node's own."""
        return [c.encode() for c in self._attrs.get("_class", [f"loc:@{self._name}"])]

    def _get_control_flow_context(self) -> Any:
        return self._control_flow_context

    def _set_control_flow_context(self, context: Any) -> None:
        self._control_flow_context = context

    def run(self, feed_dict: Any = None, session: Any = None) -> None:
        """Runs this operation in a session (mirrors `tf.Operation.run`).

        Raises:
          ValueError: if there is no session to run in.
        """
        from minitf.framework.default import session_for

        session_for("execute operation using `run()`", self._graph, session).run(self, feed_dict)

    def __repr__(self) -> str:
        return f"<tf.Operation {self.name!r} type={self.type}>"

    def __str__(self) -> str:
        return str(self.node_def)

    def __copy__(self) -> Operation:
        return self

    def __deepcopy__(self, memo: Any) -> Operation:
        return self
