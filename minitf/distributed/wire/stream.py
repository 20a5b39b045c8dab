"""With this module one can move bytes between memory and a socket, all of them, by a deadline.

Bytes go out with `sendmsg` and come in with `recvmsg_into`: from and into a list of buffers, with
no copy between, and in few calls of the system. What has come beyond what was asked for, as the
header does behind the first bytes of a frame, is kept for the next one who asks.

A thread that goes to sleep until an answer comes must be woken, which takes longer than a small
answer does. So where the last frame came soon, the next one is looked out for first, for a moment,
with all who want the processor going before.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
import time
from collections.abc import Sequence

# The system takes no more buffers than these at a time.
_BUFFERS = 512
# So much is read ahead: a small frame at a stroke.
_AHEAD = 4096
# A frame comes soon that comes within so many seconds; so long is it looked out for.
_SOON = 0.0002
# One thread of a process at a time does so: others would only keep it from its work.
_LOOKOUT = threading.Lock()
FOREVER = float("inf")
_LONGEST = 1e6  # seconds; the system does not take any number


class Broken(Exception):
    """The connection ended before all bytes were through."""


class TooLate(Exception):
    """The deadline passed before all bytes were through."""


class Stream:
    """A connected socket, as a sequence of bytes each way.

    Deadlines are times of `time.monotonic()`.

    Args:
      connection: the socket; the stream owns it.
      peer: who is at the other end, for messages.
    """

    def __init__(self, connection: socket.socket, peer: str = "") -> None:
        self.socket = connection
        self.peer = peer
        # Sockets under TLS know neither sendmsg nor recvmsg_into, and wait by themselves.
        self._plain = type(connection) is socket.socket
        if self._plain:
            connection.setblocking(False)
        self._incoming = select.poll()
        self._number = connection.fileno()
        self._incoming.register(self._number, select.POLLIN)
        self._room = memoryview(bytearray(_AHEAD))
        self._ahead = self._room[:0]  # what has been read ahead
        self._comes_soon = False

    def send(self, buffers: Sequence[memoryview], until: float) -> None:
        """Sends the bytes of all buffers.

        Raises:
          Broken: if the other end is gone.
          TooLate: if the deadline passes first.
        """
        left = list(buffers)
        while left:
            seconds = _left(until)
            try:
                if self._plain:
                    count = self.socket.sendmsg(left[:_BUFFERS])
                else:
                    self.socket.settimeout(seconds)
                    count = self.socket.send(left[0])
            except BlockingIOError:
                self._wait_for_room(until)
                continue
            except TimeoutError:
                raise TooLate from None
            except (OSError, ValueError) as error:
                raise Broken(str(error)) from None
            _advance(left, count)

    def receive(self, buffers: Sequence[memoryview], until: float) -> None:
        """Fills all buffers.

        Raises:
          Broken: if the connection ends first.
          TooLate: if the deadline passes first.
        """
        left = list(buffers)
        while left:
            if self._ahead:
                count = self._take(left[0])
            else:
                count = self._receive_some(left[:_BUFFERS], until)
            _advance(left, count)

    def receive_some(self, buffer: memoryview, until: float) -> int:
        """Waits for bytes, and puts what is there into the buffer; returns how many they are.

        Raises: as `receive`.
        """
        if self._ahead:
            return self._take(buffer)
        if not self._plain:
            return self._receive_some([buffer], until)
        begun = time.monotonic()
        if self._comes_soon:
            self._look_out(min(begun + _SOON, until))
        count = self._receive_some([buffer, self._room], until)
        self._comes_soon = time.monotonic() - begun < _SOON
        self._ahead = self._room[: max(count - len(buffer), 0)]
        return min(count, len(buffer))

    def _take(self, buffer: memoryview) -> int:
        """Moves what has been read ahead; returns how many bytes."""
        count = min(len(buffer), len(self._ahead))
        buffer[:count] = self._ahead[:count]
        self._ahead = self._ahead[count:]
        return count

    def _receive_some(self, buffers: list[memoryview], until: float) -> int:
        try:
            if self._plain:
                self._wait_for_bytes(until)
                count = self.socket.recvmsg_into(buffers)[0]
            else:
                self.socket.settimeout(_left(until))
                count = self.socket.recv_into(buffers[0])
        except BlockingIOError:  # there was nothing after all
            return self._receive_some(buffers, until)
        except TimeoutError:
            raise TooLate from None
        except (OSError, ValueError) as error:
            raise Broken(str(error)) from None
        if count == 0:
            raise Broken("it was closed")
        return count

    def _wait_for_bytes(self, until: float) -> None:
        """Waits until bytes are there, or the end of them."""
        while not self._incoming.poll(_milliseconds(until)):
            pass

    def _look_out(self, until: float) -> None:
        """Waits for bytes without going to sleep, if no other thread does so."""
        if _LOOKOUT.acquire(blocking=False):
            try:
                while not self._incoming.poll(0) and time.monotonic() < until:
                    os.sched_yield()  # who sends may be on the same core
            finally:
                _LOOKOUT.release()

    def _wait_for_room(self, until: float) -> None:
        """Waits until the other end has taken some of what was sent."""
        outgoing = select.poll()
        outgoing.register(self._number, select.POLLOUT)
        while not outgoing.poll(_milliseconds(until)):
            pass

    def is_quiet(self) -> bool:
        """Whether the connection is open and nothing has come: it can be used for a new call."""
        try:
            return not self._ahead and not self._incoming.poll(0)
        except OSError:
            return False

    def shut(self) -> None:
        """Ends the connection: whoever waits in `send` or `receive`, on either side, is Broken."""
        with contextlib.suppress(OSError):  # it may have ended already
            self.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Gives the socket back to the system. Nobody may be waiting for it."""
        self.socket.close()


def _advance(buffers: list[memoryview], count: int) -> None:
    """Removes so many bytes from the front of the buffers, and buffers that are empty then."""
    done = 0
    while done < len(buffers) and count >= len(buffers[done]):
        count -= len(buffers[done])
        done += 1
    del buffers[:done]
    if count:
        buffers[0] = buffers[0][count:]


def _left(until: float) -> float | None:
    """The seconds until a deadline; None where there is none.

    Raises:
      TooLate: if it is over.
    """
    if until == FOREVER:
        return None
    left = until - time.monotonic()
    if left <= 0:
        raise TooLate
    return min(left, _LONGEST)


def _milliseconds(until: float) -> float | None:
    left = _left(until)
    return None if left is None else left * 1000
