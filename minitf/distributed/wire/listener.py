"""With this module a process offers methods to others: see `Listener`.

Each connection has a thread, which reads a request, runs its handler and sends the answer: a
handler may block, and nothing is handed from thread to thread on the way. One more thread accepts
connections and watches over all: it notices that a caller is gone while its handler runs, and it
alone closes sockets, so that no file descriptor is used again while somebody still waits on it.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import select
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from types import TracebackType

from minitf.distributed.wire import address as address_lib
from minitf.distributed.wire import failures, frame, handshake
from minitf.distributed.wire.address import Address
from minitf.distributed.wire.codec import BadFrame
from minitf.distributed.wire.frame import Frame, Kind
from minitf.distributed.wire.handshake import Identity
from minitf.distributed.wire.interface import (
    Array,
    Call,
    Handler,
    Header,
    Limits,
    Method,
    Place,
)
from minitf.distributed.wire.remembered import Answer, Memory, RememberedCall
from minitf.distributed.wire.stream import Broken, Stream, TooLate
from minitf.framework import errors

_log = logging.getLogger("minitf")

# Where the system has too little left for another connection, the next one is accepted later.
_SCARCE = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_PAUSE = 0.2
_HANG_UP = select.POLLHUP | select.POLLERR | getattr(select, "POLLRDHUP", 0)
_LONGEST = 86400.0


class Listener:
    """Offers methods at an address to the channels of other processes.

    Args:
      address: "host:port"; port 0 stands for any free one.
      handlers: what is offered, by name; a `Method` also says where tensors are received into.
      secret: what a caller must prove to know. Needed where others than this machine's own
        processes can reach the address.
      cluster: a fingerprint of the cluster, which must be the caller's, where both have one.
      task: the name of this task, likewise.
      limits: what is accepted from callers.
      tls: for encrypted connections: a context with the listener's certificate.

    Raises:
      PermissionDeniedError: if the address can be reached from elsewhere and there is no secret.
      UnavailableError: if the address is in use, or not this machine's.

    Used in a `with` statement, it runs as long as that lasts.
    """

    def __init__(
        self,
        address: str,
        handlers: Mapping[str, Handler | Method],
        *,
        secret: bytes | None = None,
        cluster: str = "",
        task: str = "",
        limits: Limits | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self.identity = Identity(handshake.new_incarnation(), cluster, task, secret)
        self.memory = Memory()
        self.methods = {name: _as_method(handler) for name, handler in handlers.items()}
        self.methods["_ping"] = Method(lambda header, tensors, call: ({}, []))
        self.methods["_cancel"] = Method(self._cancel)
        self.tls = tls
        self.local_name = ""
        wanted = Address.parse(address)
        self._sockets = _bind(wanted, secret)
        self.address = str(Address(wanted.host, self._sockets[0].getsockname()[1]))
        if address_lib.LOCAL_SOCKETS and tls is None:
            self.local_name = address_lib.new_local_name()
            local = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            local.bind("\0" + self.local_name)
            self._sockets.append(local)
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._connections: dict[int, _Connection] = {}
        self._finished: deque[_Connection] = deque()
        self._stopping = False
        self._thread = threading.Thread(
            target=self._watch, name=f"minitf listens at {self.address}", daemon=True
        )

    @property
    def incarnation(self) -> str:
        """A random text that tells this listener from one that takes its place later."""
        return self.identity.incarnation

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    def start(self) -> Listener:
        """Begins to accept connections."""
        for listening in self._sockets:
            listening.listen(1024)
            listening.setblocking(False)
        self._thread.start()
        return self

    def stop(self, seconds: float = 5.0) -> None:
        """Closes all connections, after calls under way have been told to end.

        Args:
          seconds: how long to wait for handlers to return.
        """
        if self._stopping:
            return
        self._stopping = True
        if not self._thread.ident:  # it was never started
            self._close_sockets()
            return
        self._wake()
        until = time.monotonic() + seconds
        self._thread.join(seconds)
        for connection in list(self._connections.values()):
            connection.thread.join(max(0.0, until - time.monotonic()))
        self._reap(None)

    def __enter__(self) -> Listener:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    # ---- the thread that watches

    def _watch(self) -> None:
        poll = select.poll()
        accepting = {listening.fileno(): listening for listening in self._sockets}
        for number in (*accepting, self._wake_out.fileno()):
            poll.register(number, select.POLLIN)
        paused_until = 0.0
        while not self._stopping:
            for number, _ in poll.poll(self._next_look(paused_until)):
                if number in accepting:
                    if not self._accept(accepting[number], poll):
                        paused_until = time.monotonic() + _PAUSE
                elif number in self._connections:
                    poll.unregister(number)
                    self._connections[number].hung_up()
                else:
                    _drain(self._wake_out)
            self._reap(poll)
            self._cancel_abandoned()
            paused_until = self._pause(poll, list(accepting), paused_until)
        self.memory.cancel_all()
        for connection in list(self._connections.values()):
            connection.stream.shut()
        self._close_sockets()

    def _next_look(self, paused_until: float) -> float:
        """Milliseconds until something is to be done without anybody's asking."""
        times = [call.abandoned for call in self._abandoned() if call.abandoned is not None]
        moments = [moment + self.limits.grace_seconds for moment in times]
        if paused_until:
            moments.append(paused_until)
        if not moments:
            return 60_000.0
        return max(0.0, min(moments) - time.monotonic()) * 1000 + 1

    def _accept(self, listening: socket.socket, poll: select.poll) -> bool:
        """Takes one connection; returns False where the system has too little left for it."""
        try:
            accepted, place = listening.accept()
        except OSError as error:
            return error.errno not in _SCARCE
        if len(self._connections) >= self.limits.connections:
            _refuse(accepted, self.limits.connections)
            return True
        try:
            accepted.setblocking(True)
            address_lib.tune(accepted)
            connection = _Connection(self, accepted, place)
            connection.thread.start()
        except (OSError, RuntimeError):  # it has gone again, or there can be no more threads
            accepted.close()
            return False
        self._connections[connection.number] = connection
        poll.register(connection.number, _HANG_UP)
        return True

    def _pause(self, poll: select.poll, accepting: list[int], until: float) -> float:
        """Looks away from newcomers for a while, or back to them; returns the end of the pause."""
        over = time.monotonic() >= until
        for number in accepting:
            poll.register(number, select.POLLIN if over else 0)
        return 0.0 if over else until

    def _abandoned(self) -> list[RememberedCall]:
        calls = [connection.call for connection in self._connections.values()]
        return [call for call in calls if call is not None and call.abandoned is not None]

    def _cancel_abandoned(self) -> None:
        limit = time.monotonic() - self.limits.grace_seconds
        for call in self._abandoned():
            if call.abandoned is not None and call.abandoned <= limit:
                call.abandoned = None
                # A callback may take its time; this thread has none.
                threading.Thread(target=call.cancel, daemon=True).start()

    def finished(self, connection: _Connection) -> None:
        """Has the socket of a connection closed, whose thread is about to end."""
        self._finished.append(connection)
        self._wake()

    def _reap(self, poll: select.poll | None) -> None:
        while self._finished:
            connection = self._finished.popleft()
            self._connections.pop(connection.number, None)
            if poll is not None:
                with contextlib.suppress(KeyError):  # which one that hung up is no longer in it
                    poll.unregister(connection.number)
            connection.stream.close()
        self.memory.forget_old()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # a wake-up is on its way already, or nobody is there
            self._wake_in.send(b"w")

    def _close_sockets(self) -> None:
        for each in (*self._sockets, self._wake_in, self._wake_out):
            each.close()

    def _cancel(
        self, header: Header, tensors: list[Array], call: Call
    ) -> tuple[Header, Sequence[Array]]:
        """The method by which a client cancels one of its calls."""
        other = self.memory.find(call.client, int(header.get("request", -1)))
        if other is not None:
            other.cancel()
        return {}, []


class _Connection:
    """One connection, and the thread that serves it."""

    def __init__(self, listener: Listener, accepted: socket.socket, place: object) -> None:
        self.listener = listener
        peer = str(Address(*place[:2])) if isinstance(place, tuple) else "this machine"
        self.stream = Stream(accepted, peer)
        self.call: RememberedCall | None = None
        self.number = accepted.fileno()
        self._client = ""
        self._is_local = accepted.family == socket.AF_UNIX
        self._hung_up = False
        self._lock = threading.Lock()
        self.thread = threading.Thread(
            target=self._serve, name=f"minitf serves {peer}", daemon=True
        )

    def hung_up(self) -> None:
        """The other end is gone; a call under way may be on its way back, or nobody's any more."""
        with self._lock:
            self._hung_up = True
            if self.call is not None:
                self.call.leave()

    def _serve(self) -> None:
        try:
            self._client, is_first = self._admit()
            with self.listener.memory.connection(self._client, is_first):
                while self._serve_one():
                    pass
        except (Broken, TooLate):
            pass
        except BadFrame as error:
            self._say(errors.InvalidArgumentError(None, None, f"This is not a frame: {error}."))
        except (errors.OpError, MemoryError) as error:
            self._say(error)
        finally:
            self.stream.shut()
            self.listener.finished(self)

    def _admit(self) -> tuple[str, bool]:
        listener = self.listener
        until = time.monotonic() + listener.limits.handshake_seconds
        if listener.tls is not None and not self._is_local:
            self._encrypt(listener.tls, listener.limits.handshake_seconds)
        local = "" if self._is_local else listener.local_name
        return handshake.admit(self.stream, listener.identity, local, until, listener.limits)

    def _encrypt(self, tls: ssl.SSLContext, seconds: float) -> None:
        plain = self.stream.socket
        plain.settimeout(seconds)
        try:
            encrypted = tls.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
            self.stream = Stream(encrypted, self.stream.peer)
            encrypted.do_handshake()
        except (OSError, ValueError) as error:
            raise Broken(str(error)) from None

    def _place(self, kind: Kind, request: int, header: Header) -> Place | None:
        method = self.listener.methods.get(str(header.get("method")))
        place = method.place if method is not None and kind is Kind.REQUEST else None
        if place is None or self.listener.memory.find(self._client, request) is not None:
            return None  # what has come a second time must not touch what the first one brought
        return lambda envelope, specs: place(envelope.get("header", {}), specs)

    def _serve_one(self) -> bool:
        """Answers one request; returns False where the client has said good-bye."""
        listener = self.listener
        asked = frame.receive(self.stream, listener.limits, place=self._place)
        if asked.kind is Kind.BYE:
            listener.memory.forget(self._client)
            return False
        method, seconds, lowest = _read_request(asked)
        retried = bool(asked.flags & frame.RETRY)
        until = time.monotonic() + seconds
        try:
            _check_addressee(asked, listener.incarnation)
            call, new = listener.memory.begin(
                self._client, asked.request, lowest, retried, self.stream.peer, until
            )
        except errors.AbortedError as error:
            self._send(Answer(Kind.ERROR, failures.as_header(error)), asked, until)
            return True
        self._attend(call)
        try:
            if new:
                call.finish(_answer(listener.methods, method, asked, call))
            answer = call.wait()
        finally:
            self._attend(None)
        if answer is not None:
            self._send(answer, asked, time.monotonic() + listener.limits.stall_seconds)
        return True

    def _attend(self, call: RememberedCall | None) -> None:
        """From now on, this connection waits for the call; or for none."""
        with self._lock:
            before, self.call = self.call, call
            if self._hung_up:
                return
            if before is not None:
                before.leave()
            if call is not None:
                call.join()

    def _send(self, answer: Answer, asked: Frame, until: float) -> None:
        until += sum(tensor.nbytes for tensor in answer.tensors) / (
            self.listener.limits.slowest_bytes_per_second
        )
        try:
            buffers = frame.encode(
                answer.kind,
                answer.header,
                answer.tensors,
                request=asked.request,
                flags=asked.flags & frame.CHECKED,
            )
        except (TypeError, ValueError) as error:
            text = f"The answer of method {asked.header['method']!r} cannot be sent: {error}"
            header = failures.as_header(errors.InternalError(None, None, text))
            buffers = frame.encode(Kind.ERROR, header, request=asked.request)
        self.stream.send(buffers, until)

    def _say(self, error: BaseException) -> None:
        """Tells the other end why the connection is closed, if it listens."""
        header = failures.as_header(error)
        with contextlib.suppress(Broken, TooLate):
            frame.send(self.stream, Kind.ERROR, header, until=time.monotonic() + 1.0)


def _as_method(handler: Handler | Method) -> Method:
    return handler if isinstance(handler, Method) else Method(handler)


def _bind(wanted: Address, secret: bytes | None) -> list[socket.socket]:
    """The sockets for an address: one for each that its host stands for, all at one port."""
    try:
        if not secret and not wanted.is_loopback():
            raise errors.PermissionDeniedError(
                None,
                None,
                errors.report(
                    f"{wanted} can be reached from other machines, and there is no secret.",
                    do="set the environment variable MINITF_SECRET, to the same text in all tasks "
                    "of the cluster; or use a loopback address, such as localhost:2222.",
                ),
            )
        places = wanted.resolve()
    except OSError as error:
        raise _cannot_listen(wanted, error) from None
    sockets: list[socket.socket] = []
    port = wanted.port
    problem: OSError | None = None
    for family, place in places:
        each = socket.socket(family, socket.SOCK_STREAM)
        try:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            each.bind((place[0], port, *place[2:]))
        except OSError as error:
            each.close()
            problem = error
            if error.errno == errno.EADDRINUSE and wanted.port:
                break
            continue  # a family that this machine does not speak
        problem = None
        port = each.getsockname()[1]
        sockets.append(each)
    if problem is not None and (not sockets or problem.errno == errno.EADDRINUSE):
        for each in sockets:
            each.close()
        raise _cannot_listen(wanted, problem)
    return sockets


def _cannot_listen(wanted: Address, error: OSError) -> errors.OpError:
    return errors.UnavailableError(
        None,
        None,
        errors.report(
            f"Nothing can listen at {wanted}: {error.strerror or error}.",
            do="is another process of yours still running there? A task listens at its own "
            "address in the cluster, which must be one of this machine's.",
        ),
    )


def _read_request(asked: Frame) -> tuple[str, float, int]:
    """Method, seconds to the deadline and lowest number of a request."""
    header = asked.header
    method, seconds, lowest = (header.get(key) for key in ("method", "seconds", "lowest"))
    valid = (
        asked.kind is Kind.REQUEST
        and isinstance(method, str)
        and isinstance(seconds, (int, float))
        and seconds >= 0  # which NaN is not
        and type(lowest) is int
        and isinstance(header.get("header"), dict)
    )
    if not valid:
        raise BadFrame(f"this {asked.kind.name} is not a request")
    assert isinstance(seconds, (int, float)) and isinstance(lowest, int)
    return str(method), float(min(seconds, _LONGEST)), lowest


def _check_addressee(asked: Frame, me: str) -> None:
    """Refuses what was meant for the listener that was here before: nobody waits for it."""
    if asked.header.get("to") != me:
        raise errors.AbortedError(None, None, "This call is for a process that is gone.")


def _answer(methods: Mapping[str, Method], name: str, asked: Frame, call: RememberedCall) -> Answer:
    """What the handler says, be it an error."""
    try:
        if asked.refused is not None:
            raise asked.refused
        if name not in methods:
            raise errors.UnimplementedError(None, None, f"There is no method {name!r:.100} here.")
        header, tensors = methods[name].handle(asked.header["header"], asked.tensors, call)
        return Answer(Kind.REPLY, {"header": header}, tensors)
    except Exception as error:
        if not isinstance(error, errors.OpError):
            _log.exception("Method %r failed.", name)
        return Answer(Kind.ERROR, failures.as_header(error))


def _drain(wakes: socket.socket) -> None:
    with contextlib.suppress(OSError):
        wakes.recv(4096)


def _refuse(accepted: socket.socket, most: int) -> None:
    """Says that there are too many connections, if that is possible at once."""
    text = f"{most} connections are open here, and there may be no more."
    header = failures.as_header(errors.ResourceExhaustedError(None, None, text))
    with contextlib.suppress(OSError):
        accepted.setblocking(False)
        accepted.send(b"".join(frame.encode(Kind.ERROR, header)))
    accepted.close()
