"""Bytes come out of a stream as they went in, by the deadline, however they are cut on the way."""

from __future__ import annotations

import threading
import time

import pytest

from minitf.distributed.wire import stream as stream_lib
from minitf.distributed.wire.stream import Broken, Stream, TooLate
from tests.distributed.wire.test_frame import Pipe, soon


def bytes_of(length: int, seed: int = 0) -> bytes:
    return bytes((seed + 7 * number) % 251 for number in range(length))


def taken(stream: Stream, *lengths: int) -> bytes:
    """So many bytes, first what is there of the first ones, as a frame is read."""
    room = [bytearray(length) for length in lengths]
    count = stream.receive_some(memoryview(room[0]), soon())
    left = [memoryview(room[0])[count:], *map(memoryview, room[1:])]
    stream.receive([buffer for buffer in left if buffer], soon())
    return b"".join(room)


@pytest.mark.parametrize("length", [1, 50, stream_lib._AHEAD - 1, stream_lib._AHEAD + 100, 20_000])
def test_what_was_read_ahead_comes_next(length: int) -> None:
    content = bytes_of(3 * length + 8)
    with Pipe() as (one, two):
        sender = threading.Thread(target=one.send, args=([memoryview(content)], soon()))
        sender.start()
        parts = [taken(two, 1, length, 3), taken(two, length), taken(two, 4, length)]
        sender.join(20)
        assert b"".join(parts) == content
        assert two.is_quiet()


def test_a_connection_with_bytes_read_ahead_is_not_quiet() -> None:
    with Pipe() as (one, two):
        one.send([memoryview(b"abc")], soon())
        assert taken(two, 2) == b"ab"
        assert not two.is_quiet()
        assert taken(two, 1) == b"c"
        assert two.is_quiet()
        one.close()
        assert not two.is_quiet()


@pytest.mark.parametrize("comes_soon", [False, True])
def test_who_looks_out_waits_no_longer_and_gets_the_same(comes_soon: bool) -> None:
    with Pipe() as (one, two):
        two._comes_soon = comes_soon
        with pytest.raises(TooLate):
            two.receive([memoryview(bytearray(1))], time.monotonic() + 0.05)
        two._comes_soon = comes_soon
        timer = threading.Timer(0.02, one.send, [[memoryview(b"late")], soon()])
        timer.start()
        assert taken(two, 4) == b"late"
        two._comes_soon = comes_soon
        timer.join(20)
        one.shut()
        with pytest.raises(Broken):
            taken(two, 1)
        assert not stream_lib._LOOKOUT.locked()


def test_one_thread_at_a_time_looks_out() -> None:
    with Pipe() as (one, two), stream_lib._LOOKOUT:
        two._look_out(soon())  # or it would wait for bytes
        two._comes_soon = True
        one.send([memoryview(b"x")], soon())
        assert taken(two, 1) == b"x"


def test_a_deadline_counts_although_bytes_are_there() -> None:
    with Pipe() as (one, two):
        one.send([memoryview(b"x")], soon())
        with pytest.raises(TooLate):
            two.receive([memoryview(bytearray(1))], time.monotonic() - 1)
        with pytest.raises(TooLate):
            two.send([memoryview(b"y")], time.monotonic() - 1)


def test_nobody_takes_what_is_sent() -> None:
    content = memoryview(bytes(1 << 24))
    with Pipe() as (one, two):
        with pytest.raises(TooLate):
            one.send([content], time.monotonic() + 0.05)
        timer = threading.Timer(0.02, two.shut)
        timer.start()
        with pytest.raises(Broken):
            one.send([content], soon())
        timer.join(20)
