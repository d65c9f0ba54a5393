"""Signals that end a program, for all servers of a loop: it has room for one handler of each."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from typing import Any, Final

__all__ = ["stopped_by_signals"]

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Signals:
    """The signals of one loop, while anybody waits for them.

    Attributes:
        waiting: the futures that the first signal sets.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.waiting: set[asyncio.Future[None]] = set()
        self.before: dict[signal.Signals, Any] = {}
        for number in SIGNALS:
            handler = signal.getsignal(number)
            # Windows has none, and other threads than the main one hear of none.
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, self.arrived)
                self.before[number] = handler

    def arrived(self) -> None:
        """One has come: from here on they have their usual effect."""
        self.restore()
        for stop in self.waiting:
            if not stop.done():
                stop.set_result(None)

    def restore(self) -> None:
        if _known.get(self.loop) is self:  # and not somebody who has come later
            del _known[self.loop]
        while self.before:
            number, handler = self.before.popitem()
            self.loop.remove_signal_handler(number)
            if handler is not None:  # else it was not Python's, who cannot put it back
                signal.signal(number, handler)

    def leave(self, stop: asyncio.Future[None]) -> None:
        """Somebody waits no longer."""
        self.waiting.discard(stop)
        if not self.waiting:
            self.restore()


_known: dict[asyncio.AbstractEventLoop, Signals] = {}


@contextlib.contextmanager
def stopped_by_signals(stop: asyncio.Future[None]) -> Iterator[None]:
    """Let signals set a future; where they cannot (other threads, Windows), do nothing."""
    loop = asyncio.get_running_loop()
    signals = _known.get(loop)
    if signals is None:
        signals = _known[loop] = Signals(loop)
    signals.waiting.add(stop)
    try:
        yield
    finally:
        signals.leave(stop)
