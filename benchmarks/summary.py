"""Medians, quartiles and ratios of what was measured, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.catalogue import UNITS
from benchmarks.driver import Measured
from benchmarks.targets import Target

TITLES = {"minitf": "minitf", "tensorflow": "TensorFlow", "torch": "PyTorch", "numpy": "numpy"}
DRAWS = 1_000  # of a bootstrap
SAME = 2e-3  # two engines computed the same if they differ by no more than this part


def summarise(measured: Measured) -> dict[str, Any]:
    """One case as plain data: figures of each engine, and minitf's ratio to each other one."""
    case = measured.case
    engines = {name: statistics(blocks) for name, blocks in measured.blocks.items() if blocks}
    ratios = {
        name: ratio(measured.blocks["minitf"], measured.blocks[name])
        for name in engines
        if name != "minitf" and "minitf" in engines and engines[name]["median"]
    }
    return {
        "name": case.name, "title": case.title, "group": case.group, "unit": case.unit,
        "engines": engines, "ratios": ratios, "notes": {**measured.notes, **different(measured)},
    }  # fmt: skip


def statistics(blocks: list[list[float]]) -> dict[str, float]:
    values = np.concatenate(blocks)
    low, middle, high = np.percentile(values, [25, 50, 75])
    return {"median": float(middle), "low": float(low), "high": float(high), "n": len(values)}


def ratio(ours: list[list[float]], others: list[list[float]]) -> dict[str, float]:
    """The ratio of the medians, with the middle 95 % of what it is in resampled blocks.

    A block of the one is drawn together with the block of the other that was measured beside it.
    """
    value = float(np.median(np.concatenate(ours)) / np.median(np.concatenate(others)))
    rounds = min(len(ours), len(others))
    rng = np.random.default_rng(0)
    drawn = []
    for picked in rng.integers(0, rounds, (DRAWS, rounds)):
        a = np.concatenate([ours[i] for i in picked])
        b = np.concatenate([others[i] for i in picked])
        drawn.append(np.median(a) / np.median(b))
    low, high = np.percentile(drawn, [2.5, 97.5])
    return {"ratio": value, "low": float(low), "high": float(high)}


def different(measured: Measured) -> dict[str, str]:
    """A note if the engines did not compute the same."""
    numbers = measured.results
    largest = max(map(abs, numbers.values()), default=0.0)
    if largest and max(numbers.values()) - min(numbers.values()) > SAME * largest:
        shown = ", ".join(f"{name} {value:.6g}" for name, value in numbers.items())
        return {"different": f"the engines computed different numbers: {shown}"}
    return {}


# ---- targets


def judge(target: Target, by_case: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """One target beside what was measured; "measured" is None where nothing was."""
    found = by_case.get(
        target.case, {"title": target.case, "unit": "", "engines": {}, "ratios": {}}
    )
    ours, other = found["engines"].get("minitf"), found["engines"].get(target.against)
    low = high = value = None
    if target.kind == "ratio" and target.against in found["ratios"]:
        value, low, high = (
            found["ratios"][target.against][key] for key in ("ratio", "low", "high")
        )
    elif target.kind == "over" and ours and other:
        value = (ours["median"] - other["median"]) / UNITS[found["unit"]]
    elif target.kind == "own" and ours:
        value = ours["median"] / UNITS[found["unit"]]
    return {
        "case": target.case, "title": found["title"], "against": target.against,
        "kind": target.kind, "unit": found["unit"], "measured": value, "low": low, "high": high,
        "line": target.line, "aim": target.aim, "state": state(value, target),
    }  # fmt: skip


def state(value: float | None, target: Target) -> str:
    if value is None:
        return "not measured"
    if value <= target.aim:
        return "aim reached"
    return "done" if value <= target.line else "not done"


# ---- text


def tables(cases: Sequence[dict[str, Any]]) -> str:
    """What was measured, a table for each group."""
    lines = []
    for group in dict.fromkeys(case["group"] for case in cases):
        members = [case for case in cases if case["group"] == group]
        names = [n for n in TITLES if any(n in case["engines"] for case in members)]
        others = [n for n in names if any(n in case["ratios"] for case in members)]
        header = [group, *(TITLES[n] for n in names), *(f"to {TITLES[n]}" for n in others)]
        rows = [
            [
                case["title"],
                *(figure(case["engines"].get(n), case["unit"]) for n in names),
                *(interval(case["ratios"].get(n)) for n in others),
            ]
            for case in members
        ]
        lines += [table(header, rows), ""]
        for case in members:
            lines += [f"  {case['title']}: {note}" for note in notes(case)]
    return "\n".join(lines)


def notes(case: dict[str, Any]) -> list[str]:
    found = []
    for about, note in case["notes"].items():
        words = "; ".join(note[:8]) if isinstance(note, list) else note
        found.append(f"{TITLES.get(about, about)}: {words}")
    return found


def target_table(judged: Sequence[dict[str, Any]]) -> str:
    """The targets beside what was measured."""
    rows = []
    for one in judged:
        unit = f" {one['unit']}" if one["kind"] == "over" else ""
        over = {"ratio": "to ", "over": "over ", "own": ""}[one["kind"]]
        measured = "-" if one["measured"] is None else f"{one['measured']:.3g}{unit}"
        measured += brackets(one)
        against = over + TITLES.get(one["against"], "")
        line, aim = f"{one['line']:g}{unit}", f"{one['aim']:g}{unit}"
        rows.append([one["title"], against, measured, line, aim, one["state"]])
    return table(["Target", "minitf", "measured", "not done above", "aim", "state"], rows)


def figure(found: dict[str, float] | None, unit: str) -> str:
    """A median with its quartiles, in a unit."""
    if found is None:
        return "-"
    median, low, high = (found[key] / UNITS[unit] for key in ("median", "low", "high"))
    spread = "" if found["n"] == 1 or low == high else f" ({short(low)}-{short(high)})"
    return f"{short(median)}{spread}{' ' if unit else ''}{unit}"


def short(value: float) -> str:
    """Three figures, and no exponent.

    >>> short(12345.6), short(12.345), short(0.012345), short(0.0)
    ('12,346', '12.3', '0.0123', '0')
    """
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def interval(found: dict[str, float] | None) -> str:
    if found is None:
        return "-"
    return f"{found['ratio']:.3g}{brackets(found)}"


def brackets(found: dict[str, Any]) -> str:
    """The interval of a ratio; of a single measurement there is none."""
    if found["low"] is None or found["low"] == found["high"]:
        return ""
    return f" [{found['low']:.3g}, {found['high']:.3g}]"


def table(header: list[str], rows: list[list[str]]) -> str:
    """A table that is legible as it is, and as Markdown."""
    rows = [[cell.replace("|", "/") for cell in row] for row in [header, *rows]]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]

    def line(cells: list[str]) -> str:
        return f"| {' | '.join(cell.ljust(width) for cell, width in zip(cells, widths))} |"

    rule = f"|{'|'.join('-' * (width + 2) for width in widths)}|"
    return "\n".join([line(rows[0]), rule, *map(line, rows[1:])])
