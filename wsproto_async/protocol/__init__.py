"""Floor 3: the protocols of Autobahn's contract. ``base.py`` says how they are put together.

Programs import all classes of the contract from here, as they did from ``autobahn``'s module of
this name; so the factories, which are above, can be had here as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..types import (
    ConnectingRequest,
    ConnectionAccept,
    ConnectionDeny,
    ConnectionRequest,
    ConnectionResponse,
    FrameHeader,
    TransportDetails,
)
from .base import WebSocketProtocol
from .client import WebSocketClientProtocol
from .prepared import PreparedMessage
from .server import WebSocketServerProtocol

if TYPE_CHECKING:
    from ..factory import WebSocketClientFactory, WebSocketFactory, WebSocketServerFactory

__all__ = [
    "ConnectingRequest",
    "ConnectionAccept",
    "ConnectionDeny",
    "ConnectionRequest",
    "ConnectionResponse",
    "FrameHeader",
    "PreparedMessage",
    "TransportDetails",
    "WebSocketClientFactory",
    "WebSocketClientProtocol",
    "WebSocketFactory",
    "WebSocketProtocol",
    "WebSocketServerFactory",
    "WebSocketServerProtocol",
]

FACTORIES = ("WebSocketFactory", "WebSocketClientFactory", "WebSocketServerFactory")


def __getattr__(name: str) -> Any:
    if name in FACTORIES:
        from .. import factory

        return getattr(factory, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
