"""A setting in the environment is heard, or refused; never ignored."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import minitf as tf
from minitf.checkpoint import files
from minitf.distributed.peers import Peers
from minitf.distributed.wire.address import Address
from minitf.examples.tutorials.mnist import sources
from minitf.framework import environment
from minitf.runtime.order import is_strict


@pytest.mark.parametrize(
    ("given", "is_on"),
    [("1", True), ("True", True), (" on ", True), ("0", False), ("no", False), ("OFF", False)],
)
def test_a_switch(given: str, is_on: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINITF_STRICT", given)
    assert environment.switch("MINITF_STRICT", not is_on) is is_on


@pytest.mark.parametrize("default", [True, False])
def test_what_is_not_set_or_empty_is_the_default(
    default: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for set_to in (None, ""):
        monkeypatch.delenv("MINITF_STRICT", raising=False)
        if set_to is not None:
            monkeypatch.setenv("MINITF_STRICT", set_to)
        assert environment.switch("MINITF_STRICT", default) is default
        assert environment.choice("MINITF_STRICT", ("a", "b"), "c") == "c"
        assert environment.seconds("MINITF_STRICT", 2.5) == 2.5


def saver() -> None:
    tf.Variable(1.0)
    tf.train.Saver()


def peers() -> None:
    Peers(tf.train.ClusterSpec({"ps": ["localhost:1"]}), None, "").channel("/job:ps/task:0")


# What reads each variable that a user may set; those of the kernels, which import nothing of
# minitf, are read there.
READERS: dict[str, Callable[[], object]] = {
    "MINITF_SAVE": saver,
    "MINITF_FSYNC": saver,
    "MINITF_STRICT": lambda: is_strict(False),
    "MINITF_CHECK_NUMERICS": tf.Session,
    "MINITF_OFFLINE": lambda: sources.load("nowhere"),
    "MINITF_CONNECT_SECONDS": peers,
    "MINITF_SILENCE_SECONDS": peers,
    "MINITF_UNIX": peers,
    "MINITF_HOSTS": lambda: Address("pc-01", 1).resolve(),
}


@pytest.mark.parametrize("name", READERS)
def test_nonsense_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "backgroud")
    with pytest.raises(ValueError, match=f"{name} .*'backgroud'.*\n") as caught:
        READERS[name]()
    assert "what to do: " in str(caught.value)


@pytest.mark.parametrize("given", ["0", "-1", "nan", "inf", "5s"])
def test_seconds_are_a_number_above_0(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINITF_CONNECT_SECONDS", given)
    with pytest.raises(ValueError, match=f"a number of seconds above 0, not {given!r}"):
        environment.seconds("MINITF_CONNECT_SECONDS", 600.0)
    monkeypatch.setenv("MINITF_CONNECT_SECONDS", "2.5")
    assert environment.seconds("MINITF_CONNECT_SECONDS", 600.0) == 2.5


def test_false_is_as_good_as_0(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINITF_FSYNC", "false")
    assert not files.waits_for_disk()
