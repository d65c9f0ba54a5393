"""Autobahn's abstract interfaces, for ``isinstance`` and for reading.

The protocol classes are registered with the three channel interfaces and do not derive from them;
:mod:`wsproto_async.protocol` says what each method promises.
"""
# ruff: noqa: N802, N803

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

if TYPE_CHECKING:
    from .options.legacy import ClientOptionsKwargs, ServerOptionsKwargs
    from .types import (
        ConnectingRequest,
        ConnectionAccept,
        ConnectionRequest,
        ConnectionResponse,
        ResponseHeaders,
        TransportDetails,
    )

    Accepted = None | str | tuple[str | None, ResponseHeaders] | ConnectionAccept

__all__ = [
    "IWebSocketChannel",
    "IWebSocketChannelFrameApi",
    "IWebSocketChannelStreamingApi",
    "IWebSocketClientChannelFactory",
    "IWebSocketServerChannelFactory",
]


class IWebSocketChannel(ABC):
    """A connection that sends and receives whole messages."""

    @abstractmethod
    def onConnecting(
        self, transport_details: TransportDetails
    ) -> ConnectingRequest | Awaitable[ConnectingRequest | None] | None:
        """On a client: the transport is there; what shall be asked for?

        None stands for the settings of the factory.
        """

    @abstractmethod
    def onConnect(
        self, request_or_response: ConnectionRequest | ConnectionResponse
    ) -> Accepted | Awaitable[Accepted]:
        """On a server: a request came; return how to accept it, or raise ConnectionDeny.

        On a client: the server accepted; the result counts for nothing.
        """

    @abstractmethod
    def onOpen(self) -> Awaitable[None] | None:
        """The connection is open."""

    @abstractmethod
    def sendMessage(self, payload: bytes, isBinary: bool = False) -> None:
        """Send a message."""

    @abstractmethod
    def onMessage(self, payload: bytes, isBinary: bool) -> Awaitable[None] | None:
        """A message came."""

    @abstractmethod
    def sendClose(self, code: int | None = None, reason: str | None = None) -> None:
        """Begin to close: 1000 or 3000 to 4999, and at most 123 octets of reason."""

    @abstractmethod
    def onClose(
        self, wasClean: bool, code: int | None, reason: str | None
    ) -> Awaitable[None] | None:
        """The connection has ended."""

    @abstractmethod
    def sendPing(self, payload: bytes | None = None) -> None:
        """Send a ping of at most 125 octets."""

    @abstractmethod
    def onPing(self, payload: bytes) -> Awaitable[None] | None:
        """A ping came, which should be answered."""

    @abstractmethod
    def sendPong(self, payload: bytes | None = None) -> None:
        """Send a pong of at most 125 octets."""

    @abstractmethod
    def onPong(self, payload: bytes) -> Awaitable[None] | None:
        """A pong came."""


class IWebSocketChannelFrameApi(IWebSocketChannel):
    """A connection that also sends and receives messages frame by frame."""

    @abstractmethod
    def onMessageBegin(self, isBinary: bool) -> Awaitable[None] | None:
        """A message begins."""

    @abstractmethod
    def onMessageFrame(self, payload: list[bytes]) -> Awaitable[None] | None:
        """A frame of it came, as a list of pieces."""

    @abstractmethod
    def onMessageEnd(self) -> Awaitable[None] | None:
        """It is complete."""

    @abstractmethod
    def beginMessage(self, isBinary: bool = False, doNotCompress: bool = False) -> None:
        """Begin a message."""

    @abstractmethod
    def sendMessageFrame(self, payload: bytes, sync: bool = False) -> None:
        """Send a frame of it."""

    @abstractmethod
    def endMessage(self) -> None:
        """End it."""


class IWebSocketChannelStreamingApi(IWebSocketChannelFrameApi):
    """A connection that also sends and receives frames piece by piece."""

    @abstractmethod
    def onMessageFrameBegin(self, length: int) -> Awaitable[None] | None:
        """A frame begins, with that many octets on the wire."""

    @abstractmethod
    def onMessageFrameData(self, payload: bytes) -> Awaitable[None] | None:
        """A piece of it came."""

    @abstractmethod
    def onMessageFrameEnd(self) -> Awaitable[None] | None:
        """It is complete."""

    @abstractmethod
    def beginMessageFrame(self, length: int) -> None:
        """Begin a frame of that many octets."""

    @abstractmethod
    def sendMessageFrameData(self, payload: bytes, sync: bool = False) -> int:
        """Send a piece of it; returns the octets that are missing, or minus those too many."""


class IWebSocketServerChannelFactory(ABC):
    """Makes the protocols of a server."""

    @abstractmethod
    def __init__(
        self,
        url: str | None = None,
        protocols: Sequence[str] | None = None,
        server: str | None = None,
        headers: Mapping[str, Any] | None = None,
        externalPort: int | None = None,
    ) -> None:
        """See :meth:`setSessionParameters`."""

    @abstractmethod
    def setSessionParameters(
        self,
        url: str | None = None,
        protocols: Sequence[str] | None = None,
        server: str | None = None,
        headers: Mapping[str, Any] | None = None,
        externalPort: int | None = None,
    ) -> None:
        """Set what is said of the server. What is left out is reset."""

    @abstractmethod
    def setProtocolOptions(self, **options: Unpack[ServerOptionsKwargs]) -> None:
        """Set options for connections to come. None leaves an option as it is."""

    @abstractmethod
    def resetProtocolOptions(self) -> None:
        """Set all options to their defaults."""


class IWebSocketClientChannelFactory(ABC):
    """Makes the protocols of a client."""

    @abstractmethod
    def __init__(
        self,
        url: str | None = None,
        origin: str | None = None,
        protocols: Sequence[str] | None = None,
        useragent: str | None = None,
        headers: Mapping[str, Any] | None = None,
        proxy: Mapping[str, Any] | None = None,
    ) -> None:
        """See :meth:`setSessionParameters`."""

    @abstractmethod
    def setSessionParameters(
        self,
        url: str | None = None,
        origin: str | None = None,
        protocols: Sequence[str] | None = None,
        useragent: str | None = None,
        headers: Mapping[str, Any] | None = None,
        proxy: Mapping[str, Any] | None = None,
    ) -> None:
        """Set what is asked for, and how. What is left out is reset."""

    @abstractmethod
    def setProtocolOptions(self, **options: Unpack[ClientOptionsKwargs]) -> None:
        """Set options for connections to come. None leaves an option as it is."""

    @abstractmethod
    def resetProtocolOptions(self) -> None:
        """Set all options to their defaults."""
