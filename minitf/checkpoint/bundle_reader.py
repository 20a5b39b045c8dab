"""With this module one can read a checkpoint, whoever wrote it, and trust what one reads.

Opening it reads the whole index and checks it; every value is checked when it is read. A value of
some size is not copied: it is given as an array over the file's pages, once its checksum is right.
"""

from __future__ import annotations

import contextlib
import mmap
import os
from collections import deque
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import numpy as np

from minitf.checkpoint import slices
from minitf.checkpoint.bundle_writer import data_name, index_name
from minitf.checkpoint.coding import mask
from minitf.checkpoint.commit import roll_forward
from minitf.checkpoint.progress import Progress
from minitf.checkpoint.table import damaged, entries
from minitf.checkpoint.tensors import crc_of_strings, strings
from minitf.framework import dtypes, errors, protos
from minitf.framework.file_errors import as_tensorflow_errors
from minitf.kernels.crc32c import crc32c, joined
from minitf.kernels.parallel import parallel_for

# Values from this size on are given as pages of the file.
_MAPPED = 1 << 16
# What one thread reads at a time, to check it.
_BLOCK = 1 << 20
# How often a checkpoint is opened that is overwritten meanwhile.
_ATTEMPTS = 100
# The version of the format that this module reads.
_VERSION = 1


class BundleReader:
    """A checkpoint, open for reading.

    Args:
      prefix: the path that its files' names begin with.

    Attributes:
      shards: how many files of values it has.
      entries: by name the `BundleEntryProto` of each tensor; parts are not among them.

    Raises:
      NotFoundError: if it has no index.
      DataLossError: if the index is damaged.
    """

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self._files: dict[int, int] = {}
        try:
            for _ in range(_ATTEMPTS):
                self._open()
                if self._redirected or not self._is_replaced():
                    return
                self.close()
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        """Reads the index, and opens the files that it speaks of."""
        self._redirected = roll_forward(self.prefix)
        self.index_path = self._path(index_name(self.prefix))
        with as_tensorflow_errors(self.index_path), open(self.index_path, "rb") as file:
            self._index_file = os.fstat(file.fileno())
            content = dict(entries(file.read(), self.index_path))
        self._read_header(content.pop(b"", None))
        self.entries: dict[str, Any] = {}
        self._parts: dict[bytes, Any] = {}
        for key, value in content.items():
            entry = protos.BundleEntryProto.FromString(value)
            if key.startswith(b"\0"):
                self._parts[key] = entry
            else:
                self.entries[key.decode()] = entry
            with contextlib.suppress(errors.OpError):  # who reads the value is told
                self._file(entry)

    def _is_replaced(self) -> bool:
        """Whether another checkpoint has taken this one's place while it was opened.

        Then the files may be of both; see `commit` for what is renamed in which order.
        """
        try:
            now = os.stat(self.index_path)
        except OSError:  # it was deleted; what is open can be read
            return False
        replaced = (now.st_ino, now.st_mtime_ns) != (
            self._index_file.st_ino,
            self._index_file.st_mtime_ns,
        )
        return replaced or os.path.exists(self.prefix + ".redo")

    def _path(self, path: str) -> str:
        return self._redirected.get(path, path)

    def _read_header(self, written: bytes | None) -> None:
        if written is None:
            raise damaged(self.index_path, "there is no header: this is no index of a checkpoint")
        header = protos.BundleHeaderProto.FromString(written)
        if header.endianness:
            raise errors.UnimplementedError(
                None, None, f"{self.index_path}: its numbers are written with the high byte first"
            )
        if header.version.min_consumer > _VERSION:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"{self.index_path}: it needs a reader of version {header.version.min_consumer}; "
                f"this one has version {_VERSION}",
            )
        self.shards = header.num_shards

    def __enter__(self) -> BundleReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the files; arrays that were read stay as they are."""
        for file in self._files.values():
            os.close(file)
        self._files.clear()

    # ---- what there is

    def all_entries(self) -> Iterator[tuple[bytes, Any]]:
        """The keys and entries of all tensors and parts."""
        yield from ((name.encode(), entry) for name, entry in self.entries.items())
        yield from self._parts.items()

    def dtype(self, name: str) -> dtypes.DType:
        """A tensor's dtype."""
        return dtypes.as_dtype(self._entry(name).dtype)

    def shape(self, name: str) -> tuple[int, ...]:
        """A tensor's shape; of one in parts that of the whole."""
        return _shape(self._entry(name))

    def size(self, name: str) -> int:
        """How many bytes a tensor takes."""
        return sum(entry.size for _, entry in self._stored(name))

    def _entry(self, name: str) -> Any:
        try:
            return self.entries[name]
        except KeyError:
            raise errors.NotFoundError(
                None, None, f"Key {name} not found in checkpoint {self.prefix}"
            ) from None

    def _stored(self, name: str) -> Iterator[tuple[slices.Extent, Any]]:
        """What there is of a tensor: the part, and its entry."""
        whole = self._entry(name)
        shape = _shape(whole)
        if not whole.slices:
            yield tuple((0, size) for size in shape), whole
        for proto in whole.slices:
            part = slices.from_proto(proto)
            entry = self._parts.get(slices.key(name.encode(), part))
            if entry is None:
                raise damaged(self.index_path, f"a part of {name!r} is missing: {part}")
            yield slices.extent(shape, part), entry

    # ---- reading

    def read(
        self, name: str, part: slices.Extent | None = None, progress: Progress | None = None
    ) -> Any:
        """A tensor, or a part of it. The array may not be written to.

        Of a dtype that numpy lacks, bfloat16 is given, as the same numbers in float32.

        Args:
          name: the tensor's.
          part: from where to where along each axis; None for all.
          progress: is told how many bytes have been read.

        Raises:
          NotFoundError: if it is not in the checkpoint, or the file of its values is missing.
          OutOfRangeError: if that file is too short.
          DataLossError: if the value is not as it was written.
        """
        shape = self.shape(name)
        wanted = part if part is not None else tuple((0, size) for size in shape)
        stored = [
            (extent, entry, both)
            for extent, entry in self._stored(name)
            if (both := slices.common(extent, wanted)) is not None or extent == wanted
        ]
        if len(stored) == 1 and slices.covers(stored[0][0], wanted):
            extent, entry, _ = stored[0]
            return self._value(name, entry, progress)[slices.within(wanted, extent)]
        dtype = self.dtype(name)
        dtype = dtypes.float32 if dtype is dtypes.bfloat16 else dtype
        result = np.empty(slices.dims(wanted), dtype.as_numpy_dtype)
        filled = 0
        for extent, entry, both in stored:
            if both is not None:
                value = self._value(name, entry, progress)[slices.within(both, extent)]
                result[slices.within(both, wanted)] = value
                filled += value.size
        if filled != result.size:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"{self.prefix} does not have all of {name!r}: its parts hold {filled} of the "
                f"{result.size} elements",
            )
        return result

    def _value(self, name: str, entry: Any, progress: Progress | None) -> Any:
        """What an entry stands for, once it is checked."""
        dtype, shape = dtypes.as_dtype(entry.dtype), _shape(entry)
        if dtype is dtypes.string:
            return self._strings(name, entry, shape)
        numpy_dtype = self._stored_as(name, dtype)
        size = int(np.prod(shape, dtype=np.int64)) * numpy_dtype.itemsize
        if size != entry.size:
            raise damaged(
                self.index_path, f"{name!r} has {entry.size} bytes, and its shape needs {size}"
            )
        if size < _MAPPED or entry.offset % numpy_dtype.itemsize:
            octets = np.empty(size, np.uint8)
            self._read_exactly(name, entry, octets, 0)
            self._compare(name, entry, crc32c(octets))
            octets.flags.writeable = False
        else:
            self.check(name, entry, progress)
            octets = self._mapped(entry)
        value = octets.view(numpy_dtype).reshape(shape)
        return value if dtype is not dtypes.bfloat16 else _widened(value)

    def _stored_as(self, name: str, dtype: dtypes.DType) -> Any:
        """What the elements of a value are in the file."""
        if dtype is dtypes.bfloat16:  # the upper half of a float32
            return np.dtype(np.uint16)
        if not dtype.is_numpy_compatible:
            raise errors.UnimplementedError(
                None, None, f"{name!r} in {self.prefix} is of dtype {dtype.name}, which numpy lacks"
            )
        return np.dtype(dtype.as_numpy_dtype)

    def _strings(self, name: str, entry: Any, shape: tuple[int, ...]) -> Any:
        octets = np.empty(entry.size, np.uint8)
        self._read_exactly(name, entry, octets, 0)
        data = octets.tobytes()
        try:
            count = int(np.prod(shape, dtype=np.int64))
            self._compare(name, entry, crc_of_strings(data, count))
            return strings(data, shape)
        except ValueError as error:
            raise damaged(self._path_of(entry), f"{name!r}: {error}") from None

    def _mapped(self, entry: Any) -> Any:
        """The pages of the file that hold a value."""
        start = entry.offset // mmap.ALLOCATIONGRANULARITY * mmap.ALLOCATIONGRANULARITY
        before = entry.offset - start
        pages = mmap.mmap(self._file(entry), before + entry.size, prot=mmap.PROT_READ, offset=start)
        return np.frombuffer(pages, np.uint8, entry.size, before)

    # ---- checking

    def verify(self, name: str) -> None:
        """Checks all of a tensor, whatever its dtype.

        Raises:
          OpError: as `read` does.
        """
        try:
            self.read(name)
        except errors.UnimplementedError:
            for _, entry in self._stored(name):
                self.check(name, entry)

    def check(self, name: str, entry: Any, progress: Progress | None = None) -> None:
        """Reads the bytes of an entry, and compares their checksum with what it should be.

        Several threads read, each into a buffer of its own.
        """
        sizes = [min(_BLOCK, entry.size - start) for start in range(0, entry.size, _BLOCK)]
        parts, buffers = [0] * len(sizes), deque[Any]()
        self._file(entry)  # opened by one thread

        def block(index: int) -> None:
            try:
                buffer = buffers.pop()
            except IndexError:
                buffer = np.empty(_BLOCK, np.uint8)
            chunk = buffer[: sizes[index]]
            self._read_exactly(name, entry, chunk, index * _BLOCK)
            parts[index] = crc32c(chunk)
            buffers.append(buffer)
            if progress is not None:
                progress.add(len(chunk))

        parallel_for(len(sizes), block)
        crc = 0
        for part, size in zip(parts, sizes, strict=True):
            crc = joined(crc, part, size)
        self._compare(name, entry, crc)

    def _compare(self, name: str, entry: Any, crc: int) -> None:
        if mask(crc) != entry.crc32c:
            raise damaged(
                self._path_of(entry),
                f"checksum does not match for {name!r} (bytes {entry.offset} to "
                f"{entry.offset + entry.size}): stored {entry.crc32c:#010x}, computed "
                f"{mask(crc):#010x}",
            )

    def _read_exactly(self, name: str, entry: Any, octets: Any, start: int) -> None:
        """Fills an array with an entry's bytes from a place on."""
        file, left = self._file(entry), memoryview(octets)
        at = entry.offset + start
        while left:
            with as_tensorflow_errors(self._path_of(entry)):
                count = os.preadv(file, [left], at)
            if not count:
                raise errors.OutOfRangeError(
                    None,
                    None,
                    f"{self._path_of(entry)}: the file is cut off at byte {at}, in the value of "
                    f"{name!r} (bytes {entry.offset} to {entry.offset + entry.size})",
                )
            left, at = left[count:], at + count

    def _path_of(self, entry: Any) -> str:
        return self._path(data_name(self.prefix, entry.shard_id, self.shards))

    def _file(self, entry: Any) -> int:
        """The open file that holds an entry's bytes."""
        file = self._files.get(entry.shard_id)
        if file is None:
            path = self._path_of(entry)
            with as_tensorflow_errors(path):
                file = self._files[entry.shard_id] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        return file


def _widened(halves: Any) -> Any:
    """Numbers in bfloat16 as the same ones in float32."""
    value = (halves.astype(np.uint32) << 16).view(np.float32)
    value.flags.writeable = False
    return value


def _shape(entry: Any) -> tuple[int, ...]:
    return tuple(dim.size for dim in entry.shape.dim)
