"""With this module one can write a graph to a file, as text or in TensorFlow's binary form."""

from __future__ import annotations

import os
from typing import Any

from minitf import gfile
from minitf.checkpoint import files
from minitf.framework import errors
from minitf.framework.graph import Graph


def write_graph(
    graph_or_graph_def: Any, logdir: str | os.PathLike[str], name: str, as_text: bool = True
) -> str:
    """Writes a graph to a file (mirrors `tf.train.write_graph`).

    `tf.GraphDef.FromString(data)` reads the binary form, and
    `google.protobuf.text_format.Parse(text, tf.GraphDef())` the text.

    Args:
      graph_or_graph_def: a `tf.Graph` or a `GraphDef`.
      logdir: the folder, which is made if it does not exist.
      name: the file's name.
      as_text: whether to write text, which can be read and edited, instead of the binary form.

    Returns:
      The file's path.

    Raises:
      TypeError: if it is neither a graph nor a message.

    >>> import minitf as tf, tempfile
    >>> g = tf.Graph()
    >>> with g.as_default():
    ...     _ = tf.constant(1.0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_graph(g, folder, "graph.pb", as_text=False)
    ...     [node.op for node in tf.GraphDef.FromString(open(path, "rb").read()).node]
    ['Const']
    """
    graph_def = graph_or_graph_def
    if isinstance(graph_def, Graph):
        graph_def = graph_def.as_graph_def()
    if not hasattr(graph_def, "SerializeToString"):
        raise errors.type_error(
            f"A tf.Graph or a GraphDef can be written, not a {type(graph_def).__name__}."
        )
    folder = os.fspath(logdir)
    gfile.MakeDirs(folder)
    path = os.path.join(folder, name)
    if as_text:
        from google.protobuf import text_format

        data = text_format.MessageToString(graph_def).encode()
    else:
        data = graph_def.SerializeToString(deterministic=True)
    files.write_whole(path, data)
    return path
