"""Shows how cost grows with the size of the graph and with the size of the batch.

    python -m benchmarks.growth            some 20 minutes
    python -m benchmarks.growth --quick    the small sizes only

draws .benchmarks/growth.svg, and with --record docs/performance-growth.svg and its figures beside
it as JSON. Costs are those of one node or one image: a level line is a cost that grows as the size.
The graphs are chains of tanh and mul on ten floats; the batches go through the CNN.
"""

from __future__ import annotations

import argparse
import json
import re
from typing import Any

from benchmarks import driver, summary
from benchmarks.__main__ import circumstances, heading, in_workers, load, say
from benchmarks.catalogue import ENGINES, UNITS, growth_cases
from benchmarks.plot import Curve, Panel, picture

COLOURS = {"minitf": "#d1410c", "tensorflow": "#3b6fb6", "torch": "#7a7a7a"}
PLAN = driver.Plan(rounds=3, seconds=1.5, patience=2.0)
DESCRIPTION = "Cost of building, differentiating and running graphs, by nodes and by images."


def per_item(measured: driver.Measured) -> driver.Measured:
    """The times for one node or one image, where they are for all."""
    case = measured.case
    if case.work in ("build", "chain"):  # these count by themselves
        return measured
    size = size_of(case.name)
    blocks = {
        name: [[seconds / size for seconds in block] for block in its_blocks]
        for name, its_blocks in measured.blocks.items()
    }
    return measured._replace(blocks=blocks)


def size_of(name: str) -> int:
    return int(name.rpartition("-")[2])


def panels(cases: list[dict[str, Any]]) -> list[Panel]:
    """A panel for each group, a curve for each engine in it: level where cost grows as the size."""
    found = []
    for group in dict.fromkeys(case["group"] for case in cases):
        members = [case for case in cases if case["group"] == group]
        unit = members[0]["unit"]
        curves = []
        for engine, colour in COLOURS.items():
            points = [
                (size_of(case["name"]), case["engines"][engine]["median"] / UNITS[unit])
                for case in members
                if engine in case["engines"]
            ]
            if points:
                curves.append(Curve(summary.TITLES[engine], colour, points))
        if curves:
            items = "images in a batch" if "image" in group else "nodes"
            found.append(Panel(group, items, unit, curves))
    return found


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="the small sizes only")
    parser.add_argument("--only", default="", metavar="PATTERN", help="cases with this in the name")
    parser.add_argument("--engines", nargs="+", default=list(ENGINES), choices=ENGINES)
    parser.add_argument("--record", action="store_true", help="write into docs/")
    args = parser.parse_args(argv)
    wanted = [case for case in growth_cases(args.quick) if re.search(args.only, case.name)]
    if not wanted:
        parser.error(f"no case has {args.only!r} in its name")
    load_before, settings = load(), {"BENCHMARK_WARM_SECONDS": "0.3"}
    measured, about = in_workers(driver.engines(args.engines), wanted, PLAN, settings)
    cases = [summary.summarise(per_item(each)) for each in measured]
    report = {**circumstances(load_before), "engines": about, "cases": cases}
    print(heading(report))
    print(summary.tables(cases))
    svg = picture(panels(cases), 3, DESCRIPTION)
    folders = [(driver.ROOT / ".benchmarks", "growth")]
    if args.record:
        folders.append((driver.ROOT / "docs", "performance-growth"))
    for folder, name in folders:
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.svg").write_text(svg)
        (folder / f"{name}.json").write_text(json.dumps(report, indent=1) + "\n")
        say(f"written: {folder.name}/{name}.svg")


if __name__ == "__main__":
    main()
