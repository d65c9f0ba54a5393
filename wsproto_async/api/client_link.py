"""A client's connection: what ``connect`` was told meets Autobahn's contract."""
# ruff: noqa: N802  # hooks have Autobahn's names

from __future__ import annotations

import asyncio

from ..core.http1 import shown
from ..errors import ConnectError, HandshakeError, OptionError, WebSocketError
from ..factory.client import WebSocketClientFactory
from ..options import ClientOptions
from ..protocol.client import WebSocketClientProtocol
from ..types import ConnectionResponse
from .link import Link
from .websocket import WebSocket

__all__ = ["ClientLink", "ClientLinkFactory", "why_not_open"]


class ClientLink(Link, WebSocketClientProtocol):
    """A client's connection: tells ``connect`` when it is open, or why it is not."""

    factory: ClientLinkFactory
    _proxy_error: str | None = None

    def onConnect(self, response: ConnectionResponse) -> None:
        """The server has accepted."""
        assert self.ws is not None
        self.ws.response = response

    def onOpen(self) -> None:
        """The connection is open."""
        opened = self.factory.take_opened()
        if opened is not None:
            assert self.ws is not None
            opened.set_result(self.ws)

    def failHandshake(self, reason: str) -> None:
        """The response is not acceptable."""
        error = self._handshake_error
        if error is not None and 300 <= error.status < 400:
            self._abandon(reason)  # whoever follows the redirect says so
        else:
            super().failHandshake(reason)

    def failProxyConnect(self, reason: str) -> None:
        """The proxy does not let us through."""
        self._proxy_error = reason
        super().failProxyConnect(reason)

    def onServerConnectionDropTimeout(self) -> None:
        """The closing handshake is through, but the server keeps TCP: we need not care."""
        self.wasServerConnectionDropTimeout = True
        self.dropConnection(abort=True)

    def connection_lost(self, exc: BaseException | None) -> None:
        """It is gone (asyncio calls this)."""
        super().connection_lost(exc)
        opened = self.factory.take_opened()
        if opened is not None:
            opened.set_exception(why_not_open(self, self.factory.where))
        self._handshake_error = None  # its traceback leads back here


def why_not_open(protocol: WebSocketClientProtocol, where: str) -> WebSocketError:
    """The reason why a connection that has ended never opened.

    Args:
        protocol: whose.
        where: what was connected to, for messages.
    """
    cause = protocol._close_cause
    proxy_error: str | None = getattr(protocol, "_proxy_error", None)
    if proxy_error is not None:
        return ConnectError(f"{where}: {proxy_error}")
    if protocol._handshake_error is not None:
        return _with_location(protocol._handshake_error)
    if isinstance(cause, OptionError):
        return cause
    info = protocol._close_info
    reason = "" if info is None else info.reason
    if info is None or info.initiator == "network":
        reason = "it closed the connection during the opening handshake"
    error = ConnectError(f"{where}: {reason}")
    error.__cause__ = cause
    return error


def _with_location(error: HandshakeError) -> HandshakeError:
    """A redirect that says where to: whether to follow is the application's decision."""
    location = dict(error.headers).get("location")
    reason = error.reason
    if 300 <= error.status < 400 and location is not None:
        reason += f"; the server redirects to {shown(location)}"
    return HandshakeError(reason, error.status, error.headers)


class ClientLinkFactory(WebSocketClientFactory):
    """The factory of one attempt of ``connect``.

    Attributes:
        opened: becomes the connection, or the error; then it is None here, since the connection
            leads back to this factory.
        where: what is connected to, for messages.
    """

    protocol = ClientLink
    options: ClientOptions
    opened: asyncio.Future[WebSocket] | None = None
    where: str

    def take_opened(self) -> asyncio.Future[WebSocket] | None:
        """``opened``, once, if anybody still waits for it."""
        opened, self.opened = self.opened, None
        return None if opened is None or opened.done() else opened
