"""``WebSocketServerProtocol``: the server's side of the opening handshake, and plain HTTP."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Mapping
from typing import Any, ClassVar

from ..compress import PERMESSAGE_COMPRESSION_EXTENSION
from ..constants import State
from ..core.handshake.server import (
    ServerPolicy,
    Upgrade,
    accept_response,
    forwarded_peer,
    judge_request,
)
from ..core.http1 import HeadReader, RequestHead, parse_request_head
from ..errors import HandshakeError, StateError
from ..options import ServerOptions
from ..options.origins import SAME_ORIGIN
from ..types import ConnectionAccept, ConnectionRequest
from .access_log import log_access, status_of
from .admission import Admission, Refusal, address_of
from .answering import Answering
from .base import WebSocketProtocol
from .keeper import Keeper

__all__ = ["WebSocketServerProtocol"]

PATIENCE = 1.0
"""Seconds for a client that is to be refused to ask at all."""

MAX_EARLY = 64 * 1024
"""Octets that may come behind a request before it is answered."""


PolicyKey = tuple[int | None, bool, bool]


class WebSocketServerProtocol(Answering):
    """A server's connection."""

    is_server: ClassVar[bool] = True
    CONFIG_ATTRS: ClassVar[list[str]] = [
        *WebSocketProtocol.CONFIG_ATTRS_COMMON,
        *WebSocketProtocol.CONFIG_ATTRS_SERVER,
    ]

    implied_subprotocol: str | None = None
    """Agreed on where ``onConnect`` chooses none; one of those that the client offers."""

    _keeper: Keeper | None = None
    _counted = False
    _address: str | None = None
    _refusal: Refusal | None = None
    _since: float | None = None
    _status = 0
    _last_policy: ClassVar[tuple[ServerOptions, PolicyKey, ServerPolicy] | None] = None

    # The request, as soon as it has arrived.
    http_request_data: bytes
    http_status_line: str
    http_headers: dict[str, str]
    http_request_uri: str
    http_request_path: str
    http_request_params: dict[str, list[str]]
    http_request_host: str
    websocket_version: int = 0
    websocket_protocols: list[str]
    websocket_origin: str
    websocket_extensions: list[Any]
    http_response_data: str

    def onConnect(self, request: ConnectionRequest) -> Any:
        """A client asks for a connection, and its request is in order.

        Returns:
            One of these, or something to be awaited that gives it:

            * None: accept, without a subprotocol;
            * one of ``request.protocols``: accept, with it;
            * a tuple of that and a dict of headers for the response;
            * a :class:`~wsproto_async.types.ConnectionAccept`.

        Raises:
            ConnectionDeny: answer with its status instead. Any other exception is a 500.
        """
        return None

    def _connectionMade(self) -> None:
        """Begin; the factory counts the connection from here on."""
        keeper = getattr(self.factory, "running", None)
        if isinstance(keeper, Keeper):
            if keeper.is_closing():
                self.transport.abort()  # it was in its TLS handshake meanwhile
                return
            self._keeper = keeper  # the factory may have another one before this one has ended
        super()._connectionMade()
        if self._keeper is not None:
            self._keeper.add(self)
        self.factory.countConnections += 1
        self._counted = True
        options = self._options
        assert isinstance(options, ServerOptions)
        if options.access_log:
            self._since = self._loop.time()
        if options.limits_addresses and not options.trust_x_forwarded_for:
            self._admit(self._host(), options)
            if self._refusal is not None:
                self._timers.start("openHandshakeTimeoutCall", PATIENCE, self._turn_away)

    def _connectionLost(self, reason: BaseException | None) -> None:
        """End; the factory counts the connection until ``onClose`` has been told."""
        super()._connectionLost(reason)
        if not self._counted:
            return
        self._counted = False
        self.factory.countConnections -= 1
        self._leave_server()
        if self._address is not None:
            self.factory.admission.leave(self._address)
        if self._since is not None:
            log_access(self, self._status, self._loop.time() - self._since)

    # --- the server, if there is one that keeps its connections ---------------------------------

    def _leave_server(self) -> None:
        """The connection has ended, and ``onClose`` has been told."""
        if self._keeper is not None:
            self._keeper.discard(self)
            self._keeper.notify()

    def _go_away(self, code: int, reason: str, timeout: float | None) -> None:
        """The server is closing."""
        try:
            if self._upgrade is not None and self.state == State.CONNECTING:
                self.failHandshake("server is shutting down", 503)
            self._begin_close(code, reason, timeout)
        except Exception as error:  # out of a subclass; the others must be closed all the same
            self._say("error", "the connection cannot be closed", error)
            self.dropConnection(abort=True)

    def _is_handled_by(self, task: asyncio.Task[Any] | None) -> bool:
        """Whether that is what runs although the connection has ended."""
        return False

    def _cancel_handler(self) -> None:
        """What runs although the connection has ended had its time."""

    # --- who may connect at all -----------------------------------------------------------------

    def _host(self) -> str | None:
        """The address at the other end of the transport; None where that has none."""
        name = self.transport.get_extra_info("peername")
        return str(name[0]) if isinstance(name, tuple) else None

    def _admit(self, host: str | None, options: ServerOptions) -> None:
        """Count the connection for its address; too many are refused when they have asked."""
        if host is None:
            return
        admission = getattr(self.factory, "admission", None)
        if not isinstance(admission, Admission):
            admission = self.factory.admission = Admission()
        self._address = address_of(host)
        self._refusal = admission.enter(self._address, options)

    def _turn_away(self) -> None:
        """It is to be refused, but does not even ask."""
        assert self._refusal is not None
        self._timed_out(self._refusal[0])

    # --- the request --------------------------------------------------------------------------

    def processHandshake(self) -> None:
        """Work off what has arrived of the request."""
        connection = self._connection
        assert connection is not None
        if self._upgrade is not None:
            # Waiting for onConnect(); the client may not send anything yet, but some do.
            if connection.pending is not None and len(connection.pending) > MAX_EARLY:
                self.failHandshake("data before the opening handshake was answered", 400)
            return
        if self._head_reader is None:
            assert self._options is not None
            self._head_reader = HeadReader(self._options.max_handshake_size)
        data, connection.pending = connection.pending or b"", None
        try:
            raw = self._head_reader.feed(data)
            if raw is None:
                self._serve_flash_policy()
                return
            connection.pending = self._head_reader.rest or None
            self._head_reader = None
            self._judge(raw)
        except HandshakeError as error:
            self.failHandshake(error.reason, error.status, list(error.headers))

    def _judge(self, raw: bytes) -> None:
        """The head is complete: an upgrade, a plain request, or neither."""
        assert self._options is not None
        self.http_request_data = raw
        head = parse_request_head(raw, max_headers=self._options.max_handshake_headers)
        self.http_status_line = head.status_line
        self.http_headers = head.headers
        self.http_request_uri = head.target
        forwarded = self._trust_forwarded(head)
        assert isinstance(self._options, ServerOptions)
        if self._options.limits_addresses and self._address is None:
            self._admit(self.peer if forwarded else self._host(), self._options)
        if self._refusal is not None:
            raise HandshakeError(self._refusal[0], 429, self._refusal[1])
        request = judge_request(head, self._policy())
        self.http_request_path = request.path
        self.http_request_params = request.params
        self.http_request_host = request.host
        if isinstance(request, Upgrade):
            self._ask(request)
        else:
            self._serve_plain(request)

    def _policy(self) -> ServerPolicy:
        """What the options let in; made once for all connections that have the same ones."""
        options, port = self._options, getattr(self.factory, "externalPort", None)
        assert isinstance(options, ServerOptions)
        same = SAME_ORIGIN in options.allowed_origins
        is_secure = same and self.transport.get_extra_info("ssl_object") is not None
        hears = self._hears_requests()
        key = (port, is_secure, hears)
        known = WebSocketServerProtocol._last_policy
        if known is None or known[0] is not options or known[1] != key:
            policy = ServerPolicy(
                versions=options.versions,
                external_port=port,
                origin_patterns=options.allowed_origins_patterns,
                same_origin=same,
                is_secure=is_secure,
                allow_null_origin=options.allow_null_origin,
                web_status=options.web_status or hears,
            )
            known = WebSocketServerProtocol._last_policy = (options, key, policy)
        return known[2]

    def _trust_forwarded(self, head: RequestHead) -> bool:
        """Take the peer's address from a proxy in front of us; whether there was one."""
        header = head.headers.get("x-forwarded-for")
        if not (header and self.trustXForwardedFor):
            return False
        self.peer = forwarded_peer(header, self.trustXForwardedFor)
        return True

    def _ask(self, upgrade: Upgrade) -> None:
        """The request is in order: does the application want it?"""
        self.websocket_version = upgrade.version
        self.websocket_protocols = upgrade.protocols
        self.websocket_origin = upgrade.origin
        self.websocket_extensions = upgrade.extensions
        self._wskey = upgrade.key
        assert isinstance(self._options, ServerOptions)
        if 0 < self._options.max_connections < self.factory.countConnections:
            raise HandshakeError("maximum number of connections reached", 503)
        self._upgrade = upgrade
        request = ConnectionRequest(
            self.peer,
            self.http_headers,
            upgrade.host,
            upgrade.path,
            upgrade.params,
            upgrade.version,
            upgrade.origin,
            upgrade.protocols,
            upgrade.extensions,
        )
        try:
            result = self.onConnect(request)
        except Exception as error:
            self._deny(error)
            return
        if inspect.isawaitable(result):
            self._start(self._answer_later(result), "onConnect")
        else:
            self.succeedHandshake(result)

    async def _answer_later(self, result: Any) -> None:
        try:
            answer = await result
        except Exception as error:
            self._deny(error)
        else:
            self.succeedHandshake(answer)

    def succeedHandshake(self, res: Any) -> None:
        """Answer the request with what ``onConnect`` returned, and open the connection."""
        upgrade, connection = self._upgrade, self._connection
        assert connection is not None
        if not isinstance(upgrade, Upgrade) or connection.state != State.CONNECTING:
            return  # the client has gone in the meantime
        try:
            subprotocol, headers = _accepted(res)
            if subprotocol is None:
                subprotocol = self.implied_subprotocol
            extensions = self._agree_on_compression(upgrade)
            response = accept_response(
                upgrade,
                server=self.factory.server,
                subprotocol=subprotocol,
                fields=[*self.factory.headers.items(), *headers.items()],
                extensions=extensions,
            )
        except HandshakeError as error:
            self.failHandshake(error.reason, error.status)
            return
        except Exception as error:
            self._say("warn", "the handshake cannot be answered", error)
            self.failHandshake("Internal server error", 500)
            return
        if subprotocol is not None:
            self.websocket_protocol_in_use = subprotocol
        self.http_response_data = response.decode()
        self._upgrade = None
        self._write_preopen(response)
        self._open(self.data)

    def _agree_on_compression(self, upgrade: Upgrade) -> list[str]:
        """Let the option ``perMessageCompressionAccept`` choose among the client's offers."""
        offers = []
        for name, params in upgrade.extensions:
            if name in PERMESSAGE_COMPRESSION_EXTENSION:
                try:
                    offers.append(PERMESSAGE_COMPRESSION_EXTENSION[name]["Offer"].parse(params))
                except HandshakeError as error:  # declined (RFC 7692, section 7.1)
                    self._mention(f"compression offer declined: {error.reason}")
                except Exception as error:
                    raise HandshakeError(str(error)) from error
        accept = self.perMessageCompressionAccept(offers) if offers else None
        if accept is None:
            return []
        extension = PERMESSAGE_COMPRESSION_EXTENSION[accept.EXTENSION_NAME]
        codec = extension["PMCE"].create_from_offer_accept(True, accept)
        self._use_codec(codec)
        return [accept.get_extension_string()]

    def _write_preopen(self, data: bytes) -> None:
        """Write an answer; the first one has the status."""
        if self._since is not None and not self._status:
            self._status = status_of(data)
        super()._write_preopen(data)


def _accepted(result: Any) -> tuple[str | None, Mapping[str, Any]]:
    """Subprotocol and headers out of what ``onConnect`` returned."""
    if isinstance(result, ConnectionAccept):
        return result.subprotocol, result.headers or {}
    if type(result) is tuple:
        subprotocol, headers = (*result, None, None)[:2]
        if len(result) <= 2 and isinstance(headers, Mapping | None):
            return _checked(subprotocol), headers or {}
    return _checked(result), {}


def _checked(subprotocol: Any) -> str | None:
    if subprotocol is None or isinstance(subprotocol, str):
        return subprotocol
    raise StateError(
        "onConnect() must return None, a subprotocol, a tuple of that and a dict of headers, or a "
        f"ConnectionAccept, not {type(subprotocol).__name__}"
    )
