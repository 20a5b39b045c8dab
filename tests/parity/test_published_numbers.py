"""Numbers that TensorFlow 1 printed, in books, courses and bug reports: minitf prints them too.

Scripts in which an op has no seed of its own need the policy of TensorFlow 1.x, under which every
node of the graph counts. The others come out under either policy, and, where TensorFlow 2.21 is
installed, from it as well.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minitf
from tests.engines import ENGINES
from tests.parity.harness import engine
from tests.parity.published import PUBLISHED, Published

WITH_SEEDS = [name for name, case in PUBLISHED.items() if not case.counts_nodes]
WITHOUT = [name for name, case in PUBLISHED.items() if case.counts_nodes]


def flat(values: Any) -> np.ndarray:
    """All numbers of nested lists and arrays."""
    if isinstance(values, (list, tuple)):
        return np.concatenate([flat(value) for value in values])
    return np.float64(values).reshape(-1)


def summary() -> dict[str, int]:
    """What is compared here, for the page that reports on parity."""
    return {
        "scripts": len(PUBLISHED),
        "scripts under the 1.x policy": len(WITHOUT),
        "numbers": sum(flat(case.printed).size for case in PUBLISHED.values()),
    }


def assert_printed(tf: Any, case: Published) -> None:
    with tf.Graph().as_default():
        ours = flat(case.run(tf))
    theirs = flat(case.printed)
    assert ours.shape == theirs.shape
    # numpy printed 8 decimals, and later as many digits as tell a float32 from its neighbours.
    cut_off = np.maximum(5.001e-9, np.spacing(np.float32(abs(theirs))) / 1.999)
    np.testing.assert_array_less(abs(ours - theirs), cut_off + case.off * abs(theirs))


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("script", WITH_SEEDS)
def test_scripts_that_seed_every_op(script: str, name: str) -> None:
    assert_printed(engine(name), PUBLISHED[script])


@pytest.mark.parametrize("script", WITH_SEEDS)
def test_the_policy_does_not_matter_where_every_op_has_a_seed(script: str) -> None:
    with minitf.random.seed_policy("tf1"):
        assert_printed(minitf, PUBLISHED[script])


@pytest.mark.parametrize("script", WITHOUT)
def test_scripts_that_leave_seeds_to_the_graph(script: str) -> None:
    with minitf.random.seed_policy("tf1"):
        assert_printed(minitf, PUBLISHED[script])


@pytest.mark.parametrize("script", WITHOUT)
def test_their_numbers_are_the_policys(script: str) -> None:
    """Under the other policy they are not printed, so that the tests above tell them apart."""
    with pytest.raises(AssertionError):
        assert_printed(minitf, PUBLISHED[script])


def test_something_is_compared() -> None:
    counts = summary()
    assert counts["scripts"] >= 19 and counts["numbers"] >= 200
