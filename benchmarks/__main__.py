"""Measures minitf beside TensorFlow and PyTorch, in one run, on the same cores.

    python -m benchmarks                    everything; some 20 minutes
    python -m benchmarks --quick            the most important cases, in under two minutes
    python -m benchmarks --only 'conv2|pool'

prints tables: medians with their quartiles, ratios of minitf's median to the others' with their
95 % intervals, and the targets. The same goes as JSON to .benchmarks/side_by_side.json, and with
--record to docs/performance.json (together with --only, those cases of it). `make bench` makes the
engines' environments first.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import driver, summary
from benchmarks.catalogue import ENGINES, Case, cases
from benchmarks.targets import TARGETS

WRITTEN = driver.ROOT / ".benchmarks" / "side_by_side.json"
RECORDED = driver.ROOT / "docs" / "performance.json"

QUICK = driver.Plan(rounds=2, seconds=0.3, fresh_rounds=1)
FULL = driver.Plan(rounds=6, seconds=4.0, fresh_rounds=5, patience=10.0)


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    found: dict[str, Any] = {
        "processor": platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
    }
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        facts = dict(line.split(":", 1) for line in lines if ":" in line)
        facts = {key.strip(): value.strip() for key, value in facts.items()}
        found["processor"] = facts.get("model name", found["processor"])
        wide = [w for w in ("avx2", "avx512f", "asimd") if w in facts.get("flags", "").split()]
        found["vectors"] = wide[-1] if wide else "unknown"
        memory = Path("/proc/meminfo").read_text().split()[1]
        found["memory"] = f"{int(memory) / 2**20:.0f} GB"
    except OSError:
        pass  # not Linux: the rest says enough
    return found


def load() -> str:
    """How busy the machine is, for the reader to doubt figures that were taken beside others."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def circumstances(load_before: str) -> dict[str, Any]:
    """When and where something was measured."""
    today = time.strftime("%Y-%m-%d", time.gmtime())
    return {"date": today, "machine": machine(), "load before": load_before}


def isa_of_onednn(engine: driver.Engine) -> str:
    """Which instructions TensorFlow's oneDNN uses, which it says only when asked at its start."""
    program = (
        "import tensorflow.compat.v1 as tf; tf.disable_v2_behavior()\n"
        "a = tf.random_normal([300, 300]); tf.Session().run(tf.matmul(a, a))"
    )
    run = subprocess.run(
        [*engine.command, "-c", program],
        env=driver.environment(ONEDNN_VERBOSE="1"), capture_output=True, text=True,
    )  # fmt: skip
    found = [line.partition("isa:")[2] for line in run.stdout.splitlines() if "cpu,isa:" in line]
    return found[0] if found else "unknown"


def in_workers(
    engines: list[driver.Engine], wanted: list[Case], plan: driver.Plan, settings: dict[str, str]
) -> tuple[list[driver.Measured], dict[str, Any]]:
    """Measures the cases that workers do; returns also what the engines say of themselves."""
    # Asked to end, end the workers too: one that is stopped would stay for ever.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    measured: list[driver.Measured] = []
    about: dict[str, Any] = {}
    while not about or len(measured) < len(wanted):  # once, unless a worker dies
        with driver.started(engines, settings) as workers:
            about = {worker.engine.name: worker.about for worker in workers}
            for case in wanted[len(measured) :]:
                say(f"[{len(measured) + 1}/{len(wanted)}] {case.title}")
                try:
                    measured.append(driver.measure(workers, case, plan))
                except driver.WorkerDiedError as error:
                    measured.append(driver.Measured(case, {}, {}, {"worker": str(error)}))
                    break
    for told in about.values():
        told.pop("works")
    return measured, about


def say(text: str) -> None:
    """Progress, which is not part of the result."""
    print(text, file=sys.stderr, flush=True)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few cases, few repetitions")
    parser.add_argument("--only", default="", metavar="PATTERN", help="cases with this in the name")
    parser.add_argument("--engines", nargs="+", default=list(ENGINES), choices=ENGINES)
    parser.add_argument("--threads", type=int, default=0, help="of each engine; 0 for all cores")
    parser.add_argument(
        "--record",
        action="store_true",
        help="write docs/performance.json",
    )
    parser.add_argument("--list", action="store_true", help="name the cases and end")
    args = parser.parse_args(argv)
    plan = QUICK if args.quick else FULL
    wanted = cases(args.only, args.quick)
    if args.list:
        print("\n".join(f"{case.name:20} {case.title}" for case in wanted))
        return
    if not wanted:
        parser.error(f"no case has {args.only!r} in its name; --list names them")

    began = time.time()
    settings = {"BENCHMARK_THREADS": str(args.threads)}
    settings["BENCHMARK_WARM_SECONDS"] = "0.2" if args.quick else "1"
    engines = driver.engines(args.engines)
    for name in set(args.engines) - {engine.name for engine in engines}:
        say(f"{name} is not installed and takes no part: `make bench` installs it")
    load_before = load()
    slow = [case for case in wanted if case.fresh]
    measured, about = in_workers(engines, [c for c in wanted if not c.fresh], plan, settings)
    if slow:
        with_numpy = [*engines, *driver.engines(["numpy"])]
        measured += driver.measure_fresh(with_numpy, slow, plan, settings, say=say)
    for engine in engines:
        if engine.name == "tensorflow" and not args.quick:
            about[engine.name]["blas"] += f", {isa_of_onednn(engine)}"

    summaries = [summary.summarise(each) for each in measured]
    by_case = {case["name"]: case for case in summaries}
    judged = [summary.judge(t, by_case) for t in TARGETS if t.case in by_case]
    report = {
        **circumstances(load_before), "quick": args.quick, "engines": about, "cases": summaries,
        "targets": judged,
    }  # fmt: skip
    print(heading(report))
    print(summary.tables(summaries))
    if judged:
        print(summary.target_table(judged))
    written = {WRITTEN: report}
    if args.record:
        written[RECORDED] = among_others(report) if args.only else report
    for path, content in written.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content, indent=1) + "\n")
        say(f"written: {path.relative_to(driver.ROOT)}")
    say(f"{time.time() - began:.0f} s")


def among_others(report: dict[str, Any]) -> dict[str, Any]:
    """The report with the cases of the record that were not measured again."""
    recorded = json.loads(RECORDED.read_text())
    merged = {**report}
    for key, name in (("cases", "name"), ("targets", "title")):
        new = {(each[name], each.get("against")): each for each in report[key]}
        old = {(each[name], each.get("against")): each for each in recorded[key]}
        merged[key] = list((old | new).values())
    return merged


def heading(report: dict[str, Any]) -> str:
    """The machine and the engines, a line each."""
    about = report["machine"]
    lines = [", ".join(f"{name}: {value}" for name, value in about.items())]
    lines.append(f"measured on {report['date']}, load before: {report['load before']}")
    for name, told in report["engines"].items():
        versions = ", ".join(f"{package} {v}" for package, v in told["versions"].items())
        lines.append(
            f"{name}: {told['threads']} threads, {versions}; matrix products: {told['blas']}"
        )
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
