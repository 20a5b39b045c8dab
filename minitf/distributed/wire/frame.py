"""With this module one can send and receive frames, which is all that two processes exchange.

A frame is 36 bytes of prefix, a header and a payload. Numbers are little-endian.

    bytes   what
    0-3     magic: 6d 54 46 0a, "mTF" and a line feed
    4       version of the format: 1
    5       kind of frame, see `Kind`
    6-7     flags, see `RETRY` and `CHECKED`; the others are 0
    8-11    length of the header
    12-15   CRC-32C of the payload, where the flags have CHECKED; otherwise 0
    16-23   length of the payload
    24-31   number of the request that this is or answers; 0 in a handshake
    32-35   CRC-32 of the bytes 0-31 and the header
    36-     the header: a JSON object, in UTF-8
    then    the payload: the bytes of the tensors that the header lists, see `codec`

A receiver compares both lengths with its limits before it takes memory for them, and the checksum
before it looks into the header. The first checksum is the one that Python's zlib computes, 0.3 µs
for a header; of a payload the processor computes CRC-32C ten times as fast, once a kernel for it
has been compiled.
"""

from __future__ import annotations

import enum
import json
import struct
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from minitf.distributed.wire import codec
from minitf.distributed.wire.codec import Array, BadFrame
from minitf.distributed.wire.interface import Header, Limits, Place
from minitf.distributed.wire.stream import FOREVER, Stream
from minitf.framework import errors
from minitf.kernels.crc32c import crc32c

MAGIC = b"mTF\n"
VERSION = 1
PREFIX = struct.Struct("<4sBBHIIQQI")
_COVERED = PREFIX.size - 4  # the bytes of the prefix that its checksum covers

_JSON = json.JSONEncoder(separators=(",", ":"))
_FROM_JSON = json.JSONDecoder()

RETRY = 1  # this request may have been sent before
CHECKED = 2  # the payload has a checksum


class Kind(enum.IntEnum):
    """What a frame is for; `handshake` has the first four."""

    HELLO = 1
    CHALLENGE = 2
    PROOF = 3
    WELCOME = 4
    REQUEST = 5
    REPLY = 6
    ERROR = 7
    BYE = 8  # the channel is closed: forget its calls


_KINDS = {int(kind): kind for kind in Kind}


@dataclass(slots=True)
class Frame:
    """One frame, received.

    Attributes:
      header: what the sender said, without the list of tensors.
      refused: what `place` raised when asked where the tensors should go.
    """

    kind: Kind
    request: int
    flags: int
    header: Header
    tensors: list[Array] = field(default_factory=list)
    refused: errors.OpError | None = None


def send(
    stream: Stream,
    kind: Kind,
    header: Header,
    tensors: Sequence[Array] = (),
    *,
    request: int = 0,
    flags: int = 0,
    until: float = FOREVER,
) -> None:
    """Sends a frame.

    Raises:
      Broken, TooLate: as `Stream.send`.
      TypeError, ValueError: if the header is not JSON, or tensors of such a dtype do not travel.
    """
    stream.send(encode(kind, header, tensors, request=request, flags=flags), until)


def encode(
    kind: Kind,
    header: Header,
    tensors: Sequence[Array] = (),
    *,
    request: int = 0,
    flags: int = 0,
) -> list[memoryview]:
    """The bytes of a frame; those of tensors are where they were."""
    entries: list[Any] = []
    payload: list[memoryview] = []
    for tensor in tensors:
        entry, buffers = codec.describe(tensor)
        entries.append(entry)
        payload += buffers
    if entries:
        header = {**header, "tensors": entries}
    text = _JSON.encode(header).encode()
    check = _checksum(payload) if flags & CHECKED else 0
    length = sum(map(len, payload))
    start = PREFIX.pack(MAGIC, VERSION, kind, flags, len(text), check, length, request, 0)
    start = start[:_COVERED]
    crc = zlib.crc32(text, zlib.crc32(start))
    return [memoryview(start + crc.to_bytes(4, "little") + text), *payload]


def check_limits(buffers: Sequence[memoryview], limits: Limits, method: str) -> None:
    """Refuses a frame that no receiver with these limits would take.

    Raises:
      InvalidArgumentError: if header or payload are too long.
    """
    header, payload = len(buffers[0]) - PREFIX.size, sum(map(len, buffers[1:]))
    if header > limits.header_bytes or payload > limits.payload_bytes:
        raise errors.InvalidArgumentError(
            None,
            None,
            errors.report(
                f"A call of {method!r} has a header of {header} bytes and {payload} bytes of "
                f"tensors; the limits are {limits.header_bytes} and {limits.payload_bytes}.",
                do="send less at a time, or raise the limits on both sides.",
            ),
        )


def receive(
    stream: Stream,
    limits: Limits,
    *,
    until: float = FOREVER,
    latest: float = FOREVER,
    place: Callable[[Kind, int, Header], Place | None] | None = None,
    greeting: bool = False,
) -> Frame:
    """Receives a frame.

    Args:
      stream: where from.
      limits: how long it may be; and how long it may take, once its first byte is there.
      until: when to stop waiting for its first byte.
      latest: when to stop waiting for its last one.
      place: gives the place for the tensors, from what is known of the frame before they come.
      greeting: whether it is from one who has not proved yet who he is: then `until` is for all of
        it, and it must be short, and have no tensors.

    Raises:
      BadFrame: if what comes is not a frame, or too long.
      Broken, TooLate: as `Stream.receive`.
    """
    prefix = bytearray(PREFIX.size)
    view = memoryview(prefix)
    count = stream.receive_some(view, until)
    latest = min(latest, until) if greeting else latest
    end = min(latest, time.monotonic() + limits.stall_seconds)
    if count < len(prefix):
        if not MAGIC.startswith(bytes(prefix[: min(count, 4)])):
            raise BadFrame(f"it does not begin like a frame but with {bytes(prefix[:count])!r}")
        stream.receive([view[count:]], end)
    kind, flags, length, check, payload, request, crc = _read_prefix(prefix, limits, greeting)
    text = bytearray(length)
    if length:
        stream.receive([memoryview(text)], end)
    if zlib.crc32(text, zlib.crc32(view[:_COVERED])) != crc:
        raise BadFrame("its header was damaged on the way: the checksum differs")
    header = _read_header(text)
    specs = codec.read_specs(header.pop("tensors", []), payload, limits)
    if not specs:
        return Frame(kind, request, flags, header)
    arrays, refused = _ask(place and place(kind, request, header), header, specs)
    buffers = codec.buffers_of(arrays)
    stream.receive(buffers, min(latest, end + payload / limits.slowest_bytes_per_second))
    if flags & CHECKED and _checksum(buffers) != check:
        raise BadFrame("its tensors were damaged on the way: the checksum differs")
    return Frame(kind, request, flags, header, codec.finish(specs, arrays), refused)


def _read_prefix(
    prefix: bytearray, limits: Limits, greeting: bool
) -> tuple[Kind, int, int, int, int, int, int]:
    """Kind, flags, length of header, checksum and length of payload, request, checksum."""
    magic, version, kind, flags, length, check, payload, request, crc = PREFIX.unpack(prefix)
    if magic != MAGIC:
        raise BadFrame(f"it does not begin like a frame but with {bytes(prefix[:16])!r}")
    if version != VERSION:
        raise BadFrame(f"it has version {version} of the format, and this is version {VERSION}")
    known = _KINDS.get(kind)
    if known is None or flags & ~(RETRY | CHECKED):
        raise BadFrame(f"there is no kind {kind} of frame with flags {flags:#x}")
    longest = limits.greeting_bytes if greeting else limits.header_bytes
    if length > longest:
        raise BadFrame(f"its header of {length} bytes is longer than the limit, {longest}")
    longest = 0 if greeting else limits.payload_bytes
    if payload > longest:
        raise BadFrame(f"its payload of {payload} bytes is longer than the limit, {longest}")
    return known, flags, length, check, payload, request, crc


def _read_header(text: bytearray) -> Header:
    try:
        header = _FROM_JSON.decode(text.decode())
    except (ValueError, RecursionError) as error:
        raise BadFrame(f"its header is not JSON: {error!s:.80}") from None
    if not isinstance(header, dict):
        raise BadFrame("its header is not a JSON object")
    return header


def _ask(
    place: Place | None, header: Header, specs: Sequence[codec.Spec]
) -> tuple[list[Array], errors.OpError | None]:
    """Where the tensors go. A refusal must wait until they have been received, and are away."""
    if place is None:
        return codec.room_for(specs, ()), None
    refused: errors.OpError
    try:
        given = place(header, [(spec.dtype, spec.shape) for spec in specs])
        return codec.room_for(specs, given), None
    except errors.OpError as error:
        refused = error
    except ValueError as error:
        refused = errors.InternalError(None, None, f"Tensors have no place to go: {error}.")
    return codec.room_for(specs, ()), refused


def _checksum(buffers: Sequence[memoryview]) -> int:
    crc = 0
    for buffer in buffers:
        crc = crc32c(buffer, crc)
    return crc
