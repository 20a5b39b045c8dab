"""Writes the figures of docs/performance.md from what was recorded.

    python -m benchmarks --record             docs/performance.json
    python -m benchmarks.ablation --record    docs/performance-parts.json
    python -m benchmarks.page                 the tables of the page and its picture from these

The words are written by hand; a table stands between `<!-- name -->` and `<!-- end -->`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from html import escape
from typing import Any

from benchmarks import ablation, driver, summary
from benchmarks.__main__ import RECORDED, heading, say

PAGE = driver.ROOT / "docs" / "performance.md"
PICTURE = driver.ROOT / "docs" / "img" / "performance.svg"

# The picture: a row for each target, and how wide a ratio of 1 is.
ROW, LEFT, UNIT, MOST = 22, 400, 420, 1.3
COLOURS = {"aim reached": "#2e7d32", "done": "#d1a10c", "not done": "#c62828"}


def filled(page: str, tables: dict[str, str]) -> str:
    """The page with its tables in place.

    >>> filled("a <!-- one -->old<!-- end --> b", {"one": "new"})
    'a <!-- one -->\\nnew\\n<!-- end --> b'
    """
    for name, table in tables.items():
        pattern = rf"(<!-- {re.escape(name)} -->).*?(<!-- end -->)"
        page, count = re.subn(pattern, lambda m, t=table: f"{m[1]}\n{t}\n{m[2]}", page, flags=re.S)
        if count != 1:
            raise ValueError(f"the page has {count} places for {name!r}, not one")
    return page


def roofline(parts: dict[str, Any]) -> str:
    """How near a step comes to what the machine can do."""
    rows = []
    flops, moved = parts["roof"]["flops"], parts["roof"]["bytes"]
    for batch, times in parts["batches"].items():
        work = ablation.FLOPS_PER_IMAGE * int(batch) / flops
        memory = ablation.BYTES_OF_ADAM / moved
        step = times["nothing"]
        rows.append(
            [
                f"batch {batch}",
                *(f"{seconds * 1e3:.1f} ms" for seconds in (work, memory, step)),
                f"{(work + memory) / step:.2f}",
            ]
        )
    header = ["", "arithmetic without Winograd", "Adam's memory", "step", "limit over step"]
    words = (
        f"A large product runs at {flops / 1e9:.0f} GFLOP/s here, and a copy moves "
        f"{moved / 1e9:.1f} GB/s.\n\n"
    )
    return words + summary.table(header, rows)


def picture(judged: Sequence[dict[str, Any]]) -> str:
    """The ratios as bars, each with its line and its aim, as an SVG document."""
    ratios = [one for one in judged if one["kind"] == "ratio" and one["measured"] is not None]
    wide, tall = LEFT + UNIT * MOST + 20, ROW * len(ratios) + 50
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:.0f} {tall}" role="img" '
        'font-family="sans-serif" font-size="11" fill="#202020">',
        "<title>The time that minitf takes, over that of others: less is better</title>",
        f'<rect width="{wide:.0f}" height="{tall}" fill="white"/>',
        f'<line x1="{LEFT + UNIT}" x2="{LEFT + UNIT}" y1="26" y2="{tall - 10}" stroke="#888"/>',
        f'<text x="{LEFT + UNIT}" y="18" text-anchor="middle">as long as the other engine</text>',
        f'<text x="{LEFT}" y="18">| not done above; : aim</text>',
    ]
    for i, one in enumerate(ratios):
        parts += _bar(30 + i * ROW, one)
    return "\n".join([*parts, "</svg>\n"])


def _bar(top: float, one: dict[str, Any]) -> list[str]:
    title = f"{one['title']}, to {summary.TITLES[one['against']]}"
    width = UNIT * min(one["measured"], MOST)
    marks = [
        f'<line x1="{LEFT + UNIT * one[key]:.1f}" x2="{LEFT + UNIT * one[key]:.1f}" y1="{top}" '
        f'y2="{top + ROW - 5}" stroke="#202020" stroke-dasharray="{dash}"/>'
        for key, dash in (("line", "none"), ("aim", "2 2"))
        if one[key] <= MOST
    ]
    return [
        f'<text x="{LEFT - 6}" y="{top + 12}" text-anchor="end">{escape(title)}</text>',
        f'<rect class="bar" x="{LEFT}" y="{top + 2}" width="{width:.1f}" height="{ROW - 9}" '
        f'fill="{COLOURS[one["state"]]}"/>',
        *marks,
        f'<text x="{LEFT + width + 5:.1f}" y="{top + 12}">{one["measured"]:.2g}</text>',
    ]


def main() -> None:
    report = json.loads(RECORDED.read_text())
    parts = json.loads(ablation.RECORDED.read_text())
    tables = {
        "circumstances": "```text\n" + heading(report).strip() + "\n```",
        "targets": summary.target_table(report["targets"]),
        "cases": summary.tables(report["cases"]).strip(),
        "parts": ablation.shown(parts["batches"]),
        "roofline": roofline(parts),
    }
    PAGE.write_text(filled(PAGE.read_text(), tables))
    PICTURE.write_text(picture(report["targets"]))
    say(f"written: docs/{PAGE.name}, docs/img/{PICTURE.name}")


if __name__ == "__main__":
    main()
