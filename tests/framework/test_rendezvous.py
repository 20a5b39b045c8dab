"""Where pieces of a step meet: whoever comes first, and what an abort does."""

from __future__ import annotations

import threading

import pytest

from minitf.framework import errors
from minitf.framework.rendezvous import Rendezvous, current_rendezvous, key_of, meeting_at


def test_the_sender_may_come_first() -> None:
    step = Rendezvous()
    step.send("k", 1)
    assert step.receive("k", timeout=1.0) == 1
    assert len(step) == 0


def test_the_receiver_may_come_first() -> None:
    step = Rendezvous()
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(step.receive("k", timeout=60.0)))
    thread.start()
    step.send("other", 0)
    step.send("k", "value")
    thread.join(60.0)
    assert found == ["value"]


def test_a_value_may_be_kept_for_others() -> None:
    step = Rendezvous()
    step.send("k", 1)
    assert [step.receive("k", 1.0, keep=True) for _ in range(3)] == [1, 1, 1]
    assert step.find("k") == 1
    assert step.find("none", "default") == "default"


def test_nobody_waits_for_ever() -> None:
    with pytest.raises(errors.DeadlineExceededError, match="Nobody sent the tensor 'k'"):
        Rendezvous().receive("k", timeout=0.01)


def test_an_abort_fails_all_who_wait_and_all_who_come_later() -> None:
    step = Rendezvous()
    failures: list[BaseException] = []

    def wait() -> None:
        try:
            step.receive("k", timeout=60.0)
        except errors.OpError as error:
            failures.append(error)

    threads = [threading.Thread(target=wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    first = errors.AbortedError(None, None, "first")
    step.abort(first)
    step.abort(errors.CancelledError(None, None, "second"))
    for thread in threads:
        thread.join(60.0)
    assert failures == [first] * 3
    for late in (lambda: step.send("k", 1), lambda: step.receive("k")):
        with pytest.raises(errors.AbortedError, match="first"):
            late()


def test_a_step_belongs_to_a_thread() -> None:
    step = Rendezvous()
    with meeting_at(step):
        assert current_rendezvous() is step
    with pytest.raises(errors.FailedPreconditionError, match="only as a part of a step"):
        current_rendezvous()


def test_keys_are_tensorflows() -> None:
    key = key_of("edge_6_a/read", "/job:ps/replica:0/task:0/device:CPU:0", -1, "/job:w/cpu:0")
    assert key == (
        "/job:ps/replica:0/task:0/device:CPU:0;ffffffffffffffff;/job:w/cpu:0;edge_6_a/read;0:0"
    )
