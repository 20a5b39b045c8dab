"""With this module the two sides of the wire agree on what a call is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Header = dict[str, Any]  # JSON values: None, bool, int, float, str, list, dict with str keys

# From a header and the (dtype, shape) of each tensor that follows: the arrays to receive them
# into, or None for those that are to be allocated. An array must be writable and contiguous and
# have the announced dtype and shape. A frame that breaks off leaves it half written.
Place = Callable[
    [Header, Sequence[tuple[np.dtype[Any], tuple[int, ...]]]], "Sequence[Array | None]"
]


class Call(Protocol):
    """What a handler may know of the call that it answers, besides header and tensors."""

    @property
    def client(self) -> str:
        """The caller's incarnation: the same for all calls of one channel, new after a restart."""

    @property
    def peer(self) -> str:
        """Where the caller is, for messages: "127.0.0.1:40312", or "this machine"."""

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for the answer any more."""

    def remaining(self) -> float:
        """The seconds until the caller stops waiting."""

    def on_cancel(self, callback: Callable[[], None]) -> None:
        """Has `callback` called, from another thread, once nobody waits for the answer any more.

        That is: the caller cancelled the call, or its connection broke and it did not come back
        within `Limits.grace_seconds`. At once, where that is so already. A handler that blocks must
        use it to stop blocking.
        """


# (header, tensors, call) -> (header, tensors); or raises one of tf.errors. The arrays of the answer
# are sent from where they are, and may be sent again until the caller has acknowledged them.
Handler = Callable[[Header, list[Array], Call], tuple[Header, Sequence[Array]]]


@dataclass(frozen=True)
class Method:
    """A handler with a place for its tensors to be received into."""

    handle: Handler
    place: Place | None = None


@dataclass(slots=True)
class Reply:
    """The answer to a call.

    Attributes:
      header: JSON values.
      tensors: the arrays, writable; those that `into` gave where it gave some.
      incarnation: that of the listener that answered; it changes when its process restarts.
    """

    header: Header
    tensors: list[Array] = field(default_factory=list)
    incarnation: str = ""


@dataclass(frozen=True)
class Limits:
    """What a listener or a channel accepts; checked before any memory is taken.

    Attributes:
      header_bytes: the longest header of a frame.
      payload_bytes: the longest payload: all tensors of a frame.
      greeting_bytes: the longest frame of one who has not proved yet to know the secret.
      tensors: how many tensors a frame may have.
      connections: how many may be open at once.
      handshake_seconds: how long a newcomer may take to introduce itself.
      stall_seconds: how long a frame may take that has begun, until its header is there;
      slowest_bytes_per_second: ... and how much longer, for its payload.
      grace_seconds: how long a call survives its connection, for the caller to come back.
    """

    header_bytes: int = 1 << 20
    payload_bytes: int = 1 << 34
    greeting_bytes: int = 4096
    tensors: int = 65536
    connections: int = 4096
    handshake_seconds: float = 10.0
    stall_seconds: float = 30.0
    slowest_bytes_per_second: float = 1e5
    grace_seconds: float = 2.0
