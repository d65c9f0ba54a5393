"""Plain mypy, without pydantic's plugin, finds typos and wrong types, and nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
FILES = {path.name: path for path in (HERE / "typing").glob("[!_]*.py")}

Finding = tuple[int, str]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[Finding]]:
    return findings_in(FILES, tmp_path_factory.mktemp("mypy"))


def findings_in(files: dict[str, Path], cache: Path) -> dict[str, set[Finding]]:
    """What mypy finds in each file: line and error code."""
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent"]
    command += ["--config-file=", "--no-error-summary", "--hide-error-context"]
    command += [f"--cache-dir={cache}"]
    command += [str(path.relative_to(ROOT)) for path in files.values()]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode in (0, 1), result.stdout + result.stderr
    findings: dict[str, set[Finding]] = {name: set() for name in files}
    for line in result.stdout.splitlines():
        if ": note: " in line:
            continue
        match = re.fullmatch(r"(\S+?):(\d+): error: .*\[([a-z-]+)\]", line)
        assert match, line
        findings[Path(match[1]).name].add((int(match[2]), match[3]))
    return findings


def expected(path: Path) -> set[Finding]:
    """What is marked in a file."""
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
    marks = ((number, re.search(r"# E: ([a-z-]+)$", line)) for number, line in lines)
    return {(number, mark[1]) for number, mark in marks if mark}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", FILES)
def test_mypy_finds_what_is_marked(name: str, found: dict[str, set[Finding]]) -> None:
    assert found[name] == expected(FILES[name])


def test_one_file_is_good_and_the_other_is_not() -> None:
    assert not expected(FILES["good.py"])
    assert len(expected(FILES["bad.py"])) == 17
