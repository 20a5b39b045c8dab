"""With this module one can read and write the addresses of tasks: `localhost:2222`, `[::1]:0`."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import sys
from dataclasses import dataclass

from minitf.framework import errors

# Addresses of the kernel's own list of sockets (Linux): no file, and gone with the process.
LOCAL_SOCKETS = sys.platform == "linux"

_EXAMPLES = "An address is a host and a port: localhost:2222, 10.0.0.7:2222 or [fe80::7]:2222."


@dataclass(frozen=True)
class Address:
    """A host and a port.

    >>> Address.parse("[::1]:2222")
    Address(host='::1', port=2222)
    >>> str(Address.parse("grpc://localhost:2222")), str(Address("::1", 80))
    ('localhost:2222', '[::1]:80')
    """

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """Reads an address; the `grpc://` of TensorFlow's targets may stand before it.

        Raises:
          InvalidArgumentError: if it is none.
        """
        bare = text.partition("://")[2] if "://" in text else text
        host, colon, port = bare.rpartition(":")
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        elif ":" in host:
            host = ""  # an IPv6 address without its brackets: where does the port begin?
        number = int(port) if port.isascii() and port.isdigit() else -1
        if not (host and colon and 0 <= number < 65536):
            raise errors.InvalidArgumentError(
                None, None, errors.report(f"{text!r} is not the address of a task.", do=_EXAMPLES)
            )
        return cls(host, number)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def resolve(self) -> list[tuple[int, tuple[str, int]]]:
        """Families and addresses as sockets take them.

        MINITF_HOSTS may say where hosts are that a script names: "pc-01=127.0.0.1,pc-02=10.0.0.7".

        Raises:
          OSError: if the host is unknown.
          ValueError: if MINITF_HOSTS is not written like that.
        """
        host = _hosts(os.environ.get("MINITF_HOSTS", "")).get(self.host, self.host)
        found = socket.getaddrinfo(host, self.port, type=socket.SOCK_STREAM)
        return [(family, place) for family, _, _, _, place in found]  # type: ignore[misc]

    def is_loopback(self) -> bool:
        """Whether only this machine can reach it: all that the host stands for is loopback."""
        places = [str(place[0]).partition("%")[0] for _, place in self.resolve()]
        return all(ipaddress.ip_address(place).is_loopback for place in places)


def _hosts(text: str) -> dict[str, str]:
    """Names and where they are.

    >>> _hosts("pc-01=127.0.0.1,pc-02=10.0.0.7")
    {'pc-01': '127.0.0.1', 'pc-02': '10.0.0.7'}
    """
    places = {}
    for pair in filter(None, text.split(",")):
        name, _, place = (part.strip() for part in pair.partition("="))
        if not (name and place):
            raise errors.value_error(
                f"MINITF_HOSTS says where hosts are, but {pair!r} is not NAME=ADDRESS.",
                do="write it as in MINITF_HOSTS=pc-01=127.0.0.1,pc-02=10.0.0.7",
            )
        places[name] = place
    return places


def new_local_name() -> str:
    """A name for a socket in the kernel's list, which nobody can guess."""
    return f"minitf-{os.urandom(16).hex()}"


def connect_locally(name: str, seconds: float) -> socket.socket:
    """Connects to the socket of that name on this machine.

    Raises:
      OSError: if there is none, as on any other machine than the listener's.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(seconds)
        connection.connect("\0" + name)
    except BaseException:
        connection.close()
        raise
    return connection


def tune(connection: socket.socket) -> None:
    """Small frames leave at once, and a machine that is gone is noticed within half a minute."""
    if connection.family == socket.AF_UNIX:
        return
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    options = {
        "TCP_KEEPIDLE": 10,  # seconds of silence before the first question
        "TCP_KEEPINTVL": 5,  # between questions
        "TCP_KEEPCNT": 4,
        "TCP_USER_TIMEOUT": 30_000,  # milliseconds for which sent bytes may stay unacknowledged
    }
    for name, value in options.items():
        if hasattr(socket, name):
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
