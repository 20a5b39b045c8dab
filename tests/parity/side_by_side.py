"""The tutorial's CNN on MNIST in minitf and TensorFlow, side by side: same script, seed, batches.

    python -m tests.parity.side_by_side            (make side-by-side)

needs the parity extra and all of MNIST. Each engine trains in a process of its own, TensorFlow
once with and once without oneDNN; then each predicts with the weights that the other trained. What
came of it goes to docs/side_by_side.json and docs/img/side_by_side.svg, and is printed; the command
fails if something is further apart than it may be. `record` has TensorFlow train for a few steps on
the sample of MNIST in the package, for the tests that run without TensorFlow.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minitf.examples.tutorials.mnist import input_data, sources
from tests.parity import agreement, mnist_cnn, side_by_side_page
from tests.parity.agreement import DIRECT, EXACT, FAST, MINITF, ONEDNN, PLAIN, TENSORFLOW
from tests.source_tree import ROOT

SEEDS, EPOCH_SEEDS = (1, 2, 3, 4, 5), (1,)
BATCH = 50
EPOCH = 55_000 // BATCH

RECORDING = ROOT / "tests" / "golden" / "side_by_side.json"
RECORDED_SEEDS, RECORDED_STEPS = (1, 2, 3), (10, 20)

# The module of each engine, and what its process finds in the environment.
ENGINES = {
    ONEDNN: ("tensorflow.compat.v1", {"TF_ENABLE_ONEDNN_OPTS": "1"}),
    PLAIN: ("tensorflow.compat.v1", {"TF_ENABLE_ONEDNN_OPTS": "0"}),
    DIRECT: ("minitf", {"MINITF_CONV": "direct"}),
    FAST: ("minitf", {"MINITF_CONV": "fast"}),
}


# ---- what the engines get


def all_of_mnist() -> sources.Digits:
    """All of MNIST, verified.

    Raises:
      SystemExit: if only the sample can be had.
    """
    digits = sources.load("MNIST_data")
    if digits.is_sample or not sources.is_original(digits):
        raise SystemExit("side by side needs all of MNIST, which cannot be had here")
    return digits


def write_batches(folder: Path, digits: sources.Digits, steps: dict[int, int]) -> None:
    """Writes the batches of each seed as `next_batch` gives them, for so many steps.

    As in `read_data_sets`, the first digits are put aside for validation.
    """
    aside = 500 if digits.is_sample else 5000
    labels = input_data.dense_to_one_hot(digits.train_labels[aside:], 10)
    for seed, count in steps.items():
        data = input_data.DataSet(digits.train_images[aside:], labels, seed=seed)
        batches = [data.next_batch(BATCH) for _ in range(count)]
        np.save(folder / f"images_{seed}.npy", np.stack([images for images, _ in batches]))
        rows = np.stack([rows for _, rows in batches]).astype(np.float32)
        np.save(folder / f"labels_{seed}.npy", rows)


def write_test_images(folder: Path, digits: sources.Digits) -> None:
    """Writes the test images, scaled as those of the batches are."""
    data = input_data.DataSet(digits.test_images, digits.test_labels, seed=0)
    np.save(folder / "test_images.npy", data.images)


# ---- processes


def start(name: str, what: str, folder: Path, out: str, *rest: Any) -> dict[str, Any]:
    """Has one engine train or predict in a process of its own; returns what it leaves.

    What an earlier process left there is taken as it is.
    """
    if (folder / out).exists():
        print(f"{name}: {out} is there already", file=sys.stderr)
        with np.load(folder / out) as file:
            return dict(file)
    module, variables = ENGINES[name]
    command = [sys.executable, "-m", "tests.parity.mnist_cnn", module, what, folder, folder / out]
    environment = {**os.environ, **variables, "PYTHONPATH": str(ROOT)}
    subprocess.run(
        [str(word) for word in (*command, *rest)],
        cwd=ROOT,
        env=environment,
        check=True,
        stdout=sys.stderr,
    )
    with np.load(folder / out) as file:
        return dict(file)


def train_all(folder: Path, seeds: Sequence[int], names: Sequence[str]) -> dict[str, Any]:
    """Has engines train, one after the other, on the batches in a folder."""
    return {name: start(name, "train", folder, f"{name}.npz", *seeds) for name in names}


def predict_all(folder: Path, seeds: Sequence[int]) -> list[tuple[str, str, dict[str, Any]]]:
    """Has minitf predict with the weights of each run of TensorFlow, and the other way round.

    Returns:
      Who trained, who predicted, and what the latter left.
    """
    pairs = [pair for pair in itertools.permutations(ENGINES, 2) if len({*pair} & {*MINITF}) == 1]
    return [
        (a, b, start(b, "predict", folder, f"{b} by {a}.npz", folder / f"{a}.npz", *seeds))
        for a, b in pairs
    ]


# ---- the comparison


def side_by_side(folder: Path, seeds: Sequence[int], epoch_seeds: Sequence[int]) -> dict[str, Any]:
    """Runs everything, and returns the result, which `agreement.failures` judges."""
    digits = all_of_mnist()
    short = max(agreement.LAST_STEPS)
    write_batches(folder, digits, {s: EPOCH if s in epoch_seeds else short for s in seeds})
    write_test_images(folder, digits)
    runs = train_all(folder, seeds, list(ENGINES))
    exact = start(DIRECT, "exact", folder, f"{EXACT}.npz", *seeds)
    labels, count = digits.test_labels, len(digits.test_labels)
    agreement.require(count, 10_000, "test images")
    for seed in epoch_seeds:
        for name, run in runs.items():
            agreement.require(len(run[f"{seed}/losses"]), EPOCH, f"steps of {name}, seed {seed}")
    return {
        "machine": machine(),
        "tensorflow": str(runs[ONEDNN]["version"]),
        "numpy": np.__version__,
        "script": {
            "batch": BATCH,
            "learning_rate": mnist_cnn.LEARNING_RATE,
            "keep_prob": mnist_cnn.KEEP_PROB,
            "steps_of_an_epoch": EPOCH,
        },
        "convolutions": {
            name: {
                "algorithms": runs[name]["convolutions"].tolist(),
                "factor": agreement.factor(name, runs[name]),
            }
            for name in MINITF
        },
        "seeds": list(seeds),
        "bits": agreement.bits(runs, seeds),
        "losses": [
            row
            for name in MINITF
            for row in agreement.losses(runs, name, seeds, agreement.LAST_STEPS)
        ],
        "from_exact": agreement.from_exact(runs, exact, seeds, agreement.LAST_STEPS),
        "accuracy": {
            seed: {name: agreement.accuracy(run, seed, labels) for name, run in runs.items()}
            for seed in epoch_seeds
        },
        "predictions": [
            {
                "trained_by": a, "predicted_by": b, "seed": seed,
                **agreement.predictions(runs[a], predicted, seed, count),
            }
            for a, b, predicted in predict_all(folder, epoch_seeds)
            for seed in epoch_seeds
        ],
        "curves": {
            name: {seed: [float(f"{x:.9g}") for x in run[f"{seed}/losses"]] for seed in seeds}
            for name, run in runs.items()
        },
    }  # fmt: skip


def machine() -> dict[str, Any]:
    """What kind of machine this is, as far as it decides the last bits."""
    features = np.show_config(mode="dicts")["SIMD Extensions"]
    library, version = platform.libc_ver()
    return {
        "architecture": platform.machine(),
        "simd": [*features["baseline"], *features["found"]],
        "cores": len(os.sched_getaffinity(0)),
        "c_library": f"{library} {version}",
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="minitf and TensorFlow side by side on MNIST")
    add = parser.add_argument
    add("--seeds", type=int, nargs="+", default=SEEDS, help="of weights and batches")
    add("--epochs", type=int, nargs="*", default=EPOCH_SEEDS, help="those to train for an epoch")
    add("--docs", type=Path, default=ROOT / "docs", help="where the result goes")
    add("--folder", type=Path, help="where to keep what engines leave, and use what they left")
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="side-by-side-") as passing:
        folder = args.folder or Path(passing)
        folder.mkdir(parents=True, exist_ok=True)
        result = side_by_side(folder, args.seeds, [s for s in args.epochs if s in args.seeds])
    result = json.loads(json.dumps(result))  # keys become strings, as they are in the file
    side_by_side_page.write(result, args.docs)
    print(side_by_side_page.section(args.docs))
    problems = agreement.failures(result)
    print("\n".join(f"FAILED: {problem}" for problem in problems) or "All as it has to be.")
    return bool(problems)


# ---- the recording


def record() -> None:
    """Records TensorFlow's digests and losses on the packaged sample in tests/golden."""
    with tempfile.TemporaryDirectory(prefix="side-by-side-") as folder:
        runs = run_sample(Path(folder), RECORDED_SEEDS, TENSORFLOW)
    agreement.bits(runs, RECORDED_SEEDS)
    curves = {
        name: {
            f"{seed}/losses": [float(f"{x:.9g}") for x in run[f"{seed}/losses"]]
            for seed in RECORDED_SEEDS
        }
        for name, run in runs.items()
    }
    recording = {
        "tensorflow": str(runs[ONEDNN]["version"]),
        "bits": agreement.bit_digests(runs[ONEDNN], RECORDED_SEEDS),
        "losses": curves,
    }
    RECORDING.write_text(json.dumps(recording, indent=0) + "\n")


def run_sample(folder: Path, seeds: Sequence[int], names: Sequence[str]) -> dict[str, Any]:
    """Has engines train on the packaged sample for as many steps as are recorded."""
    write_batches(folder, sources.sample(), dict.fromkeys(seeds, max(RECORDED_STEPS)))
    return train_all(folder, seeds, names)


if __name__ == "__main__":
    sys.exit(main())
