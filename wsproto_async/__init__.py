"""WebSockets for asyncio.

======================  ============================================================
you write               and start from
======================  ============================================================
an application          :func:`connect`, :func:`serve`, :class:`WebSocket`
for Autobahn's classes  ``WebSocketServerFactory``, ``WebSocketServerProtocol``, ...
a configuration         :class:`ServerOptions`, :class:`ClientOptions`
======================  ============================================================
"""

from . import _native  # noqa: F401  # first: it decides whether compiled modules are imported
from .api import (
    Authentication,
    Backoff,
    BroadcastResult,
    HTTPResponse,
    Hub,
    ReconnectingWebSocketClientFactory,
    Server,
    WebSocket,
    basic_auth,
    bearer_auth,
    broadcast,
    connect,
    health_check,
    run,
    serve,
    serve_factory,
)
from .compress import (
    PERMESSAGE_COMPRESSION_EXTENSION,
    Compression,
    Deflate,
    PerMessageCompress,
    PerMessageCompressOffer,
    PerMessageCompressOfferAccept,
    PerMessageCompressResponse,
    PerMessageCompressResponseAccept,
    PerMessageDeflate,
    PerMessageDeflateMixin,
    PerMessageDeflateOffer,
    PerMessageDeflateOfferAccept,
    PerMessageDeflateResponse,
    PerMessageDeflateResponseAccept,
    accept_deflate,
)
from .constants import CloseCode, Opcode, State
from .errors import (
    ConnectError,
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    Disconnected,
    HandshakeError,
    OptionError,
    OptionTypeError,
    PayloadExceededError,
    ProtocolError,
    StateError,
    WebSocketError,
)
from .factory import WebSocketClientFactory, WebSocketFactory, WebSocketServerFactory
from .masking import XorMaskerNull, create_xor_masker
from .options import ClientOptions, CommonOptions, ServerOptions
from .protocol.base import WebSocketProtocol
from .protocol.client import WebSocketClientProtocol
from .protocol.prepared import PreparedMessage
from .protocol.server import WebSocketServerProtocol
from .stats import Timings, TrafficStats
from .types import (
    CloseInfo,
    ConnectingRequest,
    ConnectionAccept,
    ConnectionDeny,
    ConnectionRequest,
    ConnectionResponse,
    FrameHeader,
    IncomingMessage,
    Message,
    OutgoingMessage,
    Ping,
    TransportDetails,
)
from .utf8 import Utf8Validator
from .util import InvalidURL, create_url, parse_url
from .version import __version__

__all__ = [
    "PERMESSAGE_COMPRESSION_EXTENSION",
    "Authentication",
    "Backoff",
    "BroadcastResult",
    "ClientOptions",
    "CloseCode",
    "CloseInfo",
    "CommonOptions",
    "Compression",
    "ConnectError",
    "ConnectingRequest",
    "ConnectionAccept",
    "ConnectionClosed",
    "ConnectionClosedError",
    "ConnectionClosedOK",
    "ConnectionDeny",
    "ConnectionRequest",
    "ConnectionResponse",
    "Deflate",
    "Disconnected",
    "FrameHeader",
    "HTTPResponse",
    "HandshakeError",
    "Hub",
    "IncomingMessage",
    "InvalidURL",
    "Message",
    "Opcode",
    "OptionError",
    "OptionTypeError",
    "OutgoingMessage",
    "PayloadExceededError",
    "PerMessageCompress",
    "PerMessageCompressOffer",
    "PerMessageCompressOfferAccept",
    "PerMessageCompressResponse",
    "PerMessageCompressResponseAccept",
    "PerMessageDeflate",
    "PerMessageDeflateMixin",
    "PerMessageDeflateOffer",
    "PerMessageDeflateOfferAccept",
    "PerMessageDeflateResponse",
    "PerMessageDeflateResponseAccept",
    "Ping",
    "PreparedMessage",
    "ProtocolError",
    "ReconnectingWebSocketClientFactory",
    "Server",
    "ServerOptions",
    "State",
    "StateError",
    "Timings",
    "TrafficStats",
    "TransportDetails",
    "Utf8Validator",
    "WebSocket",
    "WebSocketClientFactory",
    "WebSocketClientProtocol",
    "WebSocketError",
    "WebSocketFactory",
    "WebSocketProtocol",
    "WebSocketServerFactory",
    "WebSocketServerProtocol",
    "XorMaskerNull",
    "__version__",
    "accept_deflate",
    "basic_auth",
    "bearer_auth",
    "broadcast",
    "connect",
    "create_url",
    "create_xor_masker",
    "health_check",
    "parse_url",
    "run",
    "serve",
    "serve_factory",
]
