"""Measures the wire beside plain sockets: a call with nothing in it, and a model there and back.

    python -m benchmarks.wire [--repeats 30]

Two processes on this machine. The model is the 3,274,634 float32 numbers of the tutorial's CNN,
13.1 MB: `push` sends it and receives an empty answer, `pull` the other way round. The plain
sockets do the least that can be done: 48 bytes for a request or an answer, `sendmsg` and
`recv_into` for the numbers, one thread, no deadlines, no checks. The two take turns; each figure is
the median.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from minitf.distributed.wire import Channel, Listener, Method

NUMBERS = 3_274_634
SMALL = 48
SECONDS = 60.0
NULL, PUSH, PULL = 0, 1, 2

Floats = npt.NDArray[np.float32]
Action = Callable[[], object]


# ---- the other process


def serve() -> None:
    """Serves all four ways, says where, and ends when nobody is left at its standard input."""
    store, room = np.ones(NUMBERS, np.float32), np.empty(NUMBERS, np.float32)
    handlers = {
        "null": Method(lambda header, tensors, call: ({}, [])),
        "push": Method(lambda header, tensors, call: ({}, []), lambda header, specs: [room]),
        "pull": Method(lambda header, tensors, call: ({}, [store])),
    }
    tcp = socket.create_server(("127.0.0.1", 0))
    unix = socket.socket(socket.AF_UNIX)
    unix.bind("\0minitf-benchmark-" + os.urandom(8).hex())
    unix.listen()
    with Listener("127.0.0.1:0", handlers) as listener:
        print(listener.address, tcp.getsockname()[1], unix.getsockname()[1:].decode(), flush=True)
        for listening in (tcp, unix):
            connection = listening.accept()[0]
            tune(connection)
            with contextlib.suppress(EOFError):
                serve_plainly(connection, memoryview(store).cast("B"), memoryview(room).cast("B"))
        sys.stdin.read()


def serve_plainly(connection: socket.socket, store: memoryview, room: memoryview) -> None:
    small = memoryview(bytearray(SMALL))
    while True:
        receive(connection, small)
        if small[0] == PUSH:
            receive(connection, room)
        connection.sendmsg([small])
        if small[0] == PULL:
            send(connection, store)


def tune(connection: socket.socket) -> None:
    if connection.family != socket.AF_UNIX:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def receive(connection: socket.socket, buffer: memoryview) -> None:
    while buffer:
        count = connection.recv_into(buffer)
        if not count:
            raise EOFError
        buffer = buffer[count:]


def send(connection: socket.socket, buffer: memoryview) -> None:
    while buffer:
        buffer = buffer[connection.sendmsg([buffer]) :]


# ---- this one


def plain_actions(connection: socket.socket) -> list[Action]:
    """Null, push and pull over a bare socket."""
    tune(connection)
    small = memoryview(bytearray(SMALL))
    ours, room = np.ones(NUMBERS, np.float32), np.empty(NUMBERS, np.float32)

    def act(kind: int) -> None:
        small[0] = kind
        connection.sendmsg([small])
        if kind == PUSH:
            send(connection, memoryview(ours).cast("B"))
        receive(connection, small)
        if kind == PULL:
            receive(connection, memoryview(room).cast("B"))

    return [lambda kind=kind: act(kind) for kind in (NULL, PUSH, PULL)]  # type: ignore[misc]


def wire_actions(channel: Channel) -> list[Action]:
    """Null, push and pull by calls."""
    ours, room = np.ones(NUMBERS, np.float32), np.empty(NUMBERS, np.float32)
    return [
        lambda: channel.call("null", deadline=SECONDS),
        lambda: channel.call("push", {}, [ours], deadline=SECONDS),
        lambda: channel.call("pull", deadline=SECONDS, into=lambda header, specs: [room]),
    ]


@contextlib.contextmanager
def other_process() -> Iterator[list[str]]:
    """Starts the process that serves; gives what it says."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.wire", "--serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()
        finally:
            process.kill()


def seconds(actions: list[Action], repeats: int) -> list[float]:
    """The median time of each of some actions, which take turns."""
    times: list[list[float]] = [[] for _ in actions]
    for _ in range(repeats + 2):
        for index, action in enumerate(actions):
            start = time.perf_counter()
            action()
            times[index].append(time.perf_counter() - start)
    return [statistics.median(each[2:]) for each in times]


def measure(repeats: int) -> list[tuple[str, float, float]]:
    """What was done, the time by plain sockets, and that by calls."""
    rows = []
    with other_process() as (address, port, name):
        for kind in ("TCP", "Unix"):
            if kind == "TCP":
                plain = socket.create_connection(("127.0.0.1", int(port)))
            else:
                plain = socket.socket(socket.AF_UNIX)
                plain.connect("\0" + name)
            with plain, Channel(address, local=kind == "Unix") as channel:
                pairs = zip(("null", "push", "pull"), plain_actions(plain), wire_actions(channel))
                for what, bare, call in pairs:
                    count = repeats * 30 if what == "null" else repeats
                    rows.append((f"{kind} {what}", *seconds([bare, call], count)))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve()
        return
    print("what       | plain sockets |  the wire |   more")
    for what, bare, call in measure(args.repeats):
        print(f"{what:10} | {bare * 1e3:10.3f} ms | {call * 1e3:6.3f} ms | {call - bare:.6f} s")


if __name__ == "__main__":
    main()
