"""With this module one can write a checkpoint: `<prefix>.index` and `<prefix>.data-00000-of-00001`.

The values stand in the data file one after another, in the order of their names, and the index has
for each its dtype, shape, place and checksum. Arrays are handed to the system a few megabytes at a
time, by way of a copy of so much: they may change while they are saved.

>>> import numpy as np, tempfile
>>> from minitf.checkpoint.bundle_reader import BundleReader
>>> prefix = tempfile.mkdtemp() + "/m"
>>> write_bundle(prefix, [Named("w", np.arange(3.0))])
>>> with BundleReader(prefix) as reader:
...     reader.read("w")
array([0., 1., 2.])
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minitf.checkpoint import files, slices
from minitf.checkpoint.coding import mask
from minitf.checkpoint.commit import commit
from minitf.checkpoint.progress import Progress
from minitf.checkpoint.table import table
from minitf.checkpoint.tensors import pieces
from minitf.framework import dtypes, errors, protos
from minitf.kernels.crc32c import crc32c, joined

# Small values are put together until there are so many bytes to hand over at once.
_TOGETHER = 1 << 18


@dataclass(frozen=True)
class Named:
    """What is to be saved.

    Attributes:
      name: the tensor's name in the checkpoint.
      value: the array, or that of a part.
      shape: of the whole tensor, if it is a part.
      part: which part it is; None for a whole tensor.
      crc: the checksum of its bytes, if it is known.
    """

    name: str
    value: Any
    shape: tuple[int, ...] = ()
    part: slices.Slice | None = None
    crc: int | None = None


def index_name(prefix: str) -> str:
    """The path of a checkpoint's index."""
    return prefix + ".index"


def data_name(prefix: str, shard: int = 0, shards: int = 1) -> str:
    """The path of a checkpoint's file of values, or of one of several."""
    return f"{prefix}.data-{shard:05d}-of-{shards:05d}"


def by_name(tensors: Sequence[Named]) -> list[Named]:
    """The tensors in the order in which they are written."""
    return sorted(tensors, key=lambda tensor: tensor.name.encode())


def write_bundle(prefix: str, tensors: Sequence[Named], image: Any = None) -> None:
    """Writes a checkpoint, in the place of one that is there.

    Either all of it is there afterwards, and on the disk, or what was there before.

    Args:
      prefix: the path that the files' names begin with. Its folder is made if only that is missing.
      tensors: what to save, in any order.
      image: memory in which their values stand as in the file; see `background.Image`. Then no bar
        shows the progress.

    Raises:
      InvalidArgumentError: if two have one name, or one has a name that cannot be written.
      ResourceExhaustedError, PermissionDeniedError, ...: if the system refuses.
    """
    folder = os.path.dirname(prefix)
    if folder and not os.path.isdir(folder):
        with contextlib.suppress(OSError):  # making the first file says what is the matter
            files.make_folder(folder)
    ordered = by_name(tensors)
    with files.Unfinished(data_name(prefix)) as data, files.Unfinished(index_name(prefix)) as index:
        contents = _Contents(data)
        total = sum(tensor.value.nbytes for tensor in ordered if tensor.value.dtype != object)
        data.reserve(total, image)
        shown = total if image is None else 0
        with Progress(f"saving {os.path.basename(prefix)}", shown) as progress:
            for tensor in ordered:
                contents.add(tensor, progress)
            contents.flush()
        index.write(contents.index())
        data.sync()
        index.sync()
        moves = [(data.path, data.final), (index.path, index.final)]
        commit(prefix, moves, [data, index])


@dataclass
class _Contents:
    """A checkpoint that is being written: what is in the data file, and where."""

    data: files.Unfinished
    entries: dict[bytes, Any] = field(default_factory=dict)
    size: int = 0
    small: bytearray = field(default_factory=bytearray)

    def add(self, tensor: Named, progress: Progress) -> None:
        """Writes a value, and notes where it is."""
        value = np.asarray(tensor.value)
        dtype = dtypes.as_dtype(value.dtype)
        entry = _entry(dtype, value.shape)
        key = name = tensor.name.encode()
        if not name or name.startswith(b"\0"):  # which the format has for itself
            raise errors.InvalidArgumentError(
                None, None, f"{tensor.name!r} cannot be the name of a tensor in a checkpoint"
            )
        if tensor.part is not None:
            whole = self.entries.setdefault(name, _entry(dtype, tensor.shape))
            whole.slices.append(slices.to_proto(tensor.part))
            key = slices.key(name, tensor.part)
        if key in self.entries:
            raise errors.InvalidArgumentError(
                None, None, f"{tensor.name!r} is to be saved twice in one checkpoint"
            )
        entry.offset = self.size
        crc = 0
        for written, summed in pieces(value):
            if tensor.crc is not None:
                self._write(written)
            elif written is not summed:
                crc = crc32c(summed, crc)
                self._write(written)
            else:
                crc = self._write_copy(written, crc)
            progress.add(len(written))
        entry.size = self.size - entry.offset
        entry.crc32c = mask(crc if tensor.crc is None else tensor.crc)
        self.entries[key] = entry

    def _write(self, chunk: Any) -> None:
        self.size += len(chunk)
        if len(chunk) < _TOGETHER:
            self.small += chunk
            if len(self.small) >= _TOGETHER:
                self.flush()
        else:
            self.flush()
            self.data.write(chunk)

    def _write_copy(self, chunk: Any, crc: int) -> int:
        """Writes a part of an array, as it is now; returns the checksum up to there."""
        if len(chunk) < _TOGETHER:
            copy = bytes(chunk)
            self._write(copy)
            return crc32c(copy, crc)
        self.flush()
        self.size += len(chunk)
        return joined(crc, self.data.write_copy(chunk), len(chunk))

    def flush(self) -> None:
        """Hands over what was put together."""
        if self.small:
            self.data.write(self.small)
            self.small = bytearray()

    def index(self) -> bytes:
        """The content of the index for what was written."""
        return index_content(1, self.entries)


def index_content(shards: int, entries: dict[bytes, Any]) -> bytes:
    """What an index holds: under the empty key what holds for all, then an entry for each key."""
    header = protos.BundleHeaderProto(num_shards=shards)
    header.version.producer = 1
    items = [(key, entries[key].SerializeToString()) for key in sorted(entries)]
    return table([(b"", header.SerializeToString()), *items])


def _entry(dtype: dtypes.DType, shape: Sequence[int]) -> Any:
    entry = protos.BundleEntryProto(dtype=dtype.as_datatype_enum)
    entry.shape.SetInParent()
    for size in shape:
        entry.shape.dim.add(size=size)
    return entry
