"""``python -m tests.parity``: the contract, row by row: works, differs on purpose, or missing.

Arguments go to pytest, which runs ``tests/contract``: ``-k`` picks rows.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

from .table import ROWS, Row, anchors

TESTS = Path(__file__).parent.parent / "contract"


class Results:
    """A pytest plugin that keeps what came out of the tests of each row."""

    def __init__(self) -> None:
        self.outcomes: dict[str, Counter[str]] = {name: Counter() for name in ROWS}
        self.failures: list[str] = []
        self.others = 0
        self._rows: dict[str, str | None] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            assert isinstance(item, pytest.Function)
            callspec = getattr(item, "callspec", None)
            self._rows[item.nodeid] = callspec.params.get("row") if callspec else None

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failures.append(report.longreprtext)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and report.passed:
            return
        row = self._rows[report.nodeid]
        if row is not None:
            self.outcomes[row][report.outcome] += 1
        if report.failed:
            self.others += row is None
            self.failures.append(f"{report.nodeid}\n{report.longreprtext}")

    def holds(self, row: Row) -> bool:
        outcome = self.outcomes[row.id]
        return outcome["passed"] > 0 and not outcome["failed"]


def main(arguments: list[str]) -> int:
    """Run the tests, print the table; 0 if every row holds."""
    results = Results()
    quiet = ["-p", "no:terminal", "-p", "no:cacheprovider", *arguments, str(TESTS)]
    pytest.main(quiet, plugins=[results])
    chosen = [row for row in ROWS.values() if not arguments or results.outcomes[row.id]]
    guide = anchors()
    width = max(len(row.id) for row in ROWS.values())
    for row in chosen:
        if not results.holds(row):
            state, remark = "MISSING", row.expects
        elif row.differs:
            line, heading = guide[row.differs]
            state, remark = "differs", f"docs/porting.md:{line} {heading}"
        else:
            state, remark = "works", row.expects
        print(f"{state:<8} {row.id:<{width}} {remark}".rstrip())
    for failure in results.failures:
        print(f"\n{failure}")
    failed = sum(not results.holds(row) for row in chosen)
    states = Counter(bool(row.differs) for row in chosen if results.holds(row))
    print(f"\n{states[False]} work, {states[True]} differ on purpose, {failed} missing")
    if results.others:
        print(f"{results.others} tests of the contract that belong to no row failed as well")
    print(f"{len(chosen) - failed} passed, {failed} failed")
    return 1 if failed or results.failures or not chosen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
