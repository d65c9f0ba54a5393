"""What hooks are given and may return, and how a connection ended. Values without behaviour.

The fields of the handshake types are plain attributes that may be assigned; ``str()`` of one is
JSON. Constructors check types where Autobahn asserts them, and raise
:class:`~wsproto_async.errors.OptionTypeError`, which is an ``AssertionError`` too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, fields
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Literal

from .close_info import CloseInfo
from .constants import MAX_CONTROL_PAYLOAD
from .errors import OptionError, WebSocketError, check_type
from .util import parse_cookies, to_json

if TYPE_CHECKING:
    from .compress import PerMessageCompress

__all__ = [
    "CloseInfo",
    "ConnectingRequest",
    "ConnectionAccept",
    "ConnectionDeny",
    "ConnectionRequest",
    "ConnectionResponse",
    "ExtensionOffer",
    "ExtensionParams",
    "FrameHeader",
    "IncomingMessage",
    "Message",
    "OutgoingMessage",
    "Ping",
    "ResponseHeaders",
    "TransportDetails",
]

NoneType: Final = type(None)

ExtensionParams = dict[str, list[str | Literal[True]]]
"""Parameters of an extension: lower-case name -> values in order, True for one without value."""

ExtensionOffer = tuple[str, ExtensionParams]
"""An extension and its parameters, as one element of Sec-WebSocket-Extensions names them."""

SECRET_HEADERS: Final = frozenset({"authorization", "cookie", "proxy-authorization"})
"""Headers of requests that are not for logs."""

ResponseHeaders = Mapping[str, str | Sequence[str]]
"""Headers to send: name -> value, or several values for a header that is to be repeated."""


@dataclass(slots=True, eq=False)
class _Value:
    """A record that can be shown as JSON."""

    def __json__(self) -> dict[str, Any]:
        """The fields by name, as they are."""
        return {item.name: getattr(self, item.name) for item in fields(self)}

    def __str__(self) -> str:
        return to_json(self.__json__())


@dataclass(slots=True, eq=False)
class ConnectionRequest(_Value):
    """An opening handshake as a server received it; ``onConnect`` decides on it.

    Args:
        peer: where it comes from: ``tcp4:HOST:PORT``, ``tcp6:HOST:PORT``, ``unix:PATH``, or an
            address out of X-Forwarded-For where the server trusts that.
        headers: all headers, names in lower case, repeated ones joined by ``", "``.
        host: the Host header without its port; an IPv6 address keeps its brackets.
        path: path of the request target, not percent-decoded.
        params: the query, percent-decoded; without blank values.
        version: Sec-WebSocket-Version, 8 or 13.
        origin: the Origin header as it came, ``""`` where there was none.
        protocols: subprotocols offered, in the client's order.
        extensions: extensions offered, in the client's order; none of them is agreed yet.
    """

    peer: str
    headers: dict[str, str]
    host: str
    path: str
    params: dict[str, list[str]]
    version: int
    origin: str
    protocols: list[str]
    extensions: list[ExtensionOffer]

    def __post_init__(self) -> None:
        for name, kind in _REQUEST.items():
            value = getattr(self, name)
            if type(value) is not kind:
                check_type(name, value, kind)

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies of the request, by name."""
        return parse_cookies(self.headers.get("cookie", ""))

    def __str__(self) -> str:
        """The fields as JSON, without what the client shows to be let in."""
        headers = {
            name: "***" if name in SECRET_HEADERS else value for name, value in self.headers.items()
        }
        return to_json(self.__json__() | {"headers": headers})


_REQUEST: Final = {
    "peer": str,
    "headers": dict,
    "host": str,
    "path": str,
    "params": dict,
    "version": int,
    "origin": str,
    "protocols": list,
    "extensions": list,
}
"""The type that each field must have."""


@dataclass(slots=True, eq=False, init=False)
class ConnectingRequest(_Value):
    """What a client asks for, returned by ``onConnecting`` in place of the factory's settings.

    Nothing is taken from the factory any more: what is left out here is not sent.

    Args:
        host: goes into the Host header; ``"localhost"`` if left out.
        port: goes into the Host header; 80 if left out.
        resource: the request target; ``"/"`` if left out.
        headers: to be added to the request.
        useragent: the User-Agent header; None sends none.
        origin: the Origin header; None sends none.
        protocols: subprotocols to offer, in order of preference.
    """

    host: str
    port: int
    resource: str
    headers: Mapping[str, Any]
    useragent: str | None
    origin: str | None
    protocols: Sequence[str]

    def __init__(
        self,
        host: str | None = None,
        port: int | None = None,
        resource: str | None = None,
        headers: Mapping[str, Any] | None = None,
        useragent: str | None = None,
        origin: str | None = None,
        protocols: Sequence[str] | None = None,
    ) -> None:
        self.host = "localhost" if host is None else host
        self.port = 80 if port is None else port
        self.resource = "/" if resource is None else resource
        self.headers = {} if headers is None else headers
        self.useragent = useragent
        self.origin = origin
        self.protocols = [] if protocols is None else protocols


@dataclass(slots=True, eq=False)
class TransportDetails(_Value):
    """The transport below a connection, as far as known; None is not known.

    The first three fields are those of Autobahn 21; the others came later.

    Args:
        peer: as in :class:`ConnectionRequest`.
        is_secure: whether it is TLS.
        secure_channel_id: channel bindings: ``{}`` or ``{"tls-unique": 32 octets}``.
        channel_type: ``"tcp"`` or ``"tls"``.
        channel_framing: ``"websocket"``.
        channel_id: the channel bindings under their later name.
        peer_cert: as ``ssl.SSLSocket.getpeercert()`` returns it.
        is_server: which end we are.
        own_pid: our process.
        own_tid: our thread.
        own_fd: our file descriptor.
        websocket_protocol: the subprotocol agreed.
        websocket_extensions_in_use: the extensions agreed.
        http_headers_received: headers of the peer's half of the handshake.
        http_headers_sent: headers of our half.
        http_cbtid: id of a tracking cookie.
    """

    peer: str | None = None
    is_secure: bool | None = None
    secure_channel_id: dict[str, bytes] = field(default_factory=dict)
    _: KW_ONLY
    channel_type: str | None = None
    channel_framing: str | None = None
    channel_id: dict[str, bytes] | None = None
    peer_cert: dict[str, Any] | None = None
    is_server: bool | None = None
    own_pid: int | None = None
    own_tid: int | None = None
    own_fd: int | None = None
    websocket_protocol: str | None = None
    websocket_extensions_in_use: list[PerMessageCompress] | None = None
    http_headers_received: dict[str, str] | None = None
    http_headers_sent: dict[str, Any] | None = None
    http_cbtid: str | None = None

    def __post_init__(self) -> None:
        check_type("peer", self.peer, str, NoneType)
        check_type("is_secure", self.is_secure, bool, NoneType)
        check_type("secure_channel_id", self.secure_channel_id, dict)

    def __json__(self) -> dict[str, Any]:
        """The first three fields, and whichever of the others are known."""
        return {
            name: value
            for name, value in self.marshal().items()
            if value is not None or name in ("peer", "is_secure")
        }

    def marshal(self) -> dict[str, Any]:
        """All fields by name, as they are."""
        return _Value.__json__(self)


@dataclass(slots=True, eq=False)
class ConnectionResponse(_Value):
    """A server's answer to our opening handshake; a client's ``onConnect`` may refuse it.

    Args:
        peer: as in :class:`ConnectionRequest`.
        headers: as in :class:`ConnectionRequest`, of the response.
        version: the client's option ``version``, so 18 for RFC 6455 (not 13).
        protocol: the subprotocol the server chose, or None.
        extensions: the extensions agreed, as the codecs in use.
    """

    peer: str
    headers: dict[str, str]
    version: int
    protocol: str | None
    extensions: list[PerMessageCompress]

    def __post_init__(self) -> None:
        check_type("peer", self.peer, str)
        check_type("headers", self.headers, dict)
        check_type("version", self.version, int)
        check_type("protocol", self.protocol, str, NoneType)
        check_type("extensions", self.extensions, list)


@dataclass(slots=True, eq=False)
class ConnectionAccept(_Value):
    """One way for a server's ``onConnect`` to say yes.

    Args:
        subprotocol: one of those the client offered, or None.
        headers: to be added to the response.
    """

    subprotocol: str | None = None
    headers: ResponseHeaders | None = None

    def __post_init__(self) -> None:
        check_type("subprotocol", self.subprotocol, str, NoneType)
        _check_headers(self.headers)


def _check_headers(headers: Any) -> None:
    check_type("headers", headers, dict, NoneType)
    for name, value in (headers or {}).items():
        check_type("a name in headers", name, str)
        check_type(f"headers[{name!r}]", value, str, list, tuple)
        for line in value:
            check_type(f"an element of headers[{name!r}]", line, str)


class ConnectionDeny(WebSocketError):
    """Raised by a server's ``onConnect`` to say no.

    Args:
        code: HTTP status to answer with.
        reason: reason phrase to answer with; None stands for the usual phrase of that status.
        headers: to be added to the answer, such as ``{"WWW-Authenticate": "Bearer"}``.
    """

    BAD_REQUEST: Final = 400
    FORBIDDEN: Final = 403
    NOT_FOUND: Final = 404
    NOT_ACCEPTABLE: Final = 406
    REQUEST_TIMEOUT: Final = 408
    INTERNAL_SERVER_ERROR: Final = 500
    NOT_IMPLEMENTED: Final = 501
    SERVICE_UNAVAILABLE: Final = 503

    def __init__(
        self, code: int, reason: str | None = None, headers: ResponseHeaders | None = None
    ) -> None:
        check_type("code", code, int)
        if not 100 <= code <= 999:
            raise OptionError(f"code must be an HTTP status of three digits, not {code}")
        check_type("reason", reason, str, NoneType)
        _check_headers(headers)
        super().__init__(code, reason, headers)
        self.code = code
        self.reason = reason
        self.headers = headers

    @property
    def phrase(self) -> str:
        """The reason, or the usual phrase of the status where there is none."""
        if self.reason is not None:
            return self.reason
        try:
            return HTTPStatus(self.code).phrase
        except ValueError:
            return "Denied"

    def __str__(self) -> str:
        return f"{self.code} {self.phrase}"


class Message:
    """Base of the messages below, which are for applications: the protocol uses none of them."""

    __slots__ = ()


@dataclass(slots=True, eq=False)
class IncomingMessage(Message):
    """A message received.

    Args:
        payload: its octets, UTF-8 if it is text.
        is_binary: whether it is binary.
    """

    payload: bytes
    is_binary: bool = False

    def __post_init__(self) -> None:
        check_type("payload", self.payload, bytes)
        check_type("is_binary", self.is_binary, bool)


@dataclass(slots=True, eq=False)
class OutgoingMessage(Message):
    """A message to send.

    Args:
        payload: its octets, UTF-8 if it is text.
        is_binary: whether it is binary.
        skip_compress: whether to send it as it is where compression was agreed.
    """

    payload: bytes
    is_binary: bool = False
    skip_compress: bool = False

    def __post_init__(self) -> None:
        check_type("payload", self.payload, bytes)
        check_type("is_binary", self.is_binary, bool)
        check_type("skip_compress", self.skip_compress, bool)


@dataclass(slots=True, eq=False)
class Ping:
    """A ping, which is no :class:`Message`.

    Args:
        payload: at most 125 octets (RFC 6455, section 5.5), or None.
    """

    payload: bytes | None = None

    def __post_init__(self) -> None:
        check_type("payload", self.payload, bytes, NoneType)
        if self.payload is not None and len(self.payload) > MAX_CONTROL_PAYLOAD:
            raise OptionError(
                f"payload must not have more than {MAX_CONTROL_PAYLOAD} octets: "
                f"it has {len(self.payload)}"
            )


@dataclass(slots=True, eq=False)
class FrameHeader:
    """The header of a frame (RFC 6455, section 5.2).

    Args:
        opcode: 0 to 15.
        fin: whether it ends its message.
        rsv: RSV1 is 4, RSV2 is 2, RSV3 is 1.
        length: octets of payload.
        mask: the four octets of the masking key, or None.
    """

    opcode: int
    fin: bool
    rsv: int
    length: int
    mask: bytes | None
