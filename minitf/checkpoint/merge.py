"""With this module the parts of a checkpoint that several devices have written become one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import Any

from minitf.checkpoint import files
from minitf.checkpoint.bundle_reader import BundleReader
from minitf.checkpoint.bundle_writer import data_name, index_content, index_name
from minitf.checkpoint.commit import Move, commit
from minitf.framework import errors


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
