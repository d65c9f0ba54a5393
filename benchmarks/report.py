"""Tables from results, and the figures of docs/performance.md: python -m benchmarks.report

No figure on that page is typed by hand: what stands between its markers is written from
docs/performance.json, and a test fails where it is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from .plot import plot
from .results import Build, Figures, Results
from .scenarios import SCENARIOS, title_of

__all__ = ["filled", "inprocess_table", "publish", "scenario_table"]

DOCS: Final = Path(__file__).parents[1] / "docs"
DATA: Final = DOCS / "performance.json"
PAGE: Final = DOCS / "performance.md"
PICTURE: Final = DOCS / "performance.svg"

OURS: Final = {
    "ours": ("picows", "picows_ws", "websockets", "aiohttp", "autobahn"),
    "ours_async": ("picows_ws", "websockets", "aiohttp"),
    "ours_pure": ("websockets", "autobahn"),
}
"""Ways of using wsproto_async, and the peers that each is to be compared with."""


def name_of(spec: str) -> str:
    return spec.partition("@")[0]


def number(value: float) -> str:
    """With three digits that say something."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], texts: int = 1) -> str:
    """Markdown; all columns but the first ``texts`` are figures."""
    rule = ["---"] * texts + ["--:"] * (len(head) - texts)
    lines = [head, rule, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def scenario_table(name: str, contenders: Mapping[str, Figures]) -> str:
    """One scenario: who uses how much, the cheapest first, and who did not take part."""
    scenario = SCENARIOS[name]
    measured = {spec: each for spec, each in contenders.items() if not each.skipped}
    memory = scenario.kind == "memory"
    what = f"{'KiB' if memory else 'CPU us'} per {scenario.unit}"
    deflated = scenario.deflate and not memory
    head = [name, what, "ratio", "quartiles", "rounds"]
    head += [] if memory else ["noise", "load"]
    head += ["octets sent by octets of payload"] if deflated else []
    rows = []
    for spec, each in sorted(measured.items(), key=lambda item: item[1].cost):
        row = [title_of(spec), number(each.cost), number(each.ratio)]
        row += [f"{number(each.low)} to {number(each.high)}", str(each.rounds)]
        row += [] if memory else [f"{each.noise:.0%}", f"{each.load:.0%}"]
        row += [f"{each.octets:.3f}"] if deflated else []
        rows.append(row)
    lines = [f"**{name}**: {scenario.title}.", "", table(head, rows)]
    skipped = [
        f"{title_of(spec)} ({each.skipped})" for spec, each in contenders.items() if each.skipped
    ]
    if skipped:
        lines += ["", f"Left out: {'; '.join(skipped)}."]
    return "\n".join(lines)


def overview(results: Results, field: str) -> str:
    """Contenders by scenarios: ``ratio`` or ``cost``."""
    specs = dict.fromkeys(spec for figures in results.scenarios.values() for spec in figures)
    head = ["", *results.scenarios]
    rows = []
    for spec in specs:
        row = [title_of(spec)]
        for figures in results.scenarios.values():
            each = figures.get(spec)
            shown = each is not None and not each.skipped
            row.append(number(getattr(each, field)) if shown else "-")
        rows.append(row)
    return table(head, rows)


def standing(results: Results) -> str:
    """Where we are not ahead of the peers that a way of ours is to be compared with."""
    rows = []
    for ours, peers in OURS.items():
        for name, figures in results.scenarios.items():
            specs = sorted(
                (spec for spec in figures if not figures[spec].skipped),
                key=lambda spec: figures[spec].ratio,
            )
            own = next((spec for spec in specs if name_of(spec) == ours), None)
            if own is None:
                continue
            mine = figures[own]
            behind: list[str] = []
            level: list[str] = []
            for spec in specs:
                each = figures[spec]
                if name_of(spec) in peers and each.low <= mine.high:
                    group = behind if each.high < mine.low else level
                    group.append(f"{title_of(spec)} ({number(mine.ratio / each.ratio)})")
            if behind or level:
                rows.append([f"`{name}`", title_of(own), ", ".join(behind), ", ".join(level)])
    if not rows:
        return "Nowhere, in this run."
    return table(["scenario", "who", "behind", "level with"], rows, texts=4)


def inprocess_table(builds: Mapping[str, Build]) -> str:
    """Nanoseconds for each size, and for each build."""
    head = ["octets, build", "receive", "echo", "`async for` echo", "send"]
    rows = [
        [
            f"{times.size:,}, {name}",
            *(f"{value:,.0f}" for value in (times.receive, times.echo, times.iterate, times.send)),
        ]
        for name, build in builds.items()
        for times in build.times
    ]
    lines = [
        f"A connection, from its begin to its end, {name}: {number(build.connection)} us."
        for name, build in builds.items()
    ]
    return "\n\n".join([table(head, rows), *lines])


def sections(results: Results) -> Iterator[tuple[str, str]]:
    """What the page has between its markers."""
    yield "about", "\n".join(f"- {name}: {text}" for name, text in results.about.items())
    yield "ratios", overview(results, "ratio")
    yield "costs", overview(results, "cost")
    yield "standing", standing(results)
    yield "in the process", inprocess_table(results.inprocess)
    yield (
        "scenarios",
        "\n\n".join(scenario_table(name, each) for name, each in results.scenarios.items()),
    )


def filled(page: str, results: Results) -> str:
    """A page with these results between its markers.

    Raises:
        ValueError: a section has no place there.
    """
    for name, text in sections(results):
        begin, place, rest = page.partition(f"<!-- {name} -->\n")
        _, end, rest = rest.partition("<!-- end -->")
        if not (place and end):
            raise ValueError(f"there is no place for the section {name!r}")
        page = f"{begin}{place}{text}\n{end}{rest}"
    return page


def publish() -> None:
    """Write the page and its picture from docs/performance.json."""
    results = Results.read(DATA)
    PAGE.write_text(filled(PAGE.read_text(), results))
    PICTURE.write_text(plot(results))


if __name__ == "__main__":
    publish()
