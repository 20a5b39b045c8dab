"""Every builder comes to the same in minitf as in TensorFlow: nodes, shapes, values, errors."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from tests.engines import ENGINES
from tests.parity import builders, recording
from tests.parity.harness import FAMILIES, Case, Observed, compare, engine, observe

assert builders
CASES = [
    pytest.param(family.name, case, id=f"{family.name}/{case.name}")
    for family in FAMILIES.values()
    for case in family.cases.values()
]


@functools.cache
def recorded(family: str) -> dict[str, Observed]:
    return recording.read(family)


@pytest.fixture(scope="module", params=ENGINES)
def tf(request: pytest.FixtureRequest) -> Any:
    return engine(request.param)


@pytest.mark.parametrize(("family", "case"), CASES)
def test_is_tensorflows(tf: Any, family: str, case: Case) -> None:
    """TensorFlow itself, where it is installed, has to agree with its recording too."""
    compare(observe(tf, case), recorded(family)[case.name], case)


@pytest.mark.parametrize("family", FAMILIES)
def test_recordings_are_of_these_cases(family: str) -> None:
    assert list(recorded(family)) == list(FAMILIES[family].cases)
