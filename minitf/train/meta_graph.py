"""With this module one can write a graph together with what belongs to it.

A `MetaGraphDef` has the graph, its collections (which of its nodes are variables, what is
trained), and the names of the nodes that save and restore. A checkpoint has one beside it,
`<prefix>.meta`. The module `meta_graph_import` makes the graph again.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from minitf import gfile, logging
from minitf._version import TENSORFLOW_VERSION
from minitf.checkpoint import files
from minitf.framework import errors, op_list, protos
from minitf.framework.default import get_default_graph
from minitf.framework.graph import Graph
from minitf.framework.graph_collections import GraphKeys
from minitf.framework.operation import Operation
from minitf.framework.tensor import Tensor
from minitf.train import meta_graph_nodes
from minitf.train.meta_graph_nodes import inside, stripped

# The collection that lists what a part of a graph takes from outside.
UNBOUND_INPUTS = "unbound_inputs"


def export_meta_graph(
    filename: str | None = None,
    meta_info_def: Any = None,
    graph_def: Any = None,
    saver_def: Any = None,
    collection_list: Sequence[str] | None = None,
    as_text: bool = False,
    graph: Graph | None = None,
    export_scope: str | None = None,
    clear_devices: bool = False,
    clear_extraneous_savers: bool = False,
    strip_default_attrs: bool = False,
    save_debug_info: bool = False,
    *,
    unbound_inputs_col_name: str = UNBOUND_INPUTS,
) -> Any:
    """A graph with its collections and its saver (mirrors `tf.train.export_meta_graph`).

    `Saver.save` writes one beside each checkpoint.

    Args:
      filename: where to write it, if it is to be written. Its folder is made if need be.
      meta_info_def: notes to take over, such as tags.
      graph_def: the nodes, if they are not those of `graph`.
      saver_def: names the nodes that save and restore.
      collection_list: the names of the collections to take; all if None.
      as_text: whether the file is text.
      graph: the default graph if None.
      export_scope: the scope whose nodes are taken, as if it were all; see `meta_graph_nodes`.
      clear_devices: whether the nodes' devices are left out.
      clear_extraneous_savers: whether the nodes of savers other than `saver_def` are left out.
      strip_default_attrs: whether attributes that have their default values are left out.
      save_debug_info: accepted; where nodes were made is not written.
      unbound_inputs_col_name: the name of the collection of what a scope takes from outside.

    Returns:
      A `MetaGraphDef`.

    Raises:
      TypeError: if `saver_def` is none.
      OpError: if the file cannot be written.

    >>> import minitf as tf
    >>> v = tf.Variable(1.0, name="v")
    >>> meta = tf.train.export_meta_graph(saver_def=tf.train.Saver().as_saver_def())
    >>> meta.saver_def.restore_op_name, sorted(meta.collection_def)
    ('save/restore_all', ['trainable_variables', 'variables'])
    """
    graph = graph or get_default_graph()
    scope = export_scope.rstrip("/") if export_scope else None
    meta = protos.MetaGraphDef()
    if meta_info_def is not None:
        meta.meta_info_def.ParseFromString(meta_info_def.SerializeToString())
    nodes = graph_def if graph_def is not None else graph.as_graph_def(add_shapes=True)
    meta.graph_def.ParseFromString(nodes.SerializeToString())
    if saver_def is not None:
        _add_saver(meta, saver_def, scope)
    if clear_extraneous_savers:
        meta_graph_nodes.without_other_savers(meta.graph_def, saver_def)
    unbound = meta_graph_nodes.only_scope(meta.graph_def, scope) if scope else []
    for node in meta.graph_def.node:
        if clear_devices:
            node.device = ""
        if strip_default_attrs:
            meta_graph_nodes.without_defaults(node)
    meta.meta_info_def.stripped_op_list.CopyFrom(op_list.ops_of(meta.graph_def))
    meta.meta_info_def.tensorflow_version = TENSORFLOW_VERSION
    meta.meta_info_def.stripped_default_attrs = strip_default_attrs
    for name in graph.get_all_collection_keys():
        if collection_list is None or name in collection_list:
            items = graph.get_collection(name)
            if name == GraphKeys.SAVERS and clear_extraneous_savers:
                items = [item for item in items if item.as_saver_def() == saver_def]
            _add_collection(meta, name, items, scope)
    if unbound:
        texts = [each.encode() for each in unbound]
        meta.collection_def[unbound_inputs_col_name].bytes_list.value.extend(texts)
    if filename is not None:
        _write(os.fsdecode(filename), meta, as_text)
    return meta


def _add_saver(meta: Any, saver_def: Any, scope: str | None) -> None:
    """Writes the saver, if its nodes are in the scope."""
    if getattr(getattr(saver_def, "DESCRIPTOR", None), "name", "") != "SaverDef":
        raise errors.type_error(
            f"saver_def must be of type SaverDef. Received type: {type(saver_def)}",
            do="give saver.as_saver_def().",
            see="checkpoints",
        )
    if inside(saver_def.filename_tensor_name, scope):
        meta.saver_def.ParseFromString(saver_def.SerializeToString())
        for field in ("filename_tensor_name", "save_tensor_name", "restore_op_name"):
            setattr(meta.saver_def, field, stripped(getattr(meta.saver_def, field), scope))


def _add_collection(meta: Any, name: str, items: list[Any], scope: str | None) -> None:
    """Writes a collection whose items are all of one kind that can be written."""
    found = protos.CollectionDef()
    if all(hasattr(item, "to_proto") for item in items):
        scoped = {"export_scope": scope} if scope else {}
        messages = [item.to_proto(**scoped) for item in items]
        found.bytes_list.value.extend(
            each.SerializeToString() for each in messages if each is not None
        )
    elif all(isinstance(item, (Tensor, Operation)) for item in items):
        names = [item.name for item in items if inside(item.name, scope)]
        found.node_list.value.extend(stripped(each, scope) for each in names)
    elif all(isinstance(item, (str, bytes)) for item in items):
        found.bytes_list.value.extend(
            item.encode() if isinstance(item, str) else item for item in items
        )
    elif all(isinstance(item, int) for item in items):
        found.int64_list.value.extend(items)
    elif all(isinstance(item, float) for item in items):
        found.float_list.value.extend(items)
    elif all(_is_any(item) for item in items):
        for item in items:
            found.any_list.value.add().ParseFromString(item.SerializeToString())
    else:
        logging.warning(
            "The collection %r is not written: it has a %s", name, type(items[0]).__name__
        )
        return
    kind = found.WhichOneof("kind")
    if kind is not None and getattr(found, kind).value:
        meta.collection_def[name].CopyFrom(found)


def _is_any(item: Any) -> bool:
    """Whether this is a message of any kind, with the kind's name beside it."""
    return getattr(getattr(item, "DESCRIPTOR", None), "full_name", "") == "google.protobuf.Any"


def _write(filename: str, meta: Any, as_text: bool) -> None:
    if as_text:
        from google.protobuf import text_format

        content = text_format.MessageToString(meta).encode()
    else:
        content = meta.SerializeToString(deterministic=True)
    if os.path.dirname(filename):
        gfile.MakeDirs(os.path.dirname(filename))
    files.write_whole(filename, content)
