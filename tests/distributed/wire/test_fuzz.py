"""Hostile input at the port: the listener answers or closes, stays alive, and keeps nothing.

Each attack is a connection that sends something, looks what comes back, and ends. A little of it
runs every day; `make fuzz` sends more than a hundred thousand (marker `fuzz`). Before and after,
and beside it all, a client of good manners is served.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import random
import socket
import struct
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minitf.distributed.wire import Channel, Limits, Listener, frame
from minitf.distributed.wire.address import Address
from minitf.distributed.wire.codec import BadFrame
from minitf.distributed.wire.frame import Kind
from minitf.distributed.wire.stream import Broken, Stream, TooLate
from minitf.framework import errors

# A thread that dies of a surprise is a failure, even where its connection was closed.
pytestmark = pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")

SECONDS = 60.0
SECRET = b"open sesame"
LIMITS = Limits(
    header_bytes=1 << 16,
    payload_bytes=1 << 20,
    handshake_seconds=2.0,
    stall_seconds=2.0,
    grace_seconds=0.1,
)
GREETING = {"protocol": 1, "client": "stranger", "cluster": "", "task": "", "nonce": 32 * "0"}


def echo(header: Any, tensors: Any, call: Any) -> Any:
    return header, tensors


# ---- what is sent


def packed(header: bytes, content: bytes = b"", **fields: int) -> bytes:
    """A frame with a right checksum, whatever its fields say."""
    values: dict[str, Any] = {
        **{"magic": frame.MAGIC, "version": 1, "kind": Kind.REQUEST, "flags": 0},
        **{"length": len(header), "check": 0, "payload": len(content), "request": 1},
        **fields,
    }
    start = struct.pack("<4sBBHIIQQ", *values.values())
    return start + struct.pack("<I", zlib.crc32(header, zlib.crc32(start))) + header + content


def request(draw: random.Random, to: str) -> bytes:
    """A good request."""
    header = {"method": "echo", "header": {}, "to": to, "seconds": 5, "lowest": 1}
    arrays = [np.ones(draw.randrange(5)), np.array([b"ab"], object)][: draw.randrange(3)]
    return b"".join(frame.encode(Kind.REQUEST, header, arrays, request=draw.randrange(1, 99)))


def garbage(draw: random.Random, to: str) -> bytes:
    return draw.randbytes(draw.choice([1, 3, 35, 36, 37, 200, 5000]))


def truncated(draw: random.Random, to: str) -> bytes:
    content = request(draw, to)
    return content[: draw.randrange(len(content))]


def mutated(draw: random.Random, to: str) -> bytes:
    content = bytearray(request(draw, to))
    for _ in range(draw.randrange(1, 4)):
        content[draw.randrange(len(content))] = draw.randrange(256)
    return bytes(content)


NUMBERS = (-1, 0, 1, 255, 2**16, 2**31 - 1, 2**32 - 1)
LONG_NUMBERS = (*NUMBERS[1:], 2**40, 2**63, 2**64 - 1)


def absurd_prefix(draw: random.Random, to: str) -> bytes:
    name = draw.choice(["version", "kind", "flags", "length", "check", "payload", "request"])
    widths = {"version": 255, "kind": 255, "flags": 2**16 - 1, "payload": 2**64, "request": 2**64}
    value = draw.choice(LONG_NUMBERS) % widths.get(name, 2**32)
    return packed(b'{"a":1}', **{name: value})


def absurd_tensors(draw: random.Random, to: str) -> bytes:
    dtype = draw.choice(["float32", "string", "bool", "float33", "", "resource", "complex128"])
    shape = [draw.choice([*LONG_NUMBERS, -5, 1.5, "2", None]) for _ in range(draw.randrange(5))]
    size = draw.choice([0, 1, 8, 4096])
    entry = [dtype, shape, draw.choice([size, *LONG_NUMBERS, -8])]
    entries = draw.choice([[entry], [entry, entry], entry, {"a": entry}, 7, [[]], 70000 * [[]]])
    header = {"method": "echo", "header": {}, "to": to, "seconds": 5, "lowest": 1}
    return packed(json.dumps({**header, "tensors": entries}).encode(), draw.randbytes(size))


VALUES = (None, True, -1, 1e300, float("nan"), "", "\ud800", "x" * 3000, [], {}, [[[]]], 10**400)


def absurd_header(draw: random.Random, to: str) -> bytes:
    header: dict[str, Any] = {
        **{"method": "echo", "header": {}, "to": to, "seconds": 5, "lowest": 1}
    }
    for _ in range(draw.randrange(1, 3)):
        header[draw.choice([*header, "tensors", "?"])] = draw.choice(VALUES)
    return packed(json.dumps(header).encode(), kind=draw.choice(list(Kind)))


def no_json(draw: random.Random, to: str) -> bytes:
    deep = draw.choice([b"[", b'{"a":']) * draw.choice([10, 1000, 30_000])
    text = draw.choice([deep[:60_000], b"", b"[]", b"null", b"\xff\xfe", b"NaN", b"1" * 5000])
    return packed(text)


def absurd_greeting(draw: random.Random, to: str) -> bytes:
    greeting = {**GREETING, draw.choice(list(GREETING)): draw.choice(VALUES)}
    return packed(json.dumps(greeting).encode(), kind=Kind.HELLO)


def early(draw: random.Random, to: str) -> bytes:
    """A request, a proof or a good-bye from one who has not introduced himself."""
    header = draw.choice([{"method": "echo", "header": {}}, {"proof": 64 * "0"}, {}])
    return packed(json.dumps(header).encode(), kind=draw.choice(list(Kind)))


def wrong_proof(draw: random.Random, to: str) -> bytes:
    hello = packed(json.dumps(GREETING).encode(), kind=Kind.HELLO)
    proof = draw.choice([draw.randbytes(32).hex(), "", 5, None, "é" * 64, "0" * 4000])
    return hello + packed(json.dumps({"proof": proof}).encode(), kind=Kind.PROOF)


def nothing(draw: random.Random, to: str) -> bytes:
    return b""


INSIDE = (garbage, truncated, mutated, absurd_prefix, absurd_tensors, absurd_header, no_json)
OUTSIDE = (*INSIDE, absurd_greeting, early, wrong_proof, nothing)


# ---- who sends it


class Attack:
    """One attacker after another, each with a connection of its own."""

    def __init__(self, listener: Listener, seed: int) -> None:
        self.place = ("127.0.0.1", Address.parse(listener.address).port)
        self.incarnation = listener.incarnation
        self.has_secret = listener.identity.secret is not None
        self.draw = random.Random(seed)
        self.seen: Counter[str] = Counter()

    def strike(self) -> None:
        """Sends something hostile, and waits until it is answered or the connection closed."""
        welcome = not self.has_secret and self.draw.random() < 0.7
        kind = self.draw.choice(INSIDE if welcome else OUTSIDE)
        with socket.create_connection(self.place, timeout=SECONDS) as plain:
            stream, until = Stream(plain), time.monotonic() + SECONDS
            with contextlib.suppress(Broken):
                if welcome:
                    frame.send(stream, Kind.HELLO, GREETING, until=until)
                    assert frame.receive(stream, LIMITS, until=until).kind is Kind.WELCOME
                stream.send([memoryview(kind(self.draw, self.incarnation))], until)
                with contextlib.suppress(OSError):  # it may have been closed already
                    plain.shutdown(socket.SHUT_WR)
                while True:
                    answer = frame.receive(stream, LIMITS, until=until)
                    self.seen[f"{kind.__name__}: {answer.kind.name}"] += 1
            self.seen[f"{kind.__name__}: closed"] += 1


def resources() -> tuple[int, int]:
    """How many threads and how many open files this process has."""
    gc.collect()
    return threading.active_count(), len(os.listdir("/proc/self/fd"))


def resident_bytes() -> int:
    gc.collect()
    fields = Path("/proc/self/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")


def eventually(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def bombard(count: int, seed: int, secret: bytes | None, attackers: int = 2) -> Counter[str]:
    """Sends that many attacks, and checks that nothing is left of them."""
    before = resources()
    with (
        Listener("localhost:0", {"echo": echo}, limits=LIMITS, secret=secret) as listener,
        Channel(listener.address, secret=secret) as channel,
    ):
        attacks = [Attack(listener, 1000 * seed + number) for number in range(attackers)]
        failures: list[BaseException] = []

        def attack(attack: Attack, strikes: int) -> None:
            try:
                for _ in range(strikes):
                    attack.strike()
            except BaseException as error:
                failures.append(error)

        attack(attacks[0], 50)  # so that everything has been there once
        channel.call("echo", {}, [np.zeros(1000)], deadline=SECONDS)
        eventually(lambda: listener.connections == 1)
        base = resources()
        memory = resident_bytes()
        threads = [
            threading.Thread(target=attack, args=(each, count // attackers), daemon=True)
            for each in attacks
        ]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            reply = channel.call("echo", {"a": 1}, [np.arange(3)], deadline=SECONDS)
            assert reply.tensors[0].tolist() == [0, 1, 2]
            threads[0].join(0.05)
        assert not failures, failures[0]
        eventually(lambda: listener.connections == 1)
        eventually(lambda: resources()[0] <= base[0])
        eventually(lambda: resources()[1] <= base[1])
        assert resident_bytes() - memory < 32 << 20
    eventually(lambda: resources()[0] <= before[0])
    eventually(lambda: resources()[1] <= before[1])
    return attacks[0].seen + attacks[1].seen


@pytest.mark.parametrize("secret", [None, SECRET], ids=["open", "secret"])
def test_hostile_input(secret: bytes | None) -> None:
    seen = bombard(2000, 1, secret)
    kinds = {key.partition(":")[0] for key in seen}
    assert kinds >= {kind.__name__ for kind in (INSIDE if secret is None else OUTSIDE)}
    if secret is not None:
        assert not any(key.endswith(("REPLY", "WELCOME")) for key in seen)


@pytest.mark.fuzz
@pytest.mark.parametrize("secret", [None, SECRET], ids=["open", "secret"])
@pytest.mark.parametrize("seed", range(6))
def test_a_hundred_thousand_hostile_inputs(seed: int, secret: bytes | None) -> None:
    bombard(9000, seed, secret)


def test_connections_come_and_go() -> None:
    """A thousand clients one after the other; and many that only connect."""
    before = resources()
    with Listener("localhost:0", {"echo": echo}, limits=LIMITS) as listener:
        place = ("127.0.0.1", Address.parse(listener.address).port)
        for _ in range(700):
            socket.create_connection(place, timeout=SECONDS).close()
        for _ in range(300):
            with Channel(listener.address) as channel:
                channel.call("echo", deadline=SECONDS)
        eventually(lambda: listener.connections == 0)
    eventually(lambda: resources()[0] <= before[0])
    eventually(lambda: resources()[1] <= before[1])


def test_many_who_send_a_byte_at_a_time() -> None:
    """They hold neither up those who send more, nor a connection for long."""
    limits = Limits(handshake_seconds=0.5, stall_seconds=0.5)
    with Listener("localhost:0", {"echo": echo}, limits=limits) as listener:
        place = ("127.0.0.1", Address.parse(listener.address).port)
        slow = [socket.create_connection(place, timeout=SECONDS) for _ in range(50)]
        content = packed(json.dumps(GREETING).encode(), kind=Kind.HELLO)
        with Channel(listener.address) as channel:
            for octet in content[:40]:
                for each in slow:
                    with contextlib.suppress(OSError):  # it has been thrown out already
                        each.send(bytes([octet]))
                channel.call("echo", deadline=SECONDS)
                if listener.connections == 1:
                    break
                time.sleep(0.02)
            eventually(lambda: listener.connections == 1)
        for each in slow:
            each.close()


def test_a_listener_without_file_descriptors_recovers() -> None:
    """Where no more connection can be accepted, those that are there are served."""
    import resource

    with (
        Listener("localhost:0", {"echo": echo}, limits=LIMITS) as listener,
        Channel(listener.address, local=False) as channel,
    ):
        channel.call("echo", deadline=SECONDS)
        place = ("127.0.0.1", Address.parse(listener.address).port)
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        with contextlib.ExitStack() as stack:
            waiting = [stack.enter_context(socket.socket()) for _ in range(8)]
            used = max(map(int, os.listdir("/proc/self/fd"))) + 1
            resource.setrlimit(resource.RLIMIT_NOFILE, (used, limits[1]))
            try:
                for each in waiting:
                    each.settimeout(SECONDS)
                    each.connect(place)
                channel.call("echo", deadline=SECONDS)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            with Channel(listener.address, local=False) as another:
                another.call("echo", deadline=SECONDS)


@pytest.mark.parametrize("kind", OUTSIDE)
def test_a_listener_that_is_hostile(kind: Any) -> None:
    """A client that connects to the wrong port gets an error of ours, and soon."""
    draw = random.Random(3)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    with server.accept()[0] as accepted:
                        accepted.recv(1000)
                        accepted.sendall(kind(draw, ""))

        threading.Thread(target=serve, daemon=True).start()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with Channel(address, limits=LIMITS) as channel, pytest.raises(errors.OpError):
            channel.call("echo", deadline=0.5)


def test_the_attacks_are_hostile() -> None:
    """None of them is a frame that a listener must answer, but for those that are meant so."""
    draw = random.Random(0)
    refused = 0
    for _ in range(300):
        one, two = socket.socketpair()
        with one, two:
            content = absurd_tensors(draw, "")
            until = time.monotonic() + SECONDS
            Stream(one).send([memoryview(content[: 1 << 16])], until)
            one.shutdown(socket.SHUT_WR)
            try:
                frame.receive(Stream(two), LIMITS, until=until)
            except (BadFrame, Broken, TooLate):
                refused += 1
    assert refused > 280
