"""Per-message compression (RFC 7692): what an extension is made of, and which ones there are.

An extension consists of five classes. Three of them negotiate for the two ends::

    client                                          server
    Offer ------ get_extension_string() ----------> Offer.parse()
                                                    OfferAccept(offer): what the server agrees to
    Response.parse() <--- get_extension_string() -- OfferAccept
    ResponseAccept(response): the client agrees

and from ``OfferAccept`` (server) or ``ResponseAccept`` (client) the codec is made, which runs for
the rest of the connection. permessage-deflate is always there, others where their libraries are:

====================  =============================
permessage-bzip2      bz2 of the standard library
permessage-snappy     ``wsproto-async[snappy]``
permessage-brotli     ``wsproto-async[brotli]``
====================  =============================

To add an extension, derive from the bases and enter its classes in
:data:`PERMESSAGE_COMPRESSION_EXTENSION`.

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
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, NoReturn, overload

from .core.extensions.base import (
    PerMessageCompress,
    PerMessageCompressExtension,
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

# Those whose library is there; it is imported with the first codec.
if TYPE_CHECKING or find_spec("_bz2"):
    from .core.extensions import bzip2 as _bzip2
    from .core.extensions.bzip2 import *  # noqa: F403

    __all__ += _bzip2.__all__
    PERMESSAGE_COMPRESSION_EXTENSION[_bzip2.PerMessageBzip2.EXTENSION_NAME] = _bzip2.EXTENSION

if TYPE_CHECKING or find_spec("cramjam"):
    from .core.extensions import snappy as _snappy
    from .core.extensions.snappy import *  # noqa: F403

    __all__ += _snappy.__all__
    PERMESSAGE_COMPRESSION_EXTENSION[_snappy.PerMessageSnappy.EXTENSION_NAME] = _snappy.EXTENSION

if TYPE_CHECKING or find_spec("brotli"):
    from .core.extensions import brotli as _brotli
    from .core.extensions.brotli import *  # noqa: F403

    __all__ += _brotli.__all__
    PERMESSAGE_COMPRESSION_EXTENSION[_brotli.PerMessageBrotli.EXTENSION_NAME] = _brotli.EXTENSION

if not TYPE_CHECKING:

    def __getattr__(name: str) -> NoReturn:
        """Say what to install, where a class is missing with its library."""
        for begin, remedy in _REMEDIES.items():
            if name.startswith(begin):
                raise ImportError(f"{name} is not there without {remedy}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_REMEDIES: Final = {
    "PerMessageBzip2": "the standard library's bz2, which this Python was built without",
    "PerMessageSnappy": "cramjam: pip install 'wsproto-async[snappy]'",
    "PerMessageBrotli": "brotli: pip install 'wsproto-async[brotli]'",
}

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
