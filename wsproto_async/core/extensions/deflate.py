"""permessage-deflate (RFC 7692, section 7.2): the codec.

A message is compressed to a piece of one endless DEFLATE stream per direction. It ends with an
empty block, whose last four octets are not sent (:data:`TAIL`).
"""

from __future__ import annotations

import zlib
from typing import Final, Self

from ...errors import PayloadCorruptError, PayloadExceededError, check_type
from .base import (
    PerMessageCompress,
    PerMessageCompressOfferAccept,
    PerMessageCompressResponseAccept,
)
from .deflate_negotiation import (
    PerMessageDeflateMixin,
    PerMessageDeflateOfferAccept,
    PerMessageDeflateResponseAccept,
)
from .zlibs import (
    MEM_LEVEL,
    TAIL,
    WINDOW_BITS,
    Deflater,
    Deflating,
    Inflater,
    deflating,
    library,
    trimmed,
)

__all__ = ["PerMessageDeflate"]

LAST_BLOCK: Final = b"\x03\x00"
"""An empty block that says to be the last one."""

SLICE: Final = 16 * 1024
"""Octets that are inflated in one go. zlib copies what it leaves, which gets slow with a peer that
ends the stream at every second octet."""


class PerMessageDeflate(PerMessageDeflateMixin, PerMessageCompress):
    """The codec of one connection. What it needs of zlib is made when it is needed.

    Args:
        is_server: which side it works for.
        server_no_context_takeover: whether the server compresses each message by itself.
        client_no_context_takeover: the same of the client.
        server_max_window_bits: window of what the server sends, 8 to 15; 0 is 15 at most, of which
            this side uses 12 for what it sends itself.
        client_max_window_bits: the same of the client.
        mem_level: zlib's memory level for compressing, 1 to 9; None or 0 is 8 at most, of which 4
            are used.
        max_message_size: octets a message may inflate to; None or 0 is any number.
        level: 1 to 9; None is what suits the library.
        min_size: smaller messages go uncompressed.
        codec: the library, ``"zlib"`` or ``"zlib-ng"``.

    Raises:
        OptionError: the library is not installed.
    """

    __slots__ = (
        "_deflater",
        "_deflating",
        "_fed",
        "_inflated",
        "_inflater",
        "_receives_alone",
        "_sends_alone",
        "client_max_window_bits",
        "client_no_context_takeover",
        "codec",
        "is_server",
        "max_message_size",
        "mem_level",
        "min_size",
        "server_max_window_bits",
        "server_no_context_takeover",
    )

    _FIELDS = (
        "is_server",
        "server_no_context_takeover",
        "client_no_context_takeover",
        "server_max_window_bits",
        "client_max_window_bits",
        "mem_level",
    )

    def __init__(
        self,
        is_server: bool,
        server_no_context_takeover: bool,
        client_no_context_takeover: bool,
        server_max_window_bits: int,
        client_max_window_bits: int,
        mem_level: int | None,
        max_message_size: int | None = None,
        *,
        level: int | None = None,
        min_size: int = 0,
        codec: str = "zlib",
    ) -> None:
        self.is_server = is_server
        self.server_no_context_takeover = server_no_context_takeover
        self.client_no_context_takeover = client_no_context_takeover
        self.server_max_window_bits = server_max_window_bits or self.DEFAULT_WINDOW_BITS
        self.client_max_window_bits = client_max_window_bits or self.DEFAULT_WINDOW_BITS
        self.mem_level = mem_level or self.DEFAULT_MEM_LEVEL
        self.max_message_size = max_message_size
        self.min_size = min_size
        self.codec = codec
        client_side = (client_no_context_takeover, client_max_window_bits)
        server_side = (server_no_context_takeover, server_max_window_bits)
        self._receives_alone, _ = client_side if is_server else server_side
        self._sends_alone, bits = server_side if is_server else client_side
        self._deflating: Deflating = deflating(
            codec, level, bits or WINDOW_BITS, mem_level or MEM_LEVEL
        )
        self._deflater: Deflater | None = None
        # None is between two streams: the next octet begins one.
        self._inflater: Inflater | None = None
        # Of the message that is being inflated: whether anything came, and octets it gave.
        self._fed = False
        self._inflated = 0

    @classmethod
    def create_from_offer_accept(
        cls, is_server: bool, accept: PerMessageCompressOfferAccept
    ) -> Self:
        """The server's codec for what it agreed to."""
        check_type("accept", accept, PerMessageDeflateOfferAccept)
        assert isinstance(accept, PerMessageDeflateOfferAccept)
        alone, bits = accept.no_context_takeover, accept.window_bits
        return cls(
            is_server,
            accept.offer.request_no_context_takeover if alone is None else alone,
            accept.request_no_context_takeover,
            accept.offer.request_max_window_bits if bits is None else bits,
            accept.request_max_window_bits,
            accept.mem_level,
            accept.max_message_size,
            level=accept.level,
            min_size=accept.min_size,
            codec=accept.codec,
        )

    @classmethod
    def create_from_response_accept(
        cls, is_server: bool, accept: PerMessageCompressResponseAccept
    ) -> Self:
        """The client's codec for what it agreed to."""
        check_type("accept", accept, PerMessageDeflateResponseAccept)
        assert isinstance(accept, PerMessageDeflateResponseAccept)
        response, alone, bits = accept.response, accept.no_context_takeover, accept.window_bits
        return cls(
            is_server,
            response.server_no_context_takeover,
            response.client_no_context_takeover if alone is None else alone,
            response.server_max_window_bits,
            response.client_max_window_bits if bits is None else bits,
            accept.mem_level,
            accept.max_message_size,
            level=accept.level,
            min_size=accept.min_size,
            codec=accept.codec,
        )

    # --- compressing --------------------------------------------------------------------------

    def start_compress_message(self) -> None:
        """Begin a message to send."""
        if self._deflater is None:
            self._deflater = (
                self._deflating.borrow() if self._sends_alone else self._deflating.new()
            )

    def compress_message_data(self, data: bytes) -> bytes:
        """Octets to send for this piece; zlib collects, so that there may be none yet."""
        assert self._deflater is not None, "start_compress_message() comes first"
        return self._deflater.compress(data)

    def end_compress_message(self) -> bytes:
        """Octets that complete the message; at least one."""
        deflater = self._deflater
        assert deflater is not None, "start_compress_message() comes first"
        if self._sends_alone:
            self._deflater = None
            return self._deflating.finish(deflater)
        return trimmed(deflater.flush(zlib.Z_SYNC_FLUSH))

    def discard_compress_message(self) -> None:
        """What is compressed from here on refers to nothing before."""
        self._deflater = None

    def sharing(self) -> Deflating:
        """How to compress a message for all connections with the same way of compressing."""
        return self._deflating

    # --- inflating ----------------------------------------------------------------------------

    def start_decompress_message(self) -> None:
        """Begin a message received."""
        self._fed = False
        self._inflated = 0

    def decompress_message_data(self, data: bytes, max_output_len: int | None = None) -> bytes:
        """Inflate a piece of a message; see the base class.

        ``max_message_size`` limits all pieces of a message together.
        """
        if not data:
            return b""
        self._fed = True
        room = max_output_len
        if self.max_message_size:
            left = self.max_message_size - self._inflated
            room = left if room is None else min(room, left)
        octets = self._inflate(data, room)
        self._inflated += len(octets)
        return octets

    def end_decompress_message(self) -> None:
        """End the message.

        Raises:
            PayloadCorruptError: it is not complete.
        """
        # Without any octet it is empty: senders that flush zlib twice do that.
        if self._fed and self._inflater is not None:
            self._end_inflating(self._inflater)
        if self._receives_alone:
            self._inflater = None

    def _inflate(self, data: bytes, room: int | None) -> bytes:
        """Inflate some octets, no more than ``room`` (PayloadExceededError)."""
        pieces: list[bytes] = []
        size = position = 0
        while position < len(data):
            if self._inflater is None:
                self._inflater = self._new_inflater()
            piece = data[position : position + SLICE]
            position += len(piece)
            # One octet beyond the limit shows that there is more; 0 would be no limit.
            octets = self._take(self._inflater, piece, 0 if room is None else room - size + 1)
            size += len(octets)
            if room is not None and size > room:
                limit = self._inflated + room
                raise PayloadExceededError(f"message inflates to more than {limit} octets")
            if octets:
                pieces.append(octets)
            if self._inflater.eof:
                # Its last block said so (BFINAL): the next one begins a new stream.
                position -= len(self._inflater.unused_data)
                self._inflater = None
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _new_inflater(self) -> Inflater:
        bits = self.client_max_window_bits if self.is_server else self.server_max_window_bits
        inflater: Inflater = library(self.codec).module.decompressobj(-bits)
        return inflater

    def _take(self, inflater: Inflater, data: bytes, max_length: int) -> bytes:
        try:
            return inflater.decompress(data, max_length)
        except (library(self.codec).module.error, ValueError) as error:
            raise PayloadCorruptError(str(error)) from error

    def _end_inflating(self, inflater: Inflater) -> None:
        """Check that a stream stands between two blocks, once the end of the message is put back.

        Only there does an empty last block end it. Of a stream that goes on, a copy is given it.
        """
        more = self._take(inflater, TAIL, 1)
        probe = inflater
        if not (more or inflater.eof):
            if not self._receives_alone:
                probe = inflater.copy()
            more = self._take(probe, LAST_BLOCK, 1)
            if not more and probe.eof and not probe.unused_data:
                return
        raise PayloadCorruptError("it is cut off")
