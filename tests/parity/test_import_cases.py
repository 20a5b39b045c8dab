"""`tf.import_graph_def` takes what TensorFlow's takes and refuses what it refuses, as it does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.engines import ENGINES
from tests.parity.harness import engine
from tests.parity.import_cases import CASES, RECORDED, outcome


@pytest.fixture(scope="module", params=ENGINES)
def tf(request: pytest.FixtureRequest) -> Any:
    return engine(request.param)


@pytest.fixture(scope="module")
def recorded() -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = json.loads(RECORDED.read_text())
    return found


@pytest.mark.parametrize("label", CASES)
def test_is_imported_as_tensorflow_does(tf: Any, label: str, recorded: dict[str, Any]) -> None:
    """The graph is the same, or the error is of the same class and minitf's graph is unchanged."""
    assert json.loads(json.dumps(outcome(tf, CASES[label]))) == recorded[label]


def test_the_recording_is_of_these_cases(recorded: dict[str, Any]) -> None:
    assert list(recorded) == list(CASES)
