"""What the conformance script makes of reports, and of runs that break."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import run
from .run import Result, RunError, Tally, judge, parse


def result(behavior: str, close: str = "OK") -> Result:
    return Result(behavior=behavior, behaviorClose=close, remoteCloseCode=1000, reportfile="r.json")


@pytest.mark.parametrize(
    ("behavior", "close", "options", "expected"),
    [
        ("OK", "OK", "", "1 passed, 0 failed"),
        ("INFORMATIONAL", "INFORMATIONAL", "--strict", "1 passed, 0 failed"),
        ("NON-STRICT", "OK", "", "1 passed, 0 failed"),
        ("NON-STRICT", "OK", "--strict", "0 passed, 1 failed"),
        ("FAILED", "OK", "", "0 passed, 1 failed"),
        ("OK", "WRONG CODE", "", "0 passed, 1 failed"),
        ("UNIMPLEMENTED", "OK", "", "0 passed, 1 failed"),
        ("UNIMPLEMENTED", "OK", "--allow-unimplemented", "0 passed, 0 failed, 1 skipped"),
    ],
)
def test_a_verdict(behavior: str, close: str, options: str, expected: str) -> None:
    args = parse(["--cases", "1.1.1", *options.split()])
    assert str(judge("peer", {"1.1.1": result(behavior, close)}, args)) == expected


def test_a_set_has_to_be_complete() -> None:
    tally = judge("peer", {"1.1.1": result("OK")}, parse(["--set", "limits"]))
    assert tally.failures == ["peer: 1 cases instead of 54"]


def test_a_run_without_cases_fails() -> None:
    assert judge("peer", {}, parse(["--cases", "99.*"])).failures == ["peer: no case ran"]


def test_a_server_that_does_not_start_breaks_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "install", lambda runner: Path("unused"))
    peer = tmp_path / "server_broken.py"
    peer.write_text("raise SystemExit('I will not')")
    assert run.main([str(peer), "--report", str(tmp_path / "report")]) == 2
    assert "I will not" in capsys.readouterr().err


def test_tallies_add_up() -> None:
    total = Tally(passed=1, failures=["a"])
    total.add(Tally(passed=2, skipped=1, failures=["b"]))
    assert str(total) == "3 passed, 2 failed, 1 skipped"


@pytest.mark.parametrize("there", [False, True])
def test_the_best_runner_is_taken_and_its_absence_told(
    there: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def install(runner: str) -> Path:
        assert runner == "wstest"
        if not there:
            raise RunError("wstest needs a Python 2.7")
        return Path("unused")

    monkeypatch.setattr(run, "install", install)
    args = parse(["--set", "deflate-small", "--runner", "auto"])
    assert args.runner == ("wstest" if there else "kosoku")
    assert ("wstest needs a Python 2.7\nso kosoku judges" in capsys.readouterr().out) is not there


def test_the_small_set_has_cases_of_every_group() -> None:
    patterns, count = run.SETS["deflate-small"]
    cases = patterns.split(",")
    assert len(set(cases)) == len(cases) == count == 84
    assert len({case.rpartition(".")[0] for case in cases}) == 12
