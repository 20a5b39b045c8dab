"""A network that loses, delays, doubles, reorders and cuts: it stands between channel and listener.

Real processes can be put on its two sides as well: it is a port that leads to another port. It
knows where frames begin and end, so that what it does to one is as in a network of messages:

    drop       the frame does not arrive, nor does anything after it on that connection
    delay      it arrives later
    double     it arrives twice
    late copy  it arrives, and again later, with that client's next frame to the listener
    cut        only a part of it arrives, then the connection ends
    damage     a byte of it is another
"""

from __future__ import annotations

import contextlib
import json
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable

from minitf.distributed.wire import Limits, frame
from minitf.distributed.wire.address import Address
from minitf.distributed.wire.stream import Broken, Stream, TooLate

FAULTS = ("drop", "delay", "double", "late copy", "cut", "damage")


class FaultyProxy:
    """A port that leads to `target` through a bad network.

    Args:
      target: the address of the listener.
      choose: gives the fault for the next frame, or "" for none; it is called with "there" or
        "back" for the direction. Handshakes are spared, unless `greetings` says otherwise.
      greetings: whether handshakes have faults too.
      delay: the seconds of a delay.
    """

    def __init__(
        self,
        target: str,
        choose: Callable[[str], str],
        *,
        greetings: bool = False,
        delay: float = 0.02,
        seed: int = 0,
    ) -> None:
        self._target = Address.parse(target)
        self._choose = choose
        self._greetings = greetings
        self._delay = delay
        self._random = random.Random(seed)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._ends: list[Stream] = []
        self._late: dict[str, list[bytes]] = {}
        self._lock = threading.Lock()
        self.done: Counter[str] = Counter()
        self.address = f"127.0.0.1:{self._listening.getsockname()[1]}"

    def __enter__(self) -> FaultyProxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.cut_all()

    def cut_all(self) -> None:
        """Ends all connections that there are."""
        with self._lock:
            ends, self._ends = self._ends, []
        for end in ends:
            end.shut()

    def _accept(self) -> None:
        while True:
            try:
                near = self._listening.accept()[0]
            except OSError:
                return
            try:
                far = socket.create_connection((self._target.host, self._target.port), timeout=20)
            except OSError:
                near.close()
                continue
            pair = Stream(near), Stream(far)
            with self._lock:
                self._ends += pair
            for source, sink, direction in ((*pair, "there"), (*pair[::-1], "back")):
                threading.Thread(
                    target=self._pass_on, args=(source, sink, direction), daemon=True
                ).start()

    def _pass_on(self, source: Stream, sink: Stream, direction: str) -> None:
        client = ""
        try:
            while True:
                content = _read(source)
                client = client or _client(content)
                kind = frame.PREFIX.unpack_from(content)[2]
                spared = kind < frame.Kind.REQUEST and not self._greetings
                fault = "" if spared else self._choose(direction)
                self.done[fault] += 1
                if direction == "there" and not spared:
                    content = self._with_copies(content, client, fault)
                if not self._deliver(content, sink, fault):
                    return
        except (Broken, TooLate):
            source.shut()
            sink.shut()

    def _with_copies(self, content: bytes, client: str, fault: str) -> bytes:
        """The frame, after copies of earlier ones that are late; and it may be copied itself."""
        with self._lock:
            late = self._late.setdefault(client, [])
            copies = b"".join(late)
            late.clear()
            if fault == "late copy":
                late.append(content)
        return copies + content

    def _deliver(self, content: bytes, sink: Stream, fault: str) -> bool:
        """Does to a frame what the fault says; returns False where the connection is dead."""
        if fault == "drop":
            return False
        if fault == "delay":
            time.sleep(self._delay)
        if fault == "cut":
            _send(sink, content[: self._random.randrange(len(content))])
            raise Broken
        if fault == "damage":
            position = self._random.randrange(len(content))
            content = content[:position] + bytes([content[position] ^ 8]) + content[position + 1 :]
        _send(sink, content)
        if fault == "double":
            _send(sink, content)
        return True


def _client(content: bytes) -> str:
    """Who speaks, if the frame is his first."""
    if frame.PREFIX.unpack_from(content)[2] != frame.Kind.HELLO:
        return ""
    return str(json.loads(content[frame.PREFIX.size :])["client"])


def _read(source: Stream) -> bytes:
    prefix = bytearray(frame.PREFIX.size)
    source.receive([memoryview(prefix)], time.monotonic() + 600)
    _, _, _, _, header, _, payload, _, _ = frame.PREFIX.unpack(prefix)
    assert header + payload < Limits().payload_bytes
    rest = bytearray(header + payload)
    source.receive([memoryview(rest)] if rest else [], time.monotonic() + 60)
    return bytes(prefix + rest)


def _send(sink: Stream, content: bytes) -> None:
    sink.send([memoryview(content)] if content else [], time.monotonic() + 60)
