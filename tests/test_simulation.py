"""The simulation of training on many machines: against sums by hand, and what was published."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from benchmarks import simulation
from benchmarks.simulation import Costs, Job, step_time

FREE = Costs(call=0.0, latency=0.0, byte=0.0)


def test_calls_of_one_worker_add_up() -> None:
    """Pull, push and token: each is sent, served and received."""
    costs = replace(FREE, call=1.0)
    assert step_time(Job(1, 1, 0, 0), costs) == pytest.approx(9.0)


def test_latency_counts_both_ways() -> None:
    assert step_time(Job(1, 1, 0, 0), replace(FREE, latency=1.0)) == pytest.approx(6.0)


def test_computing_counts_once() -> None:
    assert step_time(Job(4, 2, 0, 0, compute=3.0), FREE) == pytest.approx(3.0)


def test_the_servers_card_is_what_many_workers_wait_for() -> None:
    """Ten workers pull a million bytes each from two servers: five million from either's card."""
    job = Job(10, 2, pull=1e6, push=0)
    assert step_time(job, replace(FREE, byte=1e-6)) == pytest.approx(5.0, rel=0.1)


def test_one_worker_waits_for_its_own_card() -> None:
    job = Job(1, 10, pull=1e6, push=1e6)
    assert step_time(job, replace(FREE, byte=1e-6)) == pytest.approx(2.0, rel=0.1)


def test_a_card_works_both_ways_at_once() -> None:
    """Asynchronous workers pull while others push: each way is busy all the time."""
    job = Job(8, 1, pull=1e6, push=1e6, sync=False, steps=30)
    assert step_time(job, replace(FREE, byte=1e-6)) == pytest.approx(1.0, rel=0.1)


def test_updating_takes_the_servers_time() -> None:
    job = Job(4, 1, pull=0, push=1e6)
    assert step_time(job, replace(FREE, touch=1e-6)) == pytest.approx(4.0, rel=0.01)


def test_a_synchronous_step_waits_for_the_slowest() -> None:
    job = Job(20, 1, 0, 0, compute=1.0, spread=0.3, steps=30)
    slowest = step_time(job, FREE)
    assert 1.4 < slowest < 2.2  # the median of the largest of 20 such numbers is 1.7
    with_backups = step_time(replace(job, workers=24, backups=4), FREE)
    assert with_backups < 0.9 * slowest
    alone = step_time(replace(job, sync=False), FREE)
    assert alone * 20 < with_backups


def test_the_same_seed_gives_the_same_times() -> None:
    job = Job(5, 2, 1e6, 1e6, compute=1.0, spread=0.2)
    costs = Costs(1e-4, 1e-4, 1e-9)
    assert step_time(job, costs) == step_time(job, costs)


@pytest.mark.parametrize(
    ("name", "workers", "off"), [("scalar", 100, 0.2), ("100 MB", 100, 0.2), ("1 GB", 100, 0.3)]
)
def test_what_was_published(name: str, workers: int, off: float) -> None:
    """Costs that are fitted to one worker foretell a hundred, within what the page says."""
    costs = simulation.fitted_costs()
    job = replace(simulation.NULL[name], workers=workers, steps=2, pieces=4)
    assert step_time(job, costs) == pytest.approx(simulation.PUBLISHED[name][1], rel=off)


def test_the_page_shows_what_the_record_says() -> None:
    record = json.loads(simulation.RECORD.read_text())
    assert simulation.PICTURE.read_text() == simulation.draw(record)
    page = (simulation.DOCS / "distributed-simulation.md").read_text()
    for table in simulation.tables(record):
        assert table in page
