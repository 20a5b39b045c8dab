"""How far apart runs of `mnist_cnn` are, and how far apart they may be.

A run is what `mnist_cnn.main` leaves of one engine, as arrays by "<seed>/<name>". TensorFlow runs
twice, with and without oneDNN: what it is from itself is the measure for minitf. Every comparison
fails with `TooLittle` where there is less to compare than there ought to be.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tests.parity.mnist_cnn import TRAINABLE, VARIABLES, digest

Run = Mapping[str, Any]
Runs = Mapping[str, Run]

ONEDNN, PLAIN = "TensorFlow, oneDNN on", "TensorFlow, oneDNN off"
DIRECT, FAST = "minitf, direct convolutions", "minitf, fast convolutions"
EXACT = "minitf, float64"
TENSORFLOW, MINITF = (ONEDNN, PLAIN), (DIRECT, FAST)

LAST_STEPS = (10, 20, 50, 100)

# How many times as far from TensorFlow as that is from itself minitf's losses may be, and what
# difference is rounding anyway. These were fixed before anything was measured.
DIRECT_FACTOR, FAST_FACTOR, FLOOR = 3, 10, 2e-6
DIRECT_ALGORITHMS = ("direct", "im2col", "reference")

ACCURACY_POINTS = 0.3

# The two largest scores of an image are tied if they are as close as one rounding error of theirs,
# which is some units in the last place after a few thousand additions.
TIE = 8 * float(np.finfo(np.float32).eps)


class TooLittle(AssertionError):
    """There is less to compare than was asked for, so that agreement would mean nothing."""


def require(found: Any, expected: Any, what: str) -> None:
    """Raises `TooLittle` unless as much was found as expected."""
    if found != expected:
        raise TooLittle(f"{what}: expected {expected}, found {found}")


def bits(runs: Runs, seeds: Sequence[int]) -> dict[str, Any]:
    """Which initial variables, dropout masks and batches differ in some bit.

    Returns:
      For each kind, how many were compared between all runs, and the names of those that differ.
    """
    digests = {name: bit_digests(run, seeds) for name, run in runs.items()}
    first = next(iter(digests.values()))
    require(len(runs) >= 2, True, "two runs or more to compare")
    found: dict[str, Any] = {
        kind: {"compared": 0, "different": []} for kind in ("variables", "masks", "batches")
    }
    for other in digests.values():
        require(sorted(other), sorted(first), "names of what is compared")
    for key in sorted(first):
        name = key.partition("/")[2]
        kind = {"mask": "masks", "fed": "batches"}.get(name, "variables")
        found[kind]["compared"] += 1
        if len({other[key] for other in digests.values()}) > 1:
            found[kind]["different"].append(key)
    require(found["variables"]["compared"], VARIABLES * len(seeds), "initial variables")
    require(found["masks"]["compared"], len(seeds), "dropout masks")
    require(found["batches"]["compared"], len(seeds), "digests of the batches")
    return found


def bit_digests(run: Run, seeds: Sequence[int]) -> dict[str, str]:
    """Digests of what has to be equal in all bits, by "<seed>/<name>"."""
    digests = {}
    for seed in seeds:
        start = f"{seed}/initial/"
        names = [key for key in run if key.startswith(start)] + [f"{seed}/mask", f"{seed}/fed"]
        for key in names:
            require(key in run, True, key)
            value = run[key]
            # What was recorded is digests already.
            digests[key] = value if isinstance(value, str) else digest(value)
    return digests


def losses(runs: Runs, name: str, seeds: Sequence[int], last_steps: Sequence[int]) -> list[Any]:
    """The largest relative differences of any loss up to some steps, over all seeds.

    Returns:
      For each last step: `from_itself`, of TensorFlow's two runs from each other; those of the
      run `name` from each of them, and `larger` of these; `allowed`; and `times`.
    """
    pairs = {"from_itself": TENSORFLOW, ONEDNN: (name, ONEDNN), PLAIN: (name, PLAIN)}
    found = []
    for last in last_steps:
        row: dict[str, Any] = {"run": name, "last_step": last}
        for key, (ours, theirs) in pairs.items():
            row[key] = max(
                float(np.max(relative(runs[ours], runs[theirs], seed, last))) for seed in seeds
            )
        if row["from_itself"] == 0:
            raise TooLittle("TensorFlow with and without oneDNN is the same to the last bit")
        row["larger"] = max(row[ONEDNN], row[PLAIN])
        row["times"] = row["larger"] / row["from_itself"]
        row["allowed"] = max(factor(name, runs[name]) * row["from_itself"], FLOOR)
        found.append(row)
    return found


def from_exact(
    runs: Runs, exact: Run, seeds: Sequence[int], last_steps: Sequence[int]
) -> list[Any]:
    """How far rounding takes each run: the largest relative differences from that in float64.

    Returns:
      For each last step the difference of each run, over all seeds.
    """
    for seed in seeds:
        start = f"{seed}/initial/"
        names = [key for key in exact if key.startswith(start)]
        require(len(names), VARIABLES, "initial variables in float64")
        for run in runs.values():
            same = sum(np.array_equal(exact[key].astype(np.float32), run[key]) for key in names)
            require(same, VARIABLES, f"initial variables of seed {seed} as in float64")
            require(digest(exact[f"{seed}/mask"]), digest(run[f"{seed}/mask"]), "dropout mask")
    return [
        {
            "last_step": last,
            **{
                name: max(float(np.max(relative(run, exact, seed, last))) for seed in seeds)
                for name, run in runs.items()
            },
        }
        for last in last_steps
    ]


def relative(ours: Run, theirs: Run, seed: int, last: int) -> np.ndarray:
    """|ours - theirs| / |theirs| of the first losses of a seed, [last]."""
    a, b = (np.asarray(run[f"{seed}/losses"], np.float64)[:last] for run in (ours, theirs))
    for steps in (a, b):
        require(len(steps), last, f"losses of seed {seed}")
        require(bool(np.all(np.isfinite(steps) & (steps > 0))), True, "losses that are numbers")
    difference: np.ndarray = np.abs(a - b) / b
    return difference


def factor(name: str, run: Run) -> int:
    """How many times TensorFlow's distance from itself a run of minitf is allowed."""
    algorithms = set(map(str, run["convolutions"]))
    require(bool(algorithms), True, "convolutions")
    require(algorithms <= set(DIRECT_ALGORITHMS), name == DIRECT, f"{name} by {algorithms}: direct")
    return DIRECT_FACTOR if name == DIRECT else FAST_FACTOR


def accuracy(run: Run, seed: int, labels: np.ndarray) -> float:
    """Percent of the test images whose largest score is at their label."""
    logits = checked_logits(run, seed, len(labels))
    return float(100 * np.mean(logits.argmax(axis=1) == labels))


def checked_logits(run: Run, seed: int, count: int) -> np.ndarray:
    """The scores of all test images, [count, 10]."""
    logits = np.asarray(run[f"{seed}/logits"])
    require(logits.shape, (count, 10), f"scores of seed {seed}")
    require(bool(np.all(np.isfinite(logits))), True, "scores that are numbers")
    return logits


def predictions(trained: Run, predicted: Run, seed: int, count: int) -> dict[str, Any]:
    """How the predictions of two engines agree for the weights that the first of them trained.

    Returns:
      How many `images` were compared, how many are tied, the largest difference of a score (by the
      largest score of its image), and of each image that got another class: its number, how far
      apart its two largest scores are (likewise), and whether that is a tie.
    """
    names = [key for key in trained if key.startswith(f"{seed}/trained/")]
    require(len(names), TRAINABLE, "trained variables")
    for key in names:
        assigned = str(predicted[key.replace("/trained/", "/assigned/")])
        require(assigned, digest(trained[key]), f"{key}, read back from the other engine")
    theirs, ours = (checked_logits(run, seed, count) for run in (trained, predicted))
    size = np.abs(theirs).max(axis=1)
    ordered = np.sort(theirs, axis=1)
    gap = (ordered[:, -1] - ordered[:, -2]) / size
    other = np.flatnonzero(theirs.argmax(axis=1) != ours.argmax(axis=1))
    return {
        "images": count,
        "ties": int(np.sum(gap <= TIE)),
        "smallest_gap": float(gap.min()),
        "largest_difference": float(np.max(np.abs(theirs - ours).max(axis=1) / size)),
        "different": [
            {"image": int(i), "gap": float(gap[i]), "tie": bool(gap[i] <= TIE)} for i in other
        ],
    }


def failures(result: Mapping[str, Any]) -> list[str]:
    """What in a result is not as it has to be, in sentences."""
    found = []
    for kind, row in result["bits"].items():
        if row["different"]:
            found.append(f"{kind} differ in some bit: {', '.join(row['different'])}")
    for row in result["losses"]:
        if row["larger"] > row["allowed"]:
            found.append(
                f"{row['run']}: up to step {row['last_step']} a loss is {row['larger']:.2g} from "
                f"TensorFlow's, {row['times']:.1f} times as far as that is from itself"
            )
    for seed, percents in result.get("accuracy", {}).items():
        for ours, theirs in itertools.product(MINITF, TENSORFLOW):
            points = abs(percents[ours] - percents[theirs])
            if points > ACCURACY_POINTS + 1e-9:
                found.append(
                    f"seed {seed}: {ours} is {points:.2f} points from the accuracy of {theirs}"
                )
    for row in result.get("predictions", []):
        wrong = [image for image in row["different"] if not image["tie"]]
        if wrong:
            found.append(
                f"seed {row['seed']}, trained by {row['trained_by']}: {row['predicted_by']} gives "
                f"{len(wrong)} images another class: {wrong}"
            )
    return found
