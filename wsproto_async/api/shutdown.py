"""Closing many connections without having all of their clients come back at once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence

__all__ = ["one_by_one"]


async def one_by_one(calls: Sequence[Callable[[], object]], seconds: float) -> None:
    """Make calls in a random order, each at a random moment of its share of the time.

    Args:
        calls: what to call.
        seconds: for all of them together.
    """
    loop = asyncio.get_running_loop()
    start = loop.time()
    share = seconds / len(calls)
    for number, call in enumerate(random.sample(calls, len(calls))):
        due = start + share * (number + random.random())
        await asyncio.sleep(due - loop.time())
        call()
