"""With this module what only Python knows of a graph is noted: `tf.profiler.write_op_log`."""

from __future__ import annotations

import os
from typing import Any

from minitf.framework import default, protos
from minitf.framework.file_errors import as_tensorflow_errors
from minitf.framework.graph import Graph
from minitf.framework.graph_collections import GraphKeys
from minitf.framework.operation import Operation
from minitf.profiler.flops import float_operations

_FILE = "tfprof_log"


def write_op_log(
    graph: Graph | None,
    log_dir: str | os.PathLike[str],
    op_log: Any = None,
    run_meta: Any = None,
    add_trace: bool = True,
) -> None:
    """Writes what a profiler cannot read off a GraphDef (mirrors `tf.profiler.write_op_log`).

    The file `tfprof_log` holds for each node how many floating-point operations it takes, whether
    it is a trainable variable, and the lines of the script that made it.

    Args:
      graph: the graph; the default one if None.
      log_dir: the folder to write to; it is made if it is not there.
      op_log: an `OpLogProto` of the caller's own, whose entries are written too.
      run_meta: accepted as in TensorFlow; operations are counted from static shapes.
      add_trace: whether to write the lines, of every node.

    Raises:
      OpError: if the system refuses, as `PermissionDeniedError`.

    >>> import tempfile
    >>> import minitf as tf
    >>> product = tf.matmul(tf.zeros([2, 3]), tf.zeros([3, 4]), name="product")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tf.profiler.write_op_log(tf.get_default_graph(), folder, add_trace=False)
    ...     with open(f"{folder}/tfprof_log", "rb") as file:
    ...         log = tf.profiler.OpLogProto.FromString(file.read())
    >>> [(entry.name, entry.float_ops) for entry in log.log_entries]
    [('product', 48)]
    """
    graph = graph if graph is not None else default.get_default_graph()
    log = protos.OpLogProto()
    if op_log is not None:
        log.ParseFromString(op_log.SerializeToString())
    entries = {entry.name: entry for entry in log.log_entries}
    ids = {text: number for number, text in log.id_to_string.items()} or {"none": 0}
    trainable = {v.op for v in graph.get_collection(GraphKeys.TRAINABLE_VARIABLES)}
    for op in graph.get_operations():
        count = float_operations(op)
        if not (count or op in trainable or add_trace):
            continue
        entry = entries[op.name] if op.name in entries else log.log_entries.add(name=op.name)
        if count and not entry.float_ops:
            entry.float_ops = count
        if op in trainable and "_trainable_variables" not in entry.types:
            entry.types.append("_trainable_variables")
        if add_trace and not entry.code_def.traces:
            _add_lines(entry.code_def, op, ids)
    for text, number in ids.items():
        log.id_to_string[number] = text
    path = os.path.join(os.fspath(log_dir), _FILE)
    with as_tensorflow_errors(path):
        os.makedirs(log_dir, exist_ok=True)
        with open(path, "wb") as file:
            file.write(log.SerializeToString())


def _add_lines(code: Any, op: Operation, ids: dict[str, int]) -> None:
    """The calls that led to a node, the outermost first; texts by their numbers."""
    frames = op.traceback.frames if op.traceback else []
    for filename, line, function, text in reversed(frames):
        numbers = [ids.setdefault(each, len(ids)) for each in (filename, function, text)]
        file_id, function_id, line_id = numbers
        code.traces.add(
            file_id=file_id,
            lineno=line,
            function_id=function_id,
            line_id=line_id,
            func_start_line=-1,
        )
