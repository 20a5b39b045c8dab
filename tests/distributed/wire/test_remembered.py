"""What a listener remembers of its clients' calls, and what it does once it has forgotten some."""

from __future__ import annotations

import time

import numpy as np
import pytest

from minitf.distributed.wire import Channel, Listener, remembered
from minitf.distributed.wire.remembered import Memory, RememberedCall
from minitf.framework import errors
from tests.distributed.wire.faulty_proxy import FaultyProxy

SECONDS = 60.0


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who leaves is forgotten at once."""
    monkeypatch.setattr(remembered, "_SECONDS", 0.0)


def come_and_go(memory: Memory, client: str) -> None:
    with memory.connection(client, is_first=True):
        begin(memory, client, 1)[0].finish(remembered.Answer(remembered.Kind.REPLY, {}))
    time.sleep(0.001)  # for the clock: it left before now
    memory.forget_old()


def begin(
    memory: Memory, client: str, request: int, retried: bool = False
) -> tuple[RememberedCall, bool]:
    return memory.begin(client, request, 1, retried, "here", time.monotonic() + SECONDS)


def test_a_forgotten_client_may_have_had_its_call_executed(short: None) -> None:
    memory = Memory()
    come_and_go(memory, "one")
    assert len(memory) == 0
    with memory.connection("one"):
        with pytest.raises(errors.AbortedError, match="not known any more"):
            begin(memory, "one", 1, retried=True)
        assert begin(memory, "one", 2)[1]
        assert not begin(memory, "one", 2, retried=True)[1]


def test_others_that_are_forgotten_do_not_concern_a_client(short: None) -> None:
    memory = Memory()
    with memory.connection("early", is_first=True):
        come_and_go(memory, "one")
        with memory.connection("late", is_first=True):
            for client in ("early", "late"):
                assert begin(memory, client, 1, retried=True)[1]
                assert not begin(memory, client, 1, retried=True)[1]


def test_a_lost_request_is_sent_again_to_a_listener_that_has_run_for_long(short: None) -> None:
    faults: list[str] = []
    counts: list[int] = []

    def add(header: object, tensors: object, call: object) -> tuple[dict[str, int], list[object]]:
        counts.append(1)
        return {"count": len(counts)}, []

    with (
        Listener("localhost:0", {"add": add}) as listener,
        FaultyProxy(listener.address, lambda way: faults.pop() if faults else "") as proxy,
    ):
        until = time.monotonic() + SECONDS
        while not listener.memory._has_forgotten and time.monotonic() < until:
            with Channel(listener.address) as other:
                other.call("_ping", deadline=SECONDS)
        with Channel(proxy.address, local=False, patience=0.1) as channel:
            channel.call("_ping", deadline=SECONDS)
            faults.append("drop")
            reply = channel.call("add", {}, [np.zeros(1)], deadline=SECONDS)
    assert reply.header == {"count": 1}
