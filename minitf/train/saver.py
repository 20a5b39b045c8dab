"""With this module one can save a session's variables and restore them: `tf.train.Saver`."""

from __future__ import annotations

import contextlib
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from minitf import logging
from minitf.checkpoint import background as background_lib
from minitf.checkpoint import commit, files, merge, state_file
from minitf.framework import environment, errors, protos
from minitf.framework.default import get_default_graph
from minitf.framework.file_errors import as_tensorflow_errors
from minitf.framework.graph import Graph
from minitf.framework.graph_collections import GraphKeys
from minitf.runtime.session import BaseSession
from minitf.train import checkpoint_management, restore_check, saver_graph, training_util
from minitf.train.checkpoint_management import meta_graph_name


class Saver:
    """Saves the variables of a graph, and restores them (mirrors `tf.train.Saver`).

    Making one adds the nodes that do it to the graph. A checkpoint is complete or not there,
    whatever happens while it is written: the process may be killed, the power may fail, the disk
    may be full. `docs/checkpoints.md` says why.

    With `background=True`, which TensorFlow 1 does not have, `save` returns once the values are
    copied, and a thread writes them. Whoever looks for checkpoints or restores in this process
    waits for that; so do closing the session, the next save, `wait()` and the end of the process.
    What the thread failed with is logged, and raised by the next `save`, `wait` or closing.

    Args:
      var_list: the variables, or a dictionary to them from the names that they have in the
        checkpoint; all (and what is in `GraphKeys.SAVEABLE_OBJECTS`) if None.
      reshape: whether a value of another shape, with as many elements, is accepted.
      sharded: whether each device writes a file of its own.
      max_to_keep: how many checkpoints are kept; older ones are deleted. None or 0 for all.
      keep_checkpoint_every_n_hours: one checkpoint for each such time is never deleted.
      name: of the scope of the nodes; "save" if None.
      restore_sequentially: accepted; variables are always restored one after the other.
      saver_def: a `SaverDef` that names the nodes in a graph which has them already.
      builder: must be None: there is one way to build the nodes.
      defer_build: whether the nodes are added only by `build()`.
      allow_empty: whether a graph without variables is no error.
      write_version: `tf.train.SaverDef.V2`; version 1 is not written.
      pad_step_number: whether steps have 8 digits in names, so that these sort.
      save_relative_paths: whether the file `checkpoint` has relative paths, so that the folder can
        be moved.
      filename: the prefix to use where none is fed.
      background: whether values are written in the background; if None, whether the environment
        has MINITF_SAVE=background.
      background_memory: how many bytes of memory the copies may take. A larger set is written
        before `save` returns, as it is where the session runs on a server.

    Raises:
      TypeError: if something to save is no variable, or `background_memory` no number.
      ValueError: if there is nothing to save, a name is there twice, `max_to_keep` is negative, or
        MINITF_SAVE is another word than "background".
      UnimplementedError: for version 1, or a builder.

    >>> import minitf as tf, tempfile
    >>> folder = tempfile.mkdtemp()
    >>> v = tf.Variable([1.0, 2.0], name="v")
    >>> saver = tf.train.Saver()
    >>> with tf.Session() as sess:
    ...     sess.run(v.initializer)
    ...     path = saver.save(sess, folder + "/m", global_step=10)
    >>> with tf.Session() as sess:  # nothing is initialized: restoring does that
    ...     saver.restore(sess, tf.train.latest_checkpoint(folder))
    ...     print(sess.run(v))
    [1. 2.]
    """

    def __init__(
        self,
        var_list: Any = None,
        reshape: bool = False,
        sharded: bool = False,
        max_to_keep: int | None = 5,
        keep_checkpoint_every_n_hours: float = 10000.0,
        name: str | None = None,
        restore_sequentially: bool = False,
        saver_def: Any = None,
        builder: Any = None,
        defer_build: bool = False,
        allow_empty: bool = False,
        write_version: int = 2,
        pad_step_number: bool = False,
        save_relative_paths: bool = False,
        filename: str | None = None,
        background: bool | None = None,
        background_memory: float = 48 << 20,
    ) -> None:
        if defer_build and var_list:
            raise errors.value_error(
                "If `var_list` is provided then build cannot be deferred. Either set "
                "defer_build=False or var_list=None.",
                see="checkpoints",
            )
        if max_to_keep is not None and max_to_keep < 0:
            raise errors.value_error(
                f"max_to_keep={max_to_keep}: None or 0 keeps all checkpoints.",
                see="checkpoints",
            )
        if builder is not None or write_version != protos.SaverDef.V2:
            raise errors.UnimplementedError(
                None, None, "Checkpoints are saved in version 2, by the one builder that there is."
            )
        self._var_list = var_list
        self._name = name
        self._options: dict[str, Any] = {
            "name": name,
            "filename": filename,
            "reshape": reshape,
            "sharded": sharded,
            "max_to_keep": max_to_keep,
            "keep_checkpoint_every_n_hours": keep_checkpoint_every_n_hours,
        }
        self._sharded = sharded
        self.saver_def = saver_def
        self._allow_empty = allow_empty
        self._pad_step_number = pad_step_number
        self._save_relative_paths = save_relative_paths
        self._is_built = False
        self._is_empty = False
        self._last_checkpoints: list[tuple[str, float]] = []
        self._to_be_deleted: list[tuple[str, float]] = []
        files.waits_for_disk()  # refuses nonsense in MINITF_FSYNC now, not after hours of training
        if background is None:
            background = environment.choice("MINITF_SAVE", ("background",), "") != ""
        if not isinstance(background_memory, (int, float)):
            raise errors.type_error(
                f"background_memory is a number of bytes, but got {background_memory!r}",
                do="give the size of all variables, such as 2 << 30, or float('inf') for no limit.",
                see="checkpoints",
            )
        self._in_background = background
        self._background_memory = background_memory
        self._idle: deque[background_lib.Memory] = deque(maxlen=1)  # that no save uses
        self._writing: background_lib.Writing | None = None
        self._graph_before: tuple[Any, bytes] = None, b""
        if not defer_build:
            self.build()

    def build(self) -> None:
        """Adds the nodes to the default graph, unless it was done before.

        Raises:
          ValueError: if there is nothing to save.
        """
        if self._is_built:
            return
        self._is_built = True
        if self.saver_def is None:
            graph = get_default_graph()
            if self._var_list is None:
                self._var_list = graph.get_collection(
                    GraphKeys.GLOBAL_VARIABLES
                ) + graph.get_collection(GraphKeys.SAVEABLE_OBJECTS)
            if not self._var_list:
                if not self._allow_empty:
                    raise errors.value_error("No variables to save", see="checkpoints")
                self._is_empty = True
                return
            self.saver_def = saver_graph.build(self._var_list, **self._options)
        elif self._name:
            self._put_into_scope(self._name)
        self._check_saver_def()
        self._next_to_keep = time.time() + self.saver_def.keep_checkpoint_every_n_hours * 3600

    def _put_into_scope(self, scope: str) -> None:
        """Names the nodes as they are called in a graph that was imported into a scope."""
        for field in ("filename_tensor_name", "save_tensor_name", "restore_op_name"):
            setattr(self.saver_def, field, f"{scope}/{getattr(self.saver_def, field)}")

    def _check_saver_def(self) -> None:
        for field in ("save_tensor_name", "restore_op_name"):
            if not getattr(self.saver_def, field, ""):
                raise errors.value_error(
                    f"saver_def must specify the {field}: {self.saver_def}",
                    see="checkpoints",
                )
        if self.saver_def.version != protos.SaverDef.V2:
            raise errors.UnimplementedError(None, None, "Checkpoints are saved in version 2 only.")

    def as_saver_def(self) -> Any:
        """The `SaverDef` that names the nodes."""
        return self.saver_def

    def to_proto(self, export_scope: str | None = None) -> Any:
        """The `SaverDef`, with names as they are inside a scope; None if it is outside of it."""
        if export_scope is None:
            return self.saver_def
        scope = export_scope.rstrip("/") + "/"
        if not self.saver_def.filename_tensor_name.startswith(scope):
            return None
        inside = protos.SaverDef.FromString(self.saver_def.SerializeToString())
        for field in ("filename_tensor_name", "save_tensor_name", "restore_op_name"):
            setattr(inside, field, getattr(inside, field).removeprefix(scope))
        return inside

    @staticmethod
    def from_proto(saver_def: Any, import_scope: str | None = None) -> Saver:
        """A saver for nodes that are in the graph already."""
        return Saver(saver_def=saver_def, name=import_scope)

    # ---- which checkpoints there are

    @property
    def last_checkpoints(self) -> list[str]:
        """The prefixes of the checkpoints that this saver keeps, oldest first."""
        background_lib.wait_for_all()
        return [path for path, _ in self._last_checkpoints]

    def set_last_checkpoints(self, last_checkpoints: list[str]) -> None:
        """Has the saver take these checkpoints, oldest first, for its own."""
        if not isinstance(last_checkpoints, list):
            raise AssertionError(
                errors.report("last_checkpoints is a list of prefixes", see="checkpoints")
            )
        background_lib.wait_for_all()
        self._last_checkpoints = [(path, float("inf")) for path in last_checkpoints]

    def set_last_checkpoints_with_time(
        self, last_checkpoints_with_time: list[tuple[str, float]]
    ) -> None:
        """Has the saver take these checkpoints, with the seconds of their making, for its own."""
        if not isinstance(last_checkpoints_with_time, list):
            raise AssertionError(
                errors.report("last_checkpoints_with_time is a list of pairs", see="checkpoints")
            )
        background_lib.wait_for_all()
        self._last_checkpoints = last_checkpoints_with_time

    def recover_last_checkpoints(self, checkpoint_paths: list[str]) -> None:
        """Has the saver take those of these checkpoints that exist for its own, after a restart.

        Args:
          checkpoint_paths: such as `get_checkpoint_state(folder).all_model_checkpoint_paths`.
        """
        found = []
        for path in checkpoint_paths:
            for moment in checkpoint_management.get_checkpoint_mtimes([path]):
                found.append((path, moment))
        self.set_last_checkpoints_with_time(found)

    def _note(self, prefix: str) -> None:
        if not self.saver_def.max_to_keep:
            return
        self._last_checkpoints = [each for each in self._last_checkpoints if each[0] != prefix]
        self._last_checkpoints.append((prefix, time.time()))
        while len(self._last_checkpoints) > self.saver_def.max_to_keep:
            self._to_be_deleted.append(self._last_checkpoints.pop(0))

    def _delete_old(self, state_path: str, meta_graph_suffix: str) -> None:
        """Deletes the checkpoints that are too many, except for one in each so many hours."""
        while self._to_be_deleted:
            prefix, moment = self._to_be_deleted.pop(0)
            if moment > self._next_to_keep:
                self._next_to_keep += self.saver_def.keep_checkpoint_every_n_hours * 3600
                continue
            try:
                checkpoint_management.remove_unless_latest(prefix, state_path, meta_graph_suffix)
            except (OSError, errors.OpError) as error:
                logging.warning("The old checkpoint %s cannot be deleted: %s", prefix, error)

    # ---- saving

    def save(
        self,
        sess: Any,
        save_path: Any,
        global_step: Any = None,
        latest_filename: str | None = None,
        meta_graph_suffix: str = "meta",
        write_meta_graph: bool = True,
        write_state: bool = True,
        strip_default_attrs: bool = False,
        save_debug_info: bool = False,
    ) -> str | None:
        """Saves the variables of a session.

        In this order, each step on the disk before the next: the values, the index, the graph; the
        file `checkpoint`, which names them; then checkpoints that are too many are deleted.

        Args:
          sess: the session.
          save_path: the prefix of the checkpoint's files.
          global_step: a number, or the tensor or its name that gives it, to put behind the prefix.
          latest_filename: the name of the file that lists checkpoints, if it is not "checkpoint".
          meta_graph_suffix: how the name of the file with the graph ends.
          write_meta_graph: whether that file is written.
          write_state: whether the checkpoint is noted as the latest.
          strip_default_attrs: whether the graph's nodes are written without attributes that have
            their default values.
          save_debug_info: accepted; where nodes were made is not written.

        Returns:
          The checkpoint's prefix, or None if the saver is empty. In the background the checkpoint
          is there only later; see `wait`.

        Raises:
          TypeError: if `sess` is no session.
          ValueError: if the folder does not exist, or the path is empty or that of the state file.
          FailedPreconditionError: if a variable is not initialized.
          ResourceExhaustedError, PermissionDeniedError, ...: if the system refuses, or has refused
            the save before, in the background.
        """
        self._require_built()
        self.wait()
        latest_filename = latest_filename or state_file.FILE
        if not save_path:
            raise errors.value_error(
                "No path is given to save to: the prefix of the checkpoint's files.",
                see="checkpoints",
            )
        if os.path.dirname(latest_filename):
            raise errors.value_error(
                "'latest_filename' must not contain path components", see="checkpoints"
            )
        prefix = self._prefix(sess, os.fsdecode(save_path), global_step, latest_filename)
        if not isinstance(sess, BaseSession):
            raise errors.type_error(f"'sess' must be a Session; {sess}", see="checkpoints")
        graph_file = meta_graph_name(prefix, meta_graph_suffix) if write_meta_graph else None
        if self._is_empty:
            return None
        folder = os.path.dirname(os.fsdecode(save_path))
        if folder and not os.path.isdir(folder):
            _make_folder(folder, os.fsdecode(save_path))
        content = self._graph_content(sess, strip_default_attrs) if graph_file else b""

        feed = {self.saver_def.filename_tensor_name: prefix}
        parts: Any = contextlib.nullcontext()
        base = saver_graph.base_of_parts(sess.graph, self.saver_def)
        if base is not None:
            own = merge.new_folder(prefix)
            feed[base] = f"{own}/part"
            parts = merge.kept_folder(prefix, own)

        def finish(write: Callable[[], None]) -> None:
            """All that comes after the copy of the values, if there is one."""
            commit.clean(folder)
            with self._graph_beside(prefix, graph_file, content), parts:
                write()
            if write_state:
                self._write_state(folder, prefix, latest_filename)
                self._delete_old(os.path.join(folder, latest_filename), meta_graph_suffix)

        snapshot = self._snapshot(sess, prefix, feed)
        if snapshot is None:
            background_lib.wait_for_all()  # the last one to be saved is the latest
            finish(lambda: self._run_save(sess, feed))
        else:
            self._write_later(sess, prefix, snapshot, finish)
        return prefix

    def _write_later(
        self,
        sess: BaseSession,
        prefix: str,
        snapshot: background_lib.Snapshot,
        finish: Callable[[Callable[[], None]], None],
    ) -> None:
        """Has a thread write a copy and finish the save; at once, where there are no threads."""
        work, memory = snapshot.write, snapshot.memory

        def write() -> None:
            try:
                finish(work)
            finally:
                self._idle.append(memory)

        try:
            self._writing = background_lib.Writing(write, prefix)
        except RuntimeError:  # the system has no more, or the interpreter ends
            background_lib.wait_for_all()
            write()
        else:
            sess._wait_at_close(self._writing)

    def wait(self) -> None:
        """Returns when nothing is being saved in the background any more.

        Raises:
          ResourceExhaustedError, PermissionDeniedError, ...: if the system has refused. The
            checkpoints before are as they were.

        >>> import minitf as tf, tempfile
        >>> v = tf.Variable(1.0)
        >>> saver = tf.train.Saver(background=True)
        >>> with tf.Session() as sess:
        ...     sess.run(v.initializer)
        ...     path = saver.save(sess, tempfile.mkdtemp() + "/m")
        ...     # Steps may be run here while it is written.
        ...     saver.wait()
        """
        if self._writing is not None:
            self._writing.wait()

    def is_saving(self) -> bool:
        """Whether something is being saved in the background."""
        return self._writing is not None and not self._writing.is_done()

    def _snapshot(
        self, sess: Any, prefix: str, feed: dict[Any, str]
    ) -> background_lib.Snapshot | None:
        """A copy of the values to save; None if they are to be written before `save` returns."""
        if not self._in_background or sess.sess_str:
            return None
        try:
            memory = self._idle.pop()
        except IndexError:  # the first save, or another thread saves too
            memory = background_lib.Memory(self._background_memory)
        with background_lib.Snapshot(memory) as snapshot:
            self._run_save(sess, feed)
        if snapshot.too_large:
            self._in_background = False
            logging.warning(
                "%s is not saved in the background: its values need more memory than "
                "background_memory allows; give tf.train.Saver(background_memory=...).",
                prefix,
            )
            return None
        return snapshot

    def _write_state(self, folder: str, prefix: str, latest_filename: str) -> None:
        """Notes the checkpoint as the latest."""
        self._note(prefix)
        kept = [path for path, _ in self._last_checkpoints]
        message = state_file.state(folder, prefix, kept, relative=self._save_relative_paths)
        if not state_file.note_latest(os.path.join(folder, latest_filename), prefix, message):
            logging.warning(
                "%s was deleted meanwhile: another process saves in this folder, too. Let one of "
                "them save, the chief, or give each a folder of its own.",
                prefix,
            )

    def _require_built(self) -> None:
        if not self._is_built:
            raise errors.runtime_error(
                "`build()` should be called before save if defer_build==True",
                do="call saver.build() when the last variable is made.",
                see="order-of-calls",
            )

    def _prefix(self, sess: Any, path: str, global_step: Any, latest_filename: str) -> str:
        if global_step is None:
            if os.path.basename(path) == latest_filename and not self._sharded:
                raise errors.value_error(
                    f"'latest_filename' collides with 'save_path': {latest_filename!r} and "
                    f"{path!r}",
                    see="checkpoints",
                )
            return path
        if not hasattr(global_step, "__index__") or hasattr(global_step, "graph"):
            global_step = training_util.global_step(sess, global_step)
        return (
            f"{path}-{int(global_step):08d}" if self._pad_step_number else f"{path}-{global_step}"
        )

    @contextlib.contextmanager
    def _graph_beside(self, prefix: str, graph_file: str | None, content: bytes) -> Iterator[None]:
        """Inside, a checkpoint of this prefix is saved, and takes the graph along."""
        if graph_file is None:
            yield
            return
        with files.Unfinished(graph_file) as file:
            file.write(content)
            file.sync()
            with commit.together(prefix, file):
                yield
            if os.path.exists(file.path):  # another process saved the values
                files.rename(file.path, file.final)

    def _graph_content(self, sess: Any, strip_default_attrs: bool) -> bytes:
        from minitf.train.meta_graph import export_meta_graph

        state = _state_of(sess.graph, strip_default_attrs)
        if state is not None and state == self._graph_before[0]:
            return self._graph_before[1]
        message = export_meta_graph(
            graph=sess.graph, saver_def=self.saver_def, strip_default_attrs=strip_default_attrs
        )
        content: bytes = message.SerializeToString(deterministic=True)
        self._graph_before = state, content
        return content

    def _run_save(self, sess: Any, feed: dict[Any, str]) -> None:
        """Runs the nodes that save."""
        sess.run(self.saver_def.save_tensor_name, feed)

    def export_meta_graph(
        self,
        filename: str | None = None,
        collection_list: Any = None,
        as_text: bool = False,
        export_scope: str | None = None,
        clear_devices: bool = False,
        clear_extraneous_savers: bool = False,
        strip_default_attrs: bool = False,
        save_debug_info: bool = False,
    ) -> Any:
        """The default graph as a `MetaGraphDef`, with this saver; see `meta_graph`."""
        from minitf.train.meta_graph import export_meta_graph

        return export_meta_graph(
            filename=filename,
            saver_def=self.saver_def,
            collection_list=collection_list,
            as_text=as_text,
            export_scope=export_scope,
            clear_devices=clear_devices,
            clear_extraneous_savers=clear_extraneous_savers,
            strip_default_attrs=strip_default_attrs,
            save_debug_info=save_debug_info,
        )

    # ---- restoring

    def restore(self, sess: Any, save_path: Any) -> None:
        """Gives the variables of a session the values that they have in a checkpoint.

        They need not be initialized. If anything does not fit, or the checkpoint is damaged, no
        variable is changed.

        Args:
          sess: the session.
          save_path: the checkpoint's prefix; also the name of one of its files, or a folder, for
            its latest checkpoint.

        Raises:
          ValueError: if there is no checkpoint.
          NotFoundError: if it lacks a variable; the message says what both have and what not.
          InvalidArgumentError: if shapes or dtypes differ.
          DataLossError, OutOfRangeError: if it is damaged.
          AbortedError: if it is overwritten all the time.
        """
        if self._is_empty:
            return
        if save_path is None:
            raise errors.value_error(
                "Can't load save_path when it is None.",
                do="tf.train.latest_checkpoint gives None where it finds no checkpoint; look at "
                "the folder that it was given.",
                see="checkpoints",
            )
        background_lib.wait_for_all()
        prefix = restore_check.as_prefix(os.fsdecode(save_path))
        if not state_file.exists(prefix):
            raise ValueError(restore_check.no_checkpoint(prefix))
        logging.info("Restoring parameters from %s", prefix)
        restore_check.restore(sess, self.saver_def, prefix)


def _state_of(graph: Graph, *options: Any) -> Any:
    """What is equal as long as a graph and its collections are written as the same bytes.

    None if that cannot be told: things in collections that are not minitf's own may change.
    """
    seen: dict[Any, list[Any]] = {}
    for key in graph.collections:
        seen[key] = []
        for item in graph.get_collection_ref(key):
            if isinstance(item, (str, bytes, int, float)):
                seen[key].append(item)
            elif type(item).__module__.startswith("minitf."):
                seen[key].append(id(item))  # to compare two variables would add a node
            else:
                return None
    return graph, graph.version, graph._mutations, seen, options


def _make_folder(folder: str, save_path: str) -> None:
    """Makes the folder to save in, if the one that it is to be in exists."""
    try:
        with as_tensorflow_errors(folder):
            files.make_folder(folder)
    except (errors.NotFoundError, errors.FailedPreconditionError):
        raise errors.value_error(
            f"Parent directory of {save_path} doesn't exist, can't save.",
            do=f"make it before, with tf.gfile.MakeDirs({folder!r}).",
            see="checkpoints",
        ) from None
