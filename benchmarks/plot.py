"""A picture of the results, as SVG: a row for each scenario, a dot for each contender."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape
from typing import Final

from .results import Results
from .scenarios import TITLES

__all__ = ["plot"]

COLOURS: Final = {
    "raw": "#9a9a9a",
    "ours_async": "#56b4e9",
    "ours_pure": "#cc79a7",
    "picows": "#d55e00",
    "picows_ws": "#e69f00",
    "websockets": "#009e73",
    "aiohttp": "#b8a900",
    "autobahn": "#000000",
    "ours": "#0072b2",
}
"""By contender, in the order in which they are drawn: colours that colour-blind people can tell."""

LEFT, RIGHT, TOP = 90, 30, 118
WIDTH, ROW = 900, 30
TICKS: Final = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200)


def plot(results: Results) -> str:
    """What each contender uses, as a multiple of what our callbacks use; logarithmic."""
    rows = {name: ratios for name in results.scenarios if (ratios := _ratios(results, name))}
    values = [value for ratios in rows.values() for value in ratios.values()]
    low = max((tick for tick in TICKS if tick <= min(values, default=1)), default=TICKS[0])
    high = min((tick for tick in TICKS if tick >= max(values, default=1)), default=TICKS[-1])
    ticks = [tick for tick in TICKS if low <= tick <= high]
    span = math.log(high / low) or 1.0

    def x(value: float) -> float:
        share = math.log(min(max(value, low), high) / low) / span
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    bottom = TOP + ROW * len(rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{bottom + 48}" '
        f'viewBox="0 0 {WIDTH} {bottom + 48}" font-family="sans-serif" font-size="13">',
        "<title>What each library uses, compared with the callbacks of wsproto_async</title>",
        f'<rect width="{WIDTH}" height="{bottom + 48}" fill="#ffffff"/>',
        *_legend(),
    ]
    for tick in ticks:
        colour = "#0072b2" if tick == 1 else "#dddddd"
        parts.append(f'<path d="M{x(tick):.1f} {TOP}V{bottom}" stroke="{colour}"/>')
        parts.append(_text(x(tick), bottom + 18, f"{tick:g}", "middle"))
    parts.append(
        _text(WIDTH / 2, bottom + 38, "times as much as wsproto_async, callbacks", "middle")
    )
    for index, (name, ratios) in enumerate(rows.items()):
        y = TOP + ROW * index + ROW / 2
        parts.append(_text(LEFT - 10, y + 4, name, "end"))
        parts.append(f'<path d="M{LEFT} {y}H{WIDTH - RIGHT}" stroke="#eeeeee"/>')
        for contender, colour in COLOURS.items():
            if contender in ratios:
                parts.append(_dot(x(ratios[contender]), y, colour, contender == "ours"))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _ratios(results: Results, scenario: str) -> dict[str, float]:
    """Contender -> cost by that of our callbacks; each contender on its best loop."""
    ratios: dict[str, float] = {}
    for spec, figures in results.scenarios[scenario].items():
        if not figures.skipped:
            name = spec.partition("@")[0]
            ratios[name] = min(figures.ratio, ratios.get(name, math.inf))
    ours = ratios.get("ours", 0.0)
    return {name: ratio / ours for name, ratio in ratios.items()} if ours > 0 else {}


def _legend() -> Iterator[str]:
    yield _text(20, 26, "CPU time (mem: memory); further to the left is better")
    for index, name in enumerate(name for name in TITLES if name in COLOURS):
        x, y = 26 + index % 3 * 290, 50 + index // 3 * 20
        yield _dot(x, y, COLOURS[name], name == "ours")
        yield _text(x + 12, y + 4, TITLES[name].replace("`", ""))


def _dot(x: float, y: float, colour: str, big: bool) -> str:
    radius = 7 if big else 5.5
    return f'<circle cx="{x:.1f}" cy="{y}" r="{radius}" fill="{colour}" stroke="#ffffff"/>'


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'
