"""What is written for people is true: links lead somewhere, programs run, lists are complete."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from docs import generate
from docs.site import COMMENT, FENCED, anchors

from .pages import load, programs

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    dead = []
    for target in re.findall(r"\]\(([^)\s]+)\)", FENCED.sub("", COMMENT.sub("", page.read_text()))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file.read_text())):
            dead.append(target)
    assert dead == []


@pytest.mark.parametrize("page", generate.PAGES, ids=lambda page: page.name)
def test_the_reference_is_what_the_code_says(page: Path) -> None:
    assert page.read_text() == generate.PAGES[page](), "run: python -m docs.generate"


def test_every_file_of_the_package_is_on_the_map() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    package = ROOT / "wsproto_async"
    missing = [
        name
        for path in package.glob("**/*.py")
        if path.stat().st_size
        if f"`{(name := str(path.relative_to(package)))}`" not in text
    ]
    assert missing == []


def test_every_decision_is_in_the_list_and_keeps_to_the_form() -> None:
    folder = ROOT / "docs/decisions"
    pages = sorted(folder.glob("0*.md"))
    listed = re.findall(r"^(\d+)\. \[(.+)\]\((.+)\)$", (folder / "README.md").read_text(), re.M)
    assert [(path.name, path.read_text().partition("\n")[0]) for path in pages] == [
        (file, f"# {number}. {title}") for number, title, file in listed
    ]
    for path in pages:
        headings = re.findall(r"^## (.+)$", path.read_text(), re.MULTILINE)
        assert [h for h in headings if h in ("What", "Why", "What else was weighed")] == [
            "What",
            "Why",
            "What else was weighed",
        ], path.name


PROGRAMS = {
    f"{name_of(page)}, {number + 1}": (page, number, program, test)
    for page in PAGES
    for number, (program, test) in enumerate(programs(page))
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_do_what_their_tests_say(name: str) -> None:
    page, number, program, test = PROGRAMS[name]
    names = load(page, number)
    tests = [name for name in names if name.startswith("test_")]
    if page.name != "README.md":  # whose programs tests/test_readme.py runs
        defines = re.search(r"^\s*((async )?def|class) ", program, re.MULTILINE)
        assert tests or not defines, "no test runs it: see tests/pages.py"
    for test in tests:
        names[test]()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_units_are_what_systemd_takes(tmp_path: Path) -> None:
    page = (ROOT / "docs/howto/deploy.md").read_text()
    units = re.findall(r"^```systemd\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    files = [tmp_path / "chat.service", tmp_path / "chat.socket"]
    for file, unit in zip(files, units, strict=True):
        file.write_text(unit.replace("/srv/chat/venv/bin/python", sys.executable))
    command = ["systemd-analyze", "verify", *map(str, files)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.stderr == ""
    assert result.returncode == 0


@pytest.mark.timeout(300)
def test_programs_are_typed_right(tmp_path: Path) -> None:
    for number, (_, _, program, _) in enumerate(PROGRAMS.values()):
        (tmp_path / f"program{number}.py").write_text(program)
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--no-error-summary"]
    command += ["--follow-imports=silent", f"--cache-dir={tmp_path / 'cache'}"]
    command += [str(path) for path in tmp_path.glob("program*.py")]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    said = re.sub(r"\S*program(\d+)\.py", lambda m: list(PROGRAMS)[int(m[1])], result.stdout)
    assert result.returncode == 0, said + result.stderr
