"""What the two ends of permessage-deflate agree on (RFC 7692, section 7.1).

The parameters of the classes are seen from who makes the object: ``accept_*`` is what the other
side may ask of it, ``request_*`` is what it asks of the other side, and what has no prefix is how
it compresses itself, which nobody else needs to know.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final, Self

from ...errors import HandshakeError, OptionError, check_type
from ...types import ExtensionParams
from .base import (
    PerMessageCompressOffer,
    PerMessageCompressOfferAccept,
    PerMessageCompressResponse,
    PerMessageCompressResponseAccept,
)
from .parameters import (
    Described,
    NoneType,
    Reading,
    check_range,
    number,
    parse,
    render,
    without_value,
)
from .zlibs import library

__all__ = [
    "PerMessageDeflateMixin",
    "PerMessageDeflateOffer",
    "PerMessageDeflateOfferAccept",
    "PerMessageDeflateResponse",
    "PerMessageDeflateResponseAccept",
]

LEVELS: Final = list(range(1, 10))


class PerMessageDeflateMixin(Described):
    """What all classes of permessage-deflate share.

    A window of N bits is the last 2**N octets, which compressed data may refer to. The memory
    level is zlib's: a compressor needs 2**(N + 2) + 2**(level + 9) octets.
    """

    __slots__ = ()

    EXTENSION_NAME: ClassVar[str] = "permessage-deflate"
    WINDOW_SIZE_PERMISSIBLE_VALUES: ClassVar[list[int]] = list(range(8, 16))
    MEM_LEVEL_PERMISSIBLE_VALUES: ClassVar[list[int]] = list(range(1, 10))
    DEFAULT_WINDOW_BITS: ClassVar[int] = 15
    DEFAULT_MEM_LEVEL: ClassVar[int] = 8

    @classmethod
    def _check_window(cls, name: str, bits: Any, limit: int = 0) -> None:
        """Refuse what is no size of a window, or above the one that was agreed on."""
        check_range(name, bits, cls.WINDOW_SIZE_PERMISSIBLE_VALUES)
        if limit and bits > limit:
            raise OptionError(f"{name} must be at most {limit}, which the peer asked for")


BITS: Final = number(PerMessageDeflateMixin.WINDOW_SIZE_PERMISSIBLE_VALUES)
AGREED: Final[dict[str, Reading]] = {
    "client_no_context_takeover": without_value,
    "server_no_context_takeover": without_value,
    "client_max_window_bits": BITS,
    "server_max_window_bits": BITS,
}
OFFERED: Final[dict[str, Reading]] = {
    **AGREED,
    "client_max_window_bits": lambda value: 0 if value is True else BITS(value),
}


class _Compressing(PerMessageDeflateMixin):
    """What one side decides about its own compressing, and the other need not know."""

    no_context_takeover: bool | None
    window_bits: int | None
    mem_level: int | None
    max_message_size: int | None
    level: int | None
    min_size: int
    codec: str

    def _check_own(self, demanded: bool, limit: int) -> None:
        """Refuse what is no way to compress, or not the one that the peer asked for."""
        check_type("no_context_takeover", self.no_context_takeover, bool, NoneType)
        if self.no_context_takeover is False and demanded:
            raise OptionError("no_context_takeover must not be False: the peer asked for it")
        if self.window_bits is not None:
            self._check_window("window_bits", self.window_bits, limit)
        if self.mem_level is not None:
            check_range("mem_level", self.mem_level, self.MEM_LEVEL_PERMISSIBLE_VALUES)
        if self.level is not None:
            check_range("level", self.level, LEVELS)
        if type(self.min_size) is not int or self.min_size < 0:
            raise OptionError("min_size must be an int, 0 or more")
        library(self.codec)


class PerMessageDeflateOffer(PerMessageDeflateMixin, PerMessageCompressOffer):
    """What a client offers.

    Args:
        accept_no_context_takeover: the server may ask the client to compress each message by
            itself.
        accept_max_window_bits: the server may ask the client for a smaller window.
        request_no_context_takeover: the server must compress each message by itself.
        request_max_window_bits: largest window of the server, 8 to 15 bits; 0 asks for nothing.
        max_window_bits: largest window that the client itself will use, for the server to know; 0
            says nothing. It is a hint, and no part of the value.

    Attributes:
        no_context_takeover: whether the offer says ``client_no_context_takeover``: by RFC 7692,
            section 7.1.1.2, the client does so then, whatever the server answers. A hint, too.

    Raises:
        OptionError: an argument is none of these.
    """

    _FIELDS = (
        "accept_no_context_takeover",
        "accept_max_window_bits",
        "request_no_context_takeover",
        "request_max_window_bits",
    )

    def __init__(
        self,
        accept_no_context_takeover: bool = True,
        accept_max_window_bits: bool = True,
        request_no_context_takeover: bool = False,
        request_max_window_bits: int = 0,
        *,
        max_window_bits: int = 0,
    ) -> None:
        check_type("accept_no_context_takeover", accept_no_context_takeover, bool)
        check_type("accept_max_window_bits", accept_max_window_bits, bool)
        check_type("request_no_context_takeover", request_no_context_takeover, bool)
        if request_max_window_bits != 0:
            self._check_window("request_max_window_bits", request_max_window_bits)
        if max_window_bits != 0:
            self._check_window("max_window_bits", max_window_bits)
            if not accept_max_window_bits:
                raise OptionError("max_window_bits needs accept_max_window_bits to be sent along")
        self.accept_no_context_takeover = accept_no_context_takeover
        self.accept_max_window_bits = accept_max_window_bits
        self.request_no_context_takeover = request_no_context_takeover
        self.request_max_window_bits = request_max_window_bits
        self.max_window_bits = max_window_bits
        self.no_context_takeover = accept_no_context_takeover

    @classmethod
    def parse(cls, params: ExtensionParams) -> Self:
        """The offer a server received (HandshakeError for a bad one).

        Whoever does not offer ``client_no_context_takeover`` has to accept it all the same (RFC
        7692, section 7.1.1.2).
        """
        values = parse(cls.EXTENSION_NAME, params, OFFERED)
        hint = values.get("client_max_window_bits")
        offer = cls(
            accept_max_window_bits=hint is not None,
            request_no_context_takeover=values.get("server_no_context_takeover", False),
            request_max_window_bits=values.get("server_max_window_bits", 0),
            max_window_bits=hint or 0,
        )
        offer.no_context_takeover = values.get("client_no_context_takeover", False)
        return offer

    def get_extension_string(self) -> str:
        """The offer as an element of Sec-WebSocket-Extensions."""
        return render(
            self.EXTENSION_NAME,
            client_no_context_takeover=self.accept_no_context_takeover,
            client_max_window_bits=self.max_window_bits or self.accept_max_window_bits,
            server_no_context_takeover=self.request_no_context_takeover,
            server_max_window_bits=self.request_max_window_bits,
        )

    def check_response(self, response: PerMessageCompressResponse) -> None:
        """Refuse a response that RFC 7692, section 7.1, does not allow after this offer.

        A server may restrict itself as it likes, and may always ask for
        ``client_no_context_takeover``.
        """
        check_type("response", response, PerMessageDeflateResponse)
        assert isinstance(response, PerMessageDeflateResponse)
        bits = response.client_max_window_bits
        if bits and not self.accept_max_window_bits:
            raise HandshakeError("server asks for client_max_window_bits, which was not offered")
        if self.max_window_bits and bits > self.max_window_bits:
            raise HandshakeError(
                f"server asks for client_max_window_bits={bits}, more than were offered"
            )
        if self.request_no_context_takeover and not response.server_no_context_takeover:
            raise HandshakeError("server does not agree to server_no_context_takeover")
        limit, bits = self.request_max_window_bits, response.server_max_window_bits
        if limit and (not bits or bits > limit):
            raise HandshakeError(f"server does not agree to server_max_window_bits={limit}")


class PerMessageDeflateOfferAccept(_Compressing, PerMessageCompressOfferAccept):
    """What a server agrees to. What the offer demands of it is part of that.

    Args:
        offer: the client's offer.
        request_no_context_takeover: the client must compress each message by itself.
        request_max_window_bits: largest window of the client, 8 to 15 bits; 0 asks for nothing.
        no_context_takeover: whether the server compresses each message by itself; None leaves it
            to the offer.
        window_bits: the server's window; None leaves it to the offer, and without a word there
            12 are used.
        mem_level: zlib's memory level for compressing, 1 to 9; None is 4.
        max_message_size: octets a message may inflate to; None leaves it to the option
            ``maxMessagePayloadSize``.
        level: 1 (fast) to 9 (small); None is 3 for zlib and 1 for zlib-ng.
        min_size: messages of fewer octets go uncompressed.
        codec: the library that compresses and inflates, ``"zlib"`` or ``"zlib-ng"``.
        announce: tell the client of ``no_context_takeover`` and ``window_bits``, so that it can
            do with less memory. Autobahn does not.

    Raises:
        OptionError: an argument is none of these, or the offer does not go with it.
    """

    _FIELDS = (
        "offer",
        "request_no_context_takeover",
        "request_max_window_bits",
        "no_context_takeover",
        "window_bits",
        "mem_level",
        "max_message_size",
    )

    def __init__(
        self,
        offer: PerMessageDeflateOffer,
        request_no_context_takeover: bool = False,
        request_max_window_bits: int = 0,
        no_context_takeover: bool | None = None,
        window_bits: int | None = None,
        mem_level: int | None = None,
        max_message_size: int | None = None,
        *,
        level: int | None = None,
        min_size: int = 0,
        codec: str = "zlib",
        announce: bool = False,
    ) -> None:
        check_type("offer", offer, PerMessageDeflateOffer)
        check_type("request_no_context_takeover", request_no_context_takeover, bool)
        if request_no_context_takeover and not offer.accept_no_context_takeover:
            raise OptionError("request_no_context_takeover: the client does not offer it")
        if request_max_window_bits != 0:
            self._check_window("request_max_window_bits", request_max_window_bits)
            if not offer.accept_max_window_bits:
                raise OptionError("request_max_window_bits: the client does not offer it")
            if offer.max_window_bits:
                # The answer must not be above what the client said (section 7.1.2.2).
                request_max_window_bits = min(request_max_window_bits, offer.max_window_bits)
        self.no_context_takeover = no_context_takeover
        self.window_bits = window_bits
        self.mem_level = mem_level
        self.max_message_size = max_message_size
        self.level = level
        self.min_size = min_size
        self.codec = codec
        self._check_own(offer.request_no_context_takeover, offer.request_max_window_bits)
        self.offer = offer
        self.request_no_context_takeover = request_no_context_takeover
        self.request_max_window_bits = request_max_window_bits
        self.announce = announce

    def get_extension_string(self) -> str:
        """The agreement as an element of Sec-WebSocket-Extensions."""
        alone = self.offer.request_no_context_takeover
        bits = self.offer.request_max_window_bits
        if self.announce:
            alone = self.no_context_takeover or alone
            bits = self.window_bits or bits
        return render(
            self.EXTENSION_NAME,
            server_no_context_takeover=alone,
            server_max_window_bits=bits,
            client_no_context_takeover=self.request_no_context_takeover,
            client_max_window_bits=self.request_max_window_bits,
        )


class PerMessageDeflateResponse(PerMessageDeflateMixin, PerMessageCompressResponse):
    """What a server agreed to. 0 and False are what it did not mention.

    Args:
        client_max_window_bits: largest window the client may use.
        client_no_context_takeover: whether the client must compress each message by itself.
        server_max_window_bits: largest window the server uses.
        server_no_context_takeover: whether the server compresses each message by itself.
    """

    _FIELDS = (
        "client_max_window_bits",
        "client_no_context_takeover",
        "server_max_window_bits",
        "server_no_context_takeover",
    )

    def __init__(
        self,
        client_max_window_bits: int,
        client_no_context_takeover: bool,
        server_max_window_bits: int,
        server_no_context_takeover: bool,
    ) -> None:
        self.client_max_window_bits = client_max_window_bits
        self.client_no_context_takeover = client_no_context_takeover
        self.server_max_window_bits = server_max_window_bits
        self.server_no_context_takeover = server_no_context_takeover

    @classmethod
    def parse(cls, params: ExtensionParams) -> Self:
        """The agreement a client received (HandshakeError for a bad one)."""
        values = parse(cls.EXTENSION_NAME, params, AGREED)
        return cls(
            values.get("client_max_window_bits", 0),
            values.get("client_no_context_takeover", False),
            values.get("server_max_window_bits", 0),
            values.get("server_no_context_takeover", False),
        )


class PerMessageDeflateResponseAccept(_Compressing, PerMessageCompressResponseAccept):
    """A client's consent to what the server agreed to.

    Args:
        response: what that is.
        no_context_takeover: whether the client compresses each message by itself; None leaves it
            to the response.
        window_bits: the client's window; None leaves it to the response, and without a word there
            12 are used.
        mem_level: zlib's memory level for compressing, 1 to 9; None is 4.
        max_message_size: octets a message may inflate to; None leaves it to the option
            ``maxMessagePayloadSize``.
        level: 1 (fast) to 9 (small); None is 3 for zlib and 1 for zlib-ng.
        min_size: messages of fewer octets go uncompressed.
        codec: the library that compresses and inflates, ``"zlib"`` or ``"zlib-ng"``.

    Raises:
        OptionError: an argument is none of these, or the response does not go with it.
    """

    _FIELDS = ("response", "no_context_takeover", "window_bits", "mem_level")

    def __init__(
        self,
        response: PerMessageDeflateResponse,
        no_context_takeover: bool | None = None,
        window_bits: int | None = None,
        mem_level: int | None = None,
        max_message_size: int | None = None,
        *,
        level: int | None = None,
        min_size: int = 0,
        codec: str = "zlib",
    ) -> None:
        check_type("response", response, PerMessageDeflateResponse)
        self.no_context_takeover = no_context_takeover
        self.window_bits = window_bits
        self.mem_level = mem_level
        self.max_message_size = max_message_size
        self.level = level
        self.min_size = min_size
        self.codec = codec
        self._check_own(response.client_no_context_takeover, response.client_max_window_bits)
        self.response = response
