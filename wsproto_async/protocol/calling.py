"""Calling hooks: what they return, what they raise, and how many run at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

from ..constants import CloseCode, State
from ..errors import ConnectionClosed, Disconnected, is_only
from .attributes import Attributes
from .log import say
from .tasks import HookTasks, is_awaitable

__all__ = ["Calling"]

COUNTED = (
    "onMessage",
    "onMessageBegin",
    "onMessageFrameBegin",
    "onMessageFrameData",
    "onMessageFrameEnd",
    "onMessageFrame",
    "onMessageEnd",
    "onPing",
    "onPong",
)
"""Hooks that the peer can cause to be called as often as it likes."""


class Calling(Attributes):
    """How a protocol calls its hooks, and what it says in the log."""

    def _call_hook(self, name: str, *args: Any) -> asyncio.Future[Any] | None:
        """Call a hook; what it returns to be awaited becomes a task."""
        result = getattr(self, name)(*args)
        if result is not None and is_awaitable(result):
            return self._start(result, name, _octets_in(args))
        return None

    def _hook_returned(self, result: Any) -> None:
        """``onMessage`` returned something: the reader's slot."""
        if is_awaitable(result):
            assert self._connection is not None
            self._start(result, "onMessage", self._connection.reader.size)

    def _start(self, awaitable: Awaitable[Any], hook: str, octets: int = 0) -> asyncio.Future[Any]:
        """Run what a hook returned."""
        tasks = self._tasks
        if tasks is None:
            options = self._options
            assert options is not None
            tasks = self._tasks = HookTasks(
                self._loop, options.hook_concurrency, 4 * options.receive_queue_bytes
            )
        return tasks.start(self, awaitable, hook, hook in COUNTED, octets)

    def _hook_failed(self, error: BaseException, hook: str | None = None) -> None:
        """A hook raised, plain or as a task: say so, and end the connection or keep it."""
        hook = hook or hook_of(error)
        if self._is_news_of_the_end(error):
            self._mention(f"{hook} ended with the connection: {type(error).__name__}")
            return
        self._say("error", f"{hook} raised {type(error).__name__}", error)
        try:
            self._call_hook("onError", error, hook)
        except Exception as second:
            self._say("error", "onError raised", second)
        connection, options = self._connection, self._options
        if connection is None or options is None or connection.state == State.CLOSED:
            return
        # Where memory ran out it may have been in the reader, which then has lost a piece.
        if options.on_hook_error == "close" or isinstance(error, MemoryError):
            # It has been logged; its traceback would go round in a circle, by the hook's frame.
            self._close_cause = error.with_traceback(None)
            if options.on_hook_error == "close":
                self._close_hint = f"{hook} raised: on_hook_error='keep' would have kept it open"
            connection.fail(CloseCode.INTERNAL_ERROR, "internal error", False)

    def _is_news_of_the_end(self, error: BaseException) -> bool:
        """Whether a hook was only told that the peer has ended the connection meanwhile."""
        connection = self._connection
        if connection is None or not is_only(error, ConnectionClosed, Disconnected):
            return False
        closed_by_us = connection.closed_by_me and not connection.failed_by_me
        return connection.state == State.CLOSED or (
            connection.state == State.CLOSING and not closed_by_us
        )

    def _say(self, level: str, text: str, error: BaseException | None = None) -> None:
        """Log a line about this connection."""
        if level != "debug":
            self._has_said = True
        say(self.log, level, f"{self.peer}: {text}", error)

    def _mention(self, text: str) -> None:
        """Log for debugging what a peer has done, unless there is a line: it may go on doing it."""
        if not self._has_said:
            self._has_said = True
            self._say("debug", text)

    def _track(self, key: str) -> None:
        """Note when something happened, if ``trackTimings`` is on."""
        if self.trackedTimings is not None:
            self.trackedTimings.track(key)

    def _pause_reading(self) -> None:
        raise AssertionError

    def _resume_reading(self) -> None:
        raise AssertionError


def _octets_in(args: tuple[Any, ...]) -> int:
    """Octets of payload that a hook was given."""
    first = args[0] if args else None
    pieces = first if isinstance(first, list) else [first]
    return sum(len(piece) for piece in pieces if isinstance(piece, bytes))


def hook_of(error: BaseException) -> str:
    """The hook that an error came out of, for the log."""
    traceback = error.__traceback__
    while traceback is not None:
        name = traceback.tb_frame.f_code.co_name
        if name.startswith("on") and name[2:3].isupper():
            return name
        traceback = traceback.tb_next
    return "a hook"
