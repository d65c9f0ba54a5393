"""``WebSocketServerFactory``."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Unpack

from ..errors import OptionError
from ..interfaces import IWebSocketServerChannelFactory
from ..options import ServerOptions
from ..options.legacy import (
    ServerOptionsKwargs,
    update,
)
from ..protocol.admission import Admission
from ..protocol.keeper import Keeper
from ..protocol.option_attributes import ServerOptionAttributes
from ..protocol.server import WebSocketServerProtocol
from ..util import parse_url
from ..version import __version__
from .base import WebSocketFactory

__all__ = ["WebSocketServerFactory"]

SERVER = f"wsproto_async/{__version__}"


class WebSocketServerFactory(ServerOptionAttributes, WebSocketFactory):
    """Makes a server's protocols.

    Args:
        url: ``ws://`` or ``wss://``, without a query; it does not choose where the server
            listens. None is ``ws://localhost``.
        protocols: subprotocols, for ``onConnect`` to choose from.
        server: value of the Server header; None sends none.
        headers: to be added to every 101 response.
        externalPort: the port that a Host header must name, if it names one.
        loop: where the protocols' timers run if no loop is running.

    Raises:
        InvalidURL: the URL is not one of these.
        OptionError: an argument has a bad value.
    """

    isServer: ClassVar[bool] = True
    protocol: Any = WebSocketServerProtocol
    options: ServerOptions = ServerOptions.contract()
    countConnections = 0
    admission: Admission | None = None
    running: Keeper | None = None
    """The ``Server`` that keeps the connections, where ``serve`` has made one."""
    server: str | None
    externalPort: int | None

    def __init__(
        self,
        url: str | None = None,
        protocols: Sequence[str] | None = None,
        server: str | None = SERVER,
        headers: Mapping[str, Any] | None = None,
        externalPort: int | None = None,
        *,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._loop = loop
        self.setSessionParameters(url, protocols, server, headers, externalPort)

    def setSessionParameters(
        self,
        url: str | None = None,
        protocols: Sequence[str] | None = None,
        server: str | None = None,
        headers: Mapping[str, Any] | None = None,
        externalPort: int | None = None,
    ) -> None:
        """Set all of these; what is left out is set to None or nothing, not kept.

        Raises:
            InvalidURL: the URL is not ``ws://`` or ``wss://``.
            OptionError: it has a query, or another argument has a bad value.
        """
        parsed = parse_url(url or "ws://localhost")
        if parsed.params:
            raise OptionError("url of a server must not have a query")
        self.url = url
        self.isSecure, self.host, self.port, self.resource, self.path, self.params = parsed
        self._set_common(protocols, headers)
        self.server = server
        self.externalPort = externalPort

    def setProtocolOptions(self, **options: Unpack[ServerOptionsKwargs]) -> None:
        """Change options for connections that are made from now on; None leaves one alone.

        Raises:
            TypeError: there is no such option; the message names the closest one.
            OptionError: a value is bad; the message names the option and the rule.
        """
        self.options = update(self.options, options)

    def getConnectionCount(self) -> int:
        """How many connections there are, those in the opening handshake included."""
        return self.countConnections


IWebSocketServerChannelFactory.register(WebSocketServerFactory)
