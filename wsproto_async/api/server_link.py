"""A server's connections: what ``serve`` was told meets Autobahn's contract."""
# ruff: noqa: N802  # hooks have Autobahn's names

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from ..constants import CloseCode, State
from ..core.handshake.server import choose_subprotocol
from ..errors import ConnectionClosed, OptionTypeError, is_only
from ..factory.server import WebSocketServerFactory
from ..options import ServerOptions
from ..protocol.server import WebSocketServerProtocol
from ..types import ConnectionRequest
from .link import Link
from .requests import Answer, ProcessRequest
from .server import Server
from .websocket import WebSocket

__all__ = ["Handler", "SelectSubprotocol", "ServerLink", "ServerLinkFactory"]

Handler = Callable[[WebSocket], Awaitable[Any]]
SelectSubprotocol = Callable[[WebSocket, list[str]], str | None]


class ServerLink(Link, WebSocketServerProtocol):
    """A server's connection: asks ``process_request``, runs the handler."""

    factory: ServerLinkFactory
    _asked = "process_request"
    """The function of the user's that decides on the request."""

    @property
    def server(self) -> Server:
        """The server that it came to."""
        assert isinstance(self._keeper, Server)
        return self._keeper

    # --- beginning and end --------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        """A client has connected (asyncio calls this)."""
        if self.factory.running.is_closing():  # this one was in its TLS handshake meanwhile
            transport.abort()
            return
        super().connection_made(transport)

    def _leave_server(self) -> None:
        """The connection has ended, but its handler may go on; see :meth:`finish`."""

    def finish(self) -> None:
        """It is gone, and its handler may have returned."""
        if self.ws is None or self.ws.handler is None:
            super().finish()
            self.server.discard(self)
        self.server.notify()

    # --- the handler --------------------------------------------------------------------------

    def onOpen(self) -> None:
        """The connection is open: run its handler."""
        ws = self.ws
        assert ws is not None
        try:
            result = self.factory.handler(ws)
            if not inspect.isawaitable(result):
                raise OptionTypeError(
                    f"handler must be a coroutine function: it returned {type(result).__name__}"
                )
        except Exception as error:
            self._handler_ended(error)
            return
        ws.handler = asyncio.ensure_future(result, loop=self._loop)
        ws.handler.add_done_callback(self._handler_done)
        self._let_begin()

    def _handler_done(self, handler: asyncio.Future[Any]) -> None:
        assert self.ws is not None
        self.ws.handler = None
        if handler.cancelled():
            self._begin_close(CloseCode.GOING_AWAY)
        else:
            self._handler_ended(handler.exception())
        if self._close_info is not None:
            self.finish()

    def _handler_ended(self, error: BaseException | None) -> None:
        # Of a connection that is still open, it is about another one.
        ended = is_only(error, ConnectionClosed) and self._close_info is not None
        if error is None or ended:
            self._begin_close(*self.server.farewell)
        elif error is self._close_cause:  # a bad message, of which the peer has been told
            self._close_cause = error.with_traceback(None)
        else:
            self._say("error", f"handler raised {type(error).__name__}", error)
            if self.state == State.OPEN:
                self._close_cause = error.with_traceback(None)
            self._begin_close(CloseCode.INTERNAL_ERROR, "internal error")

    def _is_handled_by(self, task: asyncio.Task[Any] | None) -> bool:
        return self.ws is not None and task is not None and self.ws.handler is task

    def _cancel_handler(self) -> None:
        """It has had its time."""
        assert self.ws is not None
        assert self.ws.handler is not None  # else the server would not know us any more
        self.ws.handler.cancel()

    # --- the request --------------------------------------------------------------------------

    def onConnect(self, request: ConnectionRequest) -> Any:
        """A client asks for a connection."""
        ws = self._with_request(request)
        if self.factory.process_request is None:
            return self._choose(ws, request)
        answer = self.factory.process_request(ws, request)
        if inspect.isawaitable(answer):
            return self._decide_later(answer)
        return self._decide(answer)

    async def _decide_later(self, answer: Awaitable[Answer]) -> str | None:
        return self._decide(await answer)

    def _decide(self, answer: Answer) -> str | None:
        ws = self.ws
        if ws is None:
            return None  # the client has gone in the meantime
        assert ws.request is not None
        if answer is None:
            return self._choose(ws, ws.request)
        self._answer(answer, "process_request")
        return None

    def _choose(self, ws: WebSocket, request: ConnectionRequest) -> str | None:
        """The subprotocol."""
        select = self.factory.select_subprotocol
        if select is None:
            return choose_subprotocol(request.protocols, self.factory.protocols)
        self._asked = "select_subprotocol"
        return select(ws, request.protocols)

    def _deny(self, error: Exception, hook: str = "") -> None:
        super()._deny(error, self._asked)

    def _with_request(self, request: ConnectionRequest) -> WebSocket:
        assert self.ws is not None
        self.ws.request = request
        return self.ws

    # --- plain HTTP ---------------------------------------------------------------------------

    def _hears_requests(self) -> bool:
        return self.factory.process_request is not None

    def onHttpRequest(self, request: ConnectionRequest) -> Any:
        """A plain HTTP request came."""
        assert self.factory.process_request is not None
        return self.factory.process_request(self._with_request(request), request)


class ServerLinkFactory(WebSocketServerFactory):
    """The factory below ``serve``; its attributes are the arguments of that."""

    protocol = ServerLink
    options: ServerOptions
    handler: Handler
    process_request: ProcessRequest | None
    select_subprotocol: SelectSubprotocol | None
    running: Server
