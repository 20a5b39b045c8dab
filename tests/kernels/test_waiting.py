"""Threads that wait awake: none misses what another one adds, with compiled code and without."""

from __future__ import annotations

import threading

import pytest

from minitf.kernels import waiting
from minitf.kernels.waiting import Word

PATIENCE = 60


@pytest.fixture(params=["compiled", "numpy"])
def both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "numpy":
        monkeypatch.setattr(waiting, "available", lambda: False)


def test_numbers_of_many_threads_add_up(both_ways: None) -> None:
    ended, posted = Word(), Word()

    def add() -> None:
        for _ in range(200):
            ended.add_and_watch(3, posted, seen=posted.value - 1)

    threads = [threading.Thread(target=add, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    waiter = threading.Thread(target=ended.wait_for, args=(4 * 200 * 3,), daemon=True)
    waiter.start()
    for thread in (*threads, waiter):
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert ended.value == 4 * 200 * 3


def test_a_word_that_changes_ends_the_watch(both_ways: None) -> None:
    ended, posted = Word(), Word()
    seen = posted.value
    posted.change()
    assert posted.value != seen
    ended.add_and_watch(1, posted, seen)  # at once
    ended.add_and_watch(1, posted, posted.value)  # when it has waited long enough
    assert ended.reaches(2)
    assert not ended.reaches(3)
