"""WebSockets for asyncio."""

from . import _native  # noqa: F401  # first: it decides whether compiled modules are imported
from .factory import WebSocketClientFactory, WebSocketFactory, WebSocketServerFactory
from .protocol.base import WebSocketProtocol
from .protocol.client import WebSocketClientProtocol
from .protocol.server import WebSocketServerProtocol

__all__ = [
    "WebSocketClientFactory",
    "WebSocketClientProtocol",
    "WebSocketFactory",
    "WebSocketProtocol",
    "WebSocketServerFactory",
    "WebSocketServerProtocol",
]
