"""What type checkers know of the messages of a connection."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.options.test_typing import expected, findings_in

FILES = {path.name: path for path in (Path(__file__).parent / "typing").glob("[!_]*.py")}


@pytest.mark.timeout(300)
def test_mypy_finds_what_is_marked(tmp_path: Path) -> None:
    assert len(expected(FILES["bad.py"])) == 12
    assert not expected(FILES["good.py"])
    found = findings_in(FILES, tmp_path)
    assert found == {name: expected(path) for name, path in FILES.items()}
