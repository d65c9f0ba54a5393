"""Hooks that are coroutines: each call becomes a task, and not too many at once.

Tasks start in the order of the calls and may interleave from their first ``await`` on. When as
many run as the option ``hookConcurrency`` allows, the connection reads on only after one ended.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

__all__ = ["HookTasks", "is_awaitable"]


def is_awaitable(result: object) -> bool:
    """Whether what a hook returned has to be awaited; anything else is ignored, as in Autobahn."""
    return inspect.isawaitable(result)


class HookTasks:
    """The running coroutine hooks of a connection.

    Args:
        loop: where they run.
        limit: how many before reading pauses; None is no limit.
        pause, resume: of reading.
        failed: gets the error of a hook, and its name.
    """

    __slots__ = ("counted", "failed", "limit", "loop", "pause", "paused", "resume", "running")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        limit: int | None,
        pause: Callable[[], object],
        resume: Callable[[], object],
        failed: Callable[[BaseException, str], object],
    ) -> None:
        self.loop = loop
        self.limit = limit
        self.pause = pause
        self.resume = resume
        self.failed = failed
        self.paused = False
        self.counted = 0
        self.running: set[asyncio.Future[Any]] = set()

    def start(self, awaitable: Awaitable[Any], hook: str, counts: bool) -> asyncio.Future[Any]:
        """Run what a hook returned.

        Args:
            awaitable: a coroutine, a future, or anything else that can be awaited.
            hook: its name, for the log.
            counts: towards the limit; what runs as long as the connection does must not.
        """
        future = asyncio.ensure_future(awaitable, loop=self.loop)
        self.running.add(future)  # the loop itself would not keep it alive
        self.counted += counts
        future.add_done_callback(lambda done: self.ended(done, hook, counts))
        if self.limit is not None and self.counted >= self.limit and not self.paused:
            self.paused = True
            self.pause()
        return future

    def ended(self, future: asyncio.Future[Any], hook: str, counts: bool) -> None:
        self.running.discard(future)
        self.counted -= counts
        if not future.cancelled() and (error := future.exception()) is not None:
            self.failed(error, hook)
        if self.paused and (self.limit is None or self.counted < self.limit):
            self.paused = False
            self.resume()
