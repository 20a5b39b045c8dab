"""Line charts as SVG, by hand: a few curves over a number of steps, on a logarithmic scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

WIDTH, HEIGHT = 460, 330
LEFT, RIGHT, TOP, BOTTOM = 62, 20, 70, 42


@dataclass
class Curve:
    """The values at some steps, as they are to be drawn; a step with no value breaks the line."""

    name: str
    steps: Sequence[int]
    values: Sequence[float]
    colour: str
    width: float = 1.5
    dashes: str = ""


@dataclass
class Panel:
    """Curves in one frame; `title` is above it, `unit` below."""

    title: str
    unit: str
    curves: list[Curve] = field(default_factory=list)

    def svg(self, left: float) -> str:
        """The panel, `left` from the edge of the picture."""
        values = [v for curve in self.curves for v in curve.values if v > 0]
        low = math.floor(math.log10(min(values)))
        high = max(math.ceil(math.log10(max(values))), low + 1)
        last = max(curve.steps[-1] for curve in self.curves)
        wide, tall = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

        def x(step: float) -> float:
            return LEFT + wide * step / last

        def y(value: float) -> float:
            return TOP + tall * (high - math.log10(value)) / (high - low)

        parts = [
            f'<g transform="translate({left:g} 0)">',
            text(LEFT, 20, self.title, "start", bold=True),
            text(LEFT + wide / 2, HEIGHT - 8, self.unit, "middle"),
        ]
        for exponent in range(low, high + 1):
            level = y(10.0**exponent)
            parts.append(line([(LEFT, level), (WIDTH - RIGHT, level)], "#d0d0d0", 0.7))
            parts.append(text(LEFT - 6, level + 4, power(exponent), "end"))
        for step in ticks(last):
            parts.append(line([(x(step), TOP + tall), (x(step), TOP + tall + 4)], "#606060", 0.7))
            parts.append(text(x(step), TOP + tall + 17, f"{step:,}", "middle"))
        for i, curve in enumerate(self.curves):
            for points in pieces(curve):
                parts.append(
                    line([(x(step), y(v)) for step, v in points], curve.colour, curve.width,
                         curve.dashes)
                )  # fmt: skip
            across, down = LEFT + (i % 2) * wide / 2, 38 + 16 * (i // 2)
            parts.append(line([(across, down - 4), (across + 20, down - 4)], curve.colour,
                              curve.width, curve.dashes))  # fmt: skip
            parts.append(text(across + 26, down, curve.name, "start"))
        return "\n".join([*parts, "</g>"])


def picture(panels: Sequence[Panel], description: str) -> str:
    """Panels side by side, as an SVG document on white ground, with a description for who listens.

    >>> svg = picture([Panel("Losses", "step", [Curve("a", [1, 2], [3.0, 4.0], "black")])], "One.")
    >>> svg.count("<polyline"), svg.startswith("<svg")
    (6, True)
    """
    wide = WIDTH * len(panels)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {HEIGHT}" role="img" '
            'font-family="sans-serif" font-size="12">',
            f"<title>{escape(description)}</title>",
            f'<rect width="{wide}" height="{HEIGHT}" fill="white"/>',
            *(panel.svg(i * WIDTH) for i, panel in enumerate(panels)),
            "</svg>\n",
        ]
    )


def pieces(curve: Curve) -> list[list[tuple[int, float]]]:
    """The unbroken parts of a curve: a logarithm has no place for zero."""
    found: list[list[tuple[int, float]]] = [[]]
    for step, value in zip(curve.steps, curve.values, strict=True):
        if value > 0:
            found[-1].append((step, value))
        elif found[-1]:
            found.append([])
    return [points for points in found if points]


def ticks(last: int) -> list[int]:
    """Some round steps from 0 to the last."""
    size = 10 ** math.floor(math.log10(last))
    size = next(step for step in (size // 5, size // 2, size, 2 * size) if last / step <= 6)
    return list(range(0, last + 1, size))


def line(points: Sequence[tuple[float, float]], colour: str, width: float, dashes: str = "") -> str:
    """A line through points."""
    where = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (
        f'<polyline points="{where}" fill="none" stroke="{colour}" stroke-width="{width:g}"'
        f' stroke-linejoin="round"{dashed}/>'
    )


def text(x: float, y: float, words: str, anchor: str, bold: bool = False) -> str:
    """Words at a place."""
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#202020"{weight}>'
        f"{escape(words)}</text>"
    )


def power(exponent: int) -> str:
    """A power of ten in few characters.

    >>> power(-5), power(-1), power(1)
    ('1e-5', '0.1', '10')
    """
    return f"1e{exponent}" if abs(exponent) > 2 else f"{10.0**exponent:g}"
