"""The benchmark of a parameter server runs, with minitf alone."""

from __future__ import annotations

import sys

import pytest

from benchmarks import distributed, driver


def test_a_step_is_measured_over_both_kinds_of_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = [driver.Engine("minitf", (sys.executable,))]
    monkeypatch.setattr(driver, "engines", lambda wanted: alone)
    monkeypatch.setattr(distributed, "STEPS", {"null": 3, "sparse-10k": 2})
    found = distributed.measure(["null", "sparse-10k"], rounds=1)
    assert found.keys() == {"null", "sparse-10k"}
    for medians in found.values():
        assert medians.keys() == {"minitf", "minitf, TCP"}
        assert all(seconds > 0.0 for seconds in medians.values())


def test_every_case_has_its_work() -> None:
    assert set(distributed.CASES) == distributed.WORK.keys() == distributed.STEPS.keys()
