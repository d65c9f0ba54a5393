"""permessage-snappy: messages in Snappy's framing format.

A stream is a sequence of chunks, each with a type and a length, and begins with one that says what
it is. Chunks do not refer to each other: all that context takeover saves is that beginning. The
sizes are known before anything is inflated: a chunk of compressed data begins with its own.

The library, an extra, is imported with the first codec.
"""

from __future__ import annotations

from typing import ClassVar, Final

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
    "PerMessageSnappy",
    "PerMessageSnappyMixin",
    "PerMessageSnappyOffer",
    "PerMessageSnappyOfferAccept",
    "PerMessageSnappyResponse",
    "PerMessageSnappyResponseAccept",
]

IDENTIFIER: Final = b"\xff\x06\x00\x00sNaPpY"
"""The chunk that begins a stream. It may come again later."""

# Types of chunks. Those from SKIPPABLE on, but for the identifier, mean nothing to us.
COMPRESSED: Final = 0x00
PLAIN: Final = 0x01
SKIPPABLE: Final = 0x80

HEADER: Final = 4
"""Octets of the header of a chunk: its type, and the length of the rest."""
CHECKSUM: Final = 4
MOST: Final = 64 * 1024
"""Octets that a chunk may inflate to."""
LONGEST: Final = CHECKSUM + 32 + MOST + MOST // 6
"""Octets that a chunk of data may have: Snappy's own bound for data that does not compress."""


class PerMessageSnappyMixin:
    """What all classes of permessage-snappy share."""

    __slots__ = ()

    EXTENSION_NAME: ClassVar[str] = "permessage-snappy"


class PerMessageSnappyOffer(PerMessageSnappyMixin, TakeoverOffer):
    __doc__ = TakeoverOffer.__doc__


class PerMessageSnappyOfferAccept(PerMessageSnappyMixin, TakeoverOfferAccept):
    __doc__ = TakeoverOfferAccept.__doc__


class PerMessageSnappyResponse(PerMessageSnappyMixin, TakeoverResponse):
    __doc__ = TakeoverResponse.__doc__


class PerMessageSnappyResponseAccept(PerMessageSnappyMixin, TakeoverResponseAccept):
    __doc__ = TakeoverResponseAccept.__doc__


class PerMessageSnappy(PerMessageSnappyMixin, TakeoverCodec):
    """The codec of one connection.

    Args:
        is_server: which side it works for.
        server_no_context_takeover: whether each message of the server is a stream of its own.
        client_no_context_takeover: the same of the client.
    """

    __slots__ = ("_empty", "_error", "_identified", "_received", "_sent", "_snappy", "_to_skip")

    def __init__(
        self, is_server: bool, server_no_context_takeover: bool, client_no_context_takeover: bool
    ) -> None:
        from cramjam import DecompressionError, snappy

        super().__init__(is_server, server_no_context_takeover, client_no_context_takeover)
        self._snappy = snappy
        self._error = DecompressionError
        # Sending: whether the stream has been identified, and whether the message has nothing yet.
        self._sent = False
        self._empty = True
        # Receiving: the same, the beginning of a chunk, and octets that are left of a skipped one.
        self._identified = False
        self._received = bytearray()
        self._to_skip = 0

    def start_compress_message(self) -> None:
        """Begin a message to send."""
        self._empty = True
        if self.own_no_context_takeover:
            self._sent = False

    def compress_message_data(self, data: bytes) -> bytes:
        """Octets to send for this piece, which are whole chunks."""
        if not data:
            return b""
        octets = bytes(self._snappy.compress(data))
        if self._sent:
            octets = octets.removeprefix(IDENTIFIER)
        self._sent = True
        self._empty = False
        return octets

    def end_compress_message(self) -> bytes:
        """Nothing, unless the message is empty."""
        if not self._empty:
            return b""
        self._sent = True
        return IDENTIFIER

    def discard_compress_message(self) -> None:
        """The message that was compressed last is not sent: the next one has an identifier."""
        self._sent = False

    def sharing(self) -> EachAlone:
        """A message is compressed alike for everybody."""
        return SHARING

    def start_decompress_message(self) -> None:
        """Begin a message received."""
        self._received.clear()
        self._to_skip = 0
        if self.peer_no_context_takeover:
            self._identified = False

    def decompress_message_data(self, data: bytes, max_output_len: int | None = None) -> bytes:
        """Inflate a piece of a message; see the base class."""
        self._received += data
        chunks, size = self._take_chunks(max_output_len)
        if not chunks:
            return b""
        try:
            return bytes(self._snappy.decompress(IDENTIFIER + b"".join(chunks), output_len=size))
        except self._error as error:
            raise PayloadCorruptError(str(error)) from error

    def end_decompress_message(self) -> None:
        """End the message.

        Raises:
            PayloadCorruptError: its last chunk is not complete.
        """
        if self._received or self._to_skip:
            raise PayloadCorruptError("it is cut off")

    def _take_chunks(self, room: int | None) -> tuple[list[bytearray], int]:
        """Take the chunks of data that are complete, and how many octets they say to inflate to."""
        received, chunks = self._received, []
        size, position = 0, self._skip(0, self._to_skip)
        while len(received) - position >= HEADER:
            kind = received[position]
            length = int.from_bytes(received[position + 1 : position + HEADER], "little")
            self._check_header(kind, length)
            begin, end = position + HEADER, position + HEADER + length
            if kind >= SKIPPABLE and kind != IDENTIFIER[0]:
                position = self._skip(begin, length)
                continue
            if end > len(received):
                break
            if kind == IDENTIFIER[0]:
                if received[position:end] != IDENTIFIER:
                    raise PayloadCorruptError("stream identifier is wrong")
                self._identified = True
            else:
                size += self._announced(kind, received[begin + CHECKSUM : end])
                if room is not None and size > room:
                    raise PayloadExceededError(f"more than the {room} octets that may come")
                chunks.append(received[position:end])
            position = end
        del received[:position]
        return chunks, size

    def _skip(self, position: int, length: int) -> int:
        """Leave octets out, also those that are still to come; returns the position behind."""
        there = min(length, len(self._received) - position)
        self._to_skip = length - there
        return position + there

    def _check_header(self, kind: int, length: int) -> None:
        """Refuse what the header of a chunk must not say, before the rest of it is collected."""
        if not self._identified and kind != IDENTIFIER[0]:
            raise PayloadCorruptError("stream does not begin with its identifier")
        if PLAIN < kind < SKIPPABLE:
            raise PayloadCorruptError(f"chunk has the reserved type {kind:#04x}")
        if kind == IDENTIFIER[0] and length != len(IDENTIFIER) - HEADER:
            raise PayloadCorruptError(f"stream identifier of {length} octets")
        if kind <= PLAIN and not CHECKSUM <= length <= LONGEST:
            raise PayloadCorruptError(f"chunk of {length} octets")

    def _announced(self, kind: int, content: bytearray) -> int:
        """Octets that a chunk says to inflate to; its content is what is behind the checksum."""
        size = len(content)
        if kind == COMPRESSED:
            try:
                size = self._snappy.decompress_raw_len(content[:5])
            except self._error as error:
                raise PayloadCorruptError(str(error)) from error
        if size > MOST:
            raise PayloadCorruptError(f"chunk that inflates to {size} octets")
        return size


SHARING: Final = EachAlone(lambda: PerMessageSnappy(True, True, True))

EXTENSION: Final[PerMessageCompressExtension] = {
    "Offer": PerMessageSnappyOffer,
    "OfferAccept": PerMessageSnappyOfferAccept,
    "Response": PerMessageSnappyResponse,
    "ResponseAccept": PerMessageSnappyResponseAccept,
    "PMCE": PerMessageSnappy,
}
