"""Pings that wait for their pongs."""

from __future__ import annotations

import asyncio
from time import perf_counter

from ..errors import ConnectionClosed, OptionError

__all__ = ["Pings"]


class Pings:
    """The pings of one connection without an answer yet, in the order in which they were sent."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: dict[bytes, tuple[asyncio.Future[float], float]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, payload: bytes, loop: asyncio.AbstractEventLoop) -> asyncio.Future[float]:
        """A ping is about to be sent; the result becomes its round trip.

        Raises:
            OptionError: one with this payload is waiting already.
        """
        for known in [known for known, (waiter, _) in self._waiting.items() if waiter.done()]:
            del self._waiting[known]  # cancelled: nobody waits for it any more
        if payload in self._waiting:
            raise OptionError(f"ping(data={payload!r}) is already waiting for its pong")
        waiter: asyncio.Future[float] = loop.create_future()
        self._waiting[payload] = (waiter, perf_counter())
        return waiter

    def answer(self, payload: bytes) -> float | None:
        """A pong arrived: it answers its ping and all before it; the round trip of its own."""
        if payload not in self._waiting:
            return None
        now = perf_counter()
        trip = now - self._waiting[payload][1]
        while payload in self._waiting:
            waiter, sent = self._waiting.pop(next(iter(self._waiting)))
            if not waiter.done():
                waiter.set_result(now - sent)
        return trip

    def end(self, error: ConnectionClosed) -> None:
        """No pong will come any more."""
        for waiter, _ in self._waiting.values():
            if not waiter.done():
                waiter.set_exception(error)
                waiter.exception()  # nobody has to await it
        self._waiting.clear()
