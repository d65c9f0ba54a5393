"""SECURITY.md tells the limits that are in the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wsproto_async.options import ClientOptions, ServerOptions

TEXT = Path(__file__).parents[1].joinpath("SECURITY.md").read_text()
ROWS = re.findall(r"^\| `(\w+)` \| (\w+) \| (\w+) \| (\w+) \|", TEXT, re.MULTILINE)


def test_the_table_was_found() -> None:
    assert len(ROWS) > 10


@pytest.mark.parametrize(("option", "server", "client", "contract"), ROWS)
def test_a_row_has_the_defaults(option: str, server: str, client: str, contract: str) -> None:
    assert str(getattr(ServerOptions(), option)) == server
    assert str(getattr(ClientOptions(), option)) == client
    assert str(getattr(ServerOptions.contract(), option)) == contract
    assert str(getattr(ClientOptions.contract(), option)) == contract
