"""With this module one can move bytes between memory and a socket, all of them, by a deadline.

Bytes go out with `sendmsg` and come in with `recvmsg_into`: from and into a list of buffers, with
no copy between, and in few calls of the system.
"""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections.abc import Sequence

# The system takes no more buffers than these at a time.
_BUFFERS = 512
FOREVER = float("inf")
_LONGEST = 1e7  # seconds; the system does not take any number


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
        # Sockets under TLS know neither sendmsg nor recvmsg_into.
        self._plain = type(connection) is socket.socket

    def send(self, buffers: Sequence[memoryview], until: float) -> None:
        """Sends the bytes of all buffers.

        Raises:
          Broken: if the other end is gone.
          TooLate: if the deadline passes first.
        """
        left = list(buffers)
        while left:
            self._wait_until(until)
            try:
                if self._plain:
                    count = self.socket.sendmsg(left[:_BUFFERS])
                else:
                    count = self.socket.send(left[0])
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
            _advance(left, self._receive_some(left, until))

    def receive_some(self, buffer: memoryview, until: float) -> int:
        """Waits for bytes, and puts what is there into the buffer; returns how many they are.

        Raises: as `receive`.
        """
        return self._receive_some([buffer], until)

    def _receive_some(self, buffers: list[memoryview], until: float) -> int:
        self._wait_until(until)
        try:
            if self._plain and len(buffers) > 1:
                count = self.socket.recvmsg_into(buffers[:_BUFFERS])[0]
            else:
                count = self.socket.recv_into(buffers[0])
        except TimeoutError:
            raise TooLate from None
        except (OSError, ValueError) as error:
            raise Broken(str(error)) from None
        if count == 0:
            raise Broken("it was closed")
        return count

    def _wait_until(self, until: float) -> None:
        if until == FOREVER:
            self.socket.settimeout(None)
            return
        left = until - time.monotonic()
        if left <= 0:
            raise TooLate
        self.socket.settimeout(min(left, _LONGEST))

    def is_quiet(self) -> bool:
        """Whether the connection is open and nothing has come: it can be used for a new call."""
        try:
            poll = select.poll()
            poll.register(self.socket, select.POLLIN)
            return not poll.poll(0)
        except (OSError, ValueError):
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
