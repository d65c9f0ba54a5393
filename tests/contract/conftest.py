"""Fixtures of the contract's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .support import Lab


@pytest.fixture
def lab() -> Iterator[Lab]:
    """A loop with a clock of its own; nothing may have gone wrong in it."""
    lab = Lab()
    yield lab
    lab.turn()
    lab.close()
    assert not lab.complaints


@pytest.fixture(autouse=True)
def row(request: pytest.FixtureRequest) -> str | None:
    """The row of the contract's table that a test is for; see ``tests.parity.table.covers``."""
    name: str | None = getattr(request, "param", None)
    return name
