"""Thousands of random programs in both engines, and the figures for the page on parity.

    python -m tests.parity.random_run [programs [first seed]]

The figures are written whenever a chunk of programs is through. A program that differs is shrunk,
its script is printed, and the run goes on and fails in the end.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import time
from collections import Counter
from typing import Any

import hypothesis
from hypothesis import given, settings

from tests.parity import random_tables, recording
from tests.parity.random_checks import Tally, check
from tests.parity.random_coverage import never_drawn
from tests.parity.random_graphs import TABLE, Program, programs, reduced, script

assert random_tables
FIGURES = recording.GOLDEN / "random_graphs.json"
# TensorFlow keeps something of each graph: each chunk has a process of its own.
CHUNK = 100
WORKERS = 3


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
    def every_program_agrees(program: Program) -> None:
        if _differs(program, tally):
            differing.append(program)
            raise AssertionError(script(program))

    differing: list[Program] = []
    try:
        every_program_agrees()
    except AssertionError:
        # The last one that failed is the smallest that hypothesis found.
        smallest = reduced(differing[-1], lambda p: _differs(p, Tally()))
        try:
            check(smallest, Tally())
        except AssertionError:
            raise
        except Exception as error:  # what no engine should raise
            raise AssertionError(f"{script(smallest)}\n{type(error).__name__}: {error}") from error
        raise


def _differs(program: Program, tally: Tally) -> bool:
    try:
        check(program, tally)
    except Exception:
        return True
    return False


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
    parts |= {
        f"largest difference in {kind}, also where terms cancel": x
        for kind, x in sorted(tally.largest.items())
    }
    return {
        **parts,
        "minutes": round(seconds / 60, 1),
        "op types": dict(sorted(tally.op_types.items())),
        "op types never drawn": never_drawn(tally.op_types),
    }


def chunk(job: tuple[int, int]) -> tuple[Tally, str]:
    """Checks so many programs from a seed: what was compared, and what differed."""
    tally = Tally()
    try:
        explore(*job, tally)
    except AssertionError as error:
        return tally, str(error)
    return tally, ""


def run(count: int, first_seed: int = 0) -> dict[str, Any]:
    """Checks programs in chunks, writes the figures and returns them.

    Raises:
      AssertionError: with the smallest program of each chunk in which one differs.
    """
    jobs = [(min(CHUNK, count - at), first_seed + at // CHUNK) for at in range(0, count, CHUNK)]
    total, start, wrong = Tally(), time.monotonic(), []
    context = multiprocessing.get_context("spawn")
    with context.Pool(WORKERS, maxtasksperchild=1) as pool:
        for tally, difference in pool.imap_unordered(chunk, jobs):
            if difference:
                wrong.append(difference)
                print(difference, flush=True)
            else:
                total.add(tally)
            found = {
                **figures(total, time.monotonic() - start),
                "chunks with a program that differs": len(wrong),
            }
            FIGURES.write_text(json.dumps(found, indent=1) + "\n")
            print(f"{total.programs} programs, {total.tensors} tensors", flush=True)
    assert not wrong, "\n\n".join(wrong)
    return found


if __name__ == "__main__":
    run(*map(int, sys.argv[1:] or ["5000"]))
