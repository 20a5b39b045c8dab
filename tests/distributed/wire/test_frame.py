"""A frame comes out as it went in, and nothing else than a frame comes out."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minitf.distributed.wire import Limits, codec, frame
from minitf.distributed.wire.codec import BadFrame
from minitf.distributed.wire.frame import Kind
from minitf.distributed.wire.stream import Broken, Stream, TooLate

DTYPES = sorted(name for name in codec._DTYPES if name != "string")
SECONDS = 20.0


def soon() -> float:
    return time.monotonic() + SECONDS


class Pipe:
    """Two connected streams."""

    def __enter__(self) -> tuple[Stream, Stream]:
        one, two = socket.socketpair()
        self.streams = Stream(one), Stream(two)
        return self.streams

    def __exit__(self, *_: object) -> None:
        for stream in self.streams:
            stream.close()


def travel(tensors: list[Any], header: dict[str, Any] | None = None, **how: Any) -> frame.Frame:
    """What comes out at the other end; the two ends work at once, as a frame may be long."""
    with Pipe() as (one, two):
        sender = threading.Thread(
            target=frame.send,
            args=(one, Kind.REQUEST, header or {}, tensors),
            kwargs={"until": soon(), **how},
        )
        sender.start()
        try:
            return frame.receive(two, Limits(), until=soon())
        finally:
            sender.join(SECONDS)


def receive_bytes(content: bytes, limits: Limits | None = None, **how: Any) -> frame.Frame:
    with Pipe() as (one, two):
        one.send([memoryview(content)], soon())
        one.socket.shutdown(socket.SHUT_WR)
        return frame.receive(two, limits or Limits(), until=soon(), **how)


def content_of(header: dict[str, Any], tensors: list[Any] = [], **how: Any) -> bytes:  # noqa: B006
    return b"".join(frame.encode(Kind.REQUEST, header, tensors, **how))


def same(left: Any, right: Any) -> None:
    assert left.dtype == right.dtype
    np.testing.assert_array_equal(left, right, strict=True)


# ---- there and back


@pytest.mark.parametrize("dtype", DTYPES)
@given(data=st.data())
def test_numbers_arrive_bit_by_bit(dtype: str, data: st.DataObject) -> None:
    shapes = hnp.array_shapes(min_dims=0, min_side=0)
    array = data.draw(hnp.arrays(codec._DTYPES[dtype], shapes))
    (got,) = travel([array]).tensors
    assert got.dtype == array.dtype and got.shape == array.shape
    assert got.tobytes() == array.tobytes()


@given(texts=st.lists(st.binary(max_size=20), max_size=12))
def test_strings_arrive(texts: list[bytes]) -> None:
    array = np.array(texts, object).reshape(-1, 1)
    (got,) = travel([array]).tensors
    assert got.shape == array.shape and got.tolist() == array.tolist()


def test_all_kinds_of_arrays_arrive_together() -> None:
    tensors = [
        np.array(3.5),
        np.zeros([0, 4], np.float16),
        np.arange(12).reshape(3, 4).T,  # not contiguous
        np.arange(4, dtype=">i4"),  # the other byte order
        np.array(["ä", b"\xff"], object),
        np.array(["text"]),
        np.ones([1, 1, 5], np.complex64)[..., ::2],
        np.float32(7),
    ]
    got = travel(tensors, {"k": ["ü", None, 1.5]}, flags=frame.CHECKED, request=2**63)
    assert (got.header, got.request) == ({"k": ["ü", None, 1.5]}, 2**63)
    assert got.tensors[4].tolist() == ["ä".encode(), b"\xff"]
    assert got.tensors[5].tolist() == [b"text"]
    for index in (0, 1, 2, 3, 6, 7):
        np.testing.assert_array_equal(got.tensors[index], tensors[index])
        assert got.tensors[index].flags.writeable


def test_more_arrays_than_the_system_takes_at_once() -> None:
    tensors = [np.full(3, index) for index in range(3000)]
    got = travel(tensors).tensors
    assert [array[2] for array in got] == list(range(3000))


def test_an_array_of_objects_does_not_travel() -> None:
    with pytest.raises(TypeError, match="strings holds dict"):
        content_of({}, [np.array([{}], object)])
    with pytest.raises(TypeError):
        content_of({}, [np.array(["2020-01-01"], "datetime64[D]")])


def test_tensors_are_received_into_place() -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    target = np.zeros_like(array)
    asked = []

    def place(header: Any, specs: Any) -> list[Any]:
        asked.append((header, list(specs)))
        return [target]

    content = content_of({"to": "w"}, [array, np.array([1])])
    got = receive_bytes(content, place=lambda kind, request, header: place)
    assert got.tensors[0] is target and got.tensors[1].tolist() == [1]
    same(target, array)
    assert asked == [({"to": "w"}, [(np.float32, (2, 3)), (np.int64, (1,))])]


@pytest.mark.parametrize(
    "wrong", [np.zeros([3, 2], np.float32), np.zeros([2, 3]), np.zeros([3, 2], np.float32).T]
)
def test_a_place_that_does_not_fit_is_refused(wrong: Any) -> None:
    content = content_of({}, [np.zeros([2, 3], np.float32)])
    got = receive_bytes(content, place=lambda kind, request, header: lambda header, specs: [wrong])
    assert "no place to go" in str(got.refused)
    assert got.tensors[0] is not wrong and got.tensors[0].shape == (2, 3)


def test_a_bool_is_0_or_1() -> None:
    content = bytearray(content_of({}, [np.array([True, False, True])]))
    content[-3:] = b"\x02\x00\xff"
    (got,) = receive_bytes(bytes(content)).tensors
    assert got.view(np.uint8).tolist() == [1, 0, 1]


# ---- what is no frame


def with_prefix(header: bytes = b"{}", content: bytes = b"", **fields: int) -> bytes:
    """A frame whose checksum is right, whatever its fields say."""
    values: dict[str, Any] = {
        **{"magic": frame.MAGIC, "version": 1, "kind": 5, "flags": 0, "length": len(header)},
        **{"check": 0, "payload": len(content), "request": 1},
        **fields,
    }
    start = struct.pack("<4sBBHIIQQ", *values.values())
    return start + struct.pack("<I", zlib.crc32(header, zlib.crc32(start))) + header + content


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" + 20 * b" ", "does not begin like a frame"),
        (b"GET /", "does not begin like a frame"),
        (with_prefix(version=2), "version 2"),
        (with_prefix(kind=0), "no kind 0"),
        (with_prefix(kind=99), "no kind 99"),
        (with_prefix(flags=4), "flags 0x4"),
        (with_prefix(length=2**32 - 1), "header of 4294967295 bytes"),
        (with_prefix(payload=2**63), f"payload of {2**63} bytes"),
        (with_prefix(payload=2**64 - 1), f"payload of {2**64 - 1} bytes"),
        (with_prefix()[:-1] + b"]", "header was damaged"),
        (with_prefix(b"[]"), "not a JSON object"),
        (with_prefix(b"{"), "not JSON"),
        (with_prefix(b"\xff\xfe"), "not JSON"),
        (with_prefix(b'{"a":' + 100_000 * b"["), "not JSON"),
        (with_prefix(b'{"a":' + 10_000 * b"9" + b"}"), "not JSON"),
        (with_prefix(content=b"x"), "0 bytes, and its payload 1"),
    ],
)
def test_what_is_no_frame(content: bytes, problem: str) -> None:
    with pytest.raises(BadFrame, match=problem):
        receive_bytes(content)


@pytest.mark.parametrize(
    ("entries", "size"),
    [
        ("float32", 0),
        ([["float32", [1], 4]] * 11, 44),
        ([[]], 0),
        ([["float32", [1]]], 4),
        ([[["float32"], [1], 4]], 4),
        ([["float33", [1], 4]], 4),
        ([["resource", [1], 4]], 4),
        ([["float32", 1, 4]], 4),
        ([["float32", [-1], -4], ["float32", [1], 4]], 0),
        ([["float32", [-1, -1], 4]], 4),
        ([["float32", [1.0], 4]], 4),
        ([["float32", [True], 4]], 4),
        ([["float32", ["1"], 4]], 4),
        ([["float32", [2], 4]], 4),
        ([["float32", [1 << 70], 4]], 4),
        ([["float32", [1 << 40, 1 << 40, 0], 0]], 0),
        ([["float32", [1] * 33, 4]], 4),
        ([["float32", [0] * 40, 0]], 0),
        ([["string", [1], 4]], 4),
        ([["string", [1 << 50], 16]], 16),
        ([["string", [2], 16]], 17),
        ([["string", [1], 9]], 9),  # the length in it says more than there is
        ([["string", [1 << 61, 0], 0]], 0),
    ],
)
def test_what_is_no_list_of_tensors(entries: Any, size: int) -> None:
    header = json.dumps({"tensors": entries}).encode()
    with pytest.raises(BadFrame):
        receive_bytes(with_prefix(header, size * b"\x07"), Limits(tensors=10))


def test_a_frame_that_breaks_off() -> None:
    content = content_of({"a": 1}, [np.arange(100)])
    for end in (0, 1, 4, 35, 36, 40, len(content) - 1):
        with pytest.raises(Broken):
            receive_bytes(content[:end])


def test_any_flipped_bit_is_noticed() -> None:
    content = content_of({"a": 1}, [np.arange(3, dtype=np.int32)], flags=frame.CHECKED)
    for position in range(8 * len(content)):
        damaged = bytearray(content)
        damaged[position // 8] ^= 1 << position % 8
        with pytest.raises((BadFrame, Broken)):
            receive_bytes(bytes(damaged))


def test_no_memory_is_taken_for_what_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    header = json.dumps({"tensors": [["uint8", [1 << 40], 1 << 40]]}).encode()
    monkeypatch.setattr(codec.np, "empty", lambda *_: pytest.fail("memory was taken"))
    with pytest.raises(BadFrame, match="longer than the limit"):
        receive_bytes(with_prefix(header, payload=1 << 40))


def test_one_who_has_not_proved_himself_is_kept_short() -> None:
    with pytest.raises(BadFrame, match="longer than the limit, 4096"):
        receive_bytes(content_of({"a": 5000 * "x"}), greeting=True)
    with pytest.raises(BadFrame, match="longer than the limit, 0"):
        receive_bytes(content_of({}, [np.arange(3)]), greeting=True)


# ---- deadlines


def test_waiting_ends() -> None:
    with Pipe() as (_, two), pytest.raises(TooLate):
        frame.receive(two, Limits(), until=time.monotonic() + 0.05)


def test_a_frame_that_has_begun_must_go_on() -> None:
    content = content_of({"a": 1}, [np.arange(100)])
    quick = Limits(stall_seconds=0.05, slowest_bytes_per_second=1e6)
    for sent in (1, 40, len(content) - 1):
        with Pipe() as (one, two), pytest.raises(TooLate):
            one.send([memoryview(content[:sent])], soon())
            frame.receive(two, quick)


def test_sending_ends() -> None:
    with Pipe() as (one, _), pytest.raises(TooLate):
        frame.send(one, Kind.REPLY, {}, [np.zeros(1 << 24)], until=time.monotonic() + 0.1)


def test_sending_to_nobody() -> None:
    with Pipe() as (one, two), pytest.raises(Broken):
        two.close()
        frame.send(one, Kind.REPLY, {}, [np.zeros(1 << 20)], until=soon())
