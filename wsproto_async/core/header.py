"""What the header of a frame must not say (RFC 6455, sections 5.1, 5.2, 5.4 and 5.5).

:class:`HeaderRules` is the part of the reader that knows the rules and what they depend on: which
side we are, whether a compression was agreed on, and whether a message has begun.

This file runs as it is, and compiled: header.pxd gives the types.
"""

from __future__ import annotations

from typing import Protocol

from ..errors import FrameError

__all__ = ["HeaderRules", "Inflater"]

Octets = bytes | bytearray | memoryview


class Inflater(Protocol):
    """What the reader needs of a compression that was agreed on (RFC 7692)."""

    def start_decompress_message(self) -> None:
        """A compressed message begins."""

    def decompress_message_data(self, data: bytes, max_output_len: int | None = None) -> bytes:
        """Inflate a piece; more than ``max_output_len`` octets raise PayloadExceededError."""

    def end_decompress_message(self) -> None:
        """The message is complete."""


class HeaderRules:
    """The rules for headers.

    Attributes:
        require_mask: a frame must be masked, for it is a client's.
        refuse_mask: it must not, for it is a server's.
        inflater: the compression that was agreed on, which allows RSV1.
        opcode: the type of the message that has begun; 0 is between messages.
        failed: the connection was failed: data is skipped, control frames still count.
        dropping: the rest of a message is skipped, because of a violation in it.
        lenient: the frame that comes has been found bad already, and is to be skipped.
    """

    def __init__(self) -> None:
        self.require_mask = False
        self.refuse_mask = False
        self.inflater: Inflater | None = None
        self.opcode = 0
        self.failed = False
        self.bad_header = False
        self.lenient = False
        self.dropping = False

    def check_header(self, first: int, masked: bool, length: int) -> None:
        """What the first two octets of a frame must not say, in the contract's order."""
        opcode = first & 0x0F
        if first & 0x70 and not (first & 0x70 == 0x40 and self.inflater is not None):
            self.refuse(f"reserved bits {first >> 4 & 7} are set and no extension uses them")
        if not masked:
            if self.require_mask:
                self.refuse("a client's frame is not masked")
        elif self.refuse_mask:
            self.refuse("a server's frame is masked")
        if opcode >= 8:
            self.check_control(first, opcode, length)
        elif opcode > 2:
            self.refuse(f"opcode {opcode} is reserved")
        elif opcode == 0:
            if self.opcode == 0 and not (self.failed or self.dropping):
                self.refuse("a continuation frame comes outside of a message")
            if first & 0x40:
                self.refuse("a continuation frame is marked as compressed")
        elif self.opcode:
            self.refuse("a message begins before the one before it has ended")

    def check_control(self, first: int, opcode: int, length: int) -> None:
        if first < 0x80:
            self.refuse("a control frame is fragmented")
        if length > 125:
            self.refuse("a control frame carries more than 125 octets")
        if opcode > 10:
            self.refuse(f"opcode {opcode} is reserved")
        if opcode == 8 and length == 1:
            self.refuse("a close frame carries half a close code")
        if first & 0x40:
            self.refuse("a control frame is marked as compressed")

    def long_length(self, p: Octets, pos: int) -> int:
        """A length in eight octets, bit 63 looked at first."""
        if p[pos] >= 0x80:
            self.refuse("a frame's length has its highest bit set")
        length = 0
        for i in range(8):
            length = length << 8 | p[pos + i]
        if length < 65536:
            self.refuse("a frame's length is encoded in more octets than it needs")
        return length

    def refuse(self, reason: str) -> None:
        """A header is a violation; it has not been consumed."""
        if self.lenient:
            return
        self.bad_header = True
        raise FrameError(reason)
