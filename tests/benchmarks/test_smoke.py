"""The whole tool, for a moment: nothing here looks at how fast anything is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import ALL, arguments
from benchmarks.end_to_end import measure, with_loop
from benchmarks.process import ROOT, Process, Skipped, why_not
from benchmarks.results import Results
from benchmarks.scenarios import SCENARIOS, Scenario
from wsproto_async._native import NATIVE

OURS = "ours@asyncio" if NATIVE else "ours_pure@asyncio"

linux = pytest.mark.skipif(why_not() is not None, reason="not on this system")

TINY = {
    "echo": Scenario(""),
    "client": Scenario("", kind="client", binary=True),
    "connect": Scenario("", kind="connect", connections=2),
    "fanout": Scenario("", kind="fanout", connections=5),
    "tls": Scenario("", connections=2, size=256, tls=True),
    "deflate": Scenario("", size=1024, deflate=True),
    "memory": Scenario("", kind="memory", connections=5, depth=0),
}


@linux
@pytest.mark.parametrize("kind", TINY)
def test_each_kind_of_load(kind: str) -> None:
    spec = OURS.replace("ours", "ours_async") if NATIVE else OURS
    figures = measure(TINY[kind], [spec], rounds=1, seconds=0.02)[spec]
    assert figures.skipped == ""
    assert figures.cost > 0 or kind == "memory"
    assert figures.rounds == (3 if kind == "memory" else 1)
    assert (figures.octets > 0) == (kind == "deflate")


@linux
def test_who_cannot_take_part_is_left_out() -> None:
    figures = measure(TINY["connect"], ["raw@asyncio", OURS], rounds=1, seconds=0.02)
    assert figures["raw@asyncio"].skipped == "it knows no handshakes"
    assert figures[OURS].skipped == ""


@linux
def test_what_is_not_installed_is_left_out() -> None:
    with pytest.raises(Skipped, match=r"nobody is not installed"):
        Process("nobody@asyncio", "--port", "1")


@linux
def test_what_does_not_start_is_left_out() -> None:
    with pytest.raises(Skipped, match=r"did not start: .*--port"):
        Process(OURS)


@linux
def test_all_of_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks", "--scenarios", "inprocess,ping32"]
    command += ["--contenders", f"{OURS},raw@asyncio", "--rounds", "2", "--seconds", "0.02"]
    command += ["--json", str(tmp_path / "out.json"), "--markdown", str(tmp_path / "out.md")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.strip() == (tmp_path / "out.md").read_text().strip()
    results = Results.read(tmp_path / "out.json")
    assert list(results.inprocess) == (["compiled", "plain Python"] if NATIVE else ["plain Python"])
    assert {spec: each.rounds for spec, each in results.scenarios["ping32"].items()} == {
        OURS: 2,
        "raw@asyncio": 2,
    }


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--scenarios", "ping33"], "'ping33' is none of inprocess, ping32"),
        (["--contenders", "ours,theirs"], "'theirs' is none of ours"),
        (["--contenders", "ours@trio"], "'trio' is none of asyncio"),
        (["--seconds", "0"], "more than 0"),
        (["--rounds", "0"], "1 or more"),
        (["--publish", "--scenarios", "ping32"], "for all scenarios"),
    ],
)
def test_bad_arguments_are_explained(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        arguments(words)
    assert says in capsys.readouterr().err


def test_everything_is_the_default() -> None:
    assert arguments([]).scenarios == ["inprocess", *SCENARIOS] == list(ALL)
    assert arguments(["--quick"]).rounds == 2


def test_a_loop_that_is_named_stays() -> None:
    assert with_loop("ours@asyncio") == "ours@asyncio"
    assert with_loop("ours") in ("ours@uvloop", "ours@asyncio")
