"""What the runner of mutants does, on little."""

from __future__ import annotations

import subprocess
import sys
import tomllib

import pytest

from .__main__ import MODULES, PACKAGE, SURVIVED, attempt, run_changed
from .operators import mutants_of

SOURCE = '''
"""Text."""
LIMIT: int = 3
Size = int | float
if TYPE_CHECKING:
    LIMIT = 4

class Gate:
    def admits(self, size: int, name: str = "") -> bool:
        """Text."""
        if not (size < LIMIT and name):
            raise ValueError(f"{name} is too large")
        return True
'''


def test_what_is_changed() -> None:
    assert sorted(mutant.name for mutant in mutants_of(SOURCE)) == sorted(
        [
            "LIMIT: int = 4",
            "LIMIT: int = 2",
            "Gate.admits: def admits(self, size: int, name: str='X') -> bool:",
            "Gate.admits: if size < LIMIT and name:",
            "Gate.admits: if False:",
            "Gate.admits: if True:",
            "Gate.admits: if not (size < LIMIT or name):",
            "Gate.admits: if not size < LIMIT:",
            "Gate.admits: if not name:",
            "Gate.admits: if not (size <= LIMIT and name):",
            "Gate.admits: if not (size > LIMIT and name):",
            "Gate.admits: raise ValueError(f'{name} is too large') -> pass",
            "Gate.admits: return True -> pass",
            "Gate.admits: return True -> return",
            "Gate.admits: return False",
        ]
    )


def test_a_mutant_leaves_the_tree_as_it_was() -> None:
    codes = [mutant.compiled("gate.py") for mutant in mutants_of(SOURCE)]
    assert compile(SOURCE, "gate.py", "exec") not in codes
    assert len(codes) - len(set(codes)) == 1  # to return nothing at the end is not to return


def test_what_no_test_comes_by_is_not_noticed() -> None:
    assert attempt(run_changed, [], []) == SURVIVED


def test_every_module_and_test_of_the_list_is_there() -> None:
    for file, module in tomllib.loads(MODULES.read_text()).items():
        assert (PACKAGE / file).exists()
        assert all((PACKAGE.parent / "tests" / test).exists() for test in module["tests"])
        for group in module.get("survivors", ()):
            assert group.keys() == {"why", "mutants"}


@pytest.mark.parametrize(
    ("match", "outcome"),
    [
        ("299", "core/handshake/key.py\n  {}"),
        ("accept_token: digest", "{'noticed': 2, 'survived': 1}"),  # in a function
        ("_BASE64 = ", "{'noticed': 4}"),  # by an import
    ],
)
def test_it_runs(match: str, outcome: str) -> None:
    command = [sys.executable, "-m", "tests.mutation", "core/handshake/key.py", "--match", match]
    run = subprocess.run(command, cwd=PACKAGE.parent, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert outcome in run.stdout
    assert run.stdout.endswith("0 unexplained\n")
