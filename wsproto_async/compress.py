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
:class:`Deflate` has one that serves for either; ``serve`` and ``connect`` take it, or whatever else
is a :class:`Compression`, as ``compression=``::

    ServerOptions(per_message_compression_accept=Deflate().accept)
    ClientOptions(
        per_message_compression_offers=Deflate().offers(),
        per_message_compression_accept=Deflate().accept,
    )
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, NoReturn, Protocol, overload, runtime_checkable

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
from .deflate import Deflate

__all__ = [
    "PERMESSAGE_COMPRESSION_EXTENSION",
    "Compression",
    "Deflate",
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


@runtime_checkable
class Compression(Protocol):
    """A compression that an application wants: what ``serve`` and ``connect`` take."""

    def offers(self) -> Sequence[PerMessageCompressOffer]:
        """What a client offers, what is preferred first."""

    def accept(self, offered: Any, /) -> Any:
        """Agree: on a server to one of a list of offers, on a client to a response.

        Returns:
            None: to none of them.
        """


_DEFAULT: Final = Deflate()


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
    """Accept permessage-deflate as ``Deflate()`` does: for ``per_message_compression_accept``.

    Args:
        offered: on a server the client's offers, of which the first that can be accepted is; on a
            client what the server agreed to.

    Returns:
        None where no permessage-deflate is among what was offered.
    """
    return _DEFAULT.accept(offered)
