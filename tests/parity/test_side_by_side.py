"""The tutorial's CNN trains in minitf as in TensorFlow: the start to the bit, then the losses.

Against a recording here, for some steps on the packaged sample of MNIST; with the marker `parity`
against TensorFlow itself as well. `python -m tests.parity.side_by_side` is the whole comparison.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minitf.kernels import conv
from tests.engines import MODULES
from tests.parity import agreement, chart, mnist_cnn, side_by_side, side_by_side_page
from tests.parity.agreement import DIRECT, FAST, MINITF, ONEDNN, PLAIN, TENSORFLOW, TooLittle
from tests.parity.harness import engine
from tests.parity.random_cases import same_libm
from tests.parity.side_by_side import RECORDED_SEEDS as SEEDS
from tests.parity.side_by_side import RECORDED_STEPS as STEPS


def recorded() -> dict[str, dict[str, Any]]:
    """TensorFlow's runs as they were recorded."""
    recording = json.loads(side_by_side.RECORDING.read_text())
    return {name: {**recording["bits"], **recording["losses"][name]} for name in TENSORFLOW}


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What minitf makes of the sample, in this process, with either kind of convolutions."""
    folder = tmp_path_factory.mktemp("batches")
    digits = side_by_side.sources.sample()
    side_by_side.write_batches(folder, digits, dict.fromkeys(SEEDS, max(STEPS)))
    return {name: train_here(name, folder) for name in MINITF}


def train_here(name: str, folder: Path) -> dict[str, Any]:
    before, notes, run = conv.mode(), set(), {}
    conv.set_mode(side_by_side.ENGINES[name][1]["MINITF_CONV"])
    try:
        with mnist_cnn.noted_convolutions(notes):
            for seed in SEEDS:
                made = mnist_cnn.train(engine("minitf"), folder, seed)
                run.update({f"{seed}/{key}": value for key, value in made.items()})
    finally:
        conv.set_mode(before)
    return {**run, "convolutions": np.array(sorted(notes))}


def test_the_start_has_the_recorded_bits(ours: dict[str, Any]) -> None:
    """Variables, first dropout mask, and also the batches, which both engines got."""
    found = agreement.bits({**ours, ONEDNN: recorded()[ONEDNN]}, SEEDS)
    differing = {kind: row["different"] for kind, row in found.items()}
    if not same_libm(np.float32):  # then normal numbers are other ones
        differing["variables"] = [
            key for key in differing["variables"] if not re.fullmatch(r"\d+/initial/\w+/W", key)
        ]
    assert differing == {"variables": [], "masks": [], "batches": []}


@pytest.mark.parametrize("name", MINITF)
def test_losses_are_as_near_the_recorded_as_tensorflow_is(name: str, ours: dict[str, Any]) -> None:
    judge({**recorded(), **ours}, name)


def judge(runs: dict[str, Any], name: str) -> None:
    rows = agreement.losses(runs, name, SEEDS, STEPS)
    assert agreement.failures({"bits": {}, "losses": rows}) == []


@pytest.mark.parity
@pytest.mark.skipif(len(MODULES) < 2, reason="TensorFlow is not installed")
def test_tensorflow_itself_agrees(tmp_path: Path, ours: dict[str, Any]) -> None:
    """With minitf, and in all bits that depend on the C library alone with its own recording."""
    live = side_by_side.run_sample(tmp_path, SEEDS, TENSORFLOW)
    found = agreement.bits({**live, **ours}, SEEDS)
    assert agreement.failures({"bits": found, "losses": []}) == []
    for name in MINITF:
        judge({**live, **ours}, name)
    if same_libm(np.float32):
        with_recording = agreement.bits({**live, "recorded": recorded()[PLAIN]}, SEEDS)
        assert agreement.failures({"bits": with_recording, "losses": []}) == []


# ---- the comparison finds what is wrong, and what is missing


def made_up() -> dict[str, dict[str, Any]]:
    """Two seeds of four runs that agree, of few steps and few test images."""
    rng = np.random.RandomState(0)
    runs: dict[str, dict[str, Any]] = {name: {} for name in (*MINITF, *TENSORFLOW)}
    runs[DIRECT]["convolutions"], runs[FAST]["convolutions"] = ["direct"], ["direct", "winograd"]
    for seed in (1, 2):
        shared: dict[str, Any] = {f"{seed}/mask": rng.rand(3) > 0.5, f"{seed}/fed": np.array("ab")}
        shared |= {f"{seed}/initial/{i}": rng.rand(3) for i in range(mnist_cnn.VARIABLES)}
        shared |= {f"{seed}/trained/{i}": rng.rand(3) for i in range(mnist_cnn.TRAINABLE)}
        shared |= {
            f"{seed}/assigned/{i}": mnist_cnn.digest(shared[f"{seed}/trained/{i}"])
            for i in range(mnist_cnn.TRAINABLE)
        }
        shared[f"{seed}/logits"] = rng.rand(50, 10).astype(np.float32)
        losses = 1 + rng.rand(20)
        for factor, run in zip((1 + 2e-5, 1 + 7e-5, 1, 1 + 1e-5), runs.values(), strict=True):
            run.update({key: np.array(value) for key, value in shared.items()})
            run[f"{seed}/losses"] = losses * factor
    return runs


def test_what_agrees_passes() -> None:
    runs = made_up()
    found = agreement.bits(runs, (1, 2))
    assert found["variables"]["compared"] == 2 * mnist_cnn.VARIABLES
    rows = [row for name in MINITF for row in agreement.losses(runs, name, (1, 2), STEPS)]
    assert [round(row["times"], 2) for row in rows] == [2.0, 2.0, 7.0, 7.0]
    assert [round(row["allowed"], 7) for row in rows] == [3e-5, 3e-5, 1e-4, 1e-4]
    predicted = agreement.predictions(runs[ONEDNN], runs[DIRECT], 1, 50)
    result = {"bits": found, "losses": rows, "predictions": [named(predicted)]}
    assert agreement.failures(result) == []


def named(row: dict[str, Any]) -> dict[str, Any]:
    return {"seed": 1, "trained_by": ONEDNN, "predicted_by": DIRECT, **row}


@pytest.mark.parametrize("key", ["2/initial/7", "1/mask", "2/fed"])
def test_a_bit_that_differs_is_found(key: str) -> None:
    runs = made_up()
    changed = np.frombuffer(runs[DIRECT][key].tobytes(), np.uint8).copy()
    changed[0] ^= 1
    like = runs[ONEDNN][key]
    runs[DIRECT][key] = changed.view(like.dtype).reshape(like.shape)
    found = agreement.bits(runs, (1, 2))
    (problem,) = agreement.failures({"bits": found, "losses": []})
    assert key in problem


@pytest.mark.parametrize("at", [0, 9, 10, 19])
def test_a_loss_that_is_too_far_off_is_found(at: int) -> None:
    runs = made_up()
    runs[DIRECT]["2/losses"][at] *= 1 + 1e-4
    rows = agreement.losses(runs, DIRECT, (1, 2), STEPS)
    problems = agreement.failures({"bits": {}, "losses": rows})
    assert len(problems) == sum(last > at for last in STEPS)


def test_what_is_exact_starts_alike_and_is_the_measure() -> None:
    runs = made_up()
    exact = {key: np.array(value) for key, value in runs[ONEDNN].items()}
    for key in exact:
        if "/initial/" in key:
            for run in runs.values():
                run[key] = exact[key].astype(np.float32)
    (row,) = agreement.from_exact(runs, exact, (1, 2), (20,))
    expected = {ONEDNN: 0, PLAIN: 1e-5, DIRECT: 2e-5, FAST: 7e-5}
    assert {name: round(row[name], 7) for name in runs} == expected
    runs[FAST]["2/mask"] = ~runs[FAST]["2/mask"]
    with pytest.raises(TooLittle):
        agreement.from_exact(runs, exact, (1, 2), (20,))


def test_small_differences_are_rounding() -> None:
    runs = made_up()
    for seed in (1, 2):
        runs[PLAIN][f"{seed}/losses"] = runs[ONEDNN][f"{seed}/losses"] * (1 + 1e-9)
        runs[DIRECT][f"{seed}/losses"] = runs[ONEDNN][f"{seed}/losses"] * (1 + 1.9e-6)
    (row,) = agreement.losses(runs, DIRECT, (1, 2), (20,))
    assert row["times"] > 1000 and row["allowed"] == agreement.FLOOR
    assert agreement.failures({"bits": {}, "losses": [row]}) == []


def drop(key: str, *names: str) -> Callable[[dict[str, Any]], None]:
    def change(runs: dict[str, Any]) -> None:
        for name in names:
            del runs[name][key]

    return change


def cut(key: str, name: str) -> Callable[[dict[str, Any]], None]:
    def change(runs: dict[str, Any]) -> None:
        runs[name][key] = runs[name][key][:-1]

    return change


def not_numbers(runs: dict[str, Any]) -> None:
    runs[DIRECT]["1/losses"][3] = np.nan


def one_run_twice(runs: dict[str, Any]) -> None:
    runs[PLAIN] = runs[ONEDNN]


def convolved(name: str, *algorithms: str) -> Callable[[dict[str, Any]], None]:
    def change(runs: dict[str, Any]) -> None:
        runs[name]["convolutions"] = list(algorithms)

    return change


def other_weights(runs: dict[str, Any]) -> None:
    runs[DIRECT]["1/assigned/3"] = np.array("of other weights")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(drop("1/initial/3", DIRECT), id="a variable of one engine"),
        pytest.param(drop("1/initial/3", *MINITF, *TENSORFLOW), id="a variable of all"),
        pytest.param(drop("2/mask", *MINITF, *TENSORFLOW), id="a mask"),
        pytest.param(cut("2/losses", FAST), id="a step"),
        pytest.param(cut("2/losses", PLAIN), id="a step of TensorFlow"),
        pytest.param(cut("1/logits", DIRECT), id="an image"),
        pytest.param(cut("1/logits", ONEDNN), id="an image of TensorFlow"),
        pytest.param(drop("1/trained/0", ONEDNN), id="a trained variable"),
        pytest.param(not_numbers, id="a loss that is no number"),
        pytest.param(one_run_twice, id="a second run of TensorFlow"),
        pytest.param(other_weights, id="the weights"),
        pytest.param(convolved(DIRECT, "direct", "winograd"), id="direct convolutions"),
        pytest.param(convolved(FAST, "direct"), id="fast convolutions"),
        pytest.param(convolved(FAST), id="convolutions"),
    ],
)
def test_what_is_missing_is_found(change: Callable[[dict[str, Any]], None]) -> None:
    runs = made_up()
    change(runs)
    with pytest.raises(TooLittle):
        agreement.bits(runs, (1, 2))
        agreement.losses(runs, DIRECT, (1, 2), STEPS)
        agreement.losses(runs, FAST, (1, 2), STEPS)
        agreement.predictions(runs[ONEDNN], runs[DIRECT], 1, 50)


def test_another_class_is_found_and_a_tie_is_spared() -> None:
    runs = made_up()
    theirs = runs[ONEDNN]["1/logits"]
    theirs[:, 0], theirs[:, 1] = 2, 1
    theirs[7, 1] = np.nextafter(np.float32(2), np.float32(0))
    runs[DIRECT]["1/logits"] = theirs.copy()
    runs[DIRECT]["1/logits"][[7, 8], 1] = 3
    row = agreement.predictions(runs[ONEDNN], runs[DIRECT], 1, 50)
    assert row["ties"] == 1
    assert [(image["image"], image["tie"]) for image in row["different"]] == [(7, True), (8, False)]
    (problem,) = agreement.failures({"bits": {}, "losses": [], "predictions": [named(row)]})
    assert "gives 1 images another class" in problem


def test_accuracy_counts_and_is_bounded() -> None:
    logits = np.eye(10, dtype=np.float32)
    labels = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 8])
    assert agreement.accuracy({"1/logits": logits}, 1, labels) == pytest.approx(90)
    percents = {DIRECT: 97.0, FAST: 97.1, ONEDNN: 97.3, PLAIN: 97.31}
    (problem,) = agreement.failures({"bits": {}, "losses": [], "accuracy": {"1": percents}})
    assert DIRECT in problem and PLAIN in problem


# ---- what stands in the documents


def test_the_documents_have_a_whole_run_that_is_as_it_has_to_be() -> None:
    docs = side_by_side.ROOT / "docs"
    result = json.loads((docs / f"{side_by_side_page.NAME}.json").read_text())
    assert result["seeds"] == list(side_by_side.SEEDS)
    assert [row["last_step"] for row in result["losses"]] == 2 * list(agreement.LAST_STEPS)
    assert result["bits"]["variables"]["compared"] == 5 * mnist_cnn.VARIABLES
    assert {row["images"] for row in result["predictions"]} == {10_000}
    assert len(result["predictions"]) == 8 * len(result["accuracy"]) > 0
    assert agreement.failures(result) == []
    assert side_by_side_page.compact(result) == (docs / "side_by_side.json").read_text()
    assert side_by_side_page.drawn(result) == (docs / "img" / "side_by_side.svg").read_text()


def test_a_chart_breaks_a_line_where_a_logarithm_would_fail() -> None:
    curve = chart.Curve("a", [1, 2, 3, 4], [1.0, 0.0, 2.0, 3.0], "black")
    assert chart.pieces(curve) == [[(1, 1.0)], [(3, 2.0), (4, 3.0)]]
    assert [chart.ticks(last) for last in (20, 100, 1100)] == [
        [0, 5, 10, 15, 20],
        [0, 20, 40, 60, 80, 100],
        [0, 200, 400, 600, 800, 1000],
    ]
