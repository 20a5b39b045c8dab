"""Records in `tests/golden` what TensorFlow does of everything that minitf is compared in.

    python -m tests.parity.record [family ...]

A family is one of `tests/parity/builders`, or "random", whose cases are those of random_cases.py.
It needs the `parity` extra, and is to be run again when a case is added or changed.
"""

from __future__ import annotations

import sys

from tests.parity import builders, random_cases, recording
from tests.parity.harness import FAMILIES, assert_something, engine, observe


def record(name: str) -> None:
    """Records one family of builders."""
    tf = engine("tensorflow.compat.v1")
    family = FAMILIES[name]
    seen = {}
    for case in family.cases.values():
        seen[case.name] = observe(tf, case)
        try:
            assert_something(seen[case.name], case)
        except AssertionError as error:
            raise SystemExit(f"{name}/{case.name}: {error}") from None
    recording.write(family, seen)
    tensors = sum(len(each.values) for each in seen.values())
    nodes = sum(len(each.nodes) for each in seen.values())
    print(f"{name}: {len(seen)} cases, {nodes} nodes, {tensors} values", flush=True)


def main() -> None:
    assert builders
    for name in sys.argv[1:] or [*FAMILIES, "random"]:
        if name == "random":
            random_cases.record_apart()
        else:
            record(name)


if __name__ == "__main__":
    main()
