"""What minitf should reach: the line under which the work is not finished, and the aim.

All are the less the better. Most are minitf's median over another engine's in the same run.
"""

from __future__ import annotations

from typing import NamedTuple


class Target(NamedTuple):
    """What one case should reach.

    Attributes:
      case: its name.
      against: the engine that minitf is compared with, or "" for minitf's own figure.
      line: not done above it.
      aim: what to go for.
      kind: "ratio" of the medians, "over" for their difference, or "own" for minitf's figure;
        differences and figures are in the unit of the case.
    """

    case: str
    against: str
    line: float
    aim: float
    kind: str = "ratio"


TARGETS = [
    *[Target(f"cnn-train-{batch}", "tensorflow", 0.67, 0.45) for batch in (50, 128)],
    *[Target(f"cnn-train-{batch}", "torch", 0.5, 0.35) for batch in (50, 128)],
    *[
        Target(f"conv2-{which}-{batch}", "tensorflow", 0.6, 0.33)
        for batch in (50, 128)
        for which in ("forward", "filter", "input")
    ],
    *[Target(f"inference-{batch}", "tensorflow", 0.8, 0.4) for batch in (1, 128)],
    Target("null-run", "tensorflow", 0.15, 0.075),
    Target("feed-add", "tensorflow", 0.075, 0.04),
    Target("build-node", "tensorflow", 0.1, 0.05),
    Target("gradients-2000", "tensorflow", 0.2, 0.05),
    Target("chain-1000", "tensorflow", 1.5, 0.5),
    Target("expression", "tensorflow", 1.0, 0.5),
    Target("import", "numpy", 0.10, 0.05, "over"),
    Target("memory-import", "tensorflow", 0.25, 0.15),
    Target("memory-train", "tensorflow", 0.5, 0.3),
    Target("allocations", "", 0.0, 0.0, "own"),
    Target("first-step-warm", "tensorflow", 0.7, 0.3),
    Target("first-step-empty", "tensorflow", 5.0, 2.0),
]
