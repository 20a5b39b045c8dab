"""Calls between a channel and a listener: what arrives, what fails and how, and who may wait."""

from __future__ import annotations

import gc
import re
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import minitf as tf
from minitf.distributed.wire import Cancellation, Channel, Limits, Listener, Method
from minitf.distributed.wire import channel as channel_lib
from minitf.distributed.wire.address import Address
from minitf.framework import errors

SECONDS = 30.0


class Server:
    """Methods to be called, and what they have seen."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.ended = threading.Event()
        self.go_on = threading.Event()
        self.count = 0

    def echo(self, header: Any, tensors: Any, call: Any) -> Any:
        return header, tensors

    def add(self, header: Any, tensors: Any, call: Any) -> Any:
        self.count += 1
        return {"count": self.count}, []

    def wait(self, header: Any, tensors: Any, call: Any) -> Any:
        """Blocks until nobody waits any more, as a queue does that stays empty."""
        call.on_cancel(self.ended.set)
        self.begun.set()
        if not self.ended.wait(SECONDS):
            raise AssertionError("nobody cancelled")
        raise errors.CancelledError(None, None, "The queue was left.")

    def pause(self, header: Any, tensors: Any, call: Any) -> Any:
        self.begun.set()
        self.go_on.wait(SECONDS)
        return {}, []

    def fail(self, header: Any, tensors: Any, call: Any) -> Any:
        raise {
            "op": errors.FailedPreconditionError(
                tf.NodeDef(name="w/read", op="Identity"), None, "Uninitialized value w."
            ),
            "python": ZeroDivisionError("division by zero"),
            "memory": MemoryError("Unable to allocate 1 TiB"),
        }[header["how"]]

    def unsendable(self, header: Any, tensors: Any, call: Any) -> Any:
        return {}, [np.array([{}], object)]

    def methods(self) -> dict[str, Any]:
        names = ("echo", "add", "wait", "pause", "fail", "unsendable")
        return {name: getattr(self, name) for name in names}


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def listener(server: Server) -> Iterator[Listener]:
    with Listener("localhost:0", server.methods(), limits=Limits(grace_seconds=0.1)) as running:
        yield running


@pytest.fixture(params=["tcp", "unix"])
def channel(request: pytest.FixtureRequest, listener: Listener) -> Iterator[Channel]:
    with Channel(listener.address, local=request.param == "unix", task="/job:ps/task:0") as made:
        yield made


def in_thread(function: Any) -> Any:
    """Runs a function beside the test; returns what gives its result, or raises its error."""
    result: list[Any] = []

    def run() -> None:
        try:
            result.append(function())
        except BaseException as error:
            result.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def join() -> Any:
        thread.join(SECONDS)
        assert result, "the call is still waiting"
        if isinstance(result[0], BaseException):
            raise result[0]
        return result[0]

    return join


def eventually(condition: Any) -> None:
    until = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def connection_kinds(channel: Channel) -> set[int]:
    return {stream.socket.family for stream, *_ in channel._idle}


def test_connections_that_nobody_needs_are_closed(
    channel: Channel, listener: Listener, server: Server
) -> None:
    def pause() -> Any:
        return channel.call("pause", deadline=SECONDS)

    waiting = [in_thread(pause) for _ in range(3)]
    eventually(lambda: len(channel._pending) == 3 and listener.connections >= 3)
    server.go_on.set()
    for join in waiting:
        join()
    channel.call("echo", deadline=SECONDS)
    assert len(channel._idle) == 3
    long_ago = time.monotonic() - 2 * channel_lib._IDLE_SECONDS
    channel._idle = [(stream, other, long_ago) for stream, other, _ in channel._idle]
    channel.call("echo", deadline=SECONDS)
    assert len(channel._idle) == 1
    eventually(lambda: listener.connections == 1)
    assert channel.call("add", deadline=SECONDS).header == {"count": 1}


def test_header_and_tensors_go_there_and_back(channel: Channel) -> None:
    tensors = [np.arange(6.0).reshape(2, 3), np.array([b"a", b"bc"], object)]
    for checksum in (False, True):
        reply = channel.call("echo", {"a": [1, "ü"]}, tensors, deadline=SECONDS, checksum=checksum)
        assert reply.header == {"a": [1, "ü"]}
        np.testing.assert_array_equal(reply.tensors[0], tensors[0])
        assert reply.tensors[1].tolist() == [b"a", b"bc"]


def test_the_answer_is_received_into_place(channel: Channel) -> None:
    target = np.zeros(1000)
    reply = channel.call(
        "echo", {}, [np.arange(1000.0)], deadline=SECONDS, into=lambda header, specs: [target]
    )
    assert reply.tensors[0] is target and target[999] == 999


def test_a_place_that_does_not_fit(channel: Channel) -> None:
    with pytest.raises(errors.InternalError, match=r"no place to go: there is a .* shape \(3,\)"):
        channel.call(
            "echo", {}, [np.zeros(2)], deadline=SECONDS, into=lambda header, specs: [np.zeros(3)]
        )
    channel.call("echo", deadline=SECONDS)


def test_the_request_is_received_into_place() -> None:
    target = np.zeros(1000)

    def place(header: Any, specs: Any) -> Any:
        if header["name"] != "w":
            raise errors.NotFoundError(None, None, "There is no variable here of that name.")
        return [target]

    method = Method(lambda header, tensors, call: ({"same": tensors[0] is target}, []), place)
    with (
        Listener("localhost:0", {"push": method}) as listener,
        Channel(listener.address) as channel,
    ):
        values = np.arange(1000.0)
        assert channel.call("push", {"name": "w"}, [values], deadline=SECONDS).header["same"]
        np.testing.assert_array_equal(target, values)
        with pytest.raises(errors.NotFoundError, match="no variable here"):
            channel.call("push", {"name": "v"}, [values], deadline=SECONDS)
        eventually(lambda: listener.connections == 1)  # a refusal costs no connection


def test_the_same_machine_is_found_out(listener: Listener) -> None:
    for local, family in ((True, socket.AF_UNIX), (False, socket.AF_INET)):
        with Channel(listener.address.replace("localhost", "127.0.0.1"), local=local) as channel:
            channel.call("echo", deadline=SECONDS)
            assert connection_kinds(channel) == {family}


@pytest.mark.skipif(not socket.has_ipv6, reason="this Python has no IPv6")
def test_ipv6(server: Server) -> None:
    try:
        running = Listener("[::1]:0", server.methods())
    except errors.UnavailableError:
        pytest.skip("this machine has no IPv6")
    with running, Channel(running.address, local=False) as channel:
        channel.call("echo", deadline=SECONDS)
        assert connection_kinds(channel) == {socket.AF_INET6}


def test_many_threads_call_at_once(channel: Channel, server: Server) -> None:
    def call_often(number: int) -> list[int]:
        arrays = [np.full(50, 100 * number + index) for index in range(20)]
        return [
            int(channel.call("echo", {}, [array], deadline=SECONDS).tensors[0][49])
            for array in arrays
        ]

    joins = [in_thread(lambda number=number: call_often(number)) for number in range(12)]
    for number, join in enumerate(joins):
        assert join() == [100 * number + index for index in range(20)]


def test_a_long_call_holds_up_no_other(channel: Channel, server: Server) -> None:
    join = in_thread(lambda: channel.call("pause", deadline=SECONDS))
    assert server.begun.wait(SECONDS)
    channel.call("echo", deadline=SECONDS)
    server.go_on.set()
    join()


# ---- errors


def test_an_error_is_raised_again_with_the_callers_op(channel: Channel) -> None:
    read = tf.identity(tf.constant(1.0), name="w/read")
    with pytest.raises(errors.FailedPreconditionError) as raised:
        channel.call("fail", {"how": "op"}, deadline=SECONDS, find_op={"w/read": read.op}.get)
    assert raised.value.op is read.op
    assert "Uninitialized value w." in raised.value.message
    assert f"where: /job:ps/task:0, {channel.address}" in raised.value.message


def test_other_errors(channel: Channel) -> None:
    with pytest.raises(errors.UnknownError, match="ZeroDivisionError: division by zero"):
        channel.call("fail", {"how": "python"}, deadline=SECONDS)
    with pytest.raises(errors.ResourceExhaustedError, match="1 TiB"):
        channel.call("fail", {"how": "memory"}, deadline=SECONDS)
    with pytest.raises(errors.UnimplementedError, match="no method 'fly'"):
        channel.call("fly", deadline=SECONDS)
    with pytest.raises(errors.InternalError, match="answer of method 'unsendable' cannot be sent"):
        channel.call("unsendable", deadline=SECONDS)
    channel.call("echo", deadline=SECONDS)


def test_what_cannot_be_sent(channel: Channel) -> None:
    with pytest.raises(TypeError):
        channel.call("echo", {}, [np.array([{}], object)], deadline=SECONDS)
    with pytest.raises(TypeError):
        channel.call("echo", {"a": object()}, deadline=SECONDS)
    with pytest.raises(errors.InvalidArgumentError, match="'echo' has a header of"):
        channel.call("echo", {"a": (2 << 20) * "x"}, deadline=SECONDS)
    channel.call("echo", deadline=SECONDS)


def test_a_listener_with_lower_limits(server: Server) -> None:
    with (
        Listener("localhost:0", server.methods(), limits=Limits(payload_bytes=100)) as listener,
        Channel(listener.address) as channel,
        pytest.raises(errors.FailedPreconditionError, match="longer than the limit, 100"),
    ):
        channel.call("echo", {}, [np.zeros(1000)], deadline=SECONDS)


def test_what_listens_is_no_listener() -> None:
    with socket.create_server(("127.0.0.1", 0)) as web:

        def serve() -> None:
            for _ in range(5):
                with web.accept()[0] as connection:
                    connection.recv(1000)
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

        threading.Thread(target=serve, daemon=True).start()
        with (
            Channel(f"127.0.0.1:{web.getsockname()[1]}") as channel,
            pytest.raises(errors.FailedPreconditionError, match="does not understand minitf"),
        ):
            channel.call("echo", deadline=SECONDS)


# ---- waiting, and not waiting


@pytest.fixture
def free_address() -> Iterator[str]:
    """An address where nobody listens, which nobody else is given, and that can be bound again."""
    with socket.socket() as reserved:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{reserved.getsockname()[1]}"


def test_nobody_is_there_yet(server: Server, free_address: str) -> None:
    with Channel(free_address) as channel:
        join = in_thread(lambda: channel.call("add", deadline=SECONDS))
        with Listener(free_address, server.methods()):
            assert join().header == {"count": 1}


def test_nobody_ever_comes(free_address: str) -> None:
    with (
        Channel(free_address, task="/job:ps/task:1") as channel,
        pytest.raises(errors.DeadlineExceededError) as raised,
    ):
        channel.call("RunGraph", deadline=0.3)
    message = raised.value.message
    assert f"No answer from /job:ps/task:1, {free_address} to 'RunGraph' within 0.3 s" in message
    assert re.search(r"waiting since \d\d:\d\d:\d\d; nobody listens there", message)
    assert "it has never been heard of" in message


def test_one_accepts_and_is_silent() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        Channel(f"127.0.0.1:{silent.getsockname()[1]}") as channel,
        pytest.raises(errors.DeadlineExceededError, match="accepted the connection, and said no"),
    ):
        channel.call("echo", deadline=0.3)


def test_an_answer_does_not_come(channel: Channel, server: Server) -> None:
    channel.call("echo", deadline=SECONDS)
    with pytest.raises(errors.DeadlineExceededError, match="was sent; it was heard of last at"):
        channel.call("wait", deadline=0.3)
    assert server.ended.wait(SECONDS)  # the handler was told


def test_a_call_is_cancelled(channel: Channel, server: Server) -> None:
    cancellation = Cancellation()
    join = in_thread(lambda: channel.call("wait", deadline=SECONDS, cancellation=cancellation))
    assert server.begun.wait(SECONDS)
    cancellation.cancel()
    with pytest.raises(errors.CancelledError):
        join()
    assert server.ended.wait(SECONDS)
    with pytest.raises(errors.CancelledError):
        channel.call("add", deadline=SECONDS, cancellation=cancellation)
    assert server.count == 0
    channel.call("echo", deadline=SECONDS)


def test_calls_are_aborted(channel: Channel, server: Server) -> None:
    join = in_thread(lambda: channel.call("wait", deadline=SECONDS))
    assert server.begun.wait(SECONDS)
    channel.abort(errors.UnavailableError(None, None, "The heart stands still."))
    with pytest.raises(errors.UnavailableError, match="stands still"):
        join()
    channel.call("echo", deadline=SECONDS)


def test_a_channel_is_closed(channel: Channel, server: Server) -> None:
    join = in_thread(lambda: channel.call("wait", deadline=SECONDS))
    assert server.begun.wait(SECONDS)
    channel.close()
    with pytest.raises(errors.CancelledError, match="is closed"):
        join()
    with pytest.raises(errors.CancelledError, match="is closed"):
        channel.call("echo", deadline=SECONDS)
    assert server.ended.wait(SECONDS)


def test_a_caller_that_dies_is_noticed(listener: Listener, server: Server) -> None:
    channel = Channel(listener.address)
    in_thread(lambda: channel.call("wait", deadline=SECONDS, cancellation=None))
    assert server.begun.wait(SECONDS)
    (pending,) = channel._pending.values()
    channel._closed = True  # so that it does not come back
    pending.error = errors.CancelledError(None, None, "killed")
    assert pending._stream is not None
    pending._stream.shut()
    assert server.ended.wait(SECONDS)


def test_a_listener_stops(server: Server) -> None:
    with Listener("localhost:0", server.methods()) as listener:
        channel = Channel(listener.address)
        join = in_thread(lambda: channel.call("wait", deadline=SECONDS))
        assert server.begun.wait(SECONDS)
    assert server.ended.wait(SECONDS)
    assert listener.connections == 0
    with pytest.raises((errors.UnavailableError, errors.CancelledError)):
        join()
    with pytest.raises(errors.UnavailableError, match="is gone"):
        channel.call("echo", deadline=SECONDS)
    channel.close()


def test_a_new_listener_at_the_old_address(server: Server) -> None:
    with Listener("localhost:0", server.methods()) as first:
        channel = Channel(first.address)
        before = channel.call("add", deadline=SECONDS).incarnation
    with Listener(first.address, server.methods()) as second, channel:
        assert channel.call("add", deadline=SECONDS).incarnation == second.incarnation != before
    assert server.count == 2


def test_a_listener_that_restarts_during_a_call(server: Server) -> None:
    first = Listener("localhost:0", server.methods()).start()
    with Channel(first.address) as channel:
        join = in_thread(lambda: channel.call("pause", deadline=SECONDS))
        assert server.begun.wait(SECONDS)
        first.stop(0.1)
        with (
            Listener(first.address, server.methods()),
            pytest.raises(errors.AbortedError, match="was started anew during 'pause'"),
        ):
            join()
        server.go_on.set()


def test_too_many_connections(server: Server) -> None:
    with (
        Listener("localhost:0", server.methods(), limits=Limits(connections=1)) as listener,
        socket.create_connection(("127.0.0.1", Address.parse(listener.address).port)),
        Channel(listener.address) as channel,
    ):
        eventually(lambda: listener.connections == 1)
        with pytest.raises(
            (errors.ResourceExhaustedError, errors.DeadlineExceededError),
            match=r"1 connections|bro",
        ):
            channel.call("echo", deadline=1.0)


def test_nothing_is_left_behind(server: Server) -> None:
    threads = threading.active_count()
    with Listener("localhost:0", server.methods()) as listener:
        for _ in range(30):
            with Channel(listener.address) as channel:
                channel.call("echo", {}, [np.zeros(100_000)], deadline=SECONDS)
        eventually(lambda: listener.connections == 0)
        held = [call for record in listener.memory._clients.values() for call in record.calls]
        assert not held
    gc.collect()
    eventually(lambda: threading.active_count() <= threads)
