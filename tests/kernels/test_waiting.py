"""Threads that wait awake: none misses what another one adds, with compiled code and without."""

from __future__ import annotations

import threading

import pytest
from test_parallel import finishes

from minitf.kernels import jobs, waiting
from minitf.kernels.jobs import Jobs
from minitf.kernels.waiting import Word


@pytest.fixture(params=["compiled", "numpy"])
def both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "numpy":
        for module in (jobs, waiting):
            monkeypatch.setattr(module, "available", lambda: False)


def test_numbers_of_many_threads_add_up(both_ways: None) -> None:
    ended, table = Word(), Jobs()

    def add() -> None:
        for _ in range(200):
            table.help(-1, ended, 3)  # returns at once, as nobody asked so

    finishes(*[add] * 4, lambda: ended.wait_for(4 * 200 * 3))
    assert ended.value == 4 * 200 * 3


def test_threads_wait_for_one_number(both_ways: None) -> None:
    word = Word()
    word.add(2)
    assert word.reaches(2)
    assert not word.reaches(3)
    finishes(lambda: word.wait_for(3), lambda: word.add(1))


def test_a_word_that_changes_is_another_number() -> None:
    word = Word()
    seen = {word.value}
    for _ in range(100):
        word.change()
        seen.add(word.value)
    assert len(seen) == 101


def test_python_in_many_threads_adds_up() -> None:
    word, begin = Word(), threading.Barrier(4, timeout=60)

    def add() -> None:
        begin.wait()
        for _ in range(2000):
            word.add(1)

    finishes(*[add] * 4)
    assert word.value == 4 * 2000
