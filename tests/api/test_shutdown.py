"""Spreading calls over a time."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from wsproto_async.api.shutdown import one_by_one


async def test_each_has_its_share_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async def sleep(seconds: float) -> None:
        due.append(seconds)

    due: list[float] = []
    called: list[int] = []
    monkeypatch.setattr(asyncio, "sleep", sleep)
    await one_by_one([partial(called.append, number) for number in range(100)], 1000)
    assert sorted(called) == list(range(100))
    assert called != list(range(100))  # in a random order
    # In its ten seconds; the loop's clock moves meanwhile, but not by a second.
    assert all(10 * number - 1 <= seconds <= 10 * number + 10 for number, seconds in enumerate(due))
    assert len({round(seconds % 10, 3) for seconds in due}) > 50  # at a random moment of it
