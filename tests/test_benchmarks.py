"""The benchmarks themselves: turns, tables and targets, with an engine that makes up its times."""

from __future__ import annotations

import doctest
import io
import json
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import (
    catalogue,
    driver,
    fresh,
    graph_work,
    page,
    plot,
    saving,
    summary,
    targets,
    ways_to_write,
    worker,
)
from benchmarks.__main__ import in_workers
from benchmarks.catalogue import Case
from benchmarks.driver import Engine, Measured, Plan
from benchmarks.targets import Target
from benchmarks.work import Work
from tests.source_tree import ROOT

# Speaks the protocol of worker.py; its times are those of the case's name times its own factor. It
# notes every request, in one file for all engines.
PRETENDED_WORKER = """
import json, os, sys
log, factor, name = sys.argv[1], float(sys.argv[2]), sys.argv[-1]
print(json.dumps({"engine": name, "works": ["sleep", "fail"], "threads": 2}), flush=True)
for line in sys.stdin:
    case, repeats = line.split()
    with open(log, "a") as file:
        print(name, case, repeats, os.environ.get("OPENBLAS_CORETYPE"), file=file)
    if case == "die":
        sys.exit(3)
    if case == "fail":
        print(json.dumps({"case": case, "error": "ValueError: no"}), flush=True)
        continue
    times = [float(case) * factor] * int(repeats)
    print(json.dumps({"case": case, "times": times, "took": 0.1, "result": 1.5}), flush=True)
"""


class Bench:
    """Engines with made-up times, and what they were asked."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "log"
        self.program = folder / "pretended.py"
        self.program.write_text(PRETENDED_WORKER)
        self.workers: list[driver.Worker] = []

    def start(self, name: str, factor: float) -> driver.Worker:
        command = (sys.executable, str(self.program), str(self.log), str(factor))
        self.workers.append(driver.Worker(Engine(name, command), {}))
        return self.workers[-1]

    def requests(self) -> list[str]:
        return self.log.read_text().splitlines()


@pytest.fixture
def bench(tmp_path: Path) -> Any:
    made = Bench(tmp_path)
    yield made
    for each in made.workers:
        each.close()


def case(name: str = "2", work: str = "sleep", **more: Any) -> Case:
    return Case(name, f"title of {name}", "s", work, **more)


PLAN = Plan(rounds=4, seconds=1.3)


# ---- turns


def test_the_engines_take_turns_and_none_is_always_first(bench: Bench) -> None:
    workers = [bench.start("minitf", 1.0), bench.start("tensorflow", 4.0)]
    found = driver.measure(workers, case(), PLAN)
    asked = [line.split()[0] for line in bench.requests()]
    assert asked[:2] == ["minitf", "tensorflow"]  # each makes the work
    assert asked[2:] == ["minitf", "tensorflow", "tensorflow", "minitf"] * 2
    # 1.3 s in 4 blocks of repetitions of 0.1 s: 3 to a block.
    assert found.blocks == {"minitf": [[2.0] * 3] * 4, "tensorflow": [[8.0] * 3] * 4}
    assert found.results == {"minitf": 1.5, "tensorflow": 1.5}


def test_who_waits_is_stopped(bench: Bench) -> None:
    pretended = bench.start("minitf", 1.0)
    pretended.ask("2", 1)
    if not os.path.exists("/proc/self/stat"):
        pytest.skip("the state of a process is read from /proc")
    for _ in range(1000):  # a signal takes a moment to arrive
        stat = Path(f"/proc/{pretended._process.pid}/stat").read_text()
        if stat.rpartition(")")[2].split()[0] == "T":
            break
        time.sleep(0.01)
    else:
        pytest.fail(f"it is not stopped: {stat}")
    assert pretended.ask("3", 2)["times"] == [3.0, 3.0]


def test_a_long_repetition_is_the_only_one(bench: Bench) -> None:
    found = driver.measure([bench.start("minitf", 1.0)], case(), PLAN._replace(patience=0.05))
    assert found.blocks == {"minitf": [[2.0]]}
    assert len(bench.requests()) == 1


def test_engines_without_the_work_or_not_meant_take_no_part(bench: Bench) -> None:
    workers = [bench.start("minitf", 1.0), bench.start("torch", 1.0)]
    assert driver.measure(workers, case(work="other"), PLAN).blocks == {}
    found = driver.measure(workers, case(engines=("minitf",)), PLAN)
    assert list(found.blocks) == ["minitf"]


def test_an_error_is_noted_and_the_others_go_on(bench: Bench) -> None:
    found = driver.measure([bench.start("minitf", 1.0)], case("fail", "fail"), PLAN)
    assert (found.blocks, found.notes) == ({}, {"minitf": "ValueError: no"})


def test_a_worker_that_ends_is_said(bench: Bench) -> None:
    with pytest.raises(driver.WorkerDiedError, match="minitf ended with exit code 3"):
        driver.measure([bench.start("minitf", 1.0)], case("die"), PLAN)


def test_no_worker_is_left_over(bench: Bench) -> None:
    command = (sys.executable, str(bench.program), str(bench.log), "1.0")
    fine = Engine("minitf", command)
    broken = Engine("torch", (sys.executable, "-c", "print('no JSON')"))
    began: list[driver.Worker] = []
    with pytest.raises(KeyboardInterrupt), driver.started([fine, fine], {}) as workers:
        began += workers
        raise KeyboardInterrupt
    assert [each._process.poll() for each in began] == [-9, -9]
    with pytest.raises(json.JSONDecodeError), driver.started([fine, broken], {}) as workers:
        pytest.fail("a worker that does not speak is no worker")


def test_after_a_worker_s_death_the_other_cases_are_measured(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    engine = Engine("minitf", (sys.executable, str(bench.program), str(bench.log), "1.0"))
    found, about = in_workers([engine], [case("2"), case("die"), case("3")], PLAN, {})
    assert [list(each.blocks) for each in found] == [["minitf"], [], ["minitf"]]
    assert found[1].notes == {"worker": "minitf ended with exit code 3"}
    assert about["minitf"]["threads"] == 2
    assert in_workers([engine], [], PLAN, {}) == ([], about)
    assert "[3/3] title of 3" in capsys.readouterr().err


def test_nothing_is_tuned(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    bench.start("minitf", 1.0).ask("2", 1)
    assert bench.requests() == ["minitf 2 1 None"]
    assert "PYTHONDONTWRITEBYTECODE" not in driver.environment()
    assert "OMP_NUM_THREADS" not in driver.environment()
    assert driver.environment(BENCHMARK_THREADS="3")["BENCHMARK_THREADS"] == "3"


def test_processes_share_a_folder_of_kernels_unless_it_is_to_be_empty() -> None:
    ran: list[tuple[str, str, str]] = []

    def run(engine: Engine, work: str, settings: dict[str, str]) -> dict[str, Any]:
        folder = settings["NUMBA_CACHE_DIR"]
        assert os.listdir(folder) == []  # nothing is compiled by an engine that is made up
        ran.append((engine.name, work, folder))
        return {"seconds": 2.0, "peak": 1e6, "process": 3.0} if work != "train" else {"error": "no"}

    cases = [each for each in catalogue.cases() if each.fresh and each.work != "allocations"]
    some = [Engine("minitf", ()), Engine("numpy", ())]
    found = driver.measure_fresh(some, cases, Plan(1, 1.0, fresh_rounds=2), {}, run)
    by_name = {each.case.name: each for each in found}
    assert by_name["import"].blocks == {"minitf": [[2.0]] * 2, "numpy": [[2.0]] * 2}
    assert by_name["memory-import"].blocks["minitf"] == [[1e6]] * 2
    assert by_name["first-step-warm"].blocks == {"minitf": [[3.0]] * 2}
    assert by_name["memory-train"].notes == {"minitf": "no"}
    works = [work for _, work, _ in ran]
    assert works[:3] == ["import", "import", "first-step-warm"]  # fill caches, and do not count
    assert works.count("first-step-warm") == 3
    assert works.count("import") == 6  # two engines; two cases look at the same processes
    filled = {folder for _, work, folder in ran if work != "first-step-empty"}
    emptied = [folder for _, work, folder in ran if work == "first-step-empty"]
    assert len(filled) == 1
    assert len(set(emptied) - filled) == 2


# ---- the worker


def served(requests: str, works: dict[str, Any]) -> list[dict[str, Any]]:
    answers = io.StringIO()
    worker.serve(works, io.StringIO(requests), answers)
    return [json.loads(line) for line in answers.getvalue().splitlines()]


def test_a_worker_makes_work_once_and_keeps_it_until_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "WARM_SECONDS", 0.0)
    made: list[str] = []

    def make(which: Case) -> Work:
        made.append(which.name)
        return Work(lambda: np.float32(2.5))

    answers = served("null-run 2\nnull-run 3\nfeed-add 1\nnull-run 1\n", dict.fromkeys(
        ("null_run", "feed_add"), make))  # fmt: skip
    assert made == ["null-run", "feed-add", "null-run"]
    assert [len(answer["times"]) for answer in answers] == [2, 3, 1, 1]
    assert all(answer["result"] == 2.5 for answer in answers)


def test_a_worker_says_what_failed_and_goes_on() -> None:
    def fail(which: Case) -> Work:
        raise ValueError("the shapes\ndiffer")

    first, second = served("null-run 1\nno-such 1\n", {"null_run": fail})
    assert first == {"case": "null-run", "error": "ValueError: the shapes"}
    assert second["error"] == "KeyError: 'no-such'"


def test_times_are_for_one_thing_and_without_the_preparation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "WARM_SECONDS", 0.0)
    now = 0.0
    monkeypatch.setattr(worker.time, "perf_counter", lambda: now)
    prepared: list[int] = []

    def prepare() -> int:
        nonlocal now
        now += 100.0
        prepared.append(len(prepared))
        return prepared[-1]

    def call(number: int) -> None:
        nonlocal now
        assert number == prepared[-1]
        now += 8.0

    assert worker.Timer(Work(call, prepare, per=4)).repetition() == 2.0

    def short_call() -> None:
        nonlocal now
        now += 0.0005

    timer = worker.Timer(Work(short_call))
    assert timer.number == 5  # fill two milliseconds
    assert timer.repetition() == pytest.approx(0.0005)


def test_every_case_has_its_work() -> None:
    every = [*catalogue.cases(), *catalogue.growth_cases()]
    assert len({each.name for each in every}) == len(every)
    for each in every:
        assert each.unit in catalogue.UNITS
        assert each.fresh or callable(getattr(graph_work, each.work))
    named = {each.name for each in catalogue.cases()}
    assert {target.case for target in targets.TARGETS} <= named
    quick = {each.name for each in catalogue.cases(quick=True)}
    assert quick < named
    assert [each.name for each in catalogue.cases("^null")] == ["null-run"]


@pytest.mark.parametrize(
    ("name", "expected"), [("null-run", 1.0), ("feed-add", 3.0), ("callable-add", 3.0)]
)
def test_the_work_computes_what_it_says(
    name: str, expected: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "WARM_SECONDS", 0.0)
    (answer,) = served(f"{name} 1\n", worker.works_of("minitf"))
    assert answer["result"] == expected


def test_a_kernel_s_work_does_each_copy() -> None:
    import minitf as tf

    shape = catalogue.ConvShape(2, 5, 5, 3, 4, 3)
    work = graph_work.convolution(tf, "forward", shape)
    assert work.per == graph_work.COPIES
    corners = []
    for copy in range(graph_work.COPIES):
        x = graph_work.random(10 * copy, 2, 5, 5, 3)
        w = graph_work.random(10 * copy + 1, 3, 3, 3, 4)
        corners.append(np.einsum("yxc,yxc->", x[0, :2, :2], w[1:, 1:, :, 0]))
    np.testing.assert_allclose(work.call(), sum(corners), rtol=1e-5)


def test_large_arrays_are_counted_also_those_that_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = []

    def step() -> None:
        for _ in range(3):
            np.empty(fresh.LARGE + 1000, np.uint8)
        kept.append(np.ones(fresh.LARGE // 2, np.uint8))
        kept.append(np.ones(2 * fresh.LARGE, np.uint8))

    monkeypatch.setattr(fresh, "training_step", lambda engine: step)
    found = fresh.allocations("minitf")
    assert found["count"] == 4
    first, second = found["where"]
    assert first.startswith("3 x tests/test_benchmarks.py:")
    assert second.startswith("1 x ")


def test_a_fresh_process_begins_with_nothing_loaded() -> None:
    program = (
        "import sys, runpy; sys.argv = ['fresh', 'json', 'import']\n"
        "import benchmarks.fresh\n"
        "assert not {'numpy', 'minitf', 'json'} & set(sys.modules), 'loaded too early'\n"
        "print(benchmarks.fresh.do('json', 'import'))"
    )
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "'seconds': " in run.stdout
    assert "'peak': " in run.stdout


# ---- figures


def measured(ours: list[list[float]], theirs: list[list[float]], **results: float) -> Measured:
    blocks = {"minitf": ours, "tensorflow": theirs}
    return Measured(case(group="Group"), blocks, results, {})


def test_medians_quartiles_and_ratios() -> None:
    found = summary.summarise(measured([[1.0, 2.0], [3.0, 4.0, 5.0]], [[6.0]] * 5))
    assert found["engines"]["minitf"] == {"median": 3.0, "low": 2.0, "high": 4.0, "n": 5}
    ratio = found["ratios"]["tensorflow"]
    assert ratio["ratio"] == 0.5
    # Blocks are drawn whole: only the two medians of the blocks and mixtures can come out.
    assert (ratio["low"], ratio["high"]) == (0.25, pytest.approx(4 / 6))


def test_a_disturbance_that_falls_on_both_leaves_the_ratio() -> None:
    disturbance = [1.0, 1.0, 10.0, 1.0, 3.0, 1.0]
    found = summary.ratio([[2 * d] for d in disturbance], [[4 * d] for d in disturbance])
    assert found == {"ratio": 0.5, "low": 0.5, "high": 0.5}


def test_engines_that_compute_different_numbers_are_named() -> None:
    fine = measured([[1.0]], [[2.0]], minitf=-1.0, tensorflow=-1.001)
    assert summary.summarise(fine)["notes"] == {}
    wrong = measured([[1.0]], [[2.0]], minitf=-1.0, tensorflow=-1.1)
    note = summary.summarise(wrong)["notes"]["different"]
    assert note == "the engines computed different numbers: minitf -1, tensorflow -1.1"


@pytest.mark.parametrize(
    ("target", "value", "state"),
    [
        (Target("2", "tensorflow", 0.6, 0.4), 0.5, "done"),
        (Target("2", "tensorflow", 0.5, 0.5), 0.5, "aim reached"),
        (Target("2", "tensorflow", 0.4, 0.3), 0.5, "not done"),
        (Target("2", "tensorflow", 0.1, 0.0, "over"), -3.0, "aim reached"),
        (Target("2", "", 2.0, 1.0, "own"), 3.0, "not done"),
        (Target("2", "torch", 2.0, 1.0), None, "not measured"),
        (Target("3", "", 2.0, 1.0, "own"), None, "not measured"),
    ],
)
def test_targets_are_judged(target: Target, value: float | None, state: str) -> None:
    found = summary.summarise(measured([[3.0]] * 3, [[6.0]] * 3))
    judged = summary.judge(target, {"2": found})
    assert (judged["measured"], judged["state"]) == (value, state)


def test_the_tables() -> None:
    found = summary.summarise(measured([[1.0], [3.0]], [[2.0, 2.0], [2.0, 6.0]]))
    found["notes"] = {"minitf": "slow"}
    assert summary.tables([found]).splitlines() == [
        "| Group      | minitf        | TensorFlow | to TensorFlow |",
        "|------------|---------------|------------|---------------|",
        "| title of 2 | 2 (1.5-2.5) s | 2 (2-3) s  | 1 [0.5, 1]    |",
        "",
        "  title of 2: minitf: slow",
    ]
    compared = [
        Target("2", "tensorflow", 0.67, 0.45),
        Target("2", "tensorflow", 0.67, 0.45, "over"),
        Target("2", "", 2.5, 0.45, "own"),
        Target("3", "", 0.67, 0.45, "own"),
    ]
    judged = [summary.judge(target, {"2": found}) for target in compared]
    assert summary.target_table(judged).splitlines() == [
        "| Target     | minitf          | measured   | not done above | aim    | state        |",
        "|------------|-----------------|------------|----------------|--------|--------------|",
        "| title of 2 | to TensorFlow   | 1 [0.5, 1] | 0.67           | 0.45   | not done     |",
        "| title of 2 | over TensorFlow | 0 s        | 0.67 s         | 0.45 s | aim reached  |",
        "| title of 2 |                 | 2          | 2.5            | 0.45   | done         |",
        "| 3          |                 | -          | 0.67           | 0.45   | not measured |",
    ]


@pytest.mark.parametrize("module", [plot, summary])
def test_examples_in_docstrings(module: Any) -> None:
    failed, tried = doctest.testmod(module)
    assert tried
    assert not failed


def test_a_page_is_filled_or_refused() -> None:
    assert page.filled("<!-- a -->1<!-- end --><!-- b -->2<!-- end -->", {"b": "3"}) == (
        "<!-- a -->1<!-- end --><!-- b -->\n3\n<!-- end -->"
    )
    with pytest.raises(ValueError, match="0 places for 'c'"):
        page.filled("<!-- a -->1<!-- end -->", {"c": "3"})


def test_the_picture_has_a_bar_for_each_ratio() -> None:
    given = [("ratio", 0.5), ("ratio", 9.0), ("ratio", None), ("own", 3.0)]
    judged = [
        {
            "title": f"case <{i}>", "against": "tensorflow", "kind": kind, "measured": value,
            "line": 0.7, "aim": 0.5, "state": "done",
        }
        for i, (kind, value) in enumerate(given)
    ]  # fmt: skip
    root = ElementTree.fromstring(page.picture(judged))
    bars = [each for each in root.iter() if each.get("class") == "bar"]
    assert [float(bar.get("width") or 0) for bar in bars] == [
        page.UNIT * 0.5,
        page.UNIT * page.MOST,
    ]


def test_the_plot_is_well_formed_and_has_every_point() -> None:
    curves = [
        plot.Curve("a < b", "red", [(10, 0.5), (1000, 20.0)]),
        plot.Curve("c", "blue", [(10, 1.0)]),
    ]
    svg = plot.picture([plot.Panel("Title", "nodes", "us", curves)] * 3, 2, "Two & one.")
    tree = ElementTree.fromstring(svg)
    assert tree.get("viewBox") == f"0 0 {2 * plot.WIDTH} {2 * plot.HEIGHT}"
    points = tree.findall(".//{*}circle")
    assert len(points) == 9
    # The scales go from 10 to 1,000 and from 0.1 to 100.
    assert float(points[0].get("cx", "")) == plot.LEFT
    assert float(points[1].get("cx", "")) == plot.WIDTH - plot.RIGHT
    height = plot.HEIGHT - plot.TOP - plot.BOTTOM
    assert float(points[2].get("cy", "")) == pytest.approx(plot.TOP + height * 2 / 3, abs=0.1)


def test_saving_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ways_to_write.main(["--megabytes", "3", "--repeats", "1", "--folder", str(tmp_path)])
    told = capsys.readouterr().out.splitlines()
    assert len(told) == len(ways_to_write.WAYS) and all("GB/s" in line for line in told)
    saving.measure({"a": (20, 3), "b": (5,)}, tmp_path, 1, 0.0)
    told = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in told][:4] == ["bare", "bare,", "minitf", "minitf,"]
    assert not list(tmp_path.glob(".*"))
