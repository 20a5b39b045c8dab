"""Whatever the network does, a call is executed exactly once, or its caller is told.

The model is a sequential one: an account to which amounts are added. After any history, what was
added is the sum of what was acknowledged, and of those amounts, at most once each, whose callers
were told that it is not known.
"""

from __future__ import annotations

import itertools
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from minitf.distributed.wire import Channel, Heartbeats, Limits, Listener
from minitf.framework import errors
from tests.distributed.wire.faulty_proxy import FAULTS, FaultyProxy

# A deadline that no fault makes anybody reach, even where this process is stopped for a minute.
SECONDS = 180.0
# A damaged length may announce bytes that never come: both sides stop waiting soon.
QUICK = Limits(stall_seconds=0.2, grace_seconds=5.0)


class Account:
    """What is on the far side; no two amounts are the same."""

    def __init__(self) -> None:
        self.added: list[int] = []
        self._lock = threading.Lock()

    def add(self, header: Any, tensors: Any, call: Any) -> Any:
        amount = int(tensors[0][0])
        with self._lock:
            self.added.append(amount)
            return {"number": len(self.added)}, [np.array([amount])]


class Network(RuleBasedStateMachine):
    """Two channels add to the account of a listener, through a network that a rule makes bad."""

    def __init__(self) -> None:
        super().__init__()
        self.account = Account()
        self.faults: dict[str, list[str]] = {"there": [], "back": []}
        self.acknowledged: list[int] = []
        self.unknown: list[int] = []
        self.failures: list[BaseException] = []
        self.amounts = itertools.count(1)
        self.start_listener("localhost:0")
        self.proxy = FaultyProxy(self.listener.address, self.next_fault).__enter__()
        self.channels = [self.new_channel(), self.new_channel()]

    def start_listener(self, address: str) -> None:
        handlers = {"add": self.account.add}
        self.listener = Listener(address, handlers, limits=QUICK).start()

    def new_channel(self) -> Channel:
        return Channel(self.proxy.address, local=False, patience=0.1, limits=QUICK)

    def next_fault(self, direction: str) -> str:
        waiting = self.faults[direction]
        return waiting.pop(0) if waiting else ""

    def add(self, which: int) -> None:
        amount = next(self.amounts)
        try:
            reply = self.channels[which].call(
                "add", {}, [np.array([amount])], deadline=SECONDS, checksum=True
            )
        except (errors.AbortedError, errors.UnavailableError):
            self.unknown.append(amount)
        except BaseException as error:
            self.failures.append(error)
        else:
            self.acknowledged += reply.tensors[0].tolist()

    @rule(direction=st.sampled_from(["there", "back"]), fault=st.sampled_from(FAULTS))
    def the_network_will(self, direction: str, fault: str) -> None:
        self.faults[direction].append(fault)

    @rule(which=st.integers(0, 1))
    def one_adds(self, which: int) -> None:
        self.add(which)

    @rule()
    def both_add_at_once(self) -> None:
        threads = [threading.Thread(target=self.add, args=(which,)) for which in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(2 * SECONDS)
            assert not thread.is_alive()

    @rule()
    def all_connections_break(self) -> None:
        self.proxy.cut_all()

    @rule(which=st.integers(0, 1))
    def one_is_replaced(self, which: int) -> None:
        self.channels[which].close()
        self.channels[which] = self.new_channel()

    @rule()
    def the_listener_restarts(self) -> None:
        self.listener.stop()
        self.start_listener(self.listener.address)

    def teardown(self) -> None:
        for channel in self.channels:
            channel.close()
        self.proxy.__exit__()
        self.listener.stop()
        added = self.account.added
        assert not self.failures
        assert len(added) == len(set(added)), "one was added twice"
        assert set(self.acknowledged) <= set(added)
        assert set(added) <= set(self.acknowledged) | set(self.unknown)
        assert len(self.acknowledged) == len(set(self.acknowledged))


TestNetwork = Network.TestCase
TestNetwork.settings = settings(max_examples=15, stateful_step_count=12, deadline=None)


class LongNetwork(Network):
    """The same, more often."""


TestLongNetwork = pytest.mark.chaos(LongNetwork.TestCase)
TestLongNetwork.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("direction", ["there", "back"])
def test_each_fault_alone(direction: str, fault: str) -> None:
    account = Account()
    faults = [fault, "", fault]
    with (
        Listener("localhost:0", {"add": account.add}, limits=QUICK) as listener,
        FaultyProxy(
            listener.address, lambda way: faults.pop(0) if way == direction and faults else ""
        ) as proxy,
        Channel(proxy.address, local=False, patience=0.1, limits=QUICK) as channel,
    ):
        for amount in range(1, 5):
            channel.call("add", {}, [np.array([amount])], deadline=SECONDS, checksum=True)
        assert account.added == [1, 2, 3, 4]
        assert proxy.done[fault] == 2


def test_greetings_are_repeated() -> None:
    faults = ["damage", "", "cut", "", "damage"]
    account = Account()
    with (
        Listener("localhost:0", {"add": account.add}, limits=QUICK) as listener,
        FaultyProxy(
            listener.address, lambda way: faults.pop(0) if faults else "", greetings=True
        ) as proxy,
        Channel(proxy.address, local=False, patience=0.1, limits=QUICK) as channel,
    ):
        channel.call("add", {}, [np.array([1])], deadline=SECONDS)
    assert account.added == [1]


def test_a_call_under_way_is_found_again() -> None:
    """A connection breaks while the handler waits: the caller comes back, the handler goes on."""
    go_on, begun = threading.Event(), threading.Event()
    cancelled: list[bool] = []

    def wait(header: Any, tensors: Any, call: Any) -> Any:
        begun.set()
        assert go_on.wait(SECONDS)
        cancelled.append(call.cancelled)
        return {"done": len(cancelled)}, []

    with (
        Listener("localhost:0", {"wait": wait}, limits=QUICK) as listener,
        FaultyProxy(listener.address, lambda way: "") as proxy,
        Channel(proxy.address, local=False) as channel,
    ):
        replies: list[Any] = []
        thread = threading.Thread(
            target=lambda: replies.append(channel.call("wait", deadline=SECONDS)), daemon=True
        )
        thread.start()
        assert begun.wait(SECONDS)
        proxy.cut_all()
        channel.call("_ping", deadline=SECONDS)
        go_on.set()
        thread.join(SECONDS)
        assert replies[0].header == {"done": 1} and cancelled == [False]


def test_a_silent_one_is_reported_and_its_calls_end() -> None:
    """A network that swallows everything: nothing breaks, and nothing comes."""
    swallow = threading.Event()
    lost: list[tuple[str, errors.OpError]] = []
    reported = threading.Event()

    def choose(direction: str) -> str:
        return "drop" if swallow.is_set() else ""

    def note(name: str, error: errors.OpError) -> None:
        lost.append((name, error))
        reported.set()

    def wait(header: Any, tensors: Any, call: Any) -> Any:
        swallow.set()
        left = threading.Event()
        call.on_cancel(left.set)
        left.wait(SECONDS)
        return {}, []

    with (
        Listener("localhost:0", {"wait": wait}, limits=Limits(grace_seconds=0.1)) as listener,
        FaultyProxy(listener.address, choose) as proxy,
        Channel(proxy.address, local=False, task="/job:ps/task:0") as channel,
        Heartbeats({"ps 0": channel}, note, interval=0.02, patience=0.3) as heartbeats,
    ):
        with pytest.raises(errors.UnavailableError, match=r"ps/task:0.* does not answer any more"):
            channel.call("wait", deadline=SECONDS)
        assert reported.wait(SECONDS)
        assert [name for name, _ in lost] == ["ps 0"]
        assert "silent since" in lost[0][1].message
        assert heartbeats.silent().keys() == {"ps 0"}
