"""With this module one can find checkpoints: which is the latest, which there are, how old."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from minitf import logging
from minitf.checkpoint import files, state_file
from minitf.checkpoint.background import wait_for_all
from minitf.checkpoint.bundle_writer import index_name
from minitf.checkpoint.commit import data_files
from minitf.framework import errors


def _state_path(checkpoint_dir: Any, latest_filename: str | None) -> str:
    return os.path.join(os.fspath(checkpoint_dir), latest_filename or state_file.FILE)


def get_checkpoint_state(checkpoint_dir: Any, latest_filename: str | None = None) -> Any:
    """What the file `checkpoint` of a folder says (mirrors `tf.train.get_checkpoint_state`).

    Args:
      checkpoint_dir: the folder.
      latest_filename: the file's name, if it is not "checkpoint".

    Returns:
      A `CheckpointState`, whose paths can be opened as they are; or None if there is none, or none
      that can be understood.

    Raises:
      ValueError: if it names no checkpoint.

    >>> import minitf as tf, tempfile
    >>> folder = tempfile.mkdtemp()
    >>> tf.train.get_checkpoint_state(folder) is None
    True
    >>> v = tf.Variable(1.0)
    >>> with tf.Session() as sess:
    ...     sess.run(v.initializer)
    ...     _ = tf.train.Saver().save(sess, folder + "/m", global_step=7)
    >>> tf.train.get_checkpoint_state(folder).model_checkpoint_path == folder + "/m-7"
    True
    """
    wait_for_all()
    path = _state_path(checkpoint_dir, latest_filename)
    try:
        return state_file.read_state(path)
    except ValueError as error:
        if "Invalid checkpoint state" in str(error):
            raise
        logging.warning("%s: Checkpoint ignored", error)
        return None


def latest_checkpoint(checkpoint_dir: Any, latest_filename: str | None = None) -> str | None:
    """The prefix of the latest checkpoint in a folder (mirrors `tf.train.latest_checkpoint`).

    Args:
      checkpoint_dir: the folder.
      latest_filename: the name of the file that names it, if it is not "checkpoint".

    Returns:
      The prefix, for `Saver.restore`; None if there is no checkpoint.

    >>> import minitf as tf, tempfile
    >>> tf.train.latest_checkpoint(tempfile.mkdtemp()) is None
    True
    """
    state = get_checkpoint_state(checkpoint_dir, latest_filename)
    if state is None:
        return None
    path: str = state.model_checkpoint_path
    if state_file.exists(path):
        return path
    logging.error("Couldn't match files for checkpoint %s", path)
    return None


def checkpoint_exists(checkpoint_prefix: Any) -> bool:
    """Whether there is a checkpoint of this prefix (mirrors `tf.train.checkpoint_exists`).

    >>> import minitf as tf
    >>> tf.train.checkpoint_exists("no/such/checkpoint")
    False
    """
    wait_for_all()
    return state_file.exists(os.fsdecode(checkpoint_prefix))


def generate_checkpoint_state_proto(
    save_dir: str,
    model_checkpoint_path: str,
    all_model_checkpoint_paths: Sequence[str] | None = None,
    all_model_checkpoint_timestamps: Sequence[float] | None = None,
    last_preserved_timestamp: float | None = None,
) -> Any:
    """The message for the file `checkpoint`: `tf.train.generate_checkpoint_state_proto`.

    Args:
      save_dir: the folder; where it is relative, so are the paths that are written.
      model_checkpoint_path: the latest checkpoint.
      all_model_checkpoint_paths: all, oldest first.
      all_model_checkpoint_timestamps: when each was made, in seconds since 1970.
      last_preserved_timestamp: when the last one was made that is never deleted.

    Raises:
      ValueError: if there are not as many times as paths.

    >>> print(generate_checkpoint_state_proto("models", "models/m-2", ["models/m-1"]))
    model_checkpoint_path: "m-2"
    all_model_checkpoint_paths: "m-1"
    all_model_checkpoint_paths: "m-2"
    <BLANKLINE>
    """
    return state_file.state(
        save_dir,
        model_checkpoint_path,
        all_model_checkpoint_paths,
        all_model_checkpoint_timestamps,
        last_preserved_timestamp,
    )


def update_checkpoint_state(
    save_dir: str,
    model_checkpoint_path: str,
    all_model_checkpoint_paths: Sequence[str] | None = None,
    latest_filename: str | None = None,
    all_model_checkpoint_timestamps: Sequence[float] | None = None,
    last_preserved_timestamp: float | None = None,
) -> None:
    """Writes the file `checkpoint` of a folder (mirrors `tf.train.update_checkpoint_state`).

    Args:
      save_dir: the folder.
      model_checkpoint_path: the latest checkpoint.
      all_model_checkpoint_paths: all, oldest first.
      latest_filename: the file's name, if it is not "checkpoint".
      all_model_checkpoint_timestamps: when each was made, in seconds since 1970.
      last_preserved_timestamp: when the last one was made that is never deleted.

    Raises:
      RuntimeError: if a checkpoint has the file's name.
    """
    message = state_file.state(
        save_dir,
        model_checkpoint_path,
        all_model_checkpoint_paths,
        all_model_checkpoint_timestamps,
        last_preserved_timestamp,
    )
    wait_for_all()
    state_file.write_state(_state_path(save_dir, latest_filename), message)


def get_checkpoint_mtimes(checkpoint_prefixes: Sequence[str]) -> list[float]:
    """When checkpoints were written, in seconds since 1970: `tf.train.get_checkpoint_mtimes`.

    Those that do not exist are left out.

    >>> import minitf as tf
    >>> tf.train.get_checkpoint_mtimes(["no/such/checkpoint"])
    []
    """
    wait_for_all()
    return [
        os.stat(index_name(prefix)).st_mtime
        for prefix in checkpoint_prefixes
        if state_file.exists(prefix)
    ]


def remove_checkpoint(
    checkpoint_prefix: str, checkpoint_format_version: int = 2, meta_graph_suffix: str = "meta"
) -> None:
    """Deletes a checkpoint (mirrors `tf.train.remove_checkpoint`).

    The index goes first, under another name: should the process end meanwhile, nobody takes the
    rest for a checkpoint, and the next save deletes it.

    Args:
      checkpoint_prefix: its prefix.
      checkpoint_format_version: 2; there is no other here.
      meta_graph_suffix: how the name of the file with its graph ends.

    Raises:
      UnimplementedError: for another version.
    """
    if checkpoint_format_version != 2:
        raise errors.UnimplementedError(
            None, None, f"checkpoints of version {checkpoint_format_version} are not read or made"
        )
    wait_for_all()
    with files.locked_folder(os.path.dirname(checkpoint_prefix)):
        _remove(checkpoint_prefix, meta_graph_suffix)


def remove_unless_latest(checkpoint_prefix: str, state_path: str, meta_graph_suffix: str) -> None:
    """Deletes a checkpoint, but not one that another process has just noted as the latest.

    Args:
      checkpoint_prefix: its prefix.
      state_path: the file that says which one that is.
      meta_graph_suffix: how the name of the file with its graph ends.
    """
    wait_for_all()
    with files.locked_folder(os.path.dirname(checkpoint_prefix)):
        if not state_file.is_latest(state_path, checkpoint_prefix):
            _remove(checkpoint_prefix, meta_graph_suffix)


def _remove(prefix: str, meta_graph_suffix: str) -> None:
    files.remove(meta_graph_name(prefix, meta_graph_suffix))
    index = index_name(prefix)
    if os.path.exists(index):
        with files.Unfinished(index) as aside:
            files.rename(index, aside.path)
            for data in data_files(prefix):
                files.remove(data)


def meta_graph_name(checkpoint_prefix: str, suffix: str = "meta") -> str:
    """The path of the file with a checkpoint's graph."""
    # Of a prefix for all shards, such as m-?????-of-00002, the last part does not count.
    base, _, shards = checkpoint_prefix.rpartition("-?????-of-")
    return f"{base if shards.isdigit() and base else checkpoint_prefix}.{suffix}"
