"""With this module two processes make sure whom they talk to, before anything else is said.

    client                                       listener
    HELLO      who I am, whom I want, nonce  ->
                                             <-  CHALLENGE  nonce        where there is a secret
    PROOF      HMAC of all that, as client   ->
                                             <-  WELCOME    who I am, HMAC of all that, as listener

Either side proves to know the secret without saying it: the proof is the HMAC-SHA256, under the
secret, of everything that both have said, and of whose proof it is. Both have put a random number
in, so what was recorded once cannot be used again, and a proof cannot be sent back to its maker.
Proofs are compared in a time that does not depend on where they differ. The listener speaks of
itself only after the client's proof.

What is said afterwards is neither encrypted nor signed; for networks where somebody might listen
in or interfere there is TLS, see `Listener`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from dataclasses import dataclass
from typing import Any

from minitf.distributed.wire import failures, frame
from minitf.distributed.wire.codec import BadFrame
from minitf.distributed.wire.frame import Kind
from minitf.distributed.wire.interface import Header, Limits
from minitf.distributed.wire.stream import Stream
from minitf.framework import errors

PROTOCOL = 1
_NONCE_LENGTH = 32


@dataclass(frozen=True)
class Identity:
    """Who a process is, or whom it wants to talk to.

    Attributes:
      incarnation: a random text, new with each process.
      cluster: a fingerprint of the cluster; empty where it does not matter.
      task: "/job:ps/task:0"; empty where it does not matter.
      secret: what only the processes of the cluster know; None where everybody may come in.
    """

    incarnation: str
    cluster: str = ""
    task: str = ""
    secret: bytes | None = None


def new_incarnation() -> str:
    """A random text that no other process has."""
    return secrets.token_hex(16)


def secret_from_environment() -> bytes | None:
    """The secret that MINITF_SECRET has, or the file of which it says "@path"; None without one.

    Raises:
      FailedPreconditionError: if the file cannot be read, or there is nothing in it.
    """
    text = os.environ.get("MINITF_SECRET", "")
    if not text.startswith("@"):
        return text.encode() or None
    problem = "it is empty"
    try:
        with open(text[1:], "rb") as file:
            secret = file.read().strip()
        if secret:
            return secret
    except OSError as error:
        problem = str(error.strerror)
    raise errors.FailedPreconditionError(
        None,
        None,
        errors.report(
            f"The cluster's secret should be in the file {text[1:]!r}: {problem}.",
            do="MINITF_SECRET is the secret itself, or @ and the path of a file that has it.",
        ),
    )


def greet(
    stream: Stream, me: Identity, until: float, limits: Limits, is_first: bool = False
) -> Header:
    """The client's part: returns what the listener says of itself.

    Args:
      stream: the new connection.
      me: who the client is, and whom it looks for.
      until: when the listener must be done.
      limits: how long its frames may be.
      is_first: whether no listener has ever let this client in.

    Raises:
      UnauthenticatedError: if one of the two does not know the secret.
      FailedPreconditionError: if the listener is another task or of another cluster.
      BadFrame, Broken, TooLate: if it does not talk like a listener.
    """
    nonce = secrets.token_hex(_NONCE_LENGTH // 2)
    hello = {
        "protocol": PROTOCOL,
        "client": me.incarnation,
        "cluster": me.cluster,
        "task": me.task,
        "nonce": nonce,
        "first": is_first,
    }
    frame.send(stream, Kind.HELLO, hello, until=until)
    answer = _receive(stream, until, limits)
    said: list[Header] = [hello]
    if answer.kind is Kind.CHALLENGE:
        if me.secret is None:
            raise _unauthenticated(f"{stream.peer} asks for the cluster's secret.")
        said.append(answer.header)
        proof = {"proof": _proof(me.secret, "client", said)}
        frame.send(stream, Kind.PROOF, proof, until=until)
        answer = _receive(stream, until, limits)
    if answer.kind is not Kind.WELCOME:
        raise BadFrame(f"a {answer.kind.name} came where a welcome was due")
    welcome = answer.header
    if me.secret is not None:
        expected = _proof(me.secret, "listener", said)
        if len(said) < 2 or not _same(expected, welcome.get("proof")):
            raise _unauthenticated(f"{stream.peer} did not prove to know the cluster's secret.")
    if not isinstance(welcome.get("incarnation"), str):
        raise BadFrame("the welcome does not say who speaks")
    return welcome


def admit(
    stream: Stream, me: Identity, local: str, until: float, limits: Limits
) -> tuple[str, bool]:
    """The listener's part: returns the incarnation of the client, who may come in, and whether no
    listener has ever let it in before.

    Args:
      stream: the new connection.
      me: who the client should want to talk to.
      local: the name of the socket by which a client on this machine can come too, or "".
      until: when the client must be done.
      limits: how long its frames may be.

    Raises:
      UnauthenticatedError, FailedPreconditionError, BadFrame, Broken, TooLate: if it may not.
    """
    hello = _read_hello(frame.receive(stream, limits, until=until, greeting=True))
    said = [hello]
    if me.secret is not None:
        challenge = {"nonce": secrets.token_hex(_NONCE_LENGTH // 2)}
        frame.send(stream, Kind.CHALLENGE, challenge, until=until)
        said.append(challenge)
        answer = frame.receive(stream, limits, until=until, greeting=True)
        expected = _proof(me.secret, "client", said)
        if answer.kind is not Kind.PROOF or not _same(expected, answer.header.get("proof")):
            raise _unauthenticated("The caller did not prove to know the cluster's secret.")
    _compare("cluster", hello["cluster"], me.cluster)
    _compare("task", hello["task"], me.task)
    welcome: Header = {"incarnation": me.incarnation, "task": me.task, "local": local}
    if me.secret is not None:
        welcome["proof"] = _proof(me.secret, "listener", said)
    frame.send(stream, Kind.WELCOME, welcome, until=until)
    return str(hello["client"]), hello.get("first") is True


def _receive(stream: Stream, until: float, limits: Limits) -> frame.Frame:
    answer = frame.receive(stream, limits, until=until, greeting=True)
    if answer.kind is Kind.ERROR:
        raise failures.from_header(answer.header, stream.peer)
    return answer


def _read_hello(hello: frame.Frame) -> Header:
    header = hello.header
    if hello.kind is not Kind.HELLO:
        raise BadFrame(f"a {hello.kind.name} came where a hello was due")
    if header.get("protocol") != PROTOCOL:
        raise BadFrame(f"it speaks protocol {header.get('protocol')!r:.20}, not {PROTOCOL}")
    texts = [header.get(key) for key in ("client", "cluster", "task", "nonce")]
    if not all(isinstance(text, str) and len(text) <= 256 for text in texts):
        raise BadFrame("the hello does not say who speaks")
    if len(header["nonce"]) != _NONCE_LENGTH or not header["client"]:
        raise BadFrame("the hello does not say who speaks")
    return header


def _proof(secret: bytes, role: str, said: list[Header]) -> str:
    text = json.dumps([role, *said], sort_keys=True, separators=(",", ":"))
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()


def _same(expected: str, given: Any) -> bool:
    if not isinstance(given, str):
        return False
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))


def _compare(what: str, wanted: str, mine: str) -> None:
    if wanted and mine and wanted != mine:
        raise errors.FailedPreconditionError(
            None,
            None,
            f"The caller looks for {what} {wanted!r:.100}, and this is {what} {mine!r:.100}.\n"
            "  what to do: give all tasks the same cluster, with the addresses in the same order.",
        )


def _unauthenticated(what: str) -> errors.OpError:
    return errors.UnauthenticatedError(
        None,
        None,
        f"{what}\n  what to do: give all processes of the cluster the same secret; "
        "the environment variable MINITF_SECRET has it, or names a file as @path.",
    )
