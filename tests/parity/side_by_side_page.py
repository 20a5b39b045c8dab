"""What a run of `side_by_side` came to, for reading: a section of markdown, and a picture."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.parity.agreement import DIRECT, FAST, MINITF, ONEDNN, PLAIN, TENSORFLOW, TIE
from tests.parity.chart import Curve, Panel, picture
from tests.source_tree import ROOT

Result = Mapping[str, Any]

NAME = "side_by_side"
_BLUE, _PALE, _ORANGE, _GREY = "#1f5fbf", "#8db8ee", "#e06000", "#606060"


def write(result: Result, docs: Path) -> None:
    """Writes the result and its picture into the folder of the documents."""
    (docs / "img").mkdir(parents=True, exist_ok=True)
    (docs / "img" / f"{NAME}.svg").write_text(drawn(result))
    (docs / f"{NAME}.json").write_text(compact(result))


def compact(result: Result) -> str:
    """JSON with a line per entry, and a line per curve, however long."""
    curves = result["curves"]
    rest = json.dumps({**result, "curves": None}, indent=1)
    lines = ",\n".join(
        f"  {json.dumps(name)}: {{\n"
        + ",\n".join(f"   {json.dumps(seed)}: {json.dumps(v)}" for seed, v in by_seed.items())
        + "\n  }"
        for name, by_seed in curves.items()
    )
    return rest.replace('"curves": null', f'"curves": {{\n{lines}\n }}') + "\n"


def section(docs: Path = ROOT / "docs") -> str:
    """The section of docs/parity.md about the run that was last written, without its heading."""
    result = json.loads((docs / f"{NAME}.json").read_text())
    machine, script = result["machine"], result["script"]
    seeds = ", ".join(str(seed) for seed in result["seeds"])
    fast = result["convolutions"][FAST]["algorithms"]
    return "\n".join([
        f"The tutorial's CNN (5x5x32, 5x5x64, dense 1024, dropout {script['keep_prob']:g}, dense "
        f"10; truncated normal weights of deviation 0.1; Adam, {script['learning_rate']:g}, as in "
        f"the tutorial) on batches of {script['batch']} of MNIST, the same in each engine. "
        f"TensorFlow {result['tensorflow']} with and without oneDNN, each in a process of its own; "
        f"{machine['cores']} cores, {machine['architecture']} with {machine['simd'][-1]}, "
        f"{machine['c_library']}; seeds {seeds}. minitf runs with the fast convolutions, its "
        f"default ({', '.join(fast)}), and with `MINITF_CONV=direct`.",
        "",
        *bit_lines(result["bits"]),
        "",
        "The largest relative difference of any loss, over all seeds:",
        "",
        *loss_lines(result["losses"]),
        "",
        "Where a relu or the largest of four numbers changes sides for a rounding error, losses "
        "part, and when that happens is chance. So far are the same runs from one in float64 that "
        "starts from the same variables and drops the same features:",
        "",
        *exact_lines(result["from_exact"]),
        "",
        "![The losses of both engines in one epoch, and how far apart they are in the first 100 "
        f"steps](img/{NAME}.svg)",
        "",
        *accuracy_lines(result["accuracy"], script["steps_of_an_epoch"]),
        *prediction_lines(result["predictions"]),
        "",
    ])  # fmt: skip


def bit_lines(bits: Result) -> list[str]:
    """The table of what has to be equal to the last bit."""
    names = {"variables": "initial variables", "masks": "first dropout masks"}
    return [
        "| equal to the last bit | compared | different |",
        "|---|---|---|",
        *(
            f"| {name} | {bits[kind]['compared']} | {len(bits[kind]['different'])} |"
            for kind, name in names.items()
        ),
    ]


def loss_lines(losses: Any) -> list[str]:
    """The table of differences between losses."""
    return [
        "| run | up to step | TensorFlow from itself | from TensorFlow with oneDNN | without "
        "| the larger, as a multiple | allowed |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {row['run']} | {row['last_step']} | {row['from_itself']:.1e} | {row[ONEDNN]:.1e} "
            f"| {row[PLAIN]:.1e} | {row['times']:.2f} | {row['allowed']:.1e} |"
            for row in losses
        ),
    ]


def exact_lines(rows: Any) -> list[str]:
    """The table of differences from the run in float64."""
    names = (*TENSORFLOW, *MINITF)
    return [
        f"| up to step | {' | '.join(names)} |",
        "|---|---|---|---|---|",
        *(
            f"| {row['last_step']} | {' | '.join(f'{row[name]:.1e}' for name in names)} |"
            for row in rows
        ),
    ]


def accuracy_lines(accuracy: Result, steps: int) -> list[str]:
    """The table of accuracies after an epoch; nothing where no seed was trained so long."""
    if not accuracy:
        return []
    names = (*TENSORFLOW, *MINITF)
    pairs = list(itertools.product(MINITF, TENSORFLOW))
    return [
        f"Percent of the 10,000 test images that are right after one epoch ({steps:,} steps):",
        "",
        f"| seed | {' | '.join(names)} | largest distance, in points |",
        "|---|---|---|---|---|---|",
        *(
            f"| {seed} | {' | '.join(f'{row[name]:.2f}' for name in names)} "
            f"| {max(abs(row[ours] - row[theirs]) for ours, theirs in pairs):.2f} |"
            for seed, row in accuracy.items()
        ),
        "",
    ]


def prediction_lines(predictions: Any) -> list[str]:
    """The table of predictions from the same weights, over all seeds."""
    lines = [
        "Predictions of the test images, when one engine loads the weights that the other trained. "
        f"A tie is an image whose two largest scores are within {TIE:.1e} of the largest:",
        "",
        "| trained by | predicted by | images | another class | of these, ties | ties in all "
        "| largest difference of a score |",
        "|---|---|---|---|---|---|---|",
    ]
    pairs = dict.fromkeys((row["trained_by"], row["predicted_by"]) for row in predictions)
    for a, b in pairs:
        rows = [row for row in predictions if (row["trained_by"], row["predicted_by"]) == (a, b)]
        different = [image for row in rows for image in row["different"]]
        lines.append(
            f"| {a} | {b} | {sum(row['images'] for row in rows):,} | {len(different)} "
            f"| {sum(image['tie'] for image in different)} | {sum(row['ties'] for row in rows)} "
            f"| {max(row['largest_difference'] for row in rows):.1e} |"
        )
    return lines


# ---- the picture


def drawn(result: Result) -> str:
    """The losses of the longest curves, and the largest differences so far over all seeds."""
    curves, seeds = result["curves"], [str(seed) for seed in result["seeds"]]
    seed = max(seeds, key=lambda seed: len(curves[DIRECT][seed]))
    steps = range(1, len(curves[DIRECT][seed]) + 1)
    losses = Panel(f"Loss, seed {seed}", "step")
    losses.curves = [
        Curve("TensorFlow", steps, curves[ONEDNN][seed], _PALE, 3.5),
        Curve("minitf", steps, curves[DIRECT][seed], _ORANGE, 0.8),
    ]
    direct = [row for row in result["losses"] if row["run"] == DIRECT]
    last = direct[-1]["last_step"]

    def apart(ours: str, *others: str) -> list[float]:
        each = [
            max(
                abs(curves[ours][seed][i] - curves[theirs][seed][i]) / curves[theirs][seed][i]
                for seed in seeds
                for theirs in others
            )
            for i in range(last)
        ]
        return list(itertools.accumulate(each, max))

    until = range(1, last + 1)
    differences = Panel("Largest relative difference of a loss so far", "step")
    differences.curves = [
        Curve("TensorFlow from itself", until, apart(ONEDNN, PLAIN), _BLUE, 2.0),
        Curve("minitf from TensorFlow", until, apart(DIRECT, *TENSORFLOW), _ORANGE),
        Curve("allowed, if direct", *allowed(direct), _GREY, 1.2, "4 3"),
        Curve("minitf, fast, from it", until, apart(FAST, *TENSORFLOW), _ORANGE, 1.2, "6 3"),
    ]
    return picture(
        [losses, differences],
        "Training losses of minitf and TensorFlow, and how far apart they are",
    )


def allowed(losses: Any) -> tuple[list[int], list[float]]:
    """The allowed difference as stairs: each level holds up to its last step."""
    steps, values, before = [], [], 0
    for row in losses:
        steps += [before, row["last_step"]]
        values += [row["allowed"]] * 2
        before = row["last_step"]
    return steps, values
