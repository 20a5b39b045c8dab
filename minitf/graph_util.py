"""With this module one can cut, freeze and simplify a `GraphDef`: `tf.graph_util`.

Freezing turns a trained model into one message that needs no checkpoint: every variable becomes a
constant that holds its value.

>>> import minitf as tf
>>> v = tf.Variable(2.0, name="v")
>>> y = tf.multiply(v, 3.0, name="y")
>>> with tf.Session() as sess:
...     _ = sess.run(v.initializer)
...     frozen = convert_variables_to_constants(sess, sess.graph_def, ["y"])
>>> [(node.name, node.op) for node in frozen.node]
[('v', 'Const'), ('v/read', 'Identity'), ('y/y', 'Const'), ('y', 'Mul')]
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minitf.framework import dtypes, errors
from minitf.framework.importer import import_graph_def as import_graph_def
from minitf.framework.tensor_proto import make_tensor_proto

_VARIABLES = ("Variable", "VariableV2")
# Nodes that only matter while a model is trained.
_TRAINING_ONLY = ("CheckNumerics", "Identity")


def extract_sub_graph(graph_def: Any, dest_nodes: Iterable[str]) -> Any:
    """The part of a graph that some nodes need (mirrors `tf.graph_util.extract_sub_graph`).

    Args:
      graph_def: a `GraphDef`.
      dest_nodes: the names of the nodes.

    Returns:
      A `GraphDef` with these nodes and all that they depend on, in the order of `graph_def`.

    Raises:
      TypeError: if an argument is of the wrong type.
      AssertionError: if a node is not in the graph.
    """
    _check_graph_def(graph_def)
    if isinstance(dest_nodes, (str, bytes)):
        raise errors.type_error(
            f"dest_nodes must be an iterable of strings, but got type {type(dest_nodes)}."
        )
    nodes = {node.name: node for node in graph_def.node}
    pending = list(dest_nodes)
    for name in pending:
        assert name in nodes, f"{name} is not in graph"
    needed = set(pending)
    while pending:
        node = nodes.get(pending.pop())
        for text in node.input if node is not None else ():
            source = _node_name(text)
            if source not in needed:
                needed.add(source)
                pending.append(source)
    result = _empty_like(graph_def)
    for node in graph_def.node:
        if node.name in needed:
            result.node.add().CopyFrom(node)
    return result


def convert_variables_to_constants(
    sess: Any,
    input_graph_def: Any,
    output_node_names: Iterable[str],
    variable_names_whitelist: Iterable[str] | None = None,
    variable_names_blacklist: Iterable[str] | None = None,
) -> Any:
    """Freezes a model (mirrors `tf.graph_util.convert_variables_to_constants`).

    Args:
      sess: a session with the variables' values.
      input_graph_def: the `GraphDef` of its graph.
      output_node_names: the names of the nodes that the frozen graph is to compute.
      variable_names_whitelist: the variables to freeze; all of them if None.
      variable_names_blacklist: variables to leave as they are.

    Returns:
      A `GraphDef` with what the outputs need, in which variables are constants.

    Raises:
      AssertionError: if an output is not in the graph.
      FailedPreconditionError: if a variable has no value.
    """
    graph_def = extract_sub_graph(input_graph_def, output_node_names)
    left = set(variable_names_blacklist or ())
    if variable_names_whitelist is not None:
        wanted = set(variable_names_whitelist)
        left |= {node.name for node in graph_def.node if node.name not in wanted}
    variables = [n for n in graph_def.node if n.op in _VARIABLES and n.name not in left]
    values = sess.run([f"{node.name}:0" for node in variables]) if variables else []
    for node, value in zip(variables, values, strict=True):
        dtype = dtypes.as_dtype(node.attr["dtype"].type)
        name = node.name
        node.Clear()
        node.name, node.op = name, "Const"
        node.attr["dtype"].type = dtype.as_datatype_enum
        tensor = make_tensor_proto(value, dtype)
        node.attr["value"].tensor.ParseFromString(tensor.SerializeToString())
    return graph_def


def remove_training_nodes(input_graph: Any, protected_nodes: Iterable[str] | None = None) -> Any:
    """Takes out what only training needs (mirrors `tf.graph_util.remove_training_nodes`).

    `CheckNumerics` and `Identity` nodes go, and what took their result takes their input; they stay
    where a control edge is involved, except that nothing waits for a `CheckNumerics` any more.

    Args:
      input_graph: a `GraphDef`.
      protected_nodes: names of nodes to keep in any case.

    Returns:
      A `GraphDef` without these nodes.
    """
    protected = set(protected_nodes or ())
    checks = {
        node.name
        for node in input_graph.node
        if node.op == "CheckNumerics" and node.name not in protected
    }
    waited_for = {
        text[1:] for node in input_graph.node for text in node.input if text.startswith("^")
    } - checks
    instead: dict[str, str] = {}  # the input that stands for a node that goes
    for node in input_graph.node:
        kept = node.name in protected or node.name in waited_for
        waits = any(text.startswith("^") and text[1:] not in checks for text in node.input)
        if node.op in _TRAINING_ONLY and not kept and not (waits and node.op == "Identity"):
            instead[node.name] = node.input[0]
    result = type(input_graph)()
    for node in input_graph.node:
        if node.name in instead:
            continue
        new = result.node.add()
        new.CopyFrom(node)
        del new.input[:]
        for text in node.input:
            if text.startswith("^"):
                if text[1:] not in instead:
                    new.input.append(text)
                continue
            while text.removesuffix(":0") in instead:
                text = instead[text.removesuffix(":0")]
            new.input.append(text)
    return result


def must_run_on_cpu(node: Any, pin_variables_on_cpu: bool = False) -> bool:
    """Whether a node has no kernel for a GPU (mirrors `tf.graph_util.must_run_on_cpu`).

    Args:
      node: an operation or a `NodeDef`.
      pin_variables_on_cpu: whether to say so of variables and what writes to them.
    """
    node = getattr(node, "node_def", node)
    if pin_variables_on_cpu and node.op in _ON_CPU_IF_PINNED:
        return True
    attr, types = _ON_CPU.get(node.op, ("", ()))
    return attr in node.attr and node.attr[attr].type in types


_ON_CPU_IF_PINNED = (
    *_VARIABLES,
    "Assign",
    "AssignAdd",
    "AssignSub",
    "ScatterAdd",
    "ScatterSub",
    "ScatterUpdate",
)
_ON_CPU = {
    "Const": ("dtype", (dtypes.int32.as_datatype_enum, dtypes.string.as_datatype_enum)),
    "DynamicStitch": ("T", (dtypes.int32.as_datatype_enum,)),
    "Cast": ("SrcT", (dtypes.int32.as_datatype_enum,)),
}


def tensor_shape_from_node_def_name(graph: Any, input_name: str) -> Any:
    """The static shape of a tensor, whose name may leave out ":0"."""
    name = input_name if ":" in input_name else f"{input_name}:0"
    return graph.get_tensor_by_name(name).shape


def _check_graph_def(graph_def: Any) -> None:
    if getattr(getattr(graph_def, "DESCRIPTOR", None), "name", "") != "GraphDef":
        raise errors.type_error(
            f"graph_def must be a graph_pb2.GraphDef proto, but got type {type(graph_def)}."
        )


def _empty_like(graph_def: Any) -> Any:
    """A `GraphDef` of the same class with the same versions and functions, but no nodes."""
    result = type(graph_def)()
    result.versions.CopyFrom(graph_def.versions)
    if hasattr(graph_def, "library"):
        result.library.CopyFrom(graph_def.library)
    return result


def _node_name(text: str) -> str:
    """The node of an input: of "a", "a:1" and "^a" it is "a"."""
    return text.removeprefix("^").partition(":")[0]
