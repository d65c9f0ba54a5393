"""Hooks that are coroutines: each call becomes a task, and not too many at once.

Tasks start in the order of the calls and may interleave from their first ``await`` on. When as
many run as the option ``hookConcurrency`` allows, the connection reads on only after one ended.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable
from typing import Any, Protocol

__all__ = ["HookTasks", "is_awaitable"]


def is_awaitable(result: object) -> bool:
    """Whether what a hook returned has to be awaited; anything else is ignored, as in Autobahn."""
    return inspect.isawaitable(result)


class Owner(Protocol):
    """What is asked of a protocol that has coroutine hooks."""

    def _pause_reading(self) -> None: ...

    def _resume_reading(self) -> None: ...

    def _hook_failed(self, error: BaseException, hook: str | None = None) -> None: ...


class HookTasks:
    """The running coroutine hooks of a connection.

    Args:
        loop: where they run.
        limit: how many before reading pauses; None is no limit.
    """

    __slots__ = ("counted", "limit", "loop", "paused", "running")

    def __init__(self, loop: asyncio.AbstractEventLoop, limit: int | None) -> None:
        self.loop = loop
        self.limit = limit
        self.paused = False
        self.counted = 0
        self.running: set[asyncio.Future[Any]] = set()

    def start(
        self, owner: Owner, awaitable: Awaitable[Any], hook: str, counts: bool
    ) -> asyncio.Future[Any]:
        """Run what a hook returned.

        Args:
            owner: whose hook it is; it is not kept longer than the hook runs.
            awaitable: a coroutine, a future, or anything else that can be awaited.
            hook: its name, for the log.
            counts: towards the limit; what runs as long as the connection does must not.
        """
        future = asyncio.ensure_future(awaitable, loop=self.loop)
        self.running.add(future)  # the loop itself would not keep it alive
        self.counted += counts
        future.add_done_callback(lambda done: self.ended(owner, done, hook, counts))
        if self.limit is not None and self.counted >= self.limit and not self.paused:
            self.paused = True
            owner._pause_reading()
        return future

    def ended(self, owner: Owner, future: asyncio.Future[Any], hook: str, counts: bool) -> None:
        self.running.discard(future)
        self.counted -= counts
        if not future.cancelled() and (error := future.exception()) is not None:
            owner._hook_failed(error, hook)
        if self.paused and (self.limit is None or self.counted < self.limit):
            self.paused = False
            owner._resume_reading()
