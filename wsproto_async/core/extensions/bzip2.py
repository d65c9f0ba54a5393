"""permessage-bzip2: each message is one bzip2 stream. Its levels are the size of its blocks.

Parameters of the classes are seen from who makes the object: ``accept_*`` is what the other side
may ask of it, ``request_*`` what it asks of the other side, and what has no prefix is how it
compresses itself. The library is imported with the first codec.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from ...errors import (
    HandshakeError,
    OptionError,
    PayloadCorruptError,
    PayloadExceededError,
    check_type,
)
from ...types import ExtensionParams
from .base import (
    EachAlone,
    PerMessageCompress,
    PerMessageCompressExtension,
    PerMessageCompressOffer,
    PerMessageCompressOfferAccept,
    PerMessageCompressResponse,
    PerMessageCompressResponseAccept,
)
from .parameters import (
    Described,
    Reading,
    check_range,
    number,
    parse,
    render,
    without_value,
)

if TYPE_CHECKING:
    import bz2

__all__ = [
    "PerMessageBzip2",
    "PerMessageBzip2Mixin",
    "PerMessageBzip2Offer",
    "PerMessageBzip2OfferAccept",
    "PerMessageBzip2Response",
    "PerMessageBzip2ResponseAccept",
]


class PerMessageBzip2Mixin(Described):
    """What all classes of permessage-bzip2 share.

    While a message of level N is in work, compressing takes some 400 + 800 * N KB and inflating
    100 + 400 * N KB.
    """

    __slots__ = ()

    EXTENSION_NAME: ClassVar[str] = "permessage-bzip2"
    COMPRESS_LEVEL_PERMISSIBLE_VALUES: ClassVar[list[int]] = list(range(1, 10))
    DEFAULT_COMPRESS_LEVEL: ClassVar[int] = 9

    @classmethod
    def _check_level(cls, name: str, level: object, limit: int = 0) -> None:
        """Refuse what is no level, or above the one that was agreed on."""
        check_range(name, level, cls.COMPRESS_LEVEL_PERMISSIBLE_VALUES)
        if limit and isinstance(level, int) and level > limit:
            raise OptionError(f"{name} must be at most {limit}, which the peer asked for")


LEVEL: Final = number(PerMessageBzip2Mixin.COMPRESS_LEVEL_PERMISSIBLE_VALUES)
OFFERED: Final[dict[str, Reading]] = {
    "client_max_compress_level": without_value,
    "server_max_compress_level": LEVEL,
}
AGREED: Final[dict[str, Reading]] = {
    "client_max_compress_level": LEVEL,
    "server_max_compress_level": LEVEL,
}


class PerMessageBzip2Offer(PerMessageBzip2Mixin, PerMessageCompressOffer):
    """What a client offers.

    Args:
        accept_max_compress_level: the server may ask the client for a lower level.
        request_max_compress_level: highest level of the server, 1 to 9; 0 asks for nothing.

    Raises:
        OptionError: an argument is none of these.
    """

    _FIELDS = ("accept_max_compress_level", "request_max_compress_level")

    def __init__(
        self, accept_max_compress_level: bool = True, request_max_compress_level: int = 0
    ) -> None:
        check_type("accept_max_compress_level", accept_max_compress_level, bool)
        if request_max_compress_level != 0:
            self._check_level("request_max_compress_level", request_max_compress_level)
        self.accept_max_compress_level = accept_max_compress_level
        self.request_max_compress_level = request_max_compress_level

    @classmethod
    def parse(cls, params: ExtensionParams) -> Self:
        """The offer a server received (HandshakeError for a bad one)."""
        values = parse(cls.EXTENSION_NAME, params, OFFERED)
        return cls(
            values.get("client_max_compress_level", False),
            values.get("server_max_compress_level", 0),
        )

    def get_extension_string(self) -> str:
        """The offer as an element of Sec-WebSocket-Extensions."""
        return render(
            self.EXTENSION_NAME,
            client_max_compress_level=self.accept_max_compress_level,
            server_max_compress_level=self.request_max_compress_level,
        )

    def check_response(self, response: PerMessageCompressResponse) -> None:
        """Refuse a response that takes what was not offered, or leaves out what was demanded."""
        check_type("response", response, PerMessageBzip2Response)
        assert isinstance(response, PerMessageBzip2Response)
        if response.client_max_compress_level and not self.accept_max_compress_level:
            raise HandshakeError(
                "client_max_compress_level was not offered, and server asks for it"
            )
        limit = self.request_max_compress_level
        if limit and not 0 < response.server_max_compress_level <= limit:
            raise HandshakeError(f"server does not agree to server_max_compress_level={limit}")


class PerMessageBzip2OfferAccept(PerMessageBzip2Mixin, PerMessageCompressOfferAccept):
    """What a server agrees to. What the offer demands of it is part of that.

    Args:
        offer: the client's offer.
        request_max_compress_level: highest level of the client, 1 to 9; 0 asks for nothing.
        compress_level: the server's level; None leaves it to the offer.

    Raises:
        OptionError: an argument is none of these, or the offer does not go with it.
    """

    _FIELDS = ("offer", "request_max_compress_level", "compress_level")

    def __init__(
        self,
        offer: PerMessageBzip2Offer,
        request_max_compress_level: int = 0,
        compress_level: int | None = None,
    ) -> None:
        check_type("offer", offer, PerMessageBzip2Offer)
        if request_max_compress_level != 0:
            self._check_level("request_max_compress_level", request_max_compress_level)
            if not offer.accept_max_compress_level:
                raise OptionError("request_max_compress_level: the client does not offer it")
        if compress_level is not None:
            self._check_level("compress_level", compress_level, offer.request_max_compress_level)
        self.offer = offer
        self.request_max_compress_level = request_max_compress_level
        self.compress_level = compress_level

    def get_extension_string(self) -> str:
        """The agreement as an element of Sec-WebSocket-Extensions."""
        return render(
            self.EXTENSION_NAME,
            server_max_compress_level=self.offer.request_max_compress_level,
            client_max_compress_level=self.request_max_compress_level,
        )


class PerMessageBzip2Response(PerMessageBzip2Mixin, PerMessageCompressResponse):
    """What a server agreed to. 0 is what it did not mention.

    Args:
        client_max_compress_level: highest level the client may use.
        server_max_compress_level: highest level the server uses.
    """

    _FIELDS = ("client_max_compress_level", "server_max_compress_level")

    def __init__(self, client_max_compress_level: int, server_max_compress_level: int) -> None:
        self.client_max_compress_level = client_max_compress_level
        self.server_max_compress_level = server_max_compress_level

    @classmethod
    def parse(cls, params: ExtensionParams) -> Self:
        """The agreement a client received (HandshakeError for a bad one)."""
        values = parse(cls.EXTENSION_NAME, params, AGREED)
        return cls(*(values.get(name, 0) for name in cls._FIELDS))


class PerMessageBzip2ResponseAccept(PerMessageBzip2Mixin, PerMessageCompressResponseAccept):
    """A client's consent to what the server agreed to.

    Args:
        response: what that is.
        compress_level: the client's level; None leaves it to the response.

    Raises:
        OptionError: an argument is none of these, or the response does not go with it.
    """

    _FIELDS = ("response", "compress_level")

    def __init__(
        self, response: PerMessageBzip2Response, compress_level: int | None = None
    ) -> None:
        check_type("response", response, PerMessageBzip2Response)
        if compress_level is not None:
            self._check_level("compress_level", compress_level, response.client_max_compress_level)
        self.response = response
        self.compress_level = compress_level


class PerMessageBzip2(PerMessageBzip2Mixin, PerMessageCompress):
    """The codec of one connection.

    Args:
        is_server: which side it works for.
        server_max_compress_level: level of what the server sends, 1 to 9; 0 is 9.
        client_max_compress_level: level of what the client sends, 1 to 9; 0 is 9.
    """

    __slots__ = (
        "_bz2",
        "_compressor",
        "_decompressor",
        "client_max_compress_level",
        "is_server",
        "server_max_compress_level",
    )

    _FIELDS = ("is_server", "server_max_compress_level", "client_max_compress_level")

    def __init__(
        self, is_server: bool, server_max_compress_level: int, client_max_compress_level: int
    ) -> None:
        import bz2

        self._bz2 = bz2
        self.is_server = is_server
        self.server_max_compress_level = server_max_compress_level or self.DEFAULT_COMPRESS_LEVEL
        self.client_max_compress_level = client_max_compress_level or self.DEFAULT_COMPRESS_LEVEL
        # Both are those of a message that has begun and has not ended.
        self._compressor: bz2.BZ2Compressor | None = None
        self._decompressor: bz2.BZ2Decompressor | None = None

    @classmethod
    def create_from_offer_accept(
        cls, is_server: bool, accept: PerMessageCompressOfferAccept
    ) -> Self:
        """The server's codec for what it agreed to."""
        check_type("accept", accept, PerMessageBzip2OfferAccept)
        assert isinstance(accept, PerMessageBzip2OfferAccept)
        level = accept.compress_level
        return cls(
            is_server,
            accept.offer.request_max_compress_level if level is None else level,
            accept.request_max_compress_level,
        )

    @classmethod
    def create_from_response_accept(
        cls, is_server: bool, accept: PerMessageCompressResponseAccept
    ) -> Self:
        """The client's codec for what it agreed to."""
        check_type("accept", accept, PerMessageBzip2ResponseAccept)
        assert isinstance(accept, PerMessageBzip2ResponseAccept)
        response, level = accept.response, accept.compress_level
        return cls(
            is_server,
            response.server_max_compress_level,
            response.client_max_compress_level if level is None else level,
        )

    def __json__(self) -> dict[str, Any]:
        """As the others, with the side as ``isServer``, which is Autobahn's name for it."""
        fields = super().__json__()
        return {"extension": fields.pop("extension"), "isServer": fields.pop("is_server"), **fields}

    @property
    def own_level(self) -> int:
        """The level at which this side compresses."""
        if self.is_server:
            return self.server_max_compress_level
        return self.client_max_compress_level

    def start_compress_message(self) -> None:
        """Begin a message to send."""
        self._compressor = self._bz2.BZ2Compressor(self.own_level)

    def compress_message_data(self, data: bytes) -> bytes:
        """Octets to send for this piece; bzip2 collects a block before it gives any."""
        assert self._compressor is not None, "start_compress_message() comes first"
        return self._compressor.compress(data)

    def end_compress_message(self) -> bytes:
        """Octets that complete the message; at least the fourteen of an empty stream."""
        assert self._compressor is not None, "start_compress_message() comes first"
        compressor, self._compressor = self._compressor, None
        return compressor.flush()

    def sharing(self) -> EachAlone:
        """A message is compressed alike for all with the same level."""
        return _sharing(self.own_level)

    def start_decompress_message(self) -> None:
        """Begin a message received."""
        self._decompressor = self._bz2.BZ2Decompressor()

    def decompress_message_data(self, data: bytes, max_output_len: int | None = None) -> bytes:
        """Inflate a piece of a message; see the base class."""
        if not data:
            return b""
        # It needs up to 4 MB, and is let go of unless all goes well.
        decompressor, self._decompressor = self._decompressor, None
        assert decompressor is not None, "start_decompress_message() comes first"
        # One octet beyond the limit shows that there is more.
        most = -1 if max_output_len is None else max_output_len + 1
        try:
            octets = decompressor.decompress(data, most)
        except (OSError, EOFError) as error:
            raise PayloadCorruptError(str(error)) from error
        if max_output_len is not None and len(octets) > max_output_len:
            raise PayloadExceededError(f"more than the {max_output_len} octets that may come")
        if decompressor.unused_data:
            raise PayloadCorruptError("octets behind the end of its stream")
        self._decompressor = decompressor
        return octets

    def end_decompress_message(self) -> None:
        """End the message.

        Raises:
            PayloadCorruptError: its stream is not complete.
        """
        decompressor, self._decompressor = self._decompressor, None
        assert decompressor is not None, "start_decompress_message() comes first"
        if not decompressor.eof:
            raise PayloadCorruptError("it is cut off")


@cache
def _sharing(level: int) -> EachAlone:
    return EachAlone(lambda: PerMessageBzip2(True, level, level))


EXTENSION: Final[PerMessageCompressExtension] = {
    "Offer": PerMessageBzip2Offer,
    "OfferAccept": PerMessageBzip2OfferAccept,
    "Response": PerMessageBzip2Response,
    "ResponseAccept": PerMessageBzip2ResponseAccept,
    "PMCE": PerMessageBzip2,
}
