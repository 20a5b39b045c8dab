"""With this module the parts of a checkpoint that several devices have written become one.

    m_temp-3f...9c.unfinished-...          locked as long as the save is under way
    m_temp-3f...9c/part-00000-of-00002     written by one device; .data and .index
    m_temp-3f...9c/part-00001-of-00002     by another
    m.data-0000?-of-00002, m.index         what becomes of them

Each save has a folder of its own, so that another one under the same name takes no part of it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator, Sequence
from typing import Any

from minitf.checkpoint import files
from minitf.checkpoint.bundle_reader import BundleReader
from minitf.checkpoint.bundle_writer import data_name, index_content, index_name
from minitf.checkpoint.commit import Move, commit
from minitf.framework import errors


def new_folder(prefix: str) -> str:
    """A folder for the parts of one save of a checkpoint; nobody else's."""
    return f"{prefix}_temp-{secrets.token_hex(8)}"


@contextlib.contextmanager
def kept_folder(prefix: str, folder: str) -> Iterator[None]:
    """Inside, parts may be written into a folder; whoever cleans up leaves it there."""
    with files.Unfinished(folder):
        try:
            yield
        except BaseException:
            if not os.path.exists(prefix + ".redo"):  # which may need them
                files.remove_folder(folder)
            raise


def merge_bundles(prefixes: Sequence[str], destination: str, delete_folders: bool) -> None:
    """Makes one checkpoint of several: their files of values are renamed, their indices merged.

    Args:
      prefixes: of the parts, in the order in which their files of values are numbered.
      destination: the prefix of the whole.
      delete_folders: whether the folders of the parts are deleted, if nothing else is in them.

    Raises:
      InvalidArgumentError: if two parts have the same tensor.
      NotFoundError: if one is missing.
    """
    entries: dict[bytes, Any] = {}
    moves: list[Move] = []
    readers = []
    for prefix in dict.fromkeys(prefixes):
        with BundleReader(prefix) as reader:
            readers.append(reader)
    total = sum(reader.shards for reader in readers)
    for reader in readers:
        first = len(moves)
        for key, entry in reader.all_entries():
            entry.shard_id += first
            if not entry.slices:
                _add(entries, key, entry, destination)
            elif key in entries:
                entries[key].slices.extend(entry.slices)
            else:
                entries[key] = entry
        moves += [
            (
                data_name(reader.prefix, shard, reader.shards),
                data_name(destination, first + shard, total),
            )
            for shard in range(reader.shards)
        ]
    with files.Unfinished(index_name(destination)) as index:
        index.write(index_content(total, entries))
        index.sync()
        commit(destination, [*moves, (index.path, index.final)], [index])
    for reader in readers:
        files.remove(index_name(reader.prefix))
    if delete_folders:
        for folder in {os.path.dirname(reader.prefix) for reader in readers}:
            with contextlib.suppress(OSError):  # something else is in it
                files.remove_empty_folder(folder)


def _add(entries: dict[bytes, Any], key: bytes, entry: Any, destination: str) -> None:
    if key in entries:
        raise errors.InvalidArgumentError(
            None, None, f"two parts of the checkpoint {destination} have the tensor {key!r}"
        )
    entries[key] = entry
