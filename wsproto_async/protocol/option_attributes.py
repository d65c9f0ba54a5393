"""The options as attributes with Autobahn's names, on factories and protocols alike.

For a type checker they are plain attributes: they can be read, assigned to, and set in the body
of a subclass. A test holds these lists against the models.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal

__all__ = [
    "ClientOptionAttributes",
    "CommonOptionAttributes",
    "Option",
    "ServerOptionAttributes",
    "option",
]


class Option:
    """An attribute that is an option; its owner knows how to get and set one."""

    name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: Any) -> Any:
        return self if instance is None else instance._get_option(self.name)

    def __set__(self, instance: Any, value: object) -> None:
        instance._set_option(self.name, value)


def option() -> Any:
    """An :class:`Option` that passes for its value."""
    return Option()


class CommonOptionAttributes:
    """Options of servers and clients."""

    logOctets: bool = option()
    logFrames: bool = option()
    trackTimings: bool = option()
    utf8validateIncoming: bool = option()
    applyMask: bool = option()
    maxFramePayloadSize: int = option()
    maxMessagePayloadSize: int = option()
    autoFragmentSize: int = option()
    failByDrop: bool = option()
    echoCloseCodeReason: bool = option()
    openHandshakeTimeout: float = option()
    closeHandshakeTimeout: float = option()
    tcpNoDelay: bool = option()
    autoPingInterval: float = option()
    autoPingTimeout: float = option()
    autoPingSize: int = option()

    # Not in Autobahn.
    hookConcurrency: int | None = option()
    onHookError: Literal["close", "keep"] = option()
    receiveQueueMessages: int = option()
    receiveQueueBytes: int = option()
    writeBufferHigh: int = option()
    closeTimeout: float | None = option()
    maxHandshakeSize: int = option()
    maxHandshakeHeaders: int = option()
    autoPingRestartOnAnyTraffic: bool = option()
    maxMessagesPerSecond: int = option()
    maxOctetsPerSecond: int = option()
    onRateLimit: Literal["pause", "close"] = option()


class ServerOptionAttributes:
    """Options of servers."""

    versions: list[int] = option()
    webStatus: bool = option()
    requireMaskedClientFrames: bool = option()
    maskServerFrames: bool = option()
    perMessageCompressionAccept: Callable[[Any], Any] = option()
    serveFlashSocketPolicy: bool = option()
    flashSocketPolicy: str = option()
    allowedOrigins: list[str] = option()
    allowedOriginsPatterns: list[re.Pattern[str]] = option()
    allowNullOrigin: bool = option()
    maxConnections: int = option()
    trustXForwardedFor: int = option()

    # Not in Autobahn.
    maxConnectionsPerIp: int = option()
    maxHandshakesPerMinute: int = option()
    accessLog: bool = option()


class ClientOptionAttributes:
    """Options of clients."""

    version: int = option()
    acceptMaskedServerFrames: bool = option()
    maskClientFrames: bool = option()
    serverConnectionDropTimeout: float = option()
    perMessageCompressionOffers: list[Any] = option()
    perMessageCompressionAccept: Callable[[Any], Any] = option()
