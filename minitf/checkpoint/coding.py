"""With this module one can write numbers as checkpoints do: in as few bytes as they need.

A *varint* has 7 bits of a number in each byte, the lowest first, and the top bit of a byte says
that more follow. Checksums are *masked*, since the checksum of bytes that hold their own checksum
tells little.

>>> varint(300)
b'\\xac\\x02'
>>> read_varint(b"\\xac\\x02", 0)
(300, 2)
>>> unmask(mask(12345))
12345
"""

from __future__ import annotations

import re

_MASK_DELTA = 0xA282EAD8
_32_BITS = 0xFFFFFFFF


def varint(number: int) -> bytes:
    """A number, not negative, as a varint."""
    written = bytearray()
    while number > 127:
        written.append(number & 127 | 128)
        number >>= 7
    written.append(number)
    return bytes(written)


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The varint at a place, and the place behind it.

    Raises:
      ValueError: if the bytes end before it does, or it is longer than any number needs.
    """
    number = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise ValueError("a number is cut off")
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
    raise ValueError("a number has more than 10 bytes")


def fixed32(number: int) -> bytes:
    """A number in 4 bytes, the lowest first."""
    return number.to_bytes(4, "little")


def mask(crc: int) -> int:
    """The form in which a checksum is written."""
    turned = (crc >> 15 | crc << 17) & _32_BITS
    return (turned + _MASK_DELTA) & _32_BITS


def unmask(masked: int) -> int:
    """The checksum of which this is the written form."""
    turned = (masked - _MASK_DELTA) & _32_BITS
    return (turned >> 17 | turned << 15) & _32_BITS


# ---- ordered code: written this way, texts and numbers sort as bytes as they do themselves


def ordered_text(text: bytes) -> bytes:
    """A text, so that none of the texts written this way begins with another."""
    return re.sub(rb"[\0\xff]", _escaped, text) + b"\0\1"


def _escaped(found: re.Match[bytes]) -> bytes:
    return b"\0\xff" if found[0] == b"\0" else b"\xff\0"


def ordered_count(number: int) -> bytes:
    """A number, not negative: how many bytes, then these, the highest first."""
    size = (number.bit_length() + 7) // 8
    return bytes([size]) + number.to_bytes(size, "big")


def ordered_number(number: int) -> bytes:
    """A number of either sign.

    So many leading bits as there are bytes are 1 for a positive number (and 0 for a negative one),
    the next one is the other; what is left holds the number, 7 bits to a byte less the sign.
    """
    size = 1
    while not -(1 << 7 * size - 1) <= number < 1 << 7 * size - 1:
        size += 1
    bits = 8 * size
    header = ((1 << size) - 1) << (bits - size)
    return ((number & ((1 << bits) - 1)) ^ header).to_bytes(size, "big")
