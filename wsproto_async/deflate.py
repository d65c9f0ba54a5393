"""``Deflate``: all about permessage-deflate (RFC 7692) that an application may want to decide.

::

    serve(handler, "", 9000, compression=Deflate())
    connect(url, compression=Deflate(level=6))

    factory.setProtocolOptions(perMessageCompressionAccept=Deflate().accept)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, overload

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from .core.extensions.base import PerMessageCompressOffer, PerMessageCompressResponse
from .core.extensions.deflate_negotiation import (
    PerMessageDeflateOffer,
    PerMessageDeflateOfferAccept,
    PerMessageDeflateResponse,
    PerMessageDeflateResponseAccept,
)
from .core.extensions.zlibs import MEM_LEVEL, WINDOW_BITS, library
from .options.fields import Octets

__all__ = ["Deflate"]

WindowBits = Annotated[int, Field(ge=8, le=15)]
"""A window of N bits is the last 2**N octets, which compressed data may refer to."""


def _installed(codec: str) -> str:
    library(codec)
    return codec


class Deflate(BaseModel, frozen=True, extra="forbid"):
    """Compress messages with permessage-deflate: for ``compression=`` of ``serve`` and ``connect``.

    A bad value or an unknown name raises ``pydantic.ValidationError``, which is a ``ValueError``.
    """

    model_config = ConfigDict(strict=True, use_attribute_docstrings=True)

    level: Annotated[int, Field(ge=1, le=9)] | None = None
    """How hard to compress, 1 (fast) to 9 (small); ``None`` is what suits the codec.

    Default: 3 with zlib, which takes no longer than 1 for small messages; 6, what zlib starts from,
    takes half as much again to save 6 %. 1 with zlib-ng, which takes a quarter of that."""

    window_bits: WindowBits = WINDOW_BITS
    """Window of what this side sends, as a power of 2; a peer may ask for a smaller one. A
    compressor needs 4 times that much memory.

    Default: 12, 4 KiB. For messages of some KiB, 15 saves a fifth of the octets, and needs up to
    112 KiB more on each connection."""

    mem_level: Annotated[int, Field(ge=1, le=9)] = MEM_LEVEL
    """zlib's memory level, 1 to 9: a compressor needs 2**(level + 9) octets besides the window.

    Default: 4, which needs 8 KiB. 5 needs 16, and is a fifth faster from 4 KiB a message on."""

    context_takeover: bool | None = None
    """Whether what this side sends may refer to earlier messages. Without, no connection keeps a
    compressor: they are lent for each message.

    Default: ``None``, which is true with zlib, since small messages hardly get smaller by
    themselves: 128 octets of JSON to 86 %, and to 34 % with what came before. False with zlib-ng,
    whose compressors are so large that one for each connection costs more time than it saves."""

    peer_window_bits: WindowBits | None = None
    """Window to ask of the peer; this side needs that much memory to inflate. ``None`` on a server
    is 11; a client asks for nothing then.

    Default: ``None``, since it is the server that has many connections, and it is clients that send
    less."""

    peer_context_takeover: bool = True
    """Whether the peer may refer to earlier messages. False asks it not to; then no connection
    keeps what inflates them, either.

    Default: true, since what it sends would hardly get smaller, either."""

    min_size: Octets = 128
    """Octets of a message below which it is sent as it is.

    Default: 128, about what the headers of a TCP segment on its way take; below, compressing
    costs more time than everything else about a message, for little."""

    codec: Annotated[Literal["zlib", "zlib-ng"], AfterValidator(_installed)] = "zlib"
    """The library that compresses and inflates. ``"zlib-ng"`` needs ``wsproto-async[fast]``.

    Default: ``"zlib"``, Python's own, which needs nothing installed and sends the fewest octets.
    zlib-ng compresses four times as fast, at its level, and inflates twice as fast."""

    @property
    def _takes_over(self) -> bool:
        return self.codec == "zlib" if self.context_takeover is None else self.context_takeover

    def offers(self) -> list[PerMessageDeflateOffer]:
        """What a client offers: for ``per_message_compression_offers``.

        Where something is asked of the server that it may not be able to grant, the same without
        comes second (RFC 7692, section 5.2).
        """
        plain = PerMessageDeflateOffer(
            accept_no_context_takeover=not self._takes_over, max_window_bits=self.window_bits
        )
        if self.peer_context_takeover and self.peer_window_bits is None:
            return [plain]
        wanted = PerMessageDeflateOffer(
            accept_no_context_takeover=not self._takes_over,
            request_no_context_takeover=not self.peer_context_takeover,
            request_max_window_bits=self.peer_window_bits or 0,
            max_window_bits=self.window_bits,
        )
        return [wanted, plain]

    @overload
    def accept(
        self, offered: Sequence[PerMessageCompressOffer]
    ) -> PerMessageDeflateOfferAccept | None: ...
    @overload
    def accept(
        self, offered: PerMessageCompressResponse
    ) -> PerMessageDeflateResponseAccept | None: ...
    def accept(
        self, offered: Sequence[PerMessageCompressOffer] | PerMessageCompressResponse
    ) -> PerMessageDeflateOfferAccept | PerMessageDeflateResponseAccept | None:
        """Agree: for ``per_message_compression_accept``, on either side.

        Args:
            offered: on a server the client's offers, of which the first for permessage-deflate is
                taken; on a client what the server agreed to.

        Returns:
            None where there is no permessage-deflate in it.
        """
        if isinstance(offered, PerMessageDeflateResponse):
            return self._accept_response(offered)
        if not isinstance(offered, PerMessageCompressResponse):
            for offer in offered:
                if isinstance(offer, PerMessageDeflateOffer):
                    return self._accept_offer(offer)
        return None

    def _accept_offer(self, offer: PerMessageDeflateOffer) -> PerMessageDeflateOfferAccept:
        bits = PEER_WINDOW_BITS if self.peer_window_bits is None else self.peer_window_bits
        return PerMessageDeflateOfferAccept(
            offer,
            request_no_context_takeover=not self.peer_context_takeover or offer.no_context_takeover,
            request_max_window_bits=bits if offer.accept_max_window_bits else 0,
            no_context_takeover=None if self._takes_over else True,
            window_bits=_smaller(self.window_bits, offer.request_max_window_bits),
            mem_level=self.mem_level,
            level=self.level,
            min_size=self.min_size,
            codec=self.codec,
            announce=True,
        )

    def _accept_response(
        self, response: PerMessageDeflateResponse
    ) -> PerMessageDeflateResponseAccept:
        return PerMessageDeflateResponseAccept(
            response,
            no_context_takeover=None if self._takes_over else True,
            window_bits=_smaller(self.window_bits, response.client_max_window_bits),
            mem_level=self.mem_level,
            level=self.level,
            min_size=self.min_size,
            codec=self.codec,
        )


PEER_WINDOW_BITS = 11
"""What a server asks of clients, unless told otherwise."""


def _smaller(bits: int, limit: int) -> int:
    """``bits``, but not above what the peer asked for; 0 is nothing."""
    return min(bits, limit or bits)
