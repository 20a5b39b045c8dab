"""With this module one can make a graph again, with all that `meta_graph` has written beside it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from minitf import logging
from minitf.checkpoint.background import wait_for_all
from minitf.framework import errors, importer, protos
from minitf.framework.default import get_default_graph
from minitf.framework.graph import Graph
from minitf.framework.graph_collections import GraphKeys
from minitf.ops.variables import Variable
from minitf.train.meta_graph import UNBOUND_INPUTS
from minitf.train.queue_runner import QueueRunner
from minitf.train.saver import Saver

# What the items of these collections are, which are written as messages.
_VARIABLES = (
    GraphKeys.GLOBAL_VARIABLES,
    GraphKeys.LOCAL_VARIABLES,
    GraphKeys.METRIC_VARIABLES,
    GraphKeys.MODEL_VARIABLES,
    GraphKeys.MOVING_AVERAGE_VARIABLES,
    GraphKeys.TRAINABLE_VARIABLES,
    GraphKeys.GLOBAL_STEP,
)


def import_meta_graph(
    meta_graph_or_file: Any,
    clear_devices: bool = False,
    import_scope: str | None = None,
    *,
    input_map: dict[str, Any] | None = None,
    unbound_inputs_col_name: str | None = UNBOUND_INPUTS,
    restore_collections_predicate: Callable[[str], bool] = lambda name: True,
) -> Any:
    """Adds a graph with its collections to the default one (mirrors `tf.train.import_meta_graph`).

    Args:
      meta_graph_or_file: a `MetaGraphDef`, or the path of a file with one, such as "m-10.meta".
      clear_devices: whether the nodes' devices are left out.
      import_scope: the scope to put the nodes into.
      input_map: tensors to use in the place of others, by name in the file; what a part of a graph
        takes from outside has to be in it (see `meta_graph_nodes`).
      unbound_inputs_col_name: the name of the collection that lists this; None for no such check.
      restore_collections_predicate: tells by their names which collections are wanted.

    Returns:
      The saver; None if the graph has neither a saver nor variables.

    Raises:
      OSError: if the file does not exist, or is none.
      ValueError: if something that the graph takes from outside is missing in `input_map`, or a
        node does not fit.

    >>> import minitf as tf, tempfile
    >>> prefix = tempfile.mkdtemp() + "/m"
    >>> with tf.Graph().as_default(), tf.Session() as sess:
    ...     v = tf.Variable(2.0, name="v")
    ...     sess.run(v.initializer)
    ...     _ = tf.train.Saver().save(sess, prefix)
    >>> with tf.Graph().as_default(), tf.Session() as sess:
    ...     saver = tf.train.import_meta_graph(prefix + ".meta")
    ...     saver.restore(sess, prefix)
    ...     print(sess.run("v:0"), tf.trainable_variables())
    2.0 [<tf.Variable 'v:0' shape=() dtype=float32_ref>]
    """
    saver, _ = import_into_scope(
        meta_graph_or_file,
        clear_devices,
        import_scope,
        input_map=input_map,
        unbound_inputs_col_name=unbound_inputs_col_name,
        restore_collections_predicate=restore_collections_predicate,
    )
    return saver


def import_into_scope(
    meta_graph_or_file: Any,
    clear_devices: bool = False,
    import_scope: str | None = None,
    *,
    input_map: dict[str, Any] | None = None,
    unbound_inputs_col_name: str | None = UNBOUND_INPUTS,
    restore_collections_predicate: Callable[[str], bool] = lambda name: True,
) -> tuple[Saver | None, str | None]:
    """Does what `import_meta_graph` does; returns the saver, and the scope of the nodes."""
    meta = _meta_graph(meta_graph_or_file)
    if unbound_inputs_col_name is not None:
        _check_bound(meta.collection_def.get(unbound_inputs_col_name), input_map or {})
    graph = get_default_graph()
    with graph._lock:
        scope = _import_nodes(graph, meta, clear_devices, import_scope, input_map)
    made: dict[bytes, Variable] = {}
    for name in sorted(meta.collection_def):
        if name != unbound_inputs_col_name and restore_collections_predicate(name):
            for item in _items(graph, name, meta.collection_def[name], scope, made):
                graph.add_to_collection(name, item)
    if meta.HasField("saver_def"):
        return Saver(saver_def=meta.saver_def, name=scope), scope
    if graph.get_collection(GraphKeys.GLOBAL_VARIABLES, scope):
        return Saver(), scope
    return None, scope


def _meta_graph(given: Any) -> Any:
    if getattr(getattr(given, "DESCRIPTOR", None), "name", "") == "MetaGraphDef":
        return protos.MetaGraphDef.FromString(given.SerializeToString())
    wait_for_all()
    path = os.fsdecode(given)
    if not os.path.isfile(path):
        raise OSError(errors.report(f"File {path} does not exist.", see="checkpoints"))
    with open(path, "rb") as file:
        content = file.read()
    from google.protobuf import message, text_format

    try:
        return protos.MetaGraphDef.FromString(content)
    except message.DecodeError:
        try:
            return protos.from_text(content, protos.MetaGraphDef())
        except (text_format.ParseError, UnicodeDecodeError):
            raise OSError(
                errors.report(f"Cannot parse file {path} as a MetaGraphDef.", see="checkpoints")
            ) from None


def _check_bound(unbound: Any, input_map: dict[str, Any]) -> None:
    """Refuses a part of a graph without all that it takes from outside."""
    names = [text.decode() for text in unbound.bytes_list.value] if unbound is not None else []
    missing = [name for name in names if name not in input_map and f"{name}:0" not in input_map]
    if missing:
        raise ValueError(
            errors.report(
                f"Graph contains unbound inputs: {', '.join(missing)}. Must provide these inputs "
                "through input_map.",
                do=f"import_meta_graph(..., input_map={{{missing[0]!r}: tensor, ...}}).",
            )
        )


def _import_nodes(
    graph: Graph,
    meta: Any,
    clear_devices: bool,
    import_scope: str | None,
    input_map: dict[str, Any] | None,
) -> str | None:
    """Adds the nodes; returns the scope that they have come into."""
    if clear_devices:
        for node in meta.graph_def.node:
            node.device = ""
    if import_scope is None or import_scope.endswith("/"):
        scope = (import_scope or graph.get_name_scope()).rstrip("/")
    else:
        scope = graph.unique_name(import_scope, mark_as_used=False)
    prefix = f"{scope}/" if scope else ""
    taken = [node.name for node in meta.graph_def.node if prefix + node.name in graph._nodes]
    importer.import_graph_def(meta.graph_def, input_map, name=prefix)
    if import_scope is not None and not import_scope.endswith("/"):
        graph.unique_name(import_scope)  # the scope is in use from now on
    if taken:
        logging.warning(
            "The graph has a node %r already: what is imported gets other names, and collections "
            "and the saver refer to the nodes that were there. Import into a new tf.Graph(), or "
            "give an import_scope.",
            taken[0],
        )
    return scope or None


def _items(
    graph: Graph, name: str, written: Any, scope: str | None, made: dict[bytes, Variable]
) -> list[Any]:
    """The items of a collection. A variable of several is one object."""
    kind = written.WhichOneof("kind")
    if kind is None:
        return []
    values = list(getattr(written, kind).value)
    if kind == "node_list":
        return [graph.as_graph_element(f"{scope}/{each}" if scope else each) for each in values]
    if name == GraphKeys.SAVERS:
        return [Saver.from_proto(protos.SaverDef.FromString(each), scope) for each in values]
    if name == GraphKeys.QUEUE_RUNNERS and kind == "bytes_list":
        defs = [protos.QueueRunnerDef.FromString(each) for each in values]
        return [QueueRunner.from_proto(each, scope) for each in defs]
    if name in _VARIABLES and kind == "bytes_list":
        for each in values:
            if each not in made:
                made[each] = Variable.from_proto(protos.VariableDef.FromString(each), scope)
        return [made[each] for each in values]
    if kind == "bytes_list":
        return [_as_text(each) for each in values]
    return values


def _as_text(value: bytes) -> Any:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value
