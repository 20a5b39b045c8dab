"""With this module a folder remembers which checkpoints are in it, and which is the latest.

The file `checkpoint` is text: a `CheckpointState` message, whose paths are relative to the folder,
or absolute.

    model_checkpoint_path: "m-2"
    all_model_checkpoint_paths: "m-1"
    all_model_checkpoint_paths: "m-2"
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from minitf.checkpoint import files
from minitf.checkpoint.bundle_writer import index_name
from minitf.framework import errors, protos

FILE = "checkpoint"


def state(
    folder: str,
    latest: str,
    paths: Sequence[str] | None = None,
    timestamps: Sequence[float] | None = None,
    last_preserved: float | None = None,
    relative: bool = False,
) -> Any:
    """The message that says which checkpoints are in a folder.

    Args:
      folder: where they are.
      latest: the prefix of the latest one.
      paths: the prefixes of all, oldest first; the latest is added if it is missing.
      timestamps: when each was made, in seconds since 1970.
      last_preserved: when the last one was made that is never deleted.
      relative: whether paths are written relative to the folder. They are so in any case if the
        folder itself is given by a relative path.

    Raises:
      ValueError: if there are not as many times as paths.
    """
    everything = list(paths or ())
    if not everything or everything[-1] != latest:
        everything.append(latest)
    if timestamps and len(timestamps) != len(everything):
        raise errors.value_error(
            f"Checkpoint timestamps, if provided, must match checkpoint paths (got paths "
            f"{everything} and timestamps {list(timestamps)})",
            see="checkpoints",
        )
    if relative or not os.path.isabs(folder):
        near = [_relative(path, folder, relative) for path in [latest, *everything]]
        latest, everything = near[0], near[1:]
    return protos.CheckpointState(
        model_checkpoint_path=latest,
        all_model_checkpoint_paths=everything,
        all_model_checkpoint_timestamps=list(timestamps or ()),
        last_preserved_timestamp=last_preserved or 0.0,
    )


def _relative(path: str, folder: str, absolute_too: bool) -> str:
    if os.path.isabs(path) and not absolute_too:
        return path
    if os.path.isabs(path) != os.path.isabs(folder):
        path, folder = os.path.abspath(path), os.path.abspath(folder)
    return os.path.relpath(path, folder or ".")


def write_state(path: str, message: Any) -> None:
    """Writes the file, in the place of the old one: it is never half there.

    Raises:
      RuntimeError: if a checkpoint has the name of the file.
    """
    from google.protobuf import text_format

    if path == message.model_checkpoint_path:
        raise errors.runtime_error(
            f"Save path {path!r} conflicts with path used for checkpoint state. Please use a "
            "different save path.",
            see="checkpoints",
        )
    files.write_whole(path, text_format.MessageToString(message).encode())


def read_state(path: str) -> Any:
    """What the file says, with paths that can be opened; None if there is no such file.

    Raises:
      ValueError: if it cannot be understood, or names no checkpoint.
    """
    from google.protobuf import text_format

    try:
        with open(path, "rb") as file:
            text = file.read().decode()
    except OSError:
        return None
    try:
        message = text_format.Parse(text, protos.CheckpointState())
    except text_format.ParseError as error:
        raise errors.value_error(f"{path}: {error}", see="checkpoints") from None
    folder = os.path.dirname(path)
    if not message.model_checkpoint_path:
        raise errors.value_error(
            f"Invalid checkpoint state loaded from {folder}", see="checkpoints"
        )
    message.model_checkpoint_path = os.path.join(folder, message.model_checkpoint_path)
    for i, each in enumerate(message.all_model_checkpoint_paths):
        message.all_model_checkpoint_paths[i] = os.path.join(folder, each)
    return message


def exists(prefix: str) -> bool:
    """Whether there is a checkpoint of this prefix."""
    return os.path.exists(index_name(prefix))


def version(prefix: str) -> tuple[int, int] | None:
    """What changes when another checkpoint takes this one's place; None if there is none."""
    try:
        index = os.stat(index_name(prefix))
    except OSError:
        return None
    return index.st_ino, index.st_mtime_ns


# ---- where several processes save in one folder


def note_latest(path: str, prefix: str, message: Any) -> bool:
    """Writes the file for a checkpoint that was just saved.

    Returns:
      False if the checkpoint is gone, since another process has saved later ones and deleted it:
      then the file stays as it is, and names one that is there.
    """
    with files.locked_folder(os.path.dirname(path)):
        named = None if exists(prefix) else _latest(path)
        if named is not None and exists(named):
            return False
        write_state(path, message)
        return True


def is_latest(path: str, prefix: str) -> bool:
    """Whether the file names this checkpoint as the latest one."""
    named = _latest(path)
    return named is not None and os.path.abspath(named) == os.path.abspath(prefix)


def _latest(path: str) -> str | None:
    try:
        message = read_state(path)
    except ValueError:  # nobody can make anything of it
        return None
    return None if message is None else str(message.model_checkpoint_path)
