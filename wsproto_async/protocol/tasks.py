"""Hooks that are coroutines: each call becomes a task, and not too many at once.

Tasks start in the order of the calls and may interleave from their first ``await`` on. When as
many run as the option ``hookConcurrency`` allows, or they hold four times as many octets as
``receiveQueueBytes``, the connection reads on only after one ended.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable
from typing import Any, Protocol

__all__ = ["HookTasks", "is_awaitable"]

REST = 0.1
"""Seconds without new calls once one was cancelled: a loop that is ending cancels those that run,
and whoever began then would be left behind."""


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
        max_octets: how many octets of messages they may hold before reading pauses, if there is
            a limit at all.
    """

    __slots__ = ("counted", "limit", "loop", "max_octets", "octets", "paused", "running")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, limit: int | None, max_octets: int = 2**63
    ) -> None:
        self.loop = loop
        self.limit = limit
        self.max_octets = max_octets
        self.paused = False
        self.counted = 0
        self.octets = 0
        self.running: set[asyncio.Future[Any]] = set()

    def is_full(self) -> bool:
        """Whether nothing more is to be started for now."""
        if self.limit is None:
            return False
        return self.counted >= self.limit or self.octets >= self.max_octets

    def start(
        self, owner: Owner, awaitable: Awaitable[Any], hook: str, counts: bool, octets: int = 0
    ) -> asyncio.Future[Any]:
        """Run what a hook returned.

        Args:
            owner: whose hook it is; it is not kept longer than the hook runs.
            awaitable: a coroutine, a future, or anything else that can be awaited.
            hook: its name, for the log.
            counts: towards the limit; what runs as long as the connection does must not.
            octets: of a message that it holds.
        """
        future = asyncio.ensure_future(awaitable, loop=self.loop)
        self.running.add(future)  # the loop itself would not keep it alive
        self.counted += counts
        self.octets += octets
        future.add_done_callback(lambda done: self.ended(owner, done, hook, counts, octets))
        if self.is_full() and not self.paused:
            self.paused = True
            owner._pause_reading()
        return future

    def ended(
        self, owner: Owner, future: asyncio.Future[Any], hook: str, counts: bool, octets: int
    ) -> None:
        self.running.discard(future)
        self.counted -= counts
        self.octets -= octets
        if not future.cancelled() and (error := future.exception()) is not None:
            owner._hook_failed(error, hook)
        if self.paused and not self.is_full():
            self.paused = False
            if future.cancelled():
                self.loop.call_later(REST, owner._resume_reading)
            else:
                owner._resume_reading()
