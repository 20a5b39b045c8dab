"""With this module one can turn arrays into the bytes of a checkpoint, and back.

Numbers are their bytes in memory, in C order, the lowest byte first. Texts are

    length (a varint) of each;  checksum of the lengths;  the texts, one after another

where checksums take the lengths as 4 bytes each (8, for a text of 4 GB or more).

>>> import numpy as np
>>> written = b"".join(piece for piece, _ in pieces(np.array([b"ab", b"c"], object)))
>>> strings(written, (2,))
array([b'ab', b'c'], dtype=object)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minitf.checkpoint.coding import fixed32, mask, read_varint, varint
from minitf.checkpoint.files import CHUNK
from minitf.kernels.crc32c import crc32c

# What is written, and what the checksum is computed of: nearly always the same.
Piece = tuple[Any, Any]


def pieces(value: Any) -> Iterator[Piece]:
    """The bytes of an array, some megabytes at a time, each with what its checksum is made of."""
    if value.dtype == object:
        yield from _pieces_of_strings([_as_bytes(text) for text in value.reshape(-1).tolist()])
        return
    octets: Any = np.ascontiguousarray(value).reshape(-1).view(np.uint8)
    octets = memoryview(octets)
    for start in range(0, len(octets), CHUNK):
        chunk = octets[start : start + CHUNK]
        yield chunk, chunk


def _as_bytes(text: Any) -> bytes:
    return text if isinstance(text, bytes) else str(text).encode()


def _pieces_of_strings(texts: list[bytes]) -> Iterator[Piece]:
    lengths = b"".join(map(_summed_length, map(len, texts)))
    yield b"".join(varint(len(text)) for text in texts), lengths
    checksum = fixed32(mask(crc32c(lengths)))
    yield checksum, checksum
    for text in texts:
        yield text, text


def _summed_length(length: int) -> bytes:
    return length.to_bytes(4 if length < 1 << 32 else 8, "little")


def crc_of_strings(data: bytes, count: int) -> int:
    """The checksum of so many texts as they were written.

    Raises:
      ValueError: if the bytes cannot be so many texts.
    """
    lengths, at = _lengths(data, count)
    summed = b"".join(map(_summed_length, lengths))
    return crc32c(memoryview(data)[at:], crc32c(summed))


def strings(data: bytes, shape: tuple[int, ...]) -> Any:
    """The array of texts that was written as these bytes.

    Raises:
      ValueError: if they are no texts.
    """
    count = int(np.prod(shape, dtype=np.int64))
    lengths, at = _lengths(data, count)
    summed = b"".join(map(_summed_length, lengths))
    if data[at : at + 4] != fixed32(mask(crc32c(summed))):
        raise ValueError("checksum does not match for the lengths of texts")
    at += 4
    if at + sum(lengths) != len(data):
        raise ValueError("texts have other bytes than their lengths say")
    array = np.empty(count, object)
    for i, length in enumerate(lengths):
        array[i] = bytes(data[at : at + length])
        at += length
    return array.reshape(shape)


def _lengths(data: bytes, count: int) -> tuple[list[int], int]:
    lengths, at = [], 0
    for _ in range(count):
        length, at = read_varint(data, at)
        lengths.append(length)
    return lengths, at
