"""With this module a process calls the methods of another: see `Channel`.

A call has a connection to itself, out of a pool: the thread that calls sends the request and
receives the answer straight into place, nothing is handed from thread to thread, and a call that
takes long holds up no other.
"""

from __future__ import annotations

import contextlib
import itertools
import random
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from types import TracebackType

from minitf.distributed.wire import address as address_lib
from minitf.distributed.wire import failures, frame, handshake
from minitf.distributed.wire.address import Address
from minitf.distributed.wire.codec import BadFrame
from minitf.distributed.wire.failures import FindOp
from minitf.distributed.wire.frame import Frame, Kind
from minitf.distributed.wire.handshake import Identity
from minitf.distributed.wire.interface import Array, Header, Limits, Place, Reply
from minitf.distributed.wire.stream import Broken, Stream, TooLate
from minitf.framework import errors

_IDLE = 16  # connections kept for later calls
_IDLE_SECONDS = 60.0  # for which one is kept that nobody needs
_RETURN_SECONDS = 1.0  # for which a listener that was there may be away before a call fails
_BAD_FRAMES = 4  # damaged ones that are borne in a call
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.01, 0.5  # between two attempts to connect


class Cancellation:
    """Lets another thread end a call.

    >>> cancellation = Cancellation()
    >>> cancellation.cancel()
    >>> cancellation.cancelled
    True
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pending: _Pending | None = None
        self.cancelled = False

    def cancel(self) -> None:
        """Makes the call raise CancelledError, now or as soon as it begins."""
        with self._lock:
            self.cancelled = True
            pending = self._pending
        if pending is not None:
            pending.fail(_cancelled())

    def _begin(self, pending: _Pending) -> None:
        with self._lock:
            self._pending = pending
            cancelled = self.cancelled
        if cancelled:
            pending.fail(_cancelled())


class _Pending:
    """A call under way: what another thread needs to end it."""

    def __init__(self, request: int, ended: threading.Condition) -> None:
        self.request = request
        self.error: errors.OpError | None = None
        self._lock = ended  # one for all calls of a channel: it is held for moments
        self._stream: Stream | None = None

    def uses(self, stream: Stream | None) -> None:
        """From now on the call waits for this connection.

        Raises:
          OpError: if it has been ended.
        """
        with self._lock:
            self._stream = stream
            self.check()

    def check(self) -> None:
        """Raises the error that ended the call, if one did."""
        if self.error is not None:
            raise self.error

    def pause(self, seconds: float) -> None:
        """Waits, but not for a call that is ended meanwhile."""
        with self._lock:
            self._lock.wait_for(lambda: self.error is not None, seconds)
            self.check()

    def fail(self, error: errors.OpError) -> None:
        """Ends the call with an error."""
        with self._lock:
            if self.error is None:
                self.error = error
            self._lock.notify_all()
            if self._stream is not None:
                self._stream.shut()


class Channel:
    """Calls the methods that a `Listener` offers. Any number of threads may call at once.

    Nothing is connected before the first call.

    Args:
      address: "host:port" of the listener.
      secret: what both sides must prove to know.
      cluster: a fingerprint of the cluster, which must be the listener's, where both have one.
      task: the name of the task that should be there, "/job:ps/task:0"; likewise.
      limits: what is accepted from the listener.
      local: whether to change to a Unix socket where the listener is on this machine.
      tls: for encrypted connections: a context that trusts the listener's certificate.
      patience: after so many seconds without an answer the call is sent once more, over a new
        connection, in case the old one leads nowhere; then after twice as many, and so on.

    Raises:
      InvalidArgumentError: if the address is none.
    """

    def __init__(
        self,
        address: str,
        *,
        secret: bytes | None = None,
        cluster: str = "",
        task: str = "",
        limits: Limits | None = None,
        local: bool = True,
        tls: ssl.SSLContext | None = None,
        patience: float = 5.0,
    ) -> None:
        self.address = Address.parse(address)
        self.limits = limits or Limits()
        self.identity = Identity(handshake.new_incarnation(), cluster, task, secret)
        self.where = f"{task}, {self.address}" if task else str(self.address)
        self.last_heard: float | None = None  # time.monotonic() of the last bytes that came
        self._may_be_local = local and address_lib.LOCAL_SOCKETS and tls is None
        self._local_name = ""
        self._tls = tls
        self.patience = patience
        self._lock = threading.Lock()
        # Connections with the incarnation at the other end, and since when nobody uses them.
        self._idle: list[tuple[Stream, str, float]] = []
        self._ended = threading.Condition()
        self._numbers = itertools.count(1)
        self._pending: dict[int, _Pending] = {}
        self._closed = False

    def call(
        self,
        method: str,
        header: Header | None = None,
        tensors: Sequence[Array] = (),
        *,
        deadline: float,
        into: Place | None = None,
        cancellation: Cancellation | None = None,
        find_op: FindOp | None = None,
        checksum: bool = False,
    ) -> Reply:
        """Calls a method and waits for its answer.

        The call is executed once, however often it has to be sent. Where nobody listens yet, it
        waits for the listener to come up.

        Args:
          method: its name.
          header: JSON values for the handler.
          tensors: arrays for the handler; they must not change until the answer is there.
          deadline: the longest time to wait, in seconds.
          into: gives the arrays to receive the answer's tensors into.
          cancellation: ends the call from another thread.
          find_op: gives the op of a name, for the message of an error that names one.
          checksum: whether the tensors, both ways, are checked against damage.

        Raises:
          DeadlineExceededError: if there is no answer in time.
          UnavailableError: if the listener was there and is gone.
          AbortedError: if it has been started anew during the call, so that nobody knows whether
            the call was executed.
          CancelledError: if the call was cancelled or the channel closed.
          OpError: what the handler raised, or `into`.
        """
        pending = self._begin(cancellation)
        attempt = _Attempt(self, pending, method, time.monotonic(), deadline)
        try:
            flags = frame.CHECKED if checksum else 0
            asked = {"method": method, "header": header or {}}
            reply, incarnation = attempt.run(asked, tensors, flags, into)
        except errors.CancelledError:
            self._cancel_there(pending.request, method)
            raise
        finally:
            with self._lock:
                del self._pending[pending.request]
        if reply.refused is not None:
            raise reply.refused
        if reply.kind is Kind.ERROR:
            raise failures.from_header(reply.header, self.where, find_op)
        answer = reply.header.get("header")
        return Reply(answer if isinstance(answer, dict) else {}, reply.tensors, incarnation)

    def abort(self, error: errors.OpError) -> None:
        """Ends all calls under way with an error; later ones are not concerned."""
        with self._lock:
            pending = list(self._pending.values())
        for each in pending:
            each.fail(error)

    def close(self) -> None:
        """Closes all connections; calls under way raise CancelledError."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            idle, self._idle = self._idle, []
        self.abort(_closed(self.where))
        for stream, *_ in idle:
            with contextlib.suppress(Broken, TooLate):
                frame.send(stream, Kind.BYE, {}, until=time.monotonic() + 0.5)
            stream.close()

    def __enter__(self) -> Channel:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # ---- calls and connections

    def _begin(self, cancellation: Cancellation | None) -> _Pending:
        with self._lock:
            if self._closed:
                raise _closed(self.where)
            pending = _Pending(next(self._numbers), self._ended)
            self._pending[pending.request] = pending
        if cancellation is not None:
            cancellation._begin(pending)
        return pending

    def lowest(self) -> int:
        """The lowest number of a call that still waits: older answers may be forgotten."""
        with self._lock:
            return min(self._pending)

    def _cancel_there(self, request: int, method: str) -> None:
        """Tells the listener, too, that a call was cancelled, if that is quickly done."""
        if method != "_cancel" and not self._closed and self.last_heard is not None:
            with contextlib.suppress(errors.OpError):
                self.call("_cancel", {"request": request}, deadline=1.0)

    def take(self) -> tuple[Stream, str] | None:
        """A connection that nobody uses, if there is one."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                stream, incarnation, _ = self._idle.pop()
            if stream.is_quiet():
                return stream, incarnation
            stream.close()

    def give(self, stream: Stream, incarnation: str) -> None:
        """Takes a connection back whose call is answered; closes those that are too many."""
        with self._lock:
            now = time.monotonic()  # taken here, so that the oldest comes first
            self._idle.append((stream, incarnation, now))
            kept = [idle for idle in self._idle[-_IDLE:] if now - idle[2] < _IDLE_SECONDS]
            kept = [] if self._closed else kept
            dropped = self._idle[: len(self._idle) - len(kept)]
            self._idle = kept
        for each, *_ in dropped:
            each.close()

    def connect(self, pending: _Pending, until: float) -> tuple[Stream, str]:
        """A new connection, and the incarnation of the listener at its other end.

        Raises:
          OSError, BadFrame, Broken, TooLate: if there is none.
          OpError: if the two do not belong together.
        """
        if self._local_name:
            with contextlib.suppress(OSError, Broken):
                seconds = max(until - time.monotonic(), 0.001)
                local = address_lib.connect_locally(self._local_name, seconds)
                return self._greet(Stream(local, self.where), pending, until)[:2]
            self._local_name = ""  # that listener is gone; a new one has another name
        stream, incarnation, name = self._greet(self._dial(until), pending, until)
        if name and self._may_be_local:
            self._local_name = name
            with contextlib.suppress(OSError, Broken):
                local = address_lib.connect_locally(name, max(until - time.monotonic(), 0.001))
                better = self._greet(Stream(local, self.where), pending, until)
                stream.close()
                return better[:2]
            self._may_be_local = False
            self._local_name = ""
        return stream, incarnation

    def _dial(self, until: float) -> Stream:
        """A connection over the network, before any word is said."""
        problem: OSError = ConnectionRefusedError("the host has no address")
        for family, place in self.address.resolve():
            plain = socket.socket(family, socket.SOCK_STREAM)
            try:
                plain.settimeout(max(until - time.monotonic(), 0.001))
                address_lib.tune(plain)
                plain.connect(place)
                if plain.getsockname() == plain.getpeername():
                    raise ConnectionRefusedError("connected to itself")
                if self._tls is not None:
                    plain = self._tls.wrap_socket(plain, server_hostname=self.address.host)
                return Stream(plain, self.where)
            except ssl.SSLCertVerificationError as error:
                plain.close()
                text = f"{self.where} has a certificate that is not trusted: {error.verify_message}"
                raise errors.UnauthenticatedError(None, None, errors.report(text)) from None
            except OSError as error:
                plain.close()
                problem = error
        raise problem

    def _greet(self, stream: Stream, pending: _Pending, until: float) -> tuple[Stream, str, str]:
        try:
            pending.uses(stream)
            is_first = self.last_heard is None
            welcome = handshake.greet(stream, self.identity, until, self.limits, is_first)
        except BaseException:
            stream.close()
            raise
        self.last_heard = time.monotonic()
        return stream, welcome["incarnation"], str(welcome.get("local", ""))


class _Attempt:
    """One call, from its first attempt to its answer."""

    def __init__(
        self, channel: Channel, pending: _Pending, method: str, start: float, deadline: float
    ) -> None:
        self._channel = channel
        self._pending = pending
        self._method = method
        self._start = start
        self._deadline = deadline
        self._until = start + deadline
        self._sent_to = ""  # the incarnation that may have received the request
        self._state = "nothing was sent"
        self._open: list[Stream] = []
        self._bad = 0

    def run(
        self, asked: Header, tensors: Sequence[Array], flags: int, into: Place | None
    ) -> tuple[Frame, str]:
        """Sends the request until it is answered; returns the answer and who gave it."""
        patience = self._channel.patience
        found = self._channel.take()
        pause = _SHORTEST_PAUSE
        try:
            while True:
                try:
                    stream, incarnation = found or self._connect()
                    found = None
                    self._send(stream, incarnation, asked, tensors, flags)
                    wait = min(self._until, time.monotonic() + patience)
                    answer = self._receive(stream, into, wait)
                    self._pending.uses(None)
                    self._open.remove(stream)
                    self._channel.give(stream, incarnation)
                    return answer, incarnation
                except TooLate:
                    patience *= 2
                except (Broken, BadFrame) as error:
                    self._note(f"the connection broke: {error}", isinstance(error, BadFrame))
                    self._pause(pause)
                    pause = min(2 * pause, _LONGEST_PAUSE)
                self._check()
        finally:
            for stream in self._open:
                stream.close()

    def _connect(self) -> tuple[Stream, str]:
        """A new connection; waits for a listener that is not there yet."""
        pause, first = _SHORTEST_PAUSE, time.monotonic()
        while True:
            try:
                return self._channel.connect(self._pending, self._until)
            except TooLate:
                self._note("it has accepted the connection, and said nothing")
            except OSError as error:
                self._note(f"nobody listens there: {error.strerror or error}")
            except (Broken, BadFrame, errors.InvalidArgumentError) as error:
                self._note(f"it does not greet: {error}", not isinstance(error, Broken))
            self._check()
            was_there = self._channel.last_heard is not None
            if was_there and time.monotonic() - first > _RETURN_SECONDS:
                raise errors.UnavailableError(None, None, self._gone())
            self._pause(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _send(
        self,
        stream: Stream,
        incarnation: str,
        asked: Header,
        tensors: Sequence[Array],
        flags: int,
    ) -> None:
        """Sends the request; then connections that it was sent over before are given up."""
        given_up, self._open = self._open, [*self._open, stream]
        if self._sent_to not in ("", incarnation):
            raise errors.AbortedError(None, None, self._restarted())
        self._pending.uses(stream)
        flags |= frame.RETRY if self._sent_to else 0
        seconds = max(self._until - time.monotonic(), 0.0)
        lowest = self._channel.lowest()
        header = {**asked, "to": incarnation, "seconds": seconds, "lowest": lowest}
        buffers = frame.encode(
            Kind.REQUEST, header, tensors, request=self._pending.request, flags=flags
        )
        frame.check_limits(buffers, self._channel.limits, self._method)
        self._sent_to = incarnation
        self._state = "the request was sent"
        stream.send(buffers, self._until)
        for each in given_up:
            each.close()
            self._open.remove(each)

    def _receive(self, stream: Stream, into: Place | None, until: float) -> Frame:
        mine = self._pending.request

        def place(kind: Kind, request: int, header: Header) -> Place | None:
            if into is None or kind is not Kind.REPLY or request != mine:
                return None
            return lambda envelope, specs: into(envelope.get("header", {}), specs)

        while True:
            limits = self._channel.limits
            answer = frame.receive(stream, limits, until=until, latest=self._until, place=place)
            self._channel.last_heard = time.monotonic()
            if answer.kind not in (Kind.REPLY, Kind.ERROR):
                raise BadFrame(f"a {answer.kind.name} came where an answer was due")
            if answer.request == mine:
                return answer
            if answer.request == 0:  # it is about the connection, which is at its end
                raise BadFrame(str(answer.header.get("message")))

    # ---- what went wrong

    def _note(self, state: str, is_bad: bool = False) -> None:
        self._state = state
        self._bad += is_bad
        if self._bad > _BAD_FRAMES:
            raise errors.FailedPreconditionError(
                None,
                None,
                errors.report(
                    f"What listens at {self._channel.where} does not understand minitf.",
                    facts=state,
                    do="is another program using that port?",
                ),
            )

    def _check(self) -> None:
        """Raises the error that ended the call, or that its deadline is over."""
        self._pending.check()
        if time.monotonic() >= self._until:
            raise errors.DeadlineExceededError(
                None,
                None,
                errors.report(
                    f"No answer from {self._channel.where} to {self._method!r} within "
                    f"{self._deadline:.4g} s.",
                    facts=self._facts(),
                    do="is that task running, and can it be reached at that address? Processes "
                    "may start in any order, but all of them must.",
                ),
            )

    def _pause(self, seconds: float) -> None:
        """Waits a little; not always as long, so that many callers do not come back at once."""
        left = max(self._until - time.monotonic(), 0.0)
        self._pending.pause(min(seconds * random.uniform(0.5, 1.0), left))

    def _facts(self) -> str:
        heard = self._channel.last_heard
        if heard is None:
            last = "it has never been heard of"
        else:
            ago = time.monotonic() - heard
            last = f"it was heard of last at {failures.clock(heard)}, {ago:.1f} s ago"
        return f"waiting since {failures.clock(self._start)}; {self._state}; {last}"

    def _gone(self) -> str:
        return errors.report(
            f"{self._channel.where} is gone.",
            facts=self._facts(),
            do="start that task again; training goes on from the last checkpoint.",
        )

    def _restarted(self) -> str:
        return errors.report(
            f"{self._channel.where} was started anew during {self._method!r}.",
            facts="it is not known whether the call was executed, and what was in memory is lost",
            do="make a new session; training goes on from the last checkpoint.",
        )


def _cancelled() -> errors.OpError:
    return errors.CancelledError(None, None, "The call was cancelled.")


def _closed(where: str) -> errors.OpError:
    return errors.CancelledError(None, None, f"The channel to {where} is closed.")
