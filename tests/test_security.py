"""What is written on security is true of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.limits import LIMITS, NO_LIMITS, Limit
from wsproto_async.options import ClientOptions, ServerOptions

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "SECURITY.md").read_text()
ROWS = re.findall(r"^\| `(\w+)` \| (\w+) \| (\w+) \| (\w+) \|", TEXT, re.MULTILINE)


def test_the_table_was_found() -> None:
    assert len(ROWS) > 10


@pytest.mark.parametrize(("option", "server", "client", "contract"), ROWS)
def test_a_row_has_the_defaults(option: str, server: str, client: str, contract: str) -> None:
    assert str(getattr(ServerOptions(), option)) == server
    assert str(getattr(ClientOptions(), option)) == client
    assert str(getattr(ServerOptions.contract(), option)) == contract
    assert str(getattr(ClientOptions.contract(), option)) == contract


def test_no_limit_is_missing() -> None:
    """Every option that is a number bounds something, or is known not to."""
    listed = {
        limit.option for limits in LIMITS.values() for limit in limits if type(limit) is Limit
    }
    numbers = {
        name
        for model in (ServerOptions(), ClientOptions(), ServerOptions.contract())
        for name in type(model).model_fields
        if type(getattr(model, name)) in (int, float)
    }
    assert numbers - NO_LIMITS <= listed
    assert not listed & NO_LIMITS


def test_the_threat_model_names_tests_that_there_are() -> None:
    named = re.findall(r"`(tests/[\w/.]+)`", (ROOT / "THREAT_MODEL.md").read_text())
    assert len(named) > 30
    assert [path for path in named if not (ROOT / path).exists()] == []
