"""With this module one can write a graph as a `GraphDef` message.

The messages are those of TensorFlow, byte for byte: real TensorFlow opens what is written here.
`minitf.framework.importer` reads them.
"""

from __future__ import annotations

from typing import Any

from minitf.framework import protos
from minitf.framework.attr_value import write_attr
from minitf.framework.graph import Graph
from minitf.framework.operation import Operation
from minitf.framework.tensor_proto import shape_proto

# What the reader must understand: a version of the format that every TensorFlow since 1.0 reads.
PRODUCER = 134


def graph_def_of(graph: Graph, from_version: int | None = None, add_shapes: bool = False) -> Any:
    """A graph as a `GraphDef`.

    Args:
      graph: the graph.
      from_version: if given, only nodes that were made after `graph.version` was this.
      add_shapes: whether each node tells its static output shapes (`_output_shapes`), which
        TensorBoard shows at the edges.
    """
    message = protos.GraphDef()
    message.versions.producer = PRODUCER
    for op in graph.get_operations():
        if from_version is None or op._id > from_version:
            _write_node(message.node.add(), op, add_shapes)
    return message


def node_def_of(op: Operation, add_shapes: bool = False) -> Any:
    """One node as a `NodeDef`."""
    node = protos.NodeDef()
    _write_node(node, op, add_shapes)
    return node


def _write_node(node: Any, op: Operation, add_shapes: bool) -> None:
    node.name, node.op, node.device = op.name, op.type, op.device
    for tensor in op.inputs:
        name, index = tensor.op.name, tensor.value_index
        node.input.append(name if index == 0 else f"{name}:{index}")
    # TensorFlow writes what a node waits for in the order of names.
    node.input.extend(sorted(f"^{control.name}" for control in op.control_inputs))
    for name, value in op._attrs.items():
        write_attr(node.attr[name], value, op.op_def.attrs.get(name))
    if add_shapes and op.outputs:
        shapes = node.attr["_output_shapes"].list
        shapes.shape.extend(shape_proto(tensor.shape) for tensor in op.outputs)
