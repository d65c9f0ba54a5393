"""Floor 4: the factories of Autobahn's contract."""

from .base import WebSocketFactory
from .client import WebSocketClientFactory
from .server import WebSocketServerFactory

__all__ = ["WebSocketClientFactory", "WebSocketFactory", "WebSocketServerFactory"]
