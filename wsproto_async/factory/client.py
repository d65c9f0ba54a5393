"""``WebSocketClientFactory``."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Unpack

from ..errors import OptionError
from ..interfaces import IWebSocketClientChannelFactory
from ..options import ClientOptions
from ..options.legacy import (
    ClientOptionsKwargs,
    update,
)
from ..protocol.client import WebSocketClientProtocol
from ..protocol.option_attributes import ClientOptionAttributes
from ..util import parse_url
from ..version import __version__
from .base import WebSocketFactory

__all__ = ["WebSocketClientFactory"]

USERAGENT = f"wsproto_async/{__version__}"


class WebSocketClientFactory(ClientOptionAttributes, WebSocketFactory):
    """Makes a client's protocols.

    Args:
        url: ``ws://`` or ``wss://``; it says what is asked for, not where TCP connects to. None
            is ``ws://localhost``.
        origin: the Origin header, if not None.
        protocols: subprotocols to offer, the preferred one first.
        useragent: the User-Agent header; None sends none.
        headers: to be added to the request.
        proxy: ``{"host": ..., "port": ...}``: ask this proxy for a tunnel first. TCP must have
            been connected to it; ``"headers"``, a dict, goes to the proxy alone.
        loop: where the protocols' timers run if no loop is running.

    Attributes:
        ssl_context: for TLS through a proxy's tunnel; None verifies the server.
        server_hostname: for the same: the name in the server's certificate, if not the host.
        tls_keywords: for the same: further arguments of the loop's ``start_tls``.

    Raises:
        InvalidURL: the URL is not one of these.
        OptionError: an argument has a bad value.
    """

    isServer: ClassVar[bool] = False
    protocol: Any = WebSocketClientProtocol
    options: ClientOptions = ClientOptions.contract()
    origin: str | None
    useragent: str | None
    proxy: dict[str, Any] | None
    ssl_context: ssl.SSLContext | None = None
    server_hostname: str | None = None
    tls_keywords: Mapping[str, Any] = MappingProxyType({})

    def __init__(
        self,
        url: str | None = None,
        origin: str | None = None,
        protocols: Sequence[str] | None = None,
        useragent: str | None = USERAGENT,
        headers: Mapping[str, Any] | None = None,
        proxy: dict[str, Any] | None = None,
        *,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._loop = loop
        self.setSessionParameters(url, origin, protocols, useragent, headers, proxy)

    def setSessionParameters(
        self,
        url: str | None = None,
        origin: str | None = None,
        protocols: Sequence[str] | None = None,
        useragent: str | None = None,
        headers: Mapping[str, Any] | None = None,
        proxy: dict[str, Any] | None = None,
    ) -> None:
        """Set all of these; what is left out is set to None or nothing, not kept.

        Raises:
            InvalidURL: the URL is not ``ws://`` or ``wss://``.
            OptionError: another argument has a bad value.
        """
        parsed = parse_url(url or "ws://localhost")
        self.url = url
        self.isSecure, self.host, self.port, self.resource, self.path, self.params = parsed
        self._set_common(protocols, headers)
        if proxy is not None and not {"host", "port"} <= set(proxy):
            raise OptionError('proxy must be None or {"host": ..., "port": ...}')
        self.origin = origin
        self.useragent = useragent
        self.proxy = proxy

    def setProtocolOptions(self, **options: Unpack[ClientOptionsKwargs]) -> None:
        """Change options for connections that are made from now on; None leaves one alone.

        Raises:
            TypeError: there is no such option; the message names the closest one.
            OptionError: a value is bad; the message names the option and the rule.
        """
        self.options = update(self.options, options)


IWebSocketClientChannelFactory.register(WebSocketClientFactory)
