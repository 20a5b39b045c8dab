"""Thousands of random programs in both engines, and the figures for the page on parity.

    python -m tests.parity.random_run [programs [first seed]]

A program that differs is shrunk, its script is printed, and nothing is written.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from typing import Any

import hypothesis
from hypothesis import given, settings

from tests.parity import recording
from tests.parity.random_checks import Tally, check
from tests.parity.random_coverage import never_drawn
from tests.parity.random_graphs import TABLE, programs

FIGURES = recording.GOLDEN / "random_graphs.json"
# TensorFlow keeps a little of each graph: chunks are small, so that a failure is near its seed.
CHUNK = 250


def explore(count: int, seed: int, tally: Tally) -> None:
    """Checks so many programs drawn from one seed.

    Raises:
      AssertionError: of the smallest program that differs.
    """

    @hypothesis.seed(seed)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        derandomize=False,
        print_blob=False,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @given(programs())
    def every_program_agrees(program: Any) -> None:
        check(program, tally)

    every_program_agrees()


def figures(tally: Tally, seconds: float) -> dict[str, Any]:
    """What a run came to, as it stands on the page."""
    drawn = Counter({name: n for name, n in tally.entries.items() if name != "leaf"})
    parts = {
        "programs": tally.programs,
        "statements": sum(tally.entries.values()),
        "functions drawn": f"{len(drawn)} of {len(TABLE)}",
        "op types met": len(tally.op_types),
        "nodes compared": tally.nodes,
        "tensors compared": tally.tensors,
        "first gradients compared": tally.first,
        "second gradients compared": tally.second,
        "gradients that are None in both": tally.none,
        "tensors left out, since rounding makes them jump": tally.undefined,
        "tensors that TensorFlow rounds more than its graph explains": tally.coarser,
        "programs that end in the same error": sum(
            n for name, n in tally.errors.items() if "differentiated" not in name
        ),
        "programs that both refuse to differentiate": tally.errors.total()
        - sum(n for name, n in tally.errors.items() if "differentiated" not in name)
        - sum(n for name, n in tally.beyond.items() if name != "not a number"),
        "programs that only minitf differentiates": sum(tally.beyond.values()),
        "largest difference as a part of what rounding allows": tally.closest,
    }
    parts |= {f"largest difference in {kind}": x for kind, x in sorted(tally.largest.items())}
    return {
        **parts,
        "minutes": round(seconds / 60, 1),
        "op types": dict(sorted(tally.op_types.items())),
        "op types never drawn": never_drawn(tally.op_types),
    }


def run(count: int, first_seed: int = 0) -> dict[str, Any]:
    """Checks programs in chunks, writes the figures and returns them."""
    tally, start = Tally(), time.monotonic()
    for chunk in range(-(-count // CHUNK)):
        explore(min(CHUNK, count - chunk * CHUNK), first_seed + chunk, tally)
        print(f"{tally.programs} programs, {tally.tensors} tensors", flush=True)
    found = figures(tally, time.monotonic() - start)
    FIGURES.write_text(json.dumps(found, indent=1) + "\n")
    return found


if __name__ == "__main__":
    run(*map(int, sys.argv[1:] or ["5000"]))
