"""With this module one can write what TensorBoard shows: `tf.summary.FileWriter`."""

from __future__ import annotations

import os
import threading
import time
import warnings
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from minitf.framework import errors
from minitf.framework.graph import Graph
from minitf.framework.tensor import Tensor
from minitf.ops.variables import Variable

# What writes files, and the messages, load when the first writer is made.
if TYPE_CHECKING:
    from minitf.summary.event_file import EventFile


class FileWriter:
    """Writes summaries and graphs into a folder for TensorBoard (mirrors `tf.summary.FileWriter`).

    Each writer has a file of its own in the folder. Every event is handed to the system at once: a
    process that is killed afterwards has lost nothing of it, and TensorBoard sees it within
    seconds. `flush` waits for the disk as well, which matters only if the power fails. What is
    open when the program ends is closed. A process that `fork` makes goes on in a new file.

    Args:
      logdir: the folder, which is made if it is not there. Runs in several folders under one that
        TensorBoard is given are shown together, each with its folder's name.
      graph: a `tf.Graph` to add right away; see `add_graph`.
      max_queue: taken for TensorFlow's sake; nothing waits in a queue.
      flush_secs: how often, in seconds, events are brought to the disk without being asked.
      graph_def: the old name of `graph`, for a `GraphDef`.
      filename_suffix: what the file's name ends with.
      session: taken for TensorFlow's sake, which then writes by ops of the graph.

    Raises:
      tf.errors.OpError: the class for what the system says, such as PermissionDeniedError.

    >>> import minitf as tf, glob, tempfile
    >>> folder = tempfile.mkdtemp()
    >>> loss = tf.summary.scalar("loss", tf.constant(0.5))
    >>> with tf.Session() as sess, tf.summary.FileWriter(folder, sess.graph) as writer:
    ...     writer.add_summary(sess.run(loss), global_step=1)
    >>> (path,) = glob.glob(folder + "/events.out.tfevents.*")
    >>> [event.WhichOneof("what") for event in tf.train.summary_iterator(path)]
    ['file_version', 'graph_def', 'meta_graph_def', 'summary']
    """

    def __init__(
        self,
        logdir: str | os.PathLike[str],
        graph: Any = None,
        max_queue: int = 10,
        flush_secs: float = 120,
        graph_def: Any = None,
        filename_suffix: str | None = None,
        session: Any = None,
    ) -> None:
        self._logdir = os.fsdecode(logdir)
        self._flush_secs = flush_secs
        self._suffix = filename_suffix or ""
        self._lock = threading.RLock()
        self._closed = False
        self._open()
        if graph is None and graph_def is None:
            return
        self.add_graph(graph, graph_def=graph_def)
        if isinstance(graph, Graph):
            from minitf.train.meta_graph import export_meta_graph

            self.add_meta_graph(export_meta_graph(graph=graph))

    def _open(self) -> None:
        from minitf.framework import protos
        from minitf.summary.event_file import EventFile

        self._file: EventFile = EventFile(self._logdir, self._suffix, self._flush_secs)
        # Also at the end of the program, or when nobody has the writer any more.
        self._finalizer = weakref.finalize(self, EventFile.close, self._file)
        # What a file says once, of a tag: each can be read without the others.
        self._described: set[str] = set()
        self._run_tags: set[str] = set()
        self._write(protos.Event(file_version="brain.Event:2"))

    # ---- what can be added

    def add_summary(self, summary: Any, global_step: Any = None) -> None:
        """Adds a summary.

        Args:
          summary: what `session.run` gave for a summary, or a `tf.Summary`.
          global_step: the training step that it belongs to, a number.

        Raises:
          TypeError: if it is neither; a tensor has to be run first.
          ValueError: if these are bytes of something else.

        >>> import minitf as tf, tempfile
        >>> value = tf.Summary.Value(tag="accuracy", simple_value=0.9)
        >>> with tf.summary.FileWriter(tempfile.mkdtemp()) as writer:
        ...     writer.add_summary(tf.Summary(value=[value]), 10)
        """
        event = _event(global_step)
        _merge(event.summary, _serialized(summary))
        with self._lock:
            if not self._warn_if_closed("add_summary", 3):
                self._describe_once(event.summary)
                self._write(event)

    def _describe_once(self, summary: Any) -> None:
        """Drops the metadata of tags that the file describes already."""
        for value in summary.value:
            if value.HasField("metadata"):
                if value.tag in self._described:
                    value.ClearField("metadata")
                self._described.add(value.tag)

    def add_graph(self, graph: Any, global_step: Any = None, graph_def: Any = None) -> None:
        """Adds a graph, which TensorBoard draws, and brings it to the disk.

        Args:
          graph: a `tf.Graph`.
          global_step: the training step that it belongs to.
          graph_def: a `GraphDef` instead.

        Raises:
          ValueError: if both are given.
          TypeError: if it is none of these.
        """
        if graph is not None and graph_def is not None:
            raise errors.value_error(
                "Please pass only graph, or graph_def (deprecated), but not both."
            )
        given = graph_def if graph is None else graph
        if isinstance(given, Graph):
            given = given.as_graph_def(add_shapes=True)
        elif not hasattr(given, "SerializeToString"):
            raise errors.type_error(
                f"The passed graph must be a tf.Graph or a GraphDef, not {_told(given)}."
            )
        event = _event(global_step)
        event.graph_def = given.SerializeToString(deterministic=True)
        self._add("add_graph", event)
        self.flush()

    def add_meta_graph(self, meta_graph_def: Any, global_step: Any = None) -> None:
        """Adds a `MetaGraphDef`.

        Raises:
          TypeError: if it is something else.
        """
        name = getattr(getattr(meta_graph_def, "DESCRIPTOR", None), "name", None)
        if name != "MetaGraphDef":
            raise errors.type_error(
                f"meta_graph_def must be a MetaGraphDef, as tf.train.export_meta_graph() gives, "
                f"not {_told(meta_graph_def)}."
            )
        event = _event(global_step)
        event.meta_graph_def = meta_graph_def.SerializeToString(deterministic=True)
        self._add("add_meta_graph", event)

    def add_run_metadata(self, run_metadata: Any, tag: str, global_step: Any = None) -> None:
        """Adds what a traced run took, which TensorBoard shows in the graph.

        Args:
          run_metadata: the `tf.RunMetadata` that `session.run` filled.
          tag: a name for this run, such as "step 100"; each may be used once.
          global_step: the training step that it belongs to.

        Raises:
          TypeError: if it is something else.
          ValueError: if the tag was used before.
        """
        if not isinstance(tag, str):
            raise errors.type_error(f"The tag of a run is a text, not {_told(tag)}.")
        event = _event(global_step)
        event.tagged_run_metadata.tag = tag
        event.tagged_run_metadata.run_metadata = _bytes_of(run_metadata, "RunMetadata")
        with self._lock:
            if tag in self._run_tags:
                raise errors.value_error(
                    f"The tag {tag!r} was already used for a run of this file; give each run one "
                    "of its own, for example with its step."
                )
            self._run_tags.add(tag)
            self._add("add_run_metadata", event)

    def add_session_log(self, session_log: Any, global_step: Any = None) -> None:
        """Adds a `tf.SessionLog`: a session started or stopped, or a checkpoint was written.

        TensorBoard drops what an earlier run wrote of steps behind one where a session started.
        """
        event = _event(global_step)
        event.session_log.MergeFromString(_bytes_of(session_log, "SessionLog"))
        self._add("add_session_log", event)

    def add_event(self, event: Any) -> None:
        """Adds a `tf.Event` as it is."""
        if not hasattr(event, "wall_time"):
            raise errors.type_error(f"add_event takes a tf.Event, not {_told(event)}.")
        self._add("add_event", event)

    def _add(self, method: str, event: Any) -> None:
        with self._lock:
            if not self._warn_if_closed(method, 4):
                self._write(event)

    def _write(self, event: Any) -> None:
        if self._file.is_inherited:
            self._finalizer.detach()
            self._open()
        if not event.wall_time:
            event.wall_time = time.time()
        self._file.write(event.SerializeToString(deterministic=True))

    def _warn_if_closed(self, method: str, depth: int) -> bool:
        if self._closed:
            warnings.warn(
                f"FileWriter.{method} on a closed FileWriter adds nothing; reopen() it first.",
                stacklevel=depth,  # the user's line
            )
        return self._closed

    # ---- the file

    def get_logdir(self) -> str:
        """Returns the folder that it writes into."""
        return self._logdir

    def flush(self) -> None:
        """Waits until every event that was added is on the disk."""
        if not self._closed:
            self._file.flush()

    def close(self) -> None:
        """Flushes and closes the file. Closing twice does nothing."""
        with self._lock:
            self._closed = True
            self._finalizer.detach()
            self._file.close()

    def reopen(self) -> None:
        """After `close`, goes on in a new file of the same folder; otherwise does nothing."""
        with self._lock:
            if self._closed:
                self._open()
                self._closed = False

    def __enter__(self) -> FileWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class FileWriterCache:
    """One `FileWriter` for each folder (mirrors `tf.summary.FileWriterCache`).

    >>> import minitf as tf, tempfile
    >>> folder = tempfile.mkdtemp()
    >>> tf.summary.FileWriterCache.get(folder) is tf.summary.FileWriterCache.get(folder)
    True
    >>> tf.summary.FileWriterCache.clear()
    """

    _writers: dict[str, FileWriter] = {}  # noqa: RUF012 - it is the one that everybody shares
    _lock = threading.RLock()

    @staticmethod
    def get(logdir: str | os.PathLike[str]) -> FileWriter:
        """Returns the writer for a folder, which begins with the default graph."""
        from minitf.framework.default import get_default_graph

        folder = os.fsdecode(logdir)
        with FileWriterCache._lock:
            if folder not in FileWriterCache._writers:
                FileWriterCache._writers[folder] = FileWriter(folder, graph=get_default_graph())
            return FileWriterCache._writers[folder]

    @staticmethod
    def clear() -> None:
        """Closes all writers, and forgets them."""
        with FileWriterCache._lock:
            for writer in FileWriterCache._writers.values():
                writer.close()
            FileWriterCache._writers.clear()


def _event(global_step: Any) -> Any:
    from minitf.framework import protos

    if isinstance(global_step, Tensor | Variable):
        raise errors.type_error(
            f"global_step is a number, not {_told(global_step)}: what session.run gives for it."
        )
    return protos.Event(wall_time=time.time(), step=0 if global_step is None else int(global_step))


def _merge(message: Any, data: bytes) -> None:
    from google.protobuf.message import DecodeError

    try:
        message.MergeFromString(data)
    except DecodeError:
        name = message.DESCRIPTOR.name
        raise errors.value_error(f"These {len(data)} bytes are no serialized {name}.") from None


def _serialized(summary: Any) -> bytes:
    """The bytes of what a user calls a summary."""
    if isinstance(summary, bytes):
        return summary
    if hasattr(summary, "SerializeToString"):
        data: bytes = summary.SerializeToString()
        return data
    if isinstance(summary, np.ndarray) and summary.shape == () and summary.dtype == object:
        return _serialized(summary.item())
    hint = " (merge_all() gives None where no summary was built)" if summary is None else ""
    raise errors.type_error(
        "add_summary takes what session.run gives for a summary, or a tf.Summary, not "
        f"{_told(summary)}{hint}."
    )


def _bytes_of(message: Any, name: str) -> bytes:
    if not hasattr(message, "SerializeToString"):
        raise errors.type_error(f"This takes a tf.{name}, not {_told(message)}.")
    data: bytes = message.SerializeToString()
    return data


def _told(value: Any) -> str:
    if value is None:
        return "None"
    if isinstance(value, Tensor | Variable):
        return f"the {type(value).__name__.lower()} {value.name!r}, which has to be run first"
    return f"a {type(value).__name__}"
