"""Records in `tests/golden` what TensorFlow does of everything that minitf is compared in.

    python -m tests.parity.record [name ...]        (make parity-record)

A name is that of a family in `tests/parity/builders`, or one of `OTHERS`, each of which has cases
of its own kind. It needs the `parity` extra, and is to be run again when a case changes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from tests.checkpoint import cases as checkpoint_cases
from tests.parity import (
    builders,
    frozen,
    gradient_cases,
    graph_defs,
    import_cases,
    kernel_cases,
    random_cases,
    recording,
    side_by_side,
)
from tests.parity.harness import FAMILIES, assert_something, engine, observe
from tests.saved_model import cases as saved_model_cases

OTHERS: dict[str, Callable[[], object]] = {
    "checkpoints": checkpoint_cases.record,
    "frozen": frozen.main,
    "gradient_cases": gradient_cases.record,
    "graph_defs": graph_defs.main,
    "import_cases": import_cases.main,
    "kernel_cases": kernel_cases.main,
    "random_cases": random_cases.record_apart,
    "saved_models": saved_model_cases.record,
    "side_by_side": side_by_side.record,
}


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
    for name in sys.argv[1:] or [*FAMILIES, *OTHERS]:
        if name in OTHERS:
            OTHERS[name]()
        else:
            record(name)


if __name__ == "__main__":
    main()
