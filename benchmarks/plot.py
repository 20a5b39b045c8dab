"""Curves on logarithmic scales as SVG, in panels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

WIDTH, HEIGHT = 360, 290  # of one panel
LEFT, RIGHT, TOP, BOTTOM = 60, 16, 62, 40


class Curve(NamedTuple):
    """Points (x, y), all above zero."""

    name: str
    colour: str
    points: list[tuple[float, float]]


class Panel(NamedTuple):
    """Curves in one frame, with the words under its axes."""

    title: str
    x_words: str
    y_words: str
    curves: list[Curve]


def picture(panels: Sequence[Panel], columns: int, description: str) -> str:
    """The panels, row by row, as an SVG document on white ground.

    >>> svg = picture([Panel("t", "nodes", "s", [Curve("a", "red", [(1, 1), (10, 10)])])], 1, "d")
    >>> svg.startswith("<svg"), svg.count('class="curve"'), svg.count('class="point"')
    (True, 1, 2)
    """
    rows = -(-len(panels) // columns)
    wide, tall = WIDTH * columns, HEIGHT * rows
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {tall}" role="img" '
        'font-family="sans-serif" font-size="11" fill="#202020">',
        f"<title>{escape(description)}</title>",
        f'<rect width="{wide}" height="{tall}" fill="white"/>',
    ]
    for i, panel in enumerate(panels):
        parts.append(f'<g transform="translate({i % columns * WIDTH} {i // columns * HEIGHT})">')
        parts += [*drawn(panel), "</g>"]
    return "\n".join([*parts, "</svg>\n"])


def drawn(panel: Panel) -> list[str]:
    """The elements of one panel."""
    xs = decades([x for curve in panel.curves for x, _ in curve.points])
    ys = decades([y for curve in panel.curves for _, y in curve.points])
    wide, tall = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def place(x: float, y: float) -> tuple[float, float]:
        across = (math.log10(x) - xs[0]) / (xs[-1] - xs[0])
        up = (math.log10(y) - ys[0]) / (ys[-1] - ys[0])
        return LEFT + wide * across, TOP + tall * (1 - up)

    parts = [words(LEFT, 18, panel.title, "start", 'font-weight="bold"')]
    parts.append(words(LEFT + wide / 2, HEIGHT - 6, panel.x_words))
    parts.append(words(LEFT, TOP - 8, panel.y_words, "end"))
    for exponent in xs:
        across, bottom = place(10.0**exponent, 10.0 ** ys[0])
        parts.append(line([(across, TOP), (across, bottom)]))
        parts.append(words(across, bottom + 15, power(exponent)))
    for exponent in ys:
        left, down = place(10.0 ** xs[0], 10.0**exponent)
        parts.append(line([(left, down), (WIDTH - RIGHT, down)]))
        parts.append(words(left - 5, down + 4, power(exponent), "end"))
    for i, curve in enumerate(panel.curves):
        points = [place(x, y) for x, y in sorted(curve.points)]
        style = f'class="curve" stroke="{curve.colour}" stroke-width="1.8"'
        parts.append(line(points, style))
        for x, y in points:
            parts.append(
                f'<circle class="point" cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{curve.colour}"/>'
            )
        across = LEFT + i * wide / 3
        parts.append(line([(across, 34), (across + 18, 34)], style.replace('"curve"', '"key"')))
        parts.append(words(across + 23, 38, curve.name, "start"))
    return parts


def decades(values: list[float]) -> list[int]:
    """The powers of ten from below the least value to above the largest; two at least.

    >>> decades([0.02, 3.0])
    [-2, -1, 0, 1]
    """
    low = math.floor(math.log10(min(values)) + 1e-9)
    high = max(math.ceil(math.log10(max(values)) - 1e-9), low + 1)
    return list(range(low, high + 1))


def power(exponent: int) -> str:
    """A power of ten in few characters.

    >>> power(-4), power(-1), power(3), power(5)
    ('1e-4', '0.1', '1,000', '100,000')
    """
    if exponent < -3:
        return f"1e{exponent}"
    return f"{10.0**exponent:g}" if exponent < 0 else f"{10**exponent:,}"


def line(points: Sequence[tuple[float, float]], style: str = 'stroke="#d8d8d8"') -> str:
    where = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{where}" fill="none" {style}/>'


def words(x: float, y: float, text: str, anchor: str = "middle", style: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {style}>{escape(text)}</text>'
