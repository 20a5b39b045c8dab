"""With this module the new files of a checkpoint take the place of the old ones, or none does.

The new files are complete, on the disk, and have temporary names (see `files`). What is left is to
rename several, which no file system does in one step.

Where there is no checkpoint of that name yet, the index comes last: without it nobody takes the
other files for a checkpoint, and `clean` deletes them.

Where there is one, the names to change are first written down, in `<prefix>.redo`. From the moment
when this file has its name, the new checkpoint counts; up to then the old one. Whoever reads or
writes the checkpoint carries out what is written there before anything else (`roll_forward`), as
often as it takes: a step that was done before is skipped.

    data.unfinished, index.unfinished     on the disk
    redo.unfinished                       on the disk
    redo.unfinished -> redo               here the new checkpoint takes the place of the old one
    data.unfinished -> data
    index.unfinished -> index             names on the disk
    redo                                  deleted
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import threading
from collections.abc import Iterator, Sequence

from minitf.checkpoint import files
from minitf.checkpoint.table import damaged
from minitf.framework.file_errors import as_tensorflow_errors
from minitf.kernels.crc32c import crc32c

# The folder of a sharded checkpoint's parts; see `merge`.
_PARTS = re.compile(r"_temp-[0-9a-f]{16}$")

Move = tuple[str, str]  # a path, and the one that it becomes

_together: dict[str, files.Unfinished] = {}
_changed = threading.Condition()


@contextlib.contextmanager
def together(prefix: str, file: files.Unfinished) -> Iterator[None]:
    """Inside, a checkpoint that is saved under a prefix takes another file along.

    So a graph's description and the values that go with it change in one step. Another thread that
    saves under the same prefix has to wait.
    """
    key = os.path.abspath(prefix)
    with _changed:
        _changed.wait_for(lambda: key not in _together)
        _together[key] = file
    try:
        yield
    finally:
        with _changed:
            del _together[key]
            _changed.notify_all()


def _forget() -> None:
    """In a forked child nobody saves: the threads that did are its parent's."""
    global _changed
    _changed = threading.Condition()
    _together.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def commit(prefix: str, moves: Sequence[Move], unfinished: Sequence[files.Unfinished]) -> None:
    """Gives the files of a checkpoint their names.

    Threads and processes that do so in one folder take turns.

    Args:
      prefix: of the checkpoint.
      moves: what is renamed; the index comes last.
      unfinished: those of the files that have temporary names.

    Raises:
      OpError: if the system refuses. Then the old checkpoint counts, if there is one; or the new
        one, if what was written down cannot be carried out yet.
    """
    with files.locked_folder(os.path.dirname(prefix)):
        roll_forward(prefix)
        _commit(prefix, moves, unfinished)


def _commit(prefix: str, moves: Sequence[Move], unfinished: Sequence[files.Unfinished]) -> None:
    companion = _together.get(os.path.abspath(prefix))
    if companion is not None:
        moves = [*moves[:-1], (companion.path, companion.final), moves[-1]]
        unfinished = [*unfinished, companion]
    finals = {final for _, final in moves}
    with as_tensorflow_errors(prefix, "what to do: nothing is lost; see what the system says."):
        if not any(os.path.exists(final) for final in finals):
            _rename_all(moves)
            files.sync_folder(os.path.dirname(prefix))
            return
        outdated = [path for path in data_files(prefix) if path not in finals]
        with files.Unfinished(prefix + ".redo") as redo:
            redo.write(_written(prefix, moves, outdated))
            redo.sync()
            files.rename(redo.path, redo.final)
            for file in unfinished:
                file.keep()
            files.sync_folder(os.path.dirname(prefix))
            _carry_out(prefix, moves, outdated)


def _rename_all(moves: Sequence[Move]) -> None:
    done: list[str] = []
    try:
        for path, final in moves:
            files.rename(path, final)
            done.append(final)
    except OSError:
        for final in done:
            files.remove(final)
        raise


def data_files(prefix: str) -> list[str]:
    """The files of values that a checkpoint has, or had."""
    folder, name = os.path.split(prefix)
    pattern = re.compile(re.escape(name) + r"\.data-\d{5,}-of-\d{5,}")
    try:
        names = sorted(os.listdir(folder or "."))
    except OSError:
        return []
    return [os.path.join(folder, each) for each in names if pattern.fullmatch(each)]


# ---- the step that can be done again


def _written(prefix: str, moves: Sequence[Move], outdated: Sequence[str]) -> bytes:
    """What is to be done, with paths as they are seen from the checkpoint's folder."""
    folder = os.path.dirname(prefix)

    def near(path: str) -> str:
        return os.path.relpath(path, folder or ".")

    steps = {
        "rename": [[near(path), near(final)] for path, final in moves],
        "delete": [near(path) for path in outdated],
    }
    text = json.dumps(steps).encode()
    return text + b"\n%08x\n" % crc32c(text)


def _read(prefix: str, written: bytes) -> tuple[list[Move], list[str]]:
    text, _, checksum = written.partition(b"\n")
    if checksum != b"%08x\n" % crc32c(text):
        raise damaged(prefix + ".redo", "checksum does not match")
    steps, folder = json.loads(text), os.path.dirname(prefix)
    moves = [
        (os.path.join(folder, path), os.path.join(folder, final)) for path, final in steps["rename"]
    ]
    return moves, [os.path.join(folder, path) for path in steps["delete"]]


def _carry_out(prefix: str, moves: Sequence[Move], outdated: Sequence[str]) -> None:
    for path, final in moves:
        with contextlib.suppress(FileNotFoundError):  # done before
            files.rename(path, final)
    for path in outdated:
        files.remove(path)
    files.sync_folder(os.path.dirname(prefix))
    files.remove(prefix + ".redo")


def roll_forward(prefix: str) -> dict[str, str]:
    """Carries out what an interrupted save has written down.

    Returns:
      Nothing; but where the folder cannot be written to, the paths under which files are to be
      read until somebody can.

    Raises:
      DataLossError: if what it wrote is damaged.
    """
    with _locked(prefix + ".redo") as written:
        if written is None:
            return {}
        moves, outdated = _read(prefix, written)
        try:
            _carry_out(prefix, moves, outdated)
        except OSError:
            return {final: path for path, final in moves if os.path.exists(path)}
    return {}


@contextlib.contextmanager
def _locked(path: str) -> Iterator[bytes | None]:
    """The content of a file, with its lock: whoever wrote it has ended. None if it is gone."""
    while True:
        try:
            file = os.open(path, os.O_RDONLY)
        except OSError:
            yield None
            return
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            if os.fstat(file).st_nlink:
                yield os.pread(file, os.fstat(file).st_size, 0)
                return
        finally:
            files.unlock_and_close(file)


# ---- leftovers


def clean(folder: str) -> None:
    """Completes or deletes what killed saves have left in a folder.

    Only files that minitf has written are touched, and of these none whose writer is alive.
    """
    try:
        names = sorted(os.listdir(folder or "."))
    except OSError:
        return  # the save says what is the matter with it
    still_needed: list[str] = []
    for name in names:
        if name.endswith(".redo"):
            prefix = os.path.join(folder, name.removesuffix(".redo"))
            with contextlib.suppress(Exception):  # whoever restores this one is told
                roll_forward(prefix)
            if os.path.exists(prefix + ".redo"):
                still_needed += [prefix + ".", prefix + "_temp"]
    at_work = set(map(files.finished_name, filter(files.is_unfinished, names)))
    for name in names:
        path = os.path.join(folder, name)
        if not path.startswith(tuple(still_needed)):
            with contextlib.suppress(OSError):
                if files.is_unfinished(name):
                    _clean_up_after(path)
                elif _PARTS.search(name) and name not in at_work:
                    files.remove_folder(path)  # a server wrote a part when nobody waited any more


def _clean_up_after(path: str) -> None:
    """Deletes an unfinished file, and what it shows to be half done, if its writer has ended."""
    file = files.lock_of_the_dead(path)
    if file is None:
        return
    final = files.finished_name(path)
    if _PARTS.search(final):
        files.remove_folder(final)
    elif final.endswith(".index") and not os.path.exists(final):
        for data in data_files(final.removesuffix(".index")):
            files.remove(data)
    files.remove(path)
    files.unlock_and_close(file)
