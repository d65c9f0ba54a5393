"""``WebSocketClientProtocol``: the client's side of the opening handshake, and proxies."""

from __future__ import annotations

import asyncio
import inspect
import ssl
from functools import partial
from typing import Any, ClassVar

from ..compress import (
    PERMESSAGE_COMPRESSION_EXTENSION,
    PerMessageCompressOffer,
    PerMessageCompressResponse,
)
from ..constants import CloseCode, State
from ..core.handshake.client import Accepted, judge_response, upgrade_request
from ..core.handshake.key import new_key
from ..core.handshake.proxy import connect_request, judge_connect
from ..core.http1 import HeadReader, ResponseHead, parse_response_head
from ..errors import HandshakeError
from ..types import ConnectingRequest, ConnectionResponse, ExtensionOffer, TransportDetails
from . import details
from .base import WebSocketProtocol
from .writes import bind_writes

__all__ = ["WebSocketClientProtocol"]


MOMENT = 0.05
"""Seconds in which the loop would have told that TCP has ended."""


class WebSocketClientProtocol(WebSocketProtocol):
    """A client's connection."""

    is_server: ClassVar[bool] = False
    CONFIG_ATTRS: ClassVar[list[str]] = [
        *WebSocketProtocol.CONFIG_ATTRS_COMMON,
        *WebSocketProtocol.CONFIG_ATTRS_CLIENT,
    ]

    _accepted: Accepted | None = None
    _handshake: asyncio.Future[Any] | None = None
    _asked_protocols: list[str]
    _handshake_error: HandshakeError | None = None

    websocket_key: bytes
    websocket_version: int = 0
    http_request_data: bytes
    http_response_data: bytes
    http_status_line: str
    http_headers: dict[str, str]

    def onConnecting(self, transport_details: TransportDetails) -> Any:
        """TCP, and TLS if wanted, are there; the request goes out next.

        Returns:
            None for what the factory says, or a
            :class:`~wsproto_async.types.ConnectingRequest`, or something to be awaited that
            gives one of these. An exception drops the connection.
        """
        return None

    def onConnect(self, response: ConnectionResponse) -> Any:
        """The server has accepted. An exception closes the connection, with 1000 and its text.

        Out of a coroutine, which nobody waits for, it is that of any hook.
        """
        return None

    def _connectionMade(self) -> None:
        """Begin: ask the proxy, if there is one, or the server."""
        super()._connectionMade()
        assert self._connection is not None
        if getattr(self.factory, "proxy", None) is not None:
            self._connection.state = int(State.PROXY_CONNECTING)
            self.startProxyConnect()
        else:
            self.startHandshake()

    # --- a proxy --------------------------------------------------------------------------------

    def startProxyConnect(self) -> None:
        """Ask the proxy for a tunnel."""
        proxy = self.factory.proxy
        fields = proxy.get("headers", {}) if isinstance(proxy, dict) else {}
        self._write_preopen(connect_request(self.factory.host, self.factory.port, fields))

    def processProxyConnect(self) -> None:
        """Work off what has arrived of the proxy's answer."""
        try:
            head = self._take_head()
            if head is None:
                return
            judge_connect(head)
            if self.data:
                raise HandshakeError("the proxy sent data behind its answer", head.status)
        except HandshakeError as error:
            self.failProxyConnect(error.reason)
            return
        assert self._connection is not None
        self._connection.state = int(State.CONNECTING)
        if self.factory.isSecure:
            self._start(self.startTLS(), "startTLS")
        else:
            self.startHandshake()

    def failProxyConnect(self, reason: str) -> None:
        """The proxy does not let us through: drop the connection."""
        self._say("info", f"proxy failed: {reason}")
        self._abandon(reason)

    async def startTLS(self) -> None:
        """Speak TLS with the server through the tunnel, then begin the handshake.

        The context is the factory's ``ssl_context`` if it has one, else one that verifies; the
        name that the server has to show is its ``server_hostname``, else the host.
        """
        context = getattr(self.factory, "ssl_context", None) or ssl.create_default_context()
        name = getattr(self.factory, "server_hostname", None) or self.factory.host
        more = getattr(self.factory, "tls_keywords", {})
        below, self.transport = self.transport, details.Below(self.transport)
        try:
            transport = await self._loop.start_tls(
                below, self, context, server_hostname=name, **more
            )
            if transport is None or transport.is_closing():
                raise ConnectionResetError("the connection was lost")
        except (OSError, ssl.SSLError, asyncio.CancelledError) as error:
            self._close_cause = self._close_cause or error
            self._abandon(f"TLS through the proxy failed: {str(error) or type(error).__name__}")
        if self.state == State.CONNECTING:
            self.transport = transport
            self.startHandshake()
        elif self._close_info is None:
            # Who is in the middle of TLS's handshake is not told that TCP has ended.
            self._timers.start("_lingerCall", MOMENT, partial(self.connection_lost, None))

    # --- the request ----------------------------------------------------------------------------

    def startHandshake(self) -> Any:
        """Ask ``onConnecting``, then send the request.

        Returns:
            A future of what ``onConnecting`` gave.
        """
        bind_writes(self)
        done = self._loop.create_future()
        try:
            result = self.onConnecting(self.transport_details)
        except Exception as error:
            self._connecting_failed(error)
            done.set_result(None)
            return done
        if inspect.isawaitable(result):
            return self._start(self._connect_later(result), "onConnecting")
        self._actuallyStartHandshake(result)
        done.set_result(result)
        return done

    async def _connect_later(self, result: Any) -> Any:
        try:
            request = await result
        except Exception as error:
            self._connecting_failed(error)
            return None
        if self.state == State.CONNECTING:
            self._actuallyStartHandshake(request)
        return request

    def _connecting_failed(self, error: Exception) -> None:
        self._close_cause = error
        self._say("error", "onConnecting raised", error)
        self.dropConnection(abort=False)

    def _actuallyStartHandshake(self, request_options: ConnectingRequest | None) -> None:
        """Send the request; None takes everything from the factory."""
        factory = self.factory
        if request_options is None:
            request_options = ConnectingRequest(
                factory.host,
                factory.port,
                factory.resource,
                factory.headers,
                factory.useragent,
                factory.origin,
                factory.protocols,
            )
        port = request_options.port
        is_unix = request_options.host == "unix" or not isinstance(port, int)
        self.websocket_key = new_key()
        self._asked_protocols = list(request_options.protocols)
        try:
            self.http_request_data = upgrade_request(
                host="localhost" if is_unix else request_options.host,
                port=None if is_unix else port,
                resource=request_options.resource,
                key=self.websocket_key,
                useragent=request_options.useragent,
                headers=request_options.headers,
                origin=request_options.origin,
                protocols=self._asked_protocols,
                extensions=[
                    offer.get_extension_string() for offer in self.perMessageCompressionOffers
                ],
                spec_version=self.version,
            )
        except Exception as error:
            self._close_cause = error
            self._say("error", f"the request cannot be sent: {error}")
            self._abandon(str(error))
            return
        self._write_preopen(self.http_request_data)

    # --- the response -----------------------------------------------------------------------------

    def _take_head(self) -> ResponseHead | None:
        """The next head, as soon as it is complete."""
        connection, options = self._connection, self._options
        assert connection is not None
        assert options is not None
        if self._head_reader is None:
            self._head_reader = HeadReader(options.max_handshake_size, is_client=True)
        data, connection.pending = connection.pending or b"", None
        raw = self._head_reader.feed(data)
        if raw is None:
            return None
        connection.pending = self._head_reader.rest or None
        self._head_reader = None
        self.http_response_data = raw
        return parse_response_head(raw, max_headers=options.max_handshake_headers)

    def processHandshake(self) -> None:
        """Work off what has arrived of the response."""
        try:
            head = self._take_head()
            if head is None:
                return
            self.http_status_line = head.status_line
            self.http_headers = head.headers
            accepted = judge_response(head, key=self.websocket_key, protocols=self._asked_protocols)
            for extension in accepted.extensions:
                self._agree_on_compression(head, extension)
        except HandshakeError as error:
            self._handshake_error = error
            self.failHandshake(error.reason)
            return
        self._accepted = accepted
        self.websocket_version = self.version
        self.websocket_protocol_in_use = accepted.subprotocol
        self._open(self.data)

    def _agree_on_compression(self, head: ResponseHead, extension: ExtensionOffer) -> None:
        """The server has chosen an extension: it must be one that was offered, and one only."""
        name, params = extension
        offers = [
            offer for offer in self.perMessageCompressionOffers if name == offer.EXTENSION_NAME
        ]
        if name not in PERMESSAGE_COMPRESSION_EXTENSION or not offers:
            raise head.error(f"server wants to use the extension {name!r}, which was not offered")
        if self.websocket_extensions_in_use:
            raise head.error("server wants to use more than one compression")
        known = PERMESSAGE_COMPRESSION_EXTENSION[name]
        try:
            response = known["Response"].parse(params)
            _check_offered(offers, response)
            accept = self.perMessageCompressionAccept(response)
            if accept is None:
                raise HandshakeError("the server's answer to the offer was declined")
            self._use_codec(known["PMCE"].create_from_response_accept(False, accept))
        except Exception as error:
            raise head.error(f"extension {name}: {error}") from error

    def failHandshake(self, reason: str) -> None:
        """The response is not acceptable: drop the connection."""
        self._say("info", f"opening handshake failed: {reason}")
        self._abandon(reason)

    def _abandon(self, reason: str) -> None:
        if self._connection is not None and self._connection.state != State.CLOSED:
            self._connection.not_clean_reason = reason
            self.dropConnection(abort=True)

    def _announce_open(self) -> None:
        """Tell ``onConnect``, and then, unless it raised, ``onOpen``."""
        accepted = self._accepted
        assert accepted is not None
        response = ConnectionResponse(
            self.peer,
            accepted.head.headers,
            self.websocket_version,
            accepted.subprotocol,
            self.websocket_extensions_in_use,
        )
        try:
            self._call_hook("onConnect", response)
        except Exception as error:
            self._close_cause = error
            self._say("warn", "onConnect raised", error)
            self._fail_connection(CloseCode.NORMAL, str(error))
            return
        if self.state == State.OPEN:
            super()._announce_open()


def _check_offered(offers: list[Any], response: PerMessageCompressResponse) -> None:
    """Refuse a response that answers none of the offers; the first one's complaint is told."""
    refusals = []
    for offer in offers:
        if not isinstance(offer, PerMessageCompressOffer):
            return  # an extension of the application's own, made for Autobahn, which does not check
        try:
            offer.check_response(response)
            return
        except HandshakeError as error:
            refusals.append(error)
    raise refusals[0]
