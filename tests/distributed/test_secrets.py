"""The secret of a cluster reaches its servers, and sessions of other processes, as the docs say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import minitf as tf
from minitf.distributed import client
from minitf.distributed.targets import address_of
from minitf.distributed.wire import Channel
from minitf.framework import errors

SECONDS = 60.0


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tf.train.Server]:
    """A server that was told of a file with the secret."""
    (tmp_path / "secret").write_text("quite long\n")
    monkeypatch.setenv("MINITF_SECRET", f"@{tmp_path / 'secret'}")
    made = tf.train.Server.create_local_server()
    yield made
    made.stop()


def test_the_secret_is_what_is_in_the_file(server: tf.train.Server, tmp_path: Path) -> None:
    address = str(address_of(server.target))
    with Channel(address, secret=b"quite long") as channel:
        channel.call("_ping", deadline=SECONDS)
    with (
        Channel(address, secret=f"@{tmp_path / 'secret'}".encode()) as channel,
        pytest.raises(errors.UnauthenticatedError),
    ):
        channel.call("_ping", deadline=SECONDS)


def test_a_session_of_another_process_reads_the_file_too(server: tf.train.Server) -> None:
    session = client.RemoteSession(
        address_of(server.target), tf.get_default_graph(), client.Options()
    )
    assert session.list_devices() == ["/job:localhost/replica:0/task:0/device:CPU:0"]
    session.close()


def test_a_file_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MINITF_SECRET", f"@{tmp_path / 'secret'}")
    with pytest.raises(errors.FailedPreconditionError, match="No such file"):
        tf.train.Server.create_local_server()


@pytest.mark.parametrize("given", [None, "", b""])
def test_an_empty_text_is_no_secret(
    given: str | bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINITF_SECRET", "")
    with pytest.raises(errors.PermissionDeniedError, match="there is no secret"):
        tf.train.Server({"ps": ["0.0.0.0:0"]}, secret=given)
