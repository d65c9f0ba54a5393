"""What a per-message compression (RFC 7692) consists of: five classes to derive from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, Protocol, Self, TypedDict

from ...types import ExtensionParams

__all__ = [
    "EachAlone",
    "PerMessageCompress",
    "PerMessageCompressExtension",
    "PerMessageCompressOffer",
    "PerMessageCompressOfferAccept",
    "PerMessageCompressResponse",
    "PerMessageCompressResponseAccept",
    "Sharing",
]


class PerMessageCompressOffer(ABC):
    """What a client offers: made by its application, parsed by the server."""

    __slots__ = ()

    EXTENSION_NAME: ClassVar[str]
    """Its name on the wire, in lower case."""

    @classmethod
    @abstractmethod
    def parse(cls, params: ExtensionParams) -> Self:
        """The offer a server received.

        Args:
            params: parameter name -> values in order, True for one without value.

        Raises:
            HandshakeError: a parameter is unknown, comes twice, or has a wrong value; this offer
                is declined then.
            Exception: anything else; the handshake fails.
        """

    @abstractmethod
    def get_extension_string(self) -> str:
        """The offer as an element of Sec-WebSocket-Extensions."""

    def check_response(self, response: PerMessageCompressResponse) -> None:  # noqa: B027
        """Refuse a response that cannot be the answer to this offer; unless overridden, none is.

        Args:
            response: what the server says to have agreed to.

        Raises:
            HandshakeError: the server took what was not offered, or left out what was demanded.
        """


class PerMessageCompressOfferAccept(ABC):
    """What a server agrees to: made by its application of an offer."""

    __slots__ = ()

    EXTENSION_NAME: ClassVar[str]
    """Its name on the wire, in lower case."""

    @abstractmethod
    def get_extension_string(self) -> str:
        """The agreement as an element of Sec-WebSocket-Extensions."""


class PerMessageCompressResponse(ABC):
    """What a server agreed to, parsed by the client."""

    __slots__ = ()

    @classmethod
    @abstractmethod
    def parse(cls, params: ExtensionParams) -> Self:
        """The agreement a client received; whatever it raises fails the handshake."""


class PerMessageCompressResponseAccept(ABC):  # noqa: B024 (what the codec needs is its own affair)
    """A client's consent to what the server agreed to: made by its application of a response."""

    __slots__ = ()


class Sharing(Protocol):
    """A way to compress messages, each by itself, that several connections have in common."""

    def compress(self, data: bytes) -> bytes:
        """A whole message, compressed so that it refers to nothing that was sent before."""


class EachAlone:
    """A :class:`Sharing` of codecs that carry nothing over from message to message.

    Args:
        make: makes such a codec.
    """

    __slots__ = ("_make",)

    def __init__(self, make: Callable[[], PerMessageCompress]) -> None:
        self._make = make

    def compress(self, data: bytes) -> bytes:
        """A whole message."""
        codec = self._make()
        codec.start_compress_message()
        return codec.compress_message_data(data) + codec.end_compress_message()


class PerMessageCompress(ABC):
    """The codec of one connection.

    Each direction is used for one message at a time: ``start_``, any number of ``_data``, ``end_``.
    The pieces have nothing to do with frames: a message may be cut at any octet. One codec carries
    any number of messages, with and without context takeover, and the two directions are
    independent of each other. An empty message compresses to at least one octet.

    What arrives is hostile: see :meth:`decompress_message_data`.
    """

    __slots__ = ()

    @classmethod
    @abstractmethod
    def create_from_offer_accept(
        cls, is_server: bool, accept: PerMessageCompressOfferAccept
    ) -> Self:
        """The server's codec for what it agreed to."""

    @classmethod
    @abstractmethod
    def create_from_response_accept(
        cls, is_server: bool, accept: PerMessageCompressResponseAccept
    ) -> Self:
        """The client's codec for what it agreed to."""

    @abstractmethod
    def start_compress_message(self) -> None:
        """Begin a message to send."""

    @abstractmethod
    def compress_message_data(self, data: bytes) -> bytes:
        """Octets to send for this piece; there may be none yet."""

    @abstractmethod
    def end_compress_message(self) -> bytes:
        """Octets that complete the message."""

    def discard_compress_message(self) -> None:  # noqa: B027
        """What is compressed from here on must not refer to what was compressed before.

        The message that was compressed last is not sent after all, so the peer has not seen it; or
        one that was compressed for several connections is sent behind it. Who carries nothing over
        from message to message need not override this.
        """

    def sharing(self) -> Sharing | None:
        """How to compress a message once for all connections that share this way.

        Returns:
            The same object for codecs whose peers can all inflate what it makes, wherever they
            stand; None where each message is for one connection only.
        """
        return None

    @abstractmethod
    def start_decompress_message(self) -> None:
        """Begin a message received."""

    @abstractmethod
    def decompress_message_data(self, data: bytes, max_output_len: int | None = None) -> bytes:
        """Inflate a piece of a message.

        Args:
            data: what was received.
            max_output_len: octets this call may return; None for any number. A limit is kept
                while inflating: no more memory than about this much is ever used.

        Returns:
            All the piece inflates to: never less because of the limit.

        Raises:
            PayloadExceededError: it would be more than ``max_output_len``.
            PayloadCorruptError: it does not inflate. A library's own exception never escapes.
        """

    @abstractmethod
    def end_decompress_message(self) -> None:
        """End the message.

        Raises:
            PayloadCorruptError: it is not complete, or what came last does not inflate.
        """


class PerMessageCompressExtension(TypedDict):
    """The classes of an extension."""

    Offer: type[PerMessageCompressOffer]
    OfferAccept: type[PerMessageCompressOfferAccept]
    Response: type[PerMessageCompressResponse]
    ResponseAccept: type[PerMessageCompressResponseAccept]
    PMCE: type[PerMessageCompress]
