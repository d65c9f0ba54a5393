"""A server while it runs, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ..constants import CloseCode, State
from ..protocol.keeper import Keeper
from ..protocol.log import make_logger, say
from ..protocol.server import WebSocketServerProtocol
from .arguments import check_close, check_seconds
from .listening import Reserve
from .shutdown import one_by_one
from .signals import stopped_by_signals
from .websocket import WebSocket

__all__ = ["Server"]

log = make_logger()

GRACE = 10.0
"""Seconds that handlers may take to return once their connections have ended."""

SILENT = 1.0
"""Seconds of that without a word; then somebody who has pressed Ctrl-C wonders."""

STUBBORN = 1.0
"""Seconds that a handler may take to return once it was cancelled."""


class Server(Keeper):
    """What ``await serve(...)`` returns."""

    def __init__(self) -> None:
        self._listener: asyncio.Server | None = None
        self._reserve: Reserve | None = None
        self._links: set[WebSocketServerProtocol] = set()
        self._changed: asyncio.Future[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._goodbyes: set[asyncio.Task[None]] = set()
        self._callers: set[WebSocketServerProtocol] = set()
        self._grace = float("inf")
        self.farewell: tuple[int, str] = (CloseCode.NORMAL, "")
        """Code and reason for connections whose handlers return."""

    # --- looking at it ------------------------------------------------------------------------

    @property
    def sockets(self) -> Sequence[Any]:
        """The sockets it listens on; none once it is closing."""
        return () if self._listener is None else self._listener.sockets

    @property
    def connections(self) -> set[WebSocket]:
        """The open connections of a handler; a new set each time."""
        found = (getattr(link, "ws", None) for link in self.protocols)
        return {ws for ws in found if ws is not None}

    @property
    def protocols(self) -> set[WebSocketServerProtocol]:
        """The protocol objects of the open connections; a new set each time."""
        return {link for link in self._links if link.state == State.OPEN}

    def is_serving(self) -> bool:
        """Whether it accepts connections."""
        return self._closing is None and self._listener is not None and self._listener.is_serving()

    def is_closing(self) -> bool:
        """Whether it has begun to close."""
        return self._closing is not None

    # --- running ------------------------------------------------------------------------------

    def listen(self, listener: asyncio.Server, say: Callable[[str], object]) -> None:
        """Have a loop's server listen for it; of interest to ``serve``.

        Args:
            listener: the loop's server.
            say: logs a line.
        """
        self._listener = listener
        self._reserve = Reserve(listener, say)

    def forget(self) -> None:
        """Listen no more; of interest to ``serve``, where it does not come to its end."""
        if self._listener is not None and self._reserve is not None:
            self._reserve.release()
            self._listener.close()

    async def start_serving(self) -> None:
        """Begin to accept connections, where ``serve`` was told ``start_serving=False``."""
        if self._listener is not None:
            await self._listener.start_serving()

    async def serve_forever(
        self,
        *,
        code: int = CloseCode.GOING_AWAY,
        reason: str = "",
        timeout: float | None = None,
        drain: float = 0,
    ) -> None:
        """Serve until :meth:`close` is called, or until SIGINT or SIGTERM calls it.

        It then returns, with every connection closed. A second signal has its usual effect.
        Cancelling it closes the server, too, and does not wait for ``drain``.

        Args:
            code: of :meth:`close`, when a signal has come.
            reason: likewise.
            timeout: likewise.
            drain: likewise.

        Raises:
            OptionError: an argument has a bad value.
        """
        check_close(code, reason, timeout)
        check_seconds("drain", drain)
        await self.start_serving()
        stop: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            with stopped_by_signals(stop):
                while self._closing is None and not stop.done():
                    await self._wait([stop])
            if stop.done():
                await self.close(code, reason, timeout, drain=drain)
        finally:
            await self.close()

    async def close(
        self,
        code: int = CloseCode.GOING_AWAY,
        reason: str = "",
        timeout: float | None = None,
        *,
        drain: float = 0,
    ) -> None:
        """Accept no more connections, close those there are, and wait for their handlers.

        Requests that are being decided on get a 503, connections without one are dropped. With
        ``drain``, open connections are closed one by one, in a random order and evenly spread
        over that time, so that their clients do not all come back in the same moment; handlers
        learn of it from :meth:`wait_closing`, and may return meanwhile. May be called more than
        once: each call waits for the end, and what is quicker counts. A handler that calls it is
        not waited for, since it waits itself.

        Args:
            code: close code for the open connections, also for those whose handlers return from
                now on; 1012 announces a restart.
            reason: close reason.
            timeout: seconds that each closing handshake may take, and then, again, the handlers,
                before they are cancelled. None is the option ``close_timeout`` for the first and
                10 s for the second.
            drain: seconds over which the closes are spread.

        Raises:
            OptionError: an argument has a bad value.
        """
        check_close(code, reason, timeout)
        check_seconds("drain", drain)
        if self._closing is None:
            if self._listener is not None:
                self._listener.close()
            self.farewell = int(code), reason
            self._closing = asyncio.ensure_future(self._close())
        self._grace = min(self._grace, GRACE if timeout is None else timeout)
        caller = asyncio.current_task()
        self._callers.update(link for link in self._links if link._is_handled_by(caller))
        self.notify()
        later = []
        for link in list(self._links):
            goodbye = partial(link._go_away, int(code), reason, timeout)
            if drain and link.state == State.OPEN:
                later.append(goodbye)
            else:
                goodbye()
        if later:
            # A task, so that it goes on if whoever waits for the end is cancelled.
            task = asyncio.ensure_future(one_by_one(later, drain))
            self._goodbyes.add(task)
            task.add_done_callback(self._goodbyes.discard)
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        """Everybody has been told: wait for them."""
        while any(link.close_info is None for link in self._links):
            await self._wait()
        for task in self._goodbyes:
            task.cancel()
        if not await self._handlers_end(SILENT) and self._grace > SILENT:
            number, left = len(self._held_up_by()), self._grace - SILENT
            say(log, "warn", f"handlers that have not returned: {number}; cancelled in {left:g} s")
            await self._handlers_end(GRACE, SILENT)
        if self._held_up_by():
            for link in self._held_up_by():
                link._say("warn", f"handler is cancelled: it had {self._grace:g} s to return")
                link._cancel_handler()
            self._grace = STUBBORN
            if not await self._handlers_end(STUBBORN):
                for link in self._held_up_by():
                    link._say("warn", "handler goes on although it was cancelled")
        if self._reserve is not None:
            self._reserve.release()
        if self._listener is not None:
            # Nothing of ours is left; what is still in its TLS handshake need not be waited for.
            if hasattr(self._listener, "abort_clients"):  # Python 3.13
                self._listener.abort_clients()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._listener.wait_closed(), STUBBORN)
            self._listener = None

    async def _handlers_end(self, seconds: float, waited: float = 0) -> bool:
        """Give handlers time to return, unless another call of :meth:`close` gives them less.

        Args:
            seconds: how much.
            waited: how much of that they have had already.
        """
        loop = asyncio.get_running_loop()
        begin = loop.time() - waited
        while self._held_up_by() and (left := begin + min(seconds, self._grace) - loop.time()) > 0:
            await self._wait(timeout=left)
        return not self._held_up_by()

    def _held_up_by(self) -> set[WebSocketServerProtocol]:
        """The connections whose handlers have to return."""
        return self._links - self._callers

    async def wait_closing(self) -> None:
        """Wait until it begins to close: then it is time to finish, or to hand over."""
        while self._closing is None:
            await self._wait()

    async def wait_closed(self) -> None:
        """Wait until it is closed, all its handlers have returned, and all sockets are free."""
        await self.wait_closing()
        assert self._closing is not None
        await asyncio.shield(self._closing)

    async def __aenter__(self) -> Server:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # --- its connections tell it --------------------------------------------------------------

    def add(self, link: WebSocketServerProtocol) -> None:
        """A client has connected."""
        self._links.add(link)

    def discard(self, link: WebSocketServerProtocol) -> None:
        """A connection has ended, and its handler has returned."""
        self._links.discard(link)
        self._callers.discard(link)

    def notify(self) -> None:
        """Something has changed; of interest to those who wait for the end."""
        if self._closing is None:
            return
        changed, self._changed = self._changed, None
        if changed is not None:
            changed.set_result(None)

    async def _wait(
        self, more: Sequence[asyncio.Future[None]] = (), timeout: float | None = None
    ) -> None:
        """Wait until something has changed, here or there, or time is up."""
        if self._changed is None:
            self._changed = asyncio.get_running_loop().create_future()
        await asyncio.wait(
            [self._changed, *more], timeout=timeout, return_when=asyncio.FIRST_COMPLETED
        )
