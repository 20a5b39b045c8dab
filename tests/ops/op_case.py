"""The form in which a test says what an op must do.

Every registered op has at least one `OpCase` in `tests/ops/cases/`, or says in `tested_elsewhere`
which test covers it (ops with side effects). `test_properties.py` finds the cases and checks, for
each: the kernel against the case's own numpy statement of it, the shape rule against the shapes
that the kernel gives (with dims hidden), and gradients to second order against differences.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st


@dataclass
class Sample:
    """One call of an op: an array per declared input (a list of arrays for a list input)."""

    inputs: list[Any]
    attrs: dict[str, Any] = field(default_factory=dict)


@dataclass
class OpCase:
    """What one op must do.

    Attributes:
      op: the op type.
      samples: draws `Sample`s of several dtypes, shapes (zeros, ones, broadcasting) and attributes.
      oracle: `(*inputs, **attrs)` to the expected array, or tuple of arrays: numpy (or loops),
        independent of the kernel under test.
      static: names of inputs that are built as constants where static shapes are asked for
        (shapes, axes, paddings).
      gradients: names of the inputs whose gradients are checked; () if the op has none.
      gradient_samples: draws float64 samples at points where the function is smooth.
      second_order: whether gradients of gradients are checked too.
      rtol: relative tolerance per numpy dtype name; the default is a few ulps of each.
    """

    op: str
    samples: st.SearchStrategy[Sample]
    oracle: Callable[..., Any]
    static: tuple[str, ...] = ()
    gradients: tuple[str, ...] = ()
    gradient_samples: st.SearchStrategy[Sample] | None = None
    second_order: bool = True
    rtol: dict[str, float] = field(default_factory=dict)


CASES: dict[str, list[OpCase]] = {}
TESTED_ELSEWHERE: dict[str, str] = {}


def case(op: str, samples: st.SearchStrategy[Sample], oracle: Any, **options: Any) -> None:
    """Registers a case; see `OpCase`."""
    CASES.setdefault(op, []).append(OpCase(op, samples, oracle, **options))


def tested_elsewhere(op: str, test: str) -> None:
    """Says which test (a pytest id, `tests/ops/test_x.py::test_y`) covers an op without a case."""
    TESTED_ELSEWHERE[op] = test


# pytest takes functions named test... for tests.
tested_elsewhere.__test__ = False  # type: ignore[attr-defined]
