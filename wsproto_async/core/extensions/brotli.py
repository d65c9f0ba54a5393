"""permessage-brotli: each message is one Brotli stream (RFC 7932), whatever was agreed on.

The library, an extra, is imported with the first codec.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from ...errors import PayloadCorruptError, PayloadExceededError
from .base import EachAlone, PerMessageCompressExtension
from .takeover import (
    TakeoverCodec,
    TakeoverOffer,
    TakeoverOfferAccept,
    TakeoverResponse,
    TakeoverResponseAccept,
)

__all__ = [
    "PerMessageBrotli",
    "PerMessageBrotliMixin",
    "PerMessageBrotliOffer",
    "PerMessageBrotliOfferAccept",
    "PerMessageBrotliResponse",
    "PerMessageBrotliResponseAccept",
]

QUALITY: Final = 4
"""Compresses better than zlib at level 6 in up to twice its time; Brotli's own 11 takes a hundred
times as long as 4."""

WINDOW_BITS: Final = 18
"""Brotli's own 22 makes messages of less than 256 KiB no smaller, and takes more memory."""

STEP: Final = 64 * 1024
"""Octets that are inflated in one go, where there is a limit. Brotli may go some over it."""


class PerMessageBrotliMixin:
    """What all classes of permessage-brotli share."""

    __slots__ = ()

    EXTENSION_NAME: ClassVar[str] = "permessage-brotli"


class PerMessageBrotliOffer(PerMessageBrotliMixin, TakeoverOffer):
    __doc__ = TakeoverOffer.__doc__


class PerMessageBrotliOfferAccept(PerMessageBrotliMixin, TakeoverOfferAccept):
    __doc__ = TakeoverOfferAccept.__doc__


class PerMessageBrotliResponse(PerMessageBrotliMixin, TakeoverResponse):
    __doc__ = TakeoverResponse.__doc__


class PerMessageBrotliResponseAccept(PerMessageBrotliMixin, TakeoverResponseAccept):
    __doc__ = TakeoverResponseAccept.__doc__


class PerMessageBrotli(PerMessageBrotliMixin, TakeoverCodec):
    """The codec of one connection.

    Args:
        is_server: which side it works for.
        server_no_context_takeover: as agreed on; it changes nothing.
        client_no_context_takeover: as agreed on; it changes nothing.
    """

    __slots__ = ("_brotli", "_compressor", "_decompressor")

    def __init__(
        self, is_server: bool, server_no_context_takeover: bool, client_no_context_takeover: bool
    ) -> None:
        import brotli

        super().__init__(is_server, server_no_context_takeover, client_no_context_takeover)
        self._brotli: Any = brotli
        # Both are those of a message that has begun and has not ended.
        self._compressor: Any = None
        self._decompressor: Any = None

    def start_compress_message(self) -> None:
        """Begin a message to send."""
        self._compressor = self._brotli.Compressor(quality=QUALITY, lgwin=WINDOW_BITS)

    def compress_message_data(self, data: bytes) -> bytes:
        """Octets to send for this piece; Brotli collects, so that there may be none yet."""
        octets: bytes = self._compressor.process(data)
        return octets

    def end_compress_message(self) -> bytes:
        """Octets that complete the message; at least one."""
        octets: bytes = self._compressor.finish()
        self._compressor = None
        return octets

    def sharing(self) -> EachAlone:
        """A message is compressed alike for everybody."""
        return SHARING

    def start_decompress_message(self) -> None:
        """Begin a message received."""
        self._decompressor = self._brotli.Decompressor()

    def decompress_message_data(self, data: bytes, max_output_len: int | None = None) -> bytes:
        """Inflate a piece of a message; see the base class."""
        if not data:
            return b""
        # Brotli fills its window, up to 16 MiB of it, before it looks at the limit. So it is let go
        # of unless all goes well.
        decompressor, self._decompressor = self._decompressor, None
        assert decompressor is not None, "start_decompress_message() comes first"
        try:
            octets = _inflate(decompressor, data, max_output_len)
        except self._brotli.error as error:
            raise PayloadCorruptError(str(error)) from error
        self._decompressor = decompressor
        return octets

    def end_decompress_message(self) -> None:
        """End the message.

        Raises:
            PayloadCorruptError: its stream is not complete.
        """
        decompressor, self._decompressor = self._decompressor, None
        assert decompressor is not None, "start_decompress_message() comes first"
        if not decompressor.is_finished():
            raise PayloadCorruptError("it is cut off")


def _inflate(decompressor: Any, data: bytes, room: int | None) -> bytes:
    """Inflate some octets, no more than ``room`` (PayloadExceededError)."""
    if room is None:
        everything: bytes = decompressor.process(data)
        return everything
    pieces: list[bytes] = []
    size = 0
    while True:
        # One octet beyond the limit shows that there is more.
        most = min(room - size + 1, STEP)
        octets = decompressor.process(data, output_buffer_limit=most)
        size += len(octets)
        if size > room:
            raise PayloadExceededError(f"more than the {room} octets that may come")
        pieces.append(octets)
        # can_accept_more_data() does not tell: there may be more to come out all the same.
        if len(octets) < most:
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)
        data = b""  # Brotli keeps what it has not come to


SHARING: Final = EachAlone(lambda: PerMessageBrotli(True, True, True))

EXTENSION: Final[PerMessageCompressExtension] = {
    "Offer": PerMessageBrotliOffer,
    "OfferAccept": PerMessageBrotliOfferAccept,
    "Response": PerMessageBrotliResponse,
    "ResponseAccept": PerMessageBrotliResponseAccept,
    "PMCE": PerMessageBrotli,
}
