"""With this module one can write a graph as a `GraphDef` message, and build a graph from one.

The messages are those of TensorFlow, byte for byte: real TensorFlow opens what is written here.
They come from tensorboardX, which carries them for TensorBoard; nothing loads before the first use.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minitf.framework import dtypes
from minitf.framework import op_def as op_def_lib
from minitf.framework.apply_op import _output_types
from minitf.framework.convert import convert_to_tensor
from minitf.framework.default import get_default_graph
from minitf.framework.graph import Graph
from minitf.framework.operation import Operation
from minitf.framework.scopes import name_scope
from minitf.framework.tensor import Tensor
from minitf.framework.tensor_proto import make_ndarray, make_tensor_proto, shape_proto
from minitf.framework.tensor_shape import TensorShape

# What the reader must understand: a version of the format that every TensorFlow since 1.0 reads.
PRODUCER = 134

# ---- writing


def graph_def_of(graph: Graph, from_version: int | None = None, add_shapes: bool = False) -> Any:
    """A graph as a `GraphDef`.

    Args:
      graph: the graph.
      from_version: if given, only nodes that were made after `graph.version` was this.
      add_shapes: whether each node tells its static output shapes (`_output_shapes`), which
        TensorBoard shows at the edges.
    """
    from tensorboardX.proto.graph_pb2 import GraphDef

    message = GraphDef()
    message.versions.producer = PRODUCER
    for op in graph.get_operations():
        if from_version is None or op._id > from_version:
            message.node.append(node_def_of(op, add_shapes))
    return message


def node_def_of(op: Operation, add_shapes: bool = False) -> Any:
    """One node as a `NodeDef`."""
    from tensorboardX.proto.node_def_pb2 import NodeDef

    node = NodeDef(name=op.name, op=op.type, device=op.device)
    for tensor in op.inputs:
        name, index = tensor.op.name, tensor.value_index
        node.input.append(name if index == 0 else f"{name}:{index}")
    # TensorFlow writes what a node waits for in the order of names.
    node.input.extend(sorted(f"^{control.name}" for control in op.control_inputs))
    for name, value in op._attrs.items():
        attr = op.op_def.attrs.get(name)
        _write_attr(node.attr[name], value, attr.kind if attr else _kind_of(value))
    if add_shapes and op.outputs:
        shapes = node.attr["_output_shapes"].list
        shapes.shape.extend(shape_proto(tensor.shape) for tensor in op.outputs)
    return node


def _kind_of(value: Any) -> str:
    """The kind of a value whose attribute is not declared: those that begin with "_"."""
    sample = value[0] if isinstance(value, list) and value else value
    kinds = (
        (bool, "bool"),
        (int, "int"),
        (float, "float"),
        (dtypes.DType, "type"),
        (TensorShape, "shape"),
        (np.ndarray, "tensor"),
    )
    return next((kind for cls, kind in kinds if isinstance(sample, cls)), "string")


# The field of `AttrValue` for each kind, and how a value is written.
_FIELD = {"int": "i", "float": "f", "bool": "b", "string": "s", "type": "type"}


def _scalar(value: Any, kind: str) -> Any:
    if kind == "string":
        return value.encode() if isinstance(value, str) else value
    return value.as_datatype_enum if kind == "type" else value


def _write_attr(message: Any, value: Any, kind: str) -> None:
    if isinstance(value, list):
        items = message.list
        items.SetInParent()
        if kind == "shape":
            items.shape.extend(shape_proto(item) for item in value)
        elif kind == "tensor":
            items.tensor.extend(make_tensor_proto(item) for item in value)
        else:
            getattr(items, _FIELD[kind]).extend(_scalar(item, kind) for item in value)
    elif kind == "shape":
        message.shape.CopyFrom(shape_proto(value))
    elif kind == "tensor":
        message.tensor.CopyFrom(make_tensor_proto(value))
    else:
        setattr(message, _FIELD[kind], _scalar(value, kind))


# ---- reading


def import_graph_def(
    graph_def: Any,
    input_map: dict[str, Any] | None = None,
    return_elements: Iterable[str] | None = None,
    name: str | None = None,
    op_dict: Any = None,
    producer_op_list: Any = None,
) -> list[Any] | None:
    """Adds the nodes of a `GraphDef` to the default graph (mirrors `tf.import_graph_def`).

    Args:
      graph_def: a `GraphDef` message, of tensorboardX or of TensorFlow.
      input_map: tensors of this graph to use in the place of inputs, by name in `graph_def`.
      return_elements: names of operations and tensors to return.
      name: the prefix of the new names; "import" if None, and no prefix if "".
      op_dict, producer_op_list: accepted and not needed.

    Returns:
      The operations and tensors named in `return_elements`, or None if that is None.

    Raises:
      ValueError: if a node has an input that is not in the graph, or an op type that minitf
        does not have; nothing is added then.

    >>> import minitf as tf
    >>> with tf.Graph().as_default() as g:
    ...     _ = tf.add(1, 2, name="three")
    >>> three, = tf.import_graph_def(g.as_graph_def(), return_elements=["three:0"])
    >>> with tf.Session() as sess:
    ...     print(three.name, sess.run(three))
    import/three:0 3
    """
    graph = get_default_graph()
    nodes = {node.name: node for node in graph_def.node}
    declared = {node.name: _declaration(node) for node in graph_def.node}
    order = _inputs_first(nodes)
    replaced = {_full(key): value for key, value in (input_map or {}).items()}
    made: dict[str, Operation] = {}
    with graph.as_default(), name_scope("import" if name is None else name) as scope:
        for key, value in replaced.items():
            replaced[key] = convert_to_tensor(value)
        for node_name in order:
            node = nodes[node_name]
            made[node_name] = _import_node(graph, node, declared[node_name], made, replaced, scope)
    if return_elements is None:
        return None
    return [_element(text, made, replaced) for text in return_elements]


def _full(name: str) -> str:
    return name if ":" in name or name.startswith("^") else f"{name}:0"


def _declaration(node: Any) -> op_def_lib.OpDef:
    try:
        return op_def_lib.get(node.op)
    except KeyError as error:
        raise ValueError(f"The node {node.name!r} cannot be imported: {error.args[0]}") from None


def _inputs_first(nodes: dict[str, Any]) -> list[str]:
    """The names of the nodes, so that what a node takes comes before it.

    Raises:
      ValueError: if an input is missing, or nodes wait for one another in a circle.
    """
    done: dict[str, bool] = {}  # False while a node's inputs are being visited
    order: list[str] = []
    for root in nodes:
        stack = [(root, False)]
        while stack:
            name, inputs_done = stack.pop()
            if inputs_done:
                done[name] = True
                order.append(name)
                continue
            if name in done:
                continue
            done[name] = False
            stack.append((name, True))
            for text in nodes[name].input:
                source = text.lstrip("^").partition(":")[0]
                if source not in nodes:
                    raise ValueError(
                        f"Node {name!r}: Unknown input node {text!r}: it is not in the GraphDef."
                    )
                if source not in done:
                    stack.append((source, False))
                elif not done[source] and source != name:
                    _refuse_cycle(stack, source, name)
    return order


def _refuse_cycle(stack: list[tuple[str, bool]], source: str, name: str) -> None:
    # A node whose inputs are still being visited, and that lies below on the stack, waits for us.
    if any(below == source and finishing for below, finishing in stack):
        raise ValueError(
            f"The nodes {source!r} and {name!r} wait for one another: a GraphDef with loops "
            "cannot be imported yet."
        )


def _import_node(
    graph: Graph,
    node: Any,
    op_def: op_def_lib.OpDef,
    made: dict[str, Operation],
    replaced: dict[str, Any],
    scope: str,
) -> Operation:
    inputs: list[Tensor] = []
    controls: list[Operation] = []
    for text in node.input:
        if text.startswith("^"):
            replacement = replaced.get(text)
            controls.append(made[text[1:]] if replacement is None else replacement.op)
        else:
            inputs.append(_tensor(text, made, replaced, node.name))
    attrs = {key: _read_attr(value) for key, value in node.attr.items()}
    attrs.pop("_output_shapes", None)
    for key, attr in op_def.attrs.items():
        if key not in attrs:
            if not attr.has_default:
                raise ValueError(f"Node {node.name!r} of type {node.op!r} lacks the attr {key!r}.")
            attrs[key] = list(attr.default or ()) if attr.is_list else attr.default
    if "_class" in attrs:
        attrs["_class"] = [
            text.replace("loc:@", f"loc:@{scope}", 1) if text.startswith("loc:@") else text
            for text in attrs["_class"]
        ]
    op = graph.create_op(
        op_def, inputs, _output_types(op_def, attrs), attrs, f"{scope}{node.name}/"
    )
    graph._names_in_use.setdefault(op.name.lower(), 1)
    if controls:
        op._add_control_inputs(controls)
    if node.device:
        op._set_device(node.device)
    return op


def _tensor(text: str, made: dict[str, Operation], replaced: dict[str, Any], user: str) -> Tensor:
    full = _full(text)
    if full in replaced:
        tensor: Tensor = replaced[full]
        return tensor
    name, _, index = full.partition(":")
    outputs = made[name].outputs
    if int(index) >= len(outputs):
        raise ValueError(f"Node {user!r}: {text!r} is not an output of {name!r}.")
    return outputs[int(index)]


def _read_attr(message: Any) -> Any:
    kind = message.WhichOneof("value")
    if kind == "list":
        items = message.list
        for field in ("s", "i", "f", "b", "type", "shape", "tensor"):
            values = getattr(items, field)
            if len(values):
                return [_read_one(field, value) for value in values]
        return []
    return _read_one(kind, getattr(message, kind)) if kind else None


def _read_one(kind: str, value: Any) -> Any:
    if kind == "s":
        return value.decode(errors="surrogateescape")
    if kind == "type":
        return dtypes.as_dtype(value)
    if kind == "shape":
        return TensorShape(value)
    if kind == "tensor":
        array = make_ndarray(value)
        array.flags.writeable = False
        return array
    return value


def _element(text: str, made: dict[str, Operation], replaced: dict[str, Any]) -> Any:
    try:
        return made[text] if ":" not in text else _tensor(text, made, replaced, text)
    except KeyError:
        raise ValueError(f"return_elements: {text!r} is not in the GraphDef.") from None
