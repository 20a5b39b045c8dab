"""With this module one can keep sorted keys and values in a file, and notice any damage to it.

The format is that of LevelDB's tables, of which checkpoints use the uncompressed part:

    file   := block* metaindex index footer
    block  := entry* restart* count | kind checksum
    entry  := shared  unshared  size  key[shared:]  value

A key is written without the beginning that it shares with the one before, except for every 16th
(those are the *restarts*, whose places stand at the end of the block). `kind` is 0, for not
compressed, and the masked CRC-32C is that of the block and the kind. The index has an entry for
each block: a key that is not less than its last, and its place. The metaindex is empty. The footer
has the places of both, zeros up to 40 bytes, and a number that no other kind of file ends with.

>>> data = table([(b"a", b"1"), (b"ab", b"2")])
>>> list(entries(data, "example"))
[(b'a', b'1'), (b'ab', b'2')]
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from minitf.checkpoint.coding import fixed32, mask, read_varint, varint
from minitf.framework import errors
from minitf.kernels.crc32c import crc32c

_MAGIC = bytes.fromhex("57fb808b247547db")
_FOOTER = 48
_TRAILER = 5  # kind and checksum, behind a block
_RESTART_INTERVAL = 16
# A block ends when it has so many bytes.
_BLOCK_SIZE = 262144


class _Block:
    """A block that is being written."""

    def __init__(self, interval: int) -> None:
        self._interval = interval
        self._buffer = bytearray()
        self._restarts = [0]
        self._since_restart = 0
        self.last = b""

    def add(self, key: bytes, value: bytes) -> None:
        shared = 0
        if self._since_restart < self._interval:
            shared = _shared(self.last, key)
        else:
            self._restarts.append(len(self._buffer))
            self._since_restart = 0
        self._since_restart += 1
        unshared = key[shared:]
        self._buffer += varint(shared) + varint(len(unshared)) + varint(len(value))
        self._buffer += unshared + value
        self.last = key

    def size(self) -> int:
        """How many bytes it would have if it ended now."""
        return len(self._buffer) + 4 * len(self._restarts) + 4

    def empty(self) -> bool:
        return not self._buffer

    def finish(self) -> bytes:
        restarts = b"".join(map(fixed32, self._restarts))
        return bytes(self._buffer) + restarts + fixed32(len(self._restarts))


def _shared(a: bytes, b: bytes) -> int:
    """How many bytes two keys begin with in common."""
    least = min(len(a), len(b))
    for i in range(least):
        if a[i] != b[i]:
            return i
    return least


def _separator(last: bytes, following: bytes) -> bytes:
    """A short key from `last` on and before `following`."""
    at = _shared(last, following)
    if at < min(len(last), len(following)) and last[at] < 0xFF and last[at] + 1 < following[at]:
        return last[:at] + bytes([last[at] + 1])
    return last


def _successor(last: bytes) -> bytes:
    """A short key that is not before `last`."""
    for at, byte in enumerate(last):
        if byte != 0xFF:
            return last[:at] + bytes([byte + 1])
    return last


def table(items: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The content of a table's file.

    Args:
      items: keys, each greater than the one before, and values.
    """
    file = bytearray()
    index = _Block(1)
    block = _Block(_RESTART_INTERVAL)
    pending: tuple[bytes, bytes] | None = None  # the last key and the place of a finished block
    for key, value in items:
        if not block.empty() and len(key) + len(value) >= 2 * _BLOCK_SIZE:
            pending = block.last, _append(file, block.finish())
            block = _Block(_RESTART_INTERVAL)
        if pending is not None:
            index.add(_separator(pending[0], key), pending[1])
            pending = None
        block.add(key, value)
        if block.size() >= _BLOCK_SIZE:
            pending = key, _append(file, block.finish())
            block = _Block(_RESTART_INTERVAL)
    if not block.empty():
        pending = block.last, _append(file, block.finish())
    metaindex_place = _append(file, _Block(_RESTART_INTERVAL).finish())
    if pending is not None:
        index.add(_successor(pending[0]), pending[1])
    index_place = _append(file, index.finish())
    return bytes(file) + _footer(metaindex_place, index_place)


def _append(file: bytearray, block: bytes) -> bytes:
    """Puts a block behind the others; returns its place, as it is written."""
    place = varint(len(file)) + varint(len(block))
    kind = b"\0"
    file += block + kind + fixed32(mask(crc32c(block + kind)))
    return place


def _footer(metaindex: bytes, index: bytes) -> bytes:
    return (metaindex + index).ljust(_FOOTER - len(_MAGIC), b"\0") + _MAGIC


# ---- reading


class _Place(NamedTuple):
    """Where a block is: its offset and its size without what stands behind it."""

    offset: int
    size: int

    @property
    def end(self) -> int:
        return self.offset + self.size + _TRAILER


def entries(data: bytes, path: str) -> Iterator[tuple[bytes, bytes]]:
    """The keys and values of a table.

    All of the file counts: blocks must follow one another without gaps, and bytes that mean
    nothing must be what they were written as. So no bit can be turned over without notice.

    Args:
      data: the content of the file.
      path: its name, for messages.

    Raises:
      DataLossError: if anything is not as it was written.
      OutOfRangeError: if its index is said to be outside of it.
      UnimplementedError: if a block is compressed.
    """
    try:
        yield from _entries(data, path)
    except (ValueError, IndexError) as error:
        raise damaged(path, str(error)) from None


def _entries(data: bytes, path: str) -> Iterator[tuple[bytes, bytes]]:
    if len(data) < _FOOTER:
        raise ValueError(f"the file is cut off: it has {len(data)} bytes, and its end alone 48")
    footer = data[-_FOOTER:]
    if not footer.endswith(_MAGIC):
        raise ValueError("the file is cut off, or is no table: it does not end as one")
    metaindex, at = _place(footer, 0)
    index, at = _place(footer, at)
    if index.end > len(data):  # TensorFlow's class for this
        raise errors.OutOfRangeError(
            None, None, f"{path}: the index is said to end behind the end of the file"
        )
    if footer != _footer(_written(metaindex), _written(index)):
        raise ValueError("the footer is not as it was written")
    _expect_at(metaindex.end, index.offset, "the index")
    _expect_at(index.end, len(data) - _FOOTER, "the footer")
    if list(_entries_of(_block(data, metaindex, "the metaindex", path))):
        raise ValueError("the metaindex is not empty")
    end = 0
    last: bytes | None = None
    for number, (limit, written) in enumerate(
        _entries_of(_block(data, index, "the index", path)), 1
    ):
        place, length = _place(written, 0)
        if length != len(written):
            raise ValueError(f"the place of block {number} is not as it was written")
        _expect_at(end, place.offset, f"block {number}")
        end = place.end
        for key, value in _entries_of(_block(data, place, f"block {number}", path)):
            if last is not None and key <= last:
                raise ValueError(f"the key {key!r} is not behind the one before it")
            last = key
            yield key, value
        if last is not None and last > limit:
            raise ValueError(f"block {number} has keys that the index puts elsewhere")
    _expect_at(end, metaindex.offset, "the metaindex")


def _expect_at(end: int, offset: int, what: str) -> None:
    if end != offset:
        raise ValueError(f"{what} should be at byte {end}, not {offset}")


def _place(data: bytes, at: int) -> tuple[_Place, int]:
    offset, at = read_varint(data, at)
    size, at = read_varint(data, at)
    return _Place(offset, size), at


def _written(place: _Place) -> bytes:
    return varint(place.offset) + varint(place.size)


def _block(data: bytes, place: _Place, what: str, path: str) -> bytes:
    """A block, once its checksum is right."""
    if place.end > len(data) - _FOOTER:
        raise ValueError(f"{what} is said to end behind the end of the file")
    checked = data[place.offset : place.end - 4]
    stored = int.from_bytes(data[place.end - 4 : place.end], "little")
    computed = mask(crc32c(checked))
    if stored != computed:
        raise ValueError(
            f"checksum does not match in {what} (bytes {place.offset} to {place.end}): stored "
            f"{stored:#010x}, computed {computed:#010x}"
        )
    if checked[-1]:
        raise errors.UnimplementedError(
            None, None, f"{path}: {what} is compressed (kind {checked[-1]}), as checkpoints are not"
        )
    return checked[:-1]


def _entries_of(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    restarts = int.from_bytes(block[-4:], "little")
    end = len(block) - 4 - 4 * restarts
    if end < 0:
        raise ValueError("a block has more restarts than bytes")
    at, key = 0, b""
    while at < end:
        shared, at = read_varint(block, at)
        unshared, at = read_varint(block, at)
        size, at = read_varint(block, at)
        if shared > len(key) or at + unshared + size > end:
            raise ValueError("an entry reaches behind the end of its block")
        key = key[:shared] + block[at : at + unshared]
        at += unshared
        yield key, block[at : at + size]
        at += size


def damaged(path: str, what: str) -> errors.DataLossError:
    """The error for a file that is not as it was written."""
    return errors.DataLossError(
        None,
        None,
        f"{path}: {what}\n  what to do: restore an earlier checkpoint, or a copy of this one; "
        "`minitf checkpoint verify` tells which are whole.",
    )
