"""Extensions of which only context takeover can be negotiated: permessage-snappy and -brotli.

Context takeover is that a message may be compressed with what came in those before. Parameters are
seen from who makes the object: ``accept_*`` is what the other side may ask of it, ``request_*``
what it asks of the other side, and what has no prefix is how it compresses itself.
"""

from __future__ import annotations

from typing import Any, Final, Self

from ...errors import HandshakeError, OptionError, check_type
from ...types import ExtensionParams
from .base import (
    PerMessageCompress,
    PerMessageCompressOffer,
    PerMessageCompressOfferAccept,
    PerMessageCompressResponse,
    PerMessageCompressResponseAccept,
)
from .parameters import Described, NoneType, Reading, check_part, parse, render, without_value

__all__ = [
    "TakeoverCodec",
    "TakeoverOffer",
    "TakeoverOfferAccept",
    "TakeoverResponse",
    "TakeoverResponseAccept",
]

PARAMETERS: Final[dict[str, Reading]] = {
    "client_no_context_takeover": without_value,
    "server_no_context_takeover": without_value,
}


class TakeoverOffer(Described, PerMessageCompressOffer):
    """What a client offers.

    Args:
        accept_no_context_takeover: the server may ask the client to compress each message by
            itself.
        request_no_context_takeover: the server must compress each message by itself.

    Raises:
        OptionTypeError: an argument is no bool.
    """

    _FIELDS = ("accept_no_context_takeover", "request_no_context_takeover")

    def __init__(
        self, accept_no_context_takeover: bool = True, request_no_context_takeover: bool = False
    ) -> None:
        check_type("accept_no_context_takeover", accept_no_context_takeover, bool)
        check_type("request_no_context_takeover", request_no_context_takeover, bool)
        self.accept_no_context_takeover = accept_no_context_takeover
        self.request_no_context_takeover = request_no_context_takeover

    @classmethod
    def parse(cls, params: ExtensionParams) -> Self:
        """The offer a server received (HandshakeError for a bad one)."""
        values = parse(cls.EXTENSION_NAME, params, PARAMETERS)
        return cls(
            values.get("client_no_context_takeover", False),
            values.get("server_no_context_takeover", False),
        )

    def get_extension_string(self) -> str:
        """The offer as an element of Sec-WebSocket-Extensions."""
        return render(
            self.EXTENSION_NAME,
            client_no_context_takeover=self.accept_no_context_takeover,
            server_no_context_takeover=self.request_no_context_takeover,
        )

    def check_response(self, response: PerMessageCompressResponse) -> None:
        """Refuse a response that takes what was not offered, or leaves out what was demanded."""
        check_type("response", response, TakeoverResponse)
        assert isinstance(response, TakeoverResponse)
        if response.client_no_context_takeover and not self.accept_no_context_takeover:
            raise HandshakeError(
                "server asks for client_no_context_takeover, which was not offered"
            )
        if self.request_no_context_takeover and not response.server_no_context_takeover:
            raise HandshakeError("server does not agree to server_no_context_takeover")


class TakeoverOfferAccept(Described, PerMessageCompressOfferAccept):
    """What a server agrees to. What the offer demands of it is part of that.

    Args:
        offer: the client's offer.
        request_no_context_takeover: the client must compress each message by itself.
        no_context_takeover: whether the server compresses each message by itself; None leaves it
            to the offer.

    Raises:
        OptionError: an argument is none of these, or the offer does not go with it.
    """

    _FIELDS = ("offer", "request_no_context_takeover", "no_context_takeover")

    def __init__(
        self,
        offer: TakeoverOffer,
        request_no_context_takeover: bool = False,
        no_context_takeover: bool | None = None,
    ) -> None:
        check_part("offer", offer, TakeoverOffer, self.EXTENSION_NAME)
        check_type("request_no_context_takeover", request_no_context_takeover, bool)
        if request_no_context_takeover and not offer.accept_no_context_takeover:
            raise OptionError("request_no_context_takeover: the client does not offer it")
        _check_own(no_context_takeover, offer.request_no_context_takeover)
        self.offer = offer
        self.request_no_context_takeover = request_no_context_takeover
        self.no_context_takeover = no_context_takeover

    def get_extension_string(self) -> str:
        """The agreement as an element of Sec-WebSocket-Extensions."""
        return render(
            self.EXTENSION_NAME,
            server_no_context_takeover=self.offer.request_no_context_takeover,
            client_no_context_takeover=self.request_no_context_takeover,
        )


class TakeoverResponse(Described, PerMessageCompressResponse):
    """What a server agreed to.

    Args:
        client_no_context_takeover: whether the client must compress each message by itself.
        server_no_context_takeover: whether the server compresses each message by itself.
    """

    _FIELDS = ("client_no_context_takeover", "server_no_context_takeover")

    def __init__(self, client_no_context_takeover: bool, server_no_context_takeover: bool) -> None:
        self.client_no_context_takeover = client_no_context_takeover
        self.server_no_context_takeover = server_no_context_takeover

    @classmethod
    def parse(cls, params: ExtensionParams) -> Self:
        """The agreement a client received (HandshakeError for a bad one)."""
        values = parse(cls.EXTENSION_NAME, params, PARAMETERS)
        return cls(*(values.get(name, False) for name in cls._FIELDS))


class TakeoverResponseAccept(Described, PerMessageCompressResponseAccept):
    """A client's consent to what the server agreed to.

    Args:
        response: what that is.
        no_context_takeover: whether the client compresses each message by itself; None leaves it
            to the response.

    Raises:
        OptionError: an argument is none of these, or the response does not go with it.
    """

    _FIELDS = ("response", "no_context_takeover")

    def __init__(self, response: TakeoverResponse, no_context_takeover: bool | None = None) -> None:
        check_part("response", response, TakeoverResponse, self.EXTENSION_NAME)
        _check_own(no_context_takeover, response.client_no_context_takeover)
        self.response = response
        self.no_context_takeover = no_context_takeover


def _check_own(no_context_takeover: object, demanded: bool) -> None:
    """Refuse what is no way to compress, or not the one that the peer asked for."""
    check_type("no_context_takeover", no_context_takeover, bool, NoneType)
    if no_context_takeover is False and demanded:
        raise OptionError("no_context_takeover must not be False: the peer asked for it")


class TakeoverCodec(Described, PerMessageCompress):
    """The codec of one connection, as far as it is the same for all of this family.

    Args:
        is_server: which side it works for.
        server_no_context_takeover: whether the server compresses each message by itself.
        client_no_context_takeover: the same of the client.
    """

    __slots__ = ("client_no_context_takeover", "is_server", "server_no_context_takeover")

    _FIELDS = ("is_server", "server_no_context_takeover", "client_no_context_takeover")

    def __init__(
        self, is_server: bool, server_no_context_takeover: bool, client_no_context_takeover: bool
    ) -> None:
        self.is_server = is_server
        self.server_no_context_takeover = server_no_context_takeover
        self.client_no_context_takeover = client_no_context_takeover

    @property
    def own_no_context_takeover(self) -> bool:
        """Whether this side compresses each message by itself."""
        return (
            self.server_no_context_takeover if self.is_server else self.client_no_context_takeover
        )

    @property
    def peer_no_context_takeover(self) -> bool:
        """Whether the other side does."""
        return (
            self.client_no_context_takeover if self.is_server else self.server_no_context_takeover
        )

    @classmethod
    def create_from_offer_accept(
        cls, is_server: bool, accept: PerMessageCompressOfferAccept
    ) -> Self:
        """The server's codec for what it agreed to."""
        check_part("accept", accept, TakeoverOfferAccept, cls.EXTENSION_NAME)
        assert isinstance(accept, TakeoverOfferAccept)
        alone = accept.no_context_takeover
        return cls(
            is_server,
            accept.offer.request_no_context_takeover if alone is None else alone,
            accept.request_no_context_takeover,
        )

    @classmethod
    def create_from_response_accept(
        cls, is_server: bool, accept: PerMessageCompressResponseAccept
    ) -> Self:
        """The client's codec for what it agreed to."""
        check_part("accept", accept, TakeoverResponseAccept, cls.EXTENSION_NAME)
        assert isinstance(accept, TakeoverResponseAccept)
        response, alone = accept.response, accept.no_context_takeover
        return cls(
            is_server,
            response.server_no_context_takeover,
            response.client_no_context_takeover if alone is None else alone,
        )

    def __json__(self) -> dict[str, Any]:
        """The name of the extension, and what was agreed on."""
        fields = super().__json__()
        del fields["is_server"]
        return fields
