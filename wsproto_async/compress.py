"""Per-message compression (RFC 7692): what an extension is made of, and which ones there are.

An extension consists of five classes. Three of them negotiate for the two ends::

    client                                          server
    Offer ------ get_extension_string() ----------> Offer.parse()
                                                    OfferAccept(offer): what the server agrees to
    Response.parse() <--- get_extension_string() -- OfferAccept
    ResponseAccept(response): the client agrees

and from ``OfferAccept`` (server) or ``ResponseAccept`` (client) the codec is made, which runs for
the rest of the connection. permessage-deflate is there; to add an extension, derive from the bases
and enter its classes in :data:`PERMESSAGE_COMPRESSION_EXTENSION`.

Both applications say what they want by functions, the options ``per_message_compression_accept``.
:func:`accept_deflate` is one that serves for either::

    ServerOptions(per_message_compression_accept=accept_deflate)
    ClientOptions(
        per_message_compression_offers=[PerMessageDeflateOffer()],
        per_message_compression_accept=accept_deflate,
    )
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypedDict, overload

from .core.extensions.base import (
    PerMessageCompress,
    PerMessageCompressOffer,
    PerMessageCompressOfferAccept,
    PerMessageCompressResponse,
    PerMessageCompressResponseAccept,
)
from .core.extensions.deflate import PerMessageDeflate
from .core.extensions.deflate_negotiation import (
    PerMessageDeflateMixin,
    PerMessageDeflateOffer,
    PerMessageDeflateOfferAccept,
    PerMessageDeflateResponse,
    PerMessageDeflateResponseAccept,
)

__all__ = [
    "PERMESSAGE_COMPRESSION_EXTENSION",
    "PerMessageCompress",
    "PerMessageCompressExtension",
    "PerMessageCompressOffer",
    "PerMessageCompressOfferAccept",
    "PerMessageCompressResponse",
    "PerMessageCompressResponseAccept",
    "PerMessageDeflate",
    "PerMessageDeflateMixin",
    "PerMessageDeflateOffer",
    "PerMessageDeflateOfferAccept",
    "PerMessageDeflateResponse",
    "PerMessageDeflateResponseAccept",
    "accept_deflate",
]


class PerMessageCompressExtension(TypedDict):
    """The classes of an extension."""

    Offer: type[PerMessageCompressOffer]
    OfferAccept: type[PerMessageCompressOfferAccept]
    Response: type[PerMessageCompressResponse]
    ResponseAccept: type[PerMessageCompressResponseAccept]
    PMCE: type[PerMessageCompress]


PERMESSAGE_COMPRESSION_EXTENSION: Final[dict[str, PerMessageCompressExtension]] = {
    PerMessageDeflate.EXTENSION_NAME: {
        "Offer": PerMessageDeflateOffer,
        "OfferAccept": PerMessageDeflateOfferAccept,
        "Response": PerMessageDeflateResponse,
        "ResponseAccept": PerMessageDeflateResponseAccept,
        "PMCE": PerMessageDeflate,
    }
}
"""The extensions that can be negotiated: lower-case name on the wire -> its classes."""

WINDOW_BITS = 12
MEM_LEVEL = 4
"""With these, a connection that has compressed and inflated needs some 35 KiB for it; zlib's own
values, 15 and 8, would make it 300."""


@overload
def accept_deflate(
    offered: Sequence[PerMessageCompressOffer],
) -> PerMessageDeflateOfferAccept | None: ...
@overload
def accept_deflate(
    offered: PerMessageCompressResponse,
) -> PerMessageDeflateResponseAccept | None: ...
def accept_deflate(
    offered: Sequence[PerMessageCompressOffer] | PerMessageCompressResponse,
) -> PerMessageDeflateOfferAccept | PerMessageDeflateResponseAccept | None:
    """Accept permessage-deflate with little memory: for ``per_message_compression_accept``.

    Args:
        offered: on a server the client's offers, of which the first that can be accepted is; on a
            client what the server agreed to.

    Returns:
        A window of 12 bits at most, for what is sent and, where the client can be asked for it,
        for what the server receives; None where no permessage-deflate is among what was offered.
    """
    if isinstance(offered, PerMessageDeflateResponse):
        bits = min(offered.client_max_window_bits or WINDOW_BITS, WINDOW_BITS)
        return PerMessageDeflateResponseAccept(offered, window_bits=bits, mem_level=MEM_LEVEL)
    if isinstance(offered, PerMessageCompressResponse):
        return None
    for offer in offered:
        if isinstance(offer, PerMessageDeflateOffer):
            request = min(offer.max_window_bits or WINDOW_BITS, WINDOW_BITS)
            return PerMessageDeflateOfferAccept(
                offer,
                request_max_window_bits=request if offer.accept_max_window_bits else 0,
                window_bits=min(offer.request_max_window_bits or WINDOW_BITS, WINDOW_BITS),
                mem_level=MEM_LEVEL,
            )
    return None
