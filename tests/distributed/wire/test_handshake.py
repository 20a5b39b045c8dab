"""Who may come in, and who finds out that he talks to the wrong one."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from minitf.distributed.wire import Channel, Limits, Listener, frame, handshake
from minitf.distributed.wire.address import Address
from minitf.distributed.wire.frame import Kind
from minitf.distributed.wire.handshake import Identity
from minitf.distributed.wire.stream import Stream
from minitf.framework import errors

SECRET = b"open sesame"


def hello(header: Any, tensors: Any, call: Any) -> Any:
    return {"who": "me"}, []


def call_across(listening: dict[str, Any], calling: dict[str, Any]) -> dict[str, Any]:
    with (
        Listener("localhost:0", {"hello": hello}, **listening) as listener,
        Channel(listener.address, **calling) as channel,
    ):
        return channel.call("hello", deadline=20).header


@pytest.mark.parametrize("local", [False, True])
def test_both_know_the_secret(local: bool) -> None:
    assert call_across({"secret": SECRET}, {"secret": SECRET, "local": local}) == {"who": "me"}


@pytest.mark.parametrize(
    ("listening", "calling", "problem"),
    [
        (SECRET, b"open sesamf", "did not prove to know"),
        (SECRET, None, "asks for the cluster's secret"),
        (None, SECRET, "did not prove to know"),
        (SECRET, b"", "did not prove to know"),
    ],
)
def test_one_does_not_know_the_secret(listening: Any, calling: Any, problem: str) -> None:
    with pytest.raises(errors.UnauthenticatedError, match=problem):
        call_across({"secret": listening}, {"secret": calling})


@pytest.mark.parametrize("what", ["cluster", "task"])
def test_swapped_tasks_are_noticed(what: str) -> None:
    with pytest.raises(errors.FailedPreconditionError, match=f"looks for {what} 'b'.*{what} 'a'"):
        call_across({what: "a"}, {what: "b"})
    assert call_across({what: "a"}, {what: "a"})
    assert call_across({}, {what: "b"})


def test_no_word_before_the_secret() -> None:
    with (
        Listener("localhost:0", {"hello": hello}, secret=SECRET, task="/job:ps/task:0") as listener,
        socket.create_connection(("127.0.0.1", Address.parse(listener.address).port)) as plain,
    ):
        stream, until = Stream(plain), time.monotonic() + 20
        greeting = {"protocol": 1, "client": "x", "cluster": "", "task": "", "nonce": 32 * "0"}
        frame.send(stream, Kind.HELLO, greeting, until=until)
        challenge = frame.receive(stream, Limits(), until=until)
        assert challenge.kind is Kind.CHALLENGE and challenge.header.keys() == {"nonce"}
        frame.send(stream, Kind.REQUEST, {"method": "hello"}, until=until)
        answer = frame.receive(stream, Limits(), until=until)
        assert answer.kind is Kind.ERROR and answer.header["code"] == errors.UNAUTHENTICATED


class Tape(Stream):
    """A stream that keeps what it sent."""

    def __init__(self, connection: socket.socket) -> None:
        super().__init__(connection)
        self.sent: list[bytes] = []

    def send(self, buffers: Any, until: float) -> None:
        self.sent += map(bytes, buffers)
        super().send(buffers, until)


def test_a_recorded_handshake_is_worth_nothing() -> None:
    until = time.monotonic() + 20
    with Listener("localhost:0", {"hello": hello}, secret=SECRET) as listener:
        port = Address.parse(listener.address).port
        with socket.create_connection(("127.0.0.1", port)) as plain:
            tape = Tape(plain)
            handshake.greet(tape, Identity("me", secret=SECRET), until, Limits())
        with socket.create_connection(("127.0.0.1", port)) as plain:
            stream = Stream(plain)
            for recorded in tape.sent:
                stream.send([memoryview(recorded)], until)
            assert frame.receive(stream, Limits(), until=until).kind is Kind.CHALLENGE
            answer = frame.receive(stream, Limits(), until=until)
            assert answer.kind is Kind.ERROR and answer.header["code"] == errors.UNAUTHENTICATED


def test_a_proof_cannot_be_sent_back_to_its_maker() -> None:
    """A listener without the secret has the client prove, and gives that out as its own proof."""
    one, two = socket.socketpair()
    until = time.monotonic() + 20

    def impostor() -> None:
        stream = Stream(two)
        frame.receive(stream, Limits(), until=until)
        frame.send(stream, Kind.CHALLENGE, {"nonce": 32 * "0"}, until=until)
        proof = frame.receive(stream, Limits(), until=until).header["proof"]
        welcome = {"incarnation": "x", "proof": proof}
        frame.send(stream, Kind.WELCOME, welcome, until=until)

    thread = threading.Thread(target=impostor)
    thread.start()
    with one, two, pytest.raises(errors.UnauthenticatedError):
        handshake.greet(Stream(one), Identity("me", secret=SECRET), until, Limits())
    thread.join(20)


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0"])
def test_other_machines_need_a_secret(address: str) -> None:
    with pytest.raises(errors.PermissionDeniedError, match="there is no secret"):
        Listener(address, {})


def test_all_addresses_with_a_secret() -> None:
    with Listener("0.0.0.0:0", {"hello": hello}, secret=SECRET) as listener:
        port = Address.parse(listener.address).port
        with Channel(f"127.0.0.1:{port}", secret=SECRET) as channel:
            assert channel.call("hello", deadline=20).header == {"who": "me"}


def test_who_says_nothing_has_to_go() -> None:
    limits = Limits(handshake_seconds=0.1)
    with Listener("localhost:0", {}, limits=limits) as listener:
        port = Address.parse(listener.address).port
        with socket.create_connection(("127.0.0.1", port), timeout=20) as plain:
            assert plain.recv(1) == b""


def test_a_port_that_is_in_use() -> None:
    with (
        Listener("127.0.0.1:0", {}) as listener,
        pytest.raises(errors.UnavailableError, match=r"Nothing can listen at.*in use"),
    ):
        Listener(listener.address, {})


@pytest.mark.parametrize("text", ["localhost", "localhost:", ":22", "::1:22", "h:65536", "h:-1"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(errors.InvalidArgumentError, match="is not the address of a task"):
        Channel(text)


def test_where_the_secret_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MINITF_SECRET", raising=False)
    assert handshake.secret_from_environment() is None
    monkeypatch.setenv("MINITF_SECRET", "abc")
    assert handshake.secret_from_environment() == b"abc"
    file = tmp_path / "secret"
    monkeypatch.setenv("MINITF_SECRET", f"@{file}")
    with pytest.raises(errors.FailedPreconditionError, match="No such file"):
        handshake.secret_from_environment()
    file.write_text("\n")
    with pytest.raises(errors.FailedPreconditionError, match="it is empty"):
        handshake.secret_from_environment()
    file.write_text("def\n")
    assert handshake.secret_from_environment() == b"def"
