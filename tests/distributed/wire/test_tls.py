"""Calls over encrypted connections."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minitf.distributed.wire import Channel, Limits, Listener
from minitf.distributed.wire.address import Address
from minitf.framework import errors

SECONDS = 30.0
CERTIFICATE = str(Path(__file__).with_name("localhost.pem"))


class Server:
    """Methods over TLS."""

    def __init__(self) -> None:
        self.begun, self.ended = threading.Event(), threading.Event()
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(CERTIFICATE)
        limits = Limits(handshake_seconds=0.5, grace_seconds=0.1)
        handlers = {"echo": lambda header, tensors, call: (header, tensors), "wait": self.wait}
        self.listener = Listener("localhost:0", handlers, tls=tls, limits=limits, secret=b"s")

    def wait(self, header: Any, tensors: Any, call: Any) -> Any:
        call.on_cancel(self.ended.set)
        self.begun.set()
        assert self.ended.wait(SECONDS)
        return {}, []

    def channel(self, trusted: str | None = CERTIFICATE) -> Channel:
        tls = ssl.create_default_context(cafile=trusted)
        return Channel(self.listener.address, tls=tls, secret=b"s")


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    with server.listener:
        yield server


@pytest.mark.parametrize("checksum", [False, True])
def test_a_call(server: Server, checksum: bool) -> None:
    arrays = [np.arange(1_000_000), np.array([b"a", b""], object), np.zeros([0])]
    with server.channel() as channel:
        for _ in range(3):
            reply = channel.call("echo", {"a": 1}, arrays, deadline=SECONDS, checksum=checksum)
            assert reply.header == {"a": 1}
            for got, sent in zip(reply.tensors, arrays, strict=True):
                np.testing.assert_array_equal(got, sent)
        (stream,) = [stream for stream, *_ in channel._idle]
        assert isinstance(stream.socket, ssl.SSLSocket)


def test_a_certificate_that_is_not_trusted(server: Server) -> None:
    with (
        server.channel(trusted=None) as channel,
        pytest.raises(errors.UnauthenticatedError, match="a certificate that is not trusted"),
    ):
        channel.call("echo", deadline=SECONDS)


def test_one_who_does_not_encrypt(server: Server) -> None:
    with (
        Channel(server.listener.address, secret=b"s") as channel,
        pytest.raises(errors.OpError),
    ):
        channel.call("echo", deadline=1.0)
    port = Address.parse(server.listener.address).port
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as silent:
        assert silent.recv(100) == b""


def test_a_caller_that_leaves_is_noticed(server: Server) -> None:
    channel = server.channel()
    thread = threading.Thread(target=lambda: leave(channel), daemon=True)
    thread.start()
    assert server.begun.wait(SECONDS)
    channel.close()
    assert server.ended.wait(SECONDS)
    thread.join(SECONDS)


def leave(channel: Channel) -> None:
    with pytest.raises(errors.CancelledError):
        channel.call("wait", deadline=SECONDS)
