"""From samples to figures, tables and the page."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import contenders, report
from benchmarks.plot import COLOURS, plot
from benchmarks.results import Build, Figures, Results, Sample, Times, environment, summarize
from benchmarks.scenarios import CONTENDERS, SCENARIOS, TITLES, title_of

PICOWS, OURS, AIOHTTP = "picows@fast-uvloop", "ours@uvloop", "aiohttp@uvloop"


def results() -> Results:
    """Three cycles, in which the machine becomes slower and slower."""
    samples = {
        OURS: {0: Sample(1.0, 0.25, 0.5), 1: Sample(2.0, 0.25, 0.5), 2: Sample(8.0, 0.25, 0.5)},
        PICOWS: {0: Sample(2.0), 1: Sample(4.0), 2: Sample(16.0)},
        AIOHTTP: {0: Sample(4.0), 1: Sample(2.0)},
    }
    figures = summarize(samples, {"raw@uvloop": "it is not there"})
    build = Build([Times(32, 50.0, 1234.5, 70.0, 8.0)], 61.25)
    about = {"date": "2000-01-01"}
    return Results(about, {"compiled": build}, {"ping32": figures, "mem": {OURS: Figures(cost=5)}})


def test_ratios_are_taken_within_a_cycle() -> None:
    figures = results().scenarios["ping32"]
    assert figures[OURS] == Figures(
        cost=2.0, noise=0.25, load=0.5, base=PICOWS, ratio=0.5, low=0.5, high=0.5, rounds=3
    )
    assert figures[PICOWS].ratio == 1.0
    assert (figures[AIOHTTP].ratio, figures[AIOHTTP].rounds) == (1.25, 2)
    assert (figures[AIOHTTP].low, figures[AIOHTTP].high) == (0.875, 1.625)
    assert figures["raw@uvloop"] == Figures(skipped="it is not there")


@pytest.mark.parametrize(
    ("specs", "base"),
    [
        (["raw@uvloop", "websockets@uvloop", PICOWS], PICOWS),
        (["aiohttp@uvloop", "websockets@asyncio"], "websockets@asyncio"),
        (["aiohttp@uvloop"], "aiohttp@uvloop"),
    ],
)
def test_what_ratios_refer_to(specs: list[str], base: str) -> None:
    figures = summarize({spec: {0: Sample(1.0)} for spec in specs}, {})
    assert {each.base for each in figures.values()} == {base}


def test_nobody_took_part() -> None:
    figures = summarize({OURS: {}}, {OURS: "no reason"})
    assert figures == {OURS: Figures(skipped="no reason")}
    assert "Left out: wsproto_async, callbacks (no reason)." in report.scenario_table(
        "ping32", figures
    )


def test_results_are_kept(tmp_path: Path) -> None:
    results().save(tmp_path / "results.json")
    assert Results.read(tmp_path / "results.json") == results()


def test_a_table_has_the_cheapest_first() -> None:
    assert report.scenario_table("ping32", results().scenarios["ping32"]) == (
        f"""\
**ping32**: {SCENARIOS["ping32"].title}.

| ping32 | CPU us per message | ratio | quartiles | rounds | noise | load |
| --- | --: | --: | --: | --: | --: | --: |
| wsproto_async, callbacks | 2.00 | 0.50 | 0.50 to 0.50 | 3 | 25% | 50% |
| aiohttp, `async for` | 3.00 | 1.25 | 0.88 to 1.62 | 2 | 0% | 0% |
| picows, aiofastnet | 4.00 | 1.00 | 1.00 to 1.00 | 3 | 0% | 0% |

Left out: TCP echo, no WebSocket (it is not there)."""
    )


@pytest.mark.parametrize(
    ("value", "text"), [(0.0468, "0.05"), (9.994, "9.99"), (43.21, "43.2"), (1234.5, "1,234")]
)
def test_numbers_have_three_digits(value: float, text: str) -> None:
    assert report.number(value) == text


def test_in_the_process() -> None:
    assert report.inprocess_table(results().inprocess) == (
        """\
| octets, build | receive | echo | `async for` echo | send |
| --- | --: | --: | --: | --: |
| 32, compiled | 50 | 1,234 | 70 | 8 |

A connection, from its begin to its end, compiled: 61.2 us."""
    )


def figures(ratio: float, low: float, high: float) -> Figures:
    return Figures(cost=ratio, ratio=ratio, low=low, high=high, base=PICOWS, rounds=9)


def test_where_we_are_not_ahead() -> None:
    peers = {PICOWS: figures(1, 1, 1), AIOHTTP: figures(1.5, 1.4, 1.6)}
    found = Results(
        scenarios={
            "ping32": {OURS: figures(1.2, 1.1, 1.45), **peers},
            "c100": {OURS: figures(0.5, 0.4, 0.6), **peers},
            "tls256": {OURS: figures(2, 2, 2), "ours@fast-uvloop": figures(1, 0.9, 1.1), **peers},
        }
    )
    assert report.standing(found) == (
        """\
| scenario | who | behind | level with |
| --- | --- | --- | --- |
| `ping32` | wsproto_async, callbacks | picows, aiofastnet (1.20) | aiohttp, `async for` (0.80) |
| `tls256` | wsproto_async, callbacks, aiofastnet |  | picows, aiofastnet (1.00) |"""
    )
    del found.scenarios["ping32"], found.scenarios["tls256"]
    assert report.standing(found) == "Nowhere, in this run."


def test_a_page_is_filled_again_and_again() -> None:
    page = "".join(
        f"<!-- {name} -->\nold\n<!-- end -->\n" for name, _ in report.sections(results())
    )
    filled = report.filled(page, results())
    assert "old" not in filled
    assert "61.2 us" in filled
    assert report.filled(filled, results()) == filled
    with pytest.raises(ValueError, match="no place for the section 'about'"):
        report.filled("", results())


def test_the_page_is_what_was_measured() -> None:
    found = Results.read(report.DATA)
    page = report.PAGE.read_text()
    assert page == report.filled(page, found), "run: python -m benchmarks.report"
    assert report.PICTURE.read_text() == plot(found), "run: python -m benchmarks.report"


def test_the_page_has_every_scenario() -> None:
    limits = report.PAGE.read_text().partition("## What limits each row")[2]
    assert [name for name in SCENARIOS if f"`{name}`" not in limits] == []


def test_a_picture_has_a_dot_for_each_figure() -> None:
    picture = ElementTree.fromstring(plot(results()))
    space = "{http://www.w3.org/2000/svg}"
    texts = [each.text for each in picture.iter(f"{space}text")]
    assert {"ping32", "wsproto_async, callbacks", "1"} <= set(texts)
    assert len(list(picture.iter(f"{space}circle"))) == len(COLOURS) + 3
    # Plain Python with `async for` is measured on request only, zlib-ng in some rows only.
    assert set(TITLES) - set(COLOURS) == {"ours_async_pure", "ours_zlib_ng"}


def test_a_picture_of_nothing() -> None:
    ElementTree.fromstring(plot(Results()))


def test_every_contender_has_a_name_and_a_file() -> None:
    assert contenders.__file__ is not None
    folder = Path(contenders.__file__).parent
    assert {name.removesuffix("_pure") for name in TITLES} == {
        path.stem
        for path in folder.glob("*.py")
        if "async def server(" in path.read_text() and "async def client(" in path.read_text()
    }
    assert all(title_of(spec) for spec in CONTENDERS)


def test_what_was_measured_with() -> None:
    about = environment(9, 0.5)
    assert about["rounds"] == "9 of 0.5 s"
    assert "wsproto_async" in about["versions"]
