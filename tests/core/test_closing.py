"""The closing table, as a table."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from wsproto_async.constants import State
from wsproto_async.core.closing import TABLE, Effect, Event

from .draw_closing import BEGIN, END, diagram, drawn_in

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "architecture.md"
RULES = [
    pytest.param(*key, *value, id=f"{key[0].name}-{key[1].name}") for key, value in TABLE.items()
]


def test_every_state_can_end() -> None:
    for state in State:
        assert TABLE[state, Event.GONE][1][-1] is Effect.TELL


def test_a_closed_connection_only_tells() -> None:
    assert [event for state, event in TABLE if state is State.CLOSED] == [Event.GONE]


def test_every_event_and_effect_is_used() -> None:
    assert {event for _, event in TABLE} == set(Event)
    assert {effect for _, effects in TABLE.values() for effect in effects} == set(Effect)


@pytest.mark.parametrize(("state", "event", "after", "effects"), RULES)
def test_rules_that_hold_everywhere(
    state: State, event: Event, after: State, effects: tuple[Effect, ...]
) -> None:
    assert after in (State.CLOSING, State.CLOSED)
    if after is State.CLOSED:
        assert Effect.STOP in effects
    if {Effect.SEND_CLOSE, Effect.SEND_REPLY}.intersection(effects):
        assert state is State.OPEN  # one close frame, and nothing behind it
    if Effect.SEND_CLOSE in effects:
        assert effects[-1] is Effect.EXPECT_REPLY
    assert (Effect.TELL in effects) == (event is Event.GONE)
    assert (Effect.CLEAN in effects) == (event is Event.CLOSE_RECEIVED)
    assert not {Effect.CLEAN, Effect.UNCLEAN}.issubset(effects)


def test_the_page_on_architecture_shows_this_table() -> None:
    if not PAGE.exists():
        pytest.skip("no such page")
    page = PAGE.read_text(encoding="utf-8")
    assert page.count(BEGIN) == page.count(END) == 1
    assert drawn_in(page) == diagram(), "run python -m tests.core.draw_closing docs/architecture.md"


def test_drawing(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"above\n{BEGIN}old\n{END}\nbelow\n", encoding="utf-8")
    command = [sys.executable, "-m", "tests.core.draw_closing"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    subprocess.run([*command, str(page)], cwd=ROOT, check=True)
    assert page.read_text(encoding="utf-8") == f"above\n{BEGIN}{printed}{END}\nbelow\n"
    assert printed == diagram()
